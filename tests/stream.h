/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/stream.h: what the tests of weir/stream.h share: pairs of descriptors, streams that watch
 * over what is called, writes that are done once, and bytes of which each tells its place. */

#ifndef WEIR_TESTS_STREAM_H
#define WEIR_TESTS_STREAM_H

#include "loop.h"

#include <weir/stream.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { BIG = 1 << 20 };

/* ---- no call comes from inside of a function ---- */

static unsigned asked; /* functions of weir/stream.h that are being called */

static inline ssize_t quiet(ssize_t status)
{
    asked--;
    return status;
}

#define QUIET(call) (asked++, quiet(call))

/* ---- bytes that tell their place ---- */

static inline unsigned char byte_at(size_t i)
{
    return (unsigned char)(i ^ (i >> 8) * 31 ^ (i >> 16) * 17 ^ 0x5a);
}

static unsigned char big[BIG];

static inline void make_big(void)
{
    if (big[1] == 0)
        for (size_t i = 0; i < BIG; i++)
            big[i] = byte_at(i);
}

static inline void check_bytes(const void *data, size_t bytes, size_t place)
{
    for (size_t i = 0; i < bytes; i++)
        CHECK_EQ(((const unsigned char *)data)[i], byte_at(place + i));
}

/* ---- pairs ---- */

typedef enum pair_kind { TCP4, TCP6, UNIX, PAIR, PAIRS, PIPE = PAIRS } pair_kind;

static inline socklen_t address_of(pair_kind kind, struct sockaddr_storage *address)
{
    memset(address, 0, sizeof *address);
    address->ss_family = (sa_family_t)(kind == TCP4 ? AF_INET : kind == TCP6 ? AF_INET6 : AF_UNIX);
    if (kind == TCP4)
        ((struct sockaddr_in *)(void *)address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (kind == TCP6)
        ((struct sockaddr_in6 *)(void *)address)->sin6_addr = in6addr_loopback;
    return kind == TCP4   ? (socklen_t)sizeof(struct sockaddr_in)
           : kind == TCP6 ? (socklen_t)sizeof(struct sockaddr_in6)
                          : (socklen_t)sizeof(sa_family_t); /* the kernel finds a name */
}

/* Returns: a socket that listens; -1: there is no such address here. */
static inline int listening(pair_kind kind)
{
    struct sockaddr_storage address;
    const socklen_t length = address_of(kind, &address);
    const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0 && listen(fd, 128) == 0)
        return fd;
    CHECK(kind == TCP6);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* A descriptor that is connected with who listens. */
static inline int connected_to(int listener)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int fd;

    CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(connect(fd, (struct sockaddr *)&address, length) == 0);
    return fd;
}

/* The first is for a stream, the second is its peer and blocks. Little goes into their buffers.
 * Returns: false: there are none of that kind here. */
static inline bool pair_of(pair_kind kind, int fd[2])
{
    const int few = 32768, one = 1;

    if (kind == PAIR) {
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
    } else if (kind == PIPE) {
        CHECK(pipe2(fd, O_CLOEXEC) == 0);
        return true;
    } else {
        const int listener = listening(kind);

        if (listener < 0)
            return false;
        fd[1] = connected_to(listener);
        fd[0] = accept(listener, NULL, NULL);
        CHECK(fd[0] >= 0);
        close(listener);
    }
    for (int i = 0; i < 2; i++) {
        CHECK(setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &few, sizeof few) == 0);
        if (kind == TCP4 || kind == TCP6)
            CHECK(setsockopt(fd[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
    }
    return true;
}

/* ---- streams that watch ---- */

/* What is called, as `then` is told. */
enum {
    READ = 'r',
    END = 'e',
    READABLE = 'a',
    ROOM = 'b',
    DRAINED = 'd',
    BROKEN = 'f',
    SHUT = 's',
    CLOSED = 'c'
};

typedef struct talker {
    weir_stream stream;
    weir_loop *loop;
    void (*then)(struct talker *talker, int what);
    struct talker *other;
    unsigned reads, ends, readables, rooms, draineds, fails, shuts, closes;
    unsigned writes, done;   /* that were to be told, that were */
    size_t bytes;            /* that came */
    size_t checked;          /* of these are compared */
    int ended, failed, shut; /* status */
    bool open, closing;
    char *room; /* for `buffer`; NULL: none */
    size_t room_bytes;
    int what; /* at which `then` does something, in some tests */
    char first[64];
} talker;

static unsigned next_pending, next_runs;

static inline int run_next(weir_job *job)
{
    (void)job;
    CHECK_EQ(asked, 0);
    next_pending = 0;
    next_runs++;
    return 0;
}

/* At the begin of each callback. The NEXT of the one before has been run. */
static inline void called(weir_loop *loop)
{
    static weir_job next;

    CHECK_EQ(asked, 0);
    CHECK_EQ(next_pending, 0);
    CHECK(weir_loop_self() == loop);
    next_pending = 1;
    weir_job_init(&next, run_next);
    weir_loop_next(loop, &next);
}

static inline talker *talker_of(weir_stream *stream)
{
    return (talker *)(void *)stream;
}

static inline talker *note(weir_stream *stream, int what)
{
    talker *const t = talker_of(stream);

    called(t->loop);
    CHECK(t->open);
    CHECK(!t->closing || what == SHUT || what == CLOSED);
    return t;
}

static inline void go_on(talker *t, int what)
{
    if (t->then != NULL)
        t->then(t, what);
}

static inline void on_read(weir_stream *stream, void *data, size_t bytes)
{
    talker *const t = note(stream, READ);

    CHECK(bytes != 0);
    CHECK_EQ(t->ends, 0);
    t->reads++;
    if (t->bytes + bytes <= sizeof t->first)
        memcpy(t->first + t->bytes, data, bytes);
    if (t->bytes < t->checked)
        check_bytes(data, bytes, t->bytes);
    t->bytes += bytes;
    go_on(t, READ);
}

static inline void on_end(weir_stream *stream, int status)
{
    talker *const t = note(stream, END);

    CHECK_EQ(t->ends, 0);
    t->ends++;
    t->ended = status;
    go_on(t, END);
}

static inline void on_readable(weir_stream *stream)
{
    talker *const t = note(stream, READABLE);

    t->readables++;
    go_on(t, READABLE);
}

static inline void *on_buffer(weir_stream *stream, size_t *bytes)
{
    talker *const t = note(stream, ROOM);

    t->rooms++;
    *bytes = t->room_bytes;
    go_on(t, ROOM);
    return t->room;
}

static inline void on_drained(weir_stream *stream)
{
    talker *const t = note(stream, DRAINED);

    CHECK(!weir_stream_is_full(stream));
    t->draineds++;
    go_on(t, DRAINED);
}

static inline void on_writing_failed(weir_stream *stream, int status)
{
    talker *const t = note(stream, BROKEN);

    CHECK(status < 0);
    CHECK_EQ(t->fails, 0);
    CHECK_EQ(t->shuts, 0);
    CHECK_EQ(t->done, t->writes);
    CHECK_EQ(weir_stream_queued(stream), 0);
    t->fails++;
    t->failed = status;
    go_on(t, BROKEN);
}

static inline void on_shut(weir_stream *stream, int status)
{
    talker *const t = note(stream, SHUT);

    CHECK_EQ(t->shuts, 0);
    CHECK_EQ(t->done, t->writes);
    t->shuts++;
    t->shut = status;
    go_on(t, SHUT);
}

static inline void on_closed(weir_stream *stream)
{
    talker *const t = note(stream, CLOSED);

    CHECK(t->closing);
    CHECK_EQ(t->done, t->writes);
    CHECK_EQ(weir_stream_queued(stream), 0);
    t->closes++;
    t->open = false;
    go_on(t, CLOSED);
}

static const weir_stream_calls loops_room = {
    on_read, on_end, on_readable, NULL, on_drained, on_writing_failed, on_shut, on_closed};
static const weir_stream_calls own_room = {on_read,    on_end, on_readable, on_buffer,
                                           on_drained, NULL,   on_shut,     on_closed};
static const weir_stream_calls no_calls = {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL};

static inline void open_with(talker *t, weir_loop *loop, int fd, weir_stream_kind kind,
                             const weir_stream_calls *calls)
{
    memset(t, 0, sizeof *t);
    make_big();
    t->loop = loop;
    t->checked = SIZE_MAX;
    t->open = true;
    CHECK_EQ(QUIET(weir_stream_open(&t->stream, loop, fd, kind, calls)), 0);
}

static inline void open_socket(talker *t, weir_loop *loop, int fd)
{
    open_with(t, loop, fd, WEIR_STREAM_SOCKET, &loops_room);
}

static inline void open_file(talker *t, weir_loop *loop, int fd)
{
    open_with(t, loop, fd, WEIR_STREAM_FILE, &loops_room);
}

/* Returns: a loop with a stream; NULL: there are none of that kind here. */
static inline weir_loop *begin_pair(pair_kind kind, talker *t, int fd[2])
{
    weir_loop *loop;

    if (!pair_of(kind, fd))
        return NULL;
    loop = make(NULL);
    open_socket(t, loop, fd[0]);
    return loop;
}

static inline void start_reading(talker *t)
{
    CHECK_EQ(QUIET(weir_stream_read(&t->stream)), 0);
}

static inline void shut_it(talker *t)
{
    t->closing = true; /* before: nothing may come from now on */
    CHECK_EQ(QUIET(weir_stream_close(&t->stream)), 0);
}

static inline void abort_it(talker *t)
{
    t->closing = true;
    CHECK_EQ(QUIET(weir_stream_abort(&t->stream)), 0);
}

/* ---- writes ---- */

typedef struct wrote {
    weir_write write;
    talker *from;
    void (*then)(struct wrote *wrote);
    unsigned place; /* in which it was done, of those of its stream; from 1 */
    int status;
    bool pending;
} wrote;

static inline void on_done(weir_write *write, weir_stream *stream, int status)
{
    wrote *const w = (wrote *)(void *)write;

    called(w->from->loop);
    CHECK(stream == &w->from->stream);
    CHECK(w->from->open);
    CHECK(w->pending);
    CHECK_EQ(w->from->shuts, 0);
    w->pending = false;
    w->status = status;
    w->place = ++w->from->done;
    if (w->then != NULL)
        w->then(w);
}

static inline void close_its_stream(wrote *w)
{
    shut_it(w->from);
}

static inline int put_write(talker *t, wrote *w)
{
    int status;

    w->from = t;
    w->place = 0;
    w->status = 1;
    w->then = NULL;
    w->pending = true;
    status = (int)QUIET(weir_stream_write(&t->stream, &w->write));
    w->pending = status == -EINPROGRESS;
    t->writes += w->pending;
    return status;
}

static inline int put_bytes(talker *t, wrote *w, const void *data, size_t bytes)
{
    weir_write_init(&w->write, data, bytes, on_done);
    return put_write(t, w);
}

/* With the first bytes of `big`. */
static inline FILE *file_of(size_t bytes)
{
    FILE *const file = tmpfile();

    make_big();
    CHECK(file != NULL && fwrite(big, 1, bytes, file) == bytes && fflush(file) == 0);
    return file;
}

/* More than goes into the buffers of any pair: from the first byte of `big` on. */
static inline void stuff(talker *t, wrote *w)
{
    make_big();
    CHECK_EQ(put_bytes(t, w, big, BIG), -EINPROGRESS);
}

/* ---- going on ---- */

#define UNTIL(loop, condition)                                  \
    do {                                                        \
        while (!(condition))                                    \
            (void)weir_loop_turn((loop), weir_clock_after(MS)); \
    } while (0)

/* Some turns in which nothing has to come. */
static inline void idle_turns(weir_loop *loop)
{
    for (int i = 0; i < 5; i++)
        (void)weir_loop_turn(loop, 0);
}

/* Reads what the peer gets, while the loop turns, and compares it. Returns: the place after. */
static inline size_t peer_gets(weir_loop *loop, int fd, size_t place, size_t until)
{
    static unsigned char got[65536];

    while (place < until) {
        const size_t most = until - place < sizeof got ? until - place : sizeof got;
        struct pollfd ready = {fd, POLLIN, 0};
        ssize_t n;

        (void)weir_loop_turn(loop, 0);
        if (poll(&ready, 1, 0) <= 0) {
            (void)weir_loop_turn(loop, weir_clock_after(MS));
            continue;
        }
        n = read(fd, got, most);
        CHECK(n > 0);
        check_bytes(got, (size_t)n, place);
        place += (size_t)n;
    }
    return place;
}

/* The peer gets the end, and nothing before it. */
static inline void peer_ends(weir_loop *loop, int fd)
{
    struct pollfd ready = {fd, POLLIN, 0};
    char byte;

    while (poll(&ready, 1, 0) <= 0)
        (void)weir_loop_turn(loop, weir_clock_after(MS));
    CHECK_EQ(read(fd, &byte, 1), 0);
}

/* The peer sends `big` from `place` on, as the loop takes it. */
static inline size_t peer_puts(weir_loop *loop, int fd, size_t place, size_t until)
{
    while (place < until) {
        struct pollfd ready = {fd, POLLOUT, 0};
        size_t most = until - place < 1024 ? until - place : 1024;
        ssize_t n;

        (void)weir_loop_turn(loop, 0);
        if (poll(&ready, 1, 0) <= 0)
            continue;
        n = write(fd, big + place, most);
        CHECK(n > 0);
        place += (size_t)n;
    }
    return place;
}

/* Closes it, and frees the loop, which is to have nothing else. */
static inline void close_all(talker *t, int peer)
{
    weir_loop *const loop = t->loop;

    shut_it(t);
    run_to_the_end(loop);
    CHECK_EQ(t->closes, 1);
    if (peer >= 0)
        CHECK(close(peer) == 0);
    end(loop);
}

/* The number of turns that a loop makes while nothing happens, which must not be many. */
static inline void check_that_it_sleeps(weir_loop *loop)
{
    uint64_t before;

    idle_turns(loop);
    before = numbers_of(loop).turns;
    (void)weir_loop_run(loop, WEIR_LOOP_STOPPED, weir_clock_after(10 * MS));
    CHECK(numbers_of(loop).turns - before < 10);
}

static inline void reset_by(int fd)
{
    const struct linger at_once = {1, 0};

    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    CHECK(close(fd) == 0);
}

#endif /* WEIR_TESTS_STREAM_H */
