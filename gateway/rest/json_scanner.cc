#include "gateway/rest/json_scanner.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace rapport::rest {
namespace {

void AppendUtf8(unsigned code, std::string* out) {
  const auto put = [out](unsigned byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

}  // namespace

bool JsonScanner::Fail(absl::string_view what) {
  error_ = absl::StrCat(what, " at byte ", offset_);
  return false;
}

void JsonScanner::SkipSpace() {
  while (offset_ < text_.size()) {
    const char c = text_[offset_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
    ++offset_;
  }
}

bool JsonScanner::AtEnd() {
  SkipSpace();
  return offset_ == text_.size();
}

JsonScanner::Token JsonScanner::Peek() {
  if (AtEnd()) return Token::kOther;
  switch (const char c = text_[offset_]; c) {
    case '{':
      return Token::kObject;
    case '[':
      return Token::kArray;
    case '"':
      return Token::kString;
    case 't':
      return Token::kTrue;
    case 'f':
      return Token::kFalse;
    case 'n':
      return Token::kNull;
    default:
      return c == '-' || absl::ascii_isdigit(c) ? Token::kNumber : Token::kOther;
  }
}

bool JsonScanner::Take(char c) {
  if (AtEnd() || text_[offset_] != c) return false;
  ++offset_;
  return true;
}

bool JsonScanner::String(std::string* scratch, absl::string_view* value) {
  if (!Take('"')) return Fail("expected a string");
  const size_t begin = offset_;
  bool escaped = false;
  while (offset_ < text_.size()) {
    const char c = text_[offset_];
    if (c == '"') {
      const absl::string_view plain = text_.substr(begin, offset_ - begin);
      ++offset_;
      *value = escaped ? absl::string_view(*scratch) : plain;
      return true;
    }
    if (static_cast<unsigned char>(c) < 0x20) return Fail("unescaped control character");
    if (c == '\\') {
      if (!escaped) scratch->assign(text_.data() + begin, offset_ - begin);
      escaped = true;
      if (!Escape(scratch)) return false;
      continue;
    }
    if (escaped) scratch->push_back(c);
    ++offset_;
  }
  return Fail("unfinished string");
}

bool JsonScanner::Hex4(unsigned* code) {
  *code = 0;
  for (int i = 0; i < 4; ++i, ++offset_) {
    if (offset_ >= text_.size() || !absl::ascii_isxdigit(text_[offset_])) {
      return Fail("expected four hexadecimal digits");
    }
    const char c = absl::ascii_tolower(text_[offset_]);
    *code = *code << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return true;
}

bool JsonScanner::Escape(std::string* scratch) {
  constexpr absl::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  if (++offset_ >= text_.size()) return Fail("unfinished string");
  const char letter = text_[offset_];
  if (const size_t i = kLetters.find(letter); i != absl::string_view::npos) {
    scratch->push_back(kMeanings[i]);
    ++offset_;
    return true;
  }
  if (letter != 'u') return Fail("unknown escape");
  ++offset_;
  unsigned code = 0, low = 0;
  if (!Hex4(&code)) return false;
  if (code >= 0xdc00 && code < 0xe000) return Fail("half a surrogate pair");
  if (code >= 0xd800 && code < 0xdc00) {
    if (!absl::StartsWith(text_.substr(offset_), "\\u")) return Fail("half a surrogate pair");
    offset_ += 2;
    if (!Hex4(&low)) return false;
    if (low < 0xdc00 || low >= 0xe000) return Fail("half a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  AppendUtf8(code, scratch);
  return true;
}

bool JsonScanner::Number(absl::string_view* value) {
  SkipSpace();
  const size_t begin = offset_;
  const auto at = [this](absl::string_view set) {
    return offset_ < text_.size() && set.find(text_[offset_]) != absl::string_view::npos;
  };
  const auto digits = [&] {
    const size_t first = offset_;
    while (at("0123456789")) ++offset_;
    return offset_ > first;
  };
  if (at("-")) ++offset_;
  if (at("0")) {
    ++offset_;
  } else if (!digits()) {
    return Fail("expected a digit");
  }
  if (at(".")) {
    ++offset_;
    if (!digits()) return Fail("expected a digit");
  }
  if (at("eE")) {
    ++offset_;
    if (at("+-")) ++offset_;
    if (!digits()) return Fail("expected a digit");
  }
  if (at("0123456789")) return Fail("number with a leading zero");
  *value = text_.substr(begin, offset_ - begin);
  return true;
}

bool JsonScanner::Literal(absl::string_view word) {
  SkipSpace();
  if (!absl::StartsWith(text_.substr(offset_), word)) return Fail("expected a JSON value");
  offset_ += word.size();
  return true;
}

bool JsonScanner::Key(std::string* scratch, absl::string_view* key) {
  if (Peek() != Token::kString) return Fail("expected a name in quotes");
  if (!String(scratch, key)) return false;
  return Take(':') || Fail("expected ':'");
}

bool JsonScanner::Next(char close, bool* more) {
  *more = Take(',');
  return *more || Take(close) ||
         Fail(absl::StrCat("expected ',' or '", std::string(1, close), "'"));
}

bool JsonScanner::Skip(int depth) {
  if (depth <= 0) return Fail("nested too deep");
  std::string scratch;
  absl::string_view ignored;
  switch (Peek()) {
    case Token::kObject:
    case Token::kArray: {
      const char close = text_[offset_++] == '{' ? '}' : ']';
      if (Take(close)) return true;
      for (bool more = true; more;) {
        if (close == '}' && !Key(&scratch, &ignored)) return false;
        if (!Skip(depth - 1) || !Next(close, &more)) return false;
      }
      return true;
    }
    case Token::kString:
      return String(&scratch, &ignored);
    case Token::kNumber:
      return Number(&ignored);
    case Token::kTrue:
      return Literal("true");
    case Token::kFalse:
      return Literal("false");
    case Token::kNull:
      return Literal("null");
    case Token::kOther:
      break;
  }
  return Fail("expected a JSON value");
}

}  // namespace rapport::rest
