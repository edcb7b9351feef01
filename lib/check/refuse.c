/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/refuse.c: what cannot be checked, because it would really block, make a process, or
 * come out otherwise each time: the run is given up with a sentence. Each function outside of a run
 * is the C library's. The system calls of the same names by syscall() are in futex.c. */

#include "posix.h"

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define REFUSED(result, name, parameters, ...)                     \
    result name parameters                                         \
    {                                                              \
        PASS(name, __VA_ARGS__);                                   \
        weir__check_unable(HERE, "%s() cannot be checked", #name); \
    }

/* Those without arguments. */
#define REFUSED_ALONE(result, name)                                \
    result name(void)                                              \
    {                                                              \
        REAL(name);                                                \
        if (weir__check_self < 0)                                  \
            return real();                                         \
        weir__check_unable(HERE, "%s() cannot be checked", #name); \
    }

/* ---- processes ---- */

REFUSED_ALONE(pid_t, fork)

/* The child must not return from here while the parent sleeps in it: fork(2) does as well. */
pid_t vfork(void)
{
    if (weir__check_self < 0)
        return fork();
    weir__check_unable(HERE, "vfork() cannot be checked");
}

REFUSED(int, execve, (const char *path, char *const argv[], char *const envp[]), path, argv, envp)
REFUSED(int, execv, (const char *path, char *const argv[]), path, argv)
REFUSED(int, execvp, (const char *file, char *const argv[]), file, argv)
REFUSED(int, posix_spawn,
        (pid_t *restrict pid, const char *restrict path,
         const posix_spawn_file_actions_t *restrict actions, const posix_spawnattr_t *restrict attr,
         char *const argv[restrict], char *const envp[restrict]),
        pid, path, actions, attr, argv, envp)
REFUSED(int, posix_spawnp,
        (pid_t *restrict pid, const char *restrict file,
         const posix_spawn_file_actions_t *restrict actions, const posix_spawnattr_t *restrict attr,
         char *const argv[restrict], char *const envp[restrict]),
        pid, file, actions, attr, argv, envp)
REFUSED(int, system, (const char *command), command)
REFUSED(FILE *, popen, (const char *command, const char *mode), command, mode)
REFUSED(pid_t, wait, (int *status), status)
REFUSED(pid_t, waitpid, (pid_t pid, int *status, int flags), pid, status, flags)
REFUSED(int, waitid, (idtype_t type, id_t id, siginfo_t *info, int flags), type, id, info, flags)

/* ---- signals and cancellation ---- */

REFUSED_ALONE(int, pause)
REFUSED(int, sigsuspend, (const sigset_t *set), set)
REFUSED(int, sigwait, (const sigset_t *restrict set, int *restrict signal), set, signal)
REFUSED(int, sigwaitinfo, (const sigset_t *restrict set, siginfo_t *restrict info), set, info)
REFUSED(int, sigtimedwait,
        (const sigset_t *restrict set, siginfo_t *restrict info,
         const struct timespec *restrict timeout),
        set, info, timeout)
REFUSED(int, pthread_cancel, (pthread_t thread), thread)
REFUSED(int, pthread_sigqueue, (pthread_t thread, int signal, const union sigval value), thread,
        signal, value)

int pthread_kill(pthread_t thread, int signal)
{
    PASS(pthread_kill, thread, signal);
    if (signal == 0)
        return weir__posix_is_gone(thread, HERE, "pthread_kill") ? ESRCH : 0;
    weir__check_unable(HERE, "pthread_kill() of a signal cannot be checked");
}

/* ---- threads ---- */

REFUSED(int, pthread_tryjoin_np, (pthread_t thread, void **result), thread, result)
REFUSED(int, pthread_timedjoin_np,
        (pthread_t thread, void **result, const struct timespec *deadline), thread, result,
        deadline)
REFUSED(int, pthread_clockjoin_np,
        (pthread_t thread, void **result, clockid_t clock, const struct timespec *deadline), thread,
        result, clock, deadline)
REFUSED(int, pthread_getattr_np, (pthread_t thread, pthread_attr_t *attr), thread, attr)
REFUSED(int, pthread_getname_np, (pthread_t thread, char *name, size_t size), thread, name, size)
REFUSED(int, pthread_getschedparam,
        (pthread_t thread, int *restrict policy, struct sched_param *restrict parameters), thread,
        policy, parameters)
REFUSED(int, pthread_getaffinity_np, (pthread_t thread, size_t size, cpu_set_t *set), thread, size,
        set)
REFUSED(int, pthread_getcpuclockid, (pthread_t thread, clockid_t *clock), thread, clock)
REFUSED(int, sem_close, (sem_t * sem), sem)

sem_t *sem_open(const char *name, int flags, ...)
{
    va_list arguments;
    mode_t mode;
    unsigned value;

    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    value = va_arg(arguments, unsigned);
    va_end(arguments);
    PASS(sem_open, name, flags, mode, value);
    weir__check_unable(HERE, "sem_open() cannot be checked");
}

/* ---- waiting for descriptors ---- */

REFUSED(int, poll, (struct pollfd * fds, nfds_t count, int timeout), fds, count, timeout)
REFUSED(int, ppoll,
        (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
        fds, count, timeout, mask)
REFUSED(int, select,
        (int count, fd_set *restrict in, fd_set *restrict out, fd_set *restrict except,
         struct timeval *restrict timeout),
        count, in, out, except, timeout)
REFUSED(int, pselect,
        (int count, fd_set *restrict in, fd_set *restrict out, fd_set *restrict except,
         const struct timespec *restrict timeout, const sigset_t *restrict mask),
        count, in, out, except, timeout, mask)
REFUSED(int, epoll_wait, (int fd, struct epoll_event *events, int most, int timeout), fd, events,
        most, timeout)
REFUSED(int, epoll_pwait,
        (int fd, struct epoll_event *events, int most, int timeout, const sigset_t *mask), fd,
        events, most, timeout, mask)

REFUSED(int, accept, (int fd, __SOCKADDR_ARG address, socklen_t *restrict size), fd, address, size)
REFUSED(int, connect, (int fd, __CONST_SOCKADDR_ARG address, socklen_t size), fd, address, size)
REFUSED(ssize_t, recv, (int fd, void *buffer, size_t size, int flags), fd, buffer, size, flags)
REFUSED(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), fd, message, flags)
REFUSED(ssize_t, send, (int fd, const void *buffer, size_t size, int flags), fd, buffer, size,
        flags)
REFUSED(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), fd, message, flags)

/* ---- locks and queues of the system ---- */

REFUSED(int, flock, (int fd, int operation), fd, operation)
REFUSED(int, lockf, (int fd, int command, off_t size), fd, command, size)
REFUSED(int, semop, (int id, struct sembuf *operations, size_t count), id, operations, count)
REFUSED(ssize_t, msgrcv, (int id, void *message, size_t size, long type, int flags), id, message,
        size, type, flags)
REFUSED(int, msgsnd, (int id, const void *message, size_t size, int flags), id, message, size,
        flags)
REFUSED(ssize_t, mq_receive, (mqd_t queue, char *message, size_t size, unsigned *priority), queue,
        message, size, priority)
REFUSED(int, mq_send, (mqd_t queue, const char *message, size_t size, unsigned priority), queue,
        message, size, priority)

/* ---- reading and writing: files do as they are, and what threads talk through does not ---- */

static bool blocks(int fd)
{
    struct stat it;

    if (fstat(fd, &it) != 0)
        return false;
    /* eventfd(2) and its kin are of no kind at all. */
    return S_ISFIFO(it.st_mode) || S_ISSOCK(it.st_mode) || (it.st_mode & S_IFMT) == 0;
}

ssize_t read(int fd, void *buffer, size_t size)
{
    ssize_t done;
    REAL(read);

    if (weir__check_self < 0)
        return real(fd, buffer, size);
    if (fd == STDIN_FILENO || blocks(fd))
        weir__check_unable(HERE, "read() of %s cannot be checked",
                           fd == STDIN_FILENO ? "standard input" : "a pipe or the like");
    done = real(fd, buffer, size);
    if (done > 0)
        weir__memory_plain(buffer, (size_t)done, true, HERE);
    return done;
}

ssize_t weir__real_write(int fd, const void *buffer, size_t size)
{
    REAL(write);
    return real(fd, buffer, size);
}

ssize_t write(int fd, const void *buffer, size_t size)
{
    if (weir__check_self < 0)
        return weir__real_write(fd, buffer, size);
    if (fd != STDOUT_FILENO && fd != STDERR_FILENO && blocks(fd))
        weir__check_unable(HERE, "write() to a pipe or the like cannot be checked");
    weir__memory_plain(buffer, size, false, HERE);
    return weir__program_drops(fd) ? (ssize_t)size : weir__real_write(fd, buffer, size);
}
