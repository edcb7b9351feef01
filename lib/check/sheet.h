/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/sheet.h: a report that is being written. Private to rows.c, table.c, reason.c and
 * report.c. */

#ifndef WEIR_LIB_CHECK_SHEET_H
#define WEIR_LIB_CHECK_SHEET_H

#include "report.h"

#define WIDTH 100 /* of a line */
#define SHOWN_FIRST 60
#define SHOWN_LAST 100
#define FOLDED 8    /* more events of thread 0 than this, before it makes threads, are one row */
#define SORTED 5000 /* events of a run that is put in order */
#define REASONS 3   /* stale reads that are explained */
#define NONE UINT32_MAX

typedef struct sheet {
    FILE *to;
    const report *r;
    const graph *g;
    unsigned threads; /* the last that has an event, and one */
    bool colours;
    unsigned events;
    unsigned first[THREADS]; /* id of the first event of each thread: the others follow */
    name *order;
    unsigned *at;       /* by id: where in `order`; NONE: not there */
    unsigned *position; /* by id, of a write: in the modification order */
    unsigned *row;      /* by id; 0: it has none */
    name *newer;        /* by id: what a stale read should have read; thread -1: it is not stale */
    const char **names; /* of locations */
    int other_thread;   /* -1: not known, or there is none */
    unsigned other;     /* events of it before the code `other` */
} sheet;

typedef struct row {
    const event *event; /* or NULL: it is about `pc` */
    unsigned number;    /* 0: has none */
    int thread;
    const void *pc;
    const char *text;
    const char *note;       /* on the right, or below; "" */
    const char *short_note; /* where there is no room for that */
} row;

typedef struct table {
    row *row;
    unsigned rows;
    unsigned column[THREADS + 1]; /* where that of each thread begins */
} table;

typedef struct paragraph {
    char s[2000];
    size_t length;
} paragraph;

/* ---- rows.c ---- */

void weir__sheet_shorten(char *text);
const char *weir__sheet_value_of(const event *e);
const char *weir__sheet_order_name(unsigned order);
const location *weir__sheet_location_of(const sheet *s, const event *e);
bool weir__sheet_is_memory(const sheet *s, const event *e);
const char *weir__sheet_target(const sheet *s, const event *e);
const char *weir__sheet_verb(const event *e);
unsigned weir__sheet_id_of(const sheet *s, name n);
unsigned weir__sheet_id(const sheet *s, const event *e);
name weir__sheet_name_at(int thread, unsigned index);
const event *weir__sheet_second_half(const sheet *s, const event *e);
bool weir__sheet_is_second_half(const sheet *s, const event *e);
const char *weir__sheet_where(const sheet *s, const event *e);
unsigned weir__sheet_position_of(const sheet *s, name n);
void weir__sheet_take_order(sheet *s, unsigned total);
void weir__sheet_sort_order(sheet *s);
void weir__sheet_find_stale(sheet *s);

/* ---- table.c ---- */

const char *weir__sheet_keep(const char *text);
const char *weir__sheet_headline(weir_check_finding finding);
bool weir__sheet_frees_too_early(const sheet *s);
void weir__sheet_fill(sheet *s, table *t);
void weir__sheet_measure(const sheet *s, table *t);
void weir__sheet_print_table(const sheet *s, const table *t);

/* ---- reason.c ---- */

void weir__sheet_say(paragraph *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void weir__sheet_print_text(FILE *to, const paragraph *t);
void weir__sheet_find_other(sheet *s);
void weir__sheet_explain_race(const sheet *s);
void weir__sheet_explain_stale(const sheet *s);

#endif /* WEIR_LIB_CHECK_SHEET_H */
