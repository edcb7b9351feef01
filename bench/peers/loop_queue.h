/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/loop_queue.h: what C programs put before a loop that has a way to be woken and no
 * queue: a stack of which the loop takes all at once and turns it round, or a list and a mutex. The
 * loop is woken by who finds it empty. */

#ifndef WEIR_BENCH_LOOP_QUEUE_H
#define WEIR_BENCH_LOOP_QUEUE_H

#include "../loop.h"

#include <pthread.h>

typedef struct loop_node {
    loop_post post;
    struct loop_node *next;
} loop_node;

typedef struct loop_stack {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(loop_node *) top;
} loop_stack;

/* Returns: whether it was empty. */
static inline bool loop_stack_push(loop_stack *stack, loop_post *post)
{
    loop_node *const node = (loop_node *)(void *)post;
    loop_node *top = weir_atomic_load(&stack->top, WEIR_RELAXED); /* relaxed: the CAS looks again */

    do
        node->next = top;
    /* sync(stacked): release. Pairs with the exchange in loop_stack_run(); the node.
     * relaxed: on failure tried again. */
    while (!weir_atomic_cas_weak(&stack->top, &top, node, WEIR_RELEASE, WEIR_RELAXED));
    return top == NULL;
}

/* Runs all, in the order in which they were pushed. */
static inline void loop_stack_run(loop_stack *stack)
{
    /* sync(stacked): acquire. Pairs with the CAS in loop_stack_push(). */
    loop_node *node = weir_atomic_exchange(&stack->top, (loop_node *)NULL, WEIR_ACQUIRE);
    loop_node *first = NULL;

    while (node != NULL) {
        loop_node *const next = node->next;

        node->next = first;
        first = node;
        node = next;
    }
    while (first != NULL) {
        loop_node *const next = first->next;

        first->post.run(&first->post);
        first = next;
    }
}

typedef struct loop_list {
    pthread_mutex_t lock;
    loop_node *first, **end;
} loop_list;

static inline void loop_list_init(loop_list *list)
{
    pthread_mutex_init(&list->lock, NULL);
    list->first = NULL;
    list->end = &list->first;
}

/* Returns: whether it was empty. */
static inline bool loop_list_push(loop_list *list, loop_post *post)
{
    loop_node *const node = (loop_node *)(void *)post;
    bool empty;

    node->next = NULL;
    pthread_mutex_lock(&list->lock);
    empty = list->first == NULL;
    *list->end = node;
    list->end = &node->next;
    pthread_mutex_unlock(&list->lock);
    return empty;
}

static inline void loop_list_run(loop_list *list)
{
    loop_node *first;

    pthread_mutex_lock(&list->lock);
    first = list->first;
    list->first = NULL;
    list->end = &list->first;
    pthread_mutex_unlock(&list->lock);
    while (first != NULL) {
        loop_node *const next = first->next;

        first->post.run(&first->post);
        first = next;
    }
}

#endif /* WEIR_BENCH_LOOP_QUEUE_H */
