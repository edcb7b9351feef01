/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/blocking.h: the end of a pool, what becomes of each job, and what threads inherit. */

#include "blocking.h"

#include <signal.h>

/* ---- what becomes of a job ---- */

static struct {
    weir_blocking *pool;
    weir_job *job[8]; /* in the order in which they came here */
    int status[8];
    unsigned count;
} told;

static void tell_discarded(void *context, weir_job *job)
{
    CHECK(context == &told);
    CHECK(told.count < 8);
    told.job[told.count++] = job;
    CHECK_EQ(weir_blocking_stop(told.pool, WEIR_BLOCKING_DRAIN, 0), -EDEADLK);
    CHECK_EQ(weir_blocking_submit(told.pool, job), -EPIPE);
}

static void tell_failed(void *context, weir_job *job, int status)
{
    CHECK(context == &told);
    CHECK(told.count < 8);
    told.status[told.count] = status;
    told.job[told.count++] = job;
}

static weir_blocking *make_telling(unsigned max_threads)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;

    memset(&told, 0, sizeof told);
    options.max_threads = max_threads;
    options.failed = tell_failed;
    options.discarded = tell_discarded;
    options.context = &told;
    told.pool = make(&options);
    return told.pool;
}

static int call_hold(weir_call *call)
{
    (void)call;
    (void)count(&begun);
    return 0;
}

static void runs_what_waits(void)
{
    weir_blocking *const pool = make_telling(2);
    weir_latch gate = WEIR_LATCH_INIT(1);
    held jobs[6];

    submit_held(pool, jobs, 6, &gate, 2);
    CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, 0), -ETIMEDOUT);
    CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, weir_clock_after(MS)), -ETIMEDOUT);
    CHECK_EQ(weir_blocking_free(pool), -EBUSY);
    CHECK_EQ(numbers_of(pool).queued, 4);
    weir_latch_count_down(&gate, 1);
    CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(read_number(&begun), 6);
    CHECK_EQ(told.count, 0);
    CHECK_EQ(weir_blocking_free(pool), 0);
}

/* After a drain that took too long, too; and who waits for a call is told. */
static void discards_what_waits(void)
{
    for (int drains_first = 0; drains_first < 2; drains_first++) {
        weir_blocking *const pool = make_telling(2);
        weir_latch gate = WEIR_LATCH_INIT(1);
        weir_call call;
        held jobs[6];

        submit_held(pool, jobs, 6, &gate, 2);
        weir_call_init(&call, call_hold, NULL);
        CHECK_EQ(weir_blocking_submit(pool, &call.job), 0);
        if (drains_first)
            CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, 0), -ETIMEDOUT);
        CHECK_EQ(told.count, 0);
        CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DISCARD, 0), -ETIMEDOUT);
        CHECK_EQ(told.count, 4);
        for (unsigned i = 0; i < 4; i++)
            CHECK(told.job[i] == &jobs[i + 2].job);
        CHECK_EQ(weir_call_get(&call, 0, NULL), -ECANCELED);
        CHECK(weir_future_is_done(&call.future));
        CHECK_EQ(numbers_of(pool).queued, 0);
        weir_latch_count_down(&gate, 1);
        CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
        CHECK_EQ(read_number(&begun), 2);
        CHECK_EQ(weir_blocking_free(pool), 0);
    }
}

static int fail(weir_job *job)
{
    (void)job;
    return -EIO;
}

static int fail_call(weir_call *call)
{
    (void)call;
    return -EIO;
}

static void says_who_has_failed(void)
{
    weir_blocking *const pool = make_telling(1);
    weir_latch open = WEIR_LATCH_INIT(0);
    held good = hold_at(&open);
    weir_job bad;
    weir_call call;

    weir_job_init(&bad, fail);
    weir_call_init(&call, fail_call, NULL);
    CHECK_EQ(weir_blocking_submit(pool, &good.job), 0);
    CHECK_EQ(weir_blocking_submit(pool, &call.job), 0);
    CHECK_EQ(weir_blocking_submit(pool, &bad), 0);
    CHECK_EQ(weir_call_get(&call, WEIR_FOREVER, NULL), -EIO);
    end(pool);
    CHECK_EQ(told.count, 1);
    CHECK(told.job[0] == &bad);
    CHECK_EQ(told.status[0], -EIO);
}

/* Nobody is told, and nothing is touched afterwards. */
static int vanish(weir_job *job)
{
    (void)count(&begun);
    free(job);
    return 0;
}

static void a_job_may_free_itself(void)
{
    weir_blocking *const pool = make_for(3);

    for (int i = 0; i < 100; i++) {
        weir_job *const job = (weir_job *)malloc(sizeof *job);

        CHECK(job != NULL);
        weir_job_init(job, vanish);
        CHECK_EQ(weir_blocking_submit(pool, job), 0);
    }
    end(pool);
    CHECK_EQ(read_number(&begun), 100);
}

static int come_back(weir_job *job)
{
    if (count(&begun) < 1000)
        CHECK_EQ(weir_blocking_submit(told.pool, job), 0);
    return 0;
}

static void a_job_may_submit_itself(void)
{
    weir_blocking *const pool = make_telling(2);
    weir_job job;

    weir_job_init(&job, come_back);
    CHECK_EQ(weir_blocking_submit(pool, &job), 0);
    until(&begun, 1000);
    end(pool);
}

static int stop_own(weir_job *job)
{
    (void)job;
    CHECK_EQ(weir_blocking_stop(told.pool, WEIR_BLOCKING_DISCARD, WEIR_FOREVER), -EDEADLK);
    return 0;
}

static int stop_other(weir_job *job)
{
    (void)job;
    CHECK_EQ(weir_blocking_stop(told.pool, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
    return 0;
}

static void a_thread_does_not_wait_for_itself(void)
{
    weir_blocking *const pool = make_telling(2), *other = NULL;
    weir_latch open = WEIR_LATCH_INIT(0);
    weir_job job;
    held h;

    CHECK_EQ(weir_blocking_new(&other, NULL), 0);
    weir_job_init(&job, stop_own);
    CHECK_EQ(weir_blocking_submit(pool, &job), 0);
    while (numbers_of(pool).done == 0)
        doze();
    submit_held(pool, &h, 1, &open, 1); /* it has not been stopped */
    weir_job_init(&job, stop_other);
    CHECK_EQ(weir_blocking_submit(other, &job), 0);
    end(other);
    end(pool);
}

static weir_blocking *elsewhere;

static int discard_other(weir_job *job)
{
    (void)job;
    CHECK_EQ(weir_blocking_stop(told.pool, WEIR_BLOCKING_DISCARD, 0), -ETIMEDOUT);
    CHECK_EQ(told.count, 1);
    CHECK_EQ(weir_blocking_stop(elsewhere, WEIR_BLOCKING_DRAIN, 0), -EDEADLK);
    return 0;
}

/* A thread that discards another pool's jobs stands for one of its threads, and is itself again. */
static void who_discards_is_itself_again(void)
{
    weir_blocking *const pool = make_telling(1);
    weir_latch gate = WEIR_LATCH_INIT(1);
    weir_job job;
    held jobs[2];

    submit_held(pool, jobs, 2, &gate, 1);
    CHECK_EQ(weir_blocking_new(&elsewhere, NULL), 0);
    weir_job_init(&job, discard_other);
    CHECK_EQ(weir_blocking_submit(elsewhere, &job), 0);
    end(elsewhere);
    weir_latch_count_down(&gate, 1);
    end(pool);
}

/* ---- stops against submits ---- */

enum { SUBMITTERS = 3, EACH = 400 };

static WEIR_ATOMIC(uint32_t) accepted, dropped;

static int do_nothing(weir_job *job)
{
    (void)job;
    (void)count(&begun);
    return 0;
}

static void drop(void *context, weir_job *job)
{
    (void)job;
    (void)context;
    (void)count(&dropped);
}

typedef struct submitter {
    weir_blocking *pool;
    pthread_t thread;
    weir_job jobs[EACH];
} submitter;

static void *submit_many(void *argument)
{
    submitter *const s = (submitter *)argument;
    int status = 0;

    for (int i = 0; i < EACH && status == 0; i++) {
        weir_job_init(&s->jobs[i], do_nothing);
        status = weir_blocking_submit(s->pool, &s->jobs[i]);
        CHECK(status == 0 || status == -EPIPE);
        if (status == 0)
            (void)count(&accepted);
    }
    return NULL;
}

static void no_job_is_lost_at_the_end(void)
{
    static submitter submitters[SUBMITTERS];

    for (unsigned round = 0; round < 60; round++) {
        weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
        weir_blocking *pool;

        weir_atomic_store(&accepted, 0, WEIR_RELAXED); /* relaxed: nobody else; so below. */
        weir_atomic_store(&dropped, 0, WEIR_RELAXED);
        options.max_threads = 1 + round % 3;
        options.idle_ns = 1;
        options.discarded = drop;
        pool = make(&options);
        for (int i = 0; i < SUBMITTERS; i++) {
            submitters[i].pool = pool;
            CHECK(pthread_create(&submitters[i].thread, NULL, submit_many, &submitters[i]) == 0);
        }
        while (read_number(&accepted) < round * 10)
            sched_yield();
        CHECK_EQ(weir_blocking_stop(pool,
                                    round % 2 == 0 ? WEIR_BLOCKING_DRAIN : WEIR_BLOCKING_DISCARD,
                                    WEIR_FOREVER),
                 0);
        /* Nothing runs any more, though some may still be refused. */
        CHECK(numbers_of(pool).running == 0 && numbers_of(pool).threads == 0);
        for (int i = 0; i < SUBMITTERS; i++)
            CHECK(pthread_join(submitters[i].thread, NULL) == 0);
        CHECK_EQ(read_number(&begun) + read_number(&dropped), read_number(&accepted));
        CHECK_EQ(numbers_of(pool).done, read_number(&begun));
        CHECK(round % 2 != 0 || read_number(&dropped) == 0);
        CHECK_EQ(weir_blocking_free(pool), 0);
    }
}

static void leaves_nothing_behind(void)
{
    test_alloc_fail_at(0);
    for (unsigned i = 0; i < 1000; i++) {
        weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
        weir_blocking *pool;
        weir_job jobs[2];

        options.idle_ns = i % 2 == 0 ? 1 : 0;
        pool = make(&options);
        for (unsigned j = 0; j < i % 3; j++) {
            weir_job_init(&jobs[j], do_nothing);
            CHECK_EQ(weir_blocking_submit(pool, &jobs[j]), 0);
        }
        end(pool);
        CHECK_EQ(read_number(&begun), i % 3);
        CHECK_EQ(test_alloc_live, 0);
    }
}

/* ---- what threads inherit, and are called ---- */

static char own_name[16];
static sigset_t blocked_in_job;

static int look_around(weir_job *job)
{
    (void)job;
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &blocked_in_job) == 0);
    CHECK(pthread_getname_np(pthread_self(), own_name, sizeof own_name) == 0);
    return 0;
}

static void look_into(const char *name)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_blocking *pool;
    weir_job job;

    options.name = name;
    pool = make(&options);
    weir_job_init(&job, look_around);
    CHECK_EQ(weir_blocking_submit(pool, &job), 0);
    end(pool);
}

static void signals_go_to_others(void)
{
    static const int raised[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t mine;

    look_into(NULL);
    for (int number = 1; number < 32; number++) {
        bool own = number == SIGKILL || number == SIGSTOP;

        for (size_t i = 0; i < sizeof raised / sizeof raised[0]; i++)
            own |= number == raised[i];
        CHECK_EQ(sigismember(&blocked_in_job, number), !own);
    }
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &mine) == 0);
    CHECK_EQ(sigismember(&mine, SIGTERM), 0);
}

static void threads_have_names(void)
{
#ifdef __linux__
    look_into(NULL);
    CHECK(strcmp(own_name, "weir-block-0") == 0);
    look_into("dns");
    CHECK(strcmp(own_name, "dns-0") == 0);
    look_into("look-ups of host names");
    CHECK(strcmp(own_name, "look-ups of h-0") == 0);
#else
    test_skip("threads have no names here");
#endif
}

/* ---- fork ---- */

#ifdef WEIR_TSAN
static void a_child_makes_its_own(void)
{
    test_skip("the sanitizer makes no threads in a child");
}
#else
static void child_works(void)
{
    weir_latch gate = WEIR_LATCH_INIT(1);
    weir_blocking *const pool = make_for(2);
    held jobs[3];

    submit_held(pool, jobs, 3, &gate, 2);
    weir_latch_count_down(&gate, 1);
    end(pool);
    CHECK_EQ(read_number(&begun), 3);
}

static void in_child(void (*body)(void))
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60); /* a child that hangs ends the test */
        body();
        fflush(stdout);
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0)
        CHECK_EQ(errno, EINTR);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int fork_here(weir_job *job)
{
    (void)job;
    in_child(child_works);
    return 0;
}

/* The parent's threads are all busy; the child is made by another thread, and by one of them. The
 * child's alarm is blocked there, as all signals are: the test's own has to do. */
static void a_child_makes_its_own(void)
{
    weir_latch gate = WEIR_LATCH_INIT(1);
    weir_blocking *pool;
    weir_job job;
    held jobs[2];

    if (test_emulated()) {
        test_skip("the emulator makes no threads in a child");
        return;
    }
    pool = make_for(2);
    submit_held(pool, jobs, 2, &gate, 2);
    in_child(child_works);
    CHECK_EQ(weir_blocking_resize(pool, 3), 0);
    weir_job_init(&job, fork_here);
    CHECK_EQ(weir_blocking_submit(pool, &job), 0);
    while (numbers_of(pool).done == 0)
        doze();
    weir_latch_count_down(&gate, 1);
    end(pool);
}
#endif

int main(void)
{
    return TEST_RUN("blocking_stop", TEST_CASE(runs_what_waits), TEST_CASE(discards_what_waits),
                    TEST_CASE(says_who_has_failed), TEST_CASE(a_job_may_free_itself),
                    TEST_CASE(a_job_may_submit_itself),
                    TEST_CASE(a_thread_does_not_wait_for_itself),
                    TEST_CASE(who_discards_is_itself_again), TEST_CASE(no_job_is_lost_at_the_end),
                    TEST_CASE(leaves_nothing_behind), TEST_CASE(signals_go_to_others),
                    TEST_CASE(threads_have_names), TEST_CASE(a_child_makes_its_own));
}
