// Runs a drawing program on one file, without a shell.
#pragma once

#include <string>
#include <vector>

namespace volley {

struct DrawingTool {
  const char* program;  // looked for in PATH
  const char* package;  // of Debian
};
inline constexpr DrawingTool gnuplot{"gnuplot", "gnuplot-nox"};
inline constexpr DrawingTool graphviz{"dot", "graphviz"};

enum class PictureKind : unsigned char { svg, png };
PictureKind picture_kind(const std::string& path);

// In a folder of its own that is removed: writes `input` as the file "input", runs the program there with
// these arguments, and moves the file "output" to path. Throws Error (run) that names the package when the
// program is missing, or holds what it said when it fails.
void draw(const DrawingTool& tool, const std::vector<std::string>& arguments, const std::string& input,
          const std::string& path);

}  // namespace volley
