/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#define WEIR_CHECKED 1

#include <weir/umpmc.h>

#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

static const weir_guard_scheme schemes[] = {WEIR_GUARD_EPOCH, WEIR_GUARD_INTERVAL,
                                            WEIR_GUARD_HAZARD};
static const size_t slot_counts[] = {0, 1, 2, 3, 64, WEIR_UMPMC_SLOTS_MAX};

/* A domain, the calling thread's record in it, and a queue. */
typedef struct fixture {
    weir_guard *domain;
    weir_guard_record *me;
    weir_umpmc *queue;
} fixture;

/* With `batch_objects` a thread looks for what can be freed after so many segments. */
static fixture begin(weir_guard_scheme scheme, size_t slots, size_t batch_objects)
{
    weir_reclaim_options options;
    fixture b;

    memset(&options, 0, sizeof options);
    options.batch_objects = batch_objects;
    CHECK_EQ(weir_guard_new(&b.domain, scheme, &options), 0);
    b.me = weir_guard_self(b.domain);
    CHECK(b.me != NULL);
    CHECK_EQ(weir_umpmc_new(&b.queue, b.domain, slots), 0);
    return b;
}

static void end(fixture *b)
{
    CHECK_EQ(weir_umpmc_free(b->queue), 0);
    CHECK_EQ(weir_guard_free(b->domain), 0);
}

static void put(fixture *b, uintptr_t value)
{
    CHECK_EQ(weir_umpmc_enqueue(b->queue, b->me, value), 0);
}

static uintptr_t take(fixture *b)
{
    uintptr_t value = 0;

    CHECK(weir_umpmc_try_dequeue(b->queue, b->me, &value));
    return value;
}

static void is_empty(fixture *b)
{
    uintptr_t value = 12345;

    CHECK(!weir_umpmc_try_dequeue(b->queue, b->me, &value));
    CHECK_EQ(value, 12345);
    CHECK_EQ(weir_umpmc_dequeue_burst(b->queue, b->me, &value, 1), 0);
    CHECK_EQ(value, 12345);
}

/* Bytes of a segment of this queue. */
static size_t segment_bytes(const fixture *b)
{
    return sizeof(weir__umpmc_segment) + b->queue->slots * sizeof(weir__umpmc_cell);
}

/* Runs a case with each scheme and each number of slots. */
static void with_each(void (*run)(fixture *b), size_t most_slots)
{
    for (size_t s = 0; s < sizeof schemes / sizeof schemes[0]; s++) {
        for (size_t n = 0; n < sizeof slot_counts / sizeof slot_counts[0]; n++) {
            fixture b;

            if (slot_counts[n] > most_slots)
                continue;
            b = begin(schemes[s], slot_counts[n], 0);
            run(&b);
            end(&b);
        }
    }
}

/* ---- order ---- */

static void fifo(fixture *b)
{
    uintptr_t in = 0, out = 0, values[40];

    is_empty(b);
    /* Every length of backlog up to 700, so that every place of a segment is an end. */
    for (unsigned round = 0; round < 900; round++) {
        const size_t target = (size_t)round * 37 % 701;

        while (in - out < target)
            put(b, in++);
        while (in - out > target) {
            const size_t want = in - out - target < 40 ? in - out - target : 40;

            if (round % 2 == 0) {
                CHECK_EQ(take(b), out++);
                continue;
            }
            CHECK_EQ(weir_umpmc_dequeue_burst(b->queue, b->me, values, want), want);
            for (size_t i = 0; i < want; i++)
                CHECK_EQ(values[i], out++);
        }
        if (in == out)
            is_empty(b);
    }
    while (out < in)
        CHECK_EQ(take(b), out++);
    is_empty(b);
}

static void first_in_first_out(void)
{
    with_each(fifo, WEIR_UMPMC_SLOTS_MAX);
}

static void in_and_out(fixture *b)
{
    const uintptr_t rounds = 3 * b->queue->slots < 3000 ? 3 * b->queue->slots + 5 : 3000;

    for (uintptr_t i = 0; i < rounds; i++) {
        put(b, i);
        CHECK_EQ(take(b), i);
        is_empty(b);
    }
}

static void one_at_a_time(void)
{
    with_each(in_and_out, WEIR_UMPMC_SLOTS_MAX);
}

static void any_word(fixture *b)
{
    static const uintptr_t values[] = {
        0, UINTPTR_MAX, 1, UINTPTR_MAX - 1, 2, UINTPTR_MAX / 2 + 1, 0, 0,
    };

    for (unsigned lap = 0; lap < 9; lap++) {
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            put(b, values[i]);
            put(b, ~values[i]);
            CHECK(take(b) == values[i]);
            CHECK(take(b) == ~values[i]);
        }
    }
}

static void reserves_no_value(void)
{
    with_each(any_word, 64);
}

static void bursts(fixture *b)
{
    uintptr_t values[8] = {0};

    CHECK_EQ(weir_umpmc_dequeue_burst(b->queue, b->me, values, 0), 0);
    for (uintptr_t i = 0; i < 5; i++)
        put(b, i);
    CHECK_EQ(weir_umpmc_dequeue_burst(b->queue, b->me, values, 0), 0);
    CHECK_EQ(weir_umpmc_dequeue_burst(b->queue, b->me, values, 3), 3);
    CHECK_EQ(weir_umpmc_dequeue_burst(b->queue, b->me, values + 3, 5), 2);
    for (uintptr_t i = 0; i < 5; i++)
        CHECK_EQ(values[i], i);
    is_empty(b);
}

static void a_burst_takes_what_there_is(void)
{
    with_each(bursts, 64);
}

/* ---- life ---- */

static void refuses_bad_input(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char buffer[sizeof(weir_umpmc) + 8];
    WEIR_ALIGNAS(WEIR_CACHELINE) static weir_umpmc queue;
    weir_umpmc *made = &queue;
    weir_guard *domain = NULL;

    CHECK_EQ(weir_guard_new(&domain, WEIR_GUARD_EPOCH, NULL), 0);
    CHECK_EQ(weir_umpmc_init(&queue, domain, (size_t)WEIR_UMPMC_SLOTS_MAX + 1), -EINVAL);
    CHECK_EQ(weir_umpmc_init(&queue, domain, SIZE_MAX), -EINVAL);
    CHECK_EQ(weir_umpmc_new(&made, domain, SIZE_MAX), -EINVAL);
    CHECK(made == &queue);
    CHECK_DIES(CHECK(weir_umpmc_init((weir_umpmc *)(void *)(buffer + 8), domain, 0) != 0),
               "must be aligned to WEIR_CACHELINE");
    CHECK_DIES(CHECK(weir_umpmc_init(&queue, NULL, 0) != 0), "wants a domain");
    CHECK_EQ(weir_umpmc_init(&queue, domain, 0), 0);
    CHECK_DIES((void)weir_umpmc_free(&queue), "not made by weir_umpmc_new()");
    CHECK_EQ(weir_umpmc_destroy(&queue), 0);
    CHECK_DIES((void)weir_umpmc_destroy(&queue), "destroyed twice, or never made");
    CHECK_EQ(weir_umpmc_free(NULL), 0);
    CHECK_EQ(weir_guard_free(domain), 0);
}

static void use_after_destroy_is_told(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static weir_umpmc queue;
    fixture b = begin(WEIR_GUARD_EPOCH, 0, 0);
    uintptr_t value;

    CHECK_EQ(weir_umpmc_init(&queue, b.domain, 0), 0);
    CHECK_EQ(weir_umpmc_destroy(&queue), 0);
    CHECK_DIES(CHECK(weir_umpmc_enqueue(&queue, b.me, 1) == 0),
               "used after destroy, or before init");
    CHECK_DIES(CHECK(weir_umpmc_try_dequeue(&queue, b.me, &value)),
               "used after destroy, or before init");
    CHECK_DIES((void)weir_umpmc_dequeue_burst(&queue, b.me, &value, 1),
               "used after destroy, or before init");
    end(&b);
}

/* The one value left stands in each place in turn: in the first cell, in the last, in a segment
 * behind one that is all taken and not left yet. */
static void busy(fixture *b)
{
    const uintptr_t places = 2 * b->queue->slots + 3;

    for (uintptr_t i = 0; i < places; i++) {
        put(b, i);
        if (i > 0)
            CHECK_EQ(take(b), i - 1);
        CHECK_EQ(weir_umpmc_destroy(b->queue), -EBUSY);
        CHECK_EQ(weir_umpmc_free(b->queue), -EBUSY);
    }
    for (uintptr_t i = 0; i < places; i++)
        put(b, places + i);
    for (uintptr_t i = 0; i < places; i++) {
        CHECK_EQ(weir_umpmc_destroy(b->queue), -EBUSY);
        CHECK_EQ(take(b), places - 1 + i);
    }
    CHECK_EQ(weir_umpmc_destroy(b->queue), -EBUSY);
    CHECK_EQ(take(b), 2 * places - 1);
    /* end() finds nothing left. */
}

static void is_not_destroyed_while_something_is_inside(void)
{
    with_each(busy, 64);
}

/* Emptied segments may wait in the domain when the queue is gone; they know nothing of it. */
static void a_queue_may_go_before_its_segments(void)
{
    for (size_t s = 0; s < sizeof schemes / sizeof schemes[0]; s++) {
        fixture b;
        weir_reclaim_stats stats;

        test_alloc_fail_at(0);
        b = begin(schemes[s], 2, 1000);
        for (uintptr_t i = 0; i < 100; i++)
            put(&b, i);
        for (uintptr_t i = 0; i < 100; i++)
            CHECK_EQ(take(&b), i);
        CHECK_EQ(weir_umpmc_free(b.queue), 0);
        weir_guard_stats(b.domain, &stats);
        CHECK(stats.objects >= 49);
        CHECK_EQ(weir_guard_free(b.domain), 0);
        CHECK_EQ(test_alloc_live, 0);
        weir_set_allocator(NULL);
    }
}

/* ---- memory ---- */

static void no_memory_to_begin_with(void)
{
    for (size_t nr = 1; nr <= 2; nr++) {
        weir_guard *domain = NULL;
        weir_umpmc *queue = NULL;
        size_t live;

        test_alloc_fail_at(0);
        CHECK_EQ(weir_guard_new(&domain, WEIR_GUARD_HAZARD, NULL), 0);
        live = test_alloc_live;
        test_alloc_fail_at(nr);
        CHECK_EQ(weir_umpmc_new(&queue, domain, 0), -ENOMEM);
        CHECK(queue == NULL);
        CHECK_EQ(test_alloc_live, live);
        test_alloc_fail_at(0);
        CHECK_EQ(weir_umpmc_new(&queue, domain, 0), 0);
        CHECK_EQ(test_alloc_calls, 2);
        CHECK_EQ(weir_umpmc_free(queue), 0);
        CHECK_EQ(test_alloc_live, live);
        CHECK_EQ(weir_guard_free(domain), 0);
        CHECK_EQ(test_alloc_live, 0);
        weir_set_allocator(NULL);
    }
}

/* An enqueue that cannot have a segment keeps nothing and breaks nothing, as often as it is
 * tried, with the queue empty and with values inside. */
static void no_memory_in_an_enqueue(void)
{
    for (size_t s = 0; s < sizeof schemes / sizeof schemes[0]; s++) {
        for (size_t n = 0; n < sizeof slot_counts / sizeof slot_counts[0]; n++) {
            uintptr_t in = 0, out = 0;
            fixture b;

            test_alloc_fail_at(0);
            b = begin(schemes[s], slot_counts[n], 0);
            for (unsigned round = 0; round < 6; round++) {
                const size_t live = test_alloc_live;
                int status;

                test_alloc_fail_at(1);
                while ((status = weir_umpmc_enqueue(b.queue, b.me, in)) == 0)
                    in++;
                CHECK_EQ(status, -ENOMEM);
                CHECK_EQ(test_alloc_calls, 1);
                CHECK_EQ(test_alloc_live, live);
                for (unsigned again = 0; again < 3; again++) {
                    test_alloc_fail_at(1);
                    CHECK_EQ(weir_umpmc_enqueue(b.queue, b.me, in), -ENOMEM);
                }
                /* Odd rounds leave values inside. */
                while (out < in - (round % 2 == 1 && in > out))
                    CHECK_EQ(take(&b), out++);
                if (out == in)
                    is_empty(&b);
                test_alloc_fail_at(1);
                CHECK_EQ(weir_umpmc_enqueue(b.queue, b.me, in), -ENOMEM);
                test_alloc_fail_at(0);
                CHECK_EQ(weir_umpmc_enqueue(b.queue, b.me, in), 0);
                in++;
            }
            while (out < in)
                CHECK_EQ(take(&b), out++);
            is_empty(&b);
            end(&b);
            CHECK_EQ(test_alloc_live, 0);
            weir_set_allocator(NULL);
        }
    }
}

/* The memory of a backlog does not stay with the queue. */
static void a_backlog_gives_its_memory_back(void)
{
    for (size_t s = 0; s < sizeof schemes / sizeof schemes[0]; s++) {
        for (size_t n = 0; n < sizeof slot_counts / sizeof slot_counts[0]; n++) {
            uintptr_t values[100], backlog, got = 0;
            size_t live, one;
            fixture b;

            test_alloc_fail_at(0);
            b = begin(schemes[s], slot_counts[n], 0);
            backlog = b.queue->slots < 64 ? 10000 : 1000000;
            one = segment_bytes(&b);
            live = test_alloc_live;
            for (uintptr_t i = 0; i < backlog; i++)
                put(&b, i);
            /* The first segment was there before. */
            CHECK(test_alloc_live >= live + (backlog / b.queue->slots - 1) * one);
            while (got < backlog) {
                const size_t came = weir_umpmc_dequeue_burst(b.queue, b.me, values, 100);

                CHECK(came > 0);
                for (size_t i = 0; i < came; i++)
                    CHECK_EQ(values[i], got++);
            }
            is_empty(&b);
            CHECK_EQ(weir_guard_barrier(b.domain, WEIR_FOREVER), 0);
            CHECK_EQ(test_alloc_live, live);
            end(&b);
            CHECK_EQ(test_alloc_live, 0);
            weir_set_allocator(NULL);
        }
    }
}

/* Without a backlog, nothing accumulates. */
static void a_steady_flow_keeps_little(void)
{
    for (size_t s = 0; s < sizeof schemes / sizeof schemes[0]; s++) {
        size_t live;
        fixture b;

        test_alloc_fail_at(0);
        b = begin(schemes[s], 2, 8);
        live = test_alloc_live;
        for (uintptr_t i = 0; i < 10000; i++) {
            put(&b, i);
            CHECK_EQ(take(&b), i);
            /* The batches of one thread: the open one, four closed, and the one just looked at. */
            CHECK(test_alloc_live <= live + 6 * 8 * segment_bytes(&b));
        }
        end(&b);
        CHECK_EQ(test_alloc_live, 0);
        weir_set_allocator(NULL);
    }
}

/* ---- a reader that stands still ---- */

typedef struct sleeper {
    weir_guard *domain;
    sem_t inside, wake;
} sleeper;

static void *sleep_inside(void *argument)
{
    sleeper *const s = (sleeper *)argument;
    weir_guard_record *const record = weir_guard_self(s->domain);
    weir_section section;

    CHECK(record != NULL);
    section = weir_guard_enter(record);
    sem_post(&s->inside);
    sem_wait(&s->wake);
    weir_guard_exit(record, section);
    return NULL;
}

/* Segments say when they were born: with intervals, and with hazards, those that come later are
 * freed. With epochs none is, until the reader leaves. */
static void a_frozen_reader_keeps_what_its_scheme_says(void)
{
    for (size_t s = 0; s < sizeof schemes / sizeof schemes[0]; s++) {
        size_t before, live;
        pthread_t thread;
        sleeper asleep;
        fixture b;

        test_alloc_fail_at(0);
        b = begin(schemes[s], 2, 8);
        before = test_alloc_live;
        asleep.domain = b.domain;
        CHECK(sem_init(&asleep.inside, 0, 0) == 0 && sem_init(&asleep.wake, 0, 0) == 0);
        CHECK(pthread_create(&thread, NULL, sleep_inside, &asleep) == 0);
        sem_wait(&asleep.inside);
        live = test_alloc_live;
        for (uintptr_t i = 0; i < 10000; i++) {
            put(&b, i);
            CHECK_EQ(take(&b), i);
            if (schemes[s] != WEIR_GUARD_EPOCH)
                CHECK(test_alloc_live <= live + 8 * 8 * segment_bytes(&b));
        }
        if (schemes[s] == WEIR_GUARD_EPOCH)
            CHECK(test_alloc_live >= live + 4900 * segment_bytes(&b));
        sem_post(&asleep.wake);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK_EQ(weir_guard_barrier(b.domain, WEIR_FOREVER), 0);
        CHECK(test_alloc_live <= live);
        CHECK(test_alloc_live >= before);
        sem_destroy(&asleep.inside);
        sem_destroy(&asleep.wake);
        end(&b);
        CHECK_EQ(test_alloc_live, 0);
        weir_set_allocator(NULL);
    }
}

/* ---- hints ---- */

/* A thread that slept between its compare-and-swap and its store of the hint sets the hint back
 * when it wakes. */
static void old_hints_cost_a_walk_and_nothing_else(void)
{
    for (size_t s = 0; s < sizeof schemes / sizeof schemes[0]; s++) {
        fixture b = begin(schemes[s], 7, 0);
        uintptr_t in = 0, out = 0;

        for (unsigned round = 0; round < 2000; round++) {
            const size_t target = round % 11;

            while (in - out < target)
                put(&b, in++);
            while (in - out > target)
                CHECK_EQ(take(&b), out++);
            for (unsigned end_of = 0; end_of < 2; end_of++) {
                /* relaxed: one thread, here and below. */
                weir__umpmc_segment *const segment =
                    weir_atomic_load(end_of == 0 ? &b.queue->tail : &b.queue->head, WEIR_RELAXED);
                const uint32_t empty = weir_atomic_load(&segment->first_empty, WEIR_RELAXED);
                const uint32_t full = weir_atomic_load(&segment->first_full, WEIR_RELAXED);

                weir_atomic_store(&segment->first_empty, empty * (round % 3) / 3, WEIR_RELAXED);
                weir_atomic_store(&segment->first_full, full * (round % 5) / 5, WEIR_RELAXED);
            }
            if (in == out)
                is_empty(&b);
        }
        while (out < in)
            CHECK_EQ(take(&b), out++);
        is_empty(&b);
        end(&b);
    }
}

/* A call that finds nothing leaves the hint where it came to: the next one need not walk. Where
 * segments have one slot there is nothing to walk over. */
static void a_failed_call_mends_the_hint(void)
{
    fixture b = begin(WEIR_GUARD_EPOCH, 64, 0);
#ifdef WEIR_HAVE_DWORD_CAS
    weir__umpmc_segment *segment;

    for (uintptr_t i = 0; i < 40; i++)
        put(&b, i);
    for (uintptr_t i = 0; i < 40; i++)
        CHECK_EQ(take(&b), i);
    /* relaxed: one thread, here and below. */
    segment = weir_atomic_load(&b.queue->head, WEIR_RELAXED);
    weir_atomic_store(&segment->first_full, 3, WEIR_RELAXED);
    is_empty(&b);
    CHECK_EQ(weir_atomic_load(&segment->first_full, WEIR_RELAXED), 40);
    for (uintptr_t i = 40; i < 64; i++)
        put(&b, i);
    for (uintptr_t i = 40; i < 64; i++)
        CHECK_EQ(take(&b), i);
    weir_atomic_store(&segment->first_full, 3, WEIR_RELAXED);
    is_empty(&b);
    CHECK_EQ(weir_atomic_load(&segment->first_full, WEIR_RELAXED), 64);
#else
    test_skip("no double-word compare-and-swap: segments have no hint here");
#endif
    end(&b);
}

/* ---- beside other users of the domain ---- */

static void inside_of_sections(fixture *b)
{
    for (uintptr_t i = 0; i < 300; i++) {
        const weir_section outer = weir_guard_enter(b->me);
        const weir_section inner = weir_guard_enter(b->me);

        put(b, i);
        put(b, i + 1);
        CHECK(weir_guard_inside(b->me));
        weir_guard_exit(b->me, inner);
        CHECK_EQ(take(b), i);
        CHECK_EQ(take(b), i + 1);
        CHECK(weir_guard_inside(b->me));
        weir_guard_exit(b->me, outer);
        CHECK(!weir_guard_inside(b->me));
    }
}

static void works_inside_of_a_section(void)
{
    with_each(inside_of_sections, 64);
}

/* The caller's own hazards stay through an operation. */
static void leaves_the_callers_slots_alone(void)
{
    static weir_retired object;
    static WEIR_ATOMIC(void *) root;
    fixture b = begin(WEIR_GUARD_HAZARD, 2, 1);
    const weir_section section = weir_guard_enter(b.me);

    weir_atomic_store(&root, (void *)&object, WEIR_RELEASE);
    for (unsigned slot = 0; slot < WEIR_HAZARD_SLOTS; slot++)
        CHECK(weir_guard_protect(b.me, slot, &root) == &object);
    for (uintptr_t i = 0; i < 20; i++) {
        put(&b, i);
        CHECK_EQ(take(&b), i);
    }
    /* relaxed: own words. */
    for (unsigned slot = 0; slot < WEIR_HAZARD_SLOTS; slot++)
        CHECK(weir_atomic_load(&b.me->reader.hazard[slot], WEIR_RELAXED) == &object);
    for (unsigned slot = 0; slot < WEIR__HAZARD_OWN; slot++)
        CHECK(weir_atomic_load(&b.me->reader.hazard[WEIR_HAZARD_SLOTS + slot], WEIR_RELAXED) ==
              NULL);
    weir_guard_exit(b.me, section);
    end(&b);
}

static fixture *letters;
static unsigned letters_sent;

typedef struct letter {
    weir_retired retired;
    uintptr_t text;
} letter;

/* A callback that is run from within a dequeue, and uses the queue itself. */
static void send_letter(weir_retired *retired)
{
    letter *const l = (letter *)(void *)retired;

    put(letters, l->text);
    letters_sent++;
    free(l);
}

static void callbacks_may_use_the_queue(void)
{
    for (size_t s = 0; s < sizeof schemes / sizeof schemes[0]; s++) {
        for (size_t slots = 1; slots < 4; slots++) {
            fixture b = begin(schemes[s], slots, 1);
            uint64_t sum = 0, want = 0;
            uintptr_t value = 0;

            letters = &b;
            letters_sent = 0;
            for (uintptr_t i = 1; i <= 100; i++) {
                letter *const l = (letter *)calloc(1, sizeof *l);

                CHECK(l != NULL);
                l->text = 1000 * i;
                want += 1001 * i;
                weir_guard_born(b.me, &l->retired);
                weir_guard_retire(b.me, &l->retired, send_letter, sizeof *l);
                put(&b, i);
                CHECK(weir_umpmc_try_dequeue(b.queue, b.me, &value));
                sum += value;
            }
            CHECK(letters_sent > 0);
            CHECK_EQ(weir_guard_barrier(b.domain, WEIR_FOREVER), 0);
            CHECK_EQ(letters_sent, 100);
            while (weir_umpmc_try_dequeue(b.queue, b.me, &value))
                sum += value;
            CHECK_EQ(sum, want);
            end(&b);
        }
    }
}

static void two_queues_share_a_domain(void)
{
    for (size_t s = 0; s < sizeof schemes / sizeof schemes[0]; s++) {
        fixture one = begin(schemes[s], 2, 3);
        fixture two = one;

        CHECK_EQ(weir_umpmc_new(&two.queue, two.domain, 3), 0);
        for (uintptr_t i = 0; i < 1000; i++) {
            put(&one, i);
            put(&two, ~i);
            if (i >= 50) {
                CHECK_EQ(take(&one), i - 50);
                CHECK(take(&two) == ~(i - 50));
            }
        }
        for (uintptr_t i = 950; i < 1000; i++) {
            CHECK_EQ(take(&one), i);
            CHECK(take(&two) == ~i);
        }
        CHECK_EQ(weir_umpmc_free(two.queue), 0);
        end(&one);
    }
}

/* ---- typed ---- */

typedef struct point {
    int16_t x, y;
} point;

WEIR_UMPMC_DEFINE(point_queue, point);
WEIR_UMPMC_DEFINE(name_queue, const char *);

static void typed_queues_carry_their_type(void)
{
    static point_queue points;
    static name_queue names;
    const point in = {3, -4};
    const char *name = NULL;
    point out = {0, 0};
    fixture b = begin(WEIR_GUARD_EPOCH, 0, 0);

    CHECK_EQ(point_queue_init(&points, b.domain, 2), 0);
    CHECK_EQ(name_queue_init(&names, b.domain, 2), 0);
    CHECK(!point_queue_try_dequeue(&points, b.me, &out));
    CHECK_EQ(point_queue_enqueue(&points, b.me, in), 0);
    CHECK_EQ(name_queue_enqueue(&names, b.me, "weir"), 0);
    CHECK_EQ(point_queue_destroy(&points), -EBUSY);
    CHECK(point_queue_try_dequeue(&points, b.me, &out));
    CHECK(out.x == 3 && out.y == -4);
    CHECK(name_queue_try_dequeue(&names, b.me, &name));
    CHECK(strcmp(name, "weir") == 0);
    CHECK_EQ(point_queue_destroy(&points), 0);
    CHECK_EQ(name_queue_destroy(&names), 0);
    end(&b);
}

int main(void)
{
    return TEST_RUN(
        "umpmc", TEST_CASE(first_in_first_out), TEST_CASE(one_at_a_time),
        TEST_CASE(reserves_no_value), TEST_CASE(a_burst_takes_what_there_is),
        TEST_CASE(refuses_bad_input), TEST_CASE(use_after_destroy_is_told),
        TEST_CASE(is_not_destroyed_while_something_is_inside),
        TEST_CASE(a_queue_may_go_before_its_segments), TEST_CASE(no_memory_to_begin_with),
        TEST_CASE(no_memory_in_an_enqueue), TEST_CASE(a_backlog_gives_its_memory_back),
        TEST_CASE(a_steady_flow_keeps_little),
        TEST_CASE(a_frozen_reader_keeps_what_its_scheme_says),
        TEST_CASE(old_hints_cost_a_walk_and_nothing_else), TEST_CASE(a_failed_call_mends_the_hint),
        TEST_CASE(works_inside_of_a_section), TEST_CASE(leaves_the_callers_slots_alone),
        TEST_CASE(callbacks_may_use_the_queue), TEST_CASE(two_queues_share_a_domain),
        TEST_CASE(typed_queues_carry_their_type));
}
