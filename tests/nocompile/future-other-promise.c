/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The promises of two types are two types, though their values are the same.
 * expect: incompatible */

#include <weir/future.h>

WEIR_FUTURE_DEFINE(answer, int);
WEIR_FUTURE_DEFINE(length, int);

int misuse(answer_promise *promise, length_promise *other);

int misuse(answer_promise *promise, length_promise *other)
{
#ifdef MISUSE
    (void)promise;
    return answer_complete(other, 7);
#else
    return answer_complete(promise, 7) + length_complete(other, 7);
#endif
}
