/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/file.h: files on an event loop: opened, read, written and made durable while the loop goes
 * on; by io_uring(7) where the kernel has it, else by threads that wait.
 *
 * Use it when: a callback of a loop (weir/loop.h) needs a file.
 * Use weir/stream.h for sockets, pipes and terminals, and weir_write_init_file() of it to send a
 * file; weir/offload.h where one function makes many calls, as a walk through a directory does.
 *
 * Who may run with whom: all of it is for the loop's thread.
 *
 * An operation is a record of the caller's. From the call that submits it (open, read, and so on,
 * which cannot fail) until `done` it is the library's, with all that it points to: bytes, parts,
 * paths, the info. `done` is called on the loop, once, never from inside of a function of this
 * header; when it is called the record is the caller's again: it may be freed, or submitted again.
 * The result is what the system call of that name says: bytes, a descriptor, or 0; or a negative
 * errno. Fewer bytes than were asked for are no error: of a read there were no more (0: the end of
 * the file), of a write the disk was full, or a limit was reached: go on behind them. One operation
 * moves 0x7ffff000 bytes at most, as read(2) does. EINTR is not told: the call is made again.
 *
 * Of what is no plain file io_uring says something else than the system call: a pipe, or a socket,
 * is read and written whatever the offset (a thread: -ESPIPE), and the open of a FIFO mostly does
 * not wait for the other side (to write, and nobody reads: -ENXIO). A thread's open of a FIFO does
 * wait, for ever if nobody comes, and no cancel ends it: what may be one is opened with O_NONBLOCK.
 *
 * Up to `limit` operations are under way; others stand in a queue, which is of their records, and
 * begin in the order of their submits. None is refused for being many.
 *
 * There is no deadline: the kernel writes to the bytes of an operation until it is done, whoever
 * waits for it. Cancel:
 *   in the queue, or not begun by a thread    is never begun: -ECANCELED
 *   run by a thread                           goes on to its end, which `done` is told
 *   in the kernel, by io_uring                what can be stopped is: -ECANCELED. What a disk has
 *                                             begun goes on to its end. An open may still have
 *                                             made a descriptor: whoever gets one closes it
 *
 * WEIR_FILES_AUTO takes io_uring if the kernel lets it: on two processors a read of 4 KiB out of
 * the page cache costs two fifths of the CPU time that a thread takes for it: see the manual page.
 * Operations that the kernel's io_uring does not have, or not yet, go to the threads.
 *
 * Fairness:  of io_uring's ends 64 a turn are told; the next ones in the next turn.
 * Progress:  a submit does not block. What is submitted in a turn goes to the kernel by one system
 *            call, before the loop looks for events; to threads at once, as weir_blocking_submit().
 * Ordering:  none between operations that are under way at once, whatever their order: who wants a
 *            sync after a write submits it in the `done` of that. What happens before a submit is
 *            visible to the operation, what it did, to `done`.
 * Memory:    weir_files_new() allocates, nothing else does, but for threads when they are made.
 *            io_uring takes some 200 bytes for each of `limit`, which older kernels than 5.12 count
 *            as locked, and one descriptor.
 * Signals:   a write above RLIMIT_FSIZE may raise SIGXFSZ in the loop's thread: ignore it, as for
 *            write(2). With io_uring the loop blocks SIGPIPE in its thread as long as it is run.
 *            Nothing here is for signal handlers.
 * Fork:      in the child, files and what was under way are the parent's. weir_files_free() is all
 *            that may be called there, before the loop's first turn: it forgets them, and no `done`
 *            is called.
 * Errors:    a pool that was stopped: -EPIPE; one that refuses jobs, and has none of these files to
 *            wait for: -EAGAIN; one that discards them: -ECANCELED. A loop with operations under
 *            way is alive; one with files is not freed: free these before. A thread that ends takes
 *            none of what it submitted with it: the loop's next thread has it begun again, if the
 *            kernel has stopped it. What the kernel stops again, since it can make no thread for
 *            it, goes to the pool.
 * Edges:     those of weir/blocking.h and weir/loop.h, for what goes to a thread and back.
 *
 * Source: J. Axboe, "Efficient IO with io_uring", 2019, https://kernel.dk/io_uring.pdf; threads in
 * its place: libuv, "Design overview", https://docs.libuv.org/en/v1.x/design.html. */

#ifndef WEIR_FILE_H
#define WEIR_FILE_H

#include <weir/blocking.h>
#include <weir/loop.h>

#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_files weir_files;

typedef enum weir_files_backend {
    WEIR_FILES_AUTO,
    WEIR_FILES_POOL, /* threads */
    WEIR_FILES_URING
} weir_files_backend;

/* Starts as {0}, or WEIR_FILES_OPTIONS_INIT: all that is said below of 0. */
typedef struct weir_files_options {
    weir_files_backend backend;
    unsigned limit; /* operations under way, at most; 0: WEIR_FILES_LIMIT */
    /* Whose threads wait: it must stay until weir_files_free(). NULL: one of the files' own, with
     * WEIR_FILES_THREADS, or `limit` if that is less. io_uring needs threads, too: see above. */
    weir_blocking *pool;
} weir_files_options;

#define WEIR_FILES_OPTIONS_INIT  \
    {                            \
        WEIR_FILES_AUTO, 0, NULL \
    }

#define WEIR_FILES_LIMIT 64
#define WEIR_FILES_MAX_LIMIT 8192
#define WEIR_FILES_THREADS 16

/* As an offset: where the file stands, which is moved. Of several at once nobody knows who comes
 * first. */
#define WEIR_FILE_HERE (-1)

/* Embedded in what it is for. */
typedef struct weir_file_op {
    weir__owned_job there; /* in the pool; then posted to the loop */
    weir__link link;       /* in the queue */
    weir_files *files;
    void (*done)(struct weir_file_op *op, int result); /* may be set anew before a submit */
    const char *path, *other;                          /* where: of `fd`, of `other_fd` */
    void *data;                                        /* bytes, parts, or the info */
    int64_t offset, length;
    uint32_t count; /* bytes, or parts */
    uint32_t mode;
    int fd, other_fd;
    int flags;
    int result;
    WEIR_ATOMIC(uint32_t) claim; /* of the thread that runs it, or of who cancels */
    uint8_t kind, state;         /* lib/file.h */
    uint8_t stops;               /* by the kernel, not by a cancel */
    bool cancelled;
} weir_file_op;

typedef struct weir_file_time {
    int64_t sec; /* since 1970 */
    uint32_t ns;
    int32_t unused;
} weir_file_time;

/* What statx(2) tells; of the kernel's layout. */
typedef struct weir_file_info {
    uint32_t known; /* which of these are: STATX_... of statx(2) */
    uint32_t block_bytes;
    uint64_t attributes;
    uint32_t links, owner, group;
    uint16_t mode, unused; /* S_ISREG(), and so on */
    uint64_t inode;
    uint64_t bytes;
    uint64_t blocks; /* of 512 bytes */
    uint64_t attributes_known;
    weir_file_time accessed, born, changed, modified;
    uint32_t is_major, is_minor; /* of a device's file */
    uint32_t on_major, on_minor; /* on which device it is */
    uint64_t mount;
    uint64_t later[13];
} weir_file_info;

WEIR_STATIC_ASSERT(sizeof(weir_file_info) == 256, "the kernel's struct statx has 256 bytes");

/* ---- life ---- */

/* Makes files for a loop. `options` may be NULL; they are copied.
 * Returns: 0 and *files; -EINVAL: a limit of more than WEIR_FILES_MAX_LIMIT; -ENOMEM. Of
 * WEIR_FILES_URING also -ENOSYS: the kernel has no io_uring, or an old one (before 5.6), or does
 * not let this process have it, or weir was built without it; -EMFILE, -ENFILE; or as
 * weir_poll_start(). On failure *files is untouched. */
WEIR_API int weir_files_new(weir_files **files, weir_loop *loop,
                            const weir_files_options *options) WEIR_NODISCARD;

/* Frees them; NULL is ignored. Waits for threads of their own, which have nothing to do.
 * Returns: 0; -EBUSY: operations are under way, or queued: nothing was done. */
WEIR_API int weir_files_free(weir_files *files);

/* ---- operations ---- */

/* Makes an operation, to be submitted once or, one after the other, several times. */
WEIR_API void weir_file_op_init(weir_file_op *op, weir_files *files,
                                void (*done)(weir_file_op *op, int result));

/* openat(2), closed on exec, of a `path` below the directory `dir`, or AT_FDCWD: the descriptor. */
WEIR_API void weir_file_open(weir_file_op *op, int dir, const char *path, int flags, unsigned mode);

/* close(2): the number is not this file's any more, whatever the result. */
WEIR_API void weir_file_close(weir_file_op *op, int fd);

/* pread(2), pwrite(2): bytes. `offset`: from the file's beginning, or WEIR_FILE_HERE. A file that
 * was opened with O_APPEND is written at its end, whatever the offset. */
WEIR_API void weir_file_read(weir_file_op *op, int fd, void *data, size_t bytes, int64_t offset);
WEIR_API void weir_file_write(weir_file_op *op, int fd, const void *data, size_t bytes,
                              int64_t offset);

/* preadv(2), pwritev(2): the same of `count` parts, one after the other. */
WEIR_API void weir_file_read_parts(weir_file_op *op, int fd, const struct iovec *parts,
                                   unsigned count, int64_t offset);
WEIR_API void weir_file_write_parts(weir_file_op *op, int fd, const struct iovec *parts,
                                    unsigned count, int64_t offset);

/* fsync(2): what has been written is on the disk; fdatasync(2): what is needed to read it. */
WEIR_API void weir_file_sync(weir_file_op *op, int fd);
WEIR_API void weir_file_sync_data(weir_file_op *op, int fd);

/* fallocate(2), ftruncate(2). */
WEIR_API void weir_file_allocate(weir_file_op *op, int fd, int mode, int64_t offset, int64_t bytes);
WEIR_API void weir_file_truncate(weir_file_op *op, int fd, int64_t bytes);

/* statx(2), of all that it knows cheaply. `flags`: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH: with the
 * path "", of `dir` itself, which is any file. */
WEIR_API void weir_file_stat(weir_file_op *op, int dir, const char *path, int flags,
                             weir_file_info *info);

/* renameat2(2), unlinkat(2), mkdirat(2). `flags`: RENAME_..., AT_REMOVEDIR. */
WEIR_API void weir_file_rename(weir_file_op *op, int dir, const char *path, int new_dir,
                               const char *new_path, unsigned flags);
WEIR_API void weir_file_unlink(weir_file_op *op, int dir, const char *path, int flags);
WEIR_API void weir_file_make_dir(weir_file_op *op, int dir, const char *path, unsigned mode);

/* Nobody wants it any more: see above.
 * Returns: 0: it has not begun, and never will: `done` is told -ECANCELED, soon, or when a thread
 * of a pool that is busy has come to it; -EINPROGRESS: it has begun: `done` is told what it comes
 * to, which may be -ECANCELED; -EALREADY: `done` was called, or it was not submitted. */
WEIR_API int weir_file_cancel(weir_file_op *op);

/* ---- queries ---- */

/* Returns: POOL or URING. */
WEIR_API weir_files_backend weir_files_used(const weir_files *files);

/* Returns: operations that have not begun since as many as may are under way: who makes work for
 * them can wait for these. */
WEIR_API size_t weir_files_queued(const weir_files *files);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_FILE_H */
