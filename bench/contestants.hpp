#pragma once

#include <cstdint>
#include <memory>
#include <pollux/backend.hpp>
#include <span>
#include <string_view>
#include <vector>

namespace contest {

/// One way to wait for many descriptors and call whoever watches those that are ready.
class Contestant {
public:
    Contestant() = default;
    Contestant(const Contestant&) = delete;
    Contestant& operator=(const Contestant&) = delete;
    virtual ~Contestant() = default;

    /// Looks so many times, and each time calls `count_event` for every ready descriptor.
    virtual void run(std::uint64_t turns) = 0;
};

/// The callback of every contestant: what they all do alike costs them alike.
void count_event(void* counter) noexcept;

enum class Kind : std::uint8_t {
    bare, ///< The loop that a good hand writes on the kernel's facility.
    seam, ///< The Reactor alone, its events dispatched by a loop over the span.
    loop, ///< The EventLoop, asked for one turn at a time that does not wait.
    run, ///< The EventLoop in its `run`. It waits, which some facilities of the kernel make dearer.
};
/// Those whose times compare.
inline constexpr Kind kinds[] = {Kind::bare, Kind::seam, Kind::loop};
std::string_view to_string(Kind kind) noexcept;
/// Throws `std::invalid_argument`.
Kind parse_kind(std::string_view name);

/// Watches these descriptors; `counter` counts the calls and must outlive the contestant.
std::unique_ptr<Contestant> make_contestant(Kind kind, pollux::Backend backend,
                                            std::span<const int> fds, std::uint64_t* counter);

/// Eventfds of which some, spread evenly, are readable for ever, the last among them. Lets the
/// process open enough of them first.
class Descriptors {
public:
    Descriptors(std::size_t watched, std::size_t active);
    ~Descriptors();
    Descriptors(const Descriptors&) = delete;
    Descriptors& operator=(const Descriptors&) = delete;
    std::span<const int> all() const noexcept { return fds_; }
    /// From now on so many are readable.
    void activate(std::size_t active);

private:
    std::vector<int> fds_;
    std::size_t active_ = 0;
};

} // namespace contest
