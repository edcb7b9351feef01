/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* abort_controller: a fetch that ends in one of three ways: it is answered, its user aborts it, or
 * its time is over. Its token is a child of the user's, and has a deadline; so one wait
 * knows of all three. There is no timer that would have to be disarmed, and behind each
 * fetch nothing is left: whoever ends a source hears of what still hangs on it. */

#include <weir/cancel.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

enum { FETCHES = 1000, USER_ABORTS = 1 };

typedef enum way { ANSWERED, ABORTED, TIMED_OUT, WAYS } way;

/* ---- the fetch ---- */

typedef struct response {
    weir_event arrived;
    WEIR_ATOMIC(uint32_t) status; /* 0: not yet */
} response;

static int connections; /* open ones; unregistering orders the callback */

static void hang_up(void *connection, int reason)
{
    (void)reason;
    --*(int *)connection;
}

static bool has_status(void *r)
{
    return weir_atomic_load(&((response *)r)->status, WEIR_ACQUIRE) != 0;
}

/* Returns: the status, or why there is none: the user's reason, or -ETIMEDOUT. */
static int fetch(response *r, weir_cancel *signal, uint64_t deadline)
{
    weir_cancel_source source;
    weir_cancel *const token = weir_cancel_source_token(&source);
    weir_cancel_callback at_cancel;
    int status;

    weir_cancel_source_init(&source, signal, deadline);
    connections++;
    (void)weir_cancel_register(token, &at_cancel, hang_up, &connections);
    if (weir_event_await(&r->arrived, has_status, r, WEIR_FOREVER, token) == 0)
        status = (int)weir_atomic_load(&r->status, WEIR_ACQUIRE);
    else
        status = weir_cancel_reason(token);
    /* finally: */
    if (weir_cancel_unregister(&at_cancel, WEIR_FOREVER, NULL) == 0)
        hang_up(&connections, 0);
    if (weir_cancel_source_destroy(&source) != 0)
        return 0; /* cannot be: the callback is out, and nobody else knows the token */
    return status;
}

/* ---- server and user: who ends it, if anybody ---- */

static response r;
static weir_cancel_source controller;
static weir_waiter partner_waits, main_waits;
static way planned; /* plain: the unparks order it */

static void *partner(void *unused)
{
    (void)unused;
    for (int i = 0; i < FETCHES; i++) {
        if (weir_waiter_park(&partner_waits, WEIR_FOREVER, NULL) != 0)
            return NULL;
        if (planned == ANSWERED) {
            weir_atomic_store(&r.status, 200, WEIR_RELEASE);
            weir_event_notify_all(&r.arrived);
        } else if (planned == ABORTED) {
            (void)weir_cancel_source_cancel(&controller, USER_ABORTS);
        }
        weir_waiter_unpark(&main_waits); /* the controller is not touched after this */
    }
    return NULL;
}

int main(void)
{
    static const int expected[WAYS] = {200, USER_ABORTS, -ETIMEDOUT};
    int ended[WAYS] = {0};
    pthread_t thread;

    weir_waiter_init(&partner_waits);
    weir_waiter_init(&main_waits);
    weir_event_init(&r.arrived);
    if (pthread_create(&thread, NULL, partner, NULL) != 0)
        return 1;
    for (int i = 0; i < FETCHES; i++) {
        int status;

        planned = (way)(i % WAYS);
        weir_atomic_store(&r.status, 0, WEIR_RELAXED);
        weir_cancel_source_init(&controller, NULL, WEIR_FOREVER);
        weir_waiter_unpark(&partner_waits);
        status = fetch(&r, weir_cancel_source_token(&controller),
                       planned == TIMED_OUT ? weir_clock_after(100000) : WEIR_FOREVER);
        if (weir_waiter_park(&main_waits, WEIR_FOREVER, NULL) != 0 ||
            weir_cancel_source_destroy(&controller) != 0 || connections != 0)
            return 1;
        if (status != expected[planned])
            return 1;
        ended[planned]++;
    }
    if (pthread_join(thread, NULL) != 0)
        return 1;
    printf("%d fetches: %d answered, %d aborted, %d timed out; %d connections and no timer left\n",
           FETCHES, ended[ANSWERED], ended[ABORTED], ended[TIMED_OUT], connections);
    return 0;
}
