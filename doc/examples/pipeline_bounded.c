/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* pipeline_bounded: three stages, each a thread, with short channels between them: numbers, their
 * squares, a sum. The end travels through the pipeline by closing; a failure would, too: a stage
 * that stops closes what it reads, and the one before gets -EPIPE. */

#include <weir/chan.h>

#include <pthread.h>
#include <stdio.h>

enum { NUMBERS = 100000, ROOM = 16 };

WEIR_CHAN_DEFINE(numbers, uint64_t);

typedef struct stage {
    numbers *in, *out;
    int status;
} stage;

static void *generate(void *context)
{
    stage *const self = (stage *)context;

    for (uint64_t i = 1; i <= NUMBERS && self->status == 0; i++)
        self->status = numbers_send(self->out, i, WEIR_FOREVER, NULL);
    numbers_close(self->out, WEIR_CHAN_DRAIN);
    return NULL;
}

static void *square(void *context)
{
    stage *const self = (stage *)context;
    uint64_t number;

    while (self->status == 0 && numbers_recv(self->in, &number, WEIR_FOREVER, NULL) == 0)
        self->status = numbers_send(self->out, number * number, WEIR_FOREVER, NULL);
    numbers_close(self->in, WEIR_CHAN_DISCARD);
    numbers_close(self->out, WEIR_CHAN_DRAIN);
    return NULL;
}

int main(void)
{
    /* One sender and one receiver on each: the fastest shape. */
    const weir_chan_options options = {WEIR_CHAN_SPSC, NULL, NULL};
    numbers *raw, *squares;
    stage stages[2];
    pthread_t threads[2];
    uint64_t value, sum = 0, count = 0;

    if (numbers_new(&raw, ROOM, &options) != 0 || numbers_new(&squares, ROOM, &options) != 0)
        return 1;
    stages[0] = (stage){NULL, raw, 0};
    stages[1] = (stage){raw, squares, 0};
    if (pthread_create(&threads[0], NULL, generate, &stages[0]) != 0 ||
        pthread_create(&threads[1], NULL, square, &stages[1]) != 0)
        return 1;
    while (numbers_recv(squares, &value, WEIR_FOREVER, NULL) == 0) {
        sum += value;
        count++;
    }
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    printf("OK pipeline_bounded count=%llu sum=%llu\n", (unsigned long long)count,
           (unsigned long long)sum);
    return stages[0].status != 0 || stages[1].status != 0 || count != NUMBERS ||
           sum != UINT64_C(333338333350000) || numbers_free(raw) != 0 || numbers_free(squares) != 0;
}
