/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/wait.c: weir/wait.h, and the private face of lib/wait.h, in the model checker. A
 * scenario is a string for each thread, a letter an operation; thread 0 does its first.
 *
 * Of an event, at which items are waited for; they are put and looked at in relaxed order:
 *     n  put an item, notify one            N  put two, notify all
 *     w  wait for an item: prepare, look, withdraw or sleep
 *     a  the same by weir_event_await()     x  prepare, and withdraw whatever there is
 *     z  prepare, and wait until now        v  prepare, and wait for a while
 *     t  prepare, and wait with a token     c  cancel that
 *     p  prepare for thread 1, then for thread 2: the first sleeper that it needs is that one
 *     b  notify one, of nothing             l  how many sleepers
 *     d  write, and notify all              r  wait for a notification, and read
 *     i  put an item in sequential consistency, and notify if somebody is seen
 *     s  wait for an item, looked at likewise
 * Of its queue:
 *     A  enter with an armed waiter that has a function        B  notify all of them
 *     1  notify one, 2: two                                    L  enter and leave
 *     M  notify all, and then enter: nobody else does, so it stands until it leaves
 *     D  write, and notify one, if somebody is seen
 *     e  enter, and sleep until it is SET                      S  make it SET
 *     g  is it SET?                                            k  lock, count, unlock
 *     K  try to
 * Of the waiter of thread 1:
 *     P  park    Q  for a while    T  with a token    u  unpark    U  after the first park
 *     y  sleep   Y  for a while
 *     o  arm it   f  the same, and await the call; F: who is called frees it
 *
 * Sleepers and waiters are freed as soon as their owners may: who comes too late uses them after
 * that. In the end the queue's word has to be 0, but for SET.
 *
 * Edges: none of its own. */

#include "model.h"

#include "../../lib/wait.h"

#include <weir/cancel.h>

#include <errno.h>

enum { ACTORS = 4 };

typedef struct wait_case {
    const char *does[ACTORS];
    const char *promised; /* those of the letters that nobody who stands still may hold up */
    bool deep;
    weir_check_finding finding;
    weir_check_options options;
} wait_case;

static const wait_case *current;
static weir_event event;
static weir_cancel_source source;
static weir_waiter *waiter;
static WEIR_ATOMIC(uint32_t) items, unparks, parks, calls, sets;
static unsigned written, counted, armed;

/* relaxed: what orders them is what is tested. */
static uint32_t add(WEIR_ATOMIC(uint32_t) * number, uint32_t n)
{
    return weir_atomic_fetch_add(number, n, WEIR_RELAXED);
}

static uint32_t look(WEIR_ATOMIC(uint32_t) * number)
{
    return weir_atomic_load(number, WEIR_RELAXED);
}

static bool anybody_does(const char *letters)
{
    for (unsigned t = 0; t < ACTORS && current->does[t] != NULL; t++)
        if (strpbrk(current->does[t], letters) != NULL)
            return true;
    return false;
}

/* Sleepers that thread 0 has prepared for others. */
static weir_sleeper *prepared[ACTORS];
static _Thread_local unsigned self;

static weir_sleeper *prepare(void)
{
    weir_sleeper *sleeper = prepared[self];

    if (sleeper == NULL) {
        sleeper = (weir_sleeper *)malloc(sizeof *sleeper);
        weir_check_assert(sleeper != NULL);
        weir_event_prepare(&event, sleeper);
    }
    prepared[self] = NULL;
    return sleeper;
}

static void prepare_for_another(void)
{
    unsigned t = 1;

    while (prepared[t] != NULL)
        t++;
    prepared[t] = prepare();
}

/* ---- an event ---- */

static bool take(uint32_t there)
{
    while (there > 0)
        if (weir_atomic_cas(&items, &there, there - 1, WEIR_RELAXED, WEIR_RELAXED))
            return true;
    return false;
}

static bool take_relaxed(void *unused)
{
    (void)unused;
    return take(look(&items));
}

static bool take_in_order(void *unused)
{
    (void)unused;
    return take(weir_atomic_load(&items, WEIR_SEQ_CST));
}

static void wait_for_item(bool (*ready)(void *))
{
    for (;;) {
        weir_sleeper *const sleeper = prepare();
        const bool taken = ready(NULL);

        if (taken)
            weir_event_withdraw(&event, sleeper);
        else
            weir_check_assert(weir_event_wait(&event, sleeper, WEIR_FOREVER, NULL) == 0);
        free(sleeper);
        if (taken)
            return;
    }
}

/* Who is notified hands it on; who is not has not taken it from anybody. */
static void wait_until(uint64_t deadline, weir_cancel *cancel)
{
    weir_sleeper *const sleeper = prepare();
    const int status = weir_event_wait(&event, sleeper, deadline, cancel);

    weir_check_assert(status == 0 || status == (cancel != NULL ? -ECANCELED : -ETIMEDOUT));
    free(sleeper);
    if (status == 0)
        weir_event_notify(&event, 1);
}

static void prepare_and_withdraw(void)
{
    weir_sleeper *const sleeper = prepare();

    weir_event_withdraw(&event, sleeper);
    free(sleeper);
}

/* A second time, if it was not that one. */
static void read_when_notified(void)
{
    weir_sleeper *const sleeper = prepare();

    if (look(&items) > 0)
        weir_event_withdraw(&event, sleeper);
    else {
        weir_check_assert(weir_event_wait(&event, sleeper, WEIR_FOREVER, NULL) == 0);
        weir_check_assert(written == 1 && look(&items) == 1);
    }
    free(sleeper);
}

static void write_and_notify(void)
{
    written = 1;
    add(&items, 1);
    weir_event_notify_all(&event);
}

/* ---- its queue ---- */

typedef struct callee {
    weir_waiter waiter;
    weir_wait_node node;
} callee;

static void called_from_queue(weir_waiter *mine)
{
    callee *const me = (callee *)(void *)mine;

    weir_check_assert(!weir__queue_leave(&event.queue, &me->node));
    weir_check_assert(!anybody_does("D") || written == 1);
    add(&calls, 1);
    free(me);
}

static void enter_armed(void)
{
    callee *const it = (callee *)malloc(sizeof *it);

    weir_check_assert(it != NULL);
    weir_waiter_init_call(&it->waiter, called_from_queue);
    weir_check_assert(weir_waiter_arm(&it->waiter));
    weir_check_assert(weir__queue_enter(&event.queue, &it->node, &it->waiter));
    armed++;
}

static void enter_and_leave(void)
{
    callee *const it = (callee *)malloc(sizeof *it);

    weir_check_assert(it != NULL);
    weir_waiter_init(&it->waiter);
    if (weir__queue_enter(&event.queue, &it->node, &it->waiter) &&
        !weir__queue_leave(&event.queue, &it->node))
        weir__queue_notify(&event.queue, 1);
    free(it);
}

/* What was notified before is nothing to who enters afterwards. */
static void notify_all_and_enter(void)
{
    callee *const it = (callee *)malloc(sizeof *it);

    weir_check_assert(it != NULL);
    weir_waiter_init(&it->waiter);
    weir__queue_notify(&event.queue, WEIR__NOTIFY_ALL);
    weir_check_assert(weir__queue_enter(&event.queue, &it->node, &it->waiter));
    weir_check_assert(weir__queue_leave(&event.queue, &it->node));
    free(it);
}

static void sleep_until_set(void)
{
    callee *const it = (callee *)malloc(sizeof *it);

    weir_check_assert(it != NULL);
    weir_waiter_init(&it->waiter);
    if (weir__queue_enter(&event.queue, &it->node, &it->waiter)) {
        weir_check_assert(weir__waiter_sleep(&it->waiter, WEIR_FOREVER));
        (void)weir__queue_leave(&event.queue, &it->node);
    }
    weir_check_assert(written == 1);
    weir_check_assert(weir__queue_is_set(&event.queue));
    free(it);
}

static void set(void)
{
    if (add(&items, 1) == 0)
        written = 1;
    if (weir__queue_set(&event.queue))
        add(&sets, 1);
}

static void count_locked(void)
{
    counted++;
    weir__queue_unlock(&event.queue);
    add(&parks, 1);
}

/* ---- a waiter ---- */

/* Whether what is written is the first unpark's, and so seen. */
static bool is_told(void)
{
    return current->does[3] == NULL || strchr(current->does[3], 'U') != NULL;
}

static void park(uint64_t deadline)
{
    const int status = weir_waiter_park(waiter, deadline, NULL);

    weir_check_assert(status == 0 || (status == -ETIMEDOUT && deadline != WEIR_FOREVER));
    if (status == 0) {
        weir_check_assert(look(&unparks) > look(&parks));
        weir_check_assert(!is_told() || written == 1);
        weir_atomic_store(&parks, look(&parks) + 1, WEIR_RELEASE);
    }
}

/* What is left to be done is the caller's. */
static void sleep_directly(uint64_t deadline)
{
    if (weir__waiter_sleep(waiter, deadline))
        weir_check_assert(written == 1);
    else
        weir_check_assert(deadline != WEIR_FOREVER);
}

/* What has not been used is there for the next. */
static void park_with_token(void)
{
    if (weir_waiter_park(waiter, WEIR_FOREVER, &source.token) == 0)
        add(&parks, 1);
    else
        weir_check_assert(written == 1);
}

static void called(weir_waiter *mine)
{
    weir_check_assert(mine == waiter && (!is_told() || written == 1));
    if (strchr(current->does[1], 'F') != NULL)
        free(mine);
    weir_atomic_store(&calls, look(&calls) + 1, WEIR_RELEASE);
}

static void arm_until_called(bool frees)
{
    if (weir_waiter_arm(waiter)) {
        armed++;
        while (weir_atomic_load(&calls, WEIR_ACQUIRE) == 0)
            continue;
    } else {
        weir_check_assert(!is_told() || written == 1);
        if (frees)
            free(waiter);
    }
}

static void unpark(void)
{
    if (add(&unparks, 1) == 0 && !anybody_does("T"))
        written = 1;
    weir_waiter_unpark(waiter);
}

/* ---- a run ---- */

static void act(char what)
{
    switch (what) {
    case 'n':
        add(&items, 1);
        weir_event_notify(&event, 1);
        break;
    case 'N':
        add(&items, 2);
        weir_event_notify_all(&event);
        break;
    case 'b':
        weir_event_notify(&event, 1);
        break;
    case 'w':
        wait_for_item(take_relaxed);
        break;
    case 's':
        wait_for_item(take_in_order);
        break;
    case 'a':
        weir_check_assert(weir_event_await(&event, take_relaxed, NULL, WEIR_FOREVER, NULL) == 0);
        break;
    case 'p':
        prepare_for_another();
        break;
    case 'x':
        prepare_and_withdraw();
        break;
    case 'z':
        wait_until(0, NULL);
        break;
    case 'v':
        wait_until(weir_clock_after(1000), NULL);
        break;
    case 't':
        wait_until(WEIR_FOREVER, &source.token);
        break;
    case 'c':
        written++;
        weir_check_assert(weir_cancel_source_cancel(&source, 0));
        break;
    case 'l':
        weir_check_assert(weir_event_sleepers_approx(&event) < ACTORS);
        break;
    case 'd':
        write_and_notify();
        break;
    case 'r':
        read_when_notified();
        break;
    case 'i':
        weir_atomic_fetch_add(&items, 1, WEIR_SEQ_CST);
        weir__queue_notify_seen(&event.queue, 1);
        break;
    case 'A':
        enter_armed();
        break;
    case '1':
    case '2':
        weir__queue_notify(&event.queue, (uint32_t)(what - '0'));
        break;
    case 'B':
        weir__queue_notify(&event.queue, WEIR__NOTIFY_ALL);
        break;
    case 'D':
        written = 1;
        weir__queue_notify_seen(&event.queue, 1);
        break;
    case 'g':
        if (weir__queue_is_set(&event.queue))
            weir_check_assert(written == 1);
        break;
    case 'L':
        enter_and_leave();
        break;
    case 'M':
        notify_all_and_enter();
        break;
    case 'e':
        sleep_until_set();
        break;
    case 'S':
        set();
        break;
    case 'k':
        weir__queue_lock(&event.queue);
        count_locked();
        break;
    case 'K':
        if (weir__queue_try_lock(&event.queue))
            count_locked();
        break;
    case 'P':
        park(WEIR_FOREVER);
        break;
    case 'T':
        park_with_token();
        break;
    case 'Q':
        park(weir_clock_after(1000));
        break;
    case 'y':
        sleep_directly(WEIR_FOREVER);
        break;
    case 'Y':
        sleep_directly(weir_clock_after(1000));
        break;
    case 'U':
        while (weir_atomic_load(&parks, WEIR_ACQUIRE) == 0)
            continue;
        unpark();
        break;
    case 'u':
        unpark();
        break;
    case 'o':
        armed = weir_waiter_arm(waiter);
        break;
    case 'f':
    case 'F':
        arm_until_called(what == 'F');
        break;
    default:
        weir_check_fail("a letter", __FILE__, __LINE__);
    }
}

static void play(void *number)
{
    self = (unsigned)(uintptr_t)number;
    for (const char *at = current->does[self]; *at != 0; at++)
        if (current->promised != NULL && strchr(current->promised, *at) != NULL) {
            const unsigned call = weir_check_call(*at, 0);

            act(*at);
            weir_check_return(call, 0);
        } else
            act(*at);
}

static void wait_test(void *argument)
{
    uint32_t word;

    current = (const wait_case *)argument;
    weir_event_init(&event);
    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
    if (anybody_does("PQTyYofF")) {
        waiter = (weir_waiter *)malloc(sizeof *waiter);
        weir_check_assert(waiter != NULL);
        weir_waiter_init_call(waiter, anybody_does("ofF") ? called : NULL);
    }
    /* From here on nobody stands still but within an operation. */
    if (current->promised != NULL)
        weir_check_return(weir_check_call(0, 0), 0);
    play((void *)0);
    for (uintptr_t t = 1; t < ACTORS && current->does[t] != NULL; t++)
        weir_check_thread(play, (void *)t);
    weir_check_join_all();
    word = look(&event.queue.word);
    weir_check_assert(word == (anybody_does("S") ? (uint32_t)WEIR__SET : 0));
    weir_check_assert(!anybody_does("was") || anybody_does("A") || look(&items) == 0);
    weir_check_assert(look(&calls) == armed);
    weir_check_assert(!anybody_does("k") || counted == look(&parks));
    weir_check_assert(look(&sets) == (anybody_does("S") ? 1U : 0U));
    if (anybody_does("T"))
        weir_check_assert(weir_waiter_park(waiter, 0, NULL) ==
                          (look(&unparks) > look(&parks) ? 0 : -ETIMEDOUT));
    weir_check_assert(weir_cancel_source_destroy(&source) == 0);
    if (!anybody_does("F"))
        free(waiter);
}

/* ---- the table ---- */

#define LOCK_FREE(letters) .promised = letters, .options.progress = WEIR_CHECK_LOCK_FREE
#define AT_RANDOM .options = {.mode = WEIR_CHECK_PCT, .seed = 1, .runs = 2000, .depth = 4}
#define SPURIOUS .options.spurious = 1

static const wait_case cases[] = {
    /* Nobody sleeps over an item (U6, R18). */
    {.does = {"", "w", "n"}},
    {.does = {"", "w", "n"}, SPURIOUS},
    {.does = {"", "a", "n"}},
    {.does = {"", "s", "i"}},
    {.does = {"A", "w", "nn"}},
    {.does = {"pA", "w", "nn"}, .deep = true},
    {.does = {"", "ww", "nn"}, .deep = true},
    {.does = {"pp", "w", "w", "N"}, AT_RANDOM},
    {.does = {"pp", "w", "w", "nn"}, AT_RANDOM},
    {.does = {"", "w", "w", "N"}, AT_RANDOM},
    {.does = {"p", "w", "n", "b"}, AT_RANDOM},
    {.does = {"", "ww", "n", "n"}, AT_RANDOM},
    {.does = {"pp", "s", "s", "ii"}, AT_RANDOM},
    /* Nor does one who has left take what was for another. */
    {.does = {"pA", "x", "1"}},
    {.does = {"pA", "z", "1"}},
    {.does = {"pA", "v", "1"}},
    {.does = {"p", "t", "c"}},
    {.does = {"", "t", "c"}},
    {.does = {"pA", "t", "1", "c"}, AT_RANDOM},
    {.does = {"ppA", "x", "x", "1"}, AT_RANDOM},
    {.does = {"ppA", "x", "z", "1"}, AT_RANDOM},
    {.does = {"pAA", "x", "1", "1"}, AT_RANDOM},
    {.does = {"pAA", "x", "1", "1"}, .deep = true},
    {.does = {"pp", "w", "x", "n"}, AT_RANDOM},
    {.does = {"pp", "x", "w", "n"}, AT_RANDOM},
    {.does = {"pp", "v", "w", "n"}, AT_RANDOM},
    {.does = {"", "w", "x", "n"}, AT_RANDOM},
    /* What the notifier did is seen. */
    {.does = {"", "r", "d"}},
    {.does = {"pp", "r", "r", "d"}, AT_RANDOM},
    {.does = {"p", "w", "l", "n"}, AT_RANDOM},
    /* Who is called is called once, more of them than a batch too. */
    {.does = {"A", "B", "B"}},
    {.does = {"AAA", "B"}},
    {.does = {"AAA", "2", "1"}},
    {.does = {"AAA", "B", "L"}, .deep = true},
    {.does = {"AAAAA", "B", "1"}},
    {.does = {"A", "D", "L"}},
    {.does = {"AAA", "B", "1"}},
    {.does = {"AA", "1", "1"}},
    {.does = {"AA", "1", "1", "L"}, AT_RANDOM},
    {.does = {"AAAA", "M", "k"}, AT_RANDOM},
    /* SET is for good. */
    {.does = {"", "e", "S"}},
    {.does = {"", "e", "e", "S"}, AT_RANDOM},
    {.does = {"A", "e", "S"}},
    {.does = {"A", "S", "B"}},
    {.does = {"", "S", "S"}},
    {.does = {"", "g", "S"}},
    /* The lock. */
    {.does = {"", "k", "k"}},
    {.does = {"", "k", "k", "k"}, .deep = true},
    {.does = {"", "k", "k", "k"}, AT_RANDOM},
    {.does = {"", "k", "K", "K"}},
    /* A waiter. */
    {.does = {"", "P", "u"}},
    {.does = {"", "P", "u"}, SPURIOUS},
    {.does = {"", "PP", "u", "U"}},
    {.does = {"", "P", "u", "u"}},
    {.does = {"", "Q", "u"}},
    {.does = {"", "QP", "u", "U"}},
    {.does = {"", "y", "u"}},
    {.does = {"", "Y", "u"}},
    {.does = {"", "T", "c"}},
    {.does = {"u", "T", "c"}},
    {.does = {"", "T", "u", "c"}, AT_RANDOM},
    {.does = {"", "f", "u"}},
    {.does = {"", "f", "u", "u"}},
    {.does = {"", "F", "u"}},
    /* Nobody who stands still holds up a notifier. */
    {.does = {"A", "B", "B"}, LOCK_FREE("B")},
    {.does = {"AA", "1", "1"}, LOCK_FREE("1")},
    {.does = {"AAA", "B", "1"}, LOCK_FREE("B1")},
    {.does = {"", "L", "1"}, LOCK_FREE("L")},
    {.does = {"", "x", "b"}, LOCK_FREE("x")},
    {.does = {"", "v", "b"}, LOCK_FREE("v")},
    {.does = {"", "o", "u", "u"}, LOCK_FREE("u")},
};

static void name_of(const wait_case *c, char *name, size_t size)
{
    size_t used = 0;

    for (unsigned t = 0; t < ACTORS && c->does[t] != NULL; t++)
        used += (size_t)snprintf(name + used, size - used, "%s%s", t > 0 ? "/" : "", c->does[t]);
    snprintf(name + used, size - used, "%s%s%s%s",
             c->options.mode == WEIR_CHECK_PCT ? ", at random" : "",
             c->options.spurious > 0 ? ", spurious" : "",
             c->promised != NULL ? ", lock-free: " : "", c->promised != NULL ? c->promised : "");
}

int main(int argc, char **argv)
{
    enum { COUNT = sizeof cases / sizeof cases[0] };
    static scenario scenarios[COUNT];
    static char names[COUNT][64];

    for (size_t i = 0; i < COUNT; i++) {
        name_of(&cases[i], names[i], sizeof names[i]);
        scenarios[i].name = names[i];
        scenarios[i].test = wait_test;
        scenarios[i].argument = (uintptr_t)&cases[i];
        scenarios[i].deep = cases[i].deep;
        scenarios[i].finding = cases[i].finding;
        scenarios[i].options = cases[i].options;
    }
    return model_main("wait", scenarios, COUNT, argc, argv);
}
