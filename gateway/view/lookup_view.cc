#include "gateway/view/lookup_view.h"

#include "gateway/view/backends.h"
#include "gateway/view/view.h"
#include "rapport/accounts/v1/lookup.pb.h"
#include "services/runtime/rpc/ask.h"

namespace rapport::gateway {
namespace {

// One screen pop on its way: the look-up, then the view of the best match that is still there.
class LookupView : public std::enable_shared_from_this<LookupView> {
 public:
  LookupView(const std::vector<Backend>& backends, CallPtr call)
      : backends_(backends),
        call_(std::move(call)),
        request_(static_cast<const v1::LookupCustomerViewRequest&>(*call_->request)) {}

  void Start() {
    // Before anybody is looked for: a bad mask is refused for nobody, too.
    if (const absl::Status mask = CheckViewMask(request_.read_mask()); !mask.ok()) {
      return Finish(std::move(call_), mask);
    }
    const Backend* accounts = FindBackend(backends_, "accounts");
    if (accounts == nullptr) return Finish(std::move(call_), NotInstalled("accounts"));
    Ask<accounts::v1::LookupCustomersRequest>(
        *accounts->handler, *accounts->rpc, "LookupCustomers", call_->metadata,
        [this](auto& lookup) {
          lookup.set_phone(request_.phone());
          lookup.set_region(request_.region());
          lookup.set_email(request_.email());
          if (request_.has_external_id()) *lookup.mutable_external_id() = request_.external_id();
        },
        [self = shared_from_this()](Reply reply) { self->TakeMatches(std::move(reply)); });
  }

 private:
  void TakeMatches(Reply reply) {
    if (!reply.status.ok()) return Finish(std::move(call_), reply.status);
    found_.ParseFromString(reply.body);
    token_ = std::move(reply.consistency_token);
    ReadView();
  }

  // Of the first match from best_ on that did not vanish since; at most as many as a look-up finds.
  void ReadView() {
    if (best_ == found_.matches_size()) return Answer({});
    auto view = std::make_unique<Call>();
    auto* request =
        google::protobuf::Arena::CreateMessage<v1::GetCustomerViewRequest>(&view->arena);
    request->set_name(found_.matches(best_).customer().name());
    *request->mutable_read_mask() = request_.read_mask();
    view->request = request;
    view->metadata = call_->metadata;
    view->metadata.consistency_token = token_;
    view->done = [self = shared_from_this()](Reply reply) {
      if (reply.status.ok()) return self->Answer(std::move(reply));
      if (!absl::IsNotFound(reply.status)) return Finish(std::move(self->call_), reply.status);
      ++self->best_;
      self->ReadView();
    };
    ReadCustomerView(backends_, std::move(view), DeletedCustomers::kNotFound);
  }

  void Answer(Reply view) {
    v1::LookupCustomerViewResponse response;
    response.set_truncated(found_.truncated());
    auto& matches = *response.mutable_matches();
    matches.Swap(found_.mutable_matches());
    matches.DeleteSubrange(0, best_);
    std::string body = response.SerializeAsString();
    if (!matches.empty()) {
      AppendField(v1::LookupCustomerViewResponse::kViewFieldNumber, view.body, &body);
    }
    Finish(std::move(call_),
           Reply{.body = std::move(body),
                 .consistency_token = JoinTokens({token_, view.consistency_token})});
  }

  const std::vector<Backend>& backends_;
  CallPtr call_;
  const v1::LookupCustomerViewRequest& request_;
  accounts::v1::LookupCustomersResponse found_;
  int best_ = 0;  // of the matches; those before it have vanished
  std::string token_;
};

}  // namespace

void LookupCustomerView(const std::vector<Backend>& backends, CallPtr call) {
  std::make_shared<LookupView>(backends, std::move(call))->Start();
}

}  // namespace rapport::gateway
