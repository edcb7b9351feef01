/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/mpsc.h under the step harness: producers are lock-free, the consumer wait-free,
 * and no producer, wherever it stands, hides the nodes of others. */

#include "step-queue.h"

#include <weir/mpsc.h>

typedef struct item {
    weir_mpsc_node node;
    uintptr_t value;
} item;

static weir_mpsc mpsc_queue;
static item items[VALUES];

/* The consumer found the queue empty, and nobody was told to wake it since. */
static WEIR_ATOMIC(bool) sleeps;

static void set_sleeps(bool value)
{
    /* relaxed: looked at when all are done. */
    weir_atomic_store(&sleeps, value, WEIR_RELAXED);
}

static bool mpsc_make(void *buffer, size_t bytes, size_t capacity, uint64_t start)
{
    (void)buffer;
    (void)bytes;
    (void)capacity;
    (void)start;
    weir_atomic_init(&sleeps, false);
    weir_mpsc_init(&mpsc_queue);
    return true;
}

static int mpsc_destroy(void)
{
    return weir_mpsc_destroy(&mpsc_queue);
}

static size_t mpsc_put(uintptr_t *values, size_t n)
{
    item *const i = &items[values[0]];

    (void)n;
    i->value = values[0];
    if (weir_mpsc_enqueue(&mpsc_queue, &i->node))
        set_sleeps(false);
    return 1;
}

static size_t mpsc_put_chain(uintptr_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        item *const it = &items[values[i]];

        it->value = values[i];
        it->node.next = i + 1 < n ? &items[values[i + 1]].node : NULL;
    }
    if (weir_mpsc_enqueue_chain(&mpsc_queue, &items[values[0]].node))
        set_sleeps(false);
    return n;
}

static size_t mpsc_take(uintptr_t *values, size_t n)
{
    weir_mpsc_node *const node = weir_mpsc_try_dequeue(&mpsc_queue);

    (void)n;
    set_sleeps(node == NULL);
    if (node == NULL)
        return 0;
    values[0] = ((item *)(void *)node)->value;
    return 1;
}

static size_t mpsc_take_burst(uintptr_t *values, size_t n)
{
    weir_mpsc_node *nodes[MOST];
    const size_t got = weir_mpsc_dequeue_burst(&mpsc_queue, nodes, n);

    set_sleeps(got < n);
    for (size_t i = 0; i < got; i++)
        values[i] = ((item *)(void *)nodes[i])->value;
    return got;
}

static size_t mpsc_holds(uintptr_t *values, size_t n)
{
    (void)values;
    (void)n;
    return !weir_mpsc_empty(&mpsc_queue);
}

/* With one adversary, so that its answers are kept in the order in which they came. */
static void mpsc_check(const trial *t)
{
    /* relaxed: all are done. */
    if (t->operation->what == PUT && !has_two_adversaries(t) &&
        weir_atomic_load(&sleeps, WEIR_RELAXED) && !weir_mpsc_empty(&mpsc_queue))
        weir_step_false("nobody was told to wake a consumer that had found the queue empty");
}

static const face mpsc = {
    .capacities = {4, 3, 0}, /* no bound, but how many are inside */
    .make = mpsc_make,
    .destroy = mpsc_destroy,
    .put = mpsc_put,
    .take = mpsc_take_burst,
    .single = CONSUMER,
    .exact = true,
    .one_more = true, /* then all that is inside has been taken over */
    .check = mpsc_check,
};

/* The consumer takes over at most the nodes that the scripts leave: constant but for those. */
static const operation operations[] = {
    {"mpsc_enqueue", mpsc_put, PRODUCER, PUT, 1, EACH, 0, NULL},
    {"mpsc_try_dequeue", mpsc_take, CONSUMER, TAKE, 1, EACH, 400, NULL},
    {"mpsc_enqueue_chain", mpsc_put_chain, PRODUCER, PUT, 3, AT_ONCE, 0, NULL},
    {"mpsc_dequeue_burst", mpsc_take_burst, CONSUMER, TAKE, 3, EACH, 600, NULL},
    {"mpsc_empty", mpsc_holds, CONSUMER, HOLDS, 0, EACH, 80, NULL},
};

static const script consumer_and_producers[] = {
    {"dequeue", {"d", NULL}, {NULL, NULL}},
    {"R2: dequeue, enqueue it again", {"r", NULL}, {NULL, NULL}},
    {"R4: 8 times enqueue, dequeue", {"edededededededed", NULL}, {NULL, NULL}},
    {"drain, fill, drain", {"dddddeeeddddd", NULL}, {NULL, NULL}},
    {"two producers", {"eee", "eee"}, {NULL, NULL}},
    {"a producer and the consumer", {"eee", "ddd"}, {NULL, NULL}},
};

static const script producers[] = {
    {"enqueue", {"e", NULL}, {NULL, NULL}},
    {"fill", {"eeeee", NULL}, {NULL, NULL}},
    {"two producers", {"eee", "eee"}, {NULL, NULL}},
};

int main(void)
{
    static trial t;
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    weir_step_begin("step-mpsc");
    weir_backoff_wait(&backoff); /* its first call measures */
    SWEEP_SCRIPTS(&t, &mpsc, operations, PRODUCER, consumer_and_producers, WHOLLY);
    SWEEP_SCRIPTS(&t, &mpsc, operations, CONSUMER, producers, WHOLLY);
    SWEEP_MATRIX(&t, &mpsc, operations, SHORTLY);
    return weir_step_end();
}
