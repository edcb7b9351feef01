/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/signal.c: a list of records for each signal, which only grows; one that no watcher uses has
 * generation 0, and is used by the next. The handler reads a record's slot between two looks at its
 * generation. If both are the same, but of two watchers, the send is refused as stale, or is one to
 * the later of them, which was started while the signal came. */

#include <weir/signal.h>

#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#ifndef NSIG
#define NSIG _NSIG
#endif

typedef struct weir__signal_record {
    struct weir__signal_record *next; /* constant */
    WEIR_ATOMIC(struct weir__async_slot *) slot;
    WEIR_ATOMIC(uint64_t) generation; /* 0: nobody's */
    WEIR_ATOMIC(uint32_t) count;
} record;

static WEIR_ATOMIC(record *) records[NSIG];

/* Of what follows, and of who writes the records. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned watchers[NSIG];
static struct sigaction before[NSIG];

/* ---- the handler ---- */

static void tell(record *r)
{
    weir_async_ref to;

    /* sync(watched): acquire. Pairs with the store in use(); the slot. */
    to.generation = weir_atomic_load(&r->generation, WEIR_ACQUIRE);
    /* sync(watched): acquire. Pairs with the store of it in use(): who sees a later slot sees a
     * later generation. */
    to.slot = weir_atomic_load(&r->slot, WEIR_ACQUIRE);
    /* relaxed: not earlier than the loads above. */
    if (to.generation == 0 || weir_atomic_load(&r->generation, WEIR_RELAXED) != to.generation)
        return;
    /* sync(counted): release. Pairs with the exchange in on_async(). */
    (void)weir_atomic_fetch_add(&r->count, 1, WEIR_RELEASE);
    (void)weir_async_send(to); /* stale: it is being stopped */
}

static void handle(int number)
{
    const int error = errno;
    /* sync(watched): acquire. Pairs with the store in add(); the record. */
    record *r = weir_atomic_load(&records[number], WEIR_ACQUIRE);

    for (; r != NULL; r = r->next)
        tell(r);
    errno = error;
}

/* ---- records: with the lock held ---- */

static record *add(int number)
{
    record *const r = (record *)weir_alloc(sizeof *r, sizeof(uint64_t));

    if (r == NULL)
        return NULL;
    r->next =
        weir_atomic_load(&records[number], WEIR_RELAXED); /* relaxed: written with the lock. */
    weir_atomic_init(&r->slot, NULL);
    weir_atomic_init(&r->generation, 0);
    weir_atomic_init(&r->count, 0);
    /* sync(watched): release. Pairs with the load in handle(); the record. */
    weir_atomic_store(&records[number], r, WEIR_RELEASE);
    return r;
}

/* Returns: one that is nobody's; NULL: no memory. */
static record *find(int number)
{
    record *r = weir_atomic_load(&records[number], WEIR_RELAXED); /* relaxed: as above. */

    while (r != NULL &&
           weir_atomic_load(&r->generation, WEIR_RELAXED) != 0) /* relaxed: as above. */
        r = r->next;
    return r != NULL ? r : add(number);
}

static void use(record *r, weir_async_ref to)
{
    weir_atomic_store(&r->count, 0, WEIR_RELAXED); /* relaxed: nobody counts for it yet. */
    /* sync(watched): release. Pairs with the load in tell(); that the generation was 0. */
    weir_atomic_store(&r->slot, to.slot, WEIR_RELEASE);
    /* sync(watched): release. Pairs with the load in tell(); the slot. */
    weir_atomic_store(&r->generation, to.generation, WEIR_RELEASE);
}

/* ---- the signal's disposition: with the lock held ---- */

static int watch(int number)
{
    struct sigaction action;

    if (watchers[number] == 0) {
        action.sa_handler = handle;
        action.sa_flags = SA_RESTART;
        sigfillset(&action.sa_mask);
        if (sigaction(number, &action, &before[number]) != 0)
            return -errno;
    }
    watchers[number]++;
    return 0;
}

static void unwatch(int number)
{
    if (--watchers[number] == 0)
        (void)sigaction(number, &before[number], NULL);
}

/* ---- operations ---- */

/* With all signals blocked: a handler of the user's must not come to wait for its own thread. */
static void lock_all(sigset_t *blocked)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, blocked);
    pthread_mutex_lock(&lock);
}

static void unlock_all(const sigset_t *blocked)
{
    pthread_mutex_unlock(&lock);
    pthread_sigmask(SIG_SETMASK, blocked, NULL);
}

static weir_signal *of_async(weir_async *async)
{
    return (weir_signal *)(void *)async;
}

static void on_async(weir_async *async)
{
    weir_signal *const watcher = of_async(async);

    /* sync(counted): acquire. Pairs with the addition in tell(). */
    watcher->count = weir_atomic_exchange(&watcher->record->count, 0, WEIR_ACQUIRE);
    if (watcher->count != 0)
        watcher->call(watcher, watcher->number);
}

static void on_closed(weir_async *async)
{
    weir_signal *const watcher = of_async(async);

    if (watcher->stopped != NULL)
        watcher->stopped(watcher);
}

int weir_signal_start(weir_signal *watcher, weir_loop *loop, int number,
                      void (*call)(weir_signal *watcher, int number), bool background)
{
    sigset_t blocked;
    record *r = NULL;
    int status;

    WEIR_REQUIRE(call != NULL, "a watcher without a function");
    if (number <= 0 || number >= NSIG)
        return -EINVAL;
    status = weir_async_init(&watcher->async, loop, on_async, background);
    if (status != 0)
        return status;
    lock_all(&blocked);
    r = find(number);
    status = r != NULL ? watch(number) : -ENOMEM;
    watcher->call = call;
    watcher->stopped = NULL;
    watcher->number = number;
    watcher->count = 0;
    watcher->record = status == 0 ? r : NULL;
    if (status == 0)
        use(r, weir_async_reference(&watcher->async));
    unlock_all(&blocked);
    if (status != 0)
        weir__async_abandon(&watcher->async);
    return status;
}

void weir__signal_ring(weir_signal *watcher)
{
    tell(watcher->record);
}

int weir_signal_stop(weir_signal *watcher, void (*stopped)(weir_signal *watcher))
{
    sigset_t blocked;

    if (watcher->record == NULL)
        return -EALREADY;
    lock_all(&blocked);
    /* relaxed: it carries nothing; a send to what it was is stale from here on. */
    weir_atomic_store(&watcher->record->generation, 0, WEIR_RELAXED);
    unwatch(watcher->number);
    unlock_all(&blocked);
    watcher->record = NULL;
    watcher->stopped = stopped;
    return weir_async_close(&watcher->async, on_closed);
}
