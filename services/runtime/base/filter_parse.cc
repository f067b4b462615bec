// AIP-160's grammar by recursive descent; filter_bind.cc gives comparisons their meaning.
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/type/money.pb.h"
#include "services/runtime/base/filter_node.h"
#include "services/runtime/base/status.h"
#include "services/runtime/base/text.h"

namespace rapport {
namespace {

using Node = Filter::Node;
using NodePtr = std::unique_ptr<Node>;

// What people and user interfaces write stays far below; every term costs time per row.
constexpr int kMaxCharacters = 2'000;
constexpr int kMaxTerms = 100;
constexpr int kMaxFilterDepth = 20;

size_t CharactersIn(absl::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (c & 0xc0) != 0x80;
  return count;
}

bool IsWord(char c) {
  return absl::ascii_isalnum(c) || c == '_';
}
bool EndsValue(char c) {
  return absl::ascii_isspace(c) ||
         absl::string_view("()\"',=<>!").find(c) != absl::string_view::npos;
}

class Parser {
 public:
  Parser(absl::string_view text, const google::protobuf::Descriptor* type)
      : text_(text), type_(type) {}

  absl::StatusOr<NodePtr> Parse() {
    ASSIGN_OR_RETURN(NodePtr node, ParseExpression());
    SkipSpace();
    if (position_ < text_.size()) return Error(position_, "expected AND, OR or the end");
    return node;
  }

 private:
  absl::Status Error(size_t position, absl::string_view what) const {
    return FilterError(text_, position, what);
  }

  void SkipSpace() {
    while (position_ < text_.size() && absl::ascii_isspace(text_[position_])) ++position_;
  }

  bool At(char c) const { return position_ < text_.size() && text_[position_] == c; }

  bool AtKeyword(absl::string_view keyword) const {
    const absl::string_view rest = text_.substr(position_);
    return absl::StartsWith(rest, keyword) &&
           (rest.size() == keyword.size() || !IsWord(rest[keyword.size()]));
  }

  bool TakeKeyword(absl::string_view keyword) {
    SkipSpace();
    if (!AtKeyword(keyword)) return false;
    position_ += keyword.size();
    return true;
  }

  static NodePtr Join(Node::Kind kind, std::vector<NodePtr> parts) {
    if (parts.size() == 1) return std::move(parts.front());
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->children = std::move(parts);
    return node;
  }

  // expression = sequence {AND sequence}; sequence = factor {factor}: both join by AND.
  absl::StatusOr<NodePtr> ParseExpression() {
    std::vector<NodePtr> parts;
    do {
      ASSIGN_OR_RETURN(NodePtr part, ParseFactor());
      parts.push_back(std::move(part));
    } while (TakeKeyword("AND") || AtFactor());
    return Join(Node::Kind::kAnd, std::move(parts));
  }

  bool AtFactor() {
    SkipSpace();
    return position_ < text_.size() && !At(')');
  }

  // factor = term {OR term}: OR binds tighter than AND (AIP-160).
  absl::StatusOr<NodePtr> ParseFactor() {
    std::vector<NodePtr> parts;
    do {
      ASSIGN_OR_RETURN(NodePtr part, ParseTerm());
      parts.push_back(std::move(part));
    } while (TakeKeyword("OR"));
    return Join(Node::Kind::kOr, std::move(parts));
  }

  absl::StatusOr<NodePtr> ParseTerm() {
    SkipSpace();
    bool negated = TakeKeyword("NOT");
    if (!negated && At('-')) {
      negated = true;
      ++position_;
    }
    ASSIGN_OR_RETURN(NodePtr node, ParseSimple());
    if (!negated) return node;
    auto negation = std::make_unique<Node>();
    negation->kind = Node::Kind::kNot;
    negation->children.push_back(std::move(node));
    return negation;
  }

  absl::StatusOr<NodePtr> ParseSimple() {
    SkipSpace();
    if (!At('(')) return ParseRestriction();
    if (++depth_ > kMaxFilterDepth) {
      return Error(position_,
                   absl::StrCat("parentheses nest more than ", kMaxFilterDepth, " deep"));
    }
    ++position_;
    ASSIGN_OR_RETURN(NodePtr node, ParseExpression());
    SkipSpace();
    if (!At(')')) return Error(position_, "expected )");
    ++position_;
    --depth_;
    return node;
  }

  absl::StatusOr<NodePtr> ParseRestriction() {
    const size_t start = position_;
    if (++terms_ > kMaxTerms) {
      return Error(start, absl::StrCat("has more than ", kMaxTerms, " terms; split the query"));
    }
    if (AtKeyword("AND") || AtKeyword("OR") || AtKeyword("NOT")) {
      return Error(start, "expected a comparison here, not AND, OR or NOT");
    }
    std::vector<std::string> segments;
    RETURN_IF_ERROR(ParseMember(segments));
    SkipSpace();
    if (At('(')) return Error(start, "functions are not supported; compare a field");
    const absl::string_view op = TakeOperator();
    if (op.empty()) return NoOperator(start, segments.back());
    SkipSpace();
    if (At('(')) {
      return Error(position_, "expected a value; write field = a OR field = b for several");
    }
    ASSIGN_OR_RETURN(FilterValue value, ParseValue());
    auto node = std::make_unique<Node>();
    node->position = start;
    RETURN_IF_ERROR(BindComparison(text_, type_, segments, op, std::move(value), *node));
    return node;
  }

  absl::Status NoOperator(size_t start, absl::string_view word) const {
    const std::string upper = absl::AsciiStrToUpper(word);
    if (upper == "AND" || upper == "OR" || upper == "NOT") {
      return Error(start, absl::StrCat(upper, " is written in capitals, between comparisons"));
    }
    return Error(start, "a word alone is not searched for; compare a field, like name : \"text\"");
  }

  // member = word {"." (word | quoted text)}
  absl::Status ParseMember(std::vector<std::string>& segments) {
    if (At('"') || At('\'')) {
      return Error(position_,
                   "a text alone is not searched for; compare a field, like name : \"text\"");
    }
    while (true) {
      const size_t start = position_;
      if (!segments.empty() && (At('"') || At('\''))) {
        ASSIGN_OR_RETURN(FilterValue quoted, ParseQuoted());
        segments.push_back(std::move(quoted.text));
      } else {
        // Keys of labels may have hyphens; a field's name has none.
        while (position_ < text_.size() &&
               (IsWord(text_[position_]) || (!segments.empty() && At('-')))) {
          ++position_;
        }
        if (position_ == start) return Error(start, "expected a field");
        segments.emplace_back(text_.substr(start, position_ - start));
      }
      if (!At('.')) return absl::OkStatus();
      ++position_;
    }
  }

  absl::string_view TakeOperator() {
    for (const absl::string_view op : {"<=", ">=", "!=", "=", "<", ">", ":"}) {
      if (!absl::StartsWith(text_.substr(position_), op)) continue;
      position_ += op.size();
      return op;
    }
    return {};
  }

  absl::StatusOr<FilterValue> ParseValue() {
    if (At('"') || At('\'')) return ParseQuoted();
    FilterValue value;
    value.position = position_;
    while (position_ < text_.size() && !EndsValue(text_[position_])) ++position_;
    value.text = std::string(text_.substr(value.position, position_ - value.position));
    if (value.text.empty()) return Error(value.position, "expected a value");
    value.lone_star = value.text == "*";
    value.any_before = value.text.front() == '*';
    value.any_after = value.text.back() == '*';
    return value;
  }

  // A backslash keeps the next character as it is; \n and \t are newline and tab.
  absl::StatusOr<FilterValue> ParseQuoted() {
    FilterValue value;
    value.quoted = true;
    value.position = position_;
    const char quote = text_[position_++];
    while (!At(quote)) {
      if (position_ >= text_.size()) return Error(value.position, "the quoted text has no end");
      char c = text_[position_++];
      const bool escaped = c == '\\';
      if (escaped) {
        if (position_ >= text_.size()) return Error(value.position, "the quoted text has no end");
        c = text_[position_++];
        c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
      }
      // The text keeps its stars until it is known whether they mean anything.
      value.any_after = c == '*' && !escaped;
      if (value.text.empty()) value.any_before = value.any_after;
      value.text += c;
    }
    ++position_;
    return value;
  }

  const absl::string_view text_;
  const google::protobuf::Descriptor* const type_;
  size_t position_ = 0;
  int depth_ = 0;
  int terms_ = 0;
};

using Currencies = std::set<std::vector<const google::protobuf::FieldDescriptor*>>;

bool IsMoneyField(const Node& node) {
  return node.path.back()->containing_type() == google::type::Money::descriptor();
}

bool IsCurrencyEquality(const Node& node) {
  return node.kind == Node::Kind::kCompare && IsMoneyField(node) && !node.ThroughList() &&
         node.path.back()->number() == google::type::Money::kCurrencyCodeFieldNumber &&
         node.op == Node::Operator::kEqual && !node.any_before && !node.any_after;
}

// The currencies that hold wherever `node` is looked at, added to those of around it.
void AddCurrencies(const Node& node, Currencies& known) {
  if (node.kind == Node::Kind::kAnd) {
    for (const NodePtr& child : node.children) AddCurrencies(*child, known);
  } else if (IsCurrencyEquality(node)) {
    known.insert({node.path.begin(), node.path.end() - 1});
  }
}

// 100 of which currency? An amount is compared only where its currency is known.
absl::Status CheckMoneyFields(absl::string_view text, const Node& node, Currencies known) {
  AddCurrencies(node, known);
  for (const NodePtr& child : node.children) {
    RETURN_IF_ERROR(CheckMoneyFields(text, *child, known));
  }
  if (node.kind != Node::Kind::kCompare || !IsMoneyField(node) ||
      node.op == Node::Operator::kPresent ||
      node.path.back()->number() == google::type::Money::kCurrencyCodeFieldNumber) {
    return absl::OkStatus();
  }
  if (node.ThroughList()) {
    return FilterError(text, node.position, "amounts inside a list cannot be compared");
  }
  if (known.contains({node.path.begin(), node.path.end() - 1})) return absl::OkStatus();
  std::string money;
  for (size_t i = 0; i + 1 < node.path.size(); ++i) {
    absl::StrAppend(&money, node.path[i]->name(), ".");
  }
  return FilterError(text, node.position,
                     absl::StrCat("an amount needs its currency beside it: ", money,
                                  "currency_code = \"USD\" AND ", money, "units > 100"));
}

}  // namespace

absl::Status FilterError(absl::string_view text, size_t position, absl::string_view what) {
  return InvalidField(
      "filter",
      absl::StrCat("at character ", CharactersIn(text.substr(0, position)) + 1, ": ", what));
}

absl::StatusOr<NodePtr> ParseFilter(absl::string_view text,
                                    const google::protobuf::Descriptor* type) {
  const absl::StatusOr<TextSummary> summary = SummarizeText(text);
  if (!summary.ok()) return InvalidField("filter", summary.status().message());
  if (summary->characters > kMaxCharacters) {
    return InvalidField("filter", absl::StrCat("must have at most ", kMaxCharacters,
                                               " characters, but has ", summary->characters));
  }
  ASSIGN_OR_RETURN(NodePtr node, Parser(text, type).Parse());
  RETURN_IF_ERROR(CheckMoneyFields(text, *node, {}));
  return node;
}

}  // namespace rapport
