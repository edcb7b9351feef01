/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/job.c: calls, in the hand of one thread: their pools are tests/pool.c and tests/blocking.c.
 */

#include "test.h"

#include <weir/job.h>

#include <errno.h>

typedef struct add_call {
    weir_call call;
    int a, b, sum;
    int status;
} add_call;

static int add(weir_call *call)
{
    add_call *const it = (add_call *)(void *)call;

    it->sum = it->a + it->b;
    return it->status;
}

static void made(add_call *it, int status, weir_cancel *cancel)
{
    weir_call_init(&it->call, add, cancel);
    it->a = 3;
    it->b = 4;
    it->sum = 0;
    it->status = status;
}

static void a_call_gives_what_its_function_returned(void)
{
    static const int statuses[] = {0, -EIO, -ECANCELED, -4095};
    add_call it;

    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        made(&it, statuses[i], NULL);
        CHECK_EQ(weir_call_get(&it.call, 0, NULL), -ETIMEDOUT);
        CHECK_EQ(it.call.job.run(&it.call.job), 0); /* who waits is told, and nobody else */
        CHECK_EQ(it.sum, 7);
        CHECK(weir_future_is_done(&it.call.future));
        CHECK_EQ(weir_call_get(&it.call, 0, NULL), statuses[i]);
    }
}

static void a_cancelled_call_does_not_begin(void)
{
    weir_cancel_source source;
    add_call it;

    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
    made(&it, 0, weir_cancel_source_token(&source));
    CHECK(weir_cancel_source_cancel(&source, 0));
    CHECK_EQ(it.call.job.run(&it.call.job), 0);
    CHECK_EQ(weir_call_get(&it.call, WEIR_FOREVER, NULL), -ECANCELED);
    CHECK_EQ(it.sum, 0);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

static void a_call_may_be_given_up(void)
{
    add_call it;

    made(&it, 0, NULL);
    weir_call_fail(&it.call, -EPIPE);
    CHECK_EQ(weir_call_get(&it.call, WEIR_FOREVER, NULL), -EPIPE);
    CHECK_EQ(it.sum, 0);
}

static void a_wait_may_be_cancelled(void)
{
    weir_cancel_source source;
    add_call it;

    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
    CHECK(weir_cancel_source_cancel(&source, 0));
    made(&it, 0, NULL);
    CHECK_EQ(weir_call_get(&it.call, WEIR_FOREVER, weir_cancel_source_token(&source)), -ECANCELED);
    CHECK(!weir_future_is_done(&it.call.future)); /* it goes on */
    CHECK_EQ(it.call.job.run(&it.call.job), 0);
    /* What it has come to is said whatever the wait's token says. */
    CHECK_EQ(weir_call_get(&it.call, 0, weir_cancel_source_token(&source)), 0);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

static void a_status_is_no_number(void)
{
    add_call it;

    made(&it, 5, NULL);
    CHECK_DIES(it.call.job.run(&it.call.job), "0 or a negative errno");
}

int main(void)
{
    return TEST_RUN("job", TEST_CASE(a_call_gives_what_its_function_returned),
                    TEST_CASE(a_cancelled_call_does_not_begin), TEST_CASE(a_call_may_be_given_up),
                    TEST_CASE(a_wait_may_be_cancelled), TEST_CASE(a_status_is_no_number));
}
