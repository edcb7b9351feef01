/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/atomic.h>

#include <weir/clock.h>

/* Calls of weir_pause() in 1024 ns; 0 before the first measurement. */
static WEIR_ATOMIC(uint32_t) pauses_per_1024ns;

/* The shortest of several short runs: a thread that was preempted within a run
 * would take `pause` for slow and back off too little for ever. */
static uint32_t measure_pause(void)
{
    enum { RUNS = 8, PAUSES = 64 };
    uint64_t best = UINT64_MAX;
    uint32_t rate;

    for (int run = 0; run < RUNS; run++) {
        const uint64_t begin = weir_clock_now();
        uint64_t took;

        for (int i = 0; i < PAUSES; i++)
            weir_pause();
        took = weir_clock_now() - begin;
        if (took < best)
            best = took;
    }
    rate = (uint32_t)(PAUSES * 1024 / (best + 1));
    return rate > 0 ? rate : 1;
}

void weir_backoff_wait(weir_backoff *backoff)
{
    /* relaxed: a number that says nothing about other memory; threads that
     * measure it at the same time write about the same. */
    uint32_t rate = weir_atomic_load(&pauses_per_1024ns, WEIR_RELAXED);
    uint32_t pauses;

    if (WEIR_UNLIKELY(rate == 0)) {
        rate = measure_pause();
        /* relaxed: as above. */
        weir_atomic_store(&pauses_per_1024ns, rate, WEIR_RELAXED);
    }
    if (backoff->ns == 0)
        backoff->ns = WEIR_BACKOFF_MIN_NS;
    pauses = (uint32_t)(((uint64_t)backoff->ns * rate) >> 10) + 1;
    while (pauses-- > 0)
        weir_pause();
    backoff->ns *= 2;
    if (backoff->ns > WEIR_BACKOFF_MAX_NS)
        backoff->ns = WEIR_BACKOFF_MAX_NS;
}
