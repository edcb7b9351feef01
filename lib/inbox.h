/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/inbox.h: a stack of jobs that any thread pushes to while it is open, and one at a time, who
 * has the owner's lock, empties. Private.
 *
 * Who shuts it, and finds nothing, knows that nothing comes any more: who finds it shut goes to the
 * lock. So a thread may sleep that has shut it, and be woken by the next that comes.
 *
 * Who may run with whom: put with everything; the others exclude each other.
 * Progress:  put is lock-free; the others are wait-free, a take in steps for each job.
 * Edges:
 *   inbox  weir__inbox_put() -> weir__inbox_take()  carries the job, and what was before */

#ifndef WEIR_LIB_INBOX_H
#define WEIR_LIB_INBOX_H

#include "job.h"

/* What it holds if it holds no job. */
enum { WEIR__INBOX_OPEN = 0, WEIR__INBOX_SHUT = 1 };

typedef struct weir__inbox {
    WEIR_ATOMIC(uintptr_t) newest; /* job, or one of these */
} weir__inbox;

static inline void weir__inbox_init(weir__inbox *inbox)
{
    weir_atomic_init(&inbox->newest, WEIR__INBOX_SHUT);
}

/* Returns: false: it is shut. */
static inline bool weir__inbox_put(weir__inbox *inbox, weir_job *job)
{
    /* relaxed: what is there is compared, and followed by who takes it. */
    uintptr_t newest = weir_atomic_load(&inbox->newest, WEIR_RELAXED);

    do {
        if (newest == WEIR__INBOX_SHUT)
            return false;
        job->next = (weir_job *)newest; /* plain: not yet published */
        /* sync(inbox): release. Pairs with the exchange in weir__inbox_take(); the job, and what
         * was before. Those below it are in the same release sequence. relaxed on failure: as
         * above. */
    } while (!weir_atomic_cas(&inbox->newest, &newest, (uintptr_t)job, WEIR_RELEASE, WEIR_RELAXED));
    return true;
}

static inline bool weir__inbox_is_shut(weir__inbox *inbox)
{
    /* relaxed: who asks has the lock, and alone opens and shuts it. */
    return weir_atomic_load(&inbox->newest, WEIR_RELAXED) == WEIR__INBOX_SHUT;
}

/* It was shut. */
static inline void weir__inbox_open(weir__inbox *inbox)
{
    /* relaxed: it publishes nothing. */
    weir_atomic_store(&inbox->newest, WEIR__INBOX_OPEN, WEIR_RELAXED);
}

/* Takes what has come, and shuts it or leaves it open. Returns: a list, the oldest first. */
static inline weir_job *weir__inbox_take(weir__inbox *inbox, bool shut)
{
    uintptr_t newest;

    if (weir__inbox_is_shut(inbox))
        return NULL;
    /* sync(inbox): acquire. Pairs with weir__inbox_put(); the jobs. */
    newest = weir_atomic_exchange(&inbox->newest, shut ? WEIR__INBOX_SHUT : WEIR__INBOX_OPEN,
                                  WEIR_ACQUIRE);
    return weir__jobs_turn((weir_job *)newest, WEIR__INBOX_SHUT + 1);
}

/* Takes what has come; if nothing has, it is shut from now on. */
static inline weir_job *weir__inbox_take_or_shut(weir__inbox *inbox)
{
    /* relaxed: what has come since is taken all the same. */
    return weir__inbox_take(inbox,
                            weir_atomic_load(&inbox->newest, WEIR_RELAXED) == WEIR__INBOX_OPEN);
}

#endif /* WEIR_LIB_INBOX_H */
