/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/signal.h: signals of the process, told to an event loop.
 *
 * Use it when: a loop (weir/loop.h) is to end at SIGTERM, to read its configuration again at
 * SIGHUP, and so on. Use weir/child.h for children that end; weir_loop_post() in a handler of your
 * own.
 *
 * Who may run with whom: all of it is for the loop's thread. Different loops may watch the same
 *   signal: each is told.
 *
 * A signal that somebody watches has weir's handler. It runs in whatever thread the kernel chooses
 * to interrupt, also while the loop sleeps or is in a callback, and has the loop call the watcher.
 * It is no signalfd(2), which would want the signal to be blocked in all threads, also those of
 * other libraries. When the last watcher of a signal stops, the process has the disposition that it
 * had before the first one started.
 *
 * Several of the same signal may come as one call: the kernel merges them, and so does the loop;
 * weir_signal_count() says how many came to the handler.
 *
 * Progress:  start and stop block on other threads that start or stop watchers. The handler is
 *            lock-free: it walks over the watchers of its signal, and posts.
 * Ordering:  what the interrupted thread did before is visible to the call.
 * Memory:    the caller's; and some 40 bytes of the process's for each watcher of a signal that
 *            there ever was at the same time: the handler may be looking at them.
 * Signals:   SIGKILL and SIGSTOP cannot be watched; those that a fault raises should not be: who
 *            returns from their handler comes to the fault again.
 * Fork:      in the child the watchers are told of its own signals, after weir_loop_fork().
 * Edges:
 *   watched   start -> the handler       carries a watcher's async
 *   counted   the handler -> the call    carries the count
 *   and weir/loop.h.
 *
 * Source: D. J. Bernstein, "The self-pipe trick", https://cr.yp.to/docs/selfpipe.html; the pipe is
 * the loop's queue of posts here. */

#ifndef WEIR_SIGNAL_H
#define WEIR_SIGNAL_H

#include <weir/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* Embedded in what it is for. */
typedef struct weir_signal {
    weir_async async;
    void (*call)(struct weir_signal *watcher, int number);
    void (*stopped)(struct weir_signal *watcher);
    struct weir__signal_record *record; /* NULL: not started */
    int number;
    uint32_t count;
} weir_signal;

/* ---- operations ---- */

/* Calls call(watcher, number) on the loop when the signal comes. `background`: it does not keep the
 * loop alive.
 * Returns: 0; -EINVAL: no such signal, or one that cannot be watched; -ENOMEM. */
WEIR_API int weir_signal_start(weir_signal *watcher, weir_loop *loop, int number,
                               void (*call)(weir_signal *watcher, int number),
                               bool background) WEIR_NODISCARD;

/* Stops it: it is not called any more, also not for signals that have come. `stopped`, unless NULL,
 * is called in the CLOSE phase: from then on the memory is the caller's.
 * Returns: 0; -EALREADY: it was not started, or is being stopped. */
WEIR_API int weir_signal_stop(weir_signal *watcher, void (*stopped)(weir_signal *watcher));

/* Returns: in the call: how many of the signal it stands for. */
static inline uint32_t weir_signal_count(const weir_signal *watcher)
{
    return watcher->count;
}

#ifdef __cplusplus
}
#endif

#endif /* WEIR_SIGNAL_H */
