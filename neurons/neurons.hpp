// All built-in neurons as operators; compiled once, in neurons.cpp.
#pragma once

#include "neurons/adaptive.hpp"
#include "neurons/cuba_lif.hpp"
#include "neurons/graded.hpp"
#include "neurons/if.hpp"
#include "neurons/lif.hpp"
#include "neurons/neuron_op.hpp"
#include "neurons/plif.hpp"
#include "neurons/ternary.hpp"

namespace volley {

using LifOp = NeuronOp<Lif>;
using IfOp = NeuronOp<If>;
using PlifOp = NeuronOp<Plif>;
using TernaryOp = NeuronOp<Ternary>;
using GradedOp = NeuronOp<Graded>;
using CubaLifOp = NeuronOp<CubaLif>;
using AdaptiveOp = NeuronOp<Adaptive>;

extern template class NeuronOp<Lif>;
extern template class NeuronOp<If>;
extern template class NeuronOp<Plif>;
extern template class NeuronOp<Ternary>;
extern template class NeuronOp<Graded>;
extern template class NeuronOp<CubaLif>;
extern template class NeuronOp<Adaptive>;

}  // namespace volley
