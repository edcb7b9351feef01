/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* words.h: the part of wordfreq.c that knows nothing of threads: what a word is, where a
 * text can be cut, and a table that counts. */

#ifndef WORDFREQ_WORDS_H
#define WORDFREQ_WORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 255 };

struct word {
    const char *text;
    size_t length;
    uint64_t hash;
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "wordfreq: %s: %s\n", what, why);
    exit(1);
}

static void *must_have(void *memory)
{
    if (memory == NULL)
        die("cannot go on", "out of memory");
    return memory;
}

/* ---- words ---- */

/* FNV-1a, with its high bits folded into the low ones. */
#define HASH_SEED UINT64_C(14695981039346656037)
#define HASH_STEP(hash, c) (((hash) ^ (unsigned char)(c)) * UINT64_C(1099511628211))
#define HASH_FOLD(hash) ((hash) ^ ((hash) >> 32))

static unsigned char class_of[256]; /* 2: begins a word; 1: goes on with one; 0: neither */
#define CLASS(at) class_of[(unsigned char)*(at)]

static void classes_init(void)
{
    memset(&class_of['0'], 1, 10);
    memset(&class_of['A'], 2, 26);
    memset(&class_of['a'], 2, 26);
    class_of['_'] = 2;
}

/* Finds the next word between *at and `end`, and sets *at behind it. */
static bool next_word(const char **at, const char *end, struct word *word)
{
    const char *p = *at, *stop;
    uint64_t hash = HASH_SEED;

    while (p < end && CLASS(p) != 2)
        p++;
    word->text = p;
    stop = end - p > WORD_MAX ? p + WORD_MAX : end;
    for (; p < stop && CLASS(p) != 0; p++)
        hash = HASH_STEP(hash, *p);
    word->length = (size_t)(p - word->text);
    word->hash = HASH_FOLD(hash);
    *at = p;
    return word->length > 0;
}

/* Returns: after how many bytes, at most `length`, a text that goes on can be cut
 * without changing its words: behind a byte that is in no word or, where there is none
 * near the end, before the word that has perhaps not ended. */
static size_t safe_cut(const char *text, size_t length)
{
    const char *at = text, *end = text + length;
    struct word word;

    for (const char *p = end; p > text && end - p < WORD_MAX; p--)
        if (CLASS(p - 1) == 0)
            return (size_t)(p - text);
    while (next_word(&at, end, &word))
        if (at == end && word.length < WORD_MAX)
            return (size_t)(word.text - text);
    return length;
}

/* ---- a table of words: open addressing, one owner ---- */

struct entry {
    char *text;
    uint64_t hash;
    uint64_t count;
};

struct table {
    struct entry *entries;
    size_t size; /* a power of two */
    size_t used;
};

static void table_init(struct table *t, size_t size)
{
    t->entries = must_have(calloc(size, sizeof *t->entries));
    t->size = size;
    t->used = 0;
}

static void table_free(struct table *t)
{
    for (size_t i = 0; i < t->size; i++)
        free(t->entries[i].text);
    free(t->entries);
}

/* Returns: the entry of the word, or the vacant one where it would go. */
static struct entry *table_find(const struct table *t, const char *text, size_t length,
                                uint64_t hash)
{
    size_t i = (size_t)hash & (t->size - 1);
    struct entry *e;

    while ((e = &t->entries[i])->text != NULL &&
           (e->hash != hash || strncmp(e->text, text, length) != 0 || e->text[length] != '\0'))
        i = (i + 1) & (t->size - 1);
    return e;
}

static void table_add(struct table *t, const char *text, size_t length, uint64_t hash)
{
    struct entry *e = table_find(t, text, length, hash);
    struct table larger;

    if (e->text == NULL) {
        e->text = must_have(strndup(text, length));
        e->hash = hash;
        t->used++;
    }
    e->count++;
    if (t->used <= t->size / 2)
        return;
    table_init(&larger, t->size * 2);
    for (e = t->entries; e < t->entries + t->size; e++)
        if (e->text != NULL)
            *table_find(&larger, e->text, strlen(e->text), e->hash) = *e;
    larger.used = t->used;
    free(t->entries);
    *t = larger;
}

/* Counts the text again, in another way than next_word(). */
static void count_plainly(struct table *table, const char *text, size_t size)
{
    size_t length = 0; /* of the word that ends before text[at] */
    uint64_t hash = HASH_SEED;

    for (size_t at = 0; at <= size; at++) {
        const char c = at < size ? text[at] : ' ';
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        const bool digit = c >= '0' && c <= '9';

        if (length == WORD_MAX || (length > 0 && !letter && !digit)) {
            table_add(table, text + at - length, length, HASH_FOLD(hash));
            length = 0;
            hash = HASH_SEED;
        }
        if (letter || (digit && length > 0)) {
            length++;
            hash = HASH_STEP(hash, c);
        }
    }
}

#endif /* WORDFREQ_WORDS_H */
