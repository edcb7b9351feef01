/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/signal.c: weir/signal.h in the model checker, on tests/model/poller.h. The checker
 * knows no signals: a signal is a call of the handler that the first start has left with the
 * kernel, by a thread, at any time, also when nobody watches any more. A scenario is a string for
 * each thread; thread 0 is the loop's, and has started one watcher.
 *
 *     k  a signal comes         t  a turn that does not sleep    W  turns, asleep, until all have
 * been told s  start another watcher  x  stop the first one
 *
 * What was before a signal is plain, and read by the call that counts it. Each signal is counted
 * once by a watcher that was there, and by one that has ended by nobody.
 *
 * Edges: none of its own. */

#include "poller.h"

#include <weir/signal.h>

#include <signal.h>

enum { ACTORS = 3, SIGNALS = 4 };

typedef struct signal_case {
    const char *does[ACTORS];
    weir_check_options options;
} signal_case;

static const signal_case *current;
static weir_loop *loop;
static weir_signal watchers[2];
static weir_async other;
static bool other_open;
static unsigned told[2]; /* signals */
static bool stopped[2];
static void (*handler)(int number);

static WEIR_ATOMIC(uint32_t) came;
static int before[SIGNALS]; /* written before the signal */

static void on_signal(weir_signal *watcher, int number)
{
    const size_t i = (size_t)(watcher - watchers);

    weir_check_assert(number == SIGUSR1 && i < 2 && !stopped[i]);
    told[i] += weir_signal_count(watcher);
    weir_check_assert(told[i] <= SIGNALS);
    /* Of one thread alone it is known which ones were counted: its first. */
    if (current->does[2] == NULL && i == 0)
        for (unsigned s = 0; s < told[i]; s++)
            weir_check_assert(before[s] == 1);
}

static void on_stopped(weir_signal *watcher)
{
    stopped[watcher - watchers] = true;
}

static void start(unsigned i)
{
    weir_check_assert(weir_signal_start(&watchers[i], loop, SIGUSR1, on_signal, true) == 0);
}

static void turn(void)
{
    (void)weir_loop_turn(loop, 0);
}

static void stop(unsigned i)
{
    if (weir_signal_stop(&watchers[i], on_stopped) != 0)
        return;
    while (!stopped[i])
        (void)weir_loop_turn(loop, WEIR_FOREVER);
}

static void on_other(weir_async *async)
{
    weir_check_assert(async == NULL); /* nobody sends to it */
}

static void on_closed(weir_async *async)
{
    weir_check_assert(async == &other);
    other_open = false;
}

/* relaxed, here and below: what orders them is what is tested. */
static void come(void)
{
    before[weir_atomic_fetch_add(&came, 1, WEIR_RELAXED)] = 1;
    handler(SIGUSR1);
}

static void play(void *number)
{
    for (const char *at = current->does[(uintptr_t)number]; *at != 0; at++)
        switch (*at) {
        case 'k':
            come();
            break;
        case 't':
            turn();
            break;
        case 's':
            start(1);
            break;
        case 'x':
            stop(0);
            break;
        case 'o':
            weir_check_assert(weir_async_init(&other, loop, on_other, true) == 0);
            other_open = true;
            break;
        default:
            weir_check_assert(*at == 'W');
            while (told[0] != strlen(current->does[1]))
                (void)weir_loop_turn(loop, WEIR_FOREVER);
        }
}

static void signal_test(void *argument)
{
    int threads[ACTORS] = {0};
    struct sigaction action;

    current = (const signal_case *)argument;
    weir_check_assert(weir_loop_new(&loop, NULL) == 0);
    start(0);
    weir_check_assert(sigaction(SIGUSR1, NULL, &action) == 0);
    handler = action.sa_handler;
    for (uintptr_t t = 1; t < ACTORS && current->does[t] != NULL; t++)
        threads[t] = weir_check_thread(play, (void *)t);
    play((void *)0);
    for (unsigned t = 1; t < ACTORS && current->does[t] != NULL; t++)
        weir_check_join(threads[t]);
    while (weir_loop_turn(loop, 0) == 0)
        continue;
    if (!stopped[0])
        weir_check_assert(told[0] == weir_atomic_load(&came, WEIR_RELAXED));
    weir_check_assert(told[1] <= weir_atomic_load(&came, WEIR_RELAXED));
    stop(0);
    if (watchers[1].call != NULL)
        stop(1);
    if (other_open)
        weir_check_assert(weir_async_close(&other, on_closed) == 0);
    while (other_open)
        (void)weir_loop_turn(loop, WEIR_FOREVER);
    weir_check_assert(weir_loop_free(loop) == 0);
}

static const signal_case cases[] = {
    {.does = {"t", "k"}},
    {.does = {"W", "k"}},
    {.does = {"W", "kk"}},
    {.does = {"t", "kk"}},
    {.does = {"t", "k", "k"}},
    /* Another one begins, or this one ends, or both, in the middle. */
    {.does = {"s", "k"}},
    {.does = {"st", "kk"}},
    {.does = {"x", "k"}},
    {.does = {"xs", "k"}},
    {.does = {"xst", "k"}},
    {.does = {"xs", "k", "k"}},
    {.does = {"xos", "k"}},
};

int main(int argc, char **argv)
{
    enum { COUNT = sizeof cases / sizeof cases[0] };
    static scenario scenarios[COUNT];
    static char names[COUNT][32];

    for (size_t i = 0; i < COUNT; i++) {
        const char *const *const does = cases[i].does;

        snprintf(names[i], sizeof names[i], "%s/%s%s%s", does[0], does[1],
                 does[2] != NULL ? "/" : "", does[2] != NULL ? does[2] : "");
        scenarios[i].name = names[i];
        scenarios[i].test = signal_test;
        scenarios[i].argument = (uintptr_t)&cases[i];
        scenarios[i].options = cases[i].options;
        scenarios[i].options.leaks_allowed = true; /* asyncs' slots, and records: never freed */
    }
    return model_main("signal", scenarios, COUNT, argc, argv);
}
