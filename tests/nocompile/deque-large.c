/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* An element of a deque is at most a word: of what is larger, push a pointer.
 * expect: at most a word */

#include <weir/deque.h>

#ifdef MISUSE
typedef struct element {
    uintptr_t from, to;
} element;
#else
typedef uintptr_t element;
#endif

WEIR_DEQUE_DEFINE(elements, element);

bool misuse(elements *e, element value);

bool misuse(elements *e, element value)
{
    return elements_push(e, value) == 0;
}
