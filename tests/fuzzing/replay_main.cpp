// Runs fuzz targets on inputs that are kept, in any build.
//
//     fuzz_corpora TARGET FILE|FOLDER...
//     fuzz_corpora                        names the targets

#include "fuzzing.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

namespace {

using pollux_test::FuzzTarget;

const FuzzTarget* find(std::string_view name) {
    const FuzzTarget* target = FuzzTarget::first();
    while (target != nullptr && target->name() != name) target = target->next();
    return target;
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& place) {
    if (!std::filesystem::is_directory(place)) return {place};
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator{place})
        files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
}

// Named before it runs: a target that finds something does not return.
void run(const FuzzTarget& target, const std::filesystem::path& file) {
    std::cout << target.name() << ' ' << file.filename().string() << std::endl;
    std::ifstream stream{file, std::ios::binary};
    if (!stream) throw std::runtime_error{"cannot read " + file.string()};
    target.run(std::string{std::istreambuf_iterator<char>{stream}, {}});
}

int replay(int argc, char** argv) {
    if (argc == 1) {
        for (const FuzzTarget* each = FuzzTarget::first(); each != nullptr; each = each->next())
            std::cout << each->name() << '\n';
        return 0;
    }
    const FuzzTarget* const target = find(argv[1]);
    if (target == nullptr) throw std::runtime_error{"no target " + std::string{argv[1]}};
    std::size_t count = 0;
    for (int place = 2; place < argc; ++place)
        for (const auto& file : files_of(argv[place])) {
            run(*target, file);
            ++count;
        }
    if (count == 0) throw std::runtime_error{"no inputs"};
    std::cout << count << " inputs of " << target->name() << " hold\n";
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return replay(argc, argv);
    } catch (const std::exception& problem) {
        std::cerr << "fuzz_corpora: " << problem.what() << '\n';
        return 2;
    }
}
