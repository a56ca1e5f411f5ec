# With libclang-16-dev and llvm-16-dev clang-tidy looks at our own code alone, and takes a fifth of
# the time: tidy/own_code_only.cpp says how. Without these it says the same, later.
find_path(CLANG_16_HEADERS clang/Frontend/FrontendPluginRegistry.h
  PATHS /usr/lib/llvm-16/include NO_DEFAULT_PATH)
find_path(LLVM_16_HEADERS llvm/Config/llvm-config.h
  PATHS /usr/include/llvm-16 /usr/lib/llvm-16/include NO_DEFAULT_PATH)

if(CMAKE_CXX_CLANG_TIDY MATCHES "clang-tidy-16" AND CLANG_16_HEADERS AND LLVM_16_HEADERS)
  set(own_code_only ${PROJECT_BINARY_DIR}/own_code_only.so)
  set(own_code_only_source ${CMAKE_CURRENT_LIST_DIR}/tidy/own_code_only.cpp)
  # As part of the build it would come too late for the first files.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${own_code_only_source})
  if(NOT EXISTS ${own_code_only} OR ${own_code_only_source} IS_NEWER_THAN ${own_code_only})
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -std=c++17 -O1 -fno-rtti -fPIC -shared -Wall -Wextra
      -isystem ${CLANG_16_HEADERS} -isystem ${LLVM_16_HEADERS}
      ${own_code_only_source} -o ${own_code_only}
      COMMAND_ERROR_IS_FATAL ANY)
  endif()
  list(APPEND CMAKE_CXX_CLANG_TIDY --load=${own_code_only})
endif()
