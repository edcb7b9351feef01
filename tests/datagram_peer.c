/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/datagram.h: peers. */

#include "datagram.h"

#include <net/if.h>

/* ---- peers ---- */

static void with_a_peer_it_hears_only_him(void)
{
    for (int kind = UDP4; kind < UNIX; kind++) {
        weir_loop *const loop = make(NULL);
        party a, b, c;
        place to_a, to_b, to_c;
        sent s;

        if (!open_party(&a, loop, kind, NULL)) {
            end(loop);
            continue;
        }
        CHECK(open_party(&b, loop, kind, NULL) && open_party(&c, loop, kind, NULL));
        to_a = place_of(&a);
        to_b = place_of(&b);
        to_c = place_of(&c);
        CHECK_EQ(put_number(&a, &s, 0, NULL), -EDESTADDRREQ);
        CHECK_EQ(QUIET(weir_datagram_disconnect(&a.socket)), 0); /* there is none */
        connect_party(&a, &to_b);
        start_receiving(&a);
        start_receiving(&b);
        CHECK_EQ(put_number(&a, &s, 0, NULL), 0);
        UNTIL(loop, b.got == 1);
        CHECK(is_from(&b, &to_a));
        CHECK_EQ(put_number(&c, &s, 77, &to_a), 0);
        CHECK_EQ(put_number(&b, &s, 0, &to_a), 0);
        UNTIL(loop, a.got == 1); /* not 77 */
        CHECK(is_from(&a, &to_b));
        connect_party(&a, &to_c);
        CHECK_EQ(put_number(&c, &s, 1, &to_a), 0);
        UNTIL(loop, a.got == 2);
        CHECK(is_from(&a, &to_c));
        CHECK_EQ(QUIET(weir_datagram_disconnect(&a.socket)), 0);
        CHECK_EQ(put_number(&a, &s, 1, NULL), -EDESTADDRREQ);
        CHECK_EQ(put_number(&a, &s, 1, &to_b), 0);
        UNTIL(loop, b.got == 2);
        CHECK(is_from(&b, &to_a)); /* where it was */
        CHECK_EQ(a.fails + b.fails + c.fails, 0);
        close_party(&b);
        close_party(&c);
        end_party(&a, -1);
    }
}

static void a_unix_socket_has_a_peer_too(void)
{
    weir_loop *const loop = make(NULL);
    const place gone = nowhere(UNIX);
    party a, b;
    place to;
    sent s;

    CHECK(open_party(&a, loop, UNIX, NULL) && open_party(&b, loop, UNIX, NULL));
    to = place_of(&b);
    CHECK_EQ(put_number(&a, &s, 0, NULL), -ENOTCONN);
    CHECK_EQ(QUIET(weir_datagram_connect(&a.socket, place_at(&gone), gone.length)), -ECONNREFUSED);
    connect_party(&a, &to);
    start_receiving(&b);
    CHECK_EQ(put_number(&a, &s, 0, NULL), 0);
    UNTIL(loop, b.got == 1);
    CHECK_EQ(QUIET(weir_datagram_disconnect(&a.socket)), 0);
    CHECK_EQ(put_number(&a, &s, 0, NULL), -ENOTCONN);
    CHECK_EQ(a.fails, 0);
    close_party(&b);
    end_party(&a, -1);
}

/* Which nobody has asked for: they are not left open. */
static void descriptors_that_come_along_are_closed(void)
{
    weir_loop *const loop = make(NULL);
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part;
    struct msghdr message;
    party p;
    const int peer = adopt_pair(&p, loop, NULL);
    int first = dup(0), zero = 0;

    CHECK(close(first) == 0);
    if (test_emulated()) {
        test_skip("the emulator takes them over itself, and leaves them open");
        end_party(&p, peer);
        return;
    }
    memset(&control, 0, sizeof control);
    memset(&message, 0, sizeof message);
    part.iov_base = &zero;
    part.iov_len = sizeof zero;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof zero);
    memcpy(CMSG_DATA(&control.header), &zero, sizeof zero);
    CHECK_EQ(sendmsg(peer, &message, 0), sizeof zero);
    start_receiving(&p);
    UNTIL(loop, p.got == 1);
    CHECK(!p.truncated);
    CHECK_EQ(dup(0), first);
    CHECK(close(first) == 0);
    end_party(&p, peer);
}

/* By the socket's options, as the header says. */
static void a_group_is_joined_by_its_descriptor(void)
{
    const weir_datagram_options shared = {0, 0, true};
    const int yes = 1;
    weir_loop *const loop = make(NULL);
    struct sockaddr_in group;
    struct ip_mreqn member;
    party a, b;
    sent s;
    place to;

    memset(&group, 0, sizeof group);
    group.sin_family = AF_INET;
    group.sin_addr.s_addr = htonl(0xefff5739); /* 239.255.87.57, of the site */
    memset(&member, 0, sizeof member);
    member.imr_multiaddr = group.sin_addr;
    member.imr_ifindex = (int)if_nametoindex("lo");
    CHECK_EQ(weir_datagram_open(&new_party(&a, loop)->socket, loop, (struct sockaddr *)&group,
                                sizeof group, &shared, &watched),
             0);
    to = place_of(&a);
    CHECK_EQ(weir_datagram_open(&new_party(&b, loop)->socket, loop, place_at(&to), to.length,
                                &shared, &watched),
             0);
    for (int i = 0; i < 2; i++) {
        const int fd = weir_datagram_fd(&(i == 0 ? &a : &b)->socket);

        if (member.imr_ifindex == 0 ||
            setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &member, sizeof member) != 0 ||
            setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &member, sizeof member) != 0 ||
            setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &yes, sizeof yes) != 0) {
            test_skip("the loopback interface joins no groups here");
            close_party(&b);
            end_party(&a, -1);
            return;
        }
    }
    start_receiving(&a);
    start_receiving(&b);
    CHECK_EQ(put_number(&a, &s, 0, &to), 0);
    UNTIL(loop, a.got == 1 && b.got == 1); /* each of them */
    CHECK(setsockopt(weir_datagram_fd(&b.socket), IPPROTO_IP, IP_DROP_MEMBERSHIP, &member,
                     sizeof member) == 0);
    CHECK_EQ(put_number(&a, &s, 1, &to), 0);
    UNTIL(loop, a.got == 2);
    close_party(&b);
    end_party(&a, -1);
}

int main(void)
{
    return TEST_RUN("datagram_peer", TEST_CASE(with_a_peer_it_hears_only_him),
                    TEST_CASE(a_unix_socket_has_a_peer_too),
                    TEST_CASE(descriptors_that_come_along_are_closed),
                    TEST_CASE(a_group_is_joined_by_its_descriptor));
}
