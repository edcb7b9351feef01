/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stream.h: streams that are closed, or aborted, by their own side: with writes under way, in
 * any callback, by another stream. */

#include "stream.h"

/* ---- close ---- */

static void pending_writes_are_answered_before_the_close(void)
{
    enum { WRITES = 1000 };
    for (int kind = TCP4; kind < PAIRS; kind++) {
        static wrote w[WRITES];
        weir_loop *loop;
        unsigned done = 0;
        talker t;
        int fd[2];

        loop = begin_pair((pair_kind)kind, &t, fd);
        if (loop == NULL)
            continue;
        for (int i = 0; i < WRITES; i++) {
            const int status = put_bytes(&t, &w[i], big, 1000);

            CHECK(status == 0 || status == -EINPROGRESS);
            CHECK(done == 0 || status != 0 || i == (int)done);
            done += status == 0;
        }
        CHECK(done > 0 && done < WRITES);
        shut_it(&t);
        CHECK_EQ(t.done, 0);
        run_to_the_end(loop);
        CHECK_EQ(t.closes, 1);
        CHECK_EQ(t.done, WRITES - done);
        for (unsigned i = done; i < WRITES; i++) {
            CHECK_EQ(w[i].status, -ECANCELED);
            CHECK_EQ(w[i].place, i - done + 1);
        }
        CHECK(close(fd[1]) == 0);
        end(loop);
    }
}

/* Which callback closes it; the memory is gone as `closed` is called. */
static int closes_at;
static bool aborts;
static unsigned gone, too_late;

static void close_in(talker *t, int what)
{
    if (what == CLOSED) {
        memset(t, 0xa5, sizeof *t);
        free(t);
        gone++;
        return;
    }
    too_late += t->closing && what != SHUT;
    if (what == closes_at && !t->closing) {
        if (aborts)
            abort_it(t);
        else
            shut_it(t);
    }
}

static void close_in_done(wrote *w)
{
    if (closes_at == 'w' && !w->from->closing)
        close_in(w->from, 'w');
}

static void closing_in_any_callback_is_its_last(void)
{
    static const int all[] = {READ, END, READABLE, ROOM, DRAINED, SHUT, 'w'};

    for (int kind = TCP4; kind < PAIRS; kind += PAIR - TCP4)
        for (size_t i = 0; i < 2 * sizeof all / sizeof all[0]; i++) {
            static char room[64];
            talker *const t = malloc(sizeof *t);
            weir_loop *loop;
            wrote w[3];
            int fd[2];

            CHECK(t != NULL);
            if (!pair_of((pair_kind)kind, fd)) {
                free(t);
                continue;
            }
            closes_at = all[i / 2];
            aborts = i % 2 != 0;
            gone = too_late = 0;
            loop = make(NULL);
            open_with(t, loop, fd[0], WEIR_STREAM_SOCKET,
                      closes_at == ROOM ? &own_room : &loops_room);
            t->then = close_in;
            t->room = room;
            t->room_bytes = sizeof room;
            stuff(t, &w[0]);
            CHECK_EQ(put_bytes(t, &w[1], big, 10), -EINPROGRESS);
            CHECK_EQ(put_bytes(t, &w[2], big, 10), -EINPROGRESS);
            w[0].then = w[1].then = w[2].then = close_in_done;
            if (closes_at == SHUT)
                CHECK_EQ(QUIET(weir_stream_shutdown(&t->stream)), -EINPROGRESS);
            /* It is readable and writable at once, and at its end. */
            CHECK_EQ(write(fd[1], big, 1000), 1000);
            CHECK(shutdown(fd[1], SHUT_WR) == 0);
            if (closes_at != READABLE)
                start_reading(t);
            CHECK(fcntl(fd[1], F_SETFL, O_NONBLOCK) == 0);
            while (gone == 0) {
                (void)drain(fd[1]);
                (void)weir_loop_turn(loop, weir_clock_after(MS));
            }
            CHECK_EQ(gone, 1);
            CHECK_EQ(too_late, 0);
            for (unsigned k = 0; k < 3; k++) {
                CHECK_EQ(w[k].place, k + 1);
                CHECK(w[k].status == 0 || w[k].status == -ECANCELED);
            }
            CHECK(close(fd[1]) == 0);
            end(loop);
        }
}

/* The last bytes can be written, and something can be read, in one turn. */
static void closing_in_done_is_the_last_though_there_is_something_to_read(void)
{
    for (int kind = TCP4; kind < PAIRS; kind++)
        for (int reading = 0; reading < 2; reading++) {
            struct pollfd both;
            weir_loop *loop;
            talker t;
            wrote w;
            int fd[2];

            loop = begin_pair((pair_kind)kind, &t, fd);
            if (loop == NULL)
                continue;
            idle_turns(loop);
            if (reading)
                start_reading(&t);
            while (QUIET(weir_stream_try_write(&t.stream, big, 10000)) > 0)
                continue;
            CHECK_EQ(put_bytes(&t, &w, big, 1), -EINPROGRESS);
            w.then = close_its_stream;
            CHECK_EQ(send(fd[1], big, 10, 0), 10);
            both.fd = fd[0];
            do {
                static char got[65536];

                (void)recv(fd[1], got, sizeof got, MSG_DONTWAIT);
                both.events = POLLIN | POLLOUT;
            } while (poll(&both, 1, 0) != 1 || both.revents != (POLLIN | POLLOUT));
            run_to_the_end(loop);
            CHECK(w.status == 0 && t.closes == 1);
            CHECK_EQ(t.reads + t.readables, 0);
            CHECK(close(fd[1]) == 0);
            end(loop);
        }
}

static void close_the_other(talker *t, int what)
{
    if (what == READ && !t->other->closing)
        shut_it(t->other);
}

/* Both are ready in one turn: the second of them is not called any more. */
static void a_stream_that_another_one_closes_is_not_called(void)
{
    weir_loop *const loop = make(NULL);
    talker a, b;
    int first[2], second[2];

    CHECK(pair_of(TCP4, first) && pair_of(TCP4, second));
    open_socket(&a, loop, first[0]);
    open_socket(&b, loop, second[0]);
    a.other = &b;
    b.other = &a;
    a.then = b.then = close_the_other;
    CHECK_EQ(write(first[1], big, 10), 10);
    CHECK_EQ(write(second[1], big, 10), 10);
    start_reading(&a);
    start_reading(&b);
    UNTIL(loop, a.closes + b.closes == 1);
    CHECK_EQ(a.reads + b.reads, 1);
    if (a.open)
        shut_it(&a);
    else
        shut_it(&b);
    run_to_the_end(loop);
    CHECK(a.closes == 1 && b.closes == 1);
    CHECK(close(first[1]) == 0 && close(second[1]) == 0);
    end(loop);
}

/* ---- abort ---- */

static void an_abort_resets_and_a_close_does_not(void)
{
    for (int kind = TCP4; kind < PAIRS; kind++)
        for (int aborted = 0; aborted < 2; aborted++) {
            const bool tcp = kind == TCP4 || kind == TCP6;
            struct pollfd ready;
            weir_loop *loop;
            talker t;
            char byte;
            ssize_t n;
            int fd[2];

            loop = begin_pair((pair_kind)kind, &t, fd);
            if (loop == NULL)
                continue;
            if (aborted)
                abort_it(&t);
            else
                shut_it(&t);
            ready.fd = fd[1];
            ready.events = POLLIN;
            CHECK_EQ(poll(&ready, 1, -1), 1);
            n = read(fd[1], &byte, 1);
            if (aborted && tcp)
                CHECK(n < 0 && errno == ECONNRESET);
            else
                CHECK_EQ(n, 0);
            run_to_the_end(loop);
            CHECK_EQ(t.closes, 1);
            CHECK(close(fd[1]) == 0);
            end(loop);
        }
}

static void an_abort_answers_writes(void)
{
    weir_loop *loop;
    talker t;
    wrote w[4];
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    stuff(&t, &w[0]);
    for (int i = 1; i < 4; i++)
        CHECK_EQ(put_bytes(&t, &w[i], big, 1), -EINPROGRESS);
    abort_it(&t);
    CHECK_EQ(t.done, 0);
    run_to_the_end(loop);
    for (unsigned i = 0; i < 4; i++)
        CHECK(w[i].place == i + 1 && w[i].status == -ECANCELED);
    CHECK(close(fd[1]) == 0);
    end(loop);
}

int main(void)
{
    make_big();
    return TEST_RUN("stream_close", TEST_CASE(pending_writes_are_answered_before_the_close),
                    TEST_CASE(closing_in_any_callback_is_its_last),
                    TEST_CASE(closing_in_done_is_the_last_though_there_is_something_to_read),
                    TEST_CASE(a_stream_that_another_one_closes_is_not_called),
                    TEST_CASE(an_abort_resets_and_a_close_does_not),
                    TEST_CASE(an_abort_answers_writes));
}
