/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "test.h"

#include <weir/clock.h>

#include <time.h>

static void goes_forward(void)
{
    uint64_t before = weir_clock_now();

    for (int i = 0; i < 1000; i++) {
        const uint64_t now = weir_clock_now();

        CHECK(now >= before);
        before = now;
    }
}

/* Nanoseconds of the monotonic clock, so that deadlines of other origin can be compared. */
static void is_the_monotonic_clock(void)
{
    struct timespec low, high;
    uint64_t now;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &low) == 0);
    now = weir_clock_now();
    CHECK(clock_gettime(CLOCK_MONOTONIC, &high) == 0);
    CHECK(now >= (uint64_t)low.tv_sec * 1000000000 + (uint64_t)low.tv_nsec);
    CHECK(now <= (uint64_t)high.tv_sec * 1000000000 + (uint64_t)high.tv_nsec);
}

static void deadlines_saturate(void)
{
    static const struct {
        uint64_t start, ns, want;
    } cases[] = {{0, 0, 0},
                 {1, 2, 3},
                 {0, WEIR_FOREVER, WEIR_FOREVER},
                 {1, WEIR_FOREVER, WEIR_FOREVER},
                 {1, WEIR_FOREVER - 1, WEIR_FOREVER},
                 {1, WEIR_FOREVER - 2, WEIR_FOREVER - 1},
                 {WEIR_FOREVER, 0, WEIR_FOREVER},
                 {WEIR_FOREVER, 1, WEIR_FOREVER},
                 {WEIR_FOREVER, WEIR_FOREVER, WEIR_FOREVER},
                 {WEIR_FOREVER - 1, 1, WEIR_FOREVER},
                 {WEIR_FOREVER - 1, 2, WEIR_FOREVER}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_EQ(weir_clock_add(cases[i].start, cases[i].ns), cases[i].want);
    CHECK_EQ(weir_clock_after(WEIR_FOREVER), WEIR_FOREVER);
}

static void after_counts_from_now(void)
{
    const uint64_t before = weir_clock_now();
    const uint64_t deadline = weir_clock_after(1000);
    const uint64_t after = weir_clock_now();

    CHECK(deadline >= before + 1000);
    CHECK(deadline <= after + 1000);
}

/* 0 and what is behind have passed, and so has the moment itself; for ever does not. */
static void deadlines_pass(void)
{
    const uint64_t now = weir_clock_now();
    const uint64_t soon = weir_clock_after(1000000);

    CHECK(weir_clock_passed(0));
    CHECK(weir_clock_passed(1));
    CHECK(weir_clock_passed(now));
    CHECK(!weir_clock_passed(WEIR_FOREVER));
    CHECK(!weir_clock_passed(WEIR_FOREVER - 1));
    CHECK(!weir_clock_passed(weir_clock_add(now, UINT64_C(3600000000000))));
    while (!weir_clock_passed(soon))
        CHECK(weir_clock_left(WEIR_FOREVER) == WEIR_FOREVER);
    CHECK(weir_clock_now() >= soon);
}

static void time_is_left_until_a_deadline(void)
{
    const uint64_t hour = UINT64_C(3600000000000);
    const uint64_t deadline = weir_clock_after(hour);
    uint64_t before = hour;

    CHECK_EQ(weir_clock_left(0), 0);
    CHECK_EQ(weir_clock_left(1), 0);
    CHECK_EQ(weir_clock_left(weir_clock_now()), 0);
    CHECK_EQ(weir_clock_left(WEIR_FOREVER), WEIR_FOREVER);
    for (int i = 0; i < 1000; i++) {
        const uint64_t low = weir_clock_now();
        const uint64_t left = weir_clock_left(deadline);
        const uint64_t high = weir_clock_now();

        CHECK(left <= before); /* it grows less */
        CHECK(left <= deadline - low && left >= deadline - high);
        before = left;
    }
    /* The last that is not for ever is counted like any other. */
    CHECK(weir_clock_left(WEIR_FOREVER - 1) < WEIR_FOREVER - 1);
    CHECK(weir_clock_left(WEIR_FOREVER - 1) > WEIR_FOREVER / 2);
}

int main(void)
{
    return TEST_RUN("clock", TEST_CASE(goes_forward), TEST_CASE(is_the_monotonic_clock),
                    TEST_CASE(deadlines_saturate), TEST_CASE(after_counts_from_now),
                    TEST_CASE(deadlines_pass), TEST_CASE(time_is_left_until_a_deadline));
}
