// A folder for one drawing, a child process, and its picture.
#include "analysis/drawing_tool.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"

namespace volley {
namespace {

namespace fs = std::filesystem;

constexpr Index longest_complaint = 1 << 16;  // [bytes]

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "volley.XXXXXX").string();
    VOLLEY_CHECK(::mkdtemp(name.data()) != nullptr, Fault::run, "{}: can't make a folder: {}", name,
                 std::strerror(errno));
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const char* name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

// The child sits in the folder, reads nothing, and says what it says to the file "said".
class Actions {
 public:
  explicit Actions(const Folder& folder) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addchdir_np(&actions_, folder.path().c_str());
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, folder.file("said").c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
  }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  const posix_spawn_file_actions_t* view() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

int run(const DrawingTool& tool, std::vector<std::string> words, const Folder& folder) {
  words.insert(words.begin(), tool.program);
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  const Actions actions(folder);
  pid_t child = 0;
  const int problem = ::posix_spawnp(&child, tool.program, actions.view(), nullptr, argv.data(), environ);
  VOLLEY_CHECK(problem != ENOENT, Fault::run,
               "pictures need '{}', which is not installed; install the Debian package {}", tool.program,
               tool.package);
  VOLLEY_CHECK(problem == 0, Fault::run, "can't start '{}': {}", tool.program, std::strerror(problem));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    VOLLEY_CHECK(errno == EINTR, Fault::run, "can't wait for '{}': {}", tool.program, std::strerror(errno));
  }
  return status;
}

}  // namespace

PictureKind picture_kind(const std::string& path) {
  const bool is_svg = ends_with(path, ".svg");
  VOLLEY_CHECK(is_svg || ends_with(path, ".png"), Fault::usage, "picture '{}': wanted a name in .svg or .png",
               path);
  return is_svg ? PictureKind::svg : PictureKind::png;
}

void draw(const DrawingTool& tool, const std::vector<std::string>& arguments, const std::string& input,
          const std::string& path) {
  const Folder folder;
  std::ofstream file(folder.file("input"), std::ios::binary);
  file << input;
  file.close();
  VOLLEY_CHECK(file.good(), Fault::run, "{}: can't write", folder.file("input"));
  const int status = run(tool, arguments, folder);
  const std::string picture = folder.file("output");
  const bool is_drawn = fs::exists(picture) && fs::file_size(picture) > 0;
  VOLLEY_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0 && is_drawn, Fault::run,
               "'{}' drew nothing for {}: {}", tool.program, path,
               fs::exists(folder.file("said")) ? read_text(folder.file("said"), longest_complaint) : "");
  write_whole(path, [&](const std::string& part) {
    std::error_code problem;
    fs::copy_file(picture, part, fs::copy_options::overwrite_existing, problem);
    VOLLEY_CHECK(!problem, Fault::run, "{}: can't write: {}", path, problem.message());
  });
}

}  // namespace volley
