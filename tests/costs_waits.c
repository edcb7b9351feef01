/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Rows of waiting, when there is nothing to wait for: wait, cancel, future, sem. */

#include "costs.h"

#ifdef COSTS_ARE_COUNTED

/* ---- wait ---- */

static weir_waiter waiter;
static weir_event event;
static weir_sleeper sleeper, behind;
static weir_cancel_source token_source = WEIR_CANCEL_SOURCE_INIT;
static weir_cancel *const token = &token_source.token;

static void woken(weir_waiter *w)
{
    (void)w;
}

/* `n`: whether it has been unparked. */
static void waiter_parks(unsigned n)
{
    weir_waiter_init(&waiter);
    if (n != 0)
        weir_waiter_unpark(&waiter);
}

enum { IDLE, UNPARKED, ARMED };

static void waiter_calls(unsigned n)
{
    weir_waiter_init_call(&waiter, woken);
    if (n == UNPARKED)
        weir_waiter_unpark(&waiter);
    if (n == ARMED)
        costs_require(weir_waiter_arm(&waiter), "it has been unparked");
}

enum { PREPARED = 1, NOTIFIED = 2, TWO = 4 };

static void event_has(unsigned n)
{
    weir_event_init(&event);
    if ((n & PREPARED) != 0)
        weir_event_prepare(&event, &sleeper);
    if ((n & TWO) != 0)
        weir_event_prepare(&event, &behind);
    if ((n & NOTIFIED) != 0)
        weir_event_notify(&event, 1);
}

static bool ready(void *context)
{
    return context != NULL;
}

static void wait_rows(void)
{
    costs_structure = "waiter";
    ROW(waiter, init, "", NULL, 0, ANY, P(&waiter));
    ROW(waiter, unpark, "nobody parks", waiter_parks, 0, ANY, P(&waiter));
    ROW(waiter, unpark, "unparked before", waiter_parks, 1, ANY, P(&waiter));
    ROW(waiter, park, "unparked before", waiter_parks, 1, 0, P(&waiter), WEIR_FOREVER, 0);
    ROW(waiter, park, "unparked before, a token", waiter_parks, 1, 0, P(&waiter), WEIR_FOREVER,
        P(token));
    ROW(waiter, park, "deadline 0", waiter_parks, 0, ERROR(ETIMEDOUT), P(&waiter), 0, 0);
    ROW(waiter, arm, "", waiter_calls, IDLE, YES, P(&waiter));
    ROW(waiter, arm, "unparked before", waiter_calls, UNPARKED, NO, P(&waiter));
    ROW(waiter, unpark, "calls a function", waiter_calls, ARMED, ANY, P(&waiter));

    costs_structure = "event";
    ROW(event, notify, "nobody is there", event_has, 0, ANY, P(&event), 1);
    ROW(event, notify, "one has prepared", event_has, PREPARED, ANY, P(&event), 1);
    ROW(event, notify_all, "nobody is there", event_has, 0, ANY, P(&event));
    ROW(event, notify_all, "two have prepared", event_has, PREPARED | TWO, ANY, P(&event));
    ROW(event, prepare, "nobody is there", event_has, 0, ANY, P(&event), P(&sleeper));
    ROW(event, prepare, "behind another", event_has, TWO, ANY, P(&event), P(&sleeper));
    ROW(event, withdraw, "in time", event_has, PREPARED, ANY, P(&event), P(&sleeper));
    ROW(event, withdraw, "notified", event_has, PREPARED | NOTIFIED, ANY, P(&event), P(&sleeper));
    ROW(event, withdraw, "notified, hands it on", event_has, PREPARED | TWO | NOTIFIED, ANY,
        P(&event), P(&sleeper));
    ROW(event, wait, "notified", event_has, PREPARED | NOTIFIED, 0, P(&event), P(&sleeper),
        WEIR_FOREVER, 0);
    ROW(event, await, "ready", event_has, 0, 0, P(&event), P(ready), P(&event), WEIR_FOREVER, 0);
    ROW(event, await, "not ready, deadline 0", event_has, 0, ERROR(ETIMEDOUT), P(&event), P(ready),
        0, 0, 0);
}

/* ---- cancel ---- */

enum { CANCELLED = 1, TIMED = 2, PARENT = 4, CHILD = 8, CALLBACK = 16 };

static weir_cancel_source parent, source, child;
static weir_cancel_callback callback;

static void hear(void *context, int reason)
{
    (void)context;
    (void)reason;
}

static void source_is(unsigned n)
{
    weir_cancel_source_init(&parent, NULL, WEIR_FOREVER);
    weir_cancel_source_init(&source, (n & PARENT) != 0 ? &parent.token : NULL,
                            (n & TIMED) != 0 ? WEIR_FOREVER - 1 : WEIR_FOREVER);
    if ((n & CHILD) != 0)
        weir_cancel_source_init(&child, &source.token, WEIR_FOREVER);
    if ((n & CALLBACK) != 0)
        costs_require(weir_cancel_register(&source.token, &callback, hear, NULL), "cancelled");
    if ((n & CANCELLED) != 0)
        costs_require(weir_cancel_source_cancel(&source, 0), "cancelled before");
}

static void cancel_rows(void)
{
    const uintptr_t its_token = P(&source.token);

    costs_structure = "cancel";
    ROW(cancel, check, "no token", NULL, 0, 0, 0);
    ROW(cancel, check, "not cancelled", source_is, 0, 0, its_token);
    ROW(cancel, check, "not cancelled, has a parent", source_is, PARENT, 0, its_token);
    ROW(cancel, check, "a deadline, later", source_is, TIMED, 0, its_token);
    ROW(cancel, check, "cancelled", source_is, CANCELLED, ERROR(ECANCELED), its_token);
    ROW(cancel, reason, "not cancelled", source_is, 0, 0, its_token);
    ROW(cancel, reason, "cancelled", source_is, CANCELLED, ERROR(ECANCELED), its_token);
    ROW(cancel, wait, "cancelled", source_is, CANCELLED, 0, its_token, WEIR_FOREVER, 0);
    ROW(cancel, source_init, "no parent", source_is, 0, ANY, P(&source), 0, WEIR_FOREVER);
    ROW(cancel, source_init, "a parent", source_is, 0, ANY, P(&source), P(&parent.token),
        WEIR_FOREVER);
    ROW(cancel, source_destroy, "no parent", source_is, 0, 0, P(&source));
    ROW(cancel, source_destroy, "a parent", source_is, PARENT, 0, P(&source));
    ROW(cancel, source_destroy, "has a child", source_is, CHILD, ERROR(EBUSY), P(&source));
    ROW(cancel, source_cancel, "nobody waits", source_is, 0, YES, P(&source), 0);
    ROW(cancel, source_cancel, "one child", source_is, CHILD, YES, P(&source), 0);
    ROW(cancel, source_cancel, "one callback", source_is, CALLBACK, YES, P(&source), 0);
    ROW(cancel, source_cancel, "cancelled before", source_is, CANCELLED, NO, P(&source), 0);
    ROW(cancel, register, "not cancelled", source_is, 0, YES, its_token, P(&callback), P(hear), 0);
    ROW(cancel, register, "cancelled, calls it", source_is, CANCELLED, NO, its_token, P(&callback),
        P(hear), 0);
    ROW(cancel, unregister, "in time", source_is, CALLBACK, 0, P(&callback), WEIR_FOREVER, 0);
    ROW(cancel, unregister, "it has run", source_is, CALLBACK | CANCELLED, ERROR(EALREADY),
        P(&callback), WEIR_FOREVER, 0);
}

/* ---- future ---- */

enum { LISTENED = 1, WAITED = 2, DONE = 4, DROPPED = 8 };

static weir_future here, *future;
static weir_promise *promise, *made, *orphan;
static weir_then then;
static uint64_t value = 5, place;

static void continued(weir_then *t, weir_future *f)
{
    (void)t;
    (void)f;
}

static void comes_to(unsigned n)
{
    if ((n & LISTENED) != 0)
        weir_future_then(future, &then, continued);
    /* A thread that comes too late does not wait. relaxed: alone. */
    while ((n & WAITED) != 0 &&
           (weir_atomic_load(&future->state, WEIR_RELAXED) & WEIR__FUTURE_WAITED) == 0)
        costs_require(weir_future_wait(future, weir_clock_after(1000), NULL) != 0, "it is done");
    if ((n & DROPPED) != 0)
        costs_require(weir_future_drop(future, NULL) != 0, "it is done");
    if ((n & DONE) != 0)
        costs_require(weir_promise_complete(promise, &value) == 0, "it was dropped");
}

static void future_here(unsigned n)
{
    weir_future_init(&here, &place, sizeof place, NULL);
    future = &here;
    promise = weir_future_promise(future);
    comes_to(n);
}

/* In a block. The row's argument is its promise if it was dropped, else the future. */
static void future_made(unsigned n)
{
    costs_require(weir_future_new(&promise, &future, sizeof value, NULL) == 0, "no future");
    comes_to(n);
    costs_now.argument[0] = (n & DROPPED) != 0 ? P(promise) : P(future);
}

/* The row drops it before it is done. */
static void future_without_result(unsigned n)
{
    weir_promise_drop(orphan);
    future_made(n);
    orphan = promise;
}

/* The row makes one. */
static void no_future(unsigned n)
{
    (void)n;
    if (made != NULL) {
        weir_promise_drop(made);
        (void)weir_future_drop(future, NULL);
    }
    made = NULL;
}

static void future_rows(void)
{
    costs_structure = "future";
    ROW(future, new, "8 bytes", no_future, 0, 0, P(&made), P(&future), 8, 0);
    no_future(0);
    ROW(future, init, "", NULL, 0, ANY, P(&here), P(&place), 8, 0);
    ROW(future_word, complete, "nobody has come", future_here, 0, 0, P(&here), 5);
    ROW(promise, complete, "nobody has come, not typed", future_here, 0, 0, P(&here), P(&value));
    ROW(promise, complete, "a callback", future_here, LISTENED, 0, P(&here), P(&value));
    ROW(promise, complete, "a thread has waited", future_here, WAITED, 0, P(&here), P(&value));
    ROW(promise, complete, "it was dropped", future_made, DROPPED, ERROR(EPIPE), 0, P(&value));
    ROW(promise, fail, "nobody has come", future_here, 0, 0, P(&here), (uintptr_t)-EIO);
    ROW(promise, wanted, "", future_here, 0, YES, P(&here));
    ROW(future, is_done, "", future_here, DONE, YES, P(&here));
    ROW(future, peek, "done", future_here, DONE, ANY, P(&here));
    ROW(future, wait, "done", future_here, DONE, 0, P(&here), WEIR_FOREVER, 0);
    ROW(future, wait, "done, a token", future_here, DONE, 0, P(&here), WEIR_FOREVER, P(token));
    ROW(future, wait, "not done, deadline 0", future_here, 0, ERROR(ETIMEDOUT), P(&here), 0, 0);
    ROW(future, get, "done", future_here, DONE, 0, P(&here), P(&place), WEIR_FOREVER, 0);
    ROW(future, then, "not done", future_here, 0, ANY, P(&here), P(&then), P(continued));
    ROW(future, then, "done, calls it", future_here, DONE, ANY, P(&here), P(&then), P(continued));
    ROW(future, unthen, "in time", future_here, LISTENED, YES, P(&here), P(&then));
    ROW(future, unthen, "it was called", future_here, LISTENED | DONE, NO, P(&here), P(&then));
    ROW(future, cancel, "no source", future_here, 0, ANY, P(&here));
    ROW(future, destroy, "done", future_here, DONE, 0, P(&here));
    ROW(future, drop, "done", future_made, DONE, 0, 0, P(&place));
    ROW(future, drop, "not done", future_without_result, 0, ERROR(EBUSY), 0, P(&place));
    weir_promise_drop(orphan);
    orphan = NULL;
}

/* ---- sem ---- */

static weir_sem sem;
static weir_latch latch;
static weir_wait_group group;
static weir_barrier barrier;

static void sem_has(unsigned n)
{
    weir_sem_init(&sem, n);
}

static void latch_has(unsigned n)
{
    weir_latch_init(&latch, n);
}

static void group_has(unsigned n)
{
    weir_wait_group_init(&group);
    weir_wait_group_add(&group, n);
}

static void barrier_of(unsigned n)
{
    weir_barrier_init(&barrier, n);
}

static void sem_rows(void)
{
    costs_structure = "sem";
    ROW(sem, acquire, "there are permits", sem_has, 2, 0, P(&sem), 1, WEIR_FOREVER, 0);
    ROW(sem, acquire, "there are permits, a token", sem_has, 2, 0, P(&sem), 1, WEIR_FOREVER,
        P(token));
    ROW(sem, acquire, "there are none, deadline 0", sem_has, 0, ERROR(ETIMEDOUT), P(&sem), 1, 0, 0);
    ROW(sem, try_acquire, "there are permits", sem_has, 2, 0, P(&sem), 1);
    ROW(sem, try_acquire, "there are none", sem_has, 0, ERROR(EAGAIN), P(&sem), 1);
    ROW(sem, release, "nobody waits", sem_has, 2, ANY, P(&sem), 1);

    costs_structure = "latch";
    ROW(latch, count_down, "not the last", latch_has, 2, ANY, P(&latch), 1);
    ROW(latch, count_down, "the last, nobody waits", latch_has, 1, ANY, P(&latch), 1);
    ROW(latch, wait, "open", latch_has, 0, 0, P(&latch), WEIR_FOREVER, 0);
    ROW(latch, wait, "open, a token", latch_has, 0, 0, P(&latch), WEIR_FOREVER, P(token));
    ROW(latch, wait, "closed, deadline 0", latch_has, 1, ERROR(ETIMEDOUT), P(&latch), 0, 0);
    ROW(latch, try_wait, "open", latch_has, 0, YES, P(&latch));

    costs_structure = "wait_group";
    ROW(wait_group, add, "", group_has, 1, ANY, P(&group), 1);
    ROW(wait_group, done, "not the last", group_has, 2, ANY, P(&group));
    ROW(wait_group, done, "the last, nobody waits", group_has, 1, ANY, P(&group));
    ROW(wait_group, wait, "nothing is to be done", group_has, 0, 0, P(&group), WEIR_FOREVER, 0);
    ROW(wait_group, try_wait, "something is to be done", group_has, 1, NO, P(&group));

    costs_structure = "barrier";
    ROW(barrier, wait, "of one", barrier_of, 1, 1, P(&barrier), WEIR_FOREVER, 0);
    ROW(barrier, wait, "of two, deadline 0", barrier_of, 2, ERROR(ETIMEDOUT), P(&barrier), 0, 0);
}

void costs_of_waits(void)
{
    wait_rows();
    cancel_rows();
    future_rows();
    sem_rows();
}

#else

/* A translation unit is not empty. */
typedef int costs_none;

#endif
