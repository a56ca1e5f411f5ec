#pragma once

// What the snippets of docs/from_python_sockets.md find at hand. They are compiled, not run.

#include <array>
#include <chrono>
#include <exception>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <pollux/backend.hpp>
#include <pollux/event_loop.hpp>
#include <pollux/net/blocking_socket.hpp>
#include <pollux/net/interface.hpp>
#include <pollux/net/message.hpp>
#include <pollux/net/resolve.hpp>
#include <pollux/net/socket.hpp>
#include <pollux/net/socket_file.hpp>
#include <pollux/service/socket_server.hpp>
#include <pollux/stream/host_connector.hpp>
#include <pollux/stream/resolver.hpp>
#include <pollux/stream/server.hpp>
#include <pollux/worker_pool.hpp>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace pollux;

struct Given {
    Socket& s;
    BlockingSocket& b;
    SocketFile& file;
    const Address& address;
    ByteView bytes;
    std::span<std::byte> buffer;
    int fd;
    int level;
    int name;
    EventLoop& loop;
    Reactor& reactor;
    Server& server;
    SocketServer& service;
    Connection& connection;
    WorkerPool& pool;
    Resolver& resolver;
};

#define GIVEN                                                                                      \
    auto& [s, b, file, address, bytes, buffer, fd, level, name, loop, reactor, server, service,    \
           connection, pool, resolver] = given
