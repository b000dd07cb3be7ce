# TICKETD_SEEDED_BUG=PATCH builds ticketd with a bug: a copy of the product's folders, patched, takes
# their place. The tests are those of the tree, and one of them should fail (scripts/seeded_bugs).
# Only files that differ from the last configuration are touched, so the next bug builds quickly.
set(TICKETD_SEEDED_BUG "" CACHE FILEPATH "A patch to the product, for testing the tests")
set(TICKETD_PRODUCT_DIR ${CMAKE_SOURCE_DIR})

if(TICKETD_SEEDED_BUG)
    set(TICKETD_PRODUCT_DIR ${CMAKE_BINARY_DIR}/product)
    set(fresh ${CMAKE_BINARY_DIR}/product.new)
    file(REMOVE_RECURSE ${fresh})
    file(COPY common server client DESTINATION ${fresh})
    # /dev/null stands for no bug: the tests have to pass then.
    if(NOT TICKETD_SEEDED_BUG STREQUAL "/dev/null")
        execute_process(
            COMMAND patch --strip=1 --fuzz=3 --no-backup-if-mismatch --directory=${fresh}
                --input=${TICKETD_SEEDED_BUG}
            RESULT_VARIABLE outcome OUTPUT_VARIABLE output ERROR_VARIABLE output)
        if(NOT outcome EQUAL 0)
            message(FATAL_ERROR "${TICKETD_SEEDED_BUG} does not apply:\n${output}")
        endif()
    endif()
    file(GLOB_RECURSE files RELATIVE ${fresh} ${fresh}/*)
    foreach(file ${files})
        cmake_path(GET file PARENT_PATH folder)
        file(MAKE_DIRECTORY ${TICKETD_PRODUCT_DIR}/${folder})
        file(COPY_FILE ${fresh}/${file} ${TICKETD_PRODUCT_DIR}/${file} ONLY_IF_DIFFERENT)
    endforeach()
endif()
