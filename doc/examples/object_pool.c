/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* object_pool: requests that need a buffer each, and a fixed number of buffers. The free ones
 * are a weir_stack_index over their array: taking and giving back is one compare-and-swap, no
 * allocation and no lock, and the buffer that comes next is the one used last, still in
 * some cache. Where all are out, the request is turned away, and the caller knows at once. */

#include <weir/stack.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { WORKERS = 4, BUFFERS = 6, REQUESTS = 100000, HELD = 2 };

typedef struct buffer {
    char text[120];
    uint64_t uses;
} buffer;

WEIR_STACK_INDEX_DEFINE(buffer_pool, buffer);

static buffer buffers[BUFFERS];
static buffer_pool *pool;

typedef struct worker {
    int number;
    uint64_t served, turned_away, spoiled;
} worker;

/* Writes into its buffer, and looks whether anybody else did. */
static bool serve(worker *w, buffer *b, int request)
{
    char want[sizeof b->text];

    snprintf(want, sizeof want, "worker %d, request %d", w->number, request);
    memcpy(b->text, want, sizeof want);
    b->uses++;
    return memcmp(b->text, want, strlen(want) + 1) == 0;
}

static void *work(void *argument)
{
    worker *const w = (worker *)argument;
    buffer *held[HELD];
    int holds = 0;

    for (int request = 0; request < REQUESTS; request++) {
        buffer *const b = buffer_pool_pop(pool);

        if (b == NULL) {
            w->turned_away++;
        } else {
            w->spoiled += !serve(w, b, request);
            w->served++;
            held[holds++] = b;
        }
        /* It keeps them a while, so that there are too few for all. */
        if (b == NULL || holds == HELD)
            while (holds > 0)
                (void)buffer_pool_push(pool, held[--holds]);
    }
    while (holds > 0)
        (void)buffer_pool_push(pool, held[--holds]);
    return NULL;
}

int main(void)
{
    pthread_t threads[WORKERS];
    worker workers[WORKERS];
    uint64_t served = 0, turned_away = 0, spoiled = 0, uses = 0;

    if (buffer_pool_new(&pool, buffers, BUFFERS, WEIR_STACK_FULL) != 0)
        return 1;
    memset(workers, 0, sizeof workers);
    for (int i = 0; i < WORKERS; i++) {
        workers[i].number = i;
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            return 1;
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        served += workers[i].served;
        turned_away += workers[i].turned_away;
        spoiled += workers[i].spoiled;
    }
    for (int i = 0; i < BUFFERS; i++)
        uses += buffers[i].uses;
    /* Made full, it is freed only when all are back. */
    if (buffer_pool_free(pool) != 0 || spoiled != 0 || uses != served ||
        served + turned_away != (uint64_t)WORKERS * REQUESTS) {
        fprintf(stderr, "%" PRIu64 " buffers spoiled, %" PRIu64 " uses of %" PRIu64 "\n", spoiled,
                uses, served);
        return 1;
    }
    printf("OK object_pool buffers=%d served=%" PRIu64 " turned_away=%" PRIu64 "\n", BUFFERS,
           served, turned_away);
    return 0;
}
