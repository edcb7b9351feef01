/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* offload_sleep: a callback that sleeps for 300 ms holds up everything on its loop. Here the same
 * sleep is done twice, beside a ticker of 1 ms: once in a callback of the loop, once by a thread of
 * a blocking pool. Printed is the longest gap between two ticks. */

#define _POSIX_C_SOURCE 200809L

#include <weir/blocking.h>
#include <weir/offload.h>
#include <weir/timer.h>

#include <stdio.h>
#include <time.h>

static weir_loop *loop;
static weir_timer ticker;
static uint64_t last, longest;
static bool done;

static void tick(weir_timer *timer)
{
    const uint64_t now = weir_loop_update(loop);

    (void)timer;
    if (now - last > longest)
        longest = now - last;
    last = now;
    if (done)
        weir_timer_stop(&ticker);
}

static void sleep_long(void)
{
    const struct timespec time = {0, 300000000};

    nanosleep(&time, NULL);
}

static void sleep_here(weir_timer *timer)
{
    (void)timer;
    sleep_long();
    done = true;
}

static int sleep_there(weir_offload *offload)
{
    (void)offload;
    sleep_long();
    return 0;
}

static void slept(weir_offload *offload, int status)
{
    (void)offload;
    (void)status;
    done = true;
}

static uint64_t longest_gap(void)
{
    done = false;
    longest = 0;
    last = weir_loop_update(loop);
    weir_timer_init(&ticker, loop, tick);
    weir_timer_repeat(&ticker, last + 1000000, 1000000, WEIR_TIMER_SKIP);
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    return longest;
}

int main(void)
{
    weir_blocking *threads;
    weir_offload offload;
    weir_timer timer;
    uint64_t on, off;

    if (weir_loop_new(&loop, NULL) != 0 || weir_blocking_new(&threads, NULL) != 0)
        return 1;
    weir_timer_init(&timer, loop, sleep_here);
    weir_timer_after(&timer, 5000000);
    on = longest_gap();

    weir_offload_init(&offload, loop, sleep_there, slept, NULL);
    if (weir_offload_blocking(&offload, threads, WEIR_FOREVER) != 0)
        return 1;
    off = longest_gap();

    printf("longest gap of a 1 ms ticker: %.1f ms with the sleep on the loop, %.1f ms without\n",
           (double)on / 1e6, (double)off / 1e6);
    if (weir_blocking_stop(threads, WEIR_BLOCKING_DRAIN, WEIR_FOREVER) != 0)
        return 1;
    return weir_blocking_free(threads) == 0 && weir_loop_free(loop) == 0 && on >= 300000000 ? 0 : 1;
}
