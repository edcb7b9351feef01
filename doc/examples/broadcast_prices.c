/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* broadcast_prices: a feed of prices with two subscribers, one of which takes its time over each
 * price. The policy of the channel says what that costs: the slow one prices that it does not see
 * (drop), the feed and so everybody time (wait), or the slow one its place (cut). */

#include <weir/broadcast.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { PRICES = 2000, BACKLOG = 32, WORK = 60000 };

typedef struct price {
    unsigned number, item, cents;
} price;

WEIR_BROADCAST_DEFINE(price_feed, price);

typedef struct listener {
    pthread_t thread;
    price_feed_subscriber subscriber;
    unsigned work; /* for each price */
    unsigned seen, wrong;
    uint64_t lost;
    int end; /* why it ended */
} listener;

static void die(const char *what)
{
    fprintf(stderr, "broadcast_prices: %s\n", what);
    exit(1);
}

static void *follow(void *argument)
{
    listener *const l = (listener *)argument;
    unsigned next = 0;
    uint64_t lost;
    price p;

    while ((l->end = price_feed_recv(&l->subscriber, &p, &lost, WEIR_FOREVER, NULL)) == 0) {
        unsigned digest = p.cents;

        /* What is missing was counted, and nothing is there twice. */
        l->wrong += p.number != next + lost || p.cents != p.number * 7;
        next = p.number + 1;
        l->seen++;
        l->lost += lost;
        for (unsigned i = 0; i < l->work; i++)
            digest = digest * 31 + p.item;
        if (digest == 1) /* so that the work is not left out */
            putchar(' ');
    }
    return NULL;
}

static void run(const char *name, weir_lag lag)
{
    listener listeners[2];
    price_feed *feed;

    if (price_feed_new(&feed, BACKLOG, lag) != 0)
        die("no memory");
    for (int i = 0; i < 2; i++) {
        listener *const l = &listeners[i];

        l->work = i == 0 ? 0 : WORK;
        l->seen = l->wrong = 0;
        l->lost = 0;
        if (price_feed_subscribe(feed, &l->subscriber) != 0 ||
            pthread_create(&l->thread, NULL, follow, l) != 0)
            die("a listener could not be started");
    }
    for (unsigned i = 0; i < PRICES; i++) {
        const price p = {i, i % 10, i * 7};

        /* The market is as fast as the quick one. */
        while (weir_broadcast_behind_approx(&listeners[0].subscriber.core) > BACKLOG / 2)
            sched_yield();
        if (price_feed_send(feed, p, WEIR_FOREVER, NULL) != 0)
            die("the feed is closed");
    }
    price_feed_close(feed); /* what was sent before is still received */
    for (int i = 0; i < 2; i++) {
        listener *const l = &listeners[i];

        pthread_join(l->thread, NULL);
        price_feed_unsubscribe(&l->subscriber);
        printf("%s: the %s one saw %u, lost %" PRIu64 "%s\n", name, i == 0 ? "quick" : "slow",
               l->seen, l->lost, l->end == -ECONNRESET ? ", and was cut off" : "");
        if (l->wrong != 0)
            die("a price that was not to be");
        if (l->end == -EPIPE && l->seen + l->lost != PRICES)
            die("a price was lost, and not counted");
        if ((i == 0 || lag == WEIR_LAG_WAIT) && l->seen != PRICES)
            die("one who kept up, or was waited for, has missed a price");
        if (lag != WEIR_LAG_DROP && l->lost != 0)
            die("prices are to be lost under one policy alone");
    }
    if (price_feed_free(feed) != 0)
        die("somebody still listens");
}

int main(void)
{
    run("drop", WEIR_LAG_DROP);
    run("wait", WEIR_LAG_WAIT);
    run("cut", WEIR_LAG_CUT);
    printf("OK broadcast_prices prices=%d backlog=%d\n", PRICES, BACKLOG);
    return 0;
}
