/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Whether a value was received has to be looked at.
 * expect: unused-result */

#include <weir/broadcast.h>

int misuse(weir_broadcast_subscriber *subscriber, uint64_t *value);

int misuse(weir_broadcast_subscriber *subscriber, uint64_t *value)
{
#ifdef MISUSE
    weir_broadcast_try_recv(subscriber, value, NULL);
    return 0;
#else
    return weir_broadcast_try_recv(subscriber, value, NULL);
#endif
}
