# What Rapport links against. All of it comes from the distribution (tools/packages.txt), except
# google's own .proto files, which tools/setup unpacks into build/deps/googleapis. It unpacks
# libphonenumber too, into build/deps/phonenumber, and builds RocksDB into build/deps/rocksdb.
set(Protobuf_USE_STATIC_LIBS ON)
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC REQUIRED)
find_package(RocksDB REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ICU REQUIRED COMPONENTS i18n uc)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
# The shared object: a newer librdkafka may take its place without a new build.
pkg_check_modules(rdkafka REQUIRED IMPORTED_TARGET rdkafka)

# The archives in place of the shared objects: a call into those goes through a table, and each
# access to a thread's own variables through a function; together a seventh of the instructions of a
# command. RocksDB has a target of its own for that, protobuf the switch above.
get_property(imported DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(target ${imported})
  get_target_property(shared ${target} IMPORTED_LOCATION_NONE)
  if(target MATCHES "^(absl|gRPC)::" AND shared)
    string(REGEX REPLACE "\\.so[0-9.]*$" ".a" archive ${shared})
    if(EXISTS ${archive})
      set_target_properties(${target} PROPERTIES IMPORTED_LOCATION_NONE ${archive})
    endif()
  endif()
endforeach()

# RocksDB without its assertions, where tools/rocksdb has built one that goes with the distribution's
# headers. What is built to find mistakes takes the distribution's, which has them.
set(RAPPORT_ROCKSDB ${CMAKE_SOURCE_DIR}/build/deps/rocksdb CACHE PATH
    "Folder of RocksDB built by tools/rocksdb; if empty, the distribution's is taken")
set(archive ${RAPPORT_ROCKSDB}/librocksdb-${RocksDB_VERSION}.a)
add_library(rocksdb INTERFACE)
if(RAPPORT_ROCKSDB AND CMAKE_BUILD_TYPE MATCHES "^Rel" AND EXISTS ${archive})
  find_library(RAPPORT_SNAPPY snappy REQUIRED)
  target_link_libraries(rocksdb INTERFACE ${archive} ${RAPPORT_SNAPPY} Threads::Threads)
else()
  target_link_libraries(rocksdb INTERFACE RocksDB::rocksdb)
  if(RAPPORT_ROCKSDB AND CMAKE_BUILD_TYPE MATCHES "^Rel")
    message(WARNING "RocksDB is the distribution's, with assertions that every command pays for: "
                    "${archive} is not there; run tools/setup")
  endif()
endif()

set(RAPPORT_GOOGLEAPIS ${CMAKE_SOURCE_DIR}/build/deps/googleapis CACHE PATH
    "Folder that holds google/api/*.proto")
if(NOT EXISTS ${RAPPORT_GOOGLEAPIS}/google/api/annotations.proto)
  message(FATAL_ERROR "google/api/annotations.proto is not in ${RAPPORT_GOOGLEAPIS}; run tools/setup")
endif()

# The archive: the shared object would bring a second protobuf into the process.
set(RAPPORT_PHONENUMBER ${CMAKE_SOURCE_DIR}/build/deps/phonenumber CACHE PATH
    "Folder that libphonenumber-dev is unpacked in")
find_library(RAPPORT_PHONENUMBER_ARCHIVE libphonenumber.a
             PATHS ${RAPPORT_PHONENUMBER}/lib/${CMAKE_LIBRARY_ARCHITECTURE}
             NO_DEFAULT_PATH)
if(NOT RAPPORT_PHONENUMBER_ARCHIVE)
  message(FATAL_ERROR "libphonenumber.a is not in ${RAPPORT_PHONENUMBER}; run tools/setup")
endif()
add_library(phonenumber INTERFACE)
target_include_directories(phonenumber SYSTEM INTERFACE ${RAPPORT_PHONENUMBER}/include)
target_link_libraries(phonenumber INTERFACE ${RAPPORT_PHONENUMBER_ARCHIVE} ICU::i18n ICU::uc
    protobuf::libprotobuf absl::flat_hash_map absl::flat_hash_set absl::node_hash_set absl::strings)

# A tenth less processor time per command than the C library's own. Sanitizers bring their own.
if(NOT CMAKE_CXX_FLAGS MATCHES "fsanitize")
  find_library(RAPPORT_JEMALLOC libjemalloc.a REQUIRED)
endif()
