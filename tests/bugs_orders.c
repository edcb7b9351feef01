/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/bugs_orders.c: a memory order that is missing: messages, snapshots, things made once. */

#include "bugs.h"

#include <pthread.h>

static WEIR_ATOMIC(unsigned) flag, version, index_of;
static WEIR_ATOMIC(unsigned) first, second;
static unsigned data;

/* ---- messages ---- */

/* atomic_queue, 2019, commits 2bc627d and 95bbd40: pop read the element's state without acquire, so
 * that the element itself could be read as it was before. */
static void pop_without_acquire_put(void)
{
    data = 1;
    weir_atomic_store(&flag, 1, WEIR_RELEASE);
}

static void pop_without_acquire_take(void)
{
    if (weir_atomic_load(&flag, mend(WEIR_RELAXED, WEIR_ACQUIRE)) == 1)
        weir_check_assert(data == 1);
}

static void pop_without_acquire(void)
{
    TOGETHER(pop_without_acquire_put, pop_without_acquire_take);
}

/* moodycamel::ConcurrentQueue, commit 0d54c67 and later ones: one thread hands a block on that it
 * got from another. Each step is a read-modify-write, and the first of them no release. */
static void chain_first(void)
{
    data = 1;
    weir_atomic_fetch_add(&flag, 1, mend(WEIR_RELAXED, WEIR_RELEASE));
}

static void chain_second(void)
{
    weir_atomic_fetch_add(&flag, 2, WEIR_RELAXED);
}

static void chain_third(void)
{
    if ((weir_atomic_load(&flag, WEIR_ACQUIRE) & 1) != 0)
        weir_check_assert(data == 1); /* reads through the chain */
}

static void relaxed_chain(void)
{
    TOGETHER(chain_first, chain_second, chain_third);
}

/* H. Boehm, O. Giroux, V. Vafeiadis, P0982, 2018: since C++20 a relaxed store by the thread that
 * made the release store is no part of its release sequence. A lock that "downgrades" itself so
 * lets others in who see nothing. */
static void downgrade_owner(void)
{
    data = 1;
    weir_atomic_store(&flag, 1, WEIR_RELEASE);
    weir_atomic_store(&flag, 2, mend(WEIR_RELAXED, WEIR_RELEASE));
}

static void downgrade_reader(void)
{
    if (weir_atomic_load(&flag, WEIR_ACQUIRE) == 2)
        weir_check_assert(data == 1); /* after the downgrade */
}

static void store_after_release(void)
{
    TOGETHER(downgrade_owner, downgrade_reader);
}

/* folly, Baton, 2018: the wait whose compare-and-swap failed, because the baton had been posted
 * meanwhile, returned without acquire. */
static void baton_post(void)
{
    data = 1;
    weir_atomic_store(&flag, 2, WEIR_RELEASE);
}

static void baton_wait(void)
{
    unsigned is = 0;

    if (!weir_atomic_cas(&flag, &is, 1, WEIR_RELEASE, mend(WEIR_RELAXED, WEIR_ACQUIRE)))
        weir_check_assert(data == 1); /* the baton is here */
}

static void failed_cas_without_acquire(void)
{
    TOGETHER(baton_post, baton_wait);
}

/* A release fence after the store that it is to order, as in several ports of code from x86 (P. E.
 * McKenney, "Memory Barriers: a Hardware View for Software Hackers", 2010, has the picture). */
static void fence_put(void)
{
    data = 1;
    if (mended)
        atomic_thread_fence(WEIR_RELEASE);
    weir_atomic_store(&flag, 1, WEIR_RELAXED);
    if (!mended)
        atomic_thread_fence(WEIR_RELEASE);
}

static void fence_take(void)
{
    if (weir_atomic_load(&flag, WEIR_RELAXED) == 1) {
        atomic_thread_fence(WEIR_ACQUIRE);
        weir_check_assert(data == 1); /* behind the fence */
    }
}

static void fence_too_late(void)
{
    TOGETHER(fence_put, fence_take);
}

/* ---- made once ---- */

static WEIR_ATOMIC(unsigned *) instance;
static unsigned made;
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

/* S. Meyers, A. Alexandrescu, "C++ and the Perils of Double-Checked Locking", 2004: the pointer is
 * seen before what it points to. */
static void lookup(void)
{
    unsigned *it = weir_atomic_load(&instance, mend(WEIR_RELAXED, WEIR_ACQUIRE));

    if (it == NULL) {
        pthread_mutex_lock(&making);
        it = weir_atomic_load(&instance, WEIR_RELAXED);
        if (it == NULL) {
            it = &made;
            *it = 7;
            weir_atomic_store(&instance, it, mend(WEIR_RELAXED, WEIR_RELEASE));
        }
        pthread_mutex_unlock(&making);
    }
    weir_check_assert(*it == 7);
}

static void double_checked_locking(void)
{
    TOGETHER(lookup, lookup);
}

/* Ibidem: "done" is stored before it is. */
static void once_call(void)
{
    if (weir_atomic_load(&flag, WEIR_ACQUIRE) == 0) {
        pthread_mutex_lock(&making);
        if (weir_atomic_load(&flag, WEIR_RELAXED) == 0) {
            if (!mended)
                weir_atomic_store(&flag, 1, WEIR_RELEASE);
            data = 7;
            if (mended)
                weir_atomic_store(&flag, 1, WEIR_RELEASE);
        }
        pthread_mutex_unlock(&making);
    }
    weir_check_assert(data == 7); /* made once */
}

static void done_too_early(void)
{
    TOGETHER(once_call, once_call);
}

/* ---- sequence locks ---- */

static void seq_write(void)
{
    weir_atomic_store(&version, 1, WEIR_RELAXED);
    if (mended)
        atomic_thread_fence(WEIR_RELEASE);
    weir_atomic_store(&first, 1, WEIR_RELAXED);
    weir_atomic_store(&second, 1, WEIR_RELAXED);
    weir_atomic_store(&version, 2, WEIR_RELEASE);
}

static void seq_read(void)
{
    const unsigned before = weir_atomic_load(&version, WEIR_ACQUIRE);
    const unsigned a = weir_atomic_load(&first, WEIR_RELAXED);
    const unsigned b = weir_atomic_load(&second, WEIR_RELAXED);

    atomic_thread_fence(WEIR_ACQUIRE);
    if (before % 2 == 0 && weir_atomic_load(&version, WEIR_RELAXED) == before)
        weir_check_assert(a == b); /* both of one version */
}

/* H. Boehm, "Can Seqlocks Get Along With Programming Language Memory Models?", MSPC 2012: the
 * stores to the data can be seen before the store that makes the version odd. */
static void seqlock_writer_without_fence(void)
{
    TOGETHER(seq_write, seq_read);
}

static void strong_write(void)
{
    weir_atomic_store(&version, 1, WEIR_SEQ_CST);
    atomic_thread_fence(WEIR_RELEASE);
    weir_atomic_store(&first, 1, WEIR_RELAXED);
    weir_atomic_store(&second, 1, WEIR_RELAXED);
    weir_atomic_store(&version, 2, WEIR_SEQ_CST);
}

static void strong_read(void)
{
    const unsigned before = weir_atomic_load(&version, WEIR_SEQ_CST);
    const unsigned a = weir_atomic_load(&first, WEIR_RELAXED);
    const unsigned b = weir_atomic_load(&second, WEIR_RELAXED);

    if (mended)
        atomic_thread_fence(WEIR_ACQUIRE);
    if (before % 2 == 0 && weir_atomic_load(&version, WEIR_SEQ_CST) == before)
        weir_check_assert(a == b); /* and sequential consistency is no help */
}

/* xenium, seqlock, 2020: seq_cst accesses to the version do not keep relaxed reads of the data
 * before the second of them. */
static void seqlock_strong_version(void)
{
    TOGETHER(strong_write, strong_read);
}

/* Concurrency Kit, ck_ht, 2015: the version was advanced before the key became a tombstone, so that
 * a lookup of the old key found the next owner's value under one and the same version. */
static void table_replace(void)
{
    if (!mended)
        weir_atomic_store(&version, 1, WEIR_RELEASE);
    weir_atomic_store(&first, 0, WEIR_RELEASE); /* the key: a tombstone */
    if (mended)
        weir_atomic_store(&version, 1, WEIR_RELEASE);
    atomic_thread_fence(WEIR_RELEASE);
    weir_atomic_store(&second, 20, WEIR_RELAXED);
    weir_atomic_store(&first, 2, WEIR_RELEASE);
}

static void table_find(void)
{
    const unsigned before = weir_atomic_load(&version, WEIR_ACQUIRE);
    const unsigned key = weir_atomic_load(&first, WEIR_ACQUIRE);
    const unsigned value = weir_atomic_load(&second, WEIR_RELAXED);

    atomic_thread_fence(WEIR_ACQUIRE);
    if (key == 1 && weir_atomic_load(&version, WEIR_RELAXED) == before)
        weir_check_assert(value == 10); /* the value of key 1 */
}

static void tombstone_after_version(void)
{
    weir_atomic_store(&first, 1, WEIR_RELAXED);
    weir_atomic_store(&second, 10, WEIR_RELAXED);
    TOGETHER(table_replace, table_find);
}

/* ---- counters that are read one after the other ---- */

/* xenium a18862f, oneTBB 782 and 1139, Concurrency Kit 156: tail is read before head, so that an
 * old tail meets a new head, and a queue that was never empty looks so. */
static void counters_change(void)
{
    weir_atomic_store(&second, 2, WEIR_RELEASE); /* tail: put one */
    weir_atomic_store(&first, 1, WEIR_RELEASE);  /* head: take one */
}

static void counters_look(void)
{
    unsigned head, tail;

    if (mended) {
        head = weir_atomic_load(&first, WEIR_ACQUIRE);
        tail = weir_atomic_load(&second, WEIR_ACQUIRE);
    } else {
        tail = weir_atomic_load(&second, WEIR_ACQUIRE);
        head = weir_atomic_load(&first, WEIR_ACQUIRE);
    }
    weir_check_assert(head < tail);
}

static void tail_before_head(void)
{
    weir_atomic_store(&second, 1, WEIR_RELAXED);
    TOGETHER(counters_change, counters_look);
}

/* The same, in the right order, but for the acquire of the first. */
static void counters_look_relaxed(void)
{
    const unsigned head = weir_atomic_load(&first, mend(WEIR_RELAXED, WEIR_ACQUIRE));
    const unsigned tail = weir_atomic_load(&second, WEIR_RELAXED);

    weir_check_assert(head < tail); /* head first */
}

static void head_without_acquire(void)
{
    weir_atomic_store(&second, 1, WEIR_RELAXED);
    TOGETHER(counters_change, counters_look_relaxed);
}

/* Concurrency Kit, pull request 102: with a snapshot of head that is older than that of tail the
 * difference wraps, and a ring that is not full looks so. */
static void ring_cycle(void)
{
    for (unsigned i = 1; i <= 2; i++) {
        weir_atomic_store(&first, i, WEIR_RELEASE);  /* put */
        weir_atomic_store(&second, i, WEIR_RELEASE); /* take */
    }
}

static void ring_put(void)
{
    const unsigned put = weir_atomic_load(&first, WEIR_ACQUIRE);
    const unsigned taken = weir_atomic_load(&second, WEIR_ACQUIRE);
    const bool full = mended ? (int)(put - taken) >= 4 : put - taken >= 4;

    weir_check_assert(!full);
}

static void full_by_wrapping(void)
{
    TOGETHER(ring_cycle, ring_put);
}

/* L. Lamport's single-producer ring (1983), with what is missing in ports: the consumer's counter
 * is no release, and the producer overwrites what is still being read. Concurrency Kit, ck_ring,
 * 2026: a store fence alone, which orders no loads. */
static unsigned slot;

static void ring_give(void)
{
    if (weir_atomic_load(&index_of, WEIR_ACQUIRE) == 1)
        slot = 2; /* overwrites */
}

static void ring_take(void)
{
    weir_check_assert(slot == 1);
    weir_atomic_store(&index_of, 1, mend(WEIR_RELAXED, WEIR_RELEASE));
}

static void slot_is_given_back_too_early(void)
{
    slot = 1;
    TOGETHER(ring_give, ring_take);
}

static const bug orders[] = {
    {"pop without acquire", pop_without_acquire, WEIR_CHECK_RACE, "data == 1);", {0}, false},
    {"relaxed chain", relaxed_chain, WEIR_CHECK_RACE, "through the chain", {0}, false},
    {"store after release",
     store_after_release,
     WEIR_CHECK_RACE,
     "after the downgrade",
     {0},
     false},
    {"failed compare-and-swap without acquire",
     failed_cas_without_acquire,
     WEIR_CHECK_RACE,
     "the baton is here",
     {0},
     false},
    {"fence too late", fence_too_late, WEIR_CHECK_RACE, "behind the fence", {0}, false},
    {"double-checked locking", double_checked_locking, WEIR_CHECK_RACE, "*it == 7", {0}, false},
    {"done too early", done_too_early, WEIR_CHECK_RACE, "made once", {0}, false},
    {"seqlock: writer without a fence",
     seqlock_writer_without_fence,
     WEIR_CHECK_ASSERTION,
     "both of one version",
     {0},
     false},
    {"seqlock: seq_cst version",
     seqlock_strong_version,
     WEIR_CHECK_ASSERTION,
     "no help",
     {0},
     false},
    {"tombstone after version",
     tombstone_after_version,
     WEIR_CHECK_ASSERTION,
     "the value of key 1",
     {0},
     false},
    {"tail before head", tail_before_head, WEIR_CHECK_ASSERTION, "head < tail);", {0}, false},
    {"head without acquire", head_without_acquire, WEIR_CHECK_ASSERTION, "head first", {0}, false},
    {"full by wrapping", full_by_wrapping, WEIR_CHECK_ASSERTION, "!full", {0}, false},
    {"slot is given back too early",
     slot_is_given_back_too_early,
     WEIR_CHECK_RACE,
     "slot ==",
     {0},
     false},
};

BUG_TABLE(bugs_orders, orders);
