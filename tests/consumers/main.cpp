#include <iostream>
#include <pollux/stream/server.hpp>

int main() {
    pollux::EventLoop loop;
    pollux::Server echo{loop,
                        pollux::Address::parse("127.0.0.1:0"),
                        {.on_data = [](pollux::Connection& connection, pollux::ByteView data) {
                            connection.send(data);
                            return data.size();
                        }}};
    std::cout << "listening on " << echo.address().to_string() << std::endl;
    loop.run();
}
