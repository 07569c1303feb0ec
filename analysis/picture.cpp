// Scripts for gnuplot; numbers stand in the script, texts are quoted.
#include "analysis/picture.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/drawing_tool.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr Index line_pixels = 17;  // of one label above or beside another
constexpr Index letter_pixels = 9;
constexpr Index longest_beside = 20;  // letters of a name beside the picture
constexpr Index most_points = 40;     // of a curve with a mark at each
constexpr Index pixel_limit = 20000;  // cells drawn one by one; more as one image

// In single quotes gnuplot replaces nothing; a quote is doubled.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char letter : text) {
    if (letter == '\'') {
      out += "''";
    } else {
      out += static_cast<unsigned char>(letter) < ' ' ? ' ' : letter;
    }
  }
  return out + "'";
}

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{:.9g}", value) : "NaN";
}

struct Size {
  Index width;
  Index height;  // [pixels]
};

// Okabe and Ito's colours, told apart by the colour-blind; without their yellow, too pale for a line.
constexpr const char* line_colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                        "#e69f00", "#56b4e9", "#000000", "#888888"};

std::string head(const std::string& path, Size size) {
  const bool is_svg = picture_kind(path) == PictureKind::svg;
  std::string out = fmt::format(
      "set encoding utf8\nset terminal {} size {},{} noenhanced background '#ffffff' font 'DejaVu Sans,{}'\n"
      "set output 'output'\nset tics nomirror out\nset pointintervalbox 0\n",
      is_svg ? "svg" : "pngcairo", size.width, size.height, is_svg ? 13 : 11);
  int type = 0;
  for (const char* colour : line_colours) {
    out += fmt::format("set linetype {} lc rgb '{}'\n", ++type, colour);
  }
  return out + fmt::format("set linetype cycle {}\n", type);
}

std::string name_of(const std::vector<std::string>& names, Index place) {
  return names.empty() ? std::to_string(place) : names[place];
}

std::size_t longest(const std::vector<std::string>& names) {
  std::size_t most = 0;
  for (const std::string& name : names) {
    most = std::max(most, name.size());
  }
  return most;
}

// Names of so many places on an axis of so many pixels; some are left out where they would overlap.
std::string tics(char axis, const std::vector<std::string>& names, Index count, Index pixels, bool turned) {
  const bool stacked = axis == 'y' || turned;
  const Index letters = names.empty() ? static_cast<Index>(std::to_string(count - 1).size())
                                      : static_cast<Index>(longest(names));
  const Index each = stacked ? line_pixels : letter_pixels * (letters + 1);
  const Index every = std::max<Index>(1, (each * count + pixels - 1) / pixels);
  std::string list;
  for (Index i = 0; i < count; i += every) {
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", quoted(name_of(names, i)), i);
  }
  return fmt::format("set {}tics {} scale 0 ({})\n", axis, turned ? "rotate by 60 right" : "norotate", list);
}

std::string colours(const HeatMap& map) {
  double least = 0;
  double greatest = 0;
  for (const double value : map.values) {
    if (std::isfinite(value)) {
      least = std::min(least, value);
      greatest = std::max(greatest, value);
    }
  }
  if (least < 0) {
    const double side = std::max(-least, greatest);
    return fmt::format(
        "set palette defined (-1 '#2166ac', -0.5 '#92c5de', 0 '#f7f7f7', 0.5 '#f4a582', 1 '#b2182b')\n"
        "set cbrange [{}:{}]\n",
        number(-side), number(side));
  }
  return fmt::format(
      "set palette defined (0 '#fcfdfd', 0.25 '#a8d5e5', 0.5 '#4a9cc9', 0.75 '#24609f', 1 '#0b1f4b')\n"
      "set cbrange [0:{}]\n",
      number(greatest > 0 ? greatest : 1.0));
}

// `name` is the data block of the map.
std::string map_script(const HeatMap& map, const std::string& name, Index side) {
  std::string out = "$" + name + " << END\n";
  for (Index row = 0; row < map.height; ++row) {
    for (Index column = 0; column < map.width; ++column) {
      out += number(map.values[row * map.width + column]) + (column + 1 < map.width ? " " : "\n");
    }
  }
  out += "END\n";
  const bool turned = map.width > 8 && longest(map.columns) > 2;
  out += fmt::format("set title {}\nset xlabel {}\nset ylabel {}\n", quoted(map.title), quoted(map.x_label),
                     quoted(map.y_label));
  out += tics('x', map.columns, map.width, side * 2 / 3, turned) +
         tics('y', map.rows, map.height, side * (turned ? 1 : 2) / (turned ? 2 : 3), false) + colours(map);
  out +=
      fmt::format("set xrange [-0.5:{}.5]\nset yrange [{}.5:-0.5]\nset size ratio {}\n", map.width - 1,
                  map.height - 1, number(static_cast<double>(map.height) / static_cast<double>(map.width)));
  return out + fmt::format("plot ${} matrix with image{} notitle\n", name,
                           map.width * map.height <= pixel_limit ? " pixels" : "");
}

void check(const HeatMap& map) {
  VOLLEY_ASSERT(map.width > 0 && map.height > 0 &&
                static_cast<Index>(map.values.size()) == map.width * map.height);
  VOLLEY_ASSERT(map.rows.empty() || static_cast<Index>(map.rows.size()) == map.height);
  VOLLEY_ASSERT(map.columns.empty() || static_cast<Index>(map.columns.size()) == map.width);
}

std::string axes(const std::string& title, const std::string& x_label, const std::string& y_label) {
  return fmt::format(
      "set title {}\nset xlabel {}\nset ylabel {}\nset grid ytics lc '#dddddd'\nset border 3\n",
      quoted(title), quoted(x_label), quoted(y_label));
}

// Names stand beside the picture, or below it when they are long, so that they cover no curve.
std::string key_of(const std::vector<std::string>& names) {
  if (names.size() < 2) {
    return "unset key\n";
  }
  return fmt::format("set key outside {} Left reverse noautotitle\n",
                     static_cast<Index>(longest(names)) > longest_beside ? "below center" : "right top");
}

template <class Series>
std::vector<std::string> names_of(const std::vector<Series>& series) {
  std::vector<std::string> names;
  for (const Series& each : series) {
    names.push_back(each.name);
  }
  return names;
}

void plot(const std::string& path, const std::string& script) {
  draw(gnuplot, {"-d", "input"}, script, path);
}

}  // namespace

void check_picture_path(const std::string& path) {
  picture_kind(path);
}

void write_heat_map(const std::string& path, const HeatMap& map) {
  write_heat_maps(path, {map});
}

void write_heat_maps(const std::string& path, const std::vector<HeatMap>& maps) {
  VOLLEY_ASSERT(!maps.empty());
  const Index count = static_cast<Index>(maps.size());
  const Index across = std::min<Index>(count, count <= 4 ? 2 : 4);
  const Index down = (count + across - 1) / across;
  const Index side = count == 1 ? 620 : 460;
  std::string script = head(path, {side * across, side * down});
  if (count > 1) {
    script += fmt::format("set multiplot layout {},{}\n", down, across);
  }
  for (Index i = 0; i < count; ++i) {
    check(maps[i]);
    script += map_script(maps[i], fmt::format("map{}", i), side);
  }
  plot(path, script);
}

void write_curves(const std::string& path, const Curves& curves) {
  std::string script = head(path, {820, 520}) + axes(curves.title, curves.x_label, curves.y_label) +
                       key_of(names_of(curves.curves));
  script += curves.log_x ? "set logscale x\n" : "";
  script += curves.log_y ? "set logscale y\nset format y '%g'\n" : "";
  std::string plots;
  for (std::size_t i = 0; i < curves.curves.size(); ++i) {
    const Curve& curve = curves.curves[i];
    VOLLEY_ASSERT(curve.x.size() == curve.y.size());
    VOLLEY_ASSERT(curve.error.empty() || curve.error.size() == curve.y.size());
    script += fmt::format("$curve{} << END\n", i);
    for (std::size_t at = 0; at < curve.x.size(); ++at) {
      script += fmt::format("{} {} {}\n", number(curve.x[at]), number(curve.y[at]),
                            number(curve.error.empty() ? 0 : curve.error[at]));
    }
    script += "END\n";
    const bool marked = static_cast<Index>(curve.x.size()) <= most_points;
    plots +=
        fmt::format("{}$curve{} using 1:2 with {} lw 2 lc {} pt 7 ps 0.6 title {}", i == 0 ? "plot " : ", ",
                    i, marked ? "linespoints" : "lines", i + 1, quoted(curve.name));
    if (!curve.error.empty()) {
      plots += fmt::format(", $curve{} using 1:($2-$3):(0):(2*$3) with vectors nohead lw 1.5 lc {} notitle",
                           i, i + 1);
    }
  }
  plot(path, script + plots + "\n");
}

void write_bars(const std::string& path, const Bars& bars) {
  const Index groups = static_cast<Index>(bars.groups.size());
  const Index width =
      std::clamp<Index>(200 + groups * static_cast<Index>(bars.series.size()) * 26, 640, 1600);
  std::string script =
      head(path, {width, 520}) + axes(bars.title, "", bars.y_label) + key_of(names_of(bars.series));
  script += tics('x', bars.groups, groups, width - 250, groups > 4 && longest(bars.groups) > 6);
  script += fmt::format(
      "set style fill solid 0.85 noborder\nset xrange [-0.6:{}.6]\nset yrange [*<0:0<*]\nset xzeroaxis lt "
      "8\n",
      groups - 1);
  const double box = 0.8 / static_cast<double>(std::max<std::size_t>(1, bars.series.size()));
  std::string plots;
  for (std::size_t i = 0; i < bars.series.size(); ++i) {
    const BarSeries& series = bars.series[i];
    VOLLEY_ASSERT(static_cast<Index>(series.values.size()) == groups);
    VOLLEY_ASSERT(series.error.empty() || series.error.size() == series.values.size());
    script += fmt::format("$series{} << END\n", i);
    for (Index group = 0; group < groups; ++group) {
      const double middle = static_cast<double>(group) - 0.4 + box * (static_cast<double>(i) + 0.5);
      script += fmt::format("{} {} {} {}\n", number(middle), number(series.values[group]), number(box * 0.9),
                            number(series.error.empty() ? 0 : series.error[group]));
    }
    script += "END\n";
    plots += fmt::format("{}$series{} using 1:2:3 with boxes lc {} title {}", i == 0 ? "plot " : ", ", i,
                         i + 1, quoted(series.name));
    if (!series.error.empty()) {
      plots += fmt::format(
          ", $series{} using 1:($2-$4):(0):(2*$4) with vectors nohead lw 1.5 lc rgb '#333333' notitle", i);
    }
  }
  plot(path, script + plots + "\n");
}

void write_graph(const std::string& path, const std::string& dot) {
  const bool is_svg = picture_kind(path) == PictureKind::svg;
  draw(graphviz, {is_svg ? "-Tsvg" : "-Tpng", "-Gdpi=96", "-ooutput", "input"}, dot, path);
}

}  // namespace volley
