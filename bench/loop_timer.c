/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/loop_timer.c: a million timers. The clock is the CPU time of the loop's thread, from the
 * first call until the loop has turned once more, or until all have fired. */

#include "loop.h"

#include "driver.h"

uint64_t bench_loop_left;

size_t bench_loop_timer_count(const bench_run *run)
{
    return run->seconds < 0.05 ? 100000 : 1000000;
}

static const loop_face *face;
static bench_run *the_run;
static unsigned timer_row;
static size_t timer_count;
static uint64_t *after, *later, last_ns;
static uint64_t begin_ns, begin_cpu_ns, cpu_ns;

static void begin_clock(void)
{
    begin_ns = bench_now_ns();
    begin_cpu_ns = bench_loop_clock(CLOCK_THREAD_CPUTIME_ID);
}

void bench_loop_all_fired(void)
{
    cpu_ns = bench_loop_clock(CLOCK_THREAD_CPUTIME_ID) - begin_cpu_ns;
    /* A loop may count from the begin of its turn, in ms. */
    if (bench_now_ns() + 20000000 < begin_ns + last_ns)
        bench_fail(the_run, "a timer fired too early");
    face->stop();
}

/* After a turn of the loop: what it had put off has been done. */
static void end_clock(loop_post *post)
{
    (void)post;
    cpu_ns = bench_loop_clock(CLOCK_THREAD_CPUTIME_ID) - begin_cpu_ns;
    if (bench_loop_left != timer_count)
        bench_fail(the_run, "a timer fired too early");
    face->stop();
}

static void clock_timers(loop_post *post)
{
    begin_clock();
    if (timer_row == LOOP_TIMER_CANCEL)
        face->cancel(timer_count);
    else if (timer_row == LOOP_TIMER_REARM)
        face->rearm(later, timer_count);
    else
        face->insert(after, timer_count);
    if (timer_row != LOOP_TIMER_FIRE) {
        post->run = end_clock;
        face->post(post);
    }
}

static void insert_timers(loop_post *post)
{
    face->insert(after, timer_count);
    post->run = clock_timers;
    face->post(post);
}

static void make_times(uint64_t from, uint64_t to)
{
    uint64_t random = 88172645463325252u;

    after = (uint64_t *)bench_alloc(timer_count * sizeof *after);
    later = (uint64_t *)bench_alloc(timer_count * sizeof *later);
    for (size_t i = 0; i < timer_count; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        after[i] = from + random % (to - from);
        later[i] = after[i] + 30000000000;
        if (after[i] > last_ns)
            last_ns = after[i];
    }
}

void bench_loop_timers(bench_run *run, const loop_face *of, unsigned row)
{
    loop_post *const first = (loop_post *)bench_alloc(of->post_bytes);

    first->run = row == LOOP_TIMER_INSERT || row == LOOP_TIMER_FIRE ? clock_timers : insert_timers;
    face = of;
    the_run = run;
    timer_row = row;
    timer_count = bench_loop_timer_count(run);
    if (row == LOOP_TIMER_FIRE)
        make_times(1000000, timer_count * 1000);
    else
        make_times(5000000000, 60000000000);
    bench_pin(0);
    if (!face->open(1)) {
        bench_fail(the_run, "the loop could not be made");
        return;
    }
    face->timers(timer_count);
    bench_loop_left = timer_count;
    face->post(first);
    face->run();
    the_run->threads = 1;
    the_run->window = (double)(bench_now_ns() - begin_ns) / 1e9;
    the_run->total = timer_count;
    the_run->value[0] = (double)cpu_ns / (double)timer_count;
    the_run->done = true;
}
