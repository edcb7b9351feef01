/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stream.h: pipes, FIFOs, terminals; SIGPIPE; and a million bytes both ways in random
 * pieces. */

#include "stream.h"

#include <sys/stat.h>
#include <termios.h>

/* The library's recv() and send() are these: every other call is interrupted, if asked. */
static bool interrupts;
static unsigned interrupted;

static bool is_interrupted(void)
{
    if (!interrupts || ++interrupted % 2 == 0)
        return false;
    errno = EINTR;
    return true;
}

static struct msghdr message_of(struct iovec *part, void *data, size_t bytes)
{
    struct msghdr message;

    part->iov_base = data;
    part->iov_len = bytes;
    memset(&message, 0, sizeof message);
    message.msg_iov = part;
    message.msg_iovlen = 1;
    return message;
}

ssize_t recv(int fd, void *data, size_t bytes, int flags)
{
    struct iovec part;
    struct msghdr message = message_of(&part, data, bytes);

    return is_interrupted() ? -1 : recvmsg(fd, &message, flags);
}

ssize_t send(int fd, const void *data, size_t bytes, int flags)
{
    struct iovec part;
    const struct msghdr message = message_of(&part, (void *)(uintptr_t)data, bytes);

    return is_interrupted() ? -1 : sendmsg(fd, &message, flags);
}

/* A stream over the read end, or the write end, of a pipe. Returns: the other one. */
static int pipe_with(talker *t, weir_loop *loop, bool writes)
{
    int fd[2];

    CHECK(pipe2(fd, O_CLOEXEC) == 0);
    open_file(t, loop, fd[writes]);
    return fd[!writes];
}

/* ---- pipes ---- */

static void a_pipe_carries_all_and_then_its_end(void)
{
    weir_loop *const loop = make(NULL);
    talker from, to;
    wrote w;
    int fd[2];

    CHECK(pipe2(fd, O_CLOEXEC) == 0);
    open_file(&to, loop, fd[0]);
    open_file(&from, loop, fd[1]);
    start_reading(&to);
    stuff(&from, &w);
    CHECK_EQ(QUIET(weir_stream_shutdown(&from.stream)), -ENOTSOCK);
    UNTIL(loop, to.bytes == BIG && from.done == 1);
    CHECK_EQ(w.status, 0);
    CHECK_EQ(QUIET(weir_stream_shutdown(&from.stream)), -ENOTSOCK);
    CHECK_EQ(QUIET(weir_stream_try_write(&from.stream, big, 1)), 1); /* which changes nothing */
    to.checked = BIG;
    UNTIL(loop, to.bytes == BIG + 1);
    CHECK_EQ(to.ends, 0);
    shut_it(&from);
    UNTIL(loop, to.ends == 1);
    CHECK_EQ(to.ended, 0);
    CHECK_EQ(from.closes, 1);
    close_all(&to, -1);
}

static void a_pipe_whose_writer_has_gone_gives_the_end_at_once(void)
{
    for (int late = 0; late < 2; late++) {
        weir_loop *const loop = make(NULL);
        talker t;
        int fd[2];

        CHECK(pipe2(fd, O_CLOEXEC) == 0);
        if (!late)
            CHECK(close(fd[1]) == 0);
        open_file(&t, loop, fd[0]);
        idle_turns(loop);
        if (late)
            CHECK(close(fd[1]) == 0);
        start_reading(&t);
        UNTIL(loop, t.ends == 1);
        CHECK_EQ(t.ended, 0);
        check_that_it_sleeps(loop);
        close_all(&t, -1);
    }
}

static void pipes_know_their_direction(void)
{
    weir_loop *const loop = make(NULL);
    talker t;
    wrote w;
    char byte;
    int other;

    other = pipe_with(&t, loop, false);
    CHECK_EQ(put_bytes(&t, &w, "a", 1), -EBADF);
    shut_it(&t);
    run_to_the_end(loop);
    CHECK(close(other) == 0);
    other = pipe_with(&t, loop, true);
    CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, &byte, 1)), -EBADF);
    close_all(&t, other);
}

static void interrupted_calls_are_made_again(void)
{
    weir_loop *const loop = make(NULL);
    char bytes[10];
    talker t;
    wrote w;
    int fd[2];

    CHECK(pair_of(PAIR, fd));
    open_socket(&t, loop, fd[0]);
    interrupts = true;
    interrupted = 0;
    CHECK_EQ(put_bytes(&t, &w, big, 10), 0);
    CHECK_EQ(QUIET(weir_stream_try_write(&t.stream, big + 10, 10)), 10);
    CHECK_EQ(QUIET(weir_stream_copy(&t.stream, big + 20, 10)), 0);
    CHECK_EQ(interrupted, 6);
    CHECK_EQ(peer_gets(loop, fd[1], 0, 30), 30);
    CHECK_EQ(write(fd[1], big, 10), 10);
    CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, bytes, 5)), 5);
    start_reading(&t);
    t.checked = 0;
    UNTIL(loop, t.bytes == 5);
    CHECK(memcmp(t.first, big + 5, 5) == 0);
    CHECK_EQ(t.ends, 0);
    interrupts = false;
    close_all(&t, fd[1]);
}

/* ---- SIGPIPE ---- */

static bool pending(void)
{
    sigset_t set;

    CHECK(sigpending(&set) == 0);
    return sigismember(&set, SIGPIPE) == 1;
}

static bool blocked(void)
{
    sigset_t set;

    CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
    return sigismember(&set, SIGPIPE) == 1;
}

static struct {
    talker *talker;
    FILE *file;
    int way, status;
} last_write;

static void write_in_the_loop(thing *unused)
{
    talker *const t = last_write.talker;
    wrote w;

    (void)unused;
    if (last_write.way == 0) {
        last_write.status = put_bytes(t, &w, "a", 1);
    } else if (last_write.way == 1) {
        last_write.status = (int)QUIET(weir_stream_try_write(&t->stream, "a", 1));
    } else if (last_write.way == 2) {
        struct iovec parts[2] = {{big, 10}, {big, 10}};

        weir_write_init_parts(&w.write, parts, 2, on_done);
        last_write.status = put_write(t, &w);
    } else {
        weir_write_init_file(&w.write, fileno(last_write.file), 0, 10, on_done);
        last_write.status = put_write(t, &w);
    }
}

/* Its disposition is the default, so the process would be gone. What is blocked, or pending, is
 * after the run as it was before. */
static void sigpipe_does_not_reach_the_process(void)
{
    FILE *const file = tmpfile();

    make_big();
    CHECK(file != NULL && fwrite(big, 1, 100, file) == 100 && fflush(file) == 0);
    CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    CHECK(!blocked() && !pending());
    last_write.file = file;
    for (int kind = 0; kind < 3; kind++) /* a pipe, a Unix socket, TCP */
        for (int way = 0; way < 4; way++) {
            weir_loop *const loop = make(NULL);
            thing writes = thing_of(loop, 0, write_in_the_loop);
            talker t;
            int other, fd[2];

            if (kind == 0) {
                other = pipe_with(&t, loop, true);
            } else {
                CHECK(pair_of(kind == 1 ? PAIR : TCP4, fd));
                open_socket(&t, loop, fd[0]);
                other = fd[1];
            }
            if (kind == 2)
                reset_by(other);
            else
                CHECK(close(other) == 0);
            last_write.talker = &t;
            last_write.way = way;
            do {
                thing_post(&writes);
                (void)weir_loop_turn(loop, weir_clock_after(MS));
                CHECK(!blocked() && !pending());
            } while (last_write.status >= 0);
            CHECK(last_write.status == -EPIPE || last_write.status == -ECONNRESET);
            close_all(&t, -1);
            CHECK(!blocked() && !pending());
        }
    CHECK(fclose(file) == 0);
}

static void a_full_pipe_whose_reader_goes_ends_its_writes(void)
{
    weir_loop *const loop = make(NULL);
    talker t;
    wrote w[2];
    int other;

    other = pipe_with(&t, loop, true);
    stuff(&t, &w[0]);
    CHECK_EQ(put_bytes(&t, &w[1], big, 1), -EINPROGRESS);
    idle_turns(loop);
    CHECK(close(other) == 0);
    UNTIL(loop, t.done == 2);
    CHECK(w[0].status == -EPIPE && w[1].status == -EPIPE);
    CHECK(!blocked() && !pending());
    close_all(&t, -1);
}

/* Who has blocked it finds it blocked, and one that was pending is there still. */
static void sigpipe_stays_as_the_thread_had_it(void)
{
    weir_loop *const loop = make(NULL);
    sigset_t set, before;
    talker t;
    wrote w;
    int other, number;

    CHECK(sigemptyset(&set) == 0 && sigaddset(&set, SIGPIPE) == 0);
    CHECK(sigprocmask(SIG_BLOCK, &set, &before) == 0);
    other = pipe_with(&t, loop, true);
    stuff(&t, &w);
    CHECK(close(other) == 0);
    CHECK(raise(SIGPIPE) == 0);
    UNTIL(loop, t.done == 1);
    close_all(&t, -1);
    CHECK(blocked() && pending());
    CHECK(sigwait(&set, &number) == 0 && number == SIGPIPE);
    CHECK(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
    CHECK(!blocked() && !pending());
}

/* ---- FIFOs ---- */

static void a_fifo_gives_an_end_for_each_stream(void)
{
    char directory[] = "/tmp/weir-fifo-XXXXXX", path[64];
    weir_loop *const loop = make(NULL);
    talker t;
    int writer, reader;

    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/fifo", directory);
    CHECK(mkfifo(path, 0600) == 0);
    for (size_t round = 0; round < 2; round++) { /* one stream for each writer */
        reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        CHECK(reader >= 0);
        open_file(&t, loop, reader);
        start_reading(&t);
        check_that_it_sleeps(loop); /* without any writer yet */
        CHECK_EQ(t.ends, 0);
        writer = open(path, O_WRONLY | O_CLOEXEC);
        CHECK(writer >= 0);
        CHECK_EQ(write(writer, big, 50), 50);
        UNTIL(loop, t.bytes == 50);
        CHECK(close(writer) == 0);
        UNTIL(loop, t.ends == 1);
        CHECK_EQ(t.ended, 0);
        shut_it(&t);
        run_to_the_end(loop);
    }
    /* Opened for both it never ends. */
    reader = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    CHECK(reader >= 0);
    open_file(&t, loop, reader);
    start_reading(&t);
    for (size_t round = 0; round < 3; round++) {
        writer = open(path, O_WRONLY | O_CLOEXEC);
        CHECK(writer >= 0);
        CHECK_EQ(write(writer, big + 50 * round, 50), 50);
        CHECK(close(writer) == 0);
        UNTIL(loop, t.bytes == 50 * (round + 1));
        idle_turns(loop);
        CHECK_EQ(t.ends, 0);
    }
    CHECK(unlink(path) == 0 && rmdir(directory) == 0);
    close_all(&t, -1);
}

/* ---- terminals ---- */

static bool terminal(int fd[2])
{
    struct termios how;
    const char *name;

    fd[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd[0] < 0 || grantpt(fd[0]) != 0 || unlockpt(fd[0]) != 0 || (name = ptsname(fd[0])) == NULL)
        return false;
    fd[1] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd[1] < 0)
        return false;
    CHECK(tcgetattr(fd[1], &how) == 0);
    cfmakeraw(&how);
    CHECK(tcsetattr(fd[1], TCSANOW, &how) == 0);
    return true;
}

/* More than it holds, so the writer goes on as the stream reads. That the other side is gone the
 * kernel says by EIO. */
static void everything_written_before_the_hang_up_is_read(void)
{
    enum { BYTES = 65536 };
    for (int round = 0; round < 10; round++) {
        weir_loop *const loop = make(NULL);
        talker t;
        int fd[2];

        if (!terminal(fd)) {
            test_skip("no terminals");
            end(loop);
            return;
        }
        open_file(&t, loop, fd[0]);
        start_reading(&t);
        CHECK(fcntl(fd[1], F_SETFL, O_NONBLOCK) == 0);
        CHECK_EQ(peer_puts(loop, fd[1], 0, BYTES), BYTES);
        CHECK(close(fd[1]) == 0);
        UNTIL(loop, t.ends == 1);
        CHECK_EQ(t.bytes, BYTES);
        CHECK_EQ(t.ended, 0);
        close_all(&t, -1);
    }
}

static void a_terminal_goes_both_ways(void)
{
    weir_loop *const loop = make(NULL);
    talker t;
    wrote w;
    int fd[2];

    if (!terminal(fd)) {
        test_skip("no terminals");
        end(loop);
        return;
    }
    open_file(&t, loop, fd[1]);
    start_reading(&t);
    CHECK_EQ(write(fd[0], big, 50), 50);
    UNTIL(loop, t.bytes == 50);
    CHECK_EQ(put_bytes(&t, &w, big, 100000), -EINPROGRESS);
    CHECK_EQ(peer_gets(loop, fd[0], 0, 100000), 100000);
    UNTIL(loop, t.done == 1);
    CHECK_EQ(w.status, 0);
    CHECK_EQ(QUIET(weir_stream_shutdown(&t.stream)), -ENOTSOCK);
    close_all(&t, fd[0]);
}

/* Each read gives a line, and so less than was asked for, however many there are. */
static void a_terminal_gives_all_lines(void)
{
    weir_loop *const loop = make(NULL);
    struct termios how;
    talker t;
    int fd[2];

    if (!terminal(fd)) {
        test_skip("no terminals");
        end(loop);
        return;
    }
    CHECK(tcgetattr(fd[1], &how) == 0);
    how.c_lflag |= ICANON;
    CHECK(tcsetattr(fd[1], TCSANOW, &how) == 0);
    open_file(&t, loop, fd[1]);
    t.checked = 0;
    CHECK_EQ(write(fd[0], "one\ntwo\nthree\n", 14), 14);
    start_reading(&t);
    UNTIL(loop, t.bytes == 14);
    CHECK(memcmp(t.first, "one\ntwo\nthree\n", 14) == 0);
    CHECK_EQ(t.reads, 3);
    close_all(&t, fd[0]);
}

/* ---- both ways ---- */

static uint64_t random_state;

static size_t below(size_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (size_t)(random_state >> 33) % bound;
}

static unsigned pending_writes;

static void free_random(wrote *w)
{
    CHECK_EQ(w->status, 0);
    pending_writes--;
    free(w);
}

/* Writes what comes next, in one of three ways. */
static void offer(talker *t, size_t *place)
{
    size_t bytes = below(8) == 0 ? below(50000) : below(500);
    wrote *w;
    ssize_t n;

    if (bytes > BIG - *place)
        bytes = BIG - *place;
    switch (below(3)) {
    case 0:
        n = QUIET(weir_stream_try_write(&t->stream, big + *place, bytes));
        CHECK(n >= 0 || n == -EAGAIN);
        *place += n > 0 ? (size_t)n : 0;
        return;
    case 1:
        CHECK_EQ(QUIET(weir_stream_copy(&t->stream, big + *place, bytes)), 0);
        break;
    default:
        w = malloc(sizeof *w);
        CHECK(w != NULL);
        if (put_bytes(t, w, big + *place, bytes) == 0) {
            free(w);
        } else {
            w->then = free_random;
            pending_writes++;
        }
    }
    *place += bytes;
}

static void a_million_bytes_both_ways_in_random_pieces(void)
{
    random_state = 1;
    for (int kind = TCP4; kind < PAIRS; kind++) {
        weir_loop *loop;
        size_t places[2] = {0, 0};
        static char room[30000];
        talker t[2];
        int fd[2];

        if (!pair_of((pair_kind)kind, fd))
            continue;
        loop = make(NULL);
        open_socket(&t[0], loop, fd[0]);
        open_with(&t[1], loop, fd[1], WEIR_STREAM_SOCKET, &own_room);
        t[1].room = room;
        while (t[0].bytes < BIG || t[1].bytes < BIG) {
            for (int i = 0; i < 2; i++) {
                t[1].room_bytes = 1 + below(sizeof room);
                if (t[i].ends == 0 && below(3) == 0)
                    weir_stream_pause(&t[i].stream);
                else if (t[i].ends == 0)
                    start_reading(&t[i]);
                if (places[i] == BIG)
                    continue;
                if (weir_stream_queued(&t[i].stream) < 200000)
                    offer(&t[i], &places[i]);
                if (places[i] == BIG)
                    CHECK(QUIET(weir_stream_shutdown(&t[i].stream)) <= 0);
            }
            (void)weir_loop_turn(loop, 0);
        }
        for (int i = 0; i < 2; i++) {
            if (t[i].ends == 0)
                start_reading(&t[i]);
            UNTIL(loop, t[i].ends == 1);
            CHECK_EQ(t[i].ended, 0);
            CHECK_EQ(t[i].bytes, BIG);
        }
        CHECK_EQ(pending_writes, 0);
        shut_it(&t[0]);
        close_all(&t[1], -1);
    }
}

int main(void)
{
    make_big();
    return TEST_RUN("stream_file", TEST_CASE(a_pipe_carries_all_and_then_its_end),
                    TEST_CASE(a_pipe_whose_writer_has_gone_gives_the_end_at_once),
                    TEST_CASE(pipes_know_their_direction),
                    TEST_CASE(interrupted_calls_are_made_again),
                    TEST_CASE(sigpipe_does_not_reach_the_process),
                    TEST_CASE(a_full_pipe_whose_reader_goes_ends_its_writes),
                    TEST_CASE(sigpipe_stays_as_the_thread_had_it),
                    TEST_CASE(a_fifo_gives_an_end_for_each_stream),
                    TEST_CASE(everything_written_before_the_hang_up_is_read),
                    TEST_CASE(a_terminal_goes_both_ways), TEST_CASE(a_terminal_gives_all_lines),
                    TEST_CASE(a_million_bytes_both_ways_in_random_pieces));
}
