/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A subscriber of one feed does not receive from another.
 * expect: incompatible */

#include <weir/broadcast.h>

WEIR_BROADCAST_DEFINE(price_feed, int);
WEIR_BROADCAST_DEFINE(weather_feed, int);

int misuse(price_feed_subscriber *mine, weather_feed_subscriber *other, int *value);

int misuse(price_feed_subscriber *mine, weather_feed_subscriber *other, int *value)
{
#ifdef MISUSE
    (void)mine;
    return price_feed_try_recv(other, value, NULL);
#else
    (void)other;
    return price_feed_try_recv(mine, value, NULL);
#endif
}
