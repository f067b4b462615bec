#include "services/accounts/domain/contact_point.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "services/accounts/domain/contact_text.h"
#include "services/accounts/domain/preferred_hours.h"
#include "services/runtime/base/text.h"

namespace rapport::accounts {
namespace {

using v1::ContactPoint;
using v1::ContactPointEvent;

constexpr size_t kRegionCodeLetters = 2;

// Answers the look-up key, as the functions below do.
absl::StatusOr<std::string> NormalisePhone(v1::Phone& phone) {
  const bool has_raw = !phone.raw().empty();
  if (has_raw != phone.number().empty()) {
    return InvalidField("contact_point.phone",
                        "say number in E.164, or raw with its region_code; not both, and in an "
                        "Update the whole phone");
  }
  const absl::StatusOr<PhoneNumber> parsed =
      ParsePhone(has_raw ? phone.raw() : phone.number(), phone.region_code());
  if (!parsed.ok()) {
    return InvalidField(has_raw ? "contact_point.phone.raw" : "contact_point.phone.number",
                        parsed.status().message());
  }
  if (phone.extension().empty()) phone.set_extension(parsed->extension);
  if (!std::all_of(phone.extension().begin(), phone.extension().end(), absl::ascii_isdigit)) {
    return InvalidField("contact_point.phone.extension", "must be digits");
  }
  phone.set_number(parsed->e164);
  phone.clear_raw();
  phone.clear_region_code();
  return phone.number();
}

absl::StatusOr<std::string> NormaliseEmail(std::string& email) {
  absl::StatusOr<std::string> parsed = ParseEmail(email);
  if (!parsed.ok()) return InvalidField("contact_point.email", parsed.status().message());
  email = *std::move(parsed);
  return FoldCase(email);
}

absl::StatusOr<std::string> NormaliseHandle(v1::MessagingHandle& handle) {
  handle.set_network(absl::AsciiStrToLower(absl::StripAsciiWhitespace(handle.network())));
  handle.set_handle(std::string(absl::StripAsciiWhitespace(handle.handle())));
  const auto is_word = [](unsigned char c) { return absl::ascii_isalnum(c) || c == '-'; };
  if (handle.network().empty() ||
      !std::all_of(handle.network().begin(), handle.network().end(), is_word)) {
    return InvalidField("contact_point.messaging_handle.network",
                        "must be one word of letters, digits and hyphens, like whatsapp");
  }
  if (handle.handle().empty()) {
    return InvalidField("contact_point.messaging_handle.handle", "must not be blank");
  }
  return absl::StrCat(handle.network(), ":", FoldCase(handle.handle()));
}

absl::StatusOr<std::string> NormalisePostalAddress(google::type::PostalAddress& address) {
  address.set_region_code(absl::AsciiStrToUpper(address.region_code()));
  if (address.region_code().size() != kRegionCodeLetters ||
      !std::all_of(address.region_code().begin(), address.region_code().end(),
                   absl::ascii_isalpha)) {
    return InvalidField("contact_point.postal_address.region_code",
                        "must be the country's two letters of ISO 3166, like DE");
  }
  if (address.address_lines().empty() && address.locality().empty() &&
      address.postal_code().empty()) {
    return InvalidField("contact_point.postal_address",
                        "says nothing but its country; add address_lines, locality or postal_code");
  }
  return "";
}

absl::StatusOr<std::string> NormaliseAddress(ContactPoint& point) {
  switch (point.address_case()) {
    case ContactPoint::kPhone:
      return NormalisePhone(*point.mutable_phone());
    case ContactPoint::kEmail:
      return NormaliseEmail(*point.mutable_email());
    case ContactPoint::kPostalAddress:
      return NormalisePostalAddress(*point.mutable_postal_address());
    case ContactPoint::kMessagingHandle:
      return NormaliseHandle(*point.mutable_messaging_handle());
    case ContactPoint::ADDRESS_NOT_SET:
      break;
  }
  return InvalidField("contact_point",
                      "needs one of phone, email, postal_address and messaging_handle");
}

bool SameAddress(const ContactPoint& left, const ContactPoint& right) {
  if (left.address_case() != right.address_case()) return false;
  return left.has_postal_address() ? left.postal_address().SerializeAsString() ==
                                         right.postal_address().SerializeAsString()
                                   : left.lookup_key() == right.lookup_key();
}

}  // namespace

absl::Status ContactPointAggregate::Normalise(const ContactPoint* before, ContactPoint& after) {
  ASSIGN_OR_RETURN(std::string key, NormaliseAddress(after));
  after.set_lookup_key(std::move(key));
  if (before != nullptr && !SameAddress(*before, after)) after.clear_verification();
  return absl::OkStatus();
}

absl::Status ContactPointAggregate::Check(const ContactPoint& after) {
  if (!after.has_preferred_hours()) return absl::OkStatus();
  return CheckPreferredHours(after.preferred_hours(), "contact_point.preferred_hours");
}

Decision<ContactPointEvent> ContactPointAggregate::Decide(
    const ContactPoint& state, const v1::VerifyContactPointRequest& request,
    const Context& context) {
  if (state.verification().method() == request.method() &&
      state.verification().verify_time() >= context.occur_time) {
    return Nothing();
  }
  ContactPointEvent event;
  event.mutable_verified()->set_method(request.method());
  return event;
}

Decision<ContactPointEvent> ContactPointAggregate::Decide(const ContactPoint& state,
                                                          const v1::PreferContactPointRequest&,
                                                          const Context& context) {
  if (state.prefer_time() >= context.occur_time) return Nothing();
  ContactPointEvent event;
  event.mutable_preferred();
  return event;
}

void ContactPointAggregate::Evolve(ContactPoint& state, const ContactPointEvent& event,
                                   const Facts& facts) {
  switch (event.event_case()) {
    case ContactPointEvent::kVerified:
      state.mutable_verification()->set_method(event.verified().method());
      *state.mutable_verification()->mutable_verify_time() = facts.occur_time;
      break;
    case ContactPointEvent::kPreferred:
      *state.mutable_prefer_time() = facts.occur_time;
      break;
    case ContactPointEvent::kCreated:  // the runtime's
    case ContactPointEvent::kUpdated:
    case ContactPointEvent::kDeleted:
    case ContactPointEvent::kUndeleted:
    case ContactPointEvent::EVENT_NOT_SET:
      break;
  }
}

}  // namespace rapport::accounts
