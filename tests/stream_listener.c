/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stream.h: listeners, and what they accept. Limits and errors are in tests/stream_accept.c.
 */

#include "stream_listener.h"

#include <sys/stat.h>

/* ---- connections ---- */

static void connections_are_accepted(void)
{
    for (int kind = TCP4; kind <= UNIX; kind++) {
        int clients[10];
        weir_loop *loop;
        char byte = 0;
        host h;

        loop = host_of(&h, (pair_kind)kind, 0);
        if (loop == NULL)
            continue;
        CHECK(weir_loop_alive(loop));
        CHECK_EQ(weir_loop_free(loop), -EBUSY);
        CHECK((fcntl(weir_listener_fd(&h.listener), F_GETFD) & FD_CLOEXEC) != 0);
        idle_turns(loop);
        connect_to(&h, clients, 5);
        UNTIL(loop, h.count == 5);
        connect_to(&h, clients + 5, 5);
        UNTIL(loop, h.count == 10);
        check_that_it_sleeps(loop);
        for (unsigned i = 0; i < 10; i++) { /* in order */
            byte = (char)('a' + i);
            CHECK_EQ(write(clients[i], &byte, 1), 1);
        }
        for (unsigned i = 0; i < 10; i++) {
            talker t;

            open_socket(&t, loop, h.fds[i]);
            t.checked = 0;
            start_reading(&t);
            UNTIL(loop, t.bytes == 1);
            CHECK_EQ(t.first[0], 'a' + (int)i);
            shut_it(&t);
            UNTIL(loop, t.closes == 1);
        }
        close_host(&h);
        CHECK_EQ(QUIET(weir_listener_close(&h.listener)), -EALREADY);
        CHECK_EQ(weir_listener_fd(&h.listener), -1);
        CHECK_EQ(h.failures, 0);
        close_fds(clients, 10);
        end(loop);
    }
}

static void port_zero_gives_a_port_and_two_give_two(void)
{
    weir_loop *const loop = make(NULL);
    struct sockaddr_in a, b;
    socklen_t length = sizeof a;
    host first, second;
    int client;

    CHECK_EQ(host_at(&first, loop, TCP4, false, 0), 0);
    CHECK_EQ(host_at(&second, loop, TCP4, false, 0), 0);
    CHECK(getsockname(weir_listener_fd(&first.listener), (struct sockaddr *)&a, &length) == 0);
    CHECK(getsockname(weir_listener_fd(&second.listener), (struct sockaddr *)&b, &length) == 0);
    CHECK(a.sin_port != 0 && b.sin_port != 0 && a.sin_port != b.sin_port);
    connect_to(&second, &client, 1);
    UNTIL(loop, second.count == 1);
    idle_turns(loop);
    CHECK_EQ(first.count, 0);
    close_host(&first);
    close_host(&second);
    close_fds(&client, 1);
    close_fds(second.fds, 1);
    end(loop);
}

static void an_address_in_use_is_told_by_the_first_call_that_knows(void)
{
    for (int kind = TCP4; kind <= UNIX; kind++) {
        struct sockaddr_storage address;
        socklen_t length = sizeof address;
        weir_loop *loop;
        host first, second;
        int client;

        loop = host_of(&first, (pair_kind)kind, 0);
        if (loop == NULL)
            continue;
        CHECK(getsockname(weir_listener_fd(&first.listener), (struct sockaddr *)&address,
                          &length) == 0);
        forget_host(&second, loop);
        CHECK_EQ(weir_listener_open(&second.listener, loop, (struct sockaddr *)&address, length, 1,
                                    false, 0, &calls),
                 -EADDRINUSE);
        connect_to(&first, &client, 1); /* which goes on */
        UNTIL(loop, first.count == 1);
        close_host(&first);
        close_fds(&client, 1);
        close_fds(first.fds, 1);
        end(loop);
    }
}

static void wrong_addresses_are_refused_at_once(void)
{
    weir_loop *const loop = make(NULL);
    const int first = dup(0);
    struct sockaddr_in address;
    struct sockaddr_un missing;
    host h;

    CHECK(first >= 0 && close(first) == 0);
    memset(&address, 0, sizeof address);
    memset(&missing, 0, sizeof missing);
    forget_host(&h, loop);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(UINT32_C(0xc0000201)); /* 192.0.2.1: nobody's */
    CHECK_EQ(weir_listener_open(&h.listener, loop, (struct sockaddr *)&address, sizeof address, 1,
                                false, 0, &calls),
             -EADDRNOTAVAIL);
    CHECK_EQ(weir_listener_close(&h.listener), -EALREADY);
    CHECK_EQ(weir_listener_fd(&h.listener), -1);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ(
        weir_listener_open(&h.listener, loop, (struct sockaddr *)&address, 3, 1, false, 0, &calls),
        -EINVAL);
    address.sin_family = 9999;
    CHECK_EQ(weir_listener_open(&h.listener, loop, (struct sockaddr *)&address, sizeof address, 1,
                                false, 0, &calls),
             -EAFNOSUPPORT);
    missing.sun_family = AF_UNIX;
    strcpy(missing.sun_path, "/nonexistent/directory/socket");
    CHECK_EQ(weir_listener_open(&h.listener, loop, (struct sockaddr *)&missing, sizeof missing, 1,
                                false, 0, &calls),
             -ENOENT);
    CHECK_EQ(weir_listener_adopt(&h.listener, loop, -1, 0, &calls), -EBADF);
    CHECK_EQ(dup(0), first); /* none is left */
    CHECK(close(first) == 0);
    end(loop);
}

static void a_path_is_bound_whole_and_stays(void)
{
    char directory[] = "/tmp/weir-stream-XXXXXX";
    weir_loop *const loop = make(NULL);
    struct sockaddr_un address;
    struct stat status;
    host h, second;
    int client;

    CHECK(mkdtemp(directory) != NULL);
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", directory);
    forget_host(&h, loop);
    CHECK_EQ(QUIET(weir_listener_open(&h.listener, loop, (struct sockaddr *)&address,
                                      sizeof address, 8, false, 0, &calls)),
             0);
    /* One in use is not taken away. */
    forget_host(&second, loop);
    CHECK_EQ(weir_listener_open(&second.listener, loop, (struct sockaddr *)&address, sizeof address,
                                8, false, 0, &calls),
             -EADDRINUSE);
    CHECK(stat(address.sun_path, &status) == 0 && S_ISSOCK(status.st_mode));
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
    UNTIL(loop, h.count == 1);
    close_host(&h);
    CHECK(stat(address.sun_path, &status) == 0); /* whoever made it unlinks it */
    CHECK(unlink(address.sun_path) == 0 && rmdir(directory) == 0);
    close_fds(&client, 1);
    close_fds(h.fds, 1);
    end(loop);
}

/* One that fills the structure, without a zero behind it, is bound as it is. */
static void a_path_too_long_is_refused_not_cut(void)
{
    char directory[] = "/tmp/weir-stream-XXXXXX", path[sizeof(struct sockaddr_un)];
    weir_loop *const loop = make(NULL);
    struct {
        struct sockaddr_un address;
        char more[8];
    } longer;
    const size_t most = sizeof longer.address.sun_path;
    struct stat status;
    host h;

    CHECK(mkdtemp(directory) != NULL);
    memset(&longer, 0, sizeof longer);
    memset(path, 'x', most);
    path[most] = '\0';
    memcpy(path, directory, strlen(directory));
    path[strlen(directory)] = '/';
    longer.address.sun_family = AF_UNIX;
    memcpy(longer.address.sun_path, path, most);
    forget_host(&h, loop);
    CHECK_EQ(weir_listener_open(&h.listener, loop, (struct sockaddr *)&longer.address,
                                sizeof longer.address + 1, 8, false, 0, &calls),
             -EINVAL);
    CHECK(stat(path, &status) != 0);
    CHECK_EQ(weir_listener_open(&h.listener, loop, (struct sockaddr *)&longer.address,
                                sizeof longer.address, 8, false, 0, &calls),
             0);
    CHECK(stat(path, &status) == 0 && S_ISSOCK(status.st_mode));
    close_host(&h);
    CHECK(unlink(path) == 0 && rmdir(directory) == 0);
    end(loop);
}

static void an_fd_of_the_users_can_be_taken_over(void)
{
    weir_loop *const loop = make(NULL);
    int fd = listening(UNIX), early = connected_to(fd), late, flags;
    host h, second;

    forget_host(&h, loop);
    CHECK_EQ(QUIET(weir_listener_adopt(&h.listener, loop, fd, 0, &calls)), 0);
    CHECK_EQ(weir_listener_fd(&h.listener), fd);
    flags = fcntl(fd, F_GETFL);
    CHECK((flags & O_NONBLOCK) != 0);
    CHECK_EQ(h.count, 0);
    UNTIL(loop, h.count == 1); /* who was there before */
    late = connected_to(fd);
    UNTIL(loop, h.count == 2);
    forget_host(&second, loop);
    CHECK_EQ(QUIET(weir_listener_adopt(&second.listener, loop, fd, 0, &calls)), -EEXIST);
    close_host(&h);
    CHECK_EQ(fcntl(fd, F_GETFL), -1);
    close_fds(&early, 1);
    close_fds(&late, 1);
    close_fds(h.fds, 2);
    end(loop);
}

static void a_listener_without_memory_is_not_opened(void)
{
    unsigned failures = 0;
    int status = -ENOMEM;

    for (size_t nr = 1; status != 0; nr++) {
        weir_loop *loop;
        host h;

        test_alloc_fail_at(0);
        loop = make(NULL);
        test_alloc_calls = 0;
        test_alloc_fail_nr = nr;
        status = host_at(&h, loop, TCP4, false, 0);
        test_alloc_fail_nr = 0;
        if (status == 0)
            close_host(&h);
        else
            CHECK_EQ(status, -ENOMEM);
        failures += status != 0;
        CHECK(failures < 100);
        end(loop);
    }
    CHECK(failures > 0);
    CHECK_EQ(test_alloc_live, 0);
}

static void two_loops_share_a_port_by_reuseport(void)
{
    enum { CLIENTS = 40 };
    weir_loop *const one = make(NULL), *const other = make(NULL);
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int clients[CLIENTS];
    host a, b, c;

    CHECK_EQ(host_at(&a, one, TCP4, true, 0), 0);
    CHECK(getsockname(weir_listener_fd(&a.listener), (struct sockaddr *)&address, &length) == 0);
    forget_host(&b, other);
    CHECK_EQ(weir_listener_open(&b.listener, other, (struct sockaddr *)&address, length, 128, true,
                                0, &calls),
             0);
    forget_host(&c, other); /* who does not share gets nothing */
    CHECK_EQ(weir_listener_open(&c.listener, other, (struct sockaddr *)&address, length, 128, false,
                                0, &calls),
             -EADDRINUSE);
    connect_to(&a, clients, CLIENTS);
    while (a.count + b.count < CLIENTS) {
        (void)weir_loop_turn(one, weir_clock_after(MS));
        (void)weir_loop_turn(other, 0);
    }
    CHECK_EQ(a.count + b.count, CLIENTS);
    close_host(&a);
    close_host(&b);
    close_fds(clients, CLIENTS);
    close_fds(a.fds, a.count);
    close_fds(b.fds, b.count);
    end(one);
    end(other);
}

static void how_it_shares_its_port(void)
{
    for (int share = 0; share < 2; share++) {
        weir_loop *const loop = make(NULL);
        int address = 0, port = 0;
        socklen_t length = sizeof port;
        host h;

        CHECK_EQ(host_at(&h, loop, TCP4, share, 0), 0);
        CHECK(getsockopt(weir_listener_fd(&h.listener), SOL_SOCKET, SO_REUSEADDR, &address,
                         &length) == 0);
        CHECK(getsockopt(weir_listener_fd(&h.listener), SOL_SOCKET, SO_REUSEPORT, &port, &length) ==
              0);
        CHECK(address != 0 && (port != 0) == (share != 0));
        close_host(&h);
        end(loop);
    }
}

static void a_closed_listener_resets_who_was_not_accepted(void)
{
    weir_loop *loop;
    char byte;
    int clients[2];
    host h;

    loop = host_of(&h, TCP4, 0);
    connect_to(&h, clients, 2);
    close_host(&h);
    for (int i = 0; i < 2; i++)
        CHECK(read(clients[i], &byte, 1) < 0 && errno == ECONNRESET);
    idle_turns(loop);
    CHECK_EQ(h.count, 0);
    close_fds(clients, 2);
    end(loop);
}

int main(void)
{
    return TEST_RUN(
        "stream_listener", TEST_CASE(connections_are_accepted),
        TEST_CASE(port_zero_gives_a_port_and_two_give_two),
        TEST_CASE(an_address_in_use_is_told_by_the_first_call_that_knows),
        TEST_CASE(wrong_addresses_are_refused_at_once), TEST_CASE(a_path_is_bound_whole_and_stays),
        TEST_CASE(a_path_too_long_is_refused_not_cut),
        TEST_CASE(an_fd_of_the_users_can_be_taken_over),
        TEST_CASE(a_listener_without_memory_is_not_opened),
        TEST_CASE(two_loops_share_a_port_by_reuseport), TEST_CASE(how_it_shares_its_port),
        TEST_CASE(a_closed_listener_resets_who_was_not_accepted));
}
