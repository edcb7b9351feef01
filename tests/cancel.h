/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/cancel.h: what the tests of weir/cancel.h share: a callback that keeps what it was
 * told. */

#ifndef WEIR_TESTS_CANCEL_H
#define WEIR_TESTS_CANCEL_H

#define WEIR_CHECKED 1

#include <weir/cancel.h>

#include "test.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>

enum { MS = 1000000 };

static inline weir_cancel *token_of(weir_cancel_source *source)
{
    return weir_cancel_source_token(source);
}

typedef struct note {
    weir_cancel_callback callback;
    unsigned calls;
    int reason;
    unsigned turn; /* which of all it was */
} note;

static unsigned turns;

static inline void keep(void *context, int reason)
{
    note *const n = (note *)context;

    n->calls++;
    n->reason = reason;
    n->turn = ++turns;
}

static inline bool watch(weir_cancel *token, note *n)
{
    memset(n, 0, sizeof *n);
    return weir_cancel_register(token, &n->callback, keep, n);
}

#endif /* WEIR_TESTS_CANCEL_H */
