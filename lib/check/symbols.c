/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/symbols.c: files, lines and names.
 *
 * Lines come from addr2line(1), many at once; without it a place is a function and an offset, by
 * the symbol table that is read here. Whoever asks may stand on a thread under test, for whom
 * fork() and its kin are refused: he is the conductor for as long. */

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

#define BATCH 64                 /* addresses for one addr2line */
#define OUTPUT ((size_t)1 << 17) /* bytes of its answer */
#define PLACE 96                 /* bytes of a place */
#define SOURCE 61

static int become_conductor(void)
{
    const int self = weir__check_self;

    weir__check_self = -1;
    return self;
}

static char *copy(const char *text, size_t length)
{
    char *const to = (char *)weir__check_memory(length + 1);

    memcpy(to, text, length);
    to[length] = '\0';
    return to;
}

static const char *base_name(const char *path)
{
    const char *const slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* ---- objects ---- */

typedef struct object {
    uintptr_t address; /* that is asked for */
    uintptr_t base;
    bool found, executable;
    char path[512];
} object;

static int visit(struct dl_phdr_info *info, size_t size, void *with)
{
    object *const o = (object *)with;

    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *const p = &info->dlpi_phdr[i];

        if (p->p_type != PT_LOAD || o->address - info->dlpi_addr - p->p_vaddr >= p->p_memsz)
            continue;
        o->found = true;
        o->base = info->dlpi_addr;
        o->executable = info->dlpi_name == NULL || info->dlpi_name[0] == '\0';
        /* Not /proc/self: it is given to another process too. */
        if (o->executable)
            snprintf(o->path, sizeof o->path, "/proc/%ld/exe", (long)getpid());
        else
            snprintf(o->path, sizeof o->path, "%s", info->dlpi_name);
        return 1;
    }
    return 0;
}

static bool object_at(const void *address, object *o)
{
    memset(o, 0, sizeof *o);
    o->address = (uintptr_t)address;
    dl_iterate_phdr(visit, o);
    return o->found;
}

/* ---- the symbol table ---- */

typedef struct table {
    char path[512];
    const Elf64_Sym *symbol;
    size_t symbols;
    const char *string;
    size_t strings;
} table;

/* The one that was read last. */
STATE static table known = {.path = ""};

static bool within(size_t offset, size_t length, size_t size)
{
    return offset <= size && length <= size - offset;
}

static void read_table(table *t, const unsigned char *file, size_t size)
{
    const Elf64_Ehdr *const header = (const Elf64_Ehdr *)(const void *)file;
    const Elf64_Shdr *section;

    if (size < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_shentsize != sizeof *section ||
        header->e_shoff % 8 != 0 ||
        !within(header->e_shoff, (size_t)header->e_shnum * sizeof *section, size))
        return;
    section = (const Elf64_Shdr *)(const void *)(file + header->e_shoff);
    for (unsigned i = 0; i < header->e_shnum; i++) {
        const Elf64_Shdr *const s = &section[i], *text;

        /* The full table rather than the one for the dynamic linker. */
        if ((s->sh_type != SHT_SYMTAB && (s->sh_type != SHT_DYNSYM || t->symbols > 0)) ||
            s->sh_link >= header->e_shnum || s->sh_offset % 8 != 0 ||
            !within(s->sh_offset, s->sh_size, size))
            continue;
        text = &section[s->sh_link];
        if (!within(text->sh_offset, text->sh_size, size) || text->sh_size == 0 ||
            file[text->sh_offset + text->sh_size - 1] != '\0')
            continue;
        t->symbol = (const Elf64_Sym *)(const void *)(file + s->sh_offset);
        t->symbols = s->sh_size / sizeof(Elf64_Sym);
        t->string = (const char *)(file + text->sh_offset);
        t->strings = text->sh_size;
    }
}

static const table *table_of(const object *o)
{
    const unsigned char *file;
    struct stat status;
    int fd;

    if (strcmp(known.path, o->path) == 0)
        return &known;
    memset(&known, 0, sizeof known);
    memcpy(known.path, o->path, sizeof known.path);
    fd = open(o->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return &known;
    if (fstat(fd, &status) == 0 && status.st_size > 0) {
        /* Stays: names in it are given away. */
        file = (const unsigned char *)mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd,
                                           0);
        if (file != MAP_FAILED)
            read_table(&known, file, (size_t)status.st_size);
    }
    close(fd);
    return &known;
}

/* The symbol of that type which the address lies in; of several the smallest. NULL: none. */
static const char *symbol_at(const object *o, unsigned type, size_t *offset)
{
    const table *const t = table_of(o);
    const Elf64_Sym *best = NULL;

    for (size_t i = 0; i < t->symbols; i++) {
        const Elf64_Sym *const s = &t->symbol[i];

        if (ELF64_ST_TYPE(s->st_info) != type || s->st_shndx == SHN_UNDEF ||
            s->st_name >= t->strings || o->address - o->base - s->st_value >= s->st_size)
            continue;
        if (best == NULL || s->st_size < best->st_size)
            best = s;
    }
    if (best == NULL)
        return NULL;
    *offset = o->address - o->base - best->st_value;
    return t->string + best->st_name;
}

/* How much of a name is the source's: gcc puts ".1234" behind local ones, and the like. */
static int own_length(const char *symbol)
{
    size_t length = strlen(symbol);

    for (;;) {
        size_t end = length;

        while (end > 1 && symbol[end - 1] >= '0' && symbol[end - 1] <= '9')
            end--;
        if (end == length || end < 2 || symbol[end - 1] != '.')
            return (int)length;
        length = end - 1;
    }
}

bool weir__symbol_of(const void *address, char *text, size_t size)
{
    const int self = become_conductor();
    const char *symbol = NULL;
    size_t offset = 0;
    object o;

    if (object_at(address, &o))
        symbol = symbol_at(&o, STT_OBJECT, &offset);
    if (symbol != NULL && offset == 0)
        snprintf(text, size, "%.*s", own_length(symbol), symbol);
    else if (symbol != NULL)
        snprintf(text, size, "%.*s+%zu", own_length(symbol), symbol, offset);
    weir__check_self = self;
    return symbol != NULL;
}

/* ---- lines ---- */

typedef struct line {
    struct line *next;
    const void *pc;
    const char *place, *function;
    const char *path;   /* of the file, or NULL */
    const char *source; /* NULL: not read yet */
    unsigned number;
    bool asked;
} line;

STATE static line *lines = NULL;
STATE static char *output = NULL;
STATE static bool no_addr2line = false;

static line *line_of(const void *pc)
{
    line *l = lines;

    while (l != NULL && l->pc != pc)
        l = l->next;
    return l;
}

/* What can be said without lines. */
static void name_by_symbol(line *l)
{
    char text[PLACE];
    const char *symbol;
    size_t offset = 0;
    object o;

    l->function = "?";
    l->place = "?";
    /* In front of a return address is the call, which may be the last thing in a function. */
    if (!object_at((const char *)l->pc - 1, &o))
        return;
    symbol = symbol_at(&o, STT_FUNC, &offset);
    if (symbol != NULL) {
        l->function = copy(symbol, (size_t)own_length(symbol));
        snprintf(text, sizeof text, "%.60s+0x%zx", l->function, offset + 1);
    } else {
        snprintf(text, sizeof text, "%.60s+0x%zx", o.executable ? "program" : base_name(o.path),
                 (size_t)(o.address - o.base) + 1);
    }
    l->place = copy(text, strlen(text));
}

/* Headers whose functions only pass on what their caller wants. */
static bool is_wrapper(const char *path)
{
    static const char own[] = "/weir/atomic.h";
    const size_t length = strlen(path);

    return strncmp(path, "/usr/include/", 13) == 0 || strncmp(path, "/usr/lib/", 9) == 0 ||
           (length >= sizeof own && strcmp(path + length - (sizeof own - 1), own) == 0);
}

/* Takes "path:12 (discriminator 3)" to the line. Returns: false if it says nothing. */
static bool take_line(line *l, const char *function, char *text)
{
    char place[PLACE], *colon;
    unsigned long number;

    colon = strstr(text, " (discriminator");
    if (colon != NULL)
        *colon = '\0';
    colon = strrchr(text, ':');
    if (colon == NULL || text[0] == '?')
        return false;
    number = strtoul(colon + 1, NULL, 10);
    if (number == 0)
        return false;
    *colon = '\0';
    l->number = (unsigned)number;
    l->path = copy(text, strlen(text));
    snprintf(place, sizeof place, "%.70s:%u", base_name(text), l->number);
    l->place = copy(place, strlen(place));
    if (function[0] != '?')
        l->function = copy(function, strlen(function));
    return true;
}

/* Reads the answer: for each address a line with it; then function and place of what was inlined
 * there, innermost first, and of what that was inlined into. */
static void take_output(char *text, line *const *asked, unsigned count)
{
    char *function = NULL;
    unsigned next = 0;
    bool done = true;

    for (char *s = text, *end; *s != '\0'; s = end) {
        end = strchr(s, '\n');
        if (end == NULL)
            return;
        *end++ = '\0';
        if (function == NULL && strncmp(s, "0x", 2) == 0) {
            if (next == count)
                return;
            next++;
            done = false;
        } else if (function == NULL) {
            function = s;
        } else {
            if (next > 0 && !done && take_line(asked[next - 1], function, s))
                done = !is_wrapper(asked[next - 1]->path);
            function = NULL;
        }
    }
}

/* Runs the program. Returns: false if that is not possible. */
static bool run(char *const *arguments, char *text, size_t room)
{
    STATE static char locale[] = "LC_ALL=C";
    posix_spawn_file_actions_t actions;
    char path[1024], *environment[3] = {locale, NULL, NULL};
    const char *const search = getenv("PATH");
    int ends[2], status = 1;
    size_t length = 0;
    pid_t child = -1;
    bool started;

    /* Nothing else of the environment: LD_PRELOAD may be the checker itself. */
    if (search != NULL && strlen(search) < sizeof path - 6) {
        snprintf(path, sizeof path, "PATH=%s", search);
        environment[1] = path;
    }
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    started = posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environment) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    while (started) {
        char rest[512];
        const bool full = length + 1 >= room;
        const ssize_t got = full ? read(ends[0], rest, sizeof rest)
                                 : read(ends[0], text + length, room - 1 - length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        if (!full)
            length += (size_t)got;
    }
    text[length] = '\0';
    close(ends[0]);
    if (!started)
        return false;
    while (waitpid(child, &status, 0) < 0) {
        /* A program that ignores SIGCHLD has no status to give. */
        if (errno != EINTR)
            return length > 0;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Asks addr2line about lines of one object. */
static void ask(const object *o, line *const *asked, unsigned count)
{
    STATE static char program[] = "addr2line", flags[] = "-afiC", of[] = "-e";
    STATE static char file[512] = "", address[BATCH][20] = {""};
    char *arguments[BATCH + 5] = {program, flags, of, file};
    unsigned n = 4;

    if (no_addr2line)
        return;
    memcpy(file, o->path, sizeof file);
    for (unsigned i = 0; i < count; i++) {
        snprintf(address[i], sizeof address[i], "0x%lx",
                 (unsigned long)((uintptr_t)asked[i]->pc - 1 - o->base));
        arguments[n++] = address[i];
    }
    arguments[n] = NULL;
    if (output == NULL)
        output = (char *)weir__check_memory(OUTPUT);
    if (run(arguments, output, OUTPUT))
        take_output(output, asked, count);
    else
        no_addr2line = true;
}

void weir__symbols_want(const void *const *pc, unsigned count)
{
    const int self = become_conductor();
    line *asked[BATCH];
    object o, other;

    for (unsigned i = 0; i < count; i++) {
        line *added;

        if (pc[i] == NULL || line_of(pc[i]) != NULL)
            continue;
        added = (line *)weir__check_memory(sizeof *added);
        memset(added, 0, sizeof *added);
        added->pc = pc[i];
        added->next = lines;
        lines = added;
        name_by_symbol(added);
    }
    for (line *first = lines; first != NULL; first = first->next) {
        unsigned n = 0;

        if (first->asked || !object_at((const char *)first->pc - 1, &o))
            continue;
        for (line *l = first; l != NULL && n < BATCH; l = l->next) {
            if (l->asked || !object_at((const char *)l->pc - 1, &other) || other.base != o.base)
                continue;
            l->asked = true;
            asked[n++] = l;
        }
        ask(&o, asked, n);
    }
    weir__check_self = self;
}

static line *known_line(const void *pc)
{
    line *l;

    if (pc == NULL)
        return NULL;
    l = line_of(pc);
    if (l == NULL) {
        weir__symbols_want(&pc, 1);
        l = line_of(pc);
    }
    return l;
}

const char *weir__check_place(const void *pc)
{
    const line *const l = known_line(pc);

    return l == NULL ? "?" : l->place;
}

const char *weir__check_function(const void *pc)
{
    const line *const l = known_line(pc);

    return l == NULL ? "?" : l->function;
}

static const char *read_source(const char *path, unsigned number)
{
    char text[SOURCE];
    size_t length = 0;
    unsigned at = 1;
    FILE *const file = fopen(path, "re");
    int c;

    if (file == NULL)
        return "";
    while (at < number && (c = getc(file)) != EOF)
        at += c == '\n';
    while (at == number && length < sizeof text - 1 && (c = getc(file)) != EOF && c != '\n') {
        if (c == '\t' || c == '\r')
            c = ' ';
        if (length > 0 || c != ' ')
            text[length++] = (char)c;
    }
    fclose(file);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    return copy(text, length);
}

const char *weir__check_source(const void *pc)
{
    line *const l = known_line(pc);

    if (l == NULL)
        return "";
    if (l->source == NULL && l->path != NULL) {
        const int self = become_conductor();

        l->source = read_source(l->path, l->number);
        weir__check_self = self;
    }
    return l->source == NULL ? "" : l->source;
}

/* ---- the C library ---- */

void *weir__check_real(const char *function_name)
{
    void *const function = dlsym(RTLD_NEXT, function_name);

    if (function == NULL) {
        fprintf(stderr,
                "weir_check: the C library has no %s(): is the program linked statically?\n",
                function_name);
        _exit(WEIR_CHECK_UNABLE);
    }
    return function;
}
