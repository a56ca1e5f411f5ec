#include "service/arrivals.hpp"

#include <utility>
#include <vector>

#include "service/conversation.hpp"

namespace pollux {

Arrivals::Arrivals(Service& service) : service_{service} {
    if (service.datagrams())
        receive();
    else
        listen();
}

Arrivals::~Arrivals() { service_.stop().request(); }

// One in a visit: what follows may have no room.
void Arrivals::listen() {
    listener_.emplace(
        service_.loop(), std::move(service_.socket()),
        [this](Socket client) {
            service_.count_client();
            client_ = std::move(client);
        },
        AcceptOptions{.trigger = service_.options().trigger, .accepts_per_visit = 1});
    listener_->set_on_error([this](std::error_code error) { broken_ = error; });
}

void Arrivals::receive() {
    datagrams_.emplace(service_, service_.loop(), service_.socket(), service_.options().trigger, 1,
                       [this](ByteView bytes, const Address& from) {
                           job_ = [&service = service_,
                                   datagram = std::vector<std::byte>(bytes.begin(), bytes.end()),
                                   from] {
                               serve_datagram(service, service.socket(), datagram, from);
                           };
                       });
}

Task Arrivals::next(HasRoom has_room) {
    wait(std::move(has_room));
    if (client_)
        job_ = [&service = service_, client = std::move(client_)]() mutable {
            converse(service, std::move(client));
        };
    return std::move(job_);
}

Socket Arrivals::next_client(HasRoom has_room) {
    wait(std::move(has_room));
    return std::move(client_);
}

void Arrivals::wait(HasRoom has_room) {
    while (!service_.stop().requested() && !client_ && !job_) {
        take(has_room());
        service_.take_turn();
        if (listener_) look_at_listener();
    }
}

void Arrivals::take(bool wanted) {
    if (std::exchange(taking_, wanted) == wanted) return;
    if (listener_)
        wanted ? listener_->resume() : listener_->pause();
    else
        wanted ? datagrams_->resume() : datagrams_->pause();
}

void Arrivals::look_at_listener() {
    for (; shed_ < listener_->shed(); ++shed_) {
        service_.count_client();
        service_.count_shed();
    }
    if (broken_) throw std::system_error{broken_, "accept " + service_.address().to_string()};
}

void Arrivals::let_go() noexcept {
    listener_.reset();
    datagrams_.reset();
}

} // namespace pollux
