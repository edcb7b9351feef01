/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/cancel.h: cancelling: a source, which cancels, and its token, which is waited with and
 * asked. Who has only the token cannot cancel.
 *
 * Use it when: something that waits, or works for long, may have to end early: because somebody
 *              says so, because a deadline has passed, or because what it is a part of ends.
 * Use weir/wait.h's event count for what happens more than once, weir/future.h for what carries a
 * value: a token is cancelled once, for good.
 *
 * A source may have parents, and is cancelled with each of them. It may have a deadline, and has
 * those of its parents: when the earliest has passed, the first who waits with the token, or asks
 * it, finds that, and cancels the token whose deadline it is, with all below it, with reason
 * -ETIMEDOUT. No thread of weir's does that; if nobody looks, no callback runs.
 *
 * Who may run with whom:
 *                                               a token's users   a child's life   link, life
 *   the token's users: check, wait, register..,        yes               yes             no
 *     and cancel
 *   a child's life: init, destroy                      yes               yes             no
 *   the source's link, and life: init, destroy         no                no              no
 * A parent may be cancelled during all of them.
 *
 * The order of ends: what was made later ends earlier. A source is destroyed when its children
 * are, when nobody waits with its token or uses it otherwise, and when its callbacks were
 * unregistered or have run; and lives as long. weir_cancel_source_destroy() takes it from its
 * parents, and says -EBUSY where it can tell that it is too early. A token that is used after
 * that ends the program with a sentence, as long as the memory has not been used for something
 * else.
 *
 * Progress:  check and reason are wait-free while there is no deadline that has passed and that
 *            nobody has seen; they never wait for another thread then. The first to see it does
 *            what a cancel does. All else takes the lock of one token at a time, for a few
 *            instructions: blocking, on who holds it. No function of the user's is called under it.
 * Ordering:  what happens before the cancel that takes effect is visible to who finds the token
 *            cancelled, also that of a descendant, to who is woken by it, and in the callbacks.
 * Memory:    the caller's, for sources, links and callbacks. Nothing is allocated, and nothing
 *            grows: a child that is destroyed leaves nothing behind.
 * Complexity: a cancel visits each descendant once, and if there are callbacks once more; it needs
 *            no stack for the depth.
 * Signals:   check and reason, of a token without a deadline, may be called in signal handlers.
 * Edges:
 *   cancelled  cancel -> check, reason, register, a child's init   carries what was done before the
 *              cancel
 *   The token's own lock and waiters: weir/wait.h.
 *
 * Source: the split in two types: the .NET Framework's CancellationToken, 2010; trees and
 * deadlines: S. Ajmani, "Go Concurrency Patterns: Context", 2014,
 * https://go.dev/blog/context; unregistering that waits: ISO C++20, [stopcallback]. */

#ifndef WEIR_CANCEL_H
#define WEIR_CANCEL_H

#include <weir/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* That one source is another's child. One is in each source; for more parents, the caller's. */
typedef struct weir_cancel_link {
    /* under the parent's lock: */
    struct weir_cancel_link *next, *prev;
    weir_waiter *sleeper; /* destroys the child, and waits while it is visited */
    bool visited;         /* a cancel is at the child, or below it */
    /* constant, once the token is shared: */
    weir_cancel *parent, *child;
    struct weir_cancel_link *more; /* to the child's next parent */
} weir_cancel_link;

typedef struct weir_cancel_callback {
    struct weir_cancel_callback *next, *prev;
    weir_cancel *token;
    void (*call)(void *context, int reason);
    void *context;
    uint64_t run; /* its number, from when it begins */
    bool queued;
} weir_cancel_callback;

/* The token. */
struct weir_cancel {
    WEIR_ATOMIC(uint64_t) state; /* 0: not cancelled, and no deadline; lib/cancel.c */
    /* constant, once the token is shared: */
    uint64_t deadline;       /* the earliest, of itself and what is above it */
    weir_cancel_link *links; /* to its parents */
    /* who cancels: */
    WEIR_ATOMIC(weir_cancel *) origin; /* where that began */
    weir_cancel_link *came;            /* from there */
    /* under the lock: */
    weir_cancel_link *children;
    weir_cancel_callback *first, *last;
    struct weir__cancel_run *runs; /* callbacks that are running */
    uint64_t run_count;
    bool walked; /* a cancel that began here has not ended */
    /* the lock, and who waits; SET: cancelled */
    weir__wait_queue queue;
};

typedef struct weir_cancel_source {
    weir_cancel token;
    weir_cancel_link link;
} weir_cancel_source;

/* A source without parents and without a deadline. */
/* clang-format off */
#define WEIR_CANCEL_SOURCE_INIT                                                              \
    {                                                                                        \
        {WEIR_ATOMIC_INIT(0), WEIR_FOREVER, NULL, WEIR_ATOMIC_INIT(NULL), NULL, NULL, NULL,  \
         NULL, NULL, 0, false, WEIR__WAIT_QUEUE_INIT},                                       \
        {NULL, NULL, NULL, false, NULL, NULL, NULL}                                          \
    }
/* clang-format on */

/* ---- sources ---- */

/* Makes a source, a child of `parent` unless that is NULL, cancelled if that is, with a deadline
 * or WEIR_FOREVER. Complexity: no allocation. */
WEIR_API void weir_cancel_source_init(weir_cancel_source *source, weir_cancel *parent,
                                      uint64_t deadline);

/* Makes it a child of one more token; for when it has just been made. `link` is in use until
 * weir_cancel_source_destroy() has returned 0.
 * Returns: 0; -EBUSY: it has children or waiters, which would not know of the deadline. */
WEIR_API int weir_cancel_source_link(weir_cancel_source *source, weir_cancel_link *link,
                                     weir_cancel *parent) WEIR_NODISCARD;

/* Takes it from its parents, and ends it. Waits, if a parent is being cancelled, while that thread
 * is at this source; that runs no callback meanwhile.
 * Returns: 0; -EBUSY: it has children or waiters, callbacks are registered or running, or
 * a cancel of it is: nothing was done. */
WEIR_API int weir_cancel_source_destroy(weir_cancel_source *source);

/* Cancels the token and all below it: first they are cancelled, and who waits is woken; then the
 * callbacks run, in this thread: those of a token in the order of their registration, and before
 * those of its children; of a child of several parents, before or after those of all but one.
 * `reason` is any number; 0 stands for -ECANCELED. What another thread has come to first, by
 * another parent, is left to it, with all below.
 * Returns: true when that is done; false: it was cancelled before, also by a parent or its
 * deadline, and who did that may be at it still. */
WEIR_API bool weir_cancel_source_cancel(weir_cancel_source *source, int reason);

/* Returns: what others may have. */
static inline weir_cancel *weir_cancel_source_token(weir_cancel_source *source)
{
    return &source->token;
}

/* ---- tokens ---- */

/* Of a token that is cancelled or has a deadline. */
WEIR_API int weir__cancel_look(weir_cancel *cancel);

/* Returns: 0; -ECANCELED if the token is cancelled, or its deadline has passed: then it is
 * cancelled by this call, callbacks included, unless another thread is at that. 0 of NULL.
 * Complexity: a load; with a deadline, a look at the clock as well. */
static inline int weir_cancel_check(weir_cancel *cancel)
{
    if (cancel == NULL)
        return 0;
    /* relaxed: what is not 0 is looked at again, with acquire. */
    if (WEIR_LIKELY(weir_atomic_load(&cancel->state, WEIR_RELAXED) == 0))
        return 0;
    return weir__cancel_look(cancel);
}

/* Checks it, and returns: 0 if it is not cancelled; else the reason: what the canceller gave, or
 * -ETIMEDOUT of a deadline. */
WEIR_API int weir_cancel_reason(weir_cancel *cancel);

/* Returns: the earliest deadline, its own or one above it; WEIR_FOREVER: there is none; of NULL
 * too. For who waits by means of its own. */
WEIR_API uint64_t weir_cancel_deadline(const weir_cancel *cancel);

/* Waits until `token` is cancelled: a sleep that can be cut short.
 * Returns: 0 when it is; -ETIMEDOUT; -ECANCELED: `cancel` was cancelled before the call, or is and
 * `token` is not. */
WEIR_API int weir_cancel_wait(weir_cancel *token, uint64_t deadline,
                              weir_cancel *cancel) WEIR_NODISCARD;

/* ---- callbacks ---- */

/* Lets call(context, reason) be called once when the token is cancelled, by who cancels it. It may
 * do what any code may, also register, unregister, cancel, and free its own memory;
 * but destroy the token's source. It delays those that come after it.
 * Returns: true; false: the token is cancelled already; the callback has been called, and has
 * returned, in here. */
WEIR_API bool weir_cancel_register(weir_cancel *token, weir_cancel_callback *callback,
                                   void (*call)(void *context, int reason), void *context);

/* Takes it out; if it is running, waits for its end. Two that wait so for each other wait for ever.
 * Returns: 0: it has not run, and will not; -EALREADY: it has run, or was taken out before;
 * -EDEADLK: it is running, and this call is inside it; -ETIMEDOUT, -ECANCELED: it is running.
 * After 0 and -EALREADY the memory is the caller's. */
WEIR_API int weir_cancel_unregister(weir_cancel_callback *callback, uint64_t deadline,
                                    weir_cancel *cancel);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_CANCEL_H */
