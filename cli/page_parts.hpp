// What every page carries: Chart.js, its licence, our script and style.
#pragma once

#include <string_view>

namespace volley::cli {

extern const std::string_view chart_js;
extern const std::string_view chart_licence;
extern const std::string_view page_js;
extern const std::string_view page_css;

}  // namespace volley::cli
