/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/machine.c: the CPUs, the clocks, and how far apart two CPUs are now: on a
 * virtual machine they move between runs, and queues change by several times. */

#include "driver.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

static size_t allowed[CPU_SETSIZE];
static unsigned allowed_count;
static double ns_per_tick = 1;
static double clock_cost_ticks;

uint64_t bench_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The rate from 20 ms against the monotonic clock; the cost from many pairs of
 * readings, of which the cheapest counts. */
static void calibrate(void)
{
    const uint64_t begin_ns = bench_now_ns();
    const uint64_t begin = bench_ticks();
    uint64_t cost = UINT64_MAX;
    uint64_t end_ns;

    do {
        const uint64_t a = bench_ticks();
        const uint64_t b = bench_ticks();

        if (b - a < cost)
            cost = b - a;
        end_ns = bench_now_ns();
    } while (end_ns - begin_ns < 20000000);
    ns_per_tick = (double)(end_ns - begin_ns) / (double)(bench_ticks() - begin);
    clock_cost_ticks = (double)cost;
}

void bench_machine_init(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
            if (CPU_ISSET(cpu, &set))
                allowed[allowed_count++] = cpu;
    if (allowed_count == 0)
        allowed_count = 1;
    calibrate();
}

unsigned bench_cpus(void)
{
    return allowed_count;
}

void bench_pin(unsigned id)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(allowed[id % allowed_count], &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

void bench_unpin(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    for (unsigned i = 0; i < allowed_count; i++)
        CPU_SET(allowed[i], &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

double bench_ticks_to_ns(double ticks)
{
    return ticks * ns_per_tick;
}

double bench_quantile_ns(const bench_histogram *histogram, double share)
{
    const double want = share * (double)histogram->count;
    double below = 0;
    unsigned index = 0;
    double ticks;

    while (index < BENCH_BUCKETS - 1) {
        below += (double)histogram->bucket[index];
        if (below >= want)
            break;
        index++;
    }
    if (index < 4096)
        ticks = index;
    else /* the inverse of bench_record() */
        ticks = (double)(index % 2048 + 2048) * (double)(1ull << (index / 2048 - 1));
    ticks -= clock_cost_ticks;
    return ticks > 0 ? bench_ticks_to_ns(ticks) : 0;
}

/* ---- what others take ---- */

bench_cpu_time bench_read_cpu_time(void)
{
    bench_cpu_time now = {bench_now_ns(), 0, 0};
    unsigned long long part[8] = {0};
    struct timespec own;
    FILE *file = fopen("/proc/stat", "r");

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
    now.own = (double)own.tv_sec + (double)own.tv_nsec / 1e9;
    if (file != NULL) {
        if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &part[0], &part[1],
                   &part[2], &part[3], &part[4], &part[5], &part[6], &part[7]) == 8)
            /* All but idle, waiting for a device, and interrupts: those may be the run's own. */
            now.busy =
                (double)(part[0] + part[1] + part[2] + part[7]) / (double)sysconf(_SC_CLK_TCK);
        fclose(file);
    }
    return now;
}

/* The kernel's ticks are coarse, but no thread needs to be known. */
void bench_set_others(bench_run *run, const bench_cpu_time *before, double more)
{
    const bench_cpu_time now = bench_read_cpu_time();
    const double took = (double)(now.begin_ns - before->begin_ns) / 1e9;
    const double others = (now.busy - before->busy) - (now.own - before->own) - more;

    if (others > 0.02 && took > 0.05)
        run->others = others / (took * bench_cpus());
}

/* ---- near or far ---- */

typedef struct table_tennis {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) there;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) back;
} table_tennis;

enum { STRETCHES = 5, TRIPS = 500 };

static void *far_side(void *argument)
{
    table_tennis *tennis = argument;

    bench_pin(1);
    for (uint64_t trip = 1; trip <= STRETCHES * TRIPS; trip++) {
        /* relaxed: the number itself is all that travels. */
        while (weir_atomic_load(&tennis->there, WEIR_RELAXED) != trip)
            ;
        /* relaxed: as above. */
        weir_atomic_store(&tennis->back, trip, WEIR_RELAXED);
    }
    return NULL;
}

static void *near_side(void *argument)
{
    table_tennis *tennis = argument;
    static double best;
    uint64_t trip = 0;

    bench_pin(0);
    best = 1e18;
    for (int stretch = 0; stretch < STRETCHES; stretch++) {
        const uint64_t begin = bench_ticks();
        double each;

        for (int i = 0; i < TRIPS; i++) {
            trip++;
            /* relaxed: as on the far side. */
            weir_atomic_store(&tennis->there, trip, WEIR_RELAXED);
            while (weir_atomic_load(&tennis->back, WEIR_RELAXED) != trip)
                ;
        }
        each = bench_ticks_to_ns((double)(bench_ticks() - begin)) / TRIPS;
        if (each < best)
            best = each; /* a stretch in which one side was preempted says nothing */
    }
    return &best;
}

double bench_round_trip_ns(void)
{
    static table_tennis tennis;
    pthread_t sides[2];
    void *result = NULL;

    if (allowed_count < 2)
        return 0;
    weir_atomic_init(&tennis.there, 0);
    weir_atomic_init(&tennis.back, 0);
    if (pthread_create(&sides[1], NULL, far_side, &tennis) != 0)
        return 0;
    if (pthread_create(&sides[0], NULL, near_side, &tennis) != 0)
        abort(); /* the other side would wait for ever */
    pthread_join(sides[0], &result);
    pthread_join(sides[1], NULL);
    return *(double *)result;
}

/* ---- description ---- */

static void cpu_model(char *text, size_t bytes)
{
    static const char *const keys[] = {"model name", "CPU implementer"};
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");

    snprintf(text, bytes, "unknown");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            const char *colon = strchr(line, ':');

            if (colon == NULL || strncmp(line, keys[i], strlen(keys[i])) != 0)
                continue;
            line[strcspn(line, "\n")] = '\0';
            snprintf(text, bytes, "%s", colon + 2);
            fclose(file);
            return;
        }
    }
    fclose(file);
}

bool bench_describe(unsigned key, const char **name, char *text, size_t bytes)
{
    struct utsname system;
    time_t now;
    struct tm parts;

    switch (key) {
    case 0:
        *name = "cpu";
        cpu_model(text, bytes);
        return true;
    case 1:
        *name = "cpus_allowed";
        snprintf(text, bytes, "%u", allowed_count);
        return true;
    case 2:
        *name = "kernel";
        uname(&system);
        snprintf(text, bytes, "%s %s %s", system.sysname, system.release, system.machine);
        return true;
    case 3:
        *name = "compiler";
#if defined(__clang__)
        snprintf(text, bytes, "clang %s", __clang_version__);
#else
        snprintf(text, bytes, "gcc %s", __VERSION__);
#endif
        return true;
    case 4:
        *name = "day";
        now = time(NULL);
        gmtime_r(&now, &parts);
        strftime(text, bytes, "%Y-%m-%d %H:%M UTC", &parts);
        return true;
    case 5:
        *name = "weir";
        snprintf(text, bytes, "%d.%d.%d", WEIR_VERSION_MAJOR, WEIR_VERSION_MINOR,
                 WEIR_VERSION_PATCH);
        return true;
    default:
        return false;
    }
}
