/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#define WEIR_CHECKED 1

#include <weir/ticket.h>

typedef weir_ticket bounded_queue;
#define BOUNDED(verb) weir_ticket_##verb
#define BOUNDED_CELLS(queue) (queue)->shape.cells

#include "bounded.h"

static void bulk_moves_all_or_nothing(void)
{
    static const size_t capacities[] = {1, 2, 3, 7, 1000};

    for (size_t c = 0; c < sizeof capacities / sizeof capacities[0]; c++) {
        const size_t capacity = capacities[c];
        bounded_queue *const queue = bounded_begin(capacity, UINT64_MAX - capacity / 2);
        uintptr_t *const words = (uintptr_t *)calloc(capacity + 1, sizeof *words);
        uintptr_t value;

        CHECK(words != NULL);
        for (unsigned round = 0; round < 20; round++) {
            for (size_t i = 0; i <= capacity; i++)
                words[i] = i;
            CHECK(weir_ticket_enqueue_bulk(queue, words, 0));
            CHECK(weir_ticket_dequeue_bulk(queue, words, 0));
            CHECK(!weir_ticket_enqueue_bulk(queue, words, capacity + 1));
            CHECK_EQ(weir_ticket_size_approx(queue), 0);
            CHECK(weir_ticket_enqueue_bulk(queue, words, capacity));
            CHECK(!weir_ticket_enqueue_bulk(queue, words, 1));
            CHECK(!weir_ticket_dequeue_bulk(queue, words, capacity + 1));
            CHECK(weir_ticket_try_dequeue(queue, &value));
            CHECK_EQ(value, 0);
            memset(words, 0xff, capacity * sizeof *words);
            CHECK(!weir_ticket_dequeue_bulk(queue, words, capacity));
            CHECK(words[0] == UINTPTR_MAX);
            CHECK(weir_ticket_dequeue_bulk(queue, words, capacity - 1));
            for (size_t i = 0; i + 1 < capacity; i++)
                CHECK_EQ(words[i], i + 1);
            CHECK(!weir_ticket_dequeue_bulk(queue, words, 1));
            CHECK(weir_ticket_try_enqueue(queue, 3)); /* one further each round */
            CHECK(weir_ticket_try_dequeue(queue, &value));
        }
        free(words);
        bounded_end(queue);
    }
}

typedef struct message {
    char text[41];
} message;

WEIR_TICKET_DEFINE(message_ring, message);
WEIR_TICKET_DEFINE(byte_ring, unsigned char);

static void typed_rings_carry_elements_of_any_size(void)
{
    message_ring *messages;
    byte_ring *bytes;
    message in[5], out[5];
    unsigned char byte = 1;

    memset(in, 0, sizeof in);
    for (int i = 0; i < 5; i++)
        snprintf(in[i].text, sizeof in[i].text, "message number %d of the five of them", i);
    CHECK_EQ(message_ring_new(&messages, 5), 0);
    for (int round = 0; round < 7; round++) {
        CHECK(message_ring_enqueue_bulk(messages, in, 5));
        CHECK(!message_ring_try_enqueue(messages, in[0]));
        CHECK_EQ(message_ring_dequeue_burst(messages, out, 2), 2);
        CHECK_EQ(message_ring_enqueue_burst(messages, in, 5), 2);
        CHECK(message_ring_dequeue_bulk(messages, out + 2, 3));
        CHECK(memcmp(in, out, sizeof in) == 0);
        CHECK(message_ring_try_dequeue(messages, &out[0]));
        CHECK(message_ring_try_dequeue(messages, &out[1]));
        CHECK(memcmp(in, out, 2 * sizeof in[0]) == 0);
    }
    CHECK_EQ(message_ring_free(messages), 0);
    CHECK_EQ(byte_ring_new(&bytes, 1), 0);
    CHECK(byte_ring_try_enqueue(bytes, 255));
    CHECK(byte_ring_try_dequeue(bytes, &byte));
    CHECK_EQ(byte, 255);
    CHECK_EQ(byte_ring_free(bytes), 0);
}

static void refuses_elements_without_size_or_sense(void)
{
    weir_ticket *made = NULL;

    CHECK_EQ(weir__ticket_bytes(1, 0), 0);
    CHECK_EQ(weir__ticket_bytes(1, SIZE_MAX), 0);
    CHECK_EQ(weir__ticket_bytes(4, SIZE_MAX / 3), 0);
    CHECK_EQ(weir__ticket_new(&made, 1, SIZE_MAX), -EINVAL);
    CHECK(made == NULL);
}

static void elements_of_another_size_are_told(void)
{
    message_ring *messages;

    CHECK_EQ(message_ring_new(&messages, 5), 0);
    CHECK_DIES((void)weir_ticket_try_enqueue(&messages->queue, 1),
               "made for elements of another size");
    CHECK_EQ(message_ring_free(messages), 0);
}

int main(void)
{
    return TEST_RUN("ticket", BOUNDED_CASES, TEST_CASE(bulk_moves_all_or_nothing),
                    TEST_CASE(typed_rings_carry_elements_of_any_size),
                    TEST_CASE(refuses_elements_without_size_or_sense),
                    TEST_CASE(elements_of_another_size_are_told));
}
