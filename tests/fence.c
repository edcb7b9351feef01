/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Each case in a process of its own: the decision is taken once in each. A process that is to do
 * without membarrier(2) forbids it to itself by seccomp(2). */

#define WEIR_CHECKED 1

#include "refuse.h"
#include "test.h"

#include <weir/epoch.h>
#include <weir/fence.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

/* From here on membarrier(2) fails with `error`. Returns: whether that could be done. */
static bool forbid_membarrier(unsigned error)
{
    return refuse_call(SYS_membarrier, error) && syscall(SYS_membarrier, 0, 0, 0) == -1;
}

enum { LACKS_SECCOMP = 42 };

/* Runs `body` in a child. Returns: false if the child has said that it cannot. */
static bool in_child(void (*body)(void))
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body();
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == LACKS_SECCOMP)
        return false;
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return true;
}

static size_t freed;

static void count_freed(weir_retired *object)
{
    (void)object;
    freed++;
}

/* Epochs work, whatever the machine gives: a section, a retire in it, the end of all. */
static void use_epochs(void)
{
    weir_epoch *domain = NULL;
    weir_epoch_record *record;
    weir_retired object = WEIR_RETIRED_INIT;
    weir_section section;

    CHECK_EQ(weir_epoch_new(&domain, NULL), 0);
    record = weir_epoch_self(domain);
    section = weir_epoch_enter(record);
    freed = 0;
    weir_epoch_retire(record, &object, count_freed, 1);
    CHECK_EQ(weir_epoch_collect(record), 0);
    weir_epoch_exit(record, section);
    CHECK_EQ(weir_epoch_synchronize(domain, WEIR_FOREVER), 0);
    CHECK_EQ(weir_epoch_collect(record), 1);
    CHECK_EQ(freed, 1);
    CHECK_EQ(weir_epoch_free(domain), 0);
}

static void the_answer_stays(void)
{
    const bool asymmetric = weir_fence_asymmetric();

    errno = 99;
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(weir_fence_asymmetric(), asymmetric);
        if (asymmetric)
            weir_fence_heavy();
        weir_fence_light();
    }
    CHECK_EQ(errno, 99);
    CHECK_EQ(weir_fence_refuse(), asymmetric ? -EBUSY : 0);
    CHECK_EQ(weir_fence_asymmetric(), asymmetric);
    use_epochs();
#ifdef WEIR_TSAN
    CHECK(!asymmetric);
#endif
}

static void is_decided_once(void)
{
    CHECK(in_child(the_answer_stays));
}

static void refuse_at_once(void)
{
    CHECK_EQ(weir_fence_refuse(), 0);
    CHECK(!weir_fence_asymmetric());
    CHECK_EQ(weir_fence_refuse(), 0);
    use_epochs();
}

static void can_be_refused_at_the_start(void)
{
    CHECK(in_child(refuse_at_once));
}

static void refuse_too_late(void)
{
    weir_epoch *domain = NULL;

    CHECK_EQ(weir_epoch_new(&domain, NULL), 0);
    CHECK_EQ(weir_fence_refuse(), weir_fence_asymmetric() ? -EBUSY : 0);
    CHECK_EQ(weir_epoch_free(domain), 0);
}

static void not_when_a_domain_has_asked(void)
{
    CHECK(in_child(refuse_too_late));
}

static void forbidden_from_the_start(void)
{
    if (!forbid_membarrier(EPERM))
        exit(LACKS_SECCOMP);
    errno = 99;
    CHECK(!weir_fence_asymmetric());
    CHECK_EQ(errno, 99);
    use_epochs();
}

static void is_done_without_where_the_kernel_refuses(void)
{
    if (!in_child(forbidden_from_the_start))
        test_skip("no seccomp filters here");
}

static void forbidden_later(void)
{
    if (!weir_fence_asymmetric())
        exit(0); /* there is nothing to forbid */
    weir_fence_heavy();
    if (!forbid_membarrier(EPERM))
        exit(LACKS_SECCOMP);
    CHECK_DIES(weir_fence_heavy(), "the kernel refuses membarrier(2), which it allowed before");
    CHECK_DIES(use_epochs(), "weir_fence_refuse()");
}

/* Going on would be a use after free somewhere. */
static void ends_the_process_where_it_is_forbidden_later(void)
{
    if (!in_child(forbidden_later))
        test_skip("no seccomp filters here");
}

static void refused_and_forbidden(void)
{
    CHECK_EQ(weir_fence_refuse(), 0);
    if (!forbid_membarrier(EPERM))
        exit(LACKS_SECCOMP);
    use_epochs();
}

static void who_has_refused_may_forbid_it_later(void)
{
    if (!in_child(refused_and_forbidden))
        test_skip("no seccomp filters here");
}

/* The child of a fork need not do anything. */
static void fence_in_grandchild(void)
{
    if (!weir_fence_asymmetric())
        return;
    weir_fence_heavy();
    CHECK(in_child(weir_fence_heavy));
}

static void children_have_it_too(void)
{
    CHECK(in_child(fence_in_grandchild));
}

/* ---- what it is for ---- */

enum { ROUNDS = 2000 };

static struct {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) x;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) y;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) round; /* given out */
    WEIR_ATOMIC(uint32_t) done;
    uint32_t a[ROUNDS + 1];
} pair;

/* relaxed: in the whole of both functions: the fences are what is looked at; round and done, with
 * release and acquire, keep the rounds apart. */
static void *frequent_side(void *unused)
{
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        while (weir_atomic_load(&pair.round, WEIR_ACQUIRE) != i)
            sched_yield();
        weir_atomic_store(&pair.x, i, WEIR_RELAXED);
        weir_fence_light();
        pair.a[i] = weir_atomic_load(&pair.y, WEIR_RELAXED);
        weir_atomic_store(&pair.done, i, WEIR_RELEASE);
    }
    return unused;
}

static void one_of_two_loads_sees_the_others_store(void)
{
    pthread_t frequent;

    if (!weir_fence_asymmetric()) {
        test_skip("no membarrier(2) here");
        return;
    }
    CHECK(pthread_create(&frequent, NULL, frequent_side, NULL) == 0);
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        uint32_t b;

        weir_atomic_store(&pair.round, i, WEIR_RELEASE);
        weir_atomic_store(&pair.y, i, WEIR_RELAXED);
        weir_fence_heavy();
        b = weir_atomic_load(&pair.x, WEIR_RELAXED);
        while (weir_atomic_load(&pair.done, WEIR_ACQUIRE) != i)
            sched_yield();
        CHECK(pair.a[i] == i || b == i);
    }
    CHECK(pthread_join(frequent, NULL) == 0);
}

int main(void)
{
    return TEST_RUN("fence", TEST_CASE(is_decided_once), TEST_CASE(can_be_refused_at_the_start),
                    TEST_CASE(not_when_a_domain_has_asked),
                    TEST_CASE(is_done_without_where_the_kernel_refuses),
                    TEST_CASE(ends_the_process_where_it_is_forbidden_later),
                    TEST_CASE(who_has_refused_may_forbid_it_later), TEST_CASE(children_have_it_too),
                    TEST_CASE(one_of_two_loads_sees_the_others_store));
}
