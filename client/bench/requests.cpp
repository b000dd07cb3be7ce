#include "client/bench/requests.h"

#include <charconv>

#include "client/key.h"
#include "client/rpc.h"
#include "common/json_writer.h"

namespace ticketd::client {

RequestWriter::RequestWriter(const BenchOptions& options) {
    const bool is_purchase = options.method == BenchMethod::kPurchase;
    const auto digits = std::to_string(number_);
    std::string params;
    JsonWriter writer{params};
    writer.begin_object();
    if (options.method != BenchMethod::kPing && !options.event.empty()) {
        writer.member("event", std::string_view{options.event});
    }
    if (is_purchase) writer.member("quantity", options.quantity);
    if (is_purchase && options.has_keys) {
        writer.member("key", std::string_view{new_key() + '-' + digits});
    }
    writer.end_object();
    line_ = request_line(number_, bench_method_name(options.method), params);
    id_at_ = line_.find(digits);
    const auto last = line_.rfind(digits);
    if (last != id_at_) key_at_ = last;
}

void RequestWriter::append_next(std::string& out) {
    ++number_;
    put_digits(id_at_);
    if (key_at_ != 0) put_digits(key_at_);
    out += line_;
}

void RequestWriter::put_digits(std::size_t at) {
    auto* first = line_.data() + at;
    std::to_chars(first, first + kDigits, number_);
}

}  // namespace ticketd::client
