/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/loop_async.c: what other threads send to by a reference that may be stale.
 *
 * A reference names a slot and a generation. Slots are never given back to the allocator, so that
 * a look at one is always good; the word of a slot says which generation it is of, whether a send
 * is under way, and whether it is being closed:
 *
 *     generation                      open       send -> PENDING, and posts the slot's job
 *     generation | PENDING            rung       arrival -> open, and calls
 *     generation | CLOSING            closing    the CLOSE phase -> the next generation, free
 *     generation | CLOSING | PENDING  the same, but the job has not come yet
 *
 * Only who has set PENDING touches the loop; it ends when the job has come, and the loop cannot end
 * before. */

#include "loop.h"

#include <errno.h>

enum { PENDING = 1, CLOSING = 2, GENERATION = 4 };

typedef struct weir__async_slot {
    WEIR_ATOMIC(uint64_t) word;
    weir_job job; /* in a queue of the loop, if PENDING or CLOSING */
    weir_loop *loop;
    weir_async *async;
    struct weir__async_slot *next; /* that is free */
} slot;

/* Of loops that are gone. */
static WEIR_ATOMIC(slot *) spare;

static slot *slot_of(weir_job *job)
{
    return (slot *)(void *)((char *)job - offsetof(slot, job));
}

/* ---- slots ---- */

static slot *take_slot(weir_loop *loop)
{
    slot *taken = loop->free_async;

    if (taken == NULL)
        /* sync(opened): acquire. Pairs with weir__loop_spare_asyncs(); the slots. */
        taken = weir_atomic_exchange(&spare, NULL, WEIR_ACQUIRE);
    if (taken != NULL) {
        loop->free_async = taken->next;
        return taken;
    }
    taken = (slot *)weir_alloc(sizeof *taken, sizeof(uint64_t));
    if (taken != NULL)
        weir_atomic_init(&taken->word, GENERATION);
    return taken;
}

void weir__loop_spare_asyncs(weir_loop *loop)
{
    slot *first = loop->free_async, *last = first, *head;

    if (first == NULL)
        return;
    while (last->next != NULL)
        last = last->next;
    head = weir_atomic_load(&spare, WEIR_RELAXED); /* relaxed: only compared. */
    do
        last->next = head;
    /* sync(opened): release. Pairs with the exchange in take_slot(); the slots. relaxed on failure:
     * as above. */
    while (!weir_atomic_cas(&spare, &head, first, WEIR_RELEASE, WEIR_RELAXED));
}

/* ---- life ---- */

/* Gives the slot back: references to it are stale from now on. */
static void drop_slot(weir_async *async, uint64_t word)
{
    slot *const self = async->slot;
    weir_loop *const loop = self->loop;

    /* relaxed: the loop's thread alone changes a word that is closing and not pending. */
    weir_atomic_store(&self->word, (word / GENERATION + 1) * GENERATION, WEIR_RELAXED);
    self->next = loop->free_async;
    loop->free_async = self;
    weir__loop_drop(loop, async->background);
    async->slot = NULL;
}

void weir__async_abandon(weir_async *async)
{
    /* relaxed: nobody has sent, or could. */
    drop_slot(async, weir_atomic_load(&async->slot->word, WEIR_RELAXED));
}

/* In the CLOSE phase. */
static int finish(weir_job *job)
{
    slot *const self = slot_of(job);
    weir_loop *const loop = self->loop;
    weir_async *const async = self->async;

    drop_slot(async, weir_atomic_load(&self->word, WEIR_RELAXED)); /* relaxed: as in there. */
    if (async->closed == NULL)
        return 0;
    if (WEIR_UNLIKELY(loop->options.slow_ns != 0))
        weir__loop_watch_begin(loop, "close", (void (*)(void))async->closed);
    async->closed(async);
    return 0;
}

static void finish_later(slot *self)
{
    weir_job_init(&self->job, finish);
    weir_loop_defer(self->loop, &self->job, WEIR_LOOP_CLOSE);
}

/* What was sent has come. */
static int arrive(weir_job *job)
{
    slot *const self = slot_of(job);
    /* sync(rung): acquire. Pairs with weir_async_send(); what was before each send that this
     * one stands for. sync(arrived): release. Pairs with weir_async_send(); the loop touches the
     * job no more. */
    const uint64_t word = weir_atomic_fetch_sub(&self->word, PENDING, WEIR_ACQ_REL);

    if ((word & CLOSING) != 0) {
        finish_later(self);
        return 0;
    }
    if (WEIR_UNLIKELY(self->loop->options.slow_ns != 0))
        weir__loop_watch_begin(self->loop, "async", (void (*)(void))self->async->call);
    self->async->call(self->async);
    return 0;
}

int weir_async_init(weir_async *async, weir_loop *loop, void (*call)(weir_async *async),
                    bool background)
{
    slot *taken;

    WEIR_REQUIRE(call != NULL, "an async without a function");
    taken = take_slot(loop);
    if (taken == NULL)
        return -ENOMEM;
    taken->loop = loop;
    taken->async = async;
    weir_job_init(&taken->job, arrive);
    async->loop = loop;
    async->call = call;
    async->closed = NULL;
    async->slot = taken;
    async->background = background;
    weir__loop_add(loop, background);
    return 0;
}

weir_async_ref weir_async_reference(const weir_async *async)
{
    weir_async_ref to = {async->slot, 0};

    if (async->slot != NULL)
        /* relaxed: of an open slot the loop's thread alone changes the generation. */
        to.generation = weir_atomic_load(&async->slot->word, WEIR_RELAXED) / GENERATION;
    return to;
}

int weir_async_close(weir_async *async, void (*closed)(weir_async *async))
{
    uint64_t word;

    if (async->slot == NULL)
        return -EALREADY;
    /* relaxed: it carries nothing; a send that comes later is refused by what it finds. */
    word = weir_atomic_fetch_or(&async->slot->word, CLOSING, WEIR_RELAXED);
    if ((word & CLOSING) != 0)
        return -EALREADY;
    async->closed = closed;
    if ((word & PENDING) == 0)
        finish_later(async->slot);
    return 0;
}

/* ---- from any thread ---- */

int weir_async_send(weir_async_ref to)
{
    uint64_t word;

    if (to.slot == NULL)
        return -ESTALE;
    word = weir_atomic_load(&to.slot->word, WEIR_RELAXED); /* relaxed: a guess. */
    do {
        if (word / GENERATION != to.generation || (word & CLOSING) != 0)
            return -ESTALE;
        /* sync(rung): release. Pairs with the subtraction in arrive(); what was before this send,
         * also if another one is under way. sync(arrived): acquire. Pairs with arrive(); the job.
         * relaxed on failure: as above. */
    } while (!weir_atomic_cas(&to.slot->word, &word, word | PENDING, WEIR_ACQ_REL, WEIR_RELAXED));
    if ((word & PENDING) == 0)
        weir__loop_push(to.slot->loop, &to.slot->job);
    return 0;
}
