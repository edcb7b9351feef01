/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* semaphore_limit: a hundred jobs, each with a thread of its own, ask for a service that bears
 * seven at a time. A semaphore of seven permits lets them in, in the order in which they came;
 * a wait group says when all are done. The first seven stay inside until they are seven, as jobs
 * that take long would: so the high-water mark is the limit, exactly. */

#include <weir/atomic.h>
#include <weir/sem.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

enum { JOBS = 100, LIMIT = 7 };

static weir_sem permits = WEIR_SEM_INIT(LIMIT);
static weir_latch full_house = WEIR_LATCH_INIT(LIMIT);
static weir_wait_group jobs = WEIR_WAIT_GROUP_INIT;

static WEIR_ATOMIC(uint32_t) entered, inside, high_water;

static int serve(void)
{
    /* relaxed: numbers that stand for themselves. */
    const uint32_t now = weir_atomic_fetch_add(&inside, 1, WEIR_RELAXED) + 1;
    uint32_t most = weir_atomic_load(&high_water, WEIR_RELAXED);
    int status = 0;

    while (now > most && !weir_atomic_cas(&high_water, &most, now, WEIR_RELAXED, WEIR_RELAXED))
        continue;
    if (weir_atomic_fetch_add(&entered, 1, WEIR_RELAXED) < LIMIT) {
        weir_latch_count_down(&full_house, 1);
        status = weir_latch_wait(&full_house, WEIR_FOREVER, NULL);
    }
    weir_atomic_fetch_sub(&inside, 1, WEIR_RELAXED);
    return status;
}

static void *job(void *result)
{
    int status = weir_sem_acquire(&permits, 1, WEIR_FOREVER, NULL);

    if (status == 0) {
        status = serve();
        weir_sem_release(&permits, 1);
    }
    *(int *)result = status;
    weir_wait_group_done(&jobs);
    return NULL;
}

int main(void)
{
    pthread_t threads[JOBS];
    int results[JOBS];
    uint32_t most;

    weir_wait_group_add(&jobs, JOBS);
    for (int i = 0; i < JOBS; i++)
        if (pthread_create(&threads[i], NULL, job, &results[i]) != 0)
            return 1;
    if (weir_wait_group_wait(&jobs, weir_clock_after(UINT64_C(60000000000)), NULL) != 0) {
        fprintf(stderr, "%" PRIu32 " jobs hang\n", weir_wait_group_pending_approx(&jobs));
        return 1;
    }
    for (int i = 0; i < JOBS; i++) {
        pthread_join(threads[i], NULL);
        if (results[i] != 0)
            return 1;
    }
    most = weir_atomic_load(&high_water, WEIR_RELAXED);
    if (most != LIMIT || weir_sem_available_approx(&permits) != LIMIT) {
        fprintf(stderr, "%" PRIu32 " were inside at once, the limit is %d\n", most, LIMIT);
        return 1;
    }
    printf("OK semaphore_limit jobs=%d limit=%d high_water=%" PRIu32 "\n", JOBS, LIMIT, most);
    return 0;
}
