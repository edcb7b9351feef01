/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stream.h: bytes that come and go by an event loop: connections of TCP and of Unix sockets,
 * pipes, terminals; and listeners, which accept connections.
 *
 * Use it when: a loop (weir/loop.h) talks to somebody over something that has an order but no
 *              messages.
 * Use weir/poll.h where another library reads and writes; weir/dial.h to get connected.
 *
 * Who may run with whom: all of it is for the loop's thread. A stream that another thread has
 *   something to send over gets it by a post.
 *
 * Reading. Between weir_stream_read() and weir_stream_pause() what comes is given to the call
 * `read`, in a buffer that is good until it returns: the loop's own, or one that the call `buffer`
 * gives. Who cannot take more pauses: then the kernel's buffer fills up, and the other side waits.
 * Or the stream stays paused, and weir_stream_try_read() is called. Descriptors that come along
 * with bytes of a Unix socket (SCM_RIGHTS) are closed by the kernel.
 *
 * Writing. weir_stream_write() gives the kernel what it takes, at once; what it does not take
 * stands in a queue of the stream's, and goes on as there is room. The queue has two marks: above
 * the high one the stream is full, which is told to who writes and asks; when it has come down to
 * the low one, `drained` is called. Nobody is refused for it: who ignores the marks needs
 * memory.
 *
 * No call comes from inside of a function of this header. What ends at once says so by what it
 * returns, and is not told again.
 *
 * Fairness:  of one stream up to 16 reads and 16 writes a turn, each of up to 256 KiB; of one
 *            listener 64 connections.
 * Progress:  nothing here blocks; each function makes a few system calls at most.
 * Ordering:  one thread. Bytes are written in the order of the calls.
 * Memory:    weir_stream is the caller's, from open until `closed` is called: 96 bytes; and 16
 *            to 32 of the loop's. Reads share one buffer of 64 KiB a loop. Nothing but
 *            weir_stream_copy() allocates for bytes.
 * Signals:   SIGPIPE is not raised by sockets. A loop that has pipes or terminals, or has sent a
 *            file, blocks it in its thread as long as it is run: write to those while it is.
 * Errors:    a write after the other side has gone says -EPIPE or -ECONNRESET. One that fails ends
 *            writing for good, since there would be a gap: what stands in the queue ends with
 *            the same, copies too, and `failed` tells it. Reading says it by `end`, once; it is
 *            paused then. Who reads by weir_stream_try_read() has it from that alone.
 * Edges:     weir/loop.h.
 *
 * Source: readiness by edges, and trying first: L. Gammo, T. Brecht, A. Shukla, D. Pariag,
 * "Comparing and Evaluating epoll, select, and poll Event Mechanisms", Linux Symposium 2004. */

#ifndef WEIR_STREAM_H
#define WEIR_STREAM_H

#include <weir/loop.h>
#include <weir/poll.h>
#include <weir/timer.h>

#include <sys/socket.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_stream weir_stream;
typedef struct weir_write weir_write;
typedef struct weir_listener weir_listener;

/* What a stream calls; NULL: nothing. One table for all of a kind; it must stay. */
typedef struct weir_stream_calls {
    /* `bytes` have come, at least 1. */
    void (*read)(weir_stream *stream, void *data, size_t bytes);
    /* Nothing more comes: 0: the other side has ended; else a negative errno. */
    void (*end)(weir_stream *stream, int status);
    /* Something can be read from a paused stream, or was left when it was paused: once, until
     * weir_stream_try_read() has said -EAGAIN, or less than was asked for. */
    void (*readable)(weir_stream *stream);
    /* Where the next read is to go, and how much. NULL: it is paused instead. Without this call: to
     * the loop's buffer. */
    void *(*buffer)(weir_stream *stream, size_t *bytes);
    /* It was full, and is not above its low mark any more. */
    void (*drained)(weir_stream *stream);
    /* Nothing more can be written, and no function has said so: the connection is broken, or a
     * write in the queue has failed. Once; also of a stream that is paused, or whose end was told.
     * What came before can still be read. */
    void (*failed)(weir_stream *stream, int status);
    /* A weir_stream_shutdown() that had to wait is done; -ECANCELED: it was closed before. */
    void (*shut)(weir_stream *stream, int status);
    /* It is closed: the memory is the caller's. */
    void (*closed)(weir_stream *stream);
} weir_stream_calls;

typedef enum weir_stream_kind {
    WEIR_STREAM_SOCKET, /* of type SOCK_STREAM, connected */
    WEIR_STREAM_FILE    /* a pipe, a FIFO, a terminal */
} weir_stream_kind;

/* Embedded in what it is for. */
struct weir_stream {
    weir_poll poll; /* its `again`: among those that are to be closed */
    const weir_stream_calls *calls;
    weir_write *first, *last; /* that are not done */
    size_t queued;            /* bytes of them */
    uint32_t low, high;       /* bytes */
    int status;               /* of writes: 0, or why there are no more */
    uint32_t state;           /* lib/stream.c */
};

/* Something to write: made by one of the three functions below. The caller's, with the bytes, from
 * weir_stream_write() until it is done. */
struct weir_write {
    weir_write *next;
    void (*done)(weir_write *write, weir_stream *stream, int status);
    struct iovec *parts; /* NULL: of a file */
    struct iovec part;
    size_t left;    /* bytes */
    int64_t offset; /* of a file */
    int fd;
    uint32_t count; /* parts */
};

typedef struct weir_listener_calls {
    /* A connection: its descriptor, which does not block and is closed on exec, is the caller's,
     * for weir_stream_open(), or to be closed. */
    void (*accepted)(weir_listener *listener, int fd);
    /* None can be accepted now: -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM: told once, until one can
     * be. It is tried again every 100 ms, and after weir_listener_release(). Or another errno,
     * negative: never again. */
    void (*failed)(weir_listener *listener, int status);
} weir_listener_calls;

struct weir_listener {
    weir_poll poll;
    weir_timer again;
    const weir_listener_calls *calls;
    uint32_t limit, open; /* connections */
    bool *closed;         /* while it calls: where to say so */
    bool waiting;         /* for a release, or for `again` */
    bool short_of;        /* something that the kernel needs, as has been told */
};

enum { WEIR_STREAM_LOW = 16384, WEIR_STREAM_HIGH = 65536 };

/* ---- streams: life ---- */

/* Takes a descriptor over, which is made not to block: so is each that shares its file, also in
 * other processes. It is paused.
 * Returns: 0; -EBADF, -EPERM, -EEXIST, -ENOMEM, -ENOSPC: as weir_poll_start(); the descriptor is
 * still the caller's, the stream as one that is closed. */
WEIR_API int weir_stream_open(weir_stream *stream, weir_loop *loop, int fd, weir_stream_kind kind,
                              const weir_stream_calls *calls) WEIR_NODISCARD;

/* Closes it, at once. In the CLOSE phase what was not written ends with -ECANCELED; then `closed`
 * is called. To close when all is written: weir_stream_shutdown() first; then read, if only to
 * throw it away, until `end`, or until a timer's patience is over. For the kernel has what is
 * written, not the other side; and it resets a TCP connection that is closed with something left
 * to be read, which may destroy what is still on its way.
 * Returns: 0; -EALREADY. */
WEIR_API int weir_stream_close(weir_stream *stream);

/* The same, and a TCP connection is reset: the other side learns that something was lost. */
WEIR_API int weir_stream_abort(weir_stream *stream);

/* ---- reading ---- */

/* Begins to read, or goes on. Returns: 0; -ESTALE: it is closed; -EPIPE: the end has been told. */
WEIR_API int weir_stream_read(weir_stream *stream);

/* Reads no more, until the next weir_stream_read(): also not what has come already. */
WEIR_API void weir_stream_pause(weir_stream *stream);

/* Reads up to `bytes`, at least 1, into *buffer, of a stream that is paused: it has to be.
 * Returns: how many; 0: the other side has ended; -EAGAIN: nothing is there; -ESTALE; or another
 * negative errno: it is broken. */
WEIR_API ssize_t weir_stream_try_read(weir_stream *stream, void *buffer,
                                      size_t bytes) WEIR_NODISCARD;

/* ---- writing ---- */

/* Makes a write of `bytes` bytes, for one use. `done` gets 0, or a negative errno: then some of
 * them may have been written. It may free the write. */
WEIR_API void weir_write_init(weir_write *write, const void *data, size_t bytes,
                              void (*done)(weir_write *write, weir_stream *stream, int status));

/* The same of `count` parts, one after the other. The array is changed meanwhile. */
WEIR_API void weir_write_init_parts(weir_write *write, struct iovec *parts, unsigned count,
                                    void (*done)(weir_write *write, weir_stream *stream,
                                                 int status));

/* The same of `bytes` bytes of a file, from `offset`, by sendfile(2): the file stays open. One that
 * is shorter: -ENODATA. */
WEIR_API void weir_write_init_file(weir_write *write, int fd, int64_t offset, size_t bytes,
                                   void (*done)(weir_write *write, weir_stream *stream,
                                                int status));

/* Writes, behind what stands in the queue.
 * Returns: 0: all is written, and `done` is not called; -EINPROGRESS: it will be; -ESTALE: closed;
 * -EPIPE: shut, or the other side has gone; or another negative errno. Unless it returns
 * -EINPROGRESS the write is the caller's again. */
WEIR_API int weir_stream_write(weir_stream *stream, weir_write *write) WEIR_NODISCARD;

/* Writes what the kernel takes at once, up to 256 KiB, if nothing stands in the queue.
 * Returns: how many bytes; -EAGAIN: none; otherwise as weir_stream_write(). */
WEIR_API ssize_t weir_stream_try_write(weir_stream *stream, const void *data,
                                       size_t bytes) WEIR_NODISCARD;

/* Writes; what the kernel does not take is copied.
 * Returns: 0, also if some is left to be written; -ENOMEM: then some may have been; otherwise as
 * weir_stream_write(). Complexity: an allocation, if there is no room. */
WEIR_API int weir_stream_copy(weir_stream *stream, const void *data, size_t bytes) WEIR_NODISCARD;

/* Ends writing, when all that stands in the queue is written: the other side reads the end.
 * Reading goes on.
 * Returns: 0: done; -EINPROGRESS: `shut` will be called; -EALREADY; -ESTALE; -ENOTCONN, or another
 * negative errno: it is gone. Of a pipe: -ENOTSOCK: close it. */
WEIR_API int weir_stream_shutdown(weir_stream *stream);

/* Where it is full, and no longer: bytes; `low` is not above `high`. As after open:
 * WEIR_STREAM_HIGH, WEIR_STREAM_LOW. */
WEIR_API void weir_stream_marks(weir_stream *stream, uint32_t low, uint32_t high);

/* ---- streams: queries ---- */

/* Returns: whether more stands in the queue than the high mark, or did, and not yet less than the
 * low one. */
WEIR_API bool weir_stream_is_full(const weir_stream *stream);

/* Returns: bytes in the queue. */
WEIR_API size_t weir_stream_queued(const weir_stream *stream);

/* Returns: the descriptor; -1: it is closed. */
WEIR_API int weir_stream_fd(const weir_stream *stream);

/* ---- listeners ---- */

/* Listens at an address of TCP or of a Unix socket, whose path the caller removes. SO_REUSEADDR is
 * set; `share`: SO_REUSEPORT too, so that loops of several threads listen at one port. `limit`:
 * connections that are accepted and not released, at most; 0: no limit. Returns: 0; a negative
 * errno of socket(2), bind(2), listen(2), of which -EADDRINUSE, -EACCES; or as weir_poll_start().
 */
WEIR_API int weir_listener_open(weir_listener *listener, weir_loop *loop,
                                const struct sockaddr *address, socklen_t length, unsigned backlog,
                                bool share, uint32_t limit,
                                const weir_listener_calls *calls) WEIR_NODISCARD;

/* The same with a socket that listens already, and is taken over. Returns also: -EINVAL: it does
 * not. After a failure of either the listener is as one that is closed. */
WEIR_API int weir_listener_adopt(weir_listener *listener, weir_loop *loop, int fd, uint32_t limit,
                                 const weir_listener_calls *calls) WEIR_NODISCARD;

/* A connection that was accepted has been closed: another may come in its place. Not needed
 * without a limit; with one, once for each. */
WEIR_API void weir_listener_release(weir_listener *listener);

/* Closes it: the memory is the caller's. What has not been accepted is reset.
 * Returns: 0; -EALREADY. */
WEIR_API int weir_listener_close(weir_listener *listener);

/* Returns: the descriptor, for getsockname(2) and its like; -1: it is closed. */
WEIR_API int weir_listener_fd(const weir_listener *listener);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_STREAM_H */
