/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* chan_hello: one thread sends a number over a channel without a buffer. The send returns when the
 * other thread has the number: they meet. */

#include <weir/chan.h>

#include <pthread.h>
#include <stdio.h>

WEIR_CHAN_DEFINE(numbers, int);

static void *sender(void *chan)
{
    return numbers_send((numbers *)chan, 42, WEIR_FOREVER, NULL) == 0 ? NULL : chan;
}

int main(void)
{
    numbers *chan;
    pthread_t thread;
    void *failed;
    int number = 0;

    if (numbers_new(&chan, WEIR_CHAN_RENDEZVOUS, NULL) != 0 ||
        pthread_create(&thread, NULL, sender, chan) != 0)
        return 1;
    if (numbers_recv(chan, &number, WEIR_FOREVER, NULL) != 0)
        return 1;
    pthread_join(thread, &failed);
    printf("OK chan_hello received=%d\n", number);
    return failed != NULL || number != 42 || numbers_free(chan) != 0;
}
