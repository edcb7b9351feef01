/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/world.c: the program's global variables, put back before each run.
 *
 * What is kept: all that is writable in the program's own file, as it is mapped, but for the
 * checker's variables (marked STATE) and what only the dynamic linker writes. That includes the few
 * variables of shared objects that a program has a copy of: stdout, environ, optind; pointers, and
 * no buffers. What is not: all else in shared objects, so a library that the test changes is
 * to be linked statically.
 *
 * How. A comparison page by page, which writes only to what has changed: as fast as to copy
 * everything, 4 us for 200 KiB, and forked processes go on sharing the rest with their parent. A
 * large array that starts as zeroes is for the most part never touched, and then the kernel has no
 * memory for it: those pages are not looked at. */

#include <unistd.h>

#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE ((size_t)4096)
#define HOLLOW ((size_t)1 << 20) /* from here on it pays to ask the kernel */
#define MOST 16

typedef struct stretch {
    char *low, *high; /* from the first byte to behind the last */
    char *kept;       /* what it held */
    bool hollow;      /* large, and without memory until it is touched */
} stretch;

static stretch stretches[MOST] STATE = {{NULL, NULL, NULL, false}};
static unsigned count STATE = 0;
static char *keep STATE = NULL; /* where all is kept */
static size_t keep_size STATE = 0;

/* The bounds that the linker gives to the section of STATE. */
extern char state_begin[] __asm__("__start_weir_check_state");
extern char state_end[] __asm__("__stop_weir_check_state");

/* ---- what there is ---- */

typedef struct bounds {
    char *low, *high;
} bounds;

typedef struct search {
    bounds cuts[3]; /* what is not to be kept: empty ones last */
    const char *trouble;
} search;

static char *page_below(const char *address)
{
    return (char *)((uintptr_t)address & ~(uintptr_t)(PAGE - 1));
}

static char *page_above(const char *address)
{
    return page_below(address + PAGE - 1);
}

static void add(search *s, char *low, char *high, bool hollow, unsigned cut)
{
    for (; cut < sizeof s->cuts / sizeof s->cuts[0]; cut++) {
        const bounds *const c = &s->cuts[cut];

        if (c->low >= high || c->high <= low || c->low == c->high)
            continue;
        if (c->low > low)
            add(s, low, c->low, hollow, cut + 1);
        if (c->high >= high)
            return;
        low = c->high;
    }
    if (low == high)
        return;
    if (count == MOST) {
        s->trouble = "the program has too many writable segments";
        return;
    }
    stretches[count++] = (stretch){low, high, NULL, hollow};
}

/* The table of functions that the dynamic linker fills when each is called for the first time: put
 * back, it would have to begin anew in each run. Empty unless the table is one piece. */
static bounds lazy_calls(char *base, const ElfW(Dyn) * dynamic)
{
    const char *table = NULL;
    size_t size = 0;
    uintptr_t low = UINTPTR_MAX, high = 0;

    for (const ElfW(Dyn) *d = dynamic; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_JMPREL) /* the C library may have added the base */
            table = d->d_un.d_ptr < (uintptr_t)base ? base + d->d_un.d_ptr
                                                    : (const char *)(uintptr_t)d->d_un.d_ptr;
        else if (d->d_tag == DT_PLTRELSZ)
            size = d->d_un.d_val;
    }
    if (table == NULL || size == 0)
        return (bounds){NULL, NULL};
    for (size_t i = 0; i < size; i += sizeof(ElfW(Rela))) {
        const uintptr_t offset = ((const ElfW(Rela) *)(const void *)(table + i))->r_offset;

        low = offset < low ? offset : low;
        high = offset > high ? offset : high;
    }
    high += sizeof(void *);
    if ((high - low) / sizeof(void *) != size / sizeof(ElfW(Rela)))
        return (bounds){NULL, NULL};
    return (bounds){base + low, base + high};
}

/* Of the first object, which is the program. */
static int find(struct dl_phdr_info *program, size_t size, void *to)
{
    search *const s = to;
    char *const base = (char *)(uintptr_t)program->dlpi_addr;

    (void)size;
    s->cuts[0] = (bounds){state_begin, state_end};
    for (unsigned i = 0; i < program->dlpi_phnum; i++) {
        const ElfW(Phdr) *const p = &program->dlpi_phdr[i];

        if (p->p_type == PT_GNU_RELRO) /* as the dynamic linker rounds it */
            s->cuts[1] =
                (bounds){page_below(base + p->p_vaddr), page_below(base + p->p_vaddr + p->p_memsz)};
        else if (p->p_type == PT_DYNAMIC)
            s->cuts[2] = lazy_calls(base, (const ElfW(Dyn) *)(void *)(base + p->p_vaddr));
    }
    for (unsigned i = 0; i < program->dlpi_phnum && s->trouble == NULL; i++) {
        const ElfW(Phdr) *const p = &program->dlpi_phdr[i];
        char *const low = base + p->p_vaddr, *const high = low + p->p_memsz;
        char *const zeroes = page_above(low + p->p_filesz);

        if (p->p_type != PT_LOAD || (p->p_flags & PF_W) == 0)
            continue;
        if (zeroes < high && (size_t)(high - zeroes) >= HOLLOW) {
            add(s, low, zeroes, false, 0);
            add(s, zeroes, high, true, 0);
        } else {
            add(s, low, high, false, 0);
        }
    }
    return 1;
}

/* ---- pages ---- */

/* Calls `visit` for each page of a hollow stretch that has memory, or all if that is not known.
 * The file is opened each time: after fork() it is another one. */
static void for_pages(const stretch *s, void (*visit)(char *now, char *kept, size_t size))
{
    static const uint64_t has_memory = (uint64_t)3 << 62; /* in memory, or swapped out */
    uint64_t entries[256];
    const size_t most = sizeof entries / sizeof entries[0];
    const int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    char *page = page_below(s->low);

    while (page < s->high) {
        const size_t left = (size_t)(page_above(s->high) - page) / PAGE;
        const size_t n = left < most ? left : most;
        const size_t size = n * sizeof entries[0];
        const off_t offset = (off_t)((uintptr_t)page / PAGE * sizeof entries[0]);

        if (file < 0 || pread(file, entries, size, offset) != (ssize_t)size)
            memset(entries, -1, sizeof entries);
        for (size_t i = 0; i < n; i++, page += PAGE) {
            char *const low = page < s->low ? s->low : page;
            char *const high = page + PAGE > s->high ? s->high : page + PAGE;

            if ((entries[i] & has_memory) != 0)
                visit(low, s->kept + (low - s->low), (size_t)(high - low));
        }
    }
    if (file >= 0)
        close(file);
}

static void save(char *now, char *kept, size_t size)
{
    memcpy(kept, now, size);
}

static void restore(char *now, char *kept, size_t size)
{
    if (memcmp(now, kept, size) != 0)
        memcpy(now, kept, size);
}

bool weir__world_save(void)
{
    search s;
    size_t at = 0;

    memset(&s, 0, sizeof s);
    count = 0;
    dl_iterate_phdr(find, &s);
    if (keep != NULL)
        munmap(keep, keep_size); /* what is hollow has to be zero */
    keep = NULL;
    if (s.trouble != NULL) {
        fprintf(stderr, "weir_check: %s\n", s.trouble);
        return false;
    }
    keep_size = 0;
    for (unsigned i = 0; i < count; i++)
        keep_size += (size_t)(page_above(stretches[i].high) - page_below(stretches[i].low));
    keep = mmap(NULL, keep_size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (keep == MAP_FAILED) {
        keep = NULL;
        fprintf(stderr, "weir_check: cannot keep the program's variables: %s\n", strerror(errno));
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        stretch *const t = &stretches[i];

        t->kept = keep + at + (t->low - page_below(t->low));
        at += (size_t)(page_above(t->high) - page_below(t->low));
        if (t->hollow)
            for_pages(t, save);
        else
            save(t->low, t->kept, (size_t)(t->high - t->low));
    }
    return true;
}

void weir__world_restore(void)
{
    for (unsigned i = 0; i < count; i++) {
        const stretch *const t = &stretches[i];

        if (t->hollow) {
            for_pages(t, restore);
            continue;
        }
        for (size_t at = 0, size = (size_t)(t->high - t->low); at < size; at += PAGE)
            restore(t->low + at, t->kept + at, size - at < PAGE ? size - at : PAGE);
    }
}

bool weir__world_has(const void *address)
{
    const char *const a = address;

    for (unsigned i = 0; i < count; i++) {
        if (a >= stretches[i].low && a < stretches[i].high)
            return true;
    }
    return false;
}
