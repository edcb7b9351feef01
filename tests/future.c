/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "future.h"

typedef struct triple {
    uint64_t a, b, c;
} triple;

WEIR_FUTURE_DEFINE(answer, int);
WEIR_FUTURE_DEFINE(triples, triple);

/* ---- one side after the other ---- */

static void a_value_arrives(void)
{
    weir_promise *promise;
    weir_future *future;
    int value = 0;

    begin(&promise, &future, sizeof value);
    CHECK(!weir_future_is_done(future));
    CHECK(weir_future_peek(future) == NULL);
    CHECK(weir_promise_wanted(promise));
    CHECK_EQ(weir_promise_complete(promise, &seven), 0);
    CHECK(weir_future_is_done(future));
    CHECK_EQ(weir_future_wait(future, 0, NULL), 0);
    CHECK_EQ(weir_future_wait(future, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_future_result(future, &value), 0);
    CHECK_EQ(value, 7);
    CHECK_EQ(weir_future_result(future, NULL), 0);
    value = 0;
    CHECK_EQ(weir_future_get(future, &value, 0, NULL), 0);
    CHECK_EQ(value, 7);
    CHECK_EQ(*(const int *)weir_future_peek(future), 7);
    value = 0;
    CHECK_EQ(weir_future_drop(future, &value), 0);
    CHECK_EQ(value, 7);
    end();
}

static void an_error_arrives(void)
{
    weir_promise *promise;
    weir_future *future;
    int value = 5;

    begin(&promise, &future, sizeof value);
    CHECK_EQ(weir_promise_fail(promise, -EIO), 0);
    CHECK_EQ(weir_future_wait(future, 0, NULL), 0);
    CHECK_EQ(weir_future_get(future, &value, 0, NULL), -EIO);
    CHECK(weir_future_peek(future) == NULL);
    CHECK_EQ(weir_future_drop(future, &value), -EIO);
    CHECK_EQ(value, 5);
    end();
}

static void a_promise_that_is_dropped_is_an_error(void)
{
    weir_promise *promise;
    weir_future *future;

    begin(&promise, &future, 0);
    weir_promise_drop(promise);
    CHECK_EQ(weir_future_get(future, NULL, WEIR_FOREVER, NULL), -EOWNERDEAD);
    CHECK_EQ(weir_future_drop(future, NULL), -EOWNERDEAD);
    weir_promise_drop(NULL);
    CHECK_EQ(weir_future_drop(NULL, NULL), -EINVAL);
    end();
}

/* U42: a result that nobody can take any more stays with who has it. */
static void a_future_that_was_dropped_takes_no_value(void)
{
    weir_promise *promise;
    weir_future *future;
    int value = 5;

    begin(&promise, &future, sizeof value);
    CHECK_EQ(weir_future_drop(future, &value), -EBUSY);
    CHECK_EQ(value, 5);
    CHECK(!weir_promise_wanted(promise));
    CHECK(test_alloc_live > 0);
    CHECK_EQ(weir_promise_complete(promise, &seven), -EPIPE);
    end();

    begin(&promise, &future, sizeof value);
    CHECK_EQ(weir_future_wait(future, weir_clock_after(1000), NULL), -ETIMEDOUT);
    CHECK(weir_promise_wanted(promise));
    CHECK_EQ(weir_future_drop(future, NULL), -EBUSY);
    CHECK(!weir_promise_wanted(promise));
    CHECK_EQ(weir_promise_fail(promise, -EIO), -EPIPE);
    end();

    begin(&promise, &future, sizeof value);
    CHECK_EQ(weir_future_drop(future, NULL), -EBUSY);
    weir_promise_drop(promise);
    end();
}

static void any_size(void)
{
    static unsigned char sent[100000], got[100000];
    static const size_t sizes[] = {0, 1, 7, 8, 9, 16, 17, 4095, 100000};
    weir_promise *promise;
    weir_future *future;

    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (unsigned char)(i * 7 + 1);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        begin(&promise, &future, sizes[i]);
        CHECK_EQ((uintptr_t)weir_promise_value(promise) % 16, 0);
        memset(got, 0, sizeof got);
        CHECK_EQ(weir_promise_complete(promise, sent), 0);
        CHECK(weir_future_peek(future) != NULL);
        CHECK_EQ(weir_future_drop(future, got), 0);
        CHECK(memcmp(sent, got, sizes[i]) == 0);
        CHECK(sizes[i] == sizeof got || got[sizes[i]] == 0);
        end();
    }
}

static void a_value_is_built_in_place(void)
{
    weir_promise *promise;
    weir_future *future;
    int value = 0;

    begin(&promise, &future, sizeof value);
    memcpy(weir_promise_value(promise), &seven, sizeof seven);
    CHECK_EQ(weir_promise_complete(promise, NULL), 0);
    CHECK_EQ(weir_future_drop(future, &value), 0);
    CHECK_EQ(value, 7);
    end();
}

static void no_memory_and_no_such_size(void)
{
    weir_promise *promise = (weir_promise *)(void *)&turns;
    weir_future *future = (weir_future *)(void *)&turns;

    test_alloc_fail_at(1);
    CHECK_EQ(weir_future_new(&promise, &future, 8, NULL), -ENOMEM);
    test_alloc_fail_at(1);
    CHECK_EQ(weir_future_new(&promise, &future, SIZE_MAX, NULL), -EINVAL);
    CHECK_EQ(weir_future_new(&promise, &future, SIZE_MAX / 2, NULL), -EINVAL);
    CHECK_EQ(weir_future_new(&promise, &future, PTRDIFF_MAX - sizeof *future + 1, NULL), -EINVAL);
    CHECK_EQ(test_alloc_calls, 0);
    CHECK((void *)promise == (void *)&turns && (void *)future == (void *)&turns);
    weir_set_allocator(NULL);
}

static void what_must_not_be(void)
{
    weir_future here = WEIR_FUTURE_INIT(NULL, 0, NULL);
    weir_promise *promise;
    weir_future *future;

    CHECK_EQ(weir_future_new(&promise, &future, 0, NULL), 0);
    CHECK_DIES(weir_future_result(future, NULL), "there is no result yet");
    CHECK_DIES(weir_promise_fail(promise, EIO), "negative errno");
    CHECK_DIES(weir_promise_fail(promise, 0), "negative errno");
    CHECK_DIES(weir_future_destroy(future), "weir_future_drop() is for it");
    CHECK_DIES(weir_future_drop(&here, NULL), "weir_future_destroy() is for it");
    CHECK_EQ(weir_promise_complete(promise, NULL), 0);
    CHECK_DIES(weir_promise_complete(promise, NULL), "a promise is used once");
    CHECK_DIES(weir_promise_drop(promise), "a promise is used once");
    CHECK_EQ(weir_future_drop(future, NULL), 0);
}

/* ---- deadlines and tokens ---- */

static void a_wait_that_fails_changes_nothing(void)
{
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    weir_cancel *const token = weir_cancel_source_token(&source);
    weir_promise *promise;
    weir_future *future;
    int value = 5;

    begin(&promise, &future, sizeof value);
    CHECK_EQ(weir_future_wait(future, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_future_wait(future, 1, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_future_wait(future, weir_clock_after(1000000), NULL), -ETIMEDOUT);
    CHECK_EQ(weir_future_get(future, &value, weir_clock_after(1000000), token), -ETIMEDOUT);
    (void)weir_cancel_source_cancel(&source, 0);
    CHECK_EQ(weir_future_wait(future, WEIR_FOREVER, token), -ECANCELED);
    CHECK_EQ(value, 5);
    CHECK(weir_promise_wanted(promise));
    CHECK_EQ(weir_promise_complete(promise, &seven), 0);
    /* A token that is cancelled comes first. */
    CHECK_EQ(weir_future_get(future, &value, WEIR_FOREVER, token), -ECANCELED);
    CHECK_EQ(weir_future_get(future, &value, 0, NULL), 0);
    CHECK_EQ(value, 7);
    CHECK_EQ(weir_future_drop(future, NULL), 0);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    end();
}

typedef struct waiting {
    weir_future *future;
    uint64_t deadline;
    weir_cancel *cancel;
    int status, value;
} waiting;

static void *waits(void *argument)
{
    waiting *const w = (waiting *)argument;

    w->status = weir_future_get(w->future, &w->value, w->deadline, w->cancel);
    return NULL;
}

static void every_waiter_is_woken(void)
{
    enum { WAITERS = 20 }; /* more than are woken with one hold of the lock */
    pthread_t threads[WAITERS];
    waiting w[WAITERS];
    weir_promise *promise;
    weir_future *future;

    begin(&promise, &future, sizeof(int));
    for (unsigned i = 0; i < WAITERS; i++) {
        w[i] = (waiting){future, WEIR_FOREVER, NULL, 1, 0};
        start(&threads[i], waits, &w[i]);
    }
    until_they_sleep(future, WAITERS);
    CHECK_EQ(weir_promise_complete(promise, &seven), 0);
    for (unsigned i = 0; i < WAITERS; i++) {
        join(threads[i]);
        CHECK_EQ(w[i].status, 0);
        CHECK_EQ(w[i].value, 7);
    }
    CHECK_EQ(weir_future_drop(future, NULL), 0);
    end();
}

static void a_token_ends_one_wait_and_not_the_other(void)
{
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    weir_promise *promise;
    weir_future *future;
    pthread_t threads[2];
    waiting w[2];

    begin(&promise, &future, sizeof(int));
    w[0] = (waiting){future, WEIR_FOREVER, weir_cancel_source_token(&source), 1, 0};
    w[1] = (waiting){future, WEIR_FOREVER, NULL, 1, 0};
    start(&threads[0], waits, &w[0]);
    start(&threads[1], waits, &w[1]);
    until_they_sleep(future, 2);
    (void)weir_cancel_source_cancel(&source, 0);
    join(threads[0]);
    CHECK_EQ(w[0].status, -ECANCELED);
    CHECK_EQ(weir_promise_complete(promise, &seven), 0);
    join(threads[1]);
    CHECK_EQ(w[1].status, 0);
    CHECK_EQ(weir_future_drop(future, NULL), 0);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    end();
}

/* ---- cancelling ---- */

static void a_cancel_is_a_question(void)
{
    weir_promise *promise;
    weir_future *future;

    begin(&promise, &future, sizeof(int));
    CHECK(weir_promise_token(promise) == NULL);
    weir_future_cancel(future);
    weir_future_cancel(future);
    CHECK(!weir_promise_wanted(promise));
    CHECK(!weir_future_is_done(future));
    CHECK_EQ(weir_promise_fail(promise, -ECANCELED), 0);
    weir_future_cancel(future);
    CHECK_EQ(weir_future_drop(future, NULL), -ECANCELED);
    end();
}

static void the_token_is_cancelled_with_the_future(void)
{
    weir_cancel_source parent = WEIR_CANCEL_SOURCE_INIT, source;
    weir_promise *promise;
    weir_future *future;

    for (unsigned from_above = 0; from_above < 2; from_above++) {
        weir_cancel_source_init(&source, weir_cancel_source_token(&parent), WEIR_FOREVER);
        CHECK_EQ(weir_future_new(&promise, &future, 0, &source), 0);
        CHECK(weir_promise_token(promise) == weir_cancel_source_token(&source));
        CHECK(weir_promise_wanted(promise));
        CHECK_EQ(weir_cancel_check(weir_promise_token(promise)), 0);
        if (from_above)
            (void)weir_cancel_source_cancel(&parent, 0);
        else
            weir_future_cancel(future);
        CHECK(!weir_promise_wanted(promise));
        CHECK_EQ(weir_cancel_reason(weir_promise_token(promise)), -ECANCELED);
        weir_promise_drop(promise);
        CHECK_EQ(weir_future_drop(future, NULL), -EOWNERDEAD);
        CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    }
    CHECK_EQ(weir_cancel_source_destroy(&parent), 0);
}

/* ---- callbacks ---- */

static void callbacks_in_order(void)
{
    weir_promise *promise;
    weir_future *future;
    noted n[5];

    begin(&promise, &future, sizeof(int));
    memset(n, 0, sizeof n);
    turns = 0;
    for (unsigned i = 0; i < 4; i++)
        weir_future_then(future, &n[i].then, note);
    CHECK_EQ(weir_promise_complete(promise, &seven), 0);
    CHECK_EQ(turns, 4);
    weir_future_then(future, &n[4].then, note);
    for (unsigned i = 0; i < 5; i++) {
        is_noted(&n[i], 0, 7);
        CHECK_EQ(n[i].turn, i + 1);
    }
    CHECK_EQ(weir_future_drop(future, NULL), 0);
    end();
}

static void a_callback_that_is_taken_back_is_not_called(void)
{
    enum { MOST = 4 };

    /* Of `count`, the one at `taken`; in the end the last of them is added again. */
    for (unsigned count = 1; count <= MOST; count++)
        for (unsigned taken = 0; taken < count; taken++) {
            weir_promise *promise;
            weir_future *future;
            noted n[MOST];
            unsigned turn = 0;

            begin(&promise, &future, sizeof(int));
            memset(n, 0, sizeof n);
            turns = 0;
            for (unsigned i = 0; i < count; i++)
                weir_future_then(future, &n[i].then, note);
            CHECK(weir_future_unthen(future, &n[taken].then));
            CHECK(!weir_future_unthen(future, &n[taken].then));
            CHECK_EQ(weir_promise_complete(promise, &seven), 0);
            for (unsigned i = 0; i < count; i++) {
                CHECK_EQ(n[i].calls, i != taken);
                CHECK_EQ(n[i].turn, i != taken ? ++turn : 0);
                CHECK(!weir_future_unthen(future, &n[i].then));
            }
            weir_future_then(future, &n[taken].then, note);
            is_noted(&n[taken], 0, 7);
            CHECK_EQ(weir_future_drop(future, NULL), 0);
            end();
        }
}

/* A callback that lets go of everything: the future, and itself. */
typedef struct owner {
    weir_then then;
    weir_future *future;
    unsigned *called;
} owner;

static void let_go_of_all(weir_then *then, weir_future *future)
{
    owner *const o = (owner *)(void *)then;
    int value = 0;

    CHECK(future == o->future);
    ++*o->called;
    CHECK_EQ(weir_future_drop(future, &value), 0);
    CHECK_EQ(value, 7);
    free(o);
}

static void a_callback_may_free_everything(void)
{
    for (unsigned done = 0; done < 2; done++) {
        owner *const o = (owner *)malloc(sizeof *o);
        weir_promise *promise;
        weir_future *future;
        unsigned called = 0;

        CHECK(o != NULL);
        begin(&promise, &future, sizeof(int));
        o->future = future;
        o->called = &called;
        if (done)
            CHECK_EQ(weir_promise_complete(promise, &seven), 0);
        weir_future_then(future, &o->then, let_go_of_all);
        CHECK_EQ(called, done);
        if (!done)
            CHECK_EQ(weir_promise_complete(promise, &seven), 0);
        CHECK_EQ(called, 1);
        end();
    }
}

/* The first of two drops the future: the second sees it all the same. */
static void a_block_stays_until_all_were_called(void)
{
    owner *const o = (owner *)malloc(sizeof *o);
    weir_promise *promise;
    weir_future *future;
    unsigned called = 0;
    noted n;

    CHECK(o != NULL);
    begin(&promise, &future, sizeof(int));
    memset(&n, 0, sizeof n);
    o->future = future;
    o->called = &called;
    weir_future_then(future, &o->then, let_go_of_all);
    weir_future_then(future, &n.then, note);
    CHECK_EQ(weir_promise_complete(promise, &seven), 0);
    CHECK_EQ(called, 1);
    is_noted(&n, 0, 7);
    end();
}

/* ---- in the caller's memory ---- */

static void in_the_callers_memory(void)
{
    static weir_future made = WEIR_FUTURE_INIT(NULL, 0, NULL);
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    weir_future here;
    int value = 0;
    noted n;

    test_alloc_fail_at(1);
    CHECK(weir_promise_token(weir_future_promise(&made)) == NULL);
    CHECK_EQ(weir_future_destroy(&made), -EBUSY);
    CHECK_EQ(weir_promise_complete(weir_future_promise(&made), NULL), 0);
    CHECK_EQ(weir_future_get(&made, NULL, 0, NULL), 0);
    CHECK_EQ(weir_future_destroy(&made), 0);
    for (unsigned round = 0; round < 2; round++) {
        weir_future_init(&here, &value, sizeof value, &source);
        memset(&n, 0, sizeof n);
        value = 0;
        weir_future_then(&here, &n.then, note);
        CHECK_EQ(weir_future_wait(&here, weir_clock_after(1000000), NULL), -ETIMEDOUT);
        if (round == 1)
            weir_future_cancel(&here);
        CHECK_EQ(weir_promise_wanted(weir_future_promise(&here)), round == 0);
        CHECK_EQ(weir_promise_complete(weir_future_promise(&here), &seven), 0);
        is_noted(&n, 0, 7);
        CHECK_EQ(value, 7);
        CHECK_EQ(weir_future_destroy(&here), 0);
        CHECK_EQ(weir_future_destroy(&here), 0);
    }
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    CHECK_EQ(test_alloc_calls, 0);
    weir_set_allocator(NULL);
}

typedef struct joint {
    weir_then then;
    weir_future future;
    int value;
    unsigned *called;
} joint;

static void free_the_joint(weir_then *then, weir_future *future)
{
    joint *const j = (joint *)(void *)then;

    CHECK(future == &j->future);
    CHECK_EQ(j->value, 7);
    CHECK_EQ(weir_future_destroy(future), 0);
    ++*j->called;
    free(j);
}

/* As a task joins its child: the callback destroys, and frees what both are part of. */
static void a_callback_may_free_the_callers_memory(void)
{
    for (unsigned waited = 0; waited < 2; waited++) {
        joint *const j = (joint *)malloc(sizeof *j);
        unsigned called = 0;

        CHECK(j != NULL);
        j->called = &called;
        weir_future_init(&j->future, &j->value, sizeof j->value, NULL);
        if (waited)
            CHECK_EQ(weir_future_wait(&j->future, weir_clock_after(1000000), NULL), -ETIMEDOUT);
        weir_future_then(&j->future, &j->then, free_the_joint);
        CHECK_EQ(weir_promise_complete(weir_future_promise(&j->future), &seven), 0);
        CHECK_EQ(called, 1);
    }
}

static void *completes(void *argument)
{
    CHECK_EQ(weir_promise_complete((weir_promise *)argument, &seven), 0);
    return NULL;
}

/* Who was woken destroys at once, while the other thread may still be in complete. */
static void memory_is_free_after_destroy(void)
{
    for (unsigned round = 0; round < 200; round++) {
        joint *const j = (joint *)malloc(sizeof *j);
        pthread_t thread;

        CHECK(j != NULL);
        weir_future_init(&j->future, &j->value, sizeof j->value, NULL);
        start(&thread, completes, weir_future_promise(&j->future));
        CHECK_EQ(weir_future_wait(&j->future, WEIR_FOREVER, NULL), 0);
        CHECK_EQ(j->value, 7);
        CHECK_EQ(weir_future_destroy(&j->future), 0);
        memset((void *)j, 0x5a, sizeof *j);
        free(j);
        join(thread);
    }
}

/* ---- typed ---- */

static void typed(void)
{
    const triple sent = {1, 2, 3};
    triples_promise *promise = NULL;
    triples *future = NULL;
    answer_promise *side = NULL;
    answer here, *other = NULL;
    triple got;
    int value = 0;

    test_alloc_fail_at(0);
    CHECK_EQ(triples_new(&promise, &future, NULL), 0);
    CHECK(triples_peek(future) == NULL);
    CHECK_EQ(triples_wait(future, 0, NULL), -ETIMEDOUT);
    CHECK(weir_promise_wanted(triples_untyped(promise)));
    CHECK_EQ(triples_complete(promise, sent), 0);
    CHECK_EQ(triples_get(future, &got, 0, NULL), 0);
    CHECK(got.a == 1 && got.b == 2 && got.c == 3);
    CHECK_EQ(triples_peek(future)->c, 3);
    memset(&got, 0, sizeof got);
    CHECK_EQ(triples_drop(future, &got), 0);
    CHECK_EQ(got.b, 2);
    end();

    CHECK_EQ(answer_new(&side, &other, NULL), 0);
    CHECK_EQ(answer_fail(side, -EIO), 0);
    CHECK_EQ(answer_drop(other, NULL), -EIO);
    CHECK_EQ(answer_new(&side, &other, NULL), 0);
    answer_promise_drop(side);
    CHECK_EQ(answer_drop(other, NULL), -EOWNERDEAD);
    CHECK_EQ(answer_drop(NULL, NULL), -EINVAL);

    answer_init(&here, &value, NULL);
    CHECK_EQ(answer_destroy(&here), -EBUSY);
    CHECK_EQ(answer_complete(answer_promise_of(&here), 9), 0);
    CHECK_EQ(*answer_peek(&here), 9);
    CHECK(weir_future_is_done(&here.future));
    CHECK_EQ(answer_destroy(&here), 0);

    test_alloc_fail_at(1);
    CHECK_EQ(answer_new(&side, &other, NULL), -ENOMEM);
    weir_set_allocator(NULL);
}

int main(void)
{
    return TEST_RUN(
        "future", TEST_CASE(a_value_arrives), TEST_CASE(an_error_arrives),
        TEST_CASE(a_promise_that_is_dropped_is_an_error),
        TEST_CASE(a_future_that_was_dropped_takes_no_value), TEST_CASE(any_size),
        TEST_CASE(a_value_is_built_in_place), TEST_CASE(no_memory_and_no_such_size),
        TEST_CASE(what_must_not_be), TEST_CASE(a_wait_that_fails_changes_nothing),
        TEST_CASE(every_waiter_is_woken), TEST_CASE(a_token_ends_one_wait_and_not_the_other),
        TEST_CASE(a_cancel_is_a_question), TEST_CASE(the_token_is_cancelled_with_the_future),
        TEST_CASE(callbacks_in_order), TEST_CASE(a_callback_that_is_taken_back_is_not_called),
        TEST_CASE(a_callback_may_free_everything), TEST_CASE(a_block_stays_until_all_were_called),
        TEST_CASE(in_the_callers_memory), TEST_CASE(a_callback_may_free_the_callers_memory),
        TEST_CASE(memory_is_free_after_destroy), TEST_CASE(typed));
}
