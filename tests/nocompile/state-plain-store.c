/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A state is left by a transition, not by an assignment.
 * expect: incompatible type */

#include <weir/state.h>

bool misuse(weir_state *state);

bool misuse(weir_state *state)
{
#ifdef MISUSE
    *state = 1;
    return true;
#else
    return weir_state_move(state, 0, 1);
#endif
}
