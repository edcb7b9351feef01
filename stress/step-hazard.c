/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/hazard.h under the step harness: set and clear are wait-free, and what a slot protects
 * stays; who retires or collects waits for nobody, reclaims all else, and keeps no more than
 * the stated number, wherever another stands.
 *
 * And one that is broken, which must be found out: a reader that does not look again whether what
 * it protects is still there. */

#include "step-reclaim-pairs.h"

#include <weir/hazard.h>

STEP_COMMON(hazard)

/* In the block that a record grows by. */
enum { FAR_SLOT = WEIR_HAZARD_SLOTS + 1 };

static int hazard_make(void **domain, const weir_reclaim_options *options)
{
    weir_hazard *made = NULL;
    const int status = weir_hazard_new(&made, options);

    *domain = made;
    return status;
}

static int hazard_synchronize(void *domain, const object *o, uint64_t deadline)
{
    return weir_hazard_synchronize((weir_hazard *)domain, o, deadline);
}

static void hazard_begin(void *record, reading *r, const WEIR_ATOMIC(void *) * from)
{
    r->inside = true;
    r->object = (object *)weir_hazard_protect((weir_hazard_record *)record, 0, from);
}

static void hazard_end(void *record, reading *r)
{
    r->inside = false;
    weir_hazard_clear((weir_hazard_record *)record, 0);
}

static void hazard_born(void *record, object *o)
{
    (void)record;
    (void)o;
}

static const face hazard = {
    "hazard",           NULL,           false,         hazard_make,    hazard_destroy,  hazard_self,
    hazard_synchronize, hazard_barrier, hazard_stats,  hazard_leave,   hazard_begin,    hazard_end,
    hazard_inside,      hazard_born,    hazard_retire, hazard_collect, BOUND_OF_HAZARDS};

/* ---- readers ---- */

static void hazard_sets_and_clears(box *b, void *record)
{
    weir_hazard_set((weir_hazard_record *)record, 0, &b->objects[0]);
    weir_hazard_clear((weir_hazard_record *)record, 0);
}

static void hazard_reads(box *b, void *record)
{
    reading r;

    hazard_begin(record, &r, &b->shared);
    use(r.object);
    hazard_end(record, &r);
}

/* Two slots, one of them far, which is there from the first time on; the first is given up while
 * the second is held. */
static void hazard_reads_two(box *b, void *record)
{
    weir_hazard_record *const me = (weir_hazard_record *)record;
    object *first, *second;

    if (weir_hazard_reserve(me, FAR_SLOT + 1) != 0)
        weir_step_false("no memory for more slots");
    first = (object *)weir_hazard_protect(me, 0, &b->shared);
    second = (object *)weir_hazard_protect(me, FAR_SLOT, &b->shared);
    use(first);
    weir_hazard_clear(me, 0);
    use(second);
    weir_hazard_clear(me, FAR_SLOT);
}

static const operation readers[] = {
    {"protect", "clear", hazard_reads, READS | HOLDS, 0, 0},
    {"protect", "two, one far", hazard_reads_two, READS, 0, 0},
};

static const operation marks[] = {
    {"set", "clear", hazard_sets_and_clears, MARKS, WAIT_FREE, 0},
};

/* ---- each operation by itself ---- */

WEIR_HAZARD_DEFINE(objects, object, retired);

static void hazard_protects_typed(box *b, unsigned who)
{
    reading *const r = &b->stays[who];

    use_again(r);
    r->inside = true;
    r->object = objects_protect((weir_hazard_record *)b->record[who], 0, &b->typed);
    use(r->object);
}

/* Protected only if it was still shared then. */
static void hazard_sets(box *b, unsigned who)
{
    reading *const r = &b->stays[who];
    void *const o = weir_atomic_load(&b->shared, WEIR_ACQUIRE);

    use_again(r);
    weir_hazard_set((weir_hazard_record *)b->record[who], 0, o);
    r->inside = true;
    r->object = weir_atomic_load(&b->shared, WEIR_ACQUIRE) == o ? (object *)o : NULL;
    use_again(r);
}

static void hazard_has_far(box *b, unsigned who)
{
    if (weir_hazard_reserve((weir_hazard_record *)b->record[who], FAR_SLOT + 1) != 0)
        weir_step_false("no memory for more slots");
}

/* Each is held in its own slot, and given up at the end. */
static void hazard_protects_far(box *b, unsigned who)
{
    weir_hazard_record *const me = (weir_hazard_record *)b->record[who];
    reading *const r = &b->stays[who];
    object *const o = (object *)weir_hazard_protect(me, FAR_SLOT, &b->shared);

    use(o);
    /* What is held far goes over to the near slot, without a moment between. */
    weir_hazard_set(me, 0, o);
    weir_hazard_clear(me, FAR_SLOT);
    r->inside = true;
    r->object = o;
    use(o);
}

static void hazard_reserves(box *b, unsigned who)
{
    hazard_has_far(b, who);
    hazard_protects_far(b, who);
}

static const act acts[] = {
    SELF_ACT,
    {"protect", NULL, NULL, begins, KEEPS, 0, 0},
    {"set", NULL, NULL, hazard_sets, KEEPS, 400, 0},
    {"clear", NULL, begins, ends, KEEPS, 380, 0},
    INSIDE_ACT(250),
    {"reserve", NULL, hazard_has_far, hazard_has_far, 0, 0, 0},
    WRITER_ACTS,
};

static const act others[] = {
    {"protect", "far", hazard_has_far, hazard_protects_far, KEEPS, 0, 0},
    {"protect", "typed", NULL, hazard_protects_typed, KEEPS, 0, 0},
};

static const act reserve = {"reserve", "grows", NULL, hazard_reserves, KEEPS, 0, 0};

static void sweep(void)
{
    static box b;

    open_box(&b, &hazard);
    sweep_table(&b, &hazard, writers, COUNT(writers), true);
    sweep_table(&b, &hazard, readers, COUNT(readers), false);
    sweep_table(&b, &hazard, marks, COUNT(marks), false);
    sweep_pairs(&b, acts, COUNT(acts), others, COUNT(others), &whole);
    sweep_in_new_domain(&b, &first_use, acts, COUNT(acts), &whole);
    sweep_orphans(&b);
    sweep_in_new_domain(&b, &reserve, acts, COUNT(acts), &whole);
    close_box(&b);
}

/* ---- the broken one ---- */

static void hazard_looks_once(box *b, void *record)
{
    object *const o = (object *)weir_atomic_load(&b->shared, WEIR_ACQUIRE);

    weir_hazard_set((weir_hazard_record *)record, 0, o);
    use(o);
    weir_hazard_clear((weir_hazard_record *)record, 0);
}

static void finds_a_protect_that_looks_once(void)
{
    static const operation naive = {"set", "not confirmed, clear", hazard_looks_once, READS, 0, 0};
    static box b;

    open_box(&b, &hazard);
    naive_is_found(&b, &hazard, &naive, &replace_and_collect);
    close_box(&b);
}

int main(void)
{
    int status;

    weir_step_begin("step-hazard");
    status = TEST_RUN("step-hazard", TEST_CASE(sweep), TEST_CASE(finds_a_protect_that_looks_once));
    return status != 0 ? status : weir_step_end();
}
