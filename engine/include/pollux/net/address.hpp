#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace pollux {

/// Where a socket is bound or connected to: an IPv4 or IPv6 address with its port, the path or the
/// abstract name of a Unix socket, or nothing at all (unnamed). A value, always in one normal
/// form; see ip(7), ipv6(7), unix(7), packet(7).
///
/// Its text, read by `parse` and written by `to_string`:
///
///     127.0.0.1:80        IPv4
///     [::1]:80            IPv6
///     [fe80::1%eth0]:80   IPv6 with a scope: the interface's name or its number
///     unix:/run/app.sock  Unix, a path of 1 to 108 bytes
///     unix:@app           Unix, an abstract name of 1 to 107 bytes of any value
///
/// In a path or a name, `\xNN` stands for a byte by two hexadecimal digits, and `\\` for a
/// backslash. Names of hosts are never looked up.
class Address {
public:
    /// Unnamed.
    Address() noexcept = default;

    /// Reads the text above. Throws `std::invalid_argument`, which quotes the text and says what
    /// is wrong with it. A scope's name is looked up among the interfaces there are now.
    static Address parse(std::string_view text);

    /// The same from a host and a port given apart, as in `--host ::1 --port 80`. `host` is
    /// `127.0.0.1`, `::1`, `[::1]`, `fe80::1%eth0`, or `unix:…`, which needs no port and ignores
    /// it. Throws `std::invalid_argument`, also for a port that is not in 0 to 65535.
    static Address of(std::string_view host, int port);

    /// From the kernel's form; `size` is what the kernel said, not the room there was. An address
    /// that was never set (`size` 0, as for the peer of an accepted Unix socket) is unnamed and
    /// not looked at. Throws `std::invalid_argument` when the size does not suit the family. An
    /// IPv6 flow label is not kept. Other families are kept as they are.
    static Address from(const sockaddr* address, socklen_t size);

    static Address ipv4_loopback(std::uint16_t port) noexcept; ///< 127.0.0.1
    static Address ipv6_loopback(std::uint16_t port) noexcept; ///< ::1
    static Address ipv4_any(std::uint16_t port) noexcept;      ///< 0.0.0.0, to listen on.
    static Address ipv6_any(std::uint16_t port) noexcept;      ///< ::, to listen on.

    /// A Unix socket in the file system. Throws `std::invalid_argument` when the path is empty,
    /// longer than 108 bytes, or holds a zero byte.
    static Address unix_path(std::string_view path);
    /// A Unix socket in Linux' abstract name space: no file, no permissions. `name` may hold any
    /// bytes. Throws `std::invalid_argument` when it is empty or longer than 107 bytes.
    static Address abstract(std::string_view name);

    /// For a packet socket: that interface, and the frames of that Ethernet type (ETH_P_ALL,
    /// ETH_P_IP, … of <linux/if_ether.h>, in host byte order); packet(7). Throws
    /// `std::system_error` when there is no such interface: `if_nametoindex eth9: No such device`.
    static Address packet(std::string_view interface, std::uint16_t ether_type);

    int family() const noexcept; ///< AF_INET, AF_INET6, AF_UNIX, AF_PACKET, or AF_UNSPEC.
    bool unnamed() const noexcept;
    std::uint16_t port() const noexcept;    ///< 0 where the family has none.
    std::string_view path() const noexcept; ///< Of a Unix socket in the file system; else empty.

    /// What bind(2) and connect(2) take.
    const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
    socklen_t size() const noexcept { return size_; }

    /// The text above, on one line whatever bytes a name holds: `parse` makes an equal address
    /// of it. A scope is given by its name if the interface still exists, which asks the kernel,
    /// and if the name has letters and no byte that would not read back; else by its number.
    /// What has no such text is refused by `parse` and reads `unnamed`, or `family 16`, or, of a
    /// packet socket, `packet:eth0 0x0800 02:fc:00:00:00:01`: interface, type of the frame, and
    /// the hardware address when there is one. So is `unix:@`, the abstract name of no bytes, which
    /// a peer may have but is more likely a slip.
    std::string to_string() const;

    friend bool operator==(const Address& a, const Address& b) noexcept;

private:
    Address(const void* address, std::size_t size) noexcept;

    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

} // namespace pollux
