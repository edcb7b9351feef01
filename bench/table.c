/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/table.c: medians and quartiles of the runs, near and far apart, the ratios
 * to the best peers, for the terminal and for the report. */

#include "driver.h"

#include <math.h>
#include <stdlib.h>

const char *const bench_place_names[] = {"any", "near", "far", "moved", "disturbed"};
const char *const bench_progress_names[] = {"wait-free", "lock-free", "blocking", "spins inside",
                                            "lock"};
const char *const bench_order_names[] = {"FIFO", "FIFO per producer", "unordered"};

static bench_sample *samples;
static size_t sample_count, sample_room;

void bench_keep(const bench_sample *sample)
{
    if (sample_count == sample_room) {
        sample_room = sample_room * 2 + 256;
        samples = realloc(samples, sample_room * sizeof *samples);
        if (samples == NULL) {
            perror("weir-bench");
            exit(2);
        }
    }
    samples[sample_count++] = *sample;
}

bench_place bench_where(const bench_run *run, const bench_row *row)
{
    if (run->others > BENCH_OTHERS)
        return BENCH_DISTURBED;
    if (row->threads < 2 || run->before_ns == 0 || run->after_ns == 0)
        return BENCH_ANY;
    if ((run->before_ns < BENCH_FAR_NS) != (run->after_ns < BENCH_FAR_NS))
        return BENCH_MOVED;
    return run->before_ns < BENCH_FAR_NS ? BENCH_NEAR : BENCH_FAR;
}

/* ---- one group: a row at a place ---- */

typedef struct line {
    unsigned which;
    unsigned runs, failures;
    bool disturbed;           /* all of its runs were */
    double median, low, high; /* quartiles */
    double column[BENCH_VALUES];
    const char *why;
} line;

typedef struct yardstick {
    const char *title, *key;
    const line *best;
} yardstick;

enum { BEST, LOCK_FREE, NO_SPIN, REFERENCE, YARDSTICKS };

typedef struct group {
    const bench_row *row;
    bench_place place;
    unsigned count, most_runs;
    double trip_ns; /* median */
    line *lines;
    yardstick yards[YARDSTICKS];
} group;

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double quantile(const double *sorted, size_t count, double share)
{
    const double at = share * (double)(count - 1);
    const size_t below = (size_t)at;

    if (below + 1 >= count)
        return sorted[count - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

static const bench_peer *peer_of(const line *l)
{
    return bench_cases[l->which].peer;
}

static bool ours(const line *l)
{
    return (peer_of(l)->flags & BENCH_OURS) != 0;
}

/* How much better `value` is than `other`: above 1 is better, whatever the unit. */
static double ratio(const bench_row *row, double value, double other)
{
    return row->less ? other / value : value / other;
}

static int by_place_in_table(const void *a, const void *b)
{
    const line *x = a, *y = b;
    const bool less = bench_rows[bench_cases[x->which].row]->less;

    if (ours(x) != ours(y))
        return ours(x) ? -1 : 1;
    if ((x->runs == 0) != (y->runs == 0))
        return x->runs == 0 ? 1 : -1;
    if (x->median != y->median)
        return (x->median < y->median) == less ? -1 : 1;
    return strcmp(peer_of(x)->label, peer_of(y)->label);
}

static bool counts_for(const line *l, int yard)
{
    const bench_peer *peer = peer_of(l);

    if (ours(l) || l->runs == 0 || l->failures > 0)
        return false;
    switch (yard) {
    case BEST:
        return true;
    case LOCK_FREE:
        return peer->progress <= BENCH_LOCK_FREE && peer->order == BENCH_FIFO;
    case NO_SPIN:
        return peer->progress <= BENCH_BLOCKING && peer->order == BENCH_FIFO;
    default:
        return (peer->flags & BENCH_REFERENCE) != 0;
    }
}

static void find_yardsticks(group *g)
{
    static const yardstick names[YARDSTICKS] = {{"best peer", "best", NULL},
                                                {"lock-free", "lock_free", NULL},
                                                {"no spin", "no_spin", NULL},
                                                {"reference", "reference", NULL}};

    for (int yard = 0; yard < YARDSTICKS; yard++) {
        g->yards[yard] = names[yard];
        for (unsigned i = 0; i < g->count; i++) {
            const line *l = &g->lines[i];
            const line **best = &g->yards[yard].best;

            if (counts_for(l, yard) &&
                (*best == NULL || ratio(g->row, l->median, (*best)->median) > 1))
                *best = l;
        }
    }
    /* Elsewhere the classes make no difference. */
    if (strncmp(g->row->name, "mpmc/", 5) != 0)
        g->yards[LOCK_FREE].best = g->yards[NO_SPIN].best = NULL;
}

/* Collects the values of a column. Returns: how many. */
static size_t collect(unsigned which, bench_place place, int column, bool disturbed, double *values)
{
    size_t count = 0;

    for (size_t i = 0; i < sample_count; i++) {
        const bench_sample *s = &samples[i];

        if (s->which == which && s->place == place && !s->failed && s->disturbed == disturbed)
            values[count++] = s->value[column];
    }
    return count;
}

static void fill_line(line *l, unsigned which, bench_place place, double *scratch)
{
    memset(l, 0, sizeof *l);
    l->which = which;
    for (size_t i = 0; i < sample_count; i++) {
        if (samples[i].which == which && samples[i].failed) {
            l->failures++;
            l->why = samples[i].why;
        }
    }
    l->disturbed = collect(which, place, 0, false, scratch) == 0;
    for (int column = BENCH_VALUES - 1; column >= 0; column--) {
        const size_t count = collect(which, place, column, l->disturbed, scratch);

        l->runs = (unsigned)count;
        if (count == 0)
            continue;
        qsort(scratch, count, sizeof *scratch, by_value);
        l->column[column] = quantile(scratch, count, 0.5);
        if (column == 0) {
            l->median = l->column[0];
            l->low = quantile(scratch, count, 0.25);
            l->high = quantile(scratch, count, 0.75);
        }
    }
    l->disturbed = l->disturbed && l->runs > 0;
}

/* The caller frees lines. */
static void make_group(group *g, unsigned row, bench_place place)
{
    double *scratch = malloc((sample_count + 1) * sizeof *scratch);
    size_t trips = 0;

    memset(g, 0, sizeof *g);
    g->row = bench_rows[row];
    g->place = place;
    g->lines = malloc((bench_case_count + 1) * sizeof *g->lines);
    if (scratch == NULL || g->lines == NULL) {
        perror("weir-bench");
        exit(2);
    }
    for (unsigned which = 0; which < bench_case_count; which++) {
        line *l = &g->lines[g->count];

        if (bench_cases[which].row != row)
            continue;
        fill_line(l, which, place, scratch);
        if (l->runs == 0 && l->failures == 0)
            continue;
        if (l->runs > g->most_runs)
            g->most_runs = l->runs;
        g->count++;
    }
    for (size_t i = 0; i < sample_count; i++)
        if (bench_cases[samples[i].which].row == row && samples[i].place == place)
            scratch[trips++] = samples[i].trip_ns;
    if (trips > 0) {
        qsort(scratch, trips, sizeof *scratch, by_value);
        g->trip_ns = quantile(scratch, trips, 0.5);
    }
    free(scratch);
    qsort(g->lines, g->count, sizeof *g->lines, by_place_in_table);
    find_yardsticks(g);
}

/* A place that was met once or twice says little: shown only if there is no other. */
static bool worth_showing(unsigned row, bench_place place)
{
    unsigned here = 0, most = 0;

    for (bench_place p = BENCH_ANY; p <= BENCH_FAR; p++) {
        group g;

        make_group(&g, row, p);
        if (p == place)
            here = g.most_runs;
        if (g.most_runs > most)
            most = g.most_runs;
        free(g.lines);
    }
    return here > 0 && (here >= 3 || here == most);
}

/* A row in which nothing but failures came out. */
static bool only_failures(unsigned row)
{
    bool any = false;

    for (bench_place p = BENCH_ANY; p <= BENCH_FAR; p++)
        any = any || worth_showing(row, p);
    if (any)
        return false;
    for (size_t i = 0; i < sample_count; i++)
        if (bench_cases[samples[i].which].row == row && samples[i].failed)
            return true;
    return false;
}

typedef struct tally {
    size_t runs, moved, disturbed, failed;
} tally;

static tally count_runs(void)
{
    tally t = {sample_count, 0, 0, 0};

    for (size_t i = 0; i < sample_count; i++) {
        if (samples[i].failed)
            t.failed++;
        else if (samples[i].place == BENCH_MOVED)
            t.moved++;
        else if (samples[i].place == BENCH_DISTURBED || samples[i].disturbed)
            t.disturbed++;
    }
    return t;
}

/* ---- terminal ---- */

static void print_number(FILE *out, int width, double value)
{
    fprintf(out, "%*.*f", width, value >= 100 ? 0 : value >= 10 ? 1 : 2, value);
}

static void print_line(FILE *out, const group *g, const line *l)
{
    const bench_peer *peer = peer_of(l);

    fprintf(out, "%c %-23s%-13s%c%c%c", ours(l) ? '*' : ' ', peer->label,
            bench_progress_names[peer->progress], peer->bounded ? ' ' : 'u',
            peer->order == BENCH_FIFO           ? ' '
            : peer->order == BENCH_PER_PRODUCER ? 'p'
                                                : 'n',
            l->disturbed ? 'd' : ' ');
    if (l->failures > 0) {
        fprintf(out, " FAILED (%u run%s): %s\n", l->failures, l->failures == 1 ? "" : "s", l->why);
        return;
    }
    if (l->runs == 0) {
        fputs(" no run at this placement\n", out);
        return;
    }
    print_number(out, 8, l->median);
    print_number(out, 8, l->low);
    print_number(out, 8, l->high);
    for (int column = 1; column < BENCH_VALUES && g->row->columns[column] != NULL; column++)
        print_number(out, 9, l->column[column]);
    for (int yard = 0; yard < YARDSTICKS; yard++)
        if (g->yards[yard].best != NULL)
            fprintf(out, "%11.2f", ratio(g->row, l->median, g->yards[yard].best->median));
    fputc('\n', out);
}

static void print_group(FILE *out, const group *g)
{
    fprintf(out, "\n%s: %s, %s (%s is better)", g->row->name, g->row->title, g->row->unit,
            g->row->less ? "less" : "more");
    if (g->place != BENCH_ANY)
        fprintf(out, "; %s, a line's round trip %.0f ns", bench_place_names[g->place], g->trip_ns);
    fprintf(out, "; up to %u runs each\n", g->most_runs);
    fprintf(out, "  %-40s%8s%8s%8s", "", g->row->columns[0] != NULL ? g->row->columns[0] : "median",
            "from", "to");
    for (int column = 1; column < BENCH_VALUES && g->row->columns[column] != NULL; column++)
        fprintf(out, "%9s", g->row->columns[column]);
    for (int yard = 0; yard < YARDSTICKS; yard++)
        if (g->yards[yard].best != NULL)
            fprintf(out, "%11s", g->yards[yard].title);
    fputc('\n', out);
    for (unsigned i = 0; i < g->count; i++)
        print_line(out, g, &g->lines[i]);
}

static const char legend[] =
    "\n"
    "* weir; u unbounded, p order per producer only, n no order, d all runs disturbed.\n"
    "Medians; from and to are the quartiles. The columns on the right say how many times\n"
    "better than that peer, above 1 is better: the best one; the best that is lock-free\n"
    "and FIFO; the best that is FIFO and whose calls do not spin for another thread.\n";

void bench_print_tables(FILE *out)
{
    const tally t = count_runs();

    for (unsigned row = 0; row < bench_row_count; row++) {
        for (bench_place place = BENCH_ANY; place <= BENCH_FAR; place++) {
            group g;

            make_group(&g, row, place);
            if (worth_showing(row, place) || (place == BENCH_ANY && only_failures(row)))
                print_group(out, &g);
            free(g.lines);
        }
    }
    fputs(legend, out);
    fprintf(out,
            "%zu runs. Not counted, and repeated up to a limit: %zu in which the CPUs moved\n"
            "between near and far, %zu in which others took over %.0f %% of them. %zu failed.\n",
            t.runs, t.moved, t.disturbed, BENCH_OTHERS * 100, t.failed);
}

/* ---- JSON ---- */

static void json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; text != NULL && *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        if ((unsigned char)*text >= ' ')
            fputc(*text, out);
    }
    fputc('"', out);
}

static void json_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, "%.6g", value);
    else
        fputs("null", out);
}

static void json_line(FILE *out, const group *g, const line *l)
{
    const bench_peer *peer = peer_of(l);

    fputs("    {\"peer\": ", out);
    json_string(out, peer->label);
    fprintf(out, ", \"ours\": %s, \"progress\": \"%s\", \"order\": \"%s\", \"bounded\": %s, ",
            ours(l) ? "true" : "false", bench_progress_names[peer->progress],
            bench_order_names[peer->order], peer->bounded ? "true" : "false");
    fprintf(out, "\"loops\": %s, \"note\": ", peer->flags & BENCH_LOOPS ? "true" : "false");
    json_string(out, peer->note);
    fprintf(out, ", \"runs\": %u, \"disturbed\": %s, \"failures\": %u, \"why\": ", l->runs,
            l->disturbed ? "true" : "false", l->failures);
    json_string(out, l->why);
    if (l->runs > 0) {
        fputs(", \"median\": ", out);
        json_number(out, l->median);
        fputs(", \"low\": ", out);
        json_number(out, l->low);
        fputs(", \"high\": ", out);
        json_number(out, l->high);
        for (int i = 0; i < BENCH_VALUES && g->row->columns[i] != NULL; i++) {
            fprintf(out, ", \"%s\": ", g->row->columns[i]);
            json_number(out, l->column[i]);
        }
        fputs(", \"ratio\": {", out);
        for (int yard = 0, nr = 0; yard < YARDSTICKS; yard++) {
            if (g->yards[yard].best == NULL)
                continue;
            fprintf(out, "%s\"%s\": ", nr++ ? ", " : "", g->yards[yard].key);
            json_number(out, ratio(g->row, l->median, g->yards[yard].best->median));
        }
        fputc('}', out);
    }
    fputc('}', out);
}

static void json_group(FILE *out, const group *g)
{
    fputs("   {\"row\": ", out);
    json_string(out, g->row->name);
    fputs(", \"title\": ", out);
    json_string(out, g->row->title);
    fprintf(out, ", \"unit\": \"%s\", \"less\": %s, \"threads\": %u, \"place\": \"%s\", ",
            g->row->unit, g->row->less ? "true" : "false", g->row->threads,
            bench_place_names[g->place]);
    fputs("\"round_trip_ns\": ", out);
    json_number(out, g->trip_ns);
    fputs(",\n   \"columns\": [", out);
    for (int i = 0; i < BENCH_VALUES && g->row->columns[i] != NULL; i++) {
        fputs(i > 0 ? ", " : "", out);
        json_string(out, g->row->columns[i]);
    }
    fputs("], \"yardsticks\": {", out);
    for (int yard = 0, nr = 0; yard < YARDSTICKS; yard++) {
        if (g->yards[yard].best == NULL)
            continue;
        fprintf(out, "%s\"%s\": ", nr++ ? ", " : "", g->yards[yard].key);
        json_string(out, peer_of(g->yards[yard].best)->label);
    }
    fputs("}, \"lines\": [\n", out);
    for (unsigned i = 0; i < g->count; i++) {
        json_line(out, g, &g->lines[i]);
        fputs(i + 1 < g->count ? ",\n" : "]}", out);
    }
}

void bench_write_summary(FILE *out)
{
    const tally t = count_runs();
    const char *comma = "";

    fprintf(out,
            "{\"runs\": %zu, \"moved\": %zu, \"disturbed\": %zu, \"failed\": %zu, "
            "\"far_ns\": %g, \"others\": %g, \"groups\": [",
            t.runs, t.moved, t.disturbed, t.failed, BENCH_FAR_NS, BENCH_OTHERS);
    for (unsigned row = 0; row < bench_row_count; row++) {
        for (bench_place place = BENCH_ANY; place <= BENCH_FAR; place++) {
            group g;

            make_group(&g, row, place);
            if (worth_showing(row, place) || (place == BENCH_ANY && only_failures(row))) {
                fprintf(out, "%s\n", comma);
                json_group(out, &g);
                comma = ",";
            }
            free(g.lines);
        }
    }
    fputs("\n]}\n", out);
}
