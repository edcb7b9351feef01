/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A timer calls a function of timers.
 * expect: incompatible */

#include <weir/poll.h>
#include <weir/timer.h>

void tick(weir_timer *timer);
void tock(weir_poll *poll);
void misuse(weir_timer *timer, weir_loop *loop);

void misuse(weir_timer *timer, weir_loop *loop)
{
#ifdef MISUSE
    weir_timer_init(timer, loop, tock);
#else
    weir_timer_init(timer, loop, tick);
#endif
}
