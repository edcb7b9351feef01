/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* An acquire may have failed: what it says must not be ignored.
 * expect: unused */

#include <weir/sem.h>

int misuse(weir_sem *sem);

int misuse(weir_sem *sem)
{
#ifdef MISUSE
    weir_sem_acquire(sem, 1, WEIR_FOREVER, NULL);
    return 0;
#else
    return weir_sem_acquire(sem, 1, WEIR_FOREVER, NULL);
#endif
}
