#include "services/runtime/base/text.h"

#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/normalizer2.h>
#include <unicode/utf8.h>

#include <cstdint>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

bool IsControl(UChar32 c) {
  return (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0);
}

absl::Status ControlCharacter(UChar32 c) {
  return absl::InvalidArgumentError(absl::StrFormat(
      "must have no control characters other than tab and newline, but has U+%04X", c));
}

// Whether all of eight bytes are printable ASCII.
bool AllPrintable(const char* eight) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  uint64_t word;
  std::memcpy(&word, eight, sizeof(word));
  return ((word | (word - 0x20 * kOnes) | (word + kOnes)) & 0x80 * kOnes) == 0;
}

// Where printable ASCII, tabs and newlines end.
size_t PlainPrefix(absl::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    if (i + 8 <= text.size() && AllPrintable(text.data() + i)) {
      i += 8;
      continue;
    }
    const unsigned char c = text[i];
    if (c >= 0x80 || IsControl(c)) break;
    ++i;
  }
  return i;
}

absl::StatusOr<int> CountCharacters(absl::string_view text, size_t plain) {
  int count = static_cast<int>(plain);
  int32_t i = static_cast<int32_t>(plain);
  const int32_t size = static_cast<int32_t>(text.size());
  while (i < size) {
    UChar32 c;
    U8_NEXT(text.data(), i, size, c);
    if (c < 0) return absl::InvalidArgumentError("must be UTF-8");
    if (IsControl(c)) return ControlCharacter(c);
    ++count;
  }
  return count;
}

const icu::Normalizer2& Nfc() {
  static const icu::Normalizer2* const nfc = [] {
    UErrorCode error = U_ZERO_ERROR;
    const icu::Normalizer2* found = icu::Normalizer2::getNFCInstance(error);
    Ensure(U_SUCCESS(error), "ICU has the data of NFC built in");
    return found;
  }();
  return *nfc;
}

icu::StringPiece Piece(absl::string_view text) {
  return icu::StringPiece(text.data(), static_cast<int32_t>(text.size()));
}

}  // namespace

absl::StatusOr<TextSummary> SummarizeText(absl::string_view text) {
  const size_t plain = PlainPrefix(text);
  if (plain == text.size()) return TextSummary{.characters = static_cast<int>(plain)};
  TextSummary summary;
  ASSIGN_OR_RETURN(summary.characters, CountCharacters(text, plain));
  UErrorCode error = U_ZERO_ERROR;
  summary.normal = Nfc().isNormalizedUTF8(Piece(text), error);
  return summary;
}

absl::StatusOr<int> NormalizeText(std::string& text) {
  ASSIGN_OR_RETURN(const TextSummary summary, SummarizeText(text));
  if (summary.normal) return summary.characters;
  std::string normal;
  icu::StringByteSink<std::string> sink(&normal);
  UErrorCode error = U_ZERO_ERROR;
  Nfc().normalizeUTF8(0, Piece(text), sink, nullptr, error);
  Ensure(U_SUCCESS(error), "valid UTF-8 has a normal form");
  text = std::move(normal);
  return CountCharacters(text, 0);
}

std::string FoldCase(absl::string_view text) {
  if (PlainPrefix(text) == text.size()) return absl::AsciiStrToLower(text);
  std::string folded;
  icu::StringByteSink<std::string> sink(&folded);
  UErrorCode error = U_ZERO_ERROR;
  icu::CaseMap::utf8Fold(0, Piece(text), sink, nullptr, error);
  return U_SUCCESS(error) ? folded : std::string(text);
}

}  // namespace rapport
