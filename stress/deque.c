/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/deque.h under many threads, with each scheme of weir/guard.h, with membarrier(2) and
 * without. Two parts take turns.
 *
 * Duels: two threads, on two processors, meet at a deque with one to three elements: one pops,
 * or pushes until it grows, the other steals, as much at the same time as can be arranged. Each
 * element comes to exactly one of them, or stays. First a deque whose thief does not make the heavy
 * fence goes through the same: it must be found out.
 *
 * Rounds: an owner goes from deque to deque, and all others steal:
 *
 *   exactly once   a task that is taken was inside, and nobody else took it
 *   nothing lost   what was taken adds up to what was pushed
 *   order          what the owner pops is what it pushed last, of what is left; each thief
 *                  gets older before newer
 *   payload        64 bytes written plainly before a push arrive as written (R8) */

#include "stress.h"

#include <weir/deque.h>

#include "naive_deque.h"

#include <signal.h>

enum { PAYLOAD_WORDS = 8, TASKS = 2048, DEQUES = 8, BURST = 16 };

/* ---- domains ---- */

static const struct flavour {
    const char *name;
    weir_guard_scheme scheme;
    bool fenced;
} flavours[] = {
    {"epoch", WEIR_GUARD_EPOCH, false},       {"epoch, fenced", WEIR_GUARD_EPOCH, true},
    {"interval", WEIR_GUARD_INTERVAL, false}, {"interval, fenced", WEIR_GUARD_INTERVAL, true},
    {"hazard", WEIR_GUARD_HAZARD, false},     {"hazard, fenced", WEIR_GUARD_HAZARD, true}};

enum { FLAVOURS = sizeof flavours / sizeof flavours[0] };

static weir_guard *open_domain(stress *s, const struct flavour *f, uint64_t salt)
{
    const weir_reclaim_options options = {
        salt % 3 == 0 ? 1 : salt % 3 == 1 ? 16 : 0, 0, 0, NULL, NULL, f->fenced};
    weir_guard *domain = NULL;

    if (weir_guard_new(&domain, f->scheme, &options) != 0)
        stress_fail(s, "no domain was made");
    return domain;
}

/* ---- duels ---- */

enum { RING = 64, DUELS = 2 * RING, NAIVE_DUELS = 1 << 20 };

typedef struct duel_seat {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) at; /* how far it has come */
    bool is_thief;
    stress_rng rng;
    uint64_t wins;
    uintptr_t got[RING][2];
    size_t gets[RING];
} duel_seat;

static struct duel {
    stress *s;
    bool naive;
    weir_guard *domain;
    uint32_t cpu[2];
    bool pinned;
    size_t elements, tries, burst; /* inside; the owner's pops; the thief's */
    size_t pushes;                 /* the owner's; then it pops nothing */
    size_t doubles;                /* elements that came to both */
    weir_deque deques[RING];
    naive_deque naives[RING];
    duel_seat seat[2];
} duel;

/* The next point that both have to come to. */
static void meet(duel_seat *seat)
{
    duel_seat *const other = &duel.seat[!seat->is_thief];
    /* relaxed: own word. */
    const uint64_t next = weir_atomic_load(&seat->at, WEIR_RELAXED) + 1;
    unsigned looks = 0;

    /* Release and acquire: each has seen all that the other did before. */
    weir_atomic_store(&seat->at, next, WEIR_RELEASE);
    while (weir_atomic_load(&other->at, WEIR_ACQUIRE) < next)
        if (++looks % 2000 == 0)
            sched_yield();
}

static void linger(stress_rng *rng, uint64_t most)
{
    for (uint64_t n = stress_below(rng, most + 1); n > 0; n--)
        weir_fence_light();
}

static void duel_prepare(stress_rng *rng)
{
    duel.elements = duel.naive ? 1 : 1 + stress_size(rng, 3);
    duel.tries = 1 + stress_size(rng, duel.elements);
    duel.burst = 1 + stress_size(rng, 2);
    duel.pushes = duel.naive || stress_below(rng, 4) > 0 ? 0 : 2 + stress_size(rng, 2);
    for (size_t i = 0; i < RING; i++) {
        if (duel.naive)
            naive_init(&duel.naives[i], NAIVE_FENCE);
        else if (weir_deque_init_at(&duel.deques[i], duel.domain, 2, 0 - (uint64_t)i) != 0)
            stress_fail(duel.s, "no deque was made");
        for (uintptr_t value = 1; value <= duel.elements; value++) {
            if (duel.naive)
                naive_push(&duel.naives[i], value);
            else if (weir_deque_push(&duel.deques[i], value) != 0)
                stress_fail(duel.s, "no memory for a push");
        }
    }
}

static size_t duel_pop(size_t i, uintptr_t *values)
{
    size_t n = 0;

    if (duel.naive)
        return naive_pop(&duel.naives[i], values);
    for (size_t k = 1; k <= duel.pushes; k++)
        if (weir_deque_push(&duel.deques[i], duel.elements + k) != 0)
            stress_fail(duel.s, "no memory for a push");
    while (duel.pushes == 0 && n < duel.tries && n < 2 &&
           weir_deque_pop(&duel.deques[i], &values[n]))
        n++;
    return n;
}

static size_t duel_steal(size_t i, weir_guard_record *record, uintptr_t *values)
{
    if (duel.naive)
        return naive_steal(&duel.naives[i], values);
    return weir_deque_steal_burst(&duel.deques[i], record, values, duel.burst);
}

/* Alone, while the thief waits. */
static void duel_settle(void)
{
    for (size_t i = 0; i < RING; i++) {
        const size_t all = duel.elements + duel.pushes;
        unsigned times[8] = {0};
        uintptr_t value;

        for (int side = 0; side < 2; side++)
            for (size_t k = 0; k < duel.seat[side].gets[i]; k++)
                times[duel.seat[side].got[i][k] % 8]++;
        while (duel.naive ? naive_pop(&duel.naives[i], &value)
                          : weir_deque_pop(&duel.deques[i], &value))
            times[value % 8]++;
        for (uintptr_t v = 1; v <= all; v++) {
            if (times[v] > 1)
                duel.doubles++;
            if (times[v] == 0 || (times[v] > 1 && !duel.naive))
                stress_fail(duel.s, "a duel over %zu: element %zu came out %u times", all,
                            (size_t)v, times[v]);
        }
        if (times[0] != 0)
            stress_fail(duel.s, "a duel: a value that was never pushed");
        if (!duel.naive && weir_deque_destroy(&duel.deques[i]) != 0)
            stress_fail(duel.s, "a duel: something is left");
    }
}

static void pin(const duel_seat *seat)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(duel.cpu[seat->is_thief], &set);
    if (duel.pinned)
        (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void duel_body(void *argument)
{
    duel_seat *const seat = (duel_seat *)argument;
    weir_guard_record *const record = duel.naive ? NULL : weir_guard_self(duel.domain);

    pin(seat);
    for (size_t round = 0; round < DUELS / RING; round++) {
        const uint64_t most = stress_below(&seat->rng, 4) * 100;

        if (!seat->is_thief)
            duel_prepare(&seat->rng);
        meet(seat);
        /* relaxed: the thief has the lines that the owner is about to write. */
        for (size_t i = 0; i < RING && seat->is_thief; i++)
            (void)(weir_atomic_load(&duel.deques[i].bottom, WEIR_RELAXED) +
                   weir_atomic_load(&duel.deques[i].ends.hi, WEIR_RELAXED) +
                   weir_atomic_load(&duel.naives[i].bottom, WEIR_RELAXED) +
                   weir_atomic_load(&duel.naives[i].ends, WEIR_RELAXED));
        for (size_t i = 0; i < RING; i++) {
            meet(seat);
            linger(&seat->rng, most);
            seat->gets[i] =
                seat->is_thief ? duel_steal(i, record, seat->got[i]) : duel_pop(i, seat->got[i]);
            seat->wins += seat->gets[i];
        }
        meet(seat);
        if (!seat->is_thief)
            duel_settle();
    }
}

/* Returns: how many were won by the thief. */
static uint64_t run_duels(stress *s, stress_rng *rng, const struct flavour *f)
{
    duel.s = s;
    duel.naive = f == NULL;
    duel.domain = f == NULL ? NULL : open_domain(s, f, stress_random(rng));
    for (int side = 0; side < 2; side++) {
        weir_atomic_init(&duel.seat[side].at, 0);
        duel.seat[side].is_thief = side == 1;
        duel.seat[side].rng = stress_rng_make(stress_random(rng), (uint64_t)side);
        duel.seat[side].wins = 0;
    }
    stress_run(s, 2, duel_body, duel.seat, sizeof duel.seat[0], 0);
    if (weir_guard_free(duel.domain) != 0)
        stress_fail(s, "a domain at rest could not be freed");
    return duel.seat[1].wins;
}

/* Two processors for the duels, if there are two. */
static void find_processors(void)
{
    cpu_set_t set;
    unsigned found = 0;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return;
    for (uint32_t i = 0; i < CPU_SETSIZE && found < 2; i++)
        if (CPU_ISSET(i, &set))
            duel.cpu[found++] = i;
    duel.pinned = found == 2;
}

/* The deque without the heavy fence. What finds it is the store buffer of a processor: it wants
 * two of them, at full speed. Returns: what is to be said of it. */
static const char *find_naive(stress *s, stress_rng *rng)
{
#if defined(__x86_64__) && !defined(WEIR_TSAN)
    static char said[80];
    size_t duels = 0;

    if (!duel.pinned)
        return "not looked for, with one processor";
    for (duel.doubles = 0; duel.doubles == 0; duels += DUELS) {
        if (duels >= NAIVE_DUELS)
            stress_fail(s, "a deque without the heavy fence went through unnoticed");
        (void)run_duels(s, rng, NULL);
    }
    snprintf(said, sizeof said, "found within %zu duels", duels);
    return said;
#else
    (void)s;
    (void)rng;
    return "not looked for, on this machine or under this sanitizer";
#endif
}

/* ---- tasks ---- */

typedef struct task {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) inside;
    uint32_t number;
    uint64_t version;  /* times that it was pushed */
    uint64_t sequence; /* the number of that push */
    uint64_t payload[PAYLOAD_WORDS];
    uint64_t checksum;
} task;

typedef enum kind {
    MIX,   /* runs of pushes, runs of pops */
    EDGE,  /* one or two inside */
    GROW,  /* many, left to the thieves, and on to the next deque */
    TURNS, /* the owner undisturbed for a while, then a thief: the modes change */
    KINDS
} kind;

typedef struct round_state {
    stress *s;
    const struct flavour *flavour;
    weir_guard *domain;
    size_t capacity;
    uint64_t start;
    kind kind;
    unsigned threads;
    bool prod; /* one of the threads interrupts the others, wherever they are */
    uint32_t yield_one;
    weir_deque deques[DEQUES];
    task tasks[TASKS];
    WEIR_ATOMIC(uint32_t) current; /* the owner's deque: a hint */
} round_state;

typedef struct worker {
    WEIR_ALIGNAS(WEIR_CACHELINE) round_state *round;
    unsigned me; /* 0: the owner */
    stress_rng rng;
    weir_guard_record *record;
    uint64_t taken, sum;
    uint64_t last[DEQUES]; /* a thief's: sequence of the newest task that it has from each */
    pthread_t id;
    WEIR_ATOMIC(bool) works; /* `id` is there */
} worker;

/* The owner's own account. */
typedef struct ledger {
    uint64_t pushed, sum, sequence;
    size_t next; /* task to be used next */
    task *expected[DEQUES][TASKS];
    size_t expects[DEQUES];
} ledger;

static worker workers[STRESS_MAX_THREADS];
static ledger books;

static uint64_t sum_payload(const task *t)
{
    uint64_t sum = t->version;

    for (int i = 0; i < PAYLOAD_WORDS; i++)
        sum = (sum << 7 | sum >> 57) ^ t->payload[i];
    return sum;
}

static uint64_t worth(const task *t)
{
    return stress_mix(t->version << 16 | t->number);
}

static void take(worker *w, task *t)
{
    if (sum_payload(t) != t->checksum)
        stress_fail(w->round->s, "a task's payload is not as it was written");
    w->taken++;
    w->sum += worth(t);
    /* Release: the owner writes it again. */
    if (weir_atomic_exchange(&t->inside, 0, WEIR_RELEASE) != 1)
        stress_fail(w->round->s, "a task was taken twice");
}

/* ---- the owner ---- */

/* Returns: false if all tasks are inside, or just being looked at. */
static bool push_one(worker *w, size_t d)
{
    round_state *const round = w->round;
    task *const t = &round->tasks[books.next % TASKS];

    /* Acquire: who took it has read it. */
    if (books.expects[d] == TASKS || weir_atomic_load(&t->inside, WEIR_ACQUIRE) != 0)
        return false;
    books.next++;
    t->version++;
    t->sequence = ++books.sequence;
    for (uint64_t i = 0; i < PAYLOAD_WORDS; i++)
        t->payload[i] = stress_mix(t->sequence * 16 + i);
    t->checksum = sum_payload(t);
    books.pushed++;
    books.sum += worth(t);
    /* relaxed: published with the push. */
    weir_atomic_store(&t->inside, 1, WEIR_RELAXED);
    books.expected[d][books.expects[d]++] = t;
    if (weir_deque_push(&round->deques[d], (uintptr_t)t) != 0)
        stress_fail(round->s, "no memory for a push");
    return true;
}

static bool pop_one(worker *w, size_t d)
{
    uintptr_t value = 0;

    if (!weir_deque_pop(&w->round->deques[d], &value)) {
        books.expects[d] = 0; /* all have been stolen, or the sum will not be right */
        return false;
    }
    if (books.expects[d] == 0)
        stress_fail(w->round->s, "a pop from a deque that was empty");
    if (books.expected[d][--books.expects[d]] != (task *)value)
        stress_fail(w->round->s, "a pop did not give what was pushed last");
    take(w, (task *)value);
    return true;
}

static void drain(worker *w, size_t d)
{
    while (pop_one(w, d))
        continue;
}

static void push_run(worker *w, size_t d, uint64_t n)
{
    while (n-- > 0 && push_one(w, d))
        continue;
    if (books.expects[d] == TASKS) /* most of them stolen long ago */
        drain(w, d);
}

static void pop_run(worker *w, size_t d, uint64_t n)
{
    while (n-- > 0 && pop_one(w, d))
        continue;
}

static void owner_step(worker *w)
{
    round_state *const round = w->round;
    /* relaxed: own word. */
    uint32_t d = weir_atomic_load(&round->current, WEIR_RELAXED);

    switch (round->kind) {
    case MIX:
        push_run(w, d, stress_below(&w->rng, 20));
        pop_run(w, d, stress_below(&w->rng, 20));
        break;
    case EDGE:
        for (int i = 0; i < 16; i++) {
            push_run(w, d, 1 + stress_below(&w->rng, 2));
            linger(&w->rng, 50);
            pop_run(w, d, 1 + stress_below(&w->rng, 2));
        }
        break;
    case GROW:
        push_run(w, d, stress_below(&w->rng, 400));
        pop_run(w, d, stress_below(&w->rng, 300));
        break;
    default:
        push_run(w, d, stress_below(&w->rng, 3));
        for (uint64_t n = stress_below(&w->rng, 3 * WEIR_DEQUE_RENT); n > 0; n--) {
            push_run(w, d, 1);
            pop_run(w, d, 1);
        }
        break;
    }
    if (stress_below(&w->rng, round->kind == GROW ? 4 : 64) == 0) {
        if (stress_below(&w->rng, 2) == 0)
            drain(w, d);
        d = (uint32_t)stress_below(&w->rng, DEQUES);
        /* relaxed: a hint. */
        weir_atomic_store(&round->current, d, WEIR_RELAXED);
    }
}

/* ---- thieves ---- */

static void thief_step(worker *w)
{
    round_state *const round = w->round;
    const bool anywhere = stress_below(&w->rng, 8) == 0;
    /* relaxed: a hint. */
    const size_t d =
        anywhere ? stress_size(&w->rng, DEQUES) : weir_atomic_load(&round->current, WEIR_RELAXED);
    weir_deque *const deque = &round->deques[d];
    const size_t most = stress_below(&w->rng, 2) == 0 ? 1 : 1 + stress_size(&w->rng, BURST);
    uintptr_t values[BURST];
    size_t n;

    if (most == 1)
        n = weir_deque_steal(deque, w->record, values) ? 1 : 0;
    else
        n = weir_deque_steal_burst(deque, w->record, values, most);
    if (n > most || weir_deque_size_approx(deque) > TASKS)
        stress_fail(round->s, "more than there can be");
    for (size_t i = 0; i < n; i++) {
        task *const t = (task *)values[i];

        if (t->sequence <= w->last[d])
            stress_fail(round->s, "a thief got a newer task before an older one");
        w->last[d] = t->sequence;
        take(w, t);
    }
    if (round->kind == TURNS)
        linger(&w->rng, 20000);
}

/* Where it hits, in the middle of an operation for instance, the thread stands still. */
static void stand_still(int signal_number)
{
    (void)signal_number;
    for (int i = 0; i < 8; i++)
        sched_yield();
}

/* The threads that it hits have begun, and are not joined before this one has ended. */
static void prod_others(worker *self)
{
    round_state *const round = self->round;

    while (!stress_stopping(round->s)) {
        worker *const w = &workers[stress_below(&self->rng, round->threads)];

        /* sync(works): acquire. Pairs with the store in work(); `id`. */
        if (w != self && weir_atomic_load(&w->works, WEIR_ACQUIRE))
            (void)pthread_kill(w->id, SIGUSR1);
        stress_maybe_yield(&self->rng, 64);
    }
}

static void work(void *argument)
{
    worker *const w = (worker *)argument;
    round_state *const round = w->round;

    w->record = weir_guard_self(round->domain);
    if (w->record == NULL)
        stress_fail(round->s, "no record");
    w->id = pthread_self();
    /* sync(works): release. Pairs with the load in prod_others(). */
    weir_atomic_store(&w->works, true, WEIR_RELEASE);
    if (round->prod && w->me == round->threads - 1)
        prod_others(w);
    while (!stress_stopping(round->s)) {
        if (w->me == 0)
            owner_step(w);
        else
            thief_step(w);
        stress_maybe_yield(&w->rng, round->yield_one);
    }
}

/* ---- a round ---- */

typedef struct totals {
    uint64_t rounds, popped, stolen, shared, duels, won;
} totals;

static void settle(round_state *round, totals *sums)
{
    uint64_t taken = 0, sum = 0;

    for (size_t d = 0; d < DEQUES; d++) {
        /* relaxed: the threads have ended. */
        sums->shared += weir_atomic_load(&round->deques[d].ends.hi, WEIR_RELAXED) / 4;
        drain(&workers[0], d);
        if (weir_deque_size_approx(&round->deques[d]) != 0 ||
            weir_deque_destroy(&round->deques[d]) != 0)
            stress_fail(round->s, "a deque that was drained is not empty");
    }
    for (unsigned i = 0; i < round->threads; i++) {
        taken += workers[i].taken;
        sum += workers[i].sum;
    }
    if (taken != books.pushed || sum != books.sum)
        stress_fail(round->s, "%" PRIu64 " tasks were pushed, %" PRIu64 " taken", books.pushed,
                    taken);
    for (size_t i = 0; i < TASKS; i++)
        /* relaxed: the threads have ended. */
        if (weir_atomic_load(&round->tasks[i].inside, WEIR_RELAXED) != 0)
            stress_fail(round->s, "a task is lost");
    if (weir_guard_free(round->domain) != 0)
        stress_fail(round->s, "a domain at rest could not be freed");
    sums->rounds++;
    sums->popped += workers[0].taken;
    sums->stolen += taken - workers[0].taken;
}

static void run_round(round_state *round, stress_rng *rng, uint64_t ns, totals *sums)
{
    memset((void *)round->tasks, 0, sizeof round->tasks);
    memset((void *)&books, 0, sizeof books);
    round->domain = open_domain(round->s, round->flavour, stress_random(rng));
    weir_atomic_init(&round->current, 0);
    for (uint32_t i = 0; i < TASKS; i++)
        round->tasks[i].number = i;
    for (size_t d = 0; d < DEQUES; d++)
        if (weir_deque_init_at(&round->deques[d], round->domain, round->capacity,
                               round->start - d) != 0)
            stress_fail(round->s, "no deque was made");
    for (unsigned i = 0; i < round->threads; i++) {
        memset((void *)&workers[i], 0, sizeof workers[i]);
        workers[i].round = round;
        workers[i].me = i;
        workers[i].rng = stress_rng_make(stress_random(rng), i);
    }
    stress_run(round->s, round->threads, work, workers, sizeof workers[0], ns);
    settle(round, sums);
}

static void draw_round(round_state *round, uint64_t i, stress_rng *rng)
{
    static const size_t capacities[] = {1, 2, 3, 16, 4096};
    static const uint32_t yields[] = {0, 0, 256, 16};

    round->flavour = &flavours[i % FLAVOURS];
    round->kind = (kind)(i / FLAVOURS % KINDS);
    round->capacity = capacities[stress_below(rng, 5)];
    round->start = stress_below(rng, 2) == 0 ? 100 : UINT64_MAX - stress_below(rng, 2000);
    round->threads = 2 + (unsigned)stress_below(rng, round->s->threads);
    if (round->threads > round->s->threads)
        round->threads = round->s->threads;
    round->prod = round->threads > 2 && stress_below(rng, 2) == 0;
    round->yield_one = yields[stress_below(rng, 4)];
}

int main(int argc, char **argv)
{
    static round_state round;
    totals sums = {0, 0, 0, 0, 0, 0};
    const char *naive;
    struct sigaction still;
    stress_rng rng;
    stress s;
    uint64_t ns;

    stress_begin(&s, "deque", argc, argv);
    memset(&still, 0, sizeof still);
    still.sa_handler = stand_still;
    still.sa_flags = SA_RESTART;
    if (sigaction(SIGUSR1, &still, NULL) != 0)
        stress_fail(&s, "no signal handler");
    rng = stress_rng_make(s.seed, 0);
    find_processors();
    naive = find_naive(&s, &rng);
    /* Short rounds in a short run, so that the matrix is seen. */
    ns = (uint64_t)(s.seconds * 1e9 / 40 / FLAVOURS);
    ns = ns < 2000000 ? 2000000 : ns > 50000000 ? 50000000 : ns;
    round.s = &s;
    do {
        draw_round(&round, sums.rounds, &rng);
        run_round(&round, &rng, ns, &sums);
        sums.won += run_duels(&s, &rng, &flavours[sums.rounds % FLAVOURS]);
        sums.duels += DUELS;
    } while (
        stress_goes_on(&s, "%" PRIu64 " rounds, %" PRIu64 " stolen", sums.rounds, sums.stolen));
    return stress_end(&s,
                      "%" PRIu64 " rounds, %" PRIu64 " popped, %" PRIu64 " stolen, %" PRIu64
                      " times taken back; %" PRIu64 " duels, the thief won %" PRIu64
                      "; none lost, none twice. Without the heavy fence: %s",
                      sums.rounds, sums.popped, sums.stolen, sums.shared, sums.duels, sums.won,
                      naive);
}
