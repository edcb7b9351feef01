/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What a broadcast channel does, under each policy (U68), with nobody else there; those who wait
 * are in tests/broadcast_waits.c. */

#include "broadcast.h"

/* ---- life ---- */

static void refuses_what_cannot_be(void)
{
    weir_broadcast *const none = (weir_broadcast *)(void *)&test_passed;
    weir_broadcast *channel = none;

    CHECK_EQ(weir_broadcast_new(&channel, 0, 1, WEIR_LAG_DROP), -EINVAL);
    CHECK_EQ(weir_broadcast_new(&channel, 1, 0, WEIR_LAG_DROP), -EINVAL);
    CHECK_EQ(weir_broadcast_new(&channel, 1, 1, (weir_lag)3), -EINVAL);
    CHECK_EQ(weir_broadcast_new(&channel, SIZE_MAX, 1, WEIR_LAG_DROP), -EINVAL);
    CHECK_EQ(weir_broadcast_new(&channel, 1, SIZE_MAX, WEIR_LAG_DROP), -EINVAL);
    CHECK_EQ(weir_broadcast_new(&channel, SIZE_MAX / 2, 3, WEIR_LAG_DROP), -EINVAL);
    CHECK_EQ(weir_broadcast_new(&channel, 3, SIZE_MAX / 2, WEIR_LAG_DROP), -EINVAL);
    CHECK_EQ(weir_broadcast_new(&channel, SIZE_MAX / 4, 1, WEIR_LAG_DROP), -EINVAL);
    CHECK_EQ(weir_broadcast_new(&channel, sizeof(void *), SIZE_MAX / 4, WEIR_LAG_DROP), -EINVAL);
    test_alloc_fail_at(1);
    CHECK_EQ(weir_broadcast_new(&channel, 8, 8, WEIR_LAG_DROP), -ENOMEM);
    weir_set_allocator(NULL);
    CHECK(channel == none);
    CHECK_EQ(weir_broadcast_free(NULL), 0);
}

static void allocates_in_new_alone(void)
{
    test_alloc_fail_at(0);
    for (size_t p = 0; p < COUNT(policies); p++) {
        weir_broadcast *const channel = begin(3, policies[p]);
        weir_broadcast_subscriber a, b;

        CHECK_EQ(test_alloc_calls, p + 1);
        listen_to(channel, &a);
        listen_to(channel, &b);
        for (uint64_t i = 0; i < 20; i++) {
            CHECK_EQ(put(channel, i), 0);
            expect(&a, i);
            expect(&b, i);
        }
        CHECK_EQ(weir_broadcast_unsubscribe(&a), 0);
        CHECK_EQ(weir_broadcast_unsubscribe(&b), 0);
        CHECK_EQ(test_alloc_calls, p + 1);
        end(channel);
        CHECK_EQ(test_alloc_live, 0);
    }
    weir_set_allocator(NULL);
}

static void says_what_it_is(void)
{
    for (size_t p = 0; p < COUNT(policies); p++) {
        weir_broadcast *channel = NULL;
        weir_broadcast_subscriber a;

        CHECK_EQ(weir_broadcast_new(&channel, 12, 5, policies[p]), 0);
        CHECK_EQ(weir_broadcast_capacity(channel), 5);
        CHECK_EQ(weir_broadcast_element(channel), 12);
        CHECK_EQ(weir_broadcast_lag(channel), policies[p]);
        CHECK(!weir_broadcast_closed(channel));
        CHECK_EQ(weir_broadcast_subscribers_approx(channel), 0);
        CHECK_EQ(weir_broadcast_senders_approx(channel), 0);
        CHECK_EQ(weir_broadcast_receivers_approx(channel), 0);
        listen_to(channel, &a);
        CHECK_EQ(weir_broadcast_subscribers_approx(channel), 1);
        CHECK_EQ(weir_broadcast_behind_approx(&a), 0);
        CHECK_EQ(weir_broadcast_try_send(channel, "eleven byte"), 0);
        CHECK_EQ(weir_broadcast_behind_approx(&a), 1);
        CHECK_EQ(weir_broadcast_free(channel), -EBUSY);
        CHECK_EQ(weir_broadcast_unsubscribe(&a), 0);
        CHECK_EQ(weir_broadcast_subscribers_approx(channel), 0);
        end(channel);
    }
}

/* ---- values ---- */

static void each_gets_all_in_order(void)
{
    for (size_t p = 0; p < COUNT(policies); p++) {
        for (size_t c = 0; c < COUNT(capacities); c++) {
            weir_broadcast *const channel = begin(capacities[c], policies[p]);
            weir_broadcast_subscriber who[3];
            uint64_t sent = 0, received = 0;

            for (size_t i = 0; i < COUNT(who); i++)
                listen_to(channel, &who[i]);
            /* Up to `capacity` behind, nobody lags. */
            for (size_t n = 1; n <= 3 * capacities[c] + 2; n++) {
                const size_t batch = n < capacities[c] ? n : capacities[c];

                for (size_t i = 0; i < batch; i++)
                    CHECK_EQ(put(channel, ++sent), 0);
                for (size_t i = 0; i < COUNT(who); i++) {
                    CHECK_EQ(weir_broadcast_behind_approx(&who[i]), batch);
                    for (size_t k = 1; k <= batch; k++)
                        expect(&who[i], received + k);
                    expect_none(&who[i], -EAGAIN);
                }
                received += batch;
            }
            for (size_t i = 0; i < COUNT(who); i++)
                CHECK_EQ(weir_broadcast_unsubscribe(&who[i]), 0);
            end(channel);
        }
    }
}

static void elements_have_any_size(void)
{
    static const size_t sizes[] = {1, 2, 7, 8, 9, 12, 16, 100, 1001};
    static unsigned char in[1001], out[1003];

    for (size_t p = 0; p < COUNT(policies); p++) {
        for (size_t s = 0; s < COUNT(sizes); s++) {
            weir_broadcast *channel = NULL;
            weir_broadcast_subscriber a;

            CHECK_EQ(weir_broadcast_new(&channel, sizes[s], 2, policies[p]), 0);
            listen_to(channel, &a);
            for (unsigned round = 0; round < 10; round++) {
                for (size_t i = 0; i < sizes[s]; i++)
                    in[i] = (unsigned char)(i * 7 + round + s);
                CHECK_EQ(weir_broadcast_try_send(channel, in), 0);
                memset(out, 0xa5, sizeof out);
                /* At an odd address, and not a byte beyond. */
                CHECK_EQ(weir_broadcast_try_recv(&a, out + 1, NULL), 0);
                CHECK(memcmp(out + 1, in, sizes[s]) == 0);
                CHECK(out[0] == 0xa5 && out[sizes[s] + 1] == 0xa5);
            }
            CHECK_EQ(weir_broadcast_unsubscribe(&a), 0);
            end(channel);
        }
    }
}

static void gets_what_is_sent_after_it_came(void)
{
    for (size_t p = 0; p < COUNT(policies); p++) {
        weir_broadcast *const channel = begin(2, policies[p]);
        weir_broadcast_subscriber a, b;

        /* Nobody listens: nobody has to wait. */
        for (uint64_t i = 1; i <= 9; i++)
            CHECK_EQ(put(channel, i), 0);
        listen_to(channel, &a);
        expect_none(&a, -EAGAIN);
        CHECK_EQ(put(channel, 10), 0);
        listen_to(channel, &b);
        expect_none(&b, -EAGAIN);
        CHECK_EQ(put(channel, 11), 0);
        expect(&b, 11);
        expect(&a, 10);
        CHECK_EQ(weir_broadcast_unsubscribe(&a), 0);
        CHECK_EQ(put(channel, 12), 0);
        listen_to(channel, &a); /* again: 11 was before */
        CHECK_EQ(put(channel, 13), 0);
        expect(&a, 13);
        expect(&b, 12);
        expect(&b, 13);
        CHECK_EQ(weir_broadcast_unsubscribe(&b), 0);
        CHECK_EQ(weir_broadcast_unsubscribe(&a), 0);
        end(channel);
    }
}

static void any_of_many_can_leave(void)
{
    for (size_t gone = 0; gone < 4; gone++) {
        weir_broadcast *const channel = begin(1, WEIR_LAG_WAIT);
        weir_broadcast_subscriber who[4];

        for (size_t i = 0; i < COUNT(who); i++)
            listen_to(channel, &who[i]);
        CHECK_EQ(put(channel, 1), 0);
        CHECK_EQ(weir_broadcast_unsubscribe(&who[gone]), 0);
        CHECK_EQ(weir_broadcast_unsubscribe(&who[(gone + 1) % 4]), 0);
        CHECK_EQ(put(channel, 2), -EAGAIN);
        expect(&who[(gone + 2) % 4], 1);
        CHECK_EQ(put(channel, 2), -EAGAIN);
        expect(&who[(gone + 3) % 4], 1);
        CHECK_EQ(put(channel, 2), 0);
        expect(&who[(gone + 2) % 4], 2);
        CHECK_EQ(weir_broadcast_unsubscribe(&who[(gone + 3) % 4]), 0); /* with a value left */
        CHECK_EQ(weir_broadcast_unsubscribe(&who[(gone + 2) % 4]), 0);
        end(channel);
    }
}

/* ---- lag ---- */

static void drop_loses_the_oldest_and_says_how_many(void)
{
    for (size_t c = 0; c < COUNT(capacities); c++) {
        const uint64_t n = capacities[c];

        for (uint64_t over = 1; over <= 3 * n + 2; over++) {
            weir_broadcast *const channel = begin((size_t)n, WEIR_LAG_DROP);
            weir_broadcast_subscriber slow, quick;
            uint64_t value = 0;

            listen_to(channel, &slow);
            listen_to(channel, &quick);
            for (uint64_t i = 1; i <= n + over; i++) {
                CHECK_EQ(put(channel, i), 0);
                expect(&quick, i);
            }
            CHECK_EQ(weir_broadcast_behind_approx(&slow), n + over);
            expect_after(&slow, over, over + 1);
            for (uint64_t i = over + 2; i <= n + over; i++)
                expect(&slow, i);
            expect_none(&slow, -EAGAIN);
            /* Again, in the middle of a lap; and who does not want to know how many. */
            for (uint64_t i = 1; i <= n + 2; i++)
                CHECK_EQ(put(channel, 1000 + i), 0);
            CHECK_EQ(weir_broadcast_try_recv(&slow, &value, NULL), 0);
            CHECK_EQ(value, 1003);
            CHECK_EQ(weir_broadcast_unsubscribe(&slow), 0);
            CHECK_EQ(weir_broadcast_unsubscribe(&quick), 0);
            end(channel);
        }
    }
}

static void wait_holds_the_sender_back(void)
{
    for (size_t c = 0; c < COUNT(capacities); c++) {
        const uint64_t n = capacities[c];
        weir_broadcast *const channel = begin((size_t)n, WEIR_LAG_WAIT);
        weir_broadcast_subscriber slow, quick;
        uint64_t value = 12345;

        listen_to(channel, &slow);
        listen_to(channel, &quick);
        for (uint64_t i = 1; i <= n; i++)
            CHECK_EQ(put(channel, i), 0);
        CHECK_EQ(put(channel, n + 1), -EAGAIN);
        expect(&quick, 1);
        CHECK_EQ(put(channel, n + 1), -EAGAIN);
        CHECK_EQ(weir_broadcast_send(channel, &value, 0, NULL), -ETIMEDOUT);
        CHECK_EQ(weir_broadcast_send(channel, &value, weir_clock_after(1000000), NULL), -ETIMEDOUT);
        for (uint64_t i = 1; i <= 2 * n; i++) {
            expect(&slow, i);
            /* Now one can be sent, at once, whatever the deadline. */
            value = n + i;
            CHECK_EQ(weir_broadcast_send(channel, &value, 0, NULL), 0);
            CHECK_EQ(put(channel, 0), -EAGAIN);
            expect(&quick, i + 1);
        }
        CHECK_EQ(weir_broadcast_unsubscribe(&slow), 0);
        /* The quick one is the slowest now, one ahead. */
        CHECK_EQ(put(channel, 3 * n + 1), 0);
        CHECK_EQ(put(channel, 3 * n + 2), -EAGAIN);
        CHECK_EQ(weir_broadcast_unsubscribe(&quick), 0);
        CHECK_EQ(put(channel, 3 * n + 2), 0);
        end(channel);
    }
}

static void cut_ends_who_lags(void)
{
    for (size_t c = 0; c < COUNT(capacities); c++) {
        const uint64_t n = capacities[c];
        weir_broadcast *const channel = begin((size_t)n, WEIR_LAG_CUT);
        weir_broadcast_subscriber slow, quick;

        listen_to(channel, &slow);
        listen_to(channel, &quick);
        for (uint64_t i = 1; i <= n; i++)
            CHECK_EQ(put(channel, i), 0);
        expect(&slow, 1);
        CHECK_EQ(put(channel, n + 1), 0); /* `n` behind, and just there */
        expect(&slow, 2);
        CHECK_EQ(put(channel, n + 2), 0);
        CHECK_EQ(put(channel, n + 3), 0); /* and now not */
        expect_none(&slow, -ECONNRESET);
        expect_none(&slow, -ECONNRESET);
        expect_none(&quick, -ECONNRESET);
        CHECK_EQ(weir_broadcast_unsubscribe(&quick), 0);
        listen_to(channel, &quick); /* begins anew */
        CHECK_EQ(put(channel, 99), 0);
        expect(&quick, 99);
        CHECK_EQ(weir_broadcast_close(channel), 0);
        expect_none(&slow, -ECONNRESET);
        expect_none(&quick, -EPIPE);
        CHECK_EQ(weir_broadcast_unsubscribe(&slow), 0);
        CHECK_EQ(weir_broadcast_unsubscribe(&quick), 0);
        end(channel);
    }
}

/* The position has 62 bits. */
static void goes_on_across_the_wrap(void)
{
    for (size_t p = 0; p < COUNT(policies); p++) {
        for (uint64_t ahead = 0; ahead < 8; ahead++) {
            weir_broadcast *channel = NULL;
            weir_broadcast_subscriber slow, quick;

            CHECK_EQ(weir_broadcast_new_at(&channel, sizeof(uint64_t), 3, policies[p],
                                           (UINT64_C(1) << 62) - ahead),
                     0);
            listen_to(channel, &slow);
            listen_to(channel, &quick);
            for (uint64_t i = 1; i <= 3; i++)
                CHECK_EQ(put(channel, i), 0);
            for (uint64_t i = 4; i <= 12; i++) {
                expect(&quick, i - 3);
                CHECK_EQ(weir_broadcast_behind_approx(&quick), 2);
                if (policies[p] != WEIR_LAG_WAIT) {
                    CHECK_EQ(weir_broadcast_behind_approx(&slow), i - 1);
                } else {
                    CHECK_EQ(put(channel, i), -EAGAIN);
                    expect(&slow, i - 3);
                }
                CHECK_EQ(put(channel, i), 0);
            }
            if (policies[p] == WEIR_LAG_CUT)
                expect_none(&slow, -ECONNRESET);
            else
                expect_after(&slow, policies[p] == WEIR_LAG_DROP ? 9 : 0, 10);
            CHECK_EQ(weir_broadcast_close(channel), 0);
            for (uint64_t i = 10; i <= 12; i++)
                expect(&quick, i);
            expect_none(&quick, -EPIPE);
            CHECK_EQ(weir_broadcast_unsubscribe(&slow), 0);
            CHECK_EQ(weir_broadcast_unsubscribe(&quick), 0);
            end(channel);
        }
    }
}

/* ---- the end ---- */

static void a_close_leaves_the_rest(void)
{
    for (size_t p = 0; p < COUNT(policies); p++) {
        weir_broadcast *const channel = begin(3, policies[p]);
        weir_broadcast_subscriber a, b, late;

        memset((void *)&late, 0, sizeof late);
        listen_to(channel, &a);
        listen_to(channel, &b);
        for (uint64_t i = 1; i <= 3; i++)
            CHECK_EQ(put(channel, i), 0);
        expect(&a, 1);
        CHECK_EQ(weir_broadcast_close(channel), 0);
        CHECK_EQ(weir_broadcast_close(channel), -EALREADY);
        CHECK(weir_broadcast_closed(channel));
        CHECK_EQ(put(channel, 4), -EPIPE);
        CHECK_EQ(put_waiting(channel, 4), -EPIPE);
        CHECK_EQ(weir_broadcast_subscribe(channel, &late), -EPIPE);
        CHECK_EQ(weir_broadcast_unsubscribe(&late), -EINVAL);
        expect(&a, 2);
        expect(&a, 3);
        expect_none(&a, -EPIPE);
        expect_none(&a, -EPIPE);
        for (uint64_t i = 1; i <= 3; i++)
            expect(&b, i);
        expect_none(&b, -EPIPE);
        CHECK_EQ(weir_broadcast_unsubscribe(&a), 0);
        CHECK_EQ(weir_broadcast_unsubscribe(&b), 0);
        end(channel);
    }
}

static void who_is_not_subscribed_gets_nothing(void)
{
    weir_broadcast *const channel = begin(1, WEIR_LAG_DROP);
    weir_broadcast_subscriber a;

    memset((void *)&a, 0, sizeof a);
    expect_none(&a, -EINVAL);
    CHECK_EQ(weir_broadcast_unsubscribe(&a), -EINVAL);
    listen_to(channel, &a);
    CHECK_EQ(weir_broadcast_unsubscribe(&a), 0);
    CHECK_EQ(weir_broadcast_unsubscribe(&a), -EINVAL);
    CHECK_EQ(put(channel, 1), 0);
    expect_none(&a, -EINVAL);
    end(channel);
}

/* ---- typed ---- */

typedef struct price {
    uint32_t item;
    double value;
    char currency[4];
} price;

WEIR_BROADCAST_DEFINE(price_feed, price);

static void typed_feeds_carry_their_type(void)
{
    const price silver = {47, 29.5, "EUR"};
    price_feed *feed = NULL;
    price_feed_subscriber a;
    price got;
    uint64_t lost = 77;

    memset(&got, 0, sizeof got);
    CHECK_EQ(price_feed_new(&feed, 0, WEIR_LAG_CUT), -EINVAL);
    CHECK(feed == NULL);
    CHECK_EQ(price_feed_new(&feed, 1, WEIR_LAG_CUT), 0);
    CHECK_EQ(price_feed_subscribe(feed, &a), 0);
    CHECK_EQ(price_feed_try_recv(&a, &got, &lost), -EAGAIN);
    CHECK_EQ(price_feed_try_send(feed, silver), 0);
    CHECK_EQ(price_feed_try_recv(&a, &got, &lost), 0);
    CHECK_EQ(got.item, 47);
    CHECK_EQ(lost, 0);
    CHECK(strcmp(got.currency, "EUR") == 0);
    CHECK_EQ(price_feed_send(feed, silver, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(price_feed_recv(&a, &got, NULL, 0, NULL), 0);
    CHECK_EQ(weir_broadcast_element(price_feed_broadcast(feed)), sizeof(price));
    CHECK_EQ(weir_broadcast_behind_approx(&a.core), 0);
    CHECK_EQ(price_feed_close(feed), 0);
    got.item = 1;
    CHECK_EQ(price_feed_recv(&a, &got, NULL, WEIR_FOREVER, NULL), -EPIPE);
    CHECK_EQ(got.item, 1);
    CHECK_EQ(price_feed_unsubscribe(&a), 0);
    CHECK_EQ(price_feed_free(feed), 0);
}

int main(void)
{
    return TEST_RUN(
        "broadcast", TEST_CASE(refuses_what_cannot_be), TEST_CASE(allocates_in_new_alone),
        TEST_CASE(says_what_it_is), TEST_CASE(each_gets_all_in_order),
        TEST_CASE(elements_have_any_size), TEST_CASE(gets_what_is_sent_after_it_came),
        TEST_CASE(any_of_many_can_leave), TEST_CASE(drop_loses_the_oldest_and_says_how_many),
        TEST_CASE(wait_holds_the_sender_back), TEST_CASE(cut_ends_who_lags),
        TEST_CASE(goes_on_across_the_wrap), TEST_CASE(a_close_leaves_the_rest),
        TEST_CASE(who_is_not_subscribed_gets_nothing), TEST_CASE(typed_feeds_carry_their_type));
}
