/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/reclaim.h: what the tests of reclamation share: objects with a ledger, and puppets:
 * threads that do one thing when told and say when it is done, so that "while another thread
 * is inside" is a fact and not a matter of time. The cases that hold for every scheme are in
 * tests/reclaim_cases.h. */

#ifndef WEIR_TESTS_RECLAIM_H
#define WEIR_TESTS_RECLAIM_H

#include "test.h"

#include <weir/guard.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#define MS UINT64_C(1000000)

/* ---- objects ---- */

/* Counted in `reclaimed` when its callback is called, and never freed before its test ends: a
 * second call is seen. */
typedef struct thing {
    weir_retired header;
    WEIR_ATOMIC(unsigned) calls;
    uint64_t number;
} thing;

static WEIR_ATOMIC(size_t) reclaimed; /* callbacks since domain_with() */

static inline unsigned calls_of(const thing *t)
{
    /* relaxed: what is compared with was ordered by a join or a handshake. */
    return weir_atomic_load(&t->calls, WEIR_RELAXED);
}

static inline size_t reclaimed_now(void)
{
    /* relaxed: as above. */
    return weir_atomic_load(&reclaimed, WEIR_RELAXED);
}

static inline void count_call(thing *t)
{
    /* relaxed: a ledger; the tests' own handshakes order it. */
    CHECK_EQ(weir_atomic_fetch_add(&t->calls, 1, WEIR_RELAXED), 0);
    weir_atomic_fetch_add(&reclaimed, 1, WEIR_RELAXED);
}

static inline void reclaim_thing(weir_retired *object)
{
    count_call((thing *)(void *)object);
}

/* As new: not retired, not called. */
static inline void renew(thing *things, size_t count)
{
    memset((void *)things, 0, count * sizeof *things);
    for (size_t i = 0; i < count; i++)
        things[i].number = i;
}

/* ---- flavours ---- */

typedef struct flavour {
    const char *name;
    weir_guard_scheme scheme;
    bool fenced;
} flavour;

static const flavour flavours[] = {
    {"epoch", WEIR_GUARD_EPOCH, false},       {"epoch, fenced", WEIR_GUARD_EPOCH, true},
    {"interval", WEIR_GUARD_INTERVAL, false}, {"interval, fenced", WEIR_GUARD_INTERVAL, true},
    {"hazard", WEIR_GUARD_HAZARD, false},     {"hazard, fenced", WEIR_GUARD_HAZARD, true}};

static const flavour *now = &flavours[0];

static inline weir_guard *domain_with(weir_reclaim_options options)
{
    weir_guard *domain = NULL;

    /* relaxed: no other thread is there. */
    weir_atomic_store(&reclaimed, 0, WEIR_RELAXED);
    options.fenced = now->fenced;
    CHECK_EQ(weir_guard_new(&domain, now->scheme, &options), 0);
    return domain;
}

static inline weir_guard *domain_of_batches(size_t objects)
{
    const weir_reclaim_options options = {.batch_objects = objects};

    return domain_with(options);
}

static inline weir_guard *domain_made(void)
{
    return domain_of_batches(0);
}

static inline weir_reclaim_stats stats_of(weir_guard *domain)
{
    weir_reclaim_stats stats;

    weir_guard_stats(domain, &stats);
    return stats;
}

static inline size_t waiting_in(weir_guard *domain)
{
    return stats_of(domain).objects;
}

static inline void retire(weir_guard_record *record, thing *t)
{
    weir_guard_retire(record, &t->header, reclaim_thing, sizeof *t);
}

/* Makes a thing that is to be found in `root`, and takes away the one that was there. */
static inline void replace(weir_guard_record *record, WEIR_ATOMIC(void *) * root, thing *with)
{
    thing *old;

    if (with != NULL)
        weir_guard_born(record, &with->header);
    old = (thing *)weir_atomic_exchange(root, with, WEIR_ACQ_REL);
    if (old != NULL)
        retire(record, old);
}

/* ---- puppets ---- */

typedef struct puppet puppet;

struct puppet {
    pthread_t id;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void (*job)(puppet *p); /* being done, or to be done */
    bool ends;
    /* what its jobs work on */
    weir_guard *domain;
    weir_guard_record *record;
    weir_section section;
    WEIR_ATOMIC(void *) * root;
    thing *held;
    thing *things;
    size_t count;
    uint64_t deadline;
    int status;
    int tid;
    pthread_barrier_t *gate;
};

static inline void *puppet_main(void *argument)
{
    puppet *const p = (puppet *)argument;

    p->tid = (int)syscall(SYS_gettid);
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->job == NULL && !p->ends)
            pthread_cond_wait(&p->changed, &p->lock);
        if (p->job == NULL)
            break;
        pthread_mutex_unlock(&p->lock);
        p->job(p);
        pthread_mutex_lock(&p->lock);
        p->job = NULL;
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Begins a job, and does not wait. */
static inline void puppet_begin(puppet *p, void (*job)(puppet *p))
{
    pthread_mutex_lock(&p->lock);
    CHECK(p->job == NULL);
    p->job = job;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

static inline void puppet_wait(puppet *p)
{
    pthread_mutex_lock(&p->lock);
    while (p->job != NULL)
        pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static inline void puppet_do(puppet *p, void (*job)(puppet *p))
{
    puppet_begin(p, job);
    puppet_wait(p);
}

static inline void puppet_look_up(puppet *p)
{
    p->record = weir_guard_self(p->domain);
    CHECK(p->record != NULL);
}

/* Starts a thread that has a record in the domain, if there is one. */
static inline void puppet_start(puppet *p, weir_guard *domain)
{
    memset((void *)p, 0, sizeof *p);
    p->domain = domain;
    CHECK(pthread_mutex_init(&p->lock, NULL) == 0);
    CHECK(pthread_cond_init(&p->changed, NULL) == 0);
    CHECK(pthread_create(&p->id, NULL, puppet_main, p) == 0);
    if (domain != NULL)
        puppet_do(p, puppet_look_up);
}

/* Lets the thread end, and waits for that. */
static inline void puppet_end(puppet *p)
{
    puppet_wait(p);
    pthread_mutex_lock(&p->lock);
    p->ends = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    CHECK(pthread_join(p->id, NULL) == 0);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
}

/* Enters, and protects what is in `root`, which it finds as `held`. */
static inline void puppet_enter(puppet *p)
{
    p->section = weir_guard_enter(p->record);
    p->held = p->root == NULL ? NULL : (thing *)weir_guard_protect(p->record, 0, p->root);
}

static inline void puppet_exit(puppet *p)
{
    weir_guard_exit(p->record, p->section);
}

static inline void puppet_retire(puppet *p)
{
    for (size_t i = 0; i < p->count; i++)
        retire(p->record, &p->things[i]);
}

static inline void puppet_collect(puppet *p)
{
    (void)weir_guard_collect(p->record);
}

static inline void puppet_barrier(puppet *p)
{
    p->status = weir_guard_barrier(p->domain, p->deadline);
}

static inline void puppet_synchronize(puppet *p)
{
    p->status = weir_guard_synchronize(p->domain, p->held, p->deadline);
}

/* Returns when another thread has asked this reader to wake it: it is about to wait, or waits. */
static inline void until_waited_for(const puppet *p)
{
    /* relaxed: only says when to go on. */
    while ((weir_atomic_load(&p->record->reader.attention, WEIR_RELAXED) &
            WEIR__ATTENTION_WAITED) == 0)
        sched_yield();
}

static WEIR_ATOMIC(bool) enough;

static inline bool is_enough(void)
{
    /* relaxed: only says when to stop. */
    return weir_atomic_load(&enough, WEIR_RELAXED);
}

static inline void set_enough(bool value)
{
    /* relaxed: as above. */
    weir_atomic_store(&enough, value, WEIR_RELAXED);
}

#endif /* WEIR_TESTS_RECLAIM_H */
