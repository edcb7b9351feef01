/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* An element larger than a word does not fit a cell; a pointer to it does.
 * expect: at most a word */

#include <weir/umpmc.h>

typedef struct message {
    char text[40];
} message;

#ifdef MISUSE
WEIR_UMPMC_DEFINE(message_queue, message);
#else
WEIR_UMPMC_DEFINE(message_queue, message *);
#endif
