#include "progress_bar.hpp"

#include "text.hpp"

#include <chrono>
#include <cstddef>
#include <iostream>
#include <unistd.h>
#include <utility>

namespace demos {

ProgressBar::ProgressBar(const std::string& name, std::uint64_t all)
    : name_{harmless(name)}, all_{all}, terminal_{::isatty(STDERR_FILENO) != 0} {}

void ProgressBar::show(std::uint64_t done) {
    if (!terminal_) return;
    constexpr std::size_t width = 30;
    const double part = all_ == 0 ? 1 : static_cast<double>(done) / static_cast<double>(all_);
    const auto filled = static_cast<std::size_t>(part * width);
    const std::chrono::duration<double> took = pollux::Clock::now() - start_;
    const double rate = took.count() > 0 ? static_cast<double>(done) / took.count() : 0;
    std::cerr << '\r' << name_ << " [" << std::string(filled, '#')
              << std::string(width - filled, '.') << "] " << static_cast<int>(part * 100) << "% "
              << static_cast<std::uint64_t>(rate / (1 << 20)) << " MiB/s\033[K" << std::flush;
    shown_ = true;
}

void ProgressBar::finish() {
    show(all_);
    if (std::exchange(shown_, false)) std::cerr << std::endl;
}

ProgressBar::~ProgressBar() {
    if (shown_) std::cerr << "\r\033[K" << std::flush;
}

} // namespace demos
