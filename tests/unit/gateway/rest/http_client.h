// A raw HTTP client: sends bytes, reads answers, in plain text or over TLS. Blocking, with
// time-outs only against hanging.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "services/runtime/tls/certificate.h"

namespace rapport::rest {

// False where nobody listens on the port.
inline bool Connect(int socket, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

class HttpClient {
 public:
  struct Answer {
    int status = 0;                              // 0: the connection ended
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
  };

  // Over TLS where `tls` is given; what comes of its handshake, the first answer shows.
  explicit HttpClient(int port, OpenSslPtr<SSL> tls = nullptr)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)), tls_(std::move(tls)) {
    const timeval hang{.tv_sec = 60};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &hang, sizeof hang);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &hang, sizeof hang);
    if (!Connect(socket_, port)) std::abort();
    const int at_once = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    if (tls_ == nullptr) return;
    SSL_set_fd(tls_.get(), socket_);
    SSL_connect(tls_.get());
  }
  ~HttpClient() { ::close(socket_); }
  HttpClient(const HttpClient&) = delete;

  // False if the server does not take it.
  bool Send(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = tls_ != nullptr
                               ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                               : send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(sent);
    }
    return true;
  }
  void EndSending() { shutdown(socket_, SHUT_WR); }

  Answer Do(absl::string_view method, absl::string_view target, absl::string_view body = "",
            absl::string_view headers = "") {
    Send(Request(method, target, body, headers));
    return Read(method == "HEAD");
  }

  static std::string Request(absl::string_view method, absl::string_view target,
                             absl::string_view body = "", absl::string_view headers = "") {
    const std::string length = body.empty() && method == "GET"
                                   ? ""
                                   : absl::StrCat("Content-Length: ", body.size(), "\r\n");
    return absl::StrCat(method, " ", target, " HTTP/1.1\r\nHost: test\r\n", length, headers, "\r\n",
                        body);
  }

  Answer Read(bool head = false) {
    Answer answer;
    const std::string first = Line();
    if (first.size() < 12) return answer;
    answer.status = std::atoi(first.substr(9, 3).c_str());
    for (std::string line = Line(); !line.empty(); line = Line()) {
      const std::pair<std::string, std::string> header =
          absl::StrSplit(line, absl::MaxSplits(": ", 1));
      answer.headers[absl::AsciiStrToLower(header.first)] = header.second;
    }
    if (head || answer.status == 100) return answer;
    if (answer.headers["transfer-encoding"] == "chunked") {
      for (std::string chunk = Chunk(); !chunk.empty(); chunk = Chunk()) answer.body += chunk;
      return answer;
    }
    answer.body = Take(std::atoi(answer.headers["content-length"].c_str()));
    return answer;
  }

  // One chunk of a chunked answer; "" is the last.
  std::string Chunk() {
    const std::string chunk = Take(std::strtoul(Line().c_str(), nullptr, 16));
    Line();
    return chunk;
  }

  // Up to the line's end, which is taken off.
  std::string Line() {
    size_t end;
    while ((end = buffer_.find("\r\n")) == std::string::npos) {
      if (!Receive()) return "";
    }
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return line;
  }

  std::string Take(size_t bytes) {
    while (buffer_.size() < bytes && Receive()) {
    }
    std::string taken = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return taken;
  }

  // Whether the server has closed, cleanly and without more to read; over TLS it must have said so.
  bool AtEnd() {
    if (!buffer_.empty()) return false;
    char c;
    if (tls_ == nullptr) return recv(socket_, &c, 1, 0) == 0;
    return SSL_get_error(tls_.get(), SSL_read(tls_.get(), &c, 1)) == SSL_ERROR_ZERO_RETURN;
  }

 private:
  bool Receive() {
    char bytes[16 * 1024];
    const ssize_t received = tls_ != nullptr ? SSL_read(tls_.get(), bytes, sizeof bytes)
                                             : recv(socket_, bytes, sizeof bytes, 0);
    if (received <= 0) return false;
    buffer_.append(bytes, received);
    return true;
  }

  const int socket_;
  const OpenSslPtr<SSL> tls_;
  std::string buffer_;
};

}  // namespace rapport::rest
