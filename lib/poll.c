/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/poll.c: the descriptors that an event loop watches. The kernel is given an index into the
 * loop's table, and how often that has been given: so an event for a poll that was stopped, perhaps
 * freed, in the same turn, or whose descriptor lives on in another process, finds nobody. */

#include <weir/poll.h>

#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum {
    EDGES = WEIR_POLL_READ | WEIR_POLL_WRITE | WEIR_POLL_PRIORITY,
    WANTABLE = EDGES | WEIR_POLL_LEVEL,
    ALWAYS = WEIR_POLL_ERROR | WEIR_POLL_HANGUP
};

/* ---- the table ---- */

/* Returns: an index; 0: no memory. */
static uint32_t take_slot(weir_loop *loop)
{
    uint32_t index = loop->free_slot;

    if (index == 0) {
        const uint32_t before = loop->slot_count, after = before != 0 ? 2 * before : 16;
        weir__poll_slot *const slots =
            (weir__poll_slot *)weir_alloc(after * sizeof *slots, sizeof(void *));

        if (slots == NULL)
            return 0;
        if (before != 0)
            memcpy(slots, loop->slots, before * sizeof *slots);
        memset(slots + before, 0, (after - before) * sizeof *slots);
        for (uint32_t i = after - 1; i >= before && i != 0; i--) {
            slots[i].next = loop->free_slot;
            loop->free_slot = i;
        }
        weir_release(loop->slots, before * sizeof *slots);
        loop->slots = slots;
        loop->slot_count = after;
        index = loop->free_slot;
    }
    loop->free_slot = loop->slots[index].next;
    return index;
}

static void free_slot(weir_loop *loop, uint32_t index)
{
    weir__poll_slot *const slot = &loop->slots[index];

    slot->poll = NULL;
    slot->generation++;
    slot->next = loop->free_slot;
    loop->free_slot = index;
}

static uint64_t name_of(const weir_loop *loop, uint32_t index)
{
    return (uint64_t)loop->slots[index].generation << 32 | index;
}

/* Returns: NULL: it has been stopped. */
static weir_poll *find(const weir_loop *loop, uint64_t who)
{
    const uint32_t index = (uint32_t)who;

    return who == name_of(loop, index) ? loop->slots[index].poll : NULL;
}

/* ---- operations ---- */

void weir_poll_init(weir_poll *poll, weir_loop *loop, int fd,
                    void (*call)(weir_poll *poll, unsigned ready))
{
    WEIR_REQUIRE(call != NULL, "a poll without a function");
    weir__link_init(&poll->again);
    poll->loop = loop;
    poll->call = call;
    poll->fd = fd;
    poll->index = 0;
    poll->wanted = poll->left = poll->held = 0;
    poll->background = poll->inner = false;
}

/* Returns: what is told of who wants that, but for what is told always. */
static unsigned told_of(unsigned wanted)
{
    return wanted | ((wanted & WEIR_POLL_READ) != 0 ? WEIR_POLL_END : 0);
}

static int change(weir_poll *poll, unsigned wanted)
{
    unsigned told;

    if (((wanted ^ poll->wanted) & WEIR_POLL_LEVEL) != 0)
        return -EINVAL;
    if ((wanted & WEIR_POLL_LEVEL) != 0 && wanted != poll->wanted) {
        const int status = weir__poller_change(&poll->loop->poller, poll->fd, wanted,
                                               name_of(poll->loop, poll->index));

        if (status != 0)
            return status;
    }
    poll->wanted = (uint8_t)wanted;
    told = poll->held & told_of(wanted);
    weir_poll_again(poll, told);
    poll->held &= (uint8_t)~told;
    return 0;
}

int weir_poll_start(weir_poll *poll, unsigned wanted)
{
    weir_loop *const loop = poll->loop;
    uint32_t index;
    int status;

    if ((wanted & ~(unsigned)WANTABLE) != 0)
        return -EINVAL;
    if (poll->index != 0)
        return change(poll, wanted);
    index = take_slot(loop);
    if (index == 0)
        return -ENOMEM;
    status = weir__poller_add(&loop->poller, poll->fd, wanted, name_of(loop, index));
    if (status != 0) {
        free_slot(loop, index);
        return status;
    }
    loop->slots[index].poll = poll;
    poll->index = index;
    poll->wanted = (uint8_t)wanted;
    poll->left = poll->held = 0;
    weir__loop_add(loop, poll->background);
    return 0;
}

void weir__poll_forget(weir_poll *poll)
{
    poll->loop->poller.watched--;
    weir__link_remove(&poll->again);
    free_slot(poll->loop, poll->index);
    poll->index = 0;
    weir__loop_drop(poll->loop, poll->background);
}

bool weir_poll_stop(weir_poll *poll)
{
    weir_loop *const loop = poll->loop;

    if (poll->index == 0)
        return false;
    weir__poller_remove(&loop->poller, poll->fd);
    weir__poll_forget(poll);
    return true;
}

void weir_poll_again(weir_poll *poll, unsigned ready)
{
    if (poll->index == 0 || ready == 0)
        return;
    poll->left |= (uint8_t)ready;
    if (weir__link_alone(&poll->again))
        weir__link_push(&poll->loop->again, &poll->again);
}

void weir_poll_background(weir_poll *poll, bool background)
{
    if (poll->index != 0)
        weir__loop_background(poll->loop, poll->background, background);
    poll->background = background;
}

int weir__poll_unblock(int fd)
{
    const int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || ((flags & O_NONBLOCK) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0))
        return -errno;
    return 0;
}

int weir__poll_cancelled(void *poll)
{
    return weir_poll_stop((weir_poll *)poll) ? 0 : -EALREADY;
}

bool weir_poll_is_started(const weir_poll *poll)
{
    return poll->index != 0;
}

/* ---- the loop's phase ---- */

static void tell(weir_loop *loop, weir_poll *poll, unsigned ready)
{
    unsigned told;

    ready |= poll->left;
    poll->left = 0;
    weir__link_remove(&poll->again);
    told = ready & (told_of(poll->wanted) | ALWAYS);
    if ((poll->wanted & WEIR_POLL_LEVEL) == 0)
        poll->held |= (uint8_t)(ready & ~told & (EDGES | WEIR_POLL_END));
    if (told == 0)
        return;
    if (poll->inner) { /* which calls others in its turn */
        poll->call(poll, told);
        return;
    }
    weir__loop_begin(loop, poll, "poll", (void (*)(void))poll->call);
    poll->call(poll, told);
    weir__loop_end(loop);
}

void weir__loop_run_polls(weir_loop *loop, unsigned n, weir__link *again)
{
    uint64_t told = 0;

    for (unsigned i = 0; i < n; i++) {
        const weir__poller_event event = weir__poller_event_at(&loop->poller, i);
        weir_poll *const poll = event.who != 0 ? find(loop, event.who) : NULL;

        if (poll != NULL) {
            told++;
            tell(loop, poll, event.ready);
        }
    }
    while (!weir__link_alone(again)) {
        told++;
        tell(loop, (weir_poll *)(void *)again->next, 0);
    }
    if (told != 0)
        weir__loop_count(&loop->counts.events, told);
}

int weir__loop_readd_polls(weir_loop *loop)
{
    weir__poller *const poller = &loop->poller;
    int result = 0;

    for (uint32_t i = 1; i < loop->slot_count; i++) {
        const weir_poll *const poll = loop->slots[i].poll;
        int status;

        if (poll == NULL)
            continue;
        status = weir__poller_add(poller, poll->fd, poll->wanted, name_of(loop, i));
        if (status != 0) {
            poller->watched++; /* until it is stopped */
            /* The number of what was closed may be one of the poller's own now. */
            result = status == -EINVAL || status == -EEXIST ? -EBADF : status;
        }
    }
    return result;
}
