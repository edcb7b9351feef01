/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/instruction.c: the lengths of x86-64's instructions: those that compilers emit, and
 * what else a user's program may run; no system's, and none that 64-bit mode does not have. */

#include "instruction.h"

#include <string.h>

/* What follows an opcode: '.' nothing; b, w, e, z: 1, 2, 3 bytes, 4 (or 2); v: as z, or 8 bytes;
 * o an address; j, r: a distance of 1 or 4 bytes; m: ModRM, and what that says; M and Z: this and
 * then b or z; g, G: M and Z if the ModRM says test, else m. '?' is not known. */
static const char base_map[] = "mmmmbz??mmmmbz??"
                               "mmmmbz??mmmmbz??"
                               "mmmmbz??mmmmbz??"
                               "mmmmbz??mmmmbz??"
                               "????????????????"
                               "................"
                               "???m????zZbM...."
                               "jjjjjjjjjjjjjjjj"
                               "MZ?Mmmmmmmmmmmmm"
                               "..........?....."
                               "oooo....bz......"
                               "bbbbbbbbvvvvvvvv"
                               "MMw.??MZe.w..b?."
                               "mmmm???.mmmmmmmm"
                               "jjjjbbbbrr?j...."
                               "?.??..gG......mm";

static const char map_0f[] = "mmmm?.....?.?m.M"
                             "mmmmmmmmmmmmmmmm"
                             "????????mmmmmmmm"
                             "......?.????????"
                             "mmmmmmmmmmmmmmmm"
                             "mmmmmmmmmmmmmmmm"
                             "mmmmmmmmmmmmmmmm"
                             "MMMMmmm.????mmmm"
                             "rrrrrrrrrrrrrrrr"
                             "mmmmmmmmmmmmmmmm"
                             "...mMm??...mMmmm"
                             "mmmmmmmmmmMmmmmm"
                             "mmMmMMMm........"
                             "mmmmmmmmmmmmmmmm"
                             "mmmmmmmmmmmmmmmm"
                             "mmmmmmmmmmmmmmmm";

static unsigned digit_of(const instruction *i)
{
    return i->modrm >> 3 & 7;
}

static bool has_memory(const instruction *i)
{
    return i->has_modrm && i->modrm < 0xc0;
}

/* With the lock prefix. NULL: it cannot have one. */
static const char *locked_name(const instruction *i)
{
    static const char *const arithmetic[] = {"lock add", "lock or",  "lock adc", "lock sbb",
                                             "lock and", "lock sub", "lock xor", NULL};

    if (i->vector || !has_memory(i))
        return NULL;
    if (i->map == BASE) {
        if (i->opcode < 0x40 && (i->opcode & 6) == 0)
            return arithmetic[i->opcode >> 3];
        switch (i->opcode) {
        case 0x80:
        case 0x81:
        case 0x83:
            return arithmetic[digit_of(i)];
        case 0x86:
        case 0x87:
            return "lock xchg";
        case 0xf6:
        case 0xf7:
            return digit_of(i) == 2 ? "lock not" : digit_of(i) == 3 ? "lock neg" : NULL;
        case 0xfe:
        case 0xff:
            return digit_of(i) == 0 ? "lock inc" : digit_of(i) == 1 ? "lock dec" : NULL;
        default:
            return NULL;
        }
    }
    if (i->map != MAP_0F)
        return NULL;
    switch (i->opcode) {
    case 0xab:
        return "lock bts";
    case 0xb3:
        return "lock btr";
    case 0xbb:
        return "lock btc";
    case 0xba:
        return digit_of(i) == 5   ? "lock bts"
               : digit_of(i) == 6 ? "lock btr"
               : digit_of(i) == 7 ? "lock btc"
                                  : NULL;
    case 0xb0:
    case 0xb1:
        return "lock cmpxchg";
    case 0xc0:
    case 0xc1:
        return "lock xadd";
    case 0xc7:
        return digit_of(i) != 1 ? NULL : i->wide ? "lock cmpxchg16b" : "lock cmpxchg8b";
    default:
        return NULL;
    }
}

const char *weir__instruction_unseen(const instruction *i)
{
    const bool memory = has_memory(i);
    const char *name;

    if (i->lock)
        return locked_name(i);
    if (i->map == BASE) {
        if ((i->opcode == 0x86 || i->opcode == 0x87) && memory)
            return "xchg";
        return i->opcode == 0xcd ? "int" : i->opcode == 0xc7 && i->modrm == 0xf8 ? "xbegin" : NULL;
    }
    if (i->map != MAP_0F)
        return NULL;
    switch (i->opcode) {
    case 0x2b:
    case 0xe7:
        return memory ? "a non-temporal store" : NULL;
    case 0xf7:
        return memory ? NULL : "a non-temporal store";
    default:
        break;
    }
    if (i->vector)
        return NULL;
    switch (i->opcode) {
    case 0x01:
        return i->modrm == 0xd5 && i->repeat == 0 && !i->narrow ? "xend" : NULL;
    case 0x05:
        return "syscall";
    case 0x34:
        return "sysenter";
    case 0xae:
        if (memory || i->repeat != 0 || i->narrow)
            return NULL;
        return digit_of(i) == 5   ? "lfence"
               : digit_of(i) == 6 ? "mfence"
               : digit_of(i) == 7 ? "sfence"
                                  : NULL;
    case 0xc3:
        return memory ? "a non-temporal store" : NULL;
    case 0xb0:
    case 0xb1:
    case 0xc0:
    case 0xc1:
    case 0xc7:
        name = locked_name(i);
        return name == NULL ? NULL : name + sizeof "lock";
    default:
        return NULL;
    }
}

/* Bytes of a ModRM and what it asks for. */
static unsigned operand_length(const unsigned char *at)
{
    const unsigned mode = *at >> 6, base = *at & 7;

    if (mode == 3)
        return 1;
    if (base == 4)
        return 2 + (mode == 1 ? 1U : mode == 2 || (at[1] & 7) == 5 ? 4U : 0U);
    return 1 + (mode == 1 ? 1U : mode == 2 || base == 5 ? 4U : 0U);
}

static char layout_of(const instruction *i, bool evex)
{
    switch (i->map) {
    case BASE:
        return base_map[i->opcode];
    case MAP_0F:
        if (!i->vector)
            return map_0f[i->opcode];
        if (i->opcode == 0x77)
            return '.';
        return (i->opcode >= 0x70 && i->opcode <= 0x73) || map_0f[i->opcode] == 'M' ? 'M' : 'm';
    case MAP_0F3A:
    case XOP_8:
        return 'M';
    case MAP_0F38:
    case XOP_9:
        return 'm';
    case MAP_5:
    case MAP_6:
        return evex ? 'm' : '?';
    case XOP_A:
        return 'Z';
    default:
        return '?';
    }
}

static bool has_any_prefix(const instruction *i)
{
    return i->lock || i->narrow || i->repeat != 0;
}

bool weir__instruction_decode(const unsigned char *at, instruction *i)
{
    const unsigned char *p = at;
    bool far = false, evex = false;
    char layout;

    memset(i, 0, sizeof *i);
    for (;; p++) {
        if (*p == 0x66)
            i->narrow = true;
        else if (*p == 0x67)
            far = true;
        else if (*p == 0xf0)
            i->lock = true;
        else if (*p == 0xf2 || *p == 0xf3)
            i->repeat = *p;
        else if ((*p & 0xe7) != 0x26 && *p != 0x64 && *p != 0x65)
            break;
        if (p - at == 14)
            return false;
    }
    if (*p == 0xc4 || *p == 0xc5 || *p == 0x62 || (*p == 0x8f && (p[1] & 0x1f) >= XOP_8)) {
        if (has_any_prefix(i))
            return false;
        i->vector = true;
        evex = *p == 0x62;
        i->map = *p == 0xc5 ? MAP_0F : evex ? p[1] & 7 : p[1] & 0x1f;
        if (i->map == BASE || (*p == 0xc4 && i->map > MAP_0F3A) || (*p == 0x8f && i->map > XOP_A) ||
            (evex && ((p[1] & 8) != 0 || (p[2] & 4) == 0)))
            return false;
        p += *p == 0xc5 ? 2 : evex ? 4 : 3;
    } else {
        if ((*p & 0xf0) == 0x40) {
            i->wide = (*p & 8) != 0;
            p++;
        }
        if (*p == 0x0f) {
            p++;
            i->map = *p == 0x38 ? MAP_0F38 : *p == 0x3a ? MAP_0F3A : MAP_0F;
            p += i->map != MAP_0F;
        }
    }
    i->opcode = *p++;
    layout = layout_of(i, evex);
    if (layout == 'm' || layout == 'M' || layout == 'Z' || layout == 'g' || layout == 'G') {
        i->has_modrm = true;
        i->modrm = *p;
        p += operand_length(p);
        if (layout == 'g' || layout == 'G')
            layout = digit_of(i) > 1 ? 'm' : layout == 'g' ? 'M' : 'Z';
    }
    switch (layout) {
    case '.':
    case 'm':
        break;
    case 'j':
        i->jumps = true;
        i->distance = (int8_t)*p++;
        break;
    case 'r':
        i->jumps = true;
        memcpy(&i->distance, p, sizeof i->distance);
        p += 4;
        break;
    case 'b':
    case 'M':
        p++;
        break;
    case 'w':
        p += 2;
        break;
    case 'e':
        p += 3;
        break;
    case 'z':
    case 'Z':
        p += i->narrow && !i->wide ? 2 : 4;
        break;
    case 'v':
        p += i->wide ? 8 : i->narrow ? 2 : 4;
        break;
    case 'o':
        p += far ? 4 : 8;
        break;
    default:
        return false;
    }
    i->length = (unsigned)(p - at);
    return i->length <= 15 && (!i->lock || locked_name(i) != NULL);
}
