/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/instruction.h: how long an instruction is, and whether it synchronizes. Private. */

#ifndef WEIR_LIB_CHECK_INSTRUCTION_H
#define WEIR_LIB_CHECK_INSTRUCTION_H

#include "inside.h"

/* Numbers of opcode maps, as in the prefixes VEX and XOP. */
enum { BASE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_5 = 5, MAP_6, XOP_8 = 8, XOP_9, XOP_A };

typedef struct instruction {
    unsigned length;
    uint8_t map, opcode, modrm;
    uint8_t repeat; /* F2, F3 or 0 */
    bool vector;    /* VEX, EVEX or XOP */
    bool lock, narrow, wide;
    bool has_modrm, jumps; /* or calls */
    int32_t distance;      /* of a jump, from the next instruction */
} instruction;

/* Of x86-64, by its length alone: operands are not looked at but for the distance of a jump.
 * Returns: false if that is no instruction that is known. Reads 32 bytes at most. */
bool weir__instruction_decode(const unsigned char *at, instruction *i);

/* The name of an instruction that the checker would have to see; else NULL. */
const char *weir__instruction_unseen(const instruction *i);

#endif /* WEIR_LIB_CHECK_INSTRUCTION_H */
