/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The contract is in the type: a deque has one owner, and is no queue for many.
 * expect: incompatible */

#include <weir/deque.h>
#include <weir/umpmc.h>

int misuse(weir_deque *deque, weir_guard_record *record);

int misuse(weir_deque *deque, weir_guard_record *record)
{
#ifdef MISUSE
    return weir_umpmc_enqueue(deque, record, 1);
#else
    (void)record;
    return weir_deque_push(deque, 1);
#endif
}

typedef weir_umpmc *to_keep_the_type_used;
