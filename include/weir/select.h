/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/select.h: waiting for whichever of several sends and receives can happen first.
 *
 * Use it when: a thread serves several channels, or waits for a value and for something else.
 * Use a deadline or a token of weir_chan_recv() where it is one channel.
 *
 * Who may run with whom: everything with everything; an array of arms is used by one call at
 *              a time.
 *
 * Exactly one arm happens, or none: then nothing was sent and nothing received, and an element
 * that was to be sent is the caller's. If two are ready when the call comes each is as likely as
 * the other, wherever they stand; if all are, each is as likely as any; later, who comes first. A
 * closed channel is ready: a receive from it, when nothing is left, and a send to it happen with
 * the status -EPIPE. A channel may be in several arms. Two selects may meet each other in a
 * rendezvous.
 *
 * Progress:  weir_select_try() never waits, as the try_ operations of weir/chan.h;
 *            weir_select() blocks until an arm is ready.
 * Ordering:  that of the arm that happened; weir/chan.h.
 * Memory:    the caller's arms; nothing is allocated.
 * Edges:     weir/chan.h.
 *
 * Source: the guarded command: E. W. Dijkstra, "Guarded Commands, Nondeterminacy and Formal
 * Derivation of Programs", CACM 18(8), 1975, doi:10.1145/360933.360975; with sends as well as
 * receives as guards: A. J. Bernstein, "Output Guards and Nondeterminism in Communicating
 * Sequential Processes", TOPLAS 2(2), 1980, doi:10.1145/357094.357101. */

#ifndef WEIR_SELECT_H
#define WEIR_SELECT_H

#include <weir/chan.h>
#include <weir/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_select_arm {
    weir_chan *chan;  /* NULL: never ready */
    void *recv;       /* where a value received goes; NULL: this arm sends */
    const void *send; /* what is sent; NULL: this arm receives */
    int status;       /* of the arm that happened: 0, or -EPIPE (-ENOMEM, unbounded) */
    weir_wait_node node;
} weir_select_arm;

/* Makes *arm one that receives into *element. */
static inline void weir_select_recv(weir_select_arm *arm, weir_chan *chan, void *element)
{
    arm->chan = chan;
    arm->recv = element;
    arm->send = NULL;
    arm->status = 0;
}

/* Makes *arm one that sends *element. */
static inline void weir_select_send(weir_select_arm *arm, weir_chan *chan, const void *element)
{
    arm->chan = chan;
    arm->recv = NULL;
    arm->send = element;
    arm->status = 0;
}

/* ---- operations ---- */

/* Most arms of a select. */
#define WEIR_SELECT_MAX 65536

/* Waits until one of the n arms happens.
 * Returns: its index, and its status in the arm; -ETIMEDOUT; -ECANCELED; -EINVAL if n is above
 * WEIR_SELECT_MAX, an arm neither sends nor receives, or both, or if it would never end: no arm
 * has a channel, there is no deadline and no token.
 * Progress: blocking. Complexity: O(n). */
WEIR_API int weir_select(weir_select_arm *arms, size_t n, uint64_t deadline,
                         weir_cancel *cancel) WEIR_NODISCARD;

/* The same with a default: does not wait.
 * Returns: an index; -EAGAIN if no arm is ready; -EBUSY if that cannot be told, since somebody is
 * in the middle of a rendezvous; -EINVAL. */
WEIR_API int weir_select_try(weir_select_arm *arms, size_t n) WEIR_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif /* WEIR_SELECT_H */
