/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/file.h: the inside of weir/file.h: lib/file.c has what both backends share, lib/file_pool.c
 * the system calls that a thread makes, lib/file_uring.c the ring. Private. */

#ifndef WEIR_LIB_FILE_H
#define WEIR_LIB_FILE_H

#include "loop.h"

#include <weir/file.h>

/* Of an operation. */
enum {
    WEIR__FILE_OPEN,
    WEIR__FILE_CLOSE,
    WEIR__FILE_READ,
    WEIR__FILE_WRITE,
    WEIR__FILE_READ_PARTS,
    WEIR__FILE_WRITE_PARTS,
    WEIR__FILE_SYNC,
    WEIR__FILE_SYNC_DATA,
    WEIR__FILE_ALLOCATE,
    WEIR__FILE_TRUNCATE,
    WEIR__FILE_STAT,
    WEIR__FILE_RENAME,
    WEIR__FILE_UNLINK,
    WEIR__FILE_MAKE_DIR,
    WEIR__FILE_KINDS
};

/* Of statx(2): STATX_BASIC_STATS | STATX_BTIME. */
enum { WEIR__FILE_INFO = 0xfff };

typedef struct weir__file_ring weir__file_ring;

struct weir_files {
    weir_loop *loop;
    weir__link queue;
    size_t queued;
    unsigned limit;
    unsigned begun;  /* in the pool, or in the ring */
    unsigned pooled; /* of these */
    unsigned ending; /* that are told soon */
    long process;    /* whose they are */
    weir_blocking *pool;
    bool owns_pool;
    weir__file_ring *ring; /* NULL: none */
};

/* Whether the loop has been told that it is in the child of a fork, and these are the parent's. */
static inline bool weir__files_forked(const weir_files *files)
{
    return files->process != files->loop->poller.process;
}

/* ---- lib/file.c ---- */

/* An operation of the ring has ended: `done` is called; `files` may be gone then. */
void weir__file_end(weir_file_op *op, int result);

/* ---- lib/file_pool.c: any thread ---- */

/* Returns: what is told. */
int weir__file_call(const weir_file_op *op);

/* ---- lib/file_uring.c ---- */

/* Makes a ring for `limit` operations. Returns: 0; a negative errno. */
int weir__file_ring_new(weir_files *files);
/* `mine`: else it is that of the process from which this one was forked. */
void weir__file_ring_free(weir__file_ring *ring, bool mine);
/* Whether it has that kind of operations. */
bool weir__file_ring_knows(const weir__file_ring *ring, unsigned kind);
/* There is room for `limit` operations, and as many cancels. */
void weir__file_ring_begin(weir__file_ring *ring, weir_file_op *op);
void weir__file_ring_cancel(weir__file_ring *ring, weir_file_op *op);

#endif /* WEIR_LIB_FILE_H */
