/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/chan_spot.c: the quick way through a rendezvous: one receiver that spins, and a sender that
 * comes by. State and element share a cache line, so a message costs one way there and one back;
 * the lock, the queue and the node of who sleeps would be three lines more.
 *
 *     EMPTY -> OPEN -> FILLING -> FULL -> EMPTY
 *         receiver  sender    sender  receiver
 *
 * A receiver that finds its sender stopped in the middle makes FILLING to AWAITED, and sleeps.
 *
 * A receiver uses it only while nobody stands in the queues, and leaves it before it goes there. As
 * it spins it looks again and again whether somebody does, and at `closed`; so what it misses by
 * one look it sees by a later one, and meets under the lock. Whose element does not fit goes the
 * other way. */

#include "chan.h"
#include "park.h"

#include <errno.h>

enum { EMPTY, OPEN, FILLING, AWAITED, FULL };

bool weir__spot_fits(const weir_chan *chan)
{
    return chan->capacity == 0 && chan->element <= sizeof chan->in.meet.spot.element;
}

bool weir__spot_serve(weir_chan *chan, const void *element)
{
    weir__spot *const spot = &chan->in.meet.spot;
    /* relaxed: the compare-and-swap confirms it. */
    uint32_t state = weir_atomic_load(&spot->state, WEIR_RELAXED);

    /* sync(vacant): acquire. Pairs with the store in take(), by way of the one who opened it: the
     * element before was read. sync(opened): acquire. Pairs with weir__spot_recv(). */
    if (state != OPEN ||
        !weir_atomic_cas(&spot->state, &state, FILLING, WEIR_ACQUIRE, WEIR_RELAXED))
        return false;
    memcpy(spot->element, element, chan->element);
    /* sync(spot): release. Pairs with the load in take(); the element. */
    if (weir_atomic_exchange(&spot->state, FULL, WEIR_RELEASE) == AWAITED)
        weir__unpark(&spot->state, 1); /* an address: the channel may be gone */
    return true;
}

/* Waits for a sender in the middle, and takes what it brings. */
static void take(weir_chan *chan, void *element)
{
    weir__spot *const spot = &chan->in.meet.spot;
    weir__spin spin = WEIR__SPIN_INIT;
    /* sync(spot): acquire. Pairs with the exchange in weir__spot_serve(). */
    uint32_t state = weir_atomic_load(&spot->state, WEIR_ACQUIRE);

    spin.brief = true;
    while (state != FULL) {
        if (!weir__spin_again(&spin) &&
            /* relaxed: both: looked at again. */
            (state == AWAITED ||
             weir_atomic_cas(&spot->state, &state, AWAITED, WEIR_RELAXED, WEIR_RELAXED)))
            (void)weir__park(&spot->state, AWAITED, WEIR_FOREVER);
        /* sync(spot): acquire. As above. */
        state = weir_atomic_load(&spot->state, WEIR_ACQUIRE);
    }
    memcpy(element, spot->element, chan->element);
    /* sync(vacant): release. Pairs with weir__spot_serve(), by way of the next OPEN. */
    weir_atomic_store(&spot->state, EMPTY, WEIR_RELEASE);
}

bool weir__spot_recv(weir_chan *chan, void *element)
{
    weir__spot *const spot = &chan->in.meet.spot;
    weir__spin spin = WEIR__SPIN_INIT;
    uint32_t state = EMPTY;

    if (weir__meet_waiting(chan) != 0 ||
        /* sync(opened): release. Pairs with the compare-and-swap in weir__spot_serve(): what the
         * receiver had done is seen after the send. What take() released goes on through it. */
        !weir_atomic_cas(&spot->state, &state, OPEN, WEIR_RELEASE, WEIR_RELAXED))
        return false;
    /* relaxed: take() looks again. */
    while (weir_atomic_load(&spot->state, WEIR_RELAXED) != FULL)
        if (weir__meet_waiting(chan) != 0 || weir__chan_is_closed(chan) ||
            !weir__spin_again(&spin)) {
            state = OPEN;
            /* relaxed: both: nobody came, or take() looks again. */
            if (weir_atomic_cas(&spot->state, &state, EMPTY, WEIR_RELAXED, WEIR_RELAXED))
                return false;
            break;
        }
    take(chan, element);
    return true;
}
