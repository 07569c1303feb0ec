// NIRData between arrays [samples, steps, neurons] and HDF5.
#include "sim/io/nir_data.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"
#include "sim/io/hdf5_file.hpp"

namespace volley {
namespace {

using Form = NirObservable::Form;

constexpr const char* type_name = "__type__";
constexpr Index most_numbers = Index{1} << 28;  // that events may be spread over
constexpr int most_levels = 16;

std::string_view word(Form form) {
  constexpr std::string_view words[] = {"TimeGriddedData", "EventData", "ValuedEventData"};
  return words[static_cast<std::size_t>(form)];
}

// The least time that is in step k for a reader who divides by dt.
double begin_of(Index k, double dt) {
  double time = static_cast<double>(k) * dt;
  while (time / dt < static_cast<double>(k)) {
    time = std::nextafter(time, std::numeric_limits<double>::infinity());
  }
  return time;
}

Array array_of(std::vector<Index> sizes, const std::vector<double>& numbers) {
  Array array{std::move(sizes), NumberType::f64, std::vector<std::byte>(numbers.size() * sizeof(double))};
  std::ranges::copy(std::as_bytes(std::span(numbers)), array.bytes.begin());
  return array;
}

std::vector<double> doubles(const Array& array) {
  std::vector<double> out(static_cast<std::size_t>(array.count()));
  if (array.type == NumberType::f64) {
    std::ranges::copy(array.bytes, std::as_writable_bytes(std::span(out)).begin());
  } else {
    std::ranges::copy(as_floats(array), out.begin());
  }
  return out;
}

void write_events(Hdf5Writer& writer, const std::string& group, const NirObservable& observable, double dt) {
  const std::vector<float> numbers = as_floats(observable.numbers);
  const Index samples = observable.numbers.sizes[0], steps = observable.numbers.sizes[1],
              neurons = observable.numbers.sizes[2];
  const auto each = static_cast<std::size_t>(steps * neurons);
  std::size_t most = 0;
  for (std::size_t s = 0; s < static_cast<std::size_t>(samples); ++s) {
    const auto sample = std::span(numbers).subspan(s * each, each);
    most = std::max(most, each - static_cast<std::size_t>(std::ranges::count(sample, 0.0f)));
  }
  const std::size_t all = static_cast<std::size_t>(samples) * most;
  std::vector<Index> idx(all, -1);
  std::vector<double> time(all, std::numeric_limits<double>::infinity()), value(all, 0.0);
  for (std::size_t s = 0; s < static_cast<std::size_t>(samples); ++s) {
    std::size_t at = s * most;
    for (std::size_t i = 0; i < each; ++i) {
      if (const float number = numbers[s * each + i]; number != 0) {
        idx[at] = static_cast<Index>(i) % neurons;
        time[at] = begin_of(static_cast<Index>(i) / neurons, dt);
        value[at++] = static_cast<double>(number);
      }
    }
  }
  const std::vector<Index> sizes{samples, static_cast<Index>(most)};
  writer.numbers(group + "/idx", volley::array_of(sizes, idx));
  writer.numbers(group + "/time", array_of(sizes, time));
  if (observable.form == Form::valued_events) {
    writer.numbers(group + "/value", array_of(sizes, value));
  }
  writer.attribute(group, "n_neurons", neurons);
  writer.attribute(group, "t_max", begin_of(steps, dt));
}

class Reading {
 public:
  Reading(const Hdf5File& file, std::optional<Index> steps) : file_(file), steps_(steps) {
    dt_ = file.number_attribute("/", "dt");
    graph("/nodes", "", 0, &Reading::find_dt);
    graph("/nodes", "", 0, &Reading::observable);
    if (dt_) {
      data_.dt = *dt_;
    }
  }

  NirData data() && { return std::move(data_); }

 private:
  using Visit = void (Reading::*)(const std::string& group, Form form, NirObservable& out);

  Form form_of(const std::string& group) const {
    const auto type = file_.text_attribute(group, type_name);
    for (const Form form : {Form::gridded, Form::events, Form::valued_events}) {
      if (type == word(form)) {
        return form;
      }
    }
    fail(Fault::model, "{}: '{}' has type '{}', wanted TimeGriddedData, EventData or ValuedEventData",
         file_.path(), group, type.value_or("none"));
  }

  void graph(const std::string& nodes, const std::string& prefix, int level, Visit visit) {
    VOLLEY_CHECK(level < most_levels && file_.is_group(nodes), Fault::model,
                 "{}: '{}' is no group of nodes, or more than {} within each other", file_.path(), nodes,
                 most_levels);
    for (const std::string& name : file_.children(nodes)) {
      const std::string node = nodes + "/" + name;
      const std::string type = file_.text_attribute(node, type_name).value_or("none");
      if (type == "NIRGraphData") {
        graph(node + "/nodes", prefix + name + ".", level + 1, visit);
        continue;
      }
      VOLLEY_CHECK(type == "NIRNodeData" && file_.is_group(node + "/observables"), Fault::model,
                   "{}: '{}' has type '{}', wanted NIRNodeData with observables", file_.path(), node, type);
      for (const std::string& key : file_.children(node + "/observables")) {
        const std::string group = node + "/observables/" + key;
        (this->*visit)(group, form_of(group), data_.nodes[prefix + name][key]);
      }
    }
  }

  double positive(const std::string& group, const char* attribute) const {
    const auto number = file_.number_attribute(group, attribute);
    VOLLEY_CHECK(number && *number > 0 && std::isfinite(*number), Fault::model, "{}: '{}' has no {} above 0",
                 file_.path(), group, attribute);
    return *number;
  }

  void find_dt(const std::string& group, Form form, NirObservable&) {
    if (form == Form::gridded && !dt_) {
      dt_ = positive(group, "dt");
    }
  }

  void observable(const std::string& group, Form form, NirObservable& out) {
    out.form = form;
    if (form != Form::gridded) {
      events(group, out);
      return;
    }
    const double dt = positive(group, "dt");
    constexpr double slack = 1e-6;
    VOLLEY_CHECK(std::abs(dt - *dt_) <= slack * *dt_, Fault::model,
                 "{}: '{}' has steps of {} s, others of {} s", file_.path(), group, dt, *dt_);
    const Array array = file_.numbers(group + "/data");
    VOLLEY_CHECK(array.sizes.size() == 3, Fault::model, "{}: '{}' is {}, wanted [samples, steps, neurons]",
                 file_.path(), group, text(array.sizes));
    check_finite(array, group, file_.path());
    out.numbers = volley::array_of(array.sizes, as_floats(array));
  }

  void events(const std::string& group, NirObservable& out) {
    const double t_max = positive(group, "t_max");
    if (!dt_) {
      VOLLEY_CHECK(steps_.has_value(), Fault::usage,
                   "{}: does not say how long a step is; say how many by --steps", file_.path());
      dt_ = t_max / static_cast<double>(*steps_);
    }
    // A time that was rounded down may be just below its step.
    constexpr double slack = 1e-6;
    const double neurons_given = positive(group, "n_neurons");
    const double steps_given = std::floor(t_max / *dt_ + slack);
    const Array ids = file_.numbers(group + "/idx"), times = file_.numbers(group + "/time");
    VOLLEY_CHECK(ids.sizes.size() == 2 && ids.sizes == times.sizes, Fault::model,
                 "{}: '{}' has idx {} and time {}, wanted [samples, events] of both", file_.path(), group,
                 text(ids.sizes), text(times.sizes));
    const double all = static_cast<double>(ids.sizes[0]) * neurons_given * steps_given;
    VOLLEY_CHECK(steps_given >= 1 && all <= static_cast<double>(most_numbers), Fault::model,
                 "{}: '{}' has {} samples, {} steps of {} s, {} neurons: none, or too many", file_.path(),
                 group, ids.sizes[0], steps_given, *dt_, neurons_given);
    const auto neurons = static_cast<Index>(neurons_given), steps = static_cast<Index>(steps_given);
    const bool is_valued = out.form == Form::valued_events;
    const std::vector<Index> idx = as_integers(ids, group + "/idx");
    const std::vector<double> time = doubles(times);
    const std::vector<double> value =
        is_valued ? doubles(file_.numbers(group + "/value")) : std::vector<double>(idx.size(), 1.0);
    VOLLEY_CHECK(value.size() == idx.size(), Fault::model, "{}: '{}' has {} values of {} events",
                 file_.path(), group, value.size(), idx.size());
    std::vector<float> numbers(static_cast<std::size_t>(ids.sizes[0] * steps * neurons), 0.0f);
    for (std::size_t i = 0; i < idx.size(); ++i) {
      if (idx[i] == -1) {
        continue;
      }
      const double step = std::floor(time[i] / *dt_ + slack);
      VOLLEY_CHECK(
          idx[i] >= 0 && idx[i] < neurons && step >= 0 && step < steps_given && std::isfinite(value[i]),
          Fault::model, "{}: '{}': event {} is of neuron {} at {} s with {}, wanted 0 .. {} before {} s",
          file_.path(), group, i, idx[i], time[i], value[i], neurons - 1, t_max);
      const Index sample = static_cast<Index>(i) / ids.sizes[1];
      const Index place = (sample * steps + static_cast<Index>(step)) * neurons + idx[i];
      numbers[static_cast<std::size_t>(place)] = static_cast<float>(value[i]);
    }
    const std::vector<Index> sizes{ids.sizes[0], steps, neurons};
    out.numbers = is_valued
                      ? volley::array_of(sizes, numbers)
                      : volley::array_of(sizes, std::vector<std::uint8_t>(numbers.begin(), numbers.end()));
  }

  const Hdf5File& file_;
  std::optional<Index> steps_;
  std::optional<double> dt_;
  NirData data_;
};

}  // namespace

void write_nir_data(const std::string& path, const NirData& data) {
  VOLLEY_CHECK(data.dt > 0 && std::isfinite(data.dt), Fault::usage, "a step of {} s, wanted more than 0",
               data.dt);
  for (const auto& [node, observables] : data.nodes) {
    VOLLEY_CHECK(node.find('/') == std::string::npos, Fault::usage,
                 "'{}' has a slash, which NIRData has no name for", node);
  }
  write_whole(path, [&](const std::string& part) {
    Hdf5Writer writer(part);
    for (const auto& [node, observables] : data.nodes) {
      for (const auto& [key, observable] : observables) {
        VOLLEY_ASSERT(observable.numbers.sizes.size() == 3);
        const std::string group = "/nodes/" + node + "/observables/" + key;
        if (observable.form == Form::gridded) {
          writer.numbers(group + "/data", observable.numbers);
          writer.attribute(group, "dt", data.dt);
        } else {
          write_events(writer, group, observable, data.dt);
        }
        writer.attribute(group, type_name, std::string(word(observable.form)));
      }
      writer.attribute("/nodes/" + node, type_name, std::string("NIRNodeData"));
    }
    writer.attribute("/", type_name, std::string("NIRGraphData"));
    writer.attribute("/", "dt", data.dt);
  });
}

NirData read_nir_data(const std::string& path, std::optional<Index> steps) {
  const Hdf5File file(path);
  VOLLEY_CHECK(file.text_attribute("/", type_name) == "NIRGraphData", Fault::model,
               "{}: an HDF5 file whose root is no NIRGraphData", path);
  return Reading(file, steps).data();
}

bool is_nir_data(const std::string& path) {
  return is_hdf5(path) && Hdf5File(path).text_attribute("/", type_name) == "NIRGraphData";
}

}  // namespace volley
