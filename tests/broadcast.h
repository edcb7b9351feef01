/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/broadcast.h: what the tests of broadcast channels share: channels of words, and what is
 * expected of their subscribers. */

#ifndef WEIR_TESTS_BROADCAST_H
#define WEIR_TESTS_BROADCAST_H

#include "test.h"

#include <weir/atomic.h>
#include <weir/broadcast.h>

#include <errno.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const weir_lag policies[] = {WEIR_LAG_DROP, WEIR_LAG_WAIT, WEIR_LAG_CUT};
static const size_t capacities[] = {1, 2, 3, 7, 64};

/* ---- channels of words ---- */

static inline weir_broadcast *begin(size_t capacity, weir_lag lag)
{
    weir_broadcast *channel = NULL;

    CHECK_EQ(weir_broadcast_new(&channel, sizeof(uint64_t), capacity, lag), 0);
    return channel;
}

static inline void end(weir_broadcast *channel)
{
    CHECK_EQ(weir_broadcast_free(channel), 0);
}

static inline int put(weir_broadcast *channel, uint64_t value)
{
    return weir_broadcast_try_send(channel, &value);
}

static inline int put_waiting(weir_broadcast *channel, uint64_t value)
{
    return weir_broadcast_send(channel, &value, WEIR_FOREVER, NULL);
}

static inline void listen_to(weir_broadcast *channel, weir_broadcast_subscriber *subscriber)
{
    CHECK_EQ(weir_broadcast_subscribe(channel, subscriber), 0);
}

/* The next value is this one, and so many were lost before it. */
static inline void expect_after(weir_broadcast_subscriber *subscriber, uint64_t lost,
                                uint64_t value)
{
    uint64_t got = 0, gone = 77;

    CHECK_EQ(weir_broadcast_try_recv(subscriber, &got, &gone), 0);
    CHECK_EQ(got, value);
    CHECK_EQ(gone, lost);
}

static inline void expect(weir_broadcast_subscriber *subscriber, uint64_t value)
{
    expect_after(subscriber, 0, value);
}

/* There is no value, for this reason; and nothing of the arguments is touched. */
static inline void expect_none(weir_broadcast_subscriber *subscriber, int status)
{
    uint64_t got = 12345, gone = 77;

    CHECK_EQ(weir_broadcast_try_recv(subscriber, &got, &gone), status);
    CHECK_EQ(weir_broadcast_recv(subscriber, &got, &gone, 0, NULL),
             status == -EAGAIN ? -ETIMEDOUT : status);
    CHECK_EQ(got, 12345);
    CHECK_EQ(gone, 77);
}

#endif /* WEIR_TESTS_BROADCAST_H */
