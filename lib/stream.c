/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/stream.c: streams. The kernel tells each change once, so `state` remembers what it said: that
 * there is something to read, or room to write, is true until a system call says EAGAIN.
 *
 * A stream that is closed stays where it is until the CLOSE phase: so whatever a callback does, its
 * caller may look at `state` after it. */

#include <weir/stream.h>

#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

/* Of `state`. */
enum {
    READING = 1,
    READABLE = 2,
    WRITABLE = 4,
    DOUBT = 8,  /* a short read does not say that all was read: the end is near, or urgent data */
    ENDED = 16, /* the end was told, or nobody is to be told */
    SHUT = 32,  /* nothing more is written */
    SHUT_LATER = 64, /* when the queue is empty */
    FULL = 128,
    CLOSED = 256,
    FILE_KIND = 512,
    TOLD = 1024, /* `readable` was called, and not all has been read since */
    UNIX = 2048  /* of that family */
};

/* A system call that writes goes on as long as there is room: with who reads fast, for seconds. So
 * none is for more than CALL_BYTES. */
enum { ROUNDS = 16, PARTS = 64, CALL_BYTES = 1 << 18 };

#define CALL(stream, function, ...)                                                  \
    do {                                                                             \
        weir_loop *const call_loop = (stream)->poll.loop;                            \
        weir__loop_begin(call_loop, (stream), "stream", (void (*)(void))(function)); \
        (function)(__VA_ARGS__);                                                     \
        weir__loop_end(call_loop);                                                   \
    } while (0)

/* ---- reading ---- */

/* Of a pseudo-terminal: it is told by EIO that the other side has ended. */
static bool is_master(int fd)
{
    char name[32];

    return ptsname_r(fd, name, sizeof name) == 0;
}

/* Of a Unix socket. It gives no bytes together with those that descriptors came along with, or that
 * another user wrote, if it is to say who: then, too, a short read does not say that all was read.
 */
static ssize_t receive_unix(weir_stream *stream, void *data, size_t bytes)
{
    struct iovec part;
    struct msghdr message;
    ssize_t n;

    part.iov_base = data;
    part.iov_len = bytes;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    n = recvmsg(stream->poll.fd, &message, 0);
    if (n > 0 && (message.msg_flags & MSG_CTRUNC) != 0)
        stream->state |= DOUBT;
    return n;
}

static ssize_t receive_once(weir_stream *stream, void *data, size_t bytes)
{
    if ((stream->state & FILE_KIND) != 0)
        return read(stream->poll.fd, data, bytes);
    if ((stream->state & UNIX) != 0)
        return receive_unix(stream, data, bytes);
    return recv(stream->poll.fd, data, bytes, 0);
}

static ssize_t receive(weir_stream *stream, void *data, size_t bytes)
{
    int error;
    ssize_t n;

    do
        n = receive_once(stream, data, bytes);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    error = errno;
    return error == EIO && is_master(stream->poll.fd) ? 0 : -error;
}

/* The kernel tells an error of the connection once: after a write has got it, who reads is told an
 * end that there was not. */
static bool is_lost(const weir_stream *stream)
{
    switch (stream->status) {
    case -ECONNRESET:
    case -ECONNABORTED:
    case -ETIMEDOUT:
    case -EHOSTUNREACH:
    case -ENETUNREACH:
    case -ENETDOWN:
        return true;
    default:
        return false;
    }
}

/* One system call, and `state` after it. */
static ssize_t read_once(weir_stream *stream, void *data, size_t bytes)
{
    ssize_t n = receive(stream, data, bytes);

    if (n == 0 && is_lost(stream))
        n = stream->status;
    if (n == -EAGAIN || (n > 0 && (size_t)n < bytes && (stream->state & DOUBT) == 0))
        stream->state &= ~(uint32_t)READABLE;
    else if (n <= 0)
        stream->state = (stream->state | ENDED) & ~(uint32_t)(READING | READABLE);
    return n;
}

static void read_some(weir_stream *stream)
{
    const weir_stream_calls *const calls = stream->calls;

    for (unsigned i = 0; (stream->state & (READING | READABLE)) == (READING | READABLE); i++) {
        size_t bytes = WEIR__LOOP_BUFFER;
        void *data = stream->poll.loop->buffer;
        ssize_t n;

        if (i == ROUNDS) {
            weir_poll_again(&stream->poll, WEIR_POLL_READ);
            return;
        }
        if (calls->buffer != NULL) {
            weir__loop_begin(stream->poll.loop, stream, "stream", (void (*)(void))calls->buffer);
            data = calls->buffer(stream, &bytes);
            weir__loop_end(stream->poll.loop);
            if (data == NULL || bytes == 0)
                weir_stream_pause(stream);
            if ((stream->state & READING) == 0)
                return;
        }
        n = read_once(stream, data, bytes);
        if (n > 0) {
            if (calls->read != NULL)
                CALL(stream, calls->read, stream, data, (size_t)n);
        } else if (n != -EAGAIN && calls->end != NULL) {
            CALL(stream, calls->end, stream, (int)n);
        }
    }
}

int weir_stream_read(weir_stream *stream)
{
    if ((stream->state & CLOSED) != 0)
        return -ESTALE;
    if ((stream->state & ENDED) != 0)
        return -EPIPE;
    stream->state = (stream->state | READING) & ~(uint32_t)TOLD;
    if ((stream->state & READABLE) != 0)
        weir_poll_again(&stream->poll, WEIR_POLL_READ);
    return 0;
}

void weir_stream_pause(weir_stream *stream)
{
    if ((stream->state & (READING | READABLE)) == (READING | READABLE) &&
        stream->calls->readable != NULL)
        weir_poll_again(&stream->poll, WEIR_POLL_READ); /* the kernel told it once, long ago */
    stream->state &= ~(uint32_t)READING;
}

ssize_t weir_stream_try_read(weir_stream *stream, void *buffer, size_t bytes)
{
    ssize_t n;

    if ((stream->state & CLOSED) != 0)
        return -ESTALE;
    WEIR_REQUIRE((stream->state & READING) == 0, "the stream reads by itself: pause it first");
    if (bytes == 0)
        return 0;
    n = read_once(stream, buffer, bytes);
    if (n < 0 || (size_t)n < bytes) {
        stream->state &= ~(uint32_t)TOLD;
        if ((stream->state & READABLE) != 0) /* in doubt: whoever stops here is told again */
            weir_poll_again(&stream->poll, WEIR_POLL_READ);
    }
    return n;
}

/* ---- a write ---- */

void weir_write_init_parts(weir_write *write, struct iovec *parts, unsigned count,
                           void (*done)(weir_write *write, weir_stream *stream, int status))
{
    memset(write, 0, sizeof *write);
    write->parts = parts;
    write->count = count;
    write->done = done;
    for (unsigned i = 0; i < count; i++)
        write->left += parts[i].iov_len;
}

void weir_write_init(weir_write *write, const void *data, size_t bytes,
                     void (*done)(weir_write *write, weir_stream *stream, int status))
{
    weir_write_init_parts(write, &write->part, 0, done);
    write->part.iov_base = (void *)(uintptr_t)data; /* which is only read */
    write->part.iov_len = write->left = bytes;
    write->count = 1;
}

void weir_write_init_file(weir_write *write, int fd, int64_t offset, size_t bytes,
                          void (*done)(weir_write *write, weir_stream *stream, int status))
{
    weir_write_init_parts(write, NULL, 0, done);
    write->fd = fd;
    write->offset = offset;
    write->left = bytes;
}

/* `bytes` of it are written. */
static void advance(weir_write *write, size_t bytes)
{
    write->left -= bytes;
    if (write->parts == NULL)
        return;
    for (; write->count != 0 && bytes >= write->parts->iov_len; write->parts++, write->count--)
        bytes -= write->parts->iov_len;
    if (write->count != 0) {
        write->parts->iov_base = (char *)write->parts->iov_base + bytes;
        write->parts->iov_len -= bytes;
    }
}

/* ---- writing ---- */

static ssize_t send_parts(const weir_stream *stream, struct iovec *parts, size_t count, bool more)
{
    struct msghdr message;

    if ((stream->state & FILE_KIND) != 0)
        return writev(stream->poll.fd, parts, (int)count);
    if (count == 1 && !more)
        return send(stream->poll.fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
    memset(&message, 0, sizeof message);
    message.msg_iov = parts;
    message.msg_iovlen = (unsigned short)count; /* PARTS at most; C libraries differ in its type */
    return sendmsg(stream->poll.fd, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
}

/* As much of the writes from `first` on as goes into one system call. */
static ssize_t send_writes(const weir_stream *stream, const weir_write *first)
{
    struct iovec parts[PARTS];
    size_t count = 0, room = CALL_BYTES;
    const weir_write *write = first;

    if (first->next == NULL && first->count <= PARTS && first->left <= CALL_BYTES)
        return send_parts(stream, first->parts, first->count, false);
    for (; write != NULL && write->parts != NULL && count < PARTS && room != 0; write = write->next)
        for (unsigned i = 0; i < write->count && count < PARTS && room != 0; i++) {
            parts[count] = write->parts[i];
            if (parts[count].iov_len > room)
                parts[count].iov_len = room;
            room -= parts[count++].iov_len;
        }
    return send_parts(stream, parts, count, write != NULL);
}

static ssize_t send_file(const weir_stream *stream, weir_write *write)
{
    const size_t bytes = write->left < CALL_BYTES ? write->left : CALL_BYTES;
    off_t offset = (off_t)write->offset;
    const ssize_t n = sendfile(stream->poll.fd, write->fd, &offset, bytes);

    if (n == 0) { /* it is shorter */
        errno = ENODATA;
        return -1;
    }
    write->offset = offset;
    return n;
}

/* One system call for the write, and those behind it. Returns: bytes; a negative errno. */
static ssize_t write_once(weir_stream *stream, weir_write *write)
{
    ssize_t n;

    do
        n = write->parts == NULL ? send_file(stream, write) : send_writes(stream, write);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    if (errno == EAGAIN)
        stream->state &= ~(uint32_t)WRITABLE;
    return -errno;
}

static void push(weir_stream *stream, weir_write *write)
{
    write->next = NULL;
    if (stream->first == NULL)
        stream->first = write;
    else
        stream->last->next = write;
    stream->last = write;
    stream->queued += write->left;
    if (stream->queued > stream->high)
        stream->state |= FULL;
}

static void end_first(weir_stream *stream, int status)
{
    weir_write *const write = stream->first;

    stream->first = write->next;
    stream->queued -= write->left;
    if (write->done != NULL)
        CALL(stream, write->done, write, stream, status);
}

static void end_all(weir_stream *stream, int status)
{
    while (stream->first != NULL)
        end_first(stream, status);
}

/* No more can be written. */
static void fail(weir_stream *stream, int status)
{
    stream->status = status;
    end_all(stream, status);
    if (stream->calls->failed != NULL && (stream->state & CLOSED) == 0)
        CALL(stream, stream->calls->failed, stream, status);
}

/* Nothing is to be written that would be told it: the kernel says that there is an error. */
static void look_for_error(weir_stream *stream)
{
    socklen_t length = sizeof(int);
    int error = EPIPE; /* of a pipe: nobody reads it any more */

    if (stream->calls->failed == NULL || stream->status != 0 ||
        (stream->state & (SHUT | CLOSED)) != 0)
        return;
    if ((stream->state & FILE_KIND) == 0 &&
        getsockopt(stream->poll.fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    if (error != 0)
        fail(stream, -error);
}

static void drain(weir_stream *stream)
{
    if ((stream->state & FULL) == 0 || stream->queued > stream->low)
        return;
    stream->state &= ~(uint32_t)FULL;
    if (stream->calls->drained != NULL && (stream->state & CLOSED) == 0)
        CALL(stream, stream->calls->drained, stream);
}

static void shut_later(weir_stream *stream)
{
    if ((stream->state & (SHUT_LATER | CLOSED)) != SHUT_LATER || stream->first != NULL)
        return;
    stream->state &= ~(uint32_t)SHUT_LATER;
    if (stream->status == 0 && shutdown(stream->poll.fd, SHUT_WR) != 0)
        stream->status = -errno;
    if (stream->calls->shut != NULL)
        CALL(stream, stream->calls->shut, stream, stream->status);
}

/* `n` bytes from the front of the queue are written. */
static void take(weir_stream *stream, size_t n)
{
    while (stream->first != NULL) {
        weir_write *const write = stream->first;
        const size_t part = n < write->left ? n : write->left;

        advance(write, part);
        stream->queued -= part;
        n -= part;
        if (write->left != 0)
            return;
        end_first(stream, 0);
    }
}

static void write_some(weir_stream *stream)
{
    for (unsigned i = 0; stream->first != NULL && (stream->state & (WRITABLE | CLOSED)) == WRITABLE;
         i++) {
        ssize_t n;

        if (i == ROUNDS) {
            weir_poll_again(&stream->poll, WEIR_POLL_WRITE);
            break;
        }
        n = write_once(stream, stream->first);
        if (n >= 0) {
            take(stream, (size_t)n);
        } else if (n != -EAGAIN) {
            fail(stream, (int)n);
        }
    }
    drain(stream);
    shut_later(stream);
}

/* Returns: 0: something may be written. */
static int may_write(const weir_stream *stream)
{
    if ((stream->state & CLOSED) != 0)
        return -ESTALE;
    return (stream->state & SHUT) != 0 ? -EPIPE : stream->status;
}

int weir_stream_write(weir_stream *stream, weir_write *write)
{
    const int status = may_write(stream);

    if (status != 0)
        return status;
    if (write->parts == NULL)
        weir__loop_block_sigpipe(stream->poll.loop);
    write->next = NULL;
    for (unsigned i = 0; stream->first == NULL && write->left != 0; i++) {
        ssize_t n;

        if (i == ROUNDS) {
            weir_poll_again(&stream->poll, WEIR_POLL_WRITE);
            break;
        }
        n = write_once(stream, write);
        if (n == -EAGAIN)
            break;
        if (n < 0)
            return stream->status = (int)n;
        advance(write, (size_t)n);
    }
    if (write->left == 0 && stream->first == NULL)
        return 0;
    push(stream, write);
    return -EINPROGRESS;
}

ssize_t weir_stream_try_write(weir_stream *stream, const void *data, size_t bytes)
{
    const int status = may_write(stream);
    weir_write write;
    ssize_t n;

    if (status != 0)
        return status;
    if (stream->first != NULL)
        return -EAGAIN;
    weir_write_init(&write, data, bytes, NULL);
    n = bytes == 0 ? 0 : write_once(stream, &write);
    if (n < 0 && n != -EAGAIN)
        stream->status = (int)n;
    return n;
}

/* ---- copies ---- */

typedef struct copy {
    weir_write write;
    size_t bytes; /* allocated */
} copy;

static void free_copy(weir_write *write, weir_stream *stream, int status)
{
    (void)stream;
    (void)status;
    weir_release(write, ((copy *)(void *)write)->bytes);
}

int weir_stream_copy(weir_stream *stream, const void *data, size_t bytes)
{
    ssize_t n = weir_stream_try_write(stream, data, bytes);
    copy *made;

    if (n == -EAGAIN)
        n = 0;
    if (n < 0 || (size_t)n == bytes)
        return n < 0 ? (int)n : 0;
    bytes -= (size_t)n;
    if (bytes > SIZE_MAX - sizeof *made)
        return -ENOMEM;
    made = (copy *)weir_alloc(sizeof *made + bytes, sizeof(void *));
    if (made == NULL)
        return -ENOMEM;
    made->bytes = sizeof *made + bytes;
    memcpy(made + 1, (const char *)data + n, bytes);
    weir_write_init(&made->write, made + 1, bytes, free_copy);
    push(stream, &made->write);
    if (n == CALL_BYTES) /* there may be room: nobody would be told of it */
        weir_poll_again(&stream->poll, WEIR_POLL_WRITE);
    return 0;
}

/* ---- life ---- */

static void on_ready(weir_poll *poll, unsigned ready)
{
    weir_stream *const stream = (weir_stream *)(void *)poll;

    if ((ready & (WEIR_POLL_END | WEIR_POLL_HANGUP | WEIR_POLL_ERROR | WEIR_POLL_PRIORITY)) != 0)
        stream->state |= DOUBT;
    if ((ready & WEIR_POLL_WRITE) != 0) {
        stream->state |= WRITABLE;
        write_some(stream);
    }
    if ((ready & WEIR_POLL_ERROR) != 0)
        look_for_error(stream);
    if ((ready & WEIR_POLL_READ) == 0 || (stream->state & (ENDED | CLOSED)) != 0)
        return;
    stream->state |= READABLE;
    if ((stream->state & READING) != 0) {
        read_some(stream);
    } else if ((stream->state & TOLD) == 0) {
        stream->state |= TOLD;
        if (stream->calls->readable != NULL)
            CALL(stream, stream->calls->readable, stream);
    }
}

static int prepare(weir_loop *loop, int fd, weir_stream_kind kind)
{
    int status = weir__poll_unblock(fd);

    if (status == 0)
        status = weir__loop_make_buffer(loop);
    if (status == 0 && kind == WEIR_STREAM_FILE)
        weir__loop_block_sigpipe(loop);
    return status;
}

static bool is_unix(int fd)
{
    int family = AF_UNSPEC;
    socklen_t length = sizeof family;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) == 0 && family == AF_UNIX;
}

int weir_stream_open(weir_stream *stream, weir_loop *loop, int fd, weir_stream_kind kind,
                     const weir_stream_calls *calls)
{
    int status = prepare(loop, fd, kind);

    memset(stream, 0, sizeof *stream);
    stream->poll.loop = loop;
    stream->state = CLOSED;
    stream->poll.fd = -1;
    if (status != 0)
        return status;
    weir_poll_init(&stream->poll, loop, fd, on_ready);
    stream->poll.inner = true;
    stream->calls = calls;
    stream->low = WEIR_STREAM_LOW;
    stream->high = WEIR_STREAM_HIGH;
    stream->state = WRITABLE | (kind == WEIR_STREAM_FILE ? FILE_KIND | DOUBT
                                : is_unix(fd)            ? UNIX
                                                         : 0);
    status = weir_poll_start(&stream->poll, WEIR_POLL_READ | WEIR_POLL_WRITE | WEIR_POLL_PRIORITY);
    if (status != 0) {
        stream->state |= CLOSED;
        stream->poll.fd = -1;
    }
    return status;
}

/* In the CLOSE phase. */
static void finish(weir_loop *loop, weir__link *link)
{
    weir_stream *const stream = (weir_stream *)(void *)link; /* its first member's first */

    end_all(stream, -ECANCELED);
    if ((stream->state & SHUT_LATER) != 0 && stream->calls->shut != NULL)
        CALL(stream, stream->calls->shut, stream, -ECANCELED);
    weir__loop_drop(loop, true);
    if (stream->calls->closed != NULL)
        CALL(stream, stream->calls->closed, stream);
}

int weir_stream_close(weir_stream *stream)
{
    weir_loop *const loop = stream->poll.loop;

    if ((stream->state & CLOSED) != 0)
        return -EALREADY;
    stream->state = (stream->state | CLOSED) & ~(uint32_t)(READING | READABLE);
    (void)weir_poll_stop(&stream->poll);
    (void)close(stream->poll.fd);
    stream->poll.fd = -1;
    weir__loop_add(loop, true); /* what is closing keeps it alive */
    loop->finish = finish;
    weir__link_push(&loop->closing, &stream->poll.again);
    return 0;
}

int weir_stream_abort(weir_stream *stream)
{
    const struct linger at_once = {1, 0};

    if ((stream->state & CLOSED) == 0)
        /* Fails where there is nothing to reset. */
        (void)setsockopt(stream->poll.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return weir_stream_close(stream);
}

int weir_stream_shutdown(weir_stream *stream)
{
    if ((stream->state & CLOSED) != 0)
        return -ESTALE;
    if ((stream->state & SHUT) != 0)
        return -EALREADY;
    if ((stream->state & FILE_KIND) != 0)
        return -ENOTSOCK;
    if (stream->first != NULL) {
        stream->state |= SHUT | SHUT_LATER;
        return -EINPROGRESS;
    }
    if (stream->status == 0 && shutdown(stream->poll.fd, SHUT_WR) != 0)
        return -errno;
    stream->state |= SHUT;
    return stream->status;
}

/* ---- queries ---- */

void weir_stream_marks(weir_stream *stream, uint32_t low, uint32_t high)
{
    WEIR_REQUIRE(low <= high, "the low mark is above the high one");
    stream->low = low;
    stream->high = high;
}

bool weir_stream_is_full(const weir_stream *stream)
{
    return (stream->state & FULL) != 0;
}

size_t weir_stream_queued(const weir_stream *stream)
{
    return stream->queued;
}

int weir_stream_fd(const weir_stream *stream)
{
    return stream->poll.fd;
}
