#!/usr/bin/env bash
# Builds static binaries for the machines that walls run on, and packs them in dist/. The same commit and Go give the same
# bytes, in whatever folder: times, owners and order in the archives are fixed.
#
# usage: packaging/archives.sh [version]
set -eu
cd "$(dirname "$0")/.."

version=${1:-$(git describe --tags --always --dirty 2>/dev/null || echo unversioned)}
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}

rm -rf dist
mkdir dist
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

for machine in amd64 arm64 armv6 armv7; do
	case $machine in
	armv*) arch=arm arm=${machine#armv} ;;
	*) arch=$machine arm= ;;
	esac
	name=kioskeeper-$version-linux-$machine
	echo "building $name"
	mkdir "$stage/$name"
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOARM=$arm go build -trimpath -ldflags='-s -w' -o "$stage/$name/" ./cmd/...
	cp LICENSE "$stage/$name/"
	for more in README.md docs man; do
		if [ -e "$more" ]; then cp -R "$more" "$stage/$name/"; fi
	done
	chmod -R u=rwX,go=rX "$stage/$name"
	tar --sort=name --mtime="@$time" --owner=0 --group=0 --numeric-owner --format=ustar -C "$stage" -cf - "$name" |
		gzip -n -9 >"dist/$name.tar.gz"
done
cd dist
sha256sum ./*.tar.gz | sed 's# \./# #' >SHA256SUMS
cat SHA256SUMS
