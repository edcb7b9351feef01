/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* An arm is of a weir_chan; that of a typed channel is NAME_chan().
 * expect: incompatible */

#include <weir/select.h>

WEIR_CHAN_DEFINE(number_chan, int);

void misuse(weir_select_arm *arm, number_chan *chan, int *number);

void misuse(weir_select_arm *arm, number_chan *chan, int *number)
{
#ifdef MISUSE
    weir_select_recv(arm, chan, number);
#else
    weir_select_recv(arm, number_chan_chan(chan), number);
#endif
}
