/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A callback is told the reason.
 * expect: incompatible */

#include <weir/cancel.h>

void closes(void *context);
void closes_for(void *context, int reason);
bool misuse(weir_cancel *token, weir_cancel_callback *callback, int *file);

bool misuse(weir_cancel *token, weir_cancel_callback *callback, int *file)
{
#ifdef MISUSE
    return weir_cancel_register(token, callback, closes, file);
#else
    return weir_cancel_register(token, callback, closes_for, file);
#endif
}
