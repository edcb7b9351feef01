/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/loop_run.c: the workloads of bench/loop.h; those with connections are in bench/loop_net.c,
 * those with files in bench/loop_file.c.
 * The loop is on the first CPU, what else there is on the next ones. */

#include "loop.h"

#include "driver.h"
#include "pool.h" /* bench_pool_idle() */

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define TRIP                  \
    {                         \
        "p50", "p99", "p99.9" \
    }
#define ECHO                     \
    {                            \
        "kreq/s", "CPU us", NULL \
    }
#define ONE  \
    {        \
        NULL \
    }

/* clang-format off */
const bench_row bench_rows_loop[LOOP_ROWS] = {
    {"loop/post/1", "another thread posts callbacks to a loop, 4096 of them under way at most", "M/s", false, 2, ONE},
    {"loop/post/2", "two other threads together", "M/s", false, 3, ONE},
    {"loop/wake", "from post to the callback, when the loop has slept for 1 ms", "ns", true, 2, TRIP},
    {"loop/timer/insert", "of a million timers, 5 to 60 s ahead, into an empty loop: one", "ns", true, 1, ONE},
    {"loop/timer/cancel", "all of them, in the order of their insertion: one", "ns", true, 1, ONE},
    {"loop/timer/rearm", "all of them to 30 s later, in that order: one", "ns", true, 1, ONE},
    {"loop/timer/fire", "a million within a second, inserted and fired: the loop's CPU time for one", "ns", true, 1, ONE},
    {"loop/echo/1", "64 bytes there and back over TCP, one connection; and the server's CPU time of one", "kreq/s", false, 2, ECHO},
    {"loop/echo/100", "100 connections", "kreq/s", false, 2, ECHO},
    {"loop/echo/1000", "1000 connections", "kreq/s", false, 2, ECHO},
    {"loop/fd", "an fd watched and not any more, by 1000 with a turn of the loop after each: CPU time", "ns", true, 1, ONE},
    {"loop/connection", "the server's memory for a connection that has been used and is idle (from 1 on)", "bytes", true, 1, ONE},
    {"loop/offload/1", "to the blocking pool and back, one after the other", "ns", true, 2, ONE},
    {"loop/offload/64", "64 under way: time for each", "ns", true, 2, ONE},
    {"loop/idle", "a second of an idle loop with a timer and an fd: CPU time (from 1 ns on), context switches", "ns", true, 1, {"CPU", "switches", NULL}},
};
/* clang-format on */

/* ---- the one loop ---- */

static const loop_face *face;
static bench_run *the_run;
static size_t post_stride;

static size_t whole_lines(size_t bytes)
{
    return (bytes + WEIR_CACHELINE - 1) & ~(size_t)(WEIR_CACHELINE - 1);
}

static loop_post *new_post(void (*run)(loop_post *post))
{
    loop_post *const post = (loop_post *)bench_alloc(post_stride);

    post->run = run;
    return post;
}

/* relaxed, here and in what follows: a number that says nothing about other memory. */
static void tell(loop_post *post)
{
    weir_atomic_store(&post->heard, 1, WEIR_RELAXED);
}

static void tell_time(loop_post *post)
{
    weir_atomic_store(&post->heard, bench_ticks(), WEIR_RELAXED);
}

static void nap(long ns)
{
    const struct timespec time = {0, ns};

    nanosleep(&time, NULL);
}

static void post_and_wait(loop_post *post)
{
    weir_atomic_store(&post->heard, 0, WEIR_RELAXED);
    face->post(post);
    /* sync(told): acquire. Pairs with the store in call(); what the loop's thread has done. */
    for (unsigned i = 0; weir_atomic_load(&post->heard, WEIR_ACQUIRE) == 0; i++)
        if (i % 64 == 63)
            sched_yield();
}

/* ---- a loop on a thread of its own ---- */

static pthread_t loop_thread;
static void (*called)(void);

static void *go_round(void *of)
{
    WEIR_ATOMIC(uint32_t) *const open = (WEIR_ATOMIC(uint32_t) *)of;

    bench_pin(0);
    if (!face->open(1)) {
        bench_fail(the_run, "the loop could not be made");
        the_run->done = true;
        _exit(0);
    }
    /* sync(open): release. Pairs with the load in wait_open(). */
    weir_atomic_store(open, 1, WEIR_RELEASE);
    face->run();
    return NULL;
}

static void start_loop(void)
{
    static WEIR_ATOMIC(uint32_t) open;

    if (pthread_create(&loop_thread, NULL, go_round, &open) != 0)
        abort();
    /* sync(open): acquire. Pairs with the store in go_round(); what open() did. */
    while (weir_atomic_load(&open, WEIR_ACQUIRE) == 0)
        sched_yield();
    bench_pin(1);
}

static void call(loop_post *post)
{
    called();
    /* sync(told): release. Pairs with the load in post_and_wait(). */
    weir_atomic_store(&post->heard, 1, WEIR_RELEASE);
}

/* Calls f on the loop's thread, and waits for it. */
static void on_loop(loop_post *post, void (*f)(void))
{
    called = f;
    post->run = call;
    post_and_wait(post);
}

/* ---- post ---- */

typedef struct window {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) taken; /* of one producer, some behind */
} window;

static bench_thread *loop_side; /* the loop's; of use to its callbacks alone */
static uint64_t taken, taken_of[BENCH_PRODUCERS];
static unsigned producers_left;
static char *nodes;
static window windows[BENCH_PRODUCERS];
static WEIR_ATOMIC(uint32_t) opened; /* 2: it could not be */

/* Says so after 64 at once: it takes a line from the producer. */
static void take(loop_post *post)
{
    const uintptr_t value = post->value;
    const unsigned producer = (unsigned)(value >> 3) % BENCH_PRODUCERS;

    bench_take(&loop_side->ledger, value, true);
    if (++taken_of[producer] % 64 == 0)
        /* sync(taken): release. Pairs with the load in room_for(); carries that the nodes have
         * been read. */
        weir_atomic_store(&windows[producer].taken, taken_of[producer], WEIR_RELEASE);
    if (++taken % 64 == 0)
        (void)bench_going(loop_side, taken);
}

static void take_last(loop_post *post)
{
    (void)post;
    if (--producers_left == 0)
        face->stop();
}

static void consume(bench_thread *thread)
{
    loop_side = thread;
    if (!face->open(1)) {
        weir_atomic_store(&opened, 2, WEIR_RELEASE); /* sync(opened): release, as below. */
        return;
    }
    /* sync(opened): release. Pairs with the load in produce(); what open() did. */
    weir_atomic_store(&opened, 1, WEIR_RELEASE);
    face->run();
}

/* Looks at the loop's line only where what it saw of it last does not do. */
static bool room_for(uint64_t sequence, unsigned id, uint64_t *seen)
{
    if (sequence <= *seen + LOOP_NODES)
        return true;
    /* sync(taken): acquire. Pairs with the store in take(): nodes are used in turn. */
    *seen = weir_atomic_load(&windows[id].taken, WEIR_ACQUIRE);
    return sequence <= *seen + LOOP_NODES;
}

static void produce(bench_thread *thread)
{
    const unsigned id = thread->id - 1;
    char *const mine = nodes + id * LOOP_NODES * post_stride;
    loop_post *const last = new_post(take_last);
    unsigned failures = 0;
    uint64_t seen = 0;
    uint32_t state;

    /* sync(opened): acquire. Pairs with the store in consume(). */
    while ((state = weir_atomic_load(&opened, WEIR_ACQUIRE)) == 0)
        sched_yield();
    if (state == 2)
        return;
    while (bench_going(thread, 0))
        for (int i = 0; i < 64; i++) {
            const uint64_t sequence = thread->put + 1;
            loop_post *const post =
                (loop_post *)(void *)(mine + sequence % LOOP_NODES * post_stride);

            if (!room_for(sequence, id, &seen)) {
                if (!bench_again(thread, &failures))
                    break;
                weir_pause();
                continue;
            }
            post->run = take;
            post->value = bench_value(id, sequence);
            thread->put = sequence;
            face->post(post);
        }
    face->post(last);
}

static void post(unsigned producers)
{
    static const bench_ledger nothing;
    bench_body *const bodies[] = {consume, produce, produce};
    bench_cpu_time before;
    const bench_thread *threads;

    producers_left = producers;
    nodes = (char *)bench_alloc(producers * LOOP_NODES * post_stride);
    the_run->sleeps = true;
    before = bench_read_cpu_time();
    threads = bench_threads(the_run, 1 + producers, bodies, NULL);
    if (weir_atomic_load(&opened, WEIR_RELAXED) != 1)
        bench_fail(the_run, "the loop could not be made");
    bench_settle(the_run, threads, &nothing);
    /* A loop that sleeps is ready for some time before it runs, with nobody else there. */
    the_run->others = 0;
    bench_set_others(the_run, &before, 0);
    /* Who timed it did not get a CPU: then others did not, either. */
    if (the_run->window > 2 * the_run->seconds)
        the_run->others = 1;
    bench_set_rate(the_run);
}

/* ---- wake ---- */

/* The poster does not sleep until the callback runs. */
static void wake(void)
{
    static const double shares[BENCH_VALUES] = {0.5, 0.99, 0.999};
    bench_histogram *const trips = (bench_histogram *)bench_alloc(sizeof *trips);
    loop_post *const post = new_post(tell_time);
    const uint64_t warm = bench_now_ns() + (uint64_t)(the_run->seconds * 0.15e9);
    const uint64_t until = warm + (uint64_t)(the_run->seconds * 1e9);
    uint64_t now;

    start_loop();
    do {
        uint64_t sent, heard;

        nap(1000000);
        weir_atomic_store(&post->heard, 0, WEIR_RELAXED);
        sent = bench_ticks();
        face->post(post);
        while ((heard = weir_atomic_load(&post->heard, WEIR_RELAXED)) == 0)
            weir_pause();
        now = bench_now_ns();
        if (now >= warm)
            bench_record(trips, heard > sent ? heard - sent : 0);
        /* A machine with other things to do may make few of them in the time. */
    } while (now < until || (trips->count < 20 && now < until + 2000000000));
    the_run->threads = 2;
    the_run->sleeps = true;
    the_run->window = (double)(now - warm) / 1e9;
    the_run->total = trips->count;
    if (trips->count < 10)
        bench_starved(the_run, trips->count);
    for (int i = 0; i < BENCH_VALUES; i++)
        the_run->value[i] = bench_quantile_ns(trips, shares[i]);
    the_run->done = true;
}

/* ---- fds ---- */

/* New ones for each round, as connections are: a loop may leave it to close() to remove one. */
static int fds[LOOP_FDS];
static unsigned fd_count;
static WEIR_ATOMIC(uint32_t) fds_read;

void bench_loop_readable(int fd)
{
    uint64_t number;

    if (read(fd, &number, sizeof number) == (ssize_t)sizeof number)
        (void)weir_atomic_fetch_add(&fds_read, 1, WEIR_RELAXED);
}

static void watch_all(void)
{
    face->watch(fds, fd_count);
}

static void unwatch_all(void)
{
    face->unwatch(fd_count);
}

static void make_fds(unsigned count)
{
    fd_count = count;
    for (unsigned i = 0; i < count; i++)
        if ((fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0) {
            bench_fail(the_run, "no more fds");
            return;
        }
}

static void close_fds(void)
{
    for (unsigned i = 0; i < fd_count; i++)
        close(fds[i]);
}

/* Outside of the clock: each that is watched is heard of. */
static void check_watched(void)
{
    const uint64_t one = 1, until = bench_now_ns() + 2000000000;

    for (unsigned i = 0; i < fd_count; i++)
        if (write(fds[i], &one, sizeof one) != (ssize_t)sizeof one)
            bench_fail(the_run, "could not write");
    while (weir_atomic_load(&fds_read, WEIR_RELAXED) < fd_count && bench_now_ns() < until)
        nap(100000);
    if (weir_atomic_load(&fds_read, WEIR_RELAXED) != fd_count)
        bench_fail(the_run, "of %u fds %u were heard of", fd_count,
                   weir_atomic_load(&fds_read, WEIR_RELAXED));
}

/* Between the two the loop goes to sleep: so it has told the kernel, at once or later. */
static void watch(void)
{
    loop_post *const post = new_post(tell);
    clockid_t clock = CLOCK_MONOTONIC;
    uint64_t begin = 0, until = 0, cpu = 0, rounds = 0, now;

    start_loop();
    make_fds(LOOP_FDS);
    (void)pthread_getcpuclockid(loop_thread, &clock);
    for (int warm = 1;; warm = 0) {
        on_loop(post, watch_all);
        nap(200000);
        if (warm)
            check_watched();
        on_loop(post, unwatch_all);
        nap(200000);
        close_fds();
        make_fds(LOOP_FDS);
        now = bench_now_ns();
        if (warm) {
            begin = now;
            until = now + (uint64_t)(the_run->seconds * 1e9);
            cpu = bench_loop_clock(clock);
        } else {
            rounds++;
            if (now >= until)
                break;
        }
    }
    the_run->threads = 1;
    the_run->window = (double)(now - begin) / 1e9;
    the_run->total = rounds * LOOP_FDS;
    the_run->value[0] = (double)(bench_loop_clock(clock) - cpu) / (double)the_run->total;
    the_run->done = true;
}

/* ---- offload ---- */

static unsigned under_way;
static uint64_t done, done_before, done_until;
static uint64_t offload_warm_ns, offload_begin_ns, offload_end_ns;
static bench_cpu_time offload_before;
static size_t work_stride;
static char *works;

static loop_work *work_at(size_t i)
{
    return (loop_work *)(void *)(works + i * work_stride);
}

static void work_a_little(loop_work *work)
{
    work->worked++;
}

/* The pool's threads have been made when the loop goes to its own CPU. */
static void look_at_clock(void)
{
    const uint64_t now = bench_now_ns();

    if (offload_begin_ns == 0 && now >= offload_warm_ns) {
        bench_pin(0);
        offload_before = bench_read_cpu_time();
        offload_begin_ns = bench_now_ns();
        done_before = done;
    } else if (offload_begin_ns != 0 && offload_end_ns == 0 &&
               (double)(now - offload_begin_ns) >= the_run->seconds * 1e9) {
        offload_end_ns = now;
        bench_set_others(the_run, &offload_before, 0);
        done_until = done;
    }
}

static void work_is_done(loop_work *work)
{
    if (++done % 16 == 0)
        look_at_clock();
    if (offload_end_ns == 0)
        face->offload(work);
    else if (--under_way == 0)
        face->stop();
}

static void offload_all(loop_post *post)
{
    const unsigned count = under_way;

    (void)post;
    for (size_t i = 0; i < count; i++)
        face->offload(work_at(i));
}

void bench_loop_leave_first_cpu(void)
{
    cpu_set_t set;

    bench_unpin();
    if (bench_cpus() < 2 || sched_getaffinity(0, sizeof set, &set) != 0)
        return;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &set)) {
            CPU_CLR(cpu, &set);
            break;
        }
    (void)sched_setaffinity(0, sizeof set, &set);
}

static void offload(unsigned count)
{
    const unsigned workers = bench_cpus() > 1 ? bench_cpus() - 1 : 1;
    uint64_t worked = 0;

    work_stride = whole_lines(face->work_bytes);
    works = (char *)bench_alloc(count * work_stride);
    for (size_t i = 0; i < count; i++) {
        work_at(i)->work = work_a_little;
        work_at(i)->done = work_is_done;
    }
    under_way = count;
    bench_loop_leave_first_cpu();
    if (!face->open(workers)) {
        bench_fail(the_run, "the loop could not be made");
        return;
    }
    offload_warm_ns = bench_now_ns() + (uint64_t)(the_run->seconds * 0.15e9);
    face->post(new_post(offload_all));
    face->run();
    for (size_t i = 0; i < count; i++)
        worked += work_at(i)->worked;
    if (worked != done)
        bench_fail(the_run, "done %llu times instead of %llu", (unsigned long long)worked,
                   (unsigned long long)done);
    the_run->threads = 1 + workers;
    the_run->sleeps = true;
    the_run->window = (double)(offload_end_ns - offload_begin_ns) / 1e9;
    the_run->total = done_until - done_before;
    if (the_run->total == 0)
        bench_starved(the_run, 0);
    else
        the_run->value[0] = the_run->window * 1e9 / (double)the_run->total;
    the_run->done = true;
}

/* ---- idle ---- */

static void wait_long(void)
{
    static const uint64_t hour = 3600ull * 1000000000;

    if (face->insert != NULL) {
        bench_loop_left = 1;
        face->timers(1);
        face->insert(&hour, 1);
    }
    if (face->watch != NULL)
        watch_all();
}

static void idle(void)
{
    start_loop();
    make_fds(1);
    on_loop(new_post(tell), wait_long);
    bench_pool_idle(the_run, 0);
}

/* ---- a server ---- */

static int listener;

static void serve_there(void)
{
    if (!face->serve(listener))
        bench_fail(the_run, "it does not listen");
}

static void serve(unsigned row)
{
    loop_server server = {0, CLOCK_MONOTONIC, 0};

    start_loop();
    listener = bench_loop_listen(&server.port);
    if (listener < 0) {
        bench_fail(the_run, "no socket");
        return;
    }
    on_loop(new_post(tell), serve_there);
    (void)pthread_getcpuclockid(loop_thread, &server.clock);
    if (row == LOOP_CONNECTION)
        bench_loop_connection(the_run, &server);
    else
        bench_loop_echo(the_run, &server, row);
}

/* ---- which ---- */

void bench_loop_measure(bench_run *run, const loop_face *of, unsigned row)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    face = of;
    the_run = run;
    post_stride = whole_lines(face->post_bytes);
    if (row == LOOP_POST_1 || row == LOOP_POST_2)
        post(row == LOOP_POST_1 ? 1 : 2);
    else if (row == LOOP_WAKE)
        wake();
    else if ((LOOP_TIMERS >> row & 1) != 0)
        bench_loop_timers(run, face, row);
    else if (row == LOOP_FD)
        watch();
    else if (row == LOOP_OFFLOAD_1 || row == LOOP_OFFLOAD_64)
        offload(row == LOOP_OFFLOAD_1 ? 1 : 64);
    else if (row == LOOP_IDLE)
        idle();
    else
        serve(row);
}
