/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/chan.h: what the stress programs of channels and of select share: elements that say who
 * sent them, and are checked byte by byte; a ledger of what was sent, received and dropped; and
 * the storms:
 *
 *   signals    each thread is sent signals all the time, without SA_RESTART
 *   cancels    the tokens of waits are cancelled all the time
 *   deadlines  most waits have one of some microseconds
 *   spurious   a third of the futex waits return at once for no reason (peer bug R14) */

#ifndef WEIR_STRESS_CHAN_H
#define WEIR_STRESS_CHAN_H

#include "stress.h"

#include <weir/cancel.h>
#include <weir/chan.h>

#include <errno.h>
#include <signal.h>

enum {
    CHAN_MAX_THREADS = 64,
    CHAN_MAX_CHANS = 4,
    CHAN_MAX_ELEMENT = 64,
};

/* ---- elements ---- */

/* The first word of an element; what is left of it follows from that. */
static inline uint64_t chan_word(unsigned chan, unsigned sender, uint64_t sequence)
{
    const uint64_t word =
        (uint64_t)chan << 56 | (uint64_t)sender << 48 | (sequence & UINT32_MAX) << 16;

    return word | (stress_mix(word) & 0xffff);
}

static inline unsigned chan_word_chan(uint64_t word)
{
    return (unsigned)(word >> 56);
}

static inline unsigned chan_word_sender(uint64_t word)
{
    return (unsigned)(word >> 48 & 0xff);
}

static inline uint64_t chan_word_sequence(uint64_t word)
{
    return word >> 16 & UINT32_MAX;
}

static inline void chan_fill(unsigned char *element, size_t size, uint64_t word)
{
    memcpy(element, &word, sizeof word);
    for (size_t i = sizeof word; i < size; i++)
        element[i] = (unsigned char)(word >> 16) ^ (unsigned char)(i * 37);
}

/* Returns: the word of an element that is whole. */
static inline uint64_t chan_check(stress *s, const unsigned char *element, size_t size)
{
    uint64_t word;

    memcpy(&word, element, sizeof word);
    if ((stress_mix(word & ~UINT64_C(0xffff)) & 0xffff) != (word & 0xffff))
        stress_fail(s, "a value that nobody sent: 0x%" PRIx64, word);
    for (size_t i = sizeof word; i < size; i++)
        if (element[i] != (unsigned char)((unsigned char)(word >> 16) ^ (unsigned char)(i * 37)))
            stress_fail(s, "byte %zu of value 0x%" PRIx64 " is wrong", i, word);
    return word;
}

/* ---- channels of a round ---- */

typedef struct chan_lane {
    stress *s;
    weir_chan *chan;
    size_t element, capacity;
    weir_chan_shape shape;
    pthread_mutex_t lock;
    uint64_t dropped, dropped_sum; /* under the lock */
} chan_lane;

static inline void chan_drop(void *element, void *context)
{
    chan_lane *const lane = (chan_lane *)context;
    const uint64_t word = chan_check(lane->s, (const unsigned char *)element, lane->element);

    pthread_mutex_lock(&lane->lock);
    lane->dropped++;
    lane->dropped_sum += stress_mix(word);
    pthread_mutex_unlock(&lane->lock);
}

static const size_t chan_capacities[] = {0, 0, 1, 2, 7, 100, WEIR_CHAN_UNBOUNDED};
static const size_t chan_elements[] = {8, 24, 64};
static const char *const chan_shapes[] = {"mpmc", "mpsc", "spsc", "fair"};

/* A channel of a random kind, of `shape`. */
static inline void chan_lane_make(stress *s, chan_lane *lane, weir_chan_shape shape,
                                  stress_rng *rng)
{
    weir_chan_options options;

    memset(lane, 0, sizeof *lane);
    lane->s = s;
    lane->element = chan_elements[stress_below(rng, 3)];
    lane->capacity = chan_capacities[stress_below(rng, 7)];
    lane->shape = shape;
    pthread_mutex_init(&lane->lock, NULL);
    memset(&options, 0, sizeof options);
    options.shape = shape;
    options.drop = chan_drop;
    options.context = lane;
    if (weir_chan_new(&lane->chan, lane->element, lane->capacity, &options) != 0)
        stress_fail(s, "no memory for a channel");
}

/* ---- threads of a round ---- */

typedef struct chan_storms {
    bool signals, cancels, deadlines, spurious;
} chan_storms;

typedef struct chan_member {
    stress *s;
    void *round;
    unsigned self;
    const chan_storms *storms;
    stress_rng rng;

    pthread_mutex_t lock;
    pthread_t id;
    bool there; /* under the lock: may be signalled */
    weir_cancel_source source;

    uint64_t sent, sent_sum, received, received_sum, failed;
    uint64_t sequence[CHAN_MAX_CHANS];                   /* of the next value */
    uint64_t next[CHAN_MAX_CHANS][CHAN_MAX_THREADS + 1]; /* least that is in order */
} chan_member;

static inline void chan_member_init(chan_member *m, stress *s, void *round, unsigned self,
                                    const chan_storms *storms, uint64_t seed)
{
    memset(m, 0, sizeof *m);
    m->s = s;
    m->round = round;
    m->self = self;
    m->storms = storms;
    m->rng = stress_rng_make(seed, self);
    pthread_mutex_init(&m->lock, NULL);
    weir_cancel_source_init(&m->source, NULL, WEIR_FOREVER);
}

static inline void chan_member_destroy(chan_member *m)
{
    if (weir_cancel_source_destroy(&m->source) != 0)
        stress_fail(m->s, "a token that nobody uses is busy");
    pthread_mutex_destroy(&m->lock);
}

static inline void chan_member_comes(chan_member *m)
{
    pthread_mutex_lock(&m->lock);
    m->id = pthread_self();
    m->there = true;
    pthread_mutex_unlock(&m->lock);
}

static inline void chan_member_goes(chan_member *m)
{
    pthread_mutex_lock(&m->lock);
    m->there = false;
    pthread_mutex_unlock(&m->lock);
}

/* What the next wait is given. */
static inline uint64_t chan_deadline(chan_member *m)
{
    if (!m->storms->deadlines)
        return WEIR_FOREVER;
    switch (stress_below(&m->rng, 4)) {
    case 0:
        return stress_below(&m->rng, 3);
    case 1:
        return WEIR_FOREVER;
    default:
        return weir_clock_after(stress_below(&m->rng, 30000));
    }
}

static inline weir_cancel *chan_token(chan_member *m)
{
    return m->storms->cancels ? weir_cancel_source_token(&m->source) : NULL;
}

/* A wait has said -ETIMEDOUT or -ECANCELED: that must be so. Makes a new token. */
static inline void chan_gave_up(chan_member *m, int status, uint64_t deadline)
{
    m->failed++;
    if (status == -ETIMEDOUT) {
        if (weir_clock_now() < deadline)
            stress_fail(m->s, "a wait timed out before its deadline");
        return;
    }
    if (status != -ECANCELED || !m->storms->cancels)
        stress_fail(m->s, "a wait said %d", status);
    if (weir_cancel_check(weir_cancel_source_token(&m->source)) == 0)
        stress_fail(m->s, "-ECANCELED of a token that is not cancelled");
    pthread_mutex_lock(&m->lock);
    if (weir_cancel_source_destroy(&m->source) != 0)
        stress_fail(m->s, "a token that nobody uses is busy");
    weir_cancel_source_init(&m->source, NULL, WEIR_FOREVER);
    pthread_mutex_unlock(&m->lock);
}

static inline void chan_sent(chan_member *m, unsigned chan, uint64_t word)
{
    m->sent++;
    m->sent_sum += stress_mix(word);
    m->sequence[chan]++;
}

static inline void chan_received(chan_member *m, unsigned chan, const unsigned char *element,
                                 size_t size)
{
    const uint64_t word = chan_check(m->s, element, size);
    const unsigned sender = chan_word_sender(word);

    if (chan_word_chan(word) != chan || sender > CHAN_MAX_THREADS)
        stress_fail(m->s, "a value of another channel: 0x%" PRIx64, word);
    if (chan_word_sequence(word) < m->next[chan][sender])
        stress_fail(m->s, "value %" PRIu64 " of sender %u came after %" PRIu64,
                    chan_word_sequence(word), sender, m->next[chan][sender] - 1);
    m->next[chan][sender] = chan_word_sequence(word) + 1;
    m->received++;
    m->received_sum += stress_mix(word);
}

/* One gust of the storms, over all members. */
static inline void chan_gust(chan_member *members, unsigned count, stress_rng *rng)
{
    chan_member *const m = &members[stress_below(rng, count)];

    pthread_mutex_lock(&m->lock);
    if (m->there && m->storms->signals)
        pthread_kill(m->id, SIGUSR1);
    if (m->there && m->storms->cancels && stress_below(rng, 4) == 0)
        (void)weir_cancel_source_cancel(&m->source, 0);
    pthread_mutex_unlock(&m->lock);
}

static inline void chan_nothing(int number)
{
    (void)number;
}

static inline void chan_catch_signals(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action); /* without SA_RESTART */
    action.sa_handler = chan_nothing;
    sigaction(SIGUSR1, &action, NULL);
}

/* ---- futex waits that return for no reason ---- */

static WEIR_ATOMIC(uint32_t) chan_spurious; /* nonzero: they do */

#if defined(__x86_64__) && defined(__linux__) && !defined(__ILP32__)
#include <sys/syscall.h>

/* Takes the place of the C library's. */
long syscall(long number, ...);

long syscall(long number, ...)
{
    static WEIR_ATOMIC(uint32_t) turn;
    long argument[6], result;
    va_list list;

    va_start(list, number);
    for (unsigned i = 0; i < 6; i++)
        argument[i] = va_arg(list, long);
    va_end(list);
    /* 0 and 9: a wait, and one with a bit set. relaxed: both: any order of these will do. */
    if (number == SYS_futex && ((argument[1] & 127) == 0 || (argument[1] & 127) == 9) &&
        weir_atomic_load(&chan_spurious, WEIR_RELAXED) != 0 &&
        weir_atomic_fetch_add(&turn, 1, WEIR_RELAXED) % 3 == 0)
        return 0;
    {
        register long r10 __asm__("r10") = argument[3];
        register long r8 __asm__("r8") = argument[4];
        register long r9 __asm__("r9") = argument[5];

        __asm__ volatile("syscall"
                         : "=a"(result)
                         : "a"(number), "D"(argument[0]), "S"(argument[1]), "d"(argument[2]),
                           "r"(r10), "r"(r8), "r"(r9)
                         : "rcx", "r11", "memory");
    }
    if (result < 0 && result >= -4095) {
        errno = (int)-result;
        return -1;
    }
    return result;
}
#endif

#endif /* WEIR_STRESS_CHAN_H */
