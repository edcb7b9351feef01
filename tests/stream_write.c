/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stream.h: writing: its order, parts, files, copies. The queue: tests/stream_queue.c. */

#include "stream.h"

#include <sys/mman.h>

/* ---- at once, and later ---- */

static void what_the_kernel_takes_is_done_at_once(void)
{
    for (int kind = TCP4; kind < PAIRS; kind++) {
        weir_loop *loop;
        struct iovec parts[2] = {{big, 10}, {big + 10, 10}};
        talker t;
        wrote w;
        int fd[2];

        if (!pair_of((pair_kind)kind, fd))
            continue;
        loop = make(NULL);
        open_socket(&t, loop, fd[0]);
        weir_write_init_parts(&w.write, parts, 2, on_done);
        CHECK_EQ(put_write(&t, &w), 0);
        CHECK_EQ(put_bytes(&t, &w, big + 20, 20), 0);
        CHECK_EQ(QUIET(weir_stream_try_write(&t.stream, big + 40, 20)), 20);
        CHECK_EQ(QUIET(weir_stream_copy(&t.stream, big + 60, 20)), 0);
        CHECK_EQ(weir_stream_queued(&t.stream), 0);
        CHECK_EQ(peer_gets(loop, fd[1], 0, 80), 80);
        CHECK_EQ(t.done, 0); /* nothing is told again */
        close_all(&t, fd[1]);
    }
}

static void an_empty_write_completes(void)
{
    weir_loop *loop;
    struct iovec empty[3] = {{big, 0}, {NULL, 0}, {big, 0}};
    wrote w[5];
    talker t;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    CHECK_EQ(put_bytes(&t, &w[0], NULL, 0), 0);
    weir_write_init_parts(&w[0].write, empty, 3, on_done);
    CHECK_EQ(put_write(&t, &w[0]), 0);
    weir_write_init_parts(&w[0].write, NULL, 0, on_done);
    CHECK_EQ(put_write(&t, &w[0]), 0);
    weir_write_init_file(&w[0].write, fd[1], 0, 0, on_done);
    CHECK_EQ(put_write(&t, &w[0]), 0);
    CHECK_EQ(QUIET(weir_stream_try_write(&t.stream, NULL, 0)), 0);
    CHECK_EQ(QUIET(weir_stream_copy(&t.stream, NULL, 0)), 0);
    /* Behind others they wait their turn. */
    stuff(&t, &w[0]);
    CHECK_EQ(put_bytes(&t, &w[1], NULL, 0), -EINPROGRESS);
    weir_write_init_parts(&w[2].write, empty, 3, on_done);
    CHECK_EQ(put_write(&t, &w[2]), -EINPROGRESS);
    weir_write_init_file(&w[3].write, fd[1], 0, 0, on_done);
    CHECK_EQ(put_write(&t, &w[3]), -EINPROGRESS);
    CHECK_EQ(put_bytes(&t, &w[4], "", 0), -EINPROGRESS);
    CHECK_EQ(QUIET(weir_stream_copy(&t.stream, NULL, 0)), 0);
    CHECK_EQ(t.done, 0);
    CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
    UNTIL(loop, t.done == 5);
    for (unsigned i = 0; i < 5; i++)
        CHECK(w[i].place == i + 1 && w[i].status == 0);
    CHECK(close(fd[1]) == 0);
    close_all(&t, -1);
}

static void check_queued(wrote *w)
{
    CHECK_EQ(weir_stream_queued(&w->from->stream), w->place == 1 ? 1 : 0);
}

static void writes_are_done_in_order_whatever_their_size(void)
{
    weir_loop *loop;
    size_t queued;
    wrote large, one;
    talker t;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    stuff(&t, &large);
    large.then = check_queued;
    queued = weir_stream_queued(&t.stream);
    CHECK(queued > 0 && queued < BIG);
    CHECK_EQ(put_bytes(&t, &one, big, 1), -EINPROGRESS);
    one.then = check_queued;
    CHECK_EQ(weir_stream_queued(&t.stream), queued + 1);
    CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
    UNTIL(loop, t.done == 2);
    CHECK(large.place == 1 && one.place == 2);
    CHECK(large.status == 0 && one.status == 0);
    CHECK_EQ(weir_stream_queued(&t.stream), 0);
    close_all(&t, fd[1]);
}

static void an_immediate_write_never_overtakes_a_queued_one(void)
{
    weir_loop *loop;
    static unsigned char got[65536];
    ssize_t n;
    wrote w;
    talker t;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    stuff(&t, &w);
    CHECK_EQ(QUIET(weir_stream_try_write(&t.stream, "x", 1)), -EAGAIN);
    n = read(fd[1], got, sizeof got); /* there is room now, but the loop has not seen it */
    CHECK(n > 0);
    check_bytes(got, (size_t)n, 0);
    CHECK_EQ(QUIET(weir_stream_try_write(&t.stream, "x", 1)), -EAGAIN);
    CHECK_EQ(peer_gets(loop, fd[1], (size_t)n, BIG), BIG);
    UNTIL(loop, t.done == 1);
    CHECK_EQ(QUIET(weir_stream_try_write(&t.stream, big, 1)), 1);
    CHECK_EQ(peer_gets(loop, fd[1], 0, 1), 1);
    close_all(&t, fd[1]);
}

/* What try_write says is what arrives. */
static void an_immediate_write_says_how_much(void)
{
    weir_loop *loop;
    size_t sum = 0;
    ssize_t n;
    talker t;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    while ((n = QUIET(weir_stream_try_write(&t.stream, big + sum, BIG - sum))) > 0)
        sum += (size_t)n;
    CHECK_EQ(n, -EAGAIN);
    CHECK(sum > 0 && sum < BIG);
    CHECK_EQ(weir_stream_queued(&t.stream), 0);
    CHECK(shutdown(fd[0], SHUT_WR) == 0);
    CHECK_EQ(peer_gets(loop, fd[1], 0, sum), sum);
    peer_ends(loop, fd[1]);
    close_all(&t, fd[1]);
}

/* ---- parts ---- */

static void a_write_of_more_buffers_than_the_kernel_takes_arrives_whole(void)
{
    enum { PARTS = 3000 };
    for (int kind = TCP4; kind < PAIRS; kind++) {
        static struct iovec parts[2][PARTS];
        size_t place = 0;
        weir_loop *loop;
        wrote w[3];
        talker t;
        int fd[2];

        if (!pair_of((pair_kind)kind, fd))
            continue;
        loop = make(NULL);
        open_socket(&t, loop, fd[0]);
        for (size_t k = 0; k < 2; k++) {
            for (size_t i = 0; i < PARTS; i++) {
                const size_t bytes = i > 400 && i < 600 ? 0 : i % 7 == 0 ? 0 : i % 311;

                parts[k][i].iov_base = bytes == 0 && i % 2 == 0 ? NULL : big + place % BIG;
                parts[k][i].iov_len = place % BIG + bytes > BIG ? 0 : bytes;
                place += parts[k][i].iov_len;
            }
            if (k == 0) { /* the first goes on at its own, the second behind it */
                weir_write_init_parts(&w[0].write, parts[0], PARTS, on_done);
                CHECK_EQ(put_write(&t, &w[0]), -EINPROGRESS);
            }
        }
        CHECK(place < BIG);
        weir_write_init_parts(&w[1].write, parts[1], PARTS, on_done);
        CHECK_EQ(put_write(&t, &w[1]), -EINPROGRESS);
        CHECK_EQ(put_bytes(&t, &w[2], big + place, 1), -EINPROGRESS);
        CHECK_EQ(peer_gets(loop, fd[1], 0, place + 1), place + 1);
        UNTIL(loop, t.done == 3);
        for (unsigned i = 0; i < 3; i++)
            CHECK(w[i].place == i + 1 && w[i].status == 0);
        close_all(&t, fd[1]);
    }
}

static void hundreds_of_small_writes_keep_their_order(void)
{
    enum { WRITES = 1000 };
    weir_loop *loop;
    static wrote w[WRITES + 1];
    talker t;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    stuff(&t, &w[0]);
    for (size_t i = 1; i <= WRITES; i++)
        CHECK_EQ(put_bytes(&t, &w[i], big + i - 1, 1), -EINPROGRESS);
    CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
    CHECK_EQ(peer_gets(loop, fd[1], 0, WRITES), WRITES);
    UNTIL(loop, t.done == WRITES + 1);
    for (unsigned i = 0; i <= WRITES; i++)
        CHECK(w[i].place == i + 1 && w[i].status == 0);
    close_all(&t, fd[1]);
}

/* More than the kernel takes in one call, and more than an int says. */
static void sizes_beyond_an_int_are_not_cut(void)
{
    enum { PARTS = 40, EACH = 1 << 26 };
    static struct iovec parts[PARTS];
    void *zeros;
    uint64_t sum = 0;
    ssize_t n;
    wrote w;
    talker t;
    int fd[2];

    if (sizeof(size_t) < 8) {
        test_skip("no sizes beyond an int");
        return;
    }
    zeros = mmap(NULL, EACH, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(zeros != MAP_FAILED);
    CHECK(begin_pair(TCP4, &t, fd) != NULL);
    for (int i = 0; i < PARTS; i++) {
        parts[i].iov_base = zeros;
        parts[i].iov_len = EACH;
    }
    weir_write_init_parts(&w.write, parts, PARTS, on_done);
    CHECK_EQ(put_write(&t, &w), -EINPROGRESS);
    CHECK(weir_stream_queued(&t.stream) > INT_MAX);
    sum = weir_stream_queued(&t.stream);
    CHECK(shutdown(fd[0], SHUT_WR) == 0); /* beneath it: only what it has taken arrives */
    while ((n = read(fd[1], big, BIG)) > 0)
        sum += (uint64_t)n;
    CHECK_EQ(n, 0);
    CHECK_EQ(sum, (uint64_t)PARTS * EACH);
    big[1] = 0;
    make_big();
    close_all(&t, fd[1]);
    CHECK(w.status < 0);
    CHECK(munmap(zeros, EACH) == 0);
}

/* ---- files ---- */

static void a_file_goes_between_other_writes(void)
{
    for (int kind = TCP4; kind <= PIPE; kind++) {
        FILE *const file = file_of(BIG);
        weir_loop *loop;
        wrote w[4];
        talker t;
        int fd[2];

        if (!pair_of((pair_kind)kind, fd)) {
            CHECK(fclose(file) == 0);
            continue;
        }
        loop = make(NULL);
        if (kind == PIPE) {
            const int writer = fd[1];

            fd[1] = fd[0];
            fd[0] = writer;
            open_file(&t, loop, fd[0]);
        } else {
            open_socket(&t, loop, fd[0]);
        }
        CHECK(lseek(fileno(file), 5, SEEK_SET) == 5);
        CHECK_EQ(put_bytes(&t, &w[0], big, 100), 0);
        weir_write_init_file(&w[0].write, fileno(file), 100, 200, on_done);
        CHECK_EQ(put_write(&t, &w[0]), 0);
        weir_write_init_file(&w[0].write, fileno(file), 300, BIG - 1000, on_done);
        CHECK_EQ(put_write(&t, &w[0]), -EINPROGRESS);
        CHECK_EQ(put_bytes(&t, &w[1], big + BIG - 700, 300), -EINPROGRESS);
        weir_write_init_file(&w[2].write, fileno(file), BIG - 400, 300, on_done);
        CHECK_EQ(put_write(&t, &w[2]), -EINPROGRESS);
        CHECK_EQ(put_bytes(&t, &w[3], big + BIG - 100, 100), -EINPROGRESS);
        CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
        UNTIL(loop, t.done == 4);
        for (unsigned i = 0; i < 4; i++)
            CHECK(w[i].place == i + 1 && w[i].status == 0);
        CHECK_EQ(weir_stream_queued(&t.stream), 0);
        /* It stays open, and where it was. */
        CHECK_EQ(lseek(fileno(file), 0, SEEK_CUR), 5);
        CHECK(fclose(file) == 0);
        close_all(&t, fd[1]);
    }
}

static void a_file_that_is_shorter_is_an_error(void)
{
    FILE *const file = file_of(1000);
    weir_loop *loop;
    wrote w[3];
    talker t;
    int fd[2];

    /* Known at once; what there was has been written. */
    loop = begin_pair(TCP4, &t, fd);
    weir_write_init_file(&w[0].write, fileno(file), 0, 1001, on_done);
    CHECK_EQ(put_write(&t, &w[0]), -ENODATA);
    CHECK_EQ(peer_gets(loop, fd[1], 0, 1000), 1000);
    idle_turns(loop);
    CHECK_EQ(t.done, 0);
    CHECK_EQ(put_bytes(&t, &w[0], big, 1), -ENODATA); /* there is a gap: nothing may follow */
    CHECK_EQ(QUIET(weir_stream_shutdown(&t.stream)), -ENODATA);
    close_all(&t, fd[1]);
    /* Known later. */
    loop = begin_pair(TCP4, &t, fd);
    stuff(&t, &w[0]);
    weir_write_init_file(&w[1].write, fileno(file), 500, 501, on_done);
    CHECK_EQ(put_write(&t, &w[1]), -EINPROGRESS);
    CHECK_EQ(put_bytes(&t, &w[2], big, 1), -EINPROGRESS);
    CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
    UNTIL(loop, t.done == 3);
    CHECK_EQ(w[0].status, 0);
    CHECK_EQ(w[1].status, -ENODATA);
    CHECK_EQ(w[2].status, -ENODATA); /* what stands behind it ends with that */
    CHECK_EQ(weir_stream_queued(&t.stream), 0);
    CHECK_EQ(put_bytes(&t, &w[2], big, 1), -ENODATA);
    CHECK_EQ(peer_gets(loop, fd[1], 500, 1000), 1000);
    close_all(&t, fd[1]);
    /* And one that is none. */
    loop = begin_pair(TCP4, &t, fd);
    weir_write_init_file(&w[0].write, -1, 0, 10, on_done);
    CHECK_EQ(put_write(&t, &w[0]), -EBADF);
    close_all(&t, fd[1]);
    CHECK(fclose(file) == 0);
}

/* ---- copies ---- */

static void copies_are_the_streams(void)
{
    static const size_t sizes[] = {1, 100000, 0, 400000, 7, 300000};
    unsigned char *const bytes = malloc(400000);
    weir_loop *loop;
    size_t place = 0, done = 0;
    wrote w;
    talker t;
    int fd[2];

    test_alloc_fail_at(0);
    loop = begin_pair(TCP4, &t, fd);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memcpy(bytes, big + place, sizes[i]);
        CHECK_EQ(QUIET(weir_stream_copy(&t.stream, bytes, sizes[i])), 0);
        memset(bytes, 0, sizes[i]);
        place += sizes[i];
    }
    free(bytes);
    CHECK(weir_stream_queued(&t.stream) > 0);
    CHECK_EQ(put_bytes(&t, &w, big + place, 1000), -EINPROGRESS);
    done = peer_gets(loop, fd[1], 0, place + 1000);
    CHECK_EQ(done, place + 1000);
    UNTIL(loop, t.done == 1);
    /* Those that are left when it is closed are freed, too. */
    CHECK_EQ(QUIET(weir_stream_copy(&t.stream, big, BIG)), 0);
    CHECK_EQ(QUIET(weir_stream_copy(&t.stream, big, 100)), 0);
    close_all(&t, fd[1]);
    CHECK_EQ(test_alloc_live, 0);
}

static void a_copy_without_memory_is_refused(void)
{
    size_t sum = 0, queued;
    ssize_t n;
    wrote w;
    talker t;
    int fd[2];

    test_alloc_fail_at(0);
    CHECK(begin_pair(TCP4, &t, fd) != NULL);
    test_alloc_calls = 0;
    test_alloc_fail_nr = 1;
    CHECK_EQ(QUIET(weir_stream_copy(&t.stream, big, 100)), 0); /* needs none */
    CHECK_EQ(test_alloc_calls, 0);
    CHECK_EQ(QUIET(weir_stream_copy(&t.stream, big + 100, BIG - 100)), -ENOMEM);
    CHECK_EQ(weir_stream_queued(&t.stream), 0);
    test_alloc_fail_nr = 0;
    /* The stream goes on; some of it has been written. */
    CHECK(fcntl(fd[1], F_SETFL, O_NONBLOCK) == 0);
    while ((n = read(fd[1], t.first, sizeof t.first)) > 0) {
        check_bytes(t.first, (size_t)n, sum);
        sum += (size_t)n;
    }
    CHECK(sum >= 100);
    stuff(&t, &w);
    queued = weir_stream_queued(&t.stream);
    test_alloc_calls = 0;
    test_alloc_fail_nr = 1;
    CHECK_EQ(QUIET(weir_stream_copy(&t.stream, big, 1)), -ENOMEM);
    test_alloc_fail_nr = 0;
    CHECK_EQ(QUIET(weir_stream_copy(&t.stream, big, SIZE_MAX)), -ENOMEM);
    CHECK_EQ(weir_stream_queued(&t.stream), queued);
    close_all(&t, fd[1]);
    CHECK_EQ(w.status, -ECANCELED);
    CHECK_EQ(test_alloc_live, 0);
}

int main(void)
{
    make_big();
    return TEST_RUN("stream_write", TEST_CASE(what_the_kernel_takes_is_done_at_once),
                    TEST_CASE(an_empty_write_completes),
                    TEST_CASE(writes_are_done_in_order_whatever_their_size),
                    TEST_CASE(an_immediate_write_never_overtakes_a_queued_one),
                    TEST_CASE(an_immediate_write_says_how_much),
                    TEST_CASE(a_write_of_more_buffers_than_the_kernel_takes_arrives_whole),
                    TEST_CASE(hundreds_of_small_writes_keep_their_order),
                    TEST_CASE(sizes_beyond_an_int_are_not_cut),
                    TEST_CASE(a_file_goes_between_other_writes),
                    TEST_CASE(a_file_that_is_shorter_is_an_error),
                    TEST_CASE(copies_are_the_streams), TEST_CASE(a_copy_without_memory_is_refused));
}
