/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/file.h: ends, threads that end, memory. Cancels are in tests/file_cancel.c, forks and
 * kernels that refuse in tests/file_kernel.c. */

#include "file.h"
#include "refuse.h"

#include <sys/resource.h>

/* ---- ends ---- */

static weir_files *to_free;
static int other_end; /* that is read */

static void free_files(act *a)
{
    (void)a;
    CHECK_EQ(weir_files_free(to_free), 0);
}

/* Also with cancels of others that are still to end, and with an end that waits to be told. */
static void in_the_last_done_the_files_may_be_freed(weir_files_backend backend)
{
    for (int cancels = 0; cancels < 3; cancels++) {
        place p = open_place(backend, 0, NULL);
        const int fd = make_file(&p, "a", 3);
        act a;

        make_act(&a, &p);
        to_free = p.files;
        p.files = NULL;
        a.then = free_files;
        weir_file_read(&a.op, fd, a.back, 3, 0);
        if (cancels == 2)
            (void)weir_loop_turn(p.loop, 0);
        if (cancels != 0 && a.calls == 0)
            (void)weir_file_cancel(&a.op);
        run_to_the_end(p.loop);
        CHECK_EQ(a.calls, 1);
        CHECK(a.result == 3 || (cancels != 0 && a.result == -ECANCELED));
        remove_file(&p, "a", fd);
        close_place(&p);
    }
}
IN_BOTH(in_the_last_done_the_files_may_be_freed);

static void try_to_free(act *a)
{
    CHECK_EQ(weir_files_free(a->op.files), -EBUSY);
}

static void who_frees_too_early_is_refused(weir_files_backend backend)
{
    place p = open_place(backend, 1, NULL);
    const int fd = make_file(&p, "a", 3);
    act a[2];

    CHECK_EQ(weir_loop_free(p.loop), -EBUSY); /* the files are there */
    for (int i = 0; i < 2; i++) {
        make_act(&a[i], &p);
        weir_file_read(&a[i].op, fd, a[i].back, 3, 0);
    }
    CHECK_EQ(weir_files_free(p.files), -EBUSY);
    a[0].then = try_to_free; /* the other one is under way */
    run_to_the_end(p.loop);
    CHECK(a[0].calls == 1 && a[1].calls == 1);
    CHECK_EQ(weir_loop_free(p.loop), -EBUSY);
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(who_frees_too_early_is_refused);

static void a_loop_that_was_closed_gets_what_is_under_way(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    const int fd = make_file(&p, "a", 3);
    act a, b;

    make_act(&a, &p);
    make_act(&b, &p);
    weir_file_read(&a.op, fd, a.back, 3, 0);
    weir_loop_close(p.loop);
    weir_file_truncate(&b.op, fd, 1);
    run_to_the_end(p.loop);
    CHECK(a.calls == 1 && b.calls == 1 && b.result == 0);
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(a_loop_that_was_closed_gets_what_is_under_way);

static int put_when_asleep_end;

static void *put_when_asleep(void *loop)
{
    until_asleep((weir_loop *)loop);
    put(put_when_asleep_end, "x");
    return NULL;
}

static void an_end_wakes_a_loop_that_sleeps(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    pthread_t thread;
    int ends[2];
    act a;

    make_pipe(ends);
    put_when_asleep_end = ends[1];
    make_act(&a, &p);
    QUIET(weir_file_read(&a.op, ends[0], a.back, 1, WEIR_FILE_HERE));
    thread = begin(put_when_asleep, p.loop);
    CHECK_EQ(result_of(&a), 1);
    join(thread);
    close_pipe(ends);
    close_place(&p);
}
IN_BOTH(an_end_wakes_a_loop_that_sleeps);

/* Whoever has another way to wait learns of what is still to be submitted. */
static void what_is_to_be_submitted_is_something_to_do(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    const int fd = make_file(&p, "a", 3);
    act a;

    make_act(&a, &p);
    CHECK_EQ(weir_loop_deadline(p.loop), WEIR_FOREVER);
    for (unsigned i = 1; i < 3; i++) {
        weir_file_read(&a.op, fd, a.back, 3, 0);
        if (backend == WEIR_FILES_URING)
            CHECK_EQ(weir_loop_deadline(p.loop), 0);
        while (a.calls < i)
            CHECK_EQ(weir_loop_turn(p.loop, WEIR_FOREVER), 0);
        CHECK_EQ(weir_loop_deadline(p.loop), WEIR_FOREVER);
    }
    turn_for_nothing(p.loop);
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(what_is_to_be_submitted_is_something_to_do);

static void read_other(thing *t)
{
    act *const a = (act *)(void *)t->other;

    weir_file_read(&a->op, other_end, a->back, 1, 0);
}

/* Also if an end comes after the submit, in the same turn. */
static void what_was_submitted_before_an_end_is_something_to_do(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    const int fd = make_file(&p, "a", 3);
    thing t = thing_of(p.loop, 0, read_other);
    int first[2], second[2];
    act a, b;

    make_act(&a, &p);
    make_act(&b, &p);
    make_pipe(first);
    make_pipe(second);
    other_end = fd;
    t.other = (thing *)(void *)&b;
    thing_poll(&t, first[0], WEIR_POLL_READ);
    weir_file_read(&a.op, second[0], a.back, 1, WEIR_FILE_HERE);
    turn_for_nothing(p.loop);
    turn_for_nothing(p.loop);
    put(first[1], "x");
    put(second[1], "x");
    while (t.calls == 0 || a.calls == 0)
        CHECK_EQ(weir_loop_turn(p.loop, WEIR_FOREVER), 0);
    if (backend == WEIR_FILES_URING && b.calls == 0)
        CHECK_EQ(weir_loop_deadline(p.loop), 0);
    CHECK(weir_poll_stop(&t.poll));
    run_to_the_end(p.loop);
    CHECK(b.calls == 1 && b.result == 1);
    close_pipe(first);
    close_pipe(second);
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(what_was_submitted_before_an_end_is_something_to_do);

static void idle_files_wake_nobody(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    const int fd = make_file(&p, "a", 3);
    uint64_t turns;
    act a;

    make_act(&a, &p);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, fd, a.back, 3, 0)), 3);
    turns = numbers_of(p.loop).turns;
    CHECK_EQ(weir_loop_run(p.loop, WEIR_LOOP_STOPPED, weir_clock_after(20 * MS)), -ETIMEDOUT);
    /* A kernel that puts earlier rings away interrupts some sleeps. */
    CHECK(numbers_of(p.loop).turns < turns + 100);
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(idle_files_wake_nobody);

/* By a write to a pipe that nobody reads. */
static void no_signal_is_raised(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    int ends[2];
    act a;

    make_pipe(ends);
    CHECK(close(ends[0]) == 0);
    make_act(&a, &p);
    CHECK_EQ(DO(&a, weir_file_write(&a.op, ends[1], "x", 1, WEIR_FILE_HERE)), -EPIPE);
    CHECK(close(ends[1]) == 0);
    close_place(&p);
}
IN_BOTH(no_signal_is_raised);

/* A thread that ends has its operations stopped by the kernel: they are begun again. */
static void *submit_and_end(void *argument)
{
    act *const a = (act *)argument;

    weir_file_read(&a->op, other_end, a->back, 1, WEIR_FILE_HERE);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(weir_loop_turn(a->loop, 0), -ETIMEDOUT);
        doze();
    }
    return NULL;
}

static void what_an_ended_thread_has_submitted_goes_on(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    int ends[2];
    act a;

    make_pipe(ends);
    other_end = ends[0];
    make_act(&a, &p);
    join(begin(submit_and_end, &a));
    for (int i = 0; i < 5; i++) /* it is begun again here */
        (void)weir_loop_turn(p.loop, 0);
    CHECK_EQ(a.calls, 0);
    put(ends[1], "x");
    CHECK_EQ(result_of(&a), 1);
    close_pipe(ends);
    close_place(&p);
}
IN_BOTH(what_an_ended_thread_has_submitted_goes_on);

static void *open_and_end(void *argument)
{
    act *const a = (act *)argument;

    weir_file_open(&a->op, other_end, "f", O_RDONLY | O_CREAT, 0600);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(weir_loop_turn(a->loop, 0), -ETIMEDOUT);
        doze();
    }
    return NULL;
}

/* The same in a thread of the kernel's, which has begun it. */
static void an_open_that_waits_goes_on_too(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    int writer;
    act a;

    CHECK(mkfifoat(p.dir, "f", 0600) == 0);
    other_end = p.dir;
    make_act(&a, &p);
    join(begin(open_and_end, &a));
    while ((writer = openat(p.dir, "f", O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
        CHECK_EQ(errno, ENXIO); /* nobody waits for it yet */
        (void)weir_loop_turn(p.loop, 0);
        CHECK_EQ(a.calls, 0);
        doze();
    }
    CHECK(result_of(&a) >= 0);
    CHECK(close(writer) == 0);
    remove_file(&p, "f", a.result);
    close_place(&p);
}
IN_BOTH(an_open_that_waits_goes_on_too);

static void two_of_a_loop_do_not_meet(weir_files_backend backend)
{
    place p = open_place(backend, 2, NULL), q = p;
    const int fd = make_file(&p, "a", 3);
    act a[6];

    CHECK_EQ(new_files(&q.files, p.loop, WEIR_FILES_AUTO, 2, NULL), 0);
    for (int i = 0; i < 6; i++) {
        make_act(&a[i], i % 2 == 0 ? &p : &q);
        weir_file_read(&a[i].op, fd, a[i].back, 3, 0);
    }
    run_to_the_end(p.loop);
    for (int i = 0; i < 6; i++)
        CHECK(a[i].calls == 1 && a[i].result == 3);
    CHECK_EQ(weir_files_free(q.files), 0);
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(two_of_a_loop_do_not_meet);

static void what_is_wrong_is_said(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    weir_files *files = NULL;
    int ends[2];
    act a;

    CHECK_EQ(new_files(&files, p.loop, backend, WEIR_FILES_MAX_LIMIT + 1, NULL), -EINVAL);
    CHECK(files == NULL);
    CHECK_EQ(new_files(&files, p.loop, backend, WEIR_FILES_MAX_LIMIT, NULL), 0);
    CHECK_EQ(weir_files_free(files), 0);
    CHECK_EQ(weir_files_free(NULL), 0);
    CHECK_EQ(weir_files_new(&files, p.loop, NULL), 0);
    CHECK_EQ(weir_files_free(files), 0);
    CHECK_DIES(weir_file_op_init(&a.op, p.files, NULL), "without a function");
    make_pipe(ends);
    make_act(&a, &p);
    weir_file_read(&a.op, ends[0], a.back, 1, WEIR_FILE_HERE);
    CHECK_DIES(weir_file_sync(&a.op, ends[0]), "under way already");
    put(ends[1], "x");
    CHECK_EQ(result_of(&a), 1);
    close_pipe(ends);
    close_place(&p);
}
IN_BOTH(what_is_wrong_is_said);

/* ---- memory, descriptors ---- */

static void without_memory_nothing_is_made(weir_files_backend backend)
{
    weir_files *files = NULL;
    weir_loop *loop;
    int status = -ENOMEM;

    test_alloc_fail_at(0);
    loop = make(NULL);
    for (size_t nr = 1; status != 0; nr++) {
        const size_t before = test_alloc_live;

        test_alloc_calls = 0;
        test_alloc_fail_nr = nr;
        status = new_files(&files, loop, backend, 0, NULL);
        test_alloc_fail_nr = 0;
        if (status != 0) {
            CHECK_EQ(status, -ENOMEM);
            CHECK(files == NULL);
            CHECK_EQ(test_alloc_live, before);
        } else {
            CHECK(nr > 2);
        }
    }
    CHECK_EQ(weir_files_free(files), 0);
    end(loop);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}
IN_BOTH(without_memory_nothing_is_made);

static void operations_allocate_nothing(weir_files_backend backend)
{
    place p;
    size_t live;
    act a[10];
    int fd;

    test_alloc_fail_at(0);
    p = open_place(backend, 3, NULL);
    fd = make_file(&p, "a", 3);
    for (int i = 0; i < 10; i++)
        make_act(&a[i], &p);
    live = test_alloc_live;
    test_alloc_calls = 0;
    for (int i = 0; i < 10; i++)
        weir_file_read(&a[i].op, fd, a[i].back, 3, 0);
    CHECK_EQ(weir_file_cancel(&a[9].op), 0);
    run_to_the_end(p.loop);
    CHECK_EQ(test_alloc_calls, 0);
    CHECK_EQ(test_alloc_live, live);
    remove_file(&p, "a", fd);
    close_place(&p);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}
IN_BOTH(operations_allocate_nothing);

static void without_descriptors_threads_do_it(void)
{
    if (has_uring()) {
        weir_loop *const loop = make(NULL);
        struct rlimit files, none;
        weir_files *made = NULL;

        CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
        none = files;
        none.rlim_cur = 3;
        CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
        CHECK_EQ(new_files(&made, loop, WEIR_FILES_URING, 0, NULL), -EMFILE);
        CHECK(made == NULL);
        CHECK_EQ(new_files(&made, loop, WEIR_FILES_AUTO, 0, NULL), 0);
        CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
        CHECK_EQ(weir_files_used(made), WEIR_FILES_POOL);
        CHECK_EQ(weir_files_free(made), 0);
        end(loop);
    }
}

int main(void)
{
    return TEST_RUN(
        "file_ends", BOTH(in_the_last_done_the_files_may_be_freed),
        BOTH(who_frees_too_early_is_refused), BOTH(a_loop_that_was_closed_gets_what_is_under_way),
        BOTH(an_end_wakes_a_loop_that_sleeps), BOTH(what_is_to_be_submitted_is_something_to_do),
        BOTH(what_was_submitted_before_an_end_is_something_to_do), BOTH(idle_files_wake_nobody),
        BOTH(no_signal_is_raised), BOTH(what_an_ended_thread_has_submitted_goes_on),
        BOTH(an_open_that_waits_goes_on_too), BOTH(two_of_a_loop_do_not_meet),
        BOTH(what_is_wrong_is_said), BOTH(without_memory_nothing_is_made),
        BOTH(operations_allocate_nothing), TEST_CASE(without_descriptors_threads_do_it));
}
