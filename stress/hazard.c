/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "reclaim.h"

#include <weir/hazard.h>

static int hazard_make(void **domain, const weir_reclaim_options *options)
{
    weir_hazard *made = NULL;
    const int status = weir_hazard_new(&made, options);

    *domain = made;
    return status;
}

/* Hazards have no sections: it is the slots that are set, and cleared. */
static weir_section hazard_enter(void *record)
{
    const weir_section none = {0};

    (void)record;
    return none;
}

static void hazard_exit(void *record, weir_section section)
{
    (void)section;
    for (unsigned i = 0; i < WEIR_HAZARD_SLOTS; i++)
        weir_hazard_clear((weir_hazard_record *)record, i);
}

static void *hazard_protect(void *record, unsigned slot, const WEIR_ATOMIC(void *) * from)
{
    return weir_hazard_protect((weir_hazard_record *)record, slot, from);
}

static void hazard_born(void *record, weir_retired *object)
{
    (void)record;
    (void)object;
}

static int hazard_synchronize(void *domain, const void *object, uint64_t deadline)
{
    return weir_hazard_synchronize((weir_hazard *)domain, object, deadline);
}

static int hazard_destroy(void *domain)
{
    return weir_hazard_free((weir_hazard *)domain);
}

static void *hazard_self(void *domain)
{
    return weir_hazard_self((weir_hazard *)domain);
}

static void hazard_leave(void *record)
{
    weir_hazard_leave((weir_hazard_record *)record);
}

static void hazard_retire(void *record, weir_retired *object, weir_reclaim_callback *reclaim,
                          size_t bytes)
{
    weir_hazard_retire((weir_hazard_record *)record, object, reclaim, bytes);
}

static size_t hazard_collect(void *record)
{
    return weir_hazard_collect((weir_hazard_record *)record);
}

static int hazard_barrier(void *domain, uint64_t deadline)
{
    return weir_hazard_barrier((weir_hazard *)domain, deadline);
}

static void hazard_stats(void *domain, weir_reclaim_stats *stats)
{
    weir_hazard_stats((weir_hazard *)domain, stats);
}

int main(int argc, char **argv)
{
    static const reclaim_face face = {
        .name = "hazard",
        .bounded = true,
        .by_pointer = true,
        .make = hazard_make,
        .destroy = hazard_destroy,
        .self = hazard_self,
        .leave = hazard_leave,
        .enter = hazard_enter,
        .exit = hazard_exit,
        .protect = hazard_protect,
        .born = hazard_born,
        .retire = hazard_retire,
        .collect = hazard_collect,
        .synchronize = hazard_synchronize,
        .barrier = hazard_barrier,
        .stats = hazard_stats,
    };

    return reclaim_stress("hazard", argc, argv, &face, 1);
}
