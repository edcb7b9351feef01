/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Who goes on after a barrier that is broken goes on alone: what it says must not be ignored.
 * expect: unused */

#include <weir/sem.h>

int misuse(weir_barrier *barrier);

int misuse(weir_barrier *barrier)
{
#ifdef MISUSE
    weir_barrier_wait(barrier, WEIR_FOREVER, NULL);
    return 0;
#else
    return weir_barrier_wait(barrier, WEIR_FOREVER, NULL);
#endif
}
