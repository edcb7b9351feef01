/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/observe.h: the hooks, what is recorded, threads and their memory; the file, who writes it,
 * and fork are in tests/observe_file.c. */

#include "observe.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

/* ---- hooks: what they are by default, and by WEIR_TRACE ---- */

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

static const char by_default[] =
    TEXT(WEIR_TRACE_BEGIN("a", 1)) TEXT(WEIR_TRACE_END("a", 1)) TEXT(WEIR_TRACE_INSTANT("a", 1));

#define WEIR_TRACE 0
#include <weir/observe.h>
static const char by_0[] = TEXT(WEIR_TRACE_BEGIN("a", 1));

static void hooks_that_are_off_evaluate_nothing(void)
{
    int n = 0;

    WEIR_TRACE_BEGIN("a", n++);
    WEIR_TRACE_END("a", n++);
    WEIR_TRACE_INSTANT("a", n++);
    CHECK_EQ(n, 0);
    CHECK(strcmp(by_default, "((void)0)((void)0)((void)0)") == 0);
    CHECK(strcmp(by_0, "((void)0)") == 0);
}

#undef WEIR_TRACE
#define WEIR_TRACE 1
#include <weir/observe.h>

/* ---- one thread ---- */

static void records_nothing_unless_started(void)
{
    uint64_t lost[2] = {7, 7};

    test_alloc_fail_at(0);
    record(3);
    read_back();
    CHECK_EQ(count + named + overwritten + refused, 0);
    begin(8);
    weir_trace_stop();
    weir_trace_stop();
    record(3);
    read_back();
    CHECK_EQ(count + named + overwritten + refused, 0);
    CHECK_EQ(weir_trace_lost(&lost[0], &lost[1]), 0);
    CHECK_EQ(lost[0] + lost[1] + test_alloc_calls, 0);
    finish();
}

static void writes_what_happened_in_order(void)
{
    static const char *const heads[] = {"\"B\"", "\"i\"", "\"E\""};
    static const char *const called[] = {"\"task\"", "\"mark\"", "\"task\""};
    uint64_t last = 0;

    begin(100);
    errno = 1234;
    WEIR_TRACE_BEGIN("task", 7);
    WEIR_TRACE_INSTANT("mark", (void *)8);
    usleep(2000);
    WEIR_TRACE_END("task", 9);
    read_back();
    CHECK_EQ(errno, 1234);
    CHECK_EQ(count, 3);
    CHECK_EQ(named + overwritten + refused, 0);
    for (size_t i = 0; i < 3; i++) {
        CHECK(says(events[i], "ph", heads[i]) && says(events[i], "name", called[i]));
        CHECK_EQ(id_of(i), 7 + i);
        CHECK_EQ(number_of(events[i], "tid"), getpid());
        CHECK((member(events[i], "s") != NULL) == (i == 1) && time_of(i) >= last);
        last = time_of(i);
    }
    CHECK(last - time_of(1) >= 2000000 && last < UINT64_C(60000000000));
    weir_trace_stop();
    record(1);
    read_back(); /* as often as one likes */
    CHECK_EQ(count, 3);
    finish();
}

static void overwrites_the_oldest(void)
{
    /* asked for, recorded, cells */
    static const size_t cases[][3] = {{1, 1, 1}, {1, 3, 1},  {2, 5, 2},    {8, 7, 8},
                                      {8, 8, 8}, {5, 21, 8}, {17, 64, 32}, {1024, 1025, 1024}};

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        const size_t n = cases[c][1], kept = n < cases[c][2] ? n : cases[c][2];
        uint64_t lost[2];

        begin(cases[c][0]);
        record(n);
        read_back();
        CHECK_EQ(count, kept);
        for (size_t i = 0; i < kept; i++)
            CHECK_EQ(id_of(i), n - kept + i);
        CHECK_EQ(overwritten, n - kept);
        CHECK_EQ(weir_trace_lost(&lost[0], &lost[1]), 0);
        CHECK_EQ(weir_trace_lost(NULL, NULL), 0);
        CHECK_EQ(lost[0], n - kept);
        CHECK_EQ(lost[1] + refused, 0);
        finish();
    }
}

static void refuses_what_cannot_be(void)
{
    test_alloc_fail_at(0);
    CHECK_EQ(weir_trace_start(0), -EINVAL);
    CHECK_EQ(weir_trace_start(WEIR_TRACE_EVENTS_MAX + 1), -EINVAL);
    CHECK_EQ(weir_trace_start(SIZE_MAX), -EINVAL);
    begin(4);
    record(1);
    CHECK_EQ(weir_trace_start(4), -EBUSY);
    /* In a child, which begins without. */
    CHECK_DIES((void)!weir_trace_start(4);
               weir_trace_event((weir_trace_kind)7, "x", 0), "no such kind of event");
    CHECK_DIES((void)!weir_trace_write(NULL), "no path");
    read_back();
    CHECK_EQ(count, 1);
    finish();
}

/* ---- threads ---- */

static void *record_named(void *name)
{
    weir_trace_name_thread((const char *)name);
    record(10);
    return NULL;
}

static void keeps_threads_apart(void)
{
    static char one[] = "one", two[] = "two";
    uint64_t tid[2];

    begin(8);
    join(spawn(record_named, one));
    join(spawn(record_named, two));
    read_back();
    CHECK_EQ(named, 2);
    CHECK_EQ(count, 16);
    CHECK_EQ(overwritten, 4);
    for (size_t r = 0; r < 2; r++) { /* the newest first */
        CHECK(says(names[r], "name", "\"thread_name\""));
        CHECK(says(member(names[r], "args"), "name", r == 0 ? "\"two\"" : "\"one\""));
        tid[r] = number_of(names[r], "tid");
        for (size_t i = 0; i < 8; i++) {
            CHECK_EQ(id_of(8 * r + i), i + 2);
            CHECK_EQ(number_of(events[8 * r + i], "tid"), tid[r]);
        }
    }
    CHECK(tid[0] != tid[1]);
    finish();
}

static const char *const eight[] = {"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"};
static const weir_trace_kind three[] = {WEIR_TRACE_KIND_BEGIN, WEIR_TRACE_KIND_END,
                                        WEIR_TRACE_KIND_INSTANT};
static WEIR_ATOMIC(uint32_t) enough;

/* Lets others run now and then, so that a reader gets something. */
static void *record_on_and_on(void *unused)
{
    (void)unused;
    for (uintptr_t id = 0; id < 1000 || weir_atomic_load(&enough, WEIR_RELAXED) == 0; id++) {
        weir_trace_event(three[id % 3], eight[id % 8], id);
        if (id % 64 == 0)
            sched_yield();
    }
    return NULL;
}

/* All parts of an event are of the same one; those of a thread come in order, each once. */
static void reads_while_threads_write(void)
{
    pthread_t threads[2];
    size_t seen = 0;

    begin(32);
    weir_set_allocator(NULL); /* the test's is for one thread at a time */
    /* relaxed: a wish, here and below. */
    weir_atomic_store(&enough, 0, WEIR_RELAXED);
    for (size_t t = 0; t < 2; t++)
        threads[t] = spawn(record_on_and_on, NULL);
    for (int round = 0; round < 100 || seen < 1000; round++) {
        read_back();
        for (size_t i = 0; i < count; i++) {
            const uint64_t id = id_of(i);
            const char name[] = {'"', 'n', (char)('0' + id % 8), '"', '\0'};
            const char kind[] = {'"', (char)three[id % 3], '"', '\0'};

            CHECK(says(events[i], "name", name) && says(events[i], "ph", kind));
            if (i != 0 && number_of(events[i], "tid") == number_of(events[i - 1], "tid"))
                CHECK(id > id_of(i - 1) && time_of(i) >= time_of(i - 1));
            CHECK(id < count + overwritten);
        }
        seen += count;
    }
    weir_atomic_store(&enough, 1, WEIR_RELAXED);
    for (size_t t = 0; t < 2; t++)
        join(threads[t]);
    read_back();
    CHECK_EQ(count, 64);
    finish();
}

static void *write_and_end(void *unused)
{
    (void)unused;
    record(3);
    for (int done = 0; done < 20;) {
        const int status = weir_trace_write("/dev/null");

        CHECK(status == 0 || status == -EBUSY);
        done += status == 0;
    }
    /* relaxed: that nothing else orders the two is what is tried. */
    while (weir_atomic_load(&enough, WEIR_RELAXED) == 0)
        sched_yield();
    return NULL;
}

/* Two who write hand the writer's variables on to one another; and the list its last look at a
 * ring to the thread that releases it. */
static void hands_on_what_is_shared(void)
{
    pthread_t thread;

    begin(4);
    weir_set_allocator(NULL);
    weir_atomic_store(&enough, 0, WEIR_RELAXED); /* relaxed: as above, and below. */
    thread = spawn(write_and_end, NULL);
    for (int done = 0; done < 20;)
        done += weir_trace_write("/dev/null") == 0;
    while (weir_trace_free() == -EBUSY)
        sched_yield();
    weir_atomic_store(&enough, 1, WEIR_RELAXED);
    join(thread);
    finish();
}

/* Bytes of an event in a ring: its time, its name, its id and its kind. */
enum { CELL = (sizeof(uint64_t) + sizeof(char *) + 2 * sizeof(uintptr_t) + 7) / 8 * 8 };

/* A thread that goes on keeps its ring until its next first event, or its end. */
static void gives_back_what_a_thread_still_had(void)
{
    for (int again = 0; again < 2; again++) {
        pthread_t thread;
        size_t one_ring;

        begin(16);
        CHECK(pthread_barrier_init(&gate, NULL, 2) == 0);
        thread = spawn(record_when_told, NULL);
        meet();
        one_ring = test_alloc_live;
        CHECK(one_ring >= (size_t)16 * CELL);
        CHECK_EQ(weir_trace_free(), 0);
        CHECK_EQ(test_alloc_live, one_ring);
        if (again == 1)
            CHECK_EQ(weir_trace_start(64), 0);
        read_back();
        CHECK_EQ(count, 0);
        meet();
        meet();
        CHECK_EQ(test_alloc_live, again == 0 ? one_ring : one_ring + (size_t)48 * CELL);
        read_back();
        CHECK_EQ(count, again);
        meet();
        join(thread);
        CHECK_EQ(test_alloc_live, again == 0 ? 0 : one_ring + (size_t)48 * CELL);
        CHECK(pthread_barrier_destroy(&gate) == 0);
        finish();
    }
}

static void starts_again_and_again(void)
{
    static char name[] = "x";

    for (size_t i = 1; i < 20; i++) {
        begin(i);
        record(i);
        join(spawn(record_named, name));
        weir_trace_stop();
        CHECK_EQ(weir_trace_start(2), 0); /* gives up what was there */
        read_back();
        CHECK_EQ(count + named + overwritten, 0);
        CHECK_EQ(test_alloc_live, 0);
        record(3);
        read_back();
        CHECK_EQ(count, 2);
        CHECK_EQ(overwritten, 1);
        finish();
    }
}

/* ---- memory ---- */

static void counts_what_has_no_memory(void)
{
    static char name[] = "x";

    for (size_t nr = 1; nr <= 3; nr++) {
        uint64_t lost[2];

        begin(16);
        test_alloc_fail_at(nr);
        record(5);
        join(spawn(record_named, name));
        CHECK_EQ(test_alloc_calls, 2); /* once a thread */
        read_back();
        CHECK_EQ(count, nr == 1 ? 10 : nr == 2 ? 5 : 15);
        CHECK_EQ(refused, 15 - count);
        CHECK_EQ(weir_trace_lost(&lost[0], &lost[1]), 0);
        CHECK_EQ(lost[0], 0);
        CHECK_EQ(lost[1], refused);
        weir_trace_stop();
        test_alloc_fail_at(0);
        CHECK_EQ(weir_trace_start(4), 0);
        record(1);
        read_back();
        CHECK_EQ(count, 1);
        CHECK_EQ(refused, 0);
        finish();
    }
}

static bool refuses;

static void *alloc_and_set_errno(size_t bytes, size_t alignment, void *context)
{
    void *const pointer = refuses ? NULL : test_alloc(bytes, alignment, context);

    errno = ENOMEM;
    return pointer;
}

static void a_first_event_keeps_errno(void)
{
    static const weir_allocator careless = {alloc_and_set_errno, test_release, NULL};

    for (int i = 0; i < 2; i++) {
        begin(16);
        weir_set_allocator(&careless);
        refuses = i == 1;
        errno = 1234;
        record(2);
        CHECK_EQ(errno, 1234);
        read_back();
        CHECK_EQ(refused, i == 1 ? 2 : 0);
        finish();
    }
}

static bool restarts;

static void *alloc_and_record(size_t bytes, size_t alignment, void *context)
{
    if (restarts) {
        restarts = false;
        weir_trace_stop();
        CHECK_EQ(weir_trace_start(2), 0);
    }
    record(1);
    return test_alloc(bytes, alignment, context);
}

static void release_and_record(void *pointer, size_t bytes, void *context)
{
    record(1);
    test_release(pointer, bytes, context);
}

static void an_allocator_may_record(void)
{
    static const weir_allocator talkative = {alloc_and_record, release_and_record, NULL};

    begin(16);
    weir_set_allocator(&talkative);
    record(2);
    read_back();
    CHECK_EQ(count, 2);
    CHECK_EQ(refused, 1);
    weir_trace_stop();
    restarts = true; /* the ring is of a trace that is over */
    CHECK_EQ(weir_trace_start(4), 0);
    record(1);
    read_back();
    CHECK_EQ(count, 0);
    CHECK_EQ(weir_trace_free(), 0);
    finish();
}

static pthread_key_t last_words;

static void say_last_words(void *unused)
{
    (void)unused;
    weir_trace_stop();
    CHECK_EQ(weir_trace_start(16), 0);
    record(3);
#ifndef WEIR_TSAN /* whose own thread has ended before the last round */
    CHECK(pthread_setspecific(last_words, &last_words) == 0); /* as often as it goes */
#endif
}

static void *record_to_the_end(void *unused)
{
    (void)unused;
    record(2);
    CHECK(pthread_setspecific(last_words, &last_words) == 0);
    return NULL;
}

/* Which destructor comes first is not ours to say; that the last one leaves nothing is. */
static void destructors_may_record(void)
{
    CHECK(pthread_key_create(&last_words, say_last_words) == 0);
    begin(16);
    join(spawn(record_to_the_end, NULL));
    read_back();
    CHECK_EQ(count + refused, 3);
    finish();
    CHECK(pthread_key_delete(last_words) == 0);
}

int main(void)
{
    return TEST_RUN("observe", TEST_CASE(hooks_that_are_off_evaluate_nothing),
                    TEST_CASE(records_nothing_unless_started),
                    TEST_CASE(writes_what_happened_in_order), TEST_CASE(overwrites_the_oldest),
                    TEST_CASE(refuses_what_cannot_be), TEST_CASE(keeps_threads_apart),
                    TEST_CASE(reads_while_threads_write), TEST_CASE(hands_on_what_is_shared),
                    TEST_CASE(gives_back_what_a_thread_still_had),
                    TEST_CASE(starts_again_and_again), TEST_CASE(counts_what_has_no_memory),
                    TEST_CASE(a_first_event_keeps_errno), TEST_CASE(an_allocator_may_record),
                    TEST_CASE(destructors_may_record));
}
