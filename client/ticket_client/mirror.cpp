#include "client/ticket_client/mirror.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "client/descriptor.h"

namespace ticketd::client {
namespace {

Failure failed(const std::string& path, int error) {
    return {"output", client_exit::kStorage, path + ": " + ::strerrordesc_np(error)};
}

}  // namespace

std::optional<Failure> write_mirror(const std::string& path, std::uint64_t count) {
    const auto fresh = path + ".new";
    const auto text = R"({"count": )" + std::to_string(count) + "}\n";
    {
        const Descriptor file{
            ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
        if (file.number() < 0) return failed(fresh, errno);
        const auto written = ::write(file.number(), text.data(), text.size());
        if (written < 0) return failed(fresh, errno);
        if (static_cast<std::size_t>(written) < text.size()) return failed(fresh, ENOSPC);
    }
    if (std::rename(fresh.c_str(), path.c_str()) != 0) return failed(path, errno);
    return std::nullopt;
}

}  // namespace ticketd::client
