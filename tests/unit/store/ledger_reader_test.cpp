#include "server/store/ledger_reader.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::StoreRig;

namespace {

/// A directory that counts what is read of its files.
class CountingDirectory final : public platform::Directory {
  public:
    explicit CountingDirectory(platform::Directory& behind) : behind_(behind) {}

    platform::OpenResult open(const std::string& name, platform::OpenMode mode) override {
        auto opened = behind_.open(name, mode);
        if (opened.file) {
            opened.file = std::make_unique<CountingFile>(std::move(opened.file), reads_);
        }
        return opened;
    }
    std::error_code rename(const std::string& from, const std::string& to) override {
        return behind_.rename(from, to);
    }
    std::error_code remove(const std::string& name) override { return behind_.remove(name); }
    std::error_code sync() override { return behind_.sync(); }
    platform::ListResult list() override { return behind_.list(); }
    bool leads_to(const std::string& name, const platform::File& file) override {
        return behind_.leads_to(name, file);
    }

    std::uint64_t reads() const { return reads_; }

  private:
    class CountingFile final : public platform::File {
      public:
        CountingFile(std::unique_ptr<platform::File> behind, std::uint64_t& reads)
            : behind_(std::move(behind)), reads_(reads) {}
        platform::ReadResult read_at(std::span<char> buffer, std::uint64_t offset) override {
            ++reads_;
            return behind_->read_at(buffer, offset);
        }
        std::error_code write_at(std::string_view bytes, std::uint64_t offset) override {
            return behind_->write_at(bytes, offset);
        }
        std::error_code sync_data() override { return behind_->sync_data(); }
        std::error_code allocate(std::uint64_t size) override { return behind_->allocate(size); }
        std::error_code truncate(std::uint64_t size) override { return behind_->truncate(size); }
        platform::SizeResult size() override { return behind_->size(); }
        platform::FileId id() const override { return behind_->id(); }
        platform::LockResult try_lock(platform::LockKind kind, platform::ByteRange range) override {
            return behind_->try_lock(kind, range);
        }
        void unlock(platform::ByteRange range) override { behind_->unlock(range); }

      private:
        std::unique_ptr<platform::File> behind_;
        std::uint64_t& reads_;
    };

    platform::Directory& behind_;
    std::uint64_t reads_ = 0;
};

}  // namespace

TEST_CASE("an order of any age is found with a bounded number of reads") {
    StoreRig rig;
    const auto demo = rig.create("demo", 1'000'000'000);
    Lsn last = 0;
    constexpr int kSegments = 12;  // each of 500 groups
    for (int i = 0; i < kSegments; ++i)
        last = rig.fill_segment(demo);
    for (Lsn lsn = 1; lsn <= last; lsn += 97) {
        CountingDirectory counted{rig.disk()};
        LedgerReader reader{counted, rig.store().id()};
        CAPTURE(lsn);
        REQUIRE(reader.entry(lsn).lsn == lsn);
        // log2 of 12 segments, up and down, then of 512 blocks, then the group itself.
        REQUIRE(counted.reads() <= 2 * 4 + 10 + 3);
    }
}

TEST_CASE("entries are visited in order over segments, and those begun later are found") {
    StoreRig rig;
    const auto demo = rig.create("demo", 1'000'000'000);
    LedgerReader reader{rig.disk(), rig.store().id()};
    for (int round = 0; round < 3; ++round) {
        const auto last = rig.fill_segment(demo);
        Lsn next = 2;
        reader.visit(2, last, [&next](const Entry& entry) { return entry.lsn == next++; });
        CHECK(next == last + 1);
        CHECK(reader.entry(last).lsn == last);
        CHECK(reader.entry(1).type == EntryType::kEventCreated);
    }
}
