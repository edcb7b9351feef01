/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/bugs_reclaim.c: safe memory reclamation: hazards, epochs, counts, and objects that their
 * waiter destroys. */

#include "bugs.h"

static WEIR_ATOMIC(unsigned *) shared;
static WEIR_ATOMIC(unsigned *) hazard;
static WEIR_ATOMIC(unsigned) global_epoch, inside_epoch, count, flag;

static void share(void)
{
    unsigned *const object = (unsigned *)malloc(sizeof *object);

    *object = 7;
    weir_atomic_store(&shared, object, WEIR_RELEASE);
}

/* Not inline: where clang merges two calls, it knows no line. */
__attribute__((noinline)) static void unshare(void)
{
    free(weir_atomic_load(&shared, WEIR_RELAXED));
}

static void use(const unsigned *object)
{
    weir_check_assert(*object == 7); /* in use */
}

/* ---- hazard pointers (M. Michael, IEEE TPDS 15(6), 2004) ---- */

static void hazard_read(bool looks_again, bool fenced)
{
    unsigned *const object = weir_atomic_load(&shared, WEIR_ACQUIRE);

    if (object == NULL)
        return;
    weir_atomic_store(&hazard, object, WEIR_RELEASE);
    if (fenced)
        atomic_thread_fence(WEIR_SEQ_CST);
    if (!looks_again || weir_atomic_load(&shared, WEIR_ACQUIRE) == object)
        use(object);
    weir_atomic_store(&hazard, NULL, WEIR_RELEASE);
}

static void hazard_remove(void)
{
    unsigned *const object = weir_atomic_exchange(&shared, NULL, WEIR_ACQ_REL);

    atomic_thread_fence(WEIR_SEQ_CST);
    while (weir_atomic_load(&hazard, WEIR_ACQUIRE) == object)
        ;
    free(object); /* nobody holds it */
}

/* Without the second look at the source the object may have gone before the hazard was seen. */
static void hazard_read_once(void)
{
    hazard_read(mended, true);
}

static void hazard_without_second_look(void)
{
    share();
    TOGETHER(hazard_read_once, hazard_remove);
}

/* A hazard that is published with release only can be seen after the second look was made: the
 * usual mistake of ports from x86, where the paper needs a fence as well. */
static void hazard_read_unfenced(void)
{
    hazard_read(true, mended);
}

static void hazard_with_release(void)
{
    share();
    TOGETHER(hazard_read_unfenced, hazard_remove);
}

/* The hazard is cleared by a relaxed store: reads through it may come later. */
static void hazard_read_and_clear(void)
{
    unsigned *const object = weir_atomic_load(&shared, WEIR_ACQUIRE);

    weir_atomic_store(&hazard, object, WEIR_RELAXED);
    atomic_thread_fence(WEIR_SEQ_CST);
    if (object != NULL && weir_atomic_load(&shared, WEIR_ACQUIRE) == object)
        use(object);
    weir_atomic_store(&hazard, NULL, mend(WEIR_RELAXED, WEIR_RELEASE));
}

static void hazard_cleared_relaxed(void)
{
    share();
    TOGETHER(hazard_read_and_clear, hazard_remove);
}

/* Concurrency Kit, 51594ea: a scan collects more hazards than its array holds. */
enum { CACHED = 2, HELD = 3 };

static void scan(void)
{
    unsigned *const cache = (unsigned *)malloc((mended ? HELD : CACHED) * sizeof *cache);

    for (unsigned i = 0; i < HELD; i++)
        cache[i] = i; /* into the cache */
    free(cache);
}

static void scan_of_many(void)
{
    TOGETHER(scan);
}

/* ---- epochs ---- */

static void epoch_read(memory_order enters, bool fenced)
{
    const unsigned now = weir_atomic_load(&global_epoch, WEIR_RELAXED);
    const unsigned *object;

    weir_atomic_store(&inside_epoch, 2 * now + 1, enters);
    if (fenced)
        atomic_thread_fence(WEIR_SEQ_CST);
    object = weir_atomic_load(&shared, WEIR_ACQUIRE);
    if (object != NULL)
        use(object);
    weir_atomic_store(&inside_epoch, 0, WEIR_RELEASE);
}

/* Waits for the reader if it is inside, whatever its epoch. */
static void epoch_remove(void)
{
    unsigned *const object = weir_atomic_exchange(&shared, NULL, WEIR_ACQ_REL);

    atomic_thread_fence(WEIR_SEQ_CST);
    while (weir_atomic_load(&inside_epoch, WEIR_ACQUIRE) != 0)
        ;
    free(object); /* nobody is inside */
}

/* K. Fraser, UCAM-CL-TR-579, 2004, and all who enter by a release store: what is read inside may be
 * older than what the reclaimer did before it saw nobody. */
static void epoch_enter_released(void)
{
    epoch_read(WEIR_RELEASE, mended);
}

static void epoch_with_release(void)
{
    share();
    TOGETHER(epoch_enter_released, epoch_remove);
}

/* lfsmr, hazard eras, 2018: the era is published with release where seq_cst is wanted; a look
 * whether the clock has moved since does not help, as it may be read before. */
static void era_read(void)
{
    unsigned now = weir_atomic_load(&global_epoch, WEIR_ACQUIRE), again;
    const unsigned *object;

    for (;;) {
        weir_atomic_store(&inside_epoch, 2 * now + 1, mend(WEIR_RELEASE, WEIR_SEQ_CST));
        object = weir_atomic_load(&shared, mend(WEIR_ACQUIRE, WEIR_SEQ_CST));
        again = weir_atomic_load(&global_epoch, mend(WEIR_ACQUIRE, WEIR_SEQ_CST));
        if (again == now)
            break;
        now = again;
    }
    if (object != NULL)
        use(object);
    weir_atomic_store(&inside_epoch, 0, WEIR_RELEASE);
}

static void era_remove(void)
{
    unsigned *const object = weir_atomic_exchange(&shared, NULL, WEIR_SEQ_CST);

    weir_atomic_fetch_add(&global_epoch, 1, WEIR_SEQ_CST);
    while (weir_atomic_load(&inside_epoch, WEIR_SEQ_CST) == 1)
        ;
    free(object); /* of an era that nobody is in */
}

static void era_with_release(void)
{
    share();
    TOGETHER(era_read, era_remove);
}

/* Concurrency Kit, d24fc27, 2017: one reader that is idle counts as all of them when the scan goes
 * on. */
static WEIR_ATOMIC(unsigned) active[2];

static void section_of_0(void)
{
    weir_atomic_store(&active[0], 1, WEIR_SEQ_CST);
    weir_atomic_store(&active[0], 0, WEIR_SEQ_CST);
}

static void section_of_1(void)
{
    const unsigned *object;

    weir_atomic_store(&active[1], 1, WEIR_SEQ_CST);
    object = weir_atomic_load(&shared, WEIR_SEQ_CST);
    if (object != NULL)
        use(object);
    weir_atomic_store(&active[1], 0, WEIR_SEQ_CST);
}

static void wait_for_readers(void)
{
    unsigned *const object = weir_atomic_exchange(&shared, NULL, WEIR_SEQ_CST);

    for (unsigned i = 0; i < 2; i++) {
        while (weir_atomic_load(&active[i], WEIR_SEQ_CST) != 0)
            ;
        if (!mended)
            break; /* somebody is idle */
    }
    free(object); /* all are idle */
}

static void one_is_idle(void)
{
    share();
    TOGETHER(section_of_0, section_of_1, wait_for_readers);
}

/* M. Desnoyers and others, "User-Level Implementations of Read-Copy Update", IEEE TPDS 23(2), 2012:
 * one change of the phase is not enough. A reader that has read the phase, and not said so yet, is
 * taken for a new one by the grace period after the next. */
static void phase_read(void)
{
    const unsigned phase = weir_atomic_load(&global_epoch, WEIR_SEQ_CST) & 1;
    const unsigned *object;

    weir_atomic_store(&inside_epoch, 2 + phase, WEIR_SEQ_CST);
    object = weir_atomic_load(&shared, WEIR_SEQ_CST);
    if (object != NULL)
        use(object);
    weir_atomic_store(&inside_epoch, 0, WEIR_SEQ_CST);
}

static void change_phase(void)
{
    const unsigned now = weir_atomic_fetch_add(&global_epoch, 1, WEIR_SEQ_CST) + 1;

    while (weir_atomic_load(&inside_epoch, WEIR_SEQ_CST) == 2 + (~now & 1))
        ;
}

static void phase_remove(void)
{
    unsigned *object;

    change_phase();
    if (mended)
        change_phase();
    object = weir_atomic_exchange(&shared, NULL, WEIR_SEQ_CST);
    change_phase();
    if (mended)
        change_phase();
    free(object); /* of the second grace period */
}

static void single_phase_flip(void)
{
    share();
    TOGETHER(phase_read, phase_remove);
}

/* ---- counts ---- */

static void drop(memory_order order)
{
    if (weir_atomic_fetch_sub(&count, 1, order) == 1)
        unshare(); /* the last one */
}

static void count_is(unsigned n)
{
    share();
    weir_atomic_store(&count, n, WEIR_RELAXED);
}

/* H. Boehm's and boost's counted pointers, and Rust's Arc, all say why: the last one to let go must
 * see all that the others did with the object. */
static void use_and_drop(void)
{
    use(weir_atomic_load(&shared, WEIR_RELAXED));
    drop(mend(WEIR_RELAXED, WEIR_ACQ_REL));
}

static void relaxed_decrement(void)
{
    count_is(2);
    TOGETHER(use_and_drop, use_and_drop);
}

/* With release alone the others' uses are before their decrements, but the free is after nobody's.
 */
static void use_and_release(void)
{
    use(weir_atomic_load(&shared, WEIR_RELAXED));
    drop(mend(WEIR_RELEASE, WEIR_ACQ_REL));
}

static void decrement_without_acquire(void)
{
    count_is(2);
    TOGETHER(use_and_release, use_and_release);
}

/* Linux, Documentation/kref.rst, warns of it: decrement, and then look. */
static void drop_then_look(void)
{
    if (mended) {
        drop(WEIR_ACQ_REL);
        return;
    }
    weir_atomic_fetch_sub(&count, 1, WEIR_ACQ_REL);
    if (weir_atomic_load(&count, WEIR_ACQUIRE) == 0)
        unshare(); /* each thinks that it is the last */
}

static void both_are_last(void)
{
    count_is(2);
    TOGETHER(drop_then_look, drop_then_look);
}

/* folly, futures, d0edf4c66, 2021: a reference is taken by an increment although there may be none
 * left; the object goes twice. */
static void take_and_drop(void)
{
    unsigned is = weir_atomic_load(&count, WEIR_RELAXED);

    if (mended)
        do {
            if (is == 0)
                return;
        } while (!weir_atomic_cas(&count, &is, is + 1, WEIR_RELAXED, WEIR_RELAXED));
    else
        weir_atomic_fetch_add(&count, 1, WEIR_RELAXED);
    drop(WEIR_ACQ_REL);
}

static void drop_own(void)
{
    drop(WEIR_ACQ_REL);
}

static void reference_out_of_nothing(void)
{
    count_is(1);
    TOGETHER(take_and_drop, drop_own);
}

/* ---- destroyed by the waiter ---- */

typedef struct semaphore {
    WEIR_ATOMIC(unsigned) value, waiters;
} semaphore;
static WEIR_ATOMIC(semaphore *) given;

/* glibc, bug 12674: sem_post() gave the value away, and then looked whether anybody waits, in a
 * semaphore that the waiter had destroyed by then. */
static void poster(void)
{
    semaphore *const s = weir_atomic_load(&given, WEIR_ACQUIRE);
    bool waits = false;

    if (mended)
        waits = weir_atomic_load(&s->waiters, WEIR_RELAXED) != 0;
    weir_atomic_fetch_add(&s->value, 1, WEIR_RELEASE);
    if (!mended)
        waits = weir_atomic_load(&s->waiters, WEIR_RELAXED) != 0; /* after the post */
    weir_atomic_store(&flag, waits, WEIR_RELAXED);
}

static void waiter(void)
{
    semaphore *const s = weir_atomic_load(&given, WEIR_ACQUIRE);

    while (weir_atomic_load(&s->value, WEIR_ACQUIRE) == 0)
        ;
    free(s);
}

static void post_after_destruction(void)
{
    semaphore *const s = (semaphore *)calloc(1, sizeof *s);

    weir_atomic_store(&given, s, WEIR_RELAXED);
    TOGETHER(poster, waiter);
}

/* liburcu, urcu-wait, 2023: the waiter's node is on its stack. It polls the flag that ends the
 * waker's last use with a relaxed load, and returns. */
typedef struct wait_node {
    WEIR_ATOMIC(unsigned) state;
    unsigned result;
} wait_node;
static WEIR_ATOMIC(wait_node *) waiting;

enum { WAITING, WOKEN, TORN_DOWN };

static void wake(void)
{
    wait_node *n;

    while ((n = weir_atomic_load(&waiting, WEIR_ACQUIRE)) == NULL)
        ;
    weir_atomic_store(&n->state, WOKEN, WEIR_RELEASE);
    n->result = 7; /* the waker's last use */
    weir_atomic_store(&n->state, TORN_DOWN, WEIR_RELEASE);
}

static void wait_for_wake(void)
{
    wait_node *const n = (wait_node *)calloc(1, sizeof *n);

    weir_atomic_store(&waiting, n, WEIR_RELEASE);
    while (weir_atomic_load(&n->state, mend(WEIR_RELAXED, WEIR_ACQUIRE)) != TORN_DOWN)
        ;
    free(n); /* the waiter's node */
}

static void waiter_polls_relaxed(void)
{
    TOGETHER(wait_for_wake, wake);
}

/* Linux, wait_for_completion_timeout() and its users again and again: whoever gives up takes the
 * object, which is on his stack, with him. */
static WEIR_ATOMIC(WEIR_ATOMIC(unsigned) *) completion;

static void complete(void)
{
    WEIR_ATOMIC(unsigned) *const c = weir_atomic_exchange(&completion, NULL, WEIR_ACQUIRE);

    if (c != NULL)
        weir_atomic_store(c, 1, WEIR_RELEASE); /* on whose stack? */
}

static void give_up(void)
{
    WEIR_ATOMIC(unsigned) done = 0;

    weir_atomic_store(&completion, &done, WEIR_RELEASE);
    if (!mended || weir_atomic_exchange(&completion, NULL, WEIR_ACQ_REL) != NULL)
        return;
    while (weir_atomic_load(&done, WEIR_ACQUIRE) == 0)
        ;
}

static void completion_on_the_stack(void)
{
    TOGETHER(complete, give_up);
}

static const bug reclaim[] = {
    {"hazard without a second look",
     hazard_without_second_look,
     WEIR_CHECK_USE_AFTER_FREE,
     "nobody holds it",
     {0},
     false},
    {"hazard with release",
     hazard_with_release,
     WEIR_CHECK_USE_AFTER_FREE,
     "nobody holds it",
     {0},
     false},
    {"hazard is cleared relaxed",
     hazard_cleared_relaxed,
     WEIR_CHECK_USE_AFTER_FREE,
     "nobody holds it",
     {0},
     false},
    {"scan of too many", scan_of_many, WEIR_CHECK_OUT_OF_BOUNDS, "into the cache", {0}, false},
    {"epoch with release",
     epoch_with_release,
     WEIR_CHECK_USE_AFTER_FREE,
     "nobody is inside",
     {0},
     false},
    {"era with release", era_with_release, WEIR_CHECK_USE_AFTER_FREE, "nobody is in", {0}, false},
    {"one is idle", one_is_idle, WEIR_CHECK_USE_AFTER_FREE, "all are idle", {0}, false},
    {"a single change of phase",
     single_phase_flip,
     WEIR_CHECK_USE_AFTER_FREE,
     "the second grace period",
     {0},
     false},
    {"relaxed decrement", relaxed_decrement, WEIR_CHECK_USE_AFTER_FREE, "in use", {0}, false},
    {"decrement without acquire",
     decrement_without_acquire,
     WEIR_CHECK_USE_AFTER_FREE,
     "in use",
     {0},
     false},
    {"both are last", both_are_last, WEIR_CHECK_DOUBLE_FREE, "free(", {0}, false},
    {"a reference out of nothing",
     reference_out_of_nothing,
     WEIR_CHECK_DOUBLE_FREE,
     "free(",
     {0},
     false},
    {"post after destruction",
     post_after_destruction,
     WEIR_CHECK_USE_AFTER_FREE,
     "after the post",
     {0},
     false},
    {"waiter polls relaxed",
     waiter_polls_relaxed,
     WEIR_CHECK_USE_AFTER_FREE,
     "the waiter's node",
     {0},
     false},
    {"completion on the stack",
     completion_on_the_stack,
     WEIR_CHECK_USE_AFTER_RETURN,
     "on whose stack",
     {0},
     false},
};

BUG_TABLE(bugs_reclaim, reclaim);
