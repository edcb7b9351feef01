/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Three files of the kernel are put together:
 *
 *   /proc/self/cgroup     in which groups the process is: `4:cpu,cpuacct:/a/b` of the hierarchy of
 *                         version 1 that has the controller "cpu", `0::/a/b` of version 2
 *   /proc/self/mountinfo  where these hierarchies are mounted, and from which group on downwards
 *                         (the root of the mount)
 *   cpu.max, or cpu.cfs_quota_us and cpu.cfs_period_us: the quota, of the group and of each above
 *                         it, up to the root of the mount
 *
 * Both versions are looked at, and each mount of either. The controller is in one of the
 * hierarchies only, the others have no such files; so the least of what is found is right
 * whatever is mounted, and nothing depends on which version "is used".
 *
 * The files are read as streams, since a line may have any length; two names at a time are kept. A
 * group whose name is too long for that is passed over, those above it are not. */

#include <weir/cpus.h>

#include <weir/atomic.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

/* ---- affinity ---- */

/* CPUs for which there is room on the stack: as many as Linux can be built for today. It refuses
 * a mask that is smaller than its own. */
enum { MASK_FEW = 8192, MASK_MOST = 16 * MASK_FEW, WORD = 8 * sizeof(unsigned long) };

#ifdef __linux__
/* Returns: CPUs in the thread's mask; 0 if it was refused, errno says why. */
static unsigned count_mask(unsigned long *mask, size_t bits)
{
    unsigned count = 0;

    memset(mask, 0, bits / 8);
    if (sched_getaffinity(0, bits / 8, (cpu_set_t *)(void *)mask) != 0)
        return 0;
    for (size_t i = 0; i < bits / WORD; i++)
        count += (unsigned)__builtin_popcountl(mask[i]);
    return count;
}

/* Returns: CPUs on which the thread may run; 0 if it is not known. */
static unsigned count_affinity(void)
{
    unsigned long few[MASK_FEW / WORD];
    unsigned count = count_mask(few, MASK_FEW);

    for (size_t bits = 2 * MASK_FEW; count == 0 && errno == EINVAL && bits <= MASK_MOST;
         bits *= 2) {
        unsigned long *const mask = (unsigned long *)weir_alloc(bits / 8, sizeof *mask);

        if (mask == NULL)
            break;
        count = count_mask(mask, bits);
        weir_release(mask, bits / 8);
    }
    return count;
}
#else
static unsigned count_affinity(void)
{
    return 0;
}
#endif

static unsigned count_online(void)
{
    const long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count < 1 ? 1 : count > MASK_MOST ? MASK_MOST : (unsigned)count;
}

/* ---- files ---- */

/* Room for a name with the NUL: the library's frames stay below 2 KiB. */
enum { NAME_ROOM = 1280 };

static int open_file(const char *name)
{
    int fd;

    do
        fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* Returns: bytes that were read; 0 at the end, and for an error. */
static size_t read_some(int fd, char *bytes, size_t size)
{
    ssize_t got;

    do
        got = read(fd, bytes, size);
    while (got < 0 && errno == EINTR);
    return got < 0 ? 0 : (size_t)got;
}

typedef struct stream {
    int fd;
    int stop; /* at which the last word ended: '\n' also for the file's end */
    bool ended;
    size_t at, length;
    char bytes[384];
} stream;

/* Opens ROOT/NAME; `room`, of NAME_ROOM bytes, is used meanwhile. */
static bool open_stream(stream *s, const char *root, const char *name, char *room)
{
    const size_t length = strlen(root);

    if (length + strlen(name) >= NAME_ROOM)
        return false;
    memcpy(room, root, length);
    strcpy(room + length, name);
    s->fd = open_file(room);
    s->ended = false;
    s->at = s->length = 0;
    return s->fd >= 0;
}

/* Returns: the next character; '\n' at the end, and `ended`. */
static int next(stream *s)
{
    if (s->at == s->length) {
        s->at = 0;
        s->length = s->ended ? 0 : read_some(s->fd, s->bytes, sizeof s->bytes);
        if (s->length == 0) {
            s->ended = true;
            return '\n';
        }
    }
    return (unsigned char)s->bytes[s->at++];
}

/* Returns: the character of which \ and three octal digits come next: 0 if they do not. */
static int unescape(stream *s)
{
    int value = 0;

    for (int i = 0; i < 3; i++) {
        const int c = next(s);

        if (c < '0' || c > '7') {
            if (!s->ended)
                s->at--; /* it may end the line */
            return 0;
        }
        value = value * 8 + (c - '0');
    }
    return value & 0xff;
}

/* Reads up to one of `stops` or the line's end, which it takes; what is before it goes to `word`,
 * as far as it fits, with a NUL. Returns: its length; SIZE_MAX if it has a NUL or a broken
 * escape: no name has. */
static size_t read_word(stream *s, const char *stops, bool escapes, char *word, size_t size)
{
    size_t length = 0;
    bool broken = false;
    int c;

    while ((c = next(s)) != '\n' && (c == '\0' || strchr(stops, c) == NULL)) {
        if (escapes && c == '\\')
            c = unescape(s);
        if (c == '\0')
            broken = true;
        if (length < size - 1)
            word[length] = (char)c;
        length++;
    }
    word[length < size ? length : size - 1] = '\0';
    s->stop = c;
    return broken ? SIZE_MAX : length;
}

/* Reads a whole small file, PATH/NAME, where `path` has `length` characters and room for more.
 * Returns: whether it could, and it was small. */
static bool read_file(char *path, size_t length, const char *name, char *text, size_t size)
{
    size_t sum = 0, got;
    int fd;

    strcpy(path + length, name);
    fd = open_file(path);
    if (fd < 0)
        return false;
    while (sum < size && (got = read_some(fd, text + sum, size - sum)) != 0)
        sum += got;
    close(fd);
    if (sum == size)
        return false;
    text[sum] = '\0';
    return true;
}

/* ---- quotas ---- */

/* Of control groups. */
typedef enum cgroup_version { V1, V2 } cgroup_version;

static uint64_t least(uint64_t a, uint64_t b)
{
    return b == 0 || (a != 0 && a < b) ? a : b;
}

/* Returns: what is behind the number and its blank or line's end; NULL if it is something else, or
 * beyond UINT64_MAX / 2000, which limits nothing, and a thousand times which might wrap. No digits
 * are 0: no limit either. */
static const char *read_number(const char *text, uint64_t *number)
{
    const char *at = text;

    for (*number = 0; *at >= '0' && *at <= '9'; at++) {
        if (*number > UINT64_MAX / 20000 - 1)
            return NULL;
        *number = *number * 10 + (uint64_t)(*at - '0');
    }
    return *at == '\0' ? at : *at == ' ' || *at == '\n' ? at + 1 : NULL;
}

/* Returns: the quota of the group at `path`, in thousandths of a CPU; 0 if it has none. */
static uint64_t read_quota(cgroup_version version, char *path, size_t length)
{
    char text[128];
    uint64_t quota, period;
    const char *rest;

    if (!read_file(path, length, version == V2 ? "/cpu.max" : "/cpu.cfs_quota_us", text,
                   sizeof text))
        return 0;
    rest = read_number(text, &quota);
    if (rest == NULL) /* "max", "-1" */
        return 0;
    if (version == V1) {
        if (!read_file(path, length, "/cpu.cfs_period_us", text, sizeof text))
            return 0;
        rest = text;
    }
    if (read_number(rest, &period) == NULL || period == 0)
        return 0;
    return (quota * 1000 + period - 1) / period;
}

/* Returns: the length of the name of the group above; or `base`, that of the mount. */
static size_t above(const char *path, size_t length, size_t base)
{
    while (length > base && path[length - 1] != '/')
        length--;
    return length > base ? length - 1 : base;
}

/* The least quota of the group `rest` below the mount point, of which `path` has the name, and of
 * those above. */
static uint64_t read_quotas(cgroup_version version, char *path, const char *rest)
{
    const size_t most = NAME_ROOM - sizeof "/cpu.cfs_period_us";
    const size_t base = strlen(path);
    const size_t wanted = base + strlen(rest);
    size_t length = wanted < most ? wanted : most;
    uint64_t quota;

    if (base > most)
        return 0;
    memcpy(path + base, rest, length - base);
    if (length < wanted)
        length = above(path, length, base);
    quota = read_quota(version, path, length);
    while (length > base) {
        length = above(path, length, base);
        quota = least(quota, read_quota(version, path, length));
    }
    return quota;
}

/* ---- where the groups are ---- */

/* Finds in which group the process is; `group` has NAME_ROOM bytes. */
static bool find_group(cgroup_version version, const char *root, char *group)
{
    bool found = false;
    stream s;

    if (!open_stream(&s, root, "/proc/self/cgroup", group))
        return false;
    while (!found && !s.ended) {
        bool cpu = false, none = true;
        char number[4], word[8];
        size_t length;

        read_word(&s, ":", false, number, sizeof number);
        if (s.stop == ':')
            do {
                none = read_word(&s, ",:", false, word, sizeof word) == 0 && none && s.stop == ':';
                cpu = cpu || strcmp(word, "cpu") == 0;
            } while (s.stop == ',');
        if (s.stop != ':')
            continue;
        length = read_word(&s, "", false, group, NAME_ROOM);
        found = (version == V1 ? cpu : none && strcmp(number, "0") == 0) && group[0] == '/' &&
                length != SIZE_MAX;
        if (found && (length == 1 || length >= NAME_ROOM)) /* no file is read twice for "/" */
            group[above(group, strlen(group), 0)] = '\0';
    }
    close(s.fd);
    return found;
}

static bool is_above(const char *name) /* begins with "/.." */
{
    return strncmp(name, "/..", 3) == 0 && (name[3] == '/' || name[3] == '\0');
}

/* Returns: the part of `group` that is below `top`, the root of a mount; NULL if it is not there.
 *
 * Both are seen from the root of the process's control-group name space, and begin with as many
 * "/.." as they are above it. If the mount begins higher than where the group branches off, the
 * groups between have no name here; but that root is above the group for certain, if it is nothing
 * but "/..", and so its quota counts. */
static const char *below(const char *group, const char *top)
{
    size_t length;

    while (is_above(group) && is_above(top)) {
        group += 3;
        top += 3;
    }
    if (is_above(group))
        return NULL;
    if (is_above(top)) {
        while (is_above(top))
            top += 3;
        return *top == '\0' ? group + strlen(group) : NULL;
    }
    if (strcmp(top, "/") == 0)
        return group;
    length = strlen(top);
    if (strncmp(group, top, length) != 0 || (group[length] != '/' && group[length] != '\0'))
        return NULL;
    return group + length;
}

/* Reads a field of a line of mountinfo; beyond the last one they are "". */
static size_t read_field(stream *s, char *word, size_t size)
{
    if (s->stop == ' ')
        return read_word(s, " ", true, word, size);
    word[0] = '\0';
    return 0;
}

/* Reads a line:
 *     31 23 0:28 TOP POINT options [more...] - TYPE source OPTIONS
 * Where it is a mount of the hierarchy in which the group can be seen, it puts POINT into `name`,
 * of `room` bytes. Returns: what is to follow it; else NULL. */
static const char *read_mount(stream *s, cgroup_version version, const char *group, char *name,
                              size_t room)
{
    const char *rest = NULL;
    bool cpu = version == V2;
    char word[16];
    size_t length;

    s->stop = ' ';
    for (int i = 0; i < 3; i++)
        read_field(s, word, sizeof word);
    length = read_field(s, name, room);
    if (length < room && name[0] == '/')
        rest = below(group, name);
    length = read_field(s, name, room);
    if (length >= room || name[0] != '/')
        rest = NULL;
    do
        read_field(s, word, sizeof word);
    while (s->stop == ' ' && strcmp(word, "-") != 0);
    read_field(s, word, sizeof word);
    if (strcmp(word, version == V2 ? "cgroup2" : "cgroup") != 0)
        rest = NULL;
    read_field(s, word, sizeof word);
    while (s->stop != '\n') {
        read_word(s, " ,", true, word, sizeof word);
        cpu = cpu || strcmp(word, "cpu") == 0;
    }
    return cpu ? rest : NULL;
}

/* Looks at all mounts of the hierarchy. A frame of its own, for its room. */
__attribute__((noinline)) static uint64_t read_mounts(cgroup_version version, const char *root,
                                                      const char *group)
{
    const size_t length = strlen(root);
    char path[NAME_ROOM];
    uint64_t quota = 0;
    stream s;

    if (!open_stream(&s, root, "/proc/self/mountinfo", path))
        return 0;
    while (!s.ended) {
        const char *const rest =
            read_mount(&s, version, group, path + length, sizeof path - length);

        if (rest != NULL)
            quota = least(quota, read_quotas(version, path, rest));
    }
    close(s.fd);
    return quota;
}

static uint64_t read_version(cgroup_version version, const char *root)
{
    char group[NAME_ROOM];

    return find_group(version, root, group) ? read_mounts(version, root, group) : 0;
}

/* ---- all of it ---- */

void weir_cpus_read_at(const char *root, weir_cpus_info *info)
{
    uint64_t usable;

    info->online = count_online();
    info->affinity = count_affinity();
    if (info->affinity == 0)
        info->affinity = info->online;
    info->quota_millis = least(read_version(V1, root), read_version(V2, root));
    usable = (info->quota_millis + 999) / 1000;
    info->usable = usable != 0 && usable < info->affinity ? (unsigned)usable : info->affinity;
}

void weir_cpus_read(weir_cpus_info *info)
{
    weir_cpus_read_at("", info);
}

/* What was found; 0: nobody has looked yet. */
static WEIR_ATOMIC(unsigned) found;

unsigned weir_cpus_refresh(void)
{
    weir_cpus_info info;

    weir_cpus_read(&info);
    weir_atomic_store(&found, info.usable, WEIR_RELAXED); /* relaxed: a number, nothing else. */
    return info.usable;
}

unsigned weir_cpus(void)
{
    unsigned count = weir_atomic_load(&found, WEIR_RELAXED); /* relaxed: a number, nothing else. */
    weir_cpus_info info;

    if (WEIR_LIKELY(count != 0))
        return count;
    weir_cpus_read(&info);
    /* relaxed: a number, nothing else. A refresh meanwhile has looked later: its number stays. */
    if (weir_atomic_cas(&found, &count, info.usable, WEIR_RELAXED, WEIR_RELAXED))
        return info.usable;
    return count;
}
