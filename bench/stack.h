/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/stack.h: the workloads of a stack, compiled once for each stack so that its
 * operations are inlined as its user would have them. C and C++. Before each inclusion
 * define (and find undefined afterwards):
 *
 *     STACK          a prefix P that is also the stack's type; then there must be
 *         P *P_open(unsigned threads);    an empty stack; NULL: cannot be made
 *         P_local    a type: what one thread keeps for itself
 *         void P_enter(P *, P_local *, unsigned id);   on the thread, before its first call
 *         void P_leave(P *, P_local *);                on the thread, after its last
 *         bool P_push(P *, P_local *, uintptr_t);      false: full, or not now
 *         bool P_pop(P *, P_local *, uintptr_t *);     false: empty, or not now
 *     STACK_LABEL    its name in the tables
 *     STACK_CLASS    progress, order, bounded: BENCH_LOCK_FREE, BENCH_UNORDERED, false
 *     STACK_NOTE     a line for the report, or NULL
 *
 * and at will:
 *
 *     STACK_FLAGS    BENCH_OURS
 *     STACK_PLAIN    threads keep nothing: P_local, P_enter and P_leave are made here, and
 *                    the operations may take a `void *` in its place
 *     STACK_BINDS    P_enter is for the thread that calls it; otherwise one thread may
 *                    call it for another
 *
 * With BENCH_STEP defined a face for bench/step-peers is made instead of rows.
 *
 * Each thread pushes, then pops. One whose stack is intrusive has a node at the beginning,
 * and after each pop the one that came; so ids are 0 to threads - 1, and `threads` for the
 * one that drains, which needs none. */

#include "bench.h"

#ifdef BENCH_STEP
#include "step.h"
#endif

#ifndef STACK_FLAGS
#define STACK_FLAGS 0
#endif

#ifndef WEIR_BENCH_STACK_H
#define WEIR_BENCH_STACK_H

#define BENCH_STACK_PASTE_(a, b) a##b
#define BENCH_STACK_PASTE(a, b) BENCH_STACK_PASTE_(a, b)
#define BENCH_STACK_BODY __attribute__((unused)) static

/* clang-format off */
static const bench_row bench_rows_stack[] __attribute__((unused)) = {
    {"stack/alone", "one thread: a push and a pop", "ns", true, 1, {NULL, NULL, NULL}},
    {"stack/2T", "two threads, each a push, then a pop", "M/s", false, 2, {NULL, NULL, NULL}},
    {"stack/4T", "four threads, each a push, then a pop", "M/s", false, 4, {NULL, NULL, NULL}},
};
/* clang-format on */

#endif /* WEIR_BENCH_STACK_H */

#define S(name) BENCH_STACK_PASTE(STACK, _##name)

static const bench_peer S(peer) = {STACK_LABEL, STACK_CLASS, STACK_FLAGS, STACK_NOTE};

#ifdef STACK_PLAIN
typedef struct S(local) {
    char nothing;
} S(local);

static inline void S(enter)(STACK *stack, S(local) * local, unsigned id)
{
    (void)stack;
    (void)local;
    (void)id;
}

static inline void S(leave)(STACK *stack, S(local) * local)
{
    (void)stack;
    (void)local;
}
#endif

#ifndef BENCH_STEP

BENCH_STACK_BODY void S(pairs)(bench_thread *thread)
{
    STACK *stack = (STACK *)thread->shared;
    bench_ledger ledger;
    S(local) local;
    uint64_t put = 0;
    uintptr_t value = 0;
    unsigned failures = 0;

    memset(&ledger, 0, sizeof ledger);
    memset((void *)&local, 0, sizeof local);
    S(enter)(stack, &local, thread->id);
    while (bench_going(thread, ledger.count)) {
        for (int i = 0; i < 64; i++) {
            while (!S(push)(stack, &local, bench_value(thread->id, put + 1)))
                if (!bench_again(thread, &failures))
                    goto out;
            put++;
            while (!S(pop)(stack, &local, &value))
                if (!bench_again(thread, &failures))
                    goto out;
            bench_take(&ledger, value, false);
        }
    }
out:
    S(leave)(stack, &local);
    thread->put = put;
    thread->ledger = ledger;
}

BENCH_STACK_BODY void S(alone)(bench_thread *thread)
{
    STACK *stack = (STACK *)thread->shared;
    bench_ledger ledger;
    S(local) local;
    uint64_t put = 0;
    uintptr_t value = 0;
    unsigned failures = 0;

    memset(&ledger, 0, sizeof ledger);
    memset((void *)&local, 0, sizeof local);
    S(enter)(stack, &local, thread->id);
    while (bench_going(thread, ledger.count)) {
        for (int i = 0; i < 64; i++) {
            while (!S(push)(stack, &local, bench_value(0, put + 1)))
                if (!bench_again(thread, &failures))
                    goto out;
            put++;
            while (!S(pop)(stack, &local, &value))
                if (!bench_again(thread, &failures))
                    goto out;
            bench_take_next(&ledger, value);
        }
    }
out:
    S(leave)(stack, &local);
    ledger.sum = ledger.count * (ledger.count + 1) / 2;
    thread->put = put;
    thread->ledger = ledger;
}

static void S(measure)(bench_run *run, unsigned threads, bench_body *const bodies[])
{
    STACK *stack = S(open)(threads);
    const bench_thread *ran;
    bench_ledger rest;
    S(local) local;
    uintptr_t value = 0;

    if (stack == NULL) {
        bench_fail(run, "the stack could not be made");
        return;
    }
    ran = bench_threads(run, threads, bodies, stack);
    memset(&rest, 0, sizeof rest);
    memset((void *)&local, 0, sizeof local);
    S(enter)(stack, &local, threads);
    while (S(pop)(stack, &local, &value))
        bench_take(&rest, value, false);
    S(leave)(stack, &local);
    bench_settle(run, ran, &rest);
}

static void S(run_alone)(bench_run *run)
{
    bench_body *const bodies[] = {S(alone)};

    S(measure)(run, 1, bodies);
    bench_set_ns(run);
}

static void S(run_2)(bench_run *run)
{
    bench_body *const bodies[] = {S(pairs), S(pairs)};

    S(measure)(run, 2, bodies);
    bench_set_rate(run);
}

static void S(run_4)(bench_run *run)
{
    bench_body *const bodies[] = {S(pairs), S(pairs), S(pairs), S(pairs)};

    S(measure)(run, 4, bodies);
    bench_set_rate(run);
}

BENCH_REGISTER(S(add_stack))
{
    bench_measure *const measures[] = {S(run_alone), S(run_2), S(run_4)};

    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++)
        bench_add(&bench_rows_stack[i], &S(peer), measures[i]);
}

#else

/* ---- a face for the step harness ---- */

static void *S(step_open)(void)
{
    return S(open)(STEP_THREADS);
}

static void S(step_enter)(void *stack, void *local, unsigned id)
{
    static_assert(sizeof(S(local)) <= STEP_LOCAL, "STEP_LOCAL is too small");
    S(enter)((STACK *)stack, (S(local) *)local, id);
}

static void S(step_leave)(void *stack, void *local)
{
    S(leave)((STACK *)stack, (S(local) *)local);
}

static bool S(step_push)(void *stack, void *local, uintptr_t value)
{
    return S(push)((STACK *)stack, (S(local) *)local, value);
}

static bool S(step_pop)(void *stack, void *local, uintptr_t *value)
{
    return S(pop)((STACK *)stack, (S(local) *)local, value);
}

static void S(step_pushes)(void *state)
{
    step_seen *const seen = (step_seen *)state;

    seen->answer = S(push)((STACK *)seen->shared, (S(local) *)seen->local, seen->value[0]);
}

static void S(step_pops)(void *state)
{
    step_seen *const seen = (step_seen *)state;

    seen->answer = S(pop)((STACK *)seen->shared, (S(local) *)seen->local, &seen->value[0]);
}

BENCH_REGISTER(S(add_step))
{
    static step_face face;

    face.peer = &S(peer);
    face.group = "stack";
    face.kind = STEP_STACK;
    face.many_put = true;
    face.many_get = true;
#ifdef STACK_BINDS
    face.binds = true;
#endif
    face.open = S(step_open);
    face.enter = S(step_enter);
    face.leave = S(step_leave);
    face.put = S(step_push);
    face.get = S(step_pop);
    face.victim[STEP_PUT] = S(step_pushes);
    face.victim[STEP_GET] = S(step_pops);
    step_add(&face);
}

#endif /* BENCH_STEP */

#undef S
#undef STACK
#undef STACK_LABEL
#undef STACK_CLASS
#undef STACK_NOTE
#undef STACK_FLAGS
#undef STACK_PLAIN
#undef STACK_BINDS
