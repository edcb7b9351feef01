/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* cpu_on_loop: a loop has ten small tasks, 1 ms apart, and one that computes for 100 ms. First it
 * computes in its callback: then each of the others is called 100 ms late, less what it would have
 * had to wait anyway. Then the pool computes, and nobody is late by more than the scheduler makes
 * him. */

#include <weir/counter.h>
#include <weir/loop.h>
#include <weir/offload.h>
#include <weir/pool.h>
#include <weir/timer.h>

#include <inttypes.h>
#include <stdio.h>

enum { TASKS = 10, MS = 1000000 };

typedef struct task {
    weir_timer timer; /* first */
    uint64_t late;
} task;

static weir_loop *loop;
static weir_timer compute_timer;
static task tasks[TASKS];
static weir_counter called;    /* tasks */
static uint64_t called_before; /* the end of the computation */
static uint64_t result;

/* Collatz sequences, until 100 ms are over, and `tasks_called` tasks have been called. */
static uint64_t compute(uint64_t tasks_called)
{
    const uint64_t end = weir_clock_after(100 * MS);
    uint64_t steps = 0, start = 1;

    while (weir_clock_now() < end || weir_counter_read(&called) < tasks_called)
        for (uint64_t n = start++; n != 1; steps++)
            n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return steps;
}

static void run_task(weir_timer *timer)
{
    task *const self = (task *)(void *)timer;

    self->late = weir_clock_now() - self->late;
    weir_counter_inc(&called);
}

static void computed(void)
{
    called_before = weir_counter_read(&called);
}

static void compute_here(weir_timer *timer)
{
    (void)timer;
    result = compute(0);
    computed();
}

/* If no task were called meanwhile, this would never return. */
static int compute_there(weir_offload *offload)
{
    (void)offload;
    result = compute(1);
    return 0;
}

static void end_there(weir_offload *offload, int status)
{
    (void)offload;
    (void)status;
    computed();
}

static void start_tasks(void)
{
    const uint64_t now = weir_loop_update(loop);

    weir_counter_init(&called, 0);
    for (unsigned i = 0; i < TASKS; i++) {
        tasks[i].late = now + (i + 1) * (uint64_t)MS; /* until it is called: when it is to be */
        weir_timer_init(&tasks[i].timer, loop, run_task);
        weir_timer_start(&tasks[i].timer, tasks[i].late);
    }
}

/* Returns: how late the task was that was least so. */
static uint64_t run(const char *where)
{
    uint64_t least = UINT64_MAX, most = 0;

    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    for (unsigned i = 0; i < TASKS; i++) {
        least = tasks[i].late < least ? tasks[i].late : least;
        most = tasks[i].late > most ? tasks[i].late : most;
    }
    printf("computed by the %s: tasks are late by %.1f to %.1f ms; %" PRIu64
           " of %u come before its end\n",
           where, (double)least / MS, (double)most / MS, called_before, (unsigned)TASKS);
    return least;
}

int main(void)
{
    weir_pool *pool;
    weir_offload offload;
    uint64_t least;

    if (weir_loop_new(&loop, NULL) != 0 || weir_pool_new(&pool, NULL) != 0)
        return 1;
    start_tasks();
    weir_timer_init(&compute_timer, loop, compute_here);
    weir_timer_start(&compute_timer, 0);
    least = run("loop");
    if (called_before != 0 || least < (100 - TASKS) * (uint64_t)MS)
        return 1;

    start_tasks();
    weir_offload_init(&offload, loop, compute_there, end_there, NULL);
    if (weir_offload_pool(&offload, pool, WEIR_FOREVER) != 0)
        return 1;
    run("pool");
    if (called_before == 0 || weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0)
        return 1;
    return weir_pool_free(pool) == 0 && weir_loop_free(loop) == 0 && result != 0 ? 0 : 1;
}
