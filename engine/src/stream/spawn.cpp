#include "stream/spawn.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <pollux/error.hpp>
#include <stdexcept>
#include <utility>

#include "sys.hpp"

namespace pollux {
namespace {

using Kind = ChildStream::Kind;

// The functions of posix_spawn(3) return their errors.
void must(int error, const ChildOptions& options) {
    if (error < 0) error = errno; // a hook's answer
    if (error == 0) return;
    const std::string& program = options.arguments.front();
    throw_system_error(error, "posix_spawn",
                       options.directory.empty() ? program : program + " in " + options.directory);
}

void check_text(const std::string& text) {
    if (text.find('\0') != text.npos) throw std::invalid_argument{"Child: a text has a zero in it"};
}

void check_options(const ChildOptions& options) {
    if (options.arguments.empty()) throw std::invalid_argument{"Child: no arguments"};
    std::ranges::for_each(options.arguments, check_text);
    if (options.environment) std::ranges::for_each(*options.environment, check_text);
    check_text(options.directory);
    if (options.input.kind() == Kind::output || options.output.kind() == Kind::output)
        throw std::invalid_argument{"Child: only errors can go to the output"};
}

// What the child does with its descriptors before it becomes the program.
class FileActions {
public:
    explicit FileActions(const ChildOptions& options) : options_{options} {
        must(posix_spawn_file_actions_init(&actions_), options_);
    }
    ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;

    /// Returns our end, if there is one.
    Fd connect(int number, const ChildStream& stream) {
        switch (stream.kind()) {
        case Kind::inherited:
            break;
        case Kind::null:
            must(posix_spawn_file_actions_addopen(&actions_, number, "/dev/null", O_RDWR, 0),
                 options_);
            break;
        case Kind::pipe:
            return open_pipe(number);
        case Kind::descriptor:
            duplicate(out_of_the_way(stream.fd(), number), number);
            break;
        case Kind::output:
            duplicate(STDOUT_FILENO, number);
            break;
        }
        return Fd{};
    }

    void change_directory() {
        must(posix_spawn_file_actions_addchdir_np(&actions_, options_.directory.c_str()), options_);
    }
    void close_others() {
        must(posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1), options_);
    }

    const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
    void duplicate(int from, int number) {
        must(posix_spawn_file_actions_adddup2(&actions_, from, number), options_);
    }

    Fd open_pipe(int number) {
        std::array<int, 2> ends{};
        check(sys::pipe2(ends.data(), O_CLOEXEC), "pipe2", options_.arguments.front());
        Fd ours{ends[number == STDIN_FILENO ? 1 : 0]};
        Fd theirs{ends[number == STDIN_FILENO ? 0 : 1]};
        check(sys::fcntl(ours.get(), F_SETFL, O_NONBLOCK), "fcntl O_NONBLOCK");
        duplicate(out_of_the_way(theirs.get(), number), number);
        kept_.push_back(std::move(theirs));
        return ours;
    }

    // A low number may be overwritten before it is its turn: this process may have none of the
    // three open, or exchange them.
    int out_of_the_way(int fd, int number) {
        if (fd < 0 || fd > STDERR_FILENO || fd == number) return fd;
        Fd copy{check(sys::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), "fcntl F_DUPFD_CLOEXEC",
                      std::to_string(fd))};
        return kept_.emplace_back(std::move(copy)).get();
    }

    const ChildOptions& options_;
    posix_spawn_file_actions_t actions_{};
    std::vector<Fd> kept_; // until the process has them
};

// No signal is blocked, and none handled or ignored.
class Attributes {
public:
    explicit Attributes(const ChildOptions& options) {
        must(posix_spawnattr_init(&attributes_), options);
        sigset_t none{};
        sigset_t all{};
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    ~Attributes() { posix_spawnattr_destroy(&attributes_); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;

    const posix_spawnattr_t* get() const noexcept { return &attributes_; }

private:
    posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

} // namespace

Spawned spawn(const ChildOptions& options) {
    check_options(options);
    FileActions actions{options};
    const Attributes attributes{options};
    Spawned spawned;
    spawned.input = actions.connect(STDIN_FILENO, options.input);
    spawned.output = actions.connect(STDOUT_FILENO, options.output);
    spawned.errors = actions.connect(STDERR_FILENO, options.errors);
    if (!options.keep_descriptors) actions.close_others();
    if (!options.directory.empty()) actions.change_directory();

    const std::vector<char*> arguments = pointers_to(options.arguments);
    std::vector<char*> environment;
    if (options.environment) environment = pointers_to(*options.environment);
    must(sys::posix_spawnp(&spawned.pid, arguments.front(), actions.get(), attributes.get(),
                           arguments.data(), options.environment ? environment.data() : environ),
         options);
    return spawned;
}

} // namespace pollux
