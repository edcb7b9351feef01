/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step-word.h: what the sweeps of counters, flags and states share: objects
 * that are one number. Each operation has a model, what it does to that number when it
 * is alone; the answers of all and the number at the end must be those of some order
 * of the operations, the victim's at any place among the adversaries'. An operation is a
 * line in the table of its object: word_matrix() sweeps it against all of that table. */

#ifndef WEIR_STRESS_STEP_WORD_H
#define WEIR_STRESS_STEP_WORD_H

#include <weir/step.h>

#include <weir/atomic.h>

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CALLS 4 /* of one adversary */

typedef struct word_operation {
    const char *name;
    uint64_t (*run)(uint64_t argument);
    uint64_t (*model)(uint64_t *word, uint64_t argument);
    uint64_t argument;
    unsigned bound; /* own instructions, where its banner says wait-free */
    unsigned needs; /* the number is at least that much for its sake, and it is done once in a
                       run: it lets go of a reference, or is done by one who has one */
} word_operation;

typedef struct word_script {
    const char *name;
    const word_operation *call[WEIR_STEP_ADVERSARIES][CALLS]; /* up to a NULL */
} word_script;

typedef struct word_object {
    void (*make)(uint64_t word);
    uint64_t (*read)(void);
    const word_operation *operation;
    size_t operations;
} word_object;

typedef struct word_case {
    const word_object *object;
    const word_operation *operation;
    const word_script *script;
    bool once; /* its calls, though the victim is stopped twice in the run */
    uint64_t start;
    uint64_t answer;
    struct {
        const word_operation *call[2 * CALLS]; /* of one act, or two: stopped again */
        uint64_t answer[2 * CALLS];
        unsigned calls;
    } by[WEIR_STEP_ADVERSARIES];
} word_case;

static inline void word_setup(void *state)
{
    word_case *const c = (word_case *)state;

    c->object->make(c->start);
    memset(c->by, 0, sizeof c->by);
}

static inline void word_victim(void *state)
{
    word_case *const c = (word_case *)state;

    c->answer = c->operation->run(c->operation->argument);
}

static inline void word_act(word_case *c, unsigned who)
{
    if (c->once && c->by[who].calls > 0)
        return;
    for (unsigned i = 0; i < CALLS && c->script->call[who][i] != NULL; i++) {
        const word_operation *const o = c->script->call[who][i];
        const unsigned n = c->by[who].calls++;

        c->by[who].call[n] = o;
        c->by[who].answer[n] = o->run(o->argument);
    }
}

static inline void word_adversary_0(void *state)
{
    word_act((word_case *)state, 0);
}

static inline void word_adversary_1(void *state)
{
    word_act((word_case *)state, 1);
}

/* Whether some order of what is left, from `at` on, leads from `word` to the end. */
static inline bool word_explained(const word_case *c, uint64_t word, bool victim_done,
                                  const unsigned *at)
{
    bool done = victim_done;

    if (!victim_done) {
        uint64_t next = word;

        if (c->operation->model(&next, c->operation->argument) == c->answer &&
            word_explained(c, next, true, at))
            return true;
    }
    for (unsigned i = 0; i < WEIR_STEP_ADVERSARIES; i++) {
        unsigned then[WEIR_STEP_ADVERSARIES];
        uint64_t next = word;

        if (at[i] == c->by[i].calls)
            continue;
        done = false;
        memcpy(then, at, sizeof then);
        then[i]++;
        if (c->by[i].call[at[i]]->model(&next, c->by[i].call[at[i]]->argument) ==
                c->by[i].answer[at[i]] &&
            word_explained(c, next, victim_done, then))
            return true;
    }
    return done && word == c->object->read();
}

static inline void word_check(void *state)
{
    const word_case *const c = (const word_case *)state;
    const unsigned none[WEIR_STEP_ADVERSARIES] = {0};

    if (!word_explained(c, c->start, false, none))
        weir_step_false("no order of the operations explains the answers and the number");
}

/* ---- rows ---- */

/* One row: the operation against the script, from each start that is large enough for both. */
static inline void word_row(const word_object *object, const word_operation *operation,
                            const word_script *script, bool once, const uint64_t *starts,
                            size_t start_count)
{
    static word_case c;
    const weir_step_plan plan = {
        operation->name,
        script->name,
        word_setup,
        word_victim,
        {word_adversary_0, script->call[1][0] != NULL ? word_adversary_1 : NULL},
        word_check,
        operation->bound,
        false};
    uint64_t needs = operation->needs;
    weir_step_row row;

    for (unsigned who = 0; once && who < WEIR_STEP_ADVERSARIES; who++)
        needs += script->call[who][0] != NULL ? script->call[who][0]->needs : 0;
    memset(&row, 0, sizeof row);
    c.object = object;
    c.operation = operation;
    c.script = script;
    c.once = once && needs != operation->needs;
    for (size_t i = 0; i < start_count; i++) {
        if (starts[i] < needs)
            continue;
        c.start = starts[i];
        weir_step_sweep(&plan, &c, &row);
    }
    weir_step_report(&row);
}

/* Sweeps each operation against each script, from each start. */
static inline void word_sweep(const word_object *object, const word_script *scripts,
                              size_t script_count, const uint64_t *starts, size_t start_count)
{
    for (size_t i = 0; i < object->operations; i++)
        for (size_t j = 0; j < script_count; j++)
            word_row(object, &object->operation[i], &scripts[j], false, starts, start_count);
}

/* Sweeps each operation against each of the table, itself too, and against two of them: the two
 * that come next in the table, round its end. */
static inline void word_matrix(const word_object *object, const uint64_t *starts,
                               size_t start_count)
{
    const word_operation *const o = object->operation;
    const size_t n = object->operations;

    for (size_t i = 0; i < n; i++) {
        const word_operation *const a = &o[(i + 1) % n], *const b = &o[(i + 2) % n];
        char name[80];

        for (size_t j = 0; j < n; j++) {
            const word_script one = {o[j].name, {{&o[j]}, {NULL}}};

            word_row(object, &o[i], &one, true, starts, start_count);
        }
        snprintf(name, sizeof name, "%s + %s", a->name, b->name);
        {
            const word_script two = {name, {{a}, {b}}};

            word_row(object, &o[i], &two, true, starts, start_count);
        }
    }
}

#endif /* WEIR_STRESS_STEP_WORD_H */
