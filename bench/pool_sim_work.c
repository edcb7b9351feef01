/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "pool_sim.h"

/* ---- fork and join ---- */

double sim_sums_of(double n)
{
    static double sums[64];

    if (sums[2] == 0)
        for (int i = 2; i < 64; i++)
            sums[i] = sums[i - 1] + sums[i - 2] + 1;
    return sums[(int)n];
}

/* What n spawns cost beside SUM; and whom they call. */
static double spawns(worker *w, double t, int n)
{
    t = sim.variant == GLOBAL ? sim_change(w->bottom_line, w->core, t, n, RMW)
                              : sim_change(w->bottom_line, w->core, t, 1, 0);
    if (sim.variant == FENCED)
        t = sim_change(w->idle, w->core, t, n, RMW) + n * CALLED;
    if (sim.variant == NOTIFIES)
        t = sim_change(sim.crew, w->core, t, n, RMW);
    t = sim_look(sim.crew, w->core, t);
    return sim_wants() ? sim_wake(w, t) : t;
}

static double pops(worker *w, double t, int n)
{
    if (sim.variant == GLOBAL)
        return sim_change(w->bottom_line, w->core, t, n, RMW);
    t = sim_look(w->ends, w->core, t);
    if (w->shared || sim.variant == FENCED) {
        t = sim_change(w->bottom_line, w->core, t, n, RMW);
        w->rent += n;
        if (w->rent >= RENT && sim.variant != FENCED) {
            w->shared = false;
            t = sim_change(w->ends, w->core, t, 1, RMW);
        }
    }
    return t;
}

frame *sim_push_frame(worker *w, kind what, double size, job *of)
{
    if (w->depth == DEEP)
        abort();
    w->frames[w->depth] = (frame){what, 0, size, of};
    return &w->frames[w->depth++];
}

static double spawn(worker *w, frame *f, bool range, double size, double t)
{
    f->job = calloc(1, sizeof(job));
    if (f->job == NULL || w->bottom == DEEP)
        abort();
    f->job->size = size;
    f->job->range = range;
    f->job->spawner = (int)(w - sim.w);
    f->job->thief = -1;
    f->phase = 1;
    w->deque[w->bottom++] = f->job;
    return spawns(w, t, 1);
}

static double run(worker *w, double t)
{
    for (;;) {
        frame *f;
        job *j;

        if (w->depth == 0 && w == sim.w && sim.root != 0) {
            sim.end = t;
            if (sim.rounds-- == 0)
                return -1;
            sim_push_frame(w, sim.root_kind, sim.root, NULL);
        }
        if (w->depth == 0) {
            w->state = LOOK;
            return t;
        }
        f = &w->frames[w->depth - 1];
        j = f->job;
        if (f->kind == STOLEN) {
            if (f->phase++ == 0) {
                sim_push_frame(w, j->range ? RANGE : FIB, j->size, NULL);
                continue;
            }
            t += near_ns + RMW; /* its state, which who joins it has looked at */
            j->done = true;
            w->depth--;
            if (j->awaited && sim.w[j->spawner].state == BLOCKED) {
                sim.w[j->spawner].state = JOIN;
                sim_give_core(j->spawner, t + WAKE);
                return t + CALL;
            }
        } else if (f->phase == 1) {
            if (w->bottom > w->top && w->deque[w->bottom - 1] == j) {
                w->bottom--;
                t = pops(w, t, 1);
                free(j);
                f->phase = f->kind == FIB ? 2 : 0; /* of a range the other half is as long */
                if (f->kind == FIB)
                    sim_push_frame(w, FIB, f->size - 2, NULL);
            } else {
                w->state = JOIN;
                w->rounds = 0;
                return t;
            }
        } else if (f->kind == RANGE) {
            const double half = f->size / 2;

            if (half < 0.5) {
                w->depth--;
            } else if (half >= 300000 || (half >= 4000 && w->bottom == w->top)) {
                f->size = half;
                t = spawn(w, f, true, half, t);
                sim_push_frame(w, RANGE, half, NULL);
            } else {
                const double piece = fmin(f->size, fmax(20000, fmin(100000, f->size / 4)));

                f->size -= piece;
                return t + piece + 25;
            }
        } else if (f->phase == 0 && f->size > CUT) {
            t = spawn(w, f, false, f->size - 2, t);
            sim_push_frame(w, FIB, f->size - 1, NULL);
        } else if (f->phase == 2) {
            w->depth--;
            t += SUM + leaf_ns;
        } else {
            const double n = sim_sums_of(f->size);

            w->depth--;
            t = spawns(w, t, (int)n);
            return pops(w, t, (int)n) + n * (SUM + leaf_ns);
        }
    }
}

/* ---- thieves ---- */

/* Looks at the victim's deques, and takes the oldest, or some of what was submitted. */
static double steal(worker *w, worker *victim, double t, bool *got)
{
    int n = 1;

    *got = false;
    if (sim.variant == GLOBAL)
        t = sim_change(victim->bottom_line, w->core, t, 1, RMW);
    else
        t = sim_look(victim->ends, w->core, sim_look(victim->bottom_line, w->core, t));
    if (victim->own > 0 && victim->bottom == victim->top)
        n = victim->own / 2 + 1 < 16 ? (victim->own + 1) / 2 : 16;
    else if (victim->bottom == victim->top)
        return t;
    if (!victim->shared && sim.variant != FENCED && sim.variant != GLOBAL) {
        t = sim_change(victim->ends, w->core, t, 1, RMW);
        victim->shared = true;
        victim->rent = 0;
        return sim_membarrier((int)(w - sim.w), t); /* after which it looks again */
    }
    if (sim.variant != GLOBAL)
        t = sim_change(victim->ends, w->core, t, n, 7);
    victim->rent = 0;
    sim.steals++;
    *got = true;
    if (victim->bottom > victim->top) {
        job *const j = victim->deque[victim->top++];

        if (victim->bottom == victim->top)
            victim->bottom = victim->top = 0;
        else if (victim->top > DEEP / 2) {
            victim->bottom -= victim->top;
            memmove(victim->deque, victim->deque + victim->top,
                    sizeof(job *) * (size_t)victim->bottom);
            victim->top = 0;
        }
        j->thief = (int)(w - sim.w);
        sim_push_frame(w, STOLEN, 0, j);
        w->state = RUN;
        return t + sim_distance(victim->core, w->core) + RMW;
    }
    victim->own -= n;
    w->own += n;
    w->own_core = victim->own_core;
    w->state = LOOK;
    return t;
}

static double join(worker *w, double t)
{
    frame *const f = &w->frames[w->depth - 1];
    job *const j = f->job;
    bool got = false;

    if (j->done) {
        if (j->awaited) {
            sim.running++;
            t = sim_change(sim.crew, w->core, t, 1, RMW);
        }
        t += sim_distance(sim.w[j->thief].core, w->core);
        free(j);
        f->phase = f->kind == FIB ? 2 : 0;
        f->size = f->kind == FIB ? f->size : 0;
        w->state = RUN;
        return t;
    }
    t = steal(w, &sim.w[j->thief], t, &got);
    if (got || sim.variant == CROWD || ++w->rounds < ROUNDS)
        return t + (sim.variant == CROWD ? PAUSE : 27);
    j->awaited = true;
    w->state = BLOCKS;
    sim.running--;
    return sim_fence(w, sim_change(sim.crew, w->core, t, 1, RMW));
}

static double block(worker *w, double t)
{
    t = sim_look_again(w, t);
    w->state = w->frames[w->depth - 1].job->done ? JOIN : BLOCKED;
    if (w->state == JOIN)
        return t;
    sim_leave_core(w, t);
    return -1;
}

/* ---- what comes from outside ---- */

static double take(worker *w, double t, bool *more)
{
    double begin;
    int n;

    *more = false;
    t = sim_look(sim.newest, w->core, t);
    if ((sim.arrived == 0 && sim.turned == 0) || sim.locked_until > t)
        return t;
    if (sim.variant == GLOBAL) {
        w->own = 1;
        w->own_core = sim.newest->owner;
        sim.arrived--;
        return sim_change(sim.newest, w->core, t, 1, RMW);
    }
    t = sim_change(sim.taking, w->core, t, 1, RMW);
    begin = t;
    if (sim.turned == 0) { /* job by job, each in the line of who has submitted it */
        t = sim_change(sim.newest, w->core, t, 1, RMW);
        t += sim.arrived * sim_distance(sim.newest->before, w->core);
        sim.turned = sim.arrived;
        sim.arrived = 0;
        sim.turner = w->core;
    }
    n = sim.turned < BATCH ? sim.turned : BATCH;
    t += n * (1 + sim_distance(sim.turner, w->core));
    sim.turned -= n;
    sim.locked_until = t;
    sim.lock_busy += t - begin;
    w->own += n;
    w->own_core = w->core;
    *more = sim.turned > 0 || sim.arrived > 0 || n > 1;
    return t;
}

static double submit(worker *w, double t)
{
    const double begin = t;

    if (sim.batch != 0 &&
        w->pushed == sim.batch) { /* as bench/pool_run.c does: until all are done */
        if (sim.in_flight > 0)
            return t + 200;
        w->pushed = 0;
    }
    if (sim.batch == 0 && sim.in_flight >= WINDOW)
        return t + fmax(400, sim.job_ns / 50);
    t = sim_change(sim.newest, w->core, t + SUBMIT, 1, RMW);
    w->pushed += sim.batch > 0;
    sim.arrived++;
    sim.submitted++;
    sim.in_flight++;
    t = sim_look(sim.crew, w->core, t);
    if (sim_wants())
        t = sim_wake(w, t);
    w->submitting += t - begin;
    return t;
}

/* ---- a worker's step ---- */

static double search(worker *w, double t)
{
    bool more = false;

    if (w->state == LOOK) {
        if (sim.running > sim.cores && !w->searches)
            return sim_go_to_sleep(w, t);
        if (w->own == 0)
            t = take(w, t, &more);
        if (w->own > 0) {
            t = sim_found(w, t, more);
            w->own--;
            t += 20 + sim_distance(w->own_core, w->core) + sim.job_ns;
            sim.in_flight--;
            sim.jobs++;
            return t;
        }
        w->victim = (int)sim_roll((unsigned)sim.workers);
        w->left = sim.workers;
        w->state = STEAL;
        return t + 10;
    }
    while (w->left-- > 0) {
        worker *const victim = &sim.w[w->victim];
        bool got = false;
        const bool shared = victim->shared;
        const double before = t;

        w->victim = (w->victim + 1) % sim.workers;
        if (victim == w || !victim->made)
            continue;
        if (sim.variant == GLOBAL && victim->bottom == victim->top && w->left > 0)
            continue; /* one look finds all */
        t = steal(w, victim, t, &got);
        if (got) {
            more = victim->bottom > victim->top || victim->own > 0 || w->own > 1;
            return sim_found(w, t, more);
        }
        if (shared != victim->shared) {
            w->victim = (int)(victim - sim.w);
            w->left++;
            return t;
        }
        if (t - before > 10) /* others were at it meanwhile */
            return before + (t - before) / OVERLAP;
    }
    if (sim.variant == CROWD || w->searches || !sim.searches) {
        if (!w->searches && sim.variant != CROWD) {
            t = sim_change(sim.crew, w->core, t, 1, RMW);
            sim.searches = w->searches = true;
        }
        w->state = LOOK;
        if (sim.variant == CROWD)
            return t + PAUSE;
        if (w->rounds++ < ROUNDS)
            return t + 27;
    }
    return sim_go_to_sleep(w, t);
}

double sim_step(worker *w, double t)
{
    t += w->debt;
    w->debt = 0;
    switch (w->state) {
    case OUTSIDER:
        return submit(w, t);
    case RUN:
        return run(w, t);
    case JOIN:
        return join(w, t);
    case BLOCKS:
        return block(w, t);
    case SLEEPY:
        return sim_sleep_on(w, t);
    default:
        return search(w, t);
    }
}
