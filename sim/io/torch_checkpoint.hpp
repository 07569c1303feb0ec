// .pt, .pth, .ckpt: the tensors of a PyTorch checkpoint.
#pragma once

#include <string>
#include <vector>

#include "sim/graph/description.hpp"

namespace volley {

// Named tensors of a checkpoint of any kind, as float32.
struct StateDict {
  Weights tensors;
  std::string entry;                 // key of the checkpoint behind which they stood; empty: it was the root
  std::vector<std::string> skipped;  // keys of the state dict that hold no tensor
};

enum class WeightAverage : std::uint8_t { plain, ema };

// Files of torch.save since PyTorch 1.6: a ZIP of data.pkl and raw storages. The tensors are the root's, if
// it is a dict of tensors, else those behind state_dict, model_state_dict, model, net or network; with ema
// behind state_dict_ema, model_ema or ema. Views, transposed tensors and shared storages are followed.
// float32 tensors that are stored row by row, as torch.save does, are mapped and not copied.
// Nothing of the pickle is executed: it is read as data, of its globals only OrderedDict, the rebuilding of
// tensors and the storage types mean something, everything else is skipped. Refused by name: older formats, a
// whole pickled module, a tensor that reaches beyond its storage or repeats numbers of it, NaN and infinity.
StateDict read_torch_checkpoint(const std::string& path, WeightAverage average = WeightAverage::plain);

}  // namespace volley
