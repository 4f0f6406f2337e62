# The module tandem_cuda: the kernels for the GPUs that are named below, in a shared object that the
# library loads at run time (loader.cc). Needs the CUDA toolkit and no GPU.
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25.1 does not know that nvcc has it
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
endif()
include(GNUInstallDirs)

# What the module and the library hand each other: a module that was built from other files is refused.
set(contract "")
foreach(file module.h gpu.h kernels.h launch_list.h block.h matrix_product.h narrow.h row_kernels.h
    norm_kernels.h product_kernels.h weight_kernels.h
    attention_kernel.h ssru_kernel.h select_kernels.h ../backend.h ../../src/base/candidate.h ../../src/tensor/dtype.h
    ../../include/tandem/device.h ../../include/tandem/error.h)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/${file})
  file(SHA256 ${CMAKE_CURRENT_LIST_DIR}/${file} digest)
  string(APPEND contract ${digest})
endforeach()
string(SHA256 contract "${contract}")
string(SUBSTRING ${contract} 0 16 contract)

find_package(CUDAToolkit REQUIRED)  # the headers of cuBLASLt; the library is loaded at run time
add_library(tandem_cuda MODULE cuda/module.cu cuda/cublaslt.cc $<TARGET_OBJECTS:tandem_base>)
set_target_properties(tandem_cuda PROPERTIES
  CUDA_ARCHITECTURES "80-real;90" CUDA_RUNTIME_LIBRARY Static CUDA_VISIBILITY_PRESET hidden
  LIBRARY_OUTPUT_DIRECTORY ${TANDEM_MODULE_DIR} BUILD_RPATH ${CUDAToolkit_LIBRARY_DIR})
target_include_directories(tandem_cuda SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
target_include_directories(tandem_cuda PRIVATE
  ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
# Unfused multiplications and additions, as on the host; a spilled register is a warning.
target_compile_options(tandem_cuda PRIVATE
  $<$<COMPILE_LANGUAGE:CUDA>:-fmad=false -Xptxas=--warn-on-spills -Xcompiler=-Wall,-Wextra>)
if(TANDEM_WERROR)
  target_compile_options(tandem_cuda PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings -Xptxas=--warning-as-error>)
endif()
target_compile_definitions(tandem_cuda PRIVATE TANDEM_STATIC TANDEM_CUDA_CONTRACT="${contract}")
target_link_libraries(tandem_cuda PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
target_link_options(tandem_cuda PRIVATE -Wl,--no-undefined)

if(TANDEM_INSTALL)
  install(TARGETS tandem_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()

set_source_files_properties(cuda/loader.cc PROPERTIES COMPILE_DEFINITIONS
  "TANDEM_CUDA_CONTRACT=\"${contract}\";TANDEM_CUDA_INSTALLED_MODULE=\"${CMAKE_INSTALL_FULL_LIBDIR}/libtandem_cuda.so\"")
