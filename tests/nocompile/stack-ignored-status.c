/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Whether a stack was made must be looked at.
 * expect: unused */

#include <weir/stack.h>

weir_stack_index *misuse(void);

weir_stack_index *misuse(void)
{
    weir_stack_index *stack = NULL;

#ifdef MISUSE
    weir_stack_index_new(&stack, 100, WEIR_STACK_FULL);
    return stack;
#else
    return weir_stack_index_new(&stack, 100, WEIR_STACK_FULL) == 0 ? stack : NULL;
#endif
}
