// Profiles with a price, a source and nothing made up.
#include "sim/io/profile_proto.hpp"

#include <gtest/gtest.h>

#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

using test::Scratch;

const std::string good = R"(format_version: 1 id: "45nm" description: "d" process_nm: 45 voltage: 0.9
scope: "compute" scope: "memory"
price { op: "ac" value: 0.9 source: "Horowitz 2014" kind: "published" }
price { op: "mac" value: 0 kind: "unverified" })";

TEST(Profile, ReadsWhatTheFileSays) {
  const Scratch scratch;
  const Profile profile = read_profile(scratch.write("a.txtpb", good));
  EXPECT_EQ(profile.id, "45nm");
  EXPECT_EQ(profile.description, "d");
  EXPECT_EQ(profile.process_nm, 45);
  EXPECT_EQ(profile.voltage, 0.9);
  EXPECT_EQ(profile.scope, (std::vector<std::string>{"compute", "memory"}));
  ASSERT_EQ(profile.prices.size(), 2u);
  EXPECT_EQ(profile.prices.at("ac").picojoules, 0.9);
  EXPECT_EQ(profile.prices.at("ac").source, "Horowitz 2014");
  EXPECT_EQ(profile.prices.at("ac").kind, "published");
  EXPECT_EQ(profile.prices.at("mac").picojoules, 0);
}

TEST(Profile, RefusesByName) {
  const auto read = [](const std::string& more) {
    return parse_profile_text("format_version: 1 id: \"p\" " + more, "f");
  };
  const auto price = [&](const std::string& body) { return read("price { " + body + " }"); };
  EXPECT_NO_THROW(read(""));
  EXPECT_REFUSED(parse_profile_text("id: \"p\"", "f"), "f: format_version is missing");
  EXPECT_REFUSED(parse_profile_text("format_version: 2 id: \"p\"", "f"), "f: format_version is 2");
  EXPECT_REFUSED(parse_profile_text("format_version: 1", "f"), "f: id is missing");
  EXPECT_REFUSED(read("proces_nm: 1"), "f:1:36: ");
  EXPECT_REFUSED(read("process_nm: -1"), "f: process_nm is -1");
  EXPECT_REFUSED(read("voltage: nan"), "f: voltage is nan");
  EXPECT_REFUSED(read("scope: \"moon\""),
                 "f: scope is 'moon', wanted one of: compute, memory, network, static");
  EXPECT_REFUSED(price("op: \"mul\" kind: \"unverified\""), "price of 'mul': unknown op, wanted ac, mac");
  EXPECT_REFUSED(price("op: \"ac\" kind: \"guessed\""),
                 "price of 'ac': kind is 'guessed', wanted one of: published");
  EXPECT_REFUSED(price("op: \"ac\""), "kind is ''");
  EXPECT_REFUSED(price("op: \"ac\" value: -1 kind: \"unverified\""), "price of 'ac': value is -1");
  EXPECT_REFUSED(price("op: \"ac\" value: inf kind: \"unverified\""), "value is inf");
  EXPECT_REFUSED(price("op: \"ac\" value: nan kind: \"unverified\""), "value is nan");
  EXPECT_REFUSED(price("op: \"ac\" kind: \"derived\""), "price of 'ac' is derived but has no source");
  const std::string one = "op: \"ac\" kind: \"unverified\"";
  EXPECT_REFUSED(price(one + " } price { " + one), "price of 'ac' is there twice");
  EXPECT_REFUSED(read_profile("/nowhere/p.txtpb"), "/nowhere/p.txtpb: can't open");
}

TEST(Profile, SurvivesCutsAndFlips) {
  const auto read = [](const std::string& path) { (void)read_profile(path); };
  test::expect_survives_cuts("a.txtpb", good, read);
  test::expect_survives_flips("a.txtpb", good, good.size(), read);
}

}  // namespace
}  // namespace volley
