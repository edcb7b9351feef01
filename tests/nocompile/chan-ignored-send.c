/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A send may fail, and then the value is still the caller's: what it says must not be ignored.
 * expect: unused */

#include <weir/chan.h>

int misuse(weir_chan *chan, const int *value);

int misuse(weir_chan *chan, const int *value)
{
#ifdef MISUSE
    weir_chan_send(chan, value, WEIR_FOREVER, NULL);
    return 0;
#else
    return weir_chan_send(chan, value, WEIR_FOREVER, NULL);
#endif
}
