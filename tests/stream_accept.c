/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stream.h: listeners: their limits, errors of accept, and closes in its callback. */

#include "stream_listener.h"

#include <sys/resource.h>
#include <sys/syscall.h>

/* The library's accept4() is this one. */
static int next_error; /* of the next call; 0: none */

int accept_or_fail(int fd, struct sockaddr *address, socklen_t *length,
                   int flags) __asm__("accept4");

int accept_or_fail(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    if (next_error != 0) {
        errno = next_error;
        next_error = 0;
        return -1;
    }
    return (int)syscall(SYS_accept4, fd, address, length, flags);
}

static const weir_listener_calls only_accepted = {on_accepted, NULL};

/* ---- limits ---- */

static void of_one_listener_64_connections_a_turn(void)
{
    static int clients[200];
    weir_loop *loop;
    unsigned turns = 0;
    host h;

    loop = host_of(&h, UNIX, 0);
    connect_to(&h, clients, 200);
    while (h.count < 200) {
        const unsigned before = h.count;

        (void)weir_loop_turn(loop, weir_clock_after(MS));
        CHECK(h.count - before <= 64);
        turns++;
    }
    CHECK(turns >= 4);
    close_host(&h);
    close_fds(clients, 200);
    close_fds(h.fds, 200);
    end(loop);
}

static void no_more_are_accepted_than_may_be_open(void)
{
    for (int kind = TCP4; kind <= UNIX; kind++) {
        int clients[10];
        weir_loop *loop;
        host h;

        loop = host_of(&h, (pair_kind)kind, 3);
        if (loop == NULL)
            continue;
        connect_to(&h, clients, 10);
        UNTIL(loop, h.count == 3);
        check_that_it_sleeps(loop);
        CHECK_EQ(h.count, 3);
        weir_listener_release(&h.listener);
        CHECK_EQ(h.count, 3); /* not from inside */
        UNTIL(loop, h.count == 4);
        check_that_it_sleeps(loop);
        CHECK_EQ(h.count, 4);
        weir_listener_release(&h.listener);
        weir_listener_release(&h.listener);
        weir_listener_release(&h.listener);
        UNTIL(loop, h.count == 7);
        check_that_it_sleeps(loop);
        CHECK_EQ(h.count, 7);
        for (int i = 0; i < 3; i++)
            weir_listener_release(&h.listener);
        UNTIL(loop, h.count == 10);
        weir_listener_release(&h.listener); /* before somebody comes */
        idle_turns(loop);
        clients[0] = (close(clients[0]), connected_to(weir_listener_fd(&h.listener)));
        UNTIL(loop, h.count == 11);
        CHECK_EQ(h.failures, 0);
        close_host(&h);
        close_fds(clients, 10);
        close_fds(h.fds, 11);
        end(loop);
    }
}

static void a_release_too_many_ends_the_process(void)
{
    weir_loop *loop;
    host h;

    loop = host_of(&h, TCP4, 1);
    CHECK_DIES(weir_listener_release(&h.listener), "more releases than connections");
    close_host(&h);
    end(loop);
}

static void release_at_once(host *h, int fd)
{
    (void)fd;
    if (h->count <= 5)
        weir_listener_release(&h->listener);
}

static void a_connection_may_be_released_as_it_comes(void)
{
    int clients[10];
    weir_loop *loop;
    host h;

    loop = host_of(&h, TCP4, 1);
    h.then = release_at_once;
    connect_to(&h, clients, 10);
    UNTIL(loop, h.count == 6);
    check_that_it_sleeps(loop);
    CHECK_EQ(h.count, 6);
    close_host(&h);
    close_fds(clients, 10);
    close_fds(h.fds, 6);
    end(loop);
}

/* ---- when there is something wrong ---- */

static struct rlimit before_less;

static void no_more_descriptors(void)
{
    struct rlimit less;
    const int first = dup(0);

    CHECK(first >= 0 && close(first) == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &before_less) == 0);
    less = before_less;
    less.rlim_cur = (rlim_t)first;
    CHECK(setrlimit(RLIMIT_NOFILE, &less) == 0);
}

static void descriptors_again(void)
{
    CHECK(setrlimit(RLIMIT_NOFILE, &before_less) == 0);
}

static void running_out_of_fds_while_accepting_does_not_spin(void)
{
    for (int released = 0; released < 2; released++) {
        int clients[3];
        weir_loop *loop;
        uint64_t turns;
        host h;

        loop = host_of(&h, TCP4, 100);
        connect_to(&h, clients, 1);
        UNTIL(loop, h.count == 1);
        connect_to(&h, clients + 1, 2);
        no_more_descriptors();
        UNTIL(loop, h.failures == 1);
        CHECK_EQ(h.failed, -EMFILE);
        CHECK_EQ(h.count, 1);
        check_that_it_sleeps(loop);
        /* It tries on, and does not say so again. */
        turns = numbers_of(loop).turns;
        (void)weir_loop_run(loop, WEIR_LOOP_STOPPED, weir_clock_after(110 * (uint64_t)MS));
        CHECK(numbers_of(loop).turns - turns < 15);
        CHECK_EQ(h.failures, 1);
        CHECK(weir_loop_alive(loop));
        if (released) { /* which is a reason to try at once */
            const uint64_t now = weir_clock_now();

            (void)weir_loop_turn(loop, now);
            weir_listener_release(&h.listener);
            descriptors_again();
            for (int i = 0; i < 3; i++)
                (void)weir_loop_turn(loop, 0);
            CHECK_EQ(h.count, 3);
        } else {
            descriptors_again();
            UNTIL(loop, h.count == 3);
        }
        CHECK_EQ(h.failures, 1);
        /* The next time it is news. */
        clients[0] = (close(clients[0]), connected_to(weir_listener_fd(&h.listener)));
        no_more_descriptors();
        UNTIL(loop, h.failures == 2);
        descriptors_again();
        UNTIL(loop, h.count == 4);
        close_host(&h);
        close_fds(clients, 3);
        close_fds(h.fds, 4);
        end(loop);
    }
}

/* accept(2) says that there is none before it says that nobody waits. */
static void the_last_descriptor_may_be_used(void)
{
    int clients[2];
    weir_loop *loop;
    host h;

    loop = host_of(&h, TCP4, 0);
    (void)weir_loop_turn(loop, weir_clock_after(MS)); /* an old kernel's alarm is a descriptor */
    connect_to(&h, clients, 1);
    clients[1] = dup(0);
    no_more_descriptors();
    close_fds(clients + 1, 1);
    UNTIL(loop, h.count == 1);
    idle_turns(loop);
    CHECK_EQ(h.failures, 0);
    descriptors_again();
    connect_to(&h, clients + 1, 1); /* whose edge is not lost */
    UNTIL(loop, h.count == 2);
    close_host(&h);
    close_fds(clients, 2);
    close_fds(h.fds, 2);
    end(loop);
}

/* What became of somebody who is in the queue no more is nobody's concern. */
static void an_error_of_one_connection_is_passed_over(void)
{
    static const int passing[] = {EINTR,     ECONNABORTED, EPROTO,     ENETDOWN,    ENOPROTOOPT,
                                  EHOSTDOWN, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM};
    static const int lasting[] = {ENFILE, ENOBUFS, ENOMEM, EMFILE};
    weir_loop *loop;
    unsigned count = 0;
    host h;

    loop = host_of(&h, TCP4, 0);
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        const int client = connected_to(weir_listener_fd(&h.listener));

        next_error = passing[i];
        UNTIL(loop, h.count == count + 1);
        count++;
        CHECK(next_error == 0 && h.failures == 0);
        CHECK(close(client) == 0);
    }
    for (size_t i = 0; i < sizeof lasting / sizeof lasting[0]; i++) {
        const int client = connected_to(weir_listener_fd(&h.listener));

        next_error = lasting[i];
        UNTIL(loop, h.failures == i + 1);
        CHECK(h.count == count && h.failed == -lasting[i]);
        weir_listener_release(&h.listener); /* after which it is tried again */
        UNTIL(loop, h.count == count + 1);
        count++;
        CHECK(close(client) == 0);
    }
    close_host(&h);
    close_fds(h.fds, count);
    end(loop);
}

/* Its timer does not keep the loop, and is stopped. */
static void a_listener_that_is_short_of_something_can_be_closed(void)
{
    int clients[1];
    weir_loop *loop;
    host h;

    loop = host_of(&h, TCP4, 0);
    h.listener.calls = &only_accepted; /* and nobody need be told */
    connect_to(&h, clients, 1);
    no_more_descriptors();
    idle_turns(loop);
    check_that_it_sleeps(loop);
    close_host(&h);
    descriptors_again();
    CHECK_EQ(h.count, 0);
    close_fds(clients, 1);
    end(loop);
}

static void close_then(host *h, int fd)
{
    (void)fd;
    h->open = false;
    CHECK_EQ(QUIET(weir_listener_close(&h->listener)), 0);
}

static void an_error_of_accept_is_told_and_the_listener_can_be_closed_there(void)
{
    for (int closed = 0; closed < 2; closed++) {
        host h;
        weir_loop *const loop = host_of(&h, TCP4, 0);
        const int client = connected_to(weir_listener_fd(&h.listener));

        h.then = closed ? close_then : NULL;
        next_error = EINVAL; /* as of a socket that somebody has shut */
        UNTIL(loop, h.failures == 1);
        CHECK_EQ(h.failed, -EINVAL);
        idle_turns(loop);
        (void)weir_loop_run(loop, WEIR_LOOP_IDLE, weir_clock_after(120 * (uint64_t)MS));
        CHECK(h.failures == 1 && h.count == 0); /* never again */
        if (!closed)
            close_host(&h);
        CHECK(close(client) == 0);
        end(loop);
    }
}

static void what_does_not_listen_is_refused(void)
{
    weir_loop *const loop = make(NULL);
    host h;
    int fd[2];

    CHECK(pair_of(PAIR, fd));
    forget_host(&h, loop);
    CHECK_EQ(QUIET(weir_listener_adopt(&h.listener, loop, fd[0], 0, &calls)), -EINVAL);
    CHECK(!weir_loop_alive(loop));
    close_fds(fd, 2);
    end(loop);
}

static int given;

static void free_it(host *h, int fd)
{
    given = fd;
    h->open = false;
    CHECK_EQ(QUIET(weir_listener_close(&h->listener)), 0);
    memset(h, 0xa5, sizeof *h);
    free(h);
}

/* It calls nobody any more; the connection is its owner's, the others are reset. */
static void freeing_the_listener_in_its_callback_leaves_the_new_connection_open(void)
{
    for (int kind = TCP4; kind <= UNIX; kind++) {
        host *const h = malloc(sizeof *h);
        weir_loop *loop;
        int clients[3], listener;
        char byte = 0;
        ssize_t n;

        CHECK(h != NULL);
        loop = host_of(h, (pair_kind)kind, 0);
        if (loop == NULL) {
            free(h);
            continue;
        }
        listener = weir_listener_fd(&h->listener);
        h->then = free_it;
        connect_to(h, clients, 3);
        run_to_the_end(loop);
        CHECK_EQ(fcntl(listener, F_GETFL), -1);
        CHECK_EQ(write(given, "x", 1), 1);
        CHECK_EQ(read(clients[0], &byte, 1), 1);
        CHECK_EQ(byte, 'x');
        for (int i = 1; i < 3; i++) {
            n = read(clients[i], &byte, 1);
            CHECK(kind == UNIX ? n <= 0 : n < 0 && errno == ECONNRESET);
        }
        close_fds(clients, 3);
        close_fds(&given, 1);
        end(loop);
    }
}

int main(void)
{
    return TEST_RUN("stream_accept", TEST_CASE(of_one_listener_64_connections_a_turn),
                    TEST_CASE(no_more_are_accepted_than_may_be_open),
                    TEST_CASE(a_release_too_many_ends_the_process),
                    TEST_CASE(a_connection_may_be_released_as_it_comes),
                    TEST_CASE(running_out_of_fds_while_accepting_does_not_spin),
                    TEST_CASE(the_last_descriptor_may_be_used),
                    TEST_CASE(an_error_of_one_connection_is_passed_over),
                    TEST_CASE(a_listener_that_is_short_of_something_can_be_closed),
                    TEST_CASE(an_error_of_accept_is_told_and_the_listener_can_be_closed_there),
                    TEST_CASE(what_does_not_listen_is_refused),
                    TEST_CASE(freeing_the_listener_in_its_callback_leaves_the_new_connection_open));
}
