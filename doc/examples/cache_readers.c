/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* cache_readers [epoch | interval | hazard]: a cache that many threads read while one replaces
 * its entries, and frees the old ones when no reader can have them any more; without a name,
 * by each scheme in turn. An entry does not change once it is in the table. */

#include <weir/counter.h>
#include <weir/guard.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READERS = 4, LOOKUPS = 300000, BUCKETS = 256, KEYS = 1024, WORDS = 6 };

typedef struct entry {
    weir_retired retired;  /* first, and zero at the beginning */
    uint32_t words[WORDS]; /* number w is w times the key */
} entry;

WEIR_GUARD_DEFINE(entry, entry, retired);

static const char *const names[] = {"epoch", "interval", "hazard"};
static weir_guard *domain;
static WEIR_ATOMIC(entry *) table[BUCKETS];
static weir_counter reading, hits, wrong, freed;
static uint64_t made;

static uint32_t draw(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 8;
}

static void free_entry(weir_retired *retired)
{
    entry *const old = (entry *)(void *)retired;

    memset(old->words, 0xff, sizeof old->words); /* whoever still reads it will notice */
    free(old);
    weir_counter_inc(&freed);
}

static void *reader(void *unused)
{
    weir_guard_record *const record = weir_guard_self(domain);
    uint32_t random = (uint32_t)(uintptr_t)&record, good = 0, bad = 0;

    for (int i = 0; record != NULL && i < LOOKUPS; i++) {
        const uint32_t key = draw(&random) % KEYS;
        const weir_section section = weir_guard_enter(record);
        const entry *const found = entry_protect(record, 0, &table[key % BUCKETS]);

        if (found != NULL && found->words[1] == key) {
            for (uint32_t w = 0; w < WORDS; w++)
                bad += found->words[w] != key * w;
            good++;
        }
        weir_guard_exit(record, section); /* `found` is void from here on */
    }
    weir_counter_add(&hits, good);
    weir_counter_add(&wrong, bad);
    weir_counter_sub(&reading, 1);
    return unused;
}

/* Puts an entry, or none, where the key belongs, and retires the one that was there. */
static void put(weir_guard_record *record, uint32_t key, bool some)
{
    entry *const fresh = some ? (entry *)calloc(1, sizeof(entry)) : NULL;
    entry *old;

    if (fresh != NULL) {
        entry_born(record, fresh); /* before it is published */
        for (uint32_t w = 0; w < WORDS; w++)
            fresh->words[w] = key * w;
        made++;
    }
    old = weir_atomic_exchange(&table[key % BUCKETS], fresh, WEIR_ACQ_REL);
    if (old != NULL)
        entry_retire(record, old, free_entry);
}

static bool run(int scheme)
{
    pthread_t threads[READERS];
    weir_guard_record *record;
    uint32_t random = 1;

    weir_counter_add(&reading, READERS);
    if (weir_guard_new(&domain, (weir_guard_scheme)scheme, NULL) != 0 ||
        (record = weir_guard_self(domain)) == NULL)
        return false;
    for (uint32_t key = 0; key < KEYS; key++)
        put(record, key, true);
    for (int i = 0; i < READERS; i++)
        if (pthread_create(&threads[i], NULL, reader, NULL) != 0)
            return false;
    while (weir_counter_read(&reading) > 0)
        put(record, draw(&random) % KEYS, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    for (uint32_t key = 0; key < BUCKETS; key++)
        put(record, key, false);
    if (weir_guard_barrier(domain, WEIR_FOREVER) != 0 || weir_guard_free(domain) != 0)
        return false;
    return weir_counter_read(&wrong) == 0 && weir_counter_read(&freed) == made;
}

int main(int argc, char **argv)
{
    for (int i = WEIR_GUARD_EPOCH; i <= WEIR_GUARD_HAZARD; i++)
        if ((argc < 2 || strcmp(argv[1], names[i]) == 0) && !run(i))
            return 1;
    printf("OK cache_readers hits=%d entries=%d\n", (int)weir_counter_read(&hits), (int)made);
    return made == 0;
}
