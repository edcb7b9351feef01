/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* event_gate: an event count beside a lock-free stack. Workers take jobs from a stack of numbers
 * that never waits; when there are none they sleep at the event, and nobody polls. The last job
 * opens the gate for all. */

#include <weir/counter.h>
#include <weir/stack.h>
#include <weir/wait.h>

#include <pthread.h>
#include <stdio.h>

enum { JOBS = 20000, WORKERS = 3 };

static weir_stack_index *jobs; /* numbers of jobs */
static weir_event arrived = WEIR_EVENT_INIT;
static weir_counter left = WEIR_COUNTER_INIT(JOBS);
static weir_counter sum;

/* Takes a job, if there is one. */
static bool take(void *job)
{
    uint32_t *const number = (uint32_t *)job;

    *number = weir_stack_index_pop(jobs);
    return *number != WEIR_STACK_NONE || weir_counter_read(&left) == 0;
}

static void *worker(void *unused)
{
    uint32_t number;

    (void)unused;
    while (weir_event_await(&arrived, take, &number, WEIR_FOREVER, NULL) == 0 &&
           number != WEIR_STACK_NONE) {
        weir_counter_add(&sum, number);
        if (weir_counter_fetch_add(&left, UINT64_MAX) == 1)
            weir_event_notify_all(&arrived);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[WORKERS];

    weir_counter_init(&sum, 0);
    if (weir_stack_index_new(&jobs, JOBS, WEIR_STACK_EMPTY) != 0)
        return 1;
    for (int i = 0; i < WORKERS; i++)
        if (pthread_create(&threads[i], NULL, worker, NULL) != 0)
            return 1;
    for (uint32_t number = 0; number < JOBS; number++) {
        weir_stack_index_push(jobs, number);
        weir_event_notify(&arrived, 1);
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    printf("OK event_gate jobs=%d sum=%llu\n", JOBS, (unsigned long long)weir_counter_read(&sum));
    return weir_counter_read(&sum) != (uint64_t)JOBS * (JOBS - 1) / 2 ||
           weir_stack_index_free(jobs) != 0;
}
