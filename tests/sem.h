/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/sem.h: what the tests of weir/sem.h share. */

#ifndef WEIR_TESTS_SEM_H
#define WEIR_TESTS_SEM_H

#include "test.h"

#include <weir/atomic.h>
#include <weir/cancel.h>
#include <weir/clock.h>
#include <weir/sem.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>

enum { MS = 1000000 }; /* ns */

#endif /* WEIR_TESTS_SEM_H */
