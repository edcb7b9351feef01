/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A queue of one type takes no array of another.
 * expect: incompatible */

#include <weir/spsc.h>

WEIR_SPSC_DEFINE(sample_queue, float);

size_t misuse(sample_queue *queue, const float *samples, const double *wide);

size_t misuse(sample_queue *queue, const float *samples, const double *wide)
{
#ifdef MISUSE
    (void)samples;
    return sample_queue_enqueue_burst(queue, wide, 4);
#else
    (void)wide;
    return sample_queue_enqueue_burst(queue, samples, 4);
#endif
}
