// Protobuf messages from and to files, with errors that name the place.
#pragma once

#include <string>
#include <string_view>

namespace google::protobuf {
class Message;
}

namespace volley {

// what: the file, for messages. Throws Error: "FILE:LINE:COLUMN: why". Refused besides what protobuf refuses:
// fields that the schema lacks, text that isn't UTF-8 or holds a zero byte.
void parse_message_text(std::string_view text, const std::string& what, google::protobuf::Message& out);
void parse_message_binary(std::string_view bytes, const std::string& what, google::protobuf::Message& out);

// .txtpb is text, .pb binary; another extension is refused.
void read_message(const std::string& path, google::protobuf::Message& out);
void write_message(const std::string& path, const google::protobuf::Message& message);
std::string message_text(const google::protobuf::Message& message);
std::string message_json(const google::protobuf::Message& message);

// format_version must be `known`.
void check_format_version(const std::string& what, unsigned version, unsigned known);

}  // namespace volley
