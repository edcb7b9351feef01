/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/pool.h: a pool of threads that steal work from each other: jobs submitted from anywhere,
 * and fork and join inside of them.
 *
 * Use it when: work is for the processors, in pieces from a microsecond up (submitted) or from
 *              some tens of nanoseconds up (spawned).
 * Use weir/blocking.h for work that waits for files, names or devices, weir/parallel.h for
 * loops, weir/graph.h for jobs that depend on each other.
 *
 * Who may run with whom: all operations may be called by any thread at any time, but these:
 *   spawn, join in a worker, about its own jobs; elsewhere spawn queues nothing, and join runs
 *                   the job
 *   stop            one thread at a time, and no worker of the pool
 *   free            after a stop that returned 0, when nobody uses the pool any more
 *
 * A worker takes, first, an urgent job; then of those that the jobs which it ran have submitted,
 * the newest, if the job that ended last has submitted some, but at most LIFO_CAP (16) times in
 * a row, else the oldest; then what came from outside, in batches, in order of arrival; then
 * what others have, the oldest; idle ones last. Every 61 jobs what has come from outside is put
 * behind its own, so that neither starves. Among workers there is no order.
 *
 * spawn and join are a call that another worker may take over. Who joins a job that was taken
 * helps meanwhile, but only with what that job has spawned in its turn: he never gets into
 * somebody else's long job, holds his locks over nothing unrelated, and his stack is not deeper
 * than that of the serial program. If there is nothing of it he sleeps, and the pool replaces
 * him.
 *
 * Workers are threads, made when there is work for them and all others are busy, never in
 * advance. One of them at most searches at a time beyond a first look; who finds nothing for as
 * long as a wake-up takes (some us) sleeps, without a deadline: an idle pool makes no wake-ups.
 * A worker that blocks in a join, or between weir_block_begin() and weir_block_end(), is
 * replaced, up to `max_blocked` at a time. A job that blocks otherwise keeps its worker from the
 * others' work; one that never ends keeps it for ever, and stop says -ETIMEDOUT.
 *
 * Progress:  submit is lock-free: a push on Treiber's stack, or on the worker's own deque; if it
 *            has to wake somebody also a system call, or the creation of a thread. (Of a thread
 *            that is stopped while it holds what is taken from outside, others pass by; of one
 *            that is stopped while it wakes a worker, those who sleep go on sleeping. And the
 *            first submits of a pool wait for each other while one makes the first thread.)
 *            spawn is wait-free, but for the allocator when the deque grows, and for such a
 *            wake-up. join blocks on the job.
 * Ordering:  what happens before a submit or spawn is visible to the job; what a job did, to who
 *            has joined it, and to who stopped the pool.
 * Memory:    some KiB a worker, when its thread is made, and what its deques grow to. Nothing
 *            for each job. Jobs are the caller's (weir/job.h). Where one more thread cannot be
 *            made the jobs wait for those that there are; it is tried again with the next submit
 *            that finds too few.
 * Steals:    the first steal from a worker's deque costs a membarrier(2), 2 to 3 us and an
 *            interrupt to the processors that run threads of this process, and so does going to
 *            sleep. Fences would cost 20 to 30 ns for each spawn and its join: more, where a
 *            worker makes more than some hundred spawns between two steals (with 64 processors
 *            some thousand: doc/pool.md). Where steals are as frequent as spawns, or the process
 *            has cores that must not be interrupted, `fenced` lets the workers pay.
 * Signals:   all are blocked in workers, but those that a fault raises in its own thread.
 * Fork:      a child has no workers: it must not use the parent's pools, but may make its own.
 * Edges:
 *   submitted  submit -> take                 carries the job, and what was before the submit
 *   ended      a stolen job's end -> join     carries what the job did, and its status
 *   taken      steal -> join                  carries who has the job
 *   returned   give_back -> join              carries that nobody has the job
 *   crew       each change of the crew -> the next   carries what was before it
 *   made       start -> find                  carries a worker's deques
 *   slept      sleep -> wake                  carries who sleeps
 *   taken_over  take -> take                  carries what was turned over
 *   gone       a worker's end -> stop         carries what it did
 *   gate       call -> sleep, sleep -> call   carries a job; that somebody sleeps (fenced pools)
 *
 * Sources: R. D. Blumofe, C. E. Leiserson, "Scheduling Multithreaded Computations by Work
 * Stealing", JACM 46(5), 1999, doi:10.1145/324133.324234; who helps whom: D. B. Wagner, B. G.
 * Calder, "Leapfrogging: A Portable Technique for Implementing Efficient Futures", PPoPP 1993,
 * doi:10.1145/155332.155354; the one searcher: D. Vyukov, "Scalable Go Scheduler Design Doc",
 * 2012, https://go.dev/s/go11sched; what comes from outside: R. K. Treiber, "Systems
 * Programming: Coping with Parallelism", IBM RJ 5118, 1986. */

#ifndef WEIR_POOL_H
#define WEIR_POOL_H

#include <weir/atomic.h>
#include <weir/base.h>
#include <weir/clock.h>
#include <weir/deque.h>
#include <weir/fence.h>
#include <weir/job.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* Most workers of a pool, with those that stand in for blocked ones. */
#define WEIR_POOL_MAX 4096

typedef struct weir_pool weir_pool;

typedef enum weir_pool_priority {
    WEIR_POOL_URGENT, /* before all others; not interrupted by them, nor interrupting */
    WEIR_POOL_NORMAL,
    WEIR_POOL_IDLE /* if there is nothing else to do anywhere */
} weir_pool_priority;

/* Starts as {0}, or WEIR_POOL_OPTIONS_INIT: all that is said below of 0. */
typedef struct weir_pool_options {
    unsigned workers;     /* 0: weir_cpus(), if the limits allow it */
    unsigned max_workers; /* that weir_pool_resize() may ask for; 0: twice `workers`, at least 64,
                             if WEIR_POOL_MAX allows it */
    unsigned max_blocked; /* blocked ones that are replaced at a time; 0: 64 */
    bool fenced;          /* workers pay the fences: see Steals above */
    size_t stack_bytes;   /* of a worker; 0: the system's default */
    const char *name;     /* of the threads, with a number behind it; NULL: "weir" */
    /* In each worker, also in who replaces a blocked one, before its first and after its last
     * job. Numbers are below max_workers + max_blocked; no two workers have the same. */
    void (*on_start)(void *context, unsigned worker);
    void (*on_end)(void *context, unsigned worker);
    /* A submitted job has returned `status`, not 0, and nobody waits for it. The job is there if
     * its function has left it there. */
    void (*failed)(void *context, weir_job *job, int status);
    /* A submitted job will not be run: the pool was stopped. It is its owner's again. By a
     * worker, when it has nothing else in hand: after the jobs that run. Where somebody waits,
     * as for a call, weir_pool_run(), a loop, a graph, he is told, and this is not called. */
    void (*discarded)(void *context, weir_job *job);
    void *context;
} weir_pool_options;

#define WEIR_POOL_OPTIONS_INIT                                \
    {                                                         \
        0, 0, 0, false, 0, NULL, NULL, NULL, NULL, NULL, NULL \
    }

typedef enum weir_pool_ending {
    WEIR_POOL_DRAIN,  /* all that was submitted is run, and what that submits */
    WEIR_POOL_DISCARD /* jobs that run end; others are discarded */
} weir_pool_ending;

typedef struct weir_pool_stats {
    unsigned workers;    /* that the pool was asked for */
    unsigned threads;    /* that it has made, and that have not ended */
    unsigned running;    /* with a job, or looking for one */
    unsigned blocked;    /* and replaced */
    uint64_t jobs;       /* that were submitted, and have been run */
    uint64_t steals;     /* of jobs, from one worker by another */
    uint64_t sleeps;     /* of workers, for want of work */
    uint64_t refusals;   /* threads that could not be made */
    uint64_t job_ns;     /* what a submitted job takes: mean of a sample of one in 16; 0: unknown */
    uint64_t grain_hint; /* how many such jobs to make one of, so that the pool costs a twentieth of
                            it or less; 1: it does; 0: unknown */
} weir_pool_stats;

/* The part of a worker that spawn and join look at. */
typedef struct weir__worker {
    weir_deque spawned; /* by the jobs on this worker's stack */
    WEIR_ATOMIC(uint64_t) * crew;
} weir__worker;

/* Of the crew's word: somebody could be woken, or told. lib/pool.h has the others. */
enum { WEIR__CREW_WANTS = 1 };

/* Of a spawned job's state. Above them the thief, or when DONE the status; 0: in the deque. */
enum {
    WEIR__JOB_DONE = 1,
    WEIR__JOB_AWAITED = 2, /* its spawner sleeps */
    WEIR__JOB_RETURNED = 4 /* nobody has it: for its spawner to run */
};

/* Of the calling thread; NULL: it is no worker. */
#ifdef __cplusplus
extern __thread weir__worker *weir__worker_self;
#else
extern WEIR_API _Thread_local weir__worker *weir__worker_self;
#endif

/* ---- life ---- */

/* Makes a pool, without threads. `options` may be NULL; they are copied, but for the strings'
 * and the context's memory.
 * Returns: 0 and *pool; -EINVAL if a number is absurd: more workers than max_workers, more than
 * WEIR_POOL_MAX together, a stack below the system's minimum; -ENOMEM. On failure *pool is
 * untouched. */
WEIR_API int weir_pool_new(weir_pool **pool, const weir_pool_options *options) WEIR_NODISCARD;

/* Ends the workers; no submit from outside succeeds from now on. May be called again, to wait
 * longer, or to discard what was to be drained. `deadline`: absolute, ns, as weir/clock.h; 0 or
 * past: does not wait, and what it has begun goes on.
 * Returns: 0 when all threads have ended; -ETIMEDOUT: they go on ending; -EDEADLK from a worker
 * of the pool: nothing was done.
 * Progress: blocking, on the jobs. */
WEIR_API int weir_pool_stop(weir_pool *pool, weir_pool_ending how,
                            uint64_t deadline) WEIR_NODISCARD;

/* Frees a pool; NULL is ignored. Returns: 0; -EBUSY if it has not been stopped: nothing was
 * done. */
WEIR_API int weir_pool_free(weir_pool *pool);

/* Changes the number of workers. Those above it stop after their job; they keep their threads.
 * Returns: 0; -EINVAL if it is 0 or above max_workers; -EPIPE after stop. */
WEIR_API int weir_pool_resize(weir_pool *pool, unsigned workers) WEIR_NODISCARD;

/* ---- jobs ---- */

/* Has a job run, by any worker. It was made by weir_job_init().
 * Returns: 0; -EPIPE after stop, but for a worker of a pool that drains; if it is the pool's
 * first job and no thread can be made -ENOMEM, or what pthread_create(3) said, negative, mostly
 * -EAGAIN. On failure the job is still the caller's.
 * Complexity: one read-modify-write from outside, none from a worker of the pool, unless it is
 * fenced. */
WEIR_API int weir_pool_submit(weir_pool *pool, weir_job *job) WEIR_NODISCARD;

/* The same; of another priority always as from outside. */
WEIR_API int weir_pool_submit_priority(weir_pool *pool, weir_job *job,
                                       weir_pool_priority priority) WEIR_NODISCARD;

/* Has n jobs run, all or none. Complexity: one read-modify-write from outside for all of them. */
WEIR_API int weir_pool_submit_bulk(weir_pool *pool, weir_job *const *jobs, size_t n,
                                   weir_pool_priority priority) WEIR_NODISCARD;

/* Has a job run, and waits for its end; in a worker of the pool, runs it.
 * Returns: what it returned; as weir_pool_submit(), if it was not run; -ECANCELED if it was
 * discarded. Of a call 0, when it has ended: its status is what weir_call_get() says.
 * Progress: blocking, on the job. */
WEIR_API int weir_pool_run(weir_pool *pool, weir_job *job) WEIR_NODISCARD;

/* ---- fork and join ---- */

WEIR_API void weir__crew_call(weir__worker *self);
WEIR_API int weir__join_other(weir_job *job, weir_job *other);
WEIR_API int weir__join_stolen(weir_job *job);

/* Lets another worker run `run(job)`, until weir_join(), which has to come, in this thread,
 * before the function returns that spawned. (A job that ends without ends the process with a
 * sentence.) The job needs no weir_job_init(). Those of one function may be joined in any order;
 * the reverse is the cheap one. Outside of a pool, and where memory is short, it is left to
 * join.
 * Progress: wait-free, but for the allocator and a wake-up.
 * Complexity: no read-modify-write; in a fenced pool two, with its join. */
static inline void weir_spawn(weir_job *job, int (*run)(weir_job *job))
{
    weir__worker *const self = weir__worker_self;

    job->run = run;
    job->other = self;
    /* relaxed: published by the push. */
    weir_atomic_store(&job->state, 0, WEIR_RELAXED);
    if (WEIR_UNLIKELY(self == NULL) ||
        WEIR_UNLIKELY(weir_deque_push(&self->spawned, (uintptr_t)job) != 0)) {
        job->other = NULL;
        return;
    }
    weir_fence_light();
    /* relaxed: who goes to sleep makes a heavy fence between saying so and its last look; either
     * that finds the job, or this finds WANTS; or that one searches who was told, and will make
     * such a fence. */
    if (WEIR_UNLIKELY((weir_atomic_load(self->crew, WEIR_RELAXED) & WEIR__CREW_WANTS) != 0))
        weir__crew_call(self);
}

static inline int weir__job_status(int status)
{
    WEIR_ASSERT(status <= 0, "a job returns 0 or a negative errno");
    return status;
}

/* Runs a spawned job, or waits for who has taken it; `run` is what it was spawned with. Said
 * once more, so that the compiler can call it directly, or inline it, if nobody has taken the
 * job: 1.5 ns of 8 less than weir_join().
 * Returns: what it returned.
 * Threads: the one that spawned it. Progress: blocking, on the job. */
WEIR_ALWAYS_INLINE int weir_join_run(weir_job *job, int (*run)(weir_job *job))
{
    weir__worker *const self = (weir__worker *)job->other;
    uintptr_t newest;

    WEIR_REQUIRE(self == NULL || self == weir__worker_self,
                 "a job is joined by the thread that spawned it");
    if (WEIR_UNLIKELY(self == NULL))
        return weir__job_status(run(job));
    if (WEIR_UNLIKELY(!weir_deque_pop(&self->spawned, &newest)))
        return weir__join_stolen(job);
    if (WEIR_UNLIKELY(newest != (uintptr_t)job))
        return weir__join_other(job, (weir_job *)newest);
    return weir__job_status(run(job));
}

/* The same. */
static inline int weir_join(weir_job *job)
{
    return weir_join_run(job, job->run);
}

/* ---- blocking ---- */

/* Says that the job that calls it is about to block, so that another worker takes this one's
 * place; up to `max_blocked` at a time. Outside of a pool it does nothing. They may be nested.
 * Progress: lock-free, but for a membarrier(2) and the wake-up. */
WEIR_API void weir_block_begin(void);

/* Says that it has. There may be too many workers then, until the next jobs end. */
WEIR_API void weir_block_end(void);

/* ---- queries ---- */

/* Returns: the pool whose worker the calling thread is, or NULL. */
WEIR_API weir_pool *weir_pool_self(void);

/* Returns: the number of the calling worker in its pool, from 0; UINT_MAX elsewhere. */
WEIR_API unsigned weir_pool_worker(void);

/* Returns: how many workers it was asked for. */
WEIR_API unsigned weir_pool_workers(const weir_pool *pool);

/* Tells what the pool does; numbers of different moments. Progress: wait-free. */
WEIR_API void weir_pool_stats_read(weir_pool *pool, weir_pool_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_POOL_H */
