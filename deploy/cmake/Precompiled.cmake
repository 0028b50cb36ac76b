# Headers that nearly every file reads, read once. Clang's builds are two to four
# times quicker by it; GCC gains little, so its builds go without and show where an
# include is missing.
include_guard(GLOBAL)

set(CONCORDAT_HEADERS_proto
  <algorithm> <atomic> <map> <memory> <string> <utility> <vector>
  <google/protobuf/extension_set.h> <google/protobuf/generated_message_reflection.h>
  <google/protobuf/generated_message_util.h> <google/protobuf/message.h>
  <google/protobuf/reflection_ops.h> <google/protobuf/repeated_field.h>
  <google/protobuf/wire_format.h>)
set(CONCORDAT_HEADERS_library ${CONCORDAT_HEADERS_proto}
  <cstdint> <deque> <functional> <optional> <set> <thread> <variant>
  <absl/container/flat_hash_map.h> <absl/container/flat_hash_set.h>
  <absl/status/status.h> <absl/status/statusor.h> <absl/strings/match.h>
  <absl/strings/str_cat.h> <absl/strings/str_join.h> <absl/strings/str_split.h>
  <absl/strings/string_view.h> <absl/time/time.h>)
set(CONCORDAT_HEADERS_test ${CONCORDAT_HEADERS_library}
  <gmock/gmock.h> <gtest/gtest.h>)

function(_concordat_precompiled kind)
  set(name concordat_precompiled_${kind})
  set(source "${PROJECT_BINARY_DIR}/${name}.cc")
  file(CONFIGURE OUTPUT "${source}" CONTENT "")
  add_library(${name} STATIC "${source}")
  target_compile_features(${name} PUBLIC cxx_std_20)
  # Made where it is used: it holds paths.
  set_target_properties(${name} PROPERTIES CXX_COMPILER_LAUNCHER "")
  target_link_libraries(${name} PRIVATE protobuf::libprotobuf)
  if(NOT kind STREQUAL "proto")
    target_link_libraries(${name} PRIVATE concordat_options
      absl::flat_hash_map absl::flat_hash_set absl::status absl::statusor
      absl::strings absl::time)
  endif()
  if(kind STREQUAL "test")
    target_link_libraries(${name} PRIVATE GTest::gmock)
  endif()
  target_compile_options(${name} PRIVATE -pthread "SHELL:-Xclang -fno-pch-timestamp")
  target_precompile_headers(${name} PRIVATE ${CONCORDAT_HEADERS_${kind}})
  # What ccache knows it by (CCACHE_PCH_EXTSUM): what the headers say, not where
  # the build stands.
  list(TRANSFORM CONCORDAT_HEADERS_${kind} PREPEND "#include " OUTPUT_VARIABLE includes)
  list(JOIN includes "\n" includes)
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/${name}.h" CONTENT "${includes}\n")
  execute_process(
    COMMAND "${CMAKE_CXX_COMPILER}" -std=c++20 -pthread -x c++-header
      -E -P "${PROJECT_BINARY_DIR}/${name}.h"
    OUTPUT_VARIABLE preprocessed COMMAND_ERROR_IS_FATAL ANY)
  string(SHA256 sum "${preprocessed}")
  file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${name}.dir/cmake_pch.hxx.pch.sum"
    "${sum}\n")
endfunction()

# KIND: proto, library or test.
function(concordat_precompile target kind)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    return()
  endif()
  set(headers concordat_precompiled_${kind})
  if(NOT TARGET ${headers})
    _concordat_precompiled(${kind})
  endif()
  get_target_property(folder ${headers} BINARY_DIR)
  # Not REUSE_FROM: it names a file by its whole path, which ccache takes for
  # another command in another folder. -pthread as the headers were read: some of a
  # target's libraries ask for it, some do not.
  set(precompiled "${folder}/CMakeFiles/${headers}.dir/cmake_pch.hxx.pch")
  target_compile_options(${target} PRIVATE -pthread
    "SHELL:-Xclang -include-pch -Xclang ${precompiled}")
  # Each file waits for it: that its target depends on another says less.
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cc$")
  set_property(SOURCE ${sources} APPEND PROPERTY OBJECT_DEPENDS "${precompiled}")
endfunction()
