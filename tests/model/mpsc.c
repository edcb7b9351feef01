/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/mpsc.c: weir/mpsc.h in the model checker. */

#include "fifo.h"

#include <weir/mpsc.h>

/* From malloc() by the enqueue, to free() by the dequeue: whoever looked at it later is caught. */
typedef struct letter {
    uintptr_t value;
    weir_mpsc_node node;
} letter;

WEIR_MPSC_DEFINE(mailbox, letter, node);

enum { FREED, PASSED_ON };
static const char *const flavours[] = {"", ", nodes come again"};

static mailbox *box;

/* PASSED_ON: the node that a thread has dequeued, for its next enqueue. */
static letter *kept[FIFO_THREADS];

static void make(const fifo_case *c)
{
    weir_mpsc *made;

    (void)c;
    weir_check_assert(weir_mpsc_new(&made) == 0);
    box = (mailbox *)(void *)made;
    memset((void *)kept, 0, sizeof kept);
}

static void end(const fifo_case *c)
{
    (void)c;
    for (unsigned thread = 0; thread < FIFO_THREADS; thread++)
        free(kept[thread]);
    weir_check_assert(weir_mpsc_free(&box->queue) == 0);
}

static letter *write_letter(unsigned thread, uintptr_t value)
{
    letter *l = kept[thread];

    kept[thread] = NULL;
    if (l == NULL)
        l = (letter *)malloc(sizeof *l);
    weir_check_assert(l != NULL);
    l->value = value;
    return l;
}

static bool put(unsigned thread, uintptr_t value)
{
    (void)mailbox_enqueue(box, write_letter(thread, value));
    return true;
}

static bool put_bulk(unsigned thread, const uintptr_t *values, size_t n)
{
    letter *const first = write_letter(thread, values[0]);
    letter *const second = write_letter(thread, values[1]);

    weir_check_assert(n == 2);
    first->node.next = &second->node;
    second->node.next = NULL;
    (void)weir_mpsc_enqueue_chain(&box->queue, &first->node);
    return true;
}

static void open_letter(unsigned thread, letter *l, uintptr_t *value)
{
    *value = l->value;
    if (fifo_now->flavour == PASSED_ON && kept[thread] == NULL)
        kept[thread] = l;
    else
        free(l);
}

static bool take(unsigned thread, uintptr_t *value)
{
    letter *const l = mailbox_try_dequeue(box);

    if (l == NULL)
        return false;
    open_letter(thread, l, value);
    return true;
}

static size_t take_burst(unsigned thread, uintptr_t *values, size_t n)
{
    weir_mpsc_node *nodes[FIFO_BUNCH];
    const size_t got = weir_mpsc_dequeue_burst(&box->queue, nodes, n);

    for (size_t i = 0; i < got; i++)
        open_letter(thread, (letter *)(void *)((char *)nodes[i] - offsetof(letter, node)),
                    &values[i]);
    return got;
}

static const fifo_face face = {
    .make = make,
    .end = end,
    .put = put,
    .take = take,
    .take_burst = take_burst,
    .put_bulk = put_bulk,
    .flavours = flavours,
};

#define LOCK_FREE .options.progress = WEIR_CHECK_LOCK_FREE

static const fifo_case cases[] = {
    {.does = {"", "e", "d"}},
    {.does = {"", "e", "e"}},
    {.does = {"", "ee", "dd"}},
    {.does = {"", "ee", "ddd"}},
    {.does = {"", "e", "e", "d"}},
    {.does = {"", "e", "e", "dd"}},
    {.does = {"e", "ee", "dd"}},
    {.does = {"", "B", "d"}},
    {.does = {"", "B", "e", "dd"}},
    {.does = {"", "Be", "D"}},
    {.does = {"", "e", "e", "D"}},
    {.does = {"", "ee", "e", "ddd"}, .deep = true},
    {.does = {"", "ee", "ee", "dd"}, .deep = true},
    {.does = {"", "ee", "w"}},
    /* The consumer enqueues a node that it has just taken. */
    {.does = {"", "e", "de"}, .flavour = PASSED_ON},
    {.does = {"e", "e", "ded"}, .flavour = PASSED_ON},
    {.does = {"ee", "e", "dede"}, .flavour = PASSED_ON},
    /* Nobody is held up by a producer that stands still, and the consumer by nothing. */
    {.does = {"", "e", "e"}, LOCK_FREE},
    {.does = {"", "e", "dd"}, LOCK_FREE},
    {.does = {"e", "e", "e", "w"}, LOCK_FREE},
    {.does = {"", "ee", "dd"}, .options = {.progress = WEIR_CHECK_WAIT_FREE, .steps = 4}},
};

int main(int argc, char **argv)
{
    return fifo_main("mpsc", cases, sizeof cases / sizeof cases[0], argc, argv);
}
