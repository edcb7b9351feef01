/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* aba_demo: a stack of recycled nodes, broken and whole, through the same schedule.
 *
 *     the sleeper                              the other
 *     looks: A is on top, B below it
 *                                              pops A, pops B and keeps it
 *                                              pushes D, pushes A: A, D, C
 *     finds A on top, as it was,
 *     and makes B the top: B, C
 *
 * The same pointer was not the same stack: D is lost, and B belongs to the other and is inside
 * too. weir_stack_index has a tag in the same word, which each removal advances: the sleeper's
 * compare-and-swap fails, it looks again, and takes A with D below it.
 *
 * To be stopped between its two halves, the pop is written out here, with the fields of
 * weir/stack.h. The program stress/step-stack stops the library's own at each of its instructions;
 * there, too, the broken one is found out. */

#include <weir/stack.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

enum { A, B, C, D, NODES };

static weir_stack_index stack;
WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char links[WEIR_CACHELINE];
static bool tagged;
static sem_t has_looked, may_go_on;

/* One attempt of a pop, in two halves; what it saw is in *head and *next. */
static void look(uint64_t *head, uint64_t *next)
{
    *head = weir_atomic_load(&stack.head, WEIR_ACQUIRE);
    /* relaxed: acquired with the head. */
    *next = weir_atomic_load(&stack.links[(*head & stack.mask) - 1], WEIR_RELAXED);
}

static bool swap(uint64_t *head, uint64_t next)
{
    const uint64_t tag = tagged ? (*head | stack.mask) + 1 : *head & ~stack.mask;

    return weir_atomic_cas(&stack.head, head, tag | next, WEIR_ACQUIRE, WEIR_ACQUIRE);
}

static uint32_t pop(void)
{
    uint64_t head, next;

    do {
        look(&head, &next);
    } while (!swap(&head, next));
    return (uint32_t)(head & stack.mask) - 1;
}

static void *sleeper(void *result)
{
    uint32_t *const got = (uint32_t *)result;
    uint64_t head, next;

    look(&head, &next);
    sem_post(&has_looked);
    sem_wait(&may_go_on); /* preempted here, for as long as it takes */
    *got = swap(&head, next) ? (uint32_t)(head & stack.mask) - 1 : pop();
    return NULL;
}

typedef struct damage {
    int doubled, lost;
} damage;

/* Returns: 0, or -1 if the demonstration did not come about. */
static int demonstrate(bool with_tag, damage *d)
{
    int owners[NODES] = {0};
    pthread_t thread;
    uint32_t slept = WEIR_STACK_NONE, a, b;

    tagged = with_tag;
    if (weir_stack_index_init(&stack, links, sizeof links, NODES, WEIR_STACK_EMPTY) != 0)
        return -1;
    for (uint32_t node = D; node-- > A;)
        (void)weir_stack_index_push(&stack, node); /* A, B, C; D is the other's */
    if (pthread_create(&thread, NULL, sleeper, &slept) != 0)
        return -1;
    sem_wait(&has_looked);
    a = pop();
    b = pop();
    (void)weir_stack_index_push(&stack, D);
    (void)weir_stack_index_push(&stack, a);
    sem_post(&may_go_on);
    pthread_join(thread, NULL);

    /* Who has what: the sleeper, the other, the stack. */
    owners[slept]++;
    owners[b]++;
    for (int i = 0; i < NODES && !weir_stack_index_empty(&stack); i++)
        owners[pop()]++;
    memset(d, 0, sizeof *d);
    for (int node = A; node < NODES; node++) {
        d->doubled += owners[node] > 1;
        d->lost += owners[node] == 0;
    }
    return weir_stack_index_destroy(&stack);
}

int main(void)
{
    damage naive, ours;

    if (sem_init(&has_looked, 0, 0) != 0 || sem_init(&may_go_on, 0, 0) != 0)
        return 1;
    if (demonstrate(false, &naive) != 0 || demonstrate(true, &ours) != 0)
        return 1;
    sem_destroy(&has_looked);
    sem_destroy(&may_go_on);
    if (naive.doubled != 1 || naive.lost != 1 || ours.doubled != 0 || ours.lost != 0) {
        fprintf(stderr, "without tag %d doubled, %d lost; with it %d and %d\n", naive.doubled,
                naive.lost, ours.doubled, ours.lost);
        return 1;
    }
    printf("OK aba_demo without_tag_doubled=%d without_tag_lost=%d with_tag_doubled=%d "
           "with_tag_lost=%d\n",
           naive.doubled, naive.lost, ours.doubled, ours.lost);
    return 0;
}
