/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/umpmc.c: the unbounded queue, with each scheme of reclamation, segments of one slot, of
 * two and of many, under the body that every queue shares; and:
 *
 *   churn    short threads come and go while the queue lives: nothing is lost, memory stays as it
 *            is (peer bug R30: moodycamel e4245f8, 1752d7b)
 *   orphans  the queue and its domain go first, the threads that used them end later (R30:
 *            moodycamel 3e72a15)
 *
 * Released memory is overwritten, so that a segment that is freed too early is noticed without a
 * sanitizer too; what was allocated is counted, so that nothing leaks. With --seconds 30 or more,
 * churn goes on until a million threads have come and gone. */

#include "memory.h"
#include "queue.h"

#include <weir/umpmc.h>

enum { BATCH = 64, LONG_CHURN = 1000000, EACH = 3 };

/* ---- the queue with its domain ---- */

typedef struct house {
    weir_umpmc queue;
    weir_guard *domain;
} house;

static weir_guard_record *me(house *h)
{
    weir_guard_record *const record = weir_guard_self(h->domain);

    WEIR_REQUIRE(record != NULL, "no memory for a record");
    return record;
}

static house *make(weir_guard_scheme scheme, size_t slots, bool fenced)
{
    static WEIR_ATOMIC(unsigned) made;
    static const size_t batches[] = {1, 3, 16, 0};
    house *const h = (house *)weir_alloc(sizeof *h, WEIR_CACHELINE);
    weir_reclaim_options options;

    memset(&options, 0, sizeof options);
    options.fenced = fenced;
    /* relaxed: only has to go round. */
    options.batch_objects = batches[weir_atomic_fetch_add(&made, 1, WEIR_RELAXED) % 4];
    if (h == NULL || weir_guard_new(&h->domain, scheme, &options) != 0 ||
        weir_umpmc_init(&h->queue, h->domain, slots) != 0)
        return NULL;
    return h;
}

static int destroy(void *queue)
{
    house *const h = (house *)queue;
    const int status = weir_umpmc_destroy(&h->queue);

    if (status != 0)
        return status;
    WEIR_REQUIRE(weir_guard_free(h->domain) == 0, "a reader was left inside");
    weir_release((void *)h, sizeof *h);
    return 0;
}

static bool enqueue(void *queue, uintptr_t word)
{
    house *const h = (house *)queue;

    return weir_umpmc_enqueue(&h->queue, me(h), word) == 0;
}

static bool dequeue(void *queue, uintptr_t *word)
{
    house *const h = (house *)queue;

    return weir_umpmc_try_dequeue(&h->queue, me(h), word);
}

static size_t dequeue_burst(void *queue, uintptr_t *words, size_t n)
{
    house *const h = (house *)queue;

    return weir_umpmc_dequeue_burst(&h->queue, me(h), words, n);
}

/* The shared body's bursts are of single enqueues here. */
static size_t enqueue_burst(void *queue, const uintptr_t *words, size_t n)
{
    size_t put = 0;

    while (put < n && enqueue(queue, words[put]))
        put++;
    return put;
}

#define MAKE(name, scheme, slots, fenced)                    \
    static void *make_##name(size_t capacity, uint64_t from) \
    {                                                        \
        (void)capacity;                                      \
        (void)from;                                          \
        return make(scheme, slots, fenced);                  \
    }

MAKE(epoch_1, WEIR_GUARD_EPOCH, 1, false)
MAKE(epoch_2, WEIR_GUARD_EPOCH, 2, false)
MAKE(epoch_254, WEIR_GUARD_EPOCH, 254, false)
MAKE(interval_1, WEIR_GUARD_INTERVAL, 1, false)
MAKE(interval_2, WEIR_GUARD_INTERVAL, 2, false)
MAKE(interval_254, WEIR_GUARD_INTERVAL, 254, false)
MAKE(hazard_1, WEIR_GUARD_HAZARD, 1, false)
MAKE(hazard_2, WEIR_GUARD_HAZARD, 2, false)
MAKE(hazard_254, WEIR_GUARD_HAZARD, 254, false)
MAKE(fenced_epoch, WEIR_GUARD_EPOCH, 2, true)
MAKE(fenced_interval, WEIR_GUARD_INTERVAL, 2, true)
MAKE(fenced_hazard, WEIR_GUARD_HAZARD, 2, true)

#define FACE(name, text)                                                                      \
    {                                                                                         \
        text, 0, 0, false, true, true, make_##name, destroy, enqueue, dequeue, enqueue_burst, \
            dequeue_burst                                                                     \
    }

static const queue_face faces[] = {
    FACE(epoch_1, "umpmc, epochs, 1 slot"),
    FACE(interval_2, "umpmc, intervals, 2 slots"),
    FACE(hazard_254, "umpmc, hazards, 254 slots"),
    FACE(fenced_epoch, "umpmc, fenced epochs, 2 slots"),
    FACE(interval_1, "umpmc, intervals, 1 slot"),
    FACE(hazard_2, "umpmc, hazards, 2 slots"),
    FACE(epoch_254, "umpmc, epochs, 254 slots"),
    FACE(fenced_interval, "umpmc, fenced intervals, 2 slots"),
    FACE(hazard_1, "umpmc, hazards, 1 slot"),
    FACE(epoch_2, "umpmc, epochs, 2 slots"),
    FACE(interval_254, "umpmc, intervals, 254 slots"),
    FACE(fenced_hazard, "umpmc, fenced hazards, 2 slots"),
};

enum { FACES = sizeof faces / sizeof faces[0] };

/* ---- R30 ---- */

typedef struct churn {
    stress *s;
    house *queue;
    pthread_barrier_t used, gone;
    bool wait;                 /* until the queue is gone */
    WEIR_ATOMIC(uint64_t) sum; /* of what was taken */
    uint64_t next;             /* a thread's first value; under the creation's order */
} churn;

typedef struct life {
    churn *c;
    uint64_t first;
} life;

/* Puts EACH values and takes two: some of them others' of now, some those of threads long gone. */
static void *short_life(void *argument)
{
    const life *const l = (const life *)argument;
    churn *const c = l->c;

    for (uint64_t i = 0; i < EACH; i++)
        if (!enqueue(c->queue, (uintptr_t)(l->first + i)))
            stress_fail(c->s, "churn: no memory");
    for (unsigned i = 0; i < EACH - 1; i++) {
        uintptr_t value;

        /* EACH are in for each thread that takes EACH - 1, so there is one. */
        if (!dequeue(c->queue, &value))
            stress_fail(c->s, "churn: empty, though this thread has put more than it took");
        /* relaxed: a number, read after the threads were joined. */
        weir_atomic_fetch_add(&c->sum, value, WEIR_RELAXED);
    }
    if (c->wait) {
        pthread_barrier_wait(&c->used);
        pthread_barrier_wait(&c->gone);
    }
    return NULL;
}

/* What is left over, by the main thread. Returns: how many. */
static uint64_t drain(churn *c)
{
    uint64_t count = 0;
    uintptr_t value;

    while (dequeue(c->queue, &value)) {
        count++;
        weir_atomic_fetch_add(&c->sum, value, WEIR_RELAXED); /* relaxed: as above. */
    }
    return count;
}

static void begin_batch(churn *c, pthread_t *threads, life *lives, unsigned count)
{
    pthread_attr_t small;

    if (pthread_attr_init(&small) != 0 || pthread_attr_setstacksize(&small, 256 * 1024) != 0)
        stress_fail(c->s, "churn: no attributes");
    for (unsigned i = 0; i < count; i++) {
        lives[i].c = c;
        lives[i].first = c->next;
        c->next += EACH;
        if (pthread_create(&threads[i], &small, short_life, &lives[i]) != 0)
            stress_fail(c->s, "churn: a thread could not be created");
    }
    pthread_attr_destroy(&small);
}

static void check_sum(churn *c)
{
    /* relaxed: the threads have been joined, or are behind a barrier. */
    const uint64_t sum = weir_atomic_load(&c->sum, WEIR_RELAXED);
    const uint64_t want = c->next * (c->next - 1) / 2;

    if (sum != want)
        stress_fail(c->s, "churn: a sum of %" PRIu64 ", %" PRIu64 " expected", sum, want);
}

static uint64_t come_and_go(stress *s, const queue_face *face, unsigned batches)
{
    pthread_t threads[BATCH];
    life lives[BATCH];
    churn c;

    memset(&c, 0, sizeof c);
    c.s = s;
    c.queue = (house *)face->make(0, 0);
    if (c.queue == NULL)
        stress_fail(s, "churn: no queue was made");
    for (unsigned b = 0; b < batches; b++) {
        weir_reclaim_stats stats;

        begin_batch(&c, threads, lives, BATCH);
        for (unsigned i = 0; i < BATCH; i++)
            pthread_join(threads[i], NULL);
        if (drain(&c) != BATCH)
            stress_fail(s, "churn: a value is lost, or came twice");
        if (weir_guard_barrier(c.queue->domain, WEIR_FOREVER) != 0)
            stress_fail(s, "churn: a barrier failed");
        weir_guard_stats(c.queue->domain, &stats);
        if (stats.records > BATCH + 1 || stats.left_open != 0)
            stress_fail(s, "churn: %zu records of at most %d threads, %zu left open", stats.records,
                        BATCH + 1, stats.left_open);
        if (stats.objects != 0)
            stress_fail(s, "churn: %zu segments wait after a barrier", stats.objects);
    }
    check_sum(&c);
    if (face->destroy(c.queue) != 0)
        stress_fail(s, "churn: destroy of an empty queue fails");
    return (uint64_t)batches * BATCH;
}

static uint64_t gone_before_its_threads(stress *s, const queue_face *face)
{
    pthread_t threads[BATCH];
    life lives[BATCH];
    churn c;

    memset(&c, 0, sizeof c);
    c.s = s;
    c.wait = true;
    pthread_barrier_init(&c.used, NULL, BATCH + 1);
    pthread_barrier_init(&c.gone, NULL, BATCH + 1);
    c.queue = (house *)face->make(0, 0);
    if (c.queue == NULL)
        stress_fail(s, "orphans: no queue was made");
    begin_batch(&c, threads, lives, BATCH);
    pthread_barrier_wait(&c.used);
    if (drain(&c) != BATCH)
        stress_fail(s, "orphans: a value is lost, or came twice");
    check_sum(&c);
    if (face->destroy(c.queue) != 0)
        stress_fail(s, "orphans: destroy of an empty queue fails");
    pthread_barrier_wait(&c.gone);
    for (unsigned i = 0; i < BATCH; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&c.used);
    pthread_barrier_destroy(&c.gone);
    return BATCH;
}

static void check_leaks(stress *s)
{
    /* relaxed: alone. */
    const size_t bytes = weir_atomic_load(&live, WEIR_RELAXED);

    if (bytes != 0)
        stress_fail(s, "%zu bytes leaked", bytes);
}

int main(int argc, char **argv)
{
    static const weir_allocator counted = {counted_alloc, counted_release, NULL};
    queue_totals totals = {0, 0, 0, 0};
    uint64_t threads = 0, turn = 0;
    stress_rng rng;
    uint64_t ns;
    stress s;

    stress_begin(&s, "umpmc", argc, argv);
    weir_set_allocator(&counted);
    rng = stress_rng_make(s.seed, 0);
    ns = (uint64_t)(s.seconds * 1e9 / 60 / FACES);
    ns = ns < 5000000 ? 5000000 : ns > 50000000 ? 50000000 : ns;
    do {
        for (unsigned i = 0; i < 2; i++) {
            const queue_round round = queue_round_draw(&s, faces, FACES, totals.rounds, &rng);

            queue_round_run(&s, &round, ns, &rng, &totals);
            check_leaks(&s);
        }
        threads +=
            come_and_go(&s, &faces[turn % FACES],
                        s.seconds >= 30 && threads < LONG_CHURN ? LONG_CHURN / BATCH / FACES : 2);
        threads += gone_before_its_threads(&s, &faces[turn % FACES]);
        check_leaks(&s);
        turn++;
    } while (stress_goes_on(&s, "%" PRIu64 " rounds, %" PRIu64 " records, %" PRIu64 " threads",
                            totals.rounds, totals.records, threads));
    return stress_end(&s,
                      "%" PRIu64 " rounds, %" PRIu64 " records, %" PRIu64 " times empty, %" PRIu64
                      " short threads; none lost, none twice, all in order, nothing leaked",
                      totals.rounds, totals.records, totals.empties, threads);
}
