/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/observe.h: names and numbers in the file, who writes it and what comes in between, and what
 * the child of a fork has; the rest is in tests/observe.c. */

#define WEIR_TRACE 1
#include "observe.h"
#include "process.h"

#include <weir/clock.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

/* ---- names and numbers ---- */

static void escapes_names(void)
{
    static const char *const strings[][2] = {
        {"", "\"\""},
        {NULL, "\"\""},
        {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
        {"\x01\n\x1f\x7f", "\"\\u0001\\u000a\\u001f\x7f\""},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xed\x9f\xbf", NULL}, /* as it is */
        {"\xff\xc3", "\"\\ufffd\\ufffd\""},
        {"\xc0\xaf", "\"\\ufffd\\ufffd\""},                       /* longer than needed */
        {"\xe0\x9f\xbf", "\"\\ufffd\\ufffd\\ufffd\""},            /* likewise */
        {"\xf0\x8f\xbf\xbf", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* likewise */
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},            /* half of a pair */
        {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* beyond the last one */
        {"\xf0\x9f\x98", "\"\\ufffd\\ufffd\\ufffd\""},            /* cut off */
        {"\xe2\x82x", "\"\\ufffd\\ufffdx\""},
    };
    enum { N = sizeof strings / sizeof strings[0] };
    char same[64];

    begin(64);
    weir_trace_name_thread("the \"main\" one");
    for (size_t i = 0; i < N; i++)
        weir_trace_event(WEIR_TRACE_KIND_BEGIN, strings[i][0], i);
    read_back();
    CHECK_EQ(count, N);
    for (size_t i = 0; i < N; i++) {
        snprintf(same, sizeof same, "\"%s\"", strings[i][0] == NULL ? "" : strings[i][0]);
        CHECK(says(events[i], "name", strings[i][1] == NULL ? same : strings[i][1]));
    }
    CHECK_EQ(named, 1);
    CHECK(says(member(names[0], "args"), "name", "\"the \\\"main\\\" one\""));
    weir_trace_name_thread(NULL);
    read_back();
    CHECK_EQ(named, 0);
    finish();
}

/* Viewers have doubles. */
static void keeps_long_ids(void)
{
    begin(4);
    WEIR_TRACE_BEGIN("a", UINTPTR_MAX);
#if UINTPTR_MAX > UINT32_MAX
    WEIR_TRACE_BEGIN("a", (UINT64_C(1) << 53) - 1);
    WEIR_TRACE_BEGIN("a", UINT64_C(1) << 53);
    read_back();
    CHECK(says(member(events[0], "args"), "id", "\"18446744073709551615\""));
    CHECK(says(member(events[1], "args"), "id", "9007199254740991"));
    CHECK(says(member(events[2], "args"), "id", "\"9007199254740992\""));
#else
    read_back();
    CHECK(says(member(events[0], "args"), "id", "4294967295"));
#endif
    finish();
}

/* In the clock's time, from which that of events is counted. There is none without a trace. */
static void says_when_it_began(void)
{
    uint64_t before, between, after, began;

    before = weir_clock_now();
    begin(4);
    between = weir_clock_now();
    record(1);
    after = weir_clock_now();
    read_back();
    began = start_ns;
    CHECK(before <= began && began <= between);
    CHECK(between <= began + time_of(0) && began + time_of(0) <= after);
    weir_trace_stop();
    read_back();
    CHECK(start_ns == began);
    finish();
    read_back();
    CHECK_EQ(start_ns, 0);
}

/* ---- writing ---- */

static void says_why_it_could_not_write(void)
{
    char path[] = "/tmp/weir-observe-XXXXXX";
    struct rlimit limit;
    rlim_t before;
    int ends[2], fd;
    char byte;

    begin(1024);
    record(1024);
    errno = 1234;
    CHECK_EQ(weir_trace_write("/dev/full"), -ENOSPC);
    CHECK_EQ(weir_trace_write("/no such directory/file"), -ENOENT);
    CHECK_EQ(weir_trace_write_fd(-1), -EBADF);
    CHECK_EQ(errno, 1234);
    signal(SIGPIPE, SIG_IGN);
    make_pipe(ends);
    CHECK(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    CHECK_EQ(weir_trace_write_fd(ends[1]), -EAGAIN);
    CHECK(read(ends[0], &byte, 1) == 1 && byte == '{');
    close(ends[0]);
    CHECK_EQ(weir_trace_write_fd(ends[1]), -EPIPE);
    close(ends[1]);
    fd = mkstemp(path);
    CHECK(fd >= 0 && ftruncate(fd, 1 << 20) == 0);
    CHECK_EQ(weir_trace_write(path), 0); /* overwrites it all */
    CHECK(read(fd, file, sizeof file - 1) > 0);
    CHECK(lseek(fd, 0, SEEK_END) < (off_t)sizeof file);
    file[lseek(fd, 0, SEEK_END)] = '\0';
    close(fd);
    parse();
    CHECK_EQ(count, 1024);
    finish();
    /* A short write, and then an error. */
    signal(SIGXFSZ, SIG_IGN);
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    before = limit.rlim_cur;
    limit.rlim_cur = 100;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK_EQ(weir_trace_write(path), -EFBIG);
    limit.rlim_cur = before;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    unlink(path);
}

static void nothing(int unused)
{
    (void)unused;
}

/* A pipe that is slowly emptied, and a signal each half of a millisecond: writes are interrupted
 * before they begin, and in the middle. */
static void goes_on_after_signals(void)
{
    const struct itimerval each = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    struct sigaction action, before;
    sigset_t alarms;
    pthread_t thread;
    int ends[2];

    begin(2048);
    record(2048);
    memset(&action, 0, sizeof action);
    action.sa_handler = nothing; /* no SA_RESTART */
    CHECK(sigaction(SIGALRM, &action, &before) == 0);
    make_pipe(ends);
    thread = spawn(write_to_pipe, &ends[1]);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    CHECK(pthread_sigmask(SIG_BLOCK, &alarms, NULL) == 0); /* so that the other one gets them */
    CHECK(setitimer(ITIMER_REAL, &each, NULL) == 0);
    usleep(5000);
    drain(ends[0], 700);
    join(thread);
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK(pthread_sigmask(SIG_UNBLOCK, &alarms, NULL) == 0);
    CHECK(sigaction(SIGALRM, &before, NULL) == 0);
    parse();
    CHECK_EQ(count, 2048);
    finish();
}

/* Whoever writes has filled the pipe; and after a while it most likely stands still. */
static void await_full(int fd)
{
    int waiting;

    while (ioctl(fd, FIONREAD, &waiting) == 0 && waiting < fcntl(fd, F_GETPIPE_SZ))
        sched_yield();
    usleep(2000);
}

/* One writes, and cannot go on: others are refused, events are not, and overtake it. A
 * cancellation waits. */
static void one_at_a_time(void)
{
    pthread_t thread;
    int ends[2];

    begin(2048);
    record(2047);
    make_pipe(ends);
    thread = spawn(write_to_pipe, &ends[1]);
    await_full(ends[0]);
    CHECK_EQ(weir_trace_lost(NULL, NULL), -EBUSY);
    CHECK_EQ(weir_trace_write_fd(1), -EBUSY);
    record(1500);
    CHECK(pthread_cancel(thread) == 0);
    CHECK_EQ(weir_trace_free(), -EBUSY); /* stops */
    record(1);
    CHECK_EQ(weir_trace_start(8), -EBUSY);
    drain(ends[0], 4096);
    join(thread);
    parse();
    /* Where the pipe was full there were less than 1499 in the file. */
    CHECK(count >= 2047 - 1499 && count < 2047 && id_of(count - 1) == 2046);
    for (size_t i = 1; i < count; i++)
        CHECK(id_of(i) > id_of(i - 1));
    CHECK_EQ(id_of(count - (2047 - 1499)), 1499); /* the oldest that is not overwritten */
    CHECK_EQ(count + overwritten, 2047);
    read_back();
    CHECK_EQ(count, 2048);
    CHECK_EQ(overwritten, 1499);
    finish();
}

static void *write_to_path(void *path)
{
    CHECK_EQ(weir_trace_write((const char *)path), 0);
    return NULL;
}

/* One writes to a pipe that has a name, and cannot go on. */
static void other_programs_inherit_no_file(void)
{
    char path[] = "/tmp/weir-observe-XXXXXX/pipe";
    char *const slash = strrchr(path, '/');
    pthread_t thread;
    int first, second;

    begin(2048);
    record(2048);
    *slash = '\0';
    CHECK(mkdtemp(path) != NULL);
    *slash = '/';
    CHECK(mkfifo(path, 0600) == 0);
    first = open(path, O_RDWR);
    CHECK(first >= 0 && fcntl(first, F_SETPIPE_SZ, 65536) >= 0);
    thread = spawn(write_to_path, path);
    CHECK_EQ(fcntl(process_other_descriptor(first), F_GETFD), FD_CLOEXEC);
    second = open(path, O_RDONLY);
    CHECK(second >= 0);
    close(first); /* so that the other one comes to an end */
    drain(second, 4096);
    join(thread);
    parse();
    CHECK_EQ(count, 2048);
    unlink(path);
    *slash = '\0';
    rmdir(path);
    finish();
}

/* ---- fork ---- */

static void in_the_child(void)
{
    const size_t inherited = test_alloc_live;

    record(1);
    read_back();
    CHECK_EQ(count + named + overwritten + refused, 0);
    CHECK_EQ(test_alloc_live, inherited);
    CHECK_EQ(weir_trace_start(4), 0);
    CHECK_EQ(test_alloc_live, 0);
    record(5);
    read_back();
    CHECK_EQ(count, 4);
    CHECK_EQ(overwritten, 1);
    CHECK_EQ(weir_trace_free(), 0);
    CHECK_EQ(test_alloc_live, 0);
    _exit(0);
}

static void a_child_begins_empty(void)
{
    pthread_t thread;
    int status = 1;
    pid_t child;

    begin(16);
    CHECK(pthread_barrier_init(&gate, NULL, 2) == 0);
    record(20);
    thread = spawn(record_when_told, NULL);
    meet();
    fflush(stdout);
    child = fork();
    if (child == 0)
        in_the_child();
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    meet();
    meet();
    meet();
    join(thread);
    read_back();
    CHECK_EQ(count, 18);
    CHECK_EQ(overwritten, 4);
    CHECK(pthread_barrier_destroy(&gate) == 0);
    finish();
}

/* Who writes, and cannot go on, is not in the child. */
static void a_child_writes_at_once(void)
{
    pthread_t thread;
    int ends[2], status = 1;
    pid_t child;

    begin(2048);
    record(2048);
    make_pipe(ends);
    thread = spawn(write_to_pipe, &ends[1]);
    await_full(ends[0]);
    fflush(stdout);
    child = fork();
    if (child == 0)
        in_the_child();
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    drain(ends[0], 4096);
    join(thread);
    parse();
    CHECK_EQ(count, 2048);
    finish();
}

int main(void)
{
    return TEST_RUN("observe_file", TEST_CASE(escapes_names), TEST_CASE(keeps_long_ids),
                    TEST_CASE(says_when_it_began), TEST_CASE(says_why_it_could_not_write),
                    TEST_CASE(goes_on_after_signals), TEST_CASE(one_at_a_time),
                    TEST_CASE(other_programs_inherit_no_file), TEST_CASE(a_child_begins_empty),
                    TEST_CASE(a_child_writes_at_once));
}
