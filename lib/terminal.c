/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/terminal.c: terminals. */

#include <weir/terminal.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool weir_terminal_is(int fd)
{
    const int error = errno;
    const bool is = isatty(fd) != 0;

    errno = error;
    return is;
}

int weir_terminal_size(int fd, unsigned *columns, unsigned *rows)
{
    const int error = errno;
    struct winsize size;
    int status = 0;

    if (ioctl(fd, TIOCGWINSZ, &size) != 0) {
        status = -errno;
        errno = error;
        return status;
    }
    if (columns != NULL)
        *columns = size.ws_col;
    if (rows != NULL)
        *rows = size.ws_row;
    return 0;
}

/* ---- a file of one's own ---- */

int weir_terminal_reopen(int fd)
{
    char path[32];
    struct termios mode;
    int opened;

    if (tcgetattr(fd, &mode) != 0)
        return -errno;
    if (ptsname_r(fd, path, sizeof path) == 0) /* opened anew it would be of another pair */
        return -EINVAL;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    do
        opened = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    while (opened < 0 && errno == EINTR);
    return opened >= 0 ? opened : -errno;
}

/* ---- modes ---- */

/* Whether another process group is in the foreground. If it is not the process's terminal nobody
 * is, though the other side of a pseudo-terminal tells the group of its session, or 0. */
static bool is_in_background(int fd)
{
    const pid_t foreground = tcgetpgrp(fd);

    return foreground >= 0 && foreground != getpgrp() && tcgetsid(fd) == getsid(0);
}

static int change(int fd, const struct termios *mode)
{
    int status;

    if (is_in_background(fd))
        return -EBUSY;
    do
        status = tcsetattr(fd, TCSANOW, mode);
    while (status != 0 && errno == EINTR);
    return status == 0 ? 0 : -errno;
}

int weir_terminal_init(weir_terminal *terminal, int fd)
{
    terminal->fd = fd;
    return tcgetattr(fd, &terminal->before) == 0 ? 0 : -errno;
}

int weir_terminal_set(weir_terminal *terminal, weir_terminal_mode mode)
{
    struct termios wanted = terminal->before;

    WEIR_REQUIRE((unsigned)mode <= WEIR_TERMINAL_RAW, "not a mode");
    if (mode != WEIR_TERMINAL_NORMAL) {
        wanted.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        wanted.c_cc[VMIN] = 1;
        wanted.c_cc[VTIME] = 0;
    }
    if (mode == WEIR_TERMINAL_RAW) {
        wanted.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | INPCK | ISTRIP | INLCR | IGNCR |
                                      ICRNL | IXON | IXOFF);
        wanted.c_oflag &= ~(tcflag_t)OPOST;
        wanted.c_lflag &= ~(tcflag_t)(ECHONL | ISIG | IEXTEN);
        wanted.c_cflag = (wanted.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    }
    return change(terminal->fd, &wanted);
}

int weir_terminal_restore(const weir_terminal *terminal)
{
    const int error = errno;
    const int status = change(terminal->fd, &terminal->before);

    errno = error;
    return status;
}
