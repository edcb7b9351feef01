/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Counters under many threads. Each round is one of:
 *
 *   word     sums are exact, a limit is never passed, stock is handed out once
 *   ref      exactly one put is the last, and it sees what the others wrote; nobody
 *            gets a reference after it
 *   sharded  exact at rest, from sequences and from atomic shards at once, with
 *            threads that change CPUs, are signalled, and add in the handler
 *   read     while others add, a read lies between what was done before the call and
 *            what had been allowed by its end, and the next one is not smaller
 *   churn    short threads come and go: nothing is lost, memory stays as it is
 *            (peer bug R30: moodycamel e4245f8, 1752d7b; their hash of thread ids)
 *
 * With --seconds 30 or more, churn goes on until a million threads have come and gone. */

#include <weir/counter.h>

#include "stress.h"

#include <signal.h>
#include <sys/resource.h>

enum { BATCH = 64, LONG_CHURN = 1000000 };

static struct {
    uint64_t rounds, adds, by_cpu, signals, reads, threads;
    uint64_t widest; /* largest difference between a read and what was surely done */
} totals;

static uint64_t round_ns(stress_rng *rng)
{
    return 2000000 + stress_below(rng, 30000000);
}

/* Every worker of a round; those of which it needs less leave the rest alone. */
typedef struct worker {
    WEIR_ALIGNAS(WEIR_CACHELINE) stress *s;
    stress_rng rng;
    void *round;
    unsigned id;
    uint64_t done, given, last; /* plain: read after the join */
    WEIR_ATOMIC(uint64_t) allowed, surely;
    pthread_t self;
    WEIR_ATOMIC(uint32_t) here;
} worker;

static worker workers[STRESS_MAX_THREADS];

static void run(stress *s, stress_rng *rng, unsigned count, void (*body)(void *), void *round,
                uint64_t ns)
{
    memset(workers, 0, sizeof workers);
    for (unsigned i = 0; i < count; i++) {
        workers[i].s = s;
        workers[i].rng = stress_rng_make(stress_random(rng), i);
        workers[i].round = round;
        workers[i].id = i;
    }
    stress_run(s, count, body, workers, sizeof workers[0], ns);
}

/* ---- word ---- */

typedef struct word_round {
    weir_counter sum, inside, stock, high;
    uint64_t limit;
} word_round;

static void word_body(void *argument)
{
    worker *const w = (worker *)argument;
    word_round *const r = (word_round *)w->round;
    uint64_t held = 0;

    while (!stress_stopping(w->s)) {
        const uint64_t n = stress_below(&w->rng, 5);

        weir_counter_add(&r->sum, n);
        w->done += n;
        if (held == 0 && weir_counter_add_limit(&r->inside, n, r->limit)) {
            held = n;
            (void)weir_counter_max(&r->high, weir_counter_read(&r->inside));
        } else if (held > 0) {
            weir_counter_sub(&r->inside, held);
            held = 0;
        }
        if (weir_counter_read(&r->inside) > r->limit)
            stress_fail(w->s, "a limit was passed");
        if (weir_counter_dec_if_positive(&r->stock)) {
            w->given++;
            if (n == 0 && weir_counter_inc_unless_zero(&r->stock))
                w->given--;
        }
        stress_maybe_yield(&w->rng, 64);
    }
    weir_counter_sub(&r->inside, held);
}

static void word(stress *s, stress_rng *rng)
{
    const uint64_t start = stress_below(rng, 2) == 0 ? 0 : UINT64_MAX - stress_below(rng, 1000);
    const uint64_t stock = stress_below(rng, 100000);
    uint64_t done = 0, given = 0;
    word_round r;

    weir_counter_init(&r.sum, start);
    weir_counter_init(&r.inside, 0);
    weir_counter_init(&r.stock, stock);
    weir_counter_init(&r.high, 0);
    r.limit = 1 + stress_below(rng, 9);
    run(s, rng, s->threads, word_body, &r, round_ns(rng));
    for (unsigned i = 0; i < s->threads; i++) {
        done += workers[i].done;
        given += workers[i].given;
    }
    totals.adds += done;
    if (weir_counter_read(&r.sum) - start != done)
        stress_fail(s, "word: %" PRIu64 " added, %" PRIu64 " counted", done,
                    weir_counter_read(&r.sum) - start);
    if (weir_counter_read(&r.inside) != 0)
        stress_fail(s, "word: what was taken below the limit is not back");
    if (weir_counter_read(&r.high) > r.limit)
        stress_fail(s, "word: the high-water mark is above the limit");
    if (weir_counter_read(&r.stock) + given != stock)
        stress_fail(s, "word: stock %" PRIu64 ", given %" PRIu64 ", left %" PRIu64, stock, given,
                    weir_counter_read(&r.stock));
}

/* ---- ref ---- */

typedef struct ref_round {
    weir_ref ref;
    weir_counter last, late;
    unsigned threads;
    uint64_t written[STRESS_MAX_THREADS]; /* plain: only the reference orders them */
} ref_round;

static void ref_body(void *argument)
{
    worker *const w = (worker *)argument;
    ref_round *const r = (ref_round *)w->round;
    uint64_t times = 1 + stress_below(&w->rng, 2000);

    for (; times > 0; times--) {
        r->written[w->id]++;
        w->done++;
        if (times % 2 == 0)
            weir_ref_get(&r->ref);
        else if (!weir_ref_get_unless_zero(&r->ref))
            stress_fail(w->s, "ref: no reference, though this thread holds one");
        stress_maybe_yield(&w->rng, 256);
        if (weir_ref_put(&r->ref))
            stress_fail(w->s, "ref: the last one, though this thread holds another");
    }
    if (weir_ref_put(&r->ref)) {
        uint64_t sum = 0;

        for (unsigned i = 0; i < r->threads; i++)
            sum += r->written[i];
        w->given = sum;
        weir_counter_inc(&r->last);
    } else if (weir_ref_get_unless_zero(&r->ref)) {
        if (weir_ref_put(&r->ref)) {
            uint64_t sum = 0;

            for (unsigned i = 0; i < r->threads; i++)
                sum += r->written[i];
            w->given = sum;
            weir_counter_inc(&r->last);
        }
    } else {
        weir_counter_inc(&r->late);
    }
}

static void ref(stress *s, stress_rng *rng)
{
    static ref_round r;
    uint64_t done = 0, given = 0;

    memset(&r, 0, sizeof r);
    weir_ref_init(&r.ref, s->threads);
    r.threads = s->threads;
    run(s, rng, s->threads, ref_body, &r, 0);
    for (unsigned i = 0; i < s->threads; i++) {
        done += workers[i].done;
        given += workers[i].given;
    }
    if (weir_counter_read(&r.last) != 1)
        stress_fail(s, "ref: %" PRIu64 " were the last", weir_counter_read(&r.last));
    if (given != done)
        stress_fail(s, "ref: the last one saw %" PRIu64 " of %" PRIu64 " writes", given, done);
    if (weir_ref_count_approx(&r.ref) != 0)
        stress_fail(s, "ref: not 0 at the end");
}

/* ---- sharded ---- */

static weir_counter_sharded *sharded_now;
static weir_counter handled;
static size_t cpus[CPU_SETSIZE]; /* that this process may use */
static size_t cpu_count;

static void change_cpu(uint64_t number)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(cpus[number % cpu_count], &one);
    (void)sched_setaffinity(0, sizeof one, &one);
}

/* Leaves the interrupted add on another CPU: had it read its number before, and did it go
 * on, it would add to the old one's cell while the threads there do. */
static void add_in_handler(int number)
{
    (void)number;
    weir_counter_sharded_inc(sharded_now);
    change_cpu(stress_mix(weir_counter_fetch_add(&handled, 1)));
}

static WEIR_ATOMIC(uint32_t) leaving;

static void sharded_body(void *argument)
{
    worker *const w = (worker *)argument;
    weir_counter_sharded *const c = (weir_counter_sharded *)w->round;

    w->self = pthread_self();
    /* sync(here): release.  Pairs with the load below; publishes self. */
    weir_atomic_store(&w->here, 1, WEIR_RELEASE);
    while (!stress_stopping(w->s)) {
        const uint64_t what = stress_below(&w->rng, 1024);

        for (uint64_t n = 1; n <= 64; n++) {
            weir_counter_sharded_add(c, n);
            if (what % 4 == 0) {
                weir__counter_add_shard(c, n); /* as a file without rseq does */
                w->done += n;
            }
            if (n % 8 == 0)
                weir_counter_sharded_dec(c);
        }
        w->done += 64 * 65 / 2 - 8;
        if (what < 4) {
            sched_yield();
        } else if (what < 40) {
            worker *const other = &workers[stress_below(&w->rng, w->s->threads)];

            /* Who has not come yet is left alone.
             * sync(here): acquire.  Pairs with the store above; receives self. */
            if (weir_atomic_load(&other->here, WEIR_ACQUIRE) == 1)
                (void)pthread_kill(other->self, SIGUSR1);
        }
    }
    /* Nobody ends while another may still signal it.
     * relaxed, both: a count; nothing else is carried. */
    weir_atomic_fetch_add(&leaving, 1, WEIR_RELAXED);
    while (weir_atomic_load(&leaving, WEIR_RELAXED) < w->s->threads)
        sched_yield();
}

static void sharded(stress *s, stress_rng *rng)
{
    const uint64_t start = stress_below(rng, 2) == 0 ? 0 : UINT64_MAX - stress_below(rng, 1000);
    const size_t slots = 1 + stress_size(rng, stress_below(rng, 2) == 0 ? 3 : 40);
    const size_t bytes = weir_counter_sharded_bytes(slots);
    const uint64_t handled_before = weir_counter_read(&handled);
    uint64_t done = 0, got;
    weir_counter_sharded *c = NULL;
    void *const buffer = aligned_alloc(WEIR_CACHELINE, bytes);

    if (buffer == NULL || weir_counter_sharded_init_at(&c, buffer, bytes, slots, start) != 0)
        stress_fail(s, "sharded: no memory");
    sharded_now = c;
    weir_atomic_init(&leaving, 0);
    run(s, rng, s->threads, sharded_body, c, round_ns(rng));
    for (unsigned i = 0; i < s->threads; i++)
        done += workers[i].done;
    done += weir_counter_read(&handled) - handled_before;
    got = weir_counter_sharded_read(c) - start;
    if (got != done)
        stress_fail(s, "sharded: %zu slots: %" PRIu64 " added, %" PRIu64 " counted", slots, done,
                    got);
    for (uint32_t i = 0; i < c->count; i++) {
        /* relaxed: joined. */
        totals.by_cpu += weir_atomic_load(&weir__counter_slots(c)[i].cpu, WEIR_RELAXED);
    }
    totals.adds += done;
    totals.signals += weir_counter_read(&handled) - handled_before;
    weir_counter_sharded_destroy(c);
    free(buffer);
}

/* ---- read ---- */

enum { GRANT = 64 };

static void add_what_is_allowed(worker *w, weir_counter_sharded *c)
{
    uint64_t done = 0;

    while (!stress_stopping(w->s)) {
        /* sync(allowed): acquire.  Pairs with the store in read_and_grant(): what is added
         * below happens after the reads that came before it was allowed. */
        const uint64_t allowed = weir_atomic_load(&w->allowed, WEIR_ACQUIRE);

        if (done == allowed)
            sched_yield();
        while (done < allowed) {
            if (w->id % 3 == 0)
                weir__counter_add_shard(c, 1);
            else
                weir_counter_sharded_inc(c);
            done++;
            /* sync(surely): release.  Pairs with the load in read_and_grant(): whoever sees
             * this number must count at least so many. */
            weir_atomic_store(&w->surely, done, WEIR_RELEASE);
        }
    }
    w->done = done;
}

static void read_and_grant(worker *w, weir_counter_sharded *c)
{
    const unsigned threads = w->s->threads;
    uint64_t allowed = 0, before = 0;

    while (!stress_stopping(w->s)) {
        const uint64_t each = stress_below(&w->rng, GRANT);
        uint64_t surely = 0, got;

        for (unsigned i = 1; i < threads; i++) {
            /* relaxed: only this thread writes it.
             * sync(allowed): release.  Pairs with the load in add_what_is_allowed(). */
            const uint64_t old = weir_atomic_load(&workers[i].allowed, WEIR_RELAXED);

            weir_atomic_store(&workers[i].allowed, old + each, WEIR_RELEASE);
            allowed += each;
        }
        for (uint64_t reads = 1 + stress_below(&w->rng, 20); reads > 0; reads--) {
            surely = 0;
            for (unsigned i = 1; i < threads; i++) {
                /* sync(surely): acquire.  Pairs with the store in add_what_is_allowed(). */
                surely += weir_atomic_load(&workers[i].surely, WEIR_ACQUIRE);
            }
            got = weir_counter_sharded_read(c);
            if (got < surely || got > allowed)
                stress_fail(w->s,
                            "read: got %" PRIu64 ", but %" PRIu64 " were done before and %" PRIu64
                            " allowed",
                            got, surely, allowed);
            if (got < before)
                stress_fail(w->s, "read: %" PRIu64 " after %" PRIu64, got, before);
            before = got;
            if (got - surely > w->last)
                w->last = got - surely;
            w->given++;
        }
        stress_maybe_yield(&w->rng, 4);
    }
    w->done = 0;
}

static void read_body(void *argument)
{
    worker *const w = (worker *)argument;

    if (w->id == 0)
        read_and_grant(w, (weir_counter_sharded *)w->round);
    else
        add_what_is_allowed(w, (weir_counter_sharded *)w->round);
}

static void read_while_adding(stress *s, stress_rng *rng)
{
    weir_counter_sharded *c = NULL;
    uint64_t done = 0;

    if (s->threads < 2)
        return;
    if (weir_counter_sharded_new(&c, 1 + stress_size(rng, 20)) != 0)
        stress_fail(s, "read: no memory");
    run(s, rng, s->threads, read_body, c, round_ns(rng));
    for (unsigned i = 1; i < s->threads; i++)
        done += workers[i].done;
    if (weir_counter_sharded_read(c) != done)
        stress_fail(s, "read: %" PRIu64 " at rest, %" PRIu64 " added", weir_counter_sharded_read(c),
                    done);
    totals.reads += workers[0].given;
    totals.adds += done;
    if (workers[0].last > totals.widest)
        totals.widest = workers[0].last;
    weir_counter_sharded_free(c);
}

/* ---- churn ---- */

static void *short_life(void *counter)
{
    weir_counter_sharded_add((weir_counter_sharded *)counter, 3);
    return NULL;
}

static uint64_t largest_rss_kib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss;
}

static void churn_batches(stress *s, weir_counter_sharded *c, unsigned batches)
{
    pthread_attr_t small;

    if (pthread_attr_init(&small) != 0 || pthread_attr_setstacksize(&small, 256 * 1024) != 0)
        stress_fail(s, "churn: no attributes");
    for (unsigned b = 0; b < batches; b++) {
        pthread_t threads[BATCH];

        for (int i = 0; i < BATCH; i++)
            if (pthread_create(&threads[i], &small, short_life, c) != 0)
                stress_fail(s, "churn: a thread could not be created");
        for (int i = 0; i < BATCH; i++)
            pthread_join(threads[i], NULL);
    }
    pthread_attr_destroy(&small);
}

static void churn(stress *s, stress_rng *rng)
{
    const unsigned batches = s->seconds < 30 ? 4 : LONG_CHURN / BATCH + 1;
    weir_counter_sharded *c = NULL;
    uint64_t rss;

    if (s->seconds >= 30 && totals.threads >= LONG_CHURN)
        return;
    if (weir_counter_sharded_new(&c, 1 + stress_size(rng, 20)) != 0)
        stress_fail(s, "churn: no memory");
    churn_batches(s, c, 1); /* what the C library keeps for later threads */
    rss = largest_rss_kib();
    churn_batches(s, c, batches);
    if (weir_counter_sharded_read(c) != (uint64_t)(batches + 1) * BATCH * 3)
        stress_fail(s, "churn: %" PRIu64 " counted of %" PRIu64, weir_counter_sharded_read(c),
                    (uint64_t)(batches + 1) * BATCH * 3);
    totals.threads += (uint64_t)(batches + 1) * BATCH;
    totals.adds += (uint64_t)(batches + 1) * BATCH * 3;
#if !defined(WEIR_TSAN) && !defined(__SANITIZE_ADDRESS__)
    /* A sanitizer's own memory grows with the number of threads that ever were. */
    if (batches > 1000 && largest_rss_kib() > rss + 4096)
        stress_fail(s, "churn: memory grew by %" PRIu64 " KiB over a million threads",
                    largest_rss_kib() - rss);
#else
    (void)rss;
#endif
    weir_counter_sharded_free(c);
}

int main(int argc, char **argv)
{
    static void (*const kinds[])(stress *, stress_rng *) = {word, ref, sharded, read_while_adding,
                                                            churn};
    struct sigaction action;
    cpu_set_t allowed;
    stress_rng rng;
    stress s;

    stress_begin(&s, "counter", argc, argv);
    memset(&action, 0, sizeof action);
    action.sa_handler = add_in_handler;
    action.sa_flags = SA_RESTART;
    if (sigaction(SIGUSR1, &action, NULL) != 0 ||
        sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        stress_fail(&s, "no signal handler, or no CPUs");
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &allowed))
            cpus[cpu_count++] = i;
    rng = stress_rng_make(s.seed, 0);
    do {
        kinds[totals.rounds % 5](&s, &rng);
        totals.rounds++;
    } while (stress_goes_on(&s, "%" PRIu64 " rounds, %" PRIu64 " M counted", totals.rounds,
                            totals.adds / 1000000) ||
             totals.rounds < 5);
    return stress_end(&s,
                      "%" PRIu64 " rounds: %" PRIu64 " M counted, %" PRIu64 " M of them by CPU, "
                      "%" PRIu64 " signals, %" PRIu64 " short threads, %" PRIu64
                      " reads, at most %" PRIu64 " ahead; exact at rest",
                      totals.rounds, totals.adds / 1000000, totals.by_cpu / 1000000, totals.signals,
                      totals.threads, totals.reads, totals.widest);
}
