/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/wait.h: how anything waits: the waiter, which a thread parks on and others unpark, and
 * the event count, which gives a lock-free structure a place to sleep at.
 *
 * Use it when: you write a structure of your own whose users have to wait.
 * Use weir/chan.h, weir/future.h, weir/sem.h, which stand on it, for what they do.
 *
 * Who may run with whom:
 *                            unpark   park, arm, init      notify   prepare, wait, withdraw
 *   waiter: unpark            yes      yes, but for init      -         -
 *   waiter: park, arm         yes      no: its owner's        -         -
 *   event: notify              -        -                    yes       yes
 *   event: prepare, ..         -        -                    yes       yes; a sleeper: its owner's
 *
 * A waiter is a word, and what to do when it is to go on: to wake the thread that parks on it, or
 * to call a function, which resumes a task, or queues a callback. Who wakes does not know
 * which. An unpark that comes before the park is kept; more than one count as one.
 *
 * An event count is a queue of waiters. Who finds nothing to do
 *
 *     weir_event_prepare(&event, &sleeper);     says that it will sleep,
 *     if (ready())                              looks again, and
 *         weir_event_withdraw(&event, &sleeper);
 *     else                                      only then sleeps.
 *         status = weir_event_wait(&event, &sleeper, deadline, cancel);
 *
 * and who makes ready() true calls weir_event_notify() after it. Either the notifier sees
 * the sleeper, or the sleeper's second look sees what the notifier did: both make a
 * read-modify-write of the event's word between their two steps, and the later of these acquires
 * what was before the earlier. weir_event_await() is the loop around it.
 *
 * Progress:  unpark and notify never wait: lock-free. (Who finds the queue locked leaves its
 *            notification with the owner of the lock, which serves it before it unlocks; if that
 *            thread is stopped there, those who sleep go on sleeping.) prepare and withdraw take
 *            the lock; park and wait block.
 * Ordering:  what happens before an unpark or a notify is visible to who is woken by it.
 * Fairness:  an event's sleepers are woken in the order in which they prepared.
 * Memory:    the caller's: an idle sleeper costs its stack and no wake-up. Nothing is allocated. An
 *            event must outlive each notify of it: that a sleeper has returned does not say that
 *            who woke it has.
 * Signals:   a park or a wait that a signal interrupts goes on waiting, and nothing here returns
 *            for no reason. unpark and notify are not for signal handlers.
 * Fork:      the child has no sleepers but its own; an event in which others slept must not be used
 *            there.
 * Edges:
 *   woken     unpark, notify -> park, wait      carries what the waker had done
 *   armed     arm -> the call                   carries what the owner had done
 *   locked    unlock -> lock                    carries the queue and its nodes
 *   prepared  prepare -> notify                 carries that somebody sleeps
 *   notified  notify -> prepare, unlock         carries what the notifier had done
 *   set       what happens once -> prepare, wait  carries what had been done before it
 *   left      notify -> wait, withdraw          carries that the waker is done with the sleeper
 *
 * Source: D. P. Reed, R. K. Kanodia, "Synchronization with Eventcounts and Sequencers", CACM
 * 22(2), 1979, doi:10.1145/359060.359076; sleeping on a word: H. Franke, R. Russell,
 * M. Kirkwood, "Fuss, Futexes and Furwocks: Fast Userlevel Locking in Linux", OLS 2002. */

#ifndef WEIR_WAIT_H
#define WEIR_WAIT_H

#include <weir/atomic.h>
#include <weir/base.h>
#include <weir/clock.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_cancel weir_cancel; /* weir/cancel.h */

typedef struct weir_waiter {
    WEIR_ATOMIC(uint32_t) state;
    uint32_t arm;                             /* of a select: which one another thread did */
    void (*wake)(struct weir_waiter *waiter); /* NULL: a thread parks on `state` */
} weir_waiter;

/* A place in a queue; belongs to one waiter, which may have several. */
typedef struct weir_wait_node {
    struct weir_wait_node *next, *prev;
    weir_waiter *waiter;
    WEIR_ATOMIC(uint32_t) queued; /* lib/wait.h; 0 when who took it out is done with it */
    uint32_t arm;
    void *element; /* of a rendezvous: what is sent, or where it goes */
} weir_wait_node;

typedef struct weir__wait_queue {
    WEIR_ATOMIC(uint32_t) word; /* a lock, and what others left for its owner: lib/wait.h */
    weir_wait_node *first, *last;
} weir__wait_queue;

#define WEIR__WAIT_QUEUE_INIT           \
    {                                   \
        WEIR_ATOMIC_INIT(0), NULL, NULL \
    }

/* An event count. */
typedef struct weir_event {
    weir__wait_queue queue;
} weir_event;

#define WEIR_EVENT_INIT       \
    {                         \
        WEIR__WAIT_QUEUE_INIT \
    }

/* One who waits at an event: on the stack of the thread. */
typedef struct weir_sleeper {
    weir_waiter waiter;
    weir_wait_node node;
} weir_sleeper;

/* ---- waiters ---- */

/* Makes a waiter that its thread parks on. */
WEIR_API void weir_waiter_init(weir_waiter *waiter);

/* Makes a waiter that calls `wake`, once for each weir_waiter_arm() that returned true, with no
 * lock held, in the thread that unparks it; of one that stands in a queue, in any that uses that
 * queue. The waiter may be gone when `wake` returns. */
WEIR_API void weir_waiter_init_call(weir_waiter *waiter, void (*wake)(weir_waiter *waiter));

/* Parks the calling thread until somebody unparks it, or has since the last park.
 * Returns: 0; -ETIMEDOUT; -ECANCELED. An unpark that comes too late is kept for the next park. */
WEIR_API int weir_waiter_park(weir_waiter *waiter, uint64_t deadline,
                              weir_cancel *cancel) WEIR_NODISCARD;

/* Of a waiter with a function: says that it is to be called.
 * Returns: false if somebody has unparked it since: it is not called, and the unpark is used up. */
WEIR_API bool weir_waiter_arm(weir_waiter *waiter) WEIR_NODISCARD;

/* Lets who parks on it go on, or the next who does. Progress: lock-free; a system call if a thread
 * is asleep. */
WEIR_API void weir_waiter_unpark(weir_waiter *waiter);

/* ---- event counts ---- */

/* Makes an event at which nobody sleeps; WEIR_EVENT_INIT does the same. There is nothing to
 * destroy. */
WEIR_API void weir_event_init(weir_event *event);

/* Says that the calling thread will sleep, if its next look finds nothing. */
WEIR_API void weir_event_prepare(weir_event *event, weir_sleeper *sleeper);

/* Takes that back. A notification that came in between is handed on to the next sleeper. */
WEIR_API void weir_event_withdraw(weir_event *event, weir_sleeper *sleeper);

/* Sleeps until the sleeper is notified, or has been since it prepared. Afterwards it is no longer
 * prepared, whatever the outcome.
 * Returns: 0; -ETIMEDOUT; -ECANCELED: then the event has notified somebody else in its place, or
 * nobody. */
WEIR_API int weir_event_wait(weir_event *event, weir_sleeper *sleeper, uint64_t deadline,
                             weir_cancel *cancel) WEIR_NODISCARD;

/* Waits until ready(context) is true: it is asked first, and after each notification, by this
 * thread and with no lock held.
 * Returns: 0 when it was; -ETIMEDOUT; -ECANCELED. */
WEIR_API int weir_event_await(weir_event *event, bool (*ready)(void *context), void *context,
                              uint64_t deadline, weir_cancel *cancel) WEIR_NODISCARD;

/* Wakes up to n sleepers, those that prepared first. Complexity: one read-modify-write if
 * nobody sleeps. */
WEIR_API void weir_event_notify(weir_event *event, uint32_t n);

/* Wakes all who have prepared. */
WEIR_API void weir_event_notify_all(weir_event *event);

/* ---- queries ---- */

/* Returns: sleepers, a number that was near. Threads: any. Progress: blocking, on who holds the
 * queue's lock. */
WEIR_API size_t weir_event_sleepers_approx(weir_event *event);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_WAIT_H */
