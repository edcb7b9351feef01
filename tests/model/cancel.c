/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/cancel.c: weir/cancel.h in the model checker: cancels against all that may come with
 * them. Callbacks write to plain memory that is freed when the contract says that it may
 * be, and so are children; whoever looks at it too early or too late is caught. */

#include "model.h"

#include <weir/cancel.h>

#include <errno.h>

/* A callback with what it leaves; from malloc(). */
typedef struct note {
    weir_cancel_callback callback;
    unsigned calls;
    int reason;
    bool frees; /* its own memory, when it is called */
} note;

enum { THREADS = 4, LATER = 1000000 };

static weir_cancel_source *root, *other; /* from malloc() */
static weir_cancel_source *child;        /* of root; NULL: none */
static note *notes[2];                   /* of root, and of the child */
static unsigned freed_calls;             /* of notes that are no more */
static bool had_run[THREADS];            /* a callback, in this thread */
static int data;                         /* written before each cancel */
static int who[THREADS];

static weir_cancel *token_of(weir_cancel_source *source)
{
    return weir_cancel_source_token(source);
}

static void called(void *context, int reason)
{
    note *const n = (note *)context;

    weir_check_assert(data != 0);
    n->calls++;
    n->reason = reason;
    if (n->frees) {
        freed_calls++;
        free(n);
    }
}

static note *make_note(void)
{
    note *const n = (note *)calloc(1, sizeof *n);

    weir_check_assert(n != NULL);
    return n;
}

static weir_cancel_source *make_source(weir_cancel *parent, uint64_t deadline)
{
    weir_cancel_source *const source = (weir_cancel_source *)malloc(sizeof *source);

    weir_check_assert(source != NULL);
    weir_cancel_source_init(source, parent, deadline);
    return source;
}

static void end_source(weir_cancel_source *source)
{
    weir_check_assert(weir_cancel_source_destroy(source) == 0);
    free(source);
}

/* ---- bodies of threads ---- */

static void cancel(void *unused)
{
    (void)unused;
    data = 1;
    weir_check_assert(weir_cancel_source_cancel(root, 7));
    weir_check_assert(weir_cancel_check(token_of(root)) == -ECANCELED);
}

static void look(void *unused)
{
    (void)unused;
    if (weir_cancel_check(token_of(root)) != 0)
        weir_check_assert(data == 1 && weir_cancel_reason(token_of(root)) == 7);
}

static void ask(void *unused)
{
    int reason;

    (void)unused;
    reason = weir_cancel_reason(token_of(root));
    weir_check_assert(reason == 0 || (reason == 7 && data == 1));
}

static void wait(void *unused)
{
    (void)unused;
    weir_check_assert(weir_cancel_wait(token_of(root), WEIR_FOREVER, NULL) == 0);
    weir_check_assert(data == 1);
}

static void park(void *unused)
{
    weir_waiter waiter;

    (void)unused;
    weir_waiter_init(&waiter);
    weir_check_assert(weir_waiter_park(&waiter, WEIR_FOREVER, token_of(root)) == -ECANCELED);
    weir_check_assert(data == 1);
}

static void wait_at_child(void *unused)
{
    (void)unused;
    weir_check_assert(weir_cancel_wait(token_of(child), WEIR_FOREVER, NULL) == 0);
    weir_check_assert(data == 1 && weir_cancel_reason(token_of(child)) == 7);
}

static void enrol(void *unused)
{
    note *const n = make_note();

    (void)unused;
    notes[0] = n;
    if (!weir_cancel_register(token_of(root), &n->callback, called, n))
        weir_check_assert(n->calls == 1 && n->reason == 7);
}

/* What it returns tells whether the callback has run; the memory is free in any case. */
static void withdraw(void *argument)
{
    note *const n = notes[(uintptr_t)argument];
    const int status = weir_cancel_unregister(&n->callback, WEIR_FOREVER, NULL);

    weir_check_assert(status == (n->calls == 0 ? 0 : -EALREADY));
    free(n);
}

/* The same, without waiting. */
static void try_withdraw(void *unused)
{
    const int status = weir_cancel_unregister(&notes[0]->callback, 0, NULL);

    (void)unused;
    weir_check_assert(status == 0 || status == -EALREADY || status == -ETIMEDOUT);
    if (status == -ETIMEDOUT)
        return;
    weir_check_assert(status == (notes[0]->calls == 0 ? 0 : -EALREADY));
    free(notes[0]);
    notes[0] = NULL;
}

static void bear(void *unused)
{
    (void)unused;
    child = make_source(token_of(root), WEIR_FOREVER);
    if (weir_cancel_check(token_of(child)) != 0)
        weir_check_assert(data == 1 && weir_cancel_reason(token_of(child)) == 7);
}

static void end_child(void *unused)
{
    (void)unused;
    end_source(child);
    child = NULL;
}

static void bear_and_end(void *unused)
{
    (void)unused;
    end_source(make_source(token_of(root), WEIR_FOREVER));
}

/* ---- scenarios: a cancel of the root beside one or two others ---- */

enum { NOTE = 1, CHILD = 2, CHILDS_NOTE = 4, FREES = 8, GRANDCHILD = 16 };

typedef struct play {
    unsigned with;
    void (*body[3])(void *argument);
    uintptr_t argument;
} play;

static void beside(void *argument)
{
    const play *const p = (const play *)argument;
    weir_cancel_source *low = NULL;

    data = 0;
    freed_calls = 0;
    root = make_source(NULL, WEIR_FOREVER);
    child = (p->with & CHILD) != 0 ? make_source(token_of(root), WEIR_FOREVER) : NULL;
    if ((p->with & GRANDCHILD) != 0)
        low = make_source(token_of(child), WEIR_FOREVER);
    for (unsigned i = 0; i < 2; i++) {
        notes[i] = (p->with & (i == 0 ? NOTE : CHILDS_NOTE)) != 0 ? make_note() : NULL;
        if (notes[i] == NULL)
            continue;
        notes[i]->frees = (p->with & FREES) != 0;
        weir_check_assert(weir_cancel_register(token_of(i == 0 ? root : child), &notes[i]->callback,
                                               called, notes[i]));
    }
    weir_check_thread(cancel, NULL);
    for (unsigned i = 0; i < 3 && p->body[i] != NULL; i++)
        weir_check_thread(p->body[i], (void *)p->argument);
    weir_check_join_all();
    weir_check_assert(weir_cancel_reason(token_of(root)) == 7);
    if (low != NULL) {
        weir_check_assert(weir_cancel_reason(token_of(low)) == 7);
        end_source(low);
    }
    if (child != NULL) {
        weir_check_assert(weir_cancel_reason(token_of(child)) == 7);
        end_child(NULL);
    }
    if ((p->with & FREES) != 0)
        weir_check_assert(freed_calls == 2);
    else if ((p->with & NOTE) != 0 && p->body[0] != withdraw && notes[0] != NULL)
        weir_check_assert(notes[0]->calls == 1);
    for (unsigned i = 0; i < 2 && (p->with & FREES) == 0; i++)
        if (p->body[0] != withdraw || p->argument != i)
            free(notes[i]);
    end_source(root);
}

static const play plays[] = {
    {0, {look}, 0},
    {0, {ask}, 0},
    {0, {wait}, 0},
    {0, {park}, 0},
    {CHILD, {wait_at_child}, 0},
    {NOTE, {look}, 0},
    {NOTE | CHILD | CHILDS_NOTE | FREES, {look}, 0},
    {0, {enrol}, 0},
    {NOTE, {withdraw}, 0},
    {NOTE, {try_withdraw}, 0},
    {CHILD | CHILDS_NOTE, {withdraw}, 1},
    {0, {bear}, 0},
    {0, {bear_and_end}, 0},
    {CHILD, {end_child}, 0},
    {CHILD | NOTE, {end_child}, 0},
    {CHILD | GRANDCHILD, {look}, 0},
    {CHILD, {end_child, bear_and_end}, 0},
    {NOTE, {withdraw, wait}, 0},
};

/* ---- two who cancel ---- */

/* Which of them it was is in the reason. */
static void cancel_as(void *argument)
{
    const int me = (int)(uintptr_t)argument;

    who[me] = 1;
    had_run[me] = weir_cancel_source_cancel(root, me);
    weir_check_assert(who[weir_cancel_reason(token_of(root))] == 1);
}

static void rivals(void *unused)
{
    note *const n = make_note();
    int winner;

    (void)unused;
    memset(had_run, 0, sizeof had_run);
    memset(who, 0, sizeof who);
    data = 1;
    root = make_source(NULL, WEIR_FOREVER);
    weir_check_assert(weir_cancel_register(token_of(root), &n->callback, called, n));
    weir_check_thread(cancel_as, (void *)1);
    weir_check_thread(cancel_as, (void *)2);
    weir_check_join_all();
    winner = weir_cancel_reason(token_of(root));
    weir_check_assert(had_run[winner] && !had_run[3 - winner]);
    weir_check_assert(n->calls == 1 && n->reason == winner);
    free(n);
    end_source(root);
}

/* Of callbacks that run in any thread. */
static WEIR_ATOMIC(unsigned) counted;

static void counts(void *context, int reason)
{
    (void)context;
    (void)reason;
    weir_atomic_fetch_add(&counted, 1, WEIR_RELAXED);
}

/* A child of two, each of which is cancelled. */
static void cancel_parent(void *argument)
{
    weir_cancel_source *const parent = argument != NULL ? other : root;

    weir_check_assert(weir_cancel_source_cancel(parent, argument != NULL ? 2 : 1));
}

enum { CHILD_ENDS = 1, DEEPER = 2 };

static void two_parents(void *argument)
{
    static weir_cancel_link link;
    static weir_cancel_callback above[2];
    const bool ends = (uintptr_t)argument == CHILD_ENDS;
    const bool deeper = (uintptr_t)argument == DEEPER;
    note *const n = ends ? NULL : make_note();
    weir_cancel_source *low = NULL;

    data = 1;
    root = make_source(NULL, WEIR_FOREVER);
    other = make_source(NULL, WEIR_FOREVER);
    child = make_source(token_of(root), WEIR_FOREVER);
    weir_check_assert(weir_cancel_source_link(child, &link, token_of(other)) == 0);
    if (deeper) { /* both walk twice */
        low = make_source(token_of(child), WEIR_FOREVER);
        weir_check_assert(weir_cancel_register(token_of(root), &above[0], counts, NULL));
        weir_check_assert(weir_cancel_register(token_of(other), &above[1], counts, NULL));
    }
    if (n != NULL)
        weir_check_assert(
            weir_cancel_register(token_of(deeper ? low : child), &n->callback, called, n));
    weir_check_thread(cancel_parent, NULL);
    weir_check_thread(cancel_parent, (void *)1);
    if (ends)
        weir_check_thread(end_child, NULL);
    weir_check_join_all();
    if (n != NULL) {
        weir_check_assert(n->calls == 1);
        weir_check_assert(n->reason == weir_cancel_reason(token_of(child)));
        free(n);
        if (deeper)
            end_source(low);
        end_child(NULL);
    }
    end_source(root);
    end_source(other);
}

/* ---- deadlines ---- */

static _Thread_local int me;
static unsigned ran_in[THREADS]; /* the root's callback */

static void runs_in(void *context, int reason)
{
    (void)context;
    weir_check_assert(reason == -ETIMEDOUT || (reason == 7 && me == 2));
    ran_in[me]++;
}

/* Who does not run the callback finds what the other had done before. */
static void sees_expiry(void *argument)
{
    me = (int)(uintptr_t)argument;
    who[me] = 1;
    weir_check_assert(weir_cancel_reason(token_of(me == 2 && child != NULL ? child : root)) ==
                      -ETIMEDOUT);
    if (ran_in[me] == 0)
        weir_check_assert(who[3 - me] == 1);
}

static void waits_for_expiry(void *argument)
{
    me = (int)(uintptr_t)argument;
    weir_check_assert(
        weir_cancel_wait(token_of(child != NULL ? child : root), WEIR_FOREVER, NULL) == 0);
}

static void cancels_too(void *argument)
{
    me = (int)(uintptr_t)argument;
    if (weir_cancel_source_cancel(root, 7))
        weir_check_assert(ran_in[me] == 1);
}

enum { WITH_CHILD = 1, WAITING = 2 };

static void expires(void *argument)
{
    const uintptr_t how = (uintptr_t)argument;
    static weir_cancel_callback of_root, of_child;

    memset(ran_in, 0, sizeof ran_in);
    memset(who, 0, sizeof who);
    root = make_source(NULL, weir_clock_after(LATER));
    child = (how & WITH_CHILD) != 0 ? make_source(token_of(root), WEIR_FOREVER) : NULL;
    weir_check_assert(weir_cancel_register(token_of(root), &of_root, runs_in, NULL));
    if (child != NULL)
        weir_check_assert(weir_cancel_register(token_of(child), &of_child, counts, NULL));
    if ((how & WAITING) == 0) { /* moves the clock on */
        other = make_source(NULL, WEIR_FOREVER);
        weir_check_assert(weir_cancel_wait(token_of(other), weir_clock_after(2 * LATER), NULL) ==
                          -ETIMEDOUT);
        end_source(other);
        weir_check_thread(sees_expiry, (void *)1);
        weir_check_thread(sees_expiry, (void *)2);
    } else {
        weir_check_thread(waits_for_expiry, (void *)1);
        weir_check_thread(cancels_too, (void *)2);
    }
    weir_check_join_all();
    weir_check_assert(ran_in[1] + ran_in[2] == 1);
    if (child != NULL) {
        weir_check_assert(weir_atomic_load(&counted, WEIR_RELAXED) == 1);
        end_child(NULL);
    }
    end_source(root);
}

/* ---- progress ---- */

static void look_recorded(void *unused)
{
    const unsigned call = weir_check_call(0, 0);
    const int status = weir_cancel_check(token_of(root));

    (void)unused;
    weir_check_return(call, (uint64_t)(status != 0));
}

static void ask_recorded(void *unused)
{
    const unsigned call = weir_check_call(0, 0);
    const int reason = weir_cancel_reason(token_of(root));

    (void)unused;
    weir_check_return(call, (uint64_t)reason);
}

static void enrol_recorded(void *unused)
{
    const unsigned call = weir_check_call(0, 0);

    enrol(unused);
    weir_check_return(call, 0);
}

static const play stopped[] = {
    {CHILD, {look_recorded}, 0},
    {CHILD, {ask_recorded}, 0},
    {0, {enrol_recorded}, 0},
};

/* All graphs in less than a second; in less than a minute; or some of too many. */
#define QUICK(name, test, argument)                  \
    {                                                \
        name, test, (uintptr_t)(argument), false, 0, \
        {                                            \
            0                                        \
        }                                            \
    }
#define DEEP(name, test, argument)                  \
    {                                               \
        name, test, (uintptr_t)(argument), true, 0, \
        {                                           \
            0                                       \
        }                                           \
    }
#define SOME(name, test, argument)                                            \
    {                                                                         \
        name, test, (uintptr_t)(argument), false, 0,                          \
        {                                                                     \
            .mode = WEIR_CHECK_PCT, .runs = 600, .depth = 4, .seed = 20261121 \
        }                                                                     \
    }
#define WAIT_FREE                                    \
    {                                                \
        .progress = WEIR_CHECK_WAIT_FREE, .steps = 3 \
    }

static const scenario scenarios[] = {
    QUICK("cancel, check", beside, &plays[0]),
    QUICK("cancel, reason", beside, &plays[1]),
    QUICK("cancel, wait", beside, &plays[2]),
    QUICK("cancel, park", beside, &plays[3]),
    QUICK("cancel, wait at a child", beside, &plays[4]),
    QUICK("cancel with a callback, check", beside, &plays[5]),
    QUICK("cancel with callbacks that free themselves, check", beside, &plays[6]),
    QUICK("cancel, register", beside, &plays[7]),
    QUICK("cancel, unregister", beside, &plays[8]),
    DEEP("cancel, unregister without waiting", beside, &plays[9]),
    SOME("some: cancel, unregister without waiting", beside, &plays[9]),
    DEEP("cancel, unregister a child's", beside, &plays[10]),
    SOME("some: cancel, unregister a child's", beside, &plays[10]),
    QUICK("cancel, init of a child", beside, &plays[11]),
    SOME("some: cancel, init and destroy of a child", beside, &plays[12]),
    DEEP("cancel, destroy of a child", beside, &plays[13]),
    SOME("some: cancel, destroy of a child", beside, &plays[13]),
    SOME("some: cancel with a callback, destroy of a child", beside, &plays[14]),
    QUICK("cancel a chain", beside, &plays[15]),
    SOME("some: cancel, destroy of a child, init and destroy of another", beside, &plays[16]),
    SOME("some: cancel, unregister, wait", beside, &plays[17]),
    QUICK("cancel, cancel", rivals, 0),
    QUICK("cancel of two parents", two_parents, 0),
    SOME("some: cancel of two parents, destroy", two_parents, CHILD_ENDS),
    SOME("some: cancel of two parents of a chain", two_parents, DEEPER),
    QUICK("two see the end of time", expires, 0),
    QUICK("one at a child", expires, WITH_CHILD),
    SOME("some: the end of time, or a cancel", expires, WAITING),
    SOME("some: the end of time, or a cancel, at a child", expires, WAITING | WITH_CHILD),
    {"check while a cancel stands still", beside, (uintptr_t)&stopped[0], false, 0, WAIT_FREE},
    {"reason while a cancel stands still", beside, (uintptr_t)&stopped[1], false, 0, WAIT_FREE},
    {"register while a cancel stands still",
     beside,
     (uintptr_t)&stopped[2],
     true,
     WEIR_CHECK_NO_PROGRESS,
     {.progress = WEIR_CHECK_LOCK_FREE}},
};

MODEL_MAIN("cancel", scenarios)
