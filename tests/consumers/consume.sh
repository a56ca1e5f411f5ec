#!/usr/bin/env bash
# One way for a stranger's project to use pollux: builds main.cpp that way and runs it.
#
#     consume.sh install|find_package|pkg_config static|shared
#     consume.sh add_subdirectory
#
# `install` comes first and makes the prefix that the other two look into. CTest sets:
# POLLUX_SOURCE, POLLUX_BUILD (a finished build), POLLUX_BUILD_KIND (what it holds: static or
# shared), and CXX, CMAKE_GENERATOR and CMAKE_BUILD_TYPE as cmake reads them.
set -euo pipefail

way=$1
kind=${2-}
here=$(cd "$(dirname "$0")" && pwd)
work=$POLLUX_BUILD/consumers/$way${kind:+_$kind}
prefix=$POLLUX_BUILD/consumers/install_$kind/stage/opt/pollux

fail() {
    echo "$way $kind: $*" >&2
    exit 1
}

# Configures and builds the project in $1, quietly unless it fails.
build() {
    local source=$1
    shift
    { cmake -S "$source" -B "$work/build" "$@" && cmake --build "$work/build"; } \
        >"$work/log" 2>&1 || { cat "$work/log" && fail "does not build"; }
}

# Runs the echo server and talks to it.
run() {
    exec {output}< <(exec timeout 20 "$@" </dev/null)
    local server=$! line='' answer=''
    read -r -t 20 line <&"$output" || true
    [[ $line == "listening on 127.0.0.1:"* ]] || fail "$1 says '$line'"
    exec {socket}<>"/dev/tcp/127.0.0.1/${line##*:}"
    echo "hello, echo" >&"$socket"
    read -r -t 20 answer <&"$socket" || true
    exec {socket}>&- {output}<&-
    kill "$server"
    [[ $answer == "hello, echo" ]] || fail "$1 answers '$answer'"
}

# The kind that the finished build lacks is built here: the libraries only, not optimised.
build_other_kind() {
    local shared=OFF
    [[ $kind == shared ]] && shared=ON
    CMAKE_BUILD_TYPE=Debug build "$POLLUX_SOURCE" -DBUILD_SHARED_LIBS=$shared \
        -DPOLLUX_BUILD_TESTS=OFF -DPOLLUX_BUILD_DEMOS=OFF -DPOLLUX_BUILD_BENCH=OFF
}

# Staged with DESTDIR, so that whoever finds the prefix finds it elsewhere than it was made for.
install_into_prefix() {
    local from=$POLLUX_BUILD
    if [[ $kind != "$POLLUX_BUILD_KIND" ]]; then
        build_other_kind
        from=$work/build
    fi
    DESTDIR=$work/stage cmake --install "$from" --prefix /opt/pollux >/dev/null

    diff <(cd "$POLLUX_SOURCE/engine/include" && find . -type f | sort) \
        <(cd "$prefix/include" && find . -type f | sort) ||
        fail "installed headers (>) differ from engine/include (<): see public_headers in CMakeLists.txt"
    ! grep -rIF -e "$POLLUX_SOURCE" -e "$POLLUX_BUILD" -e /opt/pollux "$prefix" ||
        fail "an installed file names a folder of this machine"
}

find_package() {
    build "$here/find_package" -DCMAKE_PREFIX_PATH="$prefix"
    run "$work/build/consumer"
    run "$work/build/consumer_hooked"
}

pkg_config() {
    local flags=()
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name pollux.pc)")
    export PKG_CONFIG_PATH
    [[ $kind == static ]] && flags=(--static)
    # Unquoted: these are words for the compiler.
    # shellcheck disable=SC2046
    "$CXX" -std=c++20 "$here/main.cpp" -o "$work/consumer" \
        $(pkg-config "${flags[@]}" --cflags --libs pollux)
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir pollux) run "$work/consumer"
}

add_subdirectory() {
    CMAKE_BUILD_TYPE=Debug build "$here/add_subdirectory" -DPOLLUX_SOURCE="$POLLUX_SOURCE" \
        -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
    run "$work/build/consumer"

    ! find "$work/build" -name 'libpollux_hooked.*' | grep . || fail "builds what nobody links"
    ! grep -E ' -W[a-z]' "$work/build/compile_commands.json" || fail "our warning flags leak"
    DESTDIR=$work/stage cmake --install "$work/build" >/dev/null
    ! find "$work/stage" -type f 2>/dev/null | grep . || fail "installs what nobody asked for"
}

rm -rf "$work"
mkdir -p "$work"
case $way in
install) install_into_prefix ;;
find_package | pkg_config | add_subdirectory) "$way" ;;
*) fail "no such way" ;;
esac
