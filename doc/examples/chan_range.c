/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* chan_range: a producer sends 0 to 9 over a channel with room for five, and closes it. The
 * consumer loops until it is told that nothing more will come; what was sent before the close
 * arrives. */

#include <weir/chan.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

WEIR_CHAN_DEFINE(numbers, int);

static void *producer(void *chan)
{
    for (int i = 0; i < 10; i++)
        if (numbers_send((numbers *)chan, i, WEIR_FOREVER, NULL) != 0)
            return chan;
    numbers_close((numbers *)chan, WEIR_CHAN_DRAIN);
    return NULL;
}

int main(void)
{
    numbers *chan;
    pthread_t thread;
    void *failed;
    int number, count = 0, sum = 0, status;

    if (numbers_new(&chan, 5, NULL) != 0 || pthread_create(&thread, NULL, producer, chan) != 0)
        return 1;
    while ((status = numbers_recv(chan, &number, WEIR_FOREVER, NULL)) == 0) {
        if (number != count++)
            return 1; /* one sender's values keep their order */
        sum += number;
    }
    pthread_join(thread, &failed);
    printf("OK chan_range count=%d sum=%d\n", count, sum);
    return failed != NULL || status != -EPIPE || count != 10 || numbers_free(chan) != 0;
}
