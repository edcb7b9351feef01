/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/loop.h: what other threads, and signal handlers, may do to a loop: posts, calls, stops,
 * holds. Asyncs and cancels are in tests/loop_async.c, fork in tests/loop_fork.c. */

#include "loop.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>

/* ---- posts ---- */

static void *post_it(void *argument)
{
    thing_post((thing *)argument);
    return NULL;
}

/* A turn, and runs of both kinds. */
static void a_post_wakes_a_loop_that_sleeps(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'p', NULL);
    pthread_t loops_own, thread;

    for (int i = 0; i < 100; i++) {
        thread = begin(post_it, &t);
        CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
        CHECK_SAID("p");
        join(thread);
    }
    loops_own = begin(run_until_stopped, loop);
    until_asleep(loop);
    t.then = stop_its_loop;
    thing_post(&t);
    join(loops_own);
    CHECK_SAID("p");
    weir_loop_hold(loop);
    thread = begin(post_it, &t);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), -ECANCELED);
    join(thread);
    weir_loop_release(loop);
    CHECK_EQ(numbers_of(loop).posts, 102);
    end(loop);
}

typedef struct numbered {
    weir_job job;
    weir_loop *loop;
    unsigned *next; /* what comes next from this thread */
    unsigned number;
    unsigned payload; /* plain */
} numbered;

static int come_in_order(weir_job *job)
{
    const numbered *const n = (const numbered *)(const void *)job;

    CHECK_EQ(n->number, *n->next);
    CHECK_EQ(n->payload, 3 * n->number);
    ++*n->next;
    return 0;
}

enum { THREADS = 4, POSTS = 2000 };

typedef struct poster {
    numbered posts[POSTS];
    weir_loop *loop;
    unsigned next;
} poster;

static poster posters[THREADS];

static void *post_many(void *argument)
{
    poster *const p = (poster *)argument;

    for (unsigned i = 0; i < POSTS; i++) {
        numbered *const n = &p->posts[i];

        weir_job_init(&n->job, come_in_order);
        n->next = &p->next;
        n->number = i;
        n->payload = 3 * i; /* what was written before a post is seen by its callback */
        CHECK_EQ(weir_loop_post(p->loop, &n->job), 0);
        if (i % 500 == 0)
            doze(); /* the loop goes to sleep meanwhile, perhaps */
    }
    return NULL;
}

static void posts_of_many_threads_come_each_once_and_in_order(void)
{
    weir_loop *const loop = make(NULL);
    const pthread_t own = begin(run_until_stopped, loop);
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        posters[i].loop = loop;
        posters[i].next = 0;
        threads[i] = begin(post_many, &posters[i]);
    }
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    stop_and_join(loop, own); /* what was posted before the stop is run */
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(posters[i].next, POSTS);
    CHECK(numbers_of(loop).wakes <= numbers_of(loop).sleeps);
    end(loop);
}

static unsigned depth;

static void post_the_other(thing *t)
{
    CHECK_EQ(depth++, 0);
    thing_post(t->other);
    depth--;
}

static void a_post_from_a_callback_is_not_nested(void)
{
    weir_loop *const loop = make(NULL);
    thing a = thing_of(loop, 'a', post_the_other), b = thing_of(loop, 'b', NULL),
          check = thing_of(loop, '.', NULL);

    a.other = &b;
    thing_hook(&check, WEIR_LOOP_CHECK);
    thing_post(&a);
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0);
    CHECK_SAID("a.");
    CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), 0); /* it does not sleep meanwhile */
    CHECK_SAID("b.");
    CHECK_EQ(numbers_of(loop).sleeps, 0);
    CHECK(weir_hook_stop(&check.hook));
    end(loop);
}

/* Everything else comes as often. */
static void a_post_that_posts_again_starves_nothing(void)
{
    weir_loop *const loop = make(NULL);
    const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    thing post = thing_of(loop, 0, post_again), poll = thing_of(loop, 0, NULL),
          timer = thing_of(loop, 0, stop_its_loop);

    thing_post(&post);
    thing_poll(&poll, fd, WEIR_POLL_READ | WEIR_POLL_LEVEL);
    weir_timer_after(&timer.timer, 3 * MS);
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), -ECANCELED);
    CHECK_EQ(timer.calls, 1);
    CHECK(poll.calls + 1 >= post.calls && poll.calls <= post.calls);
    CHECK(weir_poll_stop(&poll.poll));
    CHECK(close(fd) == 0);
    post.then = NULL;
    run_to_the_end(loop);
    end(loop);
}

static unsigned counted;

static int count_it(weir_job *job)
{
    (void)job;
    counted++;
    return 0;
}

/* Nobody runs the loop. */
static void posting_never_blocks_the_poster(void)
{
    enum { MANY = 200000 };
    static weir_job many[MANY];
    weir_loop *const loop = make(NULL);

    for (int i = 0; i < MANY; i++) {
        weir_job_init(&many[i], count_it);
        CHECK_EQ(weir_loop_post(loop, &many[i]), 0);
    }
    counted = 0;
    run_to_the_end(loop);
    CHECK_EQ(counted, MANY);
    CHECK_EQ(numbers_of(loop).turns, (MANY + 1023) / 1024);
    end(loop);
}

static void post_the_other_ten_times(thing *t)
{
    for (int i = 0; i < 10; i++)
        thing_post(&t->other[i]);
}

/* Of all that only starts something, too. */
static void nothing_is_allocated_for_a_post(void)
{
    weir_loop *loop;
    thing a, b[10];
    weir_canceller canceller;
    size_t before;

    test_alloc_fail_at(0);
    loop = make(NULL);
    a = thing_of(loop, 0, post_the_other_ten_times);
    a.other = b;
    for (int i = 0; i < 10; i++)
        b[i] = thing_of(loop, 0, NULL);
    thing_async(&b[0]);
    before = test_alloc_calls;
    thing_post(&a);
    turn_with_work(loop);
    turn_with_work(loop);
    for (int i = 1; i < 7; i++)
        thing_defer(&b[i], (weir_loop_phase)(i - 1));
    weir_timer_repeat(&b[7].timer, 0, 1, WEIR_TIMER_BURST);
    thing_hook(&b[8], WEIR_LOOP_CHECK);
    thing_send(&b[0]);
    weir_loop_hold(loop);
    turn_with_work(loop);
    weir_loop_release(loop);
    CHECK_EQ(weir_timer_cancel(&b[7].timer, &canceller), 0);
    turn_with_work(loop);
    CHECK_EQ(weir_canceller_wait(&canceller, 0, NULL), 0);
    CHECK(weir_hook_stop(&b[8].hook));
    CHECK_EQ(weir_async_close(&b[0].async, NULL), 0);
    run_to_the_end(loop);
    CHECK_EQ(test_alloc_calls, before);
    /* And the loop that is awake was not woken by its own. */
    CHECK_EQ(numbers_of(loop).wakes, 0);
    end(loop);
}

/* ---- holds and stops ---- */

static void *release_it(void *argument)
{
    thing *const t = (thing *)argument;

    t->ready = 1; /* plain: seen by who returns from the run that it ends */
    weir_loop_release(t->loop);
    return NULL;
}

static void an_empty_loop_told_to_stay_waits_for_posts(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 'p', NULL);
    pthread_t poster_, releaser;

    for (int i = 0; i < 100; i++) {
        t.ready = 0;
        weir_loop_hold(loop);
        poster_ = begin(post_it, &t);
        if (i % 2 == 0)
            join(poster_);
        releaser = begin(release_it, &t);
        run_to_the_end(loop);
        CHECK_EQ(t.ready, 1);
        join(releaser);
        if (i % 2 == 1)
            join(poster_);
        run_to_the_end(loop);
        CHECK_SAID("p");
    }
    end(loop);
}

static void *stop_it(void *argument)
{
    thing *const t = (thing *)argument;

    t->ready = 1;
    weir_loop_stop(t->loop);
    return NULL;
}

static void a_stop_of_another_thread_ends_the_sleep(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 0, NULL);
    pthread_t thread;

    for (int i = 0; i < 100; i++) {
        t.ready = 0;
        thread = begin(stop_it, &t);
        if (i % 3 == 0)
            CHECK_EQ(weir_loop_turn(loop, WEIR_FOREVER), -ECANCELED);
        else
            CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_STOPPED, WEIR_FOREVER), -ECANCELED);
        CHECK_EQ(t.ready, 1);
        join(thread);
    }
    end(loop);
}

static void start_the_other_soon(thing *t)
{
    weir_timer_after(&t->other->timer, MS);
}

static void an_earlier_deadline_from_outside_shortens_the_sleep(void)
{
    weir_loop *const loop = make(NULL);
    thing far = thing_of(loop, 'f', NULL), near = thing_of(loop, 'n', stop_its_loop),
          post = thing_of(loop, 0, start_the_other_soon);
    pthread_t own;

    weir_timer_after(&far.timer, 3600000 * (uint64_t)MS);
    post.other = &near;
    own = begin(run_until_stopped, loop);
    until_asleep(loop);
    thing_post(&post);
    join(own);
    CHECK_SAID("n");
    CHECK(weir_timer_stop(&far.timer));
    end(loop);
}

/* ---- calls ---- */

static int where_it_runs(weir_call *call)
{
    CHECK(weir_loop_self() != NULL);
    (void)call;
    return -ENOTTY;
}

static void *call_it(void *loop)
{
    weir_cancel_source source;
    weir_call call;

    for (int i = 0; i < 200; i++) {
        weir_call_init(&call, where_it_runs, NULL);
        CHECK_EQ(weir_loop_call((weir_loop *)loop, &call, WEIR_FOREVER, NULL), -ENOTTY);
    }
    /* The deadline, and the token, are of the wait: the call goes on. */
    weir_call_init(&call, where_it_runs, NULL);
    if (weir_loop_call((weir_loop *)loop, &call, 0, NULL) == -ETIMEDOUT)
        CHECK_EQ(weir_call_get(&call, WEIR_FOREVER, NULL), -ENOTTY);
    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
    CHECK(weir_cancel_source_cancel(&source, 0));
    weir_call_init(&call, where_it_runs, NULL);
    if (weir_loop_call((weir_loop *)loop, &call, WEIR_FOREVER, weir_cancel_source_token(&source)) ==
        -ECANCELED)
        CHECK_EQ(weir_call_get(&call, WEIR_FOREVER, NULL), -ENOTTY);
    /* That of the call: it does not begin. */
    weir_call_init(&call, where_it_runs, weir_cancel_source_token(&source));
    CHECK_EQ(weir_loop_call((weir_loop *)loop, &call, WEIR_FOREVER, NULL), -ECANCELED);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    return NULL;
}

static void a_call_is_run_by_the_loop_and_waited_for(void)
{
    weir_loop *const loop = make(NULL);
    const pthread_t own = begin(run_until_stopped, loop);
    pthread_t callers[2];

    for (int i = 0; i < 2; i++)
        callers[i] = begin(call_it, loop);
    for (int i = 0; i < 2; i++)
        join(callers[i]);
    stop_and_join(loop, own);
    end(loop);
}

/* ---- signals ---- */

enum { RING = 64 };

typedef struct shot {
    weir_job job;
    weir_async_ref to;
    WEIR_ATOMIC(int) posted; /* 1: until it was run */
} shot;

static shot shots[RING];
static weir_loop *shot_at;
static WEIR_ATOMIC(uint32_t) fired, hit;

static int land(weir_job *job)
{
    shot *const s = (shot *)(void *)job;

    weir_atomic_fetch_add(&hit, 1, WEIR_RELAXED); /* relaxed: a number. */
    weir_atomic_store(&s->posted, 0, WEIR_RELEASE);
    return 0;
}

static void shoot(int number)
{
    static unsigned next; /* this handler does not interrupt itself */
    shot *const s = &shots[next++ % RING];
    const int before = errno;

    (void)number;
    errno = EXDEV;
    if (weir_atomic_exchange(&s->posted, 1, WEIR_ACQUIRE) == 0) {
        weir_atomic_fetch_add(&fired, 1, WEIR_RELAXED); /* relaxed: a number. */
        if (weir_loop_post(shot_at, &s->job) != 0 || errno != EXDEV)
            abort();
    }
    weir_loop_hold(shot_at);
    weir_loop_release(shot_at);
    (void)weir_async_send(s->to);
    if (errno != EXDEV)
        abort();
    errno = before;
}

static void with_signals(int flags, suseconds_t us)
{
    struct sigaction action;
    const struct itimerval often = {{0, us}, {0, us}};

    memset(&action, 0, sizeof action);
    action.sa_handler = us != 0 ? shoot : SIG_IGN;
    action.sa_flags = flags;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
}

/* A post that is interrupted by a post in the same thread, which also runs the loop, or does not.
 */
static void a_post_from_a_signal_handler_is_safe(void)
{
    weir_loop *const loop = make(NULL);
    static weir_job many[1000];
    thing async = thing_of(loop, 0, NULL);
    uint32_t posts = 0;

    thing_async(&async);
    shot_at = loop;
    counted = 0;
    for (int i = 0; i < RING; i++) {
        weir_job_init(&shots[i].job, land);
        shots[i].to = weir_async_reference(&async.async);
    }
    with_signals(0, 100);
    while (weir_atomic_load(&hit, WEIR_RELAXED) < 400) { /* relaxed: a number. */
        for (int i = 0; i < 1000; i++) {
            weir_job_init(&many[i], count_it);
            CHECK_EQ(weir_loop_post(loop, &many[i]), 0);
        }
        posts += 1000;
        while (counted < posts)
            (void)weir_loop_turn(loop, 0);
        CHECK_EQ(counted, posts);
    }
    with_signals(0, 0);
    (void)weir_loop_turn(loop, 0);
    CHECK_EQ(weir_atomic_load(&hit, WEIR_RELAXED), weir_atomic_load(&fired, WEIR_RELAXED));
    CHECK(async.calls > 0);
    CHECK_EQ(weir_async_close(&async.async, NULL), 0);
    run_to_the_end(loop);
    CHECK_EQ(weir_loop_free(loop), 0);
}

static void count_signals(int number)
{
    (void)number;
    weir_atomic_fetch_add(&fired, 1, WEIR_RELAXED); /* relaxed: a number. */
}

/* Interrupted by signals that nobody watches. */
static void a_signal_in_the_wait_neither_ends_it_early_nor_lengthens_it(void)
{
    weir_loop *const loop = make(NULL);
    thing t = thing_of(loop, 't', NULL);
    struct sigaction action;
    const struct itimerval often = {{0, 300}, {0, 300}};
    uint64_t due;
    uint32_t before;

    memset(&action, 0, sizeof action);
    action.sa_handler = count_signals;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    before = weir_atomic_load(&fired, WEIR_RELAXED); /* relaxed: a number. */
    for (int i = 0; i < 3; i++) {
        due = weir_clock_after(20 * MS);
        weir_timer_start(&t.timer, due);
        CHECK_EQ(i == 0 ? weir_loop_turn(loop, WEIR_FOREVER)
                        : weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER),
                 0);
        CHECK(t.at >= due);
        CHECK_SAID("t");
    }
    due = weir_clock_after(10 * MS);
    CHECK_EQ(weir_loop_turn(loop, due), -ETIMEDOUT);
    CHECK(weir_clock_now() >= due);
    with_signals(0, 0);
    CHECK(weir_atomic_load(&fired, WEIR_RELAXED) > before); /* relaxed: a number. */
    CHECK(numbers_of(loop).early > 0);
    CHECK_EQ(numbers_of(loop).wakes, 0);
    end(loop);
}

static void stop_by_signal(int number)
{
    (void)number;
    weir_loop_stop(shot_at);
}

static void *interrupt_it(void *thread)
{
    doze();
    CHECK(pthread_kill(*(pthread_t *)thread, SIGALRM) == 0);
    return NULL;
}

/* In the very thread that sleeps. */
static void a_stop_from_a_signal_handler_ends_the_sleep(void)
{
    weir_loop *const loop = make(NULL);
    pthread_t own = pthread_self(), other;
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = stop_by_signal;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    shot_at = loop;
    for (int i = 0; i < 20; i++) {
        other = begin(interrupt_it, &own);
        CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_STOPPED, WEIR_FOREVER), -ECANCELED);
        join(other);
    }
    with_signals(0, 0);
    end(loop);
}

int main(void)
{
    return TEST_RUN("loop_post", TEST_CASE(a_post_wakes_a_loop_that_sleeps),
                    TEST_CASE(posts_of_many_threads_come_each_once_and_in_order),
                    TEST_CASE(a_post_from_a_callback_is_not_nested),
                    TEST_CASE(a_post_that_posts_again_starves_nothing),
                    TEST_CASE(posting_never_blocks_the_poster),
                    TEST_CASE(nothing_is_allocated_for_a_post),
                    TEST_CASE(an_empty_loop_told_to_stay_waits_for_posts),
                    TEST_CASE(a_stop_of_another_thread_ends_the_sleep),
                    TEST_CASE(an_earlier_deadline_from_outside_shortens_the_sleep),
                    TEST_CASE(a_call_is_run_by_the_loop_and_waited_for),
                    TEST_CASE(a_post_from_a_signal_handler_is_safe),
                    TEST_CASE(a_signal_in_the_wait_neither_ends_it_early_nor_lengthens_it),
                    TEST_CASE(a_stop_from_a_signal_handler_ends_the_sleep));
}
