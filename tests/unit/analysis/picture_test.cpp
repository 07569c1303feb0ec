// Pictures: what gnuplot and Graphviz draw, and what happens without them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "analysis/mixed_graph.hpp"
#include "analysis/picture.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

namespace fs = std::filesystem;

bool is_installed(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((fs::path(folder) / program).c_str(), X_OK) == 0) {
      return true;
    }
  }
  return false;
}

class Picture : public testing::Test {
 protected:
  Picture() : folder_(fs::path(testing::TempDir()) / fmt::format("volley_pictures_{}", ::getpid())) {
    fs::create_directories(folder_);
  }
  ~Picture() override { fs::remove_all(folder_); }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  std::string text(const std::string& name) const {
    std::ifstream in(file(name), std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  Index files() const {
    return static_cast<Index>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

 private:
  fs::path folder_;
};

const HeatMap map{"a map", "key", "query", {"one", "two"}, {}, {0, 1, 0.25, 0.5}, 2, 2};
const std::string png_mark = "\x89PNG";

#define NEEDS(program, package)                                               \
  if (!is_installed(program)) {                                               \
    GTEST_SKIP() << program << " is missing; the Debian package " << package; \
  }

TEST_F(Picture, OfAMapHasItsTexts) {
  NEEDS("gnuplot", "gnuplot-nox");
  write_heat_map(file("map.svg"), map);
  const std::string svg = text("map.svg");
  for (const char* word : {"<svg", "a map", "query", "two", "</svg>"}) {
    EXPECT_NE(svg.find(word), std::string::npos) << word;
  }
  write_heat_maps(file("maps.png"), {map, map, map});
  EXPECT_TRUE(text("maps.png").starts_with(png_mark));
  EXPECT_EQ(files(), 2);
}

TEST_F(Picture, OfCurvesAndBarsHoldsTheirNames) {
  NEEDS("gnuplot", "gnuplot-nox");
  write_curves(file("curves.svg"),
               {"decay",
                "place",
                "value",
                false,
                true,
                {{"dense", {1, 2, 3}, {1, 0.1, 0.01}, {0.1, 0.01, 0.001}},
                 {"spiking", {1, 2}, {1, std::numeric_limits<double>::quiet_NaN()}, {}}}});
  EXPECT_NE(text("curves.svg").find("spiking"), std::string::npos);
  write_bars(file("bars.svg"),
             {"flow", "share", {"layer 0", "layer 1"}, {{"V to T", {0.5, 0.2}, {0.1, 0.1}}}});
  EXPECT_NE(text("bars.svg").find("layer 1"), std::string::npos);
}

// Quotes, backquotes, macros and line ends of a text reach no interpreter.
TEST_F(Picture, TakesAnyTextAsText) {
  NEEDS("gnuplot", "gnuplot-nox");
  HeatMap odd = map;
  const std::string trap = file("trap");
  odd.title = "it's `touch " + trap + "` \"; system('touch " + trap + "')\nplot @x % \\ <&> {/Bold x}_1";
  odd.rows = {"' ; system('touch " + trap + "') #", "$(touch " + trap + ")"};
  write_heat_map(file("odd.svg"), odd);
  EXPECT_FALSE(fs::exists(trap));
  EXPECT_NE(text("odd.svg").find("&lt;&amp;> {/Bold x}_1"), std::string::npos);
}

TEST_F(Picture, OfAGraphIsDrawnByDot) {
  NEEDS("dot", "graphviz");
  MixedGraph graph(2);
  graph.add(0, 1, Mark::circle, Mark::head);
  write_graph(file("graph.svg"), as_dot(graph, {"sun", "rain \"hard\""}, "head 0"));
  EXPECT_NE(text("graph.svg").find("rain &quot;hard&quot;"), std::string::npos);
  write_graph(file("graph.png"), as_dot(graph, {"a", "b"}, "t"));
  EXPECT_TRUE(text("graph.png").starts_with(png_mark));
  // What dot can't read leaves no file, and says so.
  try {
    write_graph(file("bad.svg"), "digraph {{{");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::run);
    EXPECT_NE(std::string(error.what()).find("syntax error"), std::string::npos) << error.what();
  }
  EXPECT_EQ(files(), 2);
}

TEST_F(Picture, RefusesOtherNamesAndFolders) {
  for (const std::string name : {"map", "map.gif", "map.svg.txt"}) {
    try {
      check_picture_path(file(name));
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
    }
    EXPECT_THROW(write_heat_map(file(name), map), Error);
  }
  EXPECT_THROW(write_heat_map(file("no/such/map.svg"), map), Error);
  EXPECT_EQ(files(), 0);
}

TEST_F(Picture, WithoutTheToolNamesTheDebianPackage) {
  const char* path = std::getenv("PATH");
  const std::string kept = path == nullptr ? "" : path;
  ::setenv("PATH", file("").c_str(), 1);
  std::string said;
  try {
    write_heat_map(file("map.svg"), map);
  } catch (const Error& error) {
    said = error.what();
  }
  try {
    write_graph(file("graph.svg"), "digraph {}");
  } catch (const Error& error) {
    said += error.what();
  }
  ::setenv("PATH", kept.c_str(), 1);
  EXPECT_NE(said.find("gnuplot-nox"), std::string::npos) << said;
  EXPECT_NE(said.find("graphviz"), std::string::npos) << said;
  EXPECT_EQ(files(), 0);
}

}  // namespace
}  // namespace volley
