# What `cmake --install` lays down: both libraries, their headers, and what CMake and pkg-config
# need to find them. Nothing in it holds the prefix, so the result may be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(pollux_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pollux)
set(pollux_pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS pollux pollux_hooked EXPORT polluxTargets FILE_SET HEADERS)
install(EXPORT polluxTargets NAMESPACE pollux:: DESTINATION ${pollux_cmake_dir})

# While the major version is 0, a minor version may break what was.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/polluxConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES cmake/polluxConfig.cmake ${PROJECT_BINARY_DIR}/polluxConfigVersion.cmake
  DESTINATION ${pollux_cmake_dir})

# pkg-config expands pcfiledir to the folder of the .pc file.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} OR IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  set(pc_prefix ${CMAKE_INSTALL_PREFIX})
  set(pc_libdir ${CMAKE_INSTALL_FULL_LIBDIR})
  set(pc_includedir ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
  file(RELATIVE_PATH up /prefix/${pollux_pc_dir} /prefix)
  string(REGEX REPLACE "/$" "" up ${up})
  set(pc_prefix "\${pcfiledir}/${up}")
  set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
foreach(name pollux pollux_hooked)
  configure_file(cmake/pollux.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${pollux_pc_dir})
endforeach()

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
