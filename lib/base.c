/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/base.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned weir_version(void)
{
    return WEIR_VERSION;
}

/* write(2) and not stdio: the caller may hold stdio's lock, or be a signal handler. */
static void say(const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        const ssize_t wrote = write(STDERR_FILENO, text, left);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return;
        text += wrote;
        left -= (size_t)wrote;
    }
}

void weir_panic(const char *function, const char *sentence)
{
    say("weir: ");
    say(function);
    say(": ");
    say(sentence);
    say("\n");
    abort();
}

static void *libc_alloc(size_t bytes, size_t alignment, void *context)
{
    void *pointer;

    (void)context;
    if (alignment < sizeof(void *))
        alignment = sizeof(void *);
    return posix_memalign(&pointer, alignment, bytes) == 0 ? pointer : NULL;
}

static void libc_release(void *pointer, size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    free(pointer);
}

static const weir_allocator libc_allocator = {libc_alloc, libc_release, NULL};

/* Plain: written only while no other thread uses weir (the contract of
 * weir_set_allocator()), so the creation of those threads orders it. */
static weir_allocator allocator = {libc_alloc, libc_release, NULL};

void weir_set_allocator(const weir_allocator *replacement)
{
    if (replacement == NULL)
        replacement = &libc_allocator;
    WEIR_REQUIRE(replacement->alloc != NULL && replacement->release != NULL,
                 "an allocator needs both of its functions");
    allocator = *replacement;
}

void *weir_alloc(size_t bytes, size_t alignment)
{
    return allocator.alloc(bytes, alignment, allocator.context);
}

void weir_release(void *pointer, size_t bytes)
{
    if (pointer != NULL)
        allocator.release(pointer, bytes, allocator.context);
}
