/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A program may not be there: what start says must not be ignored.
 * expect: unused */

#include <weir/child.h>

int misuse(weir_child *child, weir_loop *loop, const weir_child_options *options,
           void (*ended)(weir_child *child, int status));

int misuse(weir_child *child, weir_loop *loop, const weir_child_options *options,
           void (*ended)(weir_child *child, int status))
{
#ifdef MISUSE
    weir_child_start(child, loop, options, ended);
    return 0;
#else
    return weir_child_start(child, loop, options, ended);
#endif
}
