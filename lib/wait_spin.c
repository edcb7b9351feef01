/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "wait.h"

#include <sched.h>

/* Rounds with a pause each: 2 to 4 us, as long as most sleeps cost; then a look at the clock in
 * each, until the spin has been as long as a sleep costs here; who waits for a `brief` moment makes
 * the first alone. The pause is never left out: two
 * threads of one core share its units, and who looks without it holds up the one he looks for
 * (measured: 1,200 ns for a round trip over two channels, 90 with it).
 *
 * Nobody offers his processor to others by sched_yield(2), unless he says so (`yields`). Linux
 * takes from who yields what is left of his slice, and remembers it while he sleeps: when he is
 * woken he stands behind his waker, if that one runs on. Measured on 6.18: a receiver that had
 * yielded before it slept had its value after 30 us in the median, and 3.8 ms at 99 %; after 4 us,
 * and 9, if it had not. (Channels between more threads than processors are up to twice as fast with
 * it.) */
enum { PAUSED = 128 };

/* What a sleep costs that ends soon, in ns: from a few us to some tens, by machine, where the one
 * who wakes is on another processor. A mean of those that were seen to end within MOST. Who sleeps
 * for less than it would have done better to spin: two threads that wake each other in turn would
 * otherwise never get out of it. */
enum { LEAST = 3000, MOST = 50000 };

#ifdef WEIR_TSAN
/* The twin: sleeps at once, so that the sanitizer and the model checker see who sleeps. */
bool weir__spin_again(weir__spin *spin)
{
    (void)spin;
    return false;
}

void weir__spin_learn(uint64_t slept)
{
    (void)slept;
}
#else
/* Whose partner runs on the same processor, or is the only other of many, spins in vain. So does a
 * thread that has done so a few times in a row only now and then, to see whether it has changed. */
enum { VAIN = 4, AGAIN = 32 };

static _Thread_local struct {
    bool begun;       /* and not ended yet: if another spin begins, it was not in vain */
    uint32_t in_vain; /* in a row */
} pauses;

/* At the beginning of a spin. Returns: whether to pause. */
static bool begin_to_pause(void)
{
    if (pauses.begun)
        pauses.in_vain = 0;
    pauses.begun = pauses.in_vain < VAIN || ++pauses.in_vain % AGAIN == 0;
    return pauses.begun;
}

static void pause_in_vain(void)
{
    if (pauses.begun && pauses.in_vain < VAIN)
        pauses.in_vain++;
    pauses.begun = false;
}

/* relaxed: here and below: a number by itself, and a guess. */
static WEIR_ATOMIC(uint32_t) sleep_costs;

void weir__spin_learn(uint64_t slept)
{
    const uint32_t known = weir_atomic_load(&sleep_costs, WEIR_RELAXED); /* relaxed: as above. */

    if (slept <= MOST)
        /* relaxed: as above. */
        weir_atomic_store(&sleep_costs, known + (uint32_t)slept / 8 - known / 8, WEIR_RELAXED);
}

/* A yield that took so long gave the processor to somebody who has nothing to do with us: who
 * sleeps is woken before his slice is over, who yields is not. So for the next spins nobody
 * yields. */
enum { CROWDED_NS = 200000, CROWDED_SPINS = 256 };

static WEIR_ATOMIC(uint32_t) crowded; /* spins left. relaxed: a guess, as is all of it. */

static bool is_crowded(const weir__spin *spin, uint64_t now)
{
    const uint32_t left = weir_atomic_load(&crowded, WEIR_RELAXED); /* relaxed: as above. */

    if (spin->last != 0) {
        if (now - spin->last <= CROWDED_NS)
            return false;
        weir_atomic_store(&crowded, CROWDED_SPINS, WEIR_RELAXED); /* relaxed: as above. */
    } else if (left == 0) {
        return false;
    } else {
        weir_atomic_store(&crowded, left - 1, WEIR_RELAXED); /* relaxed: as above. */
    }
    return true;
}

/* The rounds with a look at the clock. */
static bool go_on(weir__spin *spin)
{
    const uint64_t now = weir_clock_now();
    uint32_t known;

    if (spin->end == 0) {
        known = weir_atomic_load(&sleep_costs, WEIR_RELAXED); /* relaxed: as above. */
        spin->end = now + (known > LEAST ? known : LEAST);
    } else if (now >= spin->end) {
        return false;
    }
    if (!spin->yields) {
        weir_pause();
        return true;
    }
    if (is_crowded(spin, now))
        return false;
    spin->last = now;
    (void)sched_yield();
    return true;
}

bool weir__spin_again(weir__spin *spin)
{
    if (spin->brief) {
        weir_pause();
        return spin->round++ < PAUSED;
    }
    if (spin->round == 0 && !begin_to_pause()) {
        if (!spin->yields)
            return false;
        spin->round = PAUSED;
    }
    if (spin->round < PAUSED) {
        spin->round++;
        weir_pause();
        return true;
    }
    if (go_on(spin))
        return true;
    pause_in_vain();
    return false;
}
#endif
