/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/terminal.h: terminals for an event loop: a descriptor of one's own, modes that are put back
 * exactly, the size.
 *
 * Use it when: a program with a loop reads keys, or writes to a terminal, which it shares with the
 *              shell that has started it.
 * Use weir/stream.h (WEIR_STREAM_FILE) to read and write what weir_terminal_reopen() gives;
 * weir/signal.h for SIGWINCH, which says that the size is another one, and SIGCONT, after which the
 * mode has to be set again.
 *
 * Who may run with whom:
 *   init, set   one thread at a time
 *   reopen      any thread
 *   restore     any thread, any time after init, in a signal handler
 *   is, size    any thread, any time, in a signal handler
 *
 * A stream makes its descriptor not to block, and with it each that shares the open file: of
 * descriptor 0 that is the shell's, which does not expect it. weir_terminal_reopen() opens the
 * terminal anew: a file of one's own. The mode belongs to the terminal, not to the file: it is set
 * by any descriptor of it, and stays when the program ends, however that comes. So
 * weir_terminal_restore() is to be called at exit (atexit(3)), and in the handlers of signals that
 * end or stop the program.
 *
 * Progress:  each function makes a few system calls, of which none waits for the terminal.
 * Ordering:  none.
 * Memory:    weir_terminal is the caller's; nothing is allocated. What restore needs is written by
 *            init, and not changed after it.
 * Signals:   restore, is and size are async-signal-safe, and keep errno. SIGTTOU does not come: a
 *            program in the background may not change what the foreground uses, and is
 *            refused. (It may come if it is put there in that moment.) A handler that restores
 *            and returns into the middle of a set is undone by that: block its signal around it.
 * Fork:      in the child all of it is as in the parent.
 * Edges:     none.
 *
 * Source: the modes: IEEE Std 1003.1-2017, chapter 11, "General Terminal Interface",
 * https://pubs.opengroup.org/onlinepubs/9699919799/basedefs/V1_chap11.html. */

#ifndef WEIR_TERMINAL_H
#define WEIR_TERMINAL_H

#include <weir/base.h>

#include <termios.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef enum weir_terminal_mode {
    WEIR_TERMINAL_NORMAL, /* as it was at init */
    WEIR_TERMINAL_CBREAK, /* keys come at once, and are not shown; control-C and its like work */
    WEIR_TERMINAL_RAW     /* every byte comes, and goes, as it is */
} weir_terminal_mode;

typedef struct weir_terminal {
    struct termios before; /* constant after init */
    int fd;                /* the same */
} weir_terminal;

/* ---- operations ---- */

/* Returns: whether it is a descriptor of a terminal. */
WEIR_API bool weir_terminal_is(int fd);

/* Opens the terminal of a descriptor anew, for reading and writing, by /proc: it does not block, is
 * closed on exec, and is the caller's, for weir_stream_open(), or to be closed.
 * Returns: a descriptor; -EBADF; -ENOTTY: no terminal; -EINVAL: the other side of a
 * pseudo-terminal, of which there is one; -EACCES: of another user (after su(1)): share it
 * then; -ENOENT: /proc is not there; -EMFILE, or another negative errno of open(2). */
WEIR_API int weir_terminal_reopen(int fd) WEIR_NODISCARD;

/* Remembers the mode that a terminal has. `fd` stays the caller's, and is to stay open as long as
 * the others are called.
 * Returns: 0; -EBADF; -ENOTTY; -EIO: it was hung up. */
WEIR_API int weir_terminal_init(weir_terminal *terminal, int fd) WEIR_NODISCARD;

/* Changes the mode, from what it was at init; what has been written, or typed, stays.
 * Returns: 0; -EBUSY: it is the process's own terminal, and another process group is in the
 * foreground: nothing was done; -EIO: it was hung up; -EBADF. */
WEIR_API int weir_terminal_set(weir_terminal *terminal, weir_terminal_mode mode) WEIR_NODISCARD;

/* Puts back the mode that it had at init; may be called again. Keeps errno. Returns: as set. */
WEIR_API int weir_terminal_restore(const weir_terminal *terminal);

/* Tells the size, in characters; 0: nobody has said it. Either pointer may be NULL.
 * Returns: 0; -EBADF; -ENOTTY; -EIO. On failure they are untouched. */
WEIR_API int weir_terminal_size(int fd, unsigned *columns, unsigned *rows) WEIR_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif /* WEIR_TERMINAL_H */
