# Warnings are errors in our own code; generated code is compiled without them.
add_library(crm_warnings INTERFACE)
target_compile_options(crm_warnings INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wno-missing-field-initializers)
# g++ 12 reports false positives through inlined std::string code at -O2.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(crm_warnings INTERFACE -Wno-restrict -Wno-stringop-overflow
    -Wno-array-bounds -Wno-maybe-uninitialized)
endif()

set(CRM_SANITIZE "" CACHE STRING "Sanitizers for -fsanitize=, empty for none")
if(CRM_SANITIZE)
  add_compile_options(-fsanitize=${CRM_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CRM_SANITIZE})
endif()
