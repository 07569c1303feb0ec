// What an edge carries.
#include "sim/tensor/value.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace volley {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

std::vector<std::span<std::byte>> parts_of(const Value& value) {
  if (const auto* tensor = std::get_if<Tensor>(&value)) {
    return {{tensor->storage().data(), spec_of(value).bytes()}};
  }
  std::vector<std::span<std::byte>> parts;
  const auto& spikes = std::get<SpikeTensor>(value);
  for (int p = 0; p < spikes.code().planes; ++p) {
    parts.push_back(std::as_writable_bytes(spikes.plane_mutable(p)));
  }
  return parts;
}

// Looks at a block of words at a time: the first one mostly tells.
bool is_zero(const std::byte* bytes, std::size_t count) {
  constexpr std::size_t block = 16;
  constexpr std::size_t word = sizeof(std::uint64_t);
  for (; count >= block * word; count -= block * word, bytes += block * word) {
    std::array<std::uint64_t, block> words;
    std::memcpy(words.data(), bytes, block * word);
    std::uint64_t any = 0;
    for (const std::uint64_t one : words) {
      any |= one;
    }
    if (any != 0) {
      return false;
    }
  }
  return std::all_of(bytes, bytes + count, [](std::byte one) { return one == std::byte{0}; });
}

}  // namespace

bool ValueSpec::operator==(const ValueSpec& other) const {
  return form == other.form && shape == other.shape &&
         (form == Form::dense ? dtype == other.dtype : code == other.code);
}

std::size_t ValueSpec::bytes() const {
  switch (form) {
    case Form::dense:
      return static_cast<std::size_t>(shape.count()) * size_of(dtype);
    case Form::spikes:
      return SpikeTensor::bytes(code, shape);
    case Form::events:
      return 0;
  }
  return 0;
}

ValueSpec dense_spec(Shape shape, Dtype dtype) {
  return {Form::dense, dtype, {}, std::move(shape)};
}

ValueSpec spike_spec(Shape shape, SpikeCode code) {
  return {Form::spikes, Dtype::f32, code, std::move(shape)};
}

std::string domain(const ValueSpec& spec) {
  switch (spec.form) {
    case Form::dense:
      return std::string(name(spec.dtype));
    case Form::spikes:
      return text(spec.code);
    case Form::events:
      return "events of " + text(spec.code);
  }
  return "?";
}

std::string text(const ValueSpec& spec) {
  return domain(spec) + " " + text(spec.shape);
}

bool is_present(const Value& value) {
  return !std::holds_alternative<std::monostate>(value);
}

Value make_value(const ValueSpec& spec, Storage storage) {
  switch (spec.form) {
    case Form::dense:
      return Tensor(spec.dtype, spec.shape, std::move(storage));
    case Form::spikes:
      return SpikeTensor(spec.code, spec.shape, std::move(storage));
    case Form::events:
      return EventList(spec.code, spec.shape,
                       std::vector<Index>(static_cast<std::size_t>(spec.shape[Axis::T]) + 1, 0), {}, {});
  }
  return {};
}

Value make_value(const ValueSpec& spec) {
  return make_value(spec, {host_memory().allocate(spec.bytes()), 0});
}

ValueSpec spec_of(const Value& value) {
  return std::visit(Overloaded{
                        [](std::monostate) { return ValueSpec{}; },
                        [](const Tensor& tensor) { return dense_spec(tensor.shape(), tensor.dtype()); },
                        [](const SpikeTensor& spikes) { return spike_spec(spikes.shape(), spikes.code()); },
                        [](const EventList& events) {
                          return ValueSpec{Form::events, Dtype::f32, events.code(), events.shape()};
                        },
                    },
                    value);
}

const Shape& shape_of(const Value& value) {
  if (const auto* tensor = std::get_if<Tensor>(&value)) {
    return tensor->shape();
  }
  if (const auto* spikes = std::get_if<SpikeTensor>(&value)) {
    return spikes->shape();
  }
  return std::get<EventList>(value).shape();
}

bool is_silent(const Value& value) {
  if (const auto* tensor = std::get_if<Tensor>(&value)) {
    const auto numbers = static_cast<std::size_t>(tensor->shape().count());
    return is_zero(tensor->storage().data(), numbers * size_of(tensor->dtype()));
  }
  if (const auto* spikes = std::get_if<SpikeTensor>(&value)) {
    bool silent = true;
    for (int p = 0; silent && p < spikes->code().planes; ++p) {
      const auto plane = std::as_bytes(spikes->plane(p));
      silent = is_zero(plane.data(), plane.size());
    }
    return silent;
  }
  return std::get<EventList>(value).count() == 0;
}

void clear(const Value& value) {
  for (const auto part : parts_of(value)) {
    std::memset(part.data(), 0, part.size());
  }
}

Value steps_of(const Value& value, Index first, Index count) {
  if (const auto* tensor = std::get_if<Tensor>(&value)) {
    return tensor->steps(first, count);
  }
  if (const auto* spikes = std::get_if<SpikeTensor>(&value)) {
    return spikes->steps(first, count);
  }
  VOLLEY_ASSERT(!is_present(value));
  return {};
}

Value sample_of(const Value& value, Index sample) {
  if (const auto* tensor = std::get_if<Tensor>(&value)) {
    return tensor->sample(sample);
  }
  if (const auto* spikes = std::get_if<SpikeTensor>(&value)) {
    return spikes->sample(sample);
  }
  VOLLEY_ASSERT(!is_present(value));
  return {};
}

Value copy_of(const Value& value) {
  if (!is_present(value) || std::holds_alternative<EventList>(value)) {
    return value;
  }
  Value copy = make_value(spec_of(value));
  copy_into(value, copy);
  return copy;
}

void copy_into(const Value& from, const Value& to) {
  VOLLEY_ASSERT(spec_of(from) == spec_of(to));
  if (const auto* tensor = std::get_if<Tensor>(&from)) {
    std::memcpy(std::get<Tensor>(to).storage().data(), tensor->storage().data(), spec_of(from).bytes());
    return;
  }
  const auto& spikes = std::get<SpikeTensor>(from);
  for (int p = 0; p < spikes.code().planes; ++p) {
    const auto out = std::get<SpikeTensor>(to).plane_mutable(p);
    std::copy(spikes.plane(p).begin(), spikes.plane(p).end(), out.begin());
  }
}

Tensor as_dense(const Value& value) {
  if (const auto* tensor = std::get_if<Tensor>(&value)) {
    return *tensor;
  }
  if (const auto* spikes = std::get_if<SpikeTensor>(&value)) {
    return unpack(*spikes);
  }
  const auto& events = std::get<EventList>(value);
  SpikeTensor bits(events.code(), events.shape());
  from_events(events, bits);
  return unpack(bits);
}

}  // namespace volley
