/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Whether a wait was refused must be looked at.
 * expect: unused */

#include <weir/guard.h>

int misuse(weir_guard *domain);

int misuse(weir_guard *domain)
{
#ifdef MISUSE
    weir_guard_barrier(domain, WEIR_FOREVER);
    return 0;
#else
    return weir_guard_barrier(domain, WEIR_FOREVER);
#endif
}
