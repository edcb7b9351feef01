# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# The checks of configure.ac that are longer than a line.

# WEIR_CHECK_C11: the C compiler must know C11 with atomics and GNU's asm.
AC_DEFUN([WEIR_CHECK_C11], [
  AC_CACHE_CHECK([whether $CC knows C11 atomics], [weir_cv_c11],
    [weir_save_CFLAGS=$CFLAGS
     CFLAGS="$CFLAGS -std=c11 -D_GNU_SOURCE -pthread"
     AC_LINK_IFELSE([AC_LANG_PROGRAM(
       [[#include <stdatomic.h>
         #include <pthread.h>
         static _Atomic(long) word;
         static _Alignas(128) char line[128];]],
       [[__asm__ __volatile__("" ::: "memory");
         return (int)atomic_fetch_add_explicit(&word, line[0], memory_order_acq_rel);]])],
       [weir_cv_c11=yes], [weir_cv_c11=no])
     CFLAGS=$weir_save_CFLAGS])
  AS_IF([test "$weir_cv_c11" != yes],
    [AC_MSG_ERROR([weir needs gcc or clang with C11 atomics; $CC is not enough])])
])

# WEIR_CHECK_CXX: weir_cxx=yes if $CXX knows C++17, links, and makes code for the
# same machine as $CC. Only tests and benchmarks need it.
AC_DEFUN([WEIR_CHECK_CXX], [
  AC_ARG_WITH([cxx],
    [AS_HELP_STRING([--without-cxx], [leave out the tests and benchmarks in C++])],
    [], [with_cxx=check])
  weir_cxx=no
  AS_IF([test "$with_cxx" != no],
    [AC_MSG_CHECKING([whether $CXX links C++17 with the objects of $CC])
     AC_LANG_PUSH([C])
     AC_COMPILE_IFELSE([AC_LANG_SOURCE([[int weir_conftest(void); int weir_conftest(void) { return 0; }]])],
       [cp conftest.$ac_objext weir-conftest.$ac_objext])
     AC_LANG_POP([C])
     AC_LANG_PUSH([C++])
     weir_save_CXXFLAGS=$CXXFLAGS
     weir_save_LIBS=$LIBS
     CXXFLAGS="$CXXFLAGS -std=c++17 -pthread"
     LIBS="weir-conftest.$ac_objext $LIBS"
     AC_LINK_IFELSE([AC_LANG_PROGRAM(
       [[#include <atomic>
         #include <string>
         extern "C" int weir_conftest(void);
         static std::atomic<long> word;]],
       [[std::string text("x"); word.fetch_add(weir_conftest()); return (int)text.size() - 1;]])],
       [weir_cxx=yes])
     CXXFLAGS=$weir_save_CXXFLAGS
     LIBS=$weir_save_LIBS
     AC_LANG_POP([C++])
     rm -f weir-conftest.$ac_objext
     AC_MSG_RESULT([$weir_cxx])])
  AS_IF([test "$weir_cxx$with_cxx" = noyes],
    [AC_MSG_ERROR([--with-cxx was given, but there is no usable C++ compiler])])
  AC_SUBST([weir_cxx])
])

# WEIR_CHECK_SANITIZER(LIST, IF-IT-LINKS-AND-RUNS, IF-NOT)
AC_DEFUN([WEIR_CHECK_SANITIZER], [
  AC_MSG_CHECKING([whether $CC links with -fsanitize=$1])
  weir_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -fsanitize=$1"
  AC_RUN_IFELSE([AC_LANG_PROGRAM([], [])], [weir_result=yes], [weir_result=no],
    [AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [weir_result=yes], [weir_result=no])])
  CFLAGS=$weir_save_CFLAGS
  AC_MSG_RESULT([$weir_result])
  AS_IF([test "$weir_result" = yes], [$2], [$3])
])

# WEIR_CHECK_CAPABILITIES: what the target offers; for the summary and the choice
# of tests. The headers find it out for themselves, by the architecture alone.
AC_DEFUN([WEIR_CHECK_CAPABILITIES], [
  # gcc 11 changed the alignment of 64-bit atomics in structs and says so in each file;
  # weir/atomic.h refuses the older one.
  AS_CASE([$host_cpu], [i?86], [WEIR_WARNINGS="$WEIR_WARNINGS -Wno-psabi"])
  weir_save_CPPFLAGS=$CPPFLAGS
  CPPFLAGS="$CPPFLAGS -D_GNU_SOURCE -I$srcdir/include"
  AC_CACHE_CHECK([for an inline double-word compare-and-swap], [weir_cv_dword],
    [AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <weir/atomic.h>
        #ifndef WEIR_HAVE_DWORD_CAS
        #error none
        #endif]], [])], [weir_cv_dword=yes], [weir_cv_dword=no])])
  AM_CONDITIONAL([HAVE_DWORD_CAS], [test "$weir_cv_dword" = yes])
  AC_CACHE_CHECK([for the C library's rseq area], [weir_cv_rseq],
    [AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <sys/rseq.h>]],
        [[return __rseq_size == 0 && __rseq_offset == 0;]])],
        [weir_cv_rseq=yes], [weir_cv_rseq=no])])
  CPPFLAGS=$weir_save_CPPFLAGS
  weir_step=no
  AS_CASE([$host:$enable_sanitize],
    [x86_64-*-linux-gnux32:*], [],
    [x86_64-*-linux*:no], [weir_step=yes])
  AC_SUBST([weir_step])
  # The model checker stands on glibc, and wants a compiler that instruments.
  weir_check=no
  AS_CASE([$host:$enable_sanitize],
    [x86_64-*-linux-gnux32:*], [],
    [x86_64-*-linux-gnu:no], [weir_check=$weir_tsan])
  AC_SUBST([weir_check])
])

# WEIR_CHECK_LIBURING: WEIR_LIBURING and LIBURING_LIBS, empty where it is not there, or not wanted.
AC_DEFUN([WEIR_CHECK_LIBURING], [
  AC_SUBST([WEIR_LIBURING], [])
  AC_SUBST([LIBURING_LIBS], [])
  weir_liburing=no
  AS_IF([test "$with_liburing" != no],
    [AC_MSG_CHECKING([for liburing])
     weir_save_CPPFLAGS=$CPPFLAGS
     weir_save_LIBS=$LIBS
     CPPFLAGS="$CPPFLAGS -D_GNU_SOURCE"
     LIBS="-luring $LIBS"
     AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <liburing.h>]],
       [[struct io_uring ring;
         io_uring_prep_renameat(io_uring_get_sqe(&ring), 0, "", 0, "", 0);
         io_uring_prep_mkdirat(io_uring_get_sqe(&ring), 0, "", 0);
         return io_uring_queue_init(1, &ring, 0) + io_uring_ring_dontfork(&ring);]])],
       [weir_liburing=yes])
     CPPFLAGS=$weir_save_CPPFLAGS
     LIBS=$weir_save_LIBS
     AC_MSG_RESULT([$weir_liburing])])
  AS_IF([test "$weir_liburing" = yes], [WEIR_LIBURING=-DWEIR_LIBURING LIBURING_LIBS=-luring],
    [AS_CASE([$with_liburing], [no|check], [],
       [AC_MSG_ERROR([--with-liburing was given, but liburing was not found])])])
])

# WEIR_CHECK_EMULATOR: EMULATOR runs the programs of a cross build, or is empty;
# weir_runs says whether they run at all.
AC_DEFUN([WEIR_CHECK_EMULATOR], [
  AC_ARG_VAR([EMULATOR], [command that runs the programs of a cross build (default: qemu, if found)])
  weir_runs=yes
  AS_IF([test "$cross_compiling" = yes && test -z "$EMULATOR"],
    [AS_CASE([$host_cpu], [i?86], [weir_qemu=i386], [armv*], [weir_qemu=arm],
       [powerpc64le], [weir_qemu=ppc64le], [weir_qemu=$host_cpu])
     AC_PATH_PROGS([QEMU], [qemu-$weir_qemu qemu-$weir_qemu-static])
     AS_IF([test -n "$QEMU"],
       [weir_root=`$CC -print-sysroot 2>/dev/null`
        AS_CASE([$weir_root], [""|/], [weir_root=/usr/$host_alias])
        EMULATOR="$QEMU -L $weir_root"],
       [weir_runs=no])])
  AC_SUBST([weir_runs])
])

# WEIR_CHECK_HTTP_PARSER: weir_http_parser, HAVE_HTTP_PARSER, HTTP_PARSER_LIBS: of an example.
AC_DEFUN([WEIR_CHECK_HTTP_PARSER], [
  AC_ARG_WITH([http-parser],
    [AS_HELP_STRING([--without-http-parser], [leave out the example doc/examples/http_files])],
    [], [with_http_parser=check])
  weir_http_parser=no
  HTTP_PARSER_LIBS=-lhttp_parser
  AC_SUBST([HTTP_PARSER_LIBS])
  AS_IF([test "$with_http_parser" != no],
    [AC_MSG_CHECKING([for http_parser])
     weir_save_LIBS=$LIBS
     LIBS="$HTTP_PARSER_LIBS $LIBS"
     AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <http_parser.h>]],
       [[http_parser parser; http_parser_init(&parser, HTTP_REQUEST);
         return http_status_str(HTTP_STATUS_OK) == 0;]])], [weir_http_parser=yes])
     LIBS=$weir_save_LIBS
     AC_MSG_RESULT([$weir_http_parser])])
  AS_IF([test "$weir_http_parser$with_http_parser" = noyes],
    [AC_MSG_ERROR([--with-http-parser was given, but it was not found])])
  AC_SUBST([weir_http_parser])
  AM_CONDITIONAL([HAVE_HTTP_PARSER], [test "$weir_http_parser" = yes])
])

# WEIR_PEER(NAME, PACKAGE-DIR-HINT, C or C++, PROLOGUE, BODY, LIBS, FILES-UNDER-BENCH/PEERS)
# One peer of the benchmarks: --with-NAME[=DIR] / --without-NAME. Defines
# NAME_CPPFLAGS, NAME_LIBS and the conditional HAVE_PEER_NAME.
AC_DEFUN([WEIR_PEER], [
  m4_pushdef([UP], [m4_toupper([$1])])
  AC_ARG_WITH([$1],
    [AS_HELP_STRING([--with-$1@<:@=DIR@:>@], [compare with $2 (below DIR) in the benchmarks; default: if found])],
    [], [with_$1=check])
  AC_SUBST(UP[_CPPFLAGS], [])
  AC_SUBST(UP[_LIBS], [])
  weir_peer=no
  AS_IF([test "$with_$1" != no && test "$weir_cxx" = yes],
    [AS_CASE([$with_$1], [yes|check], [],
       [UP[_CPPFLAGS]="-isystem $with_$1/include"
        UP[_LIBS]="-L$with_$1/lib -Wl,-rpath,$with_$1/lib"])
     UP[_LIBS]="$UP[_LIBS] $6"
     AC_MSG_CHECKING([for $2])
     AC_LANG_PUSH([$3])
     weir_save_CPPFLAGS=$CPPFLAGS
     weir_save_CXXFLAGS=$CXXFLAGS
     weir_save_LIBS=$LIBS
     CPPFLAGS="$CPPFLAGS -D_GNU_SOURCE $UP[_CPPFLAGS]"
     CXXFLAGS="$CXXFLAGS -std=c++17"
     LIBS="$UP[_LIBS] -pthread $LIBS"
     AC_LINK_IFELSE([AC_LANG_PROGRAM([[$4]], [[$5]])], [weir_peer=yes])
     CPPFLAGS=$weir_save_CPPFLAGS
     CXXFLAGS=$weir_save_CXXFLAGS
     LIBS=$weir_save_LIBS
     AC_LANG_POP([$3])
     AC_MSG_RESULT([$weir_peer])])
  AS_IF([test "$weir_peer" = yes], [weir_peers_found="$weir_peers_found $1"],
    [weir_peers_absent="$weir_peers_absent $1"
     AS_CASE([$with_$1], [no|check], [],
       [AC_MSG_ERROR([--with-$1 was given, but $2 was not found])])])
  AM_CONDITIONAL([HAVE_PEER_]UP, [test "$weir_peer" = yes])
  m4_popdef([UP])
])

# WEIR_CHECK_BENCHMARKS: nothing here is needed but by `make bench'.
AC_DEFUN([WEIR_CHECK_BENCHMARKS], [
  weir_peers_found=
  weir_peers_absent=
  AC_ARG_WITH([benchmark],
    [AS_HELP_STRING([--without-benchmark], [do not look for Google Benchmark (make bench needs it)])],
    [], [with_benchmark=check])
  AC_SUBST([BENCHMARK_LIBS], [])
  weir_benchmark=no
  AS_IF([test "$with_benchmark" != no && test "$weir_cxx" = yes],
    [AC_MSG_CHECKING([for Google Benchmark])
     AC_LANG_PUSH([C++])
     weir_save_CXXFLAGS=$CXXFLAGS
     weir_save_LIBS=$LIBS
     CXXFLAGS="$CXXFLAGS -std=c++17"
     LIBS="-lbenchmark -pthread $LIBS"
     AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <benchmark/benchmark.h>]],
       [[benchmark::RunSpecifiedBenchmarks();]])], [weir_benchmark=yes])
     CXXFLAGS=$weir_save_CXXFLAGS
     LIBS=$weir_save_LIBS
     AC_LANG_POP([C++])
     AC_MSG_RESULT([$weir_benchmark])])
  AS_IF([test "$weir_benchmark" = yes], [BENCHMARK_LIBS="-lbenchmark"],
    [AS_CASE([$with_benchmark], [no|check], [],
       [AC_MSG_ERROR([--with-benchmark was given, but Google Benchmark was not found])])])
  AM_CONDITIONAL([HAVE_BENCHMARK], [test "$weir_benchmark" = yes])

  WEIR_PEER([ck], [Concurrency Kit], [C], [#include <ck_ring.h>
#include <ck_fifo.h>
#include <ck_epoch.h>
#include <ck_hp.h>],
    [ck_epoch_t epoch; ck_ring_t ring; ck_epoch_init(&epoch); ck_ring_init(&ring, 16);
     return (int)ck_ring_size(&ring);], [-lck])
  WEIR_PEER([urcu], [liburcu], [C], [#include <urcu.h>
#include <urcu/wfcqueue.h>
#include <urcu/rculfqueue.h>],
    [struct cds_wfcq_head head; struct cds_wfcq_tail tail; cds_wfcq_init(&head, &tail);
     rcu_register_thread(); rcu_unregister_thread();], [-lurcu-cds -lurcu -lurcu-mb -lurcu-bp -lurcu-qsbr -lurcu-common])
  WEIR_PEER([moodycamel], [the moodycamel queues], [C++],
    [#if __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>
#elif __has_include(<concurrentqueue/moodycamel/concurrentqueue.h>)
#include <concurrentqueue/moodycamel/concurrentqueue.h>
#elif __has_include(<readerwriterqueue/readerwriterqueue.h>)
#include <readerwriterqueue/readerwriterqueue.h>
#else
#include <readerwriterqueue.h>
#endif], [], [])
  WEIR_PEER([boost], [Boost.Lockfree], [C++],
    [#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>],
    [boost::lockfree::queue<int> queue(16); queue.push(1);], [])
  WEIR_PEER([tbb], [oneTBB], [C++], [#include <tbb/concurrent_queue.h>],
    [tbb::concurrent_bounded_queue<int> queue; queue.try_push(1);], [-ltbb])
  WEIR_PEER([cds], [libcds], [C++], [#include <cds/init.h>
#include <cds/container/vyukov_mpmc_cycle_queue.h>],
    [cds::Initialize(); cds::container::VyukovMPMCCycleQueue<int> queue(16); queue.enqueue(1);
     cds::Terminate();], [-lcds])
  WEIR_PEER([xenium], [xenium], [C++], [#include <cstdint>
#include <memory>
#include <xenium/vyukov_bounded_queue.hpp>],
    [xenium::vyukov_bounded_queue<int> queue(16); return queue.try_push(1) ? 0 : 1;], [])
  WEIR_PEER([atomic_queue], [atomic_queue], [C++], [#include <atomic_queue/atomic_queue.h>],
    [atomic_queue::AtomicQueueB2<int> queue(16); queue.try_push(1);], [])
  WEIR_PEER([fiber], [Boost.Fiber], [C++], [#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/unbuffered_channel.hpp>],
    [boost::fibers::buffered_channel<int> channel(16); channel.push(1);],
    [-lboost_fiber -lboost_context])
  WEIR_PEER([uv], [libuv], [C], [#include <uv.h>],
    [uv_work_t work; return uv_queue_work(uv_default_loop(), &work, 0, 0);], [-luv])
  WEIR_PEER([event], [libevent], [C], [#include <event2/event.h>
#include <event2/thread.h>],
    [evthread_use_pthreads(); return event_base_new() == 0;], [-levent_core -levent_extra -levent_pthreads])
  WEIR_PEER([ev], [libev], [C], [#include <ev.h>],
    [return ev_loop_new(EVFLAG_AUTO) == 0;], [-lev -lm])
  WEIR_PEER([asio], [asio], [C++], [#define ASIO_STANDALONE 1
#include <asio.hpp>],
    [asio::io_context loop(1); asio::thread_pool pool(1); loop.run();], [])
  WEIR_CHECK_RUST
  WEIR_CHECK_RAYON
  WEIR_CHECK_TOKIO
  WEIR_CHECK_GO
  WEIR_CHECK_GOMP
  WEIR_CHECK_OMP
])

# WEIR_FOREIGN_PEER(NAME, TITLE, PROGRAM, TEST): a peer in another language, by its compiler, the
# variable PROGRAM; of use if the shell command TEST succeeds.
AC_DEFUN([WEIR_FOREIGN_PEER], [
  AC_ARG_WITH([$1],
    [AS_HELP_STRING([--without-$1], [do not compare with $2 in the benchmarks])],
    [], [with_$1=check])
  AC_ARG_VAR([$3], [the compiler for $2, a peer of the benchmarks])
  AC_CHECK_PROGS([$3], [m4_tolower([$3])])
  weir_peer=no
  AS_IF([test "$with_$1" != no && test "$cross_compiling" = no && test -n "$$3"],
    [AC_MSG_CHECKING([for $2])
     AS_IF([($4) >&AS_MESSAGE_LOG_FD 2>&1], [weir_peer=yes])
     AC_MSG_RESULT([$weir_peer])])
  AS_IF([test "$weir_peer" = yes], [weir_peers_found="$weir_peers_found $1"],
    [weir_peers_absent="$weir_peers_absent $1"
     AS_CASE([$with_$1], [no|check], [],
       [AC_MSG_ERROR([--with-$1 was given, but $2 was not found])])])
  AM_CONDITIONAL([HAVE_PEER_]m4_toupper([$1]), [test "$weir_peer" = yes])
])

# WEIR_TRY_RUST(PARTS): whether bench/peers/rust.sh can make these.
AC_DEFUN([WEIR_TRY_RUST], [RUSTC=$RUSTC $SHELL "$srcdir/bench/peers/rust.sh" - $1])
AC_DEFUN([WEIR_CHECK_RUST], [WEIR_FOREIGN_PEER([rust], [Rust's crossbeam-channel], [RUSTC],
  [WEIR_TRY_RUST([chan])])])
# Only beside the channels, which tell its version.
AC_DEFUN([WEIR_CHECK_RAYON], [WEIR_FOREIGN_PEER([rayon], [Rust's rayon], [RUSTC],
  [test "$with_rust" != no && WEIR_TRY_RUST([chan pool])])])
AC_DEFUN([WEIR_CHECK_TOKIO], [WEIR_FOREIGN_PEER([tokio], [Rust's tokio], [RUSTC],
  [WEIR_TRY_RUST([loop])])])
# OpenMP, of this compiler and of clang: each brings another library.
AC_DEFUN([WEIR_TRY_OPENMP],
  [printf '#include <omp.h>\nint f(void) { return omp_get_max_threads(); }\n' >conftest.omp.c &&
   $1 -fPIC -shared -o conftest.omp.so conftest.omp.c && rm -f conftest.omp.c conftest.omp.so])
AC_DEFUN([WEIR_CHECK_GOMP], [WEIR_FOREIGN_PEER([gomp], [libgomp], [CC],
  [test "$GCC" = yes && ! $CC --version | grep -q clang && WEIR_TRY_OPENMP([$CC -fopenmp])])])
AC_DEFUN([WEIR_CHECK_OMP], [WEIR_FOREIGN_PEER([omp], [libomp], [CLANG],
  [WEIR_TRY_OPENMP([$CLANG -fopenmp=libomp])])])
AC_DEFUN([WEIR_CHECK_GO], [WEIR_FOREIGN_PEER([go], [Go], [GO], [$GO version])])

# WEIR_SUMMARY: what was found, as the last thing that configure says.
AC_DEFUN([WEIR_SUMMARY], [
  AS_IF([test "$weir_step" = yes], [weir_step_text=yes],
    [weir_step_text="no (x86-64 Linux without sanitizers only)"])
  AS_IF([test "$weir_check" = yes], [weir_check_text=yes],
    [weir_check_text="no (x86-64 Linux with glibc, without sanitizers only)"])
  AS_IF([test "$enable_sanitize" = no], [weir_tsan_text=$weir_tsan], [weir_tsan_text="no (sanitized build)"])
  AS_IF([test "$cross_compiling" = yes],
    [weir_run_text="${EMULATOR:-not found: programs are built and not run}"],
    [weir_run_text="${EMULATOR:-not needed}"])
  AS_IF([test "$weir_benchmark" = yes], [weir_benchmark_text=yes],
    [weir_benchmark_text="no: \`make bench' will not work (libbenchmark-dev)"])
  AS_IF([test "$weir_cxx" = yes], [weir_cxx_text="$CXX $CXXFLAGS"], [weir_cxx_text=none])
  # Not by AC_MSG_NOTICE: --quiet leaves out the checks, not their result.
  cat <<EOT

weir $PACKAGE_VERSION for $host

  installed below          $prefix
  C compiler               $CC $CFLAGS
  C++ compiler             $weir_cxx_text
  warnings are errors      $enable_werror
  libraries                shared: $enable_shared, static: $enable_static, libweir_tsan.a: $weir_tsan_text
  sanitizers in this build $enable_sanitize
  double-word CAS          $weir_cv_dword
  rseq                     $weir_cv_rseq
  io_uring for files       $weir_liburing
  step harness             $weir_step_text
  model checker            $weir_check_text
  emulator                 $weir_run_text
  for make check           python: ${PYTHON:-none}, pkg-config: ${PKG_CONFIG:-none}, cmake: ${CMAKE:-none}, mandoc: ${MANDOC:-none}, http_parser: $weir_http_parser
  Google Benchmark         $weir_benchmark_text
  peers found             ${weir_peers_found:- none}
  peers absent            ${weir_peers_absent:- none}

EOT
])
