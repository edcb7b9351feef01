/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/timer.h: timers that repeat, and what is left out when the loop is late. */

#include "loop.h"

/* ---- timers that repeat ---- */

/* A period of 300 from 1000 on, and the loop is late by 950. */
static void check_late(weir_timer_late late, const char *expected, uint64_t missed, uint64_t next)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, 'a', NULL);

    weir_timer_repeat(&a.timer, 1000, 300, late);
    CHECK_EQ(weir_timer_deadline(&a.timer), 1000);
    move_to(1950);
    turn_with_work(loop);
    CHECK_EQ(weir_timer_missed(&a.timer), missed);
    while (weir_loop_turn(loop, 0) == 0)
        CHECK_EQ(weir_timer_missed(&a.timer), 0);
    CHECK_SAID(expected);
    CHECK_EQ(weir_timer_deadline(&a.timer), next);
    move_to(next - 1);
    turn_for_nothing(loop);
    move_to(next);
    turn_with_work(loop);
    turn_for_nothing(loop);
    CHECK_SAID("a");
    CHECK_EQ(weir_timer_missed(&a.timer), 0);
    CHECK_EQ(weir_timer_deadline(&a.timer), next + 300);
    CHECK(weir_loop_alive(loop));
    CHECK(weir_timer_stop(&a.timer));
    end(loop);
}

static void missed_ticks_follow_the_policy(void)
{
    check_late(WEIR_TIMER_BURST, "aaaa", 0, 2200);
    check_late(WEIR_TIMER_DELAY, "a", 0, 2250);
    check_late(WEIR_TIMER_SKIP, "a", 3, 2200);
}

/* Late by exactly so many periods, or a bit more, or less. */
static void a_skip_counts_whole_periods(void)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, 0, NULL), b = thing_of(loop, 0, NULL);

    for (uint64_t late = 0; late < 50; late++) {
        move_to(10000 + late);
        weir_timer_repeat(&a.timer, 10000, 10, WEIR_TIMER_SKIP);
        turn_with_work(loop);
        CHECK_EQ(weir_timer_missed(&a.timer), late / 10);
        CHECK_EQ(weir_timer_deadline(&a.timer), 10000 + (late / 10 + 1) * 10);
        weir_timer_start(&b.timer, 0);
        CHECK(weir_timer_stop(&a.timer));
        turn_with_work(loop);
        CHECK_EQ(weir_timer_missed(&b.timer), 0);
    }
    end(loop);
}

static void a_far_repeat_does_not_wrap(void)
{
    weir_loop *const loop = make_moved();
    thing far = thing_of(loop, 'f', NULL), near = thing_of(loop, 'n', NULL);

    for (int late = WEIR_TIMER_BURST; late <= WEIR_TIMER_SKIP; late++) {
        const uint64_t now = moved_now(NULL);

        weir_timer_repeat(&far.timer, now + 1, WEIR_FOREVER, (weir_timer_late)late);
        weir_timer_repeat(&near.timer, now + 2, 2, (weir_timer_late)late);
        for (uint64_t i = 1; i <= 10; i++) {
            move_to(now + i);
            (void)weir_loop_turn(loop, 0);
        }
        CHECK_SAID("fnnnnn");
        CHECK_EQ(weir_timer_deadline(&far.timer), WEIR_FOREVER);
        CHECK(weir_timer_is_started(&far.timer));
        CHECK(weir_timer_stop(&far.timer) && weir_timer_stop(&near.timer));
    }
    /* A period of 0 is one of 1 ns. */
    weir_timer_repeat(&near.timer, moved_now(NULL), 0, WEIR_TIMER_BURST);
    turn_with_work(loop);
    turn_for_nothing(loop);
    CHECK_EQ(weir_timer_deadline(&near.timer), moved_now(NULL) + 1);
    CHECK(weir_timer_stop(&near.timer));
    end(loop);
}

static void repeat_from_here(thing *t)
{
    CHECK(weir_timer_is_started(&t->timer));
    if (t->calls == 1) {
        CHECK_EQ(weir_timer_deadline(&t->timer), 1010);
        weir_timer_repeat(&t->timer, 1003, 7, WEIR_TIMER_BURST); /* another period holds at once */
    } else if (t->calls == 2) {
        CHECK_EQ(weir_timer_deadline(&t->timer), 1010);
        weir_timer_start(&t->timer, 1020); /* once */
        t->then = NULL;
    }
}

static void a_new_period_holds_at_once(void)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, 'a', repeat_from_here);

    weir_timer_repeat(&a.timer, 1000, 10, WEIR_TIMER_DELAY);
    turn_with_work(loop);
    move_to(1003);
    turn_with_work(loop);
    move_to(1019);
    turn_for_nothing(loop);
    move_to(1100);
    turn_with_work(loop);
    CHECK_SAID("aaa");
    CHECK(!weir_timer_is_started(&a.timer));
    end(loop);
}

/* The background stays what it is, whichever manner. */
static void a_timer_that_repeats_may_be_in_the_background(void)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, 'a', NULL);

    for (int late = WEIR_TIMER_BURST; late <= WEIR_TIMER_SKIP; late++) {
        move_to(1000);
        weir_timer_background(&a.timer, true);
        weir_timer_repeat(&a.timer, 1000, 10, (weir_timer_late)late);
        CHECK(!weir_loop_alive(loop));
        turn_with_work(loop);
        CHECK(!weir_loop_alive(loop));
        weir_timer_background(&a.timer, false);
        CHECK(weir_loop_alive(loop));
        move_to(moved_now(NULL) + 35);
        turn_with_work(loop);
        CHECK_EQ(weir_timer_missed(&a.timer), late == WEIR_TIMER_SKIP ? 2 : 0);
        CHECK(weir_loop_alive(loop));
        CHECK(weir_timer_stop(&a.timer));
        CHECK(!weir_loop_alive(loop));
        turn_for_nothing(loop);
        weir_timer_background(&a.timer, true);
        weir_timer_start(&a.timer, 0);
        turn_with_work(loop);
        CHECK(!weir_loop_alive(loop));
    }
    CHECK_SAID("aaaaaaaaa");
    end(loop);
}

int main(void)
{
    return TEST_RUN("timer_repeat", TEST_CASE(missed_ticks_follow_the_policy),
                    TEST_CASE(a_skip_counts_whole_periods), TEST_CASE(a_far_repeat_does_not_wrap),
                    TEST_CASE(a_new_period_holds_at_once),
                    TEST_CASE(a_timer_that_repeats_may_be_in_the_background));
}
