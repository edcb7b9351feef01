/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A call is posted by its job: a loop knows jobs alone.
 * expect: incompatible */

#include <weir/loop.h>

int misuse(weir_loop *loop, weir_call *call);

int misuse(weir_loop *loop, weir_call *call)
{
#ifdef MISUSE
    return weir_loop_post(loop, call);
#else
    return weir_loop_post(loop, &call->job);
#endif
}
