/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/reclaim_wait.c: synchronize and barrier. */

#include "reclaim.h"

#include "park.h"

#include <errno.h>

/* Says that somebody waits for the reader, so that it wakes him when it leaves the short path.
 * After the rare fence that follows, either what it does is seen, or it sees the bit. */
static void ask(weir__domain *domain, record *r)
{
    /* sync(met): acq_rel. Pairs with weir__reclaim_show() and gone(): they see the bit, or what
     * they did before is seen. */
    weir_atomic_fetch_or(&r->reader.attention, WEIR__ATTENTION_WAITED, WEIR_ACQ_REL);
    rare_fence(domain);
}

static bool asleep(const weir__domain *domain, record *r, uint64_t deadline)
{
    return weir__park(&r->reader.attention,
                      WEIR__ATTENTION_WAITED | (domain->fenced ? WEIR__ATTENTION_FENCED : 0),
                      deadline);
}

/* ---- sections ---- */

static bool inside(const weir__domain *domain, record *r, uint64_t era)
{
    uint64_t lower;

    meet(domain, &r->reader);
    lower = look_at_section(&r->reader.lower);
    return (lower & WEIR__INSIDE) != 0 && lower / WEIR__ERA <= era;
}

/* Waits until no reader is inside that entered in `era` or before. Returns: 0; -ETIMEDOUT. */
static int wait_for_sections(weir__domain *domain, uint64_t era, uint64_t deadline)
{
    rare_fence(domain);
    for (record *r = first_record(domain); r != NULL; r = r->next)
        while (inside(domain, r, era)) {
            weir__record_tell(domain);
            ask(domain, r);
            if (inside(domain, r, era) && !asleep(domain, r, deadline))
                return -ETIMEDOUT;
        }
    return 0;
}

static uint64_t end_era(weir__domain *domain)
{
    /* sync(era): acq_rel. Pairs with weir__record_tell(); what was unlinked before. */
    const uint64_t era = weir_atomic_fetch_add(&domain->era, WEIR__ERA, WEIR_ACQ_REL) / WEIR__ERA;

    weir__record_tell(domain);
    return era;
}

/* ---- hazards ---- */

static bool protects(const weir__domain *domain, record *r, const void *object)
{
    meet(domain, &r->reader);
    for (unsigned i = 0; i < HAZARDS; i++)
        if (look_at_hazard(&r->reader.hazard[i]) == object)
            return true;
    for (hazard_block *b = next_block(&r->more); b != NULL; b = next_block(&b->next))
        for (unsigned i = 0; i < BLOCK_HAZARDS; i++)
            if (look_at_hazard(&b->hazard[i]) == object)
                return true;
    return false;
}

static int wait_for_hazards(weir__domain *domain, record *me, const void *object, uint64_t deadline)
{
    /* First of all: two that protect what the other waits for are both to be told. */
    if (me != NULL && protects(domain, me, object))
        return -EDEADLK;
    rare_fence(domain);
    for (record *r = first_record(domain); r != NULL; r = r->next)
        while (protects(domain, r, object)) {
            ask(domain, r);
            if (protects(domain, r, object) && !asleep(domain, r, deadline))
                return -ETIMEDOUT;
        }
    return 0;
}

int weir__reclaim_synchronize(weir__domain *domain, const void *object, uint64_t deadline)
{
    record *const me = weir__record_find(domain);

    if (domain->scheme == WEIR__HAZARD) {
        WEIR_REQUIRE(object != NULL, "synchronize wants the object that was unlinked");
        return wait_for_hazards(domain, me, object, deadline);
    }
    if (me != NULL && weir__reclaim_inside(&me->reader))
        return -EDEADLK;
    return wait_for_sections(domain, end_era(domain), deadline);
}

/* ---- barrier ---- */

/* Waits for callbacks that others were calling already. */
static int wait_for_runs(weir__domain *domain, const record *me, uint64_t deadline)
{
    int status = 0;

    /* relaxed: after the fence, either the end of a run sees it, or the end is seen. */
    weir_atomic_fetch_add(&domain->barriers, 1, WEIR_RELAXED);
    rare_fence(domain);
    for (record *r = first_record(domain); r != NULL && status == 0; r = r->next) {
        uint32_t run = look(domain, &r->runs);
        const uint32_t first = run;

        while (r != me && run == first && run % 2 != 0) {
            if (!weir__park(&r->runs, run, deadline)) {
                status = -ETIMEDOUT;
                break;
            }
            run = look(domain, &r->runs);
        }
    }
    /* relaxed: as above. */
    weir_atomic_fetch_sub(&domain->barriers, 1, WEIR_RELAXED);
    return status;
}

/* Calls the callbacks of all objects that were taken; some remain there on an error. */
static int reclaim_all(weir__domain *domain, record *me, uint64_t deadline)
{
    list *const waiting = &me->taken;
    list ready;
    int status = 0;

    memset(&ready, 0, sizeof ready);
    if (waiting->first == NULL)
        return 0;
    if (domain->scheme != WEIR__HAZARD) {
        status = wait_for_sections(domain, end_era(domain), deadline);
        if (status == 0)
            weir__record_run(me, waiting);
        return status;
    }
    for (;;) {
        weir__record_moves(me, true);
        weir__record_pick(domain, waiting, &ready);
        weir__record_run(me, &ready);
        if (waiting->first == NULL || status != 0)
            return status;
        status = wait_for_hazards(domain, me, waiting->first, deadline);
    }
}

/* All that was retired before, by whoever has it. */
static int gather_all(weir__domain *domain, record *me, uint64_t deadline)
{
    int status = 0;

    /* relaxed: see gather_orphans(). */
    weir_atomic_fetch_add(&domain->passes, 1, WEIR_RELAXED);
    /* A record that is not found below belongs to a thread that sees the number. */
    rare_fence(domain);
    for (record *r = first_record(domain); r != NULL && status == 0; r = r->next) {
        status = weir__record_claim(r, deadline);
        if (status == 0) {
            weir__record_moves(me, true);
            weir__record_gather(r, &me->taken);
            weir__record_moves(me, false);
            weir__record_unclaim(r);
        }
    }
    /* relaxed: as above. */
    weir_atomic_fetch_sub(&domain->passes, 1, WEIR_RELAXED);
    return status;
}

/* One try, for all that no other barrier has taken. */
static int pass(weir__domain *domain, record *me, uint64_t deadline)
{
    int status;

    /* From here on another barrier, which finds the lists empty, waits for this one's run; and
     * this one for others' only when it has called all that it took: no circle. */
    weir__record_begin_run(me);
    status = gather_all(domain, me, deadline);
    if (status == 0)
        status = reclaim_all(domain, me, deadline);
    if (me->taken.first != NULL) {
        weir__record_moves(me, true);
        weir__record_return(me, &me->taken);
        weir__record_moves(me, false);
        /* sync(mine): release. Pairs with the load in weir__reclaim_barrier(); where they are. */
        weir_atomic_fetch_add(&domain->returned, 1, WEIR_RELEASE);
    }
    weir__record_end_run(me);
    if (status == 0)
        status = wait_for_runs(domain, me, deadline);
    return status;
}

int weir__reclaim_barrier(weir__domain *domain, uint64_t deadline)
{
    record *me;
    uint32_t returned;
    int status;

    if (domain->freeing)
        return -EDEADLK;
    me = (record *)(void *)weir__reclaim_self(domain);
    if (me == NULL)
        return -ENOMEM;
    /* With hazards any of the own ones: it might protect what another barrier has taken, whose end
     * this one would wait for. */
    if (weir__record_is_open(me) || weir__record_runs(me))
        return -EDEADLK;
    /* Again, if another barrier had taken something, and gave up. */
    do {
        /* sync(mine): acquire. Pairs with the fetch_add in pass(); the lists that it put them
         * into. */
        returned = weir_atomic_load(&domain->returned, WEIR_ACQUIRE);
        status = pass(domain, me, deadline);
        /* relaxed: the other one's run, whose end was waited for, came before. */
    } while (status == 0 && weir_atomic_load(&domain->returned, WEIR_RELAXED) != returned);
    /* What the callbacks have retired, and what was put back: nobody has looked at it. */
    if (weir__record_waits(me))
        weir__reclaim_collect(&me->reader);
    return status;
}
