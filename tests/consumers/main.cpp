#include <iostream>
#include <pollux/backend.hpp>
#include <pollux/error.hpp>
#include <pollux/fd.hpp>
#include <unistd.h>

int main() {
    int ends[2];
    pollux::check(::pipe(ends), "pipe");
    const pollux::Fd reader{ends[0]};
    pollux::Fd writer{ends[1]};

    const auto reactor = pollux::make_reactor(pollux::default_backend());
    reactor->add(reader.get(), pollux::Token{7}, pollux::Interest::read, pollux::Trigger::level);
    writer.reset(); // the other end of the pipe is gone: a read will not block
    for (const pollux::Event& event : reactor->wait(pollux::forever))
        std::cout << reactor->name() << ": " << pollux::to_string(event.ready) << '\n';
}
