/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/step_model.h: what the queues, stacks and deques of bench/step-peers promise, done one
 * operation after the other; and whether some order explains all answers of a run, in which
 * there was one operation of the victim and whatever the adversary did meanwhile. */

#ifndef WEIR_BENCH_STEP_MODEL_H
#define WEIR_BENCH_STEP_MODEL_H

#include "step.h"

#include <string.h>

#define MOST 4096 /* values inside, events of a run */
#define OWN 2     /* events of the victim: values of one call */

typedef struct event {
    step_what what; /* STEP_PUT, STEP_GET or STEP_STEAL */
    bool done;
    uintptr_t value;
} event;

typedef struct events {
    size_t count;
    event event[MOST];
} events;

typedef struct promise {
    step_kind kind;
    bench_order order; /* of a queue */
    size_t capacity;   /* full may be said only with so many inside; SIZE_MAX: never */
    bool judged;       /* "false" means full or empty; else "not now" */
} promise;

static inline void remember(events *list, step_what what, bool done, uintptr_t value)
{
    if (list->count < MOST) {
        const event e = {what, done, value};

        list->event[list->count++] = e;
    }
}

typedef struct model {
    uintptr_t value[3 * MOST];
    size_t head, tail;
} model;

static inline unsigned maker(uintptr_t value)
{
    return (unsigned)(value >> 3) % BENCH_PRODUCERS;
}

/* Which of the values inside may come out as `value`. Returns: SIZE_MAX: none. */
static inline size_t place_of(const promise *p, const model *m, step_what what, uintptr_t value)
{
    if (m->head == m->tail)
        return SIZE_MAX;
    if (p->kind == STEP_STACK || (p->kind == STEP_DEQUE && what == STEP_GET))
        return m->value[m->tail - 1] == value ? m->tail - 1 : SIZE_MAX;
    if (p->kind == STEP_DEQUE || p->order == BENCH_FIFO)
        return m->value[m->head] == value ? m->head : SIZE_MAX;
    for (size_t i = m->head; i < m->tail; i++) {
        if (m->value[i] == value)
            return i;
        if (p->order == BENCH_PER_PRODUCER && maker(m->value[i]) == maker(value))
            return SIZE_MAX;
    }
    return SIZE_MAX;
}

/* Returns: whether the event can be next; if so it is. */
static inline bool model_does(const promise *p, model *m, const event *e)
{
    size_t place;

    if (!e->done)
        return !p->judged ||
               (e->what == STEP_PUT ? m->tail - m->head >= p->capacity : m->tail == m->head);
    if (e->what == STEP_PUT) {
        m->value[m->tail++] = e->value;
        return true;
    }
    place = place_of(p, m, e->what, e->value);
    if (place == SIZE_MAX)
        return false;
    if (place == m->head) {
        m->head++;
        return true;
    }
    memmove(&m->value[place], &m->value[place + 1], (m->tail - place - 1) * sizeof m->value[0]);
    m->tail--;
    return true;
}

/* Copies what is inside only. */
static inline void model_copy(model *to, const model *from)
{
    to->head = 0;
    to->tail = from->tail - from->head;
    memcpy(to->value, &from->value[from->head], to->tail * sizeof to->value[0]);
}

/* Whether the adversary's events `by` from number `at`, and the victim's from number `own`, can
 * follow on *m in some order that keeps both of theirs, and `rest` after all of them. */
static inline bool explained(const promise *p, const model *m, const events *by, size_t at,
                             const events *victim, size_t own, const events *rest)
{
    static model depth[OWN + 1];
    model *const next = &depth[own];

    for (;; at++) {
        if (own < OWN && own < victim->count) {
            model_copy(&depth[own + 1], m);
            if (model_does(p, &depth[own + 1], &victim->event[own]) &&
                explained(p, &depth[own + 1], by, at, victim, own + 1, rest))
                return true;
        }
        if (at == by->count)
            break;
        if (m != next)
            model_copy(next, m);
        m = next;
        if (!model_does(p, next, &by->event[at]))
            return false;
    }
    if (own < victim->count)
        return false;
    if (m != next)
        model_copy(next, m);
    for (size_t i = 0; i < rest->count; i++)
        if (!model_does(p, next, &rest->event[i]))
            return false;
    return next->head == next->tail;
}

#endif /* WEIR_BENCH_STEP_MODEL_H */
