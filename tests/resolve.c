/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/resolve.h: names, and what becomes of those who ask. */

#include "resolve.h"

/* ---- who asks ---- */

typedef struct question {
    weir_resolve resolve;
    weir_loop *loop;
    void (*then)(struct question *question);
    unsigned dones;
    int status, code;
    bool cancelling;
    char found[64]; /* letters */
} question;

static void on_found(weir_resolve *resolve, int status, const struct addrinfo *list)
{
    question *const q = (question *)(void *)resolve;

    CHECK_EQ(asked, 0);
    CHECK(q->cancelling || weir_loop_self() == q->loop);
    CHECK_EQ(q->dones, 0);
    CHECK((status == 0) == (list != NULL));
    CHECK_EQ(weir_resolve_cancel(resolve), -EALREADY);
    q->dones++;
    q->status = status;
    q->code = weir_resolve_code(resolve);
    for (size_t i = 0; list != NULL; list = list->ai_next)
        q->found[i++] = letter_of(list->ai_addr);
    if (q->then != NULL)
        q->then(q);
}

static int ask(question *q, const place *p, const weir_resolve_options *options, uint64_t deadline)
{
    memset(q, 0, sizeof *q);
    q->loop = p->loop;
    return (int)QUIET(weir_resolve_start(&q->resolve, p->loop, p->pool, "here", "http", options,
                                         deadline, on_found));
}

static void start(question *q, const place *p, const weir_resolve_options *options)
{
    CHECK_EQ(ask(q, p, options, WEIR_FOREVER), 0);
}

static void cancel(question *q)
{
    q->cancelling = true;
    CHECK_EQ(weir_resolve_cancel(&q->resolve), 0);
    CHECK(q->dones == 1 && q->status == -ECANCELED && q->code == 0);
    CHECK_EQ(weir_resolve_cancel(&q->resolve), -EALREADY);
}

static void run_until_done(const question *q)
{
    while (q->dones == 0)
        (void)weir_loop_turn(q->loop, WEIR_FOREVER);
}

/* ---- answers ---- */

static void addresses_come_in_their_order(void)
{
    place p = make_place(2, false);
    weir_resolve_options options;
    names n;
    question q;

    make_names(&n, &options);
    n.any.addresses = "bg Ag ag Cg";
    start(&q, &p, &options);
    CHECK(weir_loop_alive(p.loop));
    CHECK_EQ(weir_loop_free(p.loop), -EBUSY);
    run_until_done(&q);
    CHECK(q.status == 0 && q.code == 0);
    CHECK(strcmp(q.found, "bAaC") == 0);
    CHECK(strcmp(n.node, "here") == 0 && strcmp(n.service, "http") == 0);
    CHECK(n.hints.ai_socktype == SOCK_STREAM && n.hints.ai_family == AF_UNSPEC);
    CHECK_EQ(number(&n.lists), 0); /* released when done() had returned */
    end_place(&p);
}

static void names_and_hints_are_copied(void)
{
    place p = make_place(1, false);
    weir_latch gate = WEIR_LATCH_INIT(1);
    weir_resolve_options options;
    char node[] = "one", service[] = "two";
    struct addrinfo hints;
    names n;
    question busy, q;

    make_names(&n, &options);
    n.ipv4.addresses = "ag";
    n.ipv4.gate = &gate;
    n.any.addresses = "ag";
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    options.hints = &hints;
    start(&busy, &p, &options); /* the only thread */
    until(&n.ipv4.asked, 1);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_protocol = IPPROTO_UDP;
    hints.ai_flags = AI_PASSIVE;
    memset(&q, 0, sizeof q);
    q.loop = p.loop;
    CHECK_EQ(QUIET(weir_resolve_start(&q.resolve, p.loop, p.pool, node, service, &options,
                                      WEIR_FOREVER, on_found)),
             0);
    memset(node, 'x', sizeof node - 1);
    memset(service, 'x', sizeof service - 1);
    memset(&hints, 0x5a, sizeof hints);
    memset(&options, 0x5a, sizeof options);
    open_gate(&gate);
    run_until_done(&q);
    CHECK(strcmp(n.node, "one") == 0 && strcmp(n.service, "two") == 0);
    CHECK(n.hints.ai_socktype == SOCK_DGRAM && n.hints.ai_protocol == IPPROTO_UDP);
    CHECK(n.hints.ai_flags == AI_PASSIVE && n.hints.ai_family == AF_UNSPEC);
    CHECK(n.hints.ai_addr == NULL && n.hints.ai_next == NULL && n.hints.ai_addrlen == 0);
    end_place(&p);
}

static void one_of_the_two_names_may_be_left_out(void)
{
    place p = make_place(1, false);
    weir_resolve_options options;
    names n;
    question q;

    for (int i = 0; i < 2; i++) {
        make_names(&n, &options);
        n.any.addresses = "ag";
        memset(&q, 0, sizeof q);
        q.loop = p.loop;
        CHECK_EQ(QUIET(weir_resolve_start(&q.resolve, p.loop, p.pool, i == 0 ? "a" : NULL,
                                          i == 0 ? NULL : "b", &options, WEIR_FOREVER, on_found)),
                 0);
        run_until_done(&q);
        CHECK(strcmp(n.node, i == 0 ? "a" : "(none)") == 0);
        CHECK(strcmp(n.service, i == 0 ? "(none)" : "b") == 0);
    }
    memset(&q, 0, sizeof q);
    CHECK_EQ(weir_resolve_start(&q.resolve, p.loop, p.pool, NULL, NULL, &options, WEIR_FOREVER,
                                on_found),
             -EINVAL);
    CHECK_EQ(weir_resolve_cancel(&q.resolve), -EALREADY);
    end_place(&p);
}

/* The table of the header. */
static void every_code_has_its_errno(void)
{
    static const struct {
        int code, error, status;
    } rows[] = {{EAI_NONAME, 0, -ENOENT},
#ifdef EAI_NODATA
                {EAI_NODATA, 0, -ENOENT},
#endif
#ifdef EAI_ADDRFAMILY
                {EAI_ADDRFAMILY, 0, -ENOENT},
#endif
                {EAI_AGAIN, 0, -EREMOTEIO},
                {EAI_FAIL, 0, -EIO},
                {EAI_FAMILY, 0, -EAFNOSUPPORT},
                {EAI_SOCKTYPE, 0, -ESOCKTNOSUPPORT},
                {EAI_SERVICE, 0, -EPROTONOSUPPORT},
                {EAI_BADFLAGS, 0, -EINVAL},
                {EAI_MEMORY, 0, -ENOMEM},
                {EAI_OVERFLOW, 0, -EOVERFLOW},
                {EAI_SYSTEM, EMFILE, -EMFILE},
                {EAI_SYSTEM, EAGAIN, -EREMOTEIO},
                {EAI_SYSTEM, 0, -EIO},
                {EAI_NONAME, EMFILE, -ENOENT},
                {12345, 0, -EIO},
                {-12345, 0, -EIO}};
    place p = make_place(1, false);
    weir_resolve_options options;
    names n;
    question q;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_names(&n, &options);
        n.any.code = rows[i].code;
        n.any.error = rows[i].error;
        start(&q, &p, &options);
        run_until_done(&q);
        CHECK_EQ(q.status, rows[i].status);
        CHECK_EQ(q.code, rows[i].code);
        CHECK_EQ(weir_resolve_code(&q.resolve), rows[i].code);
    }
    make_names(&n, &options); /* found, and nothing */
    start(&q, &p, &options);
    run_until_done(&q);
    CHECK(q.status == -ENOENT && q.code == EAI_NONAME);
    end_place(&p);
}

static void the_c_library_looks_up_where_nobody_else_does(void)
{
    place p = make_place(1, false);
    question q;
    struct addrinfo hints;
    weir_resolve_options options = WEIR_RESOLVE_OPTIONS_INIT;

    memset(&hints, 0, sizeof hints);
    hints.ai_flags = AI_NUMERICHOST;
    options.hints = &hints;
    memset(&q, 0, sizeof q);
    q.loop = p.loop;
    CHECK_EQ(QUIET(weir_resolve_start(&q.resolve, p.loop, p.pool, "127.0.0.3", "80", NULL,
                                      WEIR_FOREVER, on_found)),
             0);
    run_until_done(&q);
    CHECK_EQ(q.status, 0);
    CHECK(strcmp(q.found, "c") == 0); /* a stream's, and no other */
    memset(&q, 0, sizeof q);
    q.loop = p.loop;
    CHECK_EQ(QUIET(weir_resolve_start(&q.resolve, p.loop, p.pool, "no number", "80", &options,
                                      WEIR_FOREVER, on_found)),
             0);
    run_until_done(&q);
    CHECK(q.status == -ENOENT && q.code == EAI_NONAME);
    end_place(&p);
}

/* ---- nobody waits any more ---- */

static void a_cancelled_one_is_told_once_and_its_thread_goes_on(void)
{
    place p = make_place(1, false);
    weir_latch gate = WEIR_LATCH_INIT(1);
    weir_resolve_options options;
    names n;
    question *const q = malloc(sizeof *q);

    CHECK(q != NULL);
    make_names(&n, &options);
    n.any.addresses = "ag bg";
    n.any.gate = &gate;
    start(q, &p, &options);
    until(&n.any.asked, 1);
    cancel(q);
    memset(q, 0xa5, sizeof *q);
    free(q); /* the thread has what it needs */
    CHECK(weir_loop_alive(p.loop));
    CHECK_EQ(weir_loop_free(p.loop), -EBUSY);
    open_gate(&gate);
    run_to_the_end(p.loop);
    CHECK_EQ(number(&n.any.answered), 1);
    CHECK_EQ(number(&n.lists), 0);
    end_place(&p);
}

static void a_cancelled_one_that_has_not_begun_never_does(void)
{
    place p = make_place(1, false);
    weir_latch gate = WEIR_LATCH_INIT(1);
    weir_resolve_options options;
    names n;
    question busy, q;

    make_names(&n, &options);
    n.any.addresses = "ag";
    n.any.gate = &gate;
    start(&busy, &p, &options);
    until(&n.any.asked, 1);
    start(&q, &p, &options);
    cancel(&q);
    open_gate(&gate);
    run_to_the_end(p.loop);
    CHECK(busy.dones == 1 && busy.status == 0);
    CHECK_EQ(number(&n.any.asked), 1);
    end_place(&p);
}

/* The answer is there, and has not been told. */
static void a_cancel_after_the_answer_is_a_cancel(void)
{
    place p = make_place(1, false);
    weir_blocking_stats numbers;
    weir_resolve_options options;
    names n;
    question q;

    for (uint64_t i = 1; i <= 2; i++) {
        make_names(&n, &options);
        n.any.addresses = i == 1 ? "ag" : NULL;
        n.any.code = i == 1 ? 0 : EAI_AGAIN; /* which is not looked at */
        start(&q, &p, &options);
        do {
            doze();
            weir_blocking_stats_read(p.pool, &numbers);
        } while (numbers.done != i);
        cancel(&q);
        run_to_the_end(p.loop);
        CHECK_EQ(number(&n.lists), 0);
    }
    end_place(&p);
}

static void a_deadline_ends_it_at_its_time(void)
{
    place p = make_place(1, true);
    weir_latch gate = WEIR_LATCH_INIT(1);
    weir_resolve_options options;
    names n;
    question q;

    make_names(&n, &options);
    n.any.addresses = "ag";
    n.any.gate = &gate;
    CHECK_EQ(ask(&q, &p, &options, 0), -ETIMEDOUT);
    CHECK_EQ(ask(&q, &p, &options, 1000), -ETIMEDOUT);
    CHECK_EQ(weir_resolve_cancel(&q.resolve), -EALREADY);
    CHECK(!weir_loop_alive(p.loop));
    CHECK_EQ(ask(&q, &p, &options, 2000), 0);
    until(&n.any.asked, 1);
    move_to(1999);
    turn_for_nothing(p.loop);
    CHECK_EQ(q.dones, 0);
    move_to(2000);
    turn_with_work(p.loop);
    CHECK(q.dones == 1 && q.status == -ETIMEDOUT && q.code == 0);
    CHECK(weir_loop_alive(p.loop));
    open_gate(&gate);
    run_to_the_end(p.loop);
    CHECK_EQ(q.dones, 1);
    end_place(&p);
}

static const place *again_at;
static const weir_resolve_options *again_with;
static unsigned rounds;

static void ask_again(question *q)
{
    CHECK_EQ(q->status, 0);
    if (++rounds == 20)
        return;
    start(q, again_at, again_with);
    q->then = ask_again;
}

static void in_done_it_may_be_started_again(void)
{
    place p = make_place(2, false);
    weir_resolve_options options;
    names n;
    question q;

    make_names(&n, &options);
    n.any.addresses = "ag";
    again_at = &p;
    again_with = &options;
    start(&q, &p, &options);
    q.then = ask_again;
    run_to_the_end(p.loop);
    CHECK_EQ(rounds, 20);
    CHECK_EQ(number(&n.lists), 0);
    end_place(&p);
}

static void free_it(question *q)
{
    memset(q, 0xa5, sizeof *q);
    free(q);
}

static void its_memory_is_the_callers_in_done(void)
{
    place p = make_place(2, false);
    weir_resolve_options options;
    names n;

    make_names(&n, &options);
    n.any.addresses = "ag";
    for (int i = 0; i < 20; i++) {
        question *const q = malloc(sizeof *q);

        CHECK(q != NULL);
        start(q, &p, &options);
        q->then = free_it;
        if (i % 3 == 0) {
            q->cancelling = true;
            CHECK_EQ(weir_resolve_cancel(&q->resolve), 0);
        }
    }
    run_to_the_end(p.loop);
    CHECK_EQ(number(&n.lists), 0);
    end_place(&p);
}

/* ---- refused, discarded ---- */

static void what_is_refused_calls_nothing(void)
{
    place p = make_place(1, false);
    weir_resolve_options options;
    names n;
    question q;

    make_names(&n, &options);
    n.any.addresses = "ag";
    stop_pool(&p, WEIR_BLOCKING_DRAIN);
    CHECK_EQ(ask(&q, &p, &options, WEIR_FOREVER), -EPIPE);
    CHECK_EQ(weir_resolve_cancel(&q.resolve), -EALREADY);
    CHECK(!weir_loop_alive(p.loop));
    CHECK(q.dones == 0 && number(&n.any.asked) == 0);
    end_place(&p);
}

static void a_pool_that_ends_tells_those_that_wait(void)
{
    place p = make_place(1, false);
    weir_latch gate = WEIR_LATCH_INIT(1);
    weir_resolve_options options;
    names n;
    question busy, q;

    make_names(&n, &options);
    n.any.addresses = "ag";
    n.any.gate = &gate;
    start(&busy, &p, &options);
    until(&n.any.asked, 1);
    start(&q, &p, &options);
    CHECK_EQ(weir_blocking_stop(p.pool, WEIR_BLOCKING_DISCARD, 0), -ETIMEDOUT);
    CHECK_EQ(q.dones, 0); /* on the loop */
    open_gate(&gate);
    run_to_the_end(p.loop);
    CHECK(busy.status == 0 && q.dones == 1 && q.status == -ECANCELED && q.code == 0);
    end_place(&p);
}

static void a_closed_loop_gets_what_is_under_way(void)
{
    place p = make_place(1, false);
    weir_resolve_options options;
    names n;
    question q;

    make_names(&n, &options);
    n.any.addresses = "ag";
    start(&q, &p, &options);
    weir_loop_close(p.loop);
    run_to_the_end(p.loop);
    CHECK(q.dones == 1 && q.status == 0);
    end_place(&p);
}

static void without_memory_nothing_begins(void)
{
    place p = make_place(1, false);
    weir_resolve_options options;
    names n;
    question q;

    make_names(&n, &options);
    n.any.addresses = "ag";
    test_alloc_calls = 0;
    test_alloc_fail_nr = 1;
    CHECK_EQ(ask(&q, &p, &options, WEIR_FOREVER), -ENOMEM);
    test_alloc_fail_nr = 0;
    CHECK_EQ(weir_resolve_cancel(&q.resolve), -EALREADY);
    CHECK(!weir_loop_alive(p.loop));
    end_place(&p);
}

/* ---- with others ---- */

/* Two pools: who waits for slow names waits alone. */
static void slow_names_hold_up_those_of_their_pool_alone(void)
{
    place p = make_place(2, false);
    weir_latch gate = WEIR_LATCH_INIT(1);
    weir_blocking *const first = p.pool;
    weir_blocking *second;
    weir_resolve_options slow_options, options;
    names slow, n;
    question stuck[2], behind, beside;

    CHECK_EQ(weir_blocking_new(&second, NULL), 0);
    make_names(&slow, &slow_options);
    make_names(&n, &options);
    slow.any.gate = &gate;
    n.any.addresses = slow.any.addresses = "ag";
    for (int i = 0; i < 2; i++)
        start(&stuck[i], &p, &slow_options);
    until(&slow.any.asked, 2);
    start(&behind, &p, &options);
    p.pool = second;
    start(&beside, &p, &options);
    p.pool = first;
    run_until_done(&beside);
    CHECK_EQ(beside.status, 0);
    CHECK(behind.dones == 0 && number(&n.any.asked) == 1);
    open_gate(&gate);
    run_to_the_end(p.loop);
    CHECK(behind.dones == 1 && behind.status == 0);
    CHECK_EQ(weir_blocking_stop(second, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(weir_blocking_free(second), 0);
    end_place(&p);
}

static void broken_preconditions_end_the_process(void)
{
    place p = make_place(1, false);
    weir_resolve_options options;
    names n;
    question q;

    make_names(&n, &options);
    CHECK_DIES((void)!weir_resolve_start(&q.resolve, p.loop, p.pool, "a", NULL, &options,
                                         WEIR_FOREVER, NULL),
               "without a function");
    options.release = NULL;
    CHECK_DIES((void)!ask(&q, &p, &options, WEIR_FOREVER), "without release");
    end_place(&p);
}

int main(void)
{
    return TEST_RUN(
        "resolve", TEST_CASE(addresses_come_in_their_order), TEST_CASE(names_and_hints_are_copied),
        TEST_CASE(one_of_the_two_names_may_be_left_out), TEST_CASE(every_code_has_its_errno),
        TEST_CASE(the_c_library_looks_up_where_nobody_else_does),
        TEST_CASE(a_cancelled_one_is_told_once_and_its_thread_goes_on),
        TEST_CASE(a_cancelled_one_that_has_not_begun_never_does),
        TEST_CASE(a_cancel_after_the_answer_is_a_cancel), TEST_CASE(a_deadline_ends_it_at_its_time),
        TEST_CASE(in_done_it_may_be_started_again), TEST_CASE(its_memory_is_the_callers_in_done),
        TEST_CASE(what_is_refused_calls_nothing), TEST_CASE(a_pool_that_ends_tells_those_that_wait),
        TEST_CASE(a_closed_loop_gets_what_is_under_way), TEST_CASE(without_memory_nothing_begins),
        TEST_CASE(slow_names_hold_up_those_of_their_pool_alone),
        TEST_CASE(broken_preconditions_end_the_process));
}
