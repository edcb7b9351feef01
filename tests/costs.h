/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/costs.h: what the files of rows, tests/costs_X.c, share with tests/costs.c. */

#ifndef WEIR_TESTS_COSTS_H
#define WEIR_TESTS_COSTS_H

#include "paths.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__) && !defined(__ILP32__)
#define COSTS_ARE_COUNTED 1
#endif

#define COSTS_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A pointer to any function, and any pointer as an argument. */
#define FUNCTION(f) ((void (*)(void))(f))
#define P(pointer) ((uintptr_t)(pointer))

/* How a queue came to be: so many put in, so many taken out since. */
#define IN(put, taken) ((put)*256 + (taken))

/* ---- one call ---- */

/* Registers in, answer out. All parameters of tests/paths.h are integers or pointers. */
typedef struct costs_call {
    void (*function)(void);
    uintptr_t answer;
    uintptr_t argument[5];
} costs_call;

/* The next one: a row's setup may change its arguments. */
extern costs_call costs_now;

/* ---- a row ---- */

enum { ANY = -1, NO = 0, YES = 1 };

/* The answer -e, an error. */
#define ERROR(e) (256 - (e))

typedef struct costs_row {
    const char *operation;
    const char *state;
    void (*path)(void);
    void (*setup)(unsigned n); /* or NULL */
    unsigned n;
    int answer; /* its low byte; or ANY */
    uintptr_t argument[5];
} costs_row;

/* ROW(mpmc, try_enqueue, state, setup, n, answer, arguments...); ROW_OF(pause, ...) where the name
 * of the structure is no part of the path's. */
#define ROW(prefix, operation, ...) COSTS_ROW(#operation, path_##prefix##_##operation, __VA_ARGS__)
#define ROW_OF(path, ...) COSTS_ROW(#path, path_##path, __VA_ARGS__)
#define COSTS_ROW(name, path, state, setup, n, answer, ...) \
    costs_measure(&(costs_row){name, state, FUNCTION(path), setup, n, answer, {__VA_ARGS__}})

/* Of the rows that come. */
extern const char *costs_structure;

/* Whether rows are counted, not only run. */
extern bool costs_counts;

/* Counts the row and prints it. */
void costs_measure(const costs_row *row);

/* A row that this machine cannot show. */
void costs_leave_out(const char *operation, const char *state, const char *why);

/* Calls a function of one argument in the thread whose operations are counted, which is how that
 * thread comes to a record. Returns: its answer, which is not NULL. */
void *costs_ask(void (*function)(void), const void *argument);

/* Ends the program if a setup did not succeed. */
void costs_require(bool condition, const char *sentence);

/* ---- the rows ---- */

void costs_of_words(void);
void costs_of_queues(void);
void costs_of_reclamation(void);
void costs_of_waits(void);
void costs_of_channels(void);
void costs_of_pool(void);

#endif /* WEIR_TESTS_COSTS_H */
