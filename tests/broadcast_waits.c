/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Broadcast channels of many threads: those who wait, and what ends it. No verdict depends on a
 * time: where one thread has to block first, the other looks at the numbers of those who wait until
 * it does. */

#include "broadcast.h"

#include <pthread.h>
#include <sched.h>

/* ---- those who wait ---- */

typedef struct actor {
    pthread_t thread;
    weir_broadcast *channel;
    weir_broadcast_subscriber subscriber;
    uint64_t value, lost, deadline;
    weir_cancel *cancel;
    int status;
} actor;

static void *actor_send(void *argument)
{
    actor *const a = (actor *)argument;

    a->status = weir_broadcast_send(a->channel, &a->value, a->deadline, a->cancel);
    return NULL;
}

static void *actor_recv(void *argument)
{
    actor *const a = (actor *)argument;

    a->status = weir_broadcast_recv(&a->subscriber, &a->value, &a->lost, a->deadline, a->cancel);
    return NULL;
}

static void start(actor *a, void *(*body)(void *), weir_broadcast *channel, uint64_t value,
                  weir_cancel *cancel)
{
    a->channel = channel;
    a->value = value;
    a->lost = 77;
    a->deadline = WEIR_FOREVER;
    a->cancel = cancel;
    a->status = 1;
    CHECK(pthread_create(&a->thread, NULL, body, a) == 0);
}

static void start_recv(actor *a, weir_broadcast *channel, weir_cancel *cancel)
{
    listen_to(channel, &a->subscriber);
    start(a, actor_recv, channel, 12345, cancel);
}

static void finish(actor *a, int status)
{
    CHECK(pthread_join(a->thread, NULL) == 0);
    CHECK_EQ(a->status, status);
}

static void until_receivers(weir_broadcast *channel, size_t n)
{
    while (weir_broadcast_receivers_approx(channel) != n)
        sched_yield();
}

static void until_senders(weir_broadcast *channel, size_t n)
{
    while (weir_broadcast_senders_approx(channel) != n)
        sched_yield();
}

static void a_send_wakes_all_who_wait(void)
{
    for (size_t p = 0; p < COUNT(policies); p++) {
        weir_broadcast *const channel = begin(2, policies[p]);
        actor who[4];

        for (size_t i = 0; i < COUNT(who); i++)
            start_recv(&who[i], channel, NULL);
        until_receivers(channel, COUNT(who));
        CHECK_EQ(weir_broadcast_free(channel), -EBUSY);
        CHECK_EQ(put(channel, 42), 0);
        for (size_t i = 0; i < COUNT(who); i++) {
            finish(&who[i], 0);
            CHECK_EQ(who[i].value, 42);
            CHECK_EQ(who[i].lost, 0);
            CHECK_EQ(weir_broadcast_unsubscribe(&who[i].subscriber), 0);
        }
        end(channel);
    }
}

static void a_close_wakes_all_who_wait(void)
{
    for (size_t p = 0; p < COUNT(policies); p++) {
        weir_broadcast *const channel = begin(1, policies[p]);
        weir_broadcast_subscriber slow;
        actor receivers[2], senders[2];

        for (size_t i = 0; i < 2; i++)
            start_recv(&receivers[i], channel, NULL);
        until_receivers(channel, 2);
        CHECK_EQ(weir_broadcast_close(channel), 0);
        for (size_t i = 0; i < 2; i++) {
            finish(&receivers[i], -EPIPE);
            CHECK_EQ(receivers[i].value, 12345);
            CHECK_EQ(receivers[i].lost, 77);
            CHECK_EQ(weir_broadcast_unsubscribe(&receivers[i].subscriber), 0);
        }
        end(channel);
        if (policies[p] != WEIR_LAG_WAIT)
            continue;
        {
            weir_broadcast *const full = begin(1, WEIR_LAG_WAIT);

            listen_to(full, &slow);
            CHECK_EQ(put(full, 1), 0);
            for (size_t i = 0; i < 2; i++)
                start(&senders[i], actor_send, full, 2 + i, NULL);
            until_senders(full, 2);
            CHECK_EQ(weir_broadcast_close(full), 0);
            finish(&senders[0], -EPIPE);
            finish(&senders[1], -EPIPE);
            expect(&slow, 1);
            expect_none(&slow, -EPIPE);
            CHECK_EQ(weir_broadcast_unsubscribe(&slow), 0);
            end(full);
        }
    }
}

static void a_receive_lets_a_sender_go_on(void)
{
    weir_broadcast *const channel = begin(2, WEIR_LAG_WAIT);
    weir_broadcast_subscriber slow, quick;
    actor senders[3];
    uint64_t sum = 0;

    listen_to(channel, &slow);
    listen_to(channel, &quick);
    CHECK_EQ(put(channel, 1), 0);
    CHECK_EQ(put(channel, 2), 0);
    for (size_t i = 0; i < 3; i++) {
        start(&senders[i], actor_send, channel, 10 + i, NULL);
        until_senders(channel, i + 1);
    }
    expect(&slow, 1);
    /* The other is as far behind. */
    until_senders(channel, 3);
    expect(&quick, 1);
    until_senders(channel, 2);
    expect(&slow, 2);
    expect(&quick, 2);
    until_senders(channel, 1);
    for (size_t i = 0; i < 3; i++) {
        uint64_t value = 0, same = 0;

        CHECK_EQ(weir_broadcast_recv(&quick, &value, NULL, WEIR_FOREVER, NULL), 0);
        CHECK_EQ(weir_broadcast_recv(&slow, &same, NULL, WEIR_FOREVER, NULL), 0);
        CHECK_EQ(value, same);
        sum += value;
    }
    for (size_t i = 0; i < 3; i++)
        finish(&senders[i], 0);
    CHECK_EQ(sum, 33);
    CHECK_EQ(weir_broadcast_unsubscribe(&slow), 0);
    CHECK_EQ(weir_broadcast_unsubscribe(&quick), 0);
    end(channel);
}

static void senders_are_woken_as_they_came(void)
{
    weir_broadcast *const channel = begin(1, WEIR_LAG_WAIT);
    weir_broadcast_subscriber slow;
    actor senders[4];

    listen_to(channel, &slow);
    CHECK_EQ(put(channel, 9), 0);
    for (size_t i = 0; i < COUNT(senders); i++) {
        start(&senders[i], actor_send, channel, 10 + i, NULL);
        until_senders(channel, i + 1);
    }
    expect(&slow, 9);
    for (size_t i = 0; i < COUNT(senders); i++) {
        uint64_t value = 0;

        finish(&senders[i], 0);
        until_senders(channel, COUNT(senders) - 1 - i);
        CHECK_EQ(weir_broadcast_recv(&slow, &value, NULL, WEIR_FOREVER, NULL), 0);
        CHECK_EQ(value, 10 + i);
    }
    CHECK_EQ(weir_broadcast_unsubscribe(&slow), 0);
    end(channel);
}

static void an_unsubscribe_lets_all_senders_go_on(void)
{
    weir_broadcast *const channel = begin(2, WEIR_LAG_WAIT);
    weir_broadcast_subscriber slow;
    actor senders[5];

    listen_to(channel, &slow);
    CHECK_EQ(put(channel, 1), 0);
    CHECK_EQ(put(channel, 2), 0);
    for (size_t i = 0; i < COUNT(senders); i++)
        start(&senders[i], actor_send, channel, 10 + i, NULL);
    until_senders(channel, COUNT(senders));
    CHECK_EQ(weir_broadcast_unsubscribe(&slow), 0);
    for (size_t i = 0; i < COUNT(senders); i++)
        finish(&senders[i], 0);
    end(channel);
}

static void waits_until_the_deadline(void)
{
    weir_broadcast *const channel = begin(1, WEIR_LAG_WAIT);
    weir_broadcast_subscriber a;
    uint64_t value = 12345, lost = 77;
    const uint64_t deadline = weir_clock_after(2000000);

    listen_to(channel, &a);
    CHECK_EQ(weir_broadcast_recv(&a, &value, &lost, deadline, NULL), -ETIMEDOUT);
    CHECK(weir_clock_now() >= deadline);
    CHECK_EQ(value, 12345);
    CHECK_EQ(lost, 77);
    CHECK_EQ(put(channel, 1), 0);
    CHECK_EQ(weir_broadcast_send(channel, &value, weir_clock_after(2000000), NULL), -ETIMEDOUT);
    CHECK_EQ(weir_broadcast_senders_approx(channel), 0);
    /* What can be done at once is done, whatever the deadline. */
    CHECK_EQ(weir_broadcast_recv(&a, &value, &lost, 0, NULL), 0);
    CHECK_EQ(value, 1);
    CHECK_EQ(weir_broadcast_send(channel, &value, 0, NULL), 0);
    CHECK_EQ(weir_broadcast_unsubscribe(&a), 0);
    end(channel);
}

static void a_token_ends_a_wait(void)
{
    for (int sends = 0; sends < 2; sends++) {
        weir_broadcast *const channel = begin(1, WEIR_LAG_WAIT);
        weir_cancel_source source;
        actor a;

        weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
        if (sends) {
            listen_to(channel, &a.subscriber);
            CHECK_EQ(put(channel, 1), 0);
            start(&a, actor_send, channel, 2, weir_cancel_source_token(&source));
            until_senders(channel, 1);
        } else {
            start_recv(&a, channel, weir_cancel_source_token(&source));
            until_receivers(channel, 1);
        }
        CHECK(weir_cancel_source_cancel(&source, 1));
        finish(&a, -ECANCELED);
        CHECK_EQ(weir_broadcast_senders_approx(channel), 0);
        CHECK_EQ(weir_broadcast_receivers_approx(channel), 0);
        CHECK_EQ(a.value, sends ? 2 : 12345);
        /* It is cancelled before the call: nothing is done, though it could be. */
        if (sends) {
            expect(&a.subscriber, 1);
            CHECK_EQ(weir_broadcast_send(channel, &a.value, WEIR_FOREVER, a.cancel), -ECANCELED);
        } else {
            CHECK_EQ(put(channel, 3), 0);
            CHECK_EQ(weir_broadcast_recv(&a.subscriber, &a.value, &a.lost, WEIR_FOREVER, a.cancel),
                     -ECANCELED);
            expect(&a.subscriber, 3);
        }
        expect_none(&a.subscriber, -EAGAIN);
        CHECK_EQ(weir_broadcast_unsubscribe(&a.subscriber), 0);
        end(channel);
        weir_cancel_source_destroy(&source);
    }
}

/* One who gives up does not take with it the wake-up of one who does not. */
static void who_gives_up_holds_nobody_up(void)
{
    weir_broadcast *const channel = begin(1, WEIR_LAG_WAIT);
    weir_broadcast_subscriber slow;

    listen_to(channel, &slow);
    for (unsigned round = 0; round < 50; round++) {
        weir_cancel_source source;
        actor impatient, patient;
        uint64_t value = 0;

        weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
        CHECK_EQ(put(channel, 1), 0);
        start(&impatient, actor_send, channel, 2, weir_cancel_source_token(&source));
        until_senders(channel, 1);
        start(&patient, actor_send, channel, 3, NULL);
        until_senders(channel, 2);
        if (round % 2 == 0)
            weir_cancel_source_cancel(&source, 1);
        expect(&slow, 1);
        weir_cancel_source_cancel(&source, 1);
        CHECK(pthread_join(impatient.thread, NULL) == 0);
        CHECK(impatient.status == 0 || impatient.status == -ECANCELED);
        if (impatient.status == 0) {
            CHECK_EQ(weir_broadcast_recv(&slow, &value, NULL, WEIR_FOREVER, NULL), 0);
            if (value == 3) { /* it was first */
                finish(&patient, 0);
                expect(&slow, 2);
            } else {
                finish(&patient, 0);
                expect(&slow, 3);
            }
        } else {
            finish(&patient, 0);
            expect(&slow, 3);
        }
        weir_cancel_source_destroy(&source);
    }
    CHECK_EQ(weir_broadcast_unsubscribe(&slow), 0);
    end(channel);
}

/* ---- many at once ---- */

enum { THREADS = 3, EACH = 2000 };

static void *send_many(void *argument)
{
    actor *const a = (actor *)argument;

    for (uint64_t i = 0; i < EACH; i++)
        CHECK_EQ(put_waiting(a->channel, a->value * EACH + i), 0);
    return NULL;
}

/* A sum that depends on the order. */
static void *recv_many(void *argument)
{
    actor *const a = (actor *)argument;
    uint64_t next[THREADS] = {0}, value;
    int status;

    a->value = 0;
    while ((status = weir_broadcast_recv(&a->subscriber, &value, &a->lost, WEIR_FOREVER, NULL)) ==
           0) {
        CHECK(value < THREADS * EACH);
        CHECK_EQ(value % EACH, next[value / EACH]);
        next[value / EACH]++;
        a->value = a->value * UINT64_C(0x9e3779b97f4a7c15) + value;
    }
    a->status = status;
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(next[i], EACH);
    return NULL;
}

static void all_see_one_order(void)
{
    for (size_t c = 0; c < COUNT(capacities); c++) {
        weir_broadcast *const channel = begin(capacities[c], WEIR_LAG_WAIT);
        actor senders[THREADS], receivers[THREADS];

        for (size_t i = 0; i < THREADS; i++) {
            listen_to(channel, &receivers[i].subscriber);
            start(&receivers[i], recv_many, channel, 0, NULL);
        }
        for (size_t i = 0; i < THREADS; i++)
            start(&senders[i], send_many, channel, i, NULL);
        for (size_t i = 0; i < THREADS; i++)
            CHECK(pthread_join(senders[i].thread, NULL) == 0);
        CHECK_EQ(weir_broadcast_close(channel), 0);
        for (size_t i = 0; i < THREADS; i++) {
            finish(&receivers[i], -EPIPE);
            CHECK(receivers[i].value == receivers[0].value);
            CHECK_EQ(weir_broadcast_unsubscribe(&receivers[i].subscriber), 0);
        }
        end(channel);
    }
}

int main(void)
{
    return TEST_RUN("broadcast_waits", TEST_CASE(a_send_wakes_all_who_wait),
                    TEST_CASE(a_close_wakes_all_who_wait), TEST_CASE(a_receive_lets_a_sender_go_on),
                    TEST_CASE(senders_are_woken_as_they_came),
                    TEST_CASE(an_unsubscribe_lets_all_senders_go_on),
                    TEST_CASE(waits_until_the_deadline), TEST_CASE(a_token_ends_a_wait),
                    TEST_CASE(who_gives_up_holds_nobody_up), TEST_CASE(all_see_one_order));
}
