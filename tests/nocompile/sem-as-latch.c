/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A semaphore is acquired; what is waited for until it is at 0 is a latch.
 * expect: incompatible */

#include <weir/sem.h>

int misuse(weir_sem *sem, weir_latch *latch);

int misuse(weir_sem *sem, weir_latch *latch)
{
#ifdef MISUSE
    (void)latch;
    return weir_latch_wait(sem, WEIR_FOREVER, NULL);
#else
    (void)sem;
    return weir_latch_wait(latch, WEIR_FOREVER, NULL);
#endif
}
