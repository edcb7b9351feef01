/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/child.c: children, made by posix_spawn(3). Its list of dup2(2) may overwrite a descriptor
 * that a later one is to come from: so each is first copied to a number above all targets. */

#include "child.h"
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Newer than some C libraries; the numbers are every machine's, but for alpha's. */
#if !defined(SYS_pidfd_open) && !defined(__alpha__)
#define SYS_pidfd_open 434
#define SYS_pidfd_send_signal 424
#endif

extern char **environ;

bool weir__child_by_signal;

static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
    if (!weir__child_by_signal)
        return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
#endif
    errno = ENOSYS;
    return -1;
}

/* ---- the end ---- */

static void finish(weir_signal *watcher)
{
    weir_child *const child =
        (weir_child *)(void *)((char *)watcher - offsetof(weir_child, sigchld));

    child->ended(child, child->status);
}

/* Returns: whether it has ended. */
static bool reap(weir_child *child)
{
    pid_t pid;

    do
        pid = waitpid(child->pid, &child->status, WNOHANG);
    while (pid < 0 && errno == EINTR);
    if (pid == 0)
        return false;
    if (pid < 0)
        child->status = -ECHILD;
    child->running = false;
    return true;
}

static void on_pidfd(weir_poll *poll, unsigned ready)
{
    weir_child *const child = (weir_child *)(void *)poll;

    (void)ready;
    if (!reap(child))
        return;
    (void)weir_poll_stop(poll);
    (void)close(poll->fd);
    child->ended(child, child->status);
}

static void on_sigchld(weir_signal *watcher, int number)
{
    weir_child *const child =
        (weir_child *)(void *)((char *)watcher - offsetof(weir_child, sigchld));

    (void)number;
    if (child->running && reap(child))
        (void)weir_signal_stop(watcher, finish);
}

/* ---- the start ---- */

typedef struct plan {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    const weir_child_options *options;
    int *copies; /* of the descriptors: -1, or above all targets */
    unsigned count;
} plan;

static int wanted_fd(const weir_child_options *options, unsigned target)
{
    return target < 3 ? options->fds[target] : options->more_fds[target - 3];
}

static int add_fd(plan *p, unsigned target)
{
    const int fd = wanted_fd(p->options, target), to = (int)target;

    if (fd == WEIR_CHILD_NULL)
        return posix_spawn_file_actions_addopen(&p->actions, to, "/dev/null", O_RDWR, 0);
    if (fd == WEIR_CHILD_INHERIT) /* of the same number: is no longer closed by execve(2) */
        return target < 3 ? 0 : posix_spawn_file_actions_adddup2(&p->actions, to, to);
    p->copies[target] = fcntl(fd, F_DUPFD_CLOEXEC, (int)p->count);
    if (p->copies[target] < 0)
        return errno;
    return posix_spawn_file_actions_adddup2(&p->actions, p->copies[target], to);
}

static int set_attributes(plan *p)
{
    sigset_t none, pipes;
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;

    sigemptyset(&none);
    sigemptyset(&pipes);
    sigaddset(&pipes, SIGPIPE);
#ifdef POSIX_SPAWN_SETSID
    if (p->options->session)
        flags = (short)(flags | POSIX_SPAWN_SETSID);
#else
    if (p->options->session)
        return ENOTSUP;
#endif
    (void)posix_spawnattr_setsigmask(&p->attributes, &none);
    (void)posix_spawnattr_setsigdefault(&p->attributes, &pipes);
    return posix_spawnattr_setflags(&p->attributes, flags);
}

static int fill(plan *p)
{
    const weir_child_options *const options = p->options;
    int error = set_attributes(p);

    for (unsigned i = 0; i < p->count && error == 0; i++)
        error = add_fd(p, i);
    if (error == 0 && options->directory != NULL)
        error = posix_spawn_file_actions_addchdir_np(&p->actions, options->directory);
    return error;
}

/* Returns: 0, or a positive errno. */
static int spawn(plan *p, pid_t *pid)
{
    const weir_child_options *const options = p->options;
    char *name[] = {(char *)(uintptr_t)options->file, NULL};
    int error = fill(p);

    if (error == 0)
        error = posix_spawnp(pid, options->file, &p->actions, &p->attributes,
                             options->arguments != NULL ? options->arguments : name,
                             options->environment != NULL ? options->environment : environ);
    return error;
}

static int make(const weir_child_options *options, pid_t *pid)
{
    plan p;
    int error;

    p.options = options;
    p.count = 3 + options->more_count;
    p.copies = (int *)weir_alloc(p.count * sizeof *p.copies, sizeof *p.copies);
    if (p.copies == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < p.count; i++)
        p.copies[i] = -1;
    error = posix_spawn_file_actions_init(&p.actions);
    if (error == 0) {
        error = posix_spawnattr_init(&p.attributes);
        if (error == 0) {
            error = spawn(&p, pid);
            (void)posix_spawnattr_destroy(&p.attributes);
        }
        (void)posix_spawn_file_actions_destroy(&p.actions);
    }
    for (unsigned i = 0; i < p.count; i++)
        if (p.copies[i] >= 0)
            (void)close(p.copies[i]);
    weir_release(p.copies, p.count * sizeof *p.copies);
    return -error;
}

/* Watches a child that runs. Returns: 0; a negative errno: then SIGCHLD has to do. */
static int watch(weir_child *child, bool background)
{
    const int fd = open_pidfd(child->pid);
    int status;

    if (fd < 0)
        return -errno;
    weir_poll_init(&child->poll, child->poll.loop, fd, on_pidfd);
    weir_poll_background(&child->poll, background);
    status = weir_poll_start(&child->poll, WEIR_POLL_READ);
    if (status != 0)
        (void)close(fd);
    return status;
}

/* Without a descriptor: looks at each SIGCHLD, and once before. */
static int watch_signal(weir_child *child, bool background)
{
    const int status =
        weir_signal_start(&child->sigchld, child->poll.loop, SIGCHLD, on_sigchld, background);

    if (status == 0)
        weir__signal_ring(&child->sigchld);
    return status;
}

int weir_child_start(weir_child *child, weir_loop *loop, const weir_child_options *options,
                     void (*ended)(weir_child *child, int status))
{
    int status;

    WEIR_REQUIRE(ended != NULL, "a child without a function");
    if (options->file == NULL)
        return -EINVAL;
    memset(child, 0, sizeof *child);
    child->poll.loop = loop;
    child->ended = ended;
    status = make(options, &child->pid);
    if (status != 0)
        return status;
    child->running = true;
    child->polled = watch(child, options->background) == 0;
    if (child->polled)
        return 0;
    status = watch_signal(child, options->background);
    if (status != 0) { /* nobody would hear of its end */
        (void)kill(child->pid, SIGKILL);
        (void)waitpid(child->pid, NULL, 0);
        child->running = false;
    }
    return status;
}

int weir_child_kill(weir_child *child, int number)
{
    if (!child->running)
        return -ESRCH;
#ifdef SYS_pidfd_open
    if (child->polled)
        return syscall(SYS_pidfd_send_signal, child->poll.fd, number, NULL, 0) == 0 ? 0 : -errno;
#endif
    return kill(child->pid, number) == 0 ? 0 : -errno;
}

pid_t weir_child_pid(const weir_child *child)
{
    return child->running ? child->pid : 0;
}
