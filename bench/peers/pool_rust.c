/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/pool_rust.c: rayon; peers/pool_rust/lib.rs is its C face. */

#include "../pool.h"

#include <stdio.h>

const pool_face *pool_rust_face(void);
const char *chan_rust_versions(void);

BENCH_POOL_CASES(pool_rust_face)

BENCH_REGISTER(add_rayon)
{
    static char note[160];
    static const bench_peer peer = {"rayon", BENCH_LOCK_FREE, BENCH_UNORDERED, false, 0, note};

    snprintf(note, sizeof note, "%s; ThreadPool::spawn, join, par_iter_mut with enumerate",
             strstr(chan_rust_versions(), "rustc"));
    bench_pool_add(&peer, pool_rust_face_cases, POOL_ALL & ~(1u << POOL_GRAPH));
}
