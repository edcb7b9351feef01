/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* An enqueue may want memory: what it says must not be ignored.
 * expect: unused */

#include <weir/umpmc.h>

int misuse(weir_umpmc *queue, weir_guard_record *me);

int misuse(weir_umpmc *queue, weir_guard_record *me)
{
#ifdef MISUSE
    weir_umpmc_enqueue(queue, me, 16);
    return 0;
#else
    return weir_umpmc_enqueue(queue, me, 16);
#endif
}
