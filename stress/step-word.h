/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step-word.h: what the sweeps of counters, flags and states share: objects
 * that are one number. Each operation has a model, what it does to that number when it
 * is alone; the answers of all and the number at the end must be those of some order
 * of the operations, the victim's at any place among the adversaries'. */

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
} word_operation;

typedef struct word_script {
    const char *name;
    const word_operation *call[WEIR_STEP_ADVERSARIES][CALLS]; /* up to a NULL */
} word_script;

typedef struct word_case {
    void (*make)(uint64_t word);
    uint64_t (*read)(void);
    const word_operation *operation;
    const word_script *script;
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

    c->make(c->start);
    memset(c->by, 0, sizeof c->by);
}

static inline void word_victim(void *state)
{
    word_case *const c = (word_case *)state;

    c->answer = c->operation->run(c->operation->argument);
}

static inline void word_act(word_case *c, unsigned who)
{
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
    return done && word == c->read();
}

static inline void word_check(void *state)
{
    const word_case *const c = (const word_case *)state;
    const unsigned none[WEIR_STEP_ADVERSARIES] = {0};

    if (!word_explained(c, c->start, false, none))
        weir_step_false("no order of the operations explains the answers and the number");
}

/* Sweeps each operation against each script, from each start. */
static inline void word_sweep(void (*make)(uint64_t word), uint64_t (*read)(void),
                              const word_operation *operations, size_t count,
                              const word_script *scripts, size_t script_count,
                              const uint64_t *starts, size_t start_count)
{
    static word_case c;

    c.make = make;
    c.read = read;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < script_count; j++) {
            const weir_step_plan plan = {
                operations[i].name,
                scripts[j].name,
                word_setup,
                word_victim,
                {word_adversary_0, scripts[j].call[1][0] != NULL ? word_adversary_1 : NULL},
                word_check,
                operations[i].bound,
                false};
            weir_step_row row;

            memset(&row, 0, sizeof row);
            c.operation = &operations[i];
            c.script = &scripts[j];
            for (size_t k = 0; k < start_count; k++) {
                c.start = starts[k];
                weir_step_sweep(&plan, &c, &row);
            }
            weir_step_report(&row);
        }
    }
}

#endif /* WEIR_STRESS_STEP_WORD_H */
