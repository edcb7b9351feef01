/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stack_guard.h: the third of the stacks: the caller's own nodes, which are freed after use,
 * under a domain of weir/guard.h.
 *
 * Use it when: nodes come from malloc() and go back to it.
 * Use the types of weir/stack.h where node memory stays: they are faster, and need no domain.
 *
 * Who may run with whom: as in weir/stack.h, each thread with its own record of the domain.
 *
 * Progress:  push, push_chain, pop and pop_all are lock-free, as in weir/stack.h; what retire does
 *            is told in weir/reclaim.h. empty is wait-free.
 * Ordering:  as in weir/stack.h.
 * Linearization: as in weir/stack.h.
 * Memory:    a node is six words. A popped one may still be read by others: it is to be retired,
 *            and freed or pushed again by its callback, or later.
 * Ownership: a node is the stack's from push until pop or pop_all returns it; then it is the
 *            caller's to read and to retire.
 * Complexity: one compare-and-swap an operation, whatever the length of a chain; pop has a read
 *            section besides. No number beside the pointer is needed: while the popper holds
 *            a node it is not reclaimed, and does not come back.
 * Edges:
 *   guard-pushed  weir_stack_guard_push, _chain -> weir_stack_guard_pop, _pop_all  carries
 *                 the nodes' next, and what they are in
 *
 * Source: R. K. Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986;
 * M. M. Michael, "Hazard Pointers", IEEE TPDS 15(6), 2004, doi:10.1109/TPDS.2004.8. */

#ifndef WEIR_STACK_GUARD_H
#define WEIR_STACK_GUARD_H

#include <weir/guard.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* To be embedded in what is pushed; `retired` begins as WEIR_RETIRED_INIT, or zero. */
typedef struct weir_stack_guard_node {
    weir_retired retired;
    struct weir_stack_guard_node *next;
} weir_stack_guard_node;

typedef struct weir_stack_guard {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(weir_stack_guard_node *) top; /* everybody */
    uintptr_t made;   /* nobody, between init and destroy: WEIR__STACK_GUARD_MADE */
    size_t allocated; /* bytes of the allocation by weir_stack_guard_new(), or 0 */
} weir_stack_guard;

#define WEIR__STACK_GUARD_MADE ((uintptr_t)0x77656967)

/* An empty stack. */
#define WEIR_STACK_GUARD_INIT                              \
    {                                                      \
        WEIR_ATOMIC_INIT(NULL), WEIR__STACK_GUARD_MADE, 0, \
    }

WEIR_STATIC_ASSERT(offsetof(weir_stack_guard_node, retired) == 0, "what is protected is retired");
WEIR_STATIC_ASSERT(sizeof(weir_stack_guard) == WEIR_CACHELINE, "one line pair");

/* ---- life: as of weir_stack ---- */

WEIR_API void weir_stack_guard_init(weir_stack_guard *stack);
WEIR_API int weir_stack_guard_destroy(weir_stack_guard *stack);
WEIR_API int weir_stack_guard_new(weir_stack_guard **stack) WEIR_NODISCARD;
WEIR_API int weir_stack_guard_free(weir_stack_guard *stack);

/* ---- chains ---- */

/* Puts `next`, which may be NULL, below a node that is not yet pushed. */
static inline void weir_stack_guard_link(weir_guard_record *record, weir_stack_guard_node *node,
                                         weir_stack_guard_node *next)
{
    /* Plain: not yet published, and nobody remembers it: it is new, or was reclaimed. */
    node->next = next;
    weir_guard_born(record, &node->retired);
}

/* Returns: the node below `node` in a chain, or NULL; to be asked before it is retired. */
static inline weir_stack_guard_node *weir_stack_guard_next(const weir_stack_guard_node *node)
{
    return node->next;
}

/* ---- operations ---- */

/* In the library: the same after a compare-and-swap that lost. */
WEIR_API bool weir__stack_guard_push_on(weir_stack_guard *stack, weir_stack_guard_node *first,
                                        weir_stack_guard_node *last);
WEIR_API weir_stack_guard_node *weir__stack_guard_pop_on(weir_stack_guard *stack,
                                                         weir_guard_record *record);

/* One attempt to put a chain on top of `*top`. */
static inline bool weir__stack_guard_try_push(weir_stack_guard *stack, weir_stack_guard_node **top,
                                              weir_stack_guard_node *first,
                                              weir_stack_guard_node *last)
{
    last->next = *top; /* plain: not yet published */
    /* sync(guard-pushed): release. Pairs with the loads in weir__stack_guard_try_pop() and
     * weir_stack_guard_pop_all(), as in weir__stack_try_push().
     * relaxed on failure: the pointer is compared and stored, and not followed. */
    return weir_atomic_cas(&stack->top, top, first, WEIR_RELEASE, WEIR_RELAXED);
}

/* As weir_stack_push_chain(), of nodes linked by weir_stack_guard_link().
 * Threads: with the calling thread's record, inside a section or outside. */
static inline bool weir_stack_guard_push_chain(weir_stack_guard *stack, weir_guard_record *record,
                                               weir_stack_guard_node *first,
                                               weir_stack_guard_node *last)
{
    /* relaxed: the pointer is compared and stored, and not followed. */
    weir_stack_guard_node *top = weir_atomic_load(&stack->top, WEIR_RELAXED);

    WEIR_ASSERT(stack->made == WEIR__STACK_GUARD_MADE, "used after destroy, or before init");
    WEIR_ASSERT(top != first, "this node is inside already");
    weir_guard_born(record, &last->retired);
    if (WEIR_LIKELY(weir__stack_guard_try_push(stack, &top, first, last)))
        return top == NULL;
    return weir__stack_guard_push_on(stack, first, last);
}

/* Puts `node` on top. Returns: whether the stack was empty before. */
static inline bool weir_stack_guard_push(weir_stack_guard *stack, weir_guard_record *record,
                                         weir_stack_guard_node *node)
{
    return weir_stack_guard_push_chain(stack, record, node, node);
}

/* One attempt, inside a section. Returns: whether *node is the answer, NULL if it was empty. */
static inline bool weir__stack_guard_try_pop(weir_stack_guard *stack, weir_guard_record *record,
                                             weir_stack_guard_node **node)
{
    weir_stack_guard_node *top;
    weir_stack_guard_node *next;

    do
        /* sync(guard-pushed): acquire. Pairs with the compare-and-swap in
         * weir__stack_guard_try_push(); the node's next, and what it is in. */
        top = weir_atomic_load(&stack->top, WEIR_ACQUIRE);
    while (top != NULL && weir__guard_hold(record, 0, top));
    *node = top;
    if (top == NULL)
        return true;
    /* Plain: written before the push; it is held, so not reclaimed, so not pushed again. */
    next = top->next;
    /* relaxed: the load has acquired this very write: a node that is held is not pushed again. On
     * failure it is loaded again. */
    return weir_atomic_cas(&stack->top, &top, next, WEIR_RELAXED, WEIR_RELAXED);
}

/* Takes the top. Returns: NULL if the stack was empty.
 * Threads: with the calling thread's record, inside a section or outside.
 * Ownership: the node is the caller's to read, and to retire: weir_guard_retire() of its
 * `retired`. Others may still read its `next`: freed, or pushed again, it may be by the
 * callback. */
static inline weir_stack_guard_node *weir_stack_guard_pop(weir_stack_guard *stack,
                                                          weir_guard_record *record)
{
    const weir_section section = weir_guard_enter(record);
    weir_stack_guard_node *node;

    WEIR_ASSERT(stack->made == WEIR__STACK_GUARD_MADE, "used after destroy, or before init");
    if (!WEIR_LIKELY(weir__stack_guard_try_pop(stack, record, &node)))
        node = weir__stack_guard_pop_on(stack, record);
    weir__guard_drop(record, 0);
    weir_guard_exit(record, section);
    return node;
}

/* Takes all nodes at once, as a chain. Each is to be retired, as after a pop.
 * Returns: the uppermost; NULL if the stack was empty.
 * Progress: wait-free where the machine has an exchange. */
static inline weir_stack_guard_node *weir_stack_guard_pop_all(weir_stack_guard *stack)
{
    WEIR_ASSERT(stack->made == WEIR__STACK_GUARD_MADE, "used after destroy, or before init");
    /* sync(guard-pushed): acquire. Pairs with the compare-and-swap in
     * weir__stack_guard_try_push(); all nodes' next, and what they are in. */
    return weir_atomic_exchange(&stack->top, NULL, WEIR_ACQUIRE);
}

/* ---- queries ---- */

/* Returns: whether the stack was empty, at a moment of the call. */
static inline bool weir_stack_guard_empty(const weir_stack_guard *stack)
{
    WEIR_ASSERT(stack->made == WEIR__STACK_GUARD_MADE, "used after destroy, or before init");
    /* relaxed: only compared with NULL. */
    return weir_atomic_load(&stack->top, WEIR_RELAXED) == NULL;
}

/* ---- typed ---- */

/* Defines the type NAME, a weir_stack_guard of objects of type T, whose member `member` is the
 * weir_stack_guard_node, with NAME_init, NAME_destroy, NAME_push and NAME_pop, NAME_retire of
 * what was popped, and NAME_of, which the callback asks for the object of a weir_retired. */
#define WEIR_STACK_GUARD_DEFINE(name, T, member)                                                 \
    typedef struct name {                                                                        \
        weir_stack_guard stack;                                                                  \
    } name;                                                                                      \
    WEIR_UNUSED static inline void name##_init(name *weir_typed)                                 \
    {                                                                                            \
        weir_stack_guard_init(&weir_typed->stack);                                               \
    }                                                                                            \
    WEIR_UNUSED static inline int name##_destroy(name *weir_typed)                               \
    {                                                                                            \
        return weir_stack_guard_destroy(&weir_typed->stack);                                     \
    }                                                                                            \
    WEIR_UNUSED static inline T *name##_of(weir_retired *weir_object)                            \
    {                                                                                            \
        return (T *)(void *)((char *)weir_object - offsetof(T, member));                         \
    }                                                                                            \
    WEIR_UNUSED static inline bool name##_push(name *weir_typed, weir_guard_record *weir_record, \
                                               T *weir_object)                                   \
    {                                                                                            \
        return weir_stack_guard_push(&weir_typed->stack, weir_record, &weir_object->member);     \
    }                                                                                            \
    WEIR_UNUSED static inline T *name##_pop(name *weir_typed, weir_guard_record *weir_record)    \
    {                                                                                            \
        weir_stack_guard_node *const weir_node =                                                 \
            weir_stack_guard_pop(&weir_typed->stack, weir_record);                               \
        return weir_node == NULL ? NULL : name##_of(&weir_node->retired);                        \
    }                                                                                            \
    WEIR_UNUSED static inline void name##_retire(weir_guard_record *weir_record, T *weir_object, \
                                                 weir_reclaim_callback *weir_reclaim)            \
    {                                                                                            \
        weir_guard_retire(weir_record, &weir_object->member.retired, weir_reclaim, sizeof(T));   \
    }                                                                                            \
    struct name

#ifdef __cplusplus
}
#endif

#endif /* WEIR_STACK_GUARD_H */
