/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/pool_run.c: the workloads of bench/pool.h. */

#include "pool.h"

#include "driver.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRIP                  \
    {                         \
        "p50", "p99", "p99.9" \
    }
#define RATE                  \
    {                         \
        "usual", "mean", NULL \
    }

/* clang-format off */
const bench_row bench_rows_pool[POOL_ROWS] = {
    {"pool/fib/1", "a spawn and its join, in fib(27), one thread", "ns", true, 1, {NULL, NULL, NULL}},
    {"pool/fib/2", "the same, two threads: time that passes", "ns", true, 2, {NULL, NULL, NULL}},
    {"pool/submit/1", "one producer outside submits; of batches of 10,000 the median, and the mean", "M/s", false, 2, RATE},
    {"pool/submit/2", "two producers outside together", "M/s", false, 3, RATE},
    {"pool/wake", "from submit to the job, when all workers sleep; no thread is pinned", "ns", true, 2, TRIP},
    {"pool/hot", "the same, when a worker on another CPU has just run the job before", "ns", true, 2, TRIP},
    {"pool/for/1e7", "a loop over 10 million divisions, in a worker, with all CPUs", "us", true, 2, {NULL, NULL, NULL}},
    {"pool/for/64", "the same over 64 divisions", "ns", true, 2, {NULL, NULL, NULL}},
    {"pool/graph", "a node of a graph of 32 x 32, each after its left and upper neighbour, all CPUs", "ns", true, 2, {NULL, NULL, NULL}},
    {"pool/idle", "a second of an idle pool: CPU time (from 1 ns on), context switches", "ns", true, 1, {"CPU", "switches", NULL}},
};
/* clang-format on */

/* ---- fork and join, loops, a graph ---- */

static uint32_t cells[POOL_NODES], seed;

/* So the last is `seed` times the number of ways to it, if each came after its neighbours. */
static void visit(unsigned i)
{
    cells[i] = (i % POOL_SIDE == 0 ? 0 : cells[i - 1]) + (i < POOL_SIDE ? 0 : cells[i - POOL_SIDE]);
    if (i == 0)
        cells[i] = seed;
}

static uint32_t ways(void)
{
    seed = 1;
    for (unsigned i = 0; i < POOL_NODES; i++)
        visit(i);
    return cells[POOL_NODES - 1];
}

typedef struct course {
    bench_run *run;
    const pool_face *face;
    uint32_t *items; /* NULL: fib, or a graph */
    size_t n;
    uint32_t ways; /* through the graph; 0: fib */
    uint64_t rounds;
} course;

static void one_round(course *course)
{
    if (course->ways != 0) {
        seed++;
        course->face->wave(visit);
        if (cells[POOL_NODES - 1] != seed * course->ways)
            bench_fail(course->run, "a node ran before another, or not at all");
    } else if (course->items != NULL)
        course->face->loop(course->items, course->n, 1000003);
    else if (course->face->fib(POOL_FIB) != POOL_FIBONACCI)
        bench_fail(course->run, "another number than fib(%d)", POOL_FIB);
    course->rounds++;
}

/* Three more rounds, outside of the clock: each does each item once. */
static void check_items(course *self)
{
    for (size_t i = 0; i < self->n; i++)
        self->items[i] = 0;
    for (int round = 0; round < 3; round++)
        self->face->loop(self->items, self->n, UINT32_MAX);
    for (size_t i = 0; i < self->n; i++)
        if (self->items[i] != 3 * i) {
            bench_fail(self->run, "item %zu was left out, or done twice", i);
            return;
        }
}

static void go_round(void *of)
{
    course *const self = (course *)of;
    const unsigned at_once = self->n < 1000 && self->items != NULL ? 64 : 1;
    const uint64_t warm = bench_now_ns() + (uint64_t)(self->run->seconds * 0.15e9);
    bench_cpu_time before;
    uint64_t begin, end;

    do {
        for (unsigned i = 0; i < at_once; i++)
            one_round(self);
        end = bench_now_ns();
    } while (end < warm);
    self->rounds = 0;
    before = bench_read_cpu_time();
    begin = bench_now_ns();
    do {
        for (unsigned i = 0; i < at_once; i++)
            one_round(self);
        end = bench_now_ns();
    } while ((double)(end - begin) < self->run->seconds * 1e9);
    self->run->window = (double)(end - begin) / 1e9;
    if (self->run->threads >= bench_cpus())
        bench_set_others(self->run, &before, 0);
    if (self->items != NULL)
        check_items(self);
}

static void divide(bench_run *run, const pool_face *face, unsigned workers)
{
    course course = {run, face, NULL, 0, 0, 0};

    run->threads = workers;
    face->inside(false, go_round, &course);
    run->total = course.rounds * POOL_SPAWNS;
    run->value[0] = run->window * 1e9 / (double)run->total;
    run->done = true;
}

static void loop(bench_run *run, const pool_face *face, size_t n, double per_second)
{
    course course = {run, face, (uint32_t *)bench_alloc(n * sizeof(uint32_t)), n, 0, 0};

    run->threads = bench_cpus();
    face->inside(true, go_round, &course);
    run->total = course.rounds;
    run->value[0] = run->window * per_second / (double)run->total;
    run->done = true;
}

static void wave(bench_run *run, const pool_face *face)
{
    course course = {run, face, NULL, 0, ways(), 0};

    run->threads = bench_cpus();
    go_round(&course);
    run->total = course.rounds;
    run->value[0] = run->window * 1e9 / (double)(run->total * POOL_NODES);
    run->done = true;
}

/* ---- submit ---- */

/* relaxed, here and in what follows: a number that says nothing about other memory. */
static void tell(pool_item *item)
{
    weir_atomic_store(&item->heard, 1, WEIR_RELAXED);
}

static void tell_time(pool_item *item)
{
    weir_atomic_store(&item->heard, bench_ticks(), WEIR_RELAXED);
}

static WEIR_ATOMIC(uint32_t) workers_here, workers_wanted;

/* Waits for the others, so that each worker has one such job, but not for ever. */
static void tell_together(pool_item *item)
{
    const uint64_t until = bench_now_ns() + 100000000;

    /* relaxed: a number, until there are enough. */
    (void)weir_atomic_fetch_add(&workers_here, 1, WEIR_RELAXED);
    while (weir_atomic_load(&workers_here, WEIR_RELAXED) <
               weir_atomic_load(&workers_wanted, WEIR_RELAXED) &&
           bench_now_ns() < until)
        sched_yield();
    tell(item);
}

static pool_item *item_at(char *items, size_t stride, size_t i)
{
    return (pool_item *)(void *)(items + i * stride);
}

static void wait_for(pool_item *item)
{
    for (unsigned i = 0; weir_atomic_load(&item->heard, WEIR_RELAXED) == 0; i++) {
        weir_pause();
        if (i % 64 == 63)
            sched_yield();
    }
}

/* Makes the pool's threads where the calling one may run: on all CPUs but the first `busy`, or if
 * there are no more on all. A thread inherits that from who makes it. */
static bool open_behind(bench_run *run, const pool_face *face, size_t stride, unsigned busy,
                        unsigned workers)
{
    char *const items = (char *)bench_alloc(workers * stride);
    cpu_set_t set;

    bench_unpin();
    if (bench_cpus() > busy && sched_getaffinity(0, sizeof set, &set) == 0) {
        for (size_t cpu = 0; busy > 0 && cpu < CPU_SETSIZE; cpu++)
            if (CPU_ISSET(cpu, &set)) {
                CPU_CLR(cpu, &set);
                busy--;
            }
        (void)sched_setaffinity(0, sizeof set, &set);
    }
    if (!face->open(workers, true)) {
        bench_fail(run, "the pool could not be made");
        return false;
    }
    weir_atomic_store(&workers_wanted, workers, WEIR_RELAXED); /* relaxed: submitted below. */
    for (unsigned i = 0; i < workers; i++) {
        item_at(items, stride, i)->run = tell_together;
        face->submit(item_at(items, stride, i));
    }
    for (unsigned i = 0; i < workers; i++)
        wait_for(item_at(items, stride, i));
    if (face->settle != NULL)
        face->settle();
    return true;
}

typedef struct yard {
    bench_run *run;
    const pool_face *face;
    size_t stride;
    unsigned producers;
    uint64_t batches;
    double ns; /* of all of them together */
    float *each;
    uint64_t begin[BENCH_PRODUCERS], end[BENCH_PRODUCERS];
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) arrived;
    WEIR_ATOMIC(uint32_t) over;
} yard;

typedef struct producer {
    yard *at;
    unsigned id;
    pthread_t handle;
} producer;

enum { MOST_BATCHES = 1 << 16 };

/* Until all producers have come here `round` times. */
static void meet(yard *at, uint32_t *round)
{
    const uint32_t all = ++*round * at->producers;

    /* sync(met): acquire and release. Pairs with the load below; what each did before. */
    (void)weir_atomic_fetch_add(&at->arrived, 1, WEIR_ACQ_REL);
    for (unsigned i = 0; weir_atomic_load(&at->arrived, WEIR_ACQUIRE) < all; i++)
        if (i % 64 == 63)
            sched_yield();
}

/* By the first, between two meetings. */
static void book(yard *at, uint64_t until)
{
    uint64_t begin = at->begin[0], end = at->end[0];
    double ns;

    for (unsigned i = 1; i < at->producers; i++) {
        begin = at->begin[i] < begin ? at->begin[i] : begin;
        end = at->end[i] > end ? at->end[i] : end;
    }
    ns = bench_ticks_to_ns((double)(end - begin));
    at->each[at->batches++] = (float)ns;
    at->ns += ns;
    if (bench_now_ns() >= until || at->batches == MOST_BATCHES)
        weir_atomic_store(&at->over, 1, WEIR_RELAXED); /* relaxed: a meeting follows. */
}

static void *produce(void *of)
{
    const producer *const self = (const producer *)of;
    yard *const at = self->at;
    const pool_face *const face = at->face;
    const size_t stride = at->stride;
    char *const items = (char *)bench_alloc(POOL_BATCH * stride);
    const uint64_t warm = bench_now_ns() + (uint64_t)(at->run->seconds * 0.15e9);
    const uint64_t until = warm + (uint64_t)(at->run->seconds * 1e9);
    uint32_t round = 0;

    bench_pin(self->id);
    for (size_t i = 0; i < POOL_BATCH; i++)
        item_at(items, stride, i)->run = tell;
    do {
        for (size_t i = 0; i < POOL_BATCH; i++) /* relaxed: submitted later. */
            weir_atomic_store(&item_at(items, stride, i)->heard, 0, WEIR_RELAXED);
        meet(at, &round);
        at->begin[self->id] = bench_ticks();
        for (size_t i = 0; i < POOL_BATCH; i++)
            face->submit(item_at(items, stride, i));
        at->end[self->id] = bench_ticks();
        for (size_t i = 0; i < POOL_BATCH; i++)
            wait_for(item_at(items, stride, i));
        if (face->settle != NULL)
            face->settle();
        meet(at, &round);
        if (self->id == 0 && bench_now_ns() >= warm)
            book(at, until);
        meet(at, &round);
    } while (weir_atomic_load(&at->over, WEIR_RELAXED) == 0);
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static void submit(bench_run *run, const pool_face *face, unsigned producers, size_t stride)
{
    const unsigned workers = bench_cpus() > producers ? bench_cpus() - producers : 1;
    yard *const at = (yard *)bench_alloc(sizeof *at);
    producer each[BENCH_PRODUCERS];
    const uint64_t begin = bench_now_ns();

    if (!open_behind(run, face, stride, producers, workers))
        return;
    at->run = run;
    at->face = face;
    at->stride = stride;
    at->producers = producers;
    at->each = (float *)bench_alloc(MOST_BATCHES * sizeof(float));
    for (unsigned i = 0; i < producers; i++) {
        each[i].at = at;
        each[i].id = i;
        if (i > 0 && pthread_create(&each[i].handle, NULL, produce, &each[i]) != 0)
            abort();
    }
    (void)produce(&each[0]);
    for (unsigned i = 1; i < producers; i++)
        pthread_join(each[i].handle, NULL);
    run->threads = producers + workers;
    run->window = (double)(bench_now_ns() - begin) / 1e9;
    run->total = at->batches * producers * POOL_BATCH;
    if (run->total == 0) {
        bench_starved(run, 0);
    } else {
        qsort(at->each, at->batches, sizeof(float), by_size);
        run->value[0] = producers * POOL_BATCH * 1e3 / (double)at->each[at->batches / 2];
        run->value[1] = (double)run->total * 1e3 / at->ns;
    }
    run->done = true;
}

/* ---- to the job ---- */

static void set_trips(bench_run *run, const bench_histogram *trips, uint64_t least)
{
    static const double shares[BENCH_VALUES] = {0.5, 0.99, 0.999};

    run->total = trips->count;
    if (trips->count < least)
        bench_starved(run, trips->count);
    for (int i = 0; i < BENCH_VALUES; i++)
        run->value[i] = bench_quantile_ns(trips, shares[i]);
    run->done = true;
}

/* The caller does not sleep until the job runs: a worker that is woken wants another CPU. */
static void reach(bench_run *run, const pool_face *face, size_t stride, bool asleep)
{
    static const struct timespec pause = {0, 1000000}; /* oneTBB's look for work for 200 us */
    bench_histogram *const trips = (bench_histogram *)bench_alloc(sizeof *trips);
    pool_item *const item = (pool_item *)bench_alloc(stride);
    const uint64_t begin = bench_now_ns();
    const uint64_t warm = begin + (uint64_t)(run->seconds * 0.15e9);
    const uint64_t until = warm + (uint64_t)(run->seconds * 1e9);
    uint64_t now;

    item->run = tell_time;
    do {
        for (int i = 0; i < (asleep ? 1 : 64); i++) {
            uint64_t sent, heard;

            if (asleep)
                nanosleep(&pause, NULL);
            weir_atomic_store(&item->heard, 0, WEIR_RELAXED); /* relaxed: submitted below. */
            sent = bench_ticks();
            face->submit(item);
            while ((heard = weir_atomic_load(&item->heard, WEIR_RELAXED)) == 0)
                weir_pause();
            if (bench_now_ns() >= warm)
                bench_record(trips, heard > sent ? heard - sent : 0);
            if (face->settle != NULL)
                face->settle();
        }
        now = bench_now_ns();
        /* A machine with other things to do may make few of them in the time. */
    } while (now < until || (asleep && trips->count < 20 && now < until + 2000000000));
    run->threads = 2;
    run->sleeps = true;
    run->window = (double)(now - warm) / 1e9;
    set_trips(run, trips, asleep ? 10 : 100);
}

static void hot(bench_run *run, const pool_face *face, size_t stride)
{
    if (open_behind(run, face, stride, 1, 1)) {
        bench_pin(0);
        reach(run, face, stride, false);
    }
}

/* ---- idle ---- */

typedef struct consumption {
    uint64_t ns, switches;
} consumption;

/* Of one thread; nothing if it has just ended. */
static void add_thread(consumption *sum, const char *directory, const char *thread)
{
    char path[512], line[256];
    unsigned long long number = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s/schedstat", directory, thread);
    file = fopen(path, "r");
    if (file == NULL)
        return;
    if (fscanf(file, "%llu", &number) == 1)
        sum->ns += number;
    fclose(file);
    snprintf(path, sizeof path, "%s/%s/status", directory, thread);
    file = fopen(path, "r");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "voluntary_ctxt_switches: %llu", &number) == 1 ||
            sscanf(line, "nonvoluntary_ctxt_switches: %llu", &number) == 1)
            sum->switches += number;
    fclose(file);
}

static consumption read_consumption(int id)
{
    consumption sum = {0, 0};
    const struct dirent *entry;
    char directory[64], self[32];
    DIR *threads;

    snprintf(directory, sizeof directory, "/proc/%d/task", id == 0 ? (int)getpid() : id);
    snprintf(self, sizeof self, "%d", id == 0 ? (int)syscall(SYS_gettid) : 0);
    threads = opendir(directory);
    if (threads == NULL)
        return sum;
    while ((entry = readdir(threads)) != NULL)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, self) != 0)
            add_thread(&sum, directory, entry->d_name);
    closedir(threads);
    return sum;
}

static void sleep_for(double seconds)
{
    const struct timespec time = {(time_t)seconds,
                                  (long)((seconds - (double)(time_t)seconds) * 1e9)};

    nanosleep(&time, NULL);
}

/* Ten times as long as other rows: a second. OpenMP's threads spin for 0.2 s. */
void bench_pool_idle(bench_run *run, int id)
{
    consumption before, after;
    uint64_t begin;

    sleep_for(0.4);
    before = read_consumption(id);
    begin = bench_now_ns();
    sleep_for(run->seconds * 10);
    after = read_consumption(id);
    run->threads = 1;
    run->window = (double)(bench_now_ns() - begin) / 1e9;
    run->total = 1;
    run->value[0] = (double)(after.ns - before.ns) / run->window;
    if (run->value[0] < 1)
        run->value[0] = 1;
    run->value[1] = (double)(after.switches - before.switches) / run->window;
    run->done = true;
}

static void divide_once(void *of)
{
    (void)((const pool_face *)of)->fib(20);
}

static void idle(bench_run *run, const pool_face *face, size_t stride)
{
    if (face->submit != NULL) {
        pool_item *const item = (pool_item *)bench_alloc(stride);

        item->run = tell;
        face->submit(item);
        wait_for(item);
        if (face->settle != NULL)
            face->settle();
    } else {
        union {
            const pool_face *face;
            void *of;
        } passed = {face};

        face->inside(false, divide_once, passed.of);
    }
    bench_pool_idle(run, 0);
}

/* ---- which ---- */

void bench_pool_measure(bench_run *run, const pool_face *face, unsigned row)
{
    const unsigned workers = row == POOL_FIB_1 ? 1 : row == POOL_FIB_2 ? 2 : bench_cpus();
    size_t stride;

    if (face == NULL) {
        bench_fail(run, "it could not be loaded");
        return;
    }
    /* So that no two jobs share a line. */
    stride = (face->item_bytes + WEIR_CACHELINE - 1) & ~(size_t)(WEIR_CACHELINE - 1);
    if (row == POOL_SUBMIT_1 || row == POOL_SUBMIT_2)
        submit(run, face, row == POOL_SUBMIT_1 ? 1 : 2, stride);
    else if (row == POOL_HOT)
        hot(run, face, stride);
    else if (!face->open(workers, row == POOL_WAKE || (row == POOL_IDLE && face->submit != NULL)))
        bench_fail(run, "the pool could not be made");
    else if (row == POOL_FIB_1 || row == POOL_FIB_2)
        divide(run, face, workers);
    else if (row == POOL_WAKE)
        reach(run, face, stride, true);
    else if (row == POOL_FOR_1E7)
        loop(run, face, 10000000, 1e6);
    else if (row == POOL_FOR_64)
        loop(run, face, 64, 1e9);
    else if (row == POOL_GRAPH)
        wave(run, face);
    else
        idle(run, face, stride);
}
