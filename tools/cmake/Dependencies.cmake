# What Rapport links against. All of it comes from the distribution (tools/packages.txt), except
# google's own .proto files, which tools/setup unpacks into build/deps/googleapis.
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC REQUIRED)
find_package(RocksDB REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)

set(RAPPORT_GOOGLEAPIS ${CMAKE_SOURCE_DIR}/build/deps/googleapis CACHE PATH
    "Folder that holds google/api/*.proto")
if(NOT EXISTS ${RAPPORT_GOOGLEAPIS}/google/api/annotations.proto)
  message(FATAL_ERROR "google/api/annotations.proto is not in ${RAPPORT_GOOGLEAPIS}; run tools/setup")
endif()

# A tenth less processor time per command than the C library's own. Sanitizers bring their own.
if(NOT CMAKE_CXX_FLAGS MATCHES "fsanitize")
  pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)
endif()
