// Op kind x device -> kernels in order of preference.
#include "sim/op/kernel_table.hpp"

#include "sim/base/check.hpp"

namespace volley {

void KernelTable::add(std::string_view kind, Kernel kernel) {
  VOLLEY_ASSERT(kernel.run != nullptr);
  kernels_[std::string(kind)].push_back(kernel);
}

Choice KernelTable::choose(const Operator& op, std::span<const ValueSpec> in, Device device,
                           std::string_view forced) const {
  Choice choice;
  const Kernel* first = nullptr;
  for (const Kernel& kernel : all(op.kind())) {
    if (kernel.device != device) {
      continue;
    }
    const Verdict verdict = kernel.accepts(op, in);
    if (!verdict.ok) {
      choice.refusals.push_back(fmt::format("{}: {}", kernel.name, verdict.why));
      continue;
    }
    if (first == nullptr) {
      first = &kernel;
    }
    if (kernel.name == forced) {
      choice.kernel = &kernel;
      return choice;
    }
  }
  choice.kernel = first;
  return choice;
}

std::span<const Kernel> KernelTable::all(std::string_view kind) const {
  const auto at = kernels_.find(kind);
  if (at == kernels_.end()) {
    return {};
  }
  return at->second;
}

}  // namespace volley
