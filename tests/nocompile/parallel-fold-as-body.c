/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A fold adds to a sum that it is given; a loop has none to give.
 * expect: incompatible */

#include <weir/parallel.h>

int misuse(const weir_parallel *how, weir_parallel_body *body, weir_parallel_fold *fold);

int misuse(const weir_parallel *how, weir_parallel_body *body, weir_parallel_fold *fold)
{
#ifdef MISUSE
    (void)body;
    return weir_parallel_for(how, 0, 10, fold, NULL);
#else
    (void)fold;
    return weir_parallel_for(how, 0, 10, body, NULL);
#endif
}
