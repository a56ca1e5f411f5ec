# Warnings are errors for our own targets, and for nobody who builds us as a part of theirs.
function(pollux_warnings target)
  if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(${target} PRIVATE
      -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor
      -Wold-style-cast -Wcast-qual -Woverloaded-virtual -Wundef -Werror)
    # g++ 12 sees an overlap in every "text" + std::string (its bug 105651).
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      target_compile_options(${target} PRIVATE -Wno-restrict)
    endif()
  endif()
endfunction()
