/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/loop.h: the inside of an event loop: lib/loop.c has its turn, lib/loop_post.c and
 * lib/loop_async.c what others may do to it, lib/loop_watch.c what it tells of itself; timers are
 * in lib/timer.c, descriptors in lib/poll.c. Private. */

#ifndef WEIR_LIB_LOOP_H
#define WEIR_LIB_LOOP_H

#include "poller.h"
#include "wheel.h"

#include <weir/loop.h>
#include <weir/poll.h>
#include <weir/signal.h>

/* Of `head`: the newest job, or none, and nobody need be woken; or that the loop is asleep. A job
 * that found it asleep has that as its `next`. */
enum { WEIR__AWAKE = 0, WEIR__ASLEEP = 1 };

/* Jobs, the oldest first. */
typedef struct weir__jobs {
    weir_job *first, *last;
} weir__jobs;

/* Who has an index: 0 is nobody's. */
typedef struct weir__poll_slot {
    weir_poll *poll;     /* NULL: free */
    uint32_t generation; /* of those that had it */
    uint32_t next;       /* free ones */
} weir__poll_slot;

/* What runs, for weir_loop_busy(): by the loop's thread, and read by any. Odd: it is written. */
typedef struct weir__loop_busy {
    WEIR_ATOMIC(uint32_t) version;
    WEIR_ATOMIC(uint32_t) line;
    WEIR_ATOMIC(uint64_t) since; /* 0: nothing runs */
    WEIR_ATOMIC(uintptr_t) function;
    WEIR_ATOMIC(const char *) kind;
    WEIR_ATOMIC(const char *) name;
    WEIR_ATOMIC(const char *) file;
} weir__loop_busy;

/* Written by the loop's thread, read by any. */
typedef struct weir__loop_counts {
    WEIR_ATOMIC(uint64_t) turns;
    WEIR_ATOMIC(uint64_t) sleeps;
    WEIR_ATOMIC(uint64_t) wakes;
    WEIR_ATOMIC(uint64_t) early;
    WEIR_ATOMIC(uint64_t) posts;
    WEIR_ATOMIC(uint64_t) timers;
    WEIR_ATOMIC(uint64_t) events;
    WEIR_ATOMIC(uint64_t) deferred;
    WEIR_ATOMIC(uint64_t) slow;
    WEIR_ATOMIC(uint64_t) longest_ns;
    WEIR_ATOMIC(uint64_t) turns_by_us[WEIR_LOOP_BUCKETS];
} weir__loop_counts;

enum { WEIR__LOOP_PHASES = WEIR_LOOP_CLOSE + 1, WEIR__LOOP_RECENT = 6, WEIR__LOOP_BUFFER = 65536 };

struct weir_loop {
    /* who posts */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uintptr_t) head; /* of the posts: WEIR__AWAKE .. */
    WEIR_ATOMIC(weir_job *) recent[WEIR__LOOP_RECENT];        /* posts: lib/loop_post.c */
    WEIR_ATOMIC(uint32_t) next_recent;
    WEIR_ATOMIC(uint32_t) closed;
    /* any thread */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(size_t) holds;
    WEIR_ATOMIC(uint32_t) stopping;
    WEIR_ATOMIC(uint32_t) callers; /* of stop, and release, that have not returned */
    WEIR_ATOMIC(uintptr_t) runner; /* this_thread() of who runs it; 0: nobody */
    /* constant, but for what only the loop's thread looks at */
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_loop_options options;
    weir__poller poller;
    /* the loop's thread: */
    uint64_t now, woke;
    uint64_t callbacks; /* that have begun, but for hooks of PREPARE and CHECK */
    uint64_t missed;    /* of the timer that runs */
    uint64_t rings;     /* of the bell, that have come or are to come */
    bool dozing;        /* `head` was made WEIR__ASLEEP */
    bool draining;      /* NEXT and MICRO are run */
    bool chats;         /* posts came in this turn, or in the last */
    bool crowded;       /* many did */
    void *handle;       /* whose callback runs, or NULL */
    size_t open;        /* handles: while there are some it is not freed */
    size_t background;  /* of these: they do not keep it alive */
    size_t waiting;     /* jobs in `deferred` */
    weir__jobs posted;  /* taken from `head` */
    weir__jobs deferred[WEIR__LOOP_PHASES];
    weir__link hooks[WEIR__LOOP_PHASES];
    weir__link again;   /* polls */
    weir__link closing; /* for the CLOSE phase: finish() */
    void (*finish)(weir_loop *loop, weir__link *link);
    weir__poll_slot *slots;
    uint32_t slot_count, free_slot;
    struct weir__async_slot *free_async;
    void *buffer;         /* WEIR__LOOP_BUFFER bytes: of streams and datagrams; NULL: none yet */
    bool no_sigpipe;      /* is to be blocked while it is run */
    bool sigpipe_blocked; /* by this run */
    weir__wheel wheel;
    weir__loop_counts counts;
    weir__loop_busy busy;
};

/* ---- lists ---- */

static inline void weir__jobs_push(weir__jobs *jobs, weir_job *job)
{
    job->next = NULL;
    if (jobs->first == NULL)
        jobs->first = job;
    else
        jobs->last->next = job;
    jobs->last = job;
}

static inline weir_job *weir__jobs_pop(weir__jobs *jobs)
{
    weir_job *const job = jobs->first;

    jobs->first = job->next;
    return job;
}

static inline void weir__link_init(weir__link *link)
{
    link->next = link->prev = link;
}

static inline bool weir__link_alone(const weir__link *link)
{
    return link->next == link;
}

/* Out of its list; it is alone. */
static inline void weir__link_remove(weir__link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    weir__link_init(link);
}

/* A link that is alone, behind the last of `list`. */
static inline void weir__link_push(weir__link *list, weir__link *link)
{
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

/* All of `from` to `to`, which is initialised by it. */
static inline void weir__link_move(weir__link *from, weir__link *to)
{
    weir__link_init(to);
    if (weir__link_alone(from))
        return;
    *to = *from;
    to->next->prev = to->prev->next = to;
    weir__link_init(from);
}

/* ---- lib/loop.c ---- */

/* Before and after a callback of `handle`. */
void weir__loop_begin(weir_loop *loop, void *handle, const char *kind, void (*function)(void));
void weir__loop_end(weir_loop *loop);

bool weir__loop_is_mine(const weir_loop *loop);

/* Sees to it that there is `buffer`. Returns: 0; -ENOMEM. */
int weir__loop_make_buffer(weir_loop *loop);

/* Has SIGPIPE blocked in the thread, while the loop is run. */
void weir__loop_block_sigpipe(weir_loop *loop);

/* A handle begins, or ends, to keep the loop alive; and to exist. */
static inline void weir__loop_add(weir_loop *loop, bool background)
{
    loop->open++;
    if (WEIR_UNLIKELY(background))
        loop->background++;
}

static inline void weir__loop_drop(weir_loop *loop, bool background)
{
    loop->open--;
    if (WEIR_UNLIKELY(background))
        loop->background--;
}

static inline void weir__loop_background(weir_loop *loop, bool before, bool after)
{
    loop->background += (size_t)after - (size_t)before;
}

/* Returns: whether that deadline has passed, also since the loop has last looked at the clock. */
static inline bool weir__loop_is_late(weir_loop *loop, uint64_t deadline)
{
    return deadline == 0 || (deadline != WEIR_FOREVER && deadline <= weir_loop_update(loop));
}

/* ---- lib/loop_post.c ---- */

/* Any thread: a job, whether the loop is closed or not. */
void weir__loop_push(weir_loop *loop, weir_job *job);

/* The loop's thread: moves what was posted to `posted`, and is awake from now on.
 * Returns: whether it was asleep, and somebody has woken it, or will. */
bool weir__loop_take(weir_loop *loop);

/* The loop's thread: says that it sleeps, unless something has been posted. Returns: whether it
 * does. */
bool weir__loop_doze(weir_loop *loop);

/* Until no stop, and no release, that has ended a run touches the loop any more. */
void weir__loop_await_callers(weir_loop *loop);

/* ---- lib/loop_async.c ---- */

/* Gives the slots that it has to other loops. */
void weir__loop_spare_asyncs(weir_loop *loop);

/* Of an async whose reference nobody has had: closes it at once. */
void weir__async_abandon(weir_async *async);

/* ---- lib/loop_watch.c ---- */

void weir__loop_watch_begin(weir_loop *loop, const char *kind, void (*function)(void));
void weir__loop_watch_end(weir_loop *loop);
void weir__loop_watch_turn(weir_loop *loop, uint64_t ns);

static inline void weir__loop_count(WEIR_ATOMIC(uint64_t) * count, uint64_t n)
{
    /* relaxed: one thread writes; a number that is read while it moves. */
    weir_atomic_store(count, weir_atomic_load(count, WEIR_RELAXED) + n, WEIR_RELAXED);
}

/* ---- lib/timer.c, lib/poll.c ---- */

/* Calls what is due. */
void weir__loop_run_timers(weir_loop *loop);

/* Takes up to `n` events that the poller has, and calls for them, and for those of `again`. */
void weir__loop_run_polls(weir_loop *loop, unsigned n, weir__link *again);

/* A poll whose descriptor is no longer in the poller, or will not be. */
void weir__poll_forget(weir_poll *poll);

/* Makes a descriptor not to block. Returns: 0; a negative errno. */
int weir__poll_unblock(int fd);

/* Adds all descriptors to a new poller. Returns: 0; a negative errno. */
int weir__loop_readd_polls(weir_loop *loop);

/* ---- lib/signal.c ---- */

/* As if its signal had come. */
void weir__signal_ring(weir_signal *watcher);

#endif /* WEIR_LIB_LOOP_H */
