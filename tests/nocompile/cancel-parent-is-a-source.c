/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A child needs its parent's token alone.
 * expect: incompatible */

#include <weir/cancel.h>

void misuse(weir_cancel_source *child, weir_cancel_source *parent);

void misuse(weir_cancel_source *child, weir_cancel_source *parent)
{
#ifdef MISUSE
    weir_cancel_source_init(child, parent, WEIR_FOREVER);
#else
    weir_cancel_source_init(child, weir_cancel_source_token(parent), WEIR_FOREVER);
#endif
}
