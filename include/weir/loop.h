/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/loop.h: an event loop: one thread that waits for everything at once, and runs callbacks one
 * after the other; work is posted to it from any thread, and from signal handlers.
 *
 * Use it when: a thread has to attend to many file descriptors, timers and messages, and no
 *              callback takes long.
 * Use weir/timer.h for its timers, weir/poll.h for file descriptors; weir/pool.h for work that
 * computes, weir/blocking.h for calls that wait.
 *
 * A loop belongs to the thread that runs it, while it is run; between two runs to whoever uses
 * it, one thread at a time. Many loops a process, one a thread.
 *
 * Who may run with whom:
 *   post, stop, hold, release, weir_async_send  any thread, any time, in a signal handler
 *   close, call, cancel, cancel_wait, stats_read, weir_loop_busy   any thread, any time
 *   new, free                                   one thread, when nobody uses the loop
 *   all others                                  the loop's thread
 *
 * A turn, in this order; after each callback the jobs deferred to NEXT and MICRO are run:
 *   1. timers that are due            in the order of their deadlines
 *   2. posts                          in the order of arrival
 *   3. IDLE jobs and hooks
 *   4. PREPARE jobs and hooks
 *   5. file descriptors               the loop sleeps here, if there is nothing else to do
 *   6. CHECK jobs and hooks
 *   7. CLOSE jobs, and callbacks of what was closed
 * Each phase runs what was there when it began: what a callback adds to its own phase comes in the
 * next turn. NEXT runs before everything else, what it adds included; then MICRO, likewise; both
 * up to a budget, as timers and posts have one, so that nobody starves the others. What is left
 * comes later, and the loop does not sleep meanwhile.
 *
 * It is alive while there is something to wait for: a timer, a hook, a file descriptor, an async
 * that are not in the background; a deferred job; a post; a hold.
 *
 * How it sleeps. Posts are a list whose head is swung by compare-and-swap; the loop takes all of
 * them by one exchange. Before it sleeps it puts a mark there, if the list is empty: whoever finds
 * the mark, and nobody else, wakes it, by a write to an eventfd that is never read. So a post to
 * a loop that is awake is one read-modify-write, and an idle loop makes no wake-ups.
 *
 * Progress:  post and weir_async_send are lock-free: a compare-and-swap is repeated only when
 *            another one succeeded; and a system call that does not block, when the loop sleeps. A
 *            thread that is stopped just before this call delays the wake-up, and with it the
 *            posts of others: until it goes on, the loop sleeps on, or until something else wakes
 *            it. stop, hold and release likewise. call and cancel_wait block on the loop. The
 *            loop's thread waits for nobody, but in its poll; free, for such a stopped thread.
 * Ordering:  what happens before a post, or a send, is visible to the callback; what happens
 *            before a release, or a stop, to who returns from the run that it ends. Posts of one
 *            thread come in their order, and any two of which one returned before the other began.
 * Memory:    what is posted, deferred or started is the caller's, and nothing is allocated for it.
 *            A loop takes some 80 KiB, mostly its timer wheel, and three descriptors at most; 16
 *            bytes for each watched descriptor, doubled when there is no room. An async
 *            takes 64 bytes, which go back to a list of the process's, not to the allocator.
 * Signals:   post, stop, hold, release and weir_async_send are async-signal-safe, and keep errno.
 * Fork:      in the child a loop is of no use until weir_loop_fork(), also for stopping what is
 *            watched; one that nothing is open of may be freed. Fork in the loop's thread, or while
 *            it is not run.
 * Errors:    no callback may leave by longjmp(3), or a C++ exception. What only a mistake in the
 *            program explains, and no later call would tell, ends the process with a sentence: a
 *            low mark above the high one, a release too many. The headers on top of this do so too.
 * Edges:
 *   posted   post, send -> take          carries the job, and what was before
 *   called   stop, release -> sleep      carries the flag, the number of holds
 *   gone     stop, release -> free       carries that they use the loop no more
 *   turned   the end of a run -> the next run    carries the loop
 *   rung     send -> arrival             carries what was before each send
 *   arrived  arrival -> the next send    carries the slot's job
 *   opened   init -> send, close -> init   carries a slot of an async
 *   busy     a callback's begin -> weir_loop_busy    carries which
 *
 * Sources: the phases: libuv, "Design overview", https://docs.libuv.org/en/v1.x/design.html, and
 * Node.js, "The event loop",
 * https://nodejs.org/learn/asynchronous-work/event-loop-timers-and-nexttick; the list that is taken
 * whole: R. K. Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986; the
 * sleeper's mark in the word that who wakes has to change anyway: as the state of a futex in U.
 * Drepper, "Futexes Are Tricky", 2011, https://www.akkadia.org/drepper/futex.pdf. */

#ifndef WEIR_LOOP_H
#define WEIR_LOOP_H

#include <weir/atomic.h>
#include <weir/base.h>
#include <weir/clock.h>
#include <weir/job.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_loop weir_loop;

/* What has run for long. */
typedef struct weir_loop_report {
    const char *kind;       /* "timer", "post", "poll", and so on */
    const char *name;       /* of what runs, and where that was said: weir_loop_site(); or NULL */
    const char *file;       /* the same */
    unsigned line;          /* the same */
    void (*function)(void); /* the callback */
    uint64_t ns;            /* how long it has run */
    bool running;           /* still; false: it has returned */
} weir_loop_report;

/* Starts as {0}, or WEIR_LOOP_OPTIONS_INIT: all that is said below of 0. */
typedef struct weir_loop_options {
    unsigned timers;   /* called in a turn, at most; 0: 1024 */
    unsigned posts;    /* run in a turn, at most; 0: 1024 */
    unsigned deferred; /* of NEXT and MICRO, run after a callback, at most; 0: 1024 */
    unsigned events;   /* of descriptors, taken in a turn, at most; 0: 256 */
    bool embedded;     /* another loop watches weir_loop_fd() */
    bool measured;     /* how long it is awake between two sleeps: a look at the clock each */

    /* A callback has run for `slow_ns` or longer, and has returned. 0: nobody looks: it costs
     * two looks at the clock for each callback. The report is good until it returns. */
    uint64_t slow_ns;
    void (*slow)(void *context, const weir_loop_report *report);
    /* A job of the loop has returned `status`, not 0, and nobody waits for it, as for a call. The
     * job is there if its function has left it there. */
    void (*failed)(void *context, weir_job *job, int status);
    /* A job will not be run: the loop is freed. It is its owner's again. Who waits for a call gets
     * -ECANCELED, and this is not called. */
    void (*discarded)(void *context, weir_job *job);
    /* The time, in ns; it never goes back. NULL: weir_clock_now(). With a clock of one's own the
     * loop does not sleep until a timer is due, but until something else happens: who moves the
     * clock wakes it. For tests. */
    uint64_t (*now)(void *context);
    void *context;
} weir_loop_options;

#define WEIR_LOOP_OPTIONS_INIT                                    \
    {                                                             \
        0, 0, 0, 0, false, false, 0, NULL, NULL, NULL, NULL, NULL \
    }

typedef enum weir_loop_until {
    WEIR_LOOP_IDLE,   /* until it is no longer alive, or stopped */
    WEIR_LOOP_STOPPED /* until it is stopped */
} weir_loop_until;

typedef enum weir_loop_phase {
    WEIR_LOOP_NEXT,  /* right after the callback that runs */
    WEIR_LOOP_MICRO, /* when no NEXT is left */
    WEIR_LOOP_IDLING,
    WEIR_LOOP_PREPARE,
    WEIR_LOOP_CHECK,
    WEIR_LOOP_CLOSE
} weir_loop_phase;

/* Of a histogram: times awake of less than 2^(i + 1) us, and not less than 2^i (the first: 0); the
 * last: of all more. */
#define WEIR_LOOP_BUCKETS 24

/* What a loop has done since it was made; numbers of different moments. */
typedef struct weir_loop_stats {
    uint64_t turns;
    uint64_t sleeps; /* in its poll */
    uint64_t wakes;  /* of these ended by a post, a send, a stop, the last release */
    uint64_t early;  /* of these ended for nothing: a signal, a timer that had been moved */
    uint64_t posts, timers, events, deferred; /* run, called, taken, run */
    uint64_t slow;                            /* callbacks that took slow_ns or longer */
    uint64_t longest_ns;                      /* of the callbacks, where slow_ns is set */
    uint64_t turns_by_us[WEIR_LOOP_BUCKETS];  /* the time awake; where `measured` is set */
} weir_loop_stats;

/* Private: a place in one of the loop's lists. */
typedef struct weir__link {
    struct weir__link *next, *prev;
} weir__link;

/* Called in its phase in each turn. Embedded in what it is for. */
typedef struct weir_hook {
    weir__link link;
    weir_loop *loop;
    void (*call)(struct weir_hook *hook);
    uint8_t phase, running, background;
} weir_hook;

/* Wakes a loop from any thread: many sends may come as one call. */
typedef struct weir_async {
    weir_loop *loop;
    void (*call)(struct weir_async *async);
    void (*closed)(struct weir_async *async);
    struct weir__async_slot *slot;
    bool background;
} weir_async;

/* Says which async is meant, also when that is closed and its memory gone. May be copied. */
typedef struct weir_async_ref {
    struct weir__async_slot *slot;
    uint64_t generation;
} weir_async_ref;

/* Who takes something back from a loop, from another thread. The caller's; see
 * weir_timer_cancel(), weir_poll_cancel(). */
typedef struct weir_canceller {
    weir_call call;
    void *handle;
    int (*stop)(void *handle);
} weir_canceller;

/* ---- life ---- */

/* Makes a loop. `options` may be NULL; they are copied.
 * Returns: 0 and *loop; -ENOMEM; -EMFILE, -ENFILE: no descriptors are left. On failure *loop is
 * untouched. */
WEIR_API int weir_loop_new(weir_loop **loop, const weir_loop_options *options) WEIR_NODISCARD;

/* Refuses posts from now on. What has been posted is run. May be called again.
 * Progress: lock-free. */
WEIR_API void weir_loop_close(weir_loop *loop);

/* Frees a loop; NULL is ignored. Jobs that were posted or deferred, and have not run, are
 * discarded. Waits for who has posted something, or has ended the run by a stop or a release, and
 * is still about to wake the loop.
 * Returns: 0; -EBUSY: it is run, or has active timers, polls, hooks, or asyncs that are not
 * closed: nothing was done. */
WEIR_API int weir_loop_free(weir_loop *loop);

/* In the child of a fork: makes the loop usable there. It has what it had; events, and wake-ups,
 * go to each process for itself.
 * Returns: 0; -EMFILE, -ENFILE, -ENOMEM, or -EBADF if a watched descriptor was closed: the loop
 * may be freed, or this tried again. */
WEIR_API int weir_loop_fork(weir_loop *loop) WEIR_NODISCARD;

/* ---- run ---- */

/* Makes one turn: sleeps, if there is nothing to do, until there is, or the deadline has come. (If
 * it was woken by a timer or a post, which come first in a turn, it makes another one. Hooks of
 * PREPARE and CHECK are nothing to do.) Sleeps also if it is not alive: somebody may post.
 * `deadline`: absolute, ns, of the loop's clock; 0 or past: does not sleep.
 * Returns: 0; -ETIMEDOUT: nothing was to be done before the deadline; -ECANCELED: stopped; -EBUSY:
 * another thread runs it; -EDEADLK: this one does, in a callback. */
WEIR_API int weir_loop_turn(weir_loop *loop, uint64_t deadline);

/* Makes turns until the loop is not alive any more, or only until it is stopped. `deadline`: as
 * above; 0 or past: makes no turn.
 * Returns: 0: it is not alive; -ECANCELED: stopped; -ETIMEDOUT; -EBUSY, -EDEADLK as above. */
WEIR_API int weir_loop_run(weir_loop *loop, weir_loop_until until, uint64_t deadline);

/* Ends the run, when the callbacks of its turn have returned and what was posted before has been
 * run; if there is none, the next one, before its first turn. Progress: lock-free, and a system
 * call if the loop sleeps. */
WEIR_API void weir_loop_stop(weir_loop *loop);

/* Keeps a loop alive, until as many releases. Threads: any. */
WEIR_API void weir_loop_hold(weir_loop *loop);
WEIR_API void weir_loop_release(weir_loop *loop);

/* ---- work ---- */

/* Has the loop run a job, which weir_job_init() made, or weir_call_init().
 * Returns: 0; -EPIPE after weir_loop_close(): the job is still the caller's.
 * Complexity: one read-modify-write, and a system call if the loop sleeps. */
WEIR_API int weir_loop_post(weir_loop *loop, weir_job *job) WEIR_NODISCARD;

/* Has the loop run a call, and waits for its end; in the thread that runs the loop, runs it. While
 * nobody runs the loop it waits.
 * Returns: as weir_call_get(), which is for going on after -ETIMEDOUT or -ECANCELED; -EPIPE as
 * above. Progress: blocking, on the loop. */
WEIR_API int weir_loop_call(weir_loop *loop, weir_call *call, uint64_t deadline,
                            weir_cancel *cancel) WEIR_NODISCARD;

/* Has the loop run a job in that phase, once. Threads: the loop's. Progress: wait-free. */
WEIR_API void weir_loop_defer(weir_loop *loop, weir_job *job, weir_loop_phase phase);

static inline void weir_loop_next(weir_loop *loop, weir_job *job)
{
    weir_loop_defer(loop, job, WEIR_LOOP_NEXT);
}

static inline void weir_loop_micro(weir_loop *loop, weir_job *job)
{
    weir_loop_defer(loop, job, WEIR_LOOP_MICRO);
}

static inline void weir_loop_check(weir_loop *loop, weir_job *job)
{
    weir_loop_defer(loop, job, WEIR_LOOP_CHECK);
}

/* ---- hooks ---- */

/* Makes a hook for IDLING, PREPARE or CHECK. */
WEIR_API void weir_hook_init(weir_hook *hook, weir_loop *loop, weir_loop_phase phase,
                             void (*call)(weir_hook *hook));

/* Has it called in each turn, from now on. While there is one for IDLING the loop does not sleep.
 * `background`: it does not keep the loop alive. Started twice, the later call counts. */
WEIR_API void weir_hook_start(weir_hook *hook, bool background);

/* Ends that at once, also within the phase. The memory is the caller's.
 * Returns: whether it was started. */
WEIR_API bool weir_hook_stop(weir_hook *hook);

/* ---- asyncs ---- */

/* Makes an async, which is open from now on. `background`: it does not keep the loop alive.
 * Returns: 0; -ENOMEM. */
WEIR_API int weir_async_init(weir_async *async, weir_loop *loop, void (*call)(weir_async *async),
                             bool background) WEIR_NODISCARD;

/* What other threads send to. */
WEIR_API weir_async_ref weir_async_reference(const weir_async *async);

/* Has the loop call it: once for all sends that come before it is called.
 * Returns: 0; -ESTALE: it was closed, and perhaps its memory, or its loop, freed: nothing was done.
 * Complexity: one read-modify-write; the first one a post. */
WEIR_API int weir_async_send(weir_async_ref to);

/* Closes it: it is not called any more. closed(), unless NULL, is called in the CLOSE phase, when
 * no send is under way any more; from then on the memory is the caller's.
 * Returns: 0; -EALREADY. Threads: the loop's. */
WEIR_API int weir_async_close(weir_async *async, void (*closed)(weir_async *async));

/* ---- cancel, from other threads ---- */

/* Called by the typed wrappers of each kind. */
WEIR_API int weir__loop_cancel(weir_canceller *canceller, weir_loop *loop, void *handle,
                               int (*stop)(void *handle));
WEIR_API int weir__loop_cancel_wait(weir_canceller *canceller, weir_loop *loop, void *handle,
                                    int (*stop)(void *handle), uint64_t deadline,
                                    weir_cancel *cancel);

/* Waits for the end of a cancel. Returns: 0: it was stopped, and will not be called; -EALREADY: it
 * was not active; -ETIMEDOUT, -ECANCELED: it goes on, and must be waited for again; -EPIPE: the
 * loop was closed, -ECANCELED for good if it was freed. Whoever has 0 or -EALREADY knows that its
 * callback does not run. Progress: blocking, on the loop. */
WEIR_NODISCARD static inline int weir_canceller_wait(weir_canceller *canceller, uint64_t deadline,
                                                     weir_cancel *cancel)
{
    return weir_call_get(&canceller->call, deadline, cancel);
}

/* ---- queries ---- */

/* The loop's time, ns: of the last look at the clock, after its poll. Threads: the loop's. */
WEIR_API uint64_t weir_loop_now(const weir_loop *loop);

/* Looks at the clock: for callbacks that take long. Returns: the time. */
WEIR_API uint64_t weir_loop_update(weir_loop *loop);

/* Returns: whether there is something to wait for. Threads: the loop's. */
WEIR_API bool weir_loop_alive(const weir_loop *loop);

/* Returns: the loop that the calling thread runs, the innermost; or NULL. */
WEIR_API weir_loop *weir_loop_self(void);

/* Returns: when the next turn is due, if nothing else happens: 0: now; WEIR_FOREVER. For who has
 * another way to wait. Threads: the loop's. */
WEIR_API uint64_t weir_loop_deadline(const weir_loop *loop);

/* Returns: a descriptor that is readable when an embedded loop has something to do: whoever sees
 * that makes a turn, with deadline 0. It belongs to the loop. It says what was to do at the
 * end of the last turn, or at the last call of this, and what has been posted or has come since:
 * who, outside of a turn, starts or defers something, closes it or goes on with it, calls this
 * again. */
WEIR_API int weir_loop_fd(weir_loop *loop);

/* Says what the callback that runs is doing, for reports of slow ones; strings that stay where
 * they are. */
WEIR_API void weir_loop_site(weir_loop *loop, const char *name, const char *file, unsigned line);
#define WEIR_LOOP_SITE(loop, name) weir_loop_site((loop), (name), __FILE__, (unsigned)__LINE__)

/* What runs now, if that began `ns` ago or earlier: for a thread, or another loop's timer, that
 * watches over this one. Needs slow_ns.
 * Returns: true and *report. Threads: any; not in a signal handler. Progress: blocking, for the few
 * stores by which the loop's thread says that a callback begins, or ends. */
WEIR_API bool weir_loop_busy(weir_loop *loop, uint64_t ns, weir_loop_report *report);

/* Tells what the loop has done. Progress: wait-free. */
WEIR_API void weir_loop_stats_read(weir_loop *loop, weir_loop_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_LOOP_H */
