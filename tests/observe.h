/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/observe.h: what the tests of weir/observe.h record and read with: threads, a checker of
 * JSON, and the events in a file that weir_trace_write_fd() has written. */

#ifndef WEIR_TESTS_OBSERVE_H
#define WEIR_TESTS_OBSERVE_H

#include <weir/observe.h>

#include "test.h"

#include <fcntl.h>
#include <pthread.h>

/* ---- JSON: what RFC 8259 allows, and nothing else; NULL: it is none ---- */

static inline const char *json(const char *p);

static inline const char *json_space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

static inline const char *json_digits(const char *p)
{
    const size_t n = strspn(p, "0123456789");

    return n == 0 ? NULL : p + n;
}

static inline const char *json_number(const char *p)
{
    p += *p == '-';
    p = *p == '0' ? p + 1 : json_digits(p);
    if (p != NULL && *p == '.')
        p = json_digits(p + 1);
    if (p != NULL && (*p == 'e' || *p == 'E')) {
        p++;
        p = json_digits(p + (*p == '+' || *p == '-'));
    }
    return p;
}

/* Of UTF-8 it checks that lead bytes have as many others as they say. */
static inline const char *json_string(const char *p)
{
    if (*p++ != '"')
        return NULL;
    while (*p != '"') {
        const unsigned char c = (unsigned char)*p++;
        int more = c < 0x80 ? 0 : c < 0xc0 ? -1 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf8 ? 3 : -1;

        if (c < 0x20 || more < 0)
            return NULL;
        while (more-- > 0)
            if (((unsigned char)*p++ & 0xc0) != 0x80)
                return NULL;
        if (c == '\\') {
            if (*p == 'u' && strspn(p + 1, "0123456789abcdefABCDEF") < 4)
                return NULL;
            if (*p == '\0' || strchr("\"\\/bfnrtu", *p++) == NULL)
                return NULL;
        }
    }
    return p + 1;
}

static inline const char *json_list(const char *p, char close, bool members)
{
    p = json_space(p + 1);
    if (*p == close)
        return p + 1;
    for (;;) {
        if (members) {
            p = json_string(json_space(p));
            if (p == NULL || *(p = json_space(p)) != ':')
                return NULL;
            p++;
        }
        p = json(p);
        if (p == NULL || (*(p = json_space(p)) != ',' && *p != close))
            return NULL;
        if (*p++ == close)
            return p;
    }
}

/* Returns: the end of the value at p. */
static inline const char *json(const char *p)
{
    p = json_space(p);
    if (*p == '{')
        return json_list(p, '}', true);
    if (*p == '[')
        return json_list(p, ']', false);
    return *p == '"' ? json_string(p) : json_number(p);
}

/* Returns: the member's value. Names have no escapes. */
static inline const char *member(const char *object, const char *name)
{
    const size_t length = strlen(name);

    for (const char *p = json_space(object) + 1;; p = json_space(p) + 1) {
        const char *const key = json_space(p);

        if (*key != '"')
            return NULL;
        p = json_space(json_string(key)) + 1;
        if (strncmp(key + 1, name, length) == 0 && key[1 + length] == '"')
            return json_space(p);
        p = json(p);
    }
}

static inline uint64_t number_of(const char *object, const char *name)
{
    const char *const value = member(object, name);

    CHECK(value != NULL && *value >= '0' && *value <= '9');
    return strtoull(value, NULL, 10);
}

/* The same, where a large one is a string of digits. */
static inline uint64_t exact_number_of(const char *object, const char *name)
{
    const char *const value = member(object, name);

    CHECK(value != NULL);
    return *value == '"' ? strtoull(value + 1, NULL, 10) : number_of(object, name);
}

/* Whether the member is this, as it stands there. */
static inline bool says(const char *object, const char *name, const char *text)
{
    const char *const value = member(object, name);

    return value != NULL && (size_t)(json(value) - value) == strlen(text) &&
           strncmp(value, text, strlen(text)) == 0;
}

/* ---- files ---- */

enum { MOST = 5000 };

static char file[1 << 20];
static const char *events[MOST]; /* objects in `file`: without those of kind M, which are in */
static const char *names[MOST];
static size_t count, named;
static uint64_t overwritten, refused, start_ns; /* by the file */

/* What is in `file` becomes the above. */
static inline void parse(void)
{
    const char *p, *end = json(file);

    CHECK(end != NULL && *json_space(end) == '\0');
    count = named = 0;
    p = member(file, "traceEvents");
    CHECK(p != NULL && *p == '[');
    for (p = json_space(p + 1); *p != ']'; p = json_space(*p == ',' ? p + 1 : p)) {
        CHECK(count < MOST && named < MOST && *p == '{');
        *(says(p, "ph", "\"M\"") ? &names[named++] : &events[count++]) = p;
        CHECK_EQ(number_of(p, "pid"), getpid());
        p = json_space(json(p));
    }
    overwritten = number_of(member(file, "otherData"), "overwritten");
    refused = number_of(member(file, "otherData"), "refused");
    start_ns = exact_number_of(member(file, "otherData"), "start_ns");
}

static inline void read_back(void)
{
    FILE *const stream = tmpfile();
    size_t length;

    CHECK(stream != NULL);
    CHECK_EQ(weir_trace_write_fd(fileno(stream)), 0);
    rewind(stream);
    length = fread(file, 1, sizeof file - 1, stream);
    CHECK(length < sizeof file - 1);
    file[length] = '\0';
    CHECK_EQ(fclose(stream), 0);
    parse();
}

static inline uint64_t id_of(size_t i)
{
    return number_of(member(events[i], "args"), "id");
}

/* In ns. */
static inline uint64_t time_of(size_t i)
{
    const char *const ts = member(events[i], "ts");
    char *point;
    const uint64_t us = strtoull(ts, &point, 10);

    CHECK(*point == '.' && json_number(ts) == point + 4);
    return us * 1000 + strtoull(point + 1, NULL, 10);
}

/* ---- recording ---- */

static inline void begin(size_t size)
{
    test_alloc_fail_at(0);
    CHECK_EQ(weir_trace_start(size), 0);
}

static inline void finish(void)
{
    CHECK_EQ(weir_trace_free(), 0);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

static inline void record(size_t n)
{
    for (size_t i = 0; i < n; i++)
        weir_trace_event(WEIR_TRACE_KIND_INSTANT, "i", i);
}

/* ---- threads ---- */

static pthread_barrier_t gate;

static inline void meet(void)
{
    const int status = pthread_barrier_wait(&gate);

    CHECK(status == 0 || status == PTHREAD_BARRIER_SERIAL_THREAD);
}

static inline pthread_t spawn(void *(*body)(void *), void *argument)
{
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, body, argument) == 0);
    return thread;
}

static inline void join(pthread_t thread)
{
    CHECK(pthread_join(thread, NULL) == 0);
}

static inline void *record_when_told(void *unused)
{
    (void)unused;
    record(1);
    meet();
    meet(); /* free, or another start */
    record(1);
    meet();
    meet();
    return NULL;
}

/* ---- pipes ---- */

/* With room for less than the longer traces, whatever the size of a page. */
static inline void make_pipe(int ends[2])
{
    CHECK(pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 65536) >= 0);
}

/* A cancellation comes to nothing, unless the write is where it comes. */
static inline void *write_to_pipe(void *fd)
{
    const int status = weir_trace_write_fd(*(int *)fd);
    int before;

    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before) == 0);
    CHECK(status == 0 && before == PTHREAD_CANCEL_ENABLE);
    close(*(int *)fd);
    return NULL;
}

static inline void drain(int fd, size_t piece)
{
    size_t length = 0;
    ssize_t got;

    while ((got = read(fd, file + length, piece)) != 0)
        if (got > 0) {
            length += (size_t)got;
            usleep(4096 / (unsigned)piece * 20);
        }
    file[length] = '\0';
    close(fd);
}

#endif /* WEIR_TESTS_OBSERVE_H */
