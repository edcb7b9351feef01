/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/reclaim_fork.h: the part of tests/reclaim.c that is about fork(2): threads and
 * children that are waited for, memory that is there in a child too, and the cases. */

#ifndef WEIR_TESTS_RECLAIM_FORK_H
#define WEIR_TESTS_RECLAIM_FORK_H

#include "reclaim_cases.h"

#include <fcntl.h>

/* ---- helpers ---- */

/* Returns when the thread sleeps in the kernel. */
static void until_asleep(int tid)
{
    char path[64], line[256];

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    for (;;) {
        const int file = open(path, O_RDONLY);
        const ssize_t got = file < 0 ? -1 : read(file, line, sizeof line - 1);
        const char *state;

        close(file);
        if (got <= 0)
            return; /* no such thing here: whoever waits for this has a weaker test */
        line[got] = '\0';
        state = strrchr(line, ')');
        if (state != NULL && state[2] == 'S')
            return;
        sched_yield();
    }
}

/* A child that must end well. What it leaves behind in the memory of threads that it has not got is
 * no leak of its own, so it does not return from here. */
static void in_child(void (*body)(void))
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    fflush(stderr);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60); /* a child that hangs ends the test */
        body();
        fflush(stdout);
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0)
        CHECK_EQ(errno, EINTR);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "%s: the child ended with status %#x\n", now->name, (unsigned)status);
        test_fail(__FILE__, __LINE__, "in_child()");
    }
}

/* Memory that is there in a child too: with a sanitizer malloc() is not, if another thread was
 * just in it. The library's blocks, and those of the objects of the tests. */
enum { BLOCK_BYTES = 1024, FOR_LIBRARY = 64, BLOCKS = 1024 };

static WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char blocks[BLOCKS][BLOCK_BYTES];
static WEIR_ATOMIC(uint32_t) taken[BLOCKS]; /* words: riscv64 has no exchange of a byte */

static void *take_block(size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        if (weir_atomic_exchange(&taken[i], 1, WEIR_ACQ_REL) == 0)
            return blocks[i];
    return NULL;
}

static void give_block(void *block)
{
    const size_t i = (size_t)((unsigned char *)block - blocks[0]) / BLOCK_BYTES;

    weir_atomic_store(&taken[i], 0, WEIR_RELEASE);
}

static void *block_alloc(size_t bytes, size_t alignment, void *context)
{
    (void)context;
    CHECK(bytes <= BLOCK_BYTES && alignment <= WEIR_CACHELINE);
    return take_block(0, FOR_LIBRARY);
}

static void block_release(void *pointer, size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    give_block(pointer);
}

static void use_blocks(void)
{
    static const weir_allocator of_blocks = {block_alloc, block_release, NULL};

    weir_set_allocator(&of_blocks);
}

static weir_guard *domain;

static void for_each_flavour(void (*body)(void))
{
    for (size_t i = 0; i < sizeof flavours / sizeof flavours[0]; i++) {
        now = &flavours[i];
        body();
    }
}

typedef struct running {
    void *(*body)(void *argument);
    void *argument;
    pid_t tid;
} running;

static void *run_body(void *argument)
{
    running *const r = (running *)argument;

    r->tid = (pid_t)syscall(SYS_gettid);
    return r->body(r->argument);
}

/* Runs a thread, until it is gone for the kernel too: that it was joined can be a little before. */
static void run_thread(void *(*body)(void *argument), void *argument, size_t stack)
{
    running r = {body, argument, 0};
    pthread_attr_t attributes;
    pthread_t id;

    CHECK(pthread_attr_init(&attributes) == 0);
    if (stack != 0)
        CHECK(pthread_attr_setstacksize(&attributes, stack) == 0);
    CHECK(pthread_create(&id, &attributes, run_body, &r) == 0);
    CHECK(pthread_join(id, NULL) == 0);
    pthread_attr_destroy(&attributes);
    while (syscall(SYS_tgkill, getpid(), r.tid, 0) == 0)
        sched_yield();
}

/* ---- fork ---- */

enum { PER_THREAD = 20 };

static thing parents[4][PER_THREAD];
static thing *found;
static WEIR_ATOMIC(void *) fork_root;

/* All that a child can do, with things of its own. */
static void use_in_child(void)
{
    static thing things[100];
    weir_guard_record *const record = weir_guard_self(domain);
    weir_section section;
    thing held;

    CHECK(record != NULL);
    renew(things, 100);
    renew(&held, 1);
    section = weir_guard_enter(record);
    replace(record, &fork_root, &held);
    CHECK(weir_guard_protect(record, 0, &fork_root) == &held);
    for (size_t i = 0; i < 100; i++)
        retire(record, &things[i]);
    replace(record, &fork_root, NULL);
    CHECK_EQ(calls_of(&held), 0);
    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), -EDEADLK);
    weir_guard_exit(record, section);
    CHECK_EQ(weir_guard_synchronize(domain, &held, WEIR_FOREVER), 0);
    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
    CHECK_EQ(calls_of(&held), 1);
    for (size_t i = 0; i < 100; i++)
        CHECK_EQ(calls_of(&things[i]), 1);
}

static void *use_in_thread(void *unused)
{
    use_in_child();
    return unused;
}

/* Not all that runs a program can start threads in the child of a process that had some:
 * ThreadSanitizer does not, and an emulator (make check names it) may not. */
static bool children_have_threads(void)
{
#ifdef WEIR_TSAN
    return false;
#else
    return !test_emulated();
#endif
}

/* The third level frees the domain; the others find it as their child's start found it. */
static void third_level(void)
{
    use_in_child();
    CHECK_EQ(weir_guard_free(domain), 0);
}

static void second_level(void)
{
    in_child(third_level);
    use_in_child();
    in_child(third_level);
}

static void first_level(void)
{
    /* Nobody stands in the way who is not here; what they had retired is reclaimed: not the object
     * whose callback was going on, of which one cannot know how far it went. */
    CHECK_EQ(weir_guard_synchronize(domain, found, WEIR_FOREVER), 0);
    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
    for (int k = 0; k < 4; k++)
        for (size_t i = 0; i < PER_THREAD; i++)
            CHECK_EQ(calls_of(&parents[k][i]), k != 1 || i != 0);
    CHECK_EQ(waiting_in(domain), 0);
    use_in_child();
    if (children_have_threads())
        run_thread(use_in_thread, NULL, 0);
    in_child(second_level);
    use_in_child();
    CHECK_EQ(weir_guard_free(domain), 0);
}

/* The parent's threads: one within a section, one in the middle of a callback with more to follow,
 * one idle with objects that wait, one in a barrier that waits for the first. */
static void fork_with_frozen_threads(void)
{
    puppet inside, calling, idle, waiting;

    domain = domain_made();
    CHECK(pthread_barrier_init(&gate, NULL, 2) == 0);
    for (int k = 0; k < 4; k++)
        renew(parents[k], PER_THREAD);
    puppet_start(&inside, domain);
    puppet_start(&calling, domain);
    puppet_start(&idle, domain);
    puppet_start(&waiting, domain);
    calling.things = parents[1];
    calling.count = PER_THREAD;
    puppet_begin(&calling, puppet_retire_at_the_gate);
    pthread_barrier_wait(&gate);
    weir_guard_born(inside.record, &parents[0][0].header);
    /* relaxed: handed over by the puppet's lock, here and below. */
    weir_atomic_store(&fork_root, &parents[0][0], WEIR_RELAXED);
    inside.root = &fork_root;
    puppet_do(&inside, puppet_enter);
    found = inside.held;
    weir_atomic_store(&fork_root, NULL, WEIR_RELAXED);
    waiting.things = parents[0];
    waiting.count = PER_THREAD;
    puppet_do(&waiting, puppet_retire);
    waiting.things = parents[2];
    puppet_do(&waiting, puppet_retire);
    waiting.deadline = WEIR_FOREVER;
    puppet_begin(&waiting, puppet_barrier);
    until_waited_for(&inside);
    until_asleep(waiting.tid);
    idle.things = parents[3];
    idle.count = PER_THREAD;
    puppet_do(&idle, puppet_retire);
    in_child(first_level);
    /* The parent goes on as if nothing had been. */
    pthread_barrier_wait(&gate);
    puppet_do(&inside, puppet_exit);
    puppet_end(&inside);
    puppet_end(&waiting);
    CHECK_EQ(waiting.status, 0);
    puppet_end(&calling);
    puppet_end(&idle);
    CHECK_EQ(reclaimed_now(), 4 * PER_THREAD);
    CHECK_EQ(weir_guard_free(domain), 0);
    pthread_barrier_destroy(&gate);
}

static void a_child_is_not_held_up_by_its_parents_threads(void)
{
    for_each_flavour(fork_with_frozen_threads);
}

static bool forked;

static void see_it_forked(void)
{
    forked = true;
}

static void fork_in_callback(weir_retired *object)
{
    pid_t child;
    int status = 0;

    count_call((thing *)(void *)object);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        /* Returns from here: the rest of the batch is called in the child too. */
        alarm(60);
        see_it_forked();
        return;
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Own sections and own callbacks go on in the child. */
static void fork_within(void)
{
    static thing things[3];
    weir_guard_record *record;
    weir_section section;

    domain = domain_made();
    record = weir_guard_self(domain);
    renew(things, 3);
    forked = false;
    retire(record, &things[0]);
    weir_guard_retire(record, &things[1].header, fork_in_callback, sizeof things[1]);
    retire(record, &things[2]);
    CHECK_EQ(weir_guard_collect(record), 3);
    CHECK_EQ(reclaimed_now(), 3);
    CHECK(weir_guard_self(domain) == record);
    use_in_child();
    if (forked) {
        CHECK_EQ(weir_guard_free(domain), 0);
        _exit(0);
    }
    section = weir_guard_enter(record);
    renew(things, 1);
    replace(record, &fork_root, &things[0]);
    CHECK(weir_guard_protect(record, 0, &fork_root) == &things[0]);
    replace(record, &fork_root, NULL);
    fflush(stdout);
    if (fork() == 0) {
        alarm(60);
        see_it_forked();
    } else {
        int status = 0;

        CHECK(wait(&status) > 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    CHECK_EQ(weir_guard_collect(record), 0);
    CHECK_EQ(weir_guard_free(domain), -EBUSY);
    weir_guard_exit(record, section);
    CHECK_EQ(weir_guard_collect(record), 1);
    CHECK_EQ(weir_guard_free(domain), 0);
    if (forked)
        _exit(0);
}

static void sections_and_callbacks_go_on_in_the_child(void)
{
    for_each_flavour(fork_within);
}

static void reclaim_block(weir_retired *object)
{
    give_block(object);
}

static void puppet_hammers(puppet *p)
{
    while (!is_enough()) {
        weir_retired *const object = (weir_retired *)take_block(FOR_LIBRARY, BLOCKS);
        weir_section section;

        if (object == NULL) { /* a thread is inside for long */
            sched_yield();
            continue;
        }
        memset((void *)object, 0, sizeof *object);
        section = weir_guard_enter(p->record);
        weir_guard_born(p->record, object);
        weir_guard_retire(p->record, object, reclaim_block, sizeof *object);
        weir_guard_exit(p->record, section);
        if (p->count++ % 64 == 0)
            p->status = weir_guard_barrier(p->domain, 0); /* or not */
    }
}

static void use_and_free(void)
{
    use_in_child();
    CHECK_EQ(weir_guard_free(domain), 0);
}

static void fork_while_others_hammer(void)
{
    enum { THREADS = 4, FORKS = 9 };
    puppet puppets[THREADS];

    domain = domain_of_batches(8);
    set_enough(false);
    for (int i = 0; i < THREADS; i++) {
        puppet_start(&puppets[i], domain);
        puppet_begin(&puppets[i], puppet_hammers);
    }
    for (int i = 0; i < FORKS; i++)
        in_child(use_and_free);
    set_enough(true);
    for (int i = 0; i < THREADS; i++)
        puppet_end(&puppets[i]);
    CHECK_EQ(weir_guard_free(domain), 0);
}

static void a_fork_in_the_middle_of_everything(void)
{
    use_blocks();
    for_each_flavour(fork_while_others_hammer);
    weir_set_allocator(NULL);
}

static void *make_and_free_domains(void *unused)
{
    while (!is_enough()) {
        weir_guard *made = NULL;

        CHECK_EQ(weir_guard_new(&made, WEIR_GUARD_EPOCH, NULL), 0);
        CHECK_EQ(weir_guard_free(made), 0);
    }
    return unused;
}

static void make_a_domain(void)
{
    weir_guard *made = NULL;

    CHECK_EQ(weir_guard_new(&made, WEIR_GUARD_EPOCH, NULL), 0);
    CHECK(weir_guard_self(made) != NULL);
    CHECK_EQ(weir_guard_free(made), 0);
}

static void fork_while_domains_are_made(void)
{
    pthread_t id;

    use_blocks();
    set_enough(false);
    CHECK(pthread_create(&id, NULL, make_and_free_domains, NULL) == 0);
    for (int i = 0; i < 20; i++)
        in_child(make_a_domain);
    set_enough(true);
    CHECK(pthread_join(id, NULL) == 0);
}

/* In a process in which no thread has asked for a record yet. */
static void a_child_may_make_domains(void)
{
    in_child(fork_while_domains_are_made);
}

#endif /* WEIR_TESTS_RECLAIM_FORK_H */
