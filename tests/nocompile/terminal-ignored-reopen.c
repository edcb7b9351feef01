/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The descriptor that is opened is the caller's: it must not get lost.
 * expect: unused */

#include <weir/terminal.h>

int misuse(int fd);

int misuse(int fd)
{
#ifdef MISUSE
    weir_terminal_reopen(fd);
    return 0;
#else
    return weir_terminal_reopen(fd);
#endif
}
