/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/park_pthread.c: lib/park.h for systems without futex(2): those who sleep stand in a table by
 * the address of their word, each with a condition variable of its own.
 *
 * Who wakes has changed the word before it takes the lock of the word's bucket; who is to sleep
 * looks at the word with that lock. So either the second sees the change, or the first sees the
 * sleeper. The locks are not for signal handlers: nor is weir__unpark() here. */

#include "park.h"

#ifdef WEIR_PARK_PTHREAD

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <time.h>

typedef struct sleeper {
    struct sleeper *next, *prev;
    const WEIR_ATOMIC(uint32_t) * word;
    pthread_cond_t woken;
    bool awake; /* and out of the bucket */
} sleeper;

typedef struct bucket {
    WEIR_ALIGNAS(WEIR_CACHELINE) pthread_mutex_t lock;
    sleeper *first, *last; /* in the order in which they came */
} bucket;

enum { BUCKETS = 64 };

static bucket buckets[BUCKETS];
static pthread_condattr_t monotonic;
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void check(int error)
{
    WEIR_REQUIRE(error == 0, "the system has no more mutexes or condition variables");
}

static bucket *bucket_of(const WEIR_ATOMIC(uint32_t) * word)
{
    const uint64_t mixed = (uint64_t)(uintptr_t)word * UINT64_C(0x9e3779b97f4a7c15);

    return &buckets[mixed >> 58];
}

/* ---- the table, and fork() ---- */

static void lock_all(void)
{
    for (int i = 0; i < BUCKETS; i++)
        pthread_mutex_lock(&buckets[i].lock);
}

static void unlock_all(void)
{
    for (int i = 0; i < BUCKETS; i++)
        pthread_mutex_unlock(&buckets[i].lock);
}

/* Those who sleep are not in the child. */
static void forget_all(void)
{
    for (int i = 0; i < BUCKETS; i++)
        buckets[i].first = buckets[i].last = NULL;
    unlock_all();
}

static void make(void)
{
    check(pthread_condattr_init(&monotonic));
    check(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC));
    for (int i = 0; i < BUCKETS; i++)
        check(pthread_mutex_init(&buckets[i].lock, NULL));
    check(pthread_atfork(lock_all, unlock_all, forget_all));
}

static bucket *locked_bucket_of(const WEIR_ATOMIC(uint32_t) * word)
{
    bucket *const b = bucket_of(word);

    pthread_once(&made, make);
    pthread_mutex_lock(&b->lock);
    return b;
}

/* ---- sleeping ---- */

static void push(bucket *b, sleeper *self)
{
    self->next = NULL;
    self->prev = b->last;
    if (b->last != NULL)
        b->last->next = self;
    else
        b->first = self;
    b->last = self;
}

static void take_out(bucket *b, const sleeper *it)
{
    if (it->prev != NULL)
        it->prev->next = it->next;
    else
        b->first = it->next;
    if (it->next != NULL)
        it->next->prev = it->prev;
    else
        b->last = it->prev;
}

/* Seconds that do not fit become the last ones that do. */
static struct timespec time_of(uint64_t deadline)
{
    const uint64_t sec = deadline / 1000000000;
    const uint64_t most = UINT64_MAX >> (65 - CHAR_BIT * sizeof(time_t));
    struct timespec until;

    until.tv_sec = (time_t)(sec < most ? sec : most);
    until.tv_nsec = (long)(deadline % 1000000000);
    return until;
}

/* With the bucket's lock, which is not held while it sleeps. */
static void sleep_until(bucket *b, sleeper *self, uint64_t deadline)
{
    const struct timespec until = time_of(deadline);
    int error = 0;

    while (!self->awake && error != ETIMEDOUT)
        error = deadline == WEIR_FOREVER ? pthread_cond_wait(&self->woken, &b->lock)
                                         : pthread_cond_timedwait(&self->woken, &b->lock, &until);
}

bool weir__park(WEIR_ATOMIC(uint32_t) * word, uint32_t expected, uint64_t deadline)
{
    sleeper self;
    bucket *b;

    if (weir_clock_passed(deadline))
        return false;
    b = locked_bucket_of(word);
    /* relaxed: the lock orders it; what the waker did is acquired by who looks at the word next. */
    if (weir_atomic_load(word, WEIR_RELAXED) != expected) {
        pthread_mutex_unlock(&b->lock);
        return true;
    }
    self.word = word;
    self.awake = false;
    check(pthread_cond_init(&self.woken, &monotonic));
    push(b, &self);
    sleep_until(b, &self, deadline);
    if (!self.awake)
        take_out(b, &self);
    pthread_mutex_unlock(&b->lock);
    pthread_cond_destroy(&self.woken);
    /* A time that was made to fit ends before the deadline: as if for no reason. */
    return self.awake || !weir_clock_passed(deadline);
}

void weir__unpark(WEIR_ATOMIC(uint32_t) * word, int n)
{
    bucket *const b = locked_bucket_of(word);
    sleeper *next;

    for (sleeper *it = b->first; it != NULL && n > 0; it = next) {
        next = it->next;
        if (it->word != word)
            continue;
        take_out(b, it);
        it->awake = true;
        pthread_cond_signal(&it->woken); /* with the lock: it goes when it has that */
        n--;
    }
    pthread_mutex_unlock(&b->lock);
}

void weir__unpark_all(WEIR_ATOMIC(uint32_t) * word)
{
    weir__unpark(word, INT_MAX);
}

#endif /* WEIR_PARK_PTHREAD */
