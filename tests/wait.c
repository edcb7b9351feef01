/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/wait.c: weir/wait.h, its contract; the rest is in tests/wait_idle.h. */

#include "wait_idle.h"

/* ---- waiters ---- */

static void unparks_are_kept_as_one(void)
{
    weir_waiter waiter;

    weir_waiter_init(&waiter);
    weir_waiter_unpark(&waiter);
    weir_waiter_unpark(&waiter);
    CHECK_EQ(weir_waiter_park(&waiter, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_waiter_park(&waiter, 0, NULL), -ETIMEDOUT);
    weir_waiter_unpark(&waiter);
    CHECK_EQ(weir_waiter_park(&waiter, 0, NULL), 0);
    CHECK_EQ(weir_waiter_park(&waiter, 1, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_waiter_park(&waiter, weir_clock_now(), NULL), -ETIMEDOUT);
}

static void a_park_ends_at_its_deadline(void)
{
    const uint64_t deadline = weir_clock_after(3000000);
    weir_waiter waiter;

    weir_waiter_init(&waiter);
    CHECK_EQ(weir_waiter_park(&waiter, deadline, NULL), -ETIMEDOUT);
    CHECK(weir_clock_now() >= deadline);
    weir_waiter_unpark(&waiter); /* too late, and kept */
    CHECK_EQ(weir_waiter_park(&waiter, deadline, NULL), 0);
}

static void who_parks_is_woken(void)
{
    static const uint64_t deadlines[] = {WEIR_FOREVER, WEIR_FOREVER - 1, UINT64_C(1) << 62};

    for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
        weir_waiter waiter;
        person p;

        weir_waiter_init(&waiter);
        memset(&p, 0, sizeof p);
        p.waiter = &waiter;
        p.deadline = deadlines[i];
        CHECK(pthread_create(&p.thread, NULL, parks, &p) == 0);
        until_asleep(&p);
        weir_waiter_unpark(&waiter);
        CHECK_EQ(end(&p), 0);
    }
}

/* Nobody sleeps: no call of the kernel, and errno is the caller's. */
static void what_has_nobody_to_wake_is_cheap(void)
{
    weir_event event = WEIR_EVENT_INIT;
    weir_sleeper sleeper;
    weir_waiter waiter;
    const uint32_t before = read_count(&wakes) + read_count(&waits);

    errno = 99;
    weir_waiter_init(&waiter);
    weir_waiter_unpark(&waiter);
    CHECK_EQ(weir_waiter_park(&waiter, WEIR_FOREVER, NULL), 0);
    weir_event_notify(&event, 1);
    weir_event_notify_all(&event);
    weir_event_prepare(&event, &sleeper);
    weir_event_withdraw(&event, &sleeper);
    weir_event_prepare(&event, &sleeper);
    weir_event_notify_all(&event);
    CHECK_EQ(weir_event_wait(&event, &sleeper, WEIR_FOREVER, NULL), 0);
    weir_event_prepare(&event, &sleeper);
    CHECK_EQ(weir_event_wait(&event, &sleeper, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(read_count(&wakes) + read_count(&waits), before);
    CHECK_EQ(errno, 99);
}

typedef struct callee {
    weir_waiter waiter; /* the first member */
    unsigned calls;
    pthread_t thread;
    weir_event *event; /* that the function notifies */
} callee;

static void is_called(weir_waiter *waiter)
{
    callee *const c = (callee *)(void *)waiter;

    c->calls++;
    c->thread = pthread_self();
    if (c->event != NULL)
        weir_event_notify(c->event, 1);
}

static void a_function_is_called_once_an_arm(void)
{
    callee c = {.calls = 0};

    weir_waiter_init_call(&c.waiter, is_called);
    CHECK(weir_waiter_arm(&c.waiter));
    CHECK_EQ(c.calls, 0);
    weir_waiter_unpark(&c.waiter);
    CHECK_EQ(c.calls, 1);
    CHECK(pthread_equal(c.thread, pthread_self()));
    /* The next is not for the arm that was; it is kept, and used up. */
    weir_waiter_unpark(&c.waiter);
    weir_waiter_unpark(&c.waiter);
    CHECK_EQ(c.calls, 1);
    CHECK(!weir_waiter_arm(&c.waiter));
    CHECK(weir_waiter_arm(&c.waiter));
    CHECK_EQ(c.calls, 1);
    weir_waiter_unpark(&c.waiter);
    CHECK_EQ(c.calls, 2);
    /* Nobody has since. */
    CHECK(weir_waiter_arm(&c.waiter));
    weir_waiter_unpark(&c.waiter);
    CHECK_EQ(c.calls, 3);
}

static void frees_itself(weir_waiter *waiter)
{
    free(waiter);
}

static void a_function_may_end_its_waiter(void)
{
    for (int i = 0; i < 100; i++) {
        weir_waiter *const waiter = (weir_waiter *)malloc(sizeof *waiter);

        CHECK(waiter != NULL);
        weir_waiter_init_call(waiter, frees_itself);
        CHECK(weir_waiter_arm(waiter));
        weir_waiter_unpark(waiter);
    }
}

static void re_arms(weir_waiter *waiter)
{
    callee *const c = (callee *)(void *)waiter;

    c->calls++;
    CHECK(weir_waiter_arm(waiter));
}

static void a_function_may_arm_again(void)
{
    callee c = {.calls = 0};

    weir_waiter_init_call(&c.waiter, re_arms);
    CHECK(weir_waiter_arm(&c.waiter));
    for (unsigned i = 1; i <= 5; i++) {
        weir_waiter_unpark(&c.waiter);
        CHECK_EQ(c.calls, i);
    }
}

static void kinds_of_waiters_are_not_mixed(void)
{
    weir_waiter waiter;

    weir_waiter_init(&waiter);
    CHECK_DIES(CHECK(weir_waiter_arm(&waiter)), "a waiter without a function");
    weir_waiter_init_call(&waiter, is_called);
    CHECK_DIES(CHECK_EQ(weir_waiter_park(&waiter, 0, NULL), 0), "a waiter with a function");
}

/* ---- event counts ---- */

/* relaxed: alone. */
static bool is_as_made(const weir_event *event)
{
    return weir_atomic_load(&event->queue.word, WEIR_RELAXED) == 0 && event->queue.first == NULL &&
           event->queue.last == NULL;
}

static void nothing_is_remembered_from_before(void)
{
    weir_event event = WEIR_EVENT_INIT, same;
    weir_sleeper sleeper;

    weir_event_init(&same);
    CHECK(is_as_made(&event) && is_as_made(&same));
    weir_event_notify(&event, 1);
    weir_event_notify_all(&event);
    weir_event_prepare(&event, &sleeper);
    CHECK_EQ(weir_event_sleepers_approx(&event), 1);
    CHECK_EQ(weir_event_wait(&event, &sleeper, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_event_sleepers_approx(&event), 0);
    /* But from after it. */
    weir_event_prepare(&event, &sleeper);
    weir_event_notify(&event, 1);
    weir_event_notify(&event, 1);
    CHECK_EQ(weir_event_wait(&event, &sleeper, 0, NULL), 0);
    weir_event_prepare(&event, &sleeper);
    CHECK_EQ(weir_event_wait(&event, &sleeper, weir_clock_after(1000), NULL), -ETIMEDOUT);
    CHECK(is_as_made(&event));
}

static void who_withdraws_hands_on(void)
{
    weir_event event = WEIR_EVENT_INIT;
    weir_sleeper sleepers[3];

    for (int i = 0; i < 3; i++)
        weir_event_prepare(&event, &sleepers[i]);
    weir_event_notify(&event, 1);
    weir_event_withdraw(&event, &sleepers[0]);
    CHECK_EQ(weir_event_wait(&event, &sleepers[1], 0, NULL), 0);
    CHECK_EQ(weir_event_wait(&event, &sleepers[2], 0, NULL), -ETIMEDOUT);
    /* Only what there was. */
    weir_event_prepare(&event, &sleepers[0]);
    weir_event_prepare(&event, &sleepers[1]);
    weir_event_withdraw(&event, &sleepers[0]);
    CHECK_EQ(weir_event_wait(&event, &sleepers[1], 0, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_event_sleepers_approx(&event), 0);
}

/* From the front, the middle and the end of the queue. */
static void any_of_them_may_leave(void)
{
    for (unsigned out = 0; out < 4; out++) {
        weir_event event = WEIR_EVENT_INIT;
        weir_sleeper sleepers[4];

        for (int i = 0; i < 4; i++)
            weir_event_prepare(&event, &sleepers[i]);
        weir_event_withdraw(&event, &sleepers[out]);
        CHECK_EQ(weir_event_sleepers_approx(&event), 3);
        weir_event_notify(&event, 2);
        for (unsigned i = 0, n = 0; i < 4; i++)
            if (i != out)
                CHECK_EQ(weir_event_wait(&event, &sleepers[i], 0, NULL), n++ < 2 ? 0 : -ETIMEDOUT);
    }
}

static void first_come_first_woken(void)
{
    static person crowd[CROWD];
    weir_event event = WEIR_EVENT_INIT;

    start_crowd(crowd, &event);
    CHECK_EQ(weir_event_sleepers_approx(&event), CROWD);
    for (unsigned i = 0; i < CROWD; i++) {
        weir_event_notify(&event, 0); /* nobody */
        weir_event_notify(&event, 1);
        CHECK_EQ(end(&crowd[i]), 0);
        CHECK_EQ(crowd[i].place, i);
        CHECK_EQ(weir_event_sleepers_approx(&event), CROWD - 1 - i);
    }
}

/* As many as were asked for, those that came first, and whatever number stands for all. */
static void as_many_as_were_asked_for(void)
{
    static const uint32_t numbers[] = {
        1, 16, 17, 33, CROWD, UINT32_MAX, UINT32_MAX / 16, UINT32_MAX / 16 + 17, UINT32_C(1) << 31};
    static person crowd[CROWD];
    weir_event event = WEIR_EVENT_INIT;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const unsigned n = numbers[i] < CROWD ? (unsigned)numbers[i] : CROWD;

        start_crowd(crowd, &event);
        weir_event_notify(&event, numbers[i]);
        CHECK_EQ(weir_event_sleepers_approx(&event), CROWD - n);
        for (unsigned j = 0; j < n; j++)
            CHECK_EQ(end(&crowd[j]), 0);
        weir_event_notify_all(&event);
        for (unsigned j = n; j < CROWD; j++) {
            CHECK_EQ(end(&crowd[j]), 0);
            CHECK(crowd[j].place >= n);
        }
    }
}

static void a_wait_ends_at_its_deadline(void)
{
    const uint64_t deadline = weir_clock_after(3000000);
    weir_event event = WEIR_EVENT_INIT;
    weir_sleeper sleeper;

    weir_event_prepare(&event, &sleeper);
    CHECK_EQ(weir_event_wait(&event, &sleeper, deadline, NULL), -ETIMEDOUT);
    CHECK(weir_clock_now() >= deadline);
    CHECK_EQ(weir_event_sleepers_approx(&event), 0);
}

/* ---- waiting for a condition ---- */

static void what_is_ready_is_done(void)
{
    tokens t = {WEIR_EVENT_INIT, WEIR_ATOMIC_INIT(1), WEIR_ATOMIC_INIT(0)};
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;

    CHECK_EQ(weir_event_await(&t.event, takes_one, &t, 0, NULL), 0);
    CHECK_EQ(read_count(&t.looks), 1);
    CHECK_EQ(weir_event_await(&t.event, takes_one, &t, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_event_await(&t.event, takes_one, &t, weir_clock_after(1000), NULL), -ETIMEDOUT);
    /* Cancelled comes first: nothing is done. */
    put(&t);
    weir_atomic_init(&t.looks, 0);
    CHECK(weir_cancel_source_cancel(&source, 0));
    CHECK_EQ(weir_event_await(&t.event, takes_one, &t, WEIR_FOREVER, &source.token), -ECANCELED);
    CHECK_EQ(read_count(&t.looks), 0);
    CHECK_EQ(weir_event_await(&t.event, takes_one, &t, 0, NULL), 0);
    CHECK_EQ(weir_event_sleepers_approx(&t.event), 0);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

/* ---- cancelling ---- */

static void cancelled_parks_keep_what_came(void)
{
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    weir_waiter waiter;
    person p;

    weir_waiter_init(&waiter);
    memset(&p, 0, sizeof p);
    p.waiter = &waiter;
    p.deadline = WEIR_FOREVER;
    p.cancel = weir_cancel_source_token(&source);
    CHECK(pthread_create(&p.thread, NULL, parks, &p) == 0);
    until_asleep(&p);
    CHECK(weir_cancel_source_cancel(&source, 0));
    CHECK_EQ(end(&p), -ECANCELED);
    /* That was no unpark. */
    CHECK_EQ(weir_waiter_park(&waiter, 0, NULL), -ETIMEDOUT);
    weir_waiter_unpark(&waiter);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(weir_waiter_park(&waiter, WEIR_FOREVER, &source.token), -ECANCELED);
    CHECK_EQ(weir_waiter_park(&waiter, 0, NULL), 0);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

static void a_wait_can_be_cancelled(void)
{
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    weir_event event = WEIR_EVENT_INIT;
    weir_sleeper sleeper;
    person p;

    memset(&p, 0, sizeof p);
    p.event = &event;
    p.deadline = WEIR_FOREVER;
    p.cancel = weir_cancel_source_token(&source);
    CHECK(pthread_create(&p.thread, NULL, waits_at_event, &p) == 0);
    until_asleep(&p);
    weir_event_prepare(&event, &sleeper);
    CHECK(weir_cancel_source_cancel(&source, 0));
    CHECK_EQ(end(&p), -ECANCELED);
    /* It has taken nothing with it. */
    weir_event_notify(&event, 1);
    CHECK_EQ(weir_event_wait(&event, &sleeper, WEIR_FOREVER, NULL), 0);
    weir_event_prepare(&event, &sleeper);
    CHECK_EQ(weir_event_wait(&event, &sleeper, WEIR_FOREVER, &source.token), -ECANCELED);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

static void the_earlier_deadline_counts(void)
{
    const uint64_t soon = weir_clock_after(2000000), later = weir_clock_after(3600000000000);
    weir_cancel_source source;
    weir_waiter waiter;

    weir_waiter_init(&waiter);
    weir_cancel_source_init(&source, NULL, later);
    CHECK_EQ(weir_waiter_park(&waiter, soon, &source.token), -ETIMEDOUT);
    CHECK(weir_clock_now() >= soon);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    weir_cancel_source_init(&source, NULL, soon);
    CHECK_EQ(weir_waiter_park(&waiter, later, &source.token), -ECANCELED);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

int main(void)
{
    return TEST_RUN(
        "wait", TEST_CASE(two_on_one_processor), TEST_CASE(unparks_are_kept_as_one),
        TEST_CASE(a_park_ends_at_its_deadline), TEST_CASE(who_parks_is_woken),
        TEST_CASE(what_has_nobody_to_wake_is_cheap), TEST_CASE(a_function_is_called_once_an_arm),
        TEST_CASE(a_function_may_end_its_waiter), TEST_CASE(a_function_may_arm_again),
        TEST_CASE(kinds_of_waiters_are_not_mixed), TEST_CASE(nothing_is_remembered_from_before),
        TEST_CASE(who_withdraws_hands_on), TEST_CASE(any_of_them_may_leave),
        TEST_CASE(first_come_first_woken), TEST_CASE(as_many_as_were_asked_for),
        TEST_CASE(a_wait_ends_at_its_deadline), TEST_CASE(what_is_ready_is_done),
        TEST_CASE(cancelled_parks_keep_what_came), TEST_CASE(a_wait_can_be_cancelled),
        TEST_CASE(the_earlier_deadline_counts), TEST_CASE(who_is_idle_costs_nothing),
        TEST_CASE(what_is_no_wake_up_is_none), TEST_CASE(a_child_waits_anew));
}
