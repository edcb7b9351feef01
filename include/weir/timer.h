/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/timer.h: timers of an event loop: a call at a time, once or again and again.
 *
 * Use it when: a loop (weir/loop.h) has to do something later, or give something up.
 * Use the deadlines that all of weir's waits take where a thread only waits.
 *
 * Who may run with whom: all of them are for the loop's thread, but cancel and cancel_wait, which
 *   any other may call.
 *
 * Timers that are due are called in the order of their deadlines, those with the same one in the
 * order in which they were started; never before their deadline; in one turn those which were due
 * when it looked: one that starts itself anew comes in the next turn, after the descriptors. A
 * deadline is exact to what the kernel's timers are, not rounded to anything. (The kernel gives
 * threads a slack of 50 us: prctl(2), PR_SET_TIMERSLACK.)
 *
 * A timer that repeats is due at its first deadline, and every period after that. What comes if a
 * loop is late by more than a period, is said when it starts:
 *   BURST  all of them, one a turn, until it has caught up
 *   DELAY  one call; the next is a period after that
 *   SKIP   one call; the next at the next deadline of the first series: weir_timer_missed() tells
 *          how many get none
 *
 * Progress:  wait-free, constant time: a store where the deadline moves to later, as that of an
 *            idle connection does with each message. What expires costs constant time, amortised.
 *            cancel is lock-free; cancel_wait blocks on the loop.
 * Ordering:  none: one thread. Of cancel and cancel_wait: weir/loop.h.
 * Memory:    64 bytes, the caller's, from start to stop, or to the last call. Nothing is allocated.
 * Errors:    none: any deadline of 64 bits is good. One in the past is due at once; WEIR_FOREVER
 *            never.
 * Edges:     weir/loop.h.
 *
 * Source: a hashed and hierarchical wheel, below a millisecond a sort: G. Varghese, A. Lauck,
 * "Hashed and Hierarchical Timing Wheels: Efficient Data Structures for Implementing a Timer
 * Facility", IEEE/ACM Transactions on Networking 5(6), 1997, doi:10.1109/90.650142. */

#ifndef WEIR_TIMER_H
#define WEIR_TIMER_H

#include <weir/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef enum weir_timer_late {
    WEIR_TIMER_BURST,
    WEIR_TIMER_DELAY,
    WEIR_TIMER_SKIP
} weir_timer_late;

/* Private: a place in the wheel, lib/wheel.h. All 0: in none. */
typedef struct weir__wheel_node {
    struct weir__wheel_node *next; /* the last one's is NULL */
    struct weir__wheel_node *prev; /* the first one's is the last */
    uint64_t deadline;
    uint64_t sequence; /* of its last start */
    uint32_t place;    /* 0: in no wheel; else its slot + 1 */
    uint32_t spare;    /* the owner's */
} weir__wheel_node;

/* Embedded in what it is for. */
typedef struct weir_timer {
    weir__wheel_node node; /* spare: weir_timer_late, and whether it is in the background */
    weir_loop *loop;
    uint64_t period; /* 0: once */
    void (*call)(struct weir_timer *timer);
} weir_timer;

WEIR_STATIC_ASSERT(sizeof(weir_timer) <= 64, "a timer is one line of most processors");

/* ---- operations ---- */

/* Makes a timer that is not started. */
WEIR_API void weir_timer_init(weir_timer *timer, weir_loop *loop, void (*call)(weir_timer *timer));

/* Starts it, or if it is started, moves it: one call, at the deadline (absolute, ns, of the loop's
 * clock). */
WEIR_API void weir_timer_start(weir_timer *timer, uint64_t deadline);

/* The same, `ns` from now: looks at the clock (25 ns), since the callback may have taken a while;
 * weir_timer_start(timer, weir_clock_add(weir_loop_now(loop), ns)) counts from the turn's poll. */
WEIR_API void weir_timer_after(weir_timer *timer, uint64_t ns);

/* The same, and then every `period` ns, until it is stopped. A period of 0 is one of 1 ns. */
WEIR_API void weir_timer_repeat(weir_timer *timer, uint64_t deadline, uint64_t period,
                                weir_timer_late late);

/* Stops it: it is not called any more, also if it is due. The memory is the caller's.
 * Returns: whether it was started. */
WEIR_API bool weir_timer_stop(weir_timer *timer);

/* Says whether it keeps the loop alive (false: as after init). */
WEIR_API void weir_timer_background(weir_timer *timer, bool background);

/* ---- from other threads ---- */

WEIR_API int weir__timer_cancelled(void *timer);

/* Has the loop stop it. Both are the loop's until weir_canceller_wait() has said how it ended. In
 * the loop's thread it is done at once.
 * Returns: 0; -EPIPE: the loop was closed: nothing was done. Progress: lock-free. */
static inline int weir_timer_cancel(weir_timer *timer, weir_canceller *canceller)
{
    return weir__loop_cancel(canceller, timer->loop, timer, weir__timer_cancelled);
}

/* The same, and waits until that is done.
 * Returns: as weir_canceller_wait(); -EDEADLK: this is the timer's own callback: nothing was
 * done. */
WEIR_NODISCARD static inline int weir_timer_cancel_wait(weir_timer *timer,
                                                        weir_canceller *canceller,
                                                        uint64_t deadline, weir_cancel *cancel)
{
    return weir__loop_cancel_wait(canceller, timer->loop, timer, weir__timer_cancelled, deadline,
                                  cancel);
}

/* ---- queries ---- */

/* Returns: whether it will be called. */
WEIR_API bool weir_timer_is_started(const weir_timer *timer);

/* Returns: the deadline; WEIR_FOREVER: it is not started. */
WEIR_API uint64_t weir_timer_deadline(const weir_timer *timer);

/* Returns: in the callback of one that repeats with SKIP: how many more of its times had passed,
 * and get no call; else 0. */
WEIR_API uint64_t weir_timer_missed(const weir_timer *timer);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_TIMER_H */
