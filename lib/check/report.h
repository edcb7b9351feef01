/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/report.h: what a person reads when something was found. Private. */

#ifndef WEIR_LIB_CHECK_REPORT_H
#define WEIR_LIB_CHECK_REPORT_H

#include "graph.h"

typedef struct report {
    const graph *graph;
    const name *order; /* of execution: agrees with program order and reads-from. NULL: by stamp */
    unsigned events;
    weir_check_finding finding;
    const char *sentence; /* the other party of a race is the first "thread 2" that is not `thread`,
                             and not behind "of" */
    const void *pc;       /* where it was found, or NULL */
    const void *other;    /* code of the other party: of a race, of a free; or NULL */
    int thread;           /* who ran, or -1 */
    const char *scenario;
    const char *path;  /* or NULL, or "" */
    const int *frozen; /* threads that stand still for good, -1 behind the last; or NULL */
} report;

/* Prints it, with the history if that is what was found. The same text for the same run. */
void weir__report(FILE *to, const report *r);

/* ---- symbols.c ---- */

/* Finds all these places at once, which is quicker than one by one. NULL among them is none. */
void weir__symbols_want(const void *const *pc, unsigned count);

/* ---- report.c ---- */

/* "7", "-1", "&queue+8": the value of so many bytes. */
void weir__report_value(char *text, size_t room, word value, unsigned size);

#endif /* WEIR_LIB_CHECK_REPORT_H */
