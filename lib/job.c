/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "job.h"

#include <weir/pool.h>

#include <errno.h>

int weir__owned_job_run(weir_job *job)
{
    return ((weir__owned_job *)(void *)job)->run(job);
}

bool weir__job_discard(weir_job *job)
{
    if (job->run == weir__call_run)
        weir_call_fail((weir_call *)(void *)job, -ECANCELED);
    else if (job->run == weir__owned_job_run)
        ((weir__owned_job *)(void *)job)->discard(job);
    else
        return false;
    return true;
}

static weir_call *call_of(weir_job *job)
{
    return (weir_call *)(void *)job;
}

int weir__call_run(weir_job *job)
{
    weir_call *const call = call_of(job);
    int status = weir_cancel_check(call->cancel);

    if (status == 0)
        status = call->run(call);
    WEIR_REQUIRE(status <= 0, "a call returns 0 or a negative errno");
    if (status == 0)
        weir_promise_complete(weir_future_promise(&call->future), NULL);
    else
        weir_call_fail(call, status);
    return 0; /* who waits has been told */
}

void weir_call_fail(weir_call *call, int status)
{
    weir_promise_fail(weir_future_promise(&call->future), status);
}

int weir_call_get(weir_call *call, uint64_t deadline, weir_cancel *cancel)
{
    int status = 0;

    if (!weir_future_is_done(&call->future)) {
        weir_block_begin(); /* a worker's place may be the one that the call needs */
        status = weir_future_wait(&call->future, deadline, cancel);
        weir_block_end();
    }
    if (status != 0 && !weir_future_is_done(&call->future))
        return status;
    status = weir_future_result(&call->future, NULL);
    /* Who completed it may be in the middle of it still. */
    weir_future_destroy(&call->future);
    return status;
}
