/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/thread.h: how pools make their threads. Private. */

#ifndef WEIR_LIB_THREAD_H
#define WEIR_LIB_THREAD_H

#include <weir/base.h>

#include <pthread.h>

/* Bytes of a thread's name on Linux, its end included. */
enum { WEIR__THREAD_NAME = 16 };

/* `stack_bytes`: 0: the system's default. To be given to pthread_attr_destroy() at the end.
 * Returns: 0; -EINVAL: the system has no such stacks; -ENOMEM. */
int weir__thread_attributes(pthread_attr_t *attributes, size_t stack_bytes);

/* Makes a thread in which all signals are blocked but those that a fault raises in its own thread:
 * blocked, they would end the process without a word of its handlers.
 * Returns: 0; a negative errno, most often -EAGAIN. */
int weir__thread_make(const pthread_attr_t *attributes, void *(*body)(void *argument),
                      void *argument);

/* Names the calling thread NAME-NUMBER; a long name is cut, the number is not. */
void weir__thread_name(const char *name, unsigned number);

#endif /* WEIR_LIB_THREAD_H */
