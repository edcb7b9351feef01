/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/loop_asio.cc: asio, as it stands alone. Its connections are those of its own example:
 * a shared object with a buffer of 1024 bytes. */

#define ASIO_STANDALONE 1
#include <asio.hpp>

#include "../loop.h"

#include <deque>
#include <memory>

namespace
{

using asio::ip::tcp;

asio::io_context *loop;
asio::thread_pool *pool;
unsigned pool_workers;

bool open(unsigned workers)
{
    loop = new asio::io_context(1); // run by one thread
    new asio::executor_work_guard<asio::io_context::executor_type>(loop->get_executor());
    pool_workers = workers;
    return true;
}

void run()
{
    loop->run();
}

void stop()
{
    loop->stop();
}

void post(loop_post *it)
{
    asio::post(*loop, [it] { it->run(it); });
}

/* ---- timers ---- */

std::deque<asio::steady_timer> *timers;

void make_timers(size_t n)
{
    timers = new std::deque<asio::steady_timer>;
    for (size_t i = 0; i < n; i++)
        timers->emplace_back(*loop);
}

/* What was waited for ends with an error, each by a call of its handler. */
void insert(const uint64_t *after_ns, size_t n)
{
    const auto now = asio::steady_timer::clock_type::now();

    for (size_t i = 0; i < n; i++) {
        asio::steady_timer &timer = (*timers)[i];

        timer.expires_at(now + std::chrono::nanoseconds(after_ns[i]));
        timer.async_wait([](const asio::error_code &error) {
            if (!error)
                bench_loop_fired();
        });
    }
}

void cancel(size_t n)
{
    for (size_t i = 0; i < n; i++)
        (*timers)[i].cancel();
}

/* ---- fds ---- */

std::deque<asio::posix::stream_descriptor> watched;

void watch(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int fd = fds[i];

        watched.emplace_back(*loop, fd);
        watched.back().async_wait(asio::posix::stream_descriptor::wait_read,
                                  [fd](const asio::error_code &error) {
                                      if (!error)
                                          bench_loop_readable(fd);
                                  });
    }
}

void unwatch(size_t)
{
    for (auto &one : watched)
        one.release();
    watched.clear();
}

/* ---- a server ---- */

class session : public std::enable_shared_from_this<session>
{
  public:
    explicit session(tcp::socket accepted) : socket(std::move(accepted))
    {
        socket.set_option(tcp::no_delay(true));
    }

    void read()
    {
        auto self(shared_from_this());

        socket.async_read_some(asio::buffer(data), [this, self](asio::error_code error, size_t n) {
            if (!error)
                write(n);
        });
    }

  private:
    void write(size_t n)
    {
        auto self(shared_from_this());

        asio::async_write(socket, asio::buffer(data, n),
                          [this, self](asio::error_code error, size_t) {
                              if (!error)
                                  read();
                          });
    }

    tcp::socket socket;
    char data[LOOP_BUFFER];
};

tcp::acceptor *acceptor;

void accept()
{
    acceptor->async_accept([](asio::error_code error, tcp::socket socket) {
        if (!error)
            std::make_shared<session>(std::move(socket))->read();
        accept();
    });
}

bool serve(int listener)
{
    acceptor = new tcp::acceptor(*loop, tcp::v4(), listener);
    accept();
    return true;
}

/* ---- offload ---- */

void offload(loop_work *work)
{
    if (pool == nullptr)
        pool = new asio::thread_pool(pool_workers);
    asio::post(*pool, [work] {
        work->work(work);
        asio::post(*loop, [work] { work->done(work); });
    });
}

const loop_face asio_face = {sizeof(loop_post),
                             sizeof(loop_work),
                             open,
                             run,
                             stop,
                             post,
                             make_timers,
                             insert,
                             cancel,
                             insert,
                             watch,
                             unwatch,
                             serve,
                             offload};

const loop_face *asio_loop()
{
    return &asio_face;
}

BENCH_LOOP_CASES(asio_loop)

BENCH_REGISTER(add_asio)
{
    static const bench_peer peer = {
        "asio",
        BENCH_LOCK,
        BENCH_FIFO,
        false,
        0,
        "standalone; post; steady_timer; shared sessions with a buffer of 1024; thread_pool"};

    bench_loop_add(&peer, asio_loop_cases, LOOP_ALL);
}

} // namespace
