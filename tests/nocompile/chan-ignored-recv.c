/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A receive that failed has received nothing: what the typed one says must not be ignored.
 * expect: unused */

#include <weir/chan.h>

WEIR_CHAN_DEFINE(number_chan, int);

int misuse(number_chan *chan);

int misuse(number_chan *chan)
{
    int number = 0;

#ifdef MISUSE
    number_chan_recv(chan, &number, WEIR_FOREVER, NULL);
    return number;
#else
    return number_chan_recv(chan, &number, WEIR_FOREVER, NULL) == 0 ? number : -1;
#endif
}
