/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stream.h: system calls that are interrupted, do less than was asked, or fail, at random: the
 * library's are those of this file. */

#include "stream_listener.h"

#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

enum { FDS = 64, PIECES = 12 };

static struct {
    bool of[FDS];  /* descriptors that are stormed */
    bool fails;    /* not only interruptions, and short writes */
    bool swallows; /* no storm: who reads is as fast as who writes */
    size_t most;   /* of one call then */
    unsigned interrupted, failed, cut;
    uint64_t random;
} storm;

static uint64_t draw(uint64_t below)
{
    storm.random ^= storm.random << 13;
    storm.random ^= storm.random >> 7;
    storm.random ^= storm.random << 17;
    return storm.random % below;
}

/* Returns: whether the call fails, errno set. */
static bool strikes(int fd, const int *errors, size_t count)
{
    if (fd < 0 || fd >= FDS || !storm.of[fd])
        return false;
    if (draw(4) == 0) {
        storm.interrupted++;
        errno = EINTR;
        return true;
    }
    if (!storm.fails || draw(30) != 0)
        return false;
    storm.failed++;
    errno = errors[draw(count)];
    return true;
}

#define STRIKES(fd, ...)                      \
    strikes((fd), (const int[]){__VA_ARGS__}, \
            sizeof((const int[]){__VA_ARGS__}) / sizeof((const int[]){__VA_ARGS__}[0]))

/* How much a write takes. */
static size_t cut(int fd, size_t bytes)
{
    if (fd < 0 || fd >= FDS || !storm.of[fd] || bytes < 2 || draw(3) != 0)
        return bytes;
    storm.cut++;
    return 1 + (size_t)draw(bytes - 1);
}

ssize_t storm_recv(int fd, void *data, size_t bytes, int flags) __asm__("recv");
ssize_t storm_recvmsg(int fd, struct msghdr *message, int flags) __asm__("recvmsg");
ssize_t storm_send(int fd, const void *data, size_t bytes, int flags) __asm__("send");
ssize_t storm_sendmsg(int fd, const struct msghdr *message, int flags) __asm__("sendmsg");
int storm_accept4(int fd, struct sockaddr *address, socklen_t *length,
                  int flags) __asm__("accept4");

ssize_t storm_recv(int fd, void *data, size_t bytes, int flags)
{
    if (STRIKES(fd, ECONNRESET, ETIMEDOUT, EIO, ENOMEM, EHOSTUNREACH))
        return -1;
    return recvfrom(fd, data, bytes, flags, NULL, NULL);
}

ssize_t storm_recvmsg(int fd, struct msghdr *message, int flags)
{
    if (STRIKES(fd, ECONNRESET, ETIMEDOUT, EIO, ENOMEM, EHOSTUNREACH))
        return -1;
    return syscall(SYS_recvmsg, fd, message, flags);
}

/* Returns: whether it takes them all. */
static bool swallow(int fd, const struct iovec *parts, size_t count, size_t *bytes)
{
    if (!storm.swallows || !storm.of[fd])
        return false;
    *bytes = 0;
    for (size_t i = 0; i < count; i++)
        *bytes += parts[i].iov_len;
    if (*bytes > storm.most)
        storm.most = *bytes;
    return true;
}

ssize_t storm_send(int fd, const void *data, size_t bytes, int flags)
{
    const struct iovec part = {NULL, bytes};

    if (swallow(fd, &part, 1, &bytes))
        return (ssize_t)bytes;
    if (STRIKES(fd, EPIPE, ECONNRESET, ENOBUFS, ENOMEM))
        return -1;
    return sendto(fd, data, cut(fd, bytes), flags, NULL, 0);
}

/* Of several parts, perhaps the first alone. */
ssize_t storm_sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct msghdr less = *message;
    struct iovec first = message->msg_iov[0];
    size_t bytes;

    if (swallow(fd, message->msg_iov, (size_t)message->msg_iovlen, &bytes))
        return (ssize_t)bytes;
    if (STRIKES(fd, EPIPE, ECONNRESET, ENOBUFS, ENOMEM))
        return -1;
    first.iov_len = cut(fd, first.iov_len);
    if (first.iov_len < message->msg_iov[0].iov_len)
        return sendto(fd, first.iov_base, first.iov_len, flags & ~MSG_MORE, NULL, 0);
    less.msg_iovlen = 1;
    less.msg_iov = &first;
    return syscall(SYS_sendmsg, fd, draw(2) == 0 ? &less : message, flags);
}

int storm_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    if (STRIKES(fd, ECONNABORTED, EPROTO, EMFILE, ENFILE, ENOBUFS, ENOMEM))
        return -1;
    return (int)syscall(SYS_accept4, fd, address, length, flags);
}

#ifdef __GLIBC__ /* others have all of epoll in one object, which cannot be had in part */
int storm_epoll_wait(int set, struct epoll_event *events, int most, int ms) __asm__("epoll_wait");
int storm_epoll_ctl(int set, int what, int fd, struct epoll_event *event) __asm__("epoll_ctl");

int storm_epoll_wait(int set, struct epoll_event *events, int most, int ms)
{
    if (storm.random != 0 && draw(4) == 0) {
        errno = EINTR;
        return -1;
    }
    return epoll_pwait(set, events, most, ms, NULL);
}

int storm_epoll_ctl(int set, int what, int fd, struct epoll_event *event)
{
    if (what == EPOLL_CTL_ADD && storm.fails && fd < FDS && storm.of[fd] && draw(3) == 0) {
        errno = draw(2) == 0 ? ENOMEM : ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_epoll_ctl, set, what, fd, event);
}
#endif

static void begin_storm(uint64_t seed, bool fails)
{
    memset(&storm, 0, sizeof storm);
    storm.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    storm.fails = fails;
}

/* ---- two that talk ---- */

typedef struct side {
    talker t;
    wrote wrote[PIECES];
    struct iovec parts[PIECES][3];
    size_t sent; /* the kernel may have fewer, if writing has failed */
    int refused; /* what a write said: 0, or why nothing is written any more */
} side;

static side sides[2];

static void open_side(side *s, weir_loop *loop, int fd)
{
    memset(s, 0, sizeof *s);
    make_big();
    s->t.loop = loop;
    s->t.checked = SIZE_MAX;
    s->t.open = true;
    for (;;) {
        const int status =
            (int)QUIET(weir_stream_open(&s->t.stream, loop, fd, WEIR_STREAM_SOCKET, &loops_room));

        if (status == 0)
            return;
        CHECK(status == -ENOMEM || status == -ENOSPC); /* the descriptor is still ours */
    }
}

static void note_status(side *s, int status)
{
    CHECK(status == 0 || status == -EINPROGRESS || storm.failed != 0);
    if (status != 0 && status != -EINPROGRESS)
        s->refused = status;
}

static void write_piece(side *s, unsigned i, int file)
{
    const size_t bytes = 1 + (size_t)draw(20000);
    wrote *const w = &s->wrote[i];

    if (s->refused != 0)
        return;
    switch (draw(4)) {
    case 0:
        note_status(s, put_bytes(&s->t, w, big + s->sent, bytes));
        break;
    case 1:
        for (unsigned p = 0; p < 3; p++) {
            s->parts[i][p].iov_base = big + s->sent + bytes * p / 3;
            s->parts[i][p].iov_len = bytes * (p + 1) / 3 - bytes * p / 3;
        }
        weir_write_init_parts(&w->write, s->parts[i], 3, on_done);
        note_status(s, put_write(&s->t, w));
        break;
    case 2:
        weir_write_init_file(&w->write, file, (int64_t)s->sent, bytes, on_done);
        note_status(s, put_write(&s->t, w));
        break;
    default:
        note_status(s, (int)QUIET(weir_stream_copy(&s->t.stream, big + s->sent, bytes)));
    }
    s->sent += bytes;
}

/* Whether it is to be closed: at the end of all, or after an error that it was told of. */
static bool is_over(const side *s)
{
    const talker *const t = &s->t;

    if (s->refused != 0 || t->shut != 0 || t->ended != 0)
        return true;
    return t->ends != 0 && t->done == t->writes && weir_stream_queued(&t->stream) == 0;
}

/* Each sends what it has and the end; who is told of an error closes. */
static void talk(uint64_t seed, bool fails, int file)
{
    weir_loop *const loop = make(NULL);
    int fd[2];

    begin_storm(seed, fails);
    CHECK(pair_of(seed % 2 == 0 ? PAIR : TCP4, fd));
    storm.of[fd[0]] = storm.of[fd[1]] = true;
    for (int i = 0; i < 2; i++)
        open_side(&sides[i], loop, fd[i]);
    for (int i = 0; i < 2; i++) {
        start_reading(&sides[i].t);
        for (unsigned piece = 0; piece < PIECES; piece++)
            write_piece(&sides[i], piece, file);
        if (sides[i].refused == 0)
            note_status(&sides[i], (int)QUIET(weir_stream_shutdown(&sides[i].t.stream)));
    }
    while (!sides[0].t.closing || !sides[1].t.closing) {
        (void)weir_loop_turn(loop, weir_clock_after(MS));
        for (int i = 0; i < 2; i++)
            if (!sides[i].t.closing && is_over(&sides[i]))
                shut_it(&sides[i].t);
    }
    run_to_the_end(loop);
    for (int i = 0; i < 2; i++) {
        const talker *const t = &sides[i].t;

        CHECK(t->closes == 1 && t->done == t->writes && t->ends <= 1);
        CHECK(t->bytes <= sides[1 - i].sent);
        if (storm.failed != 0)
            continue;
        CHECK(t->ends == 1 && t->ended == 0 && t->bytes == sides[1 - i].sent);
        for (unsigned piece = 0; piece < PIECES; piece++)
            CHECK_EQ(sides[i].wrote[piece].place == 0 ? 0 : sides[i].wrote[piece].status, 0);
    }
    end(loop);
}

static void interruptions_and_short_writes_lose_nothing(void)
{
    FILE *const file = file_of(PIECES * 20000);

    for (uint64_t seed = 0; seed < 40; seed++) {
        talk(seed, false, fileno(file));
        CHECK(storm.interrupted != 0 && storm.cut != 0 && storm.failed == 0);
    }
    CHECK(fclose(file) == 0);
}

static void whatever_fails_is_told_once_and_the_rest_goes_on(void)
{
    FILE *const file = file_of(PIECES * 20000);
    unsigned failed = 0;

    for (uint64_t seed = 0; seed < 200; seed++) {
        talk(seed, true, fileno(file));
        failed += storm.failed != 0;
    }
    CHECK(failed > 20 && failed < 200);
    CHECK(fclose(file) == 0);
}

/* ---- who takes all ---- */

static side *hungry_side(weir_loop *loop, int *other)
{
    int fd[2];

    begin_storm(1, false);
    storm.random = 0;
    CHECK(pair_of(PAIR, fd));
    open_side(&sides[0], loop, fd[0]);
    storm.swallows = storm.of[fd[0]] = true;
    *other = fd[1];
    return &sides[0];
}

static void end_side(side *s, int other)
{
    weir_loop *const loop = s->t.loop;

    CHECK(storm.most != 0 && storm.most <= 256 * 1024);
    shut_it(&s->t);
    run_to_the_end(loop);
    CHECK(close(other) == 0);
    end(loop);
}

/* 16 calls a turn, however the bytes are divided. */
static void a_large_write_holds_nobody_up(void)
{
    enum { TURN = 16 * 256 * 1024, TURNS = 5 };
    char *const bytes = calloc(TURNS, TURN);

    CHECK(bytes != NULL);
    for (unsigned count = 1; count <= 100; count += 33) {
        struct iovec parts[100];
        weir_loop *const loop = make(NULL);
        wrote *const w = &sides[0].wrote[0];
        int other;
        side *const s = hungry_side(loop, &other);

        for (unsigned i = 0; i < count; i++) {
            parts[i].iov_base = bytes;
            parts[i].iov_len = TURNS * TURN / count;
        }
        parts[0].iov_len += TURNS * TURN % count;
        weir_write_init_parts(&w->write, parts, count, on_done);
        CHECK_EQ(put_write(&s->t, w), -EINPROGRESS);
        for (size_t left = TURNS - 1; left != 0; left--) {
            CHECK_EQ(weir_stream_queued(&s->t.stream), left * TURN);
            (void)weir_loop_turn(loop, 0);
        }
        CHECK_EQ(weir_stream_queued(&s->t.stream), 0);
        CHECK(s->t.done == 1 && w->status == 0);
        end_side(s, other);
    }
    free(bytes);
}

/* There is room for the rest, and nobody says so. */
static void the_rest_of_a_large_copy_follows(void)
{
    enum { LARGE = 3 * 256 * 1024 };
    char *const bytes = calloc(1, LARGE);
    weir_loop *const loop = make(NULL);
    int other;
    side *const s = hungry_side(loop, &other);

    CHECK(bytes != NULL);
    while (weir_loop_turn(loop, 0) == 0) /* what epoll says at first */
        continue;
    CHECK_EQ(weir_stream_try_write(&s->t.stream, bytes, LARGE), 256 * 1024);
    CHECK_EQ(weir_stream_copy(&s->t.stream, bytes, LARGE), 0);
    CHECK_EQ(weir_stream_queued(&s->t.stream), LARGE - 256 * 1024);
    (void)weir_loop_turn(loop, 0);
    CHECK_EQ(weir_stream_queued(&s->t.stream), 0);
    end_side(s, other);
    free(bytes);
}

/* ---- a listener ---- */

static void a_listener_accepts_everybody_whatever_accept_says(void)
{
    static int clients[FDS];
    unsigned failures = 0;

    for (uint64_t seed = 0; seed < 40; seed++) {
        weir_loop *loop;
        host h;

        begin_storm(seed, true);
        loop = host_of(&h, seed % 2 == 0 ? UNIX : TCP4, 0);
        storm.of[weir_listener_fd(&h.listener)] = true;
        connect_to(&h, clients, 20);
        while (h.count < 20) {
            const unsigned told = h.failures;

            (void)weir_loop_turn(loop, weir_clock_after(MS));
            CHECK(h.failures - told <= 1);
            if (h.listener.waiting && h.listener.open != 0)
                weir_listener_release(&h.listener); /* a reason to try at once */
        }
        failures += h.failures;
        close_host(&h);
        close_fds(clients, 20);
        close_fds(h.fds, 20);
        end(loop);
    }
    CHECK(failures > 10);
}

int main(void)
{
    return TEST_RUN("stream_storm", TEST_CASE(interruptions_and_short_writes_lose_nothing),
                    TEST_CASE(whatever_fails_is_told_once_and_the_rest_goes_on),
                    TEST_CASE(a_large_write_holds_nobody_up),
                    TEST_CASE(the_rest_of_a_large_copy_follows),
                    TEST_CASE(a_listener_accepts_everybody_whatever_accept_says));
}
