/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* How much stack the operations use. Each runs, slow paths too, in a thread with the smallest
 * stack that the C library allows (16 KiB, where it would allow less), which is painted before
 * and looked through after it. Printed: bytes below the caller's frame, of the operation and of
 * what it calls of the C library, which has been linked at start (-z now), but for malloc(). */

#include "test.h"

#include <weir/clock.h>
#include <weir/counter.h>
#include <weir/deque.h>
#include <weir/epoch.h>
#include <weir/guard.h>
#include <weir/hazard.h>
#include <weir/interval.h>
#include <weir/mpmc.h>
#include <weir/mpsc.h>
#include <weir/spsc.h>
#include <weir/stack.h>
#include <weir/stack_guard.h>
#include <weir/state.h>
#include <weir/ticket.h>
#include <weir/umpmc.h>

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>

/* No operation may use more. */
#define MOST 4096

enum { ROOM = 1 << 20, OBJECTS = 600, MARGIN = 512, PAINT = 0xa5 };

#if defined(__SANITIZE_ADDRESS__) || defined(WEIR_TSAN)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif
#else
enum { SANITIZED = 0 };
#endif

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- memory: only ever taken, so that malloc()'s own use does not count ---- */

static void *take(size_t bytes, size_t alignment, void *context)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char room[ROOM];
    static WEIR_ATOMIC(size_t) taken;
    const size_t whole = (bytes + WEIR_CACHELINE - 1) / WEIR_CACHELINE * WEIR_CACHELINE;
    /* relaxed: each gets another part, which nobody has written to. */
    const size_t at = weir_atomic_fetch_add(&taken, whole, WEIR_RELAXED);

    (void)alignment, (void)context;
    return at < ROOM && whole <= ROOM - at ? &room[at] : NULL;
}

static void give_back(void *pointer, size_t bytes, void *context)
{
    (void)pointer, (void)bytes, (void)context;
}

/* ---- painting and looking ---- */

typedef struct operation {
    const char *name; /* NULL: it is not printed, only run */
    void (*run)(void);
} operation;

static unsigned char *stack; /* of the thread that is measured */
static size_t stack_bytes;
static size_t nothing; /* what a call of a function that does nothing comes to */
static size_t deepest;
static uintptr_t thread_top; /* of its first frame */
static uintptr_t painted_to; /* when it was about to end */

/* Paints what is below the caller's frame, and MARGIN bytes more, which this one may use. */
static __attribute__((noinline)) uintptr_t paint(void)
{
    const uintptr_t to = (uintptr_t)__builtin_frame_address(0) - MARGIN;

    CHECK(to > (uintptr_t)stack && to < (uintptr_t)stack + stack_bytes);
    for (volatile unsigned char *at = stack; (uintptr_t)at < to; at++)
        *at = PAINT;
    return to;
}

/* Returns: how far below `to` something was written. */
static size_t look(uintptr_t to)
{
    const volatile unsigned char *at = stack;

    while ((uintptr_t)at < to && *at == PAINT)
        at++;
    /* The lowest word is the canary: below it is the guard page, and no reserve. */
    CHECK(at >= stack + 64);
    return to - (uintptr_t)at;
}

/* The compiler may not leave out what is here, or make it smaller. */
static inline void keep(unsigned char *bytes)
{
    __asm__ __volatile__("" : : "r"(bytes) : "memory");
}

/* Its frame covers the margin, so that all that `run` uses is below what was painted. */
static __attribute__((noinline)) void call(void (*run)(void))
{
    unsigned char covered[2 * MARGIN];

    keep(covered);
    covered[0] = 1; /* its lowest byte: from here on `run` counts */
    run();
    keep(covered);
}

static void do_nothing(void)
{
}

static size_t measured(void (*run)(void))
{
    const uintptr_t to = paint();

    call(run);
    return look(to);
}

static void report(const char *name, size_t used)
{
    if (name == NULL)
        return;
    printf("%-44s %5zu bytes\n", name, used);
    if (used > MOST) {
        fprintf(stderr, "%s: more than %d bytes of stack\n", name, MOST);
        CHECK(used <= MOST);
    }
    if (used > deepest)
        deepest = used;
}

typedef struct plan {
    const operation *operations;
    size_t count;
} plan;

static void *measure_all(void *argument)
{
    const plan *const p = (const plan *)argument;

    thread_top = (uintptr_t)__builtin_frame_address(0);
    nothing = measured(do_nothing);
    for (size_t i = 0; i < p->count; i++) {
        const size_t used = measured(p->operations[i].run);

        report(p->operations[i].name, used > nothing ? used - nothing : 0);
    }
    painted_to = paint();
    return NULL;
}

/* Returns: how much the end of the thread used at most, the C library's part included. */
static size_t run_in_thread(void *(*body)(void *), const plan *p)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t least = (size_t)PTHREAD_STACK_MIN;
    pthread_attr_t attributes;
    unsigned char *all;
    pthread_t thread;
    size_t end;

    stack_bytes = ((least < 16384 ? 16384 : least) + page - 1) / page * page;
    all = (unsigned char *)mmap(NULL, stack_bytes + page, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(all != MAP_FAILED);
    CHECK(mprotect(all, page, PROT_NONE) == 0); /* the guard */
    stack = all + page;
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstack(&attributes, stack, stack_bytes) == 0);
    CHECK(pthread_create(&thread, &attributes, body, (void *)(uintptr_t)p) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(pthread_attr_destroy(&attributes) == 0);
    end = look(painted_to) + (size_t)(thread_top - painted_to);
    CHECK(munmap(all, stack_bytes + page) == 0);
    return end;
}

static size_t run(const operation *operations, size_t count)
{
    const plan p = {operations, count};

    return run_in_thread(measure_all, &p);
}

#define RUN(operations) run(operations, COUNT(operations))

/* ---- that it can see ---- */

static void use_three_thousand(void)
{
    unsigned char used[3000];

    keep(used);
    used[0] = 1;
    keep(used);
}

static void *measure_three_thousand(void *unused)
{
    size_t used;

    nothing = measured(do_nothing);
    used = measured(use_three_thousand) - nothing;
    printf("3000 bytes are seen as %zu\n", used);
    CHECK(used >= 3000 - 16 && used < 3500);
    painted_to = paint();
    return unused;
}

static void sees_what_is_used(void)
{
    run_in_thread(measure_three_thousand, NULL);
}

/* ---- the structures without reclamation ---- */

static weir_counter counter;
static weir_counter_sharded *sharded;
static weir_state state;
static weir_spsc *spsc;
static weir_mpsc mpsc;
static weir_ticket *ticket;
static weir_stack_index *indices;
static uintptr_t values[64];

static void backoff_first(void)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    weir_backoff_wait(&backoff);
}

static void clock_now(void)
{
    (void)weir_clock_now();
}

static void counter_all(void)
{
    weir_counter_init(&counter, 1);
    weir_counter_inc(&counter);
    CHECK(weir_counter_add_limit(&counter, 1, 10));
    weir_counter_max(&counter, 7);
    CHECK_EQ(weir_counter_read(&counter), 7);
}

static void sharded_new(void)
{
    CHECK_EQ(weir_counter_sharded_new(&sharded, weir_counter_sharded_slots()), 0);
}

static void sharded_add(void)
{
    weir_counter_sharded_add(sharded, 3);
}

static void sharded_read(void)
{
    weir_counter_sharded_inc(sharded);
    CHECK_EQ(weir_counter_sharded_read(sharded), 4);
    weir_counter_sharded_free(sharded);
}

static void state_all(void)
{
    weir_state_init(&state, 1);
    CHECK(weir_state_move(&state, 1, 2));
}

static void spsc_new(void)
{
    CHECK_EQ(weir_spsc_new(&spsc, 40, sizeof(uintptr_t)), 0);
}

static void spsc_one_by_one(void)
{
    for (uintptr_t i = 0; i < 200; i++) {
        CHECK(weir_spsc_try_enqueue(spsc, &i));
        CHECK(weir_spsc_try_dequeue(spsc, values));
    }
}

static void spsc_burst(void)
{
    CHECK_EQ(weir_spsc_enqueue_burst(spsc, values, 64), 40);
    CHECK_EQ(weir_spsc_dequeue_burst(spsc, values, 64), 40);
}

static void mpsc_all(void)
{
    static weir_mpsc_node nodes[4];
    weir_mpsc_node *got[4];

    weir_mpsc_init(&mpsc);
    for (int i = 0; i < 4; i++)
        weir_mpsc_enqueue(&mpsc, &nodes[i]);
    CHECK_EQ(weir_mpsc_dequeue_burst(&mpsc, got, 4), 4);
}

static void ticket_new(void)
{
    CHECK_EQ(weir_ticket_new(&ticket, 40), 0);
}

static void ticket_one_by_one(void)
{
    for (uintptr_t i = 0; i < 200; i++) {
        CHECK(weir_ticket_try_enqueue(ticket, i));
        CHECK(weir_ticket_try_dequeue(ticket, values));
    }
    CHECK(!weir_ticket_try_dequeue(ticket, values));
}

static void ticket_burst(void)
{
    CHECK_EQ(weir_ticket_enqueue_burst(ticket, values, 64), 40);
    CHECK(!weir_ticket_try_enqueue(ticket, 1));
    CHECK_EQ(weir_ticket_dequeue_burst(ticket, values, 64), 40);
}

static void indices_all(void)
{
    CHECK_EQ(weir_stack_index_new(&indices, 8, WEIR_STACK_FULL), 0);
    weir_stack_index_push(indices, weir_stack_index_pop(indices));
    CHECK(weir_stack_index_pop_all(indices) != WEIR_STACK_NONE);
}

#ifdef WEIR_HAVE_MPMC
static weir_mpmc *mpmc;
static weir_mpmc_slots *mpmc_slots;

static void mpmc_new(void)
{
    CHECK_EQ(weir_mpmc_new(&mpmc, 40), 0);
    CHECK_EQ(weir_mpmc_slots_new(&mpmc_slots, 40, 2, 200), 0);
}

static void mpmc_one_by_one(void)
{
    for (uintptr_t i = 0; i < 200; i++) {
        CHECK(weir_mpmc_try_enqueue(mpmc, i));
        CHECK(weir_mpmc_try_dequeue(mpmc, values));
    }
    CHECK(!weir_mpmc_try_dequeue(mpmc, values));
}

static void mpmc_burst(void)
{
    CHECK_EQ(weir_mpmc_enqueue_burst(mpmc, values, 64), 40);
    CHECK(!weir_mpmc_try_enqueue(mpmc, 1));
    CHECK_EQ(weir_mpmc_dequeue_burst(mpmc, values, 64), 40);
}

static void mpmc_large(void)
{
    CHECK(weir_mpmc_slots_try_enqueue(mpmc_slots, values));
    CHECK(weir_mpmc_slots_try_dequeue(mpmc_slots, values));
}
#endif

#ifdef WEIR_HAVE_STACK
static void stack_all(void)
{
    static weir_stack nodes;
    static weir_stack_node node;

    weir_stack_init(&nodes);
    weir_stack_push(&nodes, &node);
    CHECK(weir_stack_pop(&nodes) == &node);
}
#endif

static void structures_without_reclamation(void)
{
    static const operation operations[] = {
        {"clock: now", clock_now},
        {"atomic: the first back-off, which measures", backoff_first},
        {"counter: all operations", counter_all},
        {"counter: new, sharded", sharded_new},
        {"counter: the first add, sharded", sharded_add},
        {"counter: an add, a read, sharded", sharded_read},
        {"state: move", state_all},
        {"spsc: new", spsc_new},
        {"spsc: one by one, around its end", spsc_one_by_one},
        {"spsc: bursts, full and empty", spsc_burst},
        {"mpsc: enqueue, dequeue_burst", mpsc_all},
        {"ticket: new", ticket_new},
        {"ticket: one by one, around its end", ticket_one_by_one},
        {"ticket: bursts, full and empty", ticket_burst},
        {"stack_index: new, push, pop, pop_all", indices_all},
#ifdef WEIR_HAVE_MPMC
        {"mpmc: new", mpmc_new},
        {"mpmc: one by one, around its end", mpmc_one_by_one},
        {"mpmc: bursts, full and empty", mpmc_burst},
        {"mpmc_slots: enqueue, dequeue", mpmc_large},
#endif
#ifdef WEIR_HAVE_STACK
        {"stack: push, pop", stack_all},
#endif
    };

    RUN(operations);
}

/* ---- reclamation, and what stands on it ---- */

static const weir_guard_scheme schemes[] = {WEIR_GUARD_EPOCH, WEIR_GUARD_INTERVAL,
                                            WEIR_GUARD_HAZARD};
static const char *const scheme_names[] = {"epoch", "interval", "hazard"};

static weir_guard *domain;
static weir_guard_record *record;
static weir_retired objects[OBJECTS];
static WEIR_ATOMIC(void *) root;
static size_t reclaimed;
static weir_umpmc *umpmc;
static weir_deque *deque;
static weir_stack_guard freed_nodes;

static void count_reclaimed(weir_retired *object)
{
    (void)object;
    reclaimed++;
}

static void domain_self(void)
{
    record = weir_guard_self(domain);
    CHECK(record != NULL);
}

static void domain_reserve(void)
{
    CHECK_EQ(weir_guard_reserve(record, 40), 0);
}

static void domain_read(void)
{
    const weir_section section = weir_guard_enter(record);

    (void)weir_guard_protect(record, 0, &root);
    (void)weir_guard_protect(record, 30, &root);
    weir_guard_exit(record, section);
}

static void domain_retire(void)
{
    static const weir_retired fresh = WEIR_RETIRED_INIT;

    for (size_t i = 0; i < OBJECTS / 2; i++) {
        objects[i] = fresh;
        weir_guard_retire(record, &objects[i], count_reclaimed, 8);
    }
}

static void domain_collect(void)
{
    for (size_t i = OBJECTS / 2; i < OBJECTS; i++)
        weir_guard_retire(record, &objects[i], count_reclaimed, 8);
    (void)weir_guard_collect(record);
}

static void domain_synchronize(void)
{
    CHECK_EQ(weir_guard_synchronize(domain, &objects[0], WEIR_FOREVER), 0);
}

static void domain_park(void)
{
    CHECK_EQ(weir_guard_synchronize(domain, &objects[0], weir_clock_after(1000000)), -ETIMEDOUT);
    CHECK_EQ(weir_guard_barrier(domain, 0), 0);
}

static void domain_barrier(void)
{
    weir_reclaim_stats stats;

    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
    weir_guard_stats(domain, &stats);
    CHECK_EQ(stats.objects, 0);
}

static void umpmc_new(void)
{
    CHECK_EQ(weir_umpmc_new(&umpmc, domain, 4), 0);
}

static void umpmc_segments(void)
{
    for (uintptr_t i = 0; i < 64; i++)
        CHECK_EQ(weir_umpmc_enqueue(umpmc, record, i), 0);
    CHECK(weir_umpmc_try_dequeue(umpmc, record, values));
}

static void umpmc_empty(void)
{
    CHECK_EQ(weir_umpmc_dequeue_burst(umpmc, record, values, 64), 63);
    CHECK(!weir_umpmc_try_dequeue(umpmc, record, values));
    CHECK_EQ(weir_umpmc_free(umpmc), 0);
}

static void deque_new(void)
{
    CHECK_EQ(weir_deque_new(&deque, domain, 2), 0);
}

static void deque_grow(void)
{
    for (uintptr_t i = 0; i < 64; i++)
        CHECK_EQ(weir_deque_push(deque, i), 0);
}

static void deque_steal(void)
{
    CHECK(weir_deque_steal(deque, record, values));
    CHECK(weir_deque_steal_burst(deque, record, values, 8) > 0);
}

static void deque_pop(void)
{
    while (weir_deque_pop(deque, values))
        continue;
    CHECK_EQ(weir_deque_free(deque), 0);
}

static void freed_nodes_all(void)
{
    static weir_stack_guard_node node;

    weir_stack_guard_init(&freed_nodes);
    weir_stack_guard_push(&freed_nodes, record, &node);
    CHECK(weir_stack_guard_pop(&freed_nodes, record) == &node);
    CHECK_EQ(weir_stack_guard_destroy(&freed_nodes), 0);
}

/* ---- a reader of another thread's, on a usual stack ---- */

static sem_t inside, leave;

static void *reader_main(void *unused)
{
    weir_guard_record *const mine = weir_guard_self(domain);
    weir_section section;

    CHECK(mine != NULL);
    section = weir_guard_enter(mine);
    (void)weir_guard_protect(mine, 0, &root);
    sem_post(&inside);
    while (sem_wait(&leave) != 0)
        continue;
    weir_guard_exit(mine, section);
    return unused;
}

static pthread_t reader;

static void reader_enters(void)
{
    CHECK(pthread_create(&reader, NULL, reader_main, NULL) == 0);
    while (sem_wait(&inside) != 0)
        continue;
}

static void reader_leaves(void)
{
    sem_post(&leave);
    CHECK(pthread_join(reader, NULL) == 0);
}

static void domains_and_what_stands_on_them(void)
{
    static const operation operations[] = {
        {"a thread's first use of the domain", domain_self},
        {"reserve more hazards", domain_reserve},
        {"enter, protect, exit", domain_read},
        {"retire", domain_retire},
        {"retire, collect", domain_collect},
        {"synchronize", domain_synchronize},
        {"barrier, stats", domain_barrier},
        {"umpmc: new", umpmc_new},
        {"umpmc: enqueue, with new segments", umpmc_segments},
        {"umpmc: dequeue, retiring them", umpmc_empty},
        {"deque: new", deque_new},
        {"deque: push, growing", deque_grow},
        {"deque: steal, steal_burst", deque_steal},
        {"deque: pop", deque_pop},
        {"stack_guard: push, pop", freed_nodes_all},
    };
    static const operation parked[] = {
        {NULL, domain_self},
        {"synchronize: sleeps until a deadline", domain_park},
    };
    static const operation left[] = {
        {NULL, domain_self},
        {NULL, domain_retire},
    };

    CHECK(sem_init(&inside, 0, 0) == 0 && sem_init(&leave, 0, 0) == 0);
    /* relaxed: no other thread is there. */
    weir_atomic_store(&root, &objects[0], WEIR_RELAXED);
    for (size_t i = 0; i < COUNT(schemes); i++) {
        const weir_reclaim_options options = {.batch_objects = 50};
        size_t end;

        printf("%s:\n", scheme_names[i]);
        CHECK_EQ(weir_guard_new(&domain, schemes[i], &options), 0);
        reclaimed = 0;
        RUN(operations);
        CHECK(reclaimed >= OBJECTS);
        reader_enters();
        RUN(parked);
        reader_leaves();
        end = RUN(left);
        report("the end of a thread, at most", end);
        CHECK_EQ(weir_guard_free(domain), 0);
    }
}

int main(void)
{
    static const weir_allocator own = {take, give_back, NULL};
    int status;

    if (SANITIZED) {
        printf("SKIP small_stack: a sanitizer needs larger stacks\n");
        return TEST_SKIPPED;
    }
    weir_set_allocator(&own);
    status = TEST_RUN("small_stack", TEST_CASE(sees_what_is_used),
                      TEST_CASE(structures_without_reclamation),
                      TEST_CASE(domains_and_what_stands_on_them));
    printf("stacks of %zu bytes; deepest use %zu bytes, at most %d allowed\n", stack_bytes, deepest,
           MOST);
    return status;
}
