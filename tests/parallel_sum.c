/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/parallel.h: reduce and scan against the serial sum: of matrices, whose product does not
 * commute; of floating-point numbers, bit by bit; of what is large. */

#include "parallel.h"

#include <errno.h>

/* ---- in order ---- */

/* Products of matrices do not commute; modulo 2^64 they are exact. */
typedef struct matrix {
    uint64_t at[2][2];
} matrix;

static const matrix unit = {{{1, 0}, {0, 1}}};

static matrix product(const matrix *a, const matrix *b)
{
    matrix p;

    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            p.at[i][j] = a->at[i][0] * b->at[0][j] + a->at[i][1] * b->at[1][j];
    return p;
}

static matrix item_of(size_t i)
{
    const matrix m = {{{i + 1, 2}, {3 * i, i ^ 5}}};

    return m;
}

static int fold_matrices(void *unused, size_t from, size_t to, void *sum)
{
    (void)unused;
    for (size_t i = from; i < to; i++) {
        const matrix m = item_of(i);

        *(matrix *)sum = product((const matrix *)sum, &m);
    }
    return 0;
}

static int combine_matrices(void *unused, void *sum, void *right)
{
    (void)unused;
    *(matrix *)sum = product((const matrix *)sum, (const matrix *)right);
    return 0;
}

static const weir_parallel_sum matrices = {sizeof(matrix), &unit, fold_matrices, combine_matrices};

static size_t first, count;
static matrix scanned[MOST];
static bool exclusive;

static int write_matrices(void *unused, size_t from, size_t to, void *sum)
{
    for (size_t i = from; i < to; i++) {
        if (exclusive)
            scanned[i - first] = *(const matrix *)sum;
        (void)fold_matrices(unused, i, i + 1, sum);
        if (!exclusive)
            scanned[i - first] = *(const matrix *)sum;
    }
    return 0;
}

static int multiply_all(const weir_parallel *how)
{
    matrix serial = unit, result;

    memset(&result, 1, sizeof result);
    (void)fold_matrices(NULL, first, first + count, &serial);
    CHECK_EQ(weir_parallel_reduce(how, first, first + count, &matrices, &result, NULL), 0);
    CHECK(memcmp(&result, &serial, sizeof result) == 0);
    exclusive = !exclusive;
    memset(&result, 1, sizeof result);
    CHECK_EQ(
        weir_parallel_scan(how, first, first + count, &matrices, write_matrices, &result, NULL), 0);
    CHECK(memcmp(&result, &serial, sizeof result) == 0);
    serial = unit;
    for (size_t i = 0; i < count; i++) {
        if (exclusive)
            CHECK(memcmp(&serial, &scanned[i], sizeof serial) == 0);
        (void)fold_matrices(NULL, first + i, first + i + 1, &serial);
        if (!exclusive)
            CHECK(memcmp(&serial, &scanned[i], sizeof serial) == 0);
    }
    return 0;
}

static void sums_are_in_order(void)
{
    static const size_t grains[] = {0, 1, 3, 1009, SIZE_MAX};

    for (int g = 0; g < 5; g++) {
        const size_t sizes[] = {0, 1, 2, 3, 64, 65, 512, 513, 1009, 1010, 20011};

        for (int s = 0; s < 11; s++) {
            count = sizes[s];
            first = s % 2 == 0 ? 0 : 12345;
            everywhere(multiply_all, grains[g]);
        }
    }
}

/* ---- bit by bit ---- */

static int fold_floats(void *unused, size_t from, size_t to, void *sum)
{
    (void)unused;
    for (size_t i = from; i < to; i++)
        *(double *)sum += 1 / (double)(i + 1);
    return 0;
}

static int combine_floats(void *unused, void *sum, void *right)
{
    (void)unused;
    *(double *)sum += *(const double *)right;
    return 0;
}

static double harmonic[MOST];

static int write_floats(void *unused, size_t from, size_t to, void *sum)
{
    for (size_t i = from; i < to; i++) {
        (void)fold_floats(unused, i, i + 1, sum);
        harmonic[i] = *(const double *)sum;
    }
    return 0;
}

/* The first, made without a pool, is what all others have to be. */
static double expected[MOST], expected_sum;
static bool is_expected;

static int add_floats(const weir_parallel *how)
{
    static const double zero = 0;
    const weir_parallel_sum floats = {sizeof(double), &zero, fold_floats, combine_floats};
    double sum = -1;

    CHECK_EQ(weir_parallel_reduce(how, 0, MOST, &floats, &sum, NULL), 0);
    CHECK_EQ(weir_parallel_scan(how, 0, MOST, &floats, write_floats, NULL, NULL), 0);
    if (!is_expected) {
        expected_sum = sum;
        memcpy(expected, harmonic, sizeof expected);
    }
    is_expected = true;
    CHECK(sum > 12.09 && sum < 12.1); /* the 100,000th harmonic number: 12.0901... */
    CHECK(memcmp(&sum, &expected_sum, sizeof sum) == 0);
    CHECK(memcmp(expected, harmonic, sizeof expected) == 0);
    return 0;
}

static void floating_point_does_not_depend_on_the_pool(void)
{
    static const size_t grains[] = {0, 1, 64, 777, MOST};

    for (int g = 0; g < 5; g++) {
        is_expected = false;
        everywhere(add_floats, grains[g]);
    }
}

/* ---- blocks ---- */

/* An allocator of one piece at a time, aligned to what was asked for and no more. */
typedef struct barely {
    void *memory;
    size_t bytes, calls;
} barely;

static void *alloc_barely(size_t bytes, size_t alignment, void *context)
{
    barely *const b = (barely *)context;

    CHECK(b->memory == NULL);
    if (posix_memalign(&b->memory, 2 * alignment, alignment + bytes) != 0)
        return NULL;
    b->bytes = bytes;
    b->calls++;
    return (char *)b->memory + alignment;
}

static void release_barely(void *pointer, size_t bytes, void *context)
{
    barely *const b = (barely *)context;

    CHECK(pointer > b->memory && bytes == b->bytes);
    free(b->memory);
    b->memory = NULL;
}

/* Counts what is called; without a pool, so plain. */
typedef struct calls {
    size_t grain; /* 0: a whole block */
    size_t folds, combines, writes;
    size_t cancel_fold, cancel_combine, cancel_write; /* the one that cancels; 0: none */
    weir_cancel_source source;
} calls;

static void count_call(calls *c, size_t *number, size_t cancels)
{
    if (++*number == cancels)
        CHECK(weir_cancel_source_cancel(&c->source, 0));
}

static void add_items(const calls *c, size_t from, size_t to, void *sum)
{
    CHECK_EQ((uintptr_t)sum % 16, 0);
    CHECK(from < to && (c->grain == 0 || to - from <= c->grain));
    *(uint64_t *)sum += to - from;
}

static int fold_calls(void *context, size_t from, size_t to, void *sum)
{
    calls *const c = (calls *)context;

    add_items(c, from, to, sum);
    count_call(c, &c->folds, c->cancel_fold);
    return 0;
}

static int write_calls(void *context, size_t from, size_t to, void *sum)
{
    calls *const c = (calls *)context;

    CHECK_EQ(*(const uint64_t *)sum, from);
    add_items(c, from, to, sum);
    count_call(c, &c->writes, c->cancel_write);
    return 0;
}

static int combine_calls(void *context, void *sum, void *right)
{
    calls *const c = (calls *)context;

    CHECK_EQ((uintptr_t)sum % 16, 0);
    CHECK_EQ((uintptr_t)right % 16, 0);
    *(uint64_t *)sum += *(const uint64_t *)right;
    count_call(c, &c->combines, c->cancel_combine);
    return 0;
}

enum { SMALL = 8, LARGE = 1040 }; /* bytes of a sum: up to 1 KiB, and more */

static weir_parallel_sum sum_of_calls(size_t bytes)
{
    static const uint64_t zero[LARGE / 8];
    const weir_parallel_sum sum = {bytes, zero, fold_calls, combine_calls};

    return sum;
}

/* With floating point another number of blocks is another sum: none changes by accident. */
static void blocks_depend_on_items_grain_and_bytes(void)
{
    static const struct {
        size_t items, grain, bytes, blocks;
    } rows[] = {
        {1, 0, SMALL, 1},
        {100, 0, SMALL, 50},
        {100, 1, SMALL, 100},
        {100, 7, SMALL, 15},
        {3000, 0, SMALL, 64},
        {3000, 0, LARGE, 64},
        {1000000, 0, SMALL, WEIR_PARALLEL_BLOCKS},
        {1000000, 0, LARGE, 64},
        {1000000, 1, SMALL, WEIR_PARALLEL_BLOCKS},
        {1000000, 1, LARGE, 64},
        {1000000, 1000000, SMALL, 1},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const size_t items = rows[i].items, grain = rows[i].grain, blocks = rows[i].blocks;
        const size_t chunks = grain == 0 ? blocks : (items + grain - 1) / grain;
        const weir_parallel how = {NULL, grain, NULL, NULL};
        const weir_parallel_sum sum = sum_of_calls(rows[i].bytes);
        const size_t small = 1536 / ((rows[i].bytes + 15) / 16 * 16); /* fit on the stack */
        uint64_t result[LARGE / 8];
        barely memory = {NULL, 0, 0};
        const weir_allocator allocator = {alloc_barely, release_barely, &memory};
        calls c;

        memset((void *)&c, 0, sizeof c);
        c.grain = grain;
        weir_set_allocator(&allocator);
        CHECK_EQ(weir_parallel_reduce(&how, 0, items, &sum, result, &c), 0);
        CHECK_EQ(result[0], items);
        CHECK_EQ(c.folds, chunks);
        CHECK_EQ(c.combines, blocks - 1);
        CHECK_EQ(memory.calls, blocks > small);
        CHECK(blocks <= small || memory.bytes < (blocks + 1) * (rows[i].bytes + 16));
        c.combines = 0;
        CHECK_EQ(weir_parallel_scan(&how, 0, items, &sum, write_calls, result, &c), 0);
        CHECK_EQ(result[0], items);
        CHECK_EQ(c.writes, chunks);
        CHECK_EQ(c.combines, blocks < 2 ? 0 : blocks - 2);
        CHECK(memory.memory == NULL);
        weir_set_allocator(NULL);
    }
}

/* Tries to sum up 1000 items, each a chunk; one of the calls cancels. */
static calls cancelled(bool scan, size_t fold, size_t combine, size_t write)
{
    const weir_parallel_sum sum = sum_of_calls(SMALL);
    weir_parallel how = {NULL, 1, NULL, NULL};
    uint64_t result = 12345;
    calls c;

    memset((void *)&c, 0, sizeof c);
    weir_cancel_source_init(&c.source, NULL, WEIR_FOREVER);
    how.cancel = weir_cancel_source_token(&c.source);
    c.cancel_fold = fold;
    c.cancel_combine = combine;
    c.cancel_write = write;
    CHECK_EQ(scan ? weir_parallel_scan(&how, 0, 1000, &sum, write_calls, &result, &c)
                  : weir_parallel_reduce(&how, 0, 1000, &sum, &result, &c),
             -ECANCELED);
    CHECK_EQ(result, 12345);
    CHECK_EQ(weir_cancel_source_destroy(&c.source), 0);
    return c;
}

static void a_token_ends_a_sum(void)
{
    for (int scan = 0; scan < 2; scan++) {
        const calls folds = cancelled(scan, 41, 0, 0);
        const calls combines = cancelled(scan, 0, 5, 0);

        CHECK_EQ(folds.folds, 41); /* of the 41st's block there is another one */
        CHECK_EQ(folds.combines, 0);
        CHECK(combines.combines >= 5 && combines.combines < (scan ? 6 : 499));
        CHECK_EQ(combines.writes, 0);
    }
    CHECK_EQ(cancelled(true, 0, 0, 41).writes, 41);
}

/* ---- large ---- */

typedef struct large {
    uint32_t counts[300];
} large;

static const large empty;

static int fold_large(void *fails, size_t from, size_t to, void *sum)
{
    for (size_t i = from; i < to; i++) {
        if (fails != NULL && i == 40)
            return -EIO;
        ((large *)sum)->counts[i * 7 % 300]++;
    }
    return 0;
}

static int combine_large(void *fails, void *sum, void *right)
{
    for (int i = 0; i < 300; i++)
        ((large *)sum)->counts[i] += ((const large *)right)->counts[i];
    return fails != NULL && *(const int *)fails == 2 ? -ENOSPC : 0;
}

static const weir_parallel_sum larges = {sizeof(large), &empty, fold_large, combine_large};

static int count_large(const weir_parallel *how)
{
    large result;
    int fails = 1;

    memset(&result, 1, sizeof result);
    CHECK_EQ(weir_parallel_reduce(how, 0, 3000, &larges, &result, &fails), -EIO);
    fails = 2;
    CHECK_EQ(weir_parallel_reduce(how, 41, 3000, &larges, &result, &fails), -ENOSPC);
    CHECK_EQ(weir_parallel_scan(how, 41, 3000, &larges, fold_large, &result, &fails), -ENOSPC);
    CHECK_EQ(result.counts[299], 0x01010101); /* untouched */
    CHECK_EQ(weir_parallel_reduce(how, 0, 3000, &larges, &result, NULL), 0);
    for (int i = 0; i < 300; i++)
        CHECK_EQ(result.counts[i], 10);
    return 0;
}

static void large_sums_fit(void)
{
    everywhere(count_large, 0);
    everywhere(count_large, 5);
}

static void memory_may_be_short(void)
{
    large result;

    for (size_t nr = 1; nr < 3; nr++) {
        test_alloc_fail_at(nr);
        CHECK_EQ(weir_parallel_reduce(NULL, 0, 3000, &larges, &result, NULL),
                 nr == 1 ? -ENOMEM : 0);
        CHECK_EQ(test_alloc_calls, 1);
        test_alloc_fail_at(nr);
        CHECK_EQ(weir_parallel_scan(NULL, 0, 3000, &larges, fold_large, &result, NULL),
                 nr == 1 ? -ENOMEM : 0);
        CHECK_EQ(test_alloc_calls, 1);
    }
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

static void absurd_numbers_are_refused(void)
{
    const weir_parallel_sum none = {0, NULL, NULL, NULL};
    const weir_parallel_sum huge = {SIZE_MAX / 4, NULL, NULL, NULL};

    CHECK_EQ(weir_parallel_reduce(NULL, 2, 1, &matrices, NULL, NULL), -EINVAL);
    CHECK_EQ(weir_parallel_reduce(NULL, 0, 1, &none, NULL, NULL), -EINVAL);
    CHECK_EQ(weir_parallel_reduce(NULL, 0, 1, &huge, NULL, NULL), -EINVAL);
    CHECK_EQ(weir_parallel_scan(NULL, 2, 1, &matrices, NULL, NULL, NULL), -EINVAL);
    CHECK_EQ(weir_parallel_scan(NULL, 0, 1, &none, NULL, NULL, NULL), -EINVAL);
    CHECK_EQ(weir_parallel_scan(NULL, 0, 1, &huge, NULL, NULL, NULL), -EINVAL);
}

int main(void)
{
    return TEST_RUN("parallel_sum", TEST_CASE(sums_are_in_order),
                    TEST_CASE(floating_point_does_not_depend_on_the_pool),
                    TEST_CASE(blocks_depend_on_items_grain_and_bytes),
                    TEST_CASE(a_token_ends_a_sum), TEST_CASE(large_sums_fit),
                    TEST_CASE(memory_may_be_short), TEST_CASE(absurd_numbers_are_refused));
}
