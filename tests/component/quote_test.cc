// A price asked for, over reference data: what holds, and why nothing does.
#include <gmock/gmock.h>

#include "rapport/sales/v1/quote.pb.h"
#include "rapport/sales/v1/refusal.pb.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

using sales::v1::QuotePriceResponse;

class QuoteTest : public NodeTest {
 protected:
  void SetUp() override {
    Start();
    Sell("CreateProduct", "product_id: 'rye' product { display_name: 'Rye' }");
    Sell("CreateProduct", "product_id: 'oats' product { display_name: 'Oats' }");
    Sell("CreatePriceBook",
         "price_book_id: 'b' price_book { display_name: 'Retail' currency_code: 'EUR' "
         "start_time { seconds: 1000 } end_time { seconds: 9000000000 } }");
    Sell("CreatePrice",
         "parent: 'priceBooks/b' price { product: 'products/rye' "
         "unit_price { currency_code: 'EUR' units: 5 } unit_cost { currency_code: 'EUR' units: 2 } "
         "tiers { minimum_quantity { value: '2.5' } "
         "  unit_price { currency_code: 'EUR' units: 4 } } "
         "tiers { minimum_quantity { value: '10' } "
         "  unit_price { currency_code: 'EUR' nanos: 333000000 } } "
         "start_time { seconds: 2000 } }");
    Sell("ActivatePriceBook", "name: 'priceBooks/b'");
  }
  Reply Sell(const std::string& method, const std::string& request) {
    return Must(kSales + method, request);
  }
  Reply Ask(const std::string& more) {
    return Do(std::string(kSales) + "QuotePrice", "name: 'priceBooks/b' " + more);
  }
  QuotePriceResponse Quote(const std::string& more) {
    return Parsed<QuotePriceResponse>(Ask("product: 'products/rye' " + more));
  }
  void ExpectRefused(const std::string& more, const std::string& reason) {
    const Reply reply = Ask("product: 'products/rye' " + more);
    EXPECT_EQ(reply.status.code(), absl::StatusCode::kFailedPrecondition) << reply.status;
    EXPECT_EQ(ReasonOf(reply.status), reason) << reply.status;
  }
};

TEST_F(QuoteTest, TheTierThatTheQuantityReachesHoldsForAllOfIt) {
  const QuotePriceResponse one = Quote("");
  EXPECT_EQ(one.unit_price().units(), 5);
  EXPECT_EQ(one.total().units(), 5);
  EXPECT_EQ(one.quantity().value(), "1");
  EXPECT_EQ(one.unit_cost().units(), 2);
  EXPECT_EQ(one.price(), "priceBooks/b/prices/rye");
  EXPECT_TRUE(one.has_time());
  EXPECT_FALSE(one.has_tier());

  EXPECT_EQ(Quote("quantity { value: '2.49' }").total().nanos(), 450'000'000);
  const QuotePriceResponse some = Quote("quantity { value: '2.50' }");
  EXPECT_EQ(some.total().units(), 10);
  EXPECT_EQ(some.tier().minimum_quantity().value(), "2.5");
  // 15 times 0.333 is 4.995: half goes up.
  const QuotePriceResponse many = Quote("quantity { value: '15' }");
  EXPECT_EQ(many.total().units(), 5);
  EXPECT_EQ(many.total().nanos(), 0);
  EXPECT_EQ(many.tier().minimum_quantity().value(), "10");
}

TEST_F(QuoteTest, HoldsFromItsStartUntilBeforeItsEnd) {
  ExpectRefused("time { seconds: 999 }", "PRICE_BOOK_NOT_VALID");
  ExpectRefused("time { seconds: 1000 }", "PRICE_NOT_VALID");
  EXPECT_EQ(Quote("time { seconds: 2000 }").time().seconds(), 2'000);
  EXPECT_EQ(Quote("time { seconds: 8999999999 }").unit_price().units(), 5);
  ExpectRefused("time { seconds: 9000000000 }", "PRICE_BOOK_NOT_VALID");
}

TEST_F(QuoteTest, OnlyAnActiveBookIsAsked) {
  Sell("RetirePriceBook", "name: 'priceBooks/b'");
  ExpectRefused("", "PRICE_BOOK_NOT_ACTIVE");
  Sell("ActivatePriceBook", "name: 'priceBooks/b'");
  Sell("DeletePrice", "name: 'priceBooks/b/prices/rye'");
  ExpectRefused("", "DELETED");
  Sell("UndeletePrice", "name: 'priceBooks/b/prices/rye'");
  EXPECT_EQ(Quote("").unit_price().units(), 5);
  Sell("DeletePriceBook", "name: 'priceBooks/b'");
  ExpectRefused("", "DELETED");
}

TEST_F(QuoteTest, SaysWhatThereIsNot) {
  const Reply no_price = Ask("product: 'products/oats'");
  EXPECT_EQ(no_price.status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(no_price.status.message()),
              testing::HasSubstr("priceBooks/b/prices/oats: the book has no price"));
  EXPECT_EQ(ReasonOf(Ask("product: 'products/none'").status), "product");
  Sell("DeleteProduct", "name: 'products/rye'");
  EXPECT_EQ(ReasonOf(Ask("product: 'products/rye'").status), "product");
  const Reply no_book =
      Do(std::string(kSales) + "QuotePrice", "name: 'priceBooks/none' product: 'products/rye'");
  EXPECT_EQ(no_book.status.code(), absl::StatusCode::kNotFound);
}

TEST_F(QuoteTest, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(ReasonOf(Ask("").status), "product");
  EXPECT_EQ(ReasonOf(Ask("product: 'customers/ada'").status), "product");
  for (const char* wrong : {"0", "-1", "9999999999999999999999999999"}) {
    const Reply reply =
        Ask(absl::StrCat("product: 'products/rye' quantity { value: '", wrong, "' }"));
    EXPECT_EQ(reply.status.code(), absl::StatusCode::kInvalidArgument) << wrong;
    EXPECT_EQ(ReasonOf(reply.status), "quantity") << wrong;
  }
}

}  // namespace
}  // namespace rapport::component
