// A case that is a part of another.
#include "rapport/service/v1/refusal.pb.h"
#include "services/service/domain/case.h"
#include "tests/unit/service/case_events.h"
#include "tests/unit/spec.h"

namespace rapport::service {
namespace {

using spec::At;
using spec::Given;
using v1::Case;
using v1::CaseEvent;
using v1::Refusal;

TEST(OpenCase, MayBeAPartOfAnotherOfTheSameCustomer) {
  v1::CreateCaseRequest request;
  request.mutable_case_()->set_kind(Case::COMPLAINT);
  request.mutable_case_()->set_subject("and the door");
  request.mutable_case_()->set_parent_case("customers/ada/cases/house");
  EXPECT_EQ(Given<CaseAggregate>().When(request).ThenState().parent_case(),
            "customers/ada/cases/house");
  request.mutable_case_()->set_parent_case("customers/bob/cases/house");
  Given<CaseAggregate>().When(request).ThenFails(absl::StatusCode::kInvalidArgument,
                                                 "case.parent_case");
}

TEST(OpenCase, IsRefusedUnderAClosedWhole) {
  Case whole;
  whole.set_name("customers/ada/cases/house");
  v1::CreateCaseRequest request;
  request.mutable_case_()->set_kind(Case::COMPLAINT);
  request.mutable_case_()->set_subject("and the door");
  request.mutable_case_()->set_parent_case(whole.name());
  for (const auto state : {Case::OPEN, Case::RESOLVED}) {
    whole.set_state(state);
    Given<CaseAggregate>().Seeing(whole).When(request).ThenState();
  }
  whole.set_state(Case::CLOSED);
  Given<CaseAggregate>().Seeing(whole).When(request).ThenRefuses(Refusal::CASE_CLOSED);
}

TEST(CorrectCase, StaysThePartOfWhatItIs) {
  v1::UpdateCaseRequest request;
  request.mutable_case_()->set_parent_case("customers/ada/cases/other");
  request.mutable_update_mask()->add_paths("parent_case");
  Given<CaseAggregate>(Opened()).When(request).ThenFails(absl::StatusCode::kInvalidArgument,
                                                         "case.parent_case");
}

TEST(CloseCase, WaitsForItsOpenParts) {
  Case part;
  part.set_name("customers/ada/cases/door");
  part.set_parent_case(spec::NameOf<CaseAggregate>());
  part.set_state(Case::OPEN);
  const auto whole = [] { return Given<CaseAggregate>(Opened(), Resolved()); };
  whole().Seeing(part).When(v1::CloseCaseRequest()).ThenRefuses(Refusal::CASE_PARTS_OPEN);

  Case settled = part;
  settled.set_state(Case::RESOLVED);
  whole().Seeing(settled).When(v1::CloseCaseRequest()).Then(Closed());
  Case deleted = part;
  *deleted.mutable_delete_time() = At(1);
  whole().Seeing(deleted).When(v1::CloseCaseRequest()).Then(Closed());
  Case of_another = part;
  of_another.set_parent_case("customers/ada/cases/garden");
  whole().Seeing(of_another).When(v1::CloseCaseRequest()).Then(Closed());
}

TEST(ReopenCase, IsRefusedUnderAClosedWhole) {
  Case whole;
  whole.set_name("customers/ada/cases/house");
  whole.set_state(Case::CLOSED);
  CaseEvent part = Opened();
  part.mutable_created()->mutable_case_()->set_parent_case(whole.name());
  const auto closed_part = [&] { return Given<CaseAggregate>(part, Resolved(), Closed()); };
  v1::ReopenCaseRequest reopen;
  reopen.set_reason("it came back");
  closed_part().Seeing(whole).When(reopen).ThenRefuses(Refusal::CASE_CLOSED);
  whole.set_state(Case::RESOLVED);
  closed_part().Seeing(whole).When(reopen).Then(Reopened("it came back"));
}

}  // namespace
}  // namespace rapport::service
