// One running import of one connection: reads rows and writes results at the same time. Internal
// to gateway/rest.
//
// Threads: lives on the connection's thread; results come on any.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "gateway/import/importer.h"
#include "gateway/rest/http_connection.h"
#include "gateway/rest/import_rows.h"
#include "gateway/rest/line_splitter.h"

namespace rapport::rest {

class ImportStream : public std::enable_shared_from_this<ImportStream> {
 public:
  ImportStream(Connection& connection, ImportPlan plan, const HttpRequest& request);

  // Reads and answers all of it. False if the client was not answered to the end, so that the
  // connection is of no more use.
  boost::asio::awaitable<bool> Run(Connection::Parser& parser, std::string headers);

 private:
  // What the threads of results see; may outlive the stream and the server.
  struct Shared {
    std::mutex mutex;
    std::string lines;  // results that wait to be written
    bool room = true;   // in the importer's window
    bool finished = false;
    ImportCounts counts;
    bool notified = false;
    std::weak_ptr<boost::asio::io_context> io;
    std::weak_ptr<ImportStream> stream;
  };
  static void Notify(const std::shared_ptr<Shared>& shared);

  Importer::Options ImporterOptions(const HttpRequest& request);
  Importer::OnResult ResultWriter(const HttpRequest& request);

  // True when the body was read to its end.
  boost::asio::awaitable<bool> ReadRows(Connection::Parser& parser);
  boost::asio::awaitable<bool> ReadLines();
  void PushRow(LineSplitter::Outcome outcome, absl::string_view line);
  bool HasRoom();
  boost::asio::awaitable<bool> WriteResults(std::string headers);
  boost::asio::awaitable<bool> WriteChunk(absl::string_view lines, absl::string_view last);
  boost::asio::awaitable<void> WaitForChange();

  // Reading and writing share the connection's one deadline: any progress puts it off.
  void BeginIo(absl::Duration timeout);
  void EndIo();

  Connection& connection_;
  const ImportPlan plan_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  boost::asio::steady_timer changed_;  // cancelled to wake whoever waits
  LineSplitter splitter_{kMaxRowBytes};
  Importer importer_;
  int io_running_ = 0;
  size_t unsent_bytes_ = 0;  // taken from shared_->lines and not yet written
  bool whole_ = false;       // the body was read to its end
  bool writing_ = false;
  bool written_ = false;
};

}  // namespace rapport::rest
