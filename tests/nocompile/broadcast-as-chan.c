/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Nobody receives from a broadcast channel without having subscribed.
 * expect: incompatible */

#include <weir/broadcast.h>
#include <weir/chan.h>

int misuse(weir_broadcast *broadcast, weir_broadcast_subscriber *subscriber, uint64_t *value);

int misuse(weir_broadcast *broadcast, weir_broadcast_subscriber *subscriber, uint64_t *value)
{
#ifdef MISUSE
    (void)subscriber;
    return weir_chan_try_recv(broadcast, value);
#else
    (void)broadcast;
    return weir_broadcast_try_recv(subscriber, value, NULL);
#endif
}
