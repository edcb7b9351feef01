/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A section ends by what its enter said: without one there is nothing to exit.
 * expect: too few arguments */

#include <weir/epoch.h>

void misuse(weir_epoch_record *record);

void misuse(weir_epoch_record *record)
{
    const weir_section section = weir_epoch_enter(record);

#ifdef MISUSE
    (void)section;
    weir_epoch_exit(record);
#else
    weir_epoch_exit(record, section);
#endif
}
