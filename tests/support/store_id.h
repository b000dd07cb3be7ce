// Ids of stores for tests of single formats, which belong to no store that exists.
#pragma once

#include "server/store/journal_format.h"

namespace ticketd::tests {

inline constexpr store::StoreId kStoreId{'s', 'i', 'd'};
inline constexpr store::StoreId kOtherStoreId{'o', 't', 'h', 'e', 'r'};

}  // namespace ticketd::tests
