/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stream.h: a stream's life, and reading. Writing is in tests/stream_write.c, how streams end
 * in tests/stream_end.c, reading by oneself in tests/stream_read.c, what is no socket in
 * tests/stream_file.c, listeners in tests/stream_listener.c and tests/stream_accept.c. */

#include "stream.h"

/* ---- life ---- */

static void there_is_ipv6(void)
{
    int fd[2];

    if (!pair_of(TCP6, fd)) {
        test_skip("no address ::1: the cases over it are left out");
        return;
    }
    CHECK(close(fd[0]) == 0 && close(fd[1]) == 0);
}

static void after_close_nothing_can_be_asked_of_a_stream(void)
{
    for (int kind = TCP4; kind < PAIRS; kind++) {
        weir_loop *loop;
        char byte = 'a';
        int fd[2];
        wrote w;
        talker t;

        if (!pair_of((pair_kind)kind, fd))
            continue;
        loop = make(NULL);
        open_socket(&t, loop, fd[0]);
        CHECK((fcntl(fd[0], F_GETFL) & O_NONBLOCK) != 0);
        CHECK_EQ(weir_stream_fd(&t.stream), fd[0]);
        CHECK(!weir_stream_is_full(&t.stream));
        CHECK_EQ(weir_stream_queued(&t.stream), 0);
        CHECK(weir_loop_alive(loop));
        CHECK_EQ(weir_loop_free(loop), -EBUSY);
        start_reading(&t);
        start_reading(&t); /* goes on */
        shut_it(&t);
        CHECK_EQ(QUIET(weir_stream_close(&t.stream)), -EALREADY);
        CHECK_EQ(QUIET(weir_stream_abort(&t.stream)), -EALREADY);
        CHECK_EQ(QUIET(weir_stream_read(&t.stream)), -ESTALE);
        CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, &byte, 1)), -ESTALE);
        CHECK_EQ(put_bytes(&t, &w, "a", 1), -ESTALE);
        CHECK_EQ(QUIET(weir_stream_try_write(&t.stream, "a", 1)), -ESTALE);
        CHECK_EQ(QUIET(weir_stream_copy(&t.stream, "a", 1)), -ESTALE);
        CHECK_EQ(QUIET(weir_stream_shutdown(&t.stream)), -ESTALE);
        CHECK_EQ(weir_stream_fd(&t.stream), -1);
        weir_stream_pause(&t.stream);
        /* It is closed at once, and told later. */
        CHECK_EQ(read(fd[1], &byte, 1), 0);
        CHECK_EQ(fcntl(fd[0], F_GETFL), -1);
        CHECK_EQ(t.closes, 0);
        CHECK_EQ(weir_loop_free(loop), -EBUSY);
        CHECK(weir_loop_alive(loop));
        run_to_the_end(loop);
        CHECK_EQ(t.closes, 1);
        CHECK_EQ(t.reads + t.ends + t.readables, 0);
        CHECK(close(fd[1]) == 0);
        end(loop);
    }
    if (sizeof(void *) == 8)
        CHECK(sizeof(weir_stream) <= 128);
}

static void a_start_that_fails_leaves_no_trace(void)
{
    weir_loop *const loop = make(NULL);
    FILE *const file = tmpfile();
    weir_stream failed;
    talker t;
    int fd[2];

    CHECK(file != NULL && pair_of(PAIR, fd));
    memset(&failed, 0xa5, sizeof failed);
    CHECK_EQ(weir_stream_open(&failed, loop, -1, WEIR_STREAM_SOCKET, &no_calls), -EBADF);
    CHECK_EQ(weir_stream_close(&failed), -EALREADY);
    CHECK_EQ(weir_stream_read(&failed), -ESTALE);
    CHECK_EQ(weir_stream_fd(&failed), -1);
    CHECK_EQ(weir_stream_open(&failed, loop, 1000000, WEIR_STREAM_FILE, &no_calls), -EBADF);
    CHECK_EQ(weir_stream_open(&failed, loop, fileno(file), WEIR_STREAM_FILE, &no_calls), -EPERM);
    CHECK(!weir_loop_alive(loop));
    open_socket(&t, loop, fd[0]);
    CHECK_EQ(weir_stream_open(&failed, loop, fd[0], WEIR_STREAM_SOCKET, &no_calls), -EEXIST);
    CHECK_EQ(weir_stream_close(&failed), -EALREADY);
    CHECK_EQ(weir_stream_fd(&failed), -1);
    /* The first goes on, and the file is still there. */
    start_reading(&t);
    CHECK_EQ(write(fd[1], big, 3), 3);
    UNTIL(loop, t.bytes == 3);
    CHECK(fclose(file) == 0);
    close_all(&t, fd[1]);
}

static void a_stream_without_memory_is_not_opened(void)
{
    unsigned failures = 0;

    for (size_t nr = 1; failures < 100; nr++) {
        weir_loop *loop = NULL;
        weir_stream stream;
        int fd[2], status;

        CHECK(pair_of(PAIR, fd));
        test_alloc_fail_at(0);
        CHECK_EQ(weir_loop_new(&loop, NULL), 0);
        test_alloc_calls = 0;
        test_alloc_fail_nr = nr;
        status = weir_stream_open(&stream, loop, fd[0], WEIR_STREAM_SOCKET, &no_calls);
        test_alloc_fail_nr = 0;
        if (status == 0) {
            CHECK_EQ(weir_stream_close(&stream), 0);
            run_to_the_end(loop);
            end(loop);
            CHECK(close(fd[1]) == 0);
            break;
        }
        failures++;
        CHECK_EQ(status, -ENOMEM);
        CHECK(!weir_loop_alive(loop));
        CHECK_EQ(write(fd[0], "a", 1), 1); /* it is the caller's */
        end(loop);
        CHECK(close(fd[0]) == 0 && close(fd[1]) == 0);
    }
    CHECK(failures > 0 && failures < 100);
    CHECK_EQ(test_alloc_live, 0);
}

/* Who calls nothing gets nothing, and nothing is harmed. */
static void calls_may_be_left_out(void)
{
    weir_loop *const loop = make(NULL);
    weir_stream stream;
    int fd[2];

    CHECK(pair_of(TCP4, fd));
    make_big();
    CHECK_EQ(weir_stream_open(&stream, loop, fd[0], WEIR_STREAM_SOCKET, &no_calls), 0);
    CHECK_EQ(weir_stream_copy(&stream, big, BIG), 0);
    CHECK_EQ(weir_stream_shutdown(&stream), -EINPROGRESS);
    CHECK_EQ(write(fd[1], "a", 1), 1);
    idle_turns(loop);
    CHECK_EQ(weir_stream_read(&stream), 0);
    CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
    peer_ends(loop, fd[1]);
    CHECK(close(fd[1]) == 0);
    UNTIL(loop, weir_stream_read(&stream) == -EPIPE); /* the end has been told, to nobody */
    CHECK_EQ(weir_stream_close(&stream), 0);
    run_to_the_end(loop);
    end(loop);
}

/* ---- reading ---- */

static void what_comes_is_read(void)
{
    for (int kind = TCP4; kind < PAIRS; kind++) {
        weir_loop *loop;
        talker t;
        int fd[2];

        if (!pair_of((pair_kind)kind, fd))
            continue;
        loop = make(NULL);
        open_socket(&t, loop, fd[0]);
        start_reading(&t);
        CHECK_EQ(peer_puts(loop, fd[1], 0, BIG), BIG);
        CHECK(close(fd[1]) == 0);
        UNTIL(loop, t.ends == 1);
        CHECK_EQ(t.bytes, BIG);
        CHECK_EQ(t.ended, 0);
        CHECK_EQ(t.readables, 0);
        close_all(&t, -1);
    }
}

static void a_byte_at_a_time_is_read(void)
{
    weir_loop *const loop = make(NULL);
    talker t;
    int fd[2];

    CHECK(pair_of(TCP4, fd));
    open_socket(&t, loop, fd[0]);
    start_reading(&t);
    for (size_t i = 0; i < 200; i++) {
        CHECK_EQ(write(fd[1], big + i, 1), 1);
        if (i % 3 != 0)
            UNTIL(loop, t.bytes == i + 1);
    }
    UNTIL(loop, t.bytes == 200);
    close_all(&t, fd[1]);
}

static void a_stream_that_is_not_reading_is_not_called(void)
{
    weir_loop *const loop = make(NULL);
    talker t;
    int fd[2];

    CHECK(pair_of(TCP4, fd));
    open_with(&t, loop, fd[0], WEIR_STREAM_SOCKET, &own_room);
    t.room = t.first;
    t.room_bytes = sizeof t.first;
    t.stream.calls = &own_room;
    start_reading(&t);
    weir_stream_pause(&t.stream);
    CHECK_EQ(write(fd[1], big, 5), 5);
    UNTIL(loop, t.readables == 1); /* it is paused */
    idle_turns(loop);
    CHECK_EQ(t.reads + t.rooms + t.ends, 0);
    start_reading(&t);
    CHECK_EQ(t.rooms, 0);
    UNTIL(loop, t.bytes == 5);
    close_all(&t, fd[1]);
}

static void data_for_who_does_not_read_do_not_spin_the_loop(void)
{
    weir_loop *const loop = make(NULL);
    talker t;
    int fd[2];

    CHECK(pair_of(TCP4, fd));
    open_socket(&t, loop, fd[0]);
    CHECK_EQ(write(fd[1], big, 100), 100);
    CHECK(shutdown(fd[1], SHUT_WR) == 0);
    check_that_it_sleeps(loop);
    start_reading(&t);
    UNTIL(loop, t.ends == 1);
    CHECK_EQ(t.bytes, 100);
    check_that_it_sleeps(loop);
    close_all(&t, fd[1]);
}

static void a_drained_stream_does_not_wait_for_writable(void)
{
    weir_loop *const loop = make(NULL);
    talker t;
    wrote w;
    int fd[2];

    CHECK(pair_of(TCP4, fd));
    open_socket(&t, loop, fd[0]);
    stuff(&t, &w);
    check_that_it_sleeps(loop); /* a peer that never reads */
    CHECK_EQ(peer_gets(loop, fd[1], 0, 400000), 400000);
    check_that_it_sleeps(loop); /* or not any more */
    CHECK_EQ(peer_gets(loop, fd[1], 400000, BIG), BIG);
    UNTIL(loop, t.done == 1);
    CHECK_EQ(w.status, 0);
    check_that_it_sleeps(loop);
    close_all(&t, fd[1]);
}

static void pause_it(talker *t, int what)
{
    if (what == READ)
        weir_stream_pause(&t->stream);
}

static void pause_and_go_on(talker *t, int what)
{
    if (what == READ) {
        weir_stream_pause(&t->stream);
        start_reading(t);
    }
}

/* With more than one read of the loop's buffer, and the end behind it. */
static void stopping_to_read_in_the_callback_leaves_the_rest_for_later(void)
{
    for (int kind = TCP4; kind < PAIRS; kind++) {
        weir_loop *loop;
        char room[10];
        talker t;
        int fd[2];

        if (!pair_of((pair_kind)kind, fd))
            continue;
        loop = make(NULL);
        open_with(&t, loop, fd[0], WEIR_STREAM_SOCKET, &own_room);
        t.room = room;
        t.room_bytes = sizeof room;
        t.then = pause_it;
        CHECK_EQ(write(fd[1], big, 95), 95);
        CHECK(close(fd[1]) == 0);
        for (unsigned i = 1; i < 10; i++) {
            start_reading(&t);
            UNTIL(loop, t.reads == i);
            idle_turns(loop);
            CHECK_EQ(t.reads, i);
            CHECK_EQ(t.bytes, i * 10);
            CHECK_EQ(t.ends, 0);
        }
        t.then = pause_and_go_on;
        start_reading(&t);
        UNTIL(loop, t.ends == 1);
        CHECK_EQ(t.bytes, 95);
        close_all(&t, -1);
    }
}

static void no_buffer_pauses_it_and_loses_nothing(void)
{
    weir_loop *const loop = make(NULL);
    char room[7];
    talker t;
    int fd[2];

    CHECK(pair_of(TCP4, fd));
    open_with(&t, loop, fd[0], WEIR_STREAM_SOCKET, &own_room);
    CHECK_EQ(write(fd[1], big, 20), 20);
    start_reading(&t);
    UNTIL(loop, t.rooms == 1);
    check_that_it_sleeps(loop);
    CHECK_EQ(t.rooms, 1);
    CHECK_EQ(t.reads, 0);
    t.room = room;
    t.room_bytes = sizeof room;
    start_reading(&t);
    UNTIL(loop, t.bytes == 20);
    CHECK_EQ(t.reads, 3);
    close_all(&t, fd[1]);
}

static void leave_in_the_buffer_call(talker *t, int what)
{
    if (what == ROOM && t->what == 'p')
        weir_stream_pause(&t->stream);
    else if (what == ROOM && t->what == 'c')
        shut_it(t);
}

static void pause_and_close_while_it_is_asked_for_a_buffer(void)
{
    weir_loop *const loop = make(NULL);
    char room[100];
    talker t;
    int fd[2];

    CHECK(pair_of(TCP4, fd));
    open_with(&t, loop, fd[0], WEIR_STREAM_SOCKET, &own_room);
    t.room = room;
    t.room_bytes = sizeof room;
    t.then = leave_in_the_buffer_call;
    t.what = 'p';
    CHECK_EQ(write(fd[1], big, 20), 20);
    start_reading(&t);
    UNTIL(loop, t.rooms == 1);
    idle_turns(loop);
    CHECK_EQ(t.rooms, 1);
    CHECK_EQ(t.reads, 0);
    t.what = 0;
    start_reading(&t);
    UNTIL(loop, t.bytes == 20);
    t.what = 'c';
    CHECK_EQ(write(fd[1], big, 20), 20);
    run_to_the_end(loop);
    CHECK_EQ(t.closes, 1);
    CHECK_EQ(t.bytes, 20);
    CHECK(close(fd[1]) == 0);
    end(loop);
}

int main(void)
{
    return TEST_RUN(
        "stream", TEST_CASE(there_is_ipv6), TEST_CASE(after_close_nothing_can_be_asked_of_a_stream),
        TEST_CASE(a_start_that_fails_leaves_no_trace),
        TEST_CASE(a_stream_without_memory_is_not_opened), TEST_CASE(calls_may_be_left_out),
        TEST_CASE(what_comes_is_read), TEST_CASE(a_byte_at_a_time_is_read),
        TEST_CASE(a_stream_that_is_not_reading_is_not_called),
        TEST_CASE(data_for_who_does_not_read_do_not_spin_the_loop),
        TEST_CASE(a_drained_stream_does_not_wait_for_writable),
        TEST_CASE(stopping_to_read_in_the_callback_leaves_the_rest_for_later),
        TEST_CASE(no_buffer_pauses_it_and_loses_nothing),
        TEST_CASE(pause_and_close_while_it_is_asked_for_a_buffer));
}
