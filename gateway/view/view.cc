#include "gateway/view/view.h"

#include <algorithm>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "gateway/view/backends.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "rapport/accounts/v1/customer.pb.h"
#include "rapport/marketing/v1/campaign.pb.h"
#include "rapport/marketing/v1/campaign_membership.pb.h"
#include "rapport/sales/v1/order.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "rapport/service/v1/interaction.pb.h"
#include "services/runtime/aggregate/field_mask.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"
#include "services/runtime/rpc/ask.h"

namespace rapport::gateway {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using v1::CustomerView;

constexpr const char* kNewestFirst = "occur_time desc";

// The parts in the order of their fields; what has rows is listed by the service that owns it.
enum Part { kCustomer, kOrders, kCases, kInteractions, kCampaigns, kParts };
struct PartSource {
  const char* field;
  const char* service;
  const char* method;
  int number;
};
constexpr PartSource kSources[kParts] = {
    {"customer", "accounts", "GetCustomer", CustomerView::kCustomerFieldNumber},
    {"orders", "sales", "ListOrders", CustomerView::kOrdersFieldNumber},
    {"cases", "service", "ListCases", CustomerView::kCasesFieldNumber},
    {"interactions", "service", "ListInteractions", CustomerView::kInteractionsFieldNumber},
    {"campaigns", "marketing", "ListCampaignMemberships", CustomerView::kCampaignsFieldNumber}};

// Calls `use` with each row of a serialised List response, whose rows are field 1.
template <class Use>
void ForEachRow(const std::string& response, Use use) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(response.data()),
                      static_cast<int>(response.size()));
  while (const uint32_t tag = in.ReadTag()) {
    uint32_t size = 0;
    if (WireFormatLite::GetTagFieldNumber(tag) != 1 || !in.ReadVarint32(&size)) {
      WireFormatLite::SkipField(&in, tag);
      continue;
    }
    use(absl::string_view(response.data() + in.CurrentPosition(), size));
    in.Skip(static_cast<int>(size));
  }
}

bool IsDeleted(const std::string& serialised) {
  accounts::v1::Customer customer;
  return customer.ParseFromString(serialised) && customer.has_delete_time();
}

// One view on its way. Lives until its last answer came.
class ViewRead : public std::enable_shared_from_this<ViewRead> {
 public:
  ViewRead(const std::vector<Backend>& backends, CallPtr call, DeletedCustomers deleted)
      : backends_(backends),
        call_(std::move(call)),
        deleted_(deleted),
        request_(static_cast<const v1::GetCustomerViewRequest&>(*call_->request)) {}

  void Start() {
    if (const absl::Status mask = CheckViewMask(request_.read_mask()); !mask.ok()) {
      return Finish(std::move(call_), mask);
    }
    // Whether the customer exists is asked for in any case.
    std::vector<Part> wanted = {kCustomer};
    for (int part = kOrders; part < kParts; ++part) {
      if (Wants(static_cast<Part>(part))) wanted.push_back(static_cast<Part>(part));
    }
    pending_ = wanted.size();
    for (const Part part : wanted) AskFor(part);
  }

 private:
  // "*" stands alone: the mask has been checked.
  bool WantsAll() const {
    return request_.read_mask().paths().empty() || request_.read_mask().paths(0) == "*";
  }

  bool Wants(Part part) const {
    if (WantsAll()) return true;
    return std::any_of(request_.read_mask().paths().begin(), request_.read_mask().paths().end(),
                       [part](const std::string& path) {
                         return path.substr(0, path.find('.')) == kSources[part].field;
                       });
  }

  void AskFor(Part part) {
    const Backend* backend = FindBackend(backends_, kSources[part].service);
    if (backend == nullptr) return Take(part, Reply{.status = absl::UnimplementedError("")});
    auto done = [self = shared_from_this(), part](Reply reply) {
      self->Take(part, std::move(reply));
    };
    switch (part) {
      case kCustomer:
        return Ask<accounts::v1::GetCustomerRequest>(
            *backend->handler, *backend->rpc, kSources[part].method, call_->metadata,
            [this](auto& request) { request.set_name(request_.name()); }, std::move(done));
      case kOrders:
        return AskList<sales::v1::ListOrdersRequest>(*backend, part, kViewOrders, std::move(done));
      case kCases:
        return AskList<service::v1::ListCasesRequest>(*backend, part, kViewCases, std::move(done));
      case kInteractions:
        return AskList<service::v1::ListInteractionsRequest>(*backend, part, kViewInteractions,
                                                             std::move(done));
      case kCampaigns:
        return AskList<marketing::v1::ListCampaignMembershipsRequest>(
            *backend, part, kViewCampaigns, std::move(done));
      case kParts:
        break;
    }
  }

  template <class Request>
  void AskList(const Backend& backend, Part part, int rows, absl::AnyInvocable<void(Reply)> done) {
    Ask<Request>(
        *backend.handler, *backend.rpc, kSources[part].method, call_->metadata,
        [this, rows](Request& request) {
          request.set_parent(request_.name());
          request.set_page_size(rows);
          request.set_order_by(kNewestFirst);
        },
        std::move(done));
  }

  void Take(Part part, Reply reply) {
    if (part == kCampaigns && reply.status.ok()) AskForCampaigns(reply.body);
    {
      std::lock_guard lock(mutex_);
      replies_[part] = std::move(reply);
      if (--pending_ > 0) return;
    }
    FinishView();
  }

  // The campaigns behind the memberships; each a look-up of reference data.
  void AskForCampaigns(const std::string& memberships) {
    const Backend* backend = FindBackend(backends_, kSources[kCampaigns].service);
    ForEachRow(memberships, [&](absl::string_view row) {
      marketing::v1::CampaignMembership membership;
      membership.ParseFromArray(row.data(), static_cast<int>(row.size()));
      size_t index;
      {
        std::lock_guard lock(mutex_);
        index = campaigns_.size();
        campaigns_.emplace_back();
        ++pending_;
      }
      Ask<marketing::v1::GetCampaignRequest>(
          *backend->handler, *backend->rpc, "GetCampaign", call_->metadata,
          [&](auto& request) { request.set_name(membership.campaign()); },
          [self = shared_from_this(), index](Reply reply) {
            {
              std::lock_guard lock(self->mutex_);
              self->campaigns_[index] = std::move(reply.body);
              if (--self->pending_ > 0) return;
            }
            self->FinishView();
          });
    });
  }

  void FinishView() {
    const absl::Status& customer = replies_[kCustomer].status;
    if (absl::IsNotFound(customer) || absl::IsInvalidArgument(customer)) {
      return Finish(std::move(call_), customer);
    }
    if (deleted_ == DeletedCustomers::kNotFound && IsDeleted(replies_[kCustomer].body)) {
      return Finish(std::move(call_), NotFound(request_.name()));
    }
    std::string body;
    AppendField(CustomerView::kNameFieldNumber, absl::StrCat(request_.name(), "/view"), &body);
    std::vector<std::string> tokens;
    std::string missing;
    for (int part = 0; part < kParts; ++part) {
      const Reply& reply = replies_[part];
      if (!Wants(static_cast<Part>(part))) continue;
      tokens.push_back(reply.consistency_token);
      if (FindBackend(backends_, kSources[part].service) == nullptr) {
        AppendField(CustomerView::kNotInstalledFieldNumber, kSources[part].field, &missing);
      } else if (!reply.status.ok()) {
        v1::MissingPart gap;
        gap.set_part(kSources[part].field);
        *gap.mutable_status() = ToRpcStatus(reply.status);
        AppendField(CustomerView::kMissingPartsFieldNumber, gap.SerializeAsString(), &missing);
      } else if (part == kCustomer) {
        AppendField(kSources[part].number, reply.body, &body);
      } else if (part == kCampaigns) {
        AppendCampaigns(reply.body, &body);
      } else {
        ForEachRow(reply.body,
                   [&](absl::string_view row) { AppendField(kSources[part].number, row, &body); });
      }
    }
    body += missing;
    if (!WantsAll()) {
      CustomerView view;
      view.ParseFromString(body);
      google::protobuf::FieldMask kept = request_.read_mask();
      kept.add_paths("name");
      kept.add_paths("missing_parts");
      kept.add_paths("not_installed");
      if (const absl::Status masked = ApplyReadMask(kept, &view); !masked.ok()) {
        return Finish(std::move(call_), masked);
      }
      body = view.SerializeAsString();
    }
    Finish(std::move(call_),
           Reply{.body = std::move(body), .consistency_token = JoinTokens(tokens)});
  }

  void AppendCampaigns(const std::string& memberships, std::string* body) {
    size_t index = 0;
    ForEachRow(memberships, [&](absl::string_view row) {
      std::string part;
      AppendField(v1::CampaignPart::kMembershipFieldNumber, row, &part);
      AppendField(v1::CampaignPart::kCampaignFieldNumber, campaigns_[index++], &part);
      AppendField(CustomerView::kCampaignsFieldNumber, part, body);
    });
  }

  const std::vector<Backend>& backends_;
  CallPtr call_;
  const DeletedCustomers deleted_;
  const v1::GetCustomerViewRequest& request_;
  std::mutex mutex_;
  size_t pending_ = 0;
  Reply replies_[kParts];
  std::vector<std::string> campaigns_;  // serialised, in the order of the memberships
};

}  // namespace

absl::Status CheckViewMask(const google::protobuf::FieldMask& mask) {
  CustomerView nothing;
  return ApplyReadMask(mask, &nothing);
}

void ReadCustomerView(const std::vector<Backend>& backends, CallPtr call,
                      DeletedCustomers deleted) {
  std::make_shared<ViewRead>(backends, std::move(call), deleted)->Start();
}

}  // namespace rapport::gateway
