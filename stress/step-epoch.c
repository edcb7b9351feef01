/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/epoch.h under the step harness: readers are wait-free, and what they may have seen stays;
 * who retires or collects waits for nobody, wherever another stands.
 *
 * And two that are broken, which must be found out: a reader that loads before it has entered; and
 * a synchronize that forgets, when it resumes its scan, who was active before. */

#include "step-reclaim-pairs.h"

#include <weir/epoch.h>

STEP_COMMON(epoch)

static int epoch_make(void **domain, const weir_reclaim_options *options)
{
    weir_epoch *made = NULL;
    const int status = weir_epoch_new(&made, options);

    *domain = made;
    return status;
}

static int epoch_synchronize(void *domain, const object *o, uint64_t deadline)
{
    (void)o;
    return weir_epoch_synchronize((weir_epoch *)domain, deadline);
}

static void epoch_begin(void *record, reading *r, const WEIR_ATOMIC(void *) * from)
{
    r->section = weir_epoch_enter((weir_epoch_record *)record);
    r->inside = true;
    r->object = (object *)weir_atomic_load(from, WEIR_ACQUIRE);
}

static void epoch_end(void *record, reading *r)
{
    r->inside = false;
    weir_epoch_exit((weir_epoch_record *)record, r->section);
}

static void epoch_born(void *record, object *o)
{
    (void)record;
    (void)o;
}

static const face epoch = {"epoch",
                           NULL,
                           true,
                           epoch_make,
                           epoch_destroy,
                           epoch_self,
                           epoch_synchronize,
                           epoch_barrier,
                           epoch_stats,
                           epoch_leave,
                           epoch_begin,
                           epoch_end,
                           epoch_inside,
                           epoch_born,
                           epoch_retire,
                           epoch_collect,
                           0};

/* ---- readers ---- */

static void epoch_reads(box *b, void *record)
{
    reading r;

    epoch_begin(record, &r, &b->shared);
    use(r.object);
    epoch_end(record, &r);
}

/* What the inner section has loaded stays to the end of the outer one. */
static void epoch_reads_nested(box *b, void *record)
{
    reading outer, inner;

    epoch_begin(record, &outer, &b->shared);
    epoch_begin(record, &inner, &b->shared);
    epoch_end(record, &inner);
    use(inner.object);
    use(outer.object);
    epoch_end(record, &outer);
}

/* A reader that retires what it has just read itself. */
static void epoch_replaces_inside(box *b, void *record)
{
    reading r;

    epoch_begin(record, &r, &b->shared);
    replace(b, record);
    use(r.object);
    epoch_end(record, &r);
}

static const operation readers[] = {
    {"enter", "load, exit", epoch_reads, READS, WAIT_FREE, 0},
    {"enter", "load, exit, nested", epoch_reads_nested, READS, WAIT_FREE, 0},
    {"enter", "retire, exit", epoch_replaces_inside, READS, 0, 0},
};

/* ---- each operation by itself ---- */

static void enters_here(box *b, unsigned who)
{
    reading *const r = &b->stays[who];

    if (r->inside)
        ends(b, who);
    r->section = weir_epoch_enter_here((weir_epoch *)b->domain);
    r->inside = true;
    r->object = (object *)weir_atomic_load(&b->shared, WEIR_ACQUIRE);
}

static void exits_here(box *b, unsigned who)
{
    reading *const r = &b->stays[who];

    if (!r->inside)
        begins(b, who);
    use_again(r);
    r->inside = false;
    weir_epoch_exit_here((weir_epoch *)b->domain, r->section);
}

/* Domains that a thread's memory has no place for beside b->domains: their numbers are 8 more. */
static weir_epoch *crowd[8];

/* The thread has asked for both before: each is found by a walk over the domain's records. */
static void asks_for_one_of_many(box *b, unsigned who)
{
    const size_t alike = COUNT(crowd) - 2 + b->fenced;

    if (weir_epoch_self(crowd[alike]) == NULL)
        weir_step_false("no memory for a record");
    asks_for_itself(b, who);
}

static const act acts[] = {
    SELF_ACT,
    {"enter", NULL, NULL, begins, KEEPS, 390, 0},
    {"exit", NULL, begins, ends, KEEPS, 340, 0},
    {"enter_here", NULL, NULL, enters_here, KEEPS | ASKS, 420, 0},
    {"exit_here", NULL, begins, exits_here, KEEPS | ASKS, 400, 0},
    INSIDE_ACT(110),
    WRITER_ACTS,
};

static const act others[] = {
    {"self", "of many", NULL, asks_for_one_of_many, ASKS, 600, 0},
};

static void sweep(void)
{
    static box b;

    open_box(&b, &epoch);
    for (size_t i = 0; i < COUNT(crowd); i++)
        CHECK_EQ(weir_epoch_new(&crowd[i], NULL), 0);
    sweep_table(&b, &epoch, writers, COUNT(writers), false);
    sweep_table(&b, &epoch, readers, COUNT(readers), false);
    prime(&b, asks_for_one_of_many);
    sweep_pairs(&b, acts, COUNT(acts), others, COUNT(others), &whole);
    sweep_in_new_domain(&b, &first_use, acts, COUNT(acts), &whole);
    sweep_orphans(&b);
    for (size_t i = 0; i < COUNT(crowd); i++)
        CHECK_EQ(weir_epoch_free(crowd[i]), 0);
    close_box(&b);
}

/* ---- the broken ones ---- */

static void epoch_loads_too_early(box *b, void *record)
{
    object *const o = (object *)weir_atomic_load(&b->shared, WEIR_ACQUIRE);
    const weir_section section = weir_epoch_enter((weir_epoch_record *)record);

    use(o);
    weir_epoch_exit((weir_epoch_record *)record, section);
}

static void finds_a_load_before_enter(void)
{
    static const operation naive = {"enter", "after the load", epoch_loads_too_early, READS, 0, 0};
    static box b;

    open_box(&b, &epoch);
    naive_is_found(&b, &epoch, &naive, &replace_and_collect);
    close_box(&b);
}

/* Epochs of a word a reader: 0, or the era in which it has entered. Whoever synchronizes waits in
 * two eras until all are idle or in the era; when all are idle it need not wait for the
 * second. R11: it comes to one that is behind, looks again until that one has gone on, and has
 * forgotten that others, before that one, were active. */
typedef struct forgetful {
    WEIR_ATOMIC(uint64_t) era;
    WEIR_ATOMIC(uint64_t) holder;  /* reads since before, in the era */
    WEIR_ATOMIC(uint64_t) toggles; /* has been reading in the era before */
    bool forgets;
    bool synchronized;
} forgetful;

/* Orders: those of x86-64, whose instructions the harness sees. */
static bool forgetful_all_are_in(forgetful *f, uint64_t era, bool *active)
{
    WEIR_ATOMIC(uint64_t) *const reader[] = {&f->holder, &f->toggles};
    unsigned tries = 0;

    *active = false;
    for (size_t i = 0; i < COUNT(reader);) {
        const uint64_t seen = weir_atomic_load(reader[i], WEIR_ACQUIRE);

        *active = *active || seen != 0;
        if (seen == 0 || seen == era)
            i++;
        else if (tries++ < 2)
            *active = *active && !f->forgets;
        else
            return false;
    }
    return true;
}

static bool forgetful_synchronize(forgetful *f)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        const uint64_t era = weir_atomic_load(&f->era, WEIR_ACQUIRE);
        bool active;

        if (!forgetful_all_are_in(f, era, &active))
            return false;
        if (!active)
            return true;
        weir_atomic_store(&f->era, era + 1, WEIR_RELEASE);
    }
    return true;
}

static void forgetful_setup(void *state)
{
    forgetful *const f = (forgetful *)state;

    weir_atomic_init(&f->era, 2);
    weir_atomic_init(&f->holder, 2);
    weir_atomic_init(&f->toggles, 1);
}

static void forgetful_victim(void *state)
{
    forgetful *const f = (forgetful *)state;

    f->synchronized = forgetful_synchronize(f);
}

static void forgetful_toggle(void *state)
{
    forgetful *const f = (forgetful *)state;

    if (weir_atomic_load(&f->toggles, WEIR_ACQUIRE) != 0)
        weir_atomic_store(&f->toggles, 0, WEIR_RELEASE);
    else
        weir_atomic_store(&f->toggles, weir_atomic_load(&f->era, WEIR_ACQUIRE), WEIR_RELEASE);
}

static void forgetful_check(void *state)
{
    if (((forgetful *)state)->synchronized)
        weir_step_false("synchronize has returned while a reader from before is inside");
}

static void finds_a_synchronize_that_forgets(void)
{
    static const weir_step_plan naive = {"forgetful synchronize",
                                         "R11: one holds, one toggles",
                                         forgetful_setup,
                                         forgetful_victim,
                                         {forgetful_toggle, NULL},
                                         forgetful_check,
                                         0,
                                         false};
    static forgetful state;
    weir_step_plan right = naive;
    weir_step_row row = {0}, right_row = {0};

    state.forgets = true;
    weir_step_sweep(&naive, &state, &row);
    weir_step_print(&row);
    CHECK(row.skipped != 0 || (row.wrong > 0 && row.wrong < row.stops));
    CHECK_EQ(row.blocked, 0);
    state.forgets = false;
    right.operation = "synchronize that does not";
    weir_step_sweep(&right, &state, &right_row);
    weir_step_report(&right_row);
    CHECK(right_row.skipped != 0 || (right_row.stops > 0 && right_row.wrong == 0));
}

int main(void)
{
    int status;

    weir_step_begin("step-epoch");
    status = TEST_RUN("step-epoch", TEST_CASE(sweep), TEST_CASE(finds_a_load_before_enter),
                      TEST_CASE(finds_a_synchronize_that_forgets));
    return status != 0 ? status : weir_step_end();
}
