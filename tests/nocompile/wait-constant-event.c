/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* To count the sleepers is to lock the event: it cannot be a constant one.
 * expect: const */

#include <weir/wait.h>

size_t misuse(weir_event *event);

size_t misuse(weir_event *event)
{
#ifdef MISUSE
    const weir_event *const seen = event;

    return weir_event_sleepers_approx(seen);
#else
    return weir_event_sleepers_approx(event);
#endif
}
