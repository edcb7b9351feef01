/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/clock.h: deadlines: absolute times of the monotonic clock, in nanoseconds, with
 * arithmetic that saturates.
 *
 * Use it when: you call anything that waits. All of weir's waits take a deadline: 0, or
 *              any time that has passed, does not wait; WEIR_FOREVER waits for ever.
 *
 * Threads:   any, at any time.
 * Progress:  wait-free.
 * Ordering:  none.
 * Memory:    none. */

#ifndef WEIR_CLOCK_H
#define WEIR_CLOCK_H

#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A deadline that never comes. */
#define WEIR_FOREVER UINT64_MAX

/* Returns: the time of the monotonic clock (it does not jump when the date is set), in ns. */
WEIR_API uint64_t weir_clock_now(void);

/* Returns: the deadline `ns` after `start`; WEIR_FOREVER if that is beyond the clock's range. */
static inline uint64_t weir_clock_add(uint64_t start, uint64_t ns)
{
    return ns > WEIR_FOREVER - start ? WEIR_FOREVER : start + ns;
}

/* Returns: the deadline `ns` from now. */
static inline uint64_t weir_clock_after(uint64_t ns)
{
    return weir_clock_add(weir_clock_now(), ns);
}

/* Returns: whether the deadline has passed. 0 and WEIR_FOREVER need no look at the clock. */
static inline bool weir_clock_passed(uint64_t deadline)
{
    return deadline == 0 || (deadline != WEIR_FOREVER && weir_clock_now() >= deadline);
}

/* Returns: the time left until the deadline, in ns: 0 if it has passed; WEIR_FOREVER of
 * WEIR_FOREVER. */
static inline uint64_t weir_clock_left(uint64_t deadline)
{
    const uint64_t now = deadline == 0 || deadline == WEIR_FOREVER ? 0 : weir_clock_now();

    return deadline > now ? deadline - now : 0;
}

#ifdef __cplusplus
}
#endif

#endif /* WEIR_CLOCK_H */
