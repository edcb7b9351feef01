/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Bugs that others have published, in the model checker: the finding, and the line that it names;
 * and that it is gone once the bug is mended. The bugs are in tests/bugs_*.c.
 *
 *     tests/bugs             all of them
 *     tests/bugs --list      their names
 *     tests/bugs NAME...     these, with the checker's report */

#include "bugs.h"

#include <stdio.h>

static const bug_table *const tables[] = {&bugs_orders, &bugs_locks,   &bugs_queues,
                                          &bugs_stacks, &bugs_reclaim, &bugs_waits};
static unsigned passed, failed;

bool mended;

/* Returns: whether the n-th line of the file contains the text. */
static bool line_has(const char *file, long n, const char *text)
{
    FILE *const from = fopen(file, "r");
    char line[256];
    bool has = false;

    if (from == NULL)
        return false;
    for (long i = 1; i <= n && fgets(line, sizeof line, from) != NULL; i++)
        has = i == n && strstr(line, text) != NULL;
    fclose(from);
    return has;
}

/* Returns: whether the sentence names a line of the file that contains the text. */
static bool names_line(const char *sentence, const char *file, const char *text)
{
    const char *const slash = strrchr(file, '/');
    const char *const base = slash == NULL ? file : slash + 1;
    const size_t length = strlen(base);

    for (const char *at = strstr(sentence, base); at != NULL; at = strstr(at + 1, base))
        if (at[length] == ':' && line_has(file, strtol(at + length + 1, NULL, 10), text))
            return true;
    return false;
}

typedef struct form {
    const bug *bug;
    bool mended;
} form;

static void run_form(void *argument)
{
    const form *const f = (const form *)argument;

    mended = f->mended;
    f->bug->test();
}

static void judge(bool good, const char *name, const char *form_name,
                  const weir_check_result *result)
{
    static const char *const verdicts[] = {"clean", "bug", "incomplete", "unable"};

    if (good)
        passed++;
    else
        failed++;
    printf("%s%s, %s: %s, %llu graphs, %.2f s%s%s\n", good ? "" : "FAILED: ", name, form_name,
           verdicts[result->verdict], (unsigned long long)result->graphs, (double)result->ns * 1e-9,
           result->sentence[0] == '\0' ? "" : ": ", result->sentence);
    fflush(stdout);
}

static void run_bug(const bug *b, const char *file, bool shown)
{
    form f = {b, false};
    weir_check_options options = b->options;
    weir_check_result result;

    options.name = b->name;
    options.quiet = !shown;
    weir_check_run_result(&options, run_form, &f, &result);
    judge(result.verdict == WEIR_CHECK_BUG && result.finding == b->finding &&
              (b->line == NULL || names_line(result.sentence, file, b->line)),
          b->name, "as published", &result);
    f.mended = true;
    if (b->claims)
        options.progress = WEIR_CHECK_BLOCKING;
    weir_check_run_result(&options, run_form, &f, &result);
    judge(result.verdict == WEIR_CHECK_CLEAN, b->name, "mended", &result);
}

int main(int argc, char **argv)
{
    const bool lists = argc == 2 && strcmp(argv[1], "--list") == 0;

    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (size_t i = 0; i < tables[t]->count; i++) {
            const bug *const b = &tables[t]->bugs[i];
            bool wanted = argc == 1;

            for (int a = 1; a < argc; a++)
                wanted |= strcmp(argv[a], b->name) == 0;
            if (lists)
                puts(b->name);
            else if (wanted)
                run_bug(b, tables[t]->file, argc > 1);
        }
    if (!lists)
        printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed != 0 || (!lists && passed == 0);
}
