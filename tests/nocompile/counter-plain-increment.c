/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A counter is no number: nobody adds to it by mistake without the atomic operation.
 * expect: argument to increment
 * expect: cannot increment */

#include <weir/counter.h>

void misuse(weir_counter *counter);

void misuse(weir_counter *counter)
{
#ifdef MISUSE
    (*counter)++;
#else
    weir_counter_inc(counter);
#endif
}
