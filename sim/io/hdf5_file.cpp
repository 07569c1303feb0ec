// HDF5 through the C API of libhdf5.
#include "sim/io/hdf5_file.hpp"

#include <hdf5.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"

namespace volley {
namespace {

constexpr Index deflate_ratio = 1032;  // as in zip_archive.cpp
constexpr Index small_file = 1 << 20;  // [bytes] that any file may ask for

// A handle that is closed by its own function.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Handle() {
    if (id_ >= 0) {
      close_(id_);
    }
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;
  operator hid_t() const { return id_; }  // NOLINT: the C API takes ids
  bool good() const { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

herr_t first_message(unsigned, const H5E_error2_t* error, void* out) {
  auto& text = *static_cast<std::string*>(out);
  if (error->desc != nullptr && *error->desc != '\0') {
    text = error->desc;
  }
  return 0;
}

std::string last_error() {
  std::string text = "unknown";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_message, &text);
  H5Eclear2(H5E_DEFAULT);
  return text;
}

void be_silent() {
  static const bool done = [] {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    return true;
  }();
  (void)done;
}

struct NumberRow {
  H5T_class_t kind;
  std::size_t bytes;
  bool is_signed;
  NumberType type;
};
constexpr std::array<NumberRow, 11> number_rows{{{H5T_INTEGER, 1, false, NumberType::u8},
                                                 {H5T_INTEGER, 1, true, NumberType::i8},
                                                 {H5T_INTEGER, 2, false, NumberType::u16},
                                                 {H5T_INTEGER, 2, true, NumberType::i16},
                                                 {H5T_INTEGER, 4, false, NumberType::u32},
                                                 {H5T_INTEGER, 4, true, NumberType::i32},
                                                 {H5T_INTEGER, 8, false, NumberType::u64},
                                                 {H5T_INTEGER, 8, true, NumberType::i64},
                                                 {H5T_FLOAT, 2, true, NumberType::f32},
                                                 {H5T_FLOAT, 4, true, NumberType::f32},
                                                 {H5T_FLOAT, 8, true, NumberType::f64}}};

hid_t native(NumberType type) {
  switch (type) {
    case NumberType::boolean:
    case NumberType::u8:
      return H5T_STD_U8LE;
    case NumberType::i8:
      return H5T_STD_I8LE;
    case NumberType::u16:
      return H5T_STD_U16LE;
    case NumberType::i16:
      return H5T_STD_I16LE;
    case NumberType::u32:
      return H5T_STD_U32LE;
    case NumberType::i32:
      return H5T_STD_I32LE;
    case NumberType::u64:
      return H5T_STD_U64LE;
    case NumberType::i64:
      return H5T_STD_I64LE;
    case NumberType::f64:
      return H5T_IEEE_F64LE;
    default:
      return H5T_IEEE_F32LE;
  }
}

}  // namespace

struct Hdf5File::Impl {
  std::string path;
  Index bytes = 0;
  std::unique_ptr<Handle> file;

  std::string what(const std::string& object) const { return fmt::format("{}: '{}'", path, object); }

  // Text and sizes of a dataset that may be read.
  struct Dataset {
    Handle set, type, space;
    std::vector<Index> sizes;
    std::size_t count;
  };

  Dataset open(const std::string& object) const {
    Handle set(H5Dopen2(*file, object.c_str(), H5P_DEFAULT), H5Dclose);
    VOLLEY_CHECK(set.good(), Fault::model, "{}: can't be read as an array: {}", what(object), last_error());
    Handle type(H5Dget_type(set), H5Tclose);
    Handle space(H5Dget_space(set), H5Sclose);
    VOLLEY_CHECK(type.good() && space.good(), Fault::model, "{}: {}", what(object), last_error());
    const H5S_class_t kind = H5Sget_simple_extent_type(space);
    VOLLEY_CHECK(kind == H5S_SCALAR || kind == H5S_SIMPLE, Fault::model, "{}: holds nothing", what(object));
    const int axes = H5Sget_simple_extent_ndims(space);
    VOLLEY_CHECK(axes >= 0 && axes <= 32, Fault::model, "{}: has {} axes", what(object), axes);
    std::array<hsize_t, 32> extents{};
    H5Sget_simple_extent_dims(space, extents.data(), nullptr);
    std::vector<Index> sizes;
    for (int i = 0; i < axes; ++i) {
      VOLLEY_CHECK(extents[static_cast<std::size_t>(i)] <= std::uint64_t{1} << 40, Fault::model,
                   "{}: axis {} is {}", what(object), i, extents[static_cast<std::size_t>(i)]);
      sizes.push_back(static_cast<Index>(extents[static_cast<std::size_t>(i)]));
    }
    const std::size_t each = std::max<std::size_t>(8, H5Tget_size(type));
    const auto total = checked_bytes(sizes, each);
    VOLLEY_CHECK(total.has_value() && *total <= std::max(small_file, bytes * deflate_ratio), Fault::model,
                 "{}: declares {} numbers, more than a file of {} bytes can hold", what(object),
                 volley::text(sizes), bytes);
    const auto count = static_cast<std::size_t>(*total) / each;
    return {std::move(set), std::move(type), std::move(space), std::move(sizes), count};
  }

  NumberType number_type(hid_t type, const std::string& object) const {
    const H5T_class_t kind = H5Tget_class(type);
    const std::size_t size = H5Tget_size(type);
    if (kind == H5T_ENUM && size == 1) {  // h5py's bool
      return NumberType::boolean;
    }
    const bool is_signed = kind != H5T_INTEGER || H5Tget_sign(type) == H5T_SGN_2;
    const auto row = std::find_if(number_rows.begin(), number_rows.end(), [&](const NumberRow& r) {
      return r.kind == kind && r.bytes == size && r.is_signed == is_signed;
    });
    VOLLEY_CHECK(row != number_rows.end(), Fault::model, "{}: is not of integers or floats of 1 to 8 bytes",
                 what(object));
    return row->type;
  }
};

Hdf5File::Hdf5File(const std::string& path) {
  try_out(path);
  *this = Hdf5File(path, Untried());
}

Hdf5File::Hdf5File(const std::string& path, Untried) : impl_(std::make_unique<Impl>()) {
  be_silent();
  impl_->path = path;
  impl_->bytes = InputFile(path).size();
  impl_->file = std::make_unique<Handle>(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  VOLLEY_CHECK(impl_->file->good(), Fault::model, "{}: can't be read as HDF5: {}", path, last_error());
}

Hdf5File::~Hdf5File() = default;
Hdf5File::Hdf5File(Hdf5File&&) noexcept = default;
Hdf5File& Hdf5File::operator=(Hdf5File&&) noexcept = default;

const std::string& Hdf5File::path() const {
  return impl_->path;
}

// Each part of the path must be there; a link that leads out of the file is none.
bool Hdf5File::has(const std::string& object) const {
  for (std::size_t end = object.find('/', 1);; end = object.find('/', end + 1)) {
    const std::string part = object.substr(0, end);
    H5L_info_t info;
    if (part != "/" &&
        (H5Lget_info(*impl_->file, part.c_str(), &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_HARD)) {
      H5Eclear2(H5E_DEFAULT);
      return false;
    }
    if (end == std::string::npos) {
      return true;
    }
  }
}

bool Hdf5File::is_group(const std::string& object) const {
  if (!has(object)) {
    return false;
  }
  H5O_info_t info;
  const bool known =
      H5Oget_info_by_name2(*impl_->file, object.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0;
  H5Eclear2(H5E_DEFAULT);
  return known && info.type == H5O_TYPE_GROUP;
}

std::vector<std::string> Hdf5File::children(const std::string& group) const {
  const Handle opened(H5Gopen2(*impl_->file, group.c_str(), H5P_DEFAULT), H5Gclose);
  VOLLEY_CHECK(opened.good(), Fault::model, "{}: is no group: {}", impl_->what(group), last_error());
  std::vector<std::string> names;
  const auto keep = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  VOLLEY_CHECK(H5Literate(opened, H5_INDEX_NAME, H5_ITER_INC, nullptr, keep, &names) >= 0, Fault::model,
               "{}: {}", impl_->what(group), last_error());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> Hdf5File::attribute_names(const std::string& object) const {
  std::vector<std::string> names;
  const auto keep = [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  H5Aiterate_by_name(*impl_->file, object.c_str(), H5_INDEX_NAME, H5_ITER_INC, nullptr, keep, &names,
                     H5P_DEFAULT);
  H5Eclear2(H5E_DEFAULT);
  return names;
}

Array Hdf5File::numbers(const std::string& object) const {
  const auto dataset = impl_->open(object);
  Array array;
  array.type = impl_->number_type(dataset.type, object);
  array.sizes = dataset.sizes;
  array.bytes.resize(dataset.count * size_of(array.type));
  const hid_t memory =
      H5Tget_class(dataset.type) == H5T_ENUM ? static_cast<hid_t>(dataset.type) : native(array.type);
  VOLLEY_CHECK(array.bytes.empty() ||
                   H5Dread(dataset.set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.bytes.data()) >= 0,
               Fault::model, "{}: {}", impl_->what(object), last_error());
  return array;
}

std::vector<std::vector<double>> Hdf5File::lists(const std::string& object) const {
  const auto dataset = impl_->open(object);
  VOLLEY_CHECK(H5Tget_class(dataset.type) == H5T_VLEN, Fault::model, "{}: is not of lists",
               impl_->what(object));
  const Handle memory(H5Tvlen_create(H5T_NATIVE_DOUBLE), H5Tclose);
  std::vector<hvl_t> rows(dataset.count);
  const bool read =
      rows.empty() || H5Dread(dataset.set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data()) >= 0;
  VOLLEY_CHECK(read, Fault::model, "{}: {}", impl_->what(object), last_error());
  std::vector<std::vector<double>> lists;
  for (const hvl_t& row : rows) {
    const auto* first = static_cast<const double*>(row.p);
    lists.emplace_back(first, first + row.len);
  }
  if (!rows.empty()) {
    H5Dvlen_reclaim(memory, dataset.space, H5P_DEFAULT, rows.data());
  }
  return lists;
}

bool Hdf5File::is_list(const std::string& object) const {
  return H5Tget_class(impl_->open(object).type) == H5T_VLEN;
}

bool Hdf5File::is_text(const std::string& object) const {
  return H5Tget_class(impl_->open(object).type) == H5T_STRING;
}

std::string Hdf5File::text(const std::string& object) const {
  std::vector<Index> sizes;
  const auto all = texts(object, sizes);
  VOLLEY_CHECK(all.size() == 1, Fault::model, "{}: holds {} texts, wanted 1", impl_->what(object),
               all.size());
  return all[0];
}

std::vector<std::string> Hdf5File::texts(const std::string& object, std::vector<Index>& sizes) const {
  const auto dataset = impl_->open(object);
  VOLLEY_CHECK(H5Tget_class(dataset.type) == H5T_STRING, Fault::model, "{}: is no text", impl_->what(object));
  sizes = dataset.sizes;
  std::vector<std::string> all;
  if (H5Tis_variable_str(dataset.type) > 0) {
    const Handle memory(H5Tcopy(dataset.type), H5Tclose);
    std::vector<char*> rows(dataset.count);
    const bool read =
        rows.empty() || H5Dread(dataset.set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data()) >= 0;
    VOLLEY_CHECK(read, Fault::model, "{}: {}", impl_->what(object), last_error());
    for (char* row : rows) {
      all.emplace_back(row == nullptr ? "" : row);
    }
    if (!rows.empty()) {
      H5Dvlen_reclaim(memory, dataset.space, H5P_DEFAULT, rows.data());
    }
    return all;
  }
  const std::size_t length = H5Tget_size(dataset.type);
  std::string bytes(dataset.count * length, '\0');
  const bool read =
      bytes.empty() || H5Dread(dataset.set, dataset.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) >= 0;
  VOLLEY_CHECK(read, Fault::model, "{}: {}", impl_->what(object), last_error());
  for (std::size_t i = 0; i < dataset.count; ++i) {
    const std::string row = bytes.substr(i * length, length);
    all.push_back(row.substr(0, row.find('\0')));
  }
  return all;
}

namespace {

struct Attribute {
  Handle attribute, type;
};

// An attribute that is one value.
std::optional<Attribute> scalar_attribute(hid_t file, const std::string& object, const std::string& name) {
  Handle opened(H5Aopen_by_name(file, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (!opened.good()) {
    H5Eclear2(H5E_DEFAULT);
    return std::nullopt;
  }
  Handle type(H5Aget_type(opened), H5Tclose);
  const Handle space(H5Aget_space(opened), H5Sclose);
  if (!type.good() || !space.good() || H5Sget_simple_extent_npoints(space) != 1) {
    return std::nullopt;
  }
  return Attribute{std::move(opened), std::move(type)};
}

}  // namespace

std::optional<std::string> Hdf5File::text_attribute(const std::string& object,
                                                    const std::string& name) const {
  const auto found = scalar_attribute(*impl_->file, object, name);
  if (!found || H5Tget_class(found->type) != H5T_STRING) {
    return std::nullopt;
  }
  if (H5Tis_variable_str(found->type) > 0) {
    char* bytes = nullptr;
    if (H5Aread(found->attribute, found->type, &bytes) < 0 || bytes == nullptr) {
      H5Eclear2(H5E_DEFAULT);
      return std::nullopt;
    }
    std::string text = bytes;
    H5free_memory(bytes);
    return text;
  }
  std::string text(H5Tget_size(found->type), '\0');
  if (H5Aread(found->attribute, found->type, text.data()) < 0) {
    H5Eclear2(H5E_DEFAULT);
    return std::nullopt;
  }
  return text.substr(0, text.find('\0'));
}

std::optional<double> Hdf5File::number_attribute(const std::string& object, const std::string& name) const {
  const auto found = scalar_attribute(*impl_->file, object, name);
  double number = 0;
  if (!found || (H5Tget_class(found->type) != H5T_INTEGER && H5Tget_class(found->type) != H5T_FLOAT) ||
      H5Aread(found->attribute, H5T_NATIVE_DOUBLE, &number) < 0) {
    H5Eclear2(H5E_DEFAULT);
    return std::nullopt;
  }
  return number;
}

struct Hdf5Writer::Impl {
  std::string path;
  Handle file, groups;  // groups: links that make their groups

  void write(const std::string& object, hid_t type, const std::vector<Index>& sizes, const void* data) const {
    std::vector<hsize_t> extents(sizes.begin(), sizes.end());
    const Handle space(sizes.empty()
                           ? H5Screate(H5S_SCALAR)
                           : H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr),
                       H5Sclose);
    const Handle set(H5Dcreate2(file, object.c_str(), type, space, groups, H5P_DEFAULT, H5P_DEFAULT),
                     H5Dclose);
    VOLLEY_CHECK(set.good() && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0, Fault::run,
                 "{}: can't write '{}': {}", path, object, last_error());
  }

  void attribute(const std::string& object, const std::string& name, hid_t type, const void* data) const {
    const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const Handle made(H5Acreate_by_name(file, object.c_str(), name.c_str(), type, space, H5P_DEFAULT,
                                        H5P_DEFAULT, H5P_DEFAULT),
                      H5Aclose);
    VOLLEY_CHECK(made.good() && H5Awrite(made, type, data) >= 0, Fault::run,
                 "{}: can't write '{}' of '{}': {}", path, name, object, last_error());
  }
};

Hdf5Writer::Hdf5Writer(const std::string& path) {
  be_silent();
  impl_.reset(new Impl{path,
                       {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose},
                       {H5Pcreate(H5P_LINK_CREATE), H5Pclose}});
  VOLLEY_CHECK(impl_->file.good(), Fault::run, "{}: can't write: {}", path, last_error());
  H5Pset_create_intermediate_group(impl_->groups, 1);
}

Hdf5Writer::~Hdf5Writer() = default;

void Hdf5Writer::text(const std::string& object, const std::string& text) {
  texts(object, {text}, {});
}

void Hdf5Writer::texts(const std::string& object, const std::vector<std::string>& texts,
                       const std::vector<Index>& sizes) {
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  std::vector<const char*> rows;
  for (const std::string& text : texts) {
    rows.push_back(text.c_str());
  }
  impl_->write(object, type, sizes, rows.data());
}

void Hdf5Writer::numbers(const std::string& object, const Array& array) {
  impl_->write(object, native(array.type), array.sizes, array.bytes.data());
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name, const std::string& text) {
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  const char* bytes = text.c_str();
  impl_->attribute(object, name, type, &bytes);
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name, double number) {
  impl_->attribute(object, name, H5T_NATIVE_DOUBLE, &number);
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name, Index number) {
  impl_->attribute(object, name, H5T_NATIVE_INT64, &number);
}

bool is_hdf5(const std::string& path) {
  const InputFile file(path);
  std::string head(static_cast<std::size_t>(std::min<Index>(8, file.size())), '\0');
  file.read(0, std::as_writable_bytes(std::span(head)));
  return head == "\x89HDF\r\n\x1a\n";
}

}  // namespace volley
