/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/queue.h: one stress body for every queue. A flavour describes itself by
 * a queue_face; queue_stress() turns through capacities, starting counters,
 * numbers of producers and consumers, single operations and bursts, and checks:
 *
 *   exactly once  each record that went in came out once, none is left
 *   order         each consumer sees the records of a producer in their order
 *   payload       64 bytes written plainly before enqueue arrive as written
 *   capacity      never more inside than was asked for, and room for all of it
 *   empty, full   "empty" is never said of a queue into which an enqueue has
 *                 returned that nobody took; "full" likewise
 *   leak          every record is back at the end, destroy says so
 *
 * In half of the rounds records are used once, so that nothing but the queue
 * orders a producer and a consumer and ThreadSanitizer sees a missing edge; in
 * the other half few records go round through a free list, from the consumer to
 * whichever producer comes first. */

#ifndef WEIR_STRESS_QUEUE_H
#define WEIR_STRESS_QUEUE_H

#include "stress.h"

#include <errno.h>

typedef struct queue_face {
    const char *name;
    unsigned max_producers; /* 0: any number */
    unsigned max_consumers; /* 0: any number */
    bool bounded;           /* holds exactly what it was made for; else make() ignores capacity */
    bool exact_full;        /* a failed enqueue was true at a moment inside the call */
    bool exact_empty;       /* a failed dequeue likewise */

    /* A queue whose wrapping counters begin at `start`; NULL ends the program. */
    void *(*make)(size_t capacity, uint64_t start);
    /* 0, and the queue is gone; or -EBUSY while something is inside. */
    int (*destroy)(void *queue);

    /* The word is a queue_record's address. */
    bool (*enqueue)(void *queue, uintptr_t word);
    bool (*dequeue)(void *queue, uintptr_t *word);
    /* Up to n, returns how many; both may be NULL. */
    size_t (*enqueue_burst)(void *queue, const uintptr_t *words, size_t n);
    size_t (*dequeue_burst)(void *queue, uintptr_t *words, size_t n);
} queue_face;

enum {
    QUEUE_PAYLOAD_WORDS = 8,
    QUEUE_MAX_BURST = 32,
    QUEUE_FRESH_RECORDS = 1 << 13,  /* a producer's, in rounds that use each once */
    QUEUE_MAX_SEQUENCE = 1 << 17,   /* a producer's, in rounds with a free list */
    QUEUE_PRODUCERS_A_LANE = 8,     /* at most */
    QUEUE_CACHED = QUEUE_MAX_BURST, /* records that a thread keeps to itself, twice */
};

typedef struct queue_record {
    WEIR_ALIGNAS(16) unsigned char link[16]; /* for the node of an intrusive queue */
    struct queue_record *next_free;
    uint64_t lane;
    uint64_t producer;
    uint64_t sequence;
    uint64_t payload[QUEUE_PAYLOAD_WORDS];
    uint64_t checksum;
} queue_record;

/* The record that holds a link; for the faces of intrusive queues. */
static inline queue_record *queue_record_of_link(void *link)
{
    return (queue_record *)(void *)((char *)link - offsetof(queue_record, link));
}

typedef struct queue_round {
    const queue_face *face;
    size_t capacity;
    uint64_t start;
    unsigned producers; /* a lane */
    unsigned consumers;
    unsigned lanes;     /* queues that run beside each other */
    bool recycle;       /* few records, through a free list */
    bool burst;         /* use bursts where there are some */
    bool level;         /* count what is inside */
    bool visible;       /* check what "full" and "empty" claim */
    uint32_t yield_one; /* give the processor away once in so many operations */
    uint64_t salt;
} queue_round;

typedef struct queue_lane {
    stress *s;
    const queue_round *round;
    uint64_t number;
    void *queue;
    queue_record *records;
    size_t record_count;

    /* Completed enqueues less dequeues begun and not failed: never above what is
     * really inside. */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(int64_t) level;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) published; /* enqueues returned */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) taken;     /* dequeues returned */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(unsigned) producing; /* producers at work */
    WEIR_ALIGNAS(WEIR_CACHELINE) pthread_mutex_t lock;
    queue_record *free_list; /* under the lock */
} queue_lane;

typedef struct queue_thread {
    queue_lane *lane;
    unsigned role; /* 0 .. producers - 1, then the consumers */
    stress_rng rng;
    uint64_t count;      /* records sent, or received */
    uint64_t refusals;   /* "full" or "empty" answers */
    queue_record *cache; /* records of this thread */
    unsigned cached;
    uint64_t next[QUEUE_PRODUCERS_A_LANE]; /* least sequence still in order */
    uint64_t *seen;                        /* a consumer's bits: producer by sequence */
} queue_thread;

enum { QUEUE_SEEN_WORDS = QUEUE_MAX_SEQUENCE / 64 }; /* of one producer */

/* ---- records ---- */

static inline uint64_t queue_payload(const queue_round *round, const queue_record *r, unsigned word)
{
    return stress_mix(round->salt + r->lane * 0x10001 + (r->producer << 56) + (r->sequence << 4) +
                      word);
}

static inline void queue_fill(const queue_round *round, queue_record *r)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < QUEUE_PAYLOAD_WORDS; i++) {
        r->payload[i] = queue_payload(round, r, i);
        sum = (sum << 7 | sum >> 57) ^ r->payload[i];
    }
    r->checksum = sum;
}

static inline void queue_describe(const queue_lane *lane, char *text, size_t bytes)
{
    const queue_round *const r = lane->round;

    snprintf(text, bytes, "%s, capacity %zu, start %" PRIu64 ", %uP%uC in %u lanes%s%s%s%s",
             r->face->name, r->capacity, r->start, r->producers, r->consumers, r->lanes,
             r->burst ? ", burst" : "", r->recycle ? ", recycled" : "", r->level ? ", level" : "",
             r->visible ? ", visible" : "");
}

static inline void queue_fail(queue_lane *lane, const char *what, uint64_t a, uint64_t b)
{
    char where[256];

    queue_describe(lane, where, sizeof where);
    stress_fail(lane->s, "%s (%" PRIu64 ", %" PRIu64 ") in %s", what, a, b, where);
}

/* Moves records from the lane's free list to the thread. */
static inline void queue_refill(queue_thread *t, unsigned want)
{
    queue_lane *const lane = t->lane;

    pthread_mutex_lock(&lane->lock);
    while (t->cached < want && lane->free_list != NULL) {
        queue_record *const r = lane->free_list;

        lane->free_list = r->next_free;
        r->next_free = t->cache;
        t->cache = r;
        t->cached++;
    }
    pthread_mutex_unlock(&lane->lock);
}

/* Moves all but `keep` of the thread's records to the lane's free list. */
static inline void queue_give_back(queue_thread *t, unsigned keep)
{
    queue_lane *const lane = t->lane;

    pthread_mutex_lock(&lane->lock);
    while (t->cached > keep) {
        queue_record *const r = t->cache;

        t->cache = r->next_free;
        r->next_free = lane->free_list;
        lane->free_list = r;
        t->cached--;
    }
    pthread_mutex_unlock(&lane->lock);
}

/* ---- a producer ---- */

/* Makes up to n records ready to be sent. */
static inline size_t queue_prepare(queue_thread *t, queue_record **out, size_t n)
{
    queue_lane *const lane = t->lane;
    const queue_round *const round = lane->round;
    size_t got = 0;

    if (round->recycle) {
        if (t->cached < n)
            queue_refill(t, (unsigned)n);
        while (got < n && t->cached > 0) {
            out[got] = t->cache;
            t->cache = t->cache->next_free;
            t->cached--;
            got++;
        }
    } else {
        for (; got < n && t->count + got < QUEUE_FRESH_RECORDS; got++)
            out[got] = &lane->records[t->role * QUEUE_FRESH_RECORDS + t->count + got];
    }
    for (size_t i = 0; i < got; i++) {
        out[i]->lane = lane->number;
        out[i]->producer = t->role;
        out[i]->sequence = t->count + i;
        queue_fill(round, out[i]);
    }
    return got;
}

static inline void queue_produce(queue_thread *t)
{
    queue_lane *const lane = t->lane;
    const queue_round *const round = lane->round;
    const queue_face *const face = round->face;
    const uint64_t limit = round->recycle ? QUEUE_MAX_SEQUENCE : QUEUE_FRESH_RECORDS;
    const bool check_full =
        round->visible && face->exact_full && face->bounded && round->producers == 1;
    queue_record *ready[QUEUE_MAX_BURST];
    size_t have = 0;

    while (!stress_stopping(lane->s) && t->count + QUEUE_MAX_BURST <= limit) {
        uintptr_t words[QUEUE_MAX_BURST];
        uint64_t room = 0;
        size_t sent;

        if (have == 0) {
            const bool many = round->burst && face->enqueue_burst != NULL;

            have = queue_prepare(t, ready, many ? 1 + stress_size(&t->rng, QUEUE_MAX_BURST) : 1);
            if (have == 0) {
                sched_yield();
                continue;
            }
        }
        for (size_t i = 0; i < have; i++)
            words[i] = (uintptr_t)ready[i];
        if (check_full) {
            /* sync(taken): acquire. Meets the consumers' release: what they took
             * has left the queue. */
            const uint64_t inside = t->count - weir_atomic_load(&lane->taken, WEIR_ACQUIRE);

            /* What left and is not counted yet makes `inside` too great. */
            room = inside < round->capacity ? round->capacity - inside : 0;
        }
        if (have > 1)
            sent = face->enqueue_burst(lane->queue, words, have);
        else
            sent = face->enqueue(lane->queue, words[0]) ? 1 : 0;
        if (sent > have)
            queue_fail(lane, "an enqueue returns more than it was given", sent, have);
        if (check_full && sent == 0 && room > 0)
            queue_fail(lane, "full, though there was room", room, t->count);
        if (round->level && sent > 0) {
            /* relaxed: the queue itself orders this after the consumer's
             * subtraction, by the slot that it gave back. */
            const int64_t inside =
                weir_atomic_fetch_add(&lane->level, (int64_t)sent, WEIR_RELAXED) + (int64_t)sent;

            if (face->bounded && inside > (int64_t)round->capacity)
                queue_fail(lane, "more inside than the capacity", (uint64_t)inside, t->count);
        }
        t->count += sent;
        if (round->visible && sent > 0) {
            /* sync(published): release. Meets the consumer's acquire: what it
             * counts is inside. */
            weir_atomic_fetch_add(&lane->published, sent, WEIR_RELEASE);
        }
        have -= sent;
        if (have > 0) {
            memmove(ready, ready + sent, have * sizeof ready[0]);
            t->refusals++;
            if (stress_below(&t->rng, 4) == 0)
                sched_yield();
        }
        stress_maybe_yield(&t->rng, round->yield_one);
    }
    if (round->recycle) {
        while (have > 0) {
            ready[--have]->next_free = t->cache;
            t->cache = ready[have];
            t->cached++;
        }
        queue_give_back(t, 0);
    }
    /* sync(finished): release. Meets the consumers' acquire: all is inside. */
    weir_atomic_fetch_sub(&lane->producing, 1, WEIR_RELEASE);
}

/* ---- a consumer ---- */

static inline void queue_receive(queue_thread *t, uintptr_t word)
{
    queue_lane *const lane = t->lane;
    const queue_round *const round = lane->round;
    const uintptr_t first = (uintptr_t)lane->records;
    queue_record *r;
    uint64_t sum = 0;
    uint64_t *bits;

    if (word < first || (word - first) % sizeof *r != 0 ||
        (word - first) / sizeof *r >= lane->record_count)
        queue_fail(lane, "a word that nobody enqueued", word, t->count);
    r = (queue_record *)word;
    if (r->lane != lane->number || r->producer >= round->producers ||
        r->sequence >= QUEUE_MAX_SEQUENCE)
        queue_fail(lane, "a record that is not on its way", r->producer, r->sequence);
    for (unsigned i = 0; i < QUEUE_PAYLOAD_WORDS; i++) {
        if (r->payload[i] != queue_payload(round, r, i))
            queue_fail(lane, "a payload that is not as it was written", r->producer, r->sequence);
        sum = (sum << 7 | sum >> 57) ^ r->payload[i];
    }
    if (sum != r->checksum)
        queue_fail(lane, "a checksum that is wrong", r->producer, r->sequence);
    bits = t->seen + r->producer * QUEUE_SEEN_WORDS + r->sequence / 64;
    if (*bits >> (r->sequence % 64) & 1)
        queue_fail(lane, "a record came twice to one consumer", r->producer, r->sequence);
    *bits |= UINT64_C(1) << (r->sequence % 64);
    if (r->sequence < t->next[r->producer])
        queue_fail(lane, "out of order for one producer and one consumer", r->producer,
                   r->sequence);
    t->next[r->producer] = r->sequence + 1;
    t->count++;
    if (round->recycle) {
        r->lane = UINT64_MAX;
        memset(r->payload, 0xa5, sizeof r->payload);
        r->next_free = t->cache;
        t->cache = r;
        t->cached++;
    }
}

static inline void queue_consume(queue_thread *t)
{
    queue_lane *const lane = t->lane;
    const queue_round *const round = lane->round;
    const queue_face *const face = round->face;
    const bool check_empty = round->visible && face->exact_empty && round->consumers == 1;

    for (;;) {
        /* sync(finished): acquire. Meets the producers' release: if none is at
         * work, an empty queue stays empty. */
        const bool last = weir_atomic_load(&lane->producing, WEIR_ACQUIRE) == 0;
        const bool many = round->burst && face->dequeue_burst != NULL;
        const size_t want = many ? 1 + stress_size(&t->rng, QUEUE_MAX_BURST) : 1;
        uintptr_t words[QUEUE_MAX_BURST];
        uint64_t waiting = 0;
        size_t got;

        if (check_empty) {
            /* sync(published): acquire. Meets the producers' release: so many
             * enqueues have returned. */
            waiting = weir_atomic_load(&lane->published, WEIR_ACQUIRE) - t->count;
            if ((int64_t)waiting < 0)
                waiting = 0; /* the producer has not counted it yet */
        }
        if (round->level) {
            /* relaxed: see queue_produce(). */
            weir_atomic_fetch_sub(&lane->level, (int64_t)want, WEIR_RELAXED);
        }
        if (want > 1)
            got = face->dequeue_burst(lane->queue, words, want);
        else
            got = face->dequeue(lane->queue, &words[0]) ? 1 : 0;
        if (got > want)
            queue_fail(lane, "a dequeue returns more than was asked for", got, want);
        if (check_empty && got == 0 && waiting > 0)
            queue_fail(lane, "empty, though an enqueue had returned", waiting, t->count);
        if (round->level && got < want) {
            /* relaxed: takes back what was not used. */
            weir_atomic_fetch_add(&lane->level, (int64_t)(want - got), WEIR_RELAXED);
        }
        for (size_t i = 0; i < got; i++)
            queue_receive(t, words[i]);
        if (round->visible && got > 0) {
            /* sync(taken): release. Meets the producer's acquire: so many have
             * left. */
            weir_atomic_fetch_add(&lane->taken, got, WEIR_RELEASE);
        }
        if (got == 0) {
            if (last)
                break;
            t->refusals++;
            if (stress_below(&t->rng, 4) == 0)
                sched_yield();
        }
        if (round->recycle && (t->cached > QUEUE_CACHED || (got == 0 && t->cached > 0)))
            queue_give_back(t, 0);
        stress_maybe_yield(&t->rng, round->yield_one);
    }
    if (round->recycle)
        queue_give_back(t, 0);
}

static inline void queue_thread_body(void *argument)
{
    queue_thread *const t = (queue_thread *)argument;

    if (t->role < t->lane->round->producers)
        queue_produce(t);
    else
        queue_consume(t);
}

/* ---- a round ---- */

typedef struct queue_totals {
    uint64_t rounds;
    uint64_t records;
    uint64_t fulls;
    uint64_t empties;
} queue_totals;

/* What the round had, once all its threads have returned. */
static inline void queue_check_ledger(queue_lane *lane, const queue_thread *threads)
{
    const queue_round *const round = lane->round;

    for (unsigned p = 0; p < round->producers; p++) {
        for (uint64_t base = 0; base < QUEUE_MAX_SEQUENCE; base += 64) {
            const uint64_t sent = threads[p].count;
            uint64_t want = 0;
            uint64_t all = 0;

            if (base < sent)
                want = sent - base >= 64 ? UINT64_MAX : (UINT64_C(1) << (sent - base)) - 1;
            for (unsigned c = 0; c < round->consumers; c++) {
                const uint64_t *const seen = threads[round->producers + c].seen;
                const uint64_t bits = seen[p * QUEUE_SEEN_WORDS + base / 64];

                if ((all & bits) != 0)
                    queue_fail(lane, "a record came to two consumers", p, base);
                all |= bits;
            }
            if ((want & ~all) != 0)
                queue_fail(lane, "a record is lost", p,
                           base + (uint64_t)__builtin_ctzll(want & ~all));
            if ((all & ~want) != 0)
                queue_fail(lane, "a record came that was never sent", p, base);
        }
    }
    if (round->recycle) {
        size_t back = 0;

        for (const queue_record *r = lane->free_list; r != NULL && back <= lane->record_count;
             r = r->next_free)
            back++;
        if (back != lane->record_count)
            queue_fail(lane, "records leaked", back, lane->record_count);
    }
}

/* Alone with the queue: it is empty, holds exactly its capacity, is a FIFO, and
 * is destroyed only when empty. */
static inline void queue_check_at_rest(queue_lane *lane)
{
    const queue_round *const round = lane->round;
    const queue_face *const face = round->face;
    const size_t fill = face->bounded ? round->capacity : 3;
    uintptr_t word;
    int status;

    if (face->dequeue(lane->queue, &word))
        queue_fail(lane, "not empty after the last consumer saw it empty", 0, 0);
    for (size_t i = 0; i < fill; i++) {
        if (!face->enqueue(lane->queue, (uintptr_t)&lane->records[i % lane->record_count]))
            queue_fail(lane, "full below its capacity", i, fill);
        if (!face->bounded && i + 1 == lane->record_count)
            break; /* a node can be inside once */
    }
    if (face->bounded && face->enqueue(lane->queue, (uintptr_t)lane->records))
        queue_fail(lane, "not full at its capacity", fill, fill);
    status = face->destroy(lane->queue);
    if (status != -EBUSY)
        queue_fail(lane, "destroy of a queue in use does not say -EBUSY", (uint64_t)-status, 0);
    for (size_t i = 0; i < fill; i++) {
        if (!face->dequeue(lane->queue, &word))
            queue_fail(lane, "empty with records inside", i, fill);
        if (word != (uintptr_t)&lane->records[i % lane->record_count])
            queue_fail(lane, "out of order at rest", i, fill);
        if (!face->bounded && i + 1 == lane->record_count)
            break;
    }
    if (face->dequeue(lane->queue, &word))
        queue_fail(lane, "a dequeue from an empty queue", 0, 0);
    status = face->destroy(lane->queue);
    if (status != 0)
        queue_fail(lane, "destroy of an empty queue fails", (uint64_t)-status, 0);
}

static inline void *queue_memory(stress *s, size_t count, size_t size)
{
    void *pointer = NULL;

    if (posix_memalign(&pointer, WEIR_CACHELINE, count * size) != 0)
        stress_fail(s, "no memory for %zu bytes", count * size);
    memset(pointer, 0, count * size);
    return pointer;
}

static inline void queue_round_run(stress *s, const queue_round *round, uint64_t ns,
                                   stress_rng *rng, queue_totals *totals)
{
    const unsigned a_lane = round->producers + round->consumers;
    const unsigned count = a_lane * round->lanes;
    const size_t records = round->recycle
                               ? (stress_below(rng, 2) ? 2 : round->capacity + 2 * QUEUE_CACHED)
                               : (size_t)round->producers * QUEUE_FRESH_RECORDS;
    const size_t seen_words = (size_t)round->producers * QUEUE_SEEN_WORDS;
    queue_lane *const lanes = (queue_lane *)queue_memory(s, round->lanes, sizeof *lanes);
    queue_thread *const threads = (queue_thread *)queue_memory(s, count, sizeof *threads);

    for (unsigned l = 0; l < round->lanes; l++) {
        queue_lane *const lane = &lanes[l];

        lane->s = s;
        lane->round = round;
        lane->number = l;
        lane->queue = round->face->make(round->capacity, round->start);
        if (lane->queue == NULL)
            queue_fail(lane, "no queue was made", 0, 0);
        lane->records = (queue_record *)queue_memory(s, records, sizeof *lane->records);
        lane->record_count = records;
        weir_atomic_init(&lane->producing, round->producers);
        pthread_mutex_init(&lane->lock, NULL);
        for (size_t i = 0; round->recycle && i < records; i++) {
            lane->records[i].next_free = lane->free_list;
            lane->free_list = &lane->records[i];
        }
        for (unsigned i = 0; i < a_lane; i++) {
            queue_thread *const t = &threads[l * a_lane + i];

            t->lane = lane;
            t->role = i;
            t->rng = stress_rng_make(round->salt, l * a_lane + i);
            if (i >= round->producers)
                t->seen = (uint64_t *)queue_memory(s, seen_words, sizeof *t->seen);
        }
    }
    stress_run(s, count, queue_thread_body, threads, sizeof *threads, ns);
    for (unsigned l = 0; l < round->lanes; l++) {
        queue_lane *const lane = &lanes[l];

        queue_check_ledger(lane, &threads[l * a_lane]);
        queue_check_at_rest(lane);
        for (unsigned i = 0; i < a_lane; i++) {
            const queue_thread *const t = &threads[l * a_lane + i];

            if (i < round->producers) {
                totals->records += t->count;
                totals->fulls += t->refusals;
            } else {
                totals->empties += t->refusals;
            }
            free(t->seen);
        }
        pthread_mutex_destroy(&lane->lock);
        free(lane->records);
    }
    free(threads);
    free(lanes);
    totals->rounds++;
}

/* ---- the matrix ---- */

/* Round number `i`: capacities and starts go round first, so that 20 rounds of a
 * face have seen each capacity with each kind of start; the rest is drawn. */
static inline queue_round queue_round_draw(const stress *s, const queue_face *faces, size_t count,
                                           uint64_t i, stress_rng *rng)
{
    static const size_t capacities[] = {1, 2, 3, 1000, 1024};
    static const unsigned splits[][2] = {{1, 1}, {2, 2}, {4, 4}, {3, 1}, {1, 3}, {2, 1}, {8, 8}};
    const size_t kinds = sizeof capacities / sizeof capacities[0];
    queue_round r;

    memset(&r, 0, sizeof r);
    r.face = &faces[i % count];
    i /= count;
    r.capacity = capacities[i % kinds];
    switch (i / kinds % 4) {
    case 0: /* wraps at the first operation */
        r.start = UINT64_MAX;
        break;
    case 1:
        r.start = 0;
        break;
    case 2: /* wraps within the first laps */
        r.start = UINT64_MAX - stress_below(rng, 3 * r.capacity + 3);
        break;
    default:
        r.start = UINT64_MAX - 4096 - stress_below(rng, 10000);
        break;
    }
    {
        const unsigned *const split = splits[stress_below(rng, sizeof splits / sizeof splits[0])];

        r.producers = split[0];
        r.consumers = split[1];
    }
    if (r.face->max_producers != 0 && r.producers > r.face->max_producers)
        r.producers = r.face->max_producers;
    if (r.face->max_consumers != 0 && r.consumers > r.face->max_consumers)
        r.consumers = r.face->max_consumers;
    while (r.producers + r.consumers > s->threads && r.producers + r.consumers > 2) {
        if (r.producers >= r.consumers)
            r.producers--;
        else
            r.consumers--;
    }
    r.lanes = s->threads / (r.producers + r.consumers);
    if (r.lanes == 0)
        r.lanes = 1;
    if (stress_below(rng, 3) == 0)
        r.lanes = 1; /* as many threads as processors, or fewer: other interleavings */
    r.recycle = stress_below(rng, 2) == 0;
    r.burst = stress_below(rng, 2) == 0;
    /* Both count on shared lines, and "visible" orders what the queue should:
     * most rounds do without. */
    r.level = stress_below(rng, 3) == 0;
    r.visible = stress_below(rng, 4) == 0;
    r.yield_one = (uint32_t[]){0, 0, 256, 16}[stress_below(rng, 4)];
    r.salt = stress_random(rng);
    return r;
}

/* The whole program of a flavour with `count` faces. Returns: the exit status. */
static inline int queue_stress(const char *name, int argc, char **argv, const queue_face *faces,
                               size_t count)
{
    queue_totals totals = {0, 0, 0, 0};
    stress s;
    stress_rng rng;
    uint64_t ns;

    stress_begin(&s, name, argc, argv);
    rng = stress_rng_make(s.seed, 0);
    /* Short rounds in a short run, so that the matrix is seen. */
    ns = (uint64_t)(s.seconds * 1e9 / 60 / (double)count);
    ns = ns < 2000000 ? 2000000 : ns > 50000000 ? 50000000 : ns;
    do {
        const queue_round round = queue_round_draw(&s, faces, count, totals.rounds, &rng);

        queue_round_run(&s, &round, ns, &rng, &totals);
    } while (stress_goes_on(&s, "%" PRIu64 " rounds, %" PRIu64 " records", totals.rounds,
                            totals.records));
    return stress_end(&s,
                      "%" PRIu64 " rounds, %" PRIu64 " records, %" PRIu64 " times full, %" PRIu64
                      " times empty; none lost, none twice, all in order",
                      totals.rounds, totals.records, totals.fulls, totals.empties);
}

#endif /* WEIR_STRESS_QUEUE_H */
