/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/check.h: what the tests of the model checker share: a small test is run quietly, then in a
 * child process with its report, and replayed there from the path of that report.
 *
 * Edges: none of its own. */

#ifndef WEIR_TESTS_CHECK_H
#define WEIR_TESTS_CHECK_H

#include "test.h"

#include <weir/atomic.h>
#include <weir/check.h>

/* ThreadSanitizer's runtime knows no fences; the checker does. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

typedef void check_body(void *argument);

/* What a child said, and its exit status; -1: a signal ended it. */
typedef struct check_said {
    int status;
    char out[4096], err[65536];
} check_said;

static inline void check_read(FILE *from, char *text, size_t size)
{
    rewind(from);
    text[fread(text, 1, size - 1, from)] = '\0';
    fclose(from);
}

/* Runs the test in a child; with a path, that one run. */
static inline void check_child(const weir_check_options *options, check_body *test, void *argument,
                               const char *path, check_said *said)
{
    FILE *const out = tmpfile(), *const err = tmpfile();
    int status;
    pid_t child;

    CHECK(out != NULL && err != NULL);
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(fileno(out), STDOUT_FILENO);
        dup2(fileno(err), STDERR_FILENO);
        if (path != NULL)
            setenv("WEIR_CHECK_REPLAY", path, 1);
        status = weir_check_run(options, test, argument);
        fflush(stdout);
        _exit(status);
    }
    CHECK(waitpid(child, &status, 0) == child);
    said->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    check_read(out, said->out, sizeof said->out);
    check_read(err, said->err, sizeof said->err);
}

static inline weir_check_result check_quietly(const weir_check_options *options, check_body *test,
                                              void *argument)
{
    weir_check_options quiet = *options;
    weir_check_result result;
    int verdict;

    quiet.quiet = true;
    verdict = weir_check_run_result(&quiet, test, argument, &result);
    CHECK_EQ(verdict, result.verdict);
    return result;
}

static inline void check_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fprintf(stderr, "\"%s\" is not in: %s\n", part, text);
        test_fail(__FILE__, __LINE__, "the text has the part");
    }
}

/* The path that a report ends with; none: there was no event. */
static inline void check_path(const char *report, char *path, size_t size)
{
    static const char before[] = "WEIR_CHECK_REPLAY='";
    const char *const at = strstr(report, before);
    const char *const from = at == NULL ? "" : at + sizeof before - 1;

    snprintf(path, size, "%.*s", (int)strcspn(from, "'"), from);
}

/* The finding is made, with a sentence that has this part in it; quietly, with a report and exit
 * status, and once more, to the last byte of the report, from its path. */
static inline void check_finds(const weir_check_options *options, check_body *test, void *argument,
                               weir_check_finding finding, const char *part)
{
    check_said explored, replayed;
    weir_check_result result = check_quietly(options, test, argument), again;
    weir_check_options along = *options;
    char path[sizeof result.path];

    if (result.verdict != WEIR_CHECK_BUG || result.finding != finding)
        fprintf(stderr, "found %d, verdict %d: %s\n", (int)result.finding, (int)result.verdict,
                result.sentence);
    CHECK_EQ(result.verdict, WEIR_CHECK_BUG);
    CHECK_EQ(result.finding, finding);
    check_contains(result.sentence, part);
    CHECK(result.path[0] != '\0' || result.runs == 1); /* there may have been no event */
    CHECK(result.ns > 0 && result.runs > 0);
    along.replay = result.path;
    again = check_quietly(&along, test, argument);
    CHECK_EQ(again.verdict, WEIR_CHECK_BUG);
    CHECK_EQ(again.finding, finding);
    CHECK(strcmp(again.sentence, result.sentence) == 0);
    CHECK_EQ(again.runs, 1);

    check_child(options, test, argument, NULL, &explored);
    CHECK_EQ(explored.status, WEIR_CHECK_BUG);
    check_contains(explored.out, "BUG");
    check_path(explored.err, path, sizeof path);
    if (options->workers <= 1) /* of several, any may be the first */
        CHECK(strcmp(path, result.path) == 0);
    check_child(options, test, argument, path, &replayed);
    CHECK_EQ(replayed.status, WEIR_CHECK_BUG);
    if (strcmp(explored.err, replayed.err) != 0)
        fprintf(stderr, "---- explored\n%s---- replayed\n%s----\n", explored.err, replayed.err);
    CHECK(strcmp(explored.err, replayed.err) == 0);
}

/* Every graph is right. Returns: the result. */
static inline weir_check_result check_is_clean(const weir_check_options *options, check_body *test,
                                               void *argument)
{
    check_said said;
    const weir_check_result result = check_quietly(options, test, argument);

    if (result.verdict != WEIR_CHECK_CLEAN)
        fprintf(stderr, "verdict %d: %s\n", (int)result.verdict, result.sentence);
    CHECK_EQ(result.verdict, WEIR_CHECK_CLEAN);
    CHECK_EQ(result.finding, WEIR_CHECK_NOTHING);
    CHECK(result.sentence[0] == '\0' && result.path[0] == '\0');
    CHECK(result.graphs > 0 && result.bounds == 0);
    check_child(options, test, argument, NULL, &said);
    CHECK_EQ(said.status, WEIR_CHECK_CLEAN);
    check_contains(said.out, "clean, exhaustive");
    CHECK(said.err[0] == '\0');
    return result;
}

/* The test cannot be checked, and the sentence says why. */
static inline void check_is_unable(check_body *test, const char *part)
{
    static const weir_check_options plain = WEIR_CHECK_OPTIONS_INIT;
    const weir_check_result result = check_quietly(&plain, test, NULL);
    check_said said;

    if (result.verdict != WEIR_CHECK_UNABLE)
        fprintf(stderr, "found %d, verdict %d: %s\n", (int)result.finding, (int)result.verdict,
                result.sentence);
    CHECK_EQ(result.verdict, WEIR_CHECK_UNABLE);
    CHECK_EQ(result.finding, WEIR_CHECK_NOTHING);
    check_contains(result.sentence, part);
    check_child(&plain, test, NULL, NULL, &said);
    CHECK_EQ(said.status, WEIR_CHECK_UNABLE);
    check_contains(said.out, part);
}

static inline void check_threads(check_body *first, check_body *second)
{
    weir_check_thread(first, NULL);
    if (second != NULL)
        weir_check_thread(second, NULL);
    weir_check_join_all();
}

/* The cases, by the file that they are in; each ends with {NULL, NULL}. */
extern const test_case check_findings[], check_promises[], check_searches[], check_systems[],
    check_assembly[], check_waits[];

#endif /* WEIR_TESTS_CHECK_H */
