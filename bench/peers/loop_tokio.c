/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/loop_tokio.c: tokio; peers/loop_tokio/lib.rs is its C face. */

#include "../loop.h"

#include <stdio.h>

const loop_face *loop_tokio_face(void);
const char *loop_tokio_version(void); /* of the crate */

BENCH_LOOP_CASES(loop_tokio_face)

BENCH_REGISTER(add_tokio)
{
    static char note[160];
    static const bench_peer peer = {"tokio", BENCH_BLOCKING, BENCH_FIFO, false, 0, note};

    snprintf(
        note, sizeof note,
        "%s, one thread; unbounded channel to a task; Sleeps whose wakers count, without tasks",
        loop_tokio_version());
    bench_loop_add(&peer, loop_tokio_face_cases, LOOP_ALL);
}
