/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/state.h: two small words that threads agree on: weir_flag, raised once and
 * seen by all, and weir_state, which moves from one named state to another only
 * along the transitions that the program wrote down.
 *
 * Use weir_flag when:  something happened, or one thread of many must do it.
 * Use weir_state when: an object has a life (idle, connecting, open, closed) and
 *                      two threads may want to change it at once: one of them wins
 *                      and the other is told which state it met.
 * Use weir_counter (weir/counter.h) instead to count. Neither waits for a change:
 * that is what a future or a channel is for.
 *
 * Threads:     all operations, from any thread and from a signal handler, at once;
 *              `_init` before any of them.
 * Progress:    weir_state_take() is lock-free: its compare-and-swap is repeated
 *              only when another thread moved the state in between. All others are
 *              wait-free on x86-64, and on ARM64 with LSE; lock-free where the
 *              machine has only load-exclusive and store-exclusive.
 * Ordering:    what a thread wrote before it raised, lowered or moved is seen by
 *              every thread that finds the word so, or changed since.
 * Memory:      one 32-bit word each, the caller's; static initialisers exist.
 * Complexity:  one RMW an operation; a load for test and read.
 * Edges:       raised   set -> test, set       carries what was written before the set
 *              lowered  clear -> test, set     carries what was done while it was up
 *              moved    move, take -> move, take, read
 *                                              carries what was written before the move
 *
 * Source: the compare-and-swap as the one primitive from which such objects follow:
 * M. Herlihy, "Wait-Free Synchronization", ACM TOPLAS 13(1), 1991,
 * doi:10.1145/114005.102808. */

#ifndef WEIR_STATE_H
#define WEIR_STATE_H

#include <weir/atomic.h>
#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_flag {
    WEIR_ATOMIC(uint32_t) word; /* written by everyone: 0 down, 1 up */
} weir_flag;

typedef struct weir_state {
    WEIR_ATOMIC(uint32_t) word; /* written by everyone */
} weir_state;

/* A transition with a name: from any of several states to one. The name is for
 * logs and messages; nothing compares it. */
typedef struct weir_transition {
    const char *name;
    uint32_t from; /* WEIR_STATE_BIT(a) | WEIR_STATE_BIT(b) ...: states 0 to 31 */
    uint32_t to;
} weir_transition;

#define WEIR_STATE_BIT(state) ((uint32_t)1 << (state))

/* weir_flag f = WEIR_FLAG_INIT;  weir_state s = WEIR_STATE_INIT(IDLE); */
#define WEIR_FLAG_INIT      \
    {                       \
        WEIR_ATOMIC_INIT(0) \
    }
#define WEIR_STATE_INIT(state)              \
    {                                       \
        WEIR_ATOMIC_INIT((uint32_t)(state)) \
    }

WEIR_STATIC_ASSERT(sizeof(weir_flag) == 4 && sizeof(weir_state) == 4, "one 32-bit word each");

/* ---- the flag ---- */

/* Makes a flag that is down. */
static inline void weir_flag_init(weir_flag *flag)
{
    weir_atomic_init(&flag->word, 0);
}

/* Raises the flag.
 * Returns: whether it was up already: of all who raise a flag that is down, one gets false.
 * Ordering: release; and acquire of the set or clear before it. */
static inline bool weir_flag_set(weir_flag *flag)
{
    /* sync(raised): acq_rel.  Pairs with the load in weir_flag_test() and with this
     * line in another thread; publishes what was written before the call.
     * sync(lowered): acq_rel.  Pairs with the exchange in weir_flag_clear(); takes over
     * what was done while the flag was up. */
    return weir_atomic_exchange(&flag->word, 1, WEIR_ACQ_REL) != 0;
}

/* Returns: whether the flag is up.
 * Ordering: acquire: all that was written before the set, or before the clear. */
static inline bool weir_flag_test(const weir_flag *flag)
{
    /* sync(raised): acquire.  Pairs with the exchange in weir_flag_set(); receives
     * what the thread that raised the flag wrote before.
     * sync(lowered): acquire.  Pairs with the exchange in weir_flag_clear(), when the flag
     * is found down. */
    return weir_atomic_load(&flag->word, WEIR_ACQUIRE) != 0;
}

/* Lowers the flag; nothing happens if it is down.
 * Ordering: release; and acquire of the set or clear before it, so that who finds the flag
 * down later sees what was written before it was raised, too. */
static inline void weir_flag_clear(weir_flag *flag)
{
    /* sync(lowered): acq_rel.  Pairs with the exchange in weir_flag_set() and the load
     * in weir_flag_test(); publishes what was done while the flag was up.
     * sync(raised): acq_rel.  Pairs with the exchange in weir_flag_set(). */
    (void)weir_atomic_exchange(&flag->word, 0, WEIR_ACQ_REL);
}

/* ---- the state ---- */

/* Makes a state word that is in `state`. */
static inline void weir_state_init(weir_state *s, uint32_t state)
{
    weir_atomic_init(&s->word, state);
}

/* Returns: the state at a moment inside the call; it may be another one at once after.
 * Ordering: acquire: all that was written before the move into it. */
static inline uint32_t weir_state_read(const weir_state *s)
{
    /* sync(moved): acquire.  Pairs with the compare-and-swaps in weir_state_move() and
     * weir_state_take(); receives what the mover wrote before. */
    return weir_atomic_load(&s->word, WEIR_ACQUIRE);
}

/* Moves from `from` to `to`, if the state is `from`.
 * Returns: whether it did: of several threads that try to leave one state, one does.
 * Ordering: acquire and release when it did, acquire when not. */
WEIR_NODISCARD
static inline bool weir_state_move(weir_state *s, uint32_t from, uint32_t to)
{
    /* sync(moved): acq_rel, and acquire on failure.  Pairs with itself, with the one in
     * weir_state_take() and with the load in weir_state_read(); publishes what was
     * written before the call and receives what the mover before wrote. */
    return weir_atomic_cas(&s->word, &from, to, WEIR_ACQ_REL, WEIR_ACQUIRE);
}

/* Makes the transition `t`, if the state is one of those that it leaves.
 * Returns: whether it did. `*met`, unless NULL, gets the state that was left, or the
 *          one that the transition does not leave.
 * Progress: lock-free.
 * Ordering: acquire and release when it did, acquire when not. */
WEIR_NODISCARD
static inline bool weir_state_take(weir_state *s, const weir_transition *t, uint32_t *met)
{
    /* sync(moved): acquire.  Pairs with the compare-and-swaps in weir_state_move() and
     * below: a transition that is refused has still seen why. */
    uint32_t state = weir_atomic_load(&s->word, WEIR_ACQUIRE);
    bool done = false;

    while (!done && state < 32 && (t->from & WEIR_STATE_BIT(state)) != 0) {
        /* sync(moved): acq_rel, and acquire on failure.  Pairs as weir_state_move().
         * No back-off: a failure means that the state has moved, mostly to one that
         * this transition does not leave. */
        done = weir_atomic_cas(&s->word, &state, t->to, WEIR_ACQ_REL, WEIR_ACQUIRE);
    }
    if (met != NULL)
        *met = state;
    return done;
}

#ifdef __cplusplus
}
#endif

#endif /* WEIR_STATE_H */
