/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/poll.h: file descriptors that an event loop watches: a call when one becomes ready.
 *
 * Use it when: another library has descriptors of its own, or you talk to the kernel by
 *              yourself.
 * Use weir/stream.h for sockets, pipes and terminals.
 *
 * Who may run with whom: all of them are for the loop's thread, but cancel and cancel_wait, which
 *   any other may call.
 *
 * A poll is called when its descriptor *becomes* ready, once: read, or write, until that says
 * EAGAIN (of a TCP socket a short count says the same; of a Unix socket a short read may have
 * stopped at bytes that descriptors came along with), or weir_poll_again() if something is left. So
 * try first: it is mostly ready, and only then wait for the call. That costs one system
 * call for a descriptor, ever, and not two for each message. With WEIR_POLL_LEVEL it is called in
 * each turn in which the descriptor *is* ready, for libraries that need that; each change of what
 * is wanted is a system call then.
 *
 * Progress:  all of them are wait-free, with a system call that does not block in start and stop.
 *            cancel is lock-free; cancel_wait blocks on the loop.
 * Ordering:  none: one thread. Of cancel and cancel_wait: weir/loop.h.
 * Memory:    the caller's, from start to stop. start may allocate: weir/loop.h.
 * Errors:    stop a poll before its descriptor is closed. One that is closed first is not called
 *            any more, as long as no other descriptor of the file is open; but a stop that comes
 *            after the number was given to another one, which is watched too, takes that out. The
 *            same file may not be watched twice by one loop: dup(2) makes two of it.
 * Edges:     weir/loop.h.
 *
 * Source: D. Libenzi, "Improving (network) I/O performance", 2002,
 * http://www.xmailserver.org/linux-patches/nio-improve.html (epoll). */

#ifndef WEIR_POLL_H
#define WEIR_POLL_H

#include <weir/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

enum {
    WEIR_POLL_READ = 1,     /* there is something to read, or the end of it */
    WEIR_POLL_WRITE = 2,    /* there is room */
    WEIR_POLL_PRIORITY = 4, /* out-of-band data, and what else POLLPRI is said of */
    WEIR_POLL_END = 8,      /* the other side writes no more; told with READ */
    WEIR_POLL_ERROR = 16,   /* told always: as is the next: */
    WEIR_POLL_HANGUP = 32,  /* both sides write no more */
    WEIR_POLL_LEVEL = 64    /* of start: as long as it is ready */
};

/* Embedded in what it is for. */
typedef struct weir_poll {
    weir__link again; /* of those that are called in the next turn */
    weir_loop *loop;
    void (*call)(struct weir_poll *poll, unsigned ready);
    int fd;
    uint32_t index;       /* of the loop's table; 0: not started */
    uint8_t wanted, left; /* left: to be told in the next turn */
    uint8_t held;         /* became ready when it was not wanted */
    bool background;
    bool inner; /* part of something of the library's */
} weir_poll;

/* ---- operations ---- */

/* Makes a poll that is not started. The descriptor should not block; it stays the caller's. */
WEIR_API void weir_poll_init(weir_poll *poll, weir_loop *loop, int fd,
                             void (*call)(weir_poll *poll, unsigned ready));

/* Starts it; if it is started, changes what is wanted: READ, WRITE, PRIORITY, and LEVEL as it was.
 * Without LEVEL a change is no system call: what became ready when it was not wanted is told in
 * the next turn. What is ready at the first start counts as having become so.
 * Returns: 0; -EBADF; -EPERM: a regular file, or another one that is always ready; -EEXIST: another
 * poll of this loop watches it; -ENOMEM, -ENOSPC: no memory, or more than the user may watch;
 * -EINVAL: something else in `wanted`. */
WEIR_API int weir_poll_start(weir_poll *poll, unsigned wanted) WEIR_NODISCARD;

/* Stops it: it is not called any more, also not in this turn.
 * Returns: whether it was started. */
WEIR_API bool weir_poll_stop(weir_poll *poll);

/* Has it called in the next turn, with these (in this one, if the descriptors are still to come):
 * somebody has not read, or written, till the end. If it is not started, does nothing. */
WEIR_API void weir_poll_again(weir_poll *poll, unsigned ready);

/* Says whether it keeps the loop alive (false: as after init). */
WEIR_API void weir_poll_background(weir_poll *poll, bool background);

/* ---- from other threads ---- */

WEIR_API int weir__poll_cancelled(void *poll);

/* As weir_timer_cancel() and weir_timer_cancel_wait(). */
static inline int weir_poll_cancel(weir_poll *poll, weir_canceller *canceller)
{
    return weir__loop_cancel(canceller, poll->loop, poll, weir__poll_cancelled);
}

WEIR_NODISCARD static inline int weir_poll_cancel_wait(weir_poll *poll, weir_canceller *canceller,
                                                       uint64_t deadline, weir_cancel *cancel)
{
    return weir__loop_cancel_wait(canceller, poll->loop, poll, weir__poll_cancelled, deadline,
                                  cancel);
}

/* ---- queries ---- */

/* Returns: whether it is started. */
WEIR_API bool weir_poll_is_started(const weir_poll *poll);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_POLL_H */
