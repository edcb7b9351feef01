/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/mpsc.h>

#include <errno.h>

void weir_mpsc_init(weir_mpsc *queue)
{
    WEIR_REQUIRE((uintptr_t)queue % WEIR_CACHELINE == 0,
                 "a weir_mpsc must be aligned to WEIR_CACHELINE; weir_mpsc_new() is");
    weir_atomic_init(&queue->head, NULL);
    queue->ready = NULL;
    queue->made = WEIR__MPSC_MADE;
    queue->allocated = 0;
}

int weir_mpsc_destroy(weir_mpsc *queue)
{
    WEIR_REQUIRE(queue->made == WEIR__MPSC_MADE, "destroyed twice, or never made");
    if (!weir_mpsc_empty(queue))
        return -EBUSY;
    queue->made = 0;
    return 0;
}

int weir_mpsc_new(weir_mpsc **queue)
{
    weir_mpsc *const made = (weir_mpsc *)weir_alloc(sizeof(weir_mpsc), WEIR_CACHELINE);

    if (made == NULL)
        return -ENOMEM;
    weir_mpsc_init(made);
    made->allocated = sizeof *made;
    *queue = made;
    return 0;
}

int weir_mpsc_free(weir_mpsc *queue)
{
    int status;

    if (queue == NULL)
        return 0;
    WEIR_REQUIRE(queue->allocated != 0, "not made by weir_mpsc_new()");
    status = weir_mpsc_destroy(queue);
    if (status == 0)
        weir_release(queue, queue->allocated);
    return status;
}
