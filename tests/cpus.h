/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/cpus.h: trees of files that look like other machines' control groups, and an affinity that
 * is made up: what this machine grants has no influence. */

#ifndef WEIR_TESTS_CPUS_H
#define WEIR_TESTS_CPUS_H

#include "test.h"

#include <weir/cpus.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* ---- an affinity that is made up ---- */

static struct {
    size_t bits;        /* of the kernel's mask */
    unsigned cpus;      /* that are in it, the last ones; 0: ask the kernel */
    int error;          /* with which it refuses; 0: it does not */
    void (*hook)(void); /* called once, before the answer */
} fake = {64, 64, 0, NULL};

/* Instead of the C library's. */
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    const unsigned cpus = fake.cpus;
    void (*const hook)(void) = fake.hook;

    fake.hook = NULL;
    if (hook != NULL)
        hook();
    if (cpus == 0)
        return syscall(SYS_sched_getaffinity, pid, size, set) < 0 ? -1 : 0;
    if (fake.error != 0 || size * 8 < fake.bits) {
        errno = fake.error != 0 ? fake.error : EINVAL;
        return -1;
    }
    for (size_t i = fake.bits - cpus; i < fake.bits; i++)
        ((unsigned long *)(void *)set)[i / (8 * sizeof(long))] |= 1ul << i % (8 * sizeof(long));
    return 0;
}

static inline void set_fake(size_t bits, unsigned cpus, int error)
{
    fake.bits = bits;
    fake.cpus = cpus;
    fake.error = error;
}

static inline unsigned online(void)
{
    const long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count < 1 ? 1 : (unsigned)count;
}

/* ---- trees of files ---- */

static char top[] = "/tmp/weir-cpus-XXXXXX";
static char tree[sizeof top + 16]; /* the one that is being read */
static pid_t owner;

static inline int remove_one(const char *name, const struct stat *status, int kind,
                             struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    return remove(name);
}

static inline void remove_trees(void)
{
    if (getpid() == owner)
        nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void make_top(void)
{
    owner = getpid();
    CHECK(mkdtemp(top) != NULL);
    CHECK(atexit(remove_trees) == 0);
}

static inline void new_tree(void)
{
    static unsigned number;

    snprintf(tree, sizeof tree, "%s/%u", top, number++);
    CHECK(mkdir(tree, 0700) == 0);
}

/* The whole name of a file in the tree, whose directories it makes. */
static inline const char *place(const char *name)
{
    static char whole[4096];

    CHECK((size_t)snprintf(whole, sizeof whole, "%s%s", tree, name) < sizeof whole);
    for (char *slash = whole + strlen(tree); (slash = strchr(slash + 1, '/')) != NULL;) {
        *slash = '\0';
        CHECK(mkdir(whole, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    return whole;
}

static inline void put_bytes(const char *name, const char *bytes, size_t length)
{
    const char *const whole = place(name);
    int fd;

    unlink(whole); /* some file systems write what was truncated to the disk at once */
    fd = open(whole, O_WRONLY | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    close(fd);
}

static inline void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static inline weir_cpus_info look(void)
{
    weir_cpus_info info;

    memset(&info, 0xff, sizeof info);
    weir_cpus_read_at(tree, &info);
    CHECK_EQ(info.online, online());
    CHECK(info.affinity >= 1 && info.usable >= 1 && info.usable <= info.affinity);
    return info;
}

static inline void expect(const char *name, uint64_t millis, unsigned usable)
{
    const weir_cpus_info info = look();

    if (info.quota_millis != millis || info.usable != usable) {
        fprintf(stderr, "%s: quota %" PRIu64 ", want %" PRIu64 "; usable %u, want %u\n", name,
                info.quota_millis, millis, info.usable, usable);
        test_fail(__FILE__, __LINE__, name);
    }
}

/* ---- mounts and files ---- */

#define V2_MOUNT(root, point) \
    "30 23 0:26 " root " " point " rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNT(root, point) \
    "33 25 0:30 " root " " point " rw shared:9 master:2 - cgroup cgroup rw,cpu,cpuacct\n"
#define V2 "/sys/fs/cgroup"
#define MAX "/cpu.max"
#define QUOTA "/cpu.cfs_quota_us"
#define PERIOD "/cpu.cfs_period_us"

/* A tree with one group, /a of version 2, and of version 1 in the same place. */
static inline void new_group(const char *cgroup)
{
    new_tree();
    put("/proc/self/cgroup", cgroup);
    put("/proc/self/mountinfo", V2_MOUNT("/", V2) V1_MOUNT("/", V2));
}

/* As TEST_RUN(), with a directory for the trees. */
#define CPUS_RUN(suite, ...) (make_top(), TEST_RUN(suite, __VA_ARGS__))

#endif /* WEIR_TESTS_CPUS_H */
