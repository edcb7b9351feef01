/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Event loops, as weir/loop.h has one, with its timers, polls, streams and offloads. The rows are
 * those of bench/loop_run.c. */

#include "loop.h"

#include <weir/loop.h>
#include <weir/offload.h>
#include <weir/poll.h>
#include <weir/stream.h>
#include <weir/timer.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

static weir_loop *our_loop;
static weir_blocking *our_threads;

static void our_check(bool good)
{
    if (!good)
        abort();
}

static bool our_open(unsigned workers)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;

    options.max_threads = workers;
    return weir_loop_new(&our_loop, NULL) == 0 && weir_blocking_new(&our_threads, &options) == 0;
}

static void our_run(void)
{
    (void)weir_loop_run(our_loop, WEIR_LOOP_STOPPED, WEIR_FOREVER);
}

static void our_stop(void)
{
    weir_loop_stop(our_loop);
}

/* ---- post ---- */

typedef struct our_post {
    loop_post post;
    weir_job job;
} our_post;

static int our_heard(weir_job *job)
{
    our_post *const self = (our_post *)(void *)((char *)job - offsetof(our_post, job));

    self->post.run(&self->post);
    return 0;
}

static void our_post_it(loop_post *post)
{
    our_post *const self = (our_post *)(void *)post;

    weir_job_init(&self->job, our_heard);
    our_check(weir_loop_post(our_loop, &self->job) == 0);
}

/* ---- timers ---- */

static weir_timer *our_timers;

static void our_fired(weir_timer *timer)
{
    (void)timer;
    bench_loop_fired();
}

static void our_make_timers(size_t n)
{
    our_timers = (weir_timer *)bench_alloc(n * sizeof *our_timers);
    for (size_t i = 0; i < n; i++)
        weir_timer_init(&our_timers[i], our_loop, our_fired);
}

static void our_insert(const uint64_t *after_ns, size_t n)
{
    const uint64_t now = weir_loop_now(our_loop);

    for (size_t i = 0; i < n; i++)
        weir_timer_start(&our_timers[i], now + after_ns[i]);
}

static void our_cancel(size_t n)
{
    for (size_t i = 0; i < n; i++)
        our_check(weir_timer_stop(&our_timers[i]));
}

/* ---- fds ---- */

static weir_poll *our_polls;

static void our_readable(weir_poll *poll, unsigned ready)
{
    (void)ready;
    bench_loop_readable(poll->fd);
}

static void our_watch(const int *fds, size_t n)
{
    if (our_polls == NULL)
        our_polls = (weir_poll *)bench_alloc(n * sizeof *our_polls);
    for (size_t i = 0; i < n; i++) {
        weir_poll_init(&our_polls[i], our_loop, fds[i], our_readable);
        our_check(weir_poll_start(&our_polls[i], WEIR_POLL_READ) == 0);
    }
}

static void our_unwatch(size_t n)
{
    for (size_t i = 0; i < n; i++)
        our_check(weir_poll_stop(&our_polls[i]));
}

/* ---- a server ---- */

static void our_echo(weir_stream *stream, void *data, size_t bytes)
{
    if (weir_stream_try_write(stream, data, bytes) != (ssize_t)bytes)
        (void)weir_stream_close(stream);
}

static void our_end(weir_stream *stream, int status)
{
    (void)status;
    (void)weir_stream_close(stream);
}

static void our_closed(weir_stream *stream)
{
    free(stream);
}

static void our_accepted(weir_listener *listener, int fd)
{
    static const weir_stream_calls calls = {.read = our_echo, .end = our_end, .closed = our_closed};
    weir_stream *const stream = (weir_stream *)malloc(sizeof *stream);
    const int on = 1;

    (void)listener;
    our_check(stream != NULL);
    our_check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    our_check(weir_stream_open(stream, our_loop, fd, WEIR_STREAM_SOCKET, &calls) == 0);
    our_check(weir_stream_read(stream) == 0);
}

static bool our_serve(int fd)
{
    static const weir_listener_calls calls = {our_accepted, NULL};
    static weir_listener listener;

    return weir_listener_adopt(&listener, our_loop, fd, 0, &calls) == 0;
}

/* ---- offload ---- */

typedef struct our_work {
    loop_work work;
    weir_offload offload;
} our_work;

static our_work *our_work_of(weir_offload *offload)
{
    return (our_work *)(void *)((char *)offload - offsetof(our_work, offload));
}

static int our_work_there(weir_offload *offload)
{
    our_work *const self = our_work_of(offload);

    self->work.work(&self->work);
    return 0;
}

static void our_work_here(weir_offload *offload, int status)
{
    our_work *const self = our_work_of(offload);

    our_check(status == 0);
    self->work.done(&self->work);
}

static void our_offload(loop_work *work)
{
    our_work *const self = (our_work *)(void *)work;

    weir_offload_init(&self->offload, our_loop, our_work_there, our_work_here, NULL);
    our_check(weir_offload_blocking(&self->offload, our_threads, WEIR_FOREVER) == 0);
}

static const loop_face our_face = {sizeof(our_post), sizeof(our_work), our_open,        our_run,
                                   our_stop,         our_post_it,      our_make_timers, our_insert,
                                   our_cancel,       our_insert,       our_watch,       our_unwatch,
                                   our_serve,        our_offload};

static const loop_face *ours(void)
{
    return &our_face;
}

BENCH_LOOP_CASES(ours)

BENCH_REGISTER(add_loop)
{
    static const bench_peer peer = {
        "weir loop",
        BENCH_LOCK_FREE,
        BENCH_FIFO,
        false,
        BENCH_OURS,
        "posts of the caller's own jobs; exact timers; streams; offload to weir_blocking"};

    bench_loop_add(&peer, ours_cases, LOOP_ALL);
}
