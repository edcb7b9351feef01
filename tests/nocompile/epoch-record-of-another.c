/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A record of one kind is no record of another: their sections mean different things.
 * expect: incompatible */

#include <weir/epoch.h>
#include <weir/interval.h>

weir_section misuse(weir_epoch_record *record, weir_interval_record *other);

weir_section misuse(weir_epoch_record *record, weir_interval_record *other)
{
#ifdef MISUSE
    (void)record;
    return weir_epoch_enter(other);
#else
    (void)other;
    return weir_epoch_enter(record);
#endif
}
