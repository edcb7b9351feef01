/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/guard.c: the same readers and writers over each of the schemes. */

#include "reclaim.h"

#include <weir/guard.h>

WEIR_GUARD_DEFINE(typed, node, retired);
RECLAIM_FACE(guard);
RECLAIM_FACE_SECTIONS(guard);

static const char *const flavours[] = {"epochs", "intervals", "hazards"};
enum { EPOCHS, INTERVALS, HAZARDS };

static int face_make(const reclaim_case *c, const weir_reclaim_options *options)
{
    static const weir_guard_scheme schemes[] = {WEIR_GUARD_EPOCH, WEIR_GUARD_INTERVAL,
                                                WEIR_GUARD_HAZARD};

    return weir_guard_new(&domain, schemes[c->flavour], options);
}

static node *face_protect(void *record, unsigned slot)
{
    return (node *)weir_guard_protect((weir_guard_record *)record, slot, &root);
}

static node *face_protect_typed(void *record, unsigned slot)
{
    return typed_protect((weir_guard_record *)record, slot, &typed_root);
}

static int face_reserve(void *record, unsigned slots)
{
    return weir_guard_reserve((weir_guard_record *)record, slots);
}

static void face_born(void *record, node *o, bool is_typed)
{
    if (is_typed)
        typed_born((weir_guard_record *)record, o);
    else
        weir_guard_born((weir_guard_record *)record, &o->retired);
}

static int face_synchronize(const node *o, uint64_t deadline)
{
    return weir_guard_synchronize(domain, o, deadline);
}

static const reclaim_face face = {.make = face_make,
                                  .end = face_end,
                                  .self = face_self,
                                  .leave = face_leave,
                                  .enter = face_enter,
                                  .exit = face_exit,
                                  .protect = face_protect,
                                  .protect_typed = face_protect_typed,
                                  .reserve = face_reserve,
                                  .born = face_born,
                                  .retire = face_retire,
                                  .collect = face_collect,
                                  .synchronize = face_synchronize,
                                  .barrier = face_barrier,
                                  .stats = face_stats,
                                  .flavours = flavours};

#define EACH_SCHEME(...)                                                                       \
    {.does = {__VA_ARGS__}, .flavour = EPOCHS}, {.does = {__VA_ARGS__}, .flavour = INTERVALS}, \
    {                                                                                          \
        .does = {__VA_ARGS__}, .flavour = HAZARDS                                              \
    }

static const reclaim_case cases[] = {
    EACH_SCHEME("u", "(r)"),
    EACH_SCHEME("U", "(R)"),
    EACH_SCHEME("x", "(r)"),
    EACH_SCHEME("X", "(R)"),
    EACH_SCHEME("u", "(r|w)"),
    EACH_SCHEME("u", "((r)|w)"),
    EACH_SCHEME("u", "(r|w)(r)"),
    EACH_SCHEME("s", "(r|w)"),
    /* Clears them once for all. */
    {.does = {"uU", "(rR|w)"}, .flavour = HAZARDS},
};

RECLAIM_MAIN("guard", cases)
