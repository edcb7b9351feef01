/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A plugin that contains weir: it makes a domain, uses it in a thread of its own and in the
 * caller's, makes a pool, whose workers run jobs of the plugin, and frees both before it is
 * unloaded. For tests/check-plugin.sh. */

#include <weir/epoch.h>
#include <weir/pool.h>

#include <pthread.h>

__attribute__((visibility("default"))) int plugin_use(void *memory, int own_thread);

static weir_epoch *domain;

static void count(weir_retired *object)
{
    object->bytes = 77;
}

static void *use(void *memory)
{
    weir_epoch_record *const record = weir_epoch_self(domain);
    weir_section section;

    if (record == NULL)
        return NULL;
    section = weir_epoch_enter(record);
    weir_epoch_retire(record, (weir_retired *)memory, count, sizeof(weir_retired));
    weir_epoch_exit(record, section);
    return memory;
}

static int child(weir_job *job)
{
    (void)job;
    return -7;
}

static int job(weir_job *unused)
{
    weir_job spawned;

    (void)unused;
    weir_spawn(&spawned, child);
    return weir_join(&spawned);
}

static int use_pool(void)
{
    weir_pool *pool;
    weir_job own;

    if (weir_pool_new(&pool, NULL) != 0)
        return 11;
    weir_job_init(&own, job);
    if (weir_pool_run(pool, &own) != -7)
        return 12;
    if (weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 || weir_pool_free(pool) != 0)
        return 13;
    return 0;
}

/* Returns: 0 if all was as it should be. `memory` is for two objects. */
int plugin_use(void *memory, int own_thread)
{
    weir_retired *const objects = (weir_retired *)memory;
    pthread_t id;

    objects[0].reclaim = objects[1].reclaim = NULL;
    objects[0].bytes = objects[1].bytes = 0;
    if (weir_epoch_new(&domain, NULL) != 0)
        return 1;
    if (use(&objects[0]) == NULL)
        return 2;
    if (own_thread != 0) {
        void *result = NULL;

        if (pthread_create(&id, NULL, use, &objects[1]) != 0 || pthread_join(id, &result) != 0 ||
            result == NULL)
            return 3;
    } else if (use(&objects[1]) == NULL) {
        return 4;
    }
    if (weir_epoch_barrier(domain, WEIR_FOREVER) != 0)
        return 5;
    if (weir_epoch_free(domain) != 0)
        return 6;
    if (objects[0].bytes != 77 || objects[1].bytes != 77)
        return 7;
    return own_thread != 0 ? use_pool() : 0;
}
