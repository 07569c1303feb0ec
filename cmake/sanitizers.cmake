# -DVOLLEY_SANITIZE=address,undefined or thread: every room is built with it.
set(VOLLEY_SANITIZE "" CACHE STRING "sanitizers, as in -fsanitize=")
if(VOLLEY_SANITIZE)
  # g++ 12 takes instrumented code of Boost for uninitialised.
  target_compile_options(volley_flags INTERFACE -fsanitize=${VOLLEY_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(volley_flags INTERFACE -fsanitize=${VOLLEY_SANITIZE})
endif()
