/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/deque.h: the workloads of a work-stealing deque, compiled once for each deque so that
 * its operations are inlined as its user would have them. C and C++. Before each inclusion
 * define (and find undefined afterwards):
 *
 *     DEQUE          a prefix P that is also the deque's type; then there must be
 *         P *P_open(void);                          empty; NULL: cannot be made
 *         P_local    a type: what one thread keeps for its thefts
 *         void P_enter(P *, P_local *);             on the thread, before its first theft
 *         bool P_push(P *, uintptr_t);              the owner; false: full
 *         bool P_pop(P *, uintptr_t *);             the owner; false: empty
 *         bool P_steal(P *, P_local *, uintptr_t *);  false: empty, or not now
 *     DEQUE_LABEL    its name in the tables
 *     DEQUE_CLASS    progress, order, bounded: BENCH_LOCK_FREE, BENCH_UNORDERED, false
 *     DEQUE_NOTE     a line for the report, or NULL
 *
 * and at will:
 *
 *     DEQUE_FLAGS    BENCH_OURS, BENCH_REFERENCE
 *     DEQUE_PLAIN    a thief keeps nothing: P_local and P_enter are made here, and P_steal may
 *                    take a `void *` in its place
 *     DEQUE_BURST    there is size_t P_steal_burst(P *, P_local *, uintptr_t *, size_t n);
 *                    without it the row steals one by one (flagged)
 *     DEQUE_BINDS    P_enter is for the thread that calls it; otherwise one thread may
 *                    call it for another
 *
 * With BENCH_STEP defined a face for bench/step-peers is made instead of rows.
 *
 * A deque that has no bound gets no more than BENCH_CAPACITY ahead of the thief; one that has
 * needs room for twice that. */

#include "bench.h"

#ifdef BENCH_STEP
#include "step.h"
#endif

#ifndef DEQUE_FLAGS
#define DEQUE_FLAGS 0
#endif

#ifndef WEIR_BENCH_DEQUE_H
#define WEIR_BENCH_DEQUE_H

#define BENCH_DEQUE_PASTE_(a, b) a##b
#define BENCH_DEQUE_PASTE(a, b) BENCH_DEQUE_PASTE_(a, b)
#define BENCH_DEQUE_BODY __attribute__((unused)) static

enum { BENCH_DEQUE_DEPTH = 8, BENCH_DEQUE_BURST = 8, BENCH_DEQUE_TREE = 20 };

/* clang-format off */
static const bench_row bench_rows_deque[] __attribute__((unused)) = {
    {"deque/owner", "the owner alone: a push and a pop", "ns", true, 1, {NULL, NULL, NULL}},
    {"deque/owner-8", "the owner alone: eight pushes, eight pops, one pair of them", "ns", true, 1, {NULL, NULL, NULL}},
    {"deque/steal", "the owner pushes, one thief steals", "M/s", false, 2, {NULL, NULL, NULL}},
    {"deque/burst", "the owner pushes, one thief steals up to 8 at a time", "M/s", false, 2, {NULL, NULL, NULL}},
    {"deque/mixed", "two threads, a deque each, trees of tasks; who has none steals", "M/s", false, 2, {NULL, NULL, NULL}},
};
/* clang-format on */

#endif /* WEIR_BENCH_DEQUE_H */

#define D(name) BENCH_DEQUE_PASTE(DEQUE, _##name)

static const bench_peer D(peer) = {DEQUE_LABEL, DEQUE_CLASS, DEQUE_FLAGS, DEQUE_NOTE};

#ifdef DEQUE_PLAIN
typedef struct D(local) {
    char nothing;
} D(local);

static inline void D(enter)(DEQUE *deque, D(local) * local)
{
    (void)deque;
    (void)local;
}
#endif

#ifndef BENCH_STEP

typedef struct D(pair) {
    DEQUE *deque[2];                                           /* the second is of the trees */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) stolen; /* so many, or some more */
} D(pair);

/* ---- the owner alone ---- */

BENCH_DEQUE_BODY inline __attribute__((always_inline)) void D(own)(bench_thread *thread,
                                                                   unsigned depth)
{
    DEQUE *const deque = ((D(pair) *)thread->shared)->deque[0];
    uint64_t put = 0, got = 0, wrong = 0;

    while (bench_going(thread, got)) {
        for (unsigned i = 0; i < 64; i += depth) {
            for (unsigned k = 0; k < depth; k++)
                put += D(push)(deque, bench_value(0, put + 1));
            for (unsigned k = 0; k < depth; k++) {
                uintptr_t value = 0;

                got += D(pop)(deque, &value);
                wrong += value != bench_value(0, put - k);
            }
        }
    }
    thread->put = put;
    thread->ledger.count = got;
    thread->ledger.sum = got * (got + 1) / 2;
    thread->ledger.wrong = wrong;
}

BENCH_DEQUE_BODY void D(own_1)(bench_thread *thread)
{
    D(own)(thread, 1);
}

BENCH_DEQUE_BODY void D(own_8)(bench_thread *thread)
{
    D(own)(thread, BENCH_DEQUE_DEPTH);
}

/* ---- one pushes, one steals ---- */

BENCH_DEQUE_BODY void D(feed)(bench_thread *thread)
{
    D(pair) *const pair = (D(pair) *)thread->shared;
    uint64_t put = 0, stolen = 0;
    unsigned failures = 0;

    while (bench_going(thread, 0)) {
        for (int i = 0; i < 64; i++) {
            while (put - stolen >= BENCH_CAPACITY) {
                /* relaxed: a number that only rises. */
                stolen = weir_atomic_load(&pair->stolen, WEIR_RELAXED);
                if (put - stolen >= BENCH_CAPACITY && !bench_again(thread, &failures))
                    goto out;
            }
            while (!D(push)(pair->deque[0], bench_value(0, put + 1)))
                if (!bench_again(thread, &failures))
                    goto out;
            put++;
        }
    }
out:
    thread->put = put;
}

/* One thief: it finds them in order. */
BENCH_DEQUE_BODY inline __attribute__((always_inline)) void D(thief)(bench_thread *thread,
                                                                     size_t most)
{
    D(pair) *const pair = (D(pair) *)thread->shared;
    uintptr_t values[BENCH_DEQUE_BURST];
    bench_ledger ledger;
    D(local) local;
    unsigned failures = 0;

    memset(&ledger, 0, sizeof ledger);
    memset((void *)&local, 0, sizeof local);
    D(enter)(pair->deque[0], &local);
    while (bench_going(thread, ledger.count)) {
        for (int i = 0; i < 64;) {
            size_t n;

#ifdef DEQUE_BURST
            if (most > 1)
                n = D(steal_burst)(pair->deque[0], &local, values, most);
            else
#endif
                n = D(steal)(pair->deque[0], &local, values);
            if (n == 0 && !bench_again(thread, &failures))
                goto out;
            for (size_t k = 0; k < n; k++)
                bench_take_next(&ledger, values[k]);
            i += (int)n;
        }
        /* relaxed: as in the owner. */
        weir_atomic_store(&pair->stolen, ledger.count, WEIR_RELAXED);
    }
out:
    (void)most;
    ledger.sum = ledger.count * (ledger.count + 1) / 2;
    thread->ledger = ledger;
}

BENCH_DEQUE_BODY void D(steal_one)(bench_thread *thread)
{
    D(thief)(thread, 1);
}

BENCH_DEQUE_BODY void D(steal_some)(bench_thread *thread)
{
    D(thief)(thread, BENCH_DEQUE_BURST);
}

/* ---- trees: a task is its height; two children, down to 1 ---- */

BENCH_DEQUE_BODY void D(climb)(bench_thread *thread)
{
    D(pair) *const pair = (D(pair) *)thread->shared;
    DEQUE *const own = pair->deque[thread->id], *const other = pair->deque[!thread->id];
    uint64_t put = 0, put_sum = 0, got = 0, got_sum = 0; /* tasks, and heights */
    D(local) local;
    unsigned failures = 0;

    memset((void *)&local, 0, sizeof local);
    D(enter)(other, &local);
    while (bench_going(thread, got)) {
        for (int i = 0; i < 64; i++) {
            uintptr_t task = 0;
            uint64_t height = BENCH_DEQUE_TREE;
            bool found = D(pop)(own, &task);

            while (!found && !(found = D(steal)(other, &local, &task)) && thread->id != 0)
                if (!bench_again(thread, &failures))
                    goto out;
            if (found) {
                height = task >> 3;
                got++;
                got_sum += height;
                for (int child = 0; child < 2 && height > 1; child++) {
                    const bool room = D(push)(own, (height - 1) << 3);

                    put += room;
                    put_sum += room ? height - 1 : 0;
                }
            } else if (D(push)(own, height << 3)) {
                put++;
                put_sum += height;
            }
        }
    }
out:
    thread->put = put;
    thread->ledger.last[0] = put_sum;
    thread->ledger.count = got;
    thread->ledger.sum = got_sum;
}

/* ---- measures ---- */

static D(pair) * D(open_pair)(bench_run *run)
{
    D(pair) *const pair = (D(pair) *)bench_alloc(sizeof *pair);

    for (int i = 0; i < 2; i++) {
        pair->deque[i] = D(open)();
        if (pair->deque[i] == NULL) {
            bench_fail(run, "the deque could not be made");
            return NULL;
        }
    }
    return pair;
}

static void D(measure)(bench_run *run, unsigned threads, bench_body *const bodies[])
{
    D(pair) *const pair = D(open_pair)(run);
    const bench_thread *ran;
    bench_ledger rest;
    uintptr_t value = 0;

    if (pair == NULL)
        return;
    ran = bench_threads(run, threads, bodies, pair);
    memset(&rest, 0, sizeof rest);
    while (D(pop)(pair->deque[0], &value))
        bench_take(&rest, value, false);
    /* A thief counts, it does not sum. */
    if (threads == 2) {
        const uint64_t got = ran[1].ledger.count;

        rest.wrong += rest.sum + got * (got + 1) / 2 != ran[0].put * (ran[0].put + 1) / 2;
    }
    bench_settle(run, ran, &rest);
}

static void D(run_own_1)(bench_run *run)
{
    bench_body *const bodies[] = {D(own_1)};

    D(measure)(run, 1, bodies);
    bench_set_ns(run);
}

static void D(run_own_8)(bench_run *run)
{
    bench_body *const bodies[] = {D(own_8)};

    D(measure)(run, 1, bodies);
    bench_set_ns(run);
}

static void D(run_steal)(bench_run *run)
{
    bench_body *const bodies[] = {D(feed), D(steal_one)};

    D(measure)(run, 2, bodies);
    bench_set_rate(run);
}

static void D(run_burst)(bench_run *run)
{
    bench_body *const bodies[] = {D(feed), D(steal_some)};

    D(measure)(run, 2, bodies);
    bench_set_rate(run);
}

static void D(run_mixed)(bench_run *run)
{
    bench_body *const bodies[] = {D(climb), D(climb)};
    D(pair) *const pair = D(open_pair)(run);
    const bench_thread *ran;
    uint64_t put = 0, put_sum = 0, got = 0, got_sum = 0;
    uintptr_t task = 0;

    if (pair == NULL)
        return;
    ran = bench_threads(run, 2, bodies, pair);
    for (int i = 0; i < 2; i++) {
        put += ran[i].put;
        put_sum += ran[i].ledger.last[0];
        got += ran[i].ledger.count;
        got_sum += ran[i].ledger.sum;
        while (D(pop)(pair->deque[i], &task)) {
            got++;
            got_sum += task >> 3;
        }
    }
    if (put != got || put_sum != got_sum)
        bench_fail(run, "%llu tasks pushed, %llu done", (unsigned long long)put,
                   (unsigned long long)got);
    bench_set_rate(run);
}

BENCH_REGISTER(D(add_deque))
{
    bench_measure *const measures[] = {D(run_own_1), D(run_own_8), D(run_steal), D(run_burst),
                                       D(run_mixed)};

    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++)
        bench_add(&bench_rows_deque[i], &D(peer), measures[i]);
}

#else

/* ---- a face for the step harness ---- */

static void *D(step_open)(void)
{
    return D(open)();
}

static void D(step_enter)(void *deque, void *local, unsigned id)
{
    static_assert(sizeof(D(local)) <= STEP_LOCAL, "STEP_LOCAL is too small");
    (void)id;
    D(enter)((DEQUE *)deque, (D(local) *)local);
}

static bool D(step_push)(void *deque, void *local, uintptr_t value)
{
    (void)local;
    return D(push)((DEQUE *)deque, value);
}

static bool D(step_pop)(void *deque, void *local, uintptr_t *value)
{
    (void)local;
    return D(pop)((DEQUE *)deque, value);
}

static bool D(step_steal)(void *deque, void *local, uintptr_t *value)
{
    return D(steal)((DEQUE *)deque, (D(local) *)local, value);
}

static void D(step_pushes)(void *state)
{
    step_seen *const seen = (step_seen *)state;

    seen->answer = D(push)((DEQUE *)seen->shared, seen->value[0]);
}

static void D(step_pops)(void *state)
{
    step_seen *const seen = (step_seen *)state;

    seen->answer = D(pop)((DEQUE *)seen->shared, &seen->value[0]);
}

static void D(step_steals)(void *state)
{
    step_seen *const seen = (step_seen *)state;

    seen->answer = D(steal)((DEQUE *)seen->shared, (D(local) *)seen->local, &seen->value[0]);
}

#ifdef DEQUE_BURST
static void D(step_steals_some)(void *state)
{
    step_seen *const seen = (step_seen *)state;

    seen->answer = D(steal_burst)((DEQUE *)seen->shared, (D(local) *)seen->local, seen->value, 2);
}
#endif

BENCH_REGISTER(D(add_step))
{
    static step_face face;

    face.peer = &D(peer);
    face.group = "deque";
    face.kind = STEP_DEQUE;
#ifdef DEQUE_BINDS
    face.binds = true;
#endif
    face.open = D(step_open);
    face.enter = D(step_enter);
    face.put = D(step_push);
    face.get = D(step_pop);
    face.steal = D(step_steal);
    face.victim[STEP_PUT] = D(step_pushes);
    face.victim[STEP_GET] = D(step_pops);
    face.victim[STEP_STEAL] = D(step_steals);
#ifdef DEQUE_BURST
    face.victim[STEP_STEAL_SOME] = D(step_steals_some);
#endif
    step_add(&face);
}

#endif /* BENCH_STEP */

#undef D
#undef DEQUE
#undef DEQUE_LABEL
#undef DEQUE_CLASS
#undef DEQUE_NOTE
#undef DEQUE_FLAGS
#undef DEQUE_PLAIN
#undef DEQUE_BURST
#undef DEQUE_BINDS
