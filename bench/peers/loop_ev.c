/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/loop_ev.c: libev. It has no queue for other threads: a lock-free one before its
 * ev_async. */

#include "loop_queue.h"

#include <ev.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct ev_loop *ev_the_loop;
static ev_async ev_bell;
static loop_stack ev_posts;

static void ev_heard(struct ev_loop *loop, ev_async *bell, int events)
{
    (void)loop;
    (void)bell;
    (void)events;
    loop_stack_run(&ev_posts);
}

static bool ev_open(unsigned workers)
{
    (void)workers;
    ev_the_loop = ev_loop_new(EVFLAG_AUTO);
    if (ev_the_loop == NULL)
        return false;
    ev_async_init(&ev_bell, ev_heard);
    ev_async_start(ev_the_loop, &ev_bell);
    return true;
}

static void ev_run_all(void)
{
    (void)ev_run(ev_the_loop, 0);
}

static void ev_stop(void)
{
    ev_break(ev_the_loop, EVBREAK_ALL);
}

static void ev_post(loop_post *post)
{
    if (loop_stack_push(&ev_posts, post))
        ev_async_send(ev_the_loop, &ev_bell);
}

/* ---- timers ---- */

static ev_timer *ev_timers;

static void ev_fired(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)timer;
    (void)events;
    bench_loop_fired();
}

static void ev_make_timers(size_t n)
{
    ev_timers = (ev_timer *)bench_alloc(n * sizeof *ev_timers);
    for (size_t i = 0; i < n; i++)
        ev_init(&ev_timers[i], ev_fired);
}

static void ev_insert(const uint64_t *after_ns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ev_timer_set(&ev_timers[i], (double)after_ns[i] * 1e-9, 0.);
        ev_timer_start(ev_the_loop, &ev_timers[i]);
    }
}

static void ev_cancel(size_t n)
{
    for (size_t i = 0; i < n; i++)
        ev_timer_stop(ev_the_loop, &ev_timers[i]);
}

/* As its manual says for idle timeouts. */
static void ev_rearm(const uint64_t *after_ns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ev_timers[i].repeat = (double)after_ns[i] * 1e-9;
        ev_timer_again(ev_the_loop, &ev_timers[i]);
    }
}

/* ---- fds ---- */

static ev_io *ev_ios;

static void ev_readable(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop;
    (void)events;
    bench_loop_readable(io->fd);
}

static void ev_watch(const int *fds, size_t n)
{
    if (ev_ios == NULL)
        ev_ios = (ev_io *)bench_alloc(n * sizeof *ev_ios);
    for (size_t i = 0; i < n; i++) {
        ev_io_init(&ev_ios[i], ev_readable, fds[i], EV_READ);
        ev_io_start(ev_the_loop, &ev_ios[i]);
    }
}

static void ev_unwatch(size_t n)
{
    for (size_t i = 0; i < n; i++)
        ev_io_stop(ev_the_loop, &ev_ios[i]);
}

/* ---- a server ---- */

static ev_io ev_listener;

static void ev_echo(struct ev_loop *loop, ev_io *io, int events)
{
    char buffer[LOOP_BUFFER];
    const ssize_t got = recv(io->fd, buffer, sizeof buffer, 0);

    (void)events;
    if (got > 0 && send(io->fd, buffer, (size_t)got, MSG_NOSIGNAL) == got)
        return;
    ev_io_stop(loop, io);
    close(io->fd);
    free(io);
}

static void ev_connected(struct ev_loop *loop, ev_io *listener, int events)
{
    const int on = 1;
    int fd;

    (void)events;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        ev_io *const io = (ev_io *)malloc(sizeof *io);

        if (io == NULL || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
            abort();
        ev_io_init(io, ev_echo, fd, EV_READ);
        ev_io_start(loop, io);
    }
}

static bool ev_serve(int listener)
{
    ev_io_init(&ev_listener, ev_connected, listener, EV_READ);
    ev_io_start(ev_the_loop, &ev_listener);
    return true;
}

static const loop_face ev_face = {
    sizeof(loop_node), 0,         ev_open,  ev_run_all, ev_stop,    ev_post,  ev_make_timers,
    ev_insert,         ev_cancel, ev_rearm, ev_watch,   ev_unwatch, ev_serve, NULL};

static const loop_face *ev(void)
{
    return &ev_face;
}

BENCH_LOOP_CASES(ev)

BENCH_REGISTER(add_ev)
{
    static const bench_peer peer = {
        "libev",
        BENCH_LOCK_FREE,
        BENCH_FIFO,
        false,
        0,
        "posts by a stack and ev_async; ev_timer_again; an fd stays in the epoll until closed"};

    bench_loop_add(&peer, ev_cases, LOOP_ALL & ~LOOP_OFFLOADS);
}
