/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Whether a wait found a result must be looked at.
 * expect: unused */

#include <weir/future.h>

int misuse(weir_future *future);

int misuse(weir_future *future)
{
#ifdef MISUSE
    weir_future_wait(future, 1000, NULL);
    return 0;
#else
    return weir_future_wait(future, 1000, NULL);
#endif
}
