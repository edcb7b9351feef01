/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/loop.h: each way in which a run ends, who may run it, jobs that fail, and calls. */

#include "loop.h"

/* ---- how a run ends ---- */

static void stop_before_run_makes_the_next_run_return(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'a', NULL), post = thing_of(loop, 'p', NULL);

    weir_timer_start(&t.timer, 0);
    weir_loop_stop(loop);
    weir_loop_stop(loop);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), -ECANCELED);
    CHECK_SAID("");
    thing_post(&post); /* what was posted before the stop is run */
    weir_loop_stop(loop);
    CHECK_EQ(weir_loop_turn(loop, 0), -ECANCELED);
    CHECK_SAID("p");
    weir_loop_stop(loop);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_STOPPED, WEIR_FOREVER), -ECANCELED);
    CHECK_SAID("");
    run_to_the_end(loop);
    CHECK_SAID("a");
    /* Also of a loop that is not alive. */
    weir_loop_stop(loop);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), -ECANCELED);
    run_to_the_end(loop);
    end(loop);
}

/* The callbacks of the turn still come, in all phases, and what was posted before. */
static void stop_lets_the_round_end_and_run_goes_on_later(void)
{
    weir_loop *const loop = make_moved();
    thing first = thing_of(loop, 'a', stop_its_loop), second = thing_of(loop, 'b', NULL),
          post = thing_of(loop, 'c', NULL), check = thing_of(loop, 'd', NULL);

    weir_timer_repeat(&first.timer, 1000, 1, WEIR_TIMER_BURST);
    weir_timer_start(&second.timer, 1000);
    thing_post(&post);
    thing_hook(&check, WEIR_LOOP_CHECK);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_STOPPED, WEIR_FOREVER), -ECANCELED);
    CHECK_SAID("abcd");
    for (unsigned i = 2; i <= 10; i++) {
        move_to(1000 + i);
        CHECK_EQ(weir_loop_turn(loop, 0), -ECANCELED);
        CHECK_EQ(first.calls, i);
        CHECK_EQ(check.calls, i);
    }
    CHECK(weir_timer_stop(&first.timer));
    CHECK(weir_hook_stop(&check.hook));
    end(loop);
}

static void post_the_other_and_stop(thing *t)
{
    thing_post(t->other);
    weir_loop_stop(t->loop);
    thing_post(t->other->other);
}

/* Those before the stop; one after it may be, too. */
static void what_was_posted_before_a_stop_is_run(void)
{
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    weir_loop *loop;
    thing a, b, c, many[5];

    options.posts = 2; /* the budget is no reason to leave them */
    loop = make(&options);
    c = thing_of(loop, 'c', NULL);
    b = thing_of(loop, 'b', NULL);
    b.other = &c;
    a = thing_of(loop, 'a', post_the_other_and_stop);
    a.other = &b;
    thing_hook(&a, WEIR_LOOP_CHECK);
    CHECK_EQ(weir_loop_turn(loop, 0), -ECANCELED);
    CHECK(weir_hook_stop(&a.hook));
    CHECK_EQ(b.calls, 1);
    run_to_the_end(loop);
    CHECK_SAID("abc");
    for (int i = 0; i < 5; i++) {
        many[i] = thing_of(loop, (char)('a' + i), NULL);
        thing_post(&many[i]);
    }
    weir_loop_stop(loop);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), -ECANCELED);
    CHECK_SAID("abcde");
    end(loop);
}

static void run_it_again(thing *t)
{
    CHECK_EQ(weir_loop_run(t->loop, WEIR_LOOP_IDLE, WEIR_FOREVER), -EDEADLK);
    CHECK_EQ(weir_loop_turn(t->loop, 0), -EDEADLK);
    CHECK_EQ(weir_loop_free(t->loop), -EBUSY);
    CHECK(weir_loop_self() == t->loop);
}

static void running_a_loop_from_its_own_callback_is_refused(void)
{
    weir_loop *const loop = make(NULL);
    thing a = thing_of(loop, 'a', run_it_again), b = thing_of(loop, 'b', run_it_again),
          c = thing_of(loop, 'c', run_it_again);

    weir_timer_start(&a.timer, 0);
    thing_post(&b);
    thing_defer(&c, WEIR_LOOP_NEXT);
    run_to_the_end(loop);
    CHECK_SAID("cab");
    end(loop);
}

static void *run_in_vain(void *loop)
{
    CHECK_EQ(weir_loop_run((weir_loop *)loop, WEIR_LOOP_IDLE, WEIR_FOREVER), -EBUSY);
    CHECK_EQ(weir_loop_turn((weir_loop *)loop, 0), -EBUSY);
    CHECK(weir_loop_self() == NULL);
    return NULL;
}

static void let_another_run_it(thing *t)
{
    join(begin(run_in_vain, t->loop));
}

static void a_loop_that_runs_is_not_run_by_another_thread(void)
{
    weir_loop *const loop = make(NULL);
    thing a = thing_of(loop, 'a', let_another_run_it);

    thing_post(&a);
    run_to_the_end(loop);
    CHECK_SAID("a");
    end(loop);
}

static void *run_to_its_end(void *loop)
{
    run_to_the_end((weir_loop *)loop);
    return NULL;
}

/* Between two runs it belongs to whoever uses it. */
static void each_run_may_be_another_threads(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 0, NULL);

    for (unsigned i = 1; i <= 50; i++) {
        thing_post(&t);
        weir_timer_start(&t.timer, i);
        if (i % 2 == 0)
            run_to_the_end(loop);
        else
            join(begin(run_to_its_end, loop));
        CHECK_EQ(t.calls, 2 * i);
    }
    end(loop);
}

static void run_the_other(thing *t)
{
    run_to_the_end(t->other->loop);
    CHECK(weir_loop_self() == t->loop);
}

/* Also one inside the other: the innermost is the thread's. */
static void a_stop_ends_one_loop_only(void)
{
    weir_loop *const outer = make(NULL), *const inner = make(NULL);
    thing a = thing_of(outer, 'a', run_the_other), b = thing_of(inner, 'b', NULL);
    const pthread_t one = begin(run_until_stopped, inner);

    thing_post(&a);
    weir_loop_stop(inner);
    join(one);
    CHECK_EQ(a.calls, 0);
    a.other = &b;
    thing_post(&b);
    run_to_the_end(outer);
    CHECK_SAID("ab");
    CHECK(weir_loop_self() == NULL);
    end(inner);
    end(outer);
}

static void a_deadline_ends_a_run(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'a', NULL);
    uint64_t deadline = weir_clock_after(2 * MS);

    weir_timer_start(&t.timer, WEIR_FOREVER);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, deadline), -ETIMEDOUT);
    CHECK(weir_clock_now() >= deadline);
    CHECK(numbers_of(loop).sleeps > 0);
    deadline = weir_clock_after(2 * MS);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_STOPPED, deadline), -ETIMEDOUT);
    CHECK(weir_clock_now() >= deadline);
    deadline = weir_clock_after(2 * MS);
    CHECK_EQ(weir_loop_turn(loop, deadline), -ETIMEDOUT);
    CHECK(weir_clock_now() >= deadline);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, 0), -ETIMEDOUT);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, 1), -ETIMEDOUT);
    CHECK_EQ(weir_loop_turn(loop, 1), -ETIMEDOUT);
    CHECK(weir_timer_stop(&t.timer));
    /* Sleeps also if it is not alive. */
    deadline = weir_clock_after(2 * MS);
    CHECK_EQ(weir_loop_turn(loop, deadline), -ETIMEDOUT);
    CHECK(weir_clock_now() >= deadline);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, deadline), 0);
    CHECK_EQ(t.calls, 0);
    end(loop);
}

/* Of the loop's clock: one that has come, or is past, is not slept for. */
static void a_deadline_is_of_the_loops_clock(void)
{
    weir_loop *const loop = make_moved();
    thing t = thing_of(loop, 0, NULL);

    weir_loop_hold(loop);
    for (uint64_t deadline = 998; deadline <= 1000; deadline++) {
        CHECK_EQ(weir_loop_turn(loop, deadline), -ETIMEDOUT);
        CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, deadline), -ETIMEDOUT);
        CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_STOPPED, deadline), -ETIMEDOUT);
    }
    thing_post(&t);
    CHECK_EQ(weir_loop_turn(loop, 1000), 0);
    CHECK_EQ(numbers_of(loop).sleeps, 0);
    weir_loop_release(loop);
    end(loop);
}

/* ---- jobs that fail, and calls ---- */

static void note_failed(void *context, weir_job *job, int status)
{
    CHECK_EQ(status, -EIO);
    CHECK(context == &moved_ns);
    say(THING_OF(job, job)->letter);
}

static int is_eio(weir_call *call)
{
    (void)call;
    return -EIO;
}

static void call_in_its_thread(thing *t)
{
    weir_call call;

    weir_call_init(&call, is_eio, NULL);
    CHECK_EQ(weir_loop_call(t->loop, &call, 0, NULL), -EIO);
}

static void what_a_job_returns_is_told(void)
{
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    weir_loop *loop;
    weir_call call;
    thing a;

    options.failed = note_failed;
    options.context = &moved_ns;
    loop = make(&options);
    a = thing_of(loop, 'a', call_in_its_thread);
    a.status = -EIO;
    for (int phase = WEIR_LOOP_NEXT; phase <= WEIR_LOOP_CLOSE; phase++) {
        thing_defer(&a, (weir_loop_phase)phase);
        turn_with_work(loop);
    }
    thing_post(&a);
    run_to_the_end(loop);
    CHECK_SAID("aaaaaaaaaaaaaa");
    a.status = 0;
    thing_post(&a);
    run_to_the_end(loop);
    CHECK_SAID("a");
    /* Who waits for a call is told, and nobody else. */
    weir_call_init(&call, is_eio, NULL);
    CHECK_EQ(weir_loop_post(loop, &call.job), 0);
    CHECK_EQ(weir_call_get(&call, 0, NULL), -ETIMEDOUT);
    run_to_the_end(loop);
    CHECK_EQ(weir_call_get(&call, 0, NULL), -EIO);
    CHECK_SAID("");
    end(loop);
}

static int is_one(weir_job *job)
{
    (void)job;
    return 1;
}

static void broken_preconditions_end_the_process(void)
{
    weir_loop *const loop = make(NULL);
    weir_job positive = WEIR_JOB_INIT(is_one);
    thing t = thing_of(loop, 'a', NULL);

    CHECK_EQ(weir_loop_post(loop, &positive), 0);
    CHECK_DIES((void)weir_loop_turn(loop, 0), "returns 0 or a negative errno");
    CHECK_DIES(weir_loop_release(loop), "more releases than holds");
    CHECK_DIES(thing_hook(&t, WEIR_LOOP_CLOSE), "hooks are for");
    CHECK_DIES(thing_hook(&t, WEIR_LOOP_MICRO), "hooks are for");
    CHECK_DIES(weir_hook_init(&t.hook, loop, WEIR_LOOP_CHECK, NULL), "without a function");
    CHECK_DIES(weir_timer_init(&t.timer, loop, NULL), "without a function");
    CHECK_DIES(weir_poll_init(&t.poll, loop, 0, NULL), "without a function");
    CHECK_DIES(CHECK_EQ(weir_async_init(&t.async, loop, NULL, false), 0), "without a function");
    CHECK_DIES(weir_loop_defer(loop, &t.job, (weir_loop_phase)(WEIR_LOOP_CLOSE + 1)),
               "not a phase");
    CHECK_DIES((void)weir_loop_fd(loop), "embedded");
    CHECK_EQ(weir_loop_free(loop), 0);
}

int main(void)
{
    return TEST_RUN(
        "loop_run", TEST_CASE(stop_before_run_makes_the_next_run_return),
        TEST_CASE(stop_lets_the_round_end_and_run_goes_on_later),
        TEST_CASE(what_was_posted_before_a_stop_is_run),
        TEST_CASE(running_a_loop_from_its_own_callback_is_refused),
        TEST_CASE(a_loop_that_runs_is_not_run_by_another_thread),
        TEST_CASE(each_run_may_be_another_threads), TEST_CASE(a_stop_ends_one_loop_only),
        TEST_CASE(a_deadline_ends_a_run), TEST_CASE(a_deadline_is_of_the_loops_clock),
        TEST_CASE(what_a_job_returns_is_told), TEST_CASE(broken_preconditions_end_the_process));
}
