#include "services/accounts/upsert.h"

#include "rapport/accounts/v1/upsert.pb.h"
#include "services/accounts/domain/external_id.h"
#include "services/runtime/base/ids.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/status.h"
#include "services/runtime/rpc/ask.h"

namespace rapport::accounts {
namespace {

class Upsert : public std::enable_shared_from_this<Upsert> {
 public:
  Upsert(Handler& service, CallPtr call)
      : service_(service),
        call_(std::move(call)),
        request_(static_cast<const v1::UpsertCustomerRequest&>(*call_->request)) {}

  void Start() {
    if (const absl::Status key = CheckKey(request_.external_id(), "external_id"); !key.ok()) {
      return Finish(std::move(call_), key);
    }
    FindLink();
  }

 private:
  using Next = void (Upsert::*)(Reply reply);

  template <class Request>
  void Then(const char* method, const Request& request, Next next) {
    Ask<Request>(
        service_, *call_->method->service(), method, call_->metadata,
        [&request](Request& own) { own = request; },
        [self = shared_from_this(), next](Reply reply) {
          // What one step has seen, the next one sees.
          if (!reply.consistency_token.empty()) {
            self->call_->metadata.consistency_token = reply.consistency_token;
          }
          (self.get()->*next)(std::move(reply));
        });
  }

  // What all writes have in common. `step` tells their request ids apart.
  template <class Request>
  Request Write(absl::string_view step) const {
    Request request;
    if (!request_.request_id().empty()) {
      request.set_request_id(
          DerivedId(absl::StrCat("customers:upsert:", step), request_.request_id()));
    }
    request.set_validate_only(request_.validate_only());
    if (request_.has_occur_time()) *request.mutable_occur_time() = request_.occur_time();
    return request;
  }

  void FindLink() {
    v1::GetExternalIdRequest request;
    request.set_name(ExternalIdName(request_.external_id()));
    Then("GetExternalId", request, &Upsert::LinkFound);
  }

  void LinkFound(Reply reply) {
    if (!absl::IsNotFound(reply.status)) return UseLink(std::move(reply));
    if (link_exists_) {
      reply.status = Unavailable("the external id was made a moment ago and is not readable yet");
      return Done(std::move(reply));
    }
    auto request = Write<v1::CreateExternalIdRequest>("link");
    *request.mutable_external_id()->mutable_key() = request_.external_id();
    Then("CreateExternalId", request, &Upsert::LinkMade);
  }

  // Somebody else may have made it meanwhile.
  void LinkMade(Reply reply) {
    link_exists_ = absl::IsAlreadyExists(reply.status);
    return link_exists_ ? FindLink() : UseLink(std::move(reply));
  }

  void UseLink(Reply reply) {
    v1::ExternalId link;
    if (reply.status.ok() && !link.ParseFromString(reply.body)) {
      reply.status = absl::DataLossError("an external id cannot be read");
    }
    if (reply.status.ok() && link.has_delete_time()) reply.status = Deleted(link.name());
    if (!reply.status.ok()) return Done(std::move(reply));
    customer_ = link.customer();
    // First, also where the customer is likely there: only so does a repeat of the request that
    // created it find that out, and not update what others have changed since.
    auto request = Write<v1::CreateCustomerRequest>("create");
    request.set_customer_id(std::string(IdOf(customer_)));
    *request.mutable_customer() = request_.customer();
    Then("CreateCustomer", request, &Upsert::CustomerMade);
  }

  void CustomerMade(Reply reply) {
    if (!absl::IsAlreadyExists(reply.status) || IsRequestIdReused(reply.status)) {
      return Done(std::move(reply));
    }
    auto request = Write<v1::UpdateCustomerRequest>("update");
    *request.mutable_customer() = request_.customer();
    request.mutable_customer()->set_name(customer_);
    *request.mutable_update_mask() = request_.update_mask();
    Then("UpdateCustomer", request, &Upsert::Done);
  }

  void Done(Reply reply) { Finish(std::move(call_), std::move(reply)); }

  Handler& service_;
  CallPtr call_;
  const v1::UpsertCustomerRequest& request_;  // the call's
  bool link_exists_ = false;
  std::string customer_;
};

}  // namespace

void UpsertCustomer(Handler& service, CallPtr call) {
  std::make_shared<Upsert>(service, std::move(call))->Start();
}

}  // namespace rapport::accounts
