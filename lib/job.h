/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/job.h: what queues of jobs have to do with those that they do not run. Private. */

#ifndef WEIR_LIB_JOB_H
#define WEIR_LIB_JOB_H

#include <weir/job.h>

/* Tells who waits for a job that it will not be run. Returns: false: nobody does. */
bool weir__job_discard(weir_job *job);

#endif /* WEIR_LIB_JOB_H */
