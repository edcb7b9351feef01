/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/bugs.h: bugs that others have published, each reduced to a few lines: as it was, in which
 * the model checker must find it, at the right line; and mended, which must be clean.
 *
 * Edges: none of its own. */

#ifndef WEIR_TESTS_BUGS_H
#define WEIR_TESTS_BUGS_H

#include <weir/atomic.h>
#include <weir/check.h>

#include <stdlib.h>
#include <string.h>

/* ThreadSanitizer's runtime knows no fences; the checker does. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

typedef struct bug {
    const char *name;
    void (*test)(void);
    weir_check_finding finding;
    const char *line; /* a part of the source line that the finding names; NULL: it names none */
    weir_check_options options;
    bool claims; /* what is mended is the claim of progress, not the code */
} bug;

typedef struct bug_table {
    const char *file;
    const bug *bugs;
    size_t count;
} bug_table;

extern const bug_table bugs_orders, bugs_locks, bugs_queues, bugs_stacks, bugs_reclaim, bugs_waits;
extern bool mended; /* which of the two forms runs */

#define BUG_TABLE(table, bugs) \
    const bug_table table = {__FILE__, bugs, sizeof(bugs) / sizeof((bugs)[0])}

static inline memory_order mend(memory_order was, memory_order is)
{
    return mended ? is : was;
}

typedef void body(void);

static inline void call_body(void *at)
{
    (*(body *const *)at)();
}

/* Runs these functions, a thread each, and waits for them. */
#define TOGETHER(...)                                                    \
    do {                                                                 \
        static body *const bodies[] = {__VA_ARGS__};                     \
        for (size_t b = 0; b < sizeof bodies / sizeof bodies[0]; b++)    \
            weir_check_thread(call_body, (void *)(uintptr_t)&bodies[b]); \
        weir_check_join_all();                                           \
    } while (0)

#endif /* WEIR_TESTS_BUGS_H */
