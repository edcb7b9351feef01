/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A thief needs a record of its own: the array may be outgrown while it looks at it.
 * expect: too few arguments */

#include <weir/deque.h>

bool misuse(weir_deque *deque, weir_guard_record *record, uintptr_t *value);

bool misuse(weir_deque *deque, weir_guard_record *record, uintptr_t *value)
{
#ifdef MISUSE
    (void)record;
    return weir_deque_steal(deque, value);
#else
    return weir_deque_steal(deque, record, value);
#endif
}
