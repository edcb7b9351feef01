/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "reclaim.h"

#include <weir/interval.h>

static int interval_make(void **domain, const weir_reclaim_options *options)
{
    weir_interval *made = NULL;
    const int status = weir_interval_new(&made, options);

    *domain = made;
    return status;
}

static weir_section interval_enter(void *record)
{
    return weir_interval_enter((weir_interval_record *)record);
}

static void interval_exit(void *record, weir_section section)
{
    weir_interval_exit((weir_interval_record *)record, section);
}

static void *interval_protect(void *record, unsigned slot, const WEIR_ATOMIC(void *) * from)
{
    (void)slot;
    return weir_interval_protect((weir_interval_record *)record, from);
}

static void interval_born(void *record, weir_retired *object)
{
    weir_interval_born((weir_interval_record *)record, object);
}

static int interval_synchronize(void *domain, const void *object, uint64_t deadline)
{
    (void)object;
    return weir_interval_synchronize((weir_interval *)domain, deadline);
}

static int interval_destroy(void *domain)
{
    return weir_interval_free((weir_interval *)domain);
}

static void *interval_self(void *domain)
{
    return weir_interval_self((weir_interval *)domain);
}

static void interval_leave(void *record)
{
    weir_interval_leave((weir_interval_record *)record);
}

static void interval_retire(void *record, weir_retired *object, weir_reclaim_callback *reclaim,
                            size_t bytes)
{
    weir_interval_retire((weir_interval_record *)record, object, reclaim, bytes);
}

static size_t interval_collect(void *record)
{
    return weir_interval_collect((weir_interval_record *)record);
}

static int interval_barrier(void *domain, uint64_t deadline)
{
    return weir_interval_barrier((weir_interval *)domain, deadline);
}

static void interval_stats(void *domain, weir_reclaim_stats *stats)
{
    weir_interval_stats((weir_interval *)domain, stats);
}

int main(int argc, char **argv)
{
    static const reclaim_face face = {
        .name = "interval",
        .bounded = true,
        .has_section = true,
        .make = interval_make,
        .destroy = interval_destroy,
        .self = interval_self,
        .leave = interval_leave,
        .enter = interval_enter,
        .exit = interval_exit,
        .protect = interval_protect,
        .born = interval_born,
        .retire = interval_retire,
        .collect = interval_collect,
        .synchronize = interval_synchronize,
        .barrier = interval_barrier,
        .stats = interval_stats,
    };

    return reclaim_stress("interval", argc, argv, &face, 1);
}
