/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A waiter that could not be armed is not called: its owner has to go on itself.
 * expect: unused */

#include <weir/wait.h>

bool misuse(weir_waiter *waiter);

bool misuse(weir_waiter *waiter)
{
#ifdef MISUSE
    weir_waiter_arm(waiter);
    return true;
#else
    return weir_waiter_arm(waiter);
#endif
}
