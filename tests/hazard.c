/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What is the hazards' own: slots. The rest is in tests/reclaim_cases.h, which tests/guard runs. */

#define WEIR_CHECKED 1

#include "reclaim.h"

#include <weir/hazard.h>

typedef struct page {
    weir_retired header;
    unsigned calls;
    char load[40];
} page;

WEIR_HAZARD_DEFINE(page, page, header);

static weir_hazard *domain;
static WEIR_ATOMIC(size_t) freed;

static size_t freed_now(void)
{
    /* relaxed: ordered by joins and handshakes. */
    return weir_atomic_load(&freed, WEIR_RELAXED);
}

static void note_page(weir_retired *object)
{
    page *const p = (page *)(void *)object;

    CHECK_EQ(p->calls++, 0);
    /* relaxed: as above. */
    weir_atomic_fetch_add(&freed, 1, WEIR_RELAXED);
}

static weir_hazard_record *begin(size_t batch_objects, bool fenced)
{
    const weir_reclaim_options options = {.batch_objects = batch_objects, .fenced = fenced};

    /* relaxed: no other thread is there. */
    weir_atomic_store(&freed, 0, WEIR_RELAXED);
    CHECK_EQ(weir_hazard_new(&domain, &options), 0);
    return weir_hazard_self(domain);
}

static size_t waiting(void)
{
    weir_reclaim_stats stats;

    weir_hazard_stats(domain, &stats);
    return stats.objects;
}

static void a_slot_protects_what_was_found(void)
{
    for (int fenced = 0; fenced < 2; fenced++) {
        weir_hazard_record *const record = begin(1, fenced != 0);
        WEIR_ATOMIC(page *) root = WEIR_ATOMIC_INIT(NULL);
        page pages[3];

        memset(pages, 0, sizeof pages);
        CHECK(page_protect(record, 0, &root) == NULL);
        CHECK(!weir_hazard_inside(record));
        weir_atomic_store(&root, &pages[0], WEIR_RELEASE);
        CHECK(page_protect(record, 0, &root) == &pages[0]);
        CHECK(weir_hazard_inside(record));
        weir_atomic_store(&root, &pages[1], WEIR_RELEASE);
        page_retire(record, &pages[0], note_page);
        page_retire(record, &pages[2], note_page);
        CHECK_EQ(pages[0].calls, 0);
        CHECK_EQ(pages[2].calls, 1);
        /* The slot is used again: what it protected before is free. */
        CHECK(page_protect(record, 0, &root) == &pages[1]);
        CHECK_EQ(weir_hazard_collect(record), 1);
        CHECK_EQ(pages[0].calls, 1);
        weir_atomic_store(&root, NULL, WEIR_RELEASE);
        page_retire(record, &pages[1], note_page);
        CHECK_EQ(pages[1].calls, 0);
        weir_hazard_clear(record, 0);
        CHECK_EQ(weir_hazard_collect(record), 1);
        CHECK_EQ(weir_hazard_free(domain), 0);
    }
}

static void set_and_look_again(void)
{
    weir_hazard_record *const record = begin(1, false);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    page pages[2];

    memset(pages, 0, sizeof pages);
    weir_atomic_store(&root, &pages[0], WEIR_RELEASE);
    /* By hand: it was replaced between the load and the set. */
    weir_hazard_set(record, 3, &pages[1]);
    CHECK(weir_atomic_load(&root, WEIR_ACQUIRE) != &pages[1]);
    CHECK(weir_hazard_protect(record, 3, &root) == &pages[0]);
    page_retire(record, &pages[1], note_page);
    CHECK_EQ(pages[1].calls, 1);
    /* One object in two slots is kept until both are clear. */
    CHECK(weir_hazard_protect(record, 7, &root) == &pages[0]);
    weir_atomic_store(&root, NULL, WEIR_RELEASE);
    page_retire(record, &pages[0], note_page);
    weir_hazard_clear(record, 3);
    CHECK_EQ(weir_hazard_collect(record), 0);
    weir_hazard_clear(record, 7);
    CHECK_EQ(weir_hazard_collect(record), 1);
    CHECK_EQ(weir_hazard_free(domain), 0);
}

static void slots_grow_without_a_limit(void)
{
    enum { SLOTS = 1000 };
    static page pages[SLOTS];

    for (int fenced = 0; fenced < 2; fenced++) {
        weir_hazard_record *const record = begin(100000, fenced != 0);
        weir_reclaim_stats stats;

        memset(pages, 0, sizeof pages);
        CHECK_DIES(weir_hazard_set(record, WEIR_HAZARD_SLOTS, &pages[0]),
                   "no such hazard slot: reserve it first");
        for (unsigned slots = 0; slots <= SLOTS; slots += 10)
            CHECK_EQ(weir_hazard_reserve(record, slots), 0);
        CHECK_EQ(weir_hazard_reserve(record, 3), 0);
        CHECK_DIES(weir_hazard_set(record, SLOTS + 100, &pages[0]),
                   "no such hazard slot: reserve it first");
        for (unsigned i = 0; i < SLOTS; i++)
            weir_hazard_set(record, i, &pages[i]);
        for (unsigned i = 0; i < SLOTS; i++)
            page_retire(record, &pages[i], note_page);
        CHECK_EQ(weir_hazard_collect(record), 0);
        for (unsigned i = 0; i < SLOTS; i += 2)
            weir_hazard_clear(record, i);
        CHECK_EQ(weir_hazard_collect(record), SLOTS / 2);
        for (unsigned i = 0; i < SLOTS; i++)
            CHECK_EQ(pages[i].calls, i % 2 == 0);
        CHECK_EQ(weir_hazard_free(domain), -EBUSY);
        /* All are cleared when the record is given back. */
        weir_hazard_leave(record);
        CHECK_EQ(freed_now(), SLOTS);
        weir_hazard_stats(domain, &stats);
        CHECK_EQ(stats.left_open, 1);
        CHECK_EQ(weir_hazard_free(domain), 0);
    }
}

/* R10, Concurrency Kit 51594ea, libcds issue 70: more hazards than a scan has room for. The whole
 * of it, 300 threads and 100,000 objects, is in stress/hazard. */
enum { HOLDERS = 30, EACH = 8, OBJECTS = 5000 };

static page all[OBJECTS];
static pthread_barrier_t all_hold, all_clear;

static void *hold_eight(void *argument)
{
    const size_t me = (size_t)(uintptr_t)argument;
    weir_hazard_record *const record = weir_hazard_self(domain);

    CHECK(record != NULL);
    for (unsigned i = 0; i < EACH; i++)
        weir_hazard_set(record, i, &all[(me * EACH + i) * 7 % OBJECTS]);
    pthread_barrier_wait(&all_hold);
    pthread_barrier_wait(&all_clear);
    for (unsigned i = 0; i < EACH; i++)
        weir_hazard_clear(record, i);
    return NULL;
}

static void what_is_held_is_kept_and_all_else_freed(void)
{
    for (int fenced = 0; fenced < 2; fenced++) {
        weir_hazard_record *const record = begin(64, fenced != 0);
        pthread_t holders[HOLDERS];

        memset(all, 0, sizeof all);
        CHECK(pthread_barrier_init(&all_hold, NULL, HOLDERS + 1) == 0);
        CHECK(pthread_barrier_init(&all_clear, NULL, HOLDERS + 1) == 0);
        for (size_t i = 0; i < HOLDERS; i++)
            CHECK(pthread_create(&holders[i], NULL, hold_eight, (void *)(uintptr_t)i) == 0);
        pthread_barrier_wait(&all_hold);
        for (size_t i = 0; i < OBJECTS; i++) {
            page_retire(record, &all[i], note_page);
            CHECK(waiting() <= HOLDERS * EACH + 64);
        }
        (void)weir_hazard_collect(record);
        CHECK_EQ(freed_now(), OBJECTS - HOLDERS * EACH);
        for (size_t i = 0; i < HOLDERS * EACH; i++)
            CHECK_EQ(all[i * 7 % OBJECTS].calls, 0);
        CHECK_EQ(weir_hazard_barrier(domain, 0), -ETIMEDOUT);
        CHECK_EQ(freed_now(), OBJECTS - HOLDERS * EACH);
        pthread_barrier_wait(&all_clear);
        CHECK_EQ(weir_hazard_barrier(domain, WEIR_FOREVER), 0);
        CHECK_EQ(freed_now(), OBJECTS);
        for (size_t i = 0; i < HOLDERS; i++)
            CHECK(pthread_join(holders[i], NULL) == 0);
        CHECK_EQ(weir_hazard_free(domain), 0);
        pthread_barrier_destroy(&all_hold);
        pthread_barrier_destroy(&all_clear);
    }
}

/* The bound of the banner: each record may keep what was protected at its own last look. */
static void each_record_keeps_what_was_held_when_it_looked(void)
{
    enum { WRITERS = 3, BATCH = 4, SLOTS = 8 };
    static thing things[WRITERS][SLOTS + BATCH - 1];
    weir_guard *const guard = (now = &flavours[4], domain_of_batches(BATCH));
    weir_guard_record *const record = weir_guard_self(guard);
    puppet writers[WRITERS];

    for (int w = 0; w < WRITERS; w++) {
        const weir_section section = weir_guard_enter(record);

        renew(things[w], SLOTS + BATCH - 1);
        for (unsigned i = 0; i < SLOTS; i++)
            (void)weir_guard_set(record, i, &things[w][i]);
        puppet_start(&writers[w], guard);
        writers[w].things = things[w];
        writers[w].count = SLOTS + BATCH - 1;
        puppet_do(&writers[w], puppet_retire);
        weir_guard_exit(record, section);
    }
    CHECK_EQ(waiting_in(guard), WRITERS * (SLOTS + BATCH - 1));
    CHECK(waiting_in(guard) <= (WRITERS + 1) * (BATCH + SLOTS));
    CHECK_EQ(weir_guard_barrier(guard, 0), 0);
    CHECK_EQ(waiting_in(guard), 0);
    for (int w = 0; w < WRITERS; w++)
        puppet_end(&writers[w]);
    CHECK_EQ(weir_guard_free(guard), 0);
}

/* ---- two that wait for each other ---- */

static page pair[2];
static weir_hazard_record *waiters[2];
static int status[2];
static pthread_barrier_t both;

static void *wait_for_each_other(void *argument)
{
    const size_t me = (size_t)(uintptr_t)argument;

    waiters[me] = weir_hazard_self(domain);
    weir_hazard_set(waiters[me], 0, &pair[0]);
    pthread_barrier_wait(&both);
    status[me] = weir_hazard_synchronize(domain, &pair[0], WEIR_FOREVER);
    pthread_barrier_wait(&both);
    weir_hazard_set(waiters[me], 0, &pair[me]);
    page_retire(waiters[me], &pair[1 - me], note_page);
    pthread_barrier_wait(&both);
    CHECK_EQ(status[me], -EDEADLK);
    status[me] = weir_hazard_barrier(domain, WEIR_FOREVER);
    pthread_barrier_wait(&both);
    CHECK_EQ(status[me], -EDEADLK);
    weir_hazard_clear(waiters[me], 0);
    CHECK_EQ(weir_hazard_barrier(domain, WEIR_FOREVER), 0);
    return NULL;
}

static void who_holds_what_the_other_waits_for_is_told(void)
{
    pthread_t threads[2];

    CHECK(begin(0, false) != NULL);
    memset(pair, 0, sizeof pair);
    CHECK(pthread_barrier_init(&both, NULL, 2) == 0);
    for (size_t i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, wait_for_each_other, (void *)(uintptr_t)i) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_EQ(freed_now(), 2);
    CHECK_EQ(weir_hazard_free(domain), 0);
    pthread_barrier_destroy(&both);
}

static void misuse_of_hazards_is_told(void)
{
    weir_hazard_record *const record = begin(0, false);
    int answer = 0;
    page p;

    memset(&p, 0, sizeof p);
    CHECK_DIES(weir_hazard_retire(record, NULL, note_page, 1), "NULL cannot be retired");
    CHECK_DIES(answer = weir_hazard_synchronize(domain, NULL, 0),
               "synchronize wants the object that was unlinked");
    page_retire(record, &p, note_page);
    CHECK_DIES(page_retire(record, &p, note_page), "retired twice");
    CHECK_EQ(answer, 0);
    CHECK_EQ(weir_hazard_free(domain), 0);
    CHECK_EQ(weir_hazard_free(NULL), 0);
}

int main(void)
{
    return TEST_RUN("hazard", TEST_CASE(a_slot_protects_what_was_found),
                    TEST_CASE(set_and_look_again), TEST_CASE(slots_grow_without_a_limit),
                    TEST_CASE(what_is_held_is_kept_and_all_else_freed),
                    TEST_CASE(each_record_keeps_what_was_held_when_it_looked),
                    TEST_CASE(who_holds_what_the_other_waits_for_is_told),
                    TEST_CASE(misuse_of_hazards_is_told));
}
