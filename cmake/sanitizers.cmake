# -DVOLLEY_SANITIZE=address,undefined or thread: every room is built with it.
set(VOLLEY_SANITIZE "" CACHE STRING "sanitizers, as in -fsanitize=")
if(VOLLEY_SANITIZE)
  target_compile_options(volley_flags INTERFACE -fsanitize=${VOLLEY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(volley_flags INTERFACE -fsanitize=${VOLLEY_SANITIZE})
endif()
