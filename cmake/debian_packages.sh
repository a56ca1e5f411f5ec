#!/usr/bin/env bash
# Installs the Debian packages that this project is built with, if any is missing.
#
#     cmake/debian_packages.sh GROUP...
#
#     build    compiler, CMake, what demos, tests and benchmarks are compiled with
#     tests    clang and its tools, the programs that tests talk to
#     bench    plots, valgrind, what is compared with
set -euo pipefail

wanted=()
for group in "$@"; do
    case $group in
    build)
        wanted+=(g++ cmake ninja-build pkg-config git libcli11-dev doctest-dev libbenchmark-dev
            nlohmann-json3-dev libboost-dev libcrypt-dev libseccomp-dev)
        ;;
    tests)
        wanted+=(python3 curl ncat socat clang-16 clang-tidy-16 clang-format-16
            libclang-16-dev llvm-16-dev libclang-rt-16-dev binutils strace chromium wrk)
        ;;
    bench)
        wanted+=(python3 python3-matplotlib python3-numpy socat valgrind util-linux iproute2 strace
            libevent-dev libev-dev libuv1-dev libasio-dev liburing-dev)
        ;;
    *)
        echo "${0##*/}: no group '$group': choose among build, tests, bench" >&2
        exit 2
        ;;
    esac
done
if ((${#wanted[@]} == 0)); then
    sed -n '2,/^set/{s/^# \{0,1\}//p}' "$0"
    exit 2
fi

if ! command -v dpkg-query >/dev/null; then
    echo "not a Debian system: see that these, or what they are called here, are installed:" >&2
    echo "    ${wanted[*]}" >&2
    exit 0
fi

missing=()
for package in "${wanted[@]}"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || true
    [[ $status == installed ]] || missing+=("$package")
done
((${#missing[@]} == 0)) && exit 0

as_root=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        echo "missing packages, and neither root nor sudo to install them; as root:" >&2
        echo "    apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

echo "installing ${missing[*]}"
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" \
        </dev/null
}
apt update
apt install --yes --no-install-recommends "${missing[@]}" >/dev/null
