/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* check_then_act [SEED]: looks first and acts afterwards, which is wrong with a second
 * actor about, and the call that does both at once, four times over.
 *
 * Two actors, A and B, do the same thing. A seeded scheduler lets one or the other take
 * its next step, so a schedule is a word like ABAB, and the same seed gives the same
 * one again. A step is a call that is indivisible by itself: each broken way needs two. */

#define _XOPEN_SOURCE 700

#include <weir/counter.h>
#include <weir/ticket.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCHEDULES = 1000, SLOTS = 4, KEY = 42, PRICE = 70, BALANCE = 100 };

static bool free_to_act[2]; /* what the check told each actor */
static int acted;           /* actors that believe they did it */
static bool sound;          /* nothing impossible has been seen */

/* ---- a file that must be created once ---- */

static char directory[] = "/tmp/check_then_act.XXXXXX", path[sizeof directory + 8];

static void file_reset(void)
{
    unlink(path);
}

static bool file_create(int flags)
{
    const int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);

    if (fd >= 0) {
        close(fd);
        acted++;
    }
    return false;
}

static bool file_broken(int who, int step)
{
    if (step == 0)
        return free_to_act[who] = access(path, F_OK) != 0;
    return file_create(0);
}

static bool file_fixed(int who, int step)
{
    (void)who, (void)step;
    return file_create(O_EXCL);
}

/* ---- a key that must be in a map once ---- */

static WEIR_ATOMIC(uint32_t) slots[SLOTS]; /* 0: vacant */

static void map_reset(void)
{
    for (int i = 0; i < SLOTS; i++)
        weir_atomic_init(&slots[i], i == 0 ? 7 : 0); /* another key is there already */
}

static bool map_broken(int who, int step)
{
    if (step == 0) {
        free_to_act[who] = true;
        for (int i = 0; i < SLOTS; i++)
            if (weir_atomic_load(&slots[i], WEIR_ACQUIRE) == KEY)
                free_to_act[who] = false;
        return free_to_act[who];
    }
    for (int i = 0; i < SLOTS; i++)
        if (weir_atomic_load(&slots[i], WEIR_ACQUIRE) == 0) {
            weir_atomic_store(&slots[i], KEY, WEIR_RELEASE);
            acted++;
            break;
        }
    return false;
}

/* Put if absent: one compare-and-swap a step, in the order in which all look. */
static bool map_fixed(int who, int step)
{
    uint32_t found = 0;

    (void)who;
    if (weir_atomic_cas(&slots[step], &found, KEY, WEIR_ACQ_REL, WEIR_ACQUIRE)) {
        acted++;
        return false;
    }
    return found != KEY && step + 1 < SLOTS;
}

/* ---- a job that must be done once ---- */

static weir_ticket *queue;

static void queue_reset(void)
{
    uintptr_t job;

    while (weir_ticket_try_dequeue(queue, &job))
        continue;
    sound = weir_ticket_try_enqueue(queue, KEY);
}

static bool queue_broken(int who, int step)
{
    uintptr_t job = 0;

    if (step == 0)
        return free_to_act[who] = weir_ticket_size_approx(queue) > 0;
    (void)weir_ticket_try_dequeue(queue, &job); /* "it is not empty, I looked" */
    sound = sound && job == KEY;
    acted++;
    return false;
}

static bool queue_fixed(int who, int step)
{
    uintptr_t job;

    (void)who, (void)step;
    if (weir_ticket_try_dequeue(queue, &job)) {
        sound = sound && job == KEY;
        acted++;
    }
    return false;
}

/* ---- a balance that lasts for one ---- */

static weir_counter spent;

static void balance_reset(void)
{
    weir_counter_init(&spent, 0);
}

static bool balance_broken(int who, int step)
{
    if (step == 0)
        return free_to_act[who] = weir_counter_read(&spent) + PRICE <= BALANCE;
    weir_counter_add(&spent, PRICE);
    acted++;
    return false;
}

static bool balance_fixed(int who, int step)
{
    (void)who, (void)step;
    if (weir_counter_add_limit(&spent, PRICE, BALANCE))
        acted++;
    return false;
}

/* ---- the scheduler ---- */

static const struct variant {
    const char *check, *act;
    void (*reset)(void);
    bool (*broken)(int who, int step); /* takes one step; returns whether more follow */
    bool (*fixed)(int who, int step);
} variants[] = {
    {"no such file", "create it", file_reset, file_broken, file_fixed},
    {"key not in the map", "insert it", map_reset, map_broken, map_fixed},
    {"queue not empty", "dequeue", queue_reset, queue_broken, queue_fixed},
    {"enough in the account", "debit it", balance_reset, balance_broken, balance_fixed},
};

static uint64_t next_random(uint64_t *seed) /* splitmix64 */
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Returns: whether exactly one actor acted, and nothing impossible was seen. */
static bool run(const struct variant *v, bool (*take)(int, int), uint64_t seed, char *schedule)
{
    bool more[2] = {true, true};
    int step[2] = {0, 0};

    acted = 0;
    sound = true;
    v->reset();
    while (more[0] || more[1]) {
        const int who = more[0] && more[1] ? (int)(next_random(&seed) & 1) : more[1];

        *schedule++ = "AB"[who];
        more[who] = take(who, step[who]++);
    }
    *schedule = '\0';
    return acted == 1 && sound;
}

int main(int argc, char **argv)
{
    const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    char schedule[2 * SLOTS + 1];
    int failures = 0;

    if (mkdtemp(directory) == NULL || weir_ticket_new(&queue, 1) != 0)
        return 1;
    snprintf(path, sizeof path, "%s/file", directory);
    for (const struct variant *v = variants; v < variants + 4; v++) {
        uint64_t broken = 0, fixed = 0;

        while (broken < SCHEDULES && run(v, v->broken, seed + broken, schedule))
            broken++;
        printf("%s? %s: ", v->check, v->act);
        if (broken < SCHEDULES && !run(v, v->broken, seed + broken, schedule))
            printf("caught with seed %" PRIu64 ", schedule %s, and again", seed + broken, schedule);
        else
            failures += printf("NOT CAUGHT");
        while (fixed < SCHEDULES && run(v, v->fixed, seed + fixed, schedule))
            fixed++;
        if (fixed == SCHEDULES)
            printf("; in one: held in all %d\n", SCHEDULES);
        else
            failures += printf("; in one: FAILED with seed %" PRIu64 "\n", seed + fixed);
    }
    queue_reset();
    (void)weir_ticket_try_dequeue(queue, &(uintptr_t){0});
    file_reset();
    if (rmdir(directory) != 0 || weir_ticket_free(queue) != 0 || failures > 0)
        return 1;
    printf("OK check_then_act variants=4 schedules=%d seed=%" PRIu64 "\n", SCHEDULES, seed);
    return 0;
}
