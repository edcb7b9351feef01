/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/umpmc.h under the step harness: lock-free but for the allocator, with exact answers, at
 * every instruction, the ones that append a segment, leave one and retire it included.
 *
 * Memory is the sweep's own, so that no lock of the C library's is in the way: a segment is a
 * page, which cannot be read or written while it is free, and is given out again as late as
 * may be. Domains free what they can at each retire. So a segment that is freed while the
 * victim, or an adversary, may still look at it is a crash, which the harness tells and the
 * sweeps end with; and one that is not freed at the end of a run is found. */

#include "step-queue.h"

#include <weir/umpmc.h>

#include <sys/mman.h>

/* ---- memory ---- */

enum { PAGES = 1024, PAGE = 4096 };

static unsigned char *pages;
static WEIR_ATOMIC(bool) page_used[PAGES];
static WEIR_ATOMIC(uint32_t) page_next;
static WEIR_ATOMIC(uint32_t) pages_taken;

static void *page_take(size_t bytes, size_t alignment, void *context)
{
    (void)context;
    if (bytes > PAGE || alignment > PAGE)
        return NULL;
    for (unsigned tries = 0; tries < PAGES; tries++) {
        /* relaxed: where to look next, so that a page rests as long as can be. */
        const uint32_t i = weir_atomic_fetch_add(&page_next, 1, WEIR_RELAXED) % PAGES;
        void *const p = pages + (size_t)i * PAGE;

        /* sync(page): acquire. Pairs with page_release(); the page is nobody's. */
        if (weir_atomic_exchange(&page_used[i], true, WEIR_ACQUIRE))
            continue;
        if (mprotect(p, PAGE, PROT_READ | PROT_WRITE) != 0)
            abort();
        weir_atomic_fetch_add(&pages_taken, 1, WEIR_RELAXED); /* relaxed: a number. */
        return p;
    }
    return NULL;
}

static void page_release(void *p, size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    if (mprotect(p, PAGE, PROT_NONE) != 0)
        abort();
    weir_atomic_fetch_sub(&pages_taken, 1, WEIR_RELAXED); /* relaxed: a number. */
    /* sync(page): release. Pairs with page_take(). */
    weir_atomic_store(&page_used[(size_t)((unsigned char *)p - pages) / PAGE], false, WEIR_RELEASE);
}

/* Alone: what is taken now stays; so each run finds its pages in the same way. Returns: how
 * many. */
static uint32_t pages_begin(void)
{
    uint32_t next = 0;

    /* relaxed: alone, here and below. */
    for (uint32_t i = 0; i < PAGES; i++)
        if (weir_atomic_load(&page_used[i], WEIR_RELAXED))
            next = i + 1;
    weir_atomic_store(&page_next, next, WEIR_RELAXED);
    return weir_atomic_load(&pages_taken, WEIR_RELAXED);
}

static void pages_make(void)
{
    static const weir_allocator mine = {page_take, page_release, NULL};
    void *const all =
        mmap(NULL, (size_t)PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (all == MAP_FAILED)
        abort();
    pages = (unsigned char *)all;
    weir_set_allocator(&mine);
}

/* ---- the queue, with a domain of each kind ---- */

enum { KINDS = 4 };

static weir_guard *domains[KINDS];
static unsigned kind_now; /* of the face that is swept */
static weir_umpmc queue;
static uint32_t pages_before;

/* Where the fillings leave `tail` one segment behind, as a producer does that stands
 * between its two compare-and-swaps: crossbeam's queue retired a segment that `tail` still
 * pointed to. */
static bool lagging;
static _Thread_local bool alone; /* the thread that fills */

/* A victim that has been inside a section since before the segments of now were born: what it
 * meets is younger than all that it could have held. */
static bool since_before;
static weir_guard_record *victims[KINDS];
static weir_section section;
static bool inside;

static weir_guard_record *me(void)
{
    static _Thread_local weir_guard_record *records[KINDS];

    if (records[kind_now] == NULL) {
        records[kind_now] = weir_guard_self(domains[kind_now]);
        pages_before = 0; /* a record is a page too, and stays */
    }
    return records[kind_now];
}

static size_t put(uintptr_t *values, size_t n)
{
    /* relaxed: alone, here and below. */
    weir__umpmc_segment *const tail = weir_atomic_load(&queue.tail, WEIR_RELAXED);
    size_t i = 0;

    while (i < n && weir_umpmc_enqueue(&queue, me(), values[i]) == 0)
        i++;
    if (alone && lagging && weir_atomic_load(&tail->next, WEIR_RELAXED) != NULL)
        weir_atomic_store(&queue.tail, tail, WEIR_RELAXED);
    return i;
}

static size_t take_burst(uintptr_t *values, size_t n)
{
    return weir_umpmc_dequeue_burst(&queue, me(), values, n);
}

static size_t take(uintptr_t *values, size_t n)
{
    (void)n;
    return weir_umpmc_try_dequeue(&queue, me(), values);
}

static void leave(void)
{
    victims[kind_now] = me();
    if (inside)
        weir_guard_exit(me(), section);
    inside = false;
}

/* The adversaries' way: what can be freed is freed at once. */
static void collect(void)
{
    weir_guard_collect(me());
}

/* With segments of `slots`; if not `fresh` the first is used up: then the victim's enqueue
 * appends, or its dequeue leaves a segment and retires it. */
static bool make(weir_guard_scheme scheme, bool fenced, size_t slots, bool fresh)
{
    weir_reclaim_options at_once;

    memset(&at_once, 0, sizeof at_once);
    at_once.batch_objects = 1;
    at_once.fenced = fenced;
    lagging = !fresh;
    kind_now = fenced ? KINDS - 1 : (unsigned)scheme;
    if (domains[kind_now] == NULL && weir_guard_new(&domains[kind_now], scheme, &at_once) != 0)
        return false;
    (void)me();
    pages_before = pages_begin();
    if (weir_umpmc_init(&queue, domains[kind_now], slots) != 0)
        return false;
    inside = since_before && victims[kind_now] != NULL;
    if (inside)
        section = weir_guard_enter(victims[kind_now]);
    for (size_t i = 0; i < (inside ? 2 * slots + 1 : fresh ? 0 : slots); i++) {
        uintptr_t value = i;

        if (put(&value, 1) != 1 || take_burst(&value, 1) != 1 || value != i)
            return false;
        collect();
    }
    return true;
}

/* There is no counter that could wrap: the start says instead whether the first segment is
 * fresh. */
#define MAKE(name, scheme, fenced)                                                       \
    static bool make_##name(void *buffer, size_t bytes, size_t capacity, uint64_t start) \
    {                                                                                    \
        (void)buffer;                                                                    \
        (void)bytes;                                                                     \
        return make(scheme, fenced, capacity, start == 0);                               \
    }

MAKE(epochs, WEIR_GUARD_EPOCH, false)
MAKE(intervals, WEIR_GUARD_INTERVAL, false)
MAKE(hazards, WEIR_GUARD_HAZARD, false)
MAKE(fenced, WEIR_GUARD_HAZARD, true)

/* Alone: every segment that was left is free again. */
static int destroy(void)
{
    const int status = weir_umpmc_destroy(&queue);

    if (status != 0)
        return status;
    if (weir_guard_barrier(domains[kind_now], WEIR_FOREVER) != 0)
        weir_step_false("the barrier does not end");
    /* relaxed: alone. */
    if (pages_before != 0 && weir_atomic_load(&pages_taken, WEIR_RELAXED) != pages_before)
        weir_step_false("a segment is not freed");
    return 0;
}

#define FACE(name, text, after)                                                            \
    {                                                                                      \
        .variant = text, .capacities = {1, 2, 0}, .make = make_##name, .destroy = destroy, \
        .put = put, .take = take_burst, .exact = true, .after_victim = after,              \
        .after_another = collect, .last_if_cut = true,                                     \
    }

/* Each scheme in the scripts; each operation against each with one of them, since what the
 * schemes do is the same whoever the other is. */
static const face intervals = FACE(intervals, "intervals", NULL);
static const face others[] = {
    FACE(epochs, "epochs", NULL),
    FACE(hazards, "hazards", NULL),
    FACE(fenced, "hazards, fenced", NULL),
};
static const face aged = FACE(intervals, "intervals, inside", leave);

static const operation operations[] = {
    {"umpmc_enqueue", put, PRODUCER, PUT, 1, EACH, 0, NULL},
    {"umpmc_try_dequeue", take, CONSUMER, TAKE, 1, EACH, 0, NULL},
    {"umpmc_dequeue_burst", take_burst, CONSUMER, TAKE, 3, EACH, 0, NULL},
};

/* R32: xenium bbf968a: a producer that lost the race to append deleted the segment that it had
 * filled, with the value that it was to enqueue again. */
static const script appending[] = {
    {"R2: dequeue, enqueue it again", {"r", NULL}, {NULL, NULL}},
    {"R32: two append too", {"ee", "ee"}, {NULL, NULL}},
    {"all behind it, and away", {"eeeedddddddd", NULL}, {NULL, NULL}},
    {"a producer, and three away", {"ee", "ddd"}, {NULL, NULL}},
};

int main(void)
{
    static trial t;
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    alone = true;
    pages_make();
    weir_step_begin("step-umpmc");
    weir_backoff_wait(&backoff); /* its first call measures */
    weir_step_thin(101);
    SWEEP_SCRIPTS(&t, &intervals, operations, ALL_ROLES, everybody, SHARED_OUT);
    for (size_t i = 0; i < COUNT(others); i++)
        SWEEP_SCRIPTS(&t, &others[i], operations, ALL_ROLES, appending, SHARED_OUT);
    SWEEP_MATRIX(&t, &others[0], operations, BRIEFLY);
    since_before = true;
    SWEEP_SCRIPTS(&t, &aged, operations, ALL_ROLES, appending, SHARED_OUT);
    return weir_step_end();
}
