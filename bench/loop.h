/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/loop.h: the workloads of event loops, and the face that a loop shows to them. C and C++.
 * bench/loop_run.c, bench/loop_net.c and bench/loop_file.c have the workloads, bench/loop.c weir's
 * face; each peer's is in a file of its own. Go's workloads are a program (bench/program.h).
 *
 * There is one loop in a process, and one thread that runs it: the one that calls open(), and then
 * run(). Of the rest of the face post() is called by any thread, all else by the loop's thread in
 * what was posted. What is done to many is one call, so that nobody pays for the pointer. */

#ifndef WEIR_BENCH_LOOP_H
#define WEIR_BENCH_LOOP_H

#include "bench.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the face ---- */

/* What is posted: the first of a peer's own struct of post_bytes. */
typedef struct loop_post {
    void (*run)(struct loop_post *post); /* to be called by the loop, once for each post(); after it
                                            the memory is another's */
    uintptr_t value;
    WEIR_ATOMIC(uint64_t) heard; /* by `run`; 0: not yet */
} loop_post;

/* What a blocking pool does: the first of a peer's own struct of work_bytes. */
typedef struct loop_work {
    void (*work)(struct loop_work *work); /* to be called by another thread */
    void (*done)(struct loop_work *work); /* then, by the loop's; it may offload it again */
    uint64_t worked;
} loop_work;

/* A pointer may be NULL: there is no such thing, and no row of it. */
typedef struct loop_face {
    size_t post_bytes, work_bytes;
    /* Once. `workers`: threads of the blocking pool; those that exist from the first offload() on
     * may be made then. */
    bool (*open)(unsigned workers);
    void (*run)(void); /* until stop() */
    void (*stop)(void);
    void (*post)(loop_post *post);
    /* Makes n timers, outside of the clock. Timer i calls bench_loop_fired(). */
    void (*timers)(size_t n);
    void (*insert)(const uint64_t *after_ns, size_t n); /* from now on; 0, 1, ..., each once */
    void (*cancel)(size_t n);
    void (*rearm)(const uint64_t *after_ns, size_t n); /* all are under way */
    /* Watches n fds for being readable; of each that is so calls bench_loop_readable(). */
    void (*watch)(const int *fds, size_t n);
    void (*unwatch)(size_t n); /* all of them; they stay open */
    /* Accepts connections of a socket that listens and does not block, and sends back what comes
     * out of each, LOOP_MESSAGE bytes at once or less. */
    bool (*serve)(int listener);
    void (*offload)(loop_work *work);
} loop_face;

enum { LOOP_MESSAGE = 64, LOOP_BUFFER = 1024 /* what a peer reads at once */ };

/* Of timers: counts down to 0. */
extern uint64_t bench_loop_left;
void bench_loop_all_fired(void);

static inline void bench_loop_fired(void)
{
    if (--bench_loop_left == 0)
        bench_loop_all_fired();
}

/* Reads it, so that it is not readable any more. */
void bench_loop_readable(int fd);

/* ---- rows, and what they call ----
 *
 *   loop/post/1, /2     open, run on a thread; post from one or two others, each of which has
 *                       LOOP_NODES nodes of post_bytes that it uses in turn; the last post stops
 *   loop/wake           the same, one post each ms; from before post() to the first line of `run`
 *   loop/timer/insert   open, timers, a post, run; in what was posted insert() and another post, by
 *                       which time what the loop had put off is done. CPU time of the thread
 *   loop/timer/cancel, /rearm   insert() and a turn of the loop; then the same with cancel(),
 * rearm() loop/timer/fire     insert() until the last bench_loop_fired(): what of it the loop did
 * not sleep loop/echo/N         serve() in what was posted; the rest is the clients'
 * (bench/loop_net.c) loop/fd             watch() and unwatch() of LOOP_FDS fds, each in a post of
 * its own, after which the loop goes to sleep; then the fds are closed and others made. CPU time
 *   loop/connection     serve(); private memory in RAM before and after some thousand connections
 *   loop/offload/1, /64 offload() in what was posted, and again in each done(); workers are made at
 *                       the first ones at the latest, on all CPUs but the loop's
 *   loop/idle           timers(1), insert(), watch(1), and nothing for a second */

enum {
    LOOP_POST_1,
    LOOP_POST_2,
    LOOP_WAKE,
    LOOP_TIMER_INSERT,
    LOOP_TIMER_CANCEL,
    LOOP_TIMER_REARM,
    LOOP_TIMER_FIRE,
    LOOP_ECHO_1,
    LOOP_ECHO_100,
    LOOP_ECHO_1000,
    LOOP_FD,
    LOOP_CONNECTION,
    LOOP_OFFLOAD_1,
    LOOP_OFFLOAD_64,
    LOOP_IDLE,
    LOOP_ROWS
};

enum {
    LOOP_POSTS = 1 << LOOP_POST_1 | 1 << LOOP_POST_2 | 1 << LOOP_WAKE,
    LOOP_TIMERS = 1 << LOOP_TIMER_INSERT | 1 << LOOP_TIMER_CANCEL | 1 << LOOP_TIMER_REARM |
                  1 << LOOP_TIMER_FIRE,
    LOOP_SERVES =
        1 << LOOP_ECHO_1 | 1 << LOOP_ECHO_100 | 1 << LOOP_ECHO_1000 | 1 << LOOP_CONNECTION,
    LOOP_OFFLOADS = 1 << LOOP_OFFLOAD_1 | 1 << LOOP_OFFLOAD_64,
    LOOP_ALL = (1 << LOOP_ROWS) - 1
};

/* Posts of one producer that are under way at most. */
enum { LOOP_NODES = 4096 };

enum { LOOP_FDS = 1000 };

extern const bench_row bench_rows_loop[LOOP_ROWS];

void bench_loop_measure(bench_run *run, const loop_face *face, unsigned row);

/* Of them those of timers: bench/loop_timer.c. */
void bench_loop_timers(bench_run *run, const loop_face *face, unsigned row);
/* A million; fewer where it is a smoke test. */
size_t bench_loop_timer_count(const bench_run *run);

static inline uint64_t bench_loop_clock(clockid_t clock)
{
    struct timespec now = {0, 0};

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- a server, seen from outside: bench/loop_net.c ---- */

typedef struct loop_server {
    unsigned port;   /* at 127.0.0.1 */
    clockid_t clock; /* of the CPU time of its loop */
    int id;          /* its process, or 0: this one */
} loop_server;

/* A socket that listens at a port of its own choice, and does not block; -1. */
int bench_loop_listen(unsigned *port);
/* The calling thread is all clients of the row. */
void bench_loop_echo(bench_run *run, const loop_server *server, unsigned row);
void bench_loop_connection(bench_run *run, const loop_server *server);

/* The calling thread, and those that it makes, stay off the first CPU, until bench_pin(). */
void bench_loop_leave_first_cpu(void);

/* ---- files: bench/loop_file.c ---- */

/* A read of LOOP_BLOCK bytes: the first of a peer's own struct of read_bytes. */
typedef struct loop_read {
    void (*done)(struct loop_read *read, int64_t bytes); /* it may read again */
    char *data;
    int64_t offset;
} loop_read;

typedef struct loop_file_face {
    size_t read_bytes;
    /* Once. `threads`: of the pool; where there is none it is ignored. */
    bool (*open)(unsigned threads);
    void (*read)(loop_read *read, int fd); /* before run(), and in done() */
    void (*run)(void);                     /* until none is under way */
} loop_file_face;

enum { LOOP_BLOCK = 4096, LOOP_FILE_1 = 0, LOOP_FILE_16, LOOP_FILE_64, LOOP_FILE_ROWS };

extern const bench_row bench_rows_file[LOOP_FILE_ROWS];

void bench_loop_files(bench_run *run, const loop_file_face *face, unsigned row);

/* Registers P_1(), P_16(), P_64() of a face P. */
#define BENCH_FILE_CASES(P)                        \
    static void P##_1(bench_run *run)              \
    {                                              \
        bench_loop_files(run, &(P), LOOP_FILE_1);  \
    }                                              \
    static void P##_16(bench_run *run)             \
    {                                              \
        bench_loop_files(run, &(P), LOOP_FILE_16); \
    }                                              \
    static void P##_64(bench_run *run)             \
    {                                              \
        bench_loop_files(run, &(P), LOOP_FILE_64); \
    }                                              \
    static bench_measure *const P##_cases[LOOP_FILE_ROWS] = {P##_1, P##_16, P##_64};

static inline void bench_file_add(const bench_peer *peer, bench_measure *const cases[])
{
    for (unsigned i = 0; i < LOOP_FILE_ROWS; i++)
        bench_add(&bench_rows_file[i], peer, cases[i]);
}

/* ---- cases ---- */

/* P_cases[], of a function P() that returns the face. */
#define BENCH_LOOP_CASE(P, row)                   \
    static void P##_##row(bench_run *run)         \
    {                                             \
        bench_loop_measure(run, P(), LOOP_##row); \
    }
#define BENCH_LOOP_CASES(P)                                                                 \
    BENCH_LOOP_CASE(P, POST_1)                                                              \
    BENCH_LOOP_CASE(P, POST_2)                                                              \
    BENCH_LOOP_CASE(P, WAKE)                                                                \
    BENCH_LOOP_CASE(P, TIMER_INSERT)                                                        \
    BENCH_LOOP_CASE(P, TIMER_CANCEL)                                                        \
    BENCH_LOOP_CASE(P, TIMER_REARM)                                                         \
    BENCH_LOOP_CASE(P, TIMER_FIRE)                                                          \
    BENCH_LOOP_CASE(P, ECHO_1)                                                              \
    BENCH_LOOP_CASE(P, ECHO_100)                                                            \
    BENCH_LOOP_CASE(P, ECHO_1000)                                                           \
    BENCH_LOOP_CASE(P, FD)                                                                  \
    BENCH_LOOP_CASE(P, CONNECTION)                                                          \
    BENCH_LOOP_CASE(P, OFFLOAD_1)                                                           \
    BENCH_LOOP_CASE(P, OFFLOAD_64)                                                          \
    BENCH_LOOP_CASE(P, IDLE)                                                                \
    static bench_measure *const P##_cases[LOOP_ROWS] = {                                    \
        P##_POST_1,      P##_POST_2,     P##_WAKE,      P##_TIMER_INSERT, P##_TIMER_CANCEL, \
        P##_TIMER_REARM, P##_TIMER_FIRE, P##_ECHO_1,    P##_ECHO_100,     P##_ECHO_1000,    \
        P##_FD,          P##_CONNECTION, P##_OFFLOAD_1, P##_OFFLOAD_64,   P##_IDLE};

/* Joins the rows of which `rows` has the bit. */
static inline void bench_loop_add(const bench_peer *peer, bench_measure *const cases[],
                                  unsigned rows)
{
    for (unsigned i = 0; i < LOOP_ROWS; i++)
        if ((rows >> i & 1) != 0)
            bench_add(&bench_rows_loop[i], peer, cases[i]);
}

#ifdef __cplusplus
}
#endif

#endif /* WEIR_BENCH_LOOP_H */
