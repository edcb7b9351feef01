/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/file.c: operations on files: their queue, their ends, their cancels. All but `claim` is of
 * one thread at a time: the loop's, the pool's between its submit and its post, and the loop's
 * again.
 *
 *   IDLE -> QUEUED -> POOLED or RINGED -> IDLE, then done()
 *   QUEUED -> ENDED -> IDLE, then done()       cancelled, or refused by the pool
 *   RINGED -> QUEUED                           the kernel has stopped it again and again */

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { IDLE, QUEUED, POOLED, RINGED, ENDED };

/* Most bytes that the kernel reads or writes at once. */
enum { MOST = 0x7ffff000 };

static weir_file_op *of_job(weir_job *job)
{
    return (weir_file_op *)(void *)((char *)job - offsetof(weir_file_op, there));
}

static weir_file_op *of_link(weir__link *link)
{
    return (weir_file_op *)(void *)((char *)link - offsetof(weir_file_op, link));
}

/* ---- ends ---- */

static void begin_queued(weir_files *files);

/* The last that is done with it, and with its files. */
static void finish(weir_file_op *op, int result)
{
    weir_files *const files = op->files;

    op->state = IDLE;
    weir__loop_drop(files->loop, false);
    begin_queued(files);
    op->done(op, result);
}

/* Also by what a system call is to be made again for: ERESTARTSYS, and so on, of the kernel's own
 * errnos, which io_uring lets out. */
static bool was_interrupted(int result)
{
    return result == -EINTR || (result <= -512 && result >= -514) || result == -516;
}

/* Stopped by the end of the thread that submitted it, or by a signal: not by the user. The second
 * time the kernel may have no thread for it: then it goes to the pool, before those that wait. */
static void begin_again(weir_file_op *op)
{
    weir_files *const files = op->files;

    if (op->stops++ == 0) {
        weir__file_ring_begin(files->ring, op);
        return;
    }
    files->begun--;
    op->state = QUEUED;
    weir__link_push(files->queue.next, &op->link);
    files->queued++;
    begin_queued(files);
}

void weir__file_end(weir_file_op *op, int result)
{
    weir_files *const files = op->files;
    weir_loop *const loop = files->loop;

    if (was_interrupted(result)) /* Linux has closed it, whatever interrupts that. */
        result = op->kind == WEIR__FILE_CLOSE ? 0 : -ECANCELED;
    if (result == -ECANCELED && !op->cancelled) {
        begin_again(op);
        return;
    }
    files->begun--;
    weir__loop_begin(loop, op, "file", (void (*)(void))op->done);
    finish(op, result);
    weir__loop_end(loop);
}

/* In the loop: from the pool, or in its NEXT. */
static int arrive(weir_job *job)
{
    weir_file_op *const op = of_job(job);
    weir_files *const files = op->files;

    if (op->state == ENDED) {
        files->ending--;
    } else {
        files->begun--;
        files->pooled--;
    }
    finish(op, op->result);
    return 0;
}

static void end_soon(weir_file_op *op, int result)
{
    op->state = ENDED;
    op->result = result;
    op->files->ending++;
    weir_job_init(&op->there.job, arrive);
    weir_loop_defer(op->files->loop, &op->there.job, WEIR_LOOP_NEXT);
}

/* ---- in the pool ---- */

static void go_back(weir_file_op *op, int result)
{
    weir_loop *const loop = op->files->loop;

    op->result = result;
    weir_job_init(&op->there.job, arrive);
    weir__loop_push(loop, &op->there.job);
}

/* Whoever comes first: the thread that runs it, or the loop, which cancels. */
static bool claim(weir_file_op *op)
{
    /* relaxed: it carries nothing: the submit does, and the post. */
    return weir_atomic_exchange(&op->claim, 1, WEIR_RELAXED) == 0;
}

static int run_there(weir_job *job)
{
    weir_file_op *const op = of_job(job);

    go_back(op, claim(op) ? weir__file_call(op) : -ECANCELED);
    return 0;
}

static void discard(weir_job *job)
{
    go_back(of_job(job), -ECANCELED);
}

/* ---- begin ---- */

/* Returns: false: it must wait for those that are in the pool. */
static bool begin(weir_file_op *op)
{
    weir_files *const files = op->files;
    int status;

    if (files->ring != NULL && op->stops < 2 && weir__file_ring_knows(files->ring, op->kind)) {
        op->state = RINGED;
        files->begun++;
        weir__file_ring_begin(files->ring, op);
        return true;
    }
    weir__owned_job_init(&op->there, run_there, discard);
    weir_atomic_store(&op->claim, 0, WEIR_RELAXED); /* relaxed: the submit publishes it. */
    op->state = POOLED;
    status = weir_blocking_submit(files->pool, &op->there.job);
    if (status == -EAGAIN && files->pooled != 0) {
        op->state = QUEUED;
        return false;
    }
    if (status != 0) {
        end_soon(op, status);
        return true;
    }
    files->begun++;
    files->pooled++;
    return true;
}

static void begin_queued(weir_files *files)
{
    while (files->begun < files->limit && !weir__link_alone(&files->queue)) {
        weir_file_op *const op = of_link(files->queue.next);

        if (!begin(op))
            return;
        weir__link_remove(&op->link);
        files->queued--;
    }
}

static void submit(weir_file_op *op)
{
    weir_files *const files = op->files;

    WEIR_REQUIRE(!weir__files_forked(files), "the child of a fork makes files of its own");
    op->state = QUEUED;
    op->cancelled = false;
    op->stops = 0;
    weir__loop_add(files->loop, false);
    weir__link_push(&files->queue, &op->link);
    files->queued++;
    begin_queued(files);
}

int weir_file_cancel(weir_file_op *op)
{
    weir_files *const files = op->files;

    switch (op->state) {
    case QUEUED:
        weir__link_remove(&op->link);
        files->queued--;
        end_soon(op, -ECANCELED);
        return 0;
    case POOLED:
        if (claim(op))
            op->cancelled = true;
        return op->cancelled ? 0 : -EINPROGRESS;
    case RINGED:
        if (!op->cancelled)
            weir__file_ring_cancel(files->ring, op);
        op->cancelled = true;
        return -EINPROGRESS;
    case ENDED:
        return op->result == -ECANCELED ? 0 : -EINPROGRESS;
    default:
        return -EALREADY;
    }
}

/* ---- life ---- */

static int make_pool(weir_files *files)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;

    options.max_threads = files->limit < WEIR_FILES_THREADS ? files->limit : WEIR_FILES_THREADS;
    options.name = "weir-file";
    return weir_blocking_new(&files->pool, &options);
}

int weir_files_new(weir_files **files, weir_loop *loop, const weir_files_options *options)
{
    const weir_files_options otherwise = WEIR_FILES_OPTIONS_INIT;
    const weir_files_options *const given = options != NULL ? options : &otherwise;
    weir_files *made;
    int status = 0;

    if (given->limit > WEIR_FILES_MAX_LIMIT)
        return -EINVAL;
    made = (weir_files *)weir_alloc(sizeof *made, sizeof(void *));
    if (made == NULL)
        return -ENOMEM;
    memset(made, 0, sizeof *made);
    made->loop = loop;
    made->limit = given->limit != 0 ? given->limit : WEIR_FILES_LIMIT;
    made->process = getpid();
    weir__link_init(&made->queue);
    made->pool = given->pool;
    made->owns_pool = given->pool == NULL;
    if (made->owns_pool)
        status = make_pool(made);
    if (status == 0 && given->backend != WEIR_FILES_POOL) {
        status = weir__file_ring_new(made);
        if (given->backend == WEIR_FILES_AUTO)
            status = 0;
        if (status != 0 && made->owns_pool) {
            (void)!weir_blocking_stop(made->pool, WEIR_BLOCKING_DRAIN, WEIR_FOREVER);
            (void)weir_blocking_free(made->pool);
        }
    }
    if (status != 0) {
        weir_release(made, sizeof *made);
        return status;
    }
    weir__loop_add(loop, true);
    *files = made;
    return 0;
}

/* In the child of a fork: takes the ends that the parent's files have posted out of the list.
 * Returns: how many. */
static size_t forget(const weir_files *files, weir__jobs *jobs)
{
    weir__jobs left = {NULL, NULL};
    size_t n = 0;

    while (jobs->first != NULL) {
        weir_job *const job = weir__jobs_pop(jobs);

        if (job->run == arrive && of_job(job)->files == files)
            n++;
        else
            weir__jobs_push(&left, job);
    }
    *jobs = left;
    return n;
}

/* What is under way is the parent's, and so are the threads: the pool is left behind. */
static void forget_all(weir_files *files)
{
    weir_loop *const loop = files->loop;
    const size_t all = files->begun + files->queued + files->ending;

    (void)weir__loop_take(loop);
    (void)forget(files, &loop->posted);
    loop->waiting -= forget(files, &loop->deferred[WEIR_LOOP_NEXT]);
    for (size_t i = 0; i < all; i++)
        weir__loop_drop(loop, false);
}

int weir_files_free(weir_files *files)
{
    bool mine;

    if (files == NULL)
        return 0;
    mine = files->process == getpid();
    if (!mine)
        forget_all(files);
    else if (files->begun != 0 || files->queued != 0 || files->ending != 0)
        return -EBUSY;
    if (files->ring != NULL)
        weir__file_ring_free(files->ring, mine);
    if (mine && files->owns_pool) {
        (void)!weir_blocking_stop(files->pool, WEIR_BLOCKING_DRAIN, WEIR_FOREVER);
        (void)weir_blocking_free(files->pool);
    }
    weir__loop_drop(files->loop, true);
    weir_release(files, sizeof *files);
    return 0;
}

/* ---- operations ---- */

void weir_file_op_init(weir_file_op *op, weir_files *files,
                       void (*done)(weir_file_op *op, int result))
{
    WEIR_REQUIRE(done != NULL, "an operation without a function");
    memset(op, 0, sizeof *op);
    op->files = files;
    op->done = done;
    weir__link_init(&op->link);
}

static void set(weir_file_op *op, unsigned kind, int fd)
{
    WEIR_REQUIRE(op->state == IDLE, "an operation is under way already");
    op->kind = (uint8_t)kind;
    op->fd = fd;
}

static void set_path(weir_file_op *op, unsigned kind, int dir, const char *path, int flags)
{
    set(op, kind, dir);
    op->path = path;
    op->flags = flags;
}

static void submit_data(weir_file_op *op, unsigned kind, int fd, const void *data, size_t count,
                        int64_t offset)
{
    set(op, kind, fd);
    op->data = (void *)(uintptr_t)data;
    op->count = count < MOST ? (uint32_t)count : MOST;
    op->offset = offset;
    submit(op);
}

void weir_file_open(weir_file_op *op, int dir, const char *path, int flags, unsigned mode)
{
    set_path(op, WEIR__FILE_OPEN, dir, path, flags | O_CLOEXEC | O_LARGEFILE);
    op->mode = mode;
    submit(op);
}

void weir_file_close(weir_file_op *op, int fd)
{
    set(op, WEIR__FILE_CLOSE, fd);
    submit(op);
}

void weir_file_read(weir_file_op *op, int fd, void *data, size_t bytes, int64_t offset)
{
    submit_data(op, WEIR__FILE_READ, fd, data, bytes, offset);
}

void weir_file_write(weir_file_op *op, int fd, const void *data, size_t bytes, int64_t offset)
{
    submit_data(op, WEIR__FILE_WRITE, fd, data, bytes, offset);
}

void weir_file_read_parts(weir_file_op *op, int fd, const struct iovec *parts, unsigned count,
                          int64_t offset)
{
    submit_data(op, WEIR__FILE_READ_PARTS, fd, parts, count, offset);
}

void weir_file_write_parts(weir_file_op *op, int fd, const struct iovec *parts, unsigned count,
                           int64_t offset)
{
    submit_data(op, WEIR__FILE_WRITE_PARTS, fd, parts, count, offset);
}

void weir_file_sync(weir_file_op *op, int fd)
{
    set(op, WEIR__FILE_SYNC, fd);
    submit(op);
}

void weir_file_sync_data(weir_file_op *op, int fd)
{
    set(op, WEIR__FILE_SYNC_DATA, fd);
    submit(op);
}

void weir_file_allocate(weir_file_op *op, int fd, int mode, int64_t offset, int64_t bytes)
{
    set(op, WEIR__FILE_ALLOCATE, fd);
    op->flags = mode;
    op->offset = offset;
    op->length = bytes;
    submit(op);
}

void weir_file_truncate(weir_file_op *op, int fd, int64_t bytes)
{
    set(op, WEIR__FILE_TRUNCATE, fd);
    op->length = bytes;
    submit(op);
}

void weir_file_stat(weir_file_op *op, int dir, const char *path, int flags, weir_file_info *info)
{
    set_path(op, WEIR__FILE_STAT, dir, path, flags);
    op->data = info;
    submit(op);
}

void weir_file_rename(weir_file_op *op, int dir, const char *path, int new_dir,
                      const char *new_path, unsigned flags)
{
    set_path(op, WEIR__FILE_RENAME, dir, path, (int)flags);
    op->other_fd = new_dir;
    op->other = new_path;
    submit(op);
}

void weir_file_unlink(weir_file_op *op, int dir, const char *path, int flags)
{
    set_path(op, WEIR__FILE_UNLINK, dir, path, flags);
    submit(op);
}

void weir_file_make_dir(weir_file_op *op, int dir, const char *path, unsigned mode)
{
    set_path(op, WEIR__FILE_MAKE_DIR, dir, path, 0);
    op->mode = mode;
    submit(op);
}

/* ---- queries ---- */

weir_files_backend weir_files_used(const weir_files *files)
{
    return files->ring != NULL ? WEIR_FILES_URING : WEIR_FILES_POOL;
}

size_t weir_files_queued(const weir_files *files)
{
    return files->queued;
}
