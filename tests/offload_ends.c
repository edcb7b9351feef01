/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/offload.h: deadlines, pools that refuse or stop, and what goes on beside. */

#include "offload.h"

/* ---- deadlines ---- */

static void one_that_has_passed_is_told_at_once(void)
{
    pools p = make_pools(2);
    weir_loop *const loop = make_moved();
    task t;

    for (int which = 0; which < BOTH; which++) {
        static const uint64_t past[] = {0, 1, 999, 1000};

        make_task(&t, loop, NULL);
        for (unsigned i = 0; i < 4; i++) {
            CHECK_EQ(submit(&t, &p, which, past[i]), -ETIMEDOUT);
            CHECK(!weir_loop_alive(loop));
            CHECK_EQ(weir_offload_cancel(&t.offload), -EALREADY);
        }
        move_to(2000); /* which the loop has not seen */
        CHECK_EQ(submit(&t, &p, which, 2000), -ETIMEDOUT);
        move_to(1000);
        run_to_the_end(loop);
        CHECK(t.dones == 0 && t.drops == 0 && number(&t.begun) == 0);
    }
    end(loop);
    free_pools(&p);
}

static void a_deadline_that_passes_is_told_at_its_time(void)
{
    pools p = make_pools(2);

    for (int which = 0; which < BOTH; which++) {
        weir_loop *const loop = make_moved();
        weir_latch gate = WEIR_LATCH_INIT(1);
        task t;

        make_task(&t, loop, &gate);
        start(&t, &p, which, 2000);
        until(&t.begun, 1);
        move_to(1999);
        CHECK_EQ(weir_loop_turn(loop, 0), -ETIMEDOUT);
        CHECK_EQ(t.dones, 0);
        CHECK(weir_offload_wanted(&t.offload));
        move_to(2000);
        CHECK_EQ(weir_loop_turn(loop, 0), 0);
        CHECK(t.dones == 1 && t.status == -ETIMEDOUT);
        CHECK(!weir_offload_wanted(&t.offload));
        CHECK_EQ(weir_offload_cancel(&t.offload), -EALREADY);
        move_to(9000);
        CHECK_EQ(weir_loop_turn(loop, 0), -ETIMEDOUT);
        CHECK_EQ(t.drops, 0);
        CHECK(weir_loop_alive(loop));
        CHECK_EQ(weir_loop_free(loop), -EBUSY);
        weir_latch_count_down(&gate, 1);
        run_to_the_end(loop);
        CHECK(t.dones == 1 && t.drops == 1);
        CHECK_EQ(number(&t.unwanted), 1);
        end(loop);
    }
    free_pools(&p);
}

static void one_that_waits_at_its_deadline_never_runs(void)
{
    pools p = make_pools(1);
    weir_loop *const loop = make_moved();
    weir_offload busy[BOTH];
    task t[BOTH];

    keep_busy(busy, &p, loop);
    for (int which = 0; which < BOTH; which++) {
        make_task(&t[which], loop, NULL);
        start(&t[which], &p, which, 2000);
    }
    move_to(2000);
    CHECK_EQ(weir_loop_turn(loop, 0), 0);
    for (int which = 0; which < BOTH; which++)
        CHECK(t[which].dones == 1 && t[which].status == -ETIMEDOUT);
    open_all();
    run_to_the_end(loop);
    for (int which = 0; which < BOTH; which++)
        CHECK(t[which].drops == 1 && number(&t[which].begun) == 0);
    end(loop);
    free_pools(&p);
}

static void one_that_is_not_reached_says_nothing(void)
{
    static const uint64_t far[] = {2000, UINT64_MAX / 2, UINT64_MAX - 1, WEIR_FOREVER};
    pools p = make_pools(2);

    for (int which = 0; which < BOTH; which++)
        for (int i = 0; i < 4; i++) {
            weir_loop *const loop = make_moved();
            task t;

            make_task(&t, loop, NULL);
            start(&t, &p, which, far[i]);
            run_to_the_end(loop);
            CHECK(t.dones == 1 && t.status == 0);
            move_to(3000);
            CHECK_EQ(weir_loop_turn(loop, 0), -ETIMEDOUT);
            CHECK(t.dones == 1 && t.drops == 0);
            end(loop);
        }
    free_pools(&p);
}

/* The result is there, and so is the deadline: one of the two, and it fits. */
static void a_result_and_its_deadline_together_are_one_end(void)
{
    pools p = make_pools(2);

    for (int which = 0; which < BOTH; which++) {
        weir_loop *const loop = make_moved();
        task t;

        make_task(&t, loop, NULL);
        start(&t, &p, which, 2000);
        until(&t.ended, 1);
        move_to(2000);
        run_to_the_end(loop);
        CHECK_EQ(t.dones, 1);
        CHECK(t.status == 0 || t.status == -ETIMEDOUT);
        CHECK_EQ(t.drops, t.status != 0);
        end(loop);
    }
    free_pools(&p);
}

/* Also where the loop has been stopped, and runs what was posted before. */
static void of_a_result_and_its_deadline_the_deadline_counts(void)
{
    pools p = make_pools(2);

    for (int which = 0; which < BOTH; which++)
        for (int stops = 0; stops < 2; stops++) {
            weir_loop *const loop = make_moved();
            task t;

            make_task(&t, loop, NULL);
            start(&t, &p, which, 2000);
            while (weir_loop_deadline(loop) != 0) /* until it has been posted */
                doze();
            move_to(2000);
            if (stops != 0) {
                weir_loop_stop(loop);
                CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), -ECANCELED);
            } else {
                run_to_the_end(loop);
            }
            CHECK(t.dones == 1 && t.status == -ETIMEDOUT && t.drops == 1);
            end(loop);
        }
    free_pools(&p);
}

/* ---- refused, discarded ---- */

static void what_is_refused_calls_nothing(void)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    pools p = make_pools(1), small = make_pools(1);
    weir_loop *const loop = make_moved();
    weir_latch gate = WEIR_LATCH_INIT(1);
    task t, running, waiting;

    CHECK_EQ(weir_blocking_stop(p.blocking, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(weir_pool_stop(p.pool, WEIR_POOL_DRAIN, WEIR_FOREVER), 0);
    for (int which = 0; which < BOTH; which++) {
        make_task(&t, loop, NULL);
        CHECK_EQ(submit(&t, &p, which, WEIR_FOREVER), -EPIPE);
        CHECK_EQ(submit(&t, &p, which, 5000), -EPIPE);
        CHECK(!weir_loop_alive(loop));
        CHECK_EQ(weir_offload_cancel(&t.offload), -EALREADY);
        move_to(6000);
        run_to_the_end(loop);
        CHECK(t.dones == 0 && t.drops == 0);
        move_to(1000);
        start(&t, &small, which, 5000); /* it may be submitted elsewhere */
        run_to_the_end(loop);
        CHECK(t.dones == 1 && t.status == 0);
    }
    free_pools(&small);
    free_pools(&p);
    options.max_threads = 1;
    options.max_queued = 1;
    CHECK_EQ(weir_blocking_new(&p.blocking, &options), 0);
    make_task(&running, loop, &gate);
    make_task(&waiting, loop, &gate);
    make_task(&t, loop, NULL);
    start(&running, &p, BLOCKING, WEIR_FOREVER);
    until(&running.begun, 1);
    start(&waiting, &p, BLOCKING, WEIR_FOREVER);
    CHECK_EQ(submit(&t, &p, BLOCKING, WEIR_FOREVER), -EAGAIN);
    CHECK_EQ(submit(&t, &p, BLOCKING, 5000), -EAGAIN);
    move_to(6000);
    CHECK_EQ(weir_loop_turn(loop, 0), -ETIMEDOUT);
    weir_latch_count_down(&gate, 1);
    run_to_the_end(loop);
    CHECK(running.dones == 1 && waiting.dones == 1 && t.dones == 0 && t.drops == 0);
    CHECK_EQ(weir_blocking_stop(p.blocking, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(weir_blocking_free(p.blocking), 0);
    end(loop);
}

/* What runs is waited for; what waits is answered: also what was cancelled before, or is over. */
static void a_pool_that_ends_answers_all(void)
{
    enum { WANTED, CANCELLED, LATE, KINDS };
    pools p = make_pools(1);
    weir_loop *const loop = make_moved();
    weir_offload busy[BOTH];
    task t[BOTH][KINDS];

    keep_busy(busy, &p, loop);
    for (int which = 0; which < BOTH; which++) {
        for (int kind = 0; kind < KINDS; kind++) {
            make_task(&t[which][kind], loop, NULL);
            start(&t[which][kind], &p, which, kind == LATE ? 2000 : 5000);
        }
        CHECK_EQ(weir_offload_cancel(&t[which][CANCELLED].offload), 0);
    }
    move_to(2000);
    CHECK_EQ(weir_loop_turn(loop, 0), 0);
    CHECK_EQ(weir_blocking_stop(p.blocking, WEIR_BLOCKING_DISCARD, 0), -ETIMEDOUT);
    CHECK_EQ(weir_pool_stop(p.pool, WEIR_POOL_DISCARD, 0), -ETIMEDOUT);
    for (int which = 0; which < BOTH; which++)
        CHECK_EQ(t[which][WANTED].dones, 0); /* on the loop, not in there */
    open_all();
    CHECK_EQ(weir_blocking_stop(p.blocking, WEIR_BLOCKING_DISCARD, WEIR_FOREVER), 0);
    CHECK_EQ(weir_pool_stop(p.pool, WEIR_POOL_DISCARD, WEIR_FOREVER), 0);
    run_to_the_end(loop);
    move_to(9000);
    CHECK_EQ(weir_loop_turn(loop, 0), -ETIMEDOUT);
    for (int which = 0; which < BOTH; which++)
        for (int kind = 0; kind < KINDS; kind++) {
            CHECK_EQ(t[which][kind].dones, 1);
            CHECK_EQ(t[which][kind].status, kind == LATE ? -ETIMEDOUT : -ECANCELED);
            CHECK_EQ(t[which][kind].drops, kind != WANTED);
            CHECK_EQ(number(&t[which][kind].begun), 0);
        }
    end(loop);
    free_pools(&p);
}

static void a_closed_loop_gets_what_is_under_way(void)
{
    pools p = make_pools(2);

    for (int which = 0; which < BOTH; which++) {
        weir_loop *const loop = make(NULL);
        weir_latch gate = WEIR_LATCH_INIT(1);
        task t;

        make_task(&t, loop, &gate);
        start(&t, &p, which, WEIR_FOREVER);
        weir_loop_close(loop);
        weir_latch_count_down(&gate, 1);
        run_to_the_end(loop);
        CHECK(t.dones == 1 && t.status == 0);
        end(loop);
    }
    free_pools(&p);
}

/* ---- with others ---- */

static weir_barrier all_here;

static int meet(weir_offload *offload)
{
    (void)offload;
    return weir_barrier_wait(&all_here, WEIR_FOREVER, NULL) < 0 ? -EPIPE : 0;
}

static void every_submit_wakes_its_own_thread(void)
{
    enum { PIECES = 8 };
    pools p = make_pools(PIECES);
    weir_loop *const loop = make(NULL);

    for (int round = 0; round < 50; round++) {
        task t[PIECES];

        all_here = (weir_barrier)WEIR_BARRIER_INIT(PIECES);
        for (int i = 0; i < PIECES; i++) {
            make_task(&t[i], loop, NULL);
            weir_offload_init(&t[i].offload, loop, meet, nothing, NULL);
            start(&t[i], &p, BLOCKING, WEIR_FOREVER);
        }
        run_to_the_end(loop);
    }
    CHECK(!weir_loop_alive(loop));
    end(loop);
    free_pools(&p);
}

static void a_blocked_pool_does_not_block_the_loop(void)
{
    pools p = make_pools(1);
    weir_loop *const loop = make(NULL);
    weir_offload busy[BOTH];
    thing t = thing_of(loop, 0, NULL);

    keep_busy(busy, &p, loop);
    weir_timer_repeat(&t.timer, 0, MS / 10, WEIR_TIMER_BURST);
    while (t.calls < 20)
        (void)weir_loop_turn(loop, WEIR_FOREVER);
    CHECK(weir_timer_stop(&t.timer));
    open_all();
    run_to_the_end(loop);
    end(loop);
    free_pools(&p);
}

static int is_one(weir_offload *offload)
{
    (void)offload;
    return 1;
}

static void broken_preconditions_end_the_process(void)
{
    pools p = make_pools(1);
    weir_loop *const loop = make(NULL);
    weir_latch gate = WEIR_LATCH_INIT(1);
    weir_offload one;
    task t;

    CHECK_DIES(weir_offload_init(&one, loop, NULL, nothing, NULL), "without a function");
    CHECK_DIES(weir_offload_init(&one, loop, is_one, NULL, NULL), "without a function");
    CHECK_DIES(weir_offload_init(&one, loop, is_one, nothing, NULL);
               (void)!weir_offload_blocking(&one, p.blocking, WEIR_FOREVER);
               (void)weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), "0 or a negative errno");
    make_task(&t, loop, &gate);
    start(&t, &p, BLOCKING, WEIR_FOREVER);
    CHECK_DIES((void)!weir_offload_blocking(&t.offload, p.blocking, WEIR_FOREVER), "under way");
    CHECK_EQ(weir_offload_cancel(&t.offload), 0);
    CHECK_DIES((void)!weir_offload_pool(&t.offload, p.pool, WEIR_FOREVER), "under way");
    weir_latch_count_down(&gate, 1);
    run_to_the_end(loop);
    end(loop);
    free_pools(&p);
}

int main(void)
{
    return TEST_RUN("offload_ends", TEST_CASE(one_that_has_passed_is_told_at_once),
                    TEST_CASE(a_deadline_that_passes_is_told_at_its_time),
                    TEST_CASE(one_that_waits_at_its_deadline_never_runs),
                    TEST_CASE(one_that_is_not_reached_says_nothing),
                    TEST_CASE(a_result_and_its_deadline_together_are_one_end),
                    TEST_CASE(of_a_result_and_its_deadline_the_deadline_counts),
                    TEST_CASE(what_is_refused_calls_nothing),
                    TEST_CASE(a_pool_that_ends_answers_all),
                    TEST_CASE(a_closed_loop_gets_what_is_under_way),
                    TEST_CASE(every_submit_wakes_its_own_thread),
                    TEST_CASE(a_blocked_pool_does_not_block_the_loop),
                    TEST_CASE(broken_preconditions_end_the_process));
}
