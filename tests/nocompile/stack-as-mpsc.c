/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A node of a mailbox is no node of a stack: a stack's is read by threads that slept.
 * expect: incompatible */

#include <weir/mpsc.h>
#include <weir/stack.h>

#ifdef WEIR_HAVE_STACK

bool misuse(weir_stack *stack, weir_stack_node *node, weir_mpsc_node *letter);

bool misuse(weir_stack *stack, weir_stack_node *node, weir_mpsc_node *letter)
{
#ifdef MISUSE
    (void)node;
    return weir_stack_push(stack, letter);
#else
    (void)letter;
    return weir_stack_push(stack, node);
#endif
}

#elif defined(MISUSE)
#error "incompatible: this machine has no weir_stack"
#endif
