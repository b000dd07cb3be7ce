# Every target of the project is compiled with these; nothing else sets flags.
add_library(ticketd_options INTERFACE)
target_compile_options(ticketd_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual)
# A seeded bug may leave a parameter unused; everything else has no warnings.
if(NOT TICKETD_SEEDED_BUG)
    target_compile_options(ticketd_options INTERFACE -Werror)
endif()
target_include_directories(ticketd_options INTERFACE ${TICKETD_PRODUCT_DIR} ${CMAKE_SOURCE_DIR})
target_compile_definitions(ticketd_options INTERFACE TICKETD_VERSION="${PROJECT_VERSION}")

set(TICKETD_SANITIZE "" CACHE STRING "Sanitizers to build with, as in -fsanitize=")
if(TICKETD_SANITIZE)
    # A finding ends the program, so that its test fails.
    add_compile_options(-fsanitize=${TICKETD_SANITIZE} -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${TICKETD_SANITIZE})
    add_compile_definitions(TICKETD_SANITIZED)
    if(TICKETD_SANITIZE MATCHES undefined)
        # A quarter of the time to compile, for little: a null pointer stops the program anyway,
        # AddressSanitizer knows the size of objects, and stored bytes are copied, never cast.
        add_compile_options(
            -fno-sanitize=null,alignment,vptr,object-size,nonnull-attribute,returns-nonnull-attribute)
    endif()
    if(TICKETD_SANITIZE MATCHES thread)
        # Asio has fences, which ThreadSanitizer does not follow; GCC warns of each.
        add_compile_options(-Wno-tsan)
    endif()
endif()

# Everything is compiled so that libFuzzer sees which branches an input takes; only the fuzzers of
# tests/fuzz link its main.
option(TICKETD_LIBFUZZER "Build the fuzzers to search for inputs, not only to replay them (Clang)")
if(TICKETD_LIBFUZZER)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
