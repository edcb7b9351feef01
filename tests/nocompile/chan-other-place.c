/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What comes out of a typed channel goes where its type belongs.
 * expect: incompatible */

#include <weir/chan.h>

WEIR_CHAN_DEFINE(number_chan, int);

int misuse(number_chan *chan, int *number, short *other);

int misuse(number_chan *chan, int *number, short *other)
{
#ifdef MISUSE
    (void)number;
    return number_chan_recv(chan, other, WEIR_FOREVER, NULL);
#else
    (void)other;
    return number_chan_recv(chan, number, WEIR_FOREVER, NULL);
#endif
}
