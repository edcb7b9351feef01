/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/cpus.h: the affinity, what a quota is in CPUs, and the number that is kept; the machines are
 * in tests/cpus_groups.c. */

#include "cpus.h"
#include "process.h"

#include <weir/atomic.h>

#include <pthread.h>

/* ---- quotas ---- */

static void reads_numbers(void)
{
    static const struct {
        const char *quota, *period;
        uint64_t millis;
        unsigned usable;
    } limits[] = {
        {"100000", "100000", 1000, 1},
        {"100001", "100000", 1001, 2},
        {"99999", "100000", 1000, 1},
        {"150000", "100000", 1500, 2},
        {"190000", "100000", 1900, 2},
        {"200000", "100000", 2000, 2},
        {"30000", "100000", 300, 1},
        {"100000", "300000", 334, 1},
        {"1", "1000000", 1, 1},
        {"1", "9000000000000000", 1, 1},
        {"6300001", "100000", 63001, 64},
        {"4294967297000000", "1000000", UINT64_C(4294967297000), 64}, /* 2^32 + 1 */
        {"17592186044415", "1000000", 17592186045, 64}, /* the most that Linux takes */
        {"9000000000000000", "1", UINT64_C(9000000000000000000), 64},
        {"9000000000000000", "9000000000000000", 1000, 1},
        {"00100000", "100000", 1000, 1},
        /* no limits */
        {"max", "100000", 0, 64},
        {"-1", "100000", 0, 64},
        {"-100000", "100000", 0, 64},
        {"100000", "-100000", 0, 64},
        {"0", "100000", 0, 64},
        {"100000", "0", 0, 64},
        {"0", "0", 0, 64},
        {"", "100000", 0, 64},
        {"100000", "", 0, 64},
        {"", "", 0, 64},
        {"+1", "1", 0, 64},
        {" 1", "1", 0, 64},
        {"1e5", "100000", 0, 64},
        {"0x10", "16", 0, 64},
        {"1.5", "1", 0, 64},
        {"100000x", "100000", 0, 64},
        {"100000", "100000x", 0, 64},
        {"maximal", "100000", 0, 64},
        {"9999999999999999", "1", 0, 64},
        {"18446744073709551616", "100000", 0, 64},
        {"18446744073709651616", "100000", 0, 64}, /* 2^64 + 100000 */
        {"100000", "18446744073709651616", 0, 64},
        {"100000", "99999999999999999999999999999999999999999", 0, 64},
    };
    char text[128];

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        new_group("0::/a\n");
        snprintf(text, sizeof text, "%s %s\n", limits[i].quota, limits[i].period);
        put(V2 "/a" MAX, text);
        expect(text, limits[i].millis, limits[i].usable);
        new_group("4:cpu:/a\n");
        put(V2 "/a" PERIOD, limits[i].period);
        snprintf(text, sizeof text, "%s\n", limits[i].quota);
        put(V2 "/a" QUOTA, text);
        expect(text, limits[i].millis, limits[i].usable);
    }
}

/* ---- signals, and what comes in pieces ---- */

static WEIR_ATOMIC(unsigned) handled;

static void handle(int signal)
{
    (void)signal;
    weir_atomic_fetch_add(&handled, 1, WEIR_RELAXED); /* relaxed: a number. */
}

static void storm(pthread_t target)
{
    for (int i = 0; i < 50; i++) {
        const unsigned seen = weir_atomic_load(&handled, WEIR_RELAXED); /* relaxed: a number. */

        CHECK(pthread_kill(target, SIGUSR1) == 0);
        while (weir_atomic_load(&handled, WEIR_RELAXED) == seen) /* relaxed: a number. */
            sched_yield();
    }
}

/* Writes cpu.max, a pipe, to the thread that waits for it in open() and read(). */
static void *write_slowly(void *reader)
{
    static const char text[] = "150000 100000\n";
    int fd;

    storm(*(const pthread_t *)reader);
    fd = open(place(V2 "/a" MAX), O_WRONLY);
    CHECK(fd >= 0);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        storm(*(const pthread_t *)reader);
        CHECK(write(fd, text + i, 1) == 1);
    }
    storm(*(const pthread_t *)reader);
    close(fd);
    return NULL;
}

static void signals_end_no_read(void)
{
    pthread_t reader = pthread_self(), writer;
    struct sigaction action;

#ifdef WEIR_TSAN
    test_skip("the sanitizer keeps signals back");
    return;
#endif
    memset(&action, 0, sizeof action);
    action.sa_handler = handle;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    new_group("0::/a\n");
    CHECK(mkfifo(place(V2 "/a" MAX), 0600) == 0);
    CHECK(pthread_create(&writer, NULL, write_slowly, &reader) == 0);
    expect("a pipe", 1500, 2);
    CHECK(pthread_join(writer, NULL) == 0);
}

static void leaves_no_file_open(void)
{
    const int before = open("/dev/null", O_RDONLY);
    int after[2];

    close(before);
    new_group("4:cpu:/a\n0::/a\n");
    put(V2 "/a" MAX, "150000 100000\n");
    put(V2 "/a" QUOTA, "100\n");
    put(V2 "/a" PERIOD, "100\n");
    expect("both", 1000, 1);
    for (int i = 0; i < 2; i++) {
        after[i] = open("/dev/null", O_RDONLY);
        CHECK_EQ(after[i], before + i);
    }
    close(after[0]);
    close(after[1]);
}

/* Looks at the descriptor of cpu.max, a pipe, while the other thread reads from it. */
static void *look_at_reader(void *unused)
{
    static const char text[] = "150000 100000\n";
    const int fd = open(place(V2 "/a" MAX), O_WRONLY | O_CLOEXEC);

    (void)unused;
    CHECK(fd >= 0);
    CHECK_EQ(fcntl(process_other_descriptor(fd), F_GETFD), FD_CLOEXEC);
    CHECK(write(fd, text, sizeof text - 1) == sizeof text - 1);
    close(fd);
    return NULL;
}

static void other_programs_inherit_no_file(void)
{
    pthread_t looker;

    new_group("0::/a\n");
    CHECK(mkfifo(place(V2 "/a" MAX), 0600) == 0);
    CHECK(pthread_create(&looker, NULL, look_at_reader, NULL) == 0);
    expect("a pipe", 1500, 2);
    CHECK(pthread_join(looker, NULL) == 0);
}

/* ---- affinity ---- */

static unsigned affinity(size_t bits, unsigned cpus, int error)
{
    weir_cpus_info info;

    set_fake(bits, cpus, error);
    info = look();
    CHECK_EQ(info.quota_millis, 0);
    CHECK_EQ(info.usable, info.affinity);
    set_fake(64, 64, 0);
    return info.affinity;
}

static void counts_the_affinity(void)
{
    static const size_t bits[] = {64, 1024, 1088, 4096, 8192, 8256, 16384, 16448, 131072};

    new_tree();
    test_alloc_fail_at(0);
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        CHECK_EQ(affinity(bits[i], 1, 0), 1);
        CHECK_EQ(affinity(bits[i], 63, 0), 63);
        CHECK_EQ(affinity(bits[i], (unsigned)bits[i], 0), bits[i]);
        CHECK_EQ(test_alloc_live, 0);
    }
    CHECK_EQ(affinity(131072 + 64, 63, 0), online());
    test_alloc_fail_at(0);
    CHECK_EQ(affinity(64, 63, ENOSYS), online());
    CHECK_EQ(affinity(64, 63, EPERM), online());
    CHECK_EQ(test_alloc_calls, 0);
    CHECK_EQ(affinity(64, 63, EINVAL), online());
    CHECK_EQ(test_alloc_live, 0);
}

static void does_without_memory(void)
{
    new_tree();
    for (size_t nr = 1; nr <= 3; nr++) {
        test_alloc_fail_at(nr);
        CHECK_EQ(affinity(16448, 63, 0), nr <= 2 ? online() : 63);
        CHECK_EQ(test_alloc_live, 0);
    }
    test_alloc_fail_at(1);
    CHECK_EQ(affinity(8192, 63, 0), 63);
    CHECK_EQ(test_alloc_calls, 0);
    weir_set_allocator(NULL);
}

/* ---- the number that is kept ---- */

static void refresh_to_one(void)
{
    const unsigned before = fake.cpus;

    fake.cpus = 1;
    CHECK_EQ(weir_cpus_refresh(), 1);
    fake.cpus = before;
}

/* Runs first: nobody has called weir_cpus() before. */
static void a_refresh_beats_the_first_look(void)
{
    fake.hook = refresh_to_one;
    CHECK_EQ(weir_cpus(), 1);
    CHECK(fake.hook == NULL);
    CHECK_EQ(weir_cpus(), 1);
}

static void keeps_the_number(void)
{
    weir_cpus_info info;

    refresh_to_one();
    weir_cpus_read(&info);
    CHECK_EQ(info.affinity, 64);
    CHECK_EQ(weir_cpus(), 1);
    weir_cpus_read_at(tree, &info);
    CHECK_EQ(weir_cpus(), 1);
    fake.hook = refresh_to_one;
    CHECK_EQ(weir_cpus(), 1);
    CHECK(fake.hook != NULL); /* it has not looked */
    fake.hook = NULL;
}

/* The thread's own affinity, and the kernel's answer. */
static void follows_the_affinity(void)
{
    unsigned long all[1024], one[1024] = {0};
    const long bytes = syscall(SYS_sched_getaffinity, 0, sizeof all, all);
    size_t word = 0;
    weir_cpus_info info;

    CHECK(bytes > 0);
    while (all[word] == 0)
        word++;
    one[word] = all[word] & -all[word];
    set_fake(64, 0, 0);
    CHECK(syscall(SYS_sched_setaffinity, 0, (size_t)bytes, one) == 0);
    CHECK_EQ(weir_cpus_refresh(), 1);
    weir_cpus_read(&info);
    CHECK_EQ(info.affinity, 1);
    CHECK_EQ(info.usable, 1);
    CHECK(syscall(SYS_sched_setaffinity, 0, (size_t)bytes, all) == 0);
    CHECK_EQ(weir_cpus(), 1);
    set_fake(64, 64, 0);
}

/* With a tree for root directory: what is read without a name is in it. */
static void follows_in_child(void)
{
    weir_cpus_info info;

    if (chroot(tree) != 0 && (unshare(CLONE_NEWUSER) != 0 || chroot(tree) != 0))
        _exit(TEST_SKIPPED);
    tree[0] = '\0';
    CHECK_EQ(weir_cpus_refresh(), 2);
    CHECK_EQ(weir_cpus(), 2);
    put(V2 "/a" MAX, "250000 100000\n");
    CHECK_EQ(weir_cpus(), 2);
    weir_cpus_read(&info);
    CHECK_EQ(info.usable, 3);
    CHECK_EQ(weir_cpus(), 2);
    CHECK_EQ(weir_cpus_refresh(), 3);
    CHECK_EQ(weir_cpus(), 3);
    put(V2 "/a" MAX, "max 100000\n");
    CHECK_EQ(weir_cpus_refresh(), 64);
    _exit(0);
}

static void follows_the_quota(void)
{
    pid_t child;
    int status;

    new_group("0::/a\n");
    put(V2 "/a" MAX, "150000 100000\n");
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0)
        follows_in_child();
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == TEST_SKIPPED)
        test_skip("no other root directory for this user");
    else
        CHECK_EQ(status, 0);
}

int main(void)
{
    return CPUS_RUN("cpus", TEST_CASE(a_refresh_beats_the_first_look), TEST_CASE(keeps_the_number),
                    TEST_CASE(reads_numbers), TEST_CASE(signals_end_no_read),
                    TEST_CASE(leaves_no_file_open), TEST_CASE(other_programs_inherit_no_file),
                    TEST_CASE(counts_the_affinity), TEST_CASE(does_without_memory),
                    TEST_CASE(follows_the_affinity), TEST_CASE(follows_the_quota));
}
