#include "gateway/view/timeline.h"

#include <algorithm>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "gateway/view/backends.h"
#include "rapport/gateway/v1/cursor.pb.h"
#include "services/runtime/aggregate/pager.h"
#include "services/runtime/base/filter.h"
#include "services/runtime/base/page_token.h"
#include "services/runtime/base/status.h"
#include "services/runtime/base/time.h"
#include "services/runtime/rpc/ask.h"

namespace rapport::gateway {
namespace {

// Events asked for at once where a filter may keep few of them: every asking is a level of the
// stack, and kMaxTimelineScan bounds only the events.
constexpr int kFilteredFetch = 500;
// Without an event here there is no such customer.
constexpr absl::string_view kDecidesCustomers = "accounts";

// One page on its way: asks every service for its newest events below the cursor, merges, and
// asks again until the page is full or all is read.
class TimelineRead : public std::enable_shared_from_this<TimelineRead> {
 public:
  TimelineRead(const std::vector<Backend>& backends, absl::string_view secret, CallPtr call)
      : backends_(backends),
        secret_(secret),
        call_(std::move(call)),
        request_(static_cast<const v1::ListTimelineRequest&>(*call_->request)),
        sources_(backends.size()) {}

  void Start() {
    if (const absl::Status prepared = Prepare(); !prepared.ok()) {
      return Finish(std::move(call_), prepared);
    }
    Fetch();
  }

 private:
  // One service's events, newest first, from `next` on not yet merged.
  struct Source {
    int64_t before = 0;  // sequences below it are still to come; 0 before the first answer
    bool exhausted = false;
    log::v1::ListEventsResponse events;
    int next = 0;
    absl::Status status;
    std::string token;

    bool empty() const { return next == events.events_size(); }
    const log::v1::Event& front() const { return events.events(next); }
  };

  absl::Status Prepare() {
    if (request_.page_size() < 0) return InvalidField("page_size", "must not be negative");
    page_size_ =
        request_.page_size() == 0 ? kDefaultPageSize : std::min(request_.page_size(), kMaxPageSize);
    ASSIGN_OR_RETURN(filter_, Filter::Parse(request_.filter(), log::v1::Event::descriptor()));
    fingerprint_ = absl::StrCat("timeline\n", request_.name(), "\n", request_.filter());
    if (request_.page_token().empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string bytes,
                     OpenPageToken(secret_, fingerprint_, request_.page_token()));
    v1::TimelineCursor cursor;
    Ensure(cursor.ParseFromString(bytes), "a signed cursor was made here");
    // A service that was not there at the first page has no position: it stays out.
    for (auto& source : sources_) source.exhausted = true;
    for (const auto& position : cursor.positions()) {
      for (size_t i = 0; i < backends_.size(); ++i) {
        if (backends_[i].name != position.service()) continue;
        sources_[i].before = position.before_sequence();
        sources_[i].exhausted = position.before_sequence() <= 1;
      }
    }
    return absl::OkStatus();
  }

  // Refills every source that has run empty.
  void Fetch() {
    std::vector<size_t> wanted;
    for (size_t i = 0; i < sources_.size(); ++i) {
      if (sources_[i].empty() && !sources_[i].exhausted) wanted.push_back(i);
    }
    if (wanted.empty()) return FinishPage();
    pending_ = wanted.size();
    for (const size_t i : wanted) {
      Ask<log::v1::ListEventsRequest>(
          *backends_[i].handler, *backends_[i].rpc, "ListEvents", call_->metadata,
          [&](auto& ask) {
            ask.set_name(request_.name());
            ask.set_before_sequence(sources_[i].before);
            ask.set_page_size(filter_.empty() ? page_size_ : std::max(page_size_, kFilteredFetch));
          },
          [self = shared_from_this(), i](Reply reply) { self->Take(i, std::move(reply)); });
    }
  }

  void Take(size_t i, Reply reply) {
    {
      std::lock_guard lock(mutex_);
      Source& source = sources_[i];
      source.status = reply.status;
      source.token = std::move(reply.consistency_token);
      source.next = 0;
      source.events.ParseFromString(reply.body);
      if (source.before == 0) source.before = source.events.last_sequence() + 1;
      const int count = source.events.events_size();
      source.exhausted = count == 0 || source.events.events(count - 1).sequence() == 1;
      if (--pending_ > 0) return;
    }
    Merge();
  }

  void Merge() {
    for (size_t i = 0; i < sources_.size(); ++i) {
      const Source& source = sources_[i];
      if (!source.status.ok()) return Finish(std::move(call_), source.status);
      if (backends_[i].name == kDecidesCustomers && source.before == 1 &&
          request_.page_token().empty() && source.events.last_sequence() == 0) {
        return Finish(std::move(call_), NotFound(request_.name()));
      }
    }
    while (response_.events_size() < page_size_ && scanned_ < kMaxTimelineScan) {
      Source* newest = nullptr;
      for (auto& source : sources_) {
        if (source.empty() && !source.exhausted) return Fetch();
        if (source.empty()) continue;
        // Of equal times the later service comes first, so that the whole order is reversed.
        if (newest == nullptr ||
            ToMicros(source.front().record_time()) >= ToMicros(newest->front().record_time())) {
          newest = &source;
        }
      }
      if (newest == nullptr) break;
      ++scanned_;
      auto& event = *newest->events.mutable_events(newest->next++);
      newest->before = event.sequence();
      if (filter_.Matches(event)) response_.add_events()->Swap(&event);
    }
    FinishPage();
  }

  void FinishPage() {
    v1::TimelineCursor cursor;
    std::vector<std::string> tokens;
    bool more = false;
    for (size_t i = 0; i < sources_.size(); ++i) {
      auto* position = cursor.add_positions();
      position->set_service(backends_[i].name);
      position->set_before_sequence(std::max<int64_t>(sources_[i].before, 1));
      more = more || sources_[i].before > 1;
      tokens.push_back(sources_[i].token);
    }
    if (more) {
      response_.set_next_page_token(
          SealPageToken(secret_, fingerprint_, cursor.SerializeAsString()));
    }
    Finish(std::move(call_),
           Reply{.body = response_.SerializeAsString(), .consistency_token = JoinTokens(tokens)});
  }

  const std::vector<Backend>& backends_;
  const std::string secret_;
  CallPtr call_;
  const v1::ListTimelineRequest& request_;
  int page_size_ = 0;
  Filter filter_;
  std::string fingerprint_;
  std::mutex mutex_;
  size_t pending_ = 0;
  std::vector<Source> sources_;
  int scanned_ = 0;
  v1::ListTimelineResponse response_;
};

}  // namespace

void ReadTimeline(const std::vector<Backend>& backends, absl::string_view secret, CallPtr call) {
  std::make_shared<TimelineRead>(backends, secret, std::move(call))->Start();
}

}  // namespace rapport::gateway
