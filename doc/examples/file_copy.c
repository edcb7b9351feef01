/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* file_copy: copies a file with eight blocks under way at once, by threads and by io_uring, where
 * that is allowed, and compares. A slot reads a block, writes it, and takes the next one; what is
 * short, of a read or a write, goes on behind it. Copied is the file that is named, or the program
 * itself. */

#define _POSIX_C_SOURCE 200809L

#include <weir/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 8, BLOCK = 65536 };

typedef struct slot {
    weir_file_op op; /* the first */
    int64_t place;
    size_t left;           /* of its block */
    size_t bytes, written; /* of what was read */
    char data[BLOCK];
} slot;

static weir_files *files;
static int from, to, error;
static int64_t next_block, total;
static slot slots[SLOTS];

static void has_read(weir_file_op *op, int result);

static void read_more(slot *s)
{
    if (s->left == 0) {
        s->place = next_block;
        s->left = BLOCK;
        next_block += BLOCK;
    }
    weir_file_op_init(&s->op, files, has_read);
    weir_file_read(&s->op, from, s->data, s->left, s->place);
}

static void has_written(weir_file_op *op, int result)
{
    slot *const s = (slot *)(void *)op;

    if (result <= 0) {
        error = result < 0 ? result : -EIO;
        return;
    }
    s->written += (size_t)result;
    if (s->written < s->bytes) {
        weir_file_write(op, to, s->data + s->written, s->bytes - s->written,
                        s->place + (int64_t)s->written);
        return;
    }
    total += (int64_t)s->bytes;
    s->place += (int64_t)s->bytes;
    s->left -= s->bytes;
    read_more(s);
}

/* At the end of the file the slot has nothing more to do; after an error none has. */
static void has_read(weir_file_op *op, int result)
{
    slot *const s = (slot *)(void *)op;

    if (result < 0)
        error = result;
    if (result <= 0 || error != 0)
        return;
    s->bytes = (size_t)result;
    s->written = 0;
    weir_file_op_init(op, files, has_written);
    weir_file_write(op, to, s->data, s->bytes, s->place);
}

static void synced(weir_file_op *op, int result)
{
    (void)op;
    error = result;
}

/* Returns: whether all of it is on the disk. */
static bool copy(weir_loop *loop, weir_files_backend backend)
{
    const weir_files_options options = {backend, SLOTS, NULL};
    weir_file_op sync;

    if (weir_files_new(&files, loop, &options) != 0)
        return false;
    error = 0;
    next_block = total = 0;
    for (int i = 0; i < SLOTS; i++) {
        slots[i].left = 0;
        read_more(&slots[i]);
    }
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    if (error == 0) { /* only now: nothing says which of two operations comes first */
        weir_file_op_init(&sync, files, synced);
        weir_file_sync(&sync, to);
        weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    }
    printf("%s: %lld bytes%s%s\n",
           weir_files_used(files) == WEIR_FILES_URING ? "io_uring" : "threads", (long long)total,
           error != 0 ? ": " : "", error != 0 ? strerror(-error) : "");
    return weir_files_free(files) == 0 && error == 0;
}

static bool are_equal(void)
{
    static char one[BLOCK], other[BLOCK];
    int64_t place = 0;
    ssize_t n;

    while ((n = pread(from, one, BLOCK, (off_t)place)) > 0) {
        if (pread(to, other, BLOCK, (off_t)place) != n || memcmp(one, other, (size_t)n) != 0)
            return false;
        place += n;
    }
    return n == 0 && place == total;
}

int main(int argc, char **argv)
{
    static const weir_files_backend backends[] = {WEIR_FILES_POOL, WEIR_FILES_AUTO};
    weir_loop *loop;
    bool good = weir_loop_new(&loop, NULL) == 0;

    from = open(argc > 1 ? argv[1] : "/proc/self/exe", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 2 && good; i++) {
        char name[] = "/tmp/weir-copy-XXXXXX";

        to = mkstemp(name);
        good = from >= 0 && to >= 0 && copy(loop, backends[i]) && are_equal();
        if (to >= 0) {
            unlink(name);
            close(to);
        }
    }
    if (!good)
        return 1;
    puts("the copies are as the file");
    return weir_loop_free(loop) == 0 ? 0 : 1;
}
