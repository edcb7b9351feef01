/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#define WEIR_CHECKED 1

#include "test.h"

#include <weir/stack.h>
#include <weir/stack_guard.h>

#include <errno.h>
#include <pthread.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char late[] = "used after destroy, or before init";
static const char inside[] = "this node is inside already";

/* ---- weir_stack_index ---- */

static const size_t counts[] = {1, 2, 3, 4, 7, 255, 256, 1000, 65535};
static const uint64_t starts[] = {0, 1, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 700};

/* An aligned block that ends where it was asked to. */
static void *block(size_t bytes)
{
    void *const memory = aligned_alloc(WEIR_CACHELINE, (bytes + WEIR_CACHELINE - 1) /
                                                           WEIR_CACHELINE * WEIR_CACHELINE);

    CHECK(memory != NULL);
    return memory;
}

static weir_stack_index *begin(size_t count, weir_stack_fill fill, uint64_t start)
{
    const size_t bytes = weir_stack_index_bytes(count);
    weir_stack_index *const stack = (weir_stack_index *)block(sizeof *stack);

    CHECK_EQ(bytes, 4 * count);
    CHECK_EQ(weir_stack_index_init_at(stack, block(bytes), bytes, count, fill, start), 0);
    CHECK_EQ(weir_stack_index_count(stack), count);
    return stack;
}

static void end(weir_stack_index *stack)
{
    void *const buffer = stack->links;

    CHECK_EQ(weir_stack_index_destroy(stack), 0);
    free(buffer);
    free(stack);
}

/* Pushes 0 to n - 1, and pops them. */
static void fill_and_drain(weir_stack_index *stack, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        CHECK_EQ(weir_stack_index_push(stack, i), i == 0);
        CHECK(!weir_stack_index_empty(stack));
    }
    for (uint32_t i = n; i-- > 0;)
        CHECK_EQ(weir_stack_index_pop(stack), i);
    CHECK_EQ(weir_stack_index_pop(stack), WEIR_STACK_NONE);
    CHECK(weir_stack_index_empty(stack));
}

static void index_last_in_is_first_out(void)
{
    for (size_t c = 0; c < COUNT(counts); c++) {
        for (size_t s = 0; s < COUNT(starts); s++) {
            const uint32_t count = (uint32_t)counts[c];
            weir_stack_index *const stack = begin(count, WEIR_STACK_EMPTY, starts[s]);

            CHECK_EQ(weir_stack_index_pop(stack), WEIR_STACK_NONE);
            CHECK_EQ(weir_stack_index_pop_all(stack), WEIR_STACK_NONE);
            fill_and_drain(stack, 1);
            fill_and_drain(stack, count);
            for (unsigned round = 0; round < 5; round++)
                fill_and_drain(stack, count < 300 ? count : 300);
            end(stack);
        }
    }
}

/* 63 bits of tag with one node, 48 with 65535: each runs over its end, by all operations that
 * advance it, and nothing is lost. */
static void index_tag_wraps(void)
{
    static const size_t some[] = {1, 3, 65535};

    for (size_t c = 0; c < COUNT(some); c++) {
        const uint32_t count = (uint32_t)some[c];
        const uint64_t first = ~(uint64_t)0 - 2;
        weir_stack_index *const stack = begin(count, WEIR_STACK_FULL, first);
        uint64_t before = UINT64_MAX;
        unsigned wraps = 0;

        for (unsigned round = 0; round < 6; round++) {
            const uint32_t popped = weir_stack_index_pop(stack);
            uint64_t now;
            uint32_t rest;

            CHECK(popped < count);
            rest = weir_stack_index_pop_all(stack);
            CHECK_EQ(rest == WEIR_STACK_NONE, count == 1);
            now = weir_atomic_load(&stack->head, WEIR_RELAXED);
            CHECK_EQ(now & stack->mask, 0);
            if (round > 0 && now < before)
                wraps++;
            before = now;
            if (rest != WEIR_STACK_NONE) {
                uint32_t last = rest, chained = 1;

                while (weir_stack_index_next(stack, last) != WEIR_STACK_NONE) {
                    last = weir_stack_index_next(stack, last);
                    chained++;
                }
                CHECK_EQ(chained, count - 1);
                CHECK(weir_stack_index_push_chain(stack, rest, last));
            }
            CHECK_EQ(weir_stack_index_push(stack, popped), count == 1);
        }
        CHECK_EQ(wraps, 1);
        end(stack);
    }
}

/* A removal and the push of the same node leave another head: what a sleeping pop compares. */
static void index_removals_advance_the_tag(void)
{
    weir_stack_index *const stack = begin(3, WEIR_STACK_FULL, UINT64_MAX);
    uint64_t heads[3];
    uint32_t top;

    heads[0] = weir_atomic_load(&stack->head, WEIR_RELAXED);
    top = weir_stack_index_pop(stack);
    (void)weir_stack_index_push(stack, top);
    heads[1] = weir_atomic_load(&stack->head, WEIR_RELAXED);
    top = weir_stack_index_pop_all(stack);
    (void)weir_stack_index_push_chain(stack, top, 2);
    heads[2] = weir_atomic_load(&stack->head, WEIR_RELAXED);
    for (int i = 1; i < 3; i++) {
        CHECK(heads[i] != heads[i - 1]);
        CHECK_EQ(heads[i] & stack->mask, heads[0] & stack->mask);
    }
    end(stack);
}

static void index_chains_go_in_whole_and_in_order(void)
{
    weir_stack_index *const stack = begin(10, WEIR_STACK_EMPTY, 0);

    for (uint32_t length = 1; length <= 5; length++) {
        uint32_t at;

        for (uint32_t i = 0; i < length; i++) {
            weir_stack_index_link(stack, i, i + 1 < length ? i + 1 : WEIR_STACK_NONE);
            weir_stack_index_link(stack, 5 + i, i + 1 < length ? 6 + i : WEIR_STACK_NONE);
        }
        CHECK(weir_stack_index_push_chain(stack, 0, length - 1));
        CHECK(!weir_stack_index_push_chain(stack, 5, 5 + length - 1));
        CHECK_EQ(weir_stack_index_pop(stack), 5);
        CHECK(!weir_stack_index_push(stack, 5));
        at = weir_stack_index_pop_all(stack);
        CHECK(weir_stack_index_empty(stack));
        for (uint32_t i = 0; i < 2 * length; i++) {
            CHECK_EQ(at, i < length ? 5 + i : i - length);
            at = weir_stack_index_next(stack, at);
        }
        CHECK_EQ(at, WEIR_STACK_NONE);
    }
    end(stack);
}

static void index_begins_full_where_asked(void)
{
    for (size_t c = 0; c < COUNT(counts); c++) {
        weir_stack_index *const stack = begin(counts[c], WEIR_STACK_FULL, 0);

        for (uint32_t i = 0; i < counts[c]; i++)
            CHECK_EQ(weir_stack_index_pop(stack), i);
        CHECK_EQ(weir_stack_index_pop(stack), WEIR_STACK_NONE);
        for (uint32_t i = 0; i < counts[c]; i++)
            CHECK_EQ(weir_stack_index_push(stack, i), i == 0);
        end(stack);
    }
}

static void index_is_destroyed_only_as_it_was_made(void)
{
    weir_stack_index *stack;

    CHECK_EQ(weir_stack_index_new(&stack, 3, WEIR_STACK_FULL), 0);
    CHECK_EQ(weir_stack_index_pop(stack), 0);
    CHECK_EQ(weir_stack_index_free(stack), -EBUSY); /* somebody has node 0 */
    CHECK_EQ(weir_stack_index_pop_all(stack), 1);
    CHECK_EQ(weir_stack_index_destroy(stack), -EBUSY);
    (void)weir_stack_index_push(stack, 2);
    (void)weir_stack_index_push(stack, 0);
    CHECK_EQ(weir_stack_index_free(stack), -EBUSY);
    (void)weir_stack_index_push(stack, 1);
    CHECK_EQ(weir_stack_index_free(stack), 0);
    CHECK_EQ(weir_stack_index_new(&stack, 3, WEIR_STACK_EMPTY), 0);
    (void)weir_stack_index_push(stack, 2);
    CHECK_EQ(weir_stack_index_free(stack), -EBUSY);
    CHECK_EQ(weir_stack_index_pop(stack), 2);
    CHECK_EQ(weir_stack_index_free(stack), 0);
    CHECK_EQ(weir_stack_index_free(NULL), 0);
}

static void index_refuses_bad_arguments(void)
{
    const size_t most = WEIR_STACK_INDEX_MAX;
    WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char buffer[2 * WEIR_CACHELINE];
    WEIR_ALIGNAS(WEIR_CACHELINE) static weir_stack_index s;
    weir_stack_index *made = NULL;

    CHECK_EQ(weir_stack_index_bytes(0), 0);
    CHECK_EQ(weir_stack_index_bytes(most), 4 * most);
    CHECK_EQ(weir_stack_index_bytes(most + 1), 0);
    CHECK_EQ(weir_stack_index_bytes(SIZE_MAX), 0);
    CHECK_EQ(weir_stack_index_init(&s, buffer, sizeof buffer, 0, WEIR_STACK_EMPTY), -EINVAL);
    CHECK_EQ(weir_stack_index_init(&s, buffer, SIZE_MAX, most + 1, WEIR_STACK_EMPTY), -EINVAL);
    CHECK_EQ(weir_stack_index_init(&s, buffer, sizeof buffer, SIZE_MAX, WEIR_STACK_EMPTY), -EINVAL);
    CHECK_EQ(weir_stack_index_init(&s, NULL, sizeof buffer, 3, WEIR_STACK_EMPTY), -EINVAL);
    CHECK_EQ(weir_stack_index_init(&s, buffer + 8, 64, 3, WEIR_STACK_EMPTY), -EINVAL);
    CHECK_EQ(weir_stack_index_init(&s, buffer, 11, 3, WEIR_STACK_EMPTY), -EINVAL);
    CHECK_EQ(weir_stack_index_init(&s, buffer, 12, 3, WEIR_STACK_EMPTY), 0);
    CHECK_EQ(weir_stack_index_destroy(&s), 0);
    CHECK_EQ(weir_stack_index_new(&made, 0, WEIR_STACK_EMPTY), -EINVAL);
    CHECK_EQ(weir_stack_index_new(&made, most + 1, WEIR_STACK_EMPTY), -EINVAL);
    CHECK(made == NULL);
}

/* The largest: 2^24 - 1 nodes, and 40 bits for the tag. */
static void index_holds_as_many_as_it_says(void)
{
    weir_stack_index *stack;

    CHECK_EQ(weir_stack_index_new(&stack, WEIR_STACK_INDEX_MAX, WEIR_STACK_FULL), 0);
    CHECK_EQ(stack->mask, WEIR_STACK_INDEX_MAX);
    CHECK_EQ(weir_stack_index_pop(stack), 0);
    CHECK(!weir_stack_index_push(stack, 0));
    CHECK_EQ(weir_stack_index_pop_all(stack), 0);
    CHECK(weir_stack_index_push(stack, WEIR_STACK_INDEX_MAX - 1));
    CHECK_EQ(weir_stack_index_pop(stack), WEIR_STACK_INDEX_MAX - 1);
    stack->fill = WEIR_STACK_EMPTY; /* spares this test 2^24 pushes */
    CHECK_EQ(weir_stack_index_free(stack), 0);
}

typedef struct object {
    char name[13];
    uint64_t number;
} object;

WEIR_STACK_INDEX_DEFINE(pool, object);

static void index_typed_gives_and_takes_elements(void)
{
    static object objects[5];
    WEIR_ALIGNAS(WEIR_CACHELINE) static pool fixed;
    WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char buffer[WEIR_CACHELINE];
    pool *made = NULL;

    CHECK_EQ(pool_init(&fixed, buffer, sizeof buffer, objects, 0, WEIR_STACK_FULL), -EINVAL);
    CHECK_EQ(pool_new(&made, objects, 0, WEIR_STACK_FULL), -EINVAL);
    CHECK(made == NULL);
    CHECK_EQ(pool_init(&fixed, buffer, sizeof buffer, objects, 5, WEIR_STACK_FULL), 0);
    for (int i = 0; i < 5; i++)
        CHECK(pool_pop(&fixed) == &objects[i]);
    CHECK(pool_pop(&fixed) == NULL);
    CHECK(pool_push(&fixed, &objects[3]));
    CHECK(!pool_push(&fixed, &objects[4]));
    CHECK(pool_pop(&fixed) == &objects[4]);
    CHECK_EQ(pool_destroy(&fixed), -EBUSY);
    for (int i = 0; i < 5; i++)
        (void)(i == 3 || pool_push(&fixed, &objects[i]));
    CHECK_EQ(pool_destroy(&fixed), 0);

    CHECK_EQ(pool_new(&made, objects, 5, WEIR_STACK_EMPTY), 0);
    CHECK(pool_push(made, &objects[2]));
    CHECK(pool_pop(made) == &objects[2]);
    CHECK_EQ(pool_free(made), 0);
    CHECK_EQ(pool_free(NULL), 0);
}

static void index_misuse_is_told(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char memory[4 * WEIR_CACHELINE];
    WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char buffer[WEIR_CACHELINE];
    weir_stack_index *const s = (weir_stack_index *)(void *)memory;

    CHECK_DIES((void)!weir_stack_index_init((weir_stack_index *)(void *)(memory + 8), buffer, 64, 3,
                                            WEIR_STACK_EMPTY),
               "must be aligned to WEIR_CACHELINE");
    CHECK_DIES((void)weir_stack_index_push(s, 0), late);
    CHECK_EQ(weir_stack_index_init(s, buffer, sizeof buffer, 3, WEIR_STACK_EMPTY), 0);
    CHECK_DIES((void)weir_stack_index_push(s, 3), "no such node");
    CHECK_DIES((void)weir_stack_index_push(s, WEIR_STACK_NONE), "no such node");
    CHECK_DIES((void)weir_stack_index_push_chain(s, 0, 3), "no such node");
    CHECK_DIES(weir_stack_index_link(s, 3, 0), "no such node");
    CHECK_DIES(weir_stack_index_link(s, 0, 3), "no such node");
    CHECK_DIES((void)weir_stack_index_next(s, 3), "no such node");
    (void)weir_stack_index_push(s, 2);
    CHECK_DIES((void)weir_stack_index_push(s, 2), inside);
    CHECK_DIES((void)weir_stack_index_free(s), "not made by weir_stack_index_new()");
    CHECK_EQ(weir_stack_index_pop(s), 2);
    CHECK_EQ(weir_stack_index_destroy(s), 0);
    CHECK_DIES((void)weir_stack_index_destroy(s), "destroyed twice, or never made");
    CHECK_DIES((void)weir_stack_index_push(s, 0), late);
    CHECK_DIES((void)weir_stack_index_pop(s), late);
    CHECK_DIES((void)weir_stack_index_empty(s), late);
    CHECK_DIES(weir_stack_index_link(s, 0, 1), late);
    CHECK_DIES((void)weir_stack_index_next(s, 0), late);
}

static void index_survives_exhausted_memory(void)
{
    weir_stack_index *stack = NULL;

    test_alloc_fail_at(1);
    CHECK_EQ(weir_stack_index_new(&stack, 100, WEIR_STACK_FULL), -ENOMEM);
    CHECK(stack == NULL);
    CHECK_EQ(test_alloc_live, 0);
    test_alloc_fail_at(2); /* there is no second allocation */
    CHECK_EQ(weir_stack_index_new(&stack, 100, WEIR_STACK_FULL), 0);
    CHECK_EQ(test_alloc_calls, 1);
    CHECK_EQ(weir_stack_index_free(stack), 0);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

enum { THREADS = 4, TURNS = 2000, NODES = 6 };

static weir_stack_index *shared_index;
static uint64_t owner[NODES]; /* plain: of whom has the node */

static void *take_and_give(void *argument)
{
    const uint64_t me = (uint64_t)(uintptr_t)argument;

    for (int turn = 0; turn < TURNS; turn++) {
        const uint32_t node = weir_stack_index_pop(shared_index);

        if (node == WEIR_STACK_NONE)
            continue;
        CHECK_EQ(owner[node], 0);
        owner[node] = me;
        CHECK_EQ(owner[node], me);
        owner[node] = 0;
        (void)weir_stack_index_push(shared_index, node);
    }
    return NULL;
}

static void index_gives_a_node_to_one(void)
{
    pthread_t threads[THREADS];

    CHECK_EQ(weir_stack_index_new(&shared_index, NODES, WEIR_STACK_FULL), 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, take_and_give, (void *)(i + 1)) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(weir_stack_index_free(shared_index), 0); /* all are back */
}

#ifdef WEIR_HAVE_STACK

/* ---- weir_stack ---- */

typedef struct plate {
    uint64_t number;
    weir_stack_node node;
} plate;

WEIR_STACK_DEFINE(pile, plate, node);

static weir_stack shared = WEIR_STACK_INIT;

static void last_in_is_first_out(void)
{
    static plate plates[100];

    for (size_t s = 0; s < COUNT(starts); s++) {
        weir_stack stack;

        weir_stack_init_at(&stack, starts[s]);
        CHECK(weir_stack_empty(&stack));
        CHECK(weir_stack_pop(&stack) == NULL);
        CHECK(weir_stack_pop_all(&stack) == NULL);
        for (unsigned round = 0; round < 10; round++) {
            for (int i = 0; i < 100; i++) {
                CHECK_EQ(weir_stack_push(&stack, &plates[i].node), i == 0);
                CHECK(!weir_stack_empty(&stack));
            }
            for (int i = 100; i-- > 0;)
                CHECK(weir_stack_pop(&stack) == &plates[i].node);
            CHECK(weir_stack_pop(&stack) == NULL);
            CHECK(weir_stack_empty(&stack));
        }
        CHECK_EQ(weir_stack_destroy(&stack), 0);
    }
}

static void chains_go_in_whole_and_in_order(void)
{
    plate plates[10];

    for (size_t length = 1; length <= 5; length++) {
        plate *const second = &plates[5];
        weir_stack_node *at;

        for (size_t i = 0; i < length; i++) {
            weir_stack_link(&plates[i].node, i + 1 < length ? &plates[i + 1].node : NULL);
            weir_stack_link(&second[i].node, i + 1 < length ? &second[i + 1].node : NULL);
        }
        CHECK(weir_stack_push_chain(&shared, &plates[0].node, &plates[length - 1].node));
        CHECK(!weir_stack_push_chain(&shared, &second[0].node, &second[length - 1].node));
        CHECK(weir_stack_pop(&shared) == &second[0].node);
        CHECK(!weir_stack_push(&shared, &second[0].node));
        at = weir_stack_pop_all(&shared);
        CHECK(weir_stack_empty(&shared));
        for (size_t i = 0; i < 2 * length; i++) {
            CHECK(at == (i < length ? &second[i].node : &plates[i - length].node));
            at = weir_stack_next(at);
        }
        CHECK(at == NULL);
    }
}

/* Whatever removes advances the generation by one, whatever adds leaves it. */
static void removals_advance_the_generation(void)
{
    plate plates[3];
    uint64_t want = UINT64_MAX - 2;
    weir_stack stack;

    weir_stack_init_at(&stack, want);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++)
            (void)weir_stack_push(&stack, &plates[i].node);
        CHECK_EQ(weir_atomic_load(&stack.head.hi, WEIR_RELAXED), want);
        CHECK(weir_stack_pop(&stack) == &plates[2].node);
        CHECK_EQ(weir_atomic_load(&stack.head.hi, WEIR_RELAXED), ++want);
        CHECK(weir_stack_pop_all(&stack) == &plates[1].node);
        CHECK_EQ(weir_atomic_load(&stack.head.hi, WEIR_RELAXED), ++want);
        CHECK(weir_stack_pop(&stack) == NULL);
        CHECK(weir_stack_pop_all(&stack) == NULL);
        CHECK_EQ(weir_atomic_load(&stack.head.hi, WEIR_RELAXED), want);
    }
    CHECK_EQ(want, 3); /* it wrapped */
    CHECK_EQ(weir_stack_destroy(&stack), 0);
}

static void nodes_may_be_used_again_at_once(void)
{
    weir_stack *other;
    plate plates[3];

    CHECK_EQ(weir_stack_new(&other), 0);
    for (int i = 0; i < 3; i++)
        (void)weir_stack_push(&shared, &plates[i].node);
    for (int turn = 0; turn < 1000; turn++) {
        weir_stack_node *const node = weir_stack_pop(&shared);

        CHECK(node == &plates[2].node);
        CHECK(weir_stack_push(other, node));
        CHECK(weir_stack_pop(other) == node);
        CHECK(!weir_stack_push(&shared, node));
    }
    for (int i = 3; i-- > 0;)
        CHECK(weir_stack_pop(&shared) == &plates[i].node);
    CHECK_EQ(weir_stack_free(other), 0);
}

static plate crowd[THREADS][4];

static void *push_and_pop(void *argument)
{
    plate *const mine = (plate *)argument;
    weir_stack_node *held[4] = {&mine[0].node, &mine[1].node, &mine[2].node, &mine[3].node};

    for (int turn = 0; turn < TURNS; turn++) {
        weir_stack_node *got[4];

        for (int i = 0; i < 4; i++)
            (void)weir_stack_push(&shared, held[i]);
        /* As many as the others left me. */
        for (int i = 0; i < 4; i++) {
            do
                got[i] = weir_stack_pop(&shared);
            while (got[i] == NULL);
        }
        memcpy(held, got, sizeof held);
    }
    for (int i = 0; i < 4; i++)
        (void)weir_stack_push(&shared, held[i]);
    return NULL;
}

static void nothing_is_lost_or_doubled(void)
{
    pthread_t threads[THREADS];
    size_t count = 0;

    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, push_and_pop, crowd[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (weir_stack_node *at = weir_stack_pop_all(&shared); at != NULL; at = weir_stack_next(at)) {
        plate *const p = (plate *)(void *)((char *)at - offsetof(plate, node));

        CHECK_EQ(p->number, 0);
        p->number = 1;
        count++;
    }
    CHECK_EQ(count, THREADS * 4);
}

static void typed_stacks_return_what_was_put_in(void)
{
    static pile p;
    plate plates[2];

    pile_init(&p);
    CHECK(pile_empty(&p));
    CHECK(pile_pop(&p) == NULL);
    CHECK(pile_push(&p, &plates[0]));
    CHECK(!pile_push(&p, &plates[1]));
    CHECK_EQ(pile_destroy(&p), -EBUSY);
    CHECK(pile_pop(&p) == &plates[1]);
    CHECK(pile_pop(&p) == &plates[0]);
    CHECK_EQ(pile_destroy(&p), 0);
}

static void is_not_destroyed_while_something_is_inside(void)
{
    weir_stack *stack;
    plate p;

    CHECK_EQ(weir_stack_new(&stack), 0);
    (void)weir_stack_push(stack, &p.node);
    CHECK_EQ(weir_stack_destroy(stack), -EBUSY);
    CHECK_EQ(weir_stack_free(stack), -EBUSY);
    CHECK(weir_stack_pop(stack) == &p.node);
    CHECK_EQ(weir_stack_free(stack), 0);
    CHECK_EQ(weir_stack_free(NULL), 0);
}

static void survives_exhausted_memory(void)
{
    weir_stack *stack = NULL;

    test_alloc_fail_at(1);
    CHECK_EQ(weir_stack_new(&stack), -ENOMEM);
    CHECK(stack == NULL);
    test_alloc_fail_at(2); /* there is no second allocation */
    CHECK_EQ(weir_stack_new(&stack), 0);
    CHECK_EQ(test_alloc_calls, 1);
    CHECK_EQ(weir_stack_free(stack), 0);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

static void misuse_is_told(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char memory[2 * WEIR_CACHELINE];
    weir_stack *const stack = (weir_stack *)(void *)memory;
    plate p;

    CHECK_DIES(weir_stack_init((weir_stack *)(void *)(memory + 16)),
               "must be aligned to WEIR_CACHELINE");
    CHECK_DIES((void)weir_stack_push(stack, &p.node), late);
    weir_stack_init(stack);
    (void)weir_stack_push(stack, &p.node);
    CHECK_DIES((void)weir_stack_push(stack, &p.node), inside);
    CHECK_DIES((void)weir_stack_free(stack), "not made by weir_stack_new()");
    CHECK(weir_stack_pop(stack) == &p.node);
    CHECK_EQ(weir_stack_destroy(stack), 0);
    CHECK_DIES((void)weir_stack_destroy(stack), "destroyed twice, or never made");
    CHECK_DIES((void)weir_stack_push(stack, &p.node), late);
    CHECK_DIES((void)weir_stack_pop(stack), late);
    CHECK_DIES((void)weir_stack_empty(stack), late);
}

#else

static void stack_of_any_nodes(void)
{
    test_skip("weir_stack: no double-word compare-and-swap here");
}

#endif /* WEIR_HAVE_STACK */

/* ---- weir_stack_guard ---- */

typedef struct letter {
    uint64_t number;
    weir_stack_guard_node node;
} letter;

WEIR_STACK_GUARD_DEFINE(letters, letter, node);

static const weir_guard_scheme schemes[] = {WEIR_GUARD_EPOCH, WEIR_GUARD_INTERVAL,
                                            WEIR_GUARD_HAZARD};

static letter *letter_new(uint64_t number)
{
    letter *const l = (letter *)calloc(1, sizeof *l);

    CHECK(l != NULL);
    l->number = number;
    return l;
}

/* relaxed, all: a number that is read when the threads have ended. */
static WEIR_ATOMIC(uint64_t) reclaimed;

static void letter_free(weir_retired *object)
{
    (void)weir_atomic_fetch_add(&reclaimed, 1, WEIR_RELAXED);
    free(letters_of(object));
}

static void guard_last_in_is_first_out(void)
{
    for (size_t s = 0; s < COUNT(schemes); s++) {
        weir_guard *domain;
        weir_guard_record *me;
        weir_stack_guard_node *at;
        static letters stack;

        CHECK_EQ(weir_guard_new(&domain, schemes[s], NULL), 0);
        me = weir_guard_self(domain);
        CHECK(me != NULL);
        letters_init(&stack);
        weir_atomic_init(&reclaimed, 0);
        CHECK(weir_stack_guard_empty(&stack.stack));
        CHECK(letters_pop(&stack, me) == NULL);
        CHECK(weir_stack_guard_pop_all(&stack.stack) == NULL);
        for (uint64_t i = 0; i < 100; i++)
            CHECK_EQ(letters_push(&stack, me, letter_new(i)), i == 0);
        CHECK_EQ(letters_destroy(&stack), -EBUSY);
        for (uint64_t i = 100; i-- > 50;) {
            letter *const l = letters_pop(&stack, me);

            CHECK_EQ(l->number, i);
            letters_retire(me, l, letter_free);
        }
        at = weir_stack_guard_pop_all(&stack.stack);
        CHECK(weir_stack_guard_empty(&stack.stack));
        for (uint64_t i = 50; i-- > 0;) {
            weir_stack_guard_node *const next = weir_stack_guard_next(at);
            letter *const l = letters_of(&at->retired);

            CHECK_EQ(l->number, i);
            letters_retire(me, l, letter_free);
            at = next;
        }
        CHECK(at == NULL);
        CHECK_EQ(letters_destroy(&stack), 0);
        CHECK(!weir_guard_inside(me));
        CHECK_EQ(weir_guard_free(domain), 0);
        CHECK_EQ(weir_atomic_load(&reclaimed, WEIR_RELAXED), 100);
    }
}

static void guard_chains_go_in_whole_and_in_order(void)
{
    weir_guard *domain;
    weir_guard_record *me;
    weir_stack_guard *stack;
    letter *l[3];

    CHECK_EQ(weir_guard_new(&domain, WEIR_GUARD_INTERVAL, NULL), 0);
    me = weir_guard_self(domain);
    CHECK_EQ(weir_stack_guard_new(&stack), 0);
    for (uint64_t i = 0; i < 3; i++)
        l[i] = letter_new(i);
    weir_stack_guard_link(me, &l[0]->node, &l[1]->node);
    CHECK(weir_stack_guard_push_chain(stack, me, &l[0]->node, &l[1]->node));
    CHECK(!weir_stack_guard_push(stack, me, &l[2]->node));
    CHECK_EQ(weir_stack_guard_free(stack), -EBUSY);
    CHECK(weir_stack_guard_pop(stack, me) == &l[2]->node);
    CHECK(weir_stack_guard_pop(stack, me) == &l[0]->node);
    CHECK(weir_stack_guard_pop(stack, me) == &l[1]->node);
    CHECK(weir_stack_guard_pop(stack, me) == NULL);
    for (int i = 0; i < 3; i++)
        letters_retire(me, l[i], letter_free);
    CHECK_EQ(weir_stack_guard_free(stack), 0);
    CHECK_EQ(weir_stack_guard_free(NULL), 0);
    CHECK_EQ(weir_guard_free(domain), 0);
}

/* A pop inside a section of its caller leaves what that protects, and the section. */
static void guard_leaves_the_callers_section_alone(void)
{
    for (size_t s = 0; s < COUNT(schemes); s++) {
        static weir_stack_guard stack = WEIR_STACK_GUARD_INIT;
        static const weir_reclaim_options at_once = {.batch_objects = 1};
        WEIR_ATOMIC(void *) shared_pointer;
        weir_guard *domain;
        weir_guard_record *me;
        weir_section section;
        letter *held;

        CHECK_EQ(weir_guard_new(&domain, schemes[s], &at_once), 0);
        me = weir_guard_self(domain);
        weir_atomic_init(&reclaimed, 0);
        held = letter_new(1);
        weir_guard_born(me, &held->node.retired);
        weir_atomic_init(&shared_pointer, &held->node);
        section = weir_guard_enter(me);
        CHECK(weir_guard_protect(me, 0, &shared_pointer) == &held->node);
        (void)weir_stack_guard_push(&stack, me, &letter_new(2)->node);
        letters_retire(me, letters_of(&weir_stack_guard_pop(&stack, me)->retired), letter_free);
        CHECK(weir_guard_inside(me));
        weir_atomic_store(&shared_pointer, NULL, WEIR_RELEASE);
        letters_retire(me, held, letter_free);
        (void)weir_guard_collect(me);
        CHECK_EQ(held->number, 1); /* still there, says AddressSanitizer */
        weir_guard_exit(me, section);
        CHECK(!weir_guard_inside(me));
        CHECK_EQ(weir_guard_free(domain), 0);
        CHECK_EQ(weir_atomic_load(&reclaimed, WEIR_RELAXED), 2);
    }
}

static weir_guard *guard_domain;
static letters guard_stack;
static WEIR_ATOMIC(uint64_t) popped_sum;

static void *push_and_retire(void *argument)
{
    const uint64_t base = (uint64_t)(uintptr_t)argument * TURNS;
    weir_guard_record *const me = weir_guard_self(guard_domain);

    CHECK(me != NULL);
    for (uint64_t turn = 0; turn < TURNS; turn++) {
        letter *l;

        (void)letters_push(&guard_stack, me, letter_new(base + turn));
        l = letters_pop(&guard_stack, me);
        CHECK(l != NULL);
        (void)weir_atomic_fetch_add(&popped_sum, l->number, WEIR_RELAXED);
        letters_retire(me, l, letter_free);
    }
    return NULL;
}

static void guard_frees_what_was_popped(void)
{
    const uint64_t all = (uint64_t)THREADS * TURNS;

    for (size_t s = 0; s < COUNT(schemes); s++) {
        pthread_t threads[THREADS];

        CHECK_EQ(weir_guard_new(&guard_domain, schemes[s], NULL), 0);
        letters_init(&guard_stack);
        weir_atomic_init(&popped_sum, 0);
        weir_atomic_init(&reclaimed, 0);
        for (uintptr_t i = 0; i < THREADS; i++)
            CHECK(pthread_create(&threads[i], NULL, push_and_retire, (void *)i) == 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        CHECK_EQ(letters_destroy(&guard_stack), 0);
        CHECK_EQ(weir_guard_free(guard_domain), 0);
        CHECK_EQ(weir_atomic_load(&reclaimed, WEIR_RELAXED), all);
        CHECK_EQ(weir_atomic_load(&popped_sum, WEIR_RELAXED), all * (all - 1) / 2);
    }
}

static void guard_misuse_is_told(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char memory[2 * WEIR_CACHELINE];
    weir_stack_guard *const stack = (weir_stack_guard *)(void *)memory;
    weir_stack_guard *made = NULL;
    weir_guard *domain;
    weir_guard_record *me;
    static letter l;

    CHECK_EQ(weir_guard_new(&domain, WEIR_GUARD_EPOCH, NULL), 0);
    me = weir_guard_self(domain);
    CHECK_DIES(weir_stack_guard_init((weir_stack_guard *)(void *)(memory + 16)),
               "must be aligned to WEIR_CACHELINE");
    CHECK_DIES((void)weir_stack_guard_push(stack, me, &l.node), late);
    weir_stack_guard_init(stack);
    (void)weir_stack_guard_push(stack, me, &l.node);
    CHECK_DIES((void)weir_stack_guard_push(stack, me, &l.node), inside);
    CHECK_DIES((void)weir_stack_guard_free(stack), "not made by weir_stack_guard_new()");
    CHECK(weir_stack_guard_pop(stack, me) == &l.node);
    CHECK_EQ(weir_stack_guard_destroy(stack), 0);
    CHECK_DIES((void)weir_stack_guard_destroy(stack), "destroyed twice, or never made");
    CHECK_DIES((void)weir_stack_guard_push(stack, me, &l.node), late);
    CHECK_DIES((void)weir_stack_guard_pop(stack, me), late);
    CHECK_DIES((void)weir_stack_guard_pop_all(stack), late);
    CHECK_DIES((void)weir_stack_guard_empty(stack), late);
    CHECK_EQ(weir_guard_free(domain), 0);

    test_alloc_fail_at(1);
    CHECK_EQ(weir_stack_guard_new(&made), -ENOMEM);
    CHECK(made == NULL);
    CHECK_EQ(weir_stack_guard_new(&made), 0);
    CHECK_EQ(weir_stack_guard_free(made), 0);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

static const test_case cases[] = {
    TEST_CASE(index_last_in_is_first_out),
    TEST_CASE(index_tag_wraps),
    TEST_CASE(index_removals_advance_the_tag),
    TEST_CASE(index_chains_go_in_whole_and_in_order),
    TEST_CASE(index_begins_full_where_asked),
    TEST_CASE(index_is_destroyed_only_as_it_was_made),
    TEST_CASE(index_refuses_bad_arguments),
    TEST_CASE(index_holds_as_many_as_it_says),
    TEST_CASE(index_typed_gives_and_takes_elements),
    TEST_CASE(index_misuse_is_told),
    TEST_CASE(index_survives_exhausted_memory),
    TEST_CASE(index_gives_a_node_to_one),
#ifdef WEIR_HAVE_STACK
    TEST_CASE(last_in_is_first_out),
    TEST_CASE(chains_go_in_whole_and_in_order),
    TEST_CASE(removals_advance_the_generation),
    TEST_CASE(nodes_may_be_used_again_at_once),
    TEST_CASE(nothing_is_lost_or_doubled),
    TEST_CASE(typed_stacks_return_what_was_put_in),
    TEST_CASE(is_not_destroyed_while_something_is_inside),
    TEST_CASE(survives_exhausted_memory),
    TEST_CASE(misuse_is_told),
#else
    TEST_CASE(stack_of_any_nodes),
#endif
    TEST_CASE(guard_last_in_is_first_out),
    TEST_CASE(guard_chains_go_in_whole_and_in_order),
    TEST_CASE(guard_leaves_the_callers_section_alone),
    TEST_CASE(guard_frees_what_was_popped),
    TEST_CASE(guard_misuse_is_told),
};

int main(void)
{
    return test_run("stack", cases, COUNT(cases));
}
