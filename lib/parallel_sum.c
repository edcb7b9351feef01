/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "parallel.h"

#include <errno.h>
#include <string.h>

/* ---- blocks ---- */

enum { ALIGNMENT = 16, ROOM = 1536 };

/* Where blocks are not all there may be: sums that are large; items that are few, or many. */
enum { LARGE = 1024, FEW = 64 };

typedef struct blocks {
    weir__loop loop; /* first */
    size_t begin, end;
    size_t items; /* of a block */
    size_t grain; /* of a chunk of it */
    size_t count;
    const weir_parallel_sum *sum;
    weir_parallel_fold *fold; /* or write */
    void *context;
    unsigned char *sums; /* one for each; in a scan one more */
    size_t stride;
    size_t step; /* of what is combined: from a left one to its right one */
    size_t allocated;
    WEIR_ALIGNAS(ALIGNMENT) unsigned char room[ROOM];
} blocks;

static void *sum_of(const blocks *b, size_t block)
{
    return b->sums + block * b->stride;
}

static size_t square_root(size_t n)
{
    size_t root = 1;

    while (root < n / root)
        root *= 2;
    return root; /* up to its double */
}

/* Without a grain, so many that all workers of a large machine have some; but few enough that
 * each is worth its sum. */
static size_t most_blocks(size_t items, size_t grain, size_t bytes)
{
    const size_t most = bytes > LARGE ? FEW : WEIR_PARALLEL_BLOCKS;
    const size_t root = square_root(items);

    if (grain != 0 || root > most)
        return most;
    return root < FEW ? FEW : root;
}

static void set_out(blocks *b, size_t begin, size_t end, size_t grain, const weir_parallel_sum *sum,
                    void *context)
{
    const size_t n = end - begin;
    const size_t least = grain == 0 ? 1 : grain < n ? grain : n;
    const size_t chunks_all = weir__groups(n, least);

    b->begin = begin;
    b->end = end;
    b->items = least * weir__groups(chunks_all, most_blocks(n, grain, sum->bytes));
    b->count = weir__groups(n, b->items);
    b->grain = grain == 0 ? b->items : least;
    b->sum = sum;
    b->context = context;
    b->stride = (sum->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int make_sums(blocks *b, size_t places)
{
    b->allocated = places * b->stride;
    if (b->allocated <= ROOM) {
        b->allocated = 0;
        b->sums = b->room;
    } else {
        b->sums = (unsigned char *)weir_alloc(b->allocated, WEIR_CACHELINE);
        if (b->sums == NULL)
            return -ENOMEM;
    }
    for (size_t i = 0; i < places; i++)
        memcpy(sum_of(b, i), b->sum->identity, b->sum->bytes);
    return 0;
}

static void release_sums(blocks *b)
{
    if (b->allocated != 0)
        weir_release(b->sums, b->allocated);
}

static int fold_block(blocks *b, size_t block)
{
    const size_t begin = b->begin + block * b->items;
    const size_t end = b->end - begin < b->items ? b->end : begin + b->items;
    size_t from = begin;

    while (from < end) {
        const size_t to = end - from < b->grain ? end : from + b->grain;
        int status = weir__loop_look(&b->loop);

        if (status != 0)
            return status;
        status = b->fold(b->context, from, to, sum_of(b, block));
        if (status != 0)
            return weir__loop_stop(&b->loop, status);
        from = to;
    }
    return 0;
}

static int run_blocks(weir__loop *l, size_t from, size_t to)
{
    int status = 0;

    for (size_t i = from; i < to && status == 0; i++)
        status = fold_block((blocks *)(void *)l, i);
    return status;
}

static int run_pairs(weir__loop *l, size_t from, size_t to)
{
    blocks *const b = (blocks *)(void *)l;

    for (size_t i = from; i < to; i++) {
        const size_t left = i * 2 * b->step;
        const int status = b->sum->combine(b->context, sum_of(b, left), sum_of(b, left + b->step));

        if (status != 0)
            return weir__loop_stop(l, status);
    }
    return 0;
}

/* Into the first one. */
static int combine_all(blocks *b, const weir_parallel *how)
{
    weir_parallel without = {NULL, 0, NULL, NULL};
    int status = 0;

    if (how != NULL) {
        without.pool = how->pool;
        without.cancel = how->cancel;
    }
    b->loop.run = run_pairs;
    for (b->step = 1; b->step < b->count && status == 0; b->step *= 2) {
        const size_t pairs = weir__groups(b->count - b->step, 2 * b->step);

        status = weir__loop_run(&b->loop, &without, pairs, pairs);
    }
    return status;
}

static int check_sum(size_t begin, size_t end, const weir_parallel_sum *sum)
{
    const size_t most = SIZE_MAX / (WEIR_PARALLEL_BLOCKS + 1) - ALIGNMENT;

    return begin > end || sum->bytes == 0 || sum->bytes > most ? -EINVAL : 0;
}

/* ---- reduce ---- */

int weir_parallel_reduce(const weir_parallel *how, size_t begin, size_t end,
                         const weir_parallel_sum *sum, void *result, void *context)
{
    blocks b;
    int status = check_sum(begin, end, sum);

    if (status != 0)
        return status;
    if (begin == end) {
        memcpy(result, sum->identity, sum->bytes);
        return 0;
    }
    set_out(&b, begin, end, how == NULL ? 0 : how->grain, sum, context);
    status = make_sums(&b, b.count);
    if (status != 0)
        return status;
    b.fold = sum->fold;
    b.loop.run = run_blocks;
    status = weir__loop_run(&b.loop, how, b.count, end - begin);
    if (status == 0)
        status = combine_all(&b, how);
    if (status == 0)
        memcpy(result, b.sums, sum->bytes);
    release_sums(&b);
    return status;
}

/* ---- scan ---- */

/* Sums 1 to count - 1 are each of the block before: they become those of all blocks before. Sum
 * 0 is the identity. */
static int accumulate(blocks *b)
{
    void *const both = sum_of(b, b->count);

    for (size_t i = 2; i < b->count; i++) {
        int status = weir__loop_look(&b->loop);

        if (status != 0)
            return status;
        memcpy(both, sum_of(b, i - 1), b->sum->bytes);
        status = b->sum->combine(b->context, both, sum_of(b, i));
        if (status != 0)
            return weir__loop_stop(&b->loop, status);
        memcpy(sum_of(b, i), both, b->sum->bytes);
    }
    return 0;
}

static int scan(blocks *b, const weir_parallel *how, weir_parallel_fold *write)
{
    int status;

    b->loop.run = run_blocks;
    b->fold = b->sum->fold;
    b->sums += b->stride; /* a block's sum to the place of the next one */
    status = weir__loop_run(&b->loop, how, b->count - 1, (b->count - 1) * b->items);
    b->sums -= b->stride;
    if (status == 0)
        status = accumulate(b);
    if (status != 0)
        return status;
    b->fold = write;
    return weir__loop_run(&b->loop, how, b->count, b->end - b->begin);
}

int weir_parallel_scan(const weir_parallel *how, size_t begin, size_t end,
                       const weir_parallel_sum *sum, weir_parallel_fold *write, void *result,
                       void *context)
{
    const void *total = sum->identity;
    blocks b;
    int status = check_sum(begin, end, sum);

    if (status != 0)
        return status;
    b.allocated = 0;
    if (begin != end) {
        set_out(&b, begin, end, how == NULL ? 0 : how->grain, sum, context);
        status = make_sums(&b, b.count + 1);
        if (status != 0)
            return status;
        status = scan(&b, how, write);
        total = sum_of(&b, b.count - 1);
    }
    if (status == 0 && result != NULL)
        memcpy(result, total, sum->bytes);
    release_sums(&b);
    return status;
}
