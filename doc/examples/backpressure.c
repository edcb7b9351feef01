/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* backpressure: a producer of a thousand items is faster than its consumer. The channel between
 * them has room for a hundred: when it is full the producer waits, so memory stays what it is and
 * nothing is lost. */

#include <weir/chan.h>

#include <pthread.h>
#include <stdio.h>

enum { ITEMS = 1000, ROOM = 100 };

typedef struct item {
    int number;
    char text[60];
} item;

WEIR_CHAN_DEFINE(items, item);

static int held_back; /* times that the channel was full; the producer's until it has ended */

static void *producer(void *chan)
{
    for (int i = 0; i < ITEMS; i++) {
        item made;

        made.number = i;
        snprintf(made.text, sizeof made.text, "item %d", i);
        if (items_try_send((items *)chan, made) == 0)
            continue;
        held_back++;
        if (items_send((items *)chan, made, WEIR_FOREVER, NULL) != 0)
            return chan;
    }
    items_close((items *)chan, WEIR_CHAN_DRAIN);
    return NULL;
}

int main(void)
{
    items *chan;
    pthread_t thread;
    void *failed;
    item got;
    int count = 0;
    size_t deepest = 0;

    if (items_new(&chan, ROOM, NULL) != 0 || pthread_create(&thread, NULL, producer, chan) != 0)
        return 1;
    while (items_recv(chan, &got, WEIR_FOREVER, NULL) == 0) {
        const size_t depth = weir_chan_size_approx(items_chan(chan));
        const uint64_t until = weir_clock_after(20000);

        if (depth > deepest)
            deepest = depth;
        while (!weir_clock_passed(until))
            continue; /* slow work */
        if (got.number != count++)
            return 1;
    }
    pthread_join(thread, &failed);
    printf("OK backpressure items=%d deepest=%d held_back=%s\n", count, (int)deepest,
           held_back > 0 ? "yes" : "no");
    return failed != NULL || count != ITEMS || deepest > ROOM || held_back == 0 ||
           items_free(chan) != 0;
}
