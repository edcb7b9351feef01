/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "pool.h"

/* Who falls asleep (lib/pool_crew.c), and who pushes, or has just taken; all accesses are
 * sequentially consistent, but the last look of who takes: it stands behind a light fence, the
 * other side of which is the sleeper's, between his two:
 *
 *     push               ||  sleep                 take             ||  sleep
 *     newest = job       ||  crew: running - 1     taking = 0       ||  crew: running - 1
 *     reads crew         ||  reads newest          reads crew       ||  reads taking
 *
 * Never do both read the old values: either the one finds the job, or the lock free, or the
 * other finds that there is somebody to wake. */

/* In `newest`. */
enum { CLOSED = 1 };

static weir_job *job_of(uintptr_t newest)
{
    return (weir_job *)(newest & ~(uintptr_t)CLOSED);
}

void weir__injector_init(weir__injector *injector)
{
    weir_atomic_init(&injector->newest, 0);
    weir_atomic_init(&injector->taking, 0);
    weir_atomic_init(&injector->oldest, NULL);
}

static bool push(weir__injector *injector, weir_job *first, weir_job *last, bool even_if_closed)
{
    /* relaxed: only compared and linked. */
    uintptr_t newest = weir_atomic_load(&injector->newest, WEIR_RELAXED);

    do {
        if ((newest & CLOSED) != 0 && !even_if_closed)
            return false;
        last->next = job_of(newest);
        /* sync(submitted): seq_cst. Pairs with the fetch_and in turn_over(), and is the one side
         * of the picture at the top of this file. relaxed on failure: looked at again. */
    } while (!weir_atomic_cas_weak(&injector->newest, &newest, (uintptr_t)first | (newest & CLOSED),
                                   WEIR_SEQ_CST, WEIR_RELAXED));
    return true;
}

bool weir__injector_push(weir__injector *injector, weir_job *first, weir_job *last)
{
    return push(injector, first, last, false);
}

void weir__injector_put_back(weir__injector *injector, weir_job *job)
{
    (void)push(injector, job, job, true);
}

void weir__injector_close(weir__injector *injector)
{
    /* sync(submitted): acq_rel. Pairs with the fetch_and in turn_over(): what comes after the
     * crew's STOPS finds all that was pushed. */
    weir_atomic_fetch_or(&injector->newest, CLOSED, WEIR_ACQ_REL);
}

/* With `taking` held: the rest, in order of arrival. */
static weir_job *turn_over(weir__injector *injector)
{
    /* sync(submitted): acquire. Pairs with the compare-and-swap in push(); the jobs. */
    weir_job *newest = job_of(weir_atomic_fetch_and(&injector->newest, CLOSED, WEIR_ACQUIRE));
    weir_job *oldest = NULL;

    while (newest != NULL) {
        weir_job *const next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

size_t weir__injector_take(weir__injector *injector, weir_job **jobs, size_t most, bool *more)
{
    weir_job *job;
    size_t n = 0;

    *more = false;
    if (!weir__injector_waits(injector))
        return 0;
    /* sync(taken_over): acquire. Pairs with the store below; `oldest`, and the jobs' links. */
    if (weir_atomic_exchange(&injector->taking, 1, WEIR_ACQUIRE) != 0)
        return 0;
    /* relaxed: the lock orders it; so below. */
    job = weir_atomic_load(&injector->oldest, WEIR_RELAXED);
    while (n < most) {
        if (job == NULL && (job = turn_over(injector)) == NULL)
            break;
        jobs[n++] = job;
        job = job->next;
    }
    weir_atomic_store(&injector->oldest, job, WEIR_RELAXED); /* relaxed: as above. */
    /* sync(taken_over): seq_cst. Pairs with the exchange above; and with the load in
     * weir__injector_waits(): who finds the lock held, and goes to sleep, is seen by the holder,
     * who looks at the crew after this: see the top of this file. */
    weir_atomic_store(&injector->taking, 0, WEIR_SEQ_CST);
    *more = weir__injector_waits(injector);
    return n;
}

bool weir__injector_waits(const weir__injector *injector)
{
    /* sync(submitted): seq_cst. Pairs with the compare-and-swap in push().
     * See the top of this file. */
    if (job_of(weir_atomic_load(&injector->newest, WEIR_SEQ_CST)) == NULL &&
        /* relaxed: who leaves something here looks at the crew after it, and tells who searches;
         * and who goes to sleep, or was told, makes a fence before this. */
        weir_atomic_load(&injector->oldest, WEIR_RELAXED) == NULL)
        return false;
    /* sync(taken_over): seq_cst. Pairs with the store in weir__injector_take().
     * See the top of this file. */
    return weir_atomic_load(&injector->taking, WEIR_SEQ_CST) == 0;
}
