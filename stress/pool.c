/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/pool.c: a pool that steals, of 1 worker up to several times the processors, with and
 * without fences.
 *
 *   flood    threads submit jobs, singly and in bulk, of all priorities: some submit themselves
 *            again, or others, or are trees of spawned ones, block, fail, go to another pool, or
 *            are calls that are cancelled; the pool is resized all the time, and stopped, in
 *            one of two ways, while they go on: each job that was taken is run once, or
 *            discarded once, with what its submitter wrote
 *   trees    threads have trees run, nothing else
 *   alone    little to do, so that workers sleep: a job waits until another worker has begun
 *            what it has spawned, or submitted
 *   lives    pools begin and end
 *
 * Who waits for longer than PATIENCE waits for ever. */

#include "pool_more.h"

enum { RING = 128, KIDS = 5, BULK = 8 };

typedef enum fate { FREE, SUBMITTED, RUN, DISCARDED } fate;
typedef enum item_kind {
    PLAIN,
    AGAIN,
    FAMILY,
    BIG_FAMILY,
    TREE,
    BLOCKS,
    FAILS,
    ELSEWHERE,
    KINDS
} item_kind;

typedef struct item {
    weir_job job;
    struct family *of;     /* of a kid */
    uint64_t given, check; /* by its submitter */
    uint64_t made;         /* by the job */
    unsigned left;
    item_kind kind;
    WEIR_ATOMIC(uint32_t) state; /* a fate */
} item;

typedef struct family {
    item parent; /* first */
    item kids[KIDS];
    WEIR_ATOMIC(uint32_t) open; /* who has not ended */
} family;

static family rings[STRESS_MAX_THREADS][RING];

/* ---- jobs ---- */

static int run_item(weir_job *job);

static void set_up(item *it, family *of, item_kind kind, uint64_t given)
{
    weir_job_init(&it->job, run_item);
    it->of = of;
    it->kind = kind;
    it->left = kind == AGAIN ? (unsigned)(given % 4) : 0;
    it->given = given;
    it->check = stress_mix(given);
    it->made = 0;
    weir_atomic_store(&it->state, SUBMITTED, WEIR_RELAXED); /* relaxed: the submit carries it. */
}

static void end_item(item *it, fate how)
{
    family *const of = it->of;
    /* sync(fate): release. Pairs with the load in is_busy(); what the job made. */
    const uint32_t before = weir_atomic_exchange(&it->state, (uint32_t)how, WEIR_RELEASE);

    if (before != SUBMITTED)
        stress_fail(&s, "a job of kind %d ends twice", (int)it->kind);
    /* sync(kids): acq_rel. Pairs with itself: the last one ends the parent. */
    if (of != NULL && weir_atomic_fetch_sub(&of->open, 1, WEIR_ACQ_REL) == 1)
        end_item(&of->parent, RUN);
}

/* Of a submit. Returns: whether it was taken. */
static bool taken(int status, size_t n, bool inside)
{
    if (status != 0 && (status != -EPIPE || (inside ? !now.discards : !now.stops)))
        stress_fail(&s, "a submit said %d", status);
    /* relaxed: a number. */
    if (status == 0)
        weir_atomic_fetch_add(&now.taken, n, WEIR_RELAXED);
    return status == 0;
}

/* Of jobs that were not taken. */
static void take_back(item *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        end_item(items[i], FREE);
}

static void submit_kids(family *f, stress_rng *rng)
{
    const bool in_bulk = f->parent.kind == BIG_FAMILY;
    weir_job *kids[KIDS];
    item *items[KIDS];

    /* relaxed: the submits carry it. */
    weir_atomic_store(&f->open, KIDS + 1, WEIR_RELAXED);
    for (unsigned i = 0; i < KIDS; i++) {
        static const item_kind of_kids[] = {PLAIN, PLAIN, TREE, BLOCKS, FAILS};

        items[i] = &f->kids[i];
        kids[i] = &items[i]->job;
        set_up(items[i], f, of_kids[stress_below(rng, 5)], stress_random(rng));
    }
    if (in_bulk) {
        if (!taken(weir_pool_submit_bulk(now.pool, kids, KIDS, any_priority(rng)), KIDS, true))
            take_back(items, KIDS);
        return;
    }
    for (unsigned i = 0; i < KIDS; i++)
        if (!taken(weir_pool_submit_priority(now.pool, kids[i], any_priority(rng)), 1, true))
            take_back(&items[i], 1);
}

static int run_elsewhere(stress_rng *rng)
{
    tree t;

    tree_init(&t, &s, stress_random(rng));
    tree_check_all(&t, weir_pool_run(now.elsewhere, &t.job));
    return 0;
}

static int run_item(weir_job *job)
{
    item *const it = (item *)(void *)job;
    stress_rng rng = stress_rng_make(it->given, 2);

    if (weir_pool_self() != now.pool)
        stress_fail(&s, "a job is in another pool");
    if (it->check != stress_mix(it->given))
        stress_fail(&s, "a job of kind %d has come to harm", (int)it->kind);
    count(&now.run);
    it->made = ~it->check;
    switch (it->kind) {
    case AGAIN:
        if (it->left == 0)
            break;
        it->left--;
        it->given++;
        it->check = stress_mix(it->given);
        if (taken(weir_pool_submit_priority(now.pool, job, any_priority(&rng)), 1, true))
            return 0; /* and it is no longer ours */
        it->made = ~it->check;
        break;
    case FAMILY:
    case BIG_FAMILY: {
        family *const f = (family *)(void *)it;

        submit_kids(f, &rng);
        /* sync(kids): acq_rel. Pairs with end_item(). */
        if (weir_atomic_fetch_sub(&f->open, 1, WEIR_ACQ_REL) == 1)
            end_item(it, RUN);
        return 0;
    }
    case TREE:
        tree_here(&s, stress_random(&rng));
        break;
    case BLOCKS:
        weir_block_begin();
        if (stress_below(&rng, 2) == 0) {
            weir_block_begin();
            sched_yield();
            weir_block_end();
        }
        if (stress_below(&rng, 8) == 0)
            usleep(50);
        weir_block_end();
        break;
    case FAILS:
        count(&now.should_fail);
        end_item(it, RUN);
        return -EIO;
    case ELSEWHERE:
        if (now.elsewhere != NULL && it->of == NULL)
            (void)run_elsewhere(&rng);
        break;
    default:
        break;
    }
    end_item(it, RUN);
    return 0;
}

static void on_failed(void *context, weir_job *job, int status)
{
    (void)job;
    if (context != &now || status != -EIO)
        stress_fail(&s, "a job failed with %d", status);
    count(&now.failed);
}

static void on_discarded(void *context, weir_job *job)
{
    (void)context;
    if (!now.discards)
        stress_fail(&s, "a job was discarded by a pool that drains");
    count(&now.discarded);
    end_item((item *)(void *)job, DISCARDED);
}

/* ---- flood ---- */

/* Whether the pool has it still; if not, it has run well, or not at all. */
static bool is_busy(family *f)
{
    /* sync(fate): acquire. Pairs with the exchange in end_item(). */
    if (weir_atomic_load(&f->parent.state, WEIR_ACQUIRE) == SUBMITTED)
        return true;
    /* relaxed: as for the parent's. */
    if (weir_atomic_load(&f->parent.state, WEIR_RELAXED) == RUN &&
        f->parent.made != ~f->parent.check)
        stress_fail(&s, "what a job made is lost");
    if (f->parent.kind != FAMILY && f->parent.kind != BIG_FAMILY)
        return false;
    for (unsigned i = 0; i < KIDS; i++)
        if (weir_atomic_load(&f->kids[i].state, WEIR_RELAXED) == RUN && /* relaxed: see above. */
            f->kids[i].made != ~f->kids[i].check)
            stress_fail(&s, "what a kid made is lost");
    return false;
}

/* Returns: false when the pool takes no more. */
static bool submit_some(family *ring, size_t *at, stress_rng *rng)
{
    const size_t most = 1 + (stress_below(rng, 3) == 0 ? stress_size(rng, BULK) : 0);
    weir_job *chosen[BULK];
    item *items[BULK];
    size_t n = 0;

    for (; n < most && !is_busy(&ring[(*at + n) % RING]); n++) {
        items[n] = &ring[(*at + n) % RING].parent;
        chosen[n] = &items[n]->job;
        set_up(items[n], NULL, (item_kind)stress_below(rng, KINDS), stress_random(rng));
    }
    if (n == 0) {
        sched_yield();
        return true;
    }
    *at = (*at + n) % RING;
    if (!taken(n == 1 ? weir_pool_submit_priority(now.pool, chosen[0], any_priority(rng))
                      : weir_pool_submit_bulk(now.pool, chosen, n, any_priority(rng)),
               n, false)) {
        take_back(items, n);
        return false;
    }
    return true;
}

static int run_errand(weir_call *call)
{
    errand *const e = (errand *)(void *)call;

    e->made += e->given;
    return e->given % 2 == 0 ? 0 : -ENODEV;
}

static bool call_one(stress_rng *rng)
{
    errand e;
    weir_cancel_source source;
    const uint64_t early = stress_below(rng, 4);
    int status;

    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
    memset((void *)&e, 0, sizeof e);
    e.given = stress_random(rng) | 2;
    weir_call_init(&e.call, run_errand, early < 3 ? weir_cancel_source_token(&source) : NULL);
    if (early == 0)
        weir_cancel_source_cancel(&source, -ECANCELED);
    status = weir_pool_submit_priority(now.pool, &e.call.job, any_priority(rng));
    if (status == 0) {
        if (early == 1)
            weir_cancel_source_cancel(&source, -ECANCELED);
        status = -ETIMEDOUT;
        if (stress_below(rng, 2) == 0)
            status = weir_call_get(&e.call, weir_clock_after(stress_below(rng, 20000)), NULL);
        if (status == -ETIMEDOUT)
            status = weir_call_get(&e.call, weir_clock_after(PATIENCE), NULL);
        if (status != -ECANCELED ? status != (e.given % 2 == 0 ? 0 : -ENODEV) || e.made != e.given
                                 : e.made != 0 || (early > 1 && !now.discards))
            stress_fail(&s, "a call said %d, and made %" PRIx64 " of %" PRIx64, status, e.made,
                        e.given);
        if (early == 0 && status != -ECANCELED)
            stress_fail(&s, "a call that was cancelled has run");
    } else if (status != -EPIPE || !now.stops) {
        stress_fail(&s, "a call was refused: %d", status);
    }
    if (weir_cancel_source_destroy(&source) != 0)
        stress_fail(&s, "a token is in use after its call");
    return status != -EPIPE;
}

static void resize_and_look(stress_rng *rng)
{
    const unsigned wanted = 1 + (unsigned)stress_below(rng, now.options.max_workers);
    const int status = weir_pool_resize(now.pool, wanted);
    weir_pool_stats n;

    if (status != 0 && (status != -EPIPE || !now.stops))
        stress_fail(&s, "a resize said %d", status);
    weir_pool_stats_read(now.pool, &n);
    if (n.workers > now.options.max_workers || n.blocked > now.options.max_blocked ||
        n.threads > now.options.max_workers + now.options.max_blocked)
        stress_fail(&s, "there are %u workers, %u blocked, %u threads", n.workers, n.blocked,
                    n.threads);
}

static void stop_beside_others(stress_rng *rng)
{
    const weir_pool_ending how =
        now.discards && stress_below(rng, 2) == 0 ? WEIR_POOL_DISCARD : WEIR_POOL_DRAIN;
    const int status = weir_pool_stop(now.pool, how, weir_clock_after(stress_below(rng, 100000)));

    if (status != 0 && status != -ETIMEDOUT)
        stress_fail(&s, "a stop said %d", status);
}

static void flood_body(void *argument)
{
    const unsigned self = *(unsigned *)argument;
    stress_rng *const rng = &rngs[self];
    const bool until_refused = now.stops && self != 1;
    bool goes_on = true;
    size_t at = 0;

    while (goes_on && (until_refused || !stress_stopping(&s))) {
        switch (stress_below(rng, 16)) {
        case 0:
            goes_on = call_one(rng);
            break;
        case 1:
            goes_on = run_tree(rng);
            break;
        case 2:
            if (self == 0)
                resize_and_look(rng);
            break;
        default:
            goes_on = submit_some(rings[self], &at, rng);
        }
        stress_maybe_yield(rng, 16);
    }
    if (now.stops && self == 1)
        stop_beside_others(rng);
}

static void flood_round(stress_rng *rng, uint64_t ns)
{
    weir_pool_options options;
    const bool two = stress_below(rng, 2) == 0;

    begin_round(rng);
    memset((void *)rings, 0, sizeof rings[0] * s.threads);
    now.stops = s.threads > 1 && stress_below(rng, 2) == 0;
    now.discards = stress_below(rng, 2) == 0;
    now.options.failed = on_failed;
    now.options.discarded = on_discarded;
    now.pool = new_pool(&now.options);
    choose_options(&options, rng);
    if (two)
        now.elsewhere = new_pool(&options);
    stress_run(&s, s.threads, flood_body, numbers, sizeof numbers[0], ns);
    free_pool(now.pool, now.discards ? WEIR_POOL_DISCARD : WEIR_POOL_DRAIN);
    if (two)
        free_pool(now.elsewhere, WEIR_POOL_DRAIN);
    for (unsigned t = 0; t < s.threads; t++)
        for (unsigned i = 0; i < RING; i++)
            if (is_busy(&rings[t][i]))
                stress_fail(&s, "a job of kind %d is lost", (int)rings[t][i].parent.kind);
    end_round();
}

int main(int argc, char **argv)
{
    enum { ROUNDS = 60 };
    static const weir_allocator counted = {counted_alloc, counted_release, NULL};
    static void (*const rounds[])(stress_rng * rng, uint64_t ns) = {
        flood_round, alone_round, flood_round, trees_round, flood_round, lives_round};
    stress_rng rng;

    stress_begin(&s, "pool", argc, argv);
    weir_set_allocator(&counted);
    rng = stress_rng_make(s.seed, STRESS_MAX_THREADS);
    for (unsigned i = 0; i < STRESS_MAX_THREADS; i++) {
        rngs[i] = stress_rng_make(s.seed, i);
        numbers[i] = i;
    }
    for (unsigned turn = 0;
         stress_goes_on(&s, "%" PRIu64 " jobs, %" PRIu64 " trees, %" PRIu64 " lives", jobs,
                        read_count(&trees), read_count(&lives));
         turn++)
        rounds[turn % 6](&rng, (uint64_t)(s.seconds * 1e9 / ROUNDS));
    printf("pool: %" PRIu64 " steals, %" PRIu64 " handed over, %" PRIu64 " threads refused\n",
           steals, read_count(&handed), refusals);
    return stress_end(&s, "%" PRIu64 " jobs, %" PRIu64 " trees, %" PRIu64 " lives", jobs,
                      read_count(&trees), read_count(&lives));
}
