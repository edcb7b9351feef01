/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/stack.c: the stacks of weir/stack.h. */

#include "bench.h"

#include <weir/stack.h>
#include <weir/stack_guard.h>

/* ---- weir_stack_index ---- */

typedef struct our_object {
    WEIR_ALIGNAS(64) uintptr_t value;
} our_object;

WEIR_STACK_INDEX_DEFINE(our_numbers, our_object);

typedef struct our_index {
    our_numbers *stack;
    our_object *objects;
    unsigned threads;
} our_index;

typedef struct our_index_local {
    our_object *spare;
} our_index_local;

static our_index *our_index_open(unsigned threads)
{
    our_index *stack = (our_index *)bench_alloc(sizeof *stack);

    stack->objects = (our_object *)bench_alloc(BENCH_CAPACITY * sizeof *stack->objects);
    stack->threads = threads;
    return our_numbers_new(&stack->stack, stack->objects, BENCH_CAPACITY, WEIR_STACK_EMPTY) == 0
               ? stack
               : NULL;
}

/* Numbers far apart, whose links do not share a line. */
static void our_index_enter(our_index *stack, our_index_local *local, unsigned id)
{
    if (id < stack->threads)
        local->spare = &stack->objects[id * (BENCH_CAPACITY / BENCH_THREADS)];
}

static void our_index_leave(our_index *stack, our_index_local *local)
{
    (void)stack;
    (void)local;
}

static inline bool our_index_push(our_index *stack, our_index_local *local, uintptr_t value)
{
    local->spare->value = value;
    (void)our_numbers_push(stack->stack, local->spare);
    return true;
}

static inline bool our_index_pop(our_index *stack, our_index_local *local, uintptr_t *value)
{
    our_object *const object = our_numbers_pop(stack->stack);

    if (object == NULL)
        return false;
    *value = object->value;
    local->spare = object;
    return true;
}

#define STACK our_index
#define STACK_LABEL "weir stack index"
#define STACK_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, true
#define STACK_NOTE "numbers of fixed nodes, tag and number in one word"
#define STACK_FLAGS BENCH_OURS
#include "stack.h"

#ifdef WEIR_HAVE_STACK

/* ---- weir_stack ---- */

typedef struct our_node {
    WEIR_ALIGNAS(64) weir_stack_node link;
    uintptr_t value;
} our_node;

WEIR_STACK_DEFINE(our_list, our_node, link);

typedef struct our_stack {
    our_list list;
    our_node nodes[BENCH_THREADS + 1];
} our_stack;

typedef struct our_stack_local {
    our_node *spare;
} our_stack_local;

static our_stack *our_stack_open(unsigned threads)
{
    our_stack *stack = (our_stack *)bench_alloc(sizeof *stack);

    (void)threads;
    our_list_init(&stack->list);
    return stack;
}

static void our_stack_enter(our_stack *stack, our_stack_local *local, unsigned id)
{
    local->spare = &stack->nodes[id];
}

static void our_stack_leave(our_stack *stack, our_stack_local *local)
{
    (void)stack;
    (void)local;
}

static inline bool our_stack_push(our_stack *stack, our_stack_local *local, uintptr_t value)
{
    local->spare->value = value;
    (void)our_list_push(&stack->list, local->spare);
    return true;
}

static inline bool our_stack_pop(our_stack *stack, our_stack_local *local, uintptr_t *value)
{
    our_node *const node = our_list_pop(&stack->list);

    if (node == NULL)
        return false;
    *value = node->value;
    local->spare = node;
    return true;
}

#define STACK our_stack
#define STACK_LABEL "weir stack"
#define STACK_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define STACK_NOTE "the caller's nodes, double-word compare-and-swap"
#define STACK_FLAGS BENCH_OURS
#include "stack.h"

#endif /* WEIR_HAVE_STACK */

/* ---- weir_stack_guard ---- */

typedef struct guarded_node {
    WEIR_ALIGNAS(64) weir_stack_guard_node link;
    uintptr_t value;
} guarded_node;

WEIR_STACK_GUARD_DEFINE(guarded_list, guarded_node, link);

typedef struct guarded {
    guarded_list list;
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_guard *domain;
} guarded;

typedef struct guarded_local {
    weir_guard_record *record;
} guarded_local;

/* What the callbacks, which run in the thread that retires, gave back. */
static _Thread_local guarded_node *spares;

static guarded *guarded_open(weir_guard_scheme scheme)
{
    guarded *stack = (guarded *)bench_alloc(sizeof *stack);

    guarded_list_init(&stack->list);
    return weir_guard_new(&stack->domain, scheme, NULL) == 0 ? stack : NULL;
}

static void guarded_enter(guarded *stack, guarded_local *local, unsigned id)
{
    (void)id;
    local->record = weir_guard_self(stack->domain);
}

static void guarded_leave(guarded *stack, guarded_local *local)
{
    (void)stack;
    (void)local;
}

static void guarded_spare(weir_retired *object)
{
    guarded_node *const node = guarded_list_of(object);

    node->value = (uintptr_t)spares;
    spares = node;
}

static inline bool guarded_push(guarded *stack, guarded_local *local, uintptr_t value)
{
    guarded_node *node = spares;

    if (WEIR_LIKELY(node != NULL))
        spares = (guarded_node *)node->value;
    else
        node = (guarded_node *)weir_alloc(sizeof *node, 64);
    if (node == NULL)
        return false;
    node->value = value;
    (void)guarded_list_push(&stack->list, local->record, node);
    return true;
}

static inline bool guarded_pop(guarded *stack, guarded_local *local, uintptr_t *value)
{
    guarded_node *const node = guarded_list_pop(&stack->list, local->record);

    if (node == NULL)
        return false;
    *value = node->value;
    guarded_list_retire(local->record, node, guarded_spare);
    return true;
}

typedef guarded guarded_epoch;
typedef guarded_local guarded_epoch_local;
#define guarded_epoch_enter guarded_enter
#define guarded_epoch_leave guarded_leave
#define guarded_epoch_push guarded_push
#define guarded_epoch_pop guarded_pop

static guarded_epoch *guarded_epoch_open(unsigned threads)
{
    (void)threads;
    return guarded_open(WEIR_GUARD_EPOCH);
}

#define STACK guarded_epoch
#define STACK_LABEL "weir stack, epochs"
#define STACK_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define STACK_NOTE "a new node for each push, retired after the pop; reclaimed ones are used again"
#define STACK_BINDS
#define STACK_FLAGS BENCH_OURS
#include "stack.h"

typedef guarded guarded_interval;
typedef guarded_local guarded_interval_local;
#define guarded_interval_enter guarded_enter
#define guarded_interval_leave guarded_leave
#define guarded_interval_push guarded_push
#define guarded_interval_pop guarded_pop

static guarded_interval *guarded_interval_open(unsigned threads)
{
    (void)threads;
    return guarded_open(WEIR_GUARD_INTERVAL);
}

#define STACK guarded_interval
#define STACK_LABEL "weir stack, intervals"
#define STACK_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define STACK_NOTE "a new node for each push, retired after the pop; reclaimed ones are used again"
#define STACK_BINDS
#define STACK_FLAGS BENCH_OURS
#include "stack.h"

typedef guarded guarded_hazard;
typedef guarded_local guarded_hazard_local;
#define guarded_hazard_enter guarded_enter
#define guarded_hazard_leave guarded_leave
#define guarded_hazard_push guarded_push
#define guarded_hazard_pop guarded_pop

static guarded_hazard *guarded_hazard_open(unsigned threads)
{
    (void)threads;
    return guarded_open(WEIR_GUARD_HAZARD);
}

#define STACK guarded_hazard
#define STACK_LABEL "weir stack, hazards"
#define STACK_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define STACK_NOTE "a new node for each push, retired after the pop; reclaimed ones are used again"
#define STACK_BINDS
#define STACK_FLAGS BENCH_OURS
#include "stack.h"
