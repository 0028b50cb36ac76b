# shellcheck shell=bash
# Installs what deploy/packages.txt, tests/package.json and gateway/console name.
# Source after common.sh.

# Packages of the list that are not there. dpkg-query fails when it has never heard
# of one, which is what is asked here.
missing_packages() {
  local wanted
  mapfile -t wanted < <(grep -vE '^(#|$)' "$root/deploy/packages.txt")
  { dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" "$@" 2>/dev/null || true; } |
    awk '/^ii/ {print $2}' | sort -u >"$installed_list"
  printf '%s\n' "${wanted[@]}" "$@" | sort -u | comm -23 - "$installed_list"
}

#   install_packages [EXTRA…]
install_packages() {
  local missing sudo=() installed_list
  installed_list="$(mktemp)"
  mapfile -t missing < <(missing_packages "$@")
  rm -f "$installed_list"
  ((${#missing[@]})) || return 0
  grep -q '^VERSION_ID="12"' /etc/os-release 2>/dev/null ||
    say "this is not Debian 12; going on with its packages"
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      fail "packages are missing and there is neither root nor sudo: ${missing[*]}"
    sudo -n true 2>/dev/null || [[ -t 0 ]] ||
      fail "packages are missing and sudo wants a password: ${missing[*]}"
    sudo=(sudo)
  fi
  local apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
  mkdir -p "$root/build/log"
  step "reading package lists" "$root/build/log/apt-update.log" "${apt[@]}" update
  step "installing ${#missing[@]} packages" "$root/build/log/apt-install.log" \
    "${apt[@]}" install --no-install-recommends "${missing[@]}"
}

# buf, which checks the schemas, a provider to sign in with, what drives a browser.
# Another Node than Debian's may have brought npm.
install_npm_packages() {
  local tests="$root/tests"
  if cmp -s "$tests/package-lock.json" "$tests/node_modules/.installed" &&
    compgen -G "$tests/node_modules/@bufbuild/*/bin/buf" >/dev/null; then
    return 0
  fi
  command -v npm >/dev/null || install_packages npm
  step "installing the tests' tools" "$root/build/log/npm.log" \
    npm --prefix "$tests" ci --ignore-scripts --no-audit --no-fund \
    --fetch-retries=1 --loglevel=error
  # An optional package that cannot be fetched is no error to npm.
  compgen -G "$tests/node_modules/@bufbuild/*/bin/buf" >/dev/null ||
    fail "installing buf: the package registry does not answer"
  cp "$tests/package-lock.json" "$tests/node_modules/.installed"
}

# The pages that the gateway serves; it looks for them beside its program's folder.
#   build_console PRESET
build_console() {
  local console="$root/gateway/console"
  [[ -e "$console/package.json" ]] || return 0
  command -v npm >/dev/null || install_packages npm
  step "building the console" "$root/build/log/console.log" "$console/build"
  ln -sfn "$console/dist" "$root/build/$1/console"
}
