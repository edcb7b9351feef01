/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Who has the promise does not wait for himself.
 * expect: incompatible */

#include <weir/future.h>

int misuse(weir_promise *promise, weir_future *future);

int misuse(weir_promise *promise, weir_future *future)
{
#ifdef MISUSE
    (void)future;
    return weir_future_wait(promise, WEIR_FOREVER, NULL);
#else
    (void)promise;
    return weir_future_wait(future, WEIR_FOREVER, NULL);
#endif
}
