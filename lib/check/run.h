/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/run.h: one run of the test, as those see it who decide which runs there are. Private.
 */

#ifndef WEIR_LIB_CHECK_RUN_H
#define WEIR_LIB_CHECK_RUN_H

#include "graph.h"

/* How it is decided what happens where several things may. */
typedef struct policy {
    /* A new read may read what stands at these positions: which of them? */
    unsigned (*read)(const event *e, const unsigned *position, unsigned count);
    /* A new write, which stands at the last of these positions: which? Not below `count`: give up.
     */
    unsigned (*write)(const event *e, const unsigned *position, unsigned count);
    unsigned (*choice)(const event *e, unsigned count);
    /* Which of the threads (a bit each) makes the next step. NULL: the lowest goes on until it
     * cannot, after all that the graph holds already has been run. */
    int (*next)(unsigned ready);
    /* After each event. Returns: false to give up. Or NULL. */
    bool (*added)(void);
    /* A thread that waits tries again when something was written. If not, it never does: then its
     * read is made to read the later write, in a run of its own. */
    bool tries_again;
    /* A thread may also wait for a read that has not read the newest write. */
    bool waits_on_old;
} policy;

typedef enum outcome {
    COMPLETE,
    STUCK,    /* threads wait, but for what they read was old: no bug */
    GIVEN_UP, /* by the policy, or the graph is impossible */
    BOUND_HIT,
    NOT_REACHED, /* the thread that was to stand still within an operation was not within one */
    WIDENED,     /* a location is part of a larger one: all has to begin anew */
    FAILED,      /* see `run` */
    UNCHECKABLE  /* likewise */
} outcome;

typedef struct run_result {
    weir_check_finding finding;
    const void *pc, *other;
    int thread; /* that ran, or -1 */
    char sentence[256];
} run_result;

/* What is run, for all runs. */
typedef struct subject {
    void (*test)(void *);
    void *argument;
    unsigned events;   /* of a thread, at most */
    unsigned spurious; /* in a run */
    bool leaks_allowed;
    weir_check_progress progress;
    unsigned steps;
    int stands[THREADS]; /* after how many events the thread stands still; -1: does not */
} subject;

/* Of the first bound that a thread hit, in this process: "thread 1 has had 1000 events, at r.c:2".
 */
extern char weir__run_bound[128];

extern subject weir__subject;
extern run_result weir__result;

/* Runs the test as the graph says and on as the policy says. */
outcome weir__run(graph *g, const policy *p);

/* Of the last run: events in the order in which they were run; which thread waits for what. */
extern name *weir__order;
extern unsigned weir__ordered;
bool weir__run_waits(int thread, why *reason);

/* ---- place.c ---- */

/* The number of the location that holds these bytes, of MEMORY in that life of them; -1: there is
 * one that is a part of them, and all has to begin anew. */
int weir__place(const void *address, unsigned size, unsigned in, unsigned life, unsigned *mask,
                const void *pc);
void weir__place_of(int place, const void **address, unsigned *size, unsigned *in, unsigned *life);
/* All, and of another test also what is one; all but that. */
void weir__places_begin(void);
void weir__places_forget(void);

/* Calls back for each location in memory that shares bytes with the range. */
void weir__places_in(const void *address, size_t size, void (*found)(int place));

/* ---- explore.c, drive.c ---- */

typedef struct counts {
    uint64_t graphs, blocked, bounds, runs, twice;
    unsigned events, steps;
    bool composite; /* see weir__graph_is_composite() */
} counts;

typedef struct search {
    const weir_check_options *options;
    uint64_t seed;
    counts count;
    unsigned most[THREADS]; /* events of each thread */
    const graph *last;      /* of the last run */
} search;

/* Both return how the last run ended: FAILED, UNCHECKABLE; or COMPLETE: nothing was found. */
outcome weir__explore(search *s);
outcome weir__drive(search *s);

/* One run, as the path says. Does not count. */
outcome weir__drive_along(search *s, const char *path);

/* The path of the last run, for `replay`. */
void weir__path(const graph *g, char *text, size_t size);

/* ---- check.c ---- */

/* Counts a run that has ended. Returns: false if the search is over; *o may be worse then. */
bool weir__search_goes_on(search *s, const graph *g, outcome *o);

/* All begins anew. */
void weir__search_restart(search *s);

/* A set of hashes. */
typedef struct hash_set {
    uint64_t *slot;
    size_t room, count;
} hash_set;

/* Returns: whether it was not in it. */
bool weir__hash_add(hash_set *set, uint64_t hash);
void weir__hash_clear(hash_set *set);

#endif /* WEIR_LIB_CHECK_RUN_H */
