/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/poller.h: what an event loop sleeps in: the kernel's list of descriptors that became ready, a
 * bell that any thread can ring, an alarm clock. Private. lib/poller_epoll.c has it for Linux;
 * tests/model/poller.h one for the model checker. */

#ifndef WEIR_LIB_POLLER_H
#define WEIR_LIB_POLLER_H

#include <weir/base.h>

typedef struct weir__poller {
    int set;        /* of descriptors */
    int bell;       /* written by who wakes, and read at the end alone */
    int alarm;      /* -1, or: for what a sleep cannot be told by other means */
    bool coarse;    /* the kernel's sleeps are of milliseconds */
    uint64_t armed; /* what the alarm is set to; WEIR_FOREVER: nothing */
    unsigned capacity;
    unsigned watched; /* descriptors that were added, and not forgotten since */
    long process;     /* whose it is: after a fork the bell is of both */
    void *events;
} weir__poller;

/* What became ready; `who` is what the descriptor was added with. */
typedef struct weir__poller_event {
    uint64_t who;
    unsigned ready; /* WEIR_POLL_... */
} weir__poller_event;

/* Returns: 0; a negative errno. */
int weir__poller_open(weir__poller *poller, unsigned events);
void weir__poller_close(weir__poller *poller);

/* Returns: false: this is the child of a fork, in which the threads that used it are not. */
bool weir__poller_is_ours(const weir__poller *poller);

/* Of what is ready up to `capacity` events; if nothing is, sleeps until something is, the bell is
 * rung, or the deadline has come (as weir/clock.h; 0: does not sleep); or for a signal.
 * Returns: how many. */
unsigned weir__poller_wait(weir__poller *poller, uint64_t deadline);
weir__poller_event weir__poller_event_at(const weir__poller *poller, unsigned i);

/* Has the set become readable at the deadline. Returns: 0; a negative errno. */
int weir__poller_set_alarm(weir__poller *poller, uint64_t deadline);

/* `wanted`: WEIR_POLL_..., with LEVEL, or without: both directions, edges. `who` is not 0.
 * Returns: 0; a negative errno. */
int weir__poller_add(weir__poller *poller, int fd, unsigned wanted, uint64_t who);
int weir__poller_change(weir__poller *poller, int fd, unsigned wanted, uint64_t who);
void weir__poller_remove(weir__poller *poller, int fd);

/* Ends a sleep, this one or the next. Async-signal-safe. */
void weir__poller_ring(const weir__poller *poller);

/* Waits until it has been rung `rings` times since it was opened. Only if it is ours: elsewhere
 * nobody is about to ring, and the parent would miss what is read here. */
void weir__poller_await_rings(weir__poller *poller, uint64_t rings);

#endif /* WEIR_LIB_POLLER_H */
