/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/bugs_queues.c: queues and deques. */

#include "bugs.h"

/* ---- deques of N. S. Lê, A. Pop, A. Cohen, F. Zappa Nardelli, "Correct and Efficient
 * Work-Stealing for Weak Memory Models", PPoPP 2013 ---- */

enum { NOTHING, CELLS = 2 };

typedef struct cells {
    WEIR_ATOMIC(unsigned) of[CELLS];
} cells;

static WEIR_ATOMIC(size_t) top, bottom;
static WEIR_ATOMIC(cells *) array;
static cells *old_array, *new_array;
static WEIR_ATOMIC(unsigned) taken[4]; /* how often */

static void took(unsigned item)
{
    if (item != NOTHING)
        weir_check_assert(weir_atomic_fetch_add(&taken[item], 1, WEIR_RELAXED) == 0); /* twice */
}

/* B. Norris, B. Demsky, "CDSChecker", OOPSLA 2013, on that paper's code: the grown array is
 * published relaxed, and a thief reads cells of it as they were before it was made. */
static void grow(void)
{
    cells *const grown = (cells *)malloc(sizeof *grown);

    weir_atomic_store(&grown->of[0], 1, WEIR_RELAXED);
    weir_atomic_store(&array, grown, mend(WEIR_RELAXED, WEIR_RELEASE));
}

static void look_into_grown(void)
{
    cells *const a = weir_atomic_load(&array, WEIR_ACQUIRE);

    if (a != NULL)
        weir_check_assert(weir_atomic_load(&a->of[0], WEIR_RELAXED) == 1); /* a cell of it */
}

static void grown_array_is_relaxed(void)
{
    TOGETHER(grow, look_into_grown);
    free(weir_atomic_load(&array, WEIR_RELAXED));
}

/* Ibidem: bottom - 1 of an empty deque, whose counters are unsigned and start with 0, is more than
 * top. */
static void take_from_empty(void)
{
    const size_t b = weir_atomic_load(&bottom, WEIR_RELAXED) - 1;

    weir_atomic_store(&bottom, b, WEIR_RELAXED);
    atomic_thread_fence(WEIR_SEQ_CST);
    if (mended ? (ptrdiff_t)(b - weir_atomic_load(&top, WEIR_RELAXED)) < 0
               : b < weir_atomic_load(&top, WEIR_RELAXED))
        weir_atomic_store(&bottom, b + 1, WEIR_RELAXED);
    else
        weir_check_fail("took nothing", __FILE__, __LINE__);
}

static void empty_deque_wraps(void)
{
    TOGETHER(take_from_empty);
}

/* The owner's side. */
static void push(unsigned item, cells *to)
{
    const size_t b = weir_atomic_load(&bottom, WEIR_RELAXED);

    weir_atomic_store(&to->of[b % CELLS], item, WEIR_RELAXED);
    weir_atomic_store(&array, to, WEIR_RELEASE);
    weir_atomic_store(&bottom, b + 1, WEIR_RELEASE);
}

static unsigned take(bool fenced)
{
    const size_t b = weir_atomic_load(&bottom, WEIR_RELAXED) - 1;
    cells *const a = weir_atomic_load(&array, WEIR_RELAXED);
    size_t t;
    unsigned item = NOTHING;

    weir_atomic_store(&bottom, b, WEIR_RELAXED);
    if (fenced)
        atomic_thread_fence(WEIR_SEQ_CST);
    t = weir_atomic_load(&top, WEIR_RELAXED);
    if ((ptrdiff_t)(b - t) >= 0) {
        item = weir_atomic_load(&a->of[b % CELLS], WEIR_RELAXED);
        if (b != t)
            return item;
        if (!weir_atomic_cas(&top, &t, t + 1, WEIR_SEQ_CST, WEIR_RELAXED))
            item = NOTHING;
    }
    weir_atomic_store(&bottom, b + 1, WEIR_RELAXED);
    return item;
}

static unsigned steal(cells *known, bool fenced)
{
    size_t t = weir_atomic_load(&top, WEIR_ACQUIRE), b;
    unsigned item;

    if (fenced)
        atomic_thread_fence(WEIR_SEQ_CST);
    b = weir_atomic_load(&bottom, WEIR_ACQUIRE);
    if ((ptrdiff_t)(b - t) <= 0)
        return NOTHING;
    if (known == NULL)
        known = weir_atomic_load(&array, WEIR_ACQUIRE);
    item = weir_atomic_load(&known->of[t % CELLS], WEIR_RELAXED);
    return weir_atomic_cas(&top, &t, t + 1, WEIR_SEQ_CST, WEIR_RELAXED) ? item : NOTHING;
}

static void deque_of_two(void)
{
    static cells first, second;

    old_array = &first;
    new_array = &second;
    push(1, old_array);
    push(2, old_array);
}

/* D. Chase, Y. Lev, SPAA 2005, is for sequential consistency. Without the fence between the store
 * to bottom and the load of top the owner takes what two thieves have stolen. */
static void owner_takes(void)
{
    took(take(mended));
}

static void thief_steals_two(void)
{
    took(steal(NULL, true));
    took(steal(NULL, true));
}

static void take_without_fence(void)
{
    deque_of_two();
    TOGETHER(owner_takes, thief_steals_two);
}

/* And the thief's, between its loads of top and of bottom. */
static void owner_takes_fenced(void)
{
    took(take(true));
}

static void thief_steals_unfenced(void)
{
    took(steal(NULL, mended));
    took(steal(NULL, mended));
}

static void steal_without_fence(void)
{
    deque_of_two();
    TOGETHER(owner_takes_fenced, thief_steals_unfenced);
}

/* crossbeam-deque, 2021, RUSTSEC-2021-0093: a thief that steals several goes on with the array that
 * it saw at first. The owner has taken the second item meanwhile, and put a new one into a new
 * array at its place. */
static void owner_swaps(void)
{
    took(take(true));
    push(3, new_array);
}

static void thief_steals_batch(void)
{
    cells *const known = weir_atomic_load(&array, WEIR_ACQUIRE);

    took(steal(mended ? NULL : known, true));
    took(steal(mended ? NULL : known, true));
}

static void array_swapped_while_stealing(void)
{
    deque_of_two();
    TOGETHER(owner_swaps, thief_steals_batch);
}

/* ---- D. Vyukov's queues (1024cores.net, 2010) ---- */

typedef struct node node;
struct node {
    WEIR_ATOMIC(node *) next;
    unsigned value;
};
static node nodes[4];
static WEIR_ATOMIC(node *) tail;

static void link_node(node *n)
{
    node *before;
    const unsigned call = weir_check_call(0, 0);

    before = weir_atomic_exchange(&tail, n, WEIR_ACQ_REL);
    weir_atomic_store(&before->next, n, WEIR_RELEASE);
    weir_check_return(call, 0);
}

/* The producer that stands still between the two steps of its push hides what all others push
 * behind it: who waits for an item does so for ever. The author says so; others who copied it do
 * not. */
static void stalled_push(void)
{
    link_node(&nodes[1]);
}

static void push_and_pop(void)
{
    unsigned call;

    link_node(&nodes[2]);
    call = weir_check_call(1, 0);
    while (weir_atomic_load(&nodes[0].next, WEIR_ACQUIRE) == NULL) /* for the first in the list */
        ;
    weir_check_return(call, 0);
}

static void stalled_push_hides_others(void)
{
    weir_atomic_store(&tail, &nodes[0], WEIR_RELAXED);
    TOGETHER(stalled_push, push_and_pop);
}

/* For the same reason its pop says "empty" after a push has returned. */
static bool apply_fifo(void *state, int operation, uint64_t argument, const uint64_t *result)
{
    unsigned *const s = (unsigned *)state; /* items */

    (void)argument;
    if (operation == 0) {
        ++*s;
        return true;
    }
    /* Mended: the contract has an answer for "somebody is in the middle". */
    if (result != NULL && (*result == 0) != (*s == 0) && !(mended && *result == 0))
        return false;
    *s -= *s > 0;
    return true;
}

static void push_and_try(void)
{
    unsigned call;

    link_node(&nodes[2]);
    call = weir_check_call(1, 0);
    weir_check_return(call, weir_atomic_load(&nodes[0].next, WEIR_ACQUIRE) != NULL);
}

static void empty_after_a_push(void)
{
    static const weir_check_spec spec = {sizeof(unsigned), NULL, apply_fifo, NULL};

    weir_check_history(&spec);
    weir_atomic_store(&tail, &nodes[0], WEIR_RELAXED);
    TOGETHER(stalled_push, push_and_try);
}

/* His bounded ring: a cell's sequence number says whose turn it is. Whoever stands still with a
 * position taken, and the cell not written, stops all who come for it. */
enum { RING = 2 };
static struct {
    WEIR_ATOMIC(unsigned) sequence;
    unsigned value;
} ring[RING];
static WEIR_ATOMIC(unsigned) ring_put_at, ring_take_at;

static bool ring_put(unsigned value, memory_order gives)
{
    unsigned at = weir_atomic_load(&ring_put_at, WEIR_RELAXED);

    for (;;) {
        const unsigned is = weir_atomic_load(&ring[at % RING].sequence, WEIR_ACQUIRE);

        if (is == at) {
            if (weir_atomic_cas(&ring_put_at, &at, at + 1, WEIR_RELAXED, WEIR_RELAXED))
                break;
        } else if ((int)(is - at) < 0)
            return false;
        else
            at = weir_atomic_load(&ring_put_at, WEIR_RELAXED);
    }
    ring[at % RING].value = value;
    weir_atomic_store(&ring[at % RING].sequence, at + 1, gives);
    return true;
}

static bool ring_take(unsigned *value)
{
    unsigned at = weir_atomic_load(&ring_take_at, WEIR_RELAXED);

    for (;;) {
        const unsigned is = weir_atomic_load(&ring[at % RING].sequence, WEIR_ACQUIRE);

        if (is == at + 1) {
            if (weir_atomic_cas(&ring_take_at, &at, at + 1, WEIR_RELAXED, WEIR_RELAXED))
                break;
        } else if ((int)(is - (at + 1)) < 0)
            return false;
        else
            at = weir_atomic_load(&ring_take_at, WEIR_RELAXED);
    }
    *value = ring[at % RING].value; /* of the cell */
    weir_atomic_store(&ring[at % RING].sequence, at + RING, WEIR_RELEASE);
    return true;
}

static void ring_begin(void)
{
    weir_atomic_store(&ring[1].sequence, 1, WEIR_RELAXED);
}

static void ring_put_one(void)
{
    const unsigned call = weir_check_call(0, 1);

    weir_check_return(call, ring_put(1, WEIR_RELEASE));
}

static void ring_put_and_take(void)
{
    unsigned call, value;

    ring_put_one();
    call = weir_check_call(1, 0);
    while (!ring_take(&value))
        ;
    weir_check_return(call, value);
}

static void ring_is_not_lock_free(void)
{
    ring_begin();
    TOGETHER(ring_put_one, ring_put_and_take);
}

/* The cell's number is stored relaxed: the value is not there yet. */
static void ring_put_relaxed(void)
{
    ring_put(1, mend(WEIR_RELAXED, WEIR_RELEASE));
}

static void ring_take_one(void)
{
    unsigned value;

    if (ring_take(&value))
        weir_check_assert(value == 1);
}

static void ring_relaxed_sequence(void)
{
    ring_begin();
    TOGETHER(ring_put_relaxed, ring_take_one);
}

/* ---- lists ---- */

/* liburcu, wfcqueue, and everybody's first list: the new node is linked before it is complete. */
static void list_push(void)
{
    nodes[1].value = 7;
    weir_atomic_store(&nodes[0].next, &nodes[1], mend(WEIR_RELAXED, WEIR_RELEASE));
}

static void list_read(void)
{
    node *const n = weir_atomic_load(&nodes[0].next, WEIR_ACQUIRE);

    if (n != NULL)
        weir_check_assert(n->value == 7);
}

static void linked_before_complete(void)
{
    TOGETHER(list_push, list_read);
}

/* T. Harris, "A Pragmatic Implementation of Non-blocking Linked-Lists", DISC 2001: what one thread
 * inserts behind a node is lost if another unlinks that node meanwhile. His mend: a mark in the
 * link of the node that is to go. Here links are numbers of nodes, times two. */
static WEIR_ATOMIC(unsigned) link_of[4]; /* 0: the head, links 1; 1 links 3; 2 is the new one */

static void list_insert(void)
{
    unsigned is = 2 * 3;

    weir_atomic_store(&link_of[2], 2 * 3, WEIR_RELAXED);
    if (!weir_atomic_cas(&link_of[1], &is, 2 * 2, WEIR_ACQ_REL, WEIR_ACQUIRE))
        weir_atomic_store(&link_of[0], 2 * 2, WEIR_RELEASE); /* behind the head, as 1 has gone */
}

static void list_remove(void)
{
    unsigned after = weir_atomic_load(&link_of[1], WEIR_ACQUIRE), is = 2 * 1;

    while (mended && !weir_atomic_cas(&link_of[1], &after, after | 1, WEIR_ACQ_REL, WEIR_ACQUIRE))
        ;
    weir_atomic_cas(&link_of[0], &is, after, WEIR_ACQ_REL, WEIR_ACQUIRE);
}

static void insert_behind_removed(void)
{
    weir_atomic_store(&link_of[0], 2 * 1, WEIR_RELAXED);
    weir_atomic_store(&link_of[1], 2 * 3, WEIR_RELAXED);
    TOGETHER(list_insert, list_remove);
    weir_check_assert(weir_atomic_load(&link_of[0], WEIR_RELAXED) == 2 * 2); /* is in the list */
}

/* Concurrency Kit, ck_fifo, 2026, e78c421: a dequeue finds that head is tail and that it links
 * nobody, and says "empty" without a second look at head: that node was taken and put in again
 * meanwhile, at the end of a queue which was never empty. Heads and tails have a generation: 16 * g
 * + node. */
static WEIR_ATOMIC(unsigned) fifo_head, fifo_tail, fifo_next[3];

static void fifo_cycle(void)
{
    /* Takes the item of node 1, which becomes the dummy, and puts node 0 in again. */
    weir_atomic_store(&fifo_head, 16 * 1 + 1, WEIR_SEQ_CST);
    weir_atomic_store(&fifo_next[0], 0, WEIR_SEQ_CST);
    weir_atomic_store(&fifo_next[2], 16, WEIR_SEQ_CST); /* 16 + n: there is one */
    weir_atomic_store(&fifo_tail, 16 * 1 + 0, WEIR_SEQ_CST);
}

static void fifo_dequeue(void)
{
    const unsigned head = weir_atomic_load(&fifo_head, WEIR_SEQ_CST);
    const unsigned last = weir_atomic_load(&fifo_tail, WEIR_SEQ_CST);
    const unsigned next = weir_atomic_load(&fifo_next[head % 16], WEIR_SEQ_CST);

    if (head % 16 == last % 16 && next == 0)
        weir_check_assert(mended && weir_atomic_load(&fifo_head, WEIR_SEQ_CST) != head); /* empty */
}

static void empty_with_recycled_head(void)
{
    weir_atomic_store(&fifo_next[0], 16 + 1, WEIR_RELAXED);
    weir_atomic_store(&fifo_next[1], 16 + 2, WEIR_RELAXED);
    weir_atomic_store(&fifo_tail, 2, WEIR_RELAXED);
    TOGETHER(fifo_cycle, fifo_dequeue);
}

#define LOCK_FREE                        \
    {                                    \
        .progress = WEIR_CHECK_LOCK_FREE \
    }

static const bug queues[] = {
    {"Chase-Lev: grown array is relaxed",
     grown_array_is_relaxed,
     WEIR_CHECK_RACE,
     "a cell of it",
     {0},
     false},
    {"Chase-Lev: empty deque wraps",
     empty_deque_wraps,
     WEIR_CHECK_ASSERTION,
     "took nothing",
     {0},
     false},
    {"Chase-Lev: take without a fence",
     take_without_fence,
     WEIR_CHECK_ASSERTION,
     "/* twice",
     {0},
     false},
    {"Chase-Lev: steal without a fence",
     steal_without_fence,
     WEIR_CHECK_ASSERTION,
     "/* twice",
     {0},
     false},
    {"array swapped while stealing",
     array_swapped_while_stealing,
     WEIR_CHECK_ASSERTION,
     "/* twice",
     {0},
     false},
    {"Vyukov's list: a stalled push hides others", stalled_push_hides_others,
     WEIR_CHECK_NO_PROGRESS, "the first in the list", LOCK_FREE, true},
    {"Vyukov's list: empty after a push",
     empty_after_a_push,
     WEIR_CHECK_NOT_LINEARIZABLE,
     NULL,
     {0},
     false},
    {"Vyukov's ring is not lock-free", ring_is_not_lock_free, WEIR_CHECK_NO_PROGRESS,
     "weir_atomic_cas(&ring_put_at", LOCK_FREE, true},
    {"Vyukov's ring: relaxed sequence",
     ring_relaxed_sequence,
     WEIR_CHECK_RACE,
     "of the cell",
     {0},
     false},
    {"linked before complete",
     linked_before_complete,
     WEIR_CHECK_RACE,
     "n->value == 7",
     {0},
     false},
    {"insert behind a removed node",
     insert_behind_removed,
     WEIR_CHECK_ASSERTION,
     "is in the list",
     {0},
     false},
    {"empty with a recycled head",
     empty_with_recycled_head,
     WEIR_CHECK_ASSERTION,
     "/* empty",
     {0},
     false},
};

BUG_TABLE(bugs_queues, queues);
