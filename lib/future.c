/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/future.h>

#include "wait.h"

#include <weir/cancel.h>

#include <errno.h>

/* ---- the word ---- */

enum { FLAGS = WEIR__FUTURE_DONE | WEIR__FUTURE_GONE | WEIR__FUTURE_WAITED };

static weir_then *then_of(uintptr_t state)
{
    return (weir_then *)(state & ~(uintptr_t)FLAGS);
}

/* ---- life ---- */

/* Before the value, in a block. */
#define HEAD                                                                       \
    ((sizeof(weir_future) + WEIR__FUTURE_ALIGNMENT - 1) / WEIR__FUTURE_ALIGNMENT * \
     WEIR__FUTURE_ALIGNMENT)

int weir_future_new(weir_promise **promise, weir_future **future, size_t size,
                    weir_cancel_source *source)
{
    weir_future *made;

    if (size > PTRDIFF_MAX - HEAD)
        return -EINVAL;
    made = (weir_future *)weir_alloc(HEAD + size, WEIR__FUTURE_ALIGNMENT);
    if (made == NULL)
        return -ENOMEM;
    weir_future_init(made, (unsigned char *)made + HEAD, size, source);
    made->allocated = true;
    *promise = weir_future_promise(made);
    *future = made;
    return 0;
}

static void free_block(weir_future *future)
{
    weir_release(future, HEAD + future->size);
}

/* ---- callbacks ---- */

/* From newest first to oldest first. */
static weir_then *turned_round(weir_then *newest)
{
    weir_then *oldest = NULL;

    while (newest != NULL) {
        weir_then *const next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

/* A callback may free its weir_then; the last one, the future. */
static void call_all(weir_then *newest, weir_future *future)
{
    weir_then *then = turned_round(newest);

    while (then != NULL) {
        weir_then *const next = then->next;

        then->call(then, future);
        then = next;
    }
}

void weir_future_then(weir_future *future, weir_then *then,
                      void (*call)(weir_then *then, weir_future *future))
{
    /* sync(done): acquire. Pairs with the fetch_add in weir__promise_settle(); the result. */
    uintptr_t state = weir_atomic_load(&future->state, WEIR_ACQUIRE);

    then->call = call;
    while ((state & WEIR__FUTURE_DONE) == 0) {
        then->next = then_of(state);
        /* sync(chained): release. Pairs with the fetch_add in weir__promise_settle(), and
         * with the compare-and-swaps in take_chain() and put_back(); *then.
         * sync(done): acquire, on failure. As above. */
        if (weir_atomic_cas(&future->state, &state, (uintptr_t)then | (state & FLAGS), WEIR_RELEASE,
                            WEIR_ACQUIRE))
            return;
    }
    call(then, future);
}

/* Takes all callbacks, unless the promise has been used. */
static weir_then *take_chain(weir_future *future)
{
    uintptr_t state = weir_atomic_load(&future->state, WEIR_RELAXED); /* relaxed: a guess. */

    while ((state & WEIR__FUTURE_DONE) == 0 && then_of(state) != NULL)
        /* sync(chained): acquire. Pairs with the compare-and-swap in weir_future_then(). */
        if (weir_atomic_cas(&future->state, &state, state & FLAGS, WEIR_ACQUIRE, WEIR_RELAXED))
            return then_of(state);
    return NULL;
}

/* Puts callbacks back, below those that have come since. Returns: those that could not be, since
 * the promise has been used. */
static weir_then *put_back(weir_future *future, weir_then *chain)
{
    while (chain != NULL) {
        weir_then *const newer = take_chain(future);
        weir_then *last = newer;
        uintptr_t state;

        if (newer != NULL) {
            while (last->next != NULL)
                last = last->next;
            last->next = chain;
            chain = newer;
        }
        /* sync(done): acquire. Pairs with the fetch_add in weir__promise_settle(); the result. */
        state = weir_atomic_load(&future->state, WEIR_ACQUIRE);
        if ((state & WEIR__FUTURE_DONE) != 0)
            break;
        if (then_of(state) == NULL &&
            /* sync(chained): release. Pairs with the fetch_add in weir__promise_settle() and the
             * compare-and-swap in take_chain(); the links. relaxed on failure: it is loaded anew.
             */
            weir_atomic_cas(&future->state, &state, (uintptr_t)chain | state, WEIR_RELEASE,
                            WEIR_RELAXED))
            return NULL;
    }
    return chain;
}

/* Returns: whether it was there. */
static bool take_out(weir_then **chain, const weir_then *then)
{
    while (*chain != NULL && *chain != then)
        chain = &(*chain)->next;
    if (*chain == NULL)
        return false;
    *chain = then->next;
    return true;
}

bool weir_future_unthen(weir_future *future, weir_then *then)
{
    weir_then *chain;
    bool found;

    /* The lock is for others who do the same: they would not find their own. */
    weir__queue_lock(&future->waiters);
    chain = take_chain(future);
    found = take_out(&chain, then);
    chain = put_back(future, chain);
    weir__queue_unlock(&future->waiters);
    call_all(chain, future);
    return found;
}

/* ---- the promise side ---- */

/* The last that this side does with the memory, when it did not end with DONE. */
static void let_go(weir_future *future, bool allocated)
{
    /* sync(finished): release. Pairs with the loads in weir_future_drop() and
     * weir_future_destroy(); what this thread did with the memory. sync(gone): acquire. Pairs with
     * the compare-and-swaps in weir_future_drop() and weir_future_destroy(); that the other side is
     * done with it, or its waiter. */
    const uintptr_t state = weir_atomic_exchange(&future->state, WEIR__FUTURE_DONE, WEIR_ACQ_REL);

    if ((state & WEIR__FUTURE_GONE) == 0)
        return;
    if (allocated)
        free_block(future);
    else
        weir_waiter_unpark((weir_waiter *)(void *)then_of(state));
}

int weir__future_tell(weir_future *future, bool allocated, uintptr_t old)
{
    const bool gone = (old & WEIR__FUTURE_GONE) != 0;
    const bool waited = (old & WEIR__FUTURE_WAITED) != 0;
    weir_then *const newest = then_of(old);

    WEIR_REQUIRE((old & WEIR__FUTURE_DONE) == 0, "a promise is used once");
    if (waited && !gone)
        (void)weir__queue_set(&future->waiters);
    /* The caller's memory may be gone when the last callback has been called. */
    if (waited && !allocated)
        let_go(future, allocated);
    call_all(newest, future);
    if (allocated && gone)
        free_block(future);
    else if (allocated)
        let_go(future, allocated);
    return gone && newest == NULL ? -EPIPE : 0;
}

void weir_promise_drop(weir_promise *promise)
{
    if (promise != NULL)
        (void)weir__promise_settle(promise, -EOWNERDEAD);
}

/* ---- the future side ---- */

/* Of a future that is known to be done. */
static int copy_result(const weir_future *future, void *value)
{
    if (future->status == 0 && value != NULL && future->size != 0)
        memcpy(value, future->value, future->size);
    return future->status;
}

int weir_future_result(const weir_future *future, void *value)
{
    WEIR_REQUIRE(weir_future_is_done(future), "there is no result yet");
    return copy_result(future, value);
}

int weir_future_get(weir_future *future, void *value, uint64_t deadline, weir_cancel *cancel)
{
    const int status = weir_future_wait(future, deadline, cancel);

    return status != 0 ? status : weir_future_result(future, value);
}

void weir_future_cancel(weir_future *future)
{
    /* sync(asked): release. Pairs with the load in weir_promise_wanted(); what this thread had
     * done. */
    weir_atomic_store(&future->cancelled, 1, WEIR_RELEASE);
    if (future->source != NULL)
        (void)weir_cancel_source_cancel(future->source, -ECANCELED);
}

int weir_future_drop(weir_future *future, void *value)
{
    int status = -EBUSY;
    uintptr_t state;

    if (future == NULL)
        return -EINVAL;
    WEIR_REQUIRE(future->allocated, "weir_future_init() made it: weir_future_destroy() is for it");
    /* sync(done): acquire. Pairs with the fetch_add in weir__promise_settle(); the result.
     * sync(finished): acquire. Pairs with that, or with the exchange in let_go(). */
    state = weir_atomic_load(&future->state, WEIR_ACQUIRE);
    for (;;) {
        if ((state & WEIR__FUTURE_DONE) != 0 && status == -EBUSY)
            status = copy_result(future, value);
        if (state == WEIR__FUTURE_DONE) {
            free_block(future);
            return status;
        }
        /* sync(gone): release. Pairs with the fetch_add in weir__promise_settle(), and with the
         * exchange in let_go(); what this thread did with the memory. sync(done): acquire, on
         * failure. Pairs with the fetch_add in weir__promise_settle(). sync(finished): acquire, on
         * failure. Pairs with the exchange in let_go(). */
        if (weir_atomic_cas(&future->state, &state, state | WEIR__FUTURE_GONE, WEIR_RELEASE,
                            WEIR_ACQUIRE))
            return status;
    }
}

int weir_future_destroy(weir_future *future)
{
    struct {
        WEIR_ALIGNAS(8) weir_waiter waiter; /* three bits are the state's */
    } mine;
    weir__spin spin = WEIR__SPIN_INIT;
    uintptr_t state;

    WEIR_REQUIRE(!future->allocated, "weir_future_new() made it: weir_future_drop() is for it");
    /* Who has completed it needs little time. */
    do {
        /* sync(finished): acquire. Pairs with the fetch_add in weir__promise_settle(), or with the
         * exchange in let_go(). */
        state = weir_atomic_load(&future->state, WEIR_ACQUIRE);
        if ((state & WEIR__FUTURE_DONE) == 0)
            return -EBUSY;
        if ((state & WEIR__FUTURE_WAITED) == 0)
            return 0;
    } while (weir__spin_again(&spin));
    weir_waiter_init(&mine.waiter);
    /* sync(gone): release. Pairs with the exchange in let_go(); the waiter. sync(finished):
     * acquire, on failure. Pairs with the exchange in let_go(): no other change may come. */
    if (weir_atomic_cas(&future->state, &state,
                        (uintptr_t)&mine.waiter | WEIR__FUTURE_DONE | WEIR__FUTURE_GONE,
                        WEIR_RELEASE, WEIR_ACQUIRE))
        while (weir_waiter_park(&mine.waiter, WEIR_FOREVER, NULL) != 0)
            continue;
    return 0;
}

/* ---- waiting ---- */

/* Returns: how many there are, up to the first with a result: its index is in *which, else n. */
static size_t look(weir_future *const *futures, size_t n, size_t *which)
{
    size_t there = 0;

    for (*which = 0; *which < n; ++*which)
        if (futures[*which] != NULL) {
            there++;
            if (weir_future_is_done(futures[*which]))
                break;
        }
    return there;
}

/* Puts the node where the thread that completes finds it. Returns: false if there is a result. */
static bool enter(weir_future *future, weir_wait_node *node, weir_waiter *waiter)
{
    uintptr_t state = weir_atomic_load(&future->state, WEIR_RELAXED); /* relaxed: a guess. */

    while ((state & (WEIR__FUTURE_DONE | WEIR__FUTURE_WAITED)) == 0)
        /* relaxed: both: who completes sees it, or this thread what he did; the result is looked at
         * again. */
        if (weir_atomic_cas(&future->state, &state, state | WEIR__FUTURE_WAITED, WEIR_RELAXED,
                            WEIR_RELAXED))
            break;
    return (state & WEIR__FUTURE_DONE) == 0 && weir__queue_enter(&future->waiters, node, waiter);
}

/* There are futures, and there was no result. */
static int sleep_on(weir_future *const *futures, size_t n, weir_wait_node *nodes, uint64_t deadline,
                    weir_cancel *cancel)
{
    weir_waiter waiter;
    size_t entered;
    int status = 0;

    weir_waiter_init(&waiter);
    for (entered = 0; entered < n; entered++)
        if (futures[entered] != NULL && !enter(futures[entered], &nodes[entered], &waiter))
            break;
    if (entered == n)
        status = weir__waiter_wait(&waiter, deadline, cancel);
    while (entered-- > 0)
        if (futures[entered] != NULL)
            (void)weir__queue_leave(&futures[entered]->waiters, &nodes[entered]);
    /* Where nobody gave a result, the token woke this thread. */
    return status != 0 ? status : -ECANCELED;
}

int weir_future_wait_any(weir_future *const *futures, size_t n, weir_wait_node *nodes,
                         size_t *which, uint64_t deadline, weir_cancel *cancel)
{
    weir__spin spin = WEIR__SPIN_INIT;
    size_t found = n;
    int status;

    if (weir_cancel_check(cancel) != 0)
        return -ECANCELED;
    if (look(futures, n, &found) == 0)
        return -EINVAL;
    if (found == n && weir_clock_passed(deadline))
        return -ETIMEDOUT;
    while (found == n && weir__spin_again(&spin))
        (void)look(futures, n, &found);
    if (found == n) {
        status = sleep_on(futures, n, nodes, deadline, cancel);
        (void)look(futures, n, &found);
        if (found == n)
            return status;
    }
    *which = found;
    return 0;
}

int weir__future_wait_on(weir_future *future, uint64_t deadline, weir_cancel *cancel)
{
    weir_wait_node node;
    size_t which;

    return weir_future_wait_any(&future, 1, &node, &which, deadline, cancel);
}

int weir_future_wait_all(weir_future *const *futures, size_t n, uint64_t deadline,
                         weir_cancel *cancel)
{
    int status = weir_cancel_check(cancel);

    for (size_t i = 0; status == 0 && i < n; i++)
        if (futures[i] != NULL)
            status = weir_future_wait(futures[i], deadline, cancel);
    return status;
}
