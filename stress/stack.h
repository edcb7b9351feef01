/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/stack.h: one stress body for every kind of stack, which describes itself by a face.
 * A few records go in and out, singly, in chains and all at once, each pushed again at once by
 * whoever has it:
 *
 *   exactly once  a record that comes out has no other owner; at the end all are there
 *   payload       64 bytes written plainly before a push arrive as written
 *   nothing lost  the records' versions add up to what the threads took out
 *   empty         never said to a thread that has pushed one more than it has popped */

#ifndef WEIR_STRESS_STACK_H
#define WEIR_STRESS_STACK_H

#include "stress.h"

#include <errno.h>
#include <signal.h>

enum { MOST = 64, PAYLOAD_WORDS = 8, KEPT = 8 };

typedef struct record {
    WEIR_ALIGNAS(16) unsigned char link[16]; /* for the node of an intrusive stack */
    WEIR_ATOMIC(uint32_t) owner;             /* 0: nobody, or the stack */
    uint32_t number;
    uint64_t version; /* times that it came out */
    uint64_t payload[PAYLOAD_WORDS];
    uint64_t checksum;
} record;

/* A kind of stack. `local` is what one thread needs for it. */
typedef struct face {
    const char *name;
    bool broken; /* on purpose */
    void *(*make)(record *records, size_t count, uint64_t start);
    int (*destroy)(void *stack);
    /* Chains are given and returned as arrays, uppermost first. */
    void (*push)(void *stack, record *const *records, size_t n);
    record *(*pop)(void *stack);
    size_t (*pop_all)(void *stack, record **records, size_t most);
} face;

typedef enum kind {
    MIX,   /* everything */
    PAIRS, /* push, then pop: never empty */
    ALL,   /* mostly pop_all and chains */
    KINDS
} kind;

typedef struct round_state {
    stress *s;
    const face *face;
    void *stack;
    record *records;
    size_t count;
    uint64_t start;
    kind kind;
    unsigned threads;
    bool bare; /* leave the payload alone: more of the time is spent in the stack */
    bool prod; /* one of the threads interrupts the others, wherever they are */
    uint32_t yield_one;
    WEIR_ATOMIC(const char *) fault; /* the first one */
} round_state;

typedef struct worker {
    WEIR_ALIGNAS(WEIR_CACHELINE) round_state *round;
    uint32_t me; /* from 1 */
    stress_rng rng;
    record *kept[KEPT];
    size_t keeps;
    uint64_t taken, empties;
    pthread_t id;
    WEIR_ATOMIC(bool) works; /* `id` is there */
} worker;

static worker workers[STRESS_MAX_THREADS];

/* ---- the ledger ---- */

static bool faulty(round_state *r)
{
    /* relaxed: says when to stop; the join orders the rest. */
    return weir_atomic_load(&r->fault, WEIR_RELAXED) != NULL;
}

static bool fault(round_state *r, const char *sentence)
{
    const char *none = NULL;

    /* relaxed: as above. */
    (void)weir_atomic_cas(&r->fault, &none, sentence, WEIR_RELAXED, WEIR_RELAXED);
    return false;
}

static uint64_t write_payload(record *r)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < PAYLOAD_WORDS; i++) {
        r->payload[i] = stress_mix(r->version * 0x10001 + ((uint64_t)r->number << 56) + i);
        sum = (sum << 7 | sum >> 57) ^ r->payload[i];
    }
    return sum;
}

static uint64_t sum_payload(const record *r)
{
    uint64_t sum = 0;

    for (int i = 0; i < PAYLOAD_WORDS; i++)
        sum = (sum << 7 | sum >> 57) ^ r->payload[i];
    return sum;
}

/* A record has come to `w`. Returns: whether that is right. */
static bool receive(worker *w, record *r)
{
    /* relaxed: a mark that is there or not; the stack is to order the rest. */
    if (weir_atomic_exchange(&r->owner, w->me, WEIR_RELAXED) != 0)
        return fault(w->round, "a record came to two threads");
    w->taken++;
    /* A broken stack may give it to two threads one after the other, with nothing in between. */
    if (w->round->face->broken)
        return true;
    r->version++;
    if (w->round->bare)
        return true;
    if (sum_payload(r) != r->checksum)
        return fault(w->round, "a record's payload is not as it was written");
    r->checksum = write_payload(r);
    return true;
}

static bool give(worker *w, record *const *records, size_t n)
{
    for (size_t i = 0; i < n; i++)
        /* relaxed: as in receive(). */
        if (weir_atomic_exchange(&records[i]->owner, 0, WEIR_RELAXED) != w->me)
            return fault(w->round, "a record came to another thread while it was held");
    w->round->face->push(w->round->stack, records, n);
    return true;
}

/* ---- a thread ---- */

static bool pop_one(worker *w)
{
    record *const r = w->round->face->pop(w->round->stack);

    if (r == NULL) {
        w->empties++;
        if (w->round->kind == PAIRS)
            return fault(w->round, "empty, with a record of this thread inside");
        return true;
    }
    if (!receive(w, r))
        return false;
    w->kept[w->keeps++] = r;
    return true;
}

/* From the end of what the thread keeps, in one chain. */
static bool push_some(worker *w, size_t n)
{
    w->keeps -= n;
    return give(w, &w->kept[w->keeps], n);
}

static bool pop_all(worker *w)
{
    record *records[MOST];
    const size_t n = w->round->face->pop_all(w->round->stack, records, w->round->count);

    if (n > w->round->count)
        return fault(w->round, "a chain is longer than there are records");
    for (size_t i = 0; i < n; i++)
        if (!receive(w, records[i]))
            return false;
    for (size_t at = 0; at < n;) {
        const size_t length = 1 + stress_size(&w->rng, n - at);

        if (!give(w, &records[at], length))
            return false;
        at += length;
    }
    return true;
}

static bool one_step(worker *w)
{
    const uint64_t dice = stress_below(&w->rng, 16);

    switch (w->round->kind) {
    case PAIRS:
        return w->keeps > 0 ? push_some(w, 1) && pop_one(w) : pop_one(w);
    case ALL:
        if (dice < 8)
            return pop_all(w);
        break;
    default:
        if (dice < 1)
            return pop_all(w);
        break;
    }
    if (w->keeps == 0 || (dice % 2 == 0 && w->keeps < KEPT))
        return pop_one(w);
    return push_some(w, 1 + stress_size(&w->rng, w->keeps));
}

/* Where it hits, in the middle of an operation for instance, the thread stands still. */
static void stand_still(int signal_number)
{
    (void)signal_number;
    for (int i = 0; i < 8; i++)
        sched_yield();
}

/* The threads that it hits have begun, and are not joined before this one has ended. */
static void prod_others(worker *self)
{
    round_state *const round = self->round;

    while (!stress_stopping(round->s) && !faulty(round)) {
        worker *const w = &workers[stress_below(&self->rng, round->threads)];

        /* sync(works): acquire. Pairs with the store in work(); `id`. */
        if (w != self && weir_atomic_load(&w->works, WEIR_ACQUIRE))
            (void)pthread_kill(w->id, SIGUSR1);
        stress_maybe_yield(&self->rng, 64);
    }
}

static void work(void *argument)
{
    worker *const w = (worker *)argument;
    round_state *const round = w->round;

    w->id = pthread_self();
    /* sync(works): release. Pairs with the load in prod_others(). */
    weir_atomic_store(&w->works, true, WEIR_RELEASE);
    if (round->prod && w == &workers[0])
        prod_others(w);
    while (!stress_stopping(round->s) && !faulty(round)) {
        if (!one_step(w))
            return;
        stress_maybe_yield(&w->rng, round->yield_one);
    }
    if (w->keeps > 0 && !faulty(round))
        (void)push_some(w, w->keeps);
}

/* ---- a round ---- */

/* Alone again. Returns: whether all is there. */
static bool settle(round_state *round)
{
    const face *const f = round->face;
    uint64_t versions = 0, taken = 0;
    record *got[MOST], *three[3];
    size_t n = 0;

    for (;;) {
        record *const r = f->pop(round->stack);

        if (r == NULL)
            break;
        if (n == round->count)
            return fault(round, "more records come out than there are");
        /* relaxed: the threads have ended. */
        if (weir_atomic_exchange(&r->owner, UINT32_MAX, WEIR_RELAXED) != 0)
            return fault(round, "a record is inside twice, or held by a thread");
        got[n++] = r;
    }
    if (n != round->count)
        return fault(round, "a record is lost");
    for (size_t i = 0; i < round->count; i++)
        versions += round->records[i].version;
    for (unsigned i = 0; i < round->threads; i++)
        taken += workers[i].taken;
    if (versions != taken && !f->broken)
        return fault(round, "versions do not add up to what was taken");
    /* The order, and what destroy says. */
    if (n >= 3) {
        f->push(round->stack, got, 3);
        if (!f->broken && f->destroy(round->stack) != -EBUSY)
            return fault(round, "destroy of a stack in use does not say -EBUSY");
        for (int i = 0; i < 3; i++)
            three[i] = f->pop(round->stack);
        if (memcmp(three, got, sizeof three) != 0)
            return fault(round, "a chain does not come out in its order");
    }
    if (f->destroy(round->stack) != 0)
        return fault(round, "destroy of an empty stack fails");
    return true;
}

typedef struct totals {
    uint64_t rounds, taken, empties;
} totals;

/* Returns: what the ledger found, or NULL. */
static const char *run_round(round_state *round, stress_rng *rng, uint64_t ns, totals *sums)
{
    record *only[1];

    weir_atomic_init(&round->fault, NULL);
    round->records = (record *)aligned_alloc(WEIR_CACHELINE, MOST * sizeof *round->records);
    if (round->records == NULL)
        stress_fail(round->s, "no memory");
    memset((void *)round->records, 0, MOST * sizeof *round->records);
    round->stack = round->face->make(round->records, round->count, round->start);
    if (round->stack == NULL)
        stress_fail(round->s, "no stack was made");
    for (size_t i = 0; i < round->count; i++) {
        round->records[i].number = (uint32_t)i;
        round->records[i].checksum = write_payload(&round->records[i]);
        only[0] = &round->records[i];
        round->face->push(round->stack, only, 1);
    }
    for (unsigned i = 0; i < round->threads; i++) {
        memset((void *)&workers[i], 0, sizeof workers[i]);
        workers[i].round = round;
        workers[i].me = i + 1;
        workers[i].rng = stress_rng_make(stress_random(rng), i);
        /* In pairs each thread begins with a record of its own. */
        if (round->kind == PAIRS && !pop_one(&workers[i]))
            break;
    }
    stress_run(round->s, round->threads, work, workers, sizeof workers[0], ns);
    if (!faulty(round))
        (void)settle(round);
    for (unsigned i = 0; i < round->threads; i++) {
        sums->taken += workers[i].taken;
        sums->empties += workers[i].empties;
    }
    sums->rounds++;
    if (faulty(round) && round->face->broken)
        (void)round->face->destroy(round->stack);
    free(round->records);
    /* relaxed: the threads have ended. */
    return weir_atomic_load(&round->fault, WEIR_RELAXED);
}

/* ---- the matrix ---- */

static void draw_round(round_state *round, const face *f, uint64_t i, stress_rng *rng)
{
    static const size_t counts[] = {1, 2, 3, 16, MOST};
    static const uint32_t yields[] = {0, 0, 256, 16};

    round->face = f;
    round->kind = (kind)(i % KINDS);
    round->count = counts[i / KINDS % (sizeof counts / sizeof counts[0])];
    round->start = stress_below(rng, 2) == 0 ? 0 : UINT64_MAX - stress_below(rng, 2000);
    round->threads = 2 + (unsigned)stress_below(rng, round->s->threads);
    if (round->threads > round->s->threads)
        round->threads = round->s->threads;
    if (round->kind == PAIRS && round->threads > round->count)
        round->threads = (unsigned)round->count;
    round->bare = stress_below(rng, 2) == 0;
    round->prod = round->threads > 2 && stress_below(rng, 2) == 0;
    round->yield_one = yields[stress_below(rng, 4)];
}

#endif /* WEIR_STRESS_STACK_H */
