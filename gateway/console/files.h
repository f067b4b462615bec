// The files of this folder that browsers get. Written by embed.cmake into the build folder.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace rapport::console {

struct File {
  std::string name;         // "console.js"
  absl::string_view bytes;  // lives as long as the program
};

std::vector<File> Files();

}  // namespace rapport::console
