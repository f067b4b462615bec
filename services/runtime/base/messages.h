// Messages whose type is known by its descriptor only, and messages put together from bytes.
//
// Threads: pure functions.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace rapport {

// A new, empty message of a type that is linked in; the arena's.
inline google::protobuf::Message* NewMessage(const google::protobuf::Descriptor* type,
                                             google::protobuf::Arena* arena) {
  return google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New(arena);
}

inline std::unique_ptr<google::protobuf::Message> NewMessage(
    const google::protobuf::Descriptor* type) {
  return std::unique_ptr<google::protobuf::Message>(NewMessage(type, nullptr));
}

// Makes `to` equal to `from`, which is of the same type and no part of it. What CopyFrom does, less
// its search of all of `to` for `from`, which protobuf makes unless it is built with NDEBUG.
inline void Assign(const google::protobuf::Message& from, google::protobuf::Message* to) {
  to->Clear();
  to->MergeFrom(from);
}

inline std::unique_ptr<google::protobuf::Message> CopyOf(const google::protobuf::Message& from) {
  std::unique_ptr<google::protobuf::Message> copy(from.New());
  copy->MergeFrom(from);
  return copy;
}

// Sets a text field of a message that is known by its descriptor only.
inline void SetText(google::protobuf::Message& message, const char* field,
                    const std::string& text) {
  message.GetReflection()->SetString(&message, message.GetDescriptor()->FindFieldByName(field),
                                     text);
}

// Appends a field that holds text, bytes or a serialised message to a serialised message.
void AppendField(int number, absl::string_view bytes, std::string* out);

}  // namespace rapport
