/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/pool_uv.c: libuv's uv_queue_work(), by the loop's own thread: no other may call it.
 */

#include "../pool.h"

#include <uv.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct uv_item {
    pool_item item;
    uv_work_t work;
} uv_item;

static bool uv_pool_open(unsigned workers, bool outside)
{
    char text[16];

    (void)outside;
    snprintf(text, sizeof text, "%u", workers);
    return setenv("UV_THREADPOOL_SIZE", text, 1) == 0;
}

static void uv_pool_work(uv_work_t *work)
{
    pool_item *const item = (pool_item *)work->data;

    item->run(item);
}

static void uv_pool_after(uv_work_t *work, int status)
{
    (void)work;
    (void)status;
}

static void uv_pool_submit(pool_item *item)
{
    uv_item *const self = (uv_item *)(void *)item;

    self->work.data = item;
    if (uv_queue_work(uv_default_loop(), &self->work, uv_pool_work, uv_pool_after) != 0)
        abort();
}

/* Has the loop take notice of what has been done. */
static void uv_pool_settle(void)
{
    (void)uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

static const pool_face uv_face = {sizeof(uv_item), uv_pool_open,   NULL, NULL, NULL,
                                  uv_pool_submit,  uv_pool_settle, NULL};

static const pool_face *uv_pool(void)
{
    return &uv_face;
}

BENCH_POOL_CASES(uv_pool)

BENCH_REGISTER(add_uv_pool)
{
    static const bench_peer peer = {
        "libuv", BENCH_LOCK, BENCH_FIFO, false, 0, "uv_queue_work, from the loop's own thread"};

    bench_pool_add(&peer, uv_pool_cases, POOL_SERVES);
}
