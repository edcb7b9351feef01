/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/stack.h>
#include <weir/stack_guard.h>

#include <errno.h>

/* The first wait of an operation that lost: about the round trip of a line between far cores, in
 * which the winner does some thirty operations. All want the one line of the top: with 100 ns, as
 * rings have it, two far threads did 42 million pairs a second instead of 64; with 200 ns, two near
 * ones 82 instead of 88. */
enum { FIRST_WAIT_NS = 400 };

/* ---- weir_stack_index ---- */

size_t weir_stack_index_bytes(size_t count)
{
    return count <= WEIR_STACK_INDEX_MAX ? count * sizeof(WEIR_ATOMIC(uint32_t)) : 0;
}

int weir_stack_index_init_at(weir_stack_index *stack, void *buffer, size_t bytes, size_t count,
                             weir_stack_fill fill, uint64_t start)
{
    WEIR_ATOMIC(uint32_t) *const links = (WEIR_ATOMIC(uint32_t) *)buffer;
    const size_t needed = weir_stack_index_bytes(count);
    unsigned bits = 0;

    WEIR_REQUIRE((uintptr_t)stack % WEIR_CACHELINE == 0,
                 "a weir_stack_index must be aligned to WEIR_CACHELINE; weir_stack_index_new() is");
    if (needed == 0 || buffer == NULL || (uintptr_t)buffer % WEIR_CACHELINE != 0 || bytes < needed)
        return -EINVAL;
    /* Numbers + 1 reach `count`, and 0 is nobody. */
    while (count >> bits != 0)
        bits++;
    for (uint32_t index = 0; index < count; index++)
        weir_atomic_init(&links[index], index + 1 < count ? index + 2 : 0);
    weir_atomic_init(&stack->head, start << bits | (fill == WEIR_STACK_FULL ? 1 : 0));
    stack->links = links;
    stack->mask = ((uint64_t)1 << bits) - 1;
    stack->count = (uint32_t)count;
    stack->fill = fill;
    stack->array = NULL;
    stack->allocated = 0;
    return 0;
}

int weir_stack_index_init(weir_stack_index *stack, void *buffer, size_t bytes, size_t count,
                          weir_stack_fill fill)
{
    return weir_stack_index_init_at(stack, buffer, bytes, count, fill, 0);
}

int weir_stack_index_destroy(weir_stack_index *stack)
{
    uint64_t next;
    uint32_t inside = 0;

    WEIR_REQUIRE(stack->links != NULL, "destroyed twice, or never made");
    /* relaxed: no other thread uses the stack now; what ended their use orders this. */
    next = weir_atomic_load(&stack->head, WEIR_RELAXED) & stack->mask;
    while (next != 0 && inside < stack->count) {
        inside++;
        /* relaxed: as above. */
        next = weir_atomic_load(&stack->links[next - 1], WEIR_RELAXED);
    }
    if (inside != (stack->fill == WEIR_STACK_FULL ? stack->count : 0))
        return -EBUSY;
    stack->links = NULL;
    return 0;
}

int weir_stack_index_new(weir_stack_index **stack, size_t count, weir_stack_fill fill)
{
    const size_t bytes = weir_stack_index_bytes(count);
    const size_t total = sizeof(weir_stack_index) + bytes;
    weir_stack_index *made;
    int status;

    if (bytes == 0)
        return -EINVAL;
    made = (weir_stack_index *)weir_alloc(total, WEIR_CACHELINE);
    if (made == NULL)
        return -ENOMEM;
    status = weir_stack_index_init(made, made + 1, bytes, count, fill);
    WEIR_REQUIRE(status == 0, "the allocator returned memory that is not aligned as asked");
    made->allocated = total;
    *stack = made;
    return 0;
}

int weir_stack_index_free(weir_stack_index *stack)
{
    int status;

    if (stack == NULL)
        return 0;
    WEIR_REQUIRE(stack->allocated != 0, "not made by weir_stack_index_new()");
    status = weir_stack_index_destroy(stack);
    if (status == 0)
        weir_release(stack, stack->allocated);
    return status;
}

bool weir__stack_index_push_on(weir_stack_index *stack, uint32_t first, uint32_t last)
{
    weir_backoff backoff = {FIRST_WAIT_NS};
    uint64_t head;

    do {
        weir_backoff_wait(&backoff);
        /* relaxed: the number is compared, and nothing read through it. */
        head = weir_atomic_load(&stack->head, WEIR_RELAXED);
    } while (!weir__stack_index_try_push(stack, &head, first, last));
    return (head & stack->mask) == 0;
}

uint32_t weir__stack_index_pop_on(weir_stack_index *stack)
{
    weir_backoff backoff = {FIRST_WAIT_NS};
    uint64_t head, top;

    do {
        weir_backoff_wait(&backoff);
        /* sync(index-pushed): acquire. As in weir_stack_index_pop(). */
        head = weir_atomic_load(&stack->head, WEIR_ACQUIRE);
        top = head & stack->mask;
        if (top == 0)
            return WEIR_STACK_NONE;
    } while (!weir__stack_index_try_pop(stack, &head));
    return (uint32_t)(top - 1);
}

uint32_t weir_stack_index_pop_all(weir_stack_index *stack)
{
    weir_backoff backoff = {FIRST_WAIT_NS};

    WEIR_ASSERT(stack->links != NULL, "used after destroy, or before init");
    for (;;) {
        /* relaxed: the compare-and-swap acquires. */
        uint64_t head = weir_atomic_load(&stack->head, WEIR_RELAXED);
        const uint64_t top = head & stack->mask;

        if (top == 0)
            return WEIR_STACK_NONE;
        /* sync(index-pushed): acquire. Pairs with the compare-and-swap in
         * weir__stack_index_try_push(); the links of all nodes, and what they are.
         * relaxed on failure: read again above. */
        if (weir_atomic_cas(&stack->head, &head, (head | stack->mask) + 1, WEIR_ACQUIRE,
                            WEIR_RELAXED))
            return (uint32_t)(top - 1);
        weir_backoff_wait(&backoff);
    }
}

#ifdef WEIR_HAVE_STACK

/* ---- weir_stack ---- */

void weir_stack_init_at(weir_stack *stack, uint64_t start)
{
    WEIR_REQUIRE((uintptr_t)stack % WEIR_CACHELINE == 0,
                 "a weir_stack must be aligned to WEIR_CACHELINE; weir_stack_new() is");
    weir_atomic_init(&stack->head.lo, 0);
    weir_atomic_init(&stack->head.hi, start);
    stack->made = WEIR__STACK_MADE;
    stack->allocated = 0;
}

void weir_stack_init(weir_stack *stack)
{
    weir_stack_init_at(stack, 0);
}

int weir_stack_destroy(weir_stack *stack)
{
    WEIR_REQUIRE(stack->made == WEIR__STACK_MADE, "destroyed twice, or never made");
    if (!weir_stack_empty(stack))
        return -EBUSY;
    stack->made = 0;
    return 0;
}

int weir_stack_new(weir_stack **stack)
{
    weir_stack *const made = (weir_stack *)weir_alloc(sizeof(weir_stack), WEIR_CACHELINE);

    if (made == NULL)
        return -ENOMEM;
    weir_stack_init(made);
    made->allocated = sizeof *made;
    *stack = made;
    return 0;
}

int weir_stack_free(weir_stack *stack)
{
    int status;

    if (stack == NULL)
        return 0;
    WEIR_REQUIRE(stack->allocated != 0, "not made by weir_stack_new()");
    status = weir_stack_destroy(stack);
    if (status == 0)
        weir_release(stack, stack->allocated);
    return status;
}

bool weir__stack_push_on(weir_stack *stack, weir_stack_node *first, weir_stack_node *last)
{
    weir_backoff backoff = {FIRST_WAIT_NS};
    uint64_t top;

    do {
        weir_backoff_wait(&backoff);
        /* relaxed: the pointer is compared and stored, and not followed. */
        top = weir_atomic_load(&stack->head.lo, WEIR_RELAXED);
    } while (!weir__stack_try_push(stack, &top, first, last));
    return top == 0;
}

weir_stack_node *weir__stack_pop_on(weir_stack *stack)
{
    weir_backoff backoff = {FIRST_WAIT_NS};
    weir_stack_node *node;

    do
        weir_backoff_wait(&backoff);
    while (!weir__stack_try_pop(stack, &node));
    return node;
}

weir_stack_node *weir_stack_pop_all(weir_stack *stack)
{
    weir_backoff backoff = {FIRST_WAIT_NS};

    WEIR_ASSERT(stack->made == WEIR__STACK_MADE, "used after destroy, or before init");
    for (;;) {
        /* relaxed: no next is read in between, so nothing depends on which of the two words
         * was read first; the compare-and-swap confirms both. */
        uint64_t generation = weir_atomic_load(&stack->head.hi, WEIR_RELAXED);
        uint64_t top = weir_atomic_load(&stack->head.lo, WEIR_RELAXED);
        weir_stack_node *const first = (weir_stack_node *)(uintptr_t)top;

        if (top == 0)
            return NULL;
        /* sync(pushed): acquire. Pairs with the compare-and-swap in weir__stack_try_push();
         * all nodes' next, and what they are in. sync(removed): release. Pairs with the
         * load of `hi` in weir__stack_try_pop(). */
        if (weir_dword_cas(&stack->head, &top, &generation, 0, generation + 1))
            return first;
        weir_backoff_wait(&backoff);
    }
}

#endif /* WEIR_HAVE_STACK */

/* ---- weir_stack_guard ---- */

void weir_stack_guard_init(weir_stack_guard *stack)
{
    WEIR_REQUIRE((uintptr_t)stack % WEIR_CACHELINE == 0,
                 "a weir_stack_guard must be aligned to WEIR_CACHELINE; weir_stack_guard_new() is");
    weir_atomic_init(&stack->top, NULL);
    stack->made = WEIR__STACK_GUARD_MADE;
    stack->allocated = 0;
}

int weir_stack_guard_destroy(weir_stack_guard *stack)
{
    WEIR_REQUIRE(stack->made == WEIR__STACK_GUARD_MADE, "destroyed twice, or never made");
    if (!weir_stack_guard_empty(stack))
        return -EBUSY;
    stack->made = 0;
    return 0;
}

int weir_stack_guard_new(weir_stack_guard **stack)
{
    weir_stack_guard *const made =
        (weir_stack_guard *)weir_alloc(sizeof(weir_stack_guard), WEIR_CACHELINE);

    if (made == NULL)
        return -ENOMEM;
    weir_stack_guard_init(made);
    made->allocated = sizeof *made;
    *stack = made;
    return 0;
}

int weir_stack_guard_free(weir_stack_guard *stack)
{
    int status;

    if (stack == NULL)
        return 0;
    WEIR_REQUIRE(stack->allocated != 0, "not made by weir_stack_guard_new()");
    status = weir_stack_guard_destroy(stack);
    if (status == 0)
        weir_release(stack, stack->allocated);
    return status;
}

bool weir__stack_guard_push_on(weir_stack_guard *stack, weir_stack_guard_node *first,
                               weir_stack_guard_node *last)
{
    weir_backoff backoff = {FIRST_WAIT_NS};
    weir_stack_guard_node *top;

    do {
        weir_backoff_wait(&backoff);
        /* relaxed: the pointer is compared and stored, and not followed. */
        top = weir_atomic_load(&stack->top, WEIR_RELAXED);
    } while (!weir__stack_guard_try_push(stack, &top, first, last));
    return top == NULL;
}

weir_stack_guard_node *weir__stack_guard_pop_on(weir_stack_guard *stack, weir_guard_record *record)
{
    weir_backoff backoff = {FIRST_WAIT_NS};
    weir_stack_guard_node *node;

    do
        weir_backoff_wait(&backoff);
    while (!weir__stack_guard_try_pop(stack, record, &node));
    return node;
}
