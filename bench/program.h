/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/program.h: peers that are files of their own, made by another compiler: they stand in the
 * directory peers beside weir-bench. One that is not there has no rows. */

#ifndef WEIR_BENCH_PROGRAM_H
#define WEIR_BENCH_PROGRAM_H

#include "bench.h"

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { BENCH_PATH = 4352 };

/* Where peers/`name` is. Returns: whether it is there, and may be used. */
bool bench_find_peer(char path[BENCH_PATH], const char *name);

/* Runs the program peers/`name`, with as many of Go's processors; it ends with its parent. *input:
 * what it reads, or NULL: nothing; *output: what it writes. Returns: its id; -1. */
pid_t bench_run_peer(const char *name, char *const arguments[], unsigned processors, int *input,
                     int *output);

/* Reads what a program writes until it ends. Returns: whether it wrote something. */
bool bench_hear_peer(pid_t program, int output, char *text, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_BENCH_PROGRAM_H */
