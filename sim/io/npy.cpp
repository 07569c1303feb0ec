// Reads and writes .npy; the header is a Python dictionary.
#include "sim/io/npy.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"

namespace volley {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t start_bytes = 8;       // magic and version
constexpr Index longest_header = 1 << 20;    // [bytes]; numpy writes about 120
constexpr std::size_t header_multiple = 64;  // numpy aligns the array so

struct Descr {
  std::string_view code;
  NumberType type;
};
constexpr std::array<Descr, 12> descrs{{{"b1", NumberType::boolean},
                                        {"u1", NumberType::u8},
                                        {"i1", NumberType::i8},
                                        {"u2", NumberType::u16},
                                        {"i2", NumberType::i16},
                                        {"u4", NumberType::u32},
                                        {"i4", NumberType::i32},
                                        {"u8", NumberType::u64},
                                        {"i8", NumberType::i64},
                                        {"f2", NumberType::f16},
                                        {"f4", NumberType::f32},
                                        {"f8", NumberType::f64}}};

struct Field {
  std::string name, descr;  // name "": padding
};

struct Header {
  std::optional<std::string> descr;
  std::vector<Field> fields;  // of a structured type; descr is "" then
  std::optional<bool> fortran_order;
  std::optional<std::vector<Index>> sizes;
};

// Reads {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } with any order of keys and any spaces.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& what) : text_(text), what_(what) {}

  Header parse() {
    Header header;
    expect('{');
    while (!take('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !header.descr) {
        if (take('[')) {
          header.descr.emplace();
          header.fields = fields();
        } else {
          header.descr = quoted();
        }
      } else if (key == "fortran_order" && !header.fortran_order) {
        header.fortran_order = truth();
      } else if (key == "shape" && !header.sizes) {
        header.sizes = tuple();
      } else {
        fail(Fault::model, "{}: header has key '{}' twice or unknown, wanted descr, fortran_order, shape",
             what_, key);
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    VOLLEY_CHECK(at_ == text_.size(), Fault::model, "{}: header goes on after its '}}' at byte {}", what_,
                 at_);
    VOLLEY_CHECK(header.descr && header.fortran_order && header.sizes, Fault::model,
                 "{}: header lacks one of descr, fortran_order, shape", what_);
    return header;
  }

 private:
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) {
      ++at_;
    }
  }

  bool take(char wanted) {
    skip_spaces();
    if (at_ < text_.size() && text_[at_] == wanted) {
      ++at_;
      return true;
    }
    return false;
  }

  void expect(char wanted) {
    VOLLEY_CHECK(take(wanted), Fault::model, "{}: header has no '{}' at its byte {}", what_, wanted, at_);
  }

  // [('t', '<i8'), ('p', '|u1'), ('', '|V7')], its '[' taken.
  std::vector<Field> fields() {
    std::vector<Field> out;
    while (!take(']')) {
      expect('(');
      Field field;
      field.name = quoted();
      expect(',');
      field.descr = quoted();
      expect(')');
      out.push_back(std::move(field));
      if (!take(',')) {
        expect(']');
        break;
      }
    }
    VOLLEY_CHECK(!out.empty(), Fault::model, "{}: has a structured type without fields", what_);
    return out;
  }

  std::string quoted() {
    skip_spaces();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    VOLLEY_CHECK(quote == '\'' || quote == '"', Fault::model,
                 "{}: header has no text in quotes at its byte {}", what_, at_);
    const auto end = text_.find(quote, at_ + 1);
    constexpr std::size_t longest = 64;
    VOLLEY_CHECK(end != std::string_view::npos && end - at_ <= longest, Fault::model,
                 "{}: header has a text without an end at its byte {}", what_, at_);
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }

  bool truth() {
    skip_spaces();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return word == "True";
      }
    }
    fail(Fault::model, "{}: fortran_order is neither True nor False", what_);
  }

  Index integer() {
    skip_spaces();
    Index number = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
    VOLLEY_CHECK(error == std::errc() && number >= 0, Fault::model,
                 "{}: shape has no size at byte {} of the header, wanted 0 .. 2^63 - 1", what_, at_);
    at_ = static_cast<std::size_t>(end - text_.data());
    if (at_ < text_.size() && text_[at_] == 'L') {  // Python 2 wrote its long integers so
      ++at_;
    }
    return number;
  }

  std::vector<Index> tuple() {
    std::vector<Index> sizes;
    expect('(');
    while (!take(')')) {
      sizes.push_back(integer());
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  std::string_view text_;
  const std::string& what_;
  std::size_t at_ = 0;
};

// Printable, for messages: what a hostile header holds must not reach a terminal as it stands.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

NumberType type_of(const std::string& descr, const std::string& what) {
  VOLLEY_CHECK(descr.find('O') == std::string::npos, Fault::model,
               "{}: is a pickled array, re-save without objects", what);
  const bool ordered = !descr.empty() && std::string_view("<>|=").find(descr[0]) != std::string_view::npos;
  const std::string_view code = std::string_view(descr).substr(ordered ? 1 : 0);
  const auto row =
      std::find_if(descrs.begin(), descrs.end(), [&](const Descr& entry) { return entry.code == code; });
  VOLLEY_CHECK(row != descrs.end(), Fault::model,
               "{}: has the number type '{}', wanted bool, integers or floats", what, printable(descr));
  return row->type;
}

void swap_bytes(Array& array) {
  const auto each = static_cast<std::ptrdiff_t>(size_of(array.type));
  for (auto at = array.bytes.begin(); at != array.bytes.end(); at += each) {
    std::reverse(at, at + each);
  }
}

// From first size fastest to last size fastest.
void make_row_major(Array& array) {
  const std::size_t rank = array.sizes.size();
  if (rank < 2 || array.bytes.empty()) {
    return;
  }
  const std::size_t each = size_of(array.type);
  std::vector<Index> strides(rank, 1);
  for (std::size_t i = 1; i < rank; ++i) {
    strides[i] = strides[i - 1] * array.sizes[i - 1];
  }
  std::vector<std::byte> out(array.bytes.size());
  std::vector<Index> place(rank, 0);
  Index from = 0;
  for (std::size_t to = 0; to < out.size(); to += each) {
    std::memcpy(out.data() + to, array.bytes.data() + static_cast<std::size_t>(from) * each, each);
    for (std::size_t i = rank; i-- > 0;) {
      from += strides[i];
      if (++place[i] < array.sizes[i]) {
        break;
      }
      from -= strides[i] * array.sizes[i];
      place[i] = 0;
    }
  }
  array.bytes = std::move(out);
}

// Where a field stands in a row of a structured array.
struct FieldPlace {
  Array* array;
  std::size_t offset, bytes;
  bool big_endian;
};

void take_field(const FieldPlace& place, std::span<const std::byte> rows, std::size_t row) {
  Array& array = *place.array;
  array.bytes.resize(rows.size() / row * place.bytes);
  std::size_t to = 0;
  for (std::size_t at = place.offset; at < rows.size(); at += row, to += place.bytes) {
    std::memcpy(array.bytes.data() + to, rows.data() + at, place.bytes);
  }
  if (place.big_endian) {
    swap_bytes(array);
  }
}

// Bytes of '|V7'.
std::size_t padding_of(const std::string& descr, const std::string& what) {
  constexpr std::size_t most = 4096;
  const auto v = descr.find('V');
  std::size_t bytes = 0;
  const char* end = descr.data() + descr.size();
  const bool known = v <= 1 && std::from_chars(descr.data() + v + 1, end, bytes).ptr == end;
  VOLLEY_CHECK(known && bytes <= most, Fault::model, "{}: has a field without a name of type '{}'", what,
               printable(descr));
  return bytes;
}

std::string header_text(const ReadNext& read, Index& left, const std::string& what) {
  std::array<std::byte, start_bytes> start{};
  VOLLEY_CHECK(left >= static_cast<Index>(start_bytes + 2), Fault::model,
               "{}: is {} bytes, too short for .npy", what, left);
  read(start);
  VOLLEY_CHECK(std::memcmp(start.data(), magic.data(), magic.size()) == 0, Fault::model,
               "{}: is not .npy: it doesn't begin with \\x93NUMPY", what);
  const auto version = std::to_integer<int>(start[magic.size()]);
  VOLLEY_CHECK(version >= 1 && version <= 3, Fault::model, "{}: has .npy version {}, wanted 1 to 3", what,
               version);
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  VOLLEY_CHECK(left >= static_cast<Index>(start_bytes + length_bytes), Fault::model,
               "{}: is {} bytes, too short for .npy", what, left);
  std::uint32_t length = 0;
  read(std::as_writable_bytes(std::span(&length, 1)).first(length_bytes));
  left -= static_cast<Index>(start_bytes + length_bytes);
  VOLLEY_CHECK(length <= longest_header && length <= left, Fault::model,
               "{}: has a header of {} bytes, wanted at most {}", what, length,
               std::min(longest_header, left));
  std::string text(length, '\0');
  read(std::as_writable_bytes(std::span(text)));
  left -= length;
  return text;
}

}  // namespace

Array read_npy_stream(const ReadNext& read, Index size, const std::string& what) {
  Index left = size;
  const std::string text = header_text(read, left, what);
  const Header header = HeaderParser(text, what).parse();
  VOLLEY_CHECK(header.fields.empty(), Fault::model,
               "{}: has a structured type, wanted one number type; save each field as its own array", what);
  Array array;
  array.sizes = *header.sizes;
  array.type = type_of(*header.descr, what);
  const auto bytes = checked_bytes(array.sizes, size_of(array.type));
  VOLLEY_CHECK(bytes.has_value(), Fault::model, "{}: shape {} is too large", what, volley::text(array.sizes));
  VOLLEY_CHECK(*bytes == left, Fault::model, "{}: has {} bytes of numbers, wanted {} for shape {} of {}",
               what, left, *bytes, volley::text(array.sizes), name(array.type));
  array.bytes.resize(static_cast<std::size_t>(left));
  read(array.bytes);
  if (header.descr->front() == '>') {
    swap_bytes(array);
  }
  if (*header.fortran_order) {
    make_row_major(array);
  }
  return array;
}

Arrays read_npy_fields(const std::string& path) {
  const InputFile file(path);
  Index at = 0;
  const auto next = [&](std::span<std::byte> out) {
    file.read(at, out);
    at += static_cast<Index>(out.size());
  };
  Index left = file.size();
  const std::string text = header_text(next, left, path);
  const Header header = HeaderParser(text, path).parse();
  VOLLEY_CHECK(!header.fields.empty(), Fault::model,
               "{}: has one number type, wanted a structured one, or the order of its columns", path);
  VOLLEY_CHECK(header.sizes->size() == 1, Fault::model, "{}: has shape {}, wanted one axis", path,
               volley::text(*header.sizes));
  Arrays arrays;
  std::vector<FieldPlace> places;
  std::size_t row = 0;
  for (const Field& field : header.fields) {
    FieldPlace place{nullptr, row, 0, field.descr.starts_with('>')};
    if (field.name.empty()) {
      row += padding_of(field.descr, path);
      continue;
    }
    Array& array = arrays[field.name];
    VOLLEY_CHECK(array.sizes.empty(), Fault::model, "{}: has the field '{}' twice", path,
                 printable(field.name));
    array.sizes = *header.sizes;
    array.type = type_of(field.descr, path);
    place.array = &array;
    place.bytes = size_of(array.type);
    row += place.bytes;
    places.push_back(place);
  }
  const auto bytes = checked_bytes(*header.sizes, row);
  VOLLEY_CHECK(row > 0 && bytes == left, Fault::model, "{}: has {} bytes of rows, wanted {} for shape {}",
               path, left, bytes.value_or(-1), volley::text(*header.sizes));
  std::vector<std::byte> rows(static_cast<std::size_t>(left));
  next(rows);
  for (const FieldPlace& place : places) {
    take_field(place, rows, row);
  }
  return arrays;
}

Array read_npy(const std::string& path) {
  const InputFile file(path);
  Index at = 0;
  const auto next = [&](std::span<std::byte> out) {
    file.read(at, out);
    at += static_cast<Index>(out.size());
  };
  return read_npy_stream(next, file.size(), path);
}

Array parse_npy(std::span<const std::byte> bytes, const std::string& what) {
  std::size_t at = 0;
  const auto next = [&](std::span<std::byte> out) {
    VOLLEY_ASSERT(out.size() <= bytes.size() - at);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), out.size(), out.begin());
    at += out.size();
  };
  return read_npy_stream(next, static_cast<Index>(bytes.size()), what);
}

std::string npy_header(const Array& array) {
  VOLLEY_ASSERT(checked_bytes(array.sizes, size_of(array.type)) == static_cast<Index>(array.bytes.size()));
  const auto row =
      std::find_if(descrs.begin(), descrs.end(), [&](const Descr& d) { return d.type == array.type; });
  std::string shape;
  for (const Index size : array.sizes) {
    shape += fmt::format("{}{}", shape.empty() ? "" : ", ", size);
  }
  if (array.sizes.size() == 1) {
    shape += ",";
  }
  std::string text = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                 size_of(array.type) == 1 ? '|' : '<', row->code, shape);
  const std::size_t total = start_bytes + 2 + text.size() + 1;
  text += std::string((header_multiple - total % header_multiple) % header_multiple, ' ') + "\n";
  std::string out(magic);
  out += {'\x01', '\x00', static_cast<char>(text.size() & 255), static_cast<char>(text.size() >> 8)};
  return out + text;
}

void write_npy(const std::string& path, const Array& array) {
  const std::string header = npy_header(array);
  const std::array<std::span<const std::byte>, 2> pieces{std::as_bytes(std::span(header)), array.bytes};
  write_pieces(path, pieces);
}

}  // namespace volley
