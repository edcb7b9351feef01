/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/timer.c: weir/timer.h in the model checker, on tests/model/poller.h: what other
 * threads do to a timer, beside the loop that calls it. A scenario is a string for each thread, a
 * letter an operation; thread 0 does its first, then the others begin; when they have ended it ends
 * the loop.
 *
 *     h  hold the loop                     r  release it
 *     1  start the timer, a moment later   f  start it, for never
 *     3  three calls, a moment apart
 *     m  post a job that moves it to a moment later       M  to much later
 *     k  cancel it, wait, and free it      z  the same, with waits in vain before
 *     q  cancel it                         w  wait until that is done, and free it
 *     d  say that this thread has come so far             D  wait until another one has
 *     R  run until the loop is not alive   t  a turn that does not sleep
 *     x  stop the timer                    F  free the loop
 *     c  refuse posts from now on
 *
 * The timer's memory is freed as soon as a cancel has said that it may be.
 *
 * Edges: none of its own. */

#include "poller.h"

#include <weir/timer.h>

#include <errno.h>

enum { ACTORS = 4, MOMENT = 1000 };

typedef struct timer_case {
    const char *does[ACTORS];
    bool deep;
    weir_check_options options;
} timer_case;

typedef struct mover {
    weir_job job;
    uint64_t ns;
} mover;

static const timer_case *current;
static weir_loop *loop;
static weir_timer *timer;
static weir_canceller *canceller;
static WEIR_ATOMIC(uint32_t) told;
static unsigned calls, moves; /* the loop's thread's, and of who knows that it is over */
static bool refused;

static unsigned count(const char *letters)
{
    unsigned n = 0;

    for (unsigned t = 0; t < ACTORS && current->does[t] != NULL; t++)
        for (const char *at = current->does[t]; *at != 0; at++)
            n += strchr(letters, *at) != NULL;
    return n;
}

/* ---- the timer ---- */

static void called(weir_timer *from)
{
    weir_canceller own;

    weir_check_assert(from == timer && weir_loop_self() == loop);
    weir_check_assert(weir_timer_cancel_wait(from, &own, WEIR_FOREVER, NULL) == -EDEADLK);
    if (++calls == 3)
        (void)weir_timer_stop(from);
}

static int move(weir_job *job)
{
    mover *const m = (mover *)(void *)job;

    /* Only where nobody frees it. */
    weir_timer_after(timer, m->ns);
    moves++;
    free(m);
    return 0;
}

static void post_move(uint64_t ns)
{
    mover *const m = (mover *)malloc(sizeof *m);

    weir_check_assert(m != NULL);
    weir_job_init(&m->job, move);
    m->ns = ns;
    weir_check_assert(weir_loop_post(loop, &m->job) == 0);
}

/* ---- cancels ---- */

/* It is not the loop's any more. */
static void cancelled(int status)
{
    if (status == -EPIPE) {
        weir_check_assert(count("c") > 0);
        refused = true;
    } else if (status == -ECANCELED) {
        weir_check_assert(count("F") > 0);
    } else {
        weir_check_assert(status == 0 || status == -EALREADY);
        if (count("mM") == 0) /* or it may be called again */
            weir_check_assert(status == 0 ? calls == 0 || (calls < 3 && count("3") > 0)
                                          : calls > 0);
    }
    if (status != -EPIPE && count("mM") == 0) {
        free(timer);
        timer = NULL;
    }
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
    status = weir_timer_cancel_wait(timer, canceller, in_vain ? 0 : WEIR_FOREVER, NULL);
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
    case '1':
        weir_timer_after(timer, MOMENT);
        break;
    case 'f':
        weir_timer_start(timer, WEIR_FOREVER);
        break;
    case '3':
        weir_timer_repeat(timer, weir_clock_after(MOMENT), MOMENT, WEIR_TIMER_DELAY);
        break;
    case 'm':
    case 'M':
        post_move(what == 'm' ? MOMENT : 100 * MOMENT);
        break;
    case 'k':
    case 'z':
        cancel_and_wait(what == 'z');
        break;
    case 'q':
        make_canceller();
        weir_check_assert(weir_timer_cancel(timer, canceller) == 0);
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
    case 't':
        (void)weir_loop_turn(loop, 0);
        break;
    case 'x':
        (void)weir_timer_stop(timer);
        break;
    case 'F':
        weir_check_assert(weir_loop_free(loop) == 0);
        loop = NULL;
        break;
    case 'c':
        weir_loop_close(loop);
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

static void timer_test(void *argument)
{
    current = (const timer_case *)argument;
    weir_check_assert(weir_loop_new(&loop, NULL) == 0);
    timer = (weir_timer *)malloc(sizeof *timer);
    weir_check_assert(timer != NULL);
    weir_timer_init(timer, loop, called);
    play((void *)0);
    for (uintptr_t t = 1; t < ACTORS && current->does[t] != NULL; t++)
        weir_check_thread(play, (void *)t);
    weir_check_join_all();
    weir_check_assert(moves == count("mM"));
    if (timer != NULL) {
        /* Nobody has taken it back: it was called. */
        weir_check_assert(calls >= (count("3") > 0 ? 3U : 1U) || count("kzwx") > 0);
        (void)weir_timer_stop(timer);
        free(timer);
    }
    if (loop != NULL)
        weir_check_assert(weir_loop_free(loop) == 0);
}

/* ---- the table ---- */

#define DEEP .deep = true
/* Too many graphs for all of them. */
#define SOME(n) \
    .options.mode = WEIR_CHECK_PCT, .options.seed = 1, .options.runs = n, .options.depth = 4

static const timer_case cases[] = {
    {.does = {"1", "R"}},
    {.does = {"3", "R"}},
    /* A cancel, and the call. */
    {.does = {"hf", "R", "kr"}, SOME(200)},
    {.does = {"h1", "R", "kr"}, SOME(200)},
    {.does = {"h1", "R", "zr"}, SOME(200)},
    {.does = {"h3", "R", "kr"}, SOME(200)},
    {.does = {"h3", "R", "qwr"}, DEEP, SOME(5000)},
    {.does = {"h1", "tR", "qwr"}, SOME(200)},
    {.does = {"h1", "R", "kr", "c"}, SOME(200)},
    /* Moves. */
    {.does = {"hf", "R", "mr"}},
    {.does = {"h1", "R", "Mr"}, SOME(200)},
    {.does = {"hh1", "R", "mr", "kr"}, SOME(200)},
    {.does = {"hh3", "R", "Mr", "zr"}, DEEP, SOME(5000)},
    /* The loop ends first. */
    {.does = {"f", "DxF", "qdw"}, DEEP},
    {.does = {"f", "DxF", "qdw"}, SOME(200)},
};

int main(int argc, char **argv)
{
    enum { CASES = sizeof cases / sizeof cases[0] };
    static scenario scenarios[CASES];
    static char names[CASES][64];

    for (unsigned i = 0; i < CASES; i++) {
        const timer_case *const c = &cases[i];

        for (unsigned t = 0; t < ACTORS && c->does[t] != NULL; t++) {
            strcat(names[i], t > 0 ? "/" : "");
            strcat(names[i], c->does[t]);
        }
        strcat(names[i], c->options.mode != WEIR_CHECK_EVERY ? ", some" : "");
        scenarios[i].name = names[i];
        scenarios[i].test = timer_test;
        scenarios[i].argument = (uintptr_t)c;
        scenarios[i].deep = c->deep;
        scenarios[i].options = c->options;
    }
    return model_main("timer", scenarios, CASES, argc, argv);
}
