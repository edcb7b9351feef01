/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* http_client.h: the part of http_files.c that is about one client, from accept to close. It is in
 * one of five states, and its timer, where it is started, is about that state. */

#ifndef HTTP_FILES_HTTP_CLIENT_H
#define HTTP_FILES_HTTP_CLIENT_H

#include "http_request.h"

#include <weir/blocking.h>
#include <weir/loop.h>
#include <weir/offload.h>
#include <weir/stream.h>
#include <weir/timer.h>

#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

enum { INPUT = 8192 };

typedef struct client client;

/* One for each loop. */
typedef struct server {
    weir_loop *loop;
    weir_listener listener;
    weir_blocking *threads; /* that look for files */
    int root;               /* the directory */
    uint64_t patience;      /* ns */
    client *clients;
    bool draining; /* each gets the answers that he has asked for, and goes */
} server;

typedef enum state {
    IDLE,    /* no request has begun */
    ASKING,  /* one has, and is not complete */
    OPENING, /* its file is looked for: nothing is read, no timer runs, so nobody closes it */
    ANSWERING,
    LEAVING /* all is said: what still comes is thrown away */
} state;

struct client {
    weir_stream stream; /* first */
    weir_timer patience;
    weir_offload opening;
    weir_write head, content;
    server *server;
    client *next, *prev;
    state state;
    size_t left; /* of the answer, when it was looked at last */
    request request;
    int fd; /* its file; -1 */
    struct stat file;
    const char *name; /* of the file, in `path` */
    text raw;
    size_t parsed, filled; /* bytes of `input` */
    char path[TARGET_MAX], input[INPUT], output[HEAD];
};

static void be_patient(client *self)
{
    weir_timer_after(&self->patience, self->server->patience);
}

/* ---- the file: in a thread of the pool ---- */

static int find_file(weir_offload *offload)
{
    client *const self = (client *)(void *)((char *)offload - offsetof(client, opening));

    self->fd = open_below(self->server->root, self->path, &self->name);
    if (self->fd < 0)
        return self->fd;
    return fstat(self->fd, &self->file) == 0 ? 0 : -errno;
}

/* ---- an answer ---- */

static void next_request(client *self);

static void leave(client *self)
{
    self->state = LEAVING;
    be_patient(self);
    /* The end is sent, and waited for: a close before the other side has read all may take the last
     * bytes back. */
    if (weir_stream_shutdown(&self->stream) != 0 || weir_stream_read(&self->stream) != 0)
        weir_stream_close(&self->stream);
}

static bool keeps(const client *self)
{
    return request_keeps(&self->request) && !self->server->draining;
}

static void answered(client *self)
{
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
    if (keeps(self))
        next_request(self);
    else
        leave(self);
}

static void written(weir_write *write, weir_stream *stream, int status)
{
    (void)write;
    if (status == 0)
        answered((client *)(void *)stream);
    else
        weir_stream_abort(stream); /* it has gone, or the file has become shorter */
}

static void send_answer(client *self, size_t head, int64_t first, int64_t count)
{
    int status;

    self->state = ANSWERING;
    self->left = SIZE_MAX;
    be_patient(self);
    weir_write_init(&self->head, self->output, head, count != 0 ? NULL : written);
    status = weir_stream_write(&self->stream, &self->head);
    if (count != 0 && (status == 0 || status == -EINPROGRESS)) {
        weir_write_init_file(&self->content, self->fd, first, (size_t)count, written);
        status = weir_stream_write(&self->stream, &self->content);
    }
    if (status == 0)
        answered(self);
    else if (status != -EINPROGRESS)
        weir_stream_abort(&self->stream);
}

static void answer_status(client *self, unsigned status, const char *more)
{
    const bool content = self->request.parser.method != HTTP_HEAD;

    send_answer(self, status_head(self->output, status, keeps(self), content, more), 0, 0);
}

static void answer_file(client *self)
{
    const request *const asked = &self->request;
    int64_t size = self->file.st_size, first = 0, count = size;
    unsigned status = HTTP_STATUS_OK;
    char date[DATE], more[64];
    size_t head;

    http_date(self->file.st_mtime, date);
    /* A date is compared as a text: clients send back what they were given. */
    if (asked->counts[NONE_MATCH] == 0 && is(asked->values[MODIFIED_SINCE], date))
        status = HTTP_STATUS_NOT_MODIFIED;
    else if (asked->parser.method == HTTP_GET &&
             (asked->counts[IF_RANGE] == 0 || is(asked->values[IF_RANGE], date)))
        status = read_range(asked->values[RANGE], size, &first, &count);
    if (status == HTTP_STATUS_RANGE_NOT_SATISFIABLE) {
        snprintf(more, sizeof more, "Content-Range: bytes */%" PRId64 "\r\n", size);
        answer_status(self, status, more);
        return;
    }
    head = file_head(self->output, status, keeps(self), self->name, date, size, first, count);
    if (status == HTTP_STATUS_NOT_MODIFIED || asked->parser.method == HTTP_HEAD)
        count = 0;
    send_answer(self, head, first, count);
}

static void found(weir_offload *offload, int status)
{
    client *const self = (client *)(void *)((char *)offload - offsetof(client, opening));
    char more[TARGET_MAX + 16];

    if (status == -ENOENT || status == -ENOTDIR || status == -ENAMETOOLONG) {
        answer_status(self, HTTP_STATUS_NOT_FOUND, "");
    } else if (status == -EMFILE || status == -ENFILE || status == -ENOMEM) {
        answer_status(self, HTTP_STATUS_SERVICE_UNAVAILABLE, "Retry-After: 1\r\n");
    } else if (status == -EACCES || status == -EPERM || status == -ELOOP || status == -ENXIO) {
        answer_status(self, HTTP_STATUS_FORBIDDEN, "");
    } else if (status != 0) {
        answer_status(self, HTTP_STATUS_INTERNAL_SERVER_ERROR, "");
    } else if (S_ISDIR(self->file.st_mode)) { /* without its slash */
        snprintf(more, sizeof more, "Location: %.*s/\r\n", (int)self->raw.length, self->raw.at);
        answer_status(self, HTTP_STATUS_MOVED_PERMANENTLY, more);
    } else if (!S_ISREG(self->file.st_mode)) {
        answer_status(self, HTTP_STATUS_FORBIDDEN, "");
    } else {
        answer_file(self);
    }
}

/* ---- a request ---- */

/* Whoever is refused before a file is looked for is not listened to any more. */
static void refuse(client *self, unsigned status)
{
    self->request.last = true;
    answer_status(self, status,
                  status == HTTP_STATUS_METHOD_NOT_ALLOWED ? "Allow: GET, HEAD\r\n" : "");
}

static void parse(client *self)
{
    request *const asked = &self->request;
    unsigned status;

    self->parsed += request_parse(asked, self->input + self->parsed, self->filled - self->parsed);
    status = request_status(asked);
    if (status == 0 && self->filled < INPUT)
        return;
    weir_stream_pause(&self->stream);
    if (status == 0) {
        status = HTTP_STATUS_REQUEST_HEADER_FIELDS_TOO_LARGE;
    } else if (status == HTTP_STATUS_OK) {
        if (!request_path(asked, &self->raw, self->path)) {
            status = HTTP_STATUS_BAD_REQUEST;
        } else if (weir_offload_blocking(&self->opening, self->server->threads, WEIR_FOREVER) !=
                   0) {
            status = HTTP_STATUS_SERVICE_UNAVAILABLE;
        } else {
            self->state = OPENING;
            weir_timer_stop(&self->patience);
            return;
        }
    }
    refuse(self, status);
}

/* What has come of it already was behind the last one. */
static void next_request(client *self)
{
    self->filled -= self->parsed;
    memmove(self->input, self->input + self->parsed, self->filled);
    self->parsed = 0;
    request_begin(&self->request);
    self->state = self->filled != 0 ? ASKING : IDLE;
    be_patient(self);
    if (weir_stream_read(&self->stream) != 0)
        weir_stream_close(&self->stream);
    else if (self->filled != 0)
        parse(self);
}

/* ---- a client ---- */

static void *place(weir_stream *stream, size_t *bytes)
{
    client *const self = (client *)(void *)stream;

    if (self->state == LEAVING)
        self->filled = 0;
    *bytes = INPUT - self->filled;
    return self->input + self->filled;
}

static void received(weir_stream *stream, void *data, size_t bytes)
{
    client *const self = (client *)(void *)stream;

    (void)data;
    if (self->state == LEAVING)
        return;
    self->filled += bytes;
    if (self->state == IDLE) {
        self->state = ASKING;
        be_patient(self);
    }
    parse(self);
}

static void ended(weir_stream *stream, int status)
{
    (void)status;
    weir_stream_close(stream);
}

static void lose_patience(weir_timer *timer)
{
    client *const self = (client *)(void *)((char *)timer - offsetof(client, patience));
    int kernels = 0;
    size_t left;

    if (self->state == ASKING) {
        weir_stream_pause(&self->stream);
        refuse(self, HTTP_STATUS_REQUEST_TIMEOUT);
    } else if (self->state == ANSWERING) {
        /* What he has not got, though the kernel has it, counts. */
        ioctl(weir_stream_fd(&self->stream), TIOCOUTQ, &kernels);
        left = weir_stream_queued(&self->stream) + (size_t)kernels;
        if (left < self->left) {
            self->left = left;
            be_patient(self);
        } else {
            weir_stream_abort(&self->stream);
        }
    } else {
        weir_stream_close(&self->stream);
    }
}

static void closed(weir_stream *stream)
{
    client *const self = (client *)(void *)stream;

    weir_timer_stop(&self->patience);
    *(self->prev != NULL ? &self->prev->next : &self->server->clients) = self->next;
    if (self->next != NULL)
        self->next->prev = self->prev;
    weir_listener_release(&self->server->listener);
    if (self->fd >= 0)
        close(self->fd);
    free(self);
}

static const weir_stream_calls client_calls = {
    .read = received, .end = ended, .buffer = place, .closed = closed};

/* Takes over a descriptor that the server's listener has accepted. */
static void client_begin(server *of, int fd)
{
    client *const self = (client *)malloc(sizeof *self);

    if (self == NULL ||
        weir_stream_open(&self->stream, of->loop, fd, WEIR_STREAM_SOCKET, &client_calls) != 0) {
        free(self);
        close(fd);
        weir_listener_release(&of->listener);
        return;
    }
    self->server = of;
    self->fd = -1;
    self->parsed = self->filled = 0;
    weir_timer_init(&self->patience, of->loop, lose_patience);
    weir_offload_init(&self->opening, of->loop, find_file, found, NULL);
    self->prev = NULL;
    self->next = of->clients;
    if (self->next != NULL)
        self->next->prev = self;
    of->clients = self;
    next_request(self);
}

/* Who has not asked goes at once. */
static void clients_drain(server *of)
{
    of->draining = true;
    for (client *each = of->clients; each != NULL; each = each->next)
        if (each->state == IDLE)
            weir_stream_close(&each->stream);
}

#endif /* HTTP_FILES_HTTP_CLIENT_H */
