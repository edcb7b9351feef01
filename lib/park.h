/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/park.h: sleeping on a word until somebody wakes those who do, or a deadline. Private. */

#ifndef WEIR_LIB_PARK_H
#define WEIR_LIB_PARK_H

#include <weir/atomic.h>
#include <weir/clock.h>

/* Sleeps while *word is `expected`. May return for no reason: look again.
 * Returns: false if the deadline has passed. */
bool weir__park(WEIR_ATOMIC(uint32_t) * word, uint32_t expected, uint64_t deadline);

/* Wakes up to n of those who sleep on the word; of a word that is no more, nobody, or others for no
 * reason. */
void weir__unpark(WEIR_ATOMIC(uint32_t) * word, int n);

/* Wakes all of them. */
void weir__unpark_all(WEIR_ATOMIC(uint32_t) * word);

#endif /* WEIR_LIB_PARK_H */
