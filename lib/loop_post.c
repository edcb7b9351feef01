/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/loop_post.c: what other threads may do to an event loop.
 *
 * Everything that wakes a loop goes through one word, `head`: the newest of the jobs that were
 * posted, AWAKE, or ASLEEP. Only the loop writes ASLEEP, in place of AWAKE; whoever puts something
 * else in its place rings the bell, once. The loop counts them, so that it knows, when it is freed,
 * how many rings must have come: until then a thread that has posted may still be about to ring.
 *
 * A flag beside the word, `stopping`, or a number, `holds`, is read by the loop after it has said
 * ASLEEP. Why it does not sleep over a change of theirs: both sides make a read-modify-write of
 * `head` between their two steps,
 *     who calls                    ||  the loop
 *     the flag                     ||  head: AWAKE -> ASLEEP
 *     head: ASLEEP -> AWAKE, ring  ||  the flag?
 * and either the caller's comes later, and finds ASLEEP; or the loop's comes later, and
 * acquires what was before the caller's.
 *
 * Jobs come from other processors, a line each. The loop would learn where the next one is when it
 * has the one before, and wait for each line in turn. So each says where one some way behind it
 * is, or was: that may have been run since, and be gone, but to fetch its line ahead does no
 * harm. */

#include "job.h"
#include "loop.h"

#include <errno.h>
#include <sched.h>

/* ---- the word ---- */

/* Each job says which one was posted RECENT posts before it. */
static void remember(weir_loop *loop, weir_job *job)
{
    /* relaxed: here and below: a hint, which another thread may overwrite. */
    const uint32_t i = weir_atomic_load(&loop->next_recent, WEIR_RELAXED);

    job->other = weir_atomic_load(&loop->recent[i], WEIR_RELAXED);
    weir_atomic_store(&loop->recent[i], job, WEIR_RELAXED); /* relaxed: as above. */
    weir_atomic_store(&loop->next_recent, i + 1 < WEIR__LOOP_RECENT ? i + 1 : 0,
                      WEIR_RELAXED); /* relaxed: as above. */
}

/* Puts a job in front. Returns: what was there. */
static uintptr_t push(weir_loop *loop, weir_job *job)
{
    /* relaxed: what is there is compared, and followed by the loop alone. */
    uintptr_t head = weir_atomic_load(&loop->head, WEIR_RELAXED);

    remember(loop, job);
    do {
        job->next = (weir_job *)head; /* plain: not yet published */
        /* sync(posted): release. Pairs with the exchange in weir__loop_take(); the job, and what
         * was before. Those below it are in the same release sequence. sync(called): release.
         * The same for the compare-and-swap in weir__loop_doze(). relaxed on failure: as above. */
    } while (!weir_atomic_cas(&loop->head, &head, (uintptr_t)job, WEIR_RELEASE, WEIR_RELAXED));
    return head;
}

void weir__loop_push(weir_loop *loop, weir_job *job)
{
    /* The loop cannot end before it has heard this ring. */
    if (push(loop, job) == WEIR__ASLEEP)
        weir__poller_ring(&loop->poller);
}

/* Wakes the loop, if it sleeps, for a change that is not a job. */
static void wake(weir_loop *loop)
{
    /* sync(called): release. Pairs with the compare-and-swap in weir__loop_doze(): if that comes
     * later, the loop sees the change. */
    uintptr_t head = weir_atomic_fetch_add(&loop->head, 0, WEIR_RELEASE);

    while (head == WEIR__ASLEEP)
        /* relaxed: both: the loop learns of the change by the exchange in weir__loop_take(), from
         * the addition above, whose release sequence goes on here. */
        if (weir_atomic_cas(&loop->head, &head, WEIR__AWAKE, WEIR_RELAXED, WEIR_RELAXED)) {
            weir__poller_ring(&loop->poller);
            return;
        }
}

bool weir__loop_take(weir_loop *loop)
{
    weir_job *oldest, *newest;
    bool woken = false;
    uintptr_t head;

    /* relaxed: nothing is read through it. */
    if (!loop->dozing && weir_atomic_load(&loop->head, WEIR_RELAXED) == WEIR__AWAKE)
        return false;
    /* sync(posted): acquire. Pairs with the compare-and-swap in push(); the jobs.
     * sync(called): acquire. Pairs with wake(). */
    head = weir_atomic_exchange(&loop->head, WEIR__AWAKE, WEIR_ACQUIRE);
    if (loop->dozing) {
        loop->dozing = false;
        woken = head != WEIR__ASLEEP;
        loop->rings += woken;
    }
    if (head <= WEIR__ASLEEP)
        return woken;
    newest = (weir_job *)head;
    oldest = weir__jobs_turn(newest, WEIR__ASLEEP + 1);
    if (loop->posted.first == NULL)
        loop->posted.first = oldest;
    else
        loop->posted.last->next = oldest;
    loop->posted.last = newest;
    return woken;
}

bool weir__loop_doze(weir_loop *loop)
{
    uintptr_t head = WEIR__AWAKE;

    if (!loop->dozing)
        /* sync(called): acquire. Pairs with wake() and push(); the changes that are looked at next.
         * relaxed on failure: a job is there. */
        loop->dozing =
            weir_atomic_cas(&loop->head, &head, WEIR__ASLEEP, WEIR_ACQUIRE, WEIR_RELAXED);
    return loop->dozing;
}

/* ---- operations ---- */

int weir_loop_post(weir_loop *loop, weir_job *job)
{
    /* relaxed: a close that happened before is seen; one beside it may be. */
    if (WEIR_UNLIKELY(weir_atomic_load(&loop->closed, WEIR_RELAXED) != 0))
        return -EPIPE;
    weir__loop_push(loop, job);
    return 0;
}

void weir_loop_close(weir_loop *loop)
{
    weir_atomic_store(&loop->closed, 1, WEIR_RELAXED); /* relaxed: it carries nothing. */
}

/* Around what may end the run, and with it the loop, and goes on to wake it: free waits. */
static void begin_call(weir_loop *loop)
{
    /* relaxed: who frees the loop has acquired what comes after it, and so sees it. */
    (void)weir_atomic_fetch_add(&loop->callers, 1, WEIR_RELAXED);
}

static void end_call(weir_loop *loop)
{
    /* sync(gone): release. Pairs with the load in weir__loop_await_callers(); the loop is used no
     * more. */
    (void)weir_atomic_fetch_sub(&loop->callers, 1, WEIR_RELEASE);
}

void weir__loop_await_callers(weir_loop *loop)
{
    /* sync(gone): acquire. Pairs with end_call(). */
    while (weir_atomic_load(&loop->callers, WEIR_ACQUIRE) != 0)
        (void)sched_yield();
}

void weir_loop_stop(weir_loop *loop)
{
    begin_call(loop);
    /* sync(called): release. Pairs with the exchange in has_stopped(); what was before. Not a
     * store, so that of several stops that end one run none hides the others; nor an exchange, of
     * which clang makes a store where nobody looks at the result. */
    (void)weir_atomic_fetch_or(&loop->stopping, 1, WEIR_RELEASE);
    wake(loop);
    end_call(loop);
}

void weir_loop_hold(weir_loop *loop)
{
    /* relaxed: whoever holds it knows that it is alive. */
    (void)weir_atomic_fetch_add(&loop->holds, 1, WEIR_RELAXED);
}

void weir_loop_release(weir_loop *loop)
{
    size_t before;

    begin_call(loop);
    /* sync(called): release. Pairs with the load in weir_loop_alive(); what was before. */
    before = weir_atomic_fetch_sub(&loop->holds, 1, WEIR_RELEASE);
    WEIR_REQUIRE(before != 0, "more releases than holds");
    if (before == 1)
        wake(loop);
    end_call(loop);
}

int weir_loop_call(weir_loop *loop, weir_call *call, uint64_t deadline, weir_cancel *cancel)
{
    int status = 0;

    if (weir__loop_is_mine(loop))
        (void)call->job.run(&call->job);
    else
        status = weir_loop_post(loop, &call->job);
    return status != 0 ? status : weir_call_get(call, deadline, cancel);
}

/* ---- cancel ---- */

static int run_canceller(weir_call *call)
{
    weir_canceller *const canceller = (weir_canceller *)(void *)call;

    return canceller->stop(canceller->handle);
}

int weir__loop_cancel(weir_canceller *canceller, weir_loop *loop, void *handle,
                      int (*stop)(void *handle))
{
    weir_call_init(&canceller->call, run_canceller, NULL);
    canceller->handle = handle;
    canceller->stop = stop;
    if (!weir__loop_is_mine(loop))
        return weir_loop_post(loop, &canceller->call.job);
    (void)canceller->call.job.run(&canceller->call.job);
    return 0;
}

int weir__loop_cancel_wait(weir_canceller *canceller, weir_loop *loop, void *handle,
                           int (*stop)(void *handle), uint64_t deadline, weir_cancel *cancel)
{
    int status;

    if (weir__loop_is_mine(loop) && loop->handle == handle)
        return -EDEADLK;
    status = weir__loop_cancel(canceller, loop, handle, stop);
    return status != 0 ? status : weir_canceller_wait(canceller, deadline, cancel);
}
