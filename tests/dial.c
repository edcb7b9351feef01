/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/dial.h: connections, and what is told when there is none. The order of attempts is in
 * tests/dial_order.c, what the kernel refuses in tests/dial_trouble.c. */

#include "dial.h"

#include <sys/stat.h>

/* ---- connections ---- */

static void a_name_is_connected_to(void)
{
    static const struct {
        const char *ipv6, *ipv4, *connected;
    } rows[] = {{NULL, "ag", "ag"}, {"Bg", NULL, "Bg"}, {"Ad", "bd cg", "cg"}, {"Ag", "ad", "Ag"}};
    place p = make_place(2, false);
    weir_resolve_options options;
    names n;
    caller c;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].ipv6 != NULL && !has_ipv6())
            continue;
        make_names(&n, &options);
        n.ipv6.addresses = rows[i].ipv6;
        n.ipv4.addresses = rows[i].ipv4;
        make_caller(&c, &p);
        start_name(&c, &p, &options);
        CHECK(weir_loop_alive(p.loop));
        CHECK_EQ(weir_loop_free(p.loop), -EBUSY);
        run_until_done(&c);
        check_connected(&c, rows[i].connected);
        said[0] = '\0';
    }
    end_place(&p);
}

static void the_descriptor_is_for_a_stream(void)
{
    place p = make_place(1, false);
    caller c;
    talker t;
    int other;

    make_caller(&c, &p);
    start_list(&c, "ag");
    run_until_done(&c);
    CHECK_EQ(c.status, 0);
    other = accept(ports_fd[0], NULL, NULL);
    CHECK(other >= 0);
    open_socket(&t, p.loop, c.fd);
    t.checked = 0;
    start_reading(&t);
    put(other, "hello");
    UNTIL(p.loop, t.bytes == 5);
    shut_it(&t);
    UNTIL(p.loop, t.closes == 1);
    CHECK(close(other) == 0);
    end_place(&p);
}

static void an_address_in_numbers_is_a_name(void)
{
    place p = make_place(2, false);
    char port[8];
    caller c;

    snprintf(port, sizeof port, "%u", ntohs(ports['g']));
    make_caller(&c, &p);
    CHECK_EQ(QUIET(weir_dial_name(&c.dial, p.loop, p.pool, "127.0.0.2", port, NULL, WEIR_FOREVER,
                                  on_dialled)),
             0);
    run_until_done(&c);
    check_connected(&c, "bg");
    end_place(&p);
}

/* A family that is said is the only one that is asked for. */
static void one_family_is_one_look_up(void)
{
    static const int families[] = {AF_INET6, AF_INET};
    place p = make_place(2, false);
    weir_resolve_options options;
    struct addrinfo hints;
    struct sockaddr_in6 local;
    names n;
    caller c;

    for (int i = 0; i < 4; i++) {
        const int family = families[i % 2];

        memset(&local, 0, sizeof local);
        memset(&hints, 0, sizeof hints);
        make_names(&n, &options);
        make_caller(&c, &p);
        if (i < 2) {
            hints.ai_family = family;
            options.hints = &hints;
        } else { /* by the local address */
            local.sin6_family = (sa_family_t)family;
            c.options.local = (struct sockaddr *)&local;
            c.options.local_length =
                family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
        }
        start_name(&c, &p, &options);
        run_until_done(&c);
        CHECK_FAILED(&c, -ENOENT);
        CHECK_EQ(c.code, EAI_NONAME);
        CHECK_EQ(number(&n.ipv6.asked), family == AF_INET6);
        CHECK_EQ(number(&n.ipv4.asked), family == AF_INET);
        CHECK_EQ(number(&n.any.asked), 0);
    }
    hints.ai_family = AF_INET6; /* and a local one of IPv4 */
    options.hints = &hints;
    make_caller(&c, &p);
    c.options.local = (struct sockaddr *)&local;
    CHECK_EQ(dial_name(&c, &p, &options, WEIR_FOREVER), -EAFNOSUPPORT);
    hints.ai_family = AF_UNIX;
    make_caller(&c, &p);
    CHECK_EQ(dial_name(&c, &p, &options, WEIR_FOREVER), -EAFNOSUPPORT);
    CHECK(!weir_loop_alive(p.loop));
    end_place(&p);
}

/* ---- what is told when all fail ---- */

static const int *errors; /* of 'a', 'b' and so on */

static int refuse_with(char letter)
{
    return errors[letter - 'a'];
}

static void the_most_telling_error_is_told(void)
{
    static const struct {
        int errors[3], status;
    } rows[] = {{{-ENETUNREACH, -ECONNREFUSED, -EHOSTUNREACH}, -ECONNREFUSED},
                {{-ECONNREFUSED, -ETIMEDOUT, -ENETUNREACH}, -ECONNREFUSED},
                {{-ETIMEDOUT, -ECONNREFUSED, -ENETUNREACH}, -ETIMEDOUT},
                {{-ENETUNREACH, -EHOSTUNREACH, -EADDRNOTAVAIL}, -ENETUNREACH},
                {{-EAFNOSUPPORT, -EADDRNOTAVAIL, -EACCES}, -EACCES},
                {{-ECONNREFUSED, -EMFILE, -ENETUNREACH}, -EMFILE},
                {{-ECONNREFUSED, -ENFILE, -ENOMEM}, -ENFILE},
                {{-ECONNREFUSED, -EACCES, -ENOMEM}, -ENOMEM},
                {{-EHOSTUNREACH, -EACCES, -ENOSPC}, -ENOSPC},
                {{-ENOBUFS, -ECONNREFUSED, -ENFILE}, -ENOBUFS}};
    place p = make_place(1, false);
    caller c;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        errors = rows[i].errors;
        make_caller(&c, &p);
        c.refuse = refuse_with;
        start_list(&c, "ag bg cg");
        run_until_done(&c);
        CHECK_SAID("abc");
        CHECK_FAILED(&c, rows[i].status);
        CHECK_EQ(c.code, 0);
    }
    end_place(&p);
}

static void of_two_look_ups_the_more_telling_one_is_told(void)
{
    static const struct {
        int code6, code4, status, code;
    } rows[] = {{EAI_NONAME, EAI_NONAME, -ENOENT, EAI_NONAME},
                {EAI_NONAME, EAI_AGAIN, -EREMOTEIO, EAI_AGAIN},
                {EAI_AGAIN, EAI_NONAME, -EREMOTEIO, EAI_AGAIN},
                {EAI_FAIL, EAI_NONAME, -EIO, EAI_FAIL}};
    place p = make_place(2, false);
    weir_resolve_options options;
    names n;
    caller c;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_names(&n, &options);
        n.ipv6.code = rows[i].code6;
        n.ipv4.code = rows[i].code4;
        make_caller(&c, &p);
        start_name(&c, &p, &options);
        run_until_done(&c);
        CHECK_FAILED(&c, rows[i].status);
        CHECK_EQ(c.code, rows[i].code);
    }
    make_names(&n, &options); /* an attempt tells more than a look-up */
    n.ipv6.code = EAI_AGAIN;
    n.ipv4.addresses = "ad";
    make_caller(&c, &p);
    start_name(&c, &p, &options);
    run_until_done(&c);
    CHECK_FAILED(&c, -ECONNREFUSED);
    CHECK_EQ(c.code, 0);
    CHECK_SAID("a");
    make_names(&n, &options); /* what has succeeded tells of no error */
    n.ipv6.code = EAI_AGAIN;
    n.ipv4.addresses = "ag";
    make_caller(&c, &p);
    start_name(&c, &p, &options);
    run_until_done(&c);
    check_connected(&c, "ag");
    said[0] = '\0';
    end_place(&p);
}

/* A look-up may find what nobody has asked for. */
static void addresses_of_another_family_are_left_out(void)
{
    place p = make_place(2, false);
    weir_resolve_options options;
    names n;
    caller c;

    make_names(&n, &options);
    n.ipv6.addresses = "ag bg";
    n.ipv4.addresses = "Ag cd";
    make_caller(&c, &p);
    start_name(&c, &p, &options);
    run_until_done(&c);
    CHECK_SAID("c");
    CHECK_FAILED(&c, -ECONNREFUSED);
    make_names(&n, &options); /* and nothing else: there is no address */
    n.ipv6.addresses = "ag";
    n.ipv4.addresses = "ag";
    n.ipv4.cut = true;
    make_caller(&c, &p);
    start_name(&c, &p, &options);
    run_until_done(&c);
    CHECK_FAILED(&c, -ENOENT);
    CHECK_EQ(c.code, EAI_NONAME);
    CHECK_SAID("");
    end_place(&p);
}

/* ---- Unix sockets ---- */

typedef struct corner {
    char directory[32];
    struct sockaddr_un address, missing;
    int listener;
} corner;

static void make_corner(corner *u, int backlog)
{
    memset(u, 0, sizeof *u);
    strcpy(u->directory, "/tmp/weir-dial-XXXXXX");
    CHECK(mkdtemp(u->directory) != NULL);
    u->address.sun_family = u->missing.sun_family = AF_UNIX;
    snprintf(u->address.sun_path, sizeof u->address.sun_path, "%s/socket", u->directory);
    snprintf(u->missing.sun_path, sizeof u->missing.sun_path, "%s/missing", u->directory);
    u->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(u->listener, (struct sockaddr *)&u->address, sizeof u->address) == 0);
    CHECK(listen(u->listener, backlog) == 0);
}

static void end_corner(corner *u)
{
    CHECK(close(u->listener) == 0);
    CHECK(unlink(u->address.sun_path) == 0 && rmdir(u->directory) == 0);
}

/* `second`: another one, or NULL. */
static int dial_unix(caller *c, const struct sockaddr_un *first, const struct sockaddr_un *second)
{
    c->list[0].address = (const struct sockaddr *)first;
    c->list[1].address = (const struct sockaddr *)second;
    c->list[0].length = c->list[1].length = sizeof *first;
    return (int)QUIET(weir_dial_addresses(&c->dial, c->loop, c->list, second != NULL ? 2 : 1,
                                          &c->options, WEIR_FOREVER, on_dialled));
}

static void unix_sockets_are_connected_to(void)
{
    place p = make_place(1, false);
    corner u;
    caller c;

    make_corner(&u, 8);
    make_caller(&c, &p);
    CHECK_EQ(dial_unix(&c, &u.missing, &u.address), 0);
    CHECK_EQ(c.dones, 0); /* it connects at once, and is told later */
    run_until_done(&c);
    CHECK_SAID("uu");
    CHECK(c.status == 0 && c.fd >= 0);
    CHECK(close(c.fd) == 0);
    make_caller(&c, &p);
    CHECK_EQ(dial_unix(&c, &u.missing, NULL), 0);
    run_until_done(&c);
    CHECK_FAILED(&c, -ENOENT);
    CHECK_EQ(c.code, 0);
    said[0] = '\0';
    end_corner(&u);
    end_place(&p);
}

/* connect(2) says EAGAIN, and there is nothing to wait for. */
static void a_unix_socket_whose_backlog_is_full_is_tried_again(void)
{
    place p = make_place(1, true);
    int full, taken;
    corner u;
    caller c;

    make_corner(&u, 0);
    full = connected_to(u.listener);
    make_caller(&c, &p);
    CHECK_EQ(dial_unix(&c, &u.address, NULL), 0);
    turn_with_work(p.loop);
    CHECK_SAID("u");
    move_to(1000 + 249 * (uint64_t)MS);
    turn_for_nothing(p.loop);
    move_to(1000 + 250 * (uint64_t)MS);
    turn_with_work(p.loop);
    CHECK_SAID("u");
    taken = accept(u.listener, NULL, NULL);
    CHECK(taken >= 0 && c.dones == 0);
    move_to(1000 + 500 * (uint64_t)MS);
    turn_with_work(p.loop);
    CHECK_SAID("u");
    CHECK(c.dones == 1 && c.status == 0);
    CHECK(close(c.fd) == 0);
    make_caller(&c, &p); /* the next of the list does not wait for it */
    CHECK_EQ(dial_unix(&c, &u.address, &u.missing), 0);
    turn_with_work(p.loop);
    CHECK_SAID("uu");
    CHECK_EQ(c.dones, 0);
    cancel_dial(&c);
    make_caller(&c, &p); /* nor does it wait for that */
    address_for("as", &c.addresses[1], &c.list[1].length);
    c.list[0].address = (struct sockaddr *)&u.address;
    c.list[0].length = sizeof u.address;
    c.list[1].address = (struct sockaddr *)&c.addresses[1];
    CHECK_EQ(QUIET(weir_dial_addresses(&c.dial, c.loop, c.list, 2, &c.options, WEIR_FOREVER,
                                       on_dialled)),
             0);
    turn_with_work(p.loop);
    CHECK_SAID("ua");
    move_to(1000 + 750 * (uint64_t)MS);
    turn_with_work(p.loop);
    CHECK_SAID("u");
    cancel_dial(&c);
    CHECK(close(full) == 0 && close(taken) == 0);
    end_corner(&u);
    end_place(&p);
}

/* ---- local addresses ---- */

static void a_local_address_is_bound(void)
{
    place p = make_place(1, false);
    struct sockaddr_in6 local, got;
    struct sockaddr_in *const got4 = (struct sockaddr_in *)(void *)&got;
    socklen_t length = sizeof got;
    caller c;
    int port;

    for (int said_port = 0; said_port < 2; said_port++) {
        make_caller(&c, &p);
        address_for("dd", &local, &c.options.local_length);
        port = ((struct sockaddr_in *)(void *)&local)->sin_port;
        if (!said_port)
            ((struct sockaddr_in *)(void *)&local)->sin_port = 0;
        else
            CHECK(close(ports_fd[2]) == 0); /* gives it free */
        c.options.local = (struct sockaddr *)&local;
        c.options.attempt_ns = 1;
        start_list(&c, "Bg as ag");
        run_until_done(&c);
        length = sizeof got;
        CHECK(getsockname(c.fd, (struct sockaddr *)&got, &length) == 0);
        CHECK_EQ(got4->sin_addr.s_addr, ((struct sockaddr_in *)(void *)&local)->sin_addr.s_addr);
        CHECK(got4->sin_port != 0 && (!said_port || got4->sin_port == port));
        check_connected(&c, "ag");
        CHECK_SAID("aa"); /* two at a time from one port; not 'B', of the other family */
        if (said_port)
            open_port('d', &ports_fd[2], -1);
    }
    make_caller(&c, &p);
    address_for("dx", &local, &c.options.local_length);
    ((struct sockaddr_in *)(void *)&local)->sin_addr.s_addr = htonl(UINT32_C(0xc0000201));
    c.options.local = (struct sockaddr *)&local; /* 192.0.2.1: nobody's */
    start_list(&c, "ag");
    run_until_done(&c);
    CHECK_FAILED(&c, -EADDRNOTAVAIL);
    end_place(&p);
}

static int see_no_port(weir_dial *dial, int fd, const struct sockaddr *to, socklen_t length)
{
    struct sockaddr_in local;
    socklen_t bytes = sizeof local;

    (void)dial;
    (void)to;
    (void)length;
    CHECK(getsockname(fd, (struct sockaddr *)&local, &bytes) == 0);
    CHECK(local.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && local.sin_port == 0);
    return 0;
}

/* So more connections than there are ports can go out from one address. */
static void a_port_is_chosen_when_it_is_known_for_whom(void)
{
#ifdef IP_BIND_ADDRESS_NO_PORT
    const int probe = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    const bool has = setsockopt(probe, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes) == 0;
    place p;
    struct sockaddr_in6 local;
    caller c;

    CHECK(close(probe) == 0);
    if (has) {
        p = make_place(1, false);
        make_caller(&c, &p);
        address_for("ag", &local, &c.options.local_length);
        ((struct sockaddr_in *)(void *)&local)->sin_port = 0;
        c.options.local = (struct sockaddr *)&local;
        c.options.prepare = see_no_port;
        start_list(&c, "ag");
        run_until_done(&c);
        check_connected(&c, "ag");
        end_place(&p);
        return;
    }
#endif
    test_skip("no IP_BIND_ADDRESS_NO_PORT");
}

static void of_another_family_than_the_local_one_nothing_is_tried(void)
{
    place p = make_place(1, false);
    struct sockaddr_in6 local;
    caller c;

    make_caller(&c, &p);
    address_for("Ax", &local, &c.options.local_length);
    c.options.local = (struct sockaddr *)&local;
    start_list(&c, "ag bg");
    run_until_done(&c);
    CHECK_FAILED(&c, -EAFNOSUPPORT);
    if (has_ipv6()) { /* of which the kernel would say something else */
        make_caller(&c, &p);
        address_for("ax", &local, &c.options.local_length);
        c.options.local = (struct sockaddr *)&local;
        start_list(&c, "Ag");
        run_until_done(&c);
        CHECK_FAILED(&c, -EAFNOSUPPORT);
    }
    CHECK_SAID("");
    end_place(&p);
}

/* From a port to the same one: both ends would be one socket. */
static void a_connection_with_oneself_is_refused(void)
{
    place p = make_place(1, false);
    struct sockaddr_in6 local;
    caller c;

    make_caller(&c, &p);
    address_for("ad", &local, &c.options.local_length);
    c.options.local = (struct sockaddr *)&local;
    CHECK(close(ports_fd[2]) == 0);
    start_list(&c, "ad");
    run_until_done(&c);
    CHECK_FAILED(&c, -ECONNREFUSED);
    CHECK_SAID("a");
    open_port('d', &ports_fd[2], -1);
    end_place(&p);
}

/* ---- the caller's end ---- */

static void it_can_be_cancelled_at_any_time(void)
{
    weir_latch gate6 = WEIR_LATCH_INIT(1), gate4 = WEIR_LATCH_INIT(1);
    place p = make_place(2, true);
    unsigned before;
    weir_resolve_options options;
    names n;
    caller c;

    make_caller(&c, &p); /* before the first attempt */
    start_list(&c, "ag");
    cancel_dial(&c);
    CHECK(!weir_loop_alive(p.loop));
    make_caller(&c, &p); /* two attempts are under way */
    before = open_descriptors();
    start_list(&c, "as bs");
    turn_with_work(p.loop);
    move_to(1000 + 250 * (uint64_t)MS);
    turn_with_work(p.loop);
    CHECK_EQ(open_descriptors(), before + 2);
    cancel_dial(&c);
    CHECK(!weir_loop_alive(p.loop));
    CHECK_SAID("ab");
    make_names(&n, &options); /* both look-ups, then one is */
    n.ipv6.gate = &gate6;
    n.ipv4.gate = &gate4;
    n.ipv6.addresses = "As";
    n.ipv4.addresses = "as";
    make_caller(&c, &p);
    start_name(&c, &p, &options);
    until(&n.ipv4.asked, 1);
    cancel_dial(&c);
    memset(&c, 0xa5, sizeof c); /* no thread looks at it any more */
    open_gate(&gate6);
    open_gate(&gate4);
    run_to_the_end(p.loop);
    CHECK_EQ(number(&n.lists), 0);
    CHECK_SAID("");
    end_place(&p);
}

static void free_caller(caller *c)
{
    if (c->fd >= 0)
        CHECK(close(c->fd) == 0);
    memset(c, 0xa5, sizeof *c);
    free(c);
}

static void its_memory_is_the_callers_in_done(void)
{
    place p = make_place(2, false);
    weir_resolve_options options;
    names n;

    make_names(&n, &options);
    n.ipv4.addresses = "ad ag";
    for (int i = 0; i < 12; i++) {
        caller *const c = malloc(sizeof *c);

        CHECK(c != NULL);
        make_caller(c, &p);
        c->then = free_caller;
        if (i % 2 == 0)
            start_name(c, &p, &options);
        else
            start_list(c, i % 4 == 1 ? "ag" : "ad");
        if (i % 3 == 0) {
            c->cancelling = true;
            CHECK_EQ(weir_dial_cancel(&c->dial), 0);
        }
    }
    run_to_the_end(p.loop);
    CHECK_EQ(number(&n.lists), 0);
    said[0] = '\0';
    end_place(&p);
}

static unsigned rounds;

static void dial_again(caller *c)
{
    if (c->fd >= 0)
        CHECK(close(c->fd) == 0);
    c->dones = 0;
    if (++rounds < 10)
        start_list(c, rounds % 2 == 0 ? "ag" : "ad");
}

static void in_done_it_may_be_started_again(void)
{
    place p = make_place(1, false);
    caller c;

    rounds = 0;
    make_caller(&c, &p);
    c.then = dial_again;
    start_list(&c, "ag");
    run_to_the_end(p.loop);
    CHECK_EQ(rounds, 10);
    said[0] = '\0';
    end_place(&p);
}

static void a_closed_loop_goes_on_with_it(void)
{
    place p = make_place(2, false);
    weir_resolve_options options;
    names n;
    caller c;

    make_names(&n, &options);
    n.ipv4.addresses = "ag";
    make_caller(&c, &p);
    start_name(&c, &p, &options);
    weir_loop_close(p.loop);
    run_until_done(&c);
    check_connected(&c, "ag");
    end_place(&p);
}

/* The child's loop forgets it, and the parent's goes on. */
static void after_a_fork_the_child_cancels(void)
{
    place p = make_place(1, true);
    int status;
    pid_t child;
    caller c;

    make_caller(&c, &p);
    c.options.attempt_ns = 1;
    start_list(&c, "as bg");
    turn_with_work(p.loop);
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK_EQ(weir_loop_fork(p.loop), 0);
        cancel_dial(&c);
        CHECK(!weir_loop_alive(p.loop));
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK_EQ(c.dial.attempts, 1);
    move_to(2000);
    run_until_done(&c);
    check_connected(&c, "bg");
    CHECK_SAID("ab");
    end_place(&p);
}

static int cancel_inside(weir_dial *dial, int fd, const struct sockaddr *to, socklen_t length)
{
    (void)fd;
    (void)to;
    (void)length;
    return weir_dial_cancel(dial);
}

static int one_inside(weir_dial *dial, int fd, const struct sockaddr *to, socklen_t length)
{
    (void)fd;
    (void)to;
    (void)length;
    (void)dial;
    return 1;
}

static void broken_preconditions_end_the_process(void)
{
    place p = make_place(1, false);
    caller c;

    make_caller(&c, &p);
    CHECK_DIES((void)!weir_dial_addresses(&c.dial, p.loop, c.list, 1, NULL, WEIR_FOREVER, NULL),
               "without a function");
    c.options.prepare = cancel_inside;
    CHECK_DIES(start_list(&c, "ag"); run_to_the_end(p.loop), "in its own prepare");
    c.options.prepare = one_inside;
    CHECK_DIES(start_list(&c, "ag"); run_to_the_end(p.loop), "0 or a negative errno");
    end_place(&p);
}

int main(void)
{
    return TEST_RUN(
        "dial", TEST_CASE(a_name_is_connected_to), TEST_CASE(the_descriptor_is_for_a_stream),
        TEST_CASE(an_address_in_numbers_is_a_name), TEST_CASE(one_family_is_one_look_up),
        TEST_CASE(the_most_telling_error_is_told),
        TEST_CASE(of_two_look_ups_the_more_telling_one_is_told),
        TEST_CASE(addresses_of_another_family_are_left_out),
        TEST_CASE(unix_sockets_are_connected_to),
        TEST_CASE(a_unix_socket_whose_backlog_is_full_is_tried_again),
        TEST_CASE(a_local_address_is_bound), TEST_CASE(a_port_is_chosen_when_it_is_known_for_whom),
        TEST_CASE(of_another_family_than_the_local_one_nothing_is_tried),
        TEST_CASE(a_connection_with_oneself_is_refused), TEST_CASE(it_can_be_cancelled_at_any_time),
        TEST_CASE(its_memory_is_the_callers_in_done), TEST_CASE(in_done_it_may_be_started_again),
        TEST_CASE(a_closed_loop_goes_on_with_it), TEST_CASE(after_a_fork_the_child_cancels),
        TEST_CASE(broken_preconditions_end_the_process));
}
