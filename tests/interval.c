/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What is the intervals' own: birth, the newest era that a reader holds, and the bound under a
 * frozen reader. The rest is in tests/reclaim_cases.h, which tests/guard runs. */

#define WEIR_CHECKED 1

#include "reclaim.h"

#include <weir/interval.h>

typedef struct leaf {
    weir_retired header;
    unsigned calls;
    char load[40];
} leaf;

WEIR_INTERVAL_DEFINE(leaf, leaf, header);

static weir_interval *domain;
static weir_interval_record *own, *readers;
static weir_section section_of_reader;
static WEIR_ATOMIC(leaf *) root = WEIR_ATOMIC_INIT(NULL);
static leaf *found;
static size_t freed;
static puppet reader;

static void note_leaf(weir_retired *object)
{
    leaf *const l = (leaf *)(void *)object;

    CHECK_EQ(l->calls++, 0);
    freed++;
}

static void free_leaf(weir_retired *object)
{
    freed++;
    free(object);
}

static void reader_look_up(puppet *p)
{
    (void)p;
    readers = weir_interval_self(domain);
}

static void reader_enter(puppet *p)
{
    (void)p;
    section_of_reader = weir_interval_enter(readers);
    found = leaf_protect(readers, &root);
}

static void reader_protect(puppet *p)
{
    (void)p;
    found = leaf_protect(readers, &root);
}

static void reader_exit(puppet *p)
{
    (void)p;
    weir_interval_exit(readers, section_of_reader);
}

static void begin(size_t batch_objects, bool fenced)
{
    const weir_reclaim_options options = {.batch_objects = batch_objects, .fenced = fenced};

    freed = 0;
    CHECK_EQ(weir_interval_new(&domain, &options), 0);
    own = weir_interval_self(domain);
    CHECK(own != NULL);
    puppet_start(&reader, NULL);
    puppet_do(&reader, reader_look_up);
}

static void end(void)
{
    puppet_end(&reader);
    CHECK_EQ(weir_interval_free(domain), 0);
}

static void publish(leaf *l)
{
    if (l != NULL) {
        memset(l, 0, sizeof *l);
        leaf_born(own, l);
    }
    weir_atomic_store(&root, l, WEIR_RELEASE);
}

/* Ends the era, as every batch does. */
static void turn(void)
{
    CHECK_EQ(weir_interval_synchronize(domain, 0), -ETIMEDOUT);
}

static void what_is_born_later_is_freed(void)
{
    leaf before, same, after;

    for (int fenced = 0; fenced < 2; fenced++) {
        begin(1, fenced != 0);
        publish(&before);
        puppet_do(&reader, reader_enter); /* and freezes */
        CHECK(found == &before);
        publish(&same);
        leaf_retire(own, &before, note_leaf);
        publish(&after);
        leaf_retire(own, &same, note_leaf);
        publish(NULL);
        CHECK_EQ(freed, 0); /* both were born in the era at which the reader looked last */
        leaf_retire(own, &after, note_leaf);
        CHECK_EQ(freed, 1);
        CHECK_EQ(after.calls, 1);
        puppet_do(&reader, reader_exit);
        CHECK_EQ(weir_interval_collect(own), 2);
        CHECK_EQ(before.calls + same.calls, 2);
        end();
    }
}

/* A reader that goes on within its section moves its newest era along. */
static void protect_follows_the_era(void)
{
    leaf leaves[5];

    for (int fenced = 0; fenced < 2; fenced++) {
        begin(1, fenced != 0);
        publish(&leaves[0]);
        puppet_do(&reader, reader_enter);
        for (int i = 1; i < 5; i++) {
            turn();
            publish(&leaves[i]);
            if (i == 2 || i == 4)
                puppet_do(&reader, reader_protect);
            if (i == 2 || i == 4)
                CHECK(found == &leaves[i]);
        }
        publish(NULL);
        for (int i = 0; i < 5; i++)
            leaf_retire(own, &leaves[i], note_leaf);
        CHECK_EQ(freed, 0);
        puppet_do(&reader, reader_exit);
        CHECK_EQ(weir_interval_collect(own), 5);
        end();
    }
}

/* weir_interval_born() was forgotten: safe, since zero is older than all readers. */
static void without_a_birth_all_is_kept(void)
{
    leaf leaves[10];

    begin(1, false);
    publish(&leaves[0]);
    puppet_do(&reader, reader_enter);
    publish(NULL);
    for (int i = 0; i < 10; i++) {
        turn();
        memset(&leaves[i], 0, sizeof leaves[i]);
        leaf_retire(own, &leaves[i], note_leaf);
    }
    CHECK_EQ(freed, 0);
    puppet_do(&reader, reader_exit);
    CHECK_EQ(weir_interval_collect(own), 10);
    end();
}

static size_t waiting_bytes(void)
{
    weir_reclaim_stats stats;

    weir_interval_stats(domain, &stats);
    return stats.bytes;
}

/* The banner's bound: what was alive when the reader froze and what was born in that era, and
 * for each record twice that again or five batches. */
static void a_frozen_reader_keeps_so_much_and_no_more(void)
{
    enum { ALIVE = 500, BATCH = 64, TURNS = 20000 };
    static WEIR_ATOMIC(leaf *) cells[ALIVE];
    const size_t kept = (ALIVE + BATCH) * sizeof(leaf);
    const size_t batches = 5 * BATCH * sizeof(leaf);
    const size_t bound = kept + 2 * (2 * kept > batches ? 2 * kept : batches); /* two records */
    size_t most = 0;

    begin(BATCH, false);
    for (size_t i = 0; i < ALIVE + TURNS; i++) {
        leaf *const fresh = (leaf *)calloc(1, sizeof *fresh);
        leaf *old;

        CHECK(fresh != NULL);
        leaf_born(own, fresh);
        old = weir_atomic_exchange(&cells[i % ALIVE], fresh, WEIR_ACQ_REL);
        if (old != NULL)
            leaf_retire(own, old, free_leaf);
        if (i == ALIVE)
            puppet_do(&reader, reader_enter);
        if (waiting_bytes() > most)
            most = waiting_bytes();
    }
    CHECK(most >= ALIVE * sizeof(leaf) / 2); /* it does keep what it may hold */
    CHECK(most <= bound);
    CHECK(freed >= TURNS - bound / sizeof(leaf));
    puppet_do(&reader, reader_exit);
    for (size_t i = 0; i < ALIVE; i++)
        leaf_retire(own, weir_atomic_exchange(&cells[i], NULL, WEIR_ACQ_REL), free_leaf);
    CHECK_EQ(weir_interval_barrier(domain, WEIR_FOREVER), 0);
    CHECK_EQ(freed, ALIVE + TURNS);
    end();
}

static void protects_untyped_pointers_too(void)
{
    WEIR_ATOMIC(void *) untyped = WEIR_ATOMIC_INIT(NULL);
    weir_section section;
    leaf l;

    begin(0, false);
    memset(&l, 0, sizeof l);
    section = weir_interval_enter(own);
    CHECK(weir_interval_inside(own));
    CHECK(weir_interval_protect(own, &untyped) == NULL);
    weir_interval_born(own, &l.header);
    weir_atomic_store(&untyped, &l, WEIR_RELEASE);
    CHECK(weir_interval_protect(own, &untyped) == &l);
    CHECK_EQ(weir_interval_barrier(domain, 0), -EDEADLK);
    weir_interval_exit(own, section);
    CHECK(!weir_interval_inside(own));
    CHECK_EQ(weir_interval_synchronize(domain, WEIR_FOREVER), 0);
    end();
}

static void misuse_of_intervals_is_told(void)
{
    WEIR_ATOMIC(void *) untyped = WEIR_ATOMIC_INIT(NULL);
    weir_section section;

    begin(0, false);
    CHECK_DIES((void)weir_interval_protect(own, &untyped), "protect outside of a section");
    CHECK_DIES(weir_interval_retire(own, NULL, note_leaf, 1), "NULL cannot be retired");
    section = weir_interval_enter(own);
    weir_interval_exit(own, section);
    CHECK_DIES(weir_interval_exit(own, section), "exit without enter, or twice");
    end();
}

int main(void)
{
    return TEST_RUN("interval", TEST_CASE(what_is_born_later_is_freed),
                    TEST_CASE(protect_follows_the_era), TEST_CASE(without_a_birth_all_is_kept),
                    TEST_CASE(a_frozen_reader_keeps_so_much_and_no_more),
                    TEST_CASE(protects_untyped_pointers_too),
                    TEST_CASE(misuse_of_intervals_is_told));
}
