/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/graph.h: an execution graph, and what may be added to it. Private.
 *
 * Events are named by thread and place in it. A location keeps the names of its writes in
 * modification order; the first one is its initial value, which is no event. A read-modify-write is
 * two events, a read and the write behind it; a failed one is a read.
 *
 * Where accesses of different sizes meet (a 16-byte compare-and-swap over two words) the location
 * is the whole, and each access has a mask of the bytes that it touches. Accesses that share no
 * byte are in the modification order all the same, but no coherence binds them. */

#ifndef WEIR_LIB_CHECK_GRAPH_H
#define WEIR_LIB_CHECK_GRAPH_H

#include "inside.h"

typedef struct name {
    int16_t thread; /* -1: the initial value of the location */
    uint16_t index;
} name;

typedef enum kind { READ, WRITE, FENCE, CREATE, BEGIN, END, JOIN, CHOICE } kind;

typedef struct event {
    uint8_t kind;
    uint8_t order;            /* as in access; PLAIN */
    uint8_t success, failure; /* READ, exclusive: what `order` is by the value that it reads */
    uint8_t thread;
    uint8_t size;
    uint16_t index; /* in its thread */
    uint16_t mask;  /* bytes of the location */
    bool exclusive; /* READ: of a read-modify-write, also of one that fails; WRITE: its second half
                     */
    bool blocked;   /* READ: the thread waits until it reads something else */
    bool open;      /* WRITE: plain, and the value is not known yet */
    bool compares;  /* READ: fails unless it reads `expected` */
    uint8_t reason; /* of `blocked`: a why */
    int32_t location; /* or -1. CREATE, JOIN: the thread that is made, or waited for */
    uint32_t stamp;   /* when it was added */
    name from;        /* READ: the write that is read; BEGIN: the CREATE; JOIN: the END */
    word value;       /* READ, WRITE: of its own bytes. CHOICE: the answer */
    word expected;
    const void *pc;
    const char *what;
    clock_vector hb;      /* happens before it, itself included */
    clock_vector porf;    /* program order and reads-from, itself included */
    clock_vector release; /* WRITE: what a reader that acquires gets */
    clock_vector pending; /* what an acquire fence behind it gets */
    clock_vector fenced;  /* what a relaxed write behind it releases */
} event;

typedef struct location {
    const void *address;
    uint8_t size; /* bytes */
    uint8_t space;
    unsigned life;      /* of MEMORY: weir__memory_life() */
    bool open;          /* `initial` is known */
    uint16_t undefined; /* bytes of `initial` that nobody has written */
    bool parts;         /* some writes are of a part of the bytes */
    word initial;
    unsigned writes, write_room;
    unsigned reads, read_room;
    name *write; /* modification order; write[0] is {-1, 0} */
    name *read;  /* in no order */
} location;

typedef struct graph {
    unsigned made;           /* a bit for each thread that was created, the first included */
    unsigned count[THREADS]; /* events of each */
    unsigned room[THREADS];
    event *of[THREADS];
    unsigned locations, location_room;
    location *location;
    uint32_t stamps; /* the next one */
    unsigned strong; /* events that are, or may be, seq_cst */
} graph;

static inline event *weir__event(const graph *g, name n)
{
    return &g->of[n.thread][n.index];
}

static inline bool weir__same(name a, name b)
{
    return a.thread == b.thread && a.index == b.index;
}

static inline name weir__name_of(const event *e)
{
    const name n = {(int16_t)e->thread, e->index};

    return n;
}

/* Whether the event named is in the clock; the initial value is in each. */
static inline bool weir__in(const clock_vector *clock, name n)
{
    return n.thread < 0 || clock->of[n.thread] > n.index;
}

static inline bool weir__acquires(unsigned order)
{
    return order == 1 || order == 2 || order == 4 || order == 5;
}

static inline bool weir__releases(unsigned order)
{
    return order == 3 || order == 4 || order == 5;
}

/* ---- graph.c ---- */

/* Adds an event at the end of a thread, with the clocks of the one before it. WRITE and READ are
 * then to be placed. */
event *weir__graph_add(graph *g, unsigned thread, kind k);

/* Removes all events with this stamp and later ones. */
void weir__graph_cut(graph *g, uint32_t stamp);

/* Makes `to` the part of `from` with the first keep[t] events of each thread. */
void weir__graph_copy(graph *to, const graph *from, const unsigned *keep);

location *weir__graph_location(graph *g, int place);

/* Forgets the initial value of locations that nobody is at: it may be another in the next run. */
void weir__graph_close(graph *g);

/* For a graph that another process sent: room for so many events of a thread; a location of it,
 * with its writes and reads behind each other. Its events learn its number. */
void weir__graph_room(graph *g, unsigned thread, unsigned events);
void weir__graph_receive(graph *g, int place, const location *as, const name *names);

/* Adds what another event brings to a BEGIN or JOIN. */
void weir__graph_follow(graph *g, event *e, name from);

/* Once the orders are known, and of a write `exclusive`, before it is placed. */
void weir__graph_finish(graph *g, event *e);

/* Where a write stands in the modification order. */
unsigned weir__graph_position(const location *l, name n);

/* Lets the read, which is listed at its location, read the write at this position: value, clocks.
 */
void weir__graph_read_from(graph *g, event *e, unsigned position);
void weir__graph_list_read(graph *g, const event *e);

/* Positions in the modification order that the read, the last event of its thread, can read by
 * coherence and by the order of seq_cst events; oldest first. Room for l->writes. The read is left
 * reading the last one. */
unsigned weir__graph_read_options(graph *g, event *e, unsigned *position);

/* Puts the write at a position, or takes it away. */
void weir__graph_place(graph *g, const event *e, unsigned position);
void weir__graph_displace(graph *g, const event *e);

/* Positions at which the write, not placed, may be. It is left at the last one, or not placed if
 * there are none. Room for l->writes + 1. */
unsigned weir__graph_write_options(graph *g, event *e, unsigned *position);

/* Where the write, not placed, may be so that `reader` reads it, and what the newest write is then
 * that the reader sees: another one only where accesses of several sizes meet. Neither is left in a
 * good state: weir__graph_revisit() takes one of the options. Room for l->writes + 1, squared. */
typedef struct revisit_option {
    unsigned write, read;
} revisit_option;
unsigned weir__graph_revisit_options(graph *g, event *e, event *reader, revisit_option *option);
void weir__graph_revisit(graph *g, event *e, event *reader, revisit_option option);

/* The newest write of bytes of `mask` that is at the position or before. */
unsigned weir__graph_latest(const graph *g, const location *l, unsigned position, unsigned mask);

/* What the bytes of `mask` hold after the write at the position, as a value of its own. */
word weir__graph_value(const graph *g, const location *l, unsigned position, unsigned mask);

/* Whether no write to the same bytes comes after the one that it reads, but for read-modify-writes
 * that left the value as it was. */
bool weir__graph_reads_newest(const graph *g, const event *e);

/* Whether writes to one location share no byte. */
bool weir__graph_is_mixed(const graph *g);

/* Whether a read spans writes that have come, independently, after it was added: such a read would
 * have to be revisited by two writes at once, which the search does not do. So it is not if all
 * partial writes, but for those before other threads are made, are read-modify-writes of the same
 * bytes: each of them depends on the write that the other part comes from. */
bool weir__graph_is_composite(const graph *g);

/* Whether another read-modify-write of these bytes has read the write at the position. */
bool weir__graph_is_taken(const graph *g, const event *e, unsigned position);

/* ---- strong.c ---- */

/* Whether no cycle of seq_cst events forbids the graph. */
bool weir__graph_strong(const graph *g);

/* There were too many of them to say: it said true. */
extern bool weir__graph_too_strong;

/* ---- axioms.c ---- */

bool weir__axioms_hold(const graph *g, const char **broken);
uint64_t weir__graph_hash(const graph *g);

/* ---- explore.c ---- */

/* Called with each complete graph, and with NULL when all begins anew; or NULL. */
extern void (*weir__check_each_graph)(const graph *g);

#endif /* WEIR_LIB_CHECK_GRAPH_H */
