# Third-party packages, all from Debian 12. Those without a CMake package of
# their own get an imported target here, so that a dependency has one spelling.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Protobuf REQUIRED)  # Module mode, before gRPC.
find_package(gRPC CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(GTest CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(RocksDB CONFIG REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS system json url)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(pugixml REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(libzmq REQUIRED IMPORTED_TARGET GLOBAL libzmq)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET GLOBAL libsodium)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET GLOBAL re2)
add_library(zeromq::zeromq ALIAS PkgConfig::libzmq)
add_library(sodium::sodium ALIAS PkgConfig::sodium)
if(NOT TARGET re2::re2)  # gRPC may have brought it.
  add_library(re2::re2 ALIAS PkgConfig::re2)
endif()
