/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/terminal.h, on pseudo-terminals: a file of one's own, modes, what is put back and when, the
 * size. */

#include "stream.h"

#include <weir/signal.h>
#include <weir/terminal.h>

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>

/* ---- pseudo-terminals ---- */

typedef struct pair {
    int master, slave;
} pair;

static pair open_pair(void)
{
    const char *name;
    pair p;

    p.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(p.master >= 0 && grantpt(p.master) == 0 && unlockpt(p.master) == 0);
    name = ptsname(p.master);
    CHECK(name != NULL);
    p.slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(p.slave >= 0);
    return p;
}

static void close_both(pair p)
{
    CHECK(close(p.slave) == 0 && close(p.master) == 0);
}

static struct termios mode_of(int fd)
{
    struct termios mode;

    memset(&mode, 0, sizeof mode); /* the kernel has fewer characters than some C libraries */
    CHECK(tcgetattr(fd, &mode) == 0);
    return mode;
}

static bool is_same(const struct termios *a, const struct termios *b)
{
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
           a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof a->c_cc) == 0;
}

/* Something that no default is. */
static struct termios make_strange(int fd)
{
    struct termios mode = mode_of(fd);

    mode.c_iflag ^= IXANY | ICRNL;
    mode.c_lflag ^= ECHOK;
    mode.c_cc[VERASE] = 'x';
    mode.c_cc[VMIN] = 3;
    mode.c_cc[VTIME] = 7;
    CHECK(tcsetattr(fd, TCSANOW, &mode) == 0);
    return mode_of(fd);
}

static bool is_readable(int fd)
{
    struct pollfd ready = {fd, POLLIN, 0};

    return poll(&ready, 1, 0) == 1;
}

/* Returns: the byte that comes there. */
static int byte_from(int fd)
{
    struct pollfd ready = {fd, POLLIN, 0};
    unsigned char byte;

    CHECK(poll(&ready, 1, -1) == 1);
    CHECK_EQ(read(fd, &byte, 1), 1);
    return byte;
}

/* In a session of its own, whose terminal that is. Returns: its status. */
static int in_a_session(pair p, int (*run)(pair p))
{
    pid_t child;
    int status;

    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(setsid() >= 0 && ioctl(p.slave, TIOCSCTTY, 0) == 0);
        _exit(run(p));
    }
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- what it is ---- */

static void terminals_are_told_from_others(void)
{
    const pair p = open_pair();
    unsigned columns = 7, rows = 8;
    weir_terminal terminal;
    int ends[2];

    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    CHECK(weir_terminal_is(p.slave) && weir_terminal_is(p.master));
    errno = 77;
    CHECK(!weir_terminal_is(ends[0]) && !weir_terminal_is(-1));
    CHECK_EQ(weir_terminal_size(ends[0], &columns, &rows), -ENOTTY);
    CHECK_EQ(weir_terminal_size(-1, &columns, &rows), -EBADF);
    CHECK_EQ(errno, 77);
    CHECK(columns == 7 && rows == 8);
    CHECK_EQ(weir_terminal_init(&terminal, ends[0]), -ENOTTY);
    CHECK_EQ(weir_terminal_init(&terminal, -1), -EBADF);
    CHECK_EQ(weir_terminal_reopen(ends[0]), -ENOTTY);
    CHECK_EQ(weir_terminal_reopen(-1), -EBADF);
    CHECK_EQ(weir_terminal_reopen(p.master), -EINVAL);
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    close_both(p);
}

static void the_size_is_told(void)
{
    const struct winsize size = {50, 132, 0, 0};
    const pair p = open_pair();
    unsigned columns = 7, rows = 8;

    CHECK_EQ(weir_terminal_size(p.slave, &columns, &rows), 0);
    CHECK(columns == 0 && rows == 0); /* nobody has said it */
    CHECK(ioctl(p.master, TIOCSWINSZ, &size) == 0);
    CHECK_EQ(weir_terminal_size(p.slave, &columns, NULL), 0);
    CHECK_EQ(weir_terminal_size(p.slave, NULL, &rows), 0);
    CHECK(columns == 132 && rows == 50);
    close_both(p);
}

static void after_a_hang_up_nothing_is_there(void)
{
    const pair p = open_pair();
    unsigned columns;
    weir_terminal terminal;

    CHECK_EQ(weir_terminal_init(&terminal, p.slave), 0);
    CHECK(close(p.master) == 0);
    CHECK_EQ(weir_terminal_set(&terminal, WEIR_TERMINAL_RAW), -EIO);
    CHECK_EQ(weir_terminal_restore(&terminal), -EIO);
    CHECK_EQ(weir_terminal_init(&terminal, p.slave), -EIO);
    CHECK_EQ(weir_terminal_size(p.slave, &columns, NULL), -EIO);
    CHECK_EQ(weir_terminal_reopen(p.slave), -EIO);
    CHECK(close(p.slave) == 0);
    CHECK_EQ(weir_terminal_restore(&terminal), -EBADF);
}

/* ---- a file of one's own ---- */

static void the_shells_file_goes_on_to_block(void)
{
    const pair p = open_pair();
    weir_loop *const loop = make(NULL);
    weir_terminal terminal;
    int fd;
    talker t;

    CHECK(dup2(p.slave, 234) == 234); /* more than one digit */
    fd = weir_terminal_reopen(234);
    CHECK(fd >= 0);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    CHECK_EQ(weir_terminal_init(&terminal, p.slave), 0);
    CHECK_EQ(weir_terminal_set(&terminal, WEIR_TERMINAL_CBREAK), 0);
    open_file(&t, loop, fd);
    t.checked = 0;
    start_reading(&t);
    CHECK_EQ(fcntl(p.slave, F_GETFL) & O_NONBLOCK, 0);
    CHECK_EQ(write(p.master, "k", 1), 1);
    UNTIL(loop, t.bytes == 1); /* no line, a key */
    CHECK_EQ(t.first[0], 'k');
    CHECK_EQ(QUIET(weir_stream_try_write(&t.stream, "w", 1)), 1);
    CHECK_EQ(byte_from(p.master), 'w'); /* and no k */
    CHECK_EQ(weir_terminal_restore(&terminal), 0);
    close_all(&t, -1);
    CHECK(close(234) == 0);
    close_both(p);
}

static void without_descriptors_none_is_opened(void)
{
    const pair p = open_pair();
    struct rlimit limit, none;

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    none = limit;
    none.rlim_cur = 0;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CHECK_EQ(weir_terminal_reopen(p.slave), -EMFILE);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    close_both(p);
}

/* ---- modes ---- */

static void what_was_is_put_back_exactly(void)
{
    const pair p = open_pair();
    const struct termios before = make_strange(p.slave);
    struct termios now;
    weir_terminal terminal;

    CHECK_EQ(weir_terminal_init(&terminal, p.slave), 0);
    for (int mode = WEIR_TERMINAL_RAW; mode > WEIR_TERMINAL_NORMAL; mode--) {
        CHECK_EQ(weir_terminal_set(&terminal, (weir_terminal_mode)mode), 0);
        now = mode_of(p.slave);
        CHECK(!is_same(&now, &before));
        CHECK(now.c_cc[VMIN] == 1 && now.c_cc[VTIME] == 0);
        CHECK_EQ(weir_terminal_set(&terminal, WEIR_TERMINAL_NORMAL), 0);
        now = mode_of(p.slave);
        CHECK(is_same(&now, &before));
    }
    /* From one to another, and twice. */
    CHECK_EQ(weir_terminal_set(&terminal, WEIR_TERMINAL_RAW), 0);
    CHECK_EQ(weir_terminal_set(&terminal, WEIR_TERMINAL_CBREAK), 0);
    now = mode_of(p.slave);
    CHECK((now.c_lflag & ISIG) != 0 && (now.c_lflag & (ICANON | ECHO)) == 0);
    CHECK_EQ(now.c_oflag, before.c_oflag);
    CHECK_EQ(now.c_iflag, before.c_iflag);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(weir_terminal_restore(&terminal), 0);
        now = mode_of(p.slave);
        CHECK(is_same(&now, &before));
    }
    CHECK_DIES((void)!weir_terminal_set(&terminal, (weir_terminal_mode)3), "not a mode");
    close_both(p);
}

static void keys_come_at_once(void)
{
    static const unsigned char keys[] = {'\r', 3, 17, 255};
    const pair p = open_pair();
    weir_terminal terminal;

    CHECK_EQ(weir_terminal_init(&terminal, p.slave), 0);
    CHECK_EQ(write(p.master, "a", 1), 1);
    CHECK_EQ(byte_from(p.master), 'a'); /* shown */
    CHECK(!is_readable(p.slave));       /* there is no line yet */
    CHECK_EQ(weir_terminal_set(&terminal, WEIR_TERMINAL_CBREAK), 0);
    CHECK_EQ(byte_from(p.slave), 'a'); /* what has been typed stays */
    CHECK_EQ(write(p.master, "b\r", 2), 2);
    CHECK_EQ(byte_from(p.slave), 'b');
    CHECK_EQ(byte_from(p.slave), '\n'); /* as it was set before */
    CHECK_EQ(write(p.slave, "\n", 1), 1);
    CHECK_EQ(byte_from(p.master), '\r'); /* the same; and nothing was shown */
    CHECK_EQ(byte_from(p.master), '\n');
    CHECK_EQ(weir_terminal_set(&terminal, WEIR_TERMINAL_RAW), 0);
    CHECK_EQ(write(p.master, keys, sizeof keys), sizeof keys);
    for (unsigned i = 0; i < sizeof keys; i++)
        CHECK_EQ(byte_from(p.slave), keys[i]);
    CHECK_EQ(write(p.slave, "\n!", 2), 2);
    CHECK_EQ(byte_from(p.master), '\n');
    CHECK_EQ(byte_from(p.master), '!');
    close_both(p);
}

/* ---- the end ---- */

static weir_terminal of_handler;

static void restore_at_exit(void)
{
    (void)weir_terminal_restore(&of_handler);
}

static void restore_and_go_on(int number)
{
    (void)number;
    errno = 77;
    (void)weir_terminal_restore(&of_handler);
    CHECK_EQ(errno, 77);
}

static int exit_in_raw_mode(pair p)
{
    CHECK_EQ(weir_terminal_init(&of_handler, p.slave), 0);
    CHECK(atexit(restore_at_exit) == 0);
    CHECK_EQ(weir_terminal_set(&of_handler, WEIR_TERMINAL_RAW), 0);
    exit(5);
}

static int die_in_raw_mode(pair p)
{
    CHECK_EQ(weir_terminal_init(&of_handler, p.slave), 0);
    CHECK_EQ(weir_terminal_set(&of_handler, WEIR_TERMINAL_RAW), 0);
    CHECK(signal(SIGTERM, restore_and_go_on) != SIG_ERR);
    CHECK(raise(SIGTERM) == 0);
    CHECK(signal(SIGTERM, SIG_DFL) != SIG_ERR);
    CHECK(raise(SIGTERM) == 0);
    return 1;
}

/* The master is looked at: the slave is hung up when its session ends. */
static void what_was_is_put_back_at_the_end(void)
{
    static int (*const ends[])(pair p) = {exit_in_raw_mode, die_in_raw_mode};

    for (int i = 0; i < 2; i++) {
        const pair p = open_pair();
        const struct termios before = make_strange(p.slave);
        struct termios now;

        CHECK_EQ(in_a_session(p, ends[i]), i == 0 ? 5 : -SIGTERM);
        now = mode_of(p.master);
        CHECK(is_same(&now, &before));
        close_both(p);
    }
}

/* ---- the foreground, and signals ---- */

static int try_in_background(pair p)
{
    weir_terminal terminal;
    int status;
    pid_t child;

    CHECK_EQ(weir_terminal_init(&terminal, p.slave), 0);
    CHECK_EQ(weir_terminal_set(&terminal, WEIR_TERMINAL_CBREAK), 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(setpgid(0, 0) == 0);
        CHECK_EQ(weir_terminal_set(&terminal, WEIR_TERMINAL_RAW), -EBUSY);
        CHECK_EQ(weir_terminal_restore(&terminal), -EBUSY);
        CHECK((mode_of(p.slave).c_lflag & (ECHO | ISIG)) == ISIG); /* as the foreground has set */
        _exit(0);
    }
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0); /* nor was it stopped */
    CHECK_EQ(weir_terminal_restore(&terminal), 0);
    return 0;
}

static void the_background_changes_nothing(void)
{
    pair p;

    if (test_emulated()) {
        test_skip("the emulator does not pass on which session a terminal is of");
        return;
    }
    p = open_pair();
    CHECK_EQ(in_a_session(p, try_in_background), 0);
    close_both(p);
}

static int change_by_the_other_side(pair p)
{
    const pid_t child = fork();
    weir_terminal terminal;
    int status;

    CHECK(child >= 0);
    if (child != 0) { /* whose session it is */
        CHECK(waitpid(child, &status, 0) == child);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    }
    CHECK(setsid() >= 0);
    CHECK(tcgetpgrp(p.master) > 0);
    CHECK_EQ(weir_terminal_init(&terminal, p.master), 0);
    CHECK_EQ(weir_terminal_set(&terminal, WEIR_TERMINAL_RAW), 0);
    CHECK_EQ(mode_of(p.slave).c_lflag & (ECHO | ICANON), 0);
    CHECK_EQ(weir_terminal_restore(&terminal), 0);
    _exit(0);
}

/* As a program does that has others in a terminal. */
static void the_other_side_changes_it_whoever_is_in_the_foreground(void)
{
    const pair p = open_pair();
    weir_terminal terminal;

    CHECK_EQ(weir_terminal_init(&terminal, p.master), 0); /* nobody is */
    CHECK_EQ(weir_terminal_set(&terminal, WEIR_TERMINAL_RAW), 0);
    CHECK_EQ(mode_of(p.slave).c_lflag & (ECHO | ICANON), 0);
    CHECK_EQ(weir_terminal_restore(&terminal), 0);
    CHECK_EQ(in_a_session(p, change_by_the_other_side), 0);
    close_both(p);
}

static unsigned new_columns;
static int watched_terminal;

static void on_size(weir_signal *watcher, int number)
{
    CHECK_EQ(number, SIGWINCH);
    CHECK_EQ(weir_terminal_size(watched_terminal, &new_columns, NULL), 0);
    CHECK_EQ(weir_signal_stop(watcher, NULL), 0);
}

static int change_size(pair p)
{
    const struct winsize size = {50, 132, 0, 0};
    weir_loop *const loop = make(NULL);
    weir_signal watcher;

    watched_terminal = p.slave;
    CHECK_EQ(weir_signal_start(&watcher, loop, SIGWINCH, on_size, false), 0);
    CHECK(ioctl(p.master, TIOCSWINSZ, &size) == 0);
    run_to_the_end(loop);
    CHECK_EQ(new_columns, 132);
    end(loop);
    return 0;
}

static void a_loop_is_told_of_another_size(void)
{
    const pair p = open_pair();

    CHECK_EQ(in_a_session(p, change_size), 0);
    close_both(p);
}

int main(void)
{
    return TEST_RUN(
        "terminal", TEST_CASE(terminals_are_told_from_others), TEST_CASE(the_size_is_told),
        TEST_CASE(after_a_hang_up_nothing_is_there), TEST_CASE(the_shells_file_goes_on_to_block),
        TEST_CASE(without_descriptors_none_is_opened), TEST_CASE(what_was_is_put_back_exactly),
        TEST_CASE(keys_come_at_once), TEST_CASE(what_was_is_put_back_at_the_end),
        TEST_CASE(the_background_changes_nothing),
        TEST_CASE(the_other_side_changes_it_whoever_is_in_the_foreground),
        TEST_CASE(a_loop_is_told_of_another_size));
}
