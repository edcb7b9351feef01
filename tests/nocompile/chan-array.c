/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* An array would decay to a pointer: a channel of it would carry addresses.
 * expect: array */

#include <weir/chan.h>

typedef int triple[3];

typedef struct three {
    triple numbers;
} three;

#ifdef MISUSE
WEIR_CHAN_DEFINE(triple_chan, triple);
#else
WEIR_CHAN_DEFINE(triple_chan, three);
#endif
