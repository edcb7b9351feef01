/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/select.c: weir/select.h over the channels of weir/chan.h. */

#include "chan.h"

#include <weir/select.h>

typedef weir_chan our_arm;

static inline bool our_arm_send(our_arm *chan, uintptr_t value)
{
    return weir_chan_send(chan, &value, WEIR_FOREVER, NULL) == 0;
}

typedef struct our_arm_watch {
    weir_select_arm arms[CHAN_MOST];
    uintptr_t value;
    unsigned n;
} our_arm_watch;

static bool our_arm_watch_open(our_arm_watch *watch, our_arm *chans[], unsigned n)
{
    watch->n = n;
    for (unsigned i = 0; i < n; i++) {
        if (weir_chan_new(&chans[i], sizeof watch->value, 100, NULL) != 0)
            return false;
        weir_select_recv(&watch->arms[i], chans[i], &watch->value);
    }
    return true;
}

/* Returns: false for a failure. */
static inline bool our_arm_watch_next(our_arm_watch *watch, uintptr_t *value)
{
    const int arm = weir_select(watch->arms, watch->n, WEIR_FOREVER, NULL);

    *value = watch->value;
    return arm >= 0 && watch->arms[arm].status == 0;
}

#define CHAN our_arm
#define CHAN_LABEL "weir select"
#define CHAN_CLASS BENCH_BLOCKING, BENCH_FIFO, true
#define CHAN_NOTE "an array of arms, made once"
#define CHAN_FLAGS BENCH_OURS
#define CHAN_SELECT
#include "chan.h"
