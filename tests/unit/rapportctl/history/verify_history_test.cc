// What clients may see, and each thing that they may not.
#include "tools/rapportctl/history/verify_history.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/rapportctl/history/recorded.h"

namespace rapport::history {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Clean, WhoAppendsSeesIt) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Read({"a"}).At(3, 4).After({1}),
                        Append("b").At(5, 6).After({2}), Strong({"a", "b"}).At(7, 8)}),
              IsEmpty());
}

TEST(Clean, AReadWithoutATokenMayBeOld) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Read({}).At(3, 4), Strong({"a"}).At(5, 6),
                        Read({}).At(7, 8)}),
              IsEmpty());
}

TEST(Clean, WhatIsAppendedMeanwhileMayBeSeenOrNot) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 9), Strong({}).At(2, 3), Strong({"a"}).At(4, 5)}),
              IsEmpty());
}

TEST(Clean, AnUnknownAppendMayBeThereOrNotOrLate) {
  EXPECT_THAT(FaultsOf({Append("a").Unknown(1), Strong({}).At(2, 3)}), IsEmpty());
  EXPECT_THAT(FaultsOf({Append("a").Unknown(1), Strong({"a"}).At(2, 3)}), IsEmpty());
  EXPECT_THAT(FaultsOf({Append("a").Unknown(1), Append("b").At(2, 3), Strong({"b"}).At(4, 5),
                        Strong({"b", "a"}).At(6, 7)}),
              IsEmpty());
}

TEST(Clean, AppendsSideBySideStandInAnyOrder) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 4), Append("b").At(2, 3), Strong({"b", "a"}).At(5, 6)}),
              IsEmpty());
}

TEST(Clean, ClocksOfTwoHostsAreNotCompared) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Strong({}).At(3, 4).On("other")}), IsEmpty());
}

TEST(Clean, OfOneInstantNobodyKnowsTheOrder) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 3), Strong({}).At(3, 4)}), IsEmpty());
  EXPECT_THAT(FaultsOf({Append("a").At(1, 3), Append("b").At(3, 4), Strong({"b", "a"}).At(5, 6)}),
              IsEmpty());
}

TEST(Clean, ATokenOfAnotherKeySaysNothingOfThisOne) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Append("b").Of("customers/other").At(3, 4),
                        Read({}).At(5, 6).After({2}), Strong({"a"}).At(7, 8)}),
              IsEmpty());
}

TEST(Lost, AcknowledgedAndNotInAStrongRead) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Append("b").At(3, 4), Read({"a", "b"}).At(5, 6),
                        Strong({"b"}).At(7, 8)}),
              ElementsAre("lost"));
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Strong({}).At(3, 4)}), ElementsAre("lost"));
}

TEST(Lost, AcknowledgedAndNotUnderItsToken) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Read({}).At(3, 4).After({1})}), ElementsAre("lost"));
}

TEST(Lost, UnknownButOnceSeen) {
  EXPECT_THAT(FaultsOf({Append("a").Unknown(1), Read({"a"}).At(2, 3), Strong({}).At(4, 5)}),
              ElementsAre("lost"));
}

TEST(Lost, AGapThatNobodyHadToSee) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Append("b").At(3, 4), Append("c").At(5, 6),
                        Read({"a", "b", "c"}).At(7, 8), Read({"a", "c"}).At(9, 10)}),
              ElementsAre("lost"));
}

TEST(Lost, TwoReadsHaveNothingInCommon) {
  EXPECT_THAT(FaultsOf({Append("a").Unknown(1), Append("b").Unknown(1), Read({"a"}).At(3, 4),
                        Read({"b"}).At(3, 4).On("other")}),
              ElementsAre("lost"));
}

TEST(Lost, WhoWentBackIsBlamedAndNotWhoSawMore) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Append("b").At(3, 4), Append("c").At(5, 6),
                        Read({"a", "b", "c"}).At(7, 8), Append("d").At(9, 10),
                        Strong({"a", "d"}).At(11, 12)}),
              ElementsAre("lost"));
}

TEST(Lost, WhoLacksItIsBlamedAndNotWhoShowsIt) {
  const Verdict verdict =
      VerdictOn({Append("a").At(1, 2), Strong({"a"}).At(3, 4), Append("x").At(1, 2).On("other"),
                 Append("y").At(3, 4).On("other"), Strong({"x", "y"}).At(5, 6).On("other")});
  ASSERT_EQ(verdict.examples.size(), 1);
  EXPECT_EQ(verdict.examples[0].operation, 4);
  EXPECT_EQ(verdict.examples[0].fault, Fault::kLost);
}

TEST(Lost, TheOperationsAreNamedWithTheirLines) {
  const Verdict verdict = VerdictOn({Append("a").At(1, 2), Strong({}).At(3, 4)});
  ASSERT_EQ(verdict.examples.size(), 1);
  EXPECT_THAT(verdict.examples[0].what,
              HasSubstr("customers/k: op 2 (strong read, h.ndjson:4) lacks \"a\", which op 1 "
                        "(append, h.ndjson:1) appended"));
}

TEST(Doubled, TwiceInOneList) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Strong({"a", "a"}).At(3, 4)}),
              ElementsAre("doubled"));
}

TEST(Reordered, TwoReadsDisagree) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 3), Append("b").At(2, 4), Strong({"a", "b"}).At(5, 6),
                        Strong({"b", "a"}).At(7, 8)}),
              ElementsAre("reordered"));
}

TEST(Reordered, SomethingComesInBetweenLater) {
  EXPECT_THAT(FaultsOf({Append("a").Unknown(1), Append("b").At(2, 3), Read({"b"}).At(4, 5),
                        Strong({"a", "b"}).At(6, 7)}),
              ElementsAre("reordered"));
}

TEST(Reordered, SomethingElseTakesItsPlaceLater) {
  EXPECT_THAT(FaultsOf({Append("a").Unknown(1), Append("b").Unknown(1), Append("c").Unknown(1),
                        Read({"a", "b"}).At(3, 4), Read({"c"}).At(5, 6)}),
              ElementsAre("reordered"));
}

TEST(Reordered, TheEarliestOfThoseBehindItCounts) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Append("b").At(3, 4), Append("c").At(1, 9),
                        Strong({"b", "a", "c"}).At(10, 11)}),
              ElementsAre("reordered"));
}

TEST(Reordered, AcknowledgedBeforeAnotherWasBegun) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Append("b").At(3, 4), Strong({"b", "a"}).At(5, 6)}),
              ElementsAre("reordered"));
}

TEST(Reordered, BegunUnderATokenOfWhatStandsBehindIt) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Append("b").At(1, 2).On("other").After({1}),
                        Strong({"b", "a"}).At(5, 6)}),
              ElementsAre("reordered"));
}

TEST(Reordered, ShownBeforeItWasAppended) {
  EXPECT_THAT(FaultsOf({Read({"a"}).At(1, 2), Append("a").At(3, 4)}), ElementsAre("reordered"));
}

TEST(Torn, TheFieldsDiffer) {
  auto torn = Strong({}).At(5, 6);
  torn.shown = {R"(["a","b"])", R"(["b","b"])"};
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Append("b").At(3, 4), torn}), ElementsAre("torn"));
}

TEST(Torn, AFailedAppendIsShown) {
  EXPECT_THAT(FaultsOf({Append("a").Failed(1, 2), Strong({"a"}).At(3, 4)}), ElementsAre("torn"));
}

TEST(Torn, NobodyAppendedItThere) {
  EXPECT_THAT(FaultsOf({Strong({"a"}).At(3, 4)}), ElementsAre("torn"));
  EXPECT_THAT(FaultsOf({Append("a").Of("customers/other").At(1, 2), Strong({"a"}).At(3, 4)}),
              ElementsAre("torn"));
}

TEST(Torn, WhatNobodyAppendedMakesNoListLonger) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Strong({"a"}).At(3, 4), Read({"x", "y"}).At(3, 4)}),
              ElementsAre("torn"));
}

TEST(StaleStrong, ALaterReadHasIt) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Strong({}).At(3, 4), Strong({"a"}).At(5, 6)}),
              ElementsAre("stale-strong"));
}

TEST(StaleUnderToken, ALaterReadHasIt) {
  EXPECT_THAT(
      FaultsOf({Append("a").At(1, 2), Read({}).At(3, 4).After({1}), Strong({"a"}).At(5, 6)}),
      ElementsAre("stale-under-token"));
}

TEST(StaleUnderToken, TheTokenWentThroughOtherKeysAndHosts) {
  const std::string other = "customers/other";
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Append("b").Of(other).At(3, 4).After({1}),
                        Read({"b"}).Of(other).By(1).On("far").At(-5, -4).After({2}),
                        Read({}).By(1).On("far").At(-3, -2).After({3}),
                        Read({"a"}).By(1).On("far").At(-1, 0).After({4})}),
              ElementsAre("stale-under-token"));
}

TEST(StaleUnderToken, OneOfTwoTokensIsEnough) {
  EXPECT_THAT(FaultsOf({Append("a").At(1, 2), Append("b").At(3, 4),
                        Read({"a"}).At(5, 6).After({1, 2}), Strong({"a", "b"}).At(7, 8)}),
              ElementsAre("stale-under-token"));
}

TEST(NonMonotonic, AProcessGoesBack) {
  EXPECT_THAT(
      FaultsOf({Append("a").At(1, 2).By(1), Append("b").Unknown(1).By(2), Read({"a", "b"}).At(3, 4),
                Read({"a"}).At(5, 6).After({3}), Read({"a", "b"}).At(7, 8).After({4})}),
      ElementsAre("non-monotonic"));
}

TEST(Counts, AreByKindAndOutcome) {
  const Verdict verdict =
      VerdictOn({Append("a").At(1, 2), Append("b").Unknown(1), Append("c").Failed(1, 2),
                 Read({}).At(3, 4), Strong({"a"}).At(3, 4)});
  EXPECT_TRUE(verdict.clean());
  EXPECT_THAT(verdict.operations,
              ElementsAre(ElementsAre(1, 1, 1), ElementsAre(1, 0, 0), ElementsAre(1, 0, 0)));
}

TEST(Counts, WhatNobodyHadToLookForIsUnchecked) {
  EXPECT_EQ(VerdictOn({Append("a").At(1, 2), Strong({"a"}).At(3, 4)}).unchecked, 0);
  EXPECT_EQ(VerdictOn({Append("a").At(1, 2), Read({"a"}).At(3, 4)}).unchecked, 1);
  EXPECT_EQ(VerdictOn({Append("a").At(1, 2), Strong({}).At(1, 2)}).unchecked, 1);
}

TEST(Counts, AReadIsAtFaultOnce) {
  const Verdict verdict = VerdictOn(
      {Append("a").At(1, 2), Append("b").At(3, 4), Strong({"a", "b", "a", "b"}).At(5, 6)});
  EXPECT_EQ(verdict.faults[static_cast<int>(Fault::kDoubled)], 1);
}

TEST(Counts, ExamplesAreFew) {
  std::vector<Recorded> operations;
  for (int i = 0; i < 10; ++i) operations.push_back(Append(std::to_string(i)).At(1, 2));
  for (int i = 0; i < 10; ++i) operations.push_back(Strong({}).At(3, 4));
  const Verdict verdict = VerdictOn(operations);
  EXPECT_EQ(verdict.faults[static_cast<int>(Fault::kLost)], 10);
  EXPECT_EQ(verdict.examples.size(), kMaxExamples);
}

}  // namespace
}  // namespace rapport::history
