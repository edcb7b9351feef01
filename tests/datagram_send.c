/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/datagram.h: sending: packets that wait are done once, in order; marks, the end of the queue,
 * copies, and closes meanwhile. */

#include "datagram.h"

#include <sys/syscall.h>

enum { MANY = 1000 };

static sent packets[MANY];

/* ---- the library's sendmsg() and sendmmsg() ---- */

static bool interrupts; /* every other call is, if asked */
static unsigned most;   /* packets that a call takes; 0: no limit */
static unsigned bursts; /* calls that took more than one */

static bool is_interrupted(void)
{
    static unsigned calls;

    if (!interrupts || ++calls % 2 == 0)
        return false;
    errno = EINTR;
    return true;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count,
#ifdef __GLIBC__
             int flags
#else
             unsigned flags
#endif
)
{
    int n;

    CHECK(count > 1 && count <= 16);
    if (is_interrupted())
        return -1;
    n = (int)syscall(SYS_sendmmsg, fd, messages, most != 0 && count > most ? most : count, flags);
    bursts += n > 1;
    return n;
}

/* ---- waiting ---- */

/* Sends numbers from `next` on until one has to wait, and `more` behind it. Returns: how many. */
static unsigned stuff_numbers(party *p, unsigned next, unsigned more, const place *to)
{
    unsigned n = next;

    while (put_number(p, &packets[n], n, to) == 0)
        CHECK(++n < MANY);
    CHECK(packets[n++].pending);
    for (; more != 0; more--, n++) {
        CHECK(n < MANY);
        CHECK_EQ(put_number(p, &packets[n], n, to), -EINPROGRESS);
    }
    return n;
}

/* Takes them out at the other end, in order, while the loop turns. */
static void take_numbers(party *p, int peer, unsigned until)
{
    for (unsigned i = 0; i < until;) {
        const int64_t number = number_from(peer);

        if (number >= 0)
            CHECK_EQ(number, i++);
        else
            (void)weir_loop_turn(p->loop, weir_clock_after(MS));
    }
}

static void check_sent(const party *p, unsigned count)
{
    CHECK_EQ(p->done, p->sends);
    for (unsigned i = 0, waited = 0; i < count; i++) {
        CHECK(!packets[i].pending);
        if (packets[i].place != 0) { /* it waited */
            CHECK_EQ(packets[i].place, ++waited);
            CHECK_EQ(packets[i].status, 0);
        }
    }
}

static void what_waits_is_sent_in_order_and_done_once(void)
{
    for (most = 0; most < 6; most += 5) {
        weir_loop *const loop = make(NULL);
        party p;
        const int peer = adopt_pair(&p, loop, NULL);
        const unsigned count = stuff_numbers(&p, 0, 100, NULL);

        CHECK_EQ(weir_datagram_queued(&p.socket), 101 * sizeof(uint32_t));
        CHECK_EQ(weir_datagram_try_send(&p.socket, "", 0, NULL, 0), -EAGAIN); /* behind them */
        idle_turns(loop);
        CHECK_EQ(p.done, 0);
        interrupts = most == 0;
        bursts = 0;
        take_numbers(&p, peer, count);
        interrupts = false;
        check_sent(&p, count);
        CHECK(bursts != 0);
        CHECK_EQ(weir_datagram_queued(&p.socket), 0);
        CHECK_EQ(p.fails + p.draineds, 0);
        check_that_it_sleeps(loop);
        end_party(&p, peer);
    }
    most = 0;
}

/* By addresses: of a Unix socket, whose receiver has room for few. */
static void without_a_peer_they_wait_too(void)
{
    weir_loop *const loop = make(NULL);
    party a, b;
    place to;
    unsigned count;

    CHECK(open_party(&a, loop, UNIX, NULL) && open_party(&b, loop, UNIX, NULL));
    to = place_of(&b);
    count = stuff_numbers(&a, 0, 100, &to);
    idle_turns(loop);
    CHECK_EQ(a.done, 0);
    start_receiving(&b);
    UNTIL(loop, b.got == count);
    check_sent(&a, count);
    close_party(&b);
    end_party(&a, -1);
}

/* The kernel tells of a peer; it does not, that there is none yet. */
static void a_peer_that_is_full_is_told_of(void)
{
    weir_loop *const loop = make_moved();
    party a, b;
    place to;
    unsigned count;

    CHECK(open_party(&a, loop, UNIX, NULL) && open_party(&b, loop, UNIX, NULL));
    to = place_of(&b);
    connect_party(&a, &to);
    count = stuff_numbers(&a, 0, 30, NULL);
    idle_turns(loop);
    turn_for_nothing(loop);
    CHECK_EQ(a.done, 0);
    start_receiving(&b);
    UNTIL(loop, b.got == count);
    check_sent(&a, count);
    close_party(&b);
    end_party(&a, -1);
}

/* When such a one has room again the kernel does not tell: it is tried again after a millisecond,
 * and the loop sleeps meanwhile. */
static void nobody_tells_when_there_is_room_again(void)
{
    weir_loop *const loop = make_moved();
    const int other = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    party a, b;
    place to;
    sent s, next;
    uint32_t n = 0;

    CHECK(open_party(&a, loop, UNIX, NULL) && open_party(&b, loop, UNIX, NULL));
    to = place_of(&b);
    idle_turns(loop); /* that there is room is told once */
    while (sendto(other, &n, sizeof n, 0, place_at(&to), to.length) > 0)
        n++;
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(put_number(&a, &s, n, &to), -EINPROGRESS);
    for (unsigned i = 1; i <= 3; i++) {
        idle_turns(loop);
        turn_for_nothing(loop);
        move_to(1000 + i * MS);
    }
    idle_turns(loop);
    CHECK_EQ(a.done, 0);
    start_receiving(&b);
    idle_turns(loop);
    CHECK_EQ(b.got, n);
    move_to(1000 + 4 * MS - 1);
    idle_turns(loop);
    CHECK_EQ(a.done, 0);
    CHECK_EQ(put_number(&a, &next, n + 1, &to), -EINPROGRESS); /* which does not put it off */
    move_to(1000 + 4 * MS);
    idle_turns(loop);
    CHECK_EQ(a.done, 2);
    CHECK_EQ(s.status + next.status, 0);
    CHECK_EQ(b.got, n + 2);
    CHECK(close(other) == 0);
    close_party(&b);
    end_party(&a, -1);
}

static void a_turn_sends_64(void)
{
    weir_loop *const loop = make(NULL);
    const int much = 1 << 18;
    party p;
    const int peer = adopt_pair(&p, loop, NULL);
    const unsigned count = stuff_numbers(&p, 0, 200, NULL);

    CHECK(setsockopt(weir_datagram_fd(&p.socket), SOL_SOCKET, SO_SNDBUF, &much, sizeof much) == 0);
    CHECK_EQ(number_from(peer), 0); /* the kernel looks again */
    for (unsigned i = 1; p.done < 201; i++) {
        turn_with_work(loop);
        CHECK_EQ(p.done, i < 4 ? 64 * i : 201);
    }
    for (unsigned i = 1; i < count; i++)
        CHECK_EQ(number_from(peer), i);
    CHECK_EQ(number_from(peer), -1);
    end_party(&p, peer);
}

/* ---- marks, and the end of the queue ---- */

static void check_that_it_is_low(party *p, int what)
{
    CHECK(what != EMPTIED || weir_datagram_queued(&p->socket) <= 8);
}

static void the_marks_are_told(void)
{
    weir_loop *const loop = make(NULL);
    party p;
    const int peer = adopt_pair(&p, loop, NULL);
    unsigned count;

    weir_datagram_marks(&p.socket, 8, 1200, 1000);
    count = stuff_numbers(&p, 0, 299, NULL); /* 1200 bytes */
    CHECK(!weir_datagram_is_full(&p.socket));
    CHECK_EQ(put_number(&p, &packets[count], count, NULL), -EINPROGRESS);
    CHECK(weir_datagram_is_full(&p.socket));
    idle_turns(loop);
    CHECK_EQ(p.draineds, 0);
    p.then = check_that_it_is_low;
    take_numbers(&p, peer, count + 1);
    CHECK(!weir_datagram_is_full(&p.socket));
    CHECK_EQ(p.draineds, 1);
    check_sent(&p, count + 1);
    CHECK_DIES(weir_datagram_marks(&p.socket, 2, 1, 1), "the low mark is above the high one");
    end_party(&p, peer);
}

static void the_queue_has_an_end(void)
{
    weir_loop *const loop = make(NULL);
    party p;
    sent late;
    const int peer = adopt_pair(&p, loop, NULL);
    unsigned count;

    weir_datagram_marks(&p.socket, 0, 1000, 3);
    count = stuff_numbers(&p, 0, 1, NULL);
    CHECK(!weir_datagram_is_full(&p.socket));
    CHECK_EQ(put_number(&p, &packets[count], count, NULL), -EINPROGRESS);
    count++;
    CHECK(weir_datagram_is_full(&p.socket)); /* though it is far below its high mark */
    CHECK_EQ(put_number(&p, &late, 77, NULL), -ENOBUFS);
    CHECK_EQ(QUIET(weir_datagram_copy(&p.socket, "abcd", 4, NULL, 0)), -ENOBUFS);
    take_numbers(&p, peer, count);
    check_sent(&p, count);
    CHECK_EQ(p.draineds, 1); /* who was refused is told */
    CHECK(!weir_datagram_is_full(&p.socket));
    CHECK_EQ(put_number(&p, &late, 77, NULL), 0);
    CHECK_EQ(number_from(peer), 77);
    /* No queue at all: now or never. */
    weir_datagram_marks(&p.socket, 0, 0, 0);
    for (count = 0; put_number(&p, &packets[0], 0, NULL) == 0; count++)
        continue;
    CHECK_EQ(put_number(&p, &packets[0], 0, NULL), -ENOBUFS);
    while (number_from(peer) >= 0)
        count--;
    CHECK_EQ(count, 0);
    end_party(&p, peer);
}

/* ---- closes ---- */

static void a_close_cancels_what_waits(void)
{
    weir_loop *const loop = make(NULL);
    party p;
    const int peer = adopt_pair(&p, loop, NULL);
    const unsigned count = stuff_numbers(&p, 0, 9, NULL);

    close_party(&p);
    CHECK_EQ(p.done, 0);
    run_to_the_end(loop);
    CHECK_EQ(p.done, 10);
    for (unsigned i = 0; i < 10; i++) {
        CHECK_EQ(packets[count - 10 + i].status, -ECANCELED);
        CHECK_EQ(packets[count - 10 + i].place, i + 1);
    }
    for (unsigned i = 0; i < count - 10; i++)
        CHECK_EQ(number_from(peer), i);
    CHECK_EQ(number_from(peer), -1);
    end_party(&p, peer);
}

static void close_its_socket(sent *s)
{
    close_party(s->from);
}

/* Those that went with it are sent; the others are not. */
static void a_close_in_the_call_of_one(void)
{
    weir_loop *const loop = make(NULL);
    party p;
    const int peer = adopt_pair(&p, loop, NULL);
    const unsigned count = stuff_numbers(&p, 0, 99, NULL), before = count - 100;
    unsigned taken, done = 0;

    packets[before].then = close_its_socket;
    for (taken = 0; taken < before; taken++)
        CHECK_EQ(number_from(peer), taken);
    run_to_the_end(loop);
    CHECK_EQ(p.done, 100);
    while (number_from(peer) >= 0)
        taken++;
    for (unsigned i = before; i < count; i++) {
        CHECK(packets[i].status == 0 || packets[i].status == -ECANCELED);
        CHECK_EQ(packets[i].place, i - before + 1);
        done += packets[i].status == 0;
    }
    CHECK_EQ(before + done, taken);
    CHECK(done > 1 && done <= 16);
    end_party(&p, peer);
}

static sent more[MANY];
static unsigned used;

static void send_another(sent *s)
{
    uint32_t number;
    int status;

    if (used == 100)
        return;
    number = packets[0].number++;
    status = put_number(s->from, &more[used], number, NULL);
    CHECK(status == 0 || status == -EINPROGRESS);
    more[used++].then = send_another;
}

static void what_is_done_may_send(void)
{
    weir_loop *const loop = make(NULL);
    party p;
    const int peer = adopt_pair(&p, loop, NULL);
    const unsigned count = stuff_numbers(&p, 0, 9, NULL);
    unsigned taken = 0;

    packets[0].number = count; /* of those that come then */
    for (unsigned i = count - 10; i < count; i++)
        packets[i].then = send_another;
    while (taken < count || weir_datagram_queued(&p.socket) != 0) {
        const int64_t number = number_from(peer);

        if (number >= 0)
            CHECK_EQ(number, taken++);
        else
            idle_turns(loop);
    }
    while (number_from(peer) == taken)
        taken++;
    CHECK_EQ(used, 100);
    CHECK_EQ(taken, count + used);
    CHECK_EQ(p.done, p.sends);
    end_party(&p, peer);
}

/* ---- kinds of sends ---- */

static void parts_are_one_datagram(void)
{
    for (int kind = UDP4; kind < KINDS; kind++) {
        weir_loop *const loop = make(NULL);
        struct iovec parts[3];
        place to;
        sent s;
        party p;

        if (!open_party(&p, loop, kind, NULL)) {
            end(loop);
            continue;
        }
        to = place_of(&p);
        p.numbered = false;
        make_big();
        for (unsigned i = 0; i < 3; i++) {
            parts[i].iov_base = big + 10 * i;
            parts[i].iov_len = 10;
        }
        start_receiving(&p);
        weir_packet_init_parts(&s.packet, parts, 3, place_at(&to), to.length, on_sent);
        CHECK_EQ(put_packet(&p, &s), 0);
        UNTIL(loop, p.got == 1);
        CHECK_EQ(p.bytes, 30);
        check_bytes(p.data, 30, 0);
        weir_packet_init_parts(&s.packet, NULL, 0, place_at(&to), to.length, on_sent);
        CHECK_EQ(put_packet(&p, &s), 0);
        UNTIL(loop, p.got == 2);
        CHECK_EQ(p.bytes, 0);
        CHECK_DIES(weir_packet_init_parts(&s.packet, parts, 1025, NULL, 0, NULL),
                   "more than 1024 parts");
        end_party(&p, -1);
    }
}

static void try_send_waits_for_nothing(void)
{
    weir_loop *const loop = make(NULL);
    party p;
    const int peer = adopt_pair(&p, loop, NULL);
    uint32_t n = 0;
    int status;

    while ((status = (int)QUIET(weir_datagram_try_send(&p.socket, &n, sizeof n, NULL, 0))) == 0)
        n++;
    CHECK_EQ(status, -EAGAIN);
    CHECK_EQ(weir_datagram_queued(&p.socket), 0);
    for (uint32_t i = 0; i < n; i++)
        CHECK_EQ(number_from(peer), i);
    CHECK_EQ(QUIET(weir_datagram_try_send(&p.socket, &n, sizeof n, NULL, 0)), 0);
    CHECK_EQ(number_from(peer), n);
    end_party(&p, peer);
}

/* With the address, which the caller changes after it; in order with others. */
static void a_copy_needs_nothing_of_the_caller(void)
{
    weir_loop *loop;
    party a, b;
    place to, kept;
    uint32_t n;

    test_alloc_fail_at(0);
    loop = make(NULL);
    CHECK(open_party(&a, loop, UNIX, NULL) && open_party(&b, loop, UNIX, NULL));
    kept = place_of(&b);
    for (n = 0; n < 100; n++) {
        uint32_t number = n;

        to = kept;
        CHECK_EQ(
            QUIET(weir_datagram_copy(&a.socket, &number, sizeof number, place_at(&to), to.length)),
            0);
        memset(&to, 0x55, sizeof to);
        number = 0x55;
    }
    CHECK(weir_datagram_queued(&a.socket) != 0);
    CHECK_EQ(QUIET(weir_datagram_copy(&a.socket, NULL, 0, place_at(&kept), kept.length)), 0);
    CHECK_EQ(QUIET(weir_datagram_copy(&a.socket, "", 1, place_at(&kept), sizeof kept.at + 1)),
             -EINVAL);
    test_alloc_calls = 0;
    test_alloc_fail_nr = 1;
    CHECK_EQ(QUIET(weir_datagram_copy(&a.socket, &n, sizeof n, place_at(&kept), kept.length)),
             -ENOMEM);
    test_alloc_fail_nr = 0;
    start_receiving(&b);
    UNTIL(loop, b.got == 101);
    CHECK_EQ(b.bytes, 0);
    /* What is left at a close is freed. */
    weir_datagram_pause(&b.socket);
    for (n = 0; n < 100; n++)
        CHECK_EQ(QUIET(weir_datagram_copy(&a.socket, &n, sizeof n, place_at(&kept), kept.length)),
                 0);
    close_party(&b);
    end_party(&a, -1);
    CHECK_EQ(test_alloc_live, 0);
}

static void many_go_over_udp(void)
{
    weir_loop *const loop = make(NULL);
    const weir_datagram_options options = {64, 16, false};
    party a, b;
    place to;
    unsigned sent_now = 0;

    CHECK(open_party(&a, loop, UDP4, NULL) && open_party(&b, loop, UDP4, &options));
    to = place_of(&b);
    b.numbered = false; /* the processor that takes them may change */
    start_receiving(&b);
    while (sent_now < MANY) { /* not more than the receiver's buffer takes */
        for (unsigned i = 0; i < 50; i++, sent_now++)
            CHECK_EQ(put_number(&a, &packets[sent_now], sent_now, &to), 0);
        UNTIL(loop, b.got == sent_now);
    }
    close_party(&b);
    end_party(&a, -1);
}

int main(void)
{
    return TEST_RUN("datagram_send", TEST_CASE(what_waits_is_sent_in_order_and_done_once),
                    TEST_CASE(without_a_peer_they_wait_too),
                    TEST_CASE(a_peer_that_is_full_is_told_of),
                    TEST_CASE(nobody_tells_when_there_is_room_again), TEST_CASE(a_turn_sends_64),
                    TEST_CASE(the_marks_are_told), TEST_CASE(the_queue_has_an_end),
                    TEST_CASE(a_close_cancels_what_waits), TEST_CASE(a_close_in_the_call_of_one),
                    TEST_CASE(what_is_done_may_send), TEST_CASE(parts_are_one_datagram),
                    TEST_CASE(try_send_waits_for_nothing),
                    TEST_CASE(a_copy_needs_nothing_of_the_caller), TEST_CASE(many_go_over_udp));
}
