/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/file.h: forks, and kernels that refuse. */

#include "file.h"
#include "refuse.h"

#include <sys/resource.h>

/* ---- fork ---- */

/* An emulator has threads of its own, which are not in the child. */
static bool has_children(void)
{
    if (test_emulated())
        test_skip("no emulator goes on in the child of a process with threads");
    return !test_emulated();
}

/* Ends of all kinds are on their way: posted, deferred, in the ring; and an operation goes on. */
static void in_the_child_of_a_fork_they_are_forgotten(weir_files_backend backend)
{
    for (int round = 0; round < 6 && has_children(); round++) {
        const bool has_begun = round >= 3;
        const int tells = round % 3;
        place p = open_place(backend, 4, NULL);
        const int fd = make_file(&p, "a", 3);
        int ends[2];
        pid_t child;
        act a[6];

        make_pipe(ends);
        for (int i = 0; i < 6; i++) {
            make_act(&a[i], &p);
            QUIET(weir_file_read(&a[i].op, i == 0 ? ends[0] : fd, a[i].back, 1,
                                 i == 0 ? WEIR_FILE_HERE : 0));
        }
        CHECK_EQ(weir_file_cancel(&a[5].op), 0);
        doze();
        while (has_begun && (a[1].calls & a[2].calls & a[3].calls & a[4].calls) == 0)
            (void)weir_loop_turn(p.loop, WEIR_FOREVER);
        child = process_split();
        if (child == 0) {
            thing t;

            if (tells >= 1)
                CHECK_EQ(weir_loop_fork(p.loop), 0);
            if (tells == 2) /* which does nothing to the ring, nor to what has not come */
                for (int i = 0; i < 3; i++)
                    (void)weir_loop_turn(p.loop, 0);
            for (int i = 0; i < 6; i++)
                CHECK(tells == 2 || has_begun || a[i].calls == 0);
            CHECK_EQ(weir_files_free(p.files), 0);
            for (int i = 0; i < 6; i++)
                memset(&a[i].op, 0xa5, sizeof a[i].op);
            if (tells == 0)
                CHECK_EQ(weir_loop_fork(p.loop), 0);
            t = thing_of(p.loop, 0, NULL);
            thing_post(&t);
            run_to_the_end(p.loop);
            CHECK_EQ(t.calls, 1);
#ifndef WEIR_TSAN /* which has no threads in the child of a fork */
            CHECK_EQ(new_files(&p.files, p.loop, backend, 0, NULL), 0); /* its own */
            make_act(&a[0], &p);
            CHECK_EQ(DO(&a[0], weir_file_read(&a[0].op, fd, a[0].back, 3, 0)), 3);
            CHECK_EQ(weir_files_free(p.files), 0);
#endif
            end(p.loop);
            process_end();
        }
        process_await(child);
        put(ends[1], "x");
        run_to_the_end(p.loop);
        for (int i = 0; i < 6; i++) {
            CHECK_EQ(a[i].calls, 1);
            CHECK(a[i].result == (i == 5 ? -ECANCELED : 1));
        }
        close_pipe(ends);
        remove_file(&p, "a", fd);
        close_place(&p);
    }
}
IN_BOTH(in_the_child_of_a_fork_they_are_forgotten);

static void in_the_child_nothing_is_submitted(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    const pid_t child = has_children() ? process_split() : -1;

    if (child == 0) {
        act a;

        CHECK_EQ(weir_loop_fork(p.loop), 0);
        make_act(&a, &p);
        CHECK_DIES(weir_file_sync(&a.op, 0), "makes files of its own");
        process_end();
    }
    if (child > 0)
        process_await(child);
    close_place(&p);
}
IN_BOTH(in_the_child_nothing_is_submitted);

/* ---- kernels that refuse ---- */

static int do_nothing(weir_job *job)
{
    (void)job;
    return 0;
}

/* The user has as many as he may have: the pool has one already. */
static void without_threads_of_the_kernels_the_pool_does_it(void)
{
    const struct rlimit none = {0, 0};
    place p = open_place(WEIR_FILES_POOL, 0, NULL);
    pid_t child = -1;

    CHECK(fchmod(p.dir, 0777) == 0);
#ifndef WEIR_TSAN /* which has no threads in the child of a fork */
    if (has_uring() && has_children())
        child = process_split();
#endif
    if (child == 0) {
        const weir_blocking_options options = {.max_threads = 1, .keep = 1};
        weir_job job = WEIR_JOB_INIT(do_nothing);
        weir_blocking *pool;
        act a;

        if (getuid() == 0) /* who may have more */
            CHECK(setgid(65534) == 0 && setuid(65534) == 0);
        CHECK_EQ(weir_blocking_new(&pool, &options), 0);
        CHECK_EQ(weir_blocking_submit(pool, &job), 0);
        CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
        p.loop = make(NULL);
        CHECK_EQ(new_files(&p.files, p.loop, WEIR_FILES_URING, 0, pool), 0);
        make_act(&a, &p);
        CHECK(DO(&a, weir_file_open(&a.op, p.dir, "a", O_RDWR | O_CREAT, 0600)) >= 0);
        CHECK_EQ(pwrite(a.result, "xyz", 3, 0), 3);
        remove_file(&p, "a", a.result);
        CHECK_EQ(weir_files_free(p.files), 0);
        end(p.loop);
        CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
        CHECK_EQ(weir_blocking_free(pool), 0);
        process_end();
    }
    if (child > 0)
        process_await(child);
    close_place(&p);
}

enum { URING_SETUP = 425, URING_ENTER = 426 }; /* on most machines: alpha is not here */

/* A loop that slept would not learn when there is memory again. */
static void what_the_kernel_does_not_take_is_tried_again(void)
{
    const pid_t child = has_uring() && has_children() ? process_split() : -1;

    if (child == 0) {
        place p = open_place(WEIR_FILES_URING, 0, NULL);
        act a;

        CHECK(rmdir(p.path) == 0);
        if (!refuse_call(URING_ENTER, EAGAIN))
            process_end(); /* no filters here */
        make_act(&a, &p);
        weir_file_sync(&a.op, p.dir);
        for (int i = 0; i < 5; i++) {
            (void)weir_loop_turn(p.loop, 0);
            CHECK_EQ(weir_loop_deadline(p.loop), 0);
        }
        CHECK_EQ(a.calls, 0);
        process_end();
    }
    if (child > 0)
        process_await(child);
}

static void where_it_is_refused_threads_do_it(void)
{
    static const int errors[] = {ENOSYS, EPERM, EACCES};

    for (size_t i = 0; i < sizeof errors / sizeof errors[0] && has_children(); i++) {
        const pid_t child = process_split();

        if (child == 0) {
            weir_files *files = NULL;
            weir_loop *loop;
            place p;
            act a;

            if (!refuse_call(URING_SETUP, (unsigned)errors[i]) && has_uring())
                process_end(); /* no filters here */
            loop = make(NULL);
            CHECK_EQ(new_files(&files, loop, WEIR_FILES_URING, 0, NULL), -ENOSYS);
            CHECK(files == NULL);
            CHECK_EQ(new_files(&files, loop, WEIR_FILES_AUTO, 0, NULL), 0);
            CHECK_EQ(weir_files_used(files), WEIR_FILES_POOL);
            p.loop = loop;
            p.files = files;
            make_act(&a, &p);
            CHECK_EQ(DO(&a, weir_file_open(&a.op, AT_FDCWD, "/none", O_RDONLY, 0)), -ENOENT);
            CHECK_EQ(weir_files_free(files), 0);
            end(loop);
            process_end();
        }
        process_await(child);
    }
}

int main(void)
{
    return TEST_RUN("file_kernel", BOTH(in_the_child_of_a_fork_they_are_forgotten),
                    BOTH(in_the_child_nothing_is_submitted),
                    TEST_CASE(without_threads_of_the_kernels_the_pool_does_it),
                    TEST_CASE(what_the_kernel_does_not_take_is_tried_again),
                    TEST_CASE(where_it_is_refused_threads_do_it));
}
