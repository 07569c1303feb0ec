// Bytes of the host.
#include "sim/tensor/memory.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

namespace volley {
namespace {

constexpr std::size_t alignment = 64;

class HostBuffer final : public Buffer {
 public:
  explicit HostBuffer(std::size_t size) : size_(size) {
    const std::size_t padded = (size + alignment - 1) / alignment * alignment;
    bytes_ = static_cast<std::byte*>(std::aligned_alloc(alignment, padded > 0 ? padded : alignment));
    if (bytes_ == nullptr) {
      throw std::bad_alloc();
    }
    std::memset(bytes_, 0, padded);
  }
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;
  ~HostBuffer() override { std::free(bytes_); }
  std::byte* bytes() override { return bytes_; }
  std::size_t size() const override { return size_; }

 private:
  std::byte* bytes_;
  std::size_t size_;
};

class HostMemory final : public Memory {
 public:
  Device device() const override { return Device::cpu; }
  std::shared_ptr<Buffer> allocate(std::size_t bytes) override { return std::make_shared<HostBuffer>(bytes); }
};

}  // namespace

std::string_view name(Device device) {
  switch (device) {
    case Device::cpu:
      return "cpu";
    case Device::emulated:
      return "emulated";
    case Device::cuda:
      return "cuda";
  }
  return "?";
}

Memory& host_memory() {
  static HostMemory memory;
  return memory;
}

}  // namespace volley
