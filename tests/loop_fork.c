/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/loop.h: a loop in the child of a fork. */

#include "loop.h"
#include "process.h"

#include "../lib/loop.h"

#include <sys/eventfd.h>
#include <sys/resource.h>

static void *post_it(void *argument)
{
    thing_post((thing *)argument);
    return NULL;
}

static void wake_it(thing *t)
{
    const pthread_t thread = begin(post_it, t);
    const unsigned before = t->calls;

    while (t->calls == before)
        CHECK_EQ(weir_loop_turn(t->loop, WEIR_FOREVER), 0);
    join(thread);
}

static void a_child_makes_a_loop_of_its_own(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'a', NULL);
    pid_t child;

    weir_timer_start(&t.timer, WEIR_FOREVER);
    wake_it(&t);
    child = process_split();
    if (child == 0) {
        weir_loop *const own = make(NULL);
        thing u = thing_of(own, 0, NULL);

        wake_it(&u);
        weir_timer_after(&u.timer, MS);
        run_to_the_end(own);
        CHECK_EQ(u.calls, 2);
        end(own);
        process_end();
    }
    process_await(child);
    wake_it(&t);
    CHECK(weir_timer_stop(&t.timer));
    end(loop);
}

/* It has what it had: timers, posts, deferred jobs, hooks, asyncs. */
static void a_loop_told_of_the_fork_goes_on_in_the_child(void)
{
    weir_loop *const loop = make(NULL);
    thing timer = thing_of(loop, 't', NULL), post = thing_of(loop, 'p', NULL),
          job = thing_of(loop, 'j', NULL), hook = thing_of(loop, 'h', NULL),
          async = thing_of(loop, 'a', NULL), extra = thing_of(loop, 0, NULL);
    pid_t child;

    wake_it(&extra); /* bells were rung before */
    weir_timer_after(&timer.timer, 0);
    thing_post(&post);
    thing_defer(&job, WEIR_LOOP_CLOSE);
    thing_hook(&hook, WEIR_LOOP_PREPARE);
    thing_async(&async);
    thing_send(&async);
    child = process_split();
    if (child == 0)
        CHECK_EQ(weir_loop_fork(loop), 0);
    else
        process_await(child);
    turn_with_work(loop);
    CHECK_SAID("tpahj");
    for (int i = 0; i < 5; i++)
        wake_it(&extra);
    CHECK(weir_hook_stop(&hook.hook));
    CHECK_EQ(weir_async_close(&async.async, thing_closed), 0);
    run_to_the_end(loop);
    said[0] = '\0';
    end(loop);
    if (child == 0)
        process_end();
}

/* With edges and without; one stops it, the other is told. */
static void what_one_process_does_to_its_loop_the_other_does_not_feel(void)
{
    for (int i = 0; i < 4; i++) {
        const bool child_stops = i % 2 == 0;
        weir_loop *const loop = make(NULL);
        thing t = thing_of(loop, 'f', NULL);
        int ends[2], stopped[2];
        pid_t child;
        char c;

        make_pair(ends);
        CHECK(pipe(stopped) == 0);
        thing_poll(&t, ends[0], WEIR_POLL_READ | (i / 2 == 0 ? 0 : WEIR_POLL_LEVEL));
        (void)weir_loop_turn(loop, 0);
        child = process_split();
        if (child == 0)
            CHECK_EQ(weir_loop_fork(loop), 0);
        if ((child == 0) == child_stops) {
            CHECK(weir_poll_stop(&t.poll));
            put(stopped[1], "s");
            if (child != 0)
                process_await(child);
            (void)weir_loop_turn(loop, 0);
        } else {
            CHECK(read(stopped[0], &c, 1) == 1);
            put(ends[1], "x");
            CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
            CHECK_SAID("f");
            CHECK_EQ(t.ready & WEIR_POLL_READ, WEIR_POLL_READ);
            CHECK(weir_poll_stop(&t.poll));
            if (child != 0)
                process_await(child);
        }
        CHECK_SAID("");
        end(loop);
        if (child == 0)
            process_end();
        CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
        CHECK(close(stopped[0]) == 0 && close(stopped[1]) == 0);
    }
}

/* It may be freed there, as it is; the parent's does not wait for what the child has heard. */
static void a_child_may_free_it_as_it_is(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 0, NULL);
    pid_t child;

    for (int i = 0; i < 3; i++) {
        wake_it(&t);
        child = process_split();
        if (child == 0) {
            CHECK_EQ(weir_loop_free(loop), 0);
            process_end();
        }
        process_await(child);
    }
    wake_it(&t);
    end(loop);
}

static void a_child_that_only_ends_harms_nothing(void)
{
    weir_loop *const loop = make(NULL);
    const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    thing t = thing_of(loop, 'f', drain_its_fd), post = thing_of(loop, 'p', NULL);
    pid_t child;

    thing_poll(&t, fd, WEIR_POLL_READ);
    child = process_split();
    if (child == 0) {
        execlp("true", "true", (char *)NULL);
        process_end();
    }
    process_await(child);
    wake_it(&post);
    CHECK_EQ(eventfd_write(fd, 1), 0);
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("pf");
    CHECK(weir_poll_stop(&t.poll));
    CHECK(close(fd) == 0);
    end(loop);
}

/* The parent was rung for it, the child was not. */
static void a_post_that_was_on_its_way_is_run_by_both(void)
{
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    weir_loop *loop;
    thing t;
    pid_t child;

    options.embedded = true; /* it says between two turns that it sleeps */
    loop = make(&options);
    t = thing_of(loop, 'p', NULL);
    CHECK(weir_loop_fd(loop) >= 0);
    thing_post(&t);
    child = process_split();
    if (child == 0)
        CHECK_EQ(weir_loop_fork(loop), 0);
    turn_with_work(loop);
    CHECK_SAID("p");
    end(loop);
    if (child == 0)
        process_end();
    process_await(child);
}

static pid_t child_of_callback;

static void split_in_it(thing *t)
{
    child_of_callback = process_split();
    if (child_of_callback == 0) {
        CHECK_EQ(weir_loop_fork(t->loop), 0);
        CHECK(weir_loop_self() == t->loop);
        CHECK_EQ(weir_loop_turn(t->loop, 0), -EDEADLK);
    }
}

/* The run goes on in both. */
static void a_callback_may_fork(void)
{
    weir_loop *const loop = make(NULL);
    thing a = thing_of(loop, 'a', split_in_it), b = thing_of(loop, 'b', NULL),
          c = thing_of(loop, 'c', NULL);

    weir_timer_start(&a.timer, 0);
    weir_timer_after(&b.timer, MS);
    thing_post(&c);
    run_to_the_end(loop);
    CHECK_SAID("acb");
    end(loop);
    if (child_of_callback == 0)
        process_end();
    process_await(child_of_callback);
}

/* Whose descriptor was closed is said; the others are watched, and it may be stopped. */
static void a_closed_descriptor_is_told_and_the_others_go_on(void)
{
    weir_loop *const loop = make(NULL);
    const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
              gone = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    thing lost = thing_of(loop, 'l', NULL), good = thing_of(loop, 'g', drain_its_fd),
          idle = thing_of(loop, 0, NULL);
    pid_t child;

    thing_poll(&lost, gone, WEIR_POLL_READ);
    thing_poll(&good, fd, WEIR_POLL_READ);
    child = process_split();
    if (child == 0) {
        CHECK(close(gone) == 0);
        CHECK_EQ(weir_loop_fork(loop), -EBADF);
        CHECK_EQ(weir_loop_fork(loop), -EBADF);
        CHECK(weir_poll_stop(&lost.poll));
        /* Also in a turn that does not sleep. */
        thing_hook(&idle, WEIR_LOOP_IDLING);
        CHECK_EQ(eventfd_write(fd, 1), 0);
        turn_with_work(loop);
        CHECK_SAID("g");
        CHECK_EQ(weir_loop_fork(loop), 0);
        CHECK_EQ(eventfd_write(fd, 1), 0);
        turn_with_work(loop);
        CHECK_SAID("g");
        CHECK(weir_hook_stop(&idle.hook));
        CHECK(weir_poll_stop(&good.poll));
        end(loop);
        process_end();
    }
    process_await(child);
    CHECK(weir_poll_stop(&lost.poll) && weir_poll_stop(&good.poll));
    CHECK(close(fd) == 0 && close(gone) == 0);
    end(loop);
}

static void without_descriptors_it_may_be_tried_again(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'a', NULL);
    const pid_t child = process_split();

    if (child == 0) {
        struct rlimit before, less;

        CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
        less = before;
        less.rlim_cur = 1;
        CHECK(setrlimit(RLIMIT_NOFILE, &less) == 0);
        CHECK_EQ(weir_loop_fork(loop), -EMFILE);
        CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
        CHECK_EQ(weir_loop_fork(loop), 0);
        wake_it(&t);
        CHECK_SAID("a");
        end(loop);
        process_end();
    }
    process_await(child);
    wake_it(&t);
    end(loop);
}

/* One of another thread: in the child nobody runs it. */
static void a_loop_that_another_thread_runs_is_free_in_the_child(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'a', NULL), far = thing_of(loop, 0, NULL);
    pthread_t own;
    pid_t child;

    weir_timer_start(&far.timer, WEIR_FOREVER);
    own = begin(run_until_stopped, loop);
    until_asleep(loop);
    child = process_split();
    if (child == 0) {
        CHECK_EQ(weir_loop_fork(loop), 0);
        CHECK_EQ(weir_loop_turn(loop, 0), -ETIMEDOUT);
        thing_post(&t); /* ThreadSanitizer allows no threads here */
        CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
        CHECK_SAID("a");
        CHECK(weir_timer_stop(&far.timer));
        end(loop);
        process_end();
    }
    process_await(child);
    stop_and_join(loop, own);
    CHECK(weir_timer_stop(&far.timer));
    end(loop);
}

/* The thread that was in the middle of it is not there. */
static void a_stop_that_was_on_its_way_is_not_waited_for_in_the_child(void)
{
    for (int told = 0; told < 2; told++) {
        weir_loop *const loop = make(NULL);
        pid_t child;

        /* relaxed: as begin_call() of a stop, or a release, in another thread. */
        (void)weir_atomic_fetch_add(&loop->callers, 1, WEIR_RELAXED);
        child = process_split();
        if (child == 0) {
            (void)alarm(60); /* who waits waits for ever */
            if (told != 0)
                CHECK_EQ(weir_loop_fork(loop), 0);
            end(loop);
            process_end();
        }
        process_await(child);
        (void)weir_atomic_fetch_sub(&loop->callers, 1, WEIR_RELEASE); /* as end_call() */
        end(loop);
    }
}

int main(void)
{
    return TEST_RUN(
        "loop_fork", TEST_CASE(a_child_makes_a_loop_of_its_own),
        TEST_CASE(a_loop_told_of_the_fork_goes_on_in_the_child),
        TEST_CASE(what_one_process_does_to_its_loop_the_other_does_not_feel),
        TEST_CASE(a_child_may_free_it_as_it_is), TEST_CASE(a_child_that_only_ends_harms_nothing),
        TEST_CASE(a_post_that_was_on_its_way_is_run_by_both), TEST_CASE(a_callback_may_fork),
        TEST_CASE(a_closed_descriptor_is_told_and_the_others_go_on),
        TEST_CASE(without_descriptors_it_may_be_tried_again),
        TEST_CASE(a_loop_that_another_thread_runs_is_free_in_the_child),
        TEST_CASE(a_stop_that_was_on_its_way_is_not_waited_for_in_the_child));
}
