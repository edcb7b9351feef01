/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/inbox.c: lib/inbox.h in the model checker. A scenario is a string for each thread;
 * the first is who has the lock. A job is plain memory, which is freed when it has been taken.
 *
 *     p  put a job        o  open, if it is shut
 *     t  take     s  shut     z  take, or shut if there is nothing
 *
 * What was put was taken once, in its thread's order, and nothing comes from an inbox that is shut;
 * the first thread's own jobs are refused just then.
 *
 * Edges: none of its own. */

#include "model.h"

#include "../../lib/inbox.h"

enum { ACTORS = 3 };

typedef struct inbox_case {
    const char *does[ACTORS];
    weir_check_options options;
} inbox_case;

typedef struct letter {
    weir_job job;
    unsigned from, number;
} letter;

static const inbox_case *current;
static weir__inbox inbox;
static bool shut;              /* as thread 0 knows */
static unsigned put[ACTORS];   /* by each */
static unsigned taken[ACTORS]; /* of each */

static int run(weir_job *job)
{
    (void)job;
    return 0;
}

static void put_one(unsigned self)
{
    letter *const l = (letter *)malloc(sizeof *l);
    bool done;

    weir_check_assert(l != NULL);
    weir_job_init(&l->job, run);
    l->from = self;
    l->number = put[self];
    done = weir__inbox_put(&inbox, &l->job);
    if (self == 0)
        weir_check_assert(done == !shut);
    put[self] += done;
    if (!done)
        free(l);
}

/* Returns: whether there was something. */
static bool open_letters(weir_job *job)
{
    const bool any = job != NULL;

    weir_check_assert(!any || !shut);
    while (job != NULL) {
        letter *const l = (letter *)(void *)job;

        job = job->next;
        weir_check_assert(l->number == taken[l->from]++);
        free(l);
    }
    return any;
}

static void take_or_shut(void)
{
    const bool any = open_letters(weir__inbox_take_or_shut(&inbox));

    shut = weir__inbox_is_shut(&inbox);
    weir_check_assert(any || shut);
}

static void play(void *number)
{
    const unsigned self = (unsigned)(uintptr_t)number;

    for (const char *at = current->does[self]; *at != 0; at++)
        switch (*at) {
        case 'p':
            put_one(self);
            break;
        case 'o':
            if (shut)
                weir__inbox_open(&inbox);
            shut = false;
            break;
        case 't':
            (void)open_letters(weir__inbox_take(&inbox, false));
            weir_check_assert(weir__inbox_is_shut(&inbox) == shut);
            break;
        case 's':
            (void)open_letters(weir__inbox_take(&inbox, true));
            shut = true;
            weir_check_assert(weir__inbox_is_shut(&inbox));
            break;
        default:
            weir_check_assert(*at == 'z');
            take_or_shut();
        }
}

static void inbox_test(void *argument)
{
    int threads[ACTORS] = {0};

    current = (const inbox_case *)argument;
    weir__inbox_init(&inbox);
    shut = true;
    memset(put, 0, sizeof put);
    memset(taken, 0, sizeof taken);
    for (uintptr_t t = 1; t < ACTORS && current->does[t] != NULL; t++)
        threads[t] = weir_check_thread(play, (void *)t);
    play((void *)0);
    for (unsigned t = 1; t < ACTORS && current->does[t] != NULL; t++)
        weir_check_join(threads[t]);
    (void)open_letters(weir__inbox_take(&inbox, true));
    for (unsigned t = 0; t < ACTORS; t++)
        weir_check_assert(put[t] == taken[t]);
}

#define LOCK_FREE .options.progress = WEIR_CHECK_LOCK_FREE

static const inbox_case cases[] = {
    {.does = {"pot", "p"}},
    {.does = {"opt", "p", "p"}},
    {.does = {"ot", "pp"}},
    {.does = {"ott", "pp", "p"}},
    {.does = {"ozz", "p"}},
    {.does = {"ozp", "p"}},
    {.does = {"ozzz", "pp"}},
    {.does = {"ozsot", "p", "p"}},
    {.does = {"os", "pp", "p"}},
    {.does = {"osos", "pp"}},
    {.does = {"ospo", "p", "p"}},
    {.does = {"opzpo", "pp"}},
    /* Nobody is held up by one that stands still. */
    {.does = {"ot", "p", "p"}, LOCK_FREE},
    {.does = {"ozs", "pp"}, LOCK_FREE},
};

int main(int argc, char **argv)
{
    enum { COUNT = sizeof cases / sizeof cases[0] };
    static scenario scenarios[COUNT];
    static char names[COUNT][64];

    for (size_t i = 0; i < COUNT; i++) {
        const char *const *const does = cases[i].does;

        snprintf(names[i], sizeof names[i], "%s/%s%s%s%s", does[0], does[1],
                 does[2] != NULL ? "/" : "", does[2] != NULL ? does[2] : "",
                 cases[i].options.progress != 0 ? ", lock-free" : "");
        scenarios[i].name = names[i];
        scenarios[i].test = inbox_test;
        scenarios[i].argument = (uintptr_t)&cases[i];
        scenarios[i].options = cases[i].options;
    }
    return model_main("inbox", scenarios, COUNT, argc, argv);
}
