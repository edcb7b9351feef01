/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/blocking.c: threads for work that waits.
 *
 * What holds whenever nobody has the lock:
 *  1. A job stands in the list only if there is a thread (`live`). A thread leaves only if each job
 *     of the list has one that comes for it, or there are more threads than the limit, which is at
 *     least 1.
 *  2. A thread goes to sleep only if the list is empty; each job that comes to the list later takes
 *     the first thread that sleeps out of theirs, and nudges it, or asks for a new one, unless it
 *     comes from the inbox (4). So whose deadline has come, and who is not in that list any more,
 *     was given a job, and looks.
 *  3. Who was given a job and leaves, since the limit has been lowered, wakes another in its place.
 *
 * While there are as many threads as may be, and all have something to do, who submits a job has
 * nobody to wake or to make: it needs no lock. Then the inbox (inbox.h) is open, and the first
 * thread that finds the list empty moves there what is in it:
 *  4. The inbox is open only if no thread sleeps, or is being made, and there are at least `max`:
 *     so many look into it, and shut it, before they sleep; and a stop and a resize do. Who is
 *     above `max` may leave without a look.
 *
 * Without a thread a job does not come to the list: it is carried by the thread that is made for
 * it, so that it can be given back if there is none. Others wait for how that ends.
 *
 * A thread's own data are on its stack: the waiter is nudged under the lock, and the wake-up
 * outside of it goes to an address alone. */

#include <weir/blocking.h>

#include "inbox.h"
#include "thread.h"
#include "wait.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A thread that sleeps. */
typedef struct idler {
    struct idler *next, *prev; /* towards those that have slept for longer; back */
    weir_waiter waiter;
    bool stands; /* in the list of the idle */
    bool comes;  /* and does no more, but counts in `coming` */
} idler;

struct weir_blocking {
    WEIR_ALIGNAS(WEIR_CACHELINE) weir__inbox inbox;

    /* changes with each job: one line */
    WEIR_ALIGNAS(WEIR_CACHELINE) weir__wait_queue lock; /* of all that changes */
    weir_job *first, *last;
    idler *idle; /* the one that came last */
    size_t queued;
    uint64_t done;

    WEIR_ALIGNAS(WEIR_CACHELINE) unsigned max, idle_count, running;
    unsigned live;    /* threads that have begun and do not leave */
    unsigned making;  /* that may begin yet */
    unsigned leaving; /* in on_end; and stops in `discarded` */
    unsigned coming;  /* woken, or being made, for what is in the list, and not here yet */
    unsigned begun, peak;
    uint64_t refusals;
    weir_job *carried;   /* by the thread that is being made: there is no other */
    weir_event changed;  /* a thread has begun, could not be made, or has left; a stop */
    bool closed;         /* by a stop */
    bool joining, ended; /* a stop joins the last thread; has done so */
    bool left;           /* there is a thread that has left and is not joined: */
    pthread_t who_left;

    weir_blocking_options options; /* constant from here on */
    pthread_attr_t attributes;
    char name[WEIR__THREAD_NAME];
};

WEIR_STATIC_ASSERT(offsetof(struct weir_blocking, done) < 2 * WEIR_CACHELINE,
                   "a job changes one line");

/* Of which pool the calling thread is, and in which process: the child of a fork in a job is
 * in no thread of a pool. */
static _Thread_local struct {
    const weir_blocking *pool;
    pid_t process;
} self;

static void lock(weir_blocking *pool)
{
    weir__queue_lock(&pool->lock);
}

static void unlock(weir_blocking *pool)
{
    weir__queue_unlock(&pool->lock);
}

static void tell(weir_blocking *pool)
{
    weir_event_notify_all(&pool->changed);
}

/* With the lock held, which is let go meanwhile: waits for what tell() tells.
 * Returns: 0; -ETIMEDOUT. */
static int await_change(weir_blocking *pool, uint64_t deadline)
{
    weir_sleeper sleeper;
    int status;

    weir_event_prepare(&pool->changed, &sleeper);
    unlock(pool);
    status = weir_event_wait(&pool->changed, &sleeper, deadline, NULL);
    lock(pool);
    return status;
}

/* ---- the list: with the lock held ---- */

static void push_job(weir_blocking *pool, weir_job *job)
{
    job->next = NULL;
    if (pool->first == NULL)
        pool->first = job;
    else
        pool->last->next = job;
    pool->last = job;
    pool->queued++;
}

static void push_jobs(weir_blocking *pool, weir_job *job)
{
    while (job != NULL) {
        weir_job *const next = job->next;

        push_job(pool, job);
        job = next;
    }
}

static weir_job *pop_job(weir_blocking *pool)
{
    weir_job *const job = pool->first;

    pool->first = job->next;
    pool->queued--;
    __builtin_prefetch(pool->first); /* who submits was the last to write it */
    return job;
}

/* ---- those that sleep: with the lock held ---- */

static void remove_idler(weir_blocking *pool, idler *thread)
{
    if (thread->prev != NULL)
        thread->prev->next = thread->next;
    else
        pool->idle = thread->next;
    if (thread->next != NULL)
        thread->next->prev = thread->prev;
    thread->stands = false;
    pool->idle_count--;
}

static void push_idler(weir_blocking *pool, idler *thread)
{
    weir_waiter_init(&thread->waiter);
    thread->prev = NULL;
    thread->next = pool->idle;
    if (pool->idle != NULL)
        pool->idle->prev = thread;
    pool->idle = thread;
    thread->stands = true;
    pool->idle_count++;
}

/* `comes`: for a job; else to leave. Returns: whom to wake without the lock, which may be
 * nobody. */
static weir__wake pop_idler(weir_blocking *pool, bool comes)
{
    weir__wake wake = {NULL, NULL};

    if (pool->idle != NULL) {
        idler *const thread = pool->idle;

        remove_idler(pool, thread);
        thread->comes = comes;
        pool->coming += comes;
        wake = weir__waiter_nudge(&thread->waiter);
    }
    return wake;
}

/* Without the lock: wakes n of the idle, some at a time, so that they leave. */
static void wake_idlers(weir_blocking *pool, unsigned n)
{
    enum { BATCH = 16 };
    weir__wake wakes[BATCH];
    unsigned count;

    do {
        count = 0;
        lock(pool);
        while (count < BATCH && count < n && pool->idle != NULL)
            wakes[count++] = pop_idler(pool, false);
        unlock(pool);
        for (unsigned i = 0; i < count; i++)
            weir__wake_now(wakes[i]);
        n -= count;
    } while (count == BATCH);
}

/* ---- a thread ---- */

/* With the lock held, which is let go meanwhile. Those that find `keep` others asleep are not
 * needed: they stand before these, and the ones that are woken are taken in front.
 * Returns: false if nobody has woken it in time. */
static bool sleep_idle(weir_blocking *pool)
{
    const bool surplus = pool->idle_count >= pool->options.keep;
    weir__spin spin = WEIR__SPIN_INIT;
    idler thread;

    push_idler(pool, &thread);
    unlock(pool);
    while (!weir__waiter_woken(&thread.waiter) && weir__spin_again(&spin))
        continue;
    (void)weir__waiter_sleep(&thread.waiter,
                             surplus ? weir_clock_after(pool->options.idle_ns) : WEIR_FOREVER);
    lock(pool);
    if (!thread.stands) { /* also if the deadline came with it */
        pool->coming -= thread.comes;
        return true;
    }
    remove_idler(pool, &thread);
    return false;
}

/* Returns: the next job; NULL: the thread leaves. `ran`: it comes from one; else it was made for
 * one that stands in the list. */
static weir_job *next_job(weir_blocking *pool, bool ran)
{
    weir__wake wake = {NULL, NULL};
    weir_job *job = NULL;

    lock(pool);
    if (ran)
        pool->done++;
    else
        pool->coming--;
    for (;;) {
        if (pool->live > pool->max) {
            if (pool->first != NULL)
                wake = pop_idler(pool, true); /* this one may have been woken for it */
            break;
        }
        if (pool->first == NULL)
            push_jobs(pool, weir__inbox_take_or_shut(&pool->inbox));
        if (pool->first != NULL) {
            job = pop_job(pool);
            pool->running += !ran;
            break;
        }
        pool->running -= ran;
        ran = false;
        if (pool->closed || !sleep_idle(pool))
            break;
    }
    if (job == NULL) {
        pool->running -= ran;
        pool->live--;
        pool->leaving++;
    }
    unlock(pool);
    weir__wake_now(wake);
    return job;
}

static weir_job *begin(weir_blocking *pool, unsigned *number)
{
    weir_job *job;

    self.pool = pool;
    self.process = getpid();
    lock(pool);
    job = pool->carried;
    pool->carried = NULL;
    if (job != NULL)
        pool->running++;
    *number = pool->begun++;
    pool->making--;
    pool->live++;
    if (pool->live > pool->peak)
        pool->peak = pool->live;
    unlock(pool);
    tell(pool);
    return job;
}

/* The last that it does with the pool; then it joins the one that did so before. */
static void leave(weir_blocking *pool)
{
    pthread_t before;
    bool left;

    lock(pool);
    left = pool->left;
    if (left)
        before = pool->who_left;
    pool->left = true;
    pool->who_left = pthread_self();
    pool->leaving--;
    unlock(pool);
    tell(pool);
    if (left)
        pthread_join(before, NULL);
}

static void *thread_main(void *argument)
{
    weir_blocking *const pool = (weir_blocking *)argument;
    const weir_blocking_options *const options = &pool->options;
    unsigned number;
    weir_job *job = begin(pool, &number);

    weir__thread_name(pool->name, number);
    if (options->on_start != NULL)
        options->on_start(options->context, number);
    if (job == NULL)
        job = next_job(pool, false);
    while (job != NULL) {
        const int status = job->run(job);

        if (status != 0 && options->failed != NULL)
            options->failed(options->context, job, status);
        job = next_job(pool, true);
    }
    if (options->on_end != NULL)
        options->on_end(options->context, number);
    leave(pool);
    return NULL;
}

/* Returns: 0, or a negative errno. */
static int make_thread(weir_blocking *pool)
{
    return weir__thread_make(&pool->attributes, thread_main, pool);
}

/* What was counted in `making` is not coming. If something was carried by it, it was the only one.
 */
static void not_made(weir_blocking *pool)
{
    lock(pool);
    if (pool->carried == NULL)
        pool->coming--;
    pool->carried = NULL;
    pool->making--;
    pool->refusals++;
    unlock(pool);
    tell(pool);
}

/* ---- submit ---- */

/* With the lock held, which it lets go of: there is no thread, and none is being made. */
static int submit_first(weir_blocking *pool, weir_job *job)
{
    int status;

    pool->carried = job;
    pool->making = 1;
    unlock(pool);
    status = make_thread(pool);
    if (status != 0)
        not_made(pool);
    return status;
}

/* With the lock held: whether as many wait as may. Each that comes takes one. */
static bool is_full(const weir_blocking *pool)
{
    return pool->options.max_queued != 0 && pool->queued >= pool->coming &&
           pool->queued - pool->coming >= pool->options.max_queued;
}

/* Of so many submits of a thread one moves what is in the inbox: whoever has to do so with the lock
 * held finds no more of each thread. */
enum { PUTS = 64 };

static bool put(weir_blocking *pool, weir_job *job)
{
    static _Thread_local unsigned count;

    return ++count % PUTS != 0 && weir__inbox_put(&pool->inbox, job);
}

int weir_blocking_submit(weir_blocking *pool, weir_job *job)
{
    weir__wake wake = {NULL, NULL};
    int status = 0;
    bool more;

    if (put(pool, job))
        return 0;
    lock(pool);
    while (!pool->closed && pool->live == 0) {
        if (pool->making == 0)
            return submit_first(pool, job);
        (void)await_change(pool, WEIR_FOREVER);
    }
    more = pool->idle == NULL && pool->live + pool->making < pool->max;
    if (pool->closed) {
        status = -EPIPE;
        more = false;
    } else if (!more && pool->idle == NULL && is_full(pool)) {
        status = -EAGAIN;
    } else {
        push_jobs(pool, weir__inbox_take(&pool->inbox, false)); /* its thread's own, before it */
        push_job(pool, job);
        if (pool->idle == NULL && !more && pool->making == 0 && pool->options.max_queued == 0 &&
            weir__inbox_is_shut(&pool->inbox))
            weir__inbox_open(&pool->inbox);
        wake = pop_idler(pool, true);
        pool->making += more;
        pool->coming += more;
    }
    unlock(pool);
    weir__wake_now(wake);
    if (more && make_thread(pool) != 0)
        not_made(pool);
    return status;
}

int weir_blocking_resize(weir_blocking *pool, unsigned max_threads)
{
    unsigned surplus = 0, missing = 0;

    if (max_threads == 0 || max_threads > WEIR_BLOCKING_MAX_THREADS)
        return -EINVAL;
    lock(pool);
    if (pool->closed) {
        unlock(pool);
        return -EPIPE;
    }
    push_jobs(pool, weir__inbox_take(&pool->inbox, true));
    pool->max = max_threads;
    if (pool->live > max_threads)
        surplus = pool->live - max_threads;
    else if (pool->live + pool->making < max_threads)
        missing = max_threads - pool->live - pool->making;
    if (missing > pool->queued)
        missing = (unsigned)pool->queued;
    pool->making += missing;
    pool->coming += missing;
    unlock(pool);
    wake_idlers(pool, surplus);
    for (; missing > 0; missing--)
        if (make_thread(pool) != 0)
            not_made(pool);
    return 0;
}

/* ---- stop ---- */

static void discard(weir_blocking *pool, weir_job *job)
{
    const weir_blocking_options *const options = &pool->options;
    const weir_blocking *const pool_before = self.pool;
    const pid_t process_before = self.process;
    weir_job *next;

    self.pool = pool;
    self.process = getpid();
    for (; job != NULL; job = next) {
        next = job->next; /* it is gone then */
        if (!weir__job_discard(job) && options->discarded != NULL)
            options->discarded(options->context, job);
    }
    self.pool = pool_before;
    self.process = process_before;
    lock(pool);
    pool->leaving--;
    unlock(pool);
    tell(pool);
}

/* Waits until all threads have left, and joins the last of them, which has joined the others. */
static int join(weir_blocking *pool, uint64_t deadline)
{
    int status = 0;

    lock(pool);
    while (!pool->ended) {
        if (pool->live + pool->making + pool->leaving == 0 && !pool->joining) {
            pool->joining = true;
            unlock(pool);
            if (pool->left) /* nobody changes it any more */
                pthread_join(pool->who_left, NULL);
            lock(pool);
            pool->ended = true;
        } else if (status != 0) {
            break;
        } else {
            status = await_change(pool, deadline);
        }
    }
    if (pool->ended)
        status = 0;
    unlock(pool);
    tell(pool);
    return status;
}

int weir_blocking_stop(weir_blocking *pool, weir_blocking_ending how, uint64_t deadline)
{
    weir_job *discarded = NULL;

    WEIR_REQUIRE((unsigned)how <= WEIR_BLOCKING_DISCARD, "no such ending");
    if (self.pool == pool && self.process == getpid())
        return -EDEADLK;
    lock(pool);
    pool->closed = true;
    push_jobs(pool, weir__inbox_take(&pool->inbox, true));
    if (how == WEIR_BLOCKING_DISCARD && pool->first != NULL) {
        discarded = pool->first;
        pool->first = NULL;
        pool->queued = 0;
        pool->leaving++;
    }
    unlock(pool);
    tell(pool);
    wake_idlers(pool, UINT_MAX);
    if (discarded != NULL)
        discard(pool, discarded);
    return join(pool, deadline);
}

/* ---- new and free ---- */

int weir_blocking_new(weir_blocking **pool, const weir_blocking_options *options)
{
    static const weir_blocking_options nothing_said = WEIR_BLOCKING_OPTIONS_INIT;
    weir_blocking *p;
    int status;

    if (options == NULL)
        options = &nothing_said;
    if (options->max_threads > WEIR_BLOCKING_MAX_THREADS ||
        options->keep > (options->max_threads != 0 ? options->max_threads : WEIR_BLOCKING_THREADS))
        return -EINVAL;
    p = (weir_blocking *)weir_alloc(sizeof *p, WEIR_CACHELINE);
    if (p == NULL)
        return -ENOMEM;
    memset(p, 0, sizeof *p);
    weir__inbox_init(&p->inbox);
    weir__queue_init(&p->lock);
    weir_event_init(&p->changed);
    p->options = *options;
    p->max = options->max_threads != 0 ? options->max_threads : WEIR_BLOCKING_THREADS;
    if (p->options.idle_ns == 0)
        p->options.idle_ns = WEIR_BLOCKING_IDLE_NS;
    snprintf(p->name, sizeof p->name, "%s", options->name != NULL ? options->name : "weir-block");
    status = weir__thread_attributes(&p->attributes, options->stack_bytes);
    if (status != 0) {
        weir_release(p, sizeof *p);
        return status;
    }
    *pool = p;
    return 0;
}

int weir_blocking_free(weir_blocking *pool)
{
    bool ended;

    if (pool == NULL)
        return 0;
    lock(pool);
    ended = pool->ended;
    unlock(pool);
    if (!ended)
        return -EBUSY;
    pthread_attr_destroy(&pool->attributes);
    weir_release(pool, sizeof *pool);
    return 0;
}

void weir_blocking_stats_read(weir_blocking *pool, weir_blocking_stats *stats)
{
    lock(pool);
    push_jobs(pool, weir__inbox_take(&pool->inbox, false));
    stats->max_threads = pool->max;
    stats->threads = pool->live + pool->making;
    stats->idle = pool->idle_count;
    stats->running = pool->running;
    stats->peak = pool->peak;
    stats->queued = pool->queued;
    stats->done = pool->done;
    stats->refusals = pool->refusals;
    unlock(pool);
}
