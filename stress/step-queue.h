/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step-queue.h: what the sweeps of the queues share: each operation is
 * stopped after each of its instructions while others enqueue and dequeue, at
 * capacities from 1 on, with nothing, something and everything inside, at counters that
 * start at 0 and just below their wrap.
 *
 * What is checked: the answers of the victim and of the adversaries, and what is
 * inside at the end, must be those of a FIFO queue that does the operations one by
 * one, each at a moment of its call. `full` and `empty` are answers too, where the
 * queue's banner says that they are exact. So a false empty or full, a value lost,
 * doubled or out of order are one kind of finding: "no order explains".
 *
 * To add a queue: a file with a step_face and tables of its operations. To add an
 * operation: a step_act and a line in the table. To add an adversary: a line in the
 * scripts. */

#ifndef WEIR_STRESS_STEP_QUEUE_H
#define WEIR_STRESS_STEP_QUEUE_H

#include <weir/step.h>

#include <weir/atomic.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 4      /* values of one operation */
#define VALUES 256  /* that one run can name */
#define EVENTS 64   /* of one thread in one run */
#define BUFFER 4096 /* bytes of a queue's buffer */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define UNBOUNDED SIZE_MAX

/* ---- what happened ---- */

typedef enum kind { PUT, TAKE, ASK } kind;

/* One linearization point: `count` values that went in, or came out; none: the queue
 * had no room for, or did not hold, `asked`. */
typedef struct event {
    kind what;
    size_t asked, count;
    uintptr_t value[MOST];
    uint64_t begin, end; /* on the run's clock */
} event;

typedef struct history {
    event event[EVENTS];
    size_t count;
} history;

/* A call that put or took `count` of `n` values. */
typedef struct call {
    kind what;
    size_t n, count;
    const uintptr_t *values;
    bool at_once;     /* all of them at one moment; else each at its own */
    bool all_or_none; /* a bulk */
    bool exact;       /* fewer than n means that there was no more */
    uint64_t begin, end;
} call;

/* ---- a queue under test ---- */

typedef struct box box;

/* Puts or takes values. Returns: how many. */
typedef size_t act(uintptr_t *values, size_t n);

typedef struct operation {
    const char *name;
    act *run;
    kind what;
    size_t n;
    bool at_once, all_or_none; /* see call */
    unsigned bound;            /* own instructions, where its banner says wait-free */
} operation;

typedef struct face {
    const char *name;
    size_t capacities[6]; /* up to a 0 */
    bool (*make)(void *buffer, size_t bytes, size_t capacity, uint64_t start);
    int (*destroy)(void);
    act *put, *take;
    bool at_once; /* values of one call go in and out together */
    bool bounded;
    bool exact;            /* `false` means full or empty; else "not now" */
    void (*check)(box *b); /* at the end, before the queue is drained; or NULL */
} face;

/* What a thread of the adversaries does, a letter an operation: e enqueues one, d
 * dequeues one, E and D two by one call, r dequeues one and enqueues it again. */
typedef struct script {
    const char *name;
    const char *text[WEIR_STEP_ADVERSARIES];
} script;

struct box {
    const face *face;
    const operation *operation;
    const script *script;
    size_t capacity, inside;
    size_t skip; /* values that have passed through before */
    uint64_t start;
    WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char buffer[BUFFER];

    WEIR_ATOMIC(uint64_t) clock;
    WEIR_ATOMIC(uint64_t) next;                           /* value to be enqueued */
    history before, after, by[1 + WEIR_STEP_ADVERSARIES]; /* fill, drain; victim, adversaries */
    uintptr_t values[MOST];
    size_t result;
};

static inline uintptr_t next_value(box *b)
{
    /* relaxed: only has to differ. */
    return (uintptr_t)weir_atomic_fetch_add(&b->next, 1, WEIR_RELAXED);
}

static inline void remember(history *h, kind what, size_t asked, size_t count,
                            const uintptr_t *values, uint64_t begin, uint64_t end)
{
    event *const e = &h->event[h->count];

    if (h->count == EVENTS || asked > MOST) {
        fprintf(stderr, "step: a history is too long\n");
        abort();
    }
    e->what = what;
    e->asked = asked;
    e->count = count;
    e->begin = begin;
    e->end = end;
    for (size_t i = 0; i < count; i++)
        e->value[i] = values[i];
    h->count++;
}

/* A call that did `count` of `n`: at one moment, or each at its own; and the answer
 * that there was no more, if it means that. */
static inline void remember_call(history *h, const call *c)
{
    const size_t least = c->all_or_none ? c->n : 1;

    if (c->at_once && c->count > 0) {
        remember(h, c->what, c->n, c->count, c->values, c->begin, c->end);
    } else {
        for (size_t i = 0; i < c->count; i++)
            remember(h, c->what, 1, 1, &c->values[i], c->begin, c->end);
    }
    if (c->count < c->n && c->exact)
        remember(h, c->what, least, 0, NULL, c->begin, c->end);
}

/* ---- is there an order that explains it? ---- */

typedef struct model {
    uintptr_t value[VALUES];
    size_t head, tail; /* only grow */
} model;

static inline bool model_does_within(model *m, const event *e, size_t capacity)
{
    const size_t inside = m->tail - m->head;

    switch (e->what) {
    case PUT:
        if (e->count == 0)
            return inside + e->asked > capacity;
        if (inside + e->count > capacity)
            return false;
        for (size_t i = 0; i < e->count; i++)
            m->value[m->tail++] = e->value[i];
        return true;
    case TAKE:
        if (e->count == 0)
            return inside < e->asked;
        if (inside < e->count)
            return false;
        for (size_t i = 0; i < e->count; i++) {
            if (m->value[m->head++] != e->value[i])
                return false;
        }
        return true;
    default:
        return true;
    }
}

static inline bool model_does(const box *b, model *m, const event *e)
{
    return model_does_within(m, e, b->face->bounded ? b->capacity : UNBOUNDED);
}

static inline bool model_is_left(const box *b, const model *m)
{
    model rest = *m;

    for (size_t i = 0; i < b->after.count; i++)
        if (!model_does(b, &rest, &b->after.event[i]))
            return false;
    return rest.head == rest.tail;
}

#include "step-explain.h"

static inline bool has_two_adversaries(const box *b)
{
    return b->script->text[1] != NULL;
}

/* ---- the run ---- */

static inline void setup(void *state)
{
    box *const b = (box *)state;

    memset(b->by, 0, sizeof b->by);
    b->before.count = b->after.count = 0;
    weir_atomic_init(&b->clock, 1);
    weir_atomic_init(&b->next, 1);
    if (!b->face->make(b->buffer, sizeof b->buffer, b->capacity, b->start))
        weir_step_false("the queue could not be made");
    for (size_t i = 0; i < b->skip; i++) {
        uintptr_t value = i;

        if (b->face->put(&value, 1) != 1 || b->face->take(&value, 1) != 1 || value != i)
            weir_step_false("a value did not pass through, alone");
    }
    for (size_t i = 0; i < b->inside; i++) {
        uintptr_t value = next_value(b);

        if (b->face->put(&value, 1) != 1)
            weir_step_false("full while it is filled, alone");
        remember(&b->before, PUT, 1, 1, &value, 0, 0);
    }
    for (size_t i = 0; i < MOST; i++)
        b->values[i] = b->operation->what == PUT ? next_value(b) : 0;
}

static inline void victim(void *state)
{
    box *const b = (box *)state;

    b->result = b->operation->run(b->values, b->operation->n);
}

/* Whether the adversary, alone but for the victim, must be able to put or take one
 * now, wherever the victim's operation takes effect. */
static inline bool must_be_possible(const box *b, kind what)
{
    const size_t undecided = b->operation->what == ASK ? 0 : b->operation->n;
    size_t inside = b->inside;

    for (size_t i = 0; i < b->by[1].count; i++) {
        const event *const e = &b->by[1].event[i];

        inside += e->what == PUT ? e->count : 0 - e->count;
    }
    if (what == PUT)
        return inside + (b->operation->what == PUT ? undecided : 0) < b->capacity;
    return inside > (b->operation->what == TAKE ? undecided : 0);
}

/* Puts or takes; a queue that says "not now" is asked again where it must be possible.
 * Returns: whether to go on. */
static inline bool one_act(box *b, unsigned who, kind what, size_t n, uintptr_t *values,
                           size_t *count)
{
    const bool insists = !b->face->exact && !has_two_adversaries(b);
    bool give_up = false;
    call c = {what, n, 0, values, b->face->at_once, false, b->face->exact, 0, 0};

    do {
        c.begin = now(b);
        c.count = (what == PUT ? b->face->put : b->face->take)(values, n);
        c.end = now(b);
        if (c.count > 0 || !insists || !must_be_possible(b, what))
            break;
        give_up = !weir_step_retry(what == PUT ? "no room now, though a value fits"
                                               : "nothing to be had now, though a value is inside");
    } while (!give_up);
    remember_call(&b->by[1 + who], &c);
    *count = c.count;
    return !give_up;
}

static inline void adversary(box *b, unsigned who)
{
    for (const char *letter = b->script->text[who]; *letter != '\0'; letter++) {
        const kind what = *letter == 'e' || *letter == 'E' ? PUT : TAKE;
        const size_t n = *letter == 'E' || *letter == 'D' ? 2 : 1;
        uintptr_t values[MOST] = {0};
        size_t count;

        for (size_t i = 0; what == PUT && i < n; i++)
            values[i] = next_value(b);
        if (!one_act(b, who, what, n, values, &count))
            return;
        if (*letter == 'r' && count > 0 && !one_act(b, who, PUT, 1, values, &count))
            return;
    }
}

static inline void adversary_0(void *state)
{
    adversary((box *)state, 0);
}

static inline void adversary_1(void *state)
{
    adversary((box *)state, 1);
}

static inline void check(void *state)
{
    box *const b = (box *)state;
    const operation *const o = b->operation;
    const size_t none[1 + WEIR_STEP_ADVERSARIES] = {0};
    uintptr_t value = 0;
    model m;

    if (o->what == ASK) {
        if (b->result > b->capacity)
            weir_step_false("a size above the capacity");
    } else if (b->result > o->n) {
        weir_step_false("more values than were asked for");
    } else {
        /* While no other call is half done, "not now" is full or empty too. */
        const call c = {o->what,
                        o->n,
                        b->result,
                        b->values,
                        o->at_once,
                        o->all_or_none,
                        b->face->exact || !has_two_adversaries(b),
                        0,
                        UINT64_MAX};

        remember_call(&b->by[0], &c);
    }
    if (b->face->check != NULL)
        b->face->check(b);
    while (b->after.count < EVENTS && b->face->take(&value, 1) == 1)
        remember(&b->after, TAKE, 1, 1, &value, 0, 0);
    m.head = m.tail = 0;
    for (size_t i = 0; i < b->before.count; i++)
        model_does_within(&m, &b->before.event[i], UNBOUNDED);
    if (!explained(b, &m, none))
        weir_step_false("no order of the operations explains the answers and what is inside");
    if (b->face->destroy() != 0)
        weir_step_false("not empty after all was taken out");
}

/* ---- the table ---- */

/* For the queues with many threads on both sides.
 * R2: ck e78c421: a dequeue said empty where the head had been recycled and enqueued
 * again. R4: ck pull 102: an enqueue with an old view of the other end said full. */
WEIR_UNUSED static const script everybody[] = {
    {"R2: dequeue, enqueue it again", {"r", NULL}},
    {"R4: 8 times enqueue, dequeue", {"edededededededed", NULL}},
    {"fill, drain", {"eeeeedddddd", NULL}},
    {"drain, fill", {"ddddddeeeee", NULL}},
    {"bursts of two", {"EDED", NULL}},
    {"two that enqueue and dequeue", {"eded", "eded"}},
    {"a producer and a consumer", {"eee", "ddd"}},
};

/* Sweeps one operation against one script: a line of the table. */
static inline void sweep_line(box *b, const face *f, const operation *o, const script *s)
{
    static const uint64_t starts[] = {0, UINT64_MAX - 1};
    char name[64];
    const weir_step_plan plan = {
        name,  s->name,  setup,    victim, {adversary_0, s->text[1] != NULL ? adversary_1 : NULL},
        check, o->bound, !f->exact};
    weir_step_row row;

    memset(&row, 0, sizeof row);
    snprintf(name, sizeof name, "%s %s", f->name, o->name);
    b->face = f;
    b->operation = o;
    b->script = s;
    for (const size_t *capacity = f->capacities; *capacity != 0; capacity++) {
        const size_t insides[] = {0, *capacity, *capacity / 2};

        b->capacity = *capacity;
        b->skip = *capacity > MOST ? *capacity * 2 / 3 : 0;
        for (size_t i = 0; i < (insides[2] == 0 ? 2 : 3); i++) {
            b->inside = insides[i];
            b->start = starts[(i + *capacity) % COUNT(starts)];
            weir_step_sweep(&plan, b, &row);
        }
    }
    weir_step_report(&row);
}

/* Sweeps each of the operations against each of the scripts. */
static inline void sweep_table(box *b, const face *f, const operation *operations, size_t count,
                               const script *scripts, size_t script_count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < script_count; j++)
            sweep_line(b, f, &operations[i], &scripts[j]);
    }
}

#define SWEEP(b, f, operations, scripts) \
    sweep_table(b, f, operations, COUNT(operations), scripts, COUNT(scripts))

#endif /* WEIR_STRESS_STEP_QUEUE_H */
