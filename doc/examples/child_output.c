/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* child_output [FILE [ARGUMENT...]]: runs a program, and prints each line of its output behind its
 * number. All is over when the program has ended, and its output too: either may come first.
 * Without FILE a shell says three lines. */

#include <weir/child.h>
#include <weir/stream.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static weir_loop *loop;
static weir_child child;
static weir_stream output;
static int how = -1; /* it has ended */
static unsigned lines;
static bool in_line;

static void print(weir_stream *from, void *data, size_t bytes)
{
    const char *next = (const char *)data;
    const char *const end = next + bytes;

    (void)from;
    while (next != end) {
        const char *const newline = (const char *)memchr(next, '\n', (size_t)(end - next));
        const char *const stop = newline != NULL ? newline + 1 : end;

        if (!in_line)
            printf("%u: ", ++lines);
        fwrite(next, 1, (size_t)(stop - next), stdout);
        in_line = newline == NULL;
        next = stop;
    }
}

static void end(weir_stream *from, int status)
{
    if (status != 0)
        fprintf(stderr, "child_output: its output: %s\n", strerror(-status));
    weir_stream_close(from);
}

static const weir_stream_calls calls = {.read = print, .end = end};

static void ended(weir_child *which, int status)
{
    (void)which;
    how = status;
}

/* The pipe's other end is the child's alone, as its output: or the end would never come. */
static bool start(const char *file, char *const *arguments)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;
    int fds[2], status;

    if (pipe(fds) != 0)
        return false;
    for (int i = 0; i < 2; i++) /* or by pipe2(2), in a program with threads */
        (void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    options.file = file;
    options.arguments = arguments;
    options.fds[1] = fds[1];
    status = weir_child_start(&child, loop, &options, ended);
    close(fds[1]);
    if (status == 0)
        status = weir_stream_open(&output, loop, fds[0], WEIR_STREAM_FILE, &calls);
    if (status == 0)
        status = weir_stream_read(&output);
    if (status != 0)
        fprintf(stderr, "child_output: %s: %s\n", file, strerror(-status));
    return status == 0;
}

int main(int argc, char **argv)
{
    static char *const shell[] = {"sh", "-c", "echo one; echo two; sleep 0.01; printf three", NULL};

    if (weir_loop_new(&loop, NULL) != 0 ||
        !start(argc > 1 ? argv[1] : "sh", argc > 1 ? argv + 1 : shell))
        return 1;
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    printf("%s%u lines\n", in_line ? "\n" : "", lines);
    if (weir_loop_free(loop) != 0 || !WIFEXITED(how))
        return 1;
    return argc > 1 || lines == 3 ? WEXITSTATUS(how) : 1;
}
