/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/guard.h under the step harness, with each of the three schemes behind it: what is
 * protected inside stays to the exit, and exit leaves nothing protected.
 *
 * And one that is broken, which must be found out: a reader that does not heed what
 * weir_guard_set() returns. */

#include "step-reclaim.h"

#include <weir/guard.h>

STEP_COMMON(guard)

static int make(void **domain, weir_guard_scheme scheme, const weir_reclaim_options *options)
{
    weir_guard *made = NULL;
    const int status = weir_guard_new(&made, scheme, options);

    *domain = made;
    return status;
}

static int make_epoch(void **domain, const weir_reclaim_options *options)
{
    return make(domain, WEIR_GUARD_EPOCH, options);
}

static int make_interval(void **domain, const weir_reclaim_options *options)
{
    return make(domain, WEIR_GUARD_INTERVAL, options);
}

static int make_hazard(void **domain, const weir_reclaim_options *options)
{
    return make(domain, WEIR_GUARD_HAZARD, options);
}

static int guard_synchronize(void *domain, const object *o, uint64_t deadline)
{
    return weir_guard_synchronize((weir_guard *)domain, o, deadline);
}

static void guard_begin(void *record, reading *r, const WEIR_ATOMIC(void *) * from)
{
    r->section = weir_guard_enter((weir_guard_record *)record);
    r->inside = true;
    r->object = (object *)weir_guard_protect((weir_guard_record *)record, 0, from);
}

static void guard_end(void *record, reading *r)
{
    r->inside = false;
    weir_guard_exit((weir_guard_record *)record, r->section);
}

static void guard_born(void *record, object *o)
{
    weir_guard_born((weir_guard_record *)record, &o->retired);
}

#define FACE(name, keeps_all, make, most_waiting)                                           \
    {                                                                                       \
        name, keeps_all, make, guard_destroy, guard_self, guard_synchronize, guard_barrier, \
            guard_stats, guard_leave, guard_begin, guard_end, guard_born, guard_retire,     \
            guard_collect, most_waiting                                                     \
    }

static const face by_epoch = FACE("guard epoch", true, make_epoch, 0);
static const face by_interval = FACE("guard interval", true, make_interval, BOUND_OF_INTERVALS);
static const face by_hazard = FACE("guard hazard", false, make_hazard, BOUND_OF_HAZARDS);

/* ---- readers ---- */

static void guard_enters_and_exits(box *b, void *record)
{
    const weir_section section = weir_guard_enter((weir_guard_record *)record);

    (void)b;
    weir_guard_exit((weir_guard_record *)record, section);
}

static void guard_reads(box *b, void *record)
{
    reading r;

    guard_begin(record, &r, &b->shared);
    use(r.object);
    guard_end(record, &r);
}

/* The end of the inner section gives up nothing. */
static void guard_reads_two(box *b, void *record)
{
    weir_guard_record *const me = (weir_guard_record *)record;
    const weir_section outer = weir_guard_enter(me);
    object *const first = (object *)weir_guard_protect(me, 0, &b->shared);
    const weir_section inner = weir_guard_enter(me);
    object *const second = (object *)weir_guard_protect(me, 1, &b->shared);

    weir_guard_exit(me, inner);
    use(second);
    use(first);
    weir_guard_exit(me, outer);
}

static const operation readers[] = {
    {"read", guard_reads, READS | HOLDS, 0, 0},
    {"read two, nested", guard_reads_two, READS, 0, 0},
};

static const operation marks[] = {
    {"enter, exit", guard_enters_and_exits, MARKS, WAIT_FREE, 0},
};

static void sweep_scheme(const face *f)
{
    static box b;

    open_box(&b, f);
    sweep_table(&b, f, readers, COUNT(readers), true);
    sweep_table(&b, f, marks, COUNT(marks), true);
    sweep_table(&b, f, writers, 1, true);
    close_box(&b);
}

static void sweep(void)
{
    sweep_scheme(&by_epoch);
    sweep_scheme(&by_interval);
    sweep_scheme(&by_hazard);
}

/* ---- the broken one ---- */

static void guard_looks_once(box *b, void *record)
{
    weir_guard_record *const me = (weir_guard_record *)record;
    const weir_section section = weir_guard_enter(me);
    object *const o = (object *)weir_atomic_load(&b->shared, WEIR_ACQUIRE);

    (void)weir_guard_set(me, 0, o);
    use(o);
    weir_guard_exit(me, section);
}

static void finds_a_set_that_is_not_heeded(void)
{
    static const operation naive = {"read, not heeding", guard_looks_once, READS, 0, 0};
    static box b;
    weir_step_row row;

    open_box(&b, &by_hazard);
    sweep_line(&b, &by_hazard, &naive, &replace_and_collect, BOTH, &row);
    weir_step_print(&row);
    CHECK(row.wrong > 0 && row.wrong < row.stops);
    CHECK_EQ(row.blocked, 0);
    close_box(&b);
}

int main(void)
{
    int status;

    weir_step_begin("step-guard");
    status = TEST_RUN("step-guard", TEST_CASE(sweep), TEST_CASE(finds_a_set_that_is_not_heeded));
    return status != 0 ? status : weir_step_end();
}
