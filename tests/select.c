/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What a select does with nobody else there, or with one who waits; selects that meet each other
 * are in tests/select_meet.c. Each case says whose behaviour it is. */

#include "chan.h"

enum { WIDE = 5 };

/* The arms of a test, all of which receive from the channels into values[]. */
static void receive_from(weir_select_arm *arms, weir_chan *const *chans, uint64_t *values, size_t n)
{
    memset(arms, 0, n * sizeof arms[0]);
    for (size_t i = 0; i < n; i++)
        weir_select_recv(&arms[i], chans[i], &values[i]);
}

/* ---- which arm ---- */

/* crossbeam, select "smoke1", "smoke2": the arm that is ready, of however many. */
static void the_one_that_is_ready(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *chans[WIDE];
        weir_select_arm arms[WIDE];
        uint64_t values[WIDE];

        if (chan_kinds[k].capacity == 0)
            continue;
        for (size_t i = 0; i < WIDE; i++)
            chans[i] = chan_begin_kind(&chan_kinds[k]);
        for (size_t round = 0; round < 4 * WIDE; round++) {
            const size_t ready = round * 3 % WIDE;
            int got;

            receive_from(arms, chans, values, WIDE);
            for (size_t i = 0; i < WIDE; i++)
                values[i] = 12345;
            CHECK_EQ(chan_put(chans[ready], round), 0);
            got = round % 2 == 0 ? weir_select_try(arms, WIDE)
                                 : weir_select(arms, WIDE, WEIR_FOREVER, NULL);
            CHECK_EQ(got, ready);
            CHECK_EQ(arms[ready].status, 0);
            for (size_t i = 0; i < WIDE; i++)
                CHECK_EQ(values[i], i == ready ? round : 12345);
            CHECK_EQ(weir_select_try(arms, WIDE), -EAGAIN);
            CHECK_EQ(weir_select(arms, WIDE, 0, NULL), -ETIMEDOUT);
        }
        for (size_t i = 0; i < WIDE; i++)
            chan_end(chans[i]);
    }
}

/* Go, spec "Select statements"; crossbeam, select "send": a send is ready when there is room. */
static void a_send_that_has_room(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        const size_t capacity = chan_kinds[k].capacity;
        const size_t room = capacity == WEIR_CHAN_UNBOUNDED ? 40 : capacity;
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        weir_select_arm arm;
        uint64_t value;

        memset(&arm, 0, sizeof arm);
        weir_select_send(&arm, chan, &value);
        for (value = 0; value < room; value++) {
            CHECK_EQ(weir_select(&arm, 1, value % 2 == 0 ? 0 : WEIR_FOREVER, NULL), 0);
            CHECK_EQ(arm.status, 0);
        }
        if (capacity != WEIR_CHAN_UNBOUNDED) {
            CHECK_EQ(weir_select_try(&arm, 1), -EAGAIN);
            CHECK_EQ(weir_select(&arm, 1, weir_clock_after(MS / 10), NULL), -ETIMEDOUT);
        }
        for (uint64_t i = 0; i < room; i++)
            CHECK_EQ(chan_take(chan), i);
        chan_end(chan);
    }
}

/* Go, spec "Select statements" (default); crossbeam, select "default", "default_only"; libdill
 * "empty pollset". */
static void of_nothing(void)
{
    uint64_t deadline = weir_clock_after(MS), value = 12345;
    weir_chan *const chan = chan_begin(0);
    weir_cancel *const token = token_begin();
    weir_select_arm arms[3];
    weir_chan *const none[3] = {NULL, NULL, NULL};
    uint64_t values[3];
    actor other;

    receive_from(arms, none, values, 3);
    weir_select_send(&arms[1], NULL, &value);
    for (size_t n = 0; n <= 3; n++) {
        /* Go, spec: a nil channel is never ready. */
        CHECK_EQ(weir_select_try(arms, n), -EAGAIN);
        CHECK_EQ(weir_select(arms, n, 0, NULL), -ETIMEDOUT);
        CHECK_EQ(weir_select(arms, n, deadline, NULL), -ETIMEDOUT);
        CHECK(weir_clock_now() >= deadline);
        deadline = weir_clock_after(MS);
        /* Go's select{} never ends; here it is refused, unless something can end it. */
        CHECK_EQ(weir_select(arms, n, WEIR_FOREVER, NULL), -EINVAL);
    }
    CHECK_EQ(weir_select_try(NULL, 0), -EAGAIN);
    CHECK_EQ(weir_select(NULL, 0, 0, NULL), -ETIMEDOUT);
    start_select(&other, arms, 3, WEIR_FOREVER, token);
    sched_yield();
    token_cancel(token);
    CHECK_EQ(actor_join(&other), -ECANCELED);
    CHECK_EQ(weir_select(NULL, 0, WEIR_FOREVER, token), -ECANCELED);
    token_end(token);
    chan_end(chan);
}

/* Go, spec "Select statements": arms without a channel do not disturb the others. */
static void arms_without_a_channel(void)
{
    weir_chan *const chans[3] = {NULL, chan_begin(2), NULL};
    weir_select_arm arms[3];
    uint64_t values[3];

    receive_from(arms, chans, values, 3);
    CHECK_EQ(weir_select_try(arms, 3), -EAGAIN);
    CHECK_EQ(chan_put(chans[1], 6), 0);
    CHECK_EQ(weir_select(arms, 3, WEIR_FOREVER, NULL), 1);
    CHECK_EQ(values[1], 6);
    chan_end(chans[1]);
}

/* The idiom: an arm is switched off by its channel, as one does in Go with nil. */
static void switching_closed_arms_off(void)
{
    weir_chan *const chans[3] = {chan_begin(8), chan_begin(8), chan_begin(8)};
    weir_select_arm arms[3];
    uint64_t values[3], got = 0;
    unsigned open = 3;

    for (size_t c = 0; c < 3; c++) {
        for (uint64_t i = 0; i < 2 + c; i++)
            CHECK_EQ(chan_put(chans[c], i), 0);
        CHECK_EQ(weir_chan_close(chans[c], WEIR_CHAN_DRAIN), 0);
    }
    receive_from(arms, chans, values, 3);
    while (open > 0) {
        const int ready = weir_select(arms, 3, WEIR_FOREVER, NULL);

        CHECK(ready >= 0 && ready < 3 && arms[ready].chan != NULL);
        if (arms[ready].status == -EPIPE) {
            arms[ready].chan = NULL;
            open--;
        } else {
            CHECK_EQ(arms[ready].status, 0);
            got++;
        }
    }
    CHECK_EQ(got, 9);
    for (size_t c = 0; c < 3; c++)
        chan_end(chans[c]);
}

/* The contract of weir_select(). */
static void refuses_bad_input(void)
{
    weir_chan *const chan = chan_begin(1);
    weir_select_arm arms[2];
    uint64_t value = 1;

    memset(arms, 0, sizeof arms);
    weir_select_send(&arms[0], chan, &value);
    weir_select_recv(&arms[1], chan, NULL);
    CHECK_EQ(weir_select_try(arms, 2), -EINVAL);
    CHECK_EQ(weir_select(arms, 2, 0, NULL), -EINVAL);
    CHECK_EQ(weir_select(arms, 2, WEIR_FOREVER, NULL), -EINVAL);
    arms[1].recv = &value;
    arms[1].send = &value;
    CHECK_EQ(weir_select_try(arms, 2), -EINVAL);
    CHECK_EQ(weir_select(arms, 2, WEIR_FOREVER, NULL), -EINVAL);
    CHECK_EQ(weir_select_try(arms, (size_t)WEIR_SELECT_MAX + 1), -EINVAL);
    CHECK_EQ(weir_select(arms, (size_t)WEIR_SELECT_MAX + 1, 0, NULL), -EINVAL);
    CHECK_EQ(weir_select(arms, SIZE_MAX, 0, NULL), -EINVAL);
    CHECK_EQ(weir_chan_size_approx(chan), 0);
    chan_end(chan);
}

/* As many arms as there may be; the last one is ready, at once and later. */
static void the_most_arms(void)
{
    const size_t most = WEIR_SELECT_MAX;
    weir_select_arm *const arms = (weir_select_arm *)calloc(most, sizeof *arms);
    weir_chan *const quiet = chan_begin(0), *const chan = chan_begin(1);
    uint64_t value = 0, never;
    actor other;

    CHECK(arms != NULL);
    for (size_t i = 0; i < most - 1; i++)
        weir_select_recv(&arms[i], quiet, &never);
    weir_select_recv(&arms[most - 1], chan, &value);
    CHECK_EQ(weir_select_try(arms, most), -EAGAIN);
    CHECK_EQ(weir_select(arms, most, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(chan_put(chan, 3), 0);
    CHECK_EQ(weir_select_try(arms, most), most - 1);
    CHECK_EQ(value, 3);
    start_select(&other, arms, most, WEIR_FOREVER, NULL);
    until_receivers(chan, 1);
    CHECK_EQ(chan_put(chan, 4), 0);
    CHECK_EQ(actor_join(&other), most - 1);
    CHECK_EQ(value, 4);
    CHECK_EQ(weir_chan_receivers_approx(quiet), 0);
    free(arms);
    chan_end(chan);
    chan_end(quiet);
}

/* ---- closed channels ---- */

/* Go, spec "Select statements" and "Close"; crossbeam, select "disconnected"; libdill "in on
 * done-with channel fires". */
static void a_closed_channel_is_ready(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        weir_chan *const quiet = chan_begin(0);
        const size_t inside = chan_fill(chan, chan_kinds[k].capacity);
        uint64_t value = 12345;
        weir_select_arm arms[2];

        memset(arms, 0, sizeof arms);
        weir_select_recv(&arms[0], quiet, &value);
        weir_select_recv(&arms[1], chan, &value);
        CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DRAIN), 0);
        for (size_t i = 0; i < inside; i++) {
            CHECK_EQ(weir_select(arms, 2, WEIR_FOREVER, NULL), 1);
            CHECK_EQ(arms[1].status, 0);
            CHECK_EQ(value, i);
        }
        value = 12345;
        for (unsigned again = 0; again < 3; again++) {
            weir_select_recv(&arms[1], chan, &value);
            CHECK_EQ(weir_select(arms, 2, again == 0 ? 0 : WEIR_FOREVER, NULL), 1);
            CHECK_EQ(arms[1].status, -EPIPE);
            CHECK_EQ(weir_select_try(arms, 2), 1);
            CHECK_EQ(arms[1].status, -EPIPE);
            weir_select_send(&arms[1], chan, &value);
            CHECK_EQ(weir_select(arms, 2, again == 0 ? 0 : WEIR_FOREVER, NULL), 1);
            CHECK_EQ(arms[1].status, -EPIPE);
            CHECK_EQ(weir_select_try(arms, 2), 1);
            CHECK_EQ(arms[1].status, -EPIPE);
        }
        CHECK_EQ(value, 12345);
        chan_end(chan);
        chan_end(quiet);
    }
}

/* ---- waiting ---- */

/* libdill, tests/choose.c "blocking receiver", "blocking sender", "unexpired deadline"; crossbeam,
 * select "unblocks": one who comes later wakes it, by each of its arms. */
static void who_comes_later_wakes_it(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        const bool sends = chan_kinds[k].capacity != WEIR_CHAN_UNBOUNDED;
        weir_chan *const in = chan_begin_kind(&chan_kinds[k]);
        weir_chan *const out = chan_begin_kind(&chan_kinds[k]);
        const uint64_t first = sends ? chan_fill(out, chan_kinds[k].capacity) : 0;

        for (unsigned round = 0; round < 6; round++) {
            uint64_t got = 12345, given = first + round / 2;
            const uint64_t hour = weir_clock_after(UINT64_C(3600000) * MS);
            weir_select_arm arms[2];
            actor other;

            memset(arms, 0, sizeof arms);
            weir_select_recv(&arms[0], in, &got);
            if (sends)
                weir_select_send(&arms[1], out, &given);
            else
                weir_select_recv(&arms[1], out, &given);
            start_select(&other, arms, 2, round < 2 ? WEIR_FOREVER : hour, NULL);
            until_receivers(in, 1);
            if (sends)
                until_senders(out, 1);
            if (round % 2 == 0) {
                CHECK_EQ(chan_put(in, round), 0);
                CHECK_EQ(actor_join(&other), 0);
                CHECK_EQ(got, round);
            } else if (sends) {
                CHECK_EQ(chan_take(out), round / 2);
                CHECK_EQ(actor_join(&other), 1);
                CHECK_EQ(got, 12345);
            } else {
                CHECK_EQ(chan_put(out, 55), 0);
                CHECK_EQ(actor_join(&other), 1);
                CHECK_EQ(given, 55);
            }
            CHECK_EQ(arms[round % 2].status, 0);
            CHECK_EQ(weir_chan_receivers_approx(in), 0);
            CHECK_EQ(weir_chan_receivers_approx(out), 0);
            CHECK_EQ(weir_chan_senders_approx(out), 0);
        }
        chan_end(in);
        chan_end(out);
    }
}

/* crossbeam, select "timeout"; libdill "expiration of deadline": not early, and the arms' channels
 * are as before. */
static void a_deadline_ends_it(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const in = chan_begin_kind(&chan_kinds[k]);
        weir_chan *const out = chan_begin_kind(&chan_kinds[k]);
        const size_t inside = chan_fill(out, chan_kinds[k].capacity);
        const uint64_t deadline = weir_clock_after(MS);
        uint64_t got = 12345, given = 5;
        weir_select_arm arms[2];

        memset(arms, 0, sizeof arms);
        weir_select_recv(&arms[0], in, &got);
        weir_select_send(&arms[1], chan_kinds[k].capacity == WEIR_CHAN_UNBOUNDED ? NULL : out,
                         &given);
        CHECK_EQ(weir_select(arms, 2, deadline, NULL), -ETIMEDOUT);
        CHECK(weir_clock_now() >= deadline);
        CHECK_EQ(got, 12345);
        CHECK_EQ(given, 5);
        CHECK_EQ(weir_chan_size_approx(in), 0);
        CHECK_EQ(weir_chan_size_approx(out), inside);
        CHECK_EQ(weir_chan_receivers_approx(in), 0);
        CHECK_EQ(weir_chan_senders_approx(out), 0);
        chan_end(in);
        chan_end(out);
    }
}

/* libdill, tests/chan.c "cancelation", of a select. */
static void a_token_ends_it(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const in = chan_begin_kind(&chan_kinds[k]);
        weir_chan *const out = chan_begin(0);
        weir_cancel *const token = token_begin();
        uint64_t got = 12345, given = 5;
        weir_select_arm arms[2];
        actor other;

        memset(arms, 0, sizeof arms);
        weir_select_recv(&arms[0], in, &got);
        weir_select_send(&arms[1], out, &given);
        start_select(&other, arms, 2, WEIR_FOREVER, token);
        until_receivers(in, 1);
        until_senders(out, 1);
        token_cancel(token);
        CHECK_EQ(actor_join(&other), -ECANCELED);
        CHECK_EQ(got, 12345);
        CHECK_EQ(weir_chan_receivers_approx(in), 0);
        CHECK_EQ(weir_chan_senders_approx(out), 0);
        CHECK_EQ(weir_chan_try_recv(out, &got), -EAGAIN);
        chan_end(in);
        chan_end(out);
        token_end(token);
    }
}

/* ---- one channel in several arms ---- */

/* Go, runtime "TestSelectDuplicateChannel"; libdill "adding the same channel twice"; crossbeam,
 * same_channel: one arm happens, and no other remains behind. */
static void the_same_channel_twice(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        weir_chan *const both[2] = {chan, chan};
        weir_select_arm arms[2];
        uint64_t values[2] = {12345, 12345};
        actor other;
        int got;

        receive_from(arms, both, values, 2);
        CHECK_EQ(weir_select(arms, 2, weir_clock_after(MS / 10), NULL), -ETIMEDOUT);
        for (uint64_t i = 0; i < 4; i++) {
            start_select(&other, arms, 2, WEIR_FOREVER, NULL);
            until_receivers(chan, 1);
            CHECK_EQ(chan_put(chan, i), 0);
            got = actor_join(&other);
            CHECK(got == 0 || got == 1);
            CHECK_EQ(values[got], i);
            CHECK_EQ(values[1 - got], 12345);
            values[got] = 12345;
            CHECK_EQ(weir_chan_receivers_approx(chan), 0);
            CHECK_EQ(weir_chan_size_approx(chan), 0);
        }
        chan_end(chan);
    }
}

/* The same of sends: of two values one is sent, and of which one the select says. */
static void two_sends_of_the_same_channel(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        const uint64_t values[2] = {100, 200};
        weir_select_arm arms[2];
        actor other;
        size_t inside;
        int got;

        memset(arms, 0, sizeof arms);
        weir_select_send(&arms[0], chan, &values[0]);
        weir_select_send(&arms[1], chan, &values[1]);
        if (chan_kinds[k].capacity > 0) {
            got = weir_select(arms, 2, WEIR_FOREVER, NULL);
            CHECK(got == 0 || got == 1);
            CHECK_EQ(weir_chan_size_approx(chan), 1);
            CHECK_EQ(chan_take(chan), values[got]);
        }
        if (chan_kinds[k].capacity != WEIR_CHAN_UNBOUNDED) {
            inside = chan_fill(chan, chan_kinds[k].capacity);
            start_select(&other, arms, 2, WEIR_FOREVER, NULL);
            until_senders(chan, 1);
            for (size_t i = 0; i < inside; i++)
                CHECK_EQ(chan_take(chan), i);
            got = (int)(chan_take(chan) / 100) - 1;
            CHECK_EQ(actor_join(&other), got);
            CHECK_EQ(weir_chan_senders_approx(chan), 0);
            CHECK_EQ(weir_chan_size_approx(chan), 0);
        }
        chan_end(chan);
    }
}

/* Go, runtime "TestSelfSelect"; crossbeam, same_channel: a select does not meet itself; from a
 * buffered channel it may receive what an earlier one sent. */
static void a_send_and_a_receive_of_the_same_channel(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        const size_t capacity = chan_kinds[k].capacity;
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        uint64_t given = 1, got = 12345, inside = 0, next = 1;
        weir_select_arm arms[2];

        memset(arms, 0, sizeof arms);
        weir_select_send(&arms[0], chan, &given);
        weir_select_recv(&arms[1], chan, &got);
        if (capacity == 0) {
            CHECK_EQ(weir_select_try(arms, 2), -EAGAIN);
            CHECK_EQ(weir_select(arms, 2, 0, NULL), -ETIMEDOUT);
            CHECK_EQ(weir_select(arms, 2, weir_clock_after(MS / 5), NULL), -ETIMEDOUT);
            CHECK_EQ(got, 12345);
        }
        for (unsigned i = 0; capacity > 0 && i < 100; i++) {
            const int arm = weir_select(arms, 2, WEIR_FOREVER, NULL);

            CHECK_EQ(arms[arm].status, 0);
            if (arm == 0) {
                given++;
                inside++;
            } else {
                CHECK_EQ(got, next++);
                CHECK(inside > 0);
                inside--;
            }
            CHECK(inside <= capacity);
            CHECK_EQ(weir_chan_size_approx(chan), inside);
        }
        chan_end(chan);
    }
}

/* ---- fairness ---- */

/* Go, runtime "TestSelectFairness"; crossbeam, select "fairness1", "fairness_duplicates": of four
 * arms that are always ready, whatever makes them so, each gets between an eighth and a
 * half. */
static void ready_arms_take_turns(void)
{
    enum { ARMS = 4, ROUNDS = 1600 };

    for (unsigned what = 0; what < 5; what++) {
        for (unsigned wait = 0; wait < 2; wait++) {
            weir_chan *chans[ARMS];
            weir_select_arm arms[ARMS];
            uint64_t values[ARMS] = {0, 0, 0, 0};
            unsigned counts[ARMS] = {0, 0, 0, 0};

            for (size_t i = 0; i < ARMS; i++) {
                /* 3: one channel in all arms. */
                chans[i] = what == 3 && i > 0 ? chans[0] : chan_begin(ROUNDS);
                if (what == 2)
                    CHECK_EQ(weir_chan_close(chans[i], WEIR_CHAN_DRAIN), 0);
                for (uint64_t n = 0; what != 1 && what != 2 && n < ROUNDS; n++)
                    if (i == 0 || what != 3)
                        CHECK_EQ(chan_put(chans[i], n), 0);
            }
            receive_from(arms, chans, values, ARMS);
            for (size_t i = 0; i < ARMS; i++)
                if (what == 1 || (what == 4 && i % 2 == 0)) {
                    while (what == 4 && weir_chan_size_approx(chans[i]) > 0)
                        chan_take(chans[i]);
                    weir_select_send(&arms[i], chans[i], &values[i]);
                }
            for (unsigned n = 0; n < ROUNDS; n++) {
                const int got = wait ? weir_select(arms, ARMS, WEIR_FOREVER, NULL)
                                     : weir_select_try(arms, ARMS);

                CHECK(got >= 0 && got < ARMS);
                CHECK_EQ(arms[got].status, what == 2 ? -EPIPE : 0);
                counts[got]++;
            }
            for (size_t i = 0; i < ARMS; i++) {
                CHECK(counts[i] >= ROUNDS / 8 && counts[i] <= ROUNDS / 2);
                if (i == 0 || what != 3)
                    chan_end(chans[i]);
            }
        }
    }
}

/* Two ready arms among many that are not: evenly, wherever they are. Three side by side, of which
 * one is always between the others: each gets its share. */
static void ready_arms_among_quiet_ones(void)
{
    enum { ARMS = 13, ROUNDS = 1600 };

    for (int n = 2; n <= ARMS; n++)
        for (int second = 1; second < n; second++) {
            const int third = second + 1 < n ? second + 1 : second;
            weir_chan *const quiet = chan_begin(1), *const ready = chan_begin(1);
            unsigned counts[ARMS] = {0};
            weir_select_arm arms[ARMS];
            uint64_t value;

            CHECK_EQ(weir_chan_close(ready, WEIR_CHAN_DRAIN), 0);
            memset(arms, 0, sizeof arms);
            for (int more = 0; more < 2; more++) {
                memset(counts, 0, sizeof counts);
                for (int i = 0; i < n; i++)
                    weir_select_recv(&arms[i],
                                     i == 0 || i == second || (more && i == third) ? ready : quiet,
                                     &value);
                for (unsigned round = 0; round < ROUNDS; round++) {
                    const int got = weir_select_try(arms, (size_t)n);

                    CHECK(got == 0 || got == second || (more && got == third));
                    counts[got]++;
                }
                if (!more || third == second)
                    CHECK(counts[0] >= ROUNDS * 2 / 5 && counts[second] >= ROUNDS * 2 / 5);
                else
                    CHECK(counts[0] >= ROUNDS / 6 && counts[second] >= ROUNDS / 6 &&
                          counts[third] >= ROUNDS / 6);
            }
            chan_end(quiet);
            chan_end(ready);
        }
}

/* All ready, in any number: each gets its share, but for a fifth. */
static void all_arms_ready(void)
{
    enum { ARMS = 13, EACH = 400 };

    for (unsigned n = 1; n <= ARMS; n++) {
        weir_chan *const ready = chan_begin(1);
        unsigned counts[ARMS] = {0};
        weir_select_arm arms[ARMS];
        uint64_t value;

        CHECK_EQ(weir_chan_close(ready, WEIR_CHAN_DRAIN), 0);
        for (unsigned i = 0; i < n; i++)
            weir_select_recv(&arms[i], ready, &value);
        for (unsigned round = 0; round < EACH * n; round++)
            counts[weir_select_try(arms, n)]++;
        for (unsigned i = 0; i < n; i++)
            CHECK(counts[i] > EACH * 4 / 5 && counts[i] < EACH * 6 / 5);
        chan_end(ready);
    }
}

int main(void)
{
    return TEST_RUN("select", TEST_CASE(the_one_that_is_ready), TEST_CASE(a_send_that_has_room),
                    TEST_CASE(of_nothing), TEST_CASE(arms_without_a_channel),
                    TEST_CASE(switching_closed_arms_off), TEST_CASE(refuses_bad_input),
                    TEST_CASE(the_most_arms), TEST_CASE(a_closed_channel_is_ready),
                    TEST_CASE(who_comes_later_wakes_it), TEST_CASE(a_deadline_ends_it),
                    TEST_CASE(a_token_ends_it), TEST_CASE(the_same_channel_twice),
                    TEST_CASE(two_sends_of_the_same_channel),
                    TEST_CASE(a_send_and_a_receive_of_the_same_channel),
                    TEST_CASE(ready_arms_take_turns), TEST_CASE(ready_arms_among_quiet_ones),
                    TEST_CASE(all_arms_ready));
}
