/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/file.h: what the tests of weir/file.h share: each case is run by threads and by io_uring;
 * a directory of its own, and acts, which are operations that are told once. */

#ifndef WEIR_TESTS_FILE_H
#define WEIR_TESTS_FILE_H

#include "loop.h"
#include "process.h"

#include <weir/file.h>

#include <fcntl.h>
#include <sys/stat.h>

/* ---- both backends ---- */

static inline int new_files(weir_files **files, weir_loop *loop, weir_files_backend backend,
                            unsigned limit, weir_blocking *pool)
{
    const weir_files_options options = {backend, limit, pool};

    return weir_files_new(files, loop, &options);
}

static inline bool has_uring(void)
{
    weir_loop *const loop = make(NULL);
    weir_files *files;
    const int status = new_files(&files, loop, WEIR_FILES_URING, 0, NULL);

    CHECK(status == 0 || status == -ENOSYS);
    if (status == 0)
        CHECK_EQ(weir_files_free(files), 0);
    else
        test_skip("io_uring is not there, or not allowed");
    end(loop);
    return status == 0;
}

#define IN_BOTH(name)                   \
    static void name##_by_threads(void) \
    {                                   \
        name(WEIR_FILES_POOL);          \
    }                                   \
    static void name##_by_uring(void)   \
    {                                   \
        if (has_uring())                \
            name(WEIR_FILES_URING);     \
    }                                   \
    WEIR_STATIC_ASSERT(true, "a semicolon")
#define BOTH(name) TEST_CASE(name##_by_threads), TEST_CASE(name##_by_uring)

/* ---- a place ---- */

typedef struct place {
    weir_loop *loop;
    weir_files *files;
    char path[64];
    int dir;
} place;

/* `limit`, `pool`: as the options. */
static inline place open_place(weir_files_backend backend, unsigned limit, weir_blocking *pool)
{
    const char *const parent = getenv("TMPDIR");
    place p;

    memset(&p, 0, sizeof p);
    CHECK(snprintf(p.path, sizeof p.path, "%s/weir-file-XXXXXX",
                   parent != NULL && strlen(parent) < 32 ? parent : "/tmp") > 0);
    CHECK(mkdtemp(p.path) != NULL);
    p.dir = open(p.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(p.dir >= 0);
    p.loop = make(NULL);
    CHECK_EQ(new_files(&p.files, p.loop, backend, limit, pool), 0);
    CHECK_EQ(weir_files_used(p.files), backend);
    return p;
}

/* `files` that were freed are NULL. */
static inline void close_place(place *p)
{
    CHECK_EQ(weir_files_free(p->files), 0);
    end(p->loop);
    CHECK(close(p->dir) == 0);
    CHECK(rmdir(p->path) == 0);
}

/* ---- acts ---- */

typedef struct act {
    weir_file_op op;
    weir_loop *loop;
    void (*then)(struct act *act);
    struct act *other;
    int result;
    unsigned calls;
    char letter;
    char back[4]; /* what it reads */
} act;

static unsigned asked; /* functions of weir/file.h that are being called */

#define QUIET(call) (asked++, (call), asked--)

static inline void act_done(weir_file_op *op, int result)
{
    act *const a = (act *)(void *)op;

    CHECK_EQ(asked, 0);
    CHECK(weir_loop_self() == a->loop);
    a->calls++;
    a->result = result;
    if (a->letter != 0)
        say(a->letter);
    if (a->then != NULL)
        a->then(a);
}

static inline void make_act(act *a, const place *p)
{
    memset(a, 0, sizeof *a);
    a->loop = p->loop;
    weir_file_op_init(&a->op, p->files, act_done);
}

/* Runs the loop till its end. Returns: what the act was told. */
static inline int result_of(act *a)
{
    const unsigned before = a->calls;

    run_to_the_end(a->loop);
    CHECK_EQ(a->calls, before + 1);
    return a->result;
}

#define DO(a, call) (asked++, (call), asked--, result_of(a))

/* ---- files, and pipes ---- */

/* Makes a file of `bytes` bytes, each of which tells its place. Returns: its descriptor. */
static inline char byte_at(size_t i)
{
    return (char)(i ^ (i >> 8) * 31 ^ 0x5a);
}

static inline int make_file(const place *p, const char *name, size_t bytes)
{
    const int fd = openat(p->dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_LARGEFILE, 0600);

    CHECK(fd >= 0);
    for (size_t i = 0; i < bytes; i++) {
        const char byte = byte_at(i);

        CHECK_EQ(write(fd, &byte, 1), 1);
    }
    return fd;
}

static inline void remove_file(const place *p, const char *name, int fd)
{
    CHECK(close(fd) == 0);
    CHECK(unlinkat(p->dir, name, 0) == 0);
}

static inline void check_bytes(const char *data, size_t bytes, size_t from)
{
    for (size_t i = 0; i < bytes; i++)
        CHECK_EQ(data[i], byte_at(from + i));
}

static inline void make_pipe(int ends[2])
{
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
}

static inline void close_pipe(const int ends[2])
{
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
}

#endif /* WEIR_TESTS_FILE_H */
