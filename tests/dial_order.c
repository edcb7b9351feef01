/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/dial.h: which address is tried when: RFC 8305, on a clock that is moved by hand. */

#include "dial.h"

#define AFTER(ms) (1000 + (ms) * (uint64_t)MS)

/* A name of which the look-ups wait for gates. */
typedef struct scene {
    place place;
    names names;
    weir_resolve_options options;
    weir_latch gate6, gate4;
    caller caller;
} scene;

static void make_scene(scene *s, const char *ipv6, const char *ipv4)
{
    memset(s, 0, sizeof *s);
    s->place = make_place(2, true);
    weir_latch_init(&s->gate6, 1);
    weir_latch_init(&s->gate4, 1);
    make_names(&s->names, &s->options);
    s->names.ipv6.addresses = ipv6;
    s->names.ipv4.addresses = ipv4;
    s->names.ipv6.gate = &s->gate6;
    s->names.ipv4.gate = &s->gate4;
    make_caller(&s->caller, &s->place);
}

static void start(scene *s)
{
    start_name(&s->caller, &s->place, &s->options);
}

/* The look-up ends, and its end is told; `left`: the other one is still out. */
static void tell6(scene *s, unsigned left)
{
    open_gate(&s->gate6);
    run_until_told(&s->caller, left);
}

static void tell4(scene *s, unsigned left)
{
    open_gate(&s->gate4);
    run_until_told(&s->caller, left);
}

/* Time passes, and nothing happens but what is due. */
static void pass_to(scene *s, uint64_t ns)
{
    move_to(ns);
    (void)weir_loop_turn(s->place.loop, 0);
}

static void end_scene(scene *s)
{
    if (s->caller.dones == 0)
        cancel_dial(&s->caller);
    end_place(&s->place);
}

/* ---- the order ---- */

static void the_order_is_ipv6_first_then_in_turn(void)
{
    static const struct {
        const char *ipv6, *ipv4, *order;
    } rows[] = {{"Ax Bx Cx", "ax bx cx", "AaBbCc"},
                {"Ax", "ax bx cx", "Aabc"},
                {"Ax Bx Cx", "ax", "AaBC"},
                {"Ax Bx", NULL, "AB"},
                {NULL, "bx ax", "ba"},
                {"Cx Ax Bx", "bx cx ax", "CbAcBa"}};
    scene s;

    if (!has_ipv6())
        return;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_scene(&s, rows[i].ipv6, rows[i].ipv4);
        start(&s);
        tell4(&s, 1);
        CHECK_SAID(""); /* it waits for IPv6 */
        open_gate(&s.gate6);
        run_until_done(&s.caller);
        CHECK_SAID(rows[i].order);
        CHECK_FAILED(&s.caller, -EACCES);
        end_scene(&s);
    }
}

static void a_list_is_tried_from_its_first_and_in_turn(void)
{
    static const struct {
        const char *list, *order;
    } rows[] = {{"ax bx Ax Bx", "aAbB"}, {"Ax Bx ax bx", "AaBb"}, {"ax", "a"},
                {"bx ax cx", "bac"},     {"Ax ax Bx bx", "AaBb"}, {"ax bx cx Ax", "aAbc"}};
    place p = make_place(1, true);
    caller c;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && has_ipv6(); i++) {
        make_caller(&c, &p);
        start_list(&c, rows[i].list);
        CHECK_SAID("");
        run_until_done(&c);
        CHECK_SAID(rows[i].order);
        CHECK_FAILED(&c, -EACCES);
    }
    end_place(&p);
}

/* Eight of each family; a list may have sixteen. */
static void there_are_so_many_attempts_and_no_more(void)
{
    scene s;

    if (!has_ipv6())
        return;
    make_scene(&s, "Ax Bx Cx Dx Ex Fx Gx Hx Ix Jx", "ax bx cx dx ex fx gx hx ix jx");
    start(&s);
    tell4(&s, 1);
    open_gate(&s.gate6);
    run_until_done(&s.caller);
    CHECK_SAID("AaBbCcDdEeFfGgHh");
    make_caller(&s.caller, &s.place);
    start_list(&s.caller, "ax bx cx dx ex fx gx hx ix jx kx lx mx nx ox px");
    run_until_done(&s.caller);
    CHECK_SAID("abcdefghijklmnop");
    make_caller(&s.caller, &s.place);
    CHECK_EQ(
        dial_list(&s.caller, "ax bx cx dx ex fx gx hx ix jx kx lx mx nx ox px qx", WEIR_FOREVER),
        -E2BIG);
    CHECK_EQ(dial_list(&s.caller, "", WEIR_FOREVER), -EINVAL);
    CHECK_EQ(weir_dial_cancel(&s.caller.dial), -EALREADY);
    s.caller.dones = 1;
    end_scene(&s);
}

/* ---- between attempts ---- */

static void the_next_attempt_begins_250_ms_after_the_last(void)
{
    place p = make_place(1, true);
    caller c;

    make_caller(&c, &p);
    start_list(&c, "as bs cs");
    turn_with_work(p.loop);
    CHECK_SAID("a");
    move_to(AFTER(250) - 1);
    turn_for_nothing(p.loop);
    CHECK_SAID("");
    move_to(AFTER(250));
    turn_with_work(p.loop);
    CHECK_SAID("b");
    move_to(AFTER(500) - 1);
    turn_for_nothing(p.loop);
    move_to(AFTER(500));
    turn_with_work(p.loop);
    CHECK_SAID("c");
    move_to(AFTER(100000)); /* all of them go on */
    turn_for_nothing(p.loop);
    CHECK(weir_loop_alive(p.loop));
    cancel_dial(&c);
    end_place(&p);
}

static void the_next_one_begins_at_once_when_one_has_failed(void)
{
    place p = make_place(1, true);
    caller c;

    make_caller(&c, &p);
    start_list(&c, "ad bd cs ds");
    while (c.dial.attempts != 1 || strlen(said) < 3) /* told of by the kernel */
        (void)weir_loop_turn(p.loop, 0);
    CHECK_SAID("abc");
    CHECK_EQ(weir_loop_now(p.loop), 1000);
    move_to(AFTER(250) - 1);
    turn_for_nothing(p.loop);
    move_to(AFTER(250));
    turn_with_work(p.loop);
    CHECK_SAID("d");
    cancel_dial(&c);
    end_place(&p);
}

/* The delay counts from the last attempt, also if another one has failed meanwhile. */
static void a_failure_of_an_earlier_one_begins_the_next_too(void)
{
    place p = make_place(1, true);
    caller c;

    make_caller(&c, &p);
    start_list(&c, "as bd cs ds");
    turn_with_work(p.loop);
    CHECK_SAID("a");
    move_to(AFTER(250));
    while (strlen(said) < 2)
        (void)weir_loop_turn(p.loop, 0);
    CHECK_SAID("bc");
    move_to(AFTER(500));
    turn_with_work(p.loop);
    CHECK_SAID("d");
    cancel_dial(&c);
    end_place(&p);
}

static void both_delays_can_be_said(void)
{
    scene s;

    make_scene(&s, NULL, "as bs cs");
    s.caller.options.ipv6_ns = 7;
    s.caller.options.attempt_ns = 20;
    start(&s);
    tell4(&s, 1);
    pass_to(&s, 1006);
    CHECK_SAID("");
    pass_to(&s, 1007);
    CHECK_SAID("a");
    pass_to(&s, 1026);
    CHECK_SAID("");
    pass_to(&s, 1027);
    CHECK_SAID("b");
    pass_to(&s, 1047);
    CHECK_SAID("c");
    open_gate(&s.gate6);
    end_scene(&s);
}

/* ---- between look-ups ---- */

static void ipv4_waits_50_ms_for_ipv6(void)
{
    scene s;

    if (!has_ipv6())
        return;
    make_scene(&s, "As Bs", "as bs cs");
    start(&s);
    move_to(AFTER(3)); /* from its end, not from the start */
    tell4(&s, 1);
    pass_to(&s, AFTER(53) - 1);
    CHECK_SAID("");
    pass_to(&s, AFTER(53));
    CHECK_SAID("a");
    tell6(&s, 0); /* takes its turn */
    CHECK_SAID("");
    pass_to(&s, AFTER(303) - 1);
    CHECK_SAID("");
    pass_to(&s, AFTER(303));
    CHECK_SAID("A");
    pass_to(&s, AFTER(553));
    CHECK_SAID("b");
    pass_to(&s, AFTER(803));
    CHECK_SAID("B");
    pass_to(&s, AFTER(1053));
    CHECK_SAID("c");
    end_scene(&s);
}

static void ipv6_that_comes_meanwhile_is_tried_at_once(void)
{
    scene s;

    if (!has_ipv6())
        return;
    make_scene(&s, "As", "as");
    start(&s);
    tell4(&s, 1);
    pass_to(&s, AFTER(20));
    tell6(&s, 0);
    CHECK_SAID("A");
    pass_to(&s, AFTER(50)); /* the first delay is no more */
    CHECK_SAID("");
    pass_to(&s, AFTER(270));
    CHECK_SAID("a");
    end_scene(&s);
}

static void the_wait_ends_when_there_is_no_ipv6(void)
{
    scene s;

    make_scene(&s, NULL, "as");
    start(&s);
    tell4(&s, 1);
    CHECK_SAID("");
    tell6(&s, 0);
    CHECK_SAID("a");
    end_scene(&s);
}

static void ipv6_does_not_wait_for_ipv4(void)
{
    scene s;

    if (!has_ipv6())
        return;
    make_scene(&s, "As Bs", "as");
    start(&s);
    tell6(&s, 1);
    CHECK_SAID("A");
    pass_to(&s, AFTER(100));
    tell4(&s, 0);
    CHECK_SAID("");
    pass_to(&s, AFTER(250));
    CHECK_SAID("a");
    pass_to(&s, AFTER(500));
    CHECK_SAID("B");
    end_scene(&s);
}

/* The delay has passed without anybody to try: who comes then is tried at once; before, then. */
static void what_is_found_late_is_tried_after_the_delay_or_at_once(void)
{
    scene s;

    if (!has_ipv6())
        return;
    for (int late = 0; late < 2; late++) {
        make_scene(&s, "As", "as");
        start(&s);
        tell6(&s, 1);
        CHECK_SAID("A");
        pass_to(&s, AFTER(late ? 251 : 249));
        tell4(&s, 0);
        CHECK_SAID(late ? "a" : "");
        pass_to(&s, AFTER(late ? 501 : 250));
        CHECK_SAID(late ? "" : "a");
        end_scene(&s);
    }
}

/* One has failed, and another one is under way: who comes then need not wait. */
static void what_is_found_after_a_failure_is_tried_at_once(void)
{
    scene s;

    if (!has_ipv6())
        return;
    make_scene(&s, "As Bd", "as");
    start(&s);
    tell6(&s, 1);
    CHECK_SAID("A");
    move_to(AFTER(250));
    while (s.caller.dial.attempts != 1 || said[0] != 'B')
        (void)weir_loop_turn(s.place.loop, 0);
    CHECK_SAID("B");
    tell4(&s, 0);
    CHECK_SAID("a");
    end_scene(&s);
}

/* All of IPv6 have failed, and IPv4 is not there yet. */
static void it_waits_for_a_look_up_when_nothing_is_left(void)
{
    scene s;

    if (!has_ipv6())
        return;
    make_scene(&s, "Ax Bx", "as");
    start(&s);
    tell6(&s, 1);
    CHECK_SAID("AB");
    CHECK_EQ(s.caller.dones, 0);
    pass_to(&s, AFTER(10000));
    CHECK_EQ(s.caller.dones, 0);
    tell4(&s, 0);
    CHECK_SAID("a");
    end_scene(&s);
}

/* ---- who wins ---- */

static void the_first_that_connects_wins(void)
{
    place p = make_place(1, true);
    caller c;

    make_caller(&c, &p);
    CHECK_EQ(dial_list(&c, "as bs cg dg", AFTER(5000)), 0);
    turn_with_work(p.loop);
    move_to(AFTER(250));
    turn_with_work(p.loop);
    move_to(AFTER(500));
    run_until_done(&c);
    CHECK_SAID("abc"); /* the others are closed: end_place() looks */
    check_connected(&c, "cg");
    CHECK(!weir_loop_alive(p.loop)); /* nor does the deadline come */
    move_to(AFTER(10000));
    turn_for_nothing(p.loop);
    end_place(&p);
}

/* When the loop sees that the first has connected the second has begun. */
static void of_two_that_connect_one_is_left(void)
{
    thing t;
    place p = make_slow_place(&t);
    caller c;

    make_caller(&c, &p);
    start_list(&c, "ag bg cg");
    turn_with_work(p.loop);
    move_to(AFTER(250));
    run_until_done(&c);
    CHECK_SAID("ab");
    CHECK_EQ(c.status, 0);
    CHECK(close(c.fd) == 0);
    end_slow_place(&p, &t);
}

static void a_connection_gives_up_the_look_up_of_the_other_family(void)
{
    scene s;

    make_scene(&s, "As", "ag");
    start(&s);
    tell4(&s, 1);
    move_to(AFTER(50));
    run_until_done(&s.caller);
    CHECK_SAID("a");
    check_connected(&s.caller, "ag");
    CHECK(weir_loop_alive(s.place.loop)); /* its thread is still out */
    CHECK_EQ(weir_loop_free(s.place.loop), -EBUSY);
    memset(&s.caller, 0xa5, sizeof s.caller); /* and does not know of it */
    open_gate(&s.gate6);
    run_to_the_end(s.place.loop);
    CHECK_SAID("");
    CHECK_EQ(number(&s.names.lists), 0);
    s.caller.dones = 1;
    end_scene(&s);
}

/* ---- deadlines ---- */

static void a_deadline_that_has_passed_is_told_at_once(void)
{
    place p = make_place(1, true);
    weir_resolve_options options;
    names n;
    caller c;

    make_names(&n, &options);
    make_caller(&c, &p);
    CHECK_EQ(dial_list(&c, "ag", 0), -ETIMEDOUT);
    CHECK_EQ(dial_list(&c, "ag", 1000), -ETIMEDOUT);
    CHECK_EQ(dial_name(&c, &p, &options, 0), -ETIMEDOUT);
    CHECK_EQ(dial_name(&c, &p, &options, 999), -ETIMEDOUT);
    CHECK(!weir_loop_alive(p.loop));
    CHECK_EQ(weir_dial_cancel(&c.dial), -EALREADY);
    CHECK_EQ(c.dones, 0);
    end_place(&p);
}

static void the_deadline_ends_attempts_and_look_ups(void)
{
    scene s;

    for (int stage = 0; stage < 4; stage++) { /* both look-ups, one, in the wait, an attempt */
        make_scene(&s, NULL, "as");
        CHECK_EQ(dial_name(&s.caller, &s.place, &s.options, AFTER(100)), 0);
        if (stage == 1)
            tell6(&s, 1);
        if (stage == 3)
            tell6(&s, 1);
        if (stage >= 2)
            tell4(&s, stage == 2);
        pass_to(&s, stage == 2 ? AFTER(49) : AFTER(100) - 1);
        CHECK_EQ(s.caller.dones, 0);
        move_to(AFTER(100));
        turn_with_work(s.place.loop);
        CHECK_FAILED(&s.caller, -ETIMEDOUT);
        CHECK_EQ(s.caller.code, 0);
        said[0] = '\0';
        if (stage == 0 || stage == 2)
            open_gate(&s.gate6);
        if (stage < 2)
            open_gate(&s.gate4);
        end_scene(&s);
    }
}

static void a_connection_that_is_seen_after_the_deadline_is_closed(void)
{
    thing t;
    place p = make_slow_place(&t);
    struct pollfd connected = {ports_fd[0], POLLIN, 0};
    caller c;

    make_caller(&c, &p);
    CHECK_EQ(dial_list(&c, "ag", 2000), 0);
    turn_with_work(p.loop);
    CHECK_SAID("a");
    CHECK_EQ(poll(&connected, 1, -1), 1); /* which the loop has not seen */
    move_to(2000);
    turn_with_work(p.loop);
    CHECK_FAILED(&c, -ETIMEDOUT);
    end_slow_place(&p, &t);
}

int main(void)
{
    return TEST_RUN(
        "dial_order", TEST_CASE(the_order_is_ipv6_first_then_in_turn),
        TEST_CASE(a_list_is_tried_from_its_first_and_in_turn),
        TEST_CASE(there_are_so_many_attempts_and_no_more),
        TEST_CASE(the_next_attempt_begins_250_ms_after_the_last),
        TEST_CASE(the_next_one_begins_at_once_when_one_has_failed),
        TEST_CASE(a_failure_of_an_earlier_one_begins_the_next_too),
        TEST_CASE(both_delays_can_be_said), TEST_CASE(ipv4_waits_50_ms_for_ipv6),
        TEST_CASE(ipv6_that_comes_meanwhile_is_tried_at_once),
        TEST_CASE(the_wait_ends_when_there_is_no_ipv6), TEST_CASE(ipv6_does_not_wait_for_ipv4),
        TEST_CASE(what_is_found_late_is_tried_after_the_delay_or_at_once),
        TEST_CASE(what_is_found_after_a_failure_is_tried_at_once),
        TEST_CASE(it_waits_for_a_look_up_when_nothing_is_left),
        TEST_CASE(the_first_that_connects_wins), TEST_CASE(of_two_that_connect_one_is_left),
        TEST_CASE(a_connection_gives_up_the_look_up_of_the_other_family),
        TEST_CASE(a_deadline_that_has_passed_is_told_at_once),
        TEST_CASE(the_deadline_ends_attempts_and_look_ups),
        TEST_CASE(a_connection_that_is_seen_after_the_deadline_is_closed));
}
