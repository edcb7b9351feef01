/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/dial.h: local addresses, and what its caller ends. */

#include "dial.h"

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
        "dial_ends", TEST_CASE(a_local_address_is_bound),
        TEST_CASE(a_port_is_chosen_when_it_is_known_for_whom),
        TEST_CASE(of_another_family_than_the_local_one_nothing_is_tried),
        TEST_CASE(a_connection_with_oneself_is_refused), TEST_CASE(it_can_be_cancelled_at_any_time),
        TEST_CASE(its_memory_is_the_callers_in_done), TEST_CASE(in_done_it_may_be_started_again),
        TEST_CASE(a_closed_loop_goes_on_with_it), TEST_CASE(after_a_fork_the_child_cancels),
        TEST_CASE(broken_preconditions_end_the_process));
}
