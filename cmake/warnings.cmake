# Warnings of g++ are errors (clang builds the fuzz targets only); floating point is never contracted, so two machines agree.
add_library(volley_flags INTERFACE)
target_compile_features(volley_flags INTERFACE cxx_std_20)
target_compile_options(volley_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow
  $<$<CXX_COMPILER_ID:GNU>:-Werror> -ffp-contract=off)
target_include_directories(volley_flags INTERFACE ${PROJECT_SOURCE_DIR})
