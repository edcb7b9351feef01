/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The latch and the wait group of weir/sem.h. */

#include "sem.h"

/* ---- latch ---- */

static void *await_latch(void *latch)
{
    CHECK_EQ(weir_latch_wait((weir_latch *)latch, WEIR_FOREVER, NULL), 0);
    return NULL;
}

static void opens_when_counted_down(void)
{
    static weir_latch fixed = WEIR_LATCH_INIT(3);
    weir_latch latch;

    weir_latch_init(&latch, 3);
    for (int i = 0; i < 2; i++) {
        weir_latch *const l = i == 0 ? &latch : &fixed;

        CHECK(!weir_latch_try_wait(l));
        CHECK_EQ(weir_latch_wait(l, 0, NULL), -ETIMEDOUT);
        CHECK_EQ(weir_latch_wait(l, weir_clock_after(MS), NULL), -ETIMEDOUT);
        weir_latch_count_down(l, 1);
        weir_latch_count_down(l, 0);
        CHECK_EQ(weir_latch_pending_approx(l), 2);
        CHECK(!weir_latch_try_wait(l));
        weir_latch_count_down(l, 2);
        CHECK(weir_latch_try_wait(l));
        CHECK_EQ(weir_latch_wait(l, 0, NULL), 0);
        CHECK_EQ(weir_latch_wait(l, WEIR_FOREVER, NULL), 0);
        weir_latch_count_down(l, 0);
        CHECK_EQ(weir_latch_destroy(l), 0);
    }
}

static void a_latch_of_nothing_is_open(void)
{
    weir_latch latch = WEIR_LATCH_INIT(0);

    CHECK(weir_latch_try_wait(&latch));
    CHECK_DIES(weir_latch_count_down(&latch, 1), "counted down below zero");
    weir_latch_init(&latch, WEIR_SEM_MAX);
    CHECK_DIES(weir_latch_count_down(&latch, UINT32_MAX), "counted down below zero");
    weir_latch_count_down(&latch, WEIR_SEM_MAX);
    CHECK(weir_latch_try_wait(&latch));
    CHECK_DIES(weir_latch_init(&latch, WEIR_SEM_MAX + 1), "a count of more than WEIR_SEM_MAX");
}

static void wakes_all_who_wait(void)
{
    enum { N = 20 };
    weir_latch latch = WEIR_LATCH_INIT(2);
    pthread_t threads[N];

    for (int i = 0; i < N; i++)
        CHECK(pthread_create(&threads[i], NULL, await_latch, &latch) == 0);
    while (weir_latch_waiters_approx(&latch) != N)
        sched_yield();
    CHECK_EQ(weir_latch_destroy(&latch), -EBUSY);
    weir_latch_count_down(&latch, 1);
    CHECK_EQ(weir_latch_waiters_approx(&latch), N);
    CHECK_DIES(weir_latch_count_down(&latch, 2), "counted down below zero");
    weir_latch_count_down(&latch, 1);
    for (int i = 0; i < N; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_EQ(weir_latch_destroy(&latch), 0);
}

static weir_latch signalled = WEIR_LATCH_INIT(1);

static void count_down_in_handler(int number)
{
    (void)number;
    weir_latch_count_down(&signalled, 1);
}

static void handlers_may_count_down(void)
{
    if (NO_HANDLERS != NULL) {
        test_skip(NO_HANDLERS);
        return;
    }
    handle(count_down_in_handler);
    for (int i = 0; i < 500; i++) {
        pthread_t thread;

        weir_latch_init(&signalled, 1);
        CHECK(pthread_create(&thread, NULL, await_latch, &signalled) == 0);
        for (int turns = i % 8; turns > 0; turns--)
            sched_yield();
        CHECK(pthread_kill(thread, SIGUSR1) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK(weir_latch_try_wait(&signalled));
    }
}

/* ---- wait group ---- */

static WEIR_ATOMIC(uint32_t) returned;

static uint32_t returns(void)
{
    return weir_atomic_load(&returned, WEIR_RELAXED); /* relaxed: a number. */
}

static void *await_group(void *group)
{
    CHECK_EQ(weir_wait_group_wait((weir_wait_group *)group, WEIR_FOREVER, NULL), 0);
    weir_atomic_fetch_add(&returned, 1, WEIR_RELAXED); /* relaxed: a number. */
    return NULL;
}

static void waits_for_what_was_added(void)
{
    static weir_wait_group fixed = WEIR_WAIT_GROUP_INIT;
    weir_wait_group group;

    weir_wait_group_init(&group);
    for (int i = 0; i < 2; i++) {
        weir_wait_group *const g = i == 0 ? &group : &fixed;

        for (uint32_t round = 1; round < 4; round++) {
            CHECK(weir_wait_group_try_wait(g));
            CHECK_EQ(weir_wait_group_wait(g, 0, NULL), 0);
            weir_wait_group_add(g, round);
            weir_wait_group_add(g, 0);
            for (uint32_t left = round; left > 0; left--) {
                CHECK_EQ(weir_wait_group_pending_approx(g), left);
                CHECK(!weir_wait_group_try_wait(g));
                CHECK_EQ(weir_wait_group_wait(g, 0, NULL), -ETIMEDOUT);
                weir_wait_group_done(g);
            }
        }
        CHECK_EQ(weir_wait_group_destroy(g), 0);
    }
}

static void a_group_has_its_bounds(void)
{
    weir_wait_group group = WEIR_WAIT_GROUP_INIT;

    CHECK_DIES(weir_wait_group_done(&group), "counted down below zero");
    weir_wait_group_add(&group, WEIR_SEM_MAX);
    CHECK_DIES(weir_wait_group_add(&group, 1), "more added than WEIR_SEM_MAX");
    CHECK_DIES(weir_wait_group_add(&group, UINT32_MAX), "more added than WEIR_SEM_MAX");
    weir_wait_group_done(&group);
    weir_wait_group_add(&group, 1);
    CHECK_EQ(weir_wait_group_pending_approx(&group), WEIR_SEM_MAX);
}

/* A 0 that lasts for no time is seen by all who waited before; more that is added meanwhile delays
 * nobody but who comes then. */
static void the_next_round_may_begin_at_once(void)
{
    enum { N = 8 };
    weir_wait_group group = WEIR_WAIT_GROUP_INIT;

    for (int round = 0; round < 200; round++) {
        const uint32_t before = returns();
        pthread_t threads[N];

        weir_wait_group_init(&group);
        weir_wait_group_add(&group, 1);
        for (int i = 0; i < N; i++)
            CHECK(pthread_create(&threads[i], NULL, await_group, &group) == 0);
        while (weir_wait_group_waiters_approx(&group) != N)
            sched_yield();
        weir_wait_group_done(&group);
        weir_wait_group_add(&group, 1);
        while (returns() - before < N)
            sched_yield();
        for (int i = 0; i < N; i++)
            CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK_EQ(weir_wait_group_pending_approx(&group), 1);
        CHECK_EQ(weir_wait_group_destroy(&group), 0);
    }
}

int main(void)
{
    return TEST_RUN("sem_latch", TEST_CASE(opens_when_counted_down),
                    TEST_CASE(a_latch_of_nothing_is_open), TEST_CASE(wakes_all_who_wait),
                    TEST_CASE(handlers_may_count_down), TEST_CASE(waits_for_what_was_added),
                    TEST_CASE(a_group_has_its_bounds), TEST_CASE(the_next_round_may_begin_at_once));
}
