#include "gateway/import/session.h"

#include <mutex>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rapport/gateway/v1/import.pb.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// The RPCs that create something, by their request.
using Creates = absl::flat_hash_map<const Descriptor*, const MethodDescriptor*>;

Creates CreatesOf(const std::vector<const ServiceDescriptor*>& services) {
  Creates creates;
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      if (absl::StartsWith(method->name(), "Create")) creates[method->input_type()] = method;
    }
  }
  return creates;
}

// The stream as long as it may be used. Rows that are still on their way when the stream ends keep
// the link, not the session.
class Link {
 public:
  explicit Link(Stream& stream) : stream_(&stream) {}

  void Next() {
    std::lock_guard lock(mutex_);
    if (stream_ != nullptr) stream_->Next();
  }
  void Write(std::string response) {
    std::lock_guard lock(mutex_);
    if (stream_ != nullptr) stream_->Write(std::move(response));
  }
  // Once, whoever comes first: the last answer, a bad job, the client's going.
  void Finish(absl::Status status) {
    std::unique_lock lock(mutex_);
    Stream* stream = std::exchange(stream_, nullptr);
    lock.unlock();
    if (stream != nullptr) stream->Finish(std::move(status));
  }

 private:
  std::mutex mutex_;
  Stream* stream_;
};

void WriteAnswer(Link& link, ImportResult result) {
  gateway::v1::ImportResponse response;
  response.set_row(result.row);
  response.set_name(result.name);
  response.set_repeat(result.repeat);
  if (!result.status.ok()) *response.mutable_error() = ToRpcStatus(result.status);
  link.Write(response.SerializeAsString());
}

class ImportSession : public StreamSession {
 public:
  ImportSession(Handler* handler, const Creates& creates, Importer::RunAfter run_after,
                CallMetadata metadata, Stream& stream)
      : handler_(handler),
        creates_(creates),
        run_after_(std::move(run_after)),
        metadata_(std::move(metadata)),
        link_(std::make_shared<Link>(stream)) {
    link_->Next();
  }

  void OnMessage(std::unique_ptr<google::protobuf::Message> message) override {
    const auto& request = static_cast<const gateway::v1::ImportRequest&>(*message);
    if (importer_ == nullptr) {
      if (const absl::Status job = Importer::CheckJob(request.job()); !job.ok())
        return link_->Finish(job);
      Begin(request.job());
    }
    row_ = request.row() > 0 ? request.row() : row_ + 1;
    if (Push(request)) return link_->Next();
    importer_->OnRoom([link = link_] { link->Next(); });
  }

  void OnHalfClose() override {
    if (importer_ == nullptr) return link_->Finish(absl::OkStatus());
    importer_->Finish([link = link_](ImportCounts) { link->Finish(absl::OkStatus()); });
  }

  // The importer is cancelled with the session.
  void OnCancel() override { link_->Finish(absl::CancelledError("the client has gone")); }

 private:
  void Begin(const std::string& job) {
    importer_ = std::make_unique<Importer>(
        handler_, Importer::Options{.job = job, .metadata = metadata_, .run_after = run_after_},
        [link = link_](ImportResult result) { WriteAnswer(*link, std::move(result)); });
  }

  // False where the window is full now.
  bool Push(const gateway::v1::ImportRequest& request) {
    const std::string& url = request.request().type_url();
    const auto* type =
        DescriptorPool::generated_pool()->FindMessageTypeByName(url.substr(url.rfind('/') + 1));
    const auto create = creates_.find(type);
    if (create == creates_.end()) {
      return importer_->PushError(
          row_,
          InvalidField("request", absl::StrCat("\"", url,
                                               "\" is no Create request; use for "
                                               "example rapport.sales.v1.CreateOrderRequest")));
    }
    std::unique_ptr<google::protobuf::Message> row = NewMessage(type);
    if (!row->ParseFromString(request.request().value())) {
      return importer_->PushError(row_, InvalidField("request", "its bytes cannot be read"));
    }
    return importer_->Push(row_, create->second, std::move(row));
  }

  Handler* const handler_;
  const Creates& creates_;
  const Importer::RunAfter run_after_;
  const CallMetadata metadata_;
  const std::shared_ptr<Link> link_;
  int64_t row_ = 0;
  std::unique_ptr<Importer> importer_;
};

}  // namespace

StreamFactory ImportSessions(Handler* handler,
                             const std::vector<const ServiceDescriptor*>& services,
                             Importer::RunAfter run_after) {
  return [handler, creates = std::make_shared<const Creates>(CreatesOf(services)),
          run_after = std::move(run_after)](CallMetadata metadata, Stream& stream) {
    return std::make_unique<ImportSession>(handler, *creates, run_after, std::move(metadata),
                                           stream);
  };
}

}  // namespace rapport
