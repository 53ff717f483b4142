# Compiler and build options that hold for every target.
option(LLMBATCH_BUILD_TESTS "Build the tests" ON)
option(LLMBATCH_BUILD_BENCH "Build the benchmarks" OFF)
option(LLMBATCH_JEMALLOC "Link the daemon with jemalloc" ON)
option(LLMBATCH_FUZZ "Build the fuzz targets (needs clang)" OFF)
option(LLMBATCH_WERROR "Treat warnings as errors" OFF)
set(LLMBATCH_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (e.g. address,undefined)")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

find_program(LLMBATCH_CCACHE ccache)
if(LLMBATCH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${LLMBATCH_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${LLMBATCH_CCACHE}")
endif()

add_library(llmbatch_warnings INTERFACE)
# Designated initialisers leave members at their defaults on purpose.
target_compile_options(llmbatch_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
                                                   -Wno-missing-field-initializers)
if(LLMBATCH_WERROR)
  target_compile_options(llmbatch_warnings INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports both falsely for std::string and std::variant once they are inlined.
  target_compile_options(llmbatch_warnings INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
endif()

if(LLMBATCH_SANITIZE)
  add_compile_options(-fsanitize=${LLMBATCH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LLMBATCH_SANITIZE})
endif()
