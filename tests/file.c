/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/file.h: each operation, what it says of bad luck, and many of them. Cancels and pools
 * are in tests/file_cancel.c, forks and ends in tests/file_ends.c. Behaviours that libuv's tests of
 * files check are among these. */

#include "file.h"

#include <sys/resource.h>

/* ---- bytes ---- */

static void it_writes_and_reads_back(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    char data[100], back[200];
    act a;
    int fd;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = byte_at(i);
    make_act(&a, &p);
    CHECK(!weir_loop_alive(p.loop));
    fd = DO(&a, weir_file_open(&a.op, p.dir, "a", O_RDWR | O_CREAT | O_EXCL, 0640));
    CHECK(fd >= 0);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, fd, back, sizeof back, 0)), 0); /* the end */
    CHECK_EQ(DO(&a, weir_file_write(&a.op, fd, data, sizeof data, 0)), (int)sizeof data);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, fd, back, 60, 0)), 60);
    check_bytes(back, 60, 0);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, fd, back, sizeof back, 40)), 60); /* fewer */
    check_bytes(back, 60, 40);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, fd, back, sizeof back, 100)), 0);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, fd, back, 0, 0)), 0);
    CHECK_EQ(DO(&a, weir_file_close(&a.op, fd)), 0);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, fd, back, 1, 0)), -EBADF);
    CHECK_EQ(DO(&a, weir_file_unlink(&a.op, p.dir, "a", 0)), 0);
    close_place(&p);
}
IN_BOTH(it_writes_and_reads_back);

static void parts_are_one_after_the_other(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    char data[30], back[30];
    struct iovec parts[3] = {{data, 7}, {data + 7, 0}, {data + 7, 23}};
    const int fd = make_file(&p, "a", 0);
    act a;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = byte_at(i + 5);
    make_act(&a, &p);
    CHECK_EQ(DO(&a, weir_file_write_parts(&a.op, fd, parts, 3, 5)), 30);
    parts[0].iov_base = back;
    parts[2].iov_base = back + 7;
    memset(back, 0, sizeof back);
    CHECK_EQ(DO(&a, weir_file_read_parts(&a.op, fd, parts, 3, 5)), 30);
    check_bytes(back, 30, 5);
    CHECK_EQ(DO(&a, weir_file_read_parts(&a.op, fd, parts, 3, 15)), 20);
    check_bytes(back, 20, 15);
    CHECK_EQ(DO(&a, weir_file_read_parts(&a.op, fd, parts, 0, 0)), 0);
    CHECK_EQ(DO(&a, weir_file_read_parts(&a.op, fd, parts, 100000, 0)), -EINVAL);
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(parts_are_one_after_the_other);

static void here_is_where_the_file_stands(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    char back[16];
    struct iovec part = {back, 6};
    const int fd = make_file(&p, "a", 20);
    act a;

    make_act(&a, &p);
    CHECK(lseek(fd, 2, SEEK_SET) == 2);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, fd, back, 5, WEIR_FILE_HERE)), 5);
    check_bytes(back, 5, 2);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, fd, back, 5, 10)), 5); /* which does not move it */
    CHECK_EQ(DO(&a, weir_file_read_parts(&a.op, fd, &part, 1, WEIR_FILE_HERE)), 6);
    check_bytes(back, 6, 7);
    CHECK_EQ(DO(&a, weir_file_write(&a.op, fd, "xy", 2, WEIR_FILE_HERE)), 2);
    part.iov_len = 1;
    CHECK_EQ(DO(&a, weir_file_write_parts(&a.op, fd, &part, 1, WEIR_FILE_HERE)), 1);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 16);
    CHECK_EQ(pread(fd, back, 3, 13), 3);
    CHECK(back[0] == 'x' && back[1] == 'y' && back[2] == byte_at(7));
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(here_is_where_the_file_stands);

/* As read(2): the rest is another operation's. */
static void more_than_two_gigabytes_are_cut(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    const int fd = make_file(&p, "a", 3);
    static char back[3];
    act a;

    make_act(&a, &p);
    /* Else there is no room for so many, or the emulator looks for it. */
    if (sizeof(size_t) == 8 && !test_emulated()) {
        CHECK_EQ(DO(&a, weir_file_read(&a.op, fd, back, SIZE_MAX ^ UINT32_MAX, 0)), 3);
        check_bytes(back, 3, 0);
    }
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(more_than_two_gigabytes_are_cut);

static void appending_ignores_the_offset(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    const int before = make_file(&p, "a", 10);
    char back[4] = "";
    act a;
    int fd;

    make_act(&a, &p);
    fd = DO(&a, weir_file_open(&a.op, p.dir, "a", O_RDWR | O_APPEND, 0));
    CHECK(fd >= 0);
    CHECK_EQ(DO(&a, weir_file_write(&a.op, fd, "abc", 3, 0)), 3);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, fd, back, 4, 10)), 3);
    CHECK(memcmp(back, "abc", 3) == 0);
    CHECK_EQ(DO(&a, weir_file_close(&a.op, fd)), 0);
    remove_file(&p, "a", before);
    close_place(&p);
}
IN_BOTH(appending_ignores_the_offset);

static void offsets_are_of_64_bits(weir_files_backend backend)
{
    const int64_t far = INT64_C(5) << 30;
    place p = open_place(backend, 0, NULL);
    const int fd = make_file(&p, "a", 1);
    weir_file_info info;
    char back[2] = "";
    act a;

    make_act(&a, &p);
    CHECK_EQ(DO(&a, weir_file_write(&a.op, fd, "z", 1, far)), 1);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, fd, back, 2, far)), 1);
    CHECK_EQ(back[0], 'z');
    CHECK_EQ(DO(&a, weir_file_stat(&a.op, fd, "", AT_EMPTY_PATH, &info)), 0);
    CHECK_EQ(info.bytes, far + 1);
    CHECK_EQ(DO(&a, weir_file_truncate(&a.op, fd, far - 1)), 0);
    CHECK_EQ(DO(&a, weir_file_allocate(&a.op, fd, 0, far, 10)), 0);
    CHECK_EQ(DO(&a, weir_file_stat(&a.op, fd, "", AT_EMPTY_PATH, &info)), 0);
    CHECK_EQ(info.bytes, far + 10);
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(offsets_are_of_64_bits);

/* ---- files ---- */

static void a_file_grows_and_shrinks_and_is_synced(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    const int fd = make_file(&p, "a", 10);
    weir_file_info info;
    act a;

    make_act(&a, &p);
    CHECK_EQ(DO(&a, weir_file_allocate(&a.op, fd, 0, 0, 5000)), 0);
    CHECK_EQ(DO(&a, weir_file_stat(&a.op, p.dir, "a", 0, &info)), 0);
    CHECK(info.bytes == 5000 && info.blocks != 0);
    CHECK_EQ(DO(&a, weir_file_truncate(&a.op, fd, 4)), 0);
    CHECK_EQ(DO(&a, weir_file_stat(&a.op, p.dir, "a", 0, &info)), 0);
    CHECK_EQ(info.bytes, 4);
    CHECK_EQ(DO(&a, weir_file_truncate(&a.op, fd, -1)), -EINVAL);
    CHECK_EQ(DO(&a, weir_file_sync_data(&a.op, fd)), 0);
    CHECK_EQ(DO(&a, weir_file_sync(&a.op, fd)), 0);
    CHECK_EQ(DO(&a, weir_file_sync(&a.op, p.dir)), 0);
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(a_file_grows_and_shrinks_and_is_synced);

static void it_tells_what_the_system_tells(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    const int fd = make_file(&p, "a", 77);
    weir_file_info info;
    struct stat want;
    act a;

    make_act(&a, &p);
    CHECK(linkat(p.dir, "a", p.dir, "b", 0) == 0 && symlinkat("a", p.dir, "c") == 0);
    CHECK(fchmod(fd, 0604) == 0 && fstat(fd, &want) == 0);
    memset(&info, 0, sizeof info);
    CHECK_EQ(DO(&a, weir_file_stat(&a.op, p.dir, "c", 0, &info)), 0);
    CHECK_EQ(info.bytes, 77);
    CHECK_EQ(info.mode, S_IFREG | 0604);
    CHECK_EQ(info.inode, want.st_ino);
    CHECK_EQ(info.links, 2);
    CHECK_EQ(info.owner, want.st_uid);
    CHECK_EQ(info.group, want.st_gid);
    CHECK_EQ(info.block_bytes, want.st_blksize);
    CHECK_EQ(info.blocks, want.st_blocks);
    CHECK_EQ(info.modified.sec, want.st_mtim.tv_sec);
    CHECK_EQ(info.modified.ns, want.st_mtim.tv_nsec);
    CHECK_EQ(info.changed.sec, want.st_ctim.tv_sec);
    CHECK_EQ(info.changed.ns, want.st_ctim.tv_nsec);
    CHECK_EQ(info.accessed.sec, want.st_atim.tv_sec);
    CHECK_EQ(info.known & 0x7ff, 0x7ff);
    CHECK_EQ(DO(&a, weir_file_stat(&a.op, p.dir, "c", AT_SYMLINK_NOFOLLOW, &info)), 0);
    CHECK(S_ISLNK(info.mode));
    CHECK_EQ(DO(&a, weir_file_stat(&a.op, fd, "", AT_EMPTY_PATH, &info)), 0);
    CHECK_EQ(info.inode, want.st_ino);
    CHECK(stat("/dev/null", &want) == 0);
    CHECK_EQ(DO(&a, weir_file_stat(&a.op, AT_FDCWD, "/dev/null", 0, &info)), 0);
    CHECK(S_ISCHR(info.mode) && info.is_major == 1 && info.is_minor == 3);
    CHECK_EQ(info.inode, want.st_ino);
    CHECK(unlinkat(p.dir, "b", 0) == 0 && unlinkat(p.dir, "c", 0) == 0);
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(it_tells_what_the_system_tells);

static void names_are_made_changed_and_removed(weir_files_backend backend)
{
    enum { NOREPLACE = 1 }; /* RENAME_NOREPLACE, which some C libraries do not say */
    place p = open_place(backend, 0, NULL);
    int fd = make_file(&p, "a", 3);
    weir_file_info info;
    act a;

    make_act(&a, &p);
    CHECK_EQ(DO(&a, weir_file_make_dir(&a.op, p.dir, "d", 0700)), 0);
    CHECK_EQ(DO(&a, weir_file_make_dir(&a.op, p.dir, "d", 0700)), -EEXIST);
    CHECK_EQ(DO(&a, weir_file_stat(&a.op, p.dir, "d", 0, &info)), 0);
    CHECK_EQ(info.mode, S_IFDIR | 0700);
    CHECK_EQ(DO(&a, weir_file_rename(&a.op, p.dir, "a", p.dir, "d/b", 0)), 0);
    CHECK_EQ(DO(&a, weir_file_stat(&a.op, p.dir, "a", 0, &info)), -ENOENT);
    CHECK_EQ(DO(&a, weir_file_rename(&a.op, p.dir, "a", p.dir, "b", 0)), -ENOENT);
    CHECK(close(fd) == 0);
    fd = make_file(&p, "e", 1);
    CHECK_EQ(DO(&a, weir_file_rename(&a.op, p.dir, "e", p.dir, "d/b", NOREPLACE)), -EEXIST);
    CHECK_EQ(DO(&a, weir_file_rename(&a.op, p.dir, "e", p.dir, "d/b", 0)), 0);
    CHECK_EQ(DO(&a, weir_file_unlink(&a.op, p.dir, "d", AT_REMOVEDIR)), -ENOTEMPTY);
    CHECK_EQ(DO(&a, weir_file_unlink(&a.op, p.dir, "d", 0)), -EISDIR);
    CHECK_EQ(DO(&a, weir_file_unlink(&a.op, p.dir, "d/b", AT_REMOVEDIR)), -ENOTDIR);
    CHECK_EQ(DO(&a, weir_file_unlink(&a.op, p.dir, "d/b", 0)), 0);
    CHECK_EQ(DO(&a, weir_file_unlink(&a.op, p.dir, "d/b", 0)), -ENOENT);
    CHECK_EQ(DO(&a, weir_file_unlink(&a.op, p.dir, "d", AT_REMOVEDIR)), 0);
    CHECK(close(fd) == 0);
    close_place(&p);
}
IN_BOTH(names_are_made_changed_and_removed);

/* ---- bad luck ---- */

static void what_goes_wrong_is_told(weir_files_backend backend)
{
    place p = open_place(backend, 0, NULL);
    const int fd = make_file(&p, "a", 3), full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    char data[64] = "", longest[5000];
    act a;

    make_act(&a, &p);
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    CHECK_EQ(DO(&a, weir_file_open(&a.op, p.dir, "none", O_RDONLY, 0)), -ENOENT);
    CHECK_EQ(DO(&a, weir_file_open(&a.op, p.dir, "", O_RDONLY, 0)), -ENOENT);
    CHECK_EQ(DO(&a, weir_file_open(&a.op, p.dir, "a/b", O_RDONLY, 0)), -ENOTDIR);
    CHECK_EQ(DO(&a, weir_file_open(&a.op, fd, "b", O_RDONLY, 0)), -ENOTDIR);
    CHECK_EQ(DO(&a, weir_file_open(&a.op, p.dir, "a", O_RDWR | O_CREAT | O_EXCL, 0600)), -EEXIST);
    CHECK_EQ(DO(&a, weir_file_open(&a.op, AT_FDCWD, p.path, O_WRONLY, 0)), -EISDIR);
    CHECK_EQ(DO(&a, weir_file_open(&a.op, p.dir, longest, O_RDONLY, 0)), -ENAMETOOLONG);
    CHECK_EQ(DO(&a, weir_file_open(&a.op, -1, "a", O_RDONLY, 0)), -EBADF);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, p.dir, data, sizeof data, 0)), -EISDIR);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, -1, data, sizeof data, 0)), -EBADF);
    CHECK_EQ(DO(&a, weir_file_read(&a.op, fd, data, sizeof data, -2)), -EINVAL);
    CHECK_EQ(DO(&a, weir_file_write(&a.op, p.dir, data, sizeof data, 0)), -EBADF);
    CHECK_EQ(DO(&a, weir_file_write(&a.op, full, data, sizeof data, 0)), -ENOSPC);
    CHECK_EQ(DO(&a, weir_file_sync(&a.op, -1)), -EBADF);
    CHECK_EQ(DO(&a, weir_file_sync_data(&a.op, -1)), -EBADF);
    CHECK_EQ(DO(&a, weir_file_close(&a.op, -1)), -EBADF);
    CHECK_EQ(DO(&a, weir_file_allocate(&a.op, fd, 0, 0, 0)), -EINVAL);
    CHECK_EQ(DO(&a, weir_file_stat(&a.op, p.dir, "none", 0, NULL)), -ENOENT);
    CHECK(symlinkat("l", p.dir, "l") == 0);
    CHECK_EQ(DO(&a, weir_file_open(&a.op, p.dir, "l", O_RDONLY, 0)), -ELOOP);
    CHECK(unlinkat(p.dir, "l", 0) == 0);
    CHECK(close(full) == 0);
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(what_goes_wrong_is_told);

/* In a child, which has a limit of its own. */
static void a_write_up_to_a_limit_is_short(weir_files_backend backend)
{
    const pid_t child = process_split();

    if (child == 0) {
        const struct rlimit bytes = {1000, 1000};
        place p = open_place(backend, 0, NULL);
        const int fd = make_file(&p, "a", 0);
        char data[600] = "";
        act a;

        signal(SIGXFSZ, SIG_IGN);
        CHECK(setrlimit(RLIMIT_FSIZE, &bytes) == 0);
        make_act(&a, &p);
        CHECK_EQ(DO(&a, weir_file_write(&a.op, fd, data, 600, 0)), 600);
        CHECK_EQ(DO(&a, weir_file_write(&a.op, fd, data, 600, 600)), 400);
        CHECK_EQ(DO(&a, weir_file_write(&a.op, fd, data, 600, 1000)), -EFBIG);
        CHECK_EQ(DO(&a, weir_file_truncate(&a.op, fd, 2000)), -EFBIG);
        remove_file(&p, "a", fd);
        close_place(&p);
        process_end();
    }
    process_await(child);
}
IN_BOTH(a_write_up_to_a_limit_is_short);

/* ---- many ---- */

enum { MANY = 1000 };

static void more_than_the_limit_wait_in_their_records(weir_files_backend backend)
{
    place p = open_place(backend, 4, NULL);
    const int fd = make_file(&p, "a", MANY + 1);
    static act many[MANY];
    static char back[MANY][2];

    for (size_t i = 0; i < MANY; i++) {
        make_act(&many[i], &p);
        QUIET(weir_file_read(&many[i].op, fd, back[i], 2, (int64_t)i));
    }
    CHECK(weir_files_queued(p.files) >= MANY - 4);
    CHECK_EQ(weir_files_free(p.files), -EBUSY);
    run_to_the_end(p.loop);
    CHECK_EQ(weir_files_queued(p.files), 0);
    for (size_t i = 0; i < MANY; i++) {
        CHECK_EQ(many[i].calls, 1);
        CHECK_EQ(many[i].result, 2);
        check_bytes(back[i], 2, i);
    }
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(more_than_the_limit_wait_in_their_records);

/* With one at a time the queue's order is seen. */
static void they_begin_in_the_order_of_their_submits(weir_files_backend backend)
{
    place p = open_place(backend, 1, NULL);
    const int fd = make_file(&p, "a", 10);
    char back[10];
    act a[10];

    for (int i = 0; i < 10; i++) {
        make_act(&a[i], &p);
        a[i].letter = (char)('a' + i);
        if (i % 3 == 2) /* by a thread, in any case */
            QUIET(weir_file_truncate(&a[i].op, fd, 10));
        else
            QUIET(weir_file_read(&a[i].op, fd, back, 10, 0));
    }
    run_to_the_end(p.loop);
    CHECK_SAID("abcdefghij");
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(they_begin_in_the_order_of_their_submits);

static unsigned rounds;
static int again_fd;

static void read_again(act *a)
{
    if (++rounds % 200 != 0)
        QUIET(weir_file_read(&a->op, again_fd, a->back, 1, 0));
}

static void a_record_may_be_submitted_again_in_done(weir_files_backend backend)
{
    place p = open_place(backend, 2, NULL);
    act a[8];

    again_fd = make_file(&p, "a", 1);
    rounds = 0;
    for (int i = 0; i < 8; i++) {
        make_act(&a[i], &p);
        a[i].then = read_again;
    }
    for (int i = 0; i < 8; i++)
        QUIET(weir_file_read(&a[i].op, again_fd, a[i].back, 1, 0));
    while (weir_loop_alive(p.loop)) /* as many as go on when others have stopped */
        run_to_the_end(p.loop);
    CHECK(rounds >= 200);
    for (int i = 0; i < 8; i++)
        CHECK(a[i].calls >= 1 && a[i].result == 1);
    remove_file(&p, "a", again_fd);
    close_place(&p);
}
IN_BOTH(a_record_may_be_submitted_again_in_done);

static unsigned freed;

static void free_act(act *a)
{
    memset(a, 0xa5, sizeof *a);
    free(a);
    freed++;
}

static void a_record_may_be_freed_in_done(weir_files_backend backend)
{
    place p = open_place(backend, 3, NULL);
    const int fd = make_file(&p, "a", 1);

    freed = 0;
    for (int i = 0; i < 200; i++) {
        act *const a = malloc(sizeof *a);

        CHECK(a != NULL);
        make_act(a, &p);
        a->then = free_act;
        weir_file_read(&a->op, fd, a->back, 1, i % 2);
        if (i % 7 == 0)
            (void)weir_file_cancel(&a->op);
    }
    run_to_the_end(p.loop);
    CHECK_EQ(freed, 200);
    remove_file(&p, "a", fd);
    close_place(&p);
}
IN_BOTH(a_record_may_be_freed_in_done);

int main(void)
{
    return TEST_RUN(
        "file", BOTH(it_writes_and_reads_back), BOTH(parts_are_one_after_the_other),
        BOTH(here_is_where_the_file_stands), BOTH(more_than_two_gigabytes_are_cut),
        BOTH(appending_ignores_the_offset), BOTH(offsets_are_of_64_bits),
        BOTH(a_file_grows_and_shrinks_and_is_synced), BOTH(it_tells_what_the_system_tells),
        BOTH(names_are_made_changed_and_removed), BOTH(what_goes_wrong_is_told),
        BOTH(a_write_up_to_a_limit_is_short), BOTH(more_than_the_limit_wait_in_their_records),
        BOTH(they_begin_in_the_order_of_their_submits),
        BOTH(a_record_may_be_submitted_again_in_done), BOTH(a_record_may_be_freed_in_done));
}
