/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/state.h under the step harness. */

#include "step-word.h"

#include <weir/state.h>

/* Own instructions, with those of the functions that call the operation: half as many again as
 * the most that gcc or clang make of it at -O0, which is 71; at -O2 it is 19. */
#define WAIT_FREE 110

/* ---- the flag ---- */

static weir_flag flag;

static uint64_t flag_set(uint64_t argument)
{
    (void)argument;
    return weir_flag_set(&flag);
}

static uint64_t flag_set_model(uint64_t *word, uint64_t argument)
{
    const uint64_t old = *word;

    (void)argument;
    *word = 1;
    return old;
}

static uint64_t flag_test(uint64_t argument)
{
    (void)argument;
    return weir_flag_test(&flag);
}

static uint64_t flag_test_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    return *word;
}

static uint64_t flag_clear(uint64_t argument)
{
    (void)argument;
    weir_flag_clear(&flag);
    return 0;
}

static uint64_t flag_clear_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    *word = 0;
    return 0;
}

static void flag_make(uint64_t word)
{
    weir_flag_init(&flag);
    if (word != 0)
        weir_flag_set(&flag);
}

static uint64_t flag_read(void)
{
    return weir_flag_test(&flag);
}

static const word_operation flag_operations[] = {
    {"flag_set", flag_set, flag_set_model, 0, WAIT_FREE, 0},
    {"flag_test", flag_test, flag_test_model, 0, WAIT_FREE, 0},
    {"flag_clear", flag_clear, flag_clear_model, 0, WAIT_FREE, 0},
};

static const word_object flag_object = {flag_make, flag_read, flag_operations,
                                        COUNT(flag_operations)};

static const word_script flag_scripts[] = {
    {"set", {{&flag_operations[0]}}},
    {"clear, set", {{&flag_operations[2], &flag_operations[0]}}},
    {"one sets, one clears", {{&flag_operations[0]}, {&flag_operations[2]}}},
};

/* ---- the state ---- */

enum { IDLE, BUSY, CLOSED };

static weir_state state;

/* From idle or busy to closed. */
static const weir_transition close_it = {"close", WEIR_STATE_BIT(IDLE) | WEIR_STATE_BIT(BUSY),
                                         CLOSED};

/* The argument is the two states. */
static uint64_t state_move(uint64_t argument)
{
    return weir_state_move(&state, (uint32_t)argument / 10, (uint32_t)argument % 10);
}

static uint64_t state_move_model(uint64_t *word, uint64_t argument)
{
    if (*word != argument / 10)
        return false;
    *word = argument % 10;
    return true;
}

static uint64_t state_take(uint64_t argument)
{
    uint32_t met = 0;
    const bool done = weir_state_take(&state, &close_it, &met);

    (void)argument;
    return met * 2 + done;
}

static uint64_t state_take_model(uint64_t *word, uint64_t argument)
{
    const uint64_t met = *word;

    (void)argument;
    if (met == CLOSED)
        return met * 2;
    *word = CLOSED;
    return met * 2 + 1;
}

static uint64_t state_read(uint64_t argument)
{
    (void)argument;
    return weir_state_read(&state);
}

static uint64_t state_read_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    return *word;
}

static void state_make(uint64_t word)
{
    weir_state_init(&state, (uint32_t)word);
}

static uint64_t state_now(void)
{
    return weir_state_read(&state);
}

static const word_operation state_operations[] = {
    {"state_move (idle to busy)", state_move, state_move_model, 10 * IDLE + BUSY, WAIT_FREE, 0},
    {"state_move (busy to idle)", state_move, state_move_model, 10 * BUSY + IDLE, WAIT_FREE, 0},
    {"state_take", state_take, state_take_model, 0, 0, 0},
    {"state_read", state_read, state_read_model, 0, WAIT_FREE, 0},
};

static const word_object state_object = {state_make, state_now, state_operations,
                                         COUNT(state_operations)};

static const word_script state_scripts[] = {
    {"idle to busy", {{&state_operations[0]}}},
    {"busy to idle, and back", {{&state_operations[1], &state_operations[0]}}},
    {"one moves, one closes", {{&state_operations[0]}, {&state_operations[2]}}},
};

int main(void)
{
    static const uint64_t words[] = {0, 1};
    static const uint64_t states[] = {IDLE, BUSY, CLOSED};

    weir_step_begin("step-state");
    word_sweep(&flag_object, flag_scripts, COUNT(flag_scripts), words, COUNT(words));
    word_matrix(&flag_object, words, COUNT(words));
    word_sweep(&state_object, state_scripts, COUNT(state_scripts), states, COUNT(states));
    word_matrix(&state_object, states, COUNT(states));
    return weir_step_end();
}
