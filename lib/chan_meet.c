/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/chan_meet.c: channels with a lock, in which who comes does the operation of who waits: the
 * rendezvous, and, with a buffer, the fair channel. Who may be served is lib/wait_claim.c's. */

#include "chan.h"

#include <errno.h>

/* ---- under the lock ---- */

/* The first in the queue that can be claimed, taken out of it; or NULL, and whether there was one
 * that may be open in a moment. */
static weir_wait_node *partner(weir__wait_queue *queue, const weir_waiter *own, bool exposed,
                               bool *middle)
{
    weir_wait_node *node = queue->first;

    for (; node != NULL; node = node->next) {
        weir__claim_result result;

        if (node->waiter == own)
            continue; /* the other side of this channel, in the same select */
        result = weir__waiter_claim(node->waiter, exposed ? own : NULL);
        if (result == WEIR__CLAIM_GOT) {
            weir__queue_remove(queue, node);
            break;
        }
        *middle = *middle || result == WEIR__CLAIM_MIDDLE;
    }
    return node;
}

/* One more, or less, who stands in a queue. */
static void count(weir_chan *chan, uint32_t more)
{
    /* relaxed: both: changed under the lock alone; who reads it without looks again, or takes the
     * lock. */
    const uint32_t waiting = weir_atomic_load(&chan->in.meet.waiting, WEIR_RELAXED) + more;

    weir_atomic_store(&chan->in.meet.waiting, waiting, WEIR_RELAXED);
}

/* The node's operation is done. */
static weir__wake finish(weir_chan *chan, weir_wait_node *node, uint32_t flag)
{
    weir_waiter *const waiter = node->waiter;

    count(chan, UINT32_MAX);
    waiter->arm = node->arm | flag;
    /* relaxed: comes with DONE. */
    weir_atomic_store(&node->queued, 0, WEIR_RELAXED);
    return weir__waiter_done(waiter);
}

static unsigned char *place(const weir_chan *chan, size_t n)
{
    const weir__meet *const meet = &chan->in.meet;
    const size_t room = chan->capacity - meet->first;

    return meet->elements + (n < room ? meet->first + n : n - room) * chan->element;
}

/* The first of those inside is out. */
static void advance(weir_chan *chan)
{
    weir__meet *const meet = &chan->in.meet;

    meet->first = meet->first + 1 == chan->capacity ? 0 : meet->first + 1;
    meet->count--;
}

/* One operation, with the lock held. `own` and `exposed` as above. Returns: 0; -EAGAIN; -EBUSY if
 * that may be otherwise in a moment; -EPIPE. */
static int operate(weir_chan *chan, bool sends, void *element, const weir_waiter *own, bool exposed,
                   weir__wake *wake)
{
    weir__meet *const meet = &chan->in.meet;
    const bool closed = weir__chan_is_closed(chan);
    bool middle = false;
    weir_wait_node *peer = NULL;

    if (!sends && meet->count > 0) {
        memcpy(element, place(chan, 0), chan->element);
        advance(chan);
        /* Who waits for room comes behind the others. */
        if (!closed)
            peer = partner(&chan->senders, own, exposed, &middle);
        if (peer != NULL)
            memcpy(place(chan, meet->count++), peer->element, chan->element);
    } else if (closed) {
        return -EPIPE;
    } else {
        peer = partner(weir__chan_queue(chan, !sends), own, exposed, &middle);
        if (peer != NULL && meet->count > 0) {
            /* A receiver that was in the middle when this came: what is inside goes first. */
            memcpy(peer->element, place(chan, 0), chan->element);
            advance(chan);
            memcpy(place(chan, meet->count++), element, chan->element);
        } else if (peer != NULL) {
            memcpy(sends ? peer->element : element, sends ? element : peer->element, chan->element);
        } else if (sends && meet->count < chan->capacity) {
            memcpy(place(chan, meet->count++), element, chan->element);
        } else if (!sends || !weir__spot_serve(chan, element)) {
            return middle ? -EBUSY : -EAGAIN;
        }
    }
    if (peer != NULL)
        *wake = finish(chan, peer, 0);
    return 0;
}

/* ---- operations ---- */

int weir__meet_try(weir_chan *chan, bool sends, void *element, bool waits)
{
    weir__wake wake = {NULL, NULL};
    int status;

    if (chan->capacity == 0 && weir__meet_waiting(chan) == 0) {
        /* Nobody is there, but perhaps in the spot. */
        if (weir__chan_is_closed(chan))
            return -EPIPE;
        return sends && weir__spot_serve(chan, element) ? 0 : -EAGAIN;
    }
    if (waits)
        weir__queue_lock(&chan->receivers);
    else if (!weir__queue_try_lock(&chan->receivers))
        return -EBUSY;
    status = operate(chan, sends, element, NULL, false, &wake);
    weir__queue_unlock(&chan->receivers);
    weir__wake_now(wake);
    return status;
}

int weir__meet_enter(weir_chan *chan, bool sends, weir_wait_node *node, bool exposed)
{
    weir__wake wake = {NULL, NULL};
    bool stands;
    int status;

    weir__queue_lock(&chan->receivers);
    if (exposed && !weir__waiter_close(node->waiter)) {
        weir__queue_unlock(&chan->receivers);
        return WEIR__MEET_TAKEN;
    }
    /* relaxed: written under the lock. */
    stands = weir_atomic_load(&node->queued, WEIR_RELAXED) != 0;
    if (!stands)
        count(chan, 1);
    status = operate(chan, sends, node->element, node->waiter, exposed, &wake);
    if (status == -EAGAIN || status == -EBUSY) {
        if (!stands)
            weir__queue_push(weir__chan_queue(chan, sends), node);
        if (exposed)
            weir__waiter_open(node->waiter);
        status = -EAGAIN;
    } else {
        if (!stands)
            count(chan, UINT32_MAX);
        if (exposed)
            weir__waiter_end(node->waiter);
    }
    weir__queue_unlock(&chan->receivers);
    weir__wake_now(wake);
    return status;
}

void weir__meet_leave(weir_chan *chan, bool sends, weir_wait_node *node)
{
    /* relaxed: 0 comes with DONE, which the caller has seen; else the lock decides. */
    if (weir_atomic_load(&node->queued, WEIR_RELAXED) == 0)
        return;
    weir__queue_lock(&chan->receivers);
    /* relaxed: written under the lock. */
    if (weir_atomic_load(&node->queued, WEIR_RELAXED) != 0) {
        weir__queue_remove(weir__chan_queue(chan, sends), node);
        count(chan, UINT32_MAX);
    }
    weir__queue_unlock(&chan->receivers);
}

/* Tells all of a queue that the channel is closed, but receivers what is inside; unlocks before
 * each is woken. */
static void refuse_all(weir_chan *chan, weir__wait_queue *queue)
{
    bool middle = false;
    weir_wait_node *node;

    do {
        weir__wake wake = {NULL, NULL};

        weir__queue_lock(&chan->receivers);
        node = partner(queue, NULL, false, &middle);
        if (node != NULL && queue == &chan->receivers && chan->in.meet.count > 0) {
            /* It was in the middle when this came. */
            memcpy(node->element, place(chan, 0), chan->element);
            advance(chan);
            wake = finish(chan, node, 0);
        } else if (node != NULL) {
            wake = finish(chan, node, WEIR__ARM_CLOSED);
        }
        weir__queue_unlock(&chan->receivers);
        weir__wake_now(wake);
    } while (node != NULL);
}

bool weir__meet_close(weir_chan *chan)
{
    bool first;

    weir__queue_lock(&chan->receivers);
    first = !weir__chan_is_closed(chan);
    weir__chan_say_closed(chan);
    weir__queue_unlock(&chan->receivers);
    /* Of those who are in the middle each has been nudged, and finds it closed. */
    refuse_all(chan, &chan->senders);
    refuse_all(chan, &chan->receivers);
    return first;
}
