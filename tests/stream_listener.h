/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/stream_listener.h: a listener that watches what is called, and clients. */

#ifndef WEIR_TESTS_STREAM_LISTENER_H
#define WEIR_TESTS_STREAM_LISTENER_H

#include "stream.h"

enum { MANY = 300 };

/* A listener that watches what is called. */
typedef struct host {
    weir_listener listener;
    weir_loop *loop;
    void (*then)(struct host *host, int fd);
    int fds[MANY]; /* accepted */
    unsigned count, failures;
    int failed; /* the last status */
    bool open;
} host;

static inline void on_accepted(weir_listener *listener, int fd)
{
    host *const h = (host *)(void *)listener;

    called(h->loop);
    CHECK(h->open);
    CHECK(h->count < MANY);
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    h->fds[h->count++] = fd;
    if (h->then != NULL)
        h->then(h, fd);
}

static inline void on_failed(weir_listener *listener, int status)
{
    host *const h = (host *)(void *)listener;

    called(h->loop);
    CHECK(h->open);
    CHECK(status < 0);
    h->failures++;
    h->failed = status;
    if (h->then != NULL)
        h->then(h, -1);
}

static const weir_listener_calls calls = {on_accepted, on_failed};

static inline void forget_host(host *h, weir_loop *loop)
{
    memset(h, 0, sizeof *h);
    h->loop = loop;
    h->open = true;
}

static inline int host_at(host *h, weir_loop *loop, pair_kind kind, bool share, uint32_t limit)
{
    struct sockaddr_storage address;
    const socklen_t length = address_of(kind, &address);

    forget_host(h, loop);
    return (int)QUIET(weir_listener_open(&h->listener, loop, (struct sockaddr *)&address, length,
                                         512, share, limit, &calls));
}

static inline weir_loop *host_of(host *h, pair_kind kind, uint32_t limit)
{
    weir_loop *const loop = make(NULL);
    const int status = host_at(h, loop, kind, false, limit);

    if (kind == TCP6 && status != 0) {
        end(loop);
        return NULL;
    }
    CHECK_EQ(status, 0);
    return loop;
}

static inline void close_host(host *h)
{
    h->open = false;
    CHECK_EQ(QUIET(weir_listener_close(&h->listener)), 0);
}

static inline void close_fds(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        CHECK(close(fds[i]) == 0);
}

static inline void connect_to(const host *h, int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        fds[i] = connected_to(weir_listener_fd(&h->listener));
}

#endif /* WEIR_TESTS_STREAM_LISTENER_H */
