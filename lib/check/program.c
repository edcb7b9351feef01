/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/program.c: a program's main() as the test, as the command weir-check asks for by the
 * environment variable WEIR_CHECK_PROGRAM. The C library's start calls a main() of ours first.
 *
 * WEIR_CHECK_OPTIONS holds words: mode=every, random, pct or brute; progress=blocking,
 * obstruction-free, lock-free or wait-free; numbers: events, graphs, runs, seed, depth, spurious,
 * steps, workers; replay=PATH with commas for spaces; and the bare words leaks and verify. */

#include "posix.h"

#include <getopt.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/mman.h>

typedef int main_function(int argc, char **argv, char **envp);

/* What weir-check looks for in a file, to see that this is linked in. */
extern const char weir__check_marker[];
const char weir__check_marker[] = "weir-check: main() of this program can be checked";

static STATE main_function *program_main = NULL;
static STATE int count = 0;
static STATE char **arguments = NULL;

/* ---- options ---- */

_Noreturn static void refuse(const char *word_, size_t length, const char *sentence)
{
    fprintf(stderr, "weir-check: %.*s: %s\n", (int)length, word_, sentence);
    exit(WEIR_CHECK_UNABLE);
}

static bool is(const char *text, size_t length, const char *name)
{
    return strlen(name) == length && memcmp(text, name, length) == 0;
}

static uint64_t number_in(const char *all, size_t all_length, const char *text, size_t length,
                          uint64_t most)
{
    uint64_t number = 0;

    if (length == 0)
        refuse(all, all_length, "a number is missing");
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            refuse(all, all_length, "not a number");
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number) || number > most)
            refuse(all, all_length, "the number is too large");
    }
    return number;
}

static unsigned place_in(const char *all, size_t all_length, const char *text, size_t length,
                         const char *const *names, unsigned number)
{
    for (unsigned i = 0; i < number; i++)
        if (is(text, length, names[i]))
            return i;
    refuse(all, all_length, "no such value");
}

/* One word: NAME or NAME=VALUE. */
static void take_option(weir_check_options *o, const char *text, size_t length)
{
    static const char *const modes[] = {"every", "random", "pct", "brute"};
    static const char *const classes[] = {"blocking", "obstruction-free", "lock-free", "wait-free"};
    static STATE char path[4096] = "";
    const struct {
        const char *name;
        unsigned *small;
        uint64_t *large;
    } numbers[] = {{"events", &o->events, NULL}, {"graphs", NULL, &o->graphs},
                   {"runs", NULL, &o->runs},     {"seed", NULL, &o->seed},
                   {"depth", &o->depth, NULL},   {"spurious", &o->spurious, NULL},
                   {"steps", &o->steps, NULL},   {"workers", &o->workers, NULL}};
    const char *const equals = memchr(text, '=', length);
    const size_t name = equals == NULL ? length : (size_t)(equals - text);
    const char *const value = text + name + 1;
    const size_t size = equals == NULL ? 0 : length - name - 1;

    if (equals == NULL && is(text, length, "leaks")) {
        o->leaks_allowed = true;
        return;
    }
    if (equals == NULL && is(text, length, "verify")) {
        o->verify = true;
        return;
    }
    if (equals == NULL)
        refuse(text, length, "no such option");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (is(text, name, numbers[i].name)) {
            const uint64_t number = number_in(text, length, value, size,
                                              numbers[i].small != NULL ? UINT32_MAX : UINT64_MAX);

            if (numbers[i].small != NULL)
                *numbers[i].small = (unsigned)number;
            else
                *numbers[i].large = number;
            return;
        }
    if (is(text, name, "mode")) {
        o->mode = (weir_check_mode)place_in(text, length, value, size, modes, 4);
    } else if (is(text, name, "progress")) {
        o->progress = (weir_check_progress)place_in(text, length, value, size, classes, 4);
    } else if (is(text, name, "replay")) {
        if (size == 0 || size >= sizeof path)
            refuse(text, length, "no path of a report");
        for (size_t i = 0; i < size; i++)
            path[i] = value[i] == ',' ? ' ' : value[i];
        path[size] = '\0';
        o->replay = path;
    } else {
        refuse(text, length, "no such option");
    }
}

static void take_options(weir_check_options *o, const char *text)
{
    static const char spaces[] = " \t\n";

    for (text += strspn(text, spaces); *text != '\0'; text += strspn(text, spaces)) {
        const size_t length = strcspn(text, spaces);

        take_option(o, text, length);
        text += length;
    }
}

/* ---- what the program prints: once ---- */

static STATE bool silent = false;
static STATE unsigned *runs = NULL; /* of all the processes that search */

bool weir__program_drops(int fd)
{
    return silent && fd == STDOUT_FILENO && *runs > 1;
}

/* Of stdout. The checker's own lines are the conductor's. */
static ssize_t print(void *unused, const char *text, size_t size)
{
    size_t done = 0;

    (void)unused;
    if (weir__check_self >= 0 && weir__program_drops(STDOUT_FILENO))
        return (ssize_t)size;
    while (done < size) {
        const ssize_t more = weir__real_write(STDOUT_FILENO, text + done, size - done);

        if (more < 0 && errno == EINTR)
            continue;
        if (more <= 0)
            break;
        done += (size_t)more;
    }
    return (ssize_t)done;
}

/* Nothing may wait in a buffer until somebody else is running. And whoever crashes while he prints
 * does not give a lock back. */
static void take_stdout(void)
{
    static const cookie_io_functions_t functions = {.write = print};
    void *const page =
        mmap(NULL, sizeof *runs, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FILE *const file = fopencookie(NULL, "w", functions);

    if (page == MAP_FAILED || file == NULL)
        weir__check_die("no memory to redirect standard output");
    runs = (unsigned *)page;
    silent = true;
    setvbuf(file, NULL, _IONBF, 0);
    __fsetlocking(file, FSETLOCKING_BYCALLER);
    fflush(stdout);
    stdout = file;
}

/* ---- the test ---- */

/* The arguments as they were: getopt() changes their order, and programs write into them. */
static STATE char **kept = NULL;
static STATE char *kept_text = NULL;

static void keep_arguments(void)
{
    size_t size = 0;

    for (int i = 0; i < count; i++)
        size += strlen(arguments[i]) + 1;
    kept = (char **)weir__check_memory(((size_t)count + 1) * sizeof *kept);
    kept_text = (char *)weir__check_memory(size + 1);
    memcpy(kept, arguments, ((size_t)count + 1) * sizeof *kept);
    size = 0;
    for (int i = 0; i < count; i++) {
        const size_t length = strlen(arguments[i]) + 1;

        memcpy(kept_text + size, arguments[i], length);
        size += length;
    }
}

static void restore_arguments(void)
{
    const char *text = kept_text;

    memcpy(arguments, kept, ((size_t)count + 1) * sizeof *kept);
    for (int i = 0; i < count; i++) {
        const size_t length = strlen(text) + 1;

        memcpy(arguments[i], text, length);
        text += length;
    }
    optind = 0; /* getopt() begins anew */
}

static void test(void *unused)
{
    (void)unused;
    restore_arguments();
    ++*runs;
    weir__posix_end_program(program_main(count, arguments, environ),
                            (const char *)(uintptr_t)program_main + 1);
}

STATE bool weir__program_is_checked = false;

static int check_program(void)
{
    weir_check_options options = WEIR_CHECK_OPTIONS_INIT;
    const char *const words = getenv("WEIR_CHECK_OPTIONS");
    const char *const slash = strrchr(arguments[0], '/');
    weir_check_result result;

    if (words != NULL)
        take_options(&options, words);
    options.name = slash == NULL ? arguments[0] : slash + 1;
    unsetenv("WEIR_CHECK_PROGRAM");
    unsetenv("WEIR_CHECK_OPTIONS");
    weir__program_is_checked = true;
    keep_arguments();
    take_stdout();
    return weir_check_run_result(&options, test, NULL, &result);
}

static int first_main(int argc, char **argv, char **envp)
{
    if (getenv("WEIR_CHECK_PROGRAM") == NULL)
        return program_main(argc, argv, envp);
    count = argc;
    arguments = argv;
    return check_program();
}

/* ---- before main() ---- */

int __libc_start_main(main_function *function, int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*linker_fini)(void), void *stack_end);

int __libc_start_main(main_function *function, int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*linker_fini)(void), void *stack_end)
{
    REAL(__libc_start_main);
    program_main = function;
    return real(first_main, argc, argv, init, fini, linker_fini, stack_end);
}
