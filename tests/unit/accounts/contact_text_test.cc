#include "services/accounts/domain/contact_text.h"

#include <gtest/gtest.h>

namespace rapport::accounts {
namespace {

TEST(ParsePhone, TakesAnyNationalFormat) {
  struct {
    const char *raw, *region, *e164;
  } const kWritten[] = {
      {"030 / 90 18 20", "DE", "+4930901820"},
      {"(030) 901-820", "de", "+4930901820"},
      {"0049 30 901820", "DE", "+4930901820"},
      {"+49 (0)30 901820", "", "+4930901820"},
      {"(415) 555-2671", "US", "+14155552671"},
      {"1-415-555-2671", "US", "+14155552671"},
      {"020 7946 0958", "GB", "+442079460958"},
      {"06 12 34 56 78", "FR", "+33612345678"},
      {"010-6552 9988", "CN", "+861065529988"},
      {"138 0013 8000", "CN", "+8613800138000"},
      {"2123 4567", "HK", "+85221234567"},
      {"03-1234-5678", "JP", "+81312345678"},
      {"０３－１２３４－５６７８", "JP", "+81312345678"},
      {"+852 2123 4567", "US", "+85221234567"},
      {"02 1234 5678", "IT", "+390212345678"},
  };
  for (const auto& written : kWritten) {
    const auto phone = ParsePhone(written.raw, written.region);
    ASSERT_TRUE(phone.ok()) << written.raw << ": " << phone.status();
    EXPECT_EQ(phone->e164, written.e164) << written.raw;
  }
}

TEST(ParsePhone, KeepsTheExtensionApart) {
  const auto phone = ParsePhone("(415) 555-2671 ext. 89", "US");
  ASSERT_TRUE(phone.ok()) << phone.status();
  EXPECT_EQ(phone->e164, "+14155552671");
  EXPECT_EQ(phone->extension, "89");
}

TEST(ParsePhone, SaysWhatIsWrong) {
  struct {
    const char *raw, *region, *says;
  } const kWrong[] = {
      {"030 901820", "", "names no country"},
      {"030 901820", "XX", "names no country"},
      {"+999 1234567", "", "names no country"},
      {"ring twice", "DE", "is no phone number"},
      {"", "DE", "is no phone number"},
      {"+49", "DE", "is no phone number"},
      {"+49 1", "", "is too short"},
      {"+1 415 555 267", "", "assigns"},
      {"+1 415 555 26711", "", "assigns"},
      {"030 1234567890123456789", "DE", "is too long"},
  };
  for (const auto& wrong : kWrong) {
    const auto phone = ParsePhone(wrong.raw, wrong.region);
    ASSERT_EQ(phone.status().code(), absl::StatusCode::kInvalidArgument) << wrong.raw;
    EXPECT_NE(phone.status().message().find(wrong.says), std::string::npos) << phone.status();
  }
}

TEST(ParseEmail, TrimsAndLowersTheDomainOnly) {
  EXPECT_EQ(*ParseEmail("  Ada.Lovelace+crm@Example.COM\n"), "Ada.Lovelace+crm@example.com");
  EXPECT_EQ(*ParseEmail("李伟@例子.公司"), "李伟@例子.公司");
  EXPECT_EQ(*ParseEmail("a@MÜNCHEN.de"), "a@münchen.de");
  EXPECT_EQ(*ParseEmail("o'hara@mail.example.co.uk"), "o'hara@mail.example.co.uk");
}

TEST(ParseEmail, RefusesWhatCannotBeOne) {
  const std::string long_local(65, 'a');
  for (const std::string& wrong :
       {std::string(), std::string("ada"), std::string("ada@"), std::string("@example.com"),
        std::string("ada@localhost"), std::string("ada@@example.com"),
        std::string("ada lovelace@example.com"), std::string(".ada@example.com"),
        std::string("ada..l@example.com"), std::string("ada@example..com"),
        std::string("ada@-example.com"), std::string("ada@1.2.3.4"),
        std::string("Ada <ada@example.com>"), long_local + "@example.com",
        "a@" + std::string(260, 'b') + ".com"}) {
    EXPECT_EQ(ParseEmail(wrong).status().code(), absl::StatusCode::kInvalidArgument) << wrong;
  }
}

}  // namespace
}  // namespace rapport::accounts
