/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/chan_mutex.c: what one writes without a library: a ring under a mutex, with condition
 * variables. And what is the least that a message can cost: a line that goes to another CPU and
 * comes back, two threads that sleep on a futex in turn. */

#include "../chan.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the channels of one select share; any other has its own. */
typedef struct mutex_home {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
} mutex_home;

typedef struct mutex_chan {
    mutex_home *home;
    pthread_cond_t room, taken;
    bool rendezvous, endless, closed;
    uint64_t received; /* number of values */
    size_t first, count, size;
    uintptr_t *cells;
} mutex_chan;

static mutex_home *home_open(void)
{
    mutex_home *home = bench_alloc(sizeof *home);

    pthread_mutex_init(&home->lock, NULL);
    pthread_cond_init(&home->arrived, NULL);
    return home;
}

static mutex_chan *open_in(mutex_home *home, size_t capacity)
{
    mutex_chan *chan = bench_alloc(sizeof *chan);

    chan->home = home;
    pthread_cond_init(&chan->room, NULL);
    pthread_cond_init(&chan->taken, NULL);
    chan->rendezvous = capacity == 0;
    chan->endless = capacity == CHAN_ENDLESS;
    chan->size = chan->rendezvous ? 1 : chan->endless ? BENCH_CAPACITY : capacity;
    chan->cells = bench_alloc(chan->size * sizeof chan->cells[0]);
    return chan;
}

static mutex_chan *mutex_chan_open(size_t capacity)
{
    return open_in(home_open(), capacity);
}

static void grow(mutex_chan *chan)
{
    uintptr_t *cells = bench_alloc(2 * chan->size * sizeof cells[0]);
    const size_t behind = chan->size - chan->first;

    memcpy(cells, chan->cells + chan->first, behind * sizeof cells[0]);
    memcpy(cells + behind, chan->cells, chan->first * sizeof cells[0]);
    munmap(chan->cells, chan->size * sizeof cells[0]);
    chan->cells = cells;
    chan->first = 0;
    chan->size *= 2;
}

static inline bool mutex_chan_send(mutex_chan *chan, uintptr_t value)
{
    mutex_home *const home = chan->home;
    size_t at;

    pthread_mutex_lock(&home->lock);
    if (chan->endless && chan->count == chan->size)
        grow(chan);
    while (chan->count == chan->size && !chan->closed)
        pthread_cond_wait(&chan->room, &home->lock);
    if (chan->closed) {
        pthread_mutex_unlock(&home->lock);
        return false;
    }
    at = chan->first + chan->count;
    chan->cells[at < chan->size ? at : at - chan->size] = value;
    chan->count++;
    pthread_cond_signal(&home->arrived);
    if (chan->rendezvous) {
        const uint64_t before = chan->received;

        while (chan->received == before)
            pthread_cond_wait(&chan->taken, &home->lock);
    }
    pthread_mutex_unlock(&home->lock);
    return true;
}

/* With the lock, from a channel that is not empty. */
static inline uintptr_t take(mutex_chan *chan)
{
    const uintptr_t value = chan->cells[chan->first];

    chan->first = chan->first + 1 == chan->size ? 0 : chan->first + 1;
    chan->count--;
    chan->received++;
    if (chan->rendezvous)
        pthread_cond_signal(&chan->taken);
    pthread_cond_signal(&chan->room);
    return value;
}

static inline bool mutex_chan_recv(mutex_chan *chan, uintptr_t *value)
{
    mutex_home *const home = chan->home;
    bool any;

    pthread_mutex_lock(&home->lock);
    while (chan->count == 0 && !chan->closed)
        pthread_cond_wait(&home->arrived, &home->lock);
    any = chan->count > 0;
    if (any)
        *value = take(chan);
    pthread_mutex_unlock(&home->lock);
    return any;
}

static void mutex_chan_close(mutex_chan *chan)
{
    pthread_mutex_lock(&chan->home->lock);
    chan->closed = true;
    pthread_cond_broadcast(&chan->home->arrived);
    pthread_cond_broadcast(&chan->room);
    pthread_mutex_unlock(&chan->home->lock);
}

/* ---- select: the channels share a lock ---- */

typedef struct mutex_chan_watch {
    mutex_home *home;
    mutex_chan *chans[CHAN_MOST];
    unsigned n, turn;
} mutex_chan_watch;

static bool mutex_chan_watch_open(mutex_chan_watch *watch, mutex_chan *chans[], unsigned n)
{
    watch->home = home_open();
    watch->n = n;
    for (unsigned i = 0; i < n; i++)
        watch->chans[i] = chans[i] = open_in(watch->home, 100);
    return true;
}

static inline bool mutex_chan_watch_next(mutex_chan_watch *watch, uintptr_t *value)
{
    pthread_mutex_lock(&watch->home->lock);
    for (;;) {
        for (unsigned i = 0; i < watch->n; i++) {
            mutex_chan *const chan = watch->chans[watch->turn];

            watch->turn = watch->turn + 1 == watch->n ? 0 : watch->turn + 1;
            if (chan->count > 0) {
                *value = take(chan);
                pthread_mutex_unlock(&watch->home->lock);
                return true;
            }
        }
        pthread_cond_wait(&watch->home->arrived, &watch->home->lock);
    }
}

#define CHAN mutex_chan
#define CHAN_LABEL "mutex and condvar"
#define CHAN_CLASS BENCH_LOCK, BENCH_FIFO, true
#define CHAN_NOTE "a ring under a pthread_mutex_t, with pthread_cond_t; a select is over one lock"
#define CHAN_RENDEZVOUS
#define CHAN_ONE
#define CHAN_MANY
#define CHAN_UNBOUNDED
#define CHAN_SPSC
#define CHAN_MPSC
#define CHAN_SELECT
#include "../chan.h"

/* ---- a line, there and back ---- */

typedef struct bare_words {
    bench_court court;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) line_there;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) line_back;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) futex_there;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) futex_back;
} bare_words;

/* relaxed, all below: the numbers themselves are all that travels. */
static void line_ping(bench_thread *thread)
{
    bare_words *words = thread->shared;
    uint64_t trip = 0;

    while (bench_going(thread, trip)) {
        for (int i = 0; i < 64; i++) {
            const uint64_t begin = bench_ticks();

            weir_atomic_store(&words->line_there, ++trip, WEIR_RELAXED);
            while (weir_atomic_load(&words->line_back, WEIR_RELAXED) != trip)
                ;
            bench_record(words->court.trips, bench_ticks() - begin);
        }
    }
    weir_atomic_store(&words->line_there, UINT64_MAX, WEIR_RELAXED);
}

/* The same without a clock. */
static void line_ping_bare(bench_thread *thread)
{
    bare_words *words = thread->shared;
    uint64_t trip = 0;

    while (bench_going(thread, trip)) {
        for (int i = 0; i < 64; i++) {
            weir_atomic_store(&words->line_there, ++trip, WEIR_RELAXED);
            while (weir_atomic_load(&words->line_back, WEIR_RELAXED) != trip)
                ;
        }
    }
    weir_atomic_store(&words->line_there, UINT64_MAX, WEIR_RELAXED);
}

static void line_pong(bench_thread *thread)
{
    bare_words *words = thread->shared;
    uint64_t seen = 0, trip;

    for (;;) {
        while ((trip = weir_atomic_load(&words->line_there, WEIR_RELAXED)) == seen)
            ;
        if (trip == UINT64_MAX)
            break;
        weir_atomic_store(&words->line_back, seen = trip, WEIR_RELAXED);
    }
}

static bare_words *bare_open(void)
{
    bare_words *words = bench_alloc(sizeof *words);

    words->court.trips = bench_alloc(sizeof *words->court.trips);
    return words;
}

static void line_trips(bench_run *run)
{
    bench_body *const bodies[] = {line_ping, line_pong};
    bare_words *words = bare_open();

    (void)bench_court_threads(run, 2, bodies, &words->court);
    bench_court_trips(run, &words->court);
}

static void line_rate(bench_run *run)
{
    bench_body *const bodies[] = {line_ping_bare, line_pong};

    (void)bench_court_threads(run, 2, bodies, &bare_open()->court);
    bench_set_rate(run);
}

/* ---- two threads that sleep on a futex in turn ---- */

#if defined(__linux__) && defined(SYS_futex)

enum { FUTEX_SLEEP = 0 | 128, FUTEX_WAKE_ONE = 1 | 128, FUTEX_END = UINT32_MAX / 2 };

static inline void futex_tell(WEIR_ATOMIC(uint32_t) * word, uint32_t number)
{
    weir_atomic_store(word, number, WEIR_RELEASE);
    syscall(SYS_futex, word, FUTEX_WAKE_ONE, 1, NULL, NULL, 0);
}

/* Returns: the number behind `seen`. */
static inline uint32_t futex_hear(WEIR_ATOMIC(uint32_t) * word, uint32_t seen)
{
    uint32_t number;

    while ((number = weir_atomic_load(word, WEIR_ACQUIRE)) == seen)
        syscall(SYS_futex, word, FUTEX_SLEEP, seen, NULL, NULL, 0);
    return number;
}

static void futex_ping(bench_thread *thread)
{
    bare_words *words = thread->shared;
    uint32_t trip = 0;

    bench_court_enter(&words->court);
    while (bench_going(thread, trip)) {
        for (int i = 0; i < 64; i++) {
            const uint64_t begin = bench_ticks();

            futex_tell(&words->futex_there, trip + 1);
            trip = futex_hear(&words->futex_back, trip);
            bench_record(words->court.trips, bench_ticks() - begin);
        }
    }
    futex_tell(&words->futex_there, FUTEX_END);
}

static void futex_pong(bench_thread *thread)
{
    bare_words *words = thread->shared;
    uint32_t seen = 0;

    bench_court_enter(&words->court);
    while ((seen = futex_hear(&words->futex_there, seen)) != FUTEX_END)
        futex_tell(&words->futex_back, seen);
}

static void futex_trips_on(bench_run *run, bool one_cpu)
{
    bench_body *const bodies[] = {futex_ping, futex_pong};
    bare_words *words = bare_open();

    words->court.one_cpu = one_cpu;
    (void)bench_court_threads(run, 2, bodies, &words->court);
    bench_court_trips(run, &words->court);
}

static void futex_trips(bench_run *run)
{
    futex_trips_on(run, false);
}

static void futex_trips_1cpu(bench_run *run)
{
    futex_trips_on(run, true);
}

static void futex_call(bench_thread *thread)
{
    static const struct timespec pause = {0, 20000};
    bare_words *words = thread->shared;
    uint32_t put = 0;
    uint64_t begin, heard;

    bench_court_enter(&words->court);
    while (bench_going(thread, put)) {
        nanosleep(&pause, NULL);
        /* relaxed: nobody else writes it before the value has come. */
        weir_atomic_store(&words->court.heard, 0, WEIR_RELAXED);
        begin = bench_ticks();
        futex_tell(&words->futex_there, ++put);
        while ((heard = weir_atomic_load(&words->court.heard, WEIR_RELAXED)) == 0)
            weir_pause();
        bench_record(words->court.trips, heard - begin);
    }
    futex_tell(&words->futex_there, FUTEX_END);
}

static void futex_hearer(bench_thread *thread)
{
    bare_words *words = thread->shared;
    uint32_t seen = 0;

    bench_court_enter(&words->court);
    while ((seen = futex_hear(&words->futex_there, seen)) != FUTEX_END)
        weir_atomic_store(&words->court.heard, bench_ticks(), WEIR_RELAXED);
}

static void futex_wake(bench_run *run)
{
    bench_body *const bodies[] = {futex_call, futex_hearer};
    bare_words *words = bare_open();

    words->court.unpinned = true;
    (void)bench_court_threads(run, 2, bodies, &words->court);
    bench_court_trips(run, &words->court);
}

BENCH_REGISTER(add_futex)
{
    static const bench_peer peer = {"bare futex",    BENCH_LOCK,
                                    BENCH_FIFO,      true,
                                    BENCH_REFERENCE, "each side wakes the other, then sleeps"};

    bench_add(&bench_rows_chan[CHAN_PING_PONG], &peer, futex_trips);
    bench_add(&bench_rows_chan[CHAN_WAKE], &peer, futex_wake);
    bench_add(&bench_rows_chan[CHAN_PING_PONG_1CPU], &peer, futex_trips_1cpu);
}

#endif

BENCH_REGISTER(add_line)
{
    static const bench_peer peer = {"a line's round trip",
                                    BENCH_SPINS,
                                    BENCH_FIFO,
                                    true,
                                    BENCH_REFERENCE,
                                    "two lines; no message can cost less"};

    bench_add(&bench_rows_chan[CHAN_CAP0], &peer, line_rate);
    bench_add(&bench_rows_chan[CHAN_PING_PONG], &peer, line_trips);
}
