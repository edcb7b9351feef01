/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* State words: nanoseconds of one core for an attempt to move a word from one of two states to
 * the other, with 1 and 2 threads, against the compare-and-swap itself. */

#include "bench.h"

#include <weir/state.h>

static const bench_row rows[2] = {
    {"state/move-1T", "move between two states, threads: 1", "ns", true, 1, {NULL}},
    {"state/move-2T", "move between two states, threads: 2", "ns", true, 2, {NULL}}};

/* One line for the word, and one a thread for what it won: moves from 0, and from 1. */
typedef struct shared_state {
    weir_state state;
    bool alone;
    WEIR_ALIGNAS(WEIR_CACHELINE) struct {
        WEIR_ALIGNAS(WEIR_CACHELINE) uint64_t from[2];
    } won[2];
} shared_state;

/* A body that tries to move until the run ends: alone both ways in turn; of two threads each its
 * own way, so that their wins must alternate. */
#define MOVING(name, attempt)                                   \
    static void name(bench_thread *thread)                      \
    {                                                           \
        shared_state *const s = (shared_state *)thread->shared; \
        const uint32_t first = thread->id == 0 ? 0 : 1;         \
        const uint32_t second = s->alone ? 1 : first;           \
        uint64_t done = 0, won[2] = {0, 0};                     \
                                                                \
        while (bench_going(thread, done))                       \
            for (int i = 0; i < 32; i++, done += 2) {           \
                won[first] += attempt(s, first, 1 - first);     \
                won[second] += attempt(s, second, 1 - second);  \
            }                                                   \
        memcpy(s->won[thread->id].from, won, sizeof won);       \
        thread->put = done;                                     \
    }

static inline bool move(shared_state *s, uint32_t from, uint32_t to)
{
    return weir_state_move(&s->state, from, to);
}

static inline bool swap(shared_state *s, uint32_t from, uint32_t to)
{
    return weir_atomic_cas(&s->state.word, &from, to, WEIR_ACQ_REL, WEIR_ACQUIRE);
}

MOVING(move_body, move)
MOVING(swap_body, swap)

static void run_all(bench_run *run, const bench_row *row, bench_body *body)
{
    shared_state *const s = (shared_state *)bench_alloc(sizeof *s);
    bench_body *const bodies[2] = {body, body};
    uint64_t up, down;

    s->alone = row->threads == 1;
    (void)bench_threads(run, row->threads, bodies, s);
    up = s->won[0].from[0] + s->won[1].from[0];
    down = s->won[0].from[1] + s->won[1].from[1];
    if (up - down != weir_state_read(&s->state) || up == 0)
        bench_fail(run, "%llu moves up, %llu down", (unsigned long long)up,
                   (unsigned long long)down);
    bench_set_ns(run);
}

static void move_alone(bench_run *run)
{
    run_all(run, &rows[0], move_body);
}

static void move_by_two(bench_run *run)
{
    run_all(run, &rows[1], move_body);
}

static void swap_alone(bench_run *run)
{
    run_all(run, &rows[0], swap_body);
}

static void swap_by_two(bench_run *run)
{
    run_all(run, &rows[1], swap_body);
}

BENCH_REGISTER(add_states)
{
    static const bench_peer ours = {"weir state", BENCH_WAIT_FREE, BENCH_UNORDERED,
                                    true,         BENCH_OURS,      "weir_state_move"};
    static const bench_peer raw = {"compare-and-swap", BENCH_WAIT_FREE,
                                   BENCH_UNORDERED,    true,
                                   BENCH_REFERENCE,    "the instruction itself"};

    bench_add(&rows[0], &ours, move_alone);
    bench_add(&rows[0], &raw, swap_alone);
    bench_add(&rows[1], &ours, move_by_two);
    bench_add(&rows[1], &raw, swap_by_two);
}
