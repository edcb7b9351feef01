/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/loop_event.c: libevent, with its locks, so that other threads can wake it by
 * event_active(); a list and a mutex before that. Its connections are plain events, and once more
 * bufferevents. */

#include "loop_queue.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <event2/thread.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct event_base *event_the_base;
static struct event event_bell;
static loop_list event_posts;

static void event_check(int result)
{
    if (result != 0)
        abort();
}

static void event_heard(evutil_socket_t fd, short what, void *of)
{
    (void)fd;
    (void)what;
    (void)of;
    loop_list_run(&event_posts);
}

static bool event_open(unsigned workers)
{
    (void)workers;
    if (evthread_use_pthreads() != 0)
        return false;
    loop_list_init(&event_posts);
    event_the_base = event_base_new();
    return event_the_base != NULL &&
           event_assign(&event_bell, event_the_base, -1, EV_PERSIST, event_heard, NULL) == 0;
}

static void event_run(void)
{
    event_check(event_base_loop(event_the_base, EVLOOP_NO_EXIT_ON_EMPTY));
}

static void event_stop(void)
{
    event_check(event_base_loopbreak(event_the_base));
}

static void event_post(loop_post *post)
{
    if (loop_list_push(&event_posts, post))
        event_active(&event_bell, EV_READ, 0);
}

/* ---- timers ---- */

static struct event *event_timers;

static void event_fired(evutil_socket_t fd, short what, void *of)
{
    (void)fd;
    (void)what;
    (void)of;
    bench_loop_fired();
}

static void event_make_timers(size_t n)
{
    event_timers = (struct event *)bench_alloc(n * sizeof *event_timers);
    for (size_t i = 0; i < n; i++)
        event_check(evtimer_assign(&event_timers[i], event_the_base, event_fired, NULL));
}

static void event_insert(const uint64_t *after_ns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct timeval after = {(time_t)(after_ns[i] / 1000000000),
                                      (suseconds_t)(after_ns[i] % 1000000000 / 1000)};

        event_check(evtimer_add(&event_timers[i], &after));
    }
}

static void event_cancel(size_t n)
{
    for (size_t i = 0; i < n; i++)
        event_check(evtimer_del(&event_timers[i]));
}

/* ---- fds ---- */

static struct event *event_fds;

static void event_readable(evutil_socket_t fd, short what, void *of)
{
    (void)what;
    (void)of;
    bench_loop_readable(fd);
}

static void event_watch(const int *fds, size_t n)
{
    if (event_fds == NULL)
        event_fds = (struct event *)bench_alloc(n * sizeof *event_fds);
    for (size_t i = 0; i < n; i++) {
        event_check(event_assign(&event_fds[i], event_the_base, fds[i], EV_READ | EV_PERSIST,
                                 event_readable, NULL));
        event_check(event_add(&event_fds[i], NULL));
    }
}

static void event_unwatch(size_t n)
{
    for (size_t i = 0; i < n; i++)
        event_check(event_del(&event_fds[i]));
}

/* ---- a server, of plain events ---- */

static void event_echo(evutil_socket_t fd, short what, void *of)
{
    struct event *const event = (struct event *)of;
    char buffer[LOOP_BUFFER];
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);

    (void)what;
    if (got > 0 && send(fd, buffer, (size_t)got, MSG_NOSIGNAL) == got)
        return;
    event_free(event);
    close(fd);
}

static void event_set_nodelay(evutil_socket_t fd)
{
    const int on = 1;

    event_check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

static void event_connected(struct evconnlistener *listener, evutil_socket_t fd,
                            struct sockaddr *address, int bytes, void *of)
{
    struct event *const event =
        event_new(event_the_base, fd, EV_READ | EV_PERSIST, event_echo, event_self_cbarg());

    (void)listener;
    (void)address;
    (void)bytes;
    (void)of;
    event_set_nodelay(fd);
    event_check(event_add(event, NULL));
}

static bool event_serve(int listener)
{
    return evconnlistener_new(event_the_base, event_connected, NULL, 0, 0, listener) != NULL;
}

/* ---- a server, of bufferevents ---- */

static void event_buffer_echo(struct bufferevent *buffer, void *of)
{
    (void)of;
    event_check(bufferevent_write_buffer(buffer, bufferevent_get_input(buffer)));
}

static void event_buffer_end(struct bufferevent *buffer, short what, void *of)
{
    (void)what;
    (void)of;
    bufferevent_free(buffer);
}

static void event_buffer_connected(struct evconnlistener *listener, evutil_socket_t fd,
                                   struct sockaddr *address, int bytes, void *of)
{
    struct bufferevent *const buffer =
        bufferevent_socket_new(event_the_base, fd, BEV_OPT_CLOSE_ON_FREE);

    (void)listener;
    (void)address;
    (void)bytes;
    (void)of;
    event_set_nodelay(fd);
    bufferevent_setcb(buffer, event_buffer_echo, NULL, event_buffer_end, NULL);
    event_check(bufferevent_enable(buffer, EV_READ | EV_WRITE));
}

static bool event_buffer_serve(int listener)
{
    return evconnlistener_new(event_the_base, event_buffer_connected, NULL, 0, 0, listener) != NULL;
}

static const loop_face event_face = {sizeof(loop_node), 0,
                                     event_open,        event_run,
                                     event_stop,        event_post,
                                     event_make_timers, event_insert,
                                     event_cancel,      event_insert,
                                     event_watch,       event_unwatch,
                                     event_serve,       NULL};

static const loop_face event_buffer_face = {sizeof(loop_node),
                                            0,
                                            event_open,
                                            event_run,
                                            event_stop,
                                            event_post,
                                            NULL,
                                            NULL,
                                            NULL,
                                            NULL,
                                            NULL,
                                            NULL,
                                            event_buffer_serve,
                                            NULL};

static const loop_face *event(void)
{
    return &event_face;
}

static const loop_face *event_buffer(void)
{
    return &event_buffer_face;
}

BENCH_LOOP_CASES(event)
BENCH_LOOP_CASES(event_buffer)

BENCH_REGISTER(add_event)
{
    static const bench_peer peer = {
        "libevent",
        BENCH_LOCK,
        BENCH_FIFO,
        false,
        0,
        "with locks; a list, a mutex and event_active; event_add; connections are plain events"};
    static const bench_peer buffer_peer = {
        "libevent, buffers", BENCH_LOCK, BENCH_FIFO, false, 0, "connections are bufferevents"};

    bench_loop_add(&peer, event_cases, LOOP_ALL & ~LOOP_OFFLOADS);
    bench_loop_add(&buffer_peer, event_buffer_cases, LOOP_SERVES);
}
