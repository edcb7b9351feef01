/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/sem.c: weir/sem.h in the model checker. A scenario is a string for each thread, a
 * letter an operation; thread 0 does its first.
 *
 * Of a semaphore with n permits; of n = 0, who has acquired sees as many gifts as it has permits:
 *     r R  put a gift, release one; two        g  give back one that was acquired
 *     a A  acquire one; two                    t T  try to
 *     v V  acquire one, two, for a while       p P  until now
 *     c    acquire one with the token          C  cancel that
 *     m    acquire one, count, release it      l  how many wait
 *     y    if somebody is in the list, release one, and try in vain to take it
 *     Y    the same, but release one more: that it were not there would be false
 * Of a latch or a wait group of n things; who has waited sees n gifts:
 *     d    put a gift, count one down          e  two
 *     w    wait      q  wait for a while       z  try, again and again
 *     +    add one   -  the same, and done     k  wait with the token
 *     i    when they all wait: one done, and another added at once
 * Of a barrier of n; who has waited sees the gifts of all for the round:
 *     b    put a gift, wait                    u  for a while
 *     j    with the token                      x  break it
 *     o    make it whole
 * Of each: f  free it, which others may not have left; F  if it was the last of a barrier.
 *
 * Edges: none of its own. */

#include "model.h"

#include <weir/cancel.h>
#include <weir/sem.h>

#include "../../lib/wait.h"

#include <errno.h>

enum { ACTORS = 4 };

typedef enum what { SEM, LATCH, GROUP, BARRIER } what;

typedef struct sem_case {
    what what;
    uint32_t n;
    const char *does[ACTORS];
    const char *promised; /* those of the letters that nobody who stands still may hold up */
    bool deep;
    weir_check_options options;
} sem_case;

static const sem_case *current;
static union object {
    weir_sem sem;
    weir_latch latch;
    weir_wait_group group;
    weir_barrier barrier;
} * object;
static weir__wait_queue *queue; /* its first member */
static weir_cancel_source source;
static WEIR_ATOMIC(uint32_t) gifts, released, acquired, failures, lasts;
static unsigned counted;
static bool freed;

/* relaxed: what orders them is what is tested. */
static void add(WEIR_ATOMIC(uint32_t) * number, uint32_t n)
{
    weir_atomic_fetch_add(number, n, WEIR_RELAXED);
}

static uint32_t look(WEIR_ATOMIC(uint32_t) * number)
{
    return weir_atomic_load(number, WEIR_RELAXED);
}

static void sees(uint32_t wanted)
{
    weir_check_assert(look(&gifts) >= wanted);
}

/* ---- semaphore ---- */

static void release(uint32_t n)
{
    add(&gifts, n);
    add(&released, n);
    weir_sem_release(&object->sem, n);
}

/* Judges what an acquire said. Returns: whether it has them. */
static bool got(int status, uint32_t n, uint32_t *held)
{
    if (status != 0)
        return false;
    *held += n;
    add(&acquired, n);
    if (current->n == 0)
        sees(*held);
    return true;
}

static void acquire(uint32_t n, uint64_t deadline, weir_cancel *cancel, uint32_t *held)
{
    const int status = weir_sem_acquire(&object->sem, n, deadline, cancel);

    weir_check_assert(status == 0 || (status == -ETIMEDOUT && deadline != WEIR_FOREVER) ||
                      (status == -ECANCELED && cancel != NULL));
    (void)got(status, n, held);
}

static void try_acquire(uint32_t n, uint32_t *held)
{
    const int status = weir_sem_try_acquire(&object->sem, n);

    weir_check_assert(status == 0 || status == -EAGAIN || status == -EBUSY);
    (void)got(status, n, held);
}

static void pass_nobody(void)
{
    weir_check_assume((look(&queue->word) & WEIR__SEM_WAITERS) != 0);
    release(1);
    weir_check_assert(weir_sem_try_acquire(&object->sem, 1) != 0);
}

static void take_what_is_over(uint32_t *held)
{
    int status;

    weir_check_assume((look(&queue->word) & WEIR__SEM_WAITERS) != 0);
    release(2);
    status = weir_sem_try_acquire(&object->sem, 1);
    weir_check_assert(status != -EAGAIN);
    (void)got(status, 1, held);
}

static void act_sem(char letter, uint32_t *held)
{
    switch (letter) {
    case 'r':
    case 'R':
        release(letter == 'r' ? 1 : 2);
        break;
    case 'g':
        if (*held > 0) {
            *held -= 1;
            add(&released, 1);
            weir_sem_release(&object->sem, 1);
        }
        break;
    case 'a':
    case 'A':
        acquire(letter == 'a' ? 1 : 2, WEIR_FOREVER, NULL, held);
        break;
    case 't':
    case 'T':
        try_acquire(letter == 't' ? 1 : 2, held);
        break;
    case 'v':
    case 'V':
        acquire(letter == 'v' ? 1 : 2, weir_clock_after(1000), NULL, held);
        break;
    case 'p':
    case 'P':
        acquire(letter == 'p' ? 1 : 2, 0, NULL, held);
        break;
    case 'c':
        acquire(1, WEIR_FOREVER, weir_cancel_source_token(&source), held);
        break;
    case 'm':
        acquire(1, WEIR_FOREVER, NULL, held);
        counted++;
        *held -= 1;
        add(&released, 1);
        weir_sem_release(&object->sem, 1);
        break;
    case 'l':
        weir_check_assert(weir_sem_waiters_approx(&object->sem) < ACTORS);
        break;
    case 'y':
        pass_nobody();
        break;
    case 'Y':
        take_what_is_over(held);
        break;
    default:
        weir_check_assert(letter == 0);
    }
}

/* ---- latch and wait group ---- */

static void lower(uint32_t n)
{
    add(&gifts, n);
    if (current->what == LATCH)
        weir_latch_count_down(&object->latch, n);
    else
        while (n-- > 0)
            weir_wait_group_done(&object->group);
}

static bool is_open(void)
{
    return current->what == LATCH ? weir_latch_try_wait(&object->latch)
                                  : weir_wait_group_try_wait(&object->group);
}

static void await_zero(uint64_t deadline, weir_cancel *cancel)
{
    const int status = current->what == LATCH
                           ? weir_latch_wait(&object->latch, deadline, cancel)
                           : weir_wait_group_wait(&object->group, deadline, cancel);

    weir_check_assert(status == 0 || (status == -ETIMEDOUT && deadline != WEIR_FOREVER) ||
                      (status == -ECANCELED && cancel != NULL));
    if (status == 0)
        sees(current->n);
}

static uint32_t letters(const char *these);

/* Who is in the list sees a 0 that lasts for no time. */
static void blink(void)
{
    weir_check_assume(weir_wait_group_waiters_approx(&object->group) == letters("wqk"));
    lower(1);
    weir_wait_group_add(&object->group, 1);
}

static void act_zero(char letter)
{
    switch (letter) {
    case 'd':
    case 'e':
        lower(letter == 'd' ? 1 : 2);
        break;
    case 'w':
        await_zero(WEIR_FOREVER, NULL);
        break;
    case 'q':
        await_zero(weir_clock_after(1000), NULL);
        break;
    case 'k':
        await_zero(WEIR_FOREVER, weir_cancel_source_token(&source));
        break;
    case 'z':
        while (!is_open())
            continue;
        sees(current->n);
        break;
    case '+':
    case '-':
        weir_wait_group_add(&object->group, 1);
        if (letter == '-')
            lower(1);
        break;
    case 'i':
        blink();
        break;
    default:
        weir_check_assert(letter == 0);
    }
}

/* ---- barrier ---- */

static void meet(uint64_t deadline, weir_cancel *cancel, uint32_t *round, int *last)
{
    int status;

    add(&gifts, 1);
    status = weir_barrier_wait(&object->barrier, deadline, cancel);
    weir_check_assert(status == 0 || status == 1 || status == -EPIPE ||
                      (status == -ETIMEDOUT && deadline != WEIR_FOREVER) ||
                      (status == -ECANCELED && cancel != NULL));
    if (status < 0)
        add(&failures, 1);
    else
        sees(++*round * current->n);
    if (status == 1)
        add(&lasts, 1);
    *last = status;
}

static void act_barrier(char letter, uint32_t *round, int *last)
{
    switch (letter) {
    case 'b':
        meet(WEIR_FOREVER, NULL, round, last);
        break;
    case 'u':
        meet(weir_clock_after(1000), NULL, round, last);
        break;
    case 'j':
        meet(WEIR_FOREVER, weir_cancel_source_token(&source), round, last);
        break;
    case 'x':
        weir_barrier_break(&object->barrier);
        break;
    case 'o':
        weir_barrier_reset(&object->barrier);
        break;
    default:
        weir_check_assert(letter == 0);
    }
}

/* ---- a run ---- */

static void make(void)
{
    object = (union object *)malloc(sizeof *object);
    weir_check_assert(object != NULL);
    queue = &object->sem.queue;
    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
    switch (current->what) {
    case SEM:
        weir_sem_init(&object->sem, current->n);
        break;
    case LATCH:
        weir_latch_init(&object->latch, current->n);
        break;
    case GROUP:
        weir_wait_group_init(&object->group);
        weir_wait_group_add(&object->group, current->n);
        break;
    default:
        weir_barrier_init(&object->barrier, current->n);
    }
}

static void end(void)
{
    switch (current->what) {
    case SEM:
        weir_check_assert(weir_sem_destroy(&object->sem) == 0);
        break;
    case LATCH:
        weir_check_assert(weir_latch_destroy(&object->latch) == 0);
        break;
    case GROUP:
        weir_check_assert(weir_wait_group_destroy(&object->group) == 0);
        break;
    default:
        weir_check_assert(weir_barrier_destroy(&object->barrier) == 0);
    }
    free(object);
}

static void play(void *number)
{
    uint32_t held = 0; /* permits, or rounds */
    int last = 0;

    for (const char *at = current->does[(uintptr_t)number]; *at != 0; at++) {
        const bool promised = current->promised != NULL && strchr(current->promised, *at) != NULL;
        const unsigned call = promised ? weir_check_call(*at, 0) : 0;

        if (*at == 'C')
            (void)weir_cancel_source_cancel(&source, 0);
        else if (*at == 'f' || (*at == 'F' && last == 1)) {
            freed = true;
            end();
        } else if (*at != 'F') {
            if (current->what == SEM)
                act_sem(*at, &held);
            else if (current->what == BARRIER)
                act_barrier(*at, &held, &last);
            else
                act_zero(*at);
        }
        if (promised)
            weir_check_return(call, 0);
    }
}

static uint32_t letters(const char *these)
{
    uint32_t n = 0;

    for (unsigned t = 0; t < ACTORS && current->does[t] != NULL; t++)
        for (const char *at = current->does[t]; *at != 0; at++)
            n += strchr(these, *at) != NULL;
    return n;
}

static void sem_test(void *argument)
{
    const uint32_t none = 0;

    current = (const sem_case *)argument;
    make();
    /* From here on nobody stands still but within an operation. */
    if (current->promised != NULL)
        weir_check_return(weir_check_call(0, 0), 0);
    play((void *)0);
    for (uintptr_t t = 1; t < ACTORS && current->does[t] != NULL; t++)
        weir_check_thread(play, (void *)t);
    weir_check_join_all();
    weir_check_assert(counted == letters("m"));
    if (current->what == BARRIER) {
        const uint32_t waits = letters("buj");

        /* Each round that came about has one that was the last; the others have failed. */
        weir_check_assert(look(&lasts) * current->n + look(&failures) == waits);
        weir_check_assert(letters("ujxo") != 0 || look(&failures) == 0);
    }
    if (freed)
        return;
    if (current->what == SEM)
        weir_check_assert(look(&queue->word) ==
                          (current->n + look(&released) - look(&acquired)) * WEIR__SEM_ONE);
    else if (current->what != BARRIER)
        weir_check_assert(look(&queue->word) ==
                          (current->n + letters("+-i") - look(&gifts)) * WEIR__SEM_ONE);
    else
        weir_check_assert(look(&queue->word) == none);
    end();
}

/* ---- the table ---- */

#define SEM_OF(permits) .what = SEM, .n = permits
#define LATCH_OF(count) .what = LATCH, .n = count
#define GROUP_OF(count) .what = GROUP, .n = count
#define BARRIER_OF(parties) .what = BARRIER, .n = parties
#define LOCK_FREE(those) .promised = those, .options.progress = WEIR_CHECK_LOCK_FREE
#define SPURIOUS .options.spurious = 1
#define DEEP .deep = true
/* Too many graphs for all of them. */
#define SAMPLED DEEP, .options.mode = WEIR_CHECK_RANDOM, .options.runs = 20000

static const sem_case cases[] = {
    /* Permits carry, and none is lost. */
    {SEM_OF(0), .does = {"", "a", "r"}},
    {SEM_OF(0), .does = {"", "a", "r"}, SPURIOUS},
    {SEM_OF(0), .does = {"", "t", "r"}},
    {SEM_OF(0), .does = {"", "a", "a", "R"}, SAMPLED},
    {SEM_OF(0), .does = {"", "a", "A", "Rr"}, SAMPLED},
    {SEM_OF(0), .does = {"", "t", "r", "r"}},
    {SEM_OF(0), .does = {"", "aa", "rr"}, DEEP},
    {SEM_OF(1), .does = {"", "m", "m"}},
    {SEM_OF(1), .does = {"", "m", "m", "m"}, SAMPLED},
    {SEM_OF(1), .does = {"", "tg", "tg", "tg"}},
    {SEM_OF(2), .does = {"", "Agg", "ag"}},
    /* Who releases has left before who acquires returns. */
    {SEM_OF(0), .does = {"", "af", "r"}},
    {SEM_OF(0), .does = {"", "Af", "r", "r"}},
    {SEM_OF(0), .does = {"", "aaf", "rr"}, DEEP},
    {SEM_OF(0), .does = {"", "aaf", "r", "r"}, SAMPLED},
    /* Nobody comes past those in the list. */
    {SEM_OF(0), .does = {"", "a", "y"}},
    {SEM_OF(0), .does = {"", "A", "yr"}},
    {SEM_OF(0), .does = {"", "a", "Y"}},
    {SEM_OF(1), .does = {"", "A", "tgr"}},
    /* Who leaves takes nothing along, and nobody behind is left. */
    {SEM_OF(0), .does = {"", "v", "r"}},
    {SEM_OF(0), .does = {"", "p", "r"}},
    {SEM_OF(0), .does = {"", "vg", "a", "r"}, SAMPLED},
    {SEM_OF(0), .does = {"", "vr", "a"}, DEEP},
    {SEM_OF(1), .does = {"", "V", "ag"}},
    {SEM_OF(1), .does = {"", "V", "a", "l"}, SAMPLED},
    {SEM_OF(1), .does = {"", "P", "a"}},
    {SEM_OF(0), .does = {"", "c", "C"}},
    {SEM_OF(0), .does = {"", "c", "C", "r"}, SAMPLED},
    {SEM_OF(0), .does = {"C", "c", "r"}},
    /* Latches. */
    {LATCH_OF(1), .does = {"", "w", "d"}},
    {LATCH_OF(1), .does = {"", "w", "d"}, SPURIOUS},
    {LATCH_OF(2), .does = {"", "w", "d", "d"}},
    {LATCH_OF(2), .does = {"", "z", "d", "d"}},
    {LATCH_OF(1), .does = {"", "w", "w", "d"}, SAMPLED},
    {LATCH_OF(2), .does = {"", "w", "e"}},
    {LATCH_OF(1), .does = {"", "q", "d"}},
    {LATCH_OF(1), .does = {"", "q", "w", "d"}, SAMPLED},
    {LATCH_OF(1), .does = {"", "k", "C"}},
    {LATCH_OF(1), .does = {"", "k", "C", "d"}, SAMPLED},
    {LATCH_OF(1), .does = {"", "wf", "d"}},
    {LATCH_OF(1), .does = {"", "zf", "d"}},
    {LATCH_OF(2), .does = {"", "wf", "d", "d"}},
    {LATCH_OF(2), .does = {"", "wf", "dd"}},
    {LATCH_OF(1), .does = {"d", "w"}},
    /* Wait groups; who waits misses no 0. */
    {GROUP_OF(1), .does = {"", "w", "d"}},
    {GROUP_OF(1), .does = {"", "w", "-d"}},
    {GROUP_OF(1), .does = {"", "w", "d-"}},
    {GROUP_OF(1), .does = {"", "w", "+dd"}},
    {GROUP_OF(2), .does = {"", "w", "-d", "d"}, SAMPLED},
    {GROUP_OF(1), .does = {"", "wf", "-d"}},
    {GROUP_OF(1), .does = {"", "w", "i"}},
    {GROUP_OF(1), .does = {"", "w", "q", "i"}, SAMPLED},
    {GROUP_OF(1), .does = {"", "q", "i"}, SAMPLED},
    /* Barriers: round after round, the last one frees. */
    {BARRIER_OF(1), .does = {"bb"}},
    {BARRIER_OF(2), .does = {"", "b", "b"}},
    {BARRIER_OF(2), .does = {"", "b", "b"}, SPURIOUS, DEEP},
    {BARRIER_OF(2), .does = {"", "bF", "bF"}},
    {BARRIER_OF(2), .does = {"", "bb", "bb"}, SAMPLED},
    {BARRIER_OF(3), .does = {"", "bF", "bF", "bF"}, SAMPLED},
    /* One that fails breaks it for all. */
    {BARRIER_OF(2), .does = {"", "u", "b"}, DEEP},
    {BARRIER_OF(2), .does = {"", "uF", "bF"}},
    {BARRIER_OF(2), .does = {"", "u", "u"}, DEEP},
    {BARRIER_OF(3), .does = {"", "u", "b", "b"}, SAMPLED},
    {BARRIER_OF(3), .does = {"", "b", "u"}, DEEP},
    {BARRIER_OF(2), .does = {"", "j", "C"}},
    {BARRIER_OF(2), .does = {"", "j", "C", "b"}, SAMPLED},
    {BARRIER_OF(2), .does = {"C", "j", "b"}},
    {BARRIER_OF(2), .does = {"", "b", "x"}},
    {BARRIER_OF(3), .does = {"", "b", "b", "x"}, SAMPLED},
    {BARRIER_OF(2), .does = {"uo", "b", "b"}},
    {BARRIER_OF(2), .does = {"", "u", "o"}},
    /* Who waits, and stands still wherever that is, holds up nobody who does not wait. */
    {SEM_OF(1), .does = {"", "tg", "r"}, LOCK_FREE("tgr")},
    {SEM_OF(0), .does = {"", "p", "rt"}, LOCK_FREE("p")},
    {SEM_OF(0), .does = {"", "v", "r"}, LOCK_FREE("v"), DEEP},
    {LATCH_OF(1), .does = {"", "q", "d"}, LOCK_FREE("q"), DEEP},
};

static void name_of(const sem_case *c, char *name, size_t size)
{
    static const char *const names[] = {"semaphore", "latch", "group", "barrier"};
    size_t used = (size_t)snprintf(name, size, "%s of %u: ", names[c->what], c->n);

    for (unsigned t = 0; t < ACTORS && c->does[t] != NULL; t++)
        used += (size_t)snprintf(name + used, size - used, "%s%s", t > 0 ? "/" : "", c->does[t]);
    snprintf(name + used, size - used, "%s%s%s", c->options.spurious > 0 ? ", spurious" : "",
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
        scenarios[i].test = sem_test;
        scenarios[i].argument = (uintptr_t)&cases[i];
        scenarios[i].deep = cases[i].deep;
        scenarios[i].options = cases[i].options;
    }
    return model_main("sem", scenarios, COUNT, argc, argv);
}
