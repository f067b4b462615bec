// Walks over one JSON text, token by token, by RFC 8259 and nothing more lenient.
//
// A scanner of our own, because the parser needs what the libraries at hand do not give together:
// positions, duplicate keys, numbers as they were written, and one pass straight into a message.
// A function that returns false has set error(); nothing may be asked after that.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace rapport::rest {

class JsonScanner {
 public:
  enum class Token { kObject, kArray, kString, kNumber, kTrue, kFalse, kNull, kOther };

  // `text` is valid UTF-8 and outlives the scanner.
  explicit JsonScanner(absl::string_view text) : text_(text) {}

  // What the next value is, by its first character.
  Token Peek();
  // Takes `c` if it comes next.
  bool Take(char c);
  // The string that comes next, without quotes and escapes; valid until the next call with the
  // same scratch.
  bool String(std::string* scratch, absl::string_view* value);
  // The number that comes next, as it is written.
  bool Number(absl::string_view* value);
  // true, false or null.
  bool Literal(absl::string_view word);
  // Any value, nested at most `depth` deep.
  bool Skip(int depth);
  // The name of a member and its colon.
  bool Key(std::string* scratch, absl::string_view* key);
  // After a value: true in `more` for a comma, false for `close`.
  bool Next(char close, bool* more);

  bool AtEnd();
  bool Fail(absl::string_view what);
  const std::string& error() const { return error_; }
  size_t offset() const { return offset_; }
  void Rewind(size_t offset) { offset_ = offset; }

 private:
  void SkipSpace();
  bool Escape(std::string* scratch);
  bool Hex4(unsigned* code);

  absl::string_view text_;
  size_t offset_ = 0;
  std::string error_;
};

}  // namespace rapport::rest
