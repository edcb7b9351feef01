/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/observe.h: a trace: who ran what, in which thread, when; written as a file that
 * chrome://tracing and https://ui.perfetto.dev open.
 *
 * Use it when: you want to see how tasks were spread over threads, and where they waited.
 * Use weir/counter.h instead for numbers that are watched all the time; a profiler, to learn
 * which function takes the time.
 *
 * Each thread writes its events into a ring of its own, and overwrites the oldest; a reader
 * takes what has certainly not been overwritten meanwhile. The hooks in the library
 * (WEIR_TRACE_BEGIN and its kin) are nothing unless it was configured with --enable-trace;
 * weir_trace_event() is always there, so a program's own tasks are seen with any library.
 *
 * Who may run with whom: events and weir_trace_stop() with everything. Of start, write, lost and
 *   free one runs at a time; another one says -EBUSY.
 *
 * Progress:  an event is wait-free, but for a thread's first one after a start, which allocates,
 *            and is lock-free if the allocator is. So are stop and name_thread, always. The
 *            others wait for nobody; a write, for the file. A thread that is stopped in one of
 *            them holds up no event: the others are refused until it goes on.
 * Ordering:  none: an event orders nothing but itself. A write has all events that happened
 *            before it and were not overwritten, and perhaps some that run at the same time.
 * Memory:    32 bytes for each of a thread's events, taken in one piece with its first event
 *            after a start. Where there is no memory the events of that thread are lost, and
 *            counted, until the next start. A ring outlives its thread: weir_trace_free() or the
 *            next start gives it back. One whose thread goes on is given back by that thread:
 *            with its next first event, or at its end.
 *            Names are not copied: they stay where they are until the last write.
 * Signals:   a handler must not record events: it may have interrupted one.
 * Fork:      the child begins without a trace, as if nothing had ever been started; its next
 *            start, or weir_trace_free(), gives back what it inherited.
 * Edges:
 *   started   start -> event            carries the thread-specific key
 *   happened  event -> write            carries the event, and what its name points to
 *   begun     event -> write            carries that a later event overwrites this one
 *   named     name_thread -> write      carries what the name points to
 *   listed    first event -> write, lost, free   carries the ring's constants
 *   let-go    thread, free -> the other of them  carries the last use of the ring
 *   control   start, write, lost, free -> the next of them
 *                                   carries the plain variables of the library
 *
 * Sources: the discipline of begun and done counts around a ring: L. Lamport, "Concurrent
 * Reading and Writing", CACM 20(11), 1977, doi:10.1145/359863.359878; how to write it in C11's
 * orders: H.-J. Boehm, "Can Seqlocks Get Along With Programming Language Memory Models?", MSPC
 * 2012, doi:10.1145/2247684.2247688; the file: "Trace Event Format", Google, 2016,
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU */

#ifndef WEIR_OBSERVE_H
#define WEIR_OBSERVE_H

#include <weir/atomic.h>
#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* Most events of a thread that a ring can be made for. */
#define WEIR_TRACE_EVENTS_MAX ((size_t)1 << 24)

/* The letters of the file's format. */
typedef enum weir_trace_kind {
    WEIR_TRACE_KIND_BEGIN = 'B',  /* of something that its thread ends, the last begun first */
    WEIR_TRACE_KIND_END = 'E',    /* of the last that its thread has begun */
    WEIR_TRACE_KIND_INSTANT = 'i' /* something without a length */
} weir_trace_kind;

/* ---- private ---- */

/* 0: nothing is recorded; else which start this is, and the size of a ring. */
extern WEIR_API WEIR_ATOMIC(uint64_t) weir__trace_session;

WEIR_API void weir__trace_record(weir_trace_kind kind, const char *name, uintptr_t id);

/* ---- recording ---- */

/* Begins to record, with room for the last `events` events of each thread, rounded up to a power
 * of two. What an earlier trace recorded is given up.
 * Returns: 0; -EINVAL: none, or more than WEIR_TRACE_EVENTS_MAX; -EBUSY: it records already, or
 * another thread is in start, write, lost or free; -EAGAIN, -ENOMEM: no key for the ends of
 * threads, no handler of fork: nothing was done. */
WEIR_API int weir_trace_start(size_t events) WEIR_NODISCARD;

/* Ends it; what was recorded stays. Events that run at the same time may still be recorded.
 * Progress: wait-free. */
WEIR_API void weir_trace_stop(void);

/* Stops, and gives back what was recorded.
 * Returns: 0; -EBUSY: another thread is in start, write, lost or free: it was stopped only. */
WEIR_API int weir_trace_free(void);

/* Records an event of this thread, now, if a trace was started. `name` stays where it is until
 * the last write: a string constant. `id` says which, of those with the same name.
 * Complexity: not started: a relaxed load and a branch; else a look at the clock, six stores. */
static inline void weir_trace_event(weir_trace_kind kind, const char *name, uintptr_t id)
{
    /* relaxed: whether to look closer. */
    if (WEIR_UNLIKELY(weir_atomic_load(&weir__trace_session, WEIR_RELAXED) != 0))
        weir__trace_record(kind, name, id);
}

/* What this thread is called in the file, from now on, in any trace; NULL: by its number. `name`
 * stays where it is, as in weir_trace_event(). Progress: wait-free. */
WEIR_API void weir_trace_name_thread(const char *name);

/* ---- reading ---- */

/* Writes what is there as JSON, to a file that is made or overwritten. Recording may go on: what
 * is overwritten before the writer comes to it counts as overwritten in the file.
 * Returns: 0; -EBUSY: another thread is in start, write, lost or free; the negative errno of
 * open(2), write(2) or close(2): the file may then have a part of it.
 * Progress: blocking, on the file. */
WEIR_API int weir_trace_write(const char *path) WEIR_NODISCARD;

/* The same, to an open file, which stays open. A descriptor that would block: -EAGAIN. */
WEIR_API int weir_trace_write_fd(int fd) WEIR_NODISCARD;

/* How many events of this trace are not to be had any more: overwritten by later ones, up to
 * now; refused, since there was no memory for a ring, or the thread had come to its end. Either
 * pointer may be NULL. Exact if nobody records. Returns: 0; -EBUSY as above. */
WEIR_API int weir_trace_lost(uint64_t *overwritten, uint64_t *refused) WEIR_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif /* WEIR_OBSERVE_H */

/* ---- hooks ----
 *
 * For code that is to cost nothing by default: nothing, and the arguments are not evaluated,
 * unless WEIR_TRACE is defined to be 1. Each inclusion looks anew, as that of <assert.h> does.
 * Not for inline functions in headers, which would then differ from file to file. */

#undef WEIR_TRACE_BEGIN
#undef WEIR_TRACE_END
#undef WEIR_TRACE_INSTANT
#if defined(WEIR_TRACE) && WEIR_TRACE + 0 == 1
#define WEIR_TRACE_BEGIN(name, id) weir_trace_event(WEIR_TRACE_KIND_BEGIN, name, (uintptr_t)(id))
#define WEIR_TRACE_END(name, id) weir_trace_event(WEIR_TRACE_KIND_END, name, (uintptr_t)(id))
#define WEIR_TRACE_INSTANT(name, id) \
    weir_trace_event(WEIR_TRACE_KIND_INSTANT, name, (uintptr_t)(id))
#else
#define WEIR_TRACE_BEGIN(name, id) ((void)0)
#define WEIR_TRACE_END(name, id) ((void)0)
#define WEIR_TRACE_INSTANT(name, id) ((void)0)
#endif
