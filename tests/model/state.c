/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/state.c: weir_flag and weir_state: each operation beside each other, and what each of
 * them carries, and takes over, in plain memory. */

#include "model.h"

#include <weir/state.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { IDLE, READY, DONE, STATES };

enum { SET, TEST, CLEAR, FLAG_OPERATIONS, READ = FLAG_OPERATIONS, START, FINISH, STOP, OPERATIONS };

static const char *const names[] = {"set",           "test",          "clear",    "read",
                                    "move to READY", "READY to DONE", "take back"};

static const weir_transition finish = {"finish", WEIR_STATE_BIT(READY), DONE};
static const weir_transition back = {"back", WEIR_STATE_BIT(READY) | WEIR_STATE_BIT(DONE), IDLE};

static weir_flag flag;
static weir_state state;
static int before; /* plain: written before something */

/* ---- any operations at once ---- */

typedef struct both {
    uint32_t up, state;
} both;

static uint64_t operate(int operation)
{
    uint32_t met;
    bool done;

    switch (operation) {
    case SET:
        return weir_flag_set(&flag);
    case TEST:
        return weir_flag_test(&flag);
    case CLEAR:
        weir_flag_clear(&flag);
        return 0;
    case START:
        return weir_state_move(&state, IDLE, READY);
    case FINISH:
        done = weir_state_take(&state, &finish, &met);
        return (done ? STATES : 0) + met;
    case STOP:
        done = weir_state_take(&state, &back, &met);
        return (done ? STATES : 0) + met;
    default:
        return weir_state_read(&state);
    }
}

/* Returns: what the operation returns. */
static uint64_t change(both *b, int operation)
{
    const both was = *b;

    switch (operation) {
    case SET:
        b->up = 1;
        return was.up;
    case TEST:
        return was.up;
    case CLEAR:
        b->up = 0;
        return 0;
    case START:
        b->state = was.state == IDLE ? READY : was.state;
        return was.state == IDLE;
    case FINISH:
        b->state = was.state == READY ? DONE : was.state;
        return (was.state == READY ? STATES : 0) + was.state;
    case STOP:
        b->state = IDLE;
        return (was.state != IDLE ? STATES : 0) + was.state;
    default:
        return was.state;
    }
}

static bool apply(void *s, int operation, uint64_t argument, const uint64_t *result)
{
    const uint64_t returned = change((both *)s, operation);

    (void)argument;
    return result == NULL || *result == returned;
}

static const weir_check_spec spec = {sizeof(both), NULL, apply, names};

static void recorded(unsigned operation)
{
    const unsigned call = weir_check_call((int)operation, 0);

    weir_check_return(call, operate((int)operation));
}

static void of_flag(void *unused)
{
    (void)unused;
    recorded(weir_check_choose(FLAG_OPERATIONS));
}

static void of_state(void *unused)
{
    (void)unused;
    recorded(READ + weir_check_choose(OPERATIONS - READ));
}

/* No take: that is not wait-free. */
static void of_state_wait_free(void *unused)
{
    (void)unused;
    recorded(READ + weir_check_choose(2));
}

static void begin(void)
{
    weir_flag_init(&flag);
    weir_state_init(&state, IDLE);
    before = 0;
    weir_check_history(&spec);
}

static void two(void (*body)(void *), unsigned first, unsigned number)
{
    begin();
    recorded(first + weir_check_choose(number));
    weir_check_thread(body, NULL);
    weir_check_thread(body, NULL);
    weir_check_join_all();
    recorded(TEST);
    recorded(READ);
}

static void two_of_flag(void *unused)
{
    (void)unused;
    two(of_flag, 0, FLAG_OPERATIONS);
}

static void two_of_state(void *unused)
{
    (void)unused;
    two(of_state, READ, 2);
}

static void two_of_state_wait_free(void *unused)
{
    (void)unused;
    two(of_state_wait_free, READ, 2);
}

static void three_of_state(void *unused)
{
    (void)unused;
    begin();
    weir_check_thread(of_state, NULL);
    weir_check_thread(of_state, NULL);
    of_state(NULL);
    weir_check_join_all();
    recorded(READ);
}

/* ---- the flag carries ---- */

static void raises(void *unused)
{
    (void)unused;
    before = 1;
    (void)weir_flag_set(&flag);
}

static void lowers(void *unused)
{
    (void)unused;
    before = 1;
    weir_flag_clear(&flag);
}

static void finds_it_up(void *unused)
{
    (void)unused;
    if (weir_flag_test(&flag))
        weir_check_assert(before == 1);
}

static void was_late(void *unused)
{
    (void)unused;
    if (weir_flag_set(&flag))
        weir_check_assert(before == 1);
}

static void finds_it_down(void *unused)
{
    (void)unused;
    if (!weir_flag_test(&flag))
        weir_check_assert(before == 1);
}

static void raises_it_again(void *unused)
{
    (void)unused;
    if (!weir_flag_set(&flag))
        weir_check_assert(before == 1);
}

/* Sees by a look at the word, which carries nothing, that what it lowers has been raised. */
static void lowers_it(void *unused)
{
    (void)unused;
    if (weir_atomic_load(&flag.word, WEIR_RELAXED) == 0)
        return;
    weir_flag_clear(&flag);
    weir_check_assert(before == 1);
}

static void works_alone(void *unused)
{
    (void)unused;
    if (weir_flag_set(&flag))
        return;
    before++;
    weir_flag_clear(&flag);
}

/* ---- the state carries ---- */

static const weir_transition from_idle = {"from idle", WEIR_STATE_BIT(IDLE), DONE};

static void starts(void *unused)
{
    (void)unused;
    before = 1;
    (void)!weir_state_move(&state, IDLE, READY);
}

static void reads(void *unused)
{
    (void)unused;
    if (weir_state_read(&state) != IDLE)
        weir_check_assert(before == 1);
}

static void moves_on(void *unused)
{
    (void)unused;
    if (weir_state_move(&state, READY, DONE))
        weir_check_assert(before == 1);
}

static void may_not_move(void *unused)
{
    (void)unused;
    if (!weir_state_move(&state, IDLE, DONE))
        weir_check_assert(before == 1);
}

static void takes_on(void *unused)
{
    (void)unused;
    if (weir_state_take(&state, &finish, NULL))
        weir_check_assert(before == 1);
}

static void may_not_take(void *unused)
{
    uint32_t met;

    (void)unused;
    if (!weir_state_take(&state, &from_idle, &met)) {
        weir_check_assert(met == READY);
        weir_check_assert(before == 1);
    }
}

/* READY comes a second time, and with more: a take that has read the first may meet the second. */
static void starts_again(void *unused)
{
    (void)unused;
    weir_check_assert(weir_state_move(&state, IDLE, READY));
    if (weir_state_move(&state, READY, IDLE)) {
        before = 1;
        weir_check_assert(weir_state_move(&state, IDLE, READY));
    }
}

static void takes_either(void *unused)
{
    (void)unused;
    if (weir_state_take(&state, &finish, NULL))
        weir_check_assert(before == 0 || before == 1);
}

static void finishes(void *unused)
{
    (void)unused;
    before = 1;
    weir_check_assert(weir_state_take(&state, &finish, NULL));
}

static void finds_it_done(void *unused)
{
    (void)unused;
    if (weir_state_read(&state) == DONE)
        weir_check_assert(before == 1);
}

/* ---- scenarios ---- */

typedef struct scene {
    bool up; /* at first */
    int state;
    void (*one)(void *unused);
    void (*other)(void *unused);
} scene;

static void play(void *of)
{
    const scene *const s = (const scene *)of;

    weir_flag_init(&flag);
    if (s->up)
        (void)weir_flag_set(&flag);
    weir_state_init(&state, (uint32_t)s->state);
    before = 0;
    weir_check_thread(s->one, NULL);
    weir_check_thread(s->other, NULL);
    weir_check_join_all();
}

static const scene scenes[] = {
    {false, IDLE, raises, finds_it_up},
    {false, IDLE, raises, was_late},
    {true, IDLE, lowers, finds_it_down},
    {true, IDLE, lowers, raises_it_again},
    {false, IDLE, raises, lowers_it},
    {false, IDLE, works_alone, works_alone},
    {false, IDLE, starts, reads},
    {false, IDLE, starts, moves_on},
    {false, IDLE, starts, may_not_move},
    {false, IDLE, starts, takes_on},
    {false, IDLE, starts, may_not_take},
    {false, IDLE, starts_again, takes_either},
    {false, READY, finishes, finds_it_done},
};

#define SCENE(name, n)                               \
    {                                                \
        name, play, (uintptr_t)&scenes[n], false, 0, \
        {                                            \
            0                                        \
        }                                            \
    }
/* A read-modify-write is two steps. */
#define WAIT_FREE                                    \
    {                                                \
        .progress = WEIR_CHECK_WAIT_FREE, .steps = 2 \
    }
#define LOCK_FREE                        \
    {                                    \
        .progress = WEIR_CHECK_LOCK_FREE \
    }

static const scenario scenarios[] = {
    {"flag: any two operations", two_of_flag, 0, false, 0, WAIT_FREE},
    {"state: any two but take", two_of_state_wait_free, 0, false, 0, WAIT_FREE},
    {"state: any two", two_of_state, 0, false, 0, LOCK_FREE},
    {"state: any three", three_of_state, 0, false, 0, {0}},
    {"state: any three, lock-free", three_of_state, 0, true, 0, LOCK_FREE},
    SCENE("flag: up for who tests", 0),
    SCENE("flag: up for who is late", 1),
    SCENE("flag: down for who tests", 2),
    SCENE("flag: down for who raises it", 3),
    SCENE("flag: up for who lowers it", 4),
    SCENE("flag: one at a time", 5),
    SCENE("state: for who reads", 6),
    SCENE("state: for who moves it", 7),
    SCENE("state: for who may not move it", 8),
    SCENE("state: for who takes it", 9),
    SCENE("state: for who may not take it", 10),
    SCENE("state: the same again", 11),
    SCENE("state: take carries too", 12),
};

MODEL_MAIN("state", scenarios)
