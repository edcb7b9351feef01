/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/reclaim.h: the workloads of a reclamation scheme, compiled once for each scheme so
 * that its operations are inlined as its user would have them. C and C++. Before each
 * inclusion define (and find undefined afterwards):
 *
 *     SCHEME         a prefix P that is also the type of what is shared: BENCH_CELLS pointers,
 *                    each to an object with a value; then there must be
 *         P *P_open(void);                with an object of value 1 in each cell; NULL: cannot
 *                                         be made
 *         P_local    a type: what one thread keeps for itself. It is copied: a handle.
 *         void P_enter(P *, P_local *);   on the thread, before its first call
 *         void P_leave(P *, P_local *);   on the thread, after its last
 *         uintptr_t P_read(P *, P_local *, size_t cell);
 *                                         a whole read section: the value of the cell's object
 *         void P_hold(P *, P_local *, size_t cell);
 *                                         begins one, reaches the object, and stays inside
 *         void P_replace(P *, P_local *, size_t cell, uintptr_t value);
 *                                         a new object (bench_object()) for the cell, and the
 *                                         old one is retired; what frees it calls bench_freed()
 *                                         before, in one thread at a time
 *     SCHEME_LABEL   its name in the tables
 *     SCHEME_CLASS   progress, order, and whether what waits is bounded while a reader is frozen:
 *                    BENCH_LOCK_FREE, BENCH_UNORDERED, true
 *     SCHEME_NOTE    a line for the report, or NULL
 *
 * and at will:
 *
 *     SCHEME_FLAGS   BENCH_OURS, BENCH_REFERENCE
 *     SCHEME_ALONE   protects nothing: only the rows of one thread
 *     SCHEME_PLAIN   threads keep nothing: P_local, P_enter and P_leave are made here
 *     SCHEME_QUIET   there is
 *         void P_quiet(P *, P_local *);   after 64 operations, or 512 sections: a quiescent state
 *     SCHEME_WAITS   P_replace() waits for readers: not with a frozen one
 *
 * With BENCH_STEP defined a face for bench/step-peers is made instead of rows.
 *
 * Only one thread replaces. An object that was freed has the value 0, and no reader may see that:
 * readers count it, and the run fails. bench/objects.h has what the functions above need. */

#include "objects.h"

#ifdef BENCH_STEP
#include "step.h"
#endif

#ifndef SCHEME_FLAGS
#define SCHEME_FLAGS 0
#endif

#ifndef WEIR_BENCH_RECLAIM_H
#define WEIR_BENCH_RECLAIM_H

#define BENCH_RECLAIM_PASTE_(a, b) a##b
#define BENCH_RECLAIM_PASTE(a, b) BENCH_RECLAIM_PASTE_(a, b)
#define BENCH_RECLAIM_BODY __attribute__((unused)) static
/* A measured loop: its variables stay in registers, whatever was done around it. */
#define BENCH_RECLAIM_LOOP __attribute__((unused, noinline)) static

/* Objects that are retired beside a frozen reader: nothing may be given back, so not more. */
#define BENCH_FROZEN 262144

/* clang-format off */
static const bench_row bench_rows_reclaim[] __attribute__((unused)) = {
    {"reclaim/section", "a read section: one pointer, one load", "ns", true, 1, {NULL, NULL, NULL}},
    {"reclaim/replace", "allocate an object, exchange the pointer, retire the old one", "ns", true, 1, {NULL, NULL, NULL}},
    {"reclaim/churn", "one thread replaces, one reads: the most objects that waited; million/s of each", "objects", true, 2, {"waiting", "reads", "writes"}},
    {"reclaim/frozen", "a reader frozen inside: the most objects that waited, of those retired; a replacement, ns", "objects", true, 1, {"waiting", "retired", "ns each"}},
    {"reclaim/2R1W", "two readers, one replaces: sections, replacements, the most objects that waited", "M/s", false, 3, {"reads", "writes", "waiting"}},
    {"reclaim/3R1W", "three readers, one replaces: sections, replacements, the most objects that waited", "M/s", false, 4, {"reads", "writes", "waiting"}},
};
/* clang-format on */

/* What a thread found: in its ledger, which is not used for what it was made for. */
#define BENCH_MOST(thread) ((thread)->ledger.count)
#define BENCH_NS(thread) ((thread)->ledger.sum)

#endif /* WEIR_BENCH_RECLAIM_H */

#define R(name) BENCH_RECLAIM_PASTE(SCHEME, _##name)

static const bench_peer R(peer) = {SCHEME_LABEL, SCHEME_CLASS, SCHEME_FLAGS, SCHEME_NOTE};

#ifdef SCHEME_PLAIN
typedef struct R(local) {
    char nothing;
} R(local);

static inline void R(enter)(SCHEME *scheme, R(local) * local)
{
    (void)scheme;
    (void)local;
}

static inline void R(leave)(SCHEME *scheme, R(local) * local)
{
    (void)scheme;
    (void)local;
}
#endif

#ifndef BENCH_STEP

#ifdef SCHEME_QUIET
#define R_QUIET() R(quiet)(scheme, &local)
#else
#define R_QUIET() ((void)0)
#endif

/* ---- bodies ---- */

/* Enters, runs a loop of this thread, leaves. */
#define R_BODY(loop)                                       \
    BENCH_RECLAIM_BODY void R(loop)(bench_thread * thread) \
    {                                                      \
        SCHEME *const scheme = (SCHEME *)thread->shared;   \
        R(local) local;                                    \
                                                           \
        memset((void *)&local, 0, sizeof local);           \
        R(enter)(scheme, &local);                          \
        R(loop##_loop)(thread, scheme, local);             \
        R(leave)(scheme, &local);                          \
    }

BENCH_RECLAIM_LOOP void R(sections_loop)(bench_thread *thread, SCHEME *scheme, R(local) local)
{
    uint64_t done = 0, sum = 0;

    /* A section may take less than a nanosecond: of 64 the end of the loop would be felt. */
    while (bench_going(thread, done)) {
        for (int i = 0; i < 512; i++, done++)
            sum += R(read)(scheme, &local, 0);
        R_QUIET();
    }
    thread->ledger.wrong = sum != done;
    thread->put = done;
}

BENCH_RECLAIM_LOOP void R(reads_loop)(bench_thread *thread, SCHEME *scheme, R(local) local)
{
    uint64_t done = 0, wrong = 0;

    while (bench_going(thread, done)) {
        for (int i = 0; i < 64; i++, done++)
            wrong += R(read)(scheme, &local, done % BENCH_CELLS) == 0;
        R_QUIET();
    }
    thread->ledger.wrong = wrong;
    thread->put = done;
}

BENCH_RECLAIM_LOOP void R(replaces_loop)(bench_thread *thread, SCHEME *scheme, R(local) local)
{
    uint64_t done = 0;

    while (bench_going(thread, done)) {
        for (int i = 0; i < 64; i++, done++)
            R(replace)(scheme, &local, 0, done + 1);
        R_QUIET();
    }
    thread->put = done;
}

R_BODY(sections)
R_BODY(reads)
R_BODY(replaces)

#ifndef SCHEME_ALONE

/* Replaces cell by cell, up to `limit`, and looks now and then how many wait. */
BENCH_RECLAIM_BODY inline void R(replace_up_to)(bench_thread *thread, SCHEME *scheme,
                                                R(local) local, uint64_t limit)
{
    const uint64_t begin = bench_now_ns();
    uint64_t done = 0, most = 0;

    while (bench_going(thread, done) && done < limit) {
        uint64_t freed;

        for (int i = 0; i < 64; i++, done++)
            R(replace)(scheme, &local, done % BENCH_CELLS, done + 1);
        R_QUIET();
        /* relaxed: as in bench_freed(). */
        freed = weir_atomic_load(&bench_freed_so_far.n, WEIR_RELAXED);
        if (done - freed > most)
            most = done - freed;
    }
    BENCH_NS(thread) = bench_now_ns() - begin;
    BENCH_MOST(thread) = most;
    thread->put = done;
}

BENCH_RECLAIM_LOOP void R(churn_loop)(bench_thread *thread, SCHEME *scheme, R(local) local)
{
    R(replace_up_to)(thread, scheme, local, UINT64_MAX);
}

BENCH_RECLAIM_LOOP void R(frozen_loop)(bench_thread *thread, SCHEME *scheme, R(local) local)
{
    R(replace_up_to)(thread, scheme, local, BENCH_FROZEN);
}

R_BODY(churn)
R_BODY(frozen)

#endif

/* ---- measures ---- */

BENCH_RECLAIM_BODY const bench_thread *R(measure)(bench_run *run, SCHEME *scheme, unsigned threads,
                                                  bench_body *const bodies[])
{
    const bench_thread *ran = bench_threads(run, threads, bodies, scheme);

    for (unsigned i = 0; i < threads; i++)
        if (ran[i].ledger.wrong > 0)
            bench_fail(run, "%llu reads of an object that had been freed",
                       (unsigned long long)ran[i].ledger.wrong);
    return ran;
}

BENCH_RECLAIM_BODY SCHEME *R(make)(bench_run *run)
{
    SCHEME *const scheme = R(open)();

    if (scheme == NULL)
        bench_fail(run, "the scheme could not be made");
    return scheme;
}

BENCH_RECLAIM_BODY void R(run_section)(bench_run *run)
{
    bench_body *const bodies[] = {R(sections)};
    SCHEME *const scheme = R(make)(run);

    if (scheme == NULL)
        return;
    R(measure)(run, scheme, 1, bodies);
    bench_set_ns(run);
}

BENCH_RECLAIM_BODY void R(run_replace)(bench_run *run)
{
    bench_body *const bodies[] = {R(replaces)};
    SCHEME *const scheme = R(make)(run);

    if (scheme == NULL)
        return;
    R(measure)(run, scheme, 1, bodies);
    bench_set_ns(run);
}

#ifndef SCHEME_ALONE

/* `readers` threads read, and one replaces. Fills the three columns: the rates in million/s at
 * `reads` and the place behind it, what waited at `waiting`. */
BENCH_RECLAIM_BODY void R(run_readers)(bench_run *run, unsigned readers, int reads, int waiting)
{
    bench_body *const bodies[] = {R(churn), R(reads), R(reads), R(reads)};
    SCHEME *const scheme = R(make)(run);
    const bench_thread *ran;

    if (scheme == NULL)
        return;
    ran = R(measure)(run, scheme, readers + 1, bodies);
    /* Nothing of what the row is about. */
    if (run->items[0] == (reads == 0 ? run->total : 0))
        bench_starved(run, run->total);
    run->value[waiting] = (double)BENCH_MOST(&ran[0]);
    run->value[reads] = (double)(run->total - run->items[0]) / run->window / 1e6;
    run->value[reads + 1] = (double)run->items[0] / run->window / 1e6;
    run->done = true;
}

BENCH_RECLAIM_BODY void R(run_churn)(bench_run *run)
{
    R(run_readers)(run, 1, 1, 0);
}

BENCH_RECLAIM_BODY void R(run_2r1w)(bench_run *run)
{
    R(run_readers)(run, 2, 0, 2);
}

BENCH_RECLAIM_BODY void R(run_3r1w)(bench_run *run)
{
    R(run_readers)(run, 3, 0, 2);
}

#ifndef SCHEME_WAITS
/* The frozen reader is the thread that calls this: it is asleep until the others have ended. */
BENCH_RECLAIM_BODY void R(run_frozen)(bench_run *run)
{
    bench_body *const bodies[] = {R(frozen)};
    SCHEME *const scheme = R(make)(run);
    const bench_thread *ran;
    R(local) local;

    if (scheme == NULL)
        return;
    memset((void *)&local, 0, sizeof local);
    R(enter)(scheme, &local);
    R(hold)(scheme, &local, 0);
    ran = R(measure)(run, scheme, 1, bodies);
    run->value[0] = (double)BENCH_MOST(&ran[0]);
    run->value[1] = (double)ran[0].put;
    run->value[2] = ran[0].put > 0 ? (double)BENCH_NS(&ran[0]) / (double)ran[0].put : 0;
    run->done = true;
}
#endif

#endif

BENCH_REGISTER(R(add_reclaim))
{
    bench_add(&bench_rows_reclaim[0], &R(peer), R(run_section));
    bench_add(&bench_rows_reclaim[1], &R(peer), R(run_replace));
#ifndef SCHEME_ALONE
    bench_add(&bench_rows_reclaim[2], &R(peer), R(run_churn));
#ifndef SCHEME_WAITS
    bench_add(&bench_rows_reclaim[3], &R(peer), R(run_frozen));
#endif
    bench_add(&bench_rows_reclaim[4], &R(peer), R(run_2r1w));
    bench_add(&bench_rows_reclaim[5], &R(peer), R(run_3r1w));
#endif
}

#undef R_BODY
#undef R_QUIET

#else

/* ---- a face for the step harness ---- */

static_assert((uintptr_t)BENCH_CELLS * STEP_CELL <= UINTPTR_MAX / 2, "STEP_CELL is too large");

static void *R(step_open)(void)
{
    return R(open)();
}

static void R(step_enter)(void *scheme, void *local, unsigned id)
{
    static_assert(sizeof(R(local)) <= STEP_LOCAL, "STEP_LOCAL is too small");
    (void)id;
    R(enter)((SCHEME *)scheme, (R(local) *)local);
}

static void R(step_leave)(void *scheme, void *local)
{
    R(leave)((SCHEME *)scheme, (R(local) *)local);
}

static bool R(step_replace)(void *scheme, void *local, uintptr_t value)
{
    R(replace)((SCHEME *)scheme, (R(local) *)local, value / STEP_CELL, value);
#ifdef SCHEME_QUIET
    R(quiet)((SCHEME *)scheme, (R(local) *)local);
#endif
    return true;
}

static bool R(step_read)(void *scheme, void *local, uintptr_t *value)
{
    *value = R(read)((SCHEME *)scheme, (R(local) *)local, 0);
#ifdef SCHEME_QUIET
    R(quiet)((SCHEME *)scheme, (R(local) *)local);
#endif
    return true;
}

static void R(step_replaces)(void *state)
{
    step_seen *const seen = (step_seen *)state;

    seen->answer = R(step_replace)(seen->shared, seen->local, seen->value[0]);
}

static void R(step_reads)(void *state)
{
    step_seen *const seen = (step_seen *)state;

    seen->answer = R(step_read)(seen->shared, seen->local, &seen->value[0]);
}

BENCH_REGISTER(R(add_step))
{
    static step_face face;

    face.peer = &R(peer);
    face.group = "reclaim";
    face.kind = STEP_SCHEME;
    face.many_get = true;
    face.binds = true;
    face.open = R(step_open);
    face.enter = R(step_enter);
    face.leave = R(step_leave);
    face.put = R(step_replace);
    face.get = R(step_read);
    face.victim[STEP_PUT] = R(step_replaces);
    face.victim[STEP_GET] = R(step_reads);
    step_add(&face);
#ifndef SCHEME_ALONE
    (void)R(hold); /* for benchmarks */
#endif
}

#endif /* BENCH_STEP */

#undef R
#undef SCHEME
#undef SCHEME_LABEL
#undef SCHEME_CLASS
#undef SCHEME_NOTE
#undef SCHEME_FLAGS
#undef SCHEME_ALONE
#undef SCHEME_PLAIN
#undef SCHEME_QUIET
#undef SCHEME_WAITS
