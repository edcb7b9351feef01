/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/cancel.h: a token, who waits with it, and its callbacks. Trees and deadlines:
 * tests/cancel_tree.c. */

#include "cancel.h"

/* ---- one token ---- */

static weir_cancel_source at_rest = WEIR_CANCEL_SOURCE_INIT;

static void a_token_is_cancelled_once_and_for_good(void)
{
    static const int reasons[] = {-ECANCELED, -ETIMEDOUT, 1, INT_MAX, INT_MIN, -1};
    weir_cancel_source source;

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
        CHECK_EQ(weir_cancel_check(token_of(&source)), 0);
        CHECK_EQ(weir_cancel_reason(token_of(&source)), 0);
        CHECK(weir_cancel_source_cancel(&source, reasons[i]));
        CHECK(!weir_cancel_source_cancel(&source, 77));
        CHECK_EQ(weir_cancel_check(token_of(&source)), -ECANCELED);
        CHECK_EQ(weir_cancel_check(token_of(&source)), -ECANCELED);
        CHECK_EQ(weir_cancel_reason(token_of(&source)), reasons[i]);
        CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    }
}

static void what_a_static_source_and_null_say(void)
{
    CHECK_EQ(weir_cancel_check(token_of(&at_rest)), 0);
    CHECK(weir_cancel_deadline(token_of(&at_rest)) == WEIR_FOREVER);
    CHECK(weir_cancel_source_cancel(&at_rest, 0));
    CHECK_EQ(weir_cancel_reason(token_of(&at_rest)), -ECANCELED);
    CHECK_EQ(weir_cancel_source_destroy(&at_rest), 0);
    CHECK_EQ(weir_cancel_check(NULL), 0);
    CHECK_EQ(weir_cancel_reason(NULL), 0);
    CHECK(weir_cancel_deadline(NULL) == WEIR_FOREVER);
}

static bool is_true(void *context)
{
    return *(bool *)context;
}

static void a_cancelled_token_comes_first(void)
{
    bool ready = true;
    weir_cancel_source source;
    weir_waiter waiter;
    weir_event event = WEIR_EVENT_INIT;

    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
    weir_waiter_init(&waiter);
    weir_waiter_unpark(&waiter);
    CHECK(weir_cancel_source_cancel(&source, 5));
    CHECK_EQ(weir_waiter_park(&waiter, WEIR_FOREVER, token_of(&source)), -ECANCELED);
    CHECK_EQ(weir_waiter_park(&waiter, 0, token_of(&source)), -ECANCELED);
    CHECK_EQ(weir_waiter_park(&waiter, WEIR_FOREVER, NULL), 0); /* the unpark was kept */
    CHECK_EQ(weir_event_await(&event, is_true, &ready, WEIR_FOREVER, token_of(&source)),
             -ECANCELED);
    CHECK_EQ(weir_cancel_wait(token_of(&source), WEIR_FOREVER, token_of(&source)), -ECANCELED);
    CHECK_EQ(weir_cancel_wait(token_of(&source), 0, NULL), 0);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

/* ---- who waits ---- */

typedef struct guest {
    weir_cancel *token;
    weir_waiter waiter;
    uint64_t deadline;
    const int *written; /* plain: the cancel orders it */
    int status;
} guest;

static void *park_guest(void *argument)
{
    guest *const g = (guest *)argument;

    g->status = weir_waiter_park(&g->waiter, g->deadline, g->token);
    if (g->status == -ECANCELED && g->written != NULL)
        CHECK_EQ(*g->written, 1);
    return NULL;
}

static void *wait_guest(void *argument)
{
    guest *const g = (guest *)argument;

    g->status = weir_cancel_wait(g->token, g->deadline, NULL);
    if (g->status == 0 && g->written != NULL)
        CHECK_EQ(*g->written, 1);
    return NULL;
}

static void all_who_wait_are_woken(void)
{
    enum { GUESTS = 40, ROUNDS = 20 };
    static guest guests[GUESTS];
    pthread_t threads[GUESTS];
    weir_cancel_source source, child;
    int written;

    for (int round = 0; round < ROUNDS; round++) {
        written = 0;
        weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
        weir_cancel_source_init(&child, token_of(&source), WEIR_FOREVER);
        for (int i = 0; i < GUESTS; i++) {
            guests[i].token = token_of(i % 3 == 0 ? &child : &source);
            weir_waiter_init(&guests[i].waiter);
            guests[i].deadline = WEIR_FOREVER;
            guests[i].written = &written;
            CHECK(pthread_create(&threads[i], NULL, i % 2 == 0 ? park_guest : wait_guest,
                                 &guests[i]) == 0);
        }
        written = 1;
        CHECK(weir_cancel_source_cancel(&source, 5));
        for (int i = 0; i < GUESTS; i++) {
            CHECK(pthread_join(threads[i], NULL) == 0);
            CHECK_EQ(guests[i].status, i % 2 == 0 ? -ECANCELED : 0);
        }
        CHECK_EQ(weir_cancel_source_destroy(&child), 0);
        CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    }
}

static void a_wait_for_a_token_can_be_cancelled_itself(void)
{
    weir_cancel_source source, other;

    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
    weir_cancel_source_init(&other, NULL, weir_clock_after(2 * MS));
    CHECK_EQ(weir_cancel_wait(token_of(&source), 0, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_cancel_wait(token_of(&source), weir_clock_after(MS), NULL), -ETIMEDOUT);
    CHECK_EQ(weir_cancel_wait(token_of(&source), WEIR_FOREVER, token_of(&other)), -ECANCELED);
    CHECK_EQ(weir_cancel_check(token_of(&source)), 0);
    CHECK_EQ(weir_cancel_reason(token_of(&other)), -ETIMEDOUT);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    CHECK_EQ(weir_cancel_source_destroy(&other), 0);
}

/* ---- a result, a cancel and a deadline, in each order ---- */

typedef struct product {
    weir_cancel_source source;
    weir_event event;
    WEIR_ATOMIC(bool) result;
    uint64_t deadline;
    int status;
} product;

static bool has_result(void *context)
{
    /* sync: none. relaxed: the event's notification carries it. */
    return weir_atomic_load(&((product *)context)->result, WEIR_RELAXED);
}

static void *await_product(void *argument)
{
    product *const p = (product *)argument;

    p->status = weir_event_await(&p->event, has_result, p, p->deadline, token_of(&p->source));
    return NULL;
}

static void happens(product *p, char what)
{
    if (what == 'r') {
        /* relaxed: see has_result(). */
        weir_atomic_store(&p->result, true, WEIR_RELAXED);
        weir_event_notify(&p->event, 1);
    } else if (what == 'c') {
        CHECK(weir_cancel_source_cancel(&p->source, 9));
    } else {
        while (!weir_clock_passed(p->deadline))
            continue;
    }
}

/* The first to happen decides, and none of the others is lost: the next wait finds it. */
static void the_first_of_three_decides(void)
{
    static const char *const orders[] = {"rcd", "rdc", "crd", "cdr", "drc", "dcr"};

    for (size_t i = 0; i < 6; i++) {
        const char *const order = orders[i];
        static product p;
        pthread_t thread;
        bool cancelled = false, ready = false;

        weir_cancel_source_init(&p.source, NULL, WEIR_FOREVER);
        weir_event_init(&p.event);
        weir_atomic_init(&p.result, false);
        p.deadline = order[0] == 'd' ? weir_clock_after(2 * MS) : WEIR_FOREVER;
        CHECK(pthread_create(&thread, NULL, await_product, &p) == 0);
        happens(&p, order[0]);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK_EQ(p.status, order[0] == 'r' ? 0 : order[0] == 'c' ? -ECANCELED : -ETIMEDOUT);
        for (int next = 0; next < 3; next++) {
            p.deadline = 0; /* it has passed in any case */
            if (next > 0)
                happens(&p, order[next]);
            cancelled |= order[next] == 'c';
            ready |= order[next] == 'r';
            await_product(&p);
            CHECK_EQ(p.status, cancelled ? -ECANCELED : ready ? 0 : -ETIMEDOUT);
        }
        CHECK_EQ(weir_cancel_reason(token_of(&p.source)), 9);
        CHECK_EQ(weir_cancel_source_destroy(&p.source), 0);
    }
}

/* ---- callbacks ---- */

static void callbacks_run_once_and_in_order(void)
{
    weir_cancel_source parent, child;
    note notes[6];

    turns = 0;
    weir_cancel_source_init(&parent, NULL, WEIR_FOREVER);
    weir_cancel_source_init(&child, token_of(&parent), WEIR_FOREVER);
    for (int i = 0; i < 6; i++)
        CHECK(watch(token_of(i < 3 ? &parent : &child), &notes[i]));
    CHECK_EQ(weir_cancel_unregister(&notes[1].callback, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_cancel_unregister(&notes[1].callback, WEIR_FOREVER, NULL), -EALREADY);
    CHECK_EQ(weir_cancel_source_destroy(&child), -EBUSY);
    CHECK(weir_cancel_source_cancel(&parent, 12));
    CHECK(!weir_cancel_source_cancel(&child, 13));
    for (unsigned i = 0; i < 6; i++) {
        CHECK_EQ(notes[i].calls, i != 1);
        CHECK_EQ(weir_cancel_unregister(&notes[i].callback, 0, NULL), -EALREADY);
        if (i == 1)
            continue;
        CHECK_EQ(notes[i].reason, 12);
        CHECK_EQ(notes[i].turn, i == 0 ? 1 : i);
    }
    CHECK(!watch(token_of(&child), &notes[0])); /* at once */
    CHECK_EQ(notes[0].calls, 1);
    CHECK_EQ(notes[0].reason, 12);
    CHECK_EQ(notes[0].turn, 6);
    CHECK_EQ(weir_cancel_unregister(&notes[0].callback, 0, NULL), -EALREADY);
    CHECK_EQ(weir_cancel_source_destroy(&child), 0);
    CHECK_EQ(weir_cancel_source_destroy(&parent), 0);
}

/* Its callback does all that one may do. */
typedef struct busy_one {
    weir_cancel_source source, parent, elsewhere, sibling;
    weir_cancel_callback *self; /* from malloc() */
    note earlier, later, nested, far;
    bool inside;
} busy_one;

static void do_it_all(void *context, int reason)
{
    busy_one *const b = (busy_one *)context;
    weir_cancel_source born;

    CHECK_EQ(reason, 3);
    CHECK_EQ(weir_cancel_check(token_of(&b->source)), -ECANCELED);
    CHECK_EQ(weir_cancel_unregister(b->self, WEIR_FOREVER, NULL), -EDEADLK);
    CHECK_EQ(weir_cancel_unregister(b->self, 0, NULL), -EDEADLK);
    CHECK_EQ(weir_cancel_unregister(b->self, 0, token_of(&b->source)), -EDEADLK);
    CHECK_EQ(weir_cancel_unregister(&b->earlier.callback, WEIR_FOREVER, NULL), -EALREADY);
    /* What needs no wait is done, whatever the token. */
    CHECK_EQ(weir_cancel_unregister(&b->later.callback, WEIR_FOREVER, token_of(&b->source)), 0);
    CHECK(!watch(token_of(&b->source), &b->nested));
    CHECK_EQ(b->nested.calls, 1);
    CHECK(weir_cancel_source_cancel(&b->elsewhere, 4));
    CHECK_EQ(b->far.calls, 1);
    CHECK(!weir_cancel_source_cancel(&b->parent, 4));
    CHECK_EQ(weir_cancel_source_destroy(&b->source), -EBUSY);
    CHECK_EQ(weir_cancel_source_destroy(&b->parent), -EBUSY);
    CHECK_EQ(weir_cancel_source_destroy(&b->sibling), 0);
    weir_cancel_source_init(&born, token_of(&b->source), WEIR_FOREVER);
    CHECK_EQ(weir_cancel_reason(token_of(&born)), 3);
    CHECK_EQ(weir_cancel_source_destroy(&born), 0);
    CHECK_EQ(weir_cancel_wait(token_of(&b->source), WEIR_FOREVER, NULL), 0);
    free(b->self);
    b->self = NULL;
    b->inside = true;
}

static void a_callback_may_do_what_any_code_may(void)
{
    static busy_one b;

    for (int with_sibling = 0; with_sibling < 2; with_sibling++) {
        memset(&b, 0, sizeof b);
        weir_cancel_source_init(&b.parent, NULL, WEIR_FOREVER);
        if (with_sibling == 0) /* the lists' other end */
            weir_cancel_source_init(&b.sibling, token_of(&b.parent), WEIR_FOREVER);
        weir_cancel_source_init(&b.source, token_of(&b.parent), WEIR_FOREVER);
        if (with_sibling != 0)
            weir_cancel_source_init(&b.sibling, token_of(&b.parent), WEIR_FOREVER);
        weir_cancel_source_init(&b.elsewhere, NULL, WEIR_FOREVER);
        b.self = (weir_cancel_callback *)malloc(sizeof *b.self);
        CHECK(b.self != NULL);
        CHECK(watch(token_of(&b.source), &b.earlier));
        CHECK(weir_cancel_register(token_of(&b.source), b.self, do_it_all, &b));
        CHECK(watch(token_of(&b.source), &b.later));
        CHECK(watch(token_of(&b.elsewhere), &b.far));
        CHECK(weir_cancel_source_cancel(&b.parent, 3));
        CHECK(b.inside && b.self == NULL);
        CHECK_EQ(b.later.calls, 0);
        CHECK_EQ(weir_cancel_source_destroy(&b.elsewhere), 0);
        CHECK_EQ(weir_cancel_source_destroy(&b.source), 0);
        CHECK_EQ(weir_cancel_source_destroy(&b.parent), 0);
    }
}

/* One whose end the test says. */
typedef struct slow_one {
    weir_cancel_source source;
    weir_cancel_callback callback;
    weir_waiter begun, may_end;
    bool at_once; /* it is run by who registers it */
    int ended;    /* plain: unregistering orders it */
} slow_one;

static void take_long(void *context, int reason)
{
    slow_one *const s = (slow_one *)context;

    (void)reason;
    weir_waiter_unpark(&s->begun);
    CHECK_EQ(weir_waiter_park(&s->may_end, WEIR_FOREVER, NULL), 0);
    s->ended = 1;
}

static void *cancel_slow_one(void *argument)
{
    slow_one *const s = (slow_one *)argument;

    if (s->at_once)
        CHECK(!weir_cancel_register(token_of(&s->source), &s->callback, take_long, s));
    else
        CHECK(weir_cancel_source_cancel(&s->source, 1));
    return NULL;
}

static void *unregister_slow_one(void *argument)
{
    slow_one *const s = (slow_one *)argument;

    CHECK_EQ(weir_cancel_unregister(&s->callback, WEIR_FOREVER, NULL), -EALREADY);
    CHECK_EQ(s->ended, 1);
    return NULL;
}

/* U46: no callback after it, no deadlock from inside it. */
static void unregistering_waits_for_a_callback_that_runs(void)
{
    static slow_one s;
    weir_cancel_source impatient;
    pthread_t canceller, others[3];

    for (int at_once = 0; at_once < 2; at_once++) {
        weir_cancel_source_init(&s.source, NULL, WEIR_FOREVER);
        weir_cancel_source_init(&impatient, NULL, weir_clock_after(2 * MS));
        weir_waiter_init(&s.begun);
        weir_waiter_init(&s.may_end);
        s.at_once = at_once != 0;
        s.ended = 0;
        if (s.at_once)
            CHECK(weir_cancel_source_cancel(&s.source, 1));
        else
            CHECK(weir_cancel_register(token_of(&s.source), &s.callback, take_long, &s));
        CHECK(pthread_create(&canceller, NULL, cancel_slow_one, &s) == 0);
        CHECK_EQ(weir_waiter_park(&s.begun, WEIR_FOREVER, NULL), 0);
        CHECK_EQ(weir_cancel_source_destroy(&s.source), -EBUSY);
        for (int i = 0; i < 3; i++)
            CHECK(pthread_create(&others[i], NULL, unregister_slow_one, &s) == 0);
        CHECK_EQ(weir_cancel_unregister(&s.callback, 0, NULL), -ETIMEDOUT);
        CHECK_EQ(weir_cancel_unregister(&s.callback, weir_clock_after(MS), NULL), -ETIMEDOUT);
        CHECK_EQ(weir_cancel_unregister(&s.callback, WEIR_FOREVER, token_of(&impatient)),
                 -ECANCELED);
        CHECK_EQ(weir_cancel_unregister(&s.callback, WEIR_FOREVER, token_of(&s.source)),
                 -ECANCELED);
        weir_waiter_unpark(&s.may_end);
        unregister_slow_one(&s);
        CHECK(pthread_join(canceller, NULL) == 0);
        for (int i = 0; i < 3; i++)
            CHECK(pthread_join(others[i], NULL) == 0);
        CHECK_EQ(weir_cancel_source_destroy(&impatient), 0);
        CHECK_EQ(weir_cancel_source_destroy(&s.source), 0);
    }
}

int main(void)
{
    return TEST_RUN(
        "cancel", TEST_CASE(a_token_is_cancelled_once_and_for_good),
        TEST_CASE(what_a_static_source_and_null_say), TEST_CASE(a_cancelled_token_comes_first),
        TEST_CASE(all_who_wait_are_woken), TEST_CASE(a_wait_for_a_token_can_be_cancelled_itself),
        TEST_CASE(the_first_of_three_decides), TEST_CASE(callbacks_run_once_and_in_order),
        TEST_CASE(a_callback_may_do_what_any_code_may),
        TEST_CASE(unregistering_waits_for_a_callback_that_runs));
}
