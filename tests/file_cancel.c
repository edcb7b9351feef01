/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/file.h: cancels, and pools that refuse, or discard. */

#include "file.h"

#include <sys/ioctl.h>

/* ---- cancel ---- */

static void cancelled_in_the_queue_it_never_begins(weir_files_backend backend)
{
    place p = open_place(backend, 1, NULL);
    int ends[2];
    act a[4];

    make_pipe(ends);
    for (int i = 0; i < 4; i++) {
        make_act(&a[i], &p);
        a[i].letter = (char)('a' + i);
        CHECK_EQ(weir_file_cancel(&a[i].op), -EALREADY);
        QUIET(weir_file_read(&a[i].op, ends[0], a[i].back, 1, WEIR_FILE_HERE));
    }
    CHECK_EQ(weir_files_queued(p.files), 3);
    for (int i = 0; i < 2; i++) /* the second time too */
        QUIET(CHECK_EQ(weir_file_cancel(&a[2].op), 0));
    CHECK_EQ(weir_files_queued(p.files), 2);
    CHECK_EQ(weir_loop_turn(p.loop, 0), 0);
    CHECK_SAID("c");
    CHECK_EQ(a[2].result, -ECANCELED);
    CHECK_EQ(weir_file_cancel(&a[2].op), -EALREADY);
    put(ends[1], "xyz");
    run_to_the_end(p.loop);
    CHECK_SAID("abd");
    CHECK(a[0].back[0] == 'x' && a[1].back[0] == 'y' && a[3].back[0] == 'z');
    close_pipe(ends);
    close_place(&p);
}
IN_BOTH(cancelled_in_the_queue_it_never_begins);

/* A job that takes the pool's thread. */
typedef struct plug {
    weir_job job;
    WEIR_ATOMIC(uint32_t) begun, open;
} plug;

static int wait_at_plug(weir_job *job)
{
    plug *const it = (plug *)(void *)job;

    weir_atomic_store(&it->begun, 1, WEIR_RELAXED);        /* relaxed: a flag. */
    while (weir_atomic_load(&it->open, WEIR_RELAXED) == 0) /* relaxed: a flag. */
        doze();
    return 0;
}

static weir_blocking *make_pool(unsigned threads, size_t queued)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_blocking *pool;

    options.max_threads = threads;
    options.max_queued = queued;
    CHECK_EQ(weir_blocking_new(&pool, &options), 0);
    return pool;
}

static void keep_busy(weir_blocking *pool, plug *it)
{
    weir_job_init(&it->job, wait_at_plug);
    weir_atomic_init(&it->begun, 0);
    weir_atomic_init(&it->open, 0);
    CHECK_EQ(weir_blocking_submit(pool, &it->job), 0);
    while (weir_atomic_load(&it->begun, WEIR_RELAXED) == 0) /* relaxed: a flag. */
        doze();
}

static void let_go(plug *it)
{
    weir_atomic_store(&it->open, 1, WEIR_RELAXED); /* relaxed: a flag. */
}

static void end_pool(weir_blocking *pool)
{
    CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(weir_blocking_free(pool), 0);
}

static void what_no_thread_has_begun_is_cancelled(void)
{
    weir_blocking *const pool = make_pool(1, 0);
    place p = open_place(WEIR_FILES_POOL, 0, pool);
    const int fd = make_file(&p, "a", 3);
    plug busy;
    act a, b;

    keep_busy(pool, &busy);
    make_act(&a, &p);
    make_act(&b, &p);
    QUIET(weir_file_read(&a.op, fd, a.back, 3, 0));
    QUIET(weir_file_write(&b.op, fd, "x", 1, 0));
    CHECK_EQ(weir_files_queued(p.files), 0);
    QUIET(CHECK_EQ(weir_file_cancel(&b.op), 0));
    QUIET(CHECK_EQ(weir_file_cancel(&b.op), 0));
    turn_for_nothing(p.loop); /* it is the pool's still */
    CHECK_EQ(weir_files_free(p.files), -EBUSY);
    let_go(&busy);
    run_to_the_end(p.loop);
    CHECK(a.calls == 1 && a.result == 3);
    CHECK(b.calls == 1 && b.result == -ECANCELED);
    CHECK_EQ(pread(fd, b.back, 1, 0), 1);
    CHECK_EQ(b.back[0], byte_at(0));
    remove_file(&p, "a", fd);
    close_place(&p);
    end_pool(pool);
}

/* It fills a pipe: as long as nobody reads, it goes on. */
static void what_a_thread_has_begun_goes_on(void)
{
    place p = open_place(WEIR_FILES_POOL, 0, NULL);
    static char much[1 << 20], other[1 << 16];
    size_t got = 0;
    int ends[2], there = 0;
    ssize_t n;
    act a;

    make_pipe(ends);
    make_act(&a, &p);
    QUIET(weir_file_write(&a.op, ends[1], much, sizeof much, WEIR_FILE_HERE));
    while (there == 0) {
        CHECK(ioctl(ends[0], FIONREAD, &there) == 0);
        doze();
    }
    QUIET(CHECK_EQ(weir_file_cancel(&a.op), -EINPROGRESS));
    QUIET(CHECK_EQ(weir_file_cancel(&a.op), -EINPROGRESS));
    turn_for_nothing(p.loop);
    CHECK(weir_loop_alive(p.loop));
    while (got < sizeof much) {
        n = read(ends[0], other, sizeof other);
        CHECK(n > 0);
        got += (size_t)n;
    }
    CHECK_EQ(result_of(&a), (int)sizeof much);
    CHECK_EQ(weir_file_cancel(&a.op), -EALREADY);
    close_pipe(ends);
    close_place(&p);
}

/* Before it goes to the kernel, with it, and after. */
static void what_the_kernel_can_stop_is_cancelled(void)
{
    for (int turns = 0; has_uring() && turns < 2; turns++) {
        place p = open_place(WEIR_FILES_URING, 0, NULL);
        int ends[2];
        act a;

        make_pipe(ends);
        make_act(&a, &p);
        for (int round = 0; round < 2; round++) {
            QUIET(weir_file_read(&a.op, ends[0], a.back, 1, WEIR_FILE_HERE));
            if (turns != 0)
                turn_for_nothing(p.loop);
            for (int i = 0; i < 2; i++)
                QUIET(CHECK_EQ(weir_file_cancel(&a.op), -EINPROGRESS));
            CHECK_EQ(result_of(&a), -ECANCELED);
            CHECK_EQ(weir_file_cancel(&a.op), -EALREADY);
        }
        /* The next use of the record is another one. */
        put(ends[1], "x");
        CHECK_EQ(DO(&a, weir_file_read(&a.op, ends[0], a.back, 1, WEIR_FILE_HERE)), 1);
        close_pipe(ends);
        close_place(&p);
    }
}

static int ends_to_read[2];

static void read_and_cancel(act *a)
{
    act *const other = a->other;

    weir_file_read(&other->op, ends_to_read[0], other->back, 1, WEIR_FILE_HERE);
    CHECK_EQ(weir_file_cancel(&other->op), -EINPROGRESS);
}

/* The first has ended, its cancel has not been told yet. */
static void a_cancel_waits_for_an_earlier_one(void)
{
    for (int chain = 1; has_uring() && chain < 4; chain++) {
        place p = open_place(WEIR_FILES_URING, 1, NULL);
        const int fd = make_file(&p, "a", 3);
        act a[4];

        make_pipe(ends_to_read);
        for (int i = 0; i <= chain; i++) {
            make_act(&a[i], &p);
            if (i != 0) {
                a[i - 1].other = &a[i];
                a[i - 1].then = read_and_cancel;
            }
        }
        weir_file_read(&a[0].op, fd, a[0].back, 1, 0);
        (void)weir_file_cancel(&a[0].op);
        run_to_the_end(p.loop);
        for (int i = 0; i <= chain; i++)
            CHECK(a[i].calls == 1 && (a[i].result == -ECANCELED || (i == 0 && a[i].result == 1)));
        close_pipe(ends_to_read);
        remove_file(&p, "a", fd);
        close_place(&p);
    }
}

/* It waits for who writes. In the kernel a thread does it, which a signal interrupts. O_CREAT: else
 * io_uring opens without waiting. */
static void an_open_that_waits_is_cancelled(void)
{
    for (int turns = 0; has_uring() && turns < 8; turns += 4) {
        place p = open_place(WEIR_FILES_URING, 0, NULL);
        act a;

        CHECK(mkfifoat(p.dir, "a", 0600) == 0);
        make_act(&a, &p);
        QUIET(weir_file_open(&a.op, p.dir, "a", O_RDONLY | O_CREAT, 0600));
        for (int i = 0; i < turns; i++) {
            (void)weir_loop_turn(p.loop, 0);
            doze();
        }
        QUIET(CHECK_EQ(weir_file_cancel(&a.op), -EINPROGRESS));
        CHECK_EQ(result_of(&a), -ECANCELED);
        CHECK(unlinkat(p.dir, "a", 0) == 0);
        close_place(&p);
    }
}

/* ---- pools ---- */

static void a_pool_that_refuses_is_told(void)
{
    weir_blocking *const pool = make_pool(1, 1);
    place p = open_place(WEIR_FILES_POOL, 0, pool);
    const int fd = make_file(&p, "a", 3);
    weir_job next = WEIR_JOB_INIT(wait_at_plug);
    plug busy, behind;
    act a[4];

    for (int i = 0; i < 4; i++)
        make_act(&a[i], &p);
    keep_busy(pool, &busy);
    weir_atomic_init(&behind.open, 1);
    weir_atomic_init(&behind.begun, 0);
    behind.job = next;
    CHECK_EQ(weir_blocking_submit(pool, &behind.job), 0); /* it is full, of others' jobs */
    QUIET(weir_file_read(&a[0].op, fd, a[0].back, 3, 0));
    CHECK_EQ(weir_file_cancel(&a[0].op), -EINPROGRESS); /* its end is known */
    CHECK_EQ(DO(&a[1], weir_file_read(&a[1].op, fd, a[1].back, 3, 0)), -EAGAIN);
    CHECK(a[0].calls == 1 && a[0].result == -EAGAIN);
    let_go(&busy);
    while (weir_atomic_load(&behind.begun, WEIR_RELAXED) == 0) /* relaxed: a flag. */
        doze();
    /* Full of its own, the rest waits for these. */
    for (int i = 0; i < 4; i++)
        QUIET(weir_file_read(&a[i].op, fd, a[i].back, 3, 0));
    run_to_the_end(p.loop);
    for (int i = 0; i < 4; i++)
        CHECK(a[i].result == 3);
    CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(DO(&a[0], weir_file_read(&a[0].op, fd, a[0].back, 3, 0)), -EPIPE);
    remove_file(&p, "a", fd);
    close_place(&p);
    CHECK_EQ(weir_blocking_free(pool), 0);
}

static void a_pool_that_discards_them_cancels_them(void)
{
    weir_blocking *const pool = make_pool(1, 0);
    place p = open_place(WEIR_FILES_POOL, 2, pool);
    const int fd = make_file(&p, "a", 3);
    plug busy;
    act a[3];

    keep_busy(pool, &busy);
    for (int i = 0; i < 3; i++) {
        make_act(&a[i], &p);
        QUIET(weir_file_read(&a[i].op, fd, a[i].back, 3, 0));
    }
    CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DISCARD, 0), -ETIMEDOUT);
    let_go(&busy);
    run_to_the_end(p.loop);
    CHECK(a[0].result == -ECANCELED && a[1].result == -ECANCELED && a[2].result == -EPIPE);
    CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DISCARD, WEIR_FOREVER), 0);
    remove_file(&p, "a", fd);
    close_place(&p);
    CHECK_EQ(weir_blocking_free(pool), 0);
}

int main(void)
{
    return TEST_RUN(
        "file_cancel", BOTH(cancelled_in_the_queue_it_never_begins),
        TEST_CASE(what_no_thread_has_begun_is_cancelled),
        TEST_CASE(what_a_thread_has_begun_goes_on),
        TEST_CASE(what_the_kernel_can_stop_is_cancelled),
        TEST_CASE(a_cancel_waits_for_an_earlier_one), TEST_CASE(an_open_that_waits_is_cancelled),
        TEST_CASE(a_pool_that_refuses_is_told), TEST_CASE(a_pool_that_discards_them_cancels_them));
}
