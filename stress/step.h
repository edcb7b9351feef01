/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step.h: the step harness. It runs one operation in a thread, the victim,
 * stops it after each of its machine instructions in turn, lets other threads,
 * the adversaries, act while it stands still, checks, lets it finish and checks
 * again. The code under test has no hooks. doc/step-harness.md says how to read
 * the table and how to add an operation.
 *
 *     static void setup(void *state)     { make a queue in its start state }
 *     static void victim(void *state)    { one try_enqueue; keep the answer }
 *     static void adversary(void *state) { if (!try_dequeue(q, &v)) step_false("empty"); }
 *     static void check(void *state)     { drain; if (...) step_false("lost"); }
 *
 *     int main(void)
 *     {
 *         const step_plan plan = {"ring try_enqueue", "one dequeue", setup, victim,
 *                                 {adversary, NULL}, check, 0, false};
 *         step_row row = {0};
 *
 *         step_begin("ring");
 *         step_sweep(&plan, &state, &row);
 *         step_report(&row);
 *         return step_end();
 *     }
 *
 * x86-64 Linux. It sees every interleaving of the victim's instructions with
 * whole acts of the adversaries, in the order in which the processor retires
 * them: not the reorderings that a memory model allows.
 *
 * Restartable sequences: a signal makes the kernel abort such a section, so it is
 * stepped over as one instruction. Apart from that each of its instructions is
 * made to abort once, with the adversaries acting before the victim goes on at the
 * section's abort handler, which restarts it or, as the sharded counter's, does not. */

#ifndef WEIR_STRESS_STEP_H
#define WEIR_STRESS_STEP_H

#include <stdbool.h>
#include <stdint.h>

#define STEP_ADVERSARIES 2

/* Failing attempts of one act of an adversary after which it counts as blocked. */
#define STEP_TRIES 500

/* See step_thin(). */
#define STEP_PASSES 4

/* One operation against one behaviour of others. The functions get the `state`
 * that was given to step_sweep(). An adversary acts once in most runs; in some the
 * victim is stopped a second time, further on, and it acts again. It must not
 * allocate or print: the victim may stand in the C library with a lock. */
typedef struct step_plan {
    const char *operation;
    const char *against;
    void (*setup)(void *state);                       /* alone, before each run */
    void (*victim)(void *state);                      /* the operation, once */
    void (*adversary[STEP_ADVERSARIES])(void *state); /* at each stop; NULL: nobody */
    void (*check)(void *state);                       /* alone, after each run */
    unsigned bound;  /* own instructions of a wait-free operation, at most; 0: none stated */
    bool may_refuse; /* its contract says that others may be refused meanwhile: counted, and no
                        failure; that they wait inside their calls is one */
} step_plan;

/* What the sweeps of one line of the table found. Starts as {0}. */
typedef struct step_row {
    const step_plan *plan; /* of the first sweep */
    unsigned sweeps;
    unsigned stops;   /* the victim stood still, once per instruction */
    unsigned missed;  /* stops that did not come about, though the path led there */
    unsigned again;   /* stood still a second time in the same run */
    unsigned aborts;  /* instructions of restartable sequences that were made to abort */
    unsigned blocked; /* stops at which an adversary could not finish */
    unsigned inside;  /* of these, where it waited inside a call */
    unsigned wrong;   /* stops after which an answer or the final state was false */
    unsigned alone;   /* own instructions, undisturbed; the largest */
    unsigned most;    /* own instructions when disturbed; counted if a bound is stated */

    /* The first stop that was blocked or false. */
    const char *sentence;
    unsigned after; /* own instructions before it */
    uintptr_t pc;   /* the instruction that comes next */
} step_row;

/* Prints the head of the table. Where single instructions cannot be stopped
 * (another machine, a sanitizer, valgrind) it says so and ends the program with 77. */
void step_begin(const char *title);

/* From now on, for operations with long loops: where an instruction is passed again and again,
 * stops at the first STEP_PASSES times, and of the later ones at each `each`th, others in the next
 * sweep. 1, as at the start: at all. */
void step_thin(unsigned each);

/* Sweeps the plan over `state` and adds what it finds to `row`. */
void step_sweep(const step_plan *plan, void *state, step_row *row);

/* Prints the row. A blocked stop that its plan does not allow, a false answer, a
 * bound passed, more than one stop in a hundred missed, or none at all makes step_end()
 * return 1. */
void step_report(const step_row *row);

/* Prints the row and passes no judgement: for things that are meant to fail. */
void step_print(const step_row *row);

/* Prints the sum. Returns: the exit status. */
int step_end(void);

/* ---- for victim, adversary and check ---- */

/* Records that an answer or the state is false; the first sentence of a run is kept. */
void step_false(const char *sentence);

/* For an adversary that tries again: `while (!try_...()) if (!step_retry("...")) return;`
 * Returns: false after STEP_TRIES calls in one act, which is then recorded as blocked. */
bool step_retry(const char *sentence);

#endif /* WEIR_STRESS_STEP_H */
