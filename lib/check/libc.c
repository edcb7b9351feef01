/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/libc.c: the C library's functions that read and write the program's memory, as a
 * program under test finds them.
 *
 * The checker's own code must not come here, or it would report itself. So the work itself is in
 * functions with names of their own, weir__memcpy() and the like, and inside.h makes the assembler
 * put these names where the checker's code says memcpy, and also where the compiler says it by
 * itself. They are not the C library's: those would have to be looked up, and the first calls come
 * before that is possible. */

#define WEIR_CHECK_IS_LIBC
#include "hook.h"

#include <stdlib.h>
#include <string.h>

/* Without it the compiler knows the loop again, and calls the function that this is. */
#define HIDE(pointer) __asm__("" : "+r"(pointer))

/* Any eight bytes. */
typedef uint64_t loose __attribute__((may_alias, aligned(1)));

/* ---- the work ---- */

void *weir__memcpy(void *restrict to, const void *restrict from, size_t size);
void *weir__memmove(void *to, const void *from, size_t size);
void *weir__memset(void *to, int value, size_t size);
int weir__memcmp(const void *a, const void *b, size_t size);
void *weir__memchr(const void *in, int value, size_t size);
size_t weir__strnlen(const char *text, size_t most);
size_t weir__strlen(const char *text);
int weir__strncmp(const char *a, const char *b, size_t most);
int weir__strcmp(const char *a, const char *b);
char *weir__strchr(const char *text, int value);
char *weir__strrchr(const char *text, int value);
char *weir__strcpy(char *restrict to, const char *restrict from);

void *weir__memcpy(void *restrict to, const void *restrict from, size_t size)
{
    char *t = to;
    const char *f = from;

    if (size >= 8 && size <= 16) {
        const uint64_t last = *(const loose *)(f + size - 8);

        *(loose *)t = *(const loose *)f;
        *(loose *)(t + size - 8) = last;
    } else {
        __asm__ __volatile__("rep movsb" : "+D"(t), "+S"(f), "+c"(size) : : "memory");
    }
    return to;
}

void *weir__memmove(void *to, const void *from, size_t size)
{
    char *t = to;
    const char *f = from;

    if ((uintptr_t)t - (uintptr_t)f >= size)
        return weir__memcpy(to, from, size);
    for (; size >= 8; size -= 8) {
        *(loose *)(t + size - 8) = *(const loose *)(f + size - 8);
        HIDE(t);
    }
    while (size-- > 0) {
        t[size] = f[size];
        HIDE(t);
    }
    return to;
}

void *weir__memset(void *to, int value, size_t size)
{
    char *t = to;

    __asm__ __volatile__("rep stosb" : "+D"(t), "+c"(size) : "a"(value) : "memory");
    return to;
}

int weir__memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *x = a, *y = b;

    for (; size >= 8 && *(const loose *)x == *(const loose *)y; size -= 8) {
        x += 8;
        y += 8;
        HIDE(x);
    }
    for (; size > 0; size--, x++, y++) {
        if (*x != *y)
            return *x - *y;
        HIDE(x);
    }
    return 0;
}

void *weir__memchr(const void *in, int value, size_t size)
{
    const unsigned char *at = in;

    for (; size > 0; size--, at++) {
        if (*at == (unsigned char)value)
            return (void *)(uintptr_t)at;
        HIDE(at);
    }
    return NULL;
}

size_t weir__strnlen(const char *text, size_t most)
{
    const char *at = text;

    while (most-- > 0 && *at != '\0') {
        at++;
        HIDE(at);
    }
    return (size_t)(at - text);
}

size_t weir__strlen(const char *text)
{
    return weir__strnlen(text, SIZE_MAX);
}

/* Returns: how many characters of each a comparison looks at. */
static size_t compared(const char *a, const char *b, size_t most)
{
    size_t length = 0;

    while (length < most) {
        const char c = a[length], d = b[length];

        length++;
        if (c != d || c == '\0')
            break;
        HIDE(a);
    }
    return length;
}

int weir__strncmp(const char *a, const char *b, size_t most)
{
    const size_t length = compared(a, b, most);

    return length == 0 ? 0 : (unsigned char)a[length - 1] - (unsigned char)b[length - 1];
}

int weir__strcmp(const char *a, const char *b)
{
    return weir__strncmp(a, b, SIZE_MAX);
}

char *weir__strchr(const char *text, int value)
{
    return weir__memchr(text, value, weir__strlen(text) + 1);
}

char *weir__strrchr(const char *text, int value)
{
    for (size_t length = weir__strlen(text) + 1; length > 0; length--) {
        if (text[length - 1] == (char)value)
            return (char *)(uintptr_t)text + length - 1;
    }
    return NULL;
}

char *weir__strcpy(char *restrict to, const char *restrict from)
{
    return weir__memcpy(to, from, weir__strlen(from) + 1);
}

/* ---- what the program sees ---- */

WEIR_ALWAYS_INLINE void reads(const void *from, size_t size, const void *pc)
{
    if (in_a_run() && size != 0)
        weir__memory_plain(from, size, false, pc);
}

WEIR_ALWAYS_INLINE void writes(void *to, size_t size, const void *pc)
{
    if (in_a_run() && size != 0)
        weir__memory_plain(to, size, true, pc);
}

static void *copy(void *to, const void *from, size_t size, const void *pc)
{
    reads(from, size, pc);
    writes(to, size, pc);
    return weir__memmove(to, from, size);
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    return copy(to, from, size, CALLER);
}

void *memmove(void *to, const void *from, size_t size)
{
    return copy(to, from, size, CALLER);
}

void *mempcpy(void *restrict to, const void *restrict from, size_t size)
{
    return (char *)copy(to, from, size, CALLER) + size;
}

void *memset(void *to, int value, size_t size)
{
    writes(to, size, CALLER);
    return weir__memset(to, value, size);
}

static int compare(const void *a, const void *b, size_t size, const void *pc)
{
    reads(a, size, pc);
    reads(b, size, pc);
    return weir__memcmp(a, b, size);
}

int memcmp(const void *a, const void *b, size_t size)
{
    return compare(a, b, size, CALLER);
}

int bcmp(const void *a, const void *b, size_t size)
{
    return compare(a, b, size, CALLER);
}

void *memchr(const void *in, int value, size_t size)
{
    char *const found = weir__memchr(in, value, size);

    reads(in, found == NULL ? size : (size_t)(found - (const char *)in) + 1, CALLER);
    return found;
}

size_t strlen(const char *text)
{
    const size_t length = weir__strlen(text);

    reads(text, length + 1, CALLER);
    return length;
}

size_t strnlen(const char *text, size_t most)
{
    const size_t length = weir__strnlen(text, most);

    reads(text, length < most ? length + 1 : most, CALLER);
    return length;
}

static int compare_text(const char *a, const char *b, size_t most, const void *pc)
{
    const size_t length = compared(a, b, most);

    reads(a, length, pc);
    reads(b, length, pc);
    return length == 0 ? 0 : (unsigned char)a[length - 1] - (unsigned char)b[length - 1];
}

int strcmp(const char *a, const char *b)
{
    return compare_text(a, b, SIZE_MAX, CALLER);
}

int strncmp(const char *a, const char *b, size_t most)
{
    return compare_text(a, b, most, CALLER);
}

char *strchr(const char *text, int value)
{
    char *const found = weir__strchr(text, value);

    reads(text, found == NULL ? weir__strlen(text) + 1 : (size_t)(found - text) + 1, CALLER);
    return found;
}

char *strrchr(const char *text, int value)
{
    reads(text, weir__strlen(text) + 1, CALLER);
    return weir__strrchr(text, value);
}

/* Returns: the end of the copy, its null character. */
static char *copy_text(char *to, const char *from, const void *pc)
{
    const size_t length = weir__strlen(from);

    return (char *)copy(to, from, length + 1, pc) + length;
}

static char *copy_padded(char *to, const char *from, size_t size, const void *pc)
{
    const size_t length = weir__strnlen(from, size);

    reads(from, length < size ? length + 1 : size, pc);
    writes(to, size, pc);
    weir__memcpy(to, from, length);
    weir__memset(to + length, 0, size - length);
    return to;
}

/* Returns: the end of the text. */
static char *end_of(char *text, const void *pc)
{
    const size_t length = weir__strlen(text);

    reads(text, length + 1, pc);
    return text + length;
}

char *strcpy(char *restrict to, const char *restrict from)
{
    copy_text(to, from, CALLER);
    return to;
}

char *stpcpy(char *restrict to, const char *restrict from)
{
    return copy_text(to, from, CALLER);
}

char *strncpy(char *restrict to, const char *restrict from, size_t size)
{
    return copy_padded(to, from, size, CALLER);
}

char *strcat(char *restrict to, const char *restrict from)
{
    copy_text(end_of(to, CALLER), from, CALLER);
    return to;
}

char *strncat(char *restrict to, const char *restrict from, size_t most)
{
    const size_t length = weir__strnlen(from, most);
    char *const end = end_of(to, CALLER);

    copy(end, from, length, CALLER);
    writes(end + length, 1, CALLER);
    end[length] = '\0';
    return to;
}

/* ---- what keeps its state in the program's memory: a loop that ends by it has to be seen ---- */

HOOK(int, rand_r, unsigned *seed)
{
    static STATE int (*real)(unsigned *) = NULL;

    if (real == NULL)
        *(void **)&real = weir__check_real("rand_r");
    reads(seed, sizeof *seed, CALLER);
    writes(seed, sizeof *seed, CALLER);
    return real(seed);
}

HOOK(char *, strtok_r, char *restrict text, const char *restrict ends, char **restrict save)
{
    static STATE char *(*real)(char *restrict, const char *restrict, char **restrict) = NULL;

    if (real == NULL)
        *(void **)&real = weir__check_real("strtok_r");
    if (text == NULL)
        reads(save, sizeof *save, CALLER);
    writes(save, sizeof *save, CALLER);
    return real(text, ends, save);
}

HOOK(char *, strsep, char **restrict text, const char *restrict ends)
{
    static STATE char *(*real)(char **restrict, const char *restrict) = NULL;

    if (real == NULL)
        *(void **)&real = weir__check_real("strsep");
    reads(text, sizeof *text, CALLER);
    writes(text, sizeof *text, CALLER);
    return real(text, ends);
}

/* ---- with _FORTIFY_SOURCE ---- */

_Noreturn void __chk_fail(void); /* the C library's */

static void fits(size_t size, size_t room, const void *pc, const char *function)
{
    if (WEIR_LIKELY(size <= room))
        return;
    if (in_a_run())
        weir__check_bug(WEIR_CHECK_OUT_OF_BOUNDS, pc, NULL, "%s of %zu bytes to an object of %zu",
                        function, size, room);
    __chk_fail();
}

HOOK(void *, __memcpy_chk, void *to, const void *from, size_t size, size_t room)
{
    fits(size, room, CALLER, "memcpy");
    return copy(to, from, size, CALLER);
}

HOOK(void *, __memmove_chk, void *to, const void *from, size_t size, size_t room)
{
    fits(size, room, CALLER, "memmove");
    return copy(to, from, size, CALLER);
}

HOOK(void *, __mempcpy_chk, void *to, const void *from, size_t size, size_t room)
{
    fits(size, room, CALLER, "mempcpy");
    return (char *)copy(to, from, size, CALLER) + size;
}

HOOK(void *, __memset_chk, void *to, int value, size_t size, size_t room)
{
    fits(size, room, CALLER, "memset");
    writes(to, size, CALLER);
    return weir__memset(to, value, size);
}

HOOK(char *, __strcpy_chk, char *to, const char *from, size_t room)
{
    fits(weir__strlen(from) + 1, room, CALLER, "strcpy");
    copy_text(to, from, CALLER);
    return to;
}

HOOK(char *, __stpcpy_chk, char *to, const char *from, size_t room)
{
    fits(weir__strlen(from) + 1, room, CALLER, "stpcpy");
    return copy_text(to, from, CALLER);
}

HOOK(char *, __strncpy_chk, char *to, const char *from, size_t size, size_t room)
{
    fits(size, room, CALLER, "strncpy");
    return copy_padded(to, from, size, CALLER);
}

HOOK(char *, __strcat_chk, char *to, const char *from, size_t room)
{
    fits(weir__strlen(to) + weir__strlen(from) + 1, room, CALLER, "strcat");
    copy_text(end_of(to, CALLER), from, CALLER);
    return to;
}
