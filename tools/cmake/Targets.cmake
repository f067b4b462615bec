# rapport_proto(<name> ROOT <dir> PROTOS <paths below ROOT> [DEPENDS <other rapport_proto names>])
# An object library of generated messages. Objects, so that descriptors that no code names are
# linked all the same: the RPC server is built from them.
function(rapport_proto name)
  cmake_parse_arguments(arg "" "ROOT" "PROTOS;DEPENDS" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${out})
  set(sources)
  foreach(proto ${arg_PROTOS})
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    add_custom_command(
      OUTPUT ${out}/${stem}.pb.cc ${out}/${stem}.pb.h
      COMMAND protobuf::protoc -I${CMAKE_SOURCE_DIR}/proto -I${RAPPORT_GOOGLEAPIS}
              --cpp_out=${out} ${arg_ROOT}/${proto}
      DEPENDS ${arg_ROOT}/${proto}
      VERBATIM)
    list(APPEND sources ${out}/${stem}.pb.cc ${out}/${stem}.pb.h)
  endforeach()
  add_library(${name} OBJECT ${sources})
  target_compile_options(${name} PRIVATE -O1 -w)
  target_include_directories(${name} SYSTEM PUBLIC ${out})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf)
  foreach(dependency ${arg_DEPENDS})
    add_dependencies(${name} ${dependency})
  endforeach()
endfunction()

# rapport_library(<name> SOURCES … DEPENDS …): a library of ours. What it does not list in DEPENDS
# it cannot link: that is how the layers hold. Of proto libraries it takes the headers only; their
# objects are linked once, by programs.
function(rapport_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_compile_options(${name} PRIVATE ${RAPPORT_WARNINGS})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  foreach(dependency ${arg_DEPENDS})
    if(dependency MATCHES "^proto_")
      add_dependencies(${name} ${dependency})
      target_include_directories(${name} SYSTEM PUBLIC ${CMAKE_BINARY_DIR}/generated)
      target_link_libraries(${name} PUBLIC protobuf::libprotobuf)
    else()
      target_link_libraries(${name} PUBLIC ${dependency})
    endif()
  endforeach()
endfunction()

# Every message there is.
set(RAPPORT_PROTOS proto_google proto_options proto_log proto_accounts proto_sales proto_service
    proto_marketing proto_gateway proto_health)

# rapport_program(<name> SOURCES … DEPENDS …): has every message, whichever its libraries name.
function(rapport_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  list(APPEND arg_DEPENDS ${RAPPORT_PROTOS})
  list(REMOVE_DUPLICATES arg_DEPENDS)
  add_executable(${name} ${arg_SOURCES})
  target_compile_options(${name} PRIVATE ${RAPPORT_WARNINGS})
  target_compile_definitions(${name} PRIVATE RAPPORT_VERSION="${PROJECT_VERSION}")
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS})
  if(RAPPORT_JEMALLOC)
    target_link_libraries(${name} PRIVATE ${RAPPORT_JEMALLOC})
  endif()
endfunction()

# rapport_test(<name> SOURCES … DEPENDS …): a GoogleTest program that ctest runs.
function(rapport_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  rapport_program(${name} SOURCES ${arg_SOURCES} DEPENDS ${arg_DEPENDS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()
