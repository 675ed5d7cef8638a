# Everything comes from Debian packages (scripts/setup.sh lists them); nothing is vendored.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Protobuf REQUIRED)
find_package(absl REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(RocksDB CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka)
pkg_check_modules(ICU REQUIRED IMPORTED_TARGET icu-i18n icu-uc)
pkg_check_modules(NLOPT REQUIRED IMPORTED_TARGET nlopt)
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
find_library(PHONENUMBER_LIBRARY phonenumber REQUIRED)
find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)
find_library(GRPCPP_REFLECTION_LIBRARY grpc++_reflection REQUIRED)

# Linked statically: RocksDB counts in thread-local variables, and each access through a shared library is
# a call (docs/performance.md).
set(CRM_ROCKSDB RocksDB::rocksdb)

# google/api, google/rpc and google/type protos come out of a Debian package's jar.
set(CRM_GOOGLE_PROTOS ${CMAKE_BINARY_DIR}/google-protos)
set(CRM_GOOGLE_PROTOS_JAR /usr/share/java/proto-google-common-protos.jar)
if(NOT EXISTS ${CRM_GOOGLE_PROTOS}/google/longrunning/operations.proto)
  if(NOT EXISTS ${CRM_GOOGLE_PROTOS_JAR})
    message(FATAL_ERROR "${CRM_GOOGLE_PROTOS_JAR} is missing: apt-get install libgoogle-common-protos-java")
  endif()
  file(ARCHIVE_EXTRACT INPUT ${CRM_GOOGLE_PROTOS_JAR} DESTINATION ${CRM_GOOGLE_PROTOS}
    PATTERNS google/api/*.proto google/longrunning/*.proto google/rpc/*.proto)
endif()
