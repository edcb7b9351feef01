/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A typed channel takes elements of its own type alone.
 * expect: incompatible */

#include <weir/broadcast.h>

typedef struct price {
    int cents;
} price;

typedef struct weather {
    int degrees;
} weather;

WEIR_BROADCAST_DEFINE(price_feed, price);

int misuse(price_feed *feed, price first, weather second);

int misuse(price_feed *feed, price first, weather second)
{
#ifdef MISUSE
    (void)first;
    return price_feed_try_send(feed, second);
#else
    (void)second;
    return price_feed_try_send(feed, first);
#endif
}
