#include "gateway/rest/import_stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/runtime/base/status.h"

namespace rapport::rest {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// Results kept for a client that does not read while it sends, about 200,000 rows; then reading
// waits for it.
constexpr size_t kMaxUnsentBytes = 16 * 1024 * 1024;
constexpr absl::string_view kLastChunk = "0\r\n\r\n";

}  // namespace

ImportStream::ImportStream(Connection& connection, ImportPlan plan, const HttpRequest& request)
    : connection_(connection),
      plan_(std::move(plan)),
      changed_(connection.stream_.get_executor(), asio::steady_timer::time_point::max()),
      importer_(connection.server_->handler, ImporterOptions(request), ResultWriter(request)) {}

Importer::Options ImportStream::ImporterOptions(const HttpRequest& request) {
  return {
      .job = plan_.job,
      .metadata = MetadataOf(request, absl::InfiniteFuture()),
      .run_after = [io = connection_.io_](absl::Duration pause, absl::AnyInvocable<void()> task) {
        const auto alive = io.lock();
        if (alive == nullptr) return;
        auto timer = std::make_shared<asio::steady_timer>(*alive);
        timer->expires_at(DeadlineAfter(pause));
        timer->async_wait([timer, task = std::move(task)](error_code error) mutable {
          if (!error) task();
        });
      }};
}

Importer::OnResult ImportStream::ResultWriter(const HttpRequest& request) {
  return [shared = shared_, traceparent = std::string(request.traceparent)](ImportResult result) {
    {
      std::lock_guard lock(shared->mutex);
      AppendResultLine(result, traceparent, &shared->lines);
    }
    Notify(shared);
  };
}

void ImportStream::Notify(const std::shared_ptr<Shared>& shared) {
  std::shared_ptr<asio::io_context> io;
  {
    std::lock_guard lock(shared->mutex);
    if (std::exchange(shared->notified, true)) return;
    io = shared->io.lock();
  }
  if (io == nullptr) return;
  asio::post(*io, [shared] {
    {
      std::lock_guard lock(shared->mutex);
      shared->notified = false;
    }
    if (const auto stream = shared->stream.lock()) stream->changed_.cancel();
  });
}

asio::awaitable<void> ImportStream::WaitForChange() {
  co_await changed_.async_wait(kAwait);
}

void ImportStream::BeginIo(absl::Duration timeout) {
  ++io_running_;
  connection_.ExpireAfter(timeout);
}

void ImportStream::EndIo() {
  if (--io_running_ == 0) {
    connection_.NeverExpire();
  } else if (!connection_.timed_out_) {
    connection_.ExpireAfter(connection_.server_->options.body_timeout);
  }
}

asio::awaitable<bool> ImportStream::Run(Connection::Parser& parser, std::string headers) {
  shared_->io = connection_.io_;
  shared_->stream = weak_from_this();
  writing_ = true;
  asio::co_spawn(connection_.stream_.get_executor(), WriteResults(std::move(headers)),
                 [self = shared_from_this()](std::exception_ptr, bool written) {
                   self->writing_ = false;
                   self->written_ = written;
                   self->changed_.cancel();
                 });
  whole_ = co_await ReadRows(parser);
  // Also after half a body: what was taken is answered, but without the end, so that the client
  // sees that it did not get everything.
  importer_.Finish([shared = shared_](ImportCounts counts) {
    {
      std::lock_guard lock(shared->mutex);
      shared->finished = true;
      shared->counts = counts;
    }
    Notify(shared);
  });
  while (writing_) co_await WaitForChange();
  co_return whole_&& written_;
}

asio::awaitable<bool> ImportStream::ReadRows(Connection::Parser& parser) {
  for (;;) {
    absl::string_view piece;
    BeginIo(connection_.server_->options.body_timeout);
    const Connection::Read read = co_await connection_.ReadPiece(parser, &piece);
    EndIo();
    if (read == Connection::Read::kPiece) {
      splitter_.Feed(piece);
    } else if (read == Connection::Read::kEnd) {
      splitter_.End();
    } else {
      co_return false;
    }
    const bool good = co_await ReadLines();
    if (!good || read == Connection::Read::kEnd) co_return good;
  }
}

asio::awaitable<bool> ImportStream::ReadLines() {
  absl::string_view line;
  for (auto outcome = splitter_.Next(&line); outcome != LineSplitter::kMore;
       outcome = splitter_.Next(&line)) {
    PushRow(outcome, line);
    while (writing_ && !HasRoom()) co_await WaitForChange();
    if (!writing_) co_return false;  // the client has gone
  }
  co_return true;
}

void ImportStream::PushRow(LineSplitter::Outcome outcome, absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  const bool too_long = outcome == LineSplitter::kTooLong;
  if (line.empty() && !too_long) return;
  const int64_t row = plan_.first_row + splitter_.number() - 1;
  auto request =
      too_long
          ? InvalidField("body", absl::StrCat("the row is longer than ", kMaxRowBytes, " bytes"))
          : ParseRow(plan_, line);
  const bool room = request.ok()
                        ? importer_.Push(row, plan_.match.route->method, *std::move(request))
                        : importer_.PushError(row, request.status());
  if (room) return;
  {
    std::lock_guard lock(shared_->mutex);
    shared_->room = false;
  }
  importer_.OnRoom([shared = shared_] {
    {
      std::lock_guard lock(shared->mutex);
      shared->room = true;
    }
    Notify(shared);
  });
}

bool ImportStream::HasRoom() {
  std::lock_guard lock(shared_->mutex);
  return shared_->room && shared_->lines.size() + unsent_bytes_ < kMaxUnsentBytes;
}

asio::awaitable<bool> ImportStream::WriteResults(std::string headers) {
  bool good = co_await connection_.WriteAll(headers, "");
  while (good) {
    std::string lines;
    bool finished = false;
    {
      std::lock_guard lock(shared_->mutex);
      lines.swap(shared_->lines);
      finished = shared_->finished;
    }
    unsent_bytes_ = lines.size();
    if (finished && whole_) AppendCountsLine(plan_.job, shared_->counts, &lines);
    if (!lines.empty()) good = co_await WriteChunk(lines, finished && whole_ ? kLastChunk : "");
    unsent_bytes_ = 0;
    if (finished) co_return good;
    if (lines.empty()) {
      co_await WaitForChange();
    } else {
      changed_.cancel();  // the reader may wait for this room
    }
  }
  importer_.Cancel();
  co_return false;
}

asio::awaitable<bool> ImportStream::WriteChunk(absl::string_view lines, absl::string_view last) {
  const std::string chunk = absl::StrCat(absl::Hex(lines.size()), "\r\n", lines, "\r\n", last);
  BeginIo(connection_.server_->options.write_timeout);
  const bool good = co_await connection_.WriteAll(chunk, "");
  EndIo();
  co_return good;
}

}  // namespace rapport::rest
