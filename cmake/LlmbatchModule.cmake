# One folder = one target = one namespace.
get_filename_component(LLMBATCH_ROOT "${CMAKE_CURRENT_LIST_DIR}" DIRECTORY)

# llmbatch_module(NAME json [SOURCES a.cc …] [HEADERS a.h …] [DEPS base …] [THIRD_PARTY target …])
# Defines the static library llmbatch_<NAME> (alias llmbatch::<NAME>); includes are written "<NAME>/file.h".
# DEPS are other modules, visible to users of this one; THIRD_PARTY stays private to it.
# The layers test reads the DEPS and THIRD_PARTY lines, so keep them literal.
function(llmbatch_module)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;HEADERS;DEPS;THIRD_PARTY" ${ARGN})
  set(target llmbatch_${ARG_NAME})
  if(ARG_SOURCES)
    add_library(${target} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE llmbatch_warnings ${ARG_THIRD_PARTY})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(llmbatch::${ARG_NAME} ALIAS ${target})
  target_include_directories(${target} ${scope} "${LLMBATCH_ROOT}/lib")
  foreach(dep IN LISTS ARG_DEPS)
    target_link_libraries(${target} ${scope} llmbatch::${dep})
  endforeach()
  if(ARG_HEADERS)
    target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS "${LLMBATCH_ROOT}/lib" FILES ${ARG_HEADERS})
  endif()
endfunction()

# llmbatch_test(NAME json LABEL unit SOURCES a_test.cc … [DEPS json …] [LIBRARIES target …] [TIMEOUT s] [ARGS …]
#               [ENVIRONMENT NAME=value …] [SHARDS n])
# One GoogleTest binary <NAME>_test, run as the CTest test <LABEL>.<NAME>, or as <LABEL>.<NAME>.1 … n, a share of its tests each.
function(llmbatch_test)
  cmake_parse_arguments(ARG "" "NAME;LABEL;TIMEOUT;SHARDS" "SOURCES;DEPS;LIBRARIES;ARGS;ENVIRONMENT" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  find_package(GTest REQUIRED)
  if(NOT TARGET llmbatch_gtest_pch)
    # <gtest/gtest.h> alone costs two seconds a file, so it is compiled once.
    file(WRITE "${CMAKE_BINARY_DIR}/gtest_pch.cc" "")
    add_library(llmbatch_gtest_pch OBJECT "${CMAKE_BINARY_DIR}/gtest_pch.cc")
    target_link_libraries(llmbatch_gtest_pch PUBLIC GTest::gmock_main GTest::gmock GTest::gtest Threads::Threads
                                             PRIVATE llmbatch_warnings)
    target_precompile_headers(llmbatch_gtest_pch PRIVATE <gtest/gtest.h> <gmock/gmock.h>)
  endif()
  set(target ${ARG_NAME}_test)
  add_executable(${target} ${ARG_SOURCES})
  target_precompile_headers(${target} REUSE_FROM llmbatch_gtest_pch)
  target_link_libraries(${target} PRIVATE GTest::gmock_main GTest::gmock GTest::gtest Threads::Threads
                                          llmbatch_warnings ${ARG_LIBRARIES})
  foreach(dep IN LISTS ARG_DEPS)
    target_link_libraries(${target} PRIVATE llmbatch::${dep})
  endforeach()
  target_include_directories(${target} PRIVATE "${LLMBATCH_ROOT}/tests")
  target_compile_definitions(${target} PRIVATE LLMBATCH_SOURCE_DIR="${LLMBATCH_ROOT}"
                                               LLMBATCH_BINARY_DIR="${CMAKE_BINARY_DIR}")
  if(NOT ARG_SHARDS)
    add_test(NAME ${ARG_LABEL}.${ARG_NAME} COMMAND ${target} ${ARG_ARGS})
    set_tests_properties(${ARG_LABEL}.${ARG_NAME} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
                                                             ENVIRONMENT "${ARG_ENVIRONMENT}")
    return()
  endif()
  foreach(shard RANGE 1 ${ARG_SHARDS})
    set(name ${ARG_LABEL}.${ARG_NAME}.${shard})
    math(EXPR index "${shard} - 1")
    add_test(NAME ${name} COMMAND ${target} ${ARG_ARGS})
    set_tests_properties(
      ${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
                         ENVIRONMENT "${ARG_ENVIRONMENT};GTEST_TOTAL_SHARDS=${ARG_SHARDS};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()
