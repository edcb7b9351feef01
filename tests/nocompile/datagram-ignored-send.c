/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Whether a packet is sent, or is still the socket's, is what it says: it must not be ignored.
 * expect: unused */

#include <weir/datagram.h>

int misuse(weir_datagram *socket, weir_packet *packet);

int misuse(weir_datagram *socket, weir_packet *packet)
{
#ifdef MISUSE
    weir_datagram_send(socket, packet);
    return 0;
#else
    return weir_datagram_send(socket, packet);
#endif
}
