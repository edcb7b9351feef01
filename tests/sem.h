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
#include <signal.h>

enum { MS = 1000000 }; /* ns */

#if defined(WEIR_TSAN)
#define NO_HANDLERS "the sanitizer keeps signals back"
#elif defined(WEIR_PARK_PTHREAD)
#define NO_HANDLERS "pthread's locks are not for signal handlers"
#else
#define NO_HANDLERS NULL
#endif

static inline void handle(void (*handler)(int))
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = handler; /* without SA_RESTART */
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
}

#endif /* WEIR_TESTS_SEM_H */
