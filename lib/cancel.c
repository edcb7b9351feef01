/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Who cancels claims a token with one compare-and-swap of its state, which holds the reason, and
 * then walks the tree below it twice: first it claims and wakes, then it calls. Both times depth
 * first, from link to link: down by a parent's list of children, up by the link that it came by,
 * which each token remembers. Only who has claimed a token enters it, so that one walk alone is
 * ever at a link, and writes `came`.
 *
 * While a walk is at a link's child, or below, the link is `visited`, and its child cannot be
 * taken from the list: who destroys it sleeps until the walk has left. So no lock is held when a
 * walk goes down, wakes or calls. It has left in a moment, since who has callbacks, waiters or
 * children cannot be destroyed; but who is woken by a function (weir_waiter_init_call()) must not
 * destroy the source inside that.
 *
 * A claimed token gets no new children or callbacks, since both look at the state under the lock.
 * What a walk still has to visit it finds by the lists as they are then. */

#include <weir/cancel.h>
#include "wait.h"

#include <errno.h>
#include <pthread.h>

/* Of a state; the upper half is the reason. */
enum { CANCELLED = 1, TIMED = 2, GONE = 4 };

static int reason_of(uint64_t state)
{
    return (int)(int32_t)(uint32_t)(state >> 32);
}

static uint64_t cancelled_for(int reason)
{
    return (uint64_t)(uint32_t)reason << 32 | CANCELLED;
}

static void require_alive(uint64_t state)
{
    WEIR_REQUIRE((state & GONE) == 0, "a token whose source has been destroyed");
}

/* ---- callbacks ---- */

/* Who waits for the end of one that is running. */
typedef struct sleeper {
    struct sleeper *next;
    weir_waiter waiter;
} sleeper;

/* One that is running: on the stack of the thread that runs it. */
struct weir__cancel_run {
    struct weir__cancel_run *next;
    uint64_t number;
    pthread_t thread;
    sleeper *sleepers;
};

static void append(weir_cancel *token, weir_cancel_callback *callback)
{
    callback->queued = true;
    callback->next = NULL;
    callback->prev = token->last;
    if (token->last != NULL)
        token->last->next = callback;
    else
        token->first = callback;
    token->last = callback;
}

static void take_out(weir_cancel *token, weir_cancel_callback *callback)
{
    callback->queued = false;
    if (callback->prev != NULL)
        callback->prev->next = callback->next;
    else
        token->first = callback->next;
    if (callback->next != NULL)
        callback->next->prev = callback->prev;
    else
        token->last = callback->prev;
}

/* With the lock held, which is let go meanwhile. Afterwards the callback's memory may be no more:
 * a number is what it and its run know each other by. */
static void run(weir_cancel *token, weir_cancel_callback *callback, uint64_t state)
{
    struct weir__cancel_run self = {token->runs, ++token->run_count, pthread_self(), NULL};
    struct weir__cancel_run **at;
    sleeper *next;
    void (*const call)(void *context, int reason) = callback->call;
    void *const context = callback->context;

    callback->run = self.number;
    token->runs = &self;
    weir__queue_unlock(&token->queue);
    call(context, reason_of(state));
    weir__queue_lock(&token->queue);
    for (at = &token->runs; *at != &self; at = &(*at)->next)
        continue;
    *at = self.next;
    for (sleeper *s = self.sleepers; s != NULL; s = next) {
        next = s->next; /* it is gone when it is woken */
        weir_waiter_unpark(&s->waiter);
    }
}

/* NULL: it is not running. */
static struct weir__cancel_run *run_of(const weir_cancel *token, uint64_t number)
{
    struct weir__cancel_run *r = token->runs;

    while (r != NULL && r->number != number)
        r = r->next;
    return r;
}

bool weir_cancel_register(weir_cancel *token, weir_cancel_callback *callback,
                          void (*call)(void *context, int reason), void *context)
{
    uint64_t state;

    WEIR_REQUIRE(token != NULL && callback != NULL && call != NULL,
                 "a token, a callback and a function are needed");
    callback->token = token;
    callback->call = call;
    callback->context = context;
    callback->run = 0;
    callback->queued = false;
    (void)weir_cancel_check(token);
    weir__queue_lock(&token->queue);
    /* sync(cancelled): acquire. Pairs with claim(), of a walk that has not come to the lock. */
    state = weir_atomic_load(&token->state, WEIR_ACQUIRE);
    if ((state & CANCELLED) == 0)
        append(token, callback);
    else
        run(token, callback, state);
    weir__queue_unlock(&token->queue);
    return (state & CANCELLED) == 0;
}

/* Returns: whether it is still running, and so nobody will wake the sleeper. */
static bool give_up(weir_cancel *token, uint64_t number, const sleeper *s)
{
    struct weir__cancel_run *r;
    sleeper **at;

    weir__queue_lock(&token->queue);
    r = run_of(token, number);
    if (r != NULL) {
        for (at = &r->sleepers; *at != s; at = &(*at)->next)
            continue;
        *at = s->next;
    }
    weir__queue_unlock(&token->queue);
    return r != NULL;
}

int weir_cancel_unregister(weir_cancel_callback *callback, uint64_t deadline, weir_cancel *cancel)
{
    weir_cancel *const token = callback->token;
    struct weir__cancel_run *r = NULL;
    uint64_t number;
    sleeper self;
    int status = -EALREADY;

    /* relaxed: written by who has destroyed it; this call is too late then. */
    require_alive(weir_atomic_load(&token->state, WEIR_RELAXED));
    weir__queue_lock(&token->queue);
    number = callback->run;
    if (callback->queued) {
        take_out(token, callback);
        status = 0;
    } else if ((r = run_of(token, number)) != NULL && pthread_equal(r->thread, pthread_self())) {
        r = NULL;
        status = -EDEADLK;
    } else if (r != NULL) {
        weir_waiter_init(&self.waiter);
        self.next = r->sleepers;
        r->sleepers = &self;
    }
    weir__queue_unlock(&token->queue);
    if (r == NULL)
        return status;
    status = weir_waiter_park(&self.waiter, deadline, cancel);
    if (status != 0 && give_up(token, number, &self))
        return status;
    while (status != 0)
        status = weir_waiter_park(&self.waiter, WEIR_FOREVER, NULL);
    return -EALREADY;
}

/* ---- cancelling ---- */

/* Returns: whether this thread is the one that cancels the token. */
static bool claim(weir_cancel *token, uint64_t cancelled)
{
    /* sync(cancelled): acquire. Pairs with the compare-and-swap below, of who came first. */
    uint64_t state = weir_atomic_load(&token->state, WEIR_ACQUIRE);

    while ((state & CANCELLED) == 0)
        /* sync(cancelled): release. Pairs with the loads in weir__cancel_look(),
         * weir_cancel_register(), attach() and above; what this thread had done. sync(cancelled):
         * acquire, on failure. Pairs with itself, as above. */
        if (weir_atomic_cas(&token->state, &state, cancelled, WEIR_RELEASE, WEIR_ACQUIRE))
            return true;
    return false;
}

typedef struct walk {
    weir_cancel *root;
    uint64_t cancelled; /* the state that all get */
    bool calling;       /* the second time */
    bool callbacks;     /* somebody has one: there has to be a second time */
} walk;

/* Whether the walk is to enter this child. Its parent's lock is held. */
static bool takes(const walk *w, weir_cancel *token)
{
    /* relaxed: of `origin`: a walk looks for what it has written itself. */
    if (w->calling) {
        if (weir_atomic_load(&token->origin, WEIR_RELAXED) != w->root)
            return false;
        /* relaxed: as above. There may be another way to it. */
        weir_atomic_store(&token->origin, NULL, WEIR_RELAXED);
    } else {
        if (!claim(token, w->cancelled))
            return false;
        weir_atomic_store(&token->origin, w->root, WEIR_RELAXED); /* relaxed: as above. */
    }
    return true;
}

/* With the lock held, which is let go meanwhile. */
static void call_all(weir_cancel *token, uint64_t state)
{
    while (token->first != NULL) {
        weir_cancel_callback *const callback = token->first;

        take_out(token, callback);
        run(token, callback, state);
    }
}

/* With the lock held. Who destroys the child goes on when it has the lock. */
static void leave(weir_cancel_link *link)
{
    link->visited = false;
    if (link->sleeper != NULL)
        weir_waiter_unpark(link->sleeper);
}

/* The root has been claimed. After the last unlock nothing of a token is touched. */
static void walk_down(walk *w)
{
    weir_cancel *token = w->root;
    weir_cancel_link *left = NULL, *next;

    for (;;) {
        if (left == NULL && !w->calling)
            (void)weir__queue_set(&token->queue);
        weir__queue_lock(&token->queue);
        /* Without children once is enough. */
        if (left == NULL && (w->calling || (token == w->root && token->children == NULL)))
            call_all(token, w->cancelled);
        w->callbacks |= token->first != NULL;
        next = left != NULL ? left->next : token->children;
        if (left != NULL)
            leave(left);
        while (next != NULL && !takes(w, next->child))
            next = next->next;
        if (next != NULL)
            next->visited = true;
        if (token == w->root)
            token->walked = next != NULL || (w->callbacks && !w->calling);
        weir__queue_unlock(&token->queue);
        if (next != NULL) {
            token = next->child;
            token->came = next;
            left = NULL;
        } else if (token == w->root) {
            return;
        } else {
            left = token->came;
            token = left->parent;
        }
    }
}

static bool cancel_from(weir_cancel *root, int reason)
{
    walk w = {root, cancelled_for(reason), false, false};

    if (!claim(root, w.cancelled))
        return false;
    walk_down(&w);
    if (w.callbacks) {
        w.calling = true;
        walk_down(&w);
    }
    return true;
}

bool weir_cancel_source_cancel(weir_cancel_source *source, int reason)
{
    return weir_cancel_check(&source->token) == 0 &&
           cancel_from(&source->token, reason != 0 ? reason : -ECANCELED);
}

/* Its deadline has passed: cancels the token whose deadline it is, and so this one. */
static void expire(weir_cancel *token)
{
    weir_cancel *whose = token;
    const weir_cancel_link *link = token->links;

    while (link != NULL)
        if (link->parent->deadline == token->deadline) {
            whose = link->parent;
            link = whose->links;
        } else {
            link = link->more;
        }
    (void)cancel_from(whose, -ETIMEDOUT);
    /* Another thread may be on its way down, and not here yet. */
    if (whose != token)
        (void)cancel_from(token, -ETIMEDOUT);
}

/* ---- looking and waiting ---- */

int weir__cancel_look(weir_cancel *cancel)
{
    /* sync(cancelled): acquire. Pairs with claim(). */
    const uint64_t state = weir_atomic_load(&cancel->state, WEIR_ACQUIRE);

    require_alive(state);
    if ((state & CANCELLED) != 0)
        return -ECANCELED;
    if (!weir_clock_passed(cancel->deadline))
        return 0;
    expire(cancel);
    return -ECANCELED;
}

int weir_cancel_reason(weir_cancel *cancel)
{
    if (weir_cancel_check(cancel) == 0)
        return 0;
    /* relaxed: the check has acquired it. */
    return reason_of(weir_atomic_load(&cancel->state, WEIR_RELAXED));
}

uint64_t weir_cancel_deadline(const weir_cancel *cancel)
{
    return cancel != NULL ? cancel->deadline : WEIR_FOREVER;
}

int weir__waiter_wait(weir_waiter *waiter, uint64_t deadline, weir_cancel *cancel)
{
    const uint64_t until = weir_cancel_deadline(cancel);
    weir_wait_node node;
    bool woken;

    if (cancel == NULL)
        return weir__waiter_sleep(waiter, deadline) ? 0 : -ETIMEDOUT;
    if (weir_cancel_check(cancel) != 0 || weir__waiter_woken(waiter) ||
        !weir__queue_enter(&cancel->queue, &node, waiter))
        return 0;
    woken = weir__waiter_sleep(waiter, deadline < until ? deadline : until);
    if (!weir__queue_leave(&cancel->queue, &node) || woken)
        return 0;
    return until < deadline && weir_cancel_check(cancel) != 0 ? 0 : -ETIMEDOUT;
}

int weir_cancel_wait(weir_cancel *token, uint64_t deadline, weir_cancel *cancel)
{
    const uint64_t until = weir_cancel_deadline(token);
    weir_waiter waiter;
    weir_wait_node node;
    int status;

    WEIR_REQUIRE(token != NULL, "a token is needed");
    if (weir_cancel_check(cancel) != 0)
        return -ECANCELED;
    weir_waiter_init(&waiter);
    if (weir_cancel_check(token) != 0 || !weir__queue_enter(&token->queue, &node, &waiter))
        return 0;
    status = weir__waiter_wait(&waiter, deadline < until ? deadline : until, cancel);
    (void)weir__queue_leave(&token->queue, &node);
    if (weir_cancel_check(token) != 0)
        return 0;
    return status != 0 ? status : -ECANCELED;
}

/* ---- life ---- */

/* Makes it a child, or cancels it. */
static void attach(weir_cancel *token, weir_cancel_link *link, weir_cancel *parent)
{
    uint64_t state;

    link->prev = NULL;
    link->parent = parent;
    link->child = token;
    link->visited = false;
    link->sleeper = NULL;
    weir__queue_lock(&parent->queue);
    /* sync(cancelled): acquire. Pairs with claim(): it is handed on to who asks the child. */
    state = weir_atomic_load(&parent->state, WEIR_ACQUIRE);
    if ((state & CANCELLED) == 0) {
        link->next = parent->children;
        if (link->next != NULL)
            link->next->prev = link;
        parent->children = link;
    }
    weir__queue_unlock(&parent->queue);
    require_alive(state);
    if ((state & CANCELLED) != 0) {
        (void)cancel_from(token, reason_of(state));
        return;
    }
    link->more = token->links;
    token->links = link;
}

/* Takes the link from its parent's list, when it is not visited. */
static void detach(weir_cancel_link *link)
{
    weir_cancel *const parent = link->parent;
    weir_waiter waiter;

    weir_waiter_init(&waiter);
    weir__queue_lock(&parent->queue);
    link->sleeper = &waiter;
    while (link->visited) {
        weir__queue_unlock(&parent->queue);
        while (weir_waiter_park(&waiter, WEIR_FOREVER, NULL) != 0)
            continue;
        weir__queue_lock(&parent->queue);
    }
    if (link->prev != NULL)
        link->prev->next = link->next;
    else
        parent->children = link->next;
    if (link->next != NULL)
        link->next->prev = link->prev;
    weir__queue_unlock(&parent->queue);
}

void weir_cancel_source_init(weir_cancel_source *source, weir_cancel *parent, uint64_t deadline)
{
    weir_cancel *const token = &source->token;
    const uint64_t above = weir_cancel_deadline(parent);

    token->deadline = deadline < above ? deadline : above;
    weir_atomic_init(&token->state, token->deadline != WEIR_FOREVER ? TIMED : 0);
    token->links = token->came = token->children = NULL;
    weir_atomic_init(&token->origin, NULL);
    token->first = token->last = NULL;
    token->runs = NULL;
    token->run_count = 0;
    token->walked = false;
    weir__queue_init(&token->queue);
    if (parent != NULL)
        attach(token, &source->link, parent);
}

int weir_cancel_source_link(weir_cancel_source *source, weir_cancel_link *link, weir_cancel *parent)
{
    weir_cancel *const token = &source->token;
    bool busy;

    WEIR_REQUIRE(parent != NULL, "a parent is needed");
    weir__queue_lock(&token->queue);
    busy = token->children != NULL || token->queue.first != NULL;
    weir__queue_unlock(&token->queue);
    if (busy || parent == token)
        return -EBUSY;
    if (parent->deadline < token->deadline) {
        token->deadline = parent->deadline;
        /* relaxed: for who gets the token later. */
        weir_atomic_fetch_or(&token->state, TIMED, WEIR_RELAXED);
    }
    attach(token, link, parent);
    return 0;
}

int weir_cancel_source_destroy(weir_cancel_source *source)
{
    weir_cancel *const token = &source->token;
    weir_cancel_link *link;
    bool busy;

    /* relaxed: written by the caller, or at its peril. */
    require_alive(weir_atomic_load(&token->state, WEIR_RELAXED));
    weir__queue_lock(&token->queue);
    busy = token->children != NULL || token->first != NULL || token->runs != NULL ||
           token->walked || token->queue.first != NULL;
    weir__queue_unlock(&token->queue);
    if (busy)
        return -EBUSY;
    for (link = token->links; link != NULL; link = link->more)
        detach(link);
    /* relaxed: nobody else may look. */
    weir_atomic_store(&token->state, GONE, WEIR_RELAXED);
    return 0;
}
