/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/reclaim_cases.h: the cases that hold for every scheme of reclamation, with
 * membarrier(2) and without: RECLAIM_CASES, over the guard face, for the flavour in `now`. The
 * file that includes it is compiled with WEIR_CHECKED. */

#ifndef WEIR_TESTS_RECLAIM_CASES_H
#define WEIR_TESTS_RECLAIM_CASES_H

#include "reclaim_waits.h"

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

#endif /* WEIR_TESTS_RECLAIM_CASES_H */
