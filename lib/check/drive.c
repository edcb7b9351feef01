/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/drive.c: runs that go forward only, one event at a time: whatever can be chosen, the
 * thread that goes on included, is chosen at random, or as a path says, or, by brute force, in each
 * way in turn.
 *
 * A path is what was chosen at each event, in the order of the run: the thread, and where it was
 * not the plainest also what: of how many newer writes a read was unaware, before how many a write
 * was put, the answer. "0*3 1 2:1*2" is three events of thread 0, one of thread 1, and two of
 * thread 2, each with the choice 1. "1!5" in front: thread 1 stands still after five events.
 *
 * Source of the priorities: S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte, "A Randomized
 * Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010,
 * doi:10.1145/1736020.1736040. */

#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static STATE graph only = {.made = 0};
static STATE weir_check_mode mode = WEIR_CHECK_RANDOM;

static void begin_graph(void)
{
    weir__graph_cut(&only, 0);
}

/* ---- at random ---- */

static STATE uint64_t luck = 0;

static uint64_t draw(void)
{
    uint64_t z = luck += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Steps at which the running thread falls behind all others; and how many a run had. */
static STATE unsigned falls[64] = {0};
static STATE unsigned fall_count = 0, step = 0, longest = 0;
static STATE unsigned priority[THREADS] = {0};
static STATE unsigned lowest = 0;

static void draw_priorities(unsigned depth)
{
    fall_count = depth == 0 ? 2 : depth - 1;
    if (fall_count > 64)
        fall_count = 64;
    for (unsigned t = 0; t < THREADS; t++)
        priority[t] = 1000000 + (unsigned)(draw() % 1000000);
    for (unsigned i = 0; i < fall_count; i++)
        falls[i] = (unsigned)(draw() % (longest == 0 ? 32 : longest));
    lowest = 1000000;
}

static int next_at_random(unsigned ready)
{
    unsigned chosen = (unsigned)(draw() % (unsigned)__builtin_popcount(ready));

    while (chosen-- > 0)
        ready &= ready - 1;
    return __builtin_ctz(ready);
}

static int next_by_priority(unsigned ready)
{
    int first = -1;

    for (int t = 0; t < THREADS; t++)
        if ((ready >> t & 1) != 0 && (first < 0 || priority[t] > priority[first]))
            first = t;
    for (unsigned i = 0; i < fall_count; i++)
        if (falls[i] == step)
            priority[first] = --lowest;
    step++;
    return first;
}

/* The newest as often as all older ones together. */
static unsigned at_random(unsigned count)
{
    return draw() % 2 == 0 ? count - 1 : (unsigned)(draw() % count);
}

static unsigned read_at_random(const event *e, const unsigned *position, unsigned count)
{
    (void)e;
    (void)position;
    return count == 0 ? 0 : at_random(count);
}

static unsigned choose_at_random(const event *e, unsigned count)
{
    (void)e;
    return (unsigned)(draw() % count);
}

static const policy random_steps = {.read = read_at_random,
                                    .write = read_at_random,
                                    .choice = choose_at_random,
                                    .next = next_at_random,
                                    .tries_again = true};
static const policy random_priorities = {.read = read_at_random,
                                         .write = read_at_random,
                                         .choice = choose_at_random,
                                         .next = next_by_priority,
                                         .tries_again = true};

/* ---- brute force ---- */

typedef struct fork_point {
    unsigned taken, count;
} fork_point;

static STATE fork_point *forks = NULL;
static STATE unsigned fork_count = 0, fork_room = 0, fork_at = 0;
static STATE hash_set seen = {.room = 0};

static unsigned at_fork(unsigned count)
{
    if (fork_at == fork_count) {
        if (fork_count == fork_room) {
            fork_room = fork_room == 0 ? 256 : 2 * fork_room;
            forks = (fork_point *)weir__check_heap(forks, fork_room * sizeof *forks);
        }
        forks[fork_count].taken = 0;
        forks[fork_count++].count = count;
    }
    return forks[fork_at++].taken;
}

static int next_of_all(unsigned ready)
{
    unsigned chosen = at_fork((unsigned)__builtin_popcount(ready));

    while (chosen-- > 0)
        ready &= ready - 1;
    return __builtin_ctz(ready);
}

static unsigned read_all(const event *e, const unsigned *position, unsigned count)
{
    (void)e;
    (void)position;
    return count == 0 ? 0 : at_fork(count);
}

static unsigned choose_all(const event *e, unsigned count)
{
    (void)e;
    return at_fork(count);
}

/* A graph that was reached before need not be gone on from. */
static bool is_new(void)
{
    return fork_at < fork_count || weir__hash_add(&seen, weir__graph_hash(&only));
}

static const policy brute_force = {.read = read_all,
                                   .write = read_all,
                                   .choice = choose_all,
                                   .next = next_of_all,
                                   .added = is_new};

static bool next_fork(void)
{
    while (fork_count > 0 && forks[fork_count - 1].taken + 1 == forks[fork_count - 1].count)
        fork_count--;
    if (fork_count == 0)
        return false;
    forks[fork_count - 1].taken++;
    fork_at = 0;
    return true;
}

/* ---- a path ---- */

static STATE const char *path = NULL;
static STATE unsigned path_thread = 0, path_choice = 0, path_times = 0;
static STATE bool path_bad = false, path_over = false;

static void path_next(void)
{
    char *end;

    if (path_times > 0 && --path_times > 0)
        return;
    while (*path == ' ')
        path++;
    path_over = *path == '\0';
    if (path_over)
        return;
    path_thread = (unsigned)strtoul(path, &end, 10);
    path_choice = 0;
    path_times = 1;
    path_bad |= end == path || path_thread >= THREADS;
    path = end;
    if (*path == ':') {
        path_choice = (unsigned)strtoul(path + 1, &end, 10);
        path_bad |= end == path + 1;
        path = end;
    }
    if (*path == '*') {
        path_times = (unsigned)strtoul(path + 1, &end, 10);
        path = end;
    }
    path_bad |= (*path != ' ' && *path != '\0') || path_times == 0;
}

static bool is_off_path(void)
{
    return path_bad || path_over;
}

/* Off the path it goes on somehow. Left before its end: it may be that two places are not known yet
 * to be one, in which choices are counted otherwise, and when they are, the run begins anew. At its
 * end: who waits looks once more, without an event. */
static int next_on_path(unsigned ready)
{
    if (!is_off_path())
        path_next();
    if (!is_off_path() && (ready >> path_thread & 1) == 0)
        path_bad = true;
    return is_off_path() ? __builtin_ctz(ready) : (int)path_thread;
}

/* The choice counts writes, some of which may be no option. */
static unsigned read_on_path(const event *e, const unsigned *position, unsigned count)
{
    const unsigned writes = only.location[e->location].writes - (e->kind == WRITE);
    const unsigned wanted = writes - (e->kind == READ) - path_choice;

    for (unsigned i = 0; i < count && !is_off_path(); i++)
        if (position[i] == wanted)
            return i;
    path_bad = true; /* also after its end: there is one more event */
    return count - 1;
}

static unsigned choose_on_path(const event *e, unsigned count)
{
    (void)e;
    path_bad |= path_over || path_choice >= count;
    return path_bad ? 0 : path_choice;
}

/* Of a search of all, and of one at random, in which who waits reads again. */
static const policy by_path = {.read = read_on_path,
                               .write = read_on_path,
                               .choice = choose_on_path,
                               .next = next_on_path,
                               .waits_on_old = true};
static const policy by_random_path = {.read = read_on_path,
                                      .write = read_on_path,
                                      .choice = choose_on_path,
                                      .next = next_on_path,
                                      .tries_again = true};

/* What was chosen at the event, seen from those before it in the order of the run. */
static unsigned choice_at(const graph *g, unsigned at)
{
    const event *const e = weir__event(g, weir__order[at]);
    const location *l;
    unsigned newer = 0;
    unsigned position;

    if (e->kind == CHOICE)
        return (unsigned)e->value;
    if (e->kind != READ && e->kind != WRITE)
        return 0;
    l = &g->location[e->location];
    position = weir__graph_position(l, e->kind == READ ? e->from : weir__name_of(e));
    for (unsigned i = 0; i < at; i++) {
        const event *const w = weir__event(g, weir__order[i]);

        newer += w->kind == WRITE && w->location == e->location &&
                 weir__graph_position(l, weir__name_of(w)) > position;
    }
    return newer;
}

/* Halves of a read-modify-write are one step. */
static bool is_second_half(const graph *g, unsigned at)
{
    const event *const e = weir__event(g, weir__order[at]);

    return e->kind == WRITE && e->exclusive;
}

void weir__path(const graph *g, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (int t = 0; t < THREADS; t++)
        if (weir__subject.stands[t] >= 0)
            used += (size_t)snprintf(text + used, size - used, "%s%d!%d", used == 0 ? "" : " ", t,
                                     weir__subject.stands[t]);
    for (unsigned i = 0; i < weir__ordered;) {
        const unsigned thread = (unsigned)weir__order[i].thread;
        const unsigned choice = choice_at(g, i);
        unsigned times = 0;
        int written;

        while (i < weir__ordered && (unsigned)weir__order[i].thread == thread &&
               (is_second_half(g, i) || choice_at(g, i) == choice)) {
            times += !is_second_half(g, i);
            i++;
        }
        written = snprintf(text + used, size - used, choice == 0 ? "%s%u" : "%s%u:%u",
                           used == 0 ? "" : " ", thread, choice);
        if (times > 1 && written > 0 && (size_t)written < size - used)
            written += snprintf(text + used + written, size - used - (size_t)written, "*%u", times);
        if (written < 0 || (size_t)written >= size - used) {
            text[0] = '\0';
            return;
        }
        used += (size_t)written;
    }
}

/* ---- the search ---- */

static uint64_t new_seed(void)
{
    struct timespec now;

    timespec_get(&now, TIME_UTC);
    return ((uint64_t)now.tv_sec * 1000000007 + (uint64_t)now.tv_nsec) & 0xffffffff;
}

static outcome one_run(const policy *p)
{
    outcome o;

    for (;;) {
        begin_graph();
        step = 0;
        o = weir__run(&only, p);
        if (o != WIDENED)
            break;
        weir__places_forget();
        if (p == &by_path || p == &by_random_path)
            break;
        fork_at = 0;
    }
    if (step > longest)
        longest = step;
    return o;
}

/* Those who stand still; leaves `path` behind them. */
static void read_stands(void)
{
    for (;;) {
        char *end;
        const unsigned long thread = strtoul(path, &end, 10);

        if (end == path || *end != '!' || thread >= THREADS)
            return;
        weir__subject.stands[thread] = (int)strtoul(end + 1, &end, 10);
        for (path = end; *path == ' '; path++)
            ;
    }
}

outcome weir__drive_along(search *s, const char *along)
{
    static const policy *const policies[] = {&by_path, &by_random_path};
    outcome without_finding = UNCHECKABLE;

    for (unsigned i = 0; i < 2; i++) {
        outcome o;

        do {
            path = along;
            read_stands();
            path_times = 0;
            path_bad = path_over = false;
            o = one_run(policies[i]);
        } while (o == WIDENED);
        s->last = &only;
        if (!path_bad && (o == FAILED || o == UNCHECKABLE))
            return o;
        if (!path_bad)
            without_finding = o;
    }
    if (without_finding == UNCHECKABLE)
        snprintf(weir__result.sentence, sizeof weir__result.sentence,
                 "the path does not fit this test");
    return without_finding;
}

outcome weir__drive(search *s)
{
    const uint64_t runs = s->options->runs == 0 ? 10000 : s->options->runs;
    const policy *p;
    outcome o;

    if (s->options->replay != NULL) {
        o = weir__drive_along(s, s->options->replay);
        return weir__search_goes_on(s, &only, &o) ? COMPLETE : o;
    }
    mode = s->options->mode;
    p = mode == WEIR_CHECK_BRUTE ? &brute_force
        : mode == WEIR_CHECK_PCT ? &random_priorities
                                 : &random_steps;
    luck = s->seed = s->options->seed == 0 ? new_seed() : s->options->seed;
    fork_count = fork_at = 0;
    longest = 0;
    weir__hash_clear(&seen);
    for (uint64_t run = 0; mode == WEIR_CHECK_BRUTE || run < runs; run++) {
        draw_priorities(s->options->depth);
        o = one_run(p);
        s->last = &only;
        if (!weir__search_goes_on(s, &only, &o))
            return o;
        if (mode == WEIR_CHECK_BRUTE && !next_fork())
            break;
    }
    return COMPLETE;
}
