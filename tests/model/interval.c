/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/interval.c: intervals: what they have that epochs have not, births and protection. */

#include "reclaim.h"

#include <weir/interval.h>

WEIR_INTERVAL_DEFINE(typed, node, retired);
RECLAIM_FACE(interval);
RECLAIM_FACE_SECTIONS(interval);

static int face_make(const reclaim_case *c, const weir_reclaim_options *options)
{
    (void)c;
    return weir_interval_new(&domain, options);
}

static node *face_protect(void *record, unsigned slot)
{
    (void)slot;
    return (node *)weir_interval_protect((weir_interval_record *)record, &root);
}

static node *face_protect_typed(void *record, unsigned slot)
{
    (void)slot;
    return typed_protect((weir_interval_record *)record, &typed_root);
}

static void face_born(void *record, node *o, bool is_typed)
{
    if (is_typed)
        typed_born((weir_interval_record *)record, o);
    else
        weir_interval_born((weir_interval_record *)record, &o->retired);
}

static int face_synchronize(const node *o, uint64_t deadline)
{
    (void)o;
    return weir_interval_synchronize(domain, deadline);
}

static const reclaim_face face = {.make = face_make,
                                  .end = face_end,
                                  .self = face_self,
                                  .leave = face_leave,
                                  .enter = face_enter,
                                  .exit = face_exit,
                                  .protect = face_protect,
                                  .protect_typed = face_protect_typed,
                                  .born = face_born,
                                  .retire = face_retire,
                                  .collect = face_collect,
                                  .synchronize = face_synchronize,
                                  .barrier = face_barrier,
                                  .stats = face_stats};

static const reclaim_case cases[] = {
    /* A reader, and one who reclaims. */
    {.does = {"u", "(r)"}},
    {.does = {"U", "(R)"}},
    {.does = {"x", "(r)"}},
    {.does = {"X", "(R)"}},
    {.does = {"u", "(r|w)"}},
    /* What is born after the reader has entered goes, unless he has come so far. */
    {.does = {"xu", "(|rw)"}},
    {.does = {"XU", "(|R)"}, .deep = true},
    {.does = {"xu", "(r|wr)"}, .deep = true},
    {.does = {"xu", "(r)"}, .deep = true},
    {.does = {"xuk", "(r|w)"}},
    /* Those who wait. */
    {.does = {"z", "(r)"}, .deep = true},
    {.does = {"s", "(r|w)"}},
};

RECLAIM_MAIN("interval", cases)
