/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A park may end because of its deadline: who does not look has waited for nothing.
 * expect: unused */

#include <weir/wait.h>

int misuse(weir_waiter *waiter, uint64_t deadline);

int misuse(weir_waiter *waiter, uint64_t deadline)
{
#ifdef MISUSE
    weir_waiter_park(waiter, deadline, NULL);
    return 0;
#else
    return weir_waiter_park(waiter, deadline, NULL);
#endif
}
