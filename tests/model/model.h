/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/model.h: what a client of the model checker is made of: a table of scenarios, each a
 * small test of the real header and sources, with the verdict that it must have.
 *
 *     tests/model/mpmc           the quick ones, as make check runs them
 *     tests/model/mpmc --deep    all
 *     tests/model/mpmc NAME...   these, with a report if something is found
 *     tests/model/mpmc --list    their names
 *
 * Edges: none of its own. */

#ifndef WEIR_TESTS_MODEL_H
#define WEIR_TESTS_MODEL_H

#include <weir/check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct scenario {
    const char *name;
    void (*test)(void *argument);
    uintptr_t argument;
    bool deep;                  /* takes more than a second: for make check-model */
    weir_check_finding finding; /* that has to be made; WEIR_CHECK_NOTHING: clean, exhaustive */
    weir_check_options options; /* `name` is filled in */
} scenario;

/* Returns: whether it came out as its line says. */
static inline bool model_run(const char *client, const scenario *s, bool show)
{
    weir_check_options options = s->options;
    weir_check_result result;
    char name[128];
    bool good;

    snprintf(name, sizeof name, "%s: %s", client, s->name);
    options.name = name;
    options.quiet = s->finding != WEIR_CHECK_NOTHING && !show;
    weir_check_run_result(&options, s->test, (void *)s->argument, &result);
    good = s->finding == WEIR_CHECK_NOTHING
               ? result.verdict == WEIR_CHECK_CLEAN ||
                     (options.mode != WEIR_CHECK_EVERY && result.verdict == WEIR_CHECK_INCOMPLETE &&
                      result.bounds == 0)
               : result.verdict == WEIR_CHECK_BUG && result.finding == s->finding;
    if (options.quiet)
        printf("%s: after %llu graphs, as it has to be: %s (%.2f s)\n", name,
               (unsigned long long)result.graphs, good ? result.sentence : "NOT FOUND",
               (double)result.ns * 1e-9);
    fflush(stdout);
    return good;
}

/* To be returned by main(). */
static inline int model_main(const char *client, const scenario *scenarios, size_t count, int argc,
                             char **argv)
{
    const bool deep = argc > 1 && strcmp(argv[1], "--deep") == 0;
    const bool named = argc > 1 && argv[1][0] != '-';
    unsigned passed = 0, failed = 0;

    for (size_t i = 0; i < count; i++) {
        bool wanted = !named && (deep || !scenarios[i].deep);

        if (argc > 1 && strcmp(argv[1], "--list") == 0) {
            puts(scenarios[i].name);
            continue;
        }
        for (int a = 1; named && a < argc; a++)
            wanted |= strcmp(argv[a], scenarios[i].name) == 0;
        if (!wanted)
            continue;
        if (model_run(client, &scenarios[i], named))
            passed++;
        else {
            failed++;
            printf("%s: %s: FAILED\n", client, scenarios[i].name);
        }
    }
    if (argc <= 1 || strcmp(argv[1], "--list") != 0)
        printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed != 0 || (named && passed == 0);
}

#define MODEL_MAIN(client, scenarios)                                                          \
    int main(int argc, char **argv)                                                            \
    {                                                                                          \
        return model_main(client, scenarios, sizeof(scenarios) / sizeof((scenarios)[0]), argc, \
                          argv);                                                               \
    }

#endif /* WEIR_TESTS_MODEL_H */
