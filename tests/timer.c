/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/timer.h: when timers are called, and in what order. Those that repeat:
 * tests/timer_repeat.c; against a model of them all: tests/timer_random.c; cancels:
 * tests/loop_async.c. */

#include "loop.h"
#include "refuse.h"

#include <sys/eventfd.h>
#include <sys/syscall.h>

enum { MANY = 1000 };

/* ---- order ---- */

static void equal_deadlines_come_in_the_order_of_their_starts(void)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, 'a', NULL), b = thing_of(loop, 'b', NULL),
          c = thing_of(loop, 'c', NULL);

    weir_timer_start(&a.timer, 2000);
    weir_timer_start(&b.timer, 2000);
    weir_timer_start(&c.timer, 1999);
    weir_timer_start(&c.timer, 2000); /* moved: that counts as a start */
    weir_timer_start(&a.timer, 2000); /* to where it was: the last now */
    move_to(1999);
    turn_for_nothing(loop);
    move_to(2000);
    turn_with_work(loop);
    CHECK_SAID("bca");
    weir_timer_start(&b.timer, 3000);
    weir_timer_start(&a.timer, 3000);
    CHECK(weir_timer_stop(&b.timer));
    weir_timer_start(&b.timer, 3000);
    move_to(4000);
    turn_with_work(loop);
    CHECK_SAID("ab");
    end(loop);
}

static unsigned expected_next;

static void is_expected(thing *t)
{
    CHECK_EQ(t->ready, expected_next);
    expected_next++;
}

/* A thousand of one deadline, some started again; near, far, and past. */
static void many_timers_of_one_deadline_keep_their_order(void)
{
    static const uint64_t ahead[] = {0, 1, 5000, 3 * MS, 10000 * (uint64_t)MS, UINT64_C(1) << 50};
    weir_loop *const loop = make_moved();
    static thing all[MANY];

    for (unsigned i = 0; i < sizeof ahead / sizeof ahead[0]; i++) {
        const uint64_t due = moved_now(NULL) + ahead[i];
        unsigned place = 0;

        for (unsigned j = 0; j < MANY; j++) {
            all[j] = thing_of(loop, 0, is_expected);
            weir_timer_start(&all[j].timer, due);
            if (j % 5 != 0)
                all[j].ready = place++;
        }
        for (unsigned j = MANY; j-- > 0;)
            if (j % 5 == 0) {
                if (j % 2 == 0)
                    CHECK(weir_timer_stop(&all[j].timer));
                weir_timer_start(&all[j].timer, due);
                all[j].ready = place++;
            }
        expected_next = 0;
        move_to(due);
        turn_with_work(loop);
        CHECK_EQ(expected_next, MANY);
    }
    end(loop);
}

static void a_deadline_in_the_past_comes_at_once_but_not_inside_the_start(void)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, 'a', NULL), b = thing_of(loop, 'b', NULL),
          c = thing_of(loop, 'c', NULL);

    move_to(5000);
    turn_for_nothing(loop);
    weir_timer_start(&a.timer, 5000);
    weir_timer_start(&b.timer, 4000);
    weir_timer_start(&c.timer, 0);
    CHECK_SAID("");
    CHECK_EQ(weir_loop_deadline(loop), 0);
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("cba");
    end(loop);
}

static void a_timer_moved_comes_at_the_new_time(void)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, 'a', NULL);
    static const uint64_t places[] = {1001, 9000, 1 << 13, 5 * MS, UINT64_C(1) << 40, 2000};

    weir_timer_start(&a.timer, 2000);
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
        weir_timer_start(&a.timer, places[i]);
        CHECK_EQ(weir_timer_deadline(&a.timer), places[i]);
    }
    move_to(1999);
    turn_for_nothing(loop);
    weir_timer_start(&a.timer, 3000); /* to later */
    move_to(2999);
    turn_for_nothing(loop);
    move_to(3000);
    turn_with_work(loop);
    CHECK_SAID("a");
    turn_for_nothing(loop);
    weir_timer_start(&a.timer, 9000);
    weir_timer_start(&a.timer, 3001); /* to earlier */
    move_to(3001);
    turn_with_work(loop);
    CHECK_SAID("a");
    weir_timer_start(&a.timer, 9000);
    weir_timer_start(&a.timer, 7); /* to the past */
    turn_with_work(loop);
    CHECK_SAID("a");
    move_to(10000);
    turn_for_nothing(loop);
    end(loop);
}

static void pushed_back_it_comes_when_the_pushing_ends(void)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, 'a', NULL);

    for (uint64_t i = 0; i < 1000; i++) {
        move_to(1000 + i * MS);
        weir_timer_start(&a.timer, moved_now(NULL) + 2 * MS);
        turn_for_nothing(loop);
    }
    move_to(1000 + 1001 * (uint64_t)MS - 1);
    turn_for_nothing(loop);
    move_to(1000 + 1001 * (uint64_t)MS);
    turn_with_work(loop);
    CHECK_SAID("a");
    end(loop);
}

static void a_far_deadline_does_not_wrap(void)
{
    weir_loop *const loop = make_moved();
    thing near = thing_of(loop, 'n', NULL), far = thing_of(loop, 'f', NULL),
          never = thing_of(loop, 'x', NULL), last = thing_of(loop, 'l', NULL);

    weir_timer_after(&far.timer, (UINT64_C(1) << 48) - 1);
    weir_timer_after(&never.timer, WEIR_FOREVER);
    weir_timer_after(&near.timer, 1);
    weir_timer_start(&last.timer, WEIR_FOREVER - 2);
    CHECK_EQ(weir_timer_deadline(&far.timer), 1000 + (UINT64_C(1) << 48) - 1);
    CHECK_EQ(weir_timer_deadline(&never.timer), WEIR_FOREVER);
    CHECK(weir_timer_is_started(&never.timer));
    move_to(1001);
    turn_with_work(loop);
    CHECK_SAID("n");
    move_to(1000 + (UINT64_C(1) << 48) - 2);
    turn_for_nothing(loop);
    move_to(1000 + (UINT64_C(1) << 48) - 1);
    turn_with_work(loop);
    CHECK_SAID("f");
    move_to(WEIR_FOREVER - 3);
    turn_for_nothing(loop);
    move_to(WEIR_FOREVER - 2);
    turn_with_work(loop);
    CHECK_SAID("l");
    move_to(WEIR_FOREVER);
    turn_for_nothing(loop);
    CHECK(weir_timer_stop(&never.timer));
    end(loop);
}

/* ---- in callbacks ---- */

static void is_stopped_in_it(thing *t)
{
    CHECK(!weir_timer_is_started(&t->timer));
    CHECK(!weir_timer_stop(&t->timer));
    CHECK_EQ(weir_timer_deadline(&t->timer), WEIR_FOREVER);
}

static void is_started_in_it(thing *t)
{
    CHECK(weir_timer_is_started(&t->timer));
    CHECK_EQ(weir_timer_deadline(&t->timer), t->at + 5);
    CHECK(weir_timer_stop(&t->timer));
    CHECK(!weir_timer_stop(&t->timer));
}

static void a_one_shot_is_inactive_in_its_own_callback(void)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, 'a', is_stopped_in_it), b = thing_of(loop, 'b', is_started_in_it);

    CHECK(!weir_timer_stop(&a.timer));
    weir_timer_start(&a.timer, 1000);
    weir_timer_repeat(&b.timer, 1000, 5, WEIR_TIMER_BURST);
    run_to_the_end(loop);
    CHECK_SAID("ab");
    end(loop);
}

static void stop_the_other_and_free(thing *t)
{
    CHECK(weir_timer_stop(&t->other->timer));
    memset(t->other, 0xff, sizeof *t->other);
    free(t->other);
    t->then = NULL;
}

/* Due, or not yet; the next one, or the last. */
static void a_timer_stopped_in_the_callback_before_it_is_not_called(void)
{
    weir_loop *const loop = make_moved();
    thing t[4];

    for (int whom = 1; whom < 5; whom++) {
        for (int i = 0; i < 4; i++) {
            t[i] = thing_of(loop, (char)('a' + i), NULL);
            if (i == whom || (i == 0 && whom == 4)) {
                t[0].other = (thing *)malloc(sizeof(thing));
                CHECK(t[0].other != NULL);
                *t[0].other = thing_of(loop, 'x', NULL);
                weir_timer_start(&t[0].other->timer, whom == 4 ? 5000 : 1000);
            }
            if (i != whom)
                weir_timer_start(&t[i].timer, 1000);
        }
        t[0].then = stop_the_other_and_free;
        turn_with_work(loop);
        CHECK_SAID(whom == 1 ? "acd" : whom == 2 ? "abd" : whom == 3 ? "abc" : "abcd");
        CHECK(!weir_loop_alive(loop));
    }
    end(loop);
}

static void restart_the_other(thing *t)
{
    CHECK(weir_timer_stop(&t->other->timer));
    weir_timer_start(&t->other->timer, 1000);
    t->then = NULL;
}

static void move_the_other(thing *t)
{
    weir_timer_start(&t->other->timer, 1);
    t->then = NULL;
}

/* Whoever is started anew while those that are due are called comes in the next turn, once. */
static void a_due_timer_started_again_in_another_callback_comes_in_the_next_turn(void)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, 'a', restart_the_other), b = thing_of(loop, 'b', NULL),
          c = thing_of(loop, 'c', NULL);

    a.other = &b;
    for (int i = 0; i < 2; i++) {
        weir_timer_start(&a.timer, 1000);
        weir_timer_start(&b.timer, 1000);
        weir_timer_start(&c.timer, 1000);
        turn_with_work(loop);
        CHECK_SAID("ac");
        turn_with_work(loop);
        CHECK_SAID("b");
        turn_for_nothing(loop);
        a.then = move_the_other;
    }
    end(loop);
}

static void start_itself_now(thing *t)
{
    weir_timer_start(&t->timer, 0);
}

static void a_zero_timer_started_in_its_own_callback_comes_in_the_next_round(void)
{
    weir_loop *const loop = make_moved();
    const int fd = eventfd(1, EFD_CLOEXEC);
    thing a = thing_of(loop, 'a', start_itself_now), f = thing_of(loop, 'f', NULL),
          c = thing_of(loop, 'c', NULL);

    thing_poll(&f, fd, WEIR_POLL_READ | WEIR_POLL_LEVEL);
    thing_hook(&c, WEIR_LOOP_CHECK);
    weir_timer_start(&a.timer, 0);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("afcafcafc");
    CHECK(weir_timer_stop(&a.timer) && weir_hook_stop(&c.hook) && weir_poll_stop(&f.poll));
    CHECK(close(fd) == 0);
    end(loop);
}

static void move_to_the_others(thing *t)
{
    move_to(2000);
    CHECK_EQ(weir_loop_update(t->loop), 2000);
}

/* What comes due while they are called was not, when it looked. */
static void one_turn_calls_those_that_were_due_when_it_looked(void)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, 'a', move_to_the_others), b = thing_of(loop, 'b', NULL),
          c = thing_of(loop, 'c', NULL);

    weir_timer_start(&a.timer, 1000);
    weir_timer_start(&b.timer, 1000);
    weir_timer_start(&c.timer, 1001);
    turn_with_work(loop);
    CHECK_SAID("ab");
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("c");
    end(loop);
}

static void timers_over_the_budget_come_in_the_next_turn(void)
{
    weir_loop_options options = moved_options();
    weir_loop *loop;
    thing t[7], check, early;

    options.timers = 3;
    loop = make(&options);
    check = thing_of(loop, '.', NULL);
    early = thing_of(loop, 'e', NULL);
    thing_hook(&check, WEIR_LOOP_CHECK);
    for (int i = 0; i < 7; i++) {
        t[i] = thing_of(loop, (char)('0' + i), NULL);
        weir_timer_start(&t[i].timer, 1000 - (uint64_t)i);
    }
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("654.");
    CHECK_EQ(weir_loop_deadline(loop), 0);
    CHECK(weir_timer_stop(&t[2].timer));
    weir_timer_start(&early.timer, 0);
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("310.");
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("e.");
    CHECK_EQ(numbers_of(loop).timers, 7);
    CHECK(weir_hook_stop(&check.hook));
    end(loop);
}

static void work_and_start(thing *t)
{
    move_to(moved_now(NULL) + 100);
    weir_timer_after(&t->other[0].timer, 50);
    weir_timer_start(&t->other[1].timer, weir_clock_add(weir_loop_now(t->loop), 50));
}

/* From the clock, not from the turn's beginning. */
static void a_timer_started_after_long_work_waits_its_whole_time(void)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, 'a', work_and_start), b[2];

    b[0] = thing_of(loop, 'b', NULL);
    b[1] = thing_of(loop, 'c', NULL);
    a.other = b;
    thing_post(&a);
    turn_with_work(loop);
    CHECK_EQ(weir_timer_deadline(&b[0].timer), 1150);
    CHECK_EQ(weir_timer_deadline(&b[1].timer), 1150); /* that was a look at the clock */
    move_to(1149);
    turn_for_nothing(loop);
    move_to(1150);
    turn_with_work(loop);
    CHECK_SAID("abc");
    end(loop);
}

/* ---- the real clock ---- */

static void is_not_early(thing *t)
{
    CHECK(weir_clock_now() >= (uint64_t)(uintptr_t)t->other);
}

static void check_real_timers(void)
{
    weir_loop *const loop = make(NULL);
    thing t[40];

    for (unsigned i = 0; i < 40; i++) {
        const uint64_t due = weir_clock_after(i % 2 == 0 ? i * 100003 : i * 70001 + 1);

        t[i] = thing_of(loop, 0, is_not_early);
        t[i].other = (thing *)(uintptr_t)due;
        weir_timer_start(&t[i].timer, due);
    }
    run_to_the_end(loop);
    for (unsigned i = 0; i < 40; i++)
        CHECK_EQ(t[i].calls, 1);
    end(loop);
}

static void a_timer_is_never_early(void)
{
    if (sizeof(uintptr_t) < 8) {
        test_skip("a pointer holds no time here");
        return;
    }
    check_real_timers();
}

static void deadlines_below_a_millisecond_do_not_spin(void)
{
    static const uint64_t waits[] = {1, 1000, 300000, MS + 1, 2 * MS - 1};

    for (unsigned i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        weir_loop *const loop = make(NULL);
        thing t = thing_of(loop, 't', NULL);

        weir_timer_after(&t.timer, waits[i]);
        run_to_the_end(loop);
        CHECK_SAID("t");
        CHECK(numbers_of(loop).turns < 6);
        end(loop);
    }
}

/* On kernels, and in sandboxes, without epoll_pwait2(2). */
static void without_fine_sleeps_nothing_is_early_either(void)
{
#ifdef SYS_epoll_pwait2
    int status = -1;
    pid_t child;

    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (!refuse_call(SYS_epoll_pwait2, ENOSYS))
            _exit(TEST_SKIPPED);
        check_real_timers();
        deadlines_below_a_millisecond_do_not_spin();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    if (WEXITSTATUS(status) == TEST_SKIPPED)
        test_skip("no filter of system calls");
    else
        CHECK_EQ(WEXITSTATUS(status), 0);
#else
    test_skip("no filter of system calls");
#endif
}

int main(void)
{
    return TEST_RUN("timer", TEST_CASE(equal_deadlines_come_in_the_order_of_their_starts),
                    TEST_CASE(many_timers_of_one_deadline_keep_their_order),
                    TEST_CASE(a_deadline_in_the_past_comes_at_once_but_not_inside_the_start),
                    TEST_CASE(a_timer_moved_comes_at_the_new_time),
                    TEST_CASE(pushed_back_it_comes_when_the_pushing_ends),
                    TEST_CASE(a_far_deadline_does_not_wrap),
                    TEST_CASE(a_one_shot_is_inactive_in_its_own_callback),
                    TEST_CASE(a_timer_stopped_in_the_callback_before_it_is_not_called),
                    TEST_CASE(a_due_timer_started_again_in_another_callback_comes_in_the_next_turn),
                    TEST_CASE(a_zero_timer_started_in_its_own_callback_comes_in_the_next_round),
                    TEST_CASE(one_turn_calls_those_that_were_due_when_it_looked),
                    TEST_CASE(timers_over_the_budget_come_in_the_next_turn),
                    TEST_CASE(a_timer_started_after_long_work_waits_its_whole_time),
                    TEST_CASE(a_timer_is_never_early),
                    TEST_CASE(deadlines_below_a_millisecond_do_not_spin),
                    TEST_CASE(without_fine_sleeps_nothing_is_early_either));
}
