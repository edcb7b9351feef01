/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "pool_sim.h"

struct sim sim;
double near_ns = 60, far_ns = 250, leaf_ns, barrier_each = 100;

void sim_schedule(int who, double at)
{
    int i = sim.events++;

    for (; i > 0 && sim.heap[(i - 1) / 2].at > at; i = (i - 1) / 2)
        sim.heap[i] = sim.heap[(i - 1) / 2];
    sim.heap[i] = (event){at, sim.numbers++, who};
}

event sim_next_event(void)
{
    const event first = sim.heap[0], last = sim.heap[--sim.events];
    int i = 0;

    for (int child = 1; child < sim.events; i = child, child = 2 * i + 1) {
        child += child + 1 < sim.events && sim.heap[child + 1].at < sim.heap[child].at;
        if (sim.heap[child].at >= last.at)
            break;
        sim.heap[i] = sim.heap[child];
    }
    sim.heap[i] = last;
    return first;
}

unsigned sim_roll(unsigned n)
{
    sim.dice ^= sim.dice << 13;
    sim.dice ^= sim.dice >> 7;
    sim.dice ^= sim.dice << 17;
    return (unsigned)(sim.dice >> 33) % n;
}

/* ---- lines ---- */

line *sim_add_line(const char *name)
{
    line *const l = &sim.lines[sim.line_count++];

    memset(l, 0, sizeof *l);
    l->name = name;
    l->owner = l->before = -1;
    return l;
}

double sim_distance(int a, int b)
{
    return a == b ? 0 : a < 0 || a / CLUSTER == b / CLUSTER ? near_ns : far_ns;
}

/* What it costs to have the line alone: nothing, a transfer, or that others lose their copies. */
static double price(const line *l, int core)
{
    double most = sim_distance(l->owner, core);

    if (l->owner == core)
        for (int i = 0; i < 3; i++)
            if ((l->copies[i] & ~(i == core / 64 ? UINT64_C(1) << core % 64 : 0)) != 0)
                most = i == core / 64 && (l->copies[i] & ~(UINT64_C(255) << core % 64 / 8 * 8)) == 0
                           ? fmax(most, near_ns)
                           : far_ns;
    return most;
}

/* n read-modify-writes, or stores when `each` is 0. Returns: when they are done. */
double sim_change(line *l, int core, double t, int n, double each)
{
    const double cost = price(l, core), begin = fmax(t, l->free);

    if (cost == 0 || (core == l->before && t < l->until)) {
        l->busy += cost == 0 ? n * each : 0;
        return t + n * each;
    }
    l->busy += n * (cost + each + GRACE);
    if (t < l->asked && sim.variant != NOTIFIES &&
        sim.variant != GLOBAL) /* by a step that is long */
        return t + n * (cost + each);
    l->asked = t;
    l->until = begin;
    l->before = l->owner;
    l->owner = core;
    memset(l->copies, 0, sizeof l->copies);
    l->copies[core / 64] = UINT64_C(1) << core % 64;
    l->free = begin + n * (cost + each + GRACE);
    return l->free - GRACE;
}

double sim_look(line *l, int core, double t)
{
    const double cost = sim_distance(l->owner, core), begin = fmax(t, l->free);

    if ((l->copies[core / 64] >> core % 64 & 1) != 0)
        return t + 0.5;
    l->copies[core / 64] |= UINT64_C(1) << core % 64;
    l->busy += GRACE;
    if (t < l->asked)
        return t + cost;
    l->asked = t;
    l->free = begin + GRACE;
    return begin + cost;
}

double sim_membarrier(int by, double t)
{
    const double begin = fmax(t, sim.barrier_free);
    double cost = sim.running + sim.outsiders < 2 ? 70 : BARRIER;

    for (int i = 0; i < sim.workers; i++)
        if (i != by && sim.w[i].core >= 0)
            sim.w[i].debt += INTERRUPT;
    if (sim.running > 2)
        cost += barrier_each * (sim.running - 2);
    sim.barriers++;
    sim.barrier_busy += cost;
    return sim.barrier_free = begin + cost; /* the kernel makes one at a time */
}

/* ---- who runs ---- */

void sim_give_core(int who, double t)
{
    if (sim.free_cores > 0) {
        sim.w[who].core = sim.cores_free[--sim.free_cores];
        sim_schedule(who, t);
    } else {
        sim.wait_queue[sim.waiting++] = who;
    }
}

void sim_leave_core(worker *w, double t)
{
    sim.cores_free[sim.free_cores++] = w->core;
    w->core = -1;
    if (sim.waiting > 0) {
        const int who = sim.wait_queue[0];

        memmove(sim.wait_queue, sim.wait_queue + 1, sizeof(int) * (size_t)--sim.waiting);
        sim_give_core(who, t + 1000);
    }
}

bool sim_wants(void)
{
    if (sim.variant == CROWD)
        return sim.running < sim.cores;
    return sim.searches ? !sim.told : sim.running < sim.cores;
}

double sim_wake(worker *w, double t)
{
    worker *other;

    t = sim_look(sim.crew, w->core, t);
    if (!sim_wants() || ((!sim.searches || sim.variant == CROWD) && sim.idles == 0))
        return t;
    t = sim_change(sim.crew, w->core, t, 1, RMW);
    if (sim.searches && sim.variant != CROWD) {
        sim.told = true;
        return t;
    }
    sim.searches = true;
    sim.running++;
    sim.wakes++;
    if (sim.running == sim.cores && sim.ramp == 0)
        sim.ramp = t;
    other = &sim.w[sim.idle[--sim.idles]];
    t = sim_change(other->idle, w->core, t, 1, RMW);
    other->searches = true;
    if (other->state == SLEEPY)
        return t;
    other->state = LOOK;
    other->rounds = 0;
    sim_give_core((int)(other - sim.w), t + (other->made ? WAKE : MAKE));
    t += other->made ? CALL : MAKE / 2;
    other->made = true;
    return t;
}

static bool has_work(double t)
{
    if ((sim.arrived > 0 || sim.turned > 0) && sim.locked_until <= t)
        return true;
    for (int i = 0; i < sim.workers; i++)
        if (sim.w[i].bottom > sim.w[i].top || sim.w[i].own > 0)
            return true;
    return false;
}

/* After a change of the crew, before a sleep; and the step after it. */
double sim_fence(worker *w, double t)
{
    if (sim.variant != FENCED)
        return sim_membarrier((int)(w - sim.w), t);
    for (int i = 0; i < sim.workers; i++)
        t = sim.w[i].made ? sim_change(sim.w[i].idle, w->core, t, 1, RMW) : t;
    return t;
}

double sim_look_again(worker *w, double t)
{
    for (int i = 0; i < sim.workers; i++)
        if (sim.w[i].made)
            t +=
                (sim_look(sim.w[i].ends, w->core, sim_look(sim.w[i].bottom_line, w->core, t)) - t) /
                OVERLAP;
    return has_work(t) ? sim_wake(w, t) : t;
}

double sim_go_to_sleep(worker *w, double t)
{
    t = sim_change(sim.crew, w->core, t, 2, RMW);
    if (w->searches)
        sim.searches = sim.told = false;
    w->searches = false;
    sim.running--;
    sim.sleeps++;
    sim.idle[sim.idles++] = (int)(w - sim.w);
    w->state = SLEEPY;
    return sim_fence(w, t);
}

double sim_sleep_on(worker *w, double t)
{
    t = w->searches ? t : sim_look_again(w, t);
    w->state = w->searches ? LOOK : ASLEEP; /* it has been woken, maybe by itself */
    w->rounds = 0;
    if (w->state == LOOK)
        return t;
    sim_leave_core(w, t);
    return -1;
}

double sim_found(worker *w, double t, bool more)
{
    if (w->searches && sim.variant != CROWD) {
        t = sim_change(sim.crew, w->core, t, 1, RMW);
        more |= sim.told;
        sim.searches = sim.told = false;
    }
    w->searches = false;
    w->rounds = 0;
    return more ? sim_wake(w, t) : t;
}
