/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Broadcast channels: a sender waits for the slowest subscriber; million values a second that all
 * subscribers together receive. Capacity 1024, words of 8 bytes.
 *
 *   broadcast/1-1  one sender, one subscriber
 *   broadcast/1-2  one sender, two subscribers */

#include "bench.h"

#include <weir/broadcast.h>

#include <pthread.h>

enum { MOST = 2 }; /* subscribers */

static const bench_row rows[MOST] = {
    {"broadcast/1-1", "one sender, one subscriber", "M/s", false, 2, {NULL}},
    {"broadcast/1-2", "one sender, two subscribers", "M/s", false, 3, {NULL}}};

/* Bodies for a channel of prefix P, a type too: P_send(), P_recv(), P_close(); true: done. */
#define NEWS(P)                                                                   \
    static void P##_produce(bench_thread *thread)                                 \
    {                                                                             \
        P *const news = (P *)thread->shared;                                      \
        uint64_t put = 0;                                                         \
                                                                                  \
        while (bench_going(thread, 0))                                            \
            for (int i = 0; i < 64; i++, put++)                                   \
                thread->ledger.wrong += !P##_send(news, bench_value(0, put + 1)); \
        thread->put = put;                                                        \
        P##_close(news);                                                          \
    }                                                                             \
                                                                                  \
    static void P##_consume(bench_thread *thread)                                 \
    {                                                                             \
        P *const news = (P *)thread->shared;                                      \
        bench_ledger ledger;                                                      \
        uintptr_t value = 0;                                                      \
                                                                                  \
        memset(&ledger, 0, sizeof ledger);                                        \
        while (P##_recv(news, thread->id - 1, &value)) {                          \
            bench_take_next(&ledger, value);                                      \
            if (ledger.count % 64 == 0)                                           \
                (void)bench_going(thread, ledger.count);                          \
        }                                                                         \
        thread->ledger = ledger;                                                  \
    }

static void run_bodies(bench_run *run, bench_body *produce, bench_body *consume,
                       unsigned subscribers, void *news)
{
    bench_body *const bodies[1 + MOST] = {produce, consume, consume};
    const bench_thread *ran;

    run->sleeps = true;
    ran = bench_threads(run, 1 + subscribers, bodies, news);
    if (ran[0].ledger.wrong > 0)
        bench_fail(run, "%llu sends failed", (unsigned long long)ran[0].ledger.wrong);
    for (unsigned i = 1; i <= subscribers; i++) {
        if (ran[i].ledger.count != ran[0].put)
            bench_fail(run, "subscriber %u received %llu of %llu values", i,
                       (unsigned long long)ran[i].ledger.count, (unsigned long long)ran[0].put);
        if (ran[i].ledger.wrong > 0)
            bench_fail(run, "order broken %llu times in %llu values",
                       (unsigned long long)ran[i].ledger.wrong, (unsigned long long)ran[0].put);
    }
    bench_set_rate(run);
}

/* ---- weir ---- */

WEIR_BROADCAST_DEFINE(our_words, uintptr_t);

typedef struct ours {
    our_words *words;
    our_words_subscriber subscribers[MOST];
} ours;

static inline bool ours_send(ours *news, uintptr_t value)
{
    return our_words_send(news->words, value, WEIR_FOREVER, NULL) == 0;
}

static inline bool ours_recv(ours *news, unsigned who, uintptr_t *value)
{
    return our_words_recv(&news->subscribers[who], value, NULL, WEIR_FOREVER, NULL) == 0;
}

static void ours_close(ours *news)
{
    (void)our_words_close(news->words);
}

NEWS(ours)

static void run_ours(bench_run *run, unsigned subscribers)
{
    ours *const news = (ours *)bench_alloc(sizeof *news);
    bool good = our_words_new(&news->words, BENCH_CAPACITY, WEIR_LAG_WAIT) == 0;

    for (unsigned i = 0; i < subscribers; i++)
        good = good && our_words_subscribe(news->words, &news->subscribers[i]) == 0;
    if (!good) {
        bench_fail(run, "the channel could not be made");
        return;
    }
    run_bodies(run, ours_produce, ours_consume, subscribers, news);
}

/* ---- by hand ---- */

/* A ring under a lock; each subscriber has its place in it. */
typedef struct locked {
    pthread_mutex_t lock;
    pthread_cond_t arrived, room;
    bool closed;
    unsigned subscribers;
    uint64_t sent, received[MOST];
    uintptr_t cells[BENCH_CAPACITY];
} locked;

/* With the lock. */
static inline bool locked_full(const locked *news)
{
    for (unsigned i = 0; i < news->subscribers; i++)
        if (news->sent - news->received[i] == BENCH_CAPACITY)
            return true;
    return false;
}

static inline bool locked_send(locked *news, uintptr_t value)
{
    pthread_mutex_lock(&news->lock);
    while (locked_full(news))
        pthread_cond_wait(&news->room, &news->lock);
    news->cells[news->sent++ % BENCH_CAPACITY] = value;
    pthread_cond_broadcast(&news->arrived);
    pthread_mutex_unlock(&news->lock);
    return true;
}

/* Returns: false if the channel is closed and nothing is left. */
static inline bool locked_recv(locked *news, unsigned who, uintptr_t *value)
{
    bool found;

    pthread_mutex_lock(&news->lock);
    while (news->received[who] == news->sent && !news->closed)
        pthread_cond_wait(&news->arrived, &news->lock);
    found = news->received[who] < news->sent;
    if (found) {
        *value = news->cells[news->received[who]++ % BENCH_CAPACITY];
        pthread_cond_signal(&news->room);
    }
    pthread_mutex_unlock(&news->lock);
    return found;
}

static void locked_close(locked *news)
{
    pthread_mutex_lock(&news->lock);
    news->closed = true;
    pthread_cond_broadcast(&news->arrived);
    pthread_mutex_unlock(&news->lock);
}

NEWS(locked)

static void run_locked(bench_run *run, unsigned subscribers)
{
    locked *const news = (locked *)bench_alloc(sizeof *news);

    pthread_mutex_init(&news->lock, NULL);
    pthread_cond_init(&news->arrived, NULL);
    pthread_cond_init(&news->room, NULL);
    news->subscribers = subscribers;
    run_bodies(run, locked_produce, locked_consume, subscribers, news);
}

static void our_one(bench_run *run)
{
    run_ours(run, 1);
}

static void our_two(bench_run *run)
{
    run_ours(run, 2);
}

static void locked_one(bench_run *run)
{
    run_locked(run, 1);
}

static void locked_two(bench_run *run)
{
    run_locked(run, 2);
}

BENCH_REGISTER(add_broadcasts)
{
    static const bench_peer ours_peer = {
        "weir broadcast", BENCH_BLOCKING,
        BENCH_FIFO,       true,
        BENCH_OURS,       "senders take turns; receivers take no lock"};
    static const bench_peer locked_peer = {
        "mutex and condvar",
        BENCH_LOCK,
        BENCH_FIFO,
        true,
        0,
        "a ring under a pthread_mutex_t, with two pthread_cond_t"};

    bench_add(&rows[0], &ours_peer, our_one);
    bench_add(&rows[0], &locked_peer, locked_one);
    bench_add(&rows[1], &ours_peer, our_two);
    bench_add(&rows[1], &locked_peer, locked_two);
}
