/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/loop_epoll.c: an edge-triggered epoll with nothing around it: what the system itself
 * costs. It has no timers and no pool. */

#include "loop_queue.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* An event's data: an fd, and what it is, above 32 bits. */
enum { EPOLL_BELL, EPOLL_WATCHED, EPOLL_LISTENER, EPOLL_CONNECTION };

static int epoll_fd, epoll_bell;
static bool epoll_over;
static loop_stack epoll_posts;
static const int *epoll_watched;

static bool epoll_add(int fd, unsigned kind)
{
    struct epoll_event event = {0};

    event.events = EPOLLIN | EPOLLET;
    event.data.u64 = (uint64_t)kind << 32 | (unsigned)fd;
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool epoll_open(unsigned workers)
{
    (void)workers;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    epoll_bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return epoll_fd >= 0 && epoll_bell >= 0 && epoll_add(epoll_bell, EPOLL_BELL);
}

static void epoll_stop(void)
{
    epoll_over = true;
}

static void epoll_post(loop_post *post)
{
    const uint64_t one = 1;

    if (loop_stack_push(&epoll_posts, post) &&
        write(epoll_bell, &one, sizeof one) != (ssize_t)sizeof one)
        abort();
}

static void epoll_accept(int listener)
{
    const int on = 1;
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
            !epoll_add(fd, EPOLL_CONNECTION))
            abort();
}

static void epoll_echo(int fd)
{
    char buffer[LOOP_BUFFER];
    ssize_t got;

    do {
        got = recv(fd, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0 || send(fd, buffer, (size_t)got, MSG_NOSIGNAL) != got) {
            close(fd);
            return;
        }
    } while (got == (ssize_t)sizeof buffer);
}

static void epoll_run(void)
{
    struct epoll_event events[1024];

    while (!epoll_over) {
        const int ready = epoll_wait(epoll_fd, events, 1024, -1);

        for (int i = 0; i < ready; i++) {
            const int fd = (int)(uint32_t)events[i].data.u64;

            switch (events[i].data.u64 >> 32) {
            case EPOLL_BELL: /* not read: each write is an edge */
                loop_stack_run(&epoll_posts);
                break;
            case EPOLL_WATCHED:
                bench_loop_readable(fd);
                break;
            case EPOLL_LISTENER:
                epoll_accept(fd);
                break;
            default:
                epoll_echo(fd);
            }
        }
    }
}

static void epoll_watch(const int *fds, size_t n)
{
    epoll_watched = fds;
    for (size_t i = 0; i < n; i++)
        if (!epoll_add(fds[i], EPOLL_WATCHED))
            abort();
}

static void epoll_unwatch(size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (epoll_ctl(epoll_fd, EPOLL_CTL_DEL, epoll_watched[i], NULL) != 0)
            abort();
}

static bool epoll_serve(int listener)
{
    return epoll_add(listener, EPOLL_LISTENER);
}

static const loop_face epoll_face = {sizeof(loop_node),
                                     0,
                                     epoll_open,
                                     epoll_run,
                                     epoll_stop,
                                     epoll_post,
                                     NULL,
                                     NULL,
                                     NULL,
                                     NULL,
                                     epoll_watch,
                                     epoll_unwatch,
                                     epoll_serve,
                                     NULL};

static const loop_face *epoll(void)
{
    return &epoll_face;
}

BENCH_LOOP_CASES(epoll)

BENCH_REGISTER(add_epoll)
{
    static const bench_peer peer = {
        "bare epoll", BENCH_LOCK_FREE, BENCH_FIFO,
        false,        BENCH_REFERENCE, "edge-triggered; posts by a stack and an eventfd"};

    bench_loop_add(&peer, epoll_cases, LOOP_ALL & ~(LOOP_TIMERS | LOOP_OFFLOADS));
}
