/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What is told of a file goes to a weir_file_info, which a struct stat of the C library is not.
 * expect: incompatible */

#include <weir/file.h>

#include <fcntl.h>
#include <sys/stat.h>

void misuse(weir_file_op *op, struct stat *other, weir_file_info *info);

void misuse(weir_file_op *op, struct stat *other, weir_file_info *info)
{
#ifdef MISUSE
    (void)info;
    weir_file_stat(op, 0, "", 0, other);
#else
    (void)other;
    weir_file_stat(op, 0, "", 0, info);
#endif
}
