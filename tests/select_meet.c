/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Selects that meet one another, and what those who lose leave behind. Each case says whose
 * behaviour it is. */

#include "chan.h"

enum { ROUNDS = 200, WIDE = 4 };

typedef struct party {
    pthread_t thread;
    weir_chan **chans;
    size_t n;
    uint64_t id, count;
    bool sends;
    uint64_t met; /* the others' ids, added up */
    unsigned char *seen;
} party;

static void party_start(party *p, void *(*body)(void *))
{
    CHECK(pthread_create(&p->thread, NULL, body, p) == 0);
}

static void party_join(party *p)
{
    CHECK(pthread_join(p->thread, NULL) == 0);
}

/* ---- both sides select ---- */

/* Sends, or receives, `count` values over whichever of the channels. */
static void *select_over_all(void *argument)
{
    party *const p = (party *)argument;
    weir_select_arm arms[WIDE];
    uint64_t values[WIDE], next = 0;

    memset(arms, 0, sizeof arms);
    for (uint64_t i = 0; i < p->count; i++) {
        int got;

        for (size_t c = 0; c < p->n; c++) {
            if (p->sends)
                weir_select_send(&arms[c], p->chans[c], &i);
            else
                weir_select_recv(&arms[c], p->chans[c], &values[c]);
        }
        got = weir_select(arms, p->n, WEIR_FOREVER, NULL);
        CHECK(got >= 0 && got < (int)p->n);
        CHECK_EQ(arms[got].status, 0);
        if (!p->sends && p->seen != NULL)
            CHECK(p->seen[values[got]]++ == 0);
        else if (!p->sends)
            CHECK_EQ(values[got], next++);
    }
    return NULL;
}

/* BurntSushi/chan #20 (U8); libdill, tests/choose.c "choose vs. choose"; crossbeam, select
 * "matching": a select that sends and a select that receives meet, over one channel or several. */
static void both_sides_select(void)
{
    static const size_t capacities[] = {0, 1, 3};

    for (size_t k = 0; k < COUNT(capacities); k++) {
        for (size_t n = 1; n <= WIDE; n++) {
            weir_chan *chans[WIDE];
            unsigned char seen[ROUNDS];
            party sender, receiver;

            for (size_t c = 0; c < n; c++)
                chans[c] = chan_begin(capacities[k]);
            memset(seen, 0, sizeof seen);
            memset(&sender, 0, sizeof sender);
            sender.chans = chans;
            sender.n = n;
            sender.count = ROUNDS;
            receiver = sender;
            sender.sends = true;
            /* One after the other through a rendezvous; beside each other in buffers. */
            receiver.seen = capacities[k] == 0 ? NULL : seen;
            party_start(&sender, select_over_all);
            party_start(&receiver, select_over_all);
            party_join(&sender);
            party_join(&receiver);
            for (size_t c = 0; c < n; c++) {
                CHECK_EQ(weir_chan_size_approx(chans[c]), 0);
                chan_end(chans[c]);
            }
        }
    }
}

/* Each sends by one of its arms or receives by the other, `count` times. */
static void *send_or_receive(void *argument)
{
    party *const p = (party *)argument;

    for (uint64_t i = 0; i < p->count; i++) {
        weir_select_arm arms[2];
        uint64_t other = 12345;
        int got;

        memset(arms, 0, sizeof arms);
        weir_select_send(&arms[0], p->chans[0], &p->id);
        weir_select_recv(&arms[1], p->chans[1], &other);
        got = weir_select(arms, 2, WEIR_FOREVER, NULL);
        CHECK(got == 0 || got == 1);
        CHECK_EQ(arms[got].status, 0);
        if (got == 0) {
            CHECK_EQ(other, 12345);
        } else {
            CHECK(other != p->id); /* not from itself */
            p->met++;
        }
    }
    return NULL;
}

/* Go, runtime "TestSelfSelect"; crossbeam, same_channel: two that each send to and receive from
 * one channel meet each other, and not themselves: one has sent where the other received. */
static void two_meet_over_one_channel(void)
{
    weir_chan *const chan = chan_begin(WEIR_CHAN_RENDEZVOUS);
    weir_chan *both[2] = {chan, chan};
    party all[2];

    memset(all, 0, sizeof all);
    for (uint64_t i = 0; i < 2; i++) {
        all[i].chans = both;
        all[i].id = i;
        all[i].count = 2 * ROUNDS;
        party_start(&all[i], send_or_receive);
    }
    for (unsigned i = 0; i < 2; i++)
        party_join(&all[i]);
    CHECK_EQ(all[0].met + all[1].met, 2 * ROUNDS);
    chan_end(chan);
}

/* The contract: two selects crossed over two channels: no deadlock, and one of the two exchanges
 * at a time, never both. */
static void two_meet_crosswise(void)
{
    weir_chan *const a = chan_begin(WEIR_CHAN_RENDEZVOUS), *const b = chan_begin(0);
    weir_chan *there[2] = {a, b}, *back[2] = {b, a};
    party all[2];

    memset(all, 0, sizeof all);
    for (uint64_t i = 0; i < 2; i++) {
        all[i].chans = i == 0 ? there : back;
        all[i].id = i;
        all[i].count = 2 * ROUNDS;
        party_start(&all[i], send_or_receive);
    }
    for (unsigned i = 0; i < 2; i++)
        party_join(&all[i]);
    CHECK_EQ(all[0].met + all[1].met, 2 * ROUNDS);
    chan_end(a);
    chan_end(b);
}

/* crossbeam, select "matching": of an even number of threads that each send their name or receive
 * another's, half receive; of an odd number one is left over, and is met at last. */
static void a_crowd_pairs_off(void)
{
    enum { CROWD = 9 };

    for (unsigned crowd = CROWD - 1; crowd <= CROWD; crowd++) {
        for (unsigned round = 0; round < 10; round++) {
            weir_chan *const chan = chan_begin(WEIR_CHAN_RENDEZVOUS);
            weir_chan *both[2] = {chan, chan};
            party all[CROWD];
            uint64_t received = 0;

            memset(all, 0, sizeof all);
            for (uint64_t i = 0; i < crowd; i++) {
                all[i].chans = both;
                all[i].id = i;
                all[i].count = 1;
                party_start(&all[i], send_or_receive);
            }
            if (crowd % 2 == 1)
                CHECK(chan_take(chan) < crowd);
            for (unsigned i = 0; i < crowd; i++) {
                party_join(&all[i]);
                received += all[i].met;
            }
            CHECK_EQ(received, crowd / 2);
            CHECK_EQ(weir_chan_senders_approx(chan), 0);
            CHECK_EQ(weir_chan_receivers_approx(chan), 0);
            chan_end(chan);
        }
    }
}

/* Sends by one arm; the others are of channels in which nothing happens. */
static void *send_beside_quiet_ones(void *argument)
{
    party *const p = (party *)argument;
    uint64_t never = 12345;

    for (uint64_t i = 0; i < p->count; i++) {
        weir_select_arm arms[3];
        const size_t at = (size_t)(i % 3);

        memset(arms, 0, sizeof arms);
        for (size_t a = 0; a < 3; a++)
            weir_select_recv(&arms[a], p->chans[1 + (a + i) % 2], &never);
        weir_select_send(&arms[at], p->chans[0], &i);
        CHECK_EQ(weir_select(arms, 3, WEIR_FOREVER, NULL), at);
        CHECK_EQ(arms[at].status, 0);
    }
    CHECK_EQ(never, 12345);
    return NULL;
}

/* U8 again: one who only receives, and a select of which the other arms are of a rendezvous and of
 * a buffer: whoever comes while the other looks elsewhere is not missed. */
static void a_receive_and_a_select_meet(void)
{
    weir_chan *chans[3] = {chan_begin(0), chan_begin(0), chan_begin(2)};
    party sender;

    memset(&sender, 0, sizeof sender);
    sender.chans = chans;
    sender.count = 20 * ROUNDS;
    party_start(&sender, send_beside_quiet_ones);
    for (uint64_t i = 0; i < sender.count; i++)
        CHECK_EQ(chan_take(chans[0]), i);
    party_join(&sender);
    for (size_t c = 0; c < 3; c++)
        chan_end(chans[c]);
}

/* ---- those who lose ---- */

static void *receive_each_once(void *argument)
{
    party *const p = (party *)argument;
    uint64_t value;

    while (weir_chan_recv(p->chans[0], &value, WEIR_FOREVER, NULL) == 0) {
        CHECK(p->seen[value]++ == 0);
        p->count++;
    }
    return NULL;
}

/* Go, test/chan/doubleselect.go: what a select sent by one of several channels came out of one of
 * them, once. */
static void a_select_sends_once(void)
{
    static const size_t capacities[] = {0, 1, 7};

    for (size_t k = 0; k < COUNT(capacities); k++) {
        enum { MANY = 1000 };
        weir_chan *chans[WIDE];
        unsigned char seen[WIDE][MANY];
        party sender, receivers[WIDE];
        uint64_t count = 0;

        memset(seen, 0, sizeof seen);
        memset(&sender, 0, sizeof sender);
        memset(receivers, 0, sizeof receivers);
        for (size_t c = 0; c < WIDE; c++) {
            chans[c] = chan_begin(capacities[k]);
            receivers[c].chans = &chans[c];
            receivers[c].seen = seen[c];
            party_start(&receivers[c], receive_each_once);
        }
        sender.chans = chans;
        sender.n = WIDE;
        sender.count = MANY;
        sender.sends = true;
        party_start(&sender, select_over_all);
        party_join(&sender);
        for (size_t c = 0; c < WIDE; c++)
            CHECK_EQ(weir_chan_close(chans[c], WEIR_CHAN_DRAIN), 0);
        for (size_t c = 0; c < WIDE; c++) {
            party_join(&receivers[c]);
            count += receivers[c].count;
            chan_end(chans[c]);
        }
        CHECK_EQ(count, MANY);
        for (size_t i = 0; i < MANY; i++)
            CHECK_EQ(seen[0][i] + seen[1][i] + seen[2][i] + seen[3][i], 1);
    }
}

static void *send_in_order(void *argument)
{
    party *const p = (party *)argument;

    for (uint64_t i = 0; i < p->count; i++)
        CHECK_EQ(chan_put(p->chans[0], i), 0);
    CHECK_EQ(weir_chan_close(p->chans[0], WEIR_CHAN_DRAIN), 0);
    return NULL;
}

/* U24; Go, runtime "TestSelectStress": values that lose against another arm stay where they are:
 * each channel's all arrive, in their order. */
static void a_select_that_receives_loses_nothing(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        party senders[WIDE];
        weir_chan *chans[WIDE];
        weir_select_arm arms[WIDE];
        uint64_t values[WIDE], want[WIDE] = {0, 0, 0, 0};
        unsigned open = WIDE;

        memset(senders, 0, sizeof senders);
        memset(arms, 0, sizeof arms);
        for (size_t c = 0; c < WIDE; c++) {
            chans[c] = chan_begin_kind(&chan_kinds[k]);
            senders[c].chans = &chans[c];
            senders[c].count = ROUNDS;
            weir_select_recv(&arms[c], chans[c], &values[c]);
            party_start(&senders[c], send_in_order);
        }
        while (open > 0) {
            const int got = weir_select(arms, WIDE, WEIR_FOREVER, NULL);

            CHECK(got >= 0 && got < WIDE);
            if (arms[got].status == 0) {
                CHECK_EQ(values[got], want[got]++);
            } else {
                CHECK_EQ(arms[got].status, -EPIPE);
                CHECK_EQ(want[got], ROUNDS);
                arms[got].chan = NULL;
                open--;
            }
        }
        for (size_t c = 0; c < WIDE; c++) {
            party_join(&senders[c]);
            chan_end(chans[c]);
        }
    }
}

/* U7 (martian56/raven #493): a select that is woken for one channel and takes from another hands
 * the wake-up on. Behind it one waits at each; two values come at once: both are taken. */
static void a_wake_is_handed_on_to_a_receiver(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        for (unsigned round = 0; round < 40 && kind_many_receivers(&chan_kinds[k]); round++) {
            weir_chan *const a = chan_begin_kind(&chan_kinds[k]);
            weir_chan *const b = chan_begin_kind(&chan_kinds[k]);
            uint64_t values[2] = {0, 0};
            weir_select_arm arms[2];
            actor selects, behind[2], more[2];

            memset(arms, 0, sizeof arms);
            weir_select_recv(&arms[round % 2], a, &values[0]);
            weir_select_recv(&arms[1 - round % 2], b, &values[1]);
            start_select(&selects, arms, 2, WEIR_FOREVER, NULL);
            until_receivers(a, 1);
            until_receivers(b, 1);
            start_recv(&behind[0], a);
            start_recv(&behind[1], b);
            until_receivers(a, 2);
            until_receivers(b, 2);
            CHECK_EQ(chan_put(round % 4 < 2 ? a : b, 1), 0);
            CHECK_EQ(chan_put(round % 4 < 2 ? b : a, 1), 0);
            while (weir_chan_size_approx(a) + weir_chan_size_approx(b) > 0)
                sched_yield();
            /* One of the three still waits, at a or at b. */
            start_send(&more[0], a, 1);
            start_send(&more[1], b, 1);
            CHECK(actor_join(&selects) >= 0);
            CHECK_EQ(actor_join(&behind[0]), 0);
            CHECK_EQ(actor_join(&behind[1]), 0);
            CHECK_EQ(values[0] + values[1] + behind[0].value + behind[1].value, 3);
            /* The value that is left. */
            weir_select_recv(&arms[0], a, &values[0]);
            weir_select_recv(&arms[1], b, &values[1]);
            CHECK(weir_select(arms, 2, WEIR_FOREVER, NULL) >= 0);
            CHECK_EQ(actor_join(&more[0]), 0);
            CHECK_EQ(actor_join(&more[1]), 0);
            CHECK_EQ(weir_select_try(arms, 2), -EAGAIN);
            chan_end(a);
            chan_end(b);
        }
    }
}

/* The same on the other side: two full channels, room in both at once. */
static void a_wake_is_handed_on_to_a_sender(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        const size_t capacity = chan_kinds[k].capacity;

        if (capacity == WEIR_CHAN_UNBOUNDED || !kind_many_receivers(&chan_kinds[k]))
            continue;
        for (unsigned round = 0; round < 40; round++) {
            weir_chan *const a = chan_begin_kind(&chan_kinds[k]);
            weir_chan *const b = chan_begin_kind(&chan_kinds[k]);
            const uint64_t value = 100;
            weir_select_arm arms[2];
            actor selects, behind[2];
            uint64_t sum = 0, count = 0, got[2];

            chan_fill(a, capacity);
            chan_fill(b, capacity);
            memset(arms, 0, sizeof arms);
            weir_select_send(&arms[round % 2], a, &value);
            weir_select_send(&arms[1 - round % 2], b, &value);
            start_select(&selects, arms, 2, WEIR_FOREVER, NULL);
            until_senders(a, 1);
            until_senders(b, 1);
            start_send(&behind[0], a, 100);
            start_send(&behind[1], b, 100);
            until_senders(a, 2);
            until_senders(b, 2);
            sum += chan_take(round % 4 < 2 ? a : b);
            sum += chan_take(round % 4 < 2 ? b : a);
            while (weir_chan_size_approx(a) + weir_chan_size_approx(b) < 2 * capacity)
                sched_yield();
            /* One of the three still waits, at a or at b. */
            for (weir_select_arm takes[2]; count < 2 * capacity + 1; count++) {
                int which;

                memset(takes, 0, sizeof takes);
                weir_select_recv(&takes[0], a, &got[0]);
                weir_select_recv(&takes[1], b, &got[1]);
                which = weir_select(takes, 2, WEIR_FOREVER, NULL);
                CHECK(which >= 0);
                sum += got[which];
            }
            CHECK(actor_join(&selects) >= 0);
            CHECK_EQ(actor_join(&behind[0]), 0);
            CHECK_EQ(actor_join(&behind[1]), 0);
            CHECK_EQ(sum, 300 + capacity * (capacity - (capacity > 0)));
            chan_end(a);
            chan_end(b);
        }
    }
}

/* The same of one who gives up as its value comes (R18, R23): the other receiver gets it. */
static void a_wake_of_one_who_gives_up(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        for (unsigned round = 0; round < 60 && kind_many_receivers(&chan_kinds[k]); round++) {
            weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
            weir_cancel *const token = token_begin();
            actor early, late;

            start_until(&early, actor_recv, chan, 12345,
                        round % 2 == 0 ? WEIR_FOREVER : weir_clock_after(round * 2000), token);
            if (round % 2 == 0)
                until_receivers(chan, 1);
            start_recv(&late, chan);
            if (round % 4 < 2)
                until_receivers(chan, 1);
            if (round % 2 == 0 && round % 3 == 0)
                token_cancel(token);
            CHECK_EQ(chan_put(chan, 1), 0);
            if (round % 2 == 0 && round % 3 != 0)
                token_cancel(token);
            if (actor_join(&early) == 0) {
                CHECK_EQ(early.value, 1);
                CHECK_EQ(chan_put(chan, 1), 0);
            } else {
                CHECK_EQ(early.status, round % 2 == 0 ? -ECANCELED : -ETIMEDOUT);
                CHECK_EQ(early.value, 12345);
            }
            CHECK_EQ(actor_join(&late), 0);
            CHECK_EQ(late.value, 1);
            CHECK_EQ(weir_chan_size_approx(chan), 0);
            chan_end(chan);
            token_end(token);
        }
    }
}

/* Go, test/chan/select6.go (its issue 2075): selects that leave a queue from its middle leave the
 * queue whole. */
static void leaving_a_queue_from_its_middle(void)
{
    for (unsigned middle = 0; middle < 3; middle++) {
        weir_chan *const chan = chan_begin(WEIR_CHAN_RENDEZVOUS), *const side = chan_begin(0);
        weir_select_arm arms[3][2];
        uint64_t values[3][2];
        actor all[3];

        memset(arms, 0, sizeof arms);
        for (unsigned i = 0; i < 3; i++) {
            weir_select_recv(&arms[i][0], chan, &values[i][0]);
            weir_select_recv(&arms[i][1], i == middle ? side : NULL, &values[i][1]);
            start_select(&all[i], arms[i], 2, WEIR_FOREVER, NULL);
            until_receivers(chan, i + 1);
        }
        until_receivers(side, 1);
        CHECK_EQ(chan_put(side, 9), 0);
        CHECK_EQ(actor_join(&all[middle]), 1);
        CHECK_EQ(weir_chan_receivers_approx(chan), 2);
        /* Those who are left are served in the order in which they came. */
        for (unsigned i = 0; i < 3; i++) {
            if (i == middle)
                continue;
            CHECK_EQ(chan_put(chan, i), 0);
            CHECK_EQ(actor_join(&all[i]), 0);
            CHECK_EQ(values[i][0], i);
        }
        chan_end(chan);
        chan_end(side);
    }
}

int main(void)
{
    return TEST_RUN(
        "select_meet", TEST_CASE(both_sides_select), TEST_CASE(two_meet_over_one_channel),
        TEST_CASE(two_meet_crosswise), TEST_CASE(a_crowd_pairs_off),
        TEST_CASE(a_receive_and_a_select_meet), TEST_CASE(a_select_sends_once),
        TEST_CASE(a_select_that_receives_loses_nothing),
        TEST_CASE(a_wake_is_handed_on_to_a_receiver), TEST_CASE(a_wake_is_handed_on_to_a_sender),
        TEST_CASE(a_wake_of_one_who_gives_up), TEST_CASE(leaving_a_queue_from_its_middle));
}
