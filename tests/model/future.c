/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/future.c: weir/future.h in the model checker. A scenario is a string for each thread,
 * a letter an operation; thread 0 does its first.
 *
 * Of the promise:
 *     c  complete           f  fail             x  drop
 *     q  is it wanted? and if not, is seen what the canceller wrote
 *     h  take back the token's callback, and complete
 * Of the future:
 *     w  wait               v  wait for a while
 *     k  wait with a token  K  cancel that token
 *     y  wait for this one or another           C  complete the other
 *     l  wait for both
 *     i  look
 *     t  add a callback, which frees itself     u  take it back
 *     T  the same, which is also the last to use the future, if all others are through
 *     a  cancel
 *     d  use it no more: who is the last drops, or destroys it and frees its memory
 *
 * Memory is freed as soon as it may be: who comes too late uses it after that.
 *
 * Edges: none of its own. */

#include "model.h"

#include <weir/future.h>

#include <errno.h>

enum { ACTORS = 4, VALUE = 7 };

typedef struct future_case {
    const char *does[ACTORS];
    const char *promised; /* those of the letters that nobody who stands still may hold up */
    bool here;            /* in the caller's memory */
    bool source;          /* with a source, and a callback of its token */
    bool deep;
    weir_check_finding finding;
    weir_check_options options;
} future_case;

typedef struct called {
    weir_then then;
    unsigned note; /* written by who added it */
} called;

/* In the caller's memory. */
typedef struct joint {
    weir_future future;
    int value;
} joint;

static const future_case *current;
static weir_future *future;
static weir_promise *promise;
static weir_future other;
static weir_cancel_source source, another;
static weir_cancel_callback *handler;
static called *mine[ACTORS];
static WEIR_ATOMIC(unsigned) users, calls, handled;
static unsigned drops;
static int written, why, way;

static bool anybody_does(const char *letters)
{
    for (unsigned t = 0; t < ACTORS && current->does[t] != NULL; t++)
        if (strpbrk(current->does[t], letters) != NULL)
            return true;
    return false;
}

/* ---- the result ---- */

static void settled(int status)
{
    if (status != -EPIPE)
        return;
    weir_check_assert(drops == 1);
}

static int expected(void)
{
    return anybody_does("f") ? -EIO : anybody_does("x") ? -EOWNERDEAD : 0;
}

/* Of a future that is done: what was written before comes first, and then what looks again. */
static void read_result(void)
{
    int value = 0;

    weir_check_assert(written == 1);
    weir_check_assert(weir_future_result(future, &value) == expected());
    weir_check_assert(value == (expected() == 0 ? VALUE : 0));
}

/* ---- the end of the future side ---- */

static void drop(void)
{
    int value = 0, status;

    /* Theirs happened before: it is the users' affair to see to that. */
    if (weir_atomic_fetch_sub(&users, 1, WEIR_ACQ_REL) != 1)
        return;
    drops = 1;
    if (current->here) {
        weir_check_assert(weir_future_destroy(future) == 0);
        free(future);
        return;
    }
    status = weir_future_drop(future, &value);
    if (status == -EBUSY)
        return;
    weir_check_assert(status == expected() && value == (status == 0 ? VALUE : 0) && written == 1);
}

/* ---- callbacks ---- */

static void note(weir_then *then, weir_future *from)
{
    called *const c = (called *)(void *)then;

    weir_check_assert(from == future && c->note == 1);
    read_result();
    /* relaxed: a number. */
    weir_atomic_fetch_add(&calls, 1, WEIR_RELAXED);
    free(c);
}

static void note_and_drop(weir_then *then, weir_future *from)
{
    note(then, from);
    drop();
}

static called *add(void (*call)(weir_then *, weir_future *))
{
    called *const c = (called *)malloc(sizeof *c);

    weir_check_assert(c != NULL);
    c->note = 1;
    weir_future_then(future, &c->then, call);
    return c;
}

static void take_back(called *c)
{
    if (weir_future_unthen(future, &c->then)) {
        c->note = 2;
        free(c);
        /* relaxed: a number. */
        weir_atomic_fetch_add(&calls, 1, WEIR_RELAXED);
    }
}

static void handle(void *context, int reason)
{
    weir_check_assert(context == &source && reason == -ECANCELED && why == 1);
    /* relaxed: a number. */
    weir_atomic_fetch_add(&handled, 1, WEIR_RELAXED);
}

/* ---- waits ---- */

static void wait_until(uint64_t deadline, weir_cancel *cancel)
{
    const int status = weir_future_wait(future, deadline, cancel);

    if (status == 0)
        read_result();
    else if (cancel != NULL)
        weir_check_assert(status == -ECANCELED && way == 1);
    else
        weir_check_assert(status == -ETIMEDOUT && deadline != WEIR_FOREVER);
}

static void wait_for_any(void)
{
    weir_future *const futures[2] = {&other, future};
    weir_wait_node *const nodes = (weir_wait_node *)malloc(2 * sizeof *nodes);
    size_t which = 2;

    weir_check_assert(nodes != NULL);
    weir_check_assert(weir_future_wait_any(futures, 2, nodes, &which, WEIR_FOREVER, NULL) == 0);
    free(nodes);
    weir_check_assert(which < 2);
    if (which == 1)
        read_result();
    else
        weir_check_assert(way == 1);
}

static void wait_for_all(void)
{
    weir_future *const futures[2] = {&other, future};

    weir_check_assert(weir_future_wait_all(futures, 2, WEIR_FOREVER, NULL) == 0);
    read_result();
    weir_check_assert(way == 1);
}

/* ---- a run ---- */

static void give(char what)
{
    const int value = VALUE;

    written = 1;
    if (what == 'f')
        settled(weir_promise_fail(promise, -EIO));
    else if (what == 'x')
        weir_promise_drop(promise);
    else
        settled(weir_promise_complete(promise, &value));
}

static void act(char what, unsigned self)
{
    switch (what) {
    case 'h':
        if (weir_cancel_unregister(handler, WEIR_FOREVER, NULL) == 0)
            /* relaxed: it has not run, and will not. */
            weir_check_assert(weir_atomic_load(&handled, WEIR_RELAXED) == 0);
        free(handler);
        give('c');
        break;
    case 'c':
    case 'f':
    case 'x':
        give(what);
        break;
    case 'q':
        if (!weir_promise_wanted(promise) && anybody_does("a"))
            weir_check_assert(why == 1);
        break;
    case 'w':
        wait_until(WEIR_FOREVER, NULL);
        break;
    case 'v':
        wait_until(weir_clock_after(1000), NULL);
        break;
    case 'k':
        wait_until(WEIR_FOREVER, weir_cancel_source_token(&another));
        break;
    case 'K':
        way = 1;
        (void)weir_cancel_source_cancel(&another, 0);
        break;
    case 'y':
        wait_for_any();
        break;
    case 'l':
        wait_for_all();
        break;
    case 'C':
        way = 1;
        weir_check_assert(weir_promise_complete(weir_future_promise(&other), NULL) == 0);
        break;
    case 'i':
        if (weir_future_is_done(future))
            read_result();
        break;
    case 't':
        mine[self] = add(note);
        break;
    case 'T':
        (void)add(note_and_drop);
        break;
    case 'u':
        take_back(mine[self]);
        break;
    case 'a':
        why = 1;
        weir_future_cancel(future);
        break;
    case 'd':
        drop();
        break;
    default:
        weir_check_assert(false); /* an unknown letter */
    }
}

static void play(void *number)
{
    const unsigned self = (unsigned)(uintptr_t)number;

    for (const char *at = current->does[self]; *at != 0; at++)
        if (current->promised != NULL && strchr(current->promised, *at) != NULL) {
            const unsigned call = weir_check_call(*at, 0);

            act(*at, self);
            weir_check_return(call, 0);
        } else
            act(*at, self);
}

static unsigned count(const char *letters)
{
    unsigned n = 0;

    for (unsigned t = 0; t < ACTORS && current->does[t] != NULL; t++)
        for (const char *at = current->does[t]; *at != 0; at++)
            n += strchr(letters, *at) != NULL;
    return n;
}

static void make(void)
{
    weir_cancel_source *const used = current->source ? &source : NULL;

    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
    weir_cancel_source_init(&another, NULL, WEIR_FOREVER);
    weir_future_init(&other, NULL, 0, NULL);
    weir_atomic_init(&users, count("dT") > 0 ? count("dT") : 1);
    if (current->here) {
        joint *const j = (joint *)malloc(sizeof *j);

        weir_check_assert(j != NULL);
        future = &j->future;
        weir_future_init(future, &j->value, sizeof j->value, used);
        promise = weir_future_promise(future);
    } else {
        weir_check_assert(weir_future_new(&promise, &future, sizeof(int), used) == 0);
    }
    if (current->source) {
        handler = (weir_cancel_callback *)malloc(sizeof *handler);
        weir_check_assert(handler != NULL);
        weir_check_assert(
            weir_cancel_register(weir_promise_token(promise), handler, handle, &source));
    }
}

static void future_test(void *argument)
{
    current = (const future_case *)argument;
    make();
    /* From here on nobody stands still but within an operation. */
    if (current->promised != NULL)
        weir_check_return(weir_check_call(0, 0), 0);
    play((void *)0);
    for (uintptr_t t = 1; t < ACTORS && current->does[t] != NULL; t++)
        weir_check_thread(play, (void *)t);
    weir_check_join_all();
    if (count("dT") == 0)
        drop();
    /* relaxed: all are done. */
    weir_check_assert(weir_atomic_load(&calls, WEIR_RELAXED) == count("tT"));
    weir_check_assert(weir_atomic_load(&handled, WEIR_RELAXED) <= 1);
    weir_check_assert(drops == 1);
}

/* ---- the table ---- */

#define LOCK_FREE(letters) .promised = letters, .options.progress = WEIR_CHECK_LOCK_FREE

/* Too many graphs to see them all. */
#define SOME .options.mode = WEIR_CHECK_RANDOM, .options.runs = 4000, .options.seed = 1

static const future_case cases[] = {
    /* A result arrives. */
    {.does = {"", "c", "w"}},
    {.does = {"", "c", "w"}, .here = true},
    {.does = {"", "f", "w"}},
    {.does = {"", "x", "w"}},
    {.does = {"", "c", "i"}},
    {.does = {"", "c", "ii"}, .here = true},
    {.does = {"", "c", "w", "w"}, SOME},
    {.does = {"", "c", "w", "w"}, .here = true, SOME},
    {.does = {"", "c", "v"}},
    {.does = {"", "c", "v", "w"}, SOME},
    {.does = {"", "c", "k", "K"}, SOME},
    /* Each side lets go, in whatever order. */
    {.does = {"", "c", "d"}},
    {.does = {"", "x", "d"}},
    {.does = {"", "c", "wd"}},
    {.does = {"", "c", "wd"}, .here = true},
    {.does = {"", "c", "vd"}},
    {.does = {"v", "c", "d"}},
    {.does = {"v", "c", "wd"}, .here = true},
    {.does = {"", "c", "wd", "wd"}, SOME},
    {.does = {"", "c", "wd", "wd"}, .here = true, SOME},
    {.does = {"", "c", "wd", "vd"}, SOME},
    {.does = {"", "c", "id", "ad"}},
    /* Callbacks. */
    {.does = {"", "c", "t"}},
    {.does = {"", "c", "t"}, .here = true},
    {.does = {"", "f", "t"}},
    {.does = {"", "c", "td"}},
    {.does = {"t", "c", "d"}},
    {.does = {"t", "c", "wd"}},
    {.does = {"", "c", "T"}},
    {.does = {"", "c", "T"}, .here = true},
    {.does = {"T", "c", "td"}},
    {.does = {"", "c", "t", "t"}},
    {.does = {"", "c", "T", "wd"}, .deep = true},
    {.does = {"v", "c", "T"}, .here = true},
    {.does = {"", "c", "tu"}},
    {.does = {"t", "c", "tu"}},
    {.does = {"", "c", "tu", "t"}},
    {.does = {"", "c", "tu", "tu"}, .deep = true},
    {.does = {"", "c", "tu", "w"}, SOME},
    /* Several futures. */
    {.does = {"", "c", "y"}},
    {.does = {"", "c", "y", "C"}, SOME},
    {.does = {"", "c", "l", "C"}, SOME},
    /* A cancel is seen, with what was done before. */
    {.does = {"", "qc", "a"}},
    {.does = {"", "qc", "ad"}},
    {.does = {"", "h", "a"}, .source = true, SOME},
    {.does = {"", "h", "a", "t"}, .source = true, SOME},
    /* Nobody who stands still holds up others. */
    {.does = {"", "c", "d"}, LOCK_FREE("cd")},
    {.does = {"", "c", "t", "t"}, LOCK_FREE("ct")},
    {.does = {"v", "c", "t"}, LOCK_FREE("ct")},
    {.does = {"", "c", "tu"}, LOCK_FREE("u")},
    {.does = {"", "c", "v"}, LOCK_FREE("v"), .deep = true},
};

int main(int argc, char **argv)
{
    enum { CASES = sizeof cases / sizeof cases[0] };
    static scenario scenarios[CASES];
    static char names[CASES][64];

    for (unsigned i = 0; i < CASES; i++) {
        const future_case *const c = &cases[i];

        for (unsigned t = 0; t < ACTORS && c->does[t] != NULL; t++) {
            strcat(names[i], t > 0 ? "/" : "");
            strcat(names[i], c->does[t]);
        }
        strcat(names[i], c->here ? ", here" : "");
        strcat(names[i], c->source ? ", source" : "");
        strcat(names[i], c->promised != NULL ? ", lock-free" : "");
        scenarios[i].name = names[i];
        scenarios[i].test = future_test;
        scenarios[i].argument = (uintptr_t)c;
        scenarios[i].deep = c->deep;
        scenarios[i].finding = c->finding;
        scenarios[i].options = c->options;
    }
    return model_main("future", scenarios, CASES, argc, argv);
}
