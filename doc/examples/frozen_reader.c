/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* frozen_reader: a reader is stopped in the middle of reading a table, and the table goes on
 * changing. With intervals it keeps what it may have seen: the entries that lived when it last
 * looked, and those of the same era. What is born later is freed as if it were not there.
 * (stalled_reader has the same with epochs.) */

#include <weir/interval.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

enum { ENTRIES = 100, ROUNDS = 1000, BATCH = 64 };

typedef struct entry {
    weir_retired retired; /* first, and zero at the beginning */
    int number;
} entry;

WEIR_INTERVAL_DEFINE(entry, entry, retired);

static weir_interval *domain;
static WEIR_ATOMIC(entry *) table[ENTRIES];
static sem_t frozen, thawed;

static void free_entry(weir_retired *retired)
{
    ((entry *)(void *)retired)->number = -1;
    free(retired);
}

/* Puts a new entry, or none, in a place. Returns: false if there is no memory. */
static bool put(weir_interval_record *record, int place, bool some)
{
    entry *const fresh = some ? (entry *)calloc(1, sizeof *fresh) : NULL;
    entry *old;

    if (fresh != NULL) {
        fresh->number = place;
        entry_born(record, fresh); /* before it is published */
    }
    old = weir_atomic_exchange(&table[place], fresh, WEIR_ACQ_REL);
    if (old != NULL)
        entry_retire(record, old, free_entry);
    return fresh != NULL || !some;
}

/* Returns: NULL if every entry was as it should be. */
static void *reader(void *bad)
{
    weir_interval_record *const record = weir_interval_self(domain);
    const entry *first;
    weir_section section;
    int good = 0;

    if (record == NULL)
        return bad;
    section = weir_interval_enter(record);
    first = entry_protect(record, &table[0]);
    sem_post(&frozen);
    while (sem_wait(&thawed) != 0)
        continue;
    good += first->number == 0; /* replaced long ago, and still whole */
    for (int i = 0; i < ENTRIES; i++)
        good += entry_protect(record, &table[i])->number == i;
    weir_interval_exit(record, section);
    return good == ENTRIES + 1 ? NULL : bad;
}

int main(void)
{
    weir_reclaim_options options = {BATCH, 0, 0, NULL, NULL, false};
    weir_reclaim_stats stats;
    weir_interval_record *record;
    pthread_t thread;
    void *bad;
    size_t most = 0;

    if (sem_init(&frozen, 0, 0) != 0 || sem_init(&thawed, 0, 0) != 0 ||
        weir_interval_new(&domain, &options) != 0 || (record = weir_interval_self(domain)) == NULL)
        return 1;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ENTRIES; i++)
            if (!put(record, i, true))
                return 1;
        weir_interval_stats(domain, &stats);
        most = stats.objects > most ? stats.objects : most;
        if (round == 0) {
            if (pthread_create(&thread, NULL, reader, &stats) != 0)
                return 1;
            while (sem_wait(&frozen) != 0)
                continue;
        }
    }
    sem_post(&thawed);
    pthread_join(thread, &bad);
    for (int i = 0; i < ENTRIES; i++)
        (void)put(record, i, false);
    if (bad != NULL || most > 1000 || weir_interval_free(domain) != 0) {
        fprintf(stderr, "%zu entries waited at one time\n", most);
        return 1;
    }
    printf("OK frozen_reader replaced=%d waiting_at_most=%d\n", ROUNDS * ENTRIES, (int)most);
    return 0;
}
