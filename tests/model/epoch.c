/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/epoch.c: epochs; and what all schemes share, which is smallest here: a record's
 * lists, barriers, and threads that end. */

#include "reclaim.h"

#include <weir/epoch.h>

/* Epochs have no typed functions. */
static void typed_retire(weir_epoch_record *record, node *o, weir_reclaim_callback *callback)
{
    weir_epoch_retire(record, &o->retired, callback, sizeof *o);
}

RECLAIM_FACE(epoch);
RECLAIM_FACE_SECTIONS(epoch);

static int face_make(const reclaim_case *c, const weir_reclaim_options *options)
{
    (void)c;
    return weir_epoch_new(&domain, options);
}

static node *face_protect(void *record, unsigned slot)
{
    (void)record;
    (void)slot;
    return (node *)weir_atomic_load(&root, WEIR_ACQUIRE);
}

static int face_synchronize(const node *o, uint64_t deadline)
{
    (void)o;
    return weir_epoch_synchronize(domain, deadline);
}

static const reclaim_face face = {.make = face_make,
                                  .end = face_end,
                                  .self = face_self,
                                  .leave = face_leave,
                                  .enter = face_enter,
                                  .exit = face_exit,
                                  .protect = face_protect,
                                  .retire = face_retire,
                                  .collect = face_collect,
                                  .synchronize = face_synchronize,
                                  .barrier = face_barrier,
                                  .stats = face_stats};

#define AT_RANDOM .options = {.mode = WEIR_CHECK_RANDOM, .seed = 1, .runs = 500}
#define LOCK_FREE .own_ends = true, .options = {.progress = WEIR_CHECK_LOCK_FREE}

static const reclaim_case cases[] = {
    /* A reader, and one who reclaims. */
    {.does = {"u", "(r)"}},
    {.does = {"x", "(r)"}},
    {.does = {"u", "(r)", "(r)"}},
    {.does = {"u", "(r|w)"}},
    {.does = {"u", "((r)|w)"}},
    {.does = {"u", "(r|w)(r)"}},
    {.does = {"u|k", "(r|w)"}},
    {.does = {"u", "(|)(r)"}},
    {.does = {"n", "u"}},
    {.does = {"u", "(r)"}, .own_records = true},
    {.does = {"u", "(r)"}, .deed = RETIRES},
    /* Two who reclaim. */
    {.does = {"u", "U"}},
    {.does = {"u", "U", "(r|w)"}, AT_RANDOM},
    /* Those who wait. */
    {.does = {"z", "(r)"}},
    {.does = {"z", "(r|w)"}},
    {.does = {"s", "(r|w)"}},
    {.does = {"s", "((r)|w)"}},
    {.does = {"s", "(r|w"}, .own_ends = true},
    {.does = {"b", "u|"}},
    {.does = {"t", "|u"}},
    {.does = {"b", "|u"}, .deep = true},
    {.does = {"|ba", "u|k"}, .batch = 2, .deep = true},
    /* Two barriers: too much for all graphs. */
    {.does = {"|ba", "u|t"}, .batch = 2, AT_RANDOM},
    {.does = {"u|ba", "|b"}, .batch = 2, AT_RANDOM},
    {.does = {"(r|w)", "u|t"}, .batch = 2},
    /* Who gives up puts back what he has taken. */
    {.does = {"(r|w1)ba", "u|t!"}, .batch = 2},
    /* Who exits from a callback leaves the others behind. */
    {.does = {"|bA", "Uu|k"}, .batch = 3, .deed = EXITS, AT_RANDOM},
    /* Threads that end, and their records. */
    {.does = {"(r|w)k", "u|l"}},
    {.does = {"(r|w)k", "u|"}, .own_ends = true},
    {.does = {"(r|w)k", "u|lk"}},
    {.does = {"(r|w)", "u|lk"}},
    {.does = {"|k", "u|"}, .batch = 2, .own_ends = true},
    {.does = {"u", "(r)"}, .own_ends = true},
    {.does = {"u", "(r"}, .own_ends = true},
    {.does = {"s", "m"}, .late = true, .own_records = true},
    {.does = {"u", "(r)"}, .late = true, .own_records = true, .deep = true},
    {.does = {"|ba", "u|"}, .batch = 2, .own_ends = true, .deep = true},
    {.does = {"u|ba", "|k"}, .batch = 2, .own_records = true, .deep = true},
    /* Promises. */
    {.does = {"|u", "(|r)"}, LOCK_FREE, .deep = true},
    {.does = {"(|r)", "|u"}, .batch = 2, LOCK_FREE},
    {.does = {"u", "(r)"}, LOCK_FREE, .deep = true},
    {.does = {"|u", "U|k"}, LOCK_FREE, .deep = true},
    {.does = {"(|)", "s"},
     .own_ends = true,
     .options = {.progress = WEIR_CHECK_WAIT_FREE, .steps = 11}},
    {.does = {"s", "(r|)"}, LOCK_FREE, .finding = WEIR_CHECK_NO_PROGRESS},
};

RECLAIM_MAIN("epoch", cases)
