// Pictures as .svg or .png, drawn by gnuplot and Graphviz.
#pragma once

#include <string>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

// The file's name says the kind: .svg or .png, else Error (usage). Where gnuplot or dot is not installed:
// Error (run) that names the Debian package. A picture appears whole or not at all. Texts may hold any
// letters: they are quoted. Numbers that aren't finite are left out.

struct HeatMap {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<std::string> rows;     // names, from the top; empty: 0, 1, ...
  std::vector<std::string> columns;  // names, from the left; empty: 0, 1, ...
  std::vector<double> values;        // row-major [height, width]
  Index height = 0;
  Index width = 0;
};
// One map, or several side by side, each with a scale of its own. With negative values white is 0.
void write_heat_map(const std::string& path, const HeatMap& map);
void write_heat_maps(const std::string& path, const std::vector<HeatMap>& maps);

struct Curve {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> error;  // half the length of the bar; empty: none
};
struct Curves {
  std::string title;
  std::string x_label;
  std::string y_label;
  bool log_x = false;
  bool log_y = false;
  std::vector<Curve> curves;
};
void write_curves(const std::string& path, const Curves& curves);

struct BarSeries {
  std::string name;
  std::vector<double> values;  // one a group
  std::vector<double> error;   // as values, or empty
};
struct Bars {
  std::string title;
  std::string y_label;
  std::vector<std::string> groups;
  std::vector<BarSeries> series;
};
void write_bars(const std::string& path, const Bars& bars);

// dot: a graph in Graphviz's language, as as_dot() writes it.
void write_graph(const std::string& path, const std::string& dot);

// Throws the Error for the extension, so that nobody waits for a picture that can't be.
void check_picture_path(const std::string& path);

}  // namespace volley
