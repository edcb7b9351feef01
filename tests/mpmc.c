/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#define WEIR_CHECKED 1

#include <weir/mpmc.h>

#ifdef WEIR_HAVE_MPMC

typedef weir_mpmc bounded_queue;
#define BOUNDED(verb) weir_mpmc_##verb
#define BOUNDED_CELLS(queue) (queue)->cells

#include "bounded.h"

/* A thread that slept between its compare-and-swap and its store of the hint sets
 * the hint back when it wakes: to any earlier position, laps ago. What Concurrency
 * Kit's ring got wrong (ck pull 102) was to compute with such a number. */
static void old_hints_cost_a_search_and_nothing_else(void)
{
    static const size_t capacities[] = {1, 2, 3, 1000, 1024};

    for (size_t c = 0; c < sizeof capacities / sizeof capacities[0]; c++) {
        const size_t capacity = capacities[c];
        bounded_queue *const queue = bounded_begin(capacity, UINT64_MAX - 700);
        const uint64_t first = weir_ring_start(&queue->ring, UINT64_MAX - 700);
        uint64_t old[4] = {first, first, first, first};
        uintptr_t in = 0, out = 0, value;

        for (unsigned round = 0; round < 300; round++) {
            const size_t target = round % (capacity + 1);

            while (in - out < target)
                CHECK(weir_mpmc_try_enqueue(queue, in++));
            while (in - out > target) {
                CHECK(weir_mpmc_try_dequeue(queue, &value));
                CHECK_EQ(value, out++);
            }
            /* Both hints go back, by different distances: to positions passed long ago. */
            weir_atomic_store(&queue->tail, old[round % 4], WEIR_RELAXED);
            weir_atomic_store(&queue->head, old[(round + 1) % 4], WEIR_RELAXED);
            CHECK_EQ(weir_mpmc_size_approx(queue), in - out);
            if (in - out < capacity)
                CHECK(weir_mpmc_try_enqueue(queue, in++));
            else
                CHECK(!weir_mpmc_try_enqueue(queue, 77));
            weir_atomic_store(&queue->head, old[(round + 1) % 4], WEIR_RELAXED);
            CHECK(weir_mpmc_try_dequeue(queue, &value));
            CHECK_EQ(value, out++);
            if (in == out) {
                weir_atomic_store(&queue->head, old[(round + 2) % 4], WEIR_RELAXED);
                CHECK(!weir_mpmc_try_dequeue(queue, &value));
            }
            if (round % 50 == 49)
                old[round / 50 % 4] = weir_atomic_load(&queue->head, WEIR_RELAXED);
        }
        while (weir_mpmc_try_dequeue(queue, &value))
            CHECK_EQ(value, out++);
        CHECK_EQ(out, in);
        bounded_end(queue);
    }
}

/* A call that fails after a walk leaves the hint where it came to: the next is quick. */
static void a_failed_call_mends_the_hint(void)
{
    bounded_queue *const queue = bounded_begin(64, 0);
    uintptr_t value;

    for (unsigned i = 0; i < 200; i++) {
        CHECK(weir_mpmc_try_enqueue(queue, i));
        CHECK(weir_mpmc_try_dequeue(queue, &value));
    }
    weir_atomic_store(&queue->head, 3, WEIR_RELAXED);
    CHECK(!weir_mpmc_try_dequeue(queue, &value));
    CHECK_EQ(weir_atomic_load(&queue->head, WEIR_RELAXED), 200);
    bounded_end(queue);
}

/* ---- typed ---- */

typedef struct point {
    int16_t x, y;
} point;

typedef struct message {
    char text[40];
    int number;
} message;

WEIR_MPMC_DEFINE(point_queue, point);
WEIR_MPMC_DEFINE(pointer_queue, message *);
WEIR_MPMC_SLOTS_DEFINE(message_queue, message);

static void typed_queues_carry_their_type(void)
{
    point_queue *points;
    const point in[3] = {{1, -2}, {3, 4}, {-5, 6}};
    point out[3];

    CHECK_EQ(point_queue_new(&points, 3), 0);
    CHECK(point_queue_try_enqueue(points, in[0]));
    CHECK(point_queue_try_dequeue(points, &out[0]));
    CHECK(out[0].x == 1 && out[0].y == -2);
    CHECK_EQ(point_queue_enqueue_burst(points, in, 3), 3);
    CHECK_EQ(point_queue_enqueue_burst(points, in, 3), 0);
    CHECK_EQ(point_queue_free(points), -EBUSY);
    CHECK_EQ(point_queue_dequeue_burst(points, out, 3), 3);
    CHECK(memcmp(in, out, sizeof in) == 0);
    CHECK_EQ(point_queue_free(points), 0);
}

static void slots_carry_elements_of_any_size(void)
{
    for (size_t spare = 0; spare < 3; spare++) {
        message_queue *messages;
        message m = {"", 0}, got;

        CHECK_EQ(message_queue_new(&messages, 3, spare), 0);
        CHECK_EQ(weir_mpmc_slots_capacity(&messages->queue), 3);
        for (int round = 0; round < 20; round++) {
            CHECK(!message_queue_try_dequeue(messages, &got));
            for (int i = 0; i < 3; i++) {
                m.number = round + i;
                snprintf(m.text, sizeof m.text, "number %d", m.number);
                CHECK(message_queue_try_enqueue(messages, &m));
            }
            CHECK(!message_queue_try_enqueue(messages, &m));
            CHECK_EQ(weir_mpmc_slots_size_approx(&messages->queue), 3);
            for (int i = 0; i < 3; i++) {
                CHECK(message_queue_try_dequeue(messages, &got));
                snprintf(m.text, sizeof m.text, "number %d", round + i);
                CHECK(got.number == round + i && strcmp(got.text, m.text) == 0);
            }
        }
        CHECK(message_queue_try_enqueue(messages, &m));
        CHECK_EQ(message_queue_free(messages), -EBUSY);
        CHECK(message_queue_try_dequeue(messages, &got));
        CHECK_EQ(message_queue_free(messages), 0);
    }
}

static void slots_refuse_bad_input(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char buffer[8192];
    WEIR_ALIGNAS(WEIR_CACHELINE) static weir_mpmc_slots queue;
    weir_mpmc_slots *made = NULL;
    const size_t needed = weir_mpmc_slots_bytes(4, 2, 40);
    uint64_t word;

    CHECK(needed > 0 && needed <= sizeof buffer);
    CHECK_EQ(weir_mpmc_slots_bytes(0, 1, 8), 0);
    CHECK_EQ(weir_mpmc_slots_bytes(1, 1, 0), 0);
    CHECK_EQ(weir_mpmc_slots_bytes(1, SIZE_MAX, 8), 0);
    CHECK_EQ(weir_mpmc_slots_bytes(4, 4, SIZE_MAX / 8), 0);
    CHECK_EQ(weir_mpmc_slots_bytes(4, 4, SIZE_MAX / 2), 0);
    CHECK_EQ(weir_mpmc_slots_init(&queue, buffer, needed - 1, 4, 2, 40), -EINVAL);
    CHECK_EQ(weir_mpmc_slots_init(&queue, NULL, needed, 4, 2, 40), -EINVAL);
    CHECK_EQ(weir_mpmc_slots_init(&queue, buffer + 16, needed, 4, 2, 40), -EINVAL);
    CHECK_EQ(weir_mpmc_slots_init(&queue, buffer, needed, 4, 2, 40), 0);
    CHECK_EQ(weir_mpmc_slots_destroy(&queue), 0);
    CHECK_DIES((void)weir_mpmc_slots_try_enqueue(&queue, &word),
               "used after destroy, or before init");
    CHECK_EQ(weir_mpmc_slots_new(&made, 0, 0, 8), -EINVAL);
    test_alloc_fail_at(1);
    CHECK_EQ(weir_mpmc_slots_new(&made, 4, 2, 8), -ENOMEM);
    CHECK(made == NULL);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

int main(void)
{
    return TEST_RUN("mpmc", BOUNDED_CASES, TEST_CASE(old_hints_cost_a_search_and_nothing_else),
                    TEST_CASE(a_failed_call_mends_the_hint),
                    TEST_CASE(typed_queues_carry_their_type),
                    TEST_CASE(slots_carry_elements_of_any_size), TEST_CASE(slots_refuse_bad_input));
}

#else

#include "test.h"

int main(void)
{
    printf("SKIP mpmc: no double-word compare-and-swap here\n");
    return TEST_SKIPPED;
}

#endif
