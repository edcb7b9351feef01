/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/loop_go.c: Go: rows of a program of its own, made of bench/peers/loop_go.go, which
 * stands beside this one as peers/loop-go. Without it no rows. None of loop/wake, as of pool/wake,
 * and none of loop/fd: an fd is the runtime's own. Its CPU time is that of the process. */

#include "../driver.h" /* bench_cpus(), bench_pin() */
#include "../loop.h"
#include "../pool.h" /* bench_pool_idle() */
#include "../program.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const bench_peer go_peer = {"Go",
                                   BENCH_LOCK,
                                   BENCH_FIFO,
                                   true,
                                   0,
                                   "goroutines, no loop: a channel, AfterFunc, net.Conn; what is "
                                   "offloaded is a goroutine, no thread"};

static pid_t run_go(const char *workload, unsigned number, double seconds, unsigned processors,
                    int *input, int *output)
{
    char text[4][32];
    char *arguments[] = {text[0], text[1], text[2], text[3], NULL};

    snprintf(text[0], sizeof text[0], "loop-go");
    snprintf(text[1], sizeof text[1], "%s", workload);
    snprintf(text[2], sizeof text[2], "%u", number);
    snprintf(text[3], sizeof text[3], "%g", seconds);
    return bench_run_peer("loop-go", arguments, processors, input, output);
}

/* Of programs that have ended. */
static double read_used(void)
{
    struct rusage used;

    if (getrusage(RUSAGE_CHILDREN, &used) != 0)
        return 0;
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void measure(bench_run *run, const char *workload, unsigned number, unsigned processors)
{
    const bench_cpu_time before = bench_read_cpu_time();
    unsigned long long total = 0, window = 0;
    int output = -1;
    char line[256];
    const pid_t program = run_go(workload, number, run->seconds, processors, NULL, &output);

    if (program < 0 || !bench_hear_peer(program, output, line, sizeof line)) {
        bench_fail(run, "peers/loop-go said nothing");
        return;
    }
    if (sscanf(line, "ok %llu %llu %lf", &total, &window, &run->value[0]) != 3) {
        line[strcspn(line, "\n")] = '\0';
        bench_fail(run, "%s", line);
        return;
    }
    if (processors > 1)
        bench_set_others(run, &before, read_used());
    run->threads = processors;
    run->total = total;
    run->window = (double)window / 1e9;
    if (run->total == 0)
        bench_starved(run, 0);
    run->done = true;
}

static void serve(bench_run *run, unsigned row)
{
    loop_server server = {0, CLOCK_MONOTONIC, 0};
    int input = -1, output = -1;
    char line[64] = "";
    pid_t program;

    bench_pin(0); /* where it stays */
    program = run_go("serve", 0, 0, 1, &input, &output);
    if (program < 0 || read(output, line, sizeof line - 1) <= 0 ||
        sscanf(line, "ok %u", &server.port) != 1 ||
        clock_getcpuclockid(program, &server.clock) != 0) {
        bench_fail(run, "peers/loop-go does not serve");
        return;
    }
    server.id = (int)program;
    if (row == LOOP_CONNECTION)
        bench_loop_connection(run, &server);
    else
        bench_loop_echo(run, &server, row);
    close(input);
    (void)bench_hear_peer(program, output, line, sizeof line);
}

static void idle(bench_run *run)
{
    int input = -1, output = -1;
    char line[8];
    const pid_t program = run_go("idle", 0, 0, 1, &input, &output);

    if (program < 0 || read(output, line, sizeof line) <= 0) {
        bench_fail(run, "peers/loop-go said nothing");
        return;
    }
    bench_pool_idle(run, (int)program);
    close(input);
    (void)bench_hear_peer(program, output, line, sizeof line);
}

#define GO_CASE(name, workload, number, processors)       \
    static void go_##name(bench_run *run)                 \
    {                                                     \
        measure(run, (workload), (number), (processors)); \
    }
#define GO_SERVES(name, row)              \
    static void go_##name(bench_run *run) \
    {                                     \
        serve(run, (row));                \
    }

GO_CASE(post_1, "post", 1, bench_cpus())
GO_CASE(post_2, "post", 2, bench_cpus())
GO_CASE(insert, "insert", (unsigned)bench_loop_timer_count(run), 1)
GO_CASE(cancel, "cancel", (unsigned)bench_loop_timer_count(run), 1)
GO_CASE(rearm, "rearm", (unsigned)bench_loop_timer_count(run), 1)
GO_CASE(fire, "fire", (unsigned)bench_loop_timer_count(run), 1)
GO_SERVES(echo_1, LOOP_ECHO_1)
GO_SERVES(echo_100, LOOP_ECHO_100)
GO_SERVES(echo_1000, LOOP_ECHO_1000)
GO_SERVES(connection, LOOP_CONNECTION)
GO_CASE(offload_1, "offload", 1, bench_cpus())
GO_CASE(offload_64, "offload", 64, bench_cpus())

BENCH_REGISTER(add_go_loop)
{
    static bench_measure *const cases[LOOP_ROWS] = {
        go_post_1, go_post_2,     NULL,         go_insert,     go_cancel,
        go_rearm,  go_fire,       go_echo_1,    go_echo_100,   go_echo_1000,
        NULL,      go_connection, go_offload_1, go_offload_64, idle};
    char path[BENCH_PATH];

    if (bench_find_peer(path, "loop-go"))
        bench_loop_add(&go_peer, cases, LOOP_ALL & ~(1u << LOOP_WAKE | 1u << LOOP_FD));
}
