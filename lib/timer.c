/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/timer.h>

#include "loop.h"

#include <errno.h>
#include <string.h>

/* Of a node's `spare`, above weir_timer_late. */
enum { BACKGROUND = 4 };

static bool in_background(const weir_timer *timer)
{
    return (timer->node.spare & BACKGROUND) != 0;
}

void weir_timer_init(weir_timer *timer, weir_loop *loop, void (*call)(weir_timer *timer))
{
    WEIR_REQUIRE(call != NULL, "a timer without a function");
    memset(&timer->node, 0, sizeof timer->node);
    timer->loop = loop;
    timer->period = 0;
    timer->call = call;
}

bool weir_timer_is_started(const weir_timer *timer)
{
    return timer->node.place != 0;
}

void weir_timer_start(weir_timer *timer, uint64_t deadline)
{
    weir_loop *const loop = timer->loop;

    timer->period = 0;
    if (weir_timer_is_started(timer)) {
        weir__wheel_rearm(&loop->wheel, &timer->node, deadline);
        return;
    }
    weir__loop_add(loop, in_background(timer));
    weir__wheel_insert(&loop->wheel, &timer->node, deadline);
}

void weir_timer_after(weir_timer *timer, uint64_t ns)
{
    weir_timer_start(timer, weir_clock_add(weir_loop_update(timer->loop), ns));
}

void weir_timer_repeat(weir_timer *timer, uint64_t deadline, uint64_t period, weir_timer_late late)
{
    weir_timer_start(timer, deadline);
    timer->period = period != 0 ? period : 1;
    timer->node.spare = (timer->node.spare & BACKGROUND) | (uint32_t)late;
}

bool weir_timer_stop(weir_timer *timer)
{
    if (!weir__wheel_remove(&timer->loop->wheel, &timer->node))
        return false;
    weir__loop_drop(timer->loop, in_background(timer));
    return true;
}

void weir_timer_background(weir_timer *timer, bool background)
{
    if (weir_timer_is_started(timer))
        weir__loop_background(timer->loop, in_background(timer), background);
    timer->node.spare = (timer->node.spare & ~(uint32_t)BACKGROUND) | (background ? BACKGROUND : 0);
}

int weir__timer_cancelled(void *timer)
{
    return weir_timer_stop((weir_timer *)timer) ? 0 : -EALREADY;
}

uint64_t weir_timer_deadline(const weir_timer *timer)
{
    return weir_timer_is_started(timer) ? timer->node.deadline : WEIR_FOREVER;
}

uint64_t weir_timer_missed(const weir_timer *timer)
{
    return timer->loop->missed;
}

/* ---- the loop's phase ---- */

/* When a timer that repeats is due after this call; says how many calls are left out. */
static uint64_t next_deadline(weir_loop *loop, const weir_timer *timer)
{
    const uint64_t late = loop->now - timer->node.deadline;

    switch (timer->node.spare & ~(uint32_t)BACKGROUND) {
    case WEIR_TIMER_DELAY:
        return weir_clock_add(loop->now, timer->period);
    case WEIR_TIMER_SKIP:
        loop->missed = late / timer->period;
        return weir_clock_add(timer->node.deadline + loop->missed * timer->period, timer->period);
    default:
        return weir_clock_add(timer->node.deadline, timer->period);
    }
}

static void fire(weir_loop *loop, weir_timer *timer)
{
    loop->missed = 0;
    if (timer->period != 0)
        weir__wheel_insert(&loop->wheel, &timer->node, next_deadline(loop, timer));
    else
        weir__loop_drop(loop, in_background(timer));
    weir__loop_begin(loop, timer, "timer", (void (*)(void))timer->call);
    timer->call(timer);
    weir__loop_end(loop);
}

void weir__loop_run_timers(weir_loop *loop)
{
    unsigned n = 0;
    weir__wheel_node *node;

    if (weir__wheel_count(&loop->wheel) == 0)
        return;
    weir__wheel_advance(&loop->wheel, loop->now);
    while (n < loop->options.timers && (node = weir__wheel_pop(&loop->wheel)) != NULL) {
        n++;
        fire(loop, (weir_timer *)(void *)node);
    }
    if (n != 0)
        weir__loop_count(&loop->counts.timers, n);
}
