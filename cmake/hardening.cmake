# What makes a mistake end a program instead of serving whoever found it: buffers checked against
# their sizes, the stack guarded, jumps only to where jumps may go, nothing that a program runs on
# writable once it has started, its place in memory random. For our own targets, when optimised;
# not for those of a project that builds us as a part of it and does not ask.
option(POLLUX_HARDENING "Harden optimised builds" ${PROJECT_IS_TOP_LEVEL})

if(POLLUX_HARDENING)
  include(CheckPIESupported)
  check_pie_supported(LANGUAGES CXX)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)

  set(hardening -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
    -fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i.86")
    list(APPEND hardening -fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
    list(APPEND hardening -mbranch-protection=standard)
  endif()
  set(optimised "$<CONFIG:Release,RelWithDebInfo,MinSizeRel>")
  add_compile_options("$<${optimised}:${hardening}>")
  add_link_options("$<${optimised}:LINKER:-z,relro,-z,now,-z,noexecstack>")
endif()
