/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/cpus.h: how many CPUs this process may use: the default number of a pool's workers.
 *
 * Use it when: you start as many threads as can run at once. To count the machine's CPUs,
 *              whoever may use them, as for one slot a CPU, sysconf(3) is right.
 *
 * It is the smaller one of two numbers. The affinity: on how many CPUs the kernel would run the
 * calling thread (cpusets count too); the threads that it starts inherit it. And the quota: how
 * much time on CPUs the control groups of the process leave it (cpu.max of version 2,
 * cpu.cfs_quota_us and cpu.cfs_period_us of version 1), the least of its group's and of all
 * groups above that are mounted; a container's limit is one of these. Shares and weights are no
 * limits, and do not count.
 *
 * A quota in fractions of a CPU is rounded up: 1.5 CPUs are 2 workers, 0.3 is one. It is an
 * amount of time, not a number of threads. Rounded down, 1.9 CPUs would be one worker, and
 * nearly half of the time could never be used, by whatever load. Rounded up, all of it can; the
 * price is that workers who are all busy all the time have used the period's time up before the
 * period is over, and stand still, all of them, for the rest of it. Who would rather lose
 * throughput than stand still divides quota_millis by 1000 himself.
 *
 * Threads:   any, at any time.
 * Progress:  weir_cpus() is wait-free once it has been called; else the kernel's: some files
 *            under /proc and /sys are read.
 * Ordering:  none. Edges: none.
 * Memory:    nothing is allocated, but on a kernel for more than 8192 CPUs: some KiB, given back
 *            before the call returns. 5 KiB of stack.
 * Errors:    none. What is not there, cannot be read or is not as expected is no limit: without
 *            /proc, or on other systems, there is no quota; where the affinity is not told, it
 *            is the number of CPUs that are online. errno may change.
 *
 * Source: Linux, Documentation/admin-guide/cgroup-v2.rst and
 * Documentation/scheduler/sched-bwc.rst; proc(5), cgroups(7), cgroup_namespaces(7),
 * sched_getaffinity(2). */

#ifndef WEIR_CPUS_H
#define WEIR_CPUS_H

#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_cpus_info {
    uint64_t quota_millis; /* the least quota, in 1/1000 of a CPU, rounded up; 0: there is none */
    unsigned online;       /* CPUs of the machine that are switched on, at least 1 */
    unsigned affinity;     /* those on which the calling thread may run, at least 1 */
    unsigned usable;       /* of affinity and quota, rounded up, the smaller one: at least 1 */
} weir_cpus_info;

/* Returns: CPUs that this process may use, at least 1: what the first call, or the last
 * weir_cpus_refresh(), has found. */
WEIR_API unsigned weir_cpus(void);

/* Looks again, after the affinity or a quota has changed; pools that were made before stay as
 * they are. Returns: the new number, which weir_cpus() returns from now on. Of two calls at a
 * time either one's number may stay. */
WEIR_API unsigned weir_cpus_refresh(void);

/* Looks, and says all that it sees; what weir_cpus() returns stays as it is. */
WEIR_API void weir_cpus_read(weir_cpus_info *info);

/* As weir_cpus_read(), but with `root` in front of the names of all files:
 * ROOT/proc/self/cgroup, ROOT/proc/self/mountinfo, and the control groups where the latter says
 * that they are mounted, below ROOT. For tests, with a tree that looks like another machine. The
 * affinity is the thread's, all the same. */
WEIR_API void weir_cpus_read_at(const char *root, weir_cpus_info *info);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_CPUS_H */
