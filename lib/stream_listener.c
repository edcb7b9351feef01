/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/stream_listener.c: listeners. */

#include <weir/stream.h>

#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { ACCEPTS = 64 };
#define AGAIN_NS UINT64_C(100000000)

#define CALL(listener, function, argument)                                             \
    do {                                                                               \
        weir_loop *const call_loop = (listener)->poll.loop;                            \
        weir__loop_begin(call_loop, (listener), "listener", (void (*)(void))function); \
        (function)((listener), (argument));                                            \
        weir__loop_end(call_loop);                                                     \
    } while (0)

/* What the next one in the queue has, or had, and no more than that. */
static bool is_passing(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case EPERM: /* a firewall's */
        return true;
    default:
        return false;
    }
}

static bool is_short(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Whether it was short of something for somebody: the kernel makes a descriptor first, and then
 * looks whether there is a connection for it. */
static bool somebody_waits(int listening)
{
    struct pollfd queue = {listening, POLLIN, 0};

    return poll(&queue, 1, 0) != 0;
}

/* No more for now, or never. */
static void stop_accepting(weir_listener *listener, int error)
{
    const bool told = listener->short_of;

    if (error == EAGAIN || (is_short(error) && !somebody_waits(listener->poll.fd)))
        return;
    if (is_short(error)) {
        listener->waiting = listener->short_of = true;
        weir_timer_after(&listener->again, AGAIN_NS);
    }
    if ((!is_short(error) || !told) && listener->calls->failed != NULL)
        CALL(listener, listener->calls->failed, -error);
}

/* Returns: whether it is still there. */
static bool give(weir_listener *listener, int fd)
{
    bool closed = false;

    listener->closed = &closed;
    CALL(listener, listener->calls->accepted, fd);
    if (!closed)
        listener->closed = NULL;
    return !closed;
}

static void on_ready(weir_poll *poll, unsigned ready)
{
    weir_listener *const listener = (weir_listener *)(void *)poll;

    (void)ready;
    for (unsigned i = 0;; i++) {
        int fd;

        if (i == ACCEPTS) {
            weir_poll_again(poll, WEIR_POLL_READ);
            return;
        }
        if (listener->limit != 0 && listener->open >= listener->limit) {
            listener->waiting = true;
            return;
        }
        fd = accept4(poll->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener->open++;
            listener->short_of = false;
            if (!give(listener, fd))
                return;
        } else if (!is_passing(errno)) {
            stop_accepting(listener, errno);
            return;
        }
    }
}

/* It may be possible again. */
static void go_on(weir_listener *listener)
{
    if (!listener->waiting)
        return;
    listener->waiting = false;
    (void)weir_timer_stop(&listener->again);
    weir_poll_again(&listener->poll, WEIR_POLL_READ);
}

static void on_again(weir_timer *timer)
{
    go_on((weir_listener *)(void *)((char *)timer - offsetof(weir_listener, again)));
}

void weir_listener_release(weir_listener *listener)
{
    WEIR_REQUIRE(listener->open != 0, "more releases than connections");
    listener->open--;
    go_on(listener);
}

/* ---- life ---- */

/* As one that is closed. */
static void begin(weir_listener *listener)
{
    memset(listener, 0, sizeof *listener);
    listener->poll.fd = -1;
}

int weir_listener_adopt(weir_listener *listener, weir_loop *loop, int fd, uint32_t limit,
                        const weir_listener_calls *calls)
{
    socklen_t length = sizeof(int);
    int status, listens = 0;

    begin(listener);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0)
        return -errno;
    if (listens == 0)
        return -EINVAL;
    status = weir__poll_unblock(fd);
    if (status != 0)
        return status;
    weir_poll_init(&listener->poll, loop, fd, on_ready);
    listener->poll.inner = true;
    weir_timer_init(&listener->again, loop, on_again);
    weir_timer_background(&listener->again, true);
    listener->calls = calls;
    listener->limit = limit;
    status = weir_poll_start(&listener->poll, WEIR_POLL_READ);
    if (status != 0)
        listener->poll.fd = -1;
    return status;
}

static int listen_at(int fd, const struct sockaddr *address, socklen_t length, unsigned backlog,
                     bool share)
{
    const int yes = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        (share && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0) ||
        bind(fd, address, length) != 0 ||
        listen(fd, backlog < INT_MAX ? (int)backlog : INT_MAX) != 0)
        return -errno;
    return 0;
}

int weir_listener_open(weir_listener *listener, weir_loop *loop, const struct sockaddr *address,
                       socklen_t length, unsigned backlog, bool share, uint32_t limit,
                       const weir_listener_calls *calls)
{
    const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int status;

    begin(listener);
    if (fd < 0)
        return -errno;
    status = listen_at(fd, address, length, backlog, share);
    if (status == 0)
        status = weir_listener_adopt(listener, loop, fd, limit, calls);
    if (status != 0)
        (void)close(fd);
    return status;
}

int weir_listener_close(weir_listener *listener)
{
    if (listener->poll.fd < 0)
        return -EALREADY;
    (void)weir_poll_stop(&listener->poll);
    (void)weir_timer_stop(&listener->again);
    (void)close(listener->poll.fd);
    listener->poll.fd = -1;
    if (listener->closed != NULL)
        *listener->closed = true;
    return 0;
}

int weir_listener_fd(const weir_listener *listener)
{
    return listener->poll.fd;
}
