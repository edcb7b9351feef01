/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A loop may have ended before its end: what it says must not be ignored.
 * expect: unused */

#include <weir/parallel.h>

int misuse(const weir_parallel *how, weir_parallel_body *body);

int misuse(const weir_parallel *how, weir_parallel_body *body)
{
#ifdef MISUSE
    weir_parallel_for(how, 0, 10, body, NULL);
    return 0;
#else
    return weir_parallel_for(how, 0, 10, body, NULL);
#endif
}
