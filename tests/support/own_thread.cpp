#include "own_thread.hpp"

#include <csignal>
#include <exception>
#include <thread>

namespace pollux_test {

void in_own_thread(const std::function<void()>& body) {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::exception_ptr thrown;
    std::thread{[&] {
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        try {
            body();
        } catch (...) {
            thrown = std::current_exception();
        }
    }}.join();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (thrown != nullptr) std::rethrow_exception(thrown);
}

} // namespace pollux_test
