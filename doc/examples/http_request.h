/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* http_request.h: the part of http_files.c that knows nothing of loops: what a request says, the
 * file that it names, and the words of an answer. The bytes are parsed by http_parser, as they
 * come; the texts here point to where they lie. */

#ifndef HTTP_FILES_HTTP_REQUEST_H
#define HTTP_FILES_HTTP_REQUEST_H

#include <http_parser.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { TARGET_MAX = 1024, DATE = 32, HEAD = TARGET_MAX + 1024 };

typedef struct text {
    const char *at;
    size_t length;
} text;

/* The headers that the server looks at. */
enum { HOST, ENCODING, MODIFIED_SINCE, NONE_MATCH, RANGE, IF_RANGE, HEADERS };

typedef struct request {
    http_parser parser;
    text target, name, values[HEADERS];
    unsigned counts[HEADERS];
    int current; /* whose value comes; HEADERS: nobody's; -1: a name comes */
    bool last;   /* refused: no more after it */
} request;

/* ---- parsing ---- */

/* Another piece, which may be the first. */
static void extend(text *to, const char *at, size_t length)
{
    if (to->at == NULL)
        to->at = at;
    to->length = (size_t)(at - to->at) + length;
}

static int on_url(http_parser *parser, const char *at, size_t length)
{
    request *const self = (request *)parser->data;

    extend(&self->target, at, length);
    return self->target.length > TARGET_MAX ? -1 : 0;
}

static int on_name(http_parser *parser, const char *at, size_t length)
{
    request *const self = (request *)parser->data;

    if (self->current >= 0) {
        self->current = -1;
        memset(&self->name, 0, sizeof self->name);
    }
    extend(&self->name, at, length);
    return memchr(at, ' ', length) != NULL ? -1 : 0; /* others may know it without the space */
}

static bool is(text name, const char *what)
{
    return name.length != 0 && name.length == strlen(what) &&
           strncasecmp(name.at, what, name.length) == 0;
}

static int on_value(http_parser *parser, const char *at, size_t length)
{
    static const char *const names[HEADERS] = {
        "Host", "Transfer-Encoding", "If-Modified-Since", "If-None-Match", "Range", "If-Range"};
    request *const self = (request *)parser->data;

    if (self->current < 0) {
        for (self->current = 0; self->current < HEADERS; self->current++)
            if (is(self->name, names[self->current]))
                break;
        if (self->current < HEADERS) {
            self->counts[self->current]++;
            memset(&self->values[self->current], 0, sizeof(text));
        }
    }
    if (self->current < HEADERS)
        extend(&self->values[self->current], at, length);
    return 0;
}

/* Content is of no use to a file: a request that has some is refused before it comes. */
static int on_headers(http_parser *parser)
{
    const bool has_length = (parser->flags & F_CONTENTLENGTH) != 0 && parser->content_length != 0;

    return has_length || (parser->flags & F_CHUNKED) != 0 ? -1 : 0;
}

/* What is behind it belongs to the next one. */
static int on_complete(http_parser *parser)
{
    http_parser_pause(parser, 1);
    return 0;
}

static void request_begin(request *self)
{
    memset(self, 0, sizeof *self);
    http_parser_init(&self->parser, HTTP_REQUEST);
    self->parser.data = self;
}

/* Returns: how many of the bytes are its own. They stay where they are until it is answered. */
static size_t request_parse(request *self, const char *bytes, size_t count)
{
    static const http_parser_settings settings = {.on_url = on_url,
                                                  .on_header_field = on_name,
                                                  .on_header_value = on_value,
                                                  .on_headers_complete = on_headers,
                                                  .on_message_complete = on_complete};

    return http_parser_execute(&self->parser, &settings, bytes, count);
}

/* Returns: 0: more must come; HTTP_STATUS_OK: it is complete; or why it is refused. */
static unsigned request_status(const request *self)
{
    const bool gets = self->parser.method == HTTP_GET || self->parser.method == HTTP_HEAD;

    switch (HTTP_PARSER_ERRNO(&self->parser)) {
    case HPE_OK:
        return 0;
    case HPE_CB_url:
        return HTTP_STATUS_URI_TOO_LONG;
    case HPE_CB_headers_complete:
        return gets ? HTTP_STATUS_PAYLOAD_TOO_LARGE : HTTP_STATUS_METHOD_NOT_ALLOWED;
    case HPE_INVALID_VERSION:
        return HTTP_STATUS_HTTP_VERSION_NOT_SUPPORTED;
    case HPE_INVALID_METHOD:
        return HTTP_STATUS_NOT_IMPLEMENTED;
    case HPE_PAUSED:
        break;
    default:
        return HTTP_STATUS_BAD_REQUEST;
    }
    if (self->parser.http_major != 1)
        return HTTP_STATUS_HTTP_VERSION_NOT_SUPPORTED;
    if (self->counts[HOST] > 1 || (self->counts[HOST] == 0 && self->parser.http_minor != 0))
        return HTTP_STATUS_BAD_REQUEST;
    /* One that is no chunks, which the parser lets pass beside Upgrade: where does it end? */
    if (self->counts[ENCODING] != 0)
        return HTTP_STATUS_BAD_REQUEST;
    return gets ? HTTP_STATUS_OK : HTTP_STATUS_METHOD_NOT_ALLOWED;
}

static bool request_keeps(const request *self)
{
    return !self->last && http_should_keep_alive(&self->parser);
}

/* ---- what it asks for ---- */

static int hex(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit = (char)(digit | 32);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The path of the target without its first slash, decoded. Returns: false: it is none. */
static bool request_path(const request *self, text *raw, char path[TARGET_MAX])
{
    struct http_parser_url url;
    size_t n = 0;

    http_parser_url_init(&url);
    if (http_parser_parse_url(self->target.at, self->target.length, 0, &url) != 0 ||
        (url.field_set & 1 << UF_PATH) == 0)
        return false;
    raw->at = self->target.at + url.field_data[UF_PATH].off;
    raw->length = url.field_data[UF_PATH].len;
    if (*raw->at != '/')
        return false;
    for (size_t i = 1; i < raw->length; i++) {
        char c = raw->at[i];

        if (c == '%') {
            const int high = i + 2 < raw->length ? hex(raw->at[i + 1]) : -1;
            const int low = i + 2 < raw->length ? hex(raw->at[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0')
            return false;
        path[n++] = c;
    }
    path[n] = '\0';
    return true;
}

/* Returns: digits as a number, at most INT64_MAX; -1: there are none. */
static int64_t number(const char **at)
{
    int64_t n = -1;

    for (; **at >= '0' && **at <= '9'; (*at)++) {
        n = n < 0 ? 0 : n;
        n = n > (INT64_MAX - 9) / 10 ? INT64_MAX : n * 10 + (**at - '0');
    }
    return n;
}

/* A single range of `size` bytes. Returns: 200: there is none, or one that is to be ignored; 206,
 * *first and *count; 416: it is outside. */
static unsigned read_range(text value, int64_t size, int64_t *first, int64_t *count)
{
    char copy[64] = "";
    const char *at = copy + 6;
    int64_t from, to;

    if (value.length <= 6 || value.length >= sizeof copy)
        return HTTP_STATUS_OK;
    memcpy(copy, value.at, value.length);
    if (strncasecmp(copy, "bytes=", 6) != 0)
        return HTTP_STATUS_OK;
    from = number(&at);
    if (*at++ != '-')
        return HTTP_STATUS_OK;
    to = number(&at);
    if (*at != '\0' || (from < 0 && to < 0) || (from >= 0 && to >= 0 && to < from))
        return HTTP_STATUS_OK;
    if (from < 0) { /* the last `to` */
        from = to < size ? size - to : 0;
        to = size;
    }
    if (from >= size)
        return HTTP_STATUS_RANGE_NOT_SATISFIABLE;
    *first = from;
    *count = (to < 0 || to >= size ? size - 1 : to) - from + 1;
    return HTTP_STATUS_PARTIAL_CONTENT;
}

/* Opens the file that a path names, which is cut into its parts; *name: the last one. Each part is
 * opened by itself, so that a link is refused wherever it stands.
 * Returns: a descriptor; a negative errno. */
static int open_below(int root, char *path, const char **name)
{
    int fd, error, above = root;

    for (;; path += strlen(path) + 1) {
        char *const slash = strchr(path, '/');
        const int flags = slash != NULL ? O_PATH | O_DIRECTORY : O_RDONLY | O_NONBLOCK | O_NOCTTY;

        if (slash != NULL)
            *slash = '\0';
        *name = *path == '\0' && slash == NULL ? "index.html" : path;
        /* Also no "." and "..". */
        fd = **name == '.' ? -1 : openat(above, *name, flags | O_NOFOLLOW | O_CLOEXEC);
        error = **name == '.' ? ENOENT : errno;
        if (above != root)
            close(above);
        if (fd < 0)
            return -error;
        if (slash == NULL)
            return fd;
        above = fd;
    }
}

/* ---- words of an answer ---- */

static const char *content_type(const char *name)
{
    static const char *const types[][2] = {{".html", "text/html; charset=utf-8"},
                                           {".css", "text/css; charset=utf-8"},
                                           {".js", "text/javascript; charset=utf-8"},
                                           {".json", "application/json"},
                                           {".txt", "text/plain; charset=utf-8"},
                                           {".md", "text/plain; charset=utf-8"},
                                           {".svg", "image/svg+xml"},
                                           {".png", "image/png"},
                                           {".jpg", "image/jpeg"},
                                           {".gif", "image/gif"},
                                           {".ico", "image/x-icon"},
                                           {".wasm", "application/wasm"},
                                           {".pdf", "application/pdf"}};
    const char *const suffix = strrchr(name, '.');

    for (size_t i = 0; suffix != NULL && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(suffix, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

static void http_date(time_t when, char date[DATE])
{
    struct tm parts;

    if (gmtime_r(&when, &parts) == NULL ||
        strftime(date, DATE, "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0)
        date[0] = '\0';
}

/* Returns: the bytes of `head`, as do those below. */
static size_t begin_head(char head[HEAD], unsigned status, bool keep)
{
    char date[DATE];

    http_date(time(NULL), date);
    return (size_t)snprintf(head, HEAD, "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: %s\r\n", status,
                            http_status_str((enum http_status)status), date,
                            keep ? "keep-alive" : "close");
}

/* An answer without a file: `more` headers, and, unless it is to have no content, the status as a
 * text. */
static size_t status_head(char head[HEAD], unsigned status, bool keep, bool content,
                          const char *more)
{
    const char *const words = http_status_str((enum http_status)status);
    size_t n = begin_head(head, status, keep);

    n += (size_t)snprintf(head + n, HEAD - n,
                          "%sContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", more,
                          strlen(words) + 5);
    if (content)
        n += (size_t)snprintf(head + n, HEAD - n, "%u %s\n", status, words);
    return n;
}

/* The head of a file of `size` bytes, of which `count` are sent. */
static size_t file_head(char head[HEAD], unsigned status, bool keep, const char *name,
                        const char *date, int64_t size, int64_t first, int64_t count)
{
    size_t n = begin_head(head, status, keep);

    n += (size_t)snprintf(head + n, HEAD - n, "Last-Modified: %s\r\n", date);
    if (status == HTTP_STATUS_PARTIAL_CONTENT)
        n += (size_t)snprintf(head + n, HEAD - n,
                              "Content-Range: bytes %" PRId64 "-%" PRId64 "/%" PRId64 "\r\n", first,
                              first + count - 1, size);
    if (status != HTTP_STATUS_NOT_MODIFIED)
        n += (size_t)snprintf(head + n, HEAD - n,
                              "Accept-Ranges: bytes\r\nContent-Type: %s\r\nContent-Length: %" PRId64
                              "\r\n",
                              content_type(name), count);
    return n + (size_t)snprintf(head + n, HEAD - n, "\r\n");
}

#endif /* HTTP_FILES_HTTP_REQUEST_H */
