/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/blocking.c: weir/blocking.h in the model checker, threads and all: those of the
 * pool are made by pthread_create(3), sleep until their time is over, and are joined. A scenario
 * is a string for each thread, a letter an operation; thread 0 does its first, and stops the
 * pool when the others have ended. All but the empty one are searched at random: there are too
 * many schedules.
 *
 *     s  submit a job                      c  submit a call, and wait for it
 *     b  submit one that submits another   h  submit one that waits until another has run
 *     d  stop, and run what waits          x  stop, and discard it
 *     0  the same for no time              1 2  resize
 *
 * Each job writes to plain memory that is freed when the pool has ended: what runs twice, too
 * late, or without seeing what was before its submit, is caught; and who sleeps for ever.
 *
 * Edges: none of its own. */

#include "model.h"

#include <weir/blocking.h>

#include <errno.h>

enum { ACTORS = 3, JOBS = 6 };

typedef struct blocking_case {
    unsigned max, keep;
    size_t bound; /* jobs that may wait */
    const char *does[ACTORS];
    bool deep;
    weir_check_options options;
} blocking_case;

typedef struct note {
    weir_job job;
    int before; /* written before the submit */
    int runs, discards;
    bool more, waits;
} note;

static const blocking_case *current;
static weir_blocking *pool;
static note *notes[JOBS];                /* from malloc() */
static WEIR_ATOMIC(uint32_t) used, runs; /* of the notes */
static bool taken[JOBS];                 /* written by who submits */
static unsigned starts[8], ends[8];      /* by threads of the pool */
static WEIR_ATOMIC(uint32_t) here;       /* threads in a job */

static void submit(bool more, bool waits);

/* relaxed: what orders them is what is tested; a number that is waited for carries nothing. */
static int run(weir_job *job)
{
    note *const n = (note *)(void *)job;
    const uint32_t now = weir_atomic_fetch_add(&here, 1, WEIR_RELAXED) + 1;

    weir_check_assert(now <= 2);
    weir_check_assert(n->before == 1);
    n->runs++;
    if (n->more)
        submit(false, false);
    weir_atomic_fetch_add(&runs, 1, WEIR_RELAXED);
    while (n->waits && weir_atomic_load(&runs, WEIR_RELAXED) < 2)
        continue;
    weir_atomic_fetch_sub(&here, 1, WEIR_RELAXED);
    return 0;
}

static void discarded(void *context, weir_job *job)
{
    note *const n = (note *)(void *)job;

    weir_check_assert(context == &pool && n->before == 1);
    n->discards++;
}

static void on_start(void *context, unsigned thread)
{
    weir_check_assert(context == &pool && thread < 8);
    weir_check_assert(starts[thread]++ == 0);
}

static void on_end(void *context, unsigned thread)
{
    weir_check_assert(context == &pool && starts[thread] == 1);
    weir_check_assert(ends[thread]++ == 0);
}

/* ---- operations ---- */

static void submit(bool more, bool waits)
{
    const uint32_t i = weir_atomic_fetch_add(&used, 1, WEIR_RELAXED);
    note *const n = notes[i];
    int status;

    weir_check_assert(i < JOBS);
    weir_job_init(&n->job, run);
    n->more = more;
    n->waits = waits;
    n->before = 1;
    status = weir_blocking_submit(pool, &n->job);
    weir_check_assert(status == 0 || status == -EPIPE ||
                      (status == -EAGAIN && current->bound != 0));
    taken[i] = status == 0;
}

static int run_call(weir_call *call)
{
    (void)call;
    return -EIO;
}

static void submit_call(void)
{
    weir_call *const call = (weir_call *)malloc(sizeof *call);
    int status;

    weir_check_assert(call != NULL);
    weir_call_init(call, run_call, NULL);
    status = weir_blocking_submit(pool, &call->job);
    weir_check_assert(status == 0 || status == -EPIPE);
    if (status == 0) {
        status = weir_call_get(call, WEIR_FOREVER, NULL);
        weir_check_assert(status == -EIO || status == -ECANCELED);
    }
    free(call);
}

static void stop(weir_blocking_ending how, uint64_t deadline)
{
    const int status = weir_blocking_stop(pool, how, deadline);
    weir_blocking_stats numbers;

    weir_check_assert(status == 0 || (status == -ETIMEDOUT && deadline == 0));
    if (status == 0) {
        weir_blocking_stats_read(pool, &numbers);
        weir_check_assert(numbers.threads == 0 && numbers.running == 0 && numbers.idle == 0);
        for (unsigned i = 0; i < 8; i++) /* and all that they did is seen */
            weir_check_assert(starts[i] == ends[i]);
    }
}

static void resize(unsigned max)
{
    const int status = weir_blocking_resize(pool, max);

    weir_check_assert(status == 0 || status == -EPIPE);
}

static void play(void *number)
{
    for (const char *at = current->does[(uintptr_t)number]; *at != 0; at++)
        switch (*at) {
        case 's':
        case 'b':
        case 'h':
            submit(*at == 'b', *at == 'h');
            break;
        case 'c':
            submit_call();
            break;
        case 'd':
        case 'x':
            stop(*at == 'd' ? WEIR_BLOCKING_DRAIN : WEIR_BLOCKING_DISCARD, WEIR_FOREVER);
            break;
        case '0':
            stop(WEIR_BLOCKING_DRAIN, 0);
            break;
        default:
            weir_check_assert(*at == '1' || *at == '2');
            resize((unsigned)(*at - '0'));
        }
}

/* ---- a run ---- */

static void make(void)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;

    options.max_threads = current->max;
    options.keep = current->keep;
    options.idle_ns = 1000;
    options.max_queued = current->bound;
    options.on_start = on_start;
    options.on_end = on_end;
    options.discarded = discarded;
    options.context = &pool;
    weir_check_assert(weir_blocking_new(&pool, &options) == 0);
    for (unsigned i = 0; i < JOBS; i++) {
        notes[i] = (note *)calloc(1, sizeof *notes[i]);
        weir_check_assert(notes[i] != NULL);
    }
}

static void blocking_test(void *argument)
{
    int threads[ACTORS] = {0};

    current = (const blocking_case *)argument;
    make();
    play((void *)0);
    for (uintptr_t t = 1; t < ACTORS && current->does[t] != NULL; t++)
        threads[t] = weir_check_thread(play, (void *)t);
    for (unsigned t = 1; t < ACTORS && current->does[t] != NULL; t++)
        weir_check_join(threads[t]);
    stop(WEIR_BLOCKING_DRAIN, WEIR_FOREVER);
    for (unsigned i = 0; i < JOBS; i++) {
        weir_check_assert(notes[i]->runs + notes[i]->discards == taken[i]);
        free(notes[i]);
    }
    weir_check_assert(weir_blocking_free(pool) == 0);
}

/* ---- the table ---- */

#define POOL(threads, stay) .max = threads, .keep = stay
#define DEEP .deep = true
/* Too many graphs for all of them. */
#define SAMPLED(n) .options.mode = WEIR_CHECK_RANDOM, .options.seed = 1, .options.runs = n
#define PCT(n) \
    .options.mode = WEIR_CHECK_PCT, .options.seed = 1, .options.runs = n, .options.depth = 4

static const blocking_case cases[] = {
    {POOL(1, 0), .does = {""}},
    {POOL(1, 0), .does = {"s"}, SAMPLED(300)},
    /* Two come to a pool without a thread; a thread that is about to end, and a job. */
    {POOL(1, 0), .does = {"", "s", "s"}, SAMPLED(500), DEEP},
    {POOL(1, 0), .does = {"ss"}, SAMPLED(300)},
    {POOL(1, 0), .does = {"sss"}, PCT(1000)},
    {POOL(1, 0), .does = {"s", "s", "s"}, SAMPLED(500), DEEP},
    {POOL(1, 0), .does = {"s", "s", "s"}, PCT(300)},
    {POOL(1, 1), .does = {"ss", "s"}, SAMPLED(500), DEEP},
    {POOL(2, 0), .does = {"s", "s", "s"}, SAMPLED(200), DEEP},
    {POOL(2, 1), .does = {"s", "s", "s"}, PCT(500), DEEP},
    {POOL(2, 2), .does = {"s", "ss"}, SAMPLED(200), DEEP},
    /* One that waits for another has a second thread, though the first may come back. */
    {POOL(2, 0), .does = {"hs"}, PCT(300)},
    {POOL(2, 0), .does = {"shs"}, PCT(500), DEEP},
    {POOL(2, 1), .does = {"s", "h", "s"}, SAMPLED(200), DEEP},
    {POOL(1, 0), .does = {"bc"}, PCT(300)},
    {POOL(1, 0), .bound = 1, .does = {"s", "s", "s"}, PCT(500), DEEP},
    /* Stops. */
    {POOL(1, 0), .does = {"", "s", "d"}, PCT(300)},
    {POOL(1, 0), .does = {"", "ss", "x"}, PCT(300)},
    {POOL(1, 0), .does = {"", "ss", "d"}, SAMPLED(500), DEEP},
    {POOL(1, 0), .does = {"", "ss", "x"}, SAMPLED(500), DEEP},
    {POOL(1, 1), .does = {"s", "c", "x"}, PCT(500), DEEP},
    {POOL(2, 1), .does = {"s", "sb", "0"}, PCT(500), DEEP},
    {POOL(2, 1), .does = {"ss", "d", "x"}, PCT(500), DEEP},
    /* Other limits. */
    {POOL(2, 2), .does = {"ss", "s", "1"}, SAMPLED(200), DEEP},
    {POOL(2, 1), .does = {"ss", "s", "1"}, PCT(500), DEEP},
    {POOL(2, 2), .does = {"ss", "1ss"}, PCT(300)},
    {POOL(1, 0), .does = {"sh", "2", "s"}, PCT(500), DEEP},
    {POOL(2, 0), .does = {"ss", "2", "s"}, PCT(500), DEEP},
};

static void name_of(const blocking_case *c, char *name, size_t size)
{
    static const char *const modes[] = {"", ", sampled", ", by priorities", ""};
    size_t used_bytes = (size_t)snprintf(name, size, "%u threads, keep %u", c->max, c->keep);

    if (c->bound != 0)
        used_bytes +=
            (size_t)snprintf(name + used_bytes, size - used_bytes, ", %zu wait", c->bound);
    for (unsigned t = 0; t < ACTORS && c->does[t] != NULL; t++)
        used_bytes += (size_t)snprintf(name + used_bytes, size - used_bytes, "%s%s",
                                       t > 0 ? "/" : ": ", c->does[t]);
    snprintf(name + used_bytes, size - used_bytes, "%s", modes[c->options.mode]);
}

int main(int argc, char **argv)
{
    enum { COUNT = sizeof cases / sizeof cases[0] };
    static scenario scenarios[COUNT];
    static char names[COUNT][64];

    for (size_t i = 0; i < COUNT; i++) {
        name_of(&cases[i], names[i], sizeof names[i]);
        scenarios[i].name = names[i];
        scenarios[i].test = blocking_test;
        scenarios[i].argument = (uintptr_t)&cases[i];
        scenarios[i].deep = cases[i].deep;
        scenarios[i].options = cases[i].options;
    }
    return model_main("blocking", scenarios, COUNT, argc, argv);
}
