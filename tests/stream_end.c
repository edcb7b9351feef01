/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stream.h: how streams end: by the other side, or a shutdown. tests/stream_close.c has the
 * rest. */

#include "stream.h"

/* The library's send() is this one. */
static int next_error; /* of the next call; 0: none */

ssize_t send_or_fail(int fd, const void *data, size_t bytes, int flags) __asm__("send");

ssize_t send_or_fail(int fd, const void *data, size_t bytes, int flags)
{
    if (next_error != 0) {
        errno = next_error;
        next_error = 0;
        return -1;
    }
    return sendto(fd, data, bytes, flags, NULL, 0);
}

/* ---- by the other side ---- */

static void the_end_is_told_and_nothing_is_closed(void)
{
    for (int kind = TCP4; kind < PAIRS; kind++) {
        weir_loop *loop;
        char byte;
        talker t;
        wrote w;
        int fd[2];

        loop = begin_pair((pair_kind)kind, &t, fd);
        if (loop == NULL)
            continue;
        start_reading(&t);
        CHECK(shutdown(fd[1], SHUT_WR) == 0);
        UNTIL(loop, t.ends == 1);
        CHECK_EQ(t.ended, 0);
        CHECK_EQ(QUIET(weir_stream_read(&t.stream)), -EPIPE);
        CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, &byte, 1)), 0); /* it is paused */
        check_that_it_sleeps(loop);
        /* What is written still arrives. */
        CHECK_EQ(weir_stream_fd(&t.stream), fd[0]);
        stuff(&t, &w);
        CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
        UNTIL(loop, t.done == 1);
        CHECK_EQ(w.status, 0);
        CHECK_EQ(t.reads, 0);
        close_all(&t, fd[1]);
        CHECK_EQ(t.ends, 1);
    }
}

static void data_before_a_hang_up_are_delivered_before_the_end(void)
{
    for (int kind = TCP4; kind <= PIPE; kind++)
        for (size_t bytes = 1; bytes <= 60000; bytes = bytes * 7 + 3) {
            weir_loop *loop;
            talker t;
            int fd[2];

            if (!pair_of((pair_kind)kind, fd))
                continue;
            loop = make(NULL);
            open_with(&t, loop, fd[0], kind == PIPE ? WEIR_STREAM_FILE : WEIR_STREAM_SOCKET,
                      &loops_room);
            if (bytes % 2 == 0)
                start_reading(&t);
            CHECK_EQ(write(fd[1], big, bytes), (ssize_t)bytes);
            if (bytes % 3 == 0)
                (void)weir_loop_turn(loop, 0);
            CHECK(close(fd[1]) == 0);
            start_reading(&t);
            UNTIL(loop, t.ends == 1);
            CHECK_EQ(t.bytes, bytes);
            CHECK_EQ(t.ended, 0);
            close_all(&t, -1);
        }
}

static void a_reset_is_not_an_end(void)
{
    for (int kind = TCP4; kind <= TCP6; kind++) {
        weir_loop *loop;
        talker t;
        wrote w;
        int fd[2], status;

        loop = begin_pair((pair_kind)kind, &t, fd);
        if (loop == NULL)
            continue;
        start_reading(&t);
        reset_by(fd[1]);
        UNTIL(loop, t.ends == 1);
        CHECK_EQ(t.ended, -ECONNRESET);
        CHECK_EQ(QUIET(weir_stream_read(&t.stream)), -EPIPE);
        status = put_bytes(&t, &w, "a", 1);
        CHECK(status == -EPIPE || status == -ECONNRESET);
        CHECK_EQ(put_bytes(&t, &w, "a", 1), status);
        check_that_it_sleeps(loop);
        close_all(&t, -1);
        CHECK_EQ(t.ends, 1);
    }
}

static void await_error(int fd)
{
    struct pollfd gone = {fd, 0, 0};

    CHECK_EQ(poll(&gone, 1, -1), 1);
}

static void nothing_is_told_to_the_reader_after_the_end(void)
{
    weir_loop *loop;
    talker t;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    start_reading(&t);
    CHECK(shutdown(fd[1], SHUT_WR) == 0);
    UNTIL(loop, t.ends == 1);
    reset_by(fd[1]);
    await_error(fd[0]);
    idle_turns(loop);
    CHECK(t.ends == 1 && t.readables == 0 && t.reads == 0);
    close_all(&t, -1);
}

static void a_reset_is_told_by_try_read(void)
{
    weir_loop *loop;
    talker t;
    char byte;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    reset_by(fd[1]);
    UNTIL(loop, t.readables == 1);
    CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, &byte, 1)), -ECONNRESET);
    CHECK_EQ(QUIET(weir_stream_read(&t.stream)), -EPIPE);
    idle_turns(loop);
    CHECK_EQ(t.ends, 0);
    close_all(&t, -1);
}

static void a_reset_in_the_middle_of_a_large_write_ends_all(void)
{
    for (int reading = 0; reading < 2; reading++) {
        weir_loop *loop;
        talker t;
        wrote w[3];
        int fd[2], status;

        loop = begin_pair(TCP4, &t, fd);
        if (reading)
            start_reading(&t);
        stuff(&t, &w[0]);
        CHECK_EQ(put_bytes(&t, &w[1], big, 10), -EINPROGRESS);
        CHECK_EQ(QUIET(weir_stream_copy(&t.stream, big, 10)), 0);
        CHECK_EQ(put_bytes(&t, &w[2], big, 10), -EINPROGRESS);
        CHECK_EQ(peer_gets(loop, fd[1], 0, 100000), 100000);
        reset_by(fd[1]);
        UNTIL(loop, t.done == 3);
        for (unsigned i = 0; i < 3; i++) {
            CHECK_EQ(w[i].place, i + 1);
            CHECK(w[i].status == -ECONNRESET || w[i].status == -EPIPE);
        }
        CHECK_EQ(weir_stream_queued(&t.stream), 0);
        CHECK(!weir_stream_is_full(&t.stream));
        status = w[0].status;
        CHECK_EQ(put_bytes(&t, &w[0], "a", 1), status);
        CHECK(QUIET(weir_stream_try_write(&t.stream, "a", 1)) < 0);
        CHECK(QUIET(weir_stream_copy(&t.stream, "a", 1)) < 0);
        if (reading)
            UNTIL(loop, t.ends == 1);
        CHECK_EQ(t.ended, reading ? -ECONNRESET : 0); /* though a write has got the error */
        CHECK(t.fails == 1 && t.failed == status);
        close_all(&t, -1);
        CHECK_EQ(t.ends, (unsigned)reading);
    }
}

/* Whoever of a Unix pair has gone has not reset anything. */
static void writing_to_who_has_gone_is_an_error_not_a_signal(void)
{
    for (int kind = TCP4; kind < PAIRS; kind++)
        for (int later = 0; later < 2; later++) {
            weir_loop *loop;
            talker t;
            wrote w;
            int fd[2], status;

            loop = begin_pair((pair_kind)kind, &t, fd);
            if (loop == NULL)
                continue;
            if (later)
                stuff(&t, &w);
            CHECK(close(fd[1]) == 0);
            if (later) {
                UNTIL(loop, t.done == 1);
                status = w.status;
            } else {
                do { /* of TCP the first one may be taken, and is answered by a reset */
                    idle_turns(loop);
                    status = (int)QUIET(weir_stream_try_write(&t.stream, "a", 1));
                } while (status >= 0);
            }
            CHECK(status == -EPIPE || status == -ECONNRESET);
            CHECK_EQ(weir_stream_queued(&t.stream), 0);
            CHECK(QUIET(weir_stream_copy(&t.stream, "a", 1)) < 0);
            CHECK(QUIET(weir_stream_shutdown(&t.stream)) < 0);
            idle_turns(loop);
            CHECK_EQ(t.shuts, 0);
            close_all(&t, -1);
        }
}

static void a_user_that_closes_the_fd_beneath_gets_an_error(void)
{
    talker t;
    wrote w;
    int fd[2];

    CHECK(begin_pair(TCP4, &t, fd) != NULL);
    CHECK(close(fd[0]) == 0);
    CHECK_EQ(put_bytes(&t, &w, "a", 1), -EBADF);
    close_all(&t, fd[1]);
}

/* ---- writing that fails ---- */

/* Nobody waits for them, and they are fewer than would be told by `drained`. */
static void copies_that_are_lost_are_told(void)
{
    for (int ended = 0; ended < 2; ended++) {
        weir_loop *loop;
        talker t;
        int fd[2];

        loop = begin_pair(TCP4, &t, fd);
        weir_stream_marks(&t.stream, 0, 2 * BIG);
        start_reading(&t);
        if (ended) {
            CHECK(shutdown(fd[1], SHUT_WR) == 0);
            UNTIL(loop, t.ends == 1);
        }
        CHECK_EQ(QUIET(weir_stream_copy(&t.stream, big, BIG)), 0);
        CHECK(weir_stream_queued(&t.stream) != 0);
        reset_by(fd[1]);
        UNTIL(loop, t.fails == 1 && t.ends == 1);
        CHECK(t.failed == -EPIPE || t.failed == -ECONNRESET);
        CHECK_EQ(t.ended, ended ? 0 : -ECONNRESET);
        CHECK_EQ(QUIET(weir_stream_copy(&t.stream, "a", 1)), t.failed);
        check_that_it_sleeps(loop);
        CHECK_EQ(t.draineds + t.shuts, 0);
        close_all(&t, -1);
        CHECK_EQ(t.fails, 1);
    }
}

/* The kernel tells it once: the reader gets an end, as though all had come. */
static void an_error_that_a_write_has_got_is_told_to_the_reader(void)
{
    static const int errors[] = {ECONNRESET,  ECONNABORTED, ETIMEDOUT, EHOSTUNREACH,
                                 ENETUNREACH, ENETDOWN,     EPIPE};

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        weir_loop *loop;
        talker t;
        wrote w;
        int fd[2];

        loop = begin_pair(TCP4, &t, fd);
        start_reading(&t);
        next_error = errors[i];
        CHECK_EQ(put_bytes(&t, &w, "a", 1), -errors[i]);
        CHECK(shutdown(fd[1], SHUT_WR) == 0);
        UNTIL(loop, t.ends == 1);
        CHECK_EQ(t.ended, errors[i] == EPIPE ? 0 : -errors[i]); /* EPIPE: there was an end */
        CHECK_EQ(t.fails, 0);
        close_all(&t, fd[1]);
    }
}

/* The kernel's time stamps of what was sent, say, stand there. */
static void what_stands_in_the_error_queue_is_no_failure(void)
{
    const int stamps = 1 << 9 | 1 << 4; /* TX_ACK, SOFTWARE: musl has no linux/net_tstamp.h */
    weir_loop *loop;
    talker t;
    wrote w;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    if (setsockopt(fd[0], SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps) != 0) {
        test_skip("the kernel has no time stamps");
    } else {
        CHECK_EQ(put_bytes(&t, &w, "a", 1), 0);
        await_error(fd[0]);
        idle_turns(loop);
        CHECK_EQ(t.fails, 0);
        CHECK_EQ(put_bytes(&t, &w, "a", 1), 0);
    }
    close_all(&t, fd[1]);
}

/* With nothing to write, and nobody who reads. */
static void a_broken_connection_is_told(void)
{
    for (int ended = 0; ended < 2; ended++) {
        weir_loop *loop;
        char bytes[10];
        talker t;
        int fd[2];

        loop = begin_pair(TCP4, &t, fd);
        CHECK_EQ(write(fd[1], big, 5), 5);
        if (ended) {
            start_reading(&t);
            CHECK(shutdown(fd[1], SHUT_WR) == 0);
            UNTIL(loop, t.ends == 1);
        }
        reset_by(fd[1]);
        UNTIL(loop, t.fails == 1);
        CHECK_EQ(t.failed, ended ? -EPIPE : -ECONNRESET);
        if (!ended) {
            CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, bytes, 10)), 5);
            CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, bytes, 10)), -ECONNRESET);
        }
        check_that_it_sleeps(loop);
        close_all(&t, -1);
        CHECK_EQ(t.fails, 1);
    }
}

static void a_pipe_that_nobody_reads_any_more_is_told(void)
{
    weir_loop *const loop = make(NULL);
    talker t;
    int fd[2];

    CHECK(pair_of(PIPE, fd));
    open_file(&t, loop, fd[1]);
    idle_turns(loop);
    CHECK_EQ(t.fails, 0);
    CHECK(close(fd[0]) == 0);
    UNTIL(loop, t.fails == 1);
    CHECK_EQ(t.failed, -EPIPE);
    close_all(&t, -1);
}

static void what_a_function_has_said_is_not_told_again(void)
{
    for (int shut = 0; shut < 2; shut++) {
        weir_loop *loop;
        talker t;
        wrote w;
        int fd[2];

        loop = begin_pair(TCP4, &t, fd);
        if (shut)
            CHECK_EQ(QUIET(weir_stream_shutdown(&t.stream)), 0);
        reset_by(fd[1]);
        await_error(fd[0]);
        if (!shut)
            CHECK_EQ(put_bytes(&t, &w, "a", 1), -ECONNRESET);
        idle_turns(loop);
        CHECK_EQ(t.fails, 0);
        close_all(&t, -1);
    }
}

static void close_when_it_fails(talker *t, int what)
{
    if (what == BROKEN)
        shut_it(t);
}

static void a_stream_can_be_closed_when_it_fails(void)
{
    for (int full = 0; full < 2; full++) {
        weir_loop *loop;
        talker t;
        int fd[2];

        loop = begin_pair(TCP4, &t, fd);
        start_reading(&t);
        t.then = close_when_it_fails;
        if (full) {
            CHECK_EQ(QUIET(weir_stream_copy(&t.stream, big, BIG)), 0);
            CHECK(weir_stream_is_full(&t.stream));
            CHECK_EQ(QUIET(weir_stream_shutdown(&t.stream)), -EINPROGRESS);
        }
        reset_by(fd[1]);
        run_to_the_end(loop);
        CHECK_EQ(t.fails, 1);
        CHECK_EQ(t.draineds + t.ends, 0);
        CHECK_EQ(t.shuts, (unsigned)full);
        CHECK_EQ(t.shut, full ? -ECANCELED : 0);
        CHECK_EQ(t.closes, 1);
        end(loop);
    }
}

static void a_stream_that_a_write_has_closed_tells_no_failure(void)
{
    weir_loop *loop;
    talker t;
    wrote w;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    stuff(&t, &w);
    w.then = close_its_stream;
    reset_by(fd[1]);
    run_to_the_end(loop);
    CHECK(w.status == -ECONNRESET || w.status == -EPIPE);
    CHECK(t.fails == 0 && t.closes == 1);
    end(loop);
}

/* ---- shutdown ---- */

static void shutdown_waits_for_all_writes_before_it(void)
{
    for (int kind = TCP4; kind < PAIRS; kind++) {
        weir_loop *loop;
        talker t;
        wrote w[2];
        int fd[2];

        loop = begin_pair((pair_kind)kind, &t, fd);
        if (loop == NULL)
            continue;
        stuff(&t, &w[0]);
        CHECK_EQ(QUIET(weir_stream_shutdown(&t.stream)), -EINPROGRESS);
        /* It is not writable from now on, and a second one leaves no ghost. */
        CHECK_EQ(QUIET(weir_stream_shutdown(&t.stream)), -EALREADY);
        CHECK_EQ(put_bytes(&t, &w[1], "a", 1), -EPIPE);
        CHECK_EQ(QUIET(weir_stream_try_write(&t.stream, "a", 1)), -EPIPE);
        CHECK_EQ(QUIET(weir_stream_copy(&t.stream, "a", 1)), -EPIPE);
        CHECK_EQ(t.shuts, 0);
        CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
        peer_ends(loop, fd[1]);
        UNTIL(loop, t.shuts == 1);
        CHECK_EQ(t.shut, 0);
        CHECK(t.done == 1 && w[0].status == 0);
        CHECK_EQ(QUIET(weir_stream_shutdown(&t.stream)), -EALREADY);
        /* Reading goes on. */
        start_reading(&t);
        CHECK_EQ(write(fd[1], big, 5), 5);
        UNTIL(loop, t.bytes == 5);
        check_that_it_sleeps(loop);
        close_all(&t, fd[1]);
        CHECK_EQ(t.shuts, 1);
    }
}

static void a_shutdown_with_nothing_to_wait_for_is_done_at_once(void)
{
    for (int kind = TCP4; kind < PAIRS; kind++) {
        weir_loop *loop;
        talker t;
        wrote w;
        int fd[2];

        loop = begin_pair((pair_kind)kind, &t, fd);
        if (loop == NULL)
            continue;
        CHECK_EQ(QUIET(weir_stream_shutdown(&t.stream)), 0);
        CHECK_EQ(QUIET(weir_stream_shutdown(&t.stream)), -EALREADY);
        CHECK_EQ(put_bytes(&t, &w, "a", 1), -EPIPE);
        peer_ends(loop, fd[1]);
        idle_turns(loop);
        CHECK_EQ(t.shuts, 0); /* what it returned is not told again */
        /* Both at once do not hang. */
        start_reading(&t);
        CHECK(shutdown(fd[1], SHUT_WR) == 0);
        UNTIL(loop, t.ends == 1);
        check_that_it_sleeps(loop);
        close_all(&t, fd[1]);
        CHECK_EQ(t.shuts, 0);
    }
}

static void both_ends_shutting_down_at_once_do_not_hang(void)
{
    weir_loop *const loop = make(NULL);
    talker a, b;
    int fd[2];

    CHECK(pair_of(TCP4, fd));
    open_socket(&a, loop, fd[0]);
    open_socket(&b, loop, fd[1]);
    start_reading(&a);
    start_reading(&b);
    CHECK_EQ(QUIET(weir_stream_copy(&a.stream, big, BIG)), 0);
    CHECK_EQ(QUIET(weir_stream_copy(&b.stream, big, BIG)), 0);
    CHECK_EQ(QUIET(weir_stream_shutdown(&a.stream)), -EINPROGRESS);
    CHECK_EQ(QUIET(weir_stream_shutdown(&b.stream)), -EINPROGRESS);
    UNTIL(loop, a.ends + b.ends + a.shuts + b.shuts == 4);
    CHECK(a.bytes == BIG && b.bytes == BIG && a.ended == 0 && b.ended == 0);
    CHECK(a.shut == 0 && b.shut == 0);
    shut_it(&a);
    close_all(&b, -1);
    CHECK_EQ(a.closes, 1);
}

static void a_shutdown_is_answered_though_a_close_follows(void)
{
    for (int kind = TCP4; kind < PAIRS; kind++)
        for (int aborted = 0; aborted < 2; aborted++) {
            weir_loop *loop;
            talker t;
            wrote w;
            int fd[2];

            loop = begin_pair((pair_kind)kind, &t, fd);
            if (loop == NULL)
                continue;
            stuff(&t, &w);
            CHECK_EQ(QUIET(weir_stream_shutdown(&t.stream)), -EINPROGRESS);
            if (aborted)
                abort_it(&t);
            else
                shut_it(&t);
            CHECK_EQ(t.shuts + t.done, 0);
            run_to_the_end(loop);
            CHECK_EQ(w.status, -ECANCELED);
            CHECK_EQ(t.shuts, 1);
            CHECK_EQ(t.shut, -ECANCELED);
            CHECK_EQ(t.closes, 1);
            CHECK(close(fd[1]) == 0);
            end(loop);
        }
}

static void a_close_just_before_a_shutdown_is_told_there(void)
{
    weir_loop *loop;
    talker t;
    wrote w;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    stuff(&t, &w);
    w.then = close_its_stream;
    CHECK_EQ(QUIET(weir_stream_shutdown(&t.stream)), -EINPROGRESS);
    CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
    run_to_the_end(loop);
    CHECK_EQ(w.status, 0);
    CHECK(t.shuts == 1 && t.shut == -ECANCELED);
    CHECK_EQ(t.closes, 1);
    CHECK(close(fd[1]) == 0);
    end(loop);
}

static void a_shutdown_behind_writes_that_fail_tells_why(void)
{
    weir_loop *loop;
    talker t;
    wrote w;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    stuff(&t, &w);
    CHECK_EQ(QUIET(weir_stream_shutdown(&t.stream)), -EINPROGRESS);
    reset_by(fd[1]);
    UNTIL(loop, t.shuts == 1);
    CHECK_EQ(t.done, 1);
    CHECK(w.status == -ECONNRESET || w.status == -EPIPE);
    CHECK_EQ(t.shut, w.status);
    close_all(&t, -1);
}

static void a_shutdown_of_what_is_gone_says_so(void)
{
    weir_loop *loop;
    talker t;
    int fd[2], status;

    loop = begin_pair(TCP4, &t, fd);
    start_reading(&t);
    reset_by(fd[1]);
    UNTIL(loop, t.ends == 1);
    status = (int)QUIET(weir_stream_shutdown(&t.stream));
    CHECK(status == -ENOTCONN || status == -EPIPE || status == -ECONNRESET);
    idle_turns(loop);
    CHECK_EQ(t.shuts, 0);
    close_all(&t, -1);
}

int main(void)
{
    make_big();
    return TEST_RUN(
        "stream_end", TEST_CASE(the_end_is_told_and_nothing_is_closed),
        TEST_CASE(data_before_a_hang_up_are_delivered_before_the_end),
        TEST_CASE(a_reset_is_not_an_end), TEST_CASE(nothing_is_told_to_the_reader_after_the_end),
        TEST_CASE(a_reset_is_told_by_try_read),
        TEST_CASE(a_reset_in_the_middle_of_a_large_write_ends_all),
        TEST_CASE(writing_to_who_has_gone_is_an_error_not_a_signal),
        TEST_CASE(a_user_that_closes_the_fd_beneath_gets_an_error),
        TEST_CASE(copies_that_are_lost_are_told), TEST_CASE(a_broken_connection_is_told),
        TEST_CASE(an_error_that_a_write_has_got_is_told_to_the_reader),
        TEST_CASE(what_stands_in_the_error_queue_is_no_failure),
        TEST_CASE(a_pipe_that_nobody_reads_any_more_is_told),
        TEST_CASE(what_a_function_has_said_is_not_told_again),
        TEST_CASE(a_stream_can_be_closed_when_it_fails),
        TEST_CASE(a_stream_that_a_write_has_closed_tells_no_failure),
        TEST_CASE(shutdown_waits_for_all_writes_before_it),
        TEST_CASE(a_shutdown_with_nothing_to_wait_for_is_done_at_once),
        TEST_CASE(both_ends_shutting_down_at_once_do_not_hang),
        TEST_CASE(a_shutdown_is_answered_though_a_close_follows),
        TEST_CASE(a_close_just_before_a_shutdown_is_told_there),
        TEST_CASE(a_shutdown_behind_writes_that_fail_tells_why),
        TEST_CASE(a_shutdown_of_what_is_gone_says_so));
}
