#include "gateway/view/view.h"

#include <algorithm>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "gateway/view/backends.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "rapport/accounts/v1/contact_point.pb.h"
#include "rapport/accounts/v1/customer.pb.h"
#include "rapport/accounts/v1/relationship.pb.h"
#include "rapport/marketing/v1/campaign.pb.h"
#include "rapport/marketing/v1/campaign_membership.pb.h"
#include "rapport/marketing/v1/profile.pb.h"
#include "rapport/sales/v1/opportunity.pb.h"
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

// How a part's request is made; `rows` of a list.
template <class Request>
void FillGet(google::protobuf::Message& request, const std::string& customer, int /*rows*/) {
  static_cast<Request&>(request).set_name(customer);
}
template <class Request>
void FillList(google::protobuf::Message& request, const std::string& customer, int rows) {
  auto& list = static_cast<Request&>(request);
  list.set_parent(customer);
  list.set_page_size(rows);
  list.set_order_by(kNewestFirst);
}

// One resource, or the newest rows of a list; by the service that owns them.
struct PartSource {
  const char* field;
  int number;
  const char* service;
  const char* method;
  void (*fill)(google::protobuf::Message&, const std::string&, int);
  int rows = 0;  // 0 where it is one resource

  bool IsList() const { return rows > 0; }
};

// The parts in the order of their fields.
enum Part {
  kCustomer,
  kOrders,
  kCases,
  kInteractions,
  kCampaigns,
  kProfile,
  kContactPoints,
  kRelationships,
  kOpportunities,
  kParts
};
constexpr PartSource kSources[kParts] = {
    {"customer", CustomerView::kCustomerFieldNumber, "accounts", "GetCustomer",
     FillGet<accounts::v1::GetCustomerRequest>},
    {"orders", CustomerView::kOrdersFieldNumber, "sales", "ListOrders",
     FillList<sales::v1::ListOrdersRequest>, kViewOrders},
    {"cases", CustomerView::kCasesFieldNumber, "service", "ListCases",
     FillList<service::v1::ListCasesRequest>, kViewCases},
    {"interactions", CustomerView::kInteractionsFieldNumber, "service", "ListInteractions",
     FillList<service::v1::ListInteractionsRequest>, kViewInteractions},
    {"campaigns", CustomerView::kCampaignsFieldNumber, "marketing", "ListCampaignMemberships",
     FillList<marketing::v1::ListCampaignMembershipsRequest>, kViewCampaigns},
    {"profile", CustomerView::kProfileFieldNumber, "marketing", "GetCustomerProfile",
     FillGet<marketing::v1::GetCustomerProfileRequest>},
    {"contact_points", CustomerView::kContactPointsFieldNumber, "accounts", "ListContactPoints",
     FillList<accounts::v1::ListContactPointsRequest>, kViewContactPoints},
    {"relationships", CustomerView::kRelationshipsFieldNumber, "accounts", "ListRelationships",
     FillList<accounts::v1::ListRelationshipsRequest>, kViewRelationships},
    {"opportunities", CustomerView::kOpportunitiesFieldNumber, "sales", "ListOpportunities",
     FillList<sales::v1::ListOpportunitiesRequest>, kViewOpportunities}};

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
    const PartSource& source = kSources[part];
    const Backend* backend = FindBackend(backends_, source.service);
    if (backend == nullptr) return Take(part, Reply{.status = absl::UnimplementedError("")});
    Ask(
        *backend->handler, *backend->rpc->FindMethodByName(source.method), call_->metadata,
        [&](auto& request) { source.fill(request, request_.name(), source.rows); },
        [self = shared_from_this(), part](Reply reply) { self->Take(part, std::move(reply)); });
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
    std::vector<std::string> tokens;
    std::string parts;
    std::string missing;
    for (int part = 0; part < kParts; ++part) {
      if (!Wants(static_cast<Part>(part))) continue;
      tokens.push_back(replies_[part].consistency_token);
      Append(static_cast<Part>(part), &parts, &missing);
    }
    Trim(&parts);
    std::string body;
    AppendField(CustomerView::kNameFieldNumber, absl::StrCat(request_.name(), "/view"), &body);
    body += parts;
    body += missing;
    Finish(std::move(call_),
           Reply{.body = std::move(body), .consistency_token = JoinTokens(tokens)});
  }

  // What was answered to `parts`, or that and why it is not there to `missing`.
  void Append(Part part, std::string* parts, std::string* missing) {
    const PartSource& source = kSources[part];
    const Reply& reply = replies_[part];
    if (FindBackend(backends_, source.service) == nullptr) {
      AppendField(CustomerView::kNotInstalledFieldNumber, source.field, missing);
    } else if (absl::IsNotFound(reply.status) && !source.IsList()) {
      return;  // There is none, and that is no gap.
    } else if (!reply.status.ok()) {
      v1::MissingPart gap;
      gap.set_part(source.field);
      *gap.mutable_status() = ToRpcStatus(reply.status);
      AppendField(CustomerView::kMissingPartsFieldNumber, gap.SerializeAsString(), missing);
    } else if (!source.IsList()) {
      AppendField(source.number, reply.body, parts);
    } else if (part == kCampaigns) {
      AppendCampaigns(reply.body, parts);
    } else {
      ForEachRow(reply.body,
                 [&](absl::string_view row) { AppendField(source.number, row, parts); });
    }
  }

  // Parts are read as wholes; only a mask that names fields inside of them leaves more to do.
  void Trim(std::string* parts) {
    const auto& paths = request_.read_mask().paths();
    if (std::none_of(paths.begin(), paths.end(),
                     [](const std::string& path) { return path.find('.') != std::string::npos; })) {
      return;
    }
    CustomerView view;
    view.ParseFromString(*parts);
    const absl::Status trimmed = ApplyReadMask(request_.read_mask(), &view);
    Ensure(trimmed.ok(), "the mask was checked before anything was asked");
    *parts = view.SerializeAsString();
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
