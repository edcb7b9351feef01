/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/hazard.c: hazard pointers: readers, writers, those who wait, and threads that end. */

#include "reclaim.h"

#include <weir/hazard.h>

WEIR_HAZARD_DEFINE(typed, node, retired);
RECLAIM_FACE(hazard);

static int face_make(const reclaim_case *c, const weir_reclaim_options *options)
{
    (void)c;
    return weir_hazard_new(&domain, options);
}

static node *face_protect(void *record, unsigned slot)
{
    return (node *)weir_hazard_protect((weir_hazard_record *)record, slot, &root);
}

static node *face_protect_typed(void *record, unsigned slot)
{
    return typed_protect((weir_hazard_record *)record, slot, &typed_root);
}

static void face_announce(void *record, unsigned slot, node *o)
{
    weir_hazard_set((weir_hazard_record *)record, slot, o);
}

static int face_reserve(void *record, unsigned slots)
{
    return weir_hazard_reserve((weir_hazard_record *)record, slots);
}

static int face_synchronize(const node *o, uint64_t deadline)
{
    return weir_hazard_synchronize(domain, o, deadline);
}

static const reclaim_face face = {.make = face_make,
                                  .end = face_end,
                                  .self = face_self,
                                  .leave = face_leave,
                                  .protect = face_protect,
                                  .protect_typed = face_protect_typed,
                                  .announce = face_announce,
                                  .reserve = face_reserve,
                                  .retire = face_retire,
                                  .collect = face_collect,
                                  .synchronize = face_synchronize,
                                  .barrier = face_barrier,
                                  .stats = face_stats};

#define LOCK_FREE .own_ends = true, .options = {.progress = WEIR_CHECK_LOCK_FREE}
#define AT_RANDOM .options = {.mode = WEIR_CHECK_RANDOM, .seed = 1, .runs = 500}

#define BY_PRIORITY .options = {.mode = WEIR_CHECK_PCT, .seed = 1, .runs = 3000}

static const reclaim_case cases[] = {
    /* A reader, and one who reclaims. */
    {.does = {"u", "r"}},
    {.does = {"u", "rc"}},
    {.does = {"x", "r"}},
    {.does = {"U", "RC"}},
    {.does = {"X", "R"}},
    {.does = {"u", "r|wc"}},
    {.does = {"u", "R|wC"}},
    {.does = {"uU", "r|wR"}},
    {.does = {"u", "r", "r"}, .deep = true},
    {.does = {"u|k", "r|wc"}},
    {.does = {"u", "rc"}, .own_records = true},
    {.does = {"u", "U"}},
    /* More slots. */
    {.does = {"u", "|gr"}, .slot = 8},
    {.does = {"u", "gr|wc"}, .slot = 8},
    {.does = {"u", "|gr"}, .slot = 24},
    {.does = {"z", "|gr"}, .slot = 8},
    /* Those who wait. */
    {.does = {"z", "|r"}},
    {.does = {"z", "r|wc"}},
    {.does = {"s", "r|wc"}},
    {.does = {"s", "gr|wc"}, .slot = 8},
    {.does = {"|ba", "u|k"}, .batch = 2, .deep = true},
    {.does = {"u|ba", "r|wc"}, .batch = 2},
    /* Threads that end with a slot set: each word that is read has two or three values. */
    {.does = {"z", "r|wl"}, .batch = 9, AT_RANDOM},
    {.does = {"u", "r|w"}, .own_ends = true, AT_RANDOM},
    {.does = {"s", "r|w"}, .own_ends = true, AT_RANDOM},
    {.does = {"z", "gr|wl"}, .batch = 9, .slot = 8, BY_PRIORITY},
    /* Promises. */
    {.does = {"|rc", "x"}, .batch = 2, LOCK_FREE},
    {.does = {"h|c", "s"},
     .own_ends = true,
     .options = {.progress = WEIR_CHECK_WAIT_FREE, .steps = 11}},
};

RECLAIM_MAIN("hazard", cases)
