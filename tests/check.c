/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The model checker itself: every finding, with its sentence, its report and its path, and none on
 * the twin that is right; modes, bounds, workers; what it takes from the system. An argument is a
 * part of a name: those cases alone. */

#include "check.h"

int main(int argc, char **argv)
{
    static const test_case *const all[] = {check_findings, check_promises, check_searches,
                                           check_systems,  check_waits,    check_assembly};
    static test_case cases[128];
    size_t count = 0;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (const test_case *c = all[i]; c->name != NULL; c++)
            if (argc < 2 || strstr(c->name, argv[1]) != NULL)
                cases[count++] = *c;
    return test_run("check", cases, count);
}
