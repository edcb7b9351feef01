/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/sem.h under the step harness: what does not wait blocks nobody and answers truly, alone and
 * with others in the list; and wherever a thread stands still in what waits. Those in the list are
 * bystanders without threads. lib/sem.c is compiled in, so that its waits, whose deadline has
 * passed, go into the list all the same, at once, and leave it without a sleep: by the clock no two
 * runs would be the same. The barrier has nothing that does not wait. */

#include "step-word.h"

#include "../lib/wait.h"

#define weir__spin_again(spin) ((void)(spin), false)
#define weir_clock_passed(deadline) ((void)(deadline), false)
#include "../lib/sem.c"
#undef weir__spin_again
#undef weir_clock_passed

/* Own instructions of what is wait-free: half as many again as the most that gcc or clang make of
 * it at -O0, which is 53; at -O2 it is 13. */
#define WAIT_FREE 80

/* ---- nobody in the list: a number ---- */

static weir_sem sem;
static weir_latch latch;
static weir_wait_group group;

static uint64_t try_acquire(uint64_t n)
{
    return weir_sem_try_acquire(&sem, (uint32_t)n) == 0;
}

static uint64_t try_acquire_model(uint64_t *word, uint64_t n)
{
    if (*word < n)
        return false;
    *word -= n;
    return true;
}

static uint64_t release(uint64_t n)
{
    weir_sem_release(&sem, (uint32_t)n);
    return 0;
}

static uint64_t raise_model(uint64_t *word, uint64_t n)
{
    *word += n;
    return 0;
}

static uint64_t available(uint64_t unused)
{
    (void)unused;
    return weir_sem_available_approx(&sem);
}

static uint64_t read_model(uint64_t *word, uint64_t unused)
{
    (void)unused;
    return *word;
}

static uint64_t count_down(uint64_t n)
{
    weir_latch_count_down(&latch, (uint32_t)n);
    return 0;
}

static uint64_t lower_model(uint64_t *word, uint64_t n)
{
    *word -= n;
    return 0;
}

static uint64_t is_open(uint64_t unused)
{
    (void)unused;
    return weir_latch_try_wait(&latch);
}

static uint64_t zero_model(uint64_t *word, uint64_t unused)
{
    (void)unused;
    return *word == 0;
}

static uint64_t latch_pending(uint64_t unused)
{
    (void)unused;
    return weir_latch_pending_approx(&latch);
}

static uint64_t add(uint64_t n)
{
    weir_wait_group_add(&group, (uint32_t)n);
    return 0;
}

static uint64_t done(uint64_t unused)
{
    (void)unused;
    weir_wait_group_done(&group);
    return 0;
}

static uint64_t is_done(uint64_t unused)
{
    (void)unused;
    return weir_wait_group_try_wait(&group);
}

static uint64_t group_pending(uint64_t unused)
{
    (void)unused;
    return weir_wait_group_pending_approx(&group);
}

static void make_sem(uint64_t permits)
{
    weir_sem_init(&sem, (uint32_t)permits);
}

static void make_latch(uint64_t count)
{
    weir_latch_init(&latch, (uint32_t)count);
}

static void make_group(uint64_t count)
{
    weir_wait_group_init(&group);
    weir_wait_group_add(&group, (uint32_t)count);
}

static uint64_t read_sem(void)
{
    return weir_sem_available_approx(&sem);
}

static uint64_t read_latch(void)
{
    return weir_latch_pending_approx(&latch);
}

static uint64_t read_group(void)
{
    return weir_wait_group_pending_approx(&group);
}

static const word_operation sem_operations[] = {
    {"sem_try_acquire", try_acquire, try_acquire_model, 1, 0, 0},
    {"sem_try_acquire (two)", try_acquire, try_acquire_model, 2, 0, 0},
    {"sem_release", release, raise_model, 1, 0, 0},
    {"sem_available_approx", available, read_model, 0, WAIT_FREE, 0},
};

static const word_operation latch_operations[] = {
    {"latch_count_down", count_down, lower_model, 1, 0, 1},
    {"latch_try_wait", is_open, zero_model, 0, WAIT_FREE, 0},
    {"latch_pending_approx", latch_pending, read_model, 0, WAIT_FREE, 0},
};

static const word_operation group_operations[] = {
    {"wait_group_add", add, raise_model, 1, 0, 0},
    {"wait_group_done", done, lower_model, 1, 0, 1},
    {"wait_group_try_wait", is_done, zero_model, 0, WAIT_FREE, 0},
    {"wait_group_pending_approx", group_pending, read_model, 0, WAIT_FREE, 0},
};

static const word_object sem_object = {make_sem, read_sem, sem_operations, COUNT(sem_operations)};
static const word_object latch_object = {make_latch, read_latch, latch_operations,
                                         COUNT(latch_operations)};
static const word_object group_object = {make_group, read_group, group_operations,
                                         COUNT(group_operations)};

/* ---- others in the list ---- */

enum { BYSTANDERS = 3 };

/* Permits that they want: so many in all. */
static const uint32_t wants[BYSTANDERS] = {2, 1, 1};
#define ALL_WANT 4U

static weir_sleeper bystander[BYSTANDERS];
static WEIR_ATOMIC(uint32_t) released, taken, acts;
static int status; /* of what the victim waits for; 1: for nothing */

static uint32_t look(WEIR_ATOMIC(uint32_t) * number)
{
    return weir_atomic_load(number, WEIR_RELAXED); /* relaxed: a number. */
}

static uint32_t count(WEIR_ATOMIC(uint32_t) * number, uint32_t n)
{
    return weir_atomic_fetch_add(number, n, WEIR_RELAXED); /* relaxed: a number. */
}

static void begin(void)
{
    weir_atomic_init(&released, 0);
    weir_atomic_init(&taken, 0);
    weir_atomic_init(&acts, 0);
    status = 1;
}

/* Alone: as those who wait put themselves into the list. */
static void bystanders_enter(weir__wait_queue *queue)
{
    for (int i = 0; i < BYSTANDERS; i++) {
        weir_waiter_init(&bystander[i].waiter);
        bystander[i].node.waiter = &bystander[i].waiter;
        bystander[i].node.arm = wants[i];
        weir__queue_push(queue, &bystander[i].node);
    }
    /* relaxed: alone. */
    weir_atomic_fetch_or(&queue->word, WEIR__WAITERS, WEIR_RELAXED);
}

static bool was_served(int i)
{
    return (weir__waiter_reset(&bystander[i].waiter) & WEIR__PHASE) == WEIR__DONE;
}

/* ---- of a semaphore ---- */

static void empty(void *state)
{
    (void)state;
    begin();
    make_sem(0);
}

static void crowded(void *state)
{
    empty(state);
    bystanders_enter(&sem.queue);
}

static void crowded_with_one(void *state)
{
    crowded(state);
    release(1);
    count(&released, 1);
}

static void releases(void *state)
{
    (void)state;
    count(&released, 1);
    weir_sem_release(&sem, 1);
}

static void releases_all(void *state)
{
    (void)state;
    count(&released, ALL_WANT + 1);
    weir_sem_release(&sem, ALL_WANT + 1);
}

static void tries(void *state)
{
    (void)state;
    if (weir_sem_try_acquire(&sem, 1) == 0)
        count(&taken, 1);
}

static void acquires(void *state)
{
    (void)state;
    status = weir_sem_acquire(&sem, 1, 1, NULL);
    if (status == 0)
        count(&taken, 1);
}

static void counts_waiters(void *state)
{
    (void)state;
    if (weir_sem_waiters_approx(&sem) > BYSTANDERS)
        weir_step_false("more wait than there are");
}

/* Of bystanders in the list: those who come first are served as far as the permits go, nobody has
 * come past them, and no permit is lost. */
static void permits_are_where_they_belong(void *state)
{
    const uint32_t left = weir_sem_available_approx(&sem);
    uint32_t given = 0;
    int served = 0;

    (void)state;
    while (served < BYSTANDERS && was_served(served))
        given += wants[served++];
    for (int i = served; i < BYSTANDERS; i++)
        if (was_served(i))
            weir_step_false("one that came later was served before");
    if (given + look(&taken) + left != look(&released))
        weir_step_false("a permit was lost, or doubled");
    if (served < BYSTANDERS && left >= wants[served])
        weir_step_false("there are permits, and who wants them waits");
    if (served < BYSTANDERS && look(&taken) > 0)
        weir_step_false("somebody came past those who wait");
    if (weir_sem_destroy(&sem) != (served < BYSTANDERS ? -EBUSY : 0))
        weir_step_false("the list is not as it should be");
    if (status != 0 && status != 1 && status != -ETIMEDOUT)
        weir_step_false("an acquire said something else");
}

/* Without bystanders. */
static void nothing_is_lost(void *state)
{
    (void)state;
    if (look(&taken) + weir_sem_available_approx(&sem) != look(&released))
        weir_step_false("a permit was lost, or doubled");
    if (weir_sem_destroy(&sem) != 0)
        weir_step_false("somebody was left in the list");
    if (status != 0 && status != -ETIMEDOUT)
        weir_step_false("an acquire said something else");
}

/* ---- of a latch, and of a wait group ---- */

static void latch_of_two(void *state)
{
    (void)state;
    begin();
    make_latch(2);
    bystanders_enter(&latch.queue);
}

static void latch_of_one(void *state)
{
    (void)state;
    begin();
    make_latch(1);
}

static void latch_of_one_crowded(void *state)
{
    latch_of_one(state);
    bystanders_enter(&latch.queue);
}

static void group_of_one(void *state)
{
    (void)state;
    begin();
    make_group(1);
    bystanders_enter(&group.queue);
}

static void group_of_one_alone(void *state)
{
    (void)state;
    begin();
    make_group(1);
}

static void counts_down(void *state)
{
    (void)state;
    weir_latch_count_down(&latch, 1);
}

/* Open and counted down are the same. */
static void looks(void *state)
{
    const bool open = weir_latch_try_wait(&latch);

    (void)state;
    if (open != (weir_latch_pending_approx(&latch) == 0))
        weir_step_false("open, and something to be counted down; or neither");
}

/* Once, though the victim is stopped twice. */
static void counts_down_once(void *state)
{
    if (count(&acts, 1) == 0)
        counts_down(state);
}

static void is_done_with_one(void *state)
{
    (void)state;
    weir_wait_group_done(&group);
}

static void is_done_with_one_once(void *state)
{
    if (count(&acts, 1) == 0)
        is_done_with_one(state);
}

static void adds_and_is_done(void *state)
{
    (void)state;
    weir_wait_group_add(&group, 1);
    weir_wait_group_done(&group);
}

static void awaits_latch(void *state)
{
    (void)state;
    status = weir_latch_wait(&latch, 1, NULL);
}

static void awaits_group(void *state)
{
    (void)state;
    status = weir_wait_group_wait(&group, 1, NULL);
}

static void counts_latch_waiters(void *state)
{
    (void)state;
    if (weir_latch_waiters_approx(&latch) > BYSTANDERS)
        weir_step_false("more wait than there are");
}

static void all_were_served(void)
{
    for (int i = 0; i < BYSTANDERS; i++)
        if (!was_served(i))
            weir_step_false("one who waited was not woken");
}

static void latch_is_open(void *state)
{
    (void)state;
    all_were_served();
    if (!weir_latch_try_wait(&latch) || weir_latch_destroy(&latch) != 0)
        weir_step_false("the latch is not open, or somebody was left");
}

static void group_is_done(void *state)
{
    (void)state;
    all_were_served();
    if (!weir_wait_group_try_wait(&group) || weir_wait_group_destroy(&group) != 0)
        weir_step_false("the group is not at 0, or somebody was left");
}

/* Without bystanders. */
static void the_wait_has_ended(void *state)
{
    (void)state;
    if (status != 0 && status != -ETIMEDOUT)
        weir_step_false("a wait said something else");
    if (weir_latch_destroy(&latch) != 0 || weir_wait_group_destroy(&group) != 0)
        weir_step_false("somebody was left in the list");
}

/* One of the two counts is the victim's; the other may come only when it has ended. */
static void other_half_and_open(void *state)
{
    if (look(&acts) == 0)
        counts_down(state);
    latch_is_open(state);
}

/* ---- the table ---- */

#define PLAN(operation, against, setup, victim, first, second, check)       \
    {                                                                       \
        operation, against, setup, victim, {first, second}, check, 0, false \
    }
#define PERMITS permits_are_where_they_belong

static const weir_step_plan plans[] = {
    PLAN("sem_release (crowded)", "sem_release", crowded, releases, releases, NULL, PERMITS),
    PLAN("sem_release (crowded)", "sem_try_acquire", crowded_with_one, releases, tries, NULL,
         PERMITS),
    PLAN("sem_release (crowded)", "sem_release + sem_try_acquire", crowded_with_one, releases,
         releases, tries, PERMITS),
    PLAN("sem_release (for all)", "sem_release + sem_try_acquire", crowded, releases_all, releases,
         tries, PERMITS),
    PLAN("sem_try_acquire (crowded)", "sem_release", crowded_with_one, tries, releases, NULL,
         PERMITS),
    PLAN("sem_try_acquire (crowded)", "sem_release (for all)", crowded, tries, releases_all, NULL,
         PERMITS),
    PLAN("sem_waiters_approx", "sem_release", crowded, counts_waiters, releases, NULL, PERMITS),
    PLAN("sem_waiters_approx", "sem_release + sem_try_acquire", crowded_with_one, counts_waiters,
         releases, tries, PERMITS),
    PLAN("sem_waiters_approx", "sem_release (for all)", crowded, counts_waiters, releases_all, NULL,
         PERMITS),
    PLAN("sem_acquire", "sem_release", empty, acquires, releases, NULL, nothing_is_lost),
    PLAN("sem_acquire", "sem_release + sem_try_acquire", empty, acquires, releases, tries,
         nothing_is_lost),
    PLAN("sem_acquire (crowded)", "sem_release (for all)", crowded, acquires, releases_all, NULL,
         PERMITS),
    PLAN("latch_count_down (crowded)", "latch_count_down", latch_of_two, counts_down,
         counts_down_once, NULL, other_half_and_open),
    PLAN("latch_count_down (the last)", "latch_try_wait", latch_of_one_crowded, counts_down, looks,
         NULL, latch_is_open),
    PLAN("latch_count_down (the last)", "latch_try_wait + latch_pending_approx",
         latch_of_one_crowded, counts_down, looks, looks, latch_is_open),
    PLAN("latch_waiters_approx", "latch_count_down", latch_of_one, counts_latch_waiters,
         counts_down_once, NULL, NULL),
    PLAN("latch_wait", "latch_count_down", latch_of_one, awaits_latch, counts_down_once, NULL,
         the_wait_has_ended),
    PLAN("wait_group_done (crowded)", "wait_group_add, wait_group_done", group_of_one,
         is_done_with_one, adds_and_is_done, NULL, group_is_done),
    PLAN("wait_group_done (crowded)", "two that add and are done", group_of_one, is_done_with_one,
         adds_and_is_done, adds_and_is_done, group_is_done),
    PLAN("sem_acquire (crowded)", "sem_release + sem_try_acquire", crowded, acquires, releases,
         tries, PERMITS),
    PLAN("wait_group_wait", "wait_group_done", group_of_one_alone, awaits_group,
         is_done_with_one_once, NULL, the_wait_has_ended),
};

int main(void)
{
    static const uint64_t words[] = {0, 1, 2, 3};

    weir_step_begin("step-sem");
    word_matrix(&sem_object, words, COUNT(words));
    word_matrix(&latch_object, words, COUNT(words));
    word_matrix(&group_object, words, COUNT(words));
    for (size_t i = 0; i < COUNT(plans); i++) {
        weir_step_row row;

        memset(&row, 0, sizeof row);
        weir_step_sweep(&plans[i], NULL, &row);
        weir_step_report(&row);
    }
    return weir_step_end();
}
