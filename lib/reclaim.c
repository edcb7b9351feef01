/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "reclaim.h"

#include "park.h"

#include <errno.h>

/* ---- readers off the short path ---- */

void weir__reclaim_wake(weir__reader *reader)
{
    /* relaxed: the bit says only that somebody looks again when it is gone. */
    if ((weir_atomic_load(&reader->attention, WEIR_RELAXED) & WEIR__ATTENTION_WAITED) == 0)
        return;
    /* relaxed: as above. */
    weir_atomic_fetch_and(&reader->attention, ~WEIR__ATTENTION_WAITED, WEIR_RELAXED);
    weir__unpark_all(&reader->attention);
}

void weir__reclaim_show(weir__reader *reader)
{
    /* sync(met): acq_rel. Pairs with meet() and ask(); what was stored before, and what is loaded
     * after. Who waits is seen here, or sees what was stored. An addition: x86-64 has one that
     * returns what was there, for a fetch_or it would be a loop. */
    if ((weir_atomic_fetch_add(&reader->attention, 0, WEIR_ACQ_REL) & WEIR__ATTENTION_WAITED) != 0)
        weir__reclaim_wake(reader);
}

weir_section weir__reclaim_enter(weir__reader *reader)
{
    weir_section section;
    uint64_t now;

    /* relaxed: own word. */
    section.outer = weir_atomic_load(&reader->lower, WEIR_RELAXED);
    /* Nested: the outer section's era stays. */
    if ((section.outer & WEIR__INSIDE) != 0)
        return section;
    /* sync(era): acquire. Pairs with the fetch_add in close_era(). */
    now = weir_atomic_load(reader->era, WEIR_ACQUIRE);
    /* relaxed: own word.
     * sync(left): release, twice. Pairs with look_at_section(); what was read in earlier sections.
     */
    if (weir_atomic_load(&reader->upper, WEIR_RELAXED) < now)
        weir_atomic_store(&reader->upper, now, WEIR_RELEASE);
    weir_atomic_store(&reader->lower, now | WEIR__FENCED, WEIR_RELEASE);
    weir__reclaim_show(reader);
    return section;
}

/* ---- holding a record's lists: see reclaim.h ---- */

static void let_go(record *r)
{
    announce(r->domain, &r->busy, 0);
    /* relaxed: either the claimant sees that busy is 0, or this sees him. */
    if (WEIR_UNLIKELY(weir_atomic_load(&r->claimed, WEIR_RELAXED) != 0))
        weir__unpark_all(&r->busy);
}

/* Its own thread. Returns: false while somebody else has them. */
static bool hold(record *r)
{
    announce(r->domain, &r->busy, 1);
    /* sync(mine): acquire. Pairs with the store in weir__record_unclaim(); the lists as they were
     * left. */
    if (WEIR_LIKELY(weir_atomic_load(&r->claimed, WEIR_ACQUIRE) == 0))
        return true;
    let_go(r);
    return false;
}

void weir__record_unclaim(record *r)
{
    /* sync(mine): release. Pairs with the load in hold(), the compare-and-swap in
     * weir__record_claim(). */
    weir_atomic_store(&r->claimed, 0, WEIR_RELEASE);
    weir__unpark_all(&r->claimed);
}

int weir__record_claim(record *r, uint64_t deadline)
{
    for (;;) {
        uint32_t claimed = 0;

        /* sync(mine): acquire. Pairs with the store in weir__record_unclaim().
         * relaxed on failure: the value is only slept upon. */
        if (weir_atomic_cas(&r->claimed, &claimed, 1, WEIR_ACQUIRE, WEIR_RELAXED))
            break;
        if (!weir__park(&r->claimed, 1, deadline))
            return -ETIMEDOUT;
    }
    rare_fence(r->domain);
    while (look(r->domain, &r->busy) != 0)
        if (!weir__park(&r->busy, 1, deadline)) {
            weir__record_unclaim(r);
            return -ETIMEDOUT;
        }
    return 0;
}

static void put_aside(record *r, weir_retired *object)
{
    /* relaxed: stored and compared, never followed. */
    weir_retired *first = weir_atomic_load(&r->aside, WEIR_RELAXED);

    do
        object->next = first;
    /* sync(aside): release. Pairs with the exchange in take_aside(); the object and its
     * header. relaxed on failure: as the load above. */
    while (!weir_atomic_cas_weak(&r->aside, &first, object, WEIR_RELEASE, WEIR_RELAXED));
}

static void take_aside(record *r, list *to)
{
    weir_retired *object;

    /* relaxed: only whether to look at all. */
    if (weir_atomic_load(&r->aside, WEIR_RELAXED) == NULL)
        return;
    /* sync(aside): acquire. Pairs with the compare-and-swap in put_aside(). */
    object = weir_atomic_exchange(&r->aside, NULL, WEIR_ACQUIRE);
    while (object != NULL) {
        weir_retired *const next = object->next;

        push(to, object);
        object = next;
    }
}

/* A new batch, of a record whose lists are held or claimed. */
static void begin_batch(record *r)
{
    /* relaxed: written with the lists held alone. */
    r->look_objects =
        weir_atomic_load(&r->retired_objects, WEIR_RELAXED) + r->domain->options.batch_objects;
    r->look_bytes =
        weir_atomic_load(&r->retired_bytes, WEIR_RELAXED) + r->domain->options.batch_bytes;
}

void weir__record_gather(record *r, list *to)
{
    take_aside(r, to);
    append(to, &r->open);
    append(to, &r->closed);
    begin_batch(r);
}

bool weir__record_waits(record *me)
{
    /* relaxed: this thread has put them there. */
    bool some = weir_atomic_load(&me->aside, WEIR_RELAXED) != NULL;

    if (!hold(me))
        return some;
    some |= me->open.first != NULL || me->closed.first != NULL;
    let_go(me);
    return some;
}

/* With the own lists held: what ended threads have left behind. Not while a barrier goes through
 * the records: it might have seen this one before, and find the other one empty. Either the number
 * is seen here, or the barrier sees that the lists here are held, and waits for them. */
static void gather_orphans(record *me)
{
    /* relaxed: see above. */
    if (weir_atomic_load(&me->domain->passes, WEIR_RELAXED) != 0)
        return;
    for (record *r = first_record(me->domain); r != NULL; r = r->next) {
        uint32_t nobody = 0;

        /* relaxed: a hint; the lists are looked at under the ownership taken below. */
        if (weir_atomic_load(&r->owner, WEIR_RELAXED) != 0 ||
            weir_atomic_load(&r->orphans, WEIR_RELAXED) == 0)
            continue;
        /* sync(mine): acquire. Pairs with the store in give_back().
         * relaxed on failure: its new owner has them. */
        if (!weir_atomic_cas(&r->owner, &nobody, UINT32_MAX, WEIR_ACQUIRE, WEIR_RELAXED))
            continue;
        if (hold(r)) {
            /* relaxed: under the ownership. */
            weir_atomic_store(&r->orphans, 0, WEIR_RELAXED);
            weir__record_gather(r, &me->open);
            let_go(r);
        }
        /* sync(mine): release. Pairs with the compare-and-swap in take_over(). */
        weir_atomic_store(&r->owner, 0, WEIR_RELEASE);
    }
}

/* ---- what can be freed ---- */

void weir__record_tell(const weir__domain *domain)
{
    /* sync(era): acquire. Pairs with the fetch_add in close_era(), of any thread. */
    const uint64_t now = weir_atomic_load(&domain->era, WEIR_ACQUIRE);

    for (record *r = first_record(domain); r != NULL; r = r->next)
        /* relaxed: only not to write what is there; if two tell at once the older number may
         * remain until the next, which keeps more and never less.
         * sync(era): release. Pairs with the load in weir__epoch_enter(); what was unlinked in the
         * eras before. */
        if (weir_atomic_load(&r->reader.now, WEIR_RELAXED) != now)
            weir_atomic_store(&r->reader.now, now, WEIR_RELEASE);
}

/* Ends an era, if there are open objects: they were unlinked before its end. A reader that enters
 * in a later one has acquired this fetch_add or one after it, and with it the unlinking of all of
 * them. Returns: the era that has ended; 0 if there are none. */
static uint64_t close_era(const record *me)
{
    uint64_t era;

    if (me->open.first == NULL)
        return 0;
    /* sync(era): acq_rel. Pairs with weir__record_tell(); the unlinking of the
     * batch's objects, and of those of all earlier eras. */
    era = weir_atomic_fetch_add(&me->domain->era, WEIR__ERA, WEIR_ACQ_REL) / WEIR__ERA;
    weir__record_tell(me->domain);
    return era;
}

/* Stamps the open objects, which have to wait; those that were taken over from others may have
 * their stamp already. */
static void stamp(record *me, uint64_t era)
{
    for (weir_retired *object = me->open.first; object != NULL; object = object->next)
        if (object->era == 0)
            object->era = era;
    append(&me->closed, &me->open);
}

/* Of readers that are inside and entered at or before `era`: whether there are any, and the newest
 * era that one of them may hold. */
static bool newest_held(const weir__domain *domain, uint64_t era, uint64_t *newest)
{
    bool any = false;

    *newest = 0;
    for (record *r = first_record(domain); r != NULL; r = r->next) {
        const uint64_t lower = look_at_section(&r->reader.lower);
        uint64_t upper;

        if ((lower & WEIR__INSIDE) == 0 || lower / WEIR__ERA > era)
            continue;
        any = true;
        upper = look_at_section(&r->reader.upper) / WEIR__ERA;
        if (upper > *newest)
            *newest = upper;
    }
    return any;
}

/* Intervals: what was closed when a reader was inside may go, if it was born after all that those
 * readers may hold. */
static void pick_born_after(record *me, list *ready)
{
    weir_retired *object = me->closed.first;
    uint64_t era = 0;
    uint64_t newest = 0;
    bool held = false;
    size_t left = 0;
    list kept;

    memset(&kept, 0, sizeof kept);
    while (object != NULL) {
        weir_retired *const next = object->next;

        if (object->era != era) {
            era = object->era;
            held = newest_held(me->domain, era, &newest);
        }
        if (held && object->born <= newest) {
            push_last(&kept, object);
            left++;
        } else
            push(ready, object);
        object = next;
    }
    me->closed = kept;
    me->left = left;
    /* relaxed: own word. */
    me->then = weir_atomic_load(&me->retired_objects, WEIR_RELAXED);
}

/* Epochs and intervals: what was closed before any of the readers entered may go. */
static void pick_by_era(record *me, list *ready)
{
    weir__domain *const domain = me->domain;
    const uint64_t era = close_era(me);
    uint64_t oldest = UINT64_MAX;

    me->holder = NULL;
    rare_fence(domain);
    for (record *r = first_record(domain); r != NULL; r = r->next) {
        uint64_t lower;

        meet(domain, &r->reader);
        lower = look_at_section(&r->reader.lower);
        if ((lower & WEIR__INSIDE) != 0 && lower / WEIR__ERA < oldest) {
            oldest = lower / WEIR__ERA;
            me->holder = r;
        }
    }
    /* Most of the time nobody has been inside for long: all may go, and none is touched here. */
    if (era != 0 && era < oldest) {
        append(ready, &me->closed);
        append(ready, &me->open);
        me->holder = NULL;
        return;
    }
    stamp(me, era);
    me->holder_era = oldest;
    while (me->closed.first != NULL && me->closed.first->era < oldest)
        push(ready, pop(&me->closed));
    if (me->closed.first == NULL)
        me->holder = NULL;
    /* What is left may be much, for long: all of it is gone through again when as many objects have
     * been retired since, less a batch. */
    else if (domain->scheme == WEIR__INTERVAL &&
             /* relaxed: own word. */
             weir_atomic_load(&me->retired_objects, WEIR_RELAXED) - me->then +
                     domain->options.batch_objects >=
                 me->left)
        pick_born_after(me, ready);
}

/* Hazards: the objects go into a table by their address, and each hazard takes its own out
 * again: no memory is needed, however many hazards there are. */
enum { BUCKETS = 128, BUCKET_SHIFT = 64 - 7 };

static unsigned bucket_of(const void *object)
{
    return (unsigned)(((uint64_t)(uintptr_t)object * 0x9e3779b97f4a7c15u) >> BUCKET_SHIFT);
}

/* Returns: whether the hazard protects one of the objects. */
static bool keep(weir_retired *table[BUCKETS], const void *hazard, list *kept)
{
    weir_retired **link = &table[bucket_of(hazard)];

    if (hazard == NULL)
        return false;
    while (*link != NULL && *link != hazard)
        link = &(*link)->next;
    if (*link != NULL) {
        weir_retired *const object = *link;

        *link = object->next;
        push(kept, object);
        return true;
    }
    return false;
}

/* A bit for each hazard, at its hash: an object whose bit is not set is protected by none. */
enum { FILTER_WORDS = 16, FILTER_SHIFT = 64 - 10 };

static unsigned bit_of(const void *object)
{
    return (unsigned)(((uint64_t)(uintptr_t)object * 0x9e3779b97f4a7c15u) >> FILTER_SHIFT);
}

static void mark(uint64_t filter[FILTER_WORDS], const void *hazard)
{
    const unsigned bit = bit_of(hazard);

    if (hazard != NULL)
        filter[bit / 64] |= (uint64_t)1 << bit % 64;
}

/* Of `waiting`, what no hazard can be protecting goes to `ready`, which is empty. */
static void pick_unmarked(weir__domain *domain, list *waiting, list *ready)
{
    uint64_t filter[FILTER_WORDS] = {0};
    weir_retired *object = waiting->first;
    weir_retired **link = &ready->first;
    list kept;

    rare_fence(domain);
    for (record *r = first_record(domain); r != NULL; r = r->next) {
        meet(domain, &r->reader);
        for (unsigned i = 0; i < HAZARDS; i++)
            mark(filter, look_at_hazard(&r->reader.hazard[i]));
        for (hazard_block *b = next_block(&r->more); b != NULL; b = next_block(&b->next))
            for (unsigned i = 0; i < BLOCK_HAZARDS; i++)
                mark(filter, look_at_hazard(&b->hazard[i]));
    }
    memset(&kept, 0, sizeof kept);
    /* What goes stays linked as it is. */
    ready->first = object;
    for (; object != NULL; object = *link) {
        const unsigned bit = bit_of(object);

        if (WEIR_LIKELY((filter[bit / 64] >> bit % 64 & 1) == 0)) {
            link = &object->next;
            ready->last = object;
        } else {
            *link = object->next;
            push(&kept, object);
        }
    }
    *waiting = kept;
}

record *weir__record_pick(weir__domain *domain, list *waiting, list *ready)
{
    weir_retired *table[BUCKETS];
    weir_retired *object;
    record *holder = NULL;

    pick_unmarked(domain, waiting, ready);
    if (waiting->first == NULL)
        return NULL;
    /* The others, exactly. */
    memset(table, 0, sizeof table);
    for (object = waiting->first; object != NULL;) {
        weir_retired *const next = object->next;
        weir_retired **const bucket = &table[bucket_of(object)];

        object->next = *bucket;
        *bucket = object;
        object = next;
    }
    memset(waiting, 0, sizeof *waiting);
    for (record *r = first_record(domain); r != NULL; r = r->next) {
        for (unsigned i = 0; i < HAZARDS; i++)
            if (keep(table, look_at_hazard(&r->reader.hazard[i]), waiting))
                holder = r;
        for (hazard_block *b = next_block(&r->more); b != NULL; b = next_block(&b->next))
            for (unsigned i = 0; i < BLOCK_HAZARDS; i++)
                if (keep(table, look_at_hazard(&b->hazard[i]), waiting))
                    holder = r;
    }
    for (unsigned i = 0; i < BUCKETS; i++)
        for (object = table[i]; object != NULL;) {
            weir_retired *const next = object->next;

            push(ready, object);
            object = next;
        }
    return holder;
}

/* With the lists held. */
static void pick(record *me, list *ready)
{
    if (me->domain->scheme == WEIR__HAZARD) {
        me->holder = weir__record_pick(me->domain, &me->open, ready);
    } else {
        pick_by_era(me, ready);
    }
    begin_batch(me);
}

/* ---- calling callbacks ---- */

void weir__record_begin_run(record *me)
{
    /* relaxed: own word. */
    announce(me->domain, &me->runs, weir_atomic_load(&me->runs, WEIR_RELAXED) + 1);
}

void weir__record_end_run(record *me)
{
    /* relaxed: own word. */
    announce(me->domain, &me->runs, weir_atomic_load(&me->runs, WEIR_RELAXED) + 1);
    /* relaxed: either the barrier sees the even number, or this sees the barrier. */
    if (WEIR_UNLIKELY(weir_atomic_load(&me->domain->barriers, WEIR_RELAXED) != 0))
        weir__unpark_all(&me->runs);
}

bool weir__record_runs(const record *me)
{
    /* relaxed: own word. */
    return weir_atomic_load(&me->runs, WEIR_RELAXED) % 2 != 0;
}

static void count(WEIR_ATOMIC(size_t) * number, size_t n)
{
    /* relaxed: a statistic that one thread writes. */
    weir_atomic_store(number, weir_atomic_load(number, WEIR_RELAXED) + n, WEIR_RELAXED);
}

void weir__record_moves(record *me, bool moves)
{
    weir_fence_light();
    /* relaxed: read by the child of a fork alone, which has this thread's stores up to some one. */
    weir_atomic_store(&me->moves, moves, WEIR_RELAXED);
    weir_fence_light();
}

size_t weir__record_run(record *me, list *ready)
{
    /* relaxed: own words. */
    const size_t objects = weir_atomic_load(&me->reclaimed_objects, WEIR_RELAXED);
    size_t bytes = weir_atomic_load(&me->reclaimed_bytes, WEIR_RELAXED);
    size_t n = 0;
    weir_retired *object;

    /* In the record, so that the child of a fork in a callback finds the rest. */
    weir__record_moves(me, true);
    append(&me->ready, ready);
    weir__record_moves(me, false);
    while ((object = me->ready.first) != NULL) {
        weir_reclaim_callback *const reclaim = object->reclaim;

        me->ready.first = object->next;
        /* relaxed: statistics that this thread writes, here alone. */
        weir_atomic_store(&me->reclaimed_objects, objects + ++n, WEIR_RELAXED);
        weir_atomic_store(&me->reclaimed_bytes, bytes += object->bytes, WEIR_RELAXED);
        object->reclaim = NULL;
        reclaim(object);
    }
    memset(&me->ready, 0, sizeof me->ready);
    return n;
}

static bool full(const record *me)
{
    /* Differences, since a sum of bytes wraps where words are short.
     * relaxed: own words. */
    const size_t objects = weir_atomic_load(&me->retired_objects, WEIR_RELAXED);
    const size_t bytes = weir_atomic_load(&me->retired_bytes, WEIR_RELAXED);

    return (ptrdiff_t)(objects - me->look_objects) >= 0 || (ptrdiff_t)(bytes - me->look_bytes) >= 0;
}

/* Tells the user, if more waits than is wanted. */
static void complain(record *me)
{
    weir__domain *const domain = me->domain;
    weir_reclaim_stats stats;
    weir_stall stall = {0, 0, 0, 0};

    weir__reclaim_stats(domain, &stats);
    if (stats.bytes <= domain->options.limit_bytes || domain->options.stalled == NULL)
        return;
    stall.objects = stats.objects;
    stall.bytes = stats.bytes;
    if (me->holder != NULL) {
        /* relaxed: a name, and a number, to be printed. */
        stall.thread = (int)weir_atomic_load(&me->holder->owner, WEIR_RELAXED);
        if (stall.thread < 0) /* has ended, and gather_orphans() is there */
            stall.thread = 0;
        if (domain->scheme != WEIR__HAZARD)
            stall.eras = weir_atomic_load(&domain->era, WEIR_RELAXED) / WEIR__ERA - me->holder_era;
    }
    domain->options.stalled(&stall, domain->options.context);
}

static size_t collect(record *me)
{
    size_t n = 0;
    size_t got;
    bool first = true;

    /* From a callback of this thread's: the run that it is part of looks again at its end. */
    if (weir__record_runs(me) || me->domain->freeing)
        return 0;
    weir__record_begin_run(me);
    do {
        list ready;

        memset(&ready, 0, sizeof ready);
        if (!hold(me))
            break;
        if (first || full(me)) {
            take_aside(me, &me->open);
            gather_orphans(me);
            pick(me, &ready);
        }
        let_go(me);
        got = weir__record_run(me, &ready);
        n += got;
        first = false;
    } while (got > 0);
    /* Within the run, so that one who collects there does not come here again. */
    if (WEIR_UNLIKELY(me->domain->options.limit_bytes != 0))
        complain(me);
    weir__record_end_run(me);
    return n;
}

size_t weir__reclaim_collect(weir__reader *reader)
{
    return collect((record *)(void *)reader);
}

void weir__record_return(record *me, list *waiting)
{
    if (hold(me)) {
        append(&me->open, waiting);
        /* It is looked at with the next.
         * relaxed: own word. */
        me->look_objects = weir_atomic_load(&me->retired_objects, WEIR_RELAXED);
        let_go(me);
        return;
    }
    for (weir_retired *object = waiting->first; object != NULL;) {
        weir_retired *const next = object->next;

        put_aside(me, object);
        object = next;
    }
    memset(waiting, 0, sizeof *waiting);
}

void weir__reclaim_retire(weir__reader *reader, weir_retired *object,
                          weir_reclaim_callback *reclaim, size_t bytes)
{
    record *const me = (record *)(void *)reader;
    bool look_for_more;

    WEIR_REQUIRE(object != NULL && reclaim != NULL, "NULL cannot be retired");
    object->reclaim = reclaim;
    object->bytes = bytes;
    object->era = 0;
    count(&me->retired_objects, 1);
    count(&me->retired_bytes, bytes);
    if (WEIR_UNLIKELY(!hold(me))) {
        put_aside(me, object);
        return;
    }
    push(&me->open, object);
    look_for_more = full(me);
    let_go(me);
    if (WEIR_UNLIKELY(look_for_more))
        collect(me);
}
