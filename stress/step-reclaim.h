/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step-reclaim.h: what the sweeps of the reclamation schemes share: each operation is
 * stopped after each of its instructions while others replace the shared object, retire,
 * collect, read, wait with a deadline that has passed, leave and come back. Here what is done to
 * reads from begin to end, and to writers, by scripts; stress/step-reclaim-pairs.h has each
 * operation by itself against each other.
 *
 * What is checked: an object is never reclaimed while a reader may use it, whoever that is: the
 * victim, an adversary that stays inside from act to act, or a bystander that has been inside
 * since before; what was retired is reclaimed once, and is so at the end by barriers that need
 * not wait; a barrier that says 0 has left nothing; while the victim holds nothing, others
 * reclaim all of their own, wherever it stands; and while a reader stands inside, no more waits
 * than the banner says.
 *
 * Readers are swept in an asymmetric domain (where the machine has them) and in a fenced one, the
 * others in the one or the other, in turn. Batches are of BATCH objects, so that the path through
 * one is short.
 *
 * To add a scheme: a file with a face and a table of its readers. To add an adversary: a line in
 * the scripts. */

#ifndef WEIR_STRESS_STEP_RECLAIM_H
#define WEIR_STRESS_STEP_RECLAIM_H

#include "step-blocks.h"
#include <weir/step.h>

#include "../tests/test.h"

#include <weir/reclaim.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    BATCH = 4,
    OBJECTS = 512, /* of one run */
    CHURN = 200,   /* objects replaced in one act */
    SEATS = 1 + WEIR_STEP_ADVERSARIES,
    /* Of the loops over records, slots and buckets; see weir_step_thin(). */
    THIN = 7,
    THINNER = 41,
    /* The banners' bounds, for one record that retires: with a reader inside an interval, who keeps
     * the shared object and those born in the same era; and with two hazards set. */
    KEPT = 1 + (BATCH + 1),
    BOUND_OF_INTERVALS = 2 * KEPT + 2 * BATCH,
    BOUND_OF_HAZARDS = BATCH + 2,
    /* Own instructions that a wait-free operation may take, of the code as any compiler
     * at any level makes it, with the calls that wake somebody who sleeps. */
    WAIT_FREE = 800
};

typedef struct box box;

typedef struct object {
    weir_retired retired;
    WEIR_ATOMIC(uint32_t) handed_over;
    WEIR_ATOMIC(uint32_t) reclaimed;
    struct object *chained; /* retired by the callback */
    bool before;            /* handed over before the victim began */
    box *box;
} object;

/* A reader between begin and end. */
typedef struct reading {
    bool inside;
    weir_section section;
    object *object;
} reading;

/* ---- a scheme under test ---- */

typedef struct face {
    const char *name;   /* of its functions: weir_NAME_... */
    const char *scheme; /* of a guard; else NULL */
    bool keeps_all;     /* a reader inside may keep what it has not loaded too */
    /* Of a domain: */
    int (*make)(void **domain, const weir_reclaim_options *options);
    int (*destroy)(void *domain);
    void *(*self)(void *domain);
    int (*synchronize)(void *domain, const object *o, uint64_t deadline);
    int (*barrier)(void *domain, uint64_t deadline);
    void (*stats)(void *domain, weir_reclaim_stats *stats);
    /* Of a record: */
    void (*leave)(void *record);
    void (*begin)(void *record, reading *r, const WEIR_ATOMIC(void *) * from);
    void (*end)(void *record, reading *r);
    bool (*inside)(void *record);
    void (*born)(void *record, object *o);
    void (*retire)(void *record, object *o);
    size_t (*collect)(void *record);
    /* Objects that may wait while a reader is inside, if one record retires; 0: no bound. */
    size_t most_waiting;
} face;

/* What kind of operation: which adversaries it is swept against. */
enum {
    READS = 1,   /* may keep objects of others meanwhile; swept in both domains */
    SHORT = 2,   /* retires, or waits, and calls no callback */
    LONG = 4,    /* retires and collects */
    ONLY = 8,    /* collects */
    CHAINS = 16, /* its callbacks retire */
    CLAIMS = 32, /* may keep others from their own lists meanwhile */
    HOLDS = 64,  /* reads, with a bound of what waits for it */
    MARKS = 128  /* half of a read, which is wait-free */
};

typedef struct operation {
    const char *verb, *variant; /* weir_NAME_verb, or what begins with it */
    void (*run)(box *b, void *record);
    unsigned kind;
    unsigned bound; /* own instructions, where its banner says wait-free */
    size_t waiting; /* objects retired in its record before */
} operation;

/* What else there is. */
enum {
    BYSTANDER = 1, /* somebody has been reading since before */
    ORPHANS = 2,   /* and a thread has retired what he reads, and left */
    NEWCOMERS = 4  /* the adversaries come to the domain while the victim stands */
};

/* What a thread of the adversaries does, a letter an operation:
 *   w  replaces the shared object and retires the old one      c  collects
 *   r  reads                                    t  begins to read, or ends: across its acts
 *   o  retires a batch of its own and collects  m  replaces many times over
 *   b  barrier    y  unlinks, synchronize, and frees it itself if that says 0
 *   z  the same with a deadline that is yet to come
 *   n  leaves, and comes back in a record that is nobody's     x  the bystander ends */
typedef struct script {
    const char *name;
    const char *text[WEIR_STEP_ADVERSARIES];
    unsigned against; /* kinds of operations */
    unsigned brief;   /* of these, those that are swept for each scheme */
    unsigned with;
} script;

struct box {
    const face *face;
    const operation *operation;
    const script *script;
    const struct act *acts[SEATS]; /* of stress/step-reclaim-pairs.h */
    bool fenced, upside;           /* `upside`: the other one of an operation's start states */

    void *domains[2];        /* asymmetric, fenced; for all runs */
    void *records[2][SEATS]; /* in these; NULL until first used */
    void *domain, *record[SEATS];
    void *bystanders[2]; /* records of a thread that only sleeps; */
    void *lent;          /* and what it has in a domain that is new */
    void *bystander;     /* the one of a run's domain */
    bool closing;
    pthread_t sleeper;
    sem_t awake, asleep;
    reading stays[SEATS], since_before;

    WEIR_ALIGNAS(WEIR_CACHELINE) union {
        WEIR_ATOMIC(void *) shared;
        WEIR_ATOMIC(object *) typed; /* the same, for what takes a typed one */
    };
    object objects[OBJECTS];
    object *own[SEATS][BATCH]; /* retired in a seat's record before, and never shared */
    object *newborn[SEATS], *elder;
    size_t records_before;
    WEIR_ATOMIC(uint32_t) next;
    WEIR_ATOMIC(uint32_t) handed, gone; /* objects in all */
    int status;                         /* of the victim's synchronize or barrier */
    WEIR_ATOMIC(uint64_t) went, kept; /* objects that a collect found free, or not; in the sweep */
};

/* ---- objects ---- */

static inline object *new_object(box *b)
{
    /* relaxed: only has to differ. */
    const uint32_t i = weir_atomic_fetch_add(&b->next, 1, WEIR_RELAXED);

    if (i >= OBJECTS - BATCH) {
        fprintf(stderr, "step: a run has too many objects\n");
        abort();
    }
    b->objects[i].box = b;
    return &b->objects[i];
}

static inline bool is_reclaimed(const object *o)
{
    /* relaxed: the turns order it; and if it is seen too late once, it is seen at the end. */
    return weir_atomic_load(&o->reclaimed, WEIR_RELAXED) != 0;
}

static inline void use(const object *o)
{
    if (is_reclaimed(o))
        weir_step_false("an object was reclaimed while it was in use");
}

/* relaxed: handed over before the scheme, or synchronize, passes it on; the turns order the
 * check. */
static inline void hand_over(object *o)
{
    weir_atomic_fetch_add(&o->box->handed, 1, WEIR_RELAXED);
    weir_atomic_store(&o->handed_over, 1, WEIR_RELAXED);
}

/* Callbacks that this thread has called. */
static _Thread_local size_t calls;

static inline void reclaim_object(weir_retired *retired)
{
    object *const o = (object *)(void *)retired;

    calls++;
    /* relaxed: as in is_reclaimed(). */
    weir_atomic_fetch_add(&o->box->gone, 1, WEIR_RELAXED);
    if (weir_atomic_fetch_add(&o->reclaimed, 1, WEIR_RELAXED) != 0)
        weir_step_false("an object was reclaimed twice");
    if (weir_atomic_load(&o->handed_over, WEIR_RELAXED) == 0)
        weir_step_false("an object was reclaimed that nobody had retired");
    if (o->chained != NULL) {
        o->chained->box = o->box;
        hand_over(o->chained);
        o->box->face->retire(o->box->face->self(o->box->domain), o->chained);
    }
}

/* Puts a new one in the place of the shared object. */
static inline object *unlink_shared(box *b, void *record)
{
    object *const o = new_object(b);
    object *old;

    b->face->born(record, o);
    /* The release publishes the object to readers; the acquire is of the old one. */
    old = (object *)weir_atomic_exchange(&b->shared, o, WEIR_ACQ_REL);
    hand_over(old);
    return old;
}

static inline object *replace(box *b, void *record)
{
    object *const old = unlink_shared(b, record);

    b->face->retire(record, old);
    return old;
}

static inline void retire_new(box *b, void *record)
{
    object *const o = new_object(b);

    b->face->born(record, o);
    hand_over(o);
    b->face->retire(record, o);
}

/* Unlinks, waits, and frees: what R11 is about. */
static inline int free_after_synchronize(box *b, void *record, uint64_t deadline)
{
    object *const old = unlink_shared(b, record);
    const int status = b->face->synchronize(b->domain, old, deadline);

    if (status == 0)
        reclaim_object(&old->retired);
    else
        b->face->retire(record, old);
    return status;
}

/* ---- victims that all schemes have ---- */

static inline void victim_replaces(box *b, void *record)
{
    replace(b, record);
}

static inline void victim_collects(box *b, void *record)
{
    b->face->collect(record);
}

/* Each callback of the batch retires another object. */
static inline void victim_retires_in_callbacks(box *b, void *record)
{
    for (size_t i = 0; i + 1 < BATCH; i++)
        b->objects[i].chained = &b->objects[OBJECTS - 1 - i];
    replace(b, record);
}

static inline void victim_synchronizes(box *b, void *record)
{
    b->status = free_after_synchronize(b, record, 0);
}

static inline void victim_waits_in_barrier(box *b, void *record)
{
    (void)record;
    b->status = b->face->barrier(b->domain, 0);
}

static const operation writers[] = {
    {"retire", NULL, victim_replaces, SHORT, 0, 0},
    {"retire", "full batch", victim_replaces, LONG, 0, BATCH - 1},
    {"retire", "in callbacks", victim_retires_in_callbacks, CHAINS, 0, BATCH - 1},
    {"collect", NULL, victim_collects, ONLY, 0, 2},
    {"synchronize", "at once", victim_synchronizes, SHORT, 0, 1},
    {"barrier", "at once", victim_waits_in_barrier, CLAIMS, 0, 2},
};

/* ---- adversaries ---- */

static inline void *record_of(box *b, unsigned who)
{
    if (b->record[who] == NULL) {
        b->record[who] = b->face->self(b->domain);
        if ((b->script->with & NEWCOMERS) == 0)
            b->records[b->fenced][who] = b->record[who];
    }
    return b->record[who];
}

/* Counts what became of an object that was retired, and of a collect after that. */
static inline void note(box *b, const object *o)
{
    /* relaxed: numbers. */
    weir_atomic_fetch_add(is_reclaimed(o) ? &b->went : &b->kept, 1, WEIR_RELAXED);
}

/* What a barrier that says 0 promises: of what was retired before the victim began, and `last`. */
static inline void nothing_is_left(box *b, const object *last)
{
    /* relaxed: a number. */
    const uint32_t used = weir_atomic_load(&b->next, WEIR_RELAXED);

    for (uint32_t i = 0; i < used; i++)
        if ((b->objects[i].before || &b->objects[i] == last) && !is_reclaimed(&b->objects[i]))
            weir_step_false("an object was left behind by a barrier");
}

/* Nobody but the victim keeps anything, and he does not. */
static inline bool all_must_go(const box *b)
{
    return b->script->text[1] == NULL && (b->operation->kind & CLAIMS) == 0 &&
           !(b->face->keeps_all &&
             ((b->operation->kind & READS) != 0 || b->since_before.inside || b->stays[1].inside));
}

static inline void retire_own(box *b, void *record)
{
    object *own[BATCH];

    for (size_t i = 0; i < BATCH; i++) {
        own[i] = new_object(b);
        b->face->born(record, own[i]);
        hand_over(own[i]);
        b->face->retire(record, own[i]);
    }
    b->face->collect(record);
    for (size_t i = 0; i < BATCH && all_must_go(b); i++)
        if (!is_reclaimed(own[i]))
            weir_step_false("an own object was not reclaimed, though nobody could be using it");
}

static inline void churn(box *b, void *record)
{
    weir_reclaim_stats stats;

    for (size_t i = 0; i < CHURN; i++) {
        replace(b, record);
        b->face->stats(b->domain, &stats);
        if (b->face->most_waiting != 0 && stats.objects > b->face->most_waiting)
            weir_step_false("more objects wait than the bound says");
    }
}

static inline void toggle(box *b, unsigned who)
{
    reading *const r = &b->stays[who];

    if (!r->inside) {
        b->face->begin(b->record[who], r, &b->shared);
        use(r->object);
    } else {
        use(r->object);
        b->face->end(b->record[who], r);
    }
}

static inline void end_bystander(box *b)
{
    if (!b->since_before.inside)
        return;
    use(b->since_before.object);
    b->face->end(b->bystander, &b->since_before);
}

static inline void adversary(box *b, unsigned who)
{
    void *const record = record_of(b, who);
    object *last = NULL;

    for (const char *letter = b->script->text[who - 1]; *letter != '\0'; letter++) {
        reading r = {false, {0}, NULL};
        int status = 0;

        switch (*letter) {
        case 'w':
            last = replace(b, record);
            break;
        case 'c':
            b->face->collect(record);
            if (last != NULL)
                note(b, last);
            break;
        case 'r':
            b->face->begin(record, &r, &b->shared);
            use(r.object);
            b->face->end(record, &r);
            break;
        case 't':
            toggle(b, who);
            break;
        case 'o':
            retire_own(b, record);
            break;
        case 'm':
            churn(b, record);
            break;
        case 'b':
            status = b->face->barrier(b->domain, 0);
            if (status == 0)
                nothing_is_left(b, last);
            break;
        case 'y':
            status = free_after_synchronize(b, record, 0);
            break;
        case 'z':
            status = free_after_synchronize(b, record, weir_clock_after(20000));
            break;
        case 'n':
            b->face->leave(record);
            if (b->face->self(b->domain) != record)
                weir_step_false("a record that was given back is not found again");
            break;
        default:
            end_bystander(b);
            break;
        }
        if (status != 0 && status != -ETIMEDOUT)
            weir_step_false("an error that nobody expects");
    }
}

static inline void adversary_0(void *state)
{
    adversary((box *)state, 1);
}

static inline void adversary_1(void *state)
{
    adversary((box *)state, 2);
}

/* ---- the run ---- */

static inline void setup(void *state)
{
    box *const b = (box *)state;
    /* relaxed: alone; here and below. */
    const uint32_t used = weir_atomic_load(&b->next, WEIR_RELAXED);
    void *own;
    object *o;

    memset((void *)b->objects, 0, used * sizeof(object));
    memset((void *)&b->objects[OBJECTS - BATCH], 0, BATCH * sizeof(object));
    memset(b->stays, 0, sizeof b->stays);
    memset((void *)b->own, 0, sizeof b->own);
    memset((void *)b->newborn, 0, sizeof b->newborn);
    weir_atomic_init(&b->next, 0);
    weir_atomic_init(&b->handed, 0);
    weir_atomic_init(&b->gone, 0);
    b->status = -ETIMEDOUT;
    if ((b->script->with & NEWCOMERS) != 0) {
        const weir_reclaim_options options = {BATCH, 0, 0, NULL, NULL, b->fenced};

        if (b->face->make(&b->domain, &options) != 0)
            weir_step_false("no domain could be made");
        memset((void *)b->record, 0, sizeof b->record);
        own = b->record[0] = b->face->self(b->domain);
    } else {
        b->domain = b->domains[b->fenced];
        b->bystander = b->bystanders[b->fenced];
        memcpy((void *)b->record, (void *)b->records[b->fenced], sizeof b->record);
        own = b->face->self(b->domain);
    }
    /* In the first run of all the victim has no record yet, and nothing waits. */
    for (size_t i = 0; i < b->operation->waiting && b->record[0] != NULL; i++)
        retire_new(b, b->record[0]);
    /* What is claimed is not to be empty. */
    for (size_t i = 0; i < b->operation->waiting && (b->operation->kind & CLAIMS) != 0; i++)
        retire_new(b, b->record[1] != NULL ? b->record[1] : own);
    o = new_object(b);
    b->face->born(own, o);
    weir_atomic_init(&b->shared, o);
    if ((b->script->with & BYSTANDER) != 0)
        b->face->begin(b->bystander, &b->since_before, &b->shared);
    if ((b->script->with & ORPHANS) != 0) {
        CHECK(b->record[0] != NULL && b->record[1] != NULL);
        replace(b, own);
        b->face->leave(own);
    }
    for (uint32_t i = 0; i < weir_atomic_load(&b->next, WEIR_RELAXED); i++)
        b->objects[i].before = weir_atomic_load(&b->objects[i].handed_over, WEIR_RELAXED) != 0;
}

static inline void victim(void *state)
{
    box *const b = (box *)state;

    b->operation->run(b, b->record[0] != NULL ? b->record[0] : record_of(b, 0));
}

static inline void check_object(const object *o)
{
    /* relaxed: alone. */
    const uint32_t expected = weir_atomic_load(&o->handed_over, WEIR_RELAXED);
    const uint32_t times = weir_atomic_load(&o->reclaimed, WEIR_RELAXED);

    if (times < expected)
        weir_step_false("an object that was retired was lost");
    if (times > expected)
        weir_step_false("an object was reclaimed twice");
}

static inline void check(void *state)
{
    box *const b = (box *)state;
    weir_reclaim_stats stats;

    if (b->operation->run == victim_waits_in_barrier && b->status == 0)
        nothing_is_left(b, NULL);
    end_bystander(b);
    for (unsigned who = 1; who < SEATS; who++)
        if (b->stays[who].inside)
            toggle(b, who);
    /* All is quiet: there is nothing to wait for. A callback may have retired more. */
    if (b->face->barrier(b->domain, 0) != 0 ||
        ((b->operation->kind & CHAINS) != 0 && b->face->barrier(b->domain, 0) != 0))
        weir_step_false("a barrier has to wait for nobody");
    /* relaxed: alone. */
    for (uint32_t i = 0; i < weir_atomic_load(&b->next, WEIR_RELAXED); i++)
        check_object(&b->objects[i]);
    for (uint32_t i = OBJECTS - BATCH; i < OBJECTS; i++)
        check_object(&b->objects[i]);
    b->face->stats(b->domain, &stats);
    if (stats.objects != 0 || stats.bytes != 0 || stats.left_open != 0)
        weir_step_false("the statistics say that something is left");
    if ((b->script->with & NEWCOMERS) != 0 && b->face->destroy(b->domain) != 0)
        weir_step_false("a domain that is at rest could not be freed");
}

/* ---- the table ---- */

enum { ASYMMETRIC = 1, FENCED = 2, BOTH = 3 };

/* weir_guard_retire() with epochs, a full batch: "guard_retire (epochs, full batch)". */
static inline void write_name(char *name, size_t size, const face *f, const char *verb,
                              const char *variant)
{
    const char *const scheme = f->scheme != NULL ? f->scheme : "";

    if (variant == NULL && f->scheme == NULL)
        snprintf(name, size, "%s_%s", f->name, verb);
    else
        snprintf(name, size, "%s_%s (%s%s%s)", f->name, verb, scheme,
                 f->scheme != NULL && variant != NULL ? ", " : "", variant != NULL ? variant : "");
}

/* Sweeps one operation against one script: a line of the table. */
static inline void sweep_line(box *b, const face *f, const operation *o, const script *s,
                              unsigned domains, weir_step_row *row)
{
    static char name[64];
    static weir_step_plan plan;

    write_name(name, sizeof name, f, o->verb, o->variant);
    plan.operation = name;
    plan.against = s->name;
    plan.setup = setup;
    plan.victim = victim;
    plan.adversary[0] = adversary_0;
    plan.adversary[1] = s->text[1] != NULL ? adversary_1 : NULL;
    plan.check = check;
    plan.bound = o->bound;
    plan.may_refuse = false;
    memset(row, 0, sizeof *row);
    b->face = f;
    b->operation = o;
    b->script = s;
    weir_atomic_init(&b->went, 0);
    weir_atomic_init(&b->kept, 0);
    weir_step_thin((o->kind & (READS | HOLDS | MARKS)) != 0 ? 1
                   : (o->kind & CLAIMS) != 0                ? THINNER
                                                            : THIN);
    for (int fenced = 0; fenced < 2; fenced++) {
        b->fenced = fenced != 0;
        if ((domains & (fenced != 0 ? FENCED : ASYMMETRIC)) != 0)
            weir_step_sweep(&plan, b, row);
    }
}

/* Swept first against each reader: what is replaced must have been kept at some stops, and at
 * others not. */
static const script replace_and_collect = {"replace, collect", {"wc", NULL}, READS, READS, 0};

static const script scripts[] = {
    {"replace, collect own", {"wo", NULL}, SHORT | LONG | CHAINS | CLAIMS, LONG, 0},
    {"replace, barrier", {"wb", NULL}, READS | LONG | CLAIMS, CLAIMS, 0},
    {"R11: unlink, synchronize, free", {"yr", NULL}, READS | SHORT | MARKS, READS | SHORT, 0},
    {"unlink, synchronize for a while", {"z", NULL}, READS | MARKS, READS | MARKS, 0},
    {"read on", {"t", NULL}, SHORT | LONG, LONG, 0},
    {"leave, come back, collect own", {"no", NULL}, SHORT | LONG, 0, 0},
    {"leave, come back, replace", {"nwc", NULL}, READS, 0, 0},
    {"two that replace and collect", {"wc", "wc"}, READS | CHAINS, READS, 0},
    {"one replaces, one reads on", {"wc", "t"}, LONG, LONG, 0},
    {"one synchronizes, one reads on", {"y", "t"}, READS | SHORT, 0, 0},
    {"one collects, one in a barrier", {"wc", "wb"}, SHORT | LONG, 0, 0},
    {"a bystander; replace, collect", {"wc", NULL}, READS, READS, BYSTANDER},
    {"R11: a bystander; read on", {"tc", NULL}, SHORT | LONG, LONG, BYSTANDER},
    {"orphans; collect", {"c", NULL}, ONLY, 0, BYSTANDER | ORPHANS},
    {"orphans; collect, bystander ends", {"cx", NULL}, SHORT | CLAIMS, CLAIMS, BYSTANDER | ORPHANS},
    {"a newcomer; replace, collect", {"wo", NULL}, READS | SHORT | ONLY, 0, NEWCOMERS},
    {"a newcomer; read on", {"t", NULL}, LONG, 0, NEWCOMERS},
    {"replace many times over", {"m", NULL}, HOLDS | MARKS, HOLDS | MARKS, 0},
};

/* Sweeps each of the operations against each of the scripts that are meant for its kind. */
static inline void sweep_table(box *b, const face *f, const operation *operations, size_t count,
                               bool brief)
{
    weir_step_row row;

    for (size_t i = 0; i < count; i++) {
        if ((operations[i].kind & READS) != 0) {
            sweep_line(b, f, &operations[i], &replace_and_collect, BOTH, &row);
            weir_step_report(&row);
            /* relaxed: all are done. */
            CHECK(row.skipped != 0 || weir_atomic_load(&b->kept, WEIR_RELAXED) > 0);
            CHECK(row.skipped != 0 || weir_atomic_load(&b->went, WEIR_RELAXED) > 0);
        }
        for (size_t j = 0; j < COUNT(scripts); j++) {
            if ((operations[i].kind & (brief ? scripts[j].brief : scripts[j].against)) == 0)
                continue;
            sweep_line(b, f, &operations[i], &scripts[j],
                       (operations[i].kind & (READS | MARKS)) != 0 ? BOTH
                       : (i + j) % 2 == 0                          ? ASYMMETRIC
                                                                   : FENCED,
                       &row);
            weir_step_report(&row);
        }
    }
}

static inline void *sleeper_main(void *argument)
{
    box *const b = (box *)argument;

    for (int fenced = 0; fenced < 2; fenced++)
        b->bystanders[fenced] = b->face->self(b->domains[fenced]);
    for (;;) {
        sem_post(&b->asleep);
        while (sem_wait(&b->awake) != 0)
            continue;
        if (b->closing)
            return NULL;
        b->lent = b->face->self(b->domain);
    }
}

/* Makes the two domains. The conductor's records, which orphans are left in, are the oldest, and so
 * the last that a barrier comes to. */
static inline void open_box(box *b, const face *f)
{
    bool done = true;

    use_blocks();
    memset((void *)b, 0, sizeof *b);
    weir_atomic_init(&b->next, OBJECTS);
    b->face = f;
    for (int fenced = 0; fenced < 2; fenced++) {
        const weir_reclaim_options options = {BATCH, 0, 0, NULL, NULL, fenced != 0};

        done = done && f->make(&b->domains[fenced], &options) == 0 &&
               f->self(b->domains[fenced]) != NULL;
    }
    if (!done || sem_init(&b->awake, 0, 0) != 0 || sem_init(&b->asleep, 0, 0) != 0 ||
        pthread_create(&b->sleeper, NULL, sleeper_main, b) != 0) {
        printf("FAILED %s: the domains could not be made\n", f->name);
        exit(1);
    }
    while (sem_wait(&b->asleep) != 0)
        continue;
}

static inline void close_box(box *b)
{
    b->closing = true;
    sem_post(&b->awake);
    pthread_join(b->sleeper, NULL);
    sem_destroy(&b->awake);
    sem_destroy(&b->asleep);
    for (int fenced = 0; fenced < 2; fenced++)
        CHECK_EQ(b->face->destroy(b->domains[fenced]), 0);
}

/* A broken operation must be found: some of its stops, and not all, show it. */
static inline void naive_is_found(box *b, const face *f, const operation *naive, const script *s)
{
    weir_step_row row;

    sweep_line(b, f, naive, s, BOTH, &row);
    weir_step_print(&row);
    CHECK(row.skipped != 0 || (row.wrong > 0 && row.wrong < row.stops));
    CHECK_EQ(row.blocked, 0);
}

/* ---- what the schemes spell alike ---- */

#define STEP_COMMON(scheme)                                                                       \
    static int scheme##_destroy(void *domain)                                                     \
    {                                                                                             \
        return weir_##scheme##_free((weir_##scheme *)domain);                                     \
    }                                                                                             \
    static void *scheme##_self(void *domain)                                                      \
    {                                                                                             \
        return weir_##scheme##_self((weir_##scheme *)domain);                                     \
    }                                                                                             \
    static int scheme##_barrier(void *domain, uint64_t deadline)                                  \
    {                                                                                             \
        return weir_##scheme##_barrier((weir_##scheme *)domain, deadline);                        \
    }                                                                                             \
    static void scheme##_stats(void *domain, weir_reclaim_stats *stats)                           \
    {                                                                                             \
        weir_##scheme##_stats((weir_##scheme *)domain, stats);                                    \
    }                                                                                             \
    static bool scheme##_inside(void *record)                                                     \
    {                                                                                             \
        return weir_##scheme##_inside((weir_##scheme##_record *)record);                          \
    }                                                                                             \
    static void scheme##_leave(void *record)                                                      \
    {                                                                                             \
        weir_##scheme##_leave((weir_##scheme##_record *)record);                                  \
    }                                                                                             \
    static void scheme##_retire(void *record, object *o)                                          \
    {                                                                                             \
        weir_##scheme##_retire((weir_##scheme##_record *)record, &o->retired, reclaim_object, 1); \
    }                                                                                             \
    static size_t scheme##_collect(void *record)                                                  \
    {                                                                                             \
        return weir_##scheme##_collect((weir_##scheme##_record *)record);                         \
    }

#endif /* WEIR_STRESS_STEP_RECLAIM_H */
