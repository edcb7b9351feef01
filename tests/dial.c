/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/dial.h: connections, and what is told when there is none. The caller's ends are in
 * tests/dial_ends.c, the order of attempts in tests/dial_order.c, what the kernel refuses in
 * tests/dial_trouble.c. */

#include "dial.h"

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
        run_to_the_end(p.loop); /* nobody looks at the names any more */
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
/* Else each of IPv4 would be tried twice. */
static void mapped_addresses_are_asked_for_alone(void)
{
    place p = make_place(2, false);
    weir_resolve_options options;
    struct addrinfo hints;
    names n;
    caller c;

    memset(&hints, 0, sizeof hints);
    hints.ai_flags = AI_V4MAPPED | AI_ALL | AI_NUMERICSERV;
    for (int alone = 0; alone < 2; alone++) {
        hints.ai_family = alone ? AF_INET6 : AF_UNSPEC;
        make_names(&n, &options);
        make_caller(&c, &p);
        options.hints = &hints;
        start_name(&c, &p, &options);
        run_until_done(&c);
        CHECK_FAILED(&c, -ENOENT);
        CHECK_EQ(n.ipv6.flags, alone ? hints.ai_flags : AI_NUMERICSERV);
        CHECK_EQ(n.ipv4.flags, alone ? 0 : AI_NUMERICSERV);
    }
    end_place(&p);
}

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

int main(void)
{
    return TEST_RUN(
        "dial", TEST_CASE(a_name_is_connected_to), TEST_CASE(the_descriptor_is_for_a_stream),
        TEST_CASE(an_address_in_numbers_is_a_name), TEST_CASE(one_family_is_one_look_up),
        TEST_CASE(mapped_addresses_are_asked_for_alone), TEST_CASE(the_most_telling_error_is_told),
        TEST_CASE(of_two_look_ups_the_more_telling_one_is_told),
        TEST_CASE(addresses_of_another_family_are_left_out),
        TEST_CASE(unix_sockets_are_connected_to),
        TEST_CASE(a_unix_socket_whose_backlog_is_full_is_tried_again));
}
