// Changes scripts of fuzz_service by their lines: whole requests from small pools of words, so that
// they meet each other, and orders.
#include <algorithm>
#include <cstdint>
#include <string>

#include "tests/fuzz/line_mutator.h"

namespace {

using ticketd::fuzz::Lines;

class Mutator final : public ticketd::fuzz::LineMutator {
  public:
    using LineMutator::LineMutator;

    void mutate(Lines& lines) {
        if (lines.empty()) lines.emplace_back();
        const auto at = pick_line(lines);
        switch (pick(7)) {
            case 0: lines.erase(lines.begin() + at); break;
            case 1: lines.insert(lines.begin() + at, lines[pick(lines.size())]); break;
            case 2: std::iter_swap(lines.begin() + at, lines.begin() + pick_line(lines)); break;
            case 3: lines.insert(lines.begin() + at, order()); break;
            case 4: lines.insert(lines.begin() + at, chance(3) ? 20 : 3, request()); break;
            default: lines.insert(lines.begin() + at, pick(5) == 0 ? batch() : request()); break;
        }
    }

  private:
    std::string event() { return one({R"("default")", R"("a")", R"("b")", R"("c")"}); }
    std::string key() {
        return one({R"("k1")", R"("k2")", R"("k3")", R"("018bcfe5-6800-7000-8000-000000000001")",
                    R"("01800000-0000-7000-8000-000000000001")"});
    }
    std::string quantity() { return one({"1", "1", "2", "3", "10", "10000", "0"}); }

    std::string size() {
        return one({"1", "2", "3", "10", "null,2", "null,-1", "null,-9", "5,null,3", "null,1,2"});
    }

    std::string time() {
        return one({"0", "1", "1700000000000", "1700000001500", "1700000000001", "null"});
    }

    std::string purchase() {
        std::string params = R"("event":)" + event();
        if (chance(2)) params += R"(,"quantity":)" + quantity();
        if (chance(4)) params += R"(,"min_quantity":)" + quantity();
        if (chance(2)) params += R"(,"key":)" + key();
        if (chance(6)) params += R"(,"memo":"m")";
        if (chance(6)) params += R"(,"buyer":)" + one({R"("ann")", R"("bob")"});
        if (chance(3)) params += R"(,"wait_ms":)" + one({"0", "1", "20"});
        if (chance(8)) params += R"(,"dry_run":true)";
        return R"("purchase","params":{)" + params + "}";
    }

    std::string terms() {
        return one({R"("buyer_limit":2)", R"("slots":true)", R"("buyers":"claimed")",
                    R"("order_limit":1)", R"("auto_close":true)",
                    R"("slots":true,"buyer_limit":3)"});
    }

    std::string cancel(const std::string& order) {
        std::string params = R"("order":)" + order;
        switch (pick(3)) {
            case 0: params += R"(,"quantity":1)"; break;
            case 1: params += R"(,"serials":)" + one({"[1]", "[2,1]", "[3]", "[4,5,9]"}); break;
            default: break;
        }
        if (chance(3)) params += R"(,"key":)" + key();
        if (chance(3)) params += R"(,"restock":)" + one({"true", "false"});
        if (chance(4)) params += R"(,"reason":"ill")";
        return R"("cancel","params":{)" + params + "}";
    }

    std::string batch_of_some() {
        std::string requests;
        for (std::uint64_t i = 1 + pick(3); i > 0; --i) {
            const auto one = pick(3) == 0 ? hold() : pick(2) == 0 ? purchase() : call();
            requests += (requests.empty() ? "" : ",") + (R"({"method":)" + one) + "}";
        }
        return R"("batch","params":{"requests":[)" + requests + "]" +
               (chance(2) ? R"(,"atomic":true)" : "") + "}";
    }

    std::string ttl() { return one({"1", "1000", "3000", "3001", "900000"}); }

    std::string hold() {
        std::string params = R"("event":)" + event();
        if (chance(2)) params += R"(,"quantity":)" + quantity();
        if (chance(4)) params += R"(,"min_quantity":1)";
        if (!chance(4)) params += R"(,"ttl_ms":)" + ttl();
        if (chance(3)) params += R"(,"key":)" + key();
        if (chance(4)) params += R"(,"wait_ms":)" + one({"0", "1", "20"});
        if (chance(3)) params += R"(,"bind":)" + one({R"("connection")", R"("pid")"});
        return R"("hold","params":{)" + params + "}";
    }

    std::string change_of_hold(const std::string& order) {
        const auto with_key = chance(3) ? R"(,"key":)" + key() : std::string{};
        const auto params = R"(,"params":{"order":)" + order + with_key;
        switch (pick(3)) {
            case 0: return R"("confirm")" + params + (chance(2) ? R"(,"quantity":1})" : "}");
            case 1: return R"("release")" + params + "}";
            default: return R"("extend")" + params + R"(,"ttl_ms":)" + ttl() + "}";
        }
    }

    std::string call() {
        const auto number = std::to_string(pick(12));
        switch (pick(28)) {
            case 27:
                return one({R"("watch")", R"("watch","params":{"since_lsn":0})",
                            R"("watch","params":[["a"]])", R"("unwatch","params":[1])"});
            case 25:
            case 26: return batch_of_some();
            case 20:
            case 21:
            case 22: return cancel(number);
            case 23:
                return R"("event.create","params":{"name":)" + event() + R"(,"capacity":)" +
                       quantity() + "," + terms() + "}";
            case 24: return R"("event.resize","params":[)" + event() + ",1,null,null,true]";
            case 11:
            case 12: return hold();
            case 13:
            case 14: return change_of_hold(number);
            case 0: return R"("event.create","params":[)" + event() + "," + quantity() + "]";
            case 1: return R"("event.resize","params":[)" + event() + "," + size() + "]";
            case 2: return R"("query","params":[)" + event() + "]";
            case 3: return R"("abandon","params":[)" + key() + "]";
            case 4: return R"("order","params":{"key":)" + key() + "}";
            case 5: return R"("order","params":[)" + number + "]";
            case 6: return R"("orders","params":{"after_lsn":)" + number + R"(,"limit":2})";
            case 7: return R"("ledger.read","params":[)" + number + "]";
            case 8:
                return one({R"("ledger.verify")", R"("ledger.position")", R"("events")",
                            R"("server.info")", R"("server.stats")", R"("rpc.discover")",
                            R"("nothing")"});
            case 9:
                return one({R"("event.pause")", R"("event.resume")", R"("event.resume")",
                            R"("event.close")"}) +
                       R"(,"params":[)" + event() + "]";
            case 10:
                return R"("event.update","params":[)" + event() + "," + time() + "," + time() +
                       one({"", "", ",2", R"(,null,"fit")", R"(,0,"strict",true)",
                            ",null,null,true"}) +
                       "]";
            default: return purchase();
        }
    }

    std::string request() {
        std::string text = chance(8) ? "{" : R"({"jsonrpc":"2.0",)";
        if (!chance(8)) text += R"("id":)" + std::to_string(pick(1000)) + ",";
        if (chance(12)) text += "\x7f 6\x7f 5";  // blanks: large messages are read elsewhere
        return text + R"("method":)" + call() + "}";
    }

    std::string batch() {
        std::string text = "[" + request();
        for (auto more = pick(4); more > 0; --more)
            text += "," + request();
        return text + "]";
    }

    std::string order() {
        return one({"!as ", "!as ", "!run ", "!run ", "!turn ", "!end ", "!cut ", "!lock ",
                    "!unlock ", "!full ", "!room ", "!fail ", "!kill ", "!stop ", "!time 3000",
                    "!back ", "!scrub ", "!spoil "}) +
               std::to_string(pick(chance(8) ? 5000 : 24));
    }
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
    return ticketd::fuzz::mutate_lines<Mutator>(data, size, max_size, seed, 3);
}
