// .safetensors: named tensors behind a JSON header.
#pragma once

#include <map>
#include <string>

#include "sim/graph/description.hpp"

namespace volley {

// u64 header length, JSON header, numbers (little-endian, row-major). F64 F32 F16 BF16, I8 .. I64, U8 and
// BOOL become float32. Refused by name: another dtype, NaN or infinity, bytes that overlap, are missing or
// belong to no tensor. F32 is mapped, not copied (mapped_file.hpp); other types, and F32 that doesn't begin
// at a multiple of 4 bytes, are copied.
Weights read_safetensors(const std::string& path);
std::map<std::string, std::string> read_safetensors_metadata(const std::string& path);

// F32, in order of name.
void write_safetensors(const std::string& path, const Weights& weights,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace volley
