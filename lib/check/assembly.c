/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/assembly.c: inline assembly in the code under test.
 *
 * The checker sees what the compiler reports, and what inline assembly does to memory is not among
 * it. So the machine code of the program is looked through once, in its file, for instructions that
 * synchronize: anything with the lock prefix, xchg, cmpxchg and xadd on memory, fences, stores past
 * the caches, transactions, system calls. In instrumented code those are from inline assembly, or
 * from operations that the compiler does not report: with clang __atomic_fetch_min() and its kin. A
 * run that enters a function with one of them is given up, whether or not it would come to it.
 *
 * gcc adds no call of __tsan_func_entry to a function that neither calls nor touches memory but
 * by assembly. What those have is put down to the instrumented functions that call them. They have
 * to come from an instrumented file: a static function by the symbol table, another by
 * .debug_aranges (gcc -g). Code of uninstrumented files is its author's business.
 *
 * What is not seen: moves and string instructions in assembly, which compilers emit as well;
 * functions without a hook that are called by a pointer alone, or are not static in a program
 * without -g; functions that have no type and size in the symbol table, as in most assembly
 * files; calls of hooks by a pointer (-mcmodel=large); shared objects; and a program that has no
 * symbol table at all. */

#include "instruction.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static STATE bool nothing = false; /* of the program calls a hook */

/* ---- the program's file ---- */

typedef struct program {
    const unsigned char *file;
    size_t size;
    const Elf64_Shdr *section;
    unsigned sections;
    const Elf64_Sym *symbol;
    size_t symbols;
    const char *string;
    size_t strings;
    const unsigned char *ranges; /* .debug_aranges */
    size_t ranges_size;
} program;

static bool within(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}

static bool read_program(program *p)
{
    const Elf64_Ehdr *const header = (const Elf64_Ehdr *)(const void *)p->file;
    const Elf64_Shdr *names;

    if (p->size < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64 ||
        header->e_shentsize != sizeof *p->section || header->e_shoff % 8 != 0 ||
        !within(header->e_shoff, (uint64_t)header->e_shnum * sizeof *p->section, p->size) ||
        header->e_shstrndx >= header->e_shnum)
        return false;
    p->section = (const Elf64_Shdr *)(const void *)(p->file + header->e_shoff);
    p->sections = header->e_shnum;
    names = &p->section[header->e_shstrndx];
    for (unsigned i = 0; i < p->sections; i++) {
        const Elf64_Shdr *const s = &p->section[i], *text;
        static const char ranges[] = ".debug_aranges";

        if (s->sh_type == SHT_NOBITS || !within(s->sh_offset, s->sh_size, p->size))
            continue;
        if (s->sh_type == SHT_SYMTAB && s->sh_link < p->sections && s->sh_offset % 8 == 0) {
            text = &p->section[s->sh_link];
            if (!within(text->sh_offset, text->sh_size, p->size) || text->sh_size == 0 ||
                p->file[text->sh_offset + text->sh_size - 1] != '\0')
                continue;
            p->symbol = (const Elf64_Sym *)(const void *)(p->file + s->sh_offset);
            p->symbols = s->sh_size / sizeof *p->symbol;
            p->string = (const char *)p->file + text->sh_offset;
            p->strings = text->sh_size;
        } else if ((s->sh_flags & SHF_COMPRESSED) == 0 && s->sh_name < names->sh_size &&
                   within(names->sh_offset + s->sh_name, sizeof ranges, p->size) &&
                   memcmp(p->file + names->sh_offset + s->sh_name, ranges, sizeof ranges) == 0) {
            p->ranges = p->file + s->sh_offset;
            p->ranges_size = s->sh_size;
        }
    }
    return p->symbol != NULL;
}

/* The code of a function, in the file; NULL: there is none. */
static const unsigned char *code_of(const program *p, const Elf64_Sym *s)
{
    const Elf64_Shdr *section;

    if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || s->st_size == 0 || s->st_name >= p->strings ||
        s->st_shndx == SHN_UNDEF || s->st_shndx >= p->sections)
        return NULL;
    section = &p->section[s->st_shndx];
    if (section->sh_type != SHT_PROGBITS || (section->sh_flags & SHF_EXECINSTR) == 0 ||
        s->st_value < section->sh_addr ||
        !within(s->st_value - section->sh_addr, s->st_size, section->sh_size) ||
        !within(section->sh_offset, section->sh_size, p->size) ||
        p->size - section->sh_offset - section->sh_size < 32) /* what the decoder may read */
        return NULL;
    return p->file + section->sh_offset + (s->st_value - section->sh_addr);
}

/* ---- functions ---- */

typedef struct function {
    uint64_t low, high; /* its addresses, before the program was put where it is */
    const unsigned char *code;
    unsigned file;     /* that it comes from, from 1 on; 0: not known */
    bool is_hook;      /* of the checker: none of what follows */
    bool instrumented; /* calls a hook, or comes from a file with functions that do */
    bool enters;       /* calls __tsan_func_entry */
    const char *unseen;
    uint64_t at; /* where that is: right behind the instruction's first byte */
} function;

typedef struct functions {
    function *of;
    size_t count;
    unsigned files;
    uint64_t hooks_low, hooks_high;
    uint8_t *hooks; /* of each address between: what begins there */
} functions;

enum { NO_HOOK, SOME_HOOK, ENTRY_HOOK, LOAD_HOOK };

static int compare_functions(const void *a, const void *b)
{
    const function *const left = (const function *)a, *const right = (const function *)b;

    return (left->low > right->low) - (left->low < right->low);
}

/* The first function that begins behind the address. */
static size_t first_behind(const functions *all, uint64_t address)
{
    size_t low = 0, high = all->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (all->of[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static function *function_at(const functions *all, uint64_t address)
{
    const size_t behind = first_behind(all, address);

    return behind == 0 || address >= all->of[behind - 1].high ? NULL : &all->of[behind - 1];
}

/* Local symbols follow the name of their file. The linker puts its own, and what was made local,
 * behind an empty name. */
static void collect(const program *p, functions *all)
{
    unsigned file = 0;
    size_t kept = 0;

    for (size_t i = 0; i < p->symbols; i++) {
        const Elf64_Sym *const s = &p->symbol[i];
        const unsigned char *const code = code_of(p, s);
        function *const f = &all->of[all->count];

        if (ELF64_ST_TYPE(s->st_info) == STT_FILE)
            file = s->st_name < p->strings && p->string[s->st_name] != '\0' ? ++all->files : 0;
        if (code == NULL)
            continue;
        memset(f, 0, sizeof *f);
        f->low = s->st_value;
        f->high = s->st_value + s->st_size;
        f->code = code;
        f->file = ELF64_ST_BIND(s->st_info) == STB_LOCAL ? file : 0;
        f->is_hook = strncmp(p->string + s->st_name, "__tsan_", 7) == 0;
        if (f->is_hook && f->low < all->hooks_low)
            all->hooks_low = f->low;
        if (f->is_hook && f->low >= all->hooks_high)
            all->hooks_high = f->low + 1;
        all->count++;
    }
    if (all->hooks_low >= all->hooks_high) {
        all->count = 0;
        return;
    }
    all->hooks = (uint8_t *)weir__check_heap(NULL, all->hooks_high - all->hooks_low);
    memset(all->hooks, NO_HOOK, all->hooks_high - all->hooks_low);
    for (size_t i = 0; i < p->symbols; i++) {
        const Elf64_Sym *const s = &p->symbol[i];
        const char *const name = s->st_name < p->strings ? p->string + s->st_name : "";

        if (strncmp(name, "__tsan_", 7) == 0 && code_of(p, s) != NULL)
            all->hooks[s->st_value - all->hooks_low] =
                strcmp(name, "__tsan_func_entry") == 0       ? ENTRY_HOOK
                : strcmp(name, "__tsan_atomic128_load") == 0 ? LOAD_HOOK
                                                             : SOME_HOOK;
    }
    /* Several names of one function: it is a hook if one of them is. */
    qsort(all->of, all->count, sizeof *all->of, compare_functions);
    for (size_t i = 0; i < all->count; i++) {
        if (kept > 0 && all->of[kept - 1].low == all->of[i].low)
            all->of[kept - 1].is_hook |= all->of[i].is_hook;
        else
            all->of[kept++] = all->of[i];
    }
    all->count = kept;
}

static uint8_t hook_at(const functions *all, uint64_t address)
{
    return address - all->hooks_low < all->hooks_high - all->hooks_low
               ? all->hooks[address - all->hooks_low]
               : NO_HOOK;
}

/* What compilers emit by themselves: `lfence` in a loop after `pause`, which stops speculation
 * behind an indirect jump; and clang leaves a load of 16 bytes, which with -mcx16 is a cmpxchg16b,
 * behind the call that reports it. */
static bool is_of_compiler(const char *name, bool paused, bool loaded)
{
    return (paused && strcmp(name, "lfence") == 0) ||
           (loaded && strcmp(name, "lock cmpxchg16b") == 0);
}

/* Looks through a function. In one that is not understood to its end nothing is found. */
static void look(const functions *all, function *f)
{
    uint64_t address = f->low;
    const unsigned char *at = f->code;
    bool paused = false, loaded = false;
    instruction i;

    while (address < f->high) {
        const char *name;

        if (!weir__instruction_decode(at, &i) || i.length > f->high - address) {
            f->unseen = NULL;
            return;
        }
        name = weir__instruction_unseen(&i);
        if (name != NULL && f->unseen == NULL && !is_of_compiler(name, paused, loaded)) {
            f->unseen = name;
            f->at = address + 1;
        }
        paused = i.map == BASE && i.opcode == 0x90 && i.repeat == 0xf3;
        loaded &= name == NULL;
        at += i.length;
        address += i.length;
        if (i.jumps) {
            const uint8_t hook = hook_at(all, address + (uint64_t)(int64_t)i.distance);

            f->instrumented |= hook != NO_HOOK;
            nothing &= hook == NO_HOOK;
            f->enters |= hook == ENTRY_HOOK;
            loaded = hook == LOAD_HOOK;
        }
    }
}

/* ---- what is called without a hook ---- */

static uint64_t number_at(const unsigned char *at, unsigned size)
{
    uint64_t number = 0;

    memcpy(&number, at, size);
    return number;
}

/* Whether the compiled file with this address, by the ranges of addresses in the debugger's
 * information, has functions that call hooks. */
static bool is_in_instrumented_unit(const program *p, const functions *all, uint64_t address)
{
    size_t at = 0;

    while (within(at, 16, p->ranges_size)) {
        const uint64_t length = number_at(p->ranges + at, 4);
        const size_t first = at + 16, end = at + 4 + length;
        bool here = false, hooks = false;

        /* Version 2, addresses of 8 bytes, no segments. */
        if (!within(at + 4, length, p->ranges_size) || number_at(p->ranges + at + 4, 2) != 2 ||
            p->ranges[at + 10] != 8 || p->ranges[at + 11] != 0)
            return false;
        for (size_t i = first; i + 16 <= end; i += 16) {
            const uint64_t low = number_at(p->ranges + i, 8),
                           size = number_at(p->ranges + i + 8, 8);

            here |= low != 0 && address - low < size; /* 0: the linker left it out */
        }
        for (size_t i = first; here && i + 16 <= end; i += 16) {
            const uint64_t low = number_at(p->ranges + i, 8),
                           size = number_at(p->ranges + i + 8, 8);

            for (size_t f = first_behind(all, low - 1);
                 f < all->count && all->of[f].low - low < size; f++)
                hooks |= all->of[f].instrumented;
        }
        if (here)
            return hooks;
        at = end;
    }
    return false;
}

/* Functions of instrumented files that call nobody have no hook. Returns: whether one of those, or
 * another that no run is seen to enter, has something in it. */
static bool find_hidden(const program *p, functions *all)
{
    bool *const files = (bool *)weir__check_heap(NULL, all->files + 1);
    bool found = false;

    memset(files, 0, all->files + 1);
    for (size_t i = 0; i < all->count; i++)
        files[all->of[i].file] |= all->of[i].instrumented;
    files[0] = false;
    for (size_t i = 0; i < all->count; i++) {
        function *const f = &all->of[i];

        if (f->is_hook)
            continue;
        f->instrumented |= files[f->file];
        if (f->unseen != NULL && !f->instrumented)
            f->instrumented = is_in_instrumented_unit(p, all, f->low);
        found |= f->unseen != NULL && f->instrumented && !f->enters;
    }
    weir__check_heap_free(files);
    return found;
}

/* Puts down to a function what those have which it calls or jumps to, unless a run is seen to enter
 * them. Returns: whether there is such a one. */
static bool inherit(const functions *all, function *f)
{
    uint64_t address = f->low;
    const unsigned char *at = f->code;
    instruction i;

    while (address < f->high && weir__instruction_decode(at, &i)) {
        at += i.length;
        address += i.length;
        if (i.jumps) {
            const uint64_t target = address + (uint64_t)(int64_t)i.distance;
            const function *const callee =
                target - f->low < f->high - f->low ? NULL : function_at(all, target);

            if (callee != NULL && callee->unseen != NULL && callee->instrumented &&
                !callee->enters) {
                f->unseen = callee->unseen;
                f->at = callee->at;
                return true;
            }
        }
    }
    return false;
}

static void inherit_all(functions *all)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (size_t i = 0; i < all->count; i++) {
            function *const f = &all->of[i];

            if (f->instrumented && f->unseen == NULL)
                changed |= inherit(all, f) && !f->enters;
        }
    }
}

/* ---- what was found ---- */

typedef struct finding {
    const char *low, *high; /* of the function that a run enters */
    const char *at;
    const char *unseen;
} finding;

STATE static finding *findings = NULL;
STATE static size_t found = 0;
STATE static bool looked = false;

static int first_base(struct dl_phdr_info *info, size_t size, void *with)
{
    (void)size;
    *(char **)with = (char *)(uintptr_t)info->dlpi_addr;
    return 1;
}

static void keep(const functions *all)
{
    const char *base = NULL;

    for (size_t i = 0; i < all->count; i++)
        found += all->of[i].unseen != NULL && all->of[i].enters;
    if (found == 0)
        return;
    dl_iterate_phdr(first_base, (void *)&base);
    findings = (finding *)weir__check_memory(found * sizeof *findings);
    found = 0;
    for (size_t i = 0; i < all->count; i++) {
        const function *const f = &all->of[i];

        if (f->unseen != NULL && f->enters)
            findings[found++] = (finding){base + f->low, base + f->high, base + f->at, f->unseen};
    }
}

static void look_through(const program *p)
{
    functions all = {.hooks_low = UINT64_MAX};

    nothing = true;
    all.of = (function *)weir__check_heap(NULL, (p->symbols + 1) * sizeof *all.of);
    collect(p, &all);
    for (size_t i = 0; i < all.count; i++)
        if (!all.of[i].is_hook)
            look(&all, &all.of[i]);
    if (find_hidden(p, &all))
        inherit_all(&all);
    keep(&all);
    weir__check_heap_free(all.hooks);
    weir__check_heap_free(all.of);
}

bool weir__assembly_find(void)
{
    program p = {.file = NULL};
    struct stat status;
    void *file;
    int fd;

    if (looked)
        return !nothing;
    looked = true;
    /* The file rather than memory, where a debugger puts its breakpoints. */
    fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    if (fstat(fd, &status) == 0 && status.st_size > 0) {
        p.size = (size_t)status.st_size;
        file = mmap(NULL, p.size, PROT_READ, MAP_PRIVATE, fd, 0);
        p.file = (const unsigned char *)file;
        if (file != MAP_FAILED && read_program(&p))
            look_through(&p);
        if (file != MAP_FAILED)
            munmap(file, p.size);
    }
    close(fd);
    return !nothing;
}

void weir__assembly_enter(const void *pc)
{
    const char *const at = (const char *)pc - 1; /* within the call */
    size_t low = 0, high = found;

    if (WEIR_LIKELY(high == 0))
        return;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const finding *const f = &findings[middle];

        if (at >= f->high)
            low = middle + 1;
        else if (at < f->low)
            high = middle;
        else
            weir__check_unable(f->at,
                               "%s() has %s at %s, which the checker does not see: inline "
                               "assembly, or an atomic operation that the compiler does not "
                               "report; give it a twin in C under __SANITIZE_THREAD__",
                               weir__check_function(f->at), f->unseen, weir__check_place(f->at));
    }
}
