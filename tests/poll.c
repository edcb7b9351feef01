/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/poll.h: what is told of one descriptor, by edges and as long as it is ready. Of several:
 * tests/poll_many.c. */

#include "loop.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { BOTH = WEIR_POLL_READ | WEIR_POLL_WRITE };

static void make_pipe(int ends[2])
{
    CHECK(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
}

/* Until there is no room. */
static size_t fill(int fd)
{
    static const char bytes[4096];
    size_t sum = 0;
    ssize_t put_;

    while ((put_ = write(fd, bytes, sizeof bytes)) > 0)
        sum += (size_t)put_;
    CHECK(errno == EAGAIN);
    return sum;
}

/* ---- edges ---- */

static void it_is_told_when_it_becomes_ready_and_once(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'f', NULL);
    int ends[2];

    make_pair(ends);
    thing_poll(&t, ends[0], WEIR_POLL_READ);
    turn_for_nothing(loop);
    put(ends[1], "ab");
    turn_with_work(loop);
    CHECK_EQ(t.ready, WEIR_POLL_READ);
    turn_for_nothing(loop);
    CHECK_EQ(drain(ends[0]), 2);
    turn_for_nothing(loop);
    put(ends[1], "c");
    turn_with_work(loop);
    put(ends[1], "d"); /* also if it was not read till the end: something has come */
    turn_with_work(loop);
    CHECK_SAID("fff");
    CHECK(weir_poll_is_started(&t.poll));
    CHECK(weir_poll_stop(&t.poll));
    CHECK(!weir_poll_is_started(&t.poll));
    /* What is ready at the start counts as having become so. */
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ), 0);
    turn_with_work(loop);
    CHECK_EQ(t.ready, WEIR_POLL_READ);
    CHECK_SAID("f");
    CHECK(weir_poll_stop(&t.poll));
    close_pair(ends);
    end(loop);
}

static void a_writable_report_means_that_a_write_gets_on(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'f', NULL);
    int ends[2];
    size_t sum;

    make_pair(ends);
    thing_poll(&t, ends[0], WEIR_POLL_WRITE);
    turn_with_work(loop); /* there is room */
    CHECK_EQ(t.ready, WEIR_POLL_WRITE);
    sum = fill(ends[0]);
    turn_for_nothing(loop);
    CHECK_EQ(drain(ends[1]), sum);
    turn_with_work(loop);
    CHECK_EQ(t.ready, WEIR_POLL_WRITE);
    CHECK(fill(ends[0]) > 0);
    CHECK_SAID("ff");
    CHECK(weir_poll_stop(&t.poll));
    close_pair(ends);
    end(loop);
}

/* A change is told of what became ready before, too. */
static void what_became_ready_when_it_was_not_wanted_is_told_later(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'f', NULL);
    int ends[2];

    make_pair(ends);
    thing_poll(&t, ends[0], 0);
    put(ends[1], "a");
    turn_for_nothing(loop);
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ), 0);
    CHECK_EQ(weir_loop_deadline(loop), 0);
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_EQ(t.ready, WEIR_POLL_READ);
    turn_for_nothing(loop);
    CHECK_EQ(weir_poll_start(&t.poll, BOTH), 0);
    turn_with_work(loop);
    CHECK_EQ(t.ready, WEIR_POLL_WRITE);
    turn_for_nothing(loop);
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_WRITE), 0);
    (void)drain(ends[0]);
    put(ends[1], "b");
    turn_with_work(loop); /* the kernel says again that there is room */
    CHECK_EQ(t.ready, WEIR_POLL_WRITE);
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ), 0);
    turn_with_work(loop);
    CHECK_EQ(t.ready, WEIR_POLL_READ);
    CHECK_EQ(weir_poll_start(&t.poll, 0), 0);
    CHECK(weir_poll_is_started(&t.poll));
    turn_for_nothing(loop);
    CHECK_SAID("ffff");
    /* Not after a stop: a start begins anew. */
    put(ends[1], "c");
    turn_for_nothing(loop);
    CHECK(weir_poll_stop(&t.poll));
    (void)drain(ends[0]);
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ), 0);
    turn_for_nothing(loop);
    CHECK(weir_poll_stop(&t.poll));
    close_pair(ends);
    end(loop);
}

static void again_is_told_in_the_next_turn(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'f', NULL), u = thing_of(loop, 'g', NULL);
    int ends[2];

    make_pair(ends);
    thing_poll(&t, ends[0], WEIR_POLL_READ);
    thing_poll(&u, ends[1], WEIR_POLL_READ);
    turn_for_nothing(loop);
    weir_poll_again(&u.poll, 0);
    CHECK_EQ(weir_loop_deadline(loop), WEIR_FOREVER);
    weir_poll_again(&t.poll, WEIR_POLL_READ);
    weir_poll_again(&t.poll, WEIR_POLL_READ);
    CHECK_EQ(weir_loop_deadline(loop), 0);
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("f");
    CHECK_EQ(t.ready, WEIR_POLL_READ);
    turn_for_nothing(loop);
    /* Together with what the kernel says, it is one call. */
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ | WEIR_POLL_PRIORITY), 0);
    weir_poll_again(&t.poll, WEIR_POLL_PRIORITY);
    put(ends[1], "a");
    turn_with_work(loop);
    CHECK_SAID("f");
    CHECK_EQ(t.ready, WEIR_POLL_READ | WEIR_POLL_PRIORITY);
    /* Stopped, and started anew, it is forgotten. */
    (void)drain(ends[0]);
    weir_poll_again(&t.poll, WEIR_POLL_READ);
    CHECK(weir_poll_stop(&t.poll));
    turn_for_nothing(loop);
    weir_poll_again(&t.poll, WEIR_POLL_READ);
    CHECK_EQ(weir_loop_deadline(loop), WEIR_FOREVER);
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ), 0);
    turn_for_nothing(loop);
    CHECK_SAID("");
    CHECK(weir_poll_stop(&t.poll) && weir_poll_stop(&u.poll));
    close_pair(ends);
    end(loop);
}

/* ---- as long as it is ready ---- */

static void unread_data_is_reported_again(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'f', NULL);
    int ends[2];

    make_pair(ends);
    thing_poll(&t, ends[0], WEIR_POLL_READ | WEIR_POLL_LEVEL);
    turn_for_nothing(loop);
    put(ends[1], "a");
    for (int i = 0; i < 3; i++) {
        turn_with_work(loop);
        CHECK_EQ(t.ready, WEIR_POLL_READ);
    }
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_WRITE), -EINVAL);
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_WRITE | WEIR_POLL_LEVEL), 0);
    turn_with_work(loop);
    CHECK_EQ(t.ready, WEIR_POLL_WRITE); /* a new mask counts at once */
    CHECK_EQ(weir_poll_start(&t.poll, BOTH | WEIR_POLL_LEVEL), 0);
    turn_with_work(loop);
    CHECK_EQ(t.ready, BOTH);
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_LEVEL), 0);
    turn_for_nothing(loop);
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ | WEIR_POLL_LEVEL), 0);
    (void)drain(ends[0]);
    turn_for_nothing(loop);
    CHECK_SAID("fffff");
    CHECK(weir_poll_stop(&t.poll));
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ), 0);
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ | WEIR_POLL_LEVEL), -EINVAL);
    CHECK(weir_poll_stop(&t.poll));
    close_pair(ends);
    end(loop);
}

/* ---- the other side ---- */

/* By close(2), and by shutdown(2), with something unread; by edges and without. */
static void the_peers_half_close_is_reported_without_reading(void)
{
    for (int i = 0; i < 8; i++) {
        const unsigned level = i % 2 == 0 ? 0 : WEIR_POLL_LEVEL;
        const bool closes = i / 2 % 2 == 0, wanted_late = i / 4 != 0;
        weir_loop *const loop = make(NULL);
        thing t = thing_of(loop, 'f', NULL);
        int ends[2];

        make_pair(ends);
        thing_poll(&t, ends[0], (wanted_late ? 0 : WEIR_POLL_READ) | level);
        put(ends[1], "unread");
        (void)weir_loop_turn(loop, 0);
        CHECK_EQ(t.ready, wanted_late ? 0 : WEIR_POLL_READ);
        if (closes) {
            CHECK(close(ends[1]) == 0);
            ends[1] = -1;
        } else {
            CHECK(shutdown(ends[1], SHUT_WR) == 0);
        }
        (void)weir_loop_turn(loop, 0);
        if (wanted_late) {
            CHECK_EQ(t.ready, closes ? WEIR_POLL_HANGUP : 0);
            CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ | level), 0);
            turn_with_work(loop);
        }
        CHECK_EQ(t.ready & (WEIR_POLL_READ | WEIR_POLL_END), WEIR_POLL_READ | WEIR_POLL_END);
        if (!wanted_late)
            CHECK_EQ((t.ready & WEIR_POLL_HANGUP) != 0, closes);
        CHECK(weir_poll_stop(&t.poll));
        close_pair(ends);
        end(loop);
    }
}

/* Whoever waits for room, or for nothing: of a pipe without readers, and of one without writers. */
static void a_hang_up_alone_reaches_who_waits_for_either_direction(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'f', NULL);
    int ends[2];

    for (unsigned wanted = 0; wanted <= BOTH; wanted++)
        for (unsigned level = 0; level <= WEIR_POLL_LEVEL; level += WEIR_POLL_LEVEL) {
            make_pipe(ends);
            (void)fill(ends[1]);
            thing_poll(&t, ends[1], wanted | level);
            turn_for_nothing(loop);
            CHECK(close(ends[0]) == 0);
            turn_with_work(loop);
            CHECK_EQ(t.ready, WEIR_POLL_ERROR | wanted);
            CHECK(weir_poll_stop(&t.poll));
            CHECK(close(ends[1]) == 0);

            make_pipe(ends);
            thing_poll(&t, ends[0], wanted | level);
            turn_for_nothing(loop);
            CHECK(close(ends[1]) == 0);
            turn_with_work(loop);
            CHECK_EQ(t.ready, WEIR_POLL_HANGUP | wanted);
            if (level == 0)
                turn_for_nothing(loop);
            CHECK(weir_poll_stop(&t.poll));
            CHECK(close(ends[0]) == 0);
        }
    end(loop);
}

static void urgent_data_is_reported_apart(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'f', NULL);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int ends[2];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0) {
        test_skip("no loopback");
        CHECK(listener < 0 || close(listener) == 0);
        end(loop);
        return;
    }
    CHECK(listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(ends[1], (struct sockaddr *)&address, sizeof address) == 0);
    ends[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK(ends[0] >= 0);
    thing_poll(&t, ends[0], WEIR_POLL_PRIORITY | WEIR_POLL_LEVEL);
    turn_for_nothing(loop);
    put(ends[1], "a");
    CHECK_EQ(send(ends[1], "!", 1, MSG_OOB), 1);
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_EQ(t.ready, WEIR_POLL_PRIORITY);
    CHECK(weir_poll_stop(&t.poll));
    thing_poll(&t, ends[0], WEIR_POLL_PRIORITY | WEIR_POLL_READ);
    turn_with_work(loop);
    CHECK_EQ(t.ready, WEIR_POLL_PRIORITY | WEIR_POLL_READ);
    CHECK(weir_poll_stop(&t.poll));
    thing_poll(&t, ends[0], WEIR_POLL_READ | WEIR_POLL_LEVEL);
    turn_with_work(loop);
    CHECK_EQ(t.ready, WEIR_POLL_READ);
    CHECK(weir_poll_stop(&t.poll));
    close_pair(ends);
    CHECK(close(listener) == 0);
    end(loop);
}

int main(void)
{
    return TEST_RUN("poll", TEST_CASE(it_is_told_when_it_becomes_ready_and_once),
                    TEST_CASE(a_writable_report_means_that_a_write_gets_on),
                    TEST_CASE(what_became_ready_when_it_was_not_wanted_is_told_later),
                    TEST_CASE(again_is_told_in_the_next_turn),
                    TEST_CASE(unread_data_is_reported_again),
                    TEST_CASE(the_peers_half_close_is_reported_without_reading),
                    TEST_CASE(a_hang_up_alone_reaches_who_waits_for_either_direction),
                    TEST_CASE(urgent_data_is_reported_apart));
}
