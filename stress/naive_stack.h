/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/naive_stack.h: a stack of recycled nodes as one writes it first: pointer alone,
 * nothing that tells a node that came back from one that stayed. It is broken, and what
 * looks for broken stacks is to find it. */

#ifndef WEIR_STRESS_NAIVE_STACK_H
#define WEIR_STRESS_NAIVE_STACK_H

#include <weir/atomic.h>

/* What happens between the look and the compare-and-swap of a pop. */
#ifndef NAIVE_WINDOW
#define NAIVE_WINDOW() ((void)0)
#endif

typedef struct naive_node {
    WEIR_ATOMIC(struct naive_node *) next;
} naive_node;

typedef struct naive_stack {
    WEIR_ATOMIC(naive_node *) top;
} naive_stack;

static inline void naive_push_chain(naive_stack *stack, naive_node *first, naive_node *last)
{
    /* relaxed: the pointer is compared and stored, and not followed. */
    naive_node *top = weir_atomic_load(&stack->top, WEIR_RELAXED);

    do
        /* relaxed: not yet published. */
        weir_atomic_store(&last->next, top, WEIR_RELAXED);
    while (!weir_atomic_cas(&stack->top, &top, first, WEIR_RELEASE, WEIR_RELAXED));
}

static inline naive_node *naive_pop(naive_stack *stack)
{
    naive_node *top = weir_atomic_load(&stack->top, WEIR_ACQUIRE);

    while (top != NULL) {
        /* relaxed: acquired with the pointer. */
        naive_node *const next = weir_atomic_load(&top->next, WEIR_RELAXED);

        NAIVE_WINDOW();
        /* Here is the fault: the same pointer is not the same stack. */
        if (weir_atomic_cas(&stack->top, &top, next, WEIR_ACQUIRE, WEIR_ACQUIRE))
            break;
    }
    return top;
}

static inline naive_node *naive_pop_all(naive_stack *stack)
{
    return weir_atomic_exchange(&stack->top, NULL, WEIR_ACQUIRE);
}

#endif /* WEIR_STRESS_NAIVE_STACK_H */
