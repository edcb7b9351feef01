/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What a channel does with nobody else there, or with one who waits; closing is in
 * tests/chan_close.c, programs of many threads in tests/chan_go.c. Each case says whose behaviour
 * it is: Go's specification and tests, crossbeam-channel's tests, libdill's tests, or this
 * library's own contract. */

#include "chan.h"

#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local unsigned yields; /* of the calling thread */

/* In place of the C library's, for weir as well. */
int sched_yield(void)
{
    yields++;
    return (int)syscall(SYS_sched_yield);
}

/* ---- one value, and then more ---- */

/* crossbeam, array and list "smoke". */
static void hands_one_value_on(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        uint64_t value = 0;

        if (chan_kinds[k].capacity > 0) {
            CHECK_EQ(chan_put(chan, 7), 0);
            CHECK_EQ(weir_chan_try_recv(chan, &value), 0);
            CHECK_EQ(value, 7);
            value = 8;
            CHECK_EQ(weir_chan_try_send(chan, &value), 0);
            value = 9; /* it was copied */
            CHECK_EQ(chan_take(chan), 8);
        }
        CHECK_EQ(weir_chan_try_recv(chan, &value), -EAGAIN);
        chan_end(chan);
    }
}

/* Go, spec "Length and capacity"; crossbeam "capacity", "len_empty_full". */
static void holds_exactly_what_it_was_made_for(void)
{
    static const size_t capacities[] = {1, 2, 3, 4, 7, 100, 1000, 1024};

    for (size_t c = 0; c < COUNT(capacities); c++) {
        for (int shape = WEIR_CHAN_MPMC; shape <= WEIR_CHAN_FAIR; shape++) {
            const chan_kind kind = {capacities[c], (weir_chan_shape)shape};
            weir_chan *const chan = chan_begin_kind(&kind);
            uint64_t value = 77;

            CHECK_EQ(weir_chan_capacity(chan), capacities[c]);
            CHECK_EQ(weir_chan_element(chan), sizeof value);
            /* Each round leaves the ring one cell further, for more than two laps. */
            for (size_t round = 0; round < 2 * capacities[c] + 3 && round < 20; round++) {
                for (size_t i = 0; i < capacities[c]; i++) {
                    CHECK_EQ(weir_chan_size_approx(chan), i);
                    value = round + i;
                    CHECK_EQ(weir_chan_try_send(chan, &value), 0);
                }
                CHECK_EQ(weir_chan_size_approx(chan), capacities[c]);
                CHECK_EQ(weir_chan_try_send(chan, &value), -EAGAIN);
                for (size_t i = 0; i < capacities[c]; i++) {
                    CHECK_EQ(weir_chan_try_recv(chan, &value), 0);
                    CHECK_EQ(value, round + i);
                }
                value = 12345;
                CHECK_EQ(weir_chan_try_recv(chan, &value), -EAGAIN);
                CHECK_EQ(value, 12345);
                CHECK_EQ(chan_put(chan, 1), 0);
                CHECK_EQ(chan_take(chan), 1);
            }
            CHECK_EQ(weir_chan_size_approx(chan), 0);
            chan_end(chan);
        }
    }
}

/* Go, test/chan/fifo.go; spec "Channel types": first-in-first-out. Every length of backlog, of
 * which an unbounded one goes beyond what it began with. */
static void first_in_first_out(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        const size_t capacity = chan_kinds[k].capacity;
        uint64_t in = 0, out = 0;

        for (size_t round = 0; capacity > 0 && round < 300; round++) {
            const size_t most = capacity == WEIR_CHAN_UNBOUNDED ? 700 : capacity;
            const size_t target = round * 37 % (most + 1);

            while (in - out < target)
                CHECK_EQ(chan_put(chan, in++), 0);
            while (in - out > target)
                CHECK_EQ(chan_take(chan), out++);
            CHECK_EQ(weir_chan_size_approx(chan), in - out);
        }
        chan_end(chan);
    }
}

/* crossbeam, list "capacity", "len": unbounded is said as it was asked, and is never full. */
static void an_unbounded_one_is_never_full(void)
{
    weir_chan *const chan = chan_begin(WEIR_CHAN_UNBOUNDED);
    const uint64_t many = 100000;

    CHECK(weir_chan_capacity(chan) == WEIR_CHAN_UNBOUNDED);
    for (uint64_t i = 0; i < many; i++)
        CHECK_EQ(weir_chan_try_send(chan, &i), 0);
    CHECK_EQ(weir_chan_size_approx(chan), many);
    for (uint64_t i = 0; i < many; i++)
        CHECK_EQ(chan_take(chan), i);
    chan_end(chan);
}

/* Go, test/chan/nonblock.go; crossbeam, zero "try_send", "try_recv": without a partner nothing
 * happens, and what a rendezvous says is -EAGAIN. */
static void a_rendezvous_wants_two(void)
{
    weir_chan *const chan = chan_begin(WEIR_CHAN_RENDEZVOUS);
    uint64_t value = 5;

    CHECK_EQ(weir_chan_capacity(chan), 0);
    for (unsigned i = 0; i < 100; i++) {
        CHECK_EQ(weir_chan_try_send(chan, &value), -EAGAIN);
        CHECK_EQ(weir_chan_try_recv(chan, &value), -EAGAIN);
        CHECK_EQ(weir_chan_send(chan, &value, 0, NULL), -ETIMEDOUT);
        CHECK_EQ(weir_chan_recv(chan, &value, 0, NULL), -ETIMEDOUT);
        CHECK_EQ(weir_chan_try_send_burst(chan, &value, 1), 0);
        CHECK_EQ(weir_chan_try_recv_burst(chan, &value, 1), 0);
        CHECK_EQ(value, 5);
        CHECK_EQ(weir_chan_size_approx(chan), 0);
        CHECK_EQ(weir_chan_senders_approx(chan), 0);
        CHECK_EQ(weir_chan_receivers_approx(chan), 0);
    }
    chan_end(chan);
}

/* Go, test/chan/nonblock.go; crossbeam, zero "try_send", "try_recv": with one who waits it
 * succeeds, which U10's false "empty" would break. */
static void try_meets_who_waits(void)
{
    weir_chan *const chan = chan_begin(WEIR_CHAN_RENDEZVOUS);
    uint64_t value = 0;
    actor other;

    start_recv(&other, chan);
    until_receivers(chan, 1);
    CHECK_EQ(chan_try_send(chan, 11), 0);
    CHECK_EQ(actor_join(&other), 0);
    CHECK_EQ(other.value, 11);
    start_send(&other, chan, 12);
    until_senders(chan, 1);
    CHECK_EQ(chan_try_recv(chan, &value), 0);
    CHECK_EQ(value, 12);
    CHECK_EQ(actor_join(&other), 0);
    CHECK_EQ(weir_chan_senders_approx(chan), 0);
    CHECK_EQ(weir_chan_receivers_approx(chan), 0);
    chan_end(chan);
}

/* libdill, tests/chan.c "receiver waits for sender", "sender waits for receiver"; Go, spec "Send
 * statements", "Receive operator". */
static void one_waits_for_the_other(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        const size_t capacity = chan_kinds[k].capacity;
        actor other;

        start_recv(&other, chan);
        until_receivers(chan, 1);
        CHECK_EQ(chan_put(chan, 21), 0);
        CHECK_EQ(actor_join(&other), 0);
        CHECK_EQ(other.value, 21);
        if (capacity != WEIR_CHAN_UNBOUNDED) {
            for (size_t i = 0; i < capacity; i++)
                CHECK_EQ(chan_put(chan, i), 0);
            start_send(&other, chan, capacity);
            until_senders(chan, 1);
            for (size_t i = 0; i <= capacity; i++)
                CHECK_EQ(chan_take(chan), i);
            CHECK_EQ(actor_join(&other), 0);
        }
        chan_end(chan);
    }
}

/* Go, runtime "TestChan": a receive from an empty channel does not return before a send. */
static void nothing_comes_from_nothing(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        uint64_t value = 12345;

        CHECK_EQ(weir_chan_recv(chan, &value, weir_clock_after(MS / 5), NULL), -ETIMEDOUT);
        CHECK_EQ(value, 12345);
        chan_end(chan);
    }
}

/* ---- deadlines and tokens ---- */

/* libdill "immediate timeout"; the contract: what can be done at once is done, whatever the
 * deadline. */
static void a_past_deadline_does_what_can_be_done(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        const size_t capacity = chan_kinds[k].capacity;
        const uint64_t past[] = {0, 1, weir_clock_now()};

        for (size_t p = 0; p < COUNT(past); p++) {
            const size_t most = capacity == WEIR_CHAN_UNBOUNDED ? 50 : capacity;
            uint64_t value = 12345;

            CHECK_EQ(weir_chan_recv(chan, &value, past[p], NULL), -ETIMEDOUT);
            CHECK_EQ(value, 12345);
            for (uint64_t i = 0; i < most; i++)
                CHECK_EQ(weir_chan_send(chan, &i, past[p], NULL), 0);
            if (capacity != WEIR_CHAN_UNBOUNDED)
                CHECK_EQ(weir_chan_send(chan, &value, past[p], NULL), -ETIMEDOUT);
            for (uint64_t i = 0; i < most; i++) {
                CHECK_EQ(weir_chan_recv(chan, &value, past[p], NULL), 0);
                CHECK_EQ(value, i);
            }
        }
        chan_end(chan);
    }
}

/* crossbeam "recv_timeout", "send_timeout"; libdill, tests/choose.c "expiration of deadline". */
static void a_deadline_is_not_early(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        uint64_t deadline = weir_clock_after(MS), value = 3;
        size_t sent = 0;

        CHECK_EQ(weir_chan_recv(chan, &value, deadline, NULL), -ETIMEDOUT);
        CHECK(weir_clock_now() >= deadline);
        if (chan_kinds[k].capacity != WEIR_CHAN_UNBOUNDED) {
            deadline = weir_clock_after(MS);
            while (weir_chan_send(chan, &value, deadline, NULL) == 0)
                sent++;
            CHECK(weir_clock_now() >= deadline);
            CHECK_EQ(sent, chan_kinds[k].capacity);
        }
        CHECK_EQ(weir_chan_receivers_approx(chan), 0);
        CHECK_EQ(weir_chan_senders_approx(chan), 0);
        chan_end(chan);
    }
}

/* U25; crossbeam #798, #953: the largest deadlines do not overflow into the past. */
static void the_largest_deadlines_wait(void)
{
    static const uint64_t far[] = {
        UINT64_MAX,     UINT64_MAX - 1,         UINT64_MAX / 2 + 1,
        UINT64_MAX / 2, UINT64_MAX - 999999999, UINT64_C(1000000000) * UINT32_MAX,
    };

    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        for (size_t f = 0; f < COUNT(far); f++) {
            weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
            const size_t capacity = chan_kinds[k].capacity;
            actor other;

            start_until(&other, actor_recv, chan, 0, far[f], NULL);
            until_receivers(chan, 1);
            CHECK_EQ(chan_put(chan, f), 0);
            CHECK_EQ(actor_join(&other), 0);
            CHECK_EQ(other.value, f);
            for (size_t i = 0; capacity != WEIR_CHAN_UNBOUNDED && i < capacity; i++)
                CHECK_EQ(chan_put(chan, i), 0);
            start_until(&other, actor_send, chan, 99, far[f], NULL);
            if (capacity != WEIR_CHAN_UNBOUNDED)
                until_senders(chan, 1);
            chan_take(chan);
            CHECK_EQ(actor_join(&other), 0);
            chan_end(chan);
        }
    }
}

/* U26: the end of a second is no edge: deadlines whose last nine digits are around 10^9. */
static void a_deadline_at_the_end_of_a_second(void)
{
    weir_chan *const chan = chan_begin(WEIR_CHAN_RENDEZVOUS);
    const uint64_t second = weir_clock_now() / 1000000000 * 1000000000;
    uint64_t value;

    CHECK_EQ(weir_chan_recv(chan, &value, second, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_chan_recv(chan, &value, second - 1, NULL), -ETIMEDOUT);
    for (uint64_t more = 0; more < 3; more++) {
        actor other;

        start_until(&other, actor_recv, chan, 0, second + UINT64_C(3600000000000) + more - 1, NULL);
        until_receivers(chan, 1);
        CHECK_EQ(chan_put(chan, more), 0);
        CHECK_EQ(actor_join(&other), 0);
    }
    chan_end(chan);
}

/* ---- elements ---- */

static void fill(unsigned char *bytes, size_t n, unsigned salt)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(i * 7 + salt * 31 + 1);
}

/* The contract: elements of any size, at any address; Go, test/chan/zerosize.go and libdill "large
 * object" are the ends of it. Nothing beside the element is written. */
static void elements_of_every_size(void)
{
    static unsigned char in[4096 + 64], out[4096 + 64], want[4096 + 64];

    for (size_t size = 1; size <= 4096; size = size < 64    ? size + 1
                                               : size == 64 ? 100
                                                            : size + 3996) {
        for (size_t k = 0; k < COUNT(chan_kinds); k++) {
            const size_t rounds = chan_kinds[k].capacity == WEIR_CHAN_UNBOUNDED ? 70 : 20;
            weir_chan_options options;
            weir_chan *chan = NULL;

            if (chan_kinds[k].capacity == 0)
                continue;
            memset(&options, 0, sizeof options);
            options.shape = chan_kinds[k].shape;
            CHECK_EQ(weir_chan_new(&chan, size, chan_kinds[k].capacity, &options), 0);
            CHECK_EQ(weir_chan_element(chan), size);
            for (unsigned i = 0; i < rounds; i++) {
                const size_t at = i % 9; /* aligned and not */

                fill(in + at, size, i);
                memcpy(want, in, sizeof in);
                CHECK_EQ(weir_chan_try_send(chan, in + at), 0);
                CHECK(memcmp(in, want, sizeof in) == 0);
                if (chan_kinds[k].capacity != WEIR_CHAN_UNBOUNDED) {
                    memset(out, 0xee, sizeof out);
                    memset(want, 0xee, sizeof want);
                    fill(want + at, size, i);
                    CHECK_EQ(weir_chan_try_recv(chan, out + at), 0);
                    CHECK(memcmp(out, want, sizeof out) == 0);
                }
            }
            for (unsigned i = 0; chan_kinds[k].capacity == WEIR_CHAN_UNBOUNDED && i < rounds; i++) {
                memset(out, 0xee, sizeof out);
                memset(want, 0xee, sizeof want);
                fill(want + i % 9, size, i);
                CHECK_EQ(weir_chan_try_recv(chan, out + i % 9), 0);
                CHECK(memcmp(out, want, sizeof out) == 0);
            }
            chan_end(chan);
        }
    }
}

typedef struct sized {
    weir_chan *chan;
    size_t size;
} sized;

static void *send_sized(void *argument)
{
    const sized *const s = (const sized *)argument;
    unsigned char in[4096 + 1];

    fill(in + 1, s->size, 5);
    CHECK_EQ(weir_chan_send(s->chan, in + 1, WEIR_FOREVER, NULL), 0);
    fill(in + 1, s->size, 6);
    CHECK_EQ(weir_chan_send(s->chan, in + 1, WEIR_FOREVER, NULL), 0);
    return NULL;
}

/* libdill, tests/choose.c "transferring a large object": from stack to stack. */
static void elements_of_every_size_meet(void)
{
    static const size_t sizes[] = {1, 2, 3, 7, 8, 9, 16, 24, 33, 64, 100, 4096};

    for (size_t s = 0; s < COUNT(sizes); s++) {
        unsigned char out[4096 + 64], want[4096 + 64];
        sized what = {NULL, sizes[s]};
        pthread_t thread;

        CHECK_EQ(weir_chan_new(&what.chan, sizes[s], WEIR_CHAN_RENDEZVOUS, NULL), 0);
        CHECK(pthread_create(&thread, NULL, send_sized, &what) == 0);
        for (unsigned i = 0; i < 2; i++) {
            memset(out, 0xee, sizeof out);
            memset(want, 0xee, sizeof want);
            fill(want + 3, sizes[s], 5 + i);
            CHECK_EQ(weir_chan_recv(what.chan, out + 3, WEIR_FOREVER, NULL), 0);
            CHECK(memcmp(out, want, sizeof out) == 0);
        }
        CHECK(pthread_join(thread, NULL) == 0);
        chan_end(what.chan);
    }
}

typedef struct point {
    int32_t x, y;
    char name[20];
} point;

WEIR_CHAN_DEFINE(point_chan, point);
WEIR_CHAN_DEFINE(chan_chan, weir_chan *);

/* libdill, tests/chan.c: a channel of structs, by the typed face. */
static void a_typed_channel(void)
{
    const point here = {3, 4, "here"};
    point_chan *points = NULL;
    point got;

    CHECK_EQ(point_chan_new(&points, 2, NULL), 0);
    CHECK_EQ(weir_chan_element(point_chan_chan(points)), sizeof(point));
    CHECK_EQ(point_chan_try_send(points, here), 0);
    CHECK_EQ(point_chan_send(points, here, 0, NULL), 0);
    CHECK_EQ(point_chan_try_send(points, here), -EAGAIN);
    CHECK_EQ(point_chan_send(points, here, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(point_chan_try_recv(points, &got), 0);
    CHECK(got.x == 3 && got.y == 4 && strcmp(got.name, "here") == 0);
    CHECK_EQ(point_chan_close(points, WEIR_CHAN_DRAIN), 0);
    CHECK_EQ(point_chan_recv(points, &got, 0, NULL), 0);
    CHECK_EQ(point_chan_recv(points, &got, 0, NULL), -EPIPE);
    CHECK_EQ(point_chan_free(points), 0);
    CHECK_EQ(point_chan_new(&points, SIZE_MAX / 2, NULL), -EINVAL);
}

/* Go, spec "Channel types" (a chan of chan); crossbeam "channel_through_channel". */
static void channels_through_a_channel(void)
{
    for (size_t capacity = 1; capacity < 4; capacity++) {
        chan_chan *all = NULL;

        CHECK_EQ(chan_chan_new(&all, capacity, NULL), 0);
        for (uint64_t i = 0; i < 20; i++) {
            weir_chan *inner = NULL;

            CHECK_EQ(chan_chan_send(all, chan_begin(1), 0, NULL), 0);
            CHECK_EQ(chan_chan_recv(all, &inner, 0, NULL), 0);
            CHECK_EQ(chan_put(inner, i), 0);
            CHECK_EQ(chan_take(inner), i);
            chan_end(inner);
        }
        CHECK_EQ(chan_chan_free(all), 0);
    }
}

/* Linux would have it stand behind its waker when the value comes: lib/wait_spin.c. */
static void who_waits_for_a_value_does_not_yield(void)
{
    yields = 0;
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]), *const other = chan_begin(1);
        uint64_t value = 0, another = 0;

        for (int i = 0; i < 20; i++) {
            weir_select_arm arms[2];

            weir_select_recv(&arms[0], chan, &value);
            weir_select_recv(&arms[1], other, &another);
            CHECK_EQ(weir_chan_recv(chan, &value, weir_clock_after(200000), NULL), -ETIMEDOUT);
            CHECK_EQ(weir_select(arms, 2, weir_clock_after(200000), NULL), -ETIMEDOUT);
        }
        chan_end(chan);
        chan_end(other);
    }
    CHECK_EQ(yields, 0);
    sched_yield(); /* it is this one that is called */
    CHECK_EQ(yields, 1);
}

int main(void)
{
    return TEST_RUN(
        "chan", TEST_CASE(hands_one_value_on), TEST_CASE(holds_exactly_what_it_was_made_for),
        TEST_CASE(first_in_first_out), TEST_CASE(an_unbounded_one_is_never_full),
        TEST_CASE(a_rendezvous_wants_two), TEST_CASE(try_meets_who_waits),
        TEST_CASE(one_waits_for_the_other), TEST_CASE(nothing_comes_from_nothing),
        TEST_CASE(a_past_deadline_does_what_can_be_done), TEST_CASE(a_deadline_is_not_early),
        TEST_CASE(the_largest_deadlines_wait), TEST_CASE(a_deadline_at_the_end_of_a_second),
        TEST_CASE(elements_of_every_size), TEST_CASE(elements_of_every_size_meet),
        TEST_CASE(a_typed_channel), TEST_CASE(channels_through_a_channel),
        TEST_CASE(who_waits_for_a_value_does_not_yield));
}
