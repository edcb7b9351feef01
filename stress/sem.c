/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/sem.c: semaphore, latch, wait group and barrier.
 *
 *   limit    threads acquire some permits, with and without deadlines and tokens, and in
 *            vain: never more than there are, all back in the end, the permits carry what was
 *            done under them; how many others were served while one waited is printed
 *   lives    who has waited overwrites the object at once: nobody else may touch it any more
 *   rounds   threads meet, one of them slow now and then (peer bug R27)
 *   signals  the same as limit, while a thread sends signals to all others (R14, U27)
 */

#include "stress.h"

#include <weir/sem.h>

#include <signal.h>

enum { LINE = WEIR_CACHELINE };

static stress s;
static stress_rng rngs[STRESS_MAX_THREADS];
static unsigned numbers[STRESS_MAX_THREADS];

/* ---- limit ---- */

static struct {
    weir_sem sem;
    uint32_t permits;
    WEIR_ALIGNAS(LINE) WEIR_ATOMIC(uint32_t) inside; /* permits that are held */
    WEIR_ATOMIC(uint32_t) most;
    WEIR_ATOMIC(uint64_t) served; /* acquires that came about */
    WEIR_ATOMIC(uint64_t) passed; /* most of them while one waited */
    WEIR_ATOMIC(uint64_t) late, cancelled, refused;
    uint64_t plain; /* who has all permits writes it */
    WEIR_ATOMIC(uint64_t) alone;
} limit;

static void count(WEIR_ATOMIC(uint64_t) * number)
{
    weir_atomic_fetch_add(number, 1, WEIR_RELAXED); /* relaxed: a number. */
}

static uint64_t read_count(WEIR_ATOMIC(uint64_t) * number)
{
    return weir_atomic_load(number, WEIR_RELAXED); /* relaxed: a number. */
}

/* Returns: whether it has them. */
static bool try_to_enter(stress_rng *rng, uint32_t n)
{
    weir_cancel_source source;
    int status;

    switch (stress_below(rng, 8)) {
    case 0:
        status = weir_sem_try_acquire(&limit.sem, n);
        break;
    case 1:
        status = weir_sem_acquire(&limit.sem, n, weir_clock_after(stress_below(rng, 100000)), NULL);
        break;
    case 2:
        weir_cancel_source_init(&source, NULL, weir_clock_after(stress_below(rng, 100000)));
        status = weir_sem_acquire(&limit.sem, n, WEIR_FOREVER, weir_cancel_source_token(&source));
        if (weir_cancel_source_destroy(&source) != 0)
            stress_fail(&s, "a token is used after its wait");
        break;
    default:
        status = weir_sem_acquire(&limit.sem, n, WEIR_FOREVER, NULL);
        if (status != 0)
            stress_fail(&s, "a wait without an end ended with %d", status);
    }
    if (status == -ETIMEDOUT)
        count(&limit.late);
    else if (status == -ECANCELED)
        count(&limit.cancelled);
    else if (status == -EAGAIN || status == -EBUSY)
        count(&limit.refused);
    else if (status != 0)
        stress_fail(&s, "an acquire said %d", status);
    return status == 0;
}

static void raise_to(WEIR_ATOMIC(uint64_t) * most, uint64_t value)
{
    uint64_t known = read_count(most);

    /* relaxed: a number. */
    while (value > known && !weir_atomic_cas(most, &known, value, WEIR_RELAXED, WEIR_RELAXED))
        continue;
}

static void limit_body(void *argument)
{
    stress_rng *const rng = &rngs[*(unsigned *)argument];

    while (!stress_stopping(&s)) {
        const uint32_t n = 1 + (uint32_t)stress_below(rng, limit.permits);
        const uint64_t before = read_count(&limit.served);
        uint32_t inside, most;

        if (!try_to_enter(rng, n))
            continue;
        raise_to(&limit.passed, read_count(&limit.served) - before);
        count(&limit.served);
        /* relaxed: no more than the permits are ever there at once, in any order. */
        inside = weir_atomic_fetch_add(&limit.inside, n, WEIR_RELAXED) + n;
        if (inside > limit.permits)
            stress_fail(&s, "%" PRIu32 " of %" PRIu32 " permits are held", inside, limit.permits);
        most = weir_atomic_load(&limit.most, WEIR_RELAXED); /* relaxed: a number; so below. */
        while (inside > most &&
               !weir_atomic_cas(&limit.most, &most, inside, WEIR_RELAXED, WEIR_RELAXED))
            continue;
        if (n == limit.permits) {
            limit.plain++;
            count(&limit.alone);
        }
        stress_maybe_yield(rng, 64);
        weir_atomic_fetch_sub(&limit.inside, n, WEIR_RELAXED); /* relaxed: see above. */
        weir_sem_release(&limit.sem, n);
    }
}

static void limit_round(uint32_t permits, uint64_t ns, void (*body)(void *))
{
    limit.permits = permits;
    weir_sem_init(&limit.sem, permits);
    /* relaxed: alone. */
    weir_atomic_store(&limit.most, 0, WEIR_RELAXED);
    stress_run(&s, s.threads, body, numbers, sizeof numbers[0], ns);
    if (limit.plain != read_count(&limit.alone))
        stress_fail(&s, "%" PRIu64 " of %" PRIu64 " changes under all permits are lost",
                    read_count(&limit.alone) - limit.plain, read_count(&limit.alone));
    if (weir_sem_available_approx(&limit.sem) != permits || weir_sem_destroy(&limit.sem) != 0)
        stress_fail(&s, "%" PRIu32 " of %" PRIu32 " permits are left",
                    weir_sem_available_approx(&limit.sem), permits);
}

/* ---- signals ---- */

static pthread_t targets[STRESS_MAX_THREADS];
static WEIR_ATOMIC(uint32_t) target_count;
static WEIR_ATOMIC(uint64_t) signals;

static void nothing(int number)
{
    (void)number;
    weir_atomic_fetch_add(&signals, 1, WEIR_RELAXED); /* relaxed: a number. */
}

/* Thread 0 sends; the others are as in limit, and stay until it has stopped. */
static void signals_body(void *argument)
{
    const unsigned number = *(unsigned *)argument;
    stress_rng *const rng = &rngs[number];

    if (number != 0) {
        targets[number] = pthread_self();
        /* sync(target): release. Pairs with the load below. */
        weir_atomic_fetch_add(&target_count, 1, WEIR_RELEASE);
        limit_body(argument);
        /* sync(left): acquire. Pairs with the store below: nobody is sent a signal after its end.
         */
        while (weir_atomic_load(&target_count, WEIR_ACQUIRE) != 0)
            sched_yield();
        return;
    }
    /* sync(target): acquire. Pairs with the others', above. */
    while (weir_atomic_load(&target_count, WEIR_ACQUIRE) != s.threads - 1)
        sched_yield();
    while (!stress_stopping(&s)) {
        (void)pthread_kill(targets[1 + stress_below(rng, s.threads - 1)], SIGUSR1);
        stress_maybe_yield(rng, 4);
    }
    /* sync(left): release. Pairs with the load above. */
    weir_atomic_store(&target_count, 0, WEIR_RELEASE);
}

/* ---- lives ---- */

enum { GRAVES = 16, DEAD = 0x5a };

typedef struct body {
    union {
        weir_sem sem;
        weir_latch latch;
        weir_wait_group group;
    } is;
    unsigned kind;
} body;

/* Three threads: one makes an object, waits for the others to let it go on, and overwrites it. */
enum { FAMILY = 3, HELPERS = FAMILY - 1 };

typedef struct family {
    struct {
        WEIR_ALIGNAS(LINE) WEIR_ATOMIC(body *) born;
    } of[HELPERS];
    WEIR_ATOMIC(uint32_t) over;
    body graves[GRAVES]; /* what is dead rests for a while */
    uint64_t lives;
} family;

static family families[STRESS_MAX_THREADS / FAMILY];

static void bury(body *b)
{
    memset((void *)b, DEAD, sizeof *b);
}

static void check_dead(const body *b)
{
    const unsigned char *const bytes = (const unsigned char *)(const void *)b;

    for (size_t i = 0; i < sizeof *b; i++)
        if (bytes[i] != DEAD)
            stress_fail(&s, "an object was written to after its last wait, at byte %zu", i);
}

static void live(family *f, stress_rng *rng, body *b)
{
    int status;

    check_dead(b);
    b->kind = (unsigned)stress_below(rng, 3);
    if (b->kind == 0)
        weir_sem_init(&b->is.sem, 0);
    else if (b->kind == 1)
        weir_latch_init(&b->is.latch, HELPERS);
    else {
        weir_wait_group_init(&b->is.group);
        weir_wait_group_add(&b->is.group, HELPERS);
    }
    for (int i = 0; i < HELPERS; i++)
        /* sync(born): release. Pairs with the load in let_go_body(). */
        weir_atomic_store(&f->of[i].born, b, WEIR_RELEASE);
    stress_maybe_yield(rng, 3);
    status = b->kind == 0   ? weir_sem_acquire(&b->is.sem, HELPERS, WEIR_FOREVER, NULL)
             : b->kind == 1 ? weir_latch_wait(&b->is.latch, WEIR_FOREVER, NULL)
                            : weir_wait_group_wait(&b->is.group, WEIR_FOREVER, NULL);
    bury(b);
    if (status != 0)
        stress_fail(&s, "a wait of kind %u ended with %d", b->kind, status);
    f->lives++;
}

static void let_go_body(family *f, unsigned helper, stress_rng *rng)
{
    /* sync(over): acquire. Pairs with lives_body(). */
    while (weir_atomic_load(&f->over, WEIR_ACQUIRE) == 0) {
        /* sync(born): acquire. Pairs with live(). */
        body *const b = weir_atomic_load(&f->of[helper].born, WEIR_ACQUIRE);

        if (b == NULL) {
            sched_yield();
            continue;
        }
        /* relaxed: the maker waits for this one. */
        weir_atomic_store(&f->of[helper].born, NULL, WEIR_RELAXED);
        stress_maybe_yield(rng, 8);
        if (b->kind == 0)
            weir_sem_release(&b->is.sem, 1);
        else if (b->kind == 1)
            weir_latch_count_down(&b->is.latch, 1);
        else
            weir_wait_group_done(&b->is.group);
    }
}

static void lives_body(void *argument)
{
    const unsigned number = *(unsigned *)argument;
    family *const f = &families[number / FAMILY];

    if (number % FAMILY != 0) {
        let_go_body(f, number % FAMILY - 1, &rngs[number]);
        return;
    }
    for (size_t i = 0; !stress_stopping(&s); i = (i + 1) % GRAVES)
        live(f, &rngs[number], &f->graves[i]);
    /* sync(over): release. Pairs with let_go_body(). */
    weir_atomic_store(&f->over, 1, WEIR_RELEASE);
}

static uint64_t lives_round(uint64_t ns)
{
    const unsigned number = s.threads / FAMILY;
    uint64_t lives = 0;

    for (unsigned i = 0; i < number; i++) {
        for (int helper = 0; helper < HELPERS; helper++)
            weir_atomic_init(&families[i].of[helper].born, NULL);
        weir_atomic_init(&families[i].over, 0);
        for (int g = 0; g < GRAVES; g++)
            bury(&families[i].graves[g]);
    }
    stress_run(&s, number * FAMILY, lives_body, numbers, sizeof numbers[0], ns);
    for (unsigned i = 0; i < number; i++) {
        for (int g = 0; g < GRAVES; g++)
            check_dead(&families[i].graves[g]);
        lives += families[i].lives;
        families[i].lives = 0;
    }
    return lives;
}

/* ---- rounds ---- */

static struct {
    weir_barrier barrier;
    unsigned parties;
    uint64_t at[STRESS_MAX_THREADS]; /* plain: the barrier carries it */
    bool over;
    uint64_t rounds;
    WEIR_ATOMIC(uint64_t) lasts;
} meeting;

static void meet(void)
{
    const int status = weir_barrier_wait(&meeting.barrier, WEIR_FOREVER, NULL);

    if (status < 0 || status > 1)
        stress_fail(&s, "a wait at the barrier said %d", status);
    if (status == 1)
        count(&meeting.lasts);
}

static void rounds_body(void *argument)
{
    const unsigned number = *(unsigned *)argument;
    stress_rng *const rng = &rngs[number];
    uint64_t round = 0;

    do {
        stress_maybe_yield(rng, 16);
        meeting.at[number] = ++round;
        if (number == 0) {
            meeting.over = stress_stopping(&s);
            meeting.rounds = round;
        }
        meet();
        for (unsigned i = 0; i < meeting.parties; i++)
            if (meeting.at[i] != round)
                stress_fail(&s, "thread %u is in round %" PRIu64 ", %u in %" PRIu64, number, round,
                            i, meeting.at[i]);
        if (meeting.over)
            break;
        meet();
    } while (true);
}

static uint64_t rounds_round(unsigned parties, uint64_t ns)
{
    meeting.parties = parties;
    weir_barrier_init(&meeting.barrier, parties);
    weir_atomic_store(&meeting.lasts, 0, WEIR_RELAXED); /* relaxed: alone. */
    stress_run(&s, parties, rounds_body, numbers, sizeof numbers[0], ns);
    if (read_count(&meeting.lasts) != meeting.rounds * 2 - 1)
        stress_fail(&s, "%" PRIu64 " were the last of their round, in %" PRIu64,
                    read_count(&meeting.lasts), meeting.rounds * 2 - 1);
    if (weir_barrier_destroy(&meeting.barrier) != 0)
        stress_fail(&s, "somebody is left at the barrier");
    return meeting.rounds;
}

int main(int argc, char **argv)
{
    enum { TURNS = 40 };
    static const uint32_t permits[] = {1, 2, 7, 100};
    struct sigaction action;
    uint64_t lives = 0, rounds = 0;

    stress_begin(&s, "sem", argc, argv);
    for (unsigned i = 0; i < STRESS_MAX_THREADS; i++) {
        rngs[i] = stress_rng_make(s.seed, i);
        numbers[i] = i;
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = nothing;
    if (sigaction(SIGUSR1, &action, NULL) != 0)
        stress_fail(&s, "no handler");
    for (unsigned turn = 0;
         stress_goes_on(&s, "%" PRIu64 " served, %" PRIu64 " lives, %" PRIu64 " rounds",
                        read_count(&limit.served), lives, rounds);
         turn++) {
        const uint64_t ns = (uint64_t)(s.seconds * 1e9 / TURNS);

        limit_round(permits[turn % 4], ns, limit_body);
        if (s.threads >= FAMILY)
            lives += lives_round(ns);
        if (s.threads > 1)
            limit_round(permits[turn % 4], ns, signals_body);
        rounds += rounds_round(turn % 2 == 0 || s.threads < 3 ? s.threads : 3, ns);
    }
    printf("sem: while one waited, at most %" PRIu64 " others were served; %" PRIu64
           " too late, %" PRIu64 " cancelled, %" PRIu64 " refused, %" PRIu64 " signals\n",
           read_count(&limit.passed), read_count(&limit.late), read_count(&limit.cancelled),
           read_count(&limit.refused), read_count(&signals));
    return stress_end(&s, "%" PRIu64 " served, %" PRIu64 " lives, %" PRIu64 " rounds",
                      read_count(&limit.served), lives, rounds);
}
