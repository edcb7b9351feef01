/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A typed channel is not an untyped one, into which anything could be sent: what takes one is given
 * NAME_chan().
 * expect: incompatible */

#include <weir/chan.h>

WEIR_CHAN_DEFINE(number_chan, int);

int misuse(number_chan *chan, const double *value);

int misuse(number_chan *chan, const double *value)
{
#ifdef MISUSE
    return weir_chan_try_send(chan, value);
#else
    (void)value;
    return number_chan_try_send(chan, 1);
#endif
}
