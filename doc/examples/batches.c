/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* batches: readings of three sensors travel in batches of eight through a ticket ring to
 * two threads that sum them up. A batch costs one compare-and-swap; it is put as a
 * whole or not at all, so a sensor's readings lie next to each other.
 *
 * `false` from a ticket ring means "not now", which is no sign of the end: the summers
 * stop when as many readings have been taken as there are. */

#include <weir/counter.h>
#include <weir/ticket.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

enum { SENSORS = 3, SUMMERS = 2, BATCH = 8, BATCHES = 10000 };

typedef struct reading {
    uint32_t sensor;
    uint32_t number;
    double value;
} reading;

WEIR_TICKET_DEFINE(reading_queue, reading);

static reading_queue *queue;
static weir_counter readings_left = WEIR_COUNTER_INIT((uint64_t)SENSORS * BATCHES * BATCH);
static double sums[SUMMERS];

static void *sensor(void *name)
{
    reading batch[BATCH];

    for (uint32_t number = 0; number < (uint32_t)BATCHES * BATCH; number += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++) {
            batch[i].sensor = *(uint32_t *)name;
            batch[i].number = number + i;
            batch[i].value = 0.5;
        }
        while (!reading_queue_enqueue_bulk(queue, batch, BATCH))
            sched_yield(); /* no room for all of them now */
    }
    return NULL;
}

static void *summer(void *sum)
{
    reading got[BATCH];

    while (weir_counter_read(&readings_left) > 0) {
        const size_t n = reading_queue_dequeue_burst(queue, got, BATCH);

        for (size_t i = 0; i < n; i++)
            *(double *)sum += got[i].value;
        weir_counter_sub(&readings_left, n);
        if (n == 0)
            sched_yield();
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[SENSORS + SUMMERS];
    uint32_t names[SENSORS];
    double sum = 0;

    if (reading_queue_new(&queue, 100) != 0)
        return 1;
    for (uint32_t i = 0; i < SENSORS; i++) {
        names[i] = i;
        if (pthread_create(&threads[i], NULL, sensor, &names[i]) != 0)
            return 1;
    }
    for (int i = 0; i < SUMMERS; i++)
        if (pthread_create(&threads[SENSORS + i], NULL, summer, &sums[i]) != 0)
            return 1;
    for (int i = 0; i < SENSORS + SUMMERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SUMMERS; i++)
        sum += sums[i];
    if (reading_queue_free(queue) != 0 || sum != 0.5 * SENSORS * BATCHES * BATCH) {
        printf("sum is %f\n", sum);
        return 1;
    }
    printf("OK batches readings=%d sum=%.0f\n", SENSORS * BATCHES * BATCH, sum);
    return 0;
}
