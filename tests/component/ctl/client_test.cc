// What rapportctl does with rows, answers and columns, without a server.
#include <sstream>
#include <thread>

#include "gtest/gtest.h"
#include "tools/rapportctl/columns.h"
#include "tools/rapportctl/connection.h"
#include "tools/rapportctl/import.h"

namespace rapport {
namespace {

TEST(Columns, ChineseIsTwoWide) {
  EXPECT_EQ(ColumnsOf("Li Wei 李伟"), 11);
  EXPECT_EQ(Fit("李伟", 6), "李伟  ");
  EXPECT_EQ(Fit("入伙申请", 6), "入伙… ");
  EXPECT_EQ(Cut("plain", 5), "plain");
  EXPECT_EQ(Cut("plainer", 5), "plai…");
}

TEST(Columns, NothingSteersTheTerminal) {
  EXPECT_EQ(Cut("a\x1b[2Jb\nc", 20), "a [2Jb c");
}

TEST(ImportAnswers, SayRowRepeatAndError) {
  const auto good = ParseImportAnswer(R"({"row":7,"name":"customers/a","repeat":true})");
  ASSERT_TRUE(good.ok() && *good);
  EXPECT_EQ((*good)->row, 7);
  EXPECT_TRUE((*good)->repeat);
  EXPECT_EQ((*good)->error, "");
  const auto bad =
      ParseImportAnswer(R"({"row":8,"error":{"code":400,"message":"too long",)"
                        R"("details":[{"fieldViolations":[{"field":"order.note"}]}]}})");
  ASSERT_TRUE(bad.ok() && *bad);
  EXPECT_EQ((*bad)->error, "order.note: too long");
  const auto counts = ParseImportAnswer(R"({"job":"j","rows":2,"succeeded":1,"failed":1})");
  ASSERT_TRUE(counts.ok());
  EXPECT_FALSE(*counts);
  EXPECT_FALSE(ParseImportAnswer("<html>").ok());
}

TEST(ImportRows, UnansweredRowsAreSentAgain) {
  std::istringstream input("a\nb\n\nd\n");
  ImportRows rows(input, 5);
  EXPECT_EQ(rows.NextChunk(1'000), "a\nb\n\nd\n");
  rows.Answered(6);
  EXPECT_EQ(rows.answered_bytes(), 4);
  rows.Interrupt();
  EXPECT_EQ(rows.Restart(), 7);
  EXPECT_EQ(rows.NextChunk(1'000), "\nd\n");
  EXPECT_EQ(rows.NextChunk(1'000), "");
  EXPECT_EQ(rows.next_row(), 9);
}

TEST(ImportRows, AFullWindowWaitsForAnswers) {
  std::string many;
  for (size_t i = 0; i < kMaxUnansweredRows + 1; ++i) many += "x\n";
  std::istringstream input(many);
  ImportRows rows(input, 1);
  EXPECT_EQ(rows.NextChunk(many.size()).size(), kMaxUnansweredRows * 2);
  std::thread answers([&rows] { rows.Answered(1); });
  EXPECT_EQ(rows.NextChunk(many.size()), "x\n");
  answers.join();
}

TEST(Server, IsNamedWithOrWithoutItsScheme) {
  EXPECT_EQ(ParseServer("http://127.0.0.1:8080")->port, "8080");
  EXPECT_EQ(ParseServer("[::1]:80")->host, "::1");
  EXPECT_FALSE(ParseServer("https://example.com/").ok());
  EXPECT_EQ(ParseServer("http://[::1]:80/")->text(), "[::1]:80");
}

TEST(Server, SpeaksTlsWhereItIsNamedSo) {
  EXPECT_EQ(ParseServer("127.0.0.1:8080")->tls, nullptr);
  EXPECT_EQ(ParseServer("http://127.0.0.1:8080")->tls, nullptr);
  const auto server = ParseServer("https://rapport.example:8080");
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_NE(server->tls, nullptr);
  EXPECT_EQ(server->text(), "rapport.example:8080");
}

TEST(Server, FlagsOfTlsWantTls) {
  const ClientTlsOptions no_such = {.ca = "/nowhere/ca"};
  EXPECT_EQ(ParseServer("http://127.0.0.1:8080/", no_such).status().message(),
            "http://127.0.0.1:8080/ is plain text, and flags of TLS are given; say "
            "https://127.0.0.1:8080, or leave out --tls-ca, --tls-certificate and --tls-key");
  // Without a scheme, they say it.
  for (const char* url : {"127.0.0.1:8080", "https://127.0.0.1:8080"}) {
    EXPECT_EQ(ParseServer(url, no_such).status().message(),
              "--tls-ca /nowhere/ca: cannot be read: No such file or directory");
  }
}

}  // namespace
}  // namespace rapport
