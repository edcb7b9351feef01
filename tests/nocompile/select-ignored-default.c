/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A default is no arm: who tries must look whether one happened.
 * expect: unused */

#include <weir/select.h>

int misuse(weir_select_arm *arm);

int misuse(weir_select_arm *arm)
{
#ifdef MISUSE
    weir_select_try(arm, 1);
    return arm->status;
#else
    return weir_select_try(arm, 1) < 0 ? -1 : arm->status;
#endif
}
