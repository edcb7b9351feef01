/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/bounded.h: the cases that hold for every bounded queue of words, whatever
 * its name. The test that includes it defines, before:
 *
 *     BOUNDED(verb)       the name of a function: weir_mpmc_##verb
 *     bounded_queue       the queue's type
 *     BOUNDED_CELLS(q)    the buffer that init was given
 */

#ifndef WEIR_TESTS_BOUNDED_H
#define WEIR_TESTS_BOUNDED_H

#include "test.h"

#include <errno.h>

static const size_t bounded_capacities[] = {1, 2, 3, 4, 7, 1000, 1024};
static const uint64_t bounded_starts[] = {0, 1, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 1500};

/* A queue in memory of its own, to be given to bounded_end(). */
static bounded_queue *bounded_begin(size_t capacity, uint64_t start)
{
    const size_t bytes = BOUNDED(bytes)(capacity);
    bounded_queue *const queue =
        (bounded_queue *)aligned_alloc(WEIR_CACHELINE, sizeof(bounded_queue));
    /* aligned_alloc() wants a multiple of the alignment; init gets the exact bytes. */
    void *const buffer = aligned_alloc(WEIR_CACHELINE, (bytes + WEIR_CACHELINE - 1) /
                                                           WEIR_CACHELINE * WEIR_CACHELINE);

    CHECK(queue != NULL && buffer != NULL);
    CHECK_EQ(BOUNDED(init_at)(queue, buffer, bytes, capacity, start), 0);
    return queue;
}

static void bounded_end(bounded_queue *queue)
{
    void *const buffer = BOUNDED_CELLS(queue);

    CHECK_EQ(BOUNDED(destroy)(queue), 0);
    free(buffer);
    free(queue);
}

static void holds_exactly_what_it_was_made_for(void)
{
    for (size_t c = 0; c < sizeof bounded_capacities / sizeof bounded_capacities[0]; c++) {
        for (size_t s = 0; s < sizeof bounded_starts / sizeof bounded_starts[0]; s++) {
            const size_t capacity = bounded_capacities[c];
            bounded_queue *const queue = bounded_begin(capacity, bounded_starts[s]);
            uintptr_t value;

            CHECK_EQ(BOUNDED(capacity)(queue), capacity);
            /* Each round leaves the queue one cell further, for more than two laps. */
            for (size_t round = 0; round < 2 * capacity + 3 && round < 40; round++) {
                value = 12345;
                CHECK(!BOUNDED(try_dequeue)(queue, &value));
                CHECK_EQ(value, 12345);
                for (size_t i = 0; i < capacity; i++) {
                    CHECK_EQ(BOUNDED(size_approx)(queue), i);
                    CHECK(BOUNDED(try_enqueue)(queue, round + i));
                }
                CHECK_EQ(BOUNDED(size_approx)(queue), capacity);
                CHECK(!BOUNDED(try_enqueue)(queue, 999));
                for (size_t i = 0; i < capacity; i++) {
                    CHECK(BOUNDED(try_dequeue)(queue, &value));
                    CHECK_EQ(value, round + i);
                }
                CHECK(BOUNDED(try_enqueue)(queue, 1));
                CHECK(BOUNDED(try_dequeue)(queue, &value));
            }
            bounded_end(queue);
        }
    }
}

static void reserves_no_value(void)
{
    static const uintptr_t values[] = {0, 1, UINTPTR_MAX, UINTPTR_MAX - 1, UINTPTR_MAX / 2 + 1};
    bounded_queue *const queue = bounded_begin(1, UINT64_MAX);

    for (size_t lap = 0; lap < 3; lap++) {
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            uintptr_t value = 7;

            CHECK(BOUNDED(try_enqueue)(queue, values[i]));
            CHECK(!BOUNDED(try_enqueue)(queue, values[i]));
            CHECK(BOUNDED(try_dequeue)(queue, &value));
            CHECK(value == values[i]);
        }
    }
    bounded_end(queue);
}

static void bursts_move_what_there_is_room_for(void)
{
    for (size_t c = 0; c < sizeof bounded_capacities / sizeof bounded_capacities[0]; c++) {
        const size_t capacity = bounded_capacities[c];
        bounded_queue *const queue = bounded_begin(capacity, UINT64_MAX - capacity);
        uintptr_t in[64], out[64], next_in = 0, next_out = 0;

        for (unsigned round = 0; round < 200; round++) {
            const size_t inside = next_in - next_out;
            const size_t put_want = (round * 7) % 64, take_want = (round * 5) % 64;
            size_t put, got, now;

            for (size_t i = 0; i < put_want; i++)
                in[i] = next_in + i;
            put = BOUNDED(enqueue_burst)(queue, in, put_want);
            CHECK_EQ(put, put_want < capacity - inside ? put_want : capacity - inside);
            next_in += put;
            now = next_in - next_out;
            got = BOUNDED(dequeue_burst)(queue, out, take_want);
            CHECK_EQ(got, take_want < now ? take_want : now);
            for (size_t i = 0; i < got; i++)
                CHECK_EQ(out[i], next_out + i);
            next_out += got;
        }
        while (BOUNDED(try_dequeue)(queue, &out[0]))
            CHECK_EQ(out[0], next_out++);
        CHECK_EQ(next_out, next_in);
        bounded_end(queue);
    }
}

static void refuses_bad_input(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char buffer[4096];
    WEIR_ALIGNAS(WEIR_CACHELINE) static bounded_queue queue;
    bounded_queue *made = &queue;
    const size_t four = BOUNDED(bytes)(4);

    CHECK_EQ(BOUNDED(bytes)(0), 0);
    CHECK_EQ(BOUNDED(bytes)(SIZE_MAX), 0);
    CHECK_EQ(BOUNDED(init)(&queue, buffer, sizeof buffer, 0), -EINVAL);
    CHECK_EQ(BOUNDED(init)(&queue, buffer, SIZE_MAX, SIZE_MAX), -EINVAL);
    CHECK_EQ(BOUNDED(init)(&queue, NULL, four, 4), -EINVAL);
    CHECK_EQ(BOUNDED(init)(&queue, buffer + 8, four, 4), -EINVAL);
    CHECK_EQ(BOUNDED(init)(&queue, buffer, four - 1, 4), -EINVAL);
    CHECK_EQ(BOUNDED(init)(&queue, buffer, four, 4), 0);
    CHECK_EQ(BOUNDED(new)(&made, 0), -EINVAL);
    CHECK_EQ(BOUNDED(new)(&made, SIZE_MAX), -EINVAL);
    CHECK(made == &queue);
    CHECK_DIES(
        CHECK(BOUNDED(init)((bounded_queue *)(void *)(buffer + 8), buffer + 1024, four, 4) != 0),
        "must be aligned to WEIR_CACHELINE");
    CHECK_EQ(BOUNDED(destroy)(&queue), 0);
    CHECK_DIES((void)BOUNDED(destroy)(&queue), "destroyed twice, or never made");
}

static void is_not_destroyed_while_something_is_inside(void)
{
    bounded_queue *queue;
    uintptr_t value;

    CHECK_EQ(BOUNDED(new)(&queue, 3), 0);
    CHECK(BOUNDED(try_enqueue)(queue, 5));
    CHECK_EQ(BOUNDED(destroy)(queue), -EBUSY);
    CHECK_EQ(BOUNDED(free)(queue), -EBUSY);
    CHECK(BOUNDED(try_dequeue)(queue, &value));
    CHECK_EQ(value, 5);
    CHECK_EQ(BOUNDED(free)(queue), 0);
    CHECK_EQ(BOUNDED(free)(NULL), 0);
}

static void survives_exhausted_memory(void)
{
    bounded_queue *queue = NULL;

    test_alloc_fail_at(1);
    CHECK_EQ(BOUNDED(new)(&queue, 100), -ENOMEM);
    CHECK(queue == NULL);
    CHECK_EQ(test_alloc_live, 0);
    test_alloc_fail_at(2); /* there is no second allocation */
    CHECK_EQ(BOUNDED(new)(&queue, 100), 0);
    CHECK_EQ(test_alloc_calls, 1);
    CHECK(test_alloc_live > 0);
    CHECK_EQ(BOUNDED(free)(queue), 0);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

/* Compiled with WEIR_CHECKED (see the top of the test). */
static void use_after_destroy_is_told(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char buffer[4096];
    WEIR_ALIGNAS(WEIR_CACHELINE) static bounded_queue queue;
    uintptr_t value;

    CHECK_EQ(BOUNDED(init)(&queue, buffer, sizeof buffer, 4), 0);
    CHECK_EQ(BOUNDED(destroy)(&queue), 0);
    CHECK_DIES((void)BOUNDED(try_enqueue)(&queue, 1), "used after destroy, or before init");
    CHECK_DIES((void)BOUNDED(try_dequeue)(&queue, &value), "used after destroy, or before init");
}

#define BOUNDED_CASES                                                                \
    TEST_CASE(holds_exactly_what_it_was_made_for), TEST_CASE(reserves_no_value),     \
        TEST_CASE(bursts_move_what_there_is_room_for), TEST_CASE(refuses_bad_input), \
        TEST_CASE(is_not_destroyed_while_something_is_inside),                       \
        TEST_CASE(survives_exhausted_memory), TEST_CASE(use_after_destroy_is_told)

#endif /* WEIR_TESTS_BOUNDED_H */
