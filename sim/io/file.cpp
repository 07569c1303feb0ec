// Files through descriptors: positions are explicit, results are checked.
#include "sim/io/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr std::size_t block = std::size_t{1} << 30;  // one system call moves less than 2 GiB

// Removes the part file unless it was renamed.
class Part {
 public:
  explicit Part(std::string path) : path_(std::move(path)) {}
  ~Part() {
    if (!kept_) {
      ::unlink(path_.c_str());
    }
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  void keep_as(const std::string& path) {
    VOLLEY_CHECK(std::rename(path_.c_str(), path.c_str()) == 0, Fault::run, "{}: can't write: {}", path,
                 std::strerror(errno));
    kept_ = true;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool kept_ = false;
};

// Closes a descriptor at the end of a scope.
struct Descriptor {
  explicit Descriptor(int number) : value(number) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  bool close() {
    const int closing = value;
    value = -1;
    return closing < 0 || ::close(closing) == 0;
  }
  int value;
};

void write_all(int descriptor, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), std::min(bytes.size(), block));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    VOLLEY_CHECK(n > 0, Fault::run, "{}: can't write: {}", path, std::strerror(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

}  // namespace

InputFile::InputFile(std::string path) : path_(std::move(path)) {
  // O_NONBLOCK: opening a pipe without a writer must not wait; a regular file doesn't care.
  Descriptor opened(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  VOLLEY_CHECK(opened.value >= 0, Fault::model, "{}: can't open: {}", path_, std::strerror(errno));
  struct stat status {};
  const bool known = ::fstat(opened.value, &status) == 0;
  VOLLEY_CHECK(known && S_ISREG(status.st_mode), Fault::model, "{}: can't open: not a regular file", path_);
  size_ = static_cast<Index>(status.st_size);
  descriptor_ = std::exchange(opened.value, -1);
}

InputFile::~InputFile() {
  ::close(descriptor_);
}

void InputFile::read(Index offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t n = ::pread(descriptor_, out.data(), std::min(out.size(), block), offset);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    VOLLEY_CHECK(n >= 0, Fault::model, "{}: can't read: {}", path_, std::strerror(errno));
    VOLLEY_CHECK(n > 0, Fault::model, "{}: ends at byte {}, wanted {} more bytes", path_, offset, out.size());
    out = out.subspan(static_cast<std::size_t>(n));
    offset += static_cast<Index>(n);
  }
}

std::string read_text(const std::string& path, Index limit) {
  const InputFile file(path);
  VOLLEY_CHECK(file.size() <= limit, Fault::model, "{}: is {} bytes, wanted at most {}", path, file.size(),
               limit);
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

void write_whole(const std::string& path, const std::function<void(const std::string& part)>& write) {
  Part part(path + ".part");
  write(part.path());
  part.keep_as(path);
}

void write_pieces(const std::string& path, std::span<const std::span<const std::byte>> pieces) {
  write_whole(path, [&](const std::string& part) {
    constexpr mode_t mode = 0666;  // the user's umask decides
    Descriptor out(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    VOLLEY_CHECK(out.value >= 0, Fault::run, "{}: can't write: {}", path, std::strerror(errno));
    for (const auto piece : pieces) {
      write_all(out.value, piece, path);
    }
    VOLLEY_CHECK(out.close(), Fault::run, "{}: can't write: {}", path, std::strerror(errno));
  });
}

bool ends_with(const std::string& path, std::string_view extension) {
  return std::string_view(path).ends_with(extension);
}

}  // namespace volley
