# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
"""http_clients.py CASE PORT [PID]: clients that curl is not, for tests/check-http.sh: who sends
many requests at once, who is slow, who stays away. Ends with 0, or says what was wrong.

No case has a bound of time that a loaded machine could break: what must come is waited for, by the
script's own limit; what must not come is looked for during a short while."""

import os
import signal
import socket
import struct
import sys
import time

PORT = int(sys.argv[2])
BIG = 24 << 20  # bytes of /big, more than the kernel keeps for a connection


def ask(text):
    """A connection that has sent a request."""
    client = socket.create_connection(("127.0.0.1", PORT))
    client.sendall(text.encode())
    return client


def get(path, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: h\r\n{more}\r\n"


def rest(client):
    """Everything until the end."""
    parts = []
    while True:
        part = client.recv(1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)


def one_answer(client):
    """Head and content of an answer with Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(1)
        if not part:
            return data, b""
        data += part
    length = [line for line in data.split(b"\r\n") if line.startswith(b"Content-Length:")]
    left = int(length[0].split(b":")[1])
    content = b""
    while len(content) < left:
        part = client.recv(min(left - len(content), 1 << 16))
        if not part:
            break
        content += part
    return data, content


def check(good, sentence):
    if not good:
        sys.exit(f"{sys.argv[1]}: {sentence}")


def status(text):
    """Raw requests, and the statuses of the answers."""
    return rest(ask(text)).split(b"\r\n")[0].split(b" ")[1].decode()


def raw():
    """What curl does not send."""
    close = "Connection: close\r\n"
    for text, want in (
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        ("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("GET /%2 HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("GET * HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: h\r\nnonsense\r\n\r\n", "400"),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505"),
        ("GET /\r\n\r\n", "505"),
        ("BREW / HTTP/1.1\r\nHost: h\r\n\r\n", "501"),
        ("DELETE / HTTP/1.1\r\nHost: h\r\n\r\n", "405"),
        (get("/" + "a" * 2000), "414"),
        (get("/", "X: " + "a" * 9000 + "\r\n"), "431"),
        (get("/", "Content-Length: 5\r\n") + "12345", "413"),
        (get("/", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n", "413"),
        (get("/", "Transfer-Encoding: gzip\r\n") + get("/n1"), "400"),
        (get("/", "Upgrade: x\r\nConnection: Upgrade\r\nTransfer-Encoding: gzip\r\n"), "400"),
        (get("/", "Upgrade: x\r\nConnection: Upgrade\r\nTransfer-Encoding : gzip\r\n"), "400"),
        (get("/", "Content-Length : 5\r\n") + "12345", "400"),
        ("GET http://h/sub/ HTTP/1.1\r\nHost: h\r\n" + close + "\r\n", "200"),
        ("\r\nGET /sub/ HTTP/1.0\r\n\r\n", "200"),
    ):
        got = status(text)
        check(got == want, f"{text[:60]!r}: {got}, not {want}")


def pieces():
    """A request that comes byte by byte."""
    client = ask("")
    for c in get("/sub/", "Range: bytes=0-3\r\n"):
        client.sendall(c.encode())
    check(b" 206 " in one_answer(client)[0], "not understood")


def pipeline():
    """Answers come in the order of the requests, also if these come all at once."""
    client = ask("".join(get(f"/n{i % 10}") for i in range(200)))
    for i in range(200):
        head, content = one_answer(client)
        check(b" 200 " in head and content == f"{i % 10}\n".encode(), f"answer {i}: {head!r}")


def behind():
    """A request that comes while an answer is under way waits for its end."""
    client = ask(get("/big"))
    begun = client.recv(1000)
    client.sendall(get("/n7", "Connection: close\r\n").encode())
    time.sleep(0.2)
    head = begun.split(b"\r\n\r\n")[0]
    data = begun[len(head) + 4:] + rest(client)
    check(data[BIG:].startswith(b"HTTP/1.1 200 "), "no second answer behind the first one")
    check(data.endswith(b"7\n"), "not the second file")


def flood():
    """Who asks on and on, and reads nothing, is held up."""
    client = ask("")
    client.setblocking(False)
    sent, since = 0, time.monotonic()
    chunk = (get("/big") * 1000).encode()
    while time.monotonic() - since < 0.5:
        try:
            sent += client.send(chunk)
            since = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
        check(sent < 64 << 20, "requests are read, and no answers are")


def slow():
    """With -t 1: a request that does not come, one that comes slowly, an answer that is not read;
    and somebody else meanwhile."""
    absent = ask("")
    slowly = ask("GET / HTTP/1.1\r\nHost: h\r\nX: ")
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", PORT))
    deaf.sendall(get("/big").encode())
    slowly.setblocking(False)
    answer = b""
    while True:
        head, _ = one_answer(ask(get("/n1")))
        check(b" 200 " in head, "somebody else is not served")
        try:
            slowly.sendall(b"x")
            answer = slowly.recv(4096)
            break
        except BlockingIOError:
            time.sleep(0.1)
        except OSError:
            break
    check(answer == b"" or b" 408 " in answer, f"slow: {answer!r}")
    check(rest(absent) == b"", "who asks nothing gets something")
    while True:  # the connection is reset, or the answer ends before its end
        time.sleep(0.2)
        error = deaf.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        info = deaf.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)
        if error != 0 or info[0] != 1:  # not TCP_ESTABLISHED
            break


def limit():
    """With -c 2: a third one waits for one of two."""
    first, second = ask(get("/n1")), ask(get("/n1"))
    check(b" 200 " in one_answer(first)[0] and b" 200 " in one_answer(second)[0], "two")
    third = ask(get("/n1"))
    third.settimeout(0.3)
    try:
        third.recv(1)
        check(False, "a third one is served")
    except socket.timeout:
        pass
    third.settimeout(None)
    first.close()
    check(b" 200 " in one_answer(third)[0], "not served after another one has gone")


def drain():
    """At SIGTERM an answer that has begun goes on to its end, and others are refused."""
    client = ask(get("/big"))
    idle = ask(get("/n1"))
    one_answer(idle)
    begun = client.recv(1000)
    os.kill(int(sys.argv[3]), signal.SIGTERM)
    check(idle.recv(1) == b"", "who has asked nothing is kept")
    while True:
        try:
            ask("").close()
            time.sleep(0.02)
        except OSError:
            break
    head = begun.split(b"\r\n\r\n")[0]
    data = begun[len(head) + 4:] + rest(client)
    check(len(data) == BIG, f"{len(data)} bytes of {BIG}")


def reset():
    """Who goes away in the middle of it all harms nobody."""
    for text in ("", "GET / HT", get("/big"), get("/big") * 50, get("/n1") * 50):
        for _ in range(20):
            client = ask(text)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
    check(b" 200 " in one_answer(ask(get("/n1")))[0], "not served after all that")


globals()[sys.argv[1]]()
