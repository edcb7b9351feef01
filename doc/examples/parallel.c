/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* parallel: a loop over a million numbers, by all processors that there are; then their sum. The
 * library finds out what an item takes, and who does which. */

#include <weir/parallel.h>

#include <inttypes.h>
#include <stdio.h>

enum { NUMBERS = 1000000 };

static uint32_t steps[NUMBERS];

/* Collatz: half of an even number, 3n + 1 of an odd one, until it is 1. Some take hundreds of
 * steps, some a few. */
static int count_steps(void *context, size_t from, size_t to)
{
    (void)context;
    for (size_t i = from; i < to; i++) {
        uint32_t count = 0;

        for (uint64_t n = i + 1; n != 1; count++)
            n = n % 2 == 0 ? n / 2 : 3 * n + 1;
        steps[i] = count;
    }
    return 0;
}

static int add(void *context, size_t from, size_t to, void *sum)
{
    (void)context;
    for (size_t i = from; i < to; i++)
        *(uint64_t *)sum += steps[i];
    return 0;
}

static int combine(void *context, void *sum, void *right)
{
    (void)context;
    *(uint64_t *)sum += *(const uint64_t *)right;
    return 0;
}

int main(void)
{
    static const uint64_t zero = 0;
    const weir_parallel_sum sums = {sizeof zero, &zero, add, combine};
    weir_parallel_hint hint = {0, 0, false};
    weir_parallel how = {NULL, 0, NULL, &hint};
    uint64_t sum;
    int status;

    if (weir_pool_new(&how.pool, NULL) != 0)
        return 1;
    status = weir_parallel_for(&how, 0, NUMBERS, count_steps, NULL);
    how.hint = NULL; /* of other items */
    if (status == 0)
        status = weir_parallel_reduce(&how, 0, NUMBERS, &sums, &sum, NULL);
    if (weir_pool_stop(how.pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 ||
        weir_pool_free(how.pool) != 0 || status != 0)
        return 1;
    if (sum != 131434424) {
        fprintf(stderr, "%" PRIu64 " steps\n", sum);
        return 1;
    }
    printf("OK parallel numbers=%d steps=%" PRIu64 " serial=%s\n", NUMBERS, sum,
           hint.serial ? "yes" : "no");
    return 0;
}
