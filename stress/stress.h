/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/stress.h: what every stress program shares: the options, a seed that is
 * printed first, random numbers that follow from it, threads that start
 * together, progress on the terminal, and a failure that says how to repeat it.
 *
 *     int main(int argc, char **argv)
 *     {
 *         stress s;
 *         stress_begin(&s, "counter", argc, argv);
 *         while (stress_goes_on(&s, "%u rounds", rounds)) { ... }
 *         return stress_end(&s, "%u rounds", rounds);
 *     }
 *
 * Options: --seed N (decimal or 0x...), --seconds S (fractions too), --threads N.
 * A seed fixes every choice that the program makes; the interleaving stays the
 * machine's, so repeat a seed for as long as it takes.
 * Exit status: 0 all held, 1 something did not, 2 wrong options. Threads are not
 * pinned, and by default there are more of them than processors. */

#ifndef WEIR_STRESS_STRESS_H
#define WEIR_STRESS_STRESS_H

#include <weir/atomic.h>

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STRESS_MAX_THREADS 256

typedef struct stress {
    const char *name;
    uint64_t seed;
    double seconds;
    unsigned threads;

    uint64_t begin_ns;
    uint64_t shown_ns; /* when progress was last shown */
    bool terminal;     /* standard error is one: rewrite a line */
    bool line_open;

    WEIR_ATOMIC(bool) stop; /* what stress_stopping() reads */
    /* Only the first failure speaks. A word: riscv64 has no exchange of a byte. */
    WEIR_ATOMIC(uint32_t) failed;
} stress;

/* ---- time and random numbers ---- */

static inline uint64_t stress_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* One step of splitmix64: also serves as a hash of one word. */
static inline uint64_t stress_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

/* A generator of one thread's own. */
typedef struct stress_rng {
    uint64_t state;
} stress_rng;

/* The generator number `stream` of a seed; different streams are unrelated. */
static inline stress_rng stress_rng_make(uint64_t seed, uint64_t stream)
{
    const stress_rng rng = {stress_mix(seed ^ stress_mix(stream))};

    return rng;
}

static inline uint64_t stress_random(stress_rng *rng)
{
    const uint64_t value = stress_mix(rng->state);

    rng->state += 0x9e3779b97f4a7c15;
    return value;
}

/* A number below `bound`, which is not 0. */
static inline uint64_t stress_below(stress_rng *rng, uint64_t bound)
{
    return stress_random(rng) % bound;
}

/* The same, of a size. */
static inline size_t stress_size(stress_rng *rng, size_t bound)
{
    return (size_t)stress_below(rng, bound);
}

/* Gives the processor away once in `one_in` calls on average; never if 0. */
static inline void stress_maybe_yield(stress_rng *rng, uint32_t one_in)
{
    if (one_in != 0 && stress_below(rng, one_in) == 0)
        sched_yield();
}

/* ---- speaking ---- */

static inline void stress_close_line(stress *s)
{
    if (s->line_open)
        fputc('\n', stderr);
    s->line_open = false;
}

/* Ends the program with a message and what to type to try the same again. Any
 * thread may call it; the first one wins. */
static inline void stress_fail(stress *s, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

static inline void stress_fail(stress *s, const char *format, ...)
{
    va_list arguments;

    /* relaxed: decides who speaks, carries nothing. */
    if (weir_atomic_exchange(&s->failed, 1, WEIR_RELAXED) != 0) {
        for (;;)
            pause();
    }
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "%s%s: FAILED: ", s->terminal ? "\n" : "", s->name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n%s: again with: --seed 0x%" PRIx64 " --threads %u --seconds 60\n", s->name,
            s->seed, s->threads);
    va_end(arguments);
    fflush(stderr);
    _exit(1);
}

static inline void stress_usage(const char *name, const char *what)
{
    fprintf(stderr, "%s: %s\nusage: %s [--seed N] [--seconds S] [--threads N]\n", name, what, name);
    exit(2);
}

/* ---- begin, go on, end ---- */

static inline void stress_begin(stress *s, const char *name, int argc, char **argv)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);

    memset(s, 0, sizeof *s);
    s->name = name;
    s->seed = stress_mix(stress_now_ns() ^ ((uint64_t)getpid() << 40));
    s->seconds = 1;
    s->threads = processors > 4 ? (unsigned)processors * 2 : 8;
    if (s->threads > STRESS_MAX_THREADS)
        s->threads = STRESS_MAX_THREADS;
    for (int i = 1; i < argc; i += 2) {
        char *end;

        if (i + 1 >= argc || argv[i + 1][0] == '\0')
            stress_usage(name, "an option has no value");
        if (strcmp(argv[i], "--seed") == 0) {
            s->seed = strtoull(argv[i + 1], &end, 0);
        } else if (strcmp(argv[i], "--seconds") == 0) {
            s->seconds = strtod(argv[i + 1], &end);
            if (!(s->seconds > 0 && s->seconds < 1e9))
                stress_usage(name, "--seconds wants a number above 0");
        } else if (strcmp(argv[i], "--threads") == 0) {
            const unsigned long threads = strtoul(argv[i + 1], &end, 0);

            if (threads < 1 || threads > STRESS_MAX_THREADS)
                stress_usage(name, "--threads wants 1 to 256");
            s->threads = (unsigned)threads;
        } else {
            stress_usage(name, "unknown option");
            return;
        }
        if (*end != '\0')
            stress_usage(name, "an option wants a number");
    }
    printf("%s: seed 0x%" PRIx64 ", %g s, %u threads\n", name, s->seed, s->seconds, s->threads);
    fflush(stdout);
    s->terminal = isatty(STDERR_FILENO) != 0;
    s->begin_ns = stress_now_ns();
    s->shown_ns = s->begin_ns;
}

/* Seconds since stress_begin(). */
static inline double stress_elapsed(const stress *s)
{
    return (double)(stress_now_ns() - s->begin_ns) / 1e9;
}

/* Returns: whether there is time left. Shows progress: one line rewritten four
 * times a second on a terminal, a line every ten seconds elsewhere. The text
 * after the time is the caller's. */
static inline bool stress_goes_on(stress *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline bool stress_goes_on(stress *s, const char *format, ...)
{
    const uint64_t now = stress_now_ns();

    if (now - s->shown_ns >= (s->terminal ? UINT64_C(250000000) : UINT64_C(10000000000))) {
        va_list arguments;

        va_start(arguments, format);
        fprintf(stderr, "%s%s: %.1f of %g s, ", s->terminal ? "\r\033[K" : "", s->name,
                stress_elapsed(s), s->seconds);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        if (!s->terminal)
            fputc('\n', stderr);
        s->line_open = s->terminal;
        fflush(stderr);
        s->shown_ns = now;
    }
    return stress_elapsed(s) < s->seconds;
}

/* Prints the last line. Returns: main()'s exit status. */
static inline int stress_end(stress *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline int stress_end(stress *s, const char *format, ...)
{
    va_list arguments;

    stress_close_line(s);
    va_start(arguments, format);
    printf("OK %s: %.1f s, ", s->name, stress_elapsed(s));
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    return fflush(stdout) == 0 ? 0 : 1;
}

/* ---- threads ---- */

/* Returns: whether the current round is over. Cheap; ask it in every loop. */
static inline bool stress_stopping(stress *s)
{
    /* relaxed: only says when to stop; the join orders the rest. */
    return weir_atomic_load(&s->stop, WEIR_RELAXED);
}

typedef struct stress_start {
    WEIR_ATOMIC(unsigned) ready;
    WEIR_ATOMIC(bool) go;
    void (*body)(void *argument);
} stress_start;

typedef struct stress_thread {
    pthread_t id;
    stress_start *start;
    void *argument;
} stress_thread;

static inline void *stress_thread_main(void *argument)
{
    stress_thread *const self = (stress_thread *)argument;

    /* relaxed: counts who is there; the creation of the thread came before. */
    weir_atomic_fetch_add(&self->start->ready, 1, WEIR_RELAXED);
    /* relaxed: starts them together; carries nothing, as above. */
    while (!weir_atomic_load(&self->start->go, WEIR_RELAXED))
        sched_yield();
    self->start->body(self->argument);
    return NULL;
}

/* Runs body(first), body(first + stride)... in `count` threads that start
 * together; after `ns` nanoseconds stress_stopping() turns true (at once when
 * every body has returned makes no difference). Returns when all have returned. */
static inline void stress_run(stress *s, unsigned count, void (*body)(void *argument), void *first,
                              size_t stride, uint64_t ns)
{
    stress_thread threads[STRESS_MAX_THREADS];
    const struct timespec pause_time = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    stress_start start;

    if (count > STRESS_MAX_THREADS)
        stress_fail(s, "%u threads asked for, at most %d are possible", count, STRESS_MAX_THREADS);
    memset(&start, 0, sizeof start);
    start.body = body;
    /* relaxed: no thread runs yet. */
    weir_atomic_store(&s->stop, false, WEIR_RELAXED);
    for (unsigned i = 0; i < count; i++) {
        threads[i].start = &start;
        threads[i].argument = (char *)first + i * stride;
        if (pthread_create(&threads[i].id, NULL, stress_thread_main, &threads[i]) != 0)
            stress_fail(s, "thread %u of %u could not be created", i + 1, count);
    }
    /* relaxed: counts who is there. */
    while (weir_atomic_load(&start.ready, WEIR_RELAXED) != count)
        sched_yield();
    /* relaxed: starts them; pthread_create() carried what they need. */
    weir_atomic_store(&start.go, true, WEIR_RELAXED);
    if (ns > 0)
        nanosleep(&pause_time, NULL);
    /* relaxed: see stress_stopping(). */
    weir_atomic_store(&s->stop, true, WEIR_RELAXED);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i].id, NULL);
}

#endif /* WEIR_STRESS_STRESS_H */
