#include "gateway/rest/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "gateway/rest/http_connection.h"

namespace rapport::rest {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// Deadlines are looked at this often, or a quarter of the shortest of them: one timer for all
// connections of a thread costs less than one for each.
constexpr absl::Duration kLongestTick = absl::Seconds(1);
// After accept() failed, usually for want of file descriptors.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

// One io_context and the thread that runs it.
struct IoThread {
  std::shared_ptr<asio::io_context> io = std::make_shared<asio::io_context>(1);
  asio::executor_work_guard<asio::io_context::executor_type> work{io->get_executor()};
  // Touched on the thread only.
  std::unordered_set<std::shared_ptr<Connection>> connections;
  std::thread thread;
};

absl::Duration TickOf(const HttpServer::Options& options) {
  absl::Duration shortest = kLongestTick;
  for (const absl::Duration timeout :
       {options.idle_timeout, options.header_timeout, options.body_timeout, options.write_timeout,
        options.linger_timeout}) {
    shortest = std::min(shortest, timeout / 4);
  }
  return std::max(shortest, absl::Milliseconds(1));
}

}  // namespace

struct HttpServer::Impl {
  Impl(Options options, Routes routes, Handler* handler)
      : context(new ServerContext{
            .options = std::move(options), .routes = std::move(routes), .handler = handler}) {}

  absl::Status Listen();
  void StartThreads();
  asio::awaitable<void> Accept();
  void Serve(IoThread& thread, tcp::socket socket);
  asio::awaitable<void> Tick(IoThread& thread);
  void ForEachConnection(void (Connection::*action)());
  void AddOpen(int more);
  void Shutdown(absl::Duration deadline);

  const std::shared_ptr<ServerContext> context;
  std::vector<std::unique_ptr<IoThread>> threads;
  std::unique_ptr<tcp::acceptor> acceptor;
  int port = 0;

  std::mutex mutex;
  std::condition_variable changed;
  bool accepting = true;
  int open = 0;  // connections, refused ones too
  bool shut_down = false;
};

absl::Status HttpServer::Impl::Listen() {
  for (int i = 0; i < std::max(1, context->options.threads); ++i) {
    threads.push_back(std::make_unique<IoThread>());
  }
  error_code error;
  const auto address = asio::ip::make_address(context->options.address, error);
  if (error) {
    return absl::InvalidArgumentError(absl::StrCat("bad address ", context->options.address));
  }
  acceptor = std::make_unique<tcp::acceptor>(*threads[0]->io);
  const tcp::endpoint endpoint(address, static_cast<uint16_t>(context->options.port));
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", context->options.address, ":",
                                               context->options.port, ": ", error.message()));
  }
  port = acceptor->local_endpoint().port();
  return absl::OkStatus();
}

void HttpServer::Impl::StartThreads() {
  asio::co_spawn(*threads[0]->io, Accept(), [this](std::exception_ptr) {
    std::lock_guard lock(mutex);
    accepting = false;
    changed.notify_all();
  });
  for (auto& thread : threads) {
    asio::co_spawn(*thread->io, Tick(*thread), asio::detached);
    thread->thread = std::thread([io = thread->io] { io->run(); });
  }
}

asio::awaitable<void> HttpServer::Impl::Accept() {
  asio::steady_timer pause(*threads[0]->io);
  for (size_t next = 0; acceptor->is_open(); next = (next + 1) % threads.size()) {
    IoThread& thread = *threads[next];
    auto [error, socket] = co_await acceptor->async_accept(*thread.io, kAwait);
    if (!error) {
      AddOpen(1);
      asio::post(*thread.io, [this, &thread, taken = std::move(socket)]() mutable {
        Serve(thread, std::move(taken));
      });
    } else if (acceptor->is_open()) {
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(kAwait);
    }
  }
}

void HttpServer::Impl::Serve(IoThread& thread, tcp::socket socket) {
  const bool refused = ++context->connections > context->options.max_connections;
  if (refused) {
    --context->connections;
    if (context->refusals >= kMaxRefusals) return AddOpen(-1);
    ++context->refusals;
  }
  auto connection = std::make_shared<Connection>(std::move(socket), thread.io, context);
  thread.connections.insert(connection);
  asio::co_spawn(*thread.io, refused ? connection->Refuse() : connection->Run(),
                 [this, &thread, connection, refused](std::exception_ptr) {
                   connection->Close();
                   thread.connections.erase(connection);
                   --(refused ? context->refusals : context->connections);
                   AddOpen(-1);
                 });
}

asio::awaitable<void> HttpServer::Impl::Tick(IoThread& thread) {
  asio::steady_timer timer(*thread.io);
  const auto tick = absl::ToChronoNanoseconds(TickOf(context->options));
  for (;;) {
    timer.expires_after(tick);
    co_await timer.async_wait(kAwait);
    const auto now = Connection::Clock::now();
    for (const auto& connection : thread.connections) connection->CheckDeadline(now);
  }
}

void HttpServer::Impl::ForEachConnection(void (Connection::*action)()) {
  for (auto& thread : threads) {
    asio::post(*thread->io, [&thread = *thread, action] {
      for (const auto& connection : thread.connections) ((*connection).*action)();
    });
  }
}

void HttpServer::Impl::AddOpen(int more) {
  std::lock_guard lock(mutex);
  open += more;
  changed.notify_all();
}

// Whoever calls later must be refused at once: a connection that nobody takes is an answer waited
// for until the process ends.
void HttpServer::Impl::Shutdown(absl::Duration deadline) {
  std::unique_lock lock(mutex);
  if (std::exchange(shut_down, true)) return;
  context->closing = true;
  asio::post(*threads[0]->io, [this] {
    error_code ignored;
    acceptor->close(ignored);
    ForEachConnection(&Connection::CloseIfIdle);
  });
  changed.wait(lock, [this] { return !accepting; });
  const auto until = DeadlineAfter(deadline);
  changed.wait_until(lock, until, [this] { return open == 0; });
  lock.unlock();
  for (auto& thread : threads) thread->io->stop();
  for (auto& thread : threads) thread->thread.join();
  for (auto& thread : threads) {
    for (const auto& connection : thread->connections) connection->Close();
  }
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  Shutdown(absl::ZeroDuration());
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(Options options, Routes routes,
                                                              Handler* handler) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(routes), handler);
  if (const absl::Status status = impl->Listen(); !status.ok()) return status;
  impl->StartThreads();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

int HttpServer::port() const {
  return impl_->port;
}
int HttpServer::connections() const {
  return impl_->context->connections;
}
void HttpServer::Shutdown(absl::Duration deadline) {
  impl_->Shutdown(deadline);
}

}  // namespace rapport::rest
