/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/loop_uv.c: libuv. It has no queue for other threads, only a way to wake the loop:
 * with a queue before it, once a lock-free one, once the usual one. */

#include "loop_queue.h"

#include <uv.h>

#include <stdio.h>
#include <stdlib.h>

static uv_loop_t *uv_the_loop;
static uv_async_t uv_bell;
static loop_stack uv_stack;
static loop_list uv_list;

static void uv_check(int result)
{
    if (result < 0)
        abort();
}

static bool uv_open_with(uv_async_cb heard, unsigned workers)
{
    char text[16];

    snprintf(text, sizeof text, "%u", workers);
    uv_the_loop = uv_default_loop();
    return setenv("UV_THREADPOOL_SIZE", text, 1) == 0 &&
           uv_async_init(uv_the_loop, &uv_bell, heard) == 0;
}

static void uv_run_all(void)
{
    (void)uv_run(uv_the_loop, UV_RUN_DEFAULT);
}

static void uv_stop_it(void)
{
    uv_stop(uv_the_loop);
}

/* ---- post ---- */

static void uv_heard_stack(uv_async_t *bell)
{
    (void)bell;
    loop_stack_run(&uv_stack);
}

static bool uv_stack_open(unsigned workers)
{
    return uv_open_with(uv_heard_stack, workers);
}

static void uv_stack_post(loop_post *post)
{
    if (loop_stack_push(&uv_stack, post))
        uv_check(uv_async_send(&uv_bell));
}

static void uv_heard_list(uv_async_t *bell)
{
    (void)bell;
    loop_list_run(&uv_list);
}

static bool uv_list_open(unsigned workers)
{
    loop_list_init(&uv_list);
    return uv_open_with(uv_heard_list, workers);
}

static void uv_list_post(loop_post *post)
{
    if (loop_list_push(&uv_list, post))
        uv_check(uv_async_send(&uv_bell));
}

/* ---- timers ---- */

static uv_timer_t *uv_timers;

static void uv_fired(uv_timer_t *timer)
{
    (void)timer;
    bench_loop_fired();
}

static void uv_make_timers(size_t n)
{
    uv_timers = (uv_timer_t *)bench_alloc(n * sizeof *uv_timers);
    for (size_t i = 0; i < n; i++)
        uv_check(uv_timer_init(uv_the_loop, &uv_timers[i]));
}

/* In ms, rounded up. */
static void uv_insert(const uint64_t *after_ns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        uv_check(uv_timer_start(&uv_timers[i], uv_fired, after_ns[i] / 1000000 + 1, 0));
}

static void uv_cancel_all(size_t n)
{
    for (size_t i = 0; i < n; i++)
        uv_check(uv_timer_stop(&uv_timers[i]));
}

/* ---- fds ---- */

static uv_poll_t *uv_polls;

static void uv_readable(uv_poll_t *poll, int status, int events)
{
    uv_os_fd_t fd = -1;

    (void)status;
    (void)events;
    uv_check(uv_fileno((const uv_handle_t *)poll, &fd));
    bench_loop_readable(fd);
}

static void uv_watch(const int *fds, size_t n)
{
    if (uv_polls == NULL)
        uv_polls = (uv_poll_t *)bench_alloc(n * sizeof *uv_polls);
    for (size_t i = 0; i < n; i++) {
        uv_check(uv_poll_init(uv_the_loop, &uv_polls[i], fds[i]));
        uv_check(uv_poll_start(&uv_polls[i], UV_READABLE, uv_readable));
    }
}

static void uv_unwatch(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uv_check(uv_poll_stop(&uv_polls[i]));
        uv_close((uv_handle_t *)&uv_polls[i], NULL);
    }
}

/* ---- a server ---- */

static uv_tcp_t uv_listener;

static void uv_free(uv_handle_t *handle)
{
    free(handle);
}

/* One buffer for all: it is sent before the next is read. */
static void uv_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    static char bytes[LOOP_BUFFER];

    (void)handle;
    (void)wanted;
    *buffer = uv_buf_init(bytes, sizeof bytes);
}

static void uv_echo(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    const uv_buf_t answer = uv_buf_init(buffer->base, (unsigned)got);

    if (got == 0)
        return;
    if (got < 0 || uv_try_write(stream, &answer, 1) != (int)got)
        uv_close((uv_handle_t *)stream, uv_free);
}

static void uv_connected(uv_stream_t *listener, int status)
{
    uv_tcp_t *const tcp = (uv_tcp_t *)malloc(sizeof *tcp);

    uv_check(status);
    uv_check(uv_tcp_init(uv_the_loop, tcp));
    uv_check(uv_accept(listener, (uv_stream_t *)tcp));
    uv_check(uv_tcp_nodelay(tcp, 1));
    uv_check(uv_read_start((uv_stream_t *)tcp, uv_room, uv_echo));
}

static bool uv_serve(int listener)
{
    return uv_tcp_init(uv_the_loop, &uv_listener) == 0 &&
           uv_tcp_open(&uv_listener, listener) == 0 &&
           uv_listen((uv_stream_t *)&uv_listener, 1024, uv_connected) == 0;
}

/* ---- offload ---- */

typedef struct uv_work {
    loop_work work;
    uv_work_t request;
} uv_work;

static void uv_work_there(uv_work_t *request)
{
    loop_work *const work = (loop_work *)request->data;

    work->work(work);
}

static void uv_work_here(uv_work_t *request, int status)
{
    loop_work *const work = (loop_work *)request->data;

    uv_check(status);
    work->done(work);
}

static void uv_offload(loop_work *work)
{
    uv_work *const self = (uv_work *)(void *)work;

    self->request.data = work;
    uv_check(uv_queue_work(uv_the_loop, &self->request, uv_work_there, uv_work_here));
}

/* ---- files ---- */

typedef struct uv_file_read {
    loop_read read;
    uv_fs_t request;
    uv_buf_t buffer;
} uv_file_read;

static bool uv_file_open(unsigned threads)
{
    char text[16];

    snprintf(text, sizeof text, "%u", threads);
    uv_the_loop = uv_default_loop();
    return setenv("UV_THREADPOOL_SIZE", text, 1) == 0 && uv_the_loop != NULL;
}

static void uv_file_has_read(uv_fs_t *request)
{
    loop_read *const read = (loop_read *)request->data;
    const int64_t bytes = request->result;

    uv_fs_req_cleanup(request);
    read->done(read, bytes);
}

static void uv_file_begin(loop_read *read, int fd)
{
    uv_file_read *const self = (uv_file_read *)(void *)read;

    self->buffer = uv_buf_init(read->data, LOOP_BLOCK);
    self->request.data = read;
    uv_check(uv_fs_read(uv_the_loop, &self->request, fd, &self->buffer, 1, read->offset,
                        uv_file_has_read));
}

static const loop_file_face uv_reads = {sizeof(uv_file_read), uv_file_open, uv_file_begin,
                                        uv_run_all};

BENCH_FILE_CASES(uv_reads)

/* ---- all ---- */

static const loop_face uv_stack_face = {
    sizeof(loop_node), sizeof(uv_work), uv_stack_open, uv_run_all,    uv_stop_it,
    uv_stack_post,     uv_make_timers,  uv_insert,     uv_cancel_all, uv_insert,
    uv_watch,          uv_unwatch,      uv_serve,      uv_offload};

static const loop_face uv_list_face = {sizeof(loop_node),
                                       sizeof(uv_work),
                                       uv_list_open,
                                       uv_run_all,
                                       uv_stop_it,
                                       uv_list_post,
                                       NULL,
                                       NULL,
                                       NULL,
                                       NULL,
                                       NULL,
                                       NULL,
                                       NULL,
                                       NULL};

static const loop_face *uv_with_stack(void)
{
    return &uv_stack_face;
}

static const loop_face *uv_with_list(void)
{
    return &uv_list_face;
}

BENCH_LOOP_CASES(uv_with_stack)
BENCH_LOOP_CASES(uv_with_list)

BENCH_REGISTER(add_uv_loop)
{
    static const bench_peer stack_peer = {
        "libuv, lock-free queue",
        BENCH_SPINS,
        BENCH_FIFO,
        false,
        0,
        "a stack, turned round; uv_async_send, for which the loop spins"};
    static const bench_peer list_peer = {
        "libuv, mutex", BENCH_LOCK, BENCH_FIFO, false, 0, "a list and a mutex; uv_async_send"};
    static const bench_peer peer = {
        "libuv",
        BENCH_LOCK,
        BENCH_FIFO,
        false,
        0,
        "timers of whole ms, re-armed by uv_timer_start; uv_poll_init tries each fd; uv_try_write"};

    bench_loop_add(&stack_peer, uv_with_stack_cases, LOOP_POSTS);
    bench_loop_add(&list_peer, uv_with_list_cases, LOOP_POSTS);
    bench_loop_add(&peer, uv_with_stack_cases, LOOP_ALL & ~LOOP_POSTS);
    bench_file_add(&peer, uv_reads_cases);
}
