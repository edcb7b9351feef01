/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#define WEIR_CHECKED 1

#include <weir/state.h>

#include "test.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 300 };

static void run_threads(void *(*body)(void *), void *argument)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, body, argument) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

/* ---- weir_flag ---- */

static weir_flag down = WEIR_FLAG_INIT;

static void flag_is_raised_once(void)
{
    weir_flag flag;

    CHECK(!weir_flag_test(&down));
    weir_flag_init(&flag);
    CHECK(!weir_flag_test(&flag));
    weir_flag_clear(&flag); /* nothing happens */
    CHECK(!weir_flag_set(&flag));
    CHECK(weir_flag_test(&flag));
    CHECK(weir_flag_set(&flag));
    CHECK(weir_flag_set(&flag));
    weir_flag_clear(&flag);
    CHECK(!weir_flag_test(&flag));
    CHECK(!weir_flag_set(&flag));
}

static struct {
    weir_flag flag;
    uint64_t payload; /* plain: the flag orders it */
    WEIR_ATOMIC(uint32_t) first;
} shared;

static void *raise_or_look(void *argument)
{
    (void)argument;
    if (!weir_flag_set(&shared.flag)) {
        /* relaxed: read after the join. */
        weir_atomic_fetch_add(&shared.first, 1, WEIR_RELAXED);
    }
    return NULL;
}

static void one_thread_is_first(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        weir_flag_init(&shared.flag);
        weir_atomic_init(&shared.first, 0);
        run_threads(raise_or_look, NULL);
        /* relaxed: joined. */
        CHECK_EQ(weir_atomic_load(&shared.first, WEIR_RELAXED), 1);
    }
}

static void *write_and_raise(void *argument)
{
    (void)argument;
    shared.payload = UINT64_C(0x5eed);
    weir_flag_set(&shared.flag);
    return NULL;
}

static void flag_carries_what_was_written(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t thread;

        weir_flag_init(&shared.flag);
        shared.payload = 0;
        CHECK(pthread_create(&thread, NULL, write_and_raise, NULL) == 0);
        while (!weir_flag_test(&shared.flag))
            continue;
        CHECK_EQ(shared.payload, 0x5eed);
        CHECK(pthread_join(thread, NULL) == 0);
    }
}

static void *one_at_a_time(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS;) {
        if (weir_flag_set(&shared.flag))
            continue;
        shared.payload++; /* plain: whoever raised the flag owns it */
        weir_flag_clear(&shared.flag);
        i++;
    }
    return NULL;
}

static void clear_hands_over(void)
{
    weir_flag_init(&shared.flag);
    shared.payload = 0;
    run_threads(one_at_a_time, NULL);
    CHECK_EQ(shared.payload, THREADS * ROUNDS);
}

/* ---- weir_state ---- */

enum { IDLE, CONNECTING, OPEN, CLOSED, FAR = 31, BEYOND = 32 };

static const weir_transition to_connect = {"connect", WEIR_STATE_BIT(IDLE), CONNECTING};
static const weir_transition to_open = {"open", WEIR_STATE_BIT(CONNECTING), OPEN};
static const weir_transition to_close = {
    "close", WEIR_STATE_BIT(IDLE) | WEIR_STATE_BIT(CONNECTING) | WEIR_STATE_BIT(OPEN), CLOSED};

static weir_state connection = WEIR_STATE_INIT(IDLE);

static void moves_only_from_where_it_is(void)
{
    weir_state s;

    CHECK_EQ(weir_state_read(&connection), IDLE);
    weir_state_init(&s, UINT32_MAX);
    CHECK_EQ(weir_state_read(&s), UINT32_MAX);
    CHECK(!weir_state_move(&s, 0, 1));
    CHECK(weir_state_move(&s, UINT32_MAX, 0));
    CHECK(weir_state_move(&s, 0, 0)); /* to itself is a move */
    CHECK_EQ(weir_state_read(&s), 0);
}

static void takes_named_transitions(void)
{
    uint32_t met = 77;

    CHECK(!weir_state_take(&connection, &to_open, &met));
    CHECK_EQ(met, IDLE);
    CHECK(weir_state_take(&connection, &to_connect, &met));
    CHECK_EQ(met, IDLE);
    CHECK(weir_state_take(&connection, &to_open, NULL));
    CHECK(weir_state_take(&connection, &to_close, &met));
    CHECK_EQ(met, OPEN);
    CHECK(!weir_state_take(&connection, &to_close, &met));
    CHECK_EQ(met, CLOSED);
    CHECK(strcmp(to_close.name, "close") == 0);
}

static void states_beyond_the_mask_are_left_alone(void)
{
    const weir_transition from_all = {"any", UINT32_MAX, IDLE};
    const weir_transition from_none = {"none", 0, IDLE};
    uint32_t met = 0;
    weir_state s = WEIR_STATE_INIT(BEYOND);

    CHECK(!weir_state_take(&s, &from_all, &met));
    CHECK_EQ(met, BEYOND);
    CHECK(weir_state_move(&s, BEYOND, FAR));
    CHECK(!weir_state_take(&s, &from_none, &met));
    CHECK(weir_state_take(&s, &from_all, &met));
    CHECK_EQ(met, FAR);
    CHECK_EQ(weir_state_read(&s), IDLE);
}

static struct {
    weir_state state;
    WEIR_ATOMIC(uint32_t) connected, opened, closed;
    uint64_t payload; /* plain: the moves order it */
} link_;

static void *live(void *argument)
{
    uint32_t met;

    (void)argument;
    if (weir_state_take(&link_.state, &to_connect, NULL)) {
        link_.payload = 1;
        /* relaxed: read after the join. */
        weir_atomic_fetch_add(&link_.connected, 1, WEIR_RELAXED);
        if (weir_state_take(&link_.state, &to_open, NULL)) {
            /* relaxed: read after the join. */
            weir_atomic_fetch_add(&link_.opened, 1, WEIR_RELAXED);
        }
    }
    if (weir_state_take(&link_.state, &to_close, &met)) {
        /* relaxed: read after the join. */
        weir_atomic_fetch_add(&link_.closed, 1, WEIR_RELAXED);
        if (met == OPEN)
            CHECK_EQ(link_.payload, 1);
    } else {
        CHECK_EQ(met, CLOSED);
    }
    return NULL;
}

static void each_transition_has_one_winner(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        weir_state_init(&link_.state, IDLE);
        weir_atomic_init(&link_.connected, 0);
        weir_atomic_init(&link_.opened, 0);
        weir_atomic_init(&link_.closed, 0);
        link_.payload = 0;
        run_threads(live, NULL);
        CHECK_EQ(weir_state_read(&link_.state), CLOSED);
        /* relaxed: joined. */
        CHECK_EQ(weir_atomic_load(&link_.connected, WEIR_RELAXED), 1);
        CHECK(weir_atomic_load(&link_.opened, WEIR_RELAXED) <= 1);
        CHECK_EQ(weir_atomic_load(&link_.closed, WEIR_RELAXED), 1);
    }
}

int main(void)
{
    return TEST_RUN("state", TEST_CASE(flag_is_raised_once), TEST_CASE(one_thread_is_first),
                    TEST_CASE(flag_carries_what_was_written), TEST_CASE(clear_hands_over),
                    TEST_CASE(moves_only_from_where_it_is), TEST_CASE(takes_named_transitions),
                    TEST_CASE(states_beyond_the_mask_are_left_alone),
                    TEST_CASE(each_transition_has_one_winner));
}
