/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/poll.h: several descriptors in one turn, which are stopped, closed, and opened anew; what is
 * refused; and connections at random. */

#include "loop.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum { BOTH = WEIR_POLL_READ | WEIR_POLL_WRITE };

/* ---- several in one turn ---- */

enum { MANY = 200 };

static thing many[MANY];
static int many_ends[MANY][2];

static void stop_all_others(thing *t)
{
    for (int i = 0; i < MANY; i++)
        if (&many[i] != t) {
            CHECK(weir_poll_stop(&many[i].poll));
            memset(&many[i].poll, 0xff, sizeof many[i].poll);
            CHECK(close(many_ends[i][0]) == 0);
        }
}

static unsigned calls_of_many(void)
{
    unsigned sum = 0;

    for (int i = 0; i < MANY; i++)
        sum += many[i].calls;
    return sum;
}

/* By the kernel, and again. */
static void a_watcher_stopped_by_another_in_the_same_batch_is_not_called(void)
{
    for (int again = 0; again < 2; again++) {
        weir_loop *const loop = make(NULL);

        for (int i = 0; i < MANY; i++) {
            make_pair(many_ends[i]);
            many[i] = thing_of(loop, 0, again != 0 ? NULL : stop_all_others);
            thing_poll(&many[i], many_ends[i][0], WEIR_POLL_READ);
            put(many_ends[i][1], "a");
        }
        if (again != 0) {
            turn_with_work(loop);
            CHECK_EQ(calls_of_many(), MANY);
            for (int i = 0; i < MANY; i++) {
                many[i].calls = 0;
                many[i].then = stop_all_others;
                weir_poll_again(&many[i].poll, WEIR_POLL_READ);
            }
        }
        turn_with_work(loop);
        turn_for_nothing(loop);
        CHECK_EQ(calls_of_many(), 1);
        for (int i = 0; i < MANY; i++) {
            if (many[i].calls != 0) {
                CHECK(weir_poll_stop(&many[i].poll));
                CHECK(close(many_ends[i][0]) == 0);
            }
            CHECK(close(many_ends[i][1]) == 0);
        }
        end(loop);
    }
}

static thing *victim;
static int fresh_ends[2];

/* The same number, the same memory. */
static void replace_the_other(thing *t)
{
    thing *const other = t->other;
    const int number = other->poll.fd;

    other->then = t->then = NULL;
    CHECK(weir_poll_stop(&other->poll));
    CHECK(close(number) == 0);
    make_pair(fresh_ends);
    if (fresh_ends[0] != number) {
        CHECK_EQ(dup2(fresh_ends[0], number), number);
        CHECK(close(fresh_ends[0]) == 0);
        fresh_ends[0] = number;
    }
    victim = other;
    thing_poll(other, number, WEIR_POLL_READ);
}

static void a_new_fd_with_an_old_number_gets_no_event_of_the_old_one(void)
{
    weir_loop *const loop = make(NULL);
    thing t[2];
    int ends[2][2];

    for (int i = 0; i < 2; i++) {
        make_pair(ends[i]);
        t[i] = thing_of(loop, 'f', replace_the_other);
        t[i].other = &t[1 - i];
        thing_poll(&t[i], ends[i][0], WEIR_POLL_READ);
        put(ends[i][1], "a");
    }
    turn_with_work(loop);
    turn_for_nothing(loop);
    CHECK_SAID("f");
    CHECK_EQ(victim->calls, 0);
    put(fresh_ends[1], "b");
    turn_with_work(loop);
    CHECK_EQ(victim->calls, 1);
    for (int i = 0; i < 2; i++) {
        CHECK(weir_poll_stop(&t[i].poll));
        CHECK(close(ends[i][0]) == 0 && close(ends[i][1]) == 0);
    }
    CHECK(close(fresh_ends[1]) == 0);
    end(loop);
}

static void more_ready_fds_than_one_batch_are_all_served_in_turn(void)
{
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    const unsigned budgets[] = {1, 7, 0};

    for (unsigned b = 0; b < 3; b++) {
        const unsigned budget = budgets[b] != 0 ? budgets[b] : 256;
        weir_loop *loop;

        options.events = budgets[b];
        loop = make(&options);
        for (int i = 0; i < MANY; i++) {
            make_pair(many_ends[i]);
            many[i] = thing_of(loop, 0, NULL);
            thing_poll(&many[i], many_ends[i][0], WEIR_POLL_READ | WEIR_POLL_LEVEL);
            put(many_ends[i][1], "a");
        }
        for (unsigned turns = 0; turns < 2 * MANY; turns++) {
            const unsigned before = calls_of_many();
            unsigned least = UINT_MAX, most = 0;

            CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
            CHECK_EQ(calls_of_many() - before, budget < MANY ? budget : MANY);
            for (int i = 0; i < MANY; i++) {
                least = many[i].calls < least ? many[i].calls : least;
                most = many[i].calls > most ? many[i].calls : most;
            }
            CHECK(most - least <= 1);
        }
        for (int i = 0; i < MANY; i++) {
            CHECK(weir_poll_stop(&many[i].poll));
            close_pair(many_ends[i]);
        }
        end(loop);
    }
}

/* ---- what is refused ---- */

static void a_second_watcher_for_one_fd_is_refused(void)
{
    weir_loop *const loop = make(NULL), *const other = make(NULL);
    thing a = thing_of(loop, 'a', NULL), b = thing_of(loop, 'b', NULL),
          c = thing_of(other, 'c', NULL);
    const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC), twin = dup(fd);

    thing_poll(&a, fd, WEIR_POLL_READ);
    weir_poll_init(&b.poll, loop, fd, thing_ready);
    CHECK_EQ(weir_poll_start(&b.poll, WEIR_POLL_READ), -EEXIST);
    thing_poll(&b, twin, WEIR_POLL_READ); /* dup(2) makes two of it */
    thing_poll(&c, fd, WEIR_POLL_READ);   /* and another loop is another */
    turn_with_work(loop);
    turn_with_work(other);
    CHECK(a.calls == 1 && b.calls == 1 && c.calls == 1);
    CHECK(weir_poll_stop(&a.poll) && weir_poll_stop(&b.poll) && weir_poll_stop(&c.poll));
    thing_poll(&b, fd, WEIR_POLL_READ);
    turn_with_work(loop);
    CHECK_EQ(b.calls, 2);
    CHECK(weir_poll_stop(&b.poll));
    CHECK(close(fd) == 0 && close(twin) == 0);
    end(loop);
    end(other);
}

static void what_cannot_be_waited_for_is_refused(void)
{
    static const int bad[] = {-1, INT_MAX, INT_MAX / 2};
    weir_loop *loop;
    FILE *const file = tmpfile();
    const int directory = open("/", O_RDONLY | O_CLOEXEC);
    size_t before;
    thing t;

    test_alloc_fail_at(0);
    loop = make(NULL);
    t = thing_of(loop, 'f', NULL);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        weir_poll_init(&t.poll, loop, bad[i], thing_ready);
        CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ), -EBADF);
    }
    if (file != NULL) {
        weir_poll_init(&t.poll, loop, fileno(file), thing_ready);
        CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ), -EPERM);
        fclose(file);
    }
    weir_poll_init(&t.poll, loop, directory, thing_ready);
    CHECK_EQ(weir_poll_start(&t.poll, BOTH), -EPERM);
    for (unsigned wanted = 8; wanted < 256; wanted *= 2)
        if (wanted != WEIR_POLL_LEVEL)
            CHECK_EQ(weir_poll_start(&t.poll, wanted), -EINVAL);
    /* No table up to such a number, nor one of failures. */
    before = test_alloc_live;
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(weir_poll_start(&t.poll, BOTH), -EPERM);
    CHECK_EQ(test_alloc_live, before);
    CHECK(before < 200000);
    CHECK(!weir_loop_alive(loop));
    turn_for_nothing(loop);
    CHECK(close(directory) == 0);
    end(loop);
    CHECK_EQ(test_alloc_live, 0);
}

/* Each time that the table grows. */
static void without_memory_a_start_says_so_and_works_later(void)
{
    weir_loop *loop;
    thing t[40];
    int fds[40];

    test_alloc_fail_at(0);
    loop = make(NULL);
    for (int i = 0; i < 40; i++) {
        int status;

        fds[i] = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
        CHECK(fds[i] >= 0);
        t[i] = thing_of(loop, 0, NULL);
        weir_poll_init(&t[i].poll, loop, fds[i], thing_ready);
        test_alloc_fail_nr = test_alloc_calls + 1;
        status = weir_poll_start(&t[i].poll, WEIR_POLL_READ);
        test_alloc_fail_nr = 0;
        if (status != 0) {
            CHECK_EQ(status, -ENOMEM);
            CHECK(!weir_poll_is_started(&t[i].poll));
            CHECK_EQ(weir_poll_start(&t[i].poll, WEIR_POLL_READ), 0);
        }
    }
    turn_with_work(loop);
    for (int i = 0; i < 40; i++) {
        CHECK_EQ(t[i].calls, 1);
        CHECK(weir_poll_stop(&t[i].poll));
        CHECK(close(fds[i]) == 0);
    }
    end(loop);
    CHECK_EQ(test_alloc_live, 0);
}

static void the_table_is_used_again(void)
{
    weir_loop *loop;
    size_t calls = 0;

    test_alloc_fail_at(0);
    loop = make(NULL);
    for (int i = 0; i < 50; i++) {
        make_pair(many_ends[i]);
        put(many_ends[i][1], "a");
    }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 50; i++) {
            const int j = (i * 7 + round) % 50;

            many[j] = thing_of(loop, 0, NULL);
            thing_poll(&many[j], many_ends[j][0], WEIR_POLL_READ);
        }
        calls = round == 0 ? test_alloc_calls : calls;
        CHECK_EQ(test_alloc_calls, calls);
        turn_with_work(loop);
        for (int i = 0; i < 50; i++) {
            CHECK_EQ(many[i].calls, 1);
            CHECK(weir_poll_stop(&many[(i * 3 + round) % 50].poll));
        }
    }
    for (int i = 0; i < 50; i++)
        close_pair(many_ends[i]);
    end(loop);
}

/* ---- descriptors that are closed, and copied ---- */

static void closing_before_the_first_round_is_enough(void)
{
    weir_loop *const loop = make(NULL);

    for (int i = 0; i < 64; i++) {
        make_pair(many_ends[i]);
        many[i] = thing_of(loop, 'f', NULL);
        thing_poll(&many[i], many_ends[i][0], BOTH);
        put(many_ends[i][1], "a");
    }
    for (int i = 0; i < 64; i++) {
        CHECK(weir_poll_stop(&many[i].poll));
        close_pair(many_ends[i]);
    }
    turn_for_nothing(loop);
    CHECK_SAID("");
    end(loop);
}

static void stopping_after_the_fd_was_closed_is_harmless(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'f', NULL), u = thing_of(loop, 'g', NULL);
    int ends[2];

    make_pair(ends);
    thing_poll(&t, ends[0], WEIR_POLL_READ | WEIR_POLL_LEVEL);
    put(ends[1], "a");
    CHECK(close(ends[0]) == 0);
    turn_for_nothing(loop);
    CHECK(weir_loop_alive(loop));
    CHECK(weir_poll_stop(&t.poll));
    CHECK(close(ends[1]) == 0);
    make_pair(ends);
    thing_poll(&u, ends[0], WEIR_POLL_READ);
    put(ends[1], "a");
    turn_with_work(loop);
    CHECK_SAID("g");
    CHECK(weir_poll_stop(&u.poll));
    close_pair(ends);
    end(loop);
}

/* The kernel goes by what is open, not by its numbers. */
static void a_stopped_watcher_of_a_dupped_fd_does_not_spin_the_loop(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'f', NULL);
    int ends[2], twin;
    uint64_t sleeps;

    make_pair(ends);
    twin = dup(ends[0]);
    thing_poll(&t, ends[0], WEIR_POLL_READ | WEIR_POLL_LEVEL);
    put(ends[1], "a");
    turn_with_work(loop);
    CHECK(weir_poll_stop(&t.poll));
    CHECK(close(ends[0]) == 0);
    sleeps = numbers_of(loop).sleeps;
    CHECK_EQ(weir_loop_turn(loop, weir_clock_after(2 * MS)), -ETIMEDOUT);
    CHECK(numbers_of(loop).sleeps - sleeps <= 2);
    CHECK_SAID("f");
    ends[0] = twin;
    close_pair(ends);
    end(loop);
}

static void an_epoll_can_be_watched(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'f', NULL);
    const int set = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(1, EFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};

    thing_poll(&t, set, WEIR_POLL_READ);
    CHECK(weir_loop_alive(loop));
    turn_for_nothing(loop);
    CHECK(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
    turn_with_work(loop);
    CHECK_EQ(t.ready, WEIR_POLL_READ);
    CHECK(weir_poll_stop(&t.poll));
    CHECK(close(set) == 0 && close(fd) == 0);
    end(loop);
}

/* ---- at random ---- */

enum { CONNECTIONS = 10, BYTES = 65536 };

typedef struct side {
    weir_poll poll;
    weir_timer pause;
    uint64_t *random;
    unsigned wanted; /* of all that it may want now, without LEVEL */
    unsigned level;
    unsigned sent, got;
    bool ended;
} side;

static unsigned draw(uint64_t *random, unsigned n)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (unsigned)(*random >> 33) % n;
}

static unsigned char pattern(unsigned i)
{
    return (unsigned char)(i * 7 + i / 251);
}

/* Returns: whether there is nothing more to read now. */
static bool read_some(side *s)
{
    unsigned char bytes[2000];
    const ssize_t got = read(s->poll.fd, bytes, 1 + draw(s->random, sizeof bytes));

    if (got < 0) {
        CHECK(errno == EAGAIN);
        return true;
    }
    for (ssize_t i = 0; i < got; i++)
        CHECK_EQ(bytes[i], pattern(s->got++));
    s->ended = got == 0;
    return s->ended;
}

static bool write_some(side *s)
{
    unsigned char bytes[2000];
    unsigned n = 1 + draw(s->random, sizeof bytes);
    ssize_t done;

    n = n < BYTES - s->sent ? n : BYTES - s->sent;
    for (unsigned i = 0; i < n; i++)
        bytes[i] = pattern(s->sent + i);
    done = write(s->poll.fd, bytes, n);
    if (done < 0) {
        CHECK(errno == EAGAIN);
        return true;
    }
    s->sent += (unsigned)done;
    if (s->sent == BYTES)
        CHECK(shutdown(s->poll.fd, SHUT_WR) == 0);
    return s->sent == BYTES;
}

static void side_ready(weir_poll *poll, unsigned ready)
{
    side *const s = (side *)(void *)poll;
    unsigned left = 0;

    CHECK((ready & (s->wanted | WEIR_POLL_HANGUP)) != 0);
    CHECK((ready & ~(s->wanted | WEIR_POLL_HANGUP | WEIR_POLL_END)) == 0);
    if (draw(s->random, 4) == 0) {
        left = ready & BOTH; /* somebody has no time */
    } else {
        if ((ready & WEIR_POLL_READ) != 0 && !s->ended && !read_some(s))
            left |= WEIR_POLL_READ;
        if ((ready & WEIR_POLL_WRITE) != 0 && s->sent < BYTES && !write_some(s))
            left |= WEIR_POLL_WRITE;
    }
    s->wanted = (s->ended ? 0 : WEIR_POLL_READ) | (s->sent == BYTES ? 0 : WEIR_POLL_WRITE);
    if (s->wanted == 0) {
        CHECK_EQ(s->got, BYTES);
        CHECK(weir_poll_stop(poll));
        return;
    }
    if (s->level == 0)
        weir_poll_again(poll, left & s->wanted);
    for (int i = 0; i < 2; i++) {
        s->wanted = draw(s->random, 5) != 0 ? s->wanted : s->wanted & draw(s->random, BOTH + 1);
        CHECK_EQ(weir_poll_start(poll, s->wanted | s->level), 0);
    }
    weir_timer_start(&s->pause, 0); /* wants again what it may */
}

static void side_goes_on(weir_timer *timer)
{
    side *const s = (side *)(void *)((char *)timer - offsetof(side, pause));

    if (!weir_poll_is_started(&s->poll))
        return;
    s->wanted = (s->ended ? 0 : WEIR_POLL_READ) | (s->sent == BYTES ? 0 : WEIR_POLL_WRITE);
    CHECK_EQ(weir_poll_start(&s->poll, s->wanted | s->level), 0);
}

static void only_what_was_asked_for_is_reported(void)
{
    static side sides[2 * CONNECTIONS];

    for (uint64_t seed = 1; seed <= 4; seed++) {
        uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15);
        weir_loop *const loop = make(NULL);
        int ends[2];

        printf("seed %u\n", (unsigned)seed);
        for (int i = 0; i < 2 * CONNECTIONS; i++) {
            side *const s = &sides[i];

            if (i % 2 == 0)
                make_pair(ends);
            memset(s, 0, sizeof *s);
            s->random = &random;
            s->wanted = BOTH;
            s->level = draw(&random, 2) * WEIR_POLL_LEVEL;
            weir_poll_init(&s->poll, loop, ends[i % 2], side_ready);
            weir_timer_init(&s->pause, loop, side_goes_on);
            CHECK_EQ(weir_poll_start(&s->poll, BOTH | s->level), 0);
        }
        run_to_the_end(loop);
        for (int i = 0; i < 2 * CONNECTIONS; i++) {
            CHECK(sides[i].ended && sides[i].sent == BYTES && sides[i].got == BYTES);
            CHECK(close(sides[i].poll.fd) == 0);
        }
        end(loop);
    }
}

int main(void)
{
    return TEST_RUN(
        "poll_many", TEST_CASE(a_watcher_stopped_by_another_in_the_same_batch_is_not_called),
        TEST_CASE(a_new_fd_with_an_old_number_gets_no_event_of_the_old_one),
        TEST_CASE(more_ready_fds_than_one_batch_are_all_served_in_turn),
        TEST_CASE(a_second_watcher_for_one_fd_is_refused),
        TEST_CASE(what_cannot_be_waited_for_is_refused),
        TEST_CASE(without_memory_a_start_says_so_and_works_later),
        TEST_CASE(the_table_is_used_again), TEST_CASE(closing_before_the_first_round_is_enough),
        TEST_CASE(stopping_after_the_fd_was_closed_is_harmless),
        TEST_CASE(a_stopped_watcher_of_a_dupped_fd_does_not_spin_the_loop),
        TEST_CASE(an_epoll_can_be_watched), TEST_CASE(only_what_was_asked_for_is_reported));
}
