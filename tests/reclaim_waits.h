/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/reclaim_waits.h: of the cases of tests/reclaim_cases.h those in which threads wait for
 * each other. */

#ifndef WEIR_TESTS_RECLAIM_WAITS_H
#define WEIR_TESTS_RECLAIM_WAITS_H

#include "reclaim.h"

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
    weir_guard_record *const record = weir_guard_self(domain);
    thing things[3], other;
    puppet slow, waiter;

    renew(things, 3);
    renew(&other, 1);
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
    /* As if it never returned: others' objects are reclaimed, and other callbacks called. */
    retire(record, &other);
    CHECK_EQ(weir_guard_collect(record), 1);
    CHECK_EQ(calls_of(&other), 1);
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

#endif /* WEIR_TESTS_RECLAIM_WAITS_H */
