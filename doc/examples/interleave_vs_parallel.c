/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* interleave_vs_parallel [WORKERS [TRACE]]: three tasks of ten slices each, one program, and two
 * ways to run it. With one worker the tasks take turns in one thread: they are concurrent, and
 * never run at the same time. With two they are parallel as well. Nothing in the tasks says
 * which: that is the number of workers, from the argument or WEIR_WORKERS. Without either it
 * runs both.
 *
 * A slice that is not the last submits its own job again, behind those of the others: the idle
 * priority is a queue in order of arrival. With a second argument it writes a file for
 * chrome://tracing or https://ui.perfetto.dev. */

#include <weir/clock.h>
#include <weir/observe.h>
#include <weir/pool.h>
#include <weir/sem.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS = 3, SLICES = 10, ALL = TASKS * SLICES, STEPS = 500000, THREADS = 16, COLUMNS = 60 };

typedef struct task {
    weir_job job; /* first */
    const char *name;
    int done;
    uint32_t state;
} task;

typedef struct slice {
    unsigned thread;
    uint64_t begin, end;
    const char *name;
} slice;

static weir_pool *pool;
static weir_latch running;
static task tasks[TASKS];
static slice slices[ALL]; /* each written by who ran it */

static int run_slice(weir_job *job)
{
    task *const t = (task *)(void *)job;
    slice *const s = &slices[(t - tasks) * SLICES + t->done];

    s->name = t->name;
    s->thread = weir_pool_worker();
    weir_trace_event(WEIR_TRACE_KIND_BEGIN, t->name, (uintptr_t)t->done);
    s->begin = weir_clock_now();
    for (int i = 0; i < STEPS; i++)
        t->state = t->state * 1664525 + 1013904223;
    s->end = weir_clock_now();
    weir_trace_event(WEIR_TRACE_KIND_END, t->name, (uintptr_t)t->done);
    if (++t->done < SLICES) /* no more of *t after that: another worker may have it */
        return weir_pool_submit_priority(pool, job, WEIR_POOL_IDLE);
    weir_latch_count_down(&running, 1);
    return 0;
}

static int by_begin(const void *a, const void *b)
{
    const uint64_t x = ((const slice *)a)->begin, y = ((const slice *)b)->begin;

    return (x > y) - (x < y);
}

/* A line for each thread; a letter where it was in a slice. */
static void draw(const slice *in_order, uint64_t begin, uint64_t end)
{
    for (unsigned thread = 0; thread < THREADS; thread++) {
        char line[COLUMNS + 1];

        memset(line, '.', COLUMNS);
        line[COLUMNS] = '\0';
        for (int i = 0; i < ALL; i++) {
            const slice *const s = &in_order[i];

            for (int at = 0; at < COLUMNS && s->thread == thread; at++) {
                const uint64_t middle =
                    begin + (end - begin) * (2 * (uint64_t)at + 1) / (2 * COLUMNS);

                if (s->begin <= middle && middle < s->end)
                    line[at] = *s->name;
            }
        }
        if (strpbrk(line, "ABC") != NULL)
            printf("  thread %u  %s\n", thread, line);
    }
}

/* Returns: how long it took, in ns; 0: something is wrong. */
static uint64_t run(unsigned workers)
{
    static const char *const names[TASKS] = {"A", "B", "C"};
    weir_pool_options options = {0};
    weir_job *jobs[TASKS];
    int switches = 0, overlaps = 0;
    uint64_t end = 0;

    options.workers = workers;
    weir_latch_init(&running, TASKS);
    for (int i = 0; i < TASKS; i++) {
        weir_job_init(&tasks[i].job, run_slice);
        tasks[i].name = names[i];
        tasks[i].done = 0;
        jobs[i] = &tasks[i].job;
    }
    if (weir_pool_new(&pool, &options) != 0 ||
        weir_pool_submit_bulk(pool, jobs, TASKS, WEIR_POOL_IDLE) != 0 ||
        weir_latch_wait(&running, WEIR_FOREVER, NULL) != 0 ||
        weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 || weir_pool_free(pool) != 0 ||
        weir_latch_destroy(&running) != 0)
        return 0;

    qsort(slices, ALL, sizeof slices[0], by_begin);
    for (int i = 0; i < ALL; i++) {
        switches += i > 0 && slices[i].name != slices[i - 1].name;
        overlaps += slices[i].begin < end; /* of one before it */
        end = slices[i].end > end ? slices[i].end : end;
    }
    printf("%u worker%s: %d switches, %d slices that began during another one, %.1f ms\n", workers,
           workers == 1 ? "" : "s", switches, overlaps, (double)(end - slices[0].begin) * 1e-6);
    draw(slices, slices[0].begin, end);
    if (workers == 1 && (switches < SLICES || overlaps != 0)) {
        fprintf(stderr, "one worker did not take turns\n");
        return 0;
    }
    if (workers > 1 && overlaps == 0)
        printf("  not parallel on this machine today\n");
    return end - slices[0].begin;
}

int main(int argc, char **argv)
{
    const char *const text = argc > 1 ? argv[1] : getenv("WEIR_WORKERS");
    const int workers = text != NULL ? atoi(text) : 0;
    uint64_t first, second;

    if (text != NULL && (workers < 1 || workers > THREADS)) {
        fprintf(stderr, "usage: interleave_vs_parallel [WORKERS [TRACE]], 1 to %d\n", THREADS);
        return 1;
    }
    if (argc > 2 && weir_trace_start(4 * ALL) != 0)
        return 1;
    first = run(workers == 0 ? 1 : (unsigned)workers);
    second = workers == 0 ? run(2) : first;
    if (first == 0 || second == 0)
        return 1;
    if (argc > 2 && (weir_trace_write(argv[2]) != 0 || weir_trace_free() != 0)) {
        fprintf(stderr, "%s cannot be written\n", argv[2]);
        return 1;
    }
    if (workers == 0)
        printf("OK interleave_vs_parallel slices=%d two_workers_take=%.2f (%s)\n", ALL,
               (double)second / (double)first,
               second * 10 <= first * 6 ? "PASS: 0.60 or less"
                                        : "more than 0.60: not on this machine today");
    else
        printf("OK interleave_vs_parallel slices=%d workers=%d\n", ALL, workers);
    return 0;
}
