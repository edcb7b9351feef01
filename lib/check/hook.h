/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/hook.h: what functions have in common that the code under test calls without knowing
 * that they are the checker's. Private. */

#ifndef WEIR_LIB_CHECK_HOOK_H
#define WEIR_LIB_CHECK_HOOK_H

#include "inside.h"

#define CALLER __builtin_return_address(0)

/* A function without a header: declared, and then defined. */
#define HOOK(type, name, ...)        \
    WEIR_API type name(__VA_ARGS__); \
    type name(__VA_ARGS__)

WEIR_ALWAYS_INLINE bool in_a_run(void)
{
    return weir__check_self >= 0;
}

#endif /* WEIR_LIB_CHECK_HOOK_H */
