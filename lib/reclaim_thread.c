/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/reclaim_thread.c: domains, and which thread has which record: first use, the end of a
 * thread, fork, and the unloading of a plugin that this library is part of. */

#include <weir/hazard.h>

#include "park.h"
#include "reclaim.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BATCH_OBJECTS 1024
#define BATCH_BYTES ((size_t)256 * 1024)

/* All domains, and the taking and giving back of records. Never held while user code runs. */
static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static weir__domain *domains;
static uint64_t last_id;

/* ---- the calling thread ---- */

enum { REMEMBERED = 8 };

/* A thread's last look-ups. An id is never used twice, so that a record of a domain that has
 * been freed is not found. */
static _Thread_local struct {
    uint32_t tid;
    uint64_t token; /* never used again, as ids of threads are */
    bool watched;   /* the end of this thread will be noticed */
    bool ending;    /* and has been */
    uint64_t id[REMEMBERED];
    record *remembered[REMEMBERED];
} self;

static uint32_t tid_of_self(void)
{
    if (self.tid == 0)
        self.tid = (uint32_t)syscall(SYS_gettid);
    return self.tid;
}

static uint64_t token_of_self(void)
{
    static WEIR_ATOMIC(uint64_t) last;

    if (self.token == 0)
        /* relaxed: only to be unlike any other. */
        self.token = weir_atomic_fetch_add(&last, 1, WEIR_RELAXED) + 1;
    return self.token;
}

static void remember(const weir__domain *domain, record *r)
{
    self.id[domain->id % REMEMBERED] = domain->id;
    self.remembered[domain->id % REMEMBERED] = r;
}

static void forget(const weir__domain *domain)
{
    if (self.id[domain->id % REMEMBERED] == domain->id)
        self.id[domain->id % REMEMBERED] = 0;
}

/* Nobody reads through this record, or holds its lists, any more. Returns: whether it had been
 * left open. */
static bool reset(record *r)
{
    const weir__domain *const domain = r->domain;
    /* relaxed: its thread's own words, here and below; the stores release what it read. */
    bool open = (weir_atomic_load(&r->reader.lower, WEIR_RELAXED) & WEIR__INSIDE) != 0;

    /* sync(left): release. Pairs with look_at_section() and look_at_hazard(). */
    weir_atomic_store(&r->reader.lower, outside(domain), WEIR_RELEASE);
    for (unsigned i = 0; i < HAZARDS; i++) {
        /* relaxed: own words.
         * sync(left): release. Pairs with look_at_hazard(). */
        open |= weir_atomic_load(&r->reader.hazard[i], WEIR_RELAXED) != NULL;
        weir_atomic_store(&r->reader.hazard[i], NULL, WEIR_RELEASE);
    }
    for (hazard_block *b = next_block(&r->more); b != NULL; b = next_block(&b->next))
        for (unsigned i = 0; i < BLOCK_HAZARDS; i++) {
            /* relaxed: own words.
             * sync(left): release. Pairs with look_at_hazard(). */
            open |= weir_atomic_load(&b->hazard[i], WEIR_RELAXED) != NULL;
            weir_atomic_store(&b->hazard[i], NULL, WEIR_RELEASE);
        }
    r->reader.used = 0;
    return open;
}

/* To those who wait for the reader, after reset(). */
static void gone(record *r)
{
    /* sync(met): acq_rel. Pairs with meet() and ask(): who asks later sees that nobody reads here;
     * who asked before looks again. */
    weir_atomic_fetch_and(&r->reader.attention, ~WEIR__ATTENTION_WAITED, WEIR_ACQ_REL);
    weir__unpark_all(&r->reader.attention);
}

/* Under the registry's lock. */
static void give_back(record *r)
{
    /* Again: callbacks may have been called since. */
    reset(r);
    gone(r);
    /* relaxed: a hint. */
    weir_atomic_store(&r->orphans, 1, WEIR_RELAXED);
    r->late = false;
    /* relaxed: under the lock; before it is anybody else's. */
    weir_atomic_store(&r->token, 0, WEIR_RELAXED);
    if (weir_atomic_exchange(&r->leaving, 0, WEIR_RELAXED) != 0)
        weir__unpark_all(&r->leaving);
    /* sync(mine): release. Pairs with the compare-and-swap in take_over() and gather_orphans();
     * the lists. */
    weir_atomic_store(&r->owner, 0, WEIR_RELEASE);
}

void weir__reclaim_leave(weir__reader *reader)
{
    record *const r = (record *)(void *)reader;

    WEIR_REQUIRE(!weir__record_runs(r), "a record cannot be given back from a callback");
    if (reset(r))
        /* relaxed: a statistic. */
        weir_atomic_fetch_add(&r->domain->left_open, 1, WEIR_RELAXED);
    gone(r);
    if (weir__record_waits(r))
        weir__reclaim_collect(reader);
    pthread_mutex_lock(&registry);
    forget(r->domain);
    give_back(r);
    pthread_mutex_unlock(&registry);
}

/* ---- the end of a thread ---- */

static pthread_key_t end_key;
static bool end_key_made;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void watch_the_end(void)
{
    if (!self.watched && end_key_made)
        self.watched = pthread_setspecific(end_key, &self) == 0;
}

/* Whether it is the calling thread's. */
static bool is_mine(const record *r)
{
    /* relaxed: only this thread writes its token, and takes it off in give_back(). Not by `owner`,
     * which may be another's already while this thread's token were still there. */
    return self.token != 0 && weir_atomic_load(&r->token, WEIR_RELAXED) == self.token;
}

/* A record of this thread, in any domain; who frees the domain waits until it is given back. */
static record *any_record(void)
{
    record *found = NULL;

    pthread_mutex_lock(&registry);
    for (weir__domain *domain = domains; domain != NULL && found == NULL; domain = domain->next)
        for (record *r = domain->freeing ? NULL : first_record(domain); r != NULL && found == NULL;
             r = r->next)
            if (is_mine(r))
                found = r;
    if (found != NULL)
        /* relaxed: under the lock. */
        weir_atomic_store(&found->leaving, 1, WEIR_RELAXED);
    pthread_mutex_unlock(&registry);
    return found;
}

/* Other destructors of the same round may still use their records: they are given back in the
 * second. If those of later rounds ask for one again, this is called again, as often as pthreads
 * does that at all. */
static void thread_ends(void *unused)
{
    record *r;

    (void)unused;
    self.watched = false;
    if (!self.ending) {
        self.ending = true;
        watch_the_end();
        if (self.watched)
            return;
    }
    while ((r = any_record()) != NULL) {
        if (weir__record_runs(r)) {
            /* Within a callback, by pthread_exit() or a cancellation: the others' turn. */
            append(&r->ready, &r->taken);
            weir__record_return(r, &r->ready);
            /* sync(mine): release. Pairs with the load in weir__reclaim_barrier(). */
            weir_atomic_fetch_add(&r->domain->returned, 1, WEIR_RELEASE);
            weir__record_end_run(r);
        }
        weir__reclaim_leave(&r->reader);
    }
}

/* ---- fork ---- */

static void before_fork(void)
{
    pthread_mutex_lock(&registry);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&registry);
}

/* Somebody who is not there in the child was just moving objects: they are left where they are. */
static void leave_torn(record *r)
{
    /* relaxed: this thread is alone. */
    if (weir_atomic_load(&r->busy, WEIR_RELAXED) == 0 &&
        weir_atomic_load(&r->claimed, WEIR_RELAXED) == 0)
        return;
    memset(&r->open, 0, sizeof r->open);
    memset(&r->closed, 0, sizeof r->closed);
}

/* `r` is of a thread that is not there in the child. */
static void inherit(record *r)
{
    reset(r);
    /* relaxed: this thread is alone, here and below. */
    if (weir_atomic_load(&r->moves, WEIR_RELAXED) == 0) {
        append(&r->open, &r->ready);
        append(&r->open, &r->taken);
    }
    memset(&r->ready, 0, sizeof r->ready);
    memset(&r->taken, 0, sizeof r->taken);
    /* relaxed: as above. */
    weir_atomic_store(&r->moves, 0, WEIR_RELAXED);
    weir_atomic_store(&r->busy, 0, WEIR_RELAXED);
    weir_atomic_store(&r->runs, 0, WEIR_RELAXED);
    give_back(r);
}

static void after_fork_in_child(void)
{
    self.tid = 0;
    for (weir__domain *domain = domains; domain != NULL; domain = domain->next) {
        /* relaxed: this thread is alone, here and below. */
        weir_atomic_store(&domain->barriers, 0, WEIR_RELAXED);
        weir_atomic_store(&domain->passes, 0, WEIR_RELAXED);
        for (record *r = first_record(domain); r != NULL; r = r->next) {
            leave_torn(r);
            /* relaxed: as above. */
            weir_atomic_store(&r->claimed, 0, WEIR_RELAXED);
            weir_atomic_fetch_and(&r->reader.attention, WEIR__ATTENTION_FENCED, WEIR_RELAXED);
            if (is_mine(r))
                weir_atomic_store(&r->owner, tid_of_self(), WEIR_RELAXED);
            /* relaxed: as above. */
            else if (weir_atomic_load(&r->owner, WEIR_RELAXED) != 0)
                inherit(r);
        }
    }
    pthread_mutex_unlock(&registry);
}

static void prepare(void)
{
    end_key_made = pthread_key_create(&end_key, thread_ends) == 0;
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* Early, so that the user's own handlers of fork, which may use a domain, run outside of these. */
__attribute__((constructor)) static void load(void)
{
    pthread_once(&once, prepare);
}

/* A plugin that contains this library is unloaded: no thread may come back to its code. Its
 * domains have been freed before, so nothing is left to be given back. */
__attribute__((destructor)) static void unload(void)
{
    if (end_key_made)
        pthread_key_delete(end_key);
    end_key_made = false;
}

/* ---- first use ---- */

/* Whether a record that this thread makes is to be late. */
static bool is_late(void)
{
    return self.ending || !self.watched;
}

/* Whether the thread that owns a record has ended without giving it back: it asked for it in the
 * last round of its destructors, or there was no key to be had. The kernel is asked if that may
 * be so, or in any case. */
static bool is_dead(const record *r, uint32_t owner, bool in_any_case)
{
    const int kept = errno;
    bool dead;

    if (owner == 0 || owner == UINT32_MAX || (!r->late && !in_any_case))
        return false;
    if (owner == tid_of_self())
        return !is_mine(r); /* or its id has come to this thread */
    dead = syscall(SYS_tgkill, getpid(), owner, 0) != 0 && errno == ESRCH;
    errno = kept;
    return dead;
}

/* Ends what a thread that has ended may have left open. Returns: false if it has not. */
static bool bury(record *r, uint32_t owner, bool in_any_case)
{
    if (!is_dead(r, owner, in_any_case))
        return false;
    if (reset(r))
        /* relaxed: a statistic. */
        weir_atomic_fetch_add(&r->domain->left_open, 1, WEIR_RELAXED);
    gone(r);
    return true;
}

/* Under the registry's lock: makes `r` the calling thread's, if it is nobody's. */
static bool take_over(record *r, bool in_any_case)
{
    uint32_t owner = 0;

    /* sync(mine): acquire. Pairs with the store in give_back() and gather_orphans().
     * relaxed on failure: tried anew. */
    if (!weir_atomic_cas(&r->owner, &owner, tid_of_self(), WEIR_ACQUIRE, WEIR_RELAXED)) {
        if (!bury(r, owner, in_any_case))
            return false;
        /* relaxed: it has no other thread, and the registry's lock is held. */
        weir_atomic_store(&r->owner, tid_of_self(), WEIR_RELAXED);
    }
    /* relaxed: looked for by this thread alone. */
    weir_atomic_store(&r->token, token_of_self(), WEIR_RELAXED);
    r->late = is_late();
    return true;
}

static record *take_over_any(weir__domain *domain, bool in_any_case)
{
    record *r;

    pthread_mutex_lock(&registry);
    for (r = first_record(domain); r != NULL && !take_over(r, in_any_case); r = r->next) {
    }
    pthread_mutex_unlock(&registry);
    return r;
}

record *weir__record_find(weir__domain *domain)
{
    if (WEIR_LIKELY(self.id[domain->id % REMEMBERED] == domain->id))
        return self.remembered[domain->id % REMEMBERED];
    if (self.token == 0)
        return NULL; /* has never had one */
    for (record *r = first_record(domain); r != NULL; r = r->next)
        if (is_mine(r)) {
            remember(domain, r);
            return r;
        }
    return NULL;
}

static record *make_record(weir__domain *domain)
{
    record *const r = (record *)weir_alloc(sizeof(record), WEIR_CACHELINE);

    if (r == NULL)
        return NULL;
    memset((void *)r, 0, sizeof *r);
    weir_atomic_init(&r->reader.lower, outside(domain));
    weir_atomic_init(&r->reader.attention, domain->fenced ? WEIR__ATTENTION_FENCED : 0);
    weir_atomic_init(&r->owner, tid_of_self());
    weir_atomic_init(&r->token, token_of_self());
    r->reader.era = &domain->era;
    /* sync(era): acquire. Pairs with the fetch_add in close_era(). */
    weir_atomic_init(&r->reader.now, weir_atomic_load(&domain->era, WEIR_ACQUIRE));
    /* relaxed: this thread has just stored it. */
    weir_atomic_init(&r->reader.upper, weir_atomic_load(&r->reader.now, WEIR_RELAXED));
    r->reader.scheme = (uint16_t)domain->scheme;
    r->domain = domain;
    r->look_objects = domain->options.batch_objects;
    r->look_bytes = domain->options.batch_bytes;
    r->late = is_late();
    return r;
}

static void add_record(weir__domain *domain, record *r)
{
    /* relaxed: the registry's lock is held, and nobody else writes it. */
    r->next = weir_atomic_load(&domain->records, WEIR_RELAXED);
    /* sync(named): release. Pairs with first_record(); the record. */
    weir_atomic_store(&domain->records, r, WEIR_RELEASE);
    name(domain);
}

weir__reader *weir__reclaim_self(weir__domain *domain)
{
    record *r = weir__record_find(domain);

    if (WEIR_LIKELY(r != NULL))
        return &r->reader;
    watch_the_end();
    r = take_over_any(domain, false);
    if (r == NULL)
        r = take_over_any(domain, true);
    if (r == NULL) {
        /* Outside of the lock: the allocator is the user's. */
        r = make_record(domain);
        if (r == NULL)
            return NULL;
        pthread_mutex_lock(&registry);
        add_record(domain, r);
        pthread_mutex_unlock(&registry);
    }
    remember(domain, r);
    return &r->reader;
}

/* ---- hazards beyond the record's own ---- */

weir__hazard *weir__hazard_slot(weir__reader *reader, unsigned slot)
{
    record *const r = (record *)(void *)reader;
    hazard_block *b = next_block(&r->more);

    slot -= WEIR_HAZARD_SLOTS;
    while (b != NULL && slot >= BLOCK_HAZARDS) {
        b = next_block(&b->next);
        slot -= BLOCK_HAZARDS;
    }
    WEIR_REQUIRE(b != NULL, "no such hazard slot: reserve it first");
    return &b->hazard[slot];
}

void weir__hazard_clear_more(weir__reader *reader)
{
    record *const r = (record *)(void *)reader;
    uint32_t at = WEIR_HAZARD_SLOTS;

    for (hazard_block *b = next_block(&r->more); at < reader->used; b = next_block(&b->next))
        for (unsigned i = 0; i < BLOCK_HAZARDS && at < reader->used; i++, at++)
            weir__hazard_publish(reader, &b->hazard[i], NULL);
    reader->used = WEIR_HAZARD_SLOTS;
}

int weir__hazard_reserve(weir__reader *reader, unsigned slots)
{
    record *const r = (record *)(void *)reader;
    WEIR_ATOMIC(hazard_block *) *link = &r->more;

    for (unsigned have = WEIR_HAZARD_SLOTS; have < slots; have += BLOCK_HAZARDS) {
        hazard_block *b = next_block(link);

        if (b == NULL) {
            b = (hazard_block *)weir_alloc(sizeof *b, WEIR_CACHELINE);
            if (b == NULL)
                return -ENOMEM;
            memset((void *)b, 0, sizeof *b);
            /* sync(named): release. Pairs with next_block(); the empty slots. */
            weir_atomic_store(link, b, WEIR_RELEASE);
            name(r->domain);
        }
        link = &b->next;
    }
    return 0;
}

/* ---- domains ---- */

int weir__reclaim_new(weir__domain **out, uint32_t scheme, const weir_reclaim_options *options)
{
    weir__domain *domain;

    if (scheme > WEIR__HAZARD)
        return -EINVAL;
    domain = (weir__domain *)weir_alloc(sizeof(weir__domain), WEIR_CACHELINE);
    if (domain == NULL)
        return -ENOMEM;
    memset((void *)domain, 0, sizeof *domain);
    domain->scheme = scheme;
    if (options != NULL)
        domain->options = *options;
    if (domain->options.batch_objects == 0)
        domain->options.batch_objects = BATCH_OBJECTS;
    if (domain->options.batch_bytes == 0)
        domain->options.batch_bytes = BATCH_BYTES;
    /* Not to be above the limit with batches that are not even full. */
    if (domain->options.limit_bytes != 0 &&
        domain->options.batch_bytes > domain->options.limit_bytes / 8 + 1)
        domain->options.batch_bytes = domain->options.limit_bytes / 8 + 1;
    domain->fenced = domain->options.fenced || !weir_fence_asymmetric();
    weir_atomic_init(&domain->era, WEIR__ERA | 1);
    pthread_once(&once, prepare);
    pthread_mutex_lock(&registry);
    domain->id = ++last_id;
    domain->next = domains;
    domains = domain;
    pthread_mutex_unlock(&registry);
    *out = domain;
    return 0;
}

bool weir__reclaim_fenced(const weir__domain *domain)
{
    return domain->fenced;
}

/* Calls all callbacks there are. Nobody is inside, and nobody else uses the domain. */
static void drain(weir__domain *domain)
{
    bool some = true;

    while (some) {
        some = false;
        for (record *r = first_record(domain); r != NULL; r = r->next) {
            list waiting;

            memset(&waiting, 0, sizeof waiting);
            weir__record_gather(r, &waiting);
            weir__record_begin_run(r);
            some |= weir__record_run(r, &waiting) > 0;
            weir__record_end_run(r);
        }
    }
}

bool weir__record_is_open(const record *r)
{
    /* relaxed: its thread's own words, or nobody uses the domain; here and below. */
    bool open = (weir_atomic_load(&r->reader.lower, WEIR_RELAXED) & WEIR__INSIDE) != 0;

    for (unsigned i = 0; i < HAZARDS; i++)
        open |= weir_atomic_load(&r->reader.hazard[i], WEIR_RELAXED) != NULL;
    for (hazard_block *b = next_block(&r->more); b != NULL; b = next_block(&b->next))
        for (unsigned i = 0; i < BLOCK_HAZARDS; i++)
            /* relaxed: as above. */
            open |= weir_atomic_load(&b->hazard[i], WEIR_RELAXED) != NULL;
    return open;
}

/* Under the registry's lock. */
static bool in_use(const weir__domain *domain)
{
    for (record *r = first_record(domain); r != NULL; r = r->next)
        /* relaxed: a name. */
        if ((weir__record_is_open(r) &&
             !bury(r, weir_atomic_load(&r->owner, WEIR_RELAXED), true)) ||
            weir__record_runs(r))
            return true;
    return false;
}

static void release_record(record *r)
{
    hazard_block *b = next_block(&r->more);

    while (b != NULL) {
        hazard_block *const next = next_block(&b->next);

        weir_release((void *)b, sizeof *b);
        b = next;
    }
    weir_release((void *)r, sizeof *r);
}

/* Where the registry has the domain. Under its lock. */
static weir__domain **link_to(const weir__domain *domain)
{
    weir__domain **link = &domains;

    while (*link != NULL && *link != domain)
        link = &(*link)->next;
    WEIR_REQUIRE(*link == domain, "freed twice, or never made");
    return link;
}

/* Within one of its callbacks. */
static bool is_called_back(weir__domain *domain)
{
    const record *const me = weir__record_find(domain);

    if (domain->freeing)
        return true;
    /* relaxed: own word. */
    return me != NULL &&
           (weir__record_runs(me) || weir_atomic_load(&me->leaving, WEIR_RELAXED) != 0);
}

/* Waits for threads that are ending just now, and have records here: they may be calling
 * callbacks. Under the registry's lock, which it gives up meanwhile. */
static void wait_for_leaving(weir__domain *domain)
{
    record *r = first_record(domain);

    while (r != NULL) {
        /* relaxed: under the lock. */
        if (weir_atomic_load(&r->leaving, WEIR_RELAXED) == 0) {
            r = r->next;
            continue;
        }
        pthread_mutex_unlock(&registry);
        (void)weir__park(&r->leaving, 1, WEIR_FOREVER);
        pthread_mutex_lock(&registry);
        r = first_record(domain);
    }
}

/* From here on no thread that ends finds its record. Returns: 0; -EBUSY. */
static int begin_freeing(weir__domain *domain)
{
    int status = -EBUSY;

    pthread_mutex_lock(&registry);
    (void)link_to(domain);
    if (!is_called_back(domain)) {
        wait_for_leaving(domain);
        if (!in_use(domain)) {
            domain->freeing = true;
            status = 0;
        }
    }
    pthread_mutex_unlock(&registry);
    return status;
}

int weir__reclaim_free(weir__domain *domain)
{
    weir__domain **link;
    record *r;

    if (domain == NULL)
        return 0;
    if (begin_freeing(domain) != 0)
        return -EBUSY;
    drain(domain);
    pthread_mutex_lock(&registry);
    link = link_to(domain);
    *link = domain->next;
    pthread_mutex_unlock(&registry);
    forget(domain);
    r = first_record(domain);
    while (r != NULL) {
        record *const next = r->next;

        release_record(r);
        r = next;
    }
    weir_release((void *)domain, sizeof *domain);
    return 0;
}

void weir__reclaim_stats(weir__domain *domain, weir_reclaim_stats *stats)
{
    size_t objects = 0;
    size_t bytes = 0;

    memset(stats, 0, sizeof *stats);
    /* What was reclaimed is read first, so that the difference is below nothing only
     * where loads pass each other.
     * relaxed: numbers that move; here and below. */
    for (record *r = first_record(domain); r != NULL; r = r->next) {
        objects -= weir_atomic_load(&r->reclaimed_objects, WEIR_RELAXED);
        bytes -= weir_atomic_load(&r->reclaimed_bytes, WEIR_RELAXED);
        stats->records++;
    }
    for (record *r = first_record(domain); r != NULL; r = r->next) {
        /* relaxed: numbers that move. */
        objects += weir_atomic_load(&r->retired_objects, WEIR_RELAXED);
        bytes += weir_atomic_load(&r->retired_bytes, WEIR_RELAXED);
    }
    stats->objects = objects > SIZE_MAX / 2 ? 0 : objects;
    stats->bytes = bytes > SIZE_MAX / 2 ? 0 : bytes;
    /* relaxed: as above. */
    stats->left_open = weir_atomic_load(&domain->left_open, WEIR_RELAXED);
}
