/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Each path_X of tests/paths.h, in a file of its own, so that no caller's code is mixed in. The
 * trailing declaration takes the line's semicolon. */

#define PATH(type, name, parameters, call)                 \
    __attribute__((noinline)) type path_##name parameters; \
    type path_##name parameters                            \
    {                                                      \
        return call;                                       \
    }                                                      \
    type path_##name parameters
#define PATH_VOID(name, parameters, call)                  \
    __attribute__((noinline)) void path_##name parameters; \
    void path_##name parameters                            \
    {                                                      \
        call;                                              \
    }                                                      \
    void path_##name parameters

#include "paths.h"
