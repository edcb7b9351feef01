/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step-queue.h: what the sweeps of the queues share: each operation is
 * stopped after each of its instructions while others enqueue, dequeue and ask, at
 * capacities from 1 on, with nothing, something and everything inside, at counters that
 * start at 0 and just below their wrap.
 *
 * What is checked: the answers of the victim and of the adversaries, and what is
 * inside at the end, must be those of a FIFO queue that does the operations one by
 * one, each at a moment of its call. `full` and `empty` are answers too, where the
 * queue's banner says that they are exact. So a false empty or full, a value lost,
 * doubled or out of order are one kind of finding: "no order explains". A size_approx
 * is no such answer: it has to lie between what was inside at least and at most,
 * whatever is done of the calls that it ran beside.
 *
 * To add a queue: a file with a face and a table of its operations. To add an
 * operation: a function and a line in the table: it is then swept against each of the
 * table that may run beside it, and against each two of them, and they against it. To
 * add an adversary that does more: a line in the scripts. */

#ifndef WEIR_STRESS_STEP_QUEUE_H
#define WEIR_STRESS_STEP_QUEUE_H

#include "step-fifo.h"

#define BUFFER 4096 /* bytes of a queue's buffer */

/* ---- an element larger than a word, which shows if it is torn ---- */

typedef struct large {
    uintptr_t value, twice, inverted;
} large;

static inline large large_of(uintptr_t value)
{
    const large l = {value, 2 * value, ~value};

    return l;
}

static inline uintptr_t large_value(const large *l)
{
    if (l->twice != 2 * l->value || l->inverted != ~l->value)
        weir_step_false("an element came out torn");
    return l->value;
}

/* ---- a queue under test ---- */

typedef struct trial trial;

/* Does up to `n`, or asks. Returns: how many; or the answer. */
typedef size_t act(uintptr_t *values, size_t n);

/* Whose an operation is: see `single` of the face. */
enum { PRODUCER = 1, CONSUMER = 2, ANYBODY = 4, ALL_ROLES = 7 };

typedef struct operation {
    const char *name; /* the public function's, without weir_ */
    act *run;
    unsigned role;
    kind what;
    size_t n;
    manner manner;
    unsigned bound; /* own instructions, where its banner says wait-free: the most that gcc and
                       clang were seen to make of it at -O0, a call's begin and end in the sweep
                       included, and a quarter more; nothing that others do may let it grow */
    act *prepare;   /* what the same thread does before, or NULL. Returns: n of run */
} operation;

typedef struct face {
    const char *variant;  /* of each of its operations, or NULL */
    size_t capacities[6]; /* up to a 0; see sweep_line() */
    bool (*make)(void *buffer, size_t bytes, size_t capacity, uint64_t start);
    int (*destroy)(void);
    act *put, *take;
    manner manner;   /* of these two */
    unsigned single; /* the roles that one thread has at a time */
    size_t group;    /* values that lie side by side, at most; 0 if nobody asks */
    bool bounded;
    bool apart;    /* see stress/step-fifo.h */
    bool exact;    /* `false` means full or empty; else "not now" */
    bool one_more; /* at every other start, one more was inside, and was taken out */
    void (*check)(const trial *t); /* at the end, before the queue is drained; or NULL */
    void (*after_victim)(void);    /* in its thread, behind the operation; or NULL */
    void (*after_another)(void);   /* in an adversary's, behind each; or NULL */
    bool last_if_cut;              /* what a crash leaves would hold up the runs behind it */
} face;

/* What a thread of the adversaries does: either one operation of the table; or a letter an
 * operation: e enqueues one, d dequeues one, E and D two by one call, r dequeues one and
 * enqueues it again. */
typedef struct script {
    const char *name;
    const char *text[WEIR_STEP_ADVERSARIES];
    const operation *once[WEIR_STEP_ADVERSARIES];
} script;

struct trial {
    const face *face;
    const operation *operation;
    const script *script;
    size_t skip; /* values that have passed through before */
    uint64_t start;
    WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char buffer[BUFFER];

    box seen;
    WEIR_ATOMIC(uint64_t) next; /* value to be enqueued */
    uintptr_t values[MOST];
    size_t n, result; /* the victim's */
};

static inline uintptr_t next_value(trial *t)
{
    /* relaxed: only has to differ. */
    return (uintptr_t)weir_atomic_fetch_add(&t->next, 1, WEIR_RELAXED);
}

/* A call for `n` that came to `count`: what was done at one moment, or at several; and the
 * answer that there was no more, if it is `exact`. */
static inline void remember_call(history *h, const operation *o, size_t n, size_t count,
                                 const uintptr_t *values, bool exact, uint64_t begin, uint64_t end)
{
    if (counts(o->what) && count > n) {
        weir_step_false("more values than were asked for");
        count = n;
    }
    if (!moves(o->what)) {
        remember(h, o->what, 1, count, o->what == SHOW ? values : NULL, begin, end);
        return;
    }
    if (o->manner != EACH && count > 0) {
        remember(h, o->what, n, count, values, begin, end);
    } else {
        for (size_t i = 0; i < count; i++)
            remember(h, o->what, 1, 1, &values[i], begin, end);
    }
    if (count < n && exact)
        remember(h, o->what, o->manner == ALL ? n : 1, 0, NULL, begin, end);
}

static inline bool has_two_adversaries(const trial *t)
{
    return t->script->text[1] != NULL || t->script->once[1] != NULL;
}

/* ---- the run ---- */

/* Alone: one more in, or one out. */
static inline void put_before(trial *t)
{
    uintptr_t value = next_value(t);

    if (t->face->put(&value, 1) != 1)
        weir_step_false("full while it is filled, alone");
    remember(&t->seen.before, PUT, 1, 1, &value, 0, 0);
}

static inline void take_before(trial *t)
{
    uintptr_t value = 0;

    if (t->face->take(&value, 1) != 1)
        weir_step_false("empty though filled, alone");
    remember(&t->seen.before, TAKE, 1, 1, &value, 0, 0);
}

static inline void setup(void *state)
{
    trial *const t = (trial *)state;
    const operation *const o = t->operation;
    const bool passes = t->face->one_more && t->start != 0;

    for (unsigned i = 0; i <= WEIR_STEP_ADVERSARIES; i++)
        t->seen.by[i].count = 0;
    t->seen.before.count = t->seen.after.count = 0;
    weir_atomic_init(&t->seen.clock, 1);
    weir_atomic_init(&t->next, 1);
    if (!t->face->make(t->buffer, sizeof t->buffer, t->seen.capacity, t->start))
        weir_step_false("the queue could not be made");
    for (size_t i = 0; i < t->skip; i++) {
        uintptr_t value = i;

        if (t->face->put(&value, 1) != 1 || t->face->take(&value, 1) != 1 || value != i)
            weir_step_false("a value did not pass through, alone");
    }
    if (passes)
        put_before(t);
    for (size_t i = 0; i < t->seen.inside; i++)
        put_before(t);
    if (passes)
        take_before(t);
    for (size_t i = 0; i < MOST; i++)
        t->values[i] = o->what == PUT ? next_value(t) : 0;
    t->n = o->prepare != NULL ? o->prepare(t->values, o->n) : o->n;
}

static inline void victim(void *state)
{
    trial *const t = (trial *)state;

    t->result = t->operation->run(t->values, t->n);
    if (t->face->after_victim != NULL)
        t->face->after_victim();
}

/* Whether the adversary, alone but for the victim, must be able to put or take so many
 * now, wherever the victim's operation takes effect. */
static inline bool must_be_possible(const trial *t, kind what, size_t n)
{
    const size_t undecided = t->operation->n;
    size_t inside = t->seen.inside;

    for (size_t i = 0; i < t->seen.by[1].count; i++) {
        const event *const e = &t->seen.by[1].event[i];

        inside += e->what == PUT ? e->count : e->what == TAKE ? 0 - e->count : 0;
    }
    if (what == PUT)
        return inside + (t->operation->what == PUT ? undecided : 0) + n <= t->seen.capacity;
    return inside >= (t->operation->what == TAKE ? undecided : 0) + n;
}

/* Does an operation; a queue that says "not now" is asked again where it must be possible.
 * Returns: whether to go on. */
static inline bool one_act(trial *t, unsigned who, const operation *o, uintptr_t *values,
                           size_t *count)
{
    const bool insists = !t->face->exact && moves(o->what) && !has_two_adversaries(t);
    bool give_up = false;
    uint64_t begin;
    size_t n;

    do {
        begin = now(&t->seen);
        n = o->prepare != NULL ? o->prepare(values, o->n) : o->n;
        *count = o->run(values, n);
        if (t->face->after_another != NULL)
            t->face->after_another();
        if (*count > 0 || !insists || !must_be_possible(t, o->what, o->manner == ALL ? n : 1))
            break;
        give_up =
            !weir_step_retry(o->what == PUT ? "no room now, though a value fits"
                                            : "nothing to be had now, though a value is inside");
    } while (!give_up);
    remember_call(&t->seen.by[1 + who], o, n, *count, values, t->face->exact, begin, now(&t->seen));
    return !give_up;
}

/* One operation of the table. */
static inline void act_once(trial *t, unsigned who, const operation *o)
{
    uintptr_t values[MOST] = {0};
    size_t count;

    for (size_t i = 0; o->what == PUT && i < o->n; i++)
        values[i] = next_value(t);
    (void)one_act(t, who, o, values, &count);
}

/* A letter. Returns: whether to go on. */
static inline bool act_letter(trial *t, unsigned who, char letter)
{
    const kind what = letter == 'e' || letter == 'E' ? PUT : TAKE;
    const size_t n = letter == 'E' || letter == 'D' ? 2 : 1;
    const operation put = {"put", t->face->put, 0, PUT, n, t->face->manner, 0, NULL};
    const operation take = {"take", t->face->take, 0, TAKE, n, t->face->manner, 0, NULL};
    uintptr_t values[MOST] = {0};
    size_t count;

    for (size_t i = 0; what == PUT && i < n; i++)
        values[i] = next_value(t);
    if (!one_act(t, who, what == PUT ? &put : &take, values, &count))
        return false;
    return letter != 'r' || count == 0 || one_act(t, who, &put, values, &count);
}

static inline void adversary(trial *t, unsigned who)
{
    if (t->script->once[who] != NULL) {
        act_once(t, who, t->script->once[who]);
        return;
    }
    for (const char *letter = t->script->text[who]; *letter != '\0'; letter++) {
        if (!act_letter(t, who, *letter))
            return;
    }
}

static inline void adversary_0(void *state)
{
    adversary((trial *)state, 0);
}

static inline void adversary_1(void *state)
{
    adversary((trial *)state, 1);
}

static inline void check(void *state)
{
    trial *const t = (trial *)state;
    const operation *const o = t->operation;
    const char *wrong;
    uintptr_t value = 0;

    /* While no other call is half done, "not now" is full or empty too. */
    remember_call(&t->seen.by[0], o, t->n, t->result, t->values,
                  t->face->exact || !has_two_adversaries(t), 0, UINT64_MAX);
    if (t->face->check != NULL)
        t->face->check(t);
    while (t->seen.after.count < EVENTS && t->face->take(&value, 1) == 1)
        remember(&t->seen.after, TAKE, 1, 1, &value, 0, 0);
    wrong = verdict(&t->seen);
    if (wrong != NULL)
        weir_step_false(wrong);
    if (t->face->destroy() != 0)
        weir_step_false("not empty after all was taken out");
}

/* ---- the table ---- */

/* For the queues with many threads on both sides.
 * R2: ck e78c421: a dequeue said empty where the head had been recycled and enqueued
 * again. R4: ck pull 102: an enqueue with an old view of the other end said full. */
WEIR_UNUSED static const script everybody[] = {
    {"R2: dequeue, enqueue it again", {"r", NULL}, {NULL, NULL}},
    {"R4: 8 times enqueue, dequeue", {"edededededededed", NULL}, {NULL, NULL}},
    {"fill, drain", {"eeeeedddddd", NULL}, {NULL, NULL}},
    {"drain, fill", {"ddddddeeeee", NULL}, {NULL, NULL}},
    {"bursts of two", {"EDED", NULL}, {NULL, NULL}},
    {"two that enqueue and dequeue", {"eded", "eded"}, {NULL, NULL}},
    {"a producer and a consumer", {"eee", "ddd"}, {NULL, NULL}},
};

/* The start states of a line: each capacity with nothing, everything and something inside, the
 * starts of the counters in turns; of these the first two capacities; of the second of them
 * only something inside; or each with each start, shared out among the scripts, so that each
 * operation meets all of them. */
typedef enum extent { WHOLLY, SHORTLY, BRIEFLY, SHARED_OUT } extent;

/* How many values pass through a bounded queue before: enough to begin in the middle of a lap,
 * but not so many that the wrap is behind it. (For one value: at its end. Two begin with a
 * lap.) */
static inline size_t skipped(const face *f, size_t capacity, uint64_t start)
{
    if (capacity > MOST)
        return capacity * 2 / 3;
    return f->bounded && capacity != 2 && start == 0 ? 1 : 0;
}

/* Sweeps one operation against one script: a line of the table. */
static inline void sweep_line(trial *t, const face *f, const operation *o, const script *s,
                              extent x, size_t share, size_t shares)
{
    static const uint64_t starts[] = {0, UINT64_MAX - 1};
    const bool two = s->text[1] != NULL || s->once[1] != NULL;
    size_t number = 0;
    char name[64];
    /* A thread that only asks, wherever it stands, is in nobody's way. */
    const weir_step_plan plan = {name,
                                 s->name,
                                 setup,
                                 victim,
                                 {adversary_0, two ? adversary_1 : NULL},
                                 check,
                                 o->bound,
                                 !f->exact && moves(o->what)};
    weir_step_row row;

    memset(&row, 0, sizeof row);
    if (f->variant != NULL)
        snprintf(name, sizeof name, "%s (%s)", o->name, f->variant);
    else
        snprintf(name, sizeof name, "%s", o->name);
    t->face = f;
    t->seen.bounded = f->bounded;
    t->seen.apart = f->apart;
    t->seen.group = f->group;
    t->operation = o;
    t->script = s;
    for (size_t k = 0; k < COUNT(starts); k++) {
        t->start = starts[k];
        for (size_t j = 0; f->capacities[j] != 0 && (j < 2 || (x != SHORTLY && x != BRIEFLY));
             j++) {
            const size_t capacity = f->capacities[j];
            const size_t insides[] = {0, capacity, capacity / 2};

            t->seen.capacity = capacity;
            t->skip = skipped(f, capacity, t->start);
            for (size_t i = x == BRIEFLY && j == 1 ? 2 : 0; i < (insides[2] == 0 ? 2 : 3); i++) {
                t->seen.inside = insides[i];
                if (f->last_if_cut && row.cut != 0)
                    continue;
                if (x == SHARED_OUT ? number++ % shares == share : k == (i + j + 1) % 2)
                    weir_step_sweep(&plan, t, &row);
            }
        }
    }
    weir_step_report(&row);
    if (f->last_if_cut && row.cut != 0)
        exit(weir_step_end());
}

/* Sweeps each of the operations that have one of the roles against each of the scripts. */
static inline void sweep_scripts(trial *t, const face *f, const operation *table, size_t count,
                                 unsigned roles, const script *scripts, size_t script_count,
                                 extent x)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; (table[i].role & roles) != 0 && j < script_count; j++)
            sweep_line(t, f, &table[i], &scripts[j], x, j, script_count);
    }
}

#define SWEEP_SCRIPTS(t, f, table, roles, scripts, x) \
    sweep_scripts(t, f, table, COUNT(table), roles, scripts, COUNT(scripts), x)

/* Whether two threads may do these at the same time. */
static inline bool may_meet(const face *f, const operation *o, const operation *other)
{
    return o->role != other->role || (f->single & o->role) == 0;
}

/* The next operation behind number `j`, round the table, that may run beside it and beside the
 * victim. Returns: its number; `count` if there is none. */
static inline size_t companion(const face *f, const operation *victims, const operation *table,
                               size_t count, size_t j)
{
    for (size_t i = 1; i <= count; i++) {
        const size_t k = (j + i) % count;

        if (may_meet(f, victims, &table[k]) && may_meet(f, &table[j], &table[k]))
            return k;
    }
    return count;
}

/* Sweeps each of the operations against each that may run beside it; and against each such, and
 * the next one in the table, as two. */
static inline void sweep_matrix(trial *t, const face *f, const operation *table, size_t count,
                                extent x)
{
    for (size_t i = 0; i < count; i++) {
        const operation *const o = &table[i];

        for (size_t j = 0; j < count; j++) {
            const script alone = {table[j].name, {NULL, NULL}, {&table[j], NULL}};

            if (may_meet(f, o, &table[j]))
                sweep_line(t, f, o, &alone, x, 0, 1);
        }
        for (size_t j = 0; j < count; j++) {
            const size_t k = companion(f, o, table, count, j);
            char name[64];
            const script both = {name, {NULL, NULL}, {&table[j], &table[k % count]}};

            if (!may_meet(f, o, &table[j]) || k == count ||
                (k < j && companion(f, o, table, count, k) == j))
                continue;
            snprintf(name, sizeof name, "%s + %s", table[j].name, table[k].name);
            sweep_line(t, f, o, &both, BRIEFLY, 0, 1);
        }
    }
}

#define SWEEP_MATRIX(t, f, table, x) sweep_matrix(t, f, table, COUNT(table), x)

#endif /* WEIR_STRESS_STEP_QUEUE_H */
