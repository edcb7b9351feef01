/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/offload.c: weir/offload.h in the model checker, on tests/model/poller.h. The pool is
 * one thread, which takes what was submitted, and runs or discards it; thread 0 is the loop's. What
 * run() reads and writes is plain, and freed by the last call.
 *
 * Edges: none of its own. */

#include "../../lib/job.h"
#include "poller.h"

#include <weir/offload.h>

#include <errno.h>

typedef struct offload_case {
    const char *name;
    bool discards; /* the pool */
    bool cancels;  /* the loop, after the submit */
    bool again;    /* done() submits it once more */
    weir_check_options options;
} offload_case;

typedef struct request {
    weir_offload offload;
    int question, answer;
    int why; /* written before the cancel */
} request;

static const offload_case *current;
static weir_loop *loop;
static WEIR_ATOMIC(weir_job *) handed; /* to the pool */
static unsigned done_calls, dropped_calls, submits;
static int done_status;

/* ---- the pool ---- */

/* In place of lib/blocking.c. */
int weir_blocking_submit(weir_blocking *pool, weir_job *job)
{
    (void)pool;
    weir_atomic_store(&handed, job, WEIR_RELEASE);
    return 0;
}

static void serve(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i <= (unsigned)current->again; i++) {
        weir_job *job;

        while ((job = weir_atomic_exchange(&handed, NULL, WEIR_ACQUIRE)) == NULL)
            continue;
        if (current->discards)
            weir_check_assert(weir__job_discard(job));
        else
            weir_check_assert(job->run(job) == 0);
    }
}

/* ---- the loop ---- */

static int run(weir_offload *offload)
{
    request *const r = (request *)(void *)offload;

    weir_check_assert(r->question == 1);
    r->answer = 42;
    if (weir_offload_wanted(offload))
        return 0;
    weir_check_assert(r->why == 7);
    return -EINTR;
}

static void submit(request *r)
{
    submits++;
    r->question = 1;
    weir_check_assert(weir_offload_blocking(&r->offload, NULL, WEIR_FOREVER) == 0);
}

static void done(weir_offload *offload, int status)
{
    request *const r = (request *)(void *)offload;

    done_calls++;
    done_status = status;
    if (current->cancels) {
        weir_check_assert(status == -ECANCELED);
        return;
    }
    weir_check_assert(status == (current->discards ? -ECANCELED : 0));
    weir_check_assert(r->answer == (current->discards ? 0 : 42));
    if (current->again && submits == 1)
        submit(r);
    else
        free(r);
}

static void dropped(weir_offload *offload)
{
    request *const r = (request *)(void *)offload;

    dropped_calls++;
    weir_check_assert(done_calls == 1 && (r->answer == 0 || r->answer == 42));
    free(r);
}

static void offload_test(void *argument)
{
    request *const r = (request *)calloc(1, sizeof *r);
    int pool;

    current = (const offload_case *)argument;
    weir_check_assert(r != NULL && weir_loop_new(&loop, NULL) == 0);
    weir_offload_init(&r->offload, loop, run, done, dropped);
    pool = weir_check_thread(serve, NULL);
    submit(r);
    r->why = 7;
    if (current->cancels)
        weir_check_assert(weir_offload_cancel(&r->offload) == 0);
    weir_check_assert(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER) == 0);
    weir_check_assert(done_calls == submits && dropped_calls == current->cancels);
    weir_check_assert(weir_loop_free(loop) == 0); /* also beside the pool's last ring */
    weir_check_join(pool);
}

static const offload_case cases[] = {
    {.name = "run"},
    {.name = "discarded", .discards = true},
    {.name = "cancelled", .cancels = true},
    {.name = "cancelled and discarded", .cancels = true, .discards = true},
    {.name = "submitted again", .again = true},
};

int main(int argc, char **argv)
{
    enum { COUNT = sizeof cases / sizeof cases[0] };
    static scenario scenarios[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        scenarios[i].name = cases[i].name;
        scenarios[i].test = offload_test;
        scenarios[i].argument = (uintptr_t)&cases[i];
        scenarios[i].options = cases[i].options;
    }
    return model_main("offload", scenarios, COUNT, argc, argv);
}
