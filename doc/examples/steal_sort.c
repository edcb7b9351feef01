/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* steal_sort: quicksort by four workers, each with a deque of its own. A worker divides a span,
 * pushes one half and goes on with the other; one that has nothing left steals the oldest span
 * of another, which is the largest there. A push is a few plain stores: spans that nobody steals
 * cost next to nothing. A count of numbers that are in their place says when to stop. */

#include <weir/deque.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/* Half a word. */
#if UINTPTR_MAX > UINT32_MAX
typedef uint32_t half;
enum { NUMBERS = 1 << 20 };
#else
typedef uint16_t half;
enum { NUMBERS = UINT16_MAX };
#endif

enum { WORKERS = 4, SMALL = 32 };

typedef struct span {
    half from, to; /* a word: an element of a deque, by value */
} span;

WEIR_DEQUE_DEFINE(spans, span);

typedef struct worker {
    spans own;
    unsigned number, thefts;
} worker;

static worker workers[WORKERS];
static weir_guard *domain;
static uint32_t numbers[NUMBERS];
static WEIR_ATOMIC(uint32_t) sorted; /* numbers in their place */

static void swap(uint32_t a, uint32_t b)
{
    const uint32_t kept = numbers[a];

    numbers[a] = numbers[b];
    numbers[b] = kept;
}

static void sort_small(span s)
{
    for (uint32_t i = s.from + 1; i < s.to; i++)
        for (uint32_t k = i; k > s.from && numbers[k - 1] > numbers[k]; k--)
            swap(k - 1, k);
}

/* Returns: where the pivot, the middle one, has its place. */
static uint32_t divide(span s)
{
    const uint32_t last = s.to - UINT32_C(1), middle = (s.from + last) / 2, pivot = numbers[middle];
    uint32_t place = s.from;

    swap(middle, last);
    for (uint32_t i = s.from; i < last; i++)
        if (numbers[i] < pivot)
            swap(i, place++);
    swap(place, last);
    return place;
}

/* Without memory for a push the half is sorted at once. */
static void sort(worker *w, span s)
{
    while (s.to - s.from > SMALL) {
        const uint32_t place = divide(s);
        const span upper = {(half)(place + 1), s.to};

        weir_atomic_fetch_add(&sorted, 1, WEIR_RELAXED);
        /* Of an empty half `sorted` would not tell that it is still in a deque. */
        if (upper.from < upper.to && spans_push(&w->own, upper) != 0)
            sort(w, upper);
        s.to = (half)place;
    }
    sort_small(s);
    weir_atomic_fetch_add(&sorted, (uint32_t)(s.to - s.from), WEIR_RELAXED);
}

static bool find_work(worker *w, weir_guard_record *record, span *s)
{
    if (spans_pop(&w->own, s))
        return true;
    for (unsigned i = 1; i < WORKERS; i++) {
        if (spans_steal(&workers[(w->number + i) % WORKERS].own, record, s)) {
            w->thefts++;
            return true;
        }
    }
    return false;
}

static void *work(void *argument)
{
    worker *const w = (worker *)argument;
    weir_guard_record *const record = weir_guard_self(domain);
    span s;

    if (record == NULL)
        abort();
    while (weir_atomic_load(&sorted, WEIR_RELAXED) < NUMBERS) {
        if (find_work(w, record, &s))
            sort(w, s);
        else
            sched_yield();
    }
    return NULL;
}

int main(void)
{
    const span all = {0, NUMBERS};
    pthread_t threads[WORKERS];
    unsigned thefts = 0;
    uint64_t random = 42, sum = 0;

    if (weir_guard_new(&domain, WEIR_GUARD_EPOCH, NULL) != 0)
        return 1;
    for (uint32_t i = 0; i < NUMBERS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        numbers[i] = (uint32_t)(random >> 33);
        sum += numbers[i];
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].number = i;
        if (spans_init(&workers[i].own, domain, 64) != 0)
            return 1;
    }
    if (spans_push(&workers[0].own, all) != 0)
        return 1;
    for (unsigned i = 0; i < WORKERS; i++)
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            return 1;
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < WORKERS; i++) {
        thefts += workers[i].thefts;
        if (spans_destroy(&workers[i].own) != 0) {
            fprintf(stderr, "worker %u left something undone\n", i);
            return 1;
        }
    }
    for (uint32_t i = 0; i < NUMBERS; i++) {
        sum -= numbers[i];
        if (i > 0 && numbers[i - 1] > numbers[i]) {
            fprintf(stderr, "number %u is not in its place\n", (unsigned)i);
            return 1;
        }
    }
    if (weir_guard_free(domain) != 0 || sum != 0) {
        fprintf(stderr, "the numbers are not those of the beginning\n");
        return 1;
    }
    printf("OK steal_sort numbers=%d workers=%d thefts=%u\n", NUMBERS, WORKERS, thefts);
    return 0;
}
