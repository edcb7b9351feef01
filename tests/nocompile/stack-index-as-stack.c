/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The contract is in the type: a stack of numbers takes no nodes of the caller.
 * expect: incompatible
 * expect: makes integer from pointer */

#include <weir/stack.h>

bool misuse(weir_stack_index *stack, uint32_t *node);

bool misuse(weir_stack_index *stack, uint32_t *node)
{
#ifdef MISUSE
    return weir_stack_index_push(stack, node);
#else
    return weir_stack_index_push(stack, *node);
#endif
}
