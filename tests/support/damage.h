// Files as a bad disk leaves them.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace rapport::testing_support {

// The regular files of a folder whose names contain `part`.
inline std::vector<std::filesystem::path> FilesIn(const std::string& folder,
                                                  const std::string& part = "") {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && name.find(part) != std::string::npos) {
      files.push_back(entry.path());
    }
  }
  return files;
}

// Turns a byte of every `stride` into another one, from `first` on.
inline void Flip(const std::filesystem::path& path, size_t first, size_t stride) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const size_t size = std::filesystem::file_size(path);
  for (size_t at = first; at < size; at += stride) {
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 0x5a));
  }
}

}  // namespace rapport::testing_support
