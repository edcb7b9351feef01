/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/guard.h under the step harness, with each of the three schemes behind it: what is
 * protected inside stays to the exit, and exit leaves nothing protected.
 *
 * And one that is broken, which must be found out: a reader that does not heed what
 * weir_guard_set() returns. */

#include "step-reclaim-pairs.h"

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

#define FACE(scheme, keeps_all, make, most_waiting)                                        \
    {                                                                                      \
        "guard", scheme, keeps_all, make, guard_destroy, guard_self, guard_synchronize,    \
            guard_barrier, guard_stats, guard_leave, guard_begin, guard_end, guard_inside, \
            guard_born, guard_retire, guard_collect, most_waiting                          \
    }

static const face by_epoch = FACE("epochs", true, make_epoch, 0);
static const face by_interval = FACE("intervals", true, make_interval, BOUND_OF_INTERVALS);
static const face by_hazard = FACE("hazards", false, make_hazard, BOUND_OF_HAZARDS);

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
    {"protect", "enter, exit", guard_reads, READS | HOLDS, 0, 0},
    {"protect", "two, nested", guard_reads_two, READS, 0, 0},
};

static const operation marks[] = {
    {"enter", "exit", guard_enters_and_exits, MARKS, WAIT_FREE, 0},
};

/* ---- each operation by itself ---- */

WEIR_GUARD_DEFINE(objects, object, retired);

/* More than a record has from the start. */
enum { MANY_SLOTS = WEIR_HAZARD_SLOTS + 2 };

static void guard_enters(box *b, unsigned who)
{
    reading *const r = &b->stays[who];

    if (r->inside)
        ends(b, who);
    r->section = weir_guard_enter((weir_guard_record *)b->record[who]);
    r->inside = true;
    r->object = NULL;
}

static void guard_protects(box *b, unsigned who)
{
    reading *const r = &b->stays[who];

    use_again(r);
    r->object = (object *)weir_guard_protect((weir_guard_record *)b->record[who], 0, &b->shared);
    use(r->object);
}

static void guard_protects_typed(box *b, unsigned who)
{
    reading *const r = &b->stays[who];

    use_again(r);
    r->object = objects_protect((weir_guard_record *)b->record[who], 0, &b->typed);
    use(r->object);
}

/* Two steps of the caller's loop at most. */
static void guard_sets(box *b, unsigned who)
{
    reading *const r = &b->stays[who];

    use_again(r);
    r->object = NULL;
    for (unsigned i = 0; i < 2 && r->object == NULL; i++) {
        object *const o = (object *)weir_atomic_load(&b->shared, WEIR_ACQUIRE);

        if (!weir_guard_set((weir_guard_record *)b->record[who], 0, o))
            r->object = o;
    }
    use_again(r);
}

static void guard_has_many(box *b, unsigned who)
{
    if (weir_guard_reserve((weir_guard_record *)b->record[who], MANY_SLOTS) != 0)
        weir_step_false("no memory for more slots");
}

static void guard_enters_with_many(box *b, unsigned who)
{
    reading *const r = &b->stays[who];
    weir_guard_record *const me = (weir_guard_record *)b->record[who];

    guard_has_many(b, who);
    guard_enters(b, who);
    r->object = (object *)weir_guard_protect(me, MANY_SLOTS - 1, &b->shared);
}

static void guard_asks_for_scheme(box *b, unsigned who)
{
    const weir_guard_scheme scheme = weir_guard_scheme_of((weir_guard_record *)b->record[who]);

    if (scheme != (b->face == &by_epoch      ? WEIR_GUARD_EPOCH
                   : b->face == &by_interval ? WEIR_GUARD_INTERVAL
                                             : WEIR_GUARD_HAZARD))
        weir_step_false("a record is of another scheme than its domain");
}

/* `wait_free`: the bound of what is so with epochs alone. */
#define ACTS(wait_free)                                                                 \
    {                                                                                   \
        SELF_ACT, {"enter", NULL, NULL, guard_enters, KEEPS, 310, 0},                   \
            {"exit", NULL, begins, ends, KEEPS, 390, 0},                                \
            {"protect", NULL, guard_enters, guard_protects, KEEPS, wait_free, 0},       \
            {"set", NULL, guard_enters, guard_sets, KEEPS, 590, 0}, INSIDE_ACT(110),    \
            {"scheme_of", NULL, NULL, guard_asks_for_scheme, SAME, 80, 0}, BORN_ACT,    \
            {"reserve", NULL, guard_has_many, guard_has_many, SAME, 0, 0}, WRITER_ACTS, \
    }

static const act acts[] = ACTS(0), acts_of_epochs[] = ACTS(170);

/* The last one of hazards alone. */
#define OTHERS(wait_free)                                                              \
    {                                                                                  \
        {"protect", "typed", guard_enters, guard_protects_typed, KEEPS, wait_free, 0}, \
            {"exit", "many slots", guard_enters_with_many, ends, KEEPS, 780, 0},       \
    }

static const act others[] = OTHERS(0), others_of_epochs[] = OTHERS(170);

static const act reserve = {"reserve", "grows", NULL, guard_enters_with_many, KEEPS, 0, 0};

/* What is long is the schemes' common code, and each has its part of those rows. */
static void sweep_scheme(const face *f, size_t number)
{
    static box b;
    const share part = {number, 3};

    open_box(&b, f);
    sweep_pairs(&b, f == &by_epoch ? acts_of_epochs : acts, COUNT(acts),
                f == &by_epoch ? others_of_epochs : others, COUNT(others) - (f != &by_hazard),
                &part);
    sweep_in_new_domain(&b, &first_use, acts, COUNT(acts), &part);
    sweep_orphans(&b);
    if (f == &by_hazard)
        sweep_in_new_domain(&b, &reserve, acts, COUNT(acts), &part);
    sweep_table(&b, f, readers, COUNT(readers), true);
    sweep_table(&b, f, marks, COUNT(marks), true);
    sweep_table(&b, f, writers, 1, true);
    close_box(&b);
}

static void sweep(void)
{
    sweep_scheme(&by_epoch, 0);
    sweep_scheme(&by_interval, 1);
    sweep_scheme(&by_hazard, 2);
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
    static const operation naive = {"set", "not heeded, exit", guard_looks_once, READS, 0, 0};
    static box b;

    open_box(&b, &by_hazard);
    naive_is_found(&b, &by_hazard, &naive, &replace_and_collect);
    close_box(&b);
}

int main(void)
{
    int status;

    weir_step_begin("step-guard");
    status = TEST_RUN("step-guard", TEST_CASE(sweep), TEST_CASE(finds_a_set_that_is_not_heeded));
    return status != 0 ? status : weir_step_end();
}
