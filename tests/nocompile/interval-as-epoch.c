/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A record of one scheme is none of another.
 * expect: incompatible */

#include <weir/guard.h>

weir_section misuse(weir_interval_record *record);

weir_section misuse(weir_interval_record *record)
{
#ifdef MISUSE
    return weir_epoch_enter(record);
#else
    return weir_interval_enter(record);
#endif
}
