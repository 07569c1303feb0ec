// mmap, and what happens when the file is cut meanwhile.
#include "sim/io/mapped_file.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"

namespace volley {

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const InputFile file(path);
  size_ = static_cast<std::size_t>(file.size());
  if (size_ == 0) {
    return;  // can't be mapped
  }
  void* begin = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
  VOLLEY_CHECK(begin != MAP_FAILED, Fault::model, "{}: can't map: {}", path, std::strerror(errno));
  begin_ = static_cast<const std::byte*>(begin);
}

MappedFile::~MappedFile() {
  if (begin_ != nullptr) {
    ::munmap(const_cast<std::byte*>(begin_), size_);
  }
}

void end_on_cut_file() {
  struct sigaction action {};
  action.sa_handler = [](int) {
    constexpr char text[] = "volley: a file was made shorter by another program while it was read\n";
    const ssize_t written = ::write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    ::_exit(static_cast<int>(Fault::model));
  };
  ::sigaction(SIGBUS, &action, nullptr);
}

std::optional<WeightNumbers> mapped_floats(const std::shared_ptr<const MappedFile>& file,
                                           std::span<const std::byte> bytes) {
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(float) != 0) {
    return std::nullopt;
  }
  return WeightNumbers({reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)}, file);
}

}  // namespace volley
