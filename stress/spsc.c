/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "queue.h"

#include <weir/spsc.h>

/* ---- words, through the untyped functions: single, burst ---- */

static void *make_sized(size_t capacity, uint64_t start, size_t element)
{
    /* As weir_spsc_new(), with a start: queue and buffer in one block. */
    const size_t buffer = weir_spsc_bytes(capacity, element);
    weir_spsc *queue;
    void *block;

    if (posix_memalign(&block, WEIR_CACHELINE, sizeof *queue + buffer) != 0)
        return NULL;
    queue = (weir_spsc *)block;
    if (weir_spsc_init_at(queue, queue + 1, buffer, capacity, element, start) != 0)
        return NULL;
    return queue;
}

static int destroy(void *queue)
{
    const int status = weir_spsc_destroy((weir_spsc *)queue);

    if (status == 0)
        free(queue);
    return status;
}

static void *make_words(size_t capacity, uint64_t start)
{
    return make_sized(capacity, start, sizeof(uintptr_t));
}

static bool enqueue_word(void *queue, uintptr_t word)
{
    return weir_spsc_try_enqueue((weir_spsc *)queue, &word);
}

static bool dequeue_word(void *queue, uintptr_t *word)
{
    return weir_spsc_try_dequeue((weir_spsc *)queue, word);
}

static size_t enqueue_words(void *queue, const uintptr_t *words, size_t n)
{
    return weir_spsc_enqueue_burst((weir_spsc *)queue, words, n);
}

static size_t dequeue_words(void *queue, uintptr_t *words, size_t n)
{
    return weir_spsc_dequeue_burst((weir_spsc *)queue, words, n);
}

/* ---- words, typed: single, bulk with a burst where the bulk does not fit ---- */

WEIR_SPSC_DEFINE(word_queue, uintptr_t);

static bool typed_enqueue(void *queue, uintptr_t word)
{
    return word_queue_try_enqueue((word_queue *)queue, word);
}

static bool typed_dequeue(void *queue, uintptr_t *word)
{
    return word_queue_try_dequeue((word_queue *)queue, word);
}

static size_t typed_enqueue_bulk(void *queue, const uintptr_t *words, size_t n)
{
    for (; n > 1; n /= 2) {
        if (word_queue_enqueue_bulk((word_queue *)queue, words, n))
            return n;
    }
    return word_queue_enqueue_burst((word_queue *)queue, words, n);
}

static size_t typed_dequeue_bulk(void *queue, uintptr_t *words, size_t n)
{
    for (; n > 1; n /= 2) {
        if (word_queue_dequeue_bulk((word_queue *)queue, words, n))
            return n;
    }
    return word_queue_dequeue_burst((word_queue *)queue, words, n);
}

/* ---- elements of 200 bytes: many groups, and every byte checked ---- */

typedef struct large {
    uintptr_t words[25];
} large;

WEIR_SPSC_DEFINE(large_queue, large);

static void *make_large(size_t capacity, uint64_t start)
{
    return make_sized(capacity, start, sizeof(large));
}

static void fill_large(large *element, uintptr_t word)
{
    for (size_t i = 0; i < 25; i++)
        element->words[i] = word + i * 0x1111;
}

static uintptr_t check_large(const large *element)
{
    for (size_t i = 0; i < 25; i++) {
        if (element->words[i] != element->words[0] + i * 0x1111)
            return 0; /* a word that nobody enqueued */
    }
    return element->words[0];
}

static bool large_enqueue(void *queue, uintptr_t word)
{
    large element;

    fill_large(&element, word);
    return large_queue_try_enqueue((large_queue *)queue, element);
}

static bool large_dequeue(void *queue, uintptr_t *word)
{
    large element;

    if (!large_queue_try_dequeue((large_queue *)queue, &element))
        return false;
    *word = check_large(&element);
    return true;
}

/* In place, by what lies side by side. */
static size_t large_reserve(void *queue, const uintptr_t *words, size_t n)
{
    large *slots = NULL;
    const size_t got = large_queue_reserve((large_queue *)queue, &slots, n);

    for (size_t i = 0; i < got; i++)
        fill_large(&slots[i], words[i]);
    if (got > 0)
        large_queue_commit((large_queue *)queue, got);
    return got;
}

static size_t large_peek(void *queue, uintptr_t *words, size_t n)
{
    large *slots = NULL;
    const size_t got = large_queue_peek((large_queue *)queue, &slots, n);

    for (size_t i = 0; i < got; i++) {
        words[i] = check_large(&slots[i]);
        memset(&slots[i], 0xee, sizeof slots[i]);
    }
    if (got > 0)
        large_queue_release((large_queue *)queue, got);
    return got;
}

#define FACE(title, maker, put, get, put_n, get_n)                                     \
    {                                                                                  \
        .name = title, .max_producers = 1, .max_consumers = 1, .bounded = true,        \
        .exact_full = true, .exact_empty = true, .make = maker, .destroy = destroy,    \
        .enqueue = put, .dequeue = get, .enqueue_burst = put_n, .dequeue_burst = get_n \
    }

int main(int argc, char **argv)
{
    const queue_face faces[] = {
        FACE("spsc, typed, bulk", make_words, typed_enqueue, typed_dequeue, typed_enqueue_bulk,
             typed_dequeue_bulk),
        FACE("spsc, untyped, burst", make_words, enqueue_word, dequeue_word, enqueue_words,
             dequeue_words),
        FACE("spsc, 200 bytes, in place", make_large, large_enqueue, large_dequeue, large_reserve,
             large_peek),
    };

    return queue_stress("spsc", argc, argv, faces, sizeof faces / sizeof faces[0]);
}
