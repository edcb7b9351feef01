/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/signal.h: watchers of signals. A signal that a thread sends to itself has been handled when
 * raise(3) returns, so nothing here waits for time. */

#include <weir/signal.h>
#include <weir/timer.h>

#include "test.h"

#include <errno.h>
#include <pthread.h>

enum { WATCHERS = 3 };

static weir_loop *loop;
static weir_signal watcher[WATCHERS];
static unsigned calls[WATCHERS], counted[WATCHERS], stops[WATCHERS], handled;
static bool stop_in_call;

static void on_stopped(weir_signal *w)
{
    stops[w - watcher]++;
}

static void on_signal(weir_signal *w, int number)
{
    CHECK_EQ(number, w->number);
    calls[w - watcher]++;
    counted[w - watcher] += weir_signal_count(w);
    if (stop_in_call)
        CHECK_EQ(weir_signal_stop(w, on_stopped), 0);
}

static void own_handler(int number)
{
    (void)number;
    handled++;
}

static void begin(void)
{
    CHECK_EQ(weir_loop_new(&loop, NULL), 0);
    memset(calls, 0, sizeof calls);
    memset(counted, 0, sizeof counted);
    memset(stops, 0, sizeof stops);
    handled = 0;
    stop_in_call = false;
}

static void start(unsigned i, int number)
{
    CHECK_EQ(weir_signal_start(&watcher[i], loop, number, on_signal, false), 0);
}

static void stop(unsigned i)
{
    CHECK_EQ(weir_signal_stop(&watcher[i], on_stopped), 0);
}

/* Turns until nothing is to be done. */
static void settle(void)
{
    while (weir_loop_turn(loop, 0) == 0)
        continue;
}

static void end(void)
{
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), 0);
    CHECK_EQ(weir_loop_free(loop), 0);
}

/* ---- cases ---- */

static void a_signal_is_told_on_the_loop_and_not_before(void)
{
    begin();
    start(0, SIGUSR1);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(calls[0], 0);
    settle();
    CHECK_EQ(calls[0], 1);
    CHECK_EQ(counted[0], 1);
    stop(0);
    end();
}

static void several_come_as_one_call_and_are_counted(void)
{
    begin();
    start(0, SIGUSR1);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(raise(SIGUSR1), 0);
    settle();
    CHECK_EQ(calls[0], 1);
    CHECK_EQ(counted[0], 5);
    CHECK_EQ(raise(SIGUSR1), 0);
    settle();
    CHECK_EQ(calls[0], 2);
    CHECK_EQ(counted[0], 6);
    stop(0);
    end();
}

static void each_watcher_hears_its_signal_alone(void)
{
    begin();
    start(0, SIGUSR1);
    start(1, SIGUSR1);
    start(2, SIGUSR2);
    CHECK_EQ(raise(SIGUSR1), 0);
    settle();
    CHECK(calls[0] == 1 && calls[1] == 1 && calls[2] == 0);
    CHECK_EQ(raise(SIGUSR2), 0);
    settle();
    CHECK(calls[0] == 1 && calls[1] == 1 && calls[2] == 1);
    stop(0);
    CHECK_EQ(raise(SIGUSR1), 0);
    settle();
    CHECK(calls[0] == 1 && calls[1] == 2);
    stop(1);
    stop(2);
    end();
}

static void a_signal_pending_at_a_stop_is_not_told(void)
{
    begin();
    start(0, SIGUSR1);
    CHECK_EQ(raise(SIGUSR1), 0);
    stop(0);
    CHECK_EQ(stops[0], 0);
    CHECK_EQ(weir_signal_stop(&watcher[0], on_stopped), -EALREADY);
    end();
    CHECK_EQ(calls[0], 0);
    CHECK_EQ(stops[0], 1);
}

static void the_disposition_before_comes_back_after_the_last_stop(void)
{
    struct sigaction mine, now;

    memset(&mine, 0, sizeof mine);
    mine.sa_handler = own_handler;
    CHECK_EQ(sigaction(SIGUSR2, &mine, NULL), 0);
    begin();
    start(0, SIGUSR2);
    start(1, SIGUSR2);
    CHECK_EQ(raise(SIGUSR2), 0);
    stop(0);
    CHECK_EQ(raise(SIGUSR2), 0);
    CHECK_EQ(handled, 0);
    stop(1);
    CHECK_EQ(sigaction(SIGUSR2, NULL, &now), 0);
    CHECK(now.sa_handler == own_handler);
    CHECK_EQ(raise(SIGUSR2), 0);
    CHECK_EQ(handled, 1);
    end();
    mine.sa_handler = SIG_DFL;
    CHECK_EQ(sigaction(SIGUSR2, &mine, NULL), 0);
}

static void a_watcher_may_stop_and_start_in_its_call(void)
{
    begin();
    start(0, SIGUSR1);
    stop_in_call = true;
    CHECK_EQ(raise(SIGUSR1), 0);
    end();
    CHECK(calls[0] == 1 && stops[0] == 1);
    begin();
    start(0, SIGUSR1); /* in the same memory: its record is used again */
    CHECK_EQ(raise(SIGUSR1), 0);
    settle();
    CHECK_EQ(calls[0], 1);
    stop(0);
    end();
}

static void what_cannot_be_watched_is_refused(void)
{
    static const int bad[] = {0, -1, 100000, SIGKILL, SIGSTOP};

    begin();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_EQ(weir_signal_start(&watcher[0], loop, bad[i], on_signal, false), -EINVAL);
    CHECK(!weir_loop_alive(loop));
    end();
}

static void without_memory_nothing_is_left(void)
{
    size_t nr = 1;
    int status;

    test_alloc_fail_at(0);
    begin();
    do {
        test_alloc_fail_at(nr++);
        status = weir_signal_start(&watcher[0], loop, SIGWINCH, on_signal, false);
        CHECK(status == 0 || status == -ENOMEM);
        CHECK_EQ(weir_loop_alive(loop), status == 0);
    } while (status != 0);
    CHECK(nr > 2); /* it failed once at least */
    test_alloc_fail_at(0);
    stop(0);
    end();
}

static void one_in_the_background_lets_the_loop_end(void)
{
    begin();
    CHECK_EQ(weir_signal_start(&watcher[0], loop, SIGUSR1, on_signal, true), 0);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), 0);
    CHECK_EQ(weir_loop_free(loop), -EBUSY);
    stop(0);
    end();
}

/* ---- from other threads ---- */

static void *send_to_process(void *unused)
{
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    return unused;
}

static void a_signal_wakes_a_loop_that_sleeps(void)
{
    pthread_t thread;

    begin();
    start(0, SIGUSR1);
    stop_in_call = true; /* which ends the run */
    CHECK_EQ(pthread_create(&thread, NULL, send_to_process, NULL), 0);
    end();
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(calls[0], 1);
}

static void *run_other(void *of)
{
    CHECK_EQ(weir_loop_run((weir_loop *)of, WEIR_LOOP_IDLE, WEIR_FOREVER), 0);
    return NULL;
}

static void loops_of_two_threads_hear_the_same_signal(void)
{
    weir_loop *other;
    pthread_t thread;

    begin();
    CHECK_EQ(weir_loop_new(&other, NULL), 0);
    stop_in_call = true;
    start(0, SIGUSR1);
    CHECK_EQ(weir_signal_start(&watcher[1], other, SIGUSR1, on_signal, false), 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(pthread_create(&thread, NULL, run_other, other), 0);
    end();
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(weir_loop_free(other), 0);
    CHECK(calls[0] == 1 && calls[1] == 1);
}

int main(void)
{
    return TEST_RUN("signal", TEST_CASE(a_signal_is_told_on_the_loop_and_not_before),
                    TEST_CASE(several_come_as_one_call_and_are_counted),
                    TEST_CASE(each_watcher_hears_its_signal_alone),
                    TEST_CASE(a_signal_pending_at_a_stop_is_not_told),
                    TEST_CASE(the_disposition_before_comes_back_after_the_last_stop),
                    TEST_CASE(a_watcher_may_stop_and_start_in_its_call),
                    TEST_CASE(what_cannot_be_watched_is_refused),
                    TEST_CASE(without_memory_nothing_is_left),
                    TEST_CASE(one_in_the_background_lets_the_loop_end),
                    TEST_CASE(a_signal_wakes_a_loop_that_sleeps),
                    TEST_CASE(loops_of_two_threads_hear_the_same_signal));
}
