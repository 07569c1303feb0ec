// Memory: who owns bytes, and on which device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace volley {

enum class Device : std::uint8_t { cpu, emulated, cuda };
std::string_view name(Device device);

// Bytes of one device, aligned to 64, freed with the last owner.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual std::byte* bytes() = 0;
  virtual std::size_t size() const = 0;
};

// Gives out bytes on one device. allocate throws std::bad_alloc when there are none; the bytes are 0.
class Memory {
 public:
  virtual ~Memory() = default;
  virtual Device device() const = 0;
  virtual std::shared_ptr<Buffer> allocate(std::size_t bytes) = 0;
};

Memory& host_memory();

// A part of a buffer.
struct Storage {
  std::shared_ptr<Buffer> buffer;
  std::size_t offset = 0;  // [bytes]

  std::byte* data() const { return buffer ? buffer->bytes() + offset : nullptr; }
};

}  // namespace volley
