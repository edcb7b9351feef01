/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/process.h: what the kernel tells of this process, and children that check something. */

#ifndef WEIR_TESTS_PROCESS_H
#define WEIR_TESTS_PROCESS_H

#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Puts what the descriptor is open for into `name`, which is "" if that is nothing. */
static inline void process_name_of(int fd, char *name, size_t size)
{
    char link[32];
    ssize_t length;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, name, size - 1);
    name[length > 0 ? length : 0] = '\0';
}

/* Returns: the other descriptor of the file that `fd` is open for, as soon as there is one. */
static inline int process_other_descriptor(int fd)
{
    char one[256], other[256];

    process_name_of(fd, one, sizeof one);
    CHECK(one[0] != '\0');
    for (int i = 0;; i = i < 1023 ? i + 1 : 0) {
        process_name_of(i, other, sizeof other);
        if (i != fd && strcmp(one, other) == 0)
            return i;
    }
}

/* Returns: bytes of address space that are in use; 0: not known. */
static inline size_t process_address_space(void)
{
    FILE *const statm = fopen("/proc/self/statm", "r");
    size_t pages = 0;

    if (statm == NULL)
        return 0;
    if (fscanf(statm, "%zu", &pages) != 1)
        pages = 0;
    fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- children ---- */

/* Returns: in the child 0; nothing that was buffered is written twice. */
static inline pid_t process_split(void)
{
    pid_t child;

    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    return child;
}

static inline void process_end(void)
{
    _exit(0); /* a check that fails in the child exits with 1 */
}

static inline void process_await(pid_t child)
{
    int status = -1;

    while (waitpid(child, &status, 0) < 0)
        CHECK(errno == EINTR);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
}

#endif /* WEIR_TESTS_PROCESS_H */
