/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/pool_go.c: Go's goroutines: rows of a program of its own, made of
 * bench/peers/pool_go.go, which stands beside this one as peers/pool-go. Without it no rows. None
 * of pool/wake and pool/hot: what a goroutine makes runs on its own thread first, and it would have
 * to stop for that. */

#include "../driver.h" /* bench_cpus() */
#include "../pool.h"
#include "../program.h"

#include <stdio.h>
#include <unistd.h>

static const bench_peer go_peer = {"Go",
                                   BENCH_LOCK_FREE,
                                   BENCH_UNORDERED,
                                   false,
                                   0,
                                   "goroutines: who submits is one of them, and nothing is pinned; "
                                   "a loop has a part for each CPU"};

static void measure(bench_run *run, const char *workload, unsigned number, unsigned processors)
{
    char text[4][32], line[256];
    char *arguments[] = {text[0], text[1], text[2], text[3], NULL};
    unsigned long long total = 0, window = 0;
    double *const value = run->value;
    int output = -1;
    pid_t program;

    snprintf(text[0], sizeof text[0], "pool-go");
    snprintf(text[1], sizeof text[1], "%s", workload);
    snprintf(text[2], sizeof text[2], "%u", number);
    snprintf(text[3], sizeof text[3], "%g", run->seconds);
    program = bench_run_peer("pool-go", arguments, processors, NULL, &output);
    if (program < 0 || !bench_hear_peer(program, output, line, sizeof line)) {
        bench_fail(run, "peers/pool-go said nothing");
        return;
    }
    if (sscanf(line, "ok %llu %llu %lf %lf", &total, &window, &value[0], &value[1]) != 4) {
        line[strcspn(line, "\n")] = '\0';
        bench_fail(run, "%s", line);
        return;
    }
    run->threads = processors;
    run->total = total;
    run->window = (double)window / 1e9;
    if (run->total == 0)
        bench_starved(run, 0);
    run->done = true;
}

static void idle(bench_run *run)
{
    char names[4][8] = {"pool-go", "idle", "0", "0"};
    char *arguments[] = {names[0], names[1], names[2], names[3], NULL};
    int input = -1, output = -1;
    char line[8];
    const pid_t program = bench_run_peer("pool-go", arguments, bench_cpus(), &input, &output);

    if (program < 0 || read(output, line, sizeof line) <= 0) {
        bench_fail(run, "peers/pool-go said nothing");
        return;
    }
    bench_pool_idle(run, (int)program);
    close(input);
    (void)bench_hear_peer(program, output, line, sizeof line);
}

#define GO_CASE(row, workload, number, processors)        \
    static void go_##row(bench_run *run)                  \
    {                                                     \
        measure(run, (workload), (number), (processors)); \
    }

GO_CASE(fib_1, "fib", 0, 1)
GO_CASE(fib_2, "fib", 0, 2)
GO_CASE(submit_1, "submit", 1, bench_cpus())
GO_CASE(submit_2, "submit", 2, bench_cpus())
GO_CASE(for_1e7, "for", 10000000, bench_cpus())
GO_CASE(for_64, "for", 64, bench_cpus())

BENCH_REGISTER(add_go_pool)
{
    static bench_measure *const cases[POOL_ROWS] = {go_fib_1, go_fib_2, go_submit_1, go_submit_2,
                                                    NULL,     NULL,     go_for_1e7,  go_for_64,
                                                    NULL,     idle};
    char path[BENCH_PATH];

    if (bench_find_peer(path, "pool-go"))
        bench_pool_add(&go_peer, cases,
                       POOL_ALL & ~(1u << POOL_WAKE | 1u << POOL_HOT | 1u << POOL_GRAPH));
}
