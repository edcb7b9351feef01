/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/share.c: several processes that share a search. Whoever has nothing left to try asks;
 * who has much gives away what it put off first, which is likely to be the most. A graph is sent as
 * it is: the processes are children of one, so addresses are the same in all.
 *
 * Edges:
 *   mail   weir__share_give -> take  carries the mail
 *   found  weir__share_found -> weir__share_end  carries what was found */

#include "share.h"

#include <weir/atomic.h>

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { WORKERS = 16, MAIL = 1 << 20 };
enum { NOTHING, WANTED, CLAIMED, FULL };

typedef struct mail {
    WEIR_ATOMIC(uint32_t) state;
    uint32_t size;
    char text[MAIL];
} mail;

typedef struct shared {
    WEIR_ATOMIC(uint32_t) idle;
    WEIR_ATOMIC(uint32_t) stop;
    WEIR_ATOMIC(uint32_t) found;
    unsigned workers;
    counts count[WORKERS];
    unsigned most[WORKERS][THREADS];
    share_finding finding;
    mail box[WORKERS];
} shared;

static STATE shared *all = NULL;
static STATE unsigned me = 0, workers = 0;
static STATE pid_t child[WORKERS] = {0};

static long call(long number, long a, long b, long c, long d)
{
    static STATE long (*real)(long, ...) = NULL;

    if (real == NULL)
        *(void **)&real = weir__check_real("syscall");
    return real(number, a, b, c, d);
}

static void sleep_on(WEIR_ATOMIC(uint32_t) * at, uint32_t value)
{
    const struct timespec second = {1, 0};

    call(SYS_futex, (long)(uintptr_t)at, FUTEX_WAIT, (long)value, (long)(uintptr_t)&second);
}

static void wake(WEIR_ATOMIC(uint32_t) * at)
{
    call(SYS_futex, (long)(uintptr_t)at, FUTEX_WAKE, WORKERS, 0);
}

static void stop_all(void)
{
    /* relaxed: a word for itself; what was found is released by `found`. */
    weir_atomic_store(&all->stop, 1, WEIR_RELAXED);
    for (unsigned i = 0; i < workers; i++)
        wake(&all->box[i].state);
}

bool weir__share_on(void)
{
    return workers > 1;
}

bool weir__share_stopped(void)
{
    /* relaxed: as in stop_all(). */
    return workers > 1 && weir_atomic_load(&all->stop, WEIR_RELAXED) != 0;
}

bool weir__share_wanted(void)
{
    /* relaxed: a hint. */
    return workers > 1 && weir_atomic_load(&all->idle, WEIR_RELAXED) != 0;
}

bool weir__share_begin(unsigned wanted)
{
    const size_t size = sizeof *all;

    if (all == NULL) {
        all = (shared *)mmap(NULL, size, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (all == MAP_FAILED) {
            all = NULL;
            return false;
        }
    }
    memset(all, 0, offsetof(shared, box));
    workers = wanted < WORKERS ? wanted : WORKERS;
    for (unsigned i = 0; i < workers; i++)
        weir_atomic_init(&all->box[i].state, NOTHING);
    me = 0;
    for (unsigned i = 1; i < workers; i++) {
        child[i] = (pid_t)call(SYS_fork, 0, 0, 0, 0);
        if (child[i] == 0) {
            me = i;
            weir__fiber_watch();
            return true;
        }
        if (child[i] < 0) {
            workers = i;
            break;
        }
    }
    return true;
}

bool weir__share_is_child(void)
{
    return workers > 1 && me != 0;
}

/* ---- mail ---- */

static void put(mail *m, const void *what, size_t size)
{
    if (m->size + size <= MAIL)
        memcpy(m->text + m->size, what, size);
    m->size += (uint32_t)size;
}

static void write_graph(mail *m, const graph *g)
{
    put(m, &g->made, sizeof g->made);
    put(m, &g->stamps, sizeof g->stamps);
    put(m, &g->strong, sizeof g->strong);
    put(m, g->count, sizeof g->count);
    for (unsigned t = 0; t < THREADS; t++)
        put(m, g->of[t], g->count[t] * sizeof(event));
    put(m, &g->locations, sizeof g->locations);
    for (unsigned i = 0; i < g->locations; i++) {
        const location *const l = &g->location[i];

        put(m, l, sizeof *l);
        if (!l->open)
            continue;
        put(m, l->write, l->writes * sizeof(name));
        put(m, l->read, l->reads * sizeof(name));
    }
}

bool weir__share_give(const graph *g, const void *items, size_t size)
{
    for (unsigned i = 0; i < workers; i++) {
        mail *const m = &all->box[i];
        uint32_t state = WANTED;

        /* relaxed: the box is empty; what is put into it is released below. */
        if (!weir_atomic_cas(&m->state, &state, CLAIMED, WEIR_RELAXED, WEIR_RELAXED))
            continue;
        m->size = 0;
        put(m, &size, sizeof size);
        put(m, items, size);
        write_graph(m, g);
        if (m->size > MAIL) {
            /* relaxed: nothing is in it. */
            weir_atomic_store(&m->state, WANTED, WEIR_RELAXED);
            return false;
        }
        /* relaxed: whoever gives is not idle, so that all are only when nothing is under way. */
        weir_atomic_fetch_sub(&all->idle, 1, WEIR_RELAXED);
        /* sync(mail): release. Pairs with the load in take(). */
        weir_atomic_store(&m->state, FULL, WEIR_RELEASE);
        wake(&m->state);
        return true;
    }
    return false;
}

static const char *get(const char *from, void *what, size_t size)
{
    memcpy(what, from, size);
    return from + size;
}

/* Locations have other numbers in other processes. Returns: false if they are cut differently. */
static bool read_graph(const char *from, graph *g)
{
    unsigned count[THREADS], locations;
    location l;

    weir__graph_cut(g, 0);
    from = get(from, &g->made, sizeof g->made);
    from = get(from, &g->stamps, sizeof g->stamps);
    from = get(from, &g->strong, sizeof g->strong);
    from = get(from, count, sizeof count);
    for (unsigned t = 0; t < THREADS; t++) {
        weir__graph_room(g, t, count[t]);
        from = get(from, g->of[t], count[t] * sizeof(event));
        g->count[t] = count[t];
        for (unsigned i = 0; i < count[t]; i++)
            if (g->of[t][i].kind == READ || g->of[t][i].kind == WRITE)
                g->of[t][i].location = -1;
    }
    from = get(from, &locations, sizeof locations);
    for (unsigned i = 0; i < locations; i++) {
        unsigned mask;
        int place;

        from = get(from, &l, sizeof l);
        if (!l.open)
            continue;
        place = weir__place(l.address, l.size, l.space, l.life, &mask, NULL);
        if (place < 0 || mask != (1U << l.size) - 1)
            return false;
        weir__graph_receive(g, place, &l, (const name *)(const void *)from);
        from += (l.writes + l.reads) * sizeof(name);
    }
    return true;
}

/* Returns: whether there was mail; false: the search is over. */
static bool take(mail *m)
{
    /* relaxed: see weir__share_give(). */
    weir_atomic_store(&m->state, WANTED, WEIR_RELAXED);
    if (weir_atomic_fetch_add(&all->idle, 1, WEIR_RELAXED) + 1 == workers)
        stop_all();
    for (;;) {
        /* sync(mail): acquire. Pairs with the store in weir__share_give(). */
        const uint32_t state = weir_atomic_load(&m->state, WEIR_ACQUIRE);
        int status;

        if (state == FULL) {
            /* relaxed: nobody fills it before it is wanted again. */
            weir_atomic_store(&m->state, NOTHING, WEIR_RELAXED);
            return true;
        }
        if (weir__share_stopped() && state != CLAIMED)
            return false;
        sleep_on(&m->state, state);
        for (unsigned i = 1; me == 0 && i < workers; i++)
            if (child[i] > 0 &&
                call(SYS_wait4, child[i], (long)(uintptr_t)&status, WNOHANG, 0) == child[i]) {
                child[i] = 0;
                if (status != 0)
                    weir__check_die("a process that shared the search has died");
            }
    }
}

bool weir__share_ask(graph *g, void *items, size_t *size)
{
    mail *const m = &all->box[me];
    const char *from = m->text;

    if (!take(m))
        return false;
    from = get(from, size, sizeof *size);
    memcpy(items, from, *size);
    if (read_graph(from + *size, g))
        return true;
    weir__share_found(WIDENED, "");
    return false;
}

/* ---- the end ---- */

void weir__share_count(const search *s)
{
    if (workers <= 1)
        return;
    all->count[me] = s->count;
    memcpy(all->most[me], s->most, sizeof s->most);
}

void weir__share_sum(search *s)
{
    memset(&s->count, 0, sizeof s->count);
    for (unsigned i = 0; i < workers; i++) {
        const counts *const c = &all->count[i];

        s->count.graphs += c->graphs;
        s->count.blocked += c->blocked;
        s->count.bounds += c->bounds;
        s->count.runs += c->runs;
        s->count.composite |= c->composite;
        s->count.events = c->events > s->count.events ? c->events : s->count.events;
        s->count.steps = c->steps > s->count.steps ? c->steps : s->count.steps;
        for (unsigned t = 0; t < THREADS; t++)
            s->most[t] = all->most[i][t] > s->most[t] ? all->most[i][t] : s->most[t];
    }
}

void weir__share_found(outcome o, const char *path)
{
    uint32_t found = 0;

    /* relaxed: the first one writes, and releases below. */
    if (weir_atomic_cas(&all->found, &found, 1, WEIR_RELAXED, WEIR_RELAXED)) {
        all->finding.how = o;
        all->finding.result = weir__result;
        snprintf(all->finding.path, sizeof all->finding.path, "%s", path);
        /* sync(found): release. Pairs with the load in weir__share_end(). */
        weir_atomic_store(&all->found, 2, WEIR_RELEASE);
    }
    stop_all();
}

const share_finding *weir__share_end(search *s)
{
    const share_finding *finding;
    int status;

    weir__share_count(s);
    if (me != 0)
        call(SYS_exit_group, 0, 0, 0, 0);
    for (unsigned i = 1; i < workers; i++)
        if (child[i] > 0) {
            while (call(SYS_wait4, child[i], (long)(uintptr_t)&status, 0, 0) < 0 && errno == EINTR)
                ;
            if (status != 0)
                weir__check_die("a process that shared the search has died");
        }
    weir__share_sum(s);
    /* sync(found): acquire. Pairs with the store in weir__share_found(). */
    finding = weir_atomic_load(&all->found, WEIR_ACQUIRE) == 2 ? &all->finding : NULL;
    workers = 0;
    return finding;
}
