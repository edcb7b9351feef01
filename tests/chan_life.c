/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Channels: how they begin and end, what is left inside, what they allocate, and bursts. */

#include "chan.h"

/* ---- bad input ---- */

/* The contract of weir_chan_new(). */
static void refuses_bad_input(void)
{
    weir_chan_options options;
    weir_chan *chan = (weir_chan *)(void *)&options;

    memset(&options, 0, sizeof options);
    CHECK_EQ(weir_chan_new(&chan, 0, 0, NULL), -EINVAL);
    CHECK_EQ(weir_chan_new(&chan, 0, 1, &options), -EINVAL);
    CHECK_EQ(weir_chan_new(&chan, 0, WEIR_CHAN_UNBOUNDED, &options), -EINVAL);
    CHECK_EQ(weir_chan_new(&chan, 8, SIZE_MAX / 8 + 1, NULL), -EINVAL);
    CHECK_EQ(weir_chan_new(&chan, 2, SIZE_MAX - 1, NULL), -EINVAL);
    CHECK_EQ(weir_chan_new(&chan, SIZE_MAX, 2, NULL), -EINVAL);
    CHECK_EQ(weir_chan_new(&chan, SIZE_MAX / 2, 3, NULL), -EINVAL);
    options.shape = (weir_chan_shape)(WEIR_CHAN_FAIR + 1);
    CHECK_EQ(weir_chan_new(&chan, 8, 4, &options), -EINVAL);
    options.shape = (weir_chan_shape)-1;
    CHECK_EQ(weir_chan_new(&chan, 8, 4, &options), -EINVAL);
    CHECK(chan == (weir_chan *)(void *)&options);
    CHECK_EQ(weir_chan_free(NULL), 0);
}

static void *alloc_little(size_t bytes, size_t alignment, void *context)
{
    return bytes > (size_t)1 << 28 ? NULL : test_alloc(bytes, alignment, context);
}

/* The contract: capacities around each power of two at the upper end, with each shape: refused,
 * never made smaller than asked for. */
static void capacities_that_are_too_large(void)
{
    static const weir_allocator little = {alloc_little, test_release, NULL};
    static const size_t elements[] = {1, 3, 8, 64, 4096};

    test_alloc_fail_at(0);
    weir_set_allocator(&little);
    for (size_t e = 0; e < COUNT(elements); e++) {
        for (unsigned bits = 29; bits < sizeof(size_t) * 8; bits++) {
            for (size_t more = 0; more < 9; more++) {
                const size_t capacity = ((size_t)1 << bits) + more - 1;
                weir_chan_options options;
                weir_chan *chan = NULL;
                int status;

                memset(&options, 0, sizeof options);
                options.shape = (weir_chan_shape)(more % 4);
                status = weir_chan_new(&chan, elements[e], capacity, &options);
                CHECK(status == -EINVAL || status == -ENOMEM);
                CHECK(chan == NULL);
                if (capacity > SIZE_MAX / elements[e])
                    CHECK_EQ(status, -EINVAL);
            }
        }
        for (size_t less = 1; less < 20; less++) { /* SIZE_MAX is unbounded */
            weir_chan *chan = NULL;
            const int status = weir_chan_new(&chan, elements[e], SIZE_MAX - less, NULL);

            CHECK(status == -EINVAL || status == -ENOMEM);
        }
    }
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

/* ---- memory ---- */

/* The k-th allocation of weir_chan_new() fails, for every k: nothing is kept. */
static void no_memory_to_begin_with(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan_options options;
        int status = -ENOMEM;

        memset(&options, 0, sizeof options);
        options.shape = chan_kinds[k].shape;
        for (size_t nr = 1; status != 0; nr++) {
            weir_chan *chan = NULL;

            test_alloc_fail_at(nr);
            status = weir_chan_new(&chan, 24, chan_kinds[k].capacity, &options);
            if (status == 0) {
                CHECK(test_alloc_calls < nr); /* it was not one that could fail */
                chan_end(chan);
            } else {
                CHECK_EQ(status, -ENOMEM);
                CHECK(chan == NULL);
            }
            CHECK_EQ(test_alloc_live, 0);
        }
        weir_set_allocator(NULL);
    }
}

static bool no_more; /* memory */

static void *alloc_until(size_t bytes, size_t alignment, void *context)
{
    return no_more ? NULL : test_alloc(bytes, alignment, context);
}

/* What each way to send says when there is no memory. */
static void cannot_send(weir_chan *chan, uint64_t value)
{
    const uint64_t values[2] = {value, value + 1};
    const size_t live = test_alloc_live;
    weir_select_arm arm;
    size_t sent = 99;

    CHECK_EQ(weir_chan_try_send(chan, &value), -ENOMEM);
    CHECK_EQ(chan_put(chan, value), -ENOMEM);
    CHECK_EQ(weir_chan_send(chan, &value, 0, NULL), -ENOMEM);
    CHECK_EQ(weir_chan_try_send_burst(chan, values, 2), 0);
    CHECK_EQ(weir_chan_send_burst(chan, values, 2, &sent, WEIR_FOREVER, NULL), -ENOMEM);
    CHECK_EQ(sent, 0);
    memset(&arm, 0, sizeof arm);
    weir_select_send(&arm, chan, &value);
    CHECK_EQ(weir_select(&arm, 1, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(arm.status, -ENOMEM);
    CHECK_EQ(weir_select_try(&arm, 1), 0);
    CHECK_EQ(arm.status, -ENOMEM);
    CHECK_EQ(test_alloc_live, live);
}

/* An unbounded channel that cannot grow says so, keeps what it has, and goes on when there is
 * memory again; to receive, and to end, it wants none. */
static void no_memory_in_a_send(void)
{
    static const weir_allocator until = {alloc_until, test_release, NULL};
    const chan_kind kind = {WEIR_CHAN_UNBOUNDED, WEIR_CHAN_MPMC};
    uint64_t in = 0, out = 0, value;
    weir_chan *chan;
    drops dropped;

    test_alloc_fail_at(0);
    weir_set_allocator(&until);
    no_more = false;
    chan = chan_begin_drops(&kind, &dropped);
    CHECK_EQ(weir_chan_try_recv(chan, &value), -EAGAIN); /* a thread's first call may want some */
    for (unsigned round = 0; round < 6; round++) {
        int status;

        no_more = true;
        while ((status = weir_chan_try_send(chan, &in)) == 0)
            in++;
        CHECK_EQ(status, -ENOMEM);
        cannot_send(chan, in);
        while (out < in - (round % 2 == 1 && in > out))
            CHECK_EQ(chan_take(chan), out++);
        no_more = false;
        CHECK_EQ(chan_put(chan, in), 0);
        in++;
    }
    CHECK_EQ(weir_chan_size_approx(chan), in - out);
    no_more = true;
    chan_end(chan);
    CHECK_EQ(dropped.count, in - out);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

static void *free_it(void *chan)
{
    no_more = true;
    CHECK_EQ(weir_chan_free((weir_chan *)chan), -ENOMEM);
    no_more = false;
    CHECK_EQ(weir_chan_free((weir_chan *)chan), 0);
    return NULL;
}

/* Of an unbounded one a thread that has not used it yet: then nothing was done. */
static void no_memory_in_a_free(void)
{
    static const weir_allocator until = {alloc_until, test_release, NULL};
    const chan_kind kind = {WEIR_CHAN_UNBOUNDED, WEIR_CHAN_MPMC};
    pthread_t thread;
    drops dropped;
    weir_chan *chan;

    no_more = false;
    test_alloc_fail_at(0);
    weir_set_allocator(&until);
    chan = chan_begin_drops(&kind, &dropped);
    CHECK_EQ(chan_put(chan, 1), 0);
    CHECK(pthread_create(&thread, NULL, free_it, chan) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_EQ(dropped.count, 1);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

/* Large elements are dropped without any. */
static void no_memory_in_a_drop(void)
{
    static const weir_allocator until = {alloc_until, test_release, NULL};

    test_alloc_fail_at(0);
    weir_set_allocator(&until);
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        const size_t inside =
            chan_kinds[k].capacity == WEIR_CHAN_UNBOUNDED ? 5 : chan_kinds[k].capacity;

        for (unsigned closes = 0; closes < 2; closes++) {
            unsigned char element[300] = {0};
            weir_chan_options options;
            weir_chan *chan;
            drops dropped;

            no_more = false;
            memset(&options, 0, sizeof options);
            memset(&dropped, 0, sizeof dropped);
            options.shape = chan_kinds[k].shape;
            options.drop = drop_word;
            options.context = &dropped;
            CHECK_EQ(weir_chan_new(&chan, sizeof element, chan_kinds[k].capacity, &options), 0);
            for (size_t i = 0; i < inside; i++)
                CHECK_EQ(weir_chan_try_send(chan, element), 0);
            no_more = true;
            if (closes) {
                int status = weir_chan_close(chan, WEIR_CHAN_DISCARD);

                if (chan_kinds[k].capacity == WEIR_CHAN_UNBOUNDED && status == -ENOMEM) {
                    no_more = false; /* to close it, not to drop */
                    status = weir_chan_close(chan, WEIR_CHAN_DISCARD);
                }
                CHECK_EQ(status, 0);
                chan_discarded(chan, &chan_kinds[k]);
                CHECK_EQ(dropped.count, inside);
            }
            CHECK_EQ(weir_chan_free(chan), 0);
            CHECK_EQ(dropped.count, inside);
            CHECK_EQ(test_alloc_live, 0);
        }
    }
    weir_set_allocator(NULL);
}

/* The contract: a close that wants memory and has none did nothing. */
static void no_memory_in_a_close(void)
{
    static const weir_allocator until = {alloc_until, test_release, NULL};
    const chan_kind kind = {WEIR_CHAN_UNBOUNDED, WEIR_CHAN_MPMC};

    test_alloc_fail_at(0);
    weir_set_allocator(&until);
    for (uint64_t inside = 0; inside < 600; inside++) {
        uint64_t value = 7, more = 0;
        weir_chan *chan;
        drops dropped;
        int status;

        no_more = false;
        chan = chan_begin_drops(&kind, &dropped);
        for (uint64_t i = 0; i < inside; i++)
            CHECK_EQ(chan_put(chan, i), 0);
        no_more = inside > 0; /* a thread's first call may want some */
        status = weir_chan_close(chan, WEIR_CHAN_DISCARD);
        CHECK(status == 0 || status == -ENOMEM);
        CHECK_EQ(dropped.count, status == 0 ? inside : 0);
        CHECK_EQ(weir_chan_closed(chan), status == 0);
        if (status == -ENOMEM) {
            CHECK_EQ(weir_chan_size_approx(chan), inside);
            no_more = false;
            CHECK_EQ(chan_put(chan, value), 0);
            more = 1;
            CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DISCARD), 0);
        }
        CHECK_EQ(weir_chan_try_send(chan, &value), -EPIPE);
        CHECK_EQ(weir_chan_try_recv(chan, &value), -EPIPE);
        chan_end(chan);
        CHECK_EQ(dropped.count, inside + more);
        CHECK_EQ(test_alloc_live, 0);
    }
    weir_set_allocator(NULL);
}

/* crossbeam, list "drops": a backlog, half of it received. */
static void an_unbounded_one_leaks_nothing(void)
{
    weir_chan *chan;

    test_alloc_fail_at(0);
    chan = chan_begin(WEIR_CHAN_UNBOUNDED);
    for (uint64_t i = 0; i < 50000; i++)
        CHECK_EQ(chan_put(chan, i), 0);
    for (uint64_t i = 0; i < 49000; i++)
        CHECK_EQ(chan_take(chan), i);
    chan_end(chan);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

/* The contract: nobody who waits, and nothing but the growth of an unbounded one, allocates. */
static void waiting_allocates_nothing(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *chan;
        size_t calls;
        actor other;

        if (chan_kinds[k].capacity == WEIR_CHAN_UNBOUNDED)
            continue;
        test_alloc_fail_at(0);
        chan = chan_begin_kind(&chan_kinds[k]);
        calls = test_alloc_calls;
        for (uint64_t i = 0; i < 3; i++) {
            weir_select_arm arms[2];
            uint64_t values[2];

            start_recv(&other, chan);
            until_receivers(chan, 1);
            CHECK_EQ(chan_put(chan, i), 0);
            CHECK_EQ(actor_join(&other), 0);
            memset(arms, 0, sizeof arms);
            weir_select_recv(&arms[0], chan, &values[0]);
            weir_select_recv(&arms[1], chan, &values[1]);
            CHECK_EQ(weir_select(arms, 2, weir_clock_after(MS / 10), NULL), -ETIMEDOUT);
        }
        CHECK_EQ(test_alloc_calls, calls);
        chan_end(chan);
        CHECK_EQ(test_alloc_live, 0);
        weir_set_allocator(NULL);
    }
}

/* ---- what is left inside ---- */

/* U23; crossbeam "drop_unreceived", "drops": each value that nobody received is dropped once. */
static void values_left_inside_are_dropped_once(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        const size_t capacity = chan_kinds[k].capacity;
        const uint64_t most = capacity == WEIR_CHAN_UNBOUNDED ? 500 : capacity;

        for (uint64_t left = 0; left <= most; left += left < 8 ? 1 : 61) {
            for (unsigned closed = 0; closed < 2; closed++) {
                drops dropped;
                weir_chan *const chan = chan_begin_drops(&chan_kinds[k], &dropped);
                uint64_t sum = 0;

                for (uint64_t i = 0; i < most; i++)
                    CHECK_EQ(chan_put(chan, i + 1), 0);
                for (uint64_t i = 0; i < most - left; i++)
                    CHECK_EQ(chan_take(chan), i + 1);
                for (uint64_t i = most - left; i < most; i++)
                    sum += i + 1;
                if (closed)
                    CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DRAIN), 0);
                CHECK_EQ(dropped.count, 0);
                chan_end(chan);
                CHECK_EQ(dropped.count, left);
                CHECK_EQ(dropped.sum, sum);
            }
        }
    }
}

typedef struct nested {
    weir_chan *chan;
    size_t calls;
} nested;

/* Uses the channel that drops: no lock may be held. */
static void drop_and_look(void *element, void *context)
{
    nested *const n = (nested *)context;
    uint64_t value = 1;
    weir_select_arm arm;

    (void)element;
    n->calls++;
    memset(&arm, 0, sizeof arm);
    weir_select_send(&arm, n->chan, &value);
    CHECK_EQ(weir_chan_try_send(n->chan, &value), -EPIPE);
    CHECK_EQ(weir_chan_send(n->chan, &value, WEIR_FOREVER, NULL), -EPIPE);
    CHECK_EQ(weir_select(&arm, 1, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(arm.status, -EPIPE);
    CHECK_EQ(weir_chan_senders_approx(n->chan), 0);
    CHECK_EQ(weir_chan_receivers_approx(n->chan), 0);
    CHECK(weir_chan_closed(n->chan));
    CHECK_EQ(weir_chan_close(n->chan, WEIR_CHAN_DRAIN), -EALREADY);
}

/* The contract: a drop runs in the thread that closes, with no lock held. */
static void a_drop_may_use_the_channel(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        const size_t capacity = chan_kinds[k].capacity;
        const size_t most = capacity == WEIR_CHAN_UNBOUNDED ? 50 : capacity;
        nested inner = {NULL, 0};
        weir_chan_options options;

        memset(&options, 0, sizeof options);
        options.shape = chan_kinds[k].shape;
        options.drop = drop_and_look;
        options.context = &inner;
        CHECK_EQ(weir_chan_new(&inner.chan, sizeof(uint64_t), capacity, &options), 0);
        for (size_t i = 0; i < most; i++)
            CHECK_EQ(chan_put(inner.chan, i), 0);
        CHECK_EQ(weir_chan_close(inner.chan, WEIR_CHAN_DISCARD), 0);
        chan_discarded(inner.chan, &chan_kinds[k]);
        CHECK_EQ(inner.calls, most);
        chan_end(inner.chan);
        CHECK_EQ(inner.calls, most);
    }
}

/* crossbeam, array "drops": with threads at both ends, then a number of values left behind. */
typedef struct mover {
    weir_chan *chan;
    uint64_t count, sum;
} mover;

static void *send_some(void *argument)
{
    mover *const m = (mover *)argument;

    for (uint64_t i = 0; i < m->count; i++) {
        m->sum += i;
        CHECK_EQ(chan_put(m->chan, i), 0);
    }
    return NULL;
}

static void dropped_and_received_is_what_was_sent(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        drops dropped;
        weir_chan *const chan = chan_begin_drops(&chan_kinds[k], &dropped);
        const size_t capacity = chan_kinds[k].capacity;
        const size_t left = capacity == WEIR_CHAN_UNBOUNDED ? 31 : capacity;
        mover sender = {chan, 300, 0};
        pthread_t thread;
        uint64_t sum = 0;

        CHECK(pthread_create(&thread, NULL, send_some, &sender) == 0);
        for (uint64_t i = 0; i < sender.count - left; i++)
            sum += chan_take(chan);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK_EQ(weir_chan_size_approx(chan), left);
        chan_end(chan);
        CHECK_EQ(dropped.count, left);
        CHECK_EQ(dropped.sum + sum, sender.sum);
    }
}

/* ---- bursts ---- */

static void bursts_go_as_far_as_they_can(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        const size_t capacity = chan_kinds[k].capacity;
        const size_t room = capacity < 100 ? capacity : 100;
        uint64_t in[100], out[100], next = 0, want = 0;

        CHECK_EQ(weir_chan_try_send_burst(chan, in, 0), 0);
        CHECK_EQ(weir_chan_try_recv_burst(chan, out, 0), 0);
        for (size_t n = 1; n <= 100 && room > 0; n++) {
            const size_t sent = n < room ? n : room;

            for (size_t i = 0; i < n; i++)
                in[i] = next + i;
            CHECK_EQ(weir_chan_try_send_burst(chan, in, n), sent);
            next += sent;
            CHECK_EQ(weir_chan_size_approx(chan), sent);
            out[sent / 2] = 12345;
            CHECK_EQ(weir_chan_try_recv_burst(chan, out, sent / 2), sent / 2);
            CHECK_EQ(out[sent / 2], 12345);
            CHECK_EQ(weir_chan_try_recv_burst(chan, out + sent / 2, 100 - sent / 2),
                     sent - sent / 2);
            for (size_t i = 0; i < sent; i++)
                CHECK_EQ(out[i], want++);
            CHECK_EQ(weir_chan_try_recv_burst(chan, out, 100), 0);
        }
        chan_end(chan);
    }
}

static void a_burst_that_waits_says_how_far_it_came(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        const size_t capacity = chan_kinds[k].capacity;
        const size_t room = capacity < 20 ? capacity : 20;
        const uint64_t deadlines[] = {0, weir_clock_after(MS / 5)};
        uint64_t in[20], out[20];
        size_t count = 99;

        for (uint64_t i = 0; i < 20; i++)
            in[i] = i;
        for (size_t d = 0; d < COUNT(deadlines); d++) {
            CHECK_EQ(weir_chan_recv_burst(chan, out, 5, &count, deadlines[d], NULL), -ETIMEDOUT);
            CHECK_EQ(count, 0);
            count = 99;
            CHECK_EQ(weir_chan_send_burst(chan, in, 20, &count, deadlines[d], NULL),
                     room < 20 ? -ETIMEDOUT : 0);
            CHECK_EQ(count, room);
            if (room > 0) {
                CHECK_EQ(weir_chan_recv_burst(chan, out, 20, &count, deadlines[d], NULL), 0);
                CHECK_EQ(count, room);
                CHECK(memcmp(in, out, room * sizeof in[0]) == 0);
            }
        }
        count = 99;
        CHECK_EQ(weir_chan_send_burst(chan, in, 0, &count, 0, NULL), 0);
        CHECK_EQ(count, 0);
        count = 99;
        CHECK_EQ(weir_chan_recv_burst(chan, out, 0, &count, 0, NULL), -EINVAL);
        CHECK_EQ(count, 0);
        chan_end(chan);
    }
}

typedef struct burst {
    weir_chan *chan;
    uint64_t first;
    size_t n, done;
    int status;
} burst;

static void *send_burst(void *argument)
{
    burst *const b = (burst *)argument;
    uint64_t values[300];

    for (size_t i = 0; i < b->n; i++)
        values[i] = b->first + i;
    b->status = weir_chan_send_burst(b->chan, values, b->n, &b->done, WEIR_FOREVER, NULL);
    return NULL;
}

/* The contract: a burst above the capacity waits for room as often as it takes. */
static void a_burst_may_be_above_the_capacity(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        burst all = {chan, 1000, 300, 99, 99};
        pthread_t thread;
        uint64_t want = 1000, out[7];

        CHECK(pthread_create(&thread, NULL, send_burst, &all) == 0);
        while (want < 1300) {
            size_t count = 99;

            CHECK_EQ(
                weir_chan_recv_burst(chan, out, (size_t)(want % 7 + 1), &count, WEIR_FOREVER, NULL),
                0);
            CHECK(count >= 1 && count <= want % 7 + 1);
            for (size_t i = 0; i < count; i++)
                CHECK_EQ(out[i], want++);
        }
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK_EQ(all.status, 0);
        CHECK_EQ(all.done, 300);
        chan_end(chan);
    }
}

/* Two bursts at once: each in its own order, whatever comes in between. */
static void bursts_of_two_senders_keep_their_order(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        burst all[2] = {{NULL, 0, 200, 0, 99}, {NULL, 1000, 200, 0, 99}};
        uint64_t want[2] = {0, 1000};
        pthread_t threads[2];
        weir_chan *chan;

        if (chan_kinds[k].shape == WEIR_CHAN_SPSC)
            continue;
        chan = chan_begin_kind(&chan_kinds[k]);
        for (unsigned i = 0; i < 2; i++) {
            all[i].chan = chan;
            CHECK(pthread_create(&threads[i], NULL, send_burst, &all[i]) == 0);
        }
        for (unsigned i = 0; i < 400; i++) {
            const uint64_t value = chan_take(chan);

            CHECK_EQ(value, want[value / 1000]);
            want[value / 1000]++;
        }
        for (unsigned i = 0; i < 2; i++) {
            CHECK(pthread_join(threads[i], NULL) == 0);
            CHECK_EQ(all[i].status, 0);
            CHECK_EQ(all[i].done, 200);
        }
        chan_end(chan);
    }
}

/* The contract: a burst that fails half-way has sent what it says, and the rest is the caller's. */
static void a_burst_that_is_closed_half_way(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        const size_t capacity = chan_kinds[k].capacity;
        const size_t taken = 5;
        drops dropped;
        weir_chan *chan;
        burst all = {NULL, 1, 100, 99, 99};
        pthread_t thread;
        uint64_t last = 0, sum = 0;

        if (capacity == WEIR_CHAN_UNBOUNDED || chan_kinds[k].shape == WEIR_CHAN_SPSC)
            continue;
        chan = chan_begin_drops(&chan_kinds[k], &dropped);
        all.chan = chan;
        CHECK(pthread_create(&thread, NULL, send_burst, &all) == 0);
        for (size_t i = 0; i < taken; i++) {
            last = chan_take(chan);
            sum += last;
            CHECK_EQ(last, i + 1);
        }
        CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DRAIN), 0);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK_EQ(all.status, -EPIPE);
        CHECK(all.done >= taken && all.done <= taken + capacity);
        for (uint64_t value; weir_chan_recv(chan, &value, WEIR_FOREVER, NULL) == 0; last = value) {
            CHECK_EQ(value, last + 1);
            sum += value;
        }
        CHECK_EQ(last, all.done);
        CHECK_EQ(sum, all.done * (all.done + 1) / 2);
        chan_end(chan);
        CHECK_EQ(dropped.count, 0);
    }
}

int main(void)
{
    return TEST_RUN(
        "chan_life", TEST_CASE(refuses_bad_input), TEST_CASE(capacities_that_are_too_large),
        TEST_CASE(no_memory_to_begin_with), TEST_CASE(no_memory_in_a_send),
        TEST_CASE(no_memory_in_a_free), TEST_CASE(no_memory_in_a_drop),
        TEST_CASE(no_memory_in_a_close), TEST_CASE(an_unbounded_one_leaks_nothing),
        TEST_CASE(waiting_allocates_nothing), TEST_CASE(values_left_inside_are_dropped_once),
        TEST_CASE(a_drop_may_use_the_channel), TEST_CASE(dropped_and_received_is_what_was_sent),
        TEST_CASE(bursts_go_as_far_as_they_can), TEST_CASE(a_burst_that_waits_says_how_far_it_came),
        TEST_CASE(a_burst_may_be_above_the_capacity),
        TEST_CASE(bursts_of_two_senders_keep_their_order),
        TEST_CASE(a_burst_that_is_closed_half_way));
}
