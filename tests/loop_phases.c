/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/loop.h: the phases of a turn and their order, NEXT and MICRO, hooks, and budgets. */

#include "loop.h"

#include <fcntl.h>
#include <sys/eventfd.h>

/* ---- the order of a turn ---- */

static void every_phase_has_its_place(void)
{
    weir_loop *const loop = make_moved();
    static const char *const letters = "nmIPCZ";
    const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    thing jobs[WEIR_LOOP_CLOSE + 1], hooks[WEIR_LOOP_CLOSE + 1];
    thing timer = thing_of(loop, 't', NULL), post = thing_of(loop, 'q', NULL),
          poll = thing_of(loop, 'f', drain_its_fd), async = thing_of(loop, 'a', NULL);

    thing_async(&async);
    CHECK_EQ(weir_async_close(&async.async, thing_closed), 0);
    for (int i = WEIR_LOOP_CLOSE; i >= WEIR_LOOP_NEXT; i--) {
        jobs[i] = thing_of(loop, letters[i], NULL);
        thing_defer(&jobs[i], (weir_loop_phase)i);
    }
    for (int i = WEIR_LOOP_CHECK; i >= WEIR_LOOP_IDLING; i--) {
        hooks[i] = thing_of(loop, (char)(letters[i] - 'A' + 'a'), NULL);
        thing_hook(&hooks[i], (weir_loop_phase)i);
    }
    thing_poll(&poll, fd, WEIR_POLL_READ);
    thing_post(&post);
    weir_timer_start(&timer.timer, 1000);
    turn_with_work(loop);
    CHECK_SAID("nmtqIiPpfCcAZ");
    turn_with_work(loop);
    CHECK_SAID("ipc");
    for (int i = WEIR_LOOP_IDLING; i <= WEIR_LOOP_CHECK; i++)
        CHECK(weir_hook_stop(&hooks[i].hook));
    CHECK(weir_poll_stop(&poll.poll));
    CHECK(close(fd) == 0);
    end(loop);
}

static thing puzzle[6];

static void begin_the_puzzle(thing *t)
{
    CHECK(t == &puzzle[1]);
    if (t->poll.fd > 0)
        (void)drain(t->poll.fd);
    weir_timer_start(&puzzle[2].timer, 0);
    weir_loop_check(t->loop, &puzzle[3].job);
    weir_loop_micro(t->loop, &puzzle[4].job);
    weir_loop_next(t->loop, &puzzle[5].job);
}

/* What node.js asks of who learns it: a timer of 0, setImmediate(), a promise and nextTick(), in
 * the callback of a descriptor. */
static void the_puzzle_gives_1_5_4_3_2(void)
{
    weir_loop *const loop = make(NULL);
    const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);

    for (int i = 1; i <= 5; i++)
        puzzle[i] = thing_of(loop, (char)('0' + i), i == 1 ? begin_the_puzzle : NULL);
    weir_poll_init(&puzzle[1].poll, loop, fd, thing_ready);
    weir_poll_background(&puzzle[1].poll, true);
    CHECK_EQ(weir_poll_start(&puzzle[1].poll, WEIR_POLL_READ), 0);
    CHECK_EQ(weir_loop_turn(loop, 0), 0);
    run_to_the_end(loop);
    CHECK_SAID("15432");
    /* The same from a post, a timer, and a hook: CHECK is later in the turn, timers in the next. */
    thing_post(&puzzle[1]);
    run_to_the_end(loop);
    CHECK_SAID("15432");
    weir_timer_start(&puzzle[1].timer, 0);
    run_to_the_end(loop);
    CHECK_SAID("15432");
    thing_defer(&puzzle[1], WEIR_LOOP_PREPARE);
    run_to_the_end(loop);
    CHECK_SAID("15432");
    /* From CHECK itself: the next CHECK is in the next turn, behind its timers. */
    thing_defer(&puzzle[1], WEIR_LOOP_CHECK);
    run_to_the_end(loop);
    CHECK_SAID("15423");
    CHECK(weir_poll_stop(&puzzle[1].poll));
    CHECK(close(fd) == 0);
    end(loop);
}

/* ---- NEXT and MICRO ---- */

static thing queue[8];

static void defer_four(thing *t)
{
    weir_loop_micro(t->loop, &queue[0].job);
    weir_loop_next(t->loop, &queue[1].job);
    weir_loop_micro(t->loop, &queue[2].job);
    weir_loop_next(t->loop, &queue[3].job);
}

static void defer_two(thing *t)
{
    weir_loop_micro(t->loop, &queue[4].job);
    weir_loop_next(t->loop, &queue[5].job);
}

static void next_is_run_until_none_is_left_and_then_micro(void)
{
    weir_loop *const loop = make_moved();
    thing a = thing_of(loop, '(', defer_four), b = thing_of(loop, ')', NULL);

    for (int i = 0; i < 8; i++)
        queue[i] = thing_of(loop, (char)('0' + i), NULL);
    queue[0].then = defer_two; /* a MICRO that adds a NEXT: before the next MICRO */
    weir_timer_start(&a.timer, 1000);
    weir_timer_start(&b.timer, 1000);
    turn_with_work(loop);
    CHECK_SAID("(130524)");
    queue[0].then = NULL;
    queue[1].then = defer_two; /* a NEXT that adds a NEXT: before all MICRO */
    thing_post(&a);
    thing_post(&b);
    turn_with_work(loop);
    CHECK_SAID("(135024)");
    queue[1].then = NULL;
    for (int phase = WEIR_LOOP_IDLING; phase <= WEIR_LOOP_CLOSE; phase++) {
        thing_defer(&a, (weir_loop_phase)phase);
        thing_defer(&b, (weir_loop_phase)phase);
        turn_with_work(loop);
        CHECK_SAID("(1302)");
    }
    CHECK_EQ(numbers_of(loop).deferred, 4 * 6 + 2 * 2 + 2 * 4);
    end(loop);
}

static void next_is_run_before_the_next_hook_and_descriptor(void)
{
    weir_loop *const loop = make(NULL);
    const int one = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC),
              two = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    thing a = thing_of(loop, '(', defer_four), b = thing_of(loop, '(', defer_four);

    for (int i = 0; i < 4; i++)
        queue[i] = thing_of(loop, (char)('0' + i), NULL);
    thing_hook(&a, WEIR_LOOP_PREPARE);
    thing_hook(&b, WEIR_LOOP_CHECK);
    turn_with_work(loop);
    CHECK_SAID("(1302(1302");
    CHECK(weir_hook_stop(&a.hook));
    CHECK(weir_hook_stop(&b.hook));
    thing_poll(&a, one, WEIR_POLL_READ);
    thing_poll(&b, two, WEIR_POLL_READ);
    turn_with_work(loop);
    CHECK_SAID("(1302(1302");
    CHECK(weir_poll_stop(&a.poll));
    CHECK(weir_poll_stop(&b.poll));
    CHECK(close(one) == 0 && close(two) == 0);
    end(loop);
}

static void do_it_next(thing *t)
{
    if (t->calls < 100)
        weir_loop_next(t->loop, &t->job);
}

static void do_it_micro(thing *t)
{
    if (t->calls < 100)
        weir_loop_micro(t->loop, &t->job);
}

/* Three after each callback; the rest later, without a sleep. */
static void jobs_that_defer_themselves_starve_nothing(void)
{
    weir_loop_options options = moved_options();
    weir_loop *loop;
    thing next, micro, timer, post;

    options.deferred = 3;
    loop = make(&options);
    next = thing_of(loop, 'n', do_it_next);
    micro = thing_of(loop, 'm', do_it_micro);
    timer = thing_of(loop, 't', NULL);
    post = thing_of(loop, 'p', NULL);
    thing_defer(&micro, WEIR_LOOP_MICRO);
    turn_with_work(loop);
    CHECK_SAID("mmm");
    weir_timer_start(&timer.timer, 1000);
    thing_post(&post);
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("mmmtmmmpmmm");
    CHECK_EQ(weir_loop_deadline(loop), 0);
    thing_defer(&next, WEIR_LOOP_NEXT); /* who starves MICRO, as they are told */
    turn_with_work(loop);
    CHECK_SAID("nnn");
    run_to_the_end(loop);
    CHECK_EQ(next.calls, 100);
    CHECK_EQ(micro.calls, 100);
    CHECK_EQ(numbers_of(loop).deferred, 200);
    CHECK_EQ(numbers_of(loop).sleeps, 0);
    end(loop);
}

static void post_ten_times(thing *t)
{
    if (t->calls < 10)
        thing_post(t);
}

static void close_ten_times(thing *t)
{
    if (t->calls < 10)
        thing_defer(t, WEIR_LOOP_CLOSE);
}

static void idle_ten_times(thing *t)
{
    if (t->calls < 10)
        thing_defer(t, WEIR_LOOP_IDLING);
}

static void start_ten_times(thing *t)
{
    if (t->calls < 10)
        weir_timer_start(&t->timer, 0);
}

static void again_ten_times(thing *t)
{
    if (t->calls < 10)
        weir_poll_again(&t->poll, WEIR_POLL_READ);
    else
        CHECK(weir_poll_stop(&t->poll));
}

static void a_round_ends_though_callbacks_feed_it(void)
{
    weir_loop *const loop = make(NULL);
    const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    thing t = thing_of(loop, 't', start_ten_times), p = thing_of(loop, 'p', post_ten_times),
          i = thing_of(loop, 'i', idle_ten_times), f = thing_of(loop, 'f', again_ten_times),
          z = thing_of(loop, 'z', close_ten_times);

    weir_timer_start(&t.timer, 0);
    thing_post(&p);
    thing_defer(&i, WEIR_LOOP_IDLING);
    thing_poll(&f, fd, WEIR_POLL_READ);
    thing_defer(&z, WEIR_LOOP_CLOSE);
    for (int turns = 0; turns < 10; turns++) {
        CHECK(weir_loop_alive(loop));
        CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
        CHECK_SAID("tpifz");
    }
    turn_for_nothing(loop);
    CHECK_EQ(numbers_of(loop).sleeps, 0);
    CHECK(close(fd) == 0);
    end(loop);
}

static void posts_over_the_budget_come_in_the_next_turn(void)
{
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    weir_loop *loop;
    thing posts[5], check;

    options.posts = 2;
    loop = make(&options);
    check = thing_of(loop, '.', NULL);
    thing_hook(&check, WEIR_LOOP_CHECK);
    for (int i = 0; i < 5; i++) {
        posts[i] = thing_of(loop, (char)('a' + i), NULL);
        thing_post(&posts[i]);
    }
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("ab.");
    CHECK_EQ(weir_loop_deadline(loop), 0);
    thing_post(&posts[0]); /* behind the others */
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("cd.");
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("ea.");
    CHECK_EQ(numbers_of(loop).posts, 6);
    CHECK(weir_hook_stop(&check.hook));
    end(loop);
}

/* ---- hooks ---- */

static void prepare_comes_before_the_wait_and_check_after_it(void)
{
    weir_loop *const loop = make(NULL);
    const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    thing hooks[6], poll = thing_of(loop, '|', NULL);

    for (int i = 0; i < 6; i++) {
        hooks[i] = thing_of(loop, (char)('1' + i), NULL);
        thing_hook(&hooks[i], i % 2 == 0 ? WEIR_LOOP_PREPARE : WEIR_LOOP_CHECK);
    }
    thing_poll(&poll, fd, WEIR_POLL_READ | WEIR_POLL_LEVEL);
    turn_with_work(loop);
    CHECK_SAID("135|246");
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("135|246");
    CHECK(weir_hook_stop(&hooks[2].hook));
    CHECK(weir_hook_stop(&hooks[3].hook));
    weir_hook_start(&hooks[0].hook, false); /* as it is */
    turn_with_work(loop);
    CHECK_SAID("15|26");
    weir_hook_start(&hooks[2].hook, false); /* the last now */
    turn_with_work(loop);
    CHECK_SAID("153|26");
    for (int i = 0; i < 6; i++)
        CHECK_EQ(weir_hook_stop(&hooks[i].hook), i != 3);
    CHECK(weir_poll_stop(&poll.poll));
    CHECK(close(fd) == 0);
    end(loop);
}

static void start_the_other(thing *t)
{
    thing_hook(t->other, (weir_loop_phase)t->hook.phase);
    t->then = NULL;
}

static void a_watcher_started_by_one_of_its_kind_waits_for_the_next_round(void)
{
    weir_loop *const loop = make(NULL);
    thing a, b;

    for (int phase = WEIR_LOOP_IDLING; phase <= WEIR_LOOP_CHECK; phase++) {
        a = thing_of(loop, 'a', start_the_other);
        b = thing_of(loop, 'b', NULL);
        a.other = &b;
        thing_hook(&a, (weir_loop_phase)phase);
        (void)weir_loop_turn(loop, 0);
        CHECK_SAID("a");
        (void)weir_loop_turn(loop, 0);
        CHECK_SAID("ab");
        CHECK(weir_hook_stop(&a.hook) && weir_hook_stop(&b.hook));
    }
    end(loop);
}

static void stop_the_other(thing *t)
{
    CHECK(weir_hook_stop(&t->other->hook));
    memset(&t->other->hook, 0xff, sizeof t->other->hook); /* the memory is the caller's */
    t->then = NULL;
}

static void restart_itself(thing *t)
{
    CHECK(weir_hook_stop(&t->hook));
    weir_hook_start(&t->hook, false);
}

/* Itself, the next one, the one before. */
static void a_watcher_stopped_by_one_of_its_kind_is_not_called_any_more(void)
{
    weir_loop *const loop = make(NULL);
    thing t[4];

    for (int phase = WEIR_LOOP_IDLING; phase <= WEIR_LOOP_CHECK; phase++)
        for (int who = 0; who < 4; who++)
            for (int whom = 0; whom < 4; whom++) {
                char first[8] = "", second[8] = "", *one = first, *two = second;

                for (int i = 0; i < 4; i++) {
                    t[i] = thing_of(loop, (char)('a' + i), NULL);
                    thing_hook(&t[i], (weir_loop_phase)phase);
                    if (i != whom || whom <= who)
                        *one++ = (char)('a' + i);
                    if (i != whom)
                        *two++ = (char)('a' + i);
                }
                t[who].then = stop_the_other;
                t[who].other = &t[whom];
                (void)weir_loop_turn(loop, 0);
                CHECK_SAID(first);
                (void)weir_loop_turn(loop, 0);
                CHECK_SAID(second);
                for (int i = 0; i < 4; i++)
                    if (i != whom)
                        CHECK(weir_hook_stop(&t[i].hook));
            }
    /* One that starts itself anew comes in the next turn. */
    t[0] = thing_of(loop, 'a', restart_itself);
    thing_hook(&t[0], WEIR_LOOP_IDLING);
    turn_with_work(loop);
    CHECK_SAID("a");
    turn_with_work(loop);
    CHECK_SAID("a");
    CHECK(weir_hook_stop(&t[0].hook));
    end(loop);
}

static void idle_watchers_do_not_starve_timers_nor_fds(void)
{
    weir_loop *const loop = make(NULL);
    const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    thing idle = thing_of(loop, 0, NULL), check = thing_of(loop, 0, NULL),
          timer = thing_of(loop, 't', stop_its_loop), poll = thing_of(loop, 'f', drain_its_fd);
    const uint64_t one = 1;

    thing_hook(&idle, WEIR_LOOP_IDLING);
    thing_hook(&check, WEIR_LOOP_CHECK);
    thing_poll(&poll, fd, WEIR_POLL_READ);
    CHECK_EQ(write(fd, &one, sizeof one), sizeof one);
    weir_timer_after(&timer.timer, 2 * MS);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), -ECANCELED);
    CHECK_SAID("ft");
    CHECK(idle.calls > 0 && check.calls == idle.calls);
    CHECK_EQ(numbers_of(loop).sleeps, 0);
    CHECK(weir_hook_stop(&idle.hook) && weir_hook_stop(&check.hook));
    CHECK(weir_poll_stop(&poll.poll));
    CHECK(close(fd) == 0);
    end(loop);
}

static void an_idle_watcher_that_stops_itself_still_spares_the_sleep(void)
{
    weir_loop *const loop = make(NULL);
    thing idle = thing_of(loop, 'i', stop_its_hook), check = thing_of(loop, 'c', NULL);

    thing_hook(&idle, WEIR_LOOP_IDLING);
    thing_hook(&check, WEIR_LOOP_CHECK);
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("ic");
    CHECK(weir_hook_stop(&check.hook));
    end(loop);
}

static void stop_at_64(thing *t)
{
    if (t->calls == 64)
        CHECK(weir_hook_stop(&t->hook));
}

static void run_once_makes_exactly_one_round(void)
{
    weir_loop *const loop = make(NULL);
    thing idle = thing_of(loop, 0, stop_at_64);
    unsigned turns = 0;

    thing_hook(&idle, WEIR_LOOP_IDLING);
    while (weir_loop_alive(loop)) {
        CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
        CHECK_EQ(idle.calls, ++turns);
        CHECK_EQ(numbers_of(loop).turns, turns);
    }
    CHECK_EQ(turns, 64);
    end(loop);
}

/* With hooks of PREPARE and CHECK and without; by a timer, by a post. */
static void one_run_once_both_waits_for_the_timer_and_calls_it(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 't', NULL), prepare = thing_of(loop, 0, NULL),
          check = thing_of(loop, 0, NULL);

    for (int i = 0; i < 2; i++) {
        const uint64_t due = weir_clock_after(MS);

        weir_timer_start(&t.timer, due);
        CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
        CHECK_SAID("t");
        CHECK(t.at >= due);
        thing_post(&t);
        CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
        CHECK_SAID("t");
        if (i == 0) {
            thing_hook(&prepare, WEIR_LOOP_PREPARE);
            thing_hook(&check, WEIR_LOOP_CHECK);
        }
    }
    CHECK(prepare.calls >= 2);
    CHECK_EQ(prepare.calls, check.calls);
    CHECK(weir_hook_stop(&prepare.hook) && weir_hook_stop(&check.hook));
    end(loop);
}

/* ---- no callback from inside a call ---- */

static bool inside;

static void is_not_inside(thing *t)
{
    (void)t;
    CHECK(!inside);
}

static void no_callback_comes_from_inside_a_call(void)
{
    weir_loop *const loop = make(NULL);
    const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    thing all[10], poll = thing_of(loop, 'z', is_not_inside);

    inside = true;
    for (int i = 0; i < 10; i++)
        all[i] = thing_of(loop, (char)('a' + i), is_not_inside);
    weir_timer_start(&all[0].timer, 0);
    thing_post(&all[1]);
    for (int phase = WEIR_LOOP_NEXT; phase <= WEIR_LOOP_CLOSE; phase++)
        thing_defer(&all[2 + phase], (weir_loop_phase)phase);
    thing_hook(&all[8], WEIR_LOOP_CHECK);
    thing_poll(&poll, fd, WEIR_POLL_READ);
    weir_poll_again(&poll.poll, WEIR_POLL_READ);
    thing_async(&all[9]);
    thing_send(&all[9]);
    weir_loop_close(loop);
    CHECK_SAID("");
    inside = false;
    turn_with_work(loop);
    CHECK_SAID("cdabjefzgih");
    inside = true;
    CHECK_EQ(weir_async_close(&all[9].async, thing_closed), 0);
    CHECK(weir_hook_stop(&all[8].hook));
    CHECK(weir_poll_stop(&poll.poll));
    CHECK_SAID("");
    inside = false;
    run_to_the_end(loop);
    CHECK_SAID("J");
    CHECK(close(fd) == 0);
    end(loop);
}

int main(void)
{
    return TEST_RUN("loop_phases", TEST_CASE(every_phase_has_its_place),
                    TEST_CASE(the_puzzle_gives_1_5_4_3_2),
                    TEST_CASE(next_is_run_until_none_is_left_and_then_micro),
                    TEST_CASE(next_is_run_before_the_next_hook_and_descriptor),
                    TEST_CASE(jobs_that_defer_themselves_starve_nothing),
                    TEST_CASE(a_round_ends_though_callbacks_feed_it),
                    TEST_CASE(posts_over_the_budget_come_in_the_next_turn),
                    TEST_CASE(prepare_comes_before_the_wait_and_check_after_it),
                    TEST_CASE(a_watcher_started_by_one_of_its_kind_waits_for_the_next_round),
                    TEST_CASE(a_watcher_stopped_by_one_of_its_kind_is_not_called_any_more),
                    TEST_CASE(idle_watchers_do_not_starve_timers_nor_fds),
                    TEST_CASE(an_idle_watcher_that_stops_itself_still_spares_the_sleep),
                    TEST_CASE(run_once_makes_exactly_one_round),
                    TEST_CASE(one_run_once_both_waits_for_the_timer_and_calls_it),
                    TEST_CASE(no_callback_comes_from_inside_a_call));
}
