// volley data: recordings of events, as they are, as frames, and made of images.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <tuple>

#include "cli/command.hpp"
#include "cli/event_frames.hpp"
#include "sim/base/check.hpp"
#include "sim/io/event_data.hpp"
#include "sim/io/idx.hpp"
#include "sim/io/npz.hpp"

namespace volley::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  std::string sensor, columns, unit = "us", out, by = "number", size, images;
  std::vector<Index> labels;
  Index sample = 0, first = 0, samples = 16;
  std::optional<Index> frames;
  bool binary = false;
  Format format = Format::table;
  EventMaker maker;
  Index seed = 0;
};

std::pair<Index, Index> sides(const std::string& text, const char* option) {
  Index width = 0, height = 0;
  int used = 0;
  const int found = std::sscanf(text.c_str(), "%8ldx%8ld%n", &width, &height, &used);
  VOLLEY_CHECK(found == 2 && static_cast<std::size_t>(used) == text.size() && width > 0 && height > 0,
               Fault::usage, "{} is '{}', wanted WIDTHxHEIGHT", option, text);
  return {width, height};
}

EventRecording open_recording(const Options& options, const std::string& file) {
  EventSource source;
  source.sample = options.sample;
  source.columns = options.columns;
  source.unit = options.unit == "s" ? 1'000'000 : options.unit == "ms" ? 1000 : 1;
  if (!options.sensor.empty()) {
    std::tie(source.width, source.height) = sides(options.sensor, "--sensor");
  }
  return read_events(file, source);
}

struct Statistics {
  Index events = 0, brighter = 0, pixels = 0;
  double milliseconds = 0;

  std::optional<double> on_off_ratio() const {
    return brighter == events
               ? std::nullopt
               : std::optional(static_cast<double>(brighter) / static_cast<double>(events - brighter));
  }
  std::optional<double> events_per_ms() const {
    return milliseconds > 0 ? std::optional(static_cast<double>(events) / milliseconds) : std::nullopt;
  }
};

Statistics statistics_of(const EventRecording& recording) {
  Statistics all;
  std::set<std::pair<int, int>> pixels;
  for (const Event& event : recording.events) {
    all.brighter += event.p;
    pixels.emplace(event.x, event.y);
  }
  all.events = static_cast<Index>(recording.events.size());
  all.pixels = static_cast<Index>(pixels.size());
  if (all.events > 0) {
    all.milliseconds = static_cast<double>(recording.events.back().t - recording.events.front().t) * 1e-3;
  }
  return all;
}

Cell cell(const std::optional<double>& number) {
  return number ? Cell(*number) : Cell();
}

Report report_of(const EventRecording& recording, const std::string& file) {
  const Statistics all = statistics_of(recording);
  Report report;
  report.schema = "volley.data/1";
  report.facts = {{"file", file},
                  {"format", recording.format},
                  {"width_px", recording.width},
                  {"height_px", recording.height},
                  {"events", all.events},
                  {"brighter", all.brighter},
                  {"on_off_ratio", cell(all.on_off_ratio())},
                  {"events_per_ms", cell(all.events_per_ms())},
                  {"pixels_hit", all.pixels}};
  if (!recording.events.empty()) {
    report.facts.push_back({"first_us", static_cast<Index>(recording.events.front().t)});
    report.facts.push_back({"last_us", static_cast<Index>(recording.events.back().t)});
  }
  if (recording.label) {
    report.facts.push_back({"label", *recording.label});
  }
  for (const std::string& skipped : recording.skipped) {
    report.remarks.push_back("skipped: " + skipped);
  }
  return report;
}

// A row for each file; the facts are means over them.
Report report_of_many(const Options& options) {
  Report report;
  report.schema = "volley.data/1";
  Table rows{"recordings",
             {{"file", "file"},
              {"events", "events"},
              {"on_off_ratio", "ON / OFF", 3},
              {"duration_ms", "ms", 1},
              {"events_per_ms", "events/ms", 2},
              {"pixels_hit", "pixels hit"},
              {"label", "label"}},
             {}};
  double events = 0, brighter = 0, rate = 0, pixels = 0;
  for (const std::string& file : options.files) {
    const EventRecording recording = open_recording(options, file);
    const Statistics all = statistics_of(recording);
    rows.rows.push_back({file, all.events, cell(all.on_off_ratio()), all.milliseconds,
                         cell(all.events_per_ms()), all.pixels,
                         recording.label ? Cell(*recording.label) : Cell()});
    events += static_cast<double>(all.events);
    brighter += static_cast<double>(all.brighter);
    rate += all.events_per_ms().value_or(0);
    pixels += static_cast<double>(all.pixels);
  }
  const auto count = static_cast<double>(options.files.size());
  report.facts = {{"recordings", static_cast<Index>(options.files.size())},
                  {"mean_events", events / count},
                  {"on_off_ratio", events > brighter ? Cell(brighter / (events - brighter)) : Cell()},
                  {"mean_events_per_ms", rate / count},
                  {"mean_pixels_hit", pixels / count}};
  report.tables.push_back(std::move(rows));
  return report;
}

void info(const Options& options) {
  print(options.files.size() == 1 ? report_of(open_recording(options, options.files[0]), options.files[0])
                                  : report_of_many(options),
        options.format);
}

// [T S 2 Y X] of all files, S of them, and their labels when each has one.
Arrays framed(const Options& options) {
  const FrameSplit split = options.by == "time" ? FrameSplit::time : FrameSplit::number;
  const Index steps = *options.frames;
  const auto samples = static_cast<Index>(options.files.size());
  VOLLEY_CHECK(options.labels.empty() || static_cast<Index>(options.labels.size()) == samples, Fault::usage,
               "{} labels for {} recordings", options.labels.size(), samples);
  FrameOptions how{.steps = steps, .split = split, .binary = options.binary, .size = {}};
  if (!options.size.empty()) {
    how.size = sides(options.size, "--size");
  }
  EventFrames all =
      frames_of(options.files, how, [&](const std::string& file) { return open_recording(options, file); });
  fmt::print("frames {} of {} recordings, {} events outside of the size left out\n", text(all.frames.sizes),
             samples, all.left_out);
  Arrays arrays;
  arrays["frames"] = std::move(all.frames);
  const std::vector<Index>& labels = options.labels.empty() ? all.labels : options.labels;
  if (static_cast<Index>(labels.size()) == samples) {
    arrays["labels"] = array_of({samples}, labels);
  }
  return arrays;
}

void convert(const Options& options) {
  if (options.frames) {
    write_npz(options.out, framed(options));
    return;
  }
  VOLLEY_CHECK(!options.binary && options.size.empty() && options.labels.empty(), Fault::usage,
               "--binary, --size and --labels need --frames");
  VOLLEY_CHECK(options.files.size() == 1, Fault::usage, "{} files without --frames, wanted one",
               options.files.size());
  const EventRecording recording = open_recording(options, options.files[0]);
  write_npz(options.out, event_arrays(recording));
  fmt::print("{} events in {}\n", recording.events.size(), options.out);
}

struct Images {
  Index rows = 0, columns = 0;
  std::vector<float> pixels;  // 0 .. 1
  std::vector<Index> labels;  // none, or one an image
};

Images open_images(const std::string& spec) {
  const bool is_idx = spec.starts_with("idx:");
  VOLLEY_CHECK(is_idx || spec == "digits", Fault::usage,
               "--images is '{}', wanted digits, idx:IMAGES or idx:IMAGES,LABELS", spec);
  const std::vector<std::string> files = data_files(spec);
  const Array array =
      is_idx ? read_idx(files.size() == 2 ? files[0] : spec.substr(4)) : NpzFile(files[0]).read("test_image");
  const auto& sizes = array.sizes;
  VOLLEY_CHECK(sizes.size() >= 3 && array.count() > 0, Fault::model, "{}: has shape {}, wanted images", spec,
               text(sizes));
  Images images{sizes[sizes.size() - 2], sizes[sizes.size() - 1], as_floats(array), {}};
  if (!is_idx || files.size() == 2) {
    images.labels = as_integers(is_idx ? read_idx(files[1]) : NpzFile(files[0]).read("test_label"), "labels");
    VOLLEY_CHECK(static_cast<Index>(images.labels.size()) == sizes[0], Fault::model,
                 "{}: {} labels for {} images", spec, images.labels.size(), sizes[0]);
  }
  const float brightest = is_idx ? 255.0f : 16.0f;
  for (float& pixel : images.pixels) {
    pixel /= brightest;
  }
  return images;
}

void make(const Options& options) {
  const Images images = open_images(options.images);
  const Index each = images.rows * images.columns;
  const Index all = static_cast<Index>(images.pixels.size()) / each;
  VOLLEY_CHECK(options.first >= 0 && options.samples >= 1 && options.samples <= all - options.first,
               Fault::usage, "--first {} --samples {} is outside of the {} images", options.first,
               options.samples, all);
  std::filesystem::create_directories(options.out);
  Index events = 0;
  for (Index i = 0; i < options.samples; ++i) {
    EventMaker maker = options.maker;
    maker.seed = static_cast<std::uint64_t>(options.seed + options.first + i);
    const auto from = static_cast<std::size_t>((options.first + i) * each);
    const auto image = std::span(images.pixels).subspan(from, static_cast<std::size_t>(each));
    EventRecording recording = make_events(image, images.rows, images.columns, maker);
    if (!images.labels.empty()) {
      recording.label = images.labels[static_cast<std::size_t>(options.first + i)];
    }
    const auto file = std::filesystem::path(options.out) / fmt::format("{:05}.npz", options.first + i);
    write_npz(file.string(), event_arrays(recording));
    events += static_cast<Index>(recording.events.size());
  }
  fmt::print("{} recordings, {} events, in {}\n", options.samples, events, options.out);
}

void add_files(CLI::App& command, Options& options) {
  command.add_option("FILE", options.files, "recordings; their format is known by their content")->required();
  command.add_option("--sensor", options.sensor, "WIDTHxHEIGHT, where the file doesn't say");
  command.add_option("--sample", options.sample,
                     "which recording of an SHD or SSC file, which stream of events of AEDAT 4");
  command.add_option("--columns", options.columns, "order of the columns of an .npy without names: xypt");
  command.add_option("--unit", options.unit, "of times in .npy and .npz")
      ->check(CLI::IsMember({"us", "ms", "s"}));
}

}  // namespace

void add_data(CLI::App& app, Run& chosen) {
  auto* data = app.add_subcommand("data", "look at, convert and make recordings of events");
  data->require_subcommand(1);
  auto options = std::make_shared<Options>();

  auto* looking = data->add_subcommand("info", "what recordings hold: volley data info a.bin");
  add_files(*looking, *options);
  add_format_option(*looking, options->format);
  looking->callback([&chosen, options] { chosen = [options] { info(*options); }; });

  auto* converting = data->add_subcommand(
      "convert", "to an .npz of events or frames: volley data convert a.bin -o a.npz --frames 16 --by time");
  add_files(*converting, *options);
  converting->add_option("-o,--output", options->out, "the .npz to write")->required();
  converting->add_option("--frames", options->frames,
                         "sum the events to T frames: 'frames' [T S 2 Y X], S files");
  converting->add_option("--by", options->by, "frames of equally many events, or of equal time")
      ->check(CLI::IsMember({"number", "time"}));
  converting->add_flag("--binary", options->binary, "1 where a frame has an event, else 0");
  converting->add_option("--size", options->size,
                         "WIDTHxHEIGHT of the frames: the middle, or an empty border around");
  converting->add_option("--labels", options->labels, "one a FILE, where the files don't say")
      ->delimiter(',');
  converting->callback([&chosen, options] { chosen = [options] { convert(*options); }; });

  auto* making = data->add_subcommand(
      "make", "recordings of images, seen in three saccades: volley data make --images digits -o made");
  making->add_option("--images", options->images, "digits, idx:IMAGES or idx:IMAGES,LABELS")->required();
  making->add_option("-o,--output", options->out, "folder for one .npz an image")->required();
  making->add_option("--first", options->first, "first image");
  making->add_option("--samples", options->samples, "how many images");
  making->add_option("--side", options->maker.side, "sides of the sensor [pixels]");
  making->add_option("--travel", options->maker.travel, "way of the gaze [pixels]");
  making->add_option("--threshold", options->maker.threshold, "of a pixel, in log intensity");
  making->add_option("--seed", options->seed, "of the pixels' thresholds");
  making->callback([&chosen, options] { chosen = [options] { make(*options); }; });
}

}  // namespace volley::cli
