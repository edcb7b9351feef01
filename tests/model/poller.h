/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/poller.h: lib/poller.h for the model checker, which knows no epoll(7): a bell is a
 * number of rings, and who sleeps looks at it again and again. That all its functions are here
 * keeps lib/poller_epoll.c out of the program.
 *
 * A ring carries nothing, so that it hides no order of the loop's own; but what the one who rings
 * did with the poller is done before weir__poller_await_rings() has returned, as with write(2) and
 * read(2) of one descriptor. Who sleeps and is not rung for ever is an endless loop to the checker.
 * A sleep with an end is rung, or comes to that end: both, in runs of their own. Bells and
 * descriptors outlive their loop, as the kernel's do; a ring after the close is a failure.
 *
 * A descriptor is a number below MODEL_FDS. model_ready() says that it has become ready, and is a
 * write(2) to its other end: what was before it is seen by who is called.
 *
 * Edges:
 *   heard  ring -> await_rings       carries the looks of who rings at the poller
 *   ready  model_ready -> wait       carries what was written */

#ifndef WEIR_TESTS_MODEL_POLLER_H
#define WEIR_TESTS_MODEL_POLLER_H

#include "model.h"

#include "../../lib/poller.h"

#include <weir/atomic.h>
#include <weir/clock.h>

#include <time.h>

enum { MODEL_BELLS = 4, MODEL_FDS = 2 };

typedef struct model_bell {
    WEIR_ATOMIC(uint32_t) rings;
    uint32_t heard; /* by who sleeps */
    bool open;
    bool alarmed; /* the alarm has come */
    weir__poller_event events[MODEL_FDS];
} model_bell;

typedef struct model_fd {
    WEIR_ATOMIC(uint32_t) ready;
    uint64_t who; /* 0: in no poller */
    int set;
} model_fd;

static model_bell model_bells[MODEL_BELLS];
static model_fd model_fds[MODEL_FDS];
static WEIR_ATOMIC(uint32_t) model_opened;

static inline void model_ready(int fd, unsigned ready)
{
    /* sync(ready): release. Pairs with the exchange in model_take(); what was before. */
    (void)weir_atomic_fetch_or(&model_fds[fd].ready, ready, WEIR_RELEASE);
}

int weir__poller_open(weir__poller *poller, unsigned events)
{
    /* relaxed: a number. */
    const uint32_t number = weir_atomic_fetch_add(&model_opened, 1, WEIR_RELAXED);

    weir_check_assert(number < MODEL_BELLS);
    memset(poller, 0, sizeof *poller);
    poller->set = poller->bell = (int)number;
    poller->alarm = -1;
    poller->capacity = events;
    model_bells[number].open = true;
    return 0;
}

void weir__poller_close(weir__poller *poller)
{
    weir_check_assert(model_bells[poller->bell].open);
    model_bells[poller->bell].open = false;
}

bool weir__poller_is_ours(const weir__poller *poller)
{
    (void)poller;
    return true;
}

static unsigned model_take(weir__poller *poller)
{
    model_bell *const bell = &model_bells[poller->set];
    unsigned n = 0;

    for (int fd = 0; poller->watched != 0 && fd < MODEL_FDS; fd++) {
        model_fd *const f = &model_fds[fd];
        unsigned ready;

        /* relaxed: whether there is something. */
        if (f->who == 0 || f->set != poller->set || n == poller->capacity ||
            weir_atomic_load(&f->ready, WEIR_RELAXED) == 0)
            continue;
        /* sync(ready): acquire. Pairs with model_ready(). */
        ready = weir_atomic_exchange(&f->ready, 0, WEIR_ACQUIRE);
        bell->events[n].who = f->who;
        bell->events[n++].ready = ready;
    }
    return n;
}

unsigned weir__poller_wait(weir__poller *poller, uint64_t deadline)
{
    model_bell *const bell = &model_bells[poller->bell];

    for (;;) {
        const unsigned n = model_take(poller);
        /* relaxed: it carries nothing. */
        const uint32_t rings = weir_atomic_load(&bell->rings, WEIR_RELAXED);

        if (n != 0 || rings != bell->heard) {
            bell->heard = rings;
            return n;
        }
        if (deadline != WEIR_FOREVER)
            break;
    }
    if (deadline != 0) {
        const struct timespec end = {(time_t)(deadline / 1000000000),
                                     (long)(deadline % 1000000000)};

        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
    }
    return 0;
}

weir__poller_event weir__poller_event_at(const weir__poller *poller, unsigned i)
{
    return model_bells[poller->set].events[i];
}

int weir__poller_set_alarm(weir__poller *poller, uint64_t deadline)
{
    model_bells[poller->set].alarmed = deadline <= 1;
    return 0;
}

/* As who watches the set, of an embedded loop, waits until it is readable. */
static inline void model_await_readable(int set)
{
    model_bell *const bell = &model_bells[set];

    /* relaxed: it carries nothing. */
    while (!bell->alarmed && weir_atomic_load(&bell->rings, WEIR_RELAXED) == bell->heard)
        continue;
}

/* ---- descriptors ---- */

int weir__poller_add(weir__poller *poller, int fd, unsigned wanted, uint64_t who)
{
    (void)wanted;
    weir_check_assert(fd < MODEL_FDS && who != 0 && model_fds[fd].who == 0);
    model_fds[fd].who = who;
    model_fds[fd].set = poller->set;
    poller->watched++;
    return 0;
}

int weir__poller_change(weir__poller *poller, int fd, unsigned wanted, uint64_t who)
{
    (void)poller;
    (void)wanted;
    model_fds[fd].who = who;
    return 0;
}

void weir__poller_remove(weir__poller *poller, int fd)
{
    (void)poller;
    model_fds[fd].who = 0;
}

/* ---- the bell ---- */

void weir__poller_ring(const weir__poller *poller)
{
    model_bell *const bell = &model_bells[poller->bell];

    weir_check_assert(bell->open);
    /* sync(heard): release. Pairs with the load in weir__poller_await_rings(); that the poller is
     * used no more. */
    (void)weir_atomic_fetch_add(&bell->rings, 1, WEIR_RELEASE);
}

void weir__poller_await_rings(weir__poller *poller, uint64_t rings)
{
    /* sync(heard): acquire. Pairs with weir__poller_ring(). */
    while (weir_atomic_load(&model_bells[poller->bell].rings, WEIR_ACQUIRE) < rings)
        continue;
    /* relaxed: as above. None comes that nobody knows of. */
    weir_check_assert(weir_atomic_load(&model_bells[poller->bell].rings, WEIR_RELAXED) == rings);
}

#endif /* WEIR_TESTS_MODEL_POLLER_H */
