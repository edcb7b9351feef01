/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Not every signal can be watched: what start says must not be ignored.
 * expect: unused */

#include <weir/signal.h>

int misuse(weir_signal *watcher, weir_loop *loop, void (*call)(weir_signal *watcher, int number));

int misuse(weir_signal *watcher, weir_loop *loop, void (*call)(weir_signal *watcher, int number))
{
#ifdef MISUSE
    weir_signal_start(watcher, loop, 15, call, false);
    return 0;
#else
    return weir_signal_start(watcher, loop, 15, call, false);
#endif
}
