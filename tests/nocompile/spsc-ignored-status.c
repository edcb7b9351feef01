/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What init says must not be ignored.
 * expect: unused */

#include <weir/spsc.h>

int misuse(weir_spsc *queue, void *buffer, size_t bytes);

int misuse(weir_spsc *queue, void *buffer, size_t bytes)
{
#ifdef MISUSE
    weir_spsc_init(queue, buffer, bytes, 16, 8);
    return 0;
#else
    return weir_spsc_init(queue, buffer, bytes, 16, 8);
#endif
}
