/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

int weir__thread_attributes(pthread_attr_t *attributes, size_t stack_bytes)
{
    if (pthread_attr_init(attributes) != 0)
        return -ENOMEM;
    if (stack_bytes != 0 && pthread_attr_setstacksize(attributes, stack_bytes) != 0) {
        pthread_attr_destroy(attributes);
        return -EINVAL;
    }
    return 0;
}

int weir__thread_make(const pthread_attr_t *attributes, void *(*body)(void *argument),
                      void *argument)
{
    static const int raised[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t blocked, before;
    pthread_t thread; /* which the thread stores itself, where it is wanted */
    int error;

    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof raised / sizeof raised[0]; i++)
        sigdelset(&blocked, raised[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    error = pthread_create(&thread, attributes, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}

void weir__thread_name(const char *name, unsigned number)
{
#ifdef __linux__
    char whole[WEIR__THREAD_NAME], digits[12];
    const size_t length = (size_t)snprintf(digits, sizeof digits, "-%u", number);
    size_t kept = strlen(name);

    if (kept > WEIR__THREAD_NAME - 1 - length)
        kept = WEIR__THREAD_NAME - 1 - length;
    memcpy(whole, name, kept);
    memcpy(whole + kept, digits, length + 1);
    (void)prctl(PR_SET_NAME, whole);
#else
    (void)name;
    (void)number;
#endif
}
