/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/check.h: the model checker, a tool: runs a small concurrent test in every way that the C11
 * memory model allows, and shows the first way in which it fails. The code under test is compiled
 * as it is, with -fsanitize=thread, and linked with libweir_check in place of the sanitizer.
 *
 *     static _Atomic int flag;
 *     static int data;
 *
 *     static void writer(void *unused) { data = 1; atomic_store(&flag, 1); }
 *     static void reader(void *unused) { if (atomic_load(&flag)) weir_check_assert(data == 1); }
 *
 *     static void test(void *unused)
 *     {
 *         weir_check_thread(writer, NULL);
 *         weir_check_thread(reader, NULL);
 *     }
 *
 *     int main(void)
 *     {
 *         return weir_check_run(NULL, test, NULL);
 *     }
 *
 * Use it when: you wrote something with atomics, and want to know whether the orders are right on
 *              every machine and under every compiler, or where exactly they are not. A program
 *              with a main() of its own that makes its threads by pthread_create() needs none
 *              of this header: `weir-check ./program`. For progress at the level of single
 *              machine instructions use weir/step.h beside it.
 *
 * Model:     RC11 (Lahav, Vafeiadis, Kang, Hur, Dreyer, PLDI 2017) with the release sequences of
 *            C++20: what it forbids and C11 allows is load buffering alone. See weir_check(3).
 * Search:    all execution graphs, each once (TruSt: Kokologiannakis, Marmanis, Gladstein,
 *            Vafeiadis, POPL 2022); or some, at random, from a printed seed.
 * Finds:     failed assertions, data races on plain memory, use after free and after return,
 *            double free, leaks, uninitialised reads, deadlocks, lost wake-ups, crashes, histories
 *            that are not linearizable, and operations that do not make the progress they promise
 *            when another thread stands still for ever.
 * Where:     x86-64 Linux. One test at a time in a process. The test must do the same whenever it
 *            sees the same: clocks stand still, allocation is the checker's.
 * Threads:   weir_check_run() from the main thread; the rest from within the test, any thread.
 * Memory:    the program's global and thread-local variables are put back before each run. */

#ifndef WEIR_CHECK_H
#define WEIR_CHECK_H

#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Threads of a test, the one that runs the test function included. */
#define WEIR_CHECK_THREADS 16

/* ---- what is to be done ---- */

typedef enum weir_check_mode {
    WEIR_CHECK_EVERY,  /* every execution graph, each once */
    WEIR_CHECK_RANDOM, /* `runs` runs, each step at random */
    WEIR_CHECK_PCT,    /* `runs` runs with random priorities, which change at `depth` - 1 places:
                          Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010 */
    WEIR_CHECK_BRUTE   /* every graph, by adding events in every order and remembering what was
                          seen: slow; the oracle for the first */
} weir_check_mode;

/* What weir_check_call() to weir_check_return() promise. */
typedef enum weir_check_progress {
    WEIR_CHECK_BLOCKING,         /* nothing: not looked at */
    WEIR_CHECK_OBSTRUCTION_FREE, /* a thread ends once all others stand still, wherever that is */
    WEIR_CHECK_LOCK_FREE,        /* the others end when any one thread stands still, wherever */
    WEIR_CHECK_WAIT_FREE         /* and no operation takes more than `steps` events, ever */
} weir_check_progress;

/* Starts as {0}, or WEIR_CHECK_OPTIONS_INIT. */
typedef struct weir_check_options {
    const char *name; /* of the scenario, for its line; NULL: "test" */
    weir_check_mode mode;
    weir_check_progress progress;
    unsigned steps;    /* events of an operation, at most, for WEIR_CHECK_WAIT_FREE */
    unsigned events;   /* of one thread in one run, at most (and no more than 65,000); 0: 1000. More
                          is a bound that was hit */
    uint64_t graphs;   /* at most; 0: no bound. More is a bound that was hit */
    unsigned spurious; /* returns for no reason that each thread may have in a run: of futex waits,
                          and of weak compare-and-swap */
    uint64_t seed;     /* random modes; 0: one that is printed */
    uint64_t runs;     /* random modes; 0: 10,000 */
    unsigned depth;    /* PCT; 0: 3 */
    unsigned workers;  /* processes that share the search; 0: 1 */
    bool leaks_allowed;
    bool quiet;         /* no line and no report; the result alone */
    bool verify;        /* each complete graph against the axioms, written out, and counted once */
    const char *replay; /* a path that a report printed: that one run alone */
} weir_check_options;

#define WEIR_CHECK_OPTIONS_INIT \
    {                           \
        0                       \
    }

/* ---- what was found ---- */

/* Also the program's exit status. */
typedef enum weir_check_verdict {
    WEIR_CHECK_CLEAN,      /* every graph was seen, and none is bad */
    WEIR_CHECK_BUG,        /* see `finding` */
    WEIR_CHECK_INCOMPLETE, /* nothing was found, but a bound was hit, or the mode is random */
    WEIR_CHECK_UNABLE      /* the test is not deterministic, or does what cannot be checked */
} weir_check_verdict;

typedef enum weir_check_finding {
    WEIR_CHECK_NOTHING,
    WEIR_CHECK_ASSERTION,
    WEIR_CHECK_RACE,
    WEIR_CHECK_USE_AFTER_FREE,
    WEIR_CHECK_USE_AFTER_RETURN,
    WEIR_CHECK_DOUBLE_FREE, /* or a free of what was not allocated */
    WEIR_CHECK_OUT_OF_BOUNDS,
    WEIR_CHECK_LEAK,
    WEIR_CHECK_UNINITIALISED,
    WEIR_CHECK_DEADLOCK,
    WEIR_CHECK_LOST_WAKEUP,
    WEIR_CHECK_SPIN, /* a loop that waits for ever, or waits and writes at each turn */
    WEIR_CHECK_NOT_LINEARIZABLE,
    WEIR_CHECK_NO_PROGRESS, /* a thread stands still, and another cannot end */
    WEIR_CHECK_CRASH,       /* SIGSEGV and its kin, abort(), a stack overflow */
    WEIR_CHECK_MISUSE       /* of a mutex, or of this header */
} weir_check_finding;

typedef struct weir_check_result {
    weir_check_verdict verdict;
    weir_check_finding finding;
    uint64_t graphs;    /* complete ones */
    uint64_t blocked;   /* runs that ended with a thread waiting; others show what follows */
    uint64_t bounds;    /* runs that were cut short by a bound */
    uint64_t runs;      /* of the test, in all */
    uint64_t twice;     /* with `verify`: complete graphs that were seen before */
    uint64_t ns;        /* that it took */
    unsigned steps;     /* most events of one operation */
    unsigned events;    /* most events of one graph */
    char sentence[256]; /* what was found, in one line */
    char path[4096];    /* for `replay`; too long: empty */
} weir_check_result;

/* Explores `test(argument)`. Prints one line to standard output, with progress on the way on a
 * terminal, and a report to standard error if something was found. If the environment variable
 * WEIR_CHECK_REPLAY holds a path, that one run alone.
 * Returns: the verdict, for main() to return. */
WEIR_NODISCARD int weir_check_run(const weir_check_options *options, void (*test)(void *argument),
                                  void *argument);

/* The same, and the result in full. */
int weir_check_run_result(const weir_check_options *options, void (*test)(void *argument),
                          void *argument, weir_check_result *result);

/* ---- for the test ---- */

/* Makes a thread that calls body(argument). Those that are not joined end before the run does.
 * Returns: its number: 1 for the first. */
int weir_check_thread(void (*body)(void *argument), void *argument);

/* Waits for the end of that thread; weir_check_join_all() for all that were made. */
void weir_check_join(int thread);
void weir_check_join_all(void);

/* Fails the run, with the place, when the condition does not hold. */
#define weir_check_assert(condition) \
    ((condition) ? (void)0 : weir_check_fail(#condition, __FILE__, __LINE__))

void weir_check_fail(const char *sentence, const char *file, int line) __attribute__((noreturn));

/* Gives a run up, as of no interest, unless the condition holds. */
void weir_check_assume(bool condition);

/* Returns: each of 0 to n - 1, in runs of their own. */
unsigned weir_check_choose(unsigned n);

/* Calls what is at this address, for as many bytes, by this name in reports. */
void weir_check_name(const void *address, size_t size, const char *name);

/* ---- histories ----
 *
 * A specification is a sequential object. The operations that the threads record are put in
 * each order that agrees with happens-before from the end of one to the beginning of the next; one
 * of them has to be a run of the specification (Wing, Gong, JPDC 1993; G. Lowe, "Testing for
 * linearizability", CPE 2017). An operation that has not returned may have happened or not. */

typedef struct weir_check_spec {
    size_t size;               /* bytes of a state; at most WEIR_CHECK_STATE */
    void (*init)(void *state); /* of a state that is all zero; or NULL */
    /* Whether `operation` on `argument` may return `result` in this state, which it changes. Of one
     * that has not returned, `result` is NULL. Plain C, no atomics. */
    bool (*apply)(void *state, int operation, uint64_t argument, const uint64_t *result);
    const char *const *names; /* of the operations, from 0, for reports; or NULL */
} weir_check_spec;

#define WEIR_CHECK_STATE 512
#define WEIR_CHECK_CALLS 64

/* From now on in this run. Threads: before others are made. */
void weir_check_history(const weir_check_spec *spec);

/* An operation begins, or ends. Also without a specification: progress is judged by them.
 * Returns: a number for weir_check_return(). */
unsigned weir_check_call(int operation, uint64_t argument);
void weir_check_return(unsigned call, uint64_t result);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_CHECK_H */
