/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#define WEIR_CHECKED 1

#include "test.h"

#include <weir/spsc.h>

#include <errno.h>

/* Around one and two groups of each size of element, and what users ask for. */
static const size_t capacities[] = {1, 2, 3, 7, 8, 14, 15, 62, 63, 124, 125, 496, 1000, 1024};
static const size_t elements[] = {1, 2, 3, 4, 8, 12, 16, 24, 32, 64, 65, 128, 200, 1000};
static const uint64_t starts[] = {0, 1, UINT64_MAX, UINT64_MAX - 700, UINT64_MAX - 1500};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static unsigned char put_here[1100 * 1000], take_here[1100 * 1000];

static weir_spsc *begin(size_t capacity, size_t element, uint64_t start)
{
    const size_t bytes = weir_spsc_bytes(capacity, element);
    weir_spsc *const queue = (weir_spsc *)aligned_alloc(WEIR_CACHELINE, sizeof(weir_spsc));
    void *const buffer = aligned_alloc(WEIR_CACHELINE, (bytes + WEIR_CACHELINE - 1) /
                                                           WEIR_CACHELINE * WEIR_CACHELINE);

    CHECK(queue != NULL && buffer != NULL);
    /* Filled, so that nothing rests on zeroes. */
    memset(buffer, 0xa5, bytes);
    CHECK_EQ(weir_spsc_init_at(queue, buffer, bytes, capacity, element, start), 0);
    return queue;
}

static void end(weir_spsc *queue)
{
    void *const buffer = queue->groups;

    CHECK_EQ(weir_spsc_destroy(queue), 0);
    free(buffer);
    free(queue);
}

/* Element number `n`. */
static void make(unsigned char *at, size_t bytes, uint64_t n)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(n * 131 + (n >> 8) + i * 7);
}

static bool is(const unsigned char *at, size_t bytes, uint64_t n)
{
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] != (unsigned char)(n * 131 + (n >> 8) + i * 7))
            return false;
    }
    return true;
}

static void holds_exactly_what_it_was_made_for(void)
{
    for (size_t c = 0; c < COUNT(capacities); c++) {
        for (size_t e = 0; e < COUNT(elements); e++) {
            const size_t capacity = capacities[c], element = elements[e];
            weir_spsc *const queue = begin(capacity, element, starts[(c + e) % COUNT(starts)]);
            uint64_t in = 0, out = 0;

            CHECK_EQ(weir_spsc_capacity(queue), capacity);
            /* Each round leaves the queue a few elements further. */
            for (unsigned round = 0; round < 4; round++) {
                memset(take_here, 0x77, element);
                CHECK(!weir_spsc_try_dequeue(queue, take_here));
                CHECK_EQ(take_here[0], 0x77);
                for (size_t i = 0; i < capacity; i++) {
                    CHECK_EQ(weir_spsc_size_approx(queue), i);
                    make(put_here, element, in++);
                    CHECK(weir_spsc_try_enqueue(queue, put_here));
                }
                CHECK_EQ(weir_spsc_size_approx(queue), capacity);
                CHECK(!weir_spsc_try_enqueue(queue, put_here));
                /* Full all the way: one out, one in. */
                for (size_t i = 0; i < capacity / 2 + 3; i++) {
                    CHECK(weir_spsc_try_dequeue(queue, take_here));
                    CHECK(is(take_here, element, out++));
                    make(put_here, element, in++);
                    CHECK(weir_spsc_try_enqueue(queue, put_here));
                    CHECK(!weir_spsc_try_enqueue(queue, put_here));
                }
                while (out < in) {
                    CHECK(weir_spsc_try_dequeue(queue, take_here));
                    CHECK(is(take_here, element, out++));
                }
            }
            CHECK(!weir_spsc_try_dequeue(queue, take_here));
            end(queue);
        }
    }
}

/* Every way in with every way out, chosen by a sequence that repeats: after each
 * operation the queue holds what a count says. */
static void all_ways_in_and_out_agree(void)
{
    for (size_t c = 0; c < COUNT(capacities); c++) {
        for (size_t e = 0; e < COUNT(elements); e++) {
            const size_t capacity = capacities[c], element = elements[e];
            const size_t alignment = element % 64 == 0 ? 64 : element & (~element + 1);
            weir_spsc *const queue = begin(capacity, element, starts[(c * 3 + e) % COUNT(starts)]);
            uint64_t in = 0, out = 0, random = c * 1000 + e;

            for (unsigned step = 0; step < 300; step++) {
                const size_t inside = (size_t)(in - out), room = capacity - inside;
                size_t want, moved = 0;
                void *slots = NULL;

                random = random * 6364136223846793005 + 1442695040888963407;
                want = (size_t)(random >> 40) % (capacity + 2);
                if (want > 1000)
                    want = 1000;
                for (size_t i = 0; i < want && (random >> 60) % 2 == 0; i++)
                    make(put_here + i * element, element, in + i);
                switch (random >> 60 & 7) {
                case 0:
                    moved = weir_spsc_enqueue_burst(queue, put_here, want);
                    CHECK_EQ(moved, want < room ? want : room);
                    in += moved;
                    break;
                case 2:
                case 4:
                    CHECK_EQ(weir_spsc_enqueue_bulk(queue, put_here, want), want <= room);
                    in += want <= room ? want : 0;
                    break;
                case 6:
                    moved = weir_spsc_reserve(queue, &slots, want);
                    CHECK(moved <= want && moved <= room && moved <= weir_spsc_stretch(queue));
                    CHECK((moved > 0) == (want > 0 && room > 0));
                    for (size_t i = 0; i < moved; i++)
                        make((unsigned char *)slots + i * element, element, in + i);
                    if (moved > 1)
                        moved--; /* less may be committed than was reserved */
                    if (moved > 0)
                        weir_spsc_commit(queue, moved);
                    in += moved;
                    break;
                case 1:
                    moved = weir_spsc_dequeue_burst(queue, take_here, want);
                    CHECK_EQ(moved, want < inside ? want : inside);
                    break;
                case 3:
                case 5:
                    memset(take_here, 0x77, element);
                    moved = weir_spsc_dequeue_bulk(queue, take_here, want) ? want : 0;
                    CHECK_EQ(moved, want <= inside ? want : 0);
                    CHECK(moved > 0 || take_here[0] == 0x77);
                    break;
                default:
                    moved = weir_spsc_peek(queue, &slots, want);
                    CHECK(moved <= want && moved <= inside && moved <= weir_spsc_stretch(queue));
                    CHECK((moved > 0) == (want > 0 && inside > 0));
                    CHECK(moved == 0 || (uintptr_t)slots % alignment == 0);
                    if (moved > 0)
                        memcpy(take_here, slots, moved * element);
                    if (moved > 0)
                        weir_spsc_release(queue, moved);
                    break;
                }
                if ((random >> 60) % 2 != 0) {
                    for (size_t i = 0; i < moved; i++)
                        CHECK(is(take_here + i * element, element, out + i));
                    out += moved;
                }
                CHECK_EQ(weir_spsc_size_approx(queue), in - out);
            }
            CHECK_EQ(weir_spsc_dequeue_burst(queue, take_here, 1024), in - out);
            end(queue);
        }
    }
}

/* Concurrency Kit, pull 102: an enqueue whose view of the other end is many laps old
 * computed that the ring was full. The view that a side keeps here is a limit that
 * only grows; it must not be taken for full, or for free, whatever happened since. */
static void an_old_view_is_neither_full_nor_free(void)
{
    weir_spsc *const queue = begin(4, 8, UINT64_MAX);
    uint64_t value = 0;

    for (uint64_t lap = 0; lap < 20; lap++) {
        /* The producer's view is from before the consumer took four. */
        for (uint64_t i = 0; i < 4; i++)
            CHECK(weir_spsc_try_enqueue(queue, &i));
        CHECK(!weir_spsc_try_enqueue(queue, &value));
        for (uint64_t i = 0; i < 4; i++) {
            CHECK(weir_spsc_try_dequeue(queue, &value));
            CHECK_EQ(value, i);
        }
        /* The consumer's is from before the producer puts one. */
        CHECK(!weir_spsc_try_dequeue(queue, &value));
        CHECK(weir_spsc_try_enqueue(queue, &lap));
        CHECK(weir_spsc_try_dequeue(queue, &value));
        CHECK_EQ(value, lap);
    }
    end(queue);
}

/* Elements that were reserved and given up do not exist; what was peeked at stays. */
static void reserve_and_peek_change_nothing(void)
{
    weir_spsc *const queue = begin(3, 4, 0);
    uint32_t value = 9;
    void *slots;

    CHECK_EQ(weir_spsc_reserve(queue, &slots, 10), 3);
    CHECK_EQ(weir_spsc_reserve(queue, &slots, 0), 0);
    CHECK(!weir_spsc_try_dequeue(queue, &value));
    CHECK(weir_spsc_try_enqueue(queue, &value));
    CHECK_EQ(weir_spsc_peek(queue, &slots, 10), 1);
    CHECK_EQ(weir_spsc_peek(queue, &slots, 10), 1);
    CHECK_EQ(*(uint32_t *)slots, 9);
    *(uint32_t *)slots = 10; /* in place */
    CHECK_EQ(weir_spsc_size_approx(queue), 1);
    CHECK(weir_spsc_try_dequeue(queue, &value));
    CHECK_EQ(value, 10);
    CHECK_EQ(weir_spsc_peek(queue, &slots, 1), 0);
    end(queue);
}

typedef struct message {
    WEIR_ALIGNAS(16) char text[41];
} message;

WEIR_SPSC_DEFINE(message_queue, message);
WEIR_SPSC_DEFINE(byte_queue, unsigned char);
WEIR_SPSC_DEFINE(text_queue, const char *);

static void typed_queues_carry_elements_of_any_size(void)
{
    message_queue *messages;
    byte_queue *bytes;
    text_queue *texts;
    message in[5], out[5], *slots;
    const char *text = NULL;
    unsigned char byte = 1;

    memset(in, 0, sizeof in);
    for (int i = 0; i < 5; i++)
        snprintf(in[i].text, sizeof in[i].text, "message number %d of the five of them", i);
    CHECK_EQ(message_queue_new(&messages, 5), 0);
    for (int round = 0; round < 7; round++) {
        CHECK(message_queue_enqueue_bulk(messages, in, 5));
        CHECK(!message_queue_enqueue_bulk(messages, in, 1));
        CHECK(!message_queue_try_enqueue(messages, in[0]));
        CHECK_EQ(message_queue_dequeue_burst(messages, out, 2), 2);
        CHECK_EQ(message_queue_enqueue_burst(messages, in, 5), 2);
        CHECK(message_queue_dequeue_bulk(messages, out + 2, 3));
        CHECK(memcmp(in, out, sizeof in) == 0);
        CHECK(message_queue_peek(messages, &slots, 2) > 0);
        CHECK_EQ((uintptr_t)slots % 16, 0);
        CHECK(memcmp(slots, in, sizeof in[0]) == 0);
        message_queue_release(messages, 1);
        CHECK(message_queue_try_dequeue(messages, &out[1]));
        CHECK(memcmp(&in[1], &out[1], sizeof in[0]) == 0);
        CHECK(message_queue_reserve(messages, &slots, 2) > 0);
        *slots = in[3];
        message_queue_commit(messages, 1);
        CHECK(message_queue_try_dequeue(messages, &out[0]));
        CHECK(memcmp(&in[3], &out[0], sizeof in[0]) == 0);
    }
    CHECK_EQ(message_queue_free(messages), 0);
    CHECK_EQ(byte_queue_new(&bytes, 1), 0);
    CHECK(byte_queue_try_enqueue(bytes, 255));
    CHECK_EQ(byte_queue_free(bytes), -EBUSY);
    CHECK(byte_queue_try_dequeue(bytes, &byte));
    CHECK_EQ(byte, 255);
    CHECK_EQ(byte_queue_free(bytes), 0);
    CHECK_EQ(byte_queue_free(NULL), 0);
    CHECK_EQ(text_queue_new(&texts, 2), 0);
    CHECK(text_queue_try_enqueue(texts, "in and out"));
    CHECK(text_queue_try_dequeue(texts, &text));
    CHECK(strcmp(text, "in and out") == 0);
    CHECK_EQ(text_queue_free(texts), 0);
}

static void refuses_bad_input(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char buffer[4096];
    WEIR_ALIGNAS(WEIR_CACHELINE) static weir_spsc queue;
    weir_spsc *made = &queue;
    const size_t four = weir_spsc_bytes(4, 8), half = (size_t)1 << (sizeof(size_t) * 4);

    CHECK_EQ(weir_spsc_bytes(0, 8), 0);
    CHECK_EQ(weir_spsc_bytes(8, 0), 0);
    CHECK_EQ(weir_spsc_bytes(SIZE_MAX, 1), 0);
    CHECK_EQ(weir_spsc_bytes(1, SIZE_MAX), 0);
    CHECK_EQ(weir_spsc_bytes(half << 2, half << 2), 0);
    CHECK_EQ(weir_spsc_bytes(half, half), 0); /* the product is 0, of as many bits */
    CHECK_EQ(weir_spsc_init(&queue, buffer, sizeof buffer, 0, 8), -EINVAL);
    CHECK_EQ(weir_spsc_init(&queue, buffer, sizeof buffer, 8, 0), -EINVAL);
    CHECK_EQ(weir_spsc_init(&queue, buffer, SIZE_MAX, SIZE_MAX, 8), -EINVAL);
    CHECK_EQ(weir_spsc_init(&queue, NULL, four, 4, 8), -EINVAL);
    CHECK_EQ(weir_spsc_init(&queue, buffer + 8, four, 4, 8), -EINVAL);
    CHECK_EQ(weir_spsc_init(&queue, buffer, four - 1, 4, 8), -EINVAL);
    CHECK_EQ(weir_spsc_init(&queue, buffer, four, 4, 8), 0);
    CHECK_EQ(weir_spsc_new(&made, 0, 8), -EINVAL);
    CHECK_EQ(weir_spsc_new(&made, 8, SIZE_MAX / 8), -EINVAL);
    CHECK(made == &queue);
    CHECK_DIES(CHECK(weir_spsc_init((weir_spsc *)(void *)(buffer + 8), buffer + 1024, four, 4, 8)),
               "must be aligned to WEIR_CACHELINE");
    CHECK_DIES((void)weir_spsc_free(&queue), "not made by weir_spsc_new()");
    CHECK_EQ(weir_spsc_destroy(&queue), 0);
    CHECK_DIES((void)weir_spsc_destroy(&queue), "destroyed twice, or never made");
}

static void is_not_destroyed_while_something_is_inside(void)
{
    weir_spsc *queue;
    uint64_t value = 5;

    CHECK_EQ(weir_spsc_new(&queue, 3, sizeof value), 0);
    CHECK(weir_spsc_try_enqueue(queue, &value));
    CHECK_EQ(weir_spsc_destroy(queue), -EBUSY);
    CHECK_EQ(weir_spsc_free(queue), -EBUSY);
    value = 0;
    CHECK(weir_spsc_try_dequeue(queue, &value));
    CHECK_EQ(value, 5);
    CHECK_EQ(weir_spsc_free(queue), 0);
    CHECK_EQ(weir_spsc_free(NULL), 0);
}

static void survives_exhausted_memory(void)
{
    weir_spsc *queue = NULL;

    test_alloc_fail_at(1);
    CHECK_EQ(weir_spsc_new(&queue, 100, 8), -ENOMEM);
    CHECK(queue == NULL);
    CHECK_EQ(test_alloc_live, 0);
    test_alloc_fail_at(2); /* there is no second allocation */
    CHECK_EQ(weir_spsc_new(&queue, 100, 8), 0);
    CHECK_EQ(test_alloc_calls, 1);
    CHECK(test_alloc_live > 0);
    CHECK_EQ(weir_spsc_free(queue), 0);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

/* This file is compiled with WEIR_CHECKED: see its top. */
static void misuse_is_told(void)
{
    static const char late[] = "used after destroy, or before init";
    weir_spsc *const queue = begin(4, 8, 0);
    void *const buffer = queue->groups;
    uint64_t value = 1;
    void *slots;

    CHECK(weir_spsc_try_enqueue(queue, &value));
    CHECK_EQ(weir_spsc_reserve(queue, &slots, 4), 3);
    CHECK_DIES(weir_spsc_commit(queue, 4), "more committed than was reserved");
    CHECK_EQ(weir_spsc_peek(queue, &slots, 4), 1);
    CHECK_DIES(weir_spsc_release(queue, 2), "more released than was peeked at");
    CHECK_DIES((void)byte_queue_try_enqueue((byte_queue *)(void *)queue, 1),
               "made for elements of another size");
    CHECK(weir_spsc_try_dequeue(queue, &value));
    CHECK_EQ(weir_spsc_destroy(queue), 0);
    CHECK_DIES((void)weir_spsc_try_enqueue(queue, &value), late);
    CHECK_DIES((void)weir_spsc_enqueue_burst(queue, &value, 1), late);
    CHECK_DIES((void)weir_spsc_enqueue_bulk(queue, &value, 1), late);
    CHECK_DIES((void)weir_spsc_reserve(queue, &slots, 1), late);
    CHECK_DIES(weir_spsc_commit(queue, 0), late);
    CHECK_DIES((void)weir_spsc_try_dequeue(queue, &value), late);
    CHECK_DIES((void)weir_spsc_dequeue_burst(queue, &value, 1), late);
    CHECK_DIES((void)weir_spsc_dequeue_bulk(queue, &value, 1), late);
    CHECK_DIES((void)weir_spsc_peek(queue, &slots, 1), late);
    CHECK_DIES(weir_spsc_release(queue, 0), late);
    free(buffer);
    free(queue);
}

int main(void)
{
    return TEST_RUN(
        "spsc", TEST_CASE(holds_exactly_what_it_was_made_for), TEST_CASE(all_ways_in_and_out_agree),
        TEST_CASE(an_old_view_is_neither_full_nor_free), TEST_CASE(reserve_and_peek_change_nothing),
        TEST_CASE(typed_queues_carry_elements_of_any_size), TEST_CASE(refuses_bad_input),
        TEST_CASE(is_not_destroyed_while_something_is_inside), TEST_CASE(survives_exhausted_memory),
        TEST_CASE(misuse_is_told));
}
