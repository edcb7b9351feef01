/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/pool_life.c: how a weir_pool begins and ends, what its threads are like, and what it
 * does when it is idle. */

#include "pool.h"
#include "process.h"

#include <weir/cpus.h>

#include <pthread.h>
#include <sched.h>
#ifndef WEIR_TSAN
#include <dirent.h>
#endif
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* ---- the beginning ---- */

static void refuses(unsigned workers, unsigned max_workers, unsigned max_blocked,
                    size_t stack_bytes)
{
    weir_pool_options options = no_options();
    weir_pool *pool = NULL;

    options.workers = workers;
    options.max_workers = max_workers;
    options.max_blocked = max_blocked;
    options.stack_bytes = stack_bytes;
    CHECK_EQ(weir_pool_new(&pool, &options), -EINVAL);
    CHECK(pool == NULL);
}

static void refuses_absurd_numbers(void)
{
    refuses(2, 1, 0, 0);
    refuses(WEIR_POOL_MAX + 1, 0, 0, 0);
    refuses(UINT32_MAX, UINT32_MAX, UINT32_MAX, 0);
    refuses(1, WEIR_POOL_MAX, 1, 0);
    refuses(1, 1, WEIR_POOL_MAX, 0);
    refuses(1, 1, UINT32_MAX, 0);
    refuses(1, 1, 1, 1);
}

/* What a pool of so many may be resized to, if nobody has said. */
static void has_a_maximum(unsigned workers, unsigned most)
{
    weir_pool *const pool = pool_of(workers);

    CHECK_EQ(weir_pool_resize(pool, most + 1), -EINVAL);
    CHECK_EQ(weir_pool_resize(pool, most), 0);
    CHECK_EQ(weir_pool_workers(pool), most);
    end_pool(pool);
}

/* Of all that there may be, together with 64 that stand in. */
static void limits_leave_room(void)
{
    weir_pool_options options = no_options();

    has_a_maximum(2016, 4032);
    has_a_maximum(2017, 4032);
    has_a_maximum(4032, 4032);
    refuses(4033, 0, 0, 0);
    options.max_workers = 1; /* however many processors there are */
    end_pool(pool_with(&options));
}

static void nothing_means_as_many_as_there_are_cpus(void)
{
    weir_pool *pool = NULL;

    CHECK_EQ(weir_pool_new(&pool, NULL), 0);
    CHECK_EQ(weir_pool_workers(pool), weir_cpus());
    CHECK_EQ(weir_pool_free(pool), -EBUSY); /* not stopped */
    end_pool(pool);
    CHECK_EQ(weir_pool_free(NULL), 0);
    has_a_maximum(1, 64);
    has_a_maximum(32, 64);
    has_a_maximum(33, 66);
}

/* ---- threads ---- */

enum { SEEN = 2 };

typedef struct seen {
    WEIR_ATOMIC(unsigned) starts, ends;
    struct {
        sigset_t blocked;
        char name[16];
        count_job late;
    } worker[SEEN];
} seen;

static void see_start(void *context, unsigned worker)
{
    seen *const s = (seen *)context;

    CHECK_EQ(worker, weir_pool_worker());
    CHECK(worker < SEEN);
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &s->worker[worker].blocked), 0);
#ifdef __linux__
    CHECK_EQ(prctl(PR_GET_NAME, s->worker[worker].name), 0);
#endif
    weir_atomic_fetch_add(&s->starts, 1, WEIR_RELAXED);
}

static void see_end(void *context, unsigned worker)
{
    seen *const s = (seen *)context;
    weir_job *const late = &s->worker[worker].late.job;

    CHECK_EQ(worker, weir_pool_worker());
    for (int p = WEIR_POOL_URGENT; p <= WEIR_POOL_IDLE; p++) { /* nobody would run it */
        const weir_pool_priority priority = (weir_pool_priority)p;

        CHECK_EQ(weir_pool_submit_priority(weir_pool_self(), late, priority), -EPIPE);
        CHECK_EQ(weir_pool_submit_bulk(weir_pool_self(), &late, 1, priority), -EPIPE);
    }
    weir_atomic_fetch_add(&s->ends, 1, WEIR_RELAXED);
}

static int use_stack(weir_job *job)
{
    char bytes[16 << 20]; /* more than the default */
    char *at = bytes;

    (void)job;
    __asm__ volatile("" : "+r"(at) : : "memory"); /* all of it is used */
    memset(at, 1, sizeof bytes);
    return at[sizeof bytes / 2] == 1 ? 0 : -EIO;
}

static void threads_are_as_asked_for(void)
{
    static const char *const names[SEEN] = {"a-name-that-i-0", "a-name-that-i-1"};
    weir_pool_options options = no_options();
    weir_pool *pool;
    weir_job job;
    gate_job gates[SEEN];
    seen s;

    memset((void *)&s, 0, sizeof s);
    for (unsigned i = 0; i < SEEN; i++)
        count_init(&s.worker[i].late, NULL);
    options.workers = SEEN;
    options.name = "a-name-that-is-too-long";
    options.on_start = see_start;
    options.on_end = see_end;
    options.context = &s;
    options.stack_bytes = 32 << 20;
    pool = pool_with(&options);
    weir_job_init(&job, use_stack);
    CHECK_EQ(weir_pool_run(pool, &job), 0);
    for (unsigned i = 0; i < SEEN; i++)
        gate_enter(&gates[i], pool);
    CHECK_EQ(weir_atomic_load(&s.starts, WEIR_RELAXED), SEEN);
    CHECK_EQ(weir_atomic_load(&s.ends, WEIR_RELAXED), 0);
    for (unsigned i = 0; i < SEEN; i++)
        gate_open(&gates[i]);
    end_pool(pool);
    CHECK_EQ(weir_atomic_load(&s.starts, WEIR_RELAXED), SEEN);
    CHECK_EQ(weir_atomic_load(&s.ends, WEIR_RELAXED), SEEN);
    for (unsigned i = 0; i < SEEN; i++) {
        const sigset_t *const blocked = &s.worker[i].blocked;

        CHECK_EQ(sigismember(blocked, SIGTERM), 1);
        CHECK_EQ(sigismember(blocked, SIGUSR1), 1);
        CHECK_EQ(sigismember(blocked, SIGSEGV), 0); /* who has a handler for it wants it called */
        CHECK_EQ(runs_of(&s.worker[i].late), 0);
#ifdef __linux__
        CHECK(strcmp(s.worker[i].name, names[i]) == 0);
#else
        (void)names;
#endif
    }
}

/* ---- the end ---- */

typedef struct chain_job {
    weir_job job;
    weir_pool *pool;
    unsigned left;
} chain_job;

static int chain_run(weir_job *job)
{
    chain_job *const chain = (chain_job *)(void *)job;
    weir_pool_priority priority;

    priority = (weir_pool_priority)(chain->left % 3);
    if (chain->left-- == 0)
        return 0;
    if (chain->left % 2 == 0)
        CHECK_EQ(weir_pool_submit_bulk(chain->pool, &job, 1, priority), 0);
    else
        CHECK_EQ(weir_pool_submit_priority(chain->pool, job, priority), 0);
    return 0; /* the job is another worker's by now */
}

static void drains_what_jobs_submit_in_turn(void)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_pool *const pool = pool_of(workers);
        gate_job gate;
        chain_job chain;
        count_job late;

        gate_enter(&gate, pool);
        weir_job_init(&chain.job, chain_run);
        chain.pool = pool;
        chain.left = 50;
        CHECK_EQ(weir_pool_submit(pool, &chain.job), 0);
        CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, 0), -ETIMEDOUT);
        count_init(&late, NULL);
        CHECK_EQ(weir_pool_submit(pool, &late.job), -EPIPE);
        CHECK_EQ(weir_pool_run(pool, &late.job), -EPIPE);
        CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, weir_clock_after(1000)), -ETIMEDOUT);
        CHECK_EQ(weir_pool_free(pool), -EBUSY);
        gate_open(&gate);
        CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER), 0);
        CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, 0), 0); /* it has */
        CHECK_EQ(chain.left + 1, 0);
        CHECK_EQ(runs_of(&late), 0);
        CHECK_EQ(weir_pool_submit(pool, &late.job), -EPIPE);
        CHECK_EQ(weir_pool_free(pool), 0);
    }
}

enum { DISCARDED = 100 };

typedef struct bin {
    count_job jobs[DISCARDED];
    unsigned seen[DISCARDED];
} bin;

static void throw_away(void *context, weir_job *job)
{
    bin *const b = (bin *)context;

    b->seen[(count_job *)(void *)job - b->jobs]++;
}

static void *wait_for_run(void *pool)
{
    count_job job;
    int status;

    count_init(&job, NULL);
    status = weir_pool_run((weir_pool *)pool, &job.job);
    CHECK(status == -ECANCELED || status == -EPIPE); /* if the stop came before the submit */
    CHECK_EQ(runs_of(&job), 0);
    return NULL;
}

static int call_run(weir_call *call)
{
    (void)call;
    return 0;
}

static void discards_what_has_not_begun(void)
{
    static bin b;
    weir_pool_options options = no_options();
    weir_pool *pool;
    gate_job gate;
    weir_call call;
    pthread_t thread;

    memset((void *)&b, 0, sizeof b);
    options.workers = 1;
    options.discarded = throw_away;
    options.context = &b;
    pool = pool_with(&options);
    gate_enter(&gate, pool);
    for (unsigned i = 0; i < DISCARDED; i++) {
        count_init(&b.jobs[i], NULL);
        CHECK_EQ(weir_pool_submit_priority(pool, &b.jobs[i].job, (weir_pool_priority)(i % 3)), 0);
    }
    weir_call_init(&call, call_run, NULL);
    CHECK_EQ(weir_pool_submit(pool, &call.job), 0);
    CHECK(pthread_create(&thread, NULL, wait_for_run, pool) == 0);
    for (unsigned i = 0; i < 1000; i++) /* most often it has submitted by then */
        sched_yield();
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, 0), -ETIMEDOUT);
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DISCARD, 0), -ETIMEDOUT);
    gate_open(&gate);
    CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DISCARD, WEIR_FOREVER), 0);
    CHECK_EQ(weir_call_get(&call, WEIR_FOREVER, NULL), -ECANCELED);
    CHECK(pthread_join(thread, NULL) == 0);
    for (unsigned i = 0; i < DISCARDED; i++) {
        CHECK_EQ(runs_of(&b.jobs[i]), 0);
        CHECK_EQ(b.seen[i], 1);
    }
    CHECK_EQ(weir_pool_free(pool), 0);
}

static void stop_inside(void *pool)
{
    CHECK_EQ(weir_pool_stop((weir_pool *)pool, WEIR_POOL_DRAIN, WEIR_FOREVER), -EDEADLK);
    CHECK_EQ(weir_pool_free((weir_pool *)pool), -EBUSY);
}

static void a_worker_does_not_stop_its_own_pool(void)
{
    weir_pool *const pool = pool_of(1);
    count_job job;

    inside(pool, stop_inside, pool);
    count_init(&job, NULL);
    CHECK_EQ(weir_pool_run(pool, &job.job), 0); /* it goes on */
    end_pool(pool);
}

static void end_inside(void *pool)
{
    end_pool((weir_pool *)pool);
}

static void use_another(void *other)
{
    count_job job;

    count_init(&job, NULL);
    CHECK(weir_pool_self() != other);
    CHECK_EQ(weir_pool_run((weir_pool *)other, &job.job), 0);
    CHECK_EQ(runs_of(&job), 1);
}

static void there_may_be_many_pools(void)
{
    weir_pool *pools[8];
    count_job job;

    for (unsigned i = 0; i < COUNT(pools); i++)
        pools[i] = pool_of(1);
    count_init(&job, NULL);
    for (unsigned i = 0; i < COUNT(pools); i++) {
        CHECK_EQ(weir_pool_run(pools[i], &job.job), 0);
        inside(pools[i], use_another, pools[(i + 1) % COUNT(pools)]);
    }
    CHECK_EQ(runs_of(&job), COUNT(pools));
    for (unsigned i = 1; i < COUNT(pools); i++) /* one ends the next */
        inside(pools[0], end_inside, pools[i]);
    end_pool(pools[0]);
}

/* Neither memory nor threads, of which each would keep its stack. */
static void leaves_nothing_behind(void)
{
    const unsigned cycles = test_emulated() ? 300 : 10000;
    const size_t before = process_address_space();

    test_alloc_fail_at(0);
    for (unsigned i = 0; i < cycles; i++) {
        weir_pool *const pool = pool_of(1 + i % 3);
        count_job jobs[3];

        for (unsigned k = 0; k < i % 4; k++) {
            count_init(&jobs[k], NULL);
            CHECK_EQ(weir_pool_submit(pool, &jobs[k].job), 0);
        }
        CHECK_EQ(
            weir_pool_stop(pool, i % 2 == 0 ? WEIR_POOL_DRAIN : WEIR_POOL_DISCARD, WEIR_FOREVER),
            0);
        CHECK_EQ(weir_pool_free(pool), 0);
        CHECK_EQ(test_alloc_live, 0);
    }
    if (sizeof(size_t) >= 8 && before != 0 && cycles == 10000)
        CHECK(process_address_space() < before + (size_t)cycles * 65536);
}

/* ---- fork ---- */

static void fork_beside_busy_workers(void)
{
    weir_pool *const pool = pool_of(2);
    gate_job gates[2];
    count_job job;
    int status = 0;
    pid_t child;

    gate_enter(&gates[0], pool);
    gate_enter(&gates[1], pool);
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        weir_pool *const own = pool_of(2);

        count_init(&job, NULL);
        CHECK(weir_pool_self() == NULL);
        CHECK_EQ(weir_pool_run(own, &job.job), 0);
        CHECK_EQ(runs_of(&job), 1);
        end_pool(own);
        _exit(17);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 17);
    gate_open(&gates[0]);
    gate_open(&gates[1]);
    count_init(&job, NULL);
    CHECK_EQ(weir_pool_run(pool, &job.job), 0);
    end_pool(pool);
}

static bool child_may_have_threads(void)
{
#ifdef WEIR_TSAN
    test_skip("ThreadSanitizer allows no threads in a forked child");
    return false;
#else
    if (test_emulated())
        test_skip("an emulator may not start threads in the child of a process that had some");
    return !test_emulated();
#endif
}

static void a_child_makes_its_own(void)
{
    if (child_may_have_threads())
        fork_beside_busy_workers();
}

static void fork_inside(void *unused)
{
    int status = 0;
    const pid_t child = fork();

    (void)unused;
    CHECK(child >= 0);
    if (child == 0) { /* which is no worker */
        weir_pool *const own = pool_of(1);
        count_job job;

        count_init(&job, NULL);
        _exit(weir_pool_self() == NULL && weir_pool_run(own, &job.job) == 0 &&
                      weir_pool_stop(own, WEIR_POOL_DRAIN, WEIR_FOREVER) == 0 &&
                      weir_pool_free(own) == 0
                  ? 18
                  : 1);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 18);
}

static void a_worker_may_fork(void)
{
    weir_pool *pool;

    if (!child_may_have_threads())
        return;
    pool = pool_of(1);
    fflush(stdout);
    inside(pool, fork_inside, NULL);
    end_pool(pool);
}

/* ---- idle ---- */

/* Of all threads of the process but the calling one; -1: unknown. */
static long switches(void)
{
#ifdef WEIR_TSAN
    return -1; /* which has a thread of its own */
#else
    char path[300], line[100];
    DIR *const tasks = opendir("/proc/self/task");
    struct dirent *task;
    long sum = 0, one, threads = 0;

    if (tasks == NULL)
        return -1;
    while ((task = readdir(tasks)) != NULL) {
        FILE *file;

        if (task->d_name[0] == '.' || strtol(task->d_name, NULL, 10) == getpid())
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        file = fopen(path, "r");
        if (file == NULL)
            continue;
        while (fgets(line, sizeof line, file) != NULL)
            if (sscanf(line, "voluntary_ctxt_switches: %ld", &one) == 1 ||
                sscanf(line, "nonvoluntary_ctxt_switches: %ld", &one) == 1) {
                sum += one;
                threads++;
            }
        fclose(file);
    }
    closedir(tasks);
    return threads == 0 ? -1 : sum;
#endif
}

static void an_idle_pool_sleeps(void)
{
    weir_pool *const pool = pool_of(4);
    gate_job gates[4];
    long before, now;
    bool quiet = false;

    for (unsigned i = 0; i < 4; i++)
        gate_enter(&gates[i], pool);
    for (unsigned i = 0; i < 4; i++)
        gate_open(&gates[i]);
    do { /* they spin for a moment */
        sched_yield();
    } while (stats_of(pool).running != 0);
    before = switches();
    if (before < 0) {
        test_skip("no count of switches");
    } else {
        /* Until the last is in the kernel, or a debugger has looked, or whatever it was: one quiet
         * while will do. */
        for (unsigned i = 0; !quiet; i++) {
            CHECK(i < 20);
            usleep(200000);
            now = switches();
            quiet = now == before;
            before = now;
        }
    }
    end_pool(pool);
}

int main(void)
{
    return TEST_RUN(
        "pool_life", TEST_CASE(refuses_absurd_numbers), TEST_CASE(limits_leave_room),
        TEST_CASE(nothing_means_as_many_as_there_are_cpus), TEST_CASE(threads_are_as_asked_for),
        TEST_CASE(drains_what_jobs_submit_in_turn), TEST_CASE(discards_what_has_not_begun),
        TEST_CASE(a_worker_does_not_stop_its_own_pool), TEST_CASE(there_may_be_many_pools),
        TEST_CASE(leaves_nothing_behind), TEST_CASE(a_child_makes_its_own),
        TEST_CASE(a_worker_may_fork), TEST_CASE(an_idle_pool_sleeps));
}
