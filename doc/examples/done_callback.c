/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* done_callback: a callback runs exactly once: added before the result, after it, or while another
 * thread gives it; one that was taken back in time runs never. No list has to be kept and
 * nothing is allocated for it: the callback is a part of what it is for. */

#include <weir/atomic.h>
#include <weir/future.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

enum { ROUNDS = 2000 };

WEIR_FUTURE_DEFINE(answer, int);

typedef struct listener {
    weir_then then; /* first: the callback gets its address */
    WEIR_ATOMIC(int) calls;
    WEIR_ATOMIC(int) heard;
} listener;

static void hear(weir_then *then, weir_future *future)
{
    listener *const l = (listener *)(void *)then;
    int value = 0;
    const int status = weir_future_result(future, &value);

    weir_atomic_store(&l->heard, status == 0 ? value : status, WEIR_RELAXED);
    weir_atomic_fetch_add(&l->calls, 1, WEIR_RELEASE);
}

static bool heard_once(listener *l, int what)
{
    return weir_atomic_load(&l->calls, WEIR_ACQUIRE) == 1 &&
           weir_atomic_load(&l->heard, WEIR_RELAXED) == what;
}

static void *completes(void *promise)
{
    answer_complete(promise, 42);
    return NULL;
}

/* Two listeners come while another thread gives the result; one of them changes its mind. */
static bool at_the_same_time(int *in_time)
{
    listener stays = {{NULL, NULL}, 0, 0}, leaves = {{NULL, NULL}, 0, 0};
    answer_promise *promise;
    pthread_t thread;
    answer *future;
    bool taken;

    if (answer_new(&promise, &future, NULL) != 0 ||
        pthread_create(&thread, NULL, completes, promise) != 0)
        return false;
    weir_future_then(&future->future, &leaves.then, hear);
    weir_future_then(&future->future, &stays.then, hear);
    taken = weir_future_unthen(&future->future, &leaves.then);
    *in_time += taken;
    if (answer_wait(future, WEIR_FOREVER, NULL) != 0)
        return false;
    pthread_join(thread, NULL);
    answer_drop(future, NULL);
    return heard_once(&stays, 42) &&
           (taken ? weir_atomic_load(&leaves.calls, WEIR_RELAXED) == 0 : heard_once(&leaves, 42));
}

int main(void)
{
    listener before = {{NULL, NULL}, 0, 0}, after = {{NULL, NULL}, 0, 0};
    listener failed = {{NULL, NULL}, 0, 0};
    answer_promise *promise;
    answer *future;
    int in_time = 0;

    if (answer_new(&promise, &future, NULL) != 0)
        return 1;
    weir_future_then(&future->future, &before.then, hear);
    answer_complete(promise, 7);
    weir_future_then(&future->future, &after.then, hear); /* already done: called here */
    answer_drop(future, NULL);
    if (!heard_once(&before, 7) || !heard_once(&after, 7))
        return 1;

    /* The callback stays when the future is dropped; a promise that is dropped is an error. */
    if (answer_new(&promise, &future, NULL) != 0)
        return 1;
    weir_future_then(&future->future, &failed.then, hear);
    answer_drop(future, NULL);
    answer_promise_drop(promise);
    if (!heard_once(&failed, -EOWNERDEAD))
        return 1;

    for (int i = 0; i < ROUNDS; i++)
        if (!at_the_same_time(&in_time))
            return 1;
    printf("%d rounds: each callback ran once; of those taken back, %d in time, which never ran\n",
           ROUNDS, in_time);
    return 0;
}
