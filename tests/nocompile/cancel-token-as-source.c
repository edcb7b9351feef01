/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Who has only the token cannot cancel.
 * expect: incompatible */

#include <weir/cancel.h>

bool misuse(weir_cancel_source *source, weir_cancel *token);

bool misuse(weir_cancel_source *source, weir_cancel *token)
{
#ifdef MISUSE
    (void)source;
    return weir_cancel_source_cancel(token, 1);
#else
    return weir_cancel_check(token) != 0 || weir_cancel_source_cancel(source, 1);
#endif
}
