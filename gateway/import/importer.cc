#include "gateway/import/importer.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool MayBeTriedAgain(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kResourceExhausted;
}

const FieldDescriptor* StringField(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  const bool fits = field != nullptr && !field->is_repeated() &&
                    field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
  return fits ? field : nullptr;
}

void SetRequestId(const std::string& job, int64_t row, Message* request) {
  const FieldDescriptor* field = StringField(*request, "request_id");
  const auto* reflection = request->GetReflection();
  if (field == nullptr || !reflection->GetString(*request, field).empty()) return;
  reflection->SetString(request, field, absl::StrCat(job, ":", row));
}

std::string NameIn(const google::protobuf::Descriptor* type, const std::string& body) {
  google::protobuf::Arena arena;
  Message* message = NewMessage(type, &arena);
  const FieldDescriptor* field = StringField(*message, "name");
  if (field == nullptr || !message->ParseFromString(body)) return "";
  return message->GetReflection()->GetString(*message, field);
}

// What the service asks for, or our own pause if that is longer.
absl::Duration PauseBefore(int attempt, const absl::Status& status) {
  absl::Duration pause = kImportFirstPause;
  for (int i = 1; i < attempt && pause < kImportLongestPause; ++i) pause *= 2;
  pause = std::min(pause, kImportLongestPause);
  const google::rpc::Status rpc = ToRpcStatus(status);
  for (const auto& detail : rpc.details()) {
    google::rpc::RetryInfo retry;
    if (!detail.UnpackTo(&retry)) continue;
    pause = std::max(pause, absl::Seconds(retry.retry_delay().seconds()) +
                                absl::Nanoseconds(retry.retry_delay().nanos()));
  }
  return pause;
}

}  // namespace

// Owned by the importer and by every call on its way, which may end after the importer.
class Importer::State : public std::enable_shared_from_this<State> {
 public:
  State(Handler* handler, Options options, OnResult on_result)
      : handler_(handler), options_(std::move(options)), on_result_(std::move(on_result)) {}

  bool Push(int64_t number, const google::protobuf::MethodDescriptor* method,
            std::unique_ptr<Message> request) {
    SetRequestId(options_.job, number, request.get());
    auto row = std::make_shared<Row>();
    row->result.row = number;
    row->method = method;
    row->bytes = request->ByteSizeLong();
    row->request = std::move(request);
    row->deadline = options_.now() + options_.row_timeout;
    Add(row);
    Try(std::move(row));
    return HasRoom();
  }

  bool PushError(int64_t number, absl::Status error) {
    auto row = std::make_shared<Row>();
    row->result.row = number;
    row->result.status = std::move(error);
    Add(row);
    Complete(*row);
    return HasRoom();
  }

  void OnRoom(absl::AnyInvocable<void()> callback) {
    std::unique_lock lock(mutex_);
    on_room_ = std::move(callback);
    CallBack(lock);
  }

  void Finish(absl::AnyInvocable<void(ImportCounts)> callback) {
    std::unique_lock lock(mutex_);
    on_finish_ = std::move(callback);
    CallBack(lock);
  }

  void Cancel() {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
  }

 private:
  struct Row {
    ImportResult result;
    bool done = false;
    const google::protobuf::MethodDescriptor* method = nullptr;
    std::unique_ptr<Message> request;  // kept until the row is done, for another try
    size_t bytes = 0;
    absl::Time deadline;
    int attempts = 0;
  };

  void Add(std::shared_ptr<Row> row) {
    std::lock_guard lock(mutex_);
    window_bytes_ += row->bytes;
    window_.push_back(std::move(row));
  }

  bool HasRoom() {
    std::lock_guard lock(mutex_);
    return window_.size() < options_.window_rows && window_bytes_ < options_.window_bytes;
  }

  void Try(std::shared_ptr<Row> row) {
    {
      std::lock_guard lock(mutex_);
      if (cancelled_) return;
    }
    ++row->attempts;
    auto call = std::make_unique<Call>();
    call->method = row->method;
    call->request = row->request->New(&call->arena);
    Assign(*row->request, call->request);
    call->metadata = options_.metadata;
    call->metadata.deadline = row->deadline;
    call->done = [state = shared_from_this(), row = std::move(row)](Reply reply) mutable {
      state->Answered(std::move(row), std::move(reply));
    };
    handler_->Handle(std::move(call));
  }

  void Answered(std::shared_ptr<Row> row, Reply reply) {
    if (MayBeTriedAgain(reply.status)) {
      const absl::Duration pause = PauseBefore(row->attempts, reply.status);
      if (options_.now() + pause < row->deadline) {
        options_.run_after(pause, [state = shared_from_this(), row = std::move(row)]() mutable {
          state->Try(std::move(row));
        });
        return;
      }
    }
    row->result.status = std::move(reply.status);
    row->result.repeat = reply.repeat;
    if (row->result.status.ok()) row->result.name = NameIn(row->method->output_type(), reply.body);
    Complete(*row);
  }

  // Hands out what is complete at the front. Only one thread does so at a time, without the lock.
  void Complete(Row& row) {
    std::unique_lock lock(mutex_);
    row.done = true;
    row.request.reset();
    if (std::exchange(handing_out_, true)) return;
    while (!cancelled_ && !window_.empty() && window_.front()->done) {
      const std::shared_ptr<Row> front = std::move(window_.front());
      window_.pop_front();
      window_bytes_ -= front->bytes;
      ++counts_.rows;
      ++(front->result.status.ok() ? counts_.succeeded : counts_.failed);
      lock.unlock();
      on_result_(std::move(front->result));
      lock.lock();
    }
    handing_out_ = false;
    CallBack(lock);
  }

  void CallBack(std::unique_lock<std::mutex>& lock) {
    if (cancelled_ || handing_out_) return;
    absl::AnyInvocable<void()> room;
    absl::AnyInvocable<void(ImportCounts)> finish;
    if (window_.size() <= options_.window_rows / 2 && window_bytes_ <= options_.window_bytes / 2) {
      room = std::exchange(on_room_, nullptr);
    }
    if (window_.empty()) finish = std::exchange(on_finish_, nullptr);
    const ImportCounts counts = counts_;
    lock.unlock();
    if (room) room();
    if (finish) finish(counts);
  }

  Handler* const handler_;
  const Options options_;
  OnResult on_result_;

  std::mutex mutex_;
  std::deque<std::shared_ptr<Row>> window_;  // in the order of the rows; the front is still out
  size_t window_bytes_ = 0;
  bool handing_out_ = false;
  bool cancelled_ = false;
  ImportCounts counts_;
  absl::AnyInvocable<void()> on_room_;
  absl::AnyInvocable<void(ImportCounts)> on_finish_;
};

absl::Status Importer::CheckJob(absl::string_view job) {
  const bool clean = std::all_of(job.begin(), job.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
  });
  if (clean && !job.empty() && job.size() <= kImportJobCharacters) return absl::OkStatus();
  return InvalidField("job", absl::StrCat("a job is named by 1 to ", kImportJobCharacters,
                                          " letters, digits and . _ -"));
}

Importer::Importer(Handler* handler, Options options, OnResult on_result)
    : state_(std::make_shared<State>(handler, std::move(options), std::move(on_result))) {}

Importer::~Importer() {
  Cancel();
}

bool Importer::Push(int64_t row, const google::protobuf::MethodDescriptor* method,
                    std::unique_ptr<Message> request) {
  return state_->Push(row, method, std::move(request));
}
bool Importer::PushError(int64_t row, absl::Status error) {
  return state_->PushError(row, std::move(error));
}
void Importer::OnRoom(absl::AnyInvocable<void()> callback) {
  state_->OnRoom(std::move(callback));
}
void Importer::Finish(absl::AnyInvocable<void(ImportCounts)> callback) {
  state_->Finish(std::move(callback));
}
void Importer::Cancel() {
  state_->Cancel();
}

}  // namespace rapport
