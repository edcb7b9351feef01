/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A latch opens once, for good: nothing is added to it. A wait group is what can be used again.
 * expect: incompatible */

#include <weir/sem.h>

void misuse(weir_latch *latch, weir_wait_group *group);

void misuse(weir_latch *latch, weir_wait_group *group)
{
#ifdef MISUSE
    (void)group;
    weir_wait_group_add(latch, 1);
#else
    (void)latch;
    weir_wait_group_add(group, 1);
#endif
}
