#include "stand_by.hpp"

#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace kernel {

Question::Question(const std::string& line) {
    std::istringstream text{line};
    std::string verb;
    if (!(text >> verb >> count_) || verb != "go")
        throw std::invalid_argument{"not “go COUNT …”: " + line};
    for (std::string word; text >> word;) words_.push_back(word);
}

const std::string& Question::word(std::size_t place) const {
    if (place >= words_.size()) throw std::invalid_argument{"too few words after “go COUNT”"};
    return words_[place];
}

std::size_t Question::number(std::size_t place) const {
    std::size_t end = 0;
    const unsigned long value = std::stoul(word(place), &end);
    if (end != word(place).size()) throw std::invalid_argument{"no number: " + word(place)};
    return value;
}

void Answer::name(std::string_view name) {
    if (text_.size() > 1) text_ += ", ";
    text_ += '"';
    text_ += name;
    text_ += "\": ";
}

Answer& Answer::add(std::string_view name, std::int64_t value) {
    this->name(name);
    text_ += std::to_string(value);
    return *this;
}

Answer& Answer::add(std::string_view name, std::span<const std::int64_t> values) {
    this->name(name);
    char before = '[';
    for (const std::int64_t value : values) {
        text_ += before;
        text_ += std::to_string(value);
        before = ',';
    }
    text_ += values.empty() ? "[]" : "]";
    return *this;
}

int stand_by(const std::function<Answer(const Question&)>& answer) {
    try {
        std::cout << "ready" << std::endl;
        for (std::string line; std::getline(std::cin, line);)
            std::cout << answer(Question{line}).text() << std::endl;
        return 0;
    } catch (const std::exception& problem) {
        std::cerr << problem.what() << '\n';
        return 1;
    }
}

} // namespace kernel
