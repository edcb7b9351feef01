/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The table: what the sweeps found, for people, and for the file that WEIR_STEP_TABLE names. */

#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *table, *reason; /* its title; why everything is skipped, or NULL */
static unsigned all_rows, all_stops, all_aborts, bad_rows, skipped_rows;

static pid_t began;

/* A victim or adversary that calls exit(3) would end the program as if all were well. */
static void at_exit(void)
{
    if (!weir__step_begun || getpid() != began)
        return;
    printf("FAILED %s: the program ended before weir_step_end()\n", table);
    fflush(stdout);
    _exit(1);
}

static void print_head(void)
{
    printf("%s: each operation stopped after each of its instructions\n", table);
    printf("%-34s %-34s %6s %6s %6s %7s %5s  %s\n", "operation", "against", "stops", "again",
           "aborts", "blocked", "false", "own steps");
}

bool weir_step_begin(const char *title)
{
    table = title;
    all_rows = all_stops = all_aborts = bad_rows = skipped_rows = 0;
    reason = weir__step_start();
    weir__step_begun = reason == NULL;
    if (began == 0)
        atexit(at_exit);
    began = getpid();
    if (!weir__step_begun) {
        printf("SKIP %s: %s\n", title, reason);
        return false;
    }
    return true;
}

/* ---- where an instruction stands ---- */

#ifdef WEIR__STEP_WORKS

#include <dlfcn.h>
#include <elf.h>
#include <sys/auxv.h>

/* Prints up to `lines` lines of what a tool says about an address, indented; quietly nothing
 * where it is not installed. */
static void ask(unsigned lines, const char *format, const char *file, unsigned long at)
{
    char command[512], line[256];
    FILE *answer;

    snprintf(command, sizeof command, format, file, at, at + 16);
    answer = popen(command, "r");
    if (answer == NULL)
        return;
    while (fgets(line, sizeof line, answer) != NULL) {
        if (lines == 0)
            continue;
        lines--;
        printf("      %s%s", line + strspn(line, " \t"), strchr(line, '\n') != NULL ? "" : "\n");
    }
    pclose(answer);
}

static void print_place(uintptr_t pc)
{
    /* The program's own headers: its segments' table comes right behind the first. */
    const uintptr_t program = (uintptr_t)getauxval(AT_PHDR) - sizeof(Elf64_Ehdr);
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)program;
    unsigned long at = pc;
    char file[512];
    Dl_info object;

    printf("      %#lx\n", at);
    fflush(stdout);
    snprintf(file, sizeof file, "/proc/%ld/exe", (long)getpid());
    if (dladdr((void *)pc, &object) != 0 && object.dli_fbase != NULL &&
        (uintptr_t)object.dli_fbase != program) {
        header = (const Elf64_Ehdr *)object.dli_fbase;
        snprintf(file, sizeof file, "%s", object.dli_fname);
    }
    if (strchr(file, '\'') != NULL) /* it goes through the shell */
        return;
    if (header->e_type == ET_DYN)
        at -= (unsigned long)(uintptr_t)header;
    ask(6, "addr2line -s -f -i -p -e '%s' %#lx 2>/dev/null", file, at);
    ask(1,
        "objdump -d --no-show-raw-insn '%s' --start-address=%#lx --stop-address=%#lx 2>/dev/null"
        " | sed -n '/^ .*:\t/{p;q;}'",
        file, at);
}

#else

static void print_place(uintptr_t pc)
{
    (void)pc;
}

#endif

/* ---- rows ---- */

static bool is_bad(const weir_step_row *row)
{
    /* What earlier runs have left (memory, a thread's lists) may lead a run past an instruction. */
    return row->stops == 0 || row->missed * 100 > row->stops || row->wrong != 0 || row->cut != 0 ||
           row->inside != 0 || (row->blocked != 0 && !row->may_refuse) ||
           (row->bound != 0 && row->most > row->bound);
}

static void write_row(const weir_step_row *row, const char *verdict)
{
    const char *const name = getenv("WEIR_STEP_TABLE");
    FILE *const file = name == NULL ? NULL : fopen(name, "a");

    if (name != NULL && file == NULL) {
        fprintf(stderr, "step: %s cannot be written\n", name);
        exit(1);
    }
    if (file == NULL)
        return;
    fprintf(file, "%s\t%s\t%s\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%s\n", table, row->operation,
            row->against, row->sweeps, row->stops, row->again, row->aborts, row->blocked,
            row->wrong + row->cut, row->alone.instructions, row->most, row->bound, verdict);
    if (fclose(file) != 0) {
        fprintf(stderr, "step: %s cannot be written\n", name);
        exit(1);
    }
}

static void print_sentence(const weir_step_row *row, bool places)
{
    const bool at_a_stop = row->pc != 0 && row->after != UINT32_MAX;

    printf("    first: %s", row->sentence);
    if (at_a_stop)
        printf("; the victim stood after %u instructions", row->after);
    else if (row->pc != 0)
        printf("; a restartable sequence of the victim was aborted");
    else
        printf("; the victim was not stopped");
    printf("\n");
    if (row->pc != 0 && places)
        print_place(row->pc);
    if (row->crashed != 0) {
        printf("    it crashed at\n");
        print_place(row->crashed);
    }
    if (row->cut != 0)
        printf("    the sweep ends there\n");
}

static void print_row(const weir_step_row *row, bool places)
{
    char steps[64];

    if (all_rows == 0)
        print_head();
    if (row->bound != 0)
        snprintf(steps, sizeof steps, "%u alone, %u at most, bound %u", row->alone.instructions,
                 row->most, row->bound);
    else
        snprintf(steps, sizeof steps, "%u alone", row->alone.instructions);
    printf("%-34s %-34s %6u %6u %6u %7u %5u  %s\n", row->operation, row->against, row->stops,
           row->again, row->aborts, row->blocked, row->wrong, steps);
    if (row->sentence != NULL)
        print_sentence(row, places);
    if (row->missed != 0)
        printf("    missed: %u stops, at instructions that the operation does not always reach\n",
               row->missed);
    if (row->elsewhere != 0)
        printf("    elsewhere: %u stops, where the operation did not take the undisturbed path\n",
               row->elsewhere);
    fflush(stdout);
    all_stops += row->stops + row->again;
    all_aborts += row->aborts;
    all_rows++;
}

/* Returns: whether there is nothing to print. */
static bool is_skipped(const weir_step_row *row)
{
    if (weir__step_begun)
        return false;
    skipped_rows++;
    write_row(row, "SKIP");
    return true;
}

void weir_step_print(const weir_step_row *row)
{
    if (is_skipped(row))
        return;
    print_row(row, true);
    write_row(row, "FOUND");
}

void weir_step_report(const weir_step_row *row)
{
    const bool bad = is_bad(row);

    if (is_skipped(row))
        return;
    print_row(row, bad);
    write_row(row, bad ? "FAIL" : "PASS");
    if (bad) {
        bad_rows++;
        printf("    FAILED\n");
    }
}

int weir_step_end(void)
{
    const bool skipped = !weir__step_begun;

    weir__step_begun = false;
    if (skipped) {
        printf("SKIPPED %s: %u rows\n", table, skipped_rows);
        return 77;
    }
    printf("%s %s: %u rows, %u stops, %u forced aborts, %u rows failed\n",
           bad_rows == 0 ? "OK" : "FAILED", table, all_rows, all_stops, all_aborts, bad_rows);
    return bad_rows == 0 && fflush(stdout) == 0 ? 0 : 1;
}

int weir_step_run(const char *title, const weir_step_plan *plans, size_t count, void *state)
{
    weir_step_begin(title);
    for (size_t i = 0; i < count; i++) {
        weir_step_row row;

        memset(&row, 0, sizeof row);
        weir_step_sweep(&plans[i], state, &row);
        weir_step_report(&row);
    }
    return weir_step_end();
}
