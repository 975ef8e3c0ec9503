#!/usr/bin/env bash
# Installs what "make demo" and "make test" need beside Go, and only what is missing. On Debian and its like with apt-get;
# elsewhere it says what to install. It asks nothing, and does nothing when all is there.
#
# usage: packaging/deps.sh demo|test
set -eu

for_what=${1:-test}
case $for_what in demo | test) ;; *)
	echo "usage: $0 demo|test" >&2
	exit 2
	;;
esac

# The browsers that kioskeeper finds by itself: as in kiosk/chromium/find.go.
browsers="chromium chromium-browser google-chrome-stable google-chrome microsoft-edge-stable microsoft-edge"

have() { command -v "$1" >/dev/null 2>&1; }

have_browser() {
	local one
	for one in $browsers; do
		if have "$one"; then return 0; fi
	done
	return 1
}

# The race detector needs a C compiler; one without the C library's headers is none.
have_compiler() {
	have "${CC:-gcc}" && echo '#include <stdlib.h>' | "${CC:-gcc}" -x c -fsyntax-only - 2>/dev/null
}

have_certificates() {
	local one
	for one in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem /etc/ssl/ca-bundle.pem; do
		if [ -s "$one" ]; then return 0; fi
	done
	return 1
}

# A page without any font shows boxes; the tests look at pixels.
have_font() {
	find /usr/share/fonts /usr/local/share/fonts /System/Library/Fonts -name '*.tt[cf]' -print 2>/dev/null | grep -q .
}

missing=() packages=()
need() { # what it is, in words; then the Debian packages that bring it
	missing+=("$1")
	shift
	packages+=("$@")
}

have_browser || need "a browser (Chromium, Chrome or Edge)" chromium chromium-sandbox
have_certificates || need "root certificates" ca-certificates
have_font || need "a font" fonts-dejavu-core
if [ "$(uname -s)" = Linux ]; then
	# The demo takes a display where there is one.
	if [ "$for_what" = test ] || [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
		have Xvfb || need "Xvfb, a display without a screen" xvfb
	fi
fi
if [ "$for_what" = test ]; then
	have_compiler || need "a C compiler, for the race detector" gcc libc6-dev
	have ps || need "ps" procps
	# auto-id's repositories are tested against the servers that people have.
	have radosgw && have radosgw-admin && have ceph && have ceph-mon && have ceph-osd && have monmaptool ||
		need "the Ceph object gateway, an S3 of one's own" radosgw ceph-mon ceph-osd ceph-common
	have git || need "git" git
	PATH=$PATH:/usr/sbin have sshd && have ssh-keygen || need "an SSH server" openssh-server openssh-client
	have bash && have zsh && have fish || need "the shells that autoid writes for" bash zsh fish
	have node && have npm || need "Node, for servers that are written in it" nodejs npm
fi

# What tests need from npm lies beside them, by a lock file, in folders that git ignores.
install_node_modules() {
	local lock folder npm=(npm)
	# Debian's npm 9 stumbles over an override of a package that somebody asks for by a tag.
	case $(npm --version) in [0-9].*) npm=(npm exec --yes -- npm@10) ;; esac
	for lock in "$(dirname "$0")"/../*/*/testdata/package-lock.json; do
		folder=$(dirname "$lock")
		if [ "$folder/node_modules/.package-lock.json" -nt "$lock" ]; then continue; fi
		echo "installing: npm packages in $folder"
		"${npm[@]}" --prefix "$folder" ci --no-audit --no-fund --ignore-scripts --loglevel=error
	done
}

if [ "${#missing[@]}" -eq 0 ]; then
	if [ "$for_what" = test ]; then install_node_modules; fi
	exit 0
fi
echo "missing for make $for_what:"
printf '  %s\n' "${missing[@]}"

if ! have apt-get; then
	cat >&2 <<-TEXT
		This is no Debian: please install them by hand, and run make $for_what again. For example:
		  Fedora    dnf install chromium xorg-x11-server-Xvfb gcc glibc-devel dejavu-sans-fonts procps-ng
		  Arch      pacman -S chromium xorg-server-xvfb gcc ttf-dejavu procps-ng
		  Alpine    apk add chromium xvfb gcc musl-dev font-dejavu procps bash
		  macOS     brew install --cask chromium; xcode-select --install
	TEXT
	exit 1
fi

as_root=(env)
if [ "$(id -u)" -ne 0 ]; then
	if ! have sudo; then
		echo "This needs root, and there is no sudo. As root: apt-get install --no-install-recommends ${packages[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
	if [ ! -t 0 ]; then as_root+=(-n); fi # nobody is there to type a password
	as_root+=(env)
fi
apt() { "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"; }
install_all() { apt install -y --no-install-recommends "${packages[@]}"; }

# Without lists apt knows no package; with old ones it asks for files that are gone.
listed() {
	local one
	for one in "${packages[@]}"; do
		apt-cache show "$one" >/dev/null 2>&1 || return 1
	done
}
echo "installing: ${packages[*]}"
if ! listed || ! install_all; then
	apt update
	install_all
fi

# Ubuntu's chromium packages bring a snap, which works neither in a container nor with a profile outside the home folder.
if ! have_browser; then
	echo "The packages brought no browser. Please install Google Chrome or Chromium by hand, and run make $for_what again." >&2
	exit 1
fi

if [ "$for_what" = test ]; then install_node_modules; fi
