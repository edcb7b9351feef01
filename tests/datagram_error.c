/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/datagram.h: errors, which are told to whom they belong, and end nothing. */

#include "datagram.h"

/* ---- the library's sendmsg() ---- */

static int send_fails[8]; /* that the next ones say; 0: what the kernel says */
static unsigned tries;    /* since that was set */

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    CHECK_EQ(message->msg_iovlen, 1);
    if (tries < sizeof send_fails / sizeof send_fails[0] && send_fails[tries++] != 0) {
        errno = send_fails[tries - 1];
        return -1;
    }
    return sendto(fd, message->msg_iov->iov_base, message->msg_iov->iov_len, flags,
                  (const struct sockaddr *)message->msg_name, message->msg_namelen);
}

static void let_fail(int first, int second)
{
    send_fails[0] = first;
    send_fails[1] = second;
    tries = 0;
}

/* ---- of earlier ones ---- */

/* Whether its sends are told that nobody is there, is not said of the packet that comes next. */
static void who_is_not_there_is_told(void)
{
    for (int kind = UDP4; kind < UNIX; kind++)
        for (int paused = 0; paused < 2; paused++) {
            weir_loop *const loop = make(NULL);
            place to;
            party p;
            sent s;

            if (!open_party(&p, loop, kind, NULL)) {
                end(loop);
                continue;
            }
            to = nowhere(kind);
            connect_party(&p, &to);
            if (!paused)
                start_receiving(&p);
            CHECK_EQ(put_number(&p, &s, 0, NULL), 0);
            UNTIL(loop, p.fails == 1);
            CHECK_EQ(p.failed, -ECONNREFUSED);
            idle_turns(loop);
            CHECK_EQ(p.fails, 1);
            for (uint32_t i = 0; i < 10; i++) /* all of them are sent */
                CHECK_EQ(put_number(&p, &s, i, NULL), 0);
            UNTIL(loop, p.fails >= 2);
            idle_turns(loop);
            CHECK_EQ(p.failed, -ECONNREFUSED);
            CHECK(p.fails <= 11);
            check_that_it_sleeps(loop);
            end_party(&p, -1);
        }
}

/* Somebody comes to where nobody was: nothing is left of the errors. */
static void a_socket_outlives_errors(void)
{
    weir_loop *const loop = make(NULL);
    const place to = nowhere(UDP4);
    party p, q;
    sent s;

    CHECK(open_party(&p, loop, UDP4, NULL));
    connect_party(&p, &to);
    start_receiving(&p);
    CHECK_EQ(put_number(&p, &s, 0, NULL), 0);
    UNTIL(loop, p.fails == 1);
    CHECK_EQ(weir_datagram_open(&new_party(&q, loop)->socket, loop, place_at(&to), to.length, NULL,
                                &watched),
             0);
    start_receiving(&q);
    CHECK_EQ(put_number(&p, &s, 0, NULL), 0);
    UNTIL(loop, q.got == 1);
    CHECK_EQ(p.fails, 1);
    close_party(&q);
    end_party(&p, -1);
}

static void without_a_peer_nobody_is_told(void)
{
    weir_loop *const loop = make(NULL);
    const place to = nowhere(UDP4);
    party p;
    sent s;

    CHECK(open_party(&p, loop, UDP4, NULL));
    start_receiving(&p);
    for (uint32_t i = 0; i < 10; i++)
        CHECK_EQ(put_number(&p, &s, i, &to), 0);
    idle_turns(loop);
    CHECK_EQ(p.fails, 0);
    end_party(&p, -1);
}

static void what_a_second_try_says_is_its_own(void)
{
    weir_loop *const loop = make(NULL);
    party p;
    place to;
    sent s;

    CHECK(open_party(&p, loop, UDP4, NULL));
    to = place_of(&p);
    start_receiving(&p);
    let_fail(EHOSTUNREACH, 0); /* an earlier one's */
    CHECK_EQ(put_number(&p, &s, 0, &to), 0);
    CHECK_EQ(p.fails, 0); /* not from inside */
    UNTIL(loop, p.got == 1);
    CHECK_EQ(p.fails, 1);
    CHECK_EQ(p.failed, -EHOSTUNREACH);
    let_fail(EPERM, EPERM); /* its own */
    CHECK_EQ(put_number(&p, &s, 1, &to), -EPERM);
    let_fail(ECONNREFUSED, ENETUNREACH); /* one of each */
    CHECK_EQ(put_number(&p, &s, 1, &to), -ENETUNREACH);
    idle_turns(loop);
    CHECK_EQ(p.fails, 2);
    CHECK_EQ(p.failed, -ECONNREFUSED);
    let_fail(ECONNREFUSED, EAGAIN);
    CHECK_EQ(put_number(&p, &s, 1, &to), -EINPROGRESS);
    turn_with_work(loop);
    CHECK_EQ(p.fails, 3);
    close_party(&p); /* it waits for the kernel, which has said nothing */
    run_to_the_end(loop);
    CHECK_EQ(s.status, -ECANCELED);
    end_party(&p, -1);
}

/* Of two that come before they are told the first is. */
static void several_may_be_told_as_one(void)
{
    weir_loop *const loop = make(NULL);
    party p;
    place to;
    sent s;

    CHECK(open_party(&p, loop, UDP4, NULL));
    to = place_of(&p);
    let_fail(EHOSTUNREACH, 0);
    CHECK_EQ(put_number(&p, &s, 0, &to), 0);
    let_fail(ECONNREFUSED, 0);
    CHECK_EQ(put_number(&p, &s, 1, &to), 0);
    idle_turns(loop);
    CHECK_EQ(p.fails, 1);
    CHECK_EQ(p.failed, -EHOSTUNREACH);
    /* Closed before, nothing is told. */
    let_fail(EHOSTUNREACH, 0);
    CHECK_EQ(put_number(&p, &s, 2, &to), 0);
    end_party(&p, -1);
    CHECK_EQ(p.fails, 1);
}

static void closed_where_it_is_told(void)
{
    weir_loop *const loop = make(NULL);
    const place to = nowhere(UDP4);
    party p;
    sent s;

    let_fail(0, 0);
    CHECK(open_party(&p, loop, UDP4, NULL));
    connect_party(&p, &to);
    start_receiving(&p);
    p.then = close_in_callback;
    CHECK_EQ(put_number(&p, &s, 0, NULL), 0);
    run_to_the_end(loop);
    CHECK_EQ(p.fails, 1);
    end_party(&p, -1);
}

/* ---- its own ---- */

static void what_is_too_long_is_refused(void)
{
    weir_loop *const loop = make(NULL);
    party p;
    place to;
    sent s;

    make_big();
    CHECK(open_party(&p, loop, UDP4, NULL));
    to = place_of(&p);
    start_receiving(&p);
    CHECK_EQ(put_datagram(&p, &s, big, 65508, &to), -EMSGSIZE);
    CHECK_EQ(QUIET(weir_datagram_try_send(&p.socket, big, 100000, place_at(&to), to.length)),
             -EMSGSIZE);
    CHECK_EQ(QUIET(weir_datagram_copy(&p.socket, big, 100000, place_at(&to), to.length)),
             -EMSGSIZE);
    CHECK_EQ(put_number(&p, &s, 0, &to), 0);
    UNTIL(loop, p.got == 1);
    CHECK_EQ(p.fails, 0);
    end_party(&p, -1);
}

/* Among others that wait. */
static void who_waits_is_refused_alone(void)
{
    weir_loop *const loop = make(NULL);
    enum { MANY = 300 };
    static sent packets[MANY];
    party p;
    const int peer = adopt_pair(&p, loop, NULL);
    uint32_t n = 0, next = 0;
    sent too_long;

    make_big();
    while (put_number(&p, &packets[n], n, NULL) == 0)
        CHECK(++n < MANY - 20);
    n++;
    for (unsigned i = 0; i < 5; i++, n++)
        CHECK_EQ(put_number(&p, &packets[n], n, NULL), -EINPROGRESS);
    CHECK_EQ(put_datagram(&p, &too_long, big, BIG, NULL), -EINPROGRESS);
    for (unsigned i = 0; i < 5; i++, n++)
        CHECK_EQ(put_number(&p, &packets[n], n, NULL), -EINPROGRESS);
    while (next < n) {
        const int64_t number = number_from(peer);

        if (number >= 0)
            CHECK_EQ(number, next++);
        else
            (void)weir_loop_turn(loop, weir_clock_after(MS));
    }
    UNTIL(loop, p.done == 12);
    CHECK_EQ(too_long.status, -EMSGSIZE);
    CHECK_EQ(too_long.place, 7);
    for (unsigned i = 0; i < n; i++)
        CHECK(!packets[i].pending && (packets[i].place == 0 || packets[i].status == 0));
    CHECK_EQ(p.fails, 0);
    end_party(&p, peer);
}

/* ---- of Unix sockets ---- */

static void a_peer_that_is_gone_is_told_to_who_sends(void)
{
    weir_loop *const loop = make(NULL);
    party a, b;
    place to;
    sent s;

    CHECK(open_party(&a, loop, UNIX, NULL) && open_party(&b, loop, UNIX, NULL));
    to = place_of(&b);
    connect_party(&a, &to);
    start_receiving(&a);
    close_party(&b);
    CHECK_EQ(put_number(&a, &s, 0, NULL), -ECONNREFUSED); /* this one's: it never went */
    CHECK_EQ(put_number(&a, &s, 0, NULL), -ENOTCONN);
    CHECK_EQ(put_number(&a, &s, 0, &to), -ECONNREFUSED);
    idle_turns(loop);
    CHECK_EQ(a.fails, 0);
    end_party(&a, -1);
}

/* What waits for him, too. */
static void a_peer_goes_while_some_wait(void)
{
    weir_loop *const loop = make(NULL);
    enum { MANY = 300 };
    static sent packets[MANY];
    party p;
    const int peer = adopt_pair(&p, loop, NULL);
    unsigned n = 0;

    while (put_number(&p, &packets[n], n, NULL) == 0)
        CHECK(++n < MANY - 1);
    n++;
    CHECK_EQ(put_number(&p, &packets[n], n, NULL), -EINPROGRESS);
    CHECK(close(peer) == 0);
    UNTIL(loop, p.done == 2);
    CHECK(packets[n - 1].status < 0 && packets[n].status < 0);
    end_party(&p, -1);
}

/* A peer that turns to somebody else: what he had not read is lost. */
static void a_peer_that_turns_away_is_told(void)
{
    for (int sends = 0; sends < 2; sends++) {
        weir_loop *const loop = make(NULL);
        party a, b, c;
        place to_a, to_b, to_c;
        sent s;

        CHECK(open_party(&a, loop, UNIX, NULL) && open_party(&b, loop, UNIX, NULL) &&
              open_party(&c, loop, UNIX, NULL));
        to_a = place_of(&a);
        to_b = place_of(&b);
        to_c = place_of(&c);
        connect_party(&a, &to_b);
        connect_party(&b, &to_a);
        CHECK_EQ(put_number(&a, &s, 0, NULL), 0);
        connect_party(&b, &to_c);
        if (sends) /* which is the first to hear of it */
            CHECK_EQ(put_number(&a, &s, 0, &to_c), 0);
        UNTIL(loop, a.fails == 1);
        CHECK_EQ(a.failed, -ECONNRESET);
        close_party(&b);
        close_party(&c);
        end_party(&a, -1);
    }
}

int main(void)
{
    return TEST_RUN(
        "datagram_error", TEST_CASE(who_is_not_there_is_told), TEST_CASE(a_socket_outlives_errors),
        TEST_CASE(without_a_peer_nobody_is_told), TEST_CASE(what_a_second_try_says_is_its_own),
        TEST_CASE(several_may_be_told_as_one), TEST_CASE(closed_where_it_is_told),
        TEST_CASE(what_is_too_long_is_refused), TEST_CASE(who_waits_is_refused_alone),
        TEST_CASE(a_peer_that_is_gone_is_told_to_who_sends), TEST_CASE(a_peer_goes_while_some_wait),
        TEST_CASE(a_peer_that_turns_away_is_told));
}
