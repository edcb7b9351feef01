/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stream.h: reading by oneself: readable, and try_read; streams beside others. */

#include "stream.h"

#include <sys/time.h>

/* ---- readable, and try_read ---- */

static void readable_is_told_once(void)
{
    weir_loop *const loop = make(NULL);
    char bytes[64];
    talker t;
    int fd[2];

    CHECK(pair_of(TCP4, fd));
    open_socket(&t, loop, fd[0]);
    CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, bytes, 1)), -EAGAIN);
    for (unsigned round = 1; round <= 3; round++) {
        CHECK_EQ(write(fd[1], big, 10), 10);
        UNTIL(loop, t.readables == round);
        CHECK_EQ(write(fd[1], big + 10, 10), 10); /* is no news */
        idle_turns(loop);
        CHECK_EQ(t.readables, round);
        CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, bytes, 4)), 4);
        CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, bytes + 4, 4)), 4);
        idle_turns(loop);
        CHECK_EQ(t.readables, round);
        if (round == 1) {
            CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, bytes + 8, 12)), 12);
            CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, bytes, 1)), -EAGAIN);
        } else {
            CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, bytes + 8, 13)), 12); /* less */
        }
        if (round != 1)
            check_bytes(bytes, 20, 0);
    }
    CHECK_EQ(t.reads, 0);
    CHECK(close(fd[1]) == 0);
    UNTIL(loop, t.readables == 4);
    CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, bytes, 1)), 0);
    CHECK_EQ(t.ends, 0); /* what it returned is not told again */
    CHECK_EQ(QUIET(weir_stream_read(&t.stream)), -EPIPE);
    idle_turns(loop);
    CHECK_EQ(t.ends, 0);
    CHECK_EQ(t.readables, 4);
    close_all(&t, -1);
}

static void readable_may_lead_to_reading(void)
{
    weir_loop *const loop = make(NULL);
    talker t;
    int fd[2];

    CHECK(pair_of(PAIR, fd));
    open_socket(&t, loop, fd[0]);
    for (unsigned round = 1; round <= 3; round++) {
        CHECK_EQ(write(fd[1], big + (round - 1) * 10, 10), 10);
        UNTIL(loop, t.readables == round);
        start_reading(&t);
        UNTIL(loop, t.bytes == round * 10);
        weir_stream_pause(&t.stream);
    }
    close_all(&t, fd[1]);
}

static void pause_at_once(talker *t, int what)
{
    if (what == READ)
        weir_stream_pause(&t->stream);
}

static void what_was_left_at_a_pause_is_told(void)
{
    weir_loop *const loop = make(NULL);
    char bytes[64];
    talker t;
    int fd[2];

    CHECK(pair_of(PAIR, fd));
    open_with(&t, loop, fd[0], WEIR_STREAM_SOCKET, &own_room);
    t.then = pause_at_once;
    t.room = bytes;
    t.room_bytes = 10;
    CHECK_EQ(write(fd[1], big, 25), 25);
    start_reading(&t);
    UNTIL(loop, t.readables == 1); /* nothing more comes */
    CHECK_EQ(t.bytes, 10);
    CHECK_EQ(QUIET(weir_stream_try_read(&t.stream, bytes, 20)), 15);
    check_bytes(bytes, 15, 10);
    weir_stream_pause(&t.stream); /* it was */
    start_reading(&t);
    weir_stream_pause(&t.stream); /* nothing is left */
    idle_turns(loop);
    CHECK_EQ(t.readables, 1);
    close_all(&t, fd[1]);
}

static void take_all(talker *t, int what)
{
    char bytes[50];
    ssize_t n;

    if (what != READABLE)
        return;
    n = QUIET(weir_stream_try_read(&t->stream, bytes, sizeof bytes));
    if (n > 0)
        t->bytes += (size_t)n;
    else if (n != -EAGAIN)
        t->ends++;
}

/* It reads once a call, and stops as it has got less than it asked for. */
static void a_short_read_hides_neither_the_end_nor_what_follows(void)
{
    for (int kind = TCP4; kind <= PIPE; kind++) {
        weir_loop *loop;
        talker t;
        int fd[2];

        if (!pair_of((pair_kind)kind, fd))
            continue;
        loop = make(NULL);
        open_with(&t, loop, fd[0], kind == PIPE ? WEIR_STREAM_FILE : WEIR_STREAM_SOCKET,
                  &loops_room);
        t.then = take_all;
        CHECK_EQ(write(fd[1], big, 10), 10);
        UNTIL(loop, t.bytes == 10);
        CHECK_EQ(write(fd[1], big, 10), 10);
        UNTIL(loop, t.bytes == 20);
        CHECK_EQ(write(fd[1], big, 10), 10);
        CHECK(close(fd[1]) == 0);
        UNTIL(loop, t.bytes == 30 && t.ends == 1);
        close_all(&t, -1);
    }
}

static void a_stream_that_reads_is_not_read_by_hand(void)
{
    weir_loop *const loop = make(NULL);
    talker t;
    char byte;
    int fd[2];

    CHECK(pair_of(PAIR, fd));
    open_socket(&t, loop, fd[0]);
    start_reading(&t);
    CHECK_DIES((void)!weir_stream_try_read(&t.stream, &byte, 1), "pause it first");
    CHECK_DIES(weir_stream_marks(&t.stream, 2, 1), "low mark");
    close_all(&t, fd[1]);
}

/* ---- with others ---- */

static void one_stream_that_is_always_ready_does_not_starve_the_rest(void)
{
    weir_loop *const loop = make(NULL);
    char room[1];
    talker busy, rare;
    thing t = thing_of(loop, 0, NULL);
    int fd[2], few[2];
    unsigned turns = 0;

    CHECK(pair_of(TCP4, fd) && pair_of(TCP4, few));
    open_with(&busy, loop, fd[0], WEIR_STREAM_SOCKET, &own_room);
    busy.room = room;
    busy.room_bytes = 1;
    CHECK_EQ(write(fd[1], big, 1000), 1000);
    open_socket(&rare, loop, few[0]);
    CHECK_EQ(write(few[1], big, 1), 1);
    start_reading(&busy);
    start_reading(&rare);
    thing_post(&t);
    while (busy.bytes < 1000) {
        const unsigned before = busy.reads;

        (void)weir_loop_turn(loop, weir_clock_after(MS));
        CHECK(busy.reads - before <= 16);
        turns++;
        if (busy.reads != 0)
            CHECK(t.calls == 1);
        if (busy.reads > 16) /* its turn has been */
            CHECK_EQ(rare.reads, 1);
    }
    CHECK(turns >= 1000 / 16);
    shut_it(&rare);
    CHECK(close(few[1]) == 0);
    close_all(&busy, fd[1]);
    CHECK_EQ(rare.closes, 1);
}

static void urgent_data_do_not_stall_it(void)
{
    for (int kind = TCP4; kind <= TCP6; kind++)
        for (int inline_too = 0; inline_too < 2; inline_too++) {
            weir_loop *loop;
            talker t;
            int fd[2];

            if (!pair_of((pair_kind)kind, fd))
                continue;
            loop = make(NULL);
            CHECK(setsockopt(fd[0], SOL_SOCKET, SO_OOBINLINE, &inline_too, sizeof inline_too) == 0);
            open_socket(&t, loop, fd[0]);
            t.checked = 0;
            start_reading(&t);
            for (unsigned i = 1; i <= 5; i++) {
                CHECK_EQ(send(fd[1], big, 10, 0), 10);
                CHECK_EQ(send(fd[1], "!", 1, MSG_OOB), 1);
                CHECK_EQ(send(fd[1], big, 10, 0), 10);
                UNTIL(loop, t.bytes == i * (20 + (unsigned)inline_too));
            }
            check_that_it_sleeps(loop);
            CHECK(close(fd[1]) == 0);
            UNTIL(loop, t.ends == 1);
            CHECK_EQ(t.ended, 0);
            close_all(&t, -1);
        }
}

/* The kernel gives no bytes together with those that a descriptor came along with, however much
 * room there is; nobody takes it. */
static void put_with_descriptor(int fd)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {big, 10};
    struct msghdr message;

    memset(&control, 0, sizeof control);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    CHECK_EQ(sendmsg(fd, &message, 0), 10);
}

static void descriptors_that_come_along_do_not_stall_it(void)
{
    for (int reads = 0; reads < 2; reads++) {
        weir_loop *const loop = make(NULL);
        char room[64];
        ssize_t n;
        talker t;
        int fd[2];

        CHECK(pair_of(PAIR, fd));
        open_socket(&t, loop, fd[0]);
        t.checked = 0;
        if (reads != 0)
            start_reading(&t);
        for (unsigned i = 1; i <= 5; i++) {
            put_with_descriptor(fd[1]);
            CHECK_EQ(send(fd[1], big, 10, 0), 10);
            put_with_descriptor(fd[1]);
            CHECK_EQ(send(fd[1], big, 10, 0), 10);
            if (reads != 0) {
                UNTIL(loop, t.bytes == i * 40);
                continue;
            }
            while (t.bytes < i * 40) { /* told again, though less came than was asked for */
                UNTIL(loop, t.readables != 0);
                t.readables = 0;
                n = QUIET(weir_stream_try_read(&t.stream, room, sizeof room));
                t.bytes += n > 0 ? (size_t)n : 0;
            }
        }
        check_that_it_sleeps(loop);
        close_all(&t, fd[1]);
    }
}

static WEIR_ATOMIC(uint32_t) storms;

static void on_storm(int number)
{
    (void)number;
    weir_atomic_fetch_add(&storms, 1, WEIR_RELAXED); /* relaxed: a number. */
}

/* A signal every 100 us, whose handler does not have calls begun again. */
static void signals_in_the_middle_of_calls_do_no_harm(void)
{
    const struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    weir_loop *const loop = make(NULL);
    struct sigaction action, before;
    size_t got = 0, put_there = 0;
    unsigned char bytes[4096];
    wrote w;
    talker t;
    int fd[2];

    memset(&action, 0, sizeof action);
    action.sa_handler = on_storm;
    CHECK(pair_of(TCP4, fd));
    CHECK(fcntl(fd[1], F_SETFL, O_NONBLOCK) == 0);
    CHECK(sigaction(SIGALRM, &action, &before) == 0);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    open_socket(&t, loop, fd[0]);
    start_reading(&t);
    stuff(&t, &w);
    while (t.bytes < BIG || got < BIG || t.done == 0 ||
           weir_atomic_load(&storms, WEIR_RELAXED) < 3) { /* relaxed: a number. */
        const ssize_t n = read(fd[1], bytes, sizeof bytes);
        const size_t left = BIG - put_there < 4096 ? BIG - put_there : 4096;
        const ssize_t m = left == 0 ? 0 : write(fd[1], big + put_there, left);

        if (n > 0) {
            check_bytes(bytes, (size_t)n, got);
            got += (size_t)n;
        }
        put_there += m > 0 ? (size_t)m : 0;
        (void)weir_loop_turn(loop, weir_clock_after(MS / 10));
    }
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK(sigaction(SIGALRM, &before, NULL) == 0);
    CHECK_EQ(w.status, 0);
    CHECK_EQ(t.ends, 0);
    close_all(&t, fd[1]);
}

int main(void)
{
    return TEST_RUN("stream_read", TEST_CASE(readable_is_told_once),
                    TEST_CASE(readable_may_lead_to_reading),
                    TEST_CASE(what_was_left_at_a_pause_is_told),
                    TEST_CASE(a_short_read_hides_neither_the_end_nor_what_follows),
                    TEST_CASE(a_stream_that_reads_is_not_read_by_hand),
                    TEST_CASE(one_stream_that_is_always_ready_does_not_starve_the_rest),
                    TEST_CASE(urgent_data_do_not_stall_it),
                    TEST_CASE(descriptors_that_come_along_do_not_stall_it),
                    TEST_CASE(signals_in_the_middle_of_calls_do_no_harm));
}
