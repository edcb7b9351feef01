/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/file_pool.c: the system calls of operations on files, for a thread that waits for them.
 * off_t is of 64 bits here, on all machines. */

#define _FILE_OFFSET_BITS 64

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

WEIR_STATIC_ASSERT(sizeof(off_t) == 8, "files are larger than 32 bits can say");

static long read_some(const weir_file_op *op)
{
    return op->offset == WEIR_FILE_HERE ? read(op->fd, op->data, op->count)
                                        : pread(op->fd, op->data, op->count, op->offset);
}

static long write_some(const weir_file_op *op)
{
    return op->offset == WEIR_FILE_HERE ? write(op->fd, op->data, op->count)
                                        : pwrite(op->fd, op->data, op->count, op->offset);
}

static long read_parts(const weir_file_op *op)
{
    const struct iovec *const parts = (const struct iovec *)op->data;

    return op->offset == WEIR_FILE_HERE ? readv(op->fd, parts, (int)op->count)
                                        : preadv(op->fd, parts, (int)op->count, op->offset);
}

static long write_parts(const weir_file_op *op)
{
    const struct iovec *const parts = (const struct iovec *)op->data;

    return op->offset == WEIR_FILE_HERE ? writev(op->fd, parts, (int)op->count)
                                        : pwritev(op->fd, parts, (int)op->count, op->offset);
}

/* Linux has closed it, whatever interrupts that. */
static long close_it(const weir_file_op *op)
{
    const int result = close(op->fd);

    return result != 0 && errno == EINTR ? 0 : result;
}

/* Returns: as the system call, with errno. */
static long call_once(const weir_file_op *op)
{
    switch (op->kind) {
    case WEIR__FILE_OPEN:
        return openat(op->fd, op->path, op->flags, (mode_t)op->mode);
    case WEIR__FILE_CLOSE:
        return close_it(op);
    case WEIR__FILE_READ:
        return read_some(op);
    case WEIR__FILE_WRITE:
        return write_some(op);
    case WEIR__FILE_READ_PARTS:
        return read_parts(op);
    case WEIR__FILE_WRITE_PARTS:
        return write_parts(op);
    case WEIR__FILE_SYNC:
        return fsync(op->fd);
    case WEIR__FILE_SYNC_DATA:
        return fdatasync(op->fd);
    case WEIR__FILE_ALLOCATE:
        return fallocate(op->fd, op->flags, op->offset, op->length);
    case WEIR__FILE_TRUNCATE:
        return ftruncate(op->fd, op->length);
    case WEIR__FILE_STAT: /* not by the C library: some have no statx() */
        return syscall(SYS_statx, op->fd, op->path, op->flags, WEIR__FILE_INFO, op->data);
    case WEIR__FILE_RENAME: /* the same */
        return syscall(SYS_renameat2, op->fd, op->path, op->other_fd, op->other, op->flags);
    case WEIR__FILE_UNLINK:
        return unlinkat(op->fd, op->path, op->flags);
    default: /* WEIR__FILE_MAKE_DIR */
        return mkdirat(op->fd, op->path, (mode_t)op->mode);
    }
}

int weir__file_call(const weir_file_op *op)
{
    long result;

    do
        result = call_once(op);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : (int)result;
}
