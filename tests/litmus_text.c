/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/litmus_text.c: litmus programs and outcomes as text, and sets of hashes. */

#include "litmus.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

static const char *const order_name[] = {"rlx", "con", "acq", "rel", "ar", "sc"};

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The next word of the text, which is cut by spaces, semicolons and bars; "" at the end. */
static const char *next_word(const char **text, char *room, size_t size)
{
    size_t length = 0;

    while (**text == ' ' || **text == '\n')
        ++*text;
    if (**text == ';' || **text == '|') {
        while (length < size - 1 && (**text == ';' || **text == '|'))
            room[length++] = *(*text)++;
    } else {
        while (length < size - 1 && **text != '\0' && strchr(" \n;|", **text) == NULL)
            room[length++] = *(*text)++;
    }
    room[length] = '\0';
    return room;
}

static bool parse_number(const char *text, word *value)
{
    char *end;

    *value = strtoull(text, &end, 0);
    if (end != text && *end == ':') {
        text = end + 1;
        *value |= (word)strtoull(text, &end, 0) << 64;
    }
    return end != text && *end == '\0';
}

static bool parse_order(const char *text, int *order)
{
    for (int i = 0; i < 6; i++) {
        if (strcmp(text, order_name[i]) == 0) {
            *order = i;
            return true;
        }
    }
    return false;
}

static bool parse_register(const char *text, unsigned *at)
{
    *at = (unsigned)(text[0] - 'a');
    return text[0] >= 'a' && text[0] <= 'z' && text[1] == '\0';
}

/* A place that is new is added if it may be. */
static bool parse_place(const char *text, litmus_program *p, bool may_add, unsigned *place,
                        litmus_part *part)
{
    if (!is_letter(text[0]))
        return false;
    *part = strcmp(text + 1, ".l") == 0   ? LITMUS_LOWER
            : strcmp(text + 1, ".h") == 0 ? LITMUS_HIGHER
                                          : LITMUS_WHOLE;
    for (*place = 0; *place < p->places && p->name[*place] != text[0]; ++*place)
        ;
    if (*place == p->places) {
        if (!may_add || p->places == LITMUS_PLACES)
            return false;
        p->name[p->places++] = text[0];
    }
    return *part != LITMUS_WHOLE || text[1] == '\0';
}

static bool parse_step(const char **text, litmus_program *p, litmus_step *s)
{
    static const char kinds[] = "WRAXCF?";
    char room[64];
    const char *w = next_word(text, room, sizeof room);
    const char *const k = w[0] == '\0' ? NULL : strchr(kinds, w[0]);

    memset(s, 0, sizeof *s);
    s->from = -1;
    if (k == NULL || (w[1] != '\0' && strcmp(w, "A0") != 0))
        return false;
    s->kind = (litmus_kind)(k - kinds);
    s->value = s->kind == LITMUS_ADD && w[1] == '\0';
    if (s->kind == LITMUS_FENCE)
        return parse_order(next_word(text, room, sizeof room), &s->order);
    if (s->kind == LITMUS_IF)
        return parse_register(next_word(text, room, sizeof room), &s->to) &&
               parse_number(next_word(text, room, sizeof room), &s->value);
    if (!parse_place(next_word(text, room, sizeof room), p, true, &s->place, &s->part))
        return false;
    if (s->kind == LITMUS_CAS && !parse_number(next_word(text, room, sizeof room), &s->expected))
        return false;
    if (s->kind == LITMUS_WRITE || s->kind == LITMUS_SWAP || s->kind == LITMUS_CAS) {
        unsigned from;

        if (parse_register(next_word(text, room, sizeof room), &from))
            s->from = (int)from;
        else if (!parse_number(room, &s->value))
            return false;
    }
    if (s->kind != LITMUS_WRITE && !parse_register(next_word(text, room, sizeof room), &s->to))
        return false;
    if (!parse_order(next_word(text, room, sizeof room), &s->order))
        return false;
    return s->kind != LITMUS_CAS || parse_order(next_word(text, room, sizeof room), &s->failure);
}

bool litmus_parse(const char *text, litmus_program *program)
{
    unsigned t = 0;
    char room[64];
    const char *w;

    memset(program, 0, sizeof *program);
    program->threads = 1;
    for (;;) {
        if (program->steps[t] == LITMUS_STEPS ||
            !parse_step(&text, program, &program->step[t][program->steps[t]]))
            return false;
        program->steps[t]++;
        w = next_word(&text, room, sizeof room);
        if (w[0] == '\0')
            return true;
        if (strcmp(w, "||") == 0) {
            if (program->threads == LITMUS_THREADS)
                return false;
            t = program->threads++;
        } else if (strcmp(w, ";") != 0) {
            return false;
        }
    }
}

bool litmus_parse_outcome(const char *text, const litmus_program *program, litmus_outcome *outcome)
{
    litmus_program scratch = *program;
    char room[64];

    memset(outcome, 0, sizeof *outcome);
    for (;;) {
        litmus_term *const term = &outcome->term[outcome->terms];
        char *value;

        if (*next_word(&text, room, sizeof room) == '\0')
            return true;
        value = strchr(room, '=');
        if (value == NULL || outcome->terms == LITMUS_TERMS)
            return false;
        *value++ = '\0';
        term->thread = is_letter(room[0]) ? -1 : room[0] - '0';
        if (!parse_number(value, &term->value) || term->thread >= (int)program->threads ||
            (term->thread < 0 ? !parse_place(room, &scratch, false, &term->at, &term->part)
                              : room[1] != ':' || !parse_register(room + 2, &term->at)))
            return false;
        outcome->terms++;
    }
}

static void print_number(word value, FILE *to)
{
    fprintf(to, " %" PRIu64, (uint64_t)value);
    if (value >> 64 != 0)
        fprintf(to, ":%" PRIu64, (uint64_t)(value >> 64));
}

static void print_step(const litmus_program *p, const litmus_step *s, FILE *to)
{
    static const char *const parts[] = {"", ".l", ".h"};

    if (s->kind == LITMUS_FENCE) {
        fprintf(to, "F %s", order_name[s->order]);
        return;
    }
    if (s->kind == LITMUS_IF) {
        fprintf(to, "? %c", (char)('a' + (int)s->to));
        print_number(s->value, to);
        return;
    }
    fprintf(to, "%c%s %c%s", "WRAXC"[s->kind],
            s -> kind == LITMUS_ADD && s -> value == 0 ? "0" : "", p->name[s->place],
            parts[s->part]);
    if (s->kind == LITMUS_CAS)
        print_number(s->expected, to);
    if (s->kind == LITMUS_WRITE || s->kind == LITMUS_SWAP || s->kind == LITMUS_CAS) {
        if (s->from >= 0)
            fprintf(to, " %c", (char)('a' + s->from));
        else
            print_number(s->value, to);
    }
    if (s->kind != LITMUS_WRITE)
        fprintf(to, " %c", (char)('a' + (int)s->to));
    fprintf(to, " %s", order_name[s->order]);
    if (s->kind == LITMUS_CAS)
        fprintf(to, " %s", order_name[s->failure]);
}

void litmus_print(const litmus_program *program, FILE *to)
{
    for (unsigned t = 0; t < program->threads; t++) {
        for (unsigned i = 0; i < program->steps[t]; i++) {
            fputs(i > 0 ? "; " : t > 0 ? " || " : "", to);
            print_step(program, &program->step[t][i], to);
        }
    }
    fputc('\n', to);
}

static unsigned place_size(const litmus_program *program, unsigned place)
{
    return program->name[place] >= 'A' && program->name[place] <= 'Z' ? 16 : 8;
}

unsigned litmus_size(const litmus_program *program, const litmus_step *step)
{
    return place_size(program, step->place) / (step->part == LITMUS_WHOLE ? 1 : 2);
}

unsigned litmus_offset(const litmus_program *program, const litmus_step *step)
{
    return step->part == LITMUS_HIGHER ? place_size(program, step->place) / 2 : 0;
}

bool litmus_holds(const litmus_outcome *outcome, const litmus_program *program,
                  const litmus_end *end)
{
    for (unsigned i = 0; i < outcome->terms; i++) {
        const litmus_term *const term = &outcome->term[i];
        word value;

        if (term->thread >= 0) {
            value = end->reg[term->thread][term->at];
        } else {
            const unsigned half = place_size(program, term->at) / 2;

            value = end->place[term->at];
            if (term->part == LITMUS_HIGHER)
                value >>= 8 * half;
            if (term->part != LITMUS_WHOLE)
                value &= ((word)1 << 8 * half) - 1;
        }
        if (value != term->value)
            return false;
    }
    return true;
}

/* ---- sets ---- */

static size_t slot_of(const litmus_set *set, uint64_t hash)
{
    size_t slot = hash & (set->room - 1);

    while (set->hash[slot] != 0 && set->hash[slot] != hash)
        slot = (slot + 1) & (set->room - 1);
    return slot;
}

bool litmus_has(const litmus_set *set, uint64_t hash)
{
    return set->room != 0 && set->hash[slot_of(set, hash | 1)] != 0;
}

bool litmus_add(litmus_set *set, uint64_t hash)
{
    size_t slot;

    hash |= 1; /* 0 is a free slot */
    if (2 * set->count >= set->room) {
        const litmus_set old = *set;

        set->room = old.room == 0 ? 64 : 2 * old.room;
        set->hash = calloc(set->room, sizeof *set->hash);
        if (set->hash == NULL)
            abort();
        for (size_t i = 0; i < old.room; i++) {
            if (old.hash[i] != 0)
                set->hash[slot_of(set, old.hash[i])] = old.hash[i];
        }
        free(old.hash);
    }
    slot = slot_of(set, hash);
    if (set->hash[slot] != 0)
        return false;
    set->hash[slot] = hash;
    set->count++;
    return true;
}

void litmus_clear(litmus_set *set)
{
    free(set->hash);
    memset(set, 0, sizeof *set);
}
