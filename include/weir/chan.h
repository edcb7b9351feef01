/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/chan.h: channels of elements of any size between any number of senders and
 * receivers: unbuffered (rendezvous), bounded, or unbounded.
 *
 * Use it when: threads hand values on and have to wait for one another: for a value, for
 *              room, for the other side to be there.
 * Use weir/mpmc.h, weir/spsc.h where nobody ever waits; weir/broadcast.h where each of several
 * receivers is to get every value; weir/future.h for one value, once.
 *
 * Who may run with whom: everything with everything, but for weir_chan_new() and
 *              weir_chan_free(). A channel of shape WEIR_CHAN_SPSC has one sender and one
 *              receiver, one of WEIR_CHAN_MPSC one receiver, at a time; only its sender closes an
 *              SPSC, or its receiver: then a send beside the close may still return 0, and its
 *              value is dropped by weir_chan_free(). What is discarded of an SPSC its receiver
 *              drops, when it receives next, or weir_chan_free().
 *
 * Progress:  try_send and try_recv never wait: lock-free in a buffered channel (of an unbounded
 *            one but for the allocator, and for a thread's first call, which takes a lock of the
 *            domain's); in a rendezvous and a fair one they take a lock that others hold for some
 *            instructions, or say -EBUSY. send and recv block: while there is no room, or no
 *            value. A thread that is stopped inside send or recv holds up whom it would have
 *            woken, and in a rendezvous all others; no try_ operation.
 * Ordering:  what happens before a send is visible after the receive of its value; what happens
 *            before a receive is visible after the send that needed its room; what happens
 *            before a close is visible after the -EPIPE.
 * Fairness:  those who wait are woken in the order in which they came. In a rendezvous and a fair
 *            channel they are also served in it; but a select that looks at another of its channels
 *            at that moment is passed by, and who came later may be first. In a buffered channel
 *            who is not asleep may be first; who was woken in vain goes to the tail. Values of one
 *            sender arrive in order; a buffered channel is FIFO for all.
 * Memory:    allocated by weir_chan_new(); an unbounded channel allocates while it grows. Those
 *            who wait are on their own stacks.
 * Edges:
 *   closed    close -> send, recv      carries what the closer had done, and the values sent before
 *   bin       close -> close           carries the room for a large element that is dropped
 *   spot      send -> recv             carries the element, in a rendezvous of two that spin
 *   vacant    recv -> send             carries that the one before was read
 *   opened    recv -> send             carries what the receiver had done (those of the buffers
 *             and of the waiting are theirs)
 *
 * Sources: C. A. R. Hoare, "Communicating Sequential Processes", CACM 21(8), 1978,
 * doi:10.1145/359576.359585; the event count between ring and sleepers: D. P. Reed,
 * R. K. Kanodia, "Synchronization with Eventcounts and Sequencers", CACM 22(2), 1979,
 * doi:10.1145/359060.359076. */

#ifndef WEIR_CHAN_H
#define WEIR_CHAN_H

#include <weir/base.h>
#include <weir/cancel.h>
#include <weir/clock.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_chan weir_chan;

/* A capacity. */
#define WEIR_CHAN_RENDEZVOUS ((size_t)0)
#define WEIR_CHAN_UNBOUNDED SIZE_MAX

/* Who uses a bounded channel, and how: the less is asked for, the faster. */
typedef enum weir_chan_shape {
    WEIR_CHAN_MPMC, /* anybody */
    WEIR_CHAN_MPSC, /* one receiver at a time */
    WEIR_CHAN_SPSC, /* one sender and one receiver at a time */
    WEIR_CHAN_FAIR  /* anybody; who waits is served before who comes: as a rendezvous, with room */
} weir_chan_shape;

typedef struct weir_chan_options {
    weir_chan_shape shape; /* of a bounded channel; others ignore it */
    /* Ends an element that nobody received: by a close that discards, and by weir_chan_free(). In
     * the thread that calls those (of an SPSC: see above), with no lock held. NULL: nothing to
     * do. */
    void (*drop)(void *element, void *context);
    void *context;
} weir_chan_options;

typedef enum weir_chan_close_mode {
    WEIR_CHAN_DRAIN,  /* receivers get what was sent before, then -EPIPE */
    WEIR_CHAN_DISCARD /* what is inside is dropped */
} weir_chan_close_mode;

/* ---- life ---- */

/* Makes a channel of elements of `element` bytes. `options` may be NULL.
 * Returns: 0 and *chan; -EINVAL if element is 0, or capacity times element too large, or there is
 * no such shape; -ENOMEM. On failure *chan is untouched. */
WEIR_API int weir_chan_new(weir_chan **chan, size_t element, size_t capacity,
                           const weir_chan_options *options) WEIR_NODISCARD;

/* Drops what is inside, and frees the channel, closed or not; NULL is ignored.
 * Threads: no other thread uses the channel now or later.
 * Returns: 0; -EBUSY if somebody waits in it: close it first; -ENOMEM (unbounded, with values
 * inside, a thread's first call). If not 0 nothing was done. */
WEIR_API int weir_chan_free(weir_chan *chan);

/* Closes the channel: sends fail from now on, receives when nothing is left; whoever waits
 * gets -EPIPE (a sender keeps his value).
 * Returns: 0; -EALREADY if it was closed: then WEIR_CHAN_DISCARD still drops what is inside, unless
 * another thread is doing so; -ENOMEM (unbounded): nothing was done. Linearization: a send that
 * returned 0 was before it, and its value is received or dropped. */
WEIR_API int weir_chan_close(weir_chan *chan, weir_chan_close_mode mode);

/* ---- operations ---- */

/* Copies *element into the channel, or to who waits for it.
 * Returns: 0; -EAGAIN if it is full, or, of a rendezvous, nobody waits; -EBUSY if that cannot be
 * told, since somebody is in the middle; -EPIPE if it is closed; -ENOMEM (unbounded). */
WEIR_API int weir_chan_try_send(weir_chan *chan, const void *element) WEIR_NODISCARD;

/* Takes a value into *element.
 * Returns: 0; -EAGAIN if there is none; -EBUSY if that cannot be told; -EPIPE if it is closed and
 * nothing is left; -ENOMEM (unbounded, a thread's first call). */
WEIR_API int weir_chan_try_recv(weir_chan *chan, void *element) WEIR_NODISCARD;

/* The same, waiting for room or for a receiver until `deadline` (ns, monotonic).
 * Returns: 0; -EPIPE; -ETIMEDOUT; -ECANCELED; -ENOMEM. If not 0 the value is still the caller's.
 * Progress: blocking, on receivers. */
WEIR_API int weir_chan_send(weir_chan *chan, const void *element, uint64_t deadline,
                            weir_cancel *cancel) WEIR_NODISCARD;

/* The same, waiting for a value.
 * Returns: 0; -EPIPE; -ETIMEDOUT; -ECANCELED; -ENOMEM (unbounded, a thread's first call).
 * Progress: blocking, on senders. */
WEIR_API int weir_chan_recv(weir_chan *chan, void *element, uint64_t deadline,
                            weir_cancel *cancel) WEIR_NODISCARD;

/* Up to n, in order, without waiting. Returns: how many were sent or received. */
WEIR_API size_t weir_chan_try_send_burst(weir_chan *chan, const void *elements, size_t n);
WEIR_API size_t weir_chan_try_recv_burst(weir_chan *chan, void *elements, size_t n);

/* Sends all n in order, waiting for room as often as it takes: n may be above the capacity, and
 * others' values may come in between.
 * Returns: as weir_chan_send(), and *sent: how many went in, n if 0. */
WEIR_API int weir_chan_send_burst(weir_chan *chan, const void *elements, size_t n, size_t *sent,
                                  uint64_t deadline, weir_cancel *cancel) WEIR_NODISCARD;

/* Waits for one value, then takes what is there, up to n.
 * Returns: as weir_chan_recv(), and *received: 1 to n if 0, else 0; -EINVAL if n is 0. */
WEIR_API int weir_chan_recv_burst(weir_chan *chan, void *elements, size_t n, size_t *received,
                                  uint64_t deadline, weir_cancel *cancel) WEIR_NODISCARD;

/* ---- queries ---- */

/* Returns: the capacity that was asked for. */
WEIR_API size_t weir_chan_capacity(const weir_chan *chan);
/* Returns: the size of an element, in bytes. */
WEIR_API size_t weir_chan_element(const weir_chan *chan);
/* Returns: whether it was closed; true stays true. */
WEIR_API bool weir_chan_closed(const weir_chan *chan);
/* Values inside; threads that wait to send, to receive: numbers that were near. Exact while
 * nothing runs. */
WEIR_API size_t weir_chan_size_approx(weir_chan *chan);
WEIR_API size_t weir_chan_senders_approx(weir_chan *chan);
WEIR_API size_t weir_chan_receivers_approx(weir_chan *chan);

/* ---- typed ---- */

/* Defines the type NAME, a channel of elements of type T (trivially copyable), with NAME_new,
 * NAME_free, NAME_close, NAME_try_send, NAME_try_recv, NAME_send, NAME_recv, and NAME_chan: the
 * weir_chan inside, for weir/select.h and for what is not here. */
#define WEIR_CHAN_DEFINE(name, T)                                                                  \
    typedef struct name name;                                                                      \
    WEIR__ELEMENT(name, T);                                                                        \
    WEIR_UNUSED static inline weir_chan *name##_chan(name *weir_typed)                             \
    {                                                                                              \
        return (weir_chan *)(void *)weir_typed;                                                    \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_new(                                       \
        name **weir_typed, size_t weir_capacity, const weir_chan_options *weir_options)            \
    {                                                                                              \
        weir_chan *weir_made = NULL;                                                               \
        const int weir_status = weir_chan_new(&weir_made, sizeof(T), weir_capacity, weir_options); \
        if (weir_status == 0)                                                                      \
            *weir_typed = (name *)(void *)weir_made;                                               \
        return weir_status;                                                                        \
    }                                                                                              \
    WEIR_UNUSED static inline int name##_free(name *weir_typed)                                    \
    {                                                                                              \
        return weir_chan_free(name##_chan(weir_typed));                                            \
    }                                                                                              \
    WEIR_UNUSED static inline int name##_close(name *weir_typed, weir_chan_close_mode weir_mode)   \
    {                                                                                              \
        return weir_chan_close(name##_chan(weir_typed), weir_mode);                                \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_try_send(name *weir_typed, T weir_value)   \
    {                                                                                              \
        return weir_chan_try_send(name##_chan(weir_typed), &weir_value);                           \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_try_recv(name *weir_typed, T *weir_value)  \
    {                                                                                              \
        return weir_chan_try_recv(name##_chan(weir_typed), weir_value);                            \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_send(                                      \
        name *weir_typed, T weir_value, uint64_t weir_deadline, weir_cancel *weir_token)           \
    {                                                                                              \
        return weir_chan_send(name##_chan(weir_typed), &weir_value, weir_deadline, weir_token);    \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_recv(                                      \
        name *weir_typed, T *weir_value, uint64_t weir_deadline, weir_cancel *weir_token)          \
    {                                                                                              \
        return weir_chan_recv(name##_chan(weir_typed), weir_value, weir_deadline, weir_token);     \
    }                                                                                              \
    struct name

#ifdef __cplusplus
}
#endif

#endif /* WEIR_CHAN_H */
