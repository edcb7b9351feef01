/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Who drops what enter returns cannot exit.
 * expect: unused-result
 * expect: warn_unused_result */

#include <weir/epoch.h>

void misuse(weir_epoch_record *record);

void misuse(weir_epoch_record *record)
{
#ifdef MISUSE
    weir_epoch_enter(record);
#else
    weir_epoch_exit(record, weir_epoch_enter(record));
#endif
}
