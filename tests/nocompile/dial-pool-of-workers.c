/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Look-ups wait: they are nothing for a pool of workers that compute.
 * expect: incompatible */

#include <weir/dial.h>
#include <weir/pool.h>

int misuse(weir_dial *dial, weir_loop *loop, weir_pool *workers, weir_blocking *threads,
           void (*done)(weir_dial *dial, int status, int fd));

int misuse(weir_dial *dial, weir_loop *loop, weir_pool *workers, weir_blocking *threads,
           void (*done)(weir_dial *dial, int status, int fd))
{
#ifdef MISUSE
    (void)threads;
    return weir_dial_name(dial, loop, workers, "localhost", "http", NULL, WEIR_FOREVER, done);
#else
    (void)workers;
    return weir_dial_name(dial, loop, threads, "localhost", "http", NULL, WEIR_FOREVER, done);
#endif
}
