/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* All that tests/reclaim_cases.h has, for each scheme, with membarrier(2) and without; and what is
 * the guard's own: the typed face, and slots. */

#define WEIR_CHECKED 1

#include "reclaim_cases.h"

typedef struct entry {
    weir_retired header;
    int key;
} entry;

WEIR_GUARD_DEFINE(entry, entry, header);

static unsigned entries_freed;

static void free_entry(weir_retired *object)
{
    entries_freed++;
    free(object);
}

static void typed_domains_protect_what_was_put_in(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(entry *) root = WEIR_ATOMIC_INIT(NULL);
    entry *const e = (entry *)calloc(1, sizeof *e);
    weir_section section;

    CHECK(e != NULL);
    e->key = 7;
    entries_freed = 0;
    section = weir_guard_enter(record);
    CHECK(entry_protect(record, 0, &root) == NULL);
    entry_born(record, e);
    weir_atomic_store(&root, e, WEIR_RELEASE);
    CHECK_EQ(entry_protect(record, 1, &root)->key, 7);
    weir_atomic_store(&root, NULL, WEIR_RELEASE);
    entry_retire(record, e, free_entry);
    CHECK_EQ(stats_of(domain).bytes, sizeof *e);
    CHECK_EQ(weir_guard_collect(record), 0);
    CHECK_EQ(e->key, 7);
    weir_guard_exit(record, section);
    CHECK_EQ(weir_guard_collect(record), 1);
    CHECK_EQ(entries_freed, 1);
    CHECK_EQ(weir_guard_free(domain), 0);
}

/* weir_guard_set() by hand, as a structure does it whose pointers carry marks. */
static void set_asks_for_a_second_look(void)
{
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    const weir_section section = weir_guard_enter(record);
    thing things[2];
    unsigned looks = 0;

    renew(things, 2);
    while (weir_guard_set(record, 0, &things[0]))
        looks++;
    /* Epochs need none; intervals one if the era has moved on; hazards one for each object. */
    CHECK_EQ(looks, now->scheme == WEIR_GUARD_HAZARD);
    retire(record, &things[1]);
    (void)weir_guard_collect(record);
    while (weir_guard_set(record, 0, &things[0]))
        looks++;
    CHECK_EQ(looks, now->scheme != WEIR_GUARD_EPOCH);
    while (weir_guard_set(record, 0, &things[1]))
        looks++;
    CHECK_EQ(looks, (int)now->scheme);
    weir_guard_exit(record, section);
    CHECK_EQ(weir_guard_free(domain), 0);
}

/* Slots beyond the record's own, set in an inner section, are cleared with the outermost. */
static void slots_are_cleared_with_the_outermost_section(void)
{
    enum { SLOTS = 70000 };
    static const unsigned used[] = {0, 7, 8, 22, 23, 999, SLOTS - 1};
    weir_guard *const domain = domain_made();
    weir_guard_record *const record = weir_guard_self(domain);
    WEIR_ATOMIC(void *) root = WEIR_ATOMIC_INIT(NULL);
    const size_t count = sizeof used / sizeof used[0];
    thing things[sizeof used / sizeof used[0]];

    CHECK_EQ(weir_guard_reserve(record, SLOTS), 0);
    for (size_t all = 0; all < 2; all++) {
        const weir_section outer = weir_guard_enter(record);
        const weir_section inner = weir_guard_enter(record);
        const size_t holds = all == 0 ? count - 1 : count;

        renew(things, count);
        for (size_t i = 0; i < holds; i++) {
            replace(record, &root, &things[i]);
            CHECK(weir_guard_protect(record, used[i], &root) == &things[i]);
        }
        replace(record, &root, NULL);
        weir_guard_exit(record, inner);
        CHECK_EQ(weir_guard_collect(record), 0);
        weir_guard_exit(record, outer);
        CHECK_EQ(weir_guard_collect(record), holds);
    }
    CHECK_EQ(weir_guard_free(domain), 0);
}

int main(void)
{
    static const test_case cases[] = {RECLAIM_CASES,
                                      TEST_CASE(typed_domains_protect_what_was_put_in),
                                      TEST_CASE(set_asks_for_a_second_look),
                                      TEST_CASE(slots_are_cleared_with_the_outermost_section)};
    const size_t count = sizeof cases / sizeof cases[0];
    const size_t kinds = sizeof flavours / sizeof flavours[0];
    int status = 0;

    for (size_t i = 0; i < kinds; i++) {
        char suite[64];

        now = &flavours[i];
        snprintf(suite, sizeof suite, "guard, %s", now->name);
        status |= test_run(suite, cases, count);
    }
    return status;
}
