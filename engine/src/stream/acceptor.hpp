#pragma once

// Who accepts for all loops of a pool.

#include <atomic>
#include <memory>
#include <pollux/loop_pool.hpp>
#include <pollux/stream/server_pool.hpp>
#include <span>
#include <vector>

#include "stream/server_core.hpp"

namespace pollux {

/// A loop's part of a `ServerPool`.
struct PoolMember {
    std::shared_ptr<ServerCore> core; // of its loop's thread
    std::atomic<std::size_t> load{0}; // connections, those on their way included
};

/// Accepts on the first loop of a pool, and hands the sockets over. All but `load_changed` belongs
/// to that loop's thread.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
public:
    Acceptor(LoopPool& pool, std::span<PoolMember> members, const ServerPoolOptions& options);

    void listen(Socket socket);
    /// That loop gets no more.
    void retire(std::size_t place);
    /// Closes the listeners; a queue that would be lost is accepted first, as in
    /// `ServerCore::stop_listening`.
    void stop();
    void close() noexcept;
    std::uint64_t shed() const noexcept;
    std::span<Listener> listeners() noexcept { return listeners_; }

    /// To be told when a load has changed. From any thread.
    void load_changed();

private:
    void hand_over(Socket socket);
    std::size_t choose() const;
    bool may_have_more(std::size_t place) const {
        return !retired_[place] && members_[place].load < options_.server.max_connections;
    }
    bool has_room() const;
    void pause_or_resume();

    LoopPool& pool_;
    std::span<PoolMember> members_;
    const ServerPoolOptions options_;
    std::vector<Listener> listeners_;
    std::vector<bool> retired_;
    std::size_t last_;
    std::uint64_t shed_ = 0; // of listeners that are closed
    std::atomic<bool> full_{false};
};

} // namespace pollux
