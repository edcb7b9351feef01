/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Channels: tokens that are cancelled, deadlines that pass, and a channel that is to be freed,
 * while somebody waits. */

#include "chan.h"

/* ---- an end while somebody waits ---- */

/* The contract of weir_chan_free(): -EBUSY, nothing was done. */
static void is_not_freed_while_somebody_waits(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        for (unsigned what = 0; what < 4; what++) { /* recv, send, select of each */
            drops dropped;
            weir_select_arm arm;
            weir_chan *chan;
            actor other;
            uint64_t value = 12345;

            if (what % 2 == 1 && chan_kinds[k].capacity == WEIR_CHAN_UNBOUNDED)
                continue;
            chan = chan_begin_drops(&chan_kinds[k], &dropped);
            memset(&arm, 0, sizeof arm);
            if (what % 2 == 1) {
                chan_fill(chan, chan_kinds[k].capacity);
                weir_select_send(&arm, chan, &value);
            } else {
                weir_select_recv(&arm, chan, &value);
            }
            if (what == 0)
                start_recv(&other, chan);
            else if (what == 1)
                start_send(&other, chan, value);
            else
                start_select(&other, &arm, 1, WEIR_FOREVER, NULL);
            if (what % 2 == 1)
                until_senders(chan, 1);
            else
                until_receivers(chan, 1);
            CHECK_EQ(weir_chan_free(chan), -EBUSY);
            CHECK_EQ(weir_chan_free(chan), -EBUSY);
            CHECK_EQ(dropped.count, 0);
            CHECK(!weir_chan_closed(chan));
            if (what % 2 == 1) {
                CHECK_EQ(chan_take(chan), chan_kinds[k].capacity == 0 ? 12345 : 0);
                CHECK_EQ(actor_join(&other), 0);
            } else {
                CHECK_EQ(chan_put(chan, 7), 0);
                CHECK_EQ(actor_join(&other), 0);
                CHECK_EQ(what == 0 ? other.value : value, 7);
            }
            chan_end(chan);
        }
    }
}

/* ---- tokens and deadlines ---- */

/* The contract: a token that is already cancelled is first, and nothing is done, though it
 * could be. */
static void a_cancelled_token_is_first(void)
{
    weir_cancel *const token = token_begin();

    token_cancel(token);
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        const size_t capacity = chan_kinds[k].capacity;
        uint64_t value = 12345;
        weir_select_arm arms[2];

        memset(arms, 0, sizeof arms);
        weir_select_send(&arms[0], chan, &value);
        weir_select_recv(&arms[1], chan, &value);
        for (unsigned closed = 0; closed < 2; closed++) {
            for (unsigned inside = 0; inside < 2; inside++) {
                size_t count = 99;

                if (inside && !closed && capacity > 0)
                    CHECK_EQ(chan_put(chan, 1), 0);
                CHECK_EQ(weir_chan_send(chan, &value, WEIR_FOREVER, token), -ECANCELED);
                CHECK_EQ(weir_chan_recv(chan, &value, WEIR_FOREVER, token), -ECANCELED);
                CHECK_EQ(weir_chan_send(chan, &value, 0, token), -ECANCELED);
                CHECK_EQ(weir_chan_recv(chan, &value, 0, token), -ECANCELED);
                CHECK_EQ(weir_select(arms, 2, WEIR_FOREVER, token), -ECANCELED);
                CHECK_EQ(weir_select(arms, 2, 0, token), -ECANCELED);
                CHECK_EQ(weir_chan_send_burst(chan, &value, 1, &count, 0, token), -ECANCELED);
                CHECK_EQ(count, 0);
                count = 99;
                CHECK_EQ(weir_chan_recv_burst(chan, &value, 1, &count, 0, token), -ECANCELED);
                CHECK_EQ(count, 0);
                CHECK_EQ(value, 12345);
                CHECK_EQ(weir_chan_size_approx(chan), capacity > 0 && (inside || closed));
            }
            if (!closed)
                CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DRAIN), 0);
        }
        chan_end(chan);
    }
    token_end(token);
}

/* libdill, tests/chan.c "cancelation": those who wait with the token get -ECANCELED, and lose
 * nothing; another's wait goes on. */
static void a_token_wakes_its_own(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        for (unsigned send = 0; send < 2; send++) {
            weir_cancel *const token = token_begin(), *const never = token_begin();
            weir_chan *chan;
            actor mine[2], stays;
            size_t inside = 0;

            if (!kind_many_receivers(&chan_kinds[k]) ||
                (send && chan_kinds[k].capacity == WEIR_CHAN_UNBOUNDED)) {
                token_end(token);
                token_end(never);
                continue;
            }
            chan = chan_begin_kind(&chan_kinds[k]);
            if (send)
                inside = chan_fill(chan, chan_kinds[k].capacity);
            for (unsigned i = 0; i < 2; i++)
                start_until(&mine[i], send ? actor_send : actor_recv, chan, 12345 + i,
                            i == 0 ? WEIR_FOREVER : weir_clock_after(UINT64_C(3600000) * MS),
                            token);
            start_until(&stays, send ? actor_send : actor_recv, chan, 77, WEIR_FOREVER, never);
            if (send)
                until_senders(chan, 3);
            else
                until_receivers(chan, 3);
            token_cancel(token);
            for (unsigned i = 0; i < 2; i++) {
                CHECK_EQ(actor_join(&mine[i]), -ECANCELED);
                CHECK_EQ(mine[i].value, 12345 + i);
            }
            if (send) {
                CHECK_EQ(weir_chan_senders_approx(chan), 1);
                for (size_t i = 0; i < inside; i++)
                    CHECK_EQ(chan_take(chan), i);
                CHECK_EQ(chan_take(chan), 77);
            } else {
                CHECK_EQ(weir_chan_receivers_approx(chan), 1);
                CHECK_EQ(chan_put(chan, 78), 0);
            }
            CHECK_EQ(actor_join(&stays), 0);
            CHECK_EQ(stays.value, send ? 77 : 78);
            chan_end(chan);
            token_end(token);
            token_end(never);
        }
    }
}

/* Who gave up takes nothing later, and what came for it goes to the next one (R23). */
static void who_gave_up_takes_nothing(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        uint64_t value = 12345;
        actor other;

        for (uint64_t i = 0; i < 20; i++) {
            CHECK_EQ(weir_chan_recv(chan, &value, weir_clock_after(MS / 50), NULL), -ETIMEDOUT);
            CHECK_EQ(value, 12345);
            start_recv(&other, chan);
            until_receivers(chan, 1);
            CHECK_EQ(chan_put(chan, i), 0);
            CHECK_EQ(actor_join(&other), 0);
            CHECK_EQ(other.value, i);
        }
        chan_end(chan);
    }
}

int main(void)
{
    return TEST_RUN("chan_cancel", TEST_CASE(is_not_freed_while_somebody_waits),
                    TEST_CASE(a_cancelled_token_is_first), TEST_CASE(a_token_wakes_its_own),
                    TEST_CASE(who_gave_up_takes_nothing));
}
