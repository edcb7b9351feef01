/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/chan.c: the channels of weir/chan.h: for anybody, and the two special shapes. */

#include "chan.h"

#include <weir/chan.h>

WEIR_CHAN_DEFINE(our_words, uintptr_t);

static our_words *our_words_open(size_t capacity, weir_chan_shape shape)
{
    const weir_chan_options options = {shape, NULL, NULL};
    our_words *chan = NULL;

    return our_words_new(&chan, capacity == CHAN_ENDLESS ? WEIR_CHAN_UNBOUNDED : capacity,
                         &options) == 0
               ? chan
               : NULL;
}

/* A type P and the operations that bench/chan.h wants of it, on a channel of a shape. */
#define SHAPED(P, shape)                                             \
    typedef our_words P;                                             \
                                                                     \
    static P *P##_open(size_t capacity)                              \
    {                                                                \
        return our_words_open(capacity, shape);                      \
    }                                                                \
                                                                     \
    static inline bool P##_send(P *chan, uintptr_t value)            \
    {                                                                \
        return our_words_send(chan, value, WEIR_FOREVER, NULL) == 0; \
    }                                                                \
                                                                     \
    static inline bool P##_recv(P *chan, uintptr_t *value)           \
    {                                                                \
        return our_words_recv(chan, value, WEIR_FOREVER, NULL) == 0; \
    }                                                                \
                                                                     \
    static void P##_close(P *chan)                                   \
    {                                                                \
        (void)our_words_close(chan, WEIR_CHAN_DRAIN);                \
    }

SHAPED(our_any, WEIR_CHAN_MPMC)
SHAPED(our_one, WEIR_CHAN_SPSC)
SHAPED(our_few, WEIR_CHAN_MPSC)

#define CHAN our_any
#define CHAN_LABEL "weir chan"
#define CHAN_CLASS BENCH_BLOCKING, BENCH_FIFO, true
#define CHAN_NOTE "any senders and receivers; a rendezvous is under a lock of some instructions"
#define CHAN_FLAGS BENCH_OURS
#define CHAN_RENDEZVOUS
#define CHAN_ONE
#define CHAN_MANY
#define CHAN_UNBOUNDED
#include "chan.h"

#define CHAN our_one
#define CHAN_LABEL "weir chan, SPSC"
#define CHAN_CLASS BENCH_BLOCKING, BENCH_FIFO, true
#define CHAN_NOTE "one sender and one receiver: made of plain stores"
#define CHAN_FLAGS BENCH_OURS
#define CHAN_SPSC
#include "chan.h"

#define CHAN our_few
#define CHAN_LABEL "weir chan, MPSC"
#define CHAN_CLASS BENCH_BLOCKING, BENCH_FIFO, true
#define CHAN_NOTE "one receiver"
#define CHAN_FLAGS BENCH_OURS
#define CHAN_MPSC
#include "chan.h"
