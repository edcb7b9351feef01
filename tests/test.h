/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/test.h: cases, checks, death checks and an allocator that fails at the
 * k-th call with a ledger of what is still held. A test is a program:
 *
 *     static void holds_what_it_was_made_for(void) { CHECK(1 + 1 == 2); }
 *     int main(void) { return TEST_RUN("mpmc", TEST_CASE(holds_what_it_was_made_for)); }
 *
 * A failed check ends the program at once, naming its file and line. */

#ifndef WEIR_TESTS_TEST_H
#define WEIR_TESTS_TEST_H

#include <weir/atomic.h>
#include <weir/base.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST_SKIPPED 77 /* automake's exit status for a test that could not run */

typedef struct test_case {
    const char *name;
    void (*run)(void);
} test_case;

#define TEST_CASE(function) \
    {                       \
#function, function \
    }
#define TEST_RUN(suite, ...)                          \
    test_run(suite, (const test_case[]){__VA_ARGS__}, \
             sizeof((const test_case[]){__VA_ARGS__}) / sizeof(test_case))

#define CHECK(condition) \
    ((condition) ? (void)0 : test_fail(__FILE__, __LINE__, "CHECK(" #condition ")"))

/* Two integers that must be equal; both are printed when they are not. */
#define CHECK_EQ(got, want) \
    test_check_eq(__FILE__, __LINE__, #got " == " #want, (int64_t)(got), (int64_t)(want))

/* `statement` must abort and say `sentence` (a part of it) on standard error. */
#define CHECK_DIES(statement, sentence)                                                         \
    do {                                                                                        \
        int test_pipe_[2];                                                                      \
        const pid_t test_child_ = test_death_fork(test_pipe_);                                  \
        if (test_child_ == 0) {                                                                 \
            statement;                                                                          \
            _exit(0);                                                                           \
        }                                                                                       \
        test_death_check(__FILE__, __LINE__, #statement, test_child_, test_pipe_[0], sentence); \
    } while (0)

static inline void test_fail(const char *file, int line, const char *what)
{
    fflush(stdout);
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    exit(1);
}

static inline void test_check_eq(const char *file, int line, const char *what, int64_t got,
                                 int64_t want)
{
    if (got != want) {
        fprintf(stderr, "got %" PRId64 ", want %" PRId64 "\n", got, want);
        test_fail(file, line, what);
    }
}

static size_t test_passed, test_skipped; /* of this program, up to now */
static const char *test_skip_reason;     /* of the case that runs; NULL: none */

/* What the running case tries cannot be done here: it counts as skipped. */
static inline void test_skip(const char *reason)
{
    test_skip_reason = reason;
}

/* Whether the program runs under an emulator, which has limits and address spaces of its own. */
static inline bool test_emulated(void)
{
    const char *const emulator = getenv("EMULATOR");

    return emulator != NULL && emulator[0] != '\0';
}

/* Runs the cases. Says as the last thing how many passed and were skipped in this program. */
static inline int test_run(const char *suite, const test_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        test_skip_reason = NULL;
        cases[i].run();
        if (test_skip_reason != NULL) {
            printf("skip: %s: %s: %s\n", suite, cases[i].name, test_skip_reason);
            test_skipped++;
        } else {
            printf("ok %s: %s\n", suite, cases[i].name);
            test_passed++;
        }
        fflush(stdout);
    }
    printf("%zu passed, 0 failed, %zu skipped\n", test_passed, test_skipped);
    return test_passed == 0 ? TEST_SKIPPED : 0;
}

static inline pid_t test_death_fork(int ends[2])
{
    pid_t child;

    fflush(stdout);
    CHECK(pipe(ends) == 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
    }
    close(ends[1]);
    return child;
}

static inline void test_death_check(const char *file, int line, const char *statement, pid_t child,
                                    int output, const char *sentence)
{
    char said[4096];
    size_t length = 0;
    ssize_t got;
    int status = 0;

    while (length < sizeof said - 1 &&
           (got = read(output, said + length, sizeof said - 1 - length)) > 0)
        length += (size_t)got;
    said[length] = '\0';
    close(output);
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || strstr(said, sentence) == NULL) {
        fprintf(stderr, "expected an abort that says \"%s\"; status %#x, said: %s\n", sentence,
                (unsigned)status, said);
        test_fail(file, line, statement);
    }
}

/* ---- an allocator that fails on request ---- */

/* Any thread may allocate. */
static WEIR_ATOMIC(size_t) test_alloc_live;  /* bytes that are allocated and not released */
static WEIR_ATOMIC(size_t) test_alloc_calls; /* calls since the last test_alloc_fail_at() */
static size_t test_alloc_fail_nr; /* 1: the next call fails; 0: none does */

static inline void *test_alloc(size_t bytes, size_t alignment, void *context)
{
    void *pointer = NULL;

    (void)context;
    if (++test_alloc_calls == test_alloc_fail_nr)
        return NULL;
    if (posix_memalign(&pointer, alignment < sizeof(void *) ? sizeof(void *) : alignment, bytes) !=
        0)
        return NULL;
    test_alloc_live += bytes;
    return pointer;
}

static inline void test_release(void *pointer, size_t bytes, void *context)
{
    (void)context;
    test_alloc_live -= bytes;
    free(pointer);
}

/* Installs the allocator; the `nr`-th allocation from now fails, none if 0.
 * Only while nothing made by a `_new` lives. */
static inline void test_alloc_fail_at(size_t nr)
{
    static const weir_allocator failing = {test_alloc, test_release, NULL};

    test_alloc_calls = 0;
    test_alloc_fail_nr = nr;
    weir_set_allocator(&failing);
}

#endif /* WEIR_TESTS_TEST_H */
