/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/bugs_locks.c: mutual exclusion, by every kind of lock with an order or a step missing. */

#include "bugs.h"

#include <pthread.h>

static unsigned data; /* what the locks guard */

static void inside(void)
{
    data++; /* inside */
}

/* ---- from loads and stores ---- */

static WEIR_ATOMIC(unsigned) wants[2], turn;

/* E. W. Dijkstra's account of T. J. Dekker's solution (1965) with release stores and acquire loads,
 * as it is often written: each may read the other's flag before its own is seen. */
static void dekker_enter(unsigned me)
{
    weir_atomic_store(&wants[me], 1, mend(WEIR_RELEASE, WEIR_SEQ_CST));
    if (weir_atomic_load(&wants[!me], mend(WEIR_ACQUIRE, WEIR_SEQ_CST)) == 0)
        inside();
    weir_atomic_store(&wants[me], 0, WEIR_RELEASE);
}

static void dekker_0(void)
{
    dekker_enter(0);
}

static void dekker_1(void)
{
    dekker_enter(1);
}

static void dekker(void)
{
    TOGETHER(dekker_0, dekker_1);
}

/* B. Milewski, "Who ordered memory fences on an x86?", 2008, with A. Williams' and D. Vyukov's
 * answers: Peterson's lock needs the store to the flag before the load of the other's, which
 * acquire and release do not give. */
static void peterson(unsigned me)
{
    weir_atomic_store(&wants[me], 1, WEIR_RELAXED);
    if (mended)
        weir_atomic_exchange(&turn, !me, WEIR_ACQ_REL);
    else
        weir_atomic_store(&turn, !me, WEIR_RELEASE);
    while (weir_atomic_load(&wants[!me], WEIR_ACQUIRE) == 1 &&
           weir_atomic_load(&turn, WEIR_ACQUIRE) == !me)
        ;
    inside();
    weir_atomic_store(&wants[me], 0, WEIR_RELEASE);
}

static void peterson_0(void)
{
    peterson(0);
}

static void peterson_1(void)
{
    peterson(1);
}

static void petersons_lock(void)
{
    TOGETHER(peterson_0, peterson_1);
}

/* G. L. Peterson, IPL 1981, has it in this order: with the turn given before the flag is up, both
 * go in, in any memory model. */
static void hasty(unsigned me)
{
    if (!mended)
        weir_atomic_store(&turn, !me, WEIR_SEQ_CST);
    weir_atomic_store(&wants[me], 1, WEIR_SEQ_CST);
    if (mended)
        weir_atomic_store(&turn, !me, WEIR_SEQ_CST);
    while (weir_atomic_load(&wants[!me], WEIR_SEQ_CST) == 1 &&
           weir_atomic_load(&turn, WEIR_SEQ_CST) == !me)
        ;
    inside();
    weir_atomic_store(&wants[me], 0, WEIR_SEQ_CST);
}

static void hasty_0(void)
{
    hasty(0);
}

static void hasty_1(void)
{
    hasty(1);
}

static void turn_before_flag(void)
{
    TOGETHER(hasty_0, hasty_1);
}

/* A read-modify-write is no fence, not even a seq_cst one: V. Vafeiadis and others, "Repairing
 * Sequential Consistency in C/C++11" (RC11), PLDI 2017, and every port of x86's `xchg` as a
 * barrier. */
static WEIR_ATOMIC(unsigned) barrier[2];

static void xchg_enter(unsigned me)
{
    weir_atomic_store(&wants[me], 1, WEIR_RELAXED);
    if (mended)
        atomic_thread_fence(WEIR_SEQ_CST);
    else
        weir_atomic_exchange(&barrier[me], 1, WEIR_SEQ_CST);
    if (weir_atomic_load(&wants[!me], WEIR_RELAXED) == 0)
        inside();
}

static void xchg_0(void)
{
    xchg_enter(0);
}

static void xchg_1(void)
{
    xchg_enter(1);
}

static void exchange_for_a_fence(void)
{
    TOGETHER(xchg_0, xchg_1);
}

/* ---- spin locks ---- */

static WEIR_ATOMIC(unsigned) lock;

/* The textbook's test-and-set lock, whose unlock was once `*lock = 0`. */
static void tas_section(void)
{
    while (weir_atomic_exchange(&lock, 1, WEIR_ACQUIRE) != 0)
        ;
    inside();
    weir_atomic_store(&lock, 0, mend(WEIR_RELAXED, WEIR_RELEASE));
}

static void relaxed_unlock(void)
{
    TOGETHER(tas_section, tas_section);
}

/* Test, and set without a second test. */
static void tts_section(void)
{
    unsigned is;

    do {
        while (weir_atomic_load(&lock, WEIR_RELAXED) != 0)
            ;
        is = 0;
        if (!mended) {
            weir_atomic_store(&lock, 1, WEIR_SEQ_CST);
            break;
        }
    } while (!weir_atomic_cas(&lock, &is, 1, WEIR_ACQUIRE, WEIR_RELAXED));
    inside();
    weir_atomic_store(&lock, 0, WEIR_RELEASE);
}

static void test_then_set(void)
{
    TOGETHER(tts_section, tts_section);
}

/* J. Mellor-Crummey, M. Scott, TOCS 1991, give the ticket lock for sequential consistency: whoever
 * waits must acquire with the load that ends the wait, not by taking the ticket. */
static WEIR_ATOMIC(unsigned) next_ticket, serving;

static void ticket_section(void)
{
    const unsigned mine = weir_atomic_fetch_add(&next_ticket, 1, WEIR_ACQ_REL);

    while (weir_atomic_load(&serving, mend(WEIR_RELAXED, WEIR_ACQUIRE)) != mine)
        ;
    inside();
    weir_atomic_store(&serving, mine + 1, WEIR_RELEASE);
}

static void ticket_without_acquire(void)
{
    TOGETHER(ticket_section, ticket_section);
}

/* Ibidem: their list-based lock. What hands it over is a store to the next one's node. */
typedef struct mcs_node mcs_node;
struct mcs_node {
    WEIR_ATOMIC(mcs_node *) next;
    WEIR_ATOMIC(unsigned) waits;
};
static WEIR_ATOMIC(mcs_node *) mcs_tail;

static void mcs_section(mcs_node *mine, memory_order gives, bool looks_again)
{
    mcs_node *before, *after, *is = mine;

    weir_atomic_store(&mine->waits, 1, WEIR_RELAXED);
    before = weir_atomic_exchange(&mcs_tail, mine, WEIR_ACQ_REL);
    if (before != NULL) {
        weir_atomic_store(&before->next, mine, WEIR_RELEASE);
        while (weir_atomic_load(&mine->waits, WEIR_ACQUIRE) != 0) /* for its turn */
            ;
    }
    inside();
    after = weir_atomic_load(&mine->next, WEIR_ACQUIRE);
    if (after == NULL) {
        if (weir_atomic_cas(&mcs_tail, &is, NULL, WEIR_RELEASE, WEIR_RELAXED) || !looks_again)
            return;
        while ((after = weir_atomic_load(&mine->next, WEIR_ACQUIRE)) == NULL)
            ;
    }
    weir_atomic_store(&after->waits, 0, gives);
}

static mcs_node mcs_nodes[2];

static void mcs_0(void)
{
    mcs_section(&mcs_nodes[0], mend(WEIR_RELAXED, WEIR_RELEASE), true);
}

static void mcs_1(void)
{
    mcs_section(&mcs_nodes[1], mend(WEIR_RELAXED, WEIR_RELEASE), true);
}

static void mcs_relaxed_hand_over(void)
{
    TOGETHER(mcs_0, mcs_1);
}

/* Ibidem: who finds no successor, and fails to take itself out, has one that is not linked yet. */
static void mcs_hasty_0(void)
{
    mcs_section(&mcs_nodes[0], WEIR_RELEASE, mended);
}

static void mcs_hasty_1(void)
{
    mcs_section(&mcs_nodes[1], WEIR_RELEASE, mended);
}

static void mcs_forgets_successor(void)
{
    TOGETHER(mcs_hasty_0, mcs_hasty_1);
}

/* T. Craig, 1993; P. Magnusson, A. Landin, E. Hagersten, 1994: each waits for its predecessor's
 * node, and takes that one for its next turn. Whoever uses its own again is waited for by one who
 * has not seen that it was free. */
typedef struct clh_node {
    WEIR_ATOMIC(unsigned) taken;
} clh_node;
static clh_node clh_nodes[3];
static WEIR_ATOMIC(clh_node *) clh_tail;

static clh_node *clh_section(clh_node *mine, memory_order gives)
{
    clh_node *before;

    weir_atomic_store(&mine->taken, 1, WEIR_RELAXED);
    before = weir_atomic_exchange(&clh_tail, mine, WEIR_ACQ_REL);
    while (weir_atomic_load(&before->taken, WEIR_ACQUIRE) != 0) /* its predecessor's node */
        ;
    inside();
    weir_atomic_store(&mine->taken, 0, gives);
    return before;
}

static void clh_0(void)
{
    clh_section(&clh_nodes[0], mend(WEIR_RELAXED, WEIR_RELEASE));
}

static void clh_1(void)
{
    clh_section(&clh_nodes[1], mend(WEIR_RELAXED, WEIR_RELEASE));
}

static void clh_relaxed_unlock(void)
{
    weir_atomic_store(&clh_tail, &clh_nodes[2], WEIR_RELAXED);
    TOGETHER(clh_0, clh_1);
}

static void clh_twice(void)
{
    clh_node *const before = clh_section(&clh_nodes[0], WEIR_RELEASE);

    clh_section(mended ? before : &clh_nodes[0], WEIR_RELEASE);
}

static void clh_once(void)
{
    clh_section(&clh_nodes[1], WEIR_RELEASE);
}

static void clh_own_node_again(void)
{
    weir_atomic_store(&clh_tail, &clh_nodes[2], WEIR_RELAXED);
    TOGETHER(clh_twice, clh_once);
}

/* ---- readers and writers ---- */

/* P. J. Courtois, F. Heymans, D. L. Parnas, CACM 1971, with a count of readers: a reader that
 * leaves must release, although it has written nothing. H. Boehm, "Can Seqlocks ...", MSPC 2012. */
static WEIR_ATOMIC(unsigned) readers;

static void rw_read(void)
{
    unsigned is = weir_atomic_load(&readers, WEIR_RELAXED);

    if (is < 100 && weir_atomic_cas(&readers, &is, is + 1, WEIR_ACQUIRE, WEIR_RELAXED)) {
        weir_check_assert(data < 2); /* reads beside a writer */
        weir_atomic_fetch_sub(&readers, 1, mend(WEIR_RELAXED, WEIR_RELEASE));
    }
}

static void rw_write(void)
{
    unsigned is = 0;

    if (weir_atomic_cas(&readers, &is, 100, WEIR_ACQUIRE, WEIR_RELAXED)) {
        inside();
        weir_atomic_store(&readers, 0, WEIR_RELEASE);
    }
}

static void reader_leaves_relaxed(void)
{
    TOGETHER(rw_read, rw_write);
}

/* Two readers that both want to become the writer wait for each other (boost, "Upgradable locks"
 * has a mode of its own for that reason). */
static void rw_upgrade(void)
{
    unsigned is, one = 1;

    do
        is = weir_atomic_load(&readers, WEIR_RELAXED);
    while (is >= (mended ? 1 : 100) ||
           !weir_atomic_cas(&readers, &is, is + 1, WEIR_ACQUIRE, WEIR_RELAXED));
    while (weir_atomic_load(&readers, WEIR_ACQUIRE) != one) /* until it is the only reader */
        ;
    inside();
    weir_atomic_store(&readers, 0, WEIR_RELEASE);
}

static void two_upgrades(void)
{
    TOGETHER(rw_upgrade, rw_upgrade);
}

/* ---- the system's locks ---- */

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER, two = PTHREAD_MUTEX_INITIALIZER;
static WEIR_ATOMIC(unsigned) flag;

/* H. Boehm, "Reordering Constraints for Pthread-Style Locks", PPoPP 2007: that a try-lock fails
 * says that somebody has the lock, and nothing about what he did before. */
static void elide_owner(void)
{
    data = 1;
    pthread_mutex_lock(&one);
    weir_atomic_store(&flag, 1, WEIR_RELEASE);
}

static void elide_other(void)
{
    if (pthread_mutex_trylock(&one) == 0)
        pthread_mutex_unlock(&one);
    else if (!mended || weir_atomic_load(&flag, WEIR_ACQUIRE) == 1)
        weir_check_assert(data == 1); /* is locked, so it is there */
}

static void elision_by_trylock(void)
{
    TOGETHER(elide_owner, elide_other);
}

/* E. G. Coffman, M. Elphick, A. Shoshani, "System Deadlocks", 1971. */
static void locks_forth(void)
{
    pthread_mutex_lock(&one);
    pthread_mutex_lock(&two); /* the second of them */
    inside();
    pthread_mutex_unlock(&two);
    pthread_mutex_unlock(&one);
}

static void locks_back(void)
{
    pthread_mutex_lock(mended ? &one : &two);
    pthread_mutex_lock(mended ? &two : &one); /* the second of them */
    inside();
    pthread_mutex_unlock(&one);
    pthread_mutex_unlock(&two);
}

static void circular_wait(void)
{
    TOGETHER(locks_forth, locks_back);
}

/* Readers of a counter that is guarded by one of two locks: C. Flanagan, S. Freund, "FastTrack",
 * PLDI 2009, and S. Savage and others, "Eraser", TOCS 1997, begin with it. */
static void guard_one(void)
{
    pthread_mutex_lock(&one);
    inside();
    pthread_mutex_unlock(&one);
}

static void guard_two(void)
{
    pthread_mutex_lock(mended ? &one : &two);
    inside();
    pthread_mutex_unlock(mended ? &one : &two);
}

static void wrong_lock(void)
{
    TOGETHER(guard_one, guard_two);
}

static const bug locks[] = {
    {"Dekker with acquire and release", dekker, WEIR_CHECK_RACE, "/* inside", {0}, false},
    {"Peterson with acquire and release", petersons_lock, WEIR_CHECK_RACE, "/* inside", {0}, false},
    {"Peterson: turn before flag", turn_before_flag, WEIR_CHECK_RACE, "/* inside", {0}, false},
    {"exchange for a fence", exchange_for_a_fence, WEIR_CHECK_RACE, "/* inside", {0}, false},
    {"relaxed unlock", relaxed_unlock, WEIR_CHECK_RACE, "/* inside", {0}, false},
    {"test, then set", test_then_set, WEIR_CHECK_RACE, "/* inside", {0}, false},
    {"ticket lock without acquire",
     ticket_without_acquire,
     WEIR_CHECK_RACE,
     "/* inside",
     {0},
     false},
    {"MCS: relaxed hand-over", mcs_relaxed_hand_over, WEIR_CHECK_RACE, "/* inside", {0}, false},
    {"MCS: forgets its successor",
     mcs_forgets_successor,
     WEIR_CHECK_SPIN,
     "for its turn",
     {0},
     false},
    {"CLH: relaxed unlock", clh_relaxed_unlock, WEIR_CHECK_RACE, "/* inside", {0}, false},
    {"CLH: its own node again",
     clh_own_node_again,
     WEIR_CHECK_SPIN,
     "predecessor's node",
     {0},
     false},
    {"reader leaves relaxed",
     reader_leaves_relaxed,
     WEIR_CHECK_RACE,
     "beside a writer",
     {0},
     false},
    {"two upgrades", two_upgrades, WEIR_CHECK_SPIN, "the only reader", {0}, false},
    {"elision by try-lock", elision_by_trylock, WEIR_CHECK_RACE, "so it is there", {0}, false},
    {"circular wait", circular_wait, WEIR_CHECK_DEADLOCK, "the second of them", {0}, false},
    {"wrong lock", wrong_lock, WEIR_CHECK_RACE, "/* inside", {0}, false},
};

BUG_TABLE(bugs_locks, locks);
