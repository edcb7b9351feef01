/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/driver.c: one run of one case: threads that are pinned and timed, in a
 * process of its own under a watchdog. */

#include "driver.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the list ---- */

const bench_row *bench_rows[BENCH_MOST_ROWS];
unsigned bench_row_count;
bench_case bench_cases[BENCH_MOST_CASES];
unsigned bench_case_count;

void bench_add(const bench_row *row, const bench_peer *peer, bench_measure *measure)
{
    bench_case *added = &bench_cases[bench_case_count];
    unsigned nr = 0;

    while (nr < bench_row_count && strcmp(bench_rows[nr]->name, row->name) != 0)
        nr++;
    if (nr >= BENCH_MOST_ROWS || bench_case_count >= BENCH_MOST_CASES) {
        fputs("weir-bench: too many rows or cases: raise BENCH_MOST_ROWS, _CASES\n", stderr);
        exit(2);
    }
    if (nr == bench_row_count)
        bench_rows[bench_row_count++] = row;
    added->row = nr;
    added->peer = peer;
    added->measure = measure;
    bench_case_count++;
}

/* ---- for the cases ---- */

void *bench_alloc(size_t bytes)
{
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (pages == MAP_FAILED) {
        perror("weir-bench: mmap");
        _exit(3);
    }
    return pages;
}

void bench_fail(bench_run *run, const char *format, ...)
{
    va_list arguments;

    if (run->why[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(run->why, sizeof run->why, format, arguments);
    va_end(arguments);
}

void bench_starved(bench_run *run, uint64_t operations)
{
    if (run->why[0] == '\0')
        run->starved = true;
    bench_fail(run, "only %llu operations in %.3f s", (unsigned long long)operations, run->window);
}

void bench_set_rate(bench_run *run)
{
    if (run->total == 0)
        bench_starved(run, 0);
    run->value[0] = (double)run->total / run->window / 1e6;
    run->done = true;
}

void bench_set_ns(bench_run *run)
{
    const unsigned cores = run->threads < bench_cpus() ? run->threads : bench_cpus();

    if (run->total == 0)
        bench_starved(run, 0);
    else
        run->value[0] = run->window * 1e9 * cores / (double)run->total;
    run->done = true;
}

void bench_settle(bench_run *run, const bench_thread *threads, const bench_ledger *rest)
{
    uint64_t put = 0, put_sum = 0, wrong = rest->wrong;
    uint64_t got = rest->count, got_sum = rest->sum;

    for (unsigned i = 0; i < run->threads; i++) {
        put += threads[i].put;
        put_sum += threads[i].put * (threads[i].put + 1) / 2;
        got += threads[i].ledger.count;
        got_sum += threads[i].ledger.sum;
        wrong += threads[i].ledger.wrong;
    }
    if (got != put)
        bench_fail(run, "%lld of %llu items %s", (long long)(got < put ? put - got : got - put),
                   (unsigned long long)put, got < put ? "lost" : "came twice");
    if (wrong > 0)
        bench_fail(run, "order broken %llu times in %llu items", (unsigned long long)wrong,
                   (unsigned long long)put);
    if (got_sum != put_sum)
        bench_fail(run, "some items lost, as many others came twice");
}

/* ---- threads ---- */

typedef struct start {
    bench_thread *thread;
    bench_body *body;
    pthread_barrier_t *gate;
    pthread_t handle;
    uint64_t ran_ns, waited_ns; /* on a CPU; ready to run, but not on one */
} start;

/* What the kernel knows of the calling thread; zeros where it does not say. */
static void read_schedule(uint64_t *ran_ns, uint64_t *waited_ns)
{
    unsigned long long ran = 0, waited = 0;
    FILE *file = fopen("/proc/thread-self/schedstat", "r");

    if (file != NULL) {
        if (fscanf(file, "%llu %llu", &ran, &waited) != 2)
            ran = waited = 0;
        fclose(file);
    }
    *ran_ns = ran;
    *waited_ns = waited;
}

static void *thread_main(void *argument)
{
    start *self = argument;
    uint64_t ran, waited;

    bench_pin(self->thread->id);
    read_schedule(&ran, &waited); /* before the gate: late out of it is late by others */
    pthread_barrier_wait(self->gate);
    self->body(self->thread);
    read_schedule(&self->ran_ns, &self->waited_ns);
    self->ran_ns -= ran;
    self->waited_ns -= waited;
    return NULL;
}

static uint64_t process_cpu_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* The share of the CPUs that other processes had in `took_ns`, in which ours used
 * `used_ns`. With a CPU for each thread it is the time that threads stood ready
 * without running, less what helper threads of the peer took; with fewer CPUs, the
 * time that none of ours ran, which says nothing where they sleep by themselves. */
static double others_share(const bench_run *run, const start *starts, uint64_t took_ns,
                           uint64_t used_ns)
{
    const bool crowded = run->threads > bench_cpus();
    double ran = 0, waited = 0;

    for (unsigned i = 0; i < run->threads; i++) {
        ran += (double)starts[i].ran_ns;
        waited += (double)starts[i].waited_ns;
    }
    if (ran == 0 || (crowded && run->sleeps))
        return 0;
    if (crowded)
        return 1 - fmin(1, (double)used_ns / ((double)took_ns * bench_cpus()));
    waited -= fmax(0, (double)used_ns - ran);
    return fmin(1, fmax(0, waited) / ((double)took_ns * run->threads));
}

static void sleep_until(uint64_t ns)
{
    const struct timespec until = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

const bench_thread *bench_threads(bench_run *run, unsigned count, bench_body *const bodies[],
                                  void *shared)
{
    typedef struct stop_line {
        WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) flag;
        char rest[WEIR_CACHELINE];
    } stop_line;
    bench_thread *threads = bench_alloc(count * sizeof *threads);
    stop_line *stop = bench_alloc(sizeof *stop);
    uint64_t before[BENCH_THREADS];
    start starts[BENCH_THREADS];
    pthread_barrier_t gate;
    uint64_t gate_ns, gate_cpu_ns, begin, end;

    if (count > BENCH_THREADS) {
        fputs("weir-bench: too many threads: raise BENCH_THREADS\n", stderr);
        _exit(3);
    }
    pthread_barrier_init(&gate, NULL, count + 1);
    for (unsigned i = 0; i < count; i++) {
        threads[i].id = i;
        threads[i].shared = shared;
        threads[i].stop = &stop->flag;
        threads[i].crowded = count > bench_cpus();
        starts[i].thread = &threads[i];
        starts[i].body = bodies[i];
        starts[i].gate = &gate;
        if (pthread_create(&starts[i].handle, NULL, thread_main, &starts[i]) != 0) {
            perror("weir-bench: pthread_create");
            _exit(3);
        }
    }
    pthread_barrier_wait(&gate);
    gate_ns = bench_now_ns();
    gate_cpu_ns = process_cpu_ns();
    sleep_until(gate_ns + (uint64_t)(run->seconds * 0.15e9));
    begin = bench_now_ns();
    for (unsigned i = 0; i < count; i++)
        /* relaxed: a number that moves on; within 64 operations of the truth. */
        before[i] = weir_atomic_load(&threads[i].done, WEIR_RELAXED);
    sleep_until(begin + (uint64_t)(run->seconds * 1e9));
    end = bench_now_ns();
    run->total = 0;
    run->threads = count;
    for (unsigned i = 0; i < count; i++) {
        /* relaxed: as above. */
        run->items[i] = weir_atomic_load(&threads[i].done, WEIR_RELAXED) - before[i];
        run->total += run->items[i];
    }
    run->window = (double)(end - begin) / 1e9;
    /* relaxed: says nothing about other memory. */
    weir_atomic_store(&stop->flag, 1, WEIR_RELAXED);
    for (unsigned i = 0; i < count; i++)
        pthread_join(starts[i].handle, NULL);
    run->others = others_share(run, starts, end - gate_ns, process_cpu_ns() - gate_cpu_ns);
    return threads;
}

/* ---- one run, in a child ---- */

static void child_main(const bench_case *which, bench_run *run, int patience_ms)
{
    /* A second watchdog, for when the parent is stopped, or gone. */
    alarm((unsigned)patience_ms / 1000 + 5);
    run->sleeps = which->peer->progress == BENCH_LOCK;
    signal(SIGINT, SIG_IGN); /* the parent decides */
    run->before_ns = bench_round_trip_ns();
    which->measure(run);
    run->after_ns = bench_round_trip_ns();
    _exit(0);
}

void bench_run_case(const bench_case *which, double seconds, bench_run *result)
{
    static bench_run *shared;
    const int patience_ms = (int)(seconds * 10000) + 30000; /* on a busy machine */
    struct pollfd end;
    int pipe_ends[2];
    int status = 0;
    int ended;
    pid_t child;

    if (shared == NULL) {
        shared =
            mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED) {
            perror("weir-bench: mmap");
            exit(2);
        }
    }
    memset(shared, 0, sizeof *shared);
    shared->seconds = seconds;
    fflush(NULL);
    if (pipe(pipe_ends) != 0 || (child = fork()) < 0) {
        perror("weir-bench: fork");
        exit(2);
    }
    if (child == 0) {
        close(pipe_ends[0]);
        child_main(which, shared, patience_ms);
    }
    close(pipe_ends[1]);
    end.fd = pipe_ends[0]; /* the child's end closes with it, and nobody writes */
    end.events = POLLIN;
    {
        const uint64_t until = bench_now_ns() + (uint64_t)patience_ms * 1000000;

        do {
            const uint64_t now = bench_now_ns();

            ended = now < until ? poll(&end, 1, (int)((until - now) / 1000000) + 1) : 0;
        } while (ended < 0 && errno == EINTR);
    }
    if (ended <= 0)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    close(pipe_ends[0]);
    *result = *shared;
    if (ended <= 0)
        bench_fail(result, "no end: cut after %d s", patience_ms / 1000);
    else if (WIFSIGNALED(status))
        bench_fail(result, "ended by signal %d (%s)", WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        bench_fail(result, "ended with status %d", WEXITSTATUS(status));
    else if (!result->done)
        bench_fail(result, "gave no value");
}
