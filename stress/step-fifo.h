/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step-fifo.h: what a FIFO queue may answer: the sweeps of the queues write down what
 * was called and what was answered, and ask verdict(). It is shown to fail by
 * fifo_check_works(). */

#ifndef WEIR_STRESS_STEP_FIFO_H
#define WEIR_STRESS_STEP_FIFO_H

#include <weir/step.h>

#include <weir/atomic.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 4     /* values of one operation */
#define VALUES 256 /* that one run can name */
#define EVENTS 64  /* of one thread in one run */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define UNBOUNDED SIZE_MAX

/* ---- what happened ---- */

typedef enum kind {
    PUT,
    TAKE,
    ROOM,   /* finds room for so many; none: full */
    SHOW,   /* the oldest, which stay inside; none: empty */
    HOLDS,  /* whether anything is inside: 0 or 1 */
    SIZE,   /* about how many are inside */
    LIMIT,  /* the capacity */
    STRETCH /* what ROOM can find at most */
} kind;

/* Whether the values of one call go in, or out, each at a moment of its own; all that do at
 * one; or at one all that it was called for, or none. */
typedef enum manner { EACH, AT_ONCE, ALL } manner;

/* One linearization point: `count` values that went in, came out or were shown, or that
 * there was room for; none: the queue had no room for, or did not hold, `asked`. Of the
 * other questions `count` is the answer. */
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

/* All that was seen of one run, and of what kind of queue. */
typedef struct box {
    size_t capacity, inside; /* inside: at the start */
    size_t group;            /* values that lie side by side, at most; 0 if nobody asks */
    bool bounded;
    bool apart; /* a "full" and an "empty" beside each other need not agree on one order */
    WEIR_ATOMIC(uint64_t) clock;
    history before, after, by[1 + WEIR_STEP_ADVERSARIES]; /* fill, drain; victim, adversaries */
} box;

static inline bool moves(kind what)
{
    return what == PUT || what == TAKE;
}

/* Whether the answer is how many of those that were asked for. */
static inline bool counts(kind what)
{
    return moves(what) || what == ROOM || what == SHOW;
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
    for (size_t i = 0; values != NULL && i < count; i++)
        e->value[i] = values[i];
    h->count++;
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
    case ROOM:
        return e->count == 0 ? inside == capacity : inside + e->count <= capacity;
    case TAKE:
    case SHOW:
        if (e->count == 0)
            return inside < e->asked;
        if (inside < e->count)
            return false;
        for (size_t i = 0; i < e->count; i++) {
            if (m->value[m->head + i] != e->value[i])
                return false;
        }
        m->head += e->what == TAKE ? e->count : 0;
        return true;
    case HOLDS:
        return e->count == (inside > 0);
    default:
        return true; /* has no moment: see is_true() */
    }
}

/* Whether it is a refusal beside a call of another adversary that moved something the other way.
 * (A victim that is stopped has stored all; between it and the others there is one order.) */
static inline bool is_refused_apart(const box *b, const event *e)
{
    const event *const victims = b->by[0].event;

    if (e->count != 0 || !counts(e->what) || (e >= victims && e < victims + EVENTS))
        return false;
    for (unsigned i = 1; i <= WEIR_STEP_ADVERSARIES; i++)
        for (size_t j = 0; j < b->by[i].count; j++) {
            const event *const o = &b->by[i].event[j];

            if (o->what == (e->what == PUT || e->what == ROOM ? TAKE : PUT) && o->count != 0 &&
                o->begin < e->end && e->begin < o->end)
                return true;
        }
    return false;
}

static inline bool model_does(const box *b, model *m, const event *e)
{
    if (b->apart && is_refused_apart(b, e))
        return true;
    return model_does_within(m, e, b->bounded ? b->capacity : UNBOUNDED);
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

/* Whether `size` lies between what was inside at least and at most, where each call beside it
 * may have been done before it or not; so without such calls it is exact. */
static inline bool is_near(const box *b, const event *size)
{
    size_t least = b->inside, most = b->inside, out = 0;

    for (unsigned i = 0; i <= WEIR_STEP_ADVERSARIES; i++)
        for (size_t j = 0; j < b->by[i].count; j++) {
            const event *const e = &b->by[i].event[j];

            if (e->what == PUT && e->begin < size->end) {
                most += e->count;
                least += e->end < size->begin ? e->count : 0;
            } else if (e->what == TAKE && e->begin < size->end) {
                out += e->count;
                most -= e->end < size->begin ? e->count : 0;
            }
        }
    least -= out < least ? out : least;
    return size->count >= least && size->count <= most && size->count <= b->capacity;
}

/* Whether the answer of a question that has no moment is true. */
static inline bool is_true(const box *b, const event *e)
{
    switch (e->what) {
    case SIZE:
        return is_near(b, e);
    case LIMIT:
        return e->count == b->capacity;
    case STRETCH:
        return e->count == (b->capacity < b->group ? b->capacity : b->group);
    default:
        return true;
    }
}

/* Whether what happened is what a queue does. Returns: NULL, or what is wrong. */
static inline const char *verdict(const box *b)
{
    const size_t none[1 + WEIR_STEP_ADVERSARIES] = {0};
    model m;

    m.head = m.tail = 0;
    for (size_t i = 0; i < b->before.count; i++)
        if (!model_does_within(&m, &b->before.event[i], UNBOUNDED))
            return "out of order while it is filled, alone";
    if (!explained(b, &m, none))
        return "no order of the operations explains the answers and what is inside";
    for (unsigned i = 0; i <= WEIR_STEP_ADVERSARIES; i++)
        for (size_t j = 0; j < b->by[i].count; j++)
            if (!is_true(b, &b->by[i].event[j]))
                return "a number that was not near, or that never changes and did";
    return NULL;
}

/* ---- does it find what is false? ---- */

/* Beside a call that begins before it and ends after it, of a queue of two values, of which 1
 * is inside, or none. */
typedef struct fifo_case {
    const char *name;
    bool is_true;
    size_t inside;
    event call, beside; /* beside: a TAKE of none for nothing */
    uintptr_t left[3];  /* up to a 0 */
} fifo_case;

static inline const char *verdict_of(const fifo_case *c)
{
    static box b;
    uintptr_t value = 1;

    memset(&b, 0, sizeof b);
    b.capacity = 2;
    b.group = 1;
    b.bounded = true;
    b.inside = c->inside;
    if (c->inside > 0)
        remember(&b.before, PUT, 1, 1, &value, 0, 0);
    remember(&b.by[0], c->call.what, c->call.asked, c->call.count, c->call.value, 0, UINT64_MAX);
    if (c->beside.asked > 0)
        remember(&b.by[1], c->beside.what, c->beside.asked, c->beside.count, c->beside.value, 1, 2);
    for (size_t i = 0; i < COUNT(c->left) && c->left[i] != 0; i++)
        remember(&b.after, TAKE, 1, 1, &c->left[i], 0, 0);
    return verdict(&b);
}

/* Returns: whether verdict() tells true from false; else says where not. */
static inline bool fifo_check_works(void)
{
#define CALL(what, asked, count, value)   \
    {                                     \
        what, asked, count, {value}, 0, 0 \
    }
#define NOTHING CALL(TAKE, 0, 0, 0)
    static const fifo_case cases[] = {
        {"put", true, 1, CALL(PUT, 1, 1, 2), CALL(TAKE, 1, 1, 1), {2}},
        {"put, before a take that was beside it",
         true,
         0,
         CALL(PUT, 1, 1, 2),
         CALL(TAKE, 1, 1, 2),
         {0}},
        {"lost", false, 1, CALL(PUT, 1, 1, 2), CALL(TAKE, 1, 1, 1), {0}},
        {"twice", false, 1, CALL(TAKE, 1, 1, 1), NOTHING, {1}},
        {"out of order", false, 1, CALL(PUT, 1, 1, 2), NOTHING, {2, 1}},
        {"taken, never put", false, 0, CALL(TAKE, 1, 1, 3), CALL(PUT, 1, 1, 2), {2}},
        {"empty, at first", true, 0, CALL(TAKE, 1, 0, 0), CALL(PUT, 1, 1, 2), {2}},
        {"never empty", false, 1, CALL(TAKE, 1, 0, 0), CALL(PUT, 1, 1, 2), {1, 2}},
        {"full, at last", true, 1, CALL(PUT, 1, 0, 0), CALL(PUT, 1, 1, 2), {1, 2}},
        {"never full", false, 1, CALL(PUT, 1, 0, 0), CALL(TAKE, 1, 1, 1), {0}},
        {"no room for two", true, 1, CALL(PUT, 2, 0, 0), NOTHING, {1}},
        {"room for two", false, 0, CALL(PUT, 2, 0, 0), NOTHING, {0}},
        {"more than the capacity", false, 1, CALL(PUT, 1, 1, 2), CALL(PUT, 1, 1, 3), {1, 2, 3}},
        {"room", true, 1, CALL(ROOM, 1, 1, 0), NOTHING, {1}},
        {"room for too many", false, 1, CALL(ROOM, 1, 2, 0), NOTHING, {1}},
        {"room denied", false, 1, CALL(ROOM, 1, 0, 0), NOTHING, {1}},
        {"shown", true, 1, CALL(SHOW, 1, 1, 1), CALL(PUT, 1, 1, 2), {1, 2}},
        {"shown, not the oldest", false, 1, CALL(SHOW, 1, 1, 2), CALL(PUT, 1, 1, 2), {1, 2}},
        {"shown, and gone", false, 1, CALL(SHOW, 1, 1, 1), NOTHING, {0}},
        {"holds", true, 0, CALL(HOLDS, 1, 1, 0), CALL(PUT, 1, 1, 2), {2}},
        {"holds nothing", false, 1, CALL(HOLDS, 1, 0, 0), CALL(PUT, 1, 1, 2), {1, 2}},
        {"size, exact", true, 1, CALL(SIZE, 1, 1, 0), NOTHING, {1}},
        {"size, one too many", false, 1, CALL(SIZE, 1, 2, 0), NOTHING, {1}},
        {"size, with a put", true, 1, CALL(SIZE, 1, 2, 0), CALL(PUT, 1, 1, 2), {1, 2}},
        {"size, too few", false, 1, CALL(SIZE, 1, 0, 0), CALL(PUT, 1, 1, 2), {1, 2}},
        {"size, of what was put before", false, 0, CALL(PUT, 1, 1, 2), CALL(SIZE, 1, 2, 0), {2}},
        {"size, with a take", true, 1, CALL(TAKE, 1, 1, 1), CALL(SIZE, 1, 0, 0), {0}},
        {"capacity", true, 0, CALL(LIMIT, 1, 2, 0), NOTHING, {0}},
        {"another capacity", false, 0, CALL(LIMIT, 1, 1, 0), NOTHING, {0}},
        {"stretch", true, 0, CALL(STRETCH, 1, 1, 0), NOTHING, {0}},
        {"another stretch", false, 0, CALL(STRETCH, 1, 2, 0), NOTHING, {0}},
    };
    bool works = true;

    for (size_t i = 0; i < COUNT(cases); i++)
        if ((verdict_of(&cases[i]) == NULL) != cases[i].is_true) {
            printf("FAILED stress/step-fifo.h: %s: taken for %s\n", cases[i].name,
                   cases[i].is_true ? "false" : "true");
            works = false;
        }
    return works;
#undef CALL
#undef NOTHING
}

#endif /* WEIR_STRESS_STEP_FIFO_H */
