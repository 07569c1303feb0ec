// A file is read in a child process before it is read here.
#include "sim/base/check.hpp"
#include "sim/io/file.hpp"
#include "sim/io/hdf5_file.hpp"
#include "sim/io/trial.hpp"

namespace volley {

// Whatever a reader may ask for later.
void Hdf5File::read_all(const Hdf5File& file, const std::string& object, int level) {
  constexpr int most_levels = 32;
  for (const std::string& attribute : file.attribute_names(object)) {
    (void)file.text_attribute(object, attribute);
    (void)file.number_attribute(object, attribute);
  }
  try {
    if (object == "/" || file.is_group(object)) {
      for (const std::string& name : file.children(object)) {
        const std::string child = object + (object == "/" ? "" : "/") + name;
        if (level < most_levels && file.has(child)) {
          read_all(file, child, level + 1);
        }
      }
    } else if (std::vector<Index> sizes; file.is_text(object)) {
      (void)file.texts(object, sizes);
    } else if (file.is_list(object)) {
      (void)file.lists(object);
    } else {
      (void)file.numbers(object);
    }
  } catch (const Error&) {
    // who needs this object will be told
  }
}

void Hdf5File::try_out(const std::string& path) {
  const Index bytes = InputFile(path).size();
  VOLLEY_CHECK(is_hdf5(path), Fault::model, "{}: is no HDF5 file", path);
  constexpr Index least_seconds = 5;
  constexpr Index bytes_per_second = 20'000'000;  // libhdf5 reads several times faster
  const auto seconds = static_cast<int>(least_seconds + bytes / bytes_per_second);
  const Trial trial = on_trial(seconds, [&] { read_all(Hdf5File(path, Untried()), "/", 0); });
  VOLLEY_CHECK(trial == Trial::ends, Fault::model, "{}: is damaged: libhdf5 {}", path,
               trial == Trial::hangs ? fmt::format("has not read it after {} s of processor time", seconds)
                                     : "crashes when it reads it");
}

}  // namespace volley
