/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/interval.h under the step harness: as weir/epoch.h; and a reader that stands still inside
 * keeps no more than the stated number of objects, however many are replaced.
 *
 * And one that is broken, which must be found out: a reader that does not say how new an object is
 * that it has loaded. */

#include "step-reclaim-pairs.h"

#include <weir/interval.h>

STEP_COMMON(interval)

static int interval_make(void **domain, const weir_reclaim_options *options)
{
    weir_interval *made = NULL;
    const int status = weir_interval_new(&made, options);

    *domain = made;
    return status;
}

static int interval_synchronize(void *domain, const object *o, uint64_t deadline)
{
    (void)o;
    return weir_interval_synchronize((weir_interval *)domain, deadline);
}

static void interval_begin(void *record, reading *r, const WEIR_ATOMIC(void *) * from)
{
    r->section = weir_interval_enter((weir_interval_record *)record);
    r->inside = true;
    r->object = (object *)weir_interval_protect((weir_interval_record *)record, from);
}

static void interval_end(void *record, reading *r)
{
    r->inside = false;
    weir_interval_exit((weir_interval_record *)record, r->section);
}

static void interval_born(void *record, object *o)
{
    weir_interval_born((weir_interval_record *)record, &o->retired);
}

static const face interval = {"interval",
                              NULL,
                              true,
                              interval_make,
                              interval_destroy,
                              interval_self,
                              interval_synchronize,
                              interval_barrier,
                              interval_stats,
                              interval_leave,
                              interval_begin,
                              interval_end,
                              interval_inside,
                              interval_born,
                              interval_retire,
                              interval_collect,
                              BOUND_OF_INTERVALS};

/* ---- readers ---- */

static void interval_enters_and_exits(box *b, void *record)
{
    const weir_section section = weir_interval_enter((weir_interval_record *)record);

    (void)b;
    weir_interval_exit((weir_interval_record *)record, section);
}

static void interval_reads(box *b, void *record)
{
    reading r;

    interval_begin(record, &r, &b->shared);
    use(r.object);
    interval_end(record, &r);
}

/* The second is likely to be of a newer era than the first; both stay. */
static void interval_reads_two(box *b, void *record)
{
    reading outer, inner;

    interval_begin(record, &outer, &b->shared);
    interval_begin(record, &inner, &b->shared);
    interval_end(record, &inner);
    use(inner.object);
    use(outer.object);
    interval_end(record, &outer);
}

static const operation readers[] = {
    {"protect", "enter, exit", interval_reads, READS | HOLDS, 0, 0},
    {"protect", "two, nested", interval_reads_two, READS, 0, 0},
};

static const operation marks[] = {
    {"enter", "exit", interval_enters_and_exits, MARKS, WAIT_FREE, 0},
};

/* ---- each operation by itself ---- */

WEIR_INTERVAL_DEFINE(objects, object, retired);

static void interval_enters(box *b, unsigned who)
{
    reading *const r = &b->stays[who];

    if (r->inside)
        ends(b, who);
    r->section = weir_interval_enter((weir_interval_record *)b->record[who]);
    r->inside = true;
    r->object = NULL;
}

static void interval_protects_inside(box *b, unsigned who)
{
    reading *const r = &b->stays[who];

    use_again(r);
    r->object = (object *)weir_interval_protect((weir_interval_record *)b->record[who], &b->shared);
    use(r->object);
}

static void interval_protects_typed(box *b, unsigned who)
{
    reading *const r = &b->stays[who];

    use_again(r);
    r->object = objects_protect((weir_interval_record *)b->record[who], &b->typed);
    use(r->object);
}

static const act acts[] = {
    SELF_ACT,
    {"enter", NULL, NULL, interval_enters, KEEPS, 310, 0},
    {"exit", NULL, begins, ends, KEEPS, 340, 0},
    {"protect", NULL, interval_enters, interval_protects_inside, KEEPS, 0, 0},
    INSIDE_ACT(110),
    BORN_ACT,
    WRITER_ACTS,
};

static const act others[] = {
    {"protect", "typed", interval_enters, interval_protects_typed, KEEPS, 0, 0},
};

static void sweep(void)
{
    static box b;

    open_box(&b, &interval);
    sweep_table(&b, &interval, writers, COUNT(writers), true);
    sweep_table(&b, &interval, readers, COUNT(readers), false);
    sweep_table(&b, &interval, marks, COUNT(marks), false);
    sweep_pairs(&b, acts, COUNT(acts), others, COUNT(others), &whole);
    sweep_in_new_domain(&b, &first_use, acts, COUNT(acts), &whole);
    sweep_orphans(&b);
    close_box(&b);
}

/* ---- the broken one ---- */

/* A section in which an era ends: what is shared after that is newer than the section. */
static weir_section enters_before_an_era_ends(box *b, weir_interval_record *me)
{
    const weir_section section = weir_interval_enter(me);

    for (size_t i = 0; i <= BATCH; i++)
        replace(b, me);
    return section;
}

static void interval_loads_plainly(box *b, void *record)
{
    weir_interval_record *const me = (weir_interval_record *)record;
    const weir_section section = enters_before_an_era_ends(b, me);
    object *const o = (object *)weir_atomic_load(&b->shared, WEIR_ACQUIRE);

    use(o);
    weir_interval_exit(me, section);
}

static void interval_protects(box *b, void *record)
{
    weir_interval_record *const me = (weir_interval_record *)record;
    const weir_section section = enters_before_an_era_ends(b, me);
    object *const o = (object *)weir_interval_protect(me, &b->shared);

    use(o);
    weir_interval_exit(me, section);
}

static void finds_a_load_that_tells_nobody(void)
{
    static const operation naive = {
        "enter", "load of what is newer", interval_loads_plainly, LONG, 0, 0};
    static const operation right = {"protect", "of what is newer", interval_protects, LONG, 0, 0};
    static const script newer = {"replace, collect", {"wc", NULL}, LONG, 0, 0};
    static box b;
    weir_step_row row;

    open_box(&b, &interval);
    naive_is_found(&b, &interval, &naive, &newer);
    sweep_line(&b, &interval, &right, &newer, BOTH, &row);
    weir_step_report(&row);
    CHECK(row.skipped != 0 || (row.stops > 0 && row.wrong == 0));
    close_box(&b);
}

int main(void)
{
    int status;

    weir_step_begin("step-interval");
    status = TEST_RUN("step-interval", TEST_CASE(sweep), TEST_CASE(finds_a_load_that_tells_nobody));
    return status != 0 ? status : weir_step_end();
}
