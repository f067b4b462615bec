// Writes JSON that is no message's: nesting in the text is nesting in the code.
//
//   JsonOut json;
//   json.Object([&] { json.Member("openapi", "3.1.0"); json.Array("tags", [&] { … }); });
//   return json.text();
//
// Threads: one.
#pragma once

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <string>

#include "absl/strings/string_view.h"

namespace rapport::rest {

class JsonOut {
 public:
  std::string text() const { return buffer_.GetString(); }

  void Key(absl::string_view key) { writer_.Key(key.data(), key.size()); }
  void String(absl::string_view value) { writer_.String(value.data(), value.size()); }
  void Member(absl::string_view key, absl::string_view value) {
    Key(key);
    String(value);
  }
  void Number(absl::string_view key, int value) {
    Key(key);
    writer_.Int(value);
  }
  void True(absl::string_view key) {
    Key(key);
    writer_.Bool(true);
  }
  // `text` is JSON.
  void Raw(absl::string_view key, absl::string_view text) {
    Key(key);
    writer_.RawValue(text.data(), text.size(), rapidjson::kObjectType);
  }
  template <class Fill>
  void Object(Fill fill) {
    writer_.StartObject();
    fill();
    writer_.EndObject();
  }
  template <class Fill>
  void Object(absl::string_view key, Fill fill) {
    Key(key);
    Object(fill);
  }
  template <class Fill>
  void Array(absl::string_view key, Fill fill) {
    Key(key);
    writer_.StartArray();
    fill();
    writer_.EndArray();
  }

 private:
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

}  // namespace rapport::rest
