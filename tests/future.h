/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/future.h: what the tests of weir/future.h share. */

#ifndef WEIR_TESTS_FUTURE_H
#define WEIR_TESTS_FUTURE_H

#define WEIR_CHECKED 1

#include <weir/future.h>

#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static inline void begin(weir_promise **promise, weir_future **future, size_t size)
{
    test_alloc_fail_at(0);
    CHECK_EQ(weir_future_new(promise, future, size, NULL), 0);
    CHECK_EQ(test_alloc_calls, 1);
}

/* Both sides have let go: what was allocated is freed, and nothing more was allocated. */
static inline void end(void)
{
    CHECK_EQ(test_alloc_live, 0);
    CHECK_EQ(test_alloc_calls, 1);
    weir_set_allocator(NULL);
}

static const int seven = 7;

/* A callback that counts, and notes the result and its turn. */
typedef struct noted {
    weir_then then;
    unsigned calls, turn;
    int status, value;
    pthread_t thread;
} noted;

static unsigned turns;

static inline void note(weir_then *then, weir_future *future)
{
    noted *const n = (noted *)(void *)then;

    n->calls++;
    n->turn = ++turns;
    n->thread = pthread_self();
    n->status = weir_future_result(future, &n->value);
}

static inline void is_noted(const noted *n, int status, int value)
{
    CHECK_EQ(n->calls, 1);
    CHECK_EQ(n->status, status);
    if (status == 0)
        CHECK_EQ(n->value, value);
}

static inline void start(pthread_t *thread, void *(*body)(void *), void *argument)
{
    CHECK_EQ(pthread_create(thread, NULL, body, argument), 0);
}

static inline void join(pthread_t thread)
{
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

static inline void sleep_ms(unsigned ms)
{
    const struct timespec time = {0, (long)ms * 1000000};

    CHECK_EQ(nanosleep(&time, NULL), 0);
}

/* Until `count` threads sleep at the future. */
static inline void until_they_sleep(weir_future *future, size_t count)
{
    /* The event count's view of the future's queue. */
    while (weir_event_sleepers_approx((weir_event *)(void *)&future->waiters) < count)
        sleep_ms(1);
}

#endif /* WEIR_TESTS_FUTURE_H */
