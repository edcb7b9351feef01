/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/loop.h: asyncs, whose references may be stale, and what other threads take back from a
 * loop. */

#include "loop.h"

#include <sys/eventfd.h>

/* ---- asyncs ---- */

static void sends_that_come_together_are_one_call(void)
{
    weir_loop *const loop = make(NULL);
    thing a = thing_of(loop, 'a', NULL), b = thing_of(loop, 'b', thing_send);
    weir_async_ref to;

    thing_async(&a);
    thing_async(&b);
    to = weir_async_reference(&a.async);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(weir_async_send(to), 0);
    turn_with_work(loop);
    CHECK_SAID("a");
    turn_for_nothing(loop);
    CHECK_SAID("");
    CHECK_EQ(weir_async_send(to), 0);
    thing_send(&b); /* sends to itself: that comes in the next turn */
    turn_with_work(loop);
    CHECK_SAID("ab");
    turn_with_work(loop);
    CHECK_SAID("b");
    CHECK_EQ(weir_async_close(&a.async, NULL), 0);
    CHECK_EQ(weir_async_close(&b.async, NULL), 0);
    run_to_the_end(loop);
    CHECK_SAID("");
    end(loop);
}

static void a_close_is_answered_once_and_later(void)
{
    weir_loop *const loop = make(NULL);
    thing a = thing_of(loop, 'a', NULL);

    for (int sent = 0; sent < 2; sent++) {
        weir_async_ref to, late;

        thing_async(&a);
        to = weir_async_reference(&a.async);
        if (sent != 0)
            CHECK_EQ(weir_async_send(to), 0);
        CHECK_EQ(weir_async_close(&a.async, thing_closed), 0);
        CHECK_EQ(weir_async_close(&a.async, NULL), -EALREADY);
        CHECK_EQ(weir_async_send(to), -ESTALE);
        late = weir_async_reference(&a.async);
        CHECK_EQ(weir_async_send(late), -ESTALE);
        CHECK_EQ(a.closes, sent);
        CHECK(weir_loop_alive(loop));
        CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), 0);
        CHECK_SAID("A"); /* what was sent before is not told any more */
        CHECK_EQ(weir_async_close(&a.async, NULL), -EALREADY);
        CHECK_EQ(weir_async_send(weir_async_reference(&a.async)), -ESTALE);
        CHECK_EQ(weir_async_send(to), -ESTALE);
        CHECK_EQ(weir_async_send(late), -ESTALE);
    }
    CHECK_EQ(a.calls, 0);
    end(loop);
}

static void close_itself(thing *t)
{
    thing_send(t);
    CHECK_EQ(weir_async_close(&t->async, thing_closed), 0);
    CHECK_EQ(t->closes, 0);
}

static void an_async_may_close_itself(void)
{
    weir_loop *const loop = make(NULL);
    thing a = thing_of(loop, 'a', close_itself), check = thing_of(loop, '.', NULL);

    thing_async(&a);
    thing_hook(&check, WEIR_LOOP_CHECK);
    thing_send(&a);
    turn_with_work(loop);
    CHECK_SAID("a.");
    turn_with_work(loop); /* what it has sent itself comes first */
    CHECK_SAID(".A");
    CHECK(weir_hook_stop(&check.hook));
    end(loop);
}

/* A copy, from before everything; the memory, and the loop, are gone, and others are in their
 * place. */
static void a_stale_reference_does_no_harm(void)
{
    enum { MANY = 20 };
    weir_async_ref old[MANY], null_ref = {NULL, 0};
    weir_loop *loop;

    CHECK_EQ(weir_async_send(null_ref), -ESTALE);
    for (int i = 0; i < MANY; i++) {
        thing *const t = (thing *)malloc(sizeof *t);

        loop = make(NULL);
        CHECK(t != NULL);
        *t = thing_of(loop, 'a', NULL);
        thing_async(t);
        old[i] = weir_async_reference(&t->async);
        CHECK_EQ(weir_async_send(old[i]), 0);
        for (int j = 0; j < i; j++)
            CHECK_EQ(weir_async_send(old[j]), -ESTALE);
        turn_with_work(loop);
        CHECK_SAID("a");
        CHECK_EQ(weir_async_close(&t->async, NULL), 0);
        run_to_the_end(loop);
        free(t);
        CHECK_EQ(weir_async_send(old[i]), -ESTALE);
        end(loop);
        CHECK_EQ(weir_async_send(old[i]), -ESTALE);
    }
}

/* As many as there are; each its own, also where slots are used again. */
static void many_asyncs_are_each_their_own(void)
{
    enum { MANY = 100 };
    weir_loop *const loop = make(NULL);
    thing all[MANY];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            all[i] = thing_of(loop, 0, NULL);
            thing_async(&all[i]);
        }
        for (int i = 0; i < MANY; i += 3)
            thing_send(&all[i]);
        turn_with_work(loop);
        for (int i = 0; i < MANY; i++) {
            CHECK_EQ(all[i].calls, i % 3 == 0);
            CHECK_EQ(weir_async_close(&all[i].async, thing_closed), 0);
        }
        CHECK(weir_loop_free(loop) == -EBUSY);
        run_to_the_end(loop);
        for (int i = 0; i < MANY; i++)
            CHECK_EQ(all[i].closes, 1);
    }
    end(loop);
}

static void never_sent(weir_async *async)
{
    (void)async;
    CHECK(false);
}

static void the_memory_of_asyncs_is_used_again(void)
{
    enum { N = 10 };
    weir_async asyncs[N];
    size_t most = 0;

    test_alloc_fail_at(0);
    for (int round = 0; round < 20; round++) {
        weir_loop *const loop = make(NULL);
        const size_t before = test_alloc_calls;

        for (int again = 0; again < 2; again++) {
            for (int i = 0; i < N; i++)
                CHECK_EQ(weir_async_init(&asyncs[i], loop, never_sent, false), 0);
            most = round + again == 0 ? test_alloc_calls - before : most;
            CHECK_EQ(test_alloc_calls - before, round == 0 ? most : 0);
            for (int i = 0; i < N; i++)
                CHECK_EQ(weir_async_close(&asyncs[i], NULL), 0);
            run_to_the_end(loop);
        }
        end(loop);
    }
    CHECK(most <= N);
}

static void forget_it(weir_async *async)
{
    thing *const t = THING_OF(async, async);

    weir_loop_stop(t->loop);
    memset(t, 0xff, sizeof *t);
    free(t);
}

static void close_and_forget(thing *t)
{
    CHECK_EQ(weir_async_close(&t->async, forget_it), 0);
}

static void *send_until_stale(void *argument)
{
    const weir_async_ref to = *(const weir_async_ref *)argument;
    int status;

    do
        status = weir_async_send(to);
    while (status == 0);
    CHECK_EQ(status, -ESTALE);
    return NULL;
}

/* The loop's callback closes it, and its memory is freed, while others send; then the loop is. */
static void the_callback_may_close_what_others_are_sending_to(void)
{
    enum { TIMES = 150, SENDERS = 2 };

    for (int i = 0; i < TIMES; i++) {
        weir_loop *const loop = make(NULL);
        thing *const t = (thing *)malloc(sizeof *t);
        pthread_t senders[SENDERS];
        weir_async_ref to;

        CHECK(t != NULL);
        *t = thing_of(loop, 0, close_and_forget);
        thing_async(t);
        to = weir_async_reference(&t->async);
        for (int j = 0; j < SENDERS; j++)
            senders[j] = begin(send_until_stale, &to);
        CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_STOPPED, WEIR_FOREVER), -ECANCELED);
        CHECK_EQ(weir_loop_free(loop), 0); /* they may be at it still */
        for (int j = 0; j < SENDERS; j++)
            join(senders[j]);
    }
}

typedef struct mailbox {
    weir_async async;
    weir_async_ref to;
    WEIR_ATOMIC(unsigned) number; /* relaxed: the send carries it */
    unsigned seen;
    bool stopped;
} mailbox;

enum { LETTERS = 20000 };

static void look_into(weir_async *async)
{
    mailbox *const box = (mailbox *)(void *)async;
    const unsigned number = weir_atomic_load(&box->number, WEIR_RELAXED);

    CHECK(number >= box->seen);
    box->seen = number;
    if (number == LETTERS && !box->stopped) { /* a send before the last one may see it, too */
        box->stopped = true;
        weir_loop_stop(async->loop);
    }
}

static void *fill_it(void *argument)
{
    mailbox *const box = (mailbox *)argument;

    for (unsigned i = 1; i <= LETTERS; i++) {
        weir_atomic_store(&box->number, i, WEIR_RELAXED); /* relaxed: the send carries it */
        CHECK_EQ(weir_async_send(box->to), 0);
    }
    return NULL;
}

/* The last send is told, with what was before it, also if it is one with others. */
static void what_was_written_before_a_send_is_seen_by_its_callback(void)
{
    weir_loop *const loop = make(NULL);
    mailbox box;
    pthread_t thread;

    memset(&box, 0, sizeof box);
    CHECK_EQ(weir_async_init(&box.async, loop, look_into, false), 0);
    box.to = weir_async_reference(&box.async);
    thread = begin(fill_it, &box);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), -ECANCELED);
    CHECK_EQ(box.seen, LETTERS);
    join(thread);
    CHECK_EQ(weir_async_close(&box.async, NULL), 0);
    run_to_the_end(loop);
    end(loop);
}

/* Memory that held something else. */
static void every_field_is_initialised(void)
{
    weir_loop *const loop = make(NULL);
    const int fd = eventfd(1, EFD_CLOEXEC);
    thing t;

    memset(&t, 0xff, sizeof t);
    t.loop = loop;
    t.then = NULL;
    t.letter = 'a';
    t.calls = t.closes = 0;
    weir_job_init(&t.job, thing_run);
    t.status = 0;
    weir_timer_init(&t.timer, loop, thing_due);
    weir_poll_init(&t.poll, loop, fd, thing_ready);
    CHECK(!weir_timer_is_started(&t.timer));
    CHECK(!weir_timer_stop(&t.timer));
    CHECK_EQ(weir_timer_deadline(&t.timer), WEIR_FOREVER);
    CHECK(!weir_poll_is_started(&t.poll));
    CHECK(!weir_poll_stop(&t.poll));
    weir_hook_init(&t.hook, loop, WEIR_LOOP_CHECK, thing_hooked);
    CHECK(!weir_hook_stop(&t.hook));
    CHECK_EQ(weir_async_init(&t.async, loop, thing_sent, false), 0);
    weir_hook_start(&t.hook, true);
    weir_timer_start(&t.timer, 0);
    thing_post(&t);
    turn_with_work(loop);
    CHECK_SAID("aaa");
    CHECK(weir_hook_stop(&t.hook));
    CHECK_EQ(weir_poll_start(&t.poll, WEIR_POLL_READ), 0);
    turn_with_work(loop);
    CHECK_SAID("a");
    CHECK(weir_poll_stop(&t.poll));
    CHECK_EQ(weir_async_close(&t.async, thing_closed), 0);
    run_to_the_end(loop);
    CHECK_SAID("A");
    CHECK(close(fd) == 0);
    end(loop);
}

/* ---- cancel ---- */

static void *cancel_its_timer(void *argument)
{
    thing *const t = (thing *)argument;
    weir_canceller canceller;

    CHECK_EQ(weir_timer_cancel_wait(&t->timer, &canceller, WEIR_FOREVER, NULL), 0);
    memset(&t->timer, 0xff, sizeof t->timer); /* it is the caller's */
    return NULL;
}

static void *cancel_its_poll(void *argument)
{
    thing *const t = (thing *)argument;
    weir_canceller canceller;

    CHECK_EQ(weir_poll_cancel_wait(&t->poll, &canceller, WEIR_FOREVER, NULL), 0);
    memset(&t->poll, 0xff, sizeof t->poll);
    return NULL;
}

static void taking_the_last_reason_away_from_outside_ends_the_sleep(void)
{
    weir_loop *const loop = make(NULL);
    const int fd = eventfd(0, EFD_CLOEXEC);
    pthread_t thread;

    for (int i = 0; i < 30; i++) {
        thing t = thing_of(loop, 0, NULL);

        if (i % 2 == 0)
            weir_timer_start(&t.timer, WEIR_FOREVER - (uint64_t)i);
        else
            thing_poll(&t, fd, WEIR_POLL_READ);
        /* For who is in time it has to be run. */
        thread = begin(i % 2 == 0 ? cancel_its_timer : cancel_its_poll, &t);
        run_to_the_end(loop);
        join(thread);
        CHECK_EQ(t.calls, 0);
    }
    CHECK(close(fd) == 0);
    end(loop);
}

static void a_cancel_is_waited_for_as_often_as_one_likes(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'a', NULL);
    weir_cancel_source source;
    weir_canceller canceller;

    /* Nobody runs it. */
    weir_timer_start(&t.timer, 0);
    CHECK_EQ(weir_timer_cancel_wait(&t.timer, &canceller, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_canceller_wait(&canceller, weir_clock_after(MS), NULL), -ETIMEDOUT);
    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
    CHECK(weir_cancel_source_cancel(&source, 0));
    CHECK_EQ(weir_canceller_wait(&canceller, WEIR_FOREVER, weir_cancel_source_token(&source)),
             -ECANCELED);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    run_to_the_end(loop);
    CHECK_SAID("a"); /* timers come before posts */
    CHECK_EQ(weir_canceller_wait(&canceller, 0, NULL), -EALREADY);
    end(loop);
}

static void a_cancel_of_what_is_not_active_says_so(void)
{
    weir_loop *loop = make(NULL);
    thing t = thing_of(loop, 'a', NULL);
    weir_canceller canceller, second;

    CHECK_EQ(weir_timer_cancel(&t.timer, &canceller), 0);
    turn_with_work(loop);
    CHECK_EQ(weir_canceller_wait(&canceller, 0, NULL), -EALREADY);
    weir_timer_start(&t.timer, WEIR_FOREVER);
    CHECK_EQ(weir_timer_cancel(&t.timer, &canceller), 0);
    CHECK_EQ(weir_timer_cancel(&t.timer, &second), 0);
    CHECK(weir_timer_is_started(&t.timer));
    run_to_the_end(loop);
    CHECK_EQ(weir_canceller_wait(&canceller, 0, NULL), 0);
    CHECK_EQ(weir_canceller_wait(&second, 0, NULL), -EALREADY);
    weir_poll_init(&t.poll, loop, 0, thing_ready);
    CHECK_EQ(weir_poll_cancel(&t.poll, &canceller), 0);
    turn_with_work(loop);
    CHECK_EQ(weir_canceller_wait(&canceller, 0, NULL), -EALREADY);
    /* Of a loop that is freed before it has come. */
    CHECK_EQ(weir_timer_cancel(&t.timer, &canceller), 0);
    CHECK_EQ(weir_loop_free(loop), 0);
    CHECK_EQ(weir_canceller_wait(&canceller, WEIR_FOREVER, NULL), -ECANCELED);
    CHECK_SAID("");
}

static void cancel_the_other(thing *t)
{
    weir_canceller canceller;

    CHECK_EQ(weir_timer_cancel_wait(&t->timer, &canceller, WEIR_FOREVER, NULL), -EDEADLK);
    CHECK(weir_timer_is_started(&t->timer)); /* nothing was done */
    CHECK_EQ(weir_timer_cancel(&t->timer, &canceller), 0);
    CHECK(!weir_timer_is_started(&t->timer));
    CHECK_EQ(weir_canceller_wait(&canceller, 0, NULL), 0);
    CHECK_EQ(weir_timer_cancel_wait(&t->other->timer, &canceller, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_timer_cancel_wait(&t->other->timer, &canceller, WEIR_FOREVER, NULL), -EALREADY);
    CHECK_EQ(weir_poll_cancel_wait(&t->other->poll, &canceller, WEIR_FOREVER, NULL), 0);
}

static void cancel_its_poll_itself(thing *t)
{
    weir_canceller canceller;

    CHECK_EQ(weir_poll_cancel_wait(&t->poll, &canceller, WEIR_FOREVER, NULL), -EDEADLK);
    CHECK_EQ(weir_poll_cancel(&t->poll, &canceller), 0);
    CHECK_EQ(weir_canceller_wait(&canceller, 0, NULL), 0);
}

/* In the loop's thread it is done at once. */
static void a_cancel_by_the_loop_itself_is_done_at_once(void)
{
    weir_loop *const loop = make_moved();
    const int fd = eventfd(1, EFD_CLOEXEC);
    thing a = thing_of(loop, 'a', cancel_the_other), b = thing_of(loop, 'b', NULL);

    a.other = &b;
    weir_timer_repeat(&a.timer, 1000, 1, WEIR_TIMER_BURST);
    weir_timer_start(&b.timer, 1000);
    thing_poll(&b, fd, WEIR_POLL_READ);
    run_to_the_end(loop);
    CHECK_SAID("a");
    a.then = cancel_its_poll_itself;
    thing_poll(&a, fd, WEIR_POLL_READ);
    run_to_the_end(loop);
    CHECK_SAID("a");
    CHECK(close(fd) == 0);
    end(loop);
}

static WEIR_ATOMIC(unsigned) running;

static void run_for_a_while(thing *t)
{
    weir_atomic_store(&running, 1, WEIR_RELAXED); /* relaxed: a number; so below. */
    doze();
    t->ready = t->calls; /* plain: seen by who has cancelled it */
    weir_atomic_store(&running, 0, WEIR_RELAXED);
}

static void a_removal_from_outside_waits_for_the_callback_that_runs(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 0, run_for_a_while);
    weir_canceller canceller;
    unsigned calls;
    pthread_t own;

    for (int i = 0; i < 20; i++) {
        t = thing_of(loop, 0, run_for_a_while);
        weir_timer_repeat(&t.timer, 0, 1, WEIR_TIMER_DELAY);
        own = begin(run_until_stopped, loop);
        while (weir_atomic_load(&running, WEIR_RELAXED) == 0)
            continue;
        CHECK_EQ(weir_timer_cancel_wait(&t.timer, &canceller, WEIR_FOREVER, NULL), 0);
        CHECK_EQ(weir_atomic_load(&running, WEIR_RELAXED), 0);
        calls = t.calls;
        CHECK_EQ(t.ready, calls);
        doze();
        stop_and_join(loop, own);
        CHECK_EQ(t.calls, calls);
    }
    end(loop);
}

int main(void)
{
    return TEST_RUN("loop_async", TEST_CASE(sends_that_come_together_are_one_call),
                    TEST_CASE(a_close_is_answered_once_and_later),
                    TEST_CASE(an_async_may_close_itself), TEST_CASE(a_stale_reference_does_no_harm),
                    TEST_CASE(many_asyncs_are_each_their_own),
                    TEST_CASE(the_memory_of_asyncs_is_used_again),
                    TEST_CASE(the_callback_may_close_what_others_are_sending_to),
                    TEST_CASE(what_was_written_before_a_send_is_seen_by_its_callback),
                    TEST_CASE(every_field_is_initialised),
                    TEST_CASE(taking_the_last_reason_away_from_outside_ends_the_sleep),
                    TEST_CASE(a_cancel_is_waited_for_as_often_as_one_likes),
                    TEST_CASE(a_cancel_of_what_is_not_active_says_so),
                    TEST_CASE(a_cancel_by_the_loop_itself_is_done_at_once),
                    TEST_CASE(a_removal_from_outside_waits_for_the_callback_that_runs));
}
