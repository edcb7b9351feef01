/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A typed channel is no other typed channel, though their elements are the same.
 * expect: incompatible */

#include <weir/chan.h>

WEIR_CHAN_DEFINE(metre_chan, double);
WEIR_CHAN_DEFINE(second_chan, double);

int misuse(metre_chan *metres, second_chan *seconds);

int misuse(metre_chan *metres, second_chan *seconds)
{
#ifdef MISUSE
    (void)seconds;
    return second_chan_try_send(metres, 1);
#else
    (void)metres;
    return second_chan_try_send(seconds, 1);
#endif
}
