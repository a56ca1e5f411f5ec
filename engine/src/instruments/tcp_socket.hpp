#pragma once

// A TCP socket, by the rules of Linux' net/ipv4/tcp.c as far as a program can see them. What is
// sent waits in the sender (`out_`) until it arrives in the receiver (`in_`), at once or later.

#include <optional>
#include <string>

#include "instruments/simulated_socket.hpp"

namespace pollux::simulated {

class TcpSocket final : public StreamSocket, public Flow {
public:
    TcpSocket(World& world, int family);

    std::uint32_t state() override;
    Result listen(int backlog) override;
    Result connect(const Address& to) override;
    Result shutdown(int how) override;
    Result send(ByteView bytes, int flags, const Address* to) override;
    Result receive(Writable into, int flags, Envelope& envelope) override;
    void release() override;
    std::string text() const override;
    bool is_at_end() const override { return fin_arrived_ && in_.empty(); }
    Result in_queue() const override;
    Result out_queue() const override { return static_cast<Result>(out_.size()); }
    std::size_t unread() const override { return in_.size(); }
    void reset() override;
    std::size_t room() const override;

    bool can_arrive() const override;
    void arrive() override;
    bool is_over() const override;

private:
    // The one urgent byte that TCP knows at a time.
    enum class Urgent : std::uint8_t { none, there, taken };

    // --- sending side
    bool is_writable() const;
    void leaves();
    void arrive_whole();
    void arrive_piece(std::size_t most);
    void said_all();
    void freed_room();
    // --- connecting
    void knock();
    // --- receiving side
    void get(std::string_view bytes, std::optional<std::size_t> urgent);
    void get_urgent(std::size_t place, char byte);
    void get_end();
    void get_reset();
    Result take(Writable into, bool only_look);
    Result take_urgent(Writable into, bool only_look);
    Result nothing_to_take() const;
    void send_reset();

    TcpSocket* peer_ = nullptr;
    bool gone_ = false; // closed by the program
    bool has_failed_to_connect_ = false;

    std::string out_;
    std::optional<std::size_t> urgent_out_; // where in `out_`
    bool fin_out_ = false;                  // said, perhaps not arrived
    bool fin_acknowledged_ = false;
    bool reset_out_ = false;
    bool late_ = false; // arrives when it is chosen, not at once
    bool no_space_ = false;
    std::optional<std::size_t> squeezed_; // the buffer takes no more than this for now

    std::string in_;
    std::uint64_t taken_ = 0; // of all that ever came
    Urgent urgent_ = Urgent::none;
    std::uint64_t urgent_at_ = 0;
    char urgent_byte_ = 0;
    bool fin_arrived_ = false;
};

} // namespace pollux::simulated
