/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* An element larger than a word does not fit a cell.
 * expect: larger than a word */

#include <weir/mpmc.h>

typedef struct message {
    char text[40];
} message;

#ifdef WEIR_HAVE_MPMC
#ifdef MISUSE
WEIR_MPMC_DEFINE(message_queue, message);
#else
WEIR_MPMC_SLOTS_DEFINE(message_queue, message);
#endif
#elif defined(MISUSE)
#error "larger than a word: no such queue on this machine"
#endif

typedef message *to_keep_the_type_used;
