/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/offload.c: all but `unwanted` is of one thread at a time: the loop's, the pool's between its
 * submit and its post, and the loop's again. */

#include <weir/offload.h>

#include "loop.h"

#include <errno.h>

static weir_offload *of_job(weir_job *job)
{
    return (weir_offload *)(void *)((char *)job - offsetof(weir_offload, there));
}

/* The end, for the loop: within a callback of its, or of who cancels. */
static void tell(weir_offload *offload, int status)
{
    offload->told = true;
    (void)weir_timer_stop(&offload->timer);
    /* sync(wanted): release. Pairs with the load in weir_offload_wanted(); what was before. */
    weir_atomic_store(&offload->unwanted, 1, WEIR_RELEASE);
    offload->done(offload, status);
}

static int arrive(weir_job *job)
{
    weir_offload *const offload = of_job(job);

    /* A loop that is stopped runs posts before timers. */
    if (!offload->told && weir_timer_deadline(&offload->timer) <= weir_loop_now(offload->loop))
        tell(offload, -ETIMEDOUT);
    offload->under_way = false;
    weir__loop_drop(offload->loop, false);
    if (!offload->told) {
        (void)weir_timer_stop(&offload->timer);
        offload->told = true;
        offload->done(offload, offload->status);
    } else if (offload->dropped != NULL) {
        offload->dropped(offload);
    }
    return 0;
}

static void go_back(weir_offload *offload, int status)
{
    weir_loop *const loop = offload->loop;

    offload->status = status;
    weir_job_init(&offload->there.job, arrive);
    weir__loop_push(loop, &offload->there.job);
}

static int run_there(weir_job *job)
{
    weir_offload *const offload = of_job(job);
    int status = -ECANCELED;

    if (weir_offload_wanted(offload))
        status = offload->run(offload);
    WEIR_REQUIRE(status <= 0, "an offload returns 0 or a negative errno");
    go_back(offload, status);
    return 0;
}

static void discard(weir_job *job)
{
    go_back(of_job(job), -ECANCELED);
}

static void on_deadline(weir_timer *timer)
{
    tell((weir_offload *)(void *)((char *)timer - offsetof(weir_offload, timer)), -ETIMEDOUT);
}

void weir_offload_init(weir_offload *offload, weir_loop *loop, int (*run)(weir_offload *offload),
                       void (*done)(weir_offload *offload, int status),
                       void (*dropped)(weir_offload *offload))
{
    WEIR_REQUIRE(run != NULL && done != NULL, "an offload without a function");
    offload->loop = loop;
    offload->run = run;
    offload->done = done;
    offload->dropped = dropped;
    weir_timer_init(&offload->timer, loop, on_deadline);
    weir_atomic_init(&offload->unwanted, 0);
    offload->status = 0;
    offload->under_way = false;
    offload->told = true;
}

/* Returns: 0: it may be submitted. */
static int begin(weir_offload *offload, uint64_t deadline)
{
    WEIR_REQUIRE(!offload->under_way, "an offload is under way already");
    if (weir__loop_is_late(offload->loop, deadline))
        return -ETIMEDOUT;
    weir__owned_job_init(&offload->there, run_there, discard);
    weir_atomic_store(&offload->unwanted, 0, WEIR_RELAXED); /* relaxed: the submit publishes it. */
    offload->told = false;
    offload->under_way = true;
    weir__loop_add(offload->loop, false);
    if (deadline != WEIR_FOREVER)
        weir_timer_start(&offload->timer, deadline);
    return 0;
}

static int submitted(weir_offload *offload, int status)
{
    if (status != 0) {
        (void)weir_timer_stop(&offload->timer);
        weir__loop_drop(offload->loop, false);
        offload->told = true;
        offload->under_way = false;
    }
    return status;
}

int weir_offload_blocking(weir_offload *offload, weir_blocking *pool, uint64_t deadline)
{
    const int status = begin(offload, deadline);

    return status != 0 ? status
                       : submitted(offload, weir_blocking_submit(pool, &offload->there.job));
}

int weir_offload_pool(weir_offload *offload, weir_pool *pool, uint64_t deadline)
{
    const int status = begin(offload, deadline);

    return status != 0 ? status : submitted(offload, weir_pool_submit(pool, &offload->there.job));
}

int weir_offload_cancel(weir_offload *offload)
{
    if (offload->told)
        return -EALREADY;
    tell(offload, -ECANCELED);
    return 0;
}
