/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/loop.h: loops that are run by another one, or by who has another way to wait. */

#include "loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

static weir_loop *make_embedded(unsigned budget)
{
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;

    options.embedded = true;
    options.posts = options.timers = budget;
    return make(&options);
}

static bool is_readable(weir_loop *loop, int timeout)
{
    struct pollfd one = {weir_loop_fd(loop), POLLIN, 0};

    return poll(&one, 1, timeout) == 1;
}

/* Whoever watches it makes turns as often as it says, and no more. */
static void an_embedded_loop_is_readable_while_there_is_work(void)
{
    weir_loop *const loop = make_embedded(2);
    const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    thing posts[5], timers[5], poll_ = thing_of(loop, 'f', drain_its_fd);

    for (int round = 0; round < 2; round++) { /* the second time it watches something */
        turn_for_nothing(loop);
        CHECK(!is_readable(loop, 0));
        for (int i = 0; i < 5; i++) {
            posts[i] = thing_of(loop, 'p', NULL);
            timers[i] = thing_of(loop, 't', NULL);
            thing_post(&posts[i]);
        }
        for (int i = 0; i < 3; i++) {
            CHECK(is_readable(loop, 0));
            turn_with_work(loop);
        }
        CHECK_SAID("ppppp");
        CHECK(!is_readable(loop, 0));
        for (int i = 0; i < 5; i++)
            weir_timer_start(&timers[i].timer, 1);
        for (int i = 0; i < 3; i++) {
            CHECK(is_readable(loop, 0));
            turn_with_work(loop);
        }
        CHECK_SAID("ttttt");
        CHECK(!is_readable(loop, 0));
        weir_loop_stop(loop);
        CHECK(is_readable(loop, 0));
        CHECK_EQ(weir_loop_turn(loop, 0), -ECANCELED);
        turn_for_nothing(loop); /* a run that was stopped at once has heard nothing */
        CHECK(!is_readable(loop, 0));
        for (int phase = WEIR_LOOP_NEXT; phase <= WEIR_LOOP_CLOSE; phase++) {
            thing_defer(&posts[0], (weir_loop_phase)phase);
            CHECK(is_readable(loop, 0));
            turn_with_work(loop);
            CHECK_SAID("p");
            CHECK(!is_readable(loop, 0));
        }
        if (round == 0)
            thing_poll(&poll_, fd, WEIR_POLL_READ);
    }
    CHECK_EQ(eventfd_write(fd, 1), 0);
    CHECK(is_readable(loop, -1));
    turn_with_work(loop);
    CHECK_SAID("f");
    turn_for_nothing(loop); /* an eventfd that was read has become writable */
    CHECK(!is_readable(loop, 0));
    CHECK(weir_poll_stop(&poll_.poll));
    CHECK(close(fd) == 0);
    end(loop);
}

static bool fd_is_readable(int fd, int timeout)
{
    struct pollfd one = {fd, POLLIN, 0};

    return poll(&one, 1, timeout) == 1;
}

/* Also for who has asked for its descriptor once; and after a run, which leaves something. */
static void an_embedded_loop_may_be_run(void)
{
    weir_loop *const loop = make_embedded(1);
    const int fd = weir_loop_fd(loop);
    thing posts[3], timer = thing_of(loop, 't', NULL);

    for (int i = 0; i < 3; i++)
        posts[i] = thing_of(loop, 'p', i == 0 ? stop_its_loop : NULL);
    run_to_the_end(loop);
    CHECK(!fd_is_readable(fd, 0));
    thing_post(&posts[0]);
    CHECK(fd_is_readable(fd, -1));
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), -ECANCELED);
    thing_post(&posts[1]);
    CHECK(fd_is_readable(fd, -1));
    run_to_the_end(loop);
    weir_timer_after(&timer.timer, MS);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, 0), -ETIMEDOUT);
    CHECK(fd_is_readable(fd, -1)); /* by its timer */
    run_to_the_end(loop);
    weir_timer_after(&timer.timer, MS);
    turn_for_nothing(loop);
    CHECK(fd_is_readable(fd, -1));
    while (weir_timer_is_started(&timer.timer))
        (void)weir_loop_turn(loop, 0);
    CHECK_SAID("pptt");
    end(loop);
}

/* The next descriptor, and so how many are open. */
static rlim_t next_descriptor(void)
{
    const int fd = dup(0);

    CHECK(fd >= 0 && close(fd) == 0);
    return (rlim_t)fd;
}

/* It needs three, and all of them from the beginning. */
static void an_embedded_loop_asks_for_no_more_descriptors(void)
{
    const rlim_t next = next_descriptor();
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    struct rlimit before, less;
    weir_loop *loop = NULL;
    thing t;

    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    less = before;
    options.embedded = true;
    for (rlim_t more = 0; more < 3; more++) {
        less.rlim_cur = next + more;
        CHECK(setrlimit(RLIMIT_NOFILE, &less) == 0);
        CHECK_EQ(weir_loop_new(&loop, &options), -EMFILE);
        CHECK(loop == NULL);
        CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
        CHECK_EQ(next_descriptor(), next);
    }
    less.rlim_cur = next + 3;
    CHECK(setrlimit(RLIMIT_NOFILE, &less) == 0);
    loop = make(&options);
    t = thing_of(loop, 't', NULL);
    weir_timer_after(&t.timer, MS);
    CHECK(is_readable(loop, -1));
    while (weir_timer_is_started(&t.timer))
        (void)weir_loop_turn(loop, 0);
    CHECK_SAID("t");
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    end(loop);
}

/* Its alarm is not that of a timer that was stopped, or moved to later. */
static void an_alarm_that_is_not_wanted_does_not_go_off(void)
{
    weir_loop *const loop = make_embedded(0);
    thing t = thing_of(loop, 't', NULL);

    for (int moved = 0; moved < 2; moved++) {
        const uint64_t due = weir_clock_after(2 * MS);

        weir_timer_start(&t.timer, due);
        CHECK(weir_loop_fd(loop) >= 0); /* sets it */
        if (moved == 0)
            CHECK(weir_timer_stop(&t.timer));
        else
            weir_timer_start(&t.timer, WEIR_FOREVER - 1);
        /* Of a timer that was moved the wheel may remember the old place, once. */
        while (weir_clock_now() < due || moved == 1) {
            (void)weir_loop_turn(loop, 0);
            doze();
            if (weir_clock_now() >= due && !is_readable(loop, 0))
                break;
        }
        CHECK(!is_readable(loop, 0));
        CHECK_SAID("");
    }
    CHECK(weir_timer_stop(&t.timer));
    end(loop);
}

static void start_twenty_times(thing *t)
{
    if (t->calls < 20)
        weir_timer_after(&t->timer, MS / 4);
}

/* By poll(2) alone: its timers, too. */
static void an_embedded_loop_tells_of_its_timers(void)
{
    weir_loop *const loop = make_embedded(0);
    const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    thing t = thing_of(loop, 't', start_twenty_times), f = thing_of(loop, 'f', NULL);

    for (int round = 0; round < 2; round++) {
        t.calls = 0;
        weir_timer_after(&t.timer, MS);
        while (weir_timer_is_started(&t.timer)) {
            const uint64_t due = weir_timer_deadline(&t.timer);

            CHECK(weir_loop_deadline(loop) <= due);
            CHECK(is_readable(loop, -1));
            (void)weir_loop_turn(loop, 0);
            CHECK(weir_timer_deadline(&t.timer) == due || weir_clock_now() >= due);
        }
        CHECK_SAID("tttttttttttttttttttt");
        if (round == 0)
            thing_poll(&f, fd, WEIR_POLL_READ);
    }
    CHECK(weir_poll_stop(&f.poll));
    CHECK(close(fd) == 0);
    end(loop);
}

static void *post_after_a_while(void *argument)
{
    doze();
    thing_post((thing *)argument);
    return NULL;
}

/* The fd of the loop for the time that it asks for, then a turn, until it is not alive. */
static void a_loop_can_run_inside_another_way_to_wait(void)
{
    weir_loop *const loop = make_embedded(0);
    thing t = thing_of(loop, 'p', NULL), timer = thing_of(loop, 't', NULL);
    pthread_t thread;

    weir_loop_hold(loop);
    weir_timer_after(&timer.timer, MS);
    thread = begin(post_after_a_while, &t);
    while (t.calls + timer.calls < 2) {
        CHECK(is_readable(loop, -1));
        (void)weir_loop_turn(loop, 0);
    }
    weir_loop_release(loop);
    join(thread);
    end(loop);
}

static void turn_the_other(thing *t)
{
    (void)weir_loop_turn(t->other->loop, 0);
    if (t->other->calls == 20)
        CHECK(weir_poll_stop(&t->poll));
}

/* By edges, and as long as it is readable; driven by its timers, and by posts of another thread. */
static void one_loop_watches_another(void)
{
    for (unsigned manner = 0; manner <= WEIR_POLL_LEVEL; manner += WEIR_POLL_LEVEL) {
        weir_loop *const outer = make(NULL), *const inner = make_embedded(0);
        thing timer = thing_of(inner, 0, start_twenty_times),
              watch = thing_of(outer, 0, turn_the_other), post = thing_of(inner, 0, NULL);
        pthread_t thread;

        watch.other = &timer;
        weir_timer_after(&timer.timer, MS);
        thing_poll(&watch, weir_loop_fd(inner), WEIR_POLL_READ | manner);
        run_to_the_end(outer);
        CHECK_EQ(timer.calls, 20);
        post.calls = 19;
        watch.other = &post;
        thing_poll(&watch, weir_loop_fd(inner), WEIR_POLL_READ | manner);
        thread = begin(post_after_a_while, &post);
        run_to_the_end(outer);
        join(thread);
        CHECK_EQ(post.calls, 20);
        /* Nothing was called for nothing, but a timer that was a trifle early. */
        CHECK(watch.calls < 100);
        end(inner);
        end(outer);
    }
}

int main(void)
{
    return TEST_RUN("loop_embed", TEST_CASE(an_embedded_loop_is_readable_while_there_is_work),
                    TEST_CASE(an_embedded_loop_may_be_run),
                    TEST_CASE(an_embedded_loop_asks_for_no_more_descriptors),
                    TEST_CASE(an_alarm_that_is_not_wanted_does_not_go_off),
                    TEST_CASE(an_embedded_loop_tells_of_its_timers),
                    TEST_CASE(a_loop_can_run_inside_another_way_to_wait),
                    TEST_CASE(one_loop_watches_another));
}
