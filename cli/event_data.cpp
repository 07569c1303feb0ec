// volley data: recordings of events, as they are, as frames, and made of images.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cli/command.hpp"
#include "sim/base/check.hpp"
#include "sim/io/event_data.hpp"
#include "sim/io/idx.hpp"
#include "sim/io/npz.hpp"

namespace volley::cli {
namespace {

struct Options {
  std::string file, sensor, out, by = "number", images;
  Index sample = 0, first = 0, samples = 16;
  std::optional<Index> frames;
  bool binary = false;
  Format format = Format::table;
  EventMaker maker;
  Index seed = 0;
};

EventRecording open_recording(const Options& options) {
  EventSource source;
  source.sample = options.sample;
  if (!options.sensor.empty()) {
    int used = 0;
    const int found =
        std::sscanf(options.sensor.c_str(), "%8ldx%8ld%n", &source.width, &source.height, &used);
    VOLLEY_CHECK(found == 2 && static_cast<std::size_t>(used) == options.sensor.size() && source.width > 0 &&
                     source.height > 0,
                 Fault::usage, "--sensor is '{}', wanted WIDTHxHEIGHT", options.sensor);
  }
  return read_events(options.file, source);
}

Report report_of(const EventRecording& recording, const std::string& file) {
  Index brighter = 0;
  for (const Event& event : recording.events) {
    brighter += event.p;
  }
  Report report;
  report.schema = "volley.data/1";
  report.facts = {{"file", file},
                  {"format", recording.format},
                  {"width_px", recording.width},
                  {"height_px", recording.height},
                  {"events", static_cast<Index>(recording.events.size())},
                  {"brighter", brighter}};
  if (!recording.events.empty()) {
    report.facts.push_back({"first_us", static_cast<Index>(recording.events.front().t)});
    report.facts.push_back({"last_us", static_cast<Index>(recording.events.back().t)});
  }
  return report;
}

Arrays converted(const EventRecording& recording, const Options& options) {
  if (!options.frames) {
    VOLLEY_CHECK(!options.binary, Fault::usage, "--binary needs --frames");
    return event_arrays(recording);
  }
  const FrameSplit split = options.by == "time" ? FrameSplit::time : FrameSplit::number;
  Arrays arrays;
  arrays["frames"] = options.binary ? events_to_spikes(recording, *options.frames, split)
                                    : events_to_frames(recording, *options.frames, split);
  return arrays;
}

struct Images {
  Index rows = 0, columns = 0;
  std::vector<float> pixels;  // 0 .. 1
};

Images open_images(const std::string& spec) {
  const bool is_idx = spec.starts_with("idx:");
  VOLLEY_CHECK(is_idx || spec == "digits", Fault::usage, "--images is '{}', wanted digits or idx:FILE", spec);
  const Array array = is_idx ? read_idx(spec.substr(4)) : NpzFile(data_files(spec)[0]).read("test_image");
  const auto& sizes = array.sizes;
  VOLLEY_CHECK(sizes.size() >= 3 && array.count() > 0, Fault::model, "{}: has shape {}, wanted images", spec,
               text(sizes));
  Images images{sizes[sizes.size() - 2], sizes[sizes.size() - 1], as_floats(array)};
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
    const EventRecording recording = make_events(image, images.rows, images.columns, maker);
    const auto file = std::filesystem::path(options.out) / fmt::format("{:05}.npz", options.first + i);
    write_npz(file.string(), event_arrays(recording));
    events += static_cast<Index>(recording.events.size());
  }
  fmt::print("{} recordings, {} events, in {}\n", options.samples, events, options.out);
}

void add_file(CLI::App& command, Options& options) {
  command.add_option("FILE", options.file, "a recording; its format is known by its content")->required();
  command.add_option("--sensor", options.sensor, "WIDTHxHEIGHT, where the file doesn't say");
  command.add_option("--sample", options.sample, "which recording of an SHD or SSC file");
}

}  // namespace

void add_data(CLI::App& app, Run& chosen) {
  auto* data = app.add_subcommand("data", "look at, convert and make recordings of events");
  data->require_subcommand(1);
  auto options = std::make_shared<Options>();

  auto* info = data->add_subcommand("info", "what a recording holds: volley data info a.bin");
  add_file(*info, *options);
  add_format_option(*info, options->format);
  info->callback([&chosen, options] {
    chosen = [options] { print(report_of(open_recording(*options), options->file), options->format); };
  });

  auto* convert = data->add_subcommand(
      "convert", "to an .npz of events or frames: volley data convert a.bin -o a.npz --frames 16 --by time");
  add_file(*convert, *options);
  convert->add_option("-o,--output", options->out, "the .npz to write")->required();
  convert->add_option("--frames", options->frames, "sum the events to so many frames [T 2 H W]");
  convert->add_option("--by", options->by, "frames of equally many events, or of equal time")
      ->check(CLI::IsMember({"number", "time"}));
  convert->add_flag("--binary", options->binary, "1 where a frame has an event, else 0");
  convert->callback([&chosen, options] {
    chosen = [options] { write_npz(options->out, converted(open_recording(*options), *options)); };
  });

  auto* making = data->add_subcommand(
      "make", "recordings of images, seen in three saccades: volley data make --images digits -o made");
  making->add_option("--images", options->images, "digits, or idx:FILE")->required();
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
