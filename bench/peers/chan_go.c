/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/chan_go.c: Go's channels, between goroutines: rows of a program of its own, made of
 * bench/peers/chan_go.go, which stands beside this one as peers/chan-go. Without it no rows. */

#include "../chan.h"
#include "../program.h"

#include <stdio.h>

static const bench_peer go_peer = {"Go channel",
                                   BENCH_LOCK,
                                   BENCH_FIFO,
                                   true,
                                   BENCH_LOOPS,
                                   "goroutines, not threads: a wait is a switch within one thread "
                                   "where that serves; as many processors as the row has threads"};

static void measure(bench_run *run, const char *workload, unsigned capacity, unsigned senders,
                    unsigned receivers, bool one_cpu)
{
    const unsigned threads = senders + receivers;
    const unsigned processors = one_cpu ? 1 : threads < bench_cpus() ? threads : bench_cpus();
    char text[4][32], line[256];
    char *arguments[] = {"chan-go", NULL, text[0], text[1], text[2], text[3], NULL};
    char name[32];
    unsigned long long count = 0, window = 0, quantile[BENCH_VALUES] = {0};
    int output = -1;
    pid_t program;

    snprintf(name, sizeof name, "%s", workload);
    arguments[1] = name;
    snprintf(text[0], sizeof text[0], "%u", capacity);
    snprintf(text[1], sizeof text[1], "%u", senders);
    snprintf(text[2], sizeof text[2], "%u", receivers);
    snprintf(text[3], sizeof text[3], "%g", run->seconds);
    if (one_cpu)
        bench_pin(0);
    program = bench_run_peer("chan-go", arguments, processors, NULL, &output);
    if (program < 0 || !bench_hear_peer(program, output, line, sizeof line)) {
        bench_fail(run, "peers/chan-go said nothing");
        return;
    }
    if (sscanf(line, "ok %llu %llu %llu %llu %llu", &count, &window, &quantile[0], &quantile[1],
               &quantile[2]) != 5) {
        line[strcspn(line, "\n")] = '\0';
        bench_fail(run, "%s", line);
        return;
    }
    run->threads = threads;
    run->total = count;
    run->window = (double)window / 1e9;
    for (int i = 0; i < BENCH_VALUES; i++)
        run->value[i] = (double)quantile[i];
    if (run->total == 0)
        bench_starved(run, 0);
    run->done = true;
}

#define RATE(name, workload, capacity, senders, receivers, one_cpu)              \
    static void name(bench_run *run)                                             \
    {                                                                            \
        measure(run, (workload), (capacity), (senders), (receivers), (one_cpu)); \
        bench_set_rate(run);                                                     \
    }
#define TIME(name, workload, capacity, senders, receivers, one_cpu, then)        \
    static void name(bench_run *run)                                             \
    {                                                                            \
        measure(run, (workload), (capacity), (senders), (receivers), (one_cpu)); \
        then;                                                                    \
    }

TIME(alone, "alone", 1024, 1, 0, true, bench_set_ns(run))
RATE(cap0, "pass", 0, 1, 1, false)
RATE(cap0_1cpu, "pass", 0, 1, 1, true)
RATE(cap1, "pass", 1, 1, 1, false)
RATE(cap100_1p1c, "pass", 100, 1, 1, false)
RATE(cap100_2p2c, "pass", 100, 2, 2, false)
RATE(cap1024_1p1c, "pass", 1024, 1, 1, false)
RATE(cap1024_2p2c, "pass", 1024, 2, 2, false)
RATE(cap1024_4p4c, "pass", 1024, 4, 4, false)
RATE(cap1024_2p1c, "pass", 1024, 2, 1, false)
TIME(trip, "trip", 1, 1, 1, false, (void)0)
TIME(trip_1cpu, "trip", 1, 1, 1, true, (void)0)
RATE(select_2, "select-2", 100, 1, 1, false)
RATE(select_8, "select-8", 100, 1, 1, false)
RATE(select_1_of_8, "select-1-of-8", 100, 1, 1, false)

BENCH_REGISTER(add_go)
{
    static const struct {
        const bench_row *row;
        bench_measure *measure;
    } cases[] = {{&bench_rows_chan[CHAN_ALONE], alone},
                 {&bench_rows_chan[CHAN_CAP0], cap0},
                 {&bench_rows_chan[CHAN_CAP0_1CPU], cap0_1cpu},
                 {&bench_rows_chan[CHAN_CAP1], cap1},
                 {&bench_rows_chan[CHAN_100_1P1C], cap100_1p1c},
                 {&bench_rows_chan[CHAN_100_2P2C], cap100_2p2c},
                 {&bench_rows_chan[CHAN_1024_1P1C], cap1024_1p1c},
                 {&bench_rows_chan[CHAN_1024_2P2C], cap1024_2p2c},
                 {&bench_rows_chan[CHAN_1024_4P4C], cap1024_4p4c},
                 {&bench_rows_chan[CHAN_SPSC_1024], cap1024_1p1c},
                 {&bench_rows_chan[CHAN_MPSC_1024], cap1024_2p1c},
                 {&bench_rows_chan[CHAN_PING_PONG], trip},
                 {&bench_rows_chan[CHAN_PING_PONG_1CPU], trip_1cpu},
                 {&bench_rows_select[CHAN_SELECT_2], select_2},
                 {&bench_rows_select[CHAN_SELECT_8], select_8},
                 {&bench_rows_select[CHAN_SELECT_1_OF_8], select_1_of_8}};
    char path[BENCH_PATH];

    if (bench_find_peer(path, "chan-go"))
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
            bench_add(cases[i].row, &go_peer, cases[i].measure);
}
