/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "reclaim.h"

#include <weir/guard.h>

static int make(void **domain, weir_guard_scheme scheme, const weir_reclaim_options *options)
{
    weir_guard *made = NULL;
    const int status = weir_guard_new(&made, scheme, options);

    *domain = made;
    return status;
}

static int epoch_make(void **domain, const weir_reclaim_options *options)
{
    return make(domain, WEIR_GUARD_EPOCH, options);
}

static int interval_make(void **domain, const weir_reclaim_options *options)
{
    return make(domain, WEIR_GUARD_INTERVAL, options);
}

static int hazard_make(void **domain, const weir_reclaim_options *options)
{
    return make(domain, WEIR_GUARD_HAZARD, options);
}

static weir_section guard_enter(void *record)
{
    return weir_guard_enter((weir_guard_record *)record);
}

static void guard_exit(void *record, weir_section section)
{
    weir_guard_exit((weir_guard_record *)record, section);
}

static void *guard_protect(void *record, unsigned slot, const WEIR_ATOMIC(void *) * from)
{
    return weir_guard_protect((weir_guard_record *)record, slot, from);
}

static void guard_born(void *record, weir_retired *object)
{
    weir_guard_born((weir_guard_record *)record, object);
}

static int guard_synchronize(void *domain, const void *object, uint64_t deadline)
{
    return weir_guard_synchronize((weir_guard *)domain, object, deadline);
}

static int guard_destroy(void *domain)
{
    return weir_guard_free((weir_guard *)domain);
}

static void *guard_self(void *domain)
{
    return weir_guard_self((weir_guard *)domain);
}

static void guard_leave(void *record)
{
    weir_guard_leave((weir_guard_record *)record);
}

static void guard_retire(void *record, weir_retired *object, weir_reclaim_callback *reclaim,
                         size_t bytes)
{
    weir_guard_retire((weir_guard_record *)record, object, reclaim, bytes);
}

static size_t guard_collect(void *record)
{
    return weir_guard_collect((weir_guard_record *)record);
}

static int guard_barrier(void *domain, uint64_t deadline)
{
    return weir_guard_barrier((weir_guard *)domain, deadline);
}

static void guard_stats(void *domain, weir_reclaim_stats *stats)
{
    weir_guard_stats((weir_guard *)domain, stats);
}

#define FACE(scheme, bounds, pointers)                                                             \
    {                                                                                              \
        .name = #scheme, .bounded = bounds, .by_pointer = pointers, .has_section = true,           \
        .make = scheme##_make, .destroy = guard_destroy, .self = guard_self, .leave = guard_leave, \
        .enter = guard_enter, .exit = guard_exit, .protect = guard_protect, .born = guard_born,    \
        .retire = guard_retire, .collect = guard_collect, .synchronize = guard_synchronize,        \
        .barrier = guard_barrier, .stats = guard_stats                                             \
    }

int main(int argc, char **argv)
{
    static const reclaim_face faces[] = {FACE(epoch, false, false), FACE(interval, true, false),
                                         FACE(hazard, true, true)};

    return reclaim_stress("guard", argc, argv, faces, sizeof faces / sizeof faces[0]);
}
