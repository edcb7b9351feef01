/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/loop.h: its life, and what keeps it alive. How a run ends is in tests/loop_run.c, the phases
 * are in tests/loop_phases.c, other threads in tests/loop_post.c, what it tells of itself in
 * tests/loop_watch.c. */

#include "loop.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

/* ---- life ---- */

static void a_loop_without_anything_returns_at_once(void)
{
    weir_loop *const loop = make(NULL);

    CHECK(!weir_loop_alive(loop));
    run_to_the_end(loop);
    run_to_the_end(loop);
    turn_for_nothing(loop);
    CHECK_EQ(numbers_of(loop).sleeps, 0);
    CHECK(weir_loop_self() == NULL);
    end(loop);
    CHECK_EQ(weir_loop_free(NULL), 0);
}

/* Every allocation, and every descriptor. */
static void a_loop_that_cannot_be_made_leaves_nothing(void)
{
    weir_loop *loop = NULL;
    struct rlimit before, less;
    int status = -ENOMEM, first = dup(0);
    unsigned failures = 0;

    CHECK(first >= 0 && close(first) == 0);
    for (size_t nr = 1; status != 0; nr++) {
        test_alloc_fail_at(nr);
        status = weir_loop_new(&loop, NULL);
        if (status == 0)
            break;
        CHECK_EQ(status, -ENOMEM);
        CHECK(loop == NULL);
        CHECK_EQ(test_alloc_live, 0);
        CHECK(nr < 100);
        failures++;
    }
    CHECK(failures > 0);
    end(loop);
    CHECK_EQ(test_alloc_live, 0);
    test_alloc_fail_at(0);
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    loop = NULL;
    status = -EMFILE;
    less = before;
    for (less.rlim_cur = (rlim_t)first; status != 0; less.rlim_cur++) {
        CHECK(setrlimit(RLIMIT_NOFILE, &less) == 0);
        status = weir_loop_new(&loop, NULL);
        CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
        if (status == 0)
            break;
        CHECK_EQ(status, -EMFILE);
        CHECK(loop == NULL);
        CHECK_EQ(test_alloc_live, 0);
    }
    /* Three at most. */
    CHECK(less.rlim_cur > (rlim_t)first && less.rlim_cur <= (rlim_t)first + 3);
    end(loop);
    CHECK_EQ(test_alloc_live, 0);
    status = dup(0);
    CHECK_EQ(status, first);
    CHECK(close(status) == 0);
}

static void many_loops_leave_nothing(void)
{
    int first;

    test_alloc_fail_at(0);
    first = dup(0);
    CHECK(first >= 0 && close(first) == 0);
    for (int i = 0; i < 300; i++) {
        weir_loop *const loop = make(NULL);
        thing t = thing_of(loop, 0, NULL), polled = thing_of(loop, 0, stop_its_poll);
        const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);

        weir_timer_start(&t.timer, 0);
        thing_poll(&polled, fd, WEIR_POLL_READ);
        run_to_the_end(loop);
        CHECK(t.calls == 1 && polled.calls == 1);
        end(loop);
        CHECK(close(fd) == 0);
    }
    CHECK_EQ(test_alloc_live, 0);
    CHECK_EQ(dup(0), first);
    CHECK(close(first) == 0);
}

static void try_to_free(thing *t)
{
    CHECK_EQ(weir_loop_free(t->loop), -EBUSY);
}

static void a_loop_with_open_handles_is_not_freed(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'a', try_to_free);
    const int fd = eventfd(0, EFD_CLOEXEC);

    weir_timer_start(&t.timer, WEIR_FOREVER);
    CHECK_EQ(weir_loop_free(loop), -EBUSY);
    weir_timer_background(&t.timer, true);
    CHECK_EQ(weir_loop_free(loop), -EBUSY);
    CHECK(weir_timer_stop(&t.timer));
    for (int phase = WEIR_LOOP_IDLING; phase <= WEIR_LOOP_CHECK; phase++) {
        thing_hook(&t, (weir_loop_phase)phase);
        CHECK_EQ(weir_loop_free(loop), -EBUSY);
        weir_hook_start(&t.hook, true);
        CHECK_EQ(weir_loop_free(loop), -EBUSY);
        CHECK(weir_hook_stop(&t.hook));
    }
    thing_poll(&t, fd, WEIR_POLL_READ);
    CHECK_EQ(weir_loop_free(loop), -EBUSY);
    CHECK(weir_poll_stop(&t.poll));
    thing_async(&t);
    CHECK_EQ(weir_loop_free(loop), -EBUSY);
    CHECK_EQ(weir_async_close(&t.async, NULL), 0);
    CHECK_EQ(weir_loop_free(loop), -EBUSY); /* not yet */
    run_to_the_end(loop);
    /* It still works, after so many refusals: also posts. */
    thing_post(&t);
    run_to_the_end(loop);
    CHECK_SAID("a");
    CHECK(close(fd) == 0);
    end(loop);
}

/* ---- what was not run when it is freed ---- */

static void note_discarded(void *context, weir_job *job)
{
    (void)context;
    say(THING_OF(job, job)->letter);
}

static int never(weir_call *call)
{
    (void)call;
    CHECK(false);
    return 0;
}

static void what_has_not_run_is_its_owners_again(void)
{
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    weir_loop *loop;
    thing posts[3], deferred[WEIR_LOOP_CLOSE + 1];
    weir_call call;

    options.discarded = note_discarded;
    loop = make(&options);
    for (int i = 0; i < 3; i++) {
        posts[i] = thing_of(loop, (char)('a' + i), NULL);
        thing_post(&posts[i]);
    }
    weir_call_init(&call, never, NULL);
    CHECK_EQ(weir_loop_post(loop, &call.job), 0);
    for (int i = WEIR_LOOP_NEXT; i <= WEIR_LOOP_CLOSE; i++) {
        deferred[i] = thing_of(loop, (char)('m' + i), NULL);
        thing_defer(&deferred[i], (weir_loop_phase)i);
    }
    CHECK(weir_loop_alive(loop));
    CHECK_EQ(weir_loop_free(loop), 0);
    CHECK_SAID("abcmnopqr");
    CHECK_EQ(weir_call_get(&call, WEIR_FOREVER, NULL), -ECANCELED);
    /* The same without anybody who wants to know. */
    loop = make(NULL);
    posts[0] = thing_of(loop, 'a', NULL);
    thing_post(&posts[0]);
    CHECK_EQ(weir_loop_free(loop), 0);
    CHECK_SAID("");
}

static void a_closed_loop_refuses_posts_and_runs_what_was_posted(void)
{
    weir_loop *const loop = make(NULL);
    thing early = thing_of(loop, 'a', NULL), late = thing_of(loop, 'b', NULL);
    weir_canceller canceller;
    weir_call call;

    thing_post(&early);
    weir_loop_close(loop);
    weir_loop_close(loop);
    CHECK_EQ(weir_loop_post(loop, &late.job), -EPIPE);
    weir_call_init(&call, never, NULL);
    CHECK_EQ(weir_loop_call(loop, &call, WEIR_FOREVER, NULL), -EPIPE);
    CHECK_EQ(weir_timer_cancel(&late.timer, &canceller), -EPIPE);
    CHECK_EQ(weir_timer_cancel_wait(&late.timer, &canceller, WEIR_FOREVER, NULL), -EPIPE);
    run_to_the_end(loop);
    CHECK_SAID("a");
    CHECK_EQ(late.calls, 0);
    /* The job is still the caller's: another loop takes it. */
    weir_loop *const other = make(NULL);
    late.loop = other;
    CHECK_EQ(weir_loop_post(other, &late.job), 0);
    run_to_the_end(other);
    CHECK_SAID("b");
    /* What is no post goes on. */
    thing_defer(&early, WEIR_LOOP_CLOSE);
    weir_timer_start(&early.timer, 0);
    run_to_the_end(loop);
    CHECK_SAID("aa");
    end(other);
    end(loop);
}

/* ---- what keeps it alive ---- */

static void a_loop_is_alive_while_something_is_active_or_under_way(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'a', NULL);
    const int fd = eventfd(0, EFD_CLOEXEC);

    CHECK(!weir_loop_alive(loop));
    weir_timer_start(&t.timer, 0);
    CHECK(weir_loop_alive(loop));
    run_to_the_end(loop);
    CHECK(!weir_loop_alive(loop));
    thing_post(&t);
    CHECK(weir_loop_alive(loop));
    run_to_the_end(loop);
    CHECK(!weir_loop_alive(loop));
    for (int phase = WEIR_LOOP_NEXT; phase <= WEIR_LOOP_CLOSE; phase++) {
        thing_defer(&t, (weir_loop_phase)phase);
        CHECK(weir_loop_alive(loop));
        run_to_the_end(loop);
        CHECK(!weir_loop_alive(loop));
    }
    weir_loop_hold(loop);
    weir_loop_hold(loop);
    weir_loop_release(loop);
    CHECK(weir_loop_alive(loop));
    weir_loop_release(loop);
    CHECK(!weir_loop_alive(loop));
    thing_poll(&t, fd, WEIR_POLL_READ);
    CHECK(weir_loop_alive(loop));
    CHECK(weir_poll_stop(&t.poll));
    CHECK(!weir_poll_stop(&t.poll));
    CHECK(!weir_loop_alive(loop));
    thing_hook(&t, WEIR_LOOP_CHECK);
    CHECK(weir_loop_alive(loop));
    CHECK(weir_hook_stop(&t.hook));
    CHECK(!weir_hook_stop(&t.hook));
    CHECK(!weir_loop_alive(loop));
    thing_async(&t);
    CHECK(weir_loop_alive(loop));
    CHECK_EQ(weir_async_close(&t.async, NULL), 0);
    CHECK(weir_loop_alive(loop));
    run_to_the_end(loop);
    CHECK(close(fd) == 0);
    CHECK_SAID("aaaaaaaa");
    end(loop);
}

/* Also what is due, or ready: nothing is called that the run was not kept for. */
static void an_unreferenced_watcher_does_not_keep_the_loop(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'a', NULL);
    const int fd = eventfd(1, EFD_CLOEXEC);

    weir_timer_start(&t.timer, 0);
    weir_timer_background(&t.timer, true);
    run_to_the_end(loop);
    CHECK(weir_timer_stop(&t.timer));
    weir_timer_repeat(&t.timer, 0, MS, WEIR_TIMER_DELAY);
    run_to_the_end(loop);
    CHECK(weir_timer_stop(&t.timer));
    weir_timer_background(&t.timer, false);
    for (int phase = WEIR_LOOP_IDLING; phase <= WEIR_LOOP_CHECK; phase++) {
        weir_hook_init(&t.hook, loop, (weir_loop_phase)phase, thing_hooked);
        weir_hook_start(&t.hook, true);
        run_to_the_end(loop);
        CHECK(weir_hook_stop(&t.hook));
    }
    weir_poll_init(&t.poll, loop, fd, thing_ready);
    weir_poll_background(&t.poll, true);
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ), 0);
    run_to_the_end(loop);
    CHECK(weir_poll_stop(&t.poll));
    CHECK_EQ(weir_async_init(&t.async, loop, thing_sent, true), 0);
    run_to_the_end(loop);
    CHECK_SAID("");
    /* But a send does, and a close. */
    thing_send(&t);
    CHECK(weir_loop_alive(loop));
    run_to_the_end(loop);
    CHECK_SAID("a");
    CHECK_EQ(weir_async_close(&t.async, thing_closed), 0);
    CHECK(weir_loop_alive(loop));
    run_to_the_end(loop);
    CHECK_SAID("A");
    CHECK(close(fd) == 0);
    end(loop);
}

static void a_reference_is_a_flag_not_a_count(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'a', NULL);
    const int fd = eventfd(0, EFD_CLOEXEC);

    weir_timer_start(&t.timer, WEIR_FOREVER);
    weir_timer_start(&t.timer, WEIR_FOREVER - 1);
    for (int i = 0; i < 3; i++) {
        weir_timer_background(&t.timer, true);
        weir_timer_background(&t.timer, true);
        CHECK(!weir_loop_alive(loop));
        weir_timer_background(&t.timer, false);
        weir_timer_background(&t.timer, false);
        CHECK(weir_loop_alive(loop));
    }
    CHECK(weir_timer_stop(&t.timer));
    CHECK(!weir_loop_alive(loop));
    /* What is said of one that is not started holds when it is. */
    weir_timer_background(&t.timer, true);
    CHECK(!weir_loop_alive(loop));
    weir_timer_start(&t.timer, WEIR_FOREVER);
    CHECK(!weir_loop_alive(loop));
    weir_timer_background(&t.timer, false);
    CHECK(weir_loop_alive(loop));
    CHECK(weir_timer_stop(&t.timer));

    thing_poll(&t, fd, WEIR_POLL_READ);
    for (int i = 0; i < 3; i++) {
        weir_poll_background(&t.poll, true);
        weir_poll_background(&t.poll, true);
        CHECK(!weir_loop_alive(loop));
        CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_WRITE), 0);
        CHECK(!weir_loop_alive(loop));
        weir_poll_background(&t.poll, false);
        CHECK(weir_loop_alive(loop));
    }
    CHECK(weir_poll_stop(&t.poll));
    weir_poll_background(&t.poll, true);
    weir_poll_background(&t.poll, false);
    CHECK(!weir_loop_alive(loop));

    thing_hook(&t, WEIR_LOOP_PREPARE);
    weir_hook_start(&t.hook, true);
    weir_hook_start(&t.hook, true);
    CHECK(!weir_loop_alive(loop));
    weir_hook_start(&t.hook, false);
    weir_hook_start(&t.hook, false);
    CHECK(weir_loop_alive(loop));
    CHECK(weir_hook_stop(&t.hook));
    CHECK(close(fd) == 0);
    end(loop);
}

static void go_to_the_background(thing *t)
{
    weir_hook_start(&t->hook, true);
}

/* Whether to sleep is decided after PREPARE. */
static void losing_the_last_reference_in_a_callback_ends_the_loop(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'a', go_to_the_background), far = thing_of(loop, 'f', NULL);

    weir_timer_start(&far.timer, WEIR_FOREVER);
    weir_timer_background(&far.timer, true);
    for (int phase = WEIR_LOOP_IDLING; phase <= WEIR_LOOP_CHECK; phase++) {
        thing once = thing_of(loop, 0, NULL); /* CHECK is after the sleep */

        if (phase == WEIR_LOOP_CHECK)
            thing_post(&once);
        thing_hook(&t, (weir_loop_phase)phase);
        if (phase == WEIR_LOOP_CHECK)
            CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
        run_to_the_end(loop);
        CHECK(weir_hook_stop(&t.hook));
    }
    CHECK_SAID("aaa");
    t.then = stop_its_hook;
    thing_hook(&t, WEIR_LOOP_PREPARE);
    run_to_the_end(loop);
    CHECK_SAID("a");
    CHECK_EQ(numbers_of(loop).sleeps, 0);
    CHECK(weir_timer_stop(&far.timer));
    end(loop);
}

static void a_start_that_fails_leaves_no_trace(void)
{
    weir_loop *loop;
    thing t, other;
    const int fd = eventfd(0, EFD_CLOEXEC), directory = open("/", O_RDONLY | O_CLOEXEC);
    weir_async asyncs[64];
    unsigned n = 0;
    int status;

    test_alloc_fail_at(0);
    loop = make(NULL);
    t = thing_of(loop, 'a', NULL);
    other = thing_of(loop, 'b', NULL);
    weir_poll_init(&t.poll, loop, -1, thing_ready);
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ), -EBADF);
    CHECK(!weir_loop_alive(loop));
    /* Other loops may have left some. */
    test_alloc_fail_nr = test_alloc_calls + 1;
    while ((status = weir_async_init(&asyncs[n], loop, thing_sent, false)) == 0)
        CHECK(++n < 64);
    CHECK_EQ(status, -ENOMEM);
    test_alloc_fail_nr = 0;
    while (n > 0)
        CHECK_EQ(weir_async_close(&asyncs[--n], NULL), 0);
    run_to_the_end(loop);
    weir_poll_init(&t.poll, loop, directory, thing_ready);
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ), -EPERM);
    thing_poll(&other, fd, WEIR_POLL_READ);
    weir_poll_init(&t.poll, loop, fd, thing_ready);
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ), -EEXIST);
    CHECK_EQ(weir_poll_start(&t.poll, 128), -EINVAL);
    CHECK(!weir_poll_is_started(&t.poll));
    CHECK(!weir_poll_stop(&t.poll));
    weir_poll_again(&t.poll, WEIR_POLL_READ);
    CHECK(weir_poll_stop(&other.poll));
    CHECK(close(fd) == 0);
    CHECK(close(directory) == 0);
    CHECK(!weir_loop_alive(loop));
    turn_for_nothing(loop);
    CHECK_SAID("");
    end(loop);
}

int main(void)
{
    return TEST_RUN("loop", TEST_CASE(a_loop_without_anything_returns_at_once),
                    TEST_CASE(a_loop_that_cannot_be_made_leaves_nothing),
                    TEST_CASE(many_loops_leave_nothing),
                    TEST_CASE(a_loop_with_open_handles_is_not_freed),
                    TEST_CASE(what_has_not_run_is_its_owners_again),
                    TEST_CASE(a_closed_loop_refuses_posts_and_runs_what_was_posted),
                    TEST_CASE(a_loop_is_alive_while_something_is_active_or_under_way),
                    TEST_CASE(an_unreferenced_watcher_does_not_keep_the_loop),
                    TEST_CASE(a_reference_is_a_flag_not_a_count),
                    TEST_CASE(losing_the_last_reference_in_a_callback_ends_the_loop),
                    TEST_CASE(a_start_that_fails_leaves_no_trace));
}
