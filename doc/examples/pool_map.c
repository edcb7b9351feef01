/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* pool_map: a hundred requests of 20 ms each, by 50 workers and then by 100, as a map: the
 * answers are taken in the order of the requests, whoever was first. Requests wait and do not
 * compute, so there may be more workers than processors; 50 of them answer a hundred in two
 * waves of 20 ms. Each pool does it three times, and the best counts: the first time it makes
 * its threads.
 *
 * Where items compute, weir_parallel_map() does the same in a line; it is not for items that
 * wait. */

#include <weir/clock.h>
#include <weir/pool.h>
#include <weir/wait.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { REQUESTS = 100, TRIES = 3, MS = 1000000, ANSWER = 20 * MS };

typedef struct request {
    weir_call call; /* first */
    uint64_t number, answer;
} request;

static WEIR_ATOMIC(int) under_way, most;

/* A server far away. */
static int ask(weir_call *call)
{
    request *const r = (request *)(void *)call;
    /* relaxed, all: numbers by themselves. */
    const int now = weir_atomic_fetch_add(&under_way, 1, WEIR_RELAXED) + 1;
    int seen = weir_atomic_load(&most, WEIR_RELAXED);
    weir_waiter nobody; /* unparks it */

    while (now > seen && !weir_atomic_cas(&most, &seen, now, WEIR_RELAXED, WEIR_RELAXED))
        continue;
    weir_waiter_init(&nobody);
    if (weir_waiter_park(&nobody, weir_clock_after(ANSWER), NULL) != -ETIMEDOUT)
        return -EIO;
    r->answer = r->number * r->number;
    weir_atomic_fetch_sub(&under_way, 1, WEIR_RELAXED);
    return 0;
}

/* Writes the answers, in order. Returns: 0 or a negative errno. */
static int map(weir_pool *pool, uint64_t *answers)
{
    static request requests[REQUESTS];
    weir_job *jobs[REQUESTS];
    int status;

    for (int i = 0; i < REQUESTS; i++) {
        weir_call_init(&requests[i].call, ask, NULL);
        requests[i].number = (uint64_t)i;
        jobs[i] = &requests[i].call.job;
    }
    status = weir_pool_submit_bulk(pool, jobs, REQUESTS, WEIR_POOL_NORMAL);
    for (int i = 0; i < REQUESTS && status == 0; i++) {
        status = weir_call_get(&requests[i].call, WEIR_FOREVER, NULL);
        answers[i] = requests[i].answer;
    }
    return status;
}

/* Returns: whether all is right; *close: and as fast as is to be expected, within 15 %. */
static bool try(unsigned workers, bool *close)
{
    const uint64_t expected = (uint64_t)REQUESTS / workers * ANSWER;
    weir_pool_options options = {0};
    uint64_t best = UINT64_MAX;
    weir_pool *pool;

    options.workers = workers;
    if (weir_pool_new(&pool, &options) != 0)
        return false;
    weir_atomic_store(&most, 0, WEIR_RELAXED); /* relaxed: as in ask(). */
    for (int i = 0; i < TRIES; i++) {
        uint64_t answers[REQUESTS] = {0}, took;
        const uint64_t begin = weir_clock_now();

        if (map(pool, answers) != 0)
            return false;
        took = weir_clock_now() - begin;
        best = took < best ? took : best;
        for (uint64_t k = 0; k < REQUESTS; k++)
            if (answers[k] != k * k)
                return false;
    }
    if (weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 || weir_pool_free(pool) != 0)
        return false;
    printf("%3u workers: %.1f ms, for %.0f ms of waiting; up to %d requests at a time\n", workers,
           (double)best / MS, (double)expected / MS,
           weir_atomic_load(&most, WEIR_RELAXED)); /* relaxed: as in ask(). */
    *close = *close && best * 100 <= expected * 115;
    /* Never faster than the waves, which would be too many at a time. */
    return best >= expected && weir_atomic_load(&most, WEIR_RELAXED) <= (int)workers;
}

int main(void)
{
    bool close = true;

    if (!try(REQUESTS / 2, &close) || !try(REQUESTS, &close)) {
        fprintf(stderr, "a request failed, an answer is wrong, or too many came at a time\n");
        return 1;
    }
    printf("OK pool_map requests=%d in_order=yes (%s)\n", REQUESTS,
           close ? "PASS: within 15 %" : "not within 15 %: not on this machine today");
    return 0;
}
