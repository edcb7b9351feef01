/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/dial.h: what the tests of weir/dial.h share: callers that watch what is called. Each
 * attempt says its letter when it begins. */

#ifndef WEIR_TESTS_DIAL_H
#define WEIR_TESTS_DIAL_H

#include "resolve.h"

#include <weir/dial.h>

#include <sys/eventfd.h>

typedef struct caller {
    weir_dial dial;
    weir_loop *loop;
    weir_dial_options options;
    void (*then)(struct caller *caller);
    int (*refuse)(char letter); /* what `prepare` returns */
    weir_dial_address list[WEIR_DIAL_ADDRESSES + 1];
    struct sockaddr_in6 addresses[WEIR_DIAL_ADDRESSES + 1];
    unsigned dones;
    int status, fd, code;
    bool cancelling;
} caller;

static inline void on_dialled(weir_dial *dial, int status, int fd)
{
    caller *const c = (caller *)(void *)dial;

    if (!c->cancelling)
        called(c->loop);
    CHECK_EQ(asked, 0);
    CHECK_EQ(c->dones, 0);
    CHECK(status <= 0 && (status == 0) == (fd >= 0));
    CHECK_EQ(weir_dial_cancel(dial), -EALREADY);
    if (fd >= 0) {
        CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
        CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
    c->dones++;
    c->status = status;
    c->code = weir_dial_code(dial);
    c->fd = fd;
    if (c->then != NULL)
        c->then(c);
}

static inline int on_prepare(weir_dial *dial, int fd, const struct sockaddr *to, socklen_t length)
{
    caller *const c = (caller *)(void *)dial;

    CHECK(weir_loop_self() == c->loop);
    CHECK_EQ(asked, 0);
    CHECK_EQ(c->dones, 0);
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK(length != 0);
    if (to->sa_family == AF_UNIX) {
        say('u');
        return 0;
    }
    say(letter_of(to));
    if (c->refuse != NULL)
        return c->refuse(letter_of(to));
    return ((const struct sockaddr_in *)(const void *)to)->sin_port == ports['x'] ? -EACCES : 0;
}

static inline void make_caller(caller *c, const place *p)
{
    memset(c, 0, sizeof *c);
    c->loop = p->loop;
    c->fd = -1;
    c->status = 1;
    c->options.prepare = on_prepare;
}

/* ---- a place where the kernel's word comes late ---- */

/* A loop that takes one event a turn, and there is always one that comes before others. */
static inline place make_slow_place(thing *first)
{
    place p = make_place(1, true);
    weir_loop_options options = moved_options();

    end(p.loop);
    options.events = 1;
    p.loop = make(&options);
    *first = thing_of(p.loop, 0, NULL);
    thing_poll(first, eventfd(1, EFD_CLOEXEC), WEIR_POLL_READ | WEIR_POLL_LEVEL);
    return p;
}

static inline void end_slow_place(place *p, thing *first)
{
    stop_its_poll(first);
    CHECK(close(first->poll.fd) == 0);
    end_place(p);
}

/* ---- starts ---- */

static inline int dial_list(caller *c, const char *addresses, uint64_t deadline)
{
    size_t n = 0;

    for (const char *at = addresses; *at != '\0'; at += at[2] == ' ' ? 3 : 2, n++) {
        CHECK(n <= WEIR_DIAL_ADDRESSES);
        address_for(at, &c->addresses[n], &c->list[n].length);
        c->list[n].address = (struct sockaddr *)&c->addresses[n];
    }
    return (int)QUIET(
        weir_dial_addresses(&c->dial, c->loop, c->list, n, &c->options, deadline, on_dialled));
}

static inline void start_list(caller *c, const char *addresses)
{
    CHECK_EQ(dial_list(c, addresses, WEIR_FOREVER), 0);
}

static inline int dial_name(caller *c, const place *p, const weir_resolve_options *resolve,
                            uint64_t deadline)
{
    if (resolve != NULL)
        c->options.resolve = *resolve;
    return (int)QUIET(weir_dial_name(&c->dial, c->loop, p->pool, "here", "http", &c->options,
                                     deadline, on_dialled));
}

static inline void start_name(caller *c, const place *p, const weir_resolve_options *resolve)
{
    CHECK_EQ(dial_name(c, p, resolve, WEIR_FOREVER), 0);
}

/* ---- going on ---- */

static inline void cancel_dial(caller *c)
{
    c->cancelling = true;
    CHECK_EQ(weir_dial_cancel(&c->dial), 0);
    CHECK(c->dones == 1 && c->status == -ECANCELED && c->fd == -1 && c->code == 0);
    CHECK_EQ(weir_dial_cancel(&c->dial), -EALREADY);
}

static inline void run_until_done(const caller *c)
{
    while (c->dones == 0)
        (void)weir_loop_turn(c->loop, WEIR_FOREVER);
}

/* Until so many look-ups have been told, and what that begins has begun. */
static inline void run_until_told(const caller *c, unsigned left)
{
    while (c->dial.lookups != left)
        (void)weir_loop_turn(c->loop, WEIR_FOREVER);
}

/* The result is that. */
#define CHECK_FAILED(c, error) \
    (CHECK_EQ((c)->dones, 1), CHECK_EQ((c)->status, error), CHECK_EQ((c)->fd, -1))

/* It is connected with the address of that letter; closes it. */
static inline void check_connected(caller *c, const char *address)
{
    struct sockaddr_storage got;
    struct sockaddr_in6 want;
    socklen_t got_length = sizeof got, want_length;

    CHECK_EQ(c->dones, 1);
    CHECK_EQ(c->status, 0);
    CHECK_EQ(c->code, 0);
    address_for(address, &want, &want_length);
    CHECK(getpeername(c->fd, (struct sockaddr *)&got, &got_length) == 0);
    CHECK_EQ(got_length, want_length);
    CHECK(memcmp(&got, &want, got_length) == 0);
    CHECK(close(c->fd) == 0);
}

#endif /* WEIR_TESTS_DIAL_H */
