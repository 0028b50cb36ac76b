# Declares every first-party target, and refuses a build whose dependencies
# point the wrong way. Bazel has visibility and layering_check; CMake has this.
include_guard(GLOBAL)

# Tests whose name does not match are neither built nor registered. For builds
# that are about some tests only: `concordat_tests` builds those and what they use.
set(CONCORDAT_TESTS "" CACHE STRING "Regular expression of test names; empty: all")
add_custom_target(concordat_tests)
# A sanitizer's tests say so in their names, so that one run can have both.
string(REGEX MATCH "^[a-z]+" CONCORDAT_TEST_SUFFIX "${CONCORDAT_SANITIZE}")
if(CONCORDAT_TEST_SUFFIX)
  string(PREPEND CONCORDAT_TEST_SUFFIX "_")
endif()

add_library(concordat_options INTERFACE)
target_compile_features(concordat_options INTERFACE cxx_std_20)
target_compile_options(concordat_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
  $<$<BOOL:${CONCORDAT_WERROR}>:-Werror>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety\;-Wthread-safety-beta>)
if(CONCORDAT_SANITIZE)  # e.g. "address,undefined" or "thread"
  target_compile_options(concordat_options INTERFACE
    -fsanitize=${CONCORDAT_SANITIZE} -fno-omit-frame-pointer
    # Clang 14 cannot put this check before a coroutine's parts.
    $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  target_link_options(concordat_options INTERFACE
    -fsanitize=${CONCORDAT_SANITIZE})
endif()

include("${CMAKE_CURRENT_LIST_DIR}/Precompiled.cmake")

# The area that a folder belongs to: services/police, adapters/hl7v2, gateway...
function(_concordat_area out dir)
  file(RELATIVE_PATH rel "${PROJECT_SOURCE_DIR}" "${dir}")
  string(REGEX MATCH "^(services|adapters)/[^/]+|^[^/]+" area "${rel}")
  set(${out} "${area}" PARENT_SCOPE)
endfunction()

# The whole dependency rule, in one place.
function(_concordat_check_dep name area pure dep)
  if(NOT TARGET ${dep})
    message(FATAL_ERROR "${name}: no target ${dep}; list it above its users")
  endif()
  if(dep MATCHES "::")  # third party
    # Pure libraries without input or output of their own.
    if(pure AND NOT dep MATCHES
       "^absl::|^Threads::|^protobuf::|^OpenSSL::Crypto|^sodium::|^re2::|^pugixml::|^Boost::json|^Boost::url|^Boost::headers")
      message(FATAL_ERROR "${name} is PURE and may not use ${dep}")
    endif()
    return()
  endif()
  get_target_property(dep_area ${dep} CONCORDAT_AREA)
  get_target_property(dep_pure ${dep} CONCORDAT_PURE)
  set(allowed "${area}" proto services/common)
  if(area STREQUAL "adapters/daemon")  # the one place that names every adapter
    list(APPEND allowed "${dep_area}")
    list(FILTER allowed INCLUDE REGEX "^adapters/|^proto$|^services/common$")
  elseif(area MATCHES "^adapters/")
    list(APPEND allowed adapters/core)
  elseif(area STREQUAL "tests")
    list(APPEND allowed "${dep_area}")  # tests may use anything
  elseif(area STREQUAL "proto")
    set(allowed proto)
  elseif(area STREQUAL "services/common")
    set(allowed proto services/common)
  endif()
  if(NOT dep_area IN_LIST allowed)
    message(FATAL_ERROR "${name} (${area}) may not use ${dep} (${dep_area})")
  endif()
  if(pure AND NOT dep_pure)
    message(FATAL_ERROR "${name} is PURE and may not use ${dep}, which is not")
  endif()
endfunction()

# concordat_library(name [PURE] [HDRS ...] [SRCS ...] [DEPS ...])
# PURE: no sockets, files, threads of its own, wall clock, randomness or RPC.
# Generated event messages are plain values and may be used.
function(concordat_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "PURE" "" "HDRS;SRCS;DEPS")
  _concordat_area(area "${CMAKE_CURRENT_SOURCE_DIR}")
  foreach(dep IN LISTS arg_DEPS)
    _concordat_check_dep(${name} ${area} ${arg_PURE} ${dep})
  endforeach()
  set(scope PUBLIC)
  if(NOT arg_SRCS)
    set(scope INTERFACE)
  endif()
  if(arg_SRCS)
    add_library(${name} STATIC ${arg_SRCS})
    target_link_libraries(${name} PRIVATE concordat_options)
    concordat_precompile(${name} library)
  else()
    add_library(${name} INTERFACE)
  endif()
  target_sources(${name} ${scope} FILE_SET HEADERS
    BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${arg_HDRS})
  target_link_libraries(${name} ${scope} ${arg_DEPS})
  target_compile_features(${name} ${scope} cxx_std_20)
  set_target_properties(${name} PROPERTIES
    CONCORDAT_AREA "${area}" CONCORDAT_PURE "${arg_PURE}"
    VERIFY_INTERFACE_HEADER_SETS ON)
  _concordat_note_sources(${arg_SRCS})
endfunction()

# concordat_executable(name SRCS main.cc [DEPS ...])
# A composition root: it makes the real objects and wires them. No logic.
function(concordat_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SRCS;DEPS")
  _concordat_area(area "${CMAKE_CURRENT_SOURCE_DIR}")
  foreach(dep IN LISTS arg_DEPS)
    _concordat_check_dep(${name} ${area} FALSE ${dep})
  endforeach()
  add_executable(${name} ${arg_SRCS})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} concordat_options)
  concordat_precompile(${name} library)
  _concordat_note_sources(${arg_SRCS})
endfunction()

# concordat_fuzzer(path/to/foo_fuzz.cc [DEPS ...])
# A libFuzzer target with CONCORDAT_FUZZ; the test gives it a bounded time. Without it, the
# source is known and not built.
function(concordat_fuzzer source)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPS")
  _concordat_note_sources(${source})
  get_filename_component(name "${source}" NAME_WE)
  if(NOT CONCORDAT_FUZZ OR NOT name MATCHES "${CONCORDAT_TESTS}")
    return()
  endif()
  add_executable(${name} ${source})
  add_dependencies(concordat_tests ${name})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} concordat_options)
  concordat_precompile(${name} library)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_test(NAME ${name}
    COMMAND ${name} -max_total_time=20 -timeout=10 -rss_limit_mb=2048)
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()

# How the output of a test ends of which some part was skipped and none failed: ctest
# lists it as skipped, not as passed. After a failure other words come last.
set(_concordat_skipped "\\[  SKIPPED \\] [A-Za-z0-9_/.]+[\n ]*$")

# concordat_test(foo_test.cc LABEL unit [TIMEOUT_S 10] [DEPS ...] [NEEDS ...])
# NEEDS: programs that the test starts; they are found in CONCORDAT_BIN.
function(concordat_test source)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT_S" "DEPS;NEEDS")
  file(RELATIVE_PATH name "${PROJECT_SOURCE_DIR}/tests"
    "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
  string(REGEX REPLACE "[/.]|_test\\.cc$" "_" name "${name}")
  string(REGEX REPLACE "_+$" "" name "${name}")
  _concordat_note_sources(${source})
  if(NOT name MATCHES "${CONCORDAT_TESTS}")
    return()
  endif()
  foreach(dep IN LISTS arg_DEPS)
    _concordat_check_dep(${name} tests FALSE ${dep})
  endforeach()
  add_executable(${name} ${source})
  add_dependencies(concordat_tests ${name})
  if(arg_NEEDS)
    add_dependencies(${name} ${arg_NEEDS})
  endif()
  target_link_libraries(${name} PRIVATE
    ${arg_DEPS} concordat_options GTest::gmock GTest::gtest_main)
  concordat_precompile(${name} test)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  set(test "${name}${CONCORDAT_TEST_SUFFIX}")
  add_test(NAME ${test} COMMAND ${name})
  if(NOT arg_TIMEOUT_S)
    set(arg_TIMEOUT_S 10)
  endif()
  if(CONCORDAT_SANITIZE)
    math(EXPR arg_TIMEOUT_S "${arg_TIMEOUT_S} * 4")
  endif()
  set_tests_properties(${test} PROPERTIES
    LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT_S}
    SKIP_REGULAR_EXPRESSION "${_concordat_skipped}"
    ENVIRONMENT "CONCORDAT_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY};CONCORDAT_SOURCE=${PROJECT_SOURCE_DIR};CONCORDAT_BUILD=${PROJECT_BINARY_DIR}")
endfunction()

function(_concordat_note_sources)
  foreach(source IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH source NORMALIZE)
    set_property(GLOBAL APPEND PROPERTY CONCORDAT_SOURCES "${source}")
  endforeach()
endfunction()

# A .cc file that no target compiles is dead code or, worse, a test that never
# runs. Call this last.
function(concordat_check_no_orphan_sources)
  get_property(known GLOBAL PROPERTY CONCORDAT_SOURCES)
  file(GLOB_RECURSE found CONFIGURE_DEPENDS
    services/*.cc adapters/*.cc gateway/*.cc tests/*.cc)
  foreach(source IN LISTS found)
    if(NOT source IN_LIST known)
      message(SEND_ERROR "no target compiles ${source}")
    endif()
  endforeach()
endfunction()
