/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/pool.h: what the parts of the pool know of each other. Private.
 *
 *     lib/pool.c         life, submit, queries
 *     lib/pool_inject.c  what comes from outside
 *     lib/pool_crew.c    who runs, who sleeps, who is woken
 *     lib/pool_work.c    what a worker does: find, run
 *     lib/pool_join.c    join of a job that another has taken */

#ifndef WEIR_LIB_POOL_H
#define WEIR_LIB_POOL_H

#include "thread.h"

#include <weir/guard.h>
#include <weir/pool.h>
#include <weir/stack.h>
#include <weir/wait.h>

/* ---- what comes from outside ---- */

enum { WEIR__PRIORITIES = 3 };

/* A stack that anybody pushes on, which is turned over by one worker at a time, who holds
 * `taking`: a lock that nobody waits for. */
typedef struct weir__injector {
    /* everybody: the newest, and CLOSED */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uintptr_t) newest;
    /* workers */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) taking;
    WEIR_ATOMIC(weir_job *) oldest; /* turned over: in order of arrival */
} weir__injector;

void weir__injector_init(weir__injector *injector);

/* Puts a chain on it, `last` being the oldest. Returns: false if it is closed. */
bool weir__injector_push(weir__injector *injector, weir_job *first, weir_job *last);

/* By a worker, who has no memory for the job: closed or not. */
void weir__injector_put_back(weir__injector *injector, weir_job *job);

/* From now on no push succeeds. */
void weir__injector_close(weir__injector *injector);

/* Takes up to `most` jobs, in order of arrival. Returns: how many; 0 also if another is at it,
 * who then looks for who sleeps. *more: there are others, and nobody else is at it. */
size_t weir__injector_take(weir__injector *injector, weir_job **jobs, size_t most, bool *more);

/* Whether there is something that nobody is at. Sequentially consistent. */
bool weir__injector_waits(const weir__injector *injector);

/* ---- the crew ---- */

/* The crew's word. From bit 16, three numbers of 16 bits each. */
enum {
    WEIR__CREW_SEARCHES = 2, /* one was woken, or spins, to look for work */
    WEIR__CREW_TOLD = 4,     /* and a worker has made work since */
    WEIR__CREW_STOPS = 8,
    WEIR__CREW_DISCARDS = 16,
    WEIR__CREW_ENDS = 32,  /* and there is nothing left to do */
    WEIR__CREW_FENCED = 64 /* always WANTS: the owner's side pays the fence */
};
#define WEIR__CREW_RUNNING (UINT64_C(1) << 16)
#define WEIR__CREW_TARGET (UINT64_C(1) << 32)
#define WEIR__CREW_BLOCKED (UINT64_C(1) << 48)

static inline unsigned weir__crew_running(uint64_t crew)
{
    return (unsigned)(crew >> 16) & 0xffff;
}

static inline unsigned weir__crew_target(uint64_t crew)
{
    return (unsigned)(crew >> 32) & 0xffff;
}

static inline unsigned weir__crew_blocked(uint64_t crew)
{
    return (unsigned)(crew >> 48) & 0xffff;
}

/* A counter that its worker writes, and others read. */
typedef WEIR_ATOMIC(uint64_t) weir__tally;

typedef struct weir__pool_worker {
    weir__worker face; /* first */
    weir_deque submitted;
    weir_pool *pool;
    weir_guard_record *record; /* NULL: memory was short, and it cannot steal */
    weir_waiter joining;       /* it parks on it when it waits for a job that another has */
    /* itself, and who wakes it: in one line */
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_waiter idle; /* it parks on it when it has no work */
    WEIR_ATOMIC(uint32_t) below;                   /* among the idle: number + 1, or 0 */
    WEIR_ATOMIC(uint32_t) gate; /* of a fenced pool: whoever comes later has seen what was before */
    unsigned number;
    unsigned blocks; /* weir_block_begin() without their end */
    bool replaced;   /* of the outermost: the crew was told */
    bool has_thread; /* which may have ended: who makes it */
    bool searches;   /* it is the one who does: itself, or who wakes it */
    bool submits;    /* the job that runs, or the last one, has submitted */
    unsigned newest; /* jobs in a row that were the newest */
    unsigned turns;  /* up to the next that goes to those outside */
    uint32_t dice;
    pthread_t thread; /* itself */
    weir__tally jobs, steals, sleeps;
    weir__tally sample_ns; /* a mean */
} weir__pool_worker;

struct weir_pool {
    weir__injector injectors[WEIR__PRIORITIES];
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) crew;
    WEIR_ATOMIC(uint32_t) idle; /* who went to sleep last, or is about to: number + 1, or 0 */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(unsigned) made; /* workers[0] to [made - 1] exist */
    WEIR_ATOMIC(uint32_t) alive;                             /* threads */
    WEIR_ATOMIC(bool) begun;                                 /* there has been one */
    weir__tally refusals;
    weir_event ended;           /* alive is 0 */
    weir__wait_queue beginning; /* its lock: who makes the first thread */
    /* nobody, between new and free: */
    weir_pool_options options;
    char name[WEIR__THREAD_NAME];
    pthread_attr_t attributes; /* of the threads */
    unsigned slots;            /* workers that there may be */
    bool fenced;
    bool stopped; /* the one who stops */
    weir_guard *domain;
    weir_stack_index *unmade; /* numbers of workers that have no thread */
    WEIR_ATOMIC(weir__pool_worker *) * workers;
};

static inline weir__pool_worker *weir__pool_worker_self(void)
{
    return (weir__pool_worker *)(void *)weir__worker_self;
}

/* Whether a thread has been made: from then on there is one until the end. */
bool weir__crew_has_begun(const weir_pool *pool);

/* Before the first submit: there is a thread. Returns: 0; -EAGAIN; -ENOMEM. */
int weir__crew_begin(weir_pool *pool);

/* After work was made visible by a sequentially consistent read-modify-write: wakes a worker,
 * unless one searches, who looks once more when he has found something. */
void weir__crew_notify(weir_pool *pool);

/* For who finds nothing: he becomes the one who searches. Returns: false if another does. */
bool weir__crew_search(weir__pool_worker *self);

/* The one who searches has found something. */
void weir__crew_found(weir__pool_worker *self);

/* A worker that may search will do something else first: others are not to rely on it. */
void weir__crew_pause(weir__pool_worker *self);

/* Sleeps until it is woken. */
void weir__crew_sleep(weir__pool_worker *self);

/* Whether there are more than were asked for. */
bool weir__crew_too_many(const weir_pool *pool);

/* Whether there will be no work any more; after a sleep. */
bool weir__crew_ends(const weir_pool *pool);

/* The last of a worker's thread. */
void weir__crew_leave(weir__pool_worker *self);

/* Whether all threads have ended. */
bool weir__crew_is_gone(const weir_pool *pool);

/* Nothing comes from outside any more. */
void weir__crew_stop(weir_pool *pool, uint64_t flags);

/* Changes the number of workers. Returns: false after stop. */
bool weir__crew_resize(weir_pool *pool, unsigned workers);

/* ---- work ---- */

/* A worker's thread. */
void *weir__pool_work(void *worker);

/* A job that will not be run. */
void weir__pool_discard(const weir_pool *pool, weir_job *job);

/* Whether there is work anywhere; from outside. */
bool weir__pool_has_work(weir_pool *pool);
bool weir__pool_has_outside(weir_pool *pool);

/* A job that a worker has stolen from a deque of spawned ones. */
void weir__pool_run_stolen(weir__pool_worker *self, weir_job *job);

/* Of what a worker counts. */
static inline void weir__tally_add(weir__tally *tally, uint64_t n)
{
    /* relaxed: own word; a number by itself. */
    weir_atomic_store(tally, weir_atomic_load(tally, WEIR_RELAXED) + n, WEIR_RELAXED);
}

#endif /* WEIR_LIB_POOL_H */
