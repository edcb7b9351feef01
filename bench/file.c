/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Files on event loops, as weir/file.h has them. The rows are those of bench/loop_file.c. */

#include "loop.h"

#include <weir/file.h>

#include <stdlib.h>

typedef struct our_read {
    loop_read read;
    weir_file_op op;
} our_read;

static weir_loop *our_loop;
static weir_files *our_files;

static bool open_with(weir_files_backend backend, unsigned threads)
{
    weir_blocking_options many = WEIR_BLOCKING_OPTIONS_INIT;
    weir_files_options options = WEIR_FILES_OPTIONS_INIT;

    many.max_threads = threads;
    options.backend = backend;
    return weir_loop_new(&our_loop, NULL) == 0 && weir_blocking_new(&options.pool, &many) == 0 &&
           weir_files_new(&our_files, our_loop, &options) == 0;
}

static bool open_threads(unsigned threads)
{
    return open_with(WEIR_FILES_POOL, threads);
}

static bool open_uring(unsigned threads)
{
    return open_with(WEIR_FILES_URING, threads);
}

static void has_read(weir_file_op *op, int result)
{
    our_read *const self = (our_read *)(void *)((char *)op - offsetof(our_read, op));

    self->read.done(&self->read, result);
}

static void begin_read(loop_read *read, int fd)
{
    our_read *const self = (our_read *)(void *)read;

    weir_file_op_init(&self->op, our_files, has_read);
    weir_file_read(&self->op, fd, read->data, LOOP_BLOCK, read->offset);
}

static void run_all(void)
{
    if (weir_loop_run(our_loop, WEIR_LOOP_IDLE, WEIR_FOREVER) != 0)
        abort();
}

static const loop_file_face our_threads = {sizeof(our_read), open_threads, begin_read, run_all};
static const loop_file_face our_uring = {sizeof(our_read), open_uring, begin_read, run_all};

BENCH_FILE_CASES(our_threads)
BENCH_FILE_CASES(our_uring)

BENCH_REGISTER(add_files)
{
    static const bench_peer by_threads = {"weir files, threads",
                                          BENCH_LOCK,
                                          BENCH_UNORDERED,
                                          false,
                                          BENCH_OURS,
                                          "a job of weir_blocking's for each"};
    static const bench_peer by_uring = {"weir files, io_uring",
                                        BENCH_LOCK_FREE,
                                        BENCH_UNORDERED,
                                        false,
                                        BENCH_OURS,
                                        "one system call for what a turn of the loop submits"};
    weir_loop *loop;
    weir_files *files;
    const weir_files_options options = {WEIR_FILES_URING, 0, NULL};

    bench_file_add(&by_threads, our_threads_cases);
    if (weir_loop_new(&loop, NULL) != 0)
        return;
    if (weir_files_new(&files, loop, &options) == 0) {
        bench_file_add(&by_uring, our_uring_cases);
        (void)weir_files_free(files);
    }
    (void)weir_loop_free(loop);
}
