# Warnings are errors for our own targets, and for nobody who builds us as a part of theirs.
function(pollux_warnings target)
  if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(${target} PRIVATE
      -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor
      -Wold-style-cast -Wcast-qual -Woverloaded-virtual -Wundef -Werror)
  endif()
endfunction()
