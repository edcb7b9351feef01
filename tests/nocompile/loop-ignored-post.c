/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A loop that was closed takes no post: what it says must not be ignored.
 * expect: unused */

#include <weir/loop.h>

int misuse(weir_loop *loop, weir_job *job);

int misuse(weir_loop *loop, weir_job *job)
{
#ifdef MISUSE
    weir_loop_post(loop, job);
    return 0;
#else
    return weir_loop_post(loop, job);
#endif
}
