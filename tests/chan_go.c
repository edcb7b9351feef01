/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Programs of many threads over channels, most of them known from Go, crossbeam and libdill: each
 * case says from where. */

#include "chan.h"

#include <semaphore.h>

enum { CROWD = 4, SOME = 500 };

typedef struct worker {
    pthread_t thread;
    weir_chan *in, *out;
    uint64_t self, count, sum;
    sem_t *ready;
} worker;

static void worker_start(worker *w, void *(*body)(void *))
{
    CHECK(pthread_create(&w->thread, NULL, body, w) == 0);
}

static void worker_join(worker *w)
{
    CHECK(pthread_join(w->thread, NULL) == 0);
}

/* ---- chains ---- */

/* Receives, adds one, sends on, until its input is closed; then closes its output. */
static void *pass_on(void *argument)
{
    worker *const w = (worker *)argument;
    uint64_t value;

    while (weir_chan_recv(w->in, &value, WEIR_FOREVER, NULL) == 0) {
        CHECK_EQ(chan_put(w->out, value + 1), 0);
        w->count++;
    }
    CHECK_EQ(weir_chan_close(w->out, WEIR_CHAN_DRAIN), 0);
    return NULL;
}

/* Go, test/chan/goroutines.go: a chain of many threads, each between two channels; the close goes
 * through it as the values do (a Go pipeline). */
static void a_long_chain(void)
{
    enum { LONG = 60 };

    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        static worker links[LONG];
        weir_chan *chans[LONG + 1];
        uint64_t value;

        for (size_t i = 0; i <= LONG; i++)
            chans[i] = chan_begin_kind(&chan_kinds[k]);
        memset(links, 0, sizeof links);
        for (size_t i = 0; i < LONG; i++) {
            links[i].in = chans[i];
            links[i].out = chans[i + 1];
            worker_start(&links[i], pass_on);
        }
        for (uint64_t i = 0; i < 5; i++) {
            CHECK_EQ(chan_put(chans[0], i * 1000), 0);
            CHECK_EQ(chan_take(chans[LONG]), i * 1000 + LONG);
        }
        CHECK_EQ(weir_chan_close(chans[0], WEIR_CHAN_DRAIN), 0);
        CHECK_EQ(weir_chan_recv(chans[LONG], &value, WEIR_FOREVER, NULL), -EPIPE);
        for (size_t i = 0; i < LONG; i++) {
            worker_join(&links[i]);
            CHECK_EQ(links[i].count, 5);
        }
        for (size_t i = 0; i <= LONG; i++)
            chan_end(chans[i]);
    }
}

/* Lets through what its own prime does not divide. */
static void *filter(void *argument)
{
    worker *const w = (worker *)argument;
    uint64_t value;

    while (weir_chan_recv(w->in, &value, WEIR_FOREVER, NULL) == 0) {
        if (value % w->self != 0)
            CHECK_EQ(chan_put(w->out, value), 0);
    }
    CHECK_EQ(weir_chan_close(w->out, WEIR_CHAN_DRAIN), 0);
    return NULL;
}

static void *count_up(void *argument)
{
    worker *const w = (worker *)argument;

    for (uint64_t i = 2; i < w->count; i++)
        CHECK_EQ(chan_put(w->out, i), 0);
    CHECK_EQ(weir_chan_close(w->out, WEIR_CHAN_DRAIN), 0);
    return NULL;
}

/* Go, test/chan/sieve1.go: the primes, by a filter for each. */
static void the_sieve(void)
{
    static const uint64_t primes[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47};
    static const size_t capacities[] = {0, 1, WEIR_CHAN_UNBOUNDED};

    for (size_t k = 0; k < COUNT(capacities); k++) {
        worker filters[COUNT(primes)], source;
        weir_chan *chans[COUNT(primes) + 1];
        uint64_t value;

        for (size_t i = 0; i <= COUNT(primes); i++)
            chans[i] = chan_begin(capacities[k]);
        memset(&source, 0, sizeof source);
        source.out = chans[0];
        source.count = 53;
        worker_start(&source, count_up);
        for (size_t i = 0; i < COUNT(primes); i++) {
            CHECK_EQ(chan_take(chans[i]), primes[i]);
            memset(&filters[i], 0, sizeof filters[i]);
            filters[i].in = chans[i];
            filters[i].out = chans[i + 1];
            filters[i].self = primes[i];
            worker_start(&filters[i], filter);
        }
        CHECK_EQ(weir_chan_recv(chans[COUNT(primes)], &value, WEIR_FOREVER, NULL), -EPIPE);
        worker_join(&source);
        for (size_t i = 0; i < COUNT(primes); i++)
            worker_join(&filters[i]);
        for (size_t i = 0; i <= COUNT(primes); i++)
            chan_end(chans[i]);
    }
}

/* A token goes round: this end waits for the last's before the first's next. */
static void *pass_token(void *argument)
{
    worker *const w = (worker *)argument;

    for (uint64_t i = 0; i < w->count; i++) {
        CHECK_EQ(chan_take(w->in), i);
        CHECK_EQ(chan_put(w->out, i), 0);
    }
    return NULL;
}

/* Go, test/chan/fifo.go (its synchronous half); libdill's ping-pong: strictly one after the
 * other. */
static void ping_pong(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        worker other;

        memset(&other, 0, sizeof other);
        other.in = chan_begin_kind(&chan_kinds[k]);
        other.out = chan_begin_kind(&chan_kinds[k]);
        other.count = SOME;
        worker_start(&other, pass_token);
        for (uint64_t i = 0; i < SOME; i++) {
            uint64_t value;

            CHECK_EQ(chan_try_recv(other.out, &value), -EAGAIN);
            CHECK_EQ(chan_put(other.in, i), 0);
            CHECK_EQ(chan_take(other.out), i);
        }
        worker_join(&other);
        chan_end(other.in);
        chan_end(other.out);
    }
}

/* ---- in the order in which they came ---- */

/* libdill, tests/chan.c "two simultaneous senders"; the contract: in a rendezvous those who wait
 * are served in the order in which they came. */
static void senders_are_served_in_order(void)
{
    weir_chan *const chan = chan_begin(WEIR_CHAN_RENDEZVOUS);
    actor all[CROWD];

    for (unsigned round = 0; round < 5; round++) {
        for (uint64_t i = 0; i < CROWD; i++) {
            start_send(&all[i], chan, i);
            until_senders(chan, (size_t)i + 1);
        }
        for (uint64_t i = 0; i < CROWD; i++) {
            CHECK_EQ(weir_chan_senders_approx(chan), CROWD - i);
            CHECK_EQ(chan_take(chan), i);
            CHECK_EQ(actor_join(&all[i]), 0);
        }
    }
    chan_end(chan);
}

/* libdill, tests/chan.c "two simultaneous receivers". */
static void receivers_are_served_in_order(void)
{
    weir_chan *const chan = chan_begin(WEIR_CHAN_RENDEZVOUS);
    actor all[CROWD];

    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < CROWD; i++) {
            start_recv(&all[i], chan);
            until_receivers(chan, i + 1);
        }
        for (uint64_t i = 0; i < CROWD; i++) {
            CHECK_EQ(weir_chan_receivers_approx(chan), CROWD - i);
            CHECK_EQ(chan_put(chan, i), 0);
            CHECK_EQ(actor_join(&all[i]), 0);
            CHECK_EQ(all[i].value, i);
        }
    }
    chan_end(chan);
}

/* ---- many with many ---- */

static void *send_numbers(void *argument)
{
    worker *const w = (worker *)argument;

    for (uint64_t i = 0; i < w->count; i++) {
        w->sum += i;
        CHECK_EQ(chan_put(w->out, w->self << 32 | i), 0);
    }
    return NULL;
}

/* The values of each sender come in order. */
static void *receive_numbers(void *argument)
{
    worker *const w = (worker *)argument;
    uint64_t value, next[CROWD] = {0, 0, 0, 0};

    while (weir_chan_recv(w->in, &value, WEIR_FOREVER, NULL) == 0) {
        const size_t from = (size_t)(value >> 32);

        CHECK(from < CROWD);
        CHECK((value & UINT32_MAX) >= next[from]);
        next[from] = (value & UINT32_MAX) + 1;
        w->sum += value & UINT32_MAX;
        w->count++;
    }
    return NULL;
}

/* Go, runtime "TestMultiConsumer"; crossbeam, array "spsc", "mpsc" and "mpmc": each value once,
 * each sender's in order. */
static void many_with_many(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        const size_t senders = kind_many_senders(&chan_kinds[k]) ? CROWD : 1;
        const size_t receivers = kind_many_receivers(&chan_kinds[k]) ? CROWD : 1;
        weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
        worker out[CROWD], in[CROWD];
        uint64_t count = 0, sum = 0;

        memset(out, 0, sizeof out);
        memset(in, 0, sizeof in);
        for (size_t i = 0; i < receivers; i++) {
            in[i].in = chan;
            worker_start(&in[i], receive_numbers);
        }
        for (size_t i = 0; i < senders; i++) {
            out[i].out = chan;
            out[i].self = i;
            out[i].count = SOME;
            worker_start(&out[i], send_numbers);
        }
        for (size_t i = 0; i < senders; i++)
            worker_join(&out[i]);
        CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DRAIN), 0);
        for (size_t i = 0; i < receivers; i++) {
            worker_join(&in[i]);
            count += in[i].count;
            sum += in[i].sum;
        }
        CHECK_EQ(count, senders * SOME);
        CHECK_EQ(sum, senders * out[0].sum);
        chan_end(chan);
    }
}

/* crossbeam, array "linearizable": each thread puts one in and takes one out, so nobody waits for
 * ever and a try right after a send finds something (U10). */
static void *one_in_one_out(void *argument)
{
    worker *const w = (worker *)argument;

    for (uint64_t i = 0; i < w->count; i++) {
        uint64_t value = 0;

        CHECK_EQ(chan_try_send(w->out, i), 0);
        CHECK_EQ(chan_try_recv(w->in, &value), 0);
    }
    return NULL;
}

static void try_is_never_wrong(void)
{
    static const size_t capacities[] = {CROWD, 64, WEIR_CHAN_UNBOUNDED};

    for (size_t k = 0; k < COUNT(capacities); k++) {
        weir_chan *const chan = chan_begin(capacities[k]);
        worker all[CROWD];

        memset(all, 0, sizeof all);
        for (size_t i = 0; i < CROWD; i++) {
            all[i].in = all[i].out = chan;
            all[i].count = 2000;
            worker_start(&all[i], one_in_one_out);
        }
        for (size_t i = 0; i < CROWD; i++)
            worker_join(&all[i]);
        CHECK_EQ(weir_chan_size_approx(chan), 0);
        chan_end(chan);
    }
}

/* crossbeam, array "stress_oneshot": a channel for one value, as often as threads can be made. */
static void one_shot(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        for (uint64_t i = 0; i < 50; i++) {
            weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
            actor other;

            start_send(&other, chan, i);
            CHECK_EQ(chan_take(chan), i);
            CHECK_EQ(actor_join(&other), 0);
            chan_end(chan);
        }
    }
}

/* ---- tries beside those who wait ---- */

/* crossbeam #997 (U9); Go, runtime "TestNonblockRecvRace": tries come back, whoever waits in the
 * same channel, and take nothing from a closed one that is empty. */
static void tries_come_back(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        weir_chan *chan;
        actor waits;
        uint64_t value = 12345;

        if (!kind_many_receivers(&chan_kinds[k]))
            continue;
        chan = chan_begin_kind(&chan_kinds[k]);
        start_recv(&waits, chan);
        until_receivers(chan, 1);
        for (unsigned i = 0; i < 1000; i++) {
            const int status = weir_chan_try_recv(chan, &value);

            CHECK(status == -EAGAIN || status == -EBUSY);
        }
        CHECK_EQ(chan_put(chan, 1), 0);
        CHECK_EQ(actor_join(&waits), 0);
        if (chan_kinds[k].capacity != WEIR_CHAN_UNBOUNDED) {
            const size_t inside = chan_fill(chan, chan_kinds[k].capacity);

            start_send(&waits, chan, 99);
            until_senders(chan, 1);
            for (unsigned i = 0; i < 1000; i++) {
                const int status = weir_chan_try_send(chan, &value);

                CHECK(status == -EAGAIN || status == -EBUSY);
            }
            for (size_t i = 0; i < inside; i++)
                CHECK_EQ(chan_take(chan), i);
            CHECK_EQ(chan_take(chan), 99);
            CHECK_EQ(actor_join(&waits), 0);
        }
        CHECK_EQ(value, 12345);
        chan_end(chan);
    }
}

static void *try_once_closed(void *argument)
{
    worker *const w = (worker *)argument;
    uint64_t value = 0;

    sem_post(w->ready);
    while (chan_try_recv(w->in, &value) != -EPIPE)
        w->count++;
    return NULL;
}

/* Go, runtime "TestNonblockRecvRace": who tries while another sends one value and closes gets the
 * value before it sees the close. */
static void a_try_does_not_miss_the_last_value(void)
{
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        for (unsigned round = 0; round < 30 && chan_kinds[k].capacity > 0; round++) {
            weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
            worker tries;
            sem_t ready;
            uint64_t value;

            memset(&tries, 0, sizeof tries);
            CHECK(sem_init(&ready, 0, 0) == 0);
            tries.in = chan;
            tries.ready = &ready;
            worker_start(&tries, try_once_closed);
            sem_wait(&ready);
            CHECK_EQ(chan_put(chan, 1), 0);
            CHECK_EQ(weir_chan_close(chan, WEIR_CHAN_DRAIN), 0);
            worker_join(&tries);
            CHECK(tries.count > 0);
            CHECK_EQ(weir_chan_recv(chan, &value, WEIR_FOREVER, NULL), -EPIPE);
            chan_end(chan);
            sem_destroy(&ready);
        }
    }
}

/* ---- as a lock, as a limit ---- */

static uint64_t counted, inside_now; /* under the channel */

static void *count_inside(void *argument)
{
    worker *const w = (worker *)argument;

    for (uint64_t i = 0; i < w->count; i++) {
        CHECK_EQ(chan_put(w->out, i), 0);
        CHECK(++inside_now == 1);
        counted++;
        inside_now--;
        chan_take(w->out);
    }
    return NULL;
}

/* Go, memory model: a channel of one place is a lock: what one did inside, the next sees. */
static void a_channel_of_one_is_a_lock(void)
{
    weir_chan *const chan = chan_begin(1);
    worker all[CROWD];

    counted = 0;
    memset(all, 0, sizeof all);
    for (size_t i = 0; i < CROWD; i++) {
        all[i].out = chan;
        all[i].count = SOME;
        worker_start(&all[i], count_inside);
    }
    for (size_t i = 0; i < CROWD; i++)
        worker_join(&all[i]);
    CHECK_EQ(counted, CROWD * SOME);
    chan_end(chan);
}

/* ---- signals and idleness ---- */

static void nothing_to_do(int signal_number)
{
    (void)signal_number;
}

/* R14, U27 (moodycamel d40e4e7, liburcu 4974ad5): a signal is no value, no time-out and no close:
 * the receive goes on waiting. */
static void signals_wake_nobody(void)
{
    struct sigaction action, before;

    memset(&action, 0, sizeof action); /* without SA_RESTART */
    action.sa_handler = nothing_to_do;
    CHECK(sigaction(SIGUSR1, &action, &before) == 0);
    for (size_t k = 0; k < COUNT(chan_kinds); k++) {
        for (unsigned what = 0; what < 3; what++) {
            weir_chan *const chan = chan_begin_kind(&chan_kinds[k]);
            uint64_t value = 12345;
            weir_select_arm arms[2];
            actor waits;

            memset(arms, 0, sizeof arms);
            weir_select_recv(&arms[0], NULL, &value);
            weir_select_recv(&arms[1], chan, &value);
            if (what == 2)
                start_select(&waits, arms, 2, weir_clock_after(UINT64_C(3600000) * MS), NULL);
            else
                start_until(&waits, actor_recv, chan, 12345,
                            what == 0 ? WEIR_FOREVER : weir_clock_after(UINT64_C(3600000) * MS),
                            NULL);
            until_receivers(chan, 1);
            for (unsigned i = 0; i < 200; i++) {
                CHECK(pthread_kill(waits.thread, SIGUSR1) == 0);
                if (i % 10 == 0)
                    sched_yield();
                CHECK_EQ(weir_chan_receivers_approx(chan), 1);
            }
            CHECK_EQ(chan_put(chan, 7), 0);
            CHECK_EQ(actor_join(&waits), what == 2 ? 1 : 0);
            CHECK_EQ(what == 2 ? value : waits.value, 7);
            chan_end(chan);
        }
    }
    CHECK(sigaction(SIGUSR1, &before, NULL) == 0);
}

int main(void)
{
    return TEST_RUN("chan_go", TEST_CASE(a_long_chain), TEST_CASE(the_sieve), TEST_CASE(ping_pong),
                    TEST_CASE(senders_are_served_in_order),
                    TEST_CASE(receivers_are_served_in_order), TEST_CASE(many_with_many),
                    TEST_CASE(try_is_never_wrong), TEST_CASE(one_shot), TEST_CASE(tries_come_back),
                    TEST_CASE(a_try_does_not_miss_the_last_value),
                    TEST_CASE(a_channel_of_one_is_a_lock), TEST_CASE(signals_wake_nobody));
}
