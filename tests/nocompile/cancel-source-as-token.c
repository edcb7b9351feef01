/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A wait takes a token: what it could cancel it is not given.
 * expect: incompatible */

#include <weir/cancel.h>

int misuse(weir_waiter *waiter, weir_cancel_source *source);

int misuse(weir_waiter *waiter, weir_cancel_source *source)
{
#ifdef MISUSE
    return weir_waiter_park(waiter, WEIR_FOREVER, source);
#else
    return weir_waiter_park(waiter, WEIR_FOREVER, weir_cancel_source_token(source));
#endif
}
