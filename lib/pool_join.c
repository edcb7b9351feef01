/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "pool.h"
#include "wait.h"

/* Joins of spawned jobs that do not find them on top of their worker's deque.
 *
 * What a worker has spawned and not joined lies in its deque in the order of its stack, and
 * thieves take the oldest. So when a job was stolen, all that is older was too, and when that
 * job is joined the deque is empty; and a worker that waits in a join has an empty deque. Then
 * whatever a thief of a job J has in his deque, while J runs, J has spawned, itself or by
 * others: that is what the one who joins J may help with. If J has ended after he stole
 * something there, it may be of the thief's next job, and nobody's business: he gives it back.
 *
 * A job's state: 0, in the deque; thief; thief and AWAITED, its spawner sleeps; DONE and the
 * status; RETURNED, for the spawner to run. */

static int status_of(uintptr_t state)
{
    return -(int)(state >> 3);
}

/* Stolen, but not for this worker. */
static void give_back(weir_job *job)
{
    weir__pool_worker *const spawner = (weir__pool_worker *)job->other;
    /* sync(returned): release. Pairs with the load in weir__join_stolen(); that the deque is
     * done with the job. */
    const uintptr_t old = weir_atomic_exchange(&job->state, WEIR__JOB_RETURNED, WEIR_RELEASE);

    if ((old & WEIR__JOB_AWAITED) != 0)
        weir_waiter_unpark(&spawner->joining);
}

/* Steals from who has the job, if he has something. Returns: whether the job is to be looked at
 * again. */
static bool help(weir__pool_worker *self, weir_job *job, weir__pool_worker *thief)
{
    uintptr_t value;
    uintptr_t state;

    if (self->record == NULL || weir_deque_size_approx(&thief->face.spawned) == 0 ||
        !weir_deque_steal(&thief->face.spawned, self->record, &value))
        return false;
    weir__tally_add(&self->steals, 1);
    /* sync(ended): acquire. Pairs with the exchange in weir__pool_run_stolen(). */
    state = weir_atomic_load(&job->state, WEIR_ACQUIRE);
    if ((state & WEIR__JOB_DONE) != 0)
        give_back((weir_job *)value);
    else
        weir__pool_run_stolen(self, (weir_job *)value);
    return true;
}

static bool wait_for(weir__pool_worker *self, weir_job *job, uintptr_t state)
{
    /* relaxed: who ends the job later finds AWAITED; on failure too: it is looked at again. */
    if (!weir_atomic_cas(&job->state, &state, state | WEIR__JOB_AWAITED, WEIR_RELAXED,
                         WEIR_RELAXED))
        return false;
    weir_block_begin();
    while (weir_waiter_park(&self->joining, WEIR_FOREVER, NULL) != 0) {
    }
    weir_block_end();
    return true;
}

int weir__join_stolen(weir_job *job)
{
    weir__pool_worker *const self = weir__pool_worker_self();
    weir__spin spin = WEIR__SPIN_INIT;

    for (;;) {
        /* sync(ended): acquire. Pairs with the exchange in weir__pool_run_stolen(); what the job
         * did. sync(returned): acquire. Pairs with the exchange in give_back(). sync(taken):
         * acquire. Pairs with the fetch_or in weir__pool_run_stolen(). */
        const uintptr_t state = weir_atomic_load(&job->state, WEIR_ACQUIRE);
        weir__pool_worker *const thief = (weir__pool_worker *)(state & ~(uintptr_t)7);

        if ((state & WEIR__JOB_DONE) != 0)
            return status_of(state);
        if ((state & WEIR__JOB_RETURNED) != 0)
            return job->run(job);
        if (thief != NULL && help(self, job, thief))
            continue;
        if (!weir__spin_again(&spin))
            wait_for(self, job, state);
    }
}

int weir__join_other(weir_job *job, weir_job *other)
{
    weir__pool_worker *const self = weir__pool_worker_self();
    uintptr_t newest;

    for (;;) {
        int status;

        /* sync(ended): acquire. Pairs with the exchange in weir__pool_run_stolen(), or it is
         * this worker's own store below. */
        const uintptr_t state = weir_atomic_load(&job->state, WEIR_ACQUIRE);

        if ((state & WEIR__JOB_DONE) != 0) {
            WEIR_REQUIRE(weir_deque_push(&self->face.spawned, (uintptr_t)other) == 0,
                         "there was room for it a moment ago");
            weir_fence_light();
            /* relaxed: as in weir_spawn(). */
            if ((weir_atomic_load(&self->pool->crew, WEIR_RELAXED) & WEIR__CREW_WANTS) != 0)
                weir__crew_call(&self->face);
            return status_of(state);
        }
        status = other->run(other);
        WEIR_REQUIRE(status <= 0, "a job returns 0 or a negative errno");
        /* relaxed: for this worker's own join. */
        weir_atomic_store(&other->state, (uintptr_t) - (intptr_t)status << 3 | WEIR__JOB_DONE,
                          WEIR_RELAXED);
        if (!weir_deque_pop(&self->face.spawned, &newest))
            return weir__join_stolen(job);
        if (newest == (uintptr_t)job)
            return job->run(job);
        other = (weir_job *)newest;
    }
}
