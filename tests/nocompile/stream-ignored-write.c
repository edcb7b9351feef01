/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Whether a write is done, or is still to be, is what it says: it must not be ignored.
 * expect: unused */

#include <weir/stream.h>

int misuse(weir_stream *stream, weir_write *write);

int misuse(weir_stream *stream, weir_write *write)
{
#ifdef MISUSE
    weir_stream_write(stream, write);
    return 0;
#else
    return weir_stream_write(stream, write);
#endif
}
