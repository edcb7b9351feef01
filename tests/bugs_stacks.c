/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/bugs_stacks.c: ABA, and nodes that are freed or used again too early: stacks and the queue
 * of Michael and Scott. */

#include "bugs.h"

/* ---- stacks ---- */

typedef struct node node;
struct node {
    WEIR_ATOMIC(node *) next;
    unsigned value;
};
static WEIR_ATOMIC(node *) top;

static node *make(unsigned value)
{
    node *const n = (node *)malloc(sizeof *n);

    n->value = value;
    weir_atomic_store(&n->next, NULL, WEIR_RELAXED);
    return n;
}

static void push(node *n)
{
    node *is = weir_atomic_load(&top, WEIR_RELAXED);

    do
        weir_atomic_store(&n->next, is, WEIR_RELAXED);
    while (!weir_atomic_cas(&top, &is, n, WEIR_RELEASE, WEIR_RELAXED));
}

static node *pop(void)
{
    node *is = weir_atomic_load(&top, WEIR_ACQUIRE);

    while (is != NULL &&
           !weir_atomic_cas(&top, &is, weir_atomic_load(&is->next, WEIR_RELAXED), /* another's */
                            WEIR_ACQUIRE, WEIR_ACQUIRE))
        ;
    return is;
}

static void drop_all(void)
{
    node *n;

    while ((n = pop()) != NULL)
        free(n);
}

/* R. K. Treiber, IBM RJ 5118, 1986, with nodes that are freed as they are popped: M. Michael, "Safe
 * Memory Reclamation ...", PODC 2002. Mended by popping all at once, which reads no other's node.
 */
static void pop_and_free(void)
{
    if (mended) {
        node *n = weir_atomic_exchange(&top, NULL, WEIR_ACQUIRE), *after;

        for (; n != NULL; n = after) {
            after = weir_atomic_load(&n->next, WEIR_RELAXED);
            free(n);
        }
    } else {
        free(pop());
    }
}

static void treiber_with_free(void)
{
    push(make(1));
    push(make(2));
    TOGETHER(pop_and_free, pop_and_free);
    drop_all();
}

/* And with a node that is pushed before it is complete: its value, by a relaxed compare-and-swap.
 */
static void push_relaxed(void)
{
    node *const n = make(7);

    weir_atomic_store(&top, n, mend(WEIR_RELAXED, WEIR_RELEASE));
}

static void look(void)
{
    const node *const n = weir_atomic_load(&top, WEIR_ACQUIRE);

    if (n != NULL)
        weir_check_assert(n->value == 7); /* of the top */
}

static void push_without_release(void)
{
    TOGETHER(push_relaxed, look);
    drop_all();
}

/* ---- nodes by number, which are used again; the upper half of a word counts ---- */

enum { NODES = 4, ONE = 16 };
static WEIR_ATOMIC(unsigned) head, next_of[NODES], owned[NODES];

static void own(unsigned n)
{
    weir_check_assert(weir_atomic_fetch_add(&owned[n], 1, WEIR_RELAXED) == 0); /* owned twice */
}

static void put_back(unsigned n)
{
    unsigned is = weir_atomic_load(&head, WEIR_RELAXED);

    weir_atomic_fetch_sub(&owned[n], 1, WEIR_RELAXED);
    do
        weir_atomic_store(&next_of[n], is % ONE, WEIR_RELAXED);
    while (!weir_atomic_cas(&head, &is, (is - is % ONE) + n, WEIR_RELEASE, WEIR_RELAXED));
}

static unsigned get(bool counts)
{
    unsigned is = weir_atomic_load(&head, WEIR_ACQUIRE);

    while (is % ONE != 0) {
        const unsigned next = weir_atomic_load(&next_of[is % ONE], WEIR_RELAXED);

        if (weir_atomic_cas(&head, &is, (is - is % ONE) + next + (counts ? ONE : 0), WEIR_ACQUIRE,
                            WEIR_ACQUIRE)) {
            own(is % ONE);
            return is % ONE;
        }
    }
    return 0;
}

static void drain(void)
{
    while (get(mended) != 0)
        ;
}

static void pool_of_two(void)
{
    weir_atomic_store(&next_of[1], 2, WEIR_RELAXED);
    weir_atomic_store(&head, 1, WEIR_RELAXED);
}

/* IBM System/370 Principles of Operation, 1983, appendix A, which names the problem: a top that was
 * taken and is back again looks as if it had stayed. Mended by a count of the pops, as there. */
static void victim(void)
{
    get(mended);
}

static void recycler(void)
{
    const unsigned n = get(mended);

    get(mended);
    if (n != 0)
        put_back(n);
}

static void pool_with_aba(void)
{
    pool_of_two();
    TOGETHER(victim, recycler);
    drain();
}

/* Concurrency Kit, ck_stack, 2011 to 2026: pop counts, but pop-all did not, so that whoever takes
 * all, and puts one of them back, is not seen by a pop in flight. */
static void take_all(void)
{
    unsigned is = weir_atomic_load(&head, WEIR_ACQUIRE);

    while (!weir_atomic_cas(&head, &is, (is - is % ONE) + (mended ? ONE : 0), WEIR_ACQUIRE,
                            WEIR_ACQUIRE))
        ;
    if (is % ONE == 1 && weir_atomic_load(&next_of[1], WEIR_RELAXED) == 2) {
        own(1);
        own(2);
        put_back(1);
    }
}

static void counting_victim(void)
{
    get(true);
}

static void pop_all_does_not_count(void)
{
    pool_of_two();
    TOGETHER(counting_victim, take_all);
    drain();
}

/* ---- M. Michael, M. Scott, PODC 1996 ---- */

static WEIR_ATOMIC(node *) queue_head, queue_tail;

static void queue_init(void)
{
    node *const dummy = make(0);

    weir_atomic_store(&queue_head, dummy, WEIR_RELAXED);
    weir_atomic_store(&queue_tail, dummy, WEIR_RELAXED);
}

static void queue_put(unsigned value)
{
    node *const n = make(value);

    for (;;) {
        node *last = weir_atomic_load(&queue_tail, WEIR_ACQUIRE), *after = NULL;

        if (weir_atomic_cas(&last->next, &after, n, WEIR_RELEASE, WEIR_ACQUIRE)) { /* the tail's */
            weir_atomic_cas(&queue_tail, &last, n, WEIR_RELEASE, WEIR_RELAXED);
            return;
        }
        weir_atomic_cas(&queue_tail, &last, after, WEIR_RELEASE, WEIR_RELAXED);
    }
}

/* Returns: the node that is no longer in the queue; NULL: it was empty. */
static node *queue_take(bool moves_tail)
{
    node *first = weir_atomic_load(&queue_head, WEIR_ACQUIRE), *after;

    do {
        node *last = first;

        after = weir_atomic_load(&first->next, WEIR_ACQUIRE); /* the head's */
        if (after == NULL)
            return NULL;
        if (moves_tail)
            weir_atomic_cas(&queue_tail, &last, after, WEIR_RELEASE, WEIR_RELAXED);
    } while (!weir_atomic_cas(&queue_head, &first, after, WEIR_ACQ_REL, WEIR_ACQUIRE));
    return first;
}

static void queue_end(void)
{
    node *n;

    while ((n = queue_take(false)) != NULL)
        free(n);
    free(weir_atomic_load(&queue_head, WEIR_RELAXED));
}

static WEIR_ATOMIC(node *) retired[2]; /* what is freed when nobody is in the queue */

/* The paper never gives nodes back to the system: with free(), a dequeue reads the next of a node
 * that another has freed. */
static void take_first(void)
{
    node *const n = queue_take(true);

    if (mended && n != NULL)
        weir_atomic_store(&retired[weir_atomic_load(&retired[0], WEIR_RELAXED) != NULL], n,
                          WEIR_RELEASE);
    else
        free(n);
}

static void take_second(void)
{
    node *const n = queue_take(true);

    if (mended)
        weir_atomic_store(&retired[1], n, WEIR_RELEASE);
    else
        free(n);
}

static void michael_scott_with_free(void)
{
    queue_init();
    queue_put(1);
    queue_put(2);
    TOGETHER(take_first, take_second);
    for (unsigned i = 0; i < 2; i++)
        free(weir_atomic_load(&retired[i], WEIR_RELAXED));
    queue_end();
}

/* crossbeam-epoch, 2020: an enqueue linked its node and was to swing the tail. A dequeue took the
 * old dummy, to which the tail still pointed, and retired it; a thread that came later, and was
 * not waited for, found it by the tail. Here its grace period has ended: nobody else was inside. */
static void put_one(void)
{
    node *const n = make(1);
    node *last = weir_atomic_load(&queue_tail, WEIR_ACQUIRE);

    weir_atomic_store(&last->next, n, WEIR_RELEASE);
    /* The tail is left behind, as by a thread that stands still here for long. */
}

static void take_and_retire(void)
{
    free(queue_take(mended));
}

static void put_another(void)
{
    queue_put(2);
}

static void retires_the_tail(void)
{
    queue_init();
    TOGETHER(put_one);
    TOGETHER(take_and_retire);
    TOGETHER(put_another);
    queue_end();
}

/* xenium, commit bbf968a: who loses the race to append a segment, which has his value in it
 * already, deletes it together with the value, and puts that value into the winner's. */
typedef struct segment {
    unsigned *value;
} segment;
static WEIR_ATOMIC(segment *) appended;
static WEIR_ATOMIC(unsigned *) second_value;

static void append(void)
{
    segment *const mine = (segment *)malloc(sizeof *mine), *is = NULL;
    unsigned *const value = (unsigned *)malloc(sizeof *value);

    *value = 7;
    mine->value = value;
    if (weir_atomic_cas(&appended, &is, mine, WEIR_RELEASE, WEIR_ACQUIRE))
        return;
    if (!mended)
        free(mine->value); /* with the segment */
    free(mine);
    weir_atomic_store(&second_value, value, WEIR_RELEASE);
}

static void loser_deletes_value(void)
{
    segment *last;

    TOGETHER(append, append);
    last = weir_atomic_load(&appended, WEIR_RELAXED);
    free(last->value);
    free(last);
    free(weir_atomic_load(&second_value, WEIR_RELAXED));
}

/* crossbeam-channel, list flavour, 2023: a sender installs the first block, and a receiver that
 * disconnects sets the head to none, which loses that block. 2025 (RUSTSEC-2025-0024): the mend
 * freed it and left the pointer, which the destructor then frees again. */
static WEIR_ATOMIC(node *) first_block;

static void install_block(void)
{
    node *const n = make(1);
    node *is = NULL;

    if (!weir_atomic_cas(&first_block, &is, n, WEIR_RELEASE, WEIR_RELAXED))
        free(n);
}

static void disconnect_forgets(void)
{
    if (mended) {
        free(weir_atomic_exchange(&first_block, NULL, WEIR_ACQUIRE));
    } else {
        free(weir_atomic_load(&first_block, WEIR_ACQUIRE));
        weir_atomic_store(&first_block, NULL, WEIR_RELEASE);
    }
}

static void disconnect_frees(void)
{
    free(mended ? weir_atomic_exchange(&first_block, NULL, WEIR_ACQUIRE)
                : weir_atomic_load(&first_block, WEIR_ACQUIRE));
}

static void drop_channel(void)
{
    free(weir_atomic_load(&first_block, WEIR_RELAXED)); /* the destructor */
}

static void first_block_is_lost(void)
{
    TOGETHER(install_block, disconnect_forgets);
    drop_channel();
}

static void first_block_is_freed_twice(void)
{
    TOGETHER(install_block, disconnect_frees);
    drop_channel();
}

static const bug stacks[] = {
    {"Treiber with free", treiber_with_free, WEIR_CHECK_USE_AFTER_FREE, "another's", {0}, false},
    {"Treiber: push without release",
     push_without_release,
     WEIR_CHECK_RACE,
     "of the top",
     {0},
     false},
    {"pool with ABA", pool_with_aba, WEIR_CHECK_ASSERTION, "owned twice", {0}, false},
    {"pop-all does not count",
     pop_all_does_not_count,
     WEIR_CHECK_ASSERTION,
     "owned twice",
     {0},
     false},
    {"Michael-Scott with free",
     michael_scott_with_free,
     WEIR_CHECK_USE_AFTER_FREE,
     "the head's",
     {0},
     false},
    {"retires the tail", retires_the_tail, WEIR_CHECK_USE_AFTER_FREE, "the tail's", {0}, false},
    {"loser deletes the value",
     loser_deletes_value,
     WEIR_CHECK_DOUBLE_FREE,
     "&second_value, WEIR_RELAXED",
     {0},
     false},
    {"first block is lost", first_block_is_lost, WEIR_CHECK_LEAK, "malloc", {0}, false},
    {"first block is freed twice",
     first_block_is_freed_twice,
     WEIR_CHECK_DOUBLE_FREE,
     "the destructor",
     {0},
     false},
};

BUG_TABLE(bugs_stacks, stacks);
