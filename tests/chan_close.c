/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Channels: what a close does to those who wait, and to those who come later. */

#include "chan.h"

enum { CROWD = 4 };

/* ---- after a close ---- */

/* Go, spec "Close"; libdill f66f39c (R21); crossbeam "recv_after_disconnect": what was sent before
 * is received, then -EPIPE, as often as one asks. */
static void receivers_drain_it_first(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        const size_t capacity = chan_kinds[k].capacity;
        const uint64_t most = capacity == WEIR_CHAN_UNBOUNDED ? 100 : capacity;

        for (uint64_t inside = 0; inside <= most; inside++) {
            weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
            uint64_t value = 12345;

            for (uint64_t i = 0; i < inside; i++)
                CHECK_EQ(chan_put(chan, i), 0);
            CHECK(!weir_chan_closed(chan));
            CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DRAIN), 0);
            CHECK(weir_chan_closed(chan));
            CHECK_EQ(weir_chan_size_approx(chan), inside);
            for (uint64_t i = 0; i < inside; i++) {
                if (i % 2 == 0)
                    CHECK_EQ(weir_chan_try_recv(chan, &value), 0);
                else
                    CHECK_EQ(weir_chan_recv(chan, &value, 0, NULL), 0);
                CHECK_EQ(value, i);
            }
            value = 12345;
            for (unsigned again = 0; again < 3; again++) {
                size_t count = 99;

                CHECK_EQ(weir_chan_try_recv(chan, &value), -EPIPE);
                CHECK_EQ(weir_chan_recv(chan, &value, 0, NULL), -EPIPE);
                CHECK_EQ(weir_chan_recv(chan, &value, WEIR_FOREVER, NULL), -EPIPE);
                CHECK_EQ(weir_chan_try_recv_burst(chan, &value, 1), 0);
                CHECK_EQ(weir_chan_recv_burst(chan, &value, 1, &count, WEIR_FOREVER, NULL), -EPIPE);
                CHECK_EQ(count, 0);
            }
            CHECK_EQ(value, 12345);
            chan_end(chan);
        }
    }
}

/* Go, spec "Close" (a send on a closed channel is an error); crossbeam "send_after_disconnect";
 * libdill, tests/chan.c: -EPIPE, whether there is room or not, and nothing gets in. */
static void senders_are_refused(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        for (unsigned full = 0; full < 2; full++) {
            weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
            const size_t inside = full ? chan_fill(chan, chan_kinds[k].capacity) : 0;
            uint64_t value = 5;

            CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DRAIN), 0);
            for (unsigned again = 0; again < 10; again++) {
                size_t count = 99;

                CHECK_EQ(weir_chan_try_send(chan, &value), -EPIPE);
                CHECK_EQ(weir_chan_send(chan, &value, 0, NULL), -EPIPE);
                CHECK_EQ(chan_put(chan, value), -EPIPE);
                CHECK_EQ(weir_chan_try_send_burst(chan, &value, 1), 0);
                CHECK_EQ(weir_chan_send_burst(chan, &value, 1, &count, WEIR_FOREVER, NULL), -EPIPE);
                CHECK_EQ(count, 0);
            }
            CHECK_EQ(weir_chan_size_approx(chan), inside);
            for (size_t i = 0; i < inside; i++)
                CHECK_EQ(chan_take(chan), i);
            CHECK_EQ(weir_chan_try_recv(chan, &value), -EPIPE);
            chan_end(chan);
        }
    }
}

/* The same of an unbounded one, wherever in its memory the end is. */
static void senders_are_refused_after_every_backlog(void)
{
    for (uint64_t inside = 0; inside < 600; inside++) {
        weir_chan *const chan = chan_begin(WEIR_CHAN_UNBOUNDED);
        uint64_t value = 5;

        for (uint64_t i = 0; i < inside; i++)
            CHECK_EQ(chan_put(chan, i), 0);
        CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DRAIN), 0);
        CHECK_EQ(weir_chan_try_send(chan, &value), -EPIPE);
        CHECK_EQ(chan_put(chan, value), -EPIPE);
        CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DRAIN), -EALREADY);
        for (uint64_t i = 0; i < inside; i++)
            CHECK_EQ(chan_take(chan), i);
        CHECK_EQ(weir_chan_try_recv(chan, &value), -EPIPE);
        chan_end(chan);
    }
}

/* Go, spec "Close": closing twice is an error; here one that says so and does no harm. */
static void closing_twice(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        drops dropped;
        weir_chan *const chan = chan_begin_drops(&chan_kinds[k], &dropped);
        const size_t inside = chan_fill(chan, chan_kinds[k].capacity);
        uint64_t value;

        CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DRAIN), 0);
        CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DRAIN), -EALREADY);
        CHECK_EQ(dropped.count, 0);
        CHECK_EQ(weir_chan_size_approx(chan), inside);
        CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DISCARD), -EALREADY);
        chan_discarded(chan, &chan_kinds[k]);
        CHECK_EQ(dropped.count, inside);
        CHECK_EQ(weir_chan_size_approx(chan), 0);
        CHECK_EQ(weir_chan_try_recv(chan, &value), -EPIPE);
        CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DISCARD), -EALREADY);
        CHECK(weir_chan_closed(chan));
        chan_end(chan);
        CHECK_EQ(dropped.count, inside);
    }
}

/* U22; crossbeam 7b573a03: a receiver that wants no more ends what is inside at once. */
static void a_close_that_discards_drops_each_once(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        const size_t capacity = chan_kinds[k].capacity;
        const uint64_t inside = capacity == WEIR_CHAN_UNBOUNDED ? 1000 : capacity;
        drops dropped;
        weir_chan *const chan = chan_begin_drops(&chan_kinds[k], &dropped);
        uint64_t value = 12345;

        for (uint64_t i = 0; i < inside; i++)
            CHECK_EQ(chan_put(chan, i), 0);
        CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DISCARD), 0);
        CHECK_EQ(weir_chan_size_approx(chan), 0);
        chan_discarded(chan, &chan_kinds[k]);
        CHECK_EQ(dropped.count, inside);
        CHECK_EQ(dropped.sum, inside == 0 ? 0 : inside * (inside - 1) / 2);
        CHECK_EQ(weir_chan_recv(chan, &value, WEIR_FOREVER, NULL), -EPIPE);
        CHECK_EQ(value, 12345);
        chan_end(chan);
        CHECK_EQ(dropped.count, inside);
    }
}

/* ---- a close while somebody waits ---- */

/* libdill, tests/chan.c "unblocks all receivers"; crossbeam "disconnect_wakes_receiver". */
static void a_close_wakes_all_receivers(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        for (int mode = WEIR_CHAN_DRAIN; mode <= WEIR_CHAN_DISCARD; mode++) {
            const unsigned crowd = kind_many_receivers(&chan_kinds[k]) ? CROWD : 1;
            weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
            actor all[CROWD];

            for (unsigned i = 0; i < crowd; i++)
                start_recv(&all[i], chan);
            until_receivers(chan, crowd);
            CHECK_EQ(weir_chan_close(chan, (weir_chan_close_mode)mode), 0);
            for (unsigned i = 0; i < crowd; i++) {
                CHECK_EQ(actor_join(&all[i]), -EPIPE);
                CHECK_EQ(all[i].value, 12345);
            }
            CHECK_EQ(weir_chan_receivers_approx(chan), 0);
            chan_end(chan);
        }
    }
}

/* libdill, tests/chan.c "unblocks blocked senders"; crossbeam "disconnect_wakes_sender"; asio
 * #1318 (U21, R21): their values stay theirs, what was in the buffer is received (U20). */
static void a_close_wakes_all_senders(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        for (int mode = WEIR_CHAN_DRAIN; mode <= WEIR_CHAN_DISCARD; mode++) {
            const unsigned crowd = kind_many_senders(&chan_kinds[k]) ? CROWD : 1;
            drops dropped;
            weir_chan *chan;
            actor all[CROWD];
            uint64_t value = 12345;
            size_t inside;

            if (chan_kinds[k].capacity == WEIR_CHAN_UNBOUNDED ||
                chan_kinds[k].shape == WEIR_CHAN_SPSC)
                continue; /* nobody waits; only its own threads close it */
            chan = chan_begin_drops(&chan_kinds[k], &dropped);
            inside = chan_fill(chan, chan_kinds[k].capacity);
            for (unsigned i = 0; i < crowd; i++)
                start_send(&all[i], chan, 100 + i);
            until_senders(chan, crowd);
            CHECK_EQ(weir_chan_close(chan, (weir_chan_close_mode)mode), 0);
            for (unsigned i = 0; i < crowd; i++) {
                CHECK_EQ(actor_join(&all[i]), -EPIPE);
                CHECK_EQ(all[i].value, 100 + i);
            }
            for (size_t i = 0; mode == WEIR_CHAN_DRAIN && i < inside; i++)
                CHECK_EQ(chan_take(chan), i);
            CHECK_EQ(weir_chan_recv(chan, &value, WEIR_FOREVER, NULL), -EPIPE);
            CHECK_EQ(dropped.count, mode == WEIR_CHAN_DRAIN ? 0 : inside);
            CHECK_EQ(weir_chan_senders_approx(chan), 0);
            chan_end(chan);
            CHECK_EQ(value, 12345);
        }
    }
}

/* R21: blocked senders and blocked receivers on two channels, both closed. */
static void closes_of_two_channels(void)
{
    weir_chan *const full = chan_begin(3), *const empty = chan_begin(3);
    actor senders[CROWD], receivers[CROWD];
    uint64_t value;

    chan_fill(full, 3);
    for (unsigned i = 0; i < CROWD; i++) {
        start_send(&senders[i], full, 50 + i);
        start_recv(&receivers[i], empty);
    }
    until_senders(full, CROWD);
    until_receivers(empty, CROWD);
    CHECK_EQ(weir_chan_close(full, WEIR_CHAN_DRAIN), 0);
    CHECK_EQ(weir_chan_close(empty, WEIR_CHAN_DRAIN), 0);
    for (unsigned i = 0; i < CROWD; i++) {
        CHECK_EQ(actor_join(&senders[i]), -EPIPE);
        CHECK_EQ(senders[i].value, 50 + i);
        CHECK_EQ(actor_join(&receivers[i]), -EPIPE);
    }
    for (uint64_t i = 0; i < 3; i++)
        CHECK_EQ(chan_take(full), i);
    CHECK_EQ(weir_chan_recv(full, &value, WEIR_FOREVER, NULL), -EPIPE);
    chan_end(full);
    chan_end(empty);
}

/* Go, spec "Select statements": a closed channel makes an arm ready, also of a select that
 * waits. */
static void a_close_wakes_selects(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        for (unsigned send = 0; send < 2; send++) {
            weir_chan *const never = chan_begin(WEIR_CHAN_RENDEZVOUS);
            weir_chan *chan;
            weir_select_arm arms[2];
            uint64_t in = 5, out = 12345;
            actor other;

            if (chan_kinds[k].shape == WEIR_CHAN_SPSC ||
                (send && chan_kinds[k].capacity == WEIR_CHAN_UNBOUNDED)) {
                chan_end(never);
                continue;
            }
            chan = chan_begin_kind(&chan_kinds[k]);
            memset(arms, 0, sizeof arms);
            weir_select_recv(&arms[0], never, &out);
            if (send) {
                chan_fill(chan, chan_kinds[k].capacity);
                weir_select_send(&arms[1], chan, &in);
            } else {
                weir_select_recv(&arms[1], chan, &out);
            }
            start_select(&other, arms, 2, WEIR_FOREVER, NULL);
            if (send)
                until_senders(chan, 1);
            else
                until_receivers(chan, 1);
            CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DRAIN), 0);
            CHECK_EQ(actor_join(&other), 1);
            CHECK_EQ(arms[1].status, -EPIPE);
            CHECK_EQ(out, 12345);
            CHECK_EQ(weir_chan_receivers_approx(never), 0);
            chan_end(chan);
            chan_end(never);
        }
    }
}

typedef struct race {
    weir_chan *chan;
    WEIR_ATOMIC(bool) * go;
    uint64_t sent, sum, received;
    int status;
} race;

static void *close_it(void *argument)
{
    race *const r = (race *)argument;

    /* relaxed: only starts them together. */
    while (!weir_atomic_load(r->go, WEIR_RELAXED))
        sched_yield();
    r->status = weir_chan_close(r->chan, WEIR_CHAN_DRAIN);
    return NULL;
}

/* Several close at once: one of them did it. */
static void one_of_many_closes_counts(void)
{
    for (unsigned round = 0; round < 30; round++) {
        weir_chan *const chan = chan_begin(round % 3);
        WEIR_ATOMIC(bool) go;
        pthread_t threads[CROWD];
        race all[CROWD];
        unsigned done = 0;

        memset(all, 0, sizeof all);
        weir_atomic_init(&go, false);
        for (unsigned i = 0; i < CROWD; i++) {
            all[i].chan = chan;
            all[i].go = &go;
            CHECK(pthread_create(&threads[i], NULL, close_it, &all[i]) == 0);
        }
        /* relaxed: only starts them together. */
        weir_atomic_store(&go, true, WEIR_RELAXED);
        for (unsigned i = 0; i < CROWD; i++) {
            CHECK(pthread_join(threads[i], NULL) == 0);
            CHECK(all[i].status == 0 || all[i].status == -EALREADY);
            done += all[i].status == 0;
        }
        CHECK_EQ(done, 1);
        chan_end(chan);
    }
}

static void *send_until_closed(void *argument)
{
    race *const r = (race *)argument;
    uint64_t value = 1;

    while ((r->status = weir_chan_send(r->chan, &value, WEIR_FOREVER, NULL)) == 0) {
        r->sent++;
        r->sum += value++;
    }
    return NULL;
}

static void *receive_until_closed(void *argument)
{
    race *const r = (race *)argument;
    uint64_t value;

    while ((r->status = weir_chan_recv(r->chan, &value, WEIR_FOREVER, NULL)) == 0) {
        r->received++;
        r->sum += value;
    }
    return NULL;
}

/* The contract of weir_chan_close(): a send that returned 0 was before it, and its value is
 * received or dropped. */
static void a_close_in_the_middle_loses_nothing(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        for (int mode = WEIR_CHAN_DRAIN; mode <= WEIR_CHAN_DISCARD; mode++) {
            pthread_t threads[2 * CROWD];
            race all[2 * CROWD];
            uint64_t value, sent = 0, received = 0, in = 0, out = 0;
            drops dropped;
            weir_chan *chan;
            const unsigned crowd = kind_many_receivers(&chan_kinds[k]) ? 2 : 1;

            if (chan_kinds[k].shape == WEIR_CHAN_SPSC)
                continue;
            chan = chan_begin_drops(&chan_kinds[k], &dropped);
            memset(all, 0, sizeof all);
            for (unsigned i = 0; i < 2 + crowd; i++) {
                all[i].chan = chan;
                CHECK(pthread_create(&threads[i], NULL,
                                     i < 2 ? send_until_closed : receive_until_closed,
                                     &all[i]) == 0);
            }
            for (unsigned i = 0; i < 20; i++)
                sched_yield();
            CHECK_EQ(weir_chan_close(chan, (weir_chan_close_mode)mode), 0);
            for (unsigned i = 0; i < 2 + crowd; i++) {
                CHECK(pthread_join(threads[i], NULL) == 0);
                CHECK_EQ(all[i].status, -EPIPE);
                sent += all[i].sent;
                received += all[i].received;
                *(i < 2 ? &in : &out) += all[i].sum;
            }
            CHECK_EQ(weir_chan_try_recv(chan, &value), -EPIPE);
            CHECK_EQ(received + dropped.count, sent);
            CHECK_EQ(out + dropped.sum, in);
            if (mode == WEIR_CHAN_DRAIN)
                CHECK_EQ(dropped.count, 0);
            chan_end(chan);
            CHECK_EQ(received + dropped.count, sent);
        }
    }
}

enum { LONE = 256 };

typedef struct lone {
    weir_chan *chan;
    unsigned char had[LONE];
} lone;

static void *receive_lone(void *argument)
{
    lone *const l = (lone *)argument;
    uint64_t value;

    while (weir_chan_recv(l->chan, &value, WEIR_FOREVER, NULL) == 0)
        l->had[value]++;
    return NULL;
}

static void drop_lone(void *element, void *context)
{
    uint64_t value;

    memcpy(&value, element, sizeof value);
    ((lone *)context)->had[value]++;
}

/* The sender discards what its receiver is about to take: each value has one end. */
static void an_spsc_is_discarded_by_its_receiver(void)
{
    for (unsigned round = 0; round < 200; round++) {
        weir_chan_options options;
        pthread_t receiver;
        lone l;

        memset(&l, 0, sizeof l);
        memset(&options, 0, sizeof options);
        options.shape = WEIR_CHAN_SPSC;
        options.drop = drop_lone;
        options.context = &l;
        CHECK_EQ(weir_chan_new(&l.chan, sizeof(uint64_t), LONE, &options), 0);
        for (uint64_t i = 0; i < LONE; i++)
            CHECK_EQ(weir_chan_try_send(l.chan, &i), 0);
        CHECK(pthread_create(&receiver, NULL, receive_lone, &l) == 0);
        for (unsigned turns = round % 8; turns > 0; turns--)
            sched_yield();
        CHECK_EQ(weir_chan_close(l.chan, WEIR_CHAN_DISCARD), 0);
        CHECK(pthread_join(receiver, NULL) == 0);
        CHECK_EQ(weir_chan_free(l.chan), 0);
        for (unsigned i = 0; i < LONE; i++)
            CHECK_EQ(l.had[i], 1);
    }
}

typedef struct onlooker {
    weir_chan *chan;
    WEIR_ATOMIC(uint32_t) go_on;
} onlooker;

static void *look_on(void *argument)
{
    onlooker *const o = (onlooker *)argument;

    while (weir_atomic_load(&o->go_on, WEIR_RELAXED) != 0) /* relaxed: a flag by itself. */
        (void)weir_chan_size_approx(o->chan);
    return NULL;
}

/* Who holds the lock of a fair channel for a moment saves no value from being discarded. */
static void a_close_that_discards_waits_for_the_lock(void)
{
    const chan_kind fair = {1000, WEIR_CHAN_FAIR};

    for (unsigned round = 0; round < 50; round++) {
        drops dropped;
        onlooker o;
        pthread_t thread;

        o.chan = chan_begin_drops(&fair, &dropped);
        weir_atomic_init(&o.go_on, 1);
        for (uint64_t i = 0; i < fair.capacity; i++)
            CHECK_EQ(chan_put(o.chan, i), 0);
        CHECK(pthread_create(&thread, NULL, look_on, &o) == 0);
        sched_yield();
        CHECK_EQ(weir_chan_close(o.chan, WEIR_CHAN_DISCARD), 0);
        CHECK_EQ(dropped.count, fair.capacity);
        weir_atomic_store(&o.go_on, 0, WEIR_RELAXED); /* relaxed: a flag by itself. */
        CHECK(pthread_join(thread, NULL) == 0);
        chan_end(o.chan);
    }
}

/* ---- visibility ---- */

static uint64_t plain; /* written by one thread, read by another: only the channel orders them */

static void *write_and_close(void *argument)
{
    plain = 41;
    CHECK_EQ(weir_chan_close((weir_chan *)argument, WEIR_CHAN_DRAIN), 0);
    return NULL;
}

/* Go, memory model: the closing of a channel is before a receive that returns because of it. */
static void what_was_before_a_close_is_visible(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        pthread_t thread;
        uint64_t value;

        plain = 0;
        CHECK(pthread_create(&thread, NULL, write_and_close, chan) == 0);
        CHECK_EQ(weir_chan_recv(chan, &value, WEIR_FOREVER, NULL), -EPIPE);
        CHECK_EQ(plain, 41);
        CHECK(pthread_join(thread, NULL) == 0);
        chan_end(chan);
    }
}

static void *write_and_take(void *argument)
{
    plain = 42;
    chan_take((weir_chan *)argument);
    return NULL;
}

/* Go, memory model: a receive is before the completion of the send that needed its room; from an
 * unbuffered channel, of the send it meets. */
static void what_was_before_a_receive_is_visible_to_the_next_send(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *chan;
        pthread_t thread;
        size_t inside;

        if (chan_kinds[k].capacity == WEIR_CHAN_UNBOUNDED)
            continue;
        chan = chan_begin_kind(&chan_kinds[k]);
        inside = chan_fill(chan, chan_kinds[k].capacity);
        plain = 0;
        CHECK(pthread_create(&thread, NULL, write_and_take, chan) == 0);
        CHECK_EQ(chan_put(chan, inside), 0);
        CHECK_EQ(plain, 42);
        CHECK(pthread_join(thread, NULL) == 0);
        chan_end(chan);
    }
}

int main(void)
{
    return TEST_RUN(
        "chan_close", TEST_CASE(receivers_drain_it_first), TEST_CASE(senders_are_refused),
        TEST_CASE(senders_are_refused_after_every_backlog), TEST_CASE(closing_twice),
        TEST_CASE(a_close_that_discards_drops_each_once), TEST_CASE(a_close_wakes_all_receivers),
        TEST_CASE(a_close_wakes_all_senders), TEST_CASE(closes_of_two_channels),
        TEST_CASE(a_close_wakes_selects), TEST_CASE(one_of_many_closes_counts),
        TEST_CASE(a_close_in_the_middle_loses_nothing),
        TEST_CASE(an_spsc_is_discarded_by_its_receiver),
        TEST_CASE(a_close_that_discards_waits_for_the_lock),
        TEST_CASE(what_was_before_a_close_is_visible),
        TEST_CASE(what_was_before_a_receive_is_visible_to_the_next_send));
}
