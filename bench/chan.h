/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/chan.h: the workloads of a channel of words, compiled once for each channel. C and C++.
 * Before each inclusion define (and find undefined afterwards):
 *
 *     CHAN          a prefix P that is also the channel's type; then there must be
 *         P *P_open(size_t capacity);       0: a rendezvous; CHAN_ENDLESS; NULL: cannot be made
 *         bool P_send(P *, uintptr_t);      waits for room; false: a failure
 *         bool P_recv(P *, uintptr_t *);    waits for a value; false: closed, and nothing is left
 *         void P_close(P *);                once, when all senders are done
 *     CHAN_LABEL    its name in the tables
 *     CHAN_CLASS    progress, order, bounded: BENCH_LOCK, BENCH_FIFO, true
 *     CHAN_NOTE     a line for the report, or NULL
 *
 * and at will:
 *
 *     CHAN_RENDEZVOUS, CHAN_ONE, CHAN_MANY, CHAN_UNBOUNDED, CHAN_SPSC, CHAN_MPSC
 *                   which rows it joins (one or more): capacity 0; one sender and one receiver;
 *                   several of both; no bound; the two special shapes
 *     CHAN_SELECT   it joins the group "select": there are
 *         P_watch       a type: what a thread that selects keeps
 *         bool P_watch_open(P_watch *, P *chans[], unsigned n);   makes n channels, for 2 or 8
 *         bool P_watch_next(P_watch *, uintptr_t *);              waits for a value from any;
 *                                                                 false: a failure
 *     CHAN_FLAGS    BENCH_OURS
 *
 * Included without CHAN it gives what stands before the workloads: rows, CHAN_ENDLESS.
 *
 * All calls block, as their user would write them; the last sender closes the channel, and
 * receivers go on until nothing is left. */

#include "bench.h"
#include "driver.h" /* bench_pin(), bench_unpin(): two threads on one CPU, or where the system wants */

#ifndef WEIR_BENCH_CHAN_H
#define WEIR_BENCH_CHAN_H

#define CHAN_ENDLESS SIZE_MAX
#define CHAN_MOST 8 /* channels of one select */

#define BENCH_CHAN_PASTE_(a, b) a##b
#define BENCH_CHAN_PASTE(a, b) BENCH_CHAN_PASTE_(a, b)
#define BENCH_CHAN_BODY __attribute__((unused)) static

#define BENCH_TRIP            \
    {                         \
        "p50", "p99", "p99.9" \
    }

enum {
    CHAN_ALONE,
    CHAN_CAP0,
    CHAN_CAP0_1CPU,
    CHAN_CAP1,
    CHAN_100_1P1C,
    CHAN_100_2P2C,
    CHAN_1024_1P1C,
    CHAN_1024_2P2C,
    CHAN_1024_4P4C,
    CHAN_NO_BOUND,
    CHAN_SPSC_1024,
    CHAN_MPSC_1024,
    CHAN_PING_PONG,
    CHAN_PING_PONG_1CPU,
    CHAN_WAKE,
    CHAN_ROWS
};
enum { CHAN_SELECT_2, CHAN_SELECT_8, CHAN_SELECT_1_OF_8, CHAN_SELECT_ROWS };

/* Of two threads on one CPU the row says 1: near and far mean nothing to them. */
/* clang-format off */
static const bench_row bench_rows_chan[CHAN_ROWS] __attribute__((unused)) = {
    {"chan/alone", "one thread: a send and a receive", "ns", true, 1, {NULL, NULL, NULL}},
    {"chan/cap0-1P1C", "rendezvous, one sender, one receiver", "M/s", false, 2, {NULL, NULL, NULL}},
    {"chan/cap0-1cpu", "the same, both on one CPU", "M/s", false, 1, {NULL, NULL, NULL}},
    {"chan/cap1-1P1C", "capacity 1, one sender, one receiver", "M/s", false, 2, {NULL, NULL, NULL}},
    {"chan/cap100-1P1C", "capacity 100, one sender, one receiver", "M/s", false, 2, {NULL, NULL, NULL}},
    {"chan/cap100-2P2C", "capacity 100, two senders, two receivers", "M/s", false, 4, {NULL, NULL, NULL}},
    {"chan/cap1024-1P1C", "capacity 1024, one sender, one receiver", "M/s", false, 2, {NULL, NULL, NULL}},
    {"chan/cap1024-2P2C", "capacity 1024, two senders, two receivers", "M/s", false, 4, {NULL, NULL, NULL}},
    {"chan/cap1024-4P4C", "capacity 1024, four senders, four receivers", "M/s", false, 8, {NULL, NULL, NULL}},
    {"chan/unbounded-1P1C", "no bound, one sender, one receiver", "M/s", false, 2, {NULL, NULL, NULL}},
    {"chan/spsc1024-1P1C", "capacity 1024, made for one sender and one receiver", "M/s", false, 2, {NULL, NULL, NULL}},
    {"chan/mpsc1024-2P1C", "capacity 1024, made for one receiver; two senders", "M/s", false, 3, {NULL, NULL, NULL}},
    {"chan/ping-pong", "round trip over two channels of capacity 1", "ns", true, 2, BENCH_TRIP},
    {"chan/ping-pong-1cpu", "the same, both threads on one CPU: they sleep", "ns", true, 1, BENCH_TRIP},
    {"chan/wake", "a value to one who sleeps, from one who goes on; no thread is pinned", "ns", true, 2, BENCH_TRIP},
};
static const bench_row bench_rows_select[CHAN_SELECT_ROWS] __attribute__((unused)) = {
    {"select/2", "receive from 2 channels of capacity 100, one sender fills both", "M/s", false, 2, {NULL, NULL, NULL}},
    {"select/8", "receive from 8 channels of capacity 100, one sender fills all", "M/s", false, 2, {NULL, NULL, NULL}},
    {"select/1-of-8", "receive from 8 channels, one sender uses one of them", "M/s", false, 2, {NULL, NULL, NULL}},
};
/* clang-format on */

/* Channels and their users. */
typedef struct bench_court {
    void *chan[CHAN_MOST]; /* ping and pong: there, back */
    void *watch;
    unsigned used; /* of the channels of a select */
    bool one_cpu, unpinned;
    bench_histogram *trips;
    WEIR_ATOMIC(uint64_t) heard;                                /* ticks; 0: not yet */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) senders; /* still at work */
} bench_court;

/* To be called first by the body of a thread. */
BENCH_CHAN_BODY void bench_court_enter(const bench_court *court)
{
    if (court->one_cpu)
        bench_pin(0);
    if (court->unpinned)
        bench_unpin();
}

/* Runs the threads. They sleep by themselves, so that the time for which the CPUs did not run
 * them says nothing of others; but where two share one CPU, one of them can always run. */
BENCH_CHAN_BODY const bench_thread *
bench_court_threads(bench_run *run, unsigned count, bench_body *const bodies[], bench_court *court)
{
    const bench_thread *ran;
    struct timespec cpu;
    uint64_t began, used;

    run->sleeps = true;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    used = (uint64_t)cpu.tv_sec * 1000000000 + (uint64_t)cpu.tv_nsec;
    began = bench_now_ns();
    ran = bench_threads(run, count, bodies, court);
    if (court->one_cpu) {
        const uint64_t took = bench_now_ns() - began;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
        used = (uint64_t)cpu.tv_sec * 1000000000 + (uint64_t)cpu.tv_nsec - used;
        run->others = used < took ? 1 - (double)used / (double)took : 0;
    }
    return ran;
}

/* The three percentiles of round trips. */
BENCH_CHAN_BODY void bench_court_trips(bench_run *run, const bench_court *court)
{
    static const double shares[BENCH_VALUES] = {0.5, 0.99, 0.999};

    if (court->trips->count < (court->unpinned ? 10 : 100)) /* between those each thread sleeps */
        bench_starved(run, court->trips->count);
    for (int i = 0; i < BENCH_VALUES; i++)
        run->value[i] = bench_quantile_ns(court->trips, shares[i]);
    run->done = true;
}

#endif /* WEIR_BENCH_CHAN_H */

#ifdef CHAN

#ifndef CHAN_FLAGS
#define CHAN_FLAGS 0
#endif

#define C(name) BENCH_CHAN_PASTE(CHAN, _##name)

static const bench_peer C(peer) = {CHAN_LABEL, CHAN_CLASS, CHAN_FLAGS | BENCH_LOOPS, CHAN_NOTE};

#if defined(CHAN_RENDEZVOUS) || defined(CHAN_ONE) || defined(CHAN_MANY) || \
    defined(CHAN_UNBOUNDED) || defined(CHAN_SPSC) || defined(CHAN_MPSC)

/* ---- bodies ---- */

BENCH_CHAN_BODY void C(produce)(bench_thread *thread)
{
    bench_court *court = (bench_court *)thread->shared;
    CHAN *chan = (CHAN *)court->chan[0];
    uint64_t put = 0;

    bench_court_enter(court);
    while (bench_going(thread, 0)) {
        for (int i = 0; i < 64; i++) {
            if (!C(send)(chan, bench_value(thread->id, put + 1))) {
                thread->ledger.wrong++;
                goto out;
            }
            put++;
        }
    }
out:
    thread->put = put;
    /* sync(last): acquire and release. Pairs with itself; carries the end of the other senders to
     * who closes. */
    if (weir_atomic_fetch_sub(&court->senders, 1, WEIR_ACQ_REL) == 1)
        C(close)(chan);
}

/* Goes on until the channel is closed and empty; what comes after the end of the time is counted
 * by the ledger alone. */
static inline __attribute__((always_inline, unused)) void C(consume)(bench_thread *thread,
                                                                     bool alone)
{
    bench_court *court = (bench_court *)thread->shared;
    CHAN *chan = (CHAN *)court->chan[0];
    bench_ledger ledger;
    uintptr_t value = 0;

    bench_court_enter(court);
    memset(&ledger, 0, sizeof ledger);
    for (;;) {
        for (int i = 0; i < 64; i++) {
            if (!C(recv)(chan, &value))
                goto out;
            if (alone)
                bench_take_next(&ledger, value);
            else
                bench_take(&ledger, value, true);
        }
        (void)bench_going(thread, ledger.count);
    }
out:
    if (alone)
        ledger.sum = ledger.count * (ledger.count + 1) / 2;
    thread->ledger = ledger;
}

BENCH_CHAN_BODY void C(consume_next)(bench_thread *thread)
{
    C(consume)(thread, true);
}

BENCH_CHAN_BODY void C(consume_any)(bench_thread *thread)
{
    C(consume)(thread, false);
}

/* One thread, one value inside at a time. */
BENCH_CHAN_BODY void C(alone)(bench_thread *thread)
{
    bench_court *court = (bench_court *)thread->shared;
    CHAN *chan = (CHAN *)court->chan[0];
    bench_ledger ledger;
    uint64_t put = 0;
    uintptr_t value = 0;

    memset(&ledger, 0, sizeof ledger);
    while (bench_going(thread, ledger.count)) {
        for (int i = 0; i < 64; i++) {
            if (!C(send)(chan, bench_value(0, put + 1)))
                goto out;
            put++;
            if (!C(recv)(chan, &value))
                goto out;
            bench_take_next(&ledger, value);
        }
    }
out:
    ledger.sum = ledger.count * (ledger.count + 1) / 2;
    thread->put = put;
    thread->ledger = ledger;
}

BENCH_CHAN_BODY void C(ping)(bench_thread *thread)
{
    bench_court *court = (bench_court *)thread->shared;
    CHAN *there = (CHAN *)court->chan[0], *back = (CHAN *)court->chan[1];
    uint64_t put = 0, wrong = 0;
    uintptr_t value = 0;

    bench_court_enter(court);
    while (bench_going(thread, put)) {
        for (int i = 0; i < 64; i++) {
            const uint64_t begin = bench_ticks();

            if (!C(send)(there, bench_value(0, ++put)) || !C(recv)(back, &value)) {
                wrong++;
                goto out;
            }
            bench_record(court->trips, bench_ticks() - begin);
            wrong += value != bench_value(0, put);
        }
    }
out:
    C(close)(there);
    thread->put = put;
    thread->ledger.wrong = wrong;
}

BENCH_CHAN_BODY void C(pong)(bench_thread *thread)
{
    bench_court *court = (bench_court *)thread->shared;
    CHAN *there = (CHAN *)court->chan[0], *back = (CHAN *)court->chan[1];
    uint64_t count = 0;
    uintptr_t value = 0;

    bench_court_enter(court);
    while (C(recv)(there, &value) && C(send)(back, value))
        count++;
    C(close)(back);
    thread->ledger.count = count;
}

/* Sends to who has slept for some 80 us, and keeps its CPU busy until that one has the value. */
BENCH_CHAN_BODY void C(call)(bench_thread *thread)
{
    static const struct timespec pause = {0, 20000};
    bench_court *court = (bench_court *)thread->shared;
    CHAN *chan = (CHAN *)court->chan[0];
    uint64_t put = 0, begin, heard;

    bench_court_enter(court);
    while (bench_going(thread, put)) {
        nanosleep(&pause, NULL);
        /* relaxed: nobody else writes it before the value has come. */
        weir_atomic_store(&court->heard, 0, WEIR_RELAXED);
        begin = bench_ticks();
        if (!C(send)(chan, bench_value(0, ++put)))
            break;
        while ((heard = weir_atomic_load(&court->heard, WEIR_RELAXED)) == 0)
            weir_pause();
        bench_record(court->trips, heard - begin);
    }
    C(close)(chan);
    thread->put = put;
}

BENCH_CHAN_BODY void C(hear)(bench_thread *thread)
{
    bench_court *court = (bench_court *)thread->shared;
    CHAN *chan = (CHAN *)court->chan[0];
    uintptr_t value;

    bench_court_enter(court);
    while (C(recv)(chan, &value)) {
        thread->ledger.count++;
        weir_atomic_store(&court->heard, bench_ticks(), WEIR_RELAXED);
    }
}

/* ---- measures ---- */

BENCH_CHAN_BODY bench_court *C(court)(bench_run *run, size_t capacity, unsigned chans)
{
    bench_court *court = (bench_court *)bench_alloc(sizeof *court);

    for (unsigned i = 0; i < chans; i++) {
        court->chan[i] = C(open)(capacity);
        if (court->chan[i] == NULL) {
            bench_fail(run, "the channel could not be made");
            return NULL;
        }
    }
    return court;
}

BENCH_CHAN_BODY void C(measure)(bench_run *run, size_t capacity, unsigned senders,
                                unsigned receivers, bool one_cpu)
{
    bench_body *bodies[BENCH_THREADS];
    bench_court *court = C(court)(run, capacity, 1);
    const bench_thread *ran;
    bench_ledger rest;

    if (court == NULL)
        return;
    court->one_cpu = one_cpu;
    /* relaxed: before the threads. */
    weir_atomic_store(&court->senders, senders, WEIR_RELAXED);
    for (unsigned i = 0; i < senders; i++)
        bodies[i] = C(produce);
    for (unsigned i = 0; i < receivers; i++)
        bodies[senders + i] = senders == 1 && receivers == 1 ? C(consume_next) : C(consume_any);
    ran = bench_court_threads(run, senders + receivers, bodies, court);
    memset(&rest, 0, sizeof rest);
    bench_settle(run, ran, &rest);
    bench_set_rate(run);
}

BENCH_CHAN_BODY void C(trip)(bench_run *run, bool one_cpu)
{
    bench_body *const bodies[] = {C(ping), C(pong)};
    bench_court *court = C(court)(run, 1, 2);
    const bench_thread *ran;

    if (court == NULL)
        return;
    court->one_cpu = one_cpu;
    court->trips = (bench_histogram *)bench_alloc(sizeof *court->trips);
    ran = bench_court_threads(run, 2, bodies, court);
    if (ran[0].ledger.wrong > 0)
        bench_fail(run, "%llu answers were not the value that was sent",
                   (unsigned long long)ran[0].ledger.wrong);
    if (ran[0].put != ran[1].ledger.count)
        bench_fail(run, "%llu values sent, %llu came", (unsigned long long)ran[0].put,
                   (unsigned long long)ran[1].ledger.count);
    bench_court_trips(run, court);
}

#define BENCH_CHAN_RUN(name, capacity, senders, receivers, one_cpu)     \
    BENCH_CHAN_BODY void C(name)(bench_run * run)                       \
    {                                                                   \
        C(measure)(run, (capacity), (senders), (receivers), (one_cpu)); \
    }

#ifdef CHAN_RENDEZVOUS
BENCH_CHAN_RUN(run_cap0, 0, 1, 1, false)
BENCH_CHAN_RUN(run_cap0_1cpu, 0, 1, 1, true)

BENCH_REGISTER(C(add_rendezvous))
{
    bench_add(&bench_rows_chan[CHAN_CAP0], &C(peer), C(run_cap0));
    bench_add(&bench_rows_chan[CHAN_CAP0_1CPU], &C(peer), C(run_cap0_1cpu));
}
#endif

#ifdef CHAN_ONE
BENCH_CHAN_RUN(run_cap1, 1, 1, 1, false)
BENCH_CHAN_RUN(run_100_1p1c, 100, 1, 1, false)
BENCH_CHAN_RUN(run_1024_1p1c, 1024, 1, 1, false)

BENCH_CHAN_BODY void C(run_alone)(bench_run *run)
{
    bench_body *const bodies[] = {C(alone)};
    bench_court *court = C(court)(run, BENCH_CAPACITY, 1);
    const bench_thread *ran;
    bench_ledger rest;

    if (court == NULL)
        return;
    ran = bench_threads(run, 1, bodies, court);
    memset(&rest, 0, sizeof rest);
    bench_settle(run, ran, &rest);
    bench_set_ns(run);
}

BENCH_CHAN_BODY void C(run_trip)(bench_run *run)
{
    C(trip)(run, false);
}

BENCH_CHAN_BODY void C(run_trip_1cpu)(bench_run *run)
{
    C(trip)(run, true);
}

BENCH_CHAN_BODY void C(run_wake)(bench_run *run)
{
    bench_body *const bodies[] = {C(call), C(hear)};
    bench_court *court = C(court)(run, 1, 1);
    const bench_thread *ran;

    if (court == NULL)
        return;
    court->unpinned = true;
    court->trips = (bench_histogram *)bench_alloc(sizeof *court->trips);
    ran = bench_court_threads(run, 2, bodies, court);
    if (ran[0].put != ran[1].ledger.count)
        bench_fail(run, "%llu values sent, %llu came", (unsigned long long)ran[0].put,
                   (unsigned long long)ran[1].ledger.count);
    bench_court_trips(run, court);
}

BENCH_REGISTER(C(add_one))
{
    bench_add(&bench_rows_chan[CHAN_ALONE], &C(peer), C(run_alone));
    bench_add(&bench_rows_chan[CHAN_CAP1], &C(peer), C(run_cap1));
    bench_add(&bench_rows_chan[CHAN_100_1P1C], &C(peer), C(run_100_1p1c));
    bench_add(&bench_rows_chan[CHAN_1024_1P1C], &C(peer), C(run_1024_1p1c));
    bench_add(&bench_rows_chan[CHAN_PING_PONG], &C(peer), C(run_trip));
    bench_add(&bench_rows_chan[CHAN_PING_PONG_1CPU], &C(peer), C(run_trip_1cpu));
    bench_add(&bench_rows_chan[CHAN_WAKE], &C(peer), C(run_wake));
}
#endif

#ifdef CHAN_MANY
BENCH_CHAN_RUN(run_100_2p2c, 100, 2, 2, false)
BENCH_CHAN_RUN(run_1024_2p2c, 1024, 2, 2, false)
BENCH_CHAN_RUN(run_1024_4p4c, 1024, 4, 4, false)

BENCH_REGISTER(C(add_many))
{
    bench_add(&bench_rows_chan[CHAN_100_2P2C], &C(peer), C(run_100_2p2c));
    bench_add(&bench_rows_chan[CHAN_1024_2P2C], &C(peer), C(run_1024_2p2c));
    bench_add(&bench_rows_chan[CHAN_1024_4P4C], &C(peer), C(run_1024_4p4c));
}
#endif

#ifdef CHAN_UNBOUNDED
BENCH_CHAN_RUN(run_endless, CHAN_ENDLESS, 1, 1, false)

BENCH_REGISTER(C(add_unbounded))
{
    bench_add(&bench_rows_chan[CHAN_NO_BOUND], &C(peer), C(run_endless));
}
#endif

#ifdef CHAN_SPSC
BENCH_CHAN_RUN(run_spsc, 1024, 1, 1, false)

BENCH_REGISTER(C(add_spsc))
{
    bench_add(&bench_rows_chan[CHAN_SPSC_1024], &C(peer), C(run_spsc));
}
#endif

#ifdef CHAN_MPSC
BENCH_CHAN_RUN(run_mpsc, 1024, 2, 1, false)

BENCH_REGISTER(C(add_mpsc))
{
    bench_add(&bench_rows_chan[CHAN_MPSC_1024], &C(peer), C(run_mpsc));
}
#endif

#endif

#ifdef CHAN_SELECT

/* ---- select ---- */

/* Sends to one channel after the other, whether full or not; at the end a 0 to each. */
BENCH_CHAN_BODY void C(spread)(bench_thread *thread)
{
    bench_court *court = (bench_court *)thread->shared;
    const unsigned used = court->used;
    unsigned turn = 0;
    uint64_t put = 0;

    while (bench_going(thread, 0)) {
        for (int i = 0; i < 64; i++) {
            if (!C(send)((CHAN *)court->chan[turn], bench_value(turn, put + 1)))
                goto out;
            put++;
            turn = turn + 1 == used ? 0 : turn + 1;
        }
    }
out:
    thread->put = put;
    for (unsigned i = 0; i < used; i++)
        if (!C(send)((CHAN *)court->chan[i], 0))
            thread->ledger.wrong++;
}

BENCH_CHAN_BODY void C(gather)(bench_thread *thread)
{
    bench_court *court = (bench_court *)thread->shared;
    C(watch) *watch = (C(watch) *)court->watch;
    unsigned left = court->used;
    bench_ledger ledger;
    uintptr_t value = 0;
    unsigned turn = 0;

    memset(&ledger, 0, sizeof ledger);
    while (left > 0) {
        if (!C(watch_next)(watch, &value)) {
            ledger.wrong++;
            break;
        }
        if (value == 0) {
            left--;
            continue;
        }
        bench_take(&ledger, value, true);
        if (++turn % 64 == 0)
            (void)bench_going(thread, ledger.count);
    }
    thread->ledger = ledger;
}

BENCH_CHAN_BODY void C(choose)(bench_run *run, unsigned chans, unsigned used)
{
    bench_body *const bodies[] = {C(spread), C(gather)};
    bench_court *court = (bench_court *)bench_alloc(sizeof *court);
    CHAN *made[CHAN_MOST];
    const bench_thread *ran;
    bench_ledger rest;

    court->watch = bench_alloc(sizeof(C(watch)));
    court->used = used;
    if (!C(watch_open)((C(watch) *)court->watch, made, chans)) {
        bench_fail(run, "the channels could not be made");
        return;
    }
    /* Of 8 the one that is used is neither the first nor the last. */
    for (unsigned i = 0; i < used; i++)
        court->chan[i] = made[used == 1 ? chans / 2 : i];
    ran = bench_court_threads(run, 2, bodies, court);
    memset(&rest, 0, sizeof rest);
    bench_settle(run, ran, &rest);
    bench_set_rate(run);
}

BENCH_CHAN_BODY void C(run_select_2)(bench_run *run)
{
    C(choose)(run, 2, 2);
}

BENCH_CHAN_BODY void C(run_select_8)(bench_run *run)
{
    C(choose)(run, 8, 8);
}

BENCH_CHAN_BODY void C(run_select_1_of_8)(bench_run *run)
{
    C(choose)(run, 8, 1);
}

BENCH_REGISTER(C(add_select))
{
    bench_add(&bench_rows_select[CHAN_SELECT_2], &C(peer), C(run_select_2));
    bench_add(&bench_rows_select[CHAN_SELECT_8], &C(peer), C(run_select_8));
    bench_add(&bench_rows_select[CHAN_SELECT_1_OF_8], &C(peer), C(run_select_1_of_8));
}
#endif

#undef BENCH_CHAN_RUN
#undef C
#undef CHAN
#undef CHAN_LABEL
#undef CHAN_CLASS
#undef CHAN_NOTE
#undef CHAN_FLAGS
#undef CHAN_RENDEZVOUS
#undef CHAN_ONE
#undef CHAN_MANY
#undef CHAN_UNBOUNDED
#undef CHAN_SPSC
#undef CHAN_MPSC
#undef CHAN_SELECT

#endif /* CHAN */
