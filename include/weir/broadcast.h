/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/broadcast.h: a broadcast channel: each subscriber gets every value that is sent after it
 * subscribed, all of them in one order; and what happens to a subscriber that lags is the choice
 * of who makes the channel.
 *
 * Use it when: several threads are each to see the same news: prices, changes, ticks.
 * Use weir/chan.h instead when each value is for one of the receivers; weir/hazard.h when only the
 * newest state counts.
 *
 * A subscriber lags when more than `capacity` values were sent that it has not received:
 *   WEIR_LAG_DROP  it loses the oldest of them; its next recv says how many. No sender waits.
 *   WEIR_LAG_WAIT  it never does: a sender waits until the slowest has received one.
 *   WEIR_LAG_CUT   it is cut off: from then on its recv says -ECONNRESET. No sender waits. What it
 *                  has received is without a gap; what was left for it is not given to it.
 *
 * Who may run with whom:
 *                           send, try_send, close,     recv, try_recv, unsubscribe
 *                           subscribe, the queries     of the same      of another subscriber
 *   send, .., queries               yes                     yes                yes
 *   recv, .., unsubscribe           yes                     no                 yes
 *   new, free                       no                      no                 no
 *
 * Progress:  Senders take turns, by a lock that is held for one copy; subscribe and unsubscribe
 * take it too. send, subscribe and unsubscribe block on who holds it: one that is stopped there
 * holds up all of them, a send to its deadline. try_send says -EBUSY then, and is wait-free; under
 * WEIR_LAG_WAIT it looks at each subscriber. Receivers take no lock, and nobody who is stopped in
 * the middle of anything holds up a try_recv: it gets what was sent before. It is wait-free under
 * WEIR_LAG_WAIT and WEIR_LAG_CUT; under WEIR_LAG_DROP lock-free: it begins again when senders have
 *            overtaken it while it copied, each time further from the oldest. close is lock-free.
 *            Whom any of these wakes, it wakes as weir/wait.h does: lock-free, with a system call
 *            for each that is asleep.
 * Ordering:  what happens before a send is visible after the receive of its value; under
 *            WEIR_LAG_WAIT what happens before a receive is visible after the send that
 *            needed its room; what happens before a close is visible after the -EPIPE.
 * Linearization: a send when it moves the position on, a close when it marks it; a receive when it
 *            finds that the value is there, under WEIR_LAG_DROP and WEIR_LAG_CUT that it
 *            still is.
 * Fairness:  senders that wait are woken in the order in which they came; who is not asleep may be
 *            first, and who was woken in vain goes to the tail.
 * Memory:    allocated by weir_broadcast_new(): capacity + 1 elements, each rounded up to words. A
 *            subscriber is the caller's, two lines; who waits is on its own stack. Nothing is
 *            allocated after that.
 * Edges:
 *   turn       the lock is left -> it is taken  carries the subscribers and the senders' notes
 *   sent       send -> recv                     carries the value
 *   overtaken  send -> recv                     carries that the slot's old value is lost
 *   received   recv -> send                     carries that the value was copied out
 *   full       send -> recv                     carries that a sender waits for this receive
 *   closed     close -> send, recv              carries what the closing thread had done
 *
 * Sources: copying what may be overwritten, and looking afterwards whether it was: L. Lamport,
 * "Concurrent Reading and Writing", CACM 20(11), 1977, doi:10.1145/359863.359878; with which
 * orders in C11: H.-J. Boehm, "Can Seqlocks Get Along with Programming Language Memory
 * Models?", MSPC 2012, doi:10.1145/2247684.2247688. */

#ifndef WEIR_BROADCAST_H
#define WEIR_BROADCAST_H

#include <weir/atomic.h>
#include <weir/base.h>
#include <weir/cancel.h>
#include <weir/clock.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_broadcast weir_broadcast;

/* What happens when a subscriber lags. */
typedef enum weir_lag {
    WEIR_LAG_DROP, /* it loses the oldest values */
    WEIR_LAG_WAIT, /* senders wait for it */
    WEIR_LAG_CUT   /* it is cut off */
} weir_lag;

/* One who listens. It stays where it is while it is subscribed. All zero: not subscribed. */
typedef struct weir_broadcast_subscriber {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) cursor; /* position of its next value */
    uint64_t seen; /* WEIR_LAG_WAIT: how far it knows that values are there */
    size_t slot;   /* of its next value */
    weir_broadcast *broadcast;
    /* Under the channel's lock. */
    WEIR_ALIGNAS(WEIR_CACHELINE) struct weir_broadcast_subscriber *next;
    struct weir_broadcast_subscriber *prev;
} weir_broadcast_subscriber;

/* ---- life ---- */

/* Makes a channel of elements of `element` bytes, without subscribers.
 * Returns: 0 and *broadcast; -EINVAL if element or capacity is 0, or both together are too large,
 * or there is no such policy; -ENOMEM. On failure *broadcast is untouched. */
WEIR_API int weir_broadcast_new(weir_broadcast **broadcast, size_t element, size_t capacity,
                                weir_lag lag) WEIR_NODISCARD;

/* The same, with the position at `start`, modulo 2^62: for tests that want to see it wrap. */
WEIR_API int weir_broadcast_new_at(weir_broadcast **broadcast, size_t element, size_t capacity,
                                   weir_lag lag, uint64_t start) WEIR_NODISCARD;

/* Frees the channel, closed or not, with what is inside; NULL is ignored.
 * Threads: every call of others has returned; that a value has arrived does not say that its send
 * has.
 * Returns: 0; -EBUSY if somebody is subscribed, or waits in it: nothing was done. */
WEIR_API int weir_broadcast_free(weir_broadcast *broadcast);

/* Closes the channel: sends fail from now on, receives when nothing is left; whoever waits gets
 * -EPIPE (a sender keeps his value). Returns: 0; -EALREADY if it was closed.
 * Linearization: a send that returned 0 was before it, and its value is received. */
WEIR_API int weir_broadcast_close(weir_broadcast *broadcast);

/* ---- subscribers ---- */

/* Makes *subscriber one who gets what is sent from now on. It was not subscribed.
 * Returns: 0; -EPIPE if the channel is closed: then it is not subscribed.
 * Progress: blocking, on who is in the middle of a send. */
WEIR_API int weir_broadcast_subscribe(weir_broadcast *broadcast,
                                      weir_broadcast_subscriber *subscriber) WEIR_NODISCARD;

/* Ends it, with what it has not received: a sender that waits for it goes on. Afterwards the memory
 * is the caller's again.
 * Returns: 0; -EINVAL if it is not subscribed. Progress: as subscribe. */
WEIR_API int weir_broadcast_unsubscribe(weir_broadcast_subscriber *subscriber);

/* ---- operations ---- */

/* Copies *element into the channel; nobody need be subscribed.
 * Returns: 0; -EAGAIN (WEIR_LAG_WAIT) if there is no room; -EBUSY if another is in the middle of a
 * send, a subscribe, an unsubscribe or the close; -EPIPE if the channel is closed. */
WEIR_API int weir_broadcast_try_send(weir_broadcast *broadcast, const void *element) WEIR_NODISCARD;

/* The same, waiting for its turn, and under WEIR_LAG_WAIT for room, until `deadline` (ns,
 * monotonic).
 * Returns: 0; -EPIPE; -ETIMEDOUT; -ECANCELED. Progress: blocking, on who is in the middle of a
 * send; under WEIR_LAG_WAIT on the slowest subscriber. */
WEIR_API int weir_broadcast_send(weir_broadcast *broadcast, const void *element, uint64_t deadline,
                                 weir_cancel *cancel) WEIR_NODISCARD;

/* Takes the next value into *element, and into *lost how many were lost just before it: 0 but for
 * WEIR_LAG_DROP; `lost` may be NULL.
 * Returns: 0; -EAGAIN if there is none; -EPIPE if there is none, and the channel is closed;
 * -ECONNRESET (WEIR_LAG_CUT) if it is cut off, for good: unsubscribe; -EINVAL if it is not
 * subscribed. If senders overtook it while it copied, *element is spoilt at -ECONNRESET. */
WEIR_API int weir_broadcast_try_recv(weir_broadcast_subscriber *subscriber, void *element,
                                     uint64_t *lost) WEIR_NODISCARD;

/* The same, waiting for a value.
 * Returns: 0; -EPIPE; -ECONNRESET; -ETIMEDOUT; -ECANCELED; -EINVAL. Progress: blocking, on
 * senders. */
WEIR_API int weir_broadcast_recv(weir_broadcast_subscriber *subscriber, void *element,
                                 uint64_t *lost, uint64_t deadline,
                                 weir_cancel *cancel) WEIR_NODISCARD;

/* ---- queries ---- */

/* Returns: what was asked for. */
WEIR_API size_t weir_broadcast_capacity(const weir_broadcast *broadcast);
WEIR_API size_t weir_broadcast_element(const weir_broadcast *broadcast);
WEIR_API weir_lag weir_broadcast_lag(const weir_broadcast *broadcast);
/* Returns: whether it was closed; true stays true. */
WEIR_API bool weir_broadcast_closed(const weir_broadcast *broadcast);
/* Values that were sent since and that it has not received, the lost ones too: a number that was
 * near. Threads: any, while it is subscribed. */
WEIR_API uint64_t weir_broadcast_behind_approx(const weir_broadcast_subscriber *subscriber);
/* Subscribers; threads that wait to send, to receive: numbers that were near. Exact while nothing
 * runs. */
WEIR_API size_t weir_broadcast_subscribers_approx(const weir_broadcast *broadcast);
WEIR_API size_t weir_broadcast_senders_approx(weir_broadcast *broadcast);
WEIR_API size_t weir_broadcast_receivers_approx(weir_broadcast *broadcast);

/* ---- typed ---- */

/* Defines the type NAME, a channel of elements of type T (trivially copyable), and
 * NAME_subscriber, with NAME_new, NAME_free, NAME_close, NAME_subscribe, NAME_unsubscribe,
 * NAME_try_send, NAME_send, NAME_try_recv, NAME_recv (these leave *value alone at -ECONNRESET too),
 * and NAME_broadcast: the weir_broadcast inside, for what is not here; a subscriber's is its
 * `core`. */
#define WEIR_BROADCAST_DEFINE(name, T)                                                           \
    typedef struct name name;                                                                    \
    WEIR__ELEMENT(name, T);                                                                      \
    typedef struct name##_subscriber {                                                           \
        weir_broadcast_subscriber core;                                                          \
    } name##_subscriber;                                                                         \
    WEIR_UNUSED static inline weir_broadcast *name##_broadcast(name *weir_typed)                 \
    {                                                                                            \
        return (weir_broadcast *)(void *)weir_typed;                                             \
    }                                                                                            \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_new(                                     \
        name **weir_typed, size_t weir_capacity, weir_lag weir_policy)                           \
    {                                                                                            \
        weir_broadcast *weir_made = NULL;                                                        \
        const int weir_status =                                                                  \
            weir_broadcast_new(&weir_made, sizeof(T), weir_capacity, weir_policy);               \
        if (weir_status == 0)                                                                    \
            *weir_typed = (name *)(void *)weir_made;                                             \
        return weir_status;                                                                      \
    }                                                                                            \
    WEIR_UNUSED static inline int name##_free(name *weir_typed)                                  \
    {                                                                                            \
        return weir_broadcast_free(name##_broadcast(weir_typed));                                \
    }                                                                                            \
    WEIR_UNUSED static inline int name##_close(name *weir_typed)                                 \
    {                                                                                            \
        return weir_broadcast_close(name##_broadcast(weir_typed));                               \
    }                                                                                            \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_subscribe(name *weir_typed,              \
                                                                  name##_subscriber *weir_who)   \
    {                                                                                            \
        return weir_broadcast_subscribe(name##_broadcast(weir_typed), &weir_who->core);          \
    }                                                                                            \
    WEIR_UNUSED static inline int name##_unsubscribe(name##_subscriber *weir_who)                \
    {                                                                                            \
        return weir_broadcast_unsubscribe(&weir_who->core);                                      \
    }                                                                                            \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_try_send(name *weir_typed, T weir_value) \
    {                                                                                            \
        return weir_broadcast_try_send(name##_broadcast(weir_typed), &weir_value);               \
    }                                                                                            \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_send(                                    \
        name *weir_typed, T weir_value, uint64_t weir_deadline, weir_cancel *weir_token)         \
    {                                                                                            \
        return weir_broadcast_send(name##_broadcast(weir_typed), &weir_value, weir_deadline,     \
                                   weir_token);                                                  \
    }                                                                                            \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_try_recv(                                \
        name##_subscriber *weir_who, T *weir_value, uint64_t *weir_lost)                         \
    {                                                                                            \
        T weir_copy;                                                                             \
        const int weir_status = weir_broadcast_try_recv(&weir_who->core, &weir_copy, weir_lost); \
        if (weir_status == 0)                                                                    \
            *weir_value = weir_copy;                                                             \
        return weir_status;                                                                      \
    }                                                                                            \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_recv(                                    \
        name##_subscriber *weir_who, T *weir_value, uint64_t *weir_lost, uint64_t weir_deadline, \
        weir_cancel *weir_token)                                                                 \
    {                                                                                            \
        T weir_copy;                                                                             \
        const int weir_status = weir_broadcast_recv(&weir_who->core, &weir_copy, weir_lost,      \
                                                    weir_deadline, weir_token);                  \
        if (weir_status == 0)                                                                    \
            *weir_value = weir_copy;                                                             \
        return weir_status;                                                                      \
    }                                                                                            \
    struct name

#ifdef __cplusplus
}
#endif

#endif /* WEIR_BROADCAST_H */
