/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/offload.h: ends that come by themselves, and cancels. Deadlines, and pools that refuse or
 * stop, are in tests/offload_ends.c. */

#include "offload.h"

/* ---- the usual ---- */

static void work_runs_elsewhere_and_ends_here(void)
{
    pools p = make_pools(2);

    for (int which = 0; which < BOTH; which++)
        for (int result = 0; result >= -EIO; result -= EIO) {
            weir_loop *const loop = make(NULL);
            weir_latch gate = WEIR_LATCH_INIT(1);
            task t;

            make_task(&t, loop, &gate);
            t.result = result;
            CHECK(!weir_loop_alive(loop));
            start(&t, &p, which, WEIR_FOREVER);
            CHECK(weir_loop_alive(loop));
            until(&t.begun, 1);
            for (int i = 0; i < 3; i++)
                CHECK_EQ(weir_loop_turn(loop, 0), -ETIMEDOUT);
            CHECK_EQ(t.dones, 0);
            CHECK_EQ(weir_loop_free(loop), -EBUSY);
            weir_latch_count_down(&gate, 1);
            run_to_the_end(loop);
            CHECK_EQ(t.dones, 1);
            CHECK_EQ(t.status, result);
            CHECK_EQ(t.drops, 0);
            CHECK_EQ(number(&t.begun), 1);
            CHECK_EQ(number(&t.unwanted), 0);
            CHECK_EQ(weir_offload_cancel(&t.offload), -EALREADY);
            end(loop);
        }
    free_pools(&p);
}

static void *open_when_asleep(void *argument)
{
    task *const t = (task *)argument;

    until_asleep(t->loop);
    weir_latch_count_down(t->gate, 1);
    return NULL;
}

static void its_end_wakes_a_loop_that_sleeps(void)
{
    pools p = make_pools(2);

    for (int which = 0; which < BOTH; which++) {
        weir_loop *const loop = make(NULL);
        weir_latch gate = WEIR_LATCH_INIT(1);
        pthread_t thread;
        task t;

        make_task(&t, loop, &gate);
        start(&t, &p, which, WEIR_FOREVER);
        thread = begin(open_when_asleep, &t);
        run_to_the_end(loop);
        join(thread);
        CHECK_EQ(t.dones, 1);
        end(loop);
    }
    free_pools(&p);
}

static pools shared_pools;

static void *ask_for_many(void *argument)
{
    weir_loop *const loop = (weir_loop *)argument;
    task t[8];

    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 8; i++) {
            make_task(&t[i], loop, NULL);
            CHECK_EQ(i % 2 == 0
                         ? weir_offload_blocking(&t[i].offload, shared_pools.blocking, WEIR_FOREVER)
                         : weir_offload_pool(&t[i].offload, shared_pools.pool, WEIR_FOREVER),
                     0);
        }
        run_to_the_end(loop);
        for (int i = 0; i < 8; i++)
            CHECK(t[i].dones == 1 && t[i].status == 0 && t[i].drops == 0);
    }
    return NULL;
}

static void completions_come_to_the_loop_that_asked(void)
{
    pthread_t threads[4];
    weir_loop *loops[4];

    shared_pools = make_pools(3);
    for (int i = 0; i < 4; i++)
        loops[i] = make(NULL);
    for (int i = 0; i < 4; i++)
        threads[i] = begin(ask_for_many, loops[i]);
    for (int i = 0; i < 4; i++) {
        join(threads[i]);
        end(loops[i]);
    }
    free_pools(&shared_pools);
}

/* ---- cancel ---- */

static void cancelled_before_it_began_it_never_runs(void)
{
    enum { TASKS = 16 };
    pools p = make_pools(1);
    weir_loop *const loop = make(NULL);
    weir_offload busy[BOTH];
    task t[BOTH][TASKS];

    keep_busy(busy, &p, loop);
    for (int which = 0; which < BOTH; which++)
        for (int i = 0; i < TASKS; i++) {
            make_task(&t[which][i], loop, NULL);
            start(&t[which][i], &p, which, i % 2 == 0 ? WEIR_FOREVER : UINT64_MAX - 1);
            CHECK_EQ(weir_offload_cancel(&t[which][i].offload), 0);
            CHECK_EQ(t[which][i].dones, 1); /* in there */
            CHECK_EQ(t[which][i].status, -ECANCELED);
            CHECK_EQ(weir_offload_cancel(&t[which][i].offload), -EALREADY);
        }
    CHECK_EQ(weir_loop_turn(loop, 0), -ETIMEDOUT);
    CHECK_EQ(weir_loop_free(loop), -EBUSY); /* they are under way still */
    open_all();
    run_to_the_end(loop);
    for (int which = 0; which < BOTH; which++)
        for (int i = 0; i < TASKS; i++) {
            CHECK_EQ(number(&t[which][i].begun), 0);
            CHECK(t[which][i].dones == 1 && t[which][i].drops == 1);
        }
    end(loop);
    free_pools(&p);
}

static void cancelled_while_it_runs_it_is_answered_once(void)
{
    pools p = make_pools(2);

    for (int which = 0; which < BOTH; which++) {
        weir_loop *const loop = make(NULL);
        weir_latch gate = WEIR_LATCH_INIT(1);
        task t;

        make_task(&t, loop, &gate);
        t.result = -EIO;
        start(&t, &p, which, WEIR_FOREVER);
        until(&t.begun, 1);
        CHECK(weir_offload_wanted(&t.offload));
        CHECK_EQ(weir_offload_cancel(&t.offload), 0);
        CHECK(!weir_offload_wanted(&t.offload));
        CHECK(t.dones == 1 && t.status == -ECANCELED);
        for (int i = 0; i < 3; i++)
            CHECK_EQ(weir_loop_turn(loop, 0), -ETIMEDOUT);
        CHECK_EQ(t.drops, 0); /* it has not returned */
        CHECK(weir_loop_alive(loop));
        CHECK_EQ(weir_loop_free(loop), -EBUSY);
        weir_latch_count_down(&gate, 1);
        run_to_the_end(loop);
        CHECK(t.dones == 1 && t.drops == 1);
        CHECK_EQ(number(&t.unwanted), 1);
        CHECK_EQ(weir_offload_cancel(&t.offload), -EALREADY);
        end(loop);
    }
    free_pools(&p);
}

/* As long as done() has not been called there is something to cancel. */
static void a_cancel_after_it_has_run_drops_it(void)
{
    pools p = make_pools(2);

    for (int which = 0; which < BOTH; which++) {
        weir_loop *const loop = make(NULL);
        task t;

        make_task(&t, loop, NULL);
        CHECK_EQ(weir_offload_cancel(&t.offload), -EALREADY); /* was not submitted */
        start(&t, &p, which, WEIR_FOREVER);
        until(&t.ended, 1);
        CHECK_EQ(weir_offload_cancel(&t.offload), 0);
        CHECK(t.dones == 1 && t.status == -ECANCELED);
        run_to_the_end(loop);
        CHECK(t.dones == 1 && t.drops == 1);
        CHECK_EQ(t.made, 1);
        end(loop);
    }
    free_pools(&p);
}

/* The three at once: it is answered once, whoever comes first. */
static void a_cancel_at_any_moment_is_answered_once(void)
{
    enum { ROUNDS = 3000 };
    pools p = make_pools(2);
    weir_loop *const loop = make(NULL);
    unsigned cancelled = 0;
    int begun[3];
    task t[3];

    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 3; i++) {
            const uint64_t soon = weir_clock_after((uint64_t)(round % 100) * 1000 + 1000);

            make_task(&t[i], loop, NULL);
            begun[i] = submit(&t[i], &p, (round + i) % BOTH, i == 2 ? soon : WEIR_FOREVER);
            CHECK(begun[i] == 0 || (i == 2 && begun[i] == -ETIMEDOUT));
        }
        for (int i = 0; i < round % 20; i++)
            sched_yield();
        for (int i = 0; i < 3; i++)
            if ((round + i) % 3 != 0) {
                const int status = weir_offload_cancel(&t[i].offload);

                CHECK(status == 0 || status == -EALREADY);
                cancelled += status == 0;
                if (status == 0)
                    CHECK_EQ(t[i].status, -ECANCELED);
                (void)weir_loop_turn(loop, 0);
            }
        run_to_the_end(loop);
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(t[i].dones, begun[i] == 0);
            CHECK_EQ(t[i].drops, begun[i] == 0 && t[i].status != 0);
            CHECK(number(&t[i].begun) <= 1);
            CHECK(t[i].status != 0 || number(&t[i].begun) == 1);
        }
    }
    CHECK(cancelled > 0);
    end(loop);
    free_pools(&p);
}

/* Nothing else is called in there, not what is deferred to the end of the callback. */
static task *to_cancel;

static void cancel_in_the_middle(thing *t)
{
    thing_defer(t->other, WEIR_LOOP_NEXT);
    CHECK_EQ(weir_offload_cancel(&to_cancel->offload), 0);
    CHECK_EQ(to_cancel->dones, 1);
    CHECK_EQ(t->other->calls, 0);
}

static void a_cancel_in_a_callback_calls_done_and_nothing_else(void)
{
    pools p = make_pools(2);
    weir_loop *const loop = make(NULL);
    weir_latch gate = WEIR_LATCH_INIT(1);
    thing outer = thing_of(loop, 'o', cancel_in_the_middle), next = thing_of(loop, 'n', NULL);
    task t;

    make_task(&t, loop, &gate);
    to_cancel = &t;
    outer.other = &next;
    start(&t, &p, BLOCKING, WEIR_FOREVER);
    thing_post(&outer);
    CHECK_EQ(weir_loop_turn(loop, 0), 0);
    CHECK_SAID("on");
    weir_latch_count_down(&gate, 1);
    run_to_the_end(loop);
    CHECK_EQ(t.drops, 1);
    end(loop);
    free_pools(&p);
}

/* ---- again, and its memory ---- */

static const pools *again_in;
static int again_which;
static unsigned rounds;

static void submit_again(task *t)
{
    weir_loop *const loop = t->loop;

    if (++rounds % 100 == 0)
        return;
    make_task(t, loop, NULL);
    t->then = submit_again;
    start(t, again_in, again_which, rounds % 2 == 0 ? WEIR_FOREVER : UINT64_MAX - 1);
}

static void submit_the_same_again(task *t)
{
    if (++rounds % 100 == 0)
        return;
    t->dones = t->drops = 0;
    t->made = 0;
    start(t, again_in, again_which, WEIR_FOREVER);
    if (t->finally != NULL)
        CHECK_EQ(weir_offload_cancel(&t->offload), 0);
}

static void after_its_end_it_may_be_submitted_again(void)
{
    pools p = make_pools(2);
    uint32_t begun;

    again_in = &p;
    rounds = 0;
    for (again_which = 0; again_which < BOTH; again_which++) {
        weir_loop *const loop = make(NULL);
        task t;

        make_task(&t, loop, NULL);
        t.then = submit_again;
        start(&t, &p, again_which, WEIR_FOREVER);
        run_to_the_end(loop);
        make_task(&t, loop, NULL); /* without another init */
        t.then = submit_the_same_again;
        start(&t, &p, again_which, WEIR_FOREVER);
        run_to_the_end(loop);
        make_task(&t, loop, NULL);
        t.finally = submit_the_same_again;
        start(&t, &p, again_which, WEIR_FOREVER);
        CHECK_EQ(weir_offload_cancel(&t.offload), 0);
        run_to_the_end(loop);
        CHECK_EQ(rounds, 300 * (unsigned)(again_which + 1));
        CHECK_EQ(t.drops, 1);
        t.dones = t.drops = 0; /* and is wanted again */
        t.made = 0;
        begun = number(&t.begun);
        start(&t, &p, again_which, WEIR_FOREVER);
        run_to_the_end(loop);
        CHECK(t.dones == 1 && t.status == 0 && t.drops == 0);
        CHECK_EQ(number(&t.begun), begun + 1);
        end(loop);
    }
    free_pools(&p);
}

static unsigned freed;

static void free_task(task *t)
{
    memset(t, 0xa5, sizeof *t);
    free(t);
    freed++;
}

static void its_memory_is_the_callers_at_its_end(void)
{
    pools p = make_pools(2);
    weir_loop *const loop = make(NULL);

    freed = 0;
    for (int i = 0; i < 100; i++) {
        task *const t = malloc(sizeof *t);

        CHECK(t != NULL);
        make_task(t, loop, NULL);
        if (i % 4 < 2)
            t->then = free_task;
        else
            t->finally = free_task;
        start(t, &p, i % 2, i % 8 < 4 ? WEIR_FOREVER : UINT64_MAX - 1);
        if (i % 4 >= 2)
            CHECK_EQ(weir_offload_cancel(&t->offload), 0);
    }
    run_to_the_end(loop);
    CHECK_EQ(freed, 100);
    end(loop);
    free_pools(&p);
}

static void dropped_may_be_left_out(void)
{
    pools p = make_pools(2);
    weir_loop *const loop = make(NULL);
    task t;

    for (int which = 0; which < BOTH; which++) {
        make_task(&t, loop, NULL);
        weir_offload_init(&t.offload, loop, run_task, task_done, NULL);
        start(&t, &p, which, WEIR_FOREVER);
        CHECK_EQ(weir_offload_cancel(&t.offload), 0);
        run_to_the_end(loop);
        CHECK(t.dones == 1 && t.drops == 0);
    }
    end(loop);
    free_pools(&p);
}

int main(void)
{
    return TEST_RUN("offload", TEST_CASE(work_runs_elsewhere_and_ends_here),
                    TEST_CASE(its_end_wakes_a_loop_that_sleeps),
                    TEST_CASE(completions_come_to_the_loop_that_asked),
                    TEST_CASE(cancelled_before_it_began_it_never_runs),
                    TEST_CASE(cancelled_while_it_runs_it_is_answered_once),
                    TEST_CASE(a_cancel_after_it_has_run_drops_it),
                    TEST_CASE(a_cancel_at_any_moment_is_answered_once),
                    TEST_CASE(a_cancel_in_a_callback_calls_done_and_nothing_else),
                    TEST_CASE(after_its_end_it_may_be_submitted_again),
                    TEST_CASE(its_memory_is_the_callers_at_its_end),
                    TEST_CASE(dropped_may_be_left_out));
}
