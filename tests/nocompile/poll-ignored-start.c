/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Not every descriptor can be watched: what start says must not be ignored.
 * expect: unused */

#include <weir/poll.h>

int misuse(weir_poll *poll);

int misuse(weir_poll *poll)
{
#ifdef MISUSE
    weir_poll_start(poll, WEIR_POLL_READ);
    return 0;
#else
    return weir_poll_start(poll, WEIR_POLL_READ);
#endif
}
