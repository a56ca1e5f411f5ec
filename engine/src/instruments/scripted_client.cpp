#include <pollux/instruments/scripted_client.hpp>

#include "quoted.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace pollux {
ScriptedClient::ScriptedClient(Simulation& simulation, Choices& choices, const Address& server,
                               Script script, std::string name)
    : simulation_{simulation},
      choices_{choices},
      server_{server},
      script_{std::move(script)},
      name_{std::move(name)} {
    simulation_.add(*this);
}

ScriptedClient::~ScriptedClient() { simulation_.remove(*this); }

void ScriptedClient::check() const {
    if (!failure_.empty()) throw std::runtime_error{failure_};
    if (!is_over_)
        throw std::runtime_error{name_ + " was left at step " + std::to_string(step_ + 1) + ", " +
                                 (has_connected_ ? to_string(step()) : "connect")};
}

// The program, or its kernel, wants nothing of it any more.
bool ScriptedClient::is_broken() const { return end_.refused() || end_.was_reset(); }

bool ScriptedClient::can_act() {
    if (is_over_) return false;
    if (!has_connected_ || is_broken()) return true;
    switch (step().kind) {
    case Script::Kind::send:
        return end_.room() > 0;
    case Script::Kind::expect:
    case Script::Kind::expect_end:
    case Script::Kind::read_to_end:
        return end_.arrived() > 0 || end_.ended();
    case Script::Kind::wait:
        return simulation_.now() >= due_;
    default:
        // After both ends it is not connected any more.
        return end_.connected() || end_.arrived() > 0 || end_.ended();
    }
}

std::optional<Clock::time_point> ScriptedClient::due() {
    if (is_over_ || !has_connected_ || step().kind != Script::Kind::wait) return std::nullopt;
    return due_;
}

void ScriptedClient::act() {
    if (!has_connected_)
        connect();
    else if (is_broken())
        give_up(end_.refused() ? "it was refused" : "the program broke it off");
    else
        take_step();
}

void ScriptedClient::connect() {
    has_connected_ = true;
    end_ = simulation_.connect(server_);
    simulation_.note(name_ + ": connect");
    begin_step();
}

void ScriptedClient::take_step() {
    if (step().kind != Script::Kind::send) simulation_.note(name_ + ": " + to_string(step()));
    switch (step().kind) {
    case Script::Kind::send:
        return send();
    case Script::Kind::expect:
        return expect();
    case Script::Kind::expect_end:
    case Script::Kind::read_to_end:
        return read_to_end();
    case Script::Kind::end:
        end_.shut();
        return next();
    case Script::Kind::close:
        return leave(Leaving::close);
    case Script::Kind::reset:
        return leave(Leaving::reset);
    case Script::Kind::perhaps_leave:
        return leave(static_cast<Leaving>(choices_.choose("a client stays, closes, resets", 3)));
    case Script::Kind::wait:
    case Script::Kind::may_be_cut:
        return next();
    }
}

void ScriptedClient::send() {
    const std::string_view rest = std::string_view{step().bytes}.substr(done_of_step_);
    const std::size_t piece =
        choose_part(choices_, "bytes a client sends", std::min(rest.size(), end_.room()));
    const std::size_t sent = end_.send(rest.substr(0, piece));
    simulation_.note(name_ + ": send " + quoted(rest.substr(0, sent)));
    done_of_step_ += sent;
    if (done_of_step_ == step().bytes.size()) next();
}

void ScriptedClient::expect() {
    const std::string_view rest = std::string_view{step().bytes}.substr(done_of_step_);
    const std::string got = end_.receive(rest.size());
    received_ += got;
    done_of_step_ += got.size();
    if (got != rest.substr(0, got.size())) return fail("got " + quoted(got));
    if (done_of_step_ == step().bytes.size()) return next();
    if (got.empty() && end_.ended()) give_up("the program ended");
}

void ScriptedClient::read_to_end() {
    const std::string got = end_.receive();
    received_ += got;
    if (!got.empty() && step().kind == Script::Kind::expect_end) return fail("got " + quoted(got));
    if (end_.ended()) next();
}

void ScriptedClient::leave(Leaving how) {
    if (how == Leaving::not_yet) return next();
    if (how == Leaving::close)
        end_.close();
    else
        end_.reset();
    is_over_ = true;
}

void ScriptedClient::next() {
    ++step_;
    done_of_step_ = 0;
    begin_step();
}

void ScriptedClient::begin_step() {
    for (; step_ < script_.steps().size(); ++step_) {
        if (step().kind == Script::Kind::wait) due_ = simulation_.now() + step().time;
        if (step().kind != Script::Kind::may_be_cut) return;
        may_be_cut_ = true;
    }
    is_over_ = true;
}

// The program has let go of it, which may be what the script allows.
void ScriptedClient::give_up(const std::string& why) {
    static constexpr std::array satisfied{Script::Kind::read_to_end, Script::Kind::close,
                                          Script::Kind::reset, Script::Kind::perhaps_leave};
    if (!may_be_cut_ && std::ranges::find(satisfied, step().kind) == satisfied.end())
        return fail(why);
    leave(Leaving::close);
}

void ScriptedClient::fail(const std::string& why) {
    failure_ =
        name_ + ", step " + std::to_string(step_ + 1) + ", " + to_string(step()) + ": " + why;
    simulation_.note(failure_);
    leave(Leaving::reset);
}

} // namespace pollux
