/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/reclaim.h: what the tests of reclamation share: objects with a ledger, and puppets:
 * threads that do one thing when told and say when it is done, so that "while another thread
 * is inside" is a fact and not a matter of time. And the cases that hold for every scheme,
 * with membarrier(2) and without: RECLAIM_CASES, over the guard face, for the flavour in
 * `now`. The file that includes it is compiled with WEIR_CHECKED. */

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

enum { NO_LINK = -1 };

/* Counted in `reclaimed` when its callback is called, and never freed before its test ends: a
 * second call is seen. */
typedef struct thing {
    weir_retired header;
    WEIR_ATOMIC(unsigned) calls;
    uint64_t number;
} thing;

static WEIR_ATOMIC(size_t) reclaimed; /* callbacks since test_begin() */

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

/* ---- cases: objects ---- */

static inline void what_is_retired_is_reclaimed_once(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    thing things[10];

    renew(things, 10);
    for (size_t i = 0; i < 10; i++) {
        retire(record, &things[i]);
        CHECK_EQ(waiting_in(domain), i + 1);
        CHECK_EQ(stats_of(domain).bytes, (i + 1) * sizeof(thing));
    }
    CHECK_EQ(reclaimed_now(), 0);
    CHECK_EQ(weir_guard_collect(record), 10);
    CHECK_EQ(reclaimed_now(), 10);
    CHECK_EQ(weir_guard_collect(record), 0);
    CHECK_EQ(waiting_in(domain), 0);
    CHECK_EQ(stats_of(domain).bytes, 0);
    CHECK_EQ(weir_guard_free(domain), 0);
    for (size_t i = 0; i < 10; i++)
        CHECK_EQ(calls_of(&things[i]), 1);
}

static inline void a_batch_is_so_many_objects(void)
{
    weir_guard *const domain = domain_of_batches(10);
    weir_guard_record *const record = weir_guard_self(domain);
    thing things[30];

    renew(things, 30);
    for (size_t i = 0; i < 30; i++) {
        CHECK_EQ(reclaimed_now(), i / 10 * 10);
        retire(record, &things[i]);
    }
    CHECK_EQ(reclaimed_now(), 30);
    CHECK_EQ(weir_guard_free(domain), 0);
}

static inline void or_so_many_bytes(void)
{
    const weir_reclaim_options options = {.batch_bytes = 1000};
    weir_guard *const domain = domain_with(options);
    weir_guard_record *const record = weir_guard_self(domain);
    thing things[12];

    renew(things, 12);
    for (size_t i = 0; i < 9; i++)
        weir_guard_retire(record, &things[i].header, reclaim_thing, 100);
    weir_guard_retire(record, &things[9].header, reclaim_thing, 99);
    CHECK_EQ(reclaimed_now(), 0);
    weir_guard_retire(record, &things[10].header, reclaim_thing, 1);
    CHECK_EQ(reclaimed_now(), 11);
    weir_guard_retire(record, &things[11].header, reclaim_thing, 1000);
    CHECK_EQ(reclaimed_now(), 12);
    CHECK_EQ(weir_guard_free(domain), 0);
}

static inline void a_reader_keeps_what_it_holds(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    thing things[2];
    puppet reader;

    renew(things, 2);
    puppet_start(&reader, domain);
    replace(record, &root, &things[0]);
    reader.root = &root;
    puppet_do(&reader, puppet_enter);
    CHECK(reader.held == &things[0]);
    replace(record, &root, &things[1]);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(weir_guard_collect(record), 0);
    CHECK_EQ(calls_of(&things[0]), 0);
    puppet_do(&reader, puppet_exit);
    CHECK_EQ(weir_guard_collect(record), 1);
    CHECK_EQ(calls_of(&things[0]), 1);
    puppet_end(&reader);
    replace(record, &root, NULL);
    CHECK_EQ(weir_guard_free(domain), 0);
    CHECK_EQ(calls_of(&things[1]), 1);
}

/* The writer's own section counts as anybody's. */
static inline void ones_own_section_keeps_too(void)
{
    weir_guard *const domain = domain_of_batches(1);
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    weir_section outer, inner;
    thing things[2];

    renew(things, 2);
    replace(record, &root, &things[0]);
    CHECK(!weir_guard_inside(record));
    outer = weir_guard_enter(record);
    CHECK(weir_guard_inside(record));
    inner = weir_guard_enter(record);
    CHECK(weir_guard_protect(record, 0, &root) == &things[0]);
    replace(record, &root, &things[1]);
    CHECK_EQ(calls_of(&things[0]), 0);
    weir_guard_exit(record, inner);
    CHECK(weir_guard_inside(record));
    CHECK_EQ(weir_guard_collect(record), 0);
    weir_guard_exit(record, outer);
    CHECK(!weir_guard_inside(record));
    CHECK_EQ(weir_guard_collect(record), 1);
    replace(record, &root, NULL);
    CHECK_EQ(calls_of(&things[1]), 1);
    CHECK_EQ(weir_guard_free(domain), 0);
}

static inline void domains_know_nothing_of_each_other(void)
{
    weir_guard *const domain = domain_made();
    weir_guard *const other = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    thing held, t;
    puppet reader;

    renew(&held, 1);
    renew(&t, 1);
    CHECK(weir_guard_self(other) != record);
    puppet_start(&reader, other);
    replace(weir_guard_self(other), &root, &held);
    reader.root = &root;
    puppet_do(&reader, puppet_enter);
    retire(record, &t);
    CHECK_EQ(weir_guard_synchronize(domain, &t, WEIR_FOREVER), 0);
    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
    CHECK_EQ(calls_of(&t), 1);
    CHECK_EQ(weir_guard_free(domain), 0);
    CHECK_EQ(weir_guard_free(other), -EBUSY);
    puppet_do(&reader, puppet_exit);
    puppet_end(&reader);
    CHECK_EQ(weir_guard_free(other), 0);
}

/* ---- cases: callbacks that do more than free ---- */

enum { CHAIN = 10000 };

/* Links of a chain: the callback of each retires the next. */
static thing chain[CHAIN];
static weir_guard *chain_domain;
static uintptr_t lowest_frame, highest_frame;

static inline void reclaim_link(weir_retired *object)
{
    thing *const t = (thing *)(void *)object;
    const uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

    if (frame < lowest_frame)
        lowest_frame = frame;
    if (frame > highest_frame)
        highest_frame = frame;
    count_call(t);
    if (t + 1 < chain + CHAIN)
        weir_guard_retire(weir_guard_self(chain_domain), &t[1].header, reclaim_link, sizeof *t);
}

static inline weir_guard_record *chain_begin(size_t batch_objects)
{
    chain_domain = domain_of_batches(batch_objects);
    renew(chain, CHAIN);
    lowest_frame = UINTPTR_MAX;
    highest_frame = 0;
    return weir_guard_self(chain_domain);
}

/* All links were reclaimed, and not each in the frame of the one before. */
static inline void chain_end(void)
{
    CHECK_EQ(reclaimed_now(), CHAIN);
    CHECK(highest_frame - lowest_frame < 4096);
}

static inline void callbacks_may_retire(void)
{
    weir_guard_record *record = chain_begin(1);

    weir_guard_retire(record, &chain[0].header, reclaim_link, sizeof chain[0]);
    chain_end();
    CHECK_EQ(weir_guard_free(chain_domain), 0);
    /* As somebody asks: with each what is there, and at least that. */
    record = chain_begin(0);
    weir_guard_retire(record, &chain[0].header, reclaim_link, sizeof chain[0]);
    for (size_t i = 0; i < 100; i++) {
        const size_t before = reclaimed_now();

        if (i % 2 == 0)
            CHECK_EQ(weir_guard_collect(record), 1);
        else
            CHECK_EQ(weir_guard_barrier(chain_domain, WEIR_FOREVER), 0);
        CHECK(reclaimed_now() > before);
    }
    /* The rest in free. */
    CHECK_EQ(weir_guard_free(chain_domain), 0);
    chain_end();
    /* And free with batches of one, which would look for more at each. */
    record = chain_begin(1);
    {
        const weir_section section = weir_guard_enter(record);
        WEIR_ATOMIC(void *) root;

        weir_atomic_init(&root, &chain[0]);
        CHECK(weir_guard_protect(record, 0, &root) == &chain[0]);
        weir_guard_retire(record, &chain[0].header, reclaim_link, sizeof chain[0]);
        CHECK_EQ(reclaimed_now(), 0);
        weir_guard_exit(record, section);
    }
    CHECK_EQ(weir_guard_free(chain_domain), 0);
    chain_end();
}

static weir_guard *callback_domain;
static int callback_status[4];

static inline void reclaim_and_wait(weir_retired *object)
{
    count_call((thing *)(void *)object);
    callback_status[0] = weir_guard_synchronize(callback_domain, object, WEIR_FOREVER);
    callback_status[1] = weir_guard_barrier(callback_domain, WEIR_FOREVER);
    callback_status[2] = weir_guard_free(callback_domain);
    callback_status[3] = (int)weir_guard_collect(weir_guard_self(callback_domain));
}

/* Waiting for callbacks within one would be for ever. */
static inline void callbacks_may_synchronize_and_no_more(void)
{
    static const int want[4] = {0, -EDEADLK, -EBUSY, 0};

    callback_domain = domain_made();
    for (int way = 0; way < 3; way++) {
        thing t;

        renew(&t, 1);
        memset(callback_status, 0xee, sizeof callback_status);
        weir_guard_retire(weir_guard_self(callback_domain), &t.header, reclaim_and_wait, sizeof t);
        if (way == 0)
            CHECK_EQ(weir_guard_collect(weir_guard_self(callback_domain)), 1);
        else if (way == 1)
            CHECK_EQ(weir_guard_barrier(callback_domain, WEIR_FOREVER), 0);
        else
            CHECK_EQ(weir_guard_free(callback_domain), 0);
        CHECK_EQ(calls_of(&t), 1);
        for (int i = 0; i < 4; i++)
            CHECK_EQ(callback_status[i], want[i]);
    }
}

/* ---- cases: misuse ---- */

static inline void misuse_is_told(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    weir_section outer, inner;
    thing t;

    renew(&t, 1);
    CHECK_DIES(weir_guard_retire(record, NULL, reclaim_thing, 1), "NULL cannot be retired");
    CHECK_DIES(weir_guard_retire(record, &t.header, NULL, 1), "NULL cannot be retired");
    CHECK_DIES(
        {
            retire(record, &t);
            retire(record, &t);
        },
        "retired twice");
    outer = weir_guard_enter(record);
    weir_guard_exit(record, outer);
    CHECK_DIES(weir_guard_exit(record, outer), "exit without enter, or twice");
    outer = weir_guard_enter(record);
    inner = weir_guard_enter(record);
    CHECK_DIES(
        {
            weir_guard_exit(record, outer);
            weir_guard_exit(record, inner);
        },
        "exit without enter, or twice");
    weir_guard_exit(record, inner);
    weir_guard_exit(record, outer);
    CHECK_EQ(weir_guard_free(domain), 0);
    CHECK_EQ(weir_guard_free(NULL), 0);
}

static inline void there_are_three_schemes(void)
{
    weir_guard *domain = NULL;

    CHECK_EQ(weir_guard_new(&domain, (weir_guard_scheme)3, NULL), -EINVAL);
    CHECK(domain == NULL);
    CHECK_EQ(weir_guard_new(&domain, now->scheme, NULL), 0);
    CHECK_EQ(weir_guard_scheme_of(weir_guard_self(domain)), now->scheme);
    CHECK_EQ(weir_guard_reserve(weir_guard_self(domain), 100), 0);
    CHECK_EQ(weir_guard_free(domain), 0);
}

/* What is inside a section, or set, when its thread ends holds nothing up, and is counted. */
static inline void a_section_left_open_is_closed_by_the_threads_end(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    thing t;

    for (size_t i = 0; i < 3; i++) {
        puppet reader;

        renew(&t, 1);
        puppet_start(&reader, domain);
        replace(record, &root, &t);
        reader.root = &root;
        puppet_do(&reader, puppet_enter);
        replace(record, &root, NULL);
        CHECK_EQ(weir_guard_collect(record), 0);
        CHECK_EQ(stats_of(domain).left_open, i);
        puppet_end(&reader);
        CHECK_EQ(stats_of(domain).left_open, i + 1);
        CHECK_EQ(weir_guard_collect(record), 1);
        CHECK_EQ(calls_of(&t), 1);
    }
    CHECK_EQ(weir_guard_free(domain), 0);
}

static inline void is_not_freed_with_readers_inside(void)
{
    weir_guard *const domain = domain_made();
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    thing t;
    puppet reader;

    renew(&t, 1);
    puppet_start(&reader, domain);
    replace(weir_guard_self(domain), &root, &t);
    reader.root = &root;
    puppet_do(&reader, puppet_enter);
    replace(weir_guard_self(domain), &root, NULL);
    CHECK_EQ(weir_guard_free(domain), -EBUSY);
    CHECK_EQ(calls_of(&t), 0);
    CHECK_EQ(waiting_in(domain), 1);
    puppet_do(&reader, puppet_exit);
    /* The thread goes on, and ends after its domain. */
    CHECK_EQ(weir_guard_free(domain), 0);
    CHECK_EQ(calls_of(&t), 1);
    puppet_end(&reader);
}

static inline void free_reclaims_what_all_threads_retired(void)
{
    enum { THREADS = 4, EACH = 25 };
    static thing things[THREADS][EACH];
    puppet puppets[THREADS];
    weir_guard *const domain = domain_made();

    for (int i = 0; i < THREADS; i++) {
        renew(things[i], EACH);
        puppet_start(&puppets[i], domain);
        puppets[i].things = things[i];
        puppets[i].count = EACH;
        puppet_do(&puppets[i], puppet_retire);
    }
    /* Two have ended, which looks for what can be freed; two live on. */
    puppet_end(&puppets[0]);
    puppet_end(&puppets[1]);
    CHECK_EQ(reclaimed_now(), 2 * EACH);
    CHECK_EQ(weir_guard_free(domain), 0);
    CHECK_EQ(reclaimed_now(), THREADS * EACH);
    puppet_end(&puppets[2]);
    puppet_end(&puppets[3]);
}

/* ---- cases: waiting ---- */

static inline void waiting_inside_is_refused(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    weir_section section;
    thing t;

    renew(&t, 1);
    replace(record, &root, &t);
    section = weir_guard_enter(record);
    CHECK(weir_guard_protect(record, 0, &root) == &t);
    replace(record, &root, NULL);
    CHECK_EQ(weir_guard_synchronize(domain, &t, WEIR_FOREVER), -EDEADLK);
    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), -EDEADLK);
    CHECK_EQ(weir_guard_free(domain), -EBUSY);
    weir_guard_exit(record, section);
    CHECK_EQ(calls_of(&t), 0);
    CHECK_EQ(weir_guard_synchronize(domain, &t, WEIR_FOREVER), 0);
    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
    CHECK_EQ(calls_of(&t), 1);
    CHECK_EQ(weir_guard_free(domain), 0);
}

static inline void deadlines_end_the_waiting(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    thing t;
    puppet reader;

    renew(&t, 1);
    puppet_start(&reader, domain);
    replace(record, &root, &t);
    reader.root = &root;
    puppet_do(&reader, puppet_enter);
    replace(record, &root, NULL);
    for (int i = 0; i < 4; i++) {
        const uint64_t deadlines[] = {0, 1, weir_clock_now(), weir_clock_after(5 * MS)};

        CHECK_EQ(weir_guard_synchronize(domain, &t, deadlines[i]), -ETIMEDOUT);
        CHECK_EQ(weir_guard_barrier(domain, deadlines[i]), -ETIMEDOUT);
        CHECK(weir_clock_now() >= deadlines[i]);
        CHECK_EQ(waiting_in(domain), 1);
    }
    puppet_do(&reader, puppet_exit);
    /* What need not wait does not look at the clock. */
    CHECK_EQ(weir_guard_synchronize(domain, &t, 0), 0);
    CHECK_EQ(weir_guard_barrier(domain, 0), 0);
    CHECK_EQ(calls_of(&t), 1);
    puppet_end(&reader);
    CHECK_EQ(weir_guard_free(domain), 0);
}

/* One reader is inside at the call, another comes while it waits: it waits for the first. */
static inline void synchronize_waits_for_those_who_were_inside(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    thing things[2];
    puppet early, late, waiter;

    puppet_start(&early, domain);
    puppet_start(&late, domain);
    puppet_start(&waiter, domain);
    early.root = late.root = &root;
    waiter.deadline = WEIR_FOREVER;
    for (int i = 0; i < 20; i++) {
        renew(things, 2);
        replace(record, &root, &things[0]);
        puppet_do(&early, puppet_enter);
        CHECK(early.held == &things[0]);
        replace(record, &root, &things[1]);
        waiter.held = &things[0];
        puppet_begin(&waiter, puppet_synchronize);
        until_waited_for(&early);
        puppet_do(&late, puppet_enter);
        CHECK(late.held == &things[1]);
        puppet_do(&early, puppet_exit);
        puppet_wait(&waiter); /* while the late one is inside */
        CHECK_EQ(waiter.status, 0);
        puppet_do(&late, puppet_exit);
        replace(record, &root, NULL);
        CHECK_EQ(weir_guard_collect(record), 2);
    }
    puppet_end(&early);
    puppet_end(&late);
    puppet_end(&waiter);
    CHECK_EQ(weir_guard_free(domain), 0);
}

/* The end of a thread that had left its section open wakes who waits for it. */
static inline void synchronize_sees_that_a_reader_has_ended(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    thing t;
    puppet reader, waiter;

    renew(&t, 1);
    puppet_start(&reader, domain);
    puppet_start(&waiter, domain);
    replace(record, &root, &t);
    reader.root = &root;
    puppet_do(&reader, puppet_enter);
    replace(record, &root, NULL);
    waiter.held = &t;
    waiter.deadline = WEIR_FOREVER;
    puppet_begin(&waiter, puppet_synchronize);
    until_waited_for(&reader);
    puppet_end(&reader);
    puppet_end(&waiter);
    CHECK_EQ(waiter.status, 0);
    CHECK_EQ(weir_guard_free(domain), 0);
    CHECK_EQ(calls_of(&t), 1);
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

static inline void puppet_enters_for_ever(puppet *p)
{
    while (!is_enough()) {
        puppet_enter(p);
        puppet_exit(p);
    }
}

static inline void a_reader_that_comes_back_holds_nothing_up(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    thing things[50];
    puppet readers[2];

    renew(things, 50);
    set_enough(false);
    for (int i = 0; i < 2; i++) {
        puppet_start(&readers[i], domain);
        readers[i].root = &root;
        puppet_begin(&readers[i], puppet_enters_for_ever);
    }
    for (size_t i = 0; i + 1 < 50; i++) {
        replace(record, &root, &things[i]);
        replace(record, &root, &things[i + 1]);
        CHECK_EQ(weir_guard_synchronize(domain, &things[i], WEIR_FOREVER), 0);
        CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
        CHECK_EQ(calls_of(&things[i]), 1);
        renew(&things[i], 1);
        replace(record, &root, NULL);
        CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
        renew(&things[i + 1], 1);
    }
    set_enough(true);
    puppet_end(&readers[0]);
    puppet_end(&readers[1]);
    CHECK_EQ(weir_guard_free(domain), 0);
}

static inline void barrier_runs_what_idle_threads_have_retired(void)
{
    enum { THREADS = 4, EACH = 25 };
    static thing things[THREADS][EACH];
    puppet puppets[THREADS];
    weir_guard *const domain = domain_made();

    for (int i = 0; i < THREADS; i++)
        puppet_start(&puppets[i], domain);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < THREADS; i++) {
            renew(things[i], EACH);
            puppets[i].things = things[i];
            puppets[i].count = EACH;
            puppet_do(&puppets[i], puppet_retire);
        }
        CHECK_EQ(waiting_in(domain), THREADS * EACH);
        CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
        CHECK_EQ(waiting_in(domain), 0);
        for (int i = 0; i < THREADS; i++)
            for (int k = 0; k < EACH; k++)
                CHECK_EQ(calls_of(&things[i][k]), 1);
    }
    for (int i = 0; i < THREADS; i++)
        puppet_end(&puppets[i]);
    CHECK_EQ(weir_guard_free(domain), 0);
}

static pthread_barrier_t gate;
static WEIR_ATOMIC(bool) callback_returns;

/* Comes to the gate, and waits there until somebody else does, twice. */
static inline void reclaim_at_the_gate(weir_retired *object)
{
    pthread_barrier_wait(&gate);
    pthread_barrier_wait(&gate);
    count_call((thing *)(void *)object);
    /* relaxed: whoever has waited for this callback sees it. */
    weir_atomic_store(&callback_returns, true, WEIR_RELAXED);
}

static inline void puppet_retire_at_the_gate(puppet *p)
{
    for (size_t i = 0; i < p->count; i++)
        weir_guard_retire(p->record, &p->things[i].header,
                          i == 0 ? reclaim_at_the_gate : reclaim_thing, sizeof(thing));
    puppet_collect(p);
}

static inline void puppet_barrier_and_look(puppet *p)
{
    puppet_barrier(p);
    /* relaxed: as above. */
    CHECK(weir_atomic_load(&callback_returns, WEIR_RELAXED));
}

/* Of a batch whose callbacks another thread is calling, one is in the middle. */
static inline void barrier_waits_for_callbacks_that_have_begun(void)
{
    weir_guard *const domain = domain_made();
    thing things[3];
    puppet slow, waiter;

    renew(things, 3);
    CHECK(pthread_barrier_init(&gate, NULL, 2) == 0);
    /* relaxed: no other thread is there. */
    weir_atomic_store(&callback_returns, false, WEIR_RELAXED);
    puppet_start(&slow, domain);
    puppet_start(&waiter, domain);
    slow.things = things;
    slow.count = 3;
    puppet_begin(&slow, puppet_retire_at_the_gate);
    pthread_barrier_wait(&gate);
    CHECK_EQ(weir_guard_barrier(domain, 0), -ETIMEDOUT);
    CHECK_EQ(weir_guard_barrier(domain, weir_clock_after(5 * MS)), -ETIMEDOUT);
    waiter.deadline = WEIR_FOREVER;
    puppet_begin(&waiter, puppet_barrier_and_look);
    /* What does not wait for callbacks is not held up. */
    CHECK_EQ(weir_guard_synchronize(domain, &things[0], WEIR_FOREVER), 0);
    pthread_barrier_wait(&gate);
    puppet_end(&waiter);
    CHECK_EQ(waiter.status, 0);
    puppet_end(&slow);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(calls_of(&things[i]), 1);
    CHECK_EQ(weir_guard_free(domain), 0);
    pthread_barrier_destroy(&gate);
}

/* One barrier takes an object, waits for its reader, and gives up; another one, which found
 * nothing left to take, must not say that all was done. */
static inline void a_barrier_that_gives_up_misleads_no_other(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    thing t;
    puppet reader, hasty, patient;

    puppet_start(&reader, domain);
    puppet_start(&hasty, domain);
    puppet_start(&patient, domain);
    reader.root = &root;
    patient.deadline = WEIR_FOREVER;
    for (int i = 0; i < 5; i++) {
        renew(&t, 1);
        replace(record, &root, &t);
        puppet_do(&reader, puppet_enter);
        replace(record, &root, NULL);
        hasty.deadline = weir_clock_after(5 * MS);
        puppet_begin(&hasty, puppet_barrier);
        until_waited_for(&reader);
        puppet_begin(&patient, puppet_barrier);
        puppet_wait(&hasty);
        CHECK_EQ(hasty.status, -ETIMEDOUT);
        puppet_do(&reader, puppet_exit);
        puppet_wait(&patient);
        CHECK_EQ(patient.status, 0);
        CHECK_EQ(calls_of(&t), 1);
    }
    puppet_end(&reader);
    puppet_end(&hasty);
    puppet_end(&patient);
    CHECK_EQ(weir_guard_free(domain), 0);
}

/* ---- cases: who holds things up ---- */

typedef struct complaint {
    size_t count;
    weir_stall last;
} complaint;

static inline void note_stall(const weir_stall *stall, void *context)
{
    complaint *const c = (complaint *)context;

    c->count++;
    c->last = *stall;
}

static inline void a_limit_names_who_holds_things_up(void)
{
    complaint c = {0, {0, 0, 0, 0}};
    const weir_reclaim_options options = {.batch_objects = 4,
                                          .batch_bytes = 100000,
                                          .limit_bytes = 1000,
                                          .stalled = note_stall,
                                          .context = &c};
    weir_guard *const domain = domain_with(options);
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    static thing things[8];
    puppet idle, reader;

    renew(things, 8);
    puppet_start(&idle, domain);
    puppet_start(&reader, domain);
    weir_guard_born(record, &things[0].header);
    for (size_t i = 1; i < 8; i++)
        weir_guard_born(record, &things[i].header);
    /* relaxed: handed over by the puppet's lock. */
    weir_atomic_store(&root, &things[0], WEIR_RELAXED);
    reader.root = &root;
    puppet_do(&reader, puppet_enter);
    /* Below the limit, then above it. A batch is full with 126 bytes, an eighth of the limit: so
     * each of these is looked at. */
    weir_guard_retire(record, &things[0].header, reclaim_thing, 900);
    CHECK_EQ(calls_of(&things[0]), 0);
    CHECK_EQ(c.count, 0);
    weir_guard_retire(record, &things[1].header, reclaim_thing, 200);
    if (now->scheme == WEIR_GUARD_HAZARD) {
        CHECK_EQ(c.count, 0);
        CHECK_EQ(calls_of(&things[1]), 1);
    } else {
        CHECK_EQ(c.count, 1);
        CHECK_EQ(c.last.thread, reader.tid);
        CHECK_EQ(c.last.objects, 2);
        CHECK_EQ(c.last.bytes, 1100);
        CHECK_EQ(c.last.eras, 2);
    }
    /* Nobody is inside: it is the batch itself that is too big. */
    puppet_do(&reader, puppet_exit);
    (void)weir_guard_collect(record);
    CHECK_EQ(waiting_in(domain), 0);
    c.count = 0;
    /* One that is above the limit alone. */
    weir_atomic_store(&root, &things[2], WEIR_RELAXED); /* relaxed: as above. */
    puppet_do(&reader, puppet_enter);
    weir_guard_retire(record, &things[2].header, reclaim_thing, 5000);
    CHECK_EQ(c.count, 1);
    CHECK_EQ(c.last.thread, reader.tid);
    CHECK_EQ(c.last.objects, 1);
    CHECK_EQ(c.last.bytes, 5000);
    CHECK_EQ(c.last.eras, now->scheme == WEIR_GUARD_HAZARD ? 0 : 1);
    puppet_do(&reader, puppet_exit);
    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
    puppet_end(&idle);
    puppet_end(&reader);
    CHECK_EQ(weir_guard_free(domain), 0);
}

/* ---- cases: memory and records ---- */

static inline void survives_exhausted_memory(void)
{
    weir_guard *domain = NULL;
    weir_guard_record *record;
    thing t;

    renew(&t, 1);
    test_alloc_fail_at(1);
    CHECK_EQ(weir_guard_new(&domain, now->scheme, NULL), -ENOMEM);
    CHECK(domain == NULL);
    CHECK_EQ(test_alloc_live, 0);
    test_alloc_fail_at(2);
    CHECK_EQ(weir_guard_new(&domain, now->scheme, NULL), 0);
    CHECK(weir_guard_self(domain) == NULL);
    CHECK_EQ(weir_guard_synchronize(domain, &t, WEIR_FOREVER), 0); /* wants no record */
    test_alloc_fail_nr = 3;
    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), -ENOMEM);
    record = weir_guard_self(domain);
    CHECK(record != NULL);
    CHECK(weir_guard_self(domain) == record);
    /* Slots: what was got before the failure remains, and can be used. */
    for (size_t fail = 1; fail <= 3; fail++) {
        test_alloc_calls = 0;
        test_alloc_fail_nr = fail;
        CHECK_EQ(weir_guard_reserve(record, 100), now->scheme == WEIR_GUARD_HAZARD ? -ENOMEM : 0);
    }
    test_alloc_fail_nr = 0;
    CHECK_EQ(weir_guard_reserve(record, 100), 0);
    /* Neither retire nor what follows wants memory. */
    test_alloc_calls = 0;
    test_alloc_fail_nr = 1;
    retire(record, &t);
    CHECK_EQ(weir_guard_collect(record), 1);
    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
    CHECK_EQ(test_alloc_calls, 0);
    CHECK_EQ(weir_guard_free(domain), 0);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

static inline void records_are_used_again(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *record = weir_guard_self(domain);
    thing things[100];

    renew(things, 100);
    weir_guard_leave(record);
    CHECK(weir_guard_self(domain) == record);
    for (size_t i = 0; i < 100; i++) {
        puppet p;

        puppet_start(&p, domain);
        p.things = &things[i];
        p.count = 1;
        puppet_do(&p, puppet_retire);
        puppet_do(&p, puppet_enter);
        puppet_do(&p, puppet_exit);
        puppet_end(&p);
        CHECK_EQ(calls_of(&things[i]), 1);
    }
    CHECK_EQ(stats_of(domain).records, 2);
    CHECK_EQ(stats_of(domain).left_open, 0);
    CHECK_EQ(weir_guard_free(domain), 0);
}

/* A thread that ends while somebody is inside cannot free what it had retired: the others do. */
static inline void what_ended_threads_have_retired_is_not_lost(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    thing things[2];
    puppet reader, writer;

    renew(things, 2);
    for (int way = 0; way < 2; way++) {
        renew(things, 1);
        puppet_start(&reader, domain);
        puppet_start(&writer, domain);
        weir_guard_born(record, &things[0].header);
        /* relaxed: handed over by the puppet's lock, here and below. */
        weir_atomic_store(&root, &things[0], WEIR_RELAXED);
        reader.root = &root;
        puppet_do(&reader, puppet_enter);
        weir_atomic_store(&root, NULL, WEIR_RELAXED);
        writer.things = &things[0];
        writer.count = 1;
        puppet_do(&writer, puppet_retire);
        puppet_end(&writer);
        CHECK_EQ(weir_guard_collect(record), 0);
        CHECK_EQ(calls_of(&things[0]), 0);
        puppet_do(&reader, puppet_exit);
        if (way == 0)
            CHECK_EQ(weir_guard_collect(record), 1);
        else
            CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
        CHECK_EQ(calls_of(&things[0]), 1);
        puppet_end(&reader);
    }
    CHECK_EQ(weir_guard_free(domain), 0);
}

#define RECLAIM_CASES                                                                            \
    TEST_CASE(what_is_retired_is_reclaimed_once), TEST_CASE(a_batch_is_so_many_objects),         \
        TEST_CASE(or_so_many_bytes), TEST_CASE(a_reader_keeps_what_it_holds),                    \
        TEST_CASE(ones_own_section_keeps_too), TEST_CASE(domains_know_nothing_of_each_other),    \
        TEST_CASE(callbacks_may_retire), TEST_CASE(callbacks_may_synchronize_and_no_more),       \
        TEST_CASE(misuse_is_told), TEST_CASE(there_are_three_schemes),                           \
        TEST_CASE(a_section_left_open_is_closed_by_the_threads_end),                             \
        TEST_CASE(is_not_freed_with_readers_inside),                                             \
        TEST_CASE(free_reclaims_what_all_threads_retired), TEST_CASE(waiting_inside_is_refused), \
        TEST_CASE(deadlines_end_the_waiting),                                                    \
        TEST_CASE(synchronize_waits_for_those_who_were_inside),                                  \
        TEST_CASE(synchronize_sees_that_a_reader_has_ended),                                     \
        TEST_CASE(a_reader_that_comes_back_holds_nothing_up),                                    \
        TEST_CASE(barrier_runs_what_idle_threads_have_retired),                                  \
        TEST_CASE(barrier_waits_for_callbacks_that_have_begun),                                  \
        TEST_CASE(a_barrier_that_gives_up_misleads_no_other),                                    \
        TEST_CASE(a_limit_names_who_holds_things_up), TEST_CASE(survives_exhausted_memory),      \
        TEST_CASE(records_are_used_again), TEST_CASE(what_ended_threads_have_retired_is_not_lost)

#endif /* WEIR_TESTS_RECLAIM_H */
