# add_room(NAME DIR [LINKS rooms...] [LIBRARIES third party...]): one library for all sources of one folder.
function(add_room name dir)
  cmake_parse_arguments(ROOM "" "" "LINKS;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${dir}/*.cpp)
  add_library(volley_${name} STATIC ${sources})
  target_link_libraries(volley_${name} PUBLIC volley_flags ${ROOM_LINKS} PRIVATE ${ROOM_LIBRARIES})
endfunction()
