/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* config_swap: one configuration that every thread reads and one replaces now and then.
 * A hazard pointer holds the one that is being read, for as long as that takes; the
 * others are freed. */

#include <weir/hazard.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 3, REQUESTS = 100000, SWAPS = 2000 };

typedef struct config {
    weir_retired retired; /* first, and zero at the beginning */
    unsigned version, workers, connections;
} config;

WEIR_HAZARD_DEFINE(config, config, retired);

static weir_hazard *domain;
static WEIR_ATOMIC(config *) current;
static unsigned freed;

static void free_config(weir_retired *retired)
{
    freed++; /* one thread retires, so one calls this */
    free(retired);
}

static config *make_config(unsigned version)
{
    config *const made = (config *)calloc(1, sizeof *made);

    if (made != NULL) {
        made->version = version;
        made->workers = 1 + version % 7;
        made->connections = made->workers * 100;
    }
    return made;
}

/* Returns: NULL if each configuration that was met was whole, and none older than the last. */
static void *serve(void *unused)
{
    weir_hazard_record *const record = weir_hazard_self(domain);
    unsigned last = 0;

    (void)unused;
    for (int i = 0; record != NULL && i < REQUESTS; i++) {
        const config *const now = config_protect(record, 0, &current);

        if (now->connections != now->workers * 100 || now->version < last)
            return &freed;
        last = now->version;
        weir_hazard_clear(record, 0); /* `now` may be freed from here on */
    }
    return record == NULL ? &freed : NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    weir_hazard_record *record;
    int bad = 0;

    if (weir_hazard_new(&domain, NULL) != 0 || (record = weir_hazard_self(domain)) == NULL)
        return 1;
    for (unsigned version = 0; version <= SWAPS; version++) {
        config *const fresh = make_config(version);
        config *old;

        if (fresh == NULL)
            return 1;
        old = weir_atomic_exchange(&current, fresh, WEIR_ACQ_REL);
        if (old != NULL)
            config_retire(record, old, free_config);
        if (version < THREADS && pthread_create(&threads[version], NULL, serve, NULL) != 0)
            return 1;
        sched_yield();
    }
    for (int i = 0; i < THREADS; i++) {
        void *met;

        pthread_join(threads[i], &met);
        bad += met != NULL;
    }
    config_retire(record, weir_atomic_load(&current, WEIR_RELAXED), free_config);
    if (weir_hazard_free(domain) != 0 || bad != 0 || freed != SWAPS + 1) {
        fprintf(stderr, "%d threads met a bad configuration; %u freed\n", bad, freed);
        return 1;
    }
    printf("OK config_swap threads=%d swaps=%d freed=%u\n", THREADS, SWAPS, freed);
    return 0;
}
