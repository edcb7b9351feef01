/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/datagram.h: a socket's life, and receiving. Peers are in tests/datagram_peer.c, sending in
 * tests/datagram_send.c, whose errors are whose in tests/datagram_error.c. */

#include "datagram.h"

#include <sys/syscall.h>

/* ---- the library's recvmmsg() ---- */

static unsigned receives;     /* calls, that gave something */
static bool interrupts;       /* every other call is, if asked */
static int receive_fails[80]; /* that the next ones say; 0: what the kernel says */
static unsigned receive_failed;

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count,
#ifdef __GLIBC__
             int flags,
#else
             unsigned flags,
#endif
             struct timespec *timeout)
{
    static unsigned calls;
    int n;

    CHECK(timeout == NULL);
    if (interrupts && ++calls % 2 == 1) {
        errno = EINTR;
        return -1;
    }
    if (receive_fails[receive_failed] != 0) {
        errno = receive_fails[receive_failed++];
        return -1;
    }
    n = (int)syscall(SYS_recvmmsg, fd, messages, count, flags, NULL);
    receives += n > 0;
    return n;
}

/* ---- life ---- */

static void there_is_ipv6(void)
{
    weir_loop *const loop = make(NULL);
    party p;

    if (open_party(&p, loop, UDP6, NULL)) {
        end_party(&p, -1);
        return;
    }
    test_skip("no address ::1: the cases over it are left out");
    end(loop);
}

static void answer(party *p, int what)
{
    if (what == RECEIVED)
        CHECK_EQ(QUIET(weir_datagram_try_send(&p->socket, p->data, p->bytes,
                                              (const struct sockaddr *)&p->from, p->from_length)),
                 0);
}

static void datagrams_go_and_come(void)
{
    for (int kind = UDP4; kind < KINDS; kind++) {
        weir_loop *const loop = make(NULL);
        place to, from;
        sent s;
        party a, b;

        if (!open_party(&a, loop, kind, NULL)) {
            end(loop);
            continue;
        }
        CHECK(open_party(&b, loop, kind, NULL));
        to = place_of(&b);
        from = place_of(&a);
        b.then = answer;
        start_receiving(&a);
        start_receiving(&b);
        start_receiving(&b); /* goes on */
        for (unsigned i = 0; i < 5; i++) {
            CHECK_EQ(put_number(&a, &s, i, &to), 0);
            UNTIL(loop, a.got == i + 1);
            CHECK_EQ(b.got, i + 1);
            CHECK(is_from(&b, &from) && is_from(&a, &to));
            CHECK_EQ(a.bytes, 4);
            CHECK(!a.truncated);
        }
        /* An empty one is one. */
        CHECK_EQ(put_datagram(&a, &s, NULL, 0, &to), 0);
        UNTIL(loop, a.got == 6);
        CHECK_EQ(b.got, 6);
        CHECK_EQ(a.bytes + b.bytes, 0);
        CHECK(is_from(&b, &from) && is_from(&a, &to));
        CHECK_EQ(a.fails + b.fails, 0);
        check_that_it_sleeps(loop);
        close_party(&b);
        end_party(&a, -1);
    }
    CHECK(sizeof(void *) != 8 || sizeof(weir_datagram) <= 216);
}

static void after_close_nothing_can_be_asked_of_a_socket(void)
{
    for (int kind = UDP4; kind < KINDS; kind++) {
        weir_loop *const loop = make(NULL);
        place to;
        sent s;
        party p;
        int fd;

        if (!open_party(&p, loop, kind, NULL)) {
            end(loop);
            continue;
        }
        fd = weir_datagram_fd(&p.socket);
        to = place_of(&p);
        CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
        CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        CHECK(!weir_datagram_is_full(&p.socket));
        CHECK(weir_loop_alive(loop));
        CHECK_EQ(weir_loop_free(loop), -EBUSY);
        start_receiving(&p);
        close_party(&p);
        CHECK_EQ(fcntl(fd, F_GETFL), -1); /* at once; told later */
        CHECK_EQ(p.closes, 0);
        CHECK_EQ(QUIET(weir_datagram_close(&p.socket)), -EALREADY);
        CHECK_EQ(QUIET(weir_datagram_receive(&p.socket)), -ESTALE);
        CHECK_EQ(QUIET(weir_datagram_connect(&p.socket, place_at(&to), to.length)), -ESTALE);
        CHECK_EQ(QUIET(weir_datagram_disconnect(&p.socket)), -ESTALE);
        CHECK_EQ(put_number(&p, &s, 0, &to), -ESTALE);
        CHECK_EQ(QUIET(weir_datagram_try_send(&p.socket, "", 0, place_at(&to), to.length)),
                 -ESTALE);
        CHECK_EQ(QUIET(weir_datagram_copy(&p.socket, "", 0, place_at(&to), to.length)), -ESTALE);
        CHECK_EQ(weir_datagram_fd(&p.socket), -1);
        weir_datagram_pause(&p.socket);
        CHECK_EQ(weir_loop_free(loop), -EBUSY);
        CHECK(weir_loop_alive(loop));
        end_party(&p, -1);
    }
}

static void check_as_closed(weir_datagram *socket)
{
    CHECK_EQ(weir_datagram_fd(socket), -1);
    CHECK_EQ(weir_datagram_receive(socket), -ESTALE);
    CHECK_EQ(weir_datagram_try_send(socket, "", 0, NULL, 0), -ESTALE);
    CHECK_EQ(weir_datagram_close(socket), -EALREADY);
}

static void an_open_that_fails_leaves_no_trace(void)
{
    weir_loop *const loop = make(NULL);
    struct sockaddr_un path;
    struct sockaddr_in other;
    struct sockaddr strange;
    weir_datagram failed;
    party p;
    place to;
    int first;

    CHECK(open_party(&p, loop, UDP4, NULL));
    to = place_of(&p);
    first = dup(0);
    CHECK(close(first) == 0);
    CHECK_EQ(weir_datagram_open(&failed, loop, place_at(&to), to.length, NULL, &watched),
             -EADDRINUSE);
    check_as_closed(&failed);
    CHECK_EQ(weir_datagram_open(&failed, loop, place_at(&to), 3, NULL, &watched), -EINVAL);
    memset(&other, 0, sizeof other);
    other.sin_family = AF_INET;
    other.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1, which is nobody's */
    CHECK_EQ(
        weir_datagram_open(&failed, loop, (struct sockaddr *)&other, sizeof other, NULL, &watched),
        -EADDRNOTAVAIL);
    memset(&path, 0, sizeof path);
    path.sun_family = AF_UNIX;
    strcpy(path.sun_path, "/nowhere/at/all");
    CHECK_EQ(
        weir_datagram_open(&failed, loop, (struct sockaddr *)&path, sizeof path, NULL, &watched),
        -ENOENT);
    memset(&strange, 0, sizeof strange);
    strange.sa_family = 250;
    CHECK_EQ(weir_datagram_open(&failed, loop, &strange, sizeof strange, NULL, &watched),
             -EAFNOSUPPORT);
    check_as_closed(&failed);
    CHECK_EQ(dup(0), first);
    CHECK(close(first) == 0);
    /* The first goes on. */
    start_receiving(&p);
    put_by(weir_datagram_fd(&p.socket), 0, &to);
    UNTIL(loop, p.got == 1);
    end_party(&p, -1);
}

static void only_sockets_of_datagrams_are_adopted(void)
{
    const weir_datagram_options too_long = {(1 << 20) + 1, 0, false}, too_many = {0, 65, false};
    weir_loop *const loop = make(NULL);
    weir_datagram failed;
    int pair[2], ends[2], records[2];
    party p;
    int peer;

    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, records) == 0);
    CHECK_EQ(weir_datagram_adopt(&failed, loop, -1, NULL, &watched), -EBADF);
    CHECK_EQ(weir_datagram_adopt(&failed, loop, ends[0], NULL, &watched), -ENOTSOCK);
    CHECK_EQ(weir_datagram_adopt(&failed, loop, pair[0], NULL, &watched), -EINVAL);
    CHECK_EQ(weir_datagram_adopt(&failed, loop, records[0], NULL, &watched), -EINVAL);
    check_as_closed(&failed);
    CHECK_EQ(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
    peer = adopt_pair(&p, loop, NULL);
    CHECK_EQ(weir_datagram_adopt(&failed, loop, weir_datagram_fd(&p.socket), NULL, &watched),
             -EEXIST);
    CHECK_EQ(weir_datagram_adopt(&failed, loop, peer, &too_long, &watched), -EINVAL);
    CHECK_EQ(weir_datagram_adopt(&failed, loop, peer, &too_many, &watched), -EINVAL);
    check_as_closed(&failed);
    put_by(peer, 0, NULL); /* it is still the caller's; the first goes on */
    start_receiving(&p);
    UNTIL(loop, p.got == 1);
    CHECK(p.nameless);
    CHECK((fcntl(weir_datagram_fd(&p.socket), F_GETFL) & O_NONBLOCK) != 0);
    for (int i = 0; i < 2; i++)
        CHECK(close(pair[i]) == 0 && close(ends[i]) == 0 && close(records[i]) == 0);
    end_party(&p, peer);
}

static void without_memory_nothing_is_opened(void)
{
    for (unsigned count = 0; count <= 8; count += 8) {
        const weir_datagram_options options = {0, count, false};
        unsigned failures = 0;

        for (size_t nr = 1; failures < 100; nr++) {
            weir_loop *loop = NULL;
            int pair[2], status;
            party p;

            CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
            test_alloc_fail_at(0);
            CHECK_EQ(weir_loop_new(&loop, NULL), 0);
            test_alloc_calls = 0;
            test_alloc_fail_nr = nr;
            status = weir_datagram_adopt(&new_party(&p, loop)->socket, loop, pair[0], &options,
                                         &watched);
            test_alloc_fail_nr = 0;
            if (status == 0) {
                end_party(&p, pair[1]);
                break;
            }
            failures++;
            CHECK_EQ(status, -ENOMEM);
            check_as_closed(&p.socket);
            put_by(pair[0], 1, NULL); /* it is the caller's */
            CHECK(close(pair[0]) == 0 && close(pair[1]) == 0);
            end(loop);
        }
        CHECK_EQ(failures, 2);
        CHECK_EQ(test_alloc_live, 0);
    }
}

/* Who calls nothing gets nothing, and nothing is harmed. */
static void calls_may_be_left_out(void)
{
    static const weir_datagram_calls nothing = {NULL, NULL, NULL, NULL};
    weir_loop *const loop = make(NULL);
    const place to = nowhere(UNIX);
    weir_datagram socket;
    place me;

    CHECK_EQ(weir_datagram_open(&socket, loop, place_at(&to), to.length, NULL, &nothing), 0);
    me = place_of_fd(weir_datagram_fd(&socket));
    CHECK_EQ(weir_datagram_receive(&socket), 0);
    CHECK_EQ(weir_datagram_try_send(&socket, "a", 1, place_at(&me), me.length), 0);
    idle_turns(loop);
    CHECK_EQ(recv(weir_datagram_fd(&socket), &me, sizeof me, 0), -1); /* it was taken */
    CHECK_EQ(weir_datagram_close(&socket), 0);
    run_to_the_end(loop);
    end(loop);
}

static void sockets_share_a_port(void)
{
    const weir_datagram_options shared = {0, 0, true};
    weir_loop *const loop = make(NULL);
    weir_datagram failed;
    party a, b;
    place to;

    CHECK(open_party(&a, loop, UDP4, &shared));
    to = place_of(&a);
    CHECK_EQ(weir_datagram_open(&new_party(&b, loop)->socket, loop, place_at(&to), to.length,
                                &shared, &watched),
             0);
    CHECK_EQ(weir_datagram_open(&failed, loop, place_at(&to), to.length, NULL, &watched),
             -EADDRINUSE);
    start_receiving(&a);
    start_receiving(&b);
    a.numbered = b.numbered = false;
    for (uint32_t i = 0; i < 20; i++)
        put_by(weir_datagram_fd(&a.socket), i, &to);
    UNTIL(loop, a.got + b.got == 20); /* which of the two gets it, the kernel says */
    close_party(&a);
    end_party(&b, -1);
}

/* ---- receiving ---- */

static void what_is_too_long_is_truncated(void)
{
    for (int kind = UDP4; kind < KINDS; kind++)
        for (unsigned count = 1; count <= 4; count += 3) {
            const weir_datagram_options options = {10, count, false};
            weir_loop *const loop = make(NULL);
            place to;
            sent s;
            party p;

            if (!open_party(&p, loop, kind, &options)) {
                end(loop);
                continue;
            }
            make_big();
            to = place_of(&p);
            p.numbered = false;
            start_receiving(&p);
            for (unsigned i = 0; i < 12; i++) {
                const size_t bytes = i % 3 == 2 ? 2000 : 10 + i % 3;

                CHECK_EQ(put_datagram(&p, &s, big, bytes, &to), 0);
                UNTIL(loop, p.got == i + 1);
                CHECK_EQ(p.bytes, 10);
                check_bytes(p.data, 10, 0);
                CHECK_EQ(p.truncated, i % 3 != 0);
            }
            end_party(&p, -1);
        }
}

static void the_longest_of_udp_comes_whole(void)
{
    weir_loop *const loop = make(NULL);
    party p;
    sent s;
    place to;

    make_big();
    CHECK(open_party(&p, loop, UDP4, NULL));
    to = place_of(&p);
    p.numbered = false;
    start_receiving(&p);
    CHECK_EQ(put_datagram(&p, &s, big, 65507, &to), 0);
    UNTIL(loop, p.got == 1);
    CHECK_EQ(p.bytes, 65507);
    CHECK(!p.truncated);
    end_party(&p, -1);
}

/* More than fits the loop's buffer: a room of its own, also without `count`. */
static void a_longer_one_of_a_unix_socket(void)
{
    const weir_datagram_options options = {100000, 0, false};
    weir_loop *const loop = make(NULL);
    int pair[2];
    party p;

    make_big();
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
    adopt_party(&p, loop, pair[0], &options);
    p.numbered = false;
    start_receiving(&p);
    CHECK_EQ(send(pair[1], big, 100000, 0), 100000);
    UNTIL(loop, p.got == 1);
    CHECK_EQ(p.bytes, 100000);
    CHECK(!p.truncated);
    end_party(&p, pair[1]);
}

static void several_come_by_one_call(void)
{
    for (unsigned count = 1; count <= 64; count *= 8) {
        const weir_datagram_options options = {64, count, false};
        weir_loop *const loop = make(NULL);
        party p;
        const int peer = adopt_pair(&p, loop, &options);

        for (uint32_t i = 0; i < 64; i++)
            put_by(peer, i, NULL);
        receives = 0;
        start_receiving(&p);
        turn_with_work(loop);
        CHECK_EQ(p.got, 64);
        CHECK_EQ(receives, 64 / count);
        end_party(&p, peer);
    }
}

/* Of many a turn takes 64, and lets others come. */
static void a_turn_takes_64(void)
{
    for (unsigned count = 1; count <= 30; count += 29) {
        const weir_datagram_options options = {64, count, false};
        weir_loop *const loop = make(NULL);
        party p;
        const int peer = adopt_pair(&p, loop, &options);

        for (uint32_t i = 0; i < 150; i++)
            put_by(peer, i, NULL);
        start_receiving(&p);
        for (unsigned i = 1; i <= 3; i++) {
            turn_with_work(loop);
            CHECK_EQ(p.got, i < 3 ? 64 * i : 150);
        }
        end_party(&p, peer);
    }
}

static void pause_it(party *p, int what)
{
    if (what == RECEIVED)
        weir_datagram_pause(&p->socket);
}

static void pause_and_go_on(party *p, int what)
{
    if (what == RECEIVED) {
        weir_datagram_pause(&p->socket);
        start_receiving(p);
    }
}

/* Whatever has been taken from the kernel at a pause comes after it, and nothing before. */
static void a_pause_loses_nothing(void)
{
    for (unsigned count = 1; count <= 8; count += 7) {
        const weir_datagram_options options = {64, count, false};
        weir_loop *const loop = make(NULL);
        party p;
        const int peer = adopt_pair(&p, loop, &options);

        for (uint32_t i = 0; i < 20; i++)
            put_by(peer, i, NULL);
        idle_turns(loop);
        CHECK_EQ(p.got, 0); /* it was not asked to */
        p.then = pause_it;
        for (unsigned i = 1; i <= 20; i++) {
            start_receiving(&p);
            turn_with_work(loop);
            CHECK_EQ(p.got, i);
            idle_turns(loop);
            CHECK_EQ(p.got, i);
        }
        p.then = pause_and_go_on;
        start_receiving(&p);
        for (uint32_t i = 20; i < 40; i++)
            put_by(peer, i, NULL);
        UNTIL(loop, p.got == 40);
        end_party(&p, peer);
    }
}

static void a_close_in_the_call_is_the_end(void)
{
    for (unsigned count = 1; count <= 8; count += 7) {
        const weir_datagram_options options = {64, count, false};
        weir_loop *loop;
        party p;
        int peer;

        test_alloc_fail_at(0);
        loop = make(NULL);
        peer = adopt_pair(&p, loop, &options);
        for (uint32_t i = 0; i < 20; i++)
            put_by(peer, i, NULL);
        p.then = close_in_callback;
        start_receiving(&p);
        run_to_the_end(loop);
        CHECK_EQ(p.got, 1);
        end_party(&p, peer);
        CHECK_EQ(test_alloc_live, 0);
    }
}

static void interrupted_calls_are_made_again(void)
{
    weir_loop *const loop = make(NULL);
    party p;
    const int peer = adopt_pair(&p, loop, NULL);

    interrupts = true;
    start_receiving(&p);
    for (uint32_t i = 0; i < 20; i++)
        put_by(peer, i, NULL);
    UNTIL(loop, p.got == 20);
    interrupts = false;
    CHECK_EQ(p.fails, 0);
    end_party(&p, peer);
}

/* What a receive says is told, and it goes on; no turn is spent on that alone. */
static void errors_of_receiving_end_nothing(void)
{
    weir_loop *const loop = make(NULL);
    party p;
    const int peer = adopt_pair(&p, loop, NULL);

    for (unsigned i = 0; i < 70; i++)
        receive_fails[i] = ENOMEM;
    put_by(peer, 0, NULL);
    start_receiving(&p);
    turn_with_work(loop);
    CHECK_EQ(p.fails, 64);
    CHECK_EQ(p.failed, -ENOMEM);
    CHECK_EQ(p.got, 0);
    turn_with_work(loop);
    CHECK_EQ(p.fails, 70);
    CHECK_EQ(p.got, 1);
    /* Closed in there, it says nothing more. */
    receive_failed = 0;
    p.then = close_in_callback;
    put_by(peer, 1, NULL);
    run_to_the_end(loop);
    CHECK_EQ(p.fails, 71);
    memset(receive_fails, 0, sizeof receive_fails);
    end_party(&p, peer);
}

int main(void)
{
    return TEST_RUN(
        "datagram", TEST_CASE(there_is_ipv6), TEST_CASE(datagrams_go_and_come),
        TEST_CASE(after_close_nothing_can_be_asked_of_a_socket),
        TEST_CASE(an_open_that_fails_leaves_no_trace),
        TEST_CASE(only_sockets_of_datagrams_are_adopted),
        TEST_CASE(without_memory_nothing_is_opened), TEST_CASE(calls_may_be_left_out),
        TEST_CASE(sockets_share_a_port), TEST_CASE(what_is_too_long_is_truncated),
        TEST_CASE(the_longest_of_udp_comes_whole), TEST_CASE(a_longer_one_of_a_unix_socket),
        TEST_CASE(several_come_by_one_call), TEST_CASE(a_turn_takes_64),
        TEST_CASE(a_pause_loses_nothing), TEST_CASE(a_close_in_the_call_is_the_end),
        TEST_CASE(interrupted_calls_are_made_again), TEST_CASE(errors_of_receiving_end_nothing));
}
