/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/chan.h: what lib/chan.c, lib/chan_meet.c and lib/select.c know of a channel. Private.
 *
 * A channel is a buffer that nobody waits in, and two queues of those who wait. Of a buffer that
 * is lock-free (RING, SLOTS, PAIR, LIST) a waiter is only told to look again. Where there is a lock
 * (MEET: a rendezvous, and a fair channel) who comes does the operation of who waits:
 * lib/chan_meet.c.
 */

#ifndef WEIR_LIB_CHAN_H
#define WEIR_LIB_CHAN_H

#include "wait.h"

#include <weir/chan.h>
#include <weir/mpmc.h>
#include <weir/select.h>
#include <weir/spsc.h>
#include <weir/umpmc.h>

typedef enum weir__chan_kind {
    WEIR__CHAN_MEET,  /* under the lock of `receivers` */
    WEIR__CHAN_RING,  /* elements of up to a word */
    WEIR__CHAN_SLOTS, /* larger ones */
    WEIR__CHAN_PAIR,  /* one sender, one receiver */
    WEIR__CHAN_LIST   /* unbounded; elements larger than a word are allocated */
} weir__chan_kind;

/* Of a MEET: where a receiver spins. */
typedef struct weir__spot {
    WEIR_ATOMIC(uint32_t) state; /* lib/chan_spot.c */
    unsigned char element[60];
} weir__spot;

/* A MEET, but for its queues. */
typedef struct weir__meet {
    unsigned char *elements;
    size_t first, count;           /* of those inside */
    WEIR_ATOMIC(uint32_t) waiting; /* in both queues; changed under the lock */
    WEIR_ALIGNAS(WEIR_CACHELINE) weir__spot spot;
} weir__meet;

struct weir_chan {
    /* nobody, after new: */
    WEIR_ALIGNAS(WEIR_CACHELINE) weir__chan_kind kind;
    bool asymmetric; /* PAIR: who sleeps makes the fence for both */
    bool mpsc;       /* one receiver: senders that wait may have its processor */
    size_t element, capacity;
    void (*drop)(void *element, void *context);
    void *context;
    size_t allocated;
    weir_guard *domain;           /* LIST */
    void *bin;                    /* for an element to be dropped that is large */
    WEIR_ATOMIC(uint32_t) closed; /* bits of weir__chan_ending */
    /* receivers that find nothing: the position at which the buffer was empty last */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) dried;
    WEIR_ALIGNAS(WEIR_CACHELINE) weir__wait_queue receivers;
    WEIR_ALIGNAS(WEIR_CACHELINE) weir__wait_queue senders; /* MEET: its word is not used */
    union {
        weir__meet meet;
#ifdef WEIR_HAVE_MPMC
        weir_mpmc ring;
        weir_mpmc_slots slots;
#endif
        weir_spsc pair;
        weir_umpmc list;
    } in;
};

/* Set, and never cleared. */
enum weir__chan_ending {
    WEIR__CHAN_CLOSED = 1,
    WEIR__CHAN_DISCARDED = 2, /* PAIR: the receiver drops what is inside */
    WEIR__CHAN_DROPPING = 4   /* somebody uses the bin */
};

/* The operation of an arm, once, without waiting. Returns: as weir_chan_try_send(). */
int weir__chan_try(weir_chan *chan, bool sends, void *element);

/* Before a thread spins at one channel without a lock: a receiver of a stream lets some values come
 * together. While it does: asks for the line that the next operation will want, to write it; a look
 * alone would fetch it twice. */
void weir__chan_linger(weir_chan *chan, bool sends);
void weir__chan_fetch(weir_chan *chan, bool sends);

/* Waits until one arm happens. `order`: in which they are looked at. Returns: as weir_select(). */
int weir__select_wait(weir_select_arm *arms, size_t n, uint32_t order, uint64_t deadline,
                      weir_cancel *cancel);

static inline weir__wait_queue *weir__chan_queue(weir_chan *chan, bool sends)
{
    return sends ? &chan->senders : &chan->receivers;
}

static inline bool weir__chan_is_closed(const weir_chan *chan)
{
    /* sync(closed): acquire. Pairs with weir__chan_say_closed(); what the closer had done, and all
     * values that were sent before it. */
    return (weir_atomic_load(&chan->closed, WEIR_ACQUIRE) & WEIR__CHAN_CLOSED) != 0;
}

/* Once the buffer takes no more. */
static inline void weir__chan_say_closed(weir_chan *chan)
{
    if (!weir__chan_is_closed(chan))
        /* sync(closed): release. Pairs with the load in weir__chan_is_closed(). */
        weir_atomic_fetch_or(&chan->closed, WEIR__CHAN_CLOSED, WEIR_RELEASE);
}

/* ---- lib/chan_spot.c ---- */

/* Whether the channel's elements fit. */
bool weir__spot_fits(const weir_chan *chan);

/* Gives the element to who spins. Returns: false if nobody does. Never waits. */
bool weir__spot_serve(weir_chan *chan, const void *element);

/* Spins for a sender. Returns: false if none came in time, or somebody stands in a queue, or the
 * channel is closed. */
bool weir__spot_recv(weir_chan *chan, void *element);

static inline uint32_t weir__meet_waiting(const weir_chan *chan)
{
    /* relaxed: a receiver in the spot looks again, and a try that is a moment early is just that.
     */
    return weir_atomic_load(&chan->in.meet.waiting, WEIR_RELAXED);
}

/* ---- lib/chan_meet.c ---- */

/* What comes of a try at a MEET, beside 0 and an error: another thread has done one of the waiter's
 * operations. */
enum { WEIR__MEET_TAKEN = 1 };

/* At once; `waits`: it may wait for the lock. Returns: 0; -EAGAIN; -EBUSY; -EPIPE. */
int weir__meet_try(weir_chan *chan, bool sends, void *element, bool waits);

/* With a node, which is left in the queue if nothing happens. `exposed`: the waiter stands in other
 * queues, or in this one. Returns: 0; -EAGAIN; -EPIPE; WEIR__MEET_TAKEN. */
int weir__meet_enter(weir_chan *chan, bool sends, weir_wait_node *node, bool exposed);
void weir__meet_leave(weir_chan *chan, bool sends, weir_wait_node *node);

/* Returns: false if it was closed. */
bool weir__meet_close(weir_chan *chan);

#endif /* WEIR_LIB_CHAN_H */
