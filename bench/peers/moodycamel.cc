// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/moodycamel.cc: ConcurrentQueue with tokens and bulk operations, and
// ReaderWriterQueue. Either may be missing.

#include "object.h"

#if __has_include(<concurrentqueue/moodycamel/concurrentqueue.h>)
#include <concurrentqueue/moodycamel/concurrentqueue.h>
#define HAVE_CONCURRENTQUEUE 1
#elif __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>
#define HAVE_CONCURRENTQUEUE 1
#endif

#if __has_include(<readerwriterqueue/readerwriterqueue.h>)
#include <readerwriterqueue/readerwriterqueue.h>
#define HAVE_READERWRITERQUEUE 1
#elif __has_include(<readerwriterqueue.h>)
#include <readerwriterqueue.h>
#define HAVE_READERWRITERQUEUE 1
#endif

#ifdef HAVE_CONCURRENTQUEUE

typedef moodycamel::ConcurrentQueue<uintptr_t> moody;

struct moody_local {
    moodycamel::ProducerToken *in;
    moodycamel::ConsumerToken *out;
};

static moody *moody_open(size_t capacity, unsigned producers, unsigned)
{
    return bench_new<moody>(capacity, producers + 1, 0);
}

static void moody_enter(moody *queue, moody_local *local, unsigned)
{
    local->in = new moodycamel::ProducerToken(*queue);
    local->out = new moodycamel::ConsumerToken(*queue);
}

static void moody_leave(moody *, moody_local *local)
{
    delete local->in;
    delete local->out;
}

static inline bool moody_put(moody *queue, moody_local *local, uintptr_t value)
{
    return queue->enqueue(*local->in, value);
}

static inline bool moody_get(moody *queue, moody_local *local, uintptr_t *value)
{
    return queue->try_dequeue(*local->out, *value);
}

static inline size_t moody_put_n(moody *queue, moody_local *local, const uintptr_t *values,
                                 size_t n)
{
    return queue->enqueue_bulk(*local->in, values, n) ? n : 0;
}

static inline size_t moody_get_n(moody *queue, moody_local *local, uintptr_t *values, size_t n)
{
    return queue->try_dequeue_bulk(*local->out, values, n);
}

#define QUEUE moody
#define QUEUE_LABEL "moodycamel"
#define QUEUE_CLASS BENCH_LOCK_FREE, BENCH_PER_PRODUCER, false
#define QUEUE_NOTE "ConcurrentQueue with tokens; no order between producers; allocates"
#define QUEUE_MPMC
#define QUEUE_UNBOUNDED
#define QUEUE_MPSC
#define QUEUE_BATCH
#include "../queue.h"

#endif

#ifdef HAVE_READERWRITERQUEUE

typedef moodycamel::ReaderWriterQueue<uintptr_t> reader_writer;

static reader_writer *reader_writer_open(size_t capacity, unsigned, unsigned)
{
    return bench_new<reader_writer>(capacity);
}

static inline bool reader_writer_put(reader_writer *queue, void *, uintptr_t value)
{
    return queue->try_enqueue(value);
}

static inline bool reader_writer_get(reader_writer *queue, void *, uintptr_t *value)
{
    return queue->try_dequeue(*value);
}

#define QUEUE reader_writer
#define QUEUE_LABEL "moodycamel RWQ"
#define QUEUE_CLASS BENCH_WAIT_FREE, BENCH_FIFO, true
#define QUEUE_NOTE "ReaderWriterQueue, try_enqueue: never allocates"
#define QUEUE_PLAIN
#define QUEUE_SPSC
#include "../queue.h"

#endif
