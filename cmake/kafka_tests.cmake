# Tests against a real broker. Each version has one broker for the whole run of ctest, started and stopped
# as a fixture; a broker that cannot be had fails the tests, none is skipped.
set(CRM_KAFKA_VERSIONS 3.9 4.1)
set(CRM_KAFKA_RELEASE_3.9 3.9.1)
set(CRM_KAFKA_RELEASE_4.1 4.1.0)

foreach(version ${CRM_KAFKA_VERSIONS})
  string(REPLACE "." "_" suffix ${version})
  set(release ${CRM_KAFKA_RELEASE_${version}})
  set(kafka ${CMAKE_SOURCE_DIR}/scripts/kafka.sh)
  set(where --version ${release} --dir ${CMAKE_BINARY_DIR}/kafka-${release})
  add_test(NAME kafka_${suffix}_up COMMAND ${kafka} up --fresh --tls --sasl ${where})
  add_test(NAME kafka_${suffix}_down COMMAND ${kafka} down ${where})
  set_tests_properties(kafka_${suffix}_up PROPERTIES FIXTURES_SETUP kafka_${suffix} TIMEOUT 600)
  set_tests_properties(kafka_${suffix}_down PROPERTIES FIXTURES_CLEANUP kafka_${suffix} TIMEOUT 120)
endforeach()

# crm_needs_kafka(TEST VERSION): the ctest entry has the broker of that version (3.9, 4.1) beside it, and
# TEST_KAFKA_DIR and TEST_KAFKA_VERSION in its environment: the directory and release of scripts/kafka.sh
# (no CRM_ names: a server that the test starts takes those for options of its own).
function(crm_needs_kafka TEST VERSION)
  string(REPLACE "." "_" suffix ${VERSION})
  set(release ${CRM_KAFKA_RELEASE_${VERSION}})
  set_property(TEST ${TEST} APPEND PROPERTY FIXTURES_REQUIRED kafka_${suffix})
  set_property(TEST ${TEST} APPEND PROPERTY LABELS kafka)
  set_property(TEST ${TEST} APPEND PROPERTY ENVIRONMENT
    TEST_KAFKA_VERSION=${release} TEST_KAFKA_DIR=${CMAKE_BINARY_DIR}/kafka-${release})
endfunction()

# crm_kafka_test(NAME SRCS … DEPS … ARGS … [VERSIONS 3.9 4.1] [TIMEOUT s] [PROCESSORS n] [LOCKS …]): one
# program, a ctest entry per version: NAME_3_9, NAME_4_1. Tests that stop brokers start a cluster of their
# own (tests/support/kafka_cluster.h); LOCKS names what entries may not use at the same time.
function(crm_kafka_test NAME)
  cmake_parse_arguments(ARG "" "TIMEOUT;PROCESSORS" "SRCS;DEPS;ARGS;VERSIONS;LOCKS" ${ARGN})
  if(NOT ARG_VERSIONS)
    set(ARG_VERSIONS ${CRM_KAFKA_VERSIONS})
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT ARG_PROCESSORS)
    set(ARG_PROCESSORS 1)
  endif()
  add_executable(${NAME} ${ARG_SRCS})
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPS} crm::kafka_support GTest::gmock GTest::gtest_main
    crm_warnings)
  foreach(version ${ARG_VERSIONS})
    string(REPLACE "." "_" suffix ${version})
    add_test(NAME ${NAME}_${suffix} COMMAND ${NAME} ${ARG_ARGS})
    set_tests_properties(${NAME}_${suffix} PROPERTIES TIMEOUT ${ARG_TIMEOUT}
      PROCESSORS ${ARG_PROCESSORS} RESOURCE_LOCK "${ARG_LOCKS}")
    crm_needs_kafka(${NAME}_${suffix} ${version})
  endforeach()
endfunction()
