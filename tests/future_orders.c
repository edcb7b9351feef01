/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/future_orders.c: several futures of weir/future.h; everything that can happen to one, in
 * every order, and at the same time. */

#include "future.h"

/* ---- several ---- */

enum { FUTURES = 3 };

typedef struct several {
    weir_promise *promise[FUTURES];
    weir_future *future[FUTURES];
} several;

static void begin_several(several *s)
{
    for (unsigned i = 0; i < FUTURES; i++)
        CHECK_EQ(weir_future_new(&s->promise[i], &s->future[i], sizeof(int), NULL), 0);
}

static void end_several(several *s)
{
    for (unsigned i = 0; i < FUTURES; i++) {
        weir_promise_drop(s->promise[i]);
        CHECK(weir_future_drop(s->future[i], NULL) != -EBUSY);
    }
}

static void give(several *s, unsigned which)
{
    CHECK_EQ(weir_promise_complete(s->promise[which], &seven), 0);
    s->promise[which] = NULL;
}

static int any(several *s, size_t *which, uint64_t deadline, weir_cancel *cancel)
{
    weir_wait_node nodes[FUTURES];

    return weir_future_wait_any(s->future, FUTURES, nodes, which, deadline, cancel);
}

static void any_of_several(void)
{
    size_t which = 9;
    several s;

    begin_several(&s);
    CHECK_EQ(any(&s, &which, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(any(&s, &which, weir_clock_after(1000000), NULL), -ETIMEDOUT);
    CHECK_EQ(which, 9);
    give(&s, 2);
    CHECK_EQ(any(&s, &which, 0, NULL), 0);
    CHECK_EQ(which, 2);
    give(&s, 1);
    CHECK_EQ(any(&s, &which, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(which, 1);
    CHECK(!weir_future_is_done(s.future[0]));
    CHECK_EQ(weir_future_wait_all(s.future, FUTURES, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_future_wait_all(s.future, FUTURES, weir_clock_after(1000000), NULL), -ETIMEDOUT);
    give(&s, 0);
    CHECK_EQ(weir_future_wait_all(s.future, FUTURES, 0, NULL), 0);
    end_several(&s);
}

static void none_of_several(void)
{
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    weir_cancel *const token = weir_cancel_source_token(&source);
    weir_future *nobody[2] = {NULL, NULL};
    weir_wait_node nodes[2];
    size_t which = 9;
    several s;

    begin_several(&s);
    CHECK_EQ(weir_future_wait_any(nobody, 2, nodes, &which, WEIR_FOREVER, NULL), -EINVAL);
    CHECK_EQ(weir_future_wait_any(s.future, 0, nodes, &which, WEIR_FOREVER, NULL), -EINVAL);
    CHECK_EQ(weir_future_wait_all(nobody, 2, 0, NULL), 0);
    CHECK_EQ(weir_future_wait_all(s.future, 0, 0, NULL), 0);
    (void)weir_cancel_source_cancel(&source, 0);
    CHECK_EQ(weir_future_wait_any(nobody, 2, nodes, &which, WEIR_FOREVER, token), -ECANCELED);
    give(&s, 1);
    CHECK_EQ(any(&s, &which, WEIR_FOREVER, token), -ECANCELED);
    CHECK_EQ(weir_future_wait_all(nobody, 2, 0, token), -ECANCELED);
    CHECK_EQ(which, 9);
    nobody[1] = s.future[1];
    CHECK_EQ(weir_future_wait_any(nobody, 2, nodes, &which, 0, NULL), 0);
    CHECK_EQ(which, 1);
    end_several(&s);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

typedef struct gathering {
    several *s;
    weir_cancel *cancel;
    int status;
    size_t which;
} gathering;

static void *waits_any(void *argument)
{
    gathering *const g = (gathering *)argument;

    g->status = any(g->s, &g->which, WEIR_FOREVER, g->cancel);
    return NULL;
}

static void *waits_all(void *argument)
{
    gathering *const g = (gathering *)argument;

    g->status = weir_future_wait_all(g->s->future, FUTURES, WEIR_FOREVER, g->cancel);
    return NULL;
}

static void who_waits_for_several_is_woken(void)
{
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    gathering g[3];
    pthread_t threads[3];
    several s;

    begin_several(&s);
    for (unsigned i = 0; i < 3; i++) {
        g[i] = (gathering){&s, i == 2 ? weir_cancel_source_token(&source) : NULL, 1, 9};
        start(&threads[i], i == 1 ? waits_all : waits_any, &g[i]);
    }
    until_they_sleep(s.future[0], 3);
    until_they_sleep(s.future[2], 2);
    (void)weir_cancel_source_cancel(&source, 0);
    join(threads[2]);
    CHECK_EQ(g[2].status, -ECANCELED);
    CHECK_EQ(g[2].which, 9);
    give(&s, 1);
    join(threads[0]);
    CHECK_EQ(g[0].status, 0);
    CHECK_EQ(g[0].which, 1);
    give(&s, 2);
    give(&s, 0);
    join(threads[1]);
    CHECK_EQ(g[1].status, 0);
    end_several(&s);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

/* ---- every order ---- */

/* What has happened so far, by the contract. */
typedef struct history {
    bool done, cancelled, dropped, added;
    int status;
} history;

typedef struct world {
    weir_promise *promise;
    weir_future *future;
    weir_cancel *cancelled;
    noted n;
} world;

/* One event; those of the future side are passed over once it has been dropped. */
static void happens(char event, world *w, history *h)
{
    const bool heard = !h->dropped || h->added;
    int value = 0;

    if (strchr("cfx", event) != NULL) {
        CHECK_EQ(weir_promise_wanted(w->promise), !h->cancelled && heard);
        h->status = event == 'c' ? 0 : event == 'f' ? -EIO : -EOWNERDEAD;
        h->done = true;
        if (event == 'c')
            CHECK_EQ(weir_promise_complete(w->promise, &seven), heard ? 0 : -EPIPE);
        else if (event == 'f')
            CHECK_EQ(weir_promise_fail(w->promise, -EIO), heard ? 0 : -EPIPE);
        else
            weir_promise_drop(w->promise);
    } else if (h->dropped) {
        return;
    } else if (event == 'a') {
        weir_future_cancel(w->future);
        h->cancelled = true;
    } else if (event == 't') {
        CHECK_EQ(weir_future_get(w->future, &value, 1, NULL), h->done ? h->status : -ETIMEDOUT);
    } else if (event == 'k') {
        CHECK_EQ(weir_future_get(w->future, &value, WEIR_FOREVER, w->cancelled), -ECANCELED);
    } else if (event == 'n') {
        weir_future_then(w->future, &w->n.then, note);
        h->added = true;
    } else {
        CHECK_EQ(weir_future_drop(w->future, &value), h->done ? h->status : -EBUSY);
        h->dropped = true;
    }
    CHECK_EQ(value, event != 'a' && event != 'n' && event != 'k' && strchr("cfx", event) == NULL &&
                            h->done && h->status == 0
                        ? 7
                        : 0);
    CHECK_EQ(w->n.calls, h->done && h->added);
    if (w->n.calls != 0)
        is_noted(&w->n, h->status, 7);
    CHECK_EQ(test_alloc_live == 0, h->done && h->dropped);
}

static unsigned orders;

/* All orders of the events from `from` on. */
static void permute(char *events, size_t from, weir_cancel *cancelled)
{
    if (events[from] == '\0') {
        history h = {false, false, false, false, 0};
        world w;

        begin(&w.promise, &w.future, sizeof(int));
        w.cancelled = cancelled;
        memset(&w.n, 0, sizeof w.n);
        for (size_t i = 0; events[i] != '\0'; i++)
            happens(events[i], &w, &h);
        CHECK(h.done && h.dropped);
        end();
        orders++;
        return;
    }
    for (size_t i = from; events[i] != '\0'; i++) {
        const char event = events[i];

        events[i] = events[from];
        events[from] = event;
        permute(events, from + 1, cancelled);
        events[from] = events[i];
        events[i] = event;
    }
}

/* R23 (cpython #86296, #7216), U42: result, failure, broken promise; cancel, timeout, token,
 * callback, and the end of each side, in every order: a cancel is not lost, a result neither, and
 * each is given once; what was allocated is freed once. */
static void every_order(void)
{
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;

    (void)weir_cancel_source_cancel(&source, 0);
    orders = 0;
    for (const char *ends = "cfx"; *ends != '\0'; ends++) {
        char events[] = "?atknd";

        events[0] = *ends;
        permute(events, 0, weir_cancel_source_token(&source));
    }
    CHECK_EQ(orders, 3 * 720);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

/* ---- at the same time ---- */

static pthread_barrier_t gate;

typedef struct race {
    weir_promise *promise;
    weir_future *future;
    weir_cancel_source source;
    weir_cancel_callback handler;
    WEIR_ATOMIC(unsigned) handled;
    noted n;
} race;

static void handle(void *context, int reason)
{
    race *const r = (race *)context;

    CHECK_EQ(reason, -ECANCELED);
    /* relaxed: a number. */
    weir_atomic_fetch_add(&r->handled, 1, WEIR_RELAXED);
}

static void *race_cancels(void *argument)
{
    pthread_barrier_wait(&gate);
    weir_future_cancel(((race *)argument)->future);
    return NULL;
}

static void *race_completes(void *argument)
{
    race *const r = (race *)argument;
    int status;

    pthread_barrier_wait(&gate);
    status = weir_cancel_unregister(&r->handler, WEIR_FOREVER, NULL);
    CHECK(status == 0 || status == -EALREADY);
    /* relaxed: the handler has run, or will not. */
    CHECK_EQ(weir_atomic_load(&r->handled, WEIR_RELAXED), status == 0 ? 0 : 1);
    memset(&r->handler, 0x5a, sizeof r->handler);
    CHECK_EQ(weir_promise_complete(r->promise, &seven), 0);
    return NULL;
}

static void *race_adds(void *argument)
{
    race *const r = (race *)argument;

    pthread_barrier_wait(&gate);
    weir_future_then(r->future, &r->n.then, note);
    return NULL;
}

/* R24 (folly d0edf4c66, f4c8e8337), U41: one thread cancels, one completes and takes its handler
 * away, one attaches a callback. */
static void a_cancel_handler_runs_once_at_most(void)
{
    CHECK_EQ(pthread_barrier_init(&gate, NULL, 3), 0);
    for (unsigned round = 0; round < 300; round++) {
        void *(*const bodies[])(void *) = {race_cancels, race_completes, race_adds};
        pthread_t threads[3];
        race r;

        memset((void *)&r, 0, sizeof r);
        test_alloc_fail_at(0);
        weir_cancel_source_init(&r.source, NULL, WEIR_FOREVER);
        CHECK_EQ(weir_future_new(&r.promise, &r.future, sizeof(int), &r.source), 0);
        CHECK(weir_cancel_register(weir_promise_token(r.promise), &r.handler, handle, &r));
        for (unsigned i = 0; i < 3; i++)
            start(&threads[i], bodies[i], &r);
        for (unsigned i = 0; i < 3; i++)
            join(threads[i]);
        is_noted(&r.n, 0, 7);
        CHECK_EQ(weir_future_drop(r.future, NULL), 0);
        CHECK_EQ(weir_cancel_source_destroy(&r.source), 0);
        end();
    }
    pthread_barrier_destroy(&gate);
}

int main(void)
{
    return TEST_RUN("future_orders", TEST_CASE(any_of_several), TEST_CASE(none_of_several),
                    TEST_CASE(who_waits_for_several_is_woken), TEST_CASE(every_order),
                    TEST_CASE(a_cancel_handler_runs_once_at_most));
}
