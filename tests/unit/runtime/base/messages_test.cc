#include "services/runtime/base/messages.h"

#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"

namespace rapport {
namespace {

using google::protobuf::Any;
using google::protobuf::FileOptions;

TEST(NewMessage, IsOfTheTypeAndEmpty) {
  const auto message = NewMessage(Any::descriptor());
  EXPECT_EQ(message->GetDescriptor(), Any::descriptor());
  EXPECT_EQ(message->ByteSizeLong(), 0);
}

TEST(Assign, LeavesNothingOfWhatWasThere) {
  Any from;
  from.set_value("new");
  Any to;
  to.set_type_url("old");
  Assign(from, &to);
  EXPECT_EQ(to.SerializeAsString(), from.SerializeAsString());
}

TEST(AppendField, IsWhatProtobufReads) {
  for (const size_t size : {0, 1, 127, 128, 20'000}) {
    std::string bytes;
    AppendField(Any::kValueFieldNumber, std::string(size, 'x'), &bytes);
    Any any;
    ASSERT_TRUE(any.ParseFromString(bytes)) << size;
    EXPECT_EQ(any.value(), std::string(size, 'x'));
  }
}

TEST(AppendField, TakesNumbersAboveFifteen) {
  std::string bytes;
  AppendField(FileOptions::kObjcClassPrefixFieldNumber, "RAP", &bytes);
  FileOptions options;
  ASSERT_TRUE(options.ParseFromString(bytes));
  EXPECT_EQ(options.objc_class_prefix(), "RAP");
}

}  // namespace
}  // namespace rapport
