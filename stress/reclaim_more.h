/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/reclaim_more.h: the parts of stress/reclaim.h that are no rounds: the scheme without
 * protection, which must be found out; a million short lives; hazards in hundreds of threads. It is
 * included there, in its middle. */

#ifndef WEIR_STRESS_RECLAIM_MORE_H
#define WEIR_STRESS_RECLAIM_MORE_H

/* ---- without protection ---- */

static inline int naive_make(void **domain, const weir_reclaim_options *options)
{
    (void)options;
    *domain = current;
    return 0;
}

static inline int naive_destroy(void *domain)
{
    (void)domain;
    return 0;
}

static inline void *naive_self(void *domain)
{
    return domain;
}

static inline void naive_leave(void *record)
{
    (void)record;
}

static inline weir_section naive_enter(void *record)
{
    const weir_section section = {0};

    (void)record;
    return section;
}

static inline void naive_exit(void *record, weir_section section)
{
    (void)record;
    (void)section;
}

static inline void *naive_protect(void *record, unsigned slot, const WEIR_ATOMIC(void *) * from)
{
    (void)record;
    (void)slot;
    return weir_atomic_load(from, WEIR_ACQUIRE);
}

static inline void naive_born(void *record, weir_retired *header)
{
    (void)record;
    (void)header;
}

/* Here is the fault: a reader may have it. */
static inline void naive_retire(void *record, weir_retired *header, weir_reclaim_callback *reclaim,
                                size_t bytes)
{
    (void)record;
    (void)bytes;
    reclaim(header);
}

static inline size_t naive_collect(void *record)
{
    (void)record;
    return 0;
}

static inline int naive_synchronize(void *domain, const void *header, uint64_t deadline)
{
    (void)domain;
    (void)header;
    (void)deadline;
    return 0;
}

static inline int naive_barrier(void *domain, uint64_t deadline)
{
    (void)domain;
    (void)deadline;
    return 0;
}

static inline void naive_stats(void *domain, weir_reclaim_stats *stats)
{
    (void)domain;
    memset(stats, 0, sizeof *stats);
}

/* Returns: what was found. The memory stays the round's own, so that nothing is damaged. Its
 * accesses race, as they do in such a program: not under ThreadSanitizer, which finds it by
 * itself. */
static inline const char *find_naive(stress *s, stress_rng *rng)
{
#ifdef WEIR_TSAN
    (void)s;
    (void)rng;
    return "(left to ThreadSanitizer)";
#else
    static const reclaim_face naive = {
        "naive",           true,          false,      false,        false,
        naive_make,        naive_destroy, naive_self, naive_leave,  naive_enter,
        naive_exit,        naive_protect, naive_born, naive_retire, naive_collect,
        naive_synchronize, naive_barrier, naive_stats};
    reclaim_totals unused = {0, 0, 0, 0, 0, 0};

    for (uint64_t tries = 0; tries < 200; tries++) {
        static round_state round;
        const char *found;

        draw_round(&round, &naive, tries % 2, rng);
        round.s = s;
        round.recycles = true;
        round.prod = tries % 4 < 2;
        round.yield_one = 4;
        found = run_round(&round, rng, 5000000, &unused);
        for (int i = 0; i < CELLS; i++)
            /* relaxed: the threads have ended. */
            free(weir_atomic_exchange(&round.cells[i], NULL, WEIR_RELAXED));
        if (found != NULL)
            return found;
    }
    stress_fail(s, "the ledger does not see that there is no protection");
#endif
}

/* ---- a million lives ---- */

typedef struct short_lives {
    const reclaim_face *face;
    void *domain;
    WEIR_ATOMIC(void *) root;
} short_lives;

static inline void reclaim_life(weir_retired *header)
{
    free(header);
}

static inline void *one_short_life(void *argument)
{
    short_lives *const l = (short_lives *)argument;
    void *const record = l->face->self(l->domain);
    weir_retired *const fresh = (weir_retired *)calloc(1, sizeof *fresh);
    weir_retired *old;

    if (record == NULL || fresh == NULL)
        abort();
    l->face->exit(record, l->face->enter(record));
    l->face->born(record, fresh);
    old = (weir_retired *)weir_atomic_exchange(&l->root, fresh, WEIR_ACQ_REL);
    if (old != NULL)
        l->face->retire(record, old, reclaim_life, sizeof *old);
    return NULL;
}

static inline uint64_t largest_rss_kib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss;
}

static inline void live_in_batches(stress *s, short_lives *l, uint64_t count)
{
    enum { BATCH = 8 };
    pthread_attr_t small;

    if (pthread_attr_init(&small) != 0 || pthread_attr_setstacksize(&small, SMALL * 2) != 0)
        stress_fail(s, "no attributes");
    for (uint64_t n = 0; n < count; n += BATCH) {
        pthread_t ids[BATCH];

        for (int i = 0; i < BATCH; i++)
            if (pthread_create(&ids[i], &small, one_short_life, l) != 0)
                stress_fail(s, "a thread could not be created");
        for (int i = 0; i < BATCH; i++)
            pthread_join(ids[i], NULL);
        if (n % 65536 == 0)
            (void)stress_goes_on(s, "%" PRIu64 " of %" PRIu64 " short threads", n, count);
    }
    pthread_attr_destroy(&small);
}

/* The million is shared out among the faces. */
static inline uint64_t short_lives_leave_nothing(stress *s, const reclaim_face *face, size_t faces)
{
    const weir_reclaim_options options = {0, 0, 0, NULL, NULL, false};
    const uint64_t count = s->seconds < 30 ? 100 : LIVES / faces;
    weir_reclaim_stats stats;
    short_lives l;
    uint64_t rss;

    memset((void *)&l, 0, sizeof l);
    l.face = face;
    if (face->make(&l.domain, &options) != 0)
        stress_fail(s, "no domain was made");
    live_in_batches(s, &l, 2000 < count ? 2000 : count); /* what the C library keeps for later */
    rss = largest_rss_kib();
    live_in_batches(s, &l, count);
    face->stats(l.domain, &stats);
    if (stats.records > 64)
        stress_fail(s, "%zu records, for 8 threads at a time", stats.records);
    if (stats.left_open != 0)
        stress_fail(s, "%zu sections were left open", stats.left_open);
#if !defined(WEIR_TSAN) && !defined(__SANITIZE_ADDRESS__)
    /* A sanitizer's own memory grows with the number of threads that ever were; an emulator's with
     * what it has seen, for a while. */
    if (count > 10000 && largest_rss_kib() > rss + 4096)
        stress_fail(s, "memory grew by %" PRIu64 " KiB over short threads",
                    largest_rss_kib() - rss);
#else
    (void)rss;
#endif
    if (face->destroy(l.domain) != 0)
        stress_fail(s, "free failed");
    free(weir_atomic_exchange(&l.root, NULL, WEIR_ACQUIRE));
    return count;
}

/* ---- many holders ---- */

typedef struct hold_state {
    stress *s;
    const reclaim_face *face;
    void *domain;
    object *objects;
    size_t count, holders;
    WEIR_ATOMIC(size_t) ready;
    WEIR_ATOMIC(uint32_t) over; /* a barrier's callers spin no longer */
    pthread_barrier_t let_go;
} hold_state;

typedef struct holder {
    hold_state *state;
    size_t me;
} holder;

static WEIR_ATOMIC(uint64_t) holds_called;

static inline void reclaim_held(weir_retired *header)
{
    object *const o = (object *)(void *)header;

    if (o->life != ALIVE || weir_atomic_fetch_add(&o->calls, 1, WEIR_ACQ_REL) != 0)
        abort();
    o->life = DEAD;
    count_up(&holds_called);
}

static inline size_t held_by(const hold_state *h, size_t me, size_t slot)
{
    return (me * WEIR_HAZARD_SLOTS + slot) * (h->count / (h->holders * WEIR_HAZARD_SLOTS));
}

static inline void *hold_slots(void *argument)
{
    const holder *const me = (const holder *)argument;
    hold_state *const h = me->state;
    void *const record = h->face->self(h->domain);
    const weir_section section = h->face->enter(record);

    for (unsigned i = 0; i < WEIR_HAZARD_SLOTS; i++) {
        WEIR_ATOMIC(void *) root;

        weir_atomic_init(&root, &h->objects[held_by(h, me->me, i)]);
        (void)h->face->protect(record, i, &root);
    }
    weir_atomic_fetch_add(&h->ready, 1, WEIR_ACQ_REL);
    pthread_barrier_wait(&h->let_go);
    h->face->exit(record, section);
    return NULL;
}

/* R10, Concurrency Kit 51594ea, libcds issue 70: far more hazards than a scan has room for. */
static inline void many_holders(stress *s, const reclaim_face *face, bool fenced)
{
    const weir_reclaim_options options = {0, SIZE_MAX / 2, 0, NULL, NULL, fenced};
    static holder holders[MOST_HOLDERS];
    pthread_t ids[MOST_HOLDERS];
    pthread_attr_t small;
    hold_state h;
    void *record;
    size_t held;

    memset((void *)&h, 0, sizeof h);
    h.s = s;
    h.face = face;
    h.holders = s->seconds < 30 ? 40 : MOST_HOLDERS;
    h.count = s->seconds < 30 ? 10000 : 100000;
    held = h.holders * WEIR_HAZARD_SLOTS;
    h.objects = (object *)calloc(h.count, sizeof *h.objects);
    if (h.objects == NULL || face->make(&h.domain, &options) != 0 ||
        pthread_barrier_init(&h.let_go, NULL, (unsigned)h.holders + 1) != 0 ||
        pthread_attr_init(&small) != 0 || pthread_attr_setstacksize(&small, SMALL * 2) != 0)
        stress_fail(s, "no memory");
    weir_atomic_store(&holds_called, 0, WEIR_RELAXED); /* relaxed: no other thread is there. */
    for (size_t i = 0; i < h.count; i++)
        h.objects[i].life = ALIVE;
    for (size_t i = 0; i < h.holders; i++) {
        holders[i].state = &h;
        holders[i].me = i;
        if (pthread_create(&ids[i], &small, hold_slots, &holders[i]) != 0)
            stress_fail(s, "a thread could not be created");
    }
    while (weir_atomic_load(&h.ready, WEIR_ACQUIRE) != h.holders)
        sched_yield();
    record = face->self(h.domain);
    for (size_t i = 0; i < h.count; i++)
        face->retire(record, &h.objects[i].header, reclaim_held, sizeof h.objects[i]);
    (void)face->collect(record);
    for (size_t i = 0; i < h.holders; i++)
        for (size_t k = 0; k < WEIR_HAZARD_SLOTS; k++)
            if (h.objects[held_by(&h, i, k)].life != ALIVE)
                stress_fail(s, "an object that is held was reclaimed");
    /* relaxed: this thread's own callbacks. */
    if (weir_atomic_load(&holds_called, WEIR_RELAXED) != (face->by_pointer ? h.count - held : 0))
        stress_fail(s, "%" PRIu64 " objects of %zu were reclaimed, with %zu held",
                    weir_atomic_load(&holds_called, WEIR_RELAXED), h.count, held);
    pthread_barrier_wait(&h.let_go);
    if (face->barrier(h.domain, WEIR_FOREVER) != 0)
        stress_fail(s, "the barrier failed");
    /* relaxed: as above. */
    if (weir_atomic_load(&holds_called, WEIR_RELAXED) != h.count)
        stress_fail(s, "what is not held any more was not reclaimed");
    for (size_t i = 0; i < h.holders; i++)
        pthread_join(ids[i], NULL);
    if (face->destroy(h.domain) != 0)
        stress_fail(s, "free failed");
    pthread_barrier_destroy(&h.let_go);
    pthread_attr_destroy(&small);
    free(h.objects);
}

#endif /* WEIR_STRESS_RECLAIM_MORE_H */
