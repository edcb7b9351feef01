/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/cancel.c: cancel trees under many threads. A round has two roots, and branches below one
 * of them, or both. Each thread grows leaves there, with callbacks at the leaf and at the branch,
 * with deadlines and without, waits, and takes all back again, until its branches are cancelled,
 * which one or two of the threads do at some moment. What must hold:
 *
 *   each callback runs once or is taken out, as its unregistering says, and never after that
 *   of all who cancel one token one does, and its reason is everybody's
 *   what was written before a cancel is seen by who finds it, whatever is in between
 *   every wait ends, and every leaf can be destroyed; its memory is overwritten at once */

#include <weir/cancel.h>

#include "stress.h"

#include <errno.h>

enum { BRANCHES = 6, ROOTS = 2, FIRST_REASON = 100 };

typedef struct leaf {
    weir_cancel_source source;
    weir_cancel_link link;
    weir_cancel_callback own, above;
    unsigned own_calls, above_calls; /* plain: unregistering orders them */
    int reason;
} leaf;

typedef struct round_of_trees {
    weir_cancel_source roots[ROOTS];
    uint64_t written[STRESS_MAX_THREADS]; /* plain, by who cancels; the reason says who it was */
    weir_cancel_source branches[BRANCHES];
    weir_cancel_link links[BRANCHES];
    WEIR_ATOMIC(unsigned) winners[ROOTS];
    uint64_t number;
} round_of_trees;

typedef struct worker {
    WEIR_ALIGNAS(WEIR_CACHELINE) stress *s;
    stress_rng rng;
    unsigned index;
    round_of_trees *r;
    uint64_t leaves, calls, taken_out, timeouts, waits;
} worker;

static worker workers[STRESS_MAX_THREADS];
static struct {
    uint64_t rounds, leaves, calls, taken_out, timeouts, waits;
} totals;

static void own_call(void *context, int reason)
{
    leaf *const l = (leaf *)context;

    l->own_calls++;
    l->reason = reason;
}

static void above_call(void *context, int reason)
{
    leaf *const l = (leaf *)context;

    (void)reason;
    l->above_calls++;
}

/* A reason that is no thread's own comes from a deadline. */
static void check_reason(worker *w, int reason)
{
    const int who = reason - FIRST_REASON;

    if (reason == -ETIMEDOUT)
        return;
    if (who < 0 || who >= (int)w->s->threads)
        stress_fail(w->s, "a reason that nobody gave: %d", reason);
    if (w->r->written[who] != w->r->number)
        stress_fail(w->s, "cancelled, but what was written before is not there");
}

static void take_back(worker *w, weir_cancel_callback *callback, const unsigned *calls)
{
    int status =
        weir_cancel_unregister(callback, stress_below(&w->rng, 2) == 0 ? 0 : WEIR_FOREVER, NULL);

    if (status == -ETIMEDOUT)
        status = weir_cancel_unregister(callback, WEIR_FOREVER, NULL);
    if (status != (*calls == 0 ? 0 : -EALREADY) || *calls > 1)
        stress_fail(w->s, "unregistered: %d, after %u calls", status, *calls);
    w->calls += *calls;
    w->taken_out += *calls == 0;
}

static void wait_a_little(worker *w, weir_cancel *token)
{
    const uint64_t deadline = weir_clock_after(stress_below(&w->rng, 200000));
    weir_waiter waiter;
    int status;

    switch (stress_below(&w->rng, 4)) {
    case 0:
        stress_maybe_yield(&w->rng, 2);
        return;
    case 1:
        status = weir_cancel_wait(token, deadline, NULL);
        break;
    default:
        weir_waiter_init(&waiter);
        status = weir_waiter_park(&waiter, deadline, token);
        status = status == -ECANCELED ? 0 : status;
    }
    w->waits++;
    if (status == 0) {
        check_reason(w, weir_cancel_reason(token));
    } else if (status != -ETIMEDOUT || !weir_clock_passed(deadline)) {
        stress_fail(w->s, "a wait ended with %d", status);
    }
}

static void live_and_die(worker *w, weir_cancel *branch, weir_cancel *second)
{
    leaf *const l = (leaf *)malloc(sizeof *l);
    int reason;

    if (l == NULL)
        stress_fail(w->s, "no memory");
    memset(l, 0x5a, sizeof *l);
    l->own_calls = l->above_calls = 0;
    weir_cancel_source_init(&l->source, branch,
                            stress_below(&w->rng, 4) == 0
                                ? weir_clock_after(stress_below(&w->rng, 100000))
                                : WEIR_FOREVER);
    if (second != NULL && weir_cancel_source_link(&l->source, &l->link, second) != 0)
        stress_fail(w->s, "a new leaf cannot be linked");
    (void)weir_cancel_register(weir_cancel_source_token(&l->source), &l->own, own_call, l);
    (void)weir_cancel_register(branch, &l->above, above_call, l);
    wait_a_little(w, weir_cancel_source_token(&l->source));
    if (stress_below(&w->rng, 8) == 0)
        (void)weir_cancel_source_cancel(&l->source, FIRST_REASON + (int)w->index);
    take_back(w, &l->above, &l->above_calls);
    take_back(w, &l->own, &l->own_calls);
    reason = weir_cancel_reason(weir_cancel_source_token(&l->source));
    if (l->own_calls != 0 && l->reason != reason)
        stress_fail(w->s, "called for %d, cancelled for %d", l->reason, reason);
    if (reason != 0)
        check_reason(w, reason);
    w->timeouts += reason == -ETIMEDOUT;
    if (weir_cancel_source_destroy(&l->source) != 0)
        stress_fail(w->s, "a leaf that nobody uses cannot be destroyed");
    memset(l, 0x5a, sizeof *l);
    free(l);
    w->leaves++;
}

static void body(void *argument)
{
    worker *const w = (worker *)argument;
    round_of_trees *const r = w->r;
    uint64_t until = stress_below(&w->rng, 40);
    bool alive = true;

    r->written[w->index] = r->number;
    for (uint64_t turn = 0; alive; turn++) {
        weir_cancel *const branch =
            weir_cancel_source_token(&r->branches[stress_below(&w->rng, BRANCHES)]);
        weir_cancel *const second =
            stress_below(&w->rng, 3) == 0
                ? weir_cancel_source_token(&r->branches[stress_below(&w->rng, BRANCHES)])
                : NULL;

        live_and_die(w, branch, second);
        if (turn == until && w->index < 2 * ROOTS) {
            const unsigned which = w->index % ROOTS;

            if (weir_cancel_source_cancel(&r->roots[which], FIRST_REASON + (int)w->index))
                /* relaxed: read after the join. */
                weir_atomic_fetch_add(&r->winners[which], 1, WEIR_RELAXED);
            check_reason(w, weir_cancel_reason(weir_cancel_source_token(&r->roots[which])));
        }
        alive = turn < until;
        for (int i = 0; i < BRANCHES; i++)
            alive |= weir_cancel_check(weir_cancel_source_token(&r->branches[i])) == 0;
    }
}

static void play(stress *s, stress_rng *rng, unsigned threads)
{
    static round_of_trees r;

    r.number = totals.rounds + 1;
    for (unsigned i = 0; i < ROOTS; i++) {
        const bool timed = stress_below(rng, 4) == 0;

        weir_cancel_source_init(
            &r.roots[i], NULL, timed ? weir_clock_after(stress_below(rng, 2000000)) : WEIR_FOREVER);
        weir_atomic_init(&r.winners[i], 0);
    }
    for (unsigned i = 0; i < BRANCHES; i++) {
        weir_cancel_source *const above = i < ROOTS ? &r.roots[i] : &r.branches[i - ROOTS];

        weir_cancel_source_init(&r.branches[i], weir_cancel_source_token(above), WEIR_FOREVER);
        if (i == BRANCHES - 1 &&
            weir_cancel_source_link(&r.branches[i], &r.links[i],
                                    weir_cancel_source_token(&r.roots[i % ROOTS ^ 1])) != 0)
            stress_fail(s, "a new branch cannot be linked");
    }
    memset(workers, 0, sizeof workers);
    for (unsigned i = 0; i < threads; i++) {
        workers[i].s = s;
        workers[i].rng = stress_rng_make(stress_random(rng), i);
        workers[i].index = i;
        workers[i].r = &r;
    }
    stress_run(s, threads, body, workers, sizeof workers[0], 0);
    for (unsigned i = 0; i < ROOTS; i++) {
        /* relaxed: joined. */
        const unsigned winners = weir_atomic_load(&r.winners[i], WEIR_RELAXED);
        const int reason = weir_cancel_reason(weir_cancel_source_token(&r.roots[i]));

        if (winners != (reason != -ETIMEDOUT))
            stress_fail(s, "%u have cancelled a root, with reason %d", winners, reason);
    }
    for (unsigned i = BRANCHES; i-- > 0;)
        if (weir_cancel_source_destroy(&r.branches[i]) != 0)
            stress_fail(s, "a branch cannot be destroyed");
    for (unsigned i = 0; i < ROOTS; i++)
        if (weir_cancel_source_destroy(&r.roots[i]) != 0)
            stress_fail(s, "a root cannot be destroyed");
    for (unsigned i = 0; i < threads; i++) {
        totals.leaves += workers[i].leaves;
        totals.calls += workers[i].calls;
        totals.taken_out += workers[i].taken_out;
        totals.timeouts += workers[i].timeouts;
        totals.waits += workers[i].waits;
    }
    totals.rounds++;
}

int main(int argc, char **argv)
{
    stress_rng rng;
    stress s;

    stress_begin(&s, "cancel", argc, argv);
    if (s.threads < ROOTS) /* somebody has to cancel each */
        s.threads = ROOTS;
    rng = stress_rng_make(s.seed, 0);
    do {
        play(&s, &rng, s.threads);
    } while (
        stress_goes_on(&s, "%" PRIu64 " rounds, %" PRIu64 " leaves", totals.rounds, totals.leaves));
    if (totals.calls + totals.taken_out != 2 * totals.leaves)
        stress_fail(&s, "%" PRIu64 " callbacks of %" PRIu64 " are accounted for",
                    totals.calls + totals.taken_out, 2 * totals.leaves);
    return stress_end(&s,
                      "%" PRIu64 " rounds, %" PRIu64 " leaves, %" PRIu64 " waits: %" PRIu64
                      " callbacks called, %" PRIu64 " taken out, %" PRIu64 " deadlines seen",
                      totals.rounds, totals.leaves, totals.waits, totals.calls, totals.taken_out,
                      totals.timeouts);
}
