// Histories that tests write by hand or make up, as the lines that a client would record.
//
//   FaultsOf({Append("a").At(1, 2), Strong({}).At(3, 4)})   // {"lost"}
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/rapportctl/history/history.h"
#include "tools/rapportctl/history/verify_history.h"

namespace rapport::history {

// Its op is its number in the history, from 1.
struct Recorded {
  std::string f;
  std::string token;               // an append's
  std::vector<std::string> shown;  // JSON values: "\"a\"" or "[\"a\",\"b\"]"
  std::string key = "customers/k";
  int process = 0;
  std::string host = "h";
  int64_t invoked = 0;
  std::optional<int64_t> answered;
  std::string answer = "ok";
  std::vector<size_t> after;

  Recorded& At(int64_t begin, int64_t end) {
    invoked = begin;
    answered = end;
    return *this;
  }
  // Nobody knows whether it was done, or will be.
  Recorded& Unknown(int64_t begin) {
    invoked = begin;
    return *this;
  }
  Recorded& Failed(int64_t begin, int64_t end) {
    answer = "fail";
    return At(begin, end);
  }
  Recorded& After(std::vector<size_t> operations) {
    after = std::move(operations);
    return *this;
  }
  Recorded& By(int other) {
    process = other;
    return *this;
  }
  Recorded& On(std::string other) {
    host = std::move(other);
    return *this;
  }
  Recorded& Of(std::string other) {
    key = std::move(other);
    return *this;
  }
};

Recorded Append(const std::string& token);
Recorded Read(const std::vector<std::string>& tokens);
Recorded Strong(const std::vector<std::string>& tokens);

// "\"a\"".
std::string InQuotes(const std::string& token);

std::string ToNdjson(const std::vector<Recorded>& operations);

absl::StatusOr<History> Parse(const std::string& ndjson);

// Stops the program where it is no history at all.
Verdict VerdictOn(const std::vector<Recorded>& operations);

// The names of all faults that it has.
std::vector<std::string> FaultsOf(const std::vector<Recorded>& operations);

}  // namespace rapport::history
