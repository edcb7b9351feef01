/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/dial.h: descriptors and memory that are short, pools that refuse, and what connect(2)
 * says seldom: this program has one of its own, which the library calls. */

#include "dial.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#ifdef SYS_connect
#define CONNECT(fd, address, length) syscall(SYS_connect, fd, address, length)
#else /* of old 32-bit machines */
#define CONNECT(fd, address, length) -1
#endif

static int said_instead; /* an errno; 0: what the kernel says */
static bool without_it;  /* the kernel is not asked */
static unsigned connects;

/* By its name for the linker: C libraries declare it in manners of their own. */
int own_connect(int fd, const void *address, socklen_t length) __asm__("connect");

int own_connect(int fd, const void *address, socklen_t length)
{
    const int status = without_it ? -1 : (int)CONNECT(fd, address, length);

    connects++;
    if (said_instead == 0 || (status == 0 && !without_it && said_instead != EINTR))
        return status;
    errno = said_instead;
    return -1;
}

static void as_usual(void)
{
    said_instead = 0;
    without_it = false;
    connects = 0;
}

static void an_interrupted_connect_goes_on(void)
{
    place p = make_place(1, false);
    caller c;

    as_usual();
    make_caller(&c, &p);
    start_list(&c, "ag bg");
    said_instead = EINTR;
    run_until_done(&c);
    as_usual();
    CHECK_SAID("a");
    check_connected(&c, "ag");
    end_place(&p);
}

/* Of TCP it says that there is no port left, or no room for a route; -EAGAIN is told to
 * nobody. */
static void a_connect_that_cannot_be_now_is_no_way(void)
{
    place p = make_place(1, false);
    caller c;

    make_caller(&c, &p);
    as_usual();
    without_it = true;
    said_instead = EAGAIN;
    start_list(&c, "ag bg");
    run_until_done(&c);
    CHECK_EQ(connects, 2);
    as_usual();
    CHECK_SAID("ab");
    CHECK_FAILED(&c, -EADDRNOTAVAIL);
    end_place(&p);
}

static void a_family_without_a_way_is_passed_over_at_once(void)
{
    static const int no_way[] = {ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, EACCES};
    place p = make_place(1, false);
    caller c;

    for (int i = 0; i < 4; i++) {
        as_usual();
        without_it = true;
        said_instead = no_way[i];
        make_caller(&c, &p);
        start_list(&c, "ag bg cg");
        run_until_done(&c);
        CHECK_EQ(connects, 3);
        CHECK_FAILED(&c, -no_way[i]);
        CHECK_SAID("abc");
    }
    as_usual();
    end_place(&p);
}

/* ---- descriptors ---- */

static struct rlimit before_less;

/* So many may be opened still. */
static void descriptors_left(unsigned n)
{
    int fds[16];
    struct rlimit less;

    CHECK(n < 16);
    for (unsigned i = 0; i <= n; i++)
        CHECK((fds[i] = dup(0)) >= 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &before_less) == 0);
    less = before_less;
    less.rlim_cur = (rlim_t)fds[n];
    for (unsigned i = 0; i <= n; i++)
        CHECK(close(fds[i]) == 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &less) == 0);
}

static void descriptors_again(void)
{
    CHECK(setrlimit(RLIMIT_NOFILE, &before_less) == 0);
}

static void without_any_descriptor_it_fails(void)
{
    place p = make_place(1, true);
    caller c;

    as_usual();
    make_caller(&c, &p);
    start_list(&c, "ag bg");
    descriptors_left(0);
    turn_with_work(p.loop);
    descriptors_again();
    CHECK_FAILED(&c, -EMFILE);
    CHECK_SAID("");
    end_place(&p);
}

/* What is under way goes on; what has found no descriptor comes when there is one. */
static void running_out_of_descriptors_loses_no_address(void)
{
    place p = make_place(1, true);
    caller c;

    as_usual();
    make_caller(&c, &p);
    start_list(&c, "as bg");
    descriptors_left(1);
    turn_with_work(p.loop);
    CHECK_SAID("a");
    move_to(1000 + 250 * (uint64_t)MS);
    turn_with_work(p.loop);
    CHECK_SAID(""); /* no socket for 'b' */
    CHECK_EQ(c.dones, 0);
    move_to(1000 + 499 * (uint64_t)MS);
    turn_for_nothing(p.loop);
    descriptors_again();
    move_to(1000 + 500 * (uint64_t)MS);
    run_until_done(&c);
    CHECK_SAID("b");
    check_connected(&c, "bg");
    end_place(&p);
}

/* One that fails leaves its descriptor to the next, without any delay. */
static void one_that_fails_leaves_its_descriptor_to_the_next(void)
{
    thing t;
    place p = make_slow_place(&t);
    caller c;

    as_usual();
    make_caller(&c, &p);
    start_list(&c, "ad bg cg");
    descriptors_left(1);
    turn_with_work(p.loop);
    CHECK_SAID("a");
    move_to(1000 + 250 * (uint64_t)MS);
    run_until_done(&c); /* first there is none, then that of 'a' */
    CHECK_EQ(weir_loop_now(p.loop), 1000 + 250 * (uint64_t)MS);
    descriptors_again();
    CHECK_SAID("b");
    check_connected(&c, "bg");
    end_slow_place(&p, &t);
}

/* ---- memory, pools ---- */

static void memory_that_is_short_costs_one_address(void)
{
    place p = make_place(1, false);
    caller c;

    as_usual();
    make_caller(&c, &p);
    start_list(&c, "ag bg");
    test_alloc_calls = 0;
    test_alloc_fail_nr = 1; /* the loop's table of descriptors */
    run_until_done(&c);
    test_alloc_fail_nr = 0;
    CHECK_SAID("ab");
    check_connected(&c, "bg");
    end_place(&p);
}

static void without_memory_it_fails_and_leaves_nothing(void)
{
    unsigned failures = 0;
    int status = -ENOMEM;

    for (size_t nr = 1; status != 0; nr++) {
        place p = make_place(2, false);
        weir_resolve_options options;
        names n;
        caller c;

        as_usual();
        make_names(&n, &options);
        n.ipv4.addresses = "ag";
        make_caller(&c, &p);
        test_alloc_calls = 0;
        test_alloc_fail_nr = nr;
        status = dial_name(&c, &p, &options, WEIR_FOREVER);
        if (status == 0) {
            run_until_done(&c);
            status = c.status;
        }
        test_alloc_fail_nr = 0;
        if (c.fd >= 0)
            CHECK(close(c.fd) == 0);
        CHECK(status == 0 || status == -ENOMEM);
        failures += status != 0;
        CHECK(failures < 50);
        CHECK_EQ(c.dones != 0, status == 0 || failures > 2); /* the first two: of look-ups */
        said[0] = '\0';
        end_place(&p);
        CHECK_EQ(number(&n.lists), 0);
    }
    CHECK_EQ(failures, 3); /* two look-ups, the loop's table of descriptors */
}

static weir_latch held_gate = WEIR_LATCH_INIT(1);
static WEIR_ATOMIC(uint32_t) holds;

static int hold(weir_job *job)
{
    (void)job;
    (void)count(&holds);
    return weir_latch_wait(&held_gate, WEIR_FOREVER, NULL);
}

/* Of the two look-ups the second is refused: the first is given up, and nobody is called. */
static void what_a_pool_refuses_calls_nothing(void)
{
    weir_blocking_options few = WEIR_BLOCKING_OPTIONS_INIT;
    weir_job held = WEIR_JOB_INIT(hold);
    place p = make_place(1, false);
    weir_resolve_options options;
    names n;
    caller c;

    as_usual();
    make_names(&n, &options);
    stop_pool(&p, WEIR_BLOCKING_DRAIN);
    make_caller(&c, &p);
    CHECK_EQ(dial_name(&c, &p, &options, WEIR_FOREVER), -EPIPE);
    CHECK_EQ(weir_dial_cancel(&c.dial), -EALREADY);
    CHECK(!weir_loop_alive(p.loop));
    CHECK_EQ(weir_blocking_free(p.pool), 0);
    few.max_threads = 1;
    few.max_queued = 1;
    CHECK_EQ(weir_blocking_new(&p.pool, &few), 0);
    CHECK_EQ(weir_blocking_submit(p.pool, &held), 0);
    until(&holds, 1);
    make_caller(&c, &p);
    CHECK_EQ(dial_name(&c, &p, &options, WEIR_FOREVER), -EAGAIN);
    CHECK(c.dones == 0 && weir_dial_cancel(&c.dial) == -EALREADY);
    memset(&c, 0xa5, sizeof c);
    open_gate(&held_gate);
    run_to_the_end(p.loop);
    CHECK_EQ(number(&n.ipv6.asked), 0);
    end_place(&p);
}

static void a_pool_that_ends_is_told(void)
{
    weir_latch gate = WEIR_LATCH_INIT(1);
    place p = make_place(1, false);
    weir_resolve_options options;
    names n;
    caller c;

    as_usual();
    make_names(&n, &options);
    n.ipv6.gate = &gate;
    make_caller(&c, &p);
    start_name(&c, &p, &options);
    until(&n.ipv6.asked, 1);
    CHECK_EQ(weir_blocking_stop(p.pool, WEIR_BLOCKING_DISCARD, 0), -ETIMEDOUT);
    open_gate(&gate);
    run_until_done(&c);
    CHECK_FAILED(&c, -ECANCELED);
    CHECK_EQ(c.code, 0);
    end_place(&p);
}

int main(void)
{
#ifndef SYS_connect
    puts("0 passed, 0 failed, 1 skipped");
    return TEST_SKIPPED;
#endif
    return TEST_RUN("dial_trouble", TEST_CASE(an_interrupted_connect_goes_on),
                    TEST_CASE(a_connect_that_cannot_be_now_is_no_way),
                    TEST_CASE(a_family_without_a_way_is_passed_over_at_once),
                    TEST_CASE(without_any_descriptor_it_fails),
                    TEST_CASE(running_out_of_descriptors_loses_no_address),
                    TEST_CASE(one_that_fails_leaves_its_descriptor_to_the_next),
                    TEST_CASE(memory_that_is_short_costs_one_address),
                    TEST_CASE(without_memory_it_fails_and_leaves_nothing),
                    TEST_CASE(what_a_pool_refuses_calls_nothing),
                    TEST_CASE(a_pool_that_ends_is_told));
}
