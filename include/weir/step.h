/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/step.h: the step harness, a tool: does an operation block others, or make them answer
 * falsely, when its thread is stopped? It runs the operation in a thread, the victim, stops
 * it after each of its machine instructions in turn, lets other threads, the adversaries, act
 * while it stands still, lets it finish, and checks. The code under test has no hooks.
 *
 *     static void setup(void *state)     { make a queue in its start state }
 *     static void victim(void *state)    { one try_enqueue; keep the answer }
 *     static void adversary(void *state) { if (!try_dequeue(q, &v)) weir_step_false("empty"); }
 *     static void check(void *state)     { drain; if (...) weir_step_false("lost"); }
 *
 *     int main(void)
 *     {
 *         static const weir_step_plan plan = {"try_enqueue", "try_dequeue", setup, victim,
 *                                             {adversary, NULL}, check, 0, false};
 *
 *         return weir_step_run("my queue", &plan, 1, NULL);
 *     }
 *
 * Use it when: you wrote something that is to be lock-free, in C, C++ or assembly, and want to
 *              see that it is; or want to know what a lock-free operation costs. Link with
 *              libweir_step (pkg-config weir-step). weir_step(3), doc/step-harness.md.
 *              For the reorderings that a memory model allows use a model checker instead:
 *              this one sees every interleaving of the victim's instructions with whole acts of
 *              the adversaries, in the order in which the processor retires them.
 *
 * Where:     x86-64 Linux, without sanitizers and not under valgrind. Elsewhere every sweep is
 *            skipped, which is said and counted.
 * Threads:   all functions but weir_step_false() and weir_step_retry() are the main thread's.
 *            setup and check run in it; victim and adversaries in threads of the harness,
 *            which live as long as the program.
 * Progress:  blocking. An operation that never ends is cut off, one that crashes is caught.
 * Ordering:  what setup did happens before the victim's operation, that of the victim's stop
 *            before what an adversary does, and all of it before check.
 * Memory:    nothing is allocated. SIGTRAP, SIGILL, SIGSEGV, SIGBUS, SIGFPE and SIGABRT are the
 *            harness's from weir_step_begin() on, to the end of the program, as are the main
 *            thread's processor and four threads; the program's text is written, byte by byte.
 * Must not:  a victim blocks SIGTRAP (nor calls pthread_create, system or posix_spawn, which do),
 *            forks, or ends its thread or the program. No other thread that blocks SIGTRAP runs
 *            the code that the victim runs. Each run has to take the same path.
 * Edges:
 *   turn       who gives the turn -> who waits for it  carries all that was done before
 *
 * Restartable sequences (rseq(2)): a signal makes the kernel abort such a section, so it is
 * stepped over as one instruction. Apart from that each of its instructions is made to abort
 * once, with the adversaries acting before the victim goes on at the section's abort handler. */

#ifndef WEIR_STEP_H
#define WEIR_STEP_H

#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_STEP_ADVERSARIES 2

/* Failing attempts of one act of an adversary after which it counts as blocked. */
#define WEIR_STEP_TRIES 500

/* See weir_step_thin(). */
#define WEIR_STEP_PASSES 4

/* ---- what is to be done ---- */

/* One operation against one behaviour of others. The functions get the `state` that was given
 * to weir_step_sweep(). An adversary acts once in most runs; in some the victim is stopped a
 * second time, further on, and it acts again. It must not allocate or print: the victim may
 * stand in the C library with a lock. */
typedef struct weir_step_plan {
    const char *operation;
    const char *against;
    void (*setup)(void *state);                            /* alone, before each run; or NULL */
    void (*victim)(void *state);                           /* the operation, once */
    void (*adversary[WEIR_STEP_ADVERSARIES])(void *state); /* at each stop; NULL: nobody */
    void (*check)(void *state);                            /* alone, after each run; or NULL */
    unsigned bound;  /* own instructions of a wait-free operation, at most; 0: none stated. What is
                        counted: weir_step(3) */
    bool may_refuse; /* its contract says that others may be refused meanwhile: counted, and no
                        failure; that they wait inside their calls is one */
} weir_step_plan;

/* ---- what was found ---- */

/* What an operation takes when nobody disturbs it. */
typedef struct weir_step_cost {
    unsigned instructions; /* those of functions that it calls too; of the kernel's code that is
                              mapped into the program (the clock's) one a call */
    unsigned rmws;         /* locked instructions, and exchanges with memory */
    unsigned fences;       /* mfence, lfence, sfence, and a locked instruction on the stack's top */
    unsigned allocations;  /* calls of malloc, calloc, realloc, aligned_alloc, posix_memalign */
    unsigned frees;
    unsigned system_calls;
} weir_step_cost;

/* What the sweeps of one line of the table found. Starts as {0}. */
typedef struct weir_step_row {
    char operation[64], against[64]; /* of the first sweep's plan, as these: */
    unsigned bound;
    bool may_refuse;
    unsigned sweeps;
    unsigned skipped;   /* sweeps that could not be made here */
    unsigned stops;     /* the victim stood still, once per instruction */
    unsigned missed;    /* stops that did not come about, though the path led there */
    unsigned elsewhere; /* of the stops, those at another instruction than the path's */
    unsigned again;     /* stood still a second time in the same run */
    unsigned aborts;    /* instructions of restartable sequences that were made to abort */
    unsigned blocked;   /* stops at which an adversary could not finish */
    unsigned inside;    /* of these, where it waited inside a call */
    unsigned wrong;     /* stops after which an answer or the final state was false */
    unsigned cut;       /* sweeps that ended early: somebody crashed, or did not end */
    unsigned most;      /* own instructions when disturbed; counted if a bound is stated */

    weir_step_cost alone; /* undisturbed; of the sweep with the most instructions */

    /* The first stop that was blocked or false. */
    const char *sentence;
    unsigned after;    /* own instructions before it */
    uintptr_t pc;      /* the instruction that comes next */
    uintptr_t crashed; /* the instruction that crashed, of whatever thread; or 0 */
} weir_step_row;

/* ---- operations ---- */

/* Begins: makes the threads. The head of the table comes with the first row. If the environment
 * variable WEIR_STEP_TABLE names a file, each row is appended to it too: title, operation, against,
 * sweeps, stops, again, aborts, blocked, false, own steps alone, at most, bound, and PASS,
 * FAIL, FOUND (of weir_step_print()) or SKIP, between tabs.
 * Returns: false where single instructions cannot be stopped: sweeps then do nothing. */
bool weir_step_begin(const char *title);

/* From now on, for operations with long loops: where an instruction is passed again and again,
 * stops at the first WEIR_STEP_PASSES times, and of the later ones at each `each`th, others in
 * the next sweep. 1, as at the start: at all. */
void weir_step_thin(unsigned each);

/* Sweeps the plan over `state` and adds what it finds to `row`. */
void weir_step_sweep(const weir_step_plan *plan, void *state, weir_step_row *row);

/* Prints the row. A blocked stop that its plan does not allow, a false answer, a crash, an
 * operation that did not end, a bound passed, more than one stop in a hundred missed, or none at
 * all makes weir_step_end() return 1. */
void weir_step_report(const weir_step_row *row);

/* Prints the row and passes no judgement: for things that are meant to fail. */
void weir_step_print(const weir_step_row *row);

/* Prints the sum. Returns: the exit status: 0; 1; 77 if everything was skipped. */
WEIR_NODISCARD int weir_step_end(void);

/* All of this: begins, sweeps each of the plans once, reports it, and ends. */
WEIR_NODISCARD int weir_step_run(const char *title, const weir_step_plan *plans, size_t count,
                                 void *state);

/* Runs the plan's victim twice without adversaries, with setup before and check behind, and counts
 * the second time. Returns: false, *cost untouched: not here, or it crashed or did not end. */
WEIR_NODISCARD bool weir_step_count(const weir_step_plan *plan, void *state, weir_step_cost *cost);

/* ---- for victim, adversary and check ---- */

/* Records that an answer or the state is false; the first sentence of a run is kept.
 * Ownership: the sentence must live as long as the program. */
void weir_step_false(const char *sentence);

/* For an adversary that tries again: `while (!try_...()) if (!weir_step_retry("...")) return;`
 * Returns: false after WEIR_STEP_TRIES calls in one act, which is then recorded as blocked. */
WEIR_NODISCARD bool weir_step_retry(const char *sentence);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_STEP_H */
