/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/main.c: weir-bench: options, the order of the runs, progress.
 *
 * A pass runs every case once: all peers of a row one after another, each pass
 * beginning with another peer; then the next row. So the peers of a row meet the
 * same weather, and each row meets all the weather there is. */

#include "driver.h"

#include <getopt.h>
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST_CASES_IN_A_ROW = 128, FAILURES_ENOUGH = 2 };

typedef struct plan {
    unsigned passes;
    double seconds;
    const char *filter, *json;
    bool list;
} plan;

static volatile sig_atomic_t interrupted; /* a signal handler's, not between threads */
static plan options = {15, 0.1, NULL, NULL, false};
static unsigned pass, runs_done, runs_planned, repeats;
static uint64_t began_ns;
static unsigned failures[BENCH_MOST_CASES];
static bool ours_failed;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static void usage(FILE *out)
{
    fputs("usage: weir-bench [options]\n"
          "  --filter REGEX      only rows/peers whose ROW/PEER matches (extended, any case)\n"
          "  --repetitions N     passes over all of them (15)\n"
          "  --seconds S         of each run (0.1)\n"
          "  --quick             a smoke test: 2 passes of 0.02 s\n"
          "  --long              31 passes of 0.2 s\n"
          "  --json FILE         results as JSON, for bench/report\n"
          "  --list              say what there is, and end\n"
          "Status: 0; 1 when a run of weir's own failed (a peer's failure is in its row).\n",
          out);
}

static void read_options(int count, char **arguments)
{
    static const struct option known[] = {{"filter", required_argument, NULL, 'f'},
                                          {"repetitions", required_argument, NULL, 'r'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"quick", no_argument, NULL, 'q'},
                                          {"long", no_argument, NULL, 'l'},
                                          {"json", required_argument, NULL, 'j'},
                                          {"list", no_argument, NULL, 'L'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    char *end = NULL;

    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
        switch (option) {
        case 'f':
            options.filter = optarg;
            break;
        case 'r':
            options.passes = (unsigned)strtoul(optarg, &end, 10);
            break;
        case 's':
            options.seconds = strtod(optarg, &end);
            break;
        case 'q':
            options.passes = 2;
            options.seconds = 0.02;
            break;
        case 'l':
            options.passes = 31;
            options.seconds = 0.2;
            break;
        case 'j':
            options.json = optarg;
            break;
        case 'L':
            options.list = true;
            break;
        case 'h':
            usage(stdout);
            exit(0);
        default:
            usage(stderr);
            exit(2);
        }
    }
    if (optind < count || (end != NULL && *end != '\0') || options.passes < 1 ||
        options.passes > 10000 || !(options.seconds >= 0.001 && options.seconds <= 60)) {
        fputs("weir-bench: an option's value makes no sense\n", stderr);
        usage(stderr);
        exit(2);
    }
}

/* Compares the groups of two rows, which is what stands before the slash. */
static int by_group(const bench_row *a, const bench_row *b)
{
    const size_t one = strcspn(a->name, "/"), other = strcspn(b->name, "/");

    return strncmp(a->name, b->name, one > other ? one : other);
}

/* Groups by name, whatever the order of linking was; the rows of a group stay in the
 * order in which they were added: hence an insertion sort. */
static void sort_rows(void)
{
    const bench_row *old[BENCH_MOST_ROWS];

    memcpy(old, bench_rows, bench_row_count * sizeof old[0]);
    for (unsigned i = 1; i < bench_row_count; i++) {
        const bench_row *row = bench_rows[i];
        unsigned k = i;

        for (; k > 0 && by_group(bench_rows[k - 1], row) > 0; k--)
            bench_rows[k] = bench_rows[k - 1];
        bench_rows[k] = row;
    }
    for (unsigned i = 0; i < bench_case_count; i++)
        for (unsigned k = 0; k < bench_row_count; k++)
            if (bench_rows[k] == old[bench_cases[i].row]) {
                bench_cases[i].row = k;
                break;
            }
}

/* Leaves only the cases that the filter names. */
static void apply_filter(void)
{
    regex_t wanted;
    unsigned kept = 0;

    if (options.filter == NULL)
        return;
    if (regcomp(&wanted, options.filter, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0) {
        fprintf(stderr, "weir-bench: not a regular expression: %s\n", options.filter);
        exit(2);
    }
    for (unsigned i = 0; i < bench_case_count; i++) {
        char name[256];

        snprintf(name, sizeof name, "%s/%s", bench_rows[bench_cases[i].row]->name,
                 bench_cases[i].peer->label);
        if (regexec(&wanted, name, 0, NULL, 0) == 0)
            bench_cases[kept++] = bench_cases[i];
    }
    bench_case_count = kept;
    regfree(&wanted);
}

static void progress(const bench_case *now)
{
    static bool terminal, asked;
    static uint64_t last_ns;
    const uint64_t ns = bench_now_ns();
    const double elapsed = (double)(ns - began_ns) / 1e9;
    double left;

    if (!asked) {
        terminal = isatty(STDERR_FILENO) != 0;
        asked = true;
    }
    if (!terminal && last_ns != 0 && ns - last_ns < 10000000000ull)
        return;
    last_ns = ns;
    left = runs_done > 0 ? elapsed / runs_done * (runs_planned - runs_done)
                         : runs_planned * options.seconds * 1.2;
    if (left < 0)
        left = 0;
    fprintf(stderr, "%spass %u/%u, run %u/%u, %d:%02d left: %s/%s%s", terminal ? "\r\033[K" : "",
            pass + 1, options.passes, runs_done + 1, runs_planned, (int)left / 60, (int)left % 60,
            bench_rows[now->row]->name, now->peer->label, terminal ? "" : "\n");
    fflush(stderr);
}

static void run_and_keep(unsigned which, bench_run *result)
{
    const bench_case *now = &bench_cases[which];
    const bench_row *row = bench_rows[now->row];
    bench_sample sample;

    if (interrupted) {
        memset(result, 0, sizeof *result);
        bench_fail(result, "interrupted");
        return;
    }
    for (int attempt = 1;; attempt++) {
        bool again;

        progress(now);
        bench_run_case(now, options.seconds, result);
        memset(&sample, 0, sizeof sample);
        sample.which = which;
        sample.place = bench_where(result, row);
        sample.failed =
            result->why[0] != '\0' && !(result->starved && sample.place == BENCH_DISTURBED);
        sample.trip_ns = (result->before_ns + result->after_ns) / 2;
        memcpy(sample.value, result->value, sizeof sample.value);
        memcpy(sample.why, result->why, sizeof sample.why);
        again = sample.place >= BENCH_MOVED && !sample.failed && !interrupted && attempt < 3 &&
                repeats < bench_case_count * options.passes / 2;
        if (sample.place == BENCH_DISTURBED && !sample.failed && !result->starved && !again) {
            /* Better a disturbed number, with its spread, than none. */
            result->others = 0;
            sample.place = bench_where(result, row);
            sample.disturbed = true;
        }
        bench_keep(&sample);
        if (!again)
            break;
        repeats++;
        runs_planned++;
        runs_done++;
    }
    runs_done++;
    if (sample.failed) {
        failures[which]++;
        ours_failed = ours_failed || (now->peer->flags & BENCH_OURS) != 0;
        fprintf(stderr, "%s%s/%s: FAILED: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", row->name,
                now->peer->label, result->why);
    }
}

static void run_row(unsigned row)
{
    unsigned cases[MOST_CASES_IN_A_ROW];
    unsigned turned[MOST_CASES_IN_A_ROW];
    unsigned count = 0, kept = 0;

    for (unsigned i = 0; i < bench_case_count; i++)
        if (bench_cases[i].row == row && count < MOST_CASES_IN_A_ROW)
            cases[count++] = i;
    for (unsigned i = 0; i < count; i++) {
        /* Another one begins each time, in both directions in turn: nobody always
         * follows the same neighbour. */
        const unsigned at = pass % 2 == 0 ? (i + pass) % count : (2 * count - i - 1 + pass) % count;

        if (failures[cases[at]] >= FAILURES_ENOUGH)
            runs_planned--;
        else
            turned[kept++] = cases[at];
    }
    if (kept > 0)
        bench_gb_round(turned, kept, run_and_keep);
}

static void describe(void)
{
    const char *name;
    char text[256];

    for (unsigned key = 0; bench_describe(key, &name, text, sizeof text); key++) {
        bench_gb_context(name, text);
        printf("%-13s %s\n", name, text);
    }
    snprintf(text, sizeof text, "%u passes of %g s a run", options.passes, options.seconds);
    bench_gb_context("plan", text);
    printf("%-13s %s; %u rows, %u cases\n", "plan", text, bench_row_count, bench_case_count);
    fflush(stdout);
}

static int write_json(void)
{
    char *summary = NULL;
    size_t bytes = 0;
    FILE *memory = open_memstream(&summary, &bytes);
    int result;

    if (memory == NULL)
        return -1;
    bench_write_summary(memory);
    fclose(memory);
    result = bench_gb_write(options.json, summary);
    free(summary);
    return result;
}

int main(int count, char **arguments)
{
    struct sigaction action;

    read_options(count, arguments);
    bench_machine_init();
    sort_rows();
    apply_filter();
    if (options.list) {
        for (unsigned i = 0; i < bench_case_count; i++)
            printf("%s/%s\n", bench_rows[bench_cases[i].row]->name, bench_cases[i].peer->label);
        return 0;
    }
    if (bench_case_count == 0) {
        fputs("weir-bench: nothing matches\n", stderr);
        return 2;
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    bench_gb_start(arguments[0]);
    describe();
    runs_planned = bench_case_count * options.passes;
    began_ns = bench_now_ns();
    for (pass = 0; pass < options.passes && !interrupted; pass++)
        for (unsigned row = 0; row < bench_row_count && !interrupted; row++)
            run_row(row);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    bench_print_tables(stdout);
    printf("It took %.0f s.\n", (double)(bench_now_ns() - began_ns) / 1e9);
    if (options.json != NULL && write_json() != 0) {
        perror(options.json);
        return 1;
    }
    return ours_failed ? 1 : 0;
}
