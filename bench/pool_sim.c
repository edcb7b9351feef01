/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/pool_sim.c: the pool's deques, steals and sleeps on 1 to 128 processors that we do not
 * have: a simulation of the lines that they move. Prints tables; doc/pool.md reads them.
 *
 *   pool-sim [--seed N] [--csv] [--check] [--near ns] [--far ns] [--barrier ns]
 *
 * A line has an owner, copies, and a queue of those who want it. Processors are in clusters of
 * CLUSTER; a transfer costs `near` inside of one, `far` between two. Each step of a worker is one
 * event, at most a miss or a piece of work long; what it sees is of the step's begin. What lies
 * below fib(CUT) is run in one step. Not there: preemption, caches that are too small, memory's
 * bandwidth, back-off, blocked workers that run on beside those who stand in for them. --check does
 * what two processors measure too. */

#include "pool_sim.h"

static const char *const variant_names[] = {
    "design", "fenced", "all search", "no WANTS", "global",
};
static uint64_t seed = 1;

/* ---- runs ---- */

typedef struct workload {
    const char *name;
    double fib, leaf, range; /* one of fib and range, or: */
    int outsiders;
    double job;
} workload;

static const workload workloads[] = {
    {"fib(27): 2.4 ms of sums, 8 ns each", 27, 0, 0, 0, 0},
    {"fib(32): 27 ms of sums, 8 ns each", 32, 0, 0, 0, 0},
    {"fib(27): 34 ms of sums, 108 ns each", 27, 100, 0, 0, 0},
    {"a loop of 1 ms", 0, 0, 1e6, 0, 0},
    {"a loop of 100 ms", 0, 0, 1e8, 0, 0},
    {"8 submit jobs of 0.2 us", 0, 0, 0, 8, 200},
    {"1 submits jobs of 1 us", 0, 0, 0, 1, 1000},
    {"8 submit jobs of 1 us", 0, 0, 0, 8, 1000},
    {"8 submit jobs of 10 us", 0, 0, 0, 8, 10000},
    {"1 submits jobs of 100 us", 0, 0, 0, 1, 100000},
};

static void begin(const workload *load, int variant, int cores)
{
    memset(&sim, 0, sizeof sim);
    sim.cores = cores;
    sim.workers = cores + 64; /* those beyond stand in for blocked ones */
    sim.variant = variant;
    sim.outsiders = load->outsiders;
    sim.job_ns = load->job;
    sim.dice = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    sim.crew = sim_add_line("crew");
    sim.newest = sim_add_line("newest");
    sim.taking = sim_add_line("taking");
    sim.turner = -1;
    leaf_ns = load->leaf;
    for (int i = 0; i < sim.workers + sim.outsiders; i++) {
        worker *const w = &sim.w[i];

        w->core = -1;
        w->made = i < cores;
        w->bottom_line = variant == GLOBAL && i > 0 ? sim.w[0].bottom_line : sim_add_line("bottom");
        w->ends = sim_add_line("ends");
        w->idle = sim_add_line("idle");
    }
    for (int i = sim.workers - 1; i > 0 || (i == 0 && sim.outsiders > 0); i--)
        sim.idle[sim.idles++] = i;
    for (int i = cores - 1; i >= 0; i--)
        sim.cores_free[sim.free_cores++] = i;
    for (int i = 0; i < sim.outsiders; i++) {
        sim.w[sim.workers + i].core = cores + i;
        sim.w[sim.workers + i].state = OUTSIDER;
        sim_schedule(sim.workers + i, i);
    }
    if (sim.outsiders > 0)
        return;
    sim.root_kind = load->range > 0 ? RANGE : FIB;
    sim.root = load->range > 0 ? load->range : load->fib;
    sim.running = 1;
    sim.w[0].state = RUN;
    sim_push_frame(&sim.w[0], sim.root_kind, sim.root, NULL);
    sim_give_core(0, 0);
}

/* Until the root is done, or for so long. Returns: how long it took. */
static double go(double time)
{
    sim.end = 0;
    while (sim.events > 0) {
        const event e = sim_next_event();
        const double t = e.at > time ? -1 : sim_step(&sim.w[e.who], e.at);

        if (e.at > time)
            return sim.end = time;
        if (t >= 0)
            sim_schedule(e.who, t);
        else if (sim.end > 0 && sim.rounds < 0)
            return sim.end;
    }
    fprintf(stderr, "pool-sim: everybody sleeps\n");
    abort();
}

/* Returns: how many processors' worth of work is done. */
static double speed_up(const workload *load, int variant, int cores)
{
    double took, work = load->range;

    begin(load, variant, cores);
    took = go(load->outsiders > 0 ? fmax(2e6, 50 * load->job) : HUGE_VAL);
    if (load->fib > 0)
        work = sim_sums_of(load->fib) * (SUM + load->leaf);
    if (load->outsiders > 0)
        work = (double)sim.jobs * load->job;
    return work / took;
}

static double percent(double part)
{
    return 100 * part / sim.end;
}

static double busiest_deque(void)
{
    double most = 0;

    for (int i = 3; i < sim.line_count; i++)
        most = fmax(most, sim.lines[i].busy);
    return most;
}

static void table(const workload *load, bool csv)
{
    if (!csv) {
        printf("\n%s\ncores ", load->name);
        for (int v = 0; v < VARIANTS; v++)
            printf("%11s", variant_names[v]);
        printf("  | crew newest  lock deque barrier interrupts %%, steals sleeps  all run\n");
    }
    for (int cores = 1; cores <= 128; cores *= 2) {
        double speed[VARIANTS];

        for (int v = VARIANTS - 1; v >= 0; v--) {
            speed[v] = speed_up(load, v, cores);
            if (csv)
                printf("\"%s\",%s,%d,%.3f,%.3f\n", load->name, variant_names[v], cores, speed[v],
                       load->job > 0 ? speed[v] * 1e3 / load->job : 0);
        }
        if (csv)
            continue;
        printf("%5d ", cores);
        for (int v = 0; v < VARIANTS; v++)
            printf("%11.2f", speed[v]);
        printf("  |%5.0f%7.0f%6.0f%6.0f%8.0f%11.0f %8ld%7ld", percent(sim.crew->busy),
               percent(sim.newest->busy), percent(sim.lock_busy), percent(busiest_deque()),
               percent(sim.barrier_busy), percent((double)sim.barriers * INTERRUPT), sim.steals,
               sim.sleeps);
        printf(sim.ramp > 0 ? "%6.0f us\n" : "        -\n", sim.ramp / 1e3);
    }
}

/* What two processors measure too. */
static void check(void)
{
    static const workload fib = {"", 27, 0, 0, 0, 0};
    const double all = 51 * sim_sums_of(27);

    for (int variant = DESIGN; variant <= FENCED; variant++)
        for (int cores = 1; cores <= 2; cores++) {
            begin(&fib, variant, cores);
            sim.rounds = 50;
            printf("fib(27), %s, %d: %.2f ns a sum\n", variant_names[variant], cores,
                   go(HUGE_VAL) / all);
        }
    for (int outsiders = 1; outsiders <= 2; outsiders++) {
        const workload load = {"", 0, 0, 0, outsiders, 5};

        begin(&load, DESIGN, 1);
        sim.batch = 10000;
        (void)go(2e7);
        printf("submit, %d and a worker: %.1f M/s while they submit, %.1f M/s in all\n", outsiders,
               (double)sim.submitted * 1e3 * outsiders /
                   (sim.w[sim.workers].submitting + sim.w[sim.workers + 1].submitting),
               (double)sim.jobs * 1e3 / sim.end);
    }
}

int main(int argc, char **argv)
{
    bool csv = false, checks = false;

    for (int i = 1; i < argc; i++) {
        const char *const value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--csv") == 0)
            csv = true;
        else if (strcmp(argv[i], "--check") == 0)
            checks = true;
        else if (strcmp(argv[i], "--seed") == 0 && ++i < argc)
            seed = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--near") == 0 && ++i < argc)
            near_ns = strtod(value, NULL);
        else if (strcmp(argv[i], "--far") == 0 && ++i < argc)
            far_ns = strtod(value, NULL);
        else if (strcmp(argv[i], "--barrier") == 0 && ++i < argc)
            barrier_each = strtod(value, NULL);
        else {
            fputs("usage: pool-sim [--csv] [--check] [--seed N] [--near ns] [--far ns] "
                  "[--barrier ns]\n",
                  stderr);
            return 2;
        }
    }
    if (checks) {
        check();
        return 0;
    }
    if (csv)
        puts("workload,variant,cores,speedup,million jobs a second");
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++)
        table(&workloads[i], csv);
    return 0;
}
