// attacker SOCKET BEHAVIOUR CONNECTIONS [WORD]: a bad client, to be run as any user. What it does
// is in attacks.h.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/support/attacker/attacks.h"

int main(int argc, char** argv) {
    using namespace ticketd::attacker;
    if (argc < 4) return 64;
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);

    const std::string socket = argv[1];
    const std::string behaviour = argv[2];
    const auto connections = std::strtoul(argv[3], nullptr, 10);
    const std::string word = argc > 4 ? argv[4] : "";
    if (behaviour == "silent") return silent(socket, connections), 0;
    if (behaviour == "drip") return drip(socket, connections), 0;
    if (behaviour == "half") return half(socket, connections), 0;
    if (behaviour == "deaf") return deaf(socket, connections, word), 0;
    if (behaviour == "crowd") return crowd(socket, connections), 0;
    if (behaviour == "bomb") return bomb(socket, connections, word), 0;
    if (behaviour == "ancillary") return ancillary(socket, connections), 0;
    std::fprintf(stderr, "no such behaviour: %s\n", behaviour.c_str());
    return 64;
}
