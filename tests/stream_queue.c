/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stream.h: the queue of writes: its marks, and what may be done from `done`. */

#include "stream.h"

#include <sys/syscall.h>

/* ---- marks ---- */

static void it_is_full_above_its_high_mark(void)
{
    weir_loop *loop;
    uint32_t queued;
    wrote w[3];
    talker t;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    weir_stream_marks(&t.stream, 0, UINT32_MAX);
    stuff(&t, &w[0]);
    CHECK(!weir_stream_is_full(&t.stream));
    queued = (uint32_t)weir_stream_queued(&t.stream);
    weir_stream_marks(&t.stream, queued, queued + 10);
    CHECK_EQ(put_bytes(&t, &w[1], big, 10), -EINPROGRESS);
    CHECK(!weir_stream_is_full(&t.stream));
    CHECK_EQ(put_bytes(&t, &w[2], big + 10, 1), -EINPROGRESS);
    CHECK(weir_stream_is_full(&t.stream));
    CHECK_EQ(QUIET(weir_stream_copy(&t.stream, big + 11, 4)), 0); /* nobody is refused */
    CHECK(weir_stream_is_full(&t.stream));
    CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
    CHECK_EQ(peer_gets(loop, fd[1], 0, 15), 15);
    UNTIL(loop, t.done == 3);
    CHECK(!weir_stream_is_full(&t.stream));
    CHECK_EQ(t.draineds, 1);
    /* Below the high mark it was not full, and nobody is told that it is not. */
    weir_stream_marks(&t.stream, 10, BIG);
    stuff(&t, &w[0]);
    CHECK(!weir_stream_is_full(&t.stream));
    CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
    UNTIL(loop, t.done == 4);
    CHECK_EQ(t.draineds, 1);
    close_all(&t, fd[1]);
}

static size_t queued_at_drained;

static void note_queued(talker *t, int what)
{
    if (what == DRAINED)
        queued_at_drained = weir_stream_queued(&t->stream);
}

static void drained_is_told_at_the_low_mark(void)
{
    weir_loop *loop;
    wrote w;
    talker t;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    t.then = note_queued;
    queued_at_drained = SIZE_MAX;
    stuff(&t, &w);
    CHECK(weir_stream_is_full(&t.stream));
    weir_stream_marks(&t.stream, 300000, 400000);
    for (size_t place = 0; t.draineds == 0;) {
        CHECK(weir_stream_is_full(&t.stream));
        CHECK(weir_stream_queued(&t.stream) > 300000);
        place = peer_gets(loop, fd[1], place, place + 1000);
    }
    CHECK(queued_at_drained <= 300000);
    CHECK_EQ(t.done, 0); /* not only when all is written */
    CHECK(!weir_stream_is_full(&t.stream));
    shut_it(&t);
    run_to_the_end(loop);
    CHECK_EQ(t.draineds, 1);
    CHECK(close(fd[1]) == 0);
    end(loop);
}

/* Who writes as long as it is not full: what comes from inside drained, too. */
static size_t offered;

static void offer_more(talker *t, int what)
{
    static wrote spare[1024];

    if (what != DRAINED)
        return;
    while (offered < BIG && !weir_stream_is_full(&t->stream)) {
        const size_t bytes = BIG - offered < 1024 ? BIG - offered : 1024;

        (void)put_bytes(t, &spare[offered / 1024], big + offered, bytes);
        offered += bytes;
    }
}

static void drained_may_write_again(void)
{
    weir_loop *loop;
    wrote w;
    talker t;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    offered = 0;
    weir_stream_marks(&t.stream, 0, 5000);
    stuff(&t, &w);
    t.then = offer_more;
    CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
    CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
    UNTIL(loop, t.done == t.writes);
    CHECK(t.draineds >= 2);
    CHECK_EQ(offered, BIG);
    close_all(&t, fd[1]);
}

/* ---- from done ---- */

static unsigned repeats;

static void write_it_again(wrote *w)
{
    int status;

    CHECK_EQ(w->status, 0);
    if (++repeats == 100)
        return;
    status = put_bytes(w->from, w, big, 1);
    w->then = write_it_again;
    if (repeats == 1) /* behind the last one */
        CHECK_EQ(status, -EINPROGRESS);
}

static void free_it(wrote *w)
{
    free(w);
}

static void done_may_free_the_write_and_write_it_again(void)
{
    wrote *const freed = malloc(sizeof *freed), *const last = malloc(sizeof *last);
    weir_loop *loop;
    wrote again;
    talker t;
    int fd[2];

    CHECK(freed != NULL && last != NULL);
    loop = begin_pair(TCP4, &t, fd);
    repeats = 0;
    stuff(&t, freed);
    freed->then = free_it;
    CHECK_EQ(put_bytes(&t, &again, big, 1), -EINPROGRESS);
    again.then = write_it_again;
    CHECK_EQ(put_bytes(&t, last, big + 1, 1), -EINPROGRESS);
    last->then = free_it;
    CHECK_EQ(peer_gets(loop, fd[1], 0, BIG), BIG);
    UNTIL(loop, t.done == t.writes);
    CHECK(repeats >= 1);
    CHECK_EQ(peer_gets(loop, fd[1], 0, 2), 2);
    close_all(&t, fd[1]);
}

static void of_one_stream_sixteen_writes_a_turn(void)
{
    enum { FILES = 200 };
    FILE *const file = file_of(FILES);
    static wrote w[FILES + 1];
    size_t place = 0;
    weir_loop *loop;
    talker t;
    int fd[2];

    loop = begin_pair(TCP4, &t, fd);
    stuff(&t, &w[0]);
    for (int i = 0; i < FILES; i++) { /* each is a call of its own */
        weir_write_init_file(&w[i + 1].write, fileno(file), i, 1, on_done);
        CHECK_EQ(put_write(&t, &w[i + 1]), -EINPROGRESS);
    }
    while (place < BIG) { /* the last of it may stand where nobody has taken it yet */
        static char got[65536];
        const unsigned before = t.done;
        ssize_t n;

        (void)weir_loop_turn(loop, weir_clock_after(MS));
        CHECK(t.done - before <= 16);
        n = recv(fd[1], got, BIG - place < sizeof got ? BIG - place : sizeof got, MSG_DONTWAIT);
        place += n > 0 ? (size_t)n : 0;
    }
    while (t.done < FILES + 1) {
        const unsigned before = t.done;

        (void)weir_loop_turn(loop, weir_clock_after(MS));
        CHECK(t.done - before <= 16);
    }
    CHECK_EQ(peer_gets(loop, fd[1], 0, FILES), FILES);
    CHECK(fclose(file) == 0);
    close_all(&t, fd[1]);
}

/* A socket that always has room for a file: whoever reads it is fast. */
static struct {
    int fd;
    size_t bytes; /* that it took */
} bottomless = {-1, 0};

#ifndef SYS_sendfile64 /* where the other has an offset of 64 bits */
#define SYS_sendfile64 SYS_sendfile
#endif

ssize_t bottomless_sendfile(int to, int from, off_t *offset, size_t bytes) __asm__("sendfile");

ssize_t bottomless_sendfile(int to, int from, off_t *offset, size_t bytes)
{
    if (to != bottomless.fd)
        return syscall(sizeof *offset == 8 ? SYS_sendfile64 : SYS_sendfile, to, from, offset,
                       bytes);
    bottomless.bytes += bytes;
    *offset += (off_t)bytes;
    return (ssize_t)bytes;
}

static void a_large_file_does_not_hold_up_the_loop(void)
{
    enum { BYTES = 100 << 20, MOST = 16 << 18 };
    FILE *const file = file_of(1);
    weir_loop *loop;
    wrote w;
    talker t;
    int fd[2];

    CHECK(ftruncate(fileno(file), BYTES) == 0);
    loop = begin_pair(PAIR, &t, fd);
    bottomless.fd = fd[0];
    weir_write_init_file(&w.write, fileno(file), 0, BYTES, on_done);
    CHECK_EQ(put_write(&t, &w), -EINPROGRESS);
    if (bottomless.bytes == 0)
        test_skip("the library has another sendfile()");
    CHECK(bottomless.bytes <= MOST);
    CHECK_EQ(weir_stream_queued(&t.stream), BYTES - bottomless.bytes);
    for (unsigned i = 0; bottomless.bytes != 0 && i < BYTES / MOST; i++) {
        const size_t before = bottomless.bytes;

        (void)weir_loop_turn(loop, 0);
        CHECK(bottomless.bytes - before <= MOST);
    }
    CHECK(bottomless.bytes == 0 || (t.done == 1 && w.status == 0));
    bottomless.fd = -1;
    CHECK(fclose(file) == 0);
    close_all(&t, fd[1]);
}

/* Of three that one system call has written the first one's end closes the stream. */
static void what_is_written_is_not_cancelled(void)
{
    weir_loop *const loop = make(NULL);
    char bytes[64];
    size_t before = 0;
    wrote w[3];
    ssize_t n;
    talker t;
    int fd[2];

    CHECK(pair_of(PAIR, fd));
    open_socket(&t, loop, fd[0]);
    while ((n = QUIET(weir_stream_try_write(&t.stream, big, 4096))) > 0)
        before += (size_t)n;
    CHECK_EQ(n, -EAGAIN);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(put_bytes(&t, &w[i], big + i * 10, 10), -EINPROGRESS);
    w[0].then = close_its_stream;
    for (; before != 0; before -= (size_t)n) {
        n = read(fd[1], bytes, before < sizeof bytes ? before : sizeof bytes);
        CHECK(n > 0);
    }
    run_to_the_end(loop);
    CHECK(t.closes == 1 && t.done == 3);
    for (unsigned i = 0; i < 3; i++)
        CHECK(w[i].place == i + 1 && w[i].status == 0);
    CHECK_EQ(read(fd[1], bytes, sizeof bytes), 30);
    check_bytes(bytes, 30, 0);
    CHECK(close(fd[1]) == 0);
    end(loop);
}

int main(void)
{
    make_big();
    return TEST_RUN("stream_queue", TEST_CASE(it_is_full_above_its_high_mark),
                    TEST_CASE(drained_is_told_at_the_low_mark), TEST_CASE(drained_may_write_again),
                    TEST_CASE(done_may_free_the_write_and_write_it_again),
                    TEST_CASE(what_is_written_is_not_cancelled),
                    TEST_CASE(of_one_stream_sixteen_writes_a_turn),
                    TEST_CASE(a_large_file_does_not_hold_up_the_loop));
}
