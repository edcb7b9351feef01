/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/thread.h: the run that is under way, as its threads and the conductor see it. Private.
 */

#ifndef WEIR_LIB_CHECK_THREAD_H
#define WEIR_LIB_CHECK_THREAD_H

#include "run.h"

typedef enum state {
    ABSENT,
    READY,   /* goes on when it is run */
    HELD,    /* runs again what others have to run before */
    AT_EDGE, /* its next event is a new one */
    WAITING, /* see `reason` */
    STANDING,
    GONE, /* has called exit() */
    ENDED
} state;

enum { ROUNDS = 32 };

/* A state in which the thread was about to read. */
typedef struct round {
    const machine *at;
    uint64_t hash;
    unsigned event; /* the next one then */
} round;

typedef struct thread {
    state state;
    why reason;
    bool half;      /* has read, and is to write: of a read-modify-write */
    bool eager;     /* reads the newest of all, to see whether it still goes round */
    unsigned done;  /* events */
    unsigned steps; /* likewise, with a read-modify-write as one */
    int waits_for;  /* JOINS: whom */
    unsigned since; /* WAITING: the number of writes then */
    unsigned from;  /* SPINS: the first event of the round */
    unsigned round, rounds;
    void (*body)(void *);
    void *argument;
    name made_by;
    const void *pc;    /* where it waits */
    struct round mark; /* set anew at each doubling of `done` */
    unsigned turned;   /* the next event when it was there last */
    unsigned turns;    /* how often it has come round to a mark */
    char *deepest;     /* of its stack that a read was seen at; stays from run to run */
    struct round before[ROUNDS];
} thread;

typedef struct running {
    graph *g;
    const policy *rule;
    thread thread[THREADS];
    bool forward; /* all that was in the graph has been run */
    bool over;
    bool bounded;     /* a thread has used up its events */
    bool exits;       /* the program ends, whatever its other threads do */
    outcome how;      /* then */
    unsigned written; /* writes in this run, to see that there are new ones */
    name *unknown;    /* plain writes whose value is not known yet */
    unsigned unknowns, unknown_room;
} running;

extern running weir__running;

/* ---- thread.c ---- */

static inline thread *weir__run_self(void)
{
    return &weir__running.thread[weir__check_self];
}

_Noreturn void weir__run_leave(outcome o);

/* The conductor's finding, at the end of a run. Returns: FAILED. */
outcome weir__run_found(weir_check_finding finding, const void *pc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The calling thread's next event if the graph holds it; NULL: it is to be added now. */
event *weir__run_recorded(kind k, int place, unsigned mask, const void *pc, const char *what);
_Noreturn void weir__run_differs(const event *e, const void *pc, const char *what);

/* The event has been run, or added. */
void weir__run_did(const event *e);

/* Plain writes have been made by now: their values are known. */
void weir__run_learn(void);

/* Whether all that the event depends on has been run. */
bool weir__run_may(const thread *t, const event *e);

_Noreturn void weir__run_wait(why reason, const void *pc);
void weir__run_wait_for_news(why reason, const void *pc);

/* Puts a thread before its beginning, with nothing on its stack. */
void weir__run_start(int t, void (*body)(void *), void *argument);

/* The calling thread has written what its events tell. */
void weir__run_wrote(void);

/* Before a read: whether the thread has come round to where it was. Then it waits. */
void weir__run_round(const void *pc);

/* Whether a thread that waits would wait for ever: it has read the newest of everything. */
bool weir__run_reads_newest(int t);

/* ---- events.c ---- */

/* What a fiber runs. */
void weir__run_thread(void *unused);

#endif /* WEIR_LIB_CHECK_THREAD_H */
