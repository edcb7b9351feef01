/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/job.h: a piece of work for a thread pool: a function, and the link by which a pool queues
 * it; and a call, a job that somebody waits for.
 *
 * Use it when: you give work to weir/pool.h or weir/blocking.h: embed one in a struct of your
 * own, with what the function needs.
 *
 * Its function returns 0 or a negative errno: a positive number ends the process with a
 * sentence. It is not left by a C++ exception, nor by longjmp(3).
 *
 * A job is the caller's memory, from submit until its function is called: from then on nobody
 * else touches it, and the function may free it or submit it again. Of a spawned job
 * (weir_spawn()) it is the spawner's until weir_join() has returned.
 *
 * A call is a job with a status that is waited for. Who submitted it keeps it until
 * weir_call_get() has said 0, or what the function returned. A worker of weir/pool.h that waits
 * for one is replaced meanwhile, as between weir_block_begin() and weir_block_end().
 *
 * Who may run with whom:
 *   init, fail  one thread, before the submit, or in place of a run
 *   get         one thread at a time, after the submit
 *
 * Progress:  init and fail are wait-free, but that fail wakes who waits; get blocks on the call.
 * Memory:    nothing is allocated.
 * Ordering:  what happens before a submit is visible to the function; what it did, to who learns
 *            of its end by join, by weir_call_get(), or by the pool's end.
 * Edges:     those of weir/future.h, and of the pool that runs the job.
 *
 * Source: a call whose result is claimed later: B. Liskov, L. Shrira, "Promises: Linguistic
 * Support for Efficient Asynchronous Procedure Calls in Distributed Systems", PLDI 1988,
 * doi:10.1145/53990.54016. */

#ifndef WEIR_JOB_H
#define WEIR_JOB_H

#include <weir/atomic.h>
#include <weir/base.h>
#include <weir/cancel.h>
#include <weir/future.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_job {
    int (*run)(struct weir_job *job); /* 0, or a negative errno */
    struct weir_job *next;            /* in a queue */
    WEIR_ATOMIC(uintptr_t) state;     /* spawned: lib/pool_join.c */
    void *other;                      /* spawned: who spawned it; posted: lib/loop_post.c */
} weir_job;

#define WEIR_JOB_INIT(run)                   \
    {                                        \
        run, NULL, WEIR_ATOMIC_INIT(0), NULL \
    }

/* A job that is waited for. */
typedef struct weir_call {
    weir_job job;
    int (*run)(struct weir_call *call); /* 0, or a negative errno */
    weir_cancel *cancel;                /* NULL, or: if cancelled before it begins, it does not */
    weir_future future;                 /* without a value: the status */
} weir_call;

/* Private: a job of the library's own, for which somebody waits elsewhere. */
typedef struct weir__owned_job {
    weir_job job;
    int (*run)(weir_job *job);
    void (*discard)(weir_job *job); /* it will not be run */
} weir__owned_job;

/* ---- jobs ---- */

static inline void weir_job_init(weir_job *job, int (*run)(weir_job *job))
{
    job->run = run;
    job->next = NULL;
    weir_atomic_init(&job->state, 0);
    job->other = NULL;
}

/* ---- owned jobs ---- */

WEIR_API int weir__owned_job_run(weir_job *job);

static inline void weir__owned_job_init(weir__owned_job *owned, int (*run)(weir_job *job),
                                        void (*discard)(weir_job *job))
{
    weir_job_init(&owned->job, weir__owned_job_run);
    owned->run = run;
    owned->discard = discard;
}

/* ---- calls ---- */

/* What a call's job runs. */
WEIR_API int weir__call_run(weir_job *job);

/* Makes a call of `run`, to be submitted by its `job`, once. `cancel`: a token, or NULL. */
static inline void weir_call_init(weir_call *call, int (*run)(weir_call *call), weir_cancel *cancel)
{
    weir_job_init(&call->job, weir__call_run);
    call->run = run;
    call->cancel = cancel;
    weir_future_init(&call->future, NULL, 0, NULL);
}

/* Ends a call that will never be run, as a pool does with what it discards: who waits for it
 * gets `status`, a negative errno. Threads: one, in place of the run. Progress: wait-free, but
 * for the wake-up. */
WEIR_API void weir_call_fail(weir_call *call, int status);

/* Waits for the end of a submitted call, which is the caller's again if it came.
 * Returns: what its function returned; -ECANCELED if its token had been cancelled before it
 * began, or the pool discarded it. Or, and then the call goes on and must be waited for again,
 * -ETIMEDOUT, or -ECANCELED if `cancel` was: not if the call has ended by then. Where its
 * function may return these itself, one more wait, without end and token, returns what it has
 * come to. `deadline`: absolute, ns, as weir/clock.h; 0 or past: does not sleep.
 * Threads: one. Progress: blocking, on the function. */
WEIR_API int weir_call_get(weir_call *call, uint64_t deadline, weir_cancel *cancel) WEIR_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif /* WEIR_JOB_H */
