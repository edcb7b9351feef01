/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/loop.h: what a loop tells: the time, when its next turn is due, numbers, and callbacks that
 * take long. */

#include "loop.h"

#include <sys/eventfd.h>

/* ---- time ---- */

static void move_on(thing *t)
{
    move_to(weir_loop_now(t->loop) + 30);
    CHECK_EQ(weir_loop_now(t->loop), t->at);
}

static void move_on_and_look(thing *t)
{
    move_on(t);
    CHECK_EQ(weir_loop_update(t->loop), t->at + 30);
    CHECK_EQ(weir_loop_now(t->loop), t->at + 30);
}

static void now_is_one_value_in_a_round_until_it_is_renewed(void)
{
    weir_loop *const loop = make_moved();
    thing t[3];

    CHECK_EQ(weir_loop_now(loop), 1000);
    for (int i = 0; i < 3; i++) {
        t[i] = thing_of(loop, 0, move_on);
        thing_post(&t[i]);
    }
    turn_with_work(loop);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(t[i].at, 1000);
        t[i].then = move_on_and_look;
        thing_post(&t[i]);
    }
    turn_with_work(loop);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(t[i].at, 1030 + 30 * (uint64_t)i);
    end(loop);
}

static void move_on_and_stop(thing *t)
{
    CHECK_EQ(t->at, 999 + t->calls);
    move_to(1000 + t->calls);
    if (t->calls == 100)
        weir_loop_stop(t->loop);
}

/* Also in a run that neither sleeps nor has a timer. */
static void the_loops_time_goes_on_while_nothing_happens(void)
{
    weir_loop *const loop = make_moved();
    thing t = thing_of(loop, 0, move_on_and_stop);

    move_to(2000);
    turn_for_nothing(loop);
    CHECK_EQ(weir_loop_now(loop), 2000);
    move_to(1000);
    turn_for_nothing(loop);
    thing_hook(&t, WEIR_LOOP_IDLING);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), -ECANCELED);
    CHECK_EQ(t.calls, 100);
    CHECK(weir_hook_stop(&t.hook));
    end(loop);
}

static void the_wait_to_come_is_what_the_next_timer_says(void)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, 'a', NULL), b = thing_of(loop, 'b', NULL);

    CHECK_EQ(weir_loop_deadline(loop), WEIR_FOREVER);
    weir_timer_start(&a.timer, WEIR_FOREVER);
    CHECK_EQ(weir_loop_deadline(loop), WEIR_FOREVER);
    weir_timer_start(&a.timer, 5000 * (uint64_t)MS);
    CHECK_EQ(weir_loop_deadline(loop), 5000 * (uint64_t)MS);
    weir_timer_start(&b.timer, 1001);
    weir_timer_background(&b.timer, true);
    CHECK_EQ(weir_loop_deadline(loop), 1001);
    CHECK(weir_timer_stop(&b.timer));
    CHECK_EQ(weir_loop_deadline(loop), 5000 * (uint64_t)MS);
    thing_post(&b);
    CHECK_EQ(weir_loop_deadline(loop), 0);
    turn_with_work(loop);
    CHECK_EQ(weir_loop_deadline(loop), 5000 * (uint64_t)MS);
    for (int phase = WEIR_LOOP_NEXT; phase <= WEIR_LOOP_CLOSE; phase++) {
        thing_defer(&b, (weir_loop_phase)phase);
        CHECK_EQ(weir_loop_deadline(loop), 0);
        turn_with_work(loop);
    }
    for (int phase = WEIR_LOOP_IDLING; phase <= WEIR_LOOP_CHECK; phase++) {
        thing_hook(&b, (weir_loop_phase)phase);
        CHECK_EQ(weir_loop_deadline(loop), phase == WEIR_LOOP_IDLING ? 0 : 5000 * (uint64_t)MS);
        CHECK(weir_hook_stop(&b.hook));
    }
    weir_loop_stop(loop);
    CHECK_EQ(weir_loop_deadline(loop), 0);
    CHECK_EQ(weir_loop_turn(loop, 0), -ECANCELED);
    CHECK_EQ(weir_loop_deadline(loop), 5000 * (uint64_t)MS);
    move_to(5000 * (uint64_t)MS);
    turn_with_work(loop);
    CHECK_EQ(a.calls, 1);
    CHECK_EQ(weir_loop_deadline(loop), WEIR_FOREVER);
    end(loop);
}

/* ---- numbers ---- */

static void rounds_and_events_are_counted(void)
{
    weir_loop *const loop = make_moved();
    const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    thing t = thing_of(loop, 'a', NULL);
    weir_loop_stats n = numbers_of(loop);

    CHECK(n.turns == 0 && n.sleeps == 0 && n.wakes == 0 && n.early == 0 && n.posts == 0);
    CHECK(n.timers == 0 && n.events == 0 && n.deferred == 0 && n.slow == 0 && n.longest_ns == 0);
    thing_post(&t);
    turn_with_work(loop);
    for (int i = 0; i < 2; i++) {
        weir_timer_start(&t.timer, 0);
        turn_with_work(loop);
    }
    for (int phase = WEIR_LOOP_NEXT; phase <= WEIR_LOOP_CLOSE; phase++) {
        thing_defer(&t, (weir_loop_phase)phase);
        turn_with_work(loop);
    }
    thing_poll(&t, fd, WEIR_POLL_READ | WEIR_POLL_LEVEL);
    for (int i = 0; i < 3; i++)
        turn_with_work(loop);
    CHECK(weir_poll_stop(&t.poll));
    n = numbers_of(loop);
    CHECK_EQ(n.turns, 1 + 2 + 6 + 3);
    CHECK_EQ(n.posts, 1);
    CHECK_EQ(n.timers, 2);
    CHECK_EQ(n.deferred, 6);
    CHECK_EQ(n.events, 3);
    CHECK(n.sleeps == 0 && n.wakes == 0 && n.early == 0);
    CHECK(n.slow == 0 && n.longest_ns == 0);
    for (unsigned i = 0; i < WEIR_LOOP_BUCKETS; i++)
        CHECK_EQ(n.turns_by_us[i], 0);
    CHECK(close(fd) == 0);
    end(loop);
}

static uint64_t sleeps_begun(weir_loop *loop)
{
    const weir_loop_stats numbers = numbers_of(loop);
    uint64_t sum = 0;

    for (unsigned i = 0; i < WEIR_LOOP_BUCKETS; i++)
        sum += numbers.turns_by_us[i];
    return sum;
}

static uint64_t to_move;

static void move_far(thing *t)
{
    move_to(weir_loop_now(t->loop) + to_move);
}

enum { SLEEPS = 9 };

static const struct {
    uint64_t ns;
    unsigned bucket;
} awake[SLEEPS] = {{0, 0},
                   {1999, 0},
                   {2000, 1},
                   {3999, 1},
                   {4000, 2},
                   {1 << 20, 10},
                   {1 << 30, 20},
                   {(UINT64_C(1) << 24) * 1000, WEIR_LOOP_BUCKETS - 1},
                   {UINT64_C(1) << 60, WEIR_LOOP_BUCKETS - 1}};

static void move_as_awake(thing *t)
{
    move_to(weir_loop_now(t->loop) + awake[t->ready].ns);
}

/* Each post ends a sleep, and the time until the next one is known. */
static void the_time_awake_is_counted_and_sleeps_are(void)
{
    uint64_t expected[WEIR_LOOP_BUCKETS] = {1}; /* before the first sleep */
    weir_loop_options options = moved_options();
    weir_loop *loop;
    weir_loop_stats n;
    pthread_t thread;
    thing t[SLEEPS];

    options.measured = true;
    loop = make(&options);
    thread = begin(run_until_stopped, loop);
    for (int i = 0; i < SLEEPS; i++) {
        while (sleeps_begun(loop) != (uint64_t)i + 1)
            doze();
        expected[awake[i].bucket]++;
        t[i] = thing_of(loop, 0, move_as_awake);
        t[i].ready = (unsigned)i;
        thing_post(&t[i]);
    }
    while (sleeps_begun(loop) != SLEEPS + 1)
        doze();
    stop_and_join(loop, thread);
    n = numbers_of(loop);
    for (unsigned i = 0; i < WEIR_LOOP_BUCKETS; i++)
        CHECK_EQ(n.turns_by_us[i], expected[i]);
    CHECK_EQ(n.sleeps, SLEEPS + 1);
    CHECK_EQ(n.wakes, SLEEPS + 1);
    CHECK_EQ(n.early, 0);
    CHECK_EQ(n.posts, SLEEPS);
    for (int i = 0; i < SLEEPS; i++)
        CHECK_EQ(t[i].calls, 1);
    end(loop);
}

/* ---- callbacks that take long ---- */

static weir_loop_report last;
static unsigned reports;

static void note_slow(void *context, const weir_loop_report *report)
{
    CHECK(context == &last);
    last = *report;
    reports++;
}

static weir_loop *make_watched(void)
{
    weir_loop_options options = moved_options();

    options.slow_ns = 100;
    options.slow = note_slow;
    options.context = &last;
    reports = 0;
    return make(&options);
}

static void check_slow(thing *t, const char *kind, void (*function)(void), uint64_t ns)
{
    to_move = ns;
    memset(&last, 0, sizeof last);
    turn_with_work(t->loop);
    if (ns < 100) {
        CHECK(last.kind == NULL);
        return;
    }
    CHECK(strcmp(last.kind, kind) == 0);
    CHECK(last.function == function);
    CHECK_EQ(last.ns, ns);
    CHECK(!last.running);
    CHECK(last.name == NULL && last.file == NULL && last.line == 0);
}

#define FUNCTION(f) ((void (*)(void))(f))

static void each_kind_of_callback_is_reported(void)
{
    static const char *const kinds[] = {"next", "micro", "idle", "prepare", "check", "close"};
    weir_loop *const loop = make_watched();
    const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    thing t = thing_of(loop, 0, move_far);

    thing_poll(&t, fd, WEIR_POLL_READ | WEIR_POLL_LEVEL);
    for (uint64_t ns = 99; ns <= 101; ns++)
        check_slow(&t, "poll", FUNCTION(thing_ready), ns);
    CHECK(weir_poll_stop(&t.poll));
    for (uint64_t ns = 99; ns <= 100; ns++) {
        weir_timer_start(&t.timer, 0);
        check_slow(&t, "timer", FUNCTION(thing_due), ns);
        thing_post(&t);
        check_slow(&t, "post", FUNCTION(thing_run), ns);
        for (int phase = WEIR_LOOP_NEXT; phase <= WEIR_LOOP_CLOSE; phase++) {
            thing_defer(&t, (weir_loop_phase)phase);
            check_slow(&t, kinds[phase], FUNCTION(thing_run), ns);
        }
        thing_hook(&t, WEIR_LOOP_IDLING);
        check_slow(&t, "idle", FUNCTION(thing_hooked), ns);
        CHECK(weir_hook_stop(&t.hook));
    }
    CHECK_EQ(reports, 2 + 9);
    CHECK_EQ(numbers_of(loop).slow, reports);
    CHECK_EQ(numbers_of(loop).longest_ns, 101);
    CHECK(close(fd) == 0);
    end(loop);
}

static int move_in_a_call(weir_call *call)
{
    (void)call;
    move_to(moved_now(NULL) + 100);
    return 0;
}

static void move_when_closed(weir_async *async)
{
    (void)async;
    move_to(moved_now(NULL) + 100);
}

/* The callback that was given, not the library's own around it. */
static void what_is_reported_is_the_users_callback(void)
{
    weir_loop *const loop = make_watched();
    thing t = thing_of(loop, 0, move_far);
    weir_call call;

    thing_async(&t);
    thing_send(&t);
    to_move = 100;
    turn_with_work(loop);
    CHECK(last.function == FUNCTION(thing_sent));
    CHECK(strcmp(last.kind, "async") == 0);
    CHECK_EQ(weir_async_close(&t.async, move_when_closed), 0);
    run_to_the_end(loop);
    CHECK(last.function == FUNCTION(move_when_closed));
    CHECK(strcmp(last.kind, "close") == 0);
    weir_call_init(&call, move_in_a_call, NULL);
    CHECK_EQ(weir_loop_post(loop, &call.job), 0);
    turn_with_work(loop);
    CHECK_EQ(weir_call_get(&call, 0, NULL), 0);
    CHECK(last.function == FUNCTION(move_in_a_call));
    CHECK_EQ(reports, 3);
    end(loop);
}

static unsigned site_line;

static void say_the_site(thing *t)
{
    weir_loop_report now;

    site_line = __LINE__ + 1;
    WEIR_LOOP_SITE(t->loop, "first");
    move_far(t);
    CHECK(weir_loop_busy(t->loop, 0, &now));
    CHECK(now.running && now.line == site_line && now.ns == to_move);
    CHECK(strcmp(now.name, "first") == 0 && strcmp(now.file, __FILE__) == 0);
    weir_loop_site(t->loop, "second", "of another", 7);
    CHECK(weir_loop_busy(t->loop, to_move, &now));
    CHECK(strcmp(now.name, "second") == 0 && strcmp(now.kind, "post") == 0);
    CHECK(now.function == FUNCTION(thing_run));
    CHECK(!weir_loop_busy(t->loop, to_move + 1, &now));
}

static void a_site_is_told_until_the_callback_returns(void)
{
    weir_loop *const loop = make_watched();
    thing a = thing_of(loop, 0, say_the_site), b = thing_of(loop, 0, move_far);
    weir_loop_report now;

    CHECK(!weir_loop_busy(loop, 0, &now));
    to_move = 500;
    thing_post(&a);
    turn_with_work(loop);
    CHECK(strcmp(last.name, "second") == 0 && strcmp(last.file, "of another") == 0);
    CHECK_EQ(last.line, 7);
    CHECK_EQ(last.ns, 500);
    CHECK(!weir_loop_busy(loop, 0, &now));
    thing_post(&b);
    turn_with_work(loop);
    CHECK(last.name == NULL && last.file == NULL && last.line == 0);
    CHECK_EQ(reports, 2);
    end(loop);
}

static void *watch_from_outside(void *argument)
{
    thing *const t = (thing *)argument;
    weir_loop_report now;

    CHECK(weir_loop_busy(t->loop, 0, &now));
    CHECK_EQ(now.ns, 0);
    move_to(moved_now(NULL) + 70);
    CHECK(!weir_loop_busy(t->loop, 71, &now));
    CHECK(weir_loop_busy(t->loop, 70, &now));
    CHECK(now.running && now.ns == 70 && strcmp(now.kind, "timer") == 0);
    CHECK(strcmp(now.name, "outside") == 0);
    return NULL;
}

static void be_watched(thing *t)
{
    weir_loop_site(t->loop, "outside", NULL, 0);
    join(begin(watch_from_outside, t));
}

static void another_thread_sees_what_runs(void)
{
    weir_loop *const loop = make_watched();
    thing t = thing_of(loop, 0, be_watched);

    weir_timer_start(&t.timer, 0);
    turn_with_work(loop);
    CHECK_EQ(reports, 0); /* 70 is not slow, to others it was of interest */
    CHECK_EQ(numbers_of(loop).longest_ns, 70);
    end(loop);
}

static void say_two_sites(thing *t)
{
    static const char *const one = "one", *const two = "two";

    for (unsigned i = 0; i < 2000; i++)
        weir_loop_site(t->loop, i % 2 == 0 ? one : two, i % 2 == 0 ? one : two, i % 2);
}

/* What is told belongs together. */
static void what_is_told_of_a_callback_is_of_one_moment(void)
{
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    weir_loop *loop;
    weir_loop_report now;
    pthread_t thread;
    thing t;

    options.slow_ns = WEIR_FOREVER;
    loop = make(&options);
    t = thing_of(loop, 0, say_two_sites);
    thing_hook(&t, WEIR_LOOP_IDLING);
    thread = begin(run_until_stopped, loop);
    for (unsigned seen = 0; seen < 20000;)
        if (weir_loop_busy(loop, 0, &now) && now.name != NULL) {
            CHECK(now.name == now.file);
            CHECK_EQ(now.line, strcmp(now.name, "two") == 0);
            CHECK(now.function == FUNCTION(thing_hooked));
            seen++;
        }
    stop_and_join(loop, thread);
    CHECK(weir_hook_stop(&t.hook));
    CHECK_EQ(numbers_of(loop).slow, 0);
    end(loop);
}

int main(void)
{
    return TEST_RUN("loop_watch", TEST_CASE(now_is_one_value_in_a_round_until_it_is_renewed),
                    TEST_CASE(the_loops_time_goes_on_while_nothing_happens),
                    TEST_CASE(the_wait_to_come_is_what_the_next_timer_says),
                    TEST_CASE(rounds_and_events_are_counted),
                    TEST_CASE(the_time_awake_is_counted_and_sleeps_are),
                    TEST_CASE(each_kind_of_callback_is_reported),
                    TEST_CASE(what_is_reported_is_the_users_callback),
                    TEST_CASE(a_site_is_told_until_the_callback_returns),
                    TEST_CASE(another_thread_sees_what_runs),
                    TEST_CASE(what_is_told_of_a_callback_is_of_one_moment));
}
