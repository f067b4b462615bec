#include "services/allinone/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "absl/strings/str_cat.h"

namespace rapport {
namespace {

constexpr size_t kSecretBytes = 32;

}  // namespace

absl::StatusOr<std::string> LoadSecret(const std::string& data_dir,
                                       const std::string& secret_file) {
  const bool given = !secret_file.empty();
  const std::string path = given ? secret_file : data_dir + "/secret";
  const bool is_new = !std::filesystem::exists(data_dir + "/projections") &&
                      !std::filesystem::exists(data_dir + "/log");
  if (!given && is_new && !std::filesystem::exists(path)) {
    std::random_device random;
    std::string fresh;
    for (size_t i = 0; i < kSecretBytes; ++i) fresh += static_cast<char>(random());
    // Durable before it is used: a page token or request hash outlives a power loss.
    const std::string draft = path + ".new";
    const int file = ::open(draft.c_str(), O_CREAT | O_TRUNC | O_WRONLY, S_IRUSR | S_IWUSR);
    const bool written = file >= 0 &&
                         ::write(file, fresh.data(), fresh.size()) == ssize_t{kSecretBytes} &&
                         ::fsync(file) == 0;
    if (file >= 0) ::close(file);
    if (!written) {
      return absl::UnavailableError(
          absl::StrCat("cannot write ", draft, ": ", std::strerror(errno)));
    }
    std::filesystem::rename(draft, path);
  }
  std::ifstream in(path, std::ios::binary);
  std::string secret((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (secret.size() != kSecretBytes) {
    const char* mend = given ? "; make it once, for all instances: head -c 32 /dev/urandom"
                             : "; restore it from the backup of this folder";
    return absl::DataLossError(absl::StrCat(path, " must hold ", kSecretBytes, " bytes", mend));
  }
  return secret;
}

}  // namespace rapport
