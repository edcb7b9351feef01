/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A guard's record knows its scheme at run time: the hazards' face would overlook it.
 * expect: incompatible */

#include <weir/guard.h>

void misuse(weir_guard_record *record, weir_hazard_record *hazards, void *object);

void misuse(weir_guard_record *record, weir_hazard_record *hazards, void *object)
{
#ifdef MISUSE
    (void)hazards;
    weir_hazard_set(record, 0, object);
#else
    (void)record;
    weir_hazard_set(hazards, 0, object);
#endif
}
