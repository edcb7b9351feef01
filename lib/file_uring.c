/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/file_uring.c: operations on files by io_uring(7), through liburing.
 *
 * What is submitted stands in the submission ring until the loop's PREPARE phase, where all of it
 * goes to the kernel by one system call; until then the poll of the ring is among those that are to
 * be called again, so that the loop does not sleep. The descriptor of the ring becomes readable
 * when something has ended.
 *
 * There are at most `limit` operations, and as many cancels, that have not ended. The submission
 * ring has room for both, and the completion ring, twice as large, too: neither can be full. */

#include "file.h"

#include <errno.h>

#ifdef WEIR_LIBURING

#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <unistd.h>

/* Ends that are told in one turn. */
enum { BATCH = 64 };

struct weir__file_ring {
    weir_files *files;
    weir_poll poll; /* of the ring's descriptor */
    weir_hook hook; /* started: there is something to submit */
    struct io_uring ring;
    unsigned cancels; /* that have not ended */
    weir__link late;  /* operations that are to be cancelled when others have been */
    bool *freed;      /* while ends are told: where to say so */
    bool knows[WEIR__FILE_KINDS];
};

/* ---- submit ---- */

/* What the kernel does not take, since it has no memory, is tried again in each turn. */
static void flush(weir_hook *hook)
{
    weir__file_ring *const ring =
        (weir__file_ring *)(void *)((char *)hook - offsetof(weir__file_ring, hook));

    if (weir__files_forked(ring->files))
        return;
    (void)io_uring_submit(&ring->ring);
    if (io_uring_sq_ready(&ring->ring) != 0)
        return;
    (void)weir_hook_stop(hook);
    if (io_uring_cq_ready(&ring->ring) == 0) {
        weir__link_remove(&ring->poll.again);
        ring->poll.left = 0;
    }
}

/* Returns: room for one more, which goes to the kernel in this turn, or the next. */
static struct io_uring_sqe *next_entry(weir__file_ring *ring)
{
    struct io_uring_sqe *const entry = io_uring_get_sqe(&ring->ring);

    WEIR_REQUIRE(entry != NULL, "more operations than the ring was made for");
    if (!ring->hook.running) {
        weir_hook_start(&ring->hook, true);
        weir_poll_again(&ring->poll, WEIR_POLL_READ);
    }
    return entry;
}

static void fill_path(struct io_uring_sqe *entry, const weir_file_op *op)
{
    switch (op->kind) {
    case WEIR__FILE_OPEN:
        io_uring_prep_openat(entry, op->fd, op->path, op->flags, (mode_t)op->mode);
        break;
    case WEIR__FILE_STAT:
        io_uring_prep_statx(entry, op->fd, op->path, op->flags, WEIR__FILE_INFO,
                            (struct statx *)op->data);
        break;
    case WEIR__FILE_RENAME:
        io_uring_prep_renameat(entry, op->fd, op->path, op->other_fd, op->other,
                               (unsigned)op->flags);
        break;
    case WEIR__FILE_UNLINK:
        io_uring_prep_unlinkat(entry, op->fd, op->path, op->flags);
        break;
    default: /* WEIR__FILE_MAKE_DIR */
        io_uring_prep_mkdirat(entry, op->fd, op->path, (mode_t)op->mode);
        break;
    }
}

static void fill(struct io_uring_sqe *entry, const weir_file_op *op)
{
    const uint64_t offset = (uint64_t)op->offset;

    switch (op->kind) {
    case WEIR__FILE_READ:
        io_uring_prep_read(entry, op->fd, op->data, op->count, offset);
        break;
    case WEIR__FILE_WRITE:
        io_uring_prep_write(entry, op->fd, op->data, op->count, offset);
        break;
    case WEIR__FILE_READ_PARTS:
        io_uring_prep_readv(entry, op->fd, (const struct iovec *)op->data, op->count, offset);
        break;
    case WEIR__FILE_WRITE_PARTS:
        io_uring_prep_writev(entry, op->fd, (const struct iovec *)op->data, op->count, offset);
        break;
    case WEIR__FILE_SYNC:
        io_uring_prep_fsync(entry, op->fd, 0);
        break;
    case WEIR__FILE_SYNC_DATA:
        io_uring_prep_fsync(entry, op->fd, IORING_FSYNC_DATASYNC);
        break;
    case WEIR__FILE_ALLOCATE: /* off_t of this file may be too short */
        io_uring_prep_rw(IORING_OP_FALLOCATE, entry, op->fd, NULL, (unsigned)op->flags, offset);
        entry->addr = (uint64_t)op->length;
        break;
    case WEIR__FILE_CLOSE:
        io_uring_prep_close(entry, op->fd);
        break;
    default:
        fill_path(entry, op);
        break;
    }
}

void weir__file_ring_begin(weir__file_ring *ring, weir_file_op *op)
{
    struct io_uring_sqe *const entry = next_entry(ring);

    fill(entry, op);
    io_uring_sqe_set_data(entry, op);
}

void weir__file_ring_cancel(weir__file_ring *ring, weir_file_op *op)
{
    struct io_uring_sqe *entry;

    if (ring->cancels == ring->files->limit) {
        weir__link_push(&ring->late, &op->link);
        return;
    }
    ring->cancels++;
    entry = next_entry(ring);
    io_uring_prep_cancel(entry, op, 0);
    io_uring_sqe_set_data(entry, NULL);
}

/* ---- ends ---- */

static void end_cancel(weir__file_ring *ring)
{
    weir__link *const next = ring->late.next;

    ring->cancels--;
    if (weir__link_alone(&ring->late))
        return;
    weir__link_remove(next);
    weir__file_ring_cancel(ring,
                           (weir_file_op *)(void *)((char *)next - offsetof(weir_file_op, link)));
}

static void reap(weir_poll *poll, unsigned ready)
{
    weir__file_ring *const ring =
        (weir__file_ring *)(void *)((char *)poll - offsetof(weir__file_ring, poll));
    struct io_uring_cqe *entry;
    bool freed = false;

    (void)ready;
    ring->freed = &freed;
    for (unsigned n = 0;
         !weir__files_forked(ring->files) && io_uring_peek_cqe(&ring->ring, &entry) == 0; n++) {
        weir_file_op *const op = (weir_file_op *)io_uring_cqe_get_data(entry);
        const int result = entry->res;

        if (n == BATCH) {
            weir_poll_again(poll, WEIR_POLL_READ);
            break;
        }
        io_uring_cqe_seen(&ring->ring, entry);
        if (op == NULL) {
            end_cancel(ring);
            continue;
        }
        weir__link_remove(&op->link); /* of `late` */
        weir__file_end(op, result);
        if (freed)
            return;
    }
    ring->freed = NULL;
    /* What another callback of this turn has submitted, or the kernel did not take. */
    if (ring->hook.running && !weir__files_forked(ring->files))
        weir_poll_again(poll, WEIR_POLL_READ);
}

/* ---- life ---- */

static void look_what_it_knows(weir__file_ring *ring)
{
    static const struct {
        uint8_t kind, code;
    } codes[] = {
        {WEIR__FILE_OPEN, IORING_OP_OPENAT},        {WEIR__FILE_CLOSE, IORING_OP_CLOSE},
        {WEIR__FILE_READ, IORING_OP_READ},          {WEIR__FILE_WRITE, IORING_OP_WRITE},
        {WEIR__FILE_READ_PARTS, IORING_OP_READV},   {WEIR__FILE_WRITE_PARTS, IORING_OP_WRITEV},
        {WEIR__FILE_SYNC, IORING_OP_FSYNC},         {WEIR__FILE_SYNC_DATA, IORING_OP_FSYNC},
        {WEIR__FILE_ALLOCATE, IORING_OP_FALLOCATE}, {WEIR__FILE_STAT, IORING_OP_STATX},
        {WEIR__FILE_RENAME, IORING_OP_RENAMEAT},    {WEIR__FILE_UNLINK, IORING_OP_UNLINKAT},
        {WEIR__FILE_MAKE_DIR, IORING_OP_MKDIRAT},
    };
    struct io_uring_probe *const probe = io_uring_get_probe_ring(&ring->ring);

    if (probe == NULL)
        return;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        ring->knows[codes[i].kind] = io_uring_opcode_supported(probe, codes[i].code) != 0;
    io_uring_free_probe(probe);
}

/* Returns: 0; -ENOSYS: there is no ring, or none of use; another negative errno. */
static int open_ring(weir__file_ring *ring, unsigned limit)
{
    /* No operation is lost, and an offset of -1 is where the file stands. */
    const unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS;
    const int status = io_uring_queue_init(2 * limit, &ring->ring, 0);

    if (status != 0) /* not there; not allowed by a filter, or by the administrator */
        return status == -EPERM || status == -EACCES ? -ENOSYS : status;
    look_what_it_knows(ring);
    if ((ring->ring.features & needed) != needed || !ring->knows[WEIR__FILE_READ] ||
        !ring->knows[WEIR__FILE_WRITE]) {
        io_uring_queue_exit(&ring->ring);
        return -ENOSYS;
    }
    return 0;
}

int weir__file_ring_new(weir_files *files)
{
    weir__file_ring *const ring = (weir__file_ring *)weir_alloc(sizeof *ring, sizeof(void *));
    int status;

    if (ring == NULL)
        return -ENOMEM;
    memset(ring, 0, sizeof *ring);
    ring->files = files;
    weir__link_init(&ring->late);
    status = open_ring(ring, files->limit);
    if (status == 0) {
        weir_poll_init(&ring->poll, files->loop, ring->ring.ring_fd, reap);
        ring->poll.inner = true;
        weir_poll_background(&ring->poll, true);
        weir_hook_init(&ring->hook, files->loop, WEIR_LOOP_PREPARE, flush);
        /* The child of a fork must not see the rings: it would take what is the parent's. */
        status = io_uring_ring_dontfork(&ring->ring);
        if (status == 0)
            status = weir_poll_start(&ring->poll, WEIR_POLL_READ);
        if (status != 0)
            io_uring_queue_exit(&ring->ring);
    }
    if (status != 0) {
        weir_release(ring, sizeof *ring);
        return status;
    }
    /* The kernel may write to a pipe in the loop's thread. */
    weir__loop_block_sigpipe(files->loop);
    files->ring = ring;
    return 0;
}

void weir__file_ring_free(weir__file_ring *ring, bool mine)
{
    if (ring->freed != NULL)
        *ring->freed = true;
    (void)weir_hook_stop(&ring->hook);
    /* As long as the loop was not told of the fork, its set of descriptors is the parent's, too. */
    if (mine || weir__files_forked(ring->files))
        (void)weir_poll_stop(&ring->poll);
    else
        weir__poll_forget(&ring->poll);
    if (mine)
        io_uring_queue_exit(&ring->ring);
    else
        close(ring->ring.ring_fd); /* its memory is not here */
    weir_release(ring, sizeof *ring);
}

bool weir__file_ring_knows(const weir__file_ring *ring, unsigned kind)
{
    return ring->knows[kind];
}

#else /* without liburing there is no ring */

int weir__file_ring_new(weir_files *files)
{
    (void)files;
    return -ENOSYS;
}

void weir__file_ring_free(weir__file_ring *ring, bool mine)
{
    (void)ring;
    (void)mine;
}

bool weir__file_ring_knows(const weir__file_ring *ring, unsigned kind)
{
    (void)ring;
    (void)kind;
    return false;
}

void weir__file_ring_begin(weir__file_ring *ring, weir_file_op *op)
{
    (void)ring;
    (void)op;
}

void weir__file_ring_cancel(weir__file_ring *ring, weir_file_op *op)
{
    (void)ring;
    (void)op;
}

#endif
