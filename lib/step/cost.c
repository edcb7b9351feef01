/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What an instruction costs beside its time: read from its first bytes, as in Intel's
 * "Software Developer's Manual", volume 2, chapter 2. Not a disassembler: it knows prefixes and
 * the few opcodes that count. */

#include "inside.h"

#ifdef WEIR__STEP_WORKS

#include <stdlib.h>

typedef struct instruction {
    bool locked, repeated, wide, high; /* prefixes f0; f2 or f3; 66; REX.B */
    const unsigned char *opcode;
} instruction;

static instruction read_prefixes(uintptr_t pc)
{
    instruction i = {false, false, false, false, (const unsigned char *)pc};

    for (;; i.opcode++) {
        switch (*i.opcode) {
        case 0xf0:
            i.locked = true;
            break;
        case 0xf2:
        case 0xf3:
            i.repeated = true;
            break;
        case 0x66:
            i.wide = true;
            break;
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
        case 0x67:
            break;
        default:
            if ((*i.opcode & 0xf0) == 0x40) /* REX, the last of them */
                i.high = (*i.opcode++ & 1) != 0;
            return i;
        }
    }
}

/* `lock or $0` or `lock add $0` of the word that the stack pointer points to, or near: how
 * compilers make a fence. With REX.B the register is r12, and with an index or a number it is
 * somebody's word. */
static bool is_fence(const instruction *i)
{
    const unsigned char *const o = i->opcode;
    const unsigned mode = o[1] >> 6; /* bytes of the displacement: 0, 1, 4 */

    return o[0] == 0x83 && (o[1] & 0x37) == 0x04 && mode < 3 && o[2] == 0x24 && !i->high &&
           o[3 + (mode == 2 ? 4 : mode)] == 0;
}

static bool is_one_of(uintptr_t pc, const uintptr_t *functions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (functions[i] == pc)
            return true;
    return false;
}

void weir__step_add_cost(weir_step_cost *cost, uintptr_t pc)
{
    const uintptr_t allocate[] = {(uintptr_t)malloc, (uintptr_t)calloc, (uintptr_t)realloc,
                                  (uintptr_t)aligned_alloc, (uintptr_t)posix_memalign};
    const uintptr_t release[] = {(uintptr_t)free};
    const instruction i = read_prefixes(pc);
    const unsigned char *const o = i.opcode;
    const bool two = o[0] == 0x0f;

    cost->instructions++;
    cost->allocations += is_one_of(pc, allocate, sizeof allocate / sizeof allocate[0]);
    cost->frees += is_one_of(pc, release, 1);
    if (i.locked && is_fence(&i))
        cost->fences++;
    else if (i.locked || ((o[0] == 0x86 || o[0] == 0x87) && o[1] < 0xc0))
        cost->rmws++;
    else if (two && o[1] == 0xae && o[2] >= 0xe8 && !i.repeated && !i.wide)
        cost->fences++;
    else if (two && o[1] == 0x05)
        cost->system_calls++;
}

#else

/* A translation unit is not empty. */
typedef int weir__step_no_cost;

#endif
