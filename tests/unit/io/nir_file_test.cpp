// NIR files: what is read, and damaged ones.
#include "sim/io/nir_file.hpp"

#include <gtest/gtest.h>

#include "sim/io/hdf5_file.hpp"
#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

using test::bytes_of;

std::string data(const std::string& name) {
  return std::string(VOLLEY_SOURCE_DIR) + "/tests/data/nir/" + name;
}

TEST(NirFile, ReadsNodesEdgesSubGraphsAndMetadata) {
  const NirFile cnn = read_nir(data("cnn.nir"));
  EXPECT_EQ(cnn.version, "1.0.8");
  EXPECT_EQ(cnn.metadata.at("dt"), 1.0 / 1024);
  EXPECT_EQ(cnn.graph.edges.size(), 7u);
  EXPECT_EQ(cnn.graph.nodes.at("0").texts.at("padding"), "same");
  EXPECT_EQ(cnn.graph.nodes.at("1").numbers.at("v_threshold").sizes, (std::vector<Index>{3, 6, 6}));
  const NirFile recurrent = read_nir(data("recurrent.nir"));
  EXPECT_TRUE(recurrent.metadata.empty());
  ASSERT_NE(recurrent.graph.nodes.at("rnn").graph, nullptr);
  EXPECT_EQ(recurrent.graph.nodes.at("rnn").graph->nodes.at("w_rec").type, "Linear");
}

TEST(NirFile, RefusesWhatIsNone) {
  EXPECT_REFUSED(read_nir(test::fixture("plain.npy")), "is no HDF5 file");
  EXPECT_REFUSED(read_nir(data("nothing.nir")), "nothing.nir");
}

// These bits make libhdf5 1.10 follow a pointer to nowhere: it dies in the child process, not here.
TEST(NirFile, SurvivesFlippedBitsThatCrashTheLibrary) {
  const test::Scratch scratch;
  const std::string good = bytes_of(data("parts.nir"));
  struct Flip {
    std::size_t place;
    int bit;
  };
  for (const Flip& flip : {Flip{2717, 32}, Flip{8318, 8}, Flip{8446, 4}}) {
    std::string other = good;
    ASSERT_LT(flip.place, other.size());
    other[flip.place] = static_cast<char>(other[flip.place] ^ flip.bit);
    EXPECT_TRUE(
        test::refuses([](const std::string& path) { (void)read_nir(path); }, scratch.write("a.nir", other)))
        << flip.place;
  }
}

TEST(NirFile, RefusesPrefixes) {
  const test::Scratch scratch;
  const std::string good = bytes_of(data("recurrent.nir"));
  for (std::size_t n = 0; n < good.size(); n += good.size() / 40) {
    const std::string path = scratch.write("a.nir", good.substr(0, n));
    EXPECT_REFUSED(read_nir(path), "a.nir") << " cut at " << n;
  }
}

}  // namespace
}  // namespace volley
