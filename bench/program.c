/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* libtool may have put this program below .libs. */
bool bench_find_peer(char path[BENCH_PATH], const char *name)
{
    static const char *const places[] = {"peers", "../peers"};
    char self[4096];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    if (length <= 0)
        return false;
    self[length] = '\0';
    slash = strrchr(self, '/');
    if (slash == NULL)
        return false;
    slash[1] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const int written = snprintf(path, BENCH_PATH, "%s%s/%s", self, places[i], name);

        if (written > 0 && written < BENCH_PATH && access(path, X_OK) == 0)
            return true;
    }
    return false;
}

/* In the child: ends with its parent, and keeps none of its files: an end of a pipe left open would
 * hold up who waits for the parent. */
static void become(const char *path, char *const arguments[], unsigned processors, int input,
                   int output)
{
    char text[16];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (input < 0)
        input = open("/dev/null", O_RDONLY);
    if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0)
        _exit(127);
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    snprintf(text, sizeof text, "%u", processors);
    setenv("GOMAXPROCS", text, 1);
    execv(path, arguments);
    _exit(127);
}

pid_t bench_run_peer(const char *name, char *const arguments[], unsigned processors, int *input,
                     int *output)
{
    char path[BENCH_PATH];
    int to[2] = {-1, -1}, from[2];
    pid_t child;

    if (!bench_find_peer(path, name) || pipe(from) != 0)
        return -1;
    if (input != NULL && pipe(to) != 0) {
        close(from[0]);
        close(from[1]);
        return -1;
    }
    child = fork();
    if (child == 0)
        become(path, arguments, processors, to[0], from[1]);
    close(from[1]);
    *output = from[0];
    if (input != NULL) {
        close(to[0]);
        *input = to[1];
    }
    return child;
}

bool bench_hear_peer(pid_t program, int output, char *text, size_t bytes)
{
    size_t length = 0;
    ssize_t got;

    while (length < bytes - 1 && (got = read(output, text + length, bytes - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    close(output);
    while (program > 0 && waitpid(program, NULL, 0) < 0)
        ;
    return length > 0;
}
