/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* One who waits at an event is woken by the event: what is unparked is a waiter.
 * expect: incompatible */

#include <weir/wait.h>

void misuse(weir_event *event, weir_sleeper *sleeper);

void misuse(weir_event *event, weir_sleeper *sleeper)
{
#ifdef MISUSE
    (void)event;
    weir_waiter_unpark(sleeper);
#else
    (void)sleeper;
    weir_event_notify(event, 1);
#endif
}
