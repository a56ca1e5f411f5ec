#pragma once

#include <array>

#include "service/dialogue.hpp"

namespace pollux {

/// A client in a thread or process that waits for it alone.
class Conversation {
public:
    Conversation(Service& service, Socket socket);

    /// Returns when it is over. Throws what the session throws.
    void run();

private:
    enum class Woken : std::uint8_t { ready, stopped, late };
    using Room = std::array<std::byte, 65536>;

    void listen();
    void flush();
    void end_in_good_order();
    Woken wait_for_input();
    Woken wait(short events, Clock::time_point due, bool stopping);

    Service& service_;
    Socket socket_;
    Dialogue dialogue_;
    Room room_; // only what is read is looked at, and only that takes memory
};

/// The same from the first to the last, whatever happens in it.
void converse(Service& service, Socket socket) noexcept;

} // namespace pollux
