/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Who has the future side cannot complete.
 * expect: incompatible */

#include <weir/future.h>

int misuse(weir_promise *promise, weir_future *future);

int misuse(weir_promise *promise, weir_future *future)
{
    const int value = 7;

#ifdef MISUSE
    (void)promise;
    return weir_promise_complete(future, &value);
#else
    (void)future;
    return weir_promise_complete(promise, &value);
#endif
}
