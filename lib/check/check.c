/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/check.c: a scenario from its options to its line: the search, the searches in which a
 * thread stands still, the verdict. */

#include "sheet.h"
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A sanitizer's runtime has it. */
void __sanitizer_print_stack_trace(void) __attribute__((weak));

static STATE hash_set complete = {.room = 0}, mixed = {.room = 0};
static STATE uint64_t began = 0, said = 0;
static STATE bool shows_progress = false;

static uint64_t now_ns(void)
{
    static STATE int (*real)(clockid_t, struct timespec *) = NULL;
    struct timespec now;

    if (real == NULL)
        *(void **)&real = weir__check_real("clock_gettime");
    real(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- sets of hashes ---- */

void weir__hash_clear(hash_set *set)
{
    if (set->room > 0)
        memset(set->slot, 0, set->room * sizeof *set->slot);
    set->count = 0;
}

bool weir__hash_add(hash_set *set, uint64_t hash)
{
    size_t i;

    if (2 * set->count >= set->room) {
        uint64_t *const old = set->slot;
        const size_t had = set->room;

        set->room = had == 0 ? 1024 : 2 * had;
        set->slot = (uint64_t *)weir__check_heap(NULL, set->room * sizeof *set->slot);
        weir__hash_clear(set);
        for (i = 0; i < had; i++)
            if (old[i] != 0)
                weir__hash_add(set, old[i]);
        weir__check_heap_free(old);
    }
    hash += hash == 0;
    for (i = (size_t)(hash % set->room); set->slot[i] != 0; i = (i + 1) % set->room)
        if (set->slot[i] == hash)
            return false;
    set->slot[i] = hash;
    set->count++;
    return true;
}

/* ---- a search ---- */

static const char *name_of(const weir_check_options *o)
{
    return o->name == NULL ? "test" : o->name;
}

static void show_progress(const search *s)
{
    if (!shows_progress || s->count.runs % 256 != 0 || now_ns() - said < 200000000)
        return;
    said = now_ns();
    printf("\r%s: %llu graphs, %llu blocked ... %.0f s ", name_of(s->options),
           (unsigned long long)s->count.graphs, (unsigned long long)s->count.blocked,
           (double)(said - began) * 1e-9);
    fflush(stdout);
}

/* Returns: false if it had been counted before. */
static bool count_graph(search *s, const graph *g)
{
    const unsigned steps = weir__history_steps();
    unsigned events = 0;

    /* Writes that share no byte of a location have no order, but stand in one. */
    if (weir__graph_is_mixed(g) && s->options->mode == WEIR_CHECK_EVERY) {
        s->count.composite |= weir__graph_is_composite(g);
        if (!weir__hash_add(&mixed, weir__graph_hash(g)))
            return false;
    }
    s->count.graphs++;
    for (unsigned t = 0; t < THREADS; t++) {
        events += g->count[t];
        s->most[t] = g->count[t] > s->most[t] ? g->count[t] : s->most[t];
    }
    s->count.events = events > s->count.events ? events : s->count.events;
    s->count.steps = steps > s->count.steps ? steps : s->count.steps;
    if (s->options->verify && s->options->mode == WEIR_CHECK_EVERY)
        s->count.twice += !weir__hash_add(&complete, weir__graph_hash(g));
    return true;
}

bool weir__search_goes_on(search *s, const graph *g, outcome *o)
{
    const char *broken;

    s->count.runs++;
    show_progress(s);
    if (*o == COMPLETE && s->options->verify && !weir__axioms_hold(g, &broken)) {
        snprintf(weir__result.sentence, sizeof weir__result.sentence,
                 "a graph that %s forbids: please report this", broken);
        *o = UNCHECKABLE;
    }
    /* What it has said since is worth nothing. */
    if (weir__graph_too_strong) {
        *o = COMPLETE;
        s->count.bounds++;
        return false;
    }
    switch (*o) {
    case COMPLETE:
        if (count_graph(s, g) && weir__check_each_graph != NULL)
            weir__check_each_graph(g);
        break;
    case STUCK:
        s->count.blocked++;
        break;
    case BOUND_HIT:
        s->count.bounds++;
        break;
    case FAILED:
    case UNCHECKABLE:
        return false;
    default:
        break;
    }
    if (s->options->graphs != 0 && s->count.graphs >= s->options->graphs) {
        s->count.bounds++;
        return false;
    }
    return true;
}

void weir__search_restart(search *s)
{
    weir__hash_clear(&complete);
    weir__hash_clear(&mixed);
    if (weir__check_each_graph != NULL)
        weir__check_each_graph(NULL);
    memset(&s->count, 0, sizeof s->count);
    memset(s->most, 0, sizeof s->most);
}

static outcome search_once(search *s)
{
    weir__hash_clear(&complete);
    weir__hash_clear(&mixed);
    return s->options->mode == WEIR_CHECK_EVERY && s->options->replay == NULL ? weir__explore(s)
                                                                              : weir__drive(s);
}

static void nobody_stands(void)
{
    for (unsigned t = 0; t < THREADS; t++)
        weir__subject.stands[t] = -1;
}

/* A further search, whose counts are added. */
static outcome search_more(search *s)
{
    search more = *s;
    outcome o;

    memset(&more.count, 0, sizeof more.count);
    o = search_once(&more);
    s->count.runs += more.count.runs;
    s->count.graphs += more.count.graphs;
    s->count.blocked += more.count.blocked;
    s->count.bounds += more.count.bounds;
    s->count.composite |= more.count.composite;
    s->last = more.last;
    return o;
}

/* All threads from `thread` on but `alone` stand still, each at each of its places in turn. */
static outcome others_stand(search *s, unsigned alone, unsigned thread)
{
    if (thread == THREADS || s->most[thread] == 0)
        return search_more(s);
    if (thread == alone)
        return others_stand(s, alone, thread + 1);
    for (unsigned at = 1; at <= s->most[thread]; at++) {
        outcome o;

        weir__subject.stands[thread] = (int)at;
        o = others_stand(s, alone, thread + 1);
        if (o == FAILED || o == UNCHECKABLE)
            return o;
    }
    return COMPLETE;
}

static outcome stand_still(search *s)
{
    outcome o = COMPLETE;

    for (unsigned thread = 1; thread < THREADS && s->most[thread] > 0 && o == COMPLETE; thread++) {
        nobody_stands();
        if (s->options->progress == WEIR_CHECK_OBSTRUCTION_FREE)
            o = others_stand(s, thread, 1);
        else
            for (unsigned at = 1; at < s->most[thread] && o == COMPLETE; at++) {
                weir__subject.stands[thread] = (int)at;
                o = search_more(s);
                if (o != FAILED && o != UNCHECKABLE)
                    o = COMPLETE;
            }
    }
    return o;
}

/* ---- the verdict ---- */

static void say_line(const search *s, const weir_check_result *r)
{
    const weir_check_options *const o = s->options;

    printf("%s%s: %llu graphs, %llu blocked, %llu bounds hit: ", shows_progress ? "\r" : "",
           name_of(o), (unsigned long long)r->graphs, (unsigned long long)r->blocked,
           (unsigned long long)r->bounds);
    if (r->verdict == WEIR_CHECK_CLEAN)
        printf("clean, exhaustive");
    else if (r->verdict == WEIR_CHECK_BUG)
        printf("BUG: %s", weir__sheet_headline(r->finding));
    else if (r->verdict == WEIR_CHECK_UNABLE)
        printf("UNABLE: %s", r->sentence);
    else if (o->replay != NULL)
        printf("clean on this path");
    else if (r->bounds > 0)
        printf("INCOMPLETE: a bound was hit%s%s", weir__run_bound[0] == '\0' ? "" : ": ",
               weir__run_bound);
    else if (s->count.composite)
        printf("INCOMPLETE: %s", r->sentence);
    else
        printf("clean so far, at random from seed %llu", (unsigned long long)s->seed);
    printf(" (%.2f s)\n", (double)r->ns * 1e-9);
    fflush(stdout);
}

static void judge(search *s, outcome o, weir_check_result *r)
{
    const weir_check_options *const options = s->options;

    r->graphs = s->count.graphs;
    r->blocked = s->count.blocked;
    r->bounds = s->count.bounds;
    r->runs = s->count.runs;
    r->twice = s->count.twice;
    r->steps = s->count.steps;
    r->events = s->count.events;
    r->ns = now_ns() - began;
    if (o == FAILED) {
        r->verdict = WEIR_CHECK_BUG;
        r->finding = weir__result.finding;
        weir__path(s->last, r->path, sizeof r->path);
    } else if (o == UNCHECKABLE)
        r->verdict = WEIR_CHECK_UNABLE;
    else if (r->bounds > 0 || s->count.composite || options->replay != NULL ||
             (options->mode != WEIR_CHECK_EVERY && options->mode != WEIR_CHECK_BRUTE))
        r->verdict = WEIR_CHECK_INCOMPLETE;
    else
        r->verdict = WEIR_CHECK_CLEAN;
    if (s->count.composite && r->verdict == WEIR_CHECK_INCOMPLETE)
        snprintf(r->sentence, sizeof r->sentence,
                 "a read spans words that are stored one by one, which is not seen in every way");
    else if (r->verdict == WEIR_CHECK_BUG || r->verdict == WEIR_CHECK_UNABLE)
        memcpy(r->sentence, weir__result.sentence, sizeof r->sentence);
}

static void report_bug(const search *s, const weir_check_result *result)
{
    int standing[THREADS + 1];
    unsigned stand = 0;
    const report r = {.graph = s->last,
                      .order = weir__order,
                      .events = weir__ordered,
                      .finding = result->finding,
                      .sentence = result->sentence,
                      .pc = weir__result.pc,
                      .other = weir__result.other,
                      .thread = weir__result.thread,
                      .scenario = name_of(s->options),
                      .frozen = standing,
                      .path = result->path};

    for (int t = 0; t < THREADS; t++)
        if (weir__subject.stands[t] >= 0)
            standing[stand++] = t;
    standing[stand] = -1;
    fflush(stdout);
    weir__report(stderr, &r);
}

int weir_check_run_result(const weir_check_options *options, void (*test)(void *), void *argument,
                          weir_check_result *result)
{
    static const weir_check_options plain = WEIR_CHECK_OPTIONS_INIT;
    weir_check_options now = options == NULL ? plain : *options;
    weir_check_result found;
    search s;
    outcome o;

    if (__sanitizer_print_stack_trace != NULL)
        weir__check_die("linked with a sanitizer: leave -fsanitize=thread to the compiler, and out "
                        "of the linker's command");
    if (weir__check_self >= 0)
        weir__check_unable(__builtin_return_address(0), "weir_check_run() within a run");
    if (test == NULL)
        weir__check_die("weir_check_run() of no test");
    memset(&found, 0, sizeof found);
    memset(&s, 0, sizeof s);
    s.options = &now;
    if (now.replay == NULL)
        now.replay = getenv("WEIR_CHECK_REPLAY");
    weir__subject.test = test;
    weir__subject.argument = argument;
    weir__subject.events = now.events == 0 ? 1000 : now.events < 65000 ? now.events : 65000;
    weir__subject.spurious = now.spurious;
    weir__subject.leaks_allowed = now.leaks_allowed;
    weir__subject.progress = now.progress;
    weir__subject.steps = now.steps;
    nobody_stands();
    weir__graph_too_strong = false;
    weir__run_bound[0] = '\0';
    began = said = now_ns();
    shows_progress = !now.quiet && isatty(STDOUT_FILENO);
    if (!weir__fiber_make() || !weir__world_save())
        weir__check_die("no memory for the threads under test");
    weir__places_begin();
    if (!weir__assembly_find())
        weir__check_die("nothing of this program was compiled with -fsanitize=thread (with gcc, "
                        "-flto undoes it)");
    weir__fiber_catch();
    o = search_once(&s);
    if (o == COMPLETE && now.progress != WEIR_CHECK_BLOCKING && now.replay == NULL &&
        s.count.bounds == 0)
        o = stand_still(&s);
    weir__fiber_catch_no_more();
    judge(&s, o, &found);
    if (!now.quiet) {
        say_line(&s, &found);
        if (o == FAILED)
            report_bug(&s, &found);
    }
    /* The report calls the specification, which may read what the test has set. */
    weir__world_restore();
    *result = found;
    return (int)found.verdict;
}

int weir_check_run(const weir_check_options *options, void (*test)(void *), void *argument)
{
    weir_check_result result;

    return weir_check_run_result(options, test, argument, &result);
}
