// Messages filled at random, for tests that hold for any message.
#pragma once

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/rpc/error_details.pb.h"

namespace rapport::testing_support {

class RandomMessage {
 public:
  explicit RandomMessage(unsigned seed) : random_(seed) {}

  void Fill(google::protobuf::Message* message, int depth = 3) {
    using google::protobuf::Descriptor;
    switch (message->GetDescriptor()->well_known_type()) {
      case Descriptor::WELLKNOWNTYPE_TIMESTAMP: {
        auto* time = static_cast<google::protobuf::Timestamp*>(message);
        time->set_seconds(Between(-62'135'596'800, 253'402'300'799));
        return time->set_nanos(Nanos());
      }
      case Descriptor::WELLKNOWNTYPE_DURATION: {
        auto* duration = static_cast<google::protobuf::Duration*>(message);
        const int sign = Between(0, 1) == 0 ? -1 : 1;
        duration->set_seconds(sign * Between(0, 315'576'000'000));
        return duration->set_nanos(sign * Nanos());
      }
      case Descriptor::WELLKNOWNTYPE_FIELDMASK: {
        auto* mask = static_cast<google::protobuf::FieldMask*>(message);
        for (int i = Between(0, 2); i > 0; --i) mask->add_paths("order.unit_price");
        return mask->add_paths("display_name");
      }
      case Descriptor::WELLKNOWNTYPE_ANY: {
        google::rpc::BadRequest bad;
        Fill(&bad, 2);
        google::protobuf::Timestamp time;
        Fill(&time);
        auto* any = static_cast<google::protobuf::Any*>(message);
        Between(0, 1) == 0 ? any->PackFrom(bad) : any->PackFrom(time);
        return;
      }
      default:
        break;
    }
    if (absl::StartsWith(message->GetDescriptor()->full_name(), "google.protobuf.Struct")) return;
    for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
      const auto* field = message->GetDescriptor()->field(i);
      if (Between(0, 3) == 0) continue;
      if (field->message_type() != nullptr && depth == 0) continue;
      const int times = field->is_repeated() ? Between(0, 4) : 1;
      for (int n = 0; n < times; ++n) FillField(message, field, depth);
    }
  }

  int64_t Between(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }

  std::string Text() {
    static const std::vector<std::string> kPieces = {"a",
                                                     "Zürich",
                                                     "\"",
                                                     "\\",
                                                     "/",
                                                     "\n",
                                                     "\t",
                                                     "\r",
                                                     "\x01",
                                                     "\x1f",
                                                     "\x7f",
                                                     "日本",
                                                     "😀",
                                                     "<",
                                                     ">",
                                                     "&",
                                                     "\u2028",
                                                     " ",
                                                     "plain text of some length",
                                                     ""};
    std::string text;
    for (int64_t i = Between(0, 12); i > 0; --i) text += kPieces[Between(0, kPieces.size() - 1)];
    return text;
  }

 private:
  int32_t Nanos() {
    static constexpr int32_t kUnits[] = {1'000'000'000, 1'000'000, 1'000, 1};
    const int32_t unit = kUnits[Between(0, 3)];
    return static_cast<int32_t>(Between(0, 999'999'999) / unit * unit);
  }

  template <typename Number>
  Number Any() {
    if (Between(0, 3) == 0) return static_cast<Number>(Between(0, 100));
    return static_cast<Number>(std::uniform_int_distribution<Number>(
        std::numeric_limits<Number>::min(), std::numeric_limits<Number>::max())(random_));
  }

  template <typename Float, typename Bits>
  Float AnyFloat() {
    if (Between(0, 3) == 0) return static_cast<Float>(Between(-1000, 1000)) / 8;
    const Bits bits = Any<Bits>();
    Float value;
    std::memcpy(&value, &bits, sizeof value);
    return value == value ? value : Float{1};
  }

  std::string Bytes() {
    std::string bytes(Between(0, 9), '\0');
    for (char& c : bytes) c = static_cast<char>(Between(0, 255));
    return bytes;
  }

  void FillField(google::protobuf::Message* message, const google::protobuf::FieldDescriptor* field,
                 int depth) {
    using google::protobuf::FieldDescriptor;
    const auto* to = message->GetReflection();
    const bool many = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32: {
        const auto value = Any<int32_t>();
        return many ? to->AddInt32(message, field, value) : to->SetInt32(message, field, value);
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        const auto value = Any<int64_t>();
        return many ? to->AddInt64(message, field, value) : to->SetInt64(message, field, value);
      }
      case FieldDescriptor::CPPTYPE_UINT32: {
        const auto value = Any<uint32_t>();
        return many ? to->AddUInt32(message, field, value) : to->SetUInt32(message, field, value);
      }
      case FieldDescriptor::CPPTYPE_UINT64: {
        const auto value = Any<uint64_t>();
        return many ? to->AddUInt64(message, field, value) : to->SetUInt64(message, field, value);
      }
      case FieldDescriptor::CPPTYPE_DOUBLE: {
        const auto value = AnyFloat<double, uint64_t>();
        return many ? to->AddDouble(message, field, value) : to->SetDouble(message, field, value);
      }
      case FieldDescriptor::CPPTYPE_FLOAT: {
        const auto value = AnyFloat<float, uint32_t>();
        return many ? to->AddFloat(message, field, value) : to->SetFloat(message, field, value);
      }
      case FieldDescriptor::CPPTYPE_BOOL: {
        const bool value = Between(0, 1) == 1;
        return many ? to->AddBool(message, field, value) : to->SetBool(message, field, value);
      }
      case FieldDescriptor::CPPTYPE_ENUM: {
        const auto* type = field->enum_type();
        const auto* value = type->value(static_cast<int>(Between(0, type->value_count() - 1)));
        return many ? to->AddEnum(message, field, value) : to->SetEnum(message, field, value);
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        const auto value = field->type() == FieldDescriptor::TYPE_BYTES ? Bytes() : Text();
        return many ? to->AddString(message, field, value) : to->SetString(message, field, value);
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Fill(many ? to->AddMessage(message, field) : to->MutableMessage(message, field),
                    depth - 1);
    }
  }

  std::mt19937_64 random_;
};

}  // namespace rapport::testing_support
