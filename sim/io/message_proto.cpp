// Parses protobuf quietly: what it would log becomes one Error.
#include "sim/io/message_proto.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/unknown_field_set.h>
#include <google/protobuf/util/json_util.h>

#include <array>
#include <span>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"

namespace volley {
namespace {

namespace pb = google::protobuf;

constexpr Index longest_file = Index{8} << 20;  // [bytes]; a graph of 10 000 nodes is about 2 MB
constexpr int deepest = 16;                     // our schemas nest 3 deep

// Keeps the first error.
class FirstError final : public pb::io::ErrorCollector {
 public:
  void AddError(int line, pb::io::ColumnNumber column, const std::string& message) override {
    if (text.empty()) {
      text = fmt::format("{}:{}: {}", line + 1, column + 1, message);
    }
  }
  std::string text;
};

// Well-formed UTF-8 without zero bytes: a name may end in JSON, a terminal or a path.
bool is_plain_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const int more = lead < 0x80 ? 0 : lead >= 0xC2 && lead < 0xE0 ? 1 : (lead & 0xF0) == 0xE0 ? 2 : 3;
    if (lead == 0 || (lead >= 0x80 && lead < 0xC2) || lead > 0xF4 ||
        i + static_cast<std::size_t>(more) >= text.size()) {
      return false;
    }
    std::uint32_t code = more == 0 ? lead : lead & (0x3Fu >> more);
    for (int k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      if ((next & 0xC0) != 0x80) {
        return false;
      }
      code = code << 6 | (next & 0x3Fu);
    }
    constexpr std::array<std::uint32_t, 4> least{0, 0x80, 0x800, 0x10000};
    if (code < least[static_cast<std::size_t>(more)] || code > 0x10FFFF ||
        (code >= 0xD800 && code < 0xE000)) {
      return false;
    }
    i += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

void check_strings(const pb::Message& message, const std::string& what) {
  const pb::Reflection& reflection = *message.GetReflection();
  VOLLEY_CHECK(reflection.GetUnknownFields(message).empty(), Fault::model,
               "{}: {} has a field that this version doesn't know", what, message.GetDescriptor()->name());
  std::vector<const pb::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    const int n = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < n; ++i) {
      if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_STRING) {
        const std::string text = field->is_repeated() ? reflection.GetRepeatedString(message, field, i)
                                                      : reflection.GetString(message, field);
        VOLLEY_CHECK(is_plain_utf8(text), Fault::model, "{}: {} isn't UTF-8 or holds a zero byte", what,
                     field->full_name());
      } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
        check_strings(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                           : reflection.GetMessage(message, field),
                      what);
      }
    }
  }
}

}  // namespace

void parse_message_text(std::string_view text, const std::string& what, pb::Message& out) {
  const pb::LogSilencer quiet;
  FirstError error;
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.SetRecursionLimit(deepest);
  pb::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  VOLLEY_CHECK(parser.Parse(&stream, &out), Fault::model, "{}:{}", what, error.text);
  check_strings(out, what);
}

void parse_message_binary(std::string_view bytes, const std::string& what, pb::Message& out) {
  const pb::LogSilencer quiet;
  pb::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                  static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(deepest);
  VOLLEY_CHECK(out.ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage(), Fault::model,
               "{}: not a binary {}: damaged near byte {}", what, out.GetDescriptor()->name(),
               stream.CurrentPosition());
  check_strings(out, what);
}

void read_message(const std::string& path, pb::Message& out) {
  const bool is_text = ends_with(path, ".txtpb");
  VOLLEY_CHECK(is_text || ends_with(path, ".pb"), Fault::model, "{}: unknown extension, wanted .txtpb or .pb",
               path);
  const std::string content = read_text(path, longest_file);
  if (is_text) {
    parse_message_text(content, path, out);
  } else {
    parse_message_binary(content, path, out);
  }
}

std::string message_text(const pb::Message& message) {
  check_strings(message, "can't write");
  pb::TextFormat::Printer printer;
  printer.SetUseUtf8StringEscaping(true);
  std::string text;
  VOLLEY_ASSERT(printer.PrintToString(message, &text));
  return text;
}

std::string message_json(const pb::Message& message) {
  check_strings(message, "can't write");
  pb::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string text;
  VOLLEY_ASSERT(pb::util::MessageToJsonString(message, &text, options).ok());
  return text;
}

void write_message(const std::string& path, const pb::Message& message) {
  const bool is_text = ends_with(path, ".txtpb");
  VOLLEY_CHECK(is_text || ends_with(path, ".pb"), Fault::run, "{}: unknown extension, wanted .txtpb or .pb",
               path);
  check_strings(message, path + ": can't write");
  const std::string content = is_text ? message_text(message) : message.SerializeAsString();
  const std::array<std::span<const std::byte>, 1> pieces{std::as_bytes(std::span(content))};
  write_pieces(path, pieces);
}

void check_format_version(const std::string& what, unsigned version, unsigned known) {
  VOLLEY_CHECK(version != 0, Fault::model, "{}: format_version is missing, wanted {}", what, known);
  VOLLEY_CHECK(version <= known, Fault::model,
               "{}: format_version is {}, this version of volley reads up to {}", what, version, known);
}

}  // namespace volley
