/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A receive writes: what is constant is no place for it.
 * expect: qualifier */

#include <weir/select.h>

void misuse(weir_select_arm *arm, weir_chan *chan, int *number, const int *constant);

void misuse(weir_select_arm *arm, weir_chan *chan, int *number, const int *constant)
{
#ifdef MISUSE
    (void)number;
    weir_select_recv(arm, chan, constant);
#else
    (void)constant;
    weir_select_recv(arm, chan, number);
#endif
}
