/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/datagram_peer.c: the peers of datagram sockets. When the kernel forgets a peer it takes back
 * the port, if it chose that: it is bound once more, so that others find the socket where it was.
 */

#include <weir/datagram.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

int weir_datagram_connect(weir_datagram *socket, const struct sockaddr *address, socklen_t length)
{
    const int fd = weir_datagram_fd(socket);

    if (fd < 0)
        return -ESTALE;
    return connect(fd, address, length) == 0 ? 0 : -errno;
}

/* A socket's name. Those of IPv4 and of IPv6 have their port at the same place. */
typedef union name {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage all;
} name;

WEIR_STATIC_ASSERT(offsetof(struct sockaddr_in, sin_port) ==
                       offsetof(struct sockaddr_in6, sin6_port),
                   "the port is at the same place");

static socklen_t get_name(int fd, name *n)
{
    socklen_t length = sizeof *n;

    memset(n, 0, sizeof *n);
    return getsockname(fd, &n->any, &length) == 0 ? length : 0;
}

int weir_datagram_disconnect(weir_datagram *socket)
{
    const int fd = weir_datagram_fd(socket);
    name before, after, nobody;
    socklen_t length = sizeof nobody;

    if (fd < 0)
        return -ESTALE;
    if (getpeername(fd, &nobody.any, &length) != 0) /* it would take the port back */
        return 0;
    (void)get_name(fd, &before);
    memset(&nobody, 0, sizeof nobody);
    nobody.any.sa_family = AF_UNSPEC;
    if (connect(fd, &nobody.any, sizeof nobody.any) != 0)
        return -errno;
    length = get_name(fd, &after);
    if ((after.any.sa_family != AF_INET && after.any.sa_family != AF_INET6) ||
        after.in.sin_port == before.in.sin_port)
        return 0;
    after.in.sin_port = before.in.sin_port;
    return bind(fd, &after.any, length) == 0 ? 0 : -errno;
}
