/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* If start fails nobody is called: what it says must not be ignored.
 * expect: unused */

#include <weir/resolve.h>

int misuse(weir_resolve *resolve, weir_loop *loop, weir_blocking *pool,
           void (*done)(weir_resolve *resolve, int status, const struct addrinfo *list));

int misuse(weir_resolve *resolve, weir_loop *loop, weir_blocking *pool,
           void (*done)(weir_resolve *resolve, int status, const struct addrinfo *list))
{
#ifdef MISUSE
    weir_resolve_start(resolve, loop, pool, "localhost", "http", NULL, WEIR_FOREVER, done);
    return 0;
#else
    return weir_resolve_start(resolve, loop, pool, "localhost", "http", NULL, WEIR_FOREVER, done);
#endif
}
