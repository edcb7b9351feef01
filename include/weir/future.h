/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/future.h: one result, given once: whoever holds the promise completes it, those who hold the
 * future wait for it, look, or have a function called.
 *
 * Use it when: one thread, task or callback owes another one answer.
 * Use weir/chan.h when there are more answers than one; weir/wait.h for a condition of your own.
 *
 * Who may run with whom:
 *                                     complete, fail, drop   drop, destroy   others of the
 *                                     of the promise         of the future   future side
 *   complete, fail, drop (promise)          once                 yes             yes
 *   wanted, token (promise)                  no                  yes             yes
 *   drop, destroy (future)                  yes                  once             no
 *   others of the future side               yes                   no             yes
 *
 * A promise is used up by the first of complete, fail and drop: the pointer means nothing after it.
 * The future side may be shared by threads; whoever drops it is the last to use it.
 *
 * A result is a value, or a negative errno. A promise that is dropped gives -EOWNERDEAD. The future
 * side cancels by asking: the producer sees that by weir_promise_wanted(), or by the token of
 * weir_promise_token(), which his own waits take; what he then gives is the result.
 *
 * Callbacks (weir_then) are called exactly once: in the thread that completes, one after the other
 * in the order in which they were added; at once, in weir_future_then(), if the future is complete,
 * perhaps beside those; or in weir_future_unthen() of another one, if the completion came in the
 * middle of it, and then perhaps later than some that were added after them. No lock is held: a
 * callback may use the future, drop it, and free the weir_then it was given.
 *
 * The state is one word:
 *     0, or the newest weir_then    | WAITED: threads have waited for it
 *                                   | GONE: the future was dropped, the promise was not used
 *     the same, with DONE           the promise is used; if anything else was there, the thread
 *                                   that used it is about to tell those who want to know
 *     the same, with DONE, GONE     and to free the block when it has; in the caller's memory, to
 *                                   wake the thread in destroy, whose waiter the pointer then is
 *     DONE                          the promise side is done with the memory
 *
 * Progress:  complete, fail and the promise's drop are wait-free where fetch_add is, if nobody
 * waits and there is no callback, else lock-free, and what the callbacks take. then, and the
 *            future's drop, are lock-free. new and the last drop call the allocator. cancel is a
 *            store, and what weir/cancel.h says of the source. The waits block until there is a
 *            result; unthen on who goes to sleep or wakes at this future, or calls unthen; destroy
 *            on a thread that has completed and wakes others.
 * Ordering:  what happens before complete, fail or drop of the promise is visible to who learns
 *            of it: after a wait, weir_future_is_done(), or in a callback. What happens before a
 *            cancel, or before a drop of the future, is visible when weir_promise_wanted() has said
 *            false for it.
 * Memory:    weir_future_new() makes one block, which is freed when both sides have let go, by
 *            whichever is the second; of weir_future_init() it is the caller's, whose it is again
 *            after weir_future_destroy().
 * Linearization: a result at the read-modify-write of complete: all that is asked later says so.
 * Edges:
 *   done      complete -> wait, is_done, drop ..     carries the result
 *   chained   then, unthen -> complete, unthen       carries callbacks
 *   gone      drop, destroy -> complete, wanted      carries that this side uses the memory no more
 *   finished  complete -> drop, destroy              carries that the promise side does not either
 *   asked     cancel -> wanted                       carries what was done before it
 *
 * Source: B. Liskov, L. Shrira, "Promises: Linguistic Support for Efficient Asynchronous Procedure
 * Calls in Distributed Systems", PLDI 1988, doi:10.1145/53990.54016; the list that is closed by
 * who takes it is Treiber's stack. */

#ifndef WEIR_FUTURE_H
#define WEIR_FUTURE_H

#include <weir/cancel.h>
#include <weir/wait.h>

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

enum { WEIR__FUTURE_DONE = 1, WEIR__FUTURE_GONE = 2, WEIR__FUTURE_WAITED = 4 };

typedef struct weir_future {
    WEIR_ATOMIC(uintptr_t) state;
    WEIR_ATOMIC(uint32_t) cancelled; /* future side: 1 if it has asked */
    int status;                      /* promise side, before DONE: 0, or a negative errno */
    void *value;                     /* what it points to: promise side, before DONE */
    size_t size;                     /* constant, as these: */
    weir_cancel_source *source;
    bool allocated;
    weir__wait_queue waiters; /* future side, and complete if WAITED */
} weir_future;

/* The other side of the same memory. */
typedef struct weir_promise weir_promise;

/* A callback: part of what it is for. The caller's, from weir_future_then() until it is called. */
typedef struct weir_then {
    WEIR_ALIGNAS(8) struct weir_then *next;
    void (*call)(struct weir_then *then, weir_future *future);
} weir_then;

WEIR_STATIC_ASSERT(sizeof(weir_then) % 8 == 0, "three bits of a pointer are the state's");

/* ---- life ---- */

/* Allocates a future without result, for values of `size` bytes (0: none), aligned as malloc()
 * aligns. `source`, or NULL: what weir_future_cancel() cancels; it must live until the promise is
 * used, and nobody calls weir_future_cancel() any more.
 * Returns: 0 and both sides; -EINVAL if size is too large; -ENOMEM. On failure both are untouched.
 * Complexity: one allocation. */
WEIR_API int weir_future_new(weir_promise **promise, weir_future **future, size_t size,
                             weir_cancel_source *source) WEIR_NODISCARD;

/* Makes a future in the caller's memory; its promise is weir_future_promise(). `value`: where the
 * value goes, `size` bytes, or NULL and 0; it stays until the future is destroyed. `source`: as of
 * weir_future_new(). */
static inline void weir_future_init(weir_future *future, void *value, size_t size,
                                    weir_cancel_source *source)
{
    weir_atomic_init(&future->state, 0);
    weir_atomic_init(&future->cancelled, 0);
    future->status = 0;
    future->value = value;
    future->size = size;
    future->source = source;
    future->allocated = false;
    weir_atomic_init(&future->waiters.word, 0);
    future->waiters.first = future->waiters.last = NULL;
}

/* The same as an initialiser. */
#define WEIR_FUTURE_INIT(value, size, source)                                    \
    {                                                                            \
        WEIR_ATOMIC_INIT(0), WEIR_ATOMIC_INIT(0), 0, value, size, source, false, \
            WEIR__WAIT_QUEUE_INIT                                                \
    }

/* The promise of a future in the caller's memory; to be given to one producer. */
static inline weir_promise *weir_future_promise(weir_future *future)
{
    return (weir_promise *)(void *)future;
}

/* Ends a complete future in the caller's memory, which is his afterwards: the thread that completes
 * will not touch it. It may still have callbacks to call, whose argument points there: whoever
 * destroys knows that they were called, or is the last of them.
 * Returns: 0; -EBUSY if it is not complete: nothing was done.
 * Progress: blocking, on a thread that has completed it and wakes others.
 * Complexity: a load, if no thread had to wait. */
WEIR_API int weir_future_destroy(weir_future *future);

/* ---- private ---- */

/* Of a value in a block. */
enum { WEIR__FUTURE_ALIGNMENT = 16 };
#ifdef __cplusplus
#define WEIR__FUTURE_ALIGNED(T) (alignof(T) <= WEIR__FUTURE_ALIGNMENT)
#else
#define WEIR__FUTURE_ALIGNED(T) (_Alignof(T) <= WEIR__FUTURE_ALIGNMENT)
#endif

/* The rest of a completion, when `old` is what was found there. */
WEIR_API int weir__future_tell(weir_future *future, bool allocated, uintptr_t old);
WEIR_API int weir__future_wait_on(weir_future *future, uint64_t deadline, weir_cancel *cancel);

WEIR_ALWAYS_INLINE weir_future *weir__promise_future(weir_promise *promise)
{
    return (weir_future *)(void *)promise;
}

WEIR_ALWAYS_INLINE int weir__promise_settle(weir_promise *promise, int status)
{
    weir_future *const future = weir__promise_future(promise);
    const bool allocated = future->allocated;
    uintptr_t old;

    future->status = status;
    /* DONE was not set, so an addition sets it. Where nothing was, the memory belongs to the other
     * side from here on.
     * sync(done): release. Pairs with the loads in weir_future_is_done() and lib/future.c; the
     * result. sync(finished): release. Pairs with those in weir_future_drop() and
     * weir_future_destroy(), if nothing was there.
     * sync(chained): acquire. Pairs with the compare-and-swaps in weir_future_then() and
     * put_back(); the callbacks. sync(gone): acquire. Pairs with the compare-and-swap in
     * weir_future_drop(). */
    old = weir_atomic_fetch_add(&future->state, WEIR__FUTURE_DONE, WEIR_ACQ_REL);
    return WEIR_LIKELY(old == 0) ? 0 : weir__future_tell(future, allocated, old);
}

/* ---- the promise side ---- */

/* Gives the value: copies `size` bytes; NULL if it has been written to weir_promise_value(). Uses
 * the promise up. Returns: 0; -EPIPE if the future had been dropped, with no callback: nobody sees
 * the value, which is the caller's still. Progress: wait-free if nobody waits and nothing is to be
 * called, else lock-free, and what the callbacks take. Complexity: one read-modify-write; no other
 * access to the memory after it. */
static inline int weir_promise_complete(weir_promise *promise, const void *value)
{
    weir_future *const future = weir__promise_future(promise);

    if (value != NULL && future->size != 0)
        memcpy(future->value, value, future->size);
    return weir__promise_settle(promise, 0);
}

/* Gives an error, a negative errno, instead. Otherwise as weir_promise_complete(). */
static inline int weir_promise_fail(weir_promise *promise, int error)
{
    WEIR_REQUIRE(error < 0, "an error is a negative errno");
    return weir__promise_settle(promise, error);
}

/* Breaks the promise: the result is -EOWNERDEAD. NULL is ignored. */
WEIR_API void weir_promise_drop(weir_promise *promise);

/* Where the value goes: to build a large one in place. */
static inline void *weir_promise_value(weir_promise *promise)
{
    return weir__promise_future(promise)->value;
}

/* The token that weir_future_cancel() cancels, for the producer's waits and for callbacks; NULL if
 * the future was made without a source. */
static inline weir_cancel *weir_promise_token(weir_promise *promise)
{
    weir_cancel_source *const source = weir__promise_future(promise)->source;

    return source != NULL ? weir_cancel_source_token(source) : NULL;
}

/* Returns: whether anybody wants the result: false once it or its token has been cancelled, or if
 * the future was dropped with no callback. Complexity: three loads. */
static inline bool weir_promise_wanted(weir_promise *promise)
{
    weir_future *const future = weir__promise_future(promise);

    /* sync(asked): acquire. Pairs with the store in weir_future_cancel(). */
    return weir_atomic_load(&future->cancelled, WEIR_ACQUIRE) == 0 &&
           weir_cancel_check(weir_promise_token(promise)) == 0 &&
           /* sync(gone): acquire. Pairs with the compare-and-swap in weir_future_drop(). */
           (weir_atomic_load(&future->state, WEIR_ACQUIRE) & ~(uintptr_t)WEIR__FUTURE_WAITED) !=
               WEIR__FUTURE_GONE;
}

/* ---- the future side ---- */

/* Returns: whether there is a result. Complexity: a load. */
WEIR_NODISCARD static inline bool weir_future_is_done(const weir_future *future)
{
    /* sync(done): acquire. Pairs with the fetch_add in weir__promise_settle(); the result. */
    return (weir_atomic_load(&future->state, WEIR_ACQUIRE) & WEIR__FUTURE_DONE) != 0;
}

/* Waits for a result.
 * Returns: 0 if there is one, be it an error; -ETIMEDOUT; -ECANCELED: then the future is as it was.
 * Threads: any number. Progress: blocking, on the producer. Complexity: a load, if it is there. */
WEIR_NODISCARD static inline int weir_future_wait(weir_future *future, uint64_t deadline,
                                                  weir_cancel *cancel)
{
    if (WEIR_LIKELY(cancel == NULL && weir_future_is_done(future)))
        return 0;
    return weir__future_wait_on(future, deadline, cancel);
}

/* The result of a complete future, copied to *value if that is not NULL.
 * Returns: 0; the error, and *value untouched. */
WEIR_API int weir_future_result(const weir_future *future, void *value);

/* Waits, then returns as weir_future_result(). A token that has been cancelled comes first, so
 * -ECANCELED, and -ETIMEDOUT, may be those of the wait; if weir_future_is_done(),
 * weir_future_result() says what the result is. */
WEIR_API int weir_future_get(weir_future *future, void *value, uint64_t deadline,
                             weir_cancel *cancel) WEIR_NODISCARD;

/* Returns: where the value lies; NULL if there is none, or not yet. Good until the future is
 * dropped or destroyed. */
static inline const void *weir_future_peek(const weir_future *future)
{
    return weir_future_is_done(future) && future->status == 0 ? future->value : NULL;
}

/* Asks the producer not to go on, and cancels the source. For good; it changes nothing else: the
 * result is what the producer gives. Progress: that of
 * weir_cancel_source_cancel(), if there is one. */
WEIR_API void weir_future_cancel(weir_future *future);

/* Has call(then, future) called once there is a result: at once, if it is there.
 * Ownership: *then is the library's until the call, in which it may be freed or used again.
 * Complexity: one compare-and-swap; a load if the result is there. */
WEIR_API void weir_future_then(weir_future *future, weir_then *then,
                               void (*call)(weir_then *then, weir_future *future));

/* Takes a callback back. Other callbacks may be called by it, if the result comes in the middle.
 * Returns: true: it will not be called; false: it has been, or is just about to be.
 * Progress: blocking, on who takes one back or goes to sleep or wakes at this future. */
WEIR_API bool weir_future_unthen(weir_future *future, weir_then *then) WEIR_NODISCARD;

/* Lets go of a future of weir_future_new(): nobody uses it from now on. Callbacks stay and will be
 * called. NULL is ignored: -EINVAL.
 * Returns: 0, and the value in *value if that is not NULL; the error; -EBUSY if there is no
 * result yet: complete will say -EPIPE, if there is no callback. So exactly one side knows that
 * the value is its own.
 * Complexity: frees; no read-modify-write if no thread slept and nothing was called, else one. */
WEIR_API int weir_future_drop(weir_future *future, void *value);

/* ---- several ---- */

/* Waits until one of the n futures has a result; NULL entries are passed over. `nodes`: room for n,
 * which is free afterwards. Nothing is done to any of them.
 * Returns: 0, and the index of the first in the array that has one in *which; -ETIMEDOUT;
 * -ECANCELED; -EINVAL if there is no future. Complexity: O(n). */
WEIR_API int weir_future_wait_any(weir_future *const *futures, size_t n, weir_wait_node *nodes,
                                  size_t *which, uint64_t deadline,
                                  weir_cancel *cancel) WEIR_NODISCARD;

/* Waits until all have results, be they errors; NULL entries are passed over.
 * Returns: 0; -ETIMEDOUT; -ECANCELED. */
WEIR_API int weir_future_wait_all(weir_future *const *futures, size_t n, uint64_t deadline,
                                  weir_cancel *cancel) WEIR_NODISCARD;

/* ---- typed ---- */

/* Defines the types NAME, a future of T (trivially copyable, aligned as malloc() aligns), and
 * NAME_promise; with NAME_new, NAME_init (in the caller's memory, as the value), NAME_promise_of,
 * NAME_destroy; NAME_complete, NAME_fail, NAME_promise_drop; NAME_wait, NAME_get, NAME_peek,
 * NAME_drop. What is not here takes &x->future, and NAME_untyped(promise). */
#define WEIR_FUTURE_DEFINE(name, T)                                                               \
    typedef struct name {                                                                         \
        weir_future future;                                                                       \
    } name;                                                                                       \
    typedef struct name##_promise name##_promise;                                                 \
    WEIR__ELEMENT(name, T);                                                                       \
    WEIR_UNUSED static inline weir_promise *name##_untyped(name##_promise *weir_typed)            \
    {                                                                                             \
        return (weir_promise *)(void *)weir_typed;                                                \
    }                                                                                             \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_new(                                      \
        name##_promise **weir_typed, name **weir_other, weir_cancel_source *weir_source)          \
    {                                                                                             \
        weir_promise *weir_side = NULL;                                                           \
        weir_future *weir_made = NULL;                                                            \
        const int weir_status = weir_future_new(&weir_side, &weir_made, sizeof(T), weir_source);  \
        WEIR_STATIC_ASSERT(WEIR__FUTURE_ALIGNED(T), "a value is aligned to more than its block"); \
        if (weir_status == 0) {                                                                   \
            *weir_typed = (name##_promise *)(void *)weir_side;                                    \
            *weir_other = (name *)(void *)weir_made;                                              \
        }                                                                                         \
        return weir_status;                                                                       \
    }                                                                                             \
    WEIR_UNUSED static inline void name##_init(name *weir_typed, T *weir_value,                   \
                                               weir_cancel_source *weir_source)                   \
    {                                                                                             \
        weir_future_init(&weir_typed->future, weir_value, sizeof(T), weir_source);                \
    }                                                                                             \
    WEIR_UNUSED static inline name##_promise *name##_promise_of(name *weir_typed)                 \
    {                                                                                             \
        return (name##_promise *)(void *)weir_typed;                                              \
    }                                                                                             \
    WEIR_UNUSED static inline int name##_destroy(name *weir_typed)                                \
    {                                                                                             \
        return weir_future_destroy(&weir_typed->future);                                          \
    }                                                                                             \
    WEIR_UNUSED static inline int name##_complete(name##_promise *weir_typed, T weir_value)       \
    {                                                                                             \
        weir_promise *const weir_side = name##_untyped(weir_typed);                               \
        memcpy(weir_promise_value(weir_side), &weir_value, sizeof(T));                            \
        return weir__promise_settle(weir_side, 0);                                                \
    }                                                                                             \
    WEIR_UNUSED static inline int name##_fail(name##_promise *weir_typed, int weir_error)         \
    {                                                                                             \
        return weir_promise_fail(name##_untyped(weir_typed), weir_error);                         \
    }                                                                                             \
    WEIR_UNUSED static inline void name##_promise_drop(name##_promise *weir_typed)                \
    {                                                                                             \
        weir_promise_drop(name##_untyped(weir_typed));                                            \
    }                                                                                             \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_wait(                                     \
        name *weir_typed, uint64_t weir_deadline, weir_cancel *weir_token)                        \
    {                                                                                             \
        return weir_future_wait(&weir_typed->future, weir_deadline, weir_token);                  \
    }                                                                                             \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_get(                                      \
        name *weir_typed, T *weir_value, uint64_t weir_deadline, weir_cancel *weir_token)         \
    {                                                                                             \
        return weir_future_get(&weir_typed->future, weir_value, weir_deadline, weir_token);       \
    }                                                                                             \
    WEIR_UNUSED static inline const T *name##_peek(const name *weir_typed)                        \
    {                                                                                             \
        return (const T *)weir_future_peek(&weir_typed->future);                                  \
    }                                                                                             \
    WEIR_UNUSED static inline int name##_drop(name *weir_typed, T *weir_value)                    \
    {                                                                                             \
        return weir_future_drop((weir_future *)(void *)weir_typed, weir_value);                   \
    }                                                                                             \
    struct name

#ifdef __cplusplus
}
#endif

#endif /* WEIR_FUTURE_H */
