/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Flags and states under many threads. Each round is one of:
 *
 *   once   of all who raise a flag that is down one is the first, and whoever finds it
 *          up sees what the first one wrote
 *   owner  a flag, or a state, that says whose turn it is guards a plain number
 *   walk   random moves and transitions over a few states: each state was left as often
 *          as it was entered, but for the first and the last one */

#include <weir/state.h>

#include "stress.h"

enum { STATES = 6, FREE = 0, OWNED = 1, FLAGS = 512 };

static struct {
    uint64_t rounds, turns, moves, refused;
} totals;

typedef struct worker {
    WEIR_ALIGNAS(WEIR_CACHELINE) stress *s;
    stress_rng rng;
    void *round;
    uint64_t turns, refused, firsts;
    uint64_t entered[STATES], left[STATES];
} worker;

static worker workers[STRESS_MAX_THREADS];

static void run(stress *s, stress_rng *rng, void (*body)(void *), void *round, uint64_t ns)
{
    memset(workers, 0, sizeof workers);
    for (unsigned i = 0; i < s->threads; i++) {
        workers[i].s = s;
        workers[i].rng = stress_rng_make(stress_random(rng), i);
        workers[i].round = round;
    }
    stress_run(s, s->threads, body, workers, sizeof workers[0], ns);
}

/* ---- once ---- */

typedef struct once_round {
    weir_flag begun[FLAGS], ready[FLAGS];
    uint64_t written[FLAGS]; /* plain: ready orders it */
} once_round;

static void once_body(void *argument)
{
    worker *const w = (worker *)argument;
    once_round *const r = (once_round *)w->round;
    const uint64_t start = stress_below(&w->rng, FLAGS);

    for (uint64_t i = 0; i < FLAGS; i++) {
        const uint64_t at = (start + i) % FLAGS;

        if (!weir_flag_set(&r->begun[at])) {
            w->firsts++;
            r->written[at] += at + 1;
            if (weir_flag_set(&r->ready[at]))
                stress_fail(w->s, "once: the second flag was up before the first one's owner came");
        } else if (weir_flag_test(&r->ready[at]) && r->written[at] != at + 1) {
            stress_fail(w->s, "once: a raised flag, and not what was written before");
        }
        stress_maybe_yield(&w->rng, 64);
    }
}

static void once(stress *s, stress_rng *rng)
{
    static once_round r;
    uint64_t firsts = 0;

    memset(&r, 0, sizeof r);
    for (int i = 0; i < FLAGS; i++) {
        weir_flag_init(&r.begun[i]);
        weir_flag_init(&r.ready[i]);
    }
    run(s, rng, once_body, &r, 0);
    for (unsigned i = 0; i < s->threads; i++)
        firsts += workers[i].firsts;
    if (firsts != FLAGS)
        stress_fail(s, "once: %" PRIu64 " were first at %d flags", firsts, FLAGS);
    for (uint64_t i = 0; i < FLAGS; i++)
        if (r.written[i] != i + 1)
            stress_fail(s, "once: number %" PRIu64 " was written twice, or never", i);
}

/* ---- owner ---- */

typedef struct owner_round {
    weir_flag busy;
    weir_state turn;
    uint64_t by_flag, by_state; /* plain: their owner's */
} owner_round;

static void owner_body(void *argument)
{
    worker *const w = (worker *)argument;
    owner_round *const r = (owner_round *)w->round;

    while (!stress_stopping(w->s)) {
        if (!weir_flag_set(&r->busy)) {
            r->by_flag++;
            w->turns++;
            stress_maybe_yield(&w->rng, 256);
            weir_flag_clear(&r->busy);
        }
        if (weir_state_move(&r->turn, FREE, OWNED)) {
            r->by_state++;
            w->turns++;
            stress_maybe_yield(&w->rng, 256);
            if (!weir_state_move(&r->turn, OWNED, FREE))
                stress_fail(w->s, "owner: the state was moved by a thread that does not own it");
        }
        stress_maybe_yield(&w->rng, 16);
    }
}

static void owner(stress *s, stress_rng *rng)
{
    static owner_round r;
    uint64_t turns = 0;

    weir_flag_init(&r.busy);
    weir_state_init(&r.turn, FREE);
    r.by_flag = 0;
    r.by_state = 0;
    run(s, rng, owner_body, &r, 2000000 + stress_below(rng, 20000000));
    for (unsigned i = 0; i < s->threads; i++)
        turns += workers[i].turns;
    if (turns != r.by_flag + r.by_state)
        stress_fail(s, "owner: %" PRIu64 " turns, %" PRIu64 " counted", turns,
                    r.by_flag + r.by_state);
    if (weir_flag_test(&r.busy) || weir_state_read(&r.turn) != FREE)
        stress_fail(s, "owner: nobody is there, and it is taken");
    totals.turns += turns;
}

/* ---- walk ---- */

static void walk_body(void *argument)
{
    worker *const w = (worker *)argument;
    weir_state *const state = (weir_state *)w->round;

    while (!stress_stopping(w->s)) {
        const uint32_t to = (uint32_t)stress_below(&w->rng, STATES);
        uint32_t from = weir_state_read(state);
        bool done;

        if (from >= STATES)
            stress_fail(w->s, "walk: a state that nobody moved to");
        if (stress_below(&w->rng, 2) == 0) {
            done = weir_state_move(state, from, to);
        } else {
            const weir_transition t = {"random", (uint32_t)stress_below(&w->rng, 1 << STATES), to};

            done = weir_state_take(state, &t, &from);
            if (done != ((t.from & WEIR_STATE_BIT(from)) != 0))
                stress_fail(w->s, "walk: refused from a state that it leaves, or the opposite");
        }
        if (done) {
            w->left[from]++;
            w->entered[to]++;
        } else {
            w->refused++;
        }
        stress_maybe_yield(&w->rng, 64);
    }
}

static void walk(stress *s, stress_rng *rng)
{
    const uint32_t first = (uint32_t)stress_below(rng, STATES);
    uint64_t entered[STATES] = {0}, left[STATES] = {0};
    weir_state state;
    uint32_t last;

    weir_state_init(&state, first);
    run(s, rng, walk_body, &state, 2000000 + stress_below(rng, 20000000));
    last = weir_state_read(&state);
    for (unsigned i = 0; i < s->threads; i++) {
        for (uint32_t k = 0; k < STATES; k++) {
            entered[k] += workers[i].entered[k];
            left[k] += workers[i].left[k];
        }
        totals.refused += workers[i].refused;
    }
    for (uint32_t k = 0; k < STATES; k++) {
        if (entered[k] + (k == first) != left[k] + (k == last))
            stress_fail(s, "walk: state %" PRIu32 " was entered %" PRIu64 " times, left %" PRIu64,
                        k, entered[k], left[k]);
        totals.moves += entered[k];
    }
}

int main(int argc, char **argv)
{
    static void (*const kinds[])(stress *, stress_rng *) = {once, owner, walk};
    stress_rng rng;
    stress s;

    stress_begin(&s, "state", argc, argv);
    rng = stress_rng_make(s.seed, 0);
    do {
        kinds[totals.rounds % 3](&s, &rng);
        totals.rounds++;
    } while (
        stress_goes_on(&s, "%" PRIu64 " rounds, %" PRIu64 " moves", totals.rounds, totals.moves) ||
        totals.rounds < 3);
    return stress_end(&s,
                      "%" PRIu64 " rounds: %" PRIu64 " turns, %" PRIu64 " moves, %" PRIu64
                      " refused; one winner each",
                      totals.rounds, totals.turns, totals.moves, totals.refused);
}
