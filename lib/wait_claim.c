/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/wait_claim.c: waiters whose operation another thread may do.
 *
 * A waiter may stand in many queues, and wants to be served in one. So who finds it in one claims
 * it first, by a compare-and-swap of its state from OPEN to TAKEN, and then moves the element.
 * While a waiter's own thread looks at a channel it is CLOSING: nobody may take it, since it may be
 * about to take another. Who comes by then nudges it, so that it looks again when it is OPEN, and
 * goes on.
 *
 * Two that look for each other at the same time are both CLOSING. The one with the lower address
 * waits until the other is not; the other does not wait, but opens, and is taken. CLOSING is held
 * inside of one channel's lock alone, or where nothing waits, and who is CLOSING waits for no lock
 * (before it leaves its queues it ends);
 * so of those who wait for one another the highest always goes on: there is no deadlock, and no two
 * of them go on missing each other.
 *
 * Nothing is claimed for two: once a waiter is TAKEN, or has closed itself and found a partner,
 * nobody else can have it. */

#include "wait.h"

#include <errno.h>

bool weir__waiter_close(weir_waiter *waiter)
{
    /* relaxed: here and below: what a claim gives is read under the lock that the waiter's node
     * was put in under, and what a waiter is given comes with DONE. */
    uint32_t state = weir_atomic_load(&waiter->state, WEIR_RELAXED);

    do {
        if ((state & WEIR__PHASE) != WEIR__OPEN)
            return false;
        /* relaxed: both: as above. */
    } while (!weir_atomic_cas(&waiter->state, &state, state | WEIR__CLOSING, WEIR_RELAXED,
                              WEIR_RELAXED));
    return true;
}

void weir__waiter_open(weir_waiter *waiter)
{
    /* sync(woken): acquire. Pairs with pass_by(): who came by leaves its node. */
    weir_atomic_fetch_and(&waiter->state, ~(uint32_t)WEIR__CLOSING, WEIR_ACQUIRE);
}

void weir__waiter_end(weir_waiter *waiter)
{
    /* relaxed: who sees it does nothing. */
    weir_atomic_fetch_or(&waiter->state, WEIR__DONE, WEIR_RELAXED);
}

uint32_t weir__waiter_taken(weir_waiter *waiter, int *status)
{
    for (;;) {
        /* sync(woken): acquire. Pairs with weir__waiter_done(): the element, and the arm. */
        const uint32_t state = weir_atomic_load(&waiter->state, WEIR_ACQUIRE);

        if ((state & WEIR__PHASE) == WEIR__DONE)
            break;
        (void)weir__waiter_reset(waiter);
        (void)weir__waiter_sleep(waiter, WEIR_FOREVER);
    }
    *status = (waiter->arm & WEIR__ARM_CLOSED) != 0 ? -EPIPE : 0;
    return waiter->arm & ~WEIR__ARM_CLOSED;
}

/* Says to a waiter that is CLOSING that it has to look again. Returns: false if it is not. */
static bool pass_by(weir_waiter *peer, uint32_t state)
{
    /* sync(woken): release. Pairs with weir__waiter_open(); the node that this thread leaves.
     * relaxed on failure: looked at again. */
    return (state & WEIR__NUDGED) != 0 ||
           weir_atomic_cas(&peer->state, &state, state | WEIR__NUDGED, WEIR_RELEASE, WEIR_RELAXED);
}

/* Who is CLOSING is so for some instructions; if it is stopped there, whoever waits for it goes on
 * after some us, as if its address were the higher one. The twin waits for as long as it takes,
 * which the checker takes for the wait that it is. */
static bool is_patient(unsigned *rounds)
{
#ifdef WEIR_TSAN
    (void)rounds;
    return true;
#else
    return ++*rounds < 1000;
#endif
}

weir__claim_result weir__waiter_claim(weir_waiter *peer, const weir_waiter *own)
{
    unsigned rounds = 0;

    for (;;) {
        /* relaxed: see weir__waiter_close(). */
        uint32_t state = weir_atomic_load(&peer->state, WEIR_RELAXED);

        switch (state & WEIR__PHASE) {
        case WEIR__OPEN:
            /* relaxed: both: as above. */
            if (weir_atomic_cas(&peer->state, &state, state | WEIR__TAKEN, WEIR_RELAXED,
                                WEIR_RELAXED))
                return WEIR__CLAIM_GOT;
            break;
        case WEIR__CLOSING:
            if (own != NULL && own < peer && is_patient(&rounds))
                weir_pause();
            else if (pass_by(peer, state))
                return WEIR__CLAIM_MIDDLE;
            break;
        default:
            return WEIR__CLAIM_GONE;
        }
    }
}
