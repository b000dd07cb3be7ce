// Replies: what a request is answered with, and how that is written on the wire. The text of the
// answer is kept apart from its envelope until it leaves, so that an answer whose change could not
// be stored can still become an error.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error_kind.h"
#include "common/json_writer.h"
#include "server/box_office/stock.h"
#include "server/net/request.h"

namespace ticketd::net {

/// One answer. It may leave once `lsn`, which it rests on, is durable.
struct Reply {
    Envelope envelope;
    bool is_error = false;
    Lsn lsn = 0;
    std::string body;  ///< JSON of the result or of the error object
};

/// What goes out as one message: an answer, or those of a batch.
struct ReplyMessage {
    bool is_batch = false;
    std::vector<Reply> replies;     ///< one unless is_batch; of a notification none
    std::string notification = {};  ///< JSON, of what is durable; else empty

    /// The highest LSN any part rests on.
    Lsn lsn() const;
    /// What it takes of memory, about.
    std::size_t bytes() const;
};

/// `{"code":…,"message":…,"data":{"kind":…,"retry":…,…}}`; `numbers` become members of data.
using ErrorNumber = std::pair<std::string_view, std::uint64_t>;
std::string error_body(ErrorKind kind, std::string_view message,
                       const std::vector<ErrorNumber>& numbers = {});

/// Why nothing more can be stored, and what was not durable was taken back.
inline constexpr std::string_view kNoSpace = "no space left on the daemon's disk";

/// A message of one error that is no answer to a request we could read, or to none at all.
ReplyMessage error_message(ErrorKind kind, std::string_view message,
                           const std::vector<ErrorNumber>& numbers = {});

/// Appends the message without its final LF.
void append_message(std::string& out, const ReplyMessage& message);

/// Turns every part that rests on an LSN after `durable` into a refusal: its change was taken back.
void refuse_undone(ReplyMessage& message, Lsn durable);

}  // namespace ticketd::net
