/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/pool_sim.h: what the parts of the simulation of bench/pool_sim.c know of each other.
 *
 *     bench/pool_sim.c       runs and tables
 *     bench/pool_sim_crew.c  events, lines, who runs and who sleeps
 *     bench/pool_sim_work.c  what a worker does: fork and join, steal, what comes from outside */

#ifndef WEIR_BENCH_POOL_SIM_H
#define WEIR_BENCH_POOL_SIM_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Measured on two processors, in ns. */
extern double near_ns, far_ns, leaf_ns;
extern double barrier_each; /* of a membarrier, by processor beyond two: a guess */
#define RMW 5.0
#define CALLED 8.0 /* the way to the gate of a fenced pool */
#define GRACE 12.0 /* for which a line stays where it has come to: a failed CAS is made again */
#define SUM 7.6    /* fib: a sum, its spawn and join */
#define CALL 1500.0
#define WAKE 2500.0 /* from the call to the first instruction */
#define MAKE 10000.0
#define BARRIER 2000.0
#define INTERRUPT 1000.0
#define PAUSE 300.0 /* of a crowd that searches */
#define SUBMIT 15.0 /* beside its CAS */

enum {
    CLUSTER = 8,
    CUT = 7,
    MOST = 320,
    DEEP = 512,
    ROUNDS = 128,
    RENT = 4096,
    BATCH = 32,
    OVERLAP = 4,
    WINDOW = 1000
};
enum { DESIGN, FENCED, CROWD, NOTIFIES, GLOBAL, VARIANTS };

typedef struct line {
    const char *name;
    int owner, before;
    double until, free; /* `before` may use it until then; the next transfer begins */
    double asked;       /* when it was last asked for */
    double busy;
    uint64_t copies[3];
} line;

typedef struct job {
    double size; /* fib(size), or a range of so many ns */
    int spawner, thief;
    bool range, done, awaited;
} job;

typedef enum kind { FIB, RANGE, STOLEN } kind;
typedef struct frame {
    kind kind;
    int phase;
    double size;
    job *job;
} frame;

typedef enum state { ASLEEP, SLEEPY, LOOK, STEAL, RUN, JOIN, BLOCKS, BLOCKED, OUTSIDER } state;
typedef struct worker {
    state state;
    int core, victim, left, rounds, depth, bottom, top, rent, own, own_core;
    bool made, searches, shared;
    double debt, submitting;
    long pushed;
    line *bottom_line, *ends, *idle;
    frame frames[DEEP];
    job *deque[DEEP];
} worker;

typedef struct event {
    double at;
    uint64_t number;
    int who;
} event;

/* All that there is, of one run. */
extern struct sim {
    int cores, workers, variant, outsiders, in_flight, events, idles, waiting, free_cores;
    int line_count, running, rounds, batch, arrived, turned, turner;
    int cores_free[MOST], idle[MOST], wait_queue[MOST];
    bool searches, told;
    kind root_kind;
    uint64_t numbers, dice;
    long steals, sleeps, barriers, wakes, jobs, submitted;
    double root, job_ns, end, ramp, locked_until, lock_busy, barrier_free, barrier_busy;
    event heap[MOST];
    worker w[MOST];
    line lines[MOST * 4], *crew, *newest, *taking;
} sim;

void sim_schedule(int who, double at);
event sim_next_event(void);
unsigned sim_roll(unsigned n);
line *sim_add_line(const char *name);
double sim_distance(int a, int b);
double sim_change(line *l, int core, double t, int n, double each);
double sim_look(line *l, int core, double t);
double sim_membarrier(int by, double t);
void sim_give_core(int who, double t);
void sim_leave_core(worker *w, double t);
bool sim_wants(void);
double sim_wake(worker *w, double t);
double sim_fence(worker *w, double t);
double sim_look_again(worker *w, double t);
double sim_go_to_sleep(worker *w, double t);
double sim_sleep_on(worker *w, double t);
double sim_found(worker *w, double t, bool more);
double sim_sums_of(double n);
frame *sim_push_frame(worker *w, kind what, double size, job *of);
double sim_step(worker *w, double t);

#endif /* WEIR_BENCH_POOL_SIM_H */
