# crm_library(NAME SRCS a.cc … DEPS crm::b …): one static library a folder, known as crm::NAME.
# Its dependencies are the layering rule of docs/architecture.md; scripts/layering.py checks the
# includes against the same table.
function(crm_library NAME)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(crm_${NAME} STATIC ${ARG_SRCS})
  add_library(crm::${NAME} ALIAS crm_${NAME})
  target_include_directories(crm_${NAME} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(crm_${NAME} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS} crm_warnings)
endfunction()

# crm_proto(NAME PROTOS …): messages only; services are served from their descriptors.
function(crm_proto NAME)
  cmake_parse_arguments(ARG "" "ROOT" "PROTOS;DEPS" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${out})
  set(srcs)
  foreach(proto ${ARG_PROTOS})
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    add_custom_command(
      OUTPUT ${out}/${stem}.pb.cc ${out}/${stem}.pb.h
      COMMAND protobuf::protoc --cpp_out=${out} -I ${CMAKE_SOURCE_DIR}/proto
              -I ${CRM_GOOGLE_PROTOS} -I ${ARG_ROOT} ${ARG_ROOT}/${proto}
      DEPENDS ${ARG_ROOT}/${proto}
      COMMENT "protoc ${proto}")
    list(APPEND srcs ${out}/${stem}.pb.cc ${out}/${stem}.pb.h)
  endforeach()
  add_library(crm_${NAME} STATIC ${srcs})
  add_library(crm::${NAME} ALIAS crm_${NAME})
  target_include_directories(crm_${NAME} SYSTEM PUBLIC ${out})
  target_link_libraries(crm_${NAME} PUBLIC protobuf::libprotobuf ${ARG_DEPS})
  target_compile_options(crm_${NAME} PRIVATE -w)
endfunction()

# crm_test(NAME SRCS … DEPS … LABELS …): one test program, one ctest entry.
# LABELS tsan marks programs free of gRPC and RocksDB.
function(crm_test NAME)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SRCS;DEPS;LABELS;ARGS" ${ARGN})
  add_executable(${NAME} ${ARG_SRCS})
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main crm_warnings)
  add_test(NAME ${NAME} COMMAND ${NAME} ${ARG_ARGS})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set_tests_properties(${NAME} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()
