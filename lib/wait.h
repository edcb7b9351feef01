/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/wait.h: what the rooms that wait know of each other. Private.
 *
 * Of a waiter's state three bits and a phase. NUDGED: look again. PARKED: it sleeps, and who sets
 * NUDGED or DONE has to wake it. PERMIT: nudged by weir_waiter_unpark(). The phases are for those
 * who wait in a rendezvous, where another thread does the waiter's operation: OPEN, anybody may;
 * CLOSING, its owner is about to do something itself, or to withdraw; TAKEN, another does it; DONE,
 * it has. */

#ifndef WEIR_LIB_WAIT_H
#define WEIR_LIB_WAIT_H

#include <weir/wait.h>

enum {
    WEIR__NUDGED = 1,
    WEIR__PARKED = 2,
    WEIR__OPEN = 0,
    WEIR__CLOSING = 4,
    WEIR__TAKEN = 8,
    WEIR__DONE = 12,
    WEIR__PHASE = 12,
    WEIR__PERMIT = 16
};

/* ---- waiters ---- */

/* Whom to wake, when no lock is held any more: the waiter itself may be gone by then, if it is a
 * thread's. */
typedef struct weir__wake {
    weir_waiter *waiter; /* NULL: nobody */
    void (*wake)(weir_waiter *waiter);
} weir__wake;

weir__wake weir__waiter_nudge(weir_waiter *waiter);
weir__wake weir__waiter_done(weir_waiter *waiter); /* TAKEN -> DONE */
void weir__wake_now(weir__wake wake);

/* Whether it is NUDGED or DONE; whether it is TAKEN or DONE. */
bool weir__waiter_woken(const weir_waiter *waiter);
bool weir__waiter_is_taken(const weir_waiter *waiter);

/* Sleeps until NUDGED or DONE. Returns: false if the deadline came first. */
bool weir__waiter_sleep(weir_waiter *waiter, uint64_t deadline);

/* The same; the token, if there is one, nudges the waiter, and its deadline counts too.
 * Returns: 0: look again; -ETIMEDOUT: the caller's deadline has passed. */
int weir__waiter_wait(weir_waiter *waiter, uint64_t deadline, weir_cancel *cancel);

/* Forgets nudges, before the next look. Returns: the state before. */
uint32_t weir__waiter_reset(weir_waiter *waiter);

/* ---- lib/wait_claim.c: waiters whose operation another thread may do ---- */

/* In a waiter's arm: it happened because the channel was closed. */
#define WEIR__ARM_CLOSED UINT32_C(0x80000000)

/* Of a waiter whose operations others may do: nobody else does one until it is open again.
 * Returns: false if somebody has. */
bool weir__waiter_close(weir_waiter *waiter);
/* For good: it has done something itself, or gives up. */
void weir__waiter_end(weir_waiter *waiter);
/* Open again. Who came by meanwhile has nudged it. */
void weir__waiter_open(weir_waiter *waiter);

/* Waits for who does the operation. Returns: the arm; *status is its status. */
uint32_t weir__waiter_taken(weir_waiter *waiter, int *status);

typedef enum weir__claim_result {
    WEIR__CLAIM_GOT,   /* it is the caller's to serve */
    WEIR__CLAIM_GONE,  /* another serves it, or it does something itself */
    WEIR__CLAIM_MIDDLE /* it may be open again in a moment: it was nudged, to look for the caller */
} weir__claim_result;

/* Claims who waits. `own`: the caller's waiter, CLOSING; NULL if nobody can know of it yet. */
weir__claim_result weir__waiter_claim(weir_waiter *peer, const weir_waiter *own);

/* ---- queues ---- */

/* Of a queue's word. SET: what is waited for has happened, for good. Above them a count of
 * notifications that were left to the lock's owner. */
enum {
    WEIR__LOCKED = 1,
    WEIR__CONTENDED = 2, /* somebody sleeps for the lock */
    WEIR__WAITERS = 4,   /* the queue is not empty, or will not be in a moment */
    WEIR__SET = 8,
    WEIR__PENDING = 16
};
#define WEIR__NOTIFY_ALL (UINT32_MAX / WEIR__PENDING)

/* Of a node's `queued`; 0 when it is in no queue, and nobody else uses it. */
enum {
    WEIR__POPPED = 1, /* who took it out is about to nudge its waiter */
    WEIR__QUEUED = 2
};

void weir__queue_init(weir__wait_queue *queue);

void weir__queue_lock(weir__wait_queue *queue);
bool weir__queue_try_lock(weir__wait_queue *queue);
void weir__queue_unlock(weir__wait_queue *queue);

/* With the lock held: at the tail; out of it, whoever took it out. */
void weir__queue_push(weir__wait_queue *queue, weir_wait_node *node);
void weir__queue_remove(weir__wait_queue *queue, weir_wait_node *node);

/* Whether it stands there still. Of a waiter that has been nudged: not if it was by this queue. */
bool weir__queue_stands(const weir_wait_node *node);

/* Puts the node at the tail. Sequentially consistent before the caller's next look.
 * Returns: false if the queue is SET. */
bool weir__queue_enter(weir__wait_queue *queue, weir_wait_node *node, weir_waiter *waiter);

/* Takes it out, after enter() returned true. Returns: false if a notification had: it is
 * the caller's to hand on. After it nobody knows the node. */
bool weir__queue_leave(weir__wait_queue *queue, weir_wait_node *node);

/* Wakes up to n. The first makes a read-modify-write of the word; the second is for after a
 * sequentially consistent read-modify-write of what the waiters look at by a sequentially
 * consistent load; the third for where those who enter make a heavy fence before they look. */
void weir__queue_notify(weir__wait_queue *queue, uint32_t n);
void weir__queue_notify_seen(weir__wait_queue *queue, uint32_t n);
void weir__queue_notify_light(weir__wait_queue *queue, uint32_t n);

/* Makes it SET, and wakes all. Returns: false if it was. */
bool weir__queue_set(weir__wait_queue *queue);
bool weir__queue_is_set(const weir__wait_queue *queue);

/* With the lock held. */
size_t weir__queue_length(const weir__wait_queue *queue);

/* ---- spinning ---- */

/* How long to look again and again before going to sleep: about the cost of one sleep. Not at all
 * where that has been in vain a few times, as where there is one processor, unless it is for a
 * brief moment. */
typedef struct weir__spin {
    uint32_t round;
    bool yields; /* the caller: it waits for room, and who makes it may want this processor */
    bool brief; /* the caller: for some instructions of another thread, unless that was preempted */
    uint64_t end;  /* ns; 0: not yet */
    uint64_t last; /* ns, of the last yield */
} weir__spin;

#define WEIR__SPIN_INIT       \
    {                         \
        0, false, false, 0, 0 \
    }

/* Returns: false when it is time to sleep. */
bool weir__spin_again(weir__spin *spin);

/* What follows the spin took so long, in ns. */
void weir__spin_learn(uint64_t slept);

#endif /* WEIR_LIB_WAIT_H */
