/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/step.h: the queues, stacks, deques and schemes of the benchmarks as faces for
 * the step harness. bench/queue.h, bench/stack.h, bench/deque.h and bench/reclaim.h,
 * compiled with BENCH_STEP defined, make a face instead of benchmark rows of what their
 * includer defines; bench/step.c sweeps each (bench/step-peers). C and C++.
 *
 * The victims are made where the operation is inlined: a few of their instructions store the
 * answer and return. */

#ifndef WEIR_BENCH_STEP_H
#define WEIR_BENCH_STEP_H

#include "bench.h"

#include <weir/step.h>

#include <assert.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    STEP_LOCALS = 8,    /* what threads keep: main, victim, adversary; a second one of the
                           adversary; from STEP_FILLERS on those that fill */
    STEP_FILLERS = 4,   /* of a stack whose threads have one node each */
    STEP_LOCAL = 128,   /* bytes of one */
    STEP_CAPACITY = 32, /* of what is bounded; at least so many are promised */
    STEP_PRODUCERS = 4, /* that share nodes */
    STEP_THREADS = 8    /* that a stack has a node for */
};

/* Of a scheme's objects: those with values from k times it on are the k-th cell's. Readers read
 * the cell 0. */
#define STEP_CELL ((uintptr_t)1 << 20)

typedef enum step_kind { STEP_QUEUE, STEP_STACK, STEP_DEQUE, STEP_SCHEME } step_kind;

/* Operations: one or some values. A scheme's STEP_PUT replaces, its STEP_GET reads. */
typedef enum step_what {
    STEP_PUT,
    STEP_GET,
    STEP_STEAL,
    STEP_PUT_SOME,
    STEP_GET_SOME,
    STEP_STEAL_SOME,
    STEP_WHATS
} step_what;

/* What a victim sees. */
typedef struct step_seen {
    void *shared, *local;
    uintptr_t value[2];
    size_t answer; /* values that went in, or came out */
} step_seen;

typedef struct step_face {
    const bench_peer *peer;
    const char *group; /* "mpmc" */
    step_kind kind;
    bool many_put, many_get; /* several threads at a time may */
    bool binds;              /* see QUEUE_BINDS */
    void *(*open)(void);     /* or NULL */
    void (*enter)(void *shared, void *local, unsigned id);
    void (*leave)(void *shared, void *local); /* or NULL */
    bool (*put)(void *shared, void *local, uintptr_t value);
    bool (*get)(void *shared, void *local, uintptr_t *value);
    bool (*steal)(void *shared, void *local, uintptr_t *value);
    void (*victim[STEP_WHATS])(void *seen); /* or NULL */
} step_face;

/* The face must live for the whole program. */
void step_add(const step_face *face);

/* Sweeps all operations of the face, in a process that does nothing else: lines for people, and
 * rows (bench/step.c). Returns: its exit status: 0; 1: not to its end, or a stop of weir's was
 * bad that is not to be; 77: single instructions cannot be stopped here. */
int step_sweep(const step_face *face, FILE *text, FILE *rows);

/* Writes instead why there is nothing. */
void step_not_swept(const step_face *face, const char *why, FILE *text, FILE *rows);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_BENCH_STEP_H */
