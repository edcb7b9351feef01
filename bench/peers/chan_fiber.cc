// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/chan_fiber.cc: Boost.Fiber's channels between the main fibers of threads.

#include "object.h"

#include "../chan.h"

#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/unbuffered_channel.hpp>

// ---- buffered ----

typedef boost::fibers::buffered_channel<uintptr_t> fiber_chan;

// Sizes are powers of two, of which one place stays empty: 1, 127 and 2047 values fit where
// 1, 100 and 1024 are asked for.
static fiber_chan *fiber_chan_open(size_t capacity)
{
    size_t size = 2;

    while (size <= capacity)
        size *= 2;
    return bench_new<fiber_chan>(size);
}

static inline bool fiber_chan_send(fiber_chan *chan, uintptr_t value)
{
    return chan->push(value) == boost::fibers::channel_op_status::success;
}

static inline bool fiber_chan_recv(fiber_chan *chan, uintptr_t *value)
{
    return chan->pop(*value) == boost::fibers::channel_op_status::success;
}

static void fiber_chan_close(fiber_chan *chan)
{
    chan->close();
}

#define CHAN fiber_chan
#define CHAN_LABEL "Boost.Fiber channel"
#define CHAN_CLASS BENCH_SPINS, BENCH_FIFO, true
#define CHAN_NOTE "between threads, one fiber each; capacities 127 and 2047 for 100 and 1024"
#define CHAN_ONE
#define CHAN_MANY
#define CHAN_SPSC
#define CHAN_MPSC
#include "../chan.h"

// ---- unbuffered ----

typedef boost::fibers::unbuffered_channel<uintptr_t> fiber_meeting;

static fiber_meeting *fiber_meeting_open(size_t)
{
    return bench_new<fiber_meeting>();
}

static inline bool fiber_meeting_send(fiber_meeting *chan, uintptr_t value)
{
    return chan->push(value) == boost::fibers::channel_op_status::success;
}

static inline bool fiber_meeting_recv(fiber_meeting *chan, uintptr_t *value)
{
    return chan->pop(*value) == boost::fibers::channel_op_status::success;
}

static void fiber_meeting_close(fiber_meeting *chan)
{
    chan->close();
}

#define CHAN fiber_meeting
#define CHAN_LABEL "Boost.Fiber channel"
#define CHAN_CLASS BENCH_SPINS, BENCH_FIFO, true
#define CHAN_NOTE "between threads, one fiber each"
#define CHAN_RENDEZVOUS
#include "../chan.h"
