#include "services/runtime/base/messages.h"

namespace rapport {
namespace {

constexpr uint32_t kLengthDelimited = 2;

void AppendVarint(uint32_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

}  // namespace

void AppendField(int number, absl::string_view bytes, std::string* out) {
  AppendVarint(static_cast<uint32_t>(number) << 3 | kLengthDelimited, out);
  AppendVarint(static_cast<uint32_t>(bytes.size()), out);
  out->append(bytes.data(), bytes.size());
}

}  // namespace rapport
