/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/datagram.h: what the tests of weir/datagram.h share: sockets that watch over what is
 * called, and packets that are done once. Datagrams begin with a number: where they are waited for
 * one by one, and over Unix sockets, they come in order. */

#ifndef WEIR_TESTS_DATAGRAM_H
#define WEIR_TESTS_DATAGRAM_H

#include "stream.h"

#include <weir/datagram.h>

/* ---- sockets that watch ---- */

enum { UDP4 = TCP4, UDP6 = TCP6, KINDS = PAIR };
enum { RECEIVED = 'r', FAILED = 'f', EMPTIED = 'd', GONE = 'c' };

typedef struct party {
    weir_datagram socket;
    weir_loop *loop;
    void (*then)(struct party *party, int what);
    struct party *other;
    unsigned got, fails, draineds, closes;
    unsigned sends, done; /* packets that were to be told, that were */
    int failed;
    bool open, closing;
    bool numbered; /* what it gets: from 0 */
    /* of the last one: */
    size_t bytes;
    bool truncated, nameless;
    struct sockaddr_storage from;
    socklen_t from_length;
    unsigned char data[64];
} party;

static inline party *party_called(weir_datagram *socket, int what)
{
    party *const p = (party *)(void *)socket;

    called(p->loop);
    CHECK(p->open);
    CHECK(!p->closing || what == GONE);
    return p;
}

static inline void party_goes_on(party *p, int what)
{
    if (p->then != NULL)
        p->then(p, what);
}

static inline void on_receive(weir_datagram *socket, const weir_arrival *arrival)
{
    party *const p = party_called(socket, RECEIVED);
    uint32_t number;

    CHECK_EQ(arrival->from == NULL, arrival->from_length == 0);
    if (p->numbered && arrival->bytes >= sizeof number) {
        memcpy(&number, arrival->data, sizeof number);
        CHECK_EQ(number, p->got);
    }
    p->got++;
    p->bytes = arrival->bytes;
    p->truncated = arrival->truncated;
    p->nameless = arrival->from == NULL;
    p->from_length = arrival->from_length;
    if (arrival->from != NULL)
        memcpy(&p->from, arrival->from, arrival->from_length);
    memcpy(p->data, arrival->data,
           arrival->bytes < sizeof p->data ? arrival->bytes : sizeof p->data);
    party_goes_on(p, RECEIVED);
}

static inline void on_failed_one(weir_datagram *socket, int status)
{
    party *const p = party_called(socket, FAILED);

    CHECK(status < 0);
    p->fails++;
    p->failed = status;
    party_goes_on(p, FAILED);
}

static inline void on_emptied(weir_datagram *socket)
{
    party *const p = party_called(socket, EMPTIED);

    CHECK(!weir_datagram_is_full(socket));
    p->draineds++;
    party_goes_on(p, EMPTIED);
}

static inline void on_gone(weir_datagram *socket)
{
    party *const p = party_called(socket, GONE);

    CHECK(p->closing);
    CHECK_EQ(p->done, p->sends);
    CHECK_EQ(weir_datagram_queued(socket), 0);
    p->closes++;
    p->open = false;
    party_goes_on(p, GONE);
}

static const weir_datagram_calls watched = {on_receive, on_failed_one, on_emptied, on_gone};

static inline party *new_party(party *p, weir_loop *loop)
{
    memset(p, 0, sizeof *p);
    p->loop = loop;
    p->open = true;
    p->numbered = true;
    return p;
}

/* At an address of that kind that is its own. Returns: whether there are such addresses here. */
static inline bool open_party(party *p, weir_loop *loop, int kind,
                              const weir_datagram_options *options)
{
    struct sockaddr_storage address;
    const socklen_t length = address_of((pair_kind)kind, &address);
    const int status = (int)QUIET(weir_datagram_open(&new_party(p, loop)->socket, loop,
                                                     (const struct sockaddr *)&address, length,
                                                     options, &watched));

    if (kind == UDP6 && status == -EADDRNOTAVAIL)
        return false;
    CHECK_EQ(status, 0);
    return true;
}

static inline void adopt_party(party *p, weir_loop *loop, int fd,
                               const weir_datagram_options *options)
{
    CHECK_EQ(QUIET(weir_datagram_adopt(&new_party(p, loop)->socket, loop, fd, options, &watched)),
             0);
}

/* One end of a pair for the socket, over which nothing gets lost. Returns: the other end. */
static inline int adopt_pair(party *p, weir_loop *loop, const weir_datagram_options *options)
{
    const int few = 8192;
    int fd[2];

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fd) == 0);
    CHECK(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &few, sizeof few) == 0);
    adopt_party(p, loop, fd[0], options);
    return fd[1];
}

static inline void start_receiving(party *p)
{
    CHECK_EQ(QUIET(weir_datagram_receive(&p->socket)), 0);
}

static inline void close_party(party *p)
{
    p->closing = true; /* before: nothing may come from now on */
    CHECK_EQ(QUIET(weir_datagram_close(&p->socket)), 0);
}

static inline void close_in_callback(party *p, int what)
{
    if (what != GONE)
        close_party(p);
}

/* Ends what is left of it, with its loop. */
static inline void end_party(party *p, int fd)
{
    weir_loop *const loop = p->loop;

    if (!p->closing)
        close_party(p);
    run_to_the_end(loop);
    CHECK_EQ(p->closes, 1);
    if (fd >= 0)
        CHECK(close(fd) == 0);
    end(loop);
}

/* ---- addresses ---- */

typedef struct place {
    struct sockaddr_storage at;
    socklen_t length;
} place;

static inline const struct sockaddr *place_at(const place *to)
{
    return (const struct sockaddr *)&to->at;
}

static inline place place_of_fd(int fd)
{
    place p;

    memset(&p, 0, sizeof p);
    p.length = sizeof p.at;
    CHECK(getsockname(fd, (struct sockaddr *)&p.at, &p.length) == 0);
    return p;
}

static inline place place_of(const party *p)
{
    return place_of_fd(weir_datagram_fd(&p->socket));
}

static inline bool is_from(const party *p, const place *from)
{
    return p->from_length == from->length && memcmp(&p->from, &from->at, from->length) == 0;
}

static inline void connect_party(party *p, const place *to)
{
    CHECK_EQ(QUIET(weir_datagram_connect(&p->socket, place_at(to), to->length)), 0);
}

/* Where a moment ago a socket of that kind was, and now nobody is. */
static inline place nowhere(int kind)
{
    struct sockaddr_storage address;
    const socklen_t length = address_of((pair_kind)kind, &address);
    const int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    place to;

    CHECK(fd >= 0 && bind(fd, (const struct sockaddr *)&address, length) == 0);
    to = place_of_fd(fd);
    CHECK(close(fd) == 0);
    return to;
}

/* ---- packets ---- */

typedef struct sent {
    weir_packet packet;
    party *from;
    void (*then)(struct sent *sent);
    unsigned place; /* in which it was done, of those of its socket; from 1 */
    int status;
    bool pending;
    uint32_t number; /* its bytes */
} sent;

static inline void on_sent(weir_packet *packet, weir_datagram *socket, int status)
{
    sent *const s = (sent *)(void *)packet;

    called(s->from->loop);
    CHECK(socket == &s->from->socket);
    CHECK(s->from->open);
    CHECK(s->pending);
    s->pending = false;
    s->status = status;
    s->place = ++s->from->done;
    if (s->then != NULL)
        s->then(s);
}

static inline int put_packet(party *p, sent *s)
{
    int status;

    s->from = p;
    s->place = 0;
    s->status = 1;
    s->then = NULL;
    s->pending = true;
    status = (int)QUIET(weir_datagram_send(&p->socket, &s->packet));
    s->pending = status == -EINPROGRESS;
    p->sends += s->pending;
    return status;
}

static inline int put_datagram(party *p, sent *s, const void *data, size_t bytes, const place *to)
{
    weir_packet_init(&s->packet, data, bytes, to != NULL ? place_at(to) : NULL,
                     to != NULL ? to->length : 0, on_sent);
    return put_packet(p, s);
}

static inline int put_number(party *p, sent *s, uint32_t number, const place *to)
{
    s->number = number;
    return put_datagram(p, s, &s->number, sizeof s->number, to);
}

/* By the kernel alone. */
static inline void put_by(int fd, uint32_t number, const place *to)
{
    CHECK_EQ(sendto(fd, &number, sizeof number, 0, to != NULL ? place_at(to) : NULL,
                    to != NULL ? to->length : 0),
             (ssize_t)sizeof number);
}

/* Returns: the number that came; -1: nothing is there. */
static inline int64_t number_from(int fd)
{
    uint32_t number;
    const ssize_t n = recv(fd, &number, sizeof number, MSG_DONTWAIT);

    CHECK(n == (ssize_t)sizeof number || (n < 0 && errno == EAGAIN));
    return n < 0 ? -1 : (int64_t)number;
}

#endif /* WEIR_TESTS_DATAGRAM_H */
