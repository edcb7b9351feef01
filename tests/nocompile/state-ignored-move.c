/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Who does not ask whether the move was made does not know the state.
 * expect: unused */

#include <weir/state.h>

bool misuse(weir_state *state);

bool misuse(weir_state *state)
{
#ifdef MISUSE
    weir_state_move(state, 0, 1);
    return true;
#else
    return weir_state_move(state, 0, 1);
#endif
}
