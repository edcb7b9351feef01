/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/cpus.h: in which control groups the process is and where they are mounted, on machines of
 * many kinds and with files that are damaged; the rest is in tests/cpus.c. */

#include "cpus.h"

/* ---- machines ---- */

#define OTHERS                                                   \
    "22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw\n"    \
    "25 28 0:24 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n" \
    "34 25 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
#define UNIFIED "/sys/fs/cgroup/unified"
#define V1 "/sys/fs/cgroup/cpu,cpuacct"

typedef struct machine {
    const char *name, *cgroup, *mountinfo; /* NULL: not there; "/": a directory */
    const char *files[10];                 /* name, text, name, text... */
    uint64_t millis;
    unsigned usable;
} machine;

static const machine machines[] = {
    {"nothing", NULL, NULL, {NULL}, 0, 64},
    {"no mountinfo", "0::/\n", NULL, {V2 MAX, "200000 100000\n"}, 0, 64},
    {"no cgroup", NULL, V2_MOUNT("/", V2), {V2 MAX, "200000 100000\n"}, 0, 64},
    {"a directory cgroup", "/", V2_MOUNT("/", V2), {V2 MAX, "200000 100000\n"}, 0, 64},
    {"a directory mountinfo", "0::/\n", "/", {V2 MAX, "200000 100000\n"}, 0, 64},
    {"a directory cpu.max", "0::/\n", V2_MOUNT("/", V2), {V2 MAX "/x", ""}, 0, 64},
    {"no files", "0::/a\n", V2_MOUNT("/", V2), {NULL}, 0, 64},

    {"v2, the root", "0::/\n", V2_MOUNT("/", V2), {V2 MAX, "200000 100000\n"}, 2000, 2},
    {"v2, a group", "0::/a/b\n", V2_MOUNT("/", V2), {V2 "/a/b" MAX, "50000 10000\n"}, 5000, 5},
    {"v2, max", "0::/a\n", V2_MOUNT("/", V2), {V2 "/a" MAX, "max 100000\n"}, 0, 64},
    {"v2, beyond the affinity",
     "0::/a\n",
     V2_MOUNT("/", V2),
     {V2 "/a" MAX, "12800000 100000\n"},
     128000,
     64},
    {"v2, the parent is less",
     "0::/a/b\n",
     V2_MOUNT("/", V2),
     {V2 "/a" MAX, "300000 100000\n", V2 "/a/b" MAX, "800000 100000\n"},
     3000,
     3},
    {"v2, the child is less",
     "0::/a/b\n",
     V2_MOUNT("/", V2),
     {V2 "/a" MAX, "800000 100000\n", V2 "/a/b" MAX, "300000 100000\n"},
     3000,
     3},
    {"v2, in the middle",
     "0::/a/b/c\n",
     V2_MOUNT("/", V2),
     {V2 MAX, "900000 100000\n", V2 "/a" MAX, "700000 100000\n", V2 "/a/b" MAX, "40000 20000\n",
      V2 "/a/b/c" MAX, "max 100000\n"},
     2000,
     2},
    {"v2, only the mount's root",
     "0::/a/b/c\n",
     V2_MOUNT("/", V2),
     {V2 MAX, "400000 100000\n", V2 "/a/b/c" MAX, "max 100000\n"},
     4000,
     4},
    {"v2, not of siblings",
     "0::/a\n",
     V2_MOUNT("/", V2),
     {V2 "/b" MAX, "100000 100000\n", V2 "/a/b" MAX, "100000 100000\n", V2 "/a" MAX,
      "700000 100000\n"},
     7000,
     7},
    {"v2, not above the mount",
     "0::/a\n",
     V2_MOUNT("/", V2),
     {"/sys/fs" MAX, "1000 1000\n"},
     0,
     64},
    {"v2, a deleted group",
     "0::/a/b (deleted)\n",
     V2_MOUNT("/", V2),
     {V2 "/a" MAX, "600000 100000\n"},
     6000,
     6},
    {"v2, a colon in the name",
     "0::/a:b,cpu:c\n",
     V2_MOUNT("/", V2),
     {V2 "/a:b,cpu:c" MAX, "600000 100000\n"},
     6000,
     6},
    {"v2, no line ends",
     "0::/a",
     "30 23 0:26 / " V2 " rw - cgroup2 cgroup2 rw",
     {V2 "/a" MAX, "150000 100000"},
     1500,
     2},
    {"v2, mounted on /",
     "0::/a\n",
     V2_MOUNT("/", "/"),
     {"/cpu.max", "900000 100000\n", "/a/cpu.max", "max 100000\n"},
     9000,
     9},
    {"v2, its own name space",
     "0::/\n",
     OTHERS V2_MOUNT("/", V2),
     {V2 MAX, "250000 100000\n"},
     2500,
     3},

    {"v1",
     "4:cpu,cpuacct:/a\n",
     V1_MOUNT("/", V1),
     {V1 "/a" QUOTA, "250000\n", V1 "/a" PERIOD, "100000\n"},
     2500,
     3},
    {"v1, cpu last",
     "5:cpuset:/\n4:cpuacct,cpu:/a\n",
     "33 25 0:30 / " V1 " rw - cgroup cgroup rw,cpuacct,cpu\n",
     {V1 "/a" QUOTA, "250000", V1 "/a" PERIOD, "100000"},
     2500,
     3},
    {"v1, cpu alone",
     "4:cpu:/a\n3:cpuacct:/b\n",
     "33 25 0:30 / /cpuacct rw - cgroup cgroup rw,cpuacct\n"
     "34 25 0:31 / /cpu rw - cgroup cgroup rw,cpu\n",
     {"/cpuacct/a" QUOTA, "100", "/cpuacct/a" PERIOD, "100", "/cpu/a" QUOTA, "800", "/cpu/a" PERIOD,
      "100"},
     8000,
     8},
    {"v1, none", "4:cpu:/\n", V1_MOUNT("/", V1), {V1 QUOTA, "-1\n", V1 PERIOD, "100000\n"}, 0, 64},
    {"v1, no period", "4:cpu:/\n", V1_MOUNT("/", V1), {V1 QUOTA, "100000\n"}, 0, 64},
    {"v1, no quota", "4:cpu:/\n", V1_MOUNT("/", V1), {V1 PERIOD, "100000\n"}, 0, 64},
    {"v1, the parent is less",
     "4:cpu,cpuacct:/a/b\n",
     V1_MOUNT("/", V1),
     {V1 "/a" QUOTA, "50000\n", V1 "/a" PERIOD, "100000\n", V1 "/a/b" QUOTA, "-1\n",
      V1 "/a/b" PERIOD, "100000\n"},
     500,
     1},
    {"v1, not the controller",
     "4:cpuset,cpuacct:/\n3:xcpu:/\n2:name=cpu:/\n",
     V1_MOUNT("/", V1),
     {V1 QUOTA, "100000\n", V1 PERIOD, "100000\n"},
     0,
     64},
    {"v1, not the mount",
     "4:cpu:/\n",
     "33 25 0:30 / " V1 " rw,cpu - cgroup cpu rw,cpuset,xcpu,cpux\n",
     {V1 QUOTA, "100000\n", V1 PERIOD, "100000\n"},
     0,
     64},
    {"v1, a container",
     "11:memory:/docker/4f\n4:cpu,cpuacct:/docker/4f\n1:name=systemd:/docker/4f\n",
     OTHERS V1_MOUNT("/docker/4f", V1),
     {V1 QUOTA, "350000\n", V1 PERIOD, "100000\n"},
     3500,
     4},
    {"v1, a group in a container",
     "4:cpu,cpuacct:/docker/4f/a/b\n",
     OTHERS V1_MOUNT("/docker/4f", V1),
     {V1 "/a/b" QUOTA, "-1\n", V1 "/a" QUOTA, "350000\n", V1 "/a" PERIOD, "100000\n"},
     3500,
     4},

    {"hybrid, v1 limits",
     "4:cpu,cpuacct:/a\n0::/a\n",
     OTHERS V2_MOUNT("/", UNIFIED) V1_MOUNT("/", V1),
     {V1 "/a" QUOTA, "200000\n", V1 "/a" PERIOD, "100000\n", UNIFIED "/a/cgroup.procs", "1\n"},
     2000,
     2},
    {"hybrid, v2 limits",
     "4:memory:/a\n0::/a\n",
     OTHERS V2_MOUNT("/", UNIFIED),
     {UNIFIED "/a" MAX, "300000 100000\n"},
     3000,
     3},
    {"hybrid, other groups",
     "4:cpu:/a\n0::/b\n",
     OTHERS V2_MOUNT("/", UNIFIED) V1_MOUNT("/", V1),
     {V1 "/b" QUOTA, "100000\n", V1 "/b" PERIOD, "100000\n", UNIFIED "/a" MAX, "100000 100000\n"},
     0,
     64},
    {"both",
     "4:cpu:/a\n0::/a\n",
     OTHERS V2_MOUNT("/", UNIFIED) V1_MOUNT("/", V1),
     {V1 "/a" QUOTA, "500000\n", V1 "/a" PERIOD, "100000\n", UNIFIED "/a" MAX, "300000 100000\n"},
     3000,
     3},
    {"v1's files in v2",
     "0::/a\n",
     V2_MOUNT("/", V2),
     {V2 "/a" QUOTA, "100000\n", V2 "/a" PERIOD, "100000\n"},
     0,
     64},
    {"v2's file in v1", "4:cpu:/a\n", V1_MOUNT("/", V1), {V1 "/a" MAX, "100000 100000\n"}, 0, 64},
    {"v2 mounted, v1 told", "4:cpu:/\n", V2_MOUNT("/", V2), {V2 MAX, "100000 100000\n"}, 0, 64},

    {"beside the root", "0::/../b\n", V2_MOUNT("/", V2), {V2 MAX, "1000 1000\n"}, 0, 64},
    {"beside the mount", "0::/b\n", V2_MOUNT("/a", V2), {V2 MAX, "1000 1000\n"}, 0, 64},
    {"a longer name", "0::/ab\n", V2_MOUNT("/a", V2), {V2 MAX, "1 1", V2 "/b" MAX, "1 1"}, 0, 64},
    {"a shorter name", "0::/a\n", V2_MOUNT("/ab", V2), {V2 MAX, "1000 1000\n"}, 0, 64},
    {"the mount is below", "0::/a\n", V2_MOUNT("/a/b", V2), {V2 MAX, "1000 1000\n"}, 0, 64},
    {"all is above",
     "0::/../../b/c\n",
     V2_MOUNT("/../..", V2),
     {V2 MAX, "7000 1000\n", V2 "/b/c" MAX, "9000 1000\n", "/sys" MAX, "1000 1000\n"},
     7000,
     7},
    {"all is above, and further down",
     "0::/../b/c/d\n",
     V2_MOUNT("/../b", V2),
     {V2 "/c" MAX, "7000 1000\n", V2 "/c/d" MAX, "9000 1000\n"},
     7000,
     7},
    {"the mount is above",
     "0::/a\n",
     V2_MOUNT("/../..", V2),
     {V2 MAX, "7000 1000\n", V2 "/a" MAX, "1000 1000\n"},
     7000,
     7},
    {"the mount is above, and a sibling", "0::/a\n", V2_MOUNT("/../b", V2), {V2 MAX, "1 1"}, 0, 64},
    {"the group is higher", "0::/../../a\n", V2_MOUNT("/..", V2), {"/sys/fs/a" MAX, "1 1"}, 0, 64},
    {"a name of more than dots",
     "0::/..a\n",
     V2_MOUNT("/", V2),
     {V2 "/..a" MAX, "7000 1000\n"},
     7000,
     7},
    {"dots that are a name",
     "0::/..a/b\n",
     V2_MOUNT("/..a", V2),
     {V2 MAX, "7000 1000\n", V2 "/b" MAX, "9000 1000\n"},
     7000,
     7},

    {"a blank in the point",
     "0::/a\n",
     V2_MOUNT("/", "/my\\040groups\\011\\134"),
     {"/my groups\t\\/a" MAX, "3000 1000\n"},
     3000,
     3},
    {"a blank in the root",
     "0::/a b/c\n",
     V2_MOUNT("/a\\040b", V2),
     {V2 "/c" MAX, "3000 1000\n", V2 "/a b/c" MAX, "1000 1000\n"},
     3000,
     3},
    {"no escapes in groups",
     "0::/a\\040b\n",
     V2_MOUNT("/", V2),
     {V2 "/a\\040b" MAX, "3 1"},
     3000,
     3},
    {"broken escapes",
     "0::/\n",
     V2_MOUNT("/", "/x\\04") V2_MOUNT("/", "/x\\000") V2_MOUNT("/", "/x\\")
         V2_MOUNT("/x\\08", "/x"),
     {"/x" MAX, "1 1", "/x\\04" MAX, "1 1", "/x\\" MAX, "1 1", "/x\\08" MAX, "1 1"},
     0,
     64},
    {"an escape at the line's end",
     "0::/\n",
     "30 23 0:26 / /x rw - cgroup2 cgroup2 rw\\\n" V2_MOUNT("/", V2),
     {"/x" MAX, "5000 1000\n", V2 MAX, "3000 1000\n"},
     3000,
     3},
    {"no root, and one without a slash",
     "0::/a\n",
     V2_MOUNT("", V2) V2_MOUNT("a", V2),
     {V2 MAX, "1000 1000\n", V2 "/a" MAX, "1000 1000\n"},
     0,
     64},
    {"no point, and one without a slash",
     "0::/\n",
     V2_MOUNT("/", "") V2_MOUNT("/", "x"),
     {MAX, "1000 1000\n", "x" MAX, "1000 1000\n"},
     0,
     64},
    {"an empty source",
     "0::/\n",
     "30 23 0:26 / " V2 " rw - cgroup2  rw\n",
     {V2 MAX, "3000 1000\n"},
     3000,
     3},
    {"many optional fields",
     "0::/\n",
     "30 23 0:26 / " V2 " rw shared:1 master:2 propagate_from:3 new_one - cgroup2 - rw\n",
     {V2 MAX, "3000 1000\n"},
     3000,
     3},
    {"other types",
     "0::/\n4:cpu:/\n",
     "30 23 0:26 / " V2 " rw - cgroup22 x rw,cpu\n30 23 0:26 / " V2 " rw - cgrou x rw,cpu\n"
     "30 23 0:26 / " V2 " rw - fuse cgroup2 rw,cpu\n30 23 0:26 / " V2 " rw - xcgroup2 x rw\n",
     {V2 MAX, "3000 1000\n", V2 QUOTA, "3000\n", V2 PERIOD, "1000\n"},
     0,
     64},
    {"short lines",
     "0::/\n",
     "\n \n30\n30 23\n30 23 0:26 /\n30 23 0:26 / /x\n30 23 0:26 / /x rw\n30 23 0:26 / /x rw -\n"
     "30 23 0:26 / /x rw - cgroup\n- cgroup2\n\n" V2_MOUNT("/", V2) "30 23",
     {V2 MAX, "3000 1000\n", "/x" MAX, "1000 1000\n"},
     3000,
     3},
    {"the second mount has it",
     "0::/a\n",
     V2_MOUNT("/b", "/x") V2_MOUNT("/", V2),
     {"/x" MAX, "1000 1000\n", V2 "/a" MAX, "3000 1000\n"},
     3000,
     3},
    {"two mounts, the other way round",
     "0::/a/b\n",
     V2_MOUNT("/a/b", "/x") V2_MOUNT("/", V2),
     {"/x" MAX, "2000 1000\n", V2 "/a" MAX, "3000 1000\n"},
     2000,
     2},
    {"two mounts",
     "0::/a/b\n",
     V2_MOUNT("/a/b", "/x") V2_MOUNT("/", V2),
     {"/x" MAX, "3000 1000\n", V2 "/a" MAX, "2000 1000\n"},
     2000,
     2},
};

static void looks_at_machines(void)
{
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        const machine *const m = &machines[i];

        new_tree();
        if (m->cgroup != NULL && strcmp(m->cgroup, "/") == 0)
            place("/proc/self/cgroup/");
        else if (m->cgroup != NULL)
            put("/proc/self/cgroup", m->cgroup);
        if (m->mountinfo != NULL && strcmp(m->mountinfo, "/") == 0)
            place("/proc/self/mountinfo/");
        else if (m->mountinfo != NULL)
            put("/proc/self/mountinfo", m->mountinfo);
        for (size_t j = 0; m->files[j] != NULL; j += 2)
            put(m->files[j], m->files[j + 1]);
        expect(m->name, m->millis, m->usable);
    }
}

/* ---- odd files ---- */

static void reads_odd_files(void)
{
    static const struct {
        const char *text;
        size_t length;
        uint64_t millis;
    } limits[] = {
        {"", 0, 0},
        {"\n", 1, 0},
        {"\0", 1, 0},
        {"100000", 6, 0},
        {"100000 ", 7, 0},
        {"100000\0 100000", 14, 0},
        {"100000 100000\0", 14, 1000},
        {"100000 100000 5000\n", 19, 1000}, /* a third number, some day */
        {"100000  100000\n", 15, 0},
        {"\xff\xfe 100000\n", 10, 0},
    };
    char text[4096];

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        new_group("0::/a\n");
        put_bytes(V2 "/a" MAX, limits[i].text, limits[i].length);
        expect(limits[i].text, limits[i].millis, limits[i].millis == 0 ? 64 : 1);
    }
    /* Larger than any that the kernel writes, though the beginning looks right. */
    memset(text, ' ', sizeof text);
    memcpy(text, "100000 100000", 13);
    put_bytes(V2 "/a" MAX, text, sizeof text);
    expect("a long cpu.max", 0, 64);
}

static void reads_odd_groups(void)
{
    static const char *const none[] = {
        "",         "\n",        "0",          "0:",       "0::",     "0::\n",        "0::xy\n",
        "::/a\n",   "1::/a\n",   "00::/a\n",   "0:x:/a\n", "0::/b\n", "0:,:/a\n/a\n", "0 : : /a\n",
        ":::\n:::", "4:cpu\n/a", "4:cpux:/a\n"};
    static const char nul[] = "0::/a\0b\n";
    char text[64];

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        const bool is_one = strcmp(none[i], "0::/b\n") == 0; /* without a quota */

        new_group(none[i]);
        put(V2 "/a" MAX, "100000 100000\n");
        put(V2 "xy" MAX, "100000 100000\n");
        expect(none[i], 0, 64);
        snprintf(text, sizeof text, "%s\n0::/a\n", none[i]); /* and a good line after it */
        put("/proc/self/cgroup", text);
        expect(text, is_one ? 0 : 1000, is_one ? 64 : 1);
    }
    /* Not even the root, which is above whatever was meant. */
    put(V2 MAX, "100000 100000\n");
    put_bytes("/proc/self/cgroup", nul, sizeof nul - 1);
    expect("a NUL", 0, 64);
}

/* Each byte of the files missing from there on, or another one: any number may come out, but one.
 */
static void survives_damage(void)
{
    static const char with[] = {'\0', ' ', '\n', '/', '\\', ':', '9', '\xff'};
    static const char *const names[] = {"/proc/self/cgroup", "/proc/self/mountinfo", V2 "/a" MAX};
    static const char *const texts[] = {"4:cpu:/a\n0::/a\n",
                                        V1_MOUNT("/", V2) V2_MOUNT("/", "/sys/fs\\057cgroup"),
                                        "150000 100000\n"};
    char text[512];

    new_group(texts[0]);
    for (size_t i = 0; i < 3; i++)
        put(names[i], texts[i]);
    expect("undamaged", 1500, 2);
    for (size_t i = 0; i < 3; i++) {
        const size_t length = strlen(texts[i]);

        for (size_t at = 0; at < length; at++) {
            memcpy(text, texts[i], length);
            put_bytes(names[i], text, at);
            look();
            for (size_t j = 0; j < 3; j++) {
                text[at] = with[(at + 3 * j) % sizeof with];
                put_bytes(names[i], text, length);
                look();
            }
        }
        put(names[i], texts[i]);
    }
    expect("repaired", 1500, 2);
}

static void reads_long_lines(void)
{
    static char text[70000];
    size_t length;

    /* A long group: those above it that fit are looked at. */
    new_group("");
    put(V2 "/a" MAX, "150000 100000\n");
    for (size_t i = 0; i < 6000; i += i >= 1200 && i < 1290 ? 1 : 240) {
        length = (size_t)sprintf(text, "0::/a/");
        memset(text + length, 'x', i);
        text[length + i] = '\n';
        put_bytes("/proc/self/cgroup", text, length + i + 1);
        expect("a long group", 1500, 2);
    }
    /* No long group is taken for the root of a mount that begins like it. */
    put(V2 MAX, "100000 100000\n");
    length = (size_t)sprintf(text, "30 23 0:26 /");
    memset(text + length, 'x', 5000);
    length += 5000 + (size_t)sprintf(text + length + 5000, " " V2 " rw - cgroup2 x rw\n");
    put_bytes("/proc/self/mountinfo", text, length);
    for (size_t i = 1200; i < 1290; i++) {
        length = (size_t)sprintf(text, "0::/");
        memset(text + length, 'x', i);
        put_bytes("/proc/self/cgroup", text, length + i);
        expect("a long root", 0, 64);
    }
    put(V2 MAX, "max 100000\n");
    /* Long lines before, and long fields in, that of the mount. */
    put("/proc/self/cgroup", "0::/a\n");
    memset(text, 'x', 60000);
    length = 60000 + (size_t)sprintf(text + 60000, "\n30 23 0:26 / " V2 " ");
    memset(text + length, 'o', 4000);
    length += 4000 + (size_t)sprintf(text + length + 4000, " - cgroup2 ");
    memset(text + length, 's', 4000);
    length += 4000 + (size_t)sprintf(text + length + 4000, " rw\n");
    put_bytes("/proc/self/mountinfo", text, length);
    expect("long lines", 1500, 2);
    /* Long roots and points, whose beginning would do, hold nothing, and are passed over. */
    for (size_t i = 1240; i < 1290; i++) {
        length = (size_t)sprintf(text, "30 23 0:26 /");
        memset(text + length, 'x', i);
        length += i + (size_t)sprintf(text + length + i, " " V2 " rw - cgroup2 x rw\n");
        length += (size_t)sprintf(text + length, "30 23 0:26 / /");
        memset(text + length, 'x', i);
        length += i + (size_t)sprintf(text + length + i, " rw - cgroup2 x rw\n");
        put_bytes("/proc/self/mountinfo", text, length);
        expect("long names", 0, 64);
        length += (size_t)sprintf(text + length, V2_MOUNT("/", V2));
        put_bytes("/proc/self/mountinfo", text, length);
        expect("long names, and a good one", 1500, 2);
    }
}

/* A name that does not fit is cut between groups: one whose name is its beginning is another. */
static void cuts_no_names(void)
{
    enum { LEAST = 1060, MOST = 1280 };
    char group[1500], text[2000], name[sizeof V2 MAX + MOST];

    new_group("");
    memset(group, 'x', sizeof group);
    for (size_t at = 0; at < LEAST; at += 210)
        group[at] = '/';
    group[sizeof group - 1] = '\0';
    snprintf(name, sizeof name, V2 "%.210s" MAX, group);
    put(name, "150000 100000\n");
    for (int length = LEAST; length < MOST; length++) {
        snprintf(name, sizeof name, V2 "%.*s" MAX, length, group);
        put(name, "100000 100000\n");
    }
    /* The group's name fits, but not behind that of the mount; and it does not fit at all. */
    snprintf(text, sizeof text, "0::%.1270s\n", group);
    put("/proc/self/cgroup", text);
    expect("a long path", 1500, 2);
    snprintf(text, sizeof text, "0::%s\n", group);
    put("/proc/self/cgroup", text);
    expect("a longer path", 1500, 2);
    /* A group whose name does not fit, though what is below the root of the mount does. */
    snprintf(text, sizeof text, "0::/%.150s%s\n", group + 1, group);
    put("/proc/self/cgroup", text);
    snprintf(text, sizeof text, "30 23 0:26 /%.150s " V2 " rw - cgroup2 x rw\n", group + 1);
    put("/proc/self/mountinfo", text);
    expect("a long group", 1500, 2);
}

static void takes_long_roots(void)
{
    static char root[3000];
    size_t length;
    bool before = true;

    new_group("0::/a\n");
    put(V2 "/a" MAX, "150000 100000\n");
    length = strlen(tree);
    memcpy(root, tree, length);
    for (; length < sizeof root - 2; length++) {
        weir_cpus_info info;

        root[length] = '/';
        root[length + 1] = '\0';
        weir_cpus_read_at(root, &info);
        CHECK(info.quota_millis == 1500 || info.quota_millis == 0);
        CHECK(info.quota_millis == 1500 || length > 1024);
        CHECK(before || info.quota_millis == 0);
        before = info.quota_millis != 0;
    }
    CHECK(!before);
}

int main(void)
{
    return CPUS_RUN("cpus_groups", TEST_CASE(looks_at_machines), TEST_CASE(reads_odd_files),
                    TEST_CASE(reads_odd_groups), TEST_CASE(survives_damage),
                    TEST_CASE(reads_long_lines), TEST_CASE(cuts_no_names),
                    TEST_CASE(takes_long_roots));
}
