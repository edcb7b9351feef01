/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step-reclaim-pairs.h: each operation of a reclamation scheme by itself, stopped after
 * each of its instructions, against each other and itself in another thread with its own record;
 * each against two others at once; and a thread's first use of a domain, which makes a record, or
 * slots, against all. There are four states to start from: in an asymmetric domain or a fenced
 * one, while somebody else reads or while nobody does. Long operations are swept in one of them
 * in each row, the next in the next row, short ones in two.
 *
 * synchronize and barrier, which block on readers, have a deadline that has passed: they go
 * through all but the sleep, and give up. leave, and the first use after it, block each other and
 * are not swept against each other (weir/reclaim.h). All of these stop nobody else: no row may
 * have a blocked stop.
 *
 * What is checked besides what stress/step-reclaim.h does: a reader that stays inside keeps what
 * it has loaded until the end of the run, when all that can be is reclaimed; what collect
 * returns; what waits according to the statistics; that what can go is gone after a full batch,
 * or a collect; and that synchronize and barrier give up for readers, and for those in the middle
 * of what they wait for, alone.
 *
 * To add an operation: an act, and a line in its scheme's table. */

#ifndef WEIR_STRESS_STEP_RECLAIM_PAIRS_H
#define WEIR_STRESS_STEP_RECLAIM_PAIRS_H

#include "step-reclaim.h"

/* What others have to do with an operation that is stopped, or has been done. */
enum {
    KEEPS = 1, /* may be inside: objects that were shared remain; of some schemes others too */
    WORKS = 2, /* may have its own lists in hands, or a batch whose callbacks it calls */
    TAKES = 4, /* or those of others */
    GOES = 8,  /* has a lock that first uses of a domain, and ends, wait for */
    ASKS = 16, /* is a first use, if the domain is new to the thread */
    SLOW = 32, /* long */
    SAME = 64  /* the same code whatever the scheme of a guard */
};

/* An operation. `prepare` is done before the run, for a seat at rest. */
typedef struct act {
    const char *verb, *variant; /* weir_NAME_verb */
    void (*prepare)(box *b, unsigned who);
    void (*run)(box *b, unsigned who);
    unsigned kind;
    unsigned bound; /* own instructions, where its banner says wait-free; see below */
    unsigned waits; /* objects retired in its record before */
} act;

/* Bounds are of own instructions, those of the act below included: a third more than what gcc
 * and clang take at most at -O0, where all that is inline is a call, and with somebody to be
 * woken, which happens once. At -O2 it is less than half of that, and again half without him. */

/* ---- what must be ---- */

/* Whether another seat is of these kinds. */
static inline bool others_are(const box *b, unsigned who, unsigned kinds)
{
    for (unsigned i = 0; i < SEATS; i++)
        if (i != who && b->acts[i] != NULL && (b->acts[i]->kind & kinds) != 0)
            return true;
    return false;
}

/* Whether somebody may be inside. */
static inline bool somebody_reads(const box *b)
{
    return others_are(b, SEATS, KEEPS) || b->since_before.inside;
}

/* Nobody can be using objects that were never shared, and nobody else can have them. */
static inline bool must_go(const box *b, unsigned who)
{
    return !others_are(b, who, TAKES) && !(b->face->keeps_all && somebody_reads(b));
}

static inline void own_are_gone(const box *b, unsigned who)
{
    for (unsigned i = 0; i < BATCH && b->own[who][i] != NULL; i++)
        if (must_go(b, who) && !is_reclaimed(b->own[who][i]))
            weir_step_false("an own object was not reclaimed, though nobody could be using it");
}

static inline void use_again(const reading *r)
{
    if (r->object != NULL)
        use(r->object);
}

/* ---- readers ---- */

/* Begins a section and loads, or protects, and remains so. */
static inline void begins(box *b, unsigned who)
{
    reading *const r = &b->stays[who];

    if (r->inside) {
        use_again(r);
        b->face->end(b->record[who], r);
    }
    b->face->begin(b->record[who], r, &b->shared);
    use_again(r);
}

/* Ends what was begun before. */
static inline void ends(box *b, unsigned who)
{
    reading *const r = &b->stays[who];

    if (!r->inside)
        b->face->begin(b->record[who], r, &b->shared);
    use_again(r);
    b->face->end(b->record[who], r);
}

static inline void begins_upside(box *b, unsigned who)
{
    if (b->upside)
        begins(b, who);
}

static inline void looks_inside(box *b, unsigned who)
{
    if (b->face->inside(b->record[who]) != b->stays[who].inside)
        weir_step_false("a thread does not know whether it is inside");
}

/* ---- writers ---- */

static inline void retires(box *b, unsigned who)
{
    replace(b, b->record[who]);
}

static inline void retires_full(box *b, unsigned who)
{
    replace(b, b->record[who]);
    own_are_gone(b, who);
}

static inline void collects(box *b, unsigned who)
{
    const size_t before = calls;
    const size_t n = b->face->collect(b->record[who]);

    if (n != calls - before)
        weir_step_false("collect returns another number than that of callbacks it called");
    own_are_gone(b, who);
}

static inline void is_born(box *b, unsigned who)
{
    object *const o = new_object(b);

    b->face->born(b->record[who], o);
    b->newborn[who] = o;
}

static inline void synchronizes(box *b, unsigned who)
{
    const int status = free_after_synchronize(b, b->record[who], 0);

    if (status != 0 && status != -ETIMEDOUT)
        weir_step_false("an error that nobody expects");
    if (status != 0 && !somebody_reads(b))
        weir_step_false("synchronize waits, and nobody reads");
}

static inline void waits_in_barrier(box *b, unsigned who)
{
    const int status = b->face->barrier(b->domain, 0);

    if (status == 0)
        nothing_is_left(b, NULL);
    else if (status != -ETIMEDOUT)
        weir_step_false("an error that nobody expects");
    /* The adversaries do whole acts while the victim stands. */
    if (status != 0 && !somebody_reads(b) && (who == 0 || !others_are(b, who, WORKS | TAKES)))
        weir_step_false("barrier waits for nobody");
}

/* ---- queries, and threads ---- */

static inline void asks_for_itself(box *b, unsigned who)
{
    if (b->face->self(b->domain) != b->record[who])
        weir_step_false("a thread finds another record than its own");
}

/* Each other seat may have handed an object over that is not counted yet, and have counted one
 * whose callback has not begun. */
static inline void reads_statistics(box *b, unsigned who)
{
    /* relaxed: numbers, which the turns order; here and below. */
    const size_t handed = weir_atomic_load(&b->handed, WEIR_RELAXED);
    const size_t gone = weir_atomic_load(&b->gone, WEIR_RELAXED);
    const size_t slack = who == 0 ? 0 : b->acts[2] == NULL ? 2 : 4;
    weir_reclaim_stats stats;
    size_t most, least;

    b->face->stats(b->domain, &stats);
    /* relaxed: as above. */
    most = weir_atomic_load(&b->handed, WEIR_RELAXED) - gone;
    least = weir_atomic_load(&b->gone, WEIR_RELAXED) + slack;
    least = handed > least ? handed - least : 0;
    if (stats.objects > most || stats.objects < least)
        weir_step_false("the statistics count objects that do not wait, or miss some");
    if (stats.bytes > most || stats.bytes < least)
        weir_step_false("the statistics count bytes that do not wait, or miss some");
    if (stats.records < b->records_before || stats.left_open != 0)
        weir_step_false("the statistics of records are false");
}

/* One that collects at the same time, as the other adversary, may just have this record in its
 * hands, so that another is found. */
static inline void leaves_and_comes_back(box *b, unsigned who)
{
    void *record;

    b->face->leave(b->record[who]);
    record = b->face->self(b->domain);
    if (record == NULL || (b->acts[2] == NULL && record != b->record[who]))
        weir_step_false("a record that was given back is not found again");
    b->record[who] = b->records[b->fenced][who] = record;
}

static inline void asks_for_the_first_time(box *b, unsigned who)
{
    b->record[who] = b->face->self(b->domain);
    if (b->record[who] == NULL || b->record[who] == b->record[1] || b->record[who] == b->lent)
        weir_step_false("the record of a new thread is not its own");
}

static inline void takes_over(box *b, unsigned who)
{
    b->record[who] = b->face->self(b->domain);
    if (b->record[who] == NULL || b->record[who] == b->lent)
        weir_step_false("the record of a new thread is not its own");
    else
        replace(b, b->record[who]);
}

/* What is of all schemes alike. */
#define SELF_ACT                                                 \
    {                                                            \
        "self", NULL, NULL, asks_for_itself, ASKS | SAME, 150, 0 \
    }
#define INSIDE_ACT(bound)                                                   \
    {                                                                       \
        "inside", NULL, begins_upside, looks_inside, KEEPS | SAME, bound, 0 \
    }
#define BORN_ACT                                  \
    {                                             \
        "born", NULL, NULL, is_born, SAME, 160, 0 \
    }
#define WRITER_ACTS                                                                            \
    {"retire", NULL, NULL, retires, WORKS | SAME, 0, 0},                                       \
        {"retire", "full batch", NULL, retires_full, WORKS | SLOW | SAME, 0, BATCH - 1},       \
        {"collect", NULL, NULL, collects, WORKS | SLOW | SAME, 0, 2},                          \
        {"stats", NULL, NULL, reads_statistics, SAME, 0, 0},                                   \
        {"leave", "and back", NULL, leaves_and_comes_back, WORKS | GOES | SLOW | SAME, 0, 1},  \
        {"synchronize", "at once", NULL, synchronizes, SLOW | SAME, 0, 0},                     \
    {                                                                                          \
        "barrier", "at once", NULL, waits_in_barrier, WORKS | TAKES | ASKS | SLOW | SAME, 0, 1 \
    }

/* ---- the run ---- */

static inline void lend(box *b)
{
    sem_post(&b->awake);
    while (sem_wait(&b->asleep) != 0)
        continue;
}

/* In a domain that is new to the victim the adversary has the conductor's record, and the
 * sleeper, whose record comes after it, reads. If the victim's record is to grow it has the
 * conductor's. */
static inline void set_seats_anew(box *b)
{
    void *const own = b->record[0];

    lend(b);
    if ((b->acts[0]->kind & GOES) != 0) {
        b->record[0] = NULL;
        b->record[1] = own;
        b->bystander = b->lent;
        b->face->begin(b->bystander, &b->since_before, &b->shared);
    } else if ((b->acts[1]->kind & GOES) != 0) {
        /* What the victim reads waits in a record that is nobody's, and that the adversary gets. */
        b->record[0] = b->lent;
        b->face->begin(b->record[0], &b->stays[0], &b->shared);
        replace(b, own);
        b->face->leave(own);
    } else {
        b->record[1] = b->lent;
    }
}

static inline void pair_setup(void *state)
{
    box *const b = (box *)state;
    weir_reclaim_stats stats;

    setup(state);
    if ((b->script->with & NEWCOMERS) != 0)
        set_seats_anew(b);
    for (unsigned who = 0; who < SEATS; who++) {
        const act *const a = b->acts[who];
        unsigned waits;

        if (a == NULL || b->record[who] == NULL)
            continue;
        /* What is taken is not to be empty. */
        waits = a->waits != 0 ? a->waits : others_are(b, who, TAKES);
        for (unsigned i = 0; i < waits; i++) {
            b->own[who][i] = new_object(b);
            b->face->born(b->record[who], b->own[who][i]);
            hand_over(b->own[who][i]);
            b->own[who][i]->before = true;
            b->face->retire(b->record[who], b->own[who][i]);
        }
        if (a->prepare != NULL)
            a->prepare(b, who);
    }
    b->face->stats(b->domain, &stats);
    b->records_before = stats.records;
    b->elder = new_object(b);
    /* In the first run of all no seat has one yet. */
    b->face->born(b->record[0] != NULL   ? b->record[0]
                  : b->record[1] != NULL ? b->record[1]
                                         : b->face->self(b->domain),
                  b->elder);
}

static inline void pair_victim(void *state)
{
    box *const b = (box *)state;

    b->acts[0]->run(b, 0);
}

static inline void pair_adversary_0(void *state)
{
    box *const b = (box *)state;

    b->acts[1]->run(b, 1);
}

static inline void pair_adversary_1(void *state)
{
    box *const b = (box *)state;

    b->acts[2]->run(b, 2);
}

static inline void check_births(box *b, void *own)
{
    object *const youngest = new_object(b);

    b->face->born(own, youngest);
    for (unsigned who = 0; who < SEATS; who++)
        if (b->newborn[who] != NULL && (b->newborn[who]->retired.born < b->elder->retired.born ||
                                        b->newborn[who]->retired.born > youngest->retired.born))
            weir_step_false("an object was born before its elder, or after its younger");
}

/* Reclaims what can be while those who are inside are so still. */
static inline void pair_check(void *state)
{
    box *const b = (box *)state;
    void *const own = b->face->self(b->domain);

    check_births(b, own);
    if (somebody_reads(b)) {
        replace(b, own);
        (void)b->face->barrier(b->domain, 0);
        b->face->collect(own);
    }
    if (b->since_before.inside)
        use_again(&b->since_before);
    for (unsigned who = 0; who < SEATS; who++)
        if (b->stays[who].inside) {
            use_again(&b->stays[who]);
            b->face->end(b->record[who], &b->stays[who]);
        }
    check(state);
}

/* ---- the table ---- */

static const operation nothing_before = {"", NULL, NULL, 0, 0, 0};
static const script quiet = {"", {NULL, NULL}, 0, 0, 0};
static const script with_bystander = {"", {NULL, NULL}, 0, 0, BYSTANDER};
static const script in_a_new_domain = {"", {NULL, NULL}, 0, 0, NEWCOMERS};

/* Where a sweep starts: an odd one is of a fenced domain. */
enum { WITH_BYSTANDER = 2, STATES = 4, IN_A_NEW_DOMAIN = 4 };

/* Sweeps `victim` against one or two others from one state. */
static inline void sweep_acts(box *b, const act *victim, const act *first, const act *second,
                              size_t state, weir_step_row *row)
{
    char name[64], against[64];
    weir_step_plan plan;

    write_name(name, sizeof name, b->face, victim->verb, victim->variant);
    if (second == NULL)
        write_name(against, sizeof against, b->face, first->verb, first->variant);
    else
        snprintf(against, sizeof against, "%s_%s + %s_%s", b->face->name, first->verb,
                 b->face->name, second->verb);
    plan.operation = name;
    plan.against = against;
    plan.setup = pair_setup;
    plan.victim = pair_victim;
    plan.adversary[0] = pair_adversary_0;
    plan.adversary[1] = second != NULL ? pair_adversary_1 : NULL;
    plan.check = pair_check;
    plan.bound = victim->bound;
    plan.may_refuse = false;
    b->operation = &nothing_before;
    b->acts[0] = victim;
    b->acts[1] = first;
    b->acts[2] = second;
    b->script = state >= IN_A_NEW_DOMAIN  ? &in_a_new_domain
                : state >= WITH_BYSTANDER ? &with_bystander
                                          : &quiet;
    b->fenced = state % 2 != 0;
    b->upside = state >= WITH_BYSTANDER;
    weir_step_thin((victim->kind & SLOW) != 0 ? THINNER : THIN);
    weir_step_sweep(&plan, b, row);
}

/* Makes the records of all seats, in both domains: the first run of a sweep, in which the victim
 * is stopped when it has done. */
static inline void take_seat(box *b, unsigned who)
{
    record_of(b, who);
}

static inline void prime(box *b, void (*run)(box *b, unsigned who))
{
    const act first = {"self", "the first time", NULL, run, 0, 0, 0};
    weir_step_row row;

    memset(&row, 0, sizeof row);
    for (unsigned fenced = 0; fenced < 2; fenced++)
        sweep_acts(b, &first, &first, &first, fenced, &row);
}

/* Of several schemes with the same code each has its share of the rows. */
typedef struct share {
    size_t number, of;
} share;

/* A line of the table. `n` says in which state it starts. */
static inline void sweep_row(box *b, const act *victim, const act *first, const act *second,
                             size_t n, const share *s)
{
    weir_step_row row;

    memset(&row, 0, sizeof row);
    sweep_acts(b, victim, first, second, n % STATES, &row);
    if ((victim->kind & SLOW) == 0 && s->of == 1)
        sweep_acts(b, victim, first, second, STATES - 1 - n % STATES, &row);
    weir_step_report(&row);
}

/* From `i` on, the next of the acts that may run against `victim`. */
static inline size_t next_against(const act *victim, const act *acts, size_t count, size_t i,
                                  unsigned kinds)
{
    i %= count;
    while ((acts[i].kind & victim->kind & GOES) != 0 || (kinds != 0 && (acts[i].kind & kinds) == 0))
        i = (i + 1) % count;
    return i;
}

static inline bool has_share(const share *s, const act *victim, size_t number)
{
    return (victim->kind & SAME) == 0 || number % s->of == s->number;
}

/* Sweeps an act against each of the acts, and twice against two. */
static inline void sweep_against_all(box *b, const act *victim, const act *acts, size_t count,
                                     size_t number, const share *s)
{
    size_t i, j;

    for (i = 0; i < count; i++)
        if ((acts[i].kind & victim->kind & GOES) == 0 && has_share(s, victim, number + i))
            sweep_row(b, victim, &acts[i], NULL, number + i, s);
    if (!has_share(s, victim, number))
        return;
    /* Itself and one that reclaims; and two others. */
    i = next_against(victim, acts, count, number + 1, WORKS | TAKES);
    j = next_against(victim, acts, count, number, 0);
    sweep_row(b, victim, &acts[i], &acts[j], number, s);
    i = next_against(victim, acts, count, number + 1, 0);
    j = next_against(victim, acts, count, number + count / 2, 0);
    sweep_row(b, victim, &acts[i], &acts[j], number + 2, s);
}

/* Sweeps each act, and each of the `others`, which are victims alone, against each act. */
static inline void sweep_pairs(box *b, const act *acts, size_t count, const act *others,
                               size_t other_count, const share *s)
{
    prime(b, take_seat);
    for (size_t i = 0; i < count; i++)
        sweep_against_all(b, &acts[i], acts, count, i, s);
    for (size_t i = 0; i < other_count; i++)
        sweep_against_all(b, &others[i], acts, count, i, s);
}

/* Sweeps a victim that comes to a new domain, or has its record grow there, against all that do
 * not come to it themselves. */
static inline void sweep_in_new_domain(box *b, const act *victim, const act *acts, size_t count,
                                       const share *s)
{
    for (size_t i = 0; i < count; i++) {
        weir_step_row row;

        if ((acts[i].kind & (GOES | ASKS)) != 0 || !has_share(s, victim, i))
            continue;
        memset(&row, 0, sizeof row);
        sweep_acts(b, victim, &acts[i], NULL, IN_A_NEW_DOMAIN + i % 2, &row);
        weir_step_report(&row);
    }
}

static const share whole = {0, 1};

/* Sweeps one that collects what a thread has left behind, while another gets that one's record. */
static inline void sweep_orphans(box *b)
{
    static const act collector = {"collect", "orphans", NULL, collects, KEEPS | WORKS | SLOW, 0, 0};
    static const act heir = {"self", "of a thread that left", NULL, takes_over, GOES | WORKS, 0, 0};
    weir_step_row row;

    memset(&row, 0, sizeof row);
    for (unsigned fenced = 0; fenced < 2; fenced++)
        sweep_acts(b, &collector, &heir, NULL, IN_A_NEW_DOMAIN + fenced, &row);
    weir_step_report(&row);
}

static const act first_use = {
    "self", "first use", NULL, asks_for_the_first_time, GOES | SLOW | SAME, 0, 0};

#endif /* WEIR_STRESS_STEP_RECLAIM_PAIRS_H */
