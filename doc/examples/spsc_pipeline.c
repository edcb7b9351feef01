/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* spsc_pipeline: three stages, a thread each, with a queue between neighbours: numbers
 * are made, kept if they are prime, and summed up. The first stage works in bursts, the
 * second in place. -1 is the end. */

#include <weir/spsc.h>

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

enum { NUMBERS = 200000, BURST = 32 };

WEIR_SPSC_DEFINE(number_queue, int64_t);

static number_queue *made, *primes;

static bool is_prime(int64_t number)
{
    for (int64_t factor = 2; factor * factor <= number; factor++)
        if (number % factor == 0)
            return false;
    return number >= 2;
}

static void *maker(void *unused)
{
    int64_t next = 0;

    while (next < NUMBERS) {
        int64_t burst[BURST];
        size_t n = 0, put = 0;

        while (n < BURST && next < NUMBERS)
            burst[n++] = next++;
        while (put < n) {
            const size_t now = number_queue_enqueue_burst(made, burst + put, n - put);

            put += now;
            if (now == 0)
                sched_yield(); /* full */
        }
    }
    while (!number_queue_try_enqueue(made, -1))
        sched_yield();
    return unused;
}

static void *filter(void *unused)
{
    bool ended = false;

    while (!ended) {
        int64_t *numbers;
        const size_t n = number_queue_peek(made, &numbers, BURST);

        for (size_t i = 0; i < n; i++) {
            ended = numbers[i] < 0;
            while ((ended || is_prime(numbers[i])) && !number_queue_try_enqueue(primes, numbers[i]))
                sched_yield();
        }
        if (n > 0)
            number_queue_release(made, n);
        else
            sched_yield(); /* empty */
    }
    return unused;
}

int main(void)
{
    int64_t count = 0, sum = 0, number = 0, expected = 0;
    pthread_t threads[2];

    if (number_queue_new(&made, 1000) != 0 || number_queue_new(&primes, 10) != 0 ||
        pthread_create(&threads[0], NULL, maker, NULL) != 0 ||
        pthread_create(&threads[1], NULL, filter, NULL) != 0)
        return 1;
    while (number >= 0) {
        if (!number_queue_try_dequeue(primes, &number)) {
            sched_yield();
        } else if (number >= 0) {
            count++;
            sum += number;
        }
    }
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    if (number_queue_free(made) != 0 || number_queue_free(primes) != 0)
        return 1;
    for (number = 0; number < NUMBERS; number++)
        expected += is_prime(number) ? number : 0;
    if (sum != expected) {
        fprintf(stderr, "the sum is %" PRId64 ", not %" PRId64 "\n", sum, expected);
        return 1;
    }
    printf("OK spsc_pipeline primes=%" PRId64 " sum=%" PRId64 "\n", count, sum);
    return 0;
}
