#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/rest/json.h"
#include "gateway/rest/json_plan.h"
#include "gateway/rest/json_scanner.h"
#include "gateway/rest/json_text.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/arena.h"
#include "services/runtime/base/status.h"

namespace rapport::rest {
namespace {

using google::protobuf::Any;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Form = MessagePlan::Form;
using Token = JsonScanner::Token;

constexpr absl::string_view kTypeKey = "@type";
// How much of a name that we do not know an error repeats.
constexpr size_t kShownNameBytes = 64;
// Names that differ by more edits than this are different words, not slips.
constexpr int kMaxEdits = 2;

absl::string_view NameOf(Token token) {
  switch (token) {
    case Token::kObject:
      return "an object";
    case Token::kArray:
      return "an array";
    case Token::kString:
      return "a string";
    case Token::kNumber:
      return "a number";
    case Token::kTrue:
      return "true";
    case Token::kFalse:
      return "false";
    case Token::kNull:
      return "null";
    case Token::kOther:
      break;
  }
  return "no JSON value";
}

// What the text of a field should be, by its type.
absl::string_view Expected(const FieldDescriptor* field) {
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_STRING:
    case FieldDescriptor::CPPTYPE_ENUM:
      return "a string";
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "an object";
    default:
      return "a number";
  }
}

// Levenshtein's distance.
int Edits(absl::string_view a, absl::string_view b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0]++;
    for (size_t j = 1; j <= b.size(); ++j) {
      const int substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

std::string UnknownField(const MessagePlan& plan, absl::string_view name) {
  if (name.size() > kShownNameBytes) return "unknown field";
  absl::string_view best;
  int best_edits = kMaxEdits + 1;
  for (const FieldPlan& field : plan.fields) {
    for (const std::string& known :
         {std::cref(field.field->json_name()), std::cref(field.field->name())}) {
      const int edits = Edits(name, known);
      if (edits >= best_edits) continue;
      best = known;
      best_edits = edits;
    }
  }
  if (best.empty()) return absl::StrCat("unknown field of ", plan.descriptor->name());
  return absl::StrCat("unknown field; did you mean ", best);
}

class Parser {
 public:
  Parser(absl::string_view text, absl::string_view path) : scanner_(text), path_(path) {}

  absl::Status Parse(Message* out) {
    RETURN_IF_ERROR(ParseMessage(PlanOf(out->GetDescriptor()), out, kMaxJsonDepth));
    if (scanner_.AtEnd()) return absl::OkStatus();
    scanner_.Fail("unexpected text after the end");
    return Syntax();
  }

 private:
  // Lengthens the path for as long as it lives.
  class Step {
   public:
    struct Entry {
      absl::string_view key;
    };
    Step(std::string& path, absl::string_view name) : path_(path), size_(path.size()) {
      if (!path.empty()) path.push_back('.');
      absl::StrAppend(&path, Utf8Prefix(name, kShownNameBytes));
    }
    Step(std::string& path, int index) : path_(path), size_(path.size()) {
      absl::StrAppend(&path, "[", index, "]");
    }
    Step(std::string& path, Entry entry) : path_(path), size_(path.size()) {
      absl::StrAppend(&path, "[\"", Utf8Prefix(entry.key, kShownNameBytes), "\"]");
    }
    Step(const Step&) = delete;
    ~Step() { path_.resize(size_); }

   private:
    std::string& path_;
    const size_t size_;
  };

  absl::Status Wrong(absl::string_view what) { return InvalidField(Place(), what); }
  absl::Status Syntax() { return Wrong(scanner_.error()); }
  absl::Status WrongType(absl::string_view expected) {
    const Token token = scanner_.Peek();
    const bool is_word = token == Token::kTrue || token == Token::kFalse || token == Token::kNull;
    if (token == Token::kOther || (is_word && !scanner_.Literal(NameOf(token)))) {
      scanner_.Fail(absl::StrCat("expected ", expected));
      return Syntax();
    }
    return Wrong(absl::StrCat("expected ", expected, ", got ", NameOf(token)));
  }

  absl::Status ParseMessage(const MessagePlan& plan, Message* out, int depth) {
    if (depth <= 0) return Wrong(absl::StrCat("nested more than ", kMaxJsonDepth, " deep"));
    switch (plan.form) {
      case Form::kFields:
        return ParseObject(plan, out, depth);
      case Form::kAny:
        return ParseAny(static_cast<Any*>(out), depth);
      case Form::kWrapper:
        return ParseScalar(plan.fields[0].field, out);
      case Form::kTimestamp:
      case Form::kDuration:
      case Form::kFieldMask:
        break;
    }
    absl::string_view text;
    if (scanner_.Peek() != Token::kString) return WrongType("a string");
    if (!scanner_.String(&scratch_, &text)) return Syntax();
    return SetWellKnown(text, Place(), out);
  }

  // `ignored` is a name that belongs to somebody else: an Any's @type.
  absl::Status ParseObject(const MessagePlan& plan, Message* out, int depth,
                           absl::string_view ignored = "") {
    if (!scanner_.Take('{')) return WrongType("an object");
    if (scanner_.Take('}')) return absl::OkStatus();
    std::vector<bool> seen(plan.fields.size());
    std::string scratch;
    for (bool more = true; more;) {
      absl::string_view name;
      if (!scanner_.Key(&scratch, &name)) return Syntax();
      if (!ignored.empty() && name == ignored) {
        if (!scanner_.Skip(1)) return Syntax();
      } else {
        RETURN_IF_ERROR(ParseMember(plan, name, seen, out, depth));
      }
      if (!scanner_.Next('}', &more)) return Syntax();
    }
    return absl::OkStatus();
  }

  absl::Status ParseMember(const MessagePlan& plan, absl::string_view name, std::vector<bool>& seen,
                           Message* out, int depth) {
    Step step(path_, name);
    const auto found = plan.by_name.find(std::string(name));
    if (found == plan.by_name.end()) return Wrong(UnknownField(plan, name));
    if (seen[found->second]) return Wrong("appears twice");
    seen[found->second] = true;
    if (scanner_.Peek() == Token::kNull)
      return scanner_.Literal("null") ? absl::OkStatus() : Syntax();
    const FieldPlan& field = plan.fields[found->second];
    RETURN_IF_ERROR(CheckOneof(field.field, *out));
    if (field.field->is_map()) return ParseMap(field, out, depth);
    if (field.field->is_repeated()) return ParseArray(field, out, depth);
    return ParseValue(field, out, depth);
  }

  absl::Status CheckOneof(const FieldDescriptor* field, const Message& out) {
    const auto* oneof = field->real_containing_oneof();
    if (oneof == nullptr || !out.GetReflection()->HasOneof(out, oneof)) return absl::OkStatus();
    const auto* other = out.GetReflection()->GetOneofFieldDescriptor(out, oneof);
    return Wrong(absl::StrCat("only one may be set, and ", other->json_name(), " is"));
  }

  absl::Status ParseArray(const FieldPlan& field, Message* out, int depth) {
    if (depth <= 1) return Wrong(absl::StrCat("nested more than ", kMaxJsonDepth, " deep"));
    if (!scanner_.Take('[')) return WrongType("an array");
    if (scanner_.Take(']')) return absl::OkStatus();
    int index = 0;
    for (bool more = true; more; ++index) {
      Step step(path_, index);
      RETURN_IF_ERROR(ParseValue(field, out, depth - 1));
      if (!scanner_.Next(']', &more)) return Syntax();
    }
    return absl::OkStatus();
  }

  absl::Status ParseMap(const FieldPlan& field, Message* out, int depth) {
    if (!scanner_.Take('{')) return WrongType("an object");
    if (scanner_.Take('}')) return absl::OkStatus();
    std::set<std::string> seen;
    std::string scratch;
    for (bool more = true; more;) {
      absl::string_view key;
      if (!scanner_.Key(&scratch, &key)) return Syntax();
      const Step step(path_, Step::Entry{key});
      if (!seen.emplace(key).second) return Wrong("appears twice");
      Message* entry = out->GetReflection()->AddMessage(out, field.field);
      RETURN_IF_ERROR(SetFromText(field.message->fields[0].field, key, Place(), entry));
      RETURN_IF_ERROR(ParseValue(field.message->fields[1], entry, depth - 1));
      if (!scanner_.Next('}', &more)) return Syntax();
    }
    return absl::OkStatus();
  }

  // One value: of a field, an element or a map entry.
  absl::Status ParseValue(const FieldPlan& plan, Message* out, int depth) {
    const FieldDescriptor* field = plan.field;
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return ParseScalar(field, out);
    const Reflection* reflection = out->GetReflection();
    Message* inner = field->is_repeated() ? reflection->AddMessage(out, field)
                                          : reflection->MutableMessage(out, field);
    return ParseMessage(*plan.message, inner, depth - 1);
  }

  absl::Status ParseScalar(const FieldDescriptor* field, Message* out) {
    const auto type = field->cpp_type();
    const bool is_text = type == FieldDescriptor::CPPTYPE_STRING;
    const bool is_bool = type == FieldDescriptor::CPPTYPE_BOOL;
    absl::string_view text;
    switch (scanner_.Peek()) {
      case Token::kString:
        if (is_bool) return WrongType(Expected(field));
        if (!scanner_.String(&scratch_, &text)) return Syntax();
        break;
      case Token::kNumber:
        if (is_bool || is_text) return WrongType(Expected(field));
        if (!scanner_.Number(&text)) return Syntax();
        break;
      case Token::kTrue:
      case Token::kFalse:
        if (!is_bool) return WrongType(Expected(field));
        text = scanner_.Peek() == Token::kTrue ? "true" : "false";
        if (!scanner_.Literal(text)) return Syntax();
        break;
      default:
        return WrongType(Expected(field));
    }
    return SetFromText(field, text, Place(), out);
  }

  absl::Status ParseAny(Any* out, int depth) {
    if (scanner_.Peek() != Token::kObject) return WrongType("an object");
    const size_t begin = scanner_.offset();
    std::string type_url;
    if (!FindType(&type_url, depth)) return Syntax();
    if (type_url.empty()) return Wrong("expected @type, the URL of the message's type");
    scanner_.Rewind(begin);
    google::protobuf::Arena arena;
    Message* inner = NewMessageOfType(type_url, &arena);
    if (inner == nullptr)
      return Wrong(absl::StrCat("unknown @type ", Utf8Prefix(type_url, kShownNameBytes)));
    const MessagePlan& plan = PlanOf(inner->GetDescriptor());
    if (plan.form == Form::kFields) {
      RETURN_IF_ERROR(ParseObject(plan, inner, depth - 1, kTypeKey));
    } else {
      RETURN_IF_ERROR(ParseAnyValue(plan, inner, depth - 1));
    }
    out->set_type_url(type_url);
    inner->SerializeToString(out->mutable_value());
    return absl::OkStatus();
  }

  // Reads over the object for its @type, which may stand anywhere in it.
  bool FindType(std::string* type_url, int depth) {
    scanner_.Take('{');
    if (scanner_.Take('}')) return true;
    std::string scratch;
    absl::string_view name, value;
    for (bool more = true; more;) {
      if (!scanner_.Key(&scratch, &name)) return false;
      if (name != kTypeKey) {
        if (!scanner_.Skip(depth)) return false;
      } else {
        if (!type_url->empty()) return scanner_.Fail("@type appears twice");
        if (!scanner_.String(&scratch, &value)) return false;
        type_url->assign(value.data(), value.size());
      }
      if (!scanner_.Next('}', &more)) return false;
    }
    return true;
  }

  // {"@type": …, "value": …}: a type with a form of its own.
  absl::Status ParseAnyValue(const MessagePlan& plan, Message* inner, int depth) {
    scanner_.Take('{');
    std::string scratch;
    absl::string_view name;
    bool seen = false;
    for (bool more = true; more;) {
      if (!scanner_.Key(&scratch, &name)) return Syntax();
      Step step(path_, name);
      if (name == kTypeKey) {
        if (!scanner_.Skip(1)) return Syntax();
      } else if (name != "value") {
        return Wrong("unknown field; did you mean value");
      } else if (seen) {
        return Wrong("appears twice");
      } else {
        seen = true;
        RETURN_IF_ERROR(ParseMessage(plan, inner, depth));
      }
      if (!scanner_.Next('}', &more)) return Syntax();
    }
    return absl::OkStatus();
  }

  // Where we are; never empty, so that an error always names something.
  absl::string_view Place() const {
    return path_.empty() ? absl::string_view("body") : absl::string_view(path_);
  }

  JsonScanner scanner_;
  std::string path_;
  std::string scratch_;
};

}  // namespace

absl::Status ParseJson(absl::string_view text, Message* out, absl::string_view path) {
  if (const size_t at = InvalidUtf8(text); at != absl::string_view::npos) {
    return InvalidField(path.empty() ? "body" : path, absl::StrCat("not valid UTF-8 at byte ", at));
  }
  return Parser(text, path).Parse(out);
}

}  // namespace rapport::rest
