/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/driver.h: what the parts of weir-bench know of each other; benchmarks need
 * only bench.h. */

#ifndef WEIR_BENCH_DRIVER_H
#define WEIR_BENCH_DRIVER_H

#include "bench.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- machine.c ---- */

/* Where a line's round trip stops being near. */
#define BENCH_FAR_NS 250.0
/* Share of the CPUs' time above which others disturb a run. */
#define BENCH_OTHERS 0.08

/* Reads the allowed CPUs, the clock's rate and its own cost. Once, at start. */
void bench_machine_init(void);
unsigned bench_cpus(void);
/* Pins the calling thread to the id-th allowed CPU, round robin. */
void bench_pin(unsigned id);
/* Lets it run on any of them again. */
void bench_unpin(void);
/* A line's round trip between the first two allowed CPUs, over two lines; 0 where
 * there is only one. About a millisecond. */
double bench_round_trip_ns(void);
/* "model name", kernel, compiler, date: `key` counts from 0; false behind the last. */
bool bench_describe(unsigned key, const char **name, char *text, size_t bytes);
double bench_ticks_to_ns(double ticks);

typedef struct bench_cpu_time {
    uint64_t begin_ns;
    double busy, own; /* seconds, of all CPUs */
} bench_cpu_time;

bench_cpu_time bench_read_cpu_time(void);
/* Sets run->others, from `before` on: for runs of which not each thread is bench_threads(). `more`:
 * seconds that processes of the run's own have taken. */
void bench_set_others(bench_run *run, const bench_cpu_time *before, double more);

/* ---- driver.c ---- */

typedef struct bench_case {
    unsigned row; /* index into bench_rows */
    const bench_peer *peer;
    bench_measure *measure;
} bench_case;

#define BENCH_MOST_ROWS 128
#define BENCH_MOST_CASES 2048

extern const bench_row *bench_rows[];
extern unsigned bench_row_count;
extern bench_case bench_cases[];
extern unsigned bench_case_count;

/* Runs the case once in a child process, cut when it does not end. */
void bench_run_case(const bench_case *which, double seconds, bench_run *result);

/* ---- table.c ---- */

typedef enum bench_place {
    BENCH_ANY, /* one thread, or one CPU */
    BENCH_NEAR,
    BENCH_FAR,
    BENCH_MOVED,    /* from one to the other during the run: not counted */
    BENCH_DISTURBED /* others had too much of the CPUs: not counted */
} bench_place;

typedef struct bench_sample {
    unsigned which; /* index into bench_cases */
    bench_place place;
    bool failed;
    bool disturbed; /* by others; counts only where there is nothing better */
    double value[BENCH_VALUES];
    double trip_ns;
    char why[160];
} bench_sample;

extern const char *const bench_place_names[];
extern const char *const bench_progress_names[];
extern const char *const bench_order_names[];

void bench_keep(const bench_sample *sample);
/* Where the run stood, by its two round trips and what others took. */
bench_place bench_where(const bench_run *run, const bench_row *row);
void bench_print_tables(FILE *out);
/* The same as JSON, an object. */
void bench_write_summary(FILE *out);

/* ---- shim.cc ---- */

void bench_gb_start(const char *program);
void bench_gb_context(const char *name, const char *text);
/* Runs each case `cases[i]` once as a benchmark of one iteration; `run` does it. */
void bench_gb_round(const unsigned *cases, unsigned count,
                    void (*run)(unsigned which, bench_run *result));
/* Writes Google Benchmark's JSON with "weir": summary added. Returns: 0 or -1. */
int bench_gb_write(const char *path, const char *summary);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_BENCH_DRIVER_H */
