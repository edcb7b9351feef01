/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#define WEIR_CHECKED 1

#include "test.h"

#include <weir/mpsc.h>

#include <errno.h>
#include <pthread.h>

typedef struct letter {
    uint64_t number;
    weir_mpsc_node node;
} letter;

WEIR_MPSC_DEFINE(mailbox, letter, node);

static weir_mpsc shared = WEIR_MPSC_INIT;

static letter *letter_of(weir_mpsc_node *node)
{
    return node == NULL ? NULL : (letter *)(void *)((char *)node - offsetof(letter, node));
}

static void serves_in_order(void)
{
    letter letters[100];
    uint64_t in = 0, out = 0;

    CHECK(weir_mpsc_empty(&shared));
    CHECK(weir_mpsc_try_dequeue(&shared) == NULL);
    /* Enqueues between dequeues: what was taken over and what came since. */
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < round % 7 + 1 && in - out < 100; i++) {
            letters[in % 100].number = in;
            (void)weir_mpsc_enqueue(&shared, &letters[in % 100].node);
            in++;
            CHECK(!weir_mpsc_empty(&shared));
        }
        for (unsigned i = 0; i < round % 5 + 1 && out < in; i++) {
            letter *const got = letter_of(weir_mpsc_try_dequeue(&shared));

            CHECK(got != NULL);
            CHECK_EQ(got->number, out);
            out++;
        }
    }
    while (out < in)
        CHECK_EQ(letter_of(weir_mpsc_try_dequeue(&shared))->number, out++);
    CHECK(weir_mpsc_try_dequeue(&shared) == NULL);
    CHECK(weir_mpsc_empty(&shared));
}

static void says_when_to_wake_the_consumer(void)
{
    letter letters[4];

    CHECK(weir_mpsc_enqueue(&shared, &letters[0].node));
    CHECK(!weir_mpsc_enqueue(&shared, &letters[1].node));
    CHECK(letter_of(weir_mpsc_try_dequeue(&shared)) == &letters[0]);
    /* All earlier ones are with the consumer, though one of them is still inside. */
    CHECK(weir_mpsc_enqueue(&shared, &letters[2].node));
    CHECK(!weir_mpsc_enqueue(&shared, &letters[3].node));
    for (int i = 1; i < 4; i++)
        CHECK(letter_of(weir_mpsc_try_dequeue(&shared)) == &letters[i]);
    CHECK(weir_mpsc_try_dequeue(&shared) == NULL);
    CHECK(weir_mpsc_enqueue(&shared, &letters[0].node));
    CHECK(letter_of(weir_mpsc_try_dequeue(&shared)) == &letters[0]);
}

static void chains_go_in_whole_and_in_order(void)
{
    letter letters[10];
    weir_mpsc_node *nodes[11];

    CHECK(!weir_mpsc_enqueue_chain(&shared, NULL));
    for (size_t length = 1; length <= 5; length++) {
        letter *const second = &letters[length];

        for (size_t i = 0; i < 10; i++)
            letters[i].number = i;
        for (size_t i = 0; i < length; i++) {
            letters[i].node.next = i + 1 < length ? &letters[i + 1].node : NULL;
            second[i].node.next = i + 1 < length ? &second[i + 1].node : NULL;
        }
        CHECK(weir_mpsc_enqueue_chain(&shared, &letters[0].node));
        CHECK(!weir_mpsc_enqueue_chain(&shared, &second[0].node));
        CHECK_EQ(weir_mpsc_dequeue_burst(&shared, nodes, 0), 0);
        CHECK_EQ(weir_mpsc_dequeue_burst(&shared, nodes, 2 * length - 1), 2 * length - 1);
        CHECK_EQ(weir_mpsc_dequeue_burst(&shared, nodes + 2 * length - 1, 2), 1);
        CHECK_EQ(weir_mpsc_dequeue_burst(&shared, nodes, 0), 0);
        for (size_t i = 0; i < 2 * length; i++)
            CHECK_EQ(letter_of(nodes[i])->number, i);
        CHECK(weir_mpsc_empty(&shared));
    }
}

/* Concurrency Kit e78c421: a dequeue said "empty" of a queue whose first node had been
 * recycled and enqueued again. Here in one thread, each state of the consumer's list;
 * stopped at each instruction in stress/step-mpsc. */
static void nodes_may_be_used_again_at_once(void)
{
    letter letters[3];

    for (size_t i = 0; i < 3; i++) {
        letters[i].number = i;
        (void)weir_mpsc_enqueue(&shared, &letters[i].node);
    }
    for (uint64_t turn = 0; turn < 1000; turn++) {
        letter *const got = letter_of(weir_mpsc_try_dequeue(&shared));

        CHECK(got != NULL);
        CHECK_EQ(got->number, turn);
        got->number = turn + 3;
        memset(&got->node, 0xee, sizeof got->node);
        (void)weir_mpsc_enqueue(&shared, &got->node);
    }
    for (size_t i = 0; i < 3; i++)
        CHECK(weir_mpsc_try_dequeue(&shared) != NULL);
    CHECK(weir_mpsc_empty(&shared));
}

/* A node alone that goes round between two queues. */
static void nodes_may_go_to_another_queue(void)
{
    weir_mpsc *other;
    letter only = {7, {NULL}};

    CHECK_EQ(weir_mpsc_new(&other), 0);
    (void)weir_mpsc_enqueue(&shared, &only.node);
    for (int turn = 0; turn < 100; turn++) {
        CHECK(weir_mpsc_enqueue(other, weir_mpsc_try_dequeue(&shared)));
        CHECK(weir_mpsc_enqueue(&shared, weir_mpsc_try_dequeue(other)));
    }
    CHECK(letter_of(weir_mpsc_try_dequeue(&shared)) == &only);
    CHECK_EQ(weir_mpsc_free(other), 0);
}

enum { PRODUCERS = 4, LETTERS = 500 };

static letter crowd[PRODUCERS][LETTERS];

static void *post(void *first)
{
    letter *const letters = (letter *)first;

    for (size_t i = 0; i < LETTERS; i++)
        (void)weir_mpsc_enqueue(&shared, &letters[i].node);
    return NULL;
}

static void producers_keep_their_order(void)
{
    pthread_t threads[PRODUCERS];
    uint64_t next[PRODUCERS] = {0};
    size_t got = 0;

    for (uint64_t p = 0; p < PRODUCERS; p++) {
        for (uint64_t i = 0; i < LETTERS; i++)
            crowd[p][i].number = p * LETTERS + i;
        CHECK(pthread_create(&threads[p], NULL, post, crowd[p]) == 0);
    }
    while (got < (size_t)PRODUCERS * LETTERS) {
        letter *const l = letter_of(weir_mpsc_try_dequeue(&shared));

        if (l == NULL)
            continue;
        CHECK_EQ(l->number % LETTERS, next[l->number / LETTERS]++);
        got++;
    }
    for (int p = 0; p < PRODUCERS; p++)
        pthread_join(threads[p], NULL);
    CHECK(weir_mpsc_empty(&shared));
}

static void typed_queues_return_what_was_put_in(void)
{
    static mailbox box;
    letter letters[2] = {{1, {NULL}}, {2, {NULL}}};

    mailbox_init(&box);
    CHECK(mailbox_empty(&box));
    CHECK(mailbox_try_dequeue(&box) == NULL);
    CHECK(mailbox_enqueue(&box, &letters[0]));
    CHECK(!mailbox_enqueue(&box, &letters[1]));
    CHECK_EQ(mailbox_destroy(&box), -EBUSY);
    CHECK(mailbox_try_dequeue(&box) == &letters[0]);
    CHECK(mailbox_try_dequeue(&box) == &letters[1]);
    CHECK(mailbox_try_dequeue(&box) == NULL);
    CHECK_EQ(mailbox_destroy(&box), 0);
}

static void is_not_destroyed_while_something_is_inside(void)
{
    weir_mpsc *queue;
    letter letters[2];

    CHECK_EQ(weir_mpsc_new(&queue), 0);
    (void)weir_mpsc_enqueue(queue, &letters[0].node);
    (void)weir_mpsc_enqueue(queue, &letters[1].node);
    CHECK_EQ(weir_mpsc_free(queue), -EBUSY);
    CHECK(weir_mpsc_try_dequeue(queue) == &letters[0].node);
    /* Now only the consumer's own list has one. */
    CHECK_EQ(weir_mpsc_destroy(queue), -EBUSY);
    CHECK(weir_mpsc_try_dequeue(queue) == &letters[1].node);
    CHECK_EQ(weir_mpsc_free(queue), 0);
    CHECK_EQ(weir_mpsc_free(NULL), 0);
}

static void memory_of_the_caller_is_not_freed(void)
{
    static weir_mpsc queue = WEIR_MPSC_INIT;

    CHECK_DIES((void)weir_mpsc_free(&queue), "not made by weir_mpsc_new()");
    CHECK_EQ(weir_mpsc_destroy(&queue), 0);
    weir_mpsc_init(&queue);
    CHECK_DIES((void)weir_mpsc_free(&queue), "not made by weir_mpsc_new()");
    CHECK_EQ(weir_mpsc_destroy(&queue), 0);
}

static void survives_exhausted_memory(void)
{
    weir_mpsc *queue = NULL;

    test_alloc_fail_at(1);
    CHECK_EQ(weir_mpsc_new(&queue), -ENOMEM);
    CHECK(queue == NULL);
    CHECK_EQ(test_alloc_live, 0);
    test_alloc_fail_at(2); /* there is no second allocation */
    CHECK_EQ(weir_mpsc_new(&queue), 0);
    CHECK_EQ(test_alloc_calls, 1);
    CHECK_EQ(weir_mpsc_free(queue), 0);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

/* This file is compiled with WEIR_CHECKED: see its top. */
static void misuse_is_told(void)
{
    static const char late[] = "used after destroy, or before init";
    WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char memory[4 * WEIR_CACHELINE];
    weir_mpsc *const queue = (weir_mpsc *)(void *)memory;
    weir_mpsc_node *nodes[1];
    letter l;

    CHECK_DIES(weir_mpsc_init((weir_mpsc *)(void *)(memory + 8)),
               "must be aligned to WEIR_CACHELINE");
    CHECK_DIES((void)weir_mpsc_enqueue(queue, &l.node), late);
    weir_mpsc_init(queue);
    (void)weir_mpsc_enqueue(queue, &l.node);
    CHECK_DIES((void)weir_mpsc_enqueue(queue, &l.node), "this node is inside already");
    CHECK(weir_mpsc_try_dequeue(queue) == &l.node);
    CHECK_EQ(weir_mpsc_destroy(queue), 0);
    CHECK_DIES((void)weir_mpsc_destroy(queue), "destroyed twice, or never made");
    CHECK_DIES((void)weir_mpsc_enqueue(queue, &l.node), late);
    CHECK_DIES((void)weir_mpsc_try_dequeue(queue), late);
    CHECK_DIES((void)weir_mpsc_dequeue_burst(queue, nodes, 1), late);
    CHECK_DIES((void)weir_mpsc_empty(queue), late);
}

int main(void)
{
    return TEST_RUN("mpsc", TEST_CASE(serves_in_order), TEST_CASE(says_when_to_wake_the_consumer),
                    TEST_CASE(chains_go_in_whole_and_in_order),
                    TEST_CASE(nodes_may_be_used_again_at_once),
                    TEST_CASE(nodes_may_go_to_another_queue), TEST_CASE(producers_keep_their_order),
                    TEST_CASE(typed_queues_return_what_was_put_in),
                    TEST_CASE(is_not_destroyed_while_something_is_inside),
                    TEST_CASE(memory_of_the_caller_is_not_freed),
                    TEST_CASE(survives_exhausted_memory), TEST_CASE(misuse_is_told));
}
