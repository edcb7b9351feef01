/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Who does not look at why a wait has ended does not know whether the token is cancelled.
 * expect: unused */

#include <weir/cancel.h>

int misuse(weir_cancel *token, uint64_t deadline);

int misuse(weir_cancel *token, uint64_t deadline)
{
#ifdef MISUSE
    weir_cancel_wait(token, deadline, NULL);
    return 0;
#else
    return weir_cancel_wait(token, deadline, NULL);
#endif
}
