/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/offload.h: a function that an event loop has run by another thread, and whose end is called
 * on the loop.
 *
 * Use it when: a callback of a loop (weir/loop.h) needs something that takes long: a file, a
 *              computation.
 * Use weir/resolve.h for names; weir_pool_submit() or weir_blocking_submit() where nobody on the
 * loop waits for the end.
 *
 * Who may run with whom:
 *   init, blocking, pool, cancel    the loop's thread
 *   wanted                          the function, in its thread
 *
 * What happens to an offload, in this order:
 *   run      in a thread of the pool, once; or not at all, if nobody wants it before it begins
 *   done     on the loop, once: with what run() returned; or at the deadline with -ETIMEDOUT, or
 *            after weir_offload_cancel() with -ECANCELED, while run() perhaps goes on: nobody stops
 *            it, but weir_offload_wanted() tells it
 *   dropped  on the loop, if done() came before the end of run() had been heard of: once, when it
 *            has, or is known not to begin any more. What it made is thrown away here
 * From the last of them on the memory is the caller's, and it may be submitted again. (Without a
 * dropped() nobody can tell that of one that was cancelled.) If the end and the deadline have both
 * come, the deadline counts. A loop that was closed still gets what is under way. A pool that is
 * stopped and discards it counts as a run() that returned -ECANCELED.
 *
 * Progress:  blocking and pool as the submit of the pool; the rest is wait-free. What ends in the
 *            pool is posted, lock-free.
 * Ordering:  what happens before the submit is visible to run(); what it did, to done() and
 *            dropped(); what happens before a cancel, to who learns from wanted().
 * Memory:    the caller's; nothing is allocated.
 * Errors:    a loop with offloads under way is alive, and cannot be freed.
 * Edges:
 *   wanted  cancel, the deadline -> weir_offload_wanted()   carries what was before
 *   and weir/loop.h, and those of the pool.
 *
 * Source: M. Welsh, D. Culler, E. Brewer, "SEDA: An Architecture for Well-Conditioned, Scalable
 * Internet Services", SOSP 2001, doi:10.1145/502034.502057. */

#ifndef WEIR_OFFLOAD_H
#define WEIR_OFFLOAD_H

#include <weir/blocking.h>
#include <weir/loop.h>
#include <weir/pool.h>
#include <weir/timer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* Embedded in what it is for. */
typedef struct weir_offload {
    weir__owned_job there; /* in the pool; then posted to the loop */
    weir_loop *loop;
    int (*run)(struct weir_offload *offload); /* 0, or a negative errno */
    WEIR_ATOMIC(uint32_t) unwanted;
    int status; /* of run() */
    /* the loop's alone: */
    void (*done)(struct weir_offload *offload, int status);
    void (*dropped)(struct weir_offload *offload); /* or NULL */
    bool under_way;                                /* dropped(), or done(), is still to be called */
    bool told;                                     /* done() was called */
    weir_timer timer;
} weir_offload;

/* ---- operations ---- */

/* Makes an offload, to be submitted once or, one after the other, several times. */
WEIR_API void weir_offload_init(weir_offload *offload, weir_loop *loop,
                                int (*run)(weir_offload *offload),
                                void (*done)(weir_offload *offload, int status),
                                void (*dropped)(weir_offload *offload));

/* Submits it. `deadline`: absolute, ns, of the loop's clock.
 * Returns: 0; -ETIMEDOUT: it has passed; or as weir_blocking_submit(), weir_pool_submit(): then
 * nothing is called. */
WEIR_API int weir_offload_blocking(weir_offload *offload, weir_blocking *pool,
                                   uint64_t deadline) WEIR_NODISCARD;
WEIR_API int weir_offload_pool(weir_offload *offload, weir_pool *pool,
                               uint64_t deadline) WEIR_NODISCARD;

/* Ends it for the loop, also if run() has returned and done() is still to come: done() is called
 * with -ECANCELED, in here.
 * Returns: 0; -EALREADY: done() has been called, or it was not submitted. */
WEIR_API int weir_offload_cancel(weir_offload *offload);

/* Returns: false: nobody waits for it any more. */
WEIR_NODISCARD static inline bool weir_offload_wanted(const weir_offload *offload)
{
    /* sync(wanted): acquire. Pairs with the store in tell(). */
    return weir_atomic_load(&offload->unwanted, WEIR_ACQUIRE) == 0;
}

#ifdef __cplusplus
}
#endif

#endif /* WEIR_OFFLOAD_H */
