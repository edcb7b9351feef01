/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/poll.c: weir/poll.h in the model checker, on tests/model/poller.h: what other
 * threads do to a poll, beside the loop that calls it. A scenario is a string for each thread, a
 * letter an operation; thread 0 does its first, then the others begin; when they have ended it ends
 * the loop.
 *
 *     h  hold the loop                     r  release it
 *     s  start the poll                    x  stop it
 *     e  its descriptor becomes ready
 *     k  cancel it, wait, and free it      z  the same, with waits in vain before
 *     q  cancel it                         w  wait until that is done, and free it
 *     d  say that this thread has come so far             D  wait until another one has
 *     R  run until the loop is not alive   F  free the loop
 *     C  make turns until it has been called for all that came
 *
 * The poll's memory is freed as soon as a cancel has said that it may be.
 *
 * Edges: none of its own. */

#include "poller.h"

#include <weir/poll.h>

#include <errno.h>

enum { ACTORS = 4, FD = 1 };

typedef struct poll_case {
    const char *does[ACTORS];
    bool deep;
    weir_check_options options;
} poll_case;

static const poll_case *current;
static weir_loop *loop;
static weir_poll *watched;
static weir_canceller *canceller;
static WEIR_ATOMIC(uint32_t) told;
static unsigned calls;   /* the loop's thread's, and of who knows that it is over */
static unsigned written; /* before the descriptor was ready */
static bool over;        /* the poll was stopped */

static unsigned count(const char *letters)
{
    unsigned n = 0;

    for (unsigned t = 0; t < ACTORS && current->does[t] != NULL; t++)
        for (const char *at = current->does[t]; *at != 0; at++)
            n += strchr(letters, *at) != NULL;
    return n;
}

/* ---- the poll ---- */

static void called(weir_poll *from, unsigned ready)
{
    weir_check_assert(from == watched && ready == WEIR_POLL_READ && !over);
    weir_check_assert(count("e") > 1 || written == 1);
    calls++;
}

/* ---- cancels ---- */

/* It is not the loop's any more. */
static void cancelled(int status)
{
    weir_check_assert(status == (count("F") > 0 ? -ECANCELED : 0));
    weir_check_assert(calls <= count("e"));
    over = true;
    free(watched);
    watched = NULL;
    free(canceller);
    canceller = NULL;
}

static void make_canceller(void)
{
    canceller = (weir_canceller *)malloc(sizeof *canceller);
    weir_check_assert(canceller != NULL);
}

static void cancel_and_wait(bool in_vain)
{
    int status;

    make_canceller();
    status = weir_poll_cancel_wait(watched, canceller, in_vain ? 0 : WEIR_FOREVER, NULL);
    if (in_vain && status == -ETIMEDOUT)
        status = weir_canceller_wait(canceller, WEIR_FOREVER, NULL);
    cancelled(status);
}

/* ---- a run ---- */

static void act(char what)
{
    switch (what) {
    case 'h':
        weir_loop_hold(loop);
        break;
    case 'r':
        weir_loop_release(loop);
        break;
    case 's':
        weir_check_assert(weir_poll_start(watched, WEIR_POLL_READ) == 0);
        break;
    case 'x':
        weir_check_assert(weir_poll_stop(watched));
        break;
    case 'e':
        if (count("e") == 1)
            written = 1;
        model_ready(FD, WEIR_POLL_READ);
        break;
    case 'C':
        while (calls == 0)
            weir_check_assert(weir_loop_turn(loop, WEIR_FOREVER) == 0);
        break;
    case 'k':
    case 'z':
        cancel_and_wait(what == 'z');
        break;
    case 'q':
        make_canceller();
        weir_check_assert(weir_poll_cancel(watched, canceller) == 0);
        break;
    case 'w':
        cancelled(weir_canceller_wait(canceller, WEIR_FOREVER, NULL));
        break;
    case 'd':
        weir_atomic_store(&told, 1, WEIR_RELEASE);
        break;
    case 'D':
        while (weir_atomic_load(&told, WEIR_ACQUIRE) == 0)
            continue;
        break;
    case 'R':
        weir_check_assert(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER) == 0);
        break;
    case 'F':
        weir_check_assert(weir_loop_free(loop) == 0);
        loop = NULL;
        break;
    default:
        weir_check_assert(false); /* an unknown letter */
    }
}

static void play(void *number)
{
    for (const char *at = current->does[(uintptr_t)number]; *at != 0; at++)
        act(*at);
}

static void poll_test(void *argument)
{
    current = (const poll_case *)argument;
    weir_check_assert(weir_loop_new(&loop, NULL) == 0);
    watched = (weir_poll *)malloc(sizeof *watched);
    weir_check_assert(watched != NULL);
    weir_poll_init(watched, loop, FD, called);
    play((void *)0);
    for (uintptr_t t = 1; t < ACTORS && current->does[t] != NULL; t++)
        weir_check_thread(play, (void *)t);
    weir_check_join_all();
    if (watched != NULL) {
        (void)weir_poll_stop(watched);
        free(watched);
    }
    if (loop != NULL)
        weir_check_assert(weir_loop_free(loop) == 0);
}

/* ---- the table ---- */

#define DEEP .deep = true
/* Too many graphs for all of them. */
#define SOME(n) \
    .options.mode = WEIR_CHECK_PCT, .options.seed = 1, .options.runs = n, .options.depth = 4

static const poll_case cases[] = {
    /* It is called, with what was before. */
    {.does = {"s", "C", "e"}},
    {.does = {"s", "C", "ee"}},
    {.does = {"se", "C", ""}},
    {.does = {"", "sC", "e"}},
    /* A cancel, and the call. */
    {.does = {"hs", "R", "kr"}, SOME(200)},
    {.does = {"hs", "R", "kr", "e"}, SOME(200)},
    {.does = {"hs", "R", "ekr"}, SOME(200)},
    {.does = {"hs", "R", "zr", "e"}, SOME(200)},
    {.does = {"hs", "R", "qwr", "e"}, DEEP, SOME(5000)},
    /* The loop ends first. */
    {.does = {"s", "DxF", "qdw"}, SOME(200)},
};

int main(int argc, char **argv)
{
    enum { CASES = sizeof cases / sizeof cases[0] };
    static scenario scenarios[CASES];
    static char names[CASES][64];

    for (unsigned i = 0; i < CASES; i++) {
        const poll_case *const c = &cases[i];

        for (unsigned t = 0; t < ACTORS && c->does[t] != NULL; t++) {
            strcat(names[i], t > 0 ? "/" : "");
            strcat(names[i], c->does[t]);
        }
        strcat(names[i], c->options.mode != WEIR_CHECK_EVERY ? ", some" : "");
        scenarios[i].name = names[i];
        scenarios[i].test = poll_test;
        scenarios[i].argument = (uintptr_t)c;
        scenarios[i].deep = c->deep;
        scenarios[i].options = c->options;
    }
    return model_main("poll", scenarios, CASES, argc, argv);
}
