/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "parallel.h"
#include "pool.h"

#include <errno.h>

/* All loops are one: over units, which are items, chunks, blocks or pairs. A range of units is
 * done in pieces, and divided when it pays. Times in ns; of one unit in ps. */

/* What is gained at least by going to the pool, and by a steal: what these cost, about, by
 * pool/wake of weir-bench, and a membarrier and some far lines (doc/pool.md). */
enum { HANDOVER = 10000, STEAL = 4000 };

/* Of a piece: so long that the look at the clock does not count, which waits for the loads and
 * stores before it: 200 to 300 ns; so short that nobody waits long for its end. Where others can
 * come pieces shrink towards the end of a range. */
enum { MOST = 100000, LEAST = 20000 };

/* Of half a range that is always offered. */
enum { LONG = 3 * MOST };

/* What is shorter is mostly the clock; what is longer is no page fault, nor a cold cache. */
enum { CREDIBLE = 1000, CERTAIN = 20000 };

/* From one piece to the next while it is not known what a unit takes. */
enum { GROWTH = 8 };

/* What one thread has in hand. */
typedef struct range {
    weir__loop *of;
    size_t from, to;
    size_t next;      /* units of the next piece, as long as unit_ps is not known */
    uint64_t unit_ps; /* 0: not known */
    uint64_t now;     /* when the last piece ended; 0: other things have happened since */
    uint64_t spent;   /* in all its pieces */
    bool begun;       /* one piece is done */
} range;

typedef struct half {
    weir_job job; /* first */
    range range;
    bool left; /* to who spawned it: written and read by that thread alone */
} half;

/* ---- the end before the end ---- */

int weir__loop_stop(weir__loop *l, int status)
{
    WEIR_REQUIRE(status < 0, "a body returns 0 or a negative errno");
    weir_atomic_store(&l->stopped, 1, WEIR_RELAXED); /* relaxed: a flag; joins order the rest. */
    return status;
}

int weir__loop_look(weir__loop *l)
{
    if (weir_atomic_load(&l->stopped, WEIR_RELAXED) != 0) /* relaxed: as in weir__loop_stop(). */
        return WEIR__LOOP_LEFT;
    return l->cancel == NULL || weir_cancel_check(l->cancel) == 0 ? 0
                                                                  : weir__loop_stop(l, -ECANCELED);
}

/* ---- pieces ---- */

static uint64_t at_least_1(uint64_t n)
{
    return n == 0 ? 1 : n;
}

/* Units that take so many ns. */
static uint64_t units_of(const range *r, uint64_t ns)
{
    return at_least_1(ns * 1000 / r->unit_ps);
}

static size_t piece_of(const range *r)
{
    const size_t rest = r->to - r->from;
    uint64_t n = r->next;

    if (r->unit_ps != 0) {
        const uint64_t least = units_of(r, LEAST);

        n = units_of(r, MOST);
        if (r->of->divides && n > rest / 4)
            n = rest / 4 > least ? rest / 4 : least;
    }
    return n < rest ? (size_t)n : rest;
}

/* n units took so many ns. */
static void learn(range *r, size_t n, uint64_t ns)
{
    const uint64_t unit_ps = at_least_1(ns * 1000 / n);

    r->spent += ns;
    if (r->unit_ps != 0) /* whatever befalls a piece is forgotten after some more */
        r->unit_ps = r->unit_ps / 2 + unit_ps / 2 + 1;
    else if (ns >= CERTAIN || (ns >= CREDIBLE && r->begun))
        r->unit_ps = unit_ps;
    else if (ns < CREDIBLE)
        r->next = n > SIZE_MAX / GROWTH ? SIZE_MAX : n * GROWTH;
    r->begun = true;
}

/* Does the first piece of a range. Returns: 0 or a negative errno; what follows something that
 * has gone wrong counts as done. */
static int do_piece(range *r)
{
    const size_t n = piece_of(r);
    const uint64_t begin = r->now != 0 ? r->now : weir_clock_now();
    int status = weir__loop_look(r->of);

    if (status == 0)
        status = r->of->run(r->of, r->from, r->from + n);
    r->from += n;
    if (status == 0) {
        r->now = weir_clock_now();
        learn(r, n, r->now - begin);
        return 0;
    }
    r->from = r->to;
    return status == WEIR__LOOP_LEFT ? 0 : status;
}

/* ---- division ---- */

static int work(range *r);

/* What the spawner joins and finds in its deque he goes on with himself. */
static int run_half(weir_job *job)
{
    half *const h = (half *)(void *)job;

    if (job->other == NULL || job->other == weir__worker_self) {
        h->left = true;
        return 0;
    }
    h->range.now = 0;
    return work(&h->range);
}

/* Whether to offer half of a range: a long one, be it of one long unit, at once; else if nothing
 * is on offer, and it is worth a steal. */
static bool divides(const range *r)
{
    const size_t each = (r->to - r->from) / 2;

    /* relaxed: as in weir__loop_stop(). */
    if (!r->of->divides || r->unit_ps == 0 || each == 0 ||
        weir_atomic_load(&r->of->stopped, WEIR_RELAXED) != 0)
        return false;
    return each >= units_of(r, LONG) ||
           (each >= units_of(r, STEAL) && weir_deque_size_approx(&weir__worker_self->spawned) == 0);
}

static void divide(range *r, half *h)
{
    h->range = *r;
    h->range.from = r->from + (r->to - r->from) / 2;
    h->range.spent = 0;
    h->left = false;
    r->to = h->range.from;
    r->now = 0;
    weir_spawn(&h->job, run_half);
}

/* By a worker of the loop's pool: the recursion is as deep as halves were stolen, or, one more,
 * there is one to steal. */
static int work(range *r)
{
    int status = 0;

    while (r->from < r->to) {
        half h;
        int other;

        if (!divides(r)) {
            const int of_piece = do_piece(r);

            status = status != 0 ? status : of_piece;
            continue;
        }
        divide(r, &h);
        other = work(r);
        status = status != 0 ? status : other;
        other = weir_join(&h.job);
        r->now = 0;
        if (h.left) {
            r->from = h.range.from;
            r->to = h.range.to;
            continue;
        }
        status = status != 0 ? status : other;
        r->spent += h.range.spent;
    }
    return status;
}

/* ---- by whom ---- */

/* As long as nobody can come, or would not gain by it. */
static int work_alone(range *r)
{
    int status = 0;

    while (status == 0 && r->from < r->to)
        status = do_piece(r);
    return status;
}

/* From now on; in one piece, if nothing is to be looked at in between. */
static int finish_alone(range *r)
{
    int status;

    r->of->divides = false;
    if (r->of->cancel != NULL)
        return work_alone(r);
    if (r->of->hint != NULL) {
        r->next = SIZE_MAX;
        r->unit_ps = 0;
        return do_piece(r);
    }
    status = r->of->run(r->of, r->from, r->to);
    return status == WEIR__LOOP_LEFT ? 0 : status;
}

typedef struct handed {
    weir_job job; /* first */
    range range;
    bool begun;
} handed;

static int run_handed(weir_job *job)
{
    handed *const h = (handed *)(void *)job;

    h->begun = true;
    return work(&h->range);
}

static int hand_over(weir_pool *pool, range *r)
{
    handed h;
    int status;

    weir_job_init(&h.job, run_handed);
    h.range = *r;
    h.range.now = 0;
    h.begun = false;
    status = weir_pool_run(pool, &h.job);
    if (h.begun) {
        *r = h.range;
        return status;
    }
    if (status == -EPIPE || status == -ECANCELED) /* stopped */
        return -EPIPE;
    return finish_alone(r); /* it can make no thread */
}

/* Whether the pool would gain more than the hand-over costs. */
static bool gains(const range *r, unsigned workers)
{
    const uint64_t rest = r->to - r->from, share = rest - rest / workers;

    return r->unit_ps != 0 && share >= at_least_1((uint64_t)HANDOVER * 1000 / r->unit_ps);
}

/* By who is no worker of the pool. */
static int work_outside(weir_pool *pool, unsigned workers, range *r)
{
    int status = 0;

    r->of->divides = false;
    while (status == 0 && r->from < r->to) {
        if (gains(r, workers)) {
            r->of->divides = true;
            return hand_over(pool, r);
        }
        status = do_piece(r);
    }
    return status;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static void tell(const range *r, size_t items, unsigned workers, size_t grain)
{
    weir_parallel_hint *const hint = r->of->hint;
    const uint64_t ns = r->spent;

    if (hint == NULL)
        return;
    hint->item_ps = at_least_1(ns > UINT64_MAX / 1000 ? ns / items * 1000 : ns * 1000 / items);
    hint->grain = grain != 0 ? grain : (size_t)at_least_1((uint64_t)LEAST * 1000 / hint->item_ps);
    hint->serial = ns - ns / (workers > 2 ? workers : 2) < HANDOVER;
}

/* Returns: as the loops; in *workers those of the pool. */
static int work_by(weir_pool *pool, unsigned *workers, range *r)
{
    /* relaxed: numbers; a pool that stops beside this refuses what is handed over. */
    const uint64_t crew = weir_atomic_load(&pool->crew, WEIR_RELAXED);
    const bool inside = weir_pool_self() == pool;

    if (!inside && (crew & WEIR__CREW_STOPS) != 0)
        return -EPIPE;
    *workers = weir__crew_target(crew);
    if (*workers == 1)
        return finish_alone(r);
    return inside ? work(r) : work_outside(pool, *workers, r);
}

int weir__loop_run(weir__loop *l, const weir_parallel *how, size_t units, size_t items)
{
    static const weir_parallel alone = {NULL, 0, NULL, NULL};
    range r = {l, 0, units, 1, 0, 0, 0, false};
    unsigned workers = 1;
    int status;

    how = how != NULL ? how : &alone;
    l->cancel = how->cancel;
    l->hint = how->hint;
    l->divides = true;
    weir_atomic_init(&l->stopped, 0);
    if (units == 0)
        return 0;
    if (l->hint != NULL)
        r.unit_ps = times(l->hint->item_ps, weir__groups(items, units));
    status = how->pool == NULL ? finish_alone(&r) : work_by(how->pool, &workers, &r);
    if (status == 0)
        tell(&r, items, workers, how->grain);
    return status;
}

/* ---- for, map ---- */

/* The chunks, or without a grain items, of a loop. */
typedef struct chunks {
    weir__loop loop; /* first */
    size_t begin, end, grain;
    weir_parallel_body *body;
    void *context;
} chunks;

static int run_items(weir__loop *l, size_t from, size_t to)
{
    chunks *const c = (chunks *)(void *)l;
    const int status = c->body(c->context, c->begin + from, c->begin + to);

    return status == 0 ? 0 : weir__loop_stop(l, status);
}

static int run_chunks(weir__loop *l, size_t from, size_t to)
{
    chunks *const c = (chunks *)(void *)l;

    for (size_t i = from; i < to; i++) {
        const size_t begin = c->begin + i * c->grain;
        const size_t n = c->end - begin < c->grain ? c->end - begin : c->grain;
        int status = weir__loop_look(l);

        if (status != 0)
            return status;
        status = c->body(c->context, begin, begin + n);
        if (status != 0)
            return weir__loop_stop(l, status);
    }
    return 0;
}

int weir_parallel_for(const weir_parallel *how, size_t begin, size_t end, weir_parallel_body *body,
                      void *context)
{
    const size_t grain = how == NULL ? 0 : how->grain;
    chunks c;

    if (begin > end)
        return -EINVAL;
    c.begin = begin;
    c.end = end;
    c.grain = grain;
    c.body = body;
    c.context = context;
    c.loop.run = grain == 0 ? run_items : run_chunks;
    return weir__loop_run(&c.loop, how, grain == 0 ? end - begin : weir__groups(end - begin, grain),
                          end - begin);
}

typedef struct mapping {
    unsigned char *results;
    size_t bytes;
    weir_parallel_function *function;
    void *context;
} mapping;

static int map_items(void *context, size_t from, size_t to)
{
    const mapping *const m = (const mapping *)context;

    for (size_t i = from; i < to; i++) {
        const int status = m->function(m->context, i, m->results + i * m->bytes);

        if (status != 0)
            return status;
    }
    return 0;
}

int weir_parallel_map(const weir_parallel *how, void *results, size_t bytes, size_t n,
                      weir_parallel_function *function, void *context)
{
    mapping m;

    if (bytes != 0 && n > SIZE_MAX / bytes)
        return -EINVAL;
    m.results = (unsigned char *)results;
    m.bytes = bytes;
    m.function = function;
    m.context = context;
    return weir_parallel_for(how, 0, n, map_items, &m);
}
