// GETs over HTTP/1.1 with connections that are kept: each sends its next request when it has its
// answer. Reads no more of an answer than its length, so that little of the machine goes to it.
//   bench_http --http 127.0.0.1:8080 --path /v1/customers/bench-{}/view --customers 2000
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"

namespace {

using Clock = std::chrono::steady_clock;
// Spreads consecutive calls over customers, as rapportctl bench does.
constexpr uint64_t kStride = 2'654'435'761;
constexpr size_t kReadBytes = size_t{64} << 10;
constexpr int kWaitMs = 10'000;

struct Flags {
  std::string http = "127.0.0.1:8080";
  std::string path;
  uint64_t customers = 1;
  int connections = 64;
  int threads = 2;
  double seconds = 5;
  double warm_up_seconds = 0.5;
};

struct Connection {
  int socket = -1;
  Clock::time_point sent;
  std::string answer;  // what came of it so far
};

struct Counts {
  std::vector<int64_t> latencies_ns;
  int64_t warm_up_calls = 0;
  int64_t bytes = 0;
  int64_t errors = 0;
};

// The bytes of a whole answer; nothing while its headers are not complete.
std::optional<size_t> SizeOf(absl::string_view answer) {
  const size_t headers = answer.find("\r\n\r\n");
  if (headers == absl::string_view::npos) return std::nullopt;
  constexpr absl::string_view kLength = "Content-Length: ";
  const size_t at = answer.substr(0, headers).find(kLength);
  size_t body = 0;
  if (at == absl::string_view::npos) return headers + 4;
  const absl::string_view digits = answer.substr(at + kLength.size());
  if (!absl::SimpleAtoi(digits.substr(0, digits.find('\r')), &body)) return std::nullopt;
  return headers + 4 + body;
}

class Sender {
 public:
  Sender(const Flags& flags, std::atomic<uint64_t>& next) : flags_(flags), next_(next) {}

  // False where somebody hung up or did not answer in time.
  bool Run(Clock::time_point begin, Clock::time_point end) {
    const int poll = epoll_create1(0);
    std::vector<Connection> connections(static_cast<size_t>(flags_.connections / flags_.threads));
    for (Connection& connection : connections) {
      if (!Open(poll, &connection) || !Send(&connection)) return false;
    }
    size_t waiting = connections.size();
    std::vector<epoll_event> events(connections.size());
    while (waiting > 0) {
      const int ready = epoll_wait(poll, events.data(), static_cast<int>(events.size()), kWaitMs);
      if (ready <= 0) return false;
      for (int i = 0; i < ready; ++i) {
        auto& connection = *static_cast<Connection*>(events[static_cast<size_t>(i)].data.ptr);
        if (!Receive(&connection)) return false;
        const auto size = SizeOf(connection.answer);
        if (!size || connection.answer.size() < *size) continue;
        const auto now = Clock::now();
        Record(connection, *size, now, begin);
        if (now < end ? !Send(&connection) : (--waiting, false)) return false;
      }
    }
    for (const Connection& connection : connections) close(connection.socket);
    close(poll);
    return true;
  }

  Counts counts;

 private:
  bool Open(int poll, Connection* connection) const {
    sockaddr_in address{.sin_family = AF_INET};
    const size_t colon = flags_.http.rfind(':');
    int port = 0;
    if (!absl::SimpleAtoi(flags_.http.substr(colon + 1), &port)) return false;
    address.sin_port = htons(static_cast<uint16_t>(port));
    if (inet_pton(AF_INET, flags_.http.substr(0, colon).c_str(), &address.sin_addr) != 1) {
      return false;
    }
    connection->socket = socket(AF_INET, SOCK_STREAM, 0);
    const int yes = 1;
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = connection}};
    return connect(connection->socket, reinterpret_cast<sockaddr*>(&address), sizeof address) ==
               0 &&
           epoll_ctl(poll, EPOLL_CTL_ADD, connection->socket, &event) == 0;
  }

  bool Send(Connection* connection) {
    const uint64_t customer = next_++ * kStride % flags_.customers;
    const std::string request =
        absl::StrCat("GET ", absl::StrReplaceAll(flags_.path, {{"{}", absl::StrCat(customer)}}),
                     " HTTP/1.1\r\nHost: ", flags_.http, "\r\n\r\n");
    connection->answer.clear();
    connection->sent = Clock::now();
    return send(connection->socket, request.data(), request.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(request.size());
  }

  static bool Receive(Connection* connection) {
    thread_local std::string bytes(kReadBytes, 0);
    const ssize_t received = recv(connection->socket, bytes.data(), bytes.size(), 0);
    if (received <= 0) return false;
    connection->answer.append(bytes, 0, static_cast<size_t>(received));
    return true;
  }

  void Record(const Connection& connection, size_t size, Clock::time_point now,
              Clock::time_point begin) {
    if (!absl::StartsWith(connection.answer, "HTTP/1.1 200")) ++counts.errors;
    if (connection.sent < begin) {
      ++counts.warm_up_calls;
      return;
    }
    counts.bytes += static_cast<int64_t>(size);
    counts.latencies_ns.push_back(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now - connection.sent).count());
  }

  const Flags& flags_;
  std::atomic<uint64_t>& next_;
};

double PercentileMs(const std::vector<int64_t>& sorted_ns, double share) {
  return static_cast<double>(
             sorted_ns[static_cast<size_t>(share * static_cast<double>(sorted_ns.size() - 1))]) /
         1e6;
}

int Run(const Flags& flags) {
  std::atomic<uint64_t> next = 0;
  const auto seconds = [](double s) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
  };
  const auto begin = Clock::now() + seconds(flags.warm_up_seconds);
  const auto end = begin + seconds(flags.seconds);
  std::vector<Sender> senders(static_cast<size_t>(flags.threads), Sender(flags, next));
  std::atomic<bool> whole = true;
  std::vector<std::thread> threads;
  for (Sender& sender : senders) {
    threads.emplace_back([&] { whole = sender.Run(begin, end) && whole; });
  }
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> took = Clock::now() - begin;
  Counts all;
  for (const Sender& sender : senders) {
    all.latencies_ns.insert(all.latencies_ns.end(), sender.counts.latencies_ns.begin(),
                            sender.counts.latencies_ns.end());
    all.warm_up_calls += sender.counts.warm_up_calls;
    all.bytes += sender.counts.bytes;
    all.errors += sender.counts.errors;
  }
  if (!whole || all.latencies_ns.empty()) {
    std::cerr << "bench_http: " << flags.http << " hung up or fell silent" << std::endl;
    return 1;
  }
  std::sort(all.latencies_ns.begin(), all.latencies_ns.end());
  const auto calls = static_cast<int64_t>(all.latencies_ns.size());
  std::cout << absl::StreamFormat(
      R"([{"case":"http","calls":%d,"warmUpCalls":%d,"callsPerSecond":%.1f,"p50Ms":%.3f,)"
      R"("p90Ms":%.3f,"p99Ms":%.3f,"maxMs":%.3f,"answerBytes":%d,"errors":%d}])"
      "\n",
      calls, all.warm_up_calls, static_cast<double>(calls) / took.count(),
      PercentileMs(all.latencies_ns, 0.5), PercentileMs(all.latencies_ns, 0.9),
      PercentileMs(all.latencies_ns, 0.99), PercentileMs(all.latencies_ns, 1), all.bytes / calls,
      all.errors);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Puts load on an HTTP server; prints one JSON array");
  app.add_option("--http", flags.http, "host:port");
  app.add_option("--path", flags.path, "what to get; {} is a customer's number")->required();
  app.add_option("--customers", flags.customers, "numbers are 0 to this, less one");
  app.add_option("--connections", flags.connections, "a multiple of threads");
  app.add_option("--threads", flags.threads, "threads of the client")->check(CLI::PositiveNumber);
  app.add_option("--seconds", flags.seconds, "how long");
  CLI11_PARSE(app, argc, argv);
  return Run(flags);
}
