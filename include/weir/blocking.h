/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/blocking.h: threads for work that waits: files, names of hosts, libraries that sleep. A
 * pool makes a thread when a job comes and all its threads are busy, up to a limit of its own,
 * and lets go of those that have had nothing to do for a while.
 *
 * Use it when: a job would keep a thread of weir/pool.h, or of an event loop, from its work.
 * Use weir/pool.h for jobs that compute: they want as many threads as there are processors.
 *
 * Make one pool for each class of jobs that must not starve another: slow look-ups of names in a
 * pool of theirs hold up no file. Jobs that wait for other jobs of the same pool can use up its
 * threads, whatever the limit: then all wait for ever.
 *
 * Who may run with whom: everything with everything, but for new, and free: no other call may be
 *   under way. stop() is refused in a thread of the pool.
 *
 * How it works. Jobs stand in a list, and threads that have nothing to do in another, the one
 * that came last in front. A submit wakes that one, or makes a thread: one for each job. So a
 * burst that is over leaves those behind that are not needed, and these end. All of this is
 * under one lock, which is held for some instructions, never while a function of the user's is
 * called or a thread is made: a job that blocks costs far more. While all threads that there may
 * be have work, and `max_queued` is 0, nobody is to be woken or made: of a thread's submits in a
 * row 63 of 64 push their job to a stack, by compare-and-swap and without the lock, and what is
 * there comes to the list with the 64th, or when a thread finds that empty.
 *
 * Threads:   none is made but by weir_blocking_submit(), when none is idle and there are fewer
 *            than the limit, and by weir_blocking_resize(), for jobs that stand in the list.
 *            `keep` idle threads stay for good; each other one ends when it has been idle for
 *            `idle_ns`, and sleeps until then without looking. One that ends is joined by the
 *            next that does, or by weir_blocking_stop(): at most one at a time is not. It is off
 *            the count, and out of the limit, when it calls `on_end`. All signals are blocked in
 *            them, but for those that an instruction of the thread's own raises (SIGSEGV,
 *            SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS). A job must not end its thread.
 * Progress:  blocking, on who has the lock, but for a push as above. A submit that finds the pool
 *            without a thread makes it before it returns; others that come meanwhile wait for that.
 * Ordering:  what happens before a submit is visible to the job's function; what it did, to who
 *            got 0 from weir_blocking_stop(), and to the `failed` of this job.
 * Fairness:  FIFO: jobs are taken in the order in which they were submitted.
 * Memory:    weir_blocking_new() allocates; nothing else does, but for the threads: each has
 *            its stack.
 * Signals:   nothing here is for signal handlers.
 * Fork:      the child has none of the threads: there it makes a pool of its own, and does not
 *            touch this one.
 * Edges:     weir/wait.h.
 *
 * Sources: a stack that many push to, and one empties: R. K. Treiber, "Systems Programming: Coping
 * with Parallelism", IBM RJ 5118, 1986. That the thread which slept last is the first to be woken
 * is what Windows does with those that wait at an I/O completion port: Microsoft, "I/O Completion
 * Ports", https://learn.microsoft.com/en-us/windows/win32/fileio/i-o-completion-ports. */

#ifndef WEIR_BLOCKING_H
#define WEIR_BLOCKING_H

#include <weir/clock.h>
#include <weir/job.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* Most threads of a pool; and how many where nothing is said. These wait, they do not compute:
 * the number of processors says nothing of how many it takes. 64 are more than most disks and
 * servers want at a time, and few enough for the limits of a small container: asleep they cost
 * about a megabyte in all. */
#define WEIR_BLOCKING_MAX_THREADS 16384
#define WEIR_BLOCKING_THREADS 64
#define WEIR_BLOCKING_IDLE_NS UINT64_C(10000000000)

typedef struct weir_blocking weir_blocking;

/* Starts as {0}, or WEIR_BLOCKING_OPTIONS_INIT: all that is said below of 0. */
typedef struct weir_blocking_options {
    unsigned max_threads; /* 0: WEIR_BLOCKING_THREADS */
    unsigned keep;        /* idle threads that stay: at most max_threads */
    uint64_t idle_ns;     /* how long the others wait for work: 0: WEIR_BLOCKING_IDLE_NS */
    size_t stack_bytes;   /* 0: what pthread_create(3) gives */
    size_t max_queued;    /* jobs that wait, and no thread is coming for them; 0: no bound */
    const char *name;     /* of the threads, where these have names: NAME-0, NAME-1, and so on; of
                             its 15 bytes the number has what it needs. NULL: "weir-block" */

    /* All may be NULL, and get `context`. In each thread, before its first job and after its
     * last; threads are numbered from 0 as they begin, and no number is used twice. */
    void (*on_start)(void *context, unsigned thread);
    void (*on_end)(void *context, unsigned thread);
    /* In the thread, after a job has returned `status`, not 0, and nobody waits for it, as for a
     * call. The job is there if its function has left it there. */
    void (*failed)(void *context, weir_job *job, int status);
    /* In weir_blocking_stop(): the job will not be run. A call's is not told: weir_call_get()
     * says -ECANCELED. */
    void (*discarded)(void *context, weir_job *job);
    void *context;
} weir_blocking_options;

#define WEIR_BLOCKING_OPTIONS_INIT                        \
    {                                                     \
        0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL \
    }

/* What becomes of the jobs that wait for a thread. */
typedef enum weir_blocking_ending {
    WEIR_BLOCKING_DRAIN,  /* they are run */
    WEIR_BLOCKING_DISCARD /* they are not */
} weir_blocking_ending;

/* What was true at one moment. */
typedef struct weir_blocking_stats {
    unsigned max_threads;
    unsigned threads; /* idle, or not; and those that are being made */
    unsigned idle;
    unsigned running;  /* threads in a job */
    unsigned peak;     /* most threads there were */
    size_t queued;     /* jobs that have not been taken by a thread */
    uint64_t done;     /* jobs that have returned */
    uint64_t refusals; /* threads that could not be made */
} weir_blocking_stats;

/* ---- life ---- */

/* Makes a pool without threads. `options`: copied; NULL: {0}.
 * Returns: 0; -EINVAL if max_threads is more than WEIR_BLOCKING_MAX_THREADS, keep is more than
 * max_threads, or the system refuses such a stack; -ENOMEM. */
WEIR_API int weir_blocking_new(weir_blocking **pool,
                               const weir_blocking_options *options) WEIR_NODISCARD;

/* Ends the pool: no job is taken any more. Those that wait are run, by the pool's threads, or
 * discarded, by this one; those that run, or for which a thread is being made, are waited for;
 * then all threads are joined.
 * Returns: 0: nothing of the pool runs any more; -ETIMEDOUT: something does still: call again,
 * also to discard what was to be run; -EDEADLK in a thread of the pool, and in `discarded`:
 * nothing was done. Once it has said 0 it does so again. `deadline`: absolute, ns, as
 * weir/clock.h; 0 or past: does not wait, and what it has begun goes on. */
WEIR_API int weir_blocking_stop(weir_blocking *pool, weir_blocking_ending how,
                                uint64_t deadline) WEIR_NODISCARD;

/* Frees a pool that is stopped; NULL is ignored. Returns: 0; -EBUSY if it is not: nothing was
 * done. */
WEIR_API int weir_blocking_free(weir_blocking *pool);

/* ---- operations ---- */

/* Has a thread of the pool run the job: once. Jobs may submit.
 * Returns: 0; -EPIPE after a stop has begun; -EAGAIN if max_queued jobs wait, and no thread is
 * idle or can be added; or what pthread_create(3) said, negative, mostly -EAGAIN too, if there
 * is no thread at all and none can be made. Unless it returns 0 the job was not taken. Where
 * there are threads, and one more cannot be made, the job waits for one of these. To wait for
 * room, take a permit of a weir_sem before, of max_threads + max_queued, and release it in the
 * job.
 * Complexity: O(1), no allocation; a system call if a thread sleeps, or is made. */
WEIR_API int weir_blocking_submit(weir_blocking *pool, weir_job *job) WEIR_NODISCARD;

/* Changes the limit. If there are more threads, idle ones end now and the others as they finish
 * their jobs; if there are fewer, and jobs wait, threads are made for these.
 * Returns: 0; -EINVAL if it is 0 or more than WEIR_BLOCKING_MAX_THREADS; -EPIPE after a stop has
 * begun. */
WEIR_API int weir_blocking_resize(weir_blocking *pool, unsigned max_threads) WEIR_NODISCARD;

/* ---- queries ---- */

/* Fills in the numbers. */
WEIR_API void weir_blocking_stats_read(weir_blocking *pool, weir_blocking_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_BLOCKING_H */
