// Every maximum of ticketd, with its reason. A limit marked (config) is the default of a key under
// "limits" in the configuration file, and the range beside it is what the file may ask for.
// Sizes are bytes, times are milliseconds unless the name says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ticketd::limits {

// --- one message -------------------------------------------------------------------------------

/// (config) The longest request, measured from its first to its last byte. A purchase needs about
/// 200 bytes; 64 KiB leaves room for a batch of a hundred.
inline constexpr std::size_t kMessageBytes = 64 * 1024;
inline constexpr std::size_t kMessageBytesMin = 1024;
inline constexpr std::size_t kMessageBytesMax = 1024 * 1024;
/// How deep a request may nest. The deepest that any method takes is a batch of requests with
/// parameters; 16 leaves room and bounds every parser.
inline constexpr std::size_t kDepth = 16;
/// How deep a reply may nest for the client to take it: more than any method answers, and little
/// enough for readers and writers of JSON that call themselves for each level.
inline constexpr std::size_t kReplyDepth = 64;
/// (config) How many requests a JSON-RPC batch may hold.
inline constexpr std::size_t kBatchRequests = 128;
inline constexpr std::size_t kBatchRequestsMax = 4096;
/// How many requests an atomic batch may hold: the entries of all of them are one group, so that a
/// crash leaves all or none.
inline constexpr std::size_t kAtomicRequests = 64;
/// How many parameters a request may carry; no method takes half as many.
inline constexpr std::size_t kParams = 32;

// --- connections -------------------------------------------------------------------------------

/// (config) Connections in all, and of one uid. The second leaves room for others when one user's
/// script runs wild.
inline constexpr std::size_t kConnections = 4096;
inline constexpr std::size_t kConnectionsPerUid = 2048;
inline constexpr std::size_t kConnectionsMax = 100'000;
/// Of the connections in all, those that only operators may take: a crowd of users must not lock
/// out whoever could do something about it. Never more than an eighth of all, so that a small
/// configured limit stays usable.
inline constexpr std::size_t kConnectionsForOperators = 8;
/// Descriptors the daemon keeps for itself beside its connections and kWatchedProcesses: store,
/// logs, epoll.
inline constexpr std::size_t kDescriptorsReserved = 64;
/// (config) Requests of one connection that may wait for their answer; beyond it the daemon stops
/// reading from that connection until answers have left.
inline constexpr std::size_t kInFlight = 128;
inline constexpr std::size_t kInFlightMax = 65'536;
/// A request in flight is counted once for each of these many bytes that it has, begun ones too:
/// most are shorter.
inline constexpr std::size_t kInFlightUnitBytes = 1024;
/// (config) Answers not yet taken by a client; beyond it the daemon stops reading from it, and a
/// client that takes nothing for kWriteStall is dropped.
inline constexpr std::size_t kOutputBytes = 256 * 1024;
inline constexpr std::size_t kOutputBytesMax = 64 * 1024 * 1024;
inline constexpr int kWriteStallMs = 10'000;
/// Memory that all connections together may hold: input not yet complete, requests in flight,
/// answers not yet taken. Each alone may hold some 400 KiB, so thousands that conspire could take
/// gigabytes; beyond this the one that holds most is dropped, which is never one that reads.
inline constexpr std::size_t kHeldBytes = 256 * 1024 * 1024;
/// A connection's buffer that grew beyond this is given back once it is empty.
inline constexpr std::size_t kKeptBufferBytes = 16 * 1024;
/// (config) From the connection to the first byte of its first request. Blanks, and bytes that
/// begin no JSON value, do not put it off.
inline constexpr int kFirstByteMs = 10'000;
/// (config) From the first byte of a message to its last: a message begun must end.
inline constexpr int kMessageMs = 5'000;
/// (config) A connection with nothing in flight is closed when its last request or answer is this
/// long ago.
inline constexpr int kIdleMs = 600'000;
/// The most that a deadline in the configuration may be: one day.
inline constexpr int kDeadlineMsMax = 86'400'000;
/// How often deadlines are looked at; a deadline may be late by this much.
inline constexpr int kSweepMs = 250;

// --- words in requests -------------------------------------------------------------------------

inline constexpr std::size_t kEventNameBytes = 64;
inline constexpr std::size_t kKeyBytes = 128;
inline constexpr std::size_t kMemoBytes = 256;
/// Largest integer that every JSON reader keeps exact (IEEE 754 doubles): 2^53 - 1.
inline constexpr std::uint64_t kInteger = (std::uint64_t{1} << 53) - 1;
/// Serials are counted in 64 bits and never reused; with this capacity, and resizes at every entry,
/// they cannot reach 2^53.
inline constexpr std::uint64_t kCapacity = 1'000'000'000'000;
/// The most that the numbers of a store may have reached when it is started: LSNs, serials, numbers
/// of groups and segments, milliseconds since 1970. The other half, up to kInteger, is a margin
/// that no daemon lives to use up: 140 years of a million entries a second.
inline constexpr std::uint64_t kCounterAtStart = kInteger / 2;
/// Tickets in one order: its serials must fit into one reply.
inline constexpr std::uint64_t kQuantity = 10'000;
/// Numbers of an event that hands them out again: which are taken is kept bit by bit, and in every
/// entry that takes or returns some.
inline constexpr std::uint64_t kSlots = 10'000;
/// The most that an event may set as the limit of one buyer.
inline constexpr std::uint64_t kBuyerLimit = 1'000'000'000;
/// Name that a buyer claims: an address, an account, a customer's number.
inline constexpr std::size_t kBuyerNameBytes = 128;
/// Buyers with tickets, counted once for each event, at some 100 bytes of memory each; beyond it a
/// buyer by a new name is told `busy`. Users are never refused for it: the machine has so many.
inline constexpr std::size_t kBuyers = 1'000'000;
inline constexpr std::size_t kEvents = 100'000;
/// Holds that live at once, at some 250 bytes of memory each; beyond it a request for another is
/// told `busy`. The checkpoint lists them all.
inline constexpr std::size_t kHolds = 100'000;
/// Of one user, so that nobody takes them all; beyond it `limit_reached`.
inline constexpr std::size_t kHoldsPerUid = 10'000;
/// Requests that wait in line, of all events, and of one user, so that nobody takes all places;
/// beyond it another that would wait is told `busy`.
inline constexpr std::size_t kWaiting = 10'000;
inline constexpr std::size_t kWaitingPerUid = 5'000;
/// Copies of one request, by its key, that wait for its answer; another is told `busy`.
inline constexpr std::size_t kAskers = 64;
/// The longest that a request may wait.
inline constexpr std::int64_t kWaitMsMax = 86'400'000;
/// How long a place in line is kept for a client that went away and has a key to come back with: a
/// restart of its host's network or of itself.
inline constexpr int kLineGraceMs = 10'000;
/// Subscriptions of all connections, and of one.
inline constexpr std::size_t kWatches = 1'000;
inline constexpr std::size_t kWatchesPerConnection = 16;
/// The last changes are kept in memory for those who watch; who falls behind further is told so.
inline constexpr std::size_t kWatchedChanges = 4'096;
/// Processes that holds are bound to, each of which takes a descriptor; beyond it a request for
/// another is told `busy`.
inline constexpr std::size_t kWatchedProcesses = 512;
/// How long a hold lives if its request does not say; the most that it may say, and that a hold
/// lives in all, however often it is extended. Ten minutes are a checkout's, thirty-one days those
/// of an invoice.
inline constexpr std::int64_t kHoldMs = 600'000;
inline constexpr std::int64_t kHoldMsMax = std::int64_t{31} * 86'400'000;
/// Rows in one answer of `orders`, `ledger.read`.
inline constexpr std::uint64_t kRows = 1000;
inline constexpr std::uint64_t kRowsDefault = 100;
/// An answer with rows ends with the row that takes it past this size; `next` tells where to go on.
inline constexpr std::size_t kRowsBytes = 64 * 1024;

// --- the store ---------------------------------------------------------------------------------

/// One journal segment, preallocated. Large enough that a switch is rare, small enough that a store
/// starts on a small disk.
inline constexpr std::uint64_t kSegmentBytes = 16 * 1024 * 1024;
/// Less leaves no room for an entry when half of a segment is used and the next one is not ready.
inline constexpr std::uint64_t kSegmentBytesMin = 52 * 1024;
/// How much of the journal before the checkpoint a start reads back to find damage in it; of the
/// rest it looks at the segments' headers. `ticketd --verify` reads everything.
inline constexpr std::uint64_t kCheckedAtStartBytes = 4 * kSegmentBytes;
/// Payload of one group: what one write and one sync carry.
inline constexpr std::size_t kGroupBytes = 512 * 1024;
/// Entries that wait for a sync that does not return; beyond it requests are told `busy`.
inline constexpr std::size_t kPendingBytes = 4 * 1024 * 1024;
/// The longest entry: names, key and memo at their maxima, the fixed fields, and two sets of ticket
/// numbers, a bit for each.
inline constexpr std::size_t kEntryBytes = 4096;
/// Refusals remembered by key, so that a late copy of a refused request stays refused.
inline constexpr std::size_t kRefusedKeys = 65'536;
/// (config) How long keys that bought something are kept: a request that comes back with its key
/// within this time gets the answer it got. Seven days outlast a weekend's outage of a retrying
/// job.
inline constexpr std::int64_t kKeyRetentionMs = std::int64_t{7} * 86'400'000;
inline constexpr std::int64_t kKeyRetentionMsMin = 1'000;
inline constexpr std::int64_t kKeyRetentionMsMax = std::int64_t{366} * 86'400'000;
/// Keys are kept this much longer than their retention (or as much longer as that is, if shorter),
/// and a key's own time is believed if it is ahead of the daemon's clock by no more than this.
inline constexpr std::int64_t kKeyClockSlackMs = 3'600'000;
/// (config) Keys kept at most, at 32 to 48 bytes of memory each; beyond it requests with a new key
/// are told `busy` until old ones are past their retention. None is forgotten early.
inline constexpr std::uint64_t kKeys = 50'000'000;
inline constexpr std::uint64_t kKeysMax = 1'000'000'000;
/// (config) How long a request waits for a record lock that another process holds.
inline constexpr int kLockTimeoutMs = 3'000;
inline constexpr int kLockTimeoutMsMax = 60'000;

static_assert(kEventNameBytes + kKeyBytes + kBuyerNameBytes + kMemoBytes + 2 * kQuantity / 8 + 256 <
              kEntryBytes);
static_assert(kSlots <= kQuantity, "they fit into as many bits");
static_assert(2 * kAtomicRequests * kEntryBytes <= kGroupBytes, "a sale may also close its event");
static_assert(kEntryBytes < kGroupBytes && kGroupBytes < kPendingBytes);
static_assert(2 * kGroupBytes < kSegmentBytes);
static_assert(kQuantity * 18 < kOutputBytes, "one reply fits the output buffer");
static_assert(kConnectionsPerUid < kConnections && kConnections <= kConnectionsMax);
static_assert(kConnectionsPerUid + kConnectionsForOperators <= kConnections);
static_assert(kConnectionsForOperators < kDescriptorsReserved);
static_assert(kOutputBytesMax + kMessageBytesMax < kHeldBytes, "one connection alone fits");
static_assert(kCapacity < kInteger);
static_assert(kHoldsPerUid < kHolds && kWaitingPerUid < kWaiting);

}  // namespace ticketd::limits
