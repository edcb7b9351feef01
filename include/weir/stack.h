/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stack.h: last-in, first-out stacks for any number of threads (Treiber's). Three
 * types, told apart by what they ask of the memory of nodes.
 *
 * Use it when: any thread may put things aside and any may take one, in whatever order:
 *              free lists, caches of objects, work that is handed over as a heap.
 *   weir_stack_index   fixed nodes, known by their number: a free list over an array.
 *                      Portable, and reads no node. Begin with this one.
 *   weir_stack         the caller's own nodes, any number of them (where WEIR_HAVE_STACK:
 *                      needs a double-word compare-and-swap). Their memory must stay
 *                      readable while the stack is in use; for instance it comes from
 *                      static arrays, or from a pool that gives nothing back.
 *   weir_stack_guard   in weir/stack_guard.h: the caller's own nodes, which are freed after
 *                      use. A popped node is retired, and comes back, if at all, when its
 *                      callback is called.
 * Use weir/mpsc.h when one thread takes, in order; weir/mpmc.h when order or a bound
 * matters.
 *
 * Who may run with whom:
 *                        push, push_chain   pop, pop_all   empty
 *   push, push_chain           yes              yes         yes
 *   pop, pop_all               yes              yes         yes
 *   init, destroy              no               no          no
 *
 * Progress:  push, push_chain, pop and pop_all are lock-free: a compare-and-swap is
 *            repeated only when another thread's succeeded, after a wait in time, not
 *            for a thread. empty is wait-free.
 * Ordering:  what happens before a push is visible after the pop, or pop_all, of that
 *            node. "Empty" is ordered by happens-before and no further: before going
 *            to sleep on it see "Refusals and sleep" in doc/memory-model.md.
 * Linearization: at the compare-and-swap that succeeds; "empty" at the load of the
 *            pointer, or of the one word: the stack was empty at that moment.
 * Memory:    weir_stack: one pointer in each node. A popped node may be pushed again at
 *            once, here or elsewhere; its `next` is written by these functions alone,
 *            since a thread that slept in a pop may still read it, and throw away what
 *            it read. It may be freed when no pop still runs that began before it was
 *            taken out.
 *            weir_stack_index: 4 bytes a node in the caller's buffer. What the nodes
 *            themselves are is the caller's: no other thread looks at a popped one.
 *            No operation allocates.
 * Ownership: a node is the stack's from push until pop or pop_all returns it. It may not
 *            be pushed while it is inside.
 * Complexity: one compare-and-swap an operation, whatever the length of a chain: of 8
 *            bytes, but for pop and pop_all of weir_stack, of 16. None on empty.
 *
 * Why a node that comes back does no harm (ABA). A popper reads that A is on top and B
 * below, and sleeps; others pop A and B and push A again. A compare-and-swap of the
 * pointer alone would find A, and make B the top, which is somebody else's now. So
 * beside the pointer is a number, advanced by each removal, pop or pop_all, and by
 * nothing else; the popper's compare-and-swap wants the number of before. Why it
 * suffices that removals advance it: between two removals nodes are only put on top, so
 * no pointer is on top twice. If the number is still the one that was read before
 * the pointer, then from the load of the pointer on nothing happened to the head at all:
 * A was on top throughout, and inside, so its next is what was read. A push needs no number:
 * that its expected top went away and came back leaves the new node's next right. In
 * weir_stack the two are read one by one, number first: the other way round the number
 * would vouch for a pointer that was read before it.
 *
 * When the number wraps. weir_stack: 2^64 removals, centuries. weir_stack_index: the tag
 * has what the numbers of nodes leave of 64 bits, and at 100 million removals a second,
 * more than several cores were seen to do on one line, it comes round in
 *     count 255: 56 bits, 22 years         count 65535: 48 bits, 32 days
 *     count 2^20 - 1: 44 bits, 2 days      count 2^24 - 1, the largest: 40 bits, 3 hours
 * A pop goes wrong if it sleeps between its load and its compare-and-swap for a whole
 * number of such rounds, exact to the removal, with the same node on top: of 2^40 pops that
 * sleep as long as that, one. Where that is too many, take fewer nodes, or weir_stack.
 *
 * Edges:
 *   pushed        weir_stack_push, _chain -> weir_stack_pop, _pop_all  carries the nodes'
 *                 next, and what they are in
 *   removed       weir_stack_pop, _pop_all -> weir_stack_pop, _pop_all  carries the pointer
 *                 that belongs to the generation, or a later one
 *   index-pushed  weir_stack_index_push, _chain -> weir_stack_index_pop, _pop_all  carries
 *                 the nodes' links, and what they are
 *
 * Source: R. K. Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986;
 * the number beside the pointer: "IBM System/370 Extended Architecture, Principles of
 * Operation", SA22-7085, 1983, appendix A ("free-pool manipulation"). */

#ifndef WEIR_STACK_H
#define WEIR_STACK_H

#include <weir/atomic.h>
#include <weir/base.h>

/* Defined where the machine has an inline double-word compare-and-swap. */
#ifdef WEIR_HAVE_DWORD_CAS
#define WEIR_HAVE_STACK 1
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ==== weir_stack_index: numbers of fixed nodes ==== */

/* Not a number of a node: the stack is empty, or a chain ends. */
#define WEIR_STACK_NONE UINT32_MAX

/* Most nodes of a weir_stack_index: leaves 40 bits for the tag. */
#define WEIR_STACK_INDEX_MAX (((uint32_t)1 << 24) - 1)

/* What is inside at the beginning, and has to be at the end. */
typedef enum weir_stack_fill {
    WEIR_STACK_EMPTY, /* nothing */
    WEIR_STACK_FULL   /* all nodes, 0 on top: a free list */
} weir_stack_fill;

typedef struct weir_stack_index {
    /* everybody: the tag, and in the bits of `mask` the top's number + 1, or 0 */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) head;
    /* nobody, between init and destroy: */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) * links; /* of each node: like the top */
    uint64_t mask;
    uint32_t count;
    weir_stack_fill fill;
    void *array;      /* of a typed one: its nodes */
    size_t allocated; /* bytes of one allocation by weir_stack_index_new(), or 0 */
} weir_stack_index;

WEIR_STATIC_ASSERT(sizeof(weir_stack_index) == 2 * WEIR_CACHELINE, "the head is alone");

/* ---- life ---- */

/* Bytes of the buffer for `count` nodes; 0 if count is 0 or above WEIR_STACK_INDEX_MAX. */
WEIR_API size_t weir_stack_index_bytes(size_t count);

/* Makes a stack of the numbers 0 to count - 1, with none or all of them inside. `buffer`
 * is aligned to WEIR_CACHELINE, stays the caller's, and must outlive the stack.
 * Returns: 0; -EINVAL for a count of 0 or too large, or a buffer that is NULL, not
 * aligned or of too few bytes. */
WEIR_API int weir_stack_index_init(weir_stack_index *stack, void *buffer, size_t bytes,
                                   size_t count, weir_stack_fill fill) WEIR_NODISCARD;

/* The same, with the tag at `start`: for tests that want to see it wrap. */
WEIR_API int weir_stack_index_init_at(weir_stack_index *stack, void *buffer, size_t bytes,
                                      size_t count, weir_stack_fill fill,
                                      uint64_t start) WEIR_NODISCARD;

/* Ends the stack; the buffer is the caller's again. No other thread may use it.
 * Returns: 0; -EBUSY if nodes are inside, or, where it was made full, if one is not:
 * nothing was done. Complexity: walks over what is inside. */
WEIR_API int weir_stack_index_destroy(weir_stack_index *stack);

/* Allocates stack and buffer at once, through weir_alloc().
 * Returns: 0 and *stack; -EINVAL as init; -ENOMEM. *stack is untouched on failure. */
WEIR_API int weir_stack_index_new(weir_stack_index **stack, size_t count,
                                  weir_stack_fill fill) WEIR_NODISCARD;

/* Ends and frees what weir_stack_index_new() made; NULL is ignored.
 * Returns: 0; -EBUSY as weir_stack_index_destroy(). */
WEIR_API int weir_stack_index_free(weir_stack_index *stack);

/* ---- chains: of nodes that are outside, by the thread that owns them ---- */

/* Puts `next`, which may be WEIR_STACK_NONE, below `index`. */
static inline void weir_stack_index_link(weir_stack_index *stack, uint32_t index, uint32_t next)
{
    WEIR_ASSERT(stack->links != NULL, "used after destroy, or before init");
    WEIR_ASSERT(index < stack->count && (next < stack->count || next == WEIR_STACK_NONE),
                "no such node");
    /* relaxed: not yet published; atomic, since a pop that slept may read it. */
    weir_atomic_store(&stack->links[index], next + 1, WEIR_RELAXED);
}

/* Returns: the node below `index` in a chain, or WEIR_STACK_NONE. */
static inline uint32_t weir_stack_index_next(const weir_stack_index *stack, uint32_t index)
{
    WEIR_ASSERT(stack->links != NULL, "used after destroy, or before init");
    WEIR_ASSERT(index < stack->count, "no such node");
    /* relaxed: the chain is this thread's; pop_all acquired it. */
    return weir_atomic_load(&stack->links[index], WEIR_RELAXED) - 1;
}

/* ---- operations ---- */

/* In the library: the same after a compare-and-swap that lost. */
WEIR_API bool weir__stack_index_push_on(weir_stack_index *stack, uint32_t first, uint32_t last);
WEIR_API uint32_t weir__stack_index_pop_on(weir_stack_index *stack);

/* One attempt to put a chain on top of what `*head` says. */
static inline bool weir__stack_index_try_push(weir_stack_index *stack, uint64_t *head,
                                              uint32_t first, uint32_t last)
{
    /* relaxed: not yet published; atomic, since a pop that slept may read it. */
    weir_atomic_store(&stack->links[last], (uint32_t)(*head & stack->mask), WEIR_RELAXED);
    /* sync(index-pushed): release. Pairs with the loads in weir_stack_index_pop() and
     * weir_stack_index_pop_all(), through other pushes and pops on top: all are
     * read-modify-writes. Publishes the links, and what the nodes are.
     * relaxed on failure: the number is compared, and nothing read through it. */
    return weir_atomic_cas(&stack->head, head, (*head & ~stack->mask) | (first + 1), WEIR_RELEASE,
                           WEIR_RELAXED);
}

/* Puts the chain from `first` to `last`, linked by weir_stack_index_link(), on top, first
 * uppermost. What is below `last` is replaced.
 * Returns: whether the stack was empty before. */
static inline bool weir_stack_index_push_chain(weir_stack_index *stack, uint32_t first,
                                               uint32_t last)
{
    /* relaxed: the number is compared, and nothing read through it. */
    uint64_t head = weir_atomic_load(&stack->head, WEIR_RELAXED);

    WEIR_ASSERT(stack->links != NULL, "used after destroy, or before init");
    WEIR_ASSERT(first < stack->count && last < stack->count, "no such node");
    WEIR_ASSERT((head & stack->mask) != (uint64_t)first + 1, "this node is inside already");
    if (WEIR_LIKELY(weir__stack_index_try_push(stack, &head, first, last)))
        return (head & stack->mask) == 0;
    return weir__stack_index_push_on(stack, first, last);
}

/* Puts `index` on top. Returns: whether the stack was empty before. */
static inline bool weir_stack_index_push(weir_stack_index *stack, uint32_t index)
{
    return weir_stack_index_push_chain(stack, index, index);
}

/* One attempt to take the top of `*head`, which is not empty. */
static inline bool weir__stack_index_try_pop(weir_stack_index *stack, uint64_t *head)
{
    const uint64_t top = *head & stack->mask;
    /* relaxed: the compare-and-swap confirms it by the tag: the node was inside. */
    const uint64_t next = weir_atomic_load(&stack->links[top - 1], WEIR_RELAXED);

    /* relaxed: both callers have acquired this very write with their load: while the tag stays, no
     * number comes to the top twice. On failure they load again. */
    return weir_atomic_cas(&stack->head, head, ((*head | stack->mask) + 1) | next, WEIR_RELAXED,
                           WEIR_RELAXED);
}

/* Takes the top. Returns: its number; WEIR_STACK_NONE if the stack was empty.
 * Ownership: the node is the caller's. */
static inline uint32_t weir_stack_index_pop(weir_stack_index *stack)
{
    /* sync(index-pushed): acquire. Pairs with the compare-and-swap in
     * weir__stack_index_try_push(); the top's link, and what it is. */
    uint64_t head = weir_atomic_load(&stack->head, WEIR_ACQUIRE);
    const uint64_t top = head & stack->mask;

    WEIR_ASSERT(stack->links != NULL, "used after destroy, or before init");
    if (top == 0)
        return WEIR_STACK_NONE;
    if (WEIR_LIKELY(weir__stack_index_try_pop(stack, &head)))
        return (uint32_t)(top - 1);
    return weir__stack_index_pop_on(stack);
}

/* Takes all nodes at once, as a chain: weir_stack_index_next() leads from one to the next.
 * Returns: the uppermost; WEIR_STACK_NONE if the stack was empty. */
WEIR_API uint32_t weir_stack_index_pop_all(weir_stack_index *stack);

/* ---- queries ---- */

/* Returns: whether the stack was empty, at a moment of the call. */
static inline bool weir_stack_index_empty(const weir_stack_index *stack)
{
    WEIR_ASSERT(stack->links != NULL, "used after destroy, or before init");
    /* relaxed: says whether there is something, and nothing is read through it. */
    return (weir_atomic_load(&stack->head, WEIR_RELAXED) & stack->mask) == 0;
}

static inline size_t weir_stack_index_count(const weir_stack_index *stack)
{
    return stack->count;
}

/* ---- typed ---- */

/* Defines the type NAME, a weir_stack_index of the elements of an array of T, with
 * NAME_init, NAME_destroy, NAME_new, NAME_free, which get the array at the beginning, and
 * NAME_push and NAME_pop, which take and return T pointers. Made with WEIR_STACK_FULL it
 * is a pool of objects. */
#define WEIR_STACK_INDEX_DEFINE(name, T)                                                           \
    typedef struct name {                                                                          \
        weir_stack_index stack;                                                                    \
    } name;                                                                                        \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_init(                                      \
        name *weir_typed, void *weir_buffer, size_t weir_bytes, T *weir_array, size_t weir_count,  \
        weir_stack_fill weir_fill)                                                                 \
    {                                                                                              \
        const int weir_status = weir_stack_index_init(&weir_typed->stack, weir_buffer, weir_bytes, \
                                                      weir_count, weir_fill);                      \
        if (weir_status == 0)                                                                      \
            weir_typed->stack.array = weir_array;                                                  \
        return weir_status;                                                                        \
    }                                                                                              \
    WEIR_UNUSED static inline int name##_destroy(name *weir_typed)                                 \
    {                                                                                              \
        return weir_stack_index_destroy(&weir_typed->stack);                                       \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_new(                                       \
        name **weir_typed, T *weir_array, size_t weir_count, weir_stack_fill weir_fill)            \
    {                                                                                              \
        weir_stack_index *weir_made;                                                               \
        const int weir_status = weir_stack_index_new(&weir_made, weir_count, weir_fill);           \
        if (weir_status == 0) {                                                                    \
            weir_made->array = weir_array;                                                         \
            *weir_typed = (name *)(void *)weir_made;                                               \
        }                                                                                          \
        return weir_status;                                                                        \
    }                                                                                              \
    WEIR_UNUSED static inline int name##_free(name *weir_typed)                                    \
    {                                                                                              \
        return weir_stack_index_free(weir_typed == NULL ? NULL : &weir_typed->stack);              \
    }                                                                                              \
    WEIR_UNUSED static inline bool name##_push(name *weir_typed, T *weir_object)                   \
    {                                                                                              \
        return weir_stack_index_push(&weir_typed->stack,                                           \
                                     (uint32_t)(weir_object - (T *)weir_typed->stack.array));      \
    }                                                                                              \
    WEIR_UNUSED static inline T *name##_pop(name *weir_typed)                                      \
    {                                                                                              \
        const uint32_t weir_index = weir_stack_index_pop(&weir_typed->stack);                      \
        return weir_index == WEIR_STACK_NONE ? NULL : (T *)weir_typed->stack.array + weir_index;   \
    }                                                                                              \
    struct name

#ifdef WEIR_HAVE_STACK

/* ==== weir_stack: the caller's nodes, beside a generation ==== */

/* To be embedded in what is pushed. */
typedef struct weir_stack_node {
    WEIR_ATOMIC(struct weir_stack_node *) next;
} weir_stack_node;

typedef struct weir_stack {
    /* everybody: lo is the top, hi the generation */
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_dword head;
    /* nobody, between init and destroy: */
    uintptr_t made;   /* WEIR__STACK_MADE */
    size_t allocated; /* bytes of the allocation by weir_stack_new(), or 0 */
} weir_stack;

#define WEIR__STACK_MADE ((uintptr_t)0x77656973)

/* An empty stack: `static weir_stack spares = WEIR_STACK_INIT;` */
#define WEIR_STACK_INIT                                                  \
    {                                                                    \
        {WEIR_ATOMIC_INIT(0), WEIR_ATOMIC_INIT(0)}, WEIR__STACK_MADE, 0, \
    }

WEIR_STATIC_ASSERT(sizeof(weir_stack_node) == sizeof(void *), "a node is one pointer");
WEIR_STATIC_ASSERT(sizeof(uintptr_t) == sizeof(uint64_t), "a pointer fills half of the head");
WEIR_STATIC_ASSERT(sizeof(weir_stack) == WEIR_CACHELINE, "one line pair");

/* ---- life ---- */

/* Makes an empty stack. */
WEIR_API void weir_stack_init(weir_stack *stack);

/* The same, with the generation at `start`: for tests that want to see it wrap. */
WEIR_API void weir_stack_init_at(weir_stack *stack, uint64_t start);

/* Ends the stack. No other thread may use it.
 * Returns: 0; -EBUSY if nodes are inside: nothing was done, pop them first. */
WEIR_API int weir_stack_destroy(weir_stack *stack);

/* Allocates a stack through weir_alloc().
 * Returns: 0 and *stack; -ENOMEM, with *stack untouched. */
WEIR_API int weir_stack_new(weir_stack **stack) WEIR_NODISCARD;

/* Ends and frees what weir_stack_new() made; NULL is ignored.
 * Returns: 0; -EBUSY as weir_stack_destroy(). */
WEIR_API int weir_stack_free(weir_stack *stack);

/* ---- chains: of nodes that are outside, by the thread that owns them ---- */

/* Puts `next`, which may be NULL, below `node`. */
static inline void weir_stack_link(weir_stack_node *node, weir_stack_node *next)
{
    /* relaxed: not yet published; atomic, since a pop that slept may read it. */
    weir_atomic_store(&node->next, next, WEIR_RELAXED);
}

/* Returns: the node below `node` in a chain, or NULL. */
static inline weir_stack_node *weir_stack_next(const weir_stack_node *node)
{
    /* relaxed: the chain is this thread's; pop_all acquired it. */
    return weir_atomic_load(&node->next, WEIR_RELAXED);
}

/* ---- operations ---- */

/* In the library: the same after a compare-and-swap that lost. */
WEIR_API bool weir__stack_push_on(weir_stack *stack, weir_stack_node *first, weir_stack_node *last);
WEIR_API weir_stack_node *weir__stack_pop_on(weir_stack *stack);

/* The value of `lo` for a node. */
static inline uint64_t weir__stack_word(const weir_stack_node *node)
{
    return (uint64_t)(uintptr_t)node;
}

/* One attempt to put a chain on top of `*top`. */
static inline bool weir__stack_try_push(weir_stack *stack, uint64_t *top, weir_stack_node *first,
                                        weir_stack_node *last)
{
    weir_stack_link(last, (weir_stack_node *)(uintptr_t)*top);
    /* sync(pushed): release. Pairs with the load of `lo` in weir__stack_try_pop() and the
     * compare-and-swap in weir_stack_pop_all(), through other pushes and pops on top: all
     * are read-modify-writes. Publishes the nodes' next, and what they are in.
     * relaxed on failure: the pointer is compared and stored, and not followed. */
    return weir_atomic_cas(&stack->head.lo, top, weir__stack_word(first), WEIR_RELEASE,
                           WEIR_RELAXED);
}

/* Puts the chain from `first` to `last`, linked by weir_stack_link(), on top, first
 * uppermost. What is below `last` is replaced.
 * Returns: whether the stack was empty before. */
static inline bool weir_stack_push_chain(weir_stack *stack, weir_stack_node *first,
                                         weir_stack_node *last)
{
    /* relaxed: the pointer is compared and stored, and not followed. */
    uint64_t top = weir_atomic_load(&stack->head.lo, WEIR_RELAXED);

    WEIR_ASSERT(stack->made == WEIR__STACK_MADE, "used after destroy, or before init");
    WEIR_ASSERT(top != weir__stack_word(first), "this node is inside already");
    if (WEIR_LIKELY(weir__stack_try_push(stack, &top, first, last)))
        return top == 0;
    return weir__stack_push_on(stack, first, last);
}

/* Puts `node` on top. Returns: whether the stack was empty before. */
static inline bool weir_stack_push(weir_stack *stack, weir_stack_node *node)
{
    return weir_stack_push_chain(stack, node, node);
}

/* One attempt. Returns: whether *node is the answer, NULL if the stack was empty. */
static inline bool weir__stack_try_pop(weir_stack *stack, weir_stack_node **node)
{
    /* sync(removed): acquire. Pairs with weir_dword_cas() below and in weir_stack_pop_all();
     * the pointer that is read next is not from before this generation. */
    uint64_t generation = weir_atomic_load(&stack->head.hi, WEIR_ACQUIRE);
    /* sync(pushed): acquire. Pairs with the compare-and-swap in weir__stack_try_push(); the
     * node's next, and what it is in. */
    uint64_t top = weir_atomic_load(&stack->head.lo, WEIR_ACQUIRE);
    weir_stack_node *next;

    *node = (weir_stack_node *)(uintptr_t)top;
    if (top == 0)
        return true;
    /* relaxed: the compare-and-swap confirms it by the generation: the node was inside. */
    next = weir_atomic_load(&(*node)->next, WEIR_RELAXED);
    /* sync(removed): acq_rel. Pairs with the load of `hi` above. */
    return weir_dword_cas(&stack->head, &top, &generation, weir__stack_word(next), generation + 1);
}

/* Takes the top. Returns: NULL if the stack was empty.
 * Ownership: the node is the caller's. */
static inline weir_stack_node *weir_stack_pop(weir_stack *stack)
{
    weir_stack_node *node;

    WEIR_ASSERT(stack->made == WEIR__STACK_MADE, "used after destroy, or before init");
    if (WEIR_LIKELY(weir__stack_try_pop(stack, &node)))
        return node;
    return weir__stack_pop_on(stack);
}

/* Takes all nodes at once, as a chain: weir_stack_next() leads from one to the next.
 * Returns: the uppermost; NULL if the stack was empty. */
WEIR_API weir_stack_node *weir_stack_pop_all(weir_stack *stack);

/* ---- queries ---- */

/* Returns: whether the stack was empty, at a moment of the call. */
static inline bool weir_stack_empty(const weir_stack *stack)
{
    WEIR_ASSERT(stack->made == WEIR__STACK_MADE, "used after destroy, or before init");
    /* relaxed: only compared with NULL. */
    return weir_atomic_load(&stack->head.lo, WEIR_RELAXED) == 0;
}

/* ---- typed ---- */

/* Defines the type NAME, a weir_stack of objects of type T, whose member `member` is the
 * weir_stack_node, with NAME_init, NAME_destroy, NAME_push, NAME_pop and NAME_empty, which
 * take and return T pointers. */
#define WEIR_STACK_DEFINE(name, T, member)                                                        \
    typedef struct name {                                                                         \
        weir_stack stack;                                                                         \
    } name;                                                                                       \
    WEIR_UNUSED static inline void name##_init(name *weir_typed)                                  \
    {                                                                                             \
        weir_stack_init(&weir_typed->stack);                                                      \
    }                                                                                             \
    WEIR_UNUSED static inline int name##_destroy(name *weir_typed)                                \
    {                                                                                             \
        return weir_stack_destroy(&weir_typed->stack);                                            \
    }                                                                                             \
    WEIR_UNUSED static inline bool name##_push(name *weir_typed, T *weir_object)                  \
    {                                                                                             \
        return weir_stack_push(&weir_typed->stack, &weir_object->member);                         \
    }                                                                                             \
    WEIR_UNUSED static inline T *name##_pop(name *weir_typed)                                     \
    {                                                                                             \
        weir_stack_node *const weir_node = weir_stack_pop(&weir_typed->stack);                    \
        return weir_node == NULL ? NULL : (T *)(void *)((char *)weir_node - offsetof(T, member)); \
    }                                                                                             \
    WEIR_UNUSED static inline bool name##_empty(const name *weir_typed)                           \
    {                                                                                             \
        return weir_stack_empty(&weir_typed->stack);                                              \
    }                                                                                             \
    struct name

#endif /* WEIR_HAVE_STACK */

#ifdef __cplusplus
}
#endif

#endif /* WEIR_STACK_H */
