/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A typed promise takes a value of its own type alone.
 * expect: incompatible */

#include <weir/future.h>

typedef struct page {
    char text[32];
} page;

WEIR_FUTURE_DEFINE(answer, int);

int misuse(answer_promise *promise, page found, int number);

int misuse(answer_promise *promise, page found, int number)
{
#ifdef MISUSE
    (void)number;
    return answer_complete(promise, found);
#else
    (void)found;
    return answer_complete(promise, number);
#endif
}
