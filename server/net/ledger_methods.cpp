// ledger.read and ledger.verify: answers from the journal on disk; and ledger.position, for those
// who copy it.
#include <algorithm>
#include <memory>

#include "common/names.h"
#include "server/net/order_json.h"
#include "server/net/rows.h"
#include "server/net/service.h"
#include "server/store/audit.h"

namespace ticketd::net {
namespace {

std::string audit_json(const store::AuditReport& report) {
    std::string body;
    JsonWriter json{body};
    json.begin_object().member("ok", report.ok()).member("lsn", report.lsn);
    json.member("events", report.events).member("orders", report.orders);
    json.member("keys", report.keys).member("capacity", report.capacity);
    json.member("available", report.available).member("held", report.held);
    json.member("sold", report.sold).member("overcommit", report.overcommit);
    json.name("problems").begin_array();
    for (const auto& problem : report.problems)
        json.value(std::string_view{problem});
    json.end_array().end_object();
    return body;
}

/// Sets an LSN to 0 when it goes, however that comes about.
struct Reset {
    std::atomic<Lsn>& lsn;
    ~Reset() { lsn = 0; }
};

std::string hex(const store::StoreId& id) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char c : id) {
        const auto byte = static_cast<unsigned char>(c);
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 0xfU];
    }
    return text;
}

}  // namespace

void Service::ledger_read(const Params& params, const Caller&, const Responder& responder) {
    const auto last = store_.state().last_lsn();
    const auto from = std::max<Lsn>(params.integer(0, 1), 1);
    const auto limit = params.integer(1, limits::kRowsDefault);
    read_ledger(
        scans_, last, responder,
        [=](store::LedgerReader& reader) {
            return read_rows(reader, from, last, limit, [](const store::Entry&) { return true; });
        },
        [this, responder, last](const Rows& rows) {
            const auto append = [this](JsonWriter& json, const store::Entry& entry) {
                append_entry(json, entry, event_of(entry));
            };
            const auto next = rows.seen + 1;
            responder.result(
                0, rows_json("entries", rows.entries, append, rows.seen < last ? next : 0));
        });
}

void Service::ledger_verify(const Params&, const Caller&, const Responder& responder) {
    const auto last = store_.state().last_lsn();
    // The counts as they are now, at `last`, to be held against what the journal adds up to.
    auto live = std::make_shared<const std::vector<store::Event>>(store_.state().events());
    auto holds = std::make_shared<const store::Holds>(store_.state().holds());
    read_ledger(
        audits_, last, responder,
        [this, last, live, holds, id = store_.id(),
         key_floor = store_.state().key_floor()](store::LedgerReader& reader) {
            const Reset at_the_end{audited_lsn_};
            store::Audit audit{id, key_floor, [&reader](Lsn lsn) { return reader.entry(lsn); }};
            bool is_whole = true;
            reader.visit(1, last, [&](const store::Entry& entry) {
                is_whole = audit.add(entry);
                audited_lsn_ = entry.lsn;
                return is_whole;
            });
            if (is_whole) {
                audit.compare(*live, "live counts");
                audit.compare_holds(*holds, "live holds");
            }
            return std::move(audit).report();
        },
        [responder](const store::AuditReport& report) { responder.result(0, audit_json(report)); });
}

// It is durable already, so the answer need not wait for anything.
void Service::ledger_position(const Params&, const Caller&, const Responder& responder) {
    if (!is_utf8(settings_.data_dir)) {
        return responder.error(0, ErrorKind::kInternal, "the data directory's name is not UTF-8");
    }
    const auto position = store_.durable_position();
    std::string body;
    JsonWriter json{body};
    json.begin_object().member("data_dir", std::string_view{settings_.data_dir});
    json.member("store", std::string_view{hex(store_.id())});
    json.member("segment", position.segment).member("offset", position.offset);
    json.member("group", position.group - 1).member("lsn", position.lsn - 1);
    json.member("verified_lsn", audited_lsn_.load()).end_object();
    responder.result(0, std::move(body));
}

}  // namespace ticketd::net
