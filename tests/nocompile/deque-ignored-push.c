/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A push may fail for want of memory, and then the value is still the caller's.
 * expect: unused */

#include <weir/deque.h>

bool misuse(weir_deque *deque);

bool misuse(weir_deque *deque)
{
#ifdef MISUSE
    weir_deque_push(deque, 1);
    return true;
#else
    return weir_deque_push(deque, 1) == 0;
#endif
}
