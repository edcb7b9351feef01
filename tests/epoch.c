/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What is the epochs' own; what they share with the others is in tests/reclaim_cases.h, which
 * tests/guard runs. */

#define WEIR_CHECKED 1

#include "reclaim.h"

static weir_epoch *domain;

static void begin(const weir_reclaim_options *options)
{
    /* relaxed: no other thread is there. */
    weir_atomic_store(&reclaimed, 0, WEIR_RELAXED);
    CHECK_EQ(weir_epoch_new(&domain, options), 0);
}

static void a_section_protects_all_that_it_can_find(void)
{
    enum { LENGTH = 100 };
    weir_epoch_record *record;
    thing things[LENGTH];
    weir_section section;

    begin(NULL);
    record = weir_epoch_self(domain);
    CHECK(record != NULL);
    CHECK(weir_epoch_self(domain) == record);
    renew(things, LENGTH);
    section = weir_epoch_enter(record);
    CHECK(weir_epoch_inside(record));
    for (size_t i = 0; i < LENGTH; i++)
        weir_epoch_retire(record, &things[i].header, reclaim_thing, sizeof things[i]);
    CHECK_EQ(weir_epoch_collect(record), 0);
    CHECK_EQ(reclaimed_now(), 0);
    CHECK_EQ(weir_epoch_synchronize(domain, WEIR_FOREVER), -EDEADLK);
    CHECK_EQ(weir_epoch_barrier(domain, WEIR_FOREVER), -EDEADLK);
    weir_epoch_exit(record, section);
    CHECK(!weir_epoch_inside(record));
    CHECK_EQ(weir_epoch_synchronize(domain, WEIR_FOREVER), 0);
    CHECK_EQ(reclaimed_now(), 0);
    CHECK_EQ(weir_epoch_barrier(domain, WEIR_FOREVER), 0);
    CHECK_EQ(reclaimed_now(), LENGTH);
    CHECK_EQ(weir_epoch_free(domain), 0);
    CHECK_EQ(weir_epoch_free(NULL), 0);
}

static void sections_without_the_record_at_hand(void)
{
    weir_section outer, inner;

    begin(NULL);
    outer = weir_epoch_enter_here(domain);
    inner = weir_epoch_enter(weir_epoch_self(domain));
    CHECK(weir_epoch_inside(weir_epoch_self(domain)));
    weir_epoch_exit_here(domain, inner);
    CHECK(weir_epoch_inside(weir_epoch_self(domain)));
    weir_epoch_exit_here(domain, outer);
    CHECK(!weir_epoch_inside(weir_epoch_self(domain)));
    CHECK_EQ(weir_epoch_free(domain), 0);
    /* The first time wants memory, and there is nobody to be told that there is none. */
    test_alloc_fail_at(2);
    begin(NULL);
    CHECK_DIES(outer = weir_epoch_enter_here(domain), "no memory for the thread's record");
    CHECK_EQ(weir_epoch_free(domain), 0);
    weir_set_allocator(NULL);
}

/* More domains than a thread remembers: each look-up still finds the own record. */
static void a_thread_may_use_many_domains(void)
{
    enum { DOMAINS = 40 };
    weir_epoch *domains[DOMAINS];
    weir_epoch_record *records[DOMAINS];

    for (int i = 0; i < DOMAINS; i++) {
        CHECK_EQ(weir_epoch_new(&domains[i], NULL), 0);
        records[i] = weir_epoch_self(domains[i]);
        CHECK(records[i] != NULL);
    }
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < DOMAINS; i++)
            CHECK(weir_epoch_self(domains[i]) == records[i]);
    for (int i = 0; i < DOMAINS; i += 2)
        CHECK_EQ(weir_epoch_free(domains[i]), 0);
    for (int i = 1; i < DOMAINS; i += 2)
        CHECK(weir_epoch_self(domains[i]) == records[i]);
    for (int i = 1; i < DOMAINS; i += 2)
        CHECK_EQ(weir_epoch_free(domains[i]), 0);
}

/* A new domain where an old one was is not taken for it. */
static void a_freed_domain_is_forgotten(void)
{
    for (int i = 0; i < 100; i++) {
        weir_reclaim_stats stats;

        begin(NULL);
        weir_epoch_stats(domain, &stats);
        CHECK_EQ(stats.records, 0);
        CHECK(weir_epoch_self(domain) != NULL);
        weir_epoch_stats(domain, &stats);
        CHECK_EQ(stats.records, 1);
        CHECK_EQ(weir_epoch_free(domain), 0);
    }
}

static WEIR_ATOMIC(int) places; /* threads that are where they shall be */

static void reach(int place)
{
    /* sync(place): acquire and release, of each other; a test's own handshake. */
    weir_atomic_fetch_add(&places, 1, WEIR_ACQ_REL);
    while (weir_atomic_load(&places, WEIR_ACQUIRE) < place)
        sched_yield();
}

static thing held;
static WEIR_ATOMIC(thing *) root = WEIR_ATOMIC_INIT(NULL);

/* R2 of the next test: inside with `held` since before its retire. */
static void *stay_inside(void *unused)
{
    weir_epoch_record *const record = weir_epoch_self(domain);
    const weir_section section = weir_epoch_enter(record);
    const thing *const found = weir_atomic_load(&root, WEIR_ACQUIRE);

    CHECK(found == &held);
    reach(2);
    while (!is_enough())
        CHECK_EQ(calls_of(found), 0);
    weir_epoch_exit(record, section);
    return unused;
}

/* R3: comes and goes. */
static void *come_and_go(void *unused)
{
    weir_epoch_record *const record = weir_epoch_self(domain);

    while (!is_enough())
        weir_epoch_exit(record, weir_epoch_enter(record));
    return unused;
}

/* R11, Concurrency Kit d24fc27 and issue 63: of three threads one is idle, one inside since before
 * the retire, one comes and goes: none of the others makes the second one be overlooked. */
static void an_idle_thread_does_not_stand_for_all(void)
{
    pthread_t inside, restless;
    puppet idle;

    begin(NULL);
    puppet_start(&idle, NULL);
    renew(&held, 1);
    set_enough(false);
    /* relaxed: no other thread is there. */
    weir_atomic_store(&places, 0, WEIR_RELAXED);
    weir_atomic_store(&root, &held, WEIR_RELEASE);
    CHECK(weir_epoch_self(domain) != NULL);
    CHECK(pthread_create(&inside, NULL, stay_inside, NULL) == 0);
    CHECK(pthread_create(&restless, NULL, come_and_go, NULL) == 0);
    reach(2);
    weir_atomic_store(&root, NULL, WEIR_RELEASE);
    weir_epoch_retire(weir_epoch_self(domain), &held.header, reclaim_thing, sizeof held);
    for (int i = 0; i < 2000; i++) {
        CHECK_EQ(weir_epoch_synchronize(domain, 0), -ETIMEDOUT);
        CHECK_EQ(weir_epoch_collect(weir_epoch_self(domain)), 0);
    }
    CHECK_EQ(calls_of(&held), 0);
    set_enough(true);
    CHECK(pthread_join(inside, NULL) == 0);
    CHECK(pthread_join(restless, NULL) == 0);
    CHECK_EQ(weir_epoch_collect(weir_epoch_self(domain)), 1);
    puppet_end(&idle);
    CHECK_EQ(weir_epoch_free(domain), 0);
}

/* A reader that stays keeps what is retired after it came, and nothing of before. */
static void batches_are_told_apart(void)
{
    enum { EACH = 10, BATCHES = 5 };
    static thing things[BATCHES][EACH];
    weir_epoch_record *record;
    weir_section sections[BATCHES];
    weir_guard *guard; /* for the puppets */
    puppet early, late;

    now = &flavours[0];
    guard = domain_of_batches(EACH);
    puppet_start(&early, guard);
    puppet_start(&late, guard);
    for (int i = 0; i < BATCHES; i++) {
        renew(things[i], EACH);
        if (i == 1)
            puppet_do(&early, puppet_enter);
        if (i == 3)
            puppet_do(&late, puppet_enter);
        for (int k = 0; k < EACH; k++)
            retire(weir_guard_self(guard), &things[i][k]);
        CHECK_EQ(reclaimed_now(), EACH);
    }
    puppet_do(&early, puppet_exit);
    CHECK_EQ(weir_guard_collect(weir_guard_self(guard)), 2 * EACH);
    for (int i = 0; i < BATCHES; i++)
        CHECK_EQ(calls_of(&things[i][0]), i < 3);
    puppet_do(&late, puppet_exit);
    CHECK_EQ(weir_guard_collect(weir_guard_self(guard)), 2 * EACH);
    puppet_end(&early);
    puppet_end(&late);
    CHECK_EQ(weir_guard_free(guard), 0);
    /* Deep nesting is one section. */
    begin(NULL);
    record = weir_epoch_self(domain);
    for (int i = 0; i < BATCHES; i++)
        sections[i] = weir_epoch_enter(record);
    for (int i = BATCHES; i-- > 0;) {
        CHECK(weir_epoch_inside(record));
        weir_epoch_exit(record, sections[i]);
    }
    CHECK(!weir_epoch_inside(record));
    CHECK_EQ(weir_epoch_free(domain), 0);
}

static void misuse_of_epochs_is_told(void)
{
    weir_epoch_record *record;
    weir_section section;
    thing t;

    begin(NULL);
    record = weir_epoch_self(domain);
    renew(&t, 1);
    CHECK_DIES(weir_epoch_retire(record, NULL, reclaim_thing, 1), "NULL cannot be retired");
    weir_epoch_retire(record, &t.header, reclaim_thing, 1);
    CHECK_DIES(weir_epoch_retire(record, &t.header, reclaim_thing, 1), "retired twice");
    section = weir_epoch_enter(record);
    weir_epoch_exit(record, section);
    CHECK_DIES(weir_epoch_exit(record, section), "exit without enter, or twice");
    CHECK_EQ(weir_epoch_free(domain), 0);
    CHECK_DIES((void)weir_epoch_free(domain), "freed twice, or never made");
}

int main(void)
{
    return TEST_RUN(
        "epoch", TEST_CASE(a_section_protects_all_that_it_can_find),
        TEST_CASE(sections_without_the_record_at_hand), TEST_CASE(a_thread_may_use_many_domains),
        TEST_CASE(a_freed_domain_is_forgotten), TEST_CASE(an_idle_thread_does_not_stand_for_all),
        TEST_CASE(batches_are_told_apart), TEST_CASE(misuse_of_epochs_is_told));
}
