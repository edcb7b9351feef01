/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/check_systems.c: what the model checker takes from the system: variables, memory and
 * threads; and what it cannot check, and says so. */

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <threads.h>
#include <time.h>

static const weir_check_options plain = WEIR_CHECK_OPTIONS_INIT;
static WEIR_ATOMIC(int) x, y;
static int data;

static void clean(check_body *test)
{
    check_is_clean(&plain, test, NULL);
}

/* ---- each run is the first ---- */

static int with_value = 7, without_value;
static _Thread_local int local = 5;
static _Thread_local char local_bytes[100];

static void changes_locals(void *unused)
{
    (void)unused;
    weir_check_assert(local == 5 && local_bytes[99] == 0 && errno == 0);
    local = 6;
    local_bytes[99] = 1;
    errno = EAGAIN;
    weir_atomic_fetch_add(&x, 1, WEIR_RELAXED);
    weir_check_assert(local == 6 && local_bytes[99] == 1 && errno == EAGAIN);
}

static void variables_test(void *unused)
{
    static int in_function = 3;

    weir_check_assert(with_value == 7 && without_value == 0 && in_function == 3);
    with_value = without_value = in_function = 1;
    changes_locals(unused);
    check_threads(changes_locals, changes_locals);
    weir_check_assert(local == 6 && errno == EAGAIN);
}

static void variables_are_put_back(void)
{
    clean(variables_test);
    CHECK(with_value == 7 && without_value == 0 && weir_atomic_load(&x, WEIR_RELAXED) == 0);
}

/* ---- what is not deterministic ---- */

static void adds(void *unused)
{
    (void)unused;
    weir_atomic_fetch_add(&x, 1, WEIR_RELAXED);
}

static char counting_in[] = "/tmp/weir-check-XXXXXX";

static int count_of_runs(void)
{
    const int fd = open(counting_in, O_RDWR);
    char count = 0;

    if (pread(fd, &count, 1, 0) != 1)
        count = 0;
    count++;
    if (pwrite(fd, &count, 1, 0) != 1)
        count = 1;
    close(fd);
    return count;
}

static void counts_in_file(void *unused)
{
    const int count = count_of_runs();

    (void)unused;
    weir_atomic_store(&y, count, WEIR_RELAXED);
    check_threads(adds, adds);
}

static void stores_an_address(void *unused)
{
    static WEIR_ATOMIC(uintptr_t) where;
    void *const page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)unused;
    weir_atomic_store(&where, (uintptr_t)page, WEIR_RELAXED);
    check_threads(adds, adds);
    weir_check_assert(weir_atomic_load(&where, WEIR_RELAXED) != 0);
}

static void other_events_each_time(void *unused)
{
    const int count = count_of_runs();

    (void)unused;
    if (count % 2 == 0)
        weir_atomic_store(&y, 1, WEIR_RELAXED);
    else
        weir_atomic_load(&y, WEIR_RELAXED);
    check_threads(adds, adds);
}

/* The C library's state is not put back. */
static void draws_a_number(void *unused)
{
    (void)unused;
    weir_atomic_store(&y, rand(), WEIR_RELAXED);
    check_threads(adds, adds);
}

static void what_differs_is_told(void)
{
    const int fd = mkstemp(counting_in);

    CHECK(fd >= 0);
    /* The first event that differs, and where. */
    check_is_unable(counts_in_file, "thread 0 did store at check_systems.c:");
    check_is_unable(counts_in_file, "now stores another value at check_systems.c:");
    check_is_unable(other_events_each_time, "not deterministic");
    close(fd);
    unlink(counting_in);
    check_is_unable(stores_an_address, "not deterministic");
    check_is_unable(draws_a_number, "not deterministic");
}

static void clock_test(void *unused)
{
    struct timespec now, later;

    (void)unused;
    clock_gettime(CLOCK_MONOTONIC, &now);
    check_threads(changes_locals, changes_locals);
    clock_gettime(CLOCK_MONOTONIC, &later);
    weir_check_assert(later.tv_sec == now.tv_sec && later.tv_nsec == now.tv_nsec);
    weir_atomic_store(&y, (int)(now.tv_nsec % 1000000), WEIR_RELAXED);
}

static void clocks_stand_still(void)
{
    clean(clock_test);
}

/* ---- what cannot be checked ---- */

static void too_many_threads_test(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < WEIR_CHECK_THREADS; i++)
        weir_check_thread(changes_locals, NULL);
}

static void fork_test(void *unused)
{
    (void)unused;
    if (fork() == 0)
        _exit(0);
}

static void poll_test(void *unused)
{
    (void)unused;
    poll(NULL, 0, -1);
}

static void pipe_test(void *unused)
{
    int ends[2];
    char byte;

    (void)unused;
    if (pipe(ends) == 0 && read(ends[0], &byte, 1) == 1)
        weir_atomic_store(&x, 1, WEIR_RELAXED);
}

static void kill_test(void *unused)
{
    (void)unused;
    pthread_kill(pthread_self(), SIGUSR1);
}

static void run_within_run(void *unused)
{
    weir_check_result result;

    (void)unused;
    weir_check_run_result(&plain, clock_test, NULL, &result);
}

static void what_cannot_be_checked_is_told(void)
{
    check_is_unable(too_many_threads_test, "more than 16 threads");
    check_is_unable(fork_test, "fork()");
    check_is_unable(poll_test, "poll()");
    check_is_unable(pipe_test, "read()");
    check_is_unable(kill_test, "pthread_kill()");
    check_is_unable(run_within_run, "within a run");
}

/* Plain moves in inline assembly are not seen, nor the race that they make here. Where an
 * instruction of it synchronizes, the run is given up: such code needs a twin in C for the checker,
 * as weir/atomic.h has. */
static void writes_by_assembly(void *unused)
{
    (void)unused;
    __asm__ volatile("movl $1, %0" : "=m"(data));
}

static void moving_assembly_test(void *unused)
{
    (void)unused;
    check_threads(writes_by_assembly, writes_by_assembly);
    weir_check_assert(data == 1);
}

static void assembly_that_moves_is_not_seen(void)
{
    CHECK_EQ(check_is_clean(&plain, moving_assembly_test, NULL).graphs, 1);
}

/* ---- threads ---- */

static void *returns_its_argument(void *argument)
{
    weir_atomic_fetch_add(&x, 1, WEIR_RELAXED);
    return argument;
}

static void *exits(void *argument)
{
    pthread_exit(argument);
}

static int returns_seven(void *argument)
{
    *(int *)argument = 1;
    return 7;
}

static void threads_test(void *unused)
{
    pthread_t one, two;
    thrd_t three;
    void *result;
    int value, written = 0;

    (void)unused;
    weir_check_assert(pthread_create(&one, NULL, returns_its_argument, &data) == 0);
    weir_check_assert(pthread_create(&two, NULL, exits, &x) == 0);
    weir_check_assert(thrd_create(&three, returns_seven, &written) == thrd_success);
    weir_check_assert(pthread_join(one, &result) == 0 && result == &data);
    weir_check_assert(pthread_join(two, &result) == 0 && result == (void *)&x);
    weir_check_assert(thrd_join(three, &value) == thrd_success && value == 7 && written == 1);
}

static pthread_key_t key;

static void drops_value(void *value)
{
    weir_check_assert(value == &data);
    weir_atomic_fetch_add(&x, 1, WEIR_RELAXED);
}

static void sets_key(void *unused)
{
    (void)unused;
    weir_check_assert(pthread_getspecific(key) == NULL);
    pthread_setspecific(key, &data);
    weir_check_assert(pthread_getspecific(key) == &data);
}

static void keys_test(void *unused)
{
    (void)unused;
    pthread_key_create(&key, drops_value);
    check_threads(sets_key, sets_key);
    weir_check_assert(weir_atomic_load(&x, WEIR_RELAXED) == 2);
    pthread_key_delete(key);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void happens_once(void)
{
    data++;
}

static void calls_once(void *unused)
{
    (void)unused;
    pthread_once(&once, happens_once);
    weir_check_assert(data == 1);
}

static void once_test(void *unused)
{
    (void)unused;
    check_threads(calls_once, calls_once);
}

static void threads_have_what_is_theirs(void)
{
    clean(threads_test);
    clean(keys_test);
    clean(once_test);
}

/* ---- memory ---- */

static void allocates(void *unused)
{
    char *a = (char *)malloc(100), *const b = (char *)calloc(10, 10);
    char *const c = (char *)aligned_alloc(256, 512);
    char *const old = a;
    void *d = NULL;

    (void)unused;
    weir_check_assert(a != NULL && b != NULL && c != NULL);
    weir_check_assert((uintptr_t)a % 16 == 0 && (uintptr_t)c % 256 == 0);
    weir_check_assert(posix_memalign(&d, 64, 1) == 0 && (uintptr_t)d % 64 == 0);
    for (unsigned i = 0; i < 100; i++) {
        weir_check_assert(b[i] == 0);
        a[i] = (char)i;
    }
    a = (char *)realloc(a, 1000);
    weir_check_assert(a != NULL && a != old);
    for (unsigned i = 0; i < 100; i++)
        weir_check_assert(a[i] == (char)i);
    a = (char *)realloc(a, 10);
    weir_check_assert(a[9] == 9);
    memcpy(b, a, 10);
    weir_check_assert(memcmp(b, a, 10) == 0 && b[10] == 0);
    free(a);
    free(b);
    free(c);
    free(d);
    free(NULL);
    weir_atomic_fetch_add(&x, 1, WEIR_RELAXED);
}

static void allocation_test(void *unused)
{
    allocates(unused);
    check_threads(allocates, allocates);
}

static void old_block_test(void *unused)
{
    char *const old = (char *)calloc(1, 10), *now;
    char *volatile kept = old; /* so that the compiler does not warn */

    (void)unused;
    now = (char *)realloc(old, 1000);
    weir_check_assert(now != NULL && kept[0] == 0);
    free(now);
}

static void memory_is_the_checkers(void)
{
    clean(allocation_test);
    check_finds(&plain, old_block_test, NULL, WEIR_CHECK_USE_AFTER_FREE, "block 1");
}

const test_case check_systems[] = {
    TEST_CASE(variables_are_put_back),
    TEST_CASE(what_differs_is_told),
    TEST_CASE(clocks_stand_still),
    TEST_CASE(what_cannot_be_checked_is_told),
    TEST_CASE(assembly_that_moves_is_not_seen),
    TEST_CASE(threads_have_what_is_theirs),
    TEST_CASE(memory_is_the_checkers),
    {NULL, NULL},
};
