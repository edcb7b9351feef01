/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/chan_rust.c: Rust's channels: crossbeam-channel, and the standard library's, which
 * since Rust 1.67 are the same algorithms with less spinning. peers/chan_rust/lib.rs is their C
 * face. */

#include "../chan.h"

#include <stdio.h>

/* Of the crate and of the compiler. */
const char *chan_rust_versions(void);

static char cross_note[160], std_note[160];

BENCH_REGISTER(note_versions)
{
    snprintf(cross_note, sizeof cross_note, "%s; select! with an arm for each channel",
             chan_rust_versions());
    snprintf(std_note, sizeof std_note,
             "%s; sync_channel, and channel where there is no bound; a mutex before Rust 1.67",
             strstr(chan_rust_versions(), "rustc"));
}

/* ---- crossbeam-channel ---- */

typedef struct chan_cross chan_cross;

chan_cross *chan_cross_open(size_t capacity);
bool chan_cross_send(chan_cross *chan, uintptr_t value);
bool chan_cross_recv(chan_cross *chan, uintptr_t *value);
void chan_cross_close(chan_cross *chan);
uintptr_t chan_cross_select_2(chan_cross *const chans[]);
uintptr_t chan_cross_select_8(chan_cross *const chans[]);

typedef struct chan_cross_watch {
    chan_cross *chans[CHAN_MOST];
    unsigned n;
} chan_cross_watch;

static bool chan_cross_watch_open(chan_cross_watch *watch, chan_cross *chans[], unsigned n)
{
    watch->n = n;
    for (unsigned i = 0; i < n; i++)
        watch->chans[i] = chans[i] = chan_cross_open(100);
    return true;
}

static inline bool chan_cross_watch_next(chan_cross_watch *watch, uintptr_t *value)
{
    *value = watch->n == 2 ? chan_cross_select_2(watch->chans) : chan_cross_select_8(watch->chans);
    return true;
}

#define CHAN chan_cross
#define CHAN_LABEL "crossbeam-channel"
#define CHAN_CLASS BENCH_SPINS, BENCH_FIFO, true
#define CHAN_NOTE cross_note
#define CHAN_RENDEZVOUS
#define CHAN_ONE
#define CHAN_MANY
#define CHAN_UNBOUNDED
#define CHAN_SPSC
#define CHAN_MPSC
#define CHAN_SELECT
#include "../chan.h"

/* ---- std::sync::mpsc ---- */

typedef struct chan_std chan_std;

chan_std *chan_std_open(size_t capacity);
bool chan_std_send(chan_std *chan, uintptr_t value);
bool chan_std_recv(chan_std *chan, uintptr_t *value);
void chan_std_close(chan_std *chan);

#define CHAN chan_std
#define CHAN_LABEL "Rust std mpsc"
#define CHAN_CLASS BENCH_LOCK, BENCH_FIFO, true
#define CHAN_NOTE std_note
#define CHAN_RENDEZVOUS
#define CHAN_ONE
#define CHAN_UNBOUNDED
#define CHAN_SPSC
#define CHAN_MPSC
#include "../chan.h"
