/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/loop_watch.c: weir_loop_busy() beside lib/loop_watch.c's steps alone: the rest of a
 * turn would only be more schedules. A scenario is what the loop's thread does before the other one
 * begins to look, and what it does beside it:
 *
 *     A  a callback begins      s  says where it is
 *     B  another one            e  it ends
 *
 * What is told belongs together: function, kind and time are those of one callback, name, file and
 * line those that it said, or none. And a callback that both know to have begun, or ended, is told
 * so.
 *
 * Edges: none of its own. */

#include "poller.h"

#include "../../lib/loop.h"

typedef struct watch_case {
    const char *before, *beside;
    bool deep;
    weir_check_finding finding;
    weir_check_options options;
} watch_case;

typedef struct callback {
    const char *kind, *name, *file;
    unsigned line;
    void (*function)(void);
    uint64_t since;
} callback;

static void first(void)
{
}

static void second(void)
{
}

static const callback callbacks[] = {
    {"timer", "a", "a.c", 1, first, 10},
    {"post", "b", "b.c", 2, second, 20},
};

static const watch_case *current;
static weir_loop *loop;
static const callback *now_runs; /* the loop's thread's */
static _Thread_local uint64_t now;

static uint64_t time_of_thread(void *context)
{
    (void)context;
    return now;
}

static void begin(const callback *c)
{
    now_runs = c;
    now = c->since;
    weir__loop_watch_begin(loop, c->kind, c->function);
}

static void act(const char *at)
{
    for (; *at != 0; at++)
        switch (*at) {
        case 'A':
        case 'B':
            begin(&callbacks[*at - 'A']);
            break;
        case 's':
            weir_loop_site(loop, now_runs->name, now_runs->file, now_runs->line);
            break;
        default:
            weir_check_assert(*at == 'e');
            weir__loop_watch_end(loop);
        }
}

static void runs(void *unused)
{
    const unsigned call = weir_check_call(0, 0);

    (void)unused;
    act(current->beside);
    weir_check_return(call, 0);
}

/* Whether there was nothing to tell, before or in what is done beside. */
static bool may_be_idle(void)
{
    const size_t before = strlen(current->before);

    return before == 0 || current->before[before - 1] == 'e' ||
           strchr(current->beside, 'e') != NULL;
}

static void looks(void *unused)
{
    weir_loop_report report;
    const unsigned call = weir_check_call(0, 0);
    const callback *c;
    bool busy;

    (void)unused;
    now = 100;
    busy = weir_loop_busy(loop, 0, &report);
    weir_check_return(call, 0);
    if (!busy) {
        weir_check_assert(may_be_idle());
        return;
    }
    c = &callbacks[report.function == second];
    weir_check_assert(report.running && report.function == c->function);
    weir_check_assert(report.kind == c->kind && report.ns == 100 - c->since);
    if (report.name == NULL) {
        weir_check_assert(report.file == NULL && report.line == 0);
    } else {
        weir_check_assert(report.name == c->name && report.file == c->file);
        weir_check_assert(report.line == c->line);
    }
}

static void watch_test(void *argument)
{
    current = (const watch_case *)argument;
    loop = (weir_loop *)weir_alloc(sizeof *loop, WEIR_CACHELINE);
    weir_check_assert(loop != NULL);
    memset((void *)&loop->options, 0, sizeof loop->options);
    memset((void *)&loop->busy, 0, sizeof loop->busy);
    memset((void *)&loop->counts, 0, sizeof loop->counts);
    loop->options.now = time_of_thread;
    loop->options.slow_ns = UINT64_MAX;
    act(current->before);
    weir_check_return(weir_check_call(0, 0), 0);
    weir_check_thread(runs, NULL);
    weir_check_thread(looks, NULL);
    weir_check_join_all();
    weir_release((void *)loop, sizeof *loop);
}

/* ---- the table ---- */

/* Too many graphs for all of them. */
#define SOME(n) \
    .options.mode = WEIR_CHECK_PCT, .options.seed = 1, .options.runs = n, .options.depth = 4

#define LOCK_FREE .options.progress = WEIR_CHECK_LOCK_FREE

static const watch_case cases[] = {
    {.before = "", .beside = "A"},
    {.before = "A", .beside = "s"},
    {.before = "As", .beside = "e"},
    {.before = "Ase", .beside = "B"},
    {.before = "As", .beside = "B"}, /* inside the first one's */
    {.before = "", .beside = "As", SOME(2000)},
    {.before = "As", .beside = "eB", .deep = true},
    {.before = "As", .beside = "eBs", SOME(2000)},
    {.before = "", .beside = "AseBs", .deep = true, SOME(100000)},
    /* Who asks waits for a loop that stands still in one of these, and is not waited for. */
    {.before = "A", .beside = "s", .finding = WEIR_CHECK_NO_PROGRESS, LOCK_FREE},
};

int main(int argc, char **argv)
{
    enum { CASES = sizeof cases / sizeof cases[0] };
    static scenario scenarios[CASES];
    static char names[CASES][32];

    for (unsigned i = 0; i < CASES; i++) {
        snprintf(names[i], sizeof names[i], "%s/%s%s%s", cases[i].before, cases[i].beside,
                 cases[i].options.mode == WEIR_CHECK_EVERY ? "" : ", some",
                 cases[i].finding == WEIR_CHECK_NOTHING ? "" : ", lock-free");
        scenarios[i].name = names[i];
        scenarios[i].test = watch_test;
        scenarios[i].argument = (uintptr_t)&cases[i];
        scenarios[i].deep = cases[i].deep;
        scenarios[i].finding = cases[i].finding;
        scenarios[i].options = cases[i].options;
    }
    return model_main("loop_watch", scenarios, CASES, argc, argv);
}
