// A folder of its own for a test, and files with wrong bytes.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "sim/base/check.hpp"

namespace volley::test {

// Removed with all it holds at the end of the test.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "volley_io_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  std::size_t files() const {
    const std::filesystem::directory_iterator begin(folder_);
    return static_cast<std::size_t>(std::distance(begin, {}));
  }

 private:
  std::string folder_;
};

inline std::string bytes_of(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

inline std::string fixture(const std::string& name) {
  return std::string(VOLLEY_SOURCE_DIR) + "/tests/data/io/" + name;
}

// Text of the Error that f throws; "" when it throws none.
template <class F>
std::string error_of(F&& f, Fault fault = Fault::model) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), fault) << error.what();
    return error.what();
  }
  return "";
}

#define EXPECT_REFUSED(expression, words)                                                         \
  EXPECT_NE(::volley::test::error_of([&] { (void)(expression); }).find(words), std::string::npos) \
      << "error: " << ::volley::test::error_of([&] { (void)(expression); })

using Reader = std::function<void(const std::string& path)>;

// Reads the file; another exception than Error leaves and fails the test. True when it was refused, by its
// name.
inline bool refuses(const Reader& read, const std::string& path) {
  const std::string why = error_of([&] { read(path); });
  EXPECT_TRUE(why.empty() || why.find(path) != std::string::npos) << why;
  return !why.empty();
}

// The reader gets every prefix of the file, the longest first. `each` is told its length and whether it was
// refused.
inline void cut(const std::string& name, const std::string& bytes, const Reader& read,
                const std::function<void(std::size_t, bool)>& each) {
  const Scratch scratch;
  const std::string path = scratch.write(name, bytes);
  for (std::size_t n = bytes.size() + 1; n-- > 0;) {
    std::filesystem::resize_file(path, n);
    each(n, refuses(read, path));
  }
}

// A prefix of a text may be whole: it is read or refused.
inline void expect_survives_cuts(const std::string& name, const std::string& bytes, const Reader& read) {
  cut(name, bytes, read, [](std::size_t, bool) {});
}

inline void expect_refuses_prefixes(const std::string& name, const std::string& bytes, const Reader& read) {
  cut(name, bytes, read, [&](std::size_t n, bool refused) {
    EXPECT_EQ(refused, n != bytes.size()) << name << " cut at byte " << n;
  });
}

// With any one bit of the first `length` bytes wrong the file is read or refused.
inline void expect_survives_flips(const std::string& name, const std::string& bytes, std::size_t length,
                                  const Reader& read) {
  const Scratch scratch;
  const std::string path = scratch.write(name, bytes);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto put = [&](std::size_t at, char byte) {
    file.seekp(static_cast<std::streamoff>(at)).put(byte).flush();
  };
  for (std::size_t i = 0; i < std::min(length, bytes.size()); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      put(i, static_cast<char>(bytes[i] ^ 1 << bit));
      (void)refuses(read, path);
    }
    put(i, bytes[i]);
  }
  EXPECT_EQ(bytes_of(path), bytes);
}

}  // namespace volley::test
