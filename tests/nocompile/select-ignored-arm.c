/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Which arm happened, or none: what a select says must not be ignored.
 * expect: unused */

#include <weir/select.h>

int misuse(weir_select_arm *arms);

int misuse(weir_select_arm *arms)
{
#ifdef MISUSE
    weir_select(arms, 2, WEIR_FOREVER, NULL);
    return 0;
#else
    return weir_select(arms, 2, WEIR_FOREVER, NULL);
#endif
}
