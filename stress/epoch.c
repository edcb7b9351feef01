/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "reclaim.h"

#include <weir/epoch.h>

static int epoch_make(void **domain, const weir_reclaim_options *options)
{
    weir_epoch *made = NULL;
    const int status = weir_epoch_new(&made, options);

    *domain = made;
    return status;
}

static weir_section epoch_enter(void *record)
{
    return weir_epoch_enter((weir_epoch_record *)record);
}

static void epoch_exit(void *record, weir_section section)
{
    weir_epoch_exit((weir_epoch_record *)record, section);
}

static void *epoch_protect(void *record, unsigned slot, const WEIR_ATOMIC(void *) * from)
{
    (void)record;
    (void)slot;
    return weir_atomic_load(from, WEIR_ACQUIRE);
}

static void epoch_born(void *record, weir_retired *object)
{
    (void)record;
    (void)object;
}

static int epoch_synchronize(void *domain, const void *object, uint64_t deadline)
{
    (void)object;
    return weir_epoch_synchronize((weir_epoch *)domain, deadline);
}

static int epoch_destroy(void *domain)
{
    return weir_epoch_free((weir_epoch *)domain);
}

static void *epoch_self(void *domain)
{
    return weir_epoch_self((weir_epoch *)domain);
}

static void epoch_leave(void *record)
{
    weir_epoch_leave((weir_epoch_record *)record);
}

static void epoch_retire(void *record, weir_retired *object, weir_reclaim_callback *reclaim,
                         size_t bytes)
{
    weir_epoch_retire((weir_epoch_record *)record, object, reclaim, bytes);
}

static size_t epoch_collect(void *record)
{
    return weir_epoch_collect((weir_epoch_record *)record);
}

static int epoch_barrier(void *domain, uint64_t deadline)
{
    return weir_epoch_barrier((weir_epoch *)domain, deadline);
}

static void epoch_stats(void *domain, weir_reclaim_stats *stats)
{
    weir_epoch_stats((weir_epoch *)domain, stats);
}

int main(int argc, char **argv)
{
    static const reclaim_face face = {
        .name = "epoch",
        .has_section = true,
        .make = epoch_make,
        .destroy = epoch_destroy,
        .self = epoch_self,
        .leave = epoch_leave,
        .enter = epoch_enter,
        .exit = epoch_exit,
        .protect = epoch_protect,
        .born = epoch_born,
        .retire = epoch_retire,
        .collect = epoch_collect,
        .synchronize = epoch_synchronize,
        .barrier = epoch_barrier,
        .stats = epoch_stats,
    };

    return reclaim_stress("epoch", argc, argv, &face, 1);
}
