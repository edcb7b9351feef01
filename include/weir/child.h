/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/child.h: child processes of an event loop: started, signalled, and waited for.
 *
 * Use it when: a loop (weir/loop.h) runs other programs.
 * Use posix_spawn(3) and waitpid(2) where a thread may wait.
 *
 * Who may run with whom: all of it is for the loop's thread.
 *
 * A child is waited for by its own descriptor (pidfd_open(2), Linux 5.3), or where the kernel has
 * none by SIGCHLD; never by waitpid(-1), which would take the children of others. So the program
 * may have children that weir does not know of; but who waits for all of them, or ignores SIGCHLD,
 * takes weir's: `ended` gets -ECHILD then, and no status.
 *
 * Progress:  start waits until the child has begun to run its program, or failed to. Nothing else
 *            blocks.
 * Ordering:  one thread.
 * Memory:    the caller's, from start until `ended` has been called. start allocates for as long
 *            as it runs.
 * Signals:   where SIGCHLD has to do, one thread of the program must not block it.
 *            The child begins with no signal blocked, and those that the program handles at their
 *            defaults; those that it ignores stay ignored, but for SIGPIPE.
 * Errors:    a child always comes to `ended`: there is no way to forget one.
 * Fork:      a child of fork(2) is not told of its parent's children.
 * Edges:     weir/loop.h.
 *
 * Source: C. Brauner, "pidfds: Process file descriptors on Linux", Linux Plumbers 2019. */

#ifndef WEIR_CHILD_H
#define WEIR_CHILD_H

#include <weir/loop.h>
#include <weir/poll.h>
#include <weir/signal.h>

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

enum {
    WEIR_CHILD_INHERIT = -1, /* the descriptor of that number, as it is */
    WEIR_CHILD_NULL = -2     /* /dev/null */
};

/* Starts as WEIR_CHILD_OPTIONS_INIT. */
typedef struct weir_child_options {
    const char *file;         /* looked for in PATH, unless it has a slash */
    char *const *arguments;   /* the name first, NULL last; NULL: the file's name alone */
    char *const *environment; /* NULL: the program's */
    const char *directory;    /* NULL: the program's */
    int fds[3];               /* for 0, 1 and 2: a descriptor, or WEIR_CHILD_... */
    const int *more_fds;      /* for 3, 4, and so on: as in `fds` */
    unsigned more_count;
    bool session;    /* it leads a session of its own, without a terminal */
    bool background; /* it does not keep the loop alive */
} weir_child_options;

#define WEIR_CHILD_OPTIONS_INIT                                                               \
    {                                                                                         \
        NULL, NULL, NULL, NULL, {WEIR_CHILD_INHERIT, WEIR_CHILD_INHERIT, WEIR_CHILD_INHERIT}, \
            NULL, 0, false, false                                                             \
    }

/* Embedded in what it is for. */
typedef struct weir_child {
    weir_poll poll;      /* its descriptor, or -1 */
    weir_signal sigchld; /* where there are none */
    void (*ended)(struct weir_child *child, int status);
    pid_t pid;
    int status;
    bool running, polled;
} weir_child;

/* ---- operations ---- */

/* Starts a child. `ended` gets its status, as waitpid(2) gives it (WIFEXITED() and so on), or
 * -ECHILD: somebody else has waited for it. What it has written into a pipe may be still to read
 * then, and the pipe's end may be still to come, from children of its own that have it open.
 * Returns: 0; -ENOENT, -EACCES, or another negative errno of execve(2), chdir(2): then there was
 * none; -EAGAIN, -ENOMEM of fork(2); -EMFILE; -EINVAL: no file. */
WEIR_API int weir_child_start(weir_child *child, weir_loop *loop, const weir_child_options *options,
                              void (*ended)(weir_child *child, int status)) WEIR_NODISCARD;

/* Sends it a signal: to this child, never to another process that has its number since.
 * Returns: 0; -ESRCH: it has ended; -EINVAL, -EPERM. */
WEIR_API int weir_child_kill(weir_child *child, int number);

/* Returns: its number; 0: it has ended. With `session` it is also its group's, for kill(2) with
 * -pid, which reaches what the child has started, too. Look at it first: kill(2) takes -0 for the
 * caller's own group. */
WEIR_API pid_t weir_child_pid(const weir_child *child);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_CHILD_H */
