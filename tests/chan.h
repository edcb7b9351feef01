/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/chan.h: what the tests of channels and of select share: the kinds of channels, threads
 * that do one operation, and a count of what was dropped.
 *
 * No verdict depends on a time: where one thread has to block first, the other looks at
 * weir_chan_receivers_approx() and weir_chan_senders_approx() until it does. */

#ifndef WEIR_TESTS_CHAN_H
#define WEIR_TESTS_CHAN_H

#include "test.h"

#include <weir/atomic.h>
#include <weir/cancel.h>
#include <weir/chan.h>
#include <weir/select.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#define MS UINT64_C(1000000)
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- channels ---- */

typedef struct chan_kind {
    size_t capacity;
    weir_chan_shape shape;
} chan_kind;

static const chan_kind chan_kinds[] = {
    {WEIR_CHAN_RENDEZVOUS, WEIR_CHAN_MPMC},
    {1, WEIR_CHAN_MPMC},
    {2, WEIR_CHAN_MPMC},
    {7, WEIR_CHAN_MPMC},
    {1, WEIR_CHAN_MPSC},
    {3, WEIR_CHAN_MPSC},
    {1, WEIR_CHAN_SPSC},
    {3, WEIR_CHAN_SPSC},
    {1, WEIR_CHAN_FAIR},
    {3, WEIR_CHAN_FAIR},
    {WEIR_CHAN_UNBOUNDED, WEIR_CHAN_MPMC},
};

/* A channel of words. */
static inline weir_chan *chan_begin(size_t capacity)
{
    weir_chan *chan = NULL;

    CHECK_EQ(weir_chan_new(&chan, sizeof(uint64_t), capacity, NULL), 0);
    return chan;
}

static inline weir_chan *chan_begin_kind(const chan_kind *kind)
{
    weir_chan_options options;
    weir_chan *chan = NULL;

    memset(&options, 0, sizeof options);
    options.shape = kind->shape;
    CHECK_EQ(weir_chan_new(&chan, sizeof(uint64_t), kind->capacity, &options), 0);
    return chan;
}

static inline void chan_end(weir_chan *chan)
{
    CHECK_EQ(weir_chan_free(chan), 0);
}

static inline int chan_put(weir_chan *chan, uint64_t value)
{
    return weir_chan_send(chan, &value, WEIR_FOREVER, NULL);
}

/* Receives, and says what. */
static inline uint64_t chan_take(weir_chan *chan)
{
    uint64_t value = 0;

    CHECK_EQ(weir_chan_recv(chan, &value, WEIR_FOREVER, NULL), 0);
    return value;
}

/* What try_ says when nobody is in the middle any more. */
static inline int chan_try_send(weir_chan *chan, uint64_t value)
{
    int status;

    while ((status = weir_chan_try_send(chan, &value)) == -EBUSY)
        sched_yield();
    return status;
}

static inline int chan_try_recv(weir_chan *chan, uint64_t *value)
{
    int status;

    while ((status = weir_chan_try_recv(chan, value)) == -EBUSY)
        sched_yield();
    return status;
}

static inline int select_try(weir_select_arm *arms, size_t n)
{
    int status;

    while ((status = weir_select_try(arms, n)) == -EBUSY)
        sched_yield();
    return status;
}

static inline void until_senders(weir_chan *chan, size_t n)
{
    while (weir_chan_senders_approx(chan) < n)
        sched_yield();
}

static inline void until_receivers(weir_chan *chan, size_t n)
{
    while (weir_chan_receivers_approx(chan) < n)
        sched_yield();
}

/* Fills a bounded channel with 0, 1...; nothing else. Returns: how many it holds. */
static inline size_t chan_fill(weir_chan *chan, size_t capacity)
{
    size_t count = 0;

    while (capacity != WEIR_CHAN_UNBOUNDED && count < capacity)
        CHECK_EQ(chan_put(chan, count++), 0);
    return count;
}

/* Whether several threads may send, or receive, and others close. */
static inline bool kind_many_senders(const chan_kind *kind)
{
    return kind->shape != WEIR_CHAN_SPSC;
}

static inline bool kind_many_receivers(const chan_kind *kind)
{
    return kind->shape == WEIR_CHAN_MPMC || kind->shape == WEIR_CHAN_FAIR;
}

/* ---- tokens ---- */

static inline weir_cancel *token_begin(void)
{
    weir_cancel_source *const source = (weir_cancel_source *)malloc(sizeof *source);

    CHECK(source != NULL);
    weir_cancel_source_init(source, NULL, WEIR_FOREVER);
    return weir_cancel_source_token(source);
}

/* The source that the token is the first member of. */
static inline weir_cancel_source *token_source(weir_cancel *token)
{
    return (weir_cancel_source *)(void *)token;
}

static inline void token_cancel(weir_cancel *token)
{
    (void)weir_cancel_source_cancel(token_source(token), 0);
}

static inline void token_end(weir_cancel *token)
{
    CHECK_EQ(weir_cancel_source_destroy(token_source(token)), 0);
    free(token_source(token));
}

/* ---- what was dropped ---- */

typedef struct drops {
    size_t count;
    uint64_t sum;
} drops;

static inline void drop_word(void *element, void *context)
{
    drops *const all = (drops *)context;
    uint64_t value;

    memcpy(&value, element, sizeof value);
    all->count++;
    all->sum += value;
}

static inline weir_chan *chan_begin_drops(const chan_kind *kind, drops *all)
{
    weir_chan_options options;
    weir_chan *chan = NULL;

    memset(all, 0, sizeof *all);
    memset(&options, 0, sizeof options);
    options.shape = kind->shape;
    options.drop = drop_word;
    options.context = all;
    CHECK_EQ(weir_chan_new(&chan, sizeof(uint64_t), kind->capacity, &options), 0);
    return chan;
}

/* ---- threads that do one operation ---- */

typedef struct actor {
    pthread_t thread;
    weir_chan *chan;
    weir_select_arm *arms; /* of a select */
    size_t n;
    uint64_t value; /* sent or received */
    uint64_t deadline;
    weir_cancel *cancel;
    int status; /* of a select: what it returned */
} actor;

static inline void *actor_send(void *argument)
{
    actor *const a = (actor *)argument;

    a->status = weir_chan_send(a->chan, &a->value, a->deadline, a->cancel);
    return NULL;
}

/* After a close that discards: what is inside of an SPSC its receiver drops. */
static inline void chan_discarded(weir_chan *chan, const chan_kind *kind)
{
    unsigned char element[512];

    if (kind->shape == WEIR_CHAN_SPSC)
        CHECK_EQ(weir_chan_try_recv(chan, element), -EPIPE);
}

static inline void *actor_recv(void *argument)
{
    actor *const a = (actor *)argument;

    a->status = weir_chan_recv(a->chan, &a->value, a->deadline, a->cancel);
    return NULL;
}

static inline void *actor_select(void *argument)
{
    actor *const a = (actor *)argument;

    a->status = weir_select(a->arms, a->n, a->deadline, a->cancel);
    return NULL;
}

static inline void actor_start(actor *a, void *(*body)(void *), weir_chan *chan, uint64_t value)
{
    memset(a, 0, sizeof *a);
    a->chan = chan;
    a->value = value;
    a->deadline = WEIR_FOREVER;
    CHECK(pthread_create(&a->thread, NULL, body, a) == 0);
}

static inline void start_send(actor *a, weir_chan *chan, uint64_t value)
{
    actor_start(a, actor_send, chan, value);
}

/* 12345 stays in `value` if nothing comes. */
static inline void start_recv(actor *a, weir_chan *chan)
{
    actor_start(a, actor_recv, chan, 12345);
}

/* With a token, a deadline, or both. */
static inline void start_until(actor *a, void *(*body)(void *), weir_chan *chan, uint64_t value,
                               uint64_t deadline, weir_cancel *cancel)
{
    memset(a, 0, sizeof *a);
    a->chan = chan;
    a->value = value;
    a->deadline = deadline;
    a->cancel = cancel;
    CHECK(pthread_create(&a->thread, NULL, body, a) == 0);
}

static inline void start_select(actor *a, weir_select_arm *arms, size_t n, uint64_t deadline,
                                weir_cancel *cancel)
{
    memset(a, 0, sizeof *a);
    a->arms = arms;
    a->n = n;
    a->deadline = deadline;
    a->cancel = cancel;
    CHECK(pthread_create(&a->thread, NULL, actor_select, a) == 0);
}

static inline int actor_join(actor *a)
{
    CHECK(pthread_join(a->thread, NULL) == 0);
    return a->status;
}

#endif /* WEIR_TESTS_CHAN_H */
