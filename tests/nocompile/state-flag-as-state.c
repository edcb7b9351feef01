/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The contract is in the type: a flag has no other states than up and down.
 * expect: incompatible */

#include <weir/state.h>

bool misuse(weir_flag *flag, weir_state *state);

bool misuse(weir_flag *flag, weir_state *state)
{
#ifdef MISUSE
    (void)state;
    return weir_state_move(flag, 1, 2);
#else
    return weir_flag_test(flag) && weir_state_move(state, 1, 2);
#endif
}
