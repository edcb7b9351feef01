/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/poller_epoll.c: lib/poller.h by epoll(7), an eventfd(2), and where it has to be a
 * timerfd(2). Bell and alarm are edge-triggered: each ring is an edge, and nobody has to read
 * them. Of the events their `who` is 0. */

#include "poller.h"

#include <weir/clock.h>
#include <weir/poll.h>

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* Newer than some C libraries; the number is every machine's, but for alpha's. */
#if !defined(SYS_epoll_pwait2) && !defined(__alpha__)
#define SYS_epoll_pwait2 441
#endif

/* What the call wants, whatever the C library's time_t is. */
typedef struct kernel_time {
    int64_t sec, nsec;
} kernel_time;

static int add_own(weir__poller *poller, int fd)
{
    struct epoll_event event;

    memset(&event, 0, sizeof event);
    event.events = EPOLLIN | EPOLLET;
    return epoll_ctl(poller->set, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int weir__poller_open(weir__poller *poller, unsigned events)
{
    int status;

    memset(poller, 0, sizeof *poller);
    poller->alarm = poller->bell = -1;
    poller->armed = WEIR_FOREVER;
    poller->capacity = events;
    poller->process = getpid();
    poller->set = epoll_create1(EPOLL_CLOEXEC);
    if (poller->set < 0)
        return -errno;
    /* It blocks: nobody writes it full, and who reads it wants to wait. */
    poller->bell = eventfd(0, EFD_CLOEXEC);
    status = poller->bell < 0 ? -errno : add_own(poller, poller->bell);
    if (status == 0) {
        poller->events = weir_alloc(events * sizeof(struct epoll_event), sizeof(void *));
        if (poller->events == NULL)
            status = -ENOMEM;
    }
    if (status != 0)
        weir__poller_close(poller);
    return status;
}

void weir__poller_close(weir__poller *poller)
{
    weir_release(poller->events, poller->capacity * sizeof(struct epoll_event));
    if (poller->alarm >= 0)
        close(poller->alarm);
    if (poller->bell >= 0)
        close(poller->bell);
    close(poller->set);
}

/* ---- sleep ---- */

int weir__poller_set_alarm(weir__poller *poller, uint64_t deadline)
{
    struct itimerspec until;

    /* One that has gone off may have been heard: it is to go off again. */
    if (deadline == poller->armed && (deadline == WEIR_FOREVER || deadline > weir_clock_now()))
        return 0;
    if (poller->alarm < 0) {
        const int alarm = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        int status;

        if (alarm < 0)
            return -errno;
        status = add_own(poller, alarm);
        if (status != 0) {
            close(alarm);
            return status;
        }
        poller->alarm = alarm;
    }
    memset(&until, 0, sizeof until);
    if (deadline != WEIR_FOREVER) {
        const uint64_t sec = deadline / 1000000000;

        until.it_value.tv_sec = sec < INT32_MAX ? (time_t)sec : INT32_MAX;
        until.it_value.tv_nsec = (long)(deadline % 1000000000);
        if (deadline == 0) /* which would say: never */
            until.it_value.tv_nsec = 1;
    }
    if (timerfd_settime(poller->alarm, TFD_TIMER_ABSTIME, &until, NULL) != 0)
        return -errno;
    poller->armed = deadline;
    return 0;
}

/* Milliseconds, rounded up: never too early. */
static int coarse_time(uint64_t ns)
{
    const uint64_t ms = ns / 1000000 + (ns % 1000000 != 0);

    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static int wait_until(weir__poller *poller, uint64_t deadline)
{
    struct epoll_event *const events = (struct epoll_event *)poller->events;
    const int capacity = (int)poller->capacity;
    uint64_t left;

    if (deadline == 0)
        return epoll_wait(poller->set, events, capacity, 0);
    if (deadline == WEIR_FOREVER)
        return epoll_wait(poller->set, events, capacity, -1);
    left = weir_clock_left(deadline);
    if (left == 0)
        return epoll_wait(poller->set, events, capacity, 0);
#ifdef SYS_epoll_pwait2
    if (!poller->coarse) {
        const kernel_time time = {(int64_t)(left / 1000000000), (int64_t)(left % 1000000000)};
        const long n = syscall(SYS_epoll_pwait2, poller->set, events, capacity, &time, NULL, 0);

        /* An old kernel says ENOSYS; a sandbox that does not know the number, EPERM. */
        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return (int)n;
        poller->coarse = true;
    }
#endif
    /* Without an alarm the sleep is too long, by less than a millisecond. */
    if (left < INT64_MAX && weir__poller_set_alarm(poller, deadline) == 0)
        return epoll_wait(poller->set, events, capacity, -1);
    return epoll_wait(poller->set, events, capacity, coarse_time(left));
}

unsigned weir__poller_wait(weir__poller *poller, uint64_t deadline)
{
    const int n = wait_until(poller, deadline);

    WEIR_REQUIRE(n >= 0 || errno == EINTR, "the loop's descriptors were closed by somebody");
    return n > 0 ? (unsigned)n : 0;
}

weir__poller_event weir__poller_event_at(const weir__poller *poller, unsigned i)
{
    const struct epoll_event *const from = (const struct epoll_event *)poller->events + i;
    const uint32_t bits = from->events;
    weir__poller_event event = {from->data.u64, 0};

    if ((bits & EPOLLIN) != 0)
        event.ready |= WEIR_POLL_READ;
    if ((bits & EPOLLOUT) != 0)
        event.ready |= WEIR_POLL_WRITE;
    if ((bits & EPOLLPRI) != 0)
        event.ready |= WEIR_POLL_PRIORITY;
    if ((bits & EPOLLRDHUP) != 0)
        event.ready |= WEIR_POLL_END | WEIR_POLL_READ;
    /* Who tries learns what it is. */
    if ((bits & EPOLLERR) != 0)
        event.ready |= WEIR_POLL_ERROR | WEIR_POLL_READ | WEIR_POLL_WRITE;
    if ((bits & EPOLLHUP) != 0)
        event.ready |= WEIR_POLL_HANGUP | WEIR_POLL_READ | WEIR_POLL_WRITE;
    return event;
}

/* ---- descriptors ---- */

static int control(weir__poller *poller, int operation, int fd, unsigned wanted, uint64_t who)
{
    struct epoll_event event;

    memset(&event, 0, sizeof event);
    event.data.u64 = who;
    if ((wanted & WEIR_POLL_LEVEL) == 0) {
        event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
    } else {
        if ((wanted & WEIR_POLL_READ) != 0)
            event.events |= EPOLLIN | EPOLLRDHUP;
        if ((wanted & WEIR_POLL_WRITE) != 0)
            event.events |= EPOLLOUT;
        if ((wanted & WEIR_POLL_PRIORITY) != 0)
            event.events |= EPOLLPRI;
    }
    return epoll_ctl(poller->set, operation, fd, &event) == 0 ? 0 : -errno;
}

int weir__poller_add(weir__poller *poller, int fd, unsigned wanted, uint64_t who)
{
    const int status = control(poller, EPOLL_CTL_ADD, fd, wanted, who);

    if (status == 0)
        poller->watched++;
    return status;
}

int weir__poller_change(weir__poller *poller, int fd, unsigned wanted, uint64_t who)
{
    return control(poller, EPOLL_CTL_MOD, fd, wanted, who);
}

void weir__poller_remove(weir__poller *poller, int fd)
{
    struct epoll_event unused; /* kernels before 2.6.9 want one */

    memset(&unused, 0, sizeof unused);
    /* Fails if it was closed, and so is not there any more. */
    (void)epoll_ctl(poller->set, EPOLL_CTL_DEL, fd, &unused);
}

/* ---- the bell ---- */

void weir__poller_ring(const weir__poller *poller)
{
    const int before = errno;
    const uint64_t one = 1;

    while (write(poller->bell, &one, sizeof one) < 0 && errno == EINTR)
        continue;
    errno = before;
}

bool weir__poller_is_ours(const weir__poller *poller)
{
    return poller->process == getpid();
}

void weir__poller_await_rings(weir__poller *poller, uint64_t rings)
{
    uint64_t heard = 0, n;

    while (heard < rings)
        if (read(poller->bell, &n, sizeof n) == (ssize_t)sizeof n)
            heard += n;
        else
            WEIR_REQUIRE(errno == EINTR, "the loop's descriptors were closed by somebody");
}
