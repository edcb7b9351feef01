/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/observe.c: the rings of weir/observe.h, whose they are, and the file.
 *
 * A ring has two parties: its thread, and the list in which a writer finds it. Each lets go of
 * it once, and who does so as the second one releases it. So nobody waits for a thread that is
 * stopped in an event, and none finds its ring gone. */

#include <weir/clock.h>
#include <weir/observe.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- rings ---- */

/* Four words, so that it lies in one line. Written by the ring's thread only. */
typedef struct cell {
    WEIR_ATOMIC(uint64_t) time; /* ns of the monotonic clock */
    WEIR_ATOMIC(const char *) name;
    WEIR_ATOMIC(uintptr_t) id;
    WEIR_ATOMIC(uintptr_t) kind;
} cell;

typedef struct ring {
    struct ring *next; /* these five are constant once it is in the list */
    uint64_t session;
    uint64_t mask; /* cells - 1 */
    uint32_t tid;
    cell *cells;
    WEIR_ATOMIC(const char *) name; /* of the thread, or NULL */
    WEIR_ATOMIC(uint32_t) parted;   /* whether one of its two parties has let go */
    /* Numbers of events, which do not wrap in 500 years of one a ns. */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) begun;
    WEIR_ATOMIC(uint64_t) done;
} ring;

/* Of a session: the lower bits are the logarithm of a ring's cells, the others its number. */
enum { SESSION_ONE = 64 };

WEIR_ATOMIC(uint64_t) weir__trace_session;

static WEIR_ATOMIC(ring *) rings;      /* the newest; only pushed to, and taken as a whole */
static WEIR_ATOMIC(uint64_t) refused;  /* events of this session */
static WEIR_ATOMIC(uint32_t) governed; /* whether somebody is between enter() and leave() */

/* Read and written between enter() and leave(); the key also where the session was seen. */
static uint64_t latest; /* session, also when it is stopped; 0: none */
static uint64_t number; /* of sessions */
static uint64_t origin; /* when it began: 0 in the file */
static bool key_made, fork_handled;
static pthread_key_t end_key;

static _Thread_local struct {
    ring *ring;
    const char *name;
    uint64_t tried; /* session in which this thread has asked for a ring */
    bool busy;      /* and is just doing so */
    bool ending;
} self;

static size_t bytes_of(uint64_t session)
{
    return sizeof(ring) + ((size_t)1 << (session % SESSION_ONE)) * sizeof(cell);
}

static void let_go(ring *r)
{
    /* sync(let-go): acq_rel. Pairs with itself, in the other of the two. */
    if (weir_atomic_exchange(&r->parted, 1, WEIR_ACQ_REL) != 0)
        weir_release(r, bytes_of(r->session));
}

static void let_go_of_mine(void)
{
    ring *const mine = self.ring;

    self.ring = NULL;
    if (mine != NULL)
        let_go(mine);
}

/* The cells are left as they are: each is written before it is read, and memory that is never
 * needed is never touched. */
static ring *make(uint64_t session)
{
    ring *const r = (ring *)weir_alloc(bytes_of(session), WEIR_CACHELINE);

    if (r == NULL)
        return NULL;
    r->session = session;
    r->mask = (UINT64_C(1) << (session % SESSION_ONE)) - 1;
    r->tid = (uint32_t)syscall(SYS_gettid);
    r->cells = (cell *)(void *)(r + 1);
    weir_atomic_init(&r->name, self.name);
    weir_atomic_init(&r->parted, 0);
    weir_atomic_init(&r->begun, 0);
    weir_atomic_init(&r->done, 0);
    return r;
}

static void push(ring *r)
{
    ring *first = weir_atomic_load(&rings, WEIR_RELAXED); /* relaxed: a guess. */

    do
        r->next = first;
    /* sync(listed): release. Pairs with the load in first_ring(), and with the exchange in
     * give_up_rings(). relaxed: a failure is tried anew. */
    while (!weir_atomic_cas(&rings, &first, r, WEIR_RELEASE, WEIR_RELAXED));
}

/* This thread's first event of the session: a ring, or NULL. Asked for once: to ask again with
 * each event would make all of them as slow as the allocator. The allocator's own events are
 * refused. */
static ring *first_event(uint64_t session)
{
    const int kept = errno;
    ring *r = NULL;

    if (self.ending || self.busy || self.tried == session)
        return NULL;
    self.busy = true;
    self.tried = session;
    let_go_of_mine();
    if (pthread_setspecific(end_key, &self) == 0)
        r = make(session);
    if (r != NULL)
        push(r);
    self.ring = r;
    self.busy = false;
    errno = kept;
    return r;
}

static void append(ring *r, weir_trace_kind kind, const char *name, uintptr_t id)
{
    /* relaxed: only this thread writes it. */
    const uint64_t n = weir_atomic_load(&r->done, WEIR_RELAXED);
    cell *const c = &r->cells[n & r->mask];

    /* relaxed: each of the next four stores releases it. */
    weir_atomic_store(&r->begun, n + 1, WEIR_RELAXED);
    /* sync(begun): release. Pairs with the loads in take(): who reads one of these four knows
     * that what was here before is overwritten. */
    weir_atomic_store(&c->time, weir_clock_now(), WEIR_RELEASE);
    weir_atomic_store(&c->name, name, WEIR_RELEASE);
    weir_atomic_store(&c->id, id, WEIR_RELEASE);
    weir_atomic_store(&c->kind, (uintptr_t)kind, WEIR_RELEASE);
    /* sync(happened): release. Pairs with the load in put_ring(). */
    weir_atomic_store(&r->done, n + 1, WEIR_RELEASE);
}

void weir__trace_record(weir_trace_kind kind, const char *name, uintptr_t id)
{
    /* sync(started): acquire. Pairs with the store in start(). */
    const uint64_t session = weir_atomic_load(&weir__trace_session, WEIR_ACQUIRE);
    ring *r = self.ring;

    WEIR_REQUIRE(kind == WEIR_TRACE_KIND_BEGIN || kind == WEIR_TRACE_KIND_END ||
                     kind == WEIR_TRACE_KIND_INSTANT,
                 "no such kind of event");
    if (session == 0)
        return; /* stopped since the caller looked */
    if (WEIR_UNLIKELY(r == NULL || r->session != session))
        r = first_event(session);
    if (WEIR_LIKELY(r != NULL))
        append(r, kind, name, id);
    else
        weir_atomic_fetch_add(&refused, 1, WEIR_RELAXED); /* relaxed: a number. */
}

void weir_trace_name_thread(const char *name)
{
    self.name = name;
    if (self.ring != NULL)
        /* sync(named): release. Pairs with the load in put_thread_name(). */
        weir_atomic_store(&self.ring->name, name, WEIR_RELEASE);
}

/* ---- start and end ---- */

/* Not a lock: nobody waits for it, a child of fork takes it off. */
static bool enter(void)
{
    /* sync(control): acquire. Pairs with the store in leave(). */
    return weir_atomic_exchange(&governed, 1, WEIR_ACQUIRE) == 0;
}

static void leave(void)
{
    /* sync(control): release. Pairs with the exchange in enter(). */
    weir_atomic_store(&governed, 0, WEIR_RELEASE);
}

static ring *first_ring(void)
{
    /* sync(listed): acquire. Pairs with the compare-and-swap in push(): it and those before it,
     * since all that writes the list is a read-modify-write. */
    return weir_atomic_load(&rings, WEIR_ACQUIRE);
}

static void give_up_rings(void)
{
    /* sync(listed): acquire. Pairs with the compare-and-swap in push(). */
    ring *r = weir_atomic_exchange(&rings, NULL, WEIR_ACQUIRE);

    latest = 0;
    while (r != NULL) {
        ring *const next = r->next;

        let_go(r);
        r = next;
    }
    let_go_of_mine();
}

/* Destructors that come later may still record events: those are refused. */
static void thread_ends(void *unused)
{
    (void)unused;
    self.ending = true;
    let_go_of_mine();
}

/* Nothing is released here: the allocator's locks may be held by threads that are not there.
 * They have let go of their rings; the list will. */
static void after_fork_in_child(void)
{
    ring *r = weir_atomic_load(&rings, WEIR_RELAXED); /* relaxed: alone, here and below. */

    weir_atomic_store(&weir__trace_session, 0, WEIR_RELAXED);
    weir_atomic_store(&refused, 0, WEIR_RELAXED);
    weir_atomic_store(&governed, 0, WEIR_RELAXED);
    latest = 0;
    for (; r != NULL; r = r->next)
        if (r != self.ring)
            weir_atomic_store(&r->parted, 1, WEIR_RELAXED); /* relaxed: as above. */
}

/* Once in a process, by who traces: others have no key and no handler. */
static int prepare(void)
{
    int status;

    if (!key_made) {
        status = pthread_key_create(&end_key, thread_ends);
        if (status != 0)
            return -status;
        key_made = true;
    }
    if (!fork_handled) {
        status = pthread_atfork(NULL, NULL, after_fork_in_child);
        if (status != 0)
            return -status;
        fork_handled = true;
    }
    return 0;
}

/* A plugin that contains this library is unloaded: no thread may come back to its code. */
__attribute__((destructor)) static void unload(void)
{
    weir_trace_stop();
    if (!enter())
        return;
    if (key_made)
        pthread_key_delete(end_key);
    key_made = false;
    leave();
}

static int start(size_t events)
{
    uint64_t bits = 0;
    int status;

    /* relaxed: whether there is one. */
    if (weir_atomic_load(&weir__trace_session, WEIR_RELAXED) != 0)
        return -EBUSY;
    status = prepare();
    if (status != 0)
        return status;
    while (((size_t)1 << bits) < events)
        bits++;
    give_up_rings();
    weir_atomic_store(&refused, 0, WEIR_RELAXED); /* relaxed: a number. */
    latest = ++number * SESSION_ONE + bits;
    origin = weir_clock_now();
    /* sync(started): release. Pairs with the load in weir__trace_record(). */
    weir_atomic_store(&weir__trace_session, latest, WEIR_RELEASE);
    return 0;
}

int weir_trace_start(size_t events)
{
    int status;

    if (events == 0 || events > WEIR_TRACE_EVENTS_MAX)
        return -EINVAL;
    if (!enter())
        return -EBUSY;
    status = start(events);
    leave();
    return status;
}

void weir_trace_stop(void)
{
    weir_atomic_store(&weir__trace_session, 0, WEIR_RELAXED); /* relaxed: it carries nothing. */
}

int weir_trace_free(void)
{
    weir_trace_stop();
    if (!enter())
        return -EBUSY;
    weir_trace_stop(); /* also what was started meanwhile */
    give_up_rings();
    leave();
    return 0;
}

int weir_trace_lost(uint64_t *overwritten, uint64_t *out_refused)
{
    uint64_t sum = 0;

    if (!enter())
        return -EBUSY;
    for (const ring *r = first_ring(); r != NULL; r = r->next) {
        /* relaxed: a number. */
        const uint64_t done = weir_atomic_load(&r->done, WEIR_RELAXED);

        if (r->session == latest && done > r->mask + 1)
            sum += done - (r->mask + 1);
    }
    if (overwritten != NULL)
        *overwritten = sum;
    if (out_refused != NULL)
        *out_refused = weir_atomic_load(&refused, WEIR_RELAXED); /* relaxed: a number. */
    leave();
    return 0;
}

/* ---- the file: integers and text, so that no locale has a say ---- */

/* Of the one who is between enter() and leave(). */
static struct {
    int fd;
    int status; /* of the first write that failed; then nothing more is written */
    uint32_t pid;
    size_t used;
    bool follows; /* an event has been written, so the next comes after a comma */
    char bytes[8192];
} out;

static void flush(void)
{
    for (size_t at = 0; at < out.used && out.status == 0;) {
        const ssize_t wrote = write(out.fd, out.bytes + at, out.used - at);

        if (wrote > 0)
            at += (size_t)wrote;
        else if (wrote == 0)
            out.status = -EIO;
        else if (errno != EINTR)
            out.status = -errno;
    }
    out.used = 0;
}

static void put_char(char c)
{
    if (out.used == sizeof out.bytes)
        flush();
    out.bytes[out.used++] = c;
}

static void put_text(const char *text)
{
    while (*text != '\0')
        put_char(*text++);
}

static void put_number(uint64_t n)
{
    char digits[20];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    while (count != 0)
        put_char(digits[--count]);
}

/* A number that viewers read exactly, which have doubles; beyond that a string of digits. */
static void put_exact(uint64_t n)
{
    const bool quoted = n >= UINT64_C(1) << 53;

    if (quoted)
        put_char('"');
    put_number(n);
    if (quoted)
        put_char('"');
}

/* Returns: bytes of the well-formed UTF-8 character at s; 0 if there is none. */
static size_t character(const unsigned char *s)
{
    const unsigned char lead = s[0];
    const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    const size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    if (bytes == 1)
        return 1;
    if (lead < 0xc2 || lead > 0xf4 || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < bytes; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return bytes;
}

static void put_string(const char *text)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *s = (const unsigned char *)(text == NULL ? "" : text);

    put_char('"');
    while (*s != '\0') {
        const size_t bytes = character(s);

        if (bytes == 0) {
            put_text("\\ufffd");
            s++;
        } else if (*s < 0x20) {
            put_text("\\u00");
            put_char(hex[*s >> 4]);
            put_char(hex[*s++ & 15]);
        } else {
            if (*s == '"' || *s == '\\')
                put_char('\\');
            for (size_t i = 0; i < bytes; i++)
                put_char((char)*s++);
        }
    }
    put_char('"');
}

/* What all events begin with; the rest is what differs. */
static void put_head(char kind, const char *name, uint32_t tid)
{
    put_text(out.follows ? ",\n{\"ph\":\"" : "\n{\"ph\":\"");
    out.follows = true;
    put_char(kind);
    put_text("\",\"name\":");
    put_string(name);
    put_text(",\"pid\":");
    put_number(out.pid);
    put_text(",\"tid\":");
    put_number(tid);
}

static void put_thread_name(const ring *r)
{
    /* sync(named): acquire. Pairs with the store in weir_trace_name_thread(). */
    const char *const name = weir_atomic_load(&r->name, WEIR_ACQUIRE);

    if (name == NULL)
        return;
    put_head('M', "thread_name", r->tid);
    put_text(",\"args\":{\"name\":");
    put_string(name);
    put_text("}}");
}

typedef struct event {
    uint64_t time;
    const char *name;
    uintptr_t id;
    uintptr_t kind;
} event;

/* Copies event n. Returns: whose place is known to have been begun by then; it is a copy of
 * event n if that is not more than n and the number of cells. */
static uint64_t take(const ring *r, uint64_t n, event *e)
{
    const cell *const c = &r->cells[n & r->mask];

    /* sync(begun): acquire. Pairs with the stores in append(): if one of these reads what a
     * later event has stored, the last load finds that it was begun. */
    e->time = weir_atomic_load(&c->time, WEIR_ACQUIRE);
    e->name = weir_atomic_load(&c->name, WEIR_ACQUIRE);
    e->id = weir_atomic_load(&c->id, WEIR_ACQUIRE);
    e->kind = weir_atomic_load(&c->kind, WEIR_ACQUIRE);
    return weir_atomic_load(&r->begun, WEIR_RELAXED); /* relaxed: the four above carry it. */
}

static void put_event(const ring *r, const event *e)
{
    const uint64_t ns = e->time > origin ? e->time - origin : 0;

    put_head((char)e->kind, e->name, r->tid);
    put_text(",\"ts\":");
    put_number(ns / 1000);
    put_char('.');
    put_char((char)('0' + ns / 100 % 10));
    put_char((char)('0' + ns / 10 % 10));
    put_char((char)('0' + ns % 10));
    if (e->kind == WEIR_TRACE_KIND_INSTANT)
        put_text(",\"s\":\"t\"");
    put_text(",\"args\":{\"id\":");
    put_exact(e->id);
    put_text("}}");
}

/* Returns: how many of the events that were there at first are not in the file. */
static uint64_t put_ring(const ring *r)
{
    /* sync(happened): acquire. Pairs with the last store in append(). */
    const uint64_t done = weir_atomic_load(&r->done, WEIR_ACQUIRE);
    const uint64_t cells = r->mask + 1;
    uint64_t n = done > cells ? done - cells : 0;
    uint64_t written = 0;

    put_thread_name(r);
    while (n < done && out.status == 0) {
        event e;
        const uint64_t begun = take(r, n, &e);

        if (begun > n + cells) {
            n = begun - cells; /* overtaken: the oldest that is whole */
        } else {
            put_event(r, &e);
            written++;
            n++;
        }
    }
    return done - written;
}

static int write_all(int fd)
{
    uint64_t overwritten = 0;

    out.fd = fd;
    out.status = 0;
    out.pid = (uint32_t)getpid();
    out.used = 0;
    out.follows = false;
    put_text("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
    for (const ring *r = first_ring(); r != NULL; r = r->next)
        if (r->session == latest)
            overwritten += put_ring(r);
    put_text("\n],\"otherData\":{\"clock\":\"CLOCK_MONOTONIC\",\"start_ns\":");
    put_exact(latest == 0 ? 0 : origin);
    put_text(",\"overwritten\":");
    put_exact(overwritten);
    put_text(",\"refused\":");
    put_exact(weir_atomic_load(&refused, WEIR_RELAXED)); /* relaxed: a number. */
    put_text("}}\n");
    flush();
    return out.status;
}

/* To the file `path`, or, if that is NULL, to fd. */
static int write_to(int fd, const char *path)
{
    int status;

    if (path == NULL)
        return write_all(fd);
    do
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return -errno;
    status = write_all(fd);
    /* Whatever it says, it is closed. */
    if (close(fd) != 0 && errno != EINTR && status == 0)
        status = -errno;
    return status;
}

static int write_governed(int fd, const char *path)
{
    const int kept = errno;
    int cancel, status;

    if (!enter())
        return -EBUSY;
    /* A thread that were cancelled in write(2) would never leave. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    status = write_to(fd, path);
    pthread_setcancelstate(cancel, &cancel);
    leave();
    errno = kept;
    return status;
}

int weir_trace_write(const char *path)
{
    WEIR_REQUIRE(path != NULL, "no path");
    return write_governed(-1, path);
}

int weir_trace_write_fd(int fd)
{
    return write_governed(fd, NULL);
}
